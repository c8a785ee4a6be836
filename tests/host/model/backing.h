/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/virtio_gpu.h>

#include "budget.h"
#include "gmem.h"

/* Guest pages assigned to a resource. */
struct backing {
	const struct gmem *gm;	/* guest memory */
	struct budget *budget;	/* charged for it */
	u64 bytes;		/* how much */
	u64 size;		/* bytes of all pieces */
	u32 n;			/* pieces */
	struct {
		u64 gpa;	/* address */
		u64 start;	/* offset in the backing; behind the last one, @size */
	} piece[];
};

struct backing *backing_create(struct budget *budget, const struct gmem *gm,
			       const struct virtio_gpu_mem_entry *e, u32 n);
void backing_destroy(struct backing *b);
bool backing_copy(const struct backing *b, u64 off, void *p, u64 len, bool to_guest);
