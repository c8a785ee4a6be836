// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <x86intrin.h>

#include "bench.h"
#include "spin.h"

/* Three ticks of the clock: what is put off to the next one is in it. */
#define SPIN_INSTRUCTIONS	12000000

/* A round of the loop does not take so long by itself. */
#define SPIN_GAP		200

/* When others take no more of it, nothing is going on. */
#define SPIN_QUIET		(SPIN_INSTRUCTIONS / 100)

/* How often the others are watched when there is nothing to do. */
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

/* What the system takes for itself. */
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

/* Spins for a while; returns what others took of it, less what they always do. */
int64_t spin(void)
{
	const uint64_t usual = idle();

	return (int64_t)(missing() - usual);
}

/* Spins until the kernel has done what it was left with. */
void spin_until_quiet(void)
{
	while (spin() > SPIN_QUIET)
		;
}
