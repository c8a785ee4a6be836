// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: fences
 *
 * A timeline is a sequence of fences that signal in order: one for each ring of each context,
 * one for the display. A fence is signalled when its own command was answered and every
 * earlier fence of its timeline is signalled. So a device that answers out of order delays a
 * fence, but fences of a timeline never signal out of order, as dma_fence requires. The display's
 * timelines are cumulative: an answer to an update completes the earlier updates, too, so that a
 * device that never answers one of them does not hold up the display for ever. Timelines are
 * independent of one another. Completing a fence takes time in proportion to the number of fences
 * that it signals, not to the number of pending ones.
 *
 * A fence is created where memory may be allocated, and gets its place in the timeline when its
 * command is posted: it is armed then. An armed fence holds up later ones until it is completed,
 * so no code waits for memory between arming a fence and posting its command. A fence that was not
 * armed is just put.
 *
 * A sync_file may outlive the device, so a signalled fence uses no memory of the device: it has a
 * lock of its own, and its names are constants.
 *
 * Locking: timeline lock → fence lock → queue lock.
 *
 * Models in tests/models/: litmus/timeline-free.litmus, spin/vq.pml.
 */

#include <linux/cleanup.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/slab.h>

#include "debug/vgpu_trace.h"
#include "protocol/vgpu_fence.h"
#include "transport/vgpu_vq.h"

/**
 * vgpu_timeline_create() - Create a timeline without fences
 * @name: its name for user space; a constant string
 *
 * Context: process, may sleep.
 * Return: the timeline, or ERR_PTR(-ENOMEM).
 */
struct vgpu_timeline *vgpu_timeline_create(const char *name)
{
	struct vgpu_timeline *tl = kzalloc(sizeof(*tl), GFP_KERNEL_ACCOUNT);

	if (!tl)
		return ERR_PTR(-ENOMEM);
	kref_init(&tl->ref);
	spin_lock_init(&tl->lock);
	INIT_LIST_HEAD(&tl->pending);
	tl->context = dma_fence_context_alloc(1);
	tl->name = name;
	return tl;
}

static void vgpu_timeline_free(struct kref *ref)
{
	/* RCU: an answer after vgpu_timeline_abandon() may still read the timeline. */
	kfree_rcu(container_of(ref, struct vgpu_timeline, ref), rcu);
}

/**
 * vgpu_timeline_put() - Drop a reference to a timeline
 * @tl: the timeline, or NULL
 *
 * Context: any. Fences that are pending keep the timeline.
 */
void vgpu_timeline_put(struct vgpu_timeline *tl)
{
	if (tl)
		kref_put(&tl->ref, vgpu_timeline_free);
}

/**
 * vgpu_timeline_busy_ns() - Get how long the device was busy with a timeline
 * @tl: the timeline
 *
 * Context: any.
 * Return: the total time, in nanoseconds, in which at least one command that counts was with the
 * device.
 */
u64 vgpu_timeline_busy_ns(struct vgpu_timeline *tl)
{
	guard(spinlock_irqsave)(&tl->lock);
	return tl->busy_ns + (tl->nr_given ? ktime_get_ns() - tl->given_since_ns : 0);
}

static struct vgpu_fence *to_vgpu_fence(struct dma_fence *base)
{
	return container_of(base, struct vgpu_fence, base);
}

static spinlock_t *vgpu_fence_lock(struct vgpu_fence *fence)
{
	return vgpu_compat_fence_lock(&fence->base, &fence->lock);
}

static const char *vgpu_fence_driver_name(struct dma_fence *base)
{
	return "virtio_gpu";
}

static const char *vgpu_fence_timeline_name(struct dma_fence *base)
{
	return to_vgpu_fence(base)->name;
}

/*
 * The fence has a waiter, so ask for an interrupt at each answer until the fence is signalled. An
 * interrupt for the fence's own command is not enough: earlier fences, whose answers may come
 * later, hold the fence back.
 */
static bool vgpu_fence_enable_signaling(struct dma_fence *base)
{
	struct vgpu_fence *fence = to_vgpu_fence(base);

	lockdep_assert_held(vgpu_fence_lock(fence));
	fence->wanted = true;
	if (fence->msg)
		vgpu_vq_listen(fence->vq);
	return true;
}

static const struct dma_fence_ops vgpu_fence_ops = {
	.get_driver_name = vgpu_fence_driver_name,
	.get_timeline_name = vgpu_fence_timeline_name,
	.enable_signaling = vgpu_fence_enable_signaling,
	/* No .release: a signalled fence may outlive this module. */
};

/**
 * vgpu_fence_create() - Create a fence that is not armed
 * @tl: the timeline, which the caller keeps until the fence is armed or put
 *
 * Context: process, may sleep.
 * Return: the fence with one reference, or ERR_PTR(-ENOMEM).
 */
struct vgpu_fence *vgpu_fence_create(struct vgpu_timeline *tl)
{
	struct vgpu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);

	if (!fence)
		return ERR_PTR(-ENOMEM);
	fence->name = tl->name;
	fence->in_order = READ_ONCE(tl->in_order);
	fence->timeline = tl;
	vgpu_compat_fence_init(&fence->base, &vgpu_fence_ops, &fence->lock, tl->context, 0);
	return fence;
}

static void vgpu_fence_arm_locked(struct vgpu_timeline *tl, struct vgpu_fence *fence)
{
	lockdep_assert_held(&tl->lock);

	if (fence->base.seqno)
		return;
	fence->base.seqno = ++tl->seqno;
	/* The timeline's own reference, dropped when the fence is signalled. */
	dma_fence_get(&fence->base);
	list_add_tail(&fence->node, &tl->pending);
	if (!tl->nr_pending++)
		kref_get(&tl->ref);
	trace_virtio_gpu_fence_create(&fence->base, fence->name, 0);
}

/**
 * vgpu_fence_arm() - Append a fence to its timeline
 * @fence: the fence, not published yet; nothing happens if it is armed already
 *
 * The fence signals after vgpu_fence_complete(); the caller must make sure that every path leads to
 * that call, without waiting for memory. Posting a command arms its fence.
 *
 * Context: any.
 */
void vgpu_fence_arm(struct vgpu_fence *fence)
{
	guard(spinlock_irqsave)(&fence->timeline->lock);
	vgpu_fence_arm_locked(fence->timeline, fence);
}

/**
 * vgpu_fence_create_alone() - Create an armed fence on a timeline of its own
 * @name: name of the timeline, which lives as long as the module
 *
 * Context: process, may sleep.
 * Return: the fence with one reference, or ERR_PTR(-ENOMEM).
 */
struct vgpu_fence *vgpu_fence_create_alone(const char *name)
{
	struct vgpu_timeline *tl = vgpu_timeline_create(name);
	struct vgpu_fence *fence;

	if (IS_ERR(tl))
		return ERR_CAST(tl);
	fence = vgpu_fence_create(tl);
	if (!IS_ERR(fence))
		vgpu_fence_arm(fence);
	vgpu_timeline_put(tl);
	return fence;
}

static void vgpu_timeline_count_given_locked(struct vgpu_timeline *tl)
{
	lockdep_assert_held(&tl->lock);

	if (!tl->nr_given++)
		tl->given_since_ns = ktime_get_ns();
}

static void vgpu_timeline_count_answered_locked(struct vgpu_timeline *tl)
{
	lockdep_assert_held(&tl->lock);

	if (!--tl->nr_given)
		tl->busy_ns += ktime_get_ns() - tl->given_since_ns;
}

/**
 * vgpu_timeline_begin_work() - Count a command without a fence as busy time
 * @tl: the timeline; the caller keeps it until vgpu_timeline_end_work()
 *
 * Context: any.
 */
void vgpu_timeline_begin_work(struct vgpu_timeline *tl)
{
	guard(spinlock_irqsave)(&tl->lock);
	vgpu_timeline_count_given_locked(tl);
}

/**
 * vgpu_timeline_end_work() - Undo vgpu_timeline_begin_work() when the command was answered
 * @tl: the timeline
 *
 * Context: any.
 */
void vgpu_timeline_end_work(struct vgpu_timeline *tl)
{
	guard(spinlock_irqsave)(&tl->lock);
	vgpu_timeline_count_answered_locked(tl);
}

/**
 * vgpu_fence_bind() - Arm a fence and bind it to the message that completes it
 * @fence: the fence
 * @vq: the queue the message will be committed to
 * @msg: the message, whose completion calls vgpu_fence_complete()
 *
 * Context: any.
 */
void vgpu_fence_bind(struct vgpu_fence *fence, struct vgpu_vq *vq, struct vgpu_msg *msg)
{
	struct vgpu_timeline *tl = fence->timeline;

	kref_get(&msg->ref);

	guard(spinlock_irqsave)(&tl->lock);
	vgpu_fence_arm_locked(tl, fence);
	fence->given = !fence->is_upkeep;
	if (fence->given)
		vgpu_timeline_count_given_locked(tl);

	guard(spinlock)(vgpu_fence_lock(fence));
	fence->vq = vq;
	fence->msg = msg;
	if (fence->wanted)
		vgpu_vq_listen(vq);
}

static void vgpu_fence_signal_locked(struct vgpu_timeline *tl, struct vgpu_fence *fence)
{
	struct vgpu_msg *msg;

	lockdep_assert_held(&tl->lock);

	list_del(&fence->node);
	tl->nr_pending--;
	trace_virtio_gpu_fence_signal(&fence->base, fence->name, fence->base.error);
	spin_lock(vgpu_fence_lock(fence));
	msg = fence->msg;
	fence->msg = NULL;
	if (msg && fence->wanted)
		vgpu_vq_unlisten(fence->vq);
	dma_fence_signal_locked(&fence->base);
	spin_unlock(vgpu_fence_lock(fence));
	vgpu_compat_fence_detach(&fence->base);
	if (msg)
		vgpu_msg_put(msg);
	dma_fence_put(&fence->base);
}

/**
 * vgpu_fence_complete() - Complete a fence, and signal it unless an earlier one is still open
 * @fence: the fence, armed
 * @error: 0, or a negative errno for the fence
 *
 * Signals the later fences of the timeline that waited for this one, too, and the earlier ones of a
 * cumulative timeline unless there is an error. Only the first call counts.
 *
 * Context: any.
 */
void vgpu_fence_complete(struct vgpu_fence *fence, int error)
{
	struct vgpu_timeline *tl = fence->timeline;
	struct vgpu_fence *first, *next;
	bool emptied = false, all;
	unsigned long flags;

	/* RCU: an abandoned fence has no reference to its timeline, which may be freed now. */
	guard(rcu)();
	if (dma_fence_is_signaled(&fence->base))
		return;

	spin_lock_irqsave(&tl->lock, flags);
	if (!fence->done) {
		fence->done = true;
		if (error)
			dma_fence_set_error(&fence->base, error);
		if (fence->given)
			vgpu_timeline_count_answered_locked(tl);
		all = tl->is_cumulative && !error;
		list_for_each_entry_safe(first, next, &tl->pending, node) {
			if (!first->done) {
				if (!all || first->base.seqno > fence->base.seqno)
					break;
				if (first->given)
					vgpu_timeline_count_answered_locked(tl);
			}
			vgpu_fence_signal_locked(tl, first);
			emptied = !tl->nr_pending;
		}
	}
	spin_unlock_irqrestore(&tl->lock, flags);

	if (emptied)
		vgpu_timeline_put(tl);
}

/* Get the first fence whose command is posted. Fences of waiting commands come behind it. */
static struct vgpu_fence *vgpu_timeline_first_posted(struct vgpu_timeline *tl)
{
	struct vgpu_fence *fence;

	guard(spinlock_irqsave)(&tl->lock);
	fence = list_first_entry_or_null(&tl->pending, struct vgpu_fence, node);
	return fence && fence->msg ? to_vgpu_fence(dma_fence_get(&fence->base)) : NULL;
}

/**
 * vgpu_timeline_abandon() - Complete the fences of posted commands without waiting for the device
 * @tl: the timeline, to which no fence is added any more
 * @error: negative errno for the fences
 *
 * The messages and their memory stay with the queue until the device returns them.
 *
 * Context: any.
 */
void vgpu_timeline_abandon(struct vgpu_timeline *tl, int error)
{
	bool cookie = dma_fence_begin_signalling();
	struct vgpu_fence *fence;

	while ((fence = vgpu_timeline_first_posted(tl))) {
		vgpu_fence_complete(fence, error);
		vgpu_fence_put(fence);
	}
	dma_fence_end_signalling(cookie);
}

/**
 * vgpu_fence_is_sent() - Check whether the message of a fence was committed to a queue
 * @base: any fence
 * @vq: the queue
 *
 * Context: any.
 * Return: true if it was; false once the fence is signalled.
 */
bool vgpu_fence_is_sent(struct dma_fence *base, struct vgpu_vq *vq)
{
	struct vgpu_fence *fence = to_vgpu_fence(base);

	if (!vgpu_compat_fence_has_ops(base, &vgpu_fence_ops))
		return false;
	guard(spinlock_irqsave)(vgpu_fence_lock(fence));
	return fence->msg && fence->vq == vq && vgpu_vq_has(vq, fence->msg);
}

/**
 * vgpu_fence_is_ahead() - Check whether the device executes a fence's command before later ones
 * @base: any fence
 * @vq: the queue of the later ones
 *
 * A command that is sent to the queue after this call need not wait for a fence that is ahead.
 *
 * Context: any.
 * Return: true if @base is a fence of this driver whose command is in the queue, and the device
 * executes the commands of its timeline in order; false once it is signalled.
 */
bool vgpu_fence_is_ahead(struct dma_fence *base, struct vgpu_vq *vq)
{
	return vgpu_compat_fence_has_ops(base, &vgpu_fence_ops) &&
	       to_vgpu_fence(base)->in_order && vgpu_fence_is_sent(base, vq);
}
