/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PRIME_H
#define VGPU_PRIME_H

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_gem_object;
struct sg_table;

struct dma_buf *vgpu_prime_export(struct drm_gem_object *obj, int flags);
struct drm_gem_object *vgpu_prime_import(struct drm_device *drm, struct dma_buf *buf);

#endif
