// SPDX-License-Identifier: MIT
/*
 * Hosts that answer late for a new buffer, or refuse it, and what its client sees:
 *
 * --late      a host that holds the answer to ATTACH_BACKING of the second buffer for 20
 *             notifications. The buffer is busy until then (rule 3.1, virgl).
 * --no-memory a host that has no memory for pictures. CREATE_DUMB returns -ENOMEM (Plymouth,
 *             Xorg), the driver sends no UNREF for resources that the host has not created, and
 *             an error that a user provokes does not fill the kernel log.
 * --kept      a host that never answers for dumb buffers. A client that waits for one can be
 *             killed, and other clients work.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vgpu_case.h"
#include "vgpu_drm.h"
#include "vgpu_kernel.h"
#include "vgpu_test.h"

#define SIDE 16u
#define KICKS 30
#define REFUSALS 50
#define TICK_US 50000
#define WAIT_US 1000000
#define TEXT_BYTES 16384

static void late(void)
{
	int fd = vgpu_open_render();
	uint32_t handle;

	vgpu_ok(vgpu_wait(fd, vgpu_new_picture(fd, SIDE, SIDE), 0));
	handle = vgpu_new_picture(fd, SIDE, SIDE);
	vgpu_ret(vgpu_wait(fd, handle, VIRTGPU_WAIT_NOWAIT), -EBUSY);
	for (int i = 0; i < KICKS; i++)
		vgpu_new_picture(fd, SIDE, SIDE);
	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_ok(vgpu_wait(fd, handle, VIRTGPU_WAIT_NOWAIT));
	vgpu_info("%d calls, and the buffer is idle", KICKS + 2);
	close(fd);
}

static int create_dumb(int fd)
{
	struct drm_mode_create_dumb dumb = { .width = SIDE, .height = SIDE, .bpp = 32 };

	return vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
}

/*
 * Count the commands that the host has refused, as our driver reports them; -1 with another driver.
 */
static long long refusals(void)
{
	char *text = vgpu_kernel_debugfs("virtio-gpu-errors");
	long long count = -1;

	if (!text)
		return -1;
	vgpu_assert_eq(sscanf(text, "refused %lld", &count), 1);
	free(text);
	return count;
}

/* Count the error messages of the driver in the kernel log, from the position of @kmsg on. */
static int count_errors(int kmsg)
{
	static char text[TEXT_BYTES];
	int count = 0;
	ssize_t length;

	while ((length = read(kmsg, text, sizeof(text) - 1)) > 0) {
		text[length] = '\0';
		/* A record begins with its priority, whose lowest three bits are the level. */
		if (strstr(text, "virtio") && (atoi(text) & 7) <= 3)
			count++;
	}
	return count;
}

static void no_memory(void)
{
	int kmsg = vgpu_sys(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	int fd = vgpu_open_card();
	long long before;

	vgpu_sys(lseek(kmsg, 0, SEEK_END));
	before = refusals();
	for (int i = 0; i < REFUSALS; i++)
		vgpu_ret(create_dumb(fd), -ENOMEM);
	close(fd);
	/*
	 * The host refuses two commands per buffer, its creation and its pages, but no UNREF: the
	 * driver sends none.
	 */
	vgpu_assert_eq(refusals() - before, before < 0 ? 0 : 2 * REFUSALS);
	vgpu_assert_eq(count_errors(kmsg), 0);
	vgpu_info("%d calls, each of which ends with ENOMEM", REFUSALS);
	close(kmsg);
}

static void on_tick(int sig)
{
	(void)sig;
}

static void wait_for_dumb(void *arg)
{
	const struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	const int *fd = arg;

	vgpu_sys(sigaction(SIGALRM, &action, NULL));
	vgpu_sys(setitimer(ITIMER_REAL, &tick, NULL));
	vgpu_fail("CREATE_DUMB gives %d without an answer of the host", create_dumb(*fd));
}

static void kept(void)
{
	int fd = vgpu_open_card(), other = vgpu_open_render(), child;

	child = vgpu_fork(wait_for_dumb, &fd);
	usleep(WAIT_US);
	vgpu_ok(vgpu_wait(other, vgpu_new_picture(other, SIDE, SIDE), 0));
	vgpu_sys(kill(child, SIGKILL));
	vgpu_join_signalled(child, SIGKILL);
	vgpu_info("1 calls, which ends with its process");
	close(other);
	close(fd);
}

static const struct vgpu_case cases[] = {
	{ "--late", late },
	{ "--no-memory", no_memory },
	{ "--kept", kept },
};

int main(int argc, char **argv)
{
	return vgpu_case_main(argc, argv, cases, ARRAY_SIZE(cases));
}
