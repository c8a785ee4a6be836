// SPDX-License-Identifier: MIT
/*
 * Every rule of the specification the device knows, broken once: the right
 * rule is reported, and the right error comes back.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "guest.h"
#include "test.h"
#include "toy3d.h"

#define CMD(x) VIRTIO_GPU_CMD_##x
#define ERR(x) VIRTIO_GPU_RESP_ERR_##x
#define OK VIRTIO_GPU_RESP_OK_NODATA
#define W(...) { __VA_ARGS__ }, sizeof((u32 []){ __VA_ARGS__ }) / 4

/*
 * The device all of these meet: resource 1 is 16x16 with backing, shown on
 * output 0; 2 is 16x16 without; 3 is a guest blob with backing; 4 a mapped host
 * blob, 5 a host blob that may not be mapped, 6 one that may; 7 is 3D with
 * backing; context 1 has 7 attached, context 2 nothing.
 */
struct broken {
	const char *rule;
	u32 resp;
	u32 type, ctx;
	u32 w[24];
	u32 n;
};

static const struct broken cases[] = {
	{ "unknown-type", ERR(UNSPEC), 0x777, 0, W(0) },
	{ "request-long", VIRTIO_GPU_RESP_OK_DISPLAY_INFO, CMD(GET_DISPLAY_INFO), 0, W(0) },
	{ "request-short", ERR(UNSPEC), CMD(GET_EDID), 0, W(0) },
	{ "padding", VIRTIO_GPU_RESP_OK_EDID, CMD(GET_EDID), 0, W(0, 1) },
	{ "scanout-range", ERR(INVALID_SCANOUT_ID), CMD(GET_EDID), 0, W(2, 0) },
	{ "capset-index", ERR(INVALID_PARAMETER), CMD(GET_CAPSET_INFO), 0, W(1, 0) },
	{ "capset-id", ERR(INVALID_PARAMETER), CMD(GET_CAPSET), 0, W(1, 1) },
	{ "capset-version", ERR(INVALID_PARAMETER), CMD(GET_CAPSET), 0,
	  W(TOY3D_CAPSET_ID, 2) },
	{ "wrong-queue", ERR(UNSPEC), CMD(MOVE_CURSOR), 0, W(0, 0, 0, 0, 0, 0, 0, 0) },
	/* resources */
	{ "resource-zero", ERR(INVALID_RESOURCE_ID), CMD(RESOURCE_CREATE_2D), 0,
	  W(0, 2, 8, 8) },
	{ "resource-exists", ERR(INVALID_RESOURCE_ID), CMD(RESOURCE_CREATE_2D), 0,
	  W(1, 2, 8, 8) },
	{ "resource-exists", ERR(INVALID_RESOURCE_ID), CMD(RESOURCE_CREATE_3D), 0,
	  W(3, 2, 2, 0, 8, 8, 1, 1, 0, 0, 0, 0) },
	{ "resource-id", ERR(INVALID_RESOURCE_ID), CMD(RESOURCE_UNREF), 0, W(99, 0) },
	{ "unref-scanout", OK, CMD(RESOURCE_UNREF), 0, W(1, 0) },
	{ "unref-mapped", OK, CMD(RESOURCE_UNREF), 0, W(4, 0) },
	{ "resource-id", ERR(INVALID_RESOURCE_ID), CMD(RESOURCE_ASSIGN_UUID), 0,
	  W(99, 0) },
	/* backing; entries are address, length, padding */
	{ "resource-id", ERR(INVALID_RESOURCE_ID), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(99, 1, 0x40000000, 0, 1024, 0) },
	{ "backing-twice", ERR(UNSPEC), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(1, 1, 0x40000000, 0, 1024, 0) },
	{ "backing-host", ERR(INVALID_PARAMETER), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(6, 1, 0x40000000, 0, 4096, 0) },
	{ "backing-empty", OK, CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, 0) },
	{ "entries-length", ERR(INVALID_PARAMETER), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, 2, 0x40000000, 0, 1024, 0) },
	{ "entries-length", ERR(INVALID_PARAMETER), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, UINT32_MAX, 0x40000000, 0, 1024, 0) },
	{ "entry-empty", ERR(INVALID_PARAMETER), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, 1, 0x40000000, 0, 0, 0) },
	{ "entry-address", ERR(INVALID_PARAMETER), CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, 1, 0x403ffff0, 0, 1024, 0) },
	{ "padding", OK, CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, 1, 0x40000000, 0, 1024, 1) },
	{ "backing-small", OK, CMD(RESOURCE_ATTACH_BACKING), 0,
	  W(2, 1, 0x40000000, 0, 1023, 0) },
	{ "backing-none", ERR(UNSPEC), CMD(RESOURCE_DETACH_BACKING), 0, W(2, 0) },
	/* 2D transfers: x y w h offset offset res padding */
	{ "transfer-no-backing", ERR(UNSPEC), CMD(TRANSFER_TO_HOST_2D), 0,
	  W(0, 0, 1, 1, 0, 0, 2, 0) },
	{ "transfer-rect", ERR(INVALID_PARAMETER), CMD(TRANSFER_TO_HOST_2D), 0,
	  W(1, 0, 16, 1, 0, 0, 1, 0) },
	{ "transfer-rect", ERR(INVALID_PARAMETER), CMD(TRANSFER_TO_HOST_2D), 0,
	  W(0, UINT32_MAX, 1, 2, 0, 0, 1, 0) },
	{ "transfer-backing", ERR(INVALID_PARAMETER), CMD(TRANSFER_TO_HOST_2D), 0,
	  W(0, 0, 16, 16, 4, 0, 1, 0) },
	{ "transfer-backing", ERR(INVALID_PARAMETER), CMD(TRANSFER_TO_HOST_2D), 0,
	  W(0, 0, 1, 1, UINT32_MAX, UINT32_MAX, 1, 0) },
	{ "transfer-kind", ERR(INVALID_PARAMETER), CMD(TRANSFER_TO_HOST_2D), 0,
	  W(0, 0, 1, 1, 0, 0, 7, 0) },
	/* scanouts: x y w h scanout res */
	{ "scanout-range", ERR(INVALID_SCANOUT_ID), CMD(SET_SCANOUT), 0,
	  W(0, 0, 16, 16, 2, 1) },
	{ "scanout-rect", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT), 0,
	  W(0, 1, 16, 16, 0, 1) },
	{ "scanout-rect", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT), 0,
	  W(0, 0, 0, 16, 0, 1) },
	{ "scanout-blob", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT), 0,
	  W(0, 0, 16, 16, 0, 3) },
	{ "resource-id", ERR(INVALID_RESOURCE_ID), CMD(SET_SCANOUT), 0,
	  W(0, 0, 16, 16, 0, 99) },
	{ "flush-rect", ERR(INVALID_PARAMETER), CMD(RESOURCE_FLUSH), 0,
	  W(0, 0, 17, 16, 1, 0) },
	{ "scanout-not-blob", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT_BLOB), 0,
	  W(0, 0, 4, 4, 0, 1, 4, 4, 2, 0, 16, 0, 0, 0, 0, 0, 0, 0) },
	{ "scanout-format", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT_BLOB), 0,
	  W(0, 0, 4, 4, 0, 3, 4, 4, 9, 0, 16, 0, 0, 0, 0, 0, 0, 0) },
	{ "scanout-stride", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT_BLOB), 0,
	  W(0, 0, 4, 4, 0, 3, 4, 4, 2, 0, 15, 0, 0, 0, 0, 0, 0, 0) },
	{ "scanout-size", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT_BLOB), 0,
	  W(0, 0, 4, 4, 0, 3, 4, 4, 2, 0, 16, 0, 0, 0, UINT32_MAX, 0, 0, 0) },
	{ "scanout-rect", ERR(INVALID_PARAMETER), CMD(SET_SCANOUT_BLOB), 0,
	  W(1, 0, 4, 4, 0, 3, 4, 4, 2, 0, 16, 0, 0, 0, 0, 0, 0, 0) },
	{ "scanout-planes", OK, CMD(SET_SCANOUT_BLOB), 0,
	  W(0, 0, 4, 4, 1, 3, 4, 4, 2, 0, 16, 64, 0, 0, 0, 0, 0, 0) },
	{ "scanout-planes", OK, CMD(SET_SCANOUT_BLOB), 0,
	  W(0, 0, 4, 4, 1, 3, 4, 4, 2, 0, 16, 0, 0, 0, 0, 0, 0, 4096) },
	/* blobs: id mem flags entries blob_id size */
	{ "blob-mem", ERR(INVALID_PARAMETER), CMD(RESOURCE_CREATE_BLOB), 0,
	  W(9, 0, 1, 0, 0, 0, 4096, 0) },
	{ "blob-mem", ERR(INVALID_PARAMETER), CMD(RESOURCE_CREATE_BLOB), 0,
	  W(9, 4, 1, 0, 0, 0, 4096, 0) },
	{ "blob-flags", OK, CMD(RESOURCE_CREATE_BLOB), 0,
	  W(9, 1, 8, 0, 0, 0, 4096, 0) },
	{ "blob-size", ERR(INVALID_PARAMETER), CMD(RESOURCE_CREATE_BLOB), 0,
	  W(9, 1, 1, 0, 0, 0, 0, 0) },
	{ "blob-alignment", ERR(INVALID_PARAMETER), CMD(RESOURCE_CREATE_BLOB), 0,
	  W(9, 1, 1, 0, 0, 0, 4097, 0) },
	{ "blob-entries", ERR(INVALID_PARAMETER), CMD(RESOURCE_CREATE_BLOB), 1,
	  W(9, 2, 1, 1, 0, 0, 4096, 0, 0x40000000, 0, 4096, 0) },
	{ "ctx-id", ERR(INVALID_CONTEXT_ID), CMD(RESOURCE_CREATE_BLOB), 9,
	  W(9, 1, 1, 1, 0, 0, 4096, 0, 0x40000000, 0, 4096, 0) },
	{ "blob-small", ERR(INVALID_PARAMETER), CMD(RESOURCE_CREATE_BLOB), 0,
	  W(9, 1, 1, 1, 0, 0, 8192, 0, 0x40000000, 0, 4096, 0) },
	{ "ctx-id", ERR(INVALID_CONTEXT_ID), CMD(RESOURCE_CREATE_BLOB), 99,
	  W(9, 2, 1, 0, 0, 0, 4096, 0) },
	{ "map-kind", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(3, 0, 0x10000, 0) },
	{ "map-kind", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(1, 0, 0x10000, 0) },
	{ "map-flag", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(5, 0, 0x10000, 0) },
	{ "map-twice", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(4, 0, 0x10000, 0) },
	{ "map-alignment", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(6, 0, 0x10800, 0) },
	{ "map-window", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(6, 0, 0x100000, 0) },
	{ "map-window", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(6, 0, 0xfffff000, 0xffffffff) },
	{ "map-overlap", ERR(INVALID_PARAMETER), CMD(RESOURCE_MAP_BLOB), 0,
	  W(6, 0, 0x1000, 0) },
	{ "unmap-unmapped", ERR(INVALID_PARAMETER), CMD(RESOURCE_UNMAP_BLOB), 0,
	  W(6, 0) },
	/* contexts */
	{ "ctx-id", ERR(INVALID_CONTEXT_ID), CMD(CTX_DESTROY), 99, { 0 }, 0 },
	{ "ctx-id", ERR(INVALID_CONTEXT_ID), CMD(CTX_ATTACH_RESOURCE), 99, W(1, 0) },
	{ "resource-id", ERR(INVALID_RESOURCE_ID), CMD(CTX_ATTACH_RESOURCE), 1,
	  W(99, 0) },
	{ "ctx-attach-twice", OK, CMD(CTX_ATTACH_RESOURCE), 1,
	  W(7, 0) },
	{ "ctx-not-attached", ERR(INVALID_RESOURCE_ID), CMD(CTX_DETACH_RESOURCE), 2,
	  W(7, 0) },
	{ "ctx-not-attached", ERR(INVALID_RESOURCE_ID), CMD(TRANSFER_TO_HOST_3D), 2,
	  W(0, 0, 0, 1, 1, 1, 0, 0, 7, 0, 0, 0) },
	{ "transfer-no-backing", ERR(UNSPEC), CMD(TRANSFER_FROM_HOST_3D), 0,
	  W(0, 0, 0, 1, 1, 1, 0, 0, 2, 0, 0, 0) },
	{ "ctx-id", ERR(INVALID_CONTEXT_ID), CMD(SUBMIT_3D), 99, W(0, 0) },
	{ "submit-length", ERR(INVALID_PARAMETER), CMD(SUBMIT_3D), 1, W(8, 0, 0) },
};

static void set_up(struct guest *g)
{
	u32 at = guest_put(g, NULL, 4096);
	u8 map[40] = { 0 };
	struct wire_hdr h = { .type = CMD(RESOURCE_MAP_BLOB) };
	u32 make[12] = { 7, 2, 2, 0, 8, 8, 1, 1, 0, 0, 0, 0 };
	u8 req[72] = { 0 };

	CHECK_EQ(guest_create_2d(g, 1, 2, 16, 16), OK);
	CHECK_EQ(guest_attach(g, 1, at, 1024), OK);
	CHECK_EQ(guest_scanout(g, 0, 1, 16, 16), OK);
	CHECK_EQ(guest_create_2d(g, 2, 2, 16, 16), OK);
	CHECK_EQ(guest_ctx(g, 1, 0), OK);
	CHECK_EQ(guest_ctx(g, 2, 0), OK);
	CHECK_EQ(guest_blob(g, 0, 3, 1, 1, 0, 4096, 1), OK);
	CHECK_EQ(guest_blob(g, 1, 4, 2, 1, 0, 8192, 0), OK);
	CHECK_EQ(guest_blob(g, 1, 5, 2, 2, 0, 4096, 0), OK);
	CHECK_EQ(guest_blob(g, 1, 6, 2, 1, 0, 4096, 0), OK);
	wire_hdr_put(map, &h);
	put_le32(map + 24, 4);
	CHECK_EQ(guest_send(g, map, sizeof(map), NULL), VIRTIO_GPU_RESP_OK_MAP_INFO);
	h.type = CMD(RESOURCE_CREATE_3D);
	wire_hdr_put(req, &h);
	for (int i = 0; i < 12; i++)
		put_le32(req + 24 + 4 * i, make[i]);
	CHECK_EQ(guest_send(g, req, sizeof(req), NULL), OK);
	CHECK_EQ(guest_attach(g, 7, at, 4096), OK);
	CHECK_EQ(guest_ctx_res(g, CMD(CTX_ATTACH_RESOURCE), 1, 7), OK);
	CHECK(guest_bug(g, NULL));
}

static struct guest *lab(void)
{
	struct device_options opt;
	struct guest *g;

	device_defaults(&opt);
	g = guest_create(opt.features | BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT));
	set_up(g);
	return g;
}

static void rule_test_each(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct broken *b = &cases[i];
		struct wire_hdr h = { .type = b->type, .ctx_id = b->ctx };
		struct guest *g = lab();
		u8 req[160] = { 0 };
		u32 resp;
		bool ok;

		wire_hdr_put(req, &h);
		for (u32 k = 0; k < b->n; k++)
			put_le32(req + 24 + 4 * k, b->w[k]);
		resp = guest_send(g, req, 24 + 4 * b->n, NULL);
		CHECK_EQ(resp, b->resp);
		ok = guest_bug(g, b->rule);
		CHECK(ok);
		if (!ok || resp != b->resp)
			printf("case %zu: %s\n", i, b->rule);
		guest_destroy(g);
	}
}

static u32 header(struct guest *g, const struct wire_hdr *h)
{
	u8 req[WIRE_HDR_SIZE];

	wire_hdr_put(req, h);
	return guest_send(g, req, sizeof(req), NULL);
}

static void rule_test_header(void)
{
	struct guest *g = lab();
	struct wire_hdr h = { .type = CMD(GET_DISPLAY_INFO) };

	h.flags = 4;
	CHECK_EQ(header(g, &h), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK(guest_bug(g, "flags"));
	h.flags = 0;
	h.ring_idx = 1;
	CHECK_EQ(header(g, &h), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK(guest_bug(g, "ring-flag"));
	h.flags = VIRTIO_GPU_FLAG_INFO_RING_IDX;
	CHECK_EQ(header(g, &h), ERR(INVALID_CONTEXT_ID));
	CHECK(guest_bug(g, "ring-context"));
	h.ctx_id = 1;
	h.ring_idx = 64;
	CHECK_EQ(header(g, &h), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "ring-range"));
	h.ring_idx = 63;
	CHECK_EQ(header(g, &h), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void rule_test_features(void)
{
	struct guest *g = guest_create(BIT64(VIRTIO_F_VERSION_1));
	struct wire_hdr h = { .type = CMD(GET_DISPLAY_INFO), .ctx_id = 1 };

	CHECK_EQ(header(g, &h), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK(guest_bug(g, "ctx-feature"));
	h.ctx_id = 0;
	h.flags = VIRTIO_GPU_FLAG_INFO_RING_IDX;
	CHECK_EQ(header(g, &h), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "ring-feature"));
	CHECK_EQ(guest_ctx(g, 1, 0), ERR(UNSPEC));
	CHECK(guest_bug(g, "feature-missing"));
	CHECK_EQ(guest_blob(g, 0, 1, 1, 1, 0, 4096, 0), ERR(UNSPEC));
	CHECK(guest_bug(g, "feature-missing"));
	guest_destroy(g);
	g = guest_create(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_GPU_F_RESOURCE_BLOB) |
			 BIT64(VIRTIO_GPU_F_VIRGL));
	CHECK_EQ(guest_blob(g, 0, 1, 1, 4, 0, 4096, 0), OK);
	CHECK(guest_bug(g, "blob-cross-device"));
	CHECK_EQ(guest_ctx(g, 1, TOY3D_CAPSET_ID), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "ctx-init-feature"));
	guest_destroy(g);
	g = guest_create(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_GPU_F_RESOURCE_BLOB));
	CHECK_EQ(guest_blob(g, 0, 1, 2, 1, 0, 4096, 0), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "blob-mem-feature"));
	guest_destroy(g);
}

static void rule_test_context_create(void)
{
	struct guest *g = lab();
	struct wire_hdr h = { .type = CMD(CTX_CREATE), .ctx_id = 8 };
	u8 req[sizeof(struct virtio_gpu_ctx_create)] = { 0 };

	CHECK_EQ(guest_ctx(g, 0, 0), ERR(INVALID_CONTEXT_ID));
	CHECK(guest_bug(g, "ctx-zero"));
	CHECK_EQ(guest_ctx(g, 1, 0), ERR(INVALID_CONTEXT_ID));
	CHECK(guest_bug(g, "ctx-exists"));
	CHECK_EQ(guest_ctx(g, 8, 4), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "ctx-capset"));
	CHECK_EQ(guest_ctx(g, 8, TOY3D_CAPSET_ID | 0x100), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "ctx-init"));
	wire_hdr_put(req, &h);
	put_le32(req + 24, 65);
	CHECK_EQ(guest_send(g, req, sizeof(req), NULL), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "ctx-name"));
	put_le32(req + 24, 64);
	memset(req + 32, 'x', 64);
	CHECK_EQ(guest_send(g, req, sizeof(req), NULL), OK);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void rule_test_response_room(void)
{
	struct guest *g = lab();
	struct wire_hdr h = { .type = CMD(GET_DISPLAY_INFO) };
	u8 req[32] = { 0 };
	struct guest_reply r;
	u32 at;

	wire_hdr_put(req, &h);
	at = guest_queue(g, 0, req, 24, 407);
	CHECK(guest_reap(g, 0, at, &r));
	CHECK_EQ(r.hdr.type, ERR(UNSPEC));
	CHECK(guest_bug(g, "response-short"));
	at = guest_queue(g, 0, req, 24, 408);
	CHECK(guest_reap(g, 0, at, &r));
	CHECK(guest_bug(g, NULL));
	h.type = CMD(GET_CAPSET);
	wire_hdr_put(req, &h);
	put_le32(req + 24, TOY3D_CAPSET_ID);
	put_le32(req + 28, 1);
	at = guest_queue(g, 0, req, 32, 24 + 31);
	CHECK(guest_reap(g, 0, at, &r));
	CHECK(guest_bug(g, "response-short"));
	/* Not even a header of a request. */
	at = guest_queue(g, 0, req, 23, 64);
	CHECK(guest_reap(g, 0, at, &r));
	CHECK_EQ(r.hdr.type, ERR(UNSPEC));
	CHECK(guest_bug(g, "request-short"));
	guest_destroy(g);
}

static void rule_test_cursor_queue(void)
{
	struct guest *g = lab();
	struct wire_hdr h = { .type = CMD(GET_DISPLAY_INFO) };
	u8 req[56] = { 0 };
	struct guest_reply r;
	u32 at;

	wire_hdr_put(req, &h);
	at = guest_queue(g, WIRE_CURSORQ, req, 24, 408);
	CHECK(guest_reap(g, WIRE_CURSORQ, at, &r));
	CHECK(guest_bug(g, "wrong-queue"));
	h.type = CMD(UPDATE_CURSOR);
	wire_hdr_put(req, &h);
	put_le32(req + 24, 5);
	at = guest_queue(g, WIRE_CURSORQ, req, 56, 24);
	CHECK(guest_reap(g, WIRE_CURSORQ, at, &r));
	CHECK_EQ(r.hdr.type, ERR(INVALID_SCANOUT_ID));
	CHECK(guest_bug(g, "scanout-range"));
	put_le32(req + 24, 0);
	put_le32(req + 36, 1);
	at = guest_queue(g, WIRE_CURSORQ, req, 56, 24);
	CHECK(guest_bug(g, "padding"));
	/* Of a move, only the position counts. */
	h.type = CMD(MOVE_CURSOR);
	wire_hdr_put(req, &h);
	memset(req + 40, 0xff, 16);
	at = guest_queue(g, WIRE_CURSORQ, req, 56, 24);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

/* Good practice is a warning, unless one asks for more. */
static void rule_test_classes(void)
{
	struct guest *g = lab();

	CHECK_EQ(guest_res(g, CMD(RESOURCE_UNREF), 1), OK);
	CHECK_EQ(g->d.bugs.warnings, 1);
	CHECK_EQ(bug_exit_status(&g->d.bugs), 0);
	CHECK(guest_bug(g, "unref-scanout"));
	guest_destroy(g);
	g = lab();
	g->d.bugs.pedantic = true;
	CHECK_EQ(guest_res(g, CMD(RESOURCE_UNREF), 1), OK);
	CHECK_EQ(g->d.bugs.warnings, 0);
	CHECK_EQ(bug_exit_status(&g->d.bugs), 3);
	guest_destroy(g);
	for (size_t i = 0; rule_nth(i); i++) {
		CHECK(rule_find(rule_nth(i)->name) == rule_nth(i));
		CHECK(strlen(rule_nth(i)->source) > 10);
		CHECK(rule_nth(i)->class != RULE_MUST || !strncmp(rule_nth(i)->source, "1.", 2));
	}
}

static void rule_test_blob_scanout_detach(void)
{
	struct guest *g = lab();
	u8 req[96] = { 0 };
	struct wire_hdr h = { .type = CMD(SET_SCANOUT_BLOB) };
	u32 w[18] = { 0, 0, 4, 4, 1, 3, 4, 4, 2, 0, 16, 0, 0, 0, 0, 0, 0, 0 };

	wire_hdr_put(req, &h);
	for (int i = 0; i < 18; i++)
		put_le32(req + 24 + 4 * i, w[i]);
	CHECK_EQ(guest_send(g, req, 96, NULL), OK);
	CHECK_EQ(guest_res(g, CMD(RESOURCE_DETACH_BACKING), 3), OK);
	CHECK(guest_bug(g, "detach-scanout"));
	CHECK_EQ(guest_send(g, req, 96, NULL), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "scanout-no-backing"));
	guest_destroy(g);
}

static void rule_test_no_window(void)
{
	struct guest *g = lab();
	u8 req[40] = { 0 };
	struct wire_hdr h = { .type = CMD(RESOURCE_MAP_BLOB) };

	g->d.hostmem.size = 0;
	wire_hdr_put(req, &h);
	put_le32(req + 24, 6);
	CHECK_EQ(guest_send(g, req, 40, NULL), ERR(INVALID_PARAMETER));
	CHECK(guest_bug(g, "map-no-window"));
	guest_destroy(g);
}

static void rule_test_allow(void)
{
	struct guest *g = lab();

	CHECK(!bug_allow(&g->d.bugs, "foo,resource-id"));
	CHECK(bug_allow(&g->d.bugs, "unref-scanout,resource-id"));
	CHECK_EQ(guest_res(g, CMD(RESOURCE_UNREF), 99), ERR(INVALID_RESOURCE_ID));
	CHECK_EQ(g->d.bugs.count, 0);
	CHECK_EQ(g->d.bugs.allowed, 1);
	guest_destroy(g);
}

const struct test_case rule_tests[] = {
	TEST(rule_test_each),
	TEST(rule_test_header),
	TEST(rule_test_features),
	TEST(rule_test_context_create),
	TEST(rule_test_response_room),
	TEST(rule_test_cursor_queue),
	TEST(rule_test_blob_scanout_detach),
	TEST(rule_test_no_window),
	TEST(rule_test_classes),
	TEST(rule_test_allow),
	{ 0 },
};

/* After all others: each rule was broken by some request, and reported alone. */
static void rule_test_every_rule_has_a_case(void)
{
	for (size_t i = 0; rule_nth(i); i++)
		CHECK(guest_was_caught(i) || !printf("# no test breaks %s\n", rule_nth(i)->name));
}

const struct test_case last_tests[] = {
	TEST(rule_test_every_rule_has_a_case),
	{ 0 },
};
