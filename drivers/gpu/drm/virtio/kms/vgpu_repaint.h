/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_REPAINT_H
#define VGPU_REPAINT_H

#include <linux/types.h>

struct dma_fence;
struct drm_framebuffer;
struct drm_rect;
struct vgpu_damage;
struct vgpu_device;
struct vgpu_fence;
struct vgpu_repaint;
struct vgpu_scanout;

struct vgpu_repaint *vgpu_repaint_create(struct vgpu_device *vgpu, struct vgpu_scanout *scanout);
void vgpu_repaint_destroy(struct vgpu_repaint *repaint);

struct vgpu_timeline *vgpu_repaint_timeline(struct vgpu_repaint *repaint);
struct dma_fence *vgpu_repaint_last_fence(struct vgpu_repaint *repaint);
bool vgpu_repaint_is_early(struct vgpu_repaint *repaint);

void vgpu_repaint_change(struct vgpu_repaint *repaint, struct drm_framebuffer *fb,
			 const struct drm_rect *src, const struct vgpu_damage *damage);
void vgpu_repaint_hide(struct vgpu_repaint *repaint);
void vgpu_repaint_now(struct vgpu_repaint *repaint, struct vgpu_fence *done);
void vgpu_repaint_later(struct vgpu_repaint *repaint);

#endif
