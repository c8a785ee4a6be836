// SPDX-License-Identifier: MIT
/* The control socket and the command line. */
#include <stdlib.h>

#include <linux/virtio_config.h>

#include "control.h"
#include "guest.h"
#include "options.h"
#include "test.h"

static char *ask(struct guest *g, const char *line)
{
	static char answer[8192];
	struct loop loop = { .n = 0 };
	struct control c;
	char copy[CONTROL_LINE_MAX];
	FILE *out = fmemopen(answer, sizeof(answer), "w");

	strcpy(copy, line);
	control_init(&c, &g->d, &loop, -1);
	control_run(&c, copy, out);
	fclose(out);
	if (!strcmp(line, "quit"))
		CHECK(loop.quit);
	return answer;
}

static bool ends(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) && !strcmp(s + strlen(s) - strlen(end), end);
}

static void control_test_commands(void)
{
	static const char * const good[] = {
		"ping", "help", "bugs", "bugs clear", "stats", "outputs", "faults",
		"output 1 800x600", "output 0 off", "output 0 on",
		"fault on any: never", "faults clear", "stall on", "stall off",
		"hold on", "hold off", "release 5", "config num_capsets 7",
		"needs-reset", "break 0", "fuzz 5:100", "fuzz off", "allow padding",
		"mark some text", "quit", "die 3",
	};
	static const char * const bad[] = {
		"", "nonsense", "pin", "pings", "output", "output 7 on", "output x on",
		"output 0 5x", "crc", "crc 0", "png 0", "png 0 /nonexistent/x",
		"fault on", "stall", "stall maybe", "hold 1", "release", "release 0",
		"config foo 1", "config num_capsets", "break 5", "fuzz", "fuzz x",
		"release 99999999999", "die x", "allow",
	};
	struct guest *g = guest_create(0);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(ends(ask(g, good[i]), "OK\n") || !printf("%s\n", good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!strncmp(ask(g, bad[i]), "ERR ", 4) || !printf("%s\n", bad[i]));
	CHECK_EQ(g->died, 3);
	guest_destroy(g);
}

static void control_test_reports(void)
{
	struct guest *g = guest_create(0);

	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 5);
	CHECK(!strncmp(ask(g, "bugs"), "bugs 1\n", 7));
	CHECK(strstr(ask(g, "bugs"), "bug resource-id RESOURCE_UNREF seq 1: "));
	CHECK(strstr(ask(g, "stats"), "requests 1\nanswers 1\n"));
	guest_create_2d(g, 1, 2, 4, 4);
	guest_scanout(g, 0, 1, 4, 4);
	guest_flush(g, 1, 0, 0, 4, 4);
	CHECK(strstr(ask(g, "outputs"), "output 0 connected 1024x768+0+0 shows 1 4x4 "
		     "frames 1 crc "));
	CHECK_EQ(strtoul(ask(g, "crc 0"), NULL, 16), g->d.display.out[0].crc);
	guest_destroy(g);
}

static void control_test_stall(void)
{
	struct guest *g = guest_create(0);

	ask(g, "stall on");
	CHECK_EQ(guest_create_2d(g, 1, 2, 4, 4), 0);
	CHECK_EQ(guest_create_2d(g, 2, 2, 4, 4), 0);
	CHECK_EQ(g->d.resources.count, 0);
	ask(g, "stall off");
	CHECK_EQ(g->d.resources.count, 2);
	guest_destroy(g);
}

static void control_test_features_option(void)
{
	u64 f = BIT64(VIRTIO_GPU_F_EDID);

	CHECK(options_features(&f, "+packed,-edid,blob"));
	CHECK_EQ(f, BIT64(VIRTIO_F_RING_PACKED) | BIT64(VIRTIO_GPU_F_RESOURCE_BLOB));
	CHECK(options_features(&f, "none,version_1"));
	CHECK_EQ(f, BIT64(VIRTIO_F_VERSION_1));
	CHECK(!options_features(&f, "access_platform"));
}

const struct test_case control_tests[] = {
	TEST(control_test_commands),
	TEST(control_test_reports),
	TEST(control_test_stall),
	TEST(control_test_features_option),
	{ 0 },
};
