/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_GEM_H
#define VGPU_GEM_H

#include <drm/drm_gem_shmem_helper.h>

#include "object/vgpu_resource.h"

struct drm_file;
struct drm_mode_create_dumb;
struct vgpu_device;

/**
 * enum vgpu_gem_backing - who has the pages of a buffer
 * @VGPU_GEM_USED: the host, or there are none; a command has named the buffer of late
 * @VGPU_GEM_IDLE: the host, and none has since somebody looked
 * @VGPU_GEM_LEAVING: the host, which is told to let go of them
 * @VGPU_GEM_AWAY: nobody: they are shared memory like any other, and may be in swap
 */
enum vgpu_gem_backing {
	VGPU_GEM_USED,
	VGPU_GEM_IDLE,
	VGPU_GEM_LEAVING,
	VGPU_GEM_AWAY,
};

/**
 * struct vgpu_gem - a buffer of user space, and the host's resource for it
 * @base: the buffer; first, because the helpers free it by its address
 * @res: the resource; keeps the memory of both after the last handle is closed, for
 *       as long as the host may reach the pages
 * @backing: protected by the reservation; beside what each submission reads of @res
 * @is_exempt: it does not change any more; protected likewise
 * @idle: entry of a list of vgpu_reclaim.c, empty where that is off
 * @uuid: name of the resource for other virtio devices, see vgpu_prime.c
 * @has_uuid: @uuid is set; protected like @uuid
 * @dumb: what the CPU writes reaches the host by transfers at each display update
 *
 * Constant after creation, except what the helpers and vgpu_resource.h say.
 */
struct vgpu_gem {
	struct drm_gem_shmem_object base;
	struct vgpu_resource res;
	enum vgpu_gem_backing backing;
	bool is_exempt;
	struct list_head idle;
	uuid_t uuid;
	bool has_uuid;
	bool dumb;
};

/**
 * struct vgpu_gem_blob - what a blob shall be
 * @size_bytes: size
 * @mem: VIRTIO_GPU_BLOB_MEM_*
 * @flags: VIRTIO_GPU_BLOB_FLAG_*
 * @ctx_id: context whose memory it is, or 0
 * @id: the name the host has for the memory, or 0
 */
struct vgpu_gem_blob {
	size_t size_bytes;
	u32 mem;
	u32 flags;
	u32 ctx_id;
	u64 id;
};

static inline struct vgpu_gem *to_vgpu_gem(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct vgpu_gem, base);
}

struct drm_gem_object *vgpu_gem_create_object(struct drm_device *drm, size_t size_bytes);
struct vgpu_gem *vgpu_gem_create_2d(struct vgpu_device *vgpu, size_t size_bytes, u32 format,
				    u32 width, u32 height);
struct vgpu_gem *vgpu_gem_create_3d(struct vgpu_device *vgpu, size_t size_bytes,
				    const struct vgpu_texture *texture);
struct vgpu_gem *vgpu_gem_create_blob(struct vgpu_device *vgpu, const struct vgpu_gem_blob *blob);
int vgpu_gem_open(struct drm_gem_object *obj, struct drm_file *file);
void vgpu_gem_close(struct drm_gem_object *obj, struct drm_file *file);
int vgpu_gem_publish(struct vgpu_gem *gem, struct drm_file *file, u32 *handle);
int vgpu_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			 struct drm_mode_create_dumb *args);
struct vgpu_gem *vgpu_gem_lookup(struct drm_file *file, u32 handle);
bool vgpu_gem_has_handle_locked(struct vgpu_gem *gem, struct drm_file *file, u32 handle);
void vgpu_gem_put(struct vgpu_gem *gem);
void vgpu_gem_sync_for_device(struct vgpu_gem *gem, size_t offset, size_t size_bytes);

#endif
