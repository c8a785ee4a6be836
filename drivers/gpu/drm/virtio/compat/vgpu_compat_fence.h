/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_FENCE_H
#define VGPU_COMPAT_FENCE_H

#include <linux/dma-fence.h>

#if VGPU_HAVE_FENCE_DETACH
/* The core forgets a fence's functions when it is signalled. */
static inline void vgpu_compat_fence_detach(struct dma_fence *fence)
{
}

static inline const struct dma_fence_ops *vgpu_compat_fence_ops(const struct dma_fence *fence)
{
	return rcu_access_pointer(fence->ops);
}
#else
/*
 * A signalled fence in a sync_file may outlive the module, so it gets the functions
 * of the core's own signalled fence.
 */
static inline void vgpu_compat_fence_detach(struct dma_fence *fence)
{
	struct dma_fence *stub = dma_fence_get_stub();

	WRITE_ONCE(fence->ops, stub->ops);
	dma_fence_put(stub);
}

static inline const struct dma_fence_ops *vgpu_compat_fence_ops(const struct dma_fence *fence)
{
	return READ_ONCE(fence->ops);
}
#endif

#endif
