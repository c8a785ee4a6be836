/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_BACKING_H
#define VGPU_HOST_BACKING_H

#include "gmem.h"

/**
 * struct backing - guest pages assigned to a resource
 * @gm: guest memory
 * @gpa: address of each piece
 * @start: offset of each piece, and the total behind the last
 * @n: pieces
 * @size: bytes in all
 */
struct backing {
	const struct gmem *gm;
	u64 *gpa;
	u64 *start;
	u32 n;
	u64 size;
};

struct backing *backing_create(const struct gmem *gm, const void *entries, u32 n);
void backing_destroy(struct backing *b);
bool backing_read(const struct backing *b, u64 off, void *dst, u64 len);
bool backing_write(const struct backing *b, u64 off, const void *src, u64 len);

#endif
