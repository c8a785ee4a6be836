// SPDX-License-Identifier: MIT
/* Runs the unit tests: all, or those whose name contains the argument; prints TAP. */
#include "log.h"
#include "test.h"

const char *test_name;
unsigned int test_failed;

int main(int argc, char **argv)
{
	const struct test_case *suites[] = {
		virtqueue_tests, memory_tests, wire_tests, fault_tests,
		display_tests, fence_tests, command_tests, rule_tests,
		toy3d_tests, vhost_tests, control_tests, limit_tests,
		options_tests, lib_tests, judge_tests, habit_tests,
		last_tests,
	};
	unsigned int passed = 0, failed = 0;

	/*
	 * What the device prints of bugs the tests provoke is no news. The file
	 * descriptor stays as it is, for the sanitizers.
	 */
	if (argc < 2)
		stderr = fopen("/dev/null", "w");
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		for (const struct test_case *t = suites[i]; t->fn; t++) {
			unsigned int before = test_failed;
			bool ok;

			if (argc > 1 && !strstr(t->name, argv[1]))
				continue;
			test_name = t->name;
			t->fn();
			ok = test_failed == before;
			passed += ok;
			failed += !ok;
			printf("%s %u %s\n", ok ? "ok" : "not ok", passed + failed, t->name);
		}
	}
	printf("1..%u\n", passed + failed);
	return failed || !passed;
}
