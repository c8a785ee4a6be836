// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: patience
 *
 * A display update waits for fences: of what is drawn into its buffer, and of the
 * update before. The DRM core waits for them without a limit, and who closes a
 * framebuffer, be it because he was killed, waits for the update that waits. A
 * device that has fallen silent would hold them all until it is declared lost.
 *
 * So the core gets a fence of ours, which signals with the other one or when the
 * device has been silent for a moment. Going on then does no harm: what the update
 * sends is executed after what it did not wait for.
 */

#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <drm/drm_managed.h>

#include "kms/vgpu_patience.h"
#include "object/vgpu_base.h"
#include "protocol/vgpu_cmd.h"

/**
 * struct vgpu_patience - who has patience with the device
 * @lock: protects @limits
 * @limits: those whose patience is not at its end
 */
struct vgpu_patience {
	spinlock_t lock;
	struct list_head limits;
};

/**
 * struct vgpu_patience_limit - the fence in place of another
 * @base: the fence; referenced while in the list
 * @base_lock: its lock
 * @node: entry of &vgpu_patience.limits; whoever removes it signals
 * @cb: on @awaited
 * @awaited: the other fence, referenced while in the list
 * @patience: whose list it is in
 */
struct vgpu_patience_limit {
	struct dma_fence base;
	spinlock_t base_lock;
	struct list_head node;
	struct dma_fence_cb cb;
	struct dma_fence *awaited;
	struct vgpu_patience *patience;
};

static const char *vgpu_patience_driver_name(struct dma_fence *base)
{
	return "virtio_gpu";
}

static const char *vgpu_patience_timeline_name(struct dma_fence *base)
{
	return "patience";
}

static const struct dma_fence_ops vgpu_patience_ops = {
	.get_driver_name = vgpu_patience_driver_name,
	.get_timeline_name = vgpu_patience_timeline_name,
};

static void vgpu_patience_end(struct vgpu_patience_limit *limit)
{
	dma_fence_signal(&limit->base);
	vgpu_compat_fence_detach(&limit->base);
	dma_fence_put(limit->awaited);
	dma_fence_put(&limit->base);
}

/* Take it out of the list; false if somebody else has. */
static bool vgpu_patience_take(struct vgpu_patience_limit *limit)
{
	struct vgpu_patience *patience = limit->patience;
	unsigned long flags;
	bool mine;

	spin_lock_irqsave(&patience->lock, flags);
	mine = !list_empty(&limit->node);
	list_del_init(&limit->node);
	spin_unlock_irqrestore(&patience->lock, flags);
	return mine;
}

static void vgpu_patience_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_patience_limit *limit = container_of(cb, struct vgpu_patience_limit, cb);

	if (vgpu_patience_take(limit))
		vgpu_patience_end(limit);
}

static bool vgpu_patience_is_listed(struct vgpu_patience_limit *limit)
{
	struct vgpu_patience *patience = limit->patience;
	unsigned long flags;
	bool listed;

	spin_lock_irqsave(&patience->lock, flags);
	listed = !list_empty(&limit->node);
	spin_unlock_irqrestore(&patience->lock, flags);
	return listed;
}

static void vgpu_patience_await(struct vgpu_patience_limit *limit, struct dma_fence *awaited)
{
	if (dma_fence_add_callback(awaited, &limit->cb, vgpu_patience_signalled))
		vgpu_patience_signalled(awaited, &limit->cb);
	else if (!vgpu_patience_is_listed(limit))
		/* Who lost patience in between found no callback to remove. */
		dma_fence_remove_callback(awaited, &limit->cb);
}

/**
 * vgpu_patience_init() - prepare a device for the waits of its display
 * @vgpu: the device; what is allocated lives as long as it
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_patience_init(struct vgpu_device *vgpu)
{
	struct vgpu_patience *patience;

	patience = drmm_kzalloc(&vgpu->drm, sizeof(*patience), GFP_KERNEL);
	if (!patience)
		return -ENOMEM;
	spin_lock_init(&patience->lock);
	INIT_LIST_HEAD(&patience->limits);
	vgpu->patience = patience;
	return 0;
}

static struct vgpu_patience_limit *vgpu_patience_create(struct vgpu_patience *patience,
							struct dma_fence *awaited)
{
	struct vgpu_patience_limit *limit;
	unsigned long flags;

	limit = kzalloc(sizeof(*limit), GFP_KERNEL);
	if (!limit)
		return NULL;
	spin_lock_init(&limit->base_lock);
	dma_fence_init(&limit->base, &vgpu_patience_ops, &limit->base_lock,
		       dma_fence_context_alloc(1), 1);
	dma_fence_get(&limit->base);
	INIT_LIST_HEAD(&limit->cb.node);
	limit->awaited = dma_fence_get(awaited);
	limit->patience = patience;
	spin_lock_irqsave(&patience->lock, flags);
	list_add_tail(&limit->node, &patience->limits);
	spin_unlock_irqrestore(&patience->lock, flags);
	return limit;
}

/**
 * vgpu_patience_limit() - have a fence be waited for with limited patience
 * @vgpu: the device
 * @fence: replaced, with its reference, by one that signals not later than it; set
 *         to NULL where there is nothing to wait for
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_patience_limit(struct vgpu_device *vgpu, struct dma_fence **fence)
{
	struct dma_fence *awaited = *fence;
	struct vgpu_patience_limit *limit;

	if (!awaited)
		return 0;
	if (dma_fence_is_signaled(awaited) || vgpu_cmdq_is_silent(vgpu->cmdq)) {
		*fence = NULL;
		dma_fence_put(awaited);
		return 0;
	}
	limit = vgpu_patience_create(vgpu->patience, awaited);
	if (!limit)
		return -ENOMEM;
	*fence = &limit->base;
	vgpu_patience_await(limit, awaited);
	dma_fence_put(awaited);
	return 0;
}

/**
 * vgpu_patience_wait() - wait for a fence with limited patience
 * @vgpu: the device
 * @fence: the fence
 *
 * Context: process, sleeps interruptibly.
 * Return: 0; -ERESTARTSYS when interrupted; -ENOMEM, without having waited.
 */
int vgpu_patience_wait(struct vgpu_device *vgpu, struct dma_fence *fence)
{
	struct dma_fence *limit = dma_fence_get(fence);
	int ret;

	ret = vgpu_patience_limit(vgpu, &limit);
	if (!ret && limit)
		ret = dma_fence_wait(limit, true);
	dma_fence_put(limit);
	return ret;
}

/**
 * vgpu_patience_lose() - let everybody who waits go on
 * @vgpu: the device, silent or gone
 *
 * Context: process.
 */
void vgpu_patience_lose(struct vgpu_device *vgpu)
{
	struct vgpu_patience *patience = vgpu->patience;
	struct vgpu_patience_limit *limit;
	unsigned long flags;

	spin_lock_irqsave(&patience->lock, flags);
	while ((limit = list_first_entry_or_null(&patience->limits, struct vgpu_patience_limit,
						 node))) {
		list_del_init(&limit->node);
		spin_unlock_irqrestore(&patience->lock, flags);

		/* Also waits for a callback that is under way. */
		dma_fence_remove_callback(limit->awaited, &limit->cb);
		vgpu_patience_end(limit);
		spin_lock_irqsave(&patience->lock, flags);
	}
	spin_unlock_irqrestore(&patience->lock, flags);
}
