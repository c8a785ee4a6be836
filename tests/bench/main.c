// SPDX-License-Identifier: MIT
/*
 * Usage: vgpu-bench [--quick] [--list] [--pause] [PATTERN...]
 *
 * Measure what operations of the virtio_gpu driver cost the processor. Meant for a
 * guest whose clock counts instructions (tests/guest/run --icount): there the time
 * stamp counter advances by one an instruction.
 *
 * Prints lines of three fields: case, counter, count per operation.
 * The counts beside "instructions" come from the kernel module in probe/, if it is
 * loaded, and are taken in rounds of their own.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"
#include "counters.h"
#include "gpu.h"
#include "hold.h"
#include "spin.h"
#include "toy3d.h"

/* Rounds before the measurement, which fill the caches of memory and of translated code. */
#define WARM_UP_ROUNDS	2

/* Rounds in which the kernel module counts; other activity of the system disturbs few of them. */
#define COUNTED_ROUNDS 5

static const struct bench_cases *const sets[] = {
	&bench_query_cases,
	&bench_object_cases,
	&bench_exec_cases,
	&bench_transfer_cases,
	&bench_scale_cases,
	&bench_signal_cases,
	&bench_kms_cases,
};

/* @settle of operations that leave no work to wait for. */
uint32_t bench_no_settle(struct bench *b)
{
	(void)b;
	return 0;
}

/* @settle of operations on the first buffer, which is idle when the last one is done. */
uint32_t bench_settle_first(struct bench *b)
{
	return b->handles[0];
}

/* Send a transfer behind all other work: the device works in order, so it completes last. */
static uint32_t settle_all(struct bench *b)
{
	gpu_transfer(b->fd, b->scratch, 4, true);
	return b->scratch;
}

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t bench_median(int64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void prepare_round(struct bench *b)
{
	if (b->c->before)
		b->c->before(b);
	if (!b->c->fixed)
		return;
	b->token = hold_token();
	/*
	 * Request a fence: without one the kernel's own driver sends none, and the device would
	 * hold no answers.
	 */
	close(hold_submit(b->fd, TOY3D_OP_WAIT, b->token, VIRTGPU_EXECBUF_FENCE_FD_OUT));
}

/* Get the instructions so far; in a case that waits, those of this process alone. */
static uint64_t now(const struct bench_case *c)
{
	struct timespec time;

	if (!c->waits)
		return __rdtsc();
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time))
		gpu_die("clock_gettime");
	/* One instruction takes one nanosecond. */
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Do the operations of a round; returns the buffer to wait for. */
static uint32_t do_round(struct bench *b)
{
	const struct bench_case *c = b->c;

	for (unsigned int i = 0; i < c->ops; i++)
		c->op(b, i);
	if (c->fixed)
		hold_submit(b->fd, TOY3D_OP_RELEASE, b->token, 0);
	return c->settle ? c->settle(b) : settle_all(b);
}

/* Wait until the buffer is idle; returns the cost of the completions for the kernel. */
static int64_t finish(struct bench *b, uint32_t handle)
{
	int64_t sum = 0;
	uint64_t start;
	bool busy;

	do {
		sum += spin();
		start = __rdtsc();
		busy = gpu_is_busy(b->fd, handle);
		sum += (int64_t)(__rdtsc() - start);
	} while (busy);
	return sum;
}

/* Do a round; returns the cost of one operation. */
static uint64_t run_round(struct bench *b)
{
	const struct bench_case *c = b->c;
	uint64_t start;
	uint32_t handle;
	int64_t sum;

	if (c->cost)
		return c->cost(b);
	start = now(c);
	handle = do_round(b);
	sum = (int64_t)(now(c) - start);
	if (handle)
		sum += finish(b, handle);
	return sum > 0 ? (uint64_t)sum / c->ops : 0;
}

static void measure(struct bench *b)
{
	const struct bench_case *c = b->c;
	int64_t *cost = calloc(c->rounds, sizeof(*cost));

	if (!cost)
		gpu_die("calloc");
	for (unsigned int i = 0; i < c->rounds; i++) {
		prepare_round(b);
		cost[i] = run_round(b);
	}
	printf("%s instructions %ld\n", c->name, bench_median(cost, c->rounds));
	free(cost);
}

static void count(struct bench *b)
{
	const unsigned int rounds = b->c->ops == 1 && b->c->rounds > 1 ? 16 : 1;
	int64_t values[COUNTED_ROUNDS];
	struct counters counters[COUNTED_ROUNDS];

	for (unsigned int i = 0; i < COUNTED_ROUNDS; i++) {
		prepare_round(b);
		counters_start();
		for (unsigned int j = 0; j < rounds; j++)
			run_round(b);
		counters_stop(&counters[i]);
	}
	for (size_t n = 0; n < counters->count; n++) {
		for (unsigned int i = 0; i < COUNTED_ROUNDS; i++)
			values[i] = counters[i].value[n];
		printf("%s %s %.3f\n", b->c->name, counters->name[n],
		       (double)bench_median(values, COUNTED_ROUNDS) / (b->c->ops * rounds));
	}
}

/* Run under an observer: print the number of operations, wait for a line, do them, wait again. */
static void run_watched(struct bench *b)
{
	uint32_t handle;

	prepare_round(b);
	printf("%u\n", b->c->ops);
	fflush(stdout);
	getchar();
	if (b->c->cost)
		b->c->cost(b);
	else if ((handle = do_round(b)))
		gpu_wait(b->fd, handle);
	puts("done");
	fflush(stdout);
	getchar();
}

static void run_case(const struct bench_case *c, const uint32_t *stream, bool pause)
{
	struct bench b = { .c = c, .stream = stream };

	/* The previous case may have left many buffers to be freed. */
	spin_until_quiet();
	b.fd = c->card ? gpu_open_card() : gpu_open_render();
	b.scratch = gpu_buffer(b.fd, 4096);
	if ((!c->fixed || hold_possible(b.fd)) && (!c->setup || c->setup(&b))) {
		/* An operation that runs once only is large enough without a warm-up. */
		for (unsigned int i = 0; c->rounds > 1 && i < WARM_UP_ROUNDS; i++) {
			prepare_round(&b);
			run_round(&b);
		}
		if (pause)
			run_watched(&b);
		else if (!c->sleeps)
			measure(&b);
		if (!pause && counters_present())
			count(&b);
		if (c->teardown)
			c->teardown(&b);
	}

	close(b.fd);
	fflush(stdout);
}

static bool wanted(const struct bench_case *c, bool quick, char **patterns)
{
	if (quick && !c->quick)
		return false;
	if (!*patterns)
		return true;
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, c->name, 0))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	bool quick = false, list = false, pause = false;
	const uint32_t *stream;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--quick")) {
			quick = true;
		} else if (!strcmp(argv[i], "--list")) {
			list = true;
		} else if (!strcmp(argv[i], "--pause")) {
			pause = true;
		} else {
			fprintf(stderr, "Usage: vgpu-bench [--quick] [--list] [--pause] [PATTERN...]\n");
			return 2;
		}
	}

	/* A word of 0 is a NOP of virgl. */
	stream = calloc(1, BENCH_STREAM_BYTES);
	if (!stream)
		gpu_die("calloc");
	for (size_t s = 0; s < ARRAY_SIZE(sets); s++)
		for (size_t n = 0; n < sets[s]->count; n++) {
			const struct bench_case *c = &sets[s]->cases[n];

			if (!wanted(c, quick, argv + i))
				continue;
			if (list)
				puts(c->name);
			else
				run_case(c, stream, pause);
		}
	return 0;
}
