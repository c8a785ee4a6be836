// SPDX-License-Identifier: MIT
/* What excuses a driver: answers that were really changed, and what follows from them. */
#include <stdlib.h>

#include "guest.h"
#include "test.h"
#include "toy3d.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define CMD(x) VIRTIO_GPU_CMD_##x
#define ERR(x) VIRTIO_GPU_RESP_ERR_##x

static struct guest *judged(const char *rule)
{
	struct guest *g = guest_create(0);
	char err[128];

	CHECK(!rule || !fault_parse(&g->d.fault, rule, err, sizeof(err)));
	return g;
}

static void ask(struct guest *g, u32 times)
{
	struct wire_hdr h = { .type = CMD(GET_DISPLAY_INFO) };
	u8 req[WIRE_HDR_SIZE];
	u32 alloc = g->alloc;

	wire_hdr_put(req, &h);
	for (u32 i = 0; i < times; i++, g->alloc = alloc)
		guest_send(g, req, sizeof(req), NULL);
}

/* Send requests until the device knows that every answer so far was taken. */
static void let_see(struct guest *g)
{
	ask(g, GUEST_RING);
}

static void misbehave(struct guest *g)
{
	guest_create_2d(g, 1, 2, 8, 8);
	guest_create_2d(g, 1, 2, 8, 8);
	guest_transfer(g, 1, 0, 0, 8, 8, 0);
	guest_attach(g, 99, GUEST_DATA, 4096);
	guest_res(g, CMD(RESOURCE_UNREF), 1);
	guest_res(g, CMD(RESOURCE_UNREF), 1);
}

/* A script that changes no answer excuses nothing. */
static void judge_test_harmless_scripts(void)
{
	static const char * const scripts[] = {
		NULL, "on any: mark x", "on any: ms 1", "on any: slow 0", "on any: kicks 0",
		"on any: output 0 on", "on any: config num_scanouts 1", "on any: behind 0",
		"on any: token 5", "on any: kicks 3", "on cursor: lazy", "on any: twice",
		"on any: fence +0", "on any: garbage", "on any: long 24",
	};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct guest *g = judged(scripts[i]);

		misbehave(g);
		CHECK_EQ(g->d.bugs.count, 4);
		CHECK_EQ(g->d.judge.excused, 0);
		CHECK_EQ(bug_exit_status(&g->d.bugs), 3);
		if (g->d.bugs.count != 4)
			printf("# script: %s\n", scripts[i] ? scripts[i] : "none");
		guest_destroy(g);
	}
}

/* Each of these leaves open whether resource 1 exists. */
static void judge_test_changed_answers(void)
{
	static const char * const actions[] = {
		"error OUT_OF_MEMORY", "error-after OUT_OF_MEMORY", "type OK_EDID", "short 8",
		"long 4096", "set32 0 0", "flags 1", "ctx 9", "never", "hang",
	};
	char rule[80];

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		struct guest *g;

		snprintf(rule, sizeof(rule), "on RESOURCE_CREATE_2D nth 1: %s", actions[i]);
		g = judged(rule);
		guest_create_2d(g, 1, 2, 8, 8);
		guest_create_2d(g, 1, 2, 8, 8);
		guest_res(g, CMD(RESOURCE_UNREF), 1);
		CHECK(guest_bug(g, NULL));
		/* Of all others the two think alike. */
		guest_res(g, CMD(RESOURCE_UNREF), 2);
		CHECK(guest_bug(g, "resource-id"));
		guest_destroy(g);
	}
}

/* A wrong fence makes the answer useless for a driver; a right one does not. */
static void judge_test_wrong_fence(void)
{
	static const struct {
		const char *rule;
		const char *bug;
	} cases[] = {
		{ "on fenced: fence +1", NULL },
		{ "on fenced: fence =7", "resource-id" },
		{ "on fenced: ring 5", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest *g = judged(cases[i].rule);
		struct wire_hdr h = { .type = CMD(RESOURCE_UNREF), .fence_id = 7,
				      .flags = VIRTIO_GPU_FLAG_FENCE };
		u8 req[32] = { 0 };

		guest_create_2d(g, 1, 2, 8, 8);
		wire_hdr_put(req, &h);
		put_le32(req + 24, 1);
		guest_send(g, req, sizeof(req), NULL);
		guest_res(g, CMD(RESOURCE_UNREF), 1);
		CHECK(guest_bug(g, cases[i].bug));
		guest_destroy(g);
	}
}

/* An answer that was changed is settled by a good one to what was sent later. */
static void judge_test_settled_by_good_answer(void)
{
	struct guest *g = judged("on RESOURCE_CREATE_2D nth 1: error-after OUT_OF_MEMORY");

	/* The driver may have sent these before it knew: they settle nothing. */
	guest_create_2d(g, 1, 2, 8, 8);
	CHECK_EQ(guest_attach(g, 1, GUEST_DATA, 4096), OK);
	guest_create_2d(g, 1, 2, 8, 8);
	let_see(g);
	/* This one does. */
	guest_create_2d(g, 1, 2, 8, 8);
	CHECK(guest_bug(g, NULL));
	guest_create_2d(g, 1, 2, 8, 8);
	CHECK(guest_bug(g, "resource-exists"));
	guest_destroy(g);

	/* It never hears of the first: the next good answer tells. */
	g = judged("on RESOURCE_CREATE_2D nth 1: never");
	guest_create_2d(g, 1, 2, 8, 8);
	CHECK_EQ(guest_attach(g, 1, GUEST_DATA, 4096), OK);
	guest_create_2d(g, 1, 2, 8, 8);
	CHECK(guest_bug(g, "resource-exists"));
	guest_destroy(g);

	/* The error of a transfer does not tell what became of the creation, that of UNREF does. */
	g = judged("on RESOURCE_CREATE_2D nth 1: error OUT_OF_MEMORY");
	guest_create_2d(g, 1, 2, 8, 8);
	let_see(g);
	guest_transfer(g, 1, 0, 0, 8, 8, 0);
	guest_transfer(g, 1, 0, 0, 8, 8, 0);
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(g->d.judge.excused, 2);
	let_see(g);
	guest_res(g, CMD(RESOURCE_UNREF), 1);
	CHECK(guest_bug(g, NULL));
	let_see(g);
	guest_res(g, CMD(RESOURCE_UNREF), 1);
	CHECK(guest_bug(g, "resource-id"));
	guest_destroy(g);
}

/* Only what the command would have changed is in doubt. */
static void judge_test_only_what_it_would_change(void)
{
	struct guest *g = judged("on RESOURCE_ATTACH_BACKING nth 1: error UNSPEC");

	guest_create_2d(g, 1, 2, 8, 8);
	guest_attach(g, 1, GUEST_DATA, 4096);
	guest_transfer(g, 1, 0, 0, 8, 8, 0);
	guest_res(g, CMD(RESOURCE_DETACH_BACKING), 1);
	CHECK(guest_bug(g, NULL));
	guest_create_2d(g, 1, 2, 8, 8);
	CHECK(guest_bug(g, "resource-exists"));
	guest_destroy(g);

	g = judged("on CTX_ATTACH_RESOURCE nth 1: error UNSPEC");
	guest_create_2d(g, 1, 2, 8, 8);
	guest_create_2d(g, 2, 2, 8, 8);
	guest_ctx(g, 1, 0);
	guest_ctx(g, 2, 0);
	guest_ctx_res(g, CMD(CTX_ATTACH_RESOURCE), 1, 1);
	guest_ctx_res(g, CMD(CTX_DETACH_RESOURCE), 1, 1);
	CHECK(guest_bug(g, NULL));
	guest_ctx_res(g, CMD(CTX_DETACH_RESOURCE), 2, 1);
	CHECK(guest_bug(g, "ctx-not-attached"));
	guest_ctx_res(g, CMD(CTX_DETACH_RESOURCE), 1, 2);
	CHECK(guest_bug(g, "ctx-not-attached"));
	guest_ctx(g, 1, 0);
	CHECK(guest_bug(g, "ctx-exists"));
	guest_destroy(g);

	g = judged("on SET_SCANOUT nth 2: error UNSPEC");
	guest_create_2d(g, 1, 2, 8, 8);
	guest_create_2d(g, 2, 2, 8, 8);
	guest_scanout(g, 0, 1, 8, 8);
	guest_scanout(g, 0, 2, 8, 8);
	guest_res(g, CMD(RESOURCE_UNREF), 1);
	CHECK(guest_bug(g, NULL));
	let_see(g);
	guest_scanout(g, 0, 2, 8, 8);
	guest_res(g, CMD(RESOURCE_UNREF), 2);
	CHECK(guest_bug(g, "unref-scanout"));
	guest_destroy(g);

	/* A transfer changes no state that a rule is about, but the contents. */
	g = judged("on TRANSFER_TO_HOST_2D: error UNSPEC");
	guest_create_2d(g, 1, 2, 8, 8);
	guest_attach(g, 1, GUEST_DATA, 4096);
	guest_transfer(g, 1, 0, 0, 8, 8, 0);
	guest_attach(g, 1, GUEST_DATA, 4096);
	CHECK(guest_bug(g, "backing-twice"));
	guest_destroy(g);
}

/* A stream that fails changes nothing the rules are about. */
static void judge_test_stream_error(void)
{
	struct guest *g = judged(NULL);
	u32 fail = TOY3D_HDR(TOY3D_OP_FAIL, 0);

	guest_create_2d(g, 1, 2, 8, 8);
	guest_ctx(g, 1, 0);
	CHECK_EQ(guest_submit(g, 1, &fail, 1), ERR(UNSPEC));
	CHECK_EQ(g->d.bugs.user, 1);
	guest_ctx_res(g, CMD(CTX_DETACH_RESOURCE), 1, 1);
	CHECK(guest_bug(g, "ctx-not-attached"));
	guest_ctx(g, 1, 0);
	CHECK(guest_bug(g, "ctx-exists"));
	CHECK_EQ(g->d.judge.excused, 0);
	guest_destroy(g);
}

/* What a user asked too much of was not made: that excuses what was sent before. */
static void judge_test_user_error(void)
{
	struct guest *g = judged(NULL);

	g->d.budget.limit = 4096;
	device_start(&g->d);
	CHECK_EQ(guest_create_2d(g, 1, 2, 1024, 1024), ERR(OUT_OF_MEMORY));
	CHECK_EQ(guest_attach(g, 1, GUEST_DATA, 4096), ERR(INVALID_RESOURCE_ID));
	CHECK_EQ(guest_res(g, CMD(RESOURCE_UNREF), 1), ERR(INVALID_RESOURCE_ID));
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(g->d.judge.excused, 2);
	let_see(g);
	CHECK_EQ(guest_res(g, CMD(RESOURCE_UNREF), 1), ERR(INVALID_RESOURCE_ID));
	CHECK(guest_bug(g, "resource-id"));
	guest_destroy(g);

	/* The answer is held back: the driver cannot know. */
	g = judged("on RESOURCE_CREATE_2D nth 1: kicks 40");
	g->d.budget.limit = 4096;
	device_start(&g->d);
	guest_create_2d(g, 1, 2, 1024, 1024);
	ask(g, GUEST_RING / 2 - 2);
	guest_attach(g, 1, GUEST_DATA, 4096);
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(g->d.judge.excused, 1);
	guest_destroy(g);
}

/* However much is in doubt, there is an end to what is remembered. */
static void judge_test_many_doubts(void)
{
	struct guest *g = judged("on RESOURCE_CREATE_2D: error UNSPEC");
	u32 alloc = g->alloc;

	for (u32 i = 1; i < 3 * JUDGE_DOUBTS; i++, g->alloc = alloc)
		guest_create_2d(g, i, 2, 8, 8);
	guest_res(g, CMD(RESOURCE_UNREF), 3 * JUDGE_DOUBTS - 1);
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(g->d.judge.n, JUDGE_DOUBTS);
	device_reset(&g->d);
	CHECK_EQ(g->d.judge.n, 0);
	guest_destroy(g);
}

const struct test_case judge_tests[] = {
	TEST(judge_test_harmless_scripts),
	TEST(judge_test_changed_answers),
	TEST(judge_test_wrong_fence),
	TEST(judge_test_settled_by_good_answer),
	TEST(judge_test_only_what_it_would_change),
	TEST(judge_test_stream_error),
	TEST(judge_test_user_error),
	TEST(judge_test_many_doubts),
	{ 0 },
};
