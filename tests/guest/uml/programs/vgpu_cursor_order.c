// SPDX-License-Identifier: MIT
/*
 * The order of cursor commands. The host answers the upload of a cursor picture only at the 50th
 * later notification of the control queue (see cursor-order.fault), so the test decides when.
 * Commands of the cursor queue overtake the upload.
 *
 * Each subtest prints the cursor commands that the host must receive, in order: lines
 * "told X,Y CRC" or "told none". The script cursor-order compares them with the trace of the host.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_binding.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_test.h"

#define SIDE 64u
#define PICTURES 4
/* More notifications than the fault script waits for. */
#define KICKS 60
#define SETTLE_US 20000
/* Longer than a picture waits for an upload under way. */
#define LIMIT_US 5100000
/* A client is in its exit by then. */
#define EXIT_US 1000000
/* The driver tries to recover three times, half a second apart. */
#define RECOVERY_US 30000000
#define CRC_POLYNOMIAL 0xedb88320u

/**
 * struct desk - a lit output and pictures to point with
 * @fd: the card
 * @head: the output
 * @screen: the framebuffer that it shows
 * @pictures: cursor pictures, each of one colour
 */
struct desk {
	int fd;
	struct vgpu_head head;
	struct vgpu_fb screen;
	struct vgpu_fb pictures[PICTURES];
};

static void paint(struct desk *desk, int picture, uint8_t colour)
{
	memset(desk->pictures[picture].pixels, colour, desk->pictures[picture].size);
}

static uint8_t colour_of(const struct desk *desk, int picture)
{
	return (uint8_t)desk->pictures[picture].pixels[0];
}

/*
 * Notify the host KICKS times, by creating buffers. The client is new, since after a reset older
 * clients cannot create any.
 */
static void host_goes_on(void)
{
	int fd = vgpu_open_render();

	for (int i = 0; i < KICKS; i++)
		vgpu_new_picture(fd, 1, 1);
	close(fd);
	/* Let the worker of the driver run. */
	usleep(SETTLE_US);
}

static struct desk desk_new(void)
{
	struct desk desk = { .fd = vgpu_open_display() };

	desk.head = vgpu_first_head(desk.fd);
	vgpu_fb_init(desk.fd, &desk.screen, desk.head.mode.hdisplay,
		     desk.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	for (int i = 0; i < PICTURES; i++) {
		vgpu_fb_init(desk.fd, &desk.pictures[i], SIDE, SIDE, DRM_FORMAT_ARGB8888);
		paint(&desk, i, (uint8_t)(0x11 * (i + 1)));
	}
	vgpu_ok(vgpu_show(desk.fd, &desk.head, &desk.screen, 0, 0));
	host_goes_on();
	return desk;
}

/* Compute the CRC-32 of a picture of one colour, as the host does. */
static uint32_t crc_of(uint8_t colour, uint8_t alpha)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < SIDE * SIDE * 4; i++) {
		crc ^= i % 4 == 3 ? alpha : colour;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
	}
	return ~crc;
}

static void told(int x, int y, uint8_t colour)
{
	/* The host knows dumb buffers without alpha, so it sees opaque pixels. */
	vgpu_info("told %d,%d %08x", x, y, crc_of(colour, 0xff));
}

static void told_none(void)
{
	vgpu_info("told none");
}

static void set(const struct desk *desk, int picture)
{
	vgpu_sys(drmModeSetCursor2(desk->fd, desk->head.crtc, desk->pictures[picture].handle,
				   SIDE, SIDE, 0, 0));
}

static void move(const struct desk *desk, int x, int y)
{
	vgpu_sys(drmModeMoveCursor(desk->fd, desk->head.crtc, x, y));
}

static void hide(const struct desk *desk)
{
	vgpu_sys(drmModeSetCursor2(desk->fd, desk->head.crtc, 0, 0, 0, 0, 0));
}

/* Show the first picture, at the position where all subtests begin. */
static void show_first(const struct desk *desk)
{
	/* Move to a new position: at the old one, the update would look like a redrawn picture. */
	move(desk, 1, 1);
	set(desk, 0);
	host_goes_on();
	told(1, 1, colour_of(desk, 0));
}

static void desk_end(struct desk *desk)
{
	hide(desk);
	told_none();
	vgpu_ok(vgpu_show(desk->fd, &desk->head, NULL, 0, 0));
	host_goes_on();
	for (int i = 0; i < PICTURES; i++)
		vgpu_fb_fini(desk->fd, &desk->pictures[i]);
	vgpu_fb_fini(desk->fd, &desk->screen);
	close(desk->fd);
}

/* Neither call waits for the host, which answers the upload only in host_goes_on(). */
static void set_returns_at_once(void)
{
	struct desk desk = desk_new();
	double start = vgpu_now();

	set(&desk, 0);
	move(&desk, 5, 6);
	/* The virtual clock of the guest advances only while processes sleep or wait. */
	vgpu_assert(vgpu_now() - start < 0.01);
	host_goes_on();
	told(5, 6, colour_of(&desk, 0));
	desk_end(&desk);
}

/* The old picture follows the pointer while the new one is uploaded. */
static void old_picture_moves_meanwhile(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	for (int i = 2; i < 5; i++) {
		move(&desk, i, i);
		told(i, i, colour_of(&desk, 0));
	}
	host_goes_on();
	told(4, 4, colour_of(&desk, 1));
	move(&desk, 7, 7);
	told(7, 7, colour_of(&desk, 1));
	desk_end(&desk);
}

/* After the upload under way, only the newest picture is uploaded and shown. */
static void newest_picture_wins(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	set(&desk, 2);
	set(&desk, 0);
	set(&desk, 3);
	move(&desk, 2, 2);
	told(2, 2, colour_of(&desk, 0));
	host_goes_on();
	told(2, 2, colour_of(&desk, 1));
	host_goes_on();
	told(2, 2, colour_of(&desk, 3));
	host_goes_on();
	desk_end(&desk);
}

/* The last upload contains the last drawing. */
static void drawn_anew(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	paint(&desk, 0, 0xa1);
	set(&desk, 0);
	paint(&desk, 0, 0xa2);
	set(&desk, 0);
	paint(&desk, 0, 0xa3);
	set(&desk, 0);
	host_goes_on();
	told(1, 1, 0xa1);
	host_goes_on();
	told(1, 1, 0xa3);
	desk_end(&desk);
}

static void hidden_meanwhile(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	set(&desk, 2);
	hide(&desk);
	told_none();
	host_goes_on();
	host_goes_on();
	set(&desk, 3);
	hide(&desk);
	set(&desk, 2);
	host_goes_on();
	host_goes_on();
	told(1, 1, colour_of(&desk, 2));
	desk_end(&desk);
}

/* An upload completes and is shown, although the client has destroyed the buffer meanwhile. */
static void dropped_meanwhile(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	vgpu_fb_fini(desk.fd, &desk.pictures[1]);
	set(&desk, 2);
	vgpu_fb_fini(desk.fd, &desk.pictures[2]);
	set(&desk, 3);
	host_goes_on();
	told(1, 1, 0x22);
	host_goes_on();
	told(1, 1, colour_of(&desk, 3));
	vgpu_fb_init(desk.fd, &desk.pictures[1], SIDE, SIDE, DRM_FORMAT_ARGB8888);
	vgpu_fb_init(desk.fd, &desk.pictures[2], SIDE, SIDE, DRM_FORMAT_ARGB8888);
	desk_end(&desk);
}

static void point_and_end(void *arg)
{
	struct desk desk = desk_new();

	(void)arg;
	show_first(&desk);
	set(&desk, 1);
	set(&desk, 2);
}

/*
 * DRM keeps a cursor of the legacy ioctl when its client exits, so the uploads complete and are
 * shown.
 */
static void client_ends_meanwhile(void)
{
	int pid = vgpu_fork(point_and_end, NULL);
	struct desk desk;

	/* The exit waits for the host, and pictures wait no longer than LIMIT_US. */
	usleep(EXIT_US);
	host_goes_on();
	vgpu_join(pid);
	desk = desk_new();
	host_goes_on();
	told(1, 1, 0x22);
	told(1, 1, 0x33);
	set(&desk, 3);
	host_goes_on();
	told(1, 1, colour_of(&desk, 3));
	desk_end(&desk);
}

/* Have the host treat the next upload differently (see cursor-order.fault). */
static void mark_next_upload(const struct desk *desk)
{
	const struct drm_virtgpu_3d_box box = { .w = 1, .h = 1, .d = 1 };

	vgpu_ok(vgpu_transfer_from_host(desk->fd, vgpu_new_picture(desk->fd, 1, 1), &box, 0, 0));
}

static void host_refuses(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	mark_next_upload(&desk);
	set(&desk, 1);
	host_goes_on();
	/* The host is not told to show that picture; the next update uploads it again. */
	move(&desk, 3, 3);
	host_goes_on();
	told(3, 3, colour_of(&desk, 1));
	desk_end(&desk);
}

/* The host never answers an upload. The next picture waits for it as long as a display update. */
static void host_never_answers(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	mark_next_upload(&desk);
	set(&desk, 1);
	host_goes_on();
	set(&desk, 2);
	host_goes_on();
	move(&desk, 2, 2);
	told(2, 2, colour_of(&desk, 0));
	usleep(LIMIT_US);
	host_goes_on();
	told(2, 2, colour_of(&desk, 2));
	set(&desk, 3);
	host_goes_on();
	told(2, 2, colour_of(&desk, 3));
	desk_end(&desk);
}

/* A picture that comes later than that does not wait at all. */
static void host_has_long_not_answered(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	mark_next_upload(&desk);
	set(&desk, 1);
	usleep(LIMIT_US);
	set(&desk, 2);
	host_goes_on();
	told(1, 1, colour_of(&desk, 2));
	desk_end(&desk);
}

static void attach(const struct desk *desk, uint32_t handle, const struct vgpu_manual *drawing)
{
	int dmabuf;

	vgpu_ok(vgpu_prime_export(desk->fd, handle, &dmabuf));
	vgpu_fence_attach(dmabuf, drawing->sync_file);
	close(dmabuf);
}

/*
 * Contract 10.4 (gbm_bo_map, wlroots with the legacy ioctls): the host is told to show a cursor
 * when rendering to it has completed, and the client does not wait for that.
 */
static void drawing_is_waited_for(void)
{
	struct desk desk = desk_new();
	struct vgpu_manual drawing = vgpu_manual_new();
	double start;

	show_first(&desk);
	attach(&desk, desk.pictures[1].handle, &drawing);
	start = vgpu_now();
	set(&desk, 1);
	move(&desk, 4, 4);
	vgpu_assert(vgpu_now() - start < 0.01);
	told(4, 4, colour_of(&desk, 0));
	host_goes_on();
	usleep(900000);
	paint(&desk, 1, 0xb1);
	vgpu_manual_signal(&drawing);
	usleep(SETTLE_US);
	host_goes_on();
	told(4, 4, 0xb1);

	vgpu_manual_close(&drawing);
	desk_end(&desk);
}

/* The same for a texture, which the driver need not upload. */
static void drawing_of_a_texture_is_waited_for(void)
{
	const uint8_t colour = 0xc1;
	struct desk desk = desk_new();
	struct vgpu_manual drawing = vgpu_manual_new();
	struct drm_virtgpu_3d_box box;
	struct vgpu_texture tex;
	void *map;

	vgpu_require(vgpu_has_3d(desk.fd), "no 3D");
	show_first(&desk);
	vgpu_texture_init(desk.fd, &tex, VGPU_TARGET_2D, SIDE, SIDE, 1);
	box = vgpu_texture_box(&tex);
	attach(&desk, tex.handle, &drawing);
	vgpu_sys(drmModeSetCursor2(desk.fd, desk.head.crtc, tex.handle, SIDE, SIDE, 0, 0));
	move(&desk, 2, 4);
	told(2, 4, colour_of(&desk, 0));
	host_goes_on();
	map = vgpu_new_map(desk.fd, tex.handle, tex.size_bytes);
	memset(map, colour, tex.size_bytes);
	vgpu_ok(vgpu_transfer_to_host(desk.fd, tex.handle, &box, 0, 0));
	host_goes_on();
	vgpu_manual_signal(&drawing);
	vgpu_ok(vgpu_wait(desk.fd, tex.handle, 0));
	usleep(SETTLE_US);
	vgpu_info("told 2,4 %08x", crc_of(colour, colour));
	munmap(map, tex.size_bytes);
	vgpu_manual_close(&drawing);
	hide(&desk);
	told_none();
	vgpu_texture_fini(desk.fd, &tex);

	/* The cursor is hidden, so turning the output off sends no cursor command. */
	vgpu_ok(vgpu_show(desk.fd, &desk.head, NULL, 0, 0));
	close(desk.fd);
}

/* A picture that is hidden or replaced while it is rendered is never shown. */
static void drawing_is_dropped(void)
{
	struct desk desk = desk_new();
	struct vgpu_manual drawing = vgpu_manual_new();

	show_first(&desk);
	attach(&desk, desk.pictures[1].handle, &drawing);
	set(&desk, 1);
	set(&desk, 2);
	host_goes_on();
	told(1, 1, colour_of(&desk, 2));
	set(&desk, 1);
	hide(&desk);
	told_none();
	vgpu_manual_signal(&drawing);
	host_goes_on();
	vgpu_manual_close(&drawing);
	set(&desk, 3);
	host_goes_on();
	told(1, 1, colour_of(&desk, 3));
	desk_end(&desk);
}

static void wait_for_shim(const char *parameter, const char *value)
{
	int waited_us = 0;

	while (!vgpu_shim_is(parameter, value)) {
		vgpu_assert(waited_us < RECOVERY_US);
		waited_us += SETTLE_US;
		usleep(SETTLE_US);
	}
	/* The driver resumes the display after the device. */
	usleep(SETTLE_US);
}

/* The reset ends both uploads; afterwards the driver uploads and shows the newest picture only. */
static void reset_meanwhile(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	set(&desk, 2);
	vgpu_ok(vgpu_shim_set("needs_reset", "Y"));
	wait_for_shim("needs_reset", "N");
	host_goes_on();
	told(1, 1, colour_of(&desk, 2));
	desk_end(&desk);
}

/*
 * After a reset without an upload under way, the driver uploads and shows the current picture
 * again.
 */
static void reset_while_shown(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	vgpu_ok(vgpu_shim_set("needs_reset", "Y"));
	wait_for_shim("needs_reset", "N");
	host_goes_on();
	told(1, 1, colour_of(&desk, 0));
	move(&desk, 2, 2);
	told(2, 2, colour_of(&desk, 0));
	desk_end(&desk);
}

static void asleep_meanwhile(void)
{
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	set(&desk, 2);
	vgpu_ok(vgpu_shim_set("frozen", "Y"));
	told_none();
	vgpu_ok(vgpu_shim_set("frozen", "N"));
	/* Twice: for the upload that ended with the suspend, and for the one sent on resume. */
	host_goes_on();
	host_goes_on();
	told(1, 1, colour_of(&desk, 2));
	desk_end(&desk);
}

/* The device is unplugged with one upload under way and one waiting; no memory leaks. */
static void unplugged_meanwhile(void)
{
	struct vgpu_binding binding;
	struct desk desk = desk_new();

	show_first(&desk);
	set(&desk, 1);
	set(&desk, 2);
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_bind(&binding));
	vgpu_binding_fini(&binding);
	close(desk.fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "set-returns-at-once", .run = set_returns_at_once },
	{ .name = "old-picture-moves-meanwhile", .run = old_picture_moves_meanwhile },
	{ .name = "newest-picture-wins", .run = newest_picture_wins },
	{ .name = "drawn-anew", .run = drawn_anew },
	{ .name = "hidden-meanwhile", .run = hidden_meanwhile },
	{ .name = "dropped-meanwhile", .run = dropped_meanwhile },
	{ .name = "client-ends-meanwhile", .run = client_ends_meanwhile },
	{ .name = "host-refuses", .run = host_refuses },
	{ .name = "host-never-answers", .run = host_never_answers },
	{ .name = "host-has-long-not-answered", .run = host_has_long_not_answered },
	{ .name = "drawing-is-waited-for", .run = drawing_is_waited_for },
	{ .name = "drawing-of-a-texture-is-waited-for",
	  .run = drawing_of_a_texture_is_waited_for },
	{ .name = "drawing-is-dropped", .run = drawing_is_dropped },
	{ .name = "reset-meanwhile", .run = reset_meanwhile },
	{ .name = "reset-while-shown", .run = reset_while_shown },
	{ .name = "asleep-meanwhile", .run = asleep_meanwhile },
	{ .name = "unplugged-meanwhile", .run = unplugged_meanwhile },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_cursor_order",
		.about = "cursor commands while the host holds an upload",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
