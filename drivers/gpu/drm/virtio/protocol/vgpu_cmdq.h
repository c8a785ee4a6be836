/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CMDQ_H
#define VGPU_CMDQ_H

#include <linux/cleanup.h>

#include "protocol/vgpu_cmdq_types.h"
#include "protocol/vgpu_fence.h"
#include "transport/vgpu_vq.h"

struct virtqueue;

struct vgpu_cmdq *vgpu_cmdq_create(struct virtio_device *vdev, void (*lost)(void *arg, int error),
				   void *arg, struct workqueue_struct *wq,
				   struct workqueue_struct *fence_wq);
void vgpu_cmdq_settle(struct vgpu_cmdq *q);
void vgpu_cmdq_destroy(struct vgpu_cmdq *q);
void vgpu_cmdq_start(struct vgpu_cmdq *q, struct virtqueue *control, struct virtqueue *cursor);
void vgpu_cmdq_fail(struct vgpu_cmdq *q, int error);
void vgpu_cmdq_stop(struct vgpu_cmdq *q);
int vgpu_cmdq_ping(struct vgpu_cmdq *q);
void vgpu_cmdq_limit_questions(struct vgpu_cmdq *q, unsigned int limit_ms);
int vgpu_cmdq_panic_enter(struct vgpu_cmdq *q);
void vgpu_cmdq_panic_exit(struct vgpu_cmdq *q);
u64 vgpu_cmdq_read_refusals(struct vgpu_cmdq *q, struct vgpu_cmdq_refusal *refusals);

/* Functions of vgpu_vq.h for the layers above, each for one of the two queues. */
static inline void vgpu_cmdq_interrupt(struct vgpu_cmdq *q, unsigned int ring_idx)
{
	vgpu_vq_callback(ring_idx ? q->cursor : q->control);
}

/* Notify the device of posted commands. */
static inline void vgpu_cmdq_kick(struct vgpu_cmdq *q)
{
	vgpu_vq_kick(q->control);
}

static inline void vgpu_cmdq_kick_cursor(struct vgpu_cmdq *q)
{
	vgpu_vq_kick(q->cursor);
}

/* Collect responses that did not ask for an interrupt. */
static inline void vgpu_cmdq_poll(struct vgpu_cmdq *q)
{
	vgpu_vq_poll(q->control);
}

/* Ask for an interrupt at each response, until vgpu_cmdq_unlisten(). */
static inline void vgpu_cmdq_listen(struct vgpu_cmdq *q)
{
	vgpu_vq_listen(q->control);
}

static inline void vgpu_cmdq_unlisten(struct vgpu_cmdq *q)
{
	vgpu_vq_unlisten(q->control);
}

/* Get the negative errno that new commands end with; 0 if the queues take commands. */
static inline int vgpu_cmdq_error(struct vgpu_cmdq *q)
{
	return vgpu_vq_error(q->control);
}

/* Check whether the host has left a ping unanswered for VGPU_VQ_ANSWER_MS. */
static inline bool vgpu_cmdq_is_silent(struct vgpu_cmdq *q)
{
	return vgpu_vq_is_silent(q->control);
}

/* Check whether the host executes the command of @fence before all commands sent from now on. */
static inline bool vgpu_cmdq_runs_after(struct vgpu_cmdq *q, struct dma_fence *fence)
{
	return vgpu_fence_is_ahead(fence, q->control);
}

/* Check whether the command of @fence was sent to this host, which has not signalled it. */
static inline bool vgpu_cmdq_has(struct vgpu_cmdq *q, struct dma_fence *fence)
{
	return vgpu_fence_is_sent(fence, q->control);
}

/* Undo vgpu_cmdq_begin_update(), in any context. The memory stays for the next update. */
static inline void vgpu_cmdq_end_update(struct vgpu_cmdq *q)
{
	guard(spinlock_irqsave)(&q->memory.lock);
	q->memory.nr_promised -= VGPU_CMD_MEMORY_UPDATE;
}

/**
 * vgpu_cmdq_begin_update() - Reserve memory for the commands of a display update
 * @q: the queues
 * @gfp: GFP_KERNEL, with __GFP_NOFAIL in a worker
 *
 * From here to vgpu_cmdq_end_update() the caller may build VGPU_CMD_MEMORY_UPDATE display
 * commands without waiting for memory.
 *
 * Context: process, may sleep.
 * Return: 0; or -ENOMEM, without __GFP_NOFAIL; the update has not begun then.
 */
static inline int vgpu_cmdq_begin_update(struct vgpu_cmdq *q, gfp_t gfp)
{
	bool is_short;
	int ret;

	scoped_guard(spinlock_irqsave, &q->memory.lock) {
		q->memory.nr_promised += VGPU_CMD_MEMORY_UPDATE;
		is_short = q->memory.nr_promised > q->memory.nr_reserved;
	}
	ret = is_short ? vgpu_cmd_memory_refill(&q->memory, gfp) : 0;
	if (ret)
		vgpu_cmdq_end_update(q);
	return ret;
}

#endif
