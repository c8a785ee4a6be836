/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files that make up a queue share; nobody else includes it. */
#ifndef VGPU_VQ_PRIV_H
#define VGPU_VQ_PRIV_H

#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq.h"

/* How soon responses nobody waits for are collected, to begin with. */
#define VGPU_VQ_SWEEP_MIN_MS	4

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

static inline void vgpu_vq_arm_sweep_locked(struct vgpu_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (vq->sweeping)
		return;
	vq->sweeping = true;
	queue_delayed_work(system_dfl_wq, &vq->sweep, msecs_to_jiffies(vq->sweep_ms));
}

static inline u32 vgpu_vq_entries(const struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	return vq->indirect ? 1 : msg->ndata + VGPU_VQ_FIXED_ENTRIES;
}

/* Take a message off the list of those whose outcome is open, or of zombies. */
static inline void vgpu_vq_leave_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg,
					     struct list_head *to)
{
	lockdep_assert_held(&vq->lock);

	if (list_is_first(&msg->node, &vq->in_ring))
		vq->oldest_since = jiffies;
	list_move_tail(&msg->node, to);
}

/* vgpu_vq.c */
int vgpu_vq_add_locked(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_reap_locked(struct vgpu_vq *vq, struct list_head *done);
void vgpu_vq_kick_locked(struct vgpu_vq *vq);
void vgpu_vq_finish(struct list_head *done);
void vgpu_vq_service(struct vgpu_vq *vq, bool kick);

/* vgpu_vq_watch.c */
void vgpu_vq_sweep(struct work_struct *work);

#endif
