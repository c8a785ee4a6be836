/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Models in tests/models/: litmus/detach-notify.litmus, litmus/waiter-interrupt.litmus,
 * spin/budget.pml, spin/vq.pml.
 *
 * Shared by the files that make up a queue and by their unit tests.
 */
#ifndef VGPU_VQ_PRIV_H
#define VGPU_VQ_PRIV_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "transport/vgpu_vq.h"

/* A message adds two entries to its data: the request and the response. */
#define VGPU_VQ_FIXED_ENTRIES	2

/* The first delay of the sweep. */
#define VGPU_VQ_SWEEP_MIN_MS	4

/* A device that answers nothing for this long gets a ping; with each ping the time doubles. */
#define VGPU_VQ_PING_MIN_MS	1000

/**
 * enum vgpu_vq_host - What the queue knows of the device
 * @VGPU_VQ_HEARD: the device has answered since the sweep was armed, or has just begun to owe
 *                 an answer
 * @VGPU_VQ_QUIET: the device has answered nothing for &vgpu_vq.quiet_ms
 * @VGPU_VQ_ASKED: the owner was asked for a ping, and the device has answered nothing since
 * @VGPU_VQ_SILENT: the device did not answer the ping within VGPU_VQ_ANSWER_MS
 * @VGPU_VQ_LOST: the device did not answer the ping within the silence limit
 *
 * See the drawing in vgpu_vq_watch.c.
 */
enum vgpu_vq_host {
	VGPU_VQ_HEARD,
	VGPU_VQ_QUIET,
	VGPU_VQ_ASKED,
	VGPU_VQ_SILENT,
	VGPU_VQ_LOST,
};

/**
 * struct vgpu_vq - One queue to the device
 * @lock: protects all that follows but the constants and @interrupts
 * @ring: the virtqueue, NULL while the device is not attached
 * @ops: upcalls, constant
 * @owner: first argument of the upcalls, constant
 * @silence_limit_ms: how long the device may be silent; 0 for ever; constant
 * @wq: runs @sweep, constant
 * @msgs: the messages of each state but VGPU_MSG_NEW, oldest first; retired and returned ones
 *        stay until vgpu_vq_take_done_locked()
 * @nr_listeners: number of waiters for an interrupt, see vgpu_vq_listen()
 * @unkicked: the ring holds messages the device may not have been told of
 * @error: not 0 when the queue takes no more messages; written under @lock
 * @crowded: a further message of a client would leave the display too little room; written
 *           under @lock
 * @indirect: a message takes one entry of the ring whatever its length; constant
 *            while attached
 * @answered: irq_work that collects responses that arrived before their interrupt was enabled
 * @host: written by vgpu_vq_set_host_locked(), under @lock
 * @quiet_ms: the clock of the watch: how long the device has answered nothing in this state of
 *            @host, as the sum of the delays of the sweeps since. The clock starts again with
 *            each state up to VGPU_VQ_ASKED, and runs on afterwards: the silence limit counts
 *            from the ping
 * @ping_ms: the value of @quiet_ms at which the next ping is due
 * @sweep: collects responses and watches the device; see vgpu_vq_sweep()
 * @sweep_ms: the delay that @sweep was armed with
 * @stats: counters; @stats.held and @stats.ring_entries are written under @lock
 * @interrupts: calls of the ring's callback; without @lock, since no two calls overlap
 */
struct vgpu_vq {
	spinlock_t lock;
	struct virtqueue *ring;
	const struct vgpu_vq_ops *ops;
	void *owner;
	unsigned int silence_limit_ms;
	struct workqueue_struct *wq;
	struct list_head msgs[VGPU_MSG_STATES];
	u32 nr_listeners;
	bool unkicked;
	int error;
	bool crowded;
	bool indirect;
	struct irq_work answered;
	enum vgpu_vq_host host;
	unsigned int quiet_ms;
	unsigned int ping_ms;
	struct delayed_work sweep;
	unsigned int sweep_ms;
	struct vgpu_vq_stats stats;
	u64 interrupts;
};

static inline u32 vgpu_vq_entries(const struct vgpu_vq *vq, const struct vgpu_msg *msg)
{
	return vq->indirect ? 1 : msg->ndata + VGPU_VQ_FIXED_ENTRIES;
}

/* vgpu_vq.c */
void vgpu_vq_set_state_locked(struct vgpu_vq *vq, struct vgpu_msg *msg,
			      enum vgpu_msg_state state);
void vgpu_vq_set_host_locked(struct vgpu_vq *vq, enum vgpu_vq_host host);
void vgpu_vq_set_sweep_locked(struct vgpu_vq *vq, unsigned int delay_ms);
bool vgpu_vq_enter_ring_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, gfp_t gfp);
void vgpu_vq_retire_locked(struct vgpu_vq *vq, struct vgpu_msg *msg, u32 used_bytes);
void vgpu_vq_refuse_locked(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_reap_locked(struct vgpu_vq *vq);
struct virtqueue *vgpu_vq_prepare_kick_locked(struct vgpu_vq *vq);
void vgpu_vq_take_done_locked(struct vgpu_vq *vq, struct list_head *done);
void vgpu_vq_finish(struct list_head *done);

/* vgpu_vq_watch.c */
void vgpu_vq_sweep(struct work_struct *work);

#endif
