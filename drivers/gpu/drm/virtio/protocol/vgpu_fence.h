/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_FENCE_H
#define VGPU_FENCE_H

#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "protocol/vgpu_timeline.h"

struct vgpu_msg;
struct vgpu_vq;

/**
 * struct vgpu_fence - Signals when the device has executed a command
 * @base: the dma_fence, first because the core frees its address; its seqno is 0 until the fence
 *        is armed
 * @lock: protects @base; part of the fence, so that a sync_file may outlive the device
 * @wanted: the fence has a waiter; protected by @lock
 * @is_upkeep: the command does not count as busy time; constant once bound
 * @given: its command was handed to the queue and counts as busy time; protected by the
 *         timeline's lock
 * @done: the outcome is known, see &dma_fence.error; protected by the timeline's lock
 * @node: entry of the timeline's list; protected by the timeline's lock
 * @timeline: stays until the fence is signalled
 * @name: the timeline's name, a constant string
 * @in_order: value of &vgpu_timeline.in_order, constant
 * @vq: the queue of @msg; protected by @lock
 * @msg: the message that completes the fence, referenced until the fence is signalled; NULL
 *       before vgpu_fence_bind(); protected by @lock
 */
struct vgpu_fence {
	struct dma_fence base;
	struct vgpu_compat_fence_lock lock;
	bool wanted;
	bool is_upkeep;
	bool given;
	bool done;
	struct list_head node;
	struct vgpu_timeline *timeline;
	const char *name;
	bool in_order;
	struct vgpu_vq *vq;
	struct vgpu_msg *msg;
};

struct vgpu_fence *vgpu_fence_create(struct vgpu_timeline *tl);
struct vgpu_fence *vgpu_fence_create_alone(const char *name);
void vgpu_fence_arm(struct vgpu_fence *fence);
void vgpu_fence_bind(struct vgpu_fence *fence, struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_fence_complete(struct vgpu_fence *fence, int error);
bool vgpu_fence_is_sent(struct dma_fence *base, struct vgpu_vq *vq);
bool vgpu_fence_is_ahead(struct dma_fence *base, struct vgpu_vq *vq);

static inline void vgpu_fence_put(struct vgpu_fence *fence)
{
	if (fence)
		dma_fence_put(&fence->base);
}

#endif
