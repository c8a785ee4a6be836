// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: contexts
 *
 * Each open file has a context: a renderer of its own on the host, which is created when the
 * client first needs it, a timeline for the client's submissions, and one more timeline for
 * each ring that the client asked for.
 *
 * Locking: &vgpu_context.lock is the outermost lock of the driver.
 */

#include <linux/bits.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "debug/vgpu_trace.h"
#include "object/vgpu_base.h"
#include "object/vgpu_capset.h"
#include "object/vgpu_context.h"
#include "object/vgpu_resource.h"
#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"

/*
 * How long CTX_DESTROY waits for fences of rings after the client is gone. virglrenderer drops the
 * fences that a destroyed context has open, and QEMU then keeps their places in the ring for good.
 * On polled rings a fence may be open on purpose, such as the POLL of a proxy, whose windows
 * disappear with the context.
 */
#define VGPU_CONTEXT_LINGER_MS		1000
#define VGPU_CONTEXT_LINGER_POLLED_MS	100

/* How often lingering contexts are checked. */
#define VGPU_CONTEXT_LINGER_STEP_MS	20

/* How long fences may stay open after the host has destroyed their context. */
#define VGPU_CONTEXT_ABANDON_MS	5000

/**
 * enum vgpu_context_state - What the host knows of a context
 * @VGPU_CONTEXT_NEW: nothing yet
 * @VGPU_CONTEXT_MADE: CTX_CREATE was sent
 * @VGPU_CONTEXT_LINGERS: the file is closed: CTX_DESTROY is sent after the fences of rings
 * @VGPU_CONTEXT_LEFT: the file is closed: CTX_DESTROY was sent, or need not be
 * @VGPU_CONTEXT_GONE: the context was lost with the device
 */
enum vgpu_context_state {
	VGPU_CONTEXT_NEW,
	VGPU_CONTEXT_MADE,
	VGPU_CONTEXT_LINGERS,
	VGPU_CONTEXT_LEFT,
	VGPU_CONTEXT_GONE,
};

/**
 * struct vgpu_contexts - All contexts of a device
 * @vgpu: the device, constant
 * @ids: their ids
 * @lock: protects @list and @closed
 * @list: contexts of open files
 * @closed: contexts of closed files whose work is not done
 * @reap: frees closed contexts whose work is done, or abandoned by the host
 */
struct vgpu_contexts {
	struct vgpu_device *vgpu;
	struct ida ids;
	struct mutex lock;
	struct list_head list;
	struct list_head closed;
	struct delayed_work reap;
};

/* Buckets of &vgpu_context.attached, as a power of 2. */
#define VGPU_CONTEXT_HASH_BITS	7

/**
 * struct vgpu_attachment - A resource that a context may use
 * @res: the resource; the handles of its buffer keep it
 * @res_id: id of @res, the key of &vgpu_context.attached
 * @by_id: entry of &vgpu_context.attached
 * @handles: number of handles that the file has of the buffer; 0 once @detach was posted
 * @detach: CTX_DETACH_RESOURCE, once it was posted; or NULL
 * @node: entry of &vgpu_context.leaving once @detach was posted
 */
struct vgpu_attachment {
	struct vgpu_resource *res;
	u32 res_id;
	struct hlist_node by_id;
	unsigned int handles;
	struct vgpu_cmd *detach;
	struct list_head node;
};

/**
 * struct vgpu_context - The context of an open file
 * @owner: hears of the outcome of the context's commands
 * @vgpu: the device, constant
 * @ref: one until it leaves the lists of &struct vgpu_contexts, one for each command
 * @id: constant
 * @node: entry of &vgpu_contexts.list, then of &vgpu_contexts.closed
 * @lock: protects @state, @params and the making of @rings
 * @state: written under @lock
 * @params: constant once vgpu_context_is_made()
 * @error: sticky error, 0 while there is none; written once
 * @submitq: where its commands wait for their dependencies, constant
 * @timeline: of commands for no ring, constant
 * @rings: &vgpu_context_params.num_rings timelines, constant once set
 * @budget: budget of the process that opened the file; the reference keeps it between the
 *          process's commands; constant
 * @submitter: the process that submitted first, 0 before; protected by &vgpu_contexts.lock
 * @submitter_name: name of @submitter; protected by &vgpu_contexts.lock
 * @user: the process (tgid) that submitted last; 0 before, and after it was killed
 * @left_at: when the client was gone, in jiffies
 * @destroyed: the host has answered CTX_DESTROY, at @destroyed_at
 * @destroyed_at: in jiffies
 * @detached: counts CTX_DETACH_RESOURCE; changes under the reservation of the buffer
 * @attach_lock: protects @attached, @leaving and the order of ATTACH and DETACH on the wire;
 *               taken inside of @lock and of reservations
 * @attached: the attachments
 * @leaving: attachments whose &vgpu_attachment.detach was posted, oldest first
 * @destroy: CTX_DESTROY, allocated before CTX_CREATE is posted, NULL once posted; protected by
 *           @lock
 */
struct vgpu_context {
	struct vgpu_cmd_owner owner;
	struct vgpu_device *vgpu;
	struct kref ref;
	u32 id;
	struct list_head node;
	struct mutex lock;
	enum vgpu_context_state state;
	struct vgpu_context_params params;
	int error;
	struct vgpu_submitq *submitq;
	struct vgpu_timeline *timeline;
	struct vgpu_timeline **rings;
	struct vgpu_budget *budget;
	pid_t submitter;
	char submitter_name[TASK_COMM_LEN];
	pid_t user;
	unsigned long left_at;
	bool destroyed;
	unsigned long destroyed_at;
	atomic_t detached;
	struct mutex attach_lock;
	DECLARE_HASHTABLE(attached, VGPU_CONTEXT_HASH_BITS);
	struct list_head leaving;
	struct vgpu_cmd *destroy;
};

static struct vgpu_context *owner_to_context(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_context, owner);
}

static void vgpu_context_put_rings(struct vgpu_timeline **rings, u32 num_rings)
{
	u32 i;

	if (!rings)
		return;
	for (i = 0; i < num_rings; i++)
		vgpu_timeline_put(rings[i]);
	kfree(rings);
}

static void vgpu_context_free(struct kref *ref)
{
	struct vgpu_context *ctx = container_of(ref, struct vgpu_context, ref);

	ida_free(&ctx->vgpu->contexts->ids, ctx->id);
	vgpu_context_put_rings(ctx->rings, ctx->params.num_rings);
	vgpu_timeline_put(ctx->timeline);
	vgpu_submitq_put(ctx->submitq);
	vgpu_budget_put(ctx->budget);
	if (ctx->destroy)
		vgpu_cmd_put(ctx->destroy);
	mutex_destroy(&ctx->attach_lock);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
}

static void vgpu_context_owner_get(struct vgpu_cmd_owner *owner)
{
	kref_get(&owner_to_context(owner)->ref);
}

static void vgpu_context_owner_put(struct vgpu_cmd_owner *owner)
{
	kref_put(&owner_to_context(owner)->ref, vgpu_context_free);
}

static void vgpu_context_set_destroyed(struct vgpu_context *ctx)
{
	ctx->destroyed_at = jiffies;
	/* Pairs with the load in vgpu_context_time_left(). */
	smp_store_release(&ctx->destroyed, true);
	queue_delayed_work(ctx->vgpu->wq, &ctx->vgpu->contexts->reap,
			   msecs_to_jiffies(VGPU_CONTEXT_ABANDON_MS));
}

static void vgpu_context_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	struct vgpu_context *ctx = owner_to_context(owner);

	if (type == VIRTIO_GPU_CMD_CTX_DESTROY)
		vgpu_context_set_destroyed(ctx);
	if (error && type == VIRTIO_GPU_CMD_CTX_CREATE)
		cmpxchg(&ctx->error, 0, error);
}

static const struct vgpu_cmd_owner_ops vgpu_context_owner_ops = {
	.get = vgpu_context_owner_get,
	.put = vgpu_context_owner_put,
	.outcome = vgpu_context_owner_outcome,
};

static bool vgpu_context_has_fences(struct vgpu_context *ctx)
{
	bool has = vgpu_timeline_is_pending(ctx->timeline);
	u32 i;

	for (i = 0; i < ctx->params.num_rings && !has; i++)
		has = vgpu_timeline_is_pending(ctx->rings[i]);
	return has;
}

static void vgpu_context_post_destroy_locked(struct vgpu_context *ctx)
{
	lockdep_assert_held(&ctx->lock);

	WRITE_ONCE(ctx->state, VGPU_CONTEXT_LEFT);
	vgpu_submitq_close(ctx->submitq, ctx->destroy, &ctx->owner,
			   !READ_ONCE(ctx->user));
	ctx->destroy = NULL;
}

/* Check whether CTX_DESTROY should wait for fences of the context's rings. */
static bool vgpu_context_should_linger(struct vgpu_context *ctx)
{
	unsigned int limit_ms;
	u32 i;

	for (i = 0; i < ctx->params.num_rings; i++) {
		limit_ms = vgpu_context_ring_is_polled(ctx, i) ? VGPU_CONTEXT_LINGER_POLLED_MS :
								 VGPU_CONTEXT_LINGER_MS;
		if (vgpu_timeline_is_pending(ctx->rings[i]) &&
		    time_before(jiffies, ctx->left_at + msecs_to_jiffies(limit_ms)))
			return true;
	}
	return false;
}

/* Destroy a closed context, unless it should still linger. Returns whether it lingers. */
static bool vgpu_context_lingers(struct vgpu_context *ctx)
{
	bool lingers;

	mutex_lock(&ctx->lock);
	if (ctx->state == VGPU_CONTEXT_LINGERS && !vgpu_context_should_linger(ctx))
		vgpu_context_post_destroy_locked(ctx);
	lingers = ctx->state == VGPU_CONTEXT_LINGERS;
	mutex_unlock(&ctx->lock);
	return lingers;
}

/* A host never answers the pending POLL of a context that it has destroyed. */
static void vgpu_context_abandon_fences(struct vgpu_context *ctx)
{
	u32 i;

	vgpu_timeline_abandon(ctx->timeline, -ECANCELED);
	for (i = 0; i < ctx->params.num_rings; i++)
		vgpu_timeline_abandon(ctx->rings[i], -ECANCELED);
}

/* Get how long, in jiffies, the fences of a closed context may still stay open. */
static long vgpu_context_time_left(struct vgpu_context *ctx)
{
	/* Pairs with the store in vgpu_context_set_destroyed(). */
	if (!smp_load_acquire(&ctx->destroyed))
		return MAX_JIFFY_OFFSET;
	return ctx->destroyed_at + msecs_to_jiffies(VGPU_CONTEXT_ABANDON_MS) - jiffies;
}

/* Free closed contexts that are done. Returns the time until the next is due, in jiffies. */
static long vgpu_contexts_reap_locked(struct vgpu_contexts *contexts, bool all)
{
	long next = MAX_JIFFY_OFFSET, left;
	struct vgpu_context *ctx, *tmp;

	lockdep_assert_held(&contexts->lock);

	list_for_each_entry_safe(ctx, tmp, &contexts->closed, node) {
		if (!all && vgpu_context_lingers(ctx)) {
			next = min_t(long, next, msecs_to_jiffies(VGPU_CONTEXT_LINGER_STEP_MS));
			continue;
		}
		left = vgpu_context_time_left(ctx);
		if (vgpu_submitq_is_busy(ctx->submitq))
			continue;
		if (!all && vgpu_context_has_fences(ctx) && left > 0) {
			next = min(next, left);
			continue;
		}
		vgpu_context_abandon_fences(ctx);
		list_del(&ctx->node);
		kref_put(&ctx->ref, vgpu_context_free);
	}
	return next;
}

static void vgpu_contexts_reap_due(struct vgpu_contexts *contexts)
{
	long next;

	mutex_lock(&contexts->lock);
	next = vgpu_contexts_reap_locked(contexts, false);
	mutex_unlock(&contexts->lock);
	/* Sends the CTX_DESTROY of contexts that have lingered, and what closing a file posts. */
	vgpu_cmdq_kick(contexts->vgpu->cmdq);
	/* It may be queued for a later time, as vgpu_context_set_destroyed() does. */
	if (next < MAX_JIFFY_OFFSET)
		mod_delayed_work(contexts->vgpu->wq, &contexts->reap, next);
}

static void vgpu_contexts_reap(struct work_struct *work)
{
	vgpu_contexts_reap_due(container_of(to_delayed_work(work), struct vgpu_contexts, reap));
}

static void vgpu_contexts_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_contexts *contexts = ptr;

	ida_destroy(&contexts->ids);
	mutex_destroy(&contexts->lock);
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
	ida_init(&contexts->ids);
	mutex_init(&contexts->lock);
	INIT_LIST_HEAD(&contexts->list);
	INIT_LIST_HEAD(&contexts->closed);
	INIT_DELAYED_WORK(&contexts->reap, vgpu_contexts_reap);
	vgpu->contexts = contexts;
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_contexts_release, contexts);
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
	mutex_lock(&contexts->lock);
	vgpu_contexts_reap_locked(contexts, true);
	mutex_unlock(&contexts->lock);
}

static struct vgpu_context *vgpu_context_create(struct vgpu_device *vgpu)
{
	struct vgpu_context *ctx;
	int ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->submitq = vgpu_submitq_create(vgpu->cmdq);
	if (IS_ERR(ctx->submitq)) {
		ret = PTR_ERR(ctx->submitq);
		goto err_free;
	}
	ctx->timeline = vgpu_timeline_create("context");
	if (IS_ERR(ctx->timeline)) {
		ret = PTR_ERR(ctx->timeline);
		goto err_put_submitq;
	}
	ctx->budget = vgpu_budget_get(vgpu->cmdq);
	if (IS_ERR(ctx->budget)) {
		ret = PTR_ERR(ctx->budget);
		goto err_put_timeline;
	}
	ret = ida_alloc_min(&vgpu->contexts->ids, 1, GFP_KERNEL);
	if (ret < 0)
		goto err_put_budget;
	ctx->id = ret;
	ctx->owner.ops = &vgpu_context_owner_ops;
	ctx->vgpu = vgpu;
	kref_init(&ctx->ref);
	mutex_init(&ctx->lock);
	mutex_init(&ctx->attach_lock);
	hash_init(ctx->attached);
	INIT_LIST_HEAD(&ctx->leaving);
	return ctx;

err_put_budget:
	vgpu_budget_put(ctx->budget);
err_put_timeline:
	vgpu_timeline_put(ctx->timeline);
err_put_submitq:
	vgpu_submitq_put(ctx->submitq);
err_free:
	kfree(ctx);
	return ERR_PTR(ret);
}

/**
 * vgpu_context_open() - Implement &drm_driver.open
 * @drm: the device
 * @file: the file
 *
 * Nothing is sent to the host yet.
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM; -ENOSPC when there are no more ids.
 */
int vgpu_context_open(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *vgpu = to_vgpu(drm);
	struct vgpu_context *ctx;

	ctx = vgpu_context_create(vgpu);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&vgpu->contexts->lock);
	list_add_tail(&ctx->node, &vgpu->contexts->list);
	mutex_unlock(&vgpu->contexts->lock);
	file->driver_priv = ctx;
	return 0;
}

/**
 * vgpu_context_flush() - Note that a process gives up its reference to a file
 * @file: the file
 *
 * If the process that submitted last was killed, closing the file drops the submissions that
 * still wait for a fence.
 *
 * Context: process.
 */
void vgpu_context_flush(struct drm_file *file)
{
	struct vgpu_context *ctx = file->driver_priv;

	if ((current->flags & PF_EXITING) && current->exit_code == SIGKILL)
		cmpxchg(&ctx->user, current->tgid, 0);
}

/**
 * vgpu_context_leave() - Destroy the host's context after the client's work
 * @file: the file, which has no users any more
 *
 * CTX_DESTROY detaches all resources of the context, so the buffers that are closed next
 * need not be detached one by one. If fences of rings are open, it is sent a little later.
 *
 * Context: process, may sleep.
 */
void vgpu_context_leave(struct drm_file *file)
{
	struct vgpu_context *ctx = file->driver_priv;

	mutex_lock(&ctx->lock);
	switch (ctx->state) {
	case VGPU_CONTEXT_MADE:
		ctx->left_at = jiffies;
		WRITE_ONCE(ctx->state, VGPU_CONTEXT_LINGERS);
		if (vgpu_submitq_is_busy(ctx->submitq) || !vgpu_context_should_linger(ctx))
			vgpu_context_post_destroy_locked(ctx);
		break;
	case VGPU_CONTEXT_LINGERS:
		break;
	default:
		WRITE_ONCE(ctx->state, VGPU_CONTEXT_LEFT);
	}
	mutex_unlock(&ctx->lock);
}

static void vgpu_context_free_attachment_locked(struct vgpu_context *ctx,
						struct vgpu_attachment *attachment)
{
	lockdep_assert_held(&ctx->attach_lock);

	hash_del(&attachment->by_id);
	list_del(&attachment->node);
	if (attachment->detach)
		vgpu_cmd_put(attachment->detach);
	kfree(attachment);
}

/* Free attachments whose DETACH the host has answered. The host answers in the order sent. */
static void vgpu_context_reap_attachments_locked(struct vgpu_context *ctx)
{
	struct vgpu_attachment *attachment, *next;

	lockdep_assert_held(&ctx->attach_lock);

	list_for_each_entry_safe(attachment, next, &ctx->leaving, node) {
		if (!vgpu_cmd_is_answered(attachment->detach))
			break;
		vgpu_context_free_attachment_locked(ctx, attachment);
	}
}

/* CTX_DESTROY detaches all resources, so a DETACH that is not in the ring yet is taken back. */
static void vgpu_context_drop_attachments(struct vgpu_context *ctx)
{
	struct vgpu_attachment *attachment, *next;

	mutex_lock(&ctx->attach_lock);
	list_for_each_entry_safe(attachment, next, &ctx->leaving, node) {
		vgpu_cmd_take_back(attachment->detach);
		vgpu_context_free_attachment_locked(ctx, attachment);
	}
	mutex_unlock(&ctx->attach_lock);
}

/**
 * vgpu_context_close() - Implement &drm_driver.postclose
 * @drm: the device
 * @file: the file
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_context_close(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *vgpu = to_vgpu(drm);
	struct vgpu_context *ctx = file->driver_priv;

	/* Clients inside the kernel have no file operations, so nothing has called this. */
	vgpu_context_leave(file);
	vgpu_context_drop_attachments(ctx);
	file->driver_priv = NULL;
	mutex_lock(&vgpu->contexts->lock);
	list_move_tail(&ctx->node, &vgpu->contexts->closed);
	mutex_unlock(&vgpu->contexts->lock);
	vgpu_contexts_reap_due(vgpu->contexts);
}

/**
 * vgpu_context_of() - Get the context of a file
 * @file: the file
 *
 * Return: the context; never NULL between open and close.
 */
struct vgpu_context *vgpu_context_of(struct drm_file *file)
{
	return file->driver_priv;
}

static void vgpu_context_lose(struct vgpu_context *ctx)
{
	mutex_lock(&ctx->lock);
	if (ctx->state == VGPU_CONTEXT_MADE || ctx->state == VGPU_CONTEXT_LINGERS) {
		WRITE_ONCE(ctx->state, VGPU_CONTEXT_GONE);
		cmpxchg(&ctx->error, 0, -EIO);
	}
	mutex_unlock(&ctx->lock);
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

	mutex_lock(&contexts->lock);
	list_for_each_entry(ctx, &contexts->list, node)
		vgpu_context_lose(ctx);
	list_for_each_entry(ctx, &contexts->closed, node)
		vgpu_context_lose(ctx);
	mutex_unlock(&contexts->lock);
}

static void vgpu_context_print_timeline(struct vgpu_timeline *tl, const char *name, int idx,
					struct drm_printer *p)
{
	struct vgpu_timeline_stats stats;

	vgpu_timeline_read_stats(tl, &stats);
	drm_printf(p, "    %s", name);
	if (idx >= 0)
		drm_printf(p, "%d", idx);
	drm_printf(p, ": fence context %llu, newest %llu, pending %u, busy %llu ns\n",
		   stats.context, stats.seqno, stats.pending, stats.busy_ns);
}

static void vgpu_context_print_locked(struct vgpu_context *ctx, struct drm_printer *p)
{
	static const char * const states[] = {
		[VGPU_CONTEXT_NEW] = "new",
		[VGPU_CONTEXT_MADE] = "made",
		[VGPU_CONTEXT_LINGERS] = "lingers",
		[VGPU_CONTEXT_LEFT] = "left",
		[VGPU_CONTEXT_GONE] = "gone",
	};
	u32 i;

	lockdep_assert_held(&ctx->lock);

	drm_printf(p, "context %u: %s, capset %u, rings %u, poll %#llx, ", ctx->id,
		   states[ctx->state], ctx->params.capset_id, ctx->params.num_rings,
		   ctx->params.poll_mask);
	drm_printf(p, "error %d, name \"%s\"%s\n", vgpu_context_error(ctx), ctx->params.name,
		   vgpu_submitq_is_busy(ctx->submitq) ? ", waits for a fence" : "");
	vgpu_context_print_timeline(ctx->timeline, "gpu", -1, p);
	for (i = 0; i < ctx->params.num_rings; i++)
		vgpu_context_print_timeline(ctx->rings[i], "ring", i, p);
}

/**
 * vgpu_contexts_print() - List the contexts of open files and their fences
 * @vgpu: the device
 * @p: where to
 *
 * Context: process, may sleep.
 */
void vgpu_contexts_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_contexts *contexts = vgpu->contexts;
	struct vgpu_context *ctx;

	mutex_lock(&contexts->lock);
	list_for_each_entry(ctx, &contexts->list, node) {
		mutex_lock(&ctx->lock);
		vgpu_context_print_locked(ctx, p);
		mutex_unlock(&ctx->lock);
	}
	mutex_unlock(&contexts->lock);
}

/*
 * Check whether the host executes the context's commands one by one with those of the display.
 * A host does so for virgl. Other renderers run in processes and on hardware queues of their own.
 */
static bool vgpu_context_is_in_order(const struct vgpu_context *ctx)
{
	/* Hosts do not order the fences of rings with global fences. */
	if (ctx->params.num_rings)
		return false;
	switch (ctx->params.capset_id) {
	case 0:
	case VIRTIO_GPU_CAPSET_VIRGL:
	case VIRTIO_GPU_CAPSET_VIRGL2:
		return true;
	default:
		return false;
	}
}

static void vgpu_context_post_attach_locked(struct vgpu_context *ctx, struct vgpu_resource *res)
{
	lockdep_assert_held(&ctx->attach_lock);

	/* The host knows no resource that it refused to make. */
	if (vgpu_resource_is_refused(res))
		return;
	/* The command needs no reference to the resource: UNREF follows it in the same queue. */
	vgpu_cmd_post(vgpu_cmd_ctx_attach(ctx->vgpu->cmdq, ctx->id, res->id), &ctx->owner);
}

/* Allocate CTX_DESTROY now, so that closing the context does not wait for memory. */
static int vgpu_context_prepare_locked(struct vgpu_context *ctx)
{
	struct vgpu_cmd *destroy;

	lockdep_assert_held(&ctx->lock);

	if (ctx->destroy)
		return 0;
	destroy = vgpu_cmd_ctx_destroy(ctx->vgpu->cmdq, ctx->id);
	if (IS_ERR(destroy))
		return PTR_ERR(destroy);
	ctx->destroy = destroy;
	return 0;
}

/* Also attaches the buffers that the file has opened before: user space expects to use them. */
static void vgpu_context_make_locked(struct vgpu_context *ctx)
{
	struct vgpu_cmdq *q = ctx->vgpu->cmdq;
	char comm[TASK_COMM_LEN];
	const char *name = ctx->params.name;
	struct vgpu_attachment *attachment;
	unsigned int bucket;

	lockdep_assert_held(&ctx->lock);

	if (!*name) {
		get_task_comm(comm, current);
		name = comm;
	}
	if (vgpu_context_is_in_order(ctx))
		vgpu_timeline_set_in_order(ctx->timeline);
	vgpu_cmd_post(vgpu_cmd_ctx_create(q, ctx->id, ctx->params.capset_id, name), &ctx->owner);
	mutex_lock(&ctx->attach_lock);
	hash_for_each(ctx->attached, bucket, attachment, by_id)
		vgpu_context_post_attach_locked(ctx, attachment->res);
	/*
	 * Release: a reader that sees the state also sees @rings, and posts behind these
	 * commands. Pairs with vgpu_context_ensure() and vgpu_context_ring().
	 */
	smp_store_release(&ctx->state, VGPU_CONTEXT_MADE);
	mutex_unlock(&ctx->attach_lock);
}

/**
 * vgpu_context_ensure() - Create the host's context, unless it exists
 * @ctx: the context
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -ENOMEM; or the context's sticky error.
 */
int vgpu_context_ensure(struct vgpu_context *ctx)
{
	int ret = 0;

	/* Pairs with the store in vgpu_context_make_locked(). The common case takes no lock. */
	if (smp_load_acquire(&ctx->state) == VGPU_CONTEXT_NEW) {
		mutex_lock(&ctx->lock);
		if (ctx->state == VGPU_CONTEXT_NEW) {
			ret = vgpu_context_prepare_locked(ctx);
			if (!ret)
				vgpu_context_make_locked(ctx);
		}
		mutex_unlock(&ctx->lock);
	}
	return ret ?: vgpu_context_error(ctx);
}

/**
 * vgpu_context_submits() - Remember that a client submits to its context
 * @ctx: the context
 *
 * Context: process, may sleep.
 */
void vgpu_context_submits(struct vgpu_context *ctx)
{
	struct vgpu_contexts *contexts = ctx->vgpu->contexts;

	/* Written once: a thread that does not see it yet writes it again, under the lock. */
	if (data_race(ctx->submitter))
		return;
	mutex_lock(&contexts->lock);
	ctx->submitter = task_tgid_nr(current);
	get_task_comm(ctx->submitter_name, current->group_leader);
	mutex_unlock(&contexts->lock);
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
	pid_t submitter = 0;

	mutex_lock(&contexts->lock);
	list_for_each_entry(ctx, &contexts->list, node) {
		if (!ctx->submitter || READ_ONCE(ctx->state) != VGPU_CONTEXT_MADE)
			continue;
		submitter = ctx->submitter;
		strscpy(name, ctx->submitter_name, TASK_COMM_LEN);
		break;
	}
	mutex_unlock(&contexts->lock);
	return submitter;
}

static struct vgpu_timeline **vgpu_context_create_rings(u32 num_rings)
{
	struct vgpu_timeline **rings;
	u32 i;

	rings = kcalloc(num_rings, sizeof(*rings), GFP_KERNEL_ACCOUNT);
	if (!rings)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < num_rings; i++) {
		rings[i] = vgpu_timeline_create("context-ring");
		if (IS_ERR(rings[i])) {
			vgpu_context_put_rings(rings, i);
			return ERR_PTR(-ENOMEM);
		}
	}
	return rings;
}

static int vgpu_context_setup_locked(struct vgpu_context *ctx,
				     const struct vgpu_context_params *params)
{
	struct vgpu_timeline **rings = NULL;
	int ret;

	lockdep_assert_held(&ctx->lock);

	if (vgpu_context_is_made(ctx))
		return -EEXIST;
	ret = vgpu_context_prepare_locked(ctx);
	if (ret)
		return ret;
	if (params->num_rings) {
		rings = vgpu_context_create_rings(params->num_rings);
		if (IS_ERR(rings))
			return PTR_ERR(rings);
	}
	ctx->params = *params;
	ctx->rings = rings;
	vgpu_context_make_locked(ctx);
	return 0;
}

/**
 * vgpu_context_setup() - Create the host's context with the parameters of CONTEXT_INIT
 * @ctx: the context
 * @params: checked by the caller
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -EEXIST when the context is made already; -ENOMEM.
 */
int vgpu_context_setup(struct vgpu_context *ctx, const struct vgpu_context_params *params)
{
	int ret;

	mutex_lock(&ctx->lock);
	ret = vgpu_context_setup_locked(ctx, params);
	mutex_unlock(&ctx->lock);
	return ret;
}

/**
 * vgpu_context_is_made() - Check whether the host was asked to create a context
 * @ctx: the context
 *
 * Context: any.
 * Return: true if it was; this does not change back.
 */
bool vgpu_context_is_made(const struct vgpu_context *ctx)
{
	return READ_ONCE(ctx->state) != VGPU_CONTEXT_NEW;
}

/**
 * vgpu_context_error() - Get the sticky error of a context
 * @ctx: the context
 *
 * Return: 0, or its sticky error.
 */
int vgpu_context_error(const struct vgpu_context *ctx)
{
	return READ_ONCE(ctx->error);
}

/**
 * vgpu_context_id() - Get the id of a context on the wire
 * @ctx: the context
 *
 * Return: the id, not 0.
 */
u32 vgpu_context_id(const struct vgpu_context *ctx)
{
	return ctx->id;
}

/**
 * vgpu_context_submitq() - Get the submission queue of a context
 * @ctx: the context
 *
 * Return: the submission queue, which lives as long as the context.
 */
struct vgpu_submitq *vgpu_context_submitq(struct vgpu_context *ctx)
{
	return ctx->submitq;
}

/**
 * vgpu_context_timeline() - Get the timeline of commands that name no ring
 * @ctx: the context
 *
 * Return: the timeline, which lives as long as the context.
 */
struct vgpu_timeline *vgpu_context_timeline(struct vgpu_context *ctx)
{
	return ctx->timeline;
}

/**
 * vgpu_context_ring() - Get the timeline of a ring
 * @ctx: the context
 * @ring_idx: the ring
 *
 * Return: the timeline, which lives as long as the context; NULL when there is no such
 * ring.
 */
struct vgpu_timeline *vgpu_context_ring(struct vgpu_context *ctx, u32 ring_idx)
{
	/* Pairs with the store in vgpu_context_make_locked(). */
	if (smp_load_acquire(&ctx->state) == VGPU_CONTEXT_NEW || ring_idx >= ctx->params.num_rings)
		return NULL;
	return ctx->rings[ring_idx];
}

/**
 * vgpu_context_ring_is_polled() - Check whether the fences of a ring send events
 * @ctx: the context
 * @ring_idx: the ring
 *
 * Return: true if each of its fences sends one.
 */
bool vgpu_context_ring_is_polled(const struct vgpu_context *ctx, u32 ring_idx)
{
	return ctx->params.poll_mask & BIT_ULL(ring_idx);
}

/**
 * vgpu_context_owner() - Get the owner of a context's commands
 * @ctx: the context
 *
 * Commands posted with this owner count among those that the context has in flight.
 *
 * Return: the owner.
 */
struct vgpu_cmd_owner *vgpu_context_owner(struct vgpu_context *ctx)
{
	return &ctx->owner;
}

static struct vgpu_attachment *
vgpu_context_find_attachment_locked(struct vgpu_context *ctx, const struct vgpu_resource *res)
{
	struct vgpu_attachment *attachment;

	lockdep_assert_held(&ctx->attach_lock);

	hash_for_each_possible(ctx->attached, attachment, by_id, res->id)
		if (attachment->res_id == res->id)
			return attachment;
	return NULL;
}

static int vgpu_context_attach_new_locked(struct vgpu_context *ctx, struct vgpu_resource *res)
{
	struct vgpu_attachment *attachment;
	int ret;

	lockdep_assert_held(&ctx->attach_lock);

	ret = vgpu_context_error(ctx);
	if (ret)
		return ret;
	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return -ENOMEM;
	attachment->res = res;
	attachment->res_id = res->id;
	attachment->handles = 1;
	INIT_LIST_HEAD(&attachment->node);
	hash_add(ctx->attached, &attachment->by_id, res->id);
	if (READ_ONCE(ctx->state) == VGPU_CONTEXT_MADE)
		vgpu_context_post_attach_locked(ctx, res);
	return 0;
}

/*
 * Use an attachment again. If its DETACH is not in the ring yet, taking it back leaves the
 * resource attached. An ATTACH is never taken back: the host must see it.
 */
static bool vgpu_context_reattach_locked(struct vgpu_context *ctx,
					 struct vgpu_attachment *attachment)
{
	lockdep_assert_held(&ctx->attach_lock);

	if (!attachment->handles) {
		if (!vgpu_cmd_take_back(attachment->detach)) {
			vgpu_context_free_attachment_locked(ctx, attachment);
			return false;
		}
		vgpu_cmd_put(attachment->detach);
		attachment->detach = NULL;
		list_del_init(&attachment->node);
	}
	attachment->handles++;
	return true;
}

/**
 * vgpu_context_attach() - Let a context use a resource
 * @ctx: the context
 * @res: the resource; the file gets one more handle of its buffer
 *
 * The host learns of it at once, or when the context is created.
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -ENOMEM; or the context's sticky error.
 */
int vgpu_context_attach(struct vgpu_context *ctx, struct vgpu_resource *res)
{
	struct vgpu_attachment *attachment;
	int ret = 0;

	if (!ctx->vgpu->features.virgl)
		return 0;
	mutex_lock(&ctx->attach_lock);
	attachment = vgpu_context_find_attachment_locked(ctx, res);
	if (!attachment || !vgpu_context_reattach_locked(ctx, attachment))
		ret = vgpu_context_attach_new_locked(ctx, res);
	mutex_unlock(&ctx->attach_lock);
	return ret;
}

/*
 * Build the DETACH of a resource, unless it is sent later or never. CTX_DESTROY or UNREF detaches
 * the resource as well, which serves where a DETACH would overtake waiting submissions, and where
 * there is no memory for it. The host knows no resource that it refused to create.
 */
static struct vgpu_cmd *vgpu_context_new_detach(struct vgpu_context *ctx,
						struct vgpu_resource *res)
{
	struct vgpu_cmd *detach;

	if (READ_ONCE(ctx->state) != VGPU_CONTEXT_MADE || vgpu_submitq_is_busy(ctx->submitq) ||
	    vgpu_resource_is_refused(res))
		return NULL;
	detach = vgpu_cmd_ctx_detach(ctx->vgpu->cmdq, ctx->id, res->id);
	return IS_ERR(detach) ? NULL : detach;
}

/**
 * vgpu_context_detach() - Give up a handle, and with the last one the attachment of the resource
 * @ctx: the context
 * @res: the resource; the file gives up one handle of its buffer
 * @tell: send CTX_DETACH_RESOURCE; not needed if UNREF follows
 *
 * Context: process, may sleep; waits neither for the host nor for memory. With @tell the
 * reservation of the resource's buffer is held.
 */
void vgpu_context_detach(struct vgpu_context *ctx, struct vgpu_resource *res, bool tell)
{
	struct vgpu_attachment *attachment;

	mutex_lock(&ctx->attach_lock);
	vgpu_context_reap_attachments_locked(ctx);
	attachment = vgpu_context_find_attachment_locked(ctx, res);
	if (!attachment || --attachment->handles)
		goto out_unlock;
	if (tell)
		attachment->detach = vgpu_context_new_detach(ctx, res);
	if (attachment->detach) {
		atomic_inc(&ctx->detached);
		list_add_tail(&attachment->node, &ctx->leaving);
		/* CTX_DESTROY, which comes later, keeps the id of the context. */
		vgpu_cmd_post(vgpu_cmd_get(attachment->detach), NULL);
	} else {
		vgpu_context_free_attachment_locked(ctx, attachment);
	}
out_unlock:
	mutex_unlock(&ctx->attach_lock);
}

/**
 * vgpu_context_detached() - Get a counter that changes whenever a resource is detached
 * @ctx: the context
 *
 * EXECBUFFER looks up buffers by their handles and then locks their reservations. If the
 * counter has not changed in between, the buffers are still attached.
 *
 * Return: the counter.
 */
unsigned int vgpu_context_detached(const struct vgpu_context *ctx)
{
	return atomic_read(&ctx->detached);
}

/**
 * vgpu_context_throttle() - Wait until the calling process may submit to a context
 * @ctx: the context
 * @is_on_ring: the client's next command has no global fence
 *
 * Called at the entry of an ioctl, before the ioctl takes locks or allocates.
 *
 * Context: process, sleeps interruptibly until the host makes progress or is lost.
 * Return: 0; -ENOMEM; -ERESTARTSYS when interrupted; -EIO or -ENODEV when the device is lost.
 */
int vgpu_context_throttle(struct vgpu_context *ctx, bool is_on_ring)
{
	struct vgpu_cmdq *q = ctx->vgpu->cmdq;
	int ret = 0;

	WRITE_ONCE(ctx->user, current->tgid);
	if (!is_on_ring)
		ret = vgpu_cmdq_await_fence_ids(q);
	if (!ret)
		ret = vgpu_budget_throttle(q, ctx->budget, true);
	return ret ?: vgpu_cmdq_error(q);
}
