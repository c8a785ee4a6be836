// SPDX-License-Identifier: MIT
/* Blobs in host memory, seen through the host-visible window */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIZE (16 * VGPU_PAGE)
/* A usual window holds a few blobs of this size. */
#define WINDOW_PART (UINT64_C(64) << 20)

/* Open a file with a context in which blob id 0 is shared memory of the host. */
static int open_venus(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_host_visible(fd),
		     "the device has no host-visible memory");
	vgpu_require(vgpu_has_capset(fd, VIRTGPU_DRM_CAPSET_VENUS),
		     "the device has no venus");
	vgpu_ok(vgpu_context_init_capset(fd, VIRTGPU_DRM_CAPSET_VENUS));
	return fd;
}

static struct drm_virtgpu_resource_create_blob host_args(uint64_t size,
							 uint32_t hints)
{
	struct drm_virtgpu_resource_create_blob args = vgpu_host_blob_args(size);

	args.blob_hints = hints;
	return args;
}

static uint32_t new_host_blob(int fd, uint64_t size, uint32_t hints)
{
	struct drm_virtgpu_resource_create_blob blob = host_args(size, hints);

	vgpu_ok(vgpu_blob_create(fd, &blob));
	return blob.bo_handle;
}

static void check_memory(uint32_t hints)
{
	int fd = open_venus();
	uint32_t handle = new_host_blob(fd, SIZE, hints);
	uint8_t *map = vgpu_new_map(fd, handle, SIZE);

	for (size_t i = 0; i < SIZE; i++)
		vgpu_assert_eq(map[i], 0);
	vgpu_fill(map, SIZE, 1);
	munmap(map, SIZE);
	map = vgpu_new_map(fd, handle, SIZE);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 1), -1);
	munmap(map, SIZE);
	close(fd);
}

static void memory_is_zero_and_keeps(void)
{
	check_memory(0);
}

static void deferred_memory_is_zero_and_keeps(void)
{
	check_memory(DRM_VIRTGPU_BLOB_FLAG_HINT_DEFER_MAPPING);
}

static void info_tells_host_memory(void)
{
	int fd = open_venus();
	uint32_t handle = new_host_blob(fd, SIZE, 0);
	struct drm_virtgpu_resource_info info;

	vgpu_ok(vgpu_resource_info(fd, handle, &info));
	vgpu_assert_eq(info.blob_mem, VIRTGPU_BLOB_MEM_HOST3D);
	vgpu_assert_eq(info.size, SIZE);
	close(fd);
}

static void two_blobs_do_not_overlap(void)
{
	enum { COUNT = 30 };
	int fd = open_venus();
	uint8_t *maps[COUNT];

	for (uint32_t i = 0; i < COUNT; i++) {
		maps[i] = vgpu_new_map(fd, new_host_blob(fd, SIZE, 0), SIZE);
		vgpu_fill(maps[i], SIZE, i);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		vgpu_assert_eq(vgpu_differs(maps[i], SIZE, i), -1);
		munmap(maps[i], SIZE);
	}
	close(fd);
}

static void part_of_a_blob(void)
{
	int fd = open_venus();
	uint32_t handle = new_host_blob(fd, SIZE, 0);
	uint8_t *whole = vgpu_new_map(fd, handle, SIZE);
	uint8_t *part = vgpu_new_map(fd, handle, VGPU_PAGE);

	vgpu_fill(whole, SIZE, 2);
	vgpu_assert_eq(vgpu_differs(part, VGPU_PAGE, 2), -1);
	munmap(part, VGPU_PAGE);
	vgpu_assert_eq(vgpu_differs(whole, SIZE, 2), -1);
	munmap(whole, SIZE);
	close(fd);
}

/*
 * Contract 8.5: Mesa (planes of one buffer), Wayland proxies (pools of wl_shm) and pipewire map a
 * dma-buf from the middle.
 */
static void dmabuf_is_mapped_from_the_middle(void)
{
	int fd = open_venus(), dmabuf;
	uint32_t handle = new_host_blob(fd, SIZE, 0);
	uint8_t *whole = vgpu_new_map(fd, handle, SIZE), *part;

	vgpu_fill(whole, SIZE, 7);
	vgpu_ok(vgpu_prime_export(fd, handle, &dmabuf));
	for (size_t page = 0; page < SIZE / VGPU_PAGE; page += 5) {
		size_t start = page * VGPU_PAGE, size = SIZE - start;

		part = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf,
			    (off_t)start);
		vgpu_assert(part != MAP_FAILED);
		vgpu_assert(!memcmp(part, whole + start, size));
		part[1] = (uint8_t)~part[1];
		vgpu_assert_eq(whole[start + 1], part[1]);
		munmap(part, size);
	}

	vgpu_assert(mmap(NULL, 2 * VGPU_PAGE, PROT_READ, MAP_SHARED, dmabuf,
			 (off_t)(SIZE - VGPU_PAGE)) == MAP_FAILED);
	close(dmabuf);
	munmap(whole, SIZE);
	close(fd);
}

static void unmapped_in_the_middle(void)
{
	int fd = open_venus();
	uint32_t handle = new_host_blob(fd, SIZE, 0);
	uint8_t *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 3);
	vgpu_sys(munmap(map + 4 * VGPU_PAGE, VGPU_PAGE));
	vgpu_assert_eq(vgpu_differs(map, 4 * VGPU_PAGE, 3), -1);
	vgpu_sys(munmap(map, 4 * VGPU_PAGE));
	vgpu_sys(munmap(map + 5 * VGPU_PAGE, SIZE - 5 * VGPU_PAGE));
	close(fd);
}

static void beyond_the_end_is_einval(void)
{
	int fd = open_venus();
	uint32_t handle = new_host_blob(fd, SIZE, 0);
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	vgpu_assert(mmap(NULL, SIZE + VGPU_PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, (off_t)offset) == MAP_FAILED);
	vgpu_assert_eq(errno, EINVAL);
	close(fd);
}

static void write_seed_5(void *map)
{
	vgpu_assert_eq(vgpu_differs(map, SIZE, 4), -1);
	vgpu_fill(map, SIZE, 5);
}

static void is_shared_across_fork(void)
{
	int fd = open_venus();
	void *map = vgpu_new_map(fd, new_host_blob(fd, SIZE, 0), SIZE);

	vgpu_fill(map, SIZE, 4);
	vgpu_join(vgpu_fork(write_seed_5, map));
	vgpu_assert_eq(vgpu_differs(map, SIZE, 5), -1);
	munmap(map, SIZE);
	close(fd);
}

static void mapping_outlives_handle_and_file(void)
{
	int fd = open_venus();
	uint32_t handle = new_host_blob(fd, SIZE, 0);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 6);
	vgpu_ok(vgpu_gem_close(fd, handle));
	vgpu_assert_eq(vgpu_differs(map, SIZE, 6), -1);
	close(fd);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 6), -1);
	munmap(map, SIZE);
}

static void not_mappable_is_einval(void)
{
	int fd = open_venus();
	struct drm_virtgpu_resource_create_blob blob = host_args(SIZE, 0);
	uint64_t offset;
	int ret;

	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	ret = vgpu_map_offset(fd, blob.bo_handle, &offset);
	if (!ret && mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 (off_t)offset) == MAP_FAILED)
		ret = -errno;
	vgpu_ret(ret, -EINVAL);
	close(fd);
}

/* Together the blobs need more than the window: the room of a closed blob is used again. */
static void window_is_reused(void)
{
	const uint64_t size = WINDOW_PART;

	for (int i = 0; i < 40; i++) {
		int fd = open_venus();
		uint8_t *map = vgpu_new_map(fd, new_host_blob(fd, size, 0), size);

		map[0] = 1;
		map[size - 1] = 2;
		munmap(map, size);
		close(fd);
	}
}

/* Create a blob, map and touch it; returns 0 or the errno of the step that failed. */
static int use_window(int fd, uint64_t size, uint32_t hints)
{
	struct drm_virtgpu_resource_create_blob blob = host_args(size, hints);
	uint64_t offset;
	void *map;
	int ret = vgpu_blob_create(fd, &blob), sig;

	if (ret)
		return ret;
	ret = vgpu_map_offset(fd, blob.bo_handle, &offset);
	if (ret)
		return ret;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	sig = vgpu_touch(map);
	if (sig) {
		vgpu_assert_eq(sig, SIGBUS);
		return -EFAULT;
	}

	return 0;
}

/* Fill the window, and print the errno of the first blob that does not fit. */
static void fill_window(void *arg)
{
	const uint32_t hints = *(uint32_t *)arg;
	int fd = open_venus(), ret = 0, count = 0;

	while (!ret && count < 200) {
		ret = use_window(fd, WINDOW_PART, hints);
		count += !ret;
	}
	vgpu_info("%d blobs of 64 MiB fit, then %s", count,
		  ret ? strerrorname_np(-ret) : "no end");
	vgpu_assert(count > 0 && count < 200);
	vgpu_ret(ret, -ENOSPC, -ENOMEM, -EFAULT);
}

/* The room becomes free only when the host has answered, so try repeatedly. */
static void wait_for_room(void *arg)
{
	const uint32_t hints = *(uint32_t *)arg;
	int ret = -ENOSPC;

	for (int i = 0; i < 300 && ret == -ENOSPC; i++) {
		int fd = open_venus();

		ret = use_window(fd, WINDOW_PART, hints);
		close(fd);
		if (ret)
			usleep(100000);
	}
	vgpu_ok(ret);
}

/*
 * A blob beyond the window fails with an errno or SIGBUS, and never hangs. With the kernel's own
 * driver the page fault sleeps for ever (faults.rst, 2). When a client exits, its room becomes
 * free.
 */
static void check_full_window(uint32_t hints)
{
	close(open_venus());
	for (int i = 0; i < 2; i++) {
		vgpu_join(vgpu_fork(fill_window, &hints));
		vgpu_join(vgpu_fork(wait_for_room, &hints));
	}
}

static void full_window_is_refused(void)
{
	check_full_window(0);
}

static void full_window_of_deferred_mappings(void)
{
	check_full_window(DRM_VIRTGPU_BLOB_FLAG_HINT_DEFER_MAPPING);
}

static void check_bad_blob(uint32_t hints)
{
	int fd = open_venus();
	struct drm_virtgpu_resource_create_blob blob = host_args(SIZE, hints);
	uint64_t offset;
	void *map;

	blob.blob_id = 0x1234567;
	if (vgpu_blob_create(fd, &blob) ||
	    vgpu_map_offset(fd, blob.bo_handle, &offset)) {
		close(fd);
		return;
	}

	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   (off_t)offset);
	if (map != MAP_FAILED) {
		vgpu_assert_eq(vgpu_touch(map), SIGBUS);
		munmap(map, SIZE);
	}

	close(fd);
}

static void blob_the_host_does_not_have(void)
{
	check_bad_blob(0);
}

static void deferred_blob_the_host_does_not_have(void)
{
	check_bad_blob(DRM_VIRTGPU_BLOB_FLAG_HINT_DEFER_MAPPING);
}

static void map_and_unmap(void *arg)
{
	int fd = open_venus();

	for (uint32_t i = 0; i < 40; i++) {
		uint32_t seed = i + (uint32_t)(uintptr_t)arg * 100;
		uint32_t handle = new_host_blob(fd, SIZE, i & 1);
		void *map = vgpu_new_map(fd, handle, SIZE);

		vgpu_fill(map, SIZE, seed);
		vgpu_assert_eq(vgpu_differs(map, SIZE, seed), -1);
		munmap(map, SIZE);
		vgpu_ok(vgpu_gem_close(fd, handle));
	}
	close(fd);
}

static void clients_at_once(void)
{
	int pids[3];

	close(open_venus());
	for (uintptr_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(map_and_unmap, (void *)i);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		vgpu_join(pids[i]);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "memory-is-zero-and-keeps", .run = memory_is_zero_and_keeps },
	{ .name = "deferred-memory-is-zero-and-keeps",
	  .run = deferred_memory_is_zero_and_keeps },
	{ .name = "info-tells-host-memory", .run = info_tells_host_memory },
	{ .name = "two-blobs-do-not-overlap", .run = two_blobs_do_not_overlap },
	{ .name = "part-of-a-blob", .run = part_of_a_blob },
	{ .name = "dmabuf-is-mapped-from-the-middle", .run = dmabuf_is_mapped_from_the_middle },
	{ .name = "unmapped-in-the-middle", .run = unmapped_in_the_middle },
	{ .name = "beyond-the-end-is-einval", .run = beyond_the_end_is_einval },
	{ .name = "is-shared-across-fork", .run = is_shared_across_fork },
	{ .name = "mapping-outlives-handle-and-file",
	  .run = mapping_outlives_handle_and_file },
	{ .name = "not-mappable-is-einval", .run = not_mappable_is_einval },
	{ .name = "window-is-reused", .run = window_is_reused },
	{ .name = "clients-at-once", .run = clients_at_once },
	{ .name = "full-window-is-refused", .run = full_window_is_refused },
	{ .name = "blob-the-host-does-not-have",
	  .run = blob_the_host_does_not_have },
	{ .name = "full-window-of-deferred-mappings",
	  .run = full_window_of_deferred_mappings },
	{ .name = "deferred-blob-the-host-does-not-have",
	  .run = deferred_blob_the_host_does_not_have },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_hostmem",
		.about = "blobs in host memory, through the host-visible window",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
