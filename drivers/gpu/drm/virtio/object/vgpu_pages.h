/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PAGES_H
#define VGPU_PAGES_H

struct drm_gem_object;
struct drm_gem_shmem_object;
struct sg_table;
struct vgpu_device;
struct vm_area_struct;

void vgpu_pages_init(struct vgpu_device *vgpu);
int vgpu_pages_fill(struct drm_gem_object *obj);
struct sg_table *vgpu_pages_get_locked(struct drm_gem_shmem_object *shmem);
void vgpu_pages_put_locked(struct drm_gem_shmem_object *shmem, struct sg_table *pages);
int vgpu_pages_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);

#endif
