/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PAGES_H
#define VGPU_PAGES_H

struct drm_gem_shmem_object;
struct sg_table;
struct vgpu_device;

void vgpu_pages_init(struct vgpu_device *vgpu);
struct sg_table *vgpu_pages_get(struct drm_gem_shmem_object *shmem);
struct sg_table *vgpu_pages_get_locked(struct drm_gem_shmem_object *shmem);
void vgpu_pages_put_locked(struct drm_gem_shmem_object *shmem, struct sg_table *pages);

#endif
