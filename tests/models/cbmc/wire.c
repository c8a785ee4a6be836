// SPDX-License-Identifier: MIT
/*
 * cbmc: the responses of the device, of any length and content.
 *
 * Each response lies in an object that is as long as the device says it wrote, so a read of a byte
 * that the device did not write is an access outside of the object. What the driver takes over is
 * in the ranges that its other parts rely on.
 *
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_wire.h: vgpu_wire_check vgpu_wire_check_fence
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_wire.c: vgpu_wire_display_info vgpu_wire_edid
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_wire.c: vgpu_wire_capset_info vgpu_wire_map_info
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_wire.c: vgpu_wire_type_name
 */
#include "kernel.h"

#include "protocol/vgpu_wire.c"

/* A response of @used_bytes, at most of @max_bytes: vgpu_vq_retire_locked() refuses a longer one. */
static void *response(u32 max_bytes, u32 *used_bytes)
{
	u32 size = nondet_u32();
	void *resp;

	assume(size <= max_bytes);
	resp = malloc(size);
	assume(resp);
	*used_bytes = size;
	return resp;
}

static void check_header(void)
{
	u32 used, want_type = nondet_u32(), want_bytes = nondet_u32();
	void *resp = response(64, &used);
	int ret = vgpu_wire_check(resp, used, want_type, want_bytes);

	assert(ret <= 0);
	if (!ret) {
		assert(used >= sizeof(struct virtio_gpu_ctrl_hdr) && used >= want_bytes);
		assert(((struct virtio_gpu_ctrl_hdr *)resp)->type == want_type);
		if (!vgpu_wire_check_fence(resp, resp))
			assert(((struct virtio_gpu_ctrl_hdr *)resp)->flags & VIRTIO_GPU_FLAG_FENCE);
	}
}

static void check_display_info(void)
{
	u32 used, num = nondet_u32(), i;
	void *resp = response(sizeof(struct virtio_gpu_resp_display_info), &used);
	/* The device has this many scanouts; vgpu_device_discover() bounds the number. */
	struct vgpu_output_info info[VIRTIO_GPU_MAX_SCANOUTS] = {};

	if (vgpu_wire_display_info(resp, used, info, num))
		return;
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		if (i >= num)
			continue;
		assert(info[i].width <= VGPU_WIRE_SCANOUT_MAX_SIDE);
		assert(info[i].height <= VGPU_WIRE_SCANOUT_MAX_SIDE);
		assert(!info[i].width == !info[i].height);
		assert(info[i].width || !info[i].enabled);
	}
}

static void check_edid(void)
{
	u32 used, size = nondet_u32(), old = size;
	void *resp = response(sizeof(struct virtio_gpu_resp_edid), &used);
	u8 edid[VGPU_WIRE_EDID_BYTES];

	if (vgpu_wire_edid(resp, used, edid, &size))
		assert(size == old);
	else
		assert(size <= VGPU_WIRE_EDID_BYTES && !(size % 128));
}

static void check_capset_info(void)
{
	u32 used;
	void *resp = response(sizeof(struct virtio_gpu_resp_capset_info), &used);
	struct vgpu_capset_info info = {};

	if (vgpu_wire_capset_info(resp, used, &info)) {
		assert(!info.id && !info.max_version && !info.max_bytes);
		return;
	}
	/* BIT_ULL(id) is defined, and the size of a GET_CAPSET does not overflow. */
	assert(info.id && info.id < 64 && info.max_bytes <= VGPU_WIRE_CAPSET_MAX_BYTES);
}

static void check_map_info(void)
{
	u32 used, cache = 0;
	void *resp = response(sizeof(struct virtio_gpu_resp_map_info), &used);

	if (!vgpu_wire_map_info(resp, used, &cache))
		assert(cache == VIRTIO_GPU_MAP_CACHE_CACHED ||
		       cache == VIRTIO_GPU_MAP_CACHE_UNCACHED || cache == VIRTIO_GPU_MAP_CACHE_WC);
}

static void check_name(void)
{
	assert(vgpu_wire_type_name(nondet_u32()));
}

int main(void)
{
	check_header();
	check_display_info();
	check_edid();
	check_capset_info();
	check_map_info();
	check_name();
}
