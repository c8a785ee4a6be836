// SPDX-License-Identifier: MIT
/* One thread, one poll(): what happens in the device happens in one order. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"

/* What a guest may not exceed, whatever it asks for. */
#define LOOP_BOUND_US 50000

/* Read a clock. */
u64 loop_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

/* Call @fn when a descriptor can be read or was hung up. Their number is bounded by their users. */
void loop_add(struct loop *l, int fd, loop_fn fn, void *opaque)
{
	if (l->n == LOOP_MAX)
		log_die("too many file descriptors");
	l->watch[l->n++] = (struct loop_watch){ fd, fn, opaque };
}

/* Stop watching a descriptor, which need not be there. */
void loop_del(struct loop *l, int fd)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->watch[i].fd != fd)
			continue;
		memmove(&l->watch[i], &l->watch[i + 1], (--l->n - i) * sizeof(l->watch[0]));
		return;
	}
}

/* Stop watching a descriptor and close it, if it is one. */
void loop_close(struct loop *l, int *fd)
{
	if (*fd < 0)
		return;
	loop_del(l, *fd);
	close(*fd);
	*fd = -1;
}

static int loop_wait_ms(u64 deadline)
{
	u64 now;

	if (deadline == LOOP_FOREVER)
		return -1;
	now = loop_now_ms();
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

/* Serve until @l->quit is set. @timeout is called at the time @deadline says, in ms. */
void loop_run(struct loop *l, u64 (*deadline)(void *), void (*timeout)(void *), void *opaque)
{
	while (!l->quit) {
		struct pollfd pfd[LOOP_MAX];
		unsigned int n = l->n;
		u64 when = deadline(opaque), start, cpu;
		int ret;

		for (unsigned int i = 0; i < n; i++)
			pfd[i] = (struct pollfd){ .fd = l->watch[i].fd, .events = POLLIN };
		ret = poll(pfd, n, loop_wait_ms(when));
		start = loop_us(CLOCK_MONOTONIC);
		cpu = loop_us(CLOCK_THREAD_CPUTIME_ID);
		if (ret < 0 && errno != EINTR)
			log_die("poll: %s", strerror(errno));
		if (ret > 0)
			loop_dispatch(l, pfd, n);
		if (when != LOOP_FOREVER && loop_now_ms() >= when)
			timeout(opaque);
		loop_measure(l, start, cpu);
	}
}
