// SPDX-License-Identifier: MIT
/* Dumb buffers, framebuffers, mode setting, flips, damage, cursor, atomic */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define CURSOR_SIDE 64u

static struct vgpu_fb screen_fb(const struct vgpu_screen *screen)
{
	struct vgpu_fb fb;

	vgpu_fb_init(screen->fd, &fb, screen->fb.width, screen->fb.height,
		     DRM_FORMAT_XRGB8888);
	return fb;
}

/* --- dumb buffers and framebuffers --- */

static int create_dumb(int fd, uint32_t width, uint32_t height, uint32_t bpp,
		       struct drm_mode_create_dumb *dumb)
{
	*dumb = (struct drm_mode_create_dumb){
		.width = width,
		.height = height,
		.bpp = bpp,
	};
	return vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, dumb);
}

static void dumb_buffer_has_room(void)
{
	static const struct { uint32_t w, h; } sizes[] = {
		{ 1, 1 }, { 33, 7 }, { 640, 480 }, { 1366, 768 }, { 4096, 1 },
	};
	int fd = vgpu_open_display();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_mode_create_dumb dumb;

		vgpu_ok(create_dumb(fd, sizes[i].w, sizes[i].h, 32, &dumb));
		vgpu_assert(dumb.pitch >= sizes[i].w * 4);
		vgpu_assert(dumb.size >= (uint64_t)dumb.pitch * sizes[i].h);
		vgpu_assert_eq(dumb.size % VGPU_PAGE, 0);
		vgpu_sys(drmModeDestroyDumbBuffer(fd, dumb.handle));
		vgpu_ret(vgpu_gem_close(fd, dumb.handle), -EINVAL);
	}
	close(fd);
}

static void dumb_buffer_bad_sizes(void)
{
	static const struct { uint32_t w, h, bpp; } sizes[] = {
		{ 0, 16, 32 }, { 16, 0, 32 }, { 16, 16, 0 },
		{ UINT32_MAX, 1, 32 }, { 1, UINT32_MAX, 32 },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX }, { 65536, 65536, 32 },
	};
	int fd = vgpu_open_display();
	struct drm_mode_create_dumb dumb;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		vgpu_ret(create_dumb(fd, sizes[i].w, sizes[i].h, sizes[i].bpp,
				     &dumb), -EINVAL, -ENOMEM, -E2BIG);
	close(fd);
}

/* Dumb buffers exist with 32 bits a pixel only. */
static void dumb_buffer_bad_depths(void)
{
	static const uint32_t depths[] = { 1, 8, 16, 24, 64 };
	int fd = vgpu_open_display();
	struct drm_mode_create_dumb dumb;

	for (size_t i = 0; i < ARRAY_SIZE(depths); i++)
		vgpu_ret(create_dumb(fd, 16, 16, depths[i], &dumb), -EINVAL);
	close(fd);
}

/* DRM allows up to 4 GiB; the driver allows less. */
static void dumb_buffer_above_2_gib_is_refused(void)
{
	int fd = vgpu_open_display();
	struct drm_mode_create_dumb dumb;

	vgpu_ret(create_dumb(fd, 16384, 32769, 32, &dumb), -EINVAL);
	close(fd);
}

static int add_fb(int fd, const struct drm_mode_fb_cmd2 *args)
{
	struct drm_mode_fb_cmd2 cmd = *args;
	int ret = vgpu_ioctl(fd, DRM_IOCTL_MODE_ADDFB2, &cmd);

	if (!ret)
		vgpu_sys(drmModeRmFB(fd, cmd.fb_id));
	return ret;
}

static struct drm_mode_fb_cmd2 fb_args(int fd, uint32_t width, uint32_t height)
{
	struct drm_mode_create_dumb dumb;

	vgpu_ok(create_dumb(fd, width, height, 32, &dumb));
	return (struct drm_mode_fb_cmd2){
		.width = width,
		.height = height,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { dumb.handle },
		.pitches = { dumb.pitch },
	};
}

/*
 * The kernel's own driver accepts it, and the host reads past the end of the buffer (faults.rst,
 * 4).
 */
static void fb_higher_than_its_buffer_is_refused(void)
{
	int fd = vgpu_open_display();
	struct drm_mode_fb_cmd2 args = fb_args(fd, 640, 480);

	vgpu_ok(add_fb(fd, &args));
	args.height = 481;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.height = 4800;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	close(fd);
}

static void fb_wider_than_its_buffer_is_refused(void)
{
	int fd = vgpu_open_display();
	struct drm_mode_fb_cmd2 args = fb_args(fd, 640, 480);

	args.width = 1280;
	args.pitches[0] = 1280 * 4;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	close(fd);
}

static void fb_offset_beyond_its_buffer_is_refused(void)
{
	const uint32_t offsets[] = {
		4, VGPU_PAGE, 640 * 480 * 4, 0x7ffffffc, 0xfffffffc,
	};
	int fd = vgpu_open_display();
	struct drm_mode_fb_cmd2 args = fb_args(fd, 640, 480);

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		args.offsets[0] = offsets[i];
		vgpu_ret(add_fb(fd, &args), -EINVAL, -ERANGE);
	}
	close(fd);
}

/*
 * The host shows a texture by its own size and format, and ignores offset and pitch of the
 * framebuffer. So a larger framebuffer, or one of another format, would show a wrong picture.
 */
static void fb_is_inside_its_texture(void)
{
	int fd = vgpu_open_display();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(64, 64);
	struct drm_mode_fb_cmd2 args = {
		.width = 64, .height = 64, .pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = { 64 * 4 },
	};

	vgpu_require(vgpu_has_3d(fd), "no 3D");

	/*
	 * More guest memory than the texture has pixels, so that only its shape limits the
	 * framebuffer.
	 */
	rc.size = 4 * 64 * 64 * 4;
	vgpu_ok(vgpu_resource_create(fd, &rc));
	args.handles[0] = rc.bo_handle;
	vgpu_ok(add_fb(fd, &args));
	args.pixel_format = DRM_FORMAT_ARGB8888;
	vgpu_ok(add_fb(fd, &args));
	args.pixel_format = DRM_FORMAT_XBGR8888;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.pixel_format = DRM_FORMAT_XRGB8888;
	args.height = 128;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.width = 128;
	args.pitches[0] = 128 * 4;
	args.height = 64;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.width = 64;
	args.pitches[0] = 64 * 4;
	args.offsets[0] = 64 * 4;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	close(fd);
}

static void fb_bad_pitch_is_refused(void)
{
	static const uint32_t pitches[] = { 0, 4, 640 * 4 - 4, 0x80000000 };
	int fd = vgpu_open_display();
	struct drm_mode_fb_cmd2 args = fb_args(fd, 640, 480);

	for (size_t i = 0; i < ARRAY_SIZE(pitches); i++) {
		args.pitches[0] = pitches[i];
		vgpu_ret(add_fb(fd, &args), -EINVAL, -ERANGE);
	}
	close(fd);
}

static void fb_larger_than_the_limit_is_refused(void)
{
	int fd = vgpu_open_display();
	drmModeResPtr res = drmModeGetResources(fd);
	struct drm_mode_fb_cmd2 args = fb_args(fd, 64, 64);

	args.width = res->max_width + 1;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.width = 64;
	args.height = res->max_height + 1;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.height = 0;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	drmModeFreeResources(res);
	close(fd);
}

static void fb_bad_format_is_refused(void)
{
	static const uint32_t formats[] = {
		0, DRM_FORMAT_NV12, DRM_FORMAT_C8, DRM_FORMAT_RGB565,
		DRM_FORMAT_XRGB16161616F, UINT32_MAX,
	};
	int fd = vgpu_open_display();
	struct drm_mode_fb_cmd2 args = fb_args(fd, 64, 64);

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		args.pixel_format = formats[i];
		vgpu_ret(add_fb(fd, &args), -EINVAL, -ENOENT);
	}
	close(fd);
}

static void fb_bad_handle_and_modifier_are_refused(void)
{
	int fd = vgpu_open_display();
	struct drm_mode_fb_cmd2 args = fb_args(fd, 64, 64);

	args.flags = DRM_MODE_FB_MODIFIERS;
	args.modifier[0] = I915_FORMAT_MOD_X_TILED;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.flags = 0;
	args.modifier[0] = 0;
	args.handles[0] = 1000000;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	args.handles[0] = 0;
	vgpu_ret(add_fb(fd, &args), -EINVAL);
	close(fd);
}

/* --- mode setting --- */

static void outputs_are_complete(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head heads[VGPU_MAX_HEADS];
	size_t count = vgpu_heads(fd, heads), connected = 0;

	for (size_t i = 0; i < count; i++) {
		vgpu_info("output %zu: mode %ux%u, cursor plane %u", i,
			  heads[i].mode.hdisplay, heads[i].mode.vdisplay,
			  heads[i].cursor);
		connected += heads[i].mode.hdisplay != 0;
		vgpu_assert(heads[i].cursor);
	}
	vgpu_assert(connected > 0);
	close(fd);
}

static void each_mode_is_shown(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	drmModeConnectorPtr conn = drmModeGetConnector(fd, head.connector);
	struct vgpu_fb fb;

	for (int i = 0; i < conn->count_modes; i++) {
		head.mode = conn->modes[i];
		vgpu_fb_init(fd, &fb, head.mode.hdisplay, head.mode.vdisplay,
			     DRM_FORMAT_XRGB8888);
		vgpu_ok(vgpu_show(fd, &head, &fb, 0, 0));
		vgpu_ok(vgpu_show(fd, &head, NULL, 0, 0));
		vgpu_fb_fini(fd, &fb);
	}
	drmModeFreeConnector(conn);
	close(fd);
}

static void preferred_mode_is_there(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	drmModeConnectorPtr conn = drmModeGetConnector(fd, head.connector);
	int preferred = 0;

	for (int i = 0; i < conn->count_modes; i++)
		preferred += !!(conn->modes[i].type & DRM_MODE_TYPE_PREFERRED);
	vgpu_assert_eq(preferred, 1);
	drmModeFreeConnector(conn);
	close(fd);
}

static void bad_modesets_are_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_head head = screen.head;
	struct vgpu_fb small;

	vgpu_fb_init(screen.fd, &small, 320, 200, DRM_FORMAT_XRGB8888);
	vgpu_ret(vgpu_show(screen.fd, &head, &small, 0, 0), -ENOSPC);
	vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 1, 0), -ENOSPC);
	vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 0, UINT32_MAX), -ENOSPC,
		 -EINVAL, -ERANGE);
	head.mode.clock = 0;
	vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 0, 0), -EINVAL);
	head = screen.head;
	head.mode.hdisplay = 0;
	vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 0, 0), -EINVAL);
	head = screen.head;
	head.crtc = 1000000;
	vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 0, 0), -ENOENT);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));

	vgpu_fb_fini(screen.fd, &small);
	vgpu_screen_end(&screen);
}

/* A clock of a million frames a second. The kernel's own driver accepts it. */
static void absurd_pixel_clock_is_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_head head = screen.head;

	head.mode.clock = INT32_MAX;
	vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 0, 0), -EINVAL);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_screen_end(&screen);
}

/* The sides that the driver offers are also those that it takes. */
static void modes_and_fbs_out_of_range_are_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	drmModeResPtr res = drmModeGetResources(screen.fd);
	uint32_t wrong[][2] = {
		{ screen.fb.width, res->min_height - 1 }, { res->min_width - 1, screen.fb.height },
		{ screen.fb.width, res->max_height + 1 }, { res->max_width + 1, screen.fb.height },
	};
	uint32_t handles[4] = { screen.fb.handle }, pitches[4], offsets[4] = { 0 }, id;

	vgpu_assert(res->min_width > 1 && res->min_height > 1);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct vgpu_head head = screen.head;

		pitches[0] = wrong[i][0] * 4;
		vgpu_ret(drmModeAddFB2(screen.fd, wrong[i][0], wrong[i][1], DRM_FORMAT_XRGB8888,
				       handles, pitches, offsets, &id, 0), -EINVAL);
		head.mode.hdisplay = (uint16_t)wrong[i][0];
		head.mode.vdisplay = (uint16_t)wrong[i][1];
		/* The framebuffer is too small for the modes that are too large. */
		vgpu_ret(vgpu_show(screen.fd, &head, &screen.fb, 0, 0), i < 2 ? -EINVAL : -ENOSPC,
			 -EINVAL);
	}
	for (size_t i = 0; i < 2; i++) {
		struct vgpu_head head = screen.head;

		head.mode.hdisplay = (uint16_t)(wrong[i][0] + i);
		head.mode.vdisplay = (uint16_t)(wrong[i][1] + 1 - i);
		vgpu_ok(vgpu_show(screen.fd, &head, &screen.fb, 0, 0));
	}
	drmModeFreeResources(res);
	vgpu_screen_end(&screen);
}

static void removing_the_shown_fb_turns_off(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb fb = screen_fb(&screen);
	drmModeCrtcPtr crtc;

	vgpu_ok(vgpu_show(screen.fd, &screen.head, &fb, 0, 0));
	vgpu_fb_fini(screen.fd, &fb);
	crtc = drmModeGetCrtc(screen.fd, screen.head.crtc);
	vgpu_assert_eq(crtc->buffer_id, 0);
	drmModeFreeCrtc(crtc);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_screen_end(&screen);
}

static void fb_outlives_its_handle(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb fb = screen_fb(&screen);

	vgpu_sys(drmModeDestroyDumbBuffer(screen.fd, fb.handle));
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &fb, 0, 0));
	memset(fb.pixels, 0x80, fb.size);
	vgpu_sys(drmModeDirtyFB(screen.fd, fb.id, NULL, 0));
	vgpu_sys(drmModeRmFB(screen.fd, fb.id));
	munmap(fb.pixels, fb.size);
	vgpu_screen_end(&screen);
}

static void second_master_is_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	int other = vgpu_open_card();

	vgpu_ret(vgpu_show(other, &screen.head, &screen.fb, 0, 0), -EACCES,
		 -ENOENT);
	close(other);
	vgpu_screen_end(&screen);
}

static void dpms_off_and_on(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	uint32_t prop = vgpu_prop(screen.fd, screen.head.connector,
				  DRM_MODE_OBJECT_CONNECTOR, "DPMS");

	vgpu_assert(prop);
	for (int i = 0; i < 3; i++) {
		vgpu_sys(drmModeConnectorSetProperty(screen.fd,
						     screen.head.connector, prop,
						     DRM_MODE_DPMS_OFF));
		vgpu_sys(drmModeConnectorSetProperty(screen.fd,
						     screen.head.connector, prop,
						     DRM_MODE_DPMS_ON));
	}
	vgpu_screen_end(&screen);
}

/* --- damage --- */

static int dirty(int fd, uint32_t fb, uint32_t flags,
		 const drm_clip_rect_t *clips, uint32_t count)
{
	struct drm_mode_fb_dirty_cmd cmd = {
		.fb_id = fb,
		.flags = flags,
		.num_clips = count,
		.clips_ptr = (uintptr_t)clips,
	};

	return vgpu_ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &cmd);
}

static void dirty_fb_with_clips(void)
{
	enum { MAX_CLIPS = 256 };
	struct vgpu_screen screen = vgpu_screen_new();
	drm_clip_rect_t clips[MAX_CLIPS];

	for (uint16_t i = 0; i < MAX_CLIPS; i++)
		clips[i] = (drm_clip_rect_t){
			.x1 = i, .y1 = i, .x2 = i + 16, .y2 = i + 8,
		};
	vgpu_ok(dirty(screen.fd, screen.fb.id, 0, NULL, 0));
	vgpu_ok(dirty(screen.fd, screen.fb.id, 0, clips, 1));
	vgpu_ok(dirty(screen.fd, screen.fb.id, 0, clips, 16));
	vgpu_ok(dirty(screen.fd, screen.fb.id, 0, clips, MAX_CLIPS));
	vgpu_screen_end(&screen);
}

static void dirty_fb_bad_arguments(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	const drm_clip_rect_t clip = { 0, 0, 1, 1 };

	vgpu_ret(dirty(screen.fd, 1000000, 0, &clip, 1), -ENOENT);
	vgpu_ret(dirty(screen.fd, screen.fb.id, 0, &clip, 257), -EINVAL);
	vgpu_ret(dirty(screen.fd, screen.fb.id, 0, &clip, UINT32_MAX), -EINVAL);
	vgpu_ret(dirty(screen.fd, screen.fb.id, 0, NULL, 1), -EINVAL);
	vgpu_ret(dirty(screen.fd, screen.fb.id, 0, &clip, 0), -EINVAL);
	vgpu_ret(dirty(screen.fd, screen.fb.id, 0, (void *)8, 1), -EFAULT);
	vgpu_screen_end(&screen);
}

/* Clips are hints: those outside of the picture have no effect. */
static void dirty_fb_odd_clips_do_no_harm(void)
{
	static const drm_clip_rect_t clips[] = {
		{ 10, 10, 5, 5 }, { 0, 0, 0, 0 }, { 65535, 65535, 65535, 65535 },
		{ 0, 0, 65535, 65535 }, { 60000, 10, 65535, 20 },
		{ 10, 60000, 20, 65535 }, { 65535, 65535, 0, 0 },
	};
	struct vgpu_screen screen = vgpu_screen_new();

	for (size_t i = 0; i < ARRAY_SIZE(clips); i++)
		vgpu_ret(dirty(screen.fd, screen.fb.id, 0, &clips[i], 1), 0,
			 -EINVAL);
	vgpu_ret(dirty(screen.fd, screen.fb.id, 0, clips, ARRAY_SIZE(clips)), 0,
		 -EINVAL);
	vgpu_ok(dirty(screen.fd, screen.fb.id, 0, NULL, 0));
	vgpu_screen_end(&screen);
}

static void dirty_fb_not_shown(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb hidden = screen_fb(&screen);

	vgpu_ok(dirty(screen.fd, hidden.id, 0, NULL, 0));
	vgpu_fb_fini(screen.fd, &hidden);
	vgpu_screen_end(&screen);
}

/* --- page flips --- */

static void flips_send_their_events(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb other = screen_fb(&screen);

	for (int i = 0; i < 60; i++)
		vgpu_flip(screen.fd, &screen.head, i & 1 ? &screen.fb : &other);
	vgpu_flip(screen.fd, &screen.head, &screen.fb);
	vgpu_fb_fini(screen.fd, &other);
	vgpu_screen_end(&screen);
}

static int flip(const struct vgpu_screen *screen, uint32_t fb, uint32_t flags)
{
	return vgpu_page_flip(screen->fd, screen->head.crtc, fb, flags, 0);
}

static void bad_flips_are_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb small;

	vgpu_fb_init(screen.fd, &small, 320, 200, DRM_FORMAT_XRGB8888);
	vgpu_ret(flip(&screen, 1000000, 0), -ENOENT);
	vgpu_ret(flip(&screen, small.id, 0), -ENOSPC, -EINVAL);
	vgpu_ret(flip(&screen, screen.fb.id, 0x80), -EINVAL);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, NULL, 0, 0));
	vgpu_ret(flip(&screen, screen.fb.id, 0), -EBUSY, -EINVAL);
	vgpu_fb_fini(screen.fd, &small);
	vgpu_screen_end(&screen);
}

static void flip_under_way_is_ebusy(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	int refused = 0;

	/*
	 * Whether the first flip is still pending depends on timing, so repeat until one is
	 * refused.
	 */
	for (int i = 0; i < 200 && !refused; i++) {
		int ret;

		vgpu_ok(flip(&screen, screen.fb.id, DRM_MODE_PAGE_FLIP_EVENT));
		ret = flip(&screen, screen.fb.id, DRM_MODE_PAGE_FLIP_EVENT);
		vgpu_ret(ret, 0, -EBUSY);
		refused += ret == -EBUSY;
		vgpu_wait_flip(screen.fd);
		if (!ret)
			vgpu_wait_flip(screen.fd);
	}

	vgpu_assert(refused > 0);
	vgpu_screen_end(&screen);
}

static void file_closed_with_a_flip_under_way(void)
{
	for (int i = 0; i < 5; i++) {
		struct vgpu_screen screen = vgpu_screen_new();

		vgpu_ok(flip(&screen, screen.fb.id, DRM_MODE_PAGE_FLIP_EVENT));
		munmap(screen.fb.pixels, screen.fb.size);
		close(screen.fd);
	}
}

static void async_flips_send_their_events(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb other = screen_fb(&screen);
	uint64_t async = 0;

	vgpu_sys(drmGetCap(screen.fd, DRM_CAP_ASYNC_PAGE_FLIP, &async));
	vgpu_require(async, "the driver flips at ticks only");
	for (int i = 0; i < 60; i++) {
		vgpu_ok(flip(&screen, i & 1 ? screen.fb.id : other.id,
			     DRM_MODE_PAGE_FLIP_EVENT | DRM_MODE_PAGE_FLIP_ASYNC));
		vgpu_wait_flip(screen.fd);
	}
	vgpu_fb_fini(screen.fd, &other);
	vgpu_screen_end(&screen);
}

/**
 * struct flip_event - the event of a flip, as the client receives it
 * @sequence: number of the frame
 * @age_us: age of its time stamp when the client reads it
 */
struct flip_event {
	unsigned int sequence;
	int64_t age_us;
};

static void on_flip_event(int fd, unsigned int sequence, unsigned int sec, unsigned int usec,
			  unsigned int crtc, void *user_data)
{
	struct flip_event *event = user_data;
	struct timespec now;

	(void)fd;
	(void)crtc;
	clock_gettime(CLOCK_MONOTONIC, &now);
	event->sequence = sequence;
	event->age_us = ((int64_t)now.tv_sec - sec) * 1000000 + now.tv_nsec / 1000 - usec;
}

static struct flip_event async_flip(const struct vgpu_screen *screen, uint32_t fb)
{
	drmEventContext context = { .version = 3, .page_flip_handler2 = on_flip_event };
	struct flip_event event;

	vgpu_sys(drmModePageFlip(screen->fd, screen->head.crtc, fb,
				 DRM_MODE_PAGE_FLIP_EVENT | DRM_MODE_PAGE_FLIP_ASYNC, &event));
	vgpu_assert_eq(drmHandleEvent(screen->fd, &context), 0);
	return event;
}

/*
 * Contract 10.7 and 10.9: Xorg's Present and KWin use the sequence number and the time of a flip's
 * event. DRM turns the vblank counter off five seconds after its last user, so the flips go on for
 * longer.
 */
static void async_flips_tell_the_time(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb other = screen_fb(&screen);
	struct flip_event event = { 0 };
	unsigned int first = 0;
	uint64_t async = 0;

	vgpu_sys(drmGetCap(screen.fd, DRM_CAP_ASYNC_PAGE_FLIP, &async));
	vgpu_require(async, "the driver flips at ticks only");
	for (int i = 0; i < 90; i++) {
		event = async_flip(&screen, i & 1 ? screen.fb.id : other.id);
		first = first ?: event.sequence;
		vgpu_assert_msg(event.age_us >= 0 && event.age_us < 2000000,
				"flip %d happened %lld us ago", i, (long long)event.age_us);
		usleep(100000);
	}

	/*
	 * The flips took nine seconds; the refresh rate of the mode says how many frames that is.
	 */
	vgpu_assert_msg(event.sequence - first > 9 * screen.head.mode.vrefresh / 2,
			"%u frames in nine seconds", event.sequence - first);

	vgpu_fb_fini(screen.fd, &other);
	vgpu_screen_end(&screen);
}

static void flood(void *arg)
{
	const struct drm_virtgpu_3d_box box = { .w = 64, .h = 64, .d = 1 };
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, 64, 64);

	(void)arg;
	for (;;)
		vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
}

/* Flips complete whatever the render clients do. */
static void flips_go_through_while_clients_flood(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb other = screen_fb(&screen);
	int pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(flood, NULL);
	for (int i = 0; i < 20; i++)
		vgpu_flip(screen.fd, &screen.head, i & 1 ? &screen.fb : &other);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		kill(pids[i], SIGKILL);
		vgpu_join_signalled(pids[i], SIGKILL);
	}
	vgpu_fb_fini(screen.fd, &other);
	vgpu_screen_end(&screen);
}

static void vblanks_are_counted(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	uint64_t first, last, ns;
	int ret;

	ret = drmCrtcGetSequence(screen.fd, screen.head.crtc, &first, &ns) ?
	      -errno : 0;

	/* Older kernels have no vblank timer, so there the driver has no vblanks. */
	vgpu_require(ret != -EOPNOTSUPP && ret != -EINVAL,
		     "the driver has no vblanks");
	vgpu_ok(ret);

	for (int i = 0; i < 10; i++) {
		drmVBlank vbl = { .request = {
			.type = DRM_VBLANK_RELATIVE |
				(screen.head.index << DRM_VBLANK_HIGH_CRTC_SHIFT),
			.sequence = 1,
		} };

		vgpu_sys(drmWaitVBlank(screen.fd, &vbl));
	}

	vgpu_sys(drmCrtcGetSequence(screen.fd, screen.head.crtc, &last, &ns));
	vgpu_assert(last >= first + 10);
	vgpu_screen_end(&screen);
}

/* --- cursor --- */

static uint32_t new_cursor(int fd, uint32_t side, uint8_t fill)
{
	struct drm_mode_create_dumb dumb;
	uint64_t offset;
	void *map;

	vgpu_ok(create_dumb(fd, side, side, 32, &dumb));
	vgpu_sys(drmModeMapDumbBuffer(fd, dumb.handle, &offset));
	map = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   (off_t)offset);
	vgpu_assert(map != MAP_FAILED);
	memset(map, fill, dumb.size);
	munmap(map, dumb.size);
	return dumb.handle;
}

static int set_cursor(const struct vgpu_screen *screen, uint32_t handle,
		      uint32_t side, int hot_x, int hot_y)
{
	return drmModeSetCursor2(screen->fd, screen->head.crtc, handle, side,
				 side, hot_x, hot_y) < 0 ? -errno : 0;
}

/* The picture was set while the output was off, so the host has not received it yet. */
static void cursor_set_while_off(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	uint32_t handle = new_cursor(screen.fd, CURSOR_SIDE, 0xff);
	uint32_t other = new_cursor(screen.fd, CURSOR_SIDE, 0x80);

	vgpu_ok(vgpu_show(screen.fd, &screen.head, NULL, 0, 0));
	vgpu_ok(set_cursor(&screen, handle, CURSOR_SIDE, 1, 2));
	vgpu_ok(set_cursor(&screen, other, CURSOR_SIDE, 3, 4));
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_ok(set_cursor(&screen, 0, 0, 0, 0));
	vgpu_screen_end(&screen);
}

static void cursor_set_move_hotspot_hide(void)
{
	static const struct { int x, y; } places[] = {
		{ 0, 0 }, { 100, 100 }, { -10, -20 }, { 639, 479 }, { 10000, 5 },
	};
	struct vgpu_screen screen = vgpu_screen_new();
	uint32_t a = new_cursor(screen.fd, CURSOR_SIDE, 0xff);
	uint32_t b = new_cursor(screen.fd, CURSOR_SIDE, 0x80);

	for (int round = 0; round < 3; round++) {
		vgpu_ok(set_cursor(&screen, a, CURSOR_SIDE, 0, 0));
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			vgpu_sys(drmModeMoveCursor(screen.fd, screen.head.crtc,
						   places[i].x, places[i].y));
		vgpu_ok(set_cursor(&screen, a, CURSOR_SIDE, 12, 34));
		vgpu_ok(set_cursor(&screen, b, CURSOR_SIDE, 12, 34));
		vgpu_ok(set_cursor(&screen, 0, 0, 0, 0));
	}
	vgpu_screen_end(&screen);
}

static void bad_cursors_are_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	uint32_t tiny = new_cursor(screen.fd, 16, 0xff);

	vgpu_ret(set_cursor(&screen, 1000000, CURSOR_SIDE, 0, 0), -ENOENT,
		 -EINVAL);
	vgpu_ret(set_cursor(&screen, tiny, CURSOR_SIDE, 0, 0), -EINVAL, -ENOMEM,
		 -ENOSPC);
	vgpu_ret(set_cursor(&screen, tiny, 10000, 0, 0), -EINVAL, -ERANGE,
		 -ENOSPC);
	vgpu_screen_end(&screen);
}

/* The virtio specification knows cursors of 64x64 only. */
static void cursor_of_another_size_is_refused(void)
{
	static const uint32_t sides[] = { 16, 32, 63, 65, 128 };
	struct vgpu_screen screen = vgpu_screen_new();

	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		vgpu_ret(set_cursor(&screen,
				    new_cursor(screen.fd, sides[i], 0xff),
				    sides[i], 0, 0), -EINVAL, -ERANGE, -ENOSPC);
	vgpu_screen_end(&screen);
}

/* A cursor can be replaced while its output is off; the output shows it when it is on again. */
static void cursor_changes_while_off(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	uint32_t cursors[] = {
		new_cursor(screen.fd, CURSOR_SIDE, 0xff),
		new_cursor(screen.fd, CURSOR_SIDE, 0x80),
	};

	for (int i = 0; i < 4; i++) {
		vgpu_ok(set_cursor(&screen, cursors[0], CURSOR_SIDE, 0, 0));
		vgpu_ok(vgpu_show(screen.fd, &screen.head, NULL, 0, 0));
		vgpu_ok(set_cursor(&screen, cursors[1], CURSOR_SIDE, i, i));
		vgpu_sys(drmModeMoveCursor(screen.fd, screen.head.crtc, i * 5, i));
		vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	}
	vgpu_screen_end(&screen);
}

static void cursor_and_flips_at_once(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb other = screen_fb(&screen);
	uint32_t cursors[] = {
		new_cursor(screen.fd, CURSOR_SIDE, 0xff),
		new_cursor(screen.fd, CURSOR_SIDE, 0x80),
	};

	for (int i = 0; i < 30; i++) {
		vgpu_ok(flip(&screen, i & 1 ? screen.fb.id : other.id,
			     DRM_MODE_PAGE_FLIP_EVENT));
		vgpu_sys(drmModeMoveCursor(screen.fd, screen.head.crtc, i * 5, i));
		vgpu_ok(set_cursor(&screen, cursors[i & 1], CURSOR_SIDE, i, i));
		vgpu_wait_flip(screen.fd);
	}
	vgpu_fb_fini(screen.fd, &other);
	vgpu_screen_end(&screen);
}

/* --- atomic --- */

static int commit_primary(const struct vgpu_screen *screen, const struct vgpu_fb *fb,
			  uint32_t x, uint32_t y, uint32_t w, uint32_t h,
			  uint32_t flags)
{
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	int ret;

	vgpu_atomic_plane(screen->fd, req, screen->head.primary, &screen->head,
			  fb, x, y, w, h);
	ret = vgpu_atomic_commit(screen->fd, req, flags, NULL);
	drmModeAtomicFree(req);
	return ret;
}

static void atomic_flips(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb other = screen_fb(&screen);
	const uint32_t w = other.width, h = other.height;

	for (int i = 0; i < 20; i++) {
		const struct vgpu_fb *fb = i & 1 ? &screen.fb : &other;

		vgpu_ok(commit_primary(&screen, fb, 0, 0, w, h,
				       DRM_MODE_ATOMIC_TEST_ONLY));
		vgpu_ok(commit_primary(&screen, fb, 0, 0, w, h,
				       DRM_MODE_ATOMIC_NONBLOCK |
				       DRM_MODE_PAGE_FLIP_EVENT));
		vgpu_wait_flip(screen.fd);
	}
	vgpu_ok(commit_primary(&screen, &screen.fb, 0, 0, w, h, 0));
	vgpu_fb_fini(screen.fd, &other);
	vgpu_screen_end(&screen);
}

static void atomic_source_outside_is_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	const uint32_t w = screen.fb.width, h = screen.fb.height;

	vgpu_ret(commit_primary(&screen, &screen.fb, 1, 0, w, h, 0), -ENOSPC);
	vgpu_ret(commit_primary(&screen, &screen.fb, 0, 1, w, h, 0), -ENOSPC);
	vgpu_ret(commit_primary(&screen, &screen.fb, 60000, 60000, w, h, 0),
		 -ENOSPC);
	vgpu_screen_end(&screen);
}

static void atomic_scaling_is_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();

	vgpu_atomic_plane(screen.fd, req, screen.head.primary, &screen.head,
			  &screen.fb, 0, 0, screen.fb.width, screen.fb.height);
	vgpu_atomic_set(screen.fd, req, screen.head.primary,
			DRM_MODE_OBJECT_PLANE, "SRC_W",
			(uint64_t)(screen.fb.width / 2) << 16);
	vgpu_ret(vgpu_atomic_commit(screen.fd, req, 0, NULL), -EINVAL, -ERANGE);
	drmModeAtomicFree(req);
	vgpu_screen_end(&screen);
}

static int commit_damage(const struct vgpu_screen *screen,
			 const struct drm_mode_rect *rects, uint32_t count)
{
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	uint32_t blob = 0;
	int ret;

	vgpu_sys(drmModeCreatePropertyBlob(screen->fd, rects,
					   count * sizeof(*rects), &blob));
	vgpu_atomic_plane(screen->fd, req, screen->head.primary, &screen->head,
			  &screen->fb, 0, 0, screen->fb.width,
			  screen->fb.height);
	vgpu_atomic_set(screen->fd, req, screen->head.primary,
			DRM_MODE_OBJECT_PLANE, "FB_DAMAGE_CLIPS", blob);
	ret = vgpu_atomic_commit(screen->fd, req, 0, NULL);
	drmModeAtomicFree(req);
	vgpu_sys(drmModeDestroyPropertyBlob(screen->fd, blob));
	return ret;
}

static int test_cursor(const struct vgpu_screen *screen, const struct vgpu_fb *image,
		       uint32_t side)
{
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	int ret;

	vgpu_require(screen->head.cursor, "no cursor plane");
	vgpu_atomic_plane(screen->fd, req, screen->head.cursor, &screen->head,
			  image, 0, 0, side, side);
	ret = vgpu_atomic_commit(screen->fd, req, DRM_MODE_ATOMIC_TEST_ONLY, NULL);
	drmModeAtomicFree(req);
	return ret;
}

/* The host always uses the whole buffer as the cursor, so a part of it cannot be shown. */
static void atomic_part_of_a_cursor_is_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb image, wide, part;

	vgpu_fb_init(screen.fd, &image, CURSOR_SIDE, CURSOR_SIDE,
		     DRM_FORMAT_ARGB8888);
	vgpu_ok(test_cursor(&screen, &image, CURSOR_SIDE));
	vgpu_ret(test_cursor(&screen, &image, CURSOR_SIDE / 2), -EINVAL);
	vgpu_fb_fini(screen.fd, &image);

	vgpu_fb_init(screen.fd, &wide, CURSOR_SIDE * 2, CURSOR_SIDE,
		     DRM_FORMAT_ARGB8888);
	part = wide;
	part.width = CURSOR_SIDE;
	vgpu_fb_add(screen.fd, &part, DRM_FORMAT_ARGB8888);
	vgpu_ret(test_cursor(&screen, &part, CURSOR_SIDE), -EINVAL);

	vgpu_sys(drmModeRmFB(screen.fd, part.id));
	vgpu_fb_fini(screen.fd, &wide);
	vgpu_screen_end(&screen);
}

static void atomic_damage_clips(void)
{
	static const struct drm_mode_rect rects[] = {
		{ 0, 0, 10, 10 }, { 100, 100, 200, 101 }, { 600, 400, 640, 480 },
	};
	static const struct drm_mode_rect outside[] = {
		{ -100, -100, 100000, 100000 },
	};
	static const struct drm_mode_rect reversed[] = { { 10, 10, 5, 5 } };
	struct vgpu_screen screen = vgpu_screen_new();

	vgpu_ok(commit_damage(&screen, rects, 1));
	vgpu_ok(commit_damage(&screen, rects, ARRAY_SIZE(rects)));
	vgpu_ret(commit_damage(&screen, outside, 1), 0, -EINVAL);
	vgpu_ret(commit_damage(&screen, reversed, 1), 0, -EINVAL);
	vgpu_screen_end(&screen);
}

static void atomic_out_fence_signals(void)
{
	struct vgpu_screen screen = vgpu_screen_new();

	for (int i = 0; i < 10; i++) {
		drmModeAtomicReqPtr req = drmModeAtomicAlloc();
		int32_t fence = -1;

		vgpu_atomic_plane(screen.fd, req, screen.head.primary,
				  &screen.head, &screen.fb, 0, 0,
				  screen.fb.width, screen.fb.height);
		vgpu_atomic_set(screen.fd, req, screen.head.crtc,
				DRM_MODE_OBJECT_CRTC, "OUT_FENCE_PTR",
				(uintptr_t)&fence);
		vgpu_ok(vgpu_atomic_commit(screen.fd, req,
					   DRM_MODE_ATOMIC_NONBLOCK, NULL));
		vgpu_assert(fence >= 0);
		vgpu_fence_wait(fence);
		close(fence);
		drmModeAtomicFree(req);
	}

	vgpu_screen_end(&screen);
}

static bool event_is_there(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return vgpu_sys(poll(&pfd, 1, 0)) == 1;
}

static void atomic_flip_waits_for_its_in_fence(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_manual manual = vgpu_manual_new();
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();

	vgpu_atomic_plane(screen.fd, req, screen.head.primary, &screen.head,
			  &screen.fb, 0, 0, screen.fb.width, screen.fb.height);
	vgpu_atomic_set(screen.fd, req, screen.head.primary,
			DRM_MODE_OBJECT_PLANE, "IN_FENCE_FD",
			(uint64_t)manual.sync_file);
	vgpu_ok(vgpu_atomic_commit(screen.fd, req, DRM_MODE_ATOMIC_NONBLOCK |
				   DRM_MODE_PAGE_FLIP_EVENT, NULL));
	usleep(200000);
	vgpu_assert(!event_is_there(screen.fd) ||
		    vgpu_fence_status(manual.sync_file));
	vgpu_manual_signal(&manual);
	vgpu_wait_flip(screen.fd);

	drmModeAtomicFree(req);
	vgpu_manual_close(&manual);
	vgpu_screen_end(&screen);
}

static void atomic_bad_requests_are_refused(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();

	vgpu_sys(drmModeAtomicAddProperty(req, screen.head.primary, 1000000, 1));
	vgpu_ret(vgpu_atomic_commit(screen.fd, req, 0, NULL), -ENOENT);
	drmModeAtomicFree(req);

	req = drmModeAtomicAlloc();
	vgpu_atomic_set(screen.fd, req, screen.head.primary,
			DRM_MODE_OBJECT_PLANE, "FB_ID", 1000000);
	vgpu_ret(vgpu_atomic_commit(screen.fd, req, 0, NULL), -EINVAL);
	vgpu_ret(vgpu_atomic_commit(screen.fd, req, 0x80000000, NULL), -EINVAL);
	drmModeAtomicFree(req);
	vgpu_screen_end(&screen);
}

/* Compositors show buffers that they have rendered to. */
static void rendered_buffer_is_shown(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	struct vgpu_fb fb;

	vgpu_fb_init_rendered(fd, &fb, head.mode.hdisplay, head.mode.vdisplay);
	vgpu_ok(vgpu_show(fd, &head, &fb, 0, 0));
	vgpu_flip(fd, &head, &fb);
	vgpu_ok(vgpu_show(fd, &head, NULL, 0, 0));
	vgpu_sys(drmModeRmFB(fd, fb.id));
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "dumb-buffer-has-room", .run = dumb_buffer_has_room },
	{ .name = "dumb-buffer-bad-sizes", .run = dumb_buffer_bad_sizes },
	{ .name = "dumb-buffer-bad-depths", .run = dumb_buffer_bad_depths },
	{ .name = "dumb-buffer-above-2-gib-is-refused",
	  .run = dumb_buffer_above_2_gib_is_refused },
	{ .name = "fb-higher-than-its-buffer-is-refused",
	  .run = fb_higher_than_its_buffer_is_refused },
	{ .name = "fb-wider-than-its-buffer-is-refused",
	  .run = fb_wider_than_its_buffer_is_refused },
	{ .name = "fb-offset-beyond-its-buffer-is-refused",
	  .run = fb_offset_beyond_its_buffer_is_refused },
	{ .name = "fb-is-inside-its-texture", .run = fb_is_inside_its_texture },
	{ .name = "fb-bad-pitch-is-refused", .run = fb_bad_pitch_is_refused },
	{ .name = "fb-larger-than-the-limit-is-refused",
	  .run = fb_larger_than_the_limit_is_refused },
	{ .name = "fb-bad-format-is-refused", .run = fb_bad_format_is_refused },
	{ .name = "fb-bad-handle-and-modifier-are-refused",
	  .run = fb_bad_handle_and_modifier_are_refused },
	{ .name = "outputs-are-complete", .run = outputs_are_complete },
	{ .name = "each-mode-is-shown", .run = each_mode_is_shown },
	{ .name = "preferred-mode-is-there", .run = preferred_mode_is_there },
	{ .name = "bad-modesets-are-refused", .run = bad_modesets_are_refused },
	{ .name = "absurd-pixel-clock-is-refused",
	  .run = absurd_pixel_clock_is_refused },
	{ .name = "modes-and-fbs-out-of-range-are-refused",
	  .run = modes_and_fbs_out_of_range_are_refused },
	{ .name = "removing-the-shown-fb-turns-off",
	  .run = removing_the_shown_fb_turns_off },
	{ .name = "fb-outlives-its-handle", .run = fb_outlives_its_handle },
	{ .name = "second-master-is-refused", .run = second_master_is_refused },
	{ .name = "dpms-off-and-on", .run = dpms_off_and_on },
	{ .name = "dirty-fb-with-clips", .run = dirty_fb_with_clips },
	{ .name = "dirty-fb-bad-arguments", .run = dirty_fb_bad_arguments },
	{ .name = "dirty-fb-odd-clips-do-no-harm",
	  .run = dirty_fb_odd_clips_do_no_harm },
	{ .name = "dirty-fb-not-shown", .run = dirty_fb_not_shown },
	{ .name = "flips-send-their-events", .run = flips_send_their_events },
	{ .name = "bad-flips-are-refused", .run = bad_flips_are_refused },
	{ .name = "flip-under-way-is-ebusy", .run = flip_under_way_is_ebusy },
	{ .name = "file-closed-with-a-flip-under-way",
	  .run = file_closed_with_a_flip_under_way },
	{ .name = "async-flips-send-their-events",
	  .run = async_flips_send_their_events },
	{ .name = "async-flips-tell-the-time", .run = async_flips_tell_the_time },
	{ .name = "flips-go-through-while-clients-flood",
	  .run = flips_go_through_while_clients_flood },
	{ .name = "vblanks-are-counted", .run = vblanks_are_counted },
	{ .name = "cursor-set-move-hotspot-hide",
	  .run = cursor_set_move_hotspot_hide },
	{ .name = "cursor-set-while-off", .run = cursor_set_while_off },
	{ .name = "bad-cursors-are-refused", .run = bad_cursors_are_refused },
	{ .name = "cursor-of-another-size-is-refused",
	  .run = cursor_of_another_size_is_refused },
	{ .name = "cursor-changes-while-off", .run = cursor_changes_while_off },
	{ .name = "cursor-and-flips-at-once", .run = cursor_and_flips_at_once },
	{ .name = "atomic-flips", .run = atomic_flips },
	{ .name = "atomic-source-outside-is-refused",
	  .run = atomic_source_outside_is_refused },
	{ .name = "atomic-scaling-is-refused", .run = atomic_scaling_is_refused },
	{ .name = "atomic-part-of-a-cursor-is-refused",
	  .run = atomic_part_of_a_cursor_is_refused },
	{ .name = "atomic-damage-clips", .run = atomic_damage_clips },
	{ .name = "atomic-out-fence-signals", .run = atomic_out_fence_signals },
	{ .name = "atomic-flip-waits-for-its-in-fence",
	  .run = atomic_flip_waits_for_its_in_fence },
	{ .name = "atomic-bad-requests-are-refused",
	  .run = atomic_bad_requests_are_refused },
	{ .name = "rendered-buffer-is-shown", .run = rendered_buffer_is_shown },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms",
		.about = "buffers, modes, flips, damage, cursor and atomic requests",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
