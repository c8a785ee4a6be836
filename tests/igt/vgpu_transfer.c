// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST and DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

static int open_3d(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	return fd;
}

static void upload(int fd, uint32_t handle, const struct drm_virtgpu_3d_box *box,
		   uint32_t offset)
{
	vgpu_ok(vgpu_transfer_to_host(fd, handle, box, 0, offset));
	vgpu_ok(vgpu_wait(fd, handle, 0));
}

static void download(int fd, uint32_t handle,
		     const struct drm_virtgpu_3d_box *box, uint32_t offset)
{
	vgpu_ok(vgpu_transfer_from_host(fd, handle, box, 0, offset));
	vgpu_ok(vgpu_wait(fd, handle, 0));
}

/*
 * Layer by layer: of a box of several layers virglrenderer brings only the first, and fills the
 * others with what its memory held before, or not at all.
 */
static void download_layers(int fd, const struct vgpu_texture *tex,
			    struct drm_virtgpu_3d_box box)
{
	const uint32_t layers = box.d;

	for (box.d = 1; box.z < layers; box.z++)
		download(fd, tex->handle, &box, box.z * (tex->size_bytes / layers));
}

static void check_round_trip(uint32_t target, uint32_t width, uint32_t height,
			     uint32_t depth, uint32_t seed)
{
	int fd = open_3d();
	struct drm_virtgpu_3d_box box;
	struct vgpu_texture tex;
	void *map;

	vgpu_texture_init(fd, &tex, target, width, height, depth);
	box = vgpu_texture_box(&tex);
	map = vgpu_new_map(fd, tex.handle, tex.size_bytes);
	vgpu_fill(map, tex.size_bytes, seed);
	upload(fd, tex.handle, &box, 0);
	memset(map, 0xcc, tex.size_bytes);
	download_layers(fd, &tex, box);
	vgpu_assert_eq(vgpu_differs(map, tex.size_bytes, seed), -1);
	munmap(map, tex.size_bytes);
	vgpu_texture_fini(fd, &tex);
	close(fd);
}

static void round_trip_of_a_texture(void)
{
	check_round_trip(VGPU_TARGET_2D, 64, 64, 1, 1);
}

static void round_trip_of_an_odd_texture(void)
{
	check_round_trip(VGPU_TARGET_2D, 33, 7, 1, 2);
}

static void round_trip_of_a_large_texture(void)
{
	check_round_trip(VGPU_TARGET_2D, 1024, 1024, 1, 3);
}

static void round_trip_of_a_buffer(void)
{
	check_round_trip(VGPU_TARGET_BUFFER, 64 << 10, 1, 1, 4);
}

/* Transfer layer by layer, since hosts differ in the meaning of a box of several layers. */
static void round_trip_of_layers(void)
{
	enum { SIDE = 16, LAYERS = 4, LAYER = SIDE * SIDE * 4 };
	int fd = open_3d();
	struct vgpu_texture tex;
	uint8_t *map;

	vgpu_texture_init(fd, &tex, VGPU_TARGET_2D_ARRAY, SIDE, SIDE, LAYERS);
	map = vgpu_new_map(fd, tex.handle, LAYERS * LAYER);
	vgpu_fill(map, LAYERS * LAYER, 5);

	for (uint32_t z = 0; z < LAYERS; z++) {
		const struct drm_virtgpu_3d_box box = {
			.z = z, .w = SIDE, .h = SIDE, .d = 1,
		};

		upload(fd, tex.handle, &box, z * LAYER);
	}

	memset(map, 0xcc, LAYERS * LAYER);
	for (uint32_t z = LAYERS; z-- > 0;) {
		const struct drm_virtgpu_3d_box box = {
			.z = z, .w = SIDE, .h = SIDE, .d = 1,
		};

		download(fd, tex.handle, &box, z * LAYER);
	}

	vgpu_assert_eq(vgpu_differs(map, LAYERS * LAYER, 5), -1);
	munmap(map, LAYERS * LAYER);
	close(fd);
}

static void round_trip_of_a_volume(void)
{
	check_round_trip(VGPU_TARGET_3D, 16, 16, 8, 6);
}

/* The whole volume lies in one page. */
static void round_trip_of_a_small_volume(void)
{
	check_round_trip(VGPU_TARGET_3D, 16, 16, 4, 7);
}

static void round_trip_of_an_array(void)
{
	check_round_trip(VGPU_TARGET_2D_ARRAY, 16, 16, 4, 8);
}

static void part_of_a_buffer(void)
{
	const struct drm_virtgpu_3d_box whole = { .w = 8192, .h = 1, .d = 1 };
	const struct drm_virtgpu_3d_box part = { .x = 1000, .w = 500, .h = 1, .d = 1 };
	int fd = open_3d();
	struct vgpu_texture tex;
	uint8_t *map, *wanted;

	vgpu_texture_init(fd, &tex, VGPU_TARGET_BUFFER, 8192, 1, 1);
	map = vgpu_new_map(fd, tex.handle, 8192);
	wanted = malloc(8192);

	vgpu_fill(map, 8192, 7);
	memcpy(wanted, map, 8192);
	upload(fd, tex.handle, &whole, 0);
	vgpu_fill(map, 8192, 8);
	memcpy(wanted + 1000, map + 1000, 500);
	upload(fd, tex.handle, &part, 1000);
	memset(map, 0, 8192);
	download(fd, tex.handle, &whole, 0);
	vgpu_assert(!memcmp(map, wanted, 8192));

	free(wanted);
	munmap(map, 8192);
	close(fd);
}

/* The rows of a box are laid out with the stride of the texture, from the offset of the box on. */
static void box_inside_a_texture(void)
{
	enum { SIDE = 64, STRIDE = SIDE * 4, SIZE = STRIDE * SIDE };
	const struct drm_virtgpu_3d_box whole = { .w = SIDE, .h = SIDE, .d = 1 };
	const struct drm_virtgpu_3d_box part = {
		.x = 10, .y = 20, .w = 30, .h = 5, .d = 1,
	};
	int fd = open_3d();
	struct vgpu_texture tex;
	uint8_t *map, *wanted = malloc(SIZE);

	vgpu_texture_init(fd, &tex, VGPU_TARGET_2D, SIDE, SIDE, 1);
	map = vgpu_new_map(fd, tex.handle, SIZE);
	vgpu_fill(map, SIZE, 9);
	memcpy(wanted, map, SIZE);
	upload(fd, tex.handle, &whole, 0);
	vgpu_fill(map, SIZE, 10);
	for (uint32_t y = part.y; y < part.y + part.h; y++)
		memcpy(wanted + y * STRIDE + part.x * 4,
		       map + y * STRIDE + part.x * 4, part.w * 4);
	upload(fd, tex.handle, &part, part.y * STRIDE + part.x * 4);
	memset(map, 0, SIZE);
	download(fd, tex.handle, &whole, 0);
	vgpu_assert(!memcmp(map, wanted, SIZE));

	free(wanted);
	munmap(map, SIZE);
	close(fd);
}

static void levels_are_apart(void)
{
	enum { SIDE = 32, SIZE0 = SIDE * SIDE * 4, SIZE1 = SIZE0 / 4 };
	const struct drm_virtgpu_3d_box box0 = { .w = SIDE, .h = SIDE, .d = 1 };
	const struct drm_virtgpu_3d_box box1 = { .w = SIDE / 2, .h = SIDE / 2, .d = 1 };
	int fd = open_3d();
	struct drm_virtgpu_resource_create rc = {
		.target = VGPU_TARGET_2D,
		.format = VGPU_FORMAT_B8G8R8A8,
		.bind = VGPU_BIND_SAMPLER_VIEW | VGPU_BIND_RENDER_TARGET,
		.width = SIDE,
		.height = SIDE,
		.depth = 1,
		.array_size = 1,
		.last_level = 1,
		.size = SIZE0 + SIZE1,
	};
	uint8_t *map;

	vgpu_ok(vgpu_resource_create(fd, &rc));
	map = vgpu_new_map(fd, rc.bo_handle, SIZE0 + SIZE1);
	vgpu_fill(map, SIZE0, 11);
	vgpu_fill(map + SIZE0, SIZE1, 12);
	vgpu_ok(vgpu_transfer_to_host(fd, rc.bo_handle, &box0, 0, 0));
	vgpu_ok(vgpu_transfer_to_host(fd, rc.bo_handle, &box1, 1, SIZE0));
	vgpu_ok(vgpu_wait(fd, rc.bo_handle, 0));
	memset(map, 0, SIZE0 + SIZE1);
	vgpu_ok(vgpu_transfer_from_host(fd, rc.bo_handle, &box1, 1, SIZE0));
	vgpu_ok(vgpu_transfer_from_host(fd, rc.bo_handle, &box0, 0, 0));
	vgpu_ok(vgpu_wait(fd, rc.bo_handle, 0));
	vgpu_assert_eq(vgpu_differs(map, SIZE0, 11), -1);
	vgpu_assert_eq(vgpu_differs(map + SIZE0, SIZE1, 12), -1);

	munmap(map, SIZE0 + SIZE1);
	close(fd);
}

/* The client reads back what the host has drawn: virgl clears the texture. */
static void rendering_is_read_back(void)
{
	enum { SIDE = 16, SIZE = SIDE * SIDE * 4 };
	static const float rgba[] = { 1.0f, 0.0f, 1.0f, 1.0f };
	struct vgpu_client client = vgpu_client_open();
	uint32_t dwords[VGPU_VIRGL_CLEAR_DWORDS];
	struct drm_virtgpu_execbuffer exec = { 0 };
	struct drm_virtgpu_3d_box box;
	struct vgpu_texture tex;
	uint32_t *map;

	vgpu_require(vgpu_is_virgl(&client), "the host is not virgl");
	vgpu_texture_init(client.fd, &tex, VGPU_TARGET_2D, SIDE, SIDE, 1);
	box = vgpu_texture_box(&tex);
	map = vgpu_new_map(client.fd, tex.handle, SIZE);
	exec.size = (uint32_t)vgpu_virgl_clear(dwords, tex.res, 1, rgba) * 4;
	exec.command = (uintptr_t)dwords;
	exec.bo_handles = (uintptr_t)&tex.handle;
	exec.num_bo_handles = 1;
	vgpu_ok(vgpu_execbuffer(client.fd, &exec));
	download(client.fd, tex.handle, &box, 0);
	for (int i = 0; i < SIDE * SIDE; i++)
		vgpu_assert_eq(map[i], 0xffff00ff);

	munmap(map, SIZE);
	vgpu_client_close(&client);
}

/* Transfers of one object are executed in the order of their ioctls. */
static void transfers_keep_their_order(void)
{
	enum { SIZE = 4096, ROUNDS = 200 };
	const struct drm_virtgpu_3d_box box = { .w = SIZE, .h = 1, .d = 1 };
	int fd = open_3d();
	struct vgpu_texture tex;
	uint8_t *map;

	vgpu_texture_init(fd, &tex, VGPU_TARGET_BUFFER, SIZE, 1, 1);
	map = vgpu_new_map(fd, tex.handle, SIZE);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		vgpu_fill(map, SIZE, i);
		vgpu_ok(vgpu_transfer_to_host(fd, tex.handle, &box, 0, 0));
		vgpu_ok(vgpu_wait(fd, tex.handle, 0));
		memset(map, 0, SIZE);
		vgpu_ok(vgpu_transfer_from_host(fd, tex.handle, &box, 0, 0));
		vgpu_ok(vgpu_wait(fd, tex.handle, 0));
		vgpu_assert_eq(vgpu_differs(map, SIZE, i), -1);
	}

	munmap(map, SIZE);
	close(fd);
}

static void thousands_in_flight(void)
{
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 16, .d = 1 };
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, 16, 16);

	for (int i = 0; i < 5000; i++)
		vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
	close(fd);
}

static void without_3d_upload_works(void)
{
	const struct drm_virtgpu_3d_box box = { .w = 64, .h = 64, .d = 1 };
	int fd = vgpu_open_render();
	uint32_t handle;

	vgpu_require(!vgpu_has_3d(fd), "the device has 3D");
	handle = vgpu_new_picture(fd, 64, 64);
	upload(fd, handle, &box, 0);
	close(fd);
}

static void without_3d_download_is_enosys(void)
{
	const struct drm_virtgpu_3d_box box = { .w = 64, .h = 64, .d = 1 };
	int fd = vgpu_open_render();
	uint32_t handle;

	vgpu_require(!vgpu_has_3d(fd), "the device has 3D");
	handle = vgpu_new_picture(fd, 64, 64);
	vgpu_ret(vgpu_transfer_from_host(fd, handle, &box, 0, 0), -ENOSYS);
	close(fd);
}

/* Without 3D the host does not check boxes, so the driver does, to the pixel. */
static void without_3d_boxes_outside_are_einval(void)
{
	static const struct {
		struct drm_virtgpu_3d_box box;
		uint32_t offset;
		int ret;
	} cases[] = {
		{ { .w = 64, .h = 64, .d = 1 }, 0, 0 },
		{ { .x = 63, .y = 63, .w = 1, .h = 1, .d = 1 }, 64 * 64 * 4 - 4, 0 },
		{ { .w = 65, .h = 1, .d = 1 }, 0, -EINVAL },
		{ { .w = 1, .h = 65, .d = 1 }, 0, -EINVAL },
		{ { .x = 64, .w = 1, .h = 1, .d = 1 }, 0, -EINVAL },
		{ { .y = 64, .w = 1, .h = 1, .d = 1 }, 0, -EINVAL },
		{ { .x = UINT32_MAX, .w = 1, .h = 1, .d = 1 }, 0, -EINVAL },
		{ { .y = UINT32_MAX, .w = 1, .h = 1, .d = 1 }, 0, -EINVAL },
		{ { .w = 1, .h = 1, .d = 1 }, 64 * 64 * 4, -EINVAL },
	};
	int fd = vgpu_open_render();
	uint32_t handle;

	vgpu_require(!vgpu_has_3d(fd), "the device has 3D");
	handle = vgpu_new_picture(fd, 64, 64);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		vgpu_info("case %zu", i);
		vgpu_ret(vgpu_transfer_to_host(fd, handle, &cases[i].box, 0, cases[i].offset),
			 cases[i].ret);
	}
	vgpu_ok(vgpu_wait(fd, handle, 0));
	close(fd);
}

static void bad_handle_is_enoent(void)
{
	static const uint32_t bad[] = { 0, 1000, INT32_MAX, UINT32_MAX };
	const struct drm_virtgpu_3d_box box = { .w = 1, .h = 1, .d = 1 };
	int fd = vgpu_open_render();
	bool has_3d = vgpu_has_3d(fd);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		vgpu_ret(vgpu_transfer_to_host(fd, bad[i], &box, 0, 0), -ENOENT);
		vgpu_ret(vgpu_transfer_from_host(fd, bad[i], &box, 0, 0),
			 has_3d ? -ENOENT : -ENOSYS);
	}
	close(fd);
}

static void bad_pointer_is_efault(void)
{
	int fd = vgpu_open_render();

	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, NULL),
		 -EFAULT);
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, NULL),
		 -EFAULT);
	close(fd);
}

/* A stride is allowed for host blobs only. */
static void stride_of_a_classic_resource_is_einval(void)
{
	int fd = open_3d();
	uint32_t handle = vgpu_new_picture(fd, 64, 64);
	struct drm_virtgpu_3d_transfer_to_host to = {
		.bo_handle = handle,
		.box = { .w = 64, .h = 64, .d = 1 },
		.stride = 256,
	};
	struct drm_virtgpu_3d_transfer_from_host from = {
		.bo_handle = handle,
		.box = { .w = 64, .h = 64, .d = 1 },
		.stride = 256,
	};

	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &to), -EINVAL);
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, &from),
		 -EINVAL);
	to.stride = from.stride = 0;
	to.layer_stride = from.layer_stride = 4096;
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &to), -EINVAL);
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, &from),
		 -EINVAL);
	close(fd);
}

/* A guest blob has no copy on the host to transfer to. */
static void guest_blob_is_einval(void)
{
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 1, .d = 1 };
	struct drm_virtgpu_resource_create_blob blob =
		vgpu_guest_blob_args(VGPU_PAGE);
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_blob(fd), "the device has no blobs");
	vgpu_ok(vgpu_blob_create(fd, &blob));
	vgpu_ret(vgpu_transfer_to_host(fd, blob.bo_handle, &box, 0, 0), -EINVAL);
	vgpu_ret(vgpu_transfer_from_host(fd, blob.bo_handle, &box, 0, 0),
		 vgpu_has_3d(fd) ? -EINVAL : -ENOSYS);
	close(fd);
}

static const struct {
	const char *what;
	struct drm_virtgpu_3d_box box;
	uint32_t level;
	uint32_t offset;
} bad_boxes[] = {
	{ "too wide", { .w = 65, .h = 64, .d = 1 }, 0, 0 },
	{ "too high", { .w = 64, .h = 65, .d = 1 }, 0, 0 },
	{ "x outside", { .x = 64, .w = 1, .h = 1, .d = 1 }, 0, 0 },
	{ "y outside", { .y = 64, .w = 1, .h = 1, .d = 1 }, 0, 0 },
	{ "x + w wraps", { .x = UINT32_MAX, .w = 2, .h = 1, .d = 1 }, 0, 0 },
	{ "y + h wraps", { .y = UINT32_MAX, .w = 1, .h = 2, .d = 1 }, 0, 0 },
	{ "huge", { .w = UINT32_MAX, .h = UINT32_MAX, .d = UINT32_MAX }, 0, 0 },
	{ "empty", { .w = 0, .h = 0, .d = 0 }, 0, 0 },
	{ "bad level", { .w = 1, .h = 1, .d = 1 }, 20, 0 },
	{ "offset behind", { .w = 64, .h = 64, .d = 1 }, 0, 64 * 64 * 4 },
	{ "offset wraps", { .w = 64, .h = 64, .d = 1 }, 0, UINT32_MAX },
};

/*
 * The driver or the host refuses these boxes. Afterwards the file that sent one may fail, but no
 * other file may.
 */
static void bad_boxes_do_no_harm(void)
{
	const struct drm_virtgpu_3d_box good = { .w = 64, .h = 64, .d = 1 };

	for (size_t i = 0; i < ARRAY_SIZE(bad_boxes); i++) {
		int fd = vgpu_open_render(), other = vgpu_open_render();
		uint32_t handle = vgpu_new_picture(fd, 64, 64);
		int ret;

		vgpu_info("%s", bad_boxes[i].what);
		ret = vgpu_transfer_to_host(fd, handle, &bad_boxes[i].box,
					    bad_boxes[i].level,
					    bad_boxes[i].offset);
		vgpu_ret(ret, 0, -EINVAL, -EIO, -E2BIG, -EOVERFLOW);
		vgpu_ret(vgpu_wait(fd, handle, 0), 0, -EINVAL, -EIO);
		handle = vgpu_new_picture(other, 64, 64);
		upload(other, handle, &good, 0);
		close(other);
		close(fd);
	}
}

static void write_part(void *arg)
{
	const struct drm_virtgpu_3d_box box = { .w = 4096, .h = 1, .d = 1 };
	int fd = open_3d();
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	struct vgpu_texture tex;
	uint8_t *map;

	vgpu_texture_init(fd, &tex, VGPU_TARGET_BUFFER, 4096, 1, 1);
	map = vgpu_new_map(fd, tex.handle, 4096);
	for (uint32_t i = 0; i < 50; i++) {
		vgpu_fill(map, 4096, seed + i);
		upload(fd, tex.handle, &box, 0);
		memset(map, 0, 4096);
		download(fd, tex.handle, &box, 0);
		vgpu_assert_eq(vgpu_differs(map, 4096, seed + i), -1);
	}
	munmap(map, 4096);
	close(fd);
}

static void clients_do_not_mix(void)
{
	int pids[4];

	close(open_3d());
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(write_part, (void *)(uintptr_t)(i * 1000));
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		vgpu_join(pids[i]);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "round-trip-of-a-texture", .run = round_trip_of_a_texture },
	{ .name = "round-trip-of-an-odd-texture",
	  .run = round_trip_of_an_odd_texture },
	{ .name = "round-trip-of-a-large-texture",
	  .run = round_trip_of_a_large_texture },
	{ .name = "round-trip-of-a-buffer", .run = round_trip_of_a_buffer },
	{ .name = "round-trip-of-layers", .run = round_trip_of_layers },
	{ .name = "round-trip-of-a-volume", .run = round_trip_of_a_volume },
	{ .name = "round-trip-of-a-small-volume",
	  .run = round_trip_of_a_small_volume },
	{ .name = "round-trip-of-an-array", .run = round_trip_of_an_array },
	{ .name = "part-of-a-buffer", .run = part_of_a_buffer },
	{ .name = "box-inside-a-texture", .run = box_inside_a_texture },
	{ .name = "levels-are-apart", .run = levels_are_apart },
	{ .name = "rendering-is-read-back", .run = rendering_is_read_back },
	{ .name = "transfers-keep-their-order", .run = transfers_keep_their_order },
	{ .name = "thousands-in-flight", .run = thousands_in_flight },
	{ .name = "without-3d-upload-works", .run = without_3d_upload_works },
	{ .name = "without-3d-download-is-enosys",
	  .run = without_3d_download_is_enosys },
	{ .name = "without-3d-boxes-outside-are-einval",
	  .run = without_3d_boxes_outside_are_einval },
	{ .name = "bad-handle-is-enoent", .run = bad_handle_is_enoent },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "stride-of-a-classic-resource-is-einval",
	  .run = stride_of_a_classic_resource_is_einval },
	{ .name = "guest-blob-is-einval", .run = guest_blob_is_einval },
	{ .name = "bad-boxes-do-no-harm", .run = bad_boxes_do_no_harm },
	{ .name = "clients-do-not-mix", .run = clients_do_not_mix },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_transfer",
		.about = "copies between the guest's and the host's memory",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
