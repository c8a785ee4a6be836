/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_VQ_H
#define VGPU_VQ_H

#include <linux/types.h>

#include "transport/vgpu_msg.h"

struct virtqueue;
struct vgpu_vq;
struct workqueue_struct;

/* A device that leaves a ping unanswered for this long is silent. */
#define VGPU_VQ_ANSWER_MS	2000

/* A message is held once the device has had it for this long; its client is limited then. */
#define VGPU_VQ_HELD_MS		1000

/**
 * struct vgpu_vq_ops - Upcalls of a queue
 * @lost: the queue is broken, or the device was silent for the silence limit; may be called
 *        more than once and in any context
 * @ask: the device has answered nothing for a while, so the owner commits a message with
 *       &vgpu_msg.ping; in process context
 * @silent: the device has answered nothing for VGPU_VQ_ANSWER_MS after @ask; in process context
 */
struct vgpu_vq_ops {
	void (*lost)(void *owner, int error);
	void (*ask)(void *owner);
	void (*silent)(void *owner);
};

/**
 * struct vgpu_vq_stats - Counters of one queue, a snapshot
 * @committed: messages ever committed
 * @completed: messages ever answered by the device
 * @failed: messages ever completed without an answer
 * @kicks: notifications sent
 * @interrupts: calls of the virtqueue callback
 * @ticks: runs of the sweep
 * @pending: messages in the FIFO now
 * @in_ring: messages in the ring now, including abandoned ones
 * @held: entries of the ring that held messages occupy now
 * @ring_entries: size of the ring
 */
struct vgpu_vq_stats {
	u64 committed;
	u64 completed;
	u64 failed;
	u64 kicks;
	u64 interrupts;
	u64 ticks;
	u32 pending;
	u32 in_ring;
	u32 held;
	u32 ring_entries;
};

/* The life of a queue. */
struct vgpu_vq *vgpu_vq_create(const struct vgpu_vq_ops *ops, void *owner,
			       unsigned int silence_limit_ms, struct workqueue_struct *wq);
void vgpu_vq_attach(struct vgpu_vq *vq, struct virtqueue *ring);
void vgpu_vq_fail(struct vgpu_vq *vq, int error);
void vgpu_vq_detach(struct vgpu_vq *vq);
void vgpu_vq_settle(struct vgpu_vq *vq);
void vgpu_vq_destroy(struct vgpu_vq *vq);

/* Messages. */
void vgpu_vq_commit(struct vgpu_vq *vq, struct vgpu_msg *msg);
bool vgpu_vq_has(struct vgpu_vq *vq, const struct vgpu_msg *msg);
bool vgpu_vq_take_back(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_listen(struct vgpu_vq *vq);
void vgpu_vq_unlisten(struct vgpu_vq *vq);
void vgpu_vq_service(struct vgpu_vq *vq, bool kick);
void vgpu_vq_callback(struct vgpu_vq *vq);

/* Notify the device of committed messages, and collect responses in passing. */
static inline void vgpu_vq_kick(struct vgpu_vq *vq)
{
	vgpu_vq_service(vq, true);
}

/* Collect responses now. */
static inline void vgpu_vq_poll(struct vgpu_vq *vq)
{
	vgpu_vq_service(vq, false);
}

/* The state of a queue, a snapshot. */
bool vgpu_vq_is_silent(const struct vgpu_vq *vq);
bool vgpu_vq_is_crowded(const struct vgpu_vq *vq);
u32 vgpu_vq_held_quarters(const struct vgpu_vq *vq);
u32 vgpu_vq_held_share(const struct vgpu_vq *vq);
unsigned int vgpu_vq_max_data(const struct vgpu_vq *vq);
int vgpu_vq_error(const struct vgpu_vq *vq);
void vgpu_vq_read_stats(struct vgpu_vq *vq, struct vgpu_vq_stats *stats);

/* In a panic. */
int vgpu_vq_panic_enter(struct vgpu_vq *vq);
int vgpu_vq_panic_run(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_panic_exit(struct vgpu_vq *vq);

#endif
