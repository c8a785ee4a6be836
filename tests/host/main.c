// SPDX-License-Identifier: MIT
/* vgpu-host: a strict virtio-gpu device in a process of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "log.h"
#include "options.h"
#include "unix.h"

struct host {
	struct options opt;
	struct loop loop;
	struct device device;
	struct vhost_user front;
	struct control control;
	int listen_fd;
};

static struct host host;

static void host_accept(void *opaque, int fd)
{
	struct host *h = opaque;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	if (h->front.fd >= 0) {
		log_warn("a second front end was turned away");
		close(client);
		return;
	}
	vhost_user_accept(&h->front, client);
}

static void host_gone(void *opaque)
{
	struct host *h = opaque;

	if (!h->opt.keep)
		h->loop.quit = true;
}

static void host_signal(void *opaque, int fd)
{
	struct signalfd_siginfo info;
	struct host *h = opaque;

	if (read(fd, &info, sizeof(info)) == sizeof(info))
		h->loop.quit = true;
}

static u64 host_deadline(void *opaque)
{
	struct host *h = opaque;

	return device_busy(&h->device) ? 0 : fence_deadline(&h->device.fence);
}

static void host_timeout(void *opaque)
{
	struct host *h = opaque;

	device_work(&h->device);
}

static void host_signals(struct host *h)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		log_die("signalfd: %s", strerror(errno));
	loop_add(&h->loop, fd, host_signal, h);
}

/* Each host blob takes a descriptor. */
static void host_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int host_listen(const char *path)
{
	int fd = unix_listen(path);

	if (fd < 0)
		log_die("%s: %s", path, strerror(-fd));
	return fd;
}

static int host_finish(struct host *h)
{
	int status = bug_exit_status(&h->device.bugs);

	if (h->front.fd >= 0)
		vhost_user_close(&h->front);
	control_fini(&h->control);
	close(h->listen_fd);
	unlink(h->opt.socket);
	if (h->opt.control)
		unlink(h->opt.control);
	if (status)
		log_warn("%llu guest bugs", h->device.bugs.count);
	device_fini(&h->device);
	return status;
}

/* Does what the command line asks for instead of being a device; false: be one. */
static bool host_options(struct host *h, int argc, char **argv, int *ret)
{
	struct options *o = &h->opt;
	char err[256];

	if (!options_parse(o, &h->front, argc, argv, err, sizeof(err)))
		log_die("%s; try --help", err);
	*ret = 0;
	if (o->help) {
		options_help(stdout);
	} else if (o->version) {
		puts("vgpu-host " VGPU_VERSION);
	} else if (o->ctl) {
		*ret = control_call(o->ctl, o->rest);
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct host *h = &host;
	int ret;

	device_init(&h->device, &vhost_user_device_ops, &h->front);
	vhost_user_init(&h->front, &h->device, &h->loop);
	h->front.gone = host_gone;
	h->front.opaque = h;
	if (host_options(h, argc, argv, &ret))
		return ret;
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		h->device.vq[i].max_chain = h->opt.max_chain;
	host_files();
	device_start(&h->device);
	host_signals(h);
	control_init(&h->control, &h->device, &h->loop,
		     h->opt.control ? host_listen(h->opt.control) : -1);
	h->listen_fd = host_listen(h->opt.socket);
	loop_add(&h->loop, h->listen_fd, host_accept, h);
	loop_run(&h->loop, host_deadline, host_timeout, h);
	return host_finish(h);
}
