// SPDX-License-Identifier: MIT
/*
 * Sharing with another driver (vgpu-sharer.ko): addresses of our buffers, and memory that the other
 * driver revokes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm_fourcc.h>

#include "sharer/vgpu_sharer.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_sharing.h"
#include "vgpu_test.h"

#define SIDE 64u
#define SIZE (SIDE * SIDE * 4)
#define MAPPABLE VIRTGPU_BLOB_FLAG_USE_MAPPABLE
#define CROSS_DEVICE VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE

/* How often, in steps of 10 ms, a test checks for an effect of background work. */
#define PATIENCE 600

static int look(int sharer, int fd, uint32_t handle, enum vgpu_sharer_importer importer,
		struct vgpu_sharer_look *args)
{
	int dmabuf, ret;

	vgpu_ok(vgpu_prime_export(fd, handle, &dmabuf));
	*args = (struct vgpu_sharer_look){ .fd = dmabuf, .importer = importer };
	ret = vgpu_ioctl(sharer, VGPU_SHARER_LOOK, args);
	close(dmabuf);
	return ret;
}

static void check_is_seen(int sharer, int fd, uint32_t handle, uint64_t size,
			  enum vgpu_sharer_importer importer)
{
	struct vgpu_sharer_look seen, again;
	int ret = look(sharer, fd, handle, importer, &seen);

	vgpu_require(importer != VGPU_SHARER_PCI || ret != -ENODEV, "there is no PCI device");
	vgpu_ok(ret);
	vgpu_assert(seen.pieces > 0);
	vgpu_assert(seen.address != 0);
	vgpu_assert_eq(seen.bytes, size);
	/* A second mapping has the same address. */
	vgpu_ok(look(sharer, fd, handle, importer, &again));
	vgpu_assert_eq(again.address, seen.address);
}

static void picture_is_seen(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();

	check_is_seen(sharer, fd, vgpu_new_picture(fd, SIDE, SIDE), SIZE, VGPU_SHARER_PLATFORM);
	close(fd);
	close(sharer);
}

static void guest_blob_is_seen(void)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(SIZE);
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();

	vgpu_require(vgpu_has_blob(fd), "the device has no blobs");
	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	check_is_seen(sharer, fd, blob.bo_handle, SIZE, VGPU_SHARER_PLATFORM);
	close(fd);
	close(sharer);
}

/* Create a blob of host memory: blob id 0 in a context of Venus. */
static uint32_t new_host_blob(int fd, uint32_t flags)
{
	struct drm_virtgpu_resource_create_blob blob = {
		.blob_mem = VIRTGPU_BLOB_MEM_HOST3D,
		.blob_flags = flags | VIRTGPU_BLOB_FLAG_USE_SHAREABLE,
		.size = SIZE,
		.blob_hints = DRM_VIRTGPU_BLOB_FLAG_HINT_DEFER_MAPPING,
	};

	vgpu_require(vgpu_has_host_visible(fd), "the device has no host-visible memory");
	vgpu_require(vgpu_has_capset(fd, VIRTGPU_DRM_CAPSET_VENUS), "the device has no venus");
	vgpu_ok(vgpu_context_init_capset(fd, VIRTGPU_DRM_CAPSET_VENUS));
	vgpu_ok(vgpu_blob_create(fd, &blob));
	return blob.bo_handle;
}

/* The kernel's own driver gives address 0 for a blob that is not mapped yet (faults.rst, 14). */
static void unmapped_host_blob_is_seen(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();

	check_is_seen(sharer, fd, new_host_blob(fd, MAPPABLE), SIZE, VGPU_SHARER_PCI);
	close(fd);
	close(sharer);
}

static void mapped_host_blob_is_seen(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();
	uint32_t handle = new_host_blob(fd, MAPPABLE);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 1);
	check_is_seen(sharer, fd, handle, SIZE, VGPU_SHARER_PCI);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 1), -1);
	munmap(map, SIZE);
	close(fd);
	close(sharer);
}

/*
 * With no address, or address 0, a passthrough GPU would write to guest memory. So the import fails
 * if the importer cannot reach the window, or the blob cannot be mapped in it.
 */
static void unreached_host_blob_is_eio(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();
	struct vgpu_sharer_look args;
	int ret;

	vgpu_ret(look(sharer, fd, new_host_blob(fd, MAPPABLE), VGPU_SHARER_PLATFORM, &args), -EIO);
	close(fd);
	fd = vgpu_open_render();
	vgpu_ret(look(sharer, fd, new_host_blob(fd, 0), VGPU_SHARER_PLATFORM, &args), -EIO);
	close(fd);
	fd = vgpu_open_render();
	ret = look(sharer, fd, new_host_blob(fd, 0), VGPU_SHARER_PCI, &args);
	if (ret != -ENODEV)
		vgpu_ret(ret, -EIO);
	close(fd);
	close(sharer);
}

/* More than an importer waits for the host, in steps of 10 ms. */
#define IMPORT_STEPS 800

/* What the processes of the next test share. */
struct held {
	int sharer;
	int fd;
	uint32_t handle;
	bool is_mapped;
	bool is_over;
	int ret;
};

static void map_held(void *arg)
{
	struct held *held = arg;
	uint64_t offset;

	vgpu_ok(vgpu_map_offset(held->fd, held->handle, &offset));
	held->is_mapped = true;
}

static void import_held(void *arg)
{
	struct vgpu_sharer_look args;
	struct held *held = arg;

	held->ret = look(held->sharer, held->fd, held->handle, VGPU_SHARER_PCI, &args);
	held->is_over = true;
}

/*
 * An importer holds the reservation of the buffer while it waits for the host to map it, so all that
 * share the buffer wait for the importer. With held-map.fault the host never answers, and another
 * client waits for the same answer, without a limit.
 */
static void import_of_a_host_blob_ends(void)
{
	volatile struct held *held = mmap(NULL, VGPU_PAGE, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int mapper, importer;

	vgpu_assert(held != MAP_FAILED);
	held->sharer = vgpu_sharer_open();
	held->fd = vgpu_open_render();
	held->handle = new_host_blob(held->fd, MAPPABLE);
	mapper = vgpu_fork(map_held, (void *)held);
	usleep(1000000);
	importer = vgpu_fork(import_held, (void *)held);
	for (int left = IMPORT_STEPS; left > 0 && !held->is_over; left--)
		usleep(10000);
	vgpu_sys(kill(importer, SIGKILL));
	vgpu_sys(waitpid(importer, NULL, 0));
	vgpu_sys(kill(mapper, SIGKILL));
	vgpu_sys(waitpid(mapper, NULL, 0));
	vgpu_assert(held->is_over);
	vgpu_require(held->ret != -ENODEV && held->ret != -EIO, "there is no PCI device");
	vgpu_info("1 calls: %d, mapped %d", held->ret, held->is_mapped);
	vgpu_assert_eq(held->ret, held->is_mapped ? 0 : -ETIMEDOUT);
	close(held->fd);
	close(held->sharer);
}

/*
 * The driver of another virtio device uses the UUID only, but the import needs a (here empty) list.
 */
static void uuid_of_host_blob_needs_no_address(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();
	uint32_t handle;
	struct vgpu_sharer_look args;

	vgpu_require(vgpu_param(fd, VIRTGPU_PARAM_CROSS_DEVICE) > 0, "the device has no UUIDs");
	handle = new_host_blob(fd, CROSS_DEVICE);
	vgpu_ok(look(sharer, fd, handle, VGPU_SHARER_VIRTIO, &args));
	vgpu_assert_eq(args.pieces, 0);
	vgpu_ret(look(sharer, fd, handle, VGPU_SHARER_PLATFORM, &args), -EIO);
	close(fd);
	fd = vgpu_open_render();
	vgpu_ret(look(sharer, fd, new_host_blob(fd, 0), VGPU_SHARER_VIRTIO, &args), -EIO);
	close(fd);
	close(sharer);
}

static int open_with_uuids(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_param(fd, VIRTGPU_PARAM_CROSS_DEVICE) > 0, "the device has no UUIDs");
	return fd;
}

/* Each buffer has a UUID of its own, which is the same for exporter and importer. */
static void uuid_names_a_picture(void)
{
	int sharer = vgpu_sharer_open(), fd = open_with_uuids(), other = vgpu_open_render();
	uint32_t a = vgpu_new_picture(fd, SIDE, SIDE), b = vgpu_new_picture(fd, SIDE, SIDE);
	uint8_t uuid[3][16];
	uint32_t imported;
	int dmabuf;

	vgpu_ok(vgpu_sharer_ask_uuid(sharer, fd, a, uuid[0]));
	vgpu_ok(vgpu_sharer_ask_uuid(sharer, fd, b, uuid[1]));
	vgpu_assert(memcmp(uuid[0], uuid[1], sizeof(uuid[0])));
	vgpu_ok(vgpu_prime_export(fd, a, &dmabuf));
	vgpu_ok(vgpu_prime_import(other, dmabuf, &imported));
	close(dmabuf);
	vgpu_ok(vgpu_sharer_ask_uuid(sharer, other, imported, uuid[2]));
	vgpu_assert(!memcmp(uuid[0], uuid[2], sizeof(uuid[0])));
	close(other);
	close(fd);
	close(sharer);
}

static void uuid_of_a_blob_is_asked_for_at_its_creation(void)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(SIZE);
	int sharer = vgpu_sharer_open(), fd = open_with_uuids();
	uint8_t uuid[16];

	vgpu_require(vgpu_has_blob(fd), "the device has no blobs");
	blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	vgpu_ret(vgpu_sharer_ask_uuid(sharer, fd, blob.bo_handle, uuid), -ENODEV);
	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE;
	vgpu_ok(vgpu_blob_create(fd, &blob));
	vgpu_ok(vgpu_sharer_ask_uuid(sharer, fd, blob.bo_handle, uuid));
	close(fd);
	close(sharer);
}

static int sharer_export(int sharer, uint64_t size)
{
	struct vgpu_sharer_export args = { .size = size };

	vgpu_ok(vgpu_ioctl(sharer, VGPU_SHARER_EXPORT, &args));
	return args.fd;
}

static struct vgpu_sharer_state sharer_state(int sharer, unsigned long request, int dmabuf)
{
	struct vgpu_sharer_state state = { .fd = dmabuf };

	vgpu_ok(vgpu_ioctl(sharer, request, &state));
	return state;
}

/* Wait until our driver has unmapped and unpinned the buffer; the host must answer first. */
static void wait_until_free(int sharer, int dmabuf)
{
	struct vgpu_sharer_state state;
	int left = PATIENCE;

	do {
		state = sharer_state(sharer, VGPU_SHARER_STATE, dmabuf);
		if (!state.mappings && !state.pins)
			return;
		usleep(10000);
	} while (left--);
	vgpu_fail("%u pins and %u mappings are left", state.pins, state.mappings);
}

static uint32_t import(int fd, int dmabuf)
{
	uint32_t handle;
	int ret = vgpu_prime_import(fd, dmabuf, &handle);

	vgpu_require(ret != -EINVAL && ret != -ENODEV && ret != -EOPNOTSUPP,
		     "this device imports nothing (%s)", strerrorname_np(-ret));
	vgpu_ok(ret);
	return handle;
}

/* The kernel's own driver accepts any size (faults.rst, 13). */
static void imported_size_must_be_aligned(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();
	long long align = vgpu_param(fd, VIRTGPU_PARAM_BLOB_ALIGNMENT);
	uint32_t handle;
	int dmabuf;

	vgpu_require(align > VGPU_PAGE, "the device asks for no alignment");
	dmabuf = sharer_export(sharer, (uint64_t)align);
	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	close(dmabuf);
	dmabuf = sharer_export(sharer, (uint64_t)align + VGPU_PAGE);
	vgpu_ret(vgpu_prime_import(fd, dmabuf, &handle), -EINVAL);
	wait_until_free(sharer, dmabuf);
	close(dmabuf);
	close(fd);
	close(sharer);
}

static void imported_buffer_does_not_move(void)
{
	int sharer = vgpu_sharer_open(), dmabuf = sharer_export(sharer, SIZE);

	for (int i = 0; i < 20; i++) {
		int fd = vgpu_open_render();
		struct vgpu_sharer_state state;

		import(fd, dmabuf);
		state = sharer_state(sharer, VGPU_SHARER_STATE, dmabuf);
		vgpu_assert_eq(state.mappings, 1);
		vgpu_assert_eq(state.pins, 1);
		close(fd);
		wait_until_free(sharer, dmabuf);
	}
	close(dmabuf);
	close(sharer);
}

static void revoked_buffer_is_let_go(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();
	int dmabuf = sharer_export(sharer, SIZE), again;
	uint32_t handle = import(fd, dmabuf), other;
	struct vgpu_sharer_state state;

	vgpu_ok(vgpu_wait(fd, handle, 0));
	state = sharer_state(sharer, VGPU_SHARER_REVOKE, dmabuf);
	vgpu_assert_eq(state.revocations, 1);

	/* The buffer becomes free although the handle is still open. */
	wait_until_free(sharer, dmabuf);
	vgpu_ret(vgpu_wait(fd, handle, 0), -EIO);

	/* A revoked buffer stays revoked, and revoking it again is harmless. */
	sharer_state(sharer, VGPU_SHARER_REVOKE, dmabuf);
	vgpu_ok(vgpu_prime_export(fd, handle, &again));
	close(again);
	vgpu_ok(vgpu_gem_close(fd, handle));
	vgpu_ret(vgpu_prime_import(fd, dmabuf, &other), -ENODEV);

	close(dmabuf);
	close(fd);
	close(sharer);
}

static void revoked_under_three_clients(void)
{
	int sharer = vgpu_sharer_open(), dmabuf = sharer_export(sharer, SIZE), fds[3];
	uint32_t handles[3];
	struct vgpu_sharer_state state;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = vgpu_open_render();
		handles[i] = import(fds[i], dmabuf);
	}
	state = sharer_state(sharer, VGPU_SHARER_REVOKE, dmabuf);
	vgpu_assert_eq(state.revocations, 1);
	wait_until_free(sharer, dmabuf);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		vgpu_ret(vgpu_wait(fds[i], handles[i], 0), -EIO);
		close(fds[i]);
	}
	close(dmabuf);
	close(sharer);
}

/* The handle is closed just before, so the resource may be released already. */
static void revoked_after_close(void)
{
	int sharer = vgpu_sharer_open(), fd = vgpu_open_render();

	for (int i = 0; i < 30; i++) {
		int dmabuf = sharer_export(sharer, SIZE);
		uint32_t handle = import(fd, dmabuf);

		vgpu_ok(vgpu_gem_close(fd, handle));
		sharer_state(sharer, VGPU_SHARER_REVOKE, dmabuf);
		wait_until_free(sharer, dmabuf);
		close(dmabuf);
	}
	close(fd);
	close(sharer);
}

struct race {
	int sharer;
	int dmabuf;
};

static void revoke_it(void *arg)
{
	struct race *race = arg;

	sharer_state(race->sharer, VGPU_SHARER_REVOKE, race->dmabuf);
}

static void revoked_while_closing(void)
{
	int sharer = vgpu_sharer_open();

	for (int i = 0; i < 20; i++) {
		struct race race = { sharer, sharer_export(sharer, SIZE) };
		int fd = vgpu_open_render(), pid;

		import(fd, race.dmabuf);
		pid = vgpu_fork(revoke_it, &race);
		close(fd);
		vgpu_join(pid);
		wait_until_free(sharer, race.dmabuf);
		close(race.dmabuf);
	}
	close(sharer);
}

/**
 * struct lent - a buffer of the other driver that our display shows
 * @race: the buffer, and the driver that revokes it
 * @fd: the card
 * @head: the output
 * @fb: its framebuffer, without a mapping
 */
struct lent {
	struct race race;
	int fd;
	struct vgpu_head head;
	struct vgpu_fb fb;
};

static struct lent lent_new(uint32_t width, uint32_t height, uint32_t format)
{
	uint64_t size = ((uint64_t)width * height * 4 + VGPU_PAGE - 1) / VGPU_PAGE * VGPU_PAGE;
	struct lent lent = { .race.sharer = vgpu_sharer_open(), .fd = vgpu_open_display() };
	struct drm_mode_fb_cmd2 cmd = {
		.width = width, .height = height, .pixel_format = format,
		.pitches = { width * 4 },
	};

	lent.head = vgpu_first_head(lent.fd);
	lent.race.dmabuf = sharer_export(lent.race.sharer, size);
	lent.fb.handle = import(lent.fd, lent.race.dmabuf);
	cmd.handles[0] = lent.fb.handle;
	vgpu_ok(vgpu_ioctl(lent.fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	lent.fb.id = cmd.fb_id;
	return lent;
}

static void lent_end(struct lent *lent)
{
	wait_until_free(lent->race.sharer, lent->race.dmabuf);
	vgpu_ok(vgpu_show(lent->fd, &lent->head, NULL, 0, 0));
	close(lent->race.dmabuf);
	close(lent->fd);
	close(lent->race.sharer);
}

/* Revoke the buffer just after it is shown, while the driver plans to send it once more. */
static void revoked_while_shown(void)
{
	struct vgpu_head head;
	struct lent lent;
	int fd = vgpu_open_display();

	head = vgpu_first_head(fd);
	close(fd);
	lent = lent_new(head.mode.hdisplay, head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(lent.fd, &lent.head, &lent.fb, 0, 0));
	/*
	 * Without the revocation the driver would send the picture again at the end of the frame.
	 */
	vgpu_sys(drmModeDirtyFB(lent.fd, lent.fb.id, NULL, 0));
	revoke_it(&lent.race);
	usleep(500000);
	lent_end(&lent);
}

static int set_cursor(const struct lent *lent, uint32_t handle)
{
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO, .crtc_id = lent->head.crtc,
		.width = handle ? SIDE : 0, .height = handle ? SIDE : 0, .handle = handle,
	};

	return vgpu_ioctl(lent->fd, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

/* A lent cursor picture, beside a screen and a picture of our own, which is the cursor first. */
struct lent_cursor {
	struct lent lent;
	struct vgpu_fb fb;
	struct vgpu_fb own;
};

static void lent_cursor_begin(struct lent_cursor *c)
{
	struct lent *lent = &c->lent;

	*lent = lent_new(SIDE, SIDE, DRM_FORMAT_ARGB8888);
	vgpu_fb_init(lent->fd, &c->fb, lent->head.mode.hdisplay, lent->head.mode.vdisplay,
		     DRM_FORMAT_XRGB8888);
	vgpu_fb_init(lent->fd, &c->own, SIDE, SIDE, DRM_FORMAT_ARGB8888);
	vgpu_ok(vgpu_show(lent->fd, &lent->head, &c->fb, 0, 0));
	vgpu_ok(set_cursor(lent, c->own.handle));
}

static void lent_cursor_end(struct lent_cursor *c)
{
	struct lent *lent = &c->lent;

	vgpu_ok(set_cursor(lent, 0));
	vgpu_ok(vgpu_show(lent->fd, &lent->head, NULL, 0, 0));
	vgpu_fb_fini(lent->fd, &c->own);
	vgpu_fb_fini(lent->fd, &c->fb);
	lent_end(lent);
}

/*
 * The host may be slow with the cursor queue; in a fault script of the laboratory it is, from the
 * second cursor command on.
 */
static void revoked_cursor(void)
{
	struct lent_cursor c;
	struct lent *lent = &c.lent;
	int pid;

	lent_cursor_begin(&c);
	vgpu_ok(set_cursor(lent, lent->fb.handle));
	pid = vgpu_fork(revoke_it, &lent->race);
	usleep(100000);
	vgpu_sys(drmModeMoveCursor(lent->fd, lent->head.crtc, 10, 10));

	/*
	 * Give the host another command on the control queue; it processes the cursor queue after
	 * it.
	 */
	vgpu_new_picture(lent->fd, SIDE, SIDE);
	vgpu_join(pid);
	lent_cursor_end(&c);
}

/* A cursor picture that is revoked while it is rendered is not shown afterwards. */
static void revoked_cursor_while_drawn(void)
{
	struct vgpu_manual drawing = vgpu_manual_new();
	struct lent_cursor c;
	struct lent *lent = &c.lent;
	int pid;

	lent_cursor_begin(&c);
	vgpu_fence_attach(lent->race.dmabuf, drawing.sync_file);
	vgpu_ok(set_cursor(lent, lent->fb.handle));

	/* The other driver waits for the rendering before it revokes the memory. */
	pid = vgpu_fork(revoke_it, &lent->race);
	usleep(100000);
	vgpu_manual_signal(&drawing);
	vgpu_join(pid);
	usleep(100000);
	lent_cursor_end(&c);
	vgpu_manual_close(&drawing);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "picture-is-seen", .run = picture_is_seen },
	{ .name = "guest-blob-is-seen", .run = guest_blob_is_seen },
	{ .name = "unmapped-host-blob-is-seen", .run = unmapped_host_blob_is_seen },
	{ .name = "mapped-host-blob-is-seen", .run = mapped_host_blob_is_seen },
	{ .name = "unreached-host-blob-is-eio", .run = unreached_host_blob_is_eio },
	{ .name = "import-of-a-host-blob-ends", .run = import_of_a_host_blob_ends },
	{ .name = "uuid-of-host-blob-needs-no-address",
	  .run = uuid_of_host_blob_needs_no_address },
	{ .name = "uuid-names-a-picture", .run = uuid_names_a_picture },
	{ .name = "uuid-of-a-blob-is-asked-for-at-its-creation",
	  .run = uuid_of_a_blob_is_asked_for_at_its_creation },
	{ .name = "imported-size-must-be-aligned", .run = imported_size_must_be_aligned },
	{ .name = "imported-buffer-does-not-move", .run = imported_buffer_does_not_move },
	{ .name = "revoked-buffer-is-let-go", .run = revoked_buffer_is_let_go },
	{ .name = "revoked-under-three-clients", .run = revoked_under_three_clients },
	{ .name = "revoked-after-close", .run = revoked_after_close },
	{ .name = "revoked-while-closing", .run = revoked_while_closing },
	{ .name = "revoked-while-shown", .run = revoked_while_shown },
	{ .name = "revoked-cursor", .run = revoked_cursor },
	{ .name = "revoked-cursor-while-drawn", .run = revoked_cursor_while_drawn },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_share",
		.about = "sharing buffers with another driver",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
