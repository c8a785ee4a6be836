// SPDX-License-Identifier: MIT
/*
 * Events that reach the driver through the transport: the device needs a reset, the system
 * suspends, virtqueues cannot be created. vgpu-shim.ko causes them, since virtio_uml does not.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <drm/drm_fourcc.h>

#include "sharer/vgpu_sharer.h"
#include "vgpu_binding.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_kernel.h"
#include "vgpu_sharing.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 64u
#define PICTURE_BYTES (SIDE * SIDE * 4)
/* The driver tries to recover three times, half a second apart. */
#define RECOVERY_S 30

/**
 * struct scene - clients with objects of each kind
 * @display: shows @fb on @head
 * @head: see @display
 * @fb: see @display
 * @client: owns the following objects, and a context if the device has 3D
 * @has_3d: see @client
 * @picture: handle
 * @blob: handle of a guest blob, or 0
 * @map: mapping of the blob, or of the picture if there is no blob
 */
struct scene {
	int display;
	struct vgpu_head head;
	struct vgpu_fb fb;
	struct vgpu_client client;
	bool has_3d;
	uint32_t picture;
	uint32_t blob;
	void *map;
};

static void scene_init_client(struct scene *s)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(PICTURE_BYTES);

	s->client.fd = vgpu_open_render();
	s->has_3d = vgpu_has_3d(s->client.fd);
	if (s->has_3d) {
		close(s->client.fd);
		s->client = vgpu_client_open();
	}

	s->picture = vgpu_new_picture(s->client.fd, SIDE, SIDE);
	if (s->has_3d)
		vgpu_ok(vgpu_submit_bo(&s->client, s->picture));
	vgpu_ok(vgpu_wait(s->client.fd, s->picture, 0));
	if (vgpu_has_blob(s->client.fd)) {
		vgpu_ok(vgpu_blob_create(s->client.fd, &blob));
		s->blob = blob.bo_handle;
	}

	s->map = vgpu_new_map(s->client.fd, s->blob ?: s->picture, PICTURE_BYTES);
	vgpu_fill(s->map, PICTURE_BYTES, 4);
}

static void scene_init(struct scene *s)
{
	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	*s = (struct scene){ .display = vgpu_open_display() };
	s->head = vgpu_first_head(s->display);
	vgpu_fb_init(s->display, &s->fb, s->head.mode.hdisplay, s->head.mode.vdisplay,
		     DRM_FORMAT_XRGB8888);
	vgpu_fill(s->fb.pixels, s->fb.size, 3);
	vgpu_ok(vgpu_show(s->display, &s->head, &s->fb, 0, 0));
	scene_init_client(s);
}

/* Close all files and mappings; the device, and so the objects, may be gone. */
static void scene_close(struct scene *s)
{
	munmap(s->map, PICTURE_BYTES);
	munmap(s->fb.pixels, s->fb.size);
	vgpu_client_close(&s->client);
	close(s->display);
}

/* Destroy each object separately, and assert success. */
static void scene_fini(struct scene *s)
{
	munmap(s->map, PICTURE_BYTES);
	if (s->blob)
		vgpu_ok(vgpu_gem_close(s->client.fd, s->blob));
	vgpu_client_close(&s->client);
	vgpu_fb_fini(s->display, &s->fb);
	close(s->display);
}

/* Submit work that the host must execute. */
static int scene_work(const struct scene *s)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };

	return s->has_3d ? vgpu_submit_bo(&s->client, s->picture) :
	       vgpu_transfer_to_host(s->client.fd, s->picture, &box, 0, 0);
}

/*
 * Check the state after a reset: contexts are lost and return -EIO, pictures without a context were
 * created again, data in guest memory is unchanged, and the screen is lit and flips.
 */
static void scene_check_after(struct scene *s)
{
	drmModeCrtc *crtc;

	vgpu_ret(scene_work(s), s->has_3d ? -EIO : 0);
	vgpu_assert_eq(vgpu_differs(s->map, PICTURE_BYTES, 4), -1);
	vgpu_assert_eq(vgpu_differs(s->fb.pixels, s->fb.size, 3), -1);
	crtc = drmModeGetCrtc(s->display, s->head.crtc);
	vgpu_assert(crtc);
	vgpu_assert(crtc->mode_valid);
	vgpu_assert_eq(crtc->buffer_id, s->fb.id);
	drmModeFreeCrtc(crtc);
	vgpu_flip(s->display, &s->head, &s->fb);
	vgpu_drm_check_alive();
}

/* Wait until a fresh client can work; returns 0, or the last errno after RECOVERY_S. */
static int wait_for_service(void)
{
	double end = vgpu_now() + RECOVERY_S;
	int ret;

	do {
		struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
		int fd = vgpu_open_render();

		ret = vgpu_resource_create(fd, &rc) ?: vgpu_wait(fd, rc.bo_handle, 0);
		close(fd);
		if (ret)
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	} while (ret && vgpu_now() < end);
	return ret;
}

/* Wait until the driver has reset the device, successfully or not. */
static void wait_for_reset(void)
{
	double end = vgpu_now() + RECOVERY_S;

	while (vgpu_shim_is("needs_reset", "Y")) {
		vgpu_assert(vgpu_now() < end);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static void need_reset(void)
{
	vgpu_ok(vgpu_shim_set("needs_reset", "Y"));
	wait_for_reset();
}

static void device_needs_reset(void)
{
	struct scene s;

	scene_init(&s);
	need_reset();
	vgpu_ok(wait_for_service());
	scene_check_after(&s);
	scene_fini(&s);
}

static uint32_t new_blob_with_uuid(int fd)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(PICTURE_BYTES);

	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE | VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	return blob.bo_handle;
}

/*
 * The host forgets UUIDs in a reset, and knows a resource that is created again by none. So the
 * driver of the other device gets a UUID that the host has assigned since, which is another one,
 * since the buffers are named in the other order; and none for a picture that is lost.
 */
static void reset_forgets_uuids(void)
{
	int sharer = vgpu_sharer_open(), fd;
	uint8_t before[2][16], after[2][16];
	uint32_t blobs[2], picture;
	struct scene s;

	scene_init(&s);
	fd = s.client.fd;
	vgpu_require(vgpu_param(fd, VIRTGPU_PARAM_CROSS_DEVICE) > 0, "the device has no UUIDs");
	vgpu_require(s.blob, "the device has no blobs");
	picture = vgpu_new_picture(fd, SIDE, SIDE);
	vgpu_ok(vgpu_sharer_ask_uuid(sharer, fd, picture, after[0]));
	for (int i = 0; i < 2; i++) {
		blobs[i] = new_blob_with_uuid(fd);
		vgpu_ok(vgpu_sharer_ask_uuid(sharer, fd, blobs[i], before[i]));
	}

	need_reset();
	vgpu_ok(wait_for_service());
	for (int i = 1; i >= 0; i--) {
		vgpu_ok(vgpu_sharer_ask_uuid(sharer, fd, blobs[i], after[i]));
		vgpu_assert(memcmp(before[i], after[i], sizeof(after[i])));
	}
	vgpu_ret(vgpu_sharer_ask_uuid(sharer, fd, picture, after[0]), s.has_3d ? -EIO : 0);
	scene_fini(&s);
	close(sharer);
}

/* Without its device a picture has no name on the host. */
static void unplugged_picture_has_no_uuid(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();
	struct vgpu_sharer_uuid args = { 0 };
	struct vgpu_binding binding;

	vgpu_require(vgpu_param(fd, VIRTGPU_PARAM_CROSS_DEVICE) > 0, "the device has no UUIDs");
	vgpu_ok(vgpu_prime_export(fd, vgpu_new_picture(fd, SIDE, SIDE), &args.fd));
	vgpu_ok(vgpu_ioctl(sharer, VGPU_SHARER_UUID, &args));
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ret(vgpu_ioctl(sharer, VGPU_SHARER_UUID, &args), -ENODEV, -EIO);
	vgpu_ok(vgpu_bind(&binding));
	vgpu_drm_check_alive();

	close(args.fd);
	close(fd);
	close(sharer);
	vgpu_binding_fini(&binding);
}

/**
 * struct exporter - a thread that exports a buffer
 * @fd: its client
 * @handle: the buffer
 * @done: the export has returned
 * @thread: the thread
 */
struct exporter {
	int fd;
	uint32_t handle;
	atomic_bool done;
	pthread_t thread;
};

static void *export_buffer(void *arg)
{
	struct exporter *exporter = arg;
	int dmabuf;

	if (!vgpu_prime_export(exporter->fd, exporter->handle, &dmabuf))
		close(dmabuf);
	exporter->done = true;
	return NULL;
}

/*
 * Contract 2.10: a blob that waits behind a fence is never created if the device is reset. Then the
 * wait for it ends, and WAIT tells.
 */
static void device_reset_ends_the_wait_for_a_blob(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(VGPU_PAGE);
	struct vgpu_manual manual = vgpu_manual_new();
	struct exporter exporter = { .fd = client.fd };
	int fence;

	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	blob.blob_id = 1;
	vgpu_ok(vgpu_submit_fences(&client, manual.sync_file, &fence));
	vgpu_ok(vgpu_blob_create(client.fd, &blob));
	exporter.handle = blob.bo_handle;
	pthread_create(&exporter.thread, NULL, export_buffer, &exporter);
	usleep(100000);
	vgpu_assert(!exporter.done);
	need_reset();
	pthread_join(exporter.thread, NULL);
	vgpu_ret(vgpu_wait(client.fd, blob.bo_handle, 0), -EIO);
	vgpu_assert_eq(vgpu_fence_status(fence), -EIO);
	vgpu_ok(wait_for_service());

	close(fence);
	vgpu_manual_close(&manual);
	vgpu_client_close(&client);
	vgpu_drm_check_alive();
}

/*
 * The work of one client waits for that of another, which the host keeps. After the reset both end,
 * and nothing of the two is left when the driver goes.
 */
static void device_reset_ends_the_wait_for_another_client(void)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT | VIRTGPU_EXECBUF_RING_IDX,
	};
	struct vgpu_client keeper, client;
	int fence;

	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	keeper = vgpu_client_open_rings(1, 0);
	client = vgpu_client_open();
	vgpu_ok(vgpu_submit_kept(&keeper, &exec, vgpu_token()));
	vgpu_ok(vgpu_submit_fences(&client, exec.fence_fd, &fence));
	vgpu_assert_eq(vgpu_fence_status(fence), 0);
	need_reset();
	vgpu_ok(wait_for_service());
	vgpu_assert_eq(vgpu_fence_status(exec.fence_fd), -EIO);
	vgpu_assert_eq(vgpu_fence_status(fence), -EIO);

	close(fence);
	close(exec.fence_fd);
	vgpu_client_close(&client);
	vgpu_client_close(&keeper);
	vgpu_drm_check_alive();
}

/* The first two attempts to create virtqueues fail; the third succeeds. */
static void device_comes_back_late(void)
{
	struct scene s;

	scene_init(&s);
	vgpu_ok(vgpu_shim_set("refuse_rings", "2"));
	need_reset();
	vgpu_ok(wait_for_service());
	scene_check_after(&s);
	scene_fini(&s);
}

/* A device that never recovers fails each call at once, until the driver is bound again. */
static void device_stays_lost(void)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
	struct vgpu_binding binding;
	struct scene s;
	double start;

	scene_init(&s);
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_shim_set("refuse_rings", "3"));
	need_reset();
	vgpu_ret(wait_for_service(), -EIO);
	start = vgpu_now();
	vgpu_ret(scene_work(&s), -EIO);

	/* The picture is idle, but its state on the host is unknown, so WAIT returns an error. */
	vgpu_ret(vgpu_wait(s.client.fd, s.picture, 0), -EIO);
	vgpu_ret(vgpu_resource_create(s.client.fd, &rc), -EIO);
	vgpu_assert(vgpu_now() - start < 1);
	vgpu_assert_eq(vgpu_differs(s.map, PICTURE_BYTES, 4), -1);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_bind(&binding));
	vgpu_drm_check_alive();

	scene_close(&s);
	vgpu_binding_fini(&binding);
}

/**
 * struct host_memory - a mapped blob of host memory
 * @fd: its client
 * @handle: its handle
 * @dmabuf: its dma-buf
 * @map: mapping of the handle
 * @part: mapping of the dma-buf, from the second page on
 */
struct host_memory {
	int fd;
	uint32_t handle;
	int dmabuf;
	uint8_t *map;
	uint8_t *part;
};

#define MEMORY_BYTES (4 * VGPU_PAGE)

static void host_memory_init(struct host_memory *m)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(MEMORY_BYTES);

	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	m->fd = vgpu_open_render();
	vgpu_require(vgpu_has_host_visible(m->fd), "the device has no host-visible memory");
	vgpu_ok(vgpu_context_init_capset(m->fd, VIRTGPU_DRM_CAPSET_VENUS));
	vgpu_ok(vgpu_blob_create(m->fd, &blob));
	m->handle = blob.bo_handle;
	vgpu_ok(vgpu_prime_export(m->fd, m->handle, &m->dmabuf));
	m->map = vgpu_new_map(m->fd, m->handle, MEMORY_BYTES);
	m->part = mmap(NULL, MEMORY_BYTES - VGPU_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       m->dmabuf, VGPU_PAGE);
	vgpu_assert(m->part != MAP_FAILED);
	memset(m->map, 0x77, MEMORY_BYTES);
	vgpu_assert_eq(m->part[0], 0x77);
}

static void host_memory_fini(struct host_memory *m)
{
	munmap(m->map, MEMORY_BYTES);
	munmap(m->part, MEMORY_BYTES - VGPU_PAGE);
	close(m->dmabuf);
	close(m->fd);
}

/*
 * Check that all pages of a lost mapping show one writable page, and that no access raises SIGBUS.
 */
static void check_lost_map(uint8_t *map, size_t size, uint8_t value)
{
	vgpu_assert_eq(vgpu_touch(map + 1), 0);
	map[1] = value;
	for (size_t i = 0; i < size; i++)
		vgpu_assert_eq(map[i], value);
}

static void check_lost_memory(struct host_memory *m, struct host_memory *other)
{
	uint8_t *late = mmap(NULL, VGPU_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m->dmabuf,
			     2 * VGPU_PAGE);

	vgpu_assert(late != MAP_FAILED);
	check_lost_map(m->map, MEMORY_BYTES, 0);
	memset(m->map, 0x55, VGPU_PAGE);
	check_lost_map(m->part, MEMORY_BYTES - VGPU_PAGE, 0x55);
	memset(m->part, 0x33, VGPU_PAGE);
	check_lost_map(late, VGPU_PAGE, 0x33);
	munmap(late, VGPU_PAGE);
	/* Another lost blob has another page. */
	check_lost_map(other->part, MEMORY_BYTES - VGPU_PAGE, 0);
	check_lost_map(other->map, MEMORY_BYTES, 0);
}

/*
 * Hot-unplug rules of drm-uapi.rst in the kernel: a client can read, write and map the memory of a
 * lost device without SIGBUS. Venus and Wayland proxies map host memory.
 */
static void reset_host_memory_is_zero(void)
{
	struct host_memory m, other;
	uint64_t offset;
	uint8_t *late;

	host_memory_init(&m);
	host_memory_init(&other);
	vgpu_ok(vgpu_map_offset(m.fd, m.handle, &offset));
	need_reset();
	vgpu_ok(wait_for_service());
	check_lost_memory(&m, &other);
	late = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, (off_t)offset);
	vgpu_assert(late != MAP_FAILED);
	check_lost_map(late, MEMORY_BYTES, 0x33);
	munmap(late, MEMORY_BYTES);
	vgpu_ret(vgpu_map_offset(m.fd, m.handle, &offset), -EIO);
	host_memory_fini(&other);
	host_memory_fini(&m);
}

/* Count the parts of the window that are taken. */
static unsigned int count_window_parts(void)
{
	char *text = vgpu_kernel_debugfs("virtio-gpu-hostmem"), *save, *line;
	unsigned long long offset;
	unsigned int count = 0;

	vgpu_require(text, "the driver does not list the blobs in the window");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		count += sscanf(line, " %llu", &offset) == 1;
	free(text);
	return count;
}

/* A part is given back a moment after its blob is freed. */
static void await_window_parts(unsigned int count)
{
	for (int i = 0; i < 200 && count_window_parts() != count; i++)
		usleep(10000);
	vgpu_assert_eq(count_window_parts(), count);
}

/*
 * A process that called mmap() while the device was being reset may have a mapping that the driver
 * did not tear down. It must not see the memory of others: no other blob is shown at the addresses
 * of a lost one as long as somebody maps it.
 */
static void reset_host_memory_keeps_its_part_of_the_window(void)
{
	struct host_memory m, other;

	host_memory_init(&m);
	need_reset();
	vgpu_ok(wait_for_service());
	close(m.dmabuf);
	close(m.fd);
	host_memory_init(&other);
	await_window_parts(2);
	check_lost_map(m.map, MEMORY_BYTES, 0);

	munmap(m.map, MEMORY_BYTES);
	munmap(m.part, MEMORY_BYTES - VGPU_PAGE);
	await_window_parts(1);
	host_memory_fini(&other);
}

static void unplugged_host_memory_is_zero(void)
{
	struct host_memory m, other;
	struct vgpu_binding binding;

	host_memory_init(&m);
	host_memory_init(&other);
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	check_lost_memory(&m, &other);
	vgpu_ok(vgpu_bind(&binding));
	host_memory_fini(&other);
	host_memory_fini(&m);
	vgpu_binding_fini(&binding);
	vgpu_drm_check_alive();
}

static void sleep_and_wake(void)
{
	struct scene s;

	scene_init(&s);
	for (int i = 0; i < 2; i++) {
		vgpu_ok(vgpu_shim_set("frozen", "Y"));
		vgpu_ok(vgpu_shim_set("frozen", "N"));
		scene_check_after(&s);
	}
	scene_fini(&s);
}

static void sleep_with_nothing_lit(void)
{
	struct scene s;

	scene_init(&s);
	vgpu_ok(vgpu_show(s.display, &s.head, NULL, 0, 0));
	vgpu_ok(vgpu_shim_set("frozen", "Y"));
	vgpu_ok(vgpu_shim_set("frozen", "N"));
	vgpu_ok(vgpu_show(s.display, &s.head, &s.fb, 0, 0));
	scene_check_after(&s);
	scene_fini(&s);
}

/* Work that is under way at suspend ends with an error. */
static void fences_do_not_sleep(void)
{
	int fence = -1, ret;
	struct scene s;

	scene_init(&s);
	vgpu_require(s.has_3d, "no 3D");
	for (int i = 0; i < 20; i++) {
		if (fence >= 0)
			close(fence);
		vgpu_ok(vgpu_submit_fences(&s.client, -1, &fence));
	}
	vgpu_ok(vgpu_shim_set("frozen", "Y"));
	ret = vgpu_fence_status(fence);
	vgpu_assert_msg(ret == 1 || ret == -EIO, "%d", ret);
	vgpu_ok(vgpu_shim_set("frozen", "N"));
	close(fence);
	scene_check_after(&s);
	scene_fini(&s);
}

/* Calls during suspend, as from a thread that is not frozen, must not hang. */
static void asleep_nothing_works(void)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
	struct scene s;

	scene_init(&s);
	vgpu_ok(vgpu_shim_set("frozen", "Y"));
	vgpu_ret(scene_work(&s), -EIO);
	vgpu_ret(vgpu_resource_create(s.client.fd, &rc), -EIO);
	vgpu_ok(vgpu_shim_set("frozen", "N"));
	scene_check_after(&s);
	scene_fini(&s);
}

static void wakes_without_rings(void)
{
	struct vgpu_binding binding;
	struct scene s;

	scene_init(&s);
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_shim_set("frozen", "Y"));
	vgpu_ok(vgpu_shim_set("refuse_rings", "1"));
	vgpu_ret(vgpu_shim_set("frozen", "N"), -ENOENT);
	vgpu_ret(scene_work(&s), -EIO);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_bind(&binding));
	vgpu_drm_check_alive();
	scene_close(&s);
	vgpu_binding_fini(&binding);
}

static void probe_without_rings(void)
{
	struct vgpu_binding binding;

	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_shim_set("refuse_rings", "1"));
	vgpu_ret(vgpu_bind(&binding), -ENOENT);
	vgpu_ok(vgpu_bind(&binding));
	vgpu_drm_check_alive();
	vgpu_binding_fini(&binding);
}

/* The device needs a reset while no driver is bound, and while it is probed. */
static void needs_reset_without_driver(void)
{
	struct vgpu_binding binding;

	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_shim_set("needs_reset", "Y"));
	vgpu_ok(vgpu_bind(&binding));
	wait_for_reset();
	vgpu_ok(wait_for_service());
	vgpu_drm_check_alive();
	vgpu_binding_fini(&binding);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "device-needs-reset", .run = device_needs_reset },
	{ .name = "reset-forgets-uuids", .run = reset_forgets_uuids },
	{ .name = "device-reset-ends-the-wait-for-a-blob",
	  .run = device_reset_ends_the_wait_for_a_blob },
	{ .name = "device-reset-ends-the-wait-for-another-client",
	  .run = device_reset_ends_the_wait_for_another_client },
	{ .name = "device-comes-back-late", .run = device_comes_back_late },
	{ .name = "device-stays-lost", .run = device_stays_lost },
	{ .name = "reset-host-memory-is-zero", .run = reset_host_memory_is_zero },
	{ .name = "reset-host-memory-keeps-its-part-of-the-window",
	  .run = reset_host_memory_keeps_its_part_of_the_window },
	{ .name = "unplugged-host-memory-is-zero", .run = unplugged_host_memory_is_zero },
	{ .name = "unplugged-picture-has-no-uuid", .run = unplugged_picture_has_no_uuid },
	{ .name = "sleep-and-wake", .run = sleep_and_wake },
	{ .name = "sleep-with-nothing-lit", .run = sleep_with_nothing_lit },
	{ .name = "fences-do-not-sleep", .run = fences_do_not_sleep },
	{ .name = "asleep-nothing-works", .run = asleep_nothing_works },
	{ .name = "wakes-without-rings", .run = wakes_without_rings },
	{ .name = "probe-without-rings", .run = probe_without_rings },
	{ .name = "needs-reset-without-driver", .run = needs_reset_without_driver },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_transport",
		.about = "resets, suspend, and virtqueues that cannot be created",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
