// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: bounded waits
 *
 * A display update waits for fences: of rendering to its buffer, of other devices, of
 * IN_FENCE_FD, and of the previous update. A fence may stay open for ever. The DRM core waits
 * for the fence of a plane without a limit, and closing a framebuffer, including at process
 * exit, waits for the pending update.
 *
 * So the core gets a proxy fence that signals when the other fence signals, or at a deadline.
 * The proxy is allocated when the update is prepared; signalling it needs neither memory nor a
 * worker. No other code sees it: only the state of the plane, and a cursor whose picture waits,
 * have references, and drop them in process context. So the last one stops the timer and the
 * callback.
 */

#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "kms/vgpu_display_wait.h"

/**
 * struct vgpu_display_wait - A fence with a deadline, in place of another fence
 * @base: the fence
 * @lock: protects @base
 * @cb: callback on @awaited
 * @timer: expires at the deadline
 * @awaited: the fence that @base stands for, referenced; constant
 */
struct vgpu_display_wait {
	struct dma_fence base;
	spinlock_t lock;
	struct dma_fence_cb cb;
	struct timer_list timer;
	struct dma_fence *awaited;
};

static const char *vgpu_display_wait_driver_name(struct dma_fence *base)
{
	return "virtio_gpu";
}

static const char *vgpu_display_wait_timeline_name(struct dma_fence *base)
{
	return "display-wait";
}

static void vgpu_display_wait_release(struct dma_fence *base)
{
	struct vgpu_display_wait *wait = container_of(base, struct vgpu_display_wait, base);

	/* Both wait until the timer or the callback, which may signal right now, has returned. */
	timer_delete_sync(&wait->timer);
	dma_fence_remove_callback(wait->awaited, &wait->cb);
	dma_fence_put(wait->awaited);
	dma_fence_free(base);
}

static const struct dma_fence_ops vgpu_display_wait_ops = {
	.get_driver_name = vgpu_display_wait_driver_name,
	.get_timeline_name = vgpu_display_wait_timeline_name,
	.release = vgpu_display_wait_release,
};

static void vgpu_display_wait_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_display_wait *wait = container_of(cb, struct vgpu_display_wait, cb);

	timer_delete(&wait->timer);
	dma_fence_signal(&wait->base);
}

static void vgpu_display_wait_expired(struct timer_list *timer)
{
	dma_fence_signal(&container_of(timer, struct vgpu_display_wait, timer)->base);
}

/**
 * vgpu_display_wait_limit() - Replace a fence by one that signals at a deadline at the latest
 * @fence: the fence, replaced by the new fence, which takes over its reference; a signalled fence
 *         is put and replaced by NULL
 * @deadline: in jiffies
 *
 * The last reference to the new fence is to be dropped in process context.
 *
 * Context: process, may sleep; does not wait.
 * Return: 0, or -ENOMEM with @fence as it was.
 */
int vgpu_display_wait_limit(struct dma_fence **fence, unsigned long deadline)
{
	struct vgpu_display_wait *wait;

	if (dma_fence_is_signaled(*fence)) {
		dma_fence_put(*fence);
		*fence = NULL;
		return 0;
	}

	wait = kzalloc(sizeof(*wait), GFP_KERNEL);
	if (!wait)
		return -ENOMEM;

	spin_lock_init(&wait->lock);
	dma_fence_init(&wait->base, &vgpu_display_wait_ops, &wait->lock,
		       dma_fence_context_alloc(1), 1);
	timer_setup(&wait->timer, vgpu_display_wait_expired, 0);
	wait->awaited = *fence;
	*fence = &wait->base;

	mod_timer(&wait->timer, deadline);
	if (dma_fence_add_callback(wait->awaited, &wait->cb, vgpu_display_wait_signalled))
		vgpu_display_wait_signalled(wait->awaited, &wait->cb);
	return 0;
}
