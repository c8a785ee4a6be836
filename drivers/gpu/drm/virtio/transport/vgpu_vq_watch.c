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
 * goes on without waiting for it. After the silence limit the device is lost.
 *
 * Silence is counted in sweeps, and a sweep counts for at most twice its delay. When a stopped
 * guest goes on, its clock may have advanced by minutes in which the host could not answer
 * either; they count as a few seconds.
 */

#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/virtio.h>

#include "transport/vgpu_vq_priv.h"

/* The delay of the sweep grows by this factor, up to a minute. */
#define VGPU_VQ_SWEEP_GROWTH	4
#define VGPU_VQ_SWEEP_MAX_MS	60000

/* A late sweep counts for at most so many of its delays: the guest may have been stopped. */
#define VGPU_VQ_SWEEP_WORTH	2

/**
 * enum vgpu_vq_verdict - What the queue concludes from the silence of the device
 * @VGPU_VQ_THERE: the device answers, or an answer is not overdue
 * @VGPU_VQ_ASK: a ping is due
 * @VGPU_VQ_SILENT: the device did not answer the ping in time
 * @VGPU_VQ_LOST: the device has been silent for the silence limit
 */
enum vgpu_vq_verdict {
	VGPU_VQ_THERE,
	VGPU_VQ_ASK,
	VGPU_VQ_SILENT,
	VGPU_VQ_LOST,
};

/**
 * vgpu_vq_is_silent() - Check whether the device has left a ping unanswered for too long
 * @vq: the queue
 *
 * Return: true if the device has answered nothing for VGPU_VQ_ANSWER_MS after a ping was due.
 */
bool vgpu_vq_is_silent(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->silent);
}

/**
 * vgpu_vq_begin_watch_locked() - Begin to count the silence of the device
 * @vq: the queue, whose ring was empty until now
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_begin_watch_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	vq->heard = false;
	vq->asked = false;
	WRITE_ONCE(vq->silent, false);
	vq->quiet_ms = 0;
	vq->ask_ms = VGPU_VQ_ASK_MIN_MS;
}

/**
 * vgpu_vq_hear_locked() - End the silence: the device has answered a message
 * @vq: the queue
 * @is_ping: the message was a ping
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_hear_locked(struct vgpu_vq *vq, bool is_ping)
{
	lockdep_assert_held(&vq->lock);

	vq->asked = false;
	WRITE_ONCE(vq->silent, false);
	if (!is_ping) {
		vq->heard = true;
		vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
		return;
	}
	/* The device holds the other messages: nothing to collect before the next ping is due. */
	vq->heard = false;
	vq->quiet_ms = 0;
	if (vq->sweeping && vq->ask_ms > VGPU_VQ_ASK_MIN_MS)
		vgpu_vq_set_sweep_locked(vq, vq->ask_ms);
}

static enum vgpu_vq_verdict vgpu_vq_ask_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	vq->asked = true;
	vq->asked_ms = vq->quiet_ms;
	vq->ask_ms = min(vq->ask_ms * 2, VGPU_VQ_SWEEP_MAX_MS);
	return VGPU_VQ_ASK;
}

static enum vgpu_vq_verdict vgpu_vq_judge_locked(struct vgpu_vq *vq)
{
	unsigned int late_ms = jiffies_to_msecs(jiffies - vq->armed_at);

	lockdep_assert_held(&vq->lock);

	if (vq->heard || !vq->stats.in_ring) {
		vq->heard = false;
		vq->quiet_ms = 0;
		return VGPU_VQ_THERE;
	}
	vq->quiet_ms += min(late_ms, vq->armed_ms * VGPU_VQ_SWEEP_WORTH);
	if (!vq->asked)
		return vq->quiet_ms < vq->ask_ms ? VGPU_VQ_THERE : vgpu_vq_ask_locked(vq);
	if (vq->silence_limit_ms && vq->quiet_ms >= vq->asked_ms + vq->silence_limit_ms)
		return VGPU_VQ_LOST;
	if (vq->silent || vq->quiet_ms < vq->asked_ms + VGPU_VQ_ANSWER_MS)
		return VGPU_VQ_THERE;
	WRITE_ONCE(vq->silent, true);
	return VGPU_VQ_SILENT;
}

/* Get the time until the verdict can change, in milliseconds. */
static unsigned int vgpu_vq_judge_again_ms(const struct vgpu_vq *vq)
{
	unsigned int due_ms = vq->ask_ms;

	if (vq->asked)
		due_ms = vq->asked_ms + (vq->silent ? vq->silence_limit_ms : VGPU_VQ_ANSWER_MS);
	return due_ms > vq->quiet_ms ? due_ms - vq->quiet_ms : VGPU_VQ_SWEEP_MAX_MS;
}

static enum vgpu_vq_verdict vgpu_vq_watch_locked(struct vgpu_vq *vq)
{
	enum vgpu_vq_verdict verdict;

	lockdep_assert_held(&vq->lock);

	vq->stats.ticks++;
	vq->sweeping = false;
	if (!vq->ring || vq->error || (!vq->stats.in_ring && !vq->stats.pending))
		return VGPU_VQ_THERE;
	vgpu_vq_age_locked(vq);
	verdict = vgpu_vq_judge_locked(vq);
	vq->sweep_ms = min(vq->sweep_ms * VGPU_VQ_SWEEP_GROWTH, VGPU_VQ_SWEEP_MAX_MS);
	if (!vq->stats.in_ring)
		/* The ring is empty, so memory was short for the pending messages: retry soon. */
		vq->sweep_ms = min(vq->sweep_ms, VGPU_VQ_ASK_MIN_MS);
	vgpu_vq_set_sweep_locked(vq, min(vq->sweep_ms, vgpu_vq_judge_again_ms(vq)));
	return verdict;
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

/**
 * vgpu_vq_sweep() - Implement &vgpu_vq.sweep
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
	enum vgpu_vq_verdict verdict;
	unsigned long flags;

	vgpu_vq_service(vq, true);

	spin_lock_irqsave(&vq->lock, flags);
	verdict = vgpu_vq_watch_locked(vq);
	spin_unlock_irqrestore(&vq->lock, flags);

	switch (verdict) {
	case VGPU_VQ_THERE:
		break;
	case VGPU_VQ_ASK:
		vgpu_vq_notify_again(vq);
		vq->ops->ask(vq->owner);
		break;
	case VGPU_VQ_SILENT:
		vq->ops->silent(vq->owner);
		break;
	case VGPU_VQ_LOST:
		vq->ops->lost(vq->owner, -ETIMEDOUT);
		break;
	}
	dma_fence_end_signalling(cookie);
}
