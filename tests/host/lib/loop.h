/* SPDX-License-Identifier: MIT */
#pragma once

#include <time.h>

#include "base.h"

#define LOOP_MAX 32
#define LOOP_FOREVER UINT64_MAX

/* Called when a file descriptor can be read. */
typedef void (*loop_fn)(void *opaque, int fd);

/* One file descriptor somebody waits for. */
struct loop_watch {
	int fd;
	loop_fn fn;
	void *opaque;
};

/* A poll() loop. */
struct loop {
	struct loop_watch watch[LOOP_MAX]; /* what is waited for */
	unsigned int n;		/* how many */
	bool quit;		/* leave loop_run() */
	bool unbounded;		/* it is known that it may be busy for long */
	u64 longest;		/* how long it was busy at most between two waits, us */
	u64 longest_cpu;	/* the same of the processor's time */
};

u64 loop_us(clockid_t clock);
void loop_add(struct loop *l, int fd, loop_fn fn, void *opaque);
void loop_del(struct loop *l, int fd);
void loop_close(struct loop *l, int *fd);
void loop_run(struct loop *l, u64 (*deadline)(void *), void (*timeout)(void *), void *opaque);

/* Read the clock of delays and deadlines. */
static inline u64 loop_now_ms(void)
{
	return loop_us(CLOCK_MONOTONIC) / 1000;
}
