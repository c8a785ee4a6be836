/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Models: tests/models/cbmc/wire.c. */
#ifndef VGPU_WIRE_H
#define VGPU_WIRE_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/virtio_gpu.h>

#include <asm/byteorder.h>

/* Largest EDID on the wire: base block and extensions (virtio 1.3, 5.7.6.8). */
#define VGPU_WIRE_EDID_BYTES	1024

/* Far larger than any known capset; a host that reports a larger one is faulty. */
#define VGPU_WIRE_CAPSET_MAX_BYTES	(64u * 1024)

/* A capset id must fit the masks of the user interface and of CTX_CREATE. */
#define VGPU_WIRE_CAPSET_MAX_ID		63

/* Largest side of a scanout, in pixels. */
#define VGPU_WIRE_SCANOUT_MAX_SIDE	16384

/**
 * struct vgpu_output_info - The answer to GET_DISPLAY_INFO for one scanout
 * @x: preferred left edge, in pixels
 * @y: preferred upper edge, in pixels
 * @width: preferred width, in pixels
 * @height: preferred height, in pixels
 * @enabled: the host shows this scanout to a user
 */
struct vgpu_output_info {
	u32 x, y, width, height;
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

int vgpu_wire_error(u32 type);
int vgpu_wire_display_info(const void *resp, u32 used_bytes, struct vgpu_output_info *info,
			   unsigned int num_scanouts);
int vgpu_wire_edid(const void *resp, u32 used_bytes, u8 *edid, u32 *size_bytes);
int vgpu_wire_capset_info(const void *resp, u32 used_bytes, struct vgpu_capset_info *info);
int vgpu_wire_map_info(const void *resp, u32 used_bytes, u32 *cache);

const char *vgpu_wire_type_name(u32 type);

/*
 * Check the type and the length of a response. Returns 0; an errno of vgpu_wire_error(); or
 * -EPROTO for a response that is too short.
 */
static inline int vgpu_wire_check(const void *resp, u32 used_bytes, u32 want_type, u32 want_bytes)
{
	const struct virtio_gpu_ctrl_hdr *hdr = resp;

	if (used_bytes < sizeof(*hdr))
		return -EPROTO;
	if (hdr->type != cpu_to_le32(want_type))
		return vgpu_wire_error(le32_to_cpu(hdr->type));
	return used_bytes < want_bytes ? -EPROTO : 0;
}

/* Check whether a response has the fence of its request (virtio 1.3, 5.7.6.7): 0 or -EPROTO. */
static inline int vgpu_wire_check_fence(const void *req, const void *resp)
{
	const struct virtio_gpu_ctrl_hdr *asked = req, *told = resp;

	if (!(told->flags & cpu_to_le32(VIRTIO_GPU_FLAG_FENCE)))
		return -EPROTO;
	return told->fence_id == asked->fence_id ? 0 : -EPROTO;
}

static inline struct virtio_gpu_rect vgpu_wire_rect(u32 x, u32 y, u32 width, u32 height)
{
	return (struct virtio_gpu_rect){
		.x = cpu_to_le32(x),
		.y = cpu_to_le32(y),
		.width = cpu_to_le32(width),
		.height = cpu_to_le32(height),
	};
}

#endif
