// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_EXECBUFFER: fence file descriptors in and out */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

static int open_null(void)
{
	return vgpu_sys(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static void out_fence_signals(void)
{
	struct vgpu_client client = vgpu_client_open();
	int fence;

	for (int i = 0; i < 50; i++) {
		vgpu_ok(vgpu_submit_fences(&client, -1, &fence));
		vgpu_fence_wait(fence);
		close(fence);
	}
	vgpu_client_close(&client);
}

static void out_fence_closes_on_exec(void)
{
	struct vgpu_client client = vgpu_client_open();
	int fence;

	vgpu_ok(vgpu_submit_fences(&client, -1, &fence));
	vgpu_assert(fcntl(fence, F_GETFD) & FD_CLOEXEC);
	close(fence);
	vgpu_client_close(&client);
}

static void fence_fd_is_left_alone_without_the_flag(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_execbuffer exec = { .fence_fd = 12345 };

	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_assert_eq(exec.fence_fd, 12345);
	vgpu_client_close(&client);
}

static void signalled_in_fence_is_taken(void)
{
	struct vgpu_client client = vgpu_client_open();
	int first, second;

	vgpu_ok(vgpu_submit_fences(&client, -1, &first));
	vgpu_fence_wait(first);
	vgpu_ok(vgpu_submit_fences(&client, first, &second));
	vgpu_assert(second != first);
	vgpu_fence_wait(second);
	close(second);
	close(first);
	vgpu_client_close(&client);
}

static void chain_over_two_clients(void)
{
	struct vgpu_client a = vgpu_client_open(), b = vgpu_client_open();
	int fence;

	vgpu_ok(vgpu_submit_fences(&a, -1, &fence));
	for (int i = 0; i < 100; i++) {
		int next;

		vgpu_ok(vgpu_submit_fences(i & 1 ? &a : &b, fence, &next));
		close(fence);
		fence = next;
	}
	vgpu_fence_wait(fence);
	close(fence);
	vgpu_client_close(&b);
	vgpu_client_close(&a);
}

static void merged_in_fence(void)
{
	struct vgpu_client a = vgpu_client_open(), b = vgpu_client_open();
	int fence_a, fence_b, merged, out;

	vgpu_ok(vgpu_submit_fences(&a, -1, &fence_a));
	vgpu_ok(vgpu_submit_fences(&b, -1, &fence_b));
	merged = vgpu_fence_merge(fence_a, fence_b);
	vgpu_ok(vgpu_submit_fences(&a, merged, &out));
	vgpu_fence_wait(out);
	close(out);
	close(merged);
	close(fence_b);
	close(fence_a);
	vgpu_client_close(&b);
	vgpu_client_close(&a);
}

static void bad_in_fence_is_einval(void)
{
	struct vgpu_client client = vgpu_client_open();
	int null = open_null(), closed = open_null();
	const int bad[] = { -1, closed, 1000000, INT32_MAX, null, client.fd };

	close(closed);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct drm_virtgpu_execbuffer exec = {
			.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
			.fence_fd = bad[i],
		};

		vgpu_ret(vgpu_submit(&client, &exec), -EINVAL, -EBADF);
		exec.flags |= VIRTGPU_EXECBUF_FENCE_FD_OUT;
		vgpu_ret(vgpu_submit(&client, &exec), -EINVAL, -EBADF);
		vgpu_assert_eq(exec.fence_fd, bad[i]);
	}

	close(null);
	vgpu_client_close(&client);
}

/* Failures late in the ioctl: descriptor 0 of the caller stays open, and no descriptor leaks. */
static void failures_touch_no_descriptor(void)
{
	struct vgpu_client client = vgpu_client_open();
	int null = open_null();
	uint32_t bad = 1000000, before, word = 0;
	struct drm_virtgpu_execbuffer_syncobj sync = { .handle = bad };
	struct drm_virtgpu_execbuffer execs[] = {
		{ .command = 8, .size = 64 },
		{ .command = (uintptr_t)&word, .size = 4,
		  .bo_handles = (uintptr_t)&bad, .num_bo_handles = 1 },
		{ .command = (uintptr_t)&word, .size = 4,
		  .bo_handles = 8, .num_bo_handles = 1 },
		{ .command = (uintptr_t)&word, .size = 4,
		  .out_syncobjs = (uintptr_t)&sync, .num_out_syncobjs = 1,
		  .syncobj_stride = sizeof(sync) },
		{ .command = (uintptr_t)&word, .size = 4,
		  .in_syncobjs = (uintptr_t)&sync, .num_in_syncobjs = 1,
		  .syncobj_stride = sizeof(sync) },
		{ .command = (uintptr_t)&word, .size = 4, .ring_idx = 70,
		  .flags = VIRTGPU_EXECBUF_RING_IDX },
		{ .command = (uintptr_t)&word, .size = 4, .flags = 1u << 20 },
	};

	vgpu_sys(dup2(null, 0));
	before = (uint32_t)vgpu_count_fds();
	for (size_t i = 0; i < ARRAY_SIZE(execs); i++) {
		execs[i].flags |= VIRTGPU_EXECBUF_FENCE_FD_OUT;
		execs[i].fence_fd = -7;
		vgpu_ret(vgpu_execbuffer(client.fd, &execs[i]), -EFAULT,
			 -ENOENT, -EINVAL);
		vgpu_assert_eq(execs[i].fence_fd, -7);
		vgpu_assert_msg(fcntl(0, F_GETFD) >= 0, "case %zu", i);
		vgpu_assert_eq(vgpu_count_fds(), before);
	}

	close(null);
	vgpu_client_close(&client);
}

/* If the process has no descriptor left, the submission fails and can be repeated later. */
static void out_of_descriptors_is_emfile(void)
{
	struct vgpu_client client = vgpu_client_open();
	int fds[2048], count = 0, fence;

	while (count < (int)ARRAY_SIZE(fds)) {
		int fd = dup(client.fd);

		if (fd < 0)
			break;
		fds[count++] = fd;
	}
	vgpu_assert(count < (int)ARRAY_SIZE(fds));
	vgpu_ret(vgpu_submit_fences(&client, -1, &fence), -EMFILE);
	while (count)
		close(fds[--count]);
	vgpu_ok(vgpu_submit_fences(&client, -1, &fence));
	close(fence);
	vgpu_client_close(&client);
}

struct submitter {
	struct vgpu_client client;
	int in;
	int out;
	uint32_t handle;
	int ret;
};

static int submit_waiting(struct submitter *submitter)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN |
			 VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.fence_fd = submitter->in,
		.bo_handles = (uintptr_t)&submitter->handle,
		.num_bo_handles = submitter->handle ? 1 : 0,
	};

	submitter->ret = vgpu_submit(&submitter->client, &exec);
	submitter->out = submitter->ret ? -1 : exec.fence_fd;
	return submitter->ret;
}

static void *submit_thread(void *arg)
{
	submit_waiting(arg);
	return NULL;
}

/* The out-fence must not signal before the in-fence, whether EXECBUFFER itself waits or not. */
static void unsignalled_in_fence_holds_the_work_back(void)
{
	struct submitter submitter = { .client = vgpu_client_open() };
	struct vgpu_manual manual = vgpu_manual_new();
	pthread_t thread;

	submitter.in = manual.sync_file;
	submitter.out = -1;
	pthread_create(&thread, NULL, submit_thread, &submitter);
	usleep(200000);
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	if (submitter.out >= 0)
		vgpu_assert_eq(vgpu_fence_status(submitter.out), 0);
	vgpu_manual_signal(&manual);
	pthread_join(thread, NULL);
	vgpu_ok(submitter.ret);
	vgpu_fence_wait(submitter.out);

	close(submitter.out);
	vgpu_manual_close(&manual);
	vgpu_client_close(&submitter.client);
}

/*
 * EXECBUFFER returns before the in-fence signals, and the buffer is busy from then on. With the
 * kernel's own driver the ioctl waits.
 */
static void unsignalled_in_fence_does_not_block_the_caller(void)
{
	struct submitter submitter = { .client = vgpu_client_open() };
	struct vgpu_manual manual = vgpu_manual_new();

	submitter.in = manual.sync_file;
	submitter.handle = vgpu_new_picture(submitter.client.fd, 16, 16);
	vgpu_ok(submit_waiting(&submitter));
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	vgpu_assert_eq(vgpu_fence_status(submitter.out), 0);
	vgpu_ret(vgpu_wait(submitter.client.fd, submitter.handle,
			   VIRTGPU_WAIT_NOWAIT), -EBUSY);
	vgpu_manual_signal(&manual);
	vgpu_fence_wait(submitter.out);
	vgpu_ok(vgpu_wait(submitter.client.fd, submitter.handle, 0));
	close(submitter.out);
	vgpu_manual_close(&manual);
	vgpu_client_close(&submitter.client);
}

/* Work that waits for its in-fence must not delay the work of another client. */
static void waiting_work_holds_up_no_other_client(void)
{
	struct submitter submitter = { .client = vgpu_client_open() };
	struct vgpu_client other = vgpu_client_open();
	struct vgpu_manual manual = vgpu_manual_new();
	pthread_t thread;
	int fence;

	submitter.in = manual.sync_file;
	submitter.out = -1;
	pthread_create(&thread, NULL, submit_thread, &submitter);
	usleep(100000);
	vgpu_ok(vgpu_submit_fences(&other, -1, &fence));
	vgpu_fence_wait(fence);
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	close(fence);
	vgpu_manual_signal(&manual);
	pthread_join(thread, NULL);
	vgpu_ok(submitter.ret);

	close(submitter.out);
	vgpu_manual_close(&manual);
	vgpu_client_close(&other);
	vgpu_client_close(&submitter.client);
}

static void submit_and_linger(void *arg)
{
	struct submitter *submitter = arg;

	submit_waiting(submitter);
	pause();
}

static void killed_while_waiting(void)
{
	struct submitter submitter = { .client = vgpu_client_open() };
	struct vgpu_manual manual = vgpu_manual_new();
	int pid;

	submitter.in = manual.sync_file;
	pid = vgpu_fork(submit_and_linger, &submitter);
	usleep(200000);
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	vgpu_manual_close(&manual);
	vgpu_client_close(&submitter.client);
}

/* The client exits while its work waits; the in-fence signals only afterwards. */
static void file_closed_while_waiting(void)
{
	struct submitter submitter = { .client = vgpu_client_open() };
	struct vgpu_manual manual = vgpu_manual_new();
	int pid;

	submitter.in = manual.sync_file;
	pid = vgpu_fork(submit_and_linger, &submitter);
	usleep(200000);
	vgpu_client_close(&submitter.client);
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_manual_signal(&manual);
	vgpu_manual_close(&manual);
}

static void out_fence_outlives_its_file(void)
{
	int fences[20];

	for (size_t i = 0; i < ARRAY_SIZE(fences); i++) {
		struct vgpu_client client = vgpu_client_open();

		vgpu_ok(vgpu_submit_fences(&client, -1, &fences[i]));
		vgpu_client_close(&client);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fences); i++) {
		vgpu_assert(vgpu_fence_poll(fences[i], 60000));
		close(fences[i]);
	}
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "out-fence-signals", .run = out_fence_signals },
	{ .name = "out-fence-closes-on-exec", .run = out_fence_closes_on_exec },
	{ .name = "fence-fd-is-left-alone-without-the-flag",
	  .run = fence_fd_is_left_alone_without_the_flag },
	{ .name = "signalled-in-fence-is-taken", .run = signalled_in_fence_is_taken },
	{ .name = "chain-over-two-clients", .run = chain_over_two_clients },
	{ .name = "merged-in-fence", .run = merged_in_fence },
	{ .name = "bad-in-fence-is-einval", .run = bad_in_fence_is_einval },
	{ .name = "failures-touch-no-descriptor",
	  .run = failures_touch_no_descriptor },
	{ .name = "out-of-descriptors-is-emfile",
	  .run = out_of_descriptors_is_emfile },
	{ .name = "unsignalled-in-fence-holds-the-work-back",
	  .run = unsignalled_in_fence_holds_the_work_back },
	{ .name = "unsignalled-in-fence-does-not-block-the-caller",
	  .run = unsignalled_in_fence_does_not_block_the_caller },
	{ .name = "waiting-work-holds-up-no-other-client",
	  .run = waiting_work_holds_up_no_other_client },
	{ .name = "killed-while-waiting", .run = killed_while_waiting },
	{ .name = "file-closed-while-waiting", .run = file_closed_while_waiting },
	{ .name = "out-fence-outlives-its-file", .run = out_fence_outlives_its_file },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_exec_fence",
		.about = "submission: fence file descriptors in and out",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
