/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_FENCE_H
#define VGPU_COMPAT_FENCE_H

#include <linux/dma-fence.h>
#include <linux/spinlock.h>

/*
 * The lock of a fence. Newer kernels embed it in struct dma_fence, with a lockdep class of the
 * core, so that a fence in a sync_file may outlive the module. On older kernels the driver
 * provides the lock.
 */
#if VGPU_HAVE_FENCE_INLINE_LOCK
struct vgpu_compat_fence_lock {
};

static inline spinlock_t *vgpu_compat_fence_lock(struct dma_fence *fence,
						 struct vgpu_compat_fence_lock *own)
{
	return dma_fence_spinlock(fence);
}

static inline void vgpu_compat_fence_init(struct dma_fence *fence,
					  const struct dma_fence_ops *ops,
					  struct vgpu_compat_fence_lock *own, u64 context,
					  u64 seqno)
{
	dma_fence_init(fence, ops, NULL, context, seqno);
}
#else
struct vgpu_compat_fence_lock {
	spinlock_t lock;
};

static inline spinlock_t *vgpu_compat_fence_lock(struct dma_fence *fence,
						 struct vgpu_compat_fence_lock *own)
{
	return &own->lock;
}

static inline void vgpu_compat_fence_init(struct dma_fence *fence,
					  const struct dma_fence_ops *ops,
					  struct vgpu_compat_fence_lock *own, u64 context,
					  u64 seqno)
{
	spin_lock_init(&own->lock);
	dma_fence_init(fence, ops, &own->lock, context, seqno);
}
#endif

#if VGPU_HAVE_FENCE_DETACH
/* The core clears the ops of a signalled fence. */
static inline void vgpu_compat_fence_detach(struct dma_fence *fence)
{
}

static inline bool vgpu_compat_fence_has_ops(struct dma_fence *fence,
					     const struct dma_fence_ops *ops)
{
	return rcu_access_pointer(fence->ops) == ops;
}
#else
/*
 * A signalled fence in a sync_file may outlive the module, so it gets the ops of the core's own
 * signalled fence.
 */
static inline void vgpu_compat_fence_detach(struct dma_fence *fence)
{
	struct dma_fence *stub = dma_fence_get_stub();

	WRITE_ONCE(fence->ops, stub->ops);
	dma_fence_put(stub);
}

static inline bool vgpu_compat_fence_has_ops(struct dma_fence *fence,
					     const struct dma_fence_ops *ops)
{
	return READ_ONCE(fence->ops) == ops;
}
#endif

#endif
