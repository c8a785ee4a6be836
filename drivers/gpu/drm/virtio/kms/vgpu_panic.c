// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: panic screen
 *
 * When the kernel panics, drm_panic draws into the shown buffer, and the driver has the host
 * show the result: from an unknown state, on one CPU, without allocation, sleep or locks that may
 * be held. A step that is impossible then is left out.
 *
 * This works with any buffer that has guest pages, also with a buffer of a 3D client: the driver
 * has the host copy the pages to the texture.
 */

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

	if (!state || !state->visible || !state->fb)
		return -ENODEV;

	fb = state->fb;
	shmem = &vgpu_framebuffer_gem(fb)->base;
	/* drm_panic draws at the start of the buffer. */
	if (shmem->base.import_attach || fb->offsets[0])
		return -ENODEV;
	if (shmem->vaddr)
		iosys_map_set_vaddr(&sb->map[0], shmem->vaddr);
	else if (shmem->pages)
		vgpu_compat_panic_pages(sb, shmem->pages);
	else
		return -ENODEV;

	sb->format = fb->format;
	sb->width = fb->width;
	sb->height = fb->height;
	sb->pitch[0] = fb->pitches[0];
	return 0;
}

/* Build the command that copies the whole framebuffer to the host; NULL if none is needed. */
static struct vgpu_cmd *vgpu_panic_upload(struct vgpu_cmdq *q, const struct drm_framebuffer *fb)
{
	struct vgpu_gem *gem = vgpu_framebuffer_gem(fb);
	const struct vgpu_rect whole = { .w = fb->width, .h = fb->height };
	const struct virtio_gpu_transfer_host_3d transfer = {
		.box.w = cpu_to_le32(fb->width),
		.box.h = cpu_to_le32(fb->height),
		.box.d = cpu_to_le32(1),
		.stride = cpu_to_le32(fb->pitches[0]),
	};

	switch (gem->res.kind) {
	case VGPU_RESOURCE_2D:
		return vgpu_cmd_transfer_to_host_2d(q, gem->res.id, &whole, 0);
	case VGPU_RESOURCE_3D:
		return vgpu_cmd_transfer_3d(q, gem->res.id, 0, true, &transfer);
	default:
		return NULL;
	}
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
	struct vgpu_gem *gem = vgpu_framebuffer_gem(fb);
	struct vgpu_plane *p = to_vgpu_plane(plane);
	const struct vgpu_bounce_area all = { .row_bytes = gem->base.base.size, .rows = 1 };
	struct vgpu_scanout scanout;
	struct drm_rect src, view;
	struct vgpu_cmd *upload;

	if (vgpu_cmdq_panic_enter(vgpu->cmdq))
		return;

	drm_rect_fp_to_int(&src, &plane->state->src);
	vgpu_framebuffer_view(fb, &src, &view);
	vgpu_framebuffer_scanout(fb, &view, &scanout);
	vgpu_bounce_to_device(gem, &all);

	/* Each command may still help if an earlier one fails. */
	upload = vgpu_panic_upload(vgpu->cmdq, fb);
	if (upload)
		vgpu_cmd_panic_run(upload);
	vgpu_cmd_panic_run(vgpu_screen_command(p->screen, &scanout));
	vgpu_cmd_panic_run(vgpu_cmd_flush(vgpu->cmdq, scanout.res_id, &scanout.rect));

	/* If the kernel survives the panic, the next update sends everything. */
	vgpu_screen_forget(p->screen);
	vgpu_cmdq_panic_exit(vgpu->cmdq);
}
