// SPDX-License-Identifier: MIT
/* The order of answers. */
#include <linux/virtio_config.h>

#include "guest.h"
#include "log.h"
#include "test.h"
#include "toy3d.h"

static void fence_test_rings_are_independent(void)
{
	struct guest *g = guest_create(0);
	u32 at[16];

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	at[1] = guest_fenced(g, 1, 1, TOY3D_OP_WAIT, 5);
	at[2] = guest_fenced(g, 1, 2, TOY3D_OP_NOP, 0);
	at[3] = guest_fenced(g, 2, 1, TOY3D_OP_NOP, 0);
	at[4] = guest_fenced(g, 0, 1, TOY3D_OP_NOP, 0);
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 2));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 0));
	CHECK_EQ(guest_next_fence(g, at), 0);
	at[5] = guest_fenced(g, 2, 2, TOY3D_OP_RELEASE, 5);
	/* The releasing one comes last: those before it are found first. */
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 1));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(2, 1));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(2, 2));
	CHECK_EQ(guest_next_fence(g, at), 0);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void fence_test_signal_later(void)
{
	struct guest *g = guest_create(0);
	u32 at[16];

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	at[1] = guest_fenced(g, 0, 1, TOY3D_OP_SIGNAL_LATER, 2);
	at[2] = guest_fenced(g, 0, 2, TOY3D_OP_NOP, 0);
	CHECK_EQ(guest_next_fence(g, at), 0);
	at[3] = guest_fenced(g, 0, 3, TOY3D_OP_NOP, 0);
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 0));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(2, 0));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(3, 0));
	guest_destroy(g);
}

static void fence_test_order_is_checked(void)
{
	struct guest *g = guest_create(0);

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	guest_fenced(g, 1, 5, TOY3D_OP_NOP, 0);
	guest_fenced(g, 2, 5, TOY3D_OP_NOP, 0);
	guest_fenced(g, 0, 5, TOY3D_OP_NOP, 0);
	CHECK(guest_bug(g, NULL));
	guest_fenced(g, 1, 5, TOY3D_OP_NOP, 0);
	CHECK(guest_bug(g, "fence-order"));
	/* Without a ring, fence ids are cookies. */
	guest_fenced(g, 0, 4, TOY3D_OP_NOP, 0);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void fence_test_in_order_feature(void)
{
	struct guest *g = guest_create(BIT64(VIRTIO_F_VERSION_1) |
				       BIT64(VIRTIO_GPU_F_VIRGL) |
				       BIT64(VIRTIO_GPU_F_CONTEXT_INIT) |
				       BIT64(VIRTIO_F_IN_ORDER));
	u32 at[16];

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	at[1] = guest_fenced(g, 1, 1, TOY3D_OP_WAIT, 5);
	at[2] = guest_fenced(g, 2, 1, TOY3D_OP_NOP, 0);
	CHECK_EQ(guest_next_fence(g, at), 0);
	device_release(&g->d, 5);
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 1));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 2));
	guest_destroy(g);
}

static void fence_test_context_destroyed(void)
{
	struct guest *g = guest_create(0);
	u32 at[16];
	u8 req[WIRE_HDR_SIZE];
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = 1 };

	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	at[1] = guest_fenced(g, 3, 1, TOY3D_OP_WAIT, 5);
	wire_hdr_put(req, &h);
	CHECK_EQ(guest_send(g, req, sizeof(req), NULL), VIRTIO_GPU_RESP_OK_NODATA);
	guest_ctx(g, 1, TOY3D_CAPSET_ID);
	at[4] = guest_fenced(g, 3, 1, TOY3D_OP_NOP, 0);
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 3));
	device_release(&g->d, 5);
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 3));
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void fence_test_hold(void)
{
	struct guest *g = guest_create(0);
	u32 at[16];

	guest_ctx(g, 1, 0);
	g->d.fence.held = true;
	at[1] = guest_fenced(g, 0, 1, TOY3D_OP_NOP, 0);
	at[2] = guest_fenced(g, 0, 2, TOY3D_OP_NOP, 0);
	CHECK_EQ(guest_next_fence(g, at), 0);
	g->d.fence.held = false;
	device_run(&g->d);
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(1, 0));
	CHECK_EQ(guest_next_fence(g, at), GUEST_FENCE(2, 0));
	guest_destroy(g);
}

struct answers {
	u64 last[4];
	unsigned int n;
};

static void many_answer(void *opaque, struct job *job)
{
	struct answers *a = opaque;
	u64 *last = &a->last[(job->seq - 1) % 4];

	CHECK(job->seq > *last);
	*last = job->seq;
	a->n++;
	job_destroy(job);
}

static void fence_test_many(void)
{
	struct timeline tl[4] = { { 0 } };
	struct budget budget = { .limit = 3 * 4096 };
	struct answers a = { .n = 0 };
	struct fence f;

	fence_init(&f, &budget, many_answer, &a);
	for (int i = 0; i < 2000; i++) {
		struct job *job = xcalloc(1, sizeof(*job));

		job->seq = i + 1;
		job->tl = &tl[i % 4];
		job->wait_token = i < 4 ? i + 1 : 0;
		fence_add(&f, job);
	}
	fence_pump(&f);
	CHECK_EQ(a.n, 0);
	fence_release(&f, 2);
	fence_pump(&f);
	CHECK_EQ(a.n, 500);
	CHECK_EQ(a.last[1], 1998);
	fence_release(&f, 1);
	fence_release(&f, 4);
	CHECK(!fence_release(&f, 3));
	fence_pump(&f);
	CHECK_EQ(a.n, 1500);
	fence_drop(&f, 1);
	CHECK_EQ(f.count, 500);
	fence_drop(&f, -1);
	CHECK_EQ(f.count, 0);
	CHECK_EQ(budget.used, 0);
}

static void fence_test_behind(void)
{
	struct budget budget = { .limit = 0 };
	struct answers a = { .n = 0 };
	struct fence f;

	fence_init(&f, &budget, many_answer, &a);
	for (int i = 0; i < 3; i++) {
		struct job *job = xcalloc(1, sizeof(*job));

		job->seq = i + 1;
		job->wait_answers = (int []){ 1, 5, 0 }[i];
		fence_add(&f, job);
	}
	CHECK_EQ(f.behind, 2);
	fence_pump(&f);
	/* The third lets the first go, and the second waits for more. */
	CHECK_EQ(a.n, 2);
	CHECK_EQ(f.behind, 1);
	fence_drop(&f, -1);
	CHECK_EQ(f.behind, 0);
}

const struct test_case fence_tests[] = {
	TEST(fence_test_rings_are_independent),
	TEST(fence_test_signal_later),
	TEST(fence_test_order_is_checked),
	TEST(fence_test_in_order_feature),
	TEST(fence_test_context_destroyed),
	TEST(fence_test_hold),
	TEST(fence_test_many),
	TEST(fence_test_behind),
	{ 0 },
};
