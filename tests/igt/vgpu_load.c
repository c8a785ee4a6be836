// SPDX-License-Identifier: MIT
/* Many clients at work for a while, with deterministic seeds */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define MAX_PROCESSES 64
#define MAX_OBJECTS 24

static unsigned int processes = 4;
static unsigned int iterations = 200;
static uint32_t first_seed = 1;

/**
 * struct worker - one client of the load
 * @fd: its render node
 * @client: @fd as a client that submits, if the device has 3D
 * @has_3d: whether it can submit
 * @seed: state of its random numbers
 * @handles: its objects; 0 is an empty slot
 * @sides: width and height of each
 */
struct worker {
	int fd;
	struct vgpu_client client;
	bool has_3d;
	uint32_t seed;
	uint32_t handles[MAX_OBJECTS];
	uint32_t sides[MAX_OBJECTS];
};

static uint32_t next_random(struct worker *worker)
{
	uint32_t x = worker->seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	worker->seed = x;
	return x;
}

static void recreate(struct worker *worker, uint32_t slot)
{
	if (worker->handles[slot])
		vgpu_ok(vgpu_gem_close(worker->fd, worker->handles[slot]));
	worker->sides[slot] = 8 + next_random(worker) % 120;
	worker->handles[slot] = vgpu_new_picture(worker->fd, worker->sides[slot],
						 worker->sides[slot]);
}

static void touch_mapping(struct worker *worker, uint32_t slot)
{
	size_t size = worker->sides[slot] * worker->sides[slot] * 4;
	uint8_t *map = vgpu_new_map(worker->fd, worker->handles[slot], size);
	uint32_t seed = next_random(worker);

	vgpu_fill(map, size, seed);
	vgpu_assert_eq(vgpu_differs(map, size, seed), -1);
	munmap(map, size);
}

static void upload(struct worker *worker, uint32_t slot)
{
	const struct drm_virtgpu_3d_box box = {
		.w = worker->sides[slot],
		.h = worker->sides[slot],
		.d = 1,
	};

	vgpu_ok(vgpu_transfer_to_host(worker->fd, worker->handles[slot], &box, 0,
				      0));
}

static void submit_some(struct worker *worker)
{
	uint32_t handles[MAX_OBJECTS], count = 0;
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.bo_handles = (uintptr_t)handles,
	};

	for (uint32_t slot = 0; slot < MAX_OBJECTS; slot++)
		if (worker->handles[slot] && next_random(worker) % 4 == 0)
			handles[count++] = worker->handles[slot];
	exec.num_bo_handles = count;
	vgpu_ok(vgpu_submit(&worker->client, &exec));
	if (next_random(worker) % 4 == 0)
		vgpu_fence_wait(exec.fence_fd);
	close(exec.fence_fd);
}

static void share(struct worker *worker, uint32_t slot)
{
	uint32_t again;
	int dmabuf;

	vgpu_ok(vgpu_prime_export(worker->fd, worker->handles[slot], &dmabuf));
	vgpu_ok(vgpu_prime_import(worker->fd, dmabuf, &again));
	vgpu_assert_eq(again, worker->handles[slot]);
	close(dmabuf);
}

static void step(struct worker *worker)
{
	uint32_t slot = next_random(worker) % MAX_OBJECTS;

	if (!worker->handles[slot]) {
		recreate(worker, slot);
		return;
	}

	switch (next_random(worker) % 8) {
	case 0:
		recreate(worker, slot);
		break;
	case 1:
		touch_mapping(worker, slot);
		break;
	case 2:
		share(worker, slot);
		break;
	case 3:
		vgpu_ok(vgpu_wait(worker->fd, worker->handles[slot], 0));
		break;
	case 4:
	case 5:
		upload(worker, slot);
		break;
	default:
		if (worker->has_3d)
			submit_some(worker);
		else
			upload(worker, slot);
	}
}

static void work(void *arg)
{
	struct worker worker = {
		.fd = vgpu_open_render(),
		.seed = first_seed * 2654435761u + (uint32_t)(uintptr_t)arg + 1,
	};

	worker.has_3d = vgpu_has_3d(worker.fd);
	if (worker.has_3d) {
		close(worker.fd);
		worker.client = vgpu_client_open();
		worker.fd = worker.client.fd;
	}
	for (unsigned int i = 0; i < iterations; i++)
		step(&worker);
	close(worker.fd);
}

static void mixed_work(void)
{
	int pids[MAX_PROCESSES];

	for (uintptr_t i = 0; i < processes; i++)
		pids[i] = vgpu_fork(work, (void *)i);
	for (uintptr_t i = 0; i < processes; i++)
		vgpu_join(pids[i]);
}

/* Clients open and close files, and do little work in between. */
static void short_lives(void)
{
	unsigned int all = iterations;

	iterations = 10;
	for (unsigned int i = 0; i < all / 10; i += processes) {
		mixed_work();
		first_seed++;
	}
}

static void work_for_ever(void *arg)
{
	for (;;) {
		work(arg);
		first_seed++;
	}
}

/* Clients are killed at any point of their work. */
static void sudden_deaths(void)
{
	for (unsigned int round = 0; round < 10; round++) {
		int pids[MAX_PROCESSES];

		for (uintptr_t i = 0; i < processes; i++)
			pids[i] = vgpu_fork(work_for_ever, (void *)i);
		/* In virtual time computing takes no time, so even this pause allows much work. */
		usleep(4000 + round * 4000);
		for (uintptr_t i = 0; i < processes; i++)
			kill(pids[i], SIGKILL);
		for (uintptr_t i = 0; i < processes; i++)
			vgpu_join_signalled(pids[i], SIGKILL);
		first_seed++;
	}
}

enum {
	OPT_PROCESSES = 1,
	OPT_ITERATIONS,
	OPT_SEED,
};

static const struct option options[] = {
	{ "processes", required_argument, NULL, OPT_PROCESSES },
	{ "iterations", required_argument, NULL, OPT_ITERATIONS },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ 0 },
};

static void set_option(int val, const char *arg)
{
	unsigned int number = (unsigned int)strtoul(arg, NULL, 0);

	switch (val) {
	case OPT_PROCESSES:
		if (!number || number > MAX_PROCESSES) {
			fprintf(stderr, "1 to %d processes\n", MAX_PROCESSES);
			exit(VGPU_EXIT_INVALID);
		}
		processes = number;
		break;
	case OPT_ITERATIONS:
		iterations = number;
		break;
	case OPT_SEED:
		first_seed = number;
		break;
	}
}

/* With large --iterations the test is a soak of hours. */
#define LOAD_TIMEOUT_S (24 * 3600)

static const struct vgpu_subtest subtests[] = {
	{ .name = "mixed-work", .run = mixed_work, .timeout_s = LOAD_TIMEOUT_S },
	{ .name = "short-lives", .run = short_lives, .timeout_s = LOAD_TIMEOUT_S },
	{ .name = "sudden-deaths", .run = sudden_deaths,
	  .timeout_s = LOAD_TIMEOUT_S },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_load",
		.about = "many clients at work",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
		.options = options,
		.option = set_option,
		.option_help =
			"  --processes N        clients at once (4)\n"
			"  --iterations N       steps of each (200)\n"
			"  --seed N             where the random numbers start (1)\n",
	};

	return vgpu_test_main(argc, argv, &program);
}
