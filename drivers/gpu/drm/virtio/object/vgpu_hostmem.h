/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_HOSTMEM_H
#define VGPU_HOSTMEM_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct dma_buf_attachment;
struct drm_gem_object;
struct drm_printer;
struct sg_table;
struct vgpu_device;
struct vgpu_gem;

int vgpu_hostmem_init(struct vgpu_device *vgpu);
void vgpu_hostmem_fini(struct vgpu_device *vgpu);
u64 vgpu_hostmem_size(const struct vgpu_device *vgpu);
u64 vgpu_hostmem_used(const struct vgpu_device *vgpu);
void vgpu_hostmem_print(struct vgpu_device *vgpu, struct drm_printer *p);

struct vgpu_gem *vgpu_hostmem_create(struct vgpu_device *vgpu, size_t size_bytes);
bool vgpu_hostmem_is(const struct drm_gem_object *obj);
int vgpu_hostmem_map(struct vgpu_gem *gem);
u64 vgpu_hostmem_address(struct vgpu_gem *gem);

struct sg_table *vgpu_hostmem_map_dma_buf(struct dma_buf_attachment *attach,
					  struct vgpu_gem *gem, enum dma_data_direction dir,
					  bool by_uuid);
void vgpu_hostmem_unmap_dma_buf(struct dma_buf_attachment *attach, struct sg_table *sgt,
				enum dma_data_direction dir);

#endif
