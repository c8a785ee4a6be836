// SPDX-License-Identifier: MIT
/* Scatter lists over guest memory, addressed as if they were contiguous. */
#include <stdlib.h>

#include <linux/virtio_gpu.h>

#include "backing.h"
#include "log.h"

/**
 * backing_create - Make a scatter list of memory entries
 * @gm: guest memory
 * @entries: struct virtio_gpu_mem_entry in wire format, already checked
 * @n: how many
 *
 * Return: the list.
 */
struct backing *backing_create(const struct gmem *gm, const void *entries, u32 n)
{
	const u8 *e = entries;
	struct backing *b = xcalloc(1, sizeof(*b));

	b->gm = gm;
	b->gpa = xcalloc(n, sizeof(*b->gpa));
	b->start = xcalloc((u64)n + 1, sizeof(*b->start));
	b->n = n;
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
	free(b->gpa);
	free(b->start);
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

static bool backing_range_ok(const struct backing *b, u64 off, u64 len)
{
	return off <= b->size && len <= b->size - off;
}

/**
 * backing_read - Copy out of the guest's pages
 * @b: the list
 * @off: offset into it
 * @dst: where to
 * @len: bytes
 *
 * Return: false when the range is not inside, or the memory went away.
 */
bool backing_read(const struct backing *b, u64 off, void *dst, u64 len)
{
	u8 *out = dst;

	if (!backing_range_ok(b, off, len))
		return false;
	for (u32 i = len ? backing_find(b, off) : 0; len; i++) {
		u64 skip = off - b->start[i];
		u64 n = MIN(len, b->start[i + 1] - off);

		if (!gmem_read(b->gm, b->gpa[i] + skip, out, n))
			return false;
		out += n;
		off += n;
		len -= n;
	}
	return true;
}

/**
 * backing_write - Copy into the guest's pages
 * @b: the list
 * @off: offset into it
 * @src: where from
 * @len: bytes
 *
 * Return: false when the range is not inside, or the memory went away.
 */
bool backing_write(const struct backing *b, u64 off, const void *src, u64 len)
{
	const u8 *in = src;

	if (!backing_range_ok(b, off, len))
		return false;
	for (u32 i = len ? backing_find(b, off) : 0; len; i++) {
		u64 skip = off - b->start[i];
		u64 n = MIN(len, b->start[i + 1] - off);

		if (!gmem_write(b->gm, b->gpa[i] + skip, in, n))
			return false;
		in += n;
		off += n;
		len -= n;
	}
	return true;
}
