// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: contexts
 *
 * Each open file has a context: a renderer of its own on the host, which is created when the
 * client first needs it, a timeline for the client's submissions, and one more timeline for
 * each ring that the client asked for. The states of the host's context::
 *
 *   NEW
 *    |  vgpu_context_setup(): CTX_CREATE is posted
 *    v
 *   LIVE -------------------------------------------+
 *    |  vgpu_context_leave(): the file is closed    |
 *    v                                              |  vgpu_context_lose():
 *   LINGERING --------------------------------------+  the device is lost
 *    |  no fence of a ring is open, or time is up:  |
 *    |  CTX_DESTROY is in the submission queue      v
 *    v                                             LOST
 *   DESTROYING
 *    |  the host has answered CTX_DESTROY, or never will
 *    v
 *   DESTROYED
 *
 * The context of a file that is closed while fences of rings are open lingers: virglrenderer drops
 * the fences that a destroyed context has open, and QEMU then keeps their places in the ring for
 * good. On a polled ring a fence may stay open on purpose, such as that of a POLL command of a
 * Wayland proxy. The windows of the proxy only disappear with the context, so the context lingers
 * for a shorter time for polled rings.
 *
 * Locking: &vgpu_context.lock is taken outside of reservations and of all locks of objects.
 *
 * Models in tests/models/: litmus/context-state.litmus, spin/submitq.pml.
 */

#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include "object/vgpu_attachment.h"
#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"

/* How long CTX_DESTROY waits for fences of rings and polled rings after the file was closed. */
#define VGPU_CONTEXT_LINGER_MS		1000
#define VGPU_CONTEXT_LINGER_POLLED_MS	100

/* How often lingering contexts are checked. */
#define VGPU_CONTEXT_LINGER_STEP_MS	20

/* How long fences may stay open after the host has destroyed their context. */
#define VGPU_CONTEXT_ABANDON_MS		5000

/* How long waiting commands of a closed file let work of the file's rings take. */
#define VGPU_CONTEXT_KEPT_MS		300000

/*
 * The only writer of the state. The answer to CTX_DESTROY may come in an interrupt, so DESTROYED is
 * set without the lock. That is safe, since DESTROYING has no other successor.
 */
static void vgpu_context_set_state(struct vgpu_context *ctx, enum vgpu_context_state state)
{
	if (state != VGPU_CONTEXT_DESTROYED)
		lockdep_assert_held(&ctx->lock);

	ctx->since = jiffies;
	/*
	 * Release: a reader that sees the state also sees @since, @params and @rings, and posts its
	 * commands behind those posted for the state. Pairs with vgpu_context_state().
	 */
	smp_store_release(&ctx->state, state);
}

/* Get the end, in jiffies, of a time limit that began when the current state was set. */
static unsigned long vgpu_context_deadline(const struct vgpu_context *ctx, unsigned int limit_ms)
{
	return ctx->since + msecs_to_jiffies(limit_ms);
}

static struct vgpu_context *owner_to_context(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_context, owner);
}

static void vgpu_context_release(struct vgpu_cmd_owner *owner)
{
	struct vgpu_context *ctx = owner_to_context(owner);
	u32 i;

	if (ctx->id)
		ida_free(&ctx->vgpu->contexts->ids, ctx->id);
	if (ctx->budget)
		vgpu_budget_put(ctx->budget);
	vgpu_cmd_put(ctx->destroy);

	for (i = 0; i < ARRAY_SIZE(ctx->rings); i++)
		vgpu_timeline_put(ctx->rings[i]);
	vgpu_timeline_put(ctx->timeline);
	vgpu_submitq_put(ctx->submitq);

	mutex_destroy(&ctx->attachments.lock);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
}

static void vgpu_context_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	struct vgpu_context *ctx = owner_to_context(owner);

	if (error && type == VIRTIO_GPU_CMD_CTX_CREATE)
		cmpxchg(&ctx->error, 0, error);
	if (type != VIRTIO_GPU_CMD_CTX_DESTROY)
		return;

	vgpu_context_set_state(ctx, VGPU_CONTEXT_DESTROYED);
	queue_delayed_work(ctx->vgpu->wq, &ctx->vgpu->contexts->reap,
			   msecs_to_jiffies(VGPU_CONTEXT_ABANDON_MS));
}

static const struct vgpu_cmd_owner_ops vgpu_context_owner_ops = {
	.release = vgpu_context_release,
	.outcome = vgpu_context_owner_outcome,
};

/* Fill in a context. After an error, vgpu_context_release() frees what was allocated. */
static int vgpu_context_init(struct vgpu_context *ctx)
{
	struct vgpu_timeline *timeline;
	struct vgpu_submitq *submitq;
	struct vgpu_budget *budget;
	int id;

	submitq = vgpu_submitq_create(ctx->vgpu->cmdq);
	if (IS_ERR(submitq))
		return PTR_ERR(submitq);
	ctx->submitq = submitq;

	timeline = vgpu_timeline_create("context");
	if (IS_ERR(timeline))
		return PTR_ERR(timeline);
	ctx->timeline = timeline;

	budget = vgpu_budget_get(ctx->vgpu->cmdq);
	if (IS_ERR(budget))
		return PTR_ERR(budget);
	ctx->budget = budget;

	id = ida_alloc_min(&ctx->vgpu->contexts->ids, 1, GFP_KERNEL);
	if (id < 0)
		return id;
	ctx->id = id;
	return 0;
}

/**
 * vgpu_context_open() - Implement &drm_driver.open: create the context of a file
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
	int ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return -ENOMEM;

	vgpu_cmd_owner_init(&ctx->owner, &vgpu_context_owner_ops);
	ctx->vgpu = vgpu;
	mutex_init(&ctx->lock);
	vgpu_attachments_init(&ctx->attachments);

	ret = vgpu_context_init(ctx);
	if (ret) {
		vgpu_cmd_owner_put(&ctx->owner);
		return ret;
	}

	file->driver_priv = ctx;
	guard(mutex)(&vgpu->contexts->lock);
	list_add_tail(&ctx->node, &vgpu->contexts->open);
	return 0;
}

/* Create the timelines of rings. Those created before an error stay for the next attempt. */
static int vgpu_context_create_rings_locked(struct vgpu_context *ctx, u32 num_rings)
{
	struct vgpu_timeline *ring;
	u32 i;

	lockdep_assert_held(&ctx->lock);

	for (i = 0; i < num_rings; i++) {
		if (ctx->rings[i])
			continue;
		ring = vgpu_timeline_create("context-ring");
		if (IS_ERR(ring))
			return PTR_ERR(ring);
		ctx->rings[i] = ring;
	}
	return 0;
}

/*
 * Check whether the host executes the context's commands in one sequence with those of the display.
 * Hosts do so for virgl; other renderers run in processes and on hardware queues of their own.
 * Hosts do not order the fences of rings with global fences, so no context with rings is in order.
 */
static bool vgpu_context_is_in_order(const struct vgpu_context_params *params)
{
	return !params->num_rings &&
	       (!params->capset_id || params->capset_id == VIRTIO_GPU_CAPSET_VIRGL ||
		params->capset_id == VIRTIO_GPU_CAPSET_VIRGL2);
}

static void vgpu_context_post_create_locked(struct vgpu_context *ctx)
{
	const struct vgpu_context_params *params = &ctx->params;
	char comm[TASK_COMM_LEN];

	lockdep_assert_held(&ctx->lock);

	if (vgpu_context_is_in_order(params))
		WRITE_ONCE(ctx->timeline->in_order, true);

	get_task_comm(comm, current);
	vgpu_cmd_post(vgpu_cmd_ctx_create(ctx->vgpu->cmdq, ctx->id, params->capset_id,
					  *params->name ? params->name : comm), &ctx->owner);

	mutex_lock(&ctx->attachments.lock);
	vgpu_attachments_post_locked(ctx);
	vgpu_context_set_state(ctx, VGPU_CONTEXT_LIVE);
	mutex_unlock(&ctx->attachments.lock);
}

/**
 * vgpu_context_setup() - Create the host's context
 * @ctx: the context
 * @params: parameters of CONTEXT_INIT, checked by the caller; or NULL for the defaults
 *
 * Also attaches the buffers that the file has opened before, since user space expects to use them.
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -EEXIST if CTX_CREATE was posted before; -ENOMEM.
 */
int vgpu_context_setup(struct vgpu_context *ctx, const struct vgpu_context_params *params)
{
	struct vgpu_cmd *destroy;
	int ret;

	guard(mutex)(&ctx->lock);
	if (vgpu_context_state(ctx) != VGPU_CONTEXT_NEW)
		return -EEXIST;

	ret = params ? vgpu_context_create_rings_locked(ctx, params->num_rings) : 0;
	if (ret)
		return ret;

	/* Allocated now, so that closing the context does not wait for memory. */
	destroy = vgpu_cmd_ctx_destroy(ctx->vgpu->cmdq, ctx->id);
	if (IS_ERR(destroy))
		return PTR_ERR(destroy);

	if (params)
		ctx->params = *params;
	ctx->destroy = destroy;
	vgpu_context_post_create_locked(ctx);
	return 0;
}

/**
 * vgpu_context_flush() - Note that a process gives up its reference to a file
 * @ctx: the file's context
 *
 * If the only process that has submitted was killed, closing the file drops the submissions that
 * still wait for a fence. A file that several processes use is closed as after a normal exit, since
 * the submissions of those that were not killed must not be lost.
 *
 * Context: process.
 */
void vgpu_context_flush(struct vgpu_context *ctx)
{
	if ((current->flags & PF_EXITING) && current->exit_code == SIGKILL)
		cmpxchg(&ctx->user, current->tgid, 0);
}

/*
 * Check whether CTX_DESTROY should wait for fences of the context's rings. Commands that wait in
 * the submission queue are sent before CTX_DESTROY, so it need not wait for those.
 */
static bool vgpu_context_should_linger(struct vgpu_context *ctx)
{
	unsigned int limit_ms;
	u32 i;

	if (vgpu_submitq_is_busy(ctx->submitq))
		return false;
	for (i = 0; i < ctx->params.num_rings; i++) {
		limit_ms = ctx->params.poll_mask & BIT_ULL(i) ? VGPU_CONTEXT_LINGER_POLLED_MS :
								VGPU_CONTEXT_LINGER_MS;
		if (vgpu_timeline_is_pending(ctx->rings[i]) &&
		    time_before(jiffies, vgpu_context_deadline(ctx, limit_ms)))
			return true;
	}
	return false;
}

/* Send CTX_DESTROY of a closed context, unless the context should linger. Returns true if so. */
static bool vgpu_context_linger_locked(struct vgpu_context *ctx)
{
	lockdep_assert_held(&ctx->lock);

	if (vgpu_context_state(ctx) != VGPU_CONTEXT_LINGERING)
		return false;
	if (vgpu_context_should_linger(ctx))
		return true;

	vgpu_context_set_state(ctx, VGPU_CONTEXT_DESTROYING);
	vgpu_submitq_close(ctx->submitq, ctx->destroy, &ctx->owner, !READ_ONCE(ctx->user));
	ctx->destroy = NULL;
	return false;
}

/**
 * vgpu_context_leave() - Destroy the host's context after the client's work
 * @ctx: the context, whose file has no users any more
 *
 * CTX_DESTROY detaches all resources of the context, so the buffers that are closed next
 * need not be detached one by one. If fences of rings are open, CTX_DESTROY is sent a little later.
 * A second call does nothing.
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_context_leave(struct vgpu_context *ctx)
{
	guard(mutex)(&ctx->lock);
	if (vgpu_context_state(ctx) == VGPU_CONTEXT_LIVE) {
		vgpu_context_set_state(ctx, VGPU_CONTEXT_LINGERING);
		vgpu_context_linger_locked(ctx);
	}
}

static bool vgpu_context_has_fences(struct vgpu_context *ctx)
{
	u32 i;

	for (i = 0; i < ctx->params.num_rings; i++)
		if (vgpu_timeline_is_pending(ctx->rings[i]))
			return true;
	return vgpu_timeline_is_pending(ctx->timeline);
}

/**
 * vgpu_context_time_left() - Get the time until the fences of a closed context can be abandoned
 * @ctx: the context
 *
 * Sends CTX_DESTROY if the context has lingered long enough.
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: in jiffies; 0 or less if no fence is left or it is time; MAX_JIFFY_OFFSET if the host
 * must answer CTX_DESTROY first; otherwise at most VGPU_CONTEXT_ABANDON_MS, since the host may
 * destroy another context next.
 */
long vgpu_context_time_left(struct vgpu_context *ctx)
{
	bool lingers;
	long left;

	mutex_lock(&ctx->lock);
	lingers = vgpu_context_linger_locked(ctx);
	mutex_unlock(&ctx->lock);

	if (lingers)
		return msecs_to_jiffies(VGPU_CONTEXT_LINGER_STEP_MS);
	if (!vgpu_context_has_fences(ctx))
		return 0;
	if (vgpu_context_state(ctx) != VGPU_CONTEXT_DESTROYING)
		return vgpu_context_deadline(ctx, VGPU_CONTEXT_ABANDON_MS) - jiffies;
	if (!vgpu_submitq_is_busy(ctx->submitq))
		return MAX_JIFFY_OFFSET;
	left = vgpu_context_deadline(ctx, VGPU_CONTEXT_KEPT_MS) - jiffies;
	return min_t(long, left, msecs_to_jiffies(VGPU_CONTEXT_ABANDON_MS));
}

/**
 * vgpu_context_abandon() - End the fences of a closed context whose commands the host has
 * @ctx: the context
 *
 * A host never answers the pending POLL of a context that it has destroyed, so fences that are
 * still open end with -ECANCELED. While CTX_DESTROY waits behind other commands, which may wait for
 * such a fence, only the fences of rings end: the host answers all others.
 *
 * Context: process.
 */
void vgpu_context_abandon(struct vgpu_context *ctx)
{
	u32 i;

	if (vgpu_context_state(ctx) != VGPU_CONTEXT_DESTROYING)
		vgpu_timeline_abandon(ctx->timeline, -ECANCELED);
	for (i = 0; i < ctx->params.num_rings; i++)
		vgpu_timeline_abandon(ctx->rings[i], -ECANCELED);
}

/**
 * vgpu_context_lose() - Note that a context was lost with the device
 * @ctx: the context; if it exists on the host, ioctls answer -EIO until its file is closed
 *
 * Context: process, may sleep.
 */
void vgpu_context_lose(struct vgpu_context *ctx)
{
	enum vgpu_context_state state;

	guard(mutex)(&ctx->lock);
	state = vgpu_context_state(ctx);
	if (state == VGPU_CONTEXT_LIVE || state == VGPU_CONTEXT_LINGERING) {
		vgpu_context_set_state(ctx, VGPU_CONTEXT_LOST);
		cmpxchg(&ctx->error, 0, -EIO);
	}
}

static void vgpu_context_print_timeline(struct vgpu_timeline *tl, const char *name,
					struct drm_printer *p)
{
	drm_printf(p, "    %s: fence context %llu, newest %llu, pending %u, busy %llu ns\n", name,
		   tl->context, READ_ONCE(tl->seqno), READ_ONCE(tl->nr_pending),
		   vgpu_timeline_busy_ns(tl));
}

/**
 * vgpu_context_print() - Print a context and its fences
 * @ctx: the context
 * @p: printer to write to
 *
 * Context: process, may sleep.
 */
void vgpu_context_print(struct vgpu_context *ctx, struct drm_printer *p)
{
	static const char * const states[] = {
		[VGPU_CONTEXT_NEW] = "new",
		[VGPU_CONTEXT_LIVE] = "live",
		[VGPU_CONTEXT_LINGERING] = "lingering",
		[VGPU_CONTEXT_DESTROYING] = "destroying",
		[VGPU_CONTEXT_DESTROYED] = "destroyed",
		[VGPU_CONTEXT_LOST] = "lost",
	};
	const struct vgpu_context_params *params = &ctx->params;
	char name[16];
	u32 i;

	guard(mutex)(&ctx->lock);
	drm_printf(p, "context %u: %s, capset %u, rings %u, poll %#llx, error %d, name \"%s\"%s\n",
		   ctx->id, states[vgpu_context_state(ctx)], params->capset_id, params->num_rings,
		   params->poll_mask, vgpu_context_error(ctx), params->name,
		   vgpu_submitq_is_busy(ctx->submitq) ? ", waits for a fence" : "");

	vgpu_context_print_timeline(ctx->timeline, "gpu", p);
	for (i = 0; i < params->num_rings; i++) {
		snprintf(name, sizeof(name), "ring%u", i);
		vgpu_context_print_timeline(ctx->rings[i], name, p);
	}
}
