// SPDX-License-Identifier: MIT
/* Decoding gives checked values or an errno; encoding is little-endian. */
#include <kunit/test.h>

#include <linux/slab.h>
#include <linux/string.h>

#include "protocol/vgpu_wire.h"

#define HDR_BYTES	((u32)sizeof(struct virtio_gpu_ctrl_hdr))

static void vgpu_wire_test_check_types(struct kunit *test)
{
	static const struct {
		u32 type;
		int ret;
	} answers[] = {
		{ VIRTIO_GPU_RESP_OK_NODATA, 0 },
		{ VIRTIO_GPU_RESP_OK_DISPLAY_INFO, -EPROTO },
		{ VIRTIO_GPU_RESP_OK_MAP_INFO, -EPROTO },
		{ VIRTIO_GPU_RESP_ERR_UNSPEC, -EIO },
		{ VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, -ENOMEM },
		{ VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, -ENOENT },
		{ VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, -ENOENT },
		{ VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, -ENOENT },
		{ VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, -EINVAL },
		{ VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER + 1, -EPROTO },
		{ VIRTIO_GPU_CMD_GET_DISPLAY_INFO, -EPROTO },
		{ 0, -EPROTO },
		{ U32_MAX, -EPROTO },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		struct virtio_gpu_ctrl_hdr hdr = { .type = cpu_to_le32(answers[i].type) };

		KUNIT_EXPECT_EQ_MSG(test, answers[i].ret,
				    vgpu_wire_check(&hdr, HDR_BYTES,
						    VIRTIO_GPU_RESP_OK_NODATA, HDR_BYTES),
				    "type 0x%x", answers[i].type);
	}
}

/* If a response is too short, even its type is not used. */
static void vgpu_wire_test_check_lengths(struct kunit *test)
{
	const u32 ok = VIRTIO_GPU_RESP_OK_NODATA;
	struct virtio_gpu_ctrl_hdr hdr = { .type = cpu_to_le32(ok) };
	struct virtio_gpu_ctrl_hdr err = { .type = cpu_to_le32(VIRTIO_GPU_RESP_ERR_UNSPEC) };
	u32 used;

	for (used = 0; used < HDR_BYTES; used++) {
		KUNIT_EXPECT_EQ(test, -EPROTO, vgpu_wire_check(&hdr, used, ok, HDR_BYTES));
		KUNIT_EXPECT_EQ(test, -EPROTO, vgpu_wire_check(&err, used, ok, HDR_BYTES));
	}
	KUNIT_EXPECT_EQ(test, -EPROTO, vgpu_wire_check(&hdr, HDR_BYTES, ok, HDR_BYTES + 1));
	KUNIT_EXPECT_EQ(test, 0, vgpu_wire_check(&hdr, HDR_BYTES + 1, ok, HDR_BYTES + 1));
}

static void vgpu_wire_test_check_fence(struct kunit *test)
{
	struct virtio_gpu_ctrl_hdr req = {
		.flags = cpu_to_le32(VIRTIO_GPU_FLAG_FENCE),
		.fence_id = cpu_to_le64(0x1122334455667788),
	};
	struct virtio_gpu_ctrl_hdr resp = req;

	KUNIT_EXPECT_EQ(test, 0, vgpu_wire_check_fence(&req, &resp));
	/* The driver ignores other flags of the response. */
	resp.flags |= cpu_to_le32(VIRTIO_GPU_FLAG_INFO_RING_IDX);
	KUNIT_EXPECT_EQ(test, 0, vgpu_wire_check_fence(&req, &resp));
	resp.fence_id = cpu_to_le64(0x1122334455667789);
	KUNIT_EXPECT_EQ(test, -EPROTO, vgpu_wire_check_fence(&req, &resp));
	resp = req;
	resp.flags = 0;
	KUNIT_EXPECT_EQ(test, -EPROTO, vgpu_wire_check_fence(&req, &resp));
}

static void set_output(struct virtio_gpu_resp_display_info *resp, unsigned int i,
		       u32 w, u32 h, u32 enabled)
{
	resp->pmodes[i].r.x = cpu_to_le32(100 * i);
	resp->pmodes[i].r.y = cpu_to_le32(i);
	resp->pmodes[i].r.width = cpu_to_le32(w);
	resp->pmodes[i].r.height = cpu_to_le32(h);
	resp->pmodes[i].enabled = cpu_to_le32(enabled);
}

static void vgpu_wire_test_display_info(struct kunit *test)
{
	struct virtio_gpu_resp_display_info *resp =
		kunit_kzalloc(test, sizeof(*resp), GFP_KERNEL);
	struct vgpu_output_info info[VIRTIO_GPU_MAX_SCANOUTS] = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, resp);
	resp->hdr.type = cpu_to_le32(VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	set_output(resp, 0, 1024, 768, 1);
	set_output(resp, 1, 1024, 768, 0);
	set_output(resp, 2, 0, 768, 1);
	set_output(resp, 3, 1024, 0, 1);
	set_output(resp, 4, VGPU_WIRE_SCANOUT_MAX_SIDE, VGPU_WIRE_SCANOUT_MAX_SIDE, 1);
	set_output(resp, 5, VGPU_WIRE_SCANOUT_MAX_SIDE + 1, 768, 1);
	set_output(resp, 6, U32_MAX, U32_MAX, 1);
	set_output(resp, 7, 640, 480, 0x80000000);
	set_output(resp, 8, 640, 16200000, 0);

	KUNIT_ASSERT_EQ(test, 0, vgpu_wire_display_info(resp, sizeof(*resp), info, 9));
	KUNIT_EXPECT_TRUE(test, info[0].enabled);
	KUNIT_EXPECT_EQ(test, info[0].width, 1024);
	KUNIT_EXPECT_EQ(test, info[0].height, 768);
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_FALSE_MSG(test, info[i].enabled, "output %u", i);
	KUNIT_EXPECT_TRUE(test, info[4].enabled);
	KUNIT_EXPECT_EQ(test, info[4].x, 400);
	KUNIT_EXPECT_EQ(test, info[4].y, 4);
	KUNIT_EXPECT_FALSE(test, info[5].enabled);
	KUNIT_EXPECT_FALSE(test, info[6].enabled);
	KUNIT_EXPECT_TRUE(test, info[7].enabled);

	/* A disabled output keeps a size that it can have, and no other. */
	KUNIT_EXPECT_EQ(test, info[1].width, 1024);
	KUNIT_EXPECT_EQ(test, info[8].width, 0);
	KUNIT_EXPECT_EQ(test, info[8].height, 0);

	/* The caller asked for fewer outputs, so this one is not filled in. */
	KUNIT_EXPECT_EQ(test, info[9].x, 0);
}

/* An error reply must change no output, so that nothing looks unplugged. */
static void vgpu_wire_test_display_info_error(struct kunit *test)
{
	struct virtio_gpu_resp_display_info *resp =
		kunit_kzalloc(test, sizeof(*resp), GFP_KERNEL);
	struct vgpu_output_info before, info;

	KUNIT_ASSERT_NOT_NULL(test, resp);
	memset(&before, 0x5a, sizeof(before));
	info = before;
	resp->hdr.type = cpu_to_le32(VIRTIO_GPU_RESP_ERR_UNSPEC);
	KUNIT_EXPECT_EQ(test, -EIO, vgpu_wire_display_info(resp, HDR_BYTES, &info, 1));
	resp->hdr.type = cpu_to_le32(VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	KUNIT_EXPECT_EQ(test, -EPROTO,
			vgpu_wire_display_info(resp, sizeof(*resp) - 1, &info, 1));
	KUNIT_EXPECT_MEMEQ(test, &info, &before, sizeof(info));
}

static void vgpu_wire_test_edid(struct kunit *test)
{
	const u32 head = offsetof(struct virtio_gpu_resp_edid, edid);
	static const struct {
		u32 size;
		s32 slack;
		int ret;
	} answers[] = {
		{ 0, 0, 0 },
		{ 128, 0, 0 },
		{ 256, 0, 0 },
		{ VGPU_WIRE_EDID_BYTES, 0, 0 },
		{ 128, 200, 0 },
		{ 127, 0, -EPROTO },
		{ 129, 0, -EPROTO },
		{ 128, -1, -EPROTO },
		{ 0, -1, -EPROTO },
		{ VGPU_WIRE_EDID_BYTES + 128, 0, -EPROTO },
		{ 0x80000000, 0, -EPROTO },
		{ U32_MAX - 127, 0, -EPROTO },
	};
	struct virtio_gpu_resp_edid *resp = kunit_kzalloc(test, sizeof(*resp), GFP_KERNEL);
	u8 *edid = kunit_kzalloc(test, VGPU_WIRE_EDID_BYTES, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, resp);
	KUNIT_ASSERT_NOT_NULL(test, edid);
	resp->hdr.type = cpu_to_le32(VIRTIO_GPU_RESP_OK_EDID);
	for (i = 0; i < sizeof(resp->edid); i++)
		resp->edid[i] = i * 7;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		u32 used = min_t(u64, (u64)head + answers[i].size + answers[i].slack,
				 sizeof(*resp));
		u32 size = 4711;

		resp->size = cpu_to_le32(answers[i].size);
		KUNIT_EXPECT_EQ_MSG(test, answers[i].ret,
				    vgpu_wire_edid(resp, used, edid, &size),
				    "size %u, %u used", answers[i].size, used);
		KUNIT_EXPECT_EQ(test, size, answers[i].ret ? 4711 : answers[i].size);
		if (!answers[i].ret)
			KUNIT_EXPECT_MEMEQ(test, edid, resp->edid, size);
	}
}

static void vgpu_wire_test_capset_info(struct kunit *test)
{
	static const struct {
		u32 id;
		u32 size;
		int ret;
	} answers[] = {
		{ 1, 308, 0 },
		{ 63, 0, 0 },
		{ 2, VGPU_WIRE_CAPSET_MAX_BYTES, 0 },
		{ 0, 308, -EPROTO },
		{ 64, 308, -EPROTO },
		{ U32_MAX, 308, -EPROTO },
		{ 1, VGPU_WIRE_CAPSET_MAX_BYTES + 1, -EPROTO },
		{ 1, U32_MAX, -EPROTO },
	};
	struct virtio_gpu_resp_capset_info resp = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_RESP_OK_CAPSET_INFO),
		.capset_max_version = cpu_to_le32(3),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		struct vgpu_capset_info info = { .id = 4711 };

		resp.capset_id = cpu_to_le32(answers[i].id);
		resp.capset_max_size = cpu_to_le32(answers[i].size);
		KUNIT_EXPECT_EQ_MSG(test, answers[i].ret,
				    vgpu_wire_capset_info(&resp, sizeof(resp), &info),
				    "id %u, size %u", answers[i].id, answers[i].size);
		KUNIT_EXPECT_EQ(test, info.id, answers[i].ret ? 4711 : answers[i].id);
		if (answers[i].ret)
			continue;
		KUNIT_EXPECT_EQ(test, info.max_version, 3);
		KUNIT_EXPECT_EQ(test, info.max_bytes, answers[i].size);
	}
}

static void vgpu_wire_test_map_info(struct kunit *test)
{
	static const struct {
		u32 info;
		u32 cache;
		int ret;
	} answers[] = {
		{ VIRTIO_GPU_MAP_CACHE_NONE, VIRTIO_GPU_MAP_CACHE_CACHED, 0 },
		{ VIRTIO_GPU_MAP_CACHE_CACHED, VIRTIO_GPU_MAP_CACHE_CACHED, 0 },
		{ VIRTIO_GPU_MAP_CACHE_UNCACHED, VIRTIO_GPU_MAP_CACHE_UNCACHED, 0 },
		{ VIRTIO_GPU_MAP_CACHE_WC, VIRTIO_GPU_MAP_CACHE_WC, 0 },
		/* Bits above the mask have no meaning for the driver. */
		{ 0xabcd0000 | VIRTIO_GPU_MAP_CACHE_WC, VIRTIO_GPU_MAP_CACHE_WC, 0 },
		{ 4, 0, -EPROTO },
		{ 15, 0, -EPROTO },
	};
	struct virtio_gpu_resp_map_info resp = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_RESP_OK_MAP_INFO),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		u32 cache = 0;

		resp.map_info = (__force __u32)cpu_to_le32(answers[i].info);
		KUNIT_EXPECT_EQ_MSG(test, answers[i].ret,
				    vgpu_wire_map_info(&resp, sizeof(resp), &cache),
				    "map info 0x%x", answers[i].info);
		KUNIT_EXPECT_EQ(test, cache, answers[i].cache);
	}
}

/* The byte order of the wire does not depend on that of the machine. */
static void vgpu_wire_test_rect_is_little_endian(struct kunit *test)
{
	static const u8 rect_bytes[] = {
		0x04, 0x03, 0x02, 0x01, 0x08, 0x07, 0x06, 0x05,
		0x0c, 0x0b, 0x0a, 0x09, 0x10, 0x0f, 0x0e, 0x0d,
	};
	const struct virtio_gpu_rect wire = vgpu_wire_rect(0x01020304, 0x05060708,
							   0x090a0b0c, 0x0d0e0f10);

	KUNIT_EXPECT_MEMEQ(test, (u8 *)&wire, rect_bytes, sizeof(rect_bytes));
}

static void vgpu_wire_test_type_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(VIRTIO_GPU_CMD_GET_DISPLAY_INFO),
			   "GET_DISPLAY_INFO");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB),
			   "SET_SCANOUT_BLOB");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(VIRTIO_GPU_CMD_CTX_CREATE), "CTX_CREATE");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB),
			   "RESOURCE_UNMAP_BLOB");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(VIRTIO_GPU_CMD_MOVE_CURSOR), "MOVE_CURSOR");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(0), "unknown");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(VIRTIO_GPU_CMD_MOVE_CURSOR + 1), "unknown");
	KUNIT_EXPECT_STREQ(test, vgpu_wire_type_name(U32_MAX), "unknown");
}

static struct kunit_case vgpu_wire_test_cases[] = {
	KUNIT_CASE(vgpu_wire_test_check_types),
	KUNIT_CASE(vgpu_wire_test_check_lengths),
	KUNIT_CASE(vgpu_wire_test_check_fence),
	KUNIT_CASE(vgpu_wire_test_display_info),
	KUNIT_CASE(vgpu_wire_test_display_info_error),
	KUNIT_CASE(vgpu_wire_test_edid),
	KUNIT_CASE(vgpu_wire_test_capset_info),
	KUNIT_CASE(vgpu_wire_test_map_info),
	KUNIT_CASE(vgpu_wire_test_rect_is_little_endian),
	KUNIT_CASE(vgpu_wire_test_type_names),
	{}
};

static struct kunit_suite vgpu_wire_test_suite = {
	.name = "vgpu_wire",
	.test_cases = vgpu_wire_test_cases,
};

kunit_test_suite(vgpu_wire_test_suite);
