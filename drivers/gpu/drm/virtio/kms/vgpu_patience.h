/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PATIENCE_H
#define VGPU_PATIENCE_H

struct dma_fence;
struct vgpu_device;

int vgpu_patience_init(struct vgpu_device *vgpu);
int vgpu_patience_limit(struct vgpu_device *vgpu, struct dma_fence **fence);
int vgpu_patience_wait(struct vgpu_device *vgpu, struct dma_fence *fence);
void vgpu_patience_lose(struct vgpu_device *vgpu);

#endif
