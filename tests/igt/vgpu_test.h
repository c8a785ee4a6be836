/* SPDX-License-Identifier: MIT */
/*
 * Harness of the test programs in this directory.
 *
 * It supports the part of the command line and output of IGT that igt_runner needs, so a program
 * can be run by igt_runner or by hand. Each subtest runs in a process of its own, with a deadline.
 * Afterwards the harness checks that the device still works, that no file descriptor has leaked,
 * and that the kernel has not printed a warning.
 */
#ifndef VGPU_TEST_H
#define VGPU_TEST_H

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit codes that igt_runner knows. */
enum vgpu_exit {
	VGPU_EXIT_SUCCESS = 0,
	VGPU_EXIT_SKIP = 77,
	VGPU_EXIT_INVALID = 79,
	VGPU_EXIT_FAILURE = 98,
	VGPU_EXIT_ABORT = 112,
};

/**
 * struct vgpu_subtest - one row of a program's table
 * @name: name as igt_runner sees it
 * @run: the test; the harness runs it in a process of its own
 * @timeout_s: deadline; 0 means VGPU_TEST_TIMEOUT_S
 */
struct vgpu_subtest {
	const char *name;
	void (*run)(void);
	unsigned int timeout_s;
};

/* Far longer than any test takes, since guests may run without KVM. */
#define VGPU_TEST_TIMEOUT_S 120

/**
 * struct vgpu_program - a test program
 * @name: the name of the executable
 * @about: one sentence for --help
 * @subtests: its table
 * @nsubtests: entries in @subtests
 * @options: extra long options, ended by a zero entry; may be NULL
 * @option: called with the val of an extra option and its argument
 * @option_help: help text of the extra options
 */
struct vgpu_program {
	const char *name;
	const char *about;
	const struct vgpu_subtest *subtests;
	size_t nsubtests;
	const struct option *options;
	void (*option)(int val, const char *arg);
	const char *option_help;
};

int vgpu_test_main(int argc, char **argv, const struct vgpu_program *prog);

/* End the running subtest (or a process that it forked). */
[[noreturn]] void vgpu_test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
[[noreturn]] void vgpu_test_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

void vgpu_test_check_ret(const char *file, int line, const char *expr,
			 long got, const int *wanted, size_t nwanted);

/* Print a line of progress at once. */
void vgpu_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Fork a process of the subtest, which may assert; vgpu_join() ends the subtest if it failed. */
int vgpu_fork(void (*run)(void *arg), void *arg);
void vgpu_join(int pid);
/* Like vgpu_join(), but assert that the child was killed by @sig. */
void vgpu_join_signalled(int pid, int sig);

/* Write a byte; returns 0, or the signal that the access raised. */
int vgpu_touch(void *ptr);

int vgpu_count_fds(void);
double vgpu_now(void);

/* Skip the test and print why, unless @cond holds. A skipped test never counts as passed. */
#define vgpu_require(cond, ...)						\
	do {								\
		if (!(cond))						\
			vgpu_test_skip(__VA_ARGS__);			\
	} while (0)

#define vgpu_fail(...) vgpu_test_fail(__FILE_NAME__, __LINE__, __VA_ARGS__)

#define vgpu_assert(cond)						\
	do {								\
		if (!(cond))						\
			vgpu_fail("assertion failed: %s", #cond);	\
	} while (0)

#define vgpu_assert_msg(cond, fmt, ...)					\
	do {								\
		if (!(cond))						\
			vgpu_fail("assertion failed: %s: " fmt, #cond	\
				  __VA_OPT__(,) __VA_ARGS__);		\
	} while (0)

#define vgpu_assert_eq(a, b)						\
	do {								\
		long long a_ = (long long)(a);				\
		long long b_ = (long long)(b);				\
		if (a_ != b_)						\
			vgpu_fail("%s == %s: %lld (0x%llx) != %lld (0x%llx)", \
				  #a, #b, a_, a_, b_, b_);		\
	} while (0)

/* Assert that @expr, 0 or -errno, is one of the values that follow. */
#define vgpu_ret(expr, ...)						\
	vgpu_test_check_ret(__FILE_NAME__, __LINE__, #expr, (expr),		\
			    (const int[]){ __VA_ARGS__ },		\
			    ARRAY_SIZE(((const int[]){ __VA_ARGS__ })))

#define vgpu_ok(expr) vgpu_ret(expr, 0)

/* Assert that @expr, which sets errno, is not negative; returns its value. */
#define vgpu_sys(expr)							\
	({								\
		errno = 0;						\
		__typeof__(expr) ret_ = (expr);				\
		if (ret_ < 0)						\
			vgpu_fail("%s: %s", #expr,			\
				  strerrorname_np(errno));		\
		ret_;							\
	})

#endif
