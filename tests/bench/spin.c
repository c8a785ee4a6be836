// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <x86intrin.h>

#include "bench.h"
#include "spin.h"

/* Three ticks of the clock, so that work deferred to the next tick is included. */
#define SPIN_INSTRUCTIONS	12000000

/* A single pass of the loop never takes this long by itself. */
#define SPIN_GAP		200

/* Below this, nothing else is running. */
#define SPIN_QUIET		(SPIN_INSTRUCTIONS / 100)

/* Number of measurements of the idle system. */
#define IDLE_SPINS		15

static uint64_t missing(void)
{
	const uint64_t end = __rdtsc() + SPIN_INSTRUCTIONS;
	uint64_t last = __rdtsc(), now, sum = 0;

	for (; last < end; last = now) {
		now = __rdtsc();
		if (now - last > SPIN_GAP)
			sum += now - last;
	}
	return sum;
}

/* Get the time that the idle system uses by itself. */
static uint64_t idle(void)
{
	static bool known;
	static uint64_t usual;
	int64_t values[IDLE_SPINS];

	if (!known) {
		for (unsigned int i = 0; i < IDLE_SPINS; i++)
			values[i] = missing();
		usual = bench_median(values, IDLE_SPINS);
		known = true;
	}
	return usual;
}

/* Spin for a while; returns the time that others used, less that of the idle system. */
int64_t spin(void)
{
	const uint64_t usual = idle();

	return (int64_t)(missing() - usual);
}

/* Spin until the kernel has finished its deferred work. */
void spin_until_quiet(void)
{
	while (spin() > SPIN_QUIET)
		;
}
