// SPDX-License-Identifier: MIT
/*
 * Commands that the host holds. The host judges its own work, so no time makes a held
 * command fail, and a client with held commands must not take the device from others:
 *
 * --fence  contract 5.10 (Venus: a wait that fails is a lost device). The host holds one
 *          ring's command for more than five minutes while it serves other clients. The fence
 *          stays pending all that time and then signals without an error.
 * --poll   contract 7.3 and 7.4 (sommelier, wayland-proxy, muvm). The host holds a POLL for
 *          an hour. No event comes, the device is not reset, and the driver wakes up at most
 *          once a minute for it.
 * --ring   contract 7.4. Four processes have the host hold 300 commands. A fifth process
 *          draws and flips as fast as it did without them, and a client whose commands are
 *          held can be killed.
 * --map    contract 8.7. The host holds the command that maps a blob in the window. The client
 *          that maps it waits, and can be killed; another client maps its own blob.
 * --wrap   contract 12.7 (QEMU, virglrenderer). The fence ids are almost used up, and the host
 *          holds a global fence. Clients that need a new global fence wait, and can be killed;
 *          ring fences and the display do not wait. When the host signals the held fence, the
 *          waiting clients go on.
 *
 * Times are those of the guest.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm_fourcc.h>

#include "vgpu_case.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_kernel.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* The ring whose commands the fault script holds. */
#define HELD_RING 1
#define NUM_RINGS 2

#define HELD_AT_LEAST_S 300.0
#define STEP_S 2
#define STEPS 1000

#define HOUR_S 3600
#define MAX_WAKEUPS 70
#define WORK "workqueue/workqueue_execute_start"

#define KEEPERS 4
#define KEPT 75
#define FRAMES 60
/* Slack for the granularity of the clock. */
#define FRAMES_SLACK_S 0.1
#define DEATH_BOUND_S 1.0

/* The capset of contexts whose blobs the host can map (see faults). */
#define WINDOW_CAPSET_ID 4
#define MAP_S 60

/*
 * More global fences than free ids (see faults); ring fences until the host signals the held one.
 */
#define WRAP_FENCES 16
#define WRAP_RING_FENCES 200
#define WRAP_S 3

static int submit_held(const struct vgpu_client *client, int *fence)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | (fence ? VIRTGPU_EXECBUF_FENCE_FD_OUT : 0),
		.ring_idx = HELD_RING,
		.fence_fd = -1,
	};
	int ret = vgpu_submit(client, &exec);

	if (fence)
		*fence = ret ? -1 : exec.fence_fd;
	return ret;
}

/* Submit a command that the host does not hold, and wait for it. */
static void work(const struct vgpu_client *client)
{
	int fence;

	vgpu_ok(vgpu_submit_fences(client, -1, &fence));
	vgpu_fence_wait(fence);
	close(fence);
}

static void held_fence(void)
{
	struct vgpu_client holder = vgpu_client_open_rings(NUM_RINGS, 0);
	struct vgpu_client other = vgpu_client_open();
	double start = vgpu_now(), took;
	int fence;

	vgpu_ok(submit_held(&holder, &fence));
	for (unsigned int i = 0; i < STEPS && !vgpu_fence_status(fence); i++) {
		work(&other);
		sleep(STEP_S);
	}

	took = vgpu_now() - start;
	vgpu_info("1 calls, whose fence ends with %d after %.0f s", vgpu_fence_status(fence), took);
	vgpu_assert_eq(vgpu_fence_status(fence), 1);

	/* Otherwise the host did not hold the command for long, and the test shows nothing. */
	vgpu_assert(took > HELD_AT_LEAST_S);
	work(&holder);

	close(fence);
	vgpu_client_close(&holder);
	vgpu_client_close(&other);
}

static void held_poll(void)
{
	struct vgpu_client proxy = vgpu_client_open_rings(NUM_RINGS, 1u << HELD_RING);
	struct pollfd pfd = { .fd = proxy.fd, .events = POLLIN };
	unsigned int wakeups;
	char *trace;

	work(&proxy);
	vgpu_ok(submit_held(&proxy, NULL));
	vgpu_assert(vgpu_kernel_trace(WORK));
	/*
	 * No event may come: it would make a proxy read the old message in the shared ring again.
	 */
	vgpu_assert_eq(poll(&pfd, 1, HOUR_S * 1000), 0);
	/* Each work of the driver that a workqueue started. */
	trace = vgpu_kernel_traced(WORK);
	wakeups = vgpu_kernel_filter(trace, "function vgpu_", "function virtio_gpu_");
	vgpu_info("1 calls, for which the driver woke up %u times in an hour", wakeups);
	vgpu_assert_msg(wakeups <= MAX_WAKEUPS, "%s", trace);
	free(trace);
	/* Had the device been reset, the context would be lost. */
	work(&proxy);
	vgpu_client_close(&proxy);
}

static unsigned int *nr_kept;

static void keep(void *arg)
{
	struct vgpu_client client = vgpu_client_open_rings(NUM_RINGS, 0);
	unsigned int *kept = arg;
	int fence;

	/* The driver may throttle the client; then the parent kills it while it waits. */
	for (unsigned int i = 0; i < KEPT; i++) {
		/* The host holds commands with a fence only. */
		vgpu_ok(submit_held(&client, &fence));
		close(fence);
		++*kept;
		usleep(1000);
	}
	for (;;)
		pause();
}

/* Render and flip FRAMES frames like a client that waits for each; returns the time in seconds. */
static double draw_and_flip(int card, const struct vgpu_head *head, struct vgpu_fb fb[2])
{
	struct vgpu_client client = vgpu_client_of(card);
	double start = vgpu_now();

	for (unsigned int i = 0; i < FRAMES; i++) {
		vgpu_ok(vgpu_submit_bo(&client, fb[i % 2].handle));
		vgpu_flip(card, head, &fb[i % 2]);
		work(&client);
	}
	return vgpu_now() - start;
}

static void kill_keepers(const int pids[KEEPERS])
{
	double start = vgpu_now();

	for (unsigned int i = 0; i < KEEPERS; i++)
		vgpu_sys(kill(pids[i], SIGKILL));
	for (unsigned int i = 0; i < KEEPERS; i++)
		vgpu_join_signalled(pids[i], SIGKILL);
	vgpu_info("clients with held commands are gone after %.3f s", vgpu_now() - start);
	vgpu_assert(vgpu_now() - start < DEATH_BOUND_S);
}

static void held_ring(void)
{
	int card = vgpu_open_display(), pids[KEEPERS];
	struct vgpu_head head = vgpu_first_head(card);
	double usual, among, after;
	unsigned int total = 0;
	struct vgpu_fb fb[2];

	nr_kept = mmap(NULL, VGPU_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	vgpu_assert(nr_kept != MAP_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(fb); i++)
		vgpu_fb_init_rendered(card, &fb[i], head.mode.hdisplay, head.mode.vdisplay);
	vgpu_ok(vgpu_show(card, &head, &fb[0], 0, 0));
	draw_and_flip(card, &head, fb);
	usual = draw_and_flip(card, &head, fb);
	for (unsigned int i = 0; i < KEEPERS; i++)
		pids[i] = vgpu_fork(keep, &nr_kept[i]);
	sleep(3);
	for (unsigned int i = 0; i < KEEPERS; i++)
		total += nr_kept[i];
	among = draw_and_flip(card, &head, fb);
	vgpu_info("%u flips among %u commands that the host holds take %.3f s, alone %.3f s",
		  FRAMES, total, among, usual);
	vgpu_assert(among < usual + FRAMES_SLACK_S);

	/* The host accepted commands of each process. */
	for (unsigned int i = 0; i < KEEPERS; i++)
		vgpu_assert(nr_kept[i]);
	kill_keepers(pids);
	after = draw_and_flip(card, &head, fb);
	vgpu_assert(after < usual + FRAMES_SLACK_S);
	close(card);
}

static int map_host_blob(void)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(VGPU_PAGE);
	int fd = vgpu_open_render(), ret;
	uint64_t offset;

	vgpu_ok(vgpu_context_init_capset(fd, WINDOW_CAPSET_ID));
	vgpu_ok(vgpu_blob_create(fd, &blob));
	ret = vgpu_map_offset(fd, blob.bo_handle, &offset);
	close(fd);
	return ret;
}

static void map_in_vain(void *arg)
{
	bool *returned = arg;

	map_host_blob();
	*returned = true;
}

static void held_map(void)
{
	bool *returned = mmap(NULL, VGPU_PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double start;
	int pid;

	vgpu_assert(returned != MAP_FAILED);
	pid = vgpu_fork(map_in_vain, returned);
	sleep(MAP_S);
	vgpu_assert(!*returned);
	vgpu_ok(map_host_blob());
	start = vgpu_now();
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_info("2 calls, the one that the host holds is gone after %.3f s", vgpu_now() - start);
	vgpu_assert(vgpu_now() - start < DEATH_BOUND_S);
	vgpu_ok(map_host_blob());
}

/*
 * Submit more fences than there are ids, and wait for the last one only: the host signals global
 * fences in order, and holds the first.
 */
static void use_up_ids(void *arg)
{
	struct vgpu_client client = vgpu_client_open();
	unsigned int *done = arg;
	int fence = -1;

	for (; *done < WRAP_FENCES; ++*done) {
		if (fence >= 0)
			close(fence);
		vgpu_ok(vgpu_submit_fences(&client, -1, &fence));
	}
	vgpu_fence_wait(fence);
	close(fence);
	vgpu_client_close(&client);
}

static void held_wrap(void)
{
	unsigned int *done = mmap(NULL, VGPU_PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct vgpu_client rings = vgpu_client_open_rings(NUM_RINGS, 0);
	struct vgpu_client holder = vgpu_client_open();
	int card = vgpu_open_display(), fence, ring_fence, pid;
	struct vgpu_head head = vgpu_first_head(card);
	struct vgpu_fb fb[2];
	unsigned int i = 0;

	vgpu_assert(done != MAP_FAILED);
	for (; i < ARRAY_SIZE(fb); i++)
		vgpu_fb_init(card, &fb[i], head.mode.hdisplay, head.mode.vdisplay,
			     DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(card, &head, &fb[0], 0, 0));
	vgpu_ok(vgpu_submit_fences(&holder, -1, &fence));
	pid = vgpu_fork(use_up_ids, done);
	sleep(WRAP_S);
	vgpu_assert(*done < WRAP_FENCES);
	vgpu_assert_eq(vgpu_fence_status(fence), 0);
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	*done = 0;
	pid = vgpu_fork(use_up_ids, done);

	for (i = 0; i < WRAP_RING_FENCES && !vgpu_fence_status(fence); i++) {
		vgpu_ok(submit_held(&rings, &ring_fence));
		vgpu_fence_wait(ring_fence);
		close(ring_fence);
		vgpu_flip(card, &head, &fb[i % 2]);
	}

	vgpu_info("%u calls, until the host signals the old fence", i);
	vgpu_assert(i > 1);
	vgpu_assert_eq(vgpu_fence_status(fence), 1);
	vgpu_join(pid);
	vgpu_assert_eq(*done, WRAP_FENCES);

	close(fence);
	close(card);
	vgpu_client_close(&holder);
	vgpu_client_close(&rings);
}

static const struct vgpu_case cases[] = {
	{ "--fence", held_fence },
	{ "--poll", held_poll },
	{ "--ring", held_ring },
	{ "--map", held_map },
	{ "--wrap", held_wrap },
};

int main(int argc, char **argv)
{
	return vgpu_case_main(argc, argv, cases, ARRAY_SIZE(cases));
}
