// SPDX-License-Identifier: MIT
/* Copies between guest memory and the resource of the host. */
#include "bench.h"
#include "gpu.h"

static bool transfer_setup(struct bench *b)
{
	b->handles[0] = gpu_buffer(b->fd, b->c->arg);
	return true;
}

static void to_host(struct bench *b, unsigned int i)
{
	(void)i;
	gpu_transfer(b->fd, b->handles[0], b->c->arg, true);
}

static void from_host(struct bench *b, unsigned int i)
{
	(void)i;
	gpu_transfer(b->fd, b->handles[0], b->c->arg, false);
}

static void to_host_wait(struct bench *b, unsigned int i)
{
	to_host(b, i);
	gpu_wait(b->fd, b->handles[0]);
}

static void from_host_wait(struct bench *b, unsigned int i)
{
	from_host(b, i);
	gpu_wait(b->fd, b->handles[0]);
}

#define TRANSFER(label, bytes, what, in_quick) \
	{ .name = label, .ops = 64, .rounds = 9, .arg = bytes, .quick = in_quick, \
	  .setup = transfer_setup, .op = what, .settle = bench_settle_first }
/* Variant whose answers come at the end of the round. */
#define TRANSFER_FIXED(label, bytes, what) \
	{ .name = label "-fixed", .ops = 64, .rounds = 9, .arg = bytes, .quick = true, \
	  .fixed = true, .setup = transfer_setup, .op = what, .settle = bench_settle_first }
#define TRANSFER_WAIT(label, bytes, what) \
	{ .name = label, .ops = 1, .rounds = 101, .arg = bytes, \
	  .setup = transfer_setup, .op = what, .settle = bench_no_settle }

static const struct bench_case cases[] = {
	TRANSFER("to-host-4K", 4096, to_host, true),
	TRANSFER_FIXED("to-host-4K", 4096, to_host),
	TRANSFER_WAIT("to-host-4K-wait", 4096, to_host_wait),
	TRANSFER("from-host-4K", 4096, from_host, false),
	TRANSFER_FIXED("from-host-4K", 4096, from_host),
	TRANSFER_WAIT("from-host-4K-wait", 4096, from_host_wait),
	TRANSFER("to-host-1M", 1 << 20, to_host, false),
	TRANSFER_WAIT("to-host-1M-wait", 1 << 20, to_host_wait),
	TRANSFER("from-host-1M", 1 << 20, from_host, false),
	TRANSFER_WAIT("from-host-1M-wait", 1 << 20, from_host_wait),
};

const struct bench_cases bench_transfer_cases = { cases, ARRAY_SIZE(cases) };
