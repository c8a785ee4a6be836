// SPDX-License-Identifier: MIT
/*
 * Clients of every kind use a device that stops, dies or is slow. All are killed in the end: each
 * must be gone at once, and none may sleep uninterruptibly for long. With --flood, eight of them
 * submit as fast as they can to a slow device, while the page flips of another client must complete
 * in time.
 *
 * Times are those of the guest; the clock of the laboratory is virtual, so they do not depend on
 * the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_test.h"

#define SIDE 64u
#define STREAM_BYTES 65536u
/* The capset of toy3d. */
#define CAPSET_ID 30
/* How long the clients work; the device stops early in this time. */
#define WORK_S 3.0
#define SAMPLE_S 0.02
/*
 * Bounds for the time to die, and for uninterruptible sleep, in seconds. One display update waits
 * for its fences at most 5 s, and a client with an update under way waits for it.
 */
#define DISPLAY_BOUND_S 6.0
#define DEATH_BOUND_S 1.0
#define SLEEP_BOUND_S 1.0
#define FLIP_BOUND_S 1.0
#define FLOODER_DEATH_BOUND_S 0.1
/* Give up on a client that does not die. */
#define GIVE_UP_S 200.0
#define FLOODERS 8
#define FLIPS 20

/**
 * struct client - one process that will be killed
 * @name: name of its operation
 * @run: repeats the operation for ever
 * @display: the client updates the display
 * @killable: the client waits where only SIGKILL ends the wait. That looks the same as an
 *            uninterruptible sleep, so only its time to die is checked
 * @pid: the process
 * @asleep_since: when it was first seen in its present uninterruptible sleep, or 0
 * @asleep_s: the longest such sleep
 * @gone_s: how long it took to be gone once killed
 */
struct client {
	const char *name;
	void (*run)(void);
	bool display;
	bool killable;
	pid_t pid;
	double asleep_since;
	double asleep_s;
	double gone_s;
};

static void pause_s(double s)
{
	nanosleep(&(struct timespec){ .tv_sec = (time_t)s,
				      .tv_nsec = (long)((s - (double)(time_t)s) * 1e9) }, NULL);
}

/* Pause: the virtual clock stands still while a process computes. */
static void breathe(int failed)
{
	pause_s(failed ? 0.01 : 0.001);
}

static int submit(int fd, const uint32_t *handle, uint32_t size_bytes)
{
	/* A single NOP of toy3d, as long as the stream. */
	static uint32_t stream[STREAM_BYTES / 4];
	struct drm_virtgpu_execbuffer exec = {
		.command = (uintptr_t)stream,
		.size = size_bytes,
		.bo_handles = (uintptr_t)handle,
		.num_bo_handles = !!handle,
	};

	stream[0] = (size_bytes / 4 - 1) << 16;
	return vgpu_execbuffer(fd, &exec);
}

static int create(int fd, uint32_t *handle)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
	int ret = vgpu_resource_create(fd, &rc);

	*handle = ret ? 0 : rc.bo_handle;
	return ret;
}

static void run_create(void)
{
	int fd = vgpu_open_render(), ret;
	uint32_t handle;

	for (;;) {
		ret = create(fd, &handle) ?: vgpu_gem_close(fd, handle);
		breathe(ret);
	}
}

static void run_submit(void)
{
	int fd = vgpu_open_render();

	for (;;)
		breathe(submit(fd, NULL, STREAM_BYTES));
}

static void run_wait(void)
{
	int fd = vgpu_open_render(), ret;
	uint32_t handle;

	create(fd, &handle);
	for (;;) {
		ret = submit(fd, &handle, 8) ?: vgpu_wait(fd, handle, 0);
		breathe(ret);
	}
}

static void run_transfer(void)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	int fd = vgpu_open_render();
	uint32_t handle;

	create(fd, &handle);
	for (;;)
		breathe(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
}

static void run_dumb(void)
{
	int fd = vgpu_open_card(), ret;

	for (;;) {
		struct drm_mode_create_dumb dumb = { .width = 512, .height = 512, .bpp = 32 };
		struct drm_mode_destroy_dumb destroy;

		ret = vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
		destroy.handle = dumb.handle;
		if (!ret)
			ret = vgpu_ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
		breathe(ret);
	}
}

/* The device has already stopped when the capset is requested for the first time. */
static void run_caps(void)
{
	int fd = vgpu_open_render();
	uint8_t caps[64];

	pause_s(WORK_S / 2);
	for (;;)
		breathe(vgpu_get_caps(fd, CAPSET_ID, 1, caps, sizeof(caps)));
}

static int flip(int fd, const struct vgpu_head *head, const struct vgpu_fb *fb)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct drm_event_vblank event;
	int ret = vgpu_page_flip(fd, head->crtc, fb->id, DRM_MODE_PAGE_FLIP_EVENT, 0);

	if (ret)
		return ret;
	if (poll(&pfd, 1, -1) != 1)
		return -errno;
	return read(fd, &event, sizeof(event)) == sizeof(event) ? 0 : -EIO;
}

static void run_flip(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	struct vgpu_fb fb[2];

	for (size_t i = 0; i < ARRAY_SIZE(fb); i++)
		vgpu_fb_init(fd, &fb[i], head.mode.hdisplay, head.mode.vdisplay,
			     DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(fd, &head, &fb[0], 0, 0));
	for (unsigned int i = 1;; i++)
		breathe(flip(fd, &head, &fb[i % 2]));
}

static void start(struct client *client)
{
	client->pid = vgpu_sys(fork());
	if (client->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	client->run();
	_exit(1);
}

static char state_of(pid_t pid)
{
	char path[32], line[256] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return '?';
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = 0;
	close(fd);
	end = strrchr(line, ')');
	return end ? end[2] : '?';
}

static void sample(struct client *client)
{
	double now = vgpu_now();

	if (state_of(client->pid) != 'D') {
		client->asleep_since = 0;
		return;
	}
	if (!client->asleep_since)
		client->asleep_since = now;
	if (now - client->asleep_since > client->asleep_s)
		client->asleep_s = now - client->asleep_since;
}

static void watch(struct client *clients, size_t n, double s)
{
	double end = vgpu_now() + s;

	while (vgpu_now() < end) {
		for (size_t i = 0; i < n; i++)
			sample(&clients[i]);
		pause_s(SAMPLE_S);
	}
}

/* Wait until a killed client is gone; returns the time that it took. */
static double end_of(struct client *client, double killed)
{
	int status;

	while (!waitpid(client->pid, &status, WNOHANG)) {
		if (vgpu_now() - killed > GIVE_UP_S)
			vgpu_fail("%s is still there, in state %c", client->name,
				  state_of(client->pid));
		sample(client);
		pause_s(SAMPLE_S / 4);
	}
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		vgpu_fail("%s ended by itself: %#x", client->name, status);
	return vgpu_now() - killed;
}

static void kill_all(struct client *clients, size_t n, double bound_s)
{
	double killed = vgpu_now(), took;
	unsigned int bad = 0;

	for (size_t i = 0; i < n; i++)
		kill(clients[i].pid, SIGKILL);

	/* Wait for display clients last, since they may take longer. */
	for (size_t i = 0; i < n; i++)
		if (!clients[i].display)
			clients[i].gone_s = end_of(&clients[i], killed);

	for (size_t i = 0; i < n; i++) {
		took = clients[i].display ? end_of(&clients[i], killed) : clients[i].gone_s;
		vgpu_info("%-10s gone after %.3f s, longest uninterruptible sleep %.3f s",
			  clients[i].name, took, clients[i].asleep_s);
		if (clients[i].display)
			bad += took > DISPLAY_BOUND_S || clients[i].asleep_s > DISPLAY_BOUND_S;
		else
			bad += took > bound_s ||
			       (!clients[i].killable && clients[i].asleep_s > SLEEP_BOUND_S);
	}

	if (bad)
		vgpu_fail("%u of %zu clients exceeded a bound", bad, n);
}

static void kill_clients(void)
{
	struct client clients[] = {
		{ .name = "flip", .run = run_flip, .display = true },
		{ .name = "create", .run = run_create },
		{ .name = "transfer", .run = run_transfer },
		{ .name = "dumb", .run = run_dumb, .killable = true },
		{ .name = "wait", .run = run_wait },
		{ .name = "execbuffer", .run = run_submit },
		{ .name = "caps", .run = run_caps },
	};

	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		start(&clients[i]);
		/* The set-up of the display is not under test, so let it finish. */
		if (!i)
			pause_s(0.5);
	}

	watch(clients, ARRAY_SIZE(clients), WORK_S);
	kill_all(clients, ARRAY_SIZE(clients), DEATH_BOUND_S);
}

static void flood(void)
{
	struct client clients[FLOODERS];
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	double began, took, slowest = 0;
	struct vgpu_fb fb[2];

	for (size_t i = 0; i < ARRAY_SIZE(fb); i++)
		vgpu_fb_init(fd, &fb[i], head.mode.hdisplay, head.mode.vdisplay,
			     DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(fd, &head, &fb[0], 0, 0));

	for (size_t i = 0; i < FLOODERS; i++) {
		clients[i] = (struct client){ .name = "flooder", .run = run_submit };
		start(&clients[i]);
	}

	watch(clients, FLOODERS, 1);
	for (unsigned int i = 1; i <= FLIPS; i++) {
		began = vgpu_now();
		vgpu_ok(flip(fd, &head, &fb[i % 2]));
		took = vgpu_now() - began;
		if (took > slowest)
			slowest = took;
	}

	vgpu_info("%u flips among %u flooders, the slowest took %.3f s", FLIPS, FLOODERS, slowest);
	if (slowest > FLIP_BOUND_S)
		vgpu_fail("a flip exceeded its bound");
	kill_all(clients, FLOODERS, FLOODER_DEATH_BOUND_S);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--flood"))
		flood();
	else
		kill_clients();
	return 0;
}
