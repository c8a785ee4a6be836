// SPDX-License-Identifier: MIT
/*
 * Hosts that answer slowly, partly, or not at all, and the results that clients see:
 *
 * --slow    a host that does one command every few kicks, in order. However long that takes,
 *           no command fails and no context is lost.
 * --silent  a host that answers nothing any more. A client that asks for a capset receives
 *           its signals while it waits, waits on after each, and gets an error in the end.
 * --blind   the same for a client that maps a blob of host memory.
 * --monitor a slow host whose monitor changes while it has much work. The driver notices.
 * --poor    a host that has no memory to map a blob. The client gets -ENOMEM.
 * --again   a host that refuses a capset once. The next request for it succeeds.
 * --late    a host that describes its capset only when probe no longer waits. Clients see the
 *           capset from then on, and can use it.
 *
 * Times are those of the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "vgpu_case.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_test.h"

#define JOBS 12
#define JOBS_MORE 40
#define STEP_S 10
#define PATIENCE_S 30.0
/* Above the silence limit, after which a host that answers nothing is reset. */
#define CALL_BOUND_S 400
#define STREAM_BYTES 65536u
#define TICK_US 50000
/* More notifications than the delay in faults.list. */
#define LATE_KICKS 200
/* The capset of toy3d. */
#define CAPSET_ID 30
/* The capset of contexts whose blobs the host can map (see faults). */
#define WINDOW_CAPSET_ID 4

static int submit(int fd, uint32_t size_bytes, int *fence)
{
	/* A single NOP of toy3d, as long as the stream. */
	static uint32_t stream[STREAM_BYTES / 4];
	struct drm_virtgpu_execbuffer exec = {
		.flags = fence ? VIRTGPU_EXECBUF_FENCE_FD_OUT : 0,
		.command = (uintptr_t)stream,
		.size = size_bytes,
		.fence_fd = -1,
	};
	int ret;

	stream[0] = (size_bytes / 4 - 1) << 16;
	ret = vgpu_execbuffer(fd, &exec);
	if (fence)
		*fence = ret ? -1 : exec.fence_fd;
	return ret;
}

/* The host processes earlier jobs at the notifications of later ones. */
static void slow(void)
{
	double began[JOBS], took, slowest = 0;
	int fd = vgpu_open_render(), fence[JOBS];
	unsigned int done = 0;

	for (unsigned int i = 0; i < JOBS + JOBS_MORE && done < JOBS; i++) {
		if (i < JOBS)
			began[i] = vgpu_now();
		vgpu_ok(submit(fd, 8, i < JOBS ? &fence[i] : NULL));
		sleep(STEP_S);
		for (; done < JOBS && done <= i && vgpu_fence_status(fence[done]); done++) {
			vgpu_assert_eq(vgpu_fence_status(fence[done]), 1);
			took = vgpu_now() - began[done];
			if (took > slowest)
				slowest = took;
			close(fence[done]);
		}
	}

	vgpu_info("%u calls, the slowest job took %.0f s", done, slowest);
	vgpu_assert_eq(done, JOBS);

	/* Otherwise the host was not slow, and the test shows nothing. */
	vgpu_assert(slowest > 2 * PATIENCE_S);

	/* After a reset the context would be lost. */
	vgpu_ok(submit(fd, 8, NULL));
	close(fd);
}

static bool prefers(int fd, uint32_t width, uint32_t height)
{
	struct vgpu_head heads[VGPU_MAX_HEADS];
	drmModeConnectorPtr conn;
	bool found = false;

	vgpu_assert(vgpu_heads(fd, heads) > 0);
	conn = drmModeGetConnector(fd, heads[0].connector);
	vgpu_assert(conn);
	for (int i = 0; i < conn->count_modes; i++)
		if (conn->modes[i].type & DRM_MODE_TYPE_PREFERRED)
			found |= conn->modes[i].hdisplay == width &&
				 conn->modes[i].vdisplay == height;
	drmModeFreeConnector(conn);
	return found;
}

/* The jobs delay the answers to the questions of the driver about the monitor. */
static void monitor(void)
{
	int card = vgpu_open_display(), fd = vgpu_open_render();

	vgpu_assert(!prefers(card, 800, 600));
	slow();
	for (unsigned int i = 0; i < JOBS_MORE && !prefers(card, 800, 600); i++) {
		vgpu_ok(submit(fd, 8, NULL));
		sleep(STEP_S);
	}
	vgpu_assert(prefers(card, 800, 600));
	close(fd);
	close(card);
}

static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
	(void)sig;
	ticks++;
}

static void ask_in_vain(int (*ask)(int fd, uint32_t handle), int fd, uint32_t handle)
{
	const struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	double start = vgpu_now();
	int ret;

	vgpu_sys(sigaction(SIGALRM, &action, NULL));
	vgpu_sys(setitimer(ITIMER_REAL, &tick, NULL));
	ret = ask(fd, handle);
	vgpu_info("1 calls, which gives %d after %.0f s", ret, vgpu_now() - start);
	vgpu_assert(ret < 0);
	vgpu_assert(vgpu_now() - start < CALL_BOUND_S);
	/* The signals arrived during the wait, not all at its end. */
	vgpu_assert(ticks > 2);
	close(fd);
}

static int ask_for_caps(int fd, uint32_t handle)
{
	uint8_t caps[64];

	(void)handle;
	return vgpu_get_caps(fd, CAPSET_ID, 1, caps, sizeof(caps));
}

static void silent(void)
{
	ask_in_vain(ask_for_caps, vgpu_open_render(), 0);
}

static int ask_for_map(int fd, uint32_t handle)
{
	uint64_t offset;

	return vgpu_map_offset(fd, handle, &offset);
}

static int new_host_blob(uint32_t *handle)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(VGPU_PAGE);
	int fd = vgpu_open_render();

	vgpu_ok(vgpu_context_init_capset(fd, WINDOW_CAPSET_ID));
	vgpu_ok(vgpu_blob_create(fd, &blob));
	*handle = blob.bo_handle;
	return fd;
}

static void blind(void)
{
	uint32_t handle;
	int fd = new_host_blob(&handle);

	ask_in_vain(ask_for_map, fd, handle);
}

/* A host without memory may have some later, so the errno must not be that of a final refusal. */
static void poor(void)
{
	uint32_t handle;
	int fd = new_host_blob(&handle);

	for (unsigned int i = 0; i < 3; i++)
		vgpu_ret(ask_for_map(fd, handle), -ENOMEM);
	vgpu_info("3 calls, which all say that memory is short");
	close(fd);
}

/* The kernel's own driver takes the error reply for the data of the capset (faults.rst, 12). */
static void again(void)
{
	uint8_t caps[64] = { 0 }, none[64] = { 0 };
	int fd = vgpu_open_render(), ret;

	ret = vgpu_get_caps(fd, CAPSET_ID, 1, caps, sizeof(caps));
	vgpu_info("2 calls, the first of which gives %d", ret);
	vgpu_assert(ret < 0);
	vgpu_ok(vgpu_get_caps(fd, CAPSET_ID, 1, caps, sizeof(caps)));
	vgpu_assert(memcmp(caps, none, sizeof(caps)));
	close(fd);
}

/* The host answers the question about the capset at the notifications of the jobs. */
static void late(void)
{
	uint8_t caps[64] = { 0 }, none[64] = { 0 };
	int fd = vgpu_open_render();
	unsigned int jobs = 0;

	/* Otherwise the host was not late, and the test shows nothing. */
	vgpu_assert_eq(vgpu_param(fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs), 0);
	vgpu_ret(vgpu_get_caps(fd, CAPSET_ID, 1, caps, sizeof(caps)), -ENOSYS);

	for (; jobs < LATE_KICKS && !vgpu_has_capset(fd, CAPSET_ID); jobs++) {
		vgpu_ok(submit(fd, 8, NULL));
		sleep(1);
	}

	vgpu_info("%u calls, until there was a capset", jobs);
	vgpu_assert(vgpu_has_capset(fd, CAPSET_ID));
	vgpu_ok(vgpu_get_caps(fd, CAPSET_ID, 1, caps, sizeof(caps)));
	vgpu_assert(memcmp(caps, none, sizeof(caps)));
	close(fd);
	fd = vgpu_open_render();
	vgpu_ok(vgpu_context_init_capset(fd, CAPSET_ID));
	close(fd);
}

static const struct vgpu_case cases[] = {
	{ "--slow", slow },
	{ "--silent", silent },
	{ "--blind", blind },
	{ "--monitor", monitor },
	{ "--poor", poor },
	{ "--again", again },
	{ "--late", late },
};

int main(int argc, char **argv)
{
	return vgpu_case_main(argc, argv, cases, ARRAY_SIZE(cases));
}
