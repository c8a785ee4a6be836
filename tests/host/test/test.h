/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "base.h"

extern const char *test_name;
extern unsigned int test_failed;

/* Goes on after a failure: one run shows all of them. */
#define CHECK(cond) do { \
	if (!(cond)) { \
		test_failed++; \
		printf("# %s: %s:%d: %s\n", test_name, __FILE__, __LINE__, #cond); \
	} \
} while (0)

#define CHECK_EQ(a, b) do { \
	unsigned long long a_ = (a), b_ = (b); \
	if (a_ != b_) { \
		test_failed++; \
		printf("# %s: %s:%d: %s is %llu (%#llx), not %llu (%#llx)\n", \
		       test_name, __FILE__, __LINE__, #a, a_, a_, b_, b_); \
	} \
} while (0)

/** struct test_case - one test */
struct test_case {
	const char *name;
	void (*fn)(void);
};

#define TEST(fn) { #fn, fn }

extern const struct test_case virtqueue_tests[], memory_tests[], wire_tests[],
	fault_tests[], display_tests[], fence_tests[], command_tests[],
	rule_tests[], limit_tests[], toy3d_tests[], vhost_tests[], control_tests[],
	options_tests[], lib_tests[], judge_tests[], habit_tests[], last_tests[];
