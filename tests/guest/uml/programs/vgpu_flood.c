// SPDX-License-Identifier: MIT
/*
 * The host has stopped answering (see flood.fault). For each ioctl, a process calls it again and
 * again until the driver throttles it, or until it has called often enough. The kernel memory that
 * these calls use must be bounded for every ioctl: one client never pays for another.
 *
 * Every DRM_IOCTL_* of drm.h and virtgpu_drm.h has a case; otherwise the script "flood" fails. Most
 * are called with zeros; those that may make the driver send a command get arguments that do.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/virtgpu_drm.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define LOOPS 4000u
#define SHARED 64u
#define SIDE 64u
/* The capset of toy3d. */
#define CAPSET_ID 30
/* By then the host counts as silent, and updates of the display do not wait for it any more. */
#define SILENT_S 5
/* Time for the process until it is throttled, or has called often enough. */
#define CASE_US 200000
#define CASE_TRIES 5
/* The budget of 1024 commands, plus the commands of one call. */
#define MAX_COMMANDS 1032
/*
 * Memory of the budget: each command with its objects takes 6 KiB at most, with the data of KASAN.
 */
#define MAX_SLAB_KIB 6144

/* The objects that the cases use; created before the host stops. */
static struct {
	struct vgpu_client client;
	struct vgpu_head head;
	struct vgpu_fb fb;
	struct vgpu_fb flip[2];
	struct vgpu_fb cursor[2];
	uint32_t texture;
	uint32_t name;
	int dmabuf[SHARED];
} scene;

static int call(unsigned long request, void *arg)
{
	return vgpu_ioctl(scene.client.fd, request, arg);
}

static void gem_close(uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	call(DRM_IOCTL_GEM_CLOSE, &args);
}

/* Use a context of its own: the host is told of imports only if the client has a context. */
static void import_and_close(unsigned int i)
{
	struct drm_prime_handle args = { .fd = scene.dmabuf[i % SHARED] };
	static int fd = -1;

	if (fd < 0) {
		fd = vgpu_open_render();
		vgpu_context_init_capset(fd, CAPSET_ID);
	}
	if (!vgpu_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args)) {
		struct drm_gem_close close_args = { .handle = args.handle };

		vgpu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close_args);
	}
}

static void open_and_close(unsigned int i)
{
	struct drm_gem_open args = { .name = scene.name };

	(void)i;
	if (!call(DRM_IOCTL_GEM_OPEN, &args))
		gem_close(args.handle);
}

static void flink(unsigned int i)
{
	struct drm_gem_flink args = { .handle = scene.texture };

	(void)i;
	call(DRM_IOCTL_GEM_FLINK, &args);
}

static void export(unsigned int i)
{
	struct drm_prime_handle args = { .handle = scene.texture, .flags = DRM_CLOEXEC };

	(void)i;
	if (!call(DRM_IOCTL_PRIME_HANDLE_TO_FD, &args))
		close(args.fd);
}

static void move_cursor(unsigned int i)
{
	struct drm_mode_cursor args = {
		.flags = DRM_MODE_CURSOR_MOVE, .crtc_id = scene.head.crtc, .x = (int)(i % 100),
	};

	call(DRM_IOCTL_MODE_CURSOR, &args);
}

static void set_cursor(unsigned int i)
{
	struct drm_mode_cursor2 args = {
		.flags = DRM_MODE_CURSOR_BO, .crtc_id = scene.head.crtc, .width = SIDE,
		.height = SIDE, .handle = i % 2 ? scene.cursor[i / 2 % 2].handle : 0,
	};

	call(DRM_IOCTL_MODE_CURSOR2, &args);
}

static void add_fb(unsigned int i)
{
	struct drm_mode_fb_cmd2 args = {
		.width = scene.fb.width, .height = scene.fb.height,
		.pixel_format = DRM_FORMAT_XRGB8888, .handles[0] = scene.fb.handle,
		.pitches[0] = scene.fb.pitch,
	};

	(void)i;
	if (!call(DRM_IOCTL_MODE_ADDFB2, &args))
		call(DRM_IOCTL_MODE_RMFB, &args.fb_id);
}

static void get_fb(unsigned int i)
{
	struct drm_mode_fb_cmd args = { .fb_id = scene.fb.id };

	(void)i;
	if (!call(DRM_IOCTL_MODE_GETFB, &args))
		gem_close(args.handle);
}

static void get_fb2(unsigned int i)
{
	struct drm_mode_fb_cmd2 args = { .fb_id = scene.fb.id };

	(void)i;
	if (!call(DRM_IOCTL_MODE_GETFB2, &args))
		gem_close(args.handles[0]);
}

static void dirty_fb(unsigned int i)
{
	struct drm_mode_fb_dirty_cmd args = { .fb_id = scene.fb.id };

	(void)i;
	call(DRM_IOCTL_MODE_DIRTYFB, &args);
}

/* Not paced by the vblank timer. */
static void page_flip(unsigned int i)
{
	struct drm_mode_crtc_page_flip args = {
		.crtc_id = scene.head.crtc,
		.fb_id = scene.flip[i % 2].id,
		.flags = DRM_MODE_PAGE_FLIP_ASYNC,
	};

	call(DRM_IOCTL_MODE_PAGE_FLIP, &args);
}

static void create_lease(unsigned int i)
{
	struct drm_mode_create_lease args = { .flags = O_CLOEXEC };

	(void)i;
	if (!call(DRM_IOCTL_MODE_CREATE_LEASE, &args))
		close((int)args.fd);
}

static void create_syncobj(unsigned int i)
{
	struct drm_syncobj_create args = { 0 };

	(void)i;
	if (!call(DRM_IOCTL_SYNCOBJ_CREATE, &args))
		drmSyncobjDestroy(scene.client.fd, args.handle);
}

static void create_property_blob(unsigned int i)
{
	uint32_t id;

	if (!drmModeCreatePropertyBlob(scene.client.fd, &i, sizeof(i), &id))
		drmModeDestroyPropertyBlob(scene.client.fd, id);
}

static void set_crtc(unsigned int i)
{
	vgpu_show(scene.client.fd, &scene.head, &scene.fb, i % 2, 0);
}

static void create_dumb(unsigned int i)
{
	struct drm_mode_create_dumb args = { .width = SIDE, .height = SIDE, .bpp = 32 };

	(void)i;
	if (!call(DRM_IOCTL_MODE_CREATE_DUMB, &args))
		gem_close(args.handle);
}

static void create_resource(unsigned int i)
{
	struct drm_virtgpu_resource_create args = vgpu_picture_args(16, 16);

	(void)i;
	if (!call(DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &args))
		gem_close(args.bo_handle);
}

static void create_blob(unsigned int i)
{
	struct drm_virtgpu_resource_create_blob args = vgpu_guest_blob_args(VGPU_PAGE);

	(void)i;
	if (!call(DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &args))
		gem_close(args.bo_handle);
}

static void submit(unsigned int i)
{
	struct drm_virtgpu_execbuffer args = { .fence_fd = -1 };

	(void)i;
	vgpu_submit(&scene.client, &args);
}

static void upload(unsigned int i)
{
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 16, .d = 1 };

	(void)i;
	vgpu_transfer_to_host(scene.client.fd, scene.texture, &box, 0, 0);
}

static void download(unsigned int i)
{
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 16, .d = 1 };

	(void)i;
	vgpu_transfer_from_host(scene.client.fd, scene.texture, &box, 0, 0);
}

static void map(unsigned int i)
{
	uint64_t offset;

	(void)i;
	vgpu_map_offset(scene.client.fd, scene.texture, &offset);
}

static void poll_texture(unsigned int i)
{
	(void)i;
	vgpu_wait(scene.client.fd, scene.texture, VIRTGPU_WAIT_NOWAIT);
}

static void info(unsigned int i)
{
	struct drm_virtgpu_resource_info args;

	(void)i;
	vgpu_resource_info(scene.client.fd, scene.texture, &args);
}

static void init_and_close(unsigned int i)
{
	int fd = vgpu_open_render();

	(void)i;
	vgpu_context_init_capset(fd, CAPSET_ID);
	close(fd);
}

/**
 * struct flood - an ioctl that is called again and again
 * @name: name of the ioctl
 * @request: its number
 * @run: makes the @i-th call; NULL calls it with zeros
 */
struct flood {
	const char *name;
	unsigned long request;
	void (*run)(unsigned int i);
};

#define ZEROS(ioctl) { .name = #ioctl, .request = ioctl }
#define RUNS(ioctl, function) { .name = #ioctl, .request = ioctl, .run = function }

static const struct flood floods[] = {
#include "vgpu_flood.h"
};

static void flood(void *arg)
{
	const struct flood *f = arg;
	unsigned char zeros[512];

	for (unsigned int i = 0; i < LOOPS; i++) {
		if (f->run) {
			f->run(i);
		} else {
			memset(zeros, 0, sizeof(zeros));
			call(f->request, zeros);
		}
	}
	for (;;)
		pause();
}

/* Get the number after the first @column words of the line that begins with @key. */
static long long number_in(const char *path, const char *key, int column)
{
	char line[512], *word, *save;
	FILE *file = fopen(path, "re");
	long long found = -1;

	if (!file)
		return -1;
	while (found < 0 && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		word = strtok_r(line, " ", &save);
		for (int i = 0; word && i < column; i++)
			word = strtok_r(NULL, " ", &save);
		found = word ? atoll(word) : -1;
	}
	fclose(file);
	return found;
}

/*
 * Count the commands of both queues that the host has not answered; 0 if the driver does not report
 * them.
 */
static long long commands(void)
{
	static const char *const path = "/sys/kernel/debug/dri/0/virtio-gpu-queues";
	long long count = 0;

	if (access(path, R_OK))
		return 0;
	for (int column = 6; column <= 7; column++)
		count += number_in(path, "control", column) + number_in(path, "cursor", column);
	return count;
}

/*
 * Get the size of all slabs in KiB, without freed objects: KASAN keeps those in quarantine, up to
 * 1/32 of memory, until the caches are shrunk.
 */
static long long slab_kib(void)
{
	glob_t shrink;
	FILE *file;

	vgpu_ok(glob("/sys/kernel/slab/*/shrink", 0, NULL, &shrink));
	for (size_t i = 0; i < shrink.gl_pathc; i++) {
		file = fopen(shrink.gl_pathv[i], "we");
		vgpu_assert(file);
		fputs("1", file);
		fclose(file);
	}
	globfree(&shrink);
	return number_in("/proc/meminfo", "Slab:", 1);
}

static void check(const struct flood *f)
{
	long long slab = slab_kib(), queued = commands(), more, kib = 0;
	int pid = vgpu_fork(flood, (void *)(uintptr_t)f);

	/* RCU frees closed files some time later. */
	for (unsigned int i = 0; i < CASE_TRIES; i++) {
		usleep(CASE_US);
		kib = slab_kib() - slab;
		if (kib <= MAX_SLAB_KIB)
			break;
	}
	more = commands() - queued;
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_info("%s: %lld commands, %lld KiB", f->name, more, kib);
	vgpu_assert_msg(more <= MAX_COMMANDS, "%s leaves %lld commands", f->name, more);
	vgpu_assert_msg(kib <= MAX_SLAB_KIB, "%s leaves %lld KiB", f->name, kib);
}

static void make_scene(void)
{
	int fd = vgpu_open_display(), other = vgpu_open_render();
	struct drm_gem_flink args = { 0 };
	uint32_t handle;

	scene.client = vgpu_client_of(fd);
	scene.head = vgpu_first_head(fd);
	vgpu_fb_init(fd, &scene.fb, scene.head.mode.hdisplay + 1, scene.head.mode.vdisplay,
		     DRM_FORMAT_XRGB8888);
	for (int i = 0; i < 2; i++) {
		vgpu_fb_init(fd, &scene.cursor[i], SIDE, SIDE, DRM_FORMAT_ARGB8888);
		vgpu_fb_init(fd, &scene.flip[i], scene.head.mode.hdisplay,
			     scene.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	}
	vgpu_ok(vgpu_show(fd, &scene.head, &scene.fb, 0, 0));

	/* The driver sends moves of a visible cursor only. */
	set_cursor(1);
	usleep(CASE_US);
	scene.texture = vgpu_new_picture(fd, 16, 16);
	args.handle = scene.texture;
	vgpu_ok(call(DRM_IOCTL_GEM_FLINK, &args));
	scene.name = args.name;

	for (unsigned int i = 0; i < SHARED; i++) {
		handle = vgpu_new_picture(other, 16, 16);
		vgpu_ok(vgpu_prime_export(other, handle, &scene.dmabuf[i]));
	}

	/* Creating the first context makes the host stop (see flood.fault). */
	vgpu_ok(vgpu_wait(fd, scene.texture, 0));
	submit(0);
	sleep(SILENT_S);
}

int main(void)
{
	make_scene();
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++)
		check(&floods[i]);
	vgpu_info("%zu ioctls", ARRAY_SIZE(floods));
	return 0;
}
