// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: wire
 *
 * These functions check and decode the responses of the device. The driver uses a response only
 * after one of them has accepted it; values out of range become an errno.
 *
 * The functions are pure: they touch what their arguments point to and nothing
 * else, take no locks and run in any context.
 *
 * Models in tests/models/: cbmc/wire.c.
 */

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "protocol/vgpu_wire.h"

static_assert(sizeof(struct virtio_gpu_resp_edid) == 32 + VGPU_WIRE_EDID_BYTES);

/**
 * vgpu_wire_error() - Translate a response that is not the expected one
 * @type: VIRTIO_GPU_RESP_*
 *
 * Virtio 1.3, 5.7.6.7.
 *
 * Context: any.
 * Return: -ENOMEM, -ENOENT, -EINVAL or -EIO for the device's own errors; -EPROTO for a response of
 * another or an unknown type.
 */
int vgpu_wire_error(u32 type)
{
	switch (type) {
	case VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY:
		return -ENOMEM;
	case VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID:
	case VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID:
	case VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID:
		return -ENOENT;
	case VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER:
		return -EINVAL;
	case VIRTIO_GPU_RESP_ERR_UNSPEC:
		return -EIO;
	default:
		return -EPROTO;
	}
}

/**
 * vgpu_wire_display_info() - Decode the response to GET_DISPLAY_INFO
 * @resp: the response
 * @used_bytes: number of bytes that the device wrote
 * @info: one entry for each scanout, filled in; untouched on error
 * @num_scanouts: at most VIRTIO_GPU_MAX_SCANOUTS
 *
 * If a side is 0 or more than VGPU_WIRE_SCANOUT_MAX_SIDE, the scanout counts as disabled, and its
 * size as unknown: an administrator may force it on, and the core divides by what it computes from
 * a size.
 *
 * Context: any.
 * Return: 0, or an errno of vgpu_wire_check().
 */
int vgpu_wire_display_info(const void *resp, u32 used_bytes, struct vgpu_output_info *info,
			   unsigned int num_scanouts)
{
	const struct virtio_gpu_resp_display_info *di = resp;
	unsigned int i;
	int ret;

	ret = vgpu_wire_check(resp, used_bytes, VIRTIO_GPU_RESP_OK_DISPLAY_INFO, sizeof(*di));
	if (ret)
		return ret;

	for (i = 0; i < min(num_scanouts, VIRTIO_GPU_MAX_SCANOUTS); i++) {
		const struct virtio_gpu_display_one *one = &di->pmodes[i];
		u32 w = le32_to_cpu(one->r.width), h = le32_to_cpu(one->r.height);
		bool has_size = w && h && max(w, h) <= VGPU_WIRE_SCANOUT_MAX_SIDE;

		info[i] = (struct vgpu_output_info){
			.x = le32_to_cpu(one->r.x), .y = le32_to_cpu(one->r.y),
			.width = has_size ? w : 0, .height = has_size ? h : 0,
			.enabled = one->enabled && has_size,
		};
	}

	return 0;
}

/**
 * vgpu_wire_edid() - Decode the response to GET_EDID
 * @resp: the response
 * @used_bytes: number of bytes that the device wrote
 * @edid: room for VGPU_WIRE_EDID_BYTES; filled in
 * @size_bytes: set to the size of the EDID, a multiple of 128; may be 0
 *
 * Only the size is checked here; the EDID parser checks the content.
 *
 * Context: any.
 * Return: 0, -EPROTO for an impossible size, or an errno of vgpu_wire_check().
 */
int vgpu_wire_edid(const void *resp, u32 used_bytes, u8 *edid, u32 *size_bytes)
{
	const struct virtio_gpu_resp_edid *e = resp;
	u32 size;
	int ret;

	ret = vgpu_wire_check(resp, used_bytes, VIRTIO_GPU_RESP_OK_EDID,
			      offsetof(struct virtio_gpu_resp_edid, edid));
	if (ret)
		return ret;

	size = le32_to_cpu(e->size);
	if (size > VGPU_WIRE_EDID_BYTES || size % 128 ||
	    used_bytes < offsetof(struct virtio_gpu_resp_edid, edid) + size)
		return -EPROTO;

	memcpy(edid, e->edid, size);
	*size_bytes = size;
	return 0;
}

/**
 * vgpu_wire_capset_info() - Decode the response to GET_CAPSET_INFO
 * @resp: the response
 * @used_bytes: number of bytes that the device wrote
 * @info: filled in; untouched on error
 *
 * Context: any.
 * Return: 0, -EPROTO for an id or a size out of range, or an errno of
 * vgpu_wire_check().
 */
int vgpu_wire_capset_info(const void *resp, u32 used_bytes, struct vgpu_capset_info *info)
{
	const struct virtio_gpu_resp_capset_info *ci = resp;
	u32 id, size;
	int ret;

	ret = vgpu_wire_check(resp, used_bytes, VIRTIO_GPU_RESP_OK_CAPSET_INFO, sizeof(*ci));
	if (ret)
		return ret;

	id = le32_to_cpu(ci->capset_id);
	size = le32_to_cpu(ci->capset_max_size);
	if (!id || id > VGPU_WIRE_CAPSET_MAX_ID || size > VGPU_WIRE_CAPSET_MAX_BYTES)
		return -EPROTO;

	info->id = id;
	info->max_version = le32_to_cpu(ci->capset_max_version);
	info->max_bytes = size;
	return 0;
}

/**
 * vgpu_wire_map_info() - Decode the response to RESOURCE_MAP_BLOB
 * @resp: the response
 * @used_bytes: number of bytes that the device wrote
 * @cache: set to VIRTIO_GPU_MAP_CACHE_*; to CACHED if the device names no caching mode
 *
 * Context: any.
 * Return: 0, -EPROTO for an unknown caching mode, or an errno of
 * vgpu_wire_check().
 */
int vgpu_wire_map_info(const void *resp, u32 used_bytes, u32 *cache)
{
	const struct virtio_gpu_resp_map_info *mi = resp;
	u32 mode;
	int ret;

	ret = vgpu_wire_check(resp, used_bytes, VIRTIO_GPU_RESP_OK_MAP_INFO, sizeof(*mi));
	if (ret)
		return ret;
	mode = le32_to_cpu((__force __le32)mi->map_info) & VIRTIO_GPU_MAP_CACHE_MASK;
	if (mode > VIRTIO_GPU_MAP_CACHE_WC)
		return -EPROTO;
	*cache = mode == VIRTIO_GPU_MAP_CACHE_NONE ? VIRTIO_GPU_MAP_CACHE_CACHED : mode;
	return 0;
}

/**
 * vgpu_wire_type_name() - Get the name of a command for the log
 * @type: VIRTIO_GPU_CMD_*
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *vgpu_wire_type_name(u32 type)
{
	static const char * const names[][14] = {
		[1] = {
			"GET_DISPLAY_INFO", "RESOURCE_CREATE_2D", "RESOURCE_UNREF", "SET_SCANOUT",
			"RESOURCE_FLUSH", "TRANSFER_TO_HOST_2D", "RESOURCE_ATTACH_BACKING",
			"RESOURCE_DETACH_BACKING", "GET_CAPSET_INFO", "GET_CAPSET", "GET_EDID",
			"RESOURCE_ASSIGN_UUID", "RESOURCE_CREATE_BLOB", "SET_SCANOUT_BLOB",
		},
		[2] = {
			"CTX_CREATE", "CTX_DESTROY", "CTX_ATTACH_RESOURCE", "CTX_DETACH_RESOURCE",
			"RESOURCE_CREATE_3D", "TRANSFER_TO_HOST_3D", "TRANSFER_FROM_HOST_3D",
			"SUBMIT_3D", "RESOURCE_MAP_BLOB", "RESOURCE_UNMAP_BLOB",
		},
		[3] = { "UPDATE_CURSOR", "MOVE_CURSOR" },
	};
	u32 kind = type >> 8, idx = type & 0xff;

	if (kind >= ARRAY_SIZE(names) || idx >= ARRAY_SIZE(names[kind]))
		return "unknown";
	return names[kind][idx] ?: "unknown";
}
