// SPDX-License-Identifier: MIT
/* Buffers: create, map, close. */
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "gpu.h"

#define PAGE_BYTES	4096

static void create_close_buffer(struct bench *b, unsigned int i)
{
	(void)i;
	gpu_close(b->fd, gpu_buffer(b->fd, b->c->arg));
}

static void create_close_texture(struct bench *b, unsigned int i)
{
	(void)i;
	gpu_close(b->fd, gpu_texture(b->fd, b->c->arg));
}

static void create_map_touch(struct bench *b, unsigned int i)
{
	uint32_t handle = gpu_buffer(b->fd, b->c->arg);
	volatile char *at = gpu_map(b->fd, handle, b->c->arg);

	(void)i;
	for (uint32_t offset = 0; offset < b->c->arg; offset += PAGE_BYTES)
		at[offset] = 1;
	munmap((void *)at, b->c->arg);
	gpu_close(b->fd, handle);
}

/* A blob of host memory, which occupies the window of the device while it is mapped. */
static bool setup_blob(struct bench *b)
{
	if (!gpu_param(b->fd, VIRTGPU_PARAM_HOST_VISIBLE) ||
	    !(gpu_param(b->fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs) & 1 << VIRTGPU_DRM_CAPSET_VENUS))
		return false;
	close(b->fd);
	b->fd = gpu_open_render();
	gpu_context_init(b->fd, VIRTGPU_DRM_CAPSET_VENUS, 1, 0);
	b->handles[0] = gpu_host_blob(b->fd, b->c->arg);
	return true;
}

static void map_unmap(struct bench *b, unsigned int i)
{
	volatile char *at = gpu_map(b->fd, b->handles[0], b->c->arg);

	(void)i;
	at[0] = 1;
	munmap((void *)at, b->c->arg);
}

static void create_map_close_blob(struct bench *b, unsigned int i)
{
	(void)i;
	b->handles[0] = gpu_host_blob(b->fd, b->c->arg);
	map_unmap(b, i);
	gpu_close(b->fd, b->handles[0]);
}

static const struct bench_case cases[] = {
	{ .name = "create-close-4K", .ops = 32, .rounds = 9, .arg = 4096, .quick = true,
	  .op = create_close_buffer },
	{ .name = "create-close-64K", .ops = 16, .rounds = 5, .arg = 65536,
	  .op = create_close_buffer },
	{ .name = "create-close-4M", .ops = 4, .rounds = 5, .arg = 1024, .quick = true,
	  .op = create_close_texture },
	{ .name = "create-close-64M", .ops = 1, .rounds = 3, .arg = 4096,
	  .op = create_close_texture },
	{ .name = "map-touch-1M", .ops = 4, .rounds = 5, .arg = 1 << 20, .quick = true,
	  .op = create_map_touch },
	{ .name = "blob-map-unmap-64K", .ops = 16, .rounds = 9, .arg = 65536,
	  .setup = setup_blob, .op = map_unmap, .settle = bench_no_settle },
	{ .name = "blob-create-map-close-64K", .ops = 16, .rounds = 5, .arg = 65536,
	  .waits = true, .setup = setup_blob, .op = create_map_close_blob,
	  .settle = bench_no_settle },
};

const struct bench_cases bench_object_cases = { cases, ARRAY_SIZE(cases) };
