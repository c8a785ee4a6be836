/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_HOSTMEM_H
#define VGPU_HOSTMEM_H

#include <linux/dma-direction.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include <drm/drm_mm.h>

#include "object/vgpu_base.h"
#include "object/vgpu_gem.h"

struct dma_buf_attachment;
struct drm_printer;

/**
 * struct vgpu_hostmem - The window of host-visible memory
 * @base: physical address, constant
 * @size: bytes, constant
 * @lock: protects the fields below except @room
 * @mm: the parts of the window that are taken
 * @used: size of these parts, in bytes
 * @leaving: number of closed blobs that still take their part of the window
 * @turns: counts the parts that were given back
 * @room: wait queue for a change of @turns
 */
struct vgpu_hostmem {
	u64 base;
	u64 size;
	struct mutex lock;
	struct drm_mm mm;
	u64 used;
	unsigned int leaving;
	unsigned int turns;
	wait_queue_head_t room;
};

/**
 * enum vgpu_hostmem_state - Whether a blob is in the window
 * @VGPU_HOSTMEM_ABSENT: the blob is not in the window
 * @VGPU_HOSTMEM_SHOWN: the host shows the blob at its node
 * @VGPU_HOSTMEM_UNSURE: the host has not answered MAP_BLOB yet, or its answer was malformed; in
 *                       the latter case the node stays taken until the blob is released
 */
enum vgpu_hostmem_state {
	VGPU_HOSTMEM_ABSENT,
	VGPU_HOSTMEM_SHOWN,
	VGPU_HOSTMEM_UNSURE,
};

/**
 * struct vgpu_hostmem_blob - A blob of the host's memory
 * @gem: the buffer; first, because it is freed by its address
 * @lock: protects the fields below; acquired interruptibly for MAP_BLOB, since it is held while
 *        waiting for room in the window
 * @state: whether the blob is in the window
 * @asked: MAP_BLOB, until its answer is evaluated; or NULL
 * @unmap: UNMAP_BLOB, allocated before MAP_BLOB is sent; or NULL
 * @node: part of the window that the blob takes, unless VGPU_HOSTMEM_ABSENT
 * @cache: VIRTIO_GPU_MAP_CACHE_*, if VGPU_HOSTMEM_SHOWN
 * @lost_page: page that mappings show after the host memory is lost; NULL until the first fault;
 *             set once, by cmpxchg()
 * @leaving: the blob is counted in &vgpu_hostmem.leaving; protected by &vgpu_hostmem.lock
 */
struct vgpu_hostmem_blob {
	struct vgpu_gem gem;
	struct mutex lock;
	enum vgpu_hostmem_state state;
	struct vgpu_cmd *asked;
	struct vgpu_cmd *unmap;
	struct drm_mm_node node;
	u32 cache;
	struct page *lost_page;
	bool leaving;
};

static inline struct vgpu_hostmem_blob *to_blob(struct vgpu_gem *gem)
{
	return container_of(gem, struct vgpu_hostmem_blob, gem);
}

/* Check whether a buffer that user space can name is a blob of the host's memory. */
static inline bool vgpu_hostmem_is(const struct vgpu_gem *gem)
{
	return gem->res.blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D;
}

/* Get the guest-physical address of a blob that vgpu_hostmem_map() has mapped. */
static inline u64 vgpu_hostmem_address(struct vgpu_gem *gem)
{
	return gem->res.vgpu->hostmem->base + to_blob(gem)->node.start;
}

int vgpu_hostmem_init(struct vgpu_device *vgpu);
void vgpu_hostmem_fini(struct vgpu_device *vgpu);
void vgpu_hostmem_print(struct vgpu_device *vgpu, struct drm_printer *p);

int vgpu_hostmem_map(struct vgpu_gem *gem, unsigned long timeout);
void vgpu_hostmem_hide(struct vgpu_gem *gem);
void vgpu_hostmem_release(struct vgpu_gem *gem);
struct vgpu_gem *vgpu_hostmem_gem_create(struct vgpu_device *vgpu, size_t size_bytes);

struct sg_table *vgpu_hostmem_map_dma_buf(struct dma_buf_attachment *attach,
					  struct vgpu_gem *gem, enum dma_data_direction dir,
					  bool by_uuid);
void vgpu_hostmem_unmap_dma_buf(struct dma_buf_attachment *attach, struct sg_table *sgt,
				enum dma_data_direction dir);

#endif
