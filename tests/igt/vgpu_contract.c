// SPDX-License-Identifier: MIT
/*
 * Rules of the contract with user space that no other program here tests. Each subtest is named
 * after its rule in Documentation/gpu/virtio-gpu/contract.rst; its comment names the clients that
 * rely on the rule.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm/drm_fourcc.h>
#include <xf86drm.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

typedef struct drm_virtgpu_context_set_param context_param;

static int open_for_contexts(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_context_init(fd), "the device has no CONTEXT_INIT");
	return fd;
}

static uint64_t cap_of(int fd, uint64_t cap)
{
	uint64_t value = 0;

	return drmGetCap(fd, cap, &value) ? 0 : value;
}

static uint32_t some_capset(int fd)
{
	return vgpu_client_of(fd).capset;
}

/* Venus, vdrm, minigbm, sommelier: they call CONTEXT_INIT on the same file next. */
static void caps_before_the_context(void)
{
	int fd = open_for_contexts();
	const context_param capset = { VIRTGPU_CONTEXT_PARAM_CAPSET_ID, some_capset(fd) };
	uint8_t caps[4096];

	vgpu_ok(vgpu_get_caps(fd, capset.value, 0, caps, sizeof(caps)));
	vgpu_param(fd, VIRTGPU_PARAM_3D_FEATURES);
	vgpu_ok(vgpu_context_init(fd, &capset, 1));
	close(fd);
}

/* minigbm: it passes a longer struct and uses the tail that the ioctl copies back unchanged. */
static void longer_struct_comes_back(void)
{
	struct {
		struct drm_virtgpu_resource_info info;
		uint32_t strides[4];
	} args = { .strides = { 1, 2, 3, 4 } };
	const unsigned long request =
		DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_RESOURCE_INFO, args);
	int fd = vgpu_open_render();

	args.info.bo_handle = vgpu_new_picture(fd, 16, 16);
	vgpu_ok(vgpu_ioctl(fd, request, &args));
	vgpu_assert(args.info.res_handle != 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(args.strides); i++)
		vgpu_assert_eq(args.strides[i], i + 1);
	close(fd);
}

/* gfxstream: it passes the rings first, then the capset, then a long name. */
static void parameters_in_any_order(void)
{
	int fd = open_for_contexts();
	const uint32_t capset = some_capset(fd);
	char name[200];
	const context_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 0 },
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, capset },
		{ VIRTGPU_CONTEXT_PARAM_DEBUG_NAME, (uintptr_t)name },
	};

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	vgpu_ok(vgpu_context_init(fd, params, ARRAY_SIZE(params)));
	close(fd);
}

/* gfxstream: it names no capset. */
static void no_capset_at_all(void)
{
	int fd = open_for_contexts();
	const context_param rings = { VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 };

	vgpu_ok(vgpu_context_init(fd, &rings, 1));
	close(fd);
}

/* Venus and vdrm: they map with MAP_FIXED for VK_EXT_map_memory_placed. */
static void mapping_into_a_reserved_area(void)
{
	const size_t size = 4 * VGPU_PAGE;
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, VGPU_PAGE / 4, 4);
	uint64_t offset;
	char *area, *map;

	area = mmap(NULL, 3 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vgpu_assert(area != MAP_FAILED);
	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	map = mmap(area + size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		   (off_t)offset);
	vgpu_assert(map == area + size);
	vgpu_fill(map, size, 1);
	vgpu_assert_eq(vgpu_differs(map, size, 1), -1);
	munmap(area, 3 * size);
	close(fd);
}

/*
 * After an earlier -EBUSY virgl would treat the buffer as idle; sommelier and minigbm would fail.
 */
static void waits_for_15_seconds(void)
{
	int fd = vgpu_open_render(), dmabuf;
	uint32_t handle = vgpu_new_picture(fd, 16, 16);
	struct vgpu_manual manual = vgpu_manual_new();
	double begin, waited;

	/* vgem signals its fences by itself after 10 seconds, which is too early here. */
	vgpu_require(!access("/sys/kernel/debug/sync/sw_sync", F_OK), "no sw_sync");
	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_ok(vgpu_prime_export(fd, handle, &dmabuf));
	vgpu_fence_attach(dmabuf, manual.sync_file);
	begin = vgpu_now();
	vgpu_ret(vgpu_wait(fd, handle, 0), -EBUSY);
	waited = vgpu_now() - begin;
	vgpu_assert_msg(waited >= 14.9 && waited < 16.0, "waited %.1f s", waited);
	vgpu_manual_signal(&manual);
	vgpu_ok(vgpu_wait(fd, handle, 0));

	vgpu_manual_close(&manual);
	close(dmabuf);
	close(fd);
}

/* minigbm: it passes a stride as the level, for buffers that gbm allocated. */
static void level_is_passed_on(void)
{
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 16, .d = 1 };
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, 16, 16);

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 64, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
	close(fd);
}

/* Venus, wlroots, Mesa's WSI: they offer timelines and explicit synchronization only with this. */
static void syncobjs_are_offered(void)
{
	int fd = vgpu_open_render();

	vgpu_require(vgpu_has_3d(fd), "the device has no 3D");
	vgpu_assert_eq(cap_of(fd, DRM_CAP_SYNCOBJ), 1);
	vgpu_assert_eq(cap_of(fd, DRM_CAP_SYNCOBJ_TIMELINE), 1);
	close(fd);
}

/* wlroots and mutter: an eventfd tells them that a client has reached a timeline point. */
static void eventfd_tells_of_a_point(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_execbuffer_syncobj out = {
		.handle = vgpu_new_syncobj(client.fd, false), .point = 5,
	};
	struct drm_virtgpu_execbuffer exec = {
		.syncobj_stride = sizeof(out), .num_out_syncobjs = 1,
		.out_syncobjs = (uintptr_t)&out,
	};
	struct pollfd pfd = { .fd = vgpu_sys(eventfd(0, EFD_CLOEXEC)), .events = POLLIN };
	struct drm_syncobj_eventfd ask = {
		.handle = out.handle, .point = out.point, .fd = pfd.fd,
	};

	vgpu_ok(vgpu_ioctl(client.fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &ask));
	vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 0)), 0);
	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 60000)), 1);

	close(pfd.fd);
	vgpu_client_close(&client);
}

/* muvm: it reads eight bytes, one event, and asserts its type. */
static void read_of_eight_bytes_is_one_event(void)
{
	struct vgpu_client client = vgpu_client_open_rings(1, 1);
	struct pollfd pfd = { .fd = client.fd, .events = POLLIN };
	struct drm_virtgpu_execbuffer exec = { .flags = VIRTGPU_EXECBUF_RING_IDX };
	struct drm_event event;

	for (int i = 0; i < 3; i++)
		vgpu_ok(vgpu_submit(&client, &exec));
	for (int i = 0; i < 3; i++) {
		vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 60000)), 1);
		vgpu_assert_eq(vgpu_sys(read(client.fd, &event, sizeof(event))), 8);
		vgpu_assert_eq(event.type, VIRTGPU_EVENT_FENCE_SIGNALED);
	}
	vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 0)), 0);
	vgpu_client_close(&client);
}

/* sommelier: it tries to import each descriptor as a dma-buf, then as a pipe or a memfd. */
static void import_of_no_dmabuf_leaves_nothing(void)
{
	int fd = vgpu_open_render(), pipes[2], memory;
	uint32_t before = vgpu_new_picture(fd, 16, 16), handle = 0;

	vgpu_sys(pipe(pipes));
	memory = vgpu_sys(memfd_create("contract", 0));
	vgpu_assert(vgpu_prime_import(fd, pipes[0], &handle) < 0);
	vgpu_assert(vgpu_prime_import(fd, memory, &handle) < 0);
	vgpu_assert_eq(vgpu_new_picture(fd, 16, 16), before + 1);
	close(memory);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

/* The most contexts that a proxy has here. */
#define MAX_PROXIES 100

/* The ring on which a proxy polls. */
#define POLL_RING 1

/* Longer than a command is in the ring before the driver counts it as held. */
#define IDLE_S 3

/* Processes that have the host hold commands, and how many each: half of the ring together. */
#define KEEPERS 4
#define KEPT 32

/* More than the ring has places. */
#define ANSWERS 1100

static int submit_poll(const struct vgpu_client *proxy, uint32_t token)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX,
		.ring_idx = POLL_RING,
	};

	return vgpu_submit_kept(proxy, &exec, token);
}

/* Have the host hold commands until the process is killed. */
static void keep(void *arg)
{
	struct vgpu_client client = vgpu_client_open_rings(2, 0);
	uint32_t token = vgpu_token();

	(void)arg;
	for (size_t i = 0; i < KEPT; i++)
		vgpu_ok(submit_poll(&client, token));
	for (;;)
		pause();
}

/* Send a message, which has no fence, and query the host. */
static void serve(const struct vgpu_client *proxy)
{
	uint32_t handle = vgpu_new_picture(proxy->fd, 16, 16);

	vgpu_ok(vgpu_submit(proxy, &(struct drm_virtgpu_execbuffer){ 0 }));
	vgpu_ok(vgpu_submit_bo(proxy, handle));
	vgpu_ok(vgpu_wait(proxy->fd, handle, 0));
}

/*
 * muvm: one thread serves all its connections, each of which has a context with a pending POLL. In
 * each context it sends a message and queries the host, while nothing answers a POLL.
 */
static void serve_contexts(size_t count, bool are_queried_first, size_t nr_keepers)
{
	struct vgpu_client host = vgpu_client_open(), proxies[MAX_PROXIES];
	uint32_t tokens[MAX_PROXIES];
	int keepers[KEEPERS];

	for (size_t i = 0; i < count; i++) {
		proxies[i] = vgpu_client_open_rings(2, 1u << POLL_RING);
		tokens[i] = vgpu_token();
		if (are_queried_first)
			serve(&proxies[i]);
		vgpu_ok(vgpu_submit(&proxies[i], &(struct drm_virtgpu_execbuffer){ 0 }));
		vgpu_ok(submit_poll(&proxies[i], tokens[i]));
	}
	for (size_t i = 0; i < nr_keepers; i++)
		keepers[i] = vgpu_fork(keep, NULL);
	sleep(IDLE_S);

	for (size_t i = 0; i < count; i++)
		serve(&proxies[i]);

	for (size_t i = 0; i < nr_keepers; i++) {
		vgpu_sys(kill(keepers[i], SIGKILL));
		vgpu_join_signalled(keepers[i], SIGKILL);
	}
	for (size_t i = 0; i < count; i++) {
		struct pollfd pfd = { .fd = proxies[i].fd, .events = POLLIN };

		vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 0)), 0);
		vgpu_ok(vgpu_submit_release(&host, tokens[i]));
		vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 60000)), 1);
		vgpu_client_close(&proxies[i]);
	}
	vgpu_client_close(&host);
}

/* More contexts than an eighth of the ring has places; a desktop in muvm has as many windows. */
static void forty_contexts_each_with_a_poll(void)
{
	serve_contexts(40, false, 0);
}

/* More than three eighths of the ring. The host answers while the proxy opens them. */
static void hundred_contexts_each_with_a_poll(void)
{
	serve_contexts(MAX_PROXIES, true, 0);
}

/* The host holds commands of others in half of the ring. */
static void contexts_with_polls_among_held_commands(void)
{
	serve_contexts(40, true, KEEPERS);
}

/* The host answers much work of a process, then holds all that it sends. */
static void keep_after_answers(void *arg)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.ring_idx = POLL_RING,
	};
	struct vgpu_client client = vgpu_client_open_rings(2, 0);
	uint32_t handle = vgpu_new_picture(client.fd, 16, 16), *token = arg;

	for (size_t i = 0; i < ANSWERS; i++)
		vgpu_ok(vgpu_submit_bo(&client, handle));
	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	for (;;) {
		vgpu_ok(vgpu_submit_kept(&client, &exec, *token));
		close(exec.fence_fd);
	}
}

static void serve_newcomer(void *arg)
{
	struct vgpu_client client = vgpu_client_open();

	(void)arg;
	serve(&client);
	vgpu_client_close(&client);
}

/* A game has run for hours when the host's GPU hangs on its work; then another program starts. */
static void newcomer_beside_a_process_that_hangs(void)
{
	struct vgpu_client host = vgpu_client_open();
	uint32_t token = vgpu_token();
	int keeper = vgpu_fork(keep_after_answers, &token);

	sleep(IDLE_S);
	vgpu_join(vgpu_fork(serve_newcomer, NULL));
	vgpu_sys(kill(keeper, SIGSTOP));
	vgpu_ok(vgpu_submit_release(&host, token));
	vgpu_sys(kill(keeper, SIGKILL));
	vgpu_join_signalled(keeper, SIGKILL);
	vgpu_client_close(&host);
}

/* mutter, KWin, wlroots: they set this capability after ATOMIC, then look up both properties. */
static void cursor_plane_has_a_hot_spot(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);

	vgpu_assert(head.primary != 0);
	vgpu_sys(drmSetClientCap(fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1));
	head = vgpu_first_head(fd);
	vgpu_assert(head.cursor != 0);
	vgpu_assert(vgpu_prop(fd, head.cursor, DRM_MODE_OBJECT_PLANE, "HOTSPOT_X"));
	vgpu_assert(vgpu_prop(fd, head.cursor, DRM_MODE_OBJECT_PLANE, "HOTSPOT_Y"));
	close(fd);
}

/* KWin: it pairs planes with CRTCs by possible_crtcs. */
static void planes_belong_to_one_crtc(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head heads[VGPU_MAX_HEADS];
	size_t count = vgpu_heads(fd, heads);

	for (size_t i = 0; i < count; i++) {
		drmModePlanePtr plane = drmModeGetPlane(fd, heads[i].primary);

		vgpu_assert(plane);
		vgpu_assert_eq(plane->possible_crtcs, 1u << heads[i].index);
		drmModeFreePlane(plane);
	}
	close(fd);
}

/* Xorg, weston, wlroots: they try cursor buffers of this size only. */
static void cursor_size_is_64(void)
{
	int fd = vgpu_open_display();

	vgpu_assert_eq(cap_of(fd, DRM_CAP_CURSOR_WIDTH), 64);
	vgpu_assert_eq(cap_of(fd, DRM_CAP_CURSOR_HEIGHT), 64);
	close(fd);
}

/* wlroots and weston exit without these capabilities. */
static void capabilities_of_compositors(void)
{
	int fd = vgpu_open_display();

	vgpu_assert_eq(cap_of(fd, DRM_CAP_TIMESTAMP_MONOTONIC), 1);
	vgpu_assert_eq(cap_of(fd, DRM_CAP_CRTC_IN_VBLANK_EVENT), 1);
	vgpu_assert_eq(cap_of(fd, DRM_CAP_DUMB_BUFFER), 1);
	vgpu_assert_eq(cap_of(fd, DRM_CAP_PRIME) & DRM_PRIME_CAP_EXPORT, DRM_PRIME_CAP_EXPORT);
	vgpu_assert_eq(cap_of(fd, DRM_CAP_PRIME) & DRM_PRIME_CAP_IMPORT, DRM_PRIME_CAP_IMPORT);
	close(fd);
}

/*
 * wlroots, Xorg, minigbm: without modifiers they use implicit and linear layouts; with them they
 * need both the capability and IN_FORMATS.
 */
static void modifiers_are_whole_or_absent(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	bool formats = vgpu_prop(fd, head.primary, DRM_MODE_OBJECT_PLANE, "IN_FORMATS") != 0;

	vgpu_assert_eq(cap_of(fd, DRM_CAP_ADDFB2_MODIFIERS), formats);
	close(fd);
}

/* mutter, KWin, wlroots, Xorg: they do without gamma only if all its properties are absent. */
static void gamma_is_whole_or_absent(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	drmModeCrtcPtr crtc = drmModeGetCrtc(fd, head.crtc);
	bool lut = vgpu_prop(fd, head.crtc, DRM_MODE_OBJECT_CRTC, "GAMMA_LUT") != 0;
	bool size = vgpu_prop(fd, head.crtc, DRM_MODE_OBJECT_CRTC, "GAMMA_LUT_SIZE") != 0;

	vgpu_assert(crtc);
	vgpu_assert_eq(lut, size);
	vgpu_assert_eq(crtc->gamma_size != 0, lut);
	drmModeFreeCrtc(crtc);
	close(fd);
}

/* Xorg: after EINVAL or ENOSYS it never tracks damage again. */
static void dirtyfb_takes_many_clips(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	drmModeClip clips[256];
	struct vgpu_fb fb;

	for (uint16_t i = 0; i < ARRAY_SIZE(clips); i++)
		clips[i] = (drmModeClip){ i, i, i + 1, i + 1 };
	vgpu_fb_init(fd, &fb, head.mode.hdisplay, head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(fd, &head, &fb, 0, 0));
	vgpu_sys(drmModeDirtyFB(fd, fb.id, NULL, 0));
	vgpu_sys(drmModeDirtyFB(fd, fb.id, clips, ARRAY_SIZE(clips)));
	vgpu_fb_fini(fd, &fb);
	close(fd);
}

/* mutter: it reads both properties when the window of the host is resized. */
static void connector_has_what_a_resize_needs(void)
{
	int fd = vgpu_open_display();
	struct vgpu_head head = vgpu_first_head(fd);
	static const char *const names[] = {
		"hotplug_mode_update", "suggested X", "suggested Y",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		vgpu_info("%s", names[i]);
		vgpu_assert(vgpu_prop(fd, head.connector, DRM_MODE_OBJECT_CONNECTOR, names[i]));
	}
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "1.9-caps-before-the-context", .run = caps_before_the_context },
	{ .name = "1.11-longer-struct-comes-back", .run = longer_struct_comes_back },
	{ .name = "2.5-parameters-in-any-order", .run = parameters_in_any_order },
	{ .name = "2.6-no-capset-at-all", .run = no_capset_at_all },
	{ .name = "3.8-mapping-into-a-reserved-area", .run = mapping_into_a_reserved_area },
	{ .name = "3.13-waits-for-15-seconds", .run = waits_for_15_seconds },
	{ .name = "4.2-level-is-passed-on", .run = level_is_passed_on },
	{ .name = "6.1-syncobjs-are-offered", .run = syncobjs_are_offered },
	{ .name = "6.5-eventfd-tells-of-a-point", .run = eventfd_tells_of_a_point },
	{ .name = "7.2-read-of-eight-bytes-is-one-event",
	  .run = read_of_eight_bytes_is_one_event },
	{ .name = "7.4-newcomer-beside-a-process-that-hangs",
	  .run = newcomer_beside_a_process_that_hangs },
	{ .name = "7.11-forty-contexts-each-with-a-poll",
	  .run = forty_contexts_each_with_a_poll },
	{ .name = "7.11-hundred-contexts-each-with-a-poll",
	  .run = hundred_contexts_each_with_a_poll },
	{ .name = "7.11-contexts-with-polls-among-held-commands",
	  .run = contexts_with_polls_among_held_commands },
	{ .name = "7.9-import-of-no-dmabuf-leaves-nothing",
	  .run = import_of_no_dmabuf_leaves_nothing },
	{ .name = "10.1-cursor-plane-has-a-hot-spot", .run = cursor_plane_has_a_hot_spot },
	{ .name = "10.2-planes-belong-to-one-crtc", .run = planes_belong_to_one_crtc },
	{ .name = "10.3-cursor-size-is-64", .run = cursor_size_is_64 },
	{ .name = "10.6-dirtyfb-takes-many-clips", .run = dirtyfb_takes_many_clips },
	{ .name = "10.7-capabilities-of-compositors", .run = capabilities_of_compositors },
	{ .name = "10.11-modifiers-are-whole-or-absent", .run = modifiers_are_whole_or_absent },
	{ .name = "10.16-gamma-is-whole-or-absent", .run = gamma_is_whole_or_absent },
	{ .name = "10.17-connector-has-what-a-resize-needs",
	  .run = connector_has_what_a_resize_needs },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_contract",
		.about = "rules of the contract with user space",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
