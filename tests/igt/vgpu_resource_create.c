// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_RESOURCE_CREATE */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_test.h"

static void picture_gets_handle_and_id(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(64, 32);

	vgpu_ok(vgpu_resource_create(fd, &rc));
	vgpu_assert(rc.bo_handle != 0);
	vgpu_assert(rc.res_handle != 0);
	vgpu_ok(vgpu_gem_close(fd, rc.bo_handle));
	close(fd);
}

static void ids_differ_while_alive(void)
{
	enum { COUNT = 200 };
	int fd = vgpu_open_render();
	uint32_t handles[COUNT], ids[COUNT];

	for (int i = 0; i < COUNT; i++) {
		struct drm_virtgpu_resource_create rc = vgpu_picture_args(16, 16);

		vgpu_ok(vgpu_resource_create(fd, &rc));
		handles[i] = rc.bo_handle;
		ids[i] = rc.res_handle;
		for (int j = 0; j < i; j++) {
			vgpu_assert(handles[j] != handles[i]);
			vgpu_assert(ids[j] != ids[i]);
		}
	}

	for (int i = 0; i < COUNT; i++)
		vgpu_ok(vgpu_gem_close(fd, handles[i]));
	close(fd);
}

static void check_size(int fd, uint32_t size, uint32_t wanted)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(16, 16);
	struct drm_virtgpu_resource_info info;

	rc.size = size;
	vgpu_ok(vgpu_resource_create(fd, &rc));
	vgpu_ok(vgpu_resource_info(fd, rc.bo_handle, &info));
	vgpu_assert_eq(info.size, wanted);
	vgpu_ok(vgpu_gem_close(fd, rc.bo_handle));
}

static void size_is_rounded_up_to_pages(void)
{
	int fd = vgpu_open_render();

	check_size(fd, 0, VGPU_PAGE);
	check_size(fd, 1, VGPU_PAGE);
	check_size(fd, VGPU_PAGE, VGPU_PAGE);
	check_size(fd, VGPU_PAGE + 1, 2 * VGPU_PAGE);
	check_size(fd, 245 * VGPU_PAGE - 3520, 245 * VGPU_PAGE);
	close(fd);
}

static void memory_of_the_last_owner_is_not_seen(void)
{
	int fd = vgpu_open_render();

	for (int i = 0; i < 20; i++) {
		uint32_t handle = vgpu_new_picture(fd, 256, 256);
		uint8_t *map = vgpu_new_map(fd, handle, 256 * 256 * 4);

		for (size_t j = 0; j < 256 * 256 * 4; j += 64)
			vgpu_assert_eq(map[j], 0);
		memset(map, 0xa5, 256 * 256 * 4);
		munmap(map, 256 * 256 * 4);
		vgpu_ok(vgpu_gem_close(fd, handle));
	}
	close(fd);
}

/* The size field has 32 bits, and rounding up must not overflow. */
static void absurd_sizes_are_einval(void)
{
	static const uint32_t sizes[] = { 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff };
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_virtgpu_resource_create rc = vgpu_picture_args(16, 16);

		rc.size = sizes[i];
		vgpu_assert_eq(vgpu_resource_create(fd, &rc), -EINVAL);
	}
	close(fd);
}

static void closed_handle_is_gone(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, 16, 16);
	struct drm_virtgpu_resource_info info;

	vgpu_ok(vgpu_gem_close(fd, handle));
	vgpu_ret(vgpu_gem_close(fd, handle), -EINVAL);
	vgpu_ret(vgpu_resource_info(fd, handle, &info), -ENOENT);
	close(fd);
}

static void handle_of_another_client_is_unknown(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	uint32_t handle = 0;
	struct drm_virtgpu_resource_info info;

	for (int i = 0; i < 5; i++)
		handle = vgpu_new_picture(a, 16, 16);
	vgpu_ret(vgpu_resource_info(b, handle, &info), -ENOENT);
	close(b);
	close(a);
}

static void closing_the_file_frees_everything(void)
{
	for (int round = 0; round < 10; round++) {
		int fd = vgpu_open_render();

		for (int i = 0; i < 100; i++)
			vgpu_new_picture(fd, 64, 64);
		close(fd);
	}
}

static void refuse_2d(int fd, const char *what,
		      const struct drm_virtgpu_resource_create *args)
{
	struct drm_virtgpu_resource_create rc = *args;

	vgpu_info("refused without 3D: %s", what);
	vgpu_ret(vgpu_resource_create(fd, &rc), -EINVAL);
}

static void without_3d_only_plain_pictures(void)
{
	int fd = vgpu_open_render();
	const struct drm_virtgpu_resource_create good = vgpu_picture_args(16, 16);
	struct drm_virtgpu_resource_create rc;

	vgpu_require(!vgpu_has_3d(fd), "the device has 3D");
	for (uint32_t target = 0; target < 10; target++) {
		if (target == VGPU_TARGET_2D)
			continue;
		rc = good;
		rc.target = target;
		refuse_2d(fd, "target", &rc);
	}

	rc = good;
	rc.target = UINT32_MAX;
	refuse_2d(fd, "target", &rc);
	rc = good;
	rc.depth = 2;
	refuse_2d(fd, "depth", &rc);
	rc = good;
	rc.array_size = 2;
	refuse_2d(fd, "array_size", &rc);
	rc = good;
	rc.nr_samples = 2;
	refuse_2d(fd, "nr_samples", &rc);
	rc = good;
	rc.last_level = 2;
	refuse_2d(fd, "last_level", &rc);
	rc = good;
	vgpu_ok(vgpu_resource_create(fd, &rc));
	close(fd);
}

static void with_3d_every_target(void)
{
	static const struct {
		uint32_t target, width, height, depth;
	} shapes[] = {
		{ VGPU_TARGET_BUFFER, 4096, 1, 1 },
		{ VGPU_TARGET_BUFFER, 1 << 20, 1, 1 },
		{ VGPU_TARGET_1D, 256, 1, 1 },
		{ VGPU_TARGET_2D, 64, 64, 1 },
		{ VGPU_TARGET_RECT, 30, 50, 1 },
		{ VGPU_TARGET_3D, 16, 16, 16 },
		{ VGPU_TARGET_CUBE, 32, 32, 6 },
		{ VGPU_TARGET_2D_ARRAY, 32, 32, 4 },
	};
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct vgpu_texture tex;
		struct drm_virtgpu_3d_box box;

		vgpu_texture_init(fd, &tex, shapes[i].target, shapes[i].width,
				  shapes[i].height, shapes[i].depth);
		box = vgpu_texture_box(&tex);
		vgpu_ok(vgpu_transfer_to_host(fd, tex.handle, &box, 0, 0));
		vgpu_ok(vgpu_wait(fd, tex.handle, 0));
		vgpu_texture_fini(fd, &tex);
	}

	close(fd);
}

static int use_object(int fd, uint32_t handle)
{
	const struct drm_virtgpu_3d_box box = { .w = 1, .h = 1, .d = 1 };
	int ret = vgpu_transfer_to_host(fd, handle, &box, 0, 0);

	return ret ?: vgpu_wait(fd, handle, 0);
}

/*
 * A refusal by the host is an errno of this ioctl or of the next use of the object. The kernel's
 * own driver only logs it (faults.rst, 10).
 */
static void refusal_by_the_host_reaches_the_caller(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(16, 16);
	int ret;

	rc.format = 0xdead;
	ret = vgpu_resource_create(fd, &rc);
	if (!ret) {
		ret = use_object(fd, rc.bo_handle);
		if (!ret)
			ret = use_object(fd, rc.bo_handle);
		vgpu_ok(vgpu_gem_close(fd, rc.bo_handle));
	}
	vgpu_ret(ret, -EINVAL, -EIO, -ENOENT, -ENOMEM);
	close(fd);
}

static void refusal_by_the_host_stays_with_the_object(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create bad = vgpu_picture_args(16, 16);
	uint32_t good = vgpu_new_picture(fd, 16, 16);
	int ret;

	bad.format = 0xdead;
	ret = vgpu_resource_create(fd, &bad);
	if (!ret)
		vgpu_ok(vgpu_gem_close(fd, bad.bo_handle));
	else
		vgpu_ret(ret, -EINVAL);
	vgpu_ok(use_object(fd, good));
	vgpu_ok(use_object(fd, good));
	close(fd);
}

static void odd_shapes_do_no_harm(void)
{
	static const struct { uint32_t w, h; } shapes[] = {
		{ 0, 0 }, { 0, 16 }, { 16, 0 }, { UINT32_MAX, 1 },
		{ 1, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
		{ 65536, 65536 }, { 1u << 31, 1 },
	};
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct drm_virtgpu_resource_create rc = vgpu_picture_args(16, 16);
		int ret;

		rc.width = shapes[i].w;
		rc.height = shapes[i].h;
		ret = vgpu_resource_create(fd, &rc);
		vgpu_ret(ret, 0, -EINVAL, -ENOMEM, -EIO);
		if (!ret)
			vgpu_ok(vgpu_gem_close(fd, rc.bo_handle));
	}

	use_object(fd, vgpu_new_picture(fd, 16, 16));
	close(fd);
}

static void bad_pointer_is_efault(void)
{
	int fd = vgpu_open_render();

	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, NULL),
		 -EFAULT);
	close(fd);
}

/*
 * If the driver cannot copy the result to the caller, closing the file frees the object at the
 * latest.
 */
static void answer_that_cannot_be_stored(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create *rc =
		mmap(NULL, VGPU_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vgpu_assert(rc != MAP_FAILED);
	*rc = vgpu_picture_args(16, 16);
	vgpu_sys(mprotect(rc, VGPU_PAGE, PROT_READ));
	vgpu_ret(vgpu_resource_create(fd, rc), -EFAULT);
	munmap(rc, VGPU_PAGE);
	close(fd);
}

/* Handles are closed while the host still works on their objects. */
static void close_with_work_in_flight(void)
{
	int fd = vgpu_open_render();
	const struct drm_virtgpu_3d_box box = { .w = 128, .h = 128, .d = 1 };

	for (int i = 0; i < 300; i++) {
		uint32_t handle = vgpu_new_picture(fd, 128, 128);

		vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
		vgpu_ok(vgpu_gem_close(fd, handle));
	}
	close(fd);
}

static void create_and_close(void *arg)
{
	int fd = vgpu_open_render();

	(void)arg;
	for (int i = 0; i < 200; i++) {
		uint32_t handle = vgpu_new_picture(fd, 64, 64);

		vgpu_ok(use_object(fd, handle));
		vgpu_ok(vgpu_gem_close(fd, handle));
	}
	close(fd);
}

static void clients_at_once(void)
{
	int pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(create_and_close, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		vgpu_join(pids[i]);
}

/* A confidential guest has about 64 MiB of bounce buffers for all its devices. */
static void full_bounce_pool_is_enomem(void)
{
	const uint32_t side = 1024;
	char cmdline[4096] = "";
	int fd = vgpu_open_render(), file, ret = 0, count;

	file = vgpu_sys(open("/proc/cmdline", O_RDONLY | O_CLOEXEC));
	vgpu_assert(vgpu_sys(read(file, cmdline, sizeof(cmdline) - 1)) > 0);
	close(file);
	vgpu_require(strstr(cmdline, "swiotlb=force"), "no bounce buffers");
	for (count = 0; !ret && count < 1000; count++) {
		struct drm_virtgpu_resource_create rc = vgpu_picture_args(side, side);

		ret = vgpu_resource_create(fd, &rc);
	}
	vgpu_info("%d buffers of 4 MiB fit", count - 1);
	vgpu_assert(count > 1);
	vgpu_ret(ret, -ENOMEM);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "full-bounce-pool-is-enomem", .run = full_bounce_pool_is_enomem },
	{ .name = "picture-gets-handle-and-id", .run = picture_gets_handle_and_id },
	{ .name = "ids-differ-while-alive", .run = ids_differ_while_alive },
	{ .name = "size-is-rounded-up-to-pages",
	  .run = size_is_rounded_up_to_pages },
	{ .name = "absurd-sizes-are-einval", .run = absurd_sizes_are_einval },
	{ .name = "memory-of-the-last-owner-is-not-seen",
	  .run = memory_of_the_last_owner_is_not_seen },
	{ .name = "closed-handle-is-gone", .run = closed_handle_is_gone },
	{ .name = "handle-of-another-client-is-unknown",
	  .run = handle_of_another_client_is_unknown },
	{ .name = "closing-the-file-frees-everything",
	  .run = closing_the_file_frees_everything },
	{ .name = "without-3d-only-plain-pictures",
	  .run = without_3d_only_plain_pictures },
	{ .name = "with-3d-every-target", .run = with_3d_every_target },
	{ .name = "refusal-by-the-host-reaches-the-caller",
	  .run = refusal_by_the_host_reaches_the_caller },
	{ .name = "refusal-by-the-host-stays-with-the-object",
	  .run = refusal_by_the_host_stays_with_the_object },
	{ .name = "odd-shapes-do-no-harm", .run = odd_shapes_do_no_harm },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "answer-that-cannot-be-stored",
	  .run = answer_that_cannot_be_stored },
	{ .name = "close-with-work-in-flight", .run = close_with_work_in_flight },
	{ .name = "clients-at-once", .run = clients_at_once },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_resource_create",
		.about = "classic resources",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
