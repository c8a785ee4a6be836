// SPDX-License-Identifier: MIT
/* Requests that are right, and what they do. */
#include <stdlib.h>

#include <linux/virtio_config.h>

#include "guest.h"
#include "test.h"
#include "toy3d.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA

static u32 words(struct guest *g, u32 type, u32 ctx, const u32 *w, u32 n,
		 struct guest_reply *r)
{
	u8 req[128] = { 0 };
	struct wire_hdr h = { .type = type, .ctx_id = ctx };

	wire_hdr_put(req, &h);
	for (u32 i = 0; i < n; i++)
		put_le32(req + 24 + 4 * i, w[i]);
	return guest_send(g, req, 24 + 4 * n, r);
}

static void command_test_display_info(void)
{
	struct guest *g = guest_create(0);
	struct guest_reply r;

	g->d.display.out[1].mode = (struct rect){ 1024, 5, 640, 480 };
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0, NULL, 0, &r),
		 VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(r.used, 408);
	CHECK_EQ(get_le32(r.bytes + 24 + 8), 1024);
	CHECK_EQ(get_le32(r.bytes + 24 + 16), 1);
	CHECK_EQ(get_le32(r.bytes + 48 + 0), 1024);
	CHECK_EQ(get_le32(r.bytes + 48 + 4), 5);
	CHECK_EQ(get_le32(r.bytes + 48 + 12), 480);
	CHECK_EQ(get_le32(r.bytes + 48 + 16), 0);
	CHECK_EQ(get_le32(r.bytes + 72 + 8), 0);
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_GET_EDID, 0, (u32 []){ 1, 0 }, 2, &r),
		 VIRTIO_GPU_RESP_OK_EDID);
	CHECK_EQ(r.used, 1056);
	CHECK_EQ(get_le32(r.bytes + 24), 128);
	CHECK_EQ(r.bytes[32 + 56] | (r.bytes[32 + 58] & 0xf0) << 4, 640);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_capsets(void)
{
	struct guest *g = guest_create(0);
	struct guest_reply r;

	CHECK_EQ(words(g, VIRTIO_GPU_CMD_GET_CAPSET_INFO, 0, (u32 []){ 0, 0 }, 2, &r),
		 VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	CHECK_EQ(get_le32(r.bytes + 24), TOY3D_CAPSET_ID);
	CHECK_EQ(get_le32(r.bytes + 28), TOY3D_VERSION);
	CHECK_EQ(get_le32(r.bytes + 32), sizeof(struct toy3d_caps));
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_GET_CAPSET, 0,
		       (u32 []){ TOY3D_CAPSET_ID, TOY3D_VERSION }, 2, &r),
		 VIRTIO_GPU_RESP_OK_CAPSET);
	CHECK_EQ(r.used, 24 + sizeof(struct toy3d_caps));
	CHECK_EQ(get_le32(r.bytes + 24), TOY3D_MAGIC);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_uuid(void)
{
	struct guest *g = guest_create(0);
	struct guest_reply a, b;

	guest_create_2d(g, 7, 2, 8, 8);
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 0, (u32 []){ 7, 0 }, 2,
		       &a), VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	CHECK_EQ(a.used, 40);
	CHECK_EQ(a.bytes[24 + 6] >> 4, 4);
	CHECK_EQ(a.bytes[24 + 8] >> 6, 2);
	words(g, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 0, (u32 []){ 7, 0 }, 2, &b);
	CHECK(memcmp(a.bytes + 24, b.bytes + 24, 16));
	guest_destroy(g);
}

static void command_test_guest_blob_scanout(void)
{
	struct guest *g = guest_create(0);
	struct output *o = &g->d.display.out[0];
	u32 w[] = { 0, 0, 4, 2, 0, 1, 4, 2, 2, 0, 32, 0, 0, 0, 8, 0, 0, 0 };
	u32 at = (g->alloc + 15) & ~15u;

	CHECK_EQ(guest_blob(g, 0, 1, VIRTIO_GPU_BLOB_MEM_GUEST, 1, 0, 4096, 1), OK);
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, 0, w, 18, NULL), OK);
	put_le32(g->mem + at + 8 + 32 + 4, 0x00c0ffee);
	CHECK_EQ(guest_flush(g, 1, 0, 0, 4, 2), OK);
	CHECK_EQ(o->screen[4 + 1], 0xc0ffee);
	CHECK(guest_bug(g, NULL));
	/* Offset plus rows just fit, then not. */
	w[14] = 4096 - 32 - 16;
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, 0, w, 18, NULL), OK);
	w[14]++;
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, 0, w, 18, NULL),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK(guest_bug(g, "scanout-size"));
	guest_destroy(g);
}

static u32 map(struct guest *g, u32 id, u64 off, struct guest_reply *r)
{
	return words(g, VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, 0,
		     (u32 []){ id, 0, off, off >> 32 }, 4, r);
}

static u32 unmap(struct guest *g, u32 id)
{
	return words(g, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, (u32 []){ id, 0 }, 2,
		     NULL);
}

static void command_test_host_blob(void)
{
	struct guest *g = guest_create(0);
	struct guest_reply r;
	u32 alloc[] = { TOY3D_HDR(TOY3D_OP_ALLOC, 4), 77, 0, 10000, 0 };

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	CHECK_EQ(guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 77, 12288, 0),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK_EQ(guest_submit(g, 1, alloc, 5), OK);
	CHECK_EQ(guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 77, 12288, 0), OK);
	/* The object is spent. */
	CHECK_EQ(guest_blob(g, 1, 2, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 77, 4096, 0),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK_EQ(guest_blob(g, 1, 2, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0), OK);
	CHECK_EQ(map(g, 1, 0, &r), VIRTIO_GPU_RESP_OK_MAP_INFO);
	CHECK_EQ(get_le32(r.bytes + 24), VIRTIO_GPU_MAP_CACHE_CACHED);
	CHECK_EQ(map(g, 2, 12288, &r), VIRTIO_GPU_RESP_OK_MAP_INFO);
	CHECK_EQ(g->shm_maps, 2);
	CHECK_EQ(unmap(g, 1), OK);
	CHECK_EQ(unmap(g, 2), OK);
	CHECK_EQ(g->shm_maps, 0);
	/* Two blobs and two resources, beside the context. */
	CHECK_EQ(g->d.budget.used, 12288 + 4096 + 2 * 4096 + 4096);
	CHECK_EQ(g->d.budget.files, 2);
	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1);
	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 2);
	CHECK_EQ(g->d.budget.used, 4096);
	CHECK_EQ(g->d.budget.files, 0);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_map_waits_for_front_end(void)
{
	struct guest *g = guest_create(0);
	struct guest_reply r;

	guest_ctx(g, 1, 0);
	guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0);
	g->shm = SHM_PENDING;
	CHECK_EQ(map(g, 1, 0, &r), 0);
	device_shm_done(&g->d, g->d.bugs.seq, true);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK_EQ(unmap(g, 1), 0);
	device_shm_done(&g->d, g->d.bugs.seq, true);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK_EQ(map(g, 1, 0, &r), 0);
	device_shm_done(&g->d, g->d.bugs.seq, false);
	CHECK(guest_reap(g, 0, 0, &r));
	g->shm = SHM_FAILED;
	guest_blob(g, 1, 2, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0);
	CHECK_EQ(map(g, 2, 8192, &r), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	guest_destroy(g);
}

static void command_test_transfer_3d(void)
{
	struct guest *g = guest_create(0);
	u32 at = guest_put(g, NULL, 4096), *px = (u32 *)(g->mem + at);
	/* 8x8 with two mip levels */
	u32 make[] = { 1, 2, 2, 0, 8, 8, 1, 1, 1, 0, 0, 0 };
	u32 box[] = { 1, 1, 0, 2, 2, 1, 64, 0, 1, 1, 0, 0 };
	const u32 *host;

	for (int i = 0; i < 1024; i++)
		px[i] = i;
	guest_ctx(g, 1, 0);
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0, make, 12, NULL), OK);
	CHECK_EQ(guest_attach(g, 1, at, 4096), OK);
	CHECK_EQ(guest_ctx_res(g, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 1), OK);
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, box, 12, NULL), OK);
	host = (u32 *)((struct resource *)idmap_find(&g->d.resources, 1))->data + 64;
	CHECK_EQ(host[4 * 1 + 1], 16);
	CHECK_EQ(host[4 * 1 + 2], 17);
	CHECK_EQ(host[4 * 2 + 1], 16 + 4);
	CHECK_EQ(host[4 * 2 + 2], 16 + 5);
	CHECK_EQ(host[0], 0);
	box[10] = 32;	/* stride in guest memory */
	box[6] = 2048;
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 1, box, 12, NULL), OK);
	CHECK_EQ(px[512], 16);
	CHECK_EQ(px[512 + 8], 20);
	/* What a user can get wrong is no guest bug. */
	box[3] = 4;
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, box, 12, NULL),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	box[3] = 2;
	box[6] = 4090;
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, box, 12, NULL),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	box[9] = 2;
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, box, 12, NULL),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK_EQ(g->d.bugs.user, 3);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_transfer_blob(void)
{
	struct guest *g = guest_create(0);
	u32 at = (g->alloc + 15) & ~15u;
	u32 box[] = { 4, 0, 0, 8, 2, 1, 100, 0, 1, 0, 50, 0 };
	u32 huge[] = { 0, 0, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0, 1, 0, 1, 1 };
	const u8 *host;

	guest_ctx(g, 1, 0);
	CHECK_EQ(guest_submit(g, 1, (u32 []){ TOY3D_HDR(TOY3D_OP_ALLOC, 4), 9, 0, 4096, 0 }, 5),
		 OK);
	at = (g->alloc + 15) & ~15u;
	CHECK_EQ(guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST, 1, 9, 4096, 1),
		 OK);
	CHECK_EQ(guest_ctx_res(g, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 1), OK);
	memcpy(g->mem + at + 100, "ABCDEFGH", 8);
	memcpy(g->mem + at + 150, "abcdefgh", 8);
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, box, 12, NULL), OK);
	host = ((struct resource *)idmap_find(&g->d.resources, 1))->data;
	CHECK(!memcmp(host + 104, "ABCDEFGH", 8));
	CHECK(!memcmp(host + 154, "abcdefgh", 8));
	CHECK_EQ(words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 1, huge, 12, NULL),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_limits(void)
{
	struct guest *g = guest_create(0);

	/* Three pages of pixels, two of resources, one for requests under way. */
	g->d.budget.limit = 6 * 4096;
	device_start(&g->d);
	CHECK_EQ(guest_create_2d(g, 1, 2, 50, 50), OK);
	CHECK_EQ(guest_create_2d(g, 2, 2, 1, 1), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	CHECK_EQ(guest_create_2d(g, 3, 2, 0x80000000, 0x80000000),
		 VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	CHECK_EQ(guest_create_2d(g, 3, 2, UINT32_MAX, UINT32_MAX),
		 VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	CHECK_EQ(guest_create_2d(g, 3, 5, 1, 1), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK_EQ(guest_create_2d(g, 3, 2, 0, 1), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1);
	CHECK_EQ(guest_create_2d(g, 2, 2, 50, 50), OK);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_config(void)
{
	struct guest *g = guest_create(0);
	u8 bytes[24];

	CHECK(device_output(&g->d, 0, "800x600"));
	CHECK(!device_output(&g->d, 2, "800x600"));
	CHECK(!device_output(&g->d, 0, "5000x600"));
	device_config_read(&g->d, 0, bytes, 24);
	CHECK_EQ(get_le32(bytes), VIRTIO_GPU_EVENT_DISPLAY);
	CHECK_EQ(get_le32(bytes + 8), 2);
	CHECK_EQ(get_le32(bytes + 12), 1);
	CHECK_EQ(get_le32(bytes + 20), 0);
	/* As QEMU writes it: everything, with events_clear changed. */
	put_le32(bytes + 4, VIRTIO_GPU_EVENT_DISPLAY);
	device_config_write(&g->d, 0, bytes, 24);
	device_config_read(&g->d, 0, bytes, 24);
	CHECK_EQ(get_le32(bytes), 0);
	CHECK(guest_bug(g, NULL));
	put_le32(bytes, 1);
	device_config_write(&g->d, 0, bytes, 4);
	CHECK(guest_bug(g, "config-write"));
	device_config_write(&g->d, 8, bytes, 4);
	CHECK(guest_bug(g, "config-write"));
	put_le32(bytes, 6);
	device_config_write(&g->d, 4, bytes, 4);
	CHECK(guest_bug(g, "events-clear"));
	device_config_read(&g->d, UINT32_MAX, bytes, 4);
	CHECK_EQ(get_le32(bytes), 0);
	guest_destroy(g);
}

static void command_test_reset(void)
{
	struct guest *g = guest_create(0);
	struct guest_reply r;

	guest_ctx(g, 1, 0);
	guest_create_2d(g, 1, 2, 8, 8);
	guest_scanout(g, 0, 1, 8, 8);
	guest_blob(g, 1, 2, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0);
	map(g, 2, 0, &r);
	device_reset(&g->d);
	CHECK_EQ(g->d.resources.count, 0);
	CHECK_EQ(g->d.contexts.count, 0);
	CHECK_EQ(g->d.hostmem.n, 0);
	CHECK_EQ(g->d.budget.used, 0);
	CHECK_EQ(g->shm_maps, 0);
	CHECK(!g->d.display.out[0].res);
	/* The ids are free again. */
	CHECK_EQ(guest_create_2d(g, 1, 2, 8, 8), OK);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void command_test_features(void)
{
	struct guest *g = guest_create(0);

	device_set_features(&g->d, BIT64(VIRTIO_F_VERSION_1) | BIT64(40));
	CHECK(guest_bug(g, "feature-not-offered"));
	device_set_features(&g->d, BIT64(VIRTIO_GPU_F_EDID));
	CHECK(guest_bug(g, "version-1"));
	device_set_features(&g->d, BIT64(VIRTIO_F_VERSION_1) |
			    BIT64(VIRTIO_GPU_F_CONTEXT_INIT));
	CHECK(guest_bug(g, "feature-dependency"));
	/* What is not offered cannot be accepted. */
	g->d.opt.features = 0;
	device_set_features(&g->d, 0);
	CHECK(guest_bug(g, NULL));
	/* And what is useless without another feature is not offered without it. */
	g->d.opt.features = BIT64(VIRTIO_GPU_F_CONTEXT_INIT) |
			    BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT) | BIT64(VIRTIO_GPU_F_EDID);
	device_start(&g->d);
	CHECK_EQ(g->d.opt.features, BIT64(VIRTIO_GPU_F_EDID));
	CHECK_EQ(g->d.config.blob_alignment, 0);
	guest_destroy(g);
}

static void command_test_trace_requests(void)
{
	struct guest *g = guest_create(0);
	char *text = NULL;
	size_t len;

	g->d.trace.out = open_memstream(&text, &len);
	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 9);
	fflush(g->d.trace.out);
	CHECK(strstr(text, "\"ev\":\"cmd\"") && !strstr(text, "\"room\""));
	g->d.trace.requests = true;
	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 9);
	fflush(g->d.trace.out);
	CHECK(strstr(text, "\"room\":2048,\"bytes\":\"02010000"
		     "0000000000000000000000000000000000000000" "0900000000000000\"}\n"));
	guest_destroy(g);
	free(text);
}

const struct test_case command_tests[] = {
	TEST(command_test_display_info),
	TEST(command_test_capsets),
	TEST(command_test_uuid),
	TEST(command_test_guest_blob_scanout),
	TEST(command_test_host_blob),
	TEST(command_test_map_waits_for_front_end),
	TEST(command_test_transfer_3d),
	TEST(command_test_transfer_blob),
	TEST(command_test_limits),
	TEST(command_test_config),
	TEST(command_test_reset),
	TEST(command_test_features),
	TEST(command_test_trace_requests),
	{ 0 },
};
