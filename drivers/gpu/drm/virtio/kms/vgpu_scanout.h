/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SCANOUT_H
#define VGPU_SCANOUT_H

#include <linux/types.h>

#include "protocol/vgpu_wire.h"

struct vgpu_cmdq;
struct vgpu_device;
struct vgpu_fence;
struct vgpu_scanout;

/**
 * struct vgpu_picture - What a scanout shows
 * @res_id: the resource, 0 for nothing
 * @is_blob: the resource is a blob, read according to @blob
 * @rect: the part of the picture
 * @blob: how a blob is read; zero for others
 */
struct vgpu_picture {
	u32 res_id;
	bool is_blob;
	struct vgpu_rect rect;
	struct vgpu_scanout_blob blob;
};

struct vgpu_scanout *vgpu_scanout_create(struct vgpu_device *vgpu, u32 id);
struct vgpu_scanout *vgpu_scanout_get(struct vgpu_scanout *scanout);
void vgpu_scanout_put(struct vgpu_scanout *scanout);
void vgpu_scanout_stop(struct vgpu_scanout *scanout);
u32 vgpu_scanout_id(const struct vgpu_scanout *scanout);
unsigned int vgpu_scanout_generation(struct vgpu_scanout *scanout);
void vgpu_scanout_forget(struct vgpu_scanout *scanout);
void vgpu_scanout_hide(struct vgpu_scanout *scanout, u32 res_id);
bool vgpu_scanout_show(struct vgpu_scanout *scanout, const struct vgpu_picture *picture);
void vgpu_scanout_flush(struct vgpu_scanout *scanout, u32 res_id, const struct vgpu_rect *rect,
			struct vgpu_fence *fence);

struct vgpu_cmd *vgpu_picture_command(struct vgpu_cmdq *q, u32 scanout_id,
				      const struct vgpu_picture *picture);

#endif
