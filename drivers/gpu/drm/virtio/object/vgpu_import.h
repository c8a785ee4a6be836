/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_IMPORT_H
#define VGPU_IMPORT_H

struct dma_buf;
struct drm_gem_object;
struct vgpu_device;

struct drm_gem_object *vgpu_import_create(struct vgpu_device *vgpu, struct dma_buf *buf);

#endif
