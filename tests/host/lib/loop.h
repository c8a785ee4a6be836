/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_LOOP_H
#define VGPU_HOST_LOOP_H

#include "base.h"

#define LOOP_MAX 32

/** typedef loop_fn - called when a file descriptor can be read */
typedef void (*loop_fn)(void *opaque, int fd);

/** struct loop_watch - one file descriptor somebody waits for */
struct loop_watch {
	int fd;
	loop_fn fn;
	void *opaque;
};

/**
 * struct loop - a poll() loop
 * @watch: what is waited for
 * @n: how many
 * @quit: leave loop_run()
 * @unbounded: it is known that it may be busy for long
 * @longest: how long it was busy at most between two waits, us
 * @longest_cpu: the same of the processor's time
 */
struct loop {
	struct loop_watch watch[LOOP_MAX];
	unsigned int n;
	bool quit, unbounded;
	u64 longest, longest_cpu;
};

int loop_add(struct loop *l, int fd, loop_fn fn, void *opaque);
void loop_del(struct loop *l, int fd);
void loop_run(struct loop *l, u64 (*deadline)(void *), void (*timeout)(void *),
	      void *opaque);

#endif
