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

/**
 * struct vgpu_vq - One queue to the device
 * @lock: protects all that follows but the constants
 * @ring: the virtqueue, NULL while the device is not attached
 * @ops: upcalls, constant
 * @owner: first argument of the upcalls, constant
 * @silence_limit_ms: how long the device may be silent; 0 for ever; constant
 * @wq: runs @sweep, constant
 * @msgs: the messages of each state but VGPU_MSG_NEW, oldest first; retired and returned ones
 *        until vgpu_vq_take_done_locked()
 * @nr_wanted: number of waiters for an interrupt: wanted messages in the ring, and listeners
 * @unkicked: the ring holds messages the device may not have been told of
 * @error: not 0 when the queue takes no more messages; written under @lock
 * @crowded: a further message of a client would leave the display too little room; written
 *           under @lock
 * @indirect: a message takes one entry of the ring whatever its length; constant
 *            while attached
 * @answered: irq_work that collects responses that arrived before their interrupt was enabled
 * @sweep: collects responses and watches the device; see vgpu_vq_sweep()
 * @sweep_ms: longest delay of the next sweep
 * @sweeping: @sweep is armed
 * @armed_ms: the delay that @sweep was armed with
 * @armed_at: the time when @sweep was armed, in jiffies
 * @heard: the device answered since @sweep was armed
 * @asked: the owner was asked for a ping, and the device has answered nothing since
 * @silent: @asked has been set for VGPU_VQ_ANSWER_MS or longer; written under @lock
 * @quiet_ms: how long the device has answered nothing, counted in sweeps
 * @asked_ms: value of @quiet_ms when @asked was set; valid while @asked
 * @ask_ms: the value of @quiet_ms at which the next ping is due
 * @stats: counters; @stats.held and @stats.ring_entries are written under @lock
 * @interrupts: calls of the ring's callback, of which there is one at a time; without @lock
 */
struct vgpu_vq {
	spinlock_t lock;
	struct virtqueue *ring;
	const struct vgpu_vq_ops *ops;
	void *owner;
	unsigned int silence_limit_ms;
	struct workqueue_struct *wq;
	struct list_head msgs[VGPU_MSG_STATES];
	u32 nr_wanted;
	bool unkicked;
	int error;
	bool crowded;
	bool indirect;
	struct irq_work answered;
	struct delayed_work sweep;
	unsigned int sweep_ms;
	bool sweeping;
	unsigned int armed_ms;
	unsigned long armed_at;
	bool heard;
	bool asked;
	bool silent;
	unsigned int quiet_ms;
	unsigned int asked_ms;
	unsigned int ask_ms;
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

/* vgpu_vq.c */
void vgpu_vq_set_state_locked(struct vgpu_vq *vq, struct vgpu_msg *msg,
			      enum vgpu_msg_state state);
bool vgpu_vq_enter_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_retire_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, u32 used_bytes);
void vgpu_vq_refuse_locked(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_reap_locked(struct vgpu_vq *vq);
struct virtqueue *vgpu_vq_prepare_kick_locked(struct vgpu_vq *vq);
void vgpu_vq_take_done_locked(struct vgpu_vq *vq, struct list_head *done);
void vgpu_vq_finish(struct list_head *done);

/* vgpu_vq_room.c */
void vgpu_vq_age_locked(struct vgpu_vq *vq);

/* vgpu_vq_watch.c */
void vgpu_vq_begin_watch_locked(struct vgpu_vq *vq);
void vgpu_vq_hear_locked(struct vgpu_vq *vq, bool is_ping);
void vgpu_vq_sweep(struct work_struct *work);

#endif
