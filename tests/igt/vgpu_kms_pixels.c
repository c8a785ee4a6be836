// SPDX-License-Identifier: MIT
/*
 * The host shows what was drawn. Each step writes the expected picture to a file and runs a command
 * of the test bed, which compares that file with the picture of the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_pattern.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* Options of the program; by environment variables too, since igt_runner passes no options. */
static const char *shot_command;
static const char *expected_dir;
static const char *connector_name;
static uint32_t mode_width, mode_height;

/**
 * struct canvas - a framebuffer, and the picture it should hold
 * @fd: the card
 * @head: the output
 * @fb: the framebuffer of the driver
 * @image: the expected picture, in memory of its own
 */
struct canvas {
	int fd;
	struct vgpu_head head;
	struct vgpu_fb fb;
	struct vgpu_image image;
};

static bool is_connector(int fd, uint32_t id, const char *name)
{
	drmModeConnectorPtr conn = drmModeGetConnectorCurrent(fd, id);
	char full[64];

	vgpu_assert(conn);
	snprintf(full, sizeof(full), "%s-%u",
		 drmModeGetConnectorTypeName(conn->connector_type),
		 conn->connector_type_id);
	drmModeFreeConnector(conn);
	return !strcmp(full, name);
}

static struct vgpu_head chosen_head(int fd)
{
	struct vgpu_head heads[VGPU_MAX_HEADS], head;
	size_t count = vgpu_heads(fd, heads), i = 0;

	vgpu_require(shot_command, "no --shot command");
	if (connector_name) {
		while (i < count &&
		       !is_connector(fd, heads[i].connector, connector_name))
			i++;
		vgpu_require(i < count, "no connector %s", connector_name);
		head = heads[i];
	} else {
		head = vgpu_first_head(fd);
	}

	if (mode_width)
		vgpu_require(vgpu_head_pick_mode(fd, &head, mode_width,
						 mode_height),
			     "no mode %ux%u", mode_width, mode_height);
	return head;
}

static void canvas_init(struct canvas *canvas, int fd,
			const struct vgpu_head *head, uint32_t width,
			uint32_t height)
{
	*canvas = (struct canvas){ .fd = fd, .head = *head };
	vgpu_fb_init(fd, &canvas->fb, width, height, DRM_FORMAT_XRGB8888);
	canvas->image = (struct vgpu_image){
		.width = width,
		.height = height,
		.stride = width,
		.pixels = calloc((size_t)width * height, 4),
	};
	vgpu_assert(canvas->image.pixels);
}

static void canvas_fini(struct canvas *canvas)
{
	vgpu_fb_fini(canvas->fd, &canvas->fb);
	free(canvas->image.pixels);
}

static struct vgpu_rect canvas_rect(const struct canvas *canvas)
{
	return (struct vgpu_rect){
		.w = canvas->image.width,
		.h = canvas->image.height,
	};
}

/* Paint the framebuffer and the expected picture. */
static void canvas_paint(struct canvas *canvas, const struct vgpu_rect *rect,
			 uint32_t seed)
{
	struct vgpu_image fb = {
		.width = canvas->fb.width,
		.height = canvas->fb.height,
		.stride = canvas->fb.pitch / 4,
		.pixels = canvas->fb.pixels,
	};

	vgpu_pattern_paint(&fb, rect, seed);
	vgpu_pattern_paint(&canvas->image, rect, seed);
}

static void canvas_paint_all(struct canvas *canvas, uint32_t seed)
{
	const struct vgpu_rect all = canvas_rect(canvas);

	canvas_paint(canvas, &all, seed);
}

/* Have the picture of the host compared with a part of the expected picture. */
static void shoot_rect(const struct canvas *canvas, const struct vgpu_rect *rect,
		       const char *name)
{
	char path[4096], command[4096];
	int status;

	snprintf(path, sizeof(path), "%s/%s.ppm", expected_dir, name);
	vgpu_pattern_save(&canvas->image, rect, path);
	vgpu_info("SHOWN %s %u %u", name, rect->w, rect->h);
	snprintf(command, sizeof(command), "%s %s %u", shot_command, name,
		 canvas->head.index);
	status = system(command);
	vgpu_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status),
			"%s: status %#x", command, (unsigned int)status);
}

static void shoot(const struct canvas *canvas, const char *name)
{
	const struct vgpu_rect screen = {
		.w = canvas->head.mode.hdisplay,
		.h = canvas->head.mode.vdisplay,
	};

	shoot_rect(canvas, &screen, name);
}

static void show(const struct canvas *canvas, uint32_t x, uint32_t y)
{
	vgpu_ok(vgpu_show(canvas->fd, &canvas->head, &canvas->fb, x, y));
}

static struct canvas new_screen(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = chosen_head(fd);
	struct canvas canvas;

	canvas_init(&canvas, fd, &head, head.mode.hdisplay, head.mode.vdisplay);
	return canvas;
}

static void end_screen(struct canvas *canvas)
{
	int fd = canvas->fd;

	vgpu_ok(vgpu_show(fd, &canvas->head, NULL, 0, 0));
	canvas_fini(canvas);
	close(fd);
}

static void full_modeset(void)
{
	struct canvas canvas = new_screen();

	canvas_paint_all(&canvas, 1);
	show(&canvas, 0, 0);
	shoot(&canvas, "modeset");
	end_screen(&canvas);
}

/* The preferred mode of the output; the other subtests use a smaller one. */
static void preferred_mode(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = chosen_head(fd);
	drmModeConnectorPtr conn = drmModeGetConnector(fd, head.connector);
	struct canvas canvas;

	vgpu_assert(conn->count_modes > 0);
	head.mode = conn->modes[0];
	for (int i = 0; i < conn->count_modes; i++)
		if (conn->modes[i].type & DRM_MODE_TYPE_PREFERRED)
			head.mode = conn->modes[i];
	drmModeFreeConnector(conn);
	canvas_init(&canvas, fd, &head, head.mode.hdisplay, head.mode.vdisplay);
	canvas_paint_all(&canvas, 2);
	show(&canvas, 0, 0);
	shoot(&canvas, "preferred");
	end_screen(&canvas);
}

static void page_flips(void)
{
	struct canvas a = new_screen(), b;
	char name[32];

	canvas_init(&b, a.fd, &a.head, a.fb.width, a.fb.height);
	canvas_paint_all(&a, 3);
	show(&a, 0, 0);
	for (uint32_t i = 0; i < 4; i++) {
		struct canvas *next = i & 1 ? &a : &b;

		canvas_paint_all(next, 10 + i);
		vgpu_flip(next->fd, &next->head, &next->fb);
		snprintf(name, sizeof(name), "flip-%u", i);
		shoot(next, name);
	}
	canvas_fini(&b);
	end_screen(&a);
}

/* A flip to the buffer that is already shown sends the new drawing. */
static void flip_to_the_same_buffer(void)
{
	struct canvas canvas = new_screen();

	canvas_paint_all(&canvas, 20);
	show(&canvas, 0, 0);
	shoot(&canvas, "same-before");
	canvas_paint_all(&canvas, 21);
	vgpu_flip(canvas.fd, &canvas.head, &canvas.fb);
	shoot(&canvas, "same-after");
	end_screen(&canvas);
}

static const struct vgpu_rect damage[] = {
	{ 0, 0, 1, 1 },
	{ 17, 5, 63, 31 },
	{ 300, 100, 200, 3 },
	{ 5, 200, 3, 200 },
	{ 320, 240, 150, 150 },
};

static void paint_damage(struct canvas *canvas, uint32_t seed)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(damage); i++)
		canvas_paint(canvas, &damage[i], seed + i);
}

static void dirty_fb_rectangles(void)
{
	struct canvas canvas = new_screen();
	drm_clip_rect_t clips[ARRAY_SIZE(damage)];

	for (size_t i = 0; i < ARRAY_SIZE(damage); i++)
		clips[i] = (drm_clip_rect_t){
			.x1 = (uint16_t)damage[i].x,
			.y1 = (uint16_t)damage[i].y,
			.x2 = (uint16_t)(damage[i].x + damage[i].w),
			.y2 = (uint16_t)(damage[i].y + damage[i].h),
		};
	canvas_paint_all(&canvas, 30);
	show(&canvas, 0, 0);
	paint_damage(&canvas, 31);
	vgpu_sys(drmModeDirtyFB(canvas.fd, canvas.fb.id, clips,
				ARRAY_SIZE(clips)));
	shoot(&canvas, "dirty-rectangles");
	canvas_paint(&canvas, &damage[4], 40);
	vgpu_sys(drmModeDirtyFB(canvas.fd, canvas.fb.id, &clips[4], 1));
	shoot(&canvas, "dirty-one");
	canvas_paint_all(&canvas, 41);
	vgpu_sys(drmModeDirtyFB(canvas.fd, canvas.fb.id, NULL, 0));
	shoot(&canvas, "dirty-whole");
	end_screen(&canvas);
}

static void atomic_damage_rectangles(void)
{
	struct canvas canvas = new_screen();
	struct drm_mode_rect rects[ARRAY_SIZE(damage)];
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	uint32_t blob;

	for (size_t i = 0; i < ARRAY_SIZE(damage); i++)
		rects[i] = (struct drm_mode_rect){
			.x1 = (int32_t)damage[i].x,
			.y1 = (int32_t)damage[i].y,
			.x2 = (int32_t)(damage[i].x + damage[i].w),
			.y2 = (int32_t)(damage[i].y + damage[i].h),
		};
	vgpu_sys(drmModeCreatePropertyBlob(canvas.fd, rects, sizeof(rects),
					   &blob));
	canvas_paint_all(&canvas, 50);
	show(&canvas, 0, 0);
	paint_damage(&canvas, 51);
	vgpu_atomic_plane(canvas.fd, req, canvas.head.primary, &canvas.head,
			  &canvas.fb, 0, 0, canvas.fb.width, canvas.fb.height);
	vgpu_atomic_set(canvas.fd, req, canvas.head.primary,
			DRM_MODE_OBJECT_PLANE, "FB_DAMAGE_CLIPS", blob);
	vgpu_ok(vgpu_atomic_commit(canvas.fd, req, 0, NULL));
	shoot(&canvas, "atomic-damage");

	drmModeAtomicFree(req);
	vgpu_sys(drmModeDestroyPropertyBlob(canvas.fd, blob));
	end_screen(&canvas);
}

/*
 * Damage describes the difference between frames, not between two states of a buffer. The test
 * flips between two buffers with small damage each; the damage of the previous frame must reach the
 * host, too.
 */
static void damage_over_two_buffers(void)
{
	struct canvas a = new_screen(), b;
	char name[32];

	canvas_init(&b, a.fd, &a.head, a.fb.width, a.fb.height);
	canvas_paint_all(&a, 60);
	canvas_paint_all(&b, 60);
	show(&a, 0, 0);
	show(&b, 0, 0);

	for (uint32_t i = 0; i < ARRAY_SIZE(damage); i++) {
		struct canvas *next = i & 1 ? &a : &b;
		const struct drm_mode_rect rect = {
			.x1 = (int32_t)damage[i].x,
			.y1 = (int32_t)damage[i].y,
			.x2 = (int32_t)(damage[i].x + damage[i].w),
			.y2 = (int32_t)(damage[i].y + damage[i].h),
		};
		drmModeAtomicReqPtr req = drmModeAtomicAlloc();
		uint32_t blob;

		/* Like any client, repaint the changes of the previous frames first. */
		for (uint32_t j = 0; j <= i; j++)
			canvas_paint(next, &damage[j], 61 + j);
		vgpu_sys(drmModeCreatePropertyBlob(a.fd, &rect, sizeof(rect),
						   &blob));
		vgpu_atomic_plane(a.fd, req, a.head.primary, &a.head, &next->fb,
				  0, 0, a.fb.width, a.fb.height);
		vgpu_atomic_set(a.fd, req, a.head.primary, DRM_MODE_OBJECT_PLANE,
				"FB_DAMAGE_CLIPS", blob);
		vgpu_ok(vgpu_atomic_commit(a.fd, req, 0, NULL));
		drmModeAtomicFree(req);
		vgpu_sys(drmModeDestroyPropertyBlob(a.fd, blob));
		snprintf(name, sizeof(name), "two-buffers-%u", i);
		shoot(next, name);
	}

	canvas_fini(&b);
	end_screen(&a);
}

static void pan_over_a_large_buffer(void)
{
	static const struct { uint32_t x, y; } places[] = {
		{ 0, 0 }, { 100, 0 }, { 0, 50 }, { 123, 45 }, { 200, 100 },
	};
	int fd = vgpu_open_display();
	struct vgpu_head head = chosen_head(fd);
	struct canvas canvas;
	char name[32];

	canvas_init(&canvas, fd, &head, head.mode.hdisplay + 200u,
		    head.mode.vdisplay + 100u);
	canvas_paint_all(&canvas, 70);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct vgpu_rect rect = {
			.x = places[i].x,
			.y = places[i].y,
			.w = head.mode.hdisplay,
			.h = head.mode.vdisplay,
		};

		show(&canvas, rect.x, rect.y);
		snprintf(name, sizeof(name), "pan-%zu", i);
		shoot_rect(&canvas, &rect, name);
	}

	end_screen(&canvas);
}

static void damage_in_a_panned_buffer(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = chosen_head(fd);
	const struct vgpu_rect seen = {
		.x = 120, .y = 60, .w = head.mode.hdisplay, .h = head.mode.vdisplay,
	};
	const struct vgpu_rect drawn = { .x = 150, .y = 80, .w = 50, .h = 40 };
	drm_clip_rect_t clip = { 150, 80, 200, 120 };
	struct canvas canvas;

	canvas_init(&canvas, fd, &head, head.mode.hdisplay + 200u,
		    head.mode.vdisplay + 100u);
	canvas_paint_all(&canvas, 80);
	show(&canvas, seen.x, seen.y);
	canvas_paint(&canvas, &drawn, 81);
	vgpu_sys(drmModeDirtyFB(fd, canvas.fb.id, &clip, 1));
	shoot_rect(&canvas, &seen, "pan-damage");
	end_screen(&canvas);
}

static void cursor_leaves_the_picture_alone(void)
{
	struct canvas canvas = new_screen(), cursor;

	canvas_init(&cursor, canvas.fd, &canvas.head, 64, 64);
	memset(cursor.fb.pixels, 0, cursor.fb.size);
	canvas_paint_all(&canvas, 90);
	show(&canvas, 0, 0);
	vgpu_sys(drmModeSetCursor2(canvas.fd, canvas.head.crtc, cursor.fb.handle,
				   64, 64, 3, 5));
	vgpu_sys(drmModeMoveCursor(canvas.fd, canvas.head.crtc, 200, 150));
	shoot(&canvas, "cursor-shown");
	vgpu_sys(drmModeSetCursor(canvas.fd, canvas.head.crtc, 0, 0, 0));
	shoot(&canvas, "cursor-hidden");
	canvas_fini(&cursor);
	end_screen(&canvas);
}

static void off_and_on_again(void)
{
	struct canvas canvas = new_screen();

	canvas_paint_all(&canvas, 100);
	show(&canvas, 0, 0);
	vgpu_ok(vgpu_show(canvas.fd, &canvas.head, NULL, 0, 0));
	canvas_paint_all(&canvas, 101);
	show(&canvas, 0, 0);
	shoot(&canvas, "on-again");
	end_screen(&canvas);
}

/*
 * Convert 0x00RRGGBB to a pixel of @format. Nothing lies below the primary plane, so alpha has no
 * effect.
 */
static uint32_t pixel_of(uint32_t format, uint32_t rgb)
{
	if (format == DRM_FORMAT_XBGR8888 || format == DRM_FORMAT_ABGR8888)
		rgb = (rgb & 0xff) << 16 | (rgb & 0xff00) | rgb >> 16;
	return rgb | 0x40000000;
}

/* Show the buffer as @format; returns false if the driver refuses that format for it. */
static bool shown_as(struct canvas *canvas, uint32_t format, uint32_t seed)
{
	const struct vgpu_fb *fb = &canvas->fb;
	const size_t count = (size_t)fb->width * fb->height;
	struct vgpu_fb view = *fb;
	char name[32];

	if (drmModeAddFB2(canvas->fd, fb->width, fb->height, format,
			  (uint32_t[4]){ fb->handle }, (uint32_t[4]){ fb->pitch },
			  (uint32_t[4]){ 0 }, &view.id, 0)) {
		vgpu_assert_eq(errno, EINVAL);
		return false;
	}

	canvas_paint_all(canvas, seed);
	for (size_t i = 0; i < count; i++)
		fb->pixels[i] = pixel_of(format, fb->pixels[i] & 0xffffff);
	vgpu_ok(vgpu_show(canvas->fd, &canvas->head, &view, 0, 0));
	snprintf(name, sizeof(name), "format-%.4s", (const char *)&format);
	shoot(canvas, name);
	vgpu_sys(drmModeRmFB(canvas->fd, view.id));
	return true;
}

/*
 * A 2D host with blobs is told the format with each framebuffer, so all 4 formats work. Other hosts
 * know the format of a dumb buffer from its creation, so only its two variants work.
 */
static void each_format_of_a_dumb_buffer(void)
{
	struct canvas canvas = new_screen();
	drmModePlanePtr plane = drmModeGetPlane(canvas.fd, canvas.head.primary);
	uint32_t shown = 0;

	vgpu_assert(plane);
	for (uint32_t i = 0; i < plane->count_formats; i++)
		shown += shown_as(&canvas, plane->formats[i], 130 + i);
	vgpu_assert_eq(shown, vgpu_has_blob(canvas.fd) && !vgpu_has_3d(canvas.fd) ? 4 : 2);
	drmModeFreePlane(plane);
	end_screen(&canvas);
}

/* The host draws into a classic 3D resource, and shows it. */
static void rendered_by_the_host(void)
{
	static const float rgba[] = { 0.0f, 1.0f, 0.0f, 1.0f };
	struct vgpu_client client = vgpu_client_open();
	struct canvas canvas = new_screen();
	struct drm_virtgpu_resource_create rc =
		vgpu_picture_args(canvas.fb.width, canvas.fb.height);
	uint32_t dwords[VGPU_VIRGL_CLEAR_DWORDS];
	struct drm_virtgpu_execbuffer exec = { .command = (uintptr_t)dwords };
	struct vgpu_fb fb = { .width = rc.width, .height = rc.height, .pitch = rc.width * 4 };

	vgpu_require(vgpu_is_virgl(&client), "the host is not virgl");
	rc.format = VGPU_FORMAT_B8G8R8A8;
	rc.bind = VGPU_BIND_RENDER_TARGET | VGPU_BIND_SAMPLER_VIEW |
		  VGPU_BIND_SCANOUT;
	vgpu_ok(vgpu_resource_create(canvas.fd, &rc));
	exec.size = (uint32_t)vgpu_virgl_clear(dwords, rc.res_handle, 1, rgba) * 4;
	exec.bo_handles = (uintptr_t)&rc.bo_handle;
	exec.num_bo_handles = 1;
	vgpu_ok(vgpu_execbuffer(canvas.fd, &exec));
	vgpu_ok(vgpu_wait(canvas.fd, rc.bo_handle, 0));
	fb.handle = rc.bo_handle;
	vgpu_fb_add(canvas.fd, &fb, DRM_FORMAT_XRGB8888);
	show(&canvas, 0, 0);
	for (uint32_t i = 0; i < rc.width * rc.height; i++)
		canvas.image.pixels[i] = 0x00ff00;
	vgpu_flip(canvas.fd, &canvas.head, &fb);
	shoot(&canvas, "rendered");
	vgpu_flip(canvas.fd, &canvas.head, &canvas.fb);

	vgpu_sys(drmModeRmFB(canvas.fd, fb.id));
	end_screen(&canvas);
	vgpu_client_close(&client);
}

static void two_outputs(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head heads[VGPU_MAX_HEADS];
	size_t count = vgpu_heads(fd, heads);
	struct canvas a, b;

	vgpu_require(shot_command, "no --shot command");
	vgpu_require(count >= 2, "the device has one output");
	vgpu_require(heads[0].mode.hdisplay && heads[1].mode.hdisplay,
		     "the second output is not connected");
	canvas_init(&a, fd, &heads[0], heads[0].mode.hdisplay,
		    heads[0].mode.vdisplay);
	canvas_init(&b, fd, &heads[1], heads[1].mode.hdisplay,
		    heads[1].mode.vdisplay);
	canvas_paint_all(&a, 110);
	canvas_paint_all(&b, 111);
	show(&a, 0, 0);
	show(&b, 0, 0);
	shoot(&a, "output-0");
	shoot(&b, "output-1");
	canvas_paint(&b, &damage[4], 112);
	vgpu_sys(drmModeDirtyFB(fd, b.fb.id, NULL, 0));
	shoot(&b, "output-1-dirty");
	shoot(&a, "output-0-still");
	vgpu_ok(vgpu_show(fd, &heads[1], NULL, 0, 0));
	shoot(&a, "output-0-alone");

	vgpu_ok(vgpu_show(fd, &heads[0], NULL, 0, 0));
	canvas_fini(&b);
	canvas_fini(&a);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "full-modeset", .run = full_modeset },
	{ .name = "preferred-mode", .run = preferred_mode },
	{ .name = "page-flips", .run = page_flips },
	{ .name = "flip-to-the-same-buffer", .run = flip_to_the_same_buffer },
	{ .name = "dirty-fb-rectangles", .run = dirty_fb_rectangles },
	{ .name = "atomic-damage-rectangles", .run = atomic_damage_rectangles },
	{ .name = "damage-over-two-buffers", .run = damage_over_two_buffers },
	{ .name = "pan-over-a-large-buffer", .run = pan_over_a_large_buffer },
	{ .name = "damage-in-a-panned-buffer", .run = damage_in_a_panned_buffer },
	{ .name = "cursor-leaves-the-picture-alone",
	  .run = cursor_leaves_the_picture_alone },
	{ .name = "off-and-on-again", .run = off_and_on_again },
	{ .name = "rendered-by-the-host", .run = rendered_by_the_host },
	{ .name = "each-format-of-a-dumb-buffer",
	  .run = each_format_of_a_dumb_buffer },
	{ .name = "two-outputs", .run = two_outputs },
};

enum {
	OPT_SHOT = 1,
	OPT_EXPECTED,
	OPT_CONNECTOR,
	OPT_MODE,
};

static const struct option options[] = {
	{ "shot", required_argument, NULL, OPT_SHOT },
	{ "expected", required_argument, NULL, OPT_EXPECTED },
	{ "connector", required_argument, NULL, OPT_CONNECTOR },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ 0 },
};

static void set_option(int val, const char *arg)
{
	switch (val) {
	case OPT_SHOT:
		shot_command = arg;
		break;
	case OPT_EXPECTED:
		expected_dir = arg;
		break;
	case OPT_CONNECTOR:
		connector_name = arg;
		break;
	case OPT_MODE:
		if (sscanf(arg, "%ux%u", &mode_width, &mode_height) != 2) {
			fprintf(stderr, "a mode is WIDTHxHEIGHT\n");
			exit(VGPU_EXIT_INVALID);
		}
		break;
	}
}

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms_pixels",
		.about = "pictures that the host shows, pixel by pixel",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
		.options = options,
		.option = set_option,
		.option_help =
			"  --shot COMMAND       run as COMMAND NAME OUTPUT at each step;\n"
			"                       it fails when the host shows another picture\n"
			"  --expected DIR       where NAME.ppm is left for it\n"
			"  --connector NAME     as in sysfs, without the card (Virtual-1)\n"
			"  --mode WIDTHxHEIGHT  instead of the smallest\n"
			"Environment: VGPU_SHOT and VGPU_EXPECTED, for the first two.\n",
	};

	shot_command = getenv("VGPU_SHOT");
	expected_dir = getenv("VGPU_EXPECTED") ?: ".";
	return vgpu_test_main(argc, argv, &program);
}
