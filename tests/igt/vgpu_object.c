// SPDX-License-Identifier: MIT
/*
 * Buffers and contexts, by the contract with user space. Each subtest is named after its rule
 * (contract.rst, sections 2 and 3); its comment names the client that relies on it.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "toy3d.h"
#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 16u
#define SIZE (SIDE * SIDE * 4)

static const struct drm_virtgpu_3d_box whole = { .w = SIDE, .h = SIDE, .d = 1 };

static uint32_t new_dumb(int fd)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };

	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	return dumb.handle;
}

/* Create a buffer that holds vgpu_fill() of @seed on @fd; returns it as a dma-buf. */
static int new_shared(int fd, uint32_t seed)
{
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	uint8_t *map = vgpu_new_map(fd, handle, SIZE);
	int dmabuf;

	vgpu_fill(map, SIZE, seed);
	vgpu_ok(vgpu_transfer_to_host(fd, handle, &whole, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
	memset(map, 0, SIZE);
	munmap(map, SIZE);
	vgpu_ok(vgpu_prime_export(fd, handle, &dmabuf));
	return dmabuf;
}

/* Assert that the context of @fd may use the buffer: only then does the host transfer it back. */
static void assert_usable(int fd, uint32_t handle, uint32_t seed)
{
	uint8_t *map = vgpu_new_map(fd, handle, SIZE);

	memset(map, 0xcc, SIZE);
	vgpu_ok(vgpu_transfer_from_host(fd, handle, &whole, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_assert_eq(vgpu_differs(map, SIZE, seed), -1);
	munmap(map, SIZE);
}

static int context_init(int fd)
{
	struct vgpu_client client = vgpu_client_of(fd);

	vgpu_require(vgpu_has_context_init(fd), "the device has no CONTEXT_INIT");
	return vgpu_context_init_capset(fd, client.capset);
}

/*
 * vdrm (set_context), Venus, minigbm, muvm and sommelier give up if CONTEXT_INIT is -EEXIST: then
 * there is no native context on the file of a compositor, which has dumb buffers.
 */
static void dumb_buffer_makes_no_context(void)
{
	int fd = vgpu_open_card();

	new_dumb(fd);
	vgpu_ok(context_init(fd));
	close(fd);
}

/* The same for buffers that another process shares. */
static void import_makes_no_context(void)
{
	int fd = vgpu_open_render(), other = vgpu_open_render();
	int dmabuf = new_shared(other, 1);
	struct drm_virtgpu_resource_info info;
	uint64_t offset;
	uint32_t handle;

	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	vgpu_ok(vgpu_resource_info(fd, handle, &info));
	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	vgpu_ok(context_init(fd));
	close(dmabuf);
	close(other);
	close(fd);
}

/* Compositors open a buffer first, and only then initialize EGL on the same file. */
static void buffer_opened_before_the_context_is_usable(void)
{
	int fd = vgpu_open_render(), other = vgpu_open_render();
	int dmabuf = new_shared(other, 2);
	uint32_t handle;

	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	vgpu_ok(context_init(fd));
	assert_usable(fd, handle, 2);
	close(dmabuf);
	close(other);
	close(fd);
}

/* The same without CONTEXT_INIT: the first submission or transfer creates the context. */
static void buffer_opened_before_the_first_use_is_usable(void)
{
	int fd = vgpu_open_render(), other = vgpu_open_render();
	int dmabuf = new_shared(other, 3);
	uint32_t handle;

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	assert_usable(fd, handle, 3);
	close(dmabuf);
	close(other);
	close(fd);
}

/*
 * A buffer that is closed before the context exists is never attached, so the host gets no error.
 */
static void buffer_closed_before_the_context(void)
{
	int fd = vgpu_open_render(), other = vgpu_open_render();
	int dmabuf = new_shared(other, 4);
	uint32_t handle;

	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	vgpu_ok(vgpu_gem_close(fd, handle));
	vgpu_ok(context_init(fd));
	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	assert_usable(fd, handle, 4);
	close(dmabuf);
	close(other);
	close(fd);
}

static struct drm_virtgpu_resource_create fence_args(void)
{
	return (struct drm_virtgpu_resource_create){
		.target = VGPU_TARGET_BUFFER,
		.format = VGPU_FORMAT_R8,
		.bind = VGPU_BIND_CUSTOM,
		.width = 8,
		.height = 1,
		.depth = 1,
		.array_size = 1,
		.size = 8,
	};
}

/* Submit a command that the host answers only after vgpu_submit_release() of the returned token. */
static uint32_t submit_kept(const struct vgpu_client *client)
{
	uint32_t handle = vgpu_new_picture(client->fd, SIDE, SIDE), token = vgpu_token();
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)&handle,
		.num_bo_handles = 1,
	};

	vgpu_ok(vgpu_wait(client->fd, handle, 0));
	vgpu_ok(vgpu_submit_kept(client, &exec, token));
	return token;
}

static void assert_busy_until(const struct vgpu_client *client, uint32_t handle, uint32_t token)
{
	int busy = vgpu_wait(client->fd, handle, VIRTGPU_WAIT_NOWAIT);

	/* Release before any assertion: until then the host holds the fences of all clients. */
	vgpu_ok(vgpu_submit_release(client, token));
	vgpu_ret(busy, -EBUSY);
	vgpu_ok(vgpu_wait(client->fd, handle, 0));
	vgpu_ok(vgpu_wait(client->fd, handle, VIRTGPU_WAIT_NOWAIT));
}

/* virgl without fence descriptors uses a new buffer of 8 bytes as a fence, and waits for it. */
static void new_buffer_is_a_fence(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create rc = fence_args();
	uint32_t token = submit_kept(&client);

	vgpu_ok(vgpu_resource_create(client.fd, &rc));
	assert_busy_until(&client, rc.bo_handle, token);
	vgpu_client_close(&client);
}

/* A new texture is busy, too: virgl asks with NOWAIT whether it may reuse one (rule 3.11). */
static void new_texture_is_busy(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
	uint32_t token = submit_kept(&client);

	vgpu_ok(vgpu_resource_create(client.fd, &rc));
	assert_busy_until(&client, rc.bo_handle, token);
	vgpu_client_close(&client);
}

/* Venus and vdrm allocate their memory as blobs. */
static void new_blob_is_busy(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(VGPU_PAGE);
	uint32_t token;

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	token = submit_kept(&client);
	vgpu_ok(vgpu_blob_create(client.fd, &blob));
	assert_busy_until(&client, blob.bo_handle, token);
	vgpu_client_close(&client);
}

/*
 * virgl (virgl_drm_winsys_resource_create, for_fencing): the host may write its own copy to the
 * pages while it attaches them, but not after WAIT, so the data of the CPU stays.
 */
static void host_leaves_a_buffer_alone_after_wait(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	for (uint32_t i = 0; i < 200; i++) {
		struct drm_virtgpu_resource_create rc = fence_args();
		uint8_t *map;

		vgpu_ok(vgpu_resource_create(fd, &rc));
		vgpu_ok(vgpu_wait(fd, rc.bo_handle, 0));
		map = vgpu_new_map(fd, rc.bo_handle, 8);
		vgpu_fill(map, 8, i);
		usleep(1000);
		vgpu_assert_eq(vgpu_differs(map, 8, i), -1);
		munmap(map, 8);
		vgpu_ok(vgpu_gem_close(fd, rc.bo_handle));
	}
	close(fd);
}

/* virgl treats every errno but EBUSY as idle, so a refusal by the host must not be EBUSY. */
static void refusal_is_what_wait_returns(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);

	vgpu_require(vgpu_has_capset(fd, TOY3D_CAPSET_ID), "not our own host");
	/* No host knows this format. */
	rc.format = 0xdead;
	vgpu_ok(vgpu_resource_create(fd, &rc));
	vgpu_ret(vgpu_wait(fd, rc.bo_handle, 0), -EIO);
	vgpu_ret(vgpu_wait(fd, rc.bo_handle, VIRTGPU_WAIT_NOWAIT), -EIO);
	vgpu_ok(vgpu_gem_close(fd, rc.bo_handle));
	close(fd);
}

/*
 * virgl with DRI2 (WINSYS_HANDLE_TYPE_SHARED): opening a name again gives a second handle, and
 * closing one handle leaves the other usable.
 */
static void closing_one_of_two_handles(void)
{
	int fd = vgpu_open_card(), other = vgpu_open_render(), dmabuf;
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open open = { 0 };

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	dmabuf = new_shared(other, 5);
	vgpu_ok(vgpu_prime_import(fd, dmabuf, &flink.handle));
	assert_usable(fd, flink.handle, 5);
	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_GEM_FLINK, &flink));
	open.name = flink.name;
	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_GEM_OPEN, &open));
	vgpu_assert(open.handle != flink.handle);
	vgpu_ok(vgpu_gem_close(fd, flink.handle));
	assert_usable(fd, open.handle, 5);

	vgpu_ok(vgpu_gem_close(fd, open.handle));
	close(dmabuf);
	close(other);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "rule-2-1-dumb-buffer-makes-no-context", .run = dumb_buffer_makes_no_context },
	{ .name = "rule-2-1-import-makes-no-context", .run = import_makes_no_context },
	{ .name = "rule-2-2-buffer-opened-before-the-context-is-usable",
	  .run = buffer_opened_before_the_context_is_usable },
	{ .name = "rule-2-2-buffer-opened-before-the-first-use-is-usable",
	  .run = buffer_opened_before_the_first_use_is_usable },
	{ .name = "rule-2-2-buffer-closed-before-the-context",
	  .run = buffer_closed_before_the_context },
	{ .name = "rule-3-1-new-buffer-is-a-fence", .run = new_buffer_is_a_fence },
	{ .name = "rule-3-1-new-texture-is-busy", .run = new_texture_is_busy },
	{ .name = "rule-3-1-new-blob-is-busy", .run = new_blob_is_busy },
	{ .name = "rule-3-2-host-leaves-a-buffer-alone-after-wait",
	  .run = host_leaves_a_buffer_alone_after_wait },
	{ .name = "rule-3-11-refusal-is-what-wait-returns", .run = refusal_is_what_wait_returns },
	{ .name = "rule-3-16-closing-one-of-two-handles", .run = closing_one_of_two_handles },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_object",
		.about = "buffers and contexts, by the contract with user space",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
