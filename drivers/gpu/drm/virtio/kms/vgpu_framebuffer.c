// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: framebuffers
 *
 * A framebuffer says how a buffer is read as pixels. For a blob, SET_SCANOUT_BLOB carries the
 * layout. The layout of any other resource was fixed when the resource was created, and the host
 * shows rectangles of it; a framebuffer with another layout cannot be shown.
 */

#include <linux/array_size.h>
#include <linux/string.h>

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
 * struct vgpu_framebuffer_format - A format of DRM and its name on the wire
 * @fourcc: DRM_FORMAT_*, named by bytes from the last to the first
 * @wire: enum virtio_gpu_formats of the same bytes, named from the first to the last; without alpha
 * @wire_alpha: as @wire, with alpha
 *
 * The background below a primary plane is black, and colours are premultiplied, so alpha changes
 * nothing, and the host gets the format without alpha.
 */
struct vgpu_framebuffer_format {
	u32 fourcc;
	u32 wire;
	u32 wire_alpha;
};

static const struct vgpu_framebuffer_format vgpu_framebuffer_formats[] = {
	{ DRM_FORMAT_XRGB8888, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
	  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM },
	{ DRM_FORMAT_ARGB8888, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
	  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM },
	{ DRM_FORMAT_XBGR8888, VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
	  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM },
	{ DRM_FORMAT_ABGR8888, VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
	  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM },
	{ DRM_FORMAT_BGRX8888, VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
	  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM },
	{ DRM_FORMAT_BGRA8888, VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
	  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM },
};

static const struct vgpu_framebuffer_format *vgpu_framebuffer_format(u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vgpu_framebuffer_formats); i++)
		if (vgpu_framebuffer_formats[i].fourcc == fourcc)
			return &vgpu_framebuffer_formats[i];
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
	u32 x = 0, y = 0;

	if (res->format != format->wire && res->format != format->wire_alpha) {
		drm_dbg_kms(drm, "pixel_format: %p4cc is not that of the resource\n",
			    &cmd->pixel_format);
		return false;
	}

	/* vgpu_framebuffer_is_showable() checks the size, when the framebuffer is shown. */
	if (res->kind == VGPU_RESOURCE_2D)
		return true;

	if (cmd->pitches[0])
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
 * Context: process, may sleep.
 * Return: the framebuffer; or an error pointer: -EINVAL for a bad handle, an unknown format,
 * a format that differs from the resource's, or a buffer or texture that is too small; -ENOMEM;
 * -ERESTARTSYS.
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
	u32 pitch = fb->pitches[0];
	u32 x = 0, y = 0;

	/* SET_SCANOUT_BLOB carries the offset. */
	if (res->kind != VGPU_RESOURCE_BLOB && pitch)
		vgpu_framebuffer_origin(fb->offsets[0], pitch, &x, &y);
	*view = *src;
	drm_rect_translate(view, x, y);
}

/**
 * vgpu_framebuffer_upload() - Have the host copy a part of a buffer
 * @fb: the framebuffer, which needs uploads
 * @rect: the part, in pixels of the resource
 * @done: signals when the host has copied it; or NULL
 *
 * Context: process or the tail of a commit, between drm_dev_enter() and drm_dev_exit(). The device
 * is not notified yet.
 */
void vgpu_framebuffer_upload(const struct drm_framebuffer *fb, const struct drm_rect *rect,
			     struct vgpu_fence *done)
{
	struct vgpu_gem *gem = vgpu_framebuffer_gem(fb);
	size_t pitch = (size_t)gem->res.width * VGPU_FRAMEBUFFER_CPP;
	struct vgpu_rect part = vgpu_framebuffer_rect(rect);
	size_t start = part.y * pitch + (size_t)part.x * VGPU_FRAMEBUFFER_CPP;
	const struct vgpu_bounce_area area = {
		.offset = start, .row_bytes = (size_t)part.w * VGPU_FRAMEBUFFER_CPP,
		.stride = pitch, .rows = part.h,
	};

	vgpu_bounce_to_device(gem, &area);
	vgpu_cmd_post_fenced(vgpu_cmd_transfer_to_host_2d(gem->res.vgpu->cmdq, gem->res.id, &part,
							  start),
			     &gem->res.owner, done);
}

/**
 * vgpu_framebuffer_scanout() - Describe a framebuffer to the host
 * @fb: the framebuffer
 * @view: the part to be shown, of vgpu_framebuffer_view()
 * @scanout: filled in; padding is zero, so that scanouts can be compared by memcmp()
 *
 * Context: any.
 */
void vgpu_framebuffer_scanout(const struct drm_framebuffer *fb, const struct drm_rect *view,
			      struct vgpu_scanout *scanout)
{
	const struct vgpu_resource *res = &vgpu_framebuffer_gem(fb)->res;

	memset(scanout, 0, sizeof(*scanout));
	scanout->res_id = res->id;
	scanout->rect = vgpu_framebuffer_rect(view);
	if (res->kind != VGPU_RESOURCE_BLOB)
		return;

	scanout->is_blob = true;
	scanout->blob.width = fb->width;
	scanout->blob.height = fb->height;
	scanout->blob.format = vgpu_framebuffer_format(fb->format->format)->wire;
	scanout->blob.strides[0] = fb->pitches[0];
	scanout->blob.offsets[0] = fb->offsets[0];
}
