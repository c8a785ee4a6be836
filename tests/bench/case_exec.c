// SPDX-License-Identifier: MIT
/* Command streams: number of buffers, size of the stream, kinds of fences. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "gpu.h"

/* A stream of one NOP. */
#define SMALL_BYTES	4

static void exec(struct bench *b, struct drm_virtgpu_execbuffer *args)
{
	args->command = (uintptr_t)b->stream;
	if (!args->size)
		args->size = SMALL_BYTES;
	gpu_ioctl(b->fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, args);
}

/* Create @arg buffers for the list. */
static bool setup_buffers(struct bench *b)
{
	for (uint32_t i = 0; i < b->c->arg; i++)
		b->handles[i] = gpu_buffer(b->fd, 4096);
	return true;
}

static bool setup_one(struct bench *b)
{
	b->handles[0] = gpu_buffer(b->fd, 4096);
	return true;
}

static void exec_buffers(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer args = {
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = b->c->arg,
	};

	(void)i;
	exec(b, &args);
}

static void exec_buffers_wait(struct bench *b, unsigned int i)
{
	exec_buffers(b, i);
	gpu_wait(b->fd, b->handles[0]);
}

/* Submit a stream of @arg bytes. */
static void exec_bytes(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer args = {
		.size = b->c->arg,
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
	};

	(void)i;
	exec(b, &args);
}

static void exec_fence_out(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer args = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
		.fence_fd = -1,
	};

	(void)i;
	exec(b, &args);
	close(args.fence_fd);
}

static void exec_fence_out_wait(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer args = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
		.fence_fd = -1,
	};
	struct pollfd fd = { .events = POLLIN };

	(void)i;
	exec(b, &args);
	fd.fd = args.fence_fd;
	if (poll(&fd, 1, -1) != 1)
		gpu_die("poll");
	close(args.fence_fd);
}

/* Each submission waits for the fence of the previous one. */
static bool setup_fence_in(struct bench *b)
{
	int *last = malloc(sizeof(*last));

	if (!last)
		gpu_die("malloc");
	*last = -1;
	b->priv = last;
	return setup_one(b);
}

static void exec_fence_in_out(struct bench *b, unsigned int i)
{
	int *last = b->priv;
	struct drm_virtgpu_execbuffer args = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
		.fence_fd = *last,
	};

	(void)i;
	if (*last >= 0)
		args.flags |= VIRTGPU_EXECBUF_FENCE_FD_IN;
	exec(b, &args);
	if (*last >= 0)
		close(*last);
	*last = args.fence_fd;
}

static void teardown_fence_in(struct bench *b)
{
	int *last = b->priv;

	close(*last);
	free(last);
}

static bool setup_syncobj(struct bench *b)
{
	struct drm_syncobj_create create = { 0 };
	struct drm_virtgpu_execbuffer_syncobj *out = calloc(1, sizeof(*out));

	if (!out)
		gpu_die("calloc");
	gpu_ioctl(b->fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
	out->handle = create.handle;
	b->priv = out;
	return setup_one(b);
}

static void exec_syncobj(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer args = {
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
		.syncobj_stride = sizeof(struct drm_virtgpu_execbuffer_syncobj),
		.num_out_syncobjs = 1,
		.out_syncobjs = (uintptr_t)b->priv,
	};

	(void)i;
	exec(b, &args);
}

static void exec_syncobj_wait(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer_syncobj *out = b->priv;
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)&out->handle,
		.count_handles = 1,
		.timeout_nsec = INT64_MAX,
	};

	exec_syncobj(b, i);
	gpu_ioctl(b->fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
}

static void teardown_priv(struct bench *b)
{
	free(b->priv);
}

/* Each submission waits for the previous point of one timeline, as Vulkan drivers do. */
static void exec_own_point(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer_syncobj *out = b->priv, in = *out;
	struct drm_virtgpu_execbuffer args = {
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
		.syncobj_stride = sizeof(in),
		.num_in_syncobjs = !!in.point,
		.num_out_syncobjs = 1,
		.in_syncobjs = (uintptr_t)&in,
		.out_syncobjs = (uintptr_t)out,
	};

	(void)i;
	out->point++;
	exec(b, &args);
}

/**
 * struct other_client - a client that takes over the work of the first
 * @fd: its render node
 * @handle: its buffer
 */
struct other_client {
	int fd;
	uint32_t handle;
};

static bool setup_handover(struct bench *b)
{
	struct other_client *other = malloc(sizeof(*other));

	if (!other)
		gpu_die("malloc");
	other->fd = gpu_open_render();
	other->handle = gpu_buffer(other->fd, 4096);
	b->priv = other;
	return setup_one(b);
}

/* A client draws, and a compositor waits for its sync_file; both use virgl. */
static void exec_handover(struct bench *b, unsigned int i)
{
	struct other_client *other = b->priv;
	struct drm_virtgpu_execbuffer args = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.bo_handles = (uintptr_t)b->handles,
		.num_bo_handles = 1,
		.fence_fd = -1,
	};
	int fence;

	(void)i;
	exec(b, &args);
	fence = args.fence_fd;
	args = (struct drm_virtgpu_execbuffer){
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
		.command = (uintptr_t)b->stream,
		.size = SMALL_BYTES,
		.bo_handles = (uintptr_t)&other->handle,
		.num_bo_handles = 1,
		.fence_fd = fence,
	};
	gpu_ioctl(other->fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &args);
	close(fence);
}

static void teardown_handover(struct bench *b)
{
	struct other_client *other = b->priv;

	gpu_wait(other->fd, other->handle);
	close(other->fd);
	free(other);
}

/* A polled ring sends an event for each submission. */
static bool setup_ring(struct bench *b)
{
	if (!gpu_param(b->fd, VIRTGPU_PARAM_CONTEXT_INIT))
		return false;
	close(b->fd);
	b->fd = gpu_open_render();
	gpu_context_init(b->fd, VIRTGPU_DRM_CAPSET_VIRGL2, 1, 1);
	return true;
}

static void exec_event_wait(struct bench *b, unsigned int i)
{
	struct drm_virtgpu_execbuffer args = { .flags = VIRTGPU_EXECBUF_RING_IDX };
	struct drm_event event;

	(void)i;
	exec(b, &args);
	if (read(b->fd, &event, sizeof(event)) != sizeof(event))
		gpu_die("read");
}

/* Variants whose answers come at the end of the round. */
#define FIXED(label, n, ops_a_round, what, setup_what, ...) \
	{ .name = label "-fixed", .ops = ops_a_round, .rounds = 9, .arg = n, .quick = true, \
	  .fixed = true, .setup = setup_what, .op = what, .settle = bench_settle_first, \
	  __VA_ARGS__ }
#define PIPELINED(label, n, in_quick) \
	{ .name = label, .ops = 64, .rounds = 9, .arg = n, .quick = in_quick, \
	  .setup = setup_buffers, .op = exec_buffers, .settle = bench_settle_first }
#define WAITED(label, n) \
	{ .name = label, .ops = 1, .rounds = 101, .arg = n, \
	  .setup = setup_buffers, .op = exec_buffers_wait, .settle = bench_no_settle }
#define SIZED(label, bytes, n, in_quick) \
	{ .name = label, .ops = n, .rounds = 9, .arg = bytes, .quick = in_quick, \
	  .setup = setup_one, .op = exec_bytes, .settle = bench_settle_first }

static const struct bench_case cases[] = {
	PIPELINED("exec-1", 1, true),
	FIXED("exec-1", 1, 64, exec_buffers, setup_buffers),
	WAITED("exec-1-wait", 1),
	PIPELINED("exec-8", 8, false),
	WAITED("exec-8-wait", 8),
	PIPELINED("exec-64", 64, true),
	FIXED("exec-64", 64, 64, exec_buffers, setup_buffers),
	WAITED("exec-64-wait", 64),
	PIPELINED("exec-512", 512, false),
	WAITED("exec-512-wait", 512),
	SIZED("exec-1K", 1 << 10, 64, false),
	SIZED("exec-4K", 4 << 10, 64, false),
	SIZED("exec-16K", 16 << 10, 32, false),
	SIZED("exec-64K", 64 << 10, 16, true),
	FIXED("exec-64K", 64 << 10, 16, exec_bytes, setup_one),
	SIZED("exec-1M", 1 << 20, 1, false),
	{ .name = "exec-fence-out", .ops = 64, .rounds = 9, .quick = true,
	  .setup = setup_one, .op = exec_fence_out, .settle = bench_settle_first },
	FIXED("exec-fence-out", 1, 64, exec_fence_out, setup_one),
	{ .name = "exec-fence-out-wait", .ops = 1, .rounds = 101,
	  .setup = setup_one, .op = exec_fence_out_wait, .settle = bench_no_settle },
	{ .name = "exec-fence-in-out", .ops = 64, .rounds = 15, .setup = setup_fence_in,
	  .op = exec_fence_in_out, .settle = bench_settle_first, .teardown = teardown_fence_in },
	{ .name = "exec-syncobj", .ops = 64, .rounds = 15, .setup = setup_syncobj,
	  .op = exec_syncobj, .settle = bench_settle_first, .teardown = teardown_priv },
	{ .name = "exec-syncobj-wait", .ops = 1, .rounds = 101, .setup = setup_syncobj,
	  .op = exec_syncobj_wait, .settle = bench_no_settle, .teardown = teardown_priv },
	{ .name = "exec-own-point", .ops = 64, .rounds = 9, .setup = setup_syncobj,
	  .op = exec_own_point, .settle = bench_settle_first, .teardown = teardown_priv },
	FIXED("exec-own-point", 1, 64, exec_own_point, setup_syncobj, .teardown = teardown_priv),
	{ .name = "exec-handover", .ops = 64, .rounds = 9, .setup = setup_handover,
	  .op = exec_handover, .settle = bench_settle_first, .teardown = teardown_handover },
	/* A new process may have an eighth of the ring of 1024 entries in flight. */
	FIXED("exec-handover", 1, 32, exec_handover, setup_handover,
	      .teardown = teardown_handover),
	{ .name = "exec-event-wait", .ops = 1, .rounds = 101, .setup = setup_ring,
	  .op = exec_event_wait, .settle = bench_no_settle },
};

const struct bench_cases bench_exec_cases = { cases, ARRAY_SIZE(cases) };
