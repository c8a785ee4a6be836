// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

static int open_with_blobs(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_blob(fd), "the device has no blobs");
	return fd;
}

static int create(int fd, const struct drm_virtgpu_resource_create_blob *args)
{
	struct drm_virtgpu_resource_create_blob blob = *args;
	int ret = vgpu_blob_create(fd, &blob);

	if (!ret) {
		vgpu_assert(blob.bo_handle != 0);
		vgpu_assert(blob.res_handle != 0);
		vgpu_ok(vgpu_gem_close(fd, blob.bo_handle));
	}
	return ret;
}

static void guest_memory_is_zero_and_keeps(void)
{
	const size_t size = 16 * VGPU_PAGE;
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(size);
	uint8_t *map;

	vgpu_ok(vgpu_blob_create(fd, &blob));
	map = vgpu_new_map(fd, blob.bo_handle, size);
	for (size_t i = 0; i < size; i++)
		vgpu_assert_eq(map[i], 0);
	vgpu_fill(map, size, 1);
	vgpu_assert_eq(vgpu_differs(map, size, 1), -1);
	munmap(map, size);
	close(fd);
}

static void flags_of_guest_memory(void)
{
	int fd = open_with_blobs();
	/* Large enough for a device whose blobs are aligned. */
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(16 * VGPU_PAGE);

	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_MAPPABLE |
			  VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_ok(create(fd, &blob));
	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_ok(create(fd, &blob));
	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE;
	if (vgpu_param(fd, VIRTGPU_PARAM_CROSS_DEVICE) == 1)
		vgpu_ok(create(fd, &blob));
	else
		vgpu_ret(create(fd, &blob), -EINVAL);
	close(fd);
}

static void unknown_flags_are_einval(void)
{
	int fd = open_with_blobs();

	for (int bit = 3; bit < 32; bit++) {
		struct drm_virtgpu_resource_create_blob blob =
			vgpu_guest_blob_args(VGPU_PAGE);

		blob.blob_flags |= 1u << bit;
		vgpu_ret(create(fd, &blob), -EINVAL);
	}
	close(fd);
}

static void unknown_memory_is_einval(void)
{
	static const uint32_t bad[] = { 0, 4, 5, 100, UINT32_MAX };
	int fd = open_with_blobs();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct drm_virtgpu_resource_create_blob blob =
			vgpu_guest_blob_args(VGPU_PAGE);

		blob.blob_mem = bad[i];
		vgpu_ret(create(fd, &blob), -EINVAL);
	}
	close(fd);
}

static void host_memory_without_3d_is_einval(void)
{
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(VGPU_PAGE);

	vgpu_require(!vgpu_has_3d(fd), "the device has 3D");
	blob.blob_mem = VIRTGPU_BLOB_MEM_HOST3D;
	vgpu_ret(create(fd, &blob), -EINVAL);
	blob.blob_mem = VIRTGPU_BLOB_MEM_HOST3D_GUEST;
	vgpu_ret(create(fd, &blob), -EINVAL);
	close(fd);
}

/* The driver rounds a size that is not a multiple of the page size up, or refuses it. */
static void odd_sizes(void)
{
	const uint64_t sizes[] = { 1, 100, VGPU_PAGE - 1, VGPU_PAGE + 1 };
	int fd = open_with_blobs();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_virtgpu_resource_create_blob blob =
			vgpu_guest_blob_args(sizes[i]);
		struct drm_virtgpu_resource_info info;
		int ret = vgpu_blob_create(fd, &blob);

		vgpu_ret(ret, 0, -EINVAL);
		if (ret)
			continue;
		vgpu_ok(vgpu_resource_info(fd, blob.bo_handle, &info));
		vgpu_assert_eq(info.size % VGPU_PAGE, 0);
		vgpu_assert(info.size >= sizes[i]);
	}
	close(fd);
}

static void bad_sizes_are_refused(void)
{
	const uint64_t sizes[] = {
		0, UINT64_MAX, UINT64_MAX - VGPU_PAGE + 1, UINT64_C(1) << 63,
		UINT64_C(1) << 60,
	};
	int fd = open_with_blobs();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_virtgpu_resource_create_blob blob =
			vgpu_guest_blob_args(sizes[i]);

		vgpu_ret(create(fd, &blob), -EINVAL, -ENOMEM, -E2BIG, -EFBIG, -ENOSPC,
			 -EOVERFLOW);
	}
	close(fd);
}

/* RESOURCE_INFO has 32 bits for a size, so a larger size must be refused, not truncated. */
static void four_gib_do_not_wrap(void)
{
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args((UINT64_C(1) << 40) + VGPU_PAGE);

	vgpu_ret(create(fd, &blob), -EINVAL, -ENOMEM, -E2BIG, -EFBIG, -ENOSPC);
	close(fd);
}

static void alignment_is_kept(void)
{
	int fd = open_with_blobs();
	long long align = vgpu_param(fd, VIRTGPU_PARAM_BLOB_ALIGNMENT);
	struct drm_virtgpu_resource_create_blob blob;

	vgpu_require(align > VGPU_PAGE, "the device asks for no alignment");
	blob = vgpu_guest_blob_args((uint64_t)align);
	vgpu_ok(create(fd, &blob));
	blob = vgpu_guest_blob_args((uint64_t)align + VGPU_PAGE);
	vgpu_ret(create(fd, &blob), -EINVAL);
	close(fd);
}

/* The kernel's own driver aligns blobs of user space, but not dumb buffers (faults.rst, 13). */
static void dumb_buffer_is_aligned(void)
{
	int fd = vgpu_open_card();
	long long align = vgpu_param(fd, VIRTGPU_PARAM_BLOB_ALIGNMENT);
	struct drm_mode_create_dumb dumb = { .width = 16, .height = 16, .bpp = 32 };

	vgpu_require(align > VGPU_PAGE, "the device asks for no alignment");
	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	vgpu_assert(dumb.size > 0);
	vgpu_assert_eq(dumb.size % (unsigned long long)align, 0);
	vgpu_ok(vgpu_wait(fd, dumb.handle, 0));
	close(fd);
}

/* Contract 1.11 (muvm): the driver ignores unknown padding, as the kernel's own driver does. */
static void padding_is_ignored(void)
{
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(VGPU_PAGE);

	blob.pad = 1;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	vgpu_assert_eq(blob.pad, 1);
	blob.pad2 = UINT32_MAX;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	vgpu_assert_eq(blob.pad2, UINT32_MAX);
	close(fd);
}

/* Contract 8.11 (vdrm): vdrm passes on all hints of its caller, so unknown ones are ignored. */
static void unknown_hints_are_ignored(void)
{
	int fd = open_with_blobs();

	for (int bit = 1; bit < 32; bit++) {
		struct drm_virtgpu_resource_create_blob blob =
			vgpu_guest_blob_args(VGPU_PAGE);

		blob.blob_hints = 1u << bit;
		vgpu_ok(vgpu_blob_create(fd, &blob));
		vgpu_ok(vgpu_gem_close(fd, blob.bo_handle));
	}
	close(fd);
}

/* Programs built before the struct grew pass 48 bytes. */
static void short_struct_of_old_programs(void)
{
	enum { OLD_SIZE = offsetof(struct drm_virtgpu_resource_create_blob,
				   blob_hints) };
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob *blob =
		vgpu_new_guarded(OLD_SIZE);
	const struct drm_virtgpu_resource_create_blob args =
		vgpu_guest_blob_args(VGPU_PAGE);

	vgpu_assert_eq(OLD_SIZE, 48);
	memcpy(blob, &args, OLD_SIZE);
	vgpu_ok(vgpu_ioctl(fd, DRM_IOWR(DRM_COMMAND_BASE +
					DRM_VIRTGPU_RESOURCE_CREATE_BLOB,
					char[OLD_SIZE]), blob));
	vgpu_assert(blob->bo_handle != 0);
	vgpu_free_guarded(blob, OLD_SIZE);
	close(fd);
}

static void command_with_guest_memory_is_einval(void)
{
	int fd = open_with_blobs();
	uint32_t words[4] = { 0 };
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(VGPU_PAGE);

	blob.cmd = (uintptr_t)words;
	blob.cmd_size = sizeof(words);
	vgpu_ret(create(fd, &blob), -EINVAL);
	blob.cmd_size = 0;
	blob.cmd = 0;
	blob.blob_id = 1;
	vgpu_ret(create(fd, &blob), -EINVAL);
	close(fd);
}

static struct drm_virtgpu_resource_create_blob host_args(const void *cmd,
							 uint32_t cmd_size)
{
	return (struct drm_virtgpu_resource_create_blob){
		.blob_mem = VIRTGPU_BLOB_MEM_HOST3D,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE,
		.size = VGPU_PAGE,
		.cmd = (uintptr_t)cmd,
		.cmd_size = cmd_size,
		.blob_id = 1,
	};
}

static void bad_commands_are_refused(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create_blob blob;
	uint32_t words[4];

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	vgpu_stream_nop(&client, words, sizeof(words));
	for (uint32_t size = 1; size < 4; size++) {
		blob = host_args(words, size);
		vgpu_ret(create(client.fd, &blob), -EINVAL);
	}
	for (size_t i = 0; i < vgpu_nbad_pointers; i++) {
		blob = host_args((void *)(uintptr_t)vgpu_bad_pointers[i], 16);
		vgpu_ret(create(client.fd, &blob), -EFAULT);
	}
	vgpu_client_close(&client);
}

/* No command is that large. The allocator must not warn about the size (faults.rst, 5). */
static void absurd_command_sizes_are_refused(void)
{
	static const uint32_t sizes[] = {
		0x7ffff000, 0x7ffffffc, 0x80000000, 0xfffffffc,
	};
	struct vgpu_client client = vgpu_client_open();
	uint32_t words[4];

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	vgpu_stream_nop(&client, words, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_virtgpu_resource_create_blob blob =
			host_args(words, sizes[i]);

		vgpu_ret(create(client.fd, &blob), -EINVAL, -E2BIG, -ENOMEM,
			 -EFAULT);
	}
	vgpu_client_close(&client);
}

static void mappable_host_memory_needs_a_window(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create_blob blob = host_args(NULL, 0);

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	vgpu_require(!vgpu_has_host_visible(client.fd), "the device has a window");
	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_MAPPABLE;
	vgpu_ret(create(client.fd, &blob), -EINVAL);
	vgpu_client_close(&client);
}

static void without_the_feature_is_einval(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(VGPU_PAGE);

	vgpu_require(!vgpu_has_blob(fd), "the device has blobs");
	vgpu_ret(create(fd, &blob), -EINVAL);
	close(fd);
}

static void bad_pointer_is_efault(void)
{
	int fd = vgpu_open_render();

	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, NULL),
		 -EFAULT);
	close(fd);
}

static void large_guest_memory(void)
{
	const size_t size = 64u << 20;
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(size);
	uint32_t *map;

	vgpu_ok(vgpu_blob_create(fd, &blob));
	map = vgpu_new_map(fd, blob.bo_handle, size);
	for (size_t i = 0; i < size / VGPU_PAGE; i++)
		map[i * (VGPU_PAGE / 4)] = (uint32_t)~i;
	for (size_t i = 0; i < size / VGPU_PAGE; i++)
		vgpu_assert_eq(map[i * (VGPU_PAGE / 4)], (uint32_t)~i);
	munmap(map, size);
	close(fd);
}

static void created_and_closed_many_times(void)
{
	int fd = open_with_blobs();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(4 * VGPU_PAGE);

	for (int i = 0; i < 300; i++)
		vgpu_ok(create(fd, &blob));
	close(fd);
}

/* A submission may list a guest blob. */
static void submitted_with_work(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(4 * VGPU_PAGE);

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	vgpu_ok(vgpu_blob_create(client.fd, &blob));
	vgpu_ok(vgpu_submit_bo(&client, blob.bo_handle));
	vgpu_ok(vgpu_wait(client.fd, blob.bo_handle, 0));
	vgpu_client_close(&client);
}

/* Have the host create a texture as a blob; returns its handle, and its shape in @tex. */
static void host_texture_init(const struct vgpu_client *client, uint32_t mem,
			      struct vgpu_texture *tex)
{
	uint32_t cmd[VGPU_VIRGL_RESOURCE_DWORDS];
	struct drm_virtgpu_resource_create_blob blob = {
		.blob_mem = mem,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE,
		.cmd = (uintptr_t)cmd,
		.cmd_size = sizeof(cmd),
		.blob_id = 1,
	};

	vgpu_require(vgpu_has_blob(client->fd), "the device has no blobs");
	vgpu_require(vgpu_is_virgl(client), "the host is not virgl");
	*tex = (struct vgpu_texture){
		.target = VGPU_TARGET_2D,
		.width = 64,
		.height = 64,
		.depth = 1,
		.size_bytes = 64 * 64 * 4,
	};
	if (mem == VIRTGPU_BLOB_MEM_HOST3D_GUEST)
		blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_MAPPABLE;
	blob.size = tex->size_bytes;
	vgpu_virgl_resource(cmd, tex, (uint32_t)blob.blob_id);
	vgpu_ok(vgpu_blob_create(client->fd, &blob));
	tex->handle = blob.bo_handle;
	tex->res = blob.res_handle;
}

static void host_texture(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_info info;
	struct vgpu_texture tex;

	host_texture_init(&client, VIRTGPU_BLOB_MEM_HOST3D, &tex);
	vgpu_ok(vgpu_resource_info(client.fd, tex.handle, &info));
	vgpu_assert_eq(info.blob_mem, VIRTGPU_BLOB_MEM_HOST3D);
	vgpu_assert_eq(info.size, tex.size_bytes);
	vgpu_ok(vgpu_submit_bo(&client, tex.handle));
	vgpu_ok(vgpu_wait(client.fd, tex.handle, 0));
	vgpu_texture_fini(client.fd, &tex);
	vgpu_client_close(&client);
}

/*
 * A HOST3D_GUEST blob has memory on both sides; transfers copy between them with the strides of the
 * caller.
 */
static void host_and_guest_texture_is_transferred(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_3d_transfer_to_host to = {
		.stride = 256,
		.layer_stride = 256 * 64,
	};
	struct drm_virtgpu_3d_transfer_from_host from;
	struct vgpu_texture tex;
	void *map;

	host_texture_init(&client, VIRTGPU_BLOB_MEM_HOST3D_GUEST, &tex);
	map = vgpu_new_map(client.fd, tex.handle, tex.size_bytes);
	to.bo_handle = tex.handle;
	to.box = vgpu_texture_box(&tex);
	memcpy(&from, &to, sizeof(from));
	vgpu_fill(map, tex.size_bytes, 2);
	vgpu_ok(vgpu_ioctl(client.fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &to));
	vgpu_ok(vgpu_wait(client.fd, tex.handle, 0));
	memset(map, 0, tex.size_bytes);
	vgpu_ok(vgpu_ioctl(client.fd, DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST,
			   &from));
	vgpu_ok(vgpu_wait(client.fd, tex.handle, 0));
	vgpu_assert_eq(vgpu_differs(map, tex.size_bytes, 2), -1);

	munmap(map, tex.size_bytes);
	vgpu_client_close(&client);
}

/*
 * A refusal by the host is an errno of this ioctl or of the next use of the object. The kernel's
 * own driver only logs it (faults.rst, 10).
 */
static void refusal_by_the_host_reaches_the_caller(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t good = vgpu_new_picture(client.fd, 16, 16);
	struct drm_virtgpu_resource_create_blob blob = host_args(NULL, 0);
	int ret;

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	blob.blob_id = 0x1234567;
	ret = vgpu_blob_create(client.fd, &blob);
	if (!ret)
		ret = vgpu_submit_bo(&client, blob.bo_handle);
	if (!ret)
		ret = vgpu_wait(client.fd, blob.bo_handle, 0);
	if (!ret)
		ret = vgpu_submit_bo(&client, blob.bo_handle);
	vgpu_ret(ret, -EINVAL, -EIO, -ENOENT, -ENOMEM);
	vgpu_ok(vgpu_submit_bo(&client, good));
	vgpu_ok(vgpu_wait(client.fd, good, 0));
	vgpu_client_close(&client);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "guest-memory-is-zero-and-keeps",
	  .run = guest_memory_is_zero_and_keeps },
	{ .name = "flags-of-guest-memory", .run = flags_of_guest_memory },
	{ .name = "unknown-flags-are-einval", .run = unknown_flags_are_einval },
	{ .name = "unknown-memory-is-einval", .run = unknown_memory_is_einval },
	{ .name = "host-memory-without-3d-is-einval",
	  .run = host_memory_without_3d_is_einval },
	{ .name = "odd-sizes", .run = odd_sizes },
	{ .name = "bad-sizes-are-refused", .run = bad_sizes_are_refused },
	{ .name = "four-gib-do-not-wrap", .run = four_gib_do_not_wrap },
	{ .name = "alignment-is-kept", .run = alignment_is_kept },
	{ .name = "dumb-buffer-is-aligned", .run = dumb_buffer_is_aligned },
	{ .name = "padding-is-ignored", .run = padding_is_ignored },
	{ .name = "unknown-hints-are-ignored", .run = unknown_hints_are_ignored },
	{ .name = "short-struct-of-old-programs",
	  .run = short_struct_of_old_programs },
	{ .name = "command-with-guest-memory-is-einval",
	  .run = command_with_guest_memory_is_einval },
	{ .name = "bad-commands-are-refused", .run = bad_commands_are_refused },
	{ .name = "absurd-command-sizes-are-refused",
	  .run = absurd_command_sizes_are_refused },
	{ .name = "mappable-host-memory-needs-a-window",
	  .run = mappable_host_memory_needs_a_window },
	{ .name = "without-the-feature-is-einval",
	  .run = without_the_feature_is_einval },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "large-guest-memory", .run = large_guest_memory },
	{ .name = "created-and-closed-many-times",
	  .run = created_and_closed_many_times },
	{ .name = "submitted-with-work", .run = submitted_with_work },
	{ .name = "host-texture", .run = host_texture },
	{ .name = "host-and-guest-texture-is-transferred",
	  .run = host_and_guest_texture_is_transferred },
	{ .name = "refusal-by-the-host-reaches-the-caller",
	  .run = refusal_by_the_host_reaches_the_caller },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_blob",
		.about = "blob resources",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
