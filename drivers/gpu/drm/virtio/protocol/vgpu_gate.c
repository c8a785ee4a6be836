// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: gates
 *
 * A command may depend on fences of others. Its submitter does not wait for them:
 * the command waits, at the gate of its timeline, and everything submitted to the
 * timeline afterwards waits behind it, so that the order is kept. Its fence exists
 * from the beginning. Commands that depend on nothing pass a gate where nobody waits
 * without a stop.
 *
 * A command whose dependency failed is not executed; its fence carries the error on.
 */

#include <linux/dma-fence.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_gate.h"

/**
 * struct vgpu_gate - in front of a timeline
 * @ref: one for the creator, one for each pass
 * @q: the queues, constant
 * @timeline: constant
 * @lock: protects @waiting
 * @waiting: passes in use, in the order of their submission
 * @work: lets through what need not wait any more
 */
struct vgpu_gate {
	struct kref ref;
	struct vgpu_cmdq *q;
	struct vgpu_timeline *timeline;
	spinlock_t lock;
	struct list_head waiting;
	struct work_struct work;
};

/**
 * struct vgpu_gate_dep - a fence somebody waits for
 * @cb: on the fence
 * @pass: who waits
 * @fence: referenced
 */
struct vgpu_gate_dep {
	struct dma_fence_cb cb;
	struct vgpu_gate_pass *pass;
	struct dma_fence *fence;
};

/**
 * struct vgpu_gate_pass - what one command needs to wait at a gate
 * @node: entry of &vgpu_gate.waiting
 * @gate: referenced
 * @cmd: the command
 * @owner: of the command, referenced; may be NULL
 * @size_bytes: of the command
 * @fence: of the command, referenced; may be NULL
 * @release: lets go of @kept once the command is posted; may be NULL
 * @kept: what must live until then
 * @open: dependencies not signalled, and one until all callbacks are in place
 * @num_deps: length of @deps
 * @deps: the dependencies
 */
struct vgpu_gate_pass {
	struct list_head node;
	struct vgpu_gate *gate;
	struct vgpu_cmd *cmd;
	struct vgpu_cmd_owner *owner;
	size_t size_bytes;
	struct vgpu_fence *fence;
	void (*release)(void *kept);
	void *kept;
	atomic_t open;
	u32 num_deps;
	struct vgpu_gate_dep deps[] __counted_by(num_deps);
};

static void vgpu_gate_free(struct kref *ref)
{
	struct vgpu_gate *gate = container_of(ref, struct vgpu_gate, ref);

	vgpu_timeline_put(gate->timeline);
	kfree(gate);
}

/**
 * vgpu_gate_put() - drop a reference to a gate
 * @gate: the gate, or NULL
 *
 * Context: any.
 */
void vgpu_gate_put(struct vgpu_gate *gate)
{
	if (gate)
		kref_put(&gate->ref, vgpu_gate_free);
}

static void vgpu_gate_destroy_pass(struct vgpu_gate_pass *pass)
{
	u32 i;

	for (i = 0; i < pass->num_deps; i++) {
		/* Also waits for a callback that is under way. */
		if (pass->deps[i].cb.func)
			dma_fence_remove_callback(pass->deps[i].fence, &pass->deps[i].cb);
		dma_fence_put(pass->deps[i].fence);
	}
	if (pass->release)
		pass->release(pass->kept);
	vgpu_fence_put(pass->fence);
	if (pass->owner)
		pass->owner->ops->put(pass->owner, pass->size_bytes, 0);
	vgpu_gate_put(pass->gate);
	kfree(pass);
}

static int vgpu_gate_pass_error(const struct vgpu_gate_pass *pass)
{
	int status;
	u32 i;

	for (i = 0; i < pass->num_deps; i++) {
		status = dma_fence_get_status(pass->deps[i].fence);
		if (status < 0)
			return status;
	}
	return 0;
}

static void vgpu_gate_refuse(struct vgpu_gate_pass *pass, int error)
{
	vgpu_cmd_put(pass->cmd);
	if (pass->fence)
		vgpu_fence_complete(pass->fence, error);
}

static struct vgpu_gate_pass *vgpu_gate_first_locked(struct vgpu_gate *gate)
{
	lockdep_assert_held(&gate->lock);

	return list_first_entry_or_null(&gate->waiting, struct vgpu_gate_pass, node);
}

/*
 * Post the first command, if it need not wait any more. It leaves the list only when
 * it is posted: where nobody waits, whoever comes next posts right away.
 */
static bool vgpu_gate_let_through(struct vgpu_gate *gate)
{
	struct vgpu_gate_pass *pass;
	unsigned long flags;
	int error = 0;

	spin_lock_irqsave(&gate->lock, flags);
	pass = vgpu_gate_first_locked(gate);
	if (pass && atomic_read(&pass->open))
		pass = NULL;
	if (pass) {
		error = vgpu_gate_pass_error(pass);
		if (!error)
			vgpu_cmd_post_fenced(pass->cmd, pass->owner, pass->fence);
		list_del_init(&pass->node);
	}
	spin_unlock_irqrestore(&gate->lock, flags);
	if (!pass)
		return false;
	if (error)
		vgpu_gate_refuse(pass, error);
	vgpu_gate_destroy_pass(pass);
	return true;
}

static void vgpu_gate_work(struct work_struct *work)
{
	struct vgpu_gate *gate = container_of(work, struct vgpu_gate, work);

	while (vgpu_gate_let_through(gate))
		;
	vgpu_cmdq_kick(gate->q);
	vgpu_gate_put(gate);
}

static void vgpu_gate_step(struct vgpu_gate_pass *pass)
{
	struct vgpu_gate *gate = pass->gate;

	if (!atomic_dec_and_test(&pass->open))
		return;
	/* The work has a reference of its own: the pass may be gone before it ends. */
	kref_get(&gate->ref);
	if (!vgpu_cmdq_queue_work(gate->q, &gate->work))
		vgpu_gate_put(gate);
}

static void vgpu_gate_dep_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	vgpu_gate_step(container_of(cb, struct vgpu_gate_dep, cb)->pass);
}

/**
 * vgpu_gate_create() - create a gate and the timeline behind it
 * @q: the queues
 * @name: of the timeline, a constant string
 *
 * Context: process, may sleep.
 * Return: the gate, or ERR_PTR(-ENOMEM).
 */
struct vgpu_gate *vgpu_gate_create(struct vgpu_cmdq *q, const char *name)
{
	struct vgpu_gate *gate;

	gate = kzalloc(sizeof(*gate), GFP_KERNEL_ACCOUNT);
	if (!gate)
		return ERR_PTR(-ENOMEM);
	gate->timeline = vgpu_timeline_create(name);
	if (IS_ERR(gate->timeline)) {
		kfree(gate);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&gate->ref);
	gate->q = q;
	spin_lock_init(&gate->lock);
	INIT_LIST_HEAD(&gate->waiting);
	INIT_WORK(&gate->work, vgpu_gate_work);
	return gate;
}

/**
 * vgpu_gate_timeline() - what is behind a gate
 * @gate: the gate
 *
 * Return: the timeline, which lives as long as the gate.
 */
struct vgpu_timeline *vgpu_gate_timeline(const struct vgpu_gate *gate)
{
	return gate->timeline;
}

/**
 * vgpu_gate_is_busy() - does somebody wait at a gate?
 * @gate: the gate
 *
 * Return: a snapshot.
 */
bool vgpu_gate_is_busy(const struct vgpu_gate *gate)
{
	return !list_empty(&gate->waiting);
}

/**
 * vgpu_gate_cancel() - turn away all who wait at a gate
 * @gate: the gate
 * @error: negative errno that their fences carry
 *
 * Context: process.
 */
void vgpu_gate_cancel(struct vgpu_gate *gate, int error)
{
	struct vgpu_gate_pass *pass;
	unsigned long flags;

	spin_lock_irqsave(&gate->lock, flags);
	while ((pass = vgpu_gate_first_locked(gate))) {
		list_del_init(&pass->node);
		spin_unlock_irqrestore(&gate->lock, flags);

		vgpu_gate_refuse(pass, error);
		vgpu_gate_destroy_pass(pass);
		spin_lock_irqsave(&gate->lock, flags);
	}
	spin_unlock_irqrestore(&gate->lock, flags);
}

/* Fences of the timeline itself are in order anyway. */
static bool vgpu_gate_must_wait(const struct vgpu_gate *gate, struct dma_fence *dep)
{
	return dep->context != vgpu_timeline_context(gate->timeline) &&
	       !dma_fence_is_signaled(dep);
}

/* Must a command with this dependency have a pass? Also to learn of its error. */
static bool vgpu_gate_matters(const struct vgpu_gate *gate, struct dma_fence *dep)
{
	return vgpu_gate_must_wait(gate, dep) || dma_fence_get_status(dep) < 0;
}

/**
 * vgpu_gate_prepare() - see whether a command must wait, and get what it needs to
 * @gate: the gate
 * @deps: fences it depends on
 * @num_deps: how many
 *
 * Context: process, may sleep.
 * Return: a pass for vgpu_gate_post() or vgpu_gate_abandon(); NULL when there is
 * nothing to wait for; ERR_PTR(-ENOMEM).
 */
struct vgpu_gate_pass *vgpu_gate_prepare(struct vgpu_gate *gate, struct dma_fence **deps,
					 u32 num_deps)
{
	struct vgpu_gate_pass *pass;
	bool needed = vgpu_gate_is_busy(gate);
	u32 i;

	for (i = 0; i < num_deps; i++)
		needed |= vgpu_gate_matters(gate, deps[i]);
	if (!needed)
		return NULL;
	pass = kzalloc(struct_size(pass, deps, num_deps), GFP_KERNEL_ACCOUNT);
	if (!pass)
		return ERR_PTR(-ENOMEM);
	pass->num_deps = num_deps;
	for (i = 0; i < num_deps; i++) {
		INIT_LIST_HEAD(&pass->deps[i].cb.node);
		pass->deps[i].fence = dma_fence_get(deps[i]);
		pass->deps[i].pass = pass;
	}
	INIT_LIST_HEAD(&pass->node);
	atomic_set(&pass->open, 1);
	kref_get(&gate->ref);
	pass->gate = gate;
	return pass;
}

/**
 * vgpu_gate_abandon() - give a pass back unused
 * @pass: the pass; NULL and error pointers are ignored
 *
 * Context: process.
 */
void vgpu_gate_abandon(struct vgpu_gate_pass *pass)
{
	if (!IS_ERR_OR_NULL(pass))
		vgpu_gate_destroy_pass(pass);
}

/**
 * vgpu_gate_keep() - have something live until a command is posted
 * @pass: the command's pass
 * @release: lets go of it, in process context
 * @kept: what
 */
void vgpu_gate_keep(struct vgpu_gate_pass *pass, void (*release)(void *kept), void *kept)
{
	pass->release = release;
	pass->kept = kept;
}

/**
 * vgpu_gate_wait() - have a command wait at a gate
 * @gate: the gate
 * @pass: what vgpu_gate_prepare() gave for it; taken over
 * @cmd: the command; its reference is taken over
 * @owner: object to be told of the outcome, or NULL; a waiting command counts for it
 * @fence: of the gate's timeline, or NULL; a reference of its own is taken
 *
 * Context: process.
 */
void vgpu_gate_wait(struct vgpu_gate *gate, struct vgpu_gate_pass *pass, struct vgpu_cmd *cmd,
		    struct vgpu_cmd_owner *owner, struct vgpu_fence *fence)
{
	struct vgpu_gate_dep *dep;
	unsigned long flags;
	u32 i;

	pass->cmd = cmd;
	if (owner) {
		pass->size_bytes = vgpu_cmd_size(cmd);
		owner->ops->get(owner, pass->size_bytes);
		pass->owner = owner;
	}
	if (fence) {
		dma_fence_get(&fence->base);
		pass->fence = fence;
	}
	/* Callbacks first: once it is listed the pass may be taken away. */
	for (i = 0; i < pass->num_deps; i++) {
		dep = &pass->deps[i];
		if (!vgpu_gate_must_wait(gate, dep->fence))
			continue;
		atomic_inc(&pass->open);
		if (dma_fence_add_callback(dep->fence, &dep->cb, vgpu_gate_dep_signalled))
			atomic_dec(&pass->open);
	}
	kref_get(&gate->ref);
	spin_lock_irqsave(&gate->lock, flags);
	list_add_tail(&pass->node, &gate->waiting);
	vgpu_gate_step(pass);
	spin_unlock_irqrestore(&gate->lock, flags);
	vgpu_gate_put(gate);
}
