// SPDX-License-Identifier: MIT
/* What a hostile guest can make the device spend: memory, descriptors and time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_ring.h>

#include "crc.h"
#include "guest.h"
#include "log.h"
#include "test.h"
#include "toy3d.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define NO_MEMORY VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define LIMIT (64 * MIB)

/* How long the loop may be busy; the sanitizers' own allocator is slower than that. */
#ifdef __SANITIZE_ADDRESS__
#define BOUND_US 200000
#else
#define BOUND_US 50000
#endif

/* A guest that tries this often gets more than the limit, if there is none. */
#ifndef MANY_BLOBS
#define MANY_BLOBS 300
#define MANY_CONTEXTS 20000
#define MANY_SUBMITS 4
#endif

static u64 cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static u64 rss_mib(void)
{
	unsigned long size = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096 / MIB;
}

/* A case begins: what it costs is compared with now. */
static struct {
	u64 rss, longest, start;
} cost;

static struct guest *guest_limited(void)
{
	struct guest *g = guest_create(0);

	g->d.budget.limit = LIMIT;
	device_start(&g->d);
	cost.rss = rss_mib();
	cost.longest = 0;
	return g;
}

static void cost_begin(void)
{
	cost.start = cpu_us();
}

static void cost_end(void)
{
	cost.longest = MAX(cost.longest, cpu_us() - cost.start);
}

/* For the table of the hostile cases. */
static void cost_print(const char *outcome)
{
	printf("# %s: %lld MiB, longest block %llu ms, %s\n", test_name,
	       (long long)(rss_mib() - cost.rss), (unsigned long long)cost.longest / 1000,
	       outcome);
}

/* Sends one request, whose room in guest memory is given back. */
static u32 send_again(struct guest *g, const void *req, u32 len)
{
	u32 at = g->alloc, resp;

	cost_begin();
	resp = guest_send(g, req, len, NULL);
	cost_end();
	g->alloc = at;
	return resp;
}

/* RESOURCE_CREATE_BLOB of guest memory: @n entries of @len bytes, all the same pages. */
static u32 blob_of_entries(struct guest *g, u32 id, u32 n, u32 len)
{
	u32 size = sizeof(struct virtio_gpu_resource_create_blob) + 16 * n, resp;
	u8 *req = xcalloc(1, size), *e = req + size - 16 * n;

	wire_hdr_put(req, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB });
	put_le32(req + 24, id);
	put_le32(req + 28, VIRTIO_GPU_BLOB_MEM_GUEST);
	put_le32(req + 36, n);
	put_le64(req + 48, (u64)n * len);
	for (u32 i = 0; i < n; i++, e += 16) {
		put_le64(e, GUEST_BASE + GUEST_DATA);
		put_le32(e + 8, len);
	}
	resp = send_again(g, req, size);
	free(req);
	return resp;
}

static u32 scanout_blob(struct guest *g, u32 n, u32 id, u32 w, u32 h)
{
	u8 req[sizeof(struct virtio_gpu_set_scanout_blob)] = { 0 };

	wire_hdr_put(req, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB });
	put_le32(req + 32, w);
	put_le32(req + 36, h);
	put_le32(req + 40, n);
	put_le32(req + 44, id);
	put_le32(req + 48, w);
	put_le32(req + 52, h);
	put_le32(req + 56, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
	put_le32(req + 64, 4 * w);
	return send_again(g, req, sizeof(req));
}

static void limit_test_screens(void)
{
	struct guest *g = guest_limited();
	u32 refused = 0;

	g->d.display.n = 3;
	CHECK_EQ(blob_of_entries(g, 1, 2048, 2 * MIB), OK);
	for (u32 n = 0; n < 3; n++)
		refused += scanout_blob(g, n, 1, 32768, 32768) == NO_MEMORY;
	cost_begin();
	guest_flush(g, 1, 0, 0, 32768, 32768);
	cost_end();
	cost_print(refused ? "refused" : "accepted");
	CHECK_EQ(refused, 3);
	/* What fits is shown, and refused is not worse than before. */
	CHECK_EQ(scanout_blob(g, 0, 1, 2048, 2048), OK);
	CHECK_EQ(scanout_blob(g, 0, 1, 32768, 4096), NO_MEMORY);
	CHECK_EQ(g->d.display.out[0].view.w, 2048);
	for (u32 i = 0; i < 100; i++)
		CHECK_EQ(scanout_blob(g, i % 3, 1, 1024, 1024 + i), OK);
	CHECK_EQ(scanout_blob(g, 0, 0, 0, 0), OK);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void limit_test_backings(void)
{
	struct guest *g = guest_limited();
	u32 made = 0;

	for (u32 i = 1; i <= MANY_BLOBS; i++)
		made += blob_of_entries(g, i, 16384, 4096) == OK;
	cost_print(made < MANY_BLOBS ? "refused" : "accepted");
	CHECK(made < LIMIT / MIB * 4);
	CHECK(made > 100);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

/* Let the loop carry on until all is done; returns how often it had to. */
static unsigned int work(struct guest *g)
{
	unsigned int n = 0;

	for (; device_busy(&g->d); n++) {
		cost_begin();
		device_work(&g->d);
		cost_end();
	}
	return n;
}

/* A SUBMIT of 64 MiB, less a little: the same page again and again. */
static void submit_held(struct guest *g, u32 fence)
{
	u32 n = 1000, at = g->alloc, table = guest_put(g, NULL, 16 * (n + 1));
	u32 head = guest_put(g, NULL, 64), page = guest_put(g, NULL, 65536);
	u32 resp = guest_put(g, NULL, 32);
	u16 slot = 2 * g->avail[0] % GUEST_RING;
	u8 *p = g->mem + head;

	wire_hdr_put(p, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1,
		     .flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = fence });
	put_le32(p + 24, 8 + (n - 1) * 65536);
	put_le32(p + 32, TOY3D_HDR(TOY3D_OP_WAIT, 1));
	put_le32(p + 36, 7);
	put_le32(g->mem + page, TOY3D_HDR(TOY3D_OP_NOP, 16383));
	for (u32 i = 0; i <= n; i++) {
		u8 *d = g->mem + table + 16 * i;

		put_le64(d, GUEST_BASE + (i == 0 ? head : i < n ? page : resp));
		put_le32(d + 8, i == 0 ? 40 : i < n ? 65536 : 24);
		put_le16(d + 12, i < n ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE);
		put_le16(d + 14, i + 1);
	}
	guest_desc(g, 0, slot, GUEST_BASE + table, 16 * (n + 1), VRING_DESC_F_INDIRECT, 0);
	guest_publish(g, 0, slot);
	cost_begin();
	device_kick(&g->d, 0);
	cost_end();
	work(g);
	g->alloc = at;
}

static void limit_test_held(void)
{
	struct guest *g = guest_limited();

	/* The ring is too small for it, by the specification; no device minds. */
	bug_allow(&g->d.bugs, "chain-too-long");
	guest_ctx(g, 1, 0);
	g->d.slice_ms = DEVICE_SLICE_MS;
	for (u32 i = 1; i <= MANY_SUBMITS; i++)
		submit_held(g, i);
	cost_print(g->d.fence.count == MANY_SUBMITS ? "held" : "refused");
#ifndef __SANITIZE_ADDRESS__	/* which keeps what is freed for a while */
	CHECK(rss_mib() < cost.rss + 100);
#endif
	CHECK_EQ(g->d.fence.count, MANY_SUBMITS);
	CHECK(g->d.budget.used < MIB);
	CHECK(cost.longest < BOUND_US);
	/* What does not fit even for a moment is refused, and its fence with it. */
	device_release(&g->d, 7);
	CHECK_EQ(g->d.fence.count, 0);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void limit_test_contexts(void)
{
	struct guest *g = guest_limited();
	u8 req[sizeof(struct virtio_gpu_ctx_create)] = { 0 };
	u32 made = 0;

	for (u32 i = 1; i <= MANY_CONTEXTS; i++) {
		wire_hdr_put(req, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_CTX_CREATE,
			     .ctx_id = i });
		made += send_again(g, req, sizeof(req)) == OK;
	}
	cost_begin();
	cost_print(made < MANY_CONTEXTS ? "refused" : "accepted");
	device_reset(&g->d);
	cost_end();
	cost_print("reset");
	CHECK(cost.longest < BOUND_US);
	CHECK_EQ(g->d.budget.used, 0);
	CHECK(made < MANY_CONTEXTS);
	CHECK(made >= 4000);
	CHECK_EQ(guest_ctx(g, 1, 0), OK);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void limit_test_out_of_memory(void)
{
	struct guest *g = guest_limited();

	CHECK_EQ(blob_of_entries(g, 1, 16384, 3 * MIB), OK);
	CHECK_EQ(scanout_blob(g, 0, 1, 0x10000, 0x30000), NO_MEMORY);
	cost_print("refused");
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void limit_test_descriptors(void)
{
	struct rlimit old, few;
	struct guest *g;
	u32 made = 0;
	int fd[16];

	getrlimit(RLIMIT_NOFILE, &old);
	few = (struct rlimit){ 256, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	g = guest_limited();
	guest_ctx(g, 1, 0);
	for (u32 i = 1; i <= 400; i++) {
		u32 resp = guest_blob(g, 1, i, VIRTIO_GPU_BLOB_MEM_HOST3D,
				      VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE, 0, 4096, 0);

		made += resp == OK;
		CHECK(resp == OK || resp == NO_MEMORY);
	}
	for (u32 i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = dup(0);
		CHECK(fd[i] >= 0);
	}
	for (u32 i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	cost_print(made < 240 ? "refused" : "accepted");
	CHECK(made > 100);
	/* Given back, they can be had again. */
	for (u32 i = 1; i <= made; i++)
		CHECK_EQ(guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, i), OK);
	CHECK_EQ(guest_blob(g, 1, 1, VIRTIO_GPU_BLOB_MEM_HOST3D, 0, 0, 4096, 0), OK);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
	setrlimit(RLIMIT_NOFILE, &old);
}

static u32 queue_flush(struct guest *g, u32 w, u32 h)
{
	u8 req[sizeof(struct virtio_gpu_resource_flush)] = { 0 };

	wire_hdr_put(req, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_RESOURCE_FLUSH });
	put_le32(req + 32, w);
	put_le32(req + 36, h);
	put_le32(req + 40, 1);
	return guest_queue(g, 0, req, sizeof(req), 32);
}

/* A long flush is cut; what comes behind it waits for it, and so does its answer. */
static void limit_test_slices(void)
{
	struct guest *g = guest_limited();
	struct guest_reply r;
	u32 flush, info, crc;

	g->alloc += 512 * 1024;
	CHECK_EQ(blob_of_entries(g, 1, 16, 512 * 1024), OK);
	for (u32 i = 0; i < 1024; i++)
		g->mem[GUEST_DATA + 512 * i] = i * 7;
	CHECK_EQ(scanout_blob(g, 0, 1, 2048, 1024), OK);
	CHECK_EQ(guest_flush(g, 1, 0, 0, 2048, 1024), OK);
	crc = g->d.display.out[0].crc;
	g->d.slice_ms = 0;
	flush = queue_flush(g, 2048, 1024);
	CHECK(g->d.working);
	info = guest_queue(g, 0, (u8 [24]){ 0, 1 }, 24, 408);
	CHECK(!guest_reap(g, 0, flush, &r));
	CHECK_EQ(g->d.display.out[0].frames, 1);
	CHECK(work(g) > 100);
	CHECK(cost.longest < BOUND_US);
	CHECK(guest_reap(g, 0, flush, &r));
	CHECK_EQ(r.hdr.type, OK);
	CHECK(guest_reap(g, 0, info, &r));
	CHECK_EQ(r.hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(g->d.display.out[0].frames, 2);
	CHECK_EQ(g->d.display.out[0].crc, crc);
	CHECK_EQ(g->d.stats.flushes, 2);
	/* A queue that is taken away takes the whole request along, a reset nothing. */
	flush = queue_flush(g, 2048, 1024);
	device_settle(&g->d);
	device_answer_ready(&g->d);
	CHECK(guest_reap(g, 0, flush, &r));
	flush = queue_flush(g, 2048, 1024);
	CHECK(g->d.working);
	device_reset(&g->d);
	work(g);
	CHECK(!guest_reap(g, 0, flush, &r));
	CHECK_EQ(g->d.budget.used, 0);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

/* Streams and transfers do the same in slices as at once. */
static void limit_test_slices_3d(void)
{
	const u32 tail[] = { TOY3D_HDR(TOY3D_OP_RECT, 6), 1, 10, 20, 100, 200, 0xabcdef,
			     TOY3D_HDR(TOY3D_OP_COPY, 8), 1, 0, 0, 1, 600000, 0, 400000, 0 };
	const u32 fill[] = { TOY3D_HDR(TOY3D_OP_FILL, 6), 1, 4, 0, 900000, 0, 0x01020304 };
	u32 stream[ARRAY_SIZE(fill) + ARRAY_SIZE(tail)], crc[2], slices = 0;

	memcpy(stream, fill, sizeof(fill));
	memcpy(stream + ARRAY_SIZE(fill), tail, sizeof(tail));
	for (int sliced = 0; sliced < 2; sliced++) {
		struct guest *g = guest_limited();
		struct resource *res;

		g->d.slice_ms = sliced - 1;
		guest_ctx(g, 1, 0);
		CHECK_EQ(guest_create_2d(g, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 512, 512), OK);
		CHECK_EQ(guest_attach(g, 1, GUEST_DATA, MIB), OK);
		guest_ctx_res(g, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 1);
		for (u32 i = 0; i < MIB / 1024; i++)
			g->mem[GUEST_DATA + 1024 * i] = i;
		g->alloc += MIB;
		guest_transfer(g, 1, 3, 1, 500, 500, 2048);
		slices += work(g);
		guest_submit(g, 1, stream, ARRAY_SIZE(stream));
		slices += work(g);
		res = idmap_find(&g->d.resources, 1);
		crc[sliced] = crc32_update(0, res->data, res->size);
		CHECK_EQ(g->d.fence.count, 0);
		CHECK_EQ(res->transfers, 1);
		CHECK_EQ(g->d.stats.answers, g->d.stats.requests);
		CHECK_EQ(g->d.stats.errors, 0);
		CHECK(guest_bug(g, NULL));
		guest_destroy(g);
	}
	CHECK(slices > 30);
	CHECK_EQ(crc[0], crc[1]);
}

/* @dim: width, height, depth, layers, last level */
static u32 create_3d(struct guest *g, u32 target, const u32 dim[5])
{
	u8 req[sizeof(struct virtio_gpu_resource_create_3d)] = { 0 };

	wire_hdr_put(req, &(struct wire_hdr){ .type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D });
	put_le32(req + 24, 1);
	put_le32(req + 28, target);
	put_le32(req + 32, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM);
	for (u32 i = 0; i < 5; i++)
		put_le32(req + 40 + 4 * i, dim[i]);
	return guest_send(g, req, sizeof(req), NULL);
}

static void limit_test_create_3d(void)
{
	static const u32 wrong[][5] = {
		/* Their product has 32 bits of zeroes at its end, and so has the next. */
		{ 7u << 29, 1 << 14, 1 << 14, 16, 15 }, { 1, 1 << 14, 1 << 14, 16, 0 },
		{ 1, 2, 1, 1, 0 }, { 1, 1, 2, 1, 0 }, { 1, 1, 1, 2, 0 }, { 0, 1, 1, 1, 0 },
		{ 1, 1, 1, 1, 16 },
	};
	static const u32 large[][5] = {
		{ 1 << 14, 1 << 14, 1 << 14, 1 << 14, 15 }, { 1, 1 << 14, 1 << 14, 16, 0 },
	};
	struct guest *g = guest_create(0);
	struct resource *res;

	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK_EQ(create_3d(g, 0, wrong[i]), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	for (u32 i = 0; i < ARRAY_SIZE(large); i++)
		CHECK_EQ(create_3d(g, 3, large[i]), NO_MEMORY);
	CHECK_EQ(create_3d(g, 0, (u32 []){ UINT32_MAX, 1, 1, 1, 0 }), NO_MEMORY);
	CHECK_EQ(g->d.resources.count, 0);
	CHECK_EQ(create_3d(g, 3, (u32 []){ 64, 32, 2, 3, 6 }), OK);
	res = idmap_find(&g->d.resources, 1);
	CHECK_EQ(res->level[6].off + 4ull * res->level[6].w * res->level[6].h *
		 res->level[6].d, res->size);
	/* A buffer has no pixels to show, whatever its format is. */
	CHECK_EQ(guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), OK);
	CHECK_EQ(create_3d(g, 0, (u32 []){ 4096, 1, 1, 1, 0 }), OK);
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(guest_scanout(g, 0, 1, 4096, 1), VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK(guest_bug(g, "scanout-format"));
	guest_destroy(g);
}

const struct test_case limit_tests[] = {
	TEST(limit_test_screens),
	TEST(limit_test_backings),
	TEST(limit_test_held),
	TEST(limit_test_contexts),
	TEST(limit_test_out_of_memory),
	TEST(limit_test_descriptors),
	TEST(limit_test_slices),
	TEST(limit_test_slices_3d),
	TEST(limit_test_create_3d),
	{ 0 }
};
