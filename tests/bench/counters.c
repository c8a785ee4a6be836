// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "counters.h"
#include "gpu.h"

#define COUNTERS_FILE	"/sys/kernel/debug/vgpu_probe"

bool counters_present(void)
{
	return !access(COUNTERS_FILE, R_OK | W_OK);
}

static void counters_arm(bool on)
{
	FILE *f = fopen(COUNTERS_FILE, "w");

	if (!f || fputs(on ? "1\n" : "0\n", f) < 0 || fclose(f))
		gpu_die(COUNTERS_FILE);
}

/* Reset the counters, and start counting. */
void counters_start(void)
{
	counters_arm(true);
}

/* Stop counting, and read the counters. */
void counters_stop(struct counters *counters)
{
	FILE *f;

	counters_arm(false);
	f = fopen(COUNTERS_FILE, "r");
	if (!f)
		gpu_die(COUNTERS_FILE);
	counters->count = 0;
	while (counters->count < COUNTERS_MAX &&
	       fscanf(f, "%23s %" SCNd64, counters->name[counters->count],
		      &counters->value[counters->count]) == 2)
		counters->count++;
	fclose(f);
}
