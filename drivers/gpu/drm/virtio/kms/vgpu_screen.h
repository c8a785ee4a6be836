/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SCREEN_H
#define VGPU_SCREEN_H

#include <linux/types.h>

#include "protocol/vgpu_wire.h"

struct dma_fence;
struct drm_framebuffer;
struct drm_rect;
struct vgpu_cmd;
struct vgpu_damage;
struct vgpu_device;
struct vgpu_fence;
struct vgpu_screen;
struct vgpu_timeline;

/**
 * struct vgpu_scanout - What SET_SCANOUT or SET_SCANOUT_BLOB tells the host to show
 * @res_id: the resource, 0 for nothing
 * @is_blob: the resource is a blob, read according to @blob
 * @rect: the shown part of the resource, or of the framebuffer that @blob describes
 * @blob: how the host reads a blob; zero for other resources
 */
struct vgpu_scanout {
	u32 res_id;
	bool is_blob;
	struct vgpu_rect rect;
	struct vgpu_scanout_blob blob;
};

struct vgpu_screen *vgpu_screen_create(struct vgpu_device *vgpu, u32 id);
struct vgpu_screen *vgpu_screen_get(struct vgpu_screen *screen);
void vgpu_screen_put(struct vgpu_screen *screen);

u32 vgpu_screen_id(const struct vgpu_screen *screen);
struct vgpu_timeline *vgpu_screen_timeline(struct vgpu_screen *screen);
struct dma_fence *vgpu_screen_last_fence(struct vgpu_screen *screen);
bool vgpu_screen_is_early(struct vgpu_screen *screen);

void vgpu_screen_show(struct vgpu_screen *screen, struct drm_framebuffer *fb,
		      const struct drm_rect *src, const struct vgpu_damage *damage,
		      struct vgpu_fence *done);
void vgpu_screen_blank(struct vgpu_screen *screen);
void vgpu_screen_drop_resource(struct vgpu_screen *screen, u32 res_id);

u64 vgpu_screen_generation(const struct vgpu_screen *screen);
void vgpu_screen_forget(struct vgpu_screen *screen);

struct vgpu_cmd *vgpu_screen_command(const struct vgpu_screen *screen,
				     const struct vgpu_scanout *scanout);

#endif
