// SPDX-License-Identifier: MIT
/*
 * Monitors are plugged, unplugged and changed, and the clients are notified. hotplug.fault makes
 * the host change the monitor whenever the cursor moves. Each subtest depends on the previous one,
 * so run all of them in order.
 */
#include <glob.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_binding.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_kernel.h"
#include "vgpu_test.h"

#define CURSOR_SIDE 64u
#define QUIET_MS 2000
#define RECOVERY_MS 30000
#define FAILSLAB "/sys/kernel/debug/failslab/"

/**
 * struct desk - a lit output, and a listener for its changes
 * @fd: the card
 * @uevents: a socket that receives uevents of the kernel
 * @head: the output
 * @fb: the framebuffer that it shows
 * @cursor: the cursor's picture
 * @hotplugs: number of hotplug events so far
 * @connector: the connector that the last one named, 0 for none
 */
struct desk {
	int fd;
	int uevents;
	struct vgpu_head head;
	struct vgpu_fb fb;
	struct vgpu_fb cursor;
	int hotplugs;
	uint32_t connector;
	int moves;
};

static int listen_for_uevents(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = vgpu_sys(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
				 NETLINK_KOBJECT_UEVENT));

	vgpu_sys(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

/* Light the first output with its smallest mode. */
static struct desk desk_new(void)
{
	struct desk d = { .fd = vgpu_open_display() };
	struct vgpu_head heads[VGPU_MAX_HEADS];

	vgpu_assert(vgpu_heads(d.fd, heads) > 0);
	d.head = heads[0];
	vgpu_require(d.head.mode.hdisplay, "no monitor");
	vgpu_fb_init(d.fd, &d.fb, d.head.mode.hdisplay, d.head.mode.vdisplay,
		     DRM_FORMAT_XRGB8888);
	vgpu_fb_init(d.fd, &d.cursor, CURSOR_SIDE, CURSOR_SIDE, DRM_FORMAT_ARGB8888);
	vgpu_ok(vgpu_show(d.fd, &d.head, &d.fb, 0, 0));
	vgpu_sys(drmModeMoveCursor(d.fd, d.head.crtc, 0, 0));
	vgpu_sys(drmModeSetCursor(d.fd, d.head.crtc, d.cursor.handle, CURSOR_SIDE,
				  CURSOR_SIDE));
	d.uevents = listen_for_uevents();
	return d;
}

static void desk_end(struct desk *d)
{
	vgpu_sys(drmModeSetCursor(d->fd, d->head.crtc, 0, 0, 0));
	close(d->uevents);
	vgpu_fb_fini(d->fd, &d->cursor);
	vgpu_fb_fini(d->fd, &d->fb);
	close(d->fd);
}

static const char *uevent_value(const char *event, ssize_t len, const char *key)
{
	const size_t n = strlen(key);

	for (const char *p = event; p < event + len; p += strlen(p) + 1)
		if (!strncmp(p, key, n))
			return p + n;
	return NULL;
}

static void take_uevent(struct desk *d)
{
	char event[4096];
	ssize_t len = vgpu_sys(recv(d->uevents, event, sizeof(event) - 1, 0));
	const char *connector;

	event[len] = '\0';
	if (!uevent_value(event, len, "HOTPLUG=1"))
		return;
	d->hotplugs++;
	connector = uevent_value(event, len, "CONNECTOR=");
	d->connector = 0;
	if (connector)
		vgpu_assert_eq(sscanf(connector, "%u", &d->connector), 1);
}

/* Make the host do its next change, and collect the events of it. */
static void desk_next(struct desk *d)
{
	struct pollfd pfd = { .fd = d->uevents, .events = POLLIN };

	vgpu_sys(drmModeMoveCursor(d->fd, d->head.crtc, 10 * ++d->moves, 10));
	while (vgpu_sys(poll(&pfd, 1, QUIET_MS)) > 0)
		take_uevent(d);
}

static bool is_connected(const struct desk *d)
{
	drmModeConnectorPtr conn = drmModeGetConnectorCurrent(d->fd,
							      d->head.connector);
	bool connected;

	vgpu_assert(conn);
	connected = conn->connection == DRM_MODE_CONNECTED;
	drmModeFreeConnector(conn);
	return connected;
}

static bool probe(const struct desk *d)
{
	drmModeFreeConnector(drmModeGetConnector(d->fd, d->head.connector));
	return is_connected(d);
}

static uint64_t connector_value(const struct desk *d, const char *name)
{
	drmModeConnectorPtr conn = drmModeGetConnectorCurrent(d->fd,
							      d->head.connector);
	const uint32_t prop = vgpu_prop(d->fd, d->head.connector,
					DRM_MODE_OBJECT_CONNECTOR, name);
	uint64_t value = UINT64_MAX;

	vgpu_assert_msg(prop, "no property %s", name);
	for (int i = 0; i < conn->count_props; i++)
		if (conn->props[i] == prop)
			value = conn->prop_values[i];
	drmModeFreeConnector(conn);
	return value;
}

/* The kernel's own driver takes an error reply for "no monitors" (faults.rst, 18). */
static void error_keeps_the_monitor(void)
{
	struct desk d = desk_new();

	desk_next(&d);
	vgpu_assert_eq(d.hotplugs, 0);
	vgpu_assert(probe(&d));
	desk_end(&d);
}

/* The kernel's own driver sends an event although nothing has changed. */
static void nothing_new_is_no_event(void)
{
	struct desk d = desk_new();

	desk_next(&d);
	vgpu_assert_eq(d.hotplugs, 0);
	vgpu_assert(probe(&d));
	desk_end(&d);
}

static void other_size_and_place(void)
{
	struct desk d = desk_new();
	drmModeConnectorPtr conn;

	vgpu_assert_eq(connector_value(&d, "hotplug_mode_update"), 1);
	/* mutter: both -1 say nothing. The host has not placed its only output, at 0,0. */
	vgpu_assert_eq(connector_value(&d, "suggested X"), UINT32_MAX);
	vgpu_assert_eq(connector_value(&d, "suggested Y"), UINT32_MAX);
	desk_next(&d);
	vgpu_assert_eq(d.hotplugs, 1);
	vgpu_assert_eq(d.connector, d.head.connector);
	vgpu_assert_eq(connector_value(&d, "suggested X"), 100);
	vgpu_assert_eq(connector_value(&d, "suggested Y"), 50);
	conn = drmModeGetConnector(d.fd, d.head.connector);
	vgpu_assert(conn && conn->count_modes > 0);
	vgpu_assert(conn->modes[0].type & DRM_MODE_TYPE_PREFERRED);
	vgpu_assert_eq(conn->modes[0].hdisplay, 800);
	vgpu_assert_eq(conn->modes[0].vdisplay, 600);
	drmModeFreeConnector(conn);
	desk_end(&d);
}

static void out_and_in(void)
{
	struct desk d = desk_new();

	desk_next(&d);
	vgpu_assert_eq(d.hotplugs, 1);
	vgpu_assert_eq(d.connector, d.head.connector);
	vgpu_assert(!probe(&d));
	desk_next(&d);
	vgpu_assert_eq(d.hotplugs, 2);
	vgpu_assert(probe(&d));
	desk_end(&d);
}

/*
 * Let the next allocation of a question fail: of 1 or 2 KiB, by a worker that is bound to no
 * processor. Those of the transport are smaller.
 */
static void fail_one_allocation(void)
{
	glob_t names;

	vgpu_assert(!glob("/proc/[0-9]*/comm", 0, NULL, &names));
	for (size_t i = 0; i < names.gl_pathc; i++) {
		char *name = vgpu_kernel_read(names.gl_pathv[i]), path[64];

		snprintf(path, sizeof(path), "%.*s/make-it-fail",
			 (int)(strrchr(names.gl_pathv[i], '/') - names.gl_pathv[i]),
			 names.gl_pathv[i]);
		if (name && !strncmp(name, "kworker/u", strlen("kworker/u")))
			vgpu_kernel_write(path, "1");
		free(name);
	}
	globfree(&names);
	vgpu_kernel_write("/sys/kernel/slab/kmalloc-1k/failslab", "1");
	vgpu_kernel_write("/sys/kernel/slab/kmalloc-2k/failslab", "1");
	vgpu_kernel_write(FAILSLAB "cache-filter", "Y");
	vgpu_kernel_write(FAILSLAB "verbose", "0");
	vgpu_kernel_write(FAILSLAB "ignore-gfp-wait", "N");
	vgpu_kernel_write(FAILSLAB "task-filter", "Y");
	vgpu_kernel_write(FAILSLAB "times", "1");
	vgpu_kernel_write(FAILSLAB "probability", "100");
}

/* The driver has no memory to ask the host about a change, so it asks again. */
static void memory_was_short(void)
{
	struct desk d;
	char *left;

	vgpu_require(!access(FAILSLAB "times", F_OK), "the kernel has no FAILSLAB");
	d = desk_new();
	fail_one_allocation();
	desk_next(&d);
	vgpu_kernel_write(FAILSLAB "probability", "0");
	left = vgpu_kernel_read(FAILSLAB "times");
	vgpu_assert_msg(left && atoi(left) == 0, "no allocation has failed");
	free(left);
	vgpu_assert_eq(d.hotplugs, 1);
	vgpu_assert(!probe(&d));
	desk_next(&d);
	vgpu_assert(probe(&d));
	desk_end(&d);
}

/*
 * The device cannot report a change of the outputs while it is reset, so the driver asks
 * afterwards. The fault after-reset-asked then removes the monitor.
 */
static void asked_after_a_reset(void)
{
	struct desk d = desk_new();
	struct pollfd pfd = { .fd = d.uevents, .events = POLLIN };

	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	vgpu_assert(probe(&d));
	vgpu_ok(vgpu_shim_set("needs_reset", "Y"));
	while (!d.hotplugs && vgpu_sys(poll(&pfd, 1, RECOVERY_MS)) > 0)
		take_uevent(&d);
	vgpu_assert(d.hotplugs);
	vgpu_assert(!probe(&d));
	desk_end(&d);
}

/*
 * In the fault display-forced, the host disables the output, reports 16,200,000 rows for it, and has
 * no EDID. The administrator switches it on all the same (video=Virtual-1:e, or sysfs), and a
 * compositor asks for its modes: the core divides by a duration that is 0 for so many rows.
 */
static void forced_on_without_a_size(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head heads[VGPU_MAX_HEADS];
	drmModeConnectorPtr conn;
	glob_t status;

	vgpu_assert(vgpu_heads(fd, heads) > 0);
	vgpu_assert(!glob("/sys/class/drm/card*-Virtual-1/status", 0, NULL, &status));
	vgpu_kernel_write(status.gl_pathv[0], "on");
	conn = drmModeGetConnector(fd, heads[0].connector);
	vgpu_kernel_write(status.gl_pathv[0], "detect");
	globfree(&status);
	vgpu_assert(conn);
	vgpu_assert_eq(conn->connection, DRM_MODE_CONNECTED);
	vgpu_assert(conn->count_modes > 0);
	for (int i = 0; i < conn->count_modes; i++)
		vgpu_assert(conn->modes[i].vdisplay < conn->modes[i].vtotal);
	drmModeFreeConnector(conn);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "error-keeps-the-monitor", .run = error_keeps_the_monitor },
	{ .name = "nothing-new-is-no-event", .run = nothing_new_is_no_event },
	{ .name = "other-size-and-place", .run = other_size_and_place },
	{ .name = "out-and-in", .run = out_and_in },
	{ .name = "memory-was-short", .run = memory_was_short },
	{ .name = "asked-after-a-reset", .run = asked_after_a_reset },
	{ .name = "forced-on-without-a-size", .run = forced_on_without_a_size },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_hotplug",
		.about = "monitors that are plugged, unplugged and changed",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
