// SPDX-License-Identifier: MIT
/* The fault script: what it takes, when it acts, and what that does. */
#include <stdlib.h>
#include <unistd.h>

#include "guest.h"
#include "test.h"

static bool parses(const char *line)
{
	struct fault_script s = { .n = 0 };
	char err[128];
	bool ok = !fault_parse(&s, line, err, sizeof(err));

	CHECK_EQ(s.n, ok && *line == 'o');
	fault_clear(&s);
	return ok;
}

static void fault_test_grammar(void)
{
	static const char * const good[] = {
		"", "  ", "# comment", "on any: never", "on any : never",
		"on SUBMIT_3D nth 3: error ERR_UNSPEC",
		"on submit_3d nth 3..5 : error 0x1203, kicks 2 # why",
		"on GET_EDID|GET_CAPSET_INFO once: garbage",
		"on GET_EDID: garbage 7, short 30, long 5000",
		"on fenced from 4 every 3: fence +1", "on fenced: fence -2",
		"on fenced: fence =77", "on ctrl ctx 1 ring 2 res 3: ms 10",
		"on any after CTX_CREATE 2: die 9", "on any after CTX_CREATE: die",
		"on cursor: set8 3 4, set32 0 0xffffffff, set64 8 1",
		"on any: output 0 1280x720+5+6", "on any: output 1 off",
		"on any: config num_scanouts 99", "on 0x999: type OK_EDID",
		"on any: twice, bad-id, hang, behind 2, token 3, stop, stall, lazy",
		"on any: needs-reset, mark here, ring 3, ctx 4, flags 0",
	};
	static const char * const bad[] = {
		"any: never", "on", "on :", "on any", "on any:", "on any: ,",
		"on any: never never", "on any: never,", "on nothing: never",
		"on any nth 0: never", "on any nth 5..4: never", "on any nth x: never",
		"on any every 0: never", "on any ctx: never", "on any foo 3: never",
		"on any: error", "on any: error FOO", "on any: short -1",
		"on any: set8 1", "on any: fence 3", "on any: fence +x",
		"on any: output 16 on", "on any: output 0 12", "on any: output 0 0x5",
		"on any: kicks 99999999999999999999", "on any after: never",
		"on any|: explode", "on |: never",
		"on any: mark a-word-that-is-much-too-long-for-the-room-that-there-is",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(parses(good[i]) || !printf("%s\n", good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!parses(bad[i]) || !printf("%s\n", bad[i]));
}

static void fault_test_limits(void)
{
	struct fault_script s = { .n = 0 };
	char err[128], line[3000] = "on any: ";

	for (int i = 0; i < FAULT_RULES_MAX; i++)
		CHECK(!fault_parse(&s, "on any: never", err, sizeof(err)));
	CHECK(fault_parse(&s, "on any: never", err, sizeof(err)));
	fault_clear(&s);
	for (int i = 0; i < FAULT_ACTIONS_MAX + 1; i++)
		strcat(line, i ? ", twice" : "twice");
	CHECK(fault_parse(&s, line, err, sizeof(err)));
	memset(line + 8, 'x', sizeof(line) - 9);
	CHECK(fault_parse(&s, line, err, sizeof(err)));
	CHECK_EQ(s.n, 0);
}

static void fault_test_file(void)
{
	char path[] = "/tmp/vgpu-host-test-XXXXXX", err[128];
	struct fault_script s = { .n = 0 };
	int fd = mkstemp(path);

	CHECK(write(fd, "# two\non any: never\n\non bad\n", 27) == 27);
	CHECK(fault_load(&s, path, err, sizeof(err)) < 0);
	CHECK(strstr(err, ":4: "));
	CHECK_EQ(s.n, 1);
	fault_clear(&s);
	close(fd);
	unlink(path);
	CHECK(fault_load(&s, path, err, sizeof(err)) < 0);
}

static void count(void *opaque, const struct fault_action *a)
{
	(void)a;
	++*(unsigned int *)opaque;
}

/* The requests (of a run of n) at which a rule acts, as bits. */
static u64 acts(const char *rule, const struct job *job, unsigned int n)
{
	struct fault_script s = { .n = 0 };
	char err[128];
	u64 bits = 0;

	CHECK(!fault_parse(&s, rule, err, sizeof(err)));
	for (unsigned int i = 0; i < n; i++) {
		unsigned int hits = 0;

		fault_apply(&s, job, count, &hits);
		bits |= (u64)!!hits << (i + 1);
	}
	fault_clear(&s);
	return bits;
}

static void fault_test_when(void)
{
	static const struct job job = { .hdr = { .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 2,
		.ring_idx = 1, .flags = VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX } };

	CHECK_EQ(acts("on any: never", &job, 4), 0x1e);
	CHECK_EQ(acts("on any once: never", &job, 4), 0x02);
	CHECK_EQ(acts("on any nth 3: never", &job, 8), 0x08);
	CHECK_EQ(acts("on any nth 2..4: never", &job, 8), 0x1c);
	CHECK_EQ(acts("on any from 3: never", &job, 5), 0x38);
	CHECK_EQ(acts("on any every 3: never", &job, 8), 0x92);
	CHECK_EQ(acts("on any from 2 every 2: never", &job, 6), 0x54);
	CHECK_EQ(acts("on any after SUBMIT_3D 2: never", &job, 4), 0x18);
	CHECK_EQ(acts("on any after GET_EDID: never", &job, 4), 0);
	CHECK_EQ(acts("on SUBMIT_3D ctx 2 ring 1: never", &job, 1), 2);
	CHECK_EQ(acts("on SUBMIT_3D ctx 3: never", &job, 1), 0);
	CHECK_EQ(acts("on SUBMIT_3D ring 0: never", &job, 1), 0);
	CHECK_EQ(acts("on SUBMIT_3D res 1: never", &job, 1), 0);
	CHECK_EQ(acts("on fenced: never", &job, 1), 2);
	CHECK_EQ(acts("on ctrl: never", &job, 1), 2);
	CHECK_EQ(acts("on cursor: never", &job, 1), 0);
	CHECK_EQ(acts("on GET_EDID|SUBMIT_3D: never", &job, 1), 2);
	CHECK_EQ(acts("on GET_EDID: never", &job, 1), 0);
}

static struct guest *faulty(const char *rule)
{
	struct guest *g = guest_create(0);
	char err[128];

	CHECK(!fault_parse(&g->d.fault, rule, err, sizeof(err)));
	return g;
}

static u32 info(struct guest *g, u64 fence, struct guest_reply *r)
{
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
			      .flags = fence ? VIRTIO_GPU_FLAG_FENCE : 0,
			      .fence_id = fence };
	u8 req[WIRE_HDR_SIZE];

	wire_hdr_put(req, &h);
	return guest_send(g, req, sizeof(req), r);
}

static void fault_test_answers(void)
{
	struct guest_reply r;
	struct guest *g = faulty("on any nth 1: error OUT_OF_MEMORY");

	CHECK_EQ(info(g, 5, &r), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	CHECK_EQ(r.used, WIRE_HDR_SIZE);
	CHECK_EQ(r.hdr.fence_id, 5);
	CHECK_EQ(info(g, 6, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	guest_destroy(g);
	g = faulty("on any nth 1: short 30");
	info(g, 0, &r);
	CHECK_EQ(r.used, 30);
	CHECK_EQ(get_le32(r.bytes + 32), 0);	/* width was not written */
	guest_destroy(g);
	g = faulty("on any: long 70000, type OK_EDID, fence +3, ring 9, ctx 8, flags 7");
	CHECK_EQ(info(g, 5, &r), VIRTIO_GPU_RESP_OK_EDID);
	CHECK_EQ(r.used, 70000);
	CHECK_EQ(r.hdr.fence_id, 8);
	CHECK_EQ(r.hdr.ring_idx, 9);
	CHECK_EQ(r.hdr.ctx_id, 8);
	CHECK_EQ(r.hdr.flags, 7);
	guest_destroy(g);
	g = faulty("on any: set32 24 0xdeadbeef, set8 32 0x7f, set64 4000 1, fence =9");
	info(g, 5, &r);
	CHECK_EQ(get_le32(r.bytes + 24), 0xdeadbeef);
	CHECK_EQ(r.bytes[32], 0x7f);
	CHECK_EQ(r.hdr.fence_id, 9);
	guest_destroy(g);
	g = faulty("on any: garbage 3");
	info(g, 0, &r);
	CHECK_EQ(r.hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK(get_le32(r.bytes + 32) != 1024);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void fault_test_used_ring(void)
{
	struct guest_reply r;
	struct guest *g = faulty("on any nth 1: twice");

	info(g, 0, &r);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK_EQ(r.id, 0);
	guest_destroy(g);
	g = faulty("on any nth 1: bad-id");
	info(g, 0, &r);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK(r.id >= GUEST_RING);
	guest_destroy(g);
}

static void fault_test_late(void)
{
	struct guest_reply r;
	struct guest *g = faulty("on any nth 1: kicks 2");

	CHECK_EQ(info(g, 1, &r), 0);
	/* An unfenced request overtakes, a later fence does not. */
	CHECK_EQ(info(g, 0, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(r.id, 2);
	CHECK_EQ(info(g, 2, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(r.id, 0);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK_EQ(r.id, 4);
	CHECK_EQ(g->d.fence.count, 0);
	guest_destroy(g);
	g = faulty("on any nth 1..2: slow 2");
	CHECK_EQ(info(g, 1, &r), 0);
	CHECK_EQ(info(g, 2, &r), 0);
	/* Two kicks for the first, then two for the second, and all behind it. */
	info(g, 3, &r);
	CHECK(r.done && r.id == 0);
	info(g, 4, &r);
	CHECK(!r.done);
	info(g, 5, &r);
	CHECK(r.done && r.id == 2);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK_EQ(r.id, 4);
	guest_destroy(g);
	g = faulty("on any nth 1: behind 2");
	CHECK_EQ(info(g, 1, &r), 0);
	CHECK_EQ(info(g, 2, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(r.id, 2);
	CHECK_EQ(info(g, 3, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(r.id, 4);
	CHECK(guest_reap(g, 0, 0, &r));
	CHECK_EQ(r.id, 0);
	guest_destroy(g);
	g = faulty("on any nth 1: token 9");
	CHECK_EQ(info(g, 1, &r), 0);
	device_release(&g->d, 8);
	CHECK(!guest_reap(g, 0, 0, &r));
	device_release(&g->d, 9);
	CHECK(guest_reap(g, 0, 0, &r));
	guest_destroy(g);
}

static void fault_test_never(void)
{
	struct guest_reply r;
	struct guest *g = faulty("on any nth 1: never");

	CHECK_EQ(info(g, 1, &r), 0);
	CHECK_EQ(info(g, 2, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(g->d.fence.count, 1);
	device_reset(&g->d);
	CHECK_EQ(g->d.fence.count, 0);
	guest_destroy(g);
	g = faulty("on any nth 1: hang");
	CHECK_EQ(info(g, 1, &r), 0);
	CHECK_EQ(info(g, 2, &r), 0);
	CHECK_EQ(info(g, 0, &r), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	guest_destroy(g);
}

static void fault_test_events(void)
{
	struct guest_reply r;
	struct guest *g = faulty("on any nth 1: output 1 640x480+7+8");
	u32 events;

	info(g, 0, &r);
	CHECK_EQ(g->config_events, 1);
	device_config_read(&g->d, 0, &events, 4);
	CHECK_EQ(events, VIRTIO_GPU_EVENT_DISPLAY);
	CHECK_EQ(g->d.display.out[1].mode.w, 640);
	CHECK(g->d.display.out[1].connected);
	guest_destroy(g);
	g = faulty("on any nth 1: config num_scanouts 99, die 5");
	info(g, 0, &r);
	CHECK_EQ(g->d.config.num_scanouts, 99);
	CHECK_EQ(g->died, 5);
	guest_destroy(g);
	g = faulty("on any nth 2: stall");
	CHECK(info(g, 0, &r));
	CHECK(info(g, 0, &r));
	CHECK_EQ(info(g, 0, &r), 0);
	g->d.stalled = false;
	device_run(&g->d);
	CHECK(guest_reap(g, 0, 0, &r));
	guest_destroy(g);
	g = faulty("on any nth 1: stop");
	CHECK(info(g, 0, &r));
	CHECK_EQ(info(g, 0, &r), 0);
	guest_destroy(g);
}

static bool hide_cursor(struct guest *g)
{
	u8 req[sizeof(struct virtio_gpu_update_cursor)] = { 0 };
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_UPDATE_CURSOR };
	struct guest_reply r;

	wire_hdr_put(req, &h);
	return guest_reap(g, WIRE_CURSORQ,
			  guest_queue(g, WIRE_CURSORQ, req, sizeof(req), 0), &r);
}

static void fault_test_lazy_queue(void)
{
	struct guest *g = faulty("on cursor nth 1: lazy");
	struct guest_reply r;

	CHECK(hide_cursor(g));
	CHECK(!hide_cursor(g));
	CHECK(info(g, 0, &r));
	CHECK(guest_reap(g, WIRE_CURSORQ, 0, &r));
	CHECK(!hide_cursor(g));
	device_reset(&g->d);
	CHECK_EQ(g->d.lazy, 0);
	guest_destroy(g);
}

/* What follows from believing the device is not the driver's fault. */
static void fault_test_lies(void)
{
	struct guest *g = guest_create(0);
	u8 req[32] = { 0 };
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_GET_EDID };

	wire_hdr_put(req, &h);
	put_le32(req + 24, 7);
	CHECK_EQ(guest_send(g, req, 32, NULL), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	CHECK(guest_bug(g, "scanout-range"));
	CHECK(device_config_lie(&g->d, "num_scanouts", 16));
	CHECK_EQ(guest_send(g, req, 32, NULL), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(g->d.judge.excused, 1);
	guest_destroy(g);
}

static void fault_test_fuzz_repeats(void)
{
	static u8 bytes[2][200 * 440];
	u64 mutated[2];

	for (int run = 0; run < 2; run++) {
		struct guest *g = guest_create(0);

		CHECK(fuzz_parse(&g->d.fuzz, "42:500"));
		for (int i = 0; i < 200; i++) {
			struct guest_reply r = { 0 };

			g->alloc = GUEST_DATA;
			info(g, i + 1, &r);
			memcpy(bytes[run] + 440 * i, &r, 440);
		}
		mutated[run] = g->d.fuzz.mutated;
		CHECK(guest_bug(g, NULL));
		guest_destroy(g);
	}
	CHECK(!memcmp(bytes[0], bytes[1], sizeof(bytes[0])));
	CHECK_EQ(mutated[0], mutated[1]);
	CHECK(mutated[0] > 50 && mutated[0] < 150);
}

static void fault_test_fuzz_option(void)
{
	struct fuzz f = { .on = false };

	CHECK(fuzz_parse(&f, "7") && f.on && f.rate == 100 && !f.drop);
	CHECK(fuzz_parse(&f, "7:1000:drop") && f.rate == 1000 && f.drop);
	CHECK(fuzz_parse(&f, "off") && !f.on);
	CHECK(!fuzz_parse(&f, "x"));
	CHECK(!fuzz_parse(&f, "7:1001"));
	CHECK(fuzz_parse(&f, "7:5:drop@3") && f.drop && f.calm == 3);
	CHECK(fuzz_parse(&f, "7@2") && f.rate == 100 && f.calm == 2);
	CHECK(fuzz_parse(&f, "7") && !f.calm);
	CHECK(!fuzz_parse(&f, "7:5@2x"));
	CHECK(!fuzz_parse(&f, "7:5:droop"));
}

const struct test_case fault_tests[] = {
	TEST(fault_test_grammar),
	TEST(fault_test_limits),
	TEST(fault_test_file),
	TEST(fault_test_when),
	TEST(fault_test_answers),
	TEST(fault_test_used_ring),
	TEST(fault_test_late),
	TEST(fault_test_never),
	TEST(fault_test_events),
	TEST(fault_test_lazy_queue),
	TEST(fault_test_lies),
	TEST(fault_test_fuzz_repeats),
	TEST(fault_test_fuzz_option),
	{ 0 },
};
