/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CONTEXTS_H
#define VGPU_CONTEXTS_H

#include <linux/idr.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include <drm/drm_file.h>

#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "protocol/vgpu_budget.h"

struct drm_device;

/* In place of a process id: several processes have submitted to a context. */
#define VGPU_CONTEXT_SHARED	(-1)

/**
 * struct vgpu_contexts - The contexts of a device
 * @vgpu: the device, constant
 * @ids: ids of the contexts on the wire
 * @lock: protects @open and @closed; taken outside of &vgpu_context.lock
 * @open: contexts of open files
 * @closed: contexts of closed files that have work left
 * @reap: frees closed contexts that have no work left, or whose fences the host has dropped
 */
struct vgpu_contexts {
	struct vgpu_device *vgpu;
	struct ida ids;
	struct mutex lock;
	struct list_head open;
	struct list_head closed;
	struct delayed_work reap;
};

int vgpu_contexts_init(struct vgpu_device *vgpu);
void vgpu_contexts_flush(struct vgpu_device *vgpu);
void vgpu_contexts_close(struct drm_device *drm, struct drm_file *file);
void vgpu_contexts_set_submitter(struct vgpu_context *ctx);
pid_t vgpu_contexts_find_submitter(struct vgpu_device *vgpu, char name[TASK_COMM_LEN]);
void vgpu_contexts_lose(struct vgpu_device *vgpu);
void vgpu_contexts_print(struct vgpu_device *vgpu, struct drm_printer *p);

/* Get the context of a file; not NULL between open and close. */
static inline struct vgpu_context *vgpu_context_of(struct drm_file *file)
{
	return file->driver_priv;
}

/* Create the host's context, unless it exists: 0; -ENOMEM; or the context's sticky error. */
static inline int vgpu_context_ensure(struct vgpu_context *ctx)
{
	int ret = vgpu_context_state(ctx) == VGPU_CONTEXT_NEW ? vgpu_context_setup(ctx, NULL) : 0;

	/* Another thread may have created the context meanwhile. */
	return ret && ret != -EEXIST ? ret : vgpu_context_error(ctx);
}

/* Record the first process that submits to a context. */
static inline void vgpu_contexts_note_submitter(struct vgpu_context *ctx)
{
	/* A thread that does not see @submitter yet sets it again, under the lock. */
	if (!data_race(ctx->submitter))
		vgpu_contexts_set_submitter(ctx);
}

/**
 * vgpu_context_throttle() - Wait until the calling process may submit to a context
 * @ctx: the context
 * @need: what the client's next command needs
 *
 * Called at the entry of an ioctl, before the ioctl takes locks or allocates.
 *
 * Context: process, sleeps interruptibly until the host makes progress or is lost.
 * Return: 0; -ENOMEM; -ERESTARTSYS when interrupted; -EIO or -ENODEV when the device is lost.
 */
static inline int vgpu_context_throttle(struct vgpu_context *ctx, enum vgpu_budget_need need)
{
	pid_t user = READ_ONCE(ctx->user) ?: cmpxchg(&ctx->user, 0, current->tgid);
	struct vgpu_cmdq *q = ctx->vgpu->cmdq;

	if (user && user != current->tgid)
		WRITE_ONCE(ctx->user, VGPU_CONTEXT_SHARED);
	return vgpu_budget_throttle(q, ctx->budget, need) ?: vgpu_cmdq_error(q);
}

#endif
