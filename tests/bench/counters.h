/* SPDX-License-Identifier: MIT */
/* The counters of the kernel module in probe/. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTERS_MAX	16

/**
 * struct counters - the counters of the module
 * @count: number of counters
 * @name: name of each
 * @value: value of each
 */
struct counters {
	size_t count;
	char name[COUNTERS_MAX][24];
	int64_t value[COUNTERS_MAX];
};

bool counters_present(void);
void counters_start(void);
void counters_stop(struct counters *counters);

#endif
