/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Shared by the files that make up a queue and by their unit tests. */
#ifndef VGPU_VQ_PRIV_H
#define VGPU_VQ_PRIV_H

#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq.h"

/* The shortest delay of the sweep. */
#define VGPU_VQ_SWEEP_MIN_MS	4

/* A device that answers nothing for so long gets a ping. */
#define VGPU_VQ_ASK_MIN_MS	1000

/* A message adds two entries to its data: the request and the response. */
#define VGPU_VQ_FIXED_ENTRIES	2

/* The part of the ring that clients must leave free: a quarter. */
#define VGPU_VQ_RESERVE_SHIFT	2

/* The part of the ring that a client may use while the device holds its messages: an eighth. */
#define VGPU_VQ_SHARE_SHIFT	3

/**
 * struct vgpu_vq - One queue to the device
 * @lock: protects all that follows but the constants
 * @ring: the virtqueue, NULL while the device is not attached
 * @ops: upcalls, constant
 * @owner: first argument of the upcalls, constant
 * @silence_limit_ms: how long the device may be silent; 0 for ever; constant
 * @wq: runs @sweep, constant
 * @pending: messages that wait for room in the ring, oldest first
 * @in_ring: messages in the ring that are neither held nor abandoned, oldest first
 * @held: messages that the device has had for VGPU_VQ_HELD_MS, oldest first
 * @zombies: abandoned messages: completed with an error, while the ring still has their memory
 * @rejected: refused messages: committed to a failed queue, to be completed with @error
 * @nr_in_ring: length of @in_ring, @held and @zombies together
 * @nr_wanted: number of waiters for an interrupt: wanted messages in the ring, and listeners
 * @unkicked: the ring holds messages the device may not have been told of
 * @error: not 0 when the queue takes no more messages; written under @lock
 * @sweep: collects responses and watches the device; see vgpu_vq_sweep()
 * @sweep_ms: longest delay of the next sweep
 * @sweeping: @sweep is armed
 * @armed_ms: the delay that @sweep was armed with
 * @armed_at: the time when @sweep was armed, in jiffies
 * @crowded: a further message of a client would leave the display too little room
 * @heard: the device answered since @sweep was armed
 * @asked: the owner was asked for a ping, and the device has answered nothing since
 * @silent: @asked has been set for VGPU_VQ_ANSWER_MS or longer; written under @lock
 * @quiet_ms: how long the device has answered nothing, counted in sweeps
 * @asked_ms: value of @quiet_ms when @asked was set; valid while @asked
 * @ask_ms: the value of @quiet_ms at which the next ping is due
 * @answered: irq_work that collects responses that arrived before their interrupt was enabled
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
	unsigned int silence_limit_ms;
	struct workqueue_struct *wq;
	struct list_head pending;
	struct list_head in_ring;
	struct list_head held;
	struct list_head zombies;
	struct list_head rejected;
	u32 nr_in_ring;
	u32 nr_wanted;
	bool unkicked;
	int error;
	struct delayed_work sweep;
	unsigned int sweep_ms;
	bool sweeping;
	unsigned int armed_ms;
	unsigned long armed_at;
	bool crowded;
	bool heard;
	bool asked;
	bool silent;
	unsigned int quiet_ms;
	unsigned int asked_ms;
	unsigned int ask_ms;
	struct irq_work answered;
	bool indirect;
	struct list_head panic_done;
	struct vgpu_vq_stats stats;
	u64 interrupts;
};

static inline void vgpu_vq_set_sweep_locked(struct vgpu_vq *vq, unsigned int delay_ms)
{
	lockdep_assert_held(&vq->lock);

	vq->sweeping = true;
	vq->armed_ms = delay_ms;
	vq->armed_at = jiffies;
	mod_delayed_work(vq->wq, &vq->sweep, msecs_to_jiffies(delay_ms));
}

/* A new message: bring the sweep forward if held messages have stretched its delay. */
static inline void vgpu_vq_arm_sweep_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (vq->sweeping && vq->armed_ms <= VGPU_VQ_ASK_MIN_MS)
		return;
	if (vq->sweeping)
		vq->sweep_ms = VGPU_VQ_SWEEP_MIN_MS;
	vgpu_vq_set_sweep_locked(vq, vq->sweep_ms);
}

static inline u32 vgpu_vq_entries(const struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	return vq->indirect ? 1 : msg->ndata + VGPU_VQ_FIXED_ENTRIES;
}

/* Check whether the device owes an answer. Abandoned messages do not count. */
static inline bool vgpu_vq_is_owed_locked(const struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	return !list_empty(&vq->in_ring) || !list_empty(&vq->held);
}

/* Stop counting a message among the wanted and the held ones: its outcome is known. */
static inline void vgpu_vq_release_locked(struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	lockdep_assert_held(&vq->lock);

	vq->nr_wanted -= msg->wanted;
	if (msg->held && msg->nr_held)
		atomic_dec(msg->nr_held);
	msg->nr_held = NULL;
}

/* vgpu_vq.c */
int vgpu_vq_add_locked(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_reap_locked(struct vgpu_vq *vq, struct list_head *done);
struct virtqueue *vgpu_vq_prepare_kick_locked(struct vgpu_vq *vq);
void vgpu_vq_finish(struct list_head *done);
void vgpu_vq_service(struct vgpu_vq *vq, bool kick);
void vgpu_vq_notify(struct vgpu_vq *vq);

/* vgpu_vq_watch.c */
void vgpu_vq_begin_watch_locked(struct vgpu_vq *vq);
void vgpu_vq_hear_locked(struct vgpu_vq *vq, bool is_ping);
void vgpu_vq_sweep(struct work_struct *work);

#endif
