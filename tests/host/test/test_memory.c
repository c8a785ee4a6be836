// SPDX-License-Identifier: MIT
/* Guest memory, scatter lists, and the table of ids. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/virtio_gpu.h>

#include "backing.h"
#include "hostmem.h"
#include "idmap.h"
#include "test.h"

static void memory_test_regions(void)
{
	u8 a[64], b[64], out[64];
	struct gmem gm = { .n = 0 };

	for (int i = 0; i < 64; i++) {
		a[i] = i;
		b[i] = 100 + i;
	}
	CHECK_EQ(gmem_add_ptr(&gm, 0x1000, 0x70001000, 64, a), 0);
	CHECK_EQ(gmem_add_ptr(&gm, 0x1040, 0x90000000, 64, b), 0);
	CHECK_EQ(gmem_add_ptr(&gm, 0x103f, 0x80000000, 2, b), -EEXIST);
	CHECK_EQ(gmem_add_ptr(&gm, 0x5000, 0x80000000, 0, b), -EINVAL);
	CHECK_EQ(gmem_add_ptr(&gm, UINT64_MAX - 4, 0x80000000, 16, b), -EINVAL);
	/* Neighbours in guest memory are one range, whatever they are for us. */
	CHECK(gmem_read(&gm, 0x1030, out, 32));
	CHECK_EQ(out[15], 63);
	CHECK_EQ(out[16], 100);
	CHECK(gmem_write(&gm, 0x103e, "wxyz", 4));
	CHECK(!memcmp(a + 62, "wx", 2) && !memcmp(b, "yz", 2));
	CHECK(!gmem_read(&gm, 0x1070, out, 17));
	CHECK(!gmem_valid(&gm, 0xfff, 1));
	CHECK(!gmem_valid(&gm, 0x1080, 0));
	CHECK(gmem_valid(&gm, 0x107f, 1));
	CHECK(!gmem_valid(&gm, 0x1000, UINT64_MAX));
	CHECK(gmem_uva(&gm, 0x70001000, 64) == a);
	CHECK(!gmem_uva(&gm, 0x70001000, 65));
	CHECK(!gmem_uva(&gm, 0x70000fff, 1));
	CHECK_EQ(gmem_remove(&gm, 0x1000, 0x70001000, 63), -ENOENT);
	CHECK_EQ(gmem_remove(&gm, 0x1000, 0x70001000, 64), 0);
	CHECK(!gmem_valid(&gm, 0x1000, 1));
	gmem_clear(&gm);
}

static void memory_test_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct gmem gm = { .n = 0 };
	u8 out[4];

	CHECK_EQ(ftruncate(fd, 8192), 0);
	CHECK_EQ(pwrite(fd, "page", 4, 4096), 4);
	CHECK_EQ(gmem_add_fd(&gm, 0, 0, 8192, 4096, fd), -EFBIG);
	CHECK_EQ(gmem_add_fd(&gm, 0, 0, 4096, UINT64_MAX, fd), -EINVAL);
	CHECK_EQ(gmem_add_fd(&gm, 0x100000, 0, 4096, 4096, fd), 0);
	close(fd);
	CHECK(gmem_read(&gm, 0x100000, out, 4));
	CHECK(!memcmp(out, "page", 4));
	gmem_clear(&gm);
	CHECK(!gmem_valid(&gm, 0x100000, 1));
}

/* A blob that is lent to the guest is seen and changed there, and kept when taken back. */
static void memory_test_window(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct budget budget = { .limit = 1 << 20, .max_files = 1 };
	struct hostmem h = { .size = 8192, .at = 0x100000 };
	struct resource *res = resource_create(&budget, 1, RESOURCE_BLOB);
	struct gmem gm = { .n = 0 };
	u8 *data, out[4];

	CHECK_EQ(ftruncate(fd, 12288), 0);
	res->size = 4000;
	CHECK(resource_alloc(res, true));
	data = res->data;
	memcpy(data, "host", 4);
	CHECK(!hostmem_lend(&h, &gm, res, 4096));
	CHECK_EQ(gmem_add_fd(&gm, 0x100000, 0, 8192, 4096, fd), 0);
	CHECK(!hostmem_lend(&h, &gm, res, 8192));
	CHECK(hostmem_lend(&h, &gm, res, 4096));
	CHECK(gmem_read(&gm, 0x101000, out, 4));
	CHECK(!memcmp(out, "host", 4));
	CHECK(gmem_write(&gm, 0x101000, "look", 4));
	CHECK(res->data == data && !memcmp(data, "look", 4));
	/* What the front end shares may change meanwhile. */
	gmem_clear(&gm);
	hostmem_take_back(res);
	CHECK(res->data == data && !memcmp(data, "look", 4));
	CHECK_EQ(pread(fd, out, 4, 8192), 4);
	CHECK(memcmp(out, "look", 4));
	memcpy(data, "mine", 4);
	CHECK_EQ(pread(fd, out, 4, 8192), 4);
	CHECK(memcmp(out, "mine", 4));
	resource_put(res);
	close(fd);
}

static void memory_test_backing(void)
{
	static const u32 len[4] = { 5, 1, 20, 6 };
	struct virtio_gpu_mem_entry entry[4] = { 0 };
	u8 mem[256], out[40];
	char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEF";
	struct budget budget = { .limit = 1 << 20 };
	struct gmem gm = { .n = 0 };
	struct backing *b;

	memset(mem, '.', sizeof(mem));
	gmem_add_ptr(&gm, 0x1000, 0, sizeof(mem), mem);
	for (u32 i = 0; i < 4; i++) {
		entry[i].addr = htole64(0x1000 + 64 * (3 - i));
		entry[i].length = htole32(len[i]);
	}
	b = backing_create(&budget, &gm, entry, 4);
	CHECK_EQ(b->size, 32);
	CHECK(backing_copy(b, 0, letters, 32, true));
	CHECK(!memcmp(mem + 192, "abcde.", 6));
	CHECK(!memcmp(mem + 128, "f.", 2));
	CHECK(!memcmp(mem + 64, "ghijklmnopqrstuvwxyz.", 21));
	CHECK(!memcmp(mem, "ABCDEF.", 7));
	for (u32 off = 0; off <= 32; off++) {
		for (u32 n = 0; n <= 32 - off; n++) {
			CHECK(backing_copy(b, off, out, n, false));
			CHECK(!memcmp(out, letters + off, n));
		}
		CHECK(!backing_copy(b, off, out, 33 - off, false));
	}
	CHECK(!backing_copy(b, UINT64_MAX, out, 2, false));
	/* The memory goes away under it. */
	gmem_clear(&gm);
	CHECK(!backing_copy(b, 0, out, 1, false));
	backing_destroy(b);
}

static void memory_test_idmap(void)
{
	struct idmap map = { 0 };
	static u64 values[5000];
	u64 seed = 1;

	for (u64 i = 0; i < ARRAY_SIZE(values); i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		values[i] = seed >> 40;
		if (!idmap_find(&map, values[i]))
			idmap_add(&map, values[i], &values[i]);
	}
	for (u64 i = 0; i < ARRAY_SIZE(values); i += 2)
		idmap_remove(&map, values[i]);
	for (u64 i = 0; i < ARRAY_SIZE(values); i++) {
		u64 *v = idmap_find(&map, values[i]);

		CHECK(i % 2 ? v && *v == values[i] : !v || *v == values[i]);
	}
	CHECK(!idmap_find(&map, UINT64_MAX));
	CHECK(!idmap_remove(&map, UINT64_MAX));
	for (u64 i = 1; i < ARRAY_SIZE(values); i += 2)
		idmap_remove(&map, values[i]);
	CHECK_EQ(map.count, 0);
	idmap_fini(&map);
}

const struct test_case memory_tests[] = {
	TEST(memory_test_regions),
	TEST(memory_test_file),
	TEST(memory_test_window),
	TEST(memory_test_backing),
	TEST(memory_test_idmap),
	{ 0 },
};
