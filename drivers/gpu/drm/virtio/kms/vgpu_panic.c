// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: panic screen
 *
 * When the kernel panics, drm_panic draws into what is shown, and the driver has the host show
 * the result: from an unknown state, on one CPU, without allocation, sleep or locks that may
 * be held. A step that is impossible then is left out.
 *
 * This works with any buffer that has guest pages, also with a buffer of a 3D client: the driver
 * has the host copy the pages to the texture.
 */

#include <linux/highmem.h>

#include <drm/drm_framebuffer.h>
#include <drm/drm_panic.h>
#include <drm/drm_plane.h>
#include <drm/drm_rect.h>

#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_panic.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "protocol/vgpu_cmd.h"

/* The buffer that is drawn. One is enough, since drm_panic draws one screen at a time. */
static struct {
	struct page **pages;
	size_t start;
} vgpu_panic_buffer;

/* Get the distance of what is shown from the start of the buffer, in bytes. */
static size_t vgpu_panic_start(const struct drm_framebuffer *fb, const struct drm_rect *src)
{
	return fb->offsets[0] + (size_t)src->y1 * fb->pitches[0] +
	       (size_t)src->x1 * VGPU_FRAMEBUFFER_CPP;
}

static void vgpu_panic_set_pixel(struct drm_scanout_buffer *sb, unsigned int x, unsigned int y,
				 u32 color)
{
	size_t at = vgpu_panic_buffer.start + (size_t)y * sb->pitch[0] +
		    (size_t)x * VGPU_FRAMEBUFFER_CPP;
	struct page *page = vgpu_panic_buffer.pages[at >> PAGE_SHIFT];

	/* In a panic a highmem page cannot be mapped, so its pixels are left out. */
	if (!PageHighMem(page))
		*(u32 *)(page_address(page) + offset_in_page(at)) = color;
}

/**
 * vgpu_panic_get_scanout_buffer() - Implement &drm_plane_helper_funcs.get_scanout_buffer
 * @plane: a primary plane
 * @sb: filled in
 *
 * Context: any, under the panic lock.
 * Return: 0; -ENODEV if nothing is shown, or if the driver cannot write to the buffer.
 */
int vgpu_panic_get_scanout_buffer(struct drm_plane *plane, struct drm_scanout_buffer *sb)
{
	const struct drm_plane_state *state = plane->state;
	struct drm_gem_shmem_object *shmem;
	const struct drm_framebuffer *fb;
	struct drm_rect src;
	size_t start;

	if (!state || !state->visible || !state->fb)
		return -ENODEV;

	fb = state->fb;
	shmem = &vgpu_framebuffer_gem(fb)->base;
	drm_rect_fp_to_int(&src, &state->src);
	start = vgpu_panic_start(fb, &src);
	if (shmem->base.import_attach || start % VGPU_FRAMEBUFFER_CPP)
		return -ENODEV;
	if (shmem->vaddr) {
		iosys_map_set_vaddr(&sb->map[0], shmem->vaddr + start);
	} else if (shmem->pages) {
		vgpu_panic_buffer.pages = shmem->pages;
		vgpu_panic_buffer.start = start;
		sb->set_pixel = vgpu_panic_set_pixel;
	} else {
		return -ENODEV;
	}

	sb->format = fb->format;
	sb->width = drm_rect_width(&src);
	sb->height = drm_rect_height(&src);
	sb->pitch[0] = fb->pitches[0];
	return 0;
}

/*
 * Build the command that copies what is shown to the host; NULL if none is needed. @src is the part
 * in pixels of the framebuffer, @view in those of the resource.
 */
static struct vgpu_cmd *vgpu_panic_upload(const struct drm_framebuffer *fb,
					  const struct drm_rect *src, const struct drm_rect *view)
{
	struct vgpu_gem *gem = vgpu_framebuffer_gem(fb);
	const struct virtio_gpu_transfer_host_3d transfer = {
		.box.x = cpu_to_le32(view->x1),
		.box.y = cpu_to_le32(view->y1),
		.box.w = cpu_to_le32(drm_rect_width(view)),
		.box.h = cpu_to_le32(drm_rect_height(view)),
		.box.d = cpu_to_le32(1),
		.offset = cpu_to_le64(vgpu_panic_start(fb, src)),
		.stride = cpu_to_le32(fb->pitches[0]),
	};
	const struct vgpu_bounce_area all = { .row_bytes = gem->base.base.size, .rows = 1 };

	if (gem->res.kind == VGPU_RESOURCE_2D)
		return vgpu_framebuffer_upload(fb, view);
	if (gem->res.kind == VGPU_RESOURCE_BLOB)
		return NULL;
	if (gem->res.vgpu->bounces)
		vgpu_bounce_to_device(gem, &all);
	return vgpu_cmd_transfer_3d(gem->res.vgpu->cmdq, gem->res.id, 0, true, &transfer);
}

/**
 * vgpu_panic_flush() - Implement &drm_plane_helper_funcs.panic_flush
 * @plane: a primary plane whose buffer was drawn
 *
 * Context: any, under the panic lock.
 */
void vgpu_panic_flush(struct drm_plane *plane)
{
	struct vgpu_device *vgpu = to_vgpu(plane->dev);
	const struct drm_framebuffer *fb = plane->state->fb;
	struct vgpu_plane *p = to_vgpu_plane(plane);
	struct virtio_gpu_set_scanout_blob scanout;
	struct drm_rect src, view;
	struct vgpu_cmd *upload;

	if (vgpu_cmdq_panic_enter(vgpu->cmdq))
		return;

	drm_rect_fp_to_int(&src, &plane->state->src);
	vgpu_framebuffer_view(fb, &src, &view);
	vgpu_framebuffer_scanout(fb, &view, &scanout);

	/* Each command may still help if an earlier one fails. */
	upload = vgpu_panic_upload(fb, &src, &view);
	if (upload)
		vgpu_cmd_panic_run(upload);
	vgpu_cmd_panic_run(vgpu_cmd_set_scanout(vgpu->cmdq, p->screen.id, &scanout));
	vgpu_cmd_panic_run(vgpu_cmd_flush(vgpu->cmdq, le32_to_cpu(scanout.resource_id),
					  &scanout.r));

	/* If the kernel survives the panic, the next update sends everything. */
	vgpu_screen_forget(&p->screen);
	vgpu_cmdq_panic_exit(vgpu->cmdq);
}
