// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_WAIT */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/**
 * struct busy - an object that is busy for as long as the test likes
 * @fd: its file
 * @handle: its handle
 * @manual: the foreign fence on its dma-buf that keeps it busy
 */
struct busy {
	int fd;
	uint32_t handle;
	struct vgpu_manual manual;
};

static struct busy busy_new(void)
{
	struct busy busy = { .fd = vgpu_open_render() };
	int dmabuf;

	busy.manual = vgpu_manual_new();
	busy.handle = vgpu_new_picture(busy.fd, 16, 16);
	vgpu_ok(vgpu_wait(busy.fd, busy.handle, 0));
	vgpu_ok(vgpu_prime_export(busy.fd, busy.handle, &dmabuf));
	vgpu_fence_attach(dmabuf, busy.manual.sync_file);
	close(dmabuf);
	return busy;
}

static void busy_end(struct busy *busy)
{
	vgpu_manual_close(&busy->manual);
	close(busy->fd);
}

static void idle_object(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, 16, 16);

	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_ok(vgpu_wait(fd, handle, VIRTGPU_WAIT_NOWAIT));
	close(fd);
}

static void busy_object_nowait_is_ebusy(void)
{
	struct busy busy = busy_new();

	for (int i = 0; i < 10; i++)
		vgpu_ret(vgpu_wait(busy.fd, busy.handle, VIRTGPU_WAIT_NOWAIT),
			 -EBUSY);
	vgpu_manual_signal(&busy.manual);
	vgpu_ok(vgpu_wait(busy.fd, busy.handle, VIRTGPU_WAIT_NOWAIT));
	busy_end(&busy);
}

struct waiter {
	const struct busy *busy;
	atomic_int done;
	int ret;
};

static void *wait_thread(void *arg)
{
	struct waiter *waiter = arg;

	waiter->ret = vgpu_wait(waiter->busy->fd, waiter->busy->handle, 0);
	waiter->done = 1;
	return NULL;
}

static void ends_when_the_fence_signals(void)
{
	struct busy busy = busy_new();
	struct waiter waiters[4] = { 0 };
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i].busy = &busy;
		pthread_create(&threads[i], NULL, wait_thread, &waiters[i]);
	}
	usleep(200000);
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++)
		vgpu_assert_eq(waiters[i].done, 0);
	vgpu_manual_signal(&busy.manual);
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		pthread_join(threads[i], NULL);
		vgpu_ok(waiters[i].ret);
	}
	busy_end(&busy);
}

static void wait_in_child(void *arg)
{
	const struct busy *busy = arg;

	vgpu_wait(busy->fd, busy->handle, 0);
}

static void is_killable(void)
{
	struct busy busy = busy_new();
	int pid = vgpu_fork(wait_in_child, &busy);

	usleep(200000);
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_assert_eq(vgpu_fence_status(busy.manual.sync_file), 0);
	busy_end(&busy);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A signal whose handler does not restart system calls ends WAIT with -EINTR. */
static void wait_with_alarm(void *arg)
{
	const struct sigaction act = { .sa_handler = on_alarm };
	const struct busy *busy = arg;

	vgpu_sys(sigaction(SIGALRM, &act, NULL));
	alarm(1);
	vgpu_ret(vgpu_wait(busy->fd, busy->handle, 0), -EINTR);
}

static void is_interruptible(void)
{
	struct busy busy = busy_new();

	vgpu_join(vgpu_fork(wait_with_alarm, &busy));
	vgpu_assert_eq(vgpu_fence_status(busy.manual.sync_file), 0);
	busy_end(&busy);
}

/* The handler restarts system calls, and the program does not repeat the ioctl by itself. */
static void wait_through_signals(void *arg)
{
	const struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	const struct busy *busy = arg;

	vgpu_sys(sigaction(SIGALRM, &act, NULL));
	vgpu_ok(vgpu_wait(busy->fd, busy->handle, 0));
}

/*
 * Rule 2.11: muvm and sommelier call ioctl() without libdrm's loop. Job control and debuggers stop
 * them, and the WAIT under way goes on afterwards.
 */
static void goes_on_after_a_stop(void)
{
	struct busy busy = busy_new();
	int pid = vgpu_fork(wait_through_signals, &busy), status;

	for (int i = 0; i < 3; i++) {
		usleep(100000);
		vgpu_sys(kill(pid, SIGSTOP));
		vgpu_assert_eq(vgpu_sys(waitpid(pid, &status, WUNTRACED)), pid);
		vgpu_assert(WIFSTOPPED(status));
		vgpu_sys(kill(pid, SIGALRM));
		vgpu_sys(kill(pid, SIGCONT));
	}
	usleep(100000);
	vgpu_manual_signal(&busy.manual);
	vgpu_join(pid);
	busy_end(&busy);
}

/* WAIT of one object does not wait for the fence of another. */
static void other_objects_are_not_waited_for(void)
{
	struct busy busy = busy_new();
	uint32_t other = vgpu_new_picture(busy.fd, 16, 16);
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 16, .d = 1 };

	vgpu_ok(vgpu_transfer_to_host(busy.fd, other, &box, 0, 0));
	vgpu_ok(vgpu_wait(busy.fd, other, 0));
	vgpu_ret(vgpu_wait(busy.fd, busy.handle, VIRTGPU_WAIT_NOWAIT), -EBUSY);
	busy_end(&busy);
}

static void after_each_submission(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(client.fd, 16, 16);

	for (int i = 0; i < 300; i++) {
		vgpu_ok(vgpu_submit_bo(&client, handle));
		vgpu_ok(vgpu_wait(client.fd, handle, 0));
		vgpu_ok(vgpu_wait(client.fd, handle, VIRTGPU_WAIT_NOWAIT));
	}
	vgpu_client_close(&client);
}

static void polled_until_idle(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(client.fd, 16, 16);
	int ret;

	for (int i = 0; i < 200; i++)
		vgpu_ok(vgpu_submit_bo(&client, handle));
	do {
		ret = vgpu_wait(client.fd, handle, VIRTGPU_WAIT_NOWAIT);
		vgpu_ret(ret, 0, -EBUSY);
	} while (ret);
	vgpu_client_close(&client);
}

/* Contract 1.11: the driver ignores unknown flags, as the kernel's own driver does. */
static void unknown_flags_are_ignored(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, 16, 16);

	for (int bit = 1; bit < 32; bit++)
		vgpu_ok(vgpu_wait(fd, handle, 1u << bit));
	close(fd);
}

static void bad_handle_is_enoent(void)
{
	static const uint32_t bad[] = { 0, 1000, INT32_MAX, UINT32_MAX };
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		vgpu_ret(vgpu_wait(fd, bad[i], 0), -ENOENT);
		vgpu_ret(vgpu_wait(fd, bad[i], VIRTGPU_WAIT_NOWAIT), -ENOENT);
	}
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_WAIT, NULL), -EFAULT);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "idle-object", .run = idle_object },
	{ .name = "busy-object-nowait-is-ebusy",
	  .run = busy_object_nowait_is_ebusy },
	{ .name = "ends-when-the-fence-signals",
	  .run = ends_when_the_fence_signals },
	{ .name = "is-killable", .run = is_killable },
	{ .name = "is-interruptible", .run = is_interruptible },
	{ .name = "goes-on-after-a-stop", .run = goes_on_after_a_stop },
	{ .name = "other-objects-are-not-waited-for",
	  .run = other_objects_are_not_waited_for },
	{ .name = "after-each-submission", .run = after_each_submission },
	{ .name = "polled-until-idle", .run = polled_until_idle },
	{ .name = "unknown-flags-are-ignored", .run = unknown_flags_are_ignored },
	{ .name = "bad-handle-is-enoent", .run = bad_handle_is_enoent },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_wait",
		.about = "waiting for an object",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
