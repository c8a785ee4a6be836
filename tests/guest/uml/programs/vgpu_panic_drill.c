// SPDX-License-Identifier: MIT
/*
 * Tests that need a guest of their own: simulated panics, and a driver that is unbound from its
 * device under its clients and bound again.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm_fourcc.h>

#include "vgpu_binding.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_kernel.h"
#include "vgpu_pattern.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 64u
#define BLUE 0x000000ffu

/* Panic */

static void panic_drill(void)
{
	static const char *const path = "/sys/kernel/debug/dri/0/drm_panic_plane_0";

	vgpu_require(!access(path, W_OK), "this kernel has no panic drills");
	vgpu_kernel_write(path, "1");
}

static void fill(struct vgpu_fb *fb, uint32_t pixel)
{
	for (size_t i = 0; i < fb->size / 4; i++)
		fb->pixels[i] = pixel;
}

/* Count the pixels of one colour: the panic screen replaces all of them. */
static size_t count(const struct vgpu_fb *fb, uint32_t pixel)
{
	size_t n = 0;

	for (size_t i = 0; i < fb->size / 4; i++)
		n += fb->pixels[i] == pixel;
	return n;
}

/* Where vgpu_shot is at hand: the host shows what a part of a framebuffer holds. */
static void assert_shown(const struct vgpu_fb *fb, const struct vgpu_rect *part)
{
	const struct vgpu_image image = {
		.width = fb->width,
		.height = fb->height,
		.stride = fb->pitch / 4,
		.pixels = fb->pixels,
	};
	const char *shot = getenv("VGPU_SHOT"), *dir = getenv("VGPU_EXPECTED") ?: ".";
	char text[4096];

	if (!shot)
		return;
	snprintf(text, sizeof(text), "%s/panic.ppm", dir);
	vgpu_pattern_save(&image, part, text);
	snprintf(text, sizeof(text), "%s panic", shot);
	vgpu_assert_eq(system(text), 0);
}

static void panic_is_drawn(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	const struct vgpu_rect all = { .w = head.mode.hdisplay, .h = head.mode.vdisplay };
	struct vgpu_fb fb;

	vgpu_fb_init(fd, &fb, all.w, all.h, DRM_FORMAT_XRGB8888);
	fill(&fb, BLUE);
	vgpu_ok(vgpu_show(fd, &head, &fb, 0, 0));
	vgpu_assert_eq(count(&fb, BLUE), fb.size / 4);
	for (int i = 0; i < 3; i++)
		panic_drill();
	vgpu_assert_eq(count(&fb, BLUE), 0);
	assert_shown(&fb, &all);
	/* The panic was simulated: the next frame is shown as usual. */
	fill(&fb, BLUE);
	vgpu_flip(fd, &head, &fb);
	assert_shown(&fb, &all);
	vgpu_ok(vgpu_show(fd, &head, NULL, 0, 0));
	vgpu_fb_fini(fd, &fb);
	close(fd);
}

static void panic_with_nothing_shown(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);

	vgpu_ok(vgpu_show(fd, &head, NULL, 0, 0));
	panic_drill();
	close(fd);
}

/*
 * Only a part of a large buffer is shown, as with X on several monitors. The panic screen covers
 * that part, and leaves alone what is around it.
 */
static void panic_in_a_panned_buffer(void)
{
	enum { X = 68, Y = 33 };
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	const struct vgpu_rect part = { X, Y, head.mode.hdisplay, head.mode.vdisplay };
	struct vgpu_fb fb;

	vgpu_fb_init(fd, &fb, part.w + 128, part.h + 64, DRM_FORMAT_XRGB8888);
	fill(&fb, BLUE);
	vgpu_ok(vgpu_show(fd, &head, &fb, X, Y));
	panic_drill();
	vgpu_assert_eq(count(&fb, BLUE), fb.size / 4 - (size_t)part.w * part.h);
	vgpu_assert(fb.pixels[Y * fb.pitch / 4 + X] != BLUE);
	vgpu_assert(fb.pixels[Y * fb.pitch / 4 + X - 1] == BLUE);
	assert_shown(&fb, &part);
	vgpu_ok(vgpu_show(fd, &head, NULL, 0, 0));
	vgpu_fb_fini(fd, &fb);
	close(fd);
}

/*
 * Venus shows a swapchain image that is memory of the host, without pages of the guest. There is
 * nothing to draw into, and the picture stays.
 */
static void panic_on_host_memory_leaves_the_picture(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	struct vgpu_fb fb = {
		.width = head.mode.hdisplay,
		.height = head.mode.vdisplay,
		.pitch = head.mode.hdisplay * 4u,
		.size = (uint64_t)head.mode.hdisplay * head.mode.vdisplay * 4,
	};
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(fb.size);

	vgpu_require(vgpu_has_host_visible(fd), "the device has no host-visible memory");
	vgpu_ok(vgpu_context_init_capset(fd, VIRTGPU_DRM_CAPSET_VENUS));
	vgpu_ok(vgpu_blob_create(fd, &blob));
	fb.handle = blob.bo_handle;
	fb.pixels = vgpu_new_map(fd, fb.handle, fb.size);
	fill(&fb, BLUE);
	vgpu_fb_add(fd, &fb, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(fd, &head, &fb, 0, 0));
	panic_drill();
	vgpu_assert_eq(count(&fb, BLUE), fb.size / 4);
	vgpu_ok(vgpu_show(fd, &head, NULL, 0, 0));
	munmap(fb.pixels, fb.size);
	close(fd);
}

/* Unbinding */

/**
 * struct victim - a client with an object of each kind
 * @client: render node and capset
 * @display: the card, lit
 * @head: the lit output
 * @fb: the framebuffer that it shows
 * @handle: a picture
 * @map: its mapping
 * @fence: fence of its last submission, -1 without 3D
 */
struct victim {
	struct vgpu_client client;
	int display;
	struct vgpu_head head;
	struct vgpu_fb fb;
	uint32_t handle;
	uint8_t *map;
	int fence;
};

static void victim_init(struct victim *victim)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };

	victim->display = vgpu_open_display();
	victim->head = vgpu_first_head(victim->display);
	vgpu_fb_init(victim->display, &victim->fb, victim->head.mode.hdisplay,
		     victim->head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(victim->display, &victim->head, &victim->fb, 0, 0));
	victim->client.fd = vgpu_open_render();
	victim->fence = -1;
	if (vgpu_has_3d(victim->client.fd)) {
		close(victim->client.fd);
		victim->client = vgpu_client_open();
	}

	victim->handle = vgpu_new_picture(victim->client.fd, SIDE, SIDE);
	victim->map = vgpu_new_map(victim->client.fd, victim->handle, SIDE * SIDE * 4);
	vgpu_fill(victim->map, SIDE * SIDE * 4, 1);
	vgpu_ok(vgpu_transfer_to_host(victim->client.fd, victim->handle, &box, 0, 0));
	if (vgpu_has_3d(victim->client.fd))
		vgpu_ok(vgpu_submit_fences(&victim->client, -1, &victim->fence));
}

/* Without a device all calls fail, none hangs, and the pending fence signals. */
static void victim_check_lost(struct victim *victim)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	struct pollfd pfd = { .fd = victim->fence, .events = POLLIN };
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);

	if (victim->fence >= 0)
		vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 60000)), 1);
	vgpu_ret(vgpu_resource_create(victim->client.fd, &rc), -ENODEV);
	vgpu_ret(vgpu_wait(victim->client.fd, victim->handle, 0), -ENODEV);
	vgpu_ret(vgpu_transfer_to_host(victim->client.fd, victim->handle, &box, 0, 0), -ENODEV);
	vgpu_assert(vgpu_show(victim->display, &victim->head, &victim->fb, 0, 0) < 0);
	/* The mapping of guest memory stays, or an access raises a signal. */
	vgpu_touch(victim->map);
}

static void victim_fini(struct victim *victim)
{
	munmap(victim->map, SIDE * SIDE * 4);
	munmap(victim->fb.pixels, victim->fb.size);
	if (victim->fence >= 0)
		close(victim->fence);
	close(victim->client.fd);
	close(victim->display);
}

static void unbind_under_clients(void)
{
	struct vgpu_binding binding;
	struct victim victim;

	vgpu_binding_init(&binding);
	victim_init(&victim);
	vgpu_ok(vgpu_unbind(&binding));
	victim_check_lost(&victim);
	/* The old files stay open while the driver is bound again. */
	vgpu_ok(vgpu_bind(&binding));
	vgpu_drm_check_alive();
	victim_fini(&victim);
	vgpu_binding_fini(&binding);
}

static void unbind_and_bind_many_times(void)
{
	struct vgpu_binding binding;

	vgpu_binding_init(&binding);
	for (int i = 0; i < 10; i++) {
		vgpu_ok(vgpu_unbind(&binding));
		vgpu_ok(vgpu_bind(&binding));
		vgpu_drm_check_alive();
	}
	vgpu_binding_fini(&binding);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "panic-is-drawn", .run = panic_is_drawn },
	{ .name = "panic-with-nothing-shown", .run = panic_with_nothing_shown },
	{ .name = "panic-in-a-panned-buffer", .run = panic_in_a_panned_buffer },
	{ .name = "panic-on-host-memory-leaves-the-picture",
	  .run = panic_on_host_memory_leaves_the_picture },
	{ .name = "unbind-under-clients", .run = unbind_under_clients },
	{ .name = "unbind-and-bind-many-times", .run = unbind_and_bind_many_times },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_panic_drill",
		.about = "simulated panics, and unbinding the driver",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
