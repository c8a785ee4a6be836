// SPDX-License-Identifier: MIT
/* Scatter lists over guest memory, addressed as if they were contiguous. */
#include "backing.h"

/* Make a scatter list of memory entries, checked before. NULL: the budget refuses it. */
struct backing *backing_create(struct budget *budget, const struct gmem *gm,
			       const struct virtio_gpu_mem_entry *e, u32 n)
{
	u64 bytes = sizeof(struct backing) + (n + 1ull) * sizeof(((struct backing *)0)->piece[0]);
	struct backing *b = budget_alloc(budget, bytes, 1);

	if (!b)
		return NULL;
	b->gm = gm;
	b->budget = budget;
	b->bytes = bytes;
	b->n = n;
	for (u32 i = 0; i < n; i++) {
		b->piece[i].gpa = le64toh(e[i].addr);
		b->piece[i].start = b->size;
		b->size += le32toh(e[i].length);
	}
	b->piece[n].start = b->size;
	return b;
}

void backing_destroy(struct backing *b)
{
	if (b)
		budget_free(b->budget, b, b->bytes);
}

static u32 backing_find(const struct backing *b, u64 off)
{
	u32 lo = 0, hi = b->n - 1;

	while (lo < hi) {
		u32 mid = lo + (hi - lo + 1) / 2;

		if (b->piece[mid].start <= off)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

/* Copy out of the guest's pages or into them. False: not all of the range is there. */
bool backing_copy(const struct backing *b, u64 off, void *p, u64 len, bool to_guest)
{
	u8 *ours = p;

	if (off > b->size || len > b->size - off)
		return false;
	for (u32 i = len ? backing_find(b, off) : 0; len; i++) {
		u64 skip = off - b->piece[i].start;
		u64 n = MIN(len, b->piece[i + 1].start - off);

		if (!gmem_copy(b->gm, b->piece[i].gpa + skip, ours, n, to_guest))
			return false;
		ours += n;
		off += n;
		len -= n;
	}
	return true;
}
