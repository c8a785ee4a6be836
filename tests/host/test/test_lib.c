// SPDX-License-Identifier: MIT
/* The poll() loop, Unix sockets, messages of the process. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "test.h"
#include "unix.h"

struct watcher {
	struct loop loop;
	int fd[2][2];
	unsigned int calls[2], timeouts;
	u64 deadline;
};

static void watcher_call(void *opaque, int fd)
{
	struct watcher *w = opaque;
	unsigned int i = fd == w->fd[1][0];
	char c;

	CHECK_EQ(read(fd, &c, 1), 1);
	w->calls[i]++;
	/* What is ready in the same turn, and is watched no longer, is not called. */
	if (c == 'd')
		loop_del(&w->loop, w->fd[!i][0]);
	else if (c == 'q')
		w->loop.quit = true;
}

static u64 watcher_deadline(void *opaque)
{
	return ((struct watcher *)opaque)->deadline;
}

static void watcher_timeout(void *opaque)
{
	struct watcher *w = opaque;

	w->timeouts++;
	w->loop.quit = true;
}

/* Whether a function ends the process with the status of log_die(). */
static bool dies(void (*fn)(void *opaque), void *opaque)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		stderr = fopen("/dev/null", "w");
		fn(opaque);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 2;
}

static void one_more(void *opaque)
{
	loop_add(opaque, 999, watcher_call, NULL);
}

static void end(void *opaque)
{
	log_die("%s", (const char *)opaque);
}

static void lib_test_loop(void)
{
	struct watcher w = { .deadline = LOOP_FOREVER };

	for (int i = 0; i < 2; i++) {
		CHECK(!pipe(w.fd[i]));
		loop_add(&w.loop, w.fd[i][0], watcher_call, &w);
	}
	CHECK_EQ(write(w.fd[0][1], "x", 1) + write(w.fd[1][1], "q", 1), 2);
	loop_run(&w.loop, watcher_deadline, watcher_timeout, &w);
	CHECK_EQ(w.calls[0], 1);
	CHECK_EQ(w.calls[1], 1);
	w.loop.quit = false;
	w.deadline = loop_now_ms() + 20;
	CHECK_EQ(write(w.fd[0][1], "d", 1) + write(w.fd[1][1], "q", 1), 2);
	loop_run(&w.loop, watcher_deadline, watcher_timeout, &w);
	CHECK_EQ(w.calls[0], 2);
	CHECK_EQ(w.calls[1], 1);
	CHECK_EQ(w.timeouts, 1);
	CHECK(loop_now_ms() >= w.deadline);
	CHECK_EQ(w.loop.n, 1);
	loop_del(&w.loop, w.fd[1][0]);
	while (w.loop.n < LOOP_MAX)
		loop_add(&w.loop, 1000 + w.loop.n, watcher_call, &w);
	CHECK(dies(one_more, &w.loop));
	for (int i = 0; i < 4; i++)
		close(w.fd[i / 2][i % 2]);
}

static void lib_test_unix(void)
{
	char dir[] = "/tmp/vgpu-host-test-XXXXXX", path[64], name[300];
	int listening, client, server;

	CHECK(mkdtemp(dir));
	sprintf(path, "%s/s", dir);
	CHECK_EQ(unix_connect(path), (unsigned long long)-ENOENT);
	/* The name of a device that has died is taken over. */
	close(unix_listen(path));
	CHECK_EQ(unix_connect(path), (unsigned long long)-ECONNREFUSED);
	listening = unix_listen(path);
	client = unix_connect(path);
	server = accept(listening, NULL, NULL);
	CHECK(listening >= 0 && client >= 0 && server >= 0);
	CHECK_EQ(write(client, "x", 1), 1);
	CHECK_EQ(read(server, name, sizeof(name)), 1);
	close(server);
	close(client);
	close(listening);
	unlink(path);
	CHECK(!rmdir(dir));
	CHECK_EQ(unix_listen(path), (unsigned long long)-ENOENT);
	memset(name, 'x', sizeof(name) - 1);
	for (size_t n = 299; n > 100; n -= 100) {
		name[n] = 0;
		CHECK_EQ(unix_listen(name), (unsigned long long)-ENAMETOOLONG);
		CHECK_EQ(unix_connect(name), (unsigned long long)-ENAMETOOLONG);
	}
}

static void lib_test_log(void)
{
	FILE *before = stderr;
	int verbose = log_verbose;
	char *text = NULL;
	size_t len = 0;

	stderr = open_memstream(&text, &len);
	log_verbose = 0;
	log_info("not %d", 1);
	log_verbose = 1;
	log_info("but %d", 2);
	log_warn("and %s", "this");
	fclose(stderr);
	stderr = before;
	log_verbose = verbose;
	CHECK(!strcmp(text, "vgpu-host: but 2\nvgpu-host: warning: and this\n"));
	free(text);
	CHECK(dies(end, "end"));
}

const struct test_case lib_tests[] = {
	TEST(lib_test_loop),
	TEST(lib_test_unix),
	TEST(lib_test_log),
	{ 0 },
};
