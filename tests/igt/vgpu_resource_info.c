// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_RESOURCE_INFO */
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_test.h"

static void tells_what_create_told(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(100, 10);
	struct drm_virtgpu_resource_info info;

	vgpu_ok(vgpu_resource_create(fd, &rc));
	vgpu_ok(vgpu_resource_info(fd, rc.bo_handle, &info));
	vgpu_assert_eq(info.bo_handle, rc.bo_handle);
	vgpu_assert_eq(info.res_handle, rc.res_handle);
	vgpu_assert_eq(info.size, VGPU_PAGE);
	vgpu_assert_eq(info.blob_mem, 0);
	close(fd);
}

static void blob_tells_its_memory(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(4 * VGPU_PAGE);
	struct drm_virtgpu_resource_info info;

	vgpu_require(vgpu_has_blob(fd), "the device has no blobs");
	vgpu_ok(vgpu_blob_create(fd, &blob));
	vgpu_ok(vgpu_resource_info(fd, blob.bo_handle, &info));
	vgpu_assert_eq(info.res_handle, blob.res_handle);
	vgpu_assert_eq(info.size, 4 * VGPU_PAGE);
	vgpu_assert_eq(info.blob_mem, VIRTGPU_BLOB_MEM_GUEST);
	close(fd);
}

static void dumb_buffer_has_an_id(void)
{
	int fd = vgpu_open_card();
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	struct drm_virtgpu_resource_info info;

	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	vgpu_ok(vgpu_resource_info(fd, dumb.handle, &info));
	vgpu_assert(info.res_handle != 0);
	vgpu_assert_eq(info.size, 64 * 64 * 4);
	close(fd);
}

static void shared_object_has_one_id(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	uint32_t handle_a = vgpu_new_picture(a, 32, 32), handle_b;
	struct drm_virtgpu_resource_info info_a, info_b;
	int dmabuf;

	vgpu_ok(vgpu_prime_export(a, handle_a, &dmabuf));
	vgpu_ok(vgpu_prime_import(b, dmabuf, &handle_b));
	vgpu_ok(vgpu_resource_info(a, handle_a, &info_a));
	vgpu_ok(vgpu_resource_info(b, handle_b, &info_b));
	vgpu_assert_eq(info_a.res_handle, info_b.res_handle);
	vgpu_assert_eq(info_a.size, info_b.size);
	close(dmabuf);
	close(b);
	close(a);
}

static void bad_handle_is_enoent(void)
{
	static const uint32_t bad[] = { 0, 1000, INT32_MAX, UINT32_MAX };
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_info info;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		vgpu_ret(vgpu_resource_info(fd, bad[i], &info), -ENOENT);
	close(fd);
}

static void bad_pointer_is_efault(void)
{
	int fd = vgpu_open_render();

	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_INFO, NULL), -EFAULT);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "tells-what-create-told", .run = tells_what_create_told },
	{ .name = "blob-tells-its-memory", .run = blob_tells_its_memory },
	{ .name = "dumb-buffer-has-an-id", .run = dumb_buffer_has_an_id },
	{ .name = "shared-object-has-one-id", .run = shared_object_has_one_id },
	{ .name = "bad-handle-is-enoent", .run = bad_handle_is_enoent },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_resource_info",
		.about = "properties of a resource",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
