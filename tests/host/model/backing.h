/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_BACKING_H
#define VGPU_HOST_BACKING_H

#include "budget.h"
#include "gmem.h"

/**
 * struct backing - guest pages assigned to a resource
 * @gm: guest memory
 * @budget: charged for @gpa and @start
 * @gpa: address of each piece
 * @start: offset of each piece, and the total behind the last
 * @n: pieces
 * @size: bytes in all
 */
struct backing {
	const struct gmem *gm;
	struct budget *budget;
	u64 *gpa;
	u64 *start;
	u32 n;
	u64 size;
};

struct backing *backing_create(struct budget *budget, const struct gmem *gm,
			       const void *entries, u32 n);
void backing_destroy(struct backing *b);
bool backing_copy(const struct backing *b, u64 off, void *p, u64 len, bool to_guest);

#endif
