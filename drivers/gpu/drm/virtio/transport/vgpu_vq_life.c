// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the life of a queue
 *
 * A queue outlives its rings. Before the first ring, and from vgpu_vq_fail() to the next
 * vgpu_vq_attach(), it refuses messages.
 *
 * When the queue fails, all messages are completed with an error. The memory of those in
 * the ring stays with the ring until vgpu_vq_detach(): the device may still write to it.
 *
 * The functions that are not on the way of a message are in this file, too.
 *
 * Models in tests/models/: litmus/detach-notify.litmus, litmus/start-removing.litmus, spin/vq.pml.
 */

#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/irq_work.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq_priv.h"

static void vgpu_vq_answered(struct irq_work *work)
{
	vgpu_vq_service(container_of(work, struct vgpu_vq, answered), true);
}

/**
 * vgpu_vq_create() - Create a queue that is not attached to a ring yet
 * @ops: upcalls
 * @owner: first argument of the upcalls
 * @silence_limit_ms: how long the device may leave a ping unanswered before it counts as lost;
 *                    0 for ever
 * @wq: runs the sweep, without waiting for memory; outlives the queue
 *
 * Context: process, may sleep.
 * Return: the queue, or NULL without memory.
 */
struct vgpu_vq *vgpu_vq_create(const struct vgpu_vq_ops *ops, void *owner,
			       unsigned int silence_limit_ms, struct workqueue_struct *wq)
{
	enum vgpu_msg_state state;
	struct vgpu_vq *vq;

	vq = kzalloc(sizeof(*vq), GFP_KERNEL);
	if (!vq)
		return NULL;

	spin_lock_init(&vq->lock);
	for (state = VGPU_MSG_NEW; state < VGPU_MSG_STATES; state++)
		INIT_LIST_HEAD(&vq->msgs[state]);
	INIT_DELAYED_WORK(&vq->sweep, vgpu_vq_sweep);
	init_irq_work(&vq->answered, vgpu_vq_answered);
	vq->silence_limit_ms = silence_limit_ms;
	vq->wq = wq;
	vq->ops = ops;
	vq->owner = owner;
	vq->error = -ENODEV;
	return vq;
}

/**
 * vgpu_vq_attach() - Attach a queue to its ring
 * @vq: the queue, detached
 * @ring: the virtqueue, which stays valid until vgpu_vq_detach()
 *
 * Context: process.
 */
void vgpu_vq_attach(struct vgpu_vq *vq, struct virtqueue *ring)
{
	guard(spinlock_irqsave)(&vq->lock);
	vq->ring = ring;
	vq->indirect = virtio_has_feature(ring->vdev, VIRTIO_RING_F_INDIRECT_DESC);
	WRITE_ONCE(vq->stats.ring_entries, virtqueue_get_vring_size(ring));
	vq->unkicked = false;
	WRITE_ONCE(vq->error, 0);
	WRITE_ONCE(vq->crowded, false);
}

/**
 * vgpu_vq_take_back() - Take back a message that still waits for room in the ring
 * @vq: the queue it was committed to
 * @msg: the message, to which the caller has a reference
 *
 * Afterwards the message is in the state before its commit, and can be committed again.
 *
 * Context: any.
 * Return: true; or false if the message was not waiting, so the device may have seen it.
 */
bool vgpu_vq_take_back(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	guard(spinlock_irqsave)(&vq->lock);
	if (msg->state != VGPU_MSG_PENDING)
		return false;

	vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_NEW);
	vq->stats.committed--;
	/* Under the lock, since the caller's reference keeps the message. */
	vgpu_msg_put(msg);
	return true;
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

/**
 * vgpu_vq_read_stats() - Take a snapshot of a queue's counters
 * @vq: the queue
 * @stats: filled in
 *
 * Context: any.
 */
void vgpu_vq_read_stats(struct vgpu_vq *vq, struct vgpu_vq_stats *stats)
{
	guard(spinlock_irqsave)(&vq->lock);
	*stats = vq->stats;
	stats->interrupts = READ_ONCE(vq->interrupts);
}

static void vgpu_vq_refuse_pending_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg, *next;

	lockdep_assert_held(&vq->lock);

	list_for_each_entry_safe(msg, next, &vq->msgs[VGPU_MSG_PENDING], node)
		vgpu_vq_refuse_locked(vq, msg);
}

/* Abandon the oldest message in the ring. Returns NULL if there is none. */
static struct vgpu_msg *vgpu_vq_abandon_oldest_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg;

	lockdep_assert_held(&vq->lock);

	msg = list_first_entry_or_null(&vq->msgs[VGPU_MSG_HELD], struct vgpu_msg, node) ?:
	      list_first_entry_or_null(&vq->msgs[VGPU_MSG_RING], struct vgpu_msg, node);
	if (!msg)
		return NULL;

	/* The queue keeps its own reference: the device may still write to the message. */
	kref_get(&msg->ref);
	msg->error = vq->error;
	vq->stats.failed++;
	vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_ABANDONED);
	return msg;
}

/**
 * vgpu_vq_fail() - Complete every message with an error and take no more
 * @vq: the queue
 * @error: negative errno that present and later messages complete with; ignored if the queue has
 *         failed already
 *
 * Context: any.
 */
void vgpu_vq_fail(struct vgpu_vq *vq, int error)
{
	bool cookie = dma_fence_begin_signalling();
	struct vgpu_msg *msg;
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&vq->lock, flags);
	if (!vq->error)
		WRITE_ONCE(vq->error, error);

	/* vgpu_vq_attach() may clear the error while the lock is dropped; spare newer messages. */
	while (vq->error && (msg = vgpu_vq_abandon_oldest_locked(vq))) {
		spin_unlock_irqrestore(&vq->lock, flags);

		msg->complete(msg);
		vgpu_msg_put(msg);
		spin_lock_irqsave(&vq->lock, flags);
	}
	if (vq->error)
		vgpu_vq_refuse_pending_locked(vq);
	vgpu_vq_take_done_locked(vq, &done);
	spin_unlock_irqrestore(&vq->lock, flags);

	vgpu_vq_finish(&done);
	dma_fence_end_signalling(cookie);
}

static void vgpu_vq_empty_ring_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg, *next;

	lockdep_assert_held(&vq->lock);

	while ((msg = virtqueue_detach_unused_buf(vq->ring))) {
		/* A vgpu_vq_fail() that still runs has not reached this message. */
		if (msg->state != VGPU_MSG_ABANDONED)
			msg->error = vq->error;
		vgpu_vq_retire_locked(vq, msg, 0);
	}

	/* Abandoned messages that the ring has lost track of; normally none. */
	list_for_each_entry_safe(msg, next, &vq->msgs[VGPU_MSG_ABANDONED], node)
		vgpu_vq_retire_locked(vq, msg, 0);
}

/**
 * vgpu_vq_detach() - Detach a queue from its ring
 * @vq: the queue, failed
 *
 * The caller has reset the device and made sure that the ring's callback no longer runs, so
 * nothing else touches the messages.
 *
 * Context: process, may sleep.
 */
void vgpu_vq_detach(struct vgpu_vq *vq)
{
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&vq->lock, flags);
	if (vq->ring) {
		WARN_ON(!vq->error);
		vgpu_vq_empty_ring_locked(vq);
		vq->ring = NULL;
	}
	vgpu_vq_refuse_pending_locked(vq);
	spin_unlock_irqrestore(&vq->lock, flags);

	/* Wait for vgpu_vq_service(), which notifies the ring outside the lock, under RCU. */
	synchronize_rcu();

	/* The messages that the sweep would have completed are completed below. */
	cancel_delayed_work_sync(&vq->sweep);

	spin_lock_irqsave(&vq->lock, flags);
	vgpu_vq_take_done_locked(vq, &done);
	spin_unlock_irqrestore(&vq->lock, flags);
	vgpu_vq_finish(&done);
}

/**
 * vgpu_vq_settle() - Complete and put all messages of a queue that takes no more
 * @vq: the queue, detached
 *
 * Context: process, may sleep.
 */
void vgpu_vq_settle(struct vgpu_vq *vq)
{
	WARN_ON(vq->ring);
	vgpu_vq_poll(vq);
	cancel_delayed_work_sync(&vq->sweep);
	irq_work_sync(&vq->answered);
}

/**
 * vgpu_vq_destroy() - Free a queue
 * @vq: the queue, detached; or NULL
 *
 * Context: process, may sleep.
 */
void vgpu_vq_destroy(struct vgpu_vq *vq)
{
	if (!vq)
		return;
	vgpu_vq_settle(vq);
	kfree(vq);
}
