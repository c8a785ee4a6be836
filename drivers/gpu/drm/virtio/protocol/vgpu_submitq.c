// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: submission queues
 *
 * Each context has a submission queue, so that its commands reach the host in the order of
 * the ioctls, whatever ring they are for. A command with a dependency waits in the queue, and
 * later commands of the client wait behind it, while the ioctls return. The fences of waiting
 * commands exist from the time of the ioctl. A command without a dependency goes to the host at
 * once if the queue is empty.
 *
 * A dependency orders and does nothing else: a command is executed even if the fence of its
 * dependency ended with an error. Streams are stateful, so later streams of the client would
 * miss objects that a dropped stream should have created.
 *
 * Two kinds of fences are no dependency: those of the command's own timeline, since the host
 * signals them in order, and those whose commands the host executes before the new command in
 * any case, see vgpu_cmdq_runs_after().
 *
 * On a lost device no command waits: vgpu_submitqs_advance() makes all submission queues post their
 * commands to the failed control queue, which completes them and their fences with its error.
 *
 * Models in tests/models/: litmus/submitq-lost.litmus, spin/submitq.pml.
 */

#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/lockdep.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "protocol/vgpu_cmd_priv.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"

/**
 * struct vgpu_submitq_entry - A command that waits in a submission queue
 * @node: entry of &vgpu_submitq.waiting
 * @sq: the queue, referenced
 * @dep: the fence to wait for, referenced; NULL for an entry that only waits for its turn
 * @cb: callback on @dep, added once the entry is the first of its queue
 * @cmd: the command
 * @release: drops @kept once the command is posted; or NULL
 * @kept: object that must live until then
 */
struct vgpu_submitq_entry {
	struct list_head node;
	struct vgpu_submitq *sq;
	struct dma_fence *dep;
	struct dma_fence_cb cb;
	struct vgpu_cmd *cmd;
	void (*release)(void *kept);
	void *kept;
};

static void vgpu_submitq_free(struct kref *ref)
{
	struct vgpu_submitq *sq = container_of(ref, struct vgpu_submitq, ref);

	guard(spinlock_irqsave)(&sq->q->submitqs_lock);
	list_del_rcu(&sq->node);
	kfree_rcu(sq, rcu);
}

/**
 * vgpu_submitq_put() - Drop a reference to a submission queue
 * @sq: the submission queue, or NULL
 *
 * Context: any.
 */
void vgpu_submitq_put(struct vgpu_submitq *sq)
{
	if (sq)
		kref_put(&sq->ref, vgpu_submitq_free);
}

/**
 * vgpu_submitq_destroy_entry() - Free an entry that was not posted
 * @entry: the entry
 *
 * Context: process.
 */
void vgpu_submitq_destroy_entry(struct vgpu_submitq_entry *entry)
{
	/* Removing a callback also waits for one that is running. */
	if (entry->cb.func)
		dma_fence_remove_callback(entry->dep, &entry->cb);
	dma_fence_put(entry->dep);
	if (entry->release)
		entry->release(entry->kept);
	vgpu_submitq_put(entry->sq);
	kfree(entry);
}

/* Queue a work, with a reference of its own: the last entry may be freed before the work ends. */
static void vgpu_submitq_queue(struct vgpu_submitq *sq, struct workqueue_struct *wq,
			       struct work_struct *work)
{
	kref_get(&sq->ref);
	if (!queue_work(wq, work))
		vgpu_submitq_put(sq);
}

static void vgpu_submitq_queue_work(struct vgpu_submitq *sq)
{
	vgpu_submitq_queue(sq, sq->q->fence_wq, &sq->work);
}

static void vgpu_submitq_dep_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	vgpu_submitq_queue_work(container_of(cb, struct vgpu_submitq_entry, cb)->sq);
}

/* Check whether the first entry can be posted. If not, its dependency will queue the work. */
static bool vgpu_submitq_is_ready_locked(struct vgpu_submitq *sq,
					 struct vgpu_submitq_entry *entry)
{
	lockdep_assert_held(&sq->lock);

	if (!entry->dep || vgpu_cmdq_error(sq->q))
		return true;
	if (entry->cb.func)
		return dma_fence_is_signaled(entry->dep);
	return dma_fence_add_callback(entry->dep, &entry->cb, vgpu_submitq_dep_signalled);
}

/* Post or cancel the first command, and behind the last waiting command that of the context. */
static void vgpu_submitq_execute_locked(struct vgpu_submitq *sq,
					struct vgpu_submitq_entry *entry)
{
	lockdep_assert_held(&sq->lock);

	if (sq->dropping)
		vgpu_cmd_cancel(entry->cmd, -ECANCELED);
	else
		vgpu_cmd_post(entry->cmd, NULL);
	if (sq->last && list_is_singular(&sq->waiting)) {
		vgpu_cmd_post(sq->last, sq->last_owner);
		sq->last = NULL;
	}
	list_move_tail(&entry->node, &sq->posted);
}

/* Post the first command. Returns false if it must wait or there is none. */
static bool vgpu_submitq_advance(struct vgpu_submitq *sq)
{
	struct vgpu_submitq_entry *entry;

	guard(spinlock_irqsave)(&sq->lock);
	entry = list_first_entry_or_null(&sq->waiting, struct vgpu_submitq_entry, node);
	if (!entry || !vgpu_submitq_is_ready_locked(sq, entry))
		return false;
	vgpu_submitq_execute_locked(sq, entry);
	return true;
}

static void vgpu_submitq_release_work(struct work_struct *work)
{
	struct vgpu_submitq *sq = container_of(work, struct vgpu_submitq, release_work);
	struct vgpu_submitq_entry *entry, *next;
	LIST_HEAD(posted);

	spin_lock_irq(&sq->lock);
	list_splice_init(&sq->posted, &posted);
	spin_unlock_irq(&sq->lock);
	list_for_each_entry_safe(entry, next, &posted, node)
		vgpu_submitq_destroy_entry(entry);
	vgpu_submitq_put(sq);
}

/* Post all commands that need not wait any more; on a lost device that is all of them. */
static void vgpu_submitq_work(struct work_struct *work)
{
	struct vgpu_submitq *sq = container_of(work, struct vgpu_submitq, work);
	bool cookie = dma_fence_begin_signalling();
	bool has_posted = false;

	while (vgpu_submitq_advance(sq))
		has_posted = true;
	vgpu_cmdq_kick(sq->q);
	dma_fence_end_signalling(cookie);
	if (has_posted)
		vgpu_submitq_queue(sq, sq->q->wq, &sq->release_work);
	vgpu_submitq_put(sq);
}

/**
 * vgpu_submitqs_advance() - Have all submission queues check their waiting commands
 * @q: the queues to the host, which have failed
 *
 * Context: any.
 */
void vgpu_submitqs_advance(struct vgpu_cmdq *q)
{
	struct vgpu_submitq *sq;

	/* Pairs with the barrier in vgpu_submitq_add(), which reads the error of the queues. */
	smp_mb();
	guard(rcu)();
	list_for_each_entry_rcu(sq, &q->submitqs, node) {
		if (!vgpu_submitq_is_busy(sq) || !kref_get_unless_zero(&sq->ref))
			continue;
		vgpu_submitq_queue_work(sq);
		vgpu_submitq_put(sq);
	}
}

/**
 * vgpu_submitq_create() - Create a submission queue
 * @q: the queues to the host
 *
 * Context: process, may sleep.
 * Return: the submission queue, or ERR_PTR(-ENOMEM).
 */
struct vgpu_submitq *vgpu_submitq_create(struct vgpu_cmdq *q)
{
	struct vgpu_submitq *sq;

	sq = kzalloc(sizeof(*sq), GFP_KERNEL_ACCOUNT);
	if (!sq)
		return ERR_PTR(-ENOMEM);

	kref_init(&sq->ref);
	sq->q = q;
	spin_lock_init(&sq->lock);
	INIT_LIST_HEAD(&sq->waiting);
	INIT_LIST_HEAD(&sq->posted);
	INIT_WORK(&sq->work, vgpu_submitq_work);
	INIT_WORK(&sq->release_work, vgpu_submitq_release_work);

	guard(spinlock_irq)(&q->submitqs_lock);
	list_add_tail_rcu(&sq->node, &q->submitqs);
	return sq;
}

static bool vgpu_submitq_must_wait(struct vgpu_submitq *sq, const struct vgpu_timeline *tl,
				   struct dma_fence *fence)
{
	if (fence->context == tl->context || dma_fence_is_signaled(fence))
		return false;
	return !READ_ONCE(tl->in_order) || !vgpu_cmdq_runs_after(sq->q, fence);
}

static int vgpu_submitq_merge(struct dma_fence **dep, struct dma_fence *fence)
{
	struct dma_fence *merged;

	if (!*dep) {
		*dep = dma_fence_get(fence);
		return 0;
	}
	merged = dma_fence_unwrap_merge(*dep, fence);
	if (!merged)
		return -ENOMEM;
	dma_fence_put(*dep);
	*dep = merged;
	return 0;
}

/**
 * vgpu_submitq_depend() - Add a fence to the dependency of a command
 * @sq: the submission queue
 * @tl: the timeline of the command's fence
 * @dep: the dependency so far, NULL for none; replaced by a new reference
 * @fence: any fence; of a merged fence, only the parts that must be waited for are added
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM; -EINTR when killed.
 */
int vgpu_submitq_depend(struct vgpu_submitq *sq, const struct vgpu_timeline *tl,
			struct dma_fence **dep, struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *part;
	int ret = 0;

	/* A client may name a long chain of fences many times, so the loop must be killable. */
	dma_fence_unwrap_for_each(part, &cursor, fence) {
		cond_resched();
		if (fatal_signal_pending(current))
			ret = -EINTR;
		else if (part != *dep && vgpu_submitq_must_wait(sq, tl, part))
			ret = vgpu_submitq_merge(dep, part);
		if (ret) {
			dma_fence_put(cursor.chain);
			break;
		}
	}
	return ret;
}

/**
 * vgpu_submitq_create_entry() - Allocate the entry of a command that must wait
 * @sq: the submission queue
 * @dep: the dependency that vgpu_submitq_depend() has collected; or NULL
 *
 * Context: process, may sleep.
 * Return: an entry for vgpu_submitq_post() or vgpu_submitq_abandon(); or ERR_PTR(-ENOMEM).
 */
struct vgpu_submitq_entry *vgpu_submitq_create_entry(struct vgpu_submitq *sq,
						     struct dma_fence *dep)
{
	struct vgpu_submitq_entry *entry;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	kref_get(&sq->ref);
	entry->sq = sq;
	entry->dep = dma_fence_get(dep);
	return entry;
}

/**
 * vgpu_submitq_keep() - Keep an object alive until a command is posted
 * @entry: the command's entry
 * @release: drops @kept, in process context
 * @kept: the object
 *
 * Context: any; the command is not posted yet.
 */
void vgpu_submitq_keep(struct vgpu_submitq_entry *entry, void (*release)(void *kept), void *kept)
{
	entry->release = release;
	entry->kept = kept;
}

/**
 * vgpu_submitq_add() - Have a command wait for its turn
 * @entry: the entry that vgpu_submitq_create_entry() returned; taken over
 * @cmd: the command; its reference is taken over
 * @owner: object to be told of the outcome, or NULL
 * @fence: the command's fence, or NULL; the command takes a reference, and the fence is armed
 *
 * Context: process; does not sleep.
 */
void vgpu_submitq_add(struct vgpu_submitq_entry *entry, struct vgpu_cmd *cmd,
		      struct vgpu_cmd_owner *owner, struct vgpu_fence *fence)
{
	struct vgpu_submitq *sq = entry->sq;

	entry->cmd = cmd;
	vgpu_cmd_set_outcome(cmd, owner, fence);
	if (fence)
		vgpu_fence_arm(fence);

	guard(spinlock_irqsave)(&sq->lock);
	list_add_tail(&entry->node, &sq->waiting);
	/* Pairs with vgpu_submitqs_advance(): a lost device advances @entry, or is seen here. */
	smp_mb();

	/* The dependency of any other entry is checked when the entry becomes the first. */
	if (list_is_first(&entry->node, &sq->waiting) &&
	    vgpu_submitq_is_ready_locked(sq, entry))
		vgpu_submitq_queue_work(sq);
}

/**
 * vgpu_submitq_close() - Send the last command of a context
 * @sq: the submission queue, to which nothing is posted afterwards
 * @cmd: the command; its reference is taken over
 * @owner: object to be told of the outcome; stays until vgpu_submitq_is_busy() is false
 * @drop: cancel the waiting commands
 *
 * The command follows the waiting ones; with @drop, or if none waits, it is posted at once.
 * Cancelled commands end with -ECANCELED, each after its dependency.
 *
 * Context: process; does not sleep.
 */
void vgpu_submitq_close(struct vgpu_submitq *sq, struct vgpu_cmd *cmd,
			struct vgpu_cmd_owner *owner, bool drop)
{
	guard(spinlock_irqsave)(&sq->lock);
	sq->dropping = drop;
	if (drop || list_empty(&sq->waiting)) {
		vgpu_cmd_post(cmd, owner);
	} else {
		sq->last = cmd;
		sq->last_owner = owner;
	}
}
