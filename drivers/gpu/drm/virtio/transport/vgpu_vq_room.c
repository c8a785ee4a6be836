// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: room in the ring
 *
 * A message that the device has had for a second is called held, whether the device holds it on
 * purpose or not. A held message keeps its place in the ring, so a client with held messages may
 * have only a limited number of commands in flight, which leaves a part of the ring to all others;
 * see vgpu_vq_held_share(). When less than a quarter of the ring is free, all clients are limited,
 * which leaves that quarter to the display and to teardown; see vgpu_vq_is_crowded().
 */

#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "transport/vgpu_vq_priv.h"

/* The part of the ring that a client may use while the device holds its messages: an eighth. */
#define VGPU_VQ_SHARE_SHIFT	3

/**
 * vgpu_vq_age_locked() - Mark messages that the device has had for VGPU_VQ_HELD_MS as held
 * @vq: the queue
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_age_locked(struct vgpu_vq *vq)
{
	unsigned long old = jiffies - msecs_to_jiffies(VGPU_VQ_HELD_MS);
	struct vgpu_msg *msg, *next;

	lockdep_assert_held(&vq->lock);

	list_for_each_entry_safe(msg, next, &vq->msgs[VGPU_MSG_RING], node) {
		if (time_after(msg->since, old))
			break;
		vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_HELD);
	}
}

/**
 * vgpu_vq_is_crowded() - Check whether a client's message would leave the display too little room
 * @vq: the queue
 *
 * Context: any.
 * Return: a snapshot; without meaning on a failed queue.
 */
bool vgpu_vq_is_crowded(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->crowded);
}

/**
 * vgpu_vq_held_quarters() - Get the number of quarters of the ring that held messages occupy
 * @vq: the queue
 *
 * Context: any.
 * Return: the number, 0 to 4, rounded down.
 */
u32 vgpu_vq_held_quarters(const struct vgpu_vq *vq)
{
	u32 entries = READ_ONCE(vq->stats.ring_entries);

	return entries ? READ_ONCE(vq->stats.held) * 4 / entries : 0;
}

/**
 * vgpu_vq_held_share() - Get how many messages a client with held ones may have in flight
 * @vq: the queue
 *
 * Context: any.
 * Return: the number, an eighth of the ring and at least 1.
 */
u32 vgpu_vq_held_share(const struct vgpu_vq *vq)
{
	return max(READ_ONCE(vq->stats.ring_entries) >> VGPU_VQ_SHARE_SHIFT, 1);
}

/**
 * vgpu_vq_max_data() - Get how many entries the data of a message may have
 * @vq: the queue
 *
 * A chain of descriptors is not longer than the ring, indirect or not (virtio
 * 1.3, 2.7.5.3.1 "Driver Requirements: Indirect Descriptors").
 *
 * Context: any.
 * Return: the largest value of &vgpu_msg.ndata; 0 before the first vgpu_vq_attach().
 */
unsigned int vgpu_vq_max_data(const struct vgpu_vq *vq)
{
	u32 entries = READ_ONCE(vq->stats.ring_entries);

	return entries > VGPU_VQ_FIXED_ENTRIES ? entries - VGPU_VQ_FIXED_ENTRIES : 0;
}
