// SPDX-License-Identifier: MIT
/* Habits of real hosts, each beside a host without it: none of them accuses the driver. */
#include <linux/virtio_ring.h>

#include "guest.h"
#include "test.h"
#include "toy3d.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER

/* A device with these habits and a driver that has probed it, with context 1. */
static struct guest *with(const char *habits)
{
	struct guest *g = guest_create(0);

	CHECK(habit_change(&g->d.opt.habits, habits));
	g->d.opt.capset[g->d.opt.ncapsets++] = (struct capset){ 5, 1, 24 };
	device_start(&g->d);
	device_set_features(&g->d, g->d.opt.features);
	if (device_has(&g->d, VIRTIO_GPU_F_CONTEXT_INIT))
		guest_ctx(g, 1, TOY3D_CAPSET_ID);
	return g;
}

static void finish(struct guest *g)
{
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static u32 request(struct guest *g, u32 type, u32 ctx, const u32 *w, u32 n,
		   struct guest_reply *r)
{
	u8 req[WIRE_HDR_SIZE + 80] = { 0 };

	wire_hdr_put(req, &(struct wire_hdr){ .type = type, .ctx_id = ctx });
	for (u32 i = 0; i < n; i++)
		put_le32(req + WIRE_HDR_SIZE + 4 * i, w[i]);
	return guest_send(g, req, WIRE_HDR_SIZE + 4 * n, r);
}

#define REQUEST(g, type, ctx, r, ...) request(g, VIRTIO_GPU_CMD_##type, ctx, \
	(u32 []){ __VA_ARGS__ }, sizeof((u32 []){ __VA_ARGS__ }) / 4, r)

static void habit_test_early_fences(void)
{
	u32 at[16];

	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "early-fences" : "");

		at[1] = guest_fenced(g, 0, 3, TOY3D_OP_WAIT, 5);
		at[2] = guest_fenced(g, 0, 11, TOY3D_OP_WAIT, 5);
		at[3] = guest_fenced(g, 2, 4, TOY3D_OP_WAIT, 5);
		at[4] = guest_fenced(g, 1, 10, TOY3D_OP_NOP, 0);
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(10, 1));
		CHECK_EQ(guest_next_fence(g, at), on ? GUEST_FENCE(3, 0) : 0);
		CHECK_EQ(guest_next_fence(g, at), 0);
		/* What comes later waits for the next ring fence. */
		at[5] = guest_fenced(g, 0, 5, TOY3D_OP_WAIT, 5);
		CHECK_EQ(guest_next_fence(g, at), 0);
		device_release(&g->d, 5);
		while (guest_next_fence(g, at))
			;
		at[6] = guest_fenced(g, 1, 20, TOY3D_OP_NOP, 0);
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(20, 1));
		at[7] = guest_fenced(g, 0, 15, TOY3D_OP_WAIT, 6);
		CHECK_EQ(guest_next_fence(g, at), 0);
		finish(g);
	}
}

static void habit_test_fence32(void)
{
	u32 at[16];

	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "fence32" : "");

		at[1] = guest_fenced(g, 0, 7, TOY3D_OP_WAIT, 5);
		at[2] = guest_fenced(g, 0, (1ull << 32) + 6, TOY3D_OP_WAIT, 6);
		at[3] = guest_fenced(g, 0, (1ull << 32) + 8, TOY3D_OP_WAIT, 6);
		at[4] = guest_fenced(g, 1, (1ull << 32) + 1, TOY3D_OP_WAIT, 6);
		CHECK_EQ(guest_next_fence(g, at), 0);
		device_release(&g->d, 5);
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(7, 0));
		CHECK_EQ(guest_next_fence(g, at), on ? GUEST_FENCE(6, 0) : 0);
		CHECK_EQ(guest_next_fence(g, at), 0);
		finish(g);
	}
}

static void habit_test_drop_context(void)
{
	u32 at[16];

	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "drop-context" : "");

		guest_ctx(g, 2, TOY3D_CAPSET_ID);
		at[2] = guest_fenced(g, 1, 1, TOY3D_OP_WAIT, 5);
		at[3] = guest_fenced(g, 0, 2, TOY3D_OP_WAIT, 5);
		CHECK_EQ(request(g, VIRTIO_GPU_CMD_CTX_DESTROY, 1, NULL, 0, NULL), OK);
		guest_ctx(g, 1, TOY3D_CAPSET_ID);
		at[6] = guest_fenced(g, 1, 3, TOY3D_OP_WAIT, 5);
		device_release(&g->d, 5);
		if (!on)
			CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 1));
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(2, 0));
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(3, 1));
		CHECK_EQ(guest_next_fence(g, at), 0);
		finish(g);
	}
}

static void habit_test_hold_poll(void)
{
	u32 at[16];

	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "hold-poll" : "");

		at[1] = guest_fenced(g, 1, 1, TOY3D_OP_NOP, 0);
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 1));
		request(g, VIRTIO_GPU_CMD_CTX_DESTROY, 1, NULL, 0, NULL);
		guest_ctx(g, 1, 5);
		at[4] = guest_fenced(g, 1, 2, TOY3D_OP_NOP, 0);
		at[5] = guest_fenced(g, 2, 3, TOY3D_OP_NOP, 0);
		if (!on)
			CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(2, 1));
		CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(3, 2));
		CHECK_EQ(guest_next_fence(g, at), 0);
		device_release(&g->d, HABIT_POLL_TOKEN);
		CHECK_EQ(guest_next_fence(g, at), on ? GUEST_FENCE(2, 1) : 0);
		finish(g);
	}
}

static void habit_test_capsets(void)
{
	static const char * const habits[] = { "", "late-capsets", "no-capset-answer" };
	u8 ask[32] = { 0 }, other[WIRE_HDR_SIZE];

	wire_hdr_put(ask, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_GET_CAPSET_INFO });
	wire_hdr_put(other, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO });
	for (int n = 0; n < 3; n++) {
		struct guest *g = with(habits[n]);

		guest_queue(g, WIRE_CONTROLQ, ask, sizeof(ask), 64);
		for (int kick = 0; kick < 4; kick++) {
			CHECK_EQ(g->d.fence.count, n == 2 || (n == 1 && kick < 3));
			guest_queue(g, WIRE_CONTROLQ, other, sizeof(other), 512);
		}
		finish(g);
	}
}

static u32 map(struct guest *g, u32 id, u32 off, struct guest_reply *r)
{
	return REQUEST(g, RESOURCE_MAP_BLOB, 0, r, id, 0, off, 0);
}

static void habit_test_granule16k(void)
{
	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "granule16k" : "");

		for (u32 id = 1; id < 4; id++)
			guest_blob(g, 1, id, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0);
		CHECK_EQ(map(g, 1, 0x4000, NULL), VIRTIO_GPU_RESP_OK_MAP_INFO);
		CHECK_EQ(map(g, 2, 0x5000, NULL), on ? BAD : VIRTIO_GPU_RESP_OK_MAP_INFO);
		CHECK_EQ(map(g, 3, 0x8000, NULL), VIRTIO_GPU_RESP_OK_MAP_INFO);
		CHECK_EQ(g->d.bugs.user, on);
		finish(g);
	}
}

static void habit_test_map_access_bits(void)
{
	struct guest_reply r;

	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "map-access-bits" : "");

		guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D, 1, 0, 4096, 0);
		CHECK_EQ(map(g, 1, 0, &r), VIRTIO_GPU_RESP_OK_MAP_INFO);
		CHECK_EQ(get_le32(r.bytes + WIRE_HDR_SIZE), on ? 0x31 : 1);
		finish(g);
	}
}

/* A stream of one word and two bytes. */
static u32 submit_half(struct guest *g)
{
	u8 req[WIRE_HDR_SIZE + 14] = { 0 };

	wire_hdr_put(req, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1 });
	put_le32(req + WIRE_HDR_SIZE, 6);
	put_le32(req + WIRE_HDR_SIZE + 8, TOY3D_HDR(TOY3D_OP_NOP, 0));
	return guest_send(g, req, sizeof(req), NULL);
}

/* A stream of 16 MiB and a word more, of the same memory again and again. */
static u32 submit_big(struct guest *g, bool more)
{
	const u32 piece = 8 * 0x10000, n = (16u << 20) / piece;
	u32 at = guest_put(g, NULL, piece), head = guest_put(g, NULL, 32), i = 0;
	u32 resp = guest_put(g, NULL, sizeof(((struct guest_reply *)0)->bytes));
	struct guest_reply r;

	for (u32 op = 0; op < 2; op++)
		put_le32(g->mem + at + op * piece / 2, TOY3D_HDR(TOY3D_OP_NOP, 0xffff));
	wire_hdr_put(g->mem + head, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_SUBMIT_3D,
							.ctx_id = 1 });
	put_le32(g->mem + head + 24, n * piece + 4 * more);
	guest_desc(g, 0, i, GUEST_BASE + head, 32, VRING_DESC_F_NEXT, i + 1);
	while (i++ < n)
		guest_desc(g, 0, i, GUEST_BASE + at, piece, VRING_DESC_F_NEXT, i + 1);
	guest_desc(g, 0, i, GUEST_BASE + at + 4, 4, VRING_DESC_F_NEXT, i + 1);
	i += more;
	guest_desc(g, 0, i, GUEST_BASE + resp, 64, VRING_DESC_F_WRITE, 0);
	guest_publish(g, WIRE_CONTROLQ, 0);
	device_kick(&g->d, WIRE_CONTROLQ);
	return guest_reap(g, WIRE_CONTROLQ, resp, &r) ? r.hdr.type : 0;
}

static void habit_test_dword_submit(void)
{
	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "dword-submit" : "");

		CHECK_EQ(submit_half(g), on ? OK : BAD);
		CHECK_EQ(submit_big(g, false), OK);
		CHECK_EQ(submit_big(g, true), on ? BAD : OK);
		finish(g);
	}
}

static void habit_test_scanout_blob_16(void)
{
	for (int on = 0; on < 2; on++) {
		struct guest *g = with(on ? "scanout-blob-16" : "");

		guest_blob(g, 0, 1, VIRTIO_GPU_BLOB_MEM_GUEST, 1, 0, 4096, 1);
		for (u32 side = 15; side < 17; side++)
			CHECK_EQ(REQUEST(g, SET_SCANOUT_BLOB, 0, NULL, 0, 0, side, 16, 0, 1,
					 16, 16, 2, 0, 64, 0, 0, 0, 0, 0, 0, 0),
				 on && side < 16 ? BAD : OK);
		finish(g);
	}
}

static void habit_test_2d(void)
{
	static const char * const habits[] = { "", "2d-bare", "2d-crosvm" };

	for (int n = 0; n < 3; n++) {
		struct guest *g = with(habits[n]);

		CHECK(device_has(&g->d, VIRTIO_GPU_F_EDID));
		CHECK_EQ(device_has(&g->d, VIRTIO_GPU_F_RESOURCE_BLOB), n != 1);
		CHECK_EQ(device_has(&g->d, VIRTIO_GPU_F_VIRGL), !n);
		CHECK_EQ(device_has(&g->d, VIRTIO_GPU_F_RESOURCE_UUID), !n);
		CHECK_EQ(device_has(&g->d, VIRTIO_GPU_F_CONTEXT_INIT), !n);
		CHECK_EQ(g->d.config.num_capsets, n ? 0 : 2);
		finish(g);
	}
}

static void habit_test_names(void)
{
	u64 habits = 0;

	CHECK(!habit_like(&habits, "QEMU") && !habits);
	CHECK(habit_like(&habits, "qemu"));
	CHECK_EQ(habits, 1u << HABIT_EARLY_FENCES | 1u << HABIT_FENCE32 | 1u << HABIT_HOLD_POLL |
		 1u << HABIT_DWORD_SUBMIT | 1u << HABIT_SCANOUT_BLOB_16);
	CHECK(habit_change(&habits, "-early-fences,-fence32,2d-bare,-hold-poll"));
	CHECK_EQ(habits, 1u << HABIT_DWORD_SUBMIT | 1u << HABIT_SCANOUT_BLOB_16 |
		 1u << HABIT_2D_BARE);
	CHECK(!habit_change(&habits, "2d-crosvm,nothing,fence32"));
	CHECK(!habit_change(&habits, "--fence32"));
	habits = 0;
	CHECK(habit_like(&habits, "crosvm"));
	CHECK_EQ(habits, 1u << HABIT_FENCE32 | 1u << HABIT_DROP_CONTEXT | 1u << HABIT_HOLD_POLL);
	CHECK(habit_like(&habits, "libkrun"));
	CHECK_EQ(habits, 1u << HABIT_FENCE32 | 1u << HABIT_DROP_CONTEXT | 1u << HABIT_HOLD_POLL |
		 1u << HABIT_GRANULE16K);
}

const struct test_case habit_tests[] = {
	TEST(habit_test_early_fences),
	TEST(habit_test_fence32),
	TEST(habit_test_drop_context),
	TEST(habit_test_hold_poll),
	TEST(habit_test_capsets),
	TEST(habit_test_granule16k),
	TEST(habit_test_map_access_bits),
	TEST(habit_test_dword_submit),
	TEST(habit_test_scanout_blob_16),
	TEST(habit_test_2d),
	TEST(habit_test_names),
	{ 0 },
};
