// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: watching the device
 *
 * The queue does not judge how long a message takes, only whether the host answers at all. No
 * message is ever too old.
 *
 * A timer of each queue, the sweep, collects responses without a waiter. While the ring
 * holds messages and the device answers none, the delay of the sweep grows. After a second
 * without any answer the sweep notifies the device again, since a notification may have been
 * lost, and has the owner of the queue send a ping. If the host answers the ping, it holds the
 * other messages on purpose; unless new messages are sent, the next ping follows after twice
 * the time, up to a minute. If the host does not answer the ping, it is silent, and the display
 * goes on without waiting for it. After the silence limit the device is lost::
 *
 *   HEARD --sweep--> QUIET --1, 2, 4 ... 60 s--> ASKED --2 s--> SILENT --silence limit--> LOST
 *     ^                ^                           |              |                         |
 *     |                '------ ping answered ------+--------------+-------------------------+
 *     '--------------------- other answer ---------'--------------'-------------------------'
 *
 * The sweep also marks messages that the device has had for a second as held, whether the device
 * holds them on purpose or not. A held message keeps its place in the ring, so a client with held
 * messages may have only a limited number of commands in flight (vgpu_vq_held_share()), which
 * leaves a part of the ring to all others. When less than a quarter of the ring is free, all
 * clients are limited, which leaves that quarter to the display and to teardown
 * (vgpu_vq_is_crowded()).
 *
 * The clock of the watch is made of sweeps: each sweep adds the delay that it was armed with,
 * however late it is. When a stopped guest goes on, its clock may have advanced by minutes in
 * which the host could not answer either; these minutes do not count.
 *
 * Models in tests/models/: litmus/detach-notify.litmus, spin/vq.pml.
 */

#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq_priv.h"

/* The factor by which the delay of the sweep grows, and the longest delay. */
#define VGPU_VQ_SWEEP_GROWTH	4
#define VGPU_VQ_SWEEP_MAX_MS	60000

/* The longest silence before a ping. */
#define VGPU_VQ_PING_MAX_MS	60000

/* Mark messages that the device has had for VGPU_VQ_HELD_MS as held. */
static void vgpu_vq_age_locked(struct vgpu_vq *vq)
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

/* Get the value of the clock at which @host moves on, if the device answers nothing. */
static unsigned int vgpu_vq_due_ms(const struct vgpu_vq *vq)
{
	const unsigned int due_ms[] = {
		[VGPU_VQ_HEARD] = 0,
		[VGPU_VQ_QUIET] = vq->ping_ms,
		[VGPU_VQ_ASKED] = VGPU_VQ_ANSWER_MS,
		[VGPU_VQ_SILENT] = vq->silence_limit_ms ?: UINT_MAX,
		[VGPU_VQ_LOST] = UINT_MAX,
	};

	return due_ms[vq->host];
}

static unsigned int vgpu_vq_next_sweep_ms(const struct vgpu_vq *vq)
{
	unsigned int grown_ms = min(vq->sweep_ms * VGPU_VQ_SWEEP_GROWTH, VGPU_VQ_SWEEP_MAX_MS);
	unsigned int due_ms = vgpu_vq_due_ms(vq);

	/* A silence limit below VGPU_VQ_ANSWER_MS is over by now. */
	if (due_ms <= vq->quiet_ms)
		return VGPU_VQ_SWEEP_MIN_MS;
	return max(min(grown_ms, due_ms - vq->quiet_ms), VGPU_VQ_SWEEP_MIN_MS);
}

/* Move @host to its next state if that is due. Returns true if @host has moved. */
static bool vgpu_vq_judge_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (vq->quiet_ms < vgpu_vq_due_ms(vq))
		return false;
	if (vq->host == VGPU_VQ_HEARD)
		vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
	if (vq->host == VGPU_VQ_QUIET)
		vq->ping_ms = min(vq->ping_ms * 2, VGPU_VQ_PING_MAX_MS);
	vgpu_vq_set_host_locked(vq, vq->host + 1);
	return true;
}

/* Notify the device even if it did not ask for it: an earlier notification may be lost. */
static void vgpu_vq_notify_again(struct vgpu_vq *vq)
{
	struct virtqueue *ring;
	unsigned long flags;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	ring = vq->error ? NULL : vq->ring;
	vq->stats.kicks += !!ring;
	spin_unlock_irqrestore(&vq->lock, flags);
	if (ring)
		virtqueue_notify(ring);
	rcu_read_unlock();
}

static void vgpu_vq_tell_owner(struct vgpu_vq *vq, enum vgpu_vq_host host)
{
	if (host == VGPU_VQ_ASKED) {
		vgpu_vq_notify_again(vq);
		vq->ops->ask(vq->owner);
	} else if (host == VGPU_VQ_SILENT) {
		vq->ops->silent(vq->owner);
	} else if (host == VGPU_VQ_LOST) {
		vq->ops->lost(vq->owner, -ETIMEDOUT);
	}
}

static void vgpu_vq_tick(struct vgpu_vq *vq)
{
	guard(spinlock_irqsave)(&vq->lock);
	vq->stats.ticks++;
	/* With an empty ring the device owes no answer: memory is short for pending messages. */
	if (vq->stats.in_ring)
		vq->quiet_ms += vq->sweep_ms;
}

/**
 * vgpu_vq_sweep() - Implement &vgpu_vq.sweep, the timer of a queue
 * @work: the work
 *
 * Collects responses without a waiter, kicks for messages committed without a kick, retries
 * messages for which memory was short, and counts the silence of the device.
 *
 * Context: process.
 */
void vgpu_vq_sweep(struct work_struct *work)
{
	struct vgpu_vq *vq = container_of(to_delayed_work(work), struct vgpu_vq, sweep);
	bool cookie = dma_fence_begin_signalling();
	enum vgpu_vq_host host = VGPU_VQ_HEARD;
	unsigned long flags;

	vgpu_vq_tick(vq);
	vgpu_vq_service(vq, true);

	spin_lock_irqsave(&vq->lock, flags);
	if (!vq->error && (vq->stats.in_ring || vq->stats.pending)) {
		vgpu_vq_age_locked(vq);
		if (vgpu_vq_judge_locked(vq))
			host = vq->host;
		vgpu_vq_set_sweep_locked(vq, vgpu_vq_next_sweep_ms(vq));
	}
	spin_unlock_irqrestore(&vq->lock, flags);

	vgpu_vq_tell_owner(vq, host);
	dma_fence_end_signalling(cookie);
}
