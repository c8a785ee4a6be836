// SPDX-License-Identifier: MIT
/* The command line. */
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "log.h"
#include "options.h"
#include "test.h"

struct parsed {
	struct device d;
	struct loop loop;
	struct vhost_user v;
	struct options o;
	char words[512];
	char *argv[64];
	char err[256];
	bool ok;
};

/* Words are separated by one blank. */
static struct parsed *parse(const char *line)
{
	struct parsed *p = xcalloc(1, sizeof(*p));
	int argc = 0;

	device_init(&p->d, &vhost_user_device_ops, &p->v);
	vhost_user_init(&p->v, &p->d, &p->loop);
	snprintf(p->words, sizeof(p->words), "vgpu-host %s", line);
	for (char *w = strtok(p->words, " "); w; w = strtok(NULL, " "))
		p->argv[argc++] = w;
	p->ok = options_parse(&p->o, &p->v, argc, p->argv, p->err, sizeof(p->err));
	if (p->ok)
		device_start(&p->d);
	return p;
}

static void done(struct parsed *p)
{
	device_fini(&p->d);
	free(p);
}

static void options_test_all(void)
{
	int verbose = log_verbose;
	struct parsed *p = parse("-s a -c b -t /dev/null --trace-requests -z 5:7 -a padding --pedantic -iSkxv "
		"--features none,version_1,+packed,blob --outputs 2 --output 1=640x480+7+8 "
		"--output 3=off --capset 7:1:64 --no-toy3d --window 4 --map-info 2 "
		"--blob-alignment 8192 --max-memory 3 --max-entries 5 --max-chain 6 "
		"--config num_capsets=9 --fault /dev/null");

	CHECK(p->ok);
	CHECK(!strcmp(p->o.socket, "a"));
	CHECK(!strcmp(p->o.control, "b"));
	CHECK(p->d.trace.out && p->d.trace.requests);
	CHECK(p->d.fuzz.on);
	CHECK_EQ(p->d.fuzz.rate, 7);
	CHECK(p->o.keep);
	CHECK(p->d.bugs.pedantic);
	CHECK(p->d.stalled);
	CHECK_EQ(log_verbose, verbose + 1);
	CHECK_EQ(p->v.offered & (BIT64(VHU_PF_INBAND_NOTIFICATIONS) | BIT64(VHU_PF_STATUS)),
		 BIT64(VHU_PF_INBAND_NOTIFICATIONS) | BIT64(VHU_PF_STATUS));
	CHECK(p->v.offered & BIT64(VHU_PF_SHMEM));
	CHECK_EQ(p->d.opt.features, BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_F_RING_PACKED) |
		 BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT) | BIT64(VIRTIO_GPU_F_RESOURCE_BLOB));
	CHECK_EQ(p->d.config.num_scanouts, 4);
	CHECK_EQ(p->d.display.out[1].mode.x, 7);
	CHECK_EQ(p->d.display.out[1].mode.w, 640);
	CHECK(p->d.display.out[0].connected && !p->d.display.out[2].connected);
	CHECK(!p->d.display.out[3].connected);
	CHECK_EQ(p->d.opt.ncapsets, 1);
	CHECK_EQ(p->d.opt.capset[0].id, 7);
	CHECK_EQ(p->d.config.num_capsets, 9);
	CHECK_EQ(p->d.hostmem.size, 4 << 20);
	CHECK_EQ(p->d.opt.map_info, 2);
	CHECK_EQ(p->d.config.blob_alignment, 8192);
	CHECK_EQ(p->d.budget.limit, 3 << 20);
	CHECK_EQ(p->d.opt.max_entries, 5);
	CHECK_EQ(p->o.max_chain, 6);
	log_verbose = verbose;
	done(p);
}

static void options_test_ways(void)
{
	static const char * const lines[] = {
		"-s a", "--socket a --no-toy3d --no-toy3d", "--help", "--version --nothing=no",
		"-s a --window 1 --window-at 0x1000", "-C a bugs clear", "-hV",
	};
	struct parsed *p;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		p = parse(lines[i]);
		CHECK(p->ok != !strcmp(lines[i], "--version --nothing=no") ||
		      !printf("# %s: %s\n", lines[i], p->err));
		done(p);
	}
	p = parse("-C a bugs --clear");
	CHECK(!strcmp(p->o.ctl, "a"));
	CHECK(!strcmp(p->o.rest[0], "bugs"));
	CHECK(!strcmp(p->o.rest[1], "--clear"));
	CHECK(!p->o.rest[2]);
	done(p);
	p = parse("-s a --like crosvm --habit -fence32,-drop-context,2d-crosvm,late-capsets");
	CHECK_EQ(p->d.opt.habits, 1u << HABIT_HOLD_POLL | 1u << HABIT_2D_CROSVM |
		 1u << HABIT_LATE_CAPSETS);
	CHECK_EQ(p->d.fault.n, 1);
	CHECK(!(p->d.opt.features & BIT64(VIRTIO_GPU_F_VIRGL)));
	done(p);
	p = parse("-s a --window 1 --window-at 0x1000");
	CHECK(!(p->v.offered & BIT64(VHU_PF_SHMEM)));
	done(p);
}

static void options_test_wrong(void)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "", "--socket is missing" },
		{ "-s", "argument is missing" },
		{ "-s a --nonsense", "'--nonsense': no such option" },
		{ "-s a b", "what is 'b'?" },
		{ "-s a -C b bugs", "a client, or a device?" },
		{ "-s a -c a", "a path each" },
		{ "-s a --window-at 4096", "--window-at needs --window" },
		{ "-s a --window-at 4096 --window 0", "--window-at needs --window" },
		{ "-s a --blob-alignment 64 --features none", "takes it away" },
		{ "-s a --blob-alignment 3", "not a power of two" },
		{ "-s a --blob-alignment 0", "not a number from 1" },
		{ "-s a --capset 1:1:4 --capset 1:2:4", "capability set 1 is there twice" },
		{ "-s a --capset 1:1", "not ID:VERSION:SIZE" },
		{ "-s a --capset 1:1:70000", "not ID:VERSION:SIZE" },
		{ "-s a --features +all", "unknown feature" },
		{ "-s a --outputs 0", "not a number from 1" },
		{ "-s a --outputs -1", "not a number" },
		{ "-s a --outputs 1x", "not a number" },
		{ "-s a --output 0", "not N=WxH" },
		{ "-s a --output 99=on", "not N=WxH" },
		{ "-s a --output 0=99999x1", "not N=WxH" },
		{ "-s a --window 99999999999", "not a number from 0" },
		{ "-s a --window-at 0", "not a number from 1" },
		{ "-s a --map-info x", "not a number" },
		{ "-s a --max-memory x", "not a number" },
		{ "-s a --max-entries 0", "not a number" },
		{ "-s a --max-chain 65537", "not a number" },
		{ "-s a --config foo=1", "no 'foo'" },
		{ "-s a --config foo", "not MEMBER=VALUE" },
		{ "-s a --config num_capsets=x", "not a number" },
		{ "-s a -t /nonexistent/x", "/nonexistent/x: No such file" },
		{ "-s a -f /nonexistent/x", "/nonexistent/x: No such file" },
		{ "-s a -z x", "not SEED" },
		{ "-s a -a nonsense", "names a rule that there is not" },
		{ "-s a --like bochs", "not qemu, crosvm or libkrun" },
		{ "-s a --habit fence32,fence64", "names a habit that there is not" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct parsed *p = parse(rows[i].line);

		CHECK(!p->ok || !printf("# %s\n", rows[i].line));
		CHECK(strstr(p->err, rows[i].why) ||
		      !printf("# %s: %s\n", rows[i].line, p->err));
		done(p);
	}
}

static void options_test_many(void)
{
	char line[400] = "-s a";
	struct parsed *p;

	for (int i = 0; i < DEVICE_CAPSETS; i++)
		sprintf(line + strlen(line), " --capset %d:1:4", 20 + i);
	p = parse(line);
	CHECK(!p->ok);
	CHECK(strstr(p->err, "more than 16 capability sets"));
	done(p);
}

static void options_test_help(void)
{
	static char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	options_help(out);
	fclose(out);
	CHECK(strstr(text, "\n  -s, --socket PATH\n          listen here"));
	CHECK(strstr(text, "\n      --no-toy3d \n"));
	CHECK(strstr(text, "  needs-reset "));
	CHECK(strstr(text, "\n  granule16k ") && strstr(text, "[libkrun]\n"));
}

const struct test_case options_tests[] = {
	TEST(options_test_all),
	TEST(options_test_ways),
	TEST(options_test_wrong),
	TEST(options_test_many),
	TEST(options_test_help),
	{ 0 },
};
