// SPDX-License-Identifier: MIT
/*
 * Flips and ticks that are under way while something else happens to the display: another session
 * becomes the master, a lease ends, a framebuffer is removed, the output is switched off, or the
 * client does not read its events.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_test.h"

#define EVENT_TIMEOUT_MS 10000
#define QUIET_MS 200

/**
 * struct event - an event of a flip or a tick
 * @user_data: what the client gave to the request
 * @sequence: number of the tick
 * @time_ns: when the tick was, by CLOCK_MONOTONIC
 */
struct event {
	uint64_t user_data;
	uint64_t sequence;
	int64_t time_ns;
};

union any_event {
	struct drm_event base;
	struct drm_event_vblank vblank;
	struct drm_event_crtc_sequence tick;
};

/* Read the next event; returns false if none comes in time. */
static bool next_event(int fd, struct event *event, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	union any_event any;

	if (!vgpu_sys(poll(&pfd, 1, timeout_ms)))
		return false;
	/* All events have the same size, and read() returns whole ones only. */
	_Static_assert(sizeof(any) == sizeof(any.vblank), "one event at a time");
	vgpu_assert_eq(vgpu_sys(read(fd, &any, sizeof(any))), (long long)sizeof(any));
	if (any.base.type == DRM_EVENT_CRTC_SEQUENCE)
		*event = (struct event){
			.user_data = any.tick.user_data,
			.sequence = any.tick.sequence,
			.time_ns = any.tick.time_ns,
		};
	else
		*event = (struct event){
			.user_data = any.vblank.user_data,
			.sequence = any.vblank.sequence,
			.time_ns = any.vblank.tv_sec * 1000000000ll +
				   any.vblank.tv_usec * 1000ll,
		};
	return true;
}

static void expect_event(int fd, uint64_t user_data)
{
	struct event event;

	vgpu_assert(next_event(fd, &event, EVENT_TIMEOUT_MS));
	vgpu_assert_eq(event.user_data, user_data);
	vgpu_assert(event.time_ns > 0);
}

static int flip(int fd, const struct vgpu_head *head, const struct vgpu_fb *fb, uint32_t flags,
		uint64_t user_data)
{
	return vgpu_page_flip(fd, head->crtc, fb->id, flags, user_data);
}

/* Have a file take modes with an aspect ratio, which another file may have been told of. */
static void take_any_mode(int fd)
{
	vgpu_sys(drmSetClientCap(fd, DRM_CLIENT_CAP_ASPECT_RATIO, 1));
}

static void new_fb(int fd, const struct vgpu_head *head, struct vgpu_fb *fb)
{
	vgpu_fb_init(fd, fb, head->mode.hdisplay, head->mode.vdisplay, DRM_FORMAT_XRGB8888);
}

static uint32_t shown_fb(int fd, const struct vgpu_head *head)
{
	drmModeCrtcPtr crtc = drmModeGetCrtc(fd, head->crtc);
	uint32_t id;

	vgpu_assert(crtc);
	id = crtc->buffer_id;
	drmModeFreeCrtc(crtc);
	return id;
}

/*
 * 10.20: logind takes the card from a session while it flips, and gives it to another one, which
 * sets its mode at once. The first session waits for its event before it says that it has paused
 * (KWin, Mir), is refused meanwhile, and comes back with the buffer it had.
 */
static void master_changes_with_a_flip_under_way(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	int other = vgpu_open_card();
	struct vgpu_fb back, theirs;

	take_any_mode(other);
	new_fb(screen.fd, &screen.head, &back);
	new_fb(other, &screen.head, &theirs);
	for (uint64_t i = 1; i <= 5; i++) {
		vgpu_ok(flip(screen.fd, &screen.head, &back, DRM_MODE_PAGE_FLIP_EVENT, i));
		vgpu_sys(drmDropMaster(screen.fd));
		vgpu_sys(drmSetMaster(other));
		vgpu_ok(vgpu_show(other, &screen.head, &theirs, 0, 0));
		vgpu_ret(flip(screen.fd, &screen.head, &back, 0, 0), -EACCES);
		vgpu_ret(drmModeMoveCursor(screen.fd, screen.head.crtc, 1, 1) ? -errno : 0,
			 -EACCES);
		expect_event(screen.fd, i);
		vgpu_assert_eq(shown_fb(other, &screen.head), theirs.id);

		vgpu_sys(drmDropMaster(other));
		vgpu_sys(drmSetMaster(screen.fd));
		vgpu_ok(vgpu_show(screen.fd, &screen.head, &back, 0, 0));
		vgpu_assert_eq(shown_fb(screen.fd, &screen.head), back.id);
		vgpu_ok(flip(screen.fd, &screen.head, &screen.fb, DRM_MODE_PAGE_FLIP_EVENT, i));
		expect_event(screen.fd, i);
	}

	vgpu_fb_fini(other, &theirs);
	close(other);
	vgpu_fb_fini(screen.fd, &back);
	vgpu_screen_end(&screen);
}

/* sway and KWin revoke the lease of a headset: its client gets its event, and they the output. */
static void lease_ends_with_a_flip_under_way(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	const uint32_t objects[] = {
		screen.head.crtc, screen.head.connector, screen.head.primary,
	};
	struct vgpu_fb fbs[2];
	uint32_t lessee;
	int fd;

	fd = drmModeCreateLease(screen.fd, objects, ARRAY_SIZE(objects), O_CLOEXEC, &lessee);
	vgpu_assert(fd >= 0);
	take_any_mode(fd);
	new_fb(fd, &screen.head, &fbs[0]);
	new_fb(fd, &screen.head, &fbs[1]);
	vgpu_ok(vgpu_show(fd, &screen.head, &fbs[0], 0, 0));

	vgpu_ok(flip(fd, &screen.head, &fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 7));
	vgpu_assert_eq(drmModeRevokeLease(screen.fd, lessee), 0);
	expect_event(fd, 7);
	vgpu_ret(flip(fd, &screen.head, &fbs[0], 0, 0), -ENOENT, -EACCES);
	/* The lessee removes what is shown, so the output goes off. */
	vgpu_fb_fini(fd, &fbs[1]);
	vgpu_assert_eq(shown_fb(screen.fd, &screen.head), 0);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_ok(flip(screen.fd, &screen.head, &screen.fb, DRM_MODE_PAGE_FLIP_EVENT, 8));
	expect_event(screen.fd, 8);

	vgpu_fb_fini(fd, &fbs[0]);
	close(fd);
	vgpu_screen_end(&screen);
}

/* 10.12: wlroots and aquamarine remove the old or the new framebuffer in the middle of a flip. */
static void fb_removed_with_a_flip_under_way(void)
{
	struct vgpu_screen screen = vgpu_screen_new();

	for (uint64_t i = 0; i < 4; i++) {
		struct vgpu_fb fbs[2];

		new_fb(screen.fd, &screen.head, &fbs[0]);
		new_fb(screen.fd, &screen.head, &fbs[1]);
		vgpu_ok(vgpu_show(screen.fd, &screen.head, &fbs[0], 0, 0));
		vgpu_ok(flip(screen.fd, &screen.head, &fbs[1], DRM_MODE_PAGE_FLIP_EVENT, i));
		vgpu_fb_fini(screen.fd, &fbs[i & 1]);
		expect_event(screen.fd, i);
		vgpu_assert_eq(shown_fb(screen.fd, &screen.head), i & 1 ? 0 : fbs[1].id);
		vgpu_fb_fini(screen.fd, &fbs[~i & 1]);
		vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	}

	vgpu_screen_end(&screen);
}

/* 10.21: the X server waits for ticks that it has asked for, also if DPMS comes in between. */
static void ticks_asked_for_come_when_the_output_goes_off(void)
{
	enum { TICKS = 8 };
	struct vgpu_screen screen = vgpu_screen_new();
	uint64_t sequence, ns, last;
	int64_t last_ns = 0;
	struct event event;

	vgpu_require(!drmCrtcGetSequence(screen.fd, screen.head.crtc, &sequence, &ns) ||
		     (errno != EOPNOTSUPP && errno != EINVAL), "the driver has no vblanks");
	for (uint64_t i = 0; i < TICKS; i++)
		vgpu_sys(drmCrtcQueueSequence(screen.fd, screen.head.crtc,
					      DRM_CRTC_SEQUENCE_RELATIVE, 1000 * (i + 1), &last,
					      i));
	vgpu_ok(vgpu_show(screen.fd, &screen.head, NULL, 0, 0));
	for (int i = 0; i < TICKS; i++) {
		vgpu_assert(next_event(screen.fd, &event, EVENT_TIMEOUT_MS));
		vgpu_assert(event.time_ns >= last_ns && event.sequence < last);
		last_ns = event.time_ns;
	}
	vgpu_assert(!next_event(screen.fd, &event, QUIET_MS));
	vgpu_assert_eq(drmCrtcGetSequence(screen.fd, screen.head.crtc, &sequence, &ns), -1);
	vgpu_assert_eq(errno, EINVAL);

	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	vgpu_sys(drmCrtcGetSequence(screen.fd, screen.head.crtc, &sequence, &ns));
	vgpu_assert(sequence >= event.sequence && (int64_t)ns >= last_ns);
	vgpu_screen_end(&screen);
}

/* A compositor that was stopped in a debugger reads all its events later, and goes on. */
static void events_not_read(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct vgpu_fb back;
	struct event event;
	uint64_t flips = 0, seen = 0;
	int ret = 0;

	new_fb(screen.fd, &screen.head, &back);
	while (flips < 1000) {
		ret = flip(screen.fd, &screen.head, flips & 1 ? &screen.fb : &back,
			   DRM_MODE_PAGE_FLIP_EVENT, flips);
		vgpu_ret(ret, 0, -EBUSY, -ENOMEM);
		if (ret == -ENOMEM)
			break;
		flips += !ret;
		usleep(ret ? 2000 : 0);
	}
	vgpu_assert_eq(ret, -ENOMEM);
	/* Without an event there is nothing to store. */
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &back, 0, 0));
	vgpu_ok(flip(screen.fd, &screen.head, &screen.fb, 0, 0));
	for (; next_event(screen.fd, &event, QUIET_MS); seen++)
		vgpu_assert_eq(event.user_data, seen);
	vgpu_assert_eq(seen, flips);
	vgpu_ok(flip(screen.fd, &screen.head, &back, DRM_MODE_PAGE_FLIP_EVENT, 1));
	expect_event(screen.fd, 1);
	vgpu_fb_fini(screen.fd, &back);
	vgpu_screen_end(&screen);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "master-changes-with-a-flip-under-way",
	  .run = master_changes_with_a_flip_under_way },
	{ .name = "lease-ends-with-a-flip-under-way", .run = lease_ends_with_a_flip_under_way },
	{ .name = "fb-removed-with-a-flip-under-way", .run = fb_removed_with_a_flip_under_way },
	{ .name = "ticks-asked-for-come-when-the-output-goes-off",
	  .run = ticks_asked_for_come_when_the_output_goes_off },
	{ .name = "events-not-read", .run = events_not_read },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms_events",
		.about = "flips and ticks under way while something else happens",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
