// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: contexts of a device
 *
 * The context of a closed file stays until its work is done: while commands wait in its submission
 * queue, while it lingers, and while fences are open, though no longer than 5 seconds after the
 * host has answered CTX_DESTROY. A delayed work frees it then. A command may wait for a fence of
 * its own context that the host keeps for ever, so such a fence ends 5 minutes after the file was
 * closed even while commands wait.
 *
 * Models in tests/models/: spin/submitq.pml.
 */

#include <linux/jiffies.h>
#include <linux/minmax.h>

#include <drm/drm_managed.h>

#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_submitq.h"

/* Free closed contexts that are done. Returns the time until the next one is due, in jiffies. */
static long vgpu_contexts_reap_locked(struct vgpu_contexts *contexts, bool all)
{
	long next = MAX_JIFFY_OFFSET, left;
	struct vgpu_context *ctx, *tmp;

	lockdep_assert_held(&contexts->lock);

	list_for_each_entry_safe(ctx, tmp, &contexts->closed, node) {
		left = all ? 0 : vgpu_context_time_left(ctx);
		if (left > 0) {
			next = min(next, left);
			continue;
		}

		/* The fences may be what waiting commands wait for. */
		vgpu_context_abandon(ctx);
		if (vgpu_submitq_is_busy(ctx->submitq)) {
			next = min_t(long, next, HZ);
			continue;
		}
		list_del(&ctx->node);
		vgpu_cmd_owner_put(&ctx->owner);
	}
	return next;
}

static void vgpu_contexts_reap_due(struct vgpu_contexts *contexts)
{
	long next;

	mutex_lock(&contexts->lock);
	next = vgpu_contexts_reap_locked(contexts, false);
	mutex_unlock(&contexts->lock);

	/* For CTX_DESTROY of contexts that have lingered, and for what closing a file posted. */
	vgpu_cmdq_kick(contexts->vgpu->cmdq);

	/* If the answer to a CTX_DESTROY has queued the work for a later time, run it earlier. */
	if (next < MAX_JIFFY_OFFSET)
		mod_delayed_work(contexts->vgpu->wq, &contexts->reap, next);
}

static void vgpu_contexts_reap_work(struct work_struct *work)
{
	vgpu_contexts_reap_due(container_of(to_delayed_work(work), struct vgpu_contexts, reap));
}

/**
 * vgpu_contexts_init() - Prepare a device for contexts
 * @vgpu: the device; what is allocated lives as long as it
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_contexts_init(struct vgpu_device *vgpu)
{
	struct vgpu_contexts *contexts;

	contexts = drmm_kzalloc(&vgpu->drm, sizeof(*contexts), GFP_KERNEL);
	if (!contexts)
		return -ENOMEM;

	contexts->vgpu = vgpu;
	/* No ida_destroy(): the last context frees the last id. */
	ida_init(&contexts->ids);
	INIT_LIST_HEAD(&contexts->open);
	INIT_LIST_HEAD(&contexts->closed);
	INIT_DELAYED_WORK(&contexts->reap, vgpu_contexts_reap_work);
	vgpu->contexts = contexts;
	return drmm_mutex_init(&vgpu->drm, &contexts->lock);
}

/**
 * vgpu_contexts_flush() - Free all contexts of a device
 * @vgpu: the device; its queues are stopped and have no commands left
 *
 * Context: process, may sleep.
 */
void vgpu_contexts_flush(struct vgpu_device *vgpu)
{
	struct vgpu_contexts *contexts = vgpu->contexts;

	cancel_delayed_work_sync(&contexts->reap);
	guard(mutex)(&contexts->lock);
	vgpu_contexts_reap_locked(contexts, true);
}

/**
 * vgpu_contexts_close() - Implement &drm_driver.postclose
 * @drm: the device
 * @file: the file
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_contexts_close(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_contexts *contexts = to_vgpu(drm)->contexts;
	struct vgpu_context *ctx = vgpu_context_of(file);

	/* The release of a file has done this, but clients inside the kernel have no file. */
	vgpu_context_leave(ctx);
	vgpu_attachments_close(&ctx->attachments);

	file->driver_priv = NULL;
	mutex_lock(&contexts->lock);
	list_move_tail(&ctx->node, &contexts->closed);
	mutex_unlock(&contexts->lock);

	vgpu_contexts_reap_due(contexts);
}

/**
 * vgpu_contexts_set_submitter() - Record the first process that submits to a context
 * @ctx: the context
 *
 * Context: process, may sleep.
 */
void vgpu_contexts_set_submitter(struct vgpu_context *ctx)
{
	guard(mutex)(&ctx->vgpu->contexts->lock);
	ctx->submitter = task_tgid_nr(current);
	get_task_comm(ctx->submitter_name, current->group_leader);
}

/**
 * vgpu_contexts_find_submitter() - Find a process whose work would be lost with the host's contexts
 * @vgpu: the device
 * @name: set to the name of the process
 *
 * Context: process, may sleep.
 * Return: the id of a process that has submitted to a context that is not lost; or 0.
 */
pid_t vgpu_contexts_find_submitter(struct vgpu_device *vgpu, char name[TASK_COMM_LEN])
{
	struct vgpu_contexts *contexts = vgpu->contexts;
	struct vgpu_context *ctx;

	guard(mutex)(&contexts->lock);
	list_for_each_entry(ctx, &contexts->open, node) {
		if (!ctx->submitter || vgpu_context_state(ctx) != VGPU_CONTEXT_LIVE)
			continue;
		strscpy(name, ctx->submitter_name, TASK_COMM_LEN);
		return ctx->submitter;
	}
	return 0;
}

/**
 * vgpu_contexts_lose() - Mark all contexts as lost with the device
 * @vgpu: the device, whose queues have failed
 *
 * Contexts that exist on the host answer -EIO until their files are closed.
 *
 * Context: process, may sleep.
 */
void vgpu_contexts_lose(struct vgpu_device *vgpu)
{
	struct vgpu_contexts *contexts = vgpu->contexts;
	struct vgpu_context *ctx;

	guard(mutex)(&contexts->lock);
	list_for_each_entry(ctx, &contexts->open, node)
		vgpu_context_lose(ctx);
	list_for_each_entry(ctx, &contexts->closed, node)
		vgpu_context_lose(ctx);
}

/**
 * vgpu_contexts_print() - List the contexts of open files, and the load of each process
 * @vgpu: the device
 * @p: printer to write to
 *
 * Context: process, may sleep.
 */
void vgpu_contexts_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_contexts *contexts = vgpu->contexts;
	struct vgpu_context *ctx;

	mutex_lock(&contexts->lock);
	list_for_each_entry(ctx, &contexts->open, node)
		vgpu_context_print(ctx, p);
	mutex_unlock(&contexts->lock);
	vgpu_budgets_print(vgpu->cmdq, p);
}
