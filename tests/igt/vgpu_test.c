// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_klog.h"
#include "vgpu_test.h"

/* A process that survives SIGKILL for this long is stuck for good. */
#define VGPU_KILL_GRACE_MS 20000

/* The device may still execute work of the subtest. */
#define VGPU_HEALTH_TIMEOUT_S 60

enum vgpu_result {
	VGPU_RESULT_SUCCESS,
	VGPU_RESULT_SKIP,
	VGPU_RESULT_FAIL,
	VGPU_RESULT_STUCK,
};

static const char *const result_names[] = {
	[VGPU_RESULT_SUCCESS] = "SUCCESS",
	[VGPU_RESULT_SKIP] = "SKIP",
	[VGPU_RESULT_FAIL] = "FAIL",
	[VGPU_RESULT_STUCK] = "FAIL",
};

double vgpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void vgpu_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void vgpu_test_fail(const char *file, int line, const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	printf("%s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (err)
		printf(" (last error %s)", strerrorname_np(err));
	putchar('\n');
	fflush(stdout);
	_exit(VGPU_EXIT_FAILURE);
}

void vgpu_test_skip(const char *fmt, ...)
{
	va_list ap;

	printf("Test requirement not met: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(VGPU_EXIT_SKIP);
}

static const char *ret_name(long ret)
{
	const char *name;

	if (ret >= 0)
		return "success";
	name = strerrorname_np((int)-ret);
	return name ? name : "no errno";
}

void vgpu_test_check_ret(const char *file, int line, const char *expr,
			 long got, const int *wanted, size_t nwanted)
{
	char list[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < nwanted; i++)
		if (got == wanted[i])
			return;
	for (size_t i = 0; i < nwanted && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, " %s",
					ret_name(wanted[i]));
	errno = 0;
	vgpu_test_fail(file, line, "%s gave %s (%ld), expected%s", expr,
		       ret_name(got), got, list);
}

int vgpu_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		vgpu_fail("cannot open /proc/self/fd");
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

int vgpu_fork(void (*run)(void *arg), void *arg)
{
	int pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		vgpu_fail("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(arg);
	fflush(stdout);
	_exit(VGPU_EXIT_SUCCESS);
}

static int wait_status(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			vgpu_fail("waitpid");
	return status;
}

void vgpu_join(int pid)
{
	int status = wait_status(pid);

	errno = 0;
	if (WIFSIGNALED(status))
		vgpu_fail("child died of SIG%s",
			  sigabbrev_np(WTERMSIG(status)));
	/* The child has already printed the reason. */
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
}

void vgpu_join_signalled(int pid, int sig)
{
	int status = wait_status(pid);

	errno = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == sig)
		return;
	if (WIFSIGNALED(status))
		vgpu_fail("child died of SIG%s instead of SIG%s",
			  sigabbrev_np(WTERMSIG(status)), sigabbrev_np(sig));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
	vgpu_fail("child ended instead of dying of SIG%s", sigabbrev_np(sig));
}

static sigjmp_buf touch_failed;

static void on_fault(int sig)
{
	siglongjmp(touch_failed, sig);
}

int vgpu_touch(void *ptr)
{
	const struct sigaction act = { .sa_handler = on_fault };
	struct sigaction segv, bus;
	int sig;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	sig = sigsetjmp(touch_failed, 1);
	if (!sig)
		*(volatile char *)ptr = 1;
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}

/* Wait until @pid can be reaped; returns false after @timeout_ms. */
static bool wait_exit(int pid, int pidfd, int timeout_ms, int *status)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	while (poll(&pfd, 1, timeout_ms) < 0 && errno == EINTR)
		;
	if (!(pfd.revents & POLLIN))
		return false;
	*status = wait_status(pid);
	return true;
}

/*
 * Run @body in a process group of its own; kill the whole group at the deadline, or when its leader
 * has exited.
 */
static enum vgpu_result run_guarded(void (*body)(const void *arg),
				    const void *arg, unsigned int timeout_s)
{
	int pid, pidfd, status = 0;
	bool done, reaped;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		printf("fork: %s\n", strerrorname_np(errno));
		return VGPU_RESULT_FAIL;
	}

	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body(arg);
		fflush(stdout);
		_exit(VGPU_EXIT_SUCCESS);
	}

	setpgid(pid, pid);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	done = wait_exit(pid, pidfd, (int)timeout_s * 1000, &status);
	kill(-pid, SIGKILL);
	reaped = done || wait_exit(pid, pidfd, VGPU_KILL_GRACE_MS, &status);
	close(pidfd);

	if (!reaped) {
		printf("deadline of %u s passed, and SIGKILL does not end it\n",
		       timeout_s);
		return VGPU_RESULT_STUCK;
	}

	if (!done) {
		printf("deadline of %u s passed\n", timeout_s);
		return VGPU_RESULT_FAIL;
	}

	if (WIFSIGNALED(status)) {
		printf("died of SIG%s\n", sigabbrev_np(WTERMSIG(status)));
		return VGPU_RESULT_FAIL;
	}

	switch (WEXITSTATUS(status)) {
	case VGPU_EXIT_SUCCESS:
		return VGPU_RESULT_SUCCESS;
	case VGPU_EXIT_SKIP:
		return VGPU_RESULT_SKIP;
	default:
		return VGPU_RESULT_FAIL;
	}
}

static void subtest_body(const void *arg)
{
	const struct vgpu_subtest *subtest = arg;
	int before = vgpu_count_fds();
	int after;

	subtest->run();
	after = vgpu_count_fds();
	errno = 0;
	if (after != before)
		vgpu_fail("%d file descriptors before, %d after", before, after);
}

static void health_body(const void *arg)
{
	(void)arg;
	vgpu_drm_check_alive();
}

static enum vgpu_result run_subtest(const struct vgpu_program *prog,
				    const struct vgpu_subtest *subtest)
{
	unsigned int timeout_s = subtest->timeout_s ?: VGPU_TEST_TIMEOUT_S;
	struct vgpu_klog *klog = vgpu_klog_open();
	double start = vgpu_now();
	enum vgpu_result result, health;

	printf("Starting subtest: %s\n", subtest->name);
	vgpu_klog_note(klog, prog->name, subtest->name);

	result = run_guarded(subtest_body, subtest, timeout_s);
	if (result != VGPU_RESULT_STUCK) {
		health = run_guarded(health_body, NULL, VGPU_HEALTH_TIMEOUT_S);
		if (health != VGPU_RESULT_SUCCESS) {
			printf("the device does not serve any more after this\n");
			result = health == VGPU_RESULT_STUCK ?
				 health : VGPU_RESULT_FAIL;
		}
	}

	if (vgpu_klog_has_splat(klog) && result != VGPU_RESULT_STUCK)
		result = VGPU_RESULT_FAIL;
	vgpu_klog_close(klog);

	printf("Subtest %s: %s (%.3fs)\n", subtest->name, result_names[result],
	       vgpu_now() - start);
	fflush(stdout);
	return result;
}

/* Match @name against a comma separated list of globs; "!glob" excludes names. */
static bool matches(const char *patterns, const char *name)
{
	char *copy = strdup(patterns);
	char *save = NULL;
	bool match = copy[0] == '!';

	for (char *p = strtok_r(copy, ",", &save); p;
	     p = strtok_r(NULL, ",", &save)) {
		if (p[0] == '!' && !fnmatch(p + 1, name, 0))
			match = false;
		else if (p[0] != '!' && !fnmatch(p, name, 0))
			match = true;
	}
	free(copy);
	return match;
}

static void print_help(const struct vgpu_program *prog)
{
	printf("%s: %s\n\n"
	       "  --list-subtests      print the names of the subtests\n"
	       "  --run-subtest GLOBS  run only these, comma separated; !GLOB excludes\n"
	       "  --help               this text\n%s",
	       prog->name, prog->about,
	       prog->option_help ? prog->option_help : "");
}

static void print_version(void)
{
	struct utsname uts;

	uname(&uts);
	printf("IGT-Version: virtio-gpu-tests (%s) (Linux: %s %s)\n",
	       uts.machine, uts.release, uts.machine);
}

static int run_all(const struct vgpu_program *prog, const char *patterns)
{
	size_t count[ARRAY_SIZE(result_names)] = { 0 };
	size_t run = 0;

	print_version();
	for (size_t i = 0; i < prog->nsubtests; i++) {
		enum vgpu_result result;

		if (patterns && !matches(patterns, prog->subtests[i].name))
			continue;
		run++;
		result = run_subtest(prog, &prog->subtests[i]);
		count[result]++;
		if (result == VGPU_RESULT_STUCK) {
			printf("a task is stuck in the kernel, giving up\n");
			return VGPU_EXIT_ABORT;
		}
	}

	if (!run) {
		fprintf(stderr, "Unknown subtest: %s\n", patterns);
		return VGPU_EXIT_INVALID;
	}

	if (count[VGPU_RESULT_FAIL])
		return VGPU_EXIT_FAILURE;
	return count[VGPU_RESULT_SUCCESS] ? VGPU_EXIT_SUCCESS : VGPU_EXIT_SKIP;
}

enum {
	OPT_LIST = 0x1000,
	OPT_RUN,
	OPT_HELP,
};

int vgpu_test_main(int argc, char **argv, const struct vgpu_program *prog)
{
	struct option options[16] = {
		{ "list-subtests", no_argument, NULL, OPT_LIST },
		{ "run-subtest", required_argument, NULL, OPT_RUN },
		{ "help", no_argument, NULL, OPT_HELP },
	};
	const char *patterns = NULL;
	int opt;

	for (size_t i = 0; prog->options && prog->options[i].name; i++)
		options[3 + i] = prog->options[i];

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_LIST:
			for (size_t i = 0; i < prog->nsubtests; i++)
				puts(prog->subtests[i].name);
			return VGPU_EXIT_SUCCESS;
		case OPT_RUN:
			patterns = optarg;
			break;
		case OPT_HELP:
			print_help(prog);
			return VGPU_EXIT_SUCCESS;
		case '?':
			return VGPU_EXIT_INVALID;
		default:
			prog->option(opt, optarg);
		}
	}

	if (optind < argc) {
		fprintf(stderr, "unexpected argument: %s\n", argv[optind]);
		return VGPU_EXIT_INVALID;
	}

	return run_all(prog, patterns);
}
