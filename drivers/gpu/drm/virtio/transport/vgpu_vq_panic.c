// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: a queue in a panic
 *
 * In a panic no other code runs and none can sleep, so the messages of a panic go past those that
 * wait for room, and the driver polls for their answers.
 */

#include <linux/delay.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>

#include "transport/vgpu_vq_priv.h"

/* How long a panic waits for room in the ring, and then for the answer: a second each. */
#define VGPU_VQ_PANIC_TRIES	100000
#define VGPU_VQ_PANIC_DELAY_US	10

/*
 * The ring tries to allocate an indirect table and does without if it gets none. It must not wake
 * kswapd for it: the locks of the scheduler may be held.
 */
#define VGPU_VQ_PANIC_GFP	(__GFP_HIGH | __GFP_NOWARN)

/**
 * vgpu_vq_panic_enter() - Take a queue over in a panic
 * @vq: the queue
 *
 * No other code runs, so a holder of the lock never drops it, and may have left the queue
 * inconsistent: the lock is tried, not waited for. The caller holds the lock until
 * vgpu_vq_panic_exit().
 *
 * Context: panic, or interrupts off.
 * Return: 0; -EBUSY if the lock was held; or the error of vgpu_vq_error().
 */
int vgpu_vq_panic_enter(struct vgpu_vq *vq)
{
	int ret;

	if (!spin_trylock(&vq->lock))
		return -EBUSY;
	ret = vq->error ?: vq->ring ? 0 : -ENODEV;
	if (ret)
		spin_unlock(&vq->lock);
	else
		__release(&vq->lock);	/* for sparse: vgpu_vq_panic_exit() unlocks */
	return ret;
}

/* Wait for the answer to a message or, with NULL, for room in the ring. */
static bool vgpu_vq_panic_poll_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	unsigned int tries;

	lockdep_assert_held(&vq->lock);

	for (tries = 0; tries < VGPU_VQ_PANIC_TRIES; tries++) {
		vgpu_vq_reap_locked(vq);
		if (msg ? msg->state == VGPU_MSG_RETIRED :
			  vq->ring->num_free >= VGPU_VQ_FIXED_ENTRIES)
			return true;
		udelay(VGPU_VQ_PANIC_DELAY_US);
	}
	return false;
}

/**
 * vgpu_vq_panic_run() - Send a message and wait for its answer without sleeping
 * @vq: the queue, taken over
 * @msg: the message, without data; it goes past those that wait for room
 *
 * Nobody else waits for @msg, so it is not completed. If the device has answered, the queue drops
 * its reference.
 *
 * Context: between vgpu_vq_panic_enter() and vgpu_vq_panic_exit().
 * Return: 0; -ETIMEDOUT without room or an answer in time; -EIO if the ring does not take @msg.
 */
int vgpu_vq_panic_run(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	if (!vgpu_vq_panic_poll_locked(vq, NULL))
		return -ETIMEDOUT;
	if (!vgpu_vq_enter_ring_locked(vq, msg, VGPU_VQ_PANIC_GFP))
		return -EIO;
	kref_get(&msg->ref);
	if (vgpu_vq_prepare_kick_locked(vq))
		virtqueue_notify(vq->ring);
	if (!vgpu_vq_panic_poll_locked(vq, msg))
		return -ETIMEDOUT;

	vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_NEW);
	vgpu_msg_put(msg);
	return 0;
}

/**
 * vgpu_vq_panic_exit() - Undo vgpu_vq_panic_enter()
 * @vq: the queue
 *
 * After a drill, which is not a panic, messages that were answered meanwhile are completed.
 *
 * Context: panic, or interrupts off.
 */
void vgpu_vq_panic_exit(struct vgpu_vq *vq)
{
	LIST_HEAD(done);

	if (!oops_in_progress)
		vgpu_vq_take_done_locked(vq, &done);
	__acquire(&vq->lock);	/* for sparse: locked by vgpu_vq_panic_enter() */
	spin_unlock(&vq->lock);
	vgpu_vq_finish(&done);
}
