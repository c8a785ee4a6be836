/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_FRAMEBUFFER_H
#define VGPU_FRAMEBUFFER_H

#include <linux/types.h>

#include <drm/drm_framebuffer.h>

#include "object/vgpu_gem.h"

struct drm_file;
struct drm_format_info;
struct drm_mode_fb_cmd2;
struct drm_rect;
struct vgpu_fence;
struct vgpu_picture;

/* Bytes a pixel, in all formats there are. */
#define VGPU_FRAMEBUFFER_CPP	4

static inline struct vgpu_gem *vgpu_framebuffer_gem(const struct drm_framebuffer *fb)
{
	return to_vgpu_gem(fb->obj[0]);
}

struct drm_framebuffer *vgpu_framebuffer_create(struct drm_device *drm, struct drm_file *file,
						const struct drm_format_info *info,
						const struct drm_mode_fb_cmd2 *cmd);
bool vgpu_framebuffer_is_showable(const struct drm_framebuffer *fb);
bool vgpu_framebuffer_needs_upload(const struct drm_framebuffer *fb);
void vgpu_framebuffer_view(const struct drm_framebuffer *fb, const struct drm_rect *src,
			   struct drm_rect *view);
void vgpu_framebuffer_upload(const struct drm_framebuffer *fb, const struct drm_rect *rect,
			     struct vgpu_fence *done);
void vgpu_framebuffer_picture(const struct drm_framebuffer *fb, const struct drm_rect *view,
			      struct vgpu_picture *picture);

#endif
