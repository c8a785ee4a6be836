/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_WIRE_H
#define VGPU_WIRE_H

#include <linux/types.h>
#include <linux/virtio_gpu.h>

/* Largest EDID on the wire: base block and extensions (virtio 1.3, 5.7.6.8). */
#define VGPU_WIRE_EDID_BYTES	1024

/* Far larger than any known capset; a host that reports a larger one is faulty. */
#define VGPU_WIRE_CAPSET_MAX_BYTES	(64u * 1024)

/* A capset id must fit the masks of the user interface and of CTX_CREATE. */
#define VGPU_WIRE_CAPSET_MAX_ID		63

/* Largest side of a scanout, in pixels. */
#define VGPU_WIRE_SCANOUT_MAX_SIDE	16384

/**
 * struct vgpu_wire_config - The configuration of the device (virtio 1.3, 5.7.4)
 * @events_read: VIRTIO_GPU_EVENT_* that are pending
 * @events_clear: write-only: VIRTIO_GPU_EVENT_* to clear
 * @num_scanouts: 1 to VIRTIO_GPU_MAX_SCANOUTS, or 0 for a device without display
 * @num_capsets: number of capsets that GET_CAPSET_INFO describes
 * @blob_alignment: valid with VIRTIO_GPU_F_BLOB_ALIGNMENT
 *
 * The struct virtio_gpu_config of older kernels lacks @blob_alignment.
 */
struct vgpu_wire_config {
	__le32 events_read;
	__le32 events_clear;
	__le32 num_scanouts;
	__le32 num_capsets;
	__le32 blob_alignment;
};

/**
 * struct vgpu_rect - A rectangle in pixels
 * @x: left edge
 * @y: upper edge
 * @w: width
 * @h: height
 */
struct vgpu_rect {
	u32 x;
	u32 y;
	u32 w;
	u32 h;
};

/**
 * struct vgpu_scanout_blob - The layout of a framebuffer in a blob
 * @width: pixels of the framebuffer
 * @height: rows of the framebuffer
 * @format: enum virtio_gpu_formats
 * @strides: bytes per row, for each plane
 * @offsets: offset of the first byte, for each plane
 */
struct vgpu_scanout_blob {
	u32 width;
	u32 height;
	u32 format;
	u32 strides[4];
	u32 offsets[4];
};

/**
 * struct vgpu_output_info - The answer to GET_DISPLAY_INFO for one scanout
 * @rect: preferred position and size
 * @enabled: the host shows this scanout to a user
 */
struct vgpu_output_info {
	struct vgpu_rect rect;
	bool enabled;
};

/**
 * struct vgpu_capset_info - The answer to GET_CAPSET_INFO for one capset
 * @id: VIRTIO_GPU_CAPSET_*
 * @max_version: newest version that the host supports
 * @max_bytes: size of its data
 */
struct vgpu_capset_info {
	u32 id;
	u32 max_version;
	u32 max_bytes;
};

int vgpu_wire_check(const void *resp, u32 used_bytes, u32 want_type, u32 want_bytes);
int vgpu_wire_check_fence(const void *req, const void *resp);
int vgpu_wire_display_info(const void *resp, u32 used_bytes, struct vgpu_output_info *info,
			   unsigned int num_scanouts);
int vgpu_wire_edid(const void *resp, u32 used_bytes, u8 *edid, u32 *size_bytes);
int vgpu_wire_capset_info(const void *resp, u32 used_bytes, struct vgpu_capset_info *info);
int vgpu_wire_map_info(const void *resp, u32 used_bytes, u32 *cache);

const char *vgpu_wire_type_name(u32 type);

static inline struct virtio_gpu_rect vgpu_wire_rect(const struct vgpu_rect *rect)
{
	return (struct virtio_gpu_rect){
		.x = cpu_to_le32(rect->x),
		.y = cpu_to_le32(rect->y),
		.width = cpu_to_le32(rect->w),
		.height = cpu_to_le32(rect->h),
	};
}

#endif
