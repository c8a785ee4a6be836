// SPDX-License-Identifier: MIT
/*
 * Races between threads: while workers use a file, a buffer, a fence or an event, another thread
 * takes it away, and in the end the whole device. Each call may fail, but none may hang. The
 * checkers of the kernel give the verdict.
 *
 * vgpu_race [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>
#include <linux/sync_file.h>

#include "vgpu_binding.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_idle.h"
#include "vgpu_test.h"

#define WORKERS 3
#define ROUNDS 150
#define SIDE 64u
#define PICTURE_BYTES (SIDE * SIDE * 4)
/* Operations of a round. */
#define STEPS 4
/* How often a round creates and closes a handle. */
#define NAMED_STEPS 32

/* The objects that the workers use; -1 and 0 mean none. */
static _Atomic int shared_fd = -1, shared_fence = -1;
static _Atomic uint32_t shared_handle;
static _Atomic bool over;
static _Atomic unsigned long calls;

static int submit(int fd, uint32_t handle, int ring, int *fence)
{
	/* A NOP of one word, which toy3d accepts. */
	static const uint32_t stream[2] = { 0x00010000, 0 };
	struct drm_virtgpu_execbuffer exec = {
		.flags = (fence ? VIRTGPU_EXECBUF_FENCE_FD_OUT : 0) |
			 (ring >= 0 ? VIRTGPU_EXECBUF_RING_IDX : 0),
		.command = (uintptr_t)stream,
		.size = sizeof(stream),
		.bo_handles = (uintptr_t)&handle,
		.num_bo_handles = !!handle,
		.fence_fd = -1,
		.ring_idx = ring >= 0 ? (uint32_t)ring : 0,
	};
	int ret = vgpu_execbuffer(fd, &exec);

	if (fence)
		*fence = ret ? -1 : exec.fence_fd;
	return ret;
}

static int create(int fd)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);

	return vgpu_resource_create(fd, &rc) ? 0 : (int)rc.bo_handle;
}

/* Create a context with two rings, of which the first sends events. */
static int init_rings(int fd)
{
	const struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 1 },
	};

	return vgpu_context_init(fd, params, ARRAY_SIZE(params));
}

/* Operations that a worker selects at random. */

static void do_submit(int fd, uint32_t handle)
{
	submit(fd, handle, -1, NULL);
}

static void do_submit_on_ring(int fd, uint32_t handle)
{
	submit(fd, handle, 0, NULL);
}

static void do_fence(int fd, uint32_t handle)
{
	int fence;

	submit(fd, handle, -1, &fence);
	fence = atomic_exchange(&shared_fence, fence);
	if (fence >= 0)
		close(fence);
}

static void do_ask_fence(int fd, uint32_t handle)
{
	struct sync_fence_info info[2] = { 0 };
	struct sync_file_info file = {
		.num_fences = ARRAY_SIZE(info), .sync_fence_info = (uintptr_t)info,
	};
	int fence = atomic_exchange(&shared_fence, -1);
	struct pollfd pfd = { .fd = fence, .events = POLLIN };

	(void)fd;
	(void)handle;
	if (fence < 0)
		return;
	vgpu_ioctl(fence, SYNC_IOC_FILE_INFO, &file);
	poll(&pfd, 1, 1);
	close(fence);
}

static void do_wait(int fd, uint32_t handle)
{
	vgpu_wait(fd, handle, 0);
}

static void do_transfer(int fd, uint32_t handle)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };

	vgpu_transfer_to_host(fd, handle, &box, 0, 0);
	vgpu_transfer_from_host(fd, handle, &box, 0, 0);
}

static void do_close_handle(int fd, uint32_t handle)
{
	vgpu_gem_close(fd, handle);
}

static void do_export(int fd, uint32_t handle)
{
	int dmabuf;

	if (!vgpu_prime_export(fd, handle, &dmabuf))
		close(dmabuf);
}

/* Let the kernel access the mapping, so that a lost one gives an errno, not a signal. */
static void do_map(int fd, uint32_t handle)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	uint64_t offset;
	void *map;

	if (!vgpu_map_offset(fd, handle, &offset)) {
		map = mmap(NULL, PICTURE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   (off_t)offset);
		if (map != MAP_FAILED) {
			if (read(zero, map, PICTURE_BYTES) > 0)
				atomic_fetch_add(&calls, 1);
			munmap(map, PICTURE_BYTES);
		}
	}
	close(zero);
}

static void do_read_events(int fd, uint32_t handle)
{
	char events[256];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	(void)handle;
	/* Another thread may have reused the descriptor for a file whose read blocks. */
	if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN)
		if (read(fd, events, sizeof(events)) > 0)
			atomic_fetch_add(&calls, 1);
}

static void do_init(int fd, uint32_t handle)
{
	(void)handle;
	init_rings(fd);
}

static void do_caps(int fd, uint32_t handle)
{
	uint8_t caps[64];

	(void)handle;
	vgpu_get_caps(fd, 30, 1, caps, sizeof(caps));
}

static void do_look(int fd, uint32_t handle)
{
	static const char *const files[] = {
		"/sys/kernel/debug/dri/0/virtio-gpu-contexts",
		"/sys/kernel/debug/dri/0/virtio-gpu-resources",
		"/sys/kernel/debug/dri/0/virtio-gpu-queues",
		"/proc/self/fdinfo/3",
	};
	char text[4096];
	int file;

	(void)fd;
	file = open(files[handle % ARRAY_SIZE(files)], O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return;
	while (read(file, text, sizeof(text)) > 0)
		;
	close(file);
}

static void do_want_memory(int fd, uint32_t handle)
{
	(void)fd;
	(void)handle;
	vgpu_idle_ask();
}

typedef void (*deed_fn)(int fd, uint32_t handle);

static const deed_fn deeds[] = {
	do_submit, do_submit_on_ring, do_fence, do_ask_fence, do_wait, do_transfer, do_export,
	do_map, do_read_events, do_caps, do_look, do_init, do_close_handle,
	do_want_memory,
};

static void *work(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	while (!atomic_load(&over)) {
		int fd = atomic_load(&shared_fd);

		if (fd < 0) {
			sched_yield();
			continue;
		}
		deeds[(unsigned int)rand_r(&seed) % ARRAY_SIZE(deeds)](fd,
								      atomic_load(&shared_handle));
		atomic_fetch_add(&calls, 1);
	}
	return NULL;
}

/* Rounds: the operations of the thread that takes objects away. */

static void breathe(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void put_fd(int fd)
{
	fd = atomic_exchange(&shared_fd, fd);
	if (fd >= 0)
		close(fd);
}

/* Do not block: after poll() another worker may have read the event. */
static int open_render(void)
{
	return open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

static void close_against_all(void)
{
	put_fd(open_render());
	for (unsigned int i = 0; i < STEPS; i++) {
		atomic_store(&shared_handle, (uint32_t)create(atomic_load(&shared_fd)));
		breathe();
	}
}

static void free_against_completion(void)
{
	int fd = atomic_load(&shared_fd), handle;

	for (unsigned int i = 0; i < STEPS; i++) {
		handle = create(fd);
		atomic_store(&shared_handle, (uint32_t)handle);
		submit(fd, (uint32_t)handle, -1, NULL);
		vgpu_gem_close(fd, (uint32_t)handle);
	}
}

static void events_against_close(void)
{
	int fd = open_render();

	init_rings(fd);
	put_fd(fd);
	for (unsigned int i = 0; i < STEPS; i++)
		submit(fd, 0, 0, NULL);
	breathe();
}

static void signal_against_wait(void)
{
	int fence;

	for (unsigned int i = 0; i < STEPS; i++) {
		submit(atomic_load(&shared_fd), atomic_load(&shared_handle), -1, &fence);
		fence = atomic_exchange(&shared_fence, fence);
		if (fence >= 0)
			close(fence);
		sched_yield();
	}
}

static void unplug_against_all(void)
{
	struct vgpu_binding binding;

	close_against_all();
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_bind(&binding));
	vgpu_binding_fini(&binding);
}

static const struct {
	const char *name;
	void (*round)(void);
	/* Divisor of the number of rounds. */
	unsigned int seldom;
} races[] = {
	{ "close against all", close_against_all, 1 },
	{ "free against completion", free_against_completion, 1 },
	{ "events against close", events_against_close, 1 },
	{ "signal against wait", signal_against_wait, 1 },
	{ "unplug against all", unplug_against_all, 10 },
};

static void run(const char *name, void (*round)(void), unsigned int rounds)
{
	pthread_t workers[WORKERS];
	double start = vgpu_now();

	atomic_store(&over, false);
	atomic_store(&calls, 0);
	put_fd(open_render());
	for (uintptr_t i = 0; i < WORKERS; i++)
		vgpu_assert(!pthread_create(&workers[i], NULL, work, (void *)(i + 1)));

	/* A short race could be over before the workers run. */
	while (!atomic_load(&calls))
		sched_yield();
	for (unsigned int i = 0; i < rounds; i++)
		round();
	atomic_store(&over, true);
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	put_fd(-1);
	vgpu_info("%s: %u rounds, %lu calls, %.1f s", name, rounds, atomic_load(&calls),
		  vgpu_now() - start);

	/* Workers that made too few calls have raced with no other thread. */
	vgpu_assert(atomic_load(&calls) > rounds);
}

/*
 * Submissions that list a handle, while another thread closes it. Another file keeps the buffer
 * alive, so a submission that found the handle must succeed.
 */

/* Other handles of the list, so that looking up all of them takes a while. */
#define CROWD 64

struct named {
	int fd;
	_Atomic uint32_t handle, res;
	uint32_t crowd[CROWD];
	unsigned long taken;
};

/* Use FILL of toy3d, not NOP: toy3d then checks that the context has the buffer. */
static int submit_named(struct named *named, int *fence)
{
	uint32_t handles[CROWD + 1], handle = atomic_load(&named->handle);
	const uint32_t stream[7] = { 0x00060001, atomic_load(&named->res), 0, 0, 4, 0, 1 };
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.command = (uintptr_t)stream,
		.size = sizeof(stream),
		.bo_handles = (uintptr_t)handles,
		.num_bo_handles = ARRAY_SIZE(handles),
		.fence_fd = -1,
	};
	int ret;

	handles[0] = handle;
	memcpy(handles + 1, named->crowd, sizeof(named->crowd));
	ret = vgpu_execbuffer(named->fd, &exec);
	*fence = ret ? -1 : exec.fence_fd;
	return ret;
}

static void *work_named(void *arg)
{
	struct named *named = arg;
	int fence, ret;

	while (!atomic_load(&over)) {
		ret = submit_named(named, &fence);
		vgpu_assert(!ret || ret == -ENOENT);
		if (ret)
			continue;
		vgpu_fence_wait(fence);
		vgpu_assert_eq(vgpu_fence_status(fence), 1);
		close(fence);
		named->taken++;
	}
	return NULL;
}

static void close_against_submit(unsigned int rounds)
{
	struct named named = { .fd = open_render() };
	struct drm_virtgpu_resource_info info;
	int owner = open_render(), dmabuf;
	uint32_t handle = (uint32_t)create(owner);
	pthread_t worker;

	vgpu_ok(vgpu_prime_export(owner, handle, &dmabuf));
	vgpu_ok(vgpu_resource_info(owner, handle, &info));
	atomic_store(&named.res, info.res_handle);
	for (size_t i = 0; i < CROWD; i++)
		named.crowd[i] = (uint32_t)create(named.fd);
	atomic_store(&over, false);
	vgpu_assert(!pthread_create(&worker, NULL, work_named, &named));

	for (unsigned int i = 0; i < rounds * NAMED_STEPS; i++) {
		vgpu_ok(vgpu_prime_import(named.fd, dmabuf, &handle));
		atomic_store(&named.handle, handle);
		usleep(i % 16 * 200);
		vgpu_ok(vgpu_gem_close(named.fd, handle));
	}

	atomic_store(&over, true);
	pthread_join(worker, NULL);
	vgpu_info("close against submit: %u rounds, %lu submissions", rounds, named.taken);
	vgpu_assert(named.taken > rounds);

	close(dmabuf);
	close(owner);
	close(named.fd);
}

/*
 * One thread draws, shows and moves cursors, another hides and replaces them, while their uploads
 * are under way; in the end the device is unbound.
 */

#define PICTURES 3

struct pointed {
	int fd;
	struct vgpu_head head;
	struct vgpu_fb screen, pictures[PICTURES];
	_Atomic unsigned long shown;
};

static int point(const struct pointed *pointed, uint32_t handle)
{
	uint32_t side = handle ? SIDE : 0;

	return drmModeSetCursor2(pointed->fd, pointed->head.crtc, handle, side, side, 0, 0);
}

static void *work_pointed(void *arg)
{
	struct pointed *pointed = arg;
	unsigned int seed = 1;

	while (!atomic_load(&over)) {
		int chance = rand_r(&seed);
		struct vgpu_fb *picture = &pointed->pictures[chance % PICTURES];

		memset(picture->pixels, chance, picture->size);
		drmModeMoveCursor(pointed->fd, pointed->head.crtc, chance % 640, chance % 480);
		if (!point(pointed, picture->handle))
			atomic_fetch_add(&pointed->shown, 1);
	}
	return NULL;
}

static void hide_against_upload(unsigned int rounds)
{
	struct pointed pointed = { .fd = vgpu_open_display() };
	struct vgpu_binding binding;
	pthread_t worker;

	pointed.head = vgpu_first_head(pointed.fd);
	vgpu_fb_init(pointed.fd, &pointed.screen, pointed.head.mode.hdisplay,
		     pointed.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	for (size_t i = 0; i < PICTURES; i++)
		vgpu_fb_init(pointed.fd, &pointed.pictures[i], SIDE, SIDE, DRM_FORMAT_ARGB8888);
	vgpu_ok(vgpu_show(pointed.fd, &pointed.head, &pointed.screen, 0, 0));
	vgpu_binding_init(&binding);
	atomic_store(&over, false);
	vgpu_assert(!pthread_create(&worker, NULL, work_pointed, &pointed));

	for (unsigned int i = 0; i < rounds * STEPS; i++) {
		struct vgpu_fb other;

		vgpu_fb_init(pointed.fd, &other, SIDE, SIDE, DRM_FORMAT_ARGB8888);
		vgpu_sys(point(&pointed, other.handle));
		vgpu_fb_fini(pointed.fd, &other);
		usleep(i % 16 * 100);
		vgpu_sys(point(&pointed, 0));
	}

	vgpu_ok(vgpu_unbind(&binding));
	atomic_store(&over, true);
	pthread_join(worker, NULL);

	/*
	 * Close the file and all its mappings, so that the new device can get the name of the old
	 * one.
	 */
	munmap(pointed.screen.pixels, pointed.screen.size);
	for (size_t i = 0; i < PICTURES; i++)
		munmap(pointed.pictures[i].pixels, pointed.pictures[i].size);
	close(pointed.fd);
	vgpu_ok(vgpu_bind(&binding));
	vgpu_binding_fini(&binding);
	vgpu_info("hide against upload: %u rounds, %lu shown", rounds,
		  atomic_load(&pointed.shown));
	vgpu_assert(atomic_load(&pointed.shown) > rounds);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : ROUNDS;

	close_against_submit(1 + rounds);
	hide_against_upload(1 + rounds);
	for (size_t i = 0; i < ARRAY_SIZE(races); i++)
		run(races[i].name, races[i].round, 1 + rounds / races[i].seldom);
	vgpu_drm_check_alive();
	return 0;
}
