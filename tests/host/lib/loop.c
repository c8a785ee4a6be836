// SPDX-License-Identifier: MIT
/* One thread, one poll(): what happens in the device happens in one order. */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "fence.h"
#include "log.h"
#include "loop.h"

/* What a guest may not exceed, whatever it asks for. */
#define LOOP_BOUND_US 50000

/**
 * loop_add - Wait for a file descriptor
 * @l: the loop
 * @fd: the descriptor
 * @fn: called when it can be read or was hung up
 * @opaque: first argument of @fn
 *
 * Return: 0 or -ENOSPC.
 */
int loop_add(struct loop *l, int fd, loop_fn fn, void *opaque)
{
	if (l->n == LOOP_MAX)
		return -ENOSPC;
	l->watch[l->n++] = (struct loop_watch){ fd, fn, opaque };
	return 0;
}

/**
 * loop_del - Wait for a file descriptor no longer
 * @l: the loop
 * @fd: the descriptor; it need not be there
 */
void loop_del(struct loop *l, int fd)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->watch[i].fd != fd)
			continue;
		memmove(&l->watch[i], &l->watch[i + 1],
			(--l->n - i) * sizeof(l->watch[0]));
		return;
	}
}

static int loop_wait_ms(u64 deadline)
{
	u64 now;

	if (deadline == FENCE_FOREVER)
		return -1;
	now = fence_now_ms();
	return deadline <= now ? 0 : MIN(deadline - now, 60000u);
}

static void loop_dispatch(struct loop *l, const struct pollfd *pfd, unsigned int n)
{
	for (unsigned int i = 0; i < n && !l->quit; i++) {
		if (!pfd[i].revents)
			continue;
		/* An earlier call may have taken this one away. */
		for (unsigned int k = 0; k < l->n; k++) {
			struct loop_watch w = l->watch[k];

			if (w.fd == pfd[i].fd) {
				w.fn(w.opaque, w.fd);
				break;
			}
		}
	}
}

static u64 loop_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

/* The loop was busy from @start on, by both clocks. */
static void loop_measure(struct loop *l, u64 start, u64 cpu)
{
	l->longest = MAX(l->longest, loop_us(CLOCK_MONOTONIC) - start);
	cpu = loop_us(CLOCK_THREAD_CPUTIME_ID) - cpu;
	if (cpu <= l->longest_cpu)
		return;
	l->longest_cpu = cpu;
	if (cpu > LOOP_BOUND_US && !l->unbounded)
		log_warn("busy for %llu ms without looking at its sockets", cpu / 1000);
}

/**
 * loop_run - Wait and call until somebody sets @l->quit
 * @l: the loop
 * @deadline: asked for a time (ms) before each wait, or FENCE_FOREVER
 * @timeout: called when that time has come
 * @opaque: first argument of both
 */
void loop_run(struct loop *l, u64 (*deadline)(void *), void (*timeout)(void *),
	      void *opaque)
{
	while (!l->quit) {
		struct pollfd pfd[LOOP_MAX];
		unsigned int n = l->n;
		u64 when = deadline(opaque), start, cpu;
		int ret;

		for (unsigned int i = 0; i < n; i++)
			pfd[i] = (struct pollfd){ .fd = l->watch[i].fd,
						  .events = POLLIN };
		ret = poll(pfd, n, loop_wait_ms(when));
		start = loop_us(CLOCK_MONOTONIC);
		cpu = loop_us(CLOCK_THREAD_CPUTIME_ID);
		if (ret < 0 && errno != EINTR)
			log_die("poll: %s", strerror(errno));
		if (ret > 0)
			loop_dispatch(l, pfd, n);
		if (when != FENCE_FOREVER && fence_now_ms() >= when)
			timeout(opaque);
		loop_measure(l, start, cpu);
	}
}
