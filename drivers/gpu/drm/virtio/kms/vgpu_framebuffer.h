/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_FRAMEBUFFER_H
#define VGPU_FRAMEBUFFER_H

#include <linux/types.h>

#include <drm/drm_framebuffer.h>
#include <drm/drm_rect.h>

#include "object/vgpu_gem.h"
#include "protocol/vgpu_wire.h"

struct drm_file;
struct drm_format_info;
struct drm_mode_fb_cmd2;
struct vgpu_cmd;

/* Bytes a pixel, in all supported formats. */
#define VGPU_FRAMEBUFFER_CPP	4

static inline struct vgpu_gem *vgpu_framebuffer_gem(const struct drm_framebuffer *fb)
{
	return to_vgpu_gem(fb->obj[0]);
}

static inline struct virtio_gpu_rect vgpu_framebuffer_wire_rect(const struct drm_rect *rect)
{
	return vgpu_wire_rect(rect->x1, rect->y1, drm_rect_width(rect), drm_rect_height(rect));
}

struct drm_framebuffer *vgpu_framebuffer_create(struct drm_device *drm, struct drm_file *file,
						const struct drm_format_info *info,
						const struct drm_mode_fb_cmd2 *cmd);
bool vgpu_framebuffer_is_showable(const struct drm_framebuffer *fb);
bool vgpu_framebuffer_needs_upload(const struct drm_framebuffer *fb);
void vgpu_framebuffer_view(const struct drm_framebuffer *fb, const struct drm_rect *src,
			   struct drm_rect *view);
struct vgpu_cmd *vgpu_framebuffer_upload(const struct drm_framebuffer *fb,
					 const struct drm_rect *rect);
void vgpu_framebuffer_scanout(const struct drm_framebuffer *fb, const struct drm_rect *view,
			      struct virtio_gpu_set_scanout_blob *scanout);

#endif
