// SPDX-License-Identifier: MIT
/* The fences that a display update waits for, and those that it does not wait for. */
#include <poll.h>
#include <unistd.h>
#include <xf86drm.h>

#include "toy3d.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/*
 * How long the test watches a flip that should wait. The driver waits 5 s at most, so a flip that
 * waits for a ring has not completed after one such time, and has after two.
 */
#define LOOK_MS 3500

/**
 * struct scene - a lit output, and a buffer the same file draws into
 * @client: the client that draws, and is DRM master
 * @head: the output
 * @front: the framebuffer that is shown first
 * @back: the framebuffer that is drawn and then flipped to
 */
struct scene {
	struct vgpu_client client;
	struct vgpu_head head;
	struct vgpu_fb front;
	struct vgpu_fb back;
};

static struct scene scene_on(int fd)
{
	struct scene scene = {
		.client = vgpu_client_of(fd),
		.head = vgpu_first_head(fd),
	};
	const drmModeModeInfo *mode = &scene.head.mode;

	vgpu_fb_init_rendered(fd, &scene.front, mode->hdisplay, mode->vdisplay);
	vgpu_fb_init_rendered(fd, &scene.back, mode->hdisplay, mode->vdisplay);
	vgpu_ok(vgpu_show(fd, &scene.head, &scene.front, 0, 0));
	return scene;
}

static void scene_end(struct scene *scene)
{
	vgpu_ok(vgpu_show(scene->client.fd, &scene->head, NULL, 0, 0));
	vgpu_sys(drmModeRmFB(scene->client.fd, scene->front.id));
	vgpu_sys(drmModeRmFB(scene->client.fd, scene->back.id));
	vgpu_client_close(&scene->client);
}

static void begin_flip(const struct scene *scene)
{
	vgpu_sys(drmModePageFlip(scene->client.fd, scene->head.crtc,
				 scene->back.id, DRM_MODE_PAGE_FLIP_EVENT, NULL));
}

static bool is_busy(const struct scene *scene)
{
	return vgpu_wait(scene->client.fd, scene->back.handle,
			 VIRTGPU_WAIT_NOWAIT) == -EBUSY;
}

/* Check whether the event of the flip arrives within LOOK_MS. */
static bool has_flipped(const struct scene *scene)
{
	struct pollfd pfd = { .fd = scene->client.fd, .events = POLLIN };

	return vgpu_sys(poll(&pfd, 1, LOOK_MS)) == 1;
}

/*
 * The host executes the drawing before the flip, so the flip need not wait until the host reports
 * it.
 */
static void flip_does_not_wait_for_what_the_host_does_first(void)
{
	struct scene scene = scene_on(vgpu_open_display());
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)&scene.back.handle,
		.num_bo_handles = 1,
	};
	uint32_t token = vgpu_token();

	vgpu_ok(vgpu_submit_kept(&scene.client, &exec, token));
	begin_flip(&scene);
	vgpu_wait_flip(scene.client.fd);
	vgpu_assert(is_busy(&scene));
	vgpu_ok(vgpu_submit_release(&scene.client, token));
	vgpu_ok(vgpu_wait(scene.client.fd, scene.back.handle, 0));
	scene_end(&scene);
}

/*
 * A ring is a timeline of its own, not ordered with the display: its work may end after the flip.
 */
static struct scene scene_behind_a_ring(uint32_t token)
{
	const struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, TOY3D_CAPSET_ID },
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
	};
	int fd = vgpu_open_display();
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX,
		.num_bo_handles = 1,
		.ring_idx = 1,
	};
	struct scene scene;

	vgpu_require(vgpu_has_capset(fd, TOY3D_CAPSET_ID), "not our own host");
	vgpu_ok(vgpu_context_init(fd, params, ARRAY_SIZE(params)));
	scene = scene_on(fd);
	exec.bo_handles = (uintptr_t)&scene.back.handle;
	vgpu_ok(vgpu_submit_kept(&scene.client, &exec, token));
	return scene;
}

static void flip_waits_for_a_ring(void)
{
	uint32_t token = vgpu_token();
	struct scene scene = scene_behind_a_ring(token);

	begin_flip(&scene);
	vgpu_assert(!has_flipped(&scene));
	vgpu_ok(vgpu_submit_release(&scene.client, token));
	vgpu_wait_flip(scene.client.fd);
	vgpu_assert(!is_busy(&scene));
	scene_end(&scene);
}

/* Contract 10.15. After 10 seconds the DRM core would give the commit up, with an error. */
static void flip_waits_for_a_ring_5_seconds_at_most(void)
{
	uint32_t token = vgpu_token();
	struct scene scene = scene_behind_a_ring(token);

	begin_flip(&scene);
	vgpu_assert(!has_flipped(&scene));
	vgpu_assert(has_flipped(&scene));
	vgpu_wait_flip(scene.client.fd);
	vgpu_assert(is_busy(&scene));
	vgpu_ok(vgpu_submit_release(&scene.client, token));
	vgpu_ok(vgpu_wait(scene.client.fd, scene.back.handle, 0));
	scene_end(&scene);
}

/* The driver has not sent the drawing yet, so the host would execute it after the flip. */
static void flip_waits_for_work_that_waits(void)
{
	struct scene scene = scene_on(vgpu_open_display());
	struct vgpu_manual manual = vgpu_manual_new();
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
		.bo_handles = (uintptr_t)&scene.back.handle,
		.num_bo_handles = 1,
		.fence_fd = manual.sync_file,
	};

	vgpu_ok(vgpu_submit(&scene.client, &exec));
	begin_flip(&scene);
	vgpu_assert(!has_flipped(&scene));
	vgpu_manual_signal(&manual);
	vgpu_wait_flip(scene.client.fd);
	vgpu_manual_close(&manual);
	scene_end(&scene);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "flip-does-not-wait-for-what-the-host-does-first",
	  .run = flip_does_not_wait_for_what_the_host_does_first },
	{ .name = "flip-waits-for-a-ring", .run = flip_waits_for_a_ring },
	{ .name = "flip-waits-for-a-ring-5-seconds-at-most",
	  .run = flip_waits_for_a_ring_5_seconds_at_most },
	{ .name = "flip-waits-for-work-that-waits",
	  .run = flip_waits_for_work_that_waits },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms_order",
		.about = "fences that a display update waits for",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
