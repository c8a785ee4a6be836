// SPDX-License-Identifier: MIT
/* toy3d command streams. */
#include "guest.h"
#include "test.h"
#include "toy3d.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define RUN(g, ...) guest_submit(g, 1, (u32 []){ __VA_ARGS__ }, \
				 sizeof((u32 []){ __VA_ARGS__ }) / 4)

static struct guest *toy(void)
{
	struct guest *g = guest_create(0);

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	guest_create_2d(g, 1, 2, 8, 8);
	guest_create_2d(g, 2, 2, 8, 8);
	guest_ctx_res(g, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 1);
	guest_ctx_res(g, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 2);
	guest_create_2d(g, 3, 2, 8, 8);
	return g;
}

static u32 *data(struct guest *g, u32 id)
{
	return (u32 *)((struct resource *)idmap_find(&g->d.resources, id))->data;
}

static void toy3d_test_fill_copy_rect(void)
{
	struct guest *g = toy();

	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 16, 0, 8, 0, 0xa5a5a5a5,
		     TOY3D_HDR(TOY3D_OP_NOP, 2), 1, 2,
		     TOY3D_HDR(TOY3D_OP_COPY, 8), 1, 12, 0, 2, 0, 0, 16, 0,
		     TOY3D_HDR(TOY3D_OP_RECT, 6), 2, 7, 7, 1, 1, 0x77), OK);
	CHECK_EQ(data(g, 1)[3], 0);
	CHECK_EQ(data(g, 1)[4], 0xa5a5a5a5);
	CHECK_EQ(data(g, 1)[5], 0xa5a5a5a5);
	CHECK_EQ(data(g, 1)[6], 0);
	CHECK_EQ(data(g, 2)[0], 0);
	CHECK_EQ(data(g, 2)[1], 0xa5a5a5a5);
	CHECK_EQ(data(g, 2)[63], 0x77);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void toy3d_test_errors_are_the_users(void)
{
	struct guest *g = toy();

	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OPS, 0)), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_NOP, 1)), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 5), 1, 0, 0, 4, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 3, 0, 0, 4, 0, 0), BAD_RES);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 0, 0, 260, 0, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 0, 0, 3, 0, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 8, 0, ~0u - 3, ~0u, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_COPY, 8), 1, 0, 0, 2, 253, 0, 4, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_COPY, 8), 1, 0, 0, 9, 0, 0, 4, 0), BAD_RES);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_RECT, 6), 1, 8, 0, 1, 1, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_WAIT, 1), 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_RELEASE, 1), 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_ALLOC, 4), 0, 0, 4096, 0), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_ALLOC, 4), 1, 0, 0, 1), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FAIL, 0)), VIRTIO_GPU_RESP_ERR_UNSPEC);
	CHECK_EQ(guest_submit(g, 1, NULL, 0), OK);
	CHECK_EQ(g->d.bugs.user, 15);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void toy3d_test_stops_at_an_error(void)
{
	struct guest *g = toy();

	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 0, 0, 4, 0, 1,
		     TOY3D_HDR(TOY3D_OP_FAIL, 0),
		     TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 4, 0, 4, 0, 1),
		 VIRTIO_GPU_RESP_ERR_UNSPEC);
	CHECK_EQ(data(g, 1)[0], 1);
	CHECK_EQ(data(g, 1)[1], 0);
	guest_destroy(g);
}

static void toy3d_test_tail_ends_the_stream(void)
{
	struct guest *g = toy();

	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_TAIL, 3), 1, 8, 0, 0x11111111, 0x22222222), OK);
	CHECK_EQ(data(g, 1)[1], 0);
	CHECK_EQ(data(g, 1)[2], 0x11111111);
	CHECK_EQ(data(g, 1)[3], 0x22222222);
	CHECK_EQ(data(g, 1)[4], 0);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_TAIL, 3), 1, 252, 0, 1, 2), BAD);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_TAIL, 3), 3, 0, 0, 1), BAD_RES);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_TAIL, 3), 1, 0, 0), OK);
	CHECK_EQ(data(g, 1)[0], 0);
	guest_destroy(g);
}

static void toy3d_test_guest_blob(void)
{
	struct guest *g = toy();
	u32 at = (g->alloc + 15) & ~15u;

	CHECK_EQ(guest_blob(g, 1, 4, VIRTIO_GPU_BLOB_MEM_GUEST, 1, 0, 4096, 1), OK);
	guest_ctx_res(g, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 4);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_FILL, 6), 4, 4092, 0, 4, 0, 0x5ca1ab1e), OK);
	CHECK_EQ(get_le32(g->mem + at + 4092), 0x5ca1ab1e);
	CHECK_EQ(RUN(g, TOY3D_HDR(TOY3D_OP_RECT, 6), 4, 0, 0, 1, 1, 0), BAD);
	guest_destroy(g);
}

/* Object 0 is the host's shared memory: HOST3D has it, HOST3D_GUEST does not. */
static void toy3d_test_blob_id_zero(void)
{
	struct guest *g = guest_create(0);

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	CHECK_EQ(guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0),
		 VIRTIO_GPU_RESP_OK_NODATA);
	CHECK_EQ(guest_blob(g, 1, 2, VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST, 1, 0, 4096, 1),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK_EQ(g->d.bugs.user, 1);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

const struct test_case toy3d_tests[] = {
	TEST(toy3d_test_fill_copy_rect),
	TEST(toy3d_test_errors_are_the_users),
	TEST(toy3d_test_stops_at_an_error),
	TEST(toy3d_test_tail_ends_the_stream),
	TEST(toy3d_test_guest_blob),
	TEST(toy3d_test_blob_id_zero),
	{ 0 },
};
