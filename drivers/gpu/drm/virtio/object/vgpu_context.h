/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Models: tests/models/litmus/context-state.litmus. */
#ifndef VGPU_CONTEXT_H
#define VGPU_CONTEXT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "object/vgpu_attachment.h"
#include "protocol/vgpu_cmd.h"

struct drm_device;
struct drm_file;
struct drm_printer;
struct vgpu_budget;
struct vgpu_device;
struct vgpu_submitq;
struct vgpu_timeline;

/* &vgpu_context_params.poll_mask has one bit for each ring. */
#define VGPU_CONTEXT_MAX_RINGS	64

/**
 * struct vgpu_context_params - Parameters of CONTEXT_INIT
 * @capset_id: VIRTIO_GPU_CAPSET_*, 0 for the host's default
 * @num_rings: number of rings; 0 if all commands are on the default timeline
 * @poll_mask: rings whose fences send an event when they signal
 * @name: debug name for the host; empty for the name of the process
 */
struct vgpu_context_params {
	u32 capset_id;
	u32 num_rings;
	u64 poll_mask;
	char name[64];
};

/* State of the host's context: see the diagram in vgpu_context.c. */
enum vgpu_context_state {
	VGPU_CONTEXT_NEW,
	VGPU_CONTEXT_LIVE,
	VGPU_CONTEXT_LINGERING,
	VGPU_CONTEXT_DESTROYING,
	VGPU_CONTEXT_DESTROYED,
	VGPU_CONTEXT_LOST,
};

/**
 * struct vgpu_context - The context of an open file
 * @owner: is told the outcome of the context's commands; its own reference is dropped when the
 *         context leaves the lists of &struct vgpu_contexts
 * @vgpu: the device, constant
 * @id: id on the wire, not 0, constant
 * @node: entry of &vgpu_contexts.open, then of &vgpu_contexts.closed
 * @lock: protects the creation and the destruction of the host's context
 * @state: read by vgpu_context_state(), written by vgpu_context_set_state()
 * @since: when @state was set, in jiffies
 * @params: constant once @state is not VGPU_CONTEXT_NEW
 * @rings: timelines of the rings; constant like @params
 * @destroy: CTX_DESTROY, allocated ahead of CTX_CREATE, NULL once in @submitq; protected by @lock
 * @error: sticky error, 0 while there is none; written once
 * @submitq: where commands wait for their dependencies, constant
 * @timeline: timeline of commands that name no ring, constant
 * @budget: budget of the process that opened the file, kept between its commands; constant
 * @submitter: the process that submitted first, 0 before; protected by &vgpu_contexts.lock
 * @submitter_name: name of @submitter; protected by &vgpu_contexts.lock
 * @user: the process (tgid) that has submitted; VGPU_CONTEXT_SHARED if several have; 0 before, and
 *        after it was killed
 * @attachments: the resources that the context may use
 */
struct vgpu_context {
	struct vgpu_cmd_owner owner;
	struct vgpu_device *vgpu;
	u32 id;
	struct list_head node;
	struct mutex lock;
	enum vgpu_context_state state;
	unsigned long since;
	struct vgpu_context_params params;
	struct vgpu_timeline *rings[VGPU_CONTEXT_MAX_RINGS];
	struct vgpu_cmd *destroy;
	int error;
	struct vgpu_submitq *submitq;
	struct vgpu_timeline *timeline;
	struct vgpu_budget *budget;
	pid_t submitter;
	char submitter_name[TASK_COMM_LEN];
	pid_t user;
	struct vgpu_attachments attachments;
};

int vgpu_context_open(struct drm_device *drm, struct drm_file *file);
int vgpu_context_setup(struct vgpu_context *ctx, const struct vgpu_context_params *params);
void vgpu_context_flush(struct vgpu_context *ctx);
void vgpu_context_leave(struct vgpu_context *ctx);
long vgpu_context_time_left(struct vgpu_context *ctx);
void vgpu_context_abandon(struct vgpu_context *ctx);
void vgpu_context_lose(struct vgpu_context *ctx);
void vgpu_context_print(struct vgpu_context *ctx, struct drm_printer *p);

static inline enum vgpu_context_state vgpu_context_state(const struct vgpu_context *ctx)
{
	/* Pairs with the store in vgpu_context_set_state(). */
	return smp_load_acquire(&ctx->state);
}

static inline int vgpu_context_error(const struct vgpu_context *ctx)
{
	return READ_ONCE(ctx->error);
}

/* Get the timeline of a ring, or NULL if the context has no such ring. */
static inline struct vgpu_timeline *vgpu_context_ring(const struct vgpu_context *ctx, u32 ring_idx)
{
	if (vgpu_context_state(ctx) == VGPU_CONTEXT_NEW || ring_idx >= ctx->params.num_rings)
		return NULL;
	return ctx->rings[ring_idx];
}

#endif
