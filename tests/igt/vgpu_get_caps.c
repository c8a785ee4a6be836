// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_GET_CAPS */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_test.h"

/* Larger than any existing capset. */
#define CAPS_ROOM (64u << 10)

static int open_with_capsets(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_param(fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs) > 0,
		     "the device has no capsets");
	return fd;
}

static uint32_t first_capset(int fd)
{
	for (uint32_t id = 1; id < VGPU_MAX_CAPSETS; id++)
		if (vgpu_has_capset(fd, id))
			return id;
	vgpu_fail("no capset in the mask");
}

/*
 * Find out how many bytes GET_CAPS writes: after two calls into buffers with different patterns,
 * the bytes that agree were written.
 */
static size_t capset_size(int fd, uint32_t id)
{
	uint8_t *a = malloc(CAPS_ROOM), *b = malloc(CAPS_ROOM);
	size_t size = 0;

	memset(a, 0xaa, CAPS_ROOM);
	memset(b, 0x55, CAPS_ROOM);
	vgpu_ok(vgpu_get_caps(fd, id, 0, a, CAPS_ROOM));
	vgpu_ok(vgpu_get_caps(fd, id, 0, b, CAPS_ROOM));
	for (size_t i = 0; i < CAPS_ROOM; i++)
		if (a[i] == b[i])
			size = i + 1;
	vgpu_assert_msg(!memcmp(a, b, size), "capset %u has holes", id);
	free(b);
	free(a);
	return size;
}

static void each_capset_has_content(void)
{
	int fd = open_with_capsets();

	for (uint32_t id = 1; id < VGPU_MAX_CAPSETS; id++) {
		size_t size, set = 0;
		uint8_t *caps;

		if (!vgpu_has_capset(fd, id))
			continue;
		size = capset_size(fd, id);
		vgpu_info("capset %u: %zu bytes", id, size);
		vgpu_assert(size >= 4 && size < CAPS_ROOM);
		caps = calloc(1, size);
		vgpu_ok(vgpu_get_caps(fd, id, 0, caps, (uint32_t)size));
		for (size_t i = 0; i < size; i++)
			set += caps[i] != 0;
		vgpu_assert_msg(set > 0, "capset %u is all zero", id);
		free(caps);
	}

	close(fd);
}

static void short_buffer_gets_the_beginning(void)
{
	int fd = open_with_capsets();
	uint32_t id = first_capset(fd);
	size_t size = capset_size(fd, id);
	uint8_t *whole = malloc(size);

	vgpu_ok(vgpu_get_caps(fd, id, 0, whole, (uint32_t)size));
	for (uint32_t n = 1; n < size; n = n * 2 + 1) {
		uint8_t *part = vgpu_new_guarded(n);

		vgpu_ok(vgpu_get_caps(fd, id, 0, part, n));
		vgpu_assert_msg(!memcmp(part, whole, n), "%u bytes", n);
		vgpu_free_guarded(part, n);
	}
	free(whole);
	close(fd);
}

static void nothing_is_written_past_the_size(void)
{
	int fd = open_with_capsets();
	uint8_t buf[64];

	memset(buf, 0xaa, sizeof(buf));
	vgpu_ok(vgpu_get_caps(fd, first_capset(fd), 0, buf, 5));
	for (size_t i = 5; i < sizeof(buf); i++)
		vgpu_assert_eq(buf[i], 0xaa);
	close(fd);
}

static void large_size_writes_only_the_capset(void)
{
	int fd = open_with_capsets();
	uint32_t id = first_capset(fd);
	size_t size = capset_size(fd, id);
	void *exact = vgpu_new_guarded(size);

	vgpu_ok(vgpu_get_caps(fd, id, 0, exact, (uint32_t)size + 1));
	vgpu_ok(vgpu_get_caps(fd, id, 0, exact, INT32_MAX));
	vgpu_ok(vgpu_get_caps(fd, id, 0, exact, UINT32_MAX));
	vgpu_free_guarded(exact, size);
	close(fd);
}

static void size_zero_is_einval(void)
{
	int fd = open_with_capsets();
	uint32_t word = 0x5a5a5a5a;

	vgpu_ret(vgpu_get_caps(fd, first_capset(fd), 0, &word, 0), -EINVAL);
	vgpu_assert_eq(word, 0x5a5a5a5a);
	close(fd);
}

static void unknown_id_is_einval(void)
{
	static const uint32_t ids[] = { 0, 63, 64, 65, 255, UINT32_MAX };
	int fd = open_with_capsets();
	uint32_t word;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		vgpu_ret(vgpu_get_caps(fd, ids[i], 0, &word, 4), -EINVAL);
	for (uint32_t id = 1; id < VGPU_MAX_CAPSETS; id++)
		if (!vgpu_has_capset(fd, id))
			vgpu_ret(vgpu_get_caps(fd, id, 0, &word, 4), -EINVAL);
	close(fd);
}

static void unknown_version_is_einval(void)
{
	static const uint32_t versions[] = { 1000, INT32_MAX, UINT32_MAX };
	int fd = open_with_capsets();
	uint32_t word;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		vgpu_ret(vgpu_get_caps(fd, first_capset(fd), versions[i], &word,
				       4), -EINVAL);
	close(fd);
}

static void bad_pointer_is_efault(void)
{
	int fd = open_with_capsets();
	uint32_t id = first_capset(fd);
	uint32_t word;

	for (size_t i = 0; i < vgpu_nbad_pointers; i++)
		vgpu_ret(vgpu_get_caps(fd, id, 0,
				       (void *)(uintptr_t)vgpu_bad_pointers[i],
				       64), -EFAULT);
	vgpu_ok(vgpu_get_caps(fd, id, 0, &word, 4));
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_GET_CAPS, NULL), -EFAULT);
	close(fd);
}

static void read_many_times(void *arg)
{
	int fd = vgpu_open_render();
	uint32_t id = first_capset(fd);
	const uint8_t *wanted = arg;
	uint8_t caps[256] = { 0 };

	for (int i = 0; i < 500; i++) {
		vgpu_ok(vgpu_get_caps(fd, id, 0, caps, sizeof(caps)));
		vgpu_assert(!memcmp(caps, wanted, sizeof(caps)));
	}
	close(fd);
}

static void clients_at_once_read_the_same(void)
{
	int fd = open_with_capsets();
	uint8_t wanted[256] = { 0 };
	int pids[6];

	vgpu_ok(vgpu_get_caps(fd, first_capset(fd), 0, wanted, sizeof(wanted)));
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(read_many_times, wanted);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		vgpu_join(pids[i]);
	close(fd);
}

static void without_capsets_is_enosys(void)
{
	int fd = vgpu_open_render();
	uint32_t word;

	vgpu_require(vgpu_param(fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs) == 0,
		     "the device has capsets");
	for (uint32_t id = 0; id < 8; id++)
		vgpu_ret(vgpu_get_caps(fd, id, 0, &word, 4), -ENOSYS);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "each-capset-has-content", .run = each_capset_has_content },
	{ .name = "short-buffer-gets-the-beginning",
	  .run = short_buffer_gets_the_beginning },
	{ .name = "nothing-is-written-past-the-size",
	  .run = nothing_is_written_past_the_size },
	{ .name = "large-size-writes-only-the-capset",
	  .run = large_size_writes_only_the_capset },
	{ .name = "size-zero-is-einval", .run = size_zero_is_einval },
	{ .name = "unknown-id-is-einval", .run = unknown_id_is_einval },
	{ .name = "unknown-version-is-einval", .run = unknown_version_is_einval },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "clients-at-once-read-the-same",
	  .run = clients_at_once_read_the_same },
	{ .name = "without-capsets-is-enosys", .run = without_capsets_is_enosys },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_get_caps",
		.about = "capability sets of the host",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
