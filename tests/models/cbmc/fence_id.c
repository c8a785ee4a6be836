// SPDX-License-Identifier: MIT
/*
 * cbmc: the ids of fences, from any state.
 *
 * A host takes the signal of a global id for the signal of all smaller ids. So a new global id is
 * larger than the ids of all global fences that are pending, or none is pending; and the id of a
 * ring fence is larger than those of all earlier ring fences. One step from any state for which
 * that holds leads to a state for which that holds, so it holds for ever.
 *
 * Clients wait while ids are short. The display does not; it has the ids from VGPU_FENCE_ID_LIMIT
 * up, more than it uses while a fence is pending.
 *
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence_id.h: vgpu_fence_ids_init vgpu_fence_ids_next
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence_id.h: vgpu_fence_ids_next_ring
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence_id.h: vgpu_fence_ids_put
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence_id.h: vgpu_fence_ids_are_high
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence_id.h: vgpu_fence_ids_are_short
 */
#include "kernel.h"

#include "protocol/vgpu_fence_id.h"

static u64 newest_ring;
/* The largest global id that is pending, or 0. */
static u32 pending;

static bool is_valid(const struct vgpu_fence_ids *ids)
{
	return newest_ring <= ids->last_ring && pending <= ids->last &&
	       ids->nr_global.counter >= 0 && !pending == !ids->nr_global.counter;
}

static void check_init(void)
{
	struct vgpu_fence_ids ids;
	u32 first = nondet_u32();

	vgpu_fence_ids_init(&ids, first);
	newest_ring = 0;
	pending = 0;
	assert(is_valid(&ids));
	assert(vgpu_fence_ids_next(&ids, true) ==
	       (first && first <= VGPU_FENCE_ID_LIMIT ? first : 1));
}

static void check_next(bool is_global)
{
	struct vgpu_fence_ids ids;
	u64 id;

	ids.last = nondet_u32();
	ids.last_ring = nondet_u64();
	ids.nr_global.counter = nondet_s32();
	newest_ring = nondet_u64();
	pending = nondet_u32();
	assume(is_valid(&ids));
	/* Numbers of 64 bits do not end, there is memory for 2^30 fences, and the display has ids. */
	assume(ids.last_ring < (u64)1 << 56 && ids.nr_global.counter < 1 << 30);
	assume(!is_global || ids.last < U32_MAX);

	id = vgpu_fence_ids_next(&ids, is_global);
	assert(id);
	if (is_global) {
		assert(id <= U32_MAX && id > pending);
		pending = id;
	} else {
		assert(id > newest_ring);
		newest_ring = id;
	}
	assert(is_valid(&ids));
	/* Without pending fences no client waits. */
	vgpu_fence_ids_put(&ids);
	if (!atomic_read(&ids.nr_global))
		assert(!vgpu_fence_ids_are_short(&ids));
}

int main(void)
{
	check_init();
	check_next(true);
	check_next(false);
}
