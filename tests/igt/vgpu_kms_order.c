// SPDX-License-Identifier: MIT
/* What an update of the display waits for, and what it does not */
#include <poll.h>
#include <unistd.h>
#include <xf86drm.h>

#include "toy3d.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* For how long an update is watched that waits. It waits 5 s at most, so less than twice that. */
#define LOOK_MS 3500

/**
 * struct scene - a lit output, and a buffer the same file draws into
 * @client: draws, and is the master
 * @head: the output
 * @front: what is shown at first
 * @back: what is drawn and then flipped to
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

/* Long after a driver would take a host with one long job for one that is not there. */
static bool has_flipped(const struct scene *scene)
{
	struct pollfd pfd = { .fd = scene->client.fd, .events = POLLIN };

	return vgpu_sys(poll(&pfd, 1, LOOK_MS)) == 1;
}

/* The host draws before it shows, and says later that it has drawn. */
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

/* A ring is another processor, that does not know of the display: a job there may be late. */
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

/* After 10 seconds the DRM core gives the update up, with an error and in disorder. */
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

/* The host has not got it yet, so it would come after the flip. */
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
		.about = "what an update of the display waits for",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
