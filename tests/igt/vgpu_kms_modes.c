// SPDX-License-Identifier: MIT
/* What an output can show: modes and sizes of framebuffers. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_test.h"

/*
 * The modes that `xrandr --newmode` and weston's "modeline=" allow, and that need a monitor. The
 * host shows a framebuffer as it is: neither half of its rows, nor each row twice, nor two eyes.
 */
static void modes_of_real_monitors_are_refused(void)
{
	static const struct { uint32_t flags; uint16_t vscan; } modes[] = {
		{ .flags = DRM_MODE_FLAG_INTERLACE },
		{ .flags = DRM_MODE_FLAG_DBLSCAN },
		{ .flags = DRM_MODE_FLAG_DBLCLK },
		{ .flags = DRM_MODE_FLAG_3D_FRAME_PACKING },
		{ .flags = DRM_MODE_FLAG_3D_TOP_AND_BOTTOM },
		{ .flags = DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF },
		{ .vscan = 2 },
	};
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb large;

	/* A frame with the pictures of both eyes has more than twice the rows. */
	vgpu_fb_init(screen.fd, &large, screen.fb.width, 3 * screen.fb.height,
		     DRM_FORMAT_XRGB8888);
	vgpu_sys(drmSetClientCap(screen.fd, DRM_CLIENT_CAP_STEREO_3D, 1));
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct vgpu_head head = screen.head;

		head.mode.flags |= modes[i].flags;
		head.mode.vscan = modes[i].vscan;
		vgpu_info("flags %#x, vscan %u", modes[i].flags, modes[i].vscan);
		vgpu_ret(vgpu_show(screen.fd, &head, &large, 0, 0), -EINVAL);
	}
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_fb_fini(screen.fd, &large);
	vgpu_screen_end(&screen);
}

/*
 * X has one framebuffer for all outputs: 11520 pixels wide for three monitors of 3840. No mode is
 * larger than 8192, but a mode may show any part of the framebuffer.
 */
static void three_monitors_side_by_side(void)
{
	enum { WIDTH = 3 * 3840 };
	struct vgpu_screen screen = vgpu_screen_new();
	drmModeResPtr res = drmModeGetResources(screen.fd);
	struct vgpu_head head = screen.head;
	uint32_t width = head.mode.hdisplay, height = head.mode.vdisplay;
	struct vgpu_fb all;

	vgpu_assert_msg(res->max_width >= WIDTH && res->max_height >= WIDTH, "at most %u × %u",
			res->max_width, res->max_height);
	drmModeFreeResources(res);
	vgpu_fb_init(screen.fd, &all, WIDTH, height, DRM_FORMAT_XRGB8888);
	for (uint32_t x = 0; x + width <= WIDTH; x += 3840)
		vgpu_ok(vgpu_show(screen.fd, &head, &all, x, 0));
	vgpu_ok(vgpu_show(screen.fd, &head, &all, WIDTH - width, 0));
	vgpu_ret(vgpu_show(screen.fd, &head, &all, WIDTH - width + 1, 0), -ENOSPC);

	head.mode.hdisplay = WIDTH;
	head.mode.hsync_start = head.mode.hsync_end = head.mode.htotal = WIDTH;
	vgpu_ret(vgpu_show(screen.fd, &head, &all, 0, 0), -EINVAL);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_fb_fini(screen.fd, &all);
	vgpu_screen_end(&screen);
}

/* --- the EDID of the administrator --- */

#define EDID_BYTES 128
#define EDID_TIMING 54
#define OVERRIDE "/sys/kernel/debug/dri/0/Virtual-1/edid_override"

/* Write an EDID whose preferred mode is 1024 × 600, which no list of standard modes has. */
static void make_edid(uint8_t edid[EDID_BYTES])
{
	static const uint8_t head[] = {
		0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x59, 0x10, 1, 0, 1, 0, 0, 0,
		1, 30, 1, 4, 0x80, 20, 12, 120, 0x02,
	};
	static const uint8_t timing[] = {
		0x00, 0x14, 0x00, 0x40, 0x41, 0x58, 0x23, 0x20, 0x30, 0x70, 0x36, 0x00, 0xc8, 0x78,
		0x00, 0x00, 0x00, 0x18,
	};
	uint8_t sum = 0;

	memset(edid, 0, EDID_BYTES);
	memcpy(edid, head, sizeof(head));
	memset(edid + 38, 1, 16);
	memcpy(edid + EDID_TIMING, timing, sizeof(timing));
	for (int i = EDID_TIMING + 18; i < EDID_BYTES - 2; i += 18)
		edid[i + 3] = 0x10;
	for (int i = 0; i < EDID_BYTES - 1; i++)
		sum += edid[i];
	edid[EDID_BYTES - 1] = -sum;
}

static void override_edid(const void *data, size_t size)
{
	int fd = open(OVERRIDE, O_WRONLY);

	vgpu_require(fd >= 0, "no debugfs");
	vgpu_assert_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static bool prefers_1024_by_600(int fd, uint32_t connector)
{
	drmModeConnectorPtr conn = drmModeGetConnector(fd, connector);
	bool found = false;

	vgpu_assert(conn);
	for (int i = 0; i < conn->count_modes; i++)
		found |= conn->modes[i].type & DRM_MODE_TYPE_PREFERRED &&
			 conn->modes[i].hdisplay == 1024 && conn->modes[i].vdisplay == 600;
	drmModeFreeConnector(conn);
	return found;
}

/* As drm.edid_firmware=, with which administrators replace a bad EDID or one that is missing. */
static void edid_of_the_administrator(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	uint8_t edid[EDID_BYTES];
	bool before, with, after;

	before = prefers_1024_by_600(fd, head.connector);
	make_edid(edid);
	override_edid(edid, sizeof(edid));
	with = prefers_1024_by_600(fd, head.connector);
	override_edid("reset", 5);
	after = prefers_1024_by_600(fd, head.connector);
	vgpu_assert(!before && with && !after);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "modes-of-real-monitors-are-refused",
	  .run = modes_of_real_monitors_are_refused },
	{ .name = "three-monitors-side-by-side", .run = three_monitors_side_by_side },
	{ .name = "edid-of-the-administrator", .run = edid_of_the_administrator },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms_modes",
		.about = "modes and sizes of framebuffers",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
