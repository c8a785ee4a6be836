/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/queue.h>

#include "backing.h"

#define RESOURCE_MAX_LEVELS 16

enum resource_kind {
	RESOURCE_2D,
	RESOURCE_3D,
	RESOURCE_BLOB,
};

/* Where one mip level lies in the host's copy. */
struct resource_level {
	u64 off;
	u32 w, h, d;
};

/* What the guest created under a resource id. */
struct resource {
	struct budget *budget;		/* charged for it */
	u32 id;				/* the guest's number for it */
	unsigned int refs;		/* owners: the table, scanouts, the window */
	enum resource_kind kind;	/* how it was created */
	u32 format;			/* pixel format (2D and 3D) */
	u32 bpp;			/* bytes a pixel of it */
	u32 target;			/* Gallium texture target (3D) */
	u32 levels;			/* mip levels */
	u32 layers;			/* array size */
	u32 width;			/* pixels, or bytes of a 3D buffer */
	u32 height;			/* pixels */
	struct resource_level level[RESOURCE_MAX_LEVELS]; /* where they are */
	u32 blob_mem;			/* VIRTIO_GPU_BLOB_MEM_*, 0 when it is no blob */
	u32 blob_flags;			/* VIRTIO_GPU_BLOB_FLAG_* */
	u64 size;			/* bytes of the host's copy, or of the blob */
	u8 *data;			/* the host's copy; NULL for a guest blob */
	int fd;				/* memory file of a host blob, else -1 */
	struct backing *backing;	/* guest pages, or NULL */
	bool mapped;			/* it is in the host-visible window */
	u64 map_off;			/* where */
	LIST_ENTRY(resource) map_link;	/* in the list of what is */
	u64 transfers;			/* how often something was transferred into it */
	u64 transfer;			/* number of the last request that did, 0 for none */
	bool fenced;			/* the last transfer into it was fenced */
	u32 scanouts;			/* which outputs show it */
};

struct resource *resource_create(struct budget *budget, u32 id, enum resource_kind kind);
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
