// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: transport
 *
 * A queue carries messages to the device and brings their responses back.
 *
 * The ring of the virtqueue is a window on the queue, not the queue: committing a
 * message appends it to a FIFO and pushes what fits into the ring. It neither
 * sleeps nor fails, so whoever has published a fence can always commit the
 * message that signals it. What doesn't fit is pushed when a response makes room.
 *
 * A message owns the memory of its request and its response. The queue holds a
 * reference to it for as long as the device may touch that memory, so a waiter
 * may give up at any time, and a message may be completed with an error (the
 * device is lost) long before the device lets go of it.
 *
 * The queue asks for interrupts only while somebody wants an answer or messages
 * wait for room. Other responses are collected along the way by whoever commits
 * next, and at the latest by a timer, which also watches the device. An answer that
 * was there before its interrupt was asked for is collected by an interrupt we send
 * ourselves, as soon as the asker lets go of its locks.
 *
 * Locking: &vgpu_vq.lock is the innermost lock of the driver. No callback is called
 * while it is held but &vgpu_msg.stamp.
 */

#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq_priv.h"

static void vgpu_msg_free(struct kref *ref)
{
	struct vgpu_msg *msg = container_of(ref, struct vgpu_msg, ref);

	msg->release(msg);
}

/**
 * vgpu_msg_put() - drop a reference to a message
 * @msg: the message
 *
 * Context: any.
 */
void vgpu_msg_put(struct vgpu_msg *msg)
{
	kref_put(&msg->ref, vgpu_msg_free);
}

static bool vgpu_vq_has_room_locked(struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	return vq->ring->num_free >= vgpu_vq_entries(vq, msg);
}

/* What sg_init_one() does, without its calls: it is done twice a message. */
static void vgpu_vq_set_entry(struct scatterlist *sg, const void *buf, u32 size_bytes)
{
	*sg = (struct scatterlist){};
	sg_set_buf(sg, buf, size_bytes);
	sg_mark_end(sg);
}

/**
 * vgpu_vq_add_locked() - give a message to the ring, which has room
 * @vq: the queue
 * @msg: the message
 *
 * Context: any; the queue's lock is held.
 * Return: 0, or an errno of virtqueue_add_sgs().
 */
int vgpu_vq_add_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	struct scatterlist req, resp, *sgs[3];
	unsigned int out = 0, in = 0;

	vgpu_vq_set_entry(&req, msg->req, msg->req_bytes);
	sgs[out++] = &req;
	if (msg->ndata)
		sgs[out++] = msg->data;
	if (msg->resp_bytes) {
		vgpu_vq_set_entry(&resp, msg->resp, msg->resp_bytes);
		sgs[out + in++] = &resp;
	}
	return virtqueue_add_sgs(vq->ring, sgs, out, in, msg, GFP_ATOMIC);
}

static void vgpu_vq_gauge_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	WRITE_ONCE(vq->crowded,
		   vq->stats.pending ||
		   vq->ring->num_free < vq->stats.ring_entries >> VGPU_VQ_RESERVE_SHIFT);
}

/* Put a message, which is on no list, into the ring: false when that does not go now. */
static bool vgpu_vq_enter_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	if (!vgpu_vq_has_room_locked(vq, msg) || vgpu_vq_add_locked(vq, msg))
		return false;
	if (!vq->nr_in_ring++)
		vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
	msg->since = jiffies;
	msg->state = VGPU_MSG_RING;
	if (list_empty(&vq->in_ring)) {
		WRITE_ONCE(vq->heard, jiffies);
		vq->oldest_since = jiffies;
	}
	list_add_tail(&msg->node, &vq->in_ring);
	vq->nr_wanted += msg->wanted;
	vq->unkicked = true;
	return true;
}

/*
 * Move messages from the FIFO into the ring while there is room. Whatever goes
 * wrong leaves the message at the head of the FIFO: a response or the sweep
 * tries again, a broken ring is reported and drained by vgpu_vq_fail().
 */
static void vgpu_vq_push_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg, *next;

	lockdep_assert_held(&vq->lock);

	if (!vq->ring || vq->error)
		return;
	list_for_each_entry_safe(msg, next, &vq->pending, node) {
		list_del(&msg->node);
		if (!vgpu_vq_enter_ring_locked(vq, msg)) {
			list_add(&msg->node, &vq->pending);
			break;
		}
		vq->stats.pending--;
	}
	if (vq->stats.pending || vq->nr_in_ring)
		vgpu_vq_arm_sweep_locked(vq);
	vgpu_vq_gauge_locked(vq);
}

static void vgpu_vq_take_answer_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, u32 used_bytes)
{
	lockdep_assert_held(&vq->lock);

	vq->nr_wanted -= msg->wanted;
	vq->stats.completed++;
	if (msg->lane) {
		*msg->lane = jiffies;
	} else if (!msg->probe) {
		vq->plain_worked = jiffies;
		if (time_after(msg->since, vq->plain_since))
			vq->plain_since = msg->since;
	}
	/* A device that claims more than the room it was given is lying. */
	if (used_bytes > msg->resp_bytes)
		msg->error = -EPROTO;
	else
		msg->used_bytes = used_bytes;
}

static void vgpu_vq_retire_locked(struct vgpu_vq *vq, struct vgpu_msg *msg,
				  u32 used_bytes, struct list_head *done)
{
	lockdep_assert_held(&vq->lock);

	/* The outcome of others is known already, and maybe being looked at. */
	if (!msg->completed)
		vgpu_vq_take_answer_locked(vq, msg, used_bytes);
	else
		WRITE_ONCE(vq->zombie_entries, vq->zombie_entries - vgpu_vq_entries(vq, msg));
	vq->nr_in_ring--;
	msg->state = VGPU_MSG_RETIRED;
	if (!msg->probe)
		WRITE_ONCE(vq->worked, jiffies);
	vgpu_vq_leave_ring_locked(vq, msg, done);
}

/**
 * vgpu_vq_reap_locked() - collect what the device has answered
 * @vq: the queue
 * @done: the messages are appended to it, for vgpu_vq_finish()
 *
 * Leaves interrupts enabled just when somebody needs the next answer.
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_reap_locked(struct vgpu_vq *vq, struct list_head *done)
{
	struct vgpu_msg *msg;
	unsigned int used_bytes;

	lockdep_assert_held(&vq->lock);

	if (!vq->ring)
		return;
	do {
		virtqueue_disable_cb(vq->ring);
		while ((msg = virtqueue_get_buf(vq->ring, &used_bytes))) {
			vgpu_vq_retire_locked(vq, msg, used_bytes, done);
			vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
			WRITE_ONCE(vq->heard, jiffies);
		}
		if (virtqueue_is_broken(vq->ring))
			return;
	} while ((vq->nr_wanted || vq->stats.pending) && !virtqueue_enable_cb(vq->ring));
}

/**
 * vgpu_vq_kick_locked() - tell the device of what is new in the ring
 * @vq: the queue, attached
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_kick_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (!vq->unkicked)
		return;
	vq->unkicked = false;
	if (virtqueue_kick_prepare(vq->ring)) {
		vq->stats.kicks++;
		/* A ring that broke is noticed by vgpu_vq_check(). */
		virtqueue_notify(vq->ring);
	}
}

/**
 * vgpu_vq_finish() - tell the owner of messages that came back
 * @done: the messages; the ring's references to them are dropped
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_finish(struct list_head *done)
{
	struct vgpu_msg *msg, *next;

	/* The list goes with its messages. */
	list_for_each_entry_safe(msg, next, done, node) {
		if (!msg->completed) {
			msg->completed = true;
			msg->complete(msg);
		}
		vgpu_msg_put(msg);
	}
}

static bool vgpu_vq_is_broken_locked(struct vgpu_vq *vq)
{
	return vq->ring && !vq->error && virtqueue_is_broken(vq->ring);
}

/**
 * vgpu_vq_service() - the round everybody makes: collect, refill, tell the owners
 * @vq: the queue
 * @kick: tell the device, too, even if nothing was refilled
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_service(struct vgpu_vq *vq, bool kick)
{
	LIST_HEAD(done);
	unsigned long flags;
	bool broken;

	spin_lock_irqsave(&vq->lock, flags);
	vgpu_vq_reap_locked(vq, &done);
	list_splice_tail_init(&vq->rejected, &done);
	if (vq->stats.pending) {
		vgpu_vq_push_locked(vq);
		kick = true;
	}
	if (kick && vq->ring)
		vgpu_vq_kick_locked(vq);
	if (vq->ring)
		vgpu_vq_gauge_locked(vq);
	broken = vgpu_vq_is_broken_locked(vq);
	spin_unlock_irqrestore(&vq->lock, flags);

	vgpu_vq_finish(&done);
	if (broken)
		vq->ops->lost(vq->owner, -EIO);
}

static void vgpu_vq_answered(struct irq_work *work)
{
	vgpu_vq_service(container_of(work, struct vgpu_vq, answered), false);
}

/**
 * vgpu_vq_create() - create a queue that is not attached to a ring yet
 * @ops: upcalls
 * @owner: first argument of the upcalls
 * @timeout_ms: how long, in milliseconds, the device may keep its oldest message
 *              before the owner is told; 0 for ever
 *
 * Context: process, may sleep.
 * Return: the queue, or ERR_PTR(-ENOMEM).
 */
struct vgpu_vq *vgpu_vq_create(const struct vgpu_vq_ops *ops, void *owner,
			       unsigned int timeout_ms)
{
	struct vgpu_vq *vq;

	vq = kzalloc(sizeof(*vq), GFP_KERNEL);
	if (!vq)
		return ERR_PTR(-ENOMEM);

	spin_lock_init(&vq->lock);
	INIT_LIST_HEAD(&vq->pending);
	INIT_LIST_HEAD(&vq->in_ring);
	INIT_LIST_HEAD(&vq->zombies);
	INIT_LIST_HEAD(&vq->rejected);
	INIT_LIST_HEAD(&vq->panic_done);
	INIT_DELAYED_WORK(&vq->sweep, vgpu_vq_sweep);
	init_irq_work(&vq->answered, vgpu_vq_answered);
	vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
	vq->timeout = msecs_to_jiffies(timeout_ms);
	vq->ops = ops;
	vq->owner = owner;
	vq->error = -ENODEV;
	return vq;
}

/**
 * vgpu_vq_destroy() - free a queue
 * @vq: the queue, detached; or NULL
 *
 * Context: process, may sleep.
 */
void vgpu_vq_destroy(struct vgpu_vq *vq)
{
	if (!vq)
		return;
	WARN_ON(vq->ring);
	vgpu_vq_poll(vq);
	cancel_delayed_work_sync(&vq->sweep);
	irq_work_sync(&vq->answered);
	kfree(vq);
}

/**
 * vgpu_vq_attach() - give a queue its ring; from now on it takes messages
 * @vq: the queue, detached
 * @ring: the virtqueue, which stays valid until vgpu_vq_detach()
 *
 * Context: process.
 */
void vgpu_vq_attach(struct vgpu_vq *vq, struct virtqueue *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->ring = ring;
	vq->indirect = virtio_has_feature(ring->vdev, VIRTIO_RING_F_INDIRECT_DESC);
	WRITE_ONCE(vq->stats.ring_entries, virtqueue_get_vring_size(ring));
	vq->unkicked = false;
	WRITE_ONCE(vq->crowded, false);
	vq->plain_worked = jiffies;
	vq->plain_since = jiffies;
	WRITE_ONCE(vq->worked, jiffies);
	WRITE_ONCE(vq->error, 0);
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_detach() - take the ring away from a queue
 * @vq: the queue, failed
 *
 * The caller has reset the device and seen to it that the ring's callback does
 * not run any more: nothing but us touches the messages.
 *
 * Context: process, may sleep.
 */
void vgpu_vq_detach(struct vgpu_vq *vq)
{
	LIST_HEAD(done);
	struct vgpu_msg *msg;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (vq->ring) {
		WARN_ON(!vq->error);
		while ((msg = virtqueue_detach_unused_buf(vq->ring)))
			vgpu_vq_retire_locked(vq, msg, 0, &done);
		/* What the ring has lost track of; normally nothing. */
		list_splice_tail_init(&vq->zombies, &done);
		vq->nr_in_ring = 0;
		WRITE_ONCE(vq->zombie_entries, 0);
		vq->ring = NULL;
	}
	spin_unlock_irqrestore(&vq->lock, flags);

	cancel_delayed_work_sync(&vq->sweep);
	spin_lock_irqsave(&vq->lock, flags);
	vq->sweeping = false;
	/* What the sweep would have completed. */
	list_splice_tail_init(&vq->rejected, &done);
	spin_unlock_irqrestore(&vq->lock, flags);
	vgpu_vq_finish(&done);
}

/**
 * vgpu_vq_commit() - send a message
 * @vq: the queue
 * @msg: the message; the queue takes a reference of its own
 *
 * Messages reach the device in the order of their commits. The device is told at
 * the next vgpu_vq_kick(), at the latest by the sweep. On a failed queue that is
 * when the message completes, with the queue's error.
 *
 * Context: any; calls back only &vgpu_msg.stamp, so locks that &vgpu_msg.complete takes
 * may be held.
 */
void vgpu_vq_commit(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	unsigned long flags;

	kref_get(&msg->ref);
	spin_lock_irqsave(&vq->lock, flags);
	vq->stats.committed++;
	if (msg->stamp)
		msg->stamp(msg);
	if (vq->error) {
		msg->error = vq->error;
		msg->state = VGPU_MSG_RETIRED;
		list_add_tail(&msg->node, &vq->rejected);
		vq->stats.failed++;
		vgpu_vq_arm_sweep_locked(vq);
	} else {
		if (vq->stats.pending || !vgpu_vq_enter_ring_locked(vq, msg)) {
			msg->state = VGPU_MSG_PENDING;
			list_add_tail(&msg->node, &vq->pending);
			vq->stats.pending++;
		}
		vgpu_vq_gauge_locked(vq);
		vgpu_vq_arm_sweep_locked(vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_has() - was a message committed?
 * @vq: the queue it was or will be committed to
 * @msg: the message
 *
 * Context: any.
 * Return: true if all that is committed from now on comes after it.
 */
bool vgpu_vq_has(struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	unsigned long flags;
	bool has;

	spin_lock_irqsave(&vq->lock, flags);
	has = msg->state != VGPU_MSG_NEW;
	spin_unlock_irqrestore(&vq->lock, flags);
	return has;
}

/**
 * vgpu_vq_kick() - tell the device of what was committed
 * @vq: the queue
 *
 * Collects responses in passing, so that a busy queue needs few interrupts.
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_kick(struct vgpu_vq *vq)
{
	vgpu_vq_service(vq, true);
}

/**
 * vgpu_vq_poll() - collect responses now
 * @vq: the queue
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_poll(struct vgpu_vq *vq)
{
	vgpu_vq_service(vq, false);
}

/**
 * vgpu_vq_callback() - the ring's interrupt
 * @vq: the queue
 *
 * Context: hard interrupt.
 */
void vgpu_vq_callback(struct vgpu_vq *vq)
{
	WRITE_ONCE(vq->interrupts, vq->interrupts + 1);
	vgpu_vq_service(vq, false);
}

/**
 * vgpu_vq_is_crowded() - would a client's message leave the display too little room?
 * @vq: the queue
 *
 * Return: a snapshot; false on a queue that has failed and emptied.
 */
bool vgpu_vq_is_crowded(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->crowded);
}

/* There is an answer, for which no interrupt will come. */
static void vgpu_vq_collect_soon_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (arch_irq_work_has_interrupt()) {
		irq_work_queue(&vq->answered);
		return;
	}
	/* Such a work would be done at the next tick of the clock. */
	vq->sweeping = true;
	mod_delayed_work(system_dfl_wq, &vq->sweep, 0);
}

/**
 * vgpu_vq_want() - ask for an interrupt when a message is answered
 * @vq: the queue the message was or will be committed to
 * @msg: the message
 *
 * Context: any; calls nothing back, so locks that &vgpu_msg.complete takes may be
 * held.
 */
void vgpu_vq_want(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	/* Whether one that is retired is completed is not decided under the lock. */
	if (!msg->wanted && msg->state != VGPU_MSG_RETIRED && !msg->completed) {
		msg->wanted = true;
		if (msg->state == VGPU_MSG_RING && vq->ring) {
			vq->nr_wanted++;
			vgpu_vq_kick_locked(vq);
			if (!virtqueue_enable_cb(vq->ring))
				vgpu_vq_collect_soon_locked(vq);
		}
	}
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_listen() - ask for an interrupt at each response
 * @vq: the queue
 *
 * For who waits for any progress rather than for one message. Undone by
 * vgpu_vq_unlisten().
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_listen(struct vgpu_vq *vq)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->nr_wanted++;
	spin_unlock_irqrestore(&vq->lock, flags);
	/* Enables the interrupt, after what is there is collected. */
	vgpu_vq_service(vq, true);
}

/**
 * vgpu_vq_unlisten() - undo vgpu_vq_listen()
 * @vq: the queue
 *
 * Context: any.
 */
void vgpu_vq_unlisten(struct vgpu_vq *vq)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->nr_wanted--;
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_max_data() - how long a message's data may be
 * @vq: the queue
 *
 * A chain of descriptors is not longer than the ring, indirect or not (virtio
 * 1.3, 2.7.5.3.1 "Driver Requirements: Indirect Descriptors").
 *
 * Return: the largest value of &vgpu_msg.ndata, 0 while not attached.
 */
unsigned int vgpu_vq_max_data(const struct vgpu_vq *vq)
{
	u32 entries = READ_ONCE(vq->stats.ring_entries);

	return entries > VGPU_VQ_FIXED_ENTRIES ? entries - VGPU_VQ_FIXED_ENTRIES : 0;
}

/**
 * vgpu_vq_error() - why a queue takes no messages
 * @vq: the queue
 *
 * Return: 0 when it takes messages, else what vgpu_vq_fail() was called with, or
 * -ENODEV when it was never attached.
 */
int vgpu_vq_error(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->error);
}

/**
 * vgpu_vq_read_stats() - take a snapshot of a queue's counters
 * @vq: the queue
 * @stats: filled in
 *
 * Context: any.
 */
void vgpu_vq_read_stats(struct vgpu_vq *vq, struct vgpu_vq_stats *stats)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	*stats = vq->stats;
	stats->in_ring = vq->nr_in_ring;
	stats->interrupts = READ_ONCE(vq->interrupts);
	spin_unlock_irqrestore(&vq->lock, flags);
}
