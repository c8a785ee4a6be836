// SPDX-License-Identifier: MIT
/* Scatter lists over guest memory, addressed as if they were contiguous. */
#include <stdlib.h>

#include <linux/virtio_gpu.h>

#include "backing.h"
#include "log.h"

/**
 * backing_create - Make a scatter list of memory entries
 * @budget: charged for it
 * @gm: guest memory
 * @entries: struct virtio_gpu_mem_entry in wire format, already checked
 * @n: how many
 *
 * Return: the list, or NULL when the budget refuses it.
 */
struct backing *backing_create(struct budget *budget, const struct gmem *gm,
			       const void *entries, u32 n)
{
	const u8 *e = entries;
	struct backing *b = xcalloc(1, sizeof(*b));

	b->gm = gm;
	b->budget = budget;
	b->n = n;
	b->gpa = budget_alloc(budget, n, sizeof(*b->gpa));
	b->start = budget_alloc(budget, (u64)n + 1, sizeof(*b->start));
	if (!b->gpa || !b->start) {
		backing_destroy(b);
		return NULL;
	}
	for (u32 i = 0; i < n; i++, e += sizeof(struct virtio_gpu_mem_entry)) {
		b->gpa[i] = get_le64(e + offsetof(struct virtio_gpu_mem_entry, addr));
		b->start[i] = b->size;
		b->size += get_le32(e + offsetof(struct virtio_gpu_mem_entry, length));
	}
	b->start[n] = b->size;
	return b;
}

/**
 * backing_destroy - Free a scatter list
 * @b: the list, or NULL
 */
void backing_destroy(struct backing *b)
{
	if (!b)
		return;
	budget_free(b->budget, b->gpa, b->n * sizeof(*b->gpa));
	budget_free(b->budget, b->start, (b->n + 1ull) * sizeof(*b->start));
	free(b);
}

static u32 backing_find(const struct backing *b, u64 off)
{
	u32 lo = 0, hi = b->n - 1;

	while (lo < hi) {
		u32 mid = lo + (hi - lo + 1) / 2;

		if (b->start[mid] <= off)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

/**
 * backing_copy - Copy out of the guest's pages or into them
 * @b: the list
 * @off: offset into it
 * @p: memory of ours
 * @len: bytes
 * @to_guest: which way
 *
 * Return: false when the range is not inside, or the memory went away.
 */
bool backing_copy(const struct backing *b, u64 off, void *p, u64 len, bool to_guest)
{
	u8 *ours = p;

	if (off > b->size || len > b->size - off)
		return false;
	for (u32 i = len ? backing_find(b, off) : 0; len; i++) {
		u64 skip = off - b->start[i];
		u64 n = MIN(len, b->start[i + 1] - off);

		if (!gmem_copy(b->gm, b->gpa[i] + skip, ours, n, to_guest))
			return false;
		ours += n;
		off += n;
		len -= n;
	}
	return true;
}
