// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_MAP, and mmap(2) at the offset that it returns */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_test.h"

#define SIDE 256u
#define SIZE (SIDE * SIDE * 4)

static void *map_at(int fd, uint64_t offset, size_t size, int prot, int flags)
{
	return mmap(NULL, size, prot, flags, fd, (off_t)offset);
}

static void *map_shared(int fd, uint64_t offset, size_t size)
{
	return map_at(fd, offset, size, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void offsets_are_stable_and_distinct(void)
{
	enum { COUNT = 20 };
	int fd = vgpu_open_render();
	uint64_t offsets[COUNT], again;

	for (int i = 0; i < COUNT; i++) {
		uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);

		vgpu_ok(vgpu_map_offset(fd, handle, &offsets[i]));
		vgpu_ok(vgpu_map_offset(fd, handle, &again));
		vgpu_assert_eq(offsets[i], again);
		vgpu_assert(offsets[i] != 0);
		vgpu_assert_eq(offsets[i] % VGPU_PAGE, 0);
		for (int j = 0; j < i; j++)
			vgpu_assert(offsets[i] >= offsets[j] + SIZE ||
				    offsets[j] >= offsets[i] + SIZE);
	}
	close(fd);
}

static void keeps_what_is_written(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 1);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 1), -1);
	munmap(map, SIZE);
	map = vgpu_new_map(fd, handle, SIZE);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 1), -1);
	munmap(map, SIZE);
	close(fd);
}

static void two_mappings_show_the_same(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	void *a = vgpu_new_map(fd, handle, SIZE);
	void *b = vgpu_new_map(fd, handle, SIZE);

	vgpu_assert(a != b);
	vgpu_fill(a, SIZE, 2);
	vgpu_assert_eq(vgpu_differs(b, SIZE, 2), -1);
	munmap(b, SIZE);
	munmap(a, SIZE);
	close(fd);
}

static void beginning_alone(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	uint8_t *whole = vgpu_new_map(fd, handle, SIZE);
	uint8_t *part = vgpu_new_map(fd, handle, VGPU_PAGE);

	vgpu_fill(whole, SIZE, 3);
	vgpu_assert_eq(vgpu_differs(part, VGPU_PAGE, 3), -1);
	munmap(part, VGPU_PAGE);
	munmap(whole, SIZE);
	close(fd);
}

static void unmapped_in_the_middle(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	uint8_t *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 4);
	vgpu_sys(munmap(map + 4 * VGPU_PAGE, 4 * VGPU_PAGE));
	vgpu_assert_eq(vgpu_differs(map, 4 * VGPU_PAGE, 4), -1);
	munmap(map, SIZE);
	map = vgpu_new_map(fd, handle, SIZE);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 4), -1);
	munmap(map, SIZE);
	close(fd);
}

static void beyond_the_end_is_einval(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	vgpu_assert(map_shared(fd, offset, SIZE + VGPU_PAGE) == MAP_FAILED);
	vgpu_assert_eq(errno, EINVAL);
	vgpu_assert(map_shared(fd, offset + SIZE, VGPU_PAGE) == MAP_FAILED);
	vgpu_assert_eq(errno, EINVAL);
	vgpu_assert(map_shared(fd, offset + VGPU_PAGE, SIZE) == MAP_FAILED);
	vgpu_assert_eq(errno, EINVAL);
	close(fd);
}

static void mapping_does_not_grow(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_assert(mremap(map, SIZE, 2 * SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	munmap(map, SIZE);
	close(fd);
}

static void offset_of_another_client_is_eacces(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(a, SIDE, SIDE);
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(a, handle, &offset));
	vgpu_assert(map_shared(b, offset, SIZE) == MAP_FAILED);
	vgpu_assert_eq(errno, EACCES);
	close(b);
	close(a);
}

static void offset_of_closed_object_is_refused(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	vgpu_ok(vgpu_gem_close(fd, handle));
	vgpu_assert(map_shared(fd, offset, SIZE) == MAP_FAILED);
	vgpu_assert(errno == EINVAL || errno == EACCES);
	close(fd);
}

/* A private, copy-on-write mapping of device memory is not supported. */
static void private_mapping_is_einval(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	vgpu_assert(map_at(fd, offset, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE) == MAP_FAILED);
	vgpu_assert_eq(errno, EINVAL);
	close(fd);
}

static void read_only_mapping(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	void *rw = vgpu_new_map(fd, handle, SIZE), *ro;
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	ro = map_at(fd, offset, SIZE, PROT_READ, MAP_SHARED);
	vgpu_assert(ro != MAP_FAILED);
	vgpu_fill(rw, SIZE, 5);
	vgpu_assert_eq(vgpu_differs(ro, SIZE, 5), -1);
	munmap(ro, SIZE);
	munmap(rw, SIZE);
	close(fd);
}

static void outlives_handle_and_file(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE / 2, 6);
	vgpu_ok(vgpu_gem_close(fd, handle));
	close(fd);
	vgpu_assert_eq(vgpu_differs(map, SIZE / 2, 6), -1);
	/* The other half of the mapping faults now for the first time. */
	vgpu_fill(map, SIZE, 7);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 7), -1);
	munmap(map, SIZE);
}

static void write_seed_8(void *map)
{
	vgpu_assert_eq(vgpu_differs(map, SIZE, 9), -1);
	vgpu_fill(map, SIZE, 8);
}

static void is_shared_across_fork(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 9);
	vgpu_join(vgpu_fork(write_seed_8, map));
	vgpu_assert_eq(vgpu_differs(map, SIZE, 8), -1);
	munmap(map, SIZE);
	close(fd);
}

static void nothing_is_left_after_munmap(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	char *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_assert_eq(vgpu_touch(map), 0);
	munmap(map, SIZE);
	vgpu_assert_eq(vgpu_touch(map), SIGSEGV);
	close(fd);
}

static void large_object_page_by_page(void)
{
	const uint32_t width = 2048, height = 2048;
	const size_t size = (size_t)width * height * 4;
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, width, height);
	uint32_t *map = vgpu_new_map(fd, handle, size);

	for (size_t i = 0; i < size / VGPU_PAGE; i++)
		map[i * (VGPU_PAGE / 4)] = (uint32_t)i;
	for (size_t i = 0; i < size / VGPU_PAGE; i++)
		vgpu_assert_eq(map[i * (VGPU_PAGE / 4)], i);
	munmap(map, size);
	close(fd);
}

static void dumb_buffer_by_both_ioctls(void)
{
	int fd = vgpu_open_card();
	struct drm_mode_create_dumb dumb = { .width = SIDE, .height = SIDE, .bpp = 32 };
	struct drm_mode_map_dumb map_dumb = { 0 };
	void *a, *b;

	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	map_dumb.handle = dumb.handle;
	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map_dumb));
	a = map_shared(fd, map_dumb.offset, SIZE);
	vgpu_assert(a != MAP_FAILED);
	b = vgpu_new_map(fd, dumb.handle, SIZE);
	vgpu_fill(a, SIZE, 10);
	vgpu_assert_eq(vgpu_differs(b, SIZE, 10), -1);
	munmap(b, SIZE);
	munmap(a, SIZE);
	close(fd);
}

static void bad_handle_is_enoent(void)
{
	static const uint32_t bad[] = { 0, 1000, INT32_MAX, UINT32_MAX };
	int fd = vgpu_open_render();
	uint64_t offset;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		vgpu_ret(vgpu_map_offset(fd, bad[i], &offset), -ENOENT);
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_MAP, NULL), -EFAULT);
	close(fd);
}

static void bad_offset_is_einval(void)
{
	const uint64_t bad[] = {
		0, VGPU_PAGE, UINT64_C(1) << 40, UINT64_C(0x7ffffffffffff000),
	};
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		vgpu_assert(map_shared(fd, bad[i], VGPU_PAGE) == MAP_FAILED);
		vgpu_assert(errno == EINVAL || errno == EACCES ||
			    errno == EOVERFLOW);
	}
	close(fd);
}

static void imported_object_is_refused(void)
{
	int fd = vgpu_open_render(), vgem = vgpu_vgem_open();
	uint32_t foreign, handle;
	uint64_t offset;
	int dmabuf = vgpu_vgem_new(vgem, SIZE, &foreign);
	int ret = vgpu_prime_import(fd, dmabuf, &handle);

	vgpu_require(!ret, "this device imports nothing (%s)",
		     strerrorname_np(-ret));
	vgpu_ret(vgpu_map_offset(fd, handle, &offset), -EINVAL, -EOPNOTSUPP);
	close(dmabuf);
	close(vgem);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "offsets-are-stable-and-distinct",
	  .run = offsets_are_stable_and_distinct },
	{ .name = "keeps-what-is-written", .run = keeps_what_is_written },
	{ .name = "two-mappings-show-the-same", .run = two_mappings_show_the_same },
	{ .name = "beginning-alone", .run = beginning_alone },
	{ .name = "unmapped-in-the-middle", .run = unmapped_in_the_middle },
	{ .name = "beyond-the-end-is-einval", .run = beyond_the_end_is_einval },
	{ .name = "mapping-does-not-grow", .run = mapping_does_not_grow },
	{ .name = "offset-of-another-client-is-eacces",
	  .run = offset_of_another_client_is_eacces },
	{ .name = "offset-of-closed-object-is-refused",
	  .run = offset_of_closed_object_is_refused },
	{ .name = "private-mapping-is-einval", .run = private_mapping_is_einval },
	{ .name = "read-only-mapping", .run = read_only_mapping },
	{ .name = "outlives-handle-and-file", .run = outlives_handle_and_file },
	{ .name = "is-shared-across-fork", .run = is_shared_across_fork },
	{ .name = "nothing-is-left-after-munmap",
	  .run = nothing_is_left_after_munmap },
	{ .name = "large-object-page-by-page", .run = large_object_page_by_page },
	{ .name = "dumb-buffer-by-both-ioctls", .run = dumb_buffer_by_both_ioctls },
	{ .name = "bad-handle-is-enoent", .run = bad_handle_is_enoent },
	{ .name = "bad-offset-is-einval", .run = bad_offset_is_einval },
	{ .name = "imported-object-is-refused", .run = imported_object_is_refused },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_map",
		.about = "objects in the client's address space",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
