// SPDX-License-Identifier: MIT
/*
 * The commands and waits of a display update. Each subtest repeats one kind of update; the script
 * kms-cost evaluates the trace of the device. Dumb buffers of sizes that no other program uses mark
 * the beginning and the end of the relevant part: MARK_BEGIN and MARK_END pages.
 *
 * The clock of the laboratory is virtual and advances only while processes wait, so the elapsed
 * time is exactly the time that the driver has waited: "waited N us". The core's trace point of
 * vertical blanks counts the expiries of the timer that makes them: "ticked N". Each is an exit of
 * the virtual machine.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_kernel.h"
#include "vgpu_test.h"

#define WIDTH 1920u
#define HEIGHT 1080u
#define PATCH 64u
#define CURSOR_SIDE 64u
#define REPEAT 16
#define MARK_BEGIN 31u
#define MARK_END 29u
#define PAGE_PIXELS 1024u

/**
 * struct screen - a lit output with two buffers to flip between
 * @fd: the card
 * @head: the output
 * @fbs: the buffers; the first one is shown to begin with
 * @began: time of the beginning of the relevant part, in seconds
 */
struct screen {
	int fd;
	struct vgpu_head head;
	struct vgpu_fb fbs[2];
	double began;
};

static struct screen screen_new(void)
{
	struct screen s = { .fd = vgpu_open_display() };

	s.head = vgpu_first_head(s.fd);
	vgpu_require(vgpu_head_pick_mode(s.fd, &s.head, WIDTH, HEIGHT),
		     "the output has no mode of 1080 rows");
	for (size_t i = 0; i < ARRAY_SIZE(s.fbs); i++)
		vgpu_fb_init(s.fd, &s.fbs[i], WIDTH, HEIGHT, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(s.fd, &s.head, &s.fbs[0], 0, 0));
	return s;
}

static void screen_end(struct screen *s)
{
	vgpu_ok(vgpu_show(s->fd, &s->head, NULL, 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(s->fbs); i++)
		vgpu_fb_fini(s->fd, &s->fbs[i]);
	close(s->fd);
}

#define VBLANK "drm/drm_vblank_event"

static void mark(const struct screen *s, uint32_t pages)
{
	uint32_t handle, pitch;
	uint64_t size;

	vgpu_sys(drmModeCreateDumbBuffer(s->fd, PAGE_PIXELS, pages, 32, 0, &handle,
					 &pitch, &size));
	vgpu_sys(drmModeDestroyDumbBuffer(s->fd, handle));
}

#define SETTLE_US 3000000

/* Mark the beginning, after the work that the driver does by itself after a mode set. */
static void begin(struct screen *s)
{
	usleep(SETTLE_US);
	vgpu_require(vgpu_kernel_trace(VBLANK), "no tracefs");
	mark(s, MARK_BEGIN);
	s->began = vgpu_now();
}

/* Mark the end, after the end of the frame, when the driver may send the last change. */
static void end(struct screen *s)
{
	char *trace;

	vgpu_info("waited %.0f us", (vgpu_now() - s->began) * 1e6);
	usleep(SETTLE_US);
	mark(s, MARK_END);
	trace = vgpu_kernel_traced(VBLANK);
	vgpu_info("ticked %u", vgpu_kernel_filter(trace, " drm_vblank_event: ", NULL));
	free(trace);
}

/* --- the primary plane --- */

static struct drm_mode_rect patch(int i)
{
	const int32_t x = 100 * i, y = 50 * i;

	return (struct drm_mode_rect){ x, y, x + (int32_t)PATCH, y + (int32_t)PATCH };
}

static void commit_patches(const struct screen *s, const struct vgpu_fb *fb,
			   const struct drm_mode_rect *rects, uint32_t count)
{
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	uint32_t blob;

	vgpu_sys(drmModeCreatePropertyBlob(s->fd, rects, count * sizeof(*rects),
					   &blob));
	vgpu_atomic_plane(s->fd, req, s->head.primary, &s->head, fb, 0, 0, WIDTH,
			  HEIGHT);
	vgpu_atomic_set(s->fd, req, s->head.primary, DRM_MODE_OBJECT_PLANE,
			"FB_DAMAGE_CLIPS", blob);
	vgpu_ok(vgpu_atomic_commit(s->fd, req, 0, NULL));
	drmModeAtomicFree(req);
	vgpu_sys(drmModeDestroyPropertyBlob(s->fd, blob));
}

/* The client passes the damage of each frame, as compositors do. */
static void flip_patch(void)
{
	struct screen s = screen_new();
	struct drm_mode_rect rect = patch(0);

	for (int i = 0; i < 4; i++)
		commit_patches(&s, &s.fbs[i & 1], &rect, 1);
	begin(&s);
	for (int i = 0; i < REPEAT; i++) {
		rect = patch(i);
		commit_patches(&s, &s.fbs[i & 1], &rect, 1);
	}
	end(&s);
	screen_end(&s);
}

/* Without damage the whole frame may have changed. */
static void flip_unknown(void)
{
	struct screen s = screen_new();

	vgpu_flip(s.fd, &s.head, &s.fbs[1]);
	begin(&s);
	for (int i = 0; i < REPEAT; i++)
		vgpu_flip(s.fd, &s.head, &s.fbs[i & 1]);
	end(&s);
	screen_end(&s);
}

/* A clock on an idle desktop: between the flips nobody needs the timer of vertical blanks. */
static void flip_rarely(void)
{
	struct screen s = screen_new();

	begin(&s);
	for (int i = 1; i <= 10; i++) {
		vgpu_flip(s.fd, &s.head, &s.fbs[i & 1]);
		sleep(1);
	}
	end(&s);
	screen_end(&s);
}

#define KICK_US 10000

/* The host answers a late request when it was notified a number of times. */
static void notify_regularly(void *arg)
{
	static const uint32_t nop[2] = { 1 << 16 };
	struct drm_virtgpu_execbuffer exec = {
		.command = (uintptr_t)nop,
		.size = sizeof(nop),
		.fence_fd = -1,
	};
	int fd = vgpu_open_render();

	(void)arg;
	for (;;) {
		vgpu_ok(vgpu_execbuffer(fd, &exec));
		usleep(KICK_US);
	}
}

/*
 * A compositor draws the next frame when it has the event of the last one. If that came before the
 * host has shown the frame, the host would draw for the compositor without a pause.
 */
static void flip_late(void)
{
	int probe = vgpu_open_render(), notifier;
	struct screen s;

	vgpu_require(vgpu_has_3d(probe), "no 3D");
	close(probe);
	notifier = vgpu_fork(notify_regularly, NULL);
	s = screen_new();
	begin(&s);
	for (int i = 1; i <= REPEAT; i++)
		vgpu_flip(s.fd, &s.head, &s.fbs[i & 1]);
	end(&s);
	screen_end(&s);
	kill(notifier, SIGKILL);
	vgpu_join_signalled(notifier, SIGKILL);
}

/* Async flips do not wait for the end of the frame. */
static void flip_async(void)
{
	struct screen s = screen_new();

	begin(&s);
	for (int i = 1; i <= REPEAT; i++) {
		vgpu_sys(drmModePageFlip(s.fd, s.head.crtc, s.fbs[i & 1].id,
					 DRM_MODE_PAGE_FLIP_ASYNC |
					 DRM_MODE_PAGE_FLIP_EVENT, NULL));
		vgpu_wait_flip(s.fd);
	}
	end(&s);
	screen_end(&s);
}

static void dirty(const struct screen *s, drm_clip_rect_t *clips, uint32_t count)
{
	vgpu_sys(drmModeDirtyFB(s->fd, s->fbs[0].id, clips, count));
}

static void dirty_patches(useconds_t pause)
{
	struct screen s = screen_new();

	begin(&s);
	for (uint16_t i = 0; i < REPEAT; i++) {
		drm_clip_rect_t clip = {
			.x1 = i * 100, .y1 = i * 50,
			.x2 = i * 100 + PATCH, .y2 = i * 50 + PATCH,
		};

		dirty(&s, &clip, 1);
		usleep(pause);
	}
	end(&s);
	screen_end(&s);
}

static void dirty_patch(void)
{
	dirty_patches(0);
}

static void dirty_slowly(void)
{
	dirty_patches(40000);
}

static void dirty_rarely(void)
{
	dirty_patches(1000000);
}

/* The clips are far apart: one rectangle around all of them is the whole screen. */
static void dirty_scattered(void)
{
	struct screen s = screen_new();
	drm_clip_rect_t clips[16];

	for (uint16_t i = 0; i < ARRAY_SIZE(clips); i++) {
		clips[i].x1 = (i & 3) * 600;
		clips[i].y1 = (i >> 2) * 340;
		clips[i].x2 = clips[i].x1 + 16;
		clips[i].y2 = clips[i].y1 + 16;
	}
	begin(&s);
	for (int i = 0; i < REPEAT; i++)
		dirty(&s, clips, ARRAY_SIZE(clips));
	end(&s);
	screen_end(&s);
}

static void dirty_whole(void)
{
	struct screen s = screen_new();

	begin(&s);
	for (int i = 0; i < REPEAT; i++)
		dirty(&s, NULL, 0);
	end(&s);
	screen_end(&s);
}

/*
 * After a blank screen is lit, the driver sends it three more times (a quirk, see vgpu_screen.c).
 */
static void switch_on(void)
{
	struct screen s = screen_new();

	vgpu_ok(vgpu_show(s.fd, &s.head, NULL, 0, 0));
	begin(&s);
	vgpu_ok(vgpu_show(s.fd, &s.head, &s.fbs[0], 0, 0));
	end(&s);
	screen_end(&s);
}

/* --- the cursor --- */

static void set_cursor(const struct screen *s, const struct vgpu_fb *image, int hot)
{
	vgpu_sys(drmModeSetCursor2(s->fd, s->head.crtc, image->handle, CURSOR_SIDE,
				   CURSOR_SIDE, hot, hot));
}

static struct screen cursor_new(struct vgpu_fb *image)
{
	struct screen s = screen_new();

	vgpu_fb_init(s.fd, image, CURSOR_SIDE, CURSOR_SIDE, DRM_FORMAT_ARGB8888);
	set_cursor(&s, image, 0);
	vgpu_sys(drmModeMoveCursor(s.fd, s.head.crtc, 7, 7));
	return s;
}

static void cursor_end(struct screen *s, struct vgpu_fb *image)
{
	end(s);
	vgpu_fb_fini(s->fd, image);
	screen_end(s);
}

static void cursor_move(void)
{
	struct vgpu_fb image;
	struct screen s = cursor_new(&image);

	begin(&s);
	for (int i = 0; i < REPEAT; i++)
		vgpu_sys(drmModeMoveCursor(s.fd, s.head.crtc, 20 + 10 * i, 10 + 5 * i));
	cursor_end(&s, &image);
}

static void cursor_commit(const struct screen *s, const struct vgpu_fb *image,
			  const char *name, uint64_t value)
{
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();

	vgpu_atomic_plane(s->fd, req, s->head.cursor, &s->head, image, 0, 0,
			  CURSOR_SIDE, CURSOR_SIDE);
	vgpu_atomic_set(s->fd, req, s->head.cursor, DRM_MODE_OBJECT_PLANE, name,
			value);
	vgpu_ok(vgpu_atomic_commit(s->fd, req, 0, NULL));
	drmModeAtomicFree(req);
}

/* Only the hotspot changes, neither picture nor position. */
static void cursor_hotspot(void)
{
	struct vgpu_fb image;
	struct screen s = cursor_new(&image);

	cursor_commit(&s, &image, "HOTSPOT_X", 0);
	begin(&s);
	for (uint64_t i = 1; i <= REPEAT; i++)
		cursor_commit(&s, &image, "HOTSPOT_X", i);
	cursor_end(&s, &image);
}

/* The client redraws the same picture. */
static void cursor_damage(void)
{
	static const struct drm_mode_rect rect = { 0, 0, CURSOR_SIDE, CURSOR_SIDE };
	struct vgpu_fb image;
	struct screen s = cursor_new(&image);
	uint32_t blob;

	vgpu_require(vgpu_prop(s.fd, s.head.cursor, DRM_MODE_OBJECT_PLANE,
			       "FB_DAMAGE_CLIPS"), "no damage on cursors");
	vgpu_sys(drmModeCreatePropertyBlob(s.fd, &rect, sizeof(rect), &blob));
	cursor_commit(&s, &image, "FB_DAMAGE_CLIPS", blob);
	begin(&s);
	for (int i = 0; i < REPEAT; i++) {
		memset(image.pixels, 0x10 * i, image.size);
		cursor_commit(&s, &image, "FB_DAMAGE_CLIPS", blob);
	}
	cursor_end(&s, &image);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "flip-patch", .run = flip_patch },
	{ .name = "flip-unknown", .run = flip_unknown },
	{ .name = "flip-rarely", .run = flip_rarely },
	{ .name = "flip-late", .run = flip_late },
	{ .name = "flip-async", .run = flip_async },
	{ .name = "dirty-patch", .run = dirty_patch },
	{ .name = "dirty-slowly", .run = dirty_slowly },
	{ .name = "dirty-rarely", .run = dirty_rarely },
	{ .name = "dirty-scattered", .run = dirty_scattered },
	{ .name = "dirty-whole", .run = dirty_whole },
	{ .name = "switch-on", .run = switch_on },
	{ .name = "cursor-move", .run = cursor_move },
	{ .name = "cursor-hotspot", .run = cursor_hotspot },
	{ .name = "cursor-damage", .run = cursor_damage },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms_cost",
		.about = "commands and waits of display updates",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
