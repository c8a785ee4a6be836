/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_FENCE_ID_H
#define VGPU_FENCE_ID_H

#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/types.h>

/**
 * DOC: fence ids
 *
 * Hosts keep the ids of global fences in 32 bits, and treat the signal of an id as the signal of
 * all smaller ids. So ids grow, and the ids of global fences begin anew at 1 only when the host
 * has signalled all older global fences. When 2^28 ids are left, new work that needs a global
 * fence is throttled until then, while the display and earlier work use the remaining ids.
 * Ids of ring fences are sequence numbers of 64 bits on the wire (virtio 1.3, 5.7.6.7): they keep
 * growing. Newer QEMU signals each global fence whose id is smaller than that of any ring fence it
 * signals, so both kinds take their ids from one counter at first. When 2^28 ids are left, ring
 * fences continue above 2^32 for good, which leaves the remaining ids to global fences.
 *
 * Models in tests/models/: cbmc/fence_id.c, litmus/fence-ids-wake.litmus.
 */

/* From this id on, clients wait until ids begin anew; the display uses the remaining ids. */
#define VGPU_FENCE_ID_LIMIT	0xf0000000u

/**
 * struct vgpu_fence_ids - Ids of fences on the wire
 * @last: the newest id below 2^32; written under the lock of the control queue
 * @last_ring: the newest id of a ring fence, 0 before; protected by that lock
 * @nr_global: global fences that the host has not signalled
 */
struct vgpu_fence_ids {
	u32 last;
	u64 last_ring;
	atomic_t nr_global;
};

/**
 * vgpu_fence_ids_init() - Set the first id
 * @ids: the ids
 * @first: the first id, usually 1; 0 is not a valid id, and stands for 1
 *
 * Context: any; before the first command.
 */
static inline void vgpu_fence_ids_init(struct vgpu_fence_ids *ids, u32 first)
{
	ids->last = first ? first - 1 : 0;
	ids->last_ring = 0;
	atomic_set(&ids->nr_global, 0);
}

static inline bool vgpu_fence_ids_are_high(const struct vgpu_fence_ids *ids)
{
	return READ_ONCE(ids->last) >= VGPU_FENCE_ID_LIMIT;
}

static inline u64 vgpu_fence_ids_next_ring(struct vgpu_fence_ids *ids)
{
	/* Not after the ids of global fences have begun anew: those of a ring keep growing. */
	if (ids->last_ring <= ids->last && !vgpu_fence_ids_are_high(ids)) {
		WRITE_ONCE(ids->last, ids->last + 1);
		ids->last_ring = ids->last;
	} else {
		ids->last_ring = max_t(u64, ids->last_ring, U32_MAX) + 1;
	}
	return ids->last_ring;
}

/**
 * vgpu_fence_ids_next() - Get the id of a fence
 * @ids: the ids
 * @is_global: the fence is on no ring; vgpu_fence_ids_put() is called when it has signalled
 *
 * Context: any; calls are serialized.
 * Return: the id, not 0; that of a global fence fits into 32 bits.
 */
static inline u64 vgpu_fence_ids_next(struct vgpu_fence_ids *ids, bool is_global)
{
	u32 id;

	if (!is_global)
		return vgpu_fence_ids_next_ring(ids);

	/* Begin anew if all older global fences are signalled, or after weeks of updates. */
	id = ids->last + 1;
	if (!id || (vgpu_fence_ids_are_high(ids) && !atomic_read(&ids->nr_global)))
		id = 1;
	WRITE_ONCE(ids->last, id);
	atomic_inc(&ids->nr_global);
	return id;
}

/**
 * vgpu_fence_ids_put() - Note that the host has signalled a global fence
 * @ids: the ids
 *
 * The caller then wakes the clients that wait for an id.
 *
 * Context: any.
 */
static inline void vgpu_fence_ids_put(struct vgpu_fence_ids *ids)
{
	atomic_dec(&ids->nr_global);
}

/**
 * vgpu_fence_ids_are_short() - Check whether new global fences must wait for older ones
 * @ids: the ids
 *
 * Context: any.
 * Return: true if they must.
 */
static inline bool vgpu_fence_ids_are_short(const struct vgpu_fence_ids *ids)
{
	return vgpu_fence_ids_are_high(ids) && atomic_read(&ids->nr_global);
}

#endif
