/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_GEM_H
#define VGPU_GEM_H

#include <drm/drm_gem_shmem_helper.h>

#include "object/vgpu_resource.h"

struct drm_file;
struct drm_mode_create_dumb;
struct vgpu_context;
struct vgpu_device;
struct vgpu_timeline;

/* The size of a buffer in guest memory: the shmem and DMA layers count bytes in int. */
#define VGPU_GEM_MAX_BYTES	((size_t)INT_MAX & PAGE_MASK)

/**
 * enum vgpu_gem_backing - Whether the host has the pages of a buffer
 * @VGPU_GEM_USED: the host has the pages, if there are any; a command has named the buffer since
 *                 the shrinker last looked
 * @VGPU_GEM_IDLE: the host has the pages; no command has named the buffer since the shrinker
 *                 last looked
 * @VGPU_GEM_LEAVING: RESOURCE_DETACH_BACKING was sent
 * @VGPU_GEM_AWAY: the host has no pages; they are plain shared memory, and may be in swap
 */
enum vgpu_gem_backing {
	VGPU_GEM_USED,
	VGPU_GEM_IDLE,
	VGPU_GEM_LEAVING,
	VGPU_GEM_AWAY,
};

/**
 * struct vgpu_gem - A buffer of user space, and the host's resource behind it
 * @base: the buffer; first, because the helpers free it by its address
 * @res: the resource; keeps the memory of both after the last reference to the buffer is
 *       dropped, for as long as the host may reach the pages
 * @backing: whether the host has the pages; protected by the reservation
 * @is_exempt: @backing stays VGPU_GEM_USED; protected by the reservation
 * @idle: entry of &vgpu_reclaim.watched or &vgpu_reclaim.chosen; empty if in neither
 * @uuid: UUID by which other virtio devices find the resource, see vgpu_prime.c
 * @uuid_era: value of &vgpu_resources.era for which @uuid is valid, 0 for none; both are protected
 *            by vgpu_prime_uuid_lock
 * @cpu_writes: a client has mapped the buffer for writing; accessed without a lock
 * @dumb: made by CREATE_DUMB; if @res is 2D, display updates upload what the CPU wrote
 *
 * Other fields are constant after creation; the fields of @base and @res have their own rules.
 */
struct vgpu_gem {
	struct drm_gem_shmem_object base;
	struct vgpu_resource res;
	enum vgpu_gem_backing backing;
	bool is_exempt;
	struct list_head idle;
	uuid_t uuid;
	u32 uuid_era;
	bool cpu_writes;
	bool dumb;
};

/**
 * struct vgpu_gem_blob - Parameters of a blob to be created
 * @size_bytes: size
 * @mem: VIRTIO_GPU_BLOB_MEM_*
 * @flags: VIRTIO_GPU_BLOB_FLAG_*
 * @ctx: context whose renderer has the memory, and whose submissions the creation follows; or NULL
 * @id: id under which the host's renderer knows the memory, or 0
 */
struct vgpu_gem_blob {
	size_t size_bytes;
	u32 mem;
	u32 flags;
	struct vgpu_context *ctx;
	u64 id;
};

static inline struct vgpu_gem *to_vgpu_gem(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct vgpu_gem, base);
}

struct drm_gem_object *vgpu_gem_create_object(struct drm_device *drm, size_t size_bytes);
struct vgpu_gem *vgpu_gem_create_texture(struct vgpu_device *vgpu, struct vgpu_timeline *tl,
					 enum vgpu_resource_kind kind, size_t size_bytes,
					 const struct virtio_gpu_resource_create_3d *texture);
struct vgpu_gem *vgpu_gem_create_blob(struct vgpu_device *vgpu, struct vgpu_timeline *tl,
				      const struct vgpu_gem_blob *blob);
int vgpu_gem_publish(struct vgpu_gem *gem, struct drm_file *file, u32 *handle);
int vgpu_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			 struct drm_mode_create_dumb *args);
struct vgpu_gem *vgpu_gem_lookup(struct drm_file *file, u32 handle);
bool vgpu_gem_has_handle_locked(struct vgpu_gem *gem, struct drm_file *file, u32 handle);

/* Drop a reference to a buffer, in process context. */
static inline void vgpu_gem_put(struct vgpu_gem *gem)
{
	drm_gem_object_put(&gem->base.base);
}

#endif
