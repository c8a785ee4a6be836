/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PAYLOAD_H
#define VGPU_PAYLOAD_H

#include <linux/scatterlist.h>
#include <linux/types.h>

/**
 * struct vgpu_payload - data that follows a request, in few pieces
 * @size_bytes: how much data there is
 * @nents: number of pieces
 * @sgl: the pieces, in lowmem
 */
struct vgpu_payload {
	u32 size_bytes;
	u32 nents;
	struct scatterlist sgl[];
};

/**
 * struct vgpu_payload_limits - what the device takes
 * @max_entries: most pieces
 * @max_entry_bytes: largest piece, at least a page
 */
struct vgpu_payload_limits {
	u32 max_entries;
	size_t max_entry_bytes;
};

struct vgpu_payload *vgpu_payload_create(const struct vgpu_payload_limits *limits,
					 size_t size_bytes);
void vgpu_payload_destroy(struct vgpu_payload *payload);
int vgpu_payload_copy_from_user(struct vgpu_payload *payload, const void __user *from);
struct vgpu_payload *vgpu_payload_from_pages(const struct vgpu_payload_limits *limits,
					     struct sg_table *pages, bool use_dma,
					     u32 *nr_entries);

#endif
