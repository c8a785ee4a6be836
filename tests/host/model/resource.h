/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_RESOURCE_H
#define VGPU_HOST_RESOURCE_H

#include "backing.h"

#define RESOURCE_MAX_LEVELS 16

enum resource_kind {
	RESOURCE_2D,
	RESOURCE_3D,
	RESOURCE_BLOB,
};

/** struct resource_level - where one mip level lies in the host's copy */
struct resource_level {
	u64 off;
	u32 w, h, d;
};

/**
 * struct resource - what the guest created under a resource id
 * @budget: charged for it
 * @id: the guest's number for it
 * @refs: owners: the table, scanouts, the window
 * @kind: how it was created
 * @format: pixel format (2D and 3D)
 * @bpp: bytes a pixel of it
 * @target: Gallium texture target (3D)
 * @levels: mip levels
 * @level: where they are
 * @layers: array size
 * @width: pixels, or bytes of a 3D buffer
 * @height: pixels
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*, 0 when it is no blob
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @size: bytes of the host's copy, or of the blob
 * @data: the host's copy; NULL for a guest blob
 * @fd: memory file of a host blob, else -1
 * @backing: guest pages, or NULL
 * @mapped: it is in the host-visible window
 * @map_off: where
 * @transfers: how often something was transferred into it
 * @transfer: number of the last request that did, 0 for none
 * @fenced: the last transfer into it was fenced
 * @scanouts: which outputs show it
 */
struct resource {
	struct budget *budget;
	u32 id;
	unsigned int refs;
	enum resource_kind kind;
	u32 format, bpp, target;
	u32 levels, layers, width, height;
	struct resource_level level[RESOURCE_MAX_LEVELS];
	u32 blob_mem, blob_flags;
	u64 size;
	u8 *data;
	int fd;
	struct backing *backing;
	bool mapped;
	u64 map_off;
	u64 transfers, transfer;
	bool fenced;
	u32 scanouts;
};

struct resource *resource_create(struct budget *budget, u32 id,
				 enum resource_kind kind);
bool resource_alloc(struct resource *res, bool file);
struct resource *resource_get(struct resource *res);
void resource_put(struct resource *res);
bool resource_copy(const struct resource *res, u64 off, void *p, u64 len, bool write);
bool resource_has_data(const struct resource *res);
void resource_note_transfer(struct resource *res, u64 seq, bool fenced);

static inline bool resource_read(const struct resource *res, u64 off, void *dst, u64 len)
{
	return resource_copy(res, off, dst, len, false);
}

static inline bool resource_write(struct resource *res, u64 off, const void *src, u64 len)
{
	return resource_copy(res, off, (void *)src, len, true);
}

#endif
