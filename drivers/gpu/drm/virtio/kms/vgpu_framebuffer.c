// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: framebuffers
 *
 * A framebuffer says how a buffer is read as pixels. For a blob, SET_SCANOUT_BLOB carries the
 * layout. The layout of any other resource was fixed when the resource was created, and the host
 * shows rectangles of it; a framebuffer with another layout cannot be shown.
 */

#include <linux/array_size.h>

#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_print.h>
#include <drm/drm_rect.h>

#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "object/vgpu_reclaim.h"
#include "protocol/vgpu_cmd.h"

/**
 * struct vgpu_framebuffer_format - Formats of DRM and their names on the wire
 * @fourcc: DRM_FORMAT_* without and with alpha, named by bytes from the last to the first
 * @wire: enum virtio_gpu_formats of the same bytes, named from the first to the last
 *
 * The background below a primary plane is black, and colours are premultiplied, so alpha changes
 * nothing, and the host gets the format without alpha.
 */
struct vgpu_framebuffer_format {
	u32 fourcc[2];
	u32 wire[2];
};

static const struct vgpu_framebuffer_format vgpu_framebuffer_formats[] = {
	{ { DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888 },
	  { VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM } },
	{ { DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888 },
	  { VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM } },
	{ { DRM_FORMAT_BGRX8888, DRM_FORMAT_BGRA8888 },
	  { VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM } },
};

static const struct vgpu_framebuffer_format *vgpu_framebuffer_format(u32 fourcc)
{
	const struct vgpu_framebuffer_format *format = vgpu_framebuffer_formats;
	const struct vgpu_framebuffer_format *end = format + ARRAY_SIZE(vgpu_framebuffer_formats);

	for (; format < end; format++)
		if (format->fourcc[0] == fourcc || format->fourcc[1] == fourcc)
			return format;
	return NULL;
}

/* Find where a framebuffer starts in a resource whose rows are @pitch bytes long. */
static void vgpu_framebuffer_origin(u32 offset, u32 pitch, u32 *x, u32 *y)
{
	*y = offset / pitch;
	*x = offset % pitch / VGPU_FRAMEBUFFER_CPP;
}

/* Check whether a framebuffer lies within a resource that is no blob, and has its format. */
static bool vgpu_framebuffer_is_inside(struct drm_device *drm, const struct vgpu_resource *res,
				       const struct drm_mode_fb_cmd2 *cmd)
{
	const struct vgpu_framebuffer_format *format = vgpu_framebuffer_format(cmd->pixel_format);
	u32 x, y;

	if (res->format != format->wire[0] && res->format != format->wire[1]) {
		drm_dbg_kms(drm, "pixel_format: %p4cc is not that of the resource\n",
			    &cmd->pixel_format);
		return false;
	}

	/* vgpu_framebuffer_is_showable() checks the size, when the framebuffer is shown. */
	if (res->kind == VGPU_RESOURCE_2D)
		return true;

	vgpu_framebuffer_origin(cmd->offsets[0], cmd->pitches[0], &x, &y);
	if ((u64)x + cmd->width > res->width || (u64)y + cmd->height > res->height) {
		drm_dbg_kms(drm, "%u × %u pixels from %u, %u exceed a resource of %u × %u\n",
			    cmd->width, cmd->height, x, y, res->width, res->height);
		return false;
	}
	return true;
}

/* Check whether the buffer is large enough, and the host reads its pixels in this format. */
static bool vgpu_framebuffer_fits(struct drm_device *drm, const struct vgpu_gem *gem,
				  const struct drm_mode_fb_cmd2 *cmd)
{
	u64 end = (u64)cmd->pitches[0] * (cmd->height - 1) +
		  (u64)cmd->width * VGPU_FRAMEBUFFER_CPP + cmd->offsets[0];

	if (end > gem->base.base.size) {
		drm_dbg_kms(drm, "framebuffer ends at byte %llu, the buffer at %zu\n", end,
			    gem->base.base.size);
		return false;
	}
	return gem->res.kind == VGPU_RESOURCE_BLOB ||
	       vgpu_framebuffer_is_inside(drm, &gem->res, cmd);
}

/**
 * vgpu_framebuffer_create() - Implement &drm_mode_config_funcs.fb_create
 * @drm: the device
 * @file: the client
 * @info: the format
 * @cmd: the framebuffer; checked by the core except for its buffer
 *
 * Context: process, sleeps killably until a buffer that waits in a submission queue is created.
 * Return: the framebuffer; or an error pointer: -EINVAL for a bad handle, an unknown format,
 * a format that differs from the resource's, or a buffer or texture that is too small; -ENOMEM;
 * -ERESTARTSYS; -EINTR when killed.
 */
struct drm_framebuffer *vgpu_framebuffer_create(struct drm_device *drm, struct drm_file *file,
						const struct drm_format_info *info,
						const struct drm_mode_fb_cmd2 *cmd)
{
	struct drm_framebuffer *fb;
	struct vgpu_gem *gem;
	bool fits;
	int ret;

	if (!vgpu_framebuffer_format(cmd->pixel_format)) {
		drm_dbg_kms(drm, "pixel_format: %p4cc is not supported\n", &cmd->pixel_format);
		return ERR_PTR(-EINVAL);
	}

	gem = vgpu_gem_lookup(file, cmd->handles[0]);
	if (!gem) {
		drm_dbg_kms(drm, "handles: no buffer has the handle %u\n", cmd->handles[0]);
		return ERR_PTR(-EINVAL);
	}
	fits = vgpu_framebuffer_fits(drm, gem, cmd);
	vgpu_gem_put(gem);
	if (!fits)
		return ERR_PTR(-EINVAL);

	fb = drm_gem_fb_create_with_dirty(drm, file, info, cmd);
	if (IS_ERR(fb))
		return fb;

	/* drm_panic draws into the shown framebuffer, so its pages must not be reclaimed. */
	ret = vgpu_reclaim_exempt(vgpu_framebuffer_gem(fb));
	/* Display updates do not wait for the creation of a buffer, so wait for it here. */
	if (!ret)
		ret = vgpu_resource_await_turn(&vgpu_framebuffer_gem(fb)->res);
	if (ret) {
		drm_framebuffer_put(fb);
		return ERR_PTR(ret);
	}
	return fb;
}

/**
 * vgpu_framebuffer_is_showable() - Check whether the host can show a framebuffer
 * @fb: the framebuffer
 *
 * The host shows rectangles of a 2D resource, whose pitch was fixed when it was created.
 *
 * Context: any.
 * Return: true if the host can show it.
 */
bool vgpu_framebuffer_is_showable(const struct drm_framebuffer *fb)
{
	const struct vgpu_resource *res = &vgpu_framebuffer_gem(fb)->res;
	u32 x, y;

	if (res->kind != VGPU_RESOURCE_2D)
		return true;
	if (fb->pitches[0] != (u64)res->width * VGPU_FRAMEBUFFER_CPP ||
	    fb->offsets[0] % VGPU_FRAMEBUFFER_CPP) {
		drm_dbg_kms(fb->dev, "pitch %u, offset %u do not match a resource %u pixels wide\n",
			    fb->pitches[0], fb->offsets[0], res->width);
		return false;
	}

	vgpu_framebuffer_origin(fb->offsets[0], fb->pitches[0], &x, &y);
	if (fb->width > res->width - x || y >= res->height || fb->height > res->height - y) {
		drm_dbg_kms(fb->dev, "%u × %u pixels from %u, %u exceed a resource of %u × %u\n",
			    fb->width, fb->height, x, y, res->width, res->height);
		return false;
	}
	return true;
}

/**
 * vgpu_framebuffer_needs_upload() - Check whether the host shows a copy made by transfers
 * @fb: the framebuffer
 *
 * Context: any.
 * Return: true if writes of the CPU must be uploaded to become visible.
 */
bool vgpu_framebuffer_needs_upload(const struct drm_framebuffer *fb)
{
	const struct vgpu_gem *gem = vgpu_framebuffer_gem(fb);

	return gem->dumb && gem->res.kind == VGPU_RESOURCE_2D;
}

/**
 * vgpu_framebuffer_view() - Convert a rectangle to coordinates of the resource
 * @fb: the framebuffer
 * @src: a rectangle of it, in pixels
 * @view: set to the same rectangle in pixels of the resource
 *
 * Context: any.
 */
void vgpu_framebuffer_view(const struct drm_framebuffer *fb, const struct drm_rect *src,
			   struct drm_rect *view)
{
	const struct vgpu_resource *res = &vgpu_framebuffer_gem(fb)->res;
	u32 x = 0, y = 0;

	/* SET_SCANOUT_BLOB carries the offset. */
	if (res->kind != VGPU_RESOURCE_BLOB)
		vgpu_framebuffer_origin(fb->offsets[0], fb->pitches[0], &x, &y);
	*view = *src;
	drm_rect_translate(view, x, y);
}

/**
 * vgpu_framebuffer_upload() - Build the command that has the host copy a part of a buffer
 * @fb: the framebuffer, of a 2D resource
 * @rect: the part, in pixels of the resource
 *
 * Context: as that of vgpu_cmd_transfer_to_host_2d().
 * Return: the command.
 */
struct vgpu_cmd *vgpu_framebuffer_upload(const struct drm_framebuffer *fb,
					 const struct drm_rect *rect)
{
	struct vgpu_gem *gem = vgpu_framebuffer_gem(fb);
	size_t pitch = (size_t)gem->res.width * VGPU_FRAMEBUFFER_CPP;
	size_t start = rect->y1 * pitch + (size_t)rect->x1 * VGPU_FRAMEBUFFER_CPP;
	struct virtio_gpu_rect part = vgpu_framebuffer_wire_rect(rect);
	const struct vgpu_bounce_area area = {
		.offset = start, .row_bytes = (size_t)drm_rect_width(rect) * VGPU_FRAMEBUFFER_CPP,
		.stride = pitch, .rows = drm_rect_height(rect),
	};

	if (gem->res.vgpu->bounces)
		vgpu_bounce_to_device(gem, &area);
	return vgpu_cmd_transfer_to_host_2d(gem->res.vgpu->cmdq, gem->res.id, &part, start);
}

/**
 * vgpu_framebuffer_scanout() - Describe a framebuffer to the host
 * @fb: the framebuffer
 * @view: the part to be shown, of vgpu_framebuffer_view()
 * @scanout: filled in, for vgpu_cmd_set_scanout()
 *
 * Context: any.
 */
void vgpu_framebuffer_scanout(const struct drm_framebuffer *fb, const struct drm_rect *view,
			      struct virtio_gpu_set_scanout_blob *scanout)
{
	const struct vgpu_resource *res = &vgpu_framebuffer_gem(fb)->res;

	*scanout = (struct virtio_gpu_set_scanout_blob){
		.r = vgpu_framebuffer_wire_rect(view),
		.resource_id = cpu_to_le32(res->id),
	};
	if (res->kind != VGPU_RESOURCE_BLOB)
		return;

	scanout->width = cpu_to_le32(fb->width);
	scanout->height = cpu_to_le32(fb->height);
	scanout->format = cpu_to_le32(vgpu_framebuffer_format(fb->format->format)->wire[0]);
	scanout->strides[0] = cpu_to_le32(fb->pitches[0]);
	scanout->offsets[0] = cpu_to_le32(fb->offsets[0]);
}
