// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: transport
 *
 * A queue carries messages to the device and brings their responses back.
 *
 * The ring of the virtqueue is a window on the queue, not the queue: committing a
 * message appends it to a FIFO and pushes what fits into the ring. A commit neither
 * sleeps nor fails, so a submission that has published a fence can always commit the
 * message that signals it. Other messages are pushed when a response makes room.
 *
 * A message owns the memory of its request and its response. The queue holds a
 * reference to the message for as long as the device may touch that memory, so a
 * waiter may give up at any time, and the message may be completed with an error (the
 * device is lost) long before the device gives it back.
 *
 * The queue keeps the messages of each state on a list::
 *
 *         take back
 *       .-----------.
 *       v  commit   |   room           1 s
 *      NEW -----> PENDING -----> RING -----> HELD
 *       |           |             |           |
 *       |           |             +-----------+--- answer ---> RETIRED, completed next
 *       |           |             |           |
 *       |           |             '-----------'--- failure --> ABANDONED, completed at once
 *       |           |                                              |
 *       '-----------'--- failure --> RETIRED          answer or detach --> RETURNED
 *
 * The queue asks for interrupts only while a waiter wants an answer or messages wait for
 * room. Other responses are collected by the next commit, and at the latest by a timer, which
 * also watches the device. If an answer arrived before its interrupt was enabled, an irq_work
 * collects it as soon as the waiter has dropped its locks.
 *
 * Locking: &vgpu_vq.lock is the innermost lock of the driver. &vgpu_msg.stamp is the only
 * callback that is called with the lock held.
 */

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_ring.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq_priv.h"

/* The part of the ring that clients must leave free: a quarter. */
#define VGPU_VQ_RESERVE_SHIFT	2

/* The part of the ring that a client may use while the device holds its messages: an eighth. */
#define VGPU_VQ_SHARE_SHIFT	3

/* Add @n (1 or -1) to the counters of a message's state. Inline: called 4 times per message. */
static __always_inline void vgpu_vq_count_locked(struct vgpu_vq *vq, const struct vgpu_msg *msg,
						 int n)
{
	lockdep_assert_held(&vq->lock);

	switch (msg->state) {
	case VGPU_MSG_PENDING:
		vq->stats.pending += n;
		break;
	case VGPU_MSG_HELD:
		WRITE_ONCE(vq->stats.held, vq->stats.held + n * vgpu_vq_entries(vq, msg));
		if (msg->nr_held)
			atomic_add(n, msg->nr_held);
		fallthrough;
	case VGPU_MSG_RING:
	case VGPU_MSG_ABANDONED:
		vq->stats.in_ring += n;
		break;
	default:
		break;
	}
}

/**
 * vgpu_vq_set_state_locked() - Move a message to another state
 * @vq: the queue
 * @msg: the message, which moves to the end of the list of that state
 * @state: the new state
 *
 * The only writer of &vgpu_msg.state and of the counters of messages in a state.
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_set_state_locked(struct vgpu_vq *vq, struct vgpu_msg *msg,
			      enum vgpu_msg_state state)
{
	lockdep_assert_held(&vq->lock);

	vgpu_vq_count_locked(vq, msg, -1);
	msg->state = state;
	vgpu_vq_count_locked(vq, msg, 1);

	if (state == VGPU_MSG_NEW)
		list_del_init(&msg->node);
	else
		list_move_tail(&msg->node, &vq->msgs[state]);
	if (vq->ring)
		WRITE_ONCE(vq->crowded, vq->stats.pending ||
			   vq->ring->num_free < vq->stats.ring_entries >> VGPU_VQ_RESERVE_SHIFT);
}

/**
 * vgpu_vq_set_host_locked() - Set what the queue knows of the device
 * @vq: the queue
 * @host: the new state
 *
 * The only writer of &vgpu_vq.host. The clock goes on from a ping to the silence limit.
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_set_host_locked(struct vgpu_vq *vq, enum vgpu_vq_host host)
{
	lockdep_assert_held(&vq->lock);

	if (host <= VGPU_VQ_ASKED)
		vq->quiet_ms = 0;
	WRITE_ONCE(vq->host, host);
}

/**
 * vgpu_vq_set_sweep_locked() - Arm the sweep, or change its delay
 * @vq: the queue
 * @delay_ms: delay of the sweep from now, in milliseconds. The part of an earlier delay that has
 *            passed is not counted as silence
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_set_sweep_locked(struct vgpu_vq *vq, unsigned int delay_ms)
{
	lockdep_assert_held(&vq->lock);

	vq->sweep_ms = delay_ms;
	mod_delayed_work(vq->wq, &vq->sweep, msecs_to_jiffies(delay_ms));
}

/* Arm the sweep for a new message, or bring it forward if held messages have stretched it. */
static void vgpu_vq_arm_sweep_locked(struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	/* The sweep that sends a ping is already armed for the answer, so leave its delay alone. */
	if (msg->ping)
		return;
	vq->ping_ms = VGPU_VQ_PING_MIN_MS;
	if (!delayed_work_pending(&vq->sweep) || vq->sweep_ms > VGPU_VQ_PING_MIN_MS)
		vgpu_vq_set_sweep_locked(vq, VGPU_VQ_SWEEP_MIN_MS);
}

/* End the silence: the device has answered a message. */
static void vgpu_vq_hear_locked(struct vgpu_vq *vq, bool is_ping)
{
	lockdep_assert_held(&vq->lock);

	if (!is_ping || vq->ping_ms == VGPU_VQ_PING_MIN_MS) {
		vgpu_vq_set_host_locked(vq, VGPU_VQ_HEARD);
		return;
	}
	/* The device holds the other messages: nothing to collect before the next ping is due. */
	vgpu_vq_set_host_locked(vq, VGPU_VQ_QUIET);
	vgpu_vq_set_sweep_locked(vq, vq->ping_ms);
}

/* Like sg_init_one(), but inline: it is called twice per message. */
static void vgpu_vq_set_entry(struct scatterlist *sg, const void *buf, u32 size_bytes)
{
	*sg = (struct scatterlist){};
	sg_set_buf(sg, buf, size_bytes);
	sg_mark_end(sg);
}

static int vgpu_vq_add_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, gfp_t gfp)
{
	struct scatterlist req, resp, *sgs[3];
	unsigned int out = 0, in = 0;

	lockdep_assert_held(&vq->lock);

	if (vq->ring->num_free < vgpu_vq_entries(vq, msg))
		return -ENOSPC;

	vgpu_vq_set_entry(&req, msg->req, msg->req_bytes);
	sgs[out++] = &req;
	if (msg->ndata)
		sgs[out++] = msg->data;
	if (msg->resp_bytes) {
		vgpu_vq_set_entry(&resp, msg->resp, msg->resp_bytes);
		sgs[out + in++] = &resp;
	}
	return virtqueue_add_sgs(vq->ring, sgs, out, in, msg, gfp);
}

/**
 * vgpu_vq_enter_ring_locked() - Add a message to the ring
 * @vq: the queue, attached
 * @msg: the message
 * @gfp: how the ring allocates an indirect table; without one the message takes more entries
 *
 * Context: any; the queue's lock is held.
 * Return: true; or false if the ring cannot take the message now.
 */
bool vgpu_vq_enter_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, gfp_t gfp)
{
	lockdep_assert_held(&vq->lock);

	if (vgpu_vq_add_locked(vq, msg, gfp))
		return false;
	if (!vq->stats.in_ring) {
		vgpu_vq_set_host_locked(vq, VGPU_VQ_HEARD);
		vq->ping_ms = VGPU_VQ_PING_MIN_MS;
	}
	msg->since = jiffies;
	vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_RING);
	vq->unkicked = true;
	return true;
}

/*
 * Move messages from the FIFO into the ring while there is room. A message that the ring does not
 * take stays at the head of the FIFO: the next response or the sweep tries again. If the ring is
 * broken, vgpu_vq_service() tells the owner, whose vgpu_vq_fail() empties the FIFO. Until it has,
 * a message may still enter the ring, and is abandoned. A queue without a ring has an empty FIFO.
 */
static void vgpu_vq_push_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg, *next;

	lockdep_assert_held(&vq->lock);

	list_for_each_entry_safe(msg, next, &vq->msgs[VGPU_MSG_PENDING], node) {
		if (!vgpu_vq_enter_ring_locked(vq, msg, GFP_ATOMIC))
			break;
		vgpu_vq_arm_sweep_locked(vq, msg);
	}
}

/**
 * vgpu_vq_retire_locked() - Take a message back from the ring
 * @vq: the queue
 * @msg: the message
 * @used_bytes: how many bytes the device says it wrote to the response
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_retire_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, u32 used_bytes)
{
	lockdep_assert_held(&vq->lock);

	/* The outcome of an abandoned message is already known, and may be in use. */
	if (msg->state == VGPU_MSG_ABANDONED) {
		vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_RETURNED);
		return;
	}
	vq->stats.completed++;

	/* Only a faulty device reports more bytes than the response has room for. */
	if (used_bytes > msg->resp_bytes)
		msg->error = -EPROTO;
	else
		msg->used_bytes = used_bytes;
	vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_RETIRED);
}

/**
 * vgpu_vq_reap_locked() - Collect the messages that the device has answered
 * @vq: the queue
 *
 * Leaves interrupts enabled only if a waiter needs the next answer. The caller finishes the
 * messages; see vgpu_vq_take_done_locked().
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_reap_locked(struct vgpu_vq *vq)
{
	struct vgpu_msg *msg;
	unsigned int used_bytes;

	lockdep_assert_held(&vq->lock);

	if (!vq->ring)
		return;

	do {
		virtqueue_disable_cb(vq->ring);
		while ((msg = virtqueue_get_buf(vq->ring, &used_bytes))) {
			vgpu_vq_retire_locked(vq, msg, used_bytes);
			vgpu_vq_hear_locked(vq, msg->ping);
		}
		if (virtqueue_is_broken(vq->ring))
			return;
	} while ((vq->nr_listeners || vq->stats.pending) && !virtqueue_enable_cb(vq->ring));
}

/**
 * vgpu_vq_prepare_kick_locked() - Check whether the device must be notified of new messages
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
 * vgpu_vq_take_done_locked() - Take the retired and the returned messages from the queue
 * @vq: the queue
 * @done: the messages are appended to it, for vgpu_vq_finish()
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_take_done_locked(struct vgpu_vq *vq, struct list_head *done)
{
	lockdep_assert_held(&vq->lock);

	list_splice_tail_init(&vq->msgs[VGPU_MSG_RETIRED], done);
	list_splice_tail_init(&vq->msgs[VGPU_MSG_RETURNED], done);
}

/**
 * vgpu_vq_finish() - Complete retired messages, and drop the queue's references
 * @done: messages of vgpu_vq_take_done_locked()
 *
 * Context: any, but not under a lock that &vgpu_msg.complete takes.
 */
void vgpu_vq_finish(struct list_head *done)
{
	bool cookie = dma_fence_begin_signalling();
	struct vgpu_msg *msg, *next;

	/* _safe: the put may free the message, and the list entry in it. */
	list_for_each_entry_safe(msg, next, done, node) {
		if (msg->state == VGPU_MSG_RETIRED)
			msg->complete(msg);
		vgpu_msg_put(msg);
	}
	dma_fence_end_signalling(cookie);
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
	bool is_broken;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	vgpu_vq_reap_locked(vq);
	vgpu_vq_take_done_locked(vq, &done);
	if (vq->stats.pending) {
		vgpu_vq_push_locked(vq);
		kick = true;
	}
	if (kick)
		ring = vgpu_vq_prepare_kick_locked(vq);
	is_broken = vq->ring && !vq->error && virtqueue_is_broken(vq->ring);
	spin_unlock_irqrestore(&vq->lock, flags);

	/* Outside the lock: the exit to the host takes long. The next push sees a broken ring. */
	if (ring)
		virtqueue_notify(ring);
	rcu_read_unlock();

	vgpu_vq_finish(&done);
	if (is_broken)
		vq->ops->lost(vq->owner, -EIO);
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

/* Service the queue as soon as the caller has dropped its locks. */
static void vgpu_vq_service_soon_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	/* On 32-bit ARM the answer is in a variable that modules cannot reach. */
	if (!IS_ENABLED(CONFIG_ARM) && arch_irq_work_has_interrupt())
		irq_work_queue(&vq->answered);
	else
		/* Without an interrupt of its own, an irq_work runs at the next timer tick. */
		vgpu_vq_set_sweep_locked(vq, 0);
}

/**
 * vgpu_vq_refuse_locked() - Give a message the error of the queue in place of a response
 * @vq: the queue, failed
 * @msg: the message, not in the ring
 *
 * Context: any; the queue's lock is held.
 */
void vgpu_vq_refuse_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	msg->error = vq->error;
	vq->stats.failed++;
	vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_RETIRED);
}

/**
 * vgpu_vq_commit() - Send a message
 * @vq: the queue
 * @msg: the message; the queue takes a reference of its own
 *
 * Messages reach the device in the order of their commits. The device is notified at
 * the next vgpu_vq_kick(), at the latest by the sweep. A message committed to a failed queue
 * is refused: it completes with the queue's error, outside this call.
 *
 * Context: any; calls no callback but &vgpu_msg.stamp, so locks that &vgpu_msg.complete takes
 * may be held.
 */
void vgpu_vq_commit(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	kref_get(&msg->ref);

	guard(spinlock_irqsave)(&vq->lock);
	vq->stats.committed++;
	if (msg->stamp)
		msg->stamp(msg);
	if (vq->error) {
		vgpu_vq_refuse_locked(vq, msg);
		vgpu_vq_service_soon_locked(vq);
	} else {
		if (vq->stats.pending || !vgpu_vq_enter_ring_locked(vq, msg, GFP_ATOMIC))
			vgpu_vq_set_state_locked(vq, msg, VGPU_MSG_PENDING);
		vgpu_vq_arm_sweep_locked(vq, msg);
	}
}

/**
 * vgpu_vq_listen() - Ask for an interrupt at each response
 * @vq: the queue
 *
 * For a waiter, until vgpu_vq_unlisten(). An interrupt for one message would not be enough: a fence
 * signals after all earlier fences of its timeline, whatever the order of the responses.
 *
 * The queue is serviced soon if a response is there already, or if the waiter has committed a
 * message without a kick.
 *
 * Context: any; calls no callback, so locks that &vgpu_msg.complete takes may be held.
 */
void vgpu_vq_listen(struct vgpu_vq *vq)
{
	guard(spinlock_irqsave)(&vq->lock);
	vq->nr_listeners++;
	if (vq->ring && (!virtqueue_enable_cb(vq->ring) || vq->unkicked))
		vgpu_vq_service_soon_locked(vq);
}

/**
 * vgpu_vq_unlisten() - Undo vgpu_vq_listen()
 * @vq: the queue
 *
 * Context: any.
 */
void vgpu_vq_unlisten(struct vgpu_vq *vq)
{
	guard(spinlock_irqsave)(&vq->lock);
	vq->nr_listeners--;
}

/**
 * vgpu_vq_has() - Check whether a message was committed
 * @vq: the queue it was or will be committed to
 * @msg: the message
 *
 * Context: any.
 * Return: true if every message that is committed from now on comes after @msg.
 */
bool vgpu_vq_has(struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	guard(spinlock_irqsave)(&vq->lock);
	return msg->state != VGPU_MSG_NEW;
}

/**
 * vgpu_vq_error() - Get the reason why a queue takes no messages
 * @vq: the queue
 *
 * Context: any.
 * Return: 0 if the queue takes messages; else the error of vgpu_vq_fail(), or -ENODEV before the
 * first vgpu_vq_attach().
 */
int vgpu_vq_error(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->error);
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
 * vgpu_vq_is_silent() - Check whether the device has left a ping unanswered for too long
 * @vq: the queue
 *
 * Context: any.
 * Return: true if the device has answered nothing for VGPU_VQ_ANSWER_MS after a ping was due.
 */
bool vgpu_vq_is_silent(const struct vgpu_vq *vq)
{
	return READ_ONCE(vq->host) >= VGPU_VQ_SILENT;
}
