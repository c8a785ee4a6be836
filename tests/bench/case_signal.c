// SPDX-License-Identifier: MIT
/*
 * The cost of signalling a fence while other fences are open. Needs a device that answers on
 * request: toy3d of tests/host.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"
#include "gpu.h"
#include "hold.h"
#include "spin.h"
#include "toy3d.h"

/* Number of fences that signal in a round; a client waits for each. */
#define SIGNALLED		256

/* Our driver lets each process have this many commands in flight, however full the ring is. */
#define CLIENT_FENCES		8

#define WORKERS			(SIGNALLED / CLIENT_FENCES)
#define MAX_HOLDERS		128

/**
 * struct signal_bench - clients with open fences
 * @control: client that releases the tokens
 * @workers: clients whose fences are to signal
 * @fences: fences of @workers
 * @holders: clients whose fences stay open
 * @num_holders: number of @holders
 * @hold_token: token that the holders wait for
 * @token: token that the workers wait for
 */
struct signal_bench {
	int control;
	int workers[WORKERS];
	struct pollfd fences[SIGNALLED];
	int holders[MAX_HOLDERS];
	unsigned int num_holders;
	uint32_t hold_token;
	uint32_t token;
};

/* The submissions of a process: stores CLIENT_FENCES fences in @fences, unless it is NULL. */
struct batch {
	int fd;
	uint32_t token;
	struct pollfd *fences;
};

static int open_client(void)
{
	int fd = gpu_open_render();

	gpu_context_init(fd, TOY3D_CAPSET_ID, 1, 0);
	return fd;
}

/* Submit a stream on a ring; returns its fence. */
static int submit(int fd, uint32_t op, uint32_t token)
{
	return hold_submit(fd, op, token,
			   VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT);
}

static int submit_batch(void *arg)
{
	const struct batch *batch = arg;

	for (unsigned int i = 0; i < CLIENT_FENCES; i++) {
		const int fence = submit(batch->fd, TOY3D_OP_WAIT, batch->token);

		if (batch->fences)
			batch->fences[i] = (struct pollfd){ .fd = fence, .events = POLLIN };
		else
			close(fence);
	}
	return 0;
}

static void release_holders(struct signal_bench *s)
{
	close(submit(s->control, TOY3D_OP_RELEASE, s->hold_token));
}

/* @arg fences are open at the beginning of a round; SIGNALLED of them signal in it. */
static bool setup(struct bench *b)
{
	struct signal_bench *s;

	if (!hold_possible(b->fd))
		return false;
	s = calloc(1, sizeof(*s));
	if (!s)
		gpu_die("calloc");
	b->priv = s;
	s->control = open_client();
	s->num_holders = (b->c->arg - SIGNALLED) / CLIENT_FENCES;
	for (unsigned int i = 0; i < s->num_holders; i++)
		s->holders[i] = open_client();
	for (unsigned int i = 0; i < WORKERS; i++)
		s->workers[i] = open_client();
	return true;
}

/*
 * Renew the held submissions in each round: the driver lets a client whose commands are held for a
 * second use a part of the ring only.
 */
static void before(struct bench *b)
{
	struct signal_bench *s = b->priv;

	if (s->hold_token)
		release_holders(s);
	s->hold_token = hold_token();
	for (unsigned int i = 0; i < s->num_holders; i++)
		gpu_in_process(submit_batch, &(struct batch){ s->holders[i], s->hold_token, NULL });
	s->token = hold_token();
	for (unsigned int i = 0; i < WORKERS; i++)
		gpu_in_process(submit_batch, &(struct batch){ s->workers[i], s->token,
							      &s->fences[i * CLIENT_FENCES] });
	/* poll() enables signalling, so the driver knows that a client waits. */
	if (poll(s->fences, SIGNALLED, 0))
		gpu_die("a fence has signalled already");
}

/* Measure from the submission that releases the fences, including its own cost. */
static uint64_t cost(struct bench *b)
{
	struct signal_bench *s = b->priv;
	const uint64_t start = __rdtsc();
	int fence = submit(s->control, TOY3D_OP_RELEASE, s->token);
	int64_t sum = (int64_t)(__rdtsc() - start);

	do
		sum += spin();
	while (poll(s->fences, SIGNALLED, 0) != SIGNALLED);
	for (unsigned int i = 0; i < SIGNALLED; i++)
		close(s->fences[i].fd);
	close(fence);
	return sum > 0 ? (uint64_t)sum / SIGNALLED : 0;
}

static void teardown(struct bench *b)
{
	struct signal_bench *s = b->priv;

	release_holders(s);
	for (unsigned int i = 0; i < s->num_holders; i++)
		close(s->holders[i]);
	for (unsigned int i = 0; i < WORKERS; i++)
		close(s->workers[i]);
	close(s->control);
	free(s);
}

#define SIGNAL(label, n, in_quick) \
	{ .name = label, .ops = SIGNALLED, .rounds = 9, .arg = n, .quick = in_quick, \
	  .setup = setup, .before = before, .cost = cost, .teardown = teardown }

static const struct bench_case cases[] = {
	SIGNAL("signal-256-of-256", 256, false),
	SIGNAL("signal-256-of-512", 512, false),
	SIGNAL("signal-256-of-1000", 1000, true),
};

const struct bench_cases bench_signal_cases = { cases, ARRAY_SIZE(cases) };
