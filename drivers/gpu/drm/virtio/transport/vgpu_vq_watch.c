// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: watching the device
 *
 * A timer of each queue collects what nobody waits for, and notices a device that makes
 * no headway: the oldest message in the ring has been the oldest for too long. How old
 * it is does not count, since a slow device may take its time to get to it.
 *
 * Messages that will not be answered end here as well: those the device has passed over,
 * and all of them when the queue fails. Their memory stays with the ring.
 */

#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "transport/vgpu_vq_priv.h"

/* The delay of the sweep doubles up to this. */
#define VGPU_VQ_SWEEP_MAX_MS	1000

/**
 * vgpu_vq_is_silent() - does the device keep us waiting?
 * @vq: the queue
 *
 * Return: true if it has answered nothing at all for VGPU_VQ_SILENCE_MS, though it was
 * asked.
 */
bool vgpu_vq_is_silent(const struct vgpu_vq *vq)
{
	return !list_empty(&vq->in_ring) &&
	       time_after(jiffies, READ_ONCE(vq->heard) + msecs_to_jiffies(VGPU_VQ_SILENCE_MS));
}

/* Is the device at its oldest message for too long? */
static bool vgpu_vq_is_overdue_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	return vq->timeout && !list_empty(&vq->in_ring) &&
	       time_after(jiffies, vq->oldest_since + vq->timeout);
}

/*
 * Has nothing come of a message, or of those before it, for too long? What has no lane is
 * done in its order: the device passes over what is before the last it has answered, and
 * gets to what is behind.
 */
static bool vgpu_vq_has_expired_locked(struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	unsigned long worked = msg->lane ? *msg->lane : vq->plain_worked;
	bool passed_over = !msg->lane && time_before(msg->since, vq->plain_since);

	lockdep_assert_held(&vq->lock);

	return time_after(jiffies, msg->since + vq->timeout) &&
	       (passed_over || time_after(jiffies, worked + vq->timeout));
}

static struct vgpu_msg *vgpu_vq_first_expired_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg;

	lockdep_assert_held(&vq->lock);

	list_for_each_entry(msg, &vq->in_ring, node)
		if (vgpu_vq_has_expired_locked(vq, msg))
			return msg;
	return NULL;
}

/**
 * vgpu_vq_sweep() - &vgpu_vq.sweep
 * @work: the work
 *
 * Collects responses nobody waits for, sends what was committed without a kick, retries
 * what memory was short for, and notices what the device has kept for too long.
 *
 * Context: process.
 */
void vgpu_vq_sweep(struct work_struct *work)
{
	struct vgpu_vq *vq = container_of(to_delayed_work(work), struct vgpu_vq, sweep);
	bool overdue = false, silent = false;
	unsigned long flags;

	vgpu_vq_service(vq, true);

	spin_lock_irqsave(&vq->lock, flags);
	vq->sweeping = false;
	vq->sweep_ms = min(vq->sweep_ms * 2, VGPU_VQ_SWEEP_MAX_MS);
	if (vq->ring && !vq->error && (vq->nr_in_ring || vq->stats.pending)) {
		vgpu_vq_arm_sweep_locked(vq);
		overdue = vgpu_vq_is_overdue_locked(vq);
		silent = vgpu_vq_is_silent(vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);

	if (silent)
		vq->ops->silent(vq->owner);
	if (overdue)
		vq->ops->overdue(vq->owner);
}

/* Take the outcome of a message for decided; the caller completes it and puts it. */
static void vgpu_vq_give_up_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, int error)
{
	lockdep_assert_held(&vq->lock);

	if (msg->state == VGPU_MSG_RING) {
		/* The device may still write to it. */
		vgpu_vq_leave_ring_locked(vq, msg, &vq->zombies);
		WRITE_ONCE(vq->zombie_entries, vq->zombie_entries + vgpu_vq_entries(vq, msg));
		vq->nr_wanted -= msg->wanted;
		kref_get(&msg->ref);
	} else {
		list_del_init(&msg->node);
		msg->state = VGPU_MSG_RETIRED;
		vq->stats.pending--;
	}
	vq->stats.failed++;
	msg->completed = true;
	msg->error = error;
	/* It belongs to whoever hears of the outcome. */
	msg->lane = NULL;
}

/**
 * vgpu_vq_fail() - complete every message with an error and take no more
 * @vq: the queue
 * @error: negative errno that the messages of now and later complete with
 *
 * The memory of messages that are in the ring stays with them until
 * vgpu_vq_detach(): the device may still write to it.
 *
 * Context: any.
 */
void vgpu_vq_fail(struct vgpu_vq *vq, int error)
{
	struct vgpu_msg *msg;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (!vq->error)
		WRITE_ONCE(vq->error, error);
	for (;;) {
		msg = list_first_entry_or_null(&vq->in_ring, struct vgpu_msg, node);
		if (!msg)
			msg = list_first_entry_or_null(&vq->pending, struct vgpu_msg, node);
		if (!msg)
			break;
		vgpu_vq_give_up_locked(vq, msg, error);
		spin_unlock_irqrestore(&vq->lock, flags);

		msg->complete(msg);
		vgpu_msg_put(msg);
		spin_lock_irqsave(&vq->lock, flags);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_expire() - complete messages the device has passed over for too long
 * @vq: the queue
 *
 * They end with -ETIMEDOUT; their memory stays with the ring. For a device that
 * answers others. When the oldest message is not overdue, the device is getting to
 * all of them, however slowly, and none expires.
 *
 * Context: any.
 * Return: how many there were.
 */
unsigned int vgpu_vq_expire(struct vgpu_vq *vq)
{
	unsigned int expired = 0;
	struct vgpu_msg *msg;
	unsigned long flags;
	bool overdue;

	spin_lock_irqsave(&vq->lock, flags);
	overdue = vgpu_vq_is_overdue_locked(vq);
	while (overdue && (msg = vgpu_vq_first_expired_locked(vq))) {
		vgpu_vq_give_up_locked(vq, msg, -ETIMEDOUT);
		expired++;
		spin_unlock_irqrestore(&vq->lock, flags);

		msg->complete(msg);
		vgpu_msg_put(msg);
		spin_lock_irqsave(&vq->lock, flags);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	return expired;
}

/**
 * vgpu_vq_is_moving() - has the device returned anything of late?
 * @vq: the queue
 *
 * Context: any.
 * Return: true if it has within the time it may keep its oldest message, or was asked
 * nothing before.
 */
bool vgpu_vq_is_moving(const struct vgpu_vq *vq)
{
	return time_before_eq(jiffies, READ_ONCE(vq->heard) + vq->timeout);
}

/**
 * vgpu_vq_is_clogged() - does the device keep what was given up on, and do nothing else?
 * @vq: the queue
 *
 * Messages that expired take their place in the ring until the device returns them. When
 * they leave no more of it than is kept free of what clients send, clients wait for good.
 * A device that still works for others is not given up for that.
 *
 * Context: any.
 * Return: true if it does.
 */
bool vgpu_vq_is_clogged(const struct vgpu_vq *vq)
{
	u32 entries = READ_ONCE(vq->stats.ring_entries);
	u32 reserve = entries >> VGPU_VQ_RESERVE_SHIFT;

	return READ_ONCE(vq->zombie_entries) >= entries - reserve &&
	       time_after(jiffies, READ_ONCE(vq->worked) + vq->timeout);
}
