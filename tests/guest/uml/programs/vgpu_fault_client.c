// SPDX-License-Identifier: MIT
/*
 * A client that uses all features of a device that fails: the device returns errors and wrong data,
 * stops answering, or is unplugged. Each call may fail, but it must return within a bounded time,
 * each fence must signal, and the driver must still work afterwards: the subtest serves-again then
 * requires that work succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 64u
#define ROUNDS 12
/* Above the driver's silence limit, after which a host that answers nothing is reset. */
#define CALL_BOUND_S 400.0
/* How long to wait for fences that the host may hold for ever. */
#define HELD_S 40.0

/* Set if the host holds commands: it decides how long, so their fences may stay pending. */
static bool held;

static unsigned int errors, calls;
static double slowest;
static const char *slowest_name = "none";

/* Record a call: it may fail, but must return within CALL_BOUND_S. */
static int took(const char *name, double start, int ret)
{
	double t = vgpu_now() - start;

	calls++;
	if (ret)
		errors++;
	if (t > slowest) {
		slowest = t;
		slowest_name = name;
	}
	if (t > CALL_BOUND_S)
		vgpu_fail("%s took %.0f s", name, t);
	return ret;
}

#define TRY(call)						\
	({							\
		double start_ = vgpu_now();			\
		int ret_ = (call);				\
								\
		took(#call, start_, ret_);			\
	})

/* No helper of these asserts: the device may be gone. */
static int create(int fd, uint32_t side, uint32_t *handle)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(side, side);
	int ret = vgpu_resource_create(fd, &rc);

	*handle = ret ? 0 : rc.bo_handle;
	return ret;
}

static int submit(int fd, const uint32_t *handles, uint32_t nhandles, int *fence)
{
	/* A NOP of one word, which toy3d accepts and which harms no other host. */
	static const uint32_t stream[2] = { 0x00010000, 0 };
	struct drm_virtgpu_execbuffer exec = {
		.flags = fence ? VIRTGPU_EXECBUF_FENCE_FD_OUT : 0,
		.command = (uintptr_t)stream,
		.size = sizeof(stream),
		.bo_handles = (uintptr_t)handles,
		.num_bo_handles = nhandles,
		.fence_fd = -1,
	};
	int ret = vgpu_execbuffer(fd, &exec);

	if (fence)
		*fence = ret ? -1 : exec.fence_fd;
	return ret;
}

/* Each fence signals, with or without an error, unless the host holds its command. */
static int wait_fence(int fence)
{
	struct pollfd pfd = { .fd = fence, .events = POLLIN };
	int n;

	do
		n = poll(&pfd, 1, (int)((held ? HELD_S : CALL_BOUND_S) * 1000));
	while (n < 0 && errno == EINTR);
	if (n != 1 && !held)
		vgpu_fail("a fence never signals");
	return 0;
}

/* WAIT itself has a time limit, so repeat it until the object is idle. */
static int wait_idle(int fd, uint32_t handle)
{
	double start = vgpu_now();
	int ret;

	do
		ret = vgpu_wait(fd, handle, 0);
	while (ret == -EBUSY && vgpu_now() - start < (held ? HELD_S : CALL_BOUND_S));
	if (ret == -EBUSY && !held)
		vgpu_fail("an object never becomes idle");
	return ret;
}

static void touch(int fd, uint32_t handle)
{
	uint64_t offset;
	void *map;

	if (TRY(vgpu_map_offset(fd, handle, &offset)))
		return;
	map = mmap(NULL, SIDE * SIDE * 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (map == MAP_FAILED)
		return;
	/* Let the kernel access the mapping, so that a lost one gives an errno, not a signal. */
	for (int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC); zero >= 0; zero = -1) {
		if (read(zero, map, SIDE * SIDE * 4) < 0)
			errors++;
		close(zero);
	}
	munmap(map, SIDE * SIDE * 4);
}

static void render_round(unsigned int round)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(4 * VGPU_PAGE);
	int fd = vgpu_node_open("renderD", 128), dmabuf = -1, fence[3] = { -1, -1, -1 };
	uint32_t handles[4] = { 0 };
	uint8_t caps[64];

	if (fd < 0) {
		errors++;
		return;
	}

	if (round % 3 == 1) {
		const struct drm_virtgpu_context_set_param params[] = {
			{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
			{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 1 },
		};

		TRY(vgpu_context_init(fd, params, ARRAY_SIZE(params)));
	}

	for (uint32_t id = 0; id < 64; id += 30)
		TRY(vgpu_get_caps(fd, id, 1, caps, sizeof(caps)));
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		TRY(create(fd, SIDE << (i % 2), &handles[i]));
	if (!TRY(vgpu_blob_create(fd, &blob)))
		TRY(vgpu_gem_close(fd, blob.bo_handle));

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		if (!handles[i])
			continue;
		touch(fd, handles[i]);
		TRY(vgpu_transfer_to_host(fd, handles[i], &box, 0, 0));
		TRY(submit(fd, &handles[i], 1, i < 3 ? &fence[i] : NULL));
		TRY(vgpu_transfer_from_host(fd, handles[i], &box, 0, 0));
	}

	if (handles[0] && !TRY(vgpu_prime_export(fd, handles[0], &dmabuf)))
		close(dmabuf);
	for (size_t i = 0; i < ARRAY_SIZE(fence); i++) {
		if (fence[i] < 0)
			continue;
		/* In every other round, close the fences without waiting. */
		if (round % 2)
			TRY(wait_fence(fence[i]));
		close(fence[i]);
	}

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		if (handles[i] && round % 2)
			TRY(wait_idle(fd, handles[i]));
		if (handles[i] && i % 2)
			TRY(vgpu_gem_close(fd, handles[i]));
	}

	close(fd);
}

/* Map blobs of host memory, if the device has a window for them. */
static void window_round(void)
{
	int fd = vgpu_node_open("renderD", 128);

	if (fd < 0) {
		errors++;
		return;
	}

	if (!vgpu_has_host_visible(fd) ||
	    TRY(vgpu_context_init_capset(fd, VIRTGPU_DRM_CAPSET_VENUS))) {
		close(fd);
		return;
	}

	for (int i = 0; i < 3; i++) {
		struct drm_virtgpu_resource_create_blob blob =
			vgpu_host_blob_args(SIDE * SIDE * 4);

		if (TRY(vgpu_blob_create(fd, &blob)))
			continue;
		/*
		 * Touch the blob twice: the second attempt follows a refusal or a timeout of the
		 * first.
		 */
		touch(fd, blob.bo_handle);
		touch(fd, blob.bo_handle);
		if (i)
			TRY(vgpu_gem_close(fd, blob.bo_handle));
	}

	close(fd);
}

/**
 * struct screen - the objects of the display part
 * @fd: the card
 * @connector: first connector
 * @crtc: first CRTC
 * @handle: dumb buffer
 * @pitch: pitch of that buffer
 * @fb: framebuffer
 * @mode: mode of the output
 */
struct screen {
	int fd;
	uint32_t connector;
	uint32_t crtc;
	uint32_t handle;
	uint32_t pitch;
	uint32_t fb;
	struct drm_mode_modeinfo mode;
};

static int screen_find(struct screen *screen)
{
	uint32_t connectors[16], crtcs[16];
	struct drm_mode_card_res res = {
		.connector_id_ptr = (uintptr_t)connectors,
		.count_connectors = ARRAY_SIZE(connectors),
		.crtc_id_ptr = (uintptr_t)crtcs,
		.count_crtcs = ARRAY_SIZE(crtcs),
	};
	static struct drm_mode_modeinfo modes[256];
	struct drm_mode_get_connector conn = { 0 };
	int ret = vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_GETRESOURCES, &res);

	if (ret || !res.count_connectors || !res.count_crtcs)
		return ret ?: -ENODEV;
	screen->connector = connectors[0];
	screen->crtc = crtcs[0];
	conn.connector_id = screen->connector;
	ret = vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn);
	if (ret)
		return ret;
	conn = (struct drm_mode_get_connector){
		.connector_id = screen->connector,
		.modes_ptr = (uintptr_t)modes,
		.count_modes = ARRAY_SIZE(modes),
	};
	ret = vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn);
	if (ret || !conn.count_modes || conn.count_modes > ARRAY_SIZE(modes))
		return ret ?: -ENODEV;
	screen->mode = modes[conn.count_modes - 1];
	return 0;
}

static int screen_fb(struct screen *screen)
{
	struct drm_mode_create_dumb dumb = {
		.width = screen->mode.hdisplay, .height = screen->mode.vdisplay, .bpp = 32,
	};
	struct drm_mode_fb_cmd2 fb = {
		.width = dumb.width,
		.height = dumb.height,
		.pixel_format = 'X' | 'R' << 8 | '2' << 16 | '4' << 24,
	};
	int ret = vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	if (ret)
		return ret;
	screen->handle = dumb.handle;
	screen->pitch = dumb.pitch;
	fb.handles[0] = dumb.handle;
	fb.pitches[0] = dumb.pitch;
	ret = vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_ADDFB2, &fb);
	screen->fb = fb.fb_id;
	return ret;
}

static int screen_show(struct screen *screen, bool on)
{
	struct drm_mode_crtc crtc = {
		.set_connectors_ptr = (uintptr_t)&screen->connector,
		.count_connectors = on,
		.crtc_id = screen->crtc,
		.fb_id = on ? screen->fb : 0,
		.mode_valid = on,
		.mode = screen->mode,
	};

	return vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

static int screen_flip(struct screen *screen)
{
	struct pollfd pfd = { .fd = screen->fd, .events = POLLIN };
	struct drm_event_vblank event;
	int ret = vgpu_page_flip(screen->fd, screen->crtc, screen->fb, DRM_MODE_PAGE_FLIP_EVENT, 0);

	if (ret)
		return ret;
	if (poll(&pfd, 1, (int)(CALL_BOUND_S * 1000)) != 1)
		vgpu_fail("a page flip never ends");
	/* Without a device the read gives an error or end of file. */
	return read(screen->fd, &event, sizeof(event)) == sizeof(event) ? 0 : -EIO;
}

static int screen_dirty(struct screen *screen)
{
	struct drm_clip_rect clips[2] = { { 0, 0, 8, 8 }, { 100, 100, 132, 164 } };
	struct drm_mode_fb_dirty_cmd dirty = {
		.fb_id = screen->fb,
		.num_clips = ARRAY_SIZE(clips),
		.clips_ptr = (uintptr_t)clips,
	};

	return vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_DIRTYFB, &dirty);
}

static int screen_set_cursor(struct screen *screen, uint32_t handle)
{
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE,
		.crtc_id = screen->crtc,
		.x = 10, .y = 20, .width = 64, .height = 64, .hot_x = 1, .hot_y = 2,
		.handle = handle,
	};

	return vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

static int screen_new_cursor(struct screen *screen, uint32_t *handle)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	int ret = vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	*handle = dumb.handle;
	return ret ? ret : screen_set_cursor(screen, dumb.handle);
}

/* Destroy a cursor picture that the host may not have read yet. */
static void screen_brief_cursor(struct screen *screen)
{
	struct drm_mode_destroy_dumb destroy = {};

	if (!TRY(screen_new_cursor(screen, &destroy.handle)))
		TRY(screen_set_cursor(screen, 0));
	TRY(vgpu_ioctl(screen->fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy));
}

static void screen_round(void)
{
	struct screen screen = { .fd = vgpu_node_open("card", 0) };
	uint32_t cursor;

	if (screen.fd < 0) {
		errors++;
		return;
	}

	if (!TRY(screen_find(&screen)) && !TRY(screen_fb(&screen))) {
		TRY(screen_show(&screen, true));
		for (int i = 0; i < 3; i++) {
			TRY(screen_flip(&screen));
			TRY(screen_dirty(&screen));
		}
		screen_brief_cursor(&screen);
		screen_brief_cursor(&screen);
		TRY(screen_new_cursor(&screen, &cursor));
		TRY(screen_show(&screen, false));
	}

	close(screen.fd);
}

static void report(void)
{
	vgpu_info("%u calls, %u of them failed; the slowest, %s, took %.3f s", calls, errors,
		  slowest_name, slowest);
}

static void meet_faults(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		render_round(i);
		window_round();
		screen_round();
	}
	report();
}

/*
 * Ask for work like a client that retries: after enough attempts, a device that completes nothing
 * has a full ring.
 */
static int ask_for_work(void)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	int fd = vgpu_node_open("renderD", 128), ret;
	uint32_t handle;

	if (fd < 0)
		return -ENODEV;
	ret = create(fd, SIDE, &handle);
	for (int i = 0; i < 16 && !ret; i++)
		ret = vgpu_transfer_to_host(fd, handle, &box, 0, 0);
	ret = ret ?: vgpu_wait(fd, handle, 0);
	close(fd);
	return ret;
}

/* Wait until the device works again; recovery has no bound of its own but CALL_BOUND_S. */
static void recover(void)
{
	double start = vgpu_now();
	int ret;

	while ((ret = ask_for_work()) && vgpu_now() - start < CALL_BOUND_S)
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	if (ret)
		vgpu_fail("the device does not serve any more: %d", ret);
}

static void every_call_returns(void)
{
	meet_faults();
	recover();
}

/* Other programs leave this check to the harness; here it is the test. */
static void serves_again(void)
{
	recover();
	errors = 0;
	for (unsigned int i = 0; i < ROUNDS; i++)
		screen_round();
	report();
	if (errors)
		vgpu_fail("the display does not serve any more");
}

/* The device is gone for good, so run without the harness, which would check that it works. */
static int run_bare(void)
{
	meet_faults();
	return 0;
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "every-call-returns", .run = every_call_returns, .timeout_s = 3000 },
	{ .name = "serves-again", .run = serves_again, .timeout_s = 600 },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_fault_client",
		.about = "Uses all features of a failing device. --bare: no harness. "
			 "--held, as first option: the host holds commands.",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	if (argc > 1 && !strcmp(argv[1], "--bare"))
		return run_bare();
	if (argc > 1 && !strcmp(argv[1], "--held")) {
		held = true;
		argv++;
		argc--;
	}
	return vgpu_test_main(argc, argv, &program);
}
