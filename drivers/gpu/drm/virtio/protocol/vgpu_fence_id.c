// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: fence ids
 *
 * Hosts keep the ids of global fences in 32 bits, and treat the signal of an id as the signal of
 * all smaller ids. So ids grow, and the ids of global fences begin anew at 1 only when the host
 * has signalled all older global fences. When 2^28 ids are left, new work that needs a global
 * fence is throttled until then, while the display and earlier work use the remaining ids. Ids of
 * ring fences are sequence numbers of 64 bits on the wire (virtio 1.3, 5.7.6.7): they keep
 * growing, and delay nothing.
 */

#include <linux/wordpart.h>

#include "protocol/vgpu_fence_id.h"

/**
 * vgpu_fence_ids_init() - Set the first id
 * @ids: the ids
 * @first: the first id, usually 1; 0 is not a valid id, and stands for 1
 *
 * Context: any; before the first command.
 */
void vgpu_fence_ids_init(struct vgpu_fence_ids *ids, u32 first)
{
	ids->last = first ? first - 1 : 0;
	atomic_set(&ids->nr_global, 0);
}

static bool vgpu_fence_ids_are_high(const struct vgpu_fence_ids *ids)
{
	return lower_32_bits(READ_ONCE(ids->last)) >= VGPU_FENCE_ID_LIMIT;
}

/**
 * vgpu_fence_ids_next() - Get the id of a fence
 * @ids: the ids
 * @is_global: the fence is on no ring; vgpu_fence_ids_put() is called when it has signalled
 *
 * Context: any; calls are serialized.
 * Return: the id, not 0; that of a global fence fits into 32 bits.
 */
u64 vgpu_fence_ids_next(struct vgpu_fence_ids *ids, bool is_global)
{
	u64 id = ids->last + 1;

	if (!is_global) {
		WRITE_ONCE(ids->last, id);
		return id;
	}
	if (!lower_32_bits(id))
		id++;

	/* All older global fences are signalled: begin anew. */
	if (vgpu_fence_ids_are_high(ids) && !atomic_read(&ids->nr_global))
		id = ((u64)upper_32_bits(id) + 1) << 32 | 1;
	WRITE_ONCE(ids->last, id);
	atomic_inc(&ids->nr_global);
	return lower_32_bits(id);
}

/**
 * vgpu_fence_ids_put() - Note that the host has signalled a global fence
 * @ids: the ids
 *
 * Context: any.
 * Return: true if no global fence is pending, so that clients that wait may go on.
 */
bool vgpu_fence_ids_put(struct vgpu_fence_ids *ids)
{
	/* Wake even if ids are not short now: they may have begun anew in the meantime. */
	return atomic_dec_and_test(&ids->nr_global);
}

/**
 * vgpu_fence_ids_are_short() - Check whether new global fences must wait for older ones
 * @ids: the ids
 *
 * Context: any.
 * Return: true if they must.
 */
bool vgpu_fence_ids_are_short(const struct vgpu_fence_ids *ids)
{
	return vgpu_fence_ids_are_high(ids) && atomic_read(&ids->nr_global);
}
