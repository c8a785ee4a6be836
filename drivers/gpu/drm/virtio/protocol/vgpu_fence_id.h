/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_FENCE_ID_H
#define VGPU_FENCE_ID_H

#include <linux/atomic.h>
#include <linux/types.h>

/* From this id on, clients wait until ids begin anew; the display uses the remaining ids. */
#define VGPU_FENCE_ID_LIMIT	0xf0000000u

/**
 * struct vgpu_fence_ids - Ids of fences on the wire
 * @last: the newest id; the id of a global fence on the wire is its lower 32 bits; written under
 *        the lock of the control queue
 * @nr_global: global fences that the host has not signalled
 */
struct vgpu_fence_ids {
	u64 last;
	atomic_t nr_global;
};

void vgpu_fence_ids_init(struct vgpu_fence_ids *ids, u32 first);
u64 vgpu_fence_ids_next(struct vgpu_fence_ids *ids, bool is_global);
bool vgpu_fence_ids_put(struct vgpu_fence_ids *ids);
bool vgpu_fence_ids_are_short(const struct vgpu_fence_ids *ids);

#endif
