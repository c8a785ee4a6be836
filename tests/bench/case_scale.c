// SPDX-License-Identifier: MIT
/*
 * How the cost of a submission depends on other objects and clients, and the cost of closing a
 * client with many buffers.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "gpu.h"

#define MAX_CLIENTS	64

/* Submissions of all processes together, in one operation. */
#define SUBMISSIONS	64

static void submit(int fd, const uint32_t *stream, uint32_t handle)
{
	struct drm_virtgpu_execbuffer args = {
		.size = 4,
		.command = (uintptr_t)stream,
		.bo_handles = (uintptr_t)&handle,
		.num_bo_handles = 1,
	};

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &args);
}

static void exec_one(struct bench *b, unsigned int i)
{
	(void)i;
	submit(b->fd, b->stream, b->handles[0]);
}

/* Create @arg other buffers of the same client. */
static bool setup_buffers(struct bench *b)
{
	for (uint32_t i = 0; i <= b->c->arg; i++)
		b->handles[0] = gpu_buffer(b->fd, 4096);
	return true;
}

/* Open @arg other clients, each with a context. */
static bool setup_clients(struct bench *b)
{
	int *fds = calloc(MAX_CLIENTS, sizeof(*fds));

	if (!fds)
		gpu_die("calloc");
	for (uint32_t i = 0; i < b->c->arg; i++) {
		fds[i] = gpu_open_render();
		gpu_buffer(fds[i], 4096);
	}
	b->handles[0] = gpu_buffer(b->fd, 4096);
	b->priv = fds;
	return true;
}

static void teardown_clients(struct bench *b)
{
	int *fds = b->priv;

	for (uint32_t i = 0; i < b->c->arg; i++)
		close(fds[i]);
	free(fds);
}

/* A process that does its part of the submissions whenever the parent says so. */
struct worker {
	pid_t pid;
	int go;
	int done;
};

static void get_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		gpu_die("read");
}

static void put_byte(int fd)
{
	if (write(fd, "", 1) != 1)
		gpu_die("write");
}

static _Noreturn void work(const struct bench *b, int go, int done)
{
	int fd = gpu_open_render();
	uint32_t handle = gpu_buffer(fd, 4096);
	char byte;

	put_byte(done);
	while (read(go, &byte, 1) == 1) {
		for (unsigned int i = 0; i < SUBMISSIONS / b->c->arg; i++)
			submit(fd, b->stream, handle);
		gpu_wait(fd, handle);
		put_byte(done);
	}
	_exit(0);
}

static void start_worker(const struct bench *b, struct worker *w)
{
	int go[2], done[2];

	if (pipe(go) || pipe(done))
		gpu_die("pipe");
	w->pid = fork();
	if (w->pid < 0)
		gpu_die("fork");
	if (!w->pid) {
		close(go[1]);
		work(b, go[0], done[1]);
	}
	close(go[0]);
	close(done[1]);
	w->go = go[1];
	w->done = done[0];
	get_byte(w->done);
}

/* Start @arg processes. */
static bool setup_workers(struct bench *b)
{
	struct worker *workers = calloc(b->c->arg, sizeof(*workers));

	if (!workers)
		gpu_die("calloc");
	for (uint32_t i = 0; i < b->c->arg; i++)
		start_worker(b, &workers[i]);
	b->priv = workers;
	return true;
}

static void let_work(struct bench *b, unsigned int i)
{
	struct worker *workers = b->priv;

	(void)i;
	for (uint32_t w = 0; w < b->c->arg; w++)
		put_byte(workers[w].go);
	for (uint32_t w = 0; w < b->c->arg; w++)
		get_byte(workers[w].done);
}

static void teardown_workers(struct bench *b)
{
	struct worker *workers = b->priv;

	for (uint32_t w = 0; w < b->c->arg; w++) {
		/*
		 * Closing the pipe is not enough: the other workers have inherited its writing end.
		 */
		kill(workers[w].pid, SIGKILL);
		waitpid(workers[w].pid, NULL, 0);
		close(workers[w].go);
		close(workers[w].done);
	}
	free(workers);
}

/* Start a client with @arg buffers, which waits until it is killed. */
static void start_client(struct bench *b)
{
	int ready[2];
	pid_t pid;

	if (pipe(ready))
		gpu_die("pipe");
	pid = fork();
	if (pid < 0)
		gpu_die("fork");
	if (!pid) {
		int fd = gpu_open_render();

		for (uint32_t i = 0; i < b->c->arg; i++)
			gpu_buffer(fd, 4096);
		put_byte(ready[1]);
		pause();
	}

	get_byte(ready[0]);
	close(ready[0]);
	close(ready[1]);
	b->handles[0] = (uint32_t)pid;
}

static void end_client(struct bench *b, unsigned int i)
{
	pid_t pid = (pid_t)b->handles[0];

	(void)i;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const struct bench_case cases[] = {
	{ .name = "exec-of-1000-buffers", .ops = 64, .rounds = 9, .arg = 1000,
	  .setup = setup_buffers, .op = exec_one, .settle = bench_settle_first },
	{ .name = "exec-of-10000-buffers", .ops = 64, .rounds = 9, .arg = 10000,
	  .setup = setup_buffers, .op = exec_one, .settle = bench_settle_first },
	{ .name = "exec-of-64-clients", .ops = 64, .rounds = 9, .arg = MAX_CLIENTS,
	  .setup = setup_clients, .op = exec_one, .settle = bench_settle_first,
	  .teardown = teardown_clients },
	{ .name = "exec-flood", .ops = 1024, .rounds = 3, .arg = 0, .setup = setup_buffers,
	  .op = exec_one, .settle = bench_settle_first },
	{ .name = "processes-1", .ops = 4, .rounds = 5, .arg = 1, .setup = setup_workers,
	  .op = let_work, .settle = bench_no_settle, .teardown = teardown_workers },
	{ .name = "processes-8", .ops = 4, .rounds = 5, .arg = 8, .setup = setup_workers,
	  .op = let_work, .settle = bench_no_settle, .teardown = teardown_workers },
	{ .name = "exit-of-10000-buffers", .ops = 1, .rounds = 1, .arg = 10000,
	  .before = start_client, .op = end_client },
};

const struct bench_cases bench_scale_cases = { cases, ARRAY_SIZE(cases) };
