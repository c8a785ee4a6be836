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
 * next, and at the latest by a timer. An answer that was there before its interrupt
 * was asked for is collected by an interrupt we send ourselves, as soon as the asker
 * lets go of its locks.
 *
 * The timer also notices a device that makes no headway: the oldest message in the
 * ring has been the oldest for too long. How old it is does not count, since a slow
 * device may take its time to get to it.
 *
 * Locking: &vgpu_vq.lock is the innermost lock of the driver. No callback is called
 * while it is held but &vgpu_msg.stamp.
 */

#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq.h"

/* How soon responses nobody waits for are collected: doubles from MIN to MAX. */
#define VGPU_VQ_SWEEP_MIN_MS	4
#define VGPU_VQ_SWEEP_MAX_MS	1000

/* How long a panic waits for an answer, in all a second. */
#define VGPU_VQ_PANIC_TRIES	100000
#define VGPU_VQ_PANIC_DELAY_US	10

/* A message adds two entries to its data: the request and the response. */
#define VGPU_VQ_FIXED_ENTRIES	2

/* The part of the ring that is kept free of what clients send: a quarter. */
#define VGPU_VQ_RESERVE_SHIFT	2

/**
 * struct vgpu_vq - one queue to the device
 * @lock: protects all that follows but the constants
 * @ring: the virtqueue, NULL while the device is not attached
 * @ops: upcalls, constant
 * @owner: first argument of the upcalls, constant
 * @timeout: how long the device may keep its oldest message, in jiffies; 0 for ever;
 *           constant
 * @pending: messages that wait for room in the ring, oldest first
 * @in_ring: messages in the ring whose outcome is open, oldest first
 * @zombies: messages in the ring that were completed with an error
 * @rejected: messages committed to a failed queue, to be completed with @error
 * @nr_in_ring: length of @in_ring and @zombies together
 * @zombie_entries: entries of the ring that @zombies take; written under @lock
 * @nr_wanted: how many answers are waited for: messages of @in_ring, and listeners
 * @unkicked: the ring holds messages the device may not have been told of
 * @error: not 0 when the queue takes no more messages; written under @lock
 * @sweep: collects what nobody waits for, retries what memory was short for
 * @sweep_ms: delay of the next sweep
 * @sweeping: @sweep is armed
 * @crowded: what comes next from a client would leave the display too little room
 * @heard: when the device last answered or, after a time of idleness, was asked; in
 *         jiffies
 * @worked: when it last answered more than a probe, in jiffies
 * @plain_worked: when it last answered a message without a lane but for probes, in jiffies
 * @plain_since: the latest &vgpu_msg.since of those
 * @oldest_since: since when the first of @in_ring is the first, in jiffies
 * @answered: collects responses that came before anybody asked for an interrupt
 * @indirect: a message takes one entry of the ring whatever its length; constant
 *            while attached
 * @panic_done: messages that came back during a panic; see vgpu_vq_panic_enter()
 * @stats: counters
 * @interrupts: calls of the ring's callback, of which there is one at a time; without @lock
 */
struct vgpu_vq {
	spinlock_t lock;
	struct virtqueue *ring;
	const struct vgpu_vq_ops *ops;
	void *owner;
	unsigned long timeout;
	struct list_head pending;
	struct list_head in_ring;
	struct list_head zombies;
	struct list_head rejected;
	u32 nr_in_ring;
	u32 zombie_entries;
	u32 nr_wanted;
	bool unkicked;
	int error;
	struct delayed_work sweep;
	unsigned int sweep_ms;
	bool sweeping;
	bool crowded;
	unsigned long heard;
	unsigned long worked;
	unsigned long plain_worked;
	unsigned long plain_since;
	unsigned long oldest_since;
	struct irq_work answered;
	bool indirect;
	struct list_head panic_done;
	struct vgpu_vq_stats stats;
	u64 interrupts;
};

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

static void vgpu_vq_arm_sweep_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (vq->sweeping)
		return;
	vq->sweeping = true;
	queue_delayed_work(system_dfl_wq, &vq->sweep, msecs_to_jiffies(vq->sweep_ms));
}

static u32 vgpu_vq_entries(const struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	return vq->indirect ? 1 : msg->ndata + VGPU_VQ_FIXED_ENTRIES;
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

static int vgpu_vq_add_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
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

/* Take a message off the list of those whose outcome is open, or of zombies. */
static void vgpu_vq_leave_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg,
				      struct list_head *to)
{
	lockdep_assert_held(&vq->lock);

	if (list_is_first(&msg->node, &vq->in_ring))
		vq->oldest_since = jiffies;
	list_move_tail(&msg->node, to);
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

/*
 * Collect what the device has answered, and leave interrupts enabled just when
 * somebody needs the next answer.
 */
static void vgpu_vq_reap_locked(struct vgpu_vq *vq, struct list_head *done)
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

static void vgpu_vq_kick_locked(struct vgpu_vq *vq)
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

/* Tell the owner of messages that came back; drop the ring's references. */
static void vgpu_vq_finish(struct list_head *done)
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

/* The round everybody makes: collect, refill, tell the device, tell the owners. */
static void vgpu_vq_service(struct vgpu_vq *vq, bool kick)
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

/*
 * The sweep: collects responses nobody waits for, sends what was committed
 * without a kick, retries what memory was short for, and notices what the device
 * has kept for too long.
 */
static void vgpu_vq_sweep(struct work_struct *work)
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
 * vgpu_vq_panic_enter() - take a queue over in a panic
 * @vq: the queue
 *
 * Nothing else runs, and whoever was interrupted may have left things half done, so
 * the lock is tried, not waited for. It stays with the caller until
 * vgpu_vq_panic_exit().
 *
 * Context: panic, or interrupts off.
 * Return: 0; -EBUSY when somebody was working with the queue; why it takes no
 * messages.
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
		__release(&vq->lock);	/* for sparse: vgpu_vq_panic_exit() does it */
	return ret;
}

static bool vgpu_vq_panic_poll(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	unsigned int tries;

	for (tries = 0; tries < VGPU_VQ_PANIC_TRIES; tries++) {
		vgpu_vq_reap_locked(vq, &vq->panic_done);
		if (msg ? msg->state == VGPU_MSG_RETIRED : vq->ring->num_free)
			return true;
		udelay(VGPU_VQ_PANIC_DELAY_US);
	}
	return false;
}

/**
 * vgpu_vq_panic_run() - send a message and wait for its answer without sleeping
 * @vq: the queue, taken over
 * @msg: the message; goes past those that wait for room
 *
 * Context: between vgpu_vq_panic_enter() and vgpu_vq_panic_exit().
 * Return: 0; -ETIMEDOUT; -EIO when the ring does not take it.
 */
int vgpu_vq_panic_run(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	if (!vgpu_vq_panic_poll(vq, NULL))
		return -ETIMEDOUT;
	if (vgpu_vq_add_locked(vq, msg))
		return -EIO;
	kref_get(&msg->ref);
	msg->state = VGPU_MSG_RING;
	list_move_tail(&msg->node, &vq->in_ring);
	vq->nr_in_ring++;
	vq->unkicked = true;
	vgpu_vq_kick_locked(vq);
	return vgpu_vq_panic_poll(vq, msg) ? 0 : -ETIMEDOUT;
}

/**
 * vgpu_vq_panic_exit() - undo vgpu_vq_panic_enter()
 * @vq: the queue
 *
 * When it was only a drill, messages that came back meanwhile are completed.
 *
 * Context: panic, or interrupts off.
 */
void vgpu_vq_panic_exit(struct vgpu_vq *vq)
{
	LIST_HEAD(done);

	if (!oops_in_progress)
		list_splice_init(&vq->panic_done, &done);
	__acquire(&vq->lock);	/* for sparse: since vgpu_vq_panic_enter() */
	spin_unlock(&vq->lock);
	vgpu_vq_finish(&done);
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
