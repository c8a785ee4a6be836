// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: transport
 *
 * A queue carries messages to the device and brings their responses back.
 *
 * The ring of the virtqueue is a window on the queue, not the queue: committing a
 * message appends it to a FIFO and pushes what fits into the ring. It neither
 * sleeps nor fails, so a submission that has published a fence can always commit the
 * message that signals it. Other messages are pushed when a response makes room.
 *
 * A message owns the memory of its request and its response. The queue holds a
 * reference to it for as long as the device may touch that memory, so a waiter
 * may give up at any time, and a message may be completed with an error (the
 * device is lost) long before the device lets go of it.
 *
 * The queue asks for interrupts only while a waiter wants an answer or messages wait for
 * room. Other responses are collected by the next commit, and at the latest by a timer, which
 * also watches the device. If an answer arrived before its interrupt was enabled, an irq_work
 * collects it as soon as the waiter has dropped its locks.
 *
 * Locking: &vgpu_vq.lock is the innermost lock of the driver. No callback is called
 * while it is held but &vgpu_msg.stamp.
 */

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
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
 * vgpu_msg_put() - Drop a reference to a message
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

/* Like sg_init_one(), but inline: it is called twice per message. */
static void vgpu_vq_set_entry(struct scatterlist *sg, const void *buf, u32 size_bytes)
{
	*sg = (struct scatterlist){};
	sg_set_buf(sg, buf, size_bytes);
	sg_mark_end(sg);
}

/**
 * vgpu_vq_add_locked() - Add a message to the ring, which has room
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

/* Add a message, which is on no list, to the ring. Returns false if the ring cannot take it now. */
static bool vgpu_vq_enter_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	if (!vgpu_vq_has_room_locked(vq, msg) || vgpu_vq_add_locked(vq, msg))
		return false;
	if (!vq->nr_in_ring++)
		vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
	msg->since = jiffies;
	msg->state = VGPU_MSG_RING;
	if (!vgpu_vq_is_owed_locked(vq))
		vgpu_vq_begin_watch_locked(vq);
	list_add_tail(&msg->node, &vq->in_ring);
	vq->nr_wanted += msg->wanted;
	vq->unkicked = true;
	return true;
}

/*
 * Move messages from the FIFO into the ring while there is room. After an error the message stays
 * at the head of the FIFO: the next response or the sweep retries it. A broken ring is reported
 * to the owner and drained by vgpu_vq_fail().
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

	vgpu_vq_release_locked(vq, msg);
	vq->stats.completed++;
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

	/* The outcome of an abandoned message is already known, and may be in use. */
	if (!msg->completed)
		vgpu_vq_take_answer_locked(vq, msg, used_bytes);
	if (msg->held)
		WRITE_ONCE(vq->stats.held, vq->stats.held - vgpu_vq_entries(vq, msg));
	vq->nr_in_ring--;
	msg->state = VGPU_MSG_RETIRED;
	list_move_tail(&msg->node, done);
}

/**
 * vgpu_vq_reap_locked() - Collect the messages that the device has answered
 * @vq: the queue
 * @done: the messages are appended to it, for vgpu_vq_finish()
 *
 * Leaves interrupts enabled only if a waiter needs the next answer.
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
			vgpu_vq_hear_locked(vq, msg->ping);
		}
		if (virtqueue_is_broken(vq->ring))
			return;
	} while ((vq->nr_wanted || vq->stats.pending) && !virtqueue_enable_cb(vq->ring));
}

/**
 * vgpu_vq_prepare_kick_locked() - Check whether the device must be told of new messages
 * @vq: the queue
 *
 * Context: any; the queue's lock is held.
 * Return: the ring to notify, after the lock is dropped, or NULL.
 */
struct virtqueue *vgpu_vq_prepare_kick_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (!vq->unkicked || !vq->ring)
		return NULL;
	vq->unkicked = false;
	if (!virtqueue_kick_prepare(vq->ring))
		return NULL;
	vq->stats.kicks++;
	return vq->ring;
}

/**
 * vgpu_vq_finish() - Complete messages that came back
 * @done: the messages; the ring's references to them are dropped
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_finish(struct list_head *done)
{
	bool cookie = dma_fence_begin_signalling();
	struct vgpu_msg *msg, *next;

	/* A put may free the message, and the list entry with it. */
	list_for_each_entry_safe(msg, next, done, node) {
		if (!msg->completed) {
			msg->completed = true;
			msg->complete(msg);
		}
		vgpu_msg_put(msg);
	}
	dma_fence_end_signalling(cookie);
}

static bool vgpu_vq_is_broken_locked(struct vgpu_vq *vq)
{
	return vq->ring && !vq->error && virtqueue_is_broken(vq->ring);
}

/**
 * vgpu_vq_service() - Reap responses, refill the ring, kick, and run the completions
 * @vq: the queue
 * @kick: kick even if the ring was not refilled
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_service(struct vgpu_vq *vq, bool kick)
{
	struct virtqueue *ring = NULL;
	LIST_HEAD(done);
	unsigned long flags;
	bool broken;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	vgpu_vq_reap_locked(vq, &done);
	list_splice_tail_init(&vq->rejected, &done);
	if (vq->stats.pending) {
		vgpu_vq_push_locked(vq);
		kick = true;
	}
	if (kick)
		ring = vgpu_vq_prepare_kick_locked(vq);
	if (vq->ring)
		vgpu_vq_gauge_locked(vq);
	broken = vgpu_vq_is_broken_locked(vq);
	spin_unlock_irqrestore(&vq->lock, flags);

	/* Outside the lock: the exit to the host takes long. The next push sees a broken ring. */
	if (ring)
		virtqueue_notify(ring);
	rcu_read_unlock();

	vgpu_vq_finish(&done);
	if (broken)
		vq->ops->lost(vq->owner, -EIO);
}

/**
 * vgpu_vq_notify() - Notify the device even if it did not ask for it
 * @vq: the queue
 *
 * Context: any.
 */
void vgpu_vq_notify(struct vgpu_vq *vq)
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
 * Return: the queue, or ERR_PTR(-ENOMEM).
 */
struct vgpu_vq *vgpu_vq_create(const struct vgpu_vq_ops *ops, void *owner,
			       unsigned int silence_limit_ms, struct workqueue_struct *wq)
{
	struct vgpu_vq *vq;

	vq = kzalloc(sizeof(*vq), GFP_KERNEL);
	if (!vq)
		return ERR_PTR(-ENOMEM);

	spin_lock_init(&vq->lock);
	INIT_LIST_HEAD(&vq->pending);
	INIT_LIST_HEAD(&vq->in_ring);
	INIT_LIST_HEAD(&vq->held);
	INIT_LIST_HEAD(&vq->zombies);
	INIT_LIST_HEAD(&vq->rejected);
	INIT_LIST_HEAD(&vq->panic_done);
	INIT_DELAYED_WORK(&vq->sweep, vgpu_vq_sweep);
	init_irq_work(&vq->answered, vgpu_vq_answered);
	vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
	vq->silence_limit_ms = silence_limit_ms;
	vq->wq = wq;
	vq->ops = ops;
	vq->owner = owner;
	vq->error = -ENODEV;
	return vq;
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

/**
 * vgpu_vq_attach() - Attach a queue to its ring
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
	WRITE_ONCE(vq->stats.held, 0);
	WRITE_ONCE(vq->error, 0);
	spin_unlock_irqrestore(&vq->lock, flags);
}

static void vgpu_vq_reject_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	msg->error = vq->error;
	msg->state = VGPU_MSG_RETIRED;
	list_move_tail(&msg->node, &vq->rejected);
	vq->stats.failed++;
}

/* A vgpu_vq_fail() that still runs drops the lock at each message, so the list may change. */
static void vgpu_vq_reject_pending_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg, *next;

	lockdep_assert_held(&vq->lock);

	list_for_each_entry_safe(msg, next, &vq->pending, node)
		vgpu_vq_reject_locked(vq, msg);
	vq->stats.pending = 0;
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
	LIST_HEAD(done);
	struct vgpu_msg *msg;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (vq->ring) {
		WARN_ON(!vq->error);
		while ((msg = virtqueue_detach_unused_buf(vq->ring))) {
			if (!msg->completed)
				msg->error = vq->error;
			vgpu_vq_retire_locked(vq, msg, 0, &done);
		}
		/* Abandoned messages that the ring has lost track of; normally none. */
		list_splice_tail_init(&vq->zombies, &done);
		vq->nr_in_ring = 0;
		vq->ring = NULL;
	}
	vgpu_vq_reject_pending_locked(vq);
	spin_unlock_irqrestore(&vq->lock, flags);

	/* vgpu_vq_service() notifies the ring outside the lock, under RCU. */
	synchronize_rcu();
	cancel_delayed_work_sync(&vq->sweep);
	spin_lock_irqsave(&vq->lock, flags);
	vq->sweeping = false;
	/* The sweep was cancelled, so complete the refused messages here. */
	list_splice_tail_init(&vq->rejected, &done);
	spin_unlock_irqrestore(&vq->lock, flags);
	vgpu_vq_finish(&done);
}

/* Service the queue as soon as the caller has dropped its locks. */
static void vgpu_vq_service_soon_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (arch_irq_work_has_interrupt())
		irq_work_queue(&vq->answered);
	else
		/* Without an interrupt of its own, an irq_work runs at the next timer tick. */
		vgpu_vq_set_sweep_locked(vq, 0);
}

/**
 * vgpu_vq_commit() - Send a message
 * @vq: the queue
 * @msg: the message; the queue takes a reference of its own
 *
 * Messages reach the device in the order of their commits. The device is told at
 * the next vgpu_vq_kick(), or at the latest by the sweep. A message committed to a failed queue
 * is refused: it completes with the queue's error, outside this call.
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
		vgpu_vq_reject_locked(vq, msg);
		vgpu_vq_service_soon_locked(vq);
	} else {
		if (!msg->ping)
			vq->ask_ms = VGPU_VQ_ASK_MIN_MS;
		if (vq->stats.pending || !vgpu_vq_enter_ring_locked(vq, msg)) {
			msg->state = VGPU_MSG_PENDING;
			list_add_tail(&msg->node, &vq->pending);
			vq->stats.pending++;
		}
		vgpu_vq_gauge_locked(vq);
		/* A sweep sends the ping and is armed for the answer, so leave its delay alone. */
		if (!msg->ping || !vq->sweeping)
			vgpu_vq_arm_sweep_locked(vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_has() - Check whether a message was committed
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
 * vgpu_vq_take_back() - Take back a message that still waits for room in the ring
 * @vq: the queue it was committed to
 * @msg: the message, to which the caller has a reference
 *
 * Afterwards the message is in the state before its commit, and can be committed again.
 *
 * Context: any.
 * Return: false when the device may have seen it.
 */
bool vgpu_vq_take_back(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&vq->lock, flags);
	taken = msg->state == VGPU_MSG_PENDING;
	if (taken) {
		list_del_init(&msg->node);
		msg->state = VGPU_MSG_NEW;
		vq->stats.pending--;
		vq->stats.committed--;
		vgpu_vq_gauge_locked(vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	if (taken)
		vgpu_msg_put(msg);
	return taken;
}

/**
 * vgpu_vq_kick() - Notify the device of committed messages
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
 * vgpu_vq_poll() - Collect responses now
 * @vq: the queue
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_poll(struct vgpu_vq *vq)
{
	vgpu_vq_service(vq, false);
}

/**
 * vgpu_vq_callback() - Handle the interrupt of the ring
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
 * vgpu_vq_is_crowded() - Check whether a client's message would leave the display too little room
 * @vq: the queue
 *
 * Return: a snapshot; false on a queue that has failed and emptied.
 */
bool vgpu_vq_is_crowded(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->crowded);
}

/**
 * vgpu_vq_held_quarters() - Get how much of the ring is full of held messages
 * @vq: the queue
 *
 * Return: the number of quarters that are full of held messages, 0 to 4.
 */
u32 vgpu_vq_held_quarters(const struct vgpu_vq *vq)
{
	u32 entries = READ_ONCE(vq->stats.ring_entries);

	return entries ? READ_ONCE(vq->stats.held) * 4 / entries : 0;
}

/**
 * vgpu_vq_held_share() - Get how much a client with held messages may have in flight
 * @vq: the queue
 *
 * Return: the number of messages, an eighth of the ring and at least 1.
 */
u32 vgpu_vq_held_share(const struct vgpu_vq *vq)
{
	return max(READ_ONCE(vq->stats.ring_entries) >> VGPU_VQ_SHARE_SHIFT, 1);
}

/**
 * vgpu_vq_want() - Ask for an interrupt when a message is answered
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
	/* A retired message may be completing outside the lock, so it needs no interrupt. */
	if (!msg->wanted && msg->state != VGPU_MSG_RETIRED && !msg->completed) {
		msg->wanted = true;
		if (msg->state == VGPU_MSG_RING && vq->ring) {
			vq->nr_wanted++;
			if (!virtqueue_enable_cb(vq->ring) || vq->unkicked)
				vgpu_vq_service_soon_locked(vq);
		}
	}
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_listen() - Ask for an interrupt at each response
 * @vq: the queue
 *
 * For a waiter that depends on several messages: a fence signals after all earlier fences of its
 * timeline, whatever the order of the responses. Undone by vgpu_vq_unlisten().
 *
 * Context: any; calls nothing back, so locks that &vgpu_msg.complete takes may be held.
 */
void vgpu_vq_listen(struct vgpu_vq *vq)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->nr_wanted++;
	if (vq->ring && (!virtqueue_enable_cb(vq->ring) || vq->unkicked))
		vgpu_vq_service_soon_locked(vq);
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * vgpu_vq_unlisten() - Undo vgpu_vq_listen()
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
 * vgpu_vq_max_data() - Get how long the data of a message may be
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
 * vgpu_vq_error() - Get the reason why a queue takes no messages
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
 * vgpu_vq_read_stats() - Take a snapshot of a queue's counters
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
