// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: contexts
 *
 * Each open file has a context: a renderer of its own on the host, made when it is
 * first needed, a timeline for what it submits, more timelines where user space
 * asked for rings, and a budget of commands and bytes in flight. A client that has
 * used up its budget waits at the door of the next ioctl, interruptibly and before it
 * holds anything, while everybody else goes on. Clients together leave a part of the
 * ring to the display and to teardown: who has more than a small share in flight
 * waits while the rest is taken.
 *
 * Locking: &vgpu_context.lock is the outermost lock of the driver.
 */

#include <linux/bits.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/moduleparam.h>
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
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_gate.h"

static unsigned int vgpu_context_budget = 256;
module_param_named(context_budget, vgpu_context_budget, uint, 0644);
MODULE_PARM_DESC(context_budget, "Commands a client may have in flight (default 256)");

static unsigned int vgpu_context_mib = 64;
module_param_named(context_mib, vgpu_context_mib, uint, 0644);
MODULE_PARM_DESC(context_mib, "MiB a client may have in flight (default 64)");

/* Commands each client may have in flight whatever others do. */
#define VGPU_CONTEXT_SHARE	8

/* In &vgpu_context.load the commands are counted above the bytes. */
#define VGPU_CONTEXT_LOAD_SHIFT	40
#define VGPU_CONTEXT_LOAD(size_bytes)	((1LL << VGPU_CONTEXT_LOAD_SHIFT) + (size_bytes))

/**
 * enum vgpu_context_state - what the host knows of a context
 * @VGPU_CONTEXT_NEW: nothing yet
 * @VGPU_CONTEXT_MADE: CTX_CREATE was sent
 * @VGPU_CONTEXT_LEFT: CTX_DESTROY was sent, or never need be
 * @VGPU_CONTEXT_GONE: was lost with the device
 */
enum vgpu_context_state {
	VGPU_CONTEXT_NEW,
	VGPU_CONTEXT_MADE,
	VGPU_CONTEXT_LEFT,
	VGPU_CONTEXT_GONE,
};

/**
 * struct vgpu_contexts - all contexts of a device
 * @ids: their ids
 * @lock: protects @list
 * @list: contexts of open files
 * @door: where clients wait for the load to fall
 */
struct vgpu_contexts {
	struct ida ids;
	struct mutex lock;
	struct list_head list;
	wait_queue_head_t door;
};

/**
 * struct vgpu_context - the context of an open file
 * @owner: hears of the outcome of the context's commands
 * @vgpu: the device, constant
 * @ref: one for the file, one for each command in flight
 * @id: constant
 * @node: entry of &vgpu_contexts.list
 * @lock: protects @state, @params and the making of @rings
 * @state: written under @lock
 * @params: constant once @configured
 * @configured: CONTEXT_INIT was called
 * @error: sticky, 0 while all is well; written once, by whoever comes first
 * @gate: of what goes to no ring, constant
 * @rings: &vgpu_context_params.num_rings gates, constant once set
 * @load: commands and bytes the host has not answered; see VGPU_CONTEXT_LOAD()
 * @kept: how many of the commands have expired
 * @detached: how often a resource was taken from it; grows under the reservation of its buffer
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
	bool configured;
	int error;
	struct vgpu_gate *gate;
	struct vgpu_gate **rings;
	atomic64_t load;
	atomic_t kept;
	atomic_t detached;
};

static void vgpu_contexts_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_contexts *contexts = ptr;

	ida_destroy(&contexts->ids);
	mutex_destroy(&contexts->lock);
}

/**
 * vgpu_contexts_init() - prepare a device for contexts
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
	ida_init(&contexts->ids);
	mutex_init(&contexts->lock);
	INIT_LIST_HEAD(&contexts->list);
	init_waitqueue_head(&contexts->door);
	vgpu->contexts = contexts;
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_contexts_release, contexts);
}

static struct vgpu_context *owner_to_context(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_context, owner);
}

static void vgpu_context_put_rings(struct vgpu_gate **rings, u32 num_rings)
{
	u32 i;

	if (!rings)
		return;
	for (i = 0; i < num_rings; i++)
		vgpu_gate_put(rings[i]);
	kfree(rings);
}

static void vgpu_context_free(struct kref *ref)
{
	struct vgpu_context *ctx = container_of(ref, struct vgpu_context, ref);

	ida_free(&ctx->vgpu->contexts->ids, ctx->id);
	vgpu_context_put_rings(ctx->rings, ctx->params.num_rings);
	vgpu_gate_put(ctx->gate);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
}

/* What it has in flight. */
static u32 vgpu_context_commands(struct vgpu_context *ctx)
{
	return atomic64_read(&ctx->load) >> VGPU_CONTEXT_LOAD_SHIFT;
}

static u64 vgpu_context_bytes(struct vgpu_context *ctx)
{
	return atomic64_read(&ctx->load) & GENMASK_ULL(VGPU_CONTEXT_LOAD_SHIFT - 1, 0);
}

static void vgpu_context_open_door(struct vgpu_context *ctx)
{
	wait_queue_head_t *door = &ctx->vgpu->contexts->door;

	/* Pairs with the barrier of prepare_to_wait() in vgpu_context_throttle(). */
	if (wq_has_sleeper(door))
		wake_up_all(door);
}

static void vgpu_context_owner_get(struct vgpu_cmd_owner *owner, size_t size_bytes)
{
	struct vgpu_context *ctx = owner_to_context(owner);

	kref_get(&ctx->ref);
	atomic64_add(VGPU_CONTEXT_LOAD(size_bytes), &ctx->load);
}

static void vgpu_context_owner_put(struct vgpu_cmd_owner *owner, size_t size_bytes, int error)
{
	struct vgpu_context *ctx = owner_to_context(owner);

	if (error == -ETIMEDOUT)
		atomic_dec(&ctx->kept);
	atomic64_sub(VGPU_CONTEXT_LOAD(size_bytes), &ctx->load);
	vgpu_context_open_door(ctx);
	kref_put(&ctx->ref, vgpu_context_free);
}

static void vgpu_context_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	struct vgpu_context *ctx = owner_to_context(owner);

	if (!error)
		return;
	if (type == VIRTIO_GPU_CMD_CTX_CREATE)
		cmpxchg(&ctx->error, 0, error);
	if (error == -ETIMEDOUT)
		atomic_inc(&ctx->kept);
	/* A lost device keeps the memory, but nobody needs to wait for it. */
	vgpu_context_open_door(ctx);
}

static const struct vgpu_cmd_owner_ops vgpu_context_owner_ops = {
	.get = vgpu_context_owner_get,
	.put = vgpu_context_owner_put,
	.outcome = vgpu_context_owner_outcome,
};

static bool vgpu_context_is_held_back(struct vgpu_context *ctx)
{
	u32 i;

	for (i = 0; i < ctx->params.num_rings; i++)
		if (vgpu_gate_is_busy(ctx->rings[i]))
			return true;
	return vgpu_gate_is_busy(ctx->gate);
}

static void vgpu_context_turn_away(struct vgpu_context *ctx, int error)
{
	u32 i;

	vgpu_gate_cancel(ctx->gate, error);
	for (i = 0; i < ctx->params.num_rings; i++)
		vgpu_gate_cancel(ctx->rings[i], error);
}

static struct vgpu_context *vgpu_context_create(struct vgpu_device *vgpu)
{
	struct vgpu_context *ctx;
	int ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->gate = vgpu_gate_create(vgpu->cmdq, "context");
	if (IS_ERR(ctx->gate)) {
		ret = PTR_ERR(ctx->gate);
		goto err_free;
	}
	ret = ida_alloc_min(&vgpu->contexts->ids, 1, GFP_KERNEL);
	if (ret < 0)
		goto err_put_gate;
	ctx->id = ret;
	ctx->owner.ops = &vgpu_context_owner_ops;
	ctx->vgpu = vgpu;
	kref_init(&ctx->ref);
	mutex_init(&ctx->lock);
	return ctx;

err_put_gate:
	vgpu_gate_put(ctx->gate);
err_free:
	kfree(ctx);
	return ERR_PTR(ret);
}

/**
 * vgpu_context_open() - &drm_driver.open
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
 * vgpu_context_leave() - the file is about to be closed
 * @file: the file, which nobody uses any more
 *
 * Destroying the context detaches all its resources, so the buffers that are
 * closed next need not be detached one by one.
 *
 * Context: process, may sleep.
 */
void vgpu_context_leave(struct drm_file *file)
{
	struct vgpu_context *ctx = file->driver_priv;
	struct vgpu_cmdq *q = ctx->vgpu->cmdq;
	enum vgpu_context_state was;

	mutex_lock(&ctx->lock);
	was = ctx->state;
	WRITE_ONCE(ctx->state, VGPU_CONTEXT_LEFT);
	vgpu_context_turn_away(ctx, -ECANCELED);
	mutex_unlock(&ctx->lock);
	if (was == VGPU_CONTEXT_MADE)
		vgpu_cmd_post(vgpu_cmd_ctx_destroy(q, ctx->id), &ctx->owner);
}

/**
 * vgpu_context_close() - &drm_driver.postclose
 * @drm: the device
 * @file: the file
 *
 * Context: process, may sleep.
 */
void vgpu_context_close(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *vgpu = to_vgpu(drm);
	struct vgpu_context *ctx = file->driver_priv;

	/* Clients inside the kernel have no file operations that would have. */
	vgpu_context_leave(file);
	mutex_lock(&vgpu->contexts->lock);
	list_del(&ctx->node);
	mutex_unlock(&vgpu->contexts->lock);
	file->driver_priv = NULL;
	kref_put(&ctx->ref, vgpu_context_free);
	vgpu_cmdq_kick(vgpu->cmdq);
}

/**
 * vgpu_context_of() - the context of a file
 * @file: the file
 *
 * Return: the context; never NULL between open and close.
 */
struct vgpu_context *vgpu_context_of(struct drm_file *file)
{
	return file->driver_priv;
}

/**
 * vgpu_contexts_lose() - the device has forgotten all contexts
 * @vgpu: the device
 * @error: negative errno that commands held back end with
 *
 * What was made before answers -EIO until it is closed.
 *
 * Context: process, may sleep.
 */
void vgpu_contexts_lose(struct vgpu_device *vgpu, int error)
{
	struct vgpu_contexts *contexts = vgpu->contexts;
	struct vgpu_context *ctx;

	mutex_lock(&contexts->lock);
	list_for_each_entry(ctx, &contexts->list, node) {
		mutex_lock(&ctx->lock);
		if (ctx->state == VGPU_CONTEXT_MADE) {
			WRITE_ONCE(ctx->state, VGPU_CONTEXT_GONE);
			cmpxchg(&ctx->error, 0, -EIO);
		}
		vgpu_context_turn_away(ctx, error);
		mutex_unlock(&ctx->lock);
	}
	mutex_unlock(&contexts->lock);
}

static void vgpu_context_print_gate(const struct vgpu_gate *gate, const char *name, int idx,
				    struct drm_printer *p)
{
	struct vgpu_timeline_stats stats;

	vgpu_timeline_read_stats(vgpu_gate_timeline(gate), &stats);
	drm_printf(p, "    %s", name);
	if (idx >= 0)
		drm_printf(p, "%d", idx);
	drm_printf(p, ": fence context %llu, newest %llu, pending %u, busy %llu ns%s\n",
		   stats.context, stats.seqno, stats.pending, stats.busy_ns,
		   vgpu_gate_is_busy(gate) ? ", waits for others" : "");
}

static void vgpu_context_print_locked(struct vgpu_context *ctx, struct drm_printer *p)
{
	static const char * const states[] = {
		[VGPU_CONTEXT_NEW] = "new",
		[VGPU_CONTEXT_MADE] = "made",
		[VGPU_CONTEXT_LEFT] = "left",
		[VGPU_CONTEXT_GONE] = "gone",
	};
	u32 i;

	lockdep_assert_held(&ctx->lock);

	drm_printf(p, "context %u: %s, capset %u, rings %u, poll %#llx, ", ctx->id,
		   states[ctx->state], ctx->params.capset_id, ctx->params.num_rings,
		   ctx->params.poll_mask);
	drm_printf(p, "in flight %u, %llu bytes, error %d, name \"%s\"\n",
		   vgpu_context_commands(ctx), vgpu_context_bytes(ctx), vgpu_context_error(ctx),
		   ctx->params.name);
	vgpu_context_print_gate(ctx->gate, "gpu", -1, p);
	for (i = 0; i < ctx->params.num_rings; i++)
		vgpu_context_print_gate(ctx->rings[i], "ring", i, p);
}

/**
 * vgpu_contexts_print() - list the contexts of open files and their fences, for people
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
 * Does the host execute its commands one by one with those of the display? virgl does; others
 * hand them to processes and processors of their own.
 */
static bool vgpu_context_is_in_order(const struct vgpu_context *ctx)
{
	switch (ctx->params.capset_id) {
	case 0:
	case VIRTIO_GPU_CAPSET_VIRGL:
	case VIRTIO_GPU_CAPSET_VIRGL2:
		return true;
	default:
		return false;
	}
}

static void vgpu_context_make_locked(struct vgpu_context *ctx)
{
	struct vgpu_cmdq *q = ctx->vgpu->cmdq;
	char comm[TASK_COMM_LEN];
	const char *name = ctx->params.name;

	lockdep_assert_held(&ctx->lock);

	if (!*name) {
		get_task_comm(comm, current);
		name = comm;
	}
	if (vgpu_context_is_in_order(ctx))
		vgpu_timeline_set_in_order(vgpu_gate_timeline(ctx->gate));
	vgpu_cmd_post(vgpu_cmd_ctx_create(q, ctx->id, ctx->params.capset_id, name), &ctx->owner);
	/* Who sees it finds the rings, and sends what is behind CTX_CREATE. */
	smp_store_release(&ctx->state, VGPU_CONTEXT_MADE);
}

/**
 * vgpu_context_ensure() - make the host know a context
 * @ctx: the context
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0, or the context's sticky error.
 */
int vgpu_context_ensure(struct vgpu_context *ctx)
{
	/* Pairs with the store in vgpu_context_make_locked(): the common case. */
	if (smp_load_acquire(&ctx->state) == VGPU_CONTEXT_NEW) {
		mutex_lock(&ctx->lock);
		if (ctx->state == VGPU_CONTEXT_NEW)
			vgpu_context_make_locked(ctx);
		mutex_unlock(&ctx->lock);
	}
	return vgpu_context_error(ctx);
}

static struct vgpu_gate **vgpu_context_create_rings(struct vgpu_cmdq *q, u32 num_rings)
{
	struct vgpu_gate **rings;
	u32 i;

	rings = kcalloc(num_rings, sizeof(*rings), GFP_KERNEL_ACCOUNT);
	if (!rings)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < num_rings; i++) {
		rings[i] = vgpu_gate_create(q, "context-ring");
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
	struct vgpu_gate **rings = NULL;

	lockdep_assert_held(&ctx->lock);

	if (ctx->configured || ctx->state != VGPU_CONTEXT_NEW)
		return -EEXIST;
	if (params->num_rings) {
		rings = vgpu_context_create_rings(ctx->vgpu->cmdq, params->num_rings);
		if (IS_ERR(rings))
			return PTR_ERR(rings);
	}
	ctx->params = *params;
	ctx->configured = true;
	ctx->rings = rings;
	vgpu_context_make_locked(ctx);
	return 0;
}

/**
 * vgpu_context_setup() - make a context as CONTEXT_INIT asks for it
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
 * vgpu_context_error() - can a context be worked with?
 * @ctx: the context
 *
 * Return: 0, or its sticky error.
 */
int vgpu_context_error(const struct vgpu_context *ctx)
{
	return READ_ONCE(ctx->error);
}

/**
 * vgpu_context_id() - what the host calls a context
 * @ctx: the context
 *
 * Return: the id, not 0.
 */
u32 vgpu_context_id(const struct vgpu_context *ctx)
{
	return ctx->id;
}

/**
 * vgpu_context_gate() - where that goes which goes to no ring
 * @ctx: the context
 *
 * Return: the gate, which lives as long as the context.
 */
struct vgpu_gate *vgpu_context_gate(struct vgpu_context *ctx)
{
	return ctx->gate;
}

/**
 * vgpu_context_ring() - gate of a ring
 * @ctx: the context
 * @ring_idx: the ring
 *
 * Return: the gate, which lives as long as the context; NULL when there is no such
 * ring.
 */
struct vgpu_gate *vgpu_context_ring(struct vgpu_context *ctx, u32 ring_idx)
{
	/* Pairs with the store in vgpu_context_make_locked(). */
	if (smp_load_acquire(&ctx->state) == VGPU_CONTEXT_NEW || ring_idx >= ctx->params.num_rings)
		return NULL;
	return ctx->rings[ring_idx];
}

/**
 * vgpu_context_ring_is_polled() - does a ring send events?
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
 * vgpu_context_owner() - who hears of the outcome of a context's commands
 * @ctx: the context
 *
 * Commands posted with this owner count against the context's budget.
 *
 * Return: the owner.
 */
struct vgpu_cmd_owner *vgpu_context_owner(struct vgpu_context *ctx)
{
	return &ctx->owner;
}

/**
 * vgpu_context_attach() - let a context use a resource
 * @ctx: the context
 * @res: the resource
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0, or the context's sticky error.
 */
int vgpu_context_attach(struct vgpu_context *ctx, struct vgpu_resource *res)
{
	int ret;

	if (!ctx->vgpu->features.virgl)
		return 0;
	ret = vgpu_context_ensure(ctx);
	if (ret)
		return ret;
	return vgpu_cmd_post(vgpu_cmd_ctx_attach(ctx->vgpu->cmdq, ctx->id, res->id),
			     &res->owner);
}

/**
 * vgpu_context_detach() - a context will not use a resource any more
 * @ctx: the context
 * @res: the resource
 *
 * Context: process, may sleep; does not wait for the host, the reservation
 * of the resource's buffer held.
 */
void vgpu_context_detach(struct vgpu_context *ctx, struct vgpu_resource *res)
{
	/* It must not overtake what was held back; then CTX_DESTROY or UNREF will do. */
	if (smp_load_acquire(&ctx->state) != VGPU_CONTEXT_MADE || vgpu_context_is_held_back(ctx))
		return;
	atomic_inc(&ctx->detached);
	vgpu_cmd_post(vgpu_cmd_ctx_detach(ctx->vgpu->cmdq, ctx->id, res->id), &res->owner);
}

/**
 * vgpu_context_detached() - was a resource taken from a context?
 * @ctx: the context
 *
 * Who finds buffers by their handles and then locks their reservations still has them
 * attached if the number is what it was before.
 *
 * Return: a number that changes when one was.
 */
unsigned int vgpu_context_detached(const struct vgpu_context *ctx)
{
	return atomic_read(&ctx->detached);
}

static bool vgpu_context_has_room(struct vgpu_context *ctx)
{
	u32 commands = vgpu_context_commands(ctx);

	if (!commands)
		return true;
	return commands < READ_ONCE(vgpu_context_budget) &&
	       vgpu_context_bytes(ctx) >> 20 < READ_ONCE(vgpu_context_mib) &&
	       (commands < VGPU_CONTEXT_SHARE || !vgpu_cmdq_is_crowded(ctx->vgpu->cmdq));
}

/* Does the host keep all that a context has in flight, given up on as it is? */
static bool vgpu_context_is_stuck(struct vgpu_context *ctx)
{
	u32 kept = atomic_read(&ctx->kept);

	return kept && kept == vgpu_context_commands(ctx);
}

static bool vgpu_context_need_not_wait(struct vgpu_context *ctx)
{
	return vgpu_context_has_room(ctx) || vgpu_context_is_stuck(ctx) ||
	       vgpu_cmdq_error(ctx->vgpu->cmdq);
}

/**
 * vgpu_context_throttle() - wait until a context has little in flight
 * @ctx: the context
 *
 * Called at the door of an ioctl, before it takes or makes anything.
 *
 * Context: process, sleeps interruptibly until the host makes progress or is lost.
 * Return: 0; -ERESTARTSYS when interrupted; -ETIMEDOUT when all that the context has in
 * flight has expired, and takes all its room; -EIO or -ENODEV when the device is lost.
 */
int vgpu_context_throttle(struct vgpu_context *ctx)
{
	struct vgpu_cmdq *q = ctx->vgpu->cmdq;
	int ret = 0;

	if (!vgpu_context_has_room(ctx)) {
		trace_virtio_gpu_throttle_begin(ctx->id, vgpu_context_commands(ctx), 0);
		vgpu_cmdq_listen(q);
		ret = wait_event_interruptible(ctx->vgpu->contexts->door,
					       vgpu_context_need_not_wait(ctx));
		vgpu_cmdq_unlisten(q);
		if (!ret && vgpu_context_is_stuck(ctx) && !vgpu_context_has_room(ctx))
			ret = -ETIMEDOUT;
		trace_virtio_gpu_throttle_end(ctx->id, vgpu_context_commands(ctx), ret);
	}
	return ret ?: vgpu_cmdq_error(q);
}
