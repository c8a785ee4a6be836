// SPDX-License-Identifier: MIT
/* Buffers: made, mapped, closed. */
#include <sys/mman.h>

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
};

const struct bench_cases bench_object_cases = { cases, ARRAY_SIZE(cases) };
