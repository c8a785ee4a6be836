// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_CONTEXT_INIT, rings and their events */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* Unread events of a file: DRM limits them to 4096 bytes, and each has 8. */
#define EVENT_ROOM 512

typedef struct drm_virtgpu_context_set_param context_param;

static struct vgpu_client open_for_init(void)
{
	struct vgpu_client client = vgpu_client_open();

	vgpu_require(vgpu_has_context_init(client.fd),
		     "the device has no CONTEXT_INIT");
	return client;
}

static int init_one(const struct vgpu_client *client, uint64_t param,
		    uint64_t value)
{
	const context_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, client->capset },
		{ param, value },
	};

	return vgpu_context_init(client->fd, params, ARRAY_SIZE(params));
}

static int submit_on(const struct vgpu_client *client, uint32_t ring, int *fence)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX |
			 (fence ? VIRTGPU_EXECBUF_FENCE_FD_OUT : 0),
		.ring_idx = ring,
	};
	int ret = vgpu_submit(client, &exec);

	if (fence)
		*fence = ret ? -1 : exec.fence_fd;
	return ret;
}

static void each_capset(void)
{
	for (uint32_t id = 1; id < VGPU_MAX_CAPSETS; id++) {
		struct vgpu_client client = open_for_init();
		const context_param param = {
			VIRTGPU_CONTEXT_PARAM_CAPSET_ID, id,
		};

		if (vgpu_has_capset(client.fd, id))
			vgpu_ok(vgpu_context_init(client.fd, &param, 1));
		else
			vgpu_ret(vgpu_context_init(client.fd, &param, 1),
				 -EINVAL);
		vgpu_client_close(&client);
	}
}

static void capset_beyond_63_is_einval(void)
{
	static const uint64_t ids[] = {
		63, 64, 65, 255, UINT32_MAX, UINT64_C(1) << 32 | 2, UINT64_MAX,
	};
	struct vgpu_client client = open_for_init();

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		vgpu_ret(vgpu_context_init_capset(client.fd, ids[i]), -EINVAL);
	vgpu_client_close(&client);
}

static void rings_up_to_64(void)
{
	static const uint32_t counts[] = { 1, 2, 3, 32, 63, 64 };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct vgpu_client client = open_for_init();
		int fence;

		vgpu_ok(init_one(&client, VIRTGPU_CONTEXT_PARAM_NUM_RINGS,
				 counts[i]));
		vgpu_ret(submit_on(&client, counts[i], NULL), -EINVAL);
		vgpu_ret(submit_on(&client, UINT32_MAX, NULL), -EINVAL);
		vgpu_ok(submit_on(&client, 0, &fence));
		vgpu_fence_wait(fence);
		close(fence);
		vgpu_client_close(&client);
	}
}

static void no_rings_at_all(void)
{
	struct vgpu_client client = open_for_init();

	vgpu_ok(init_one(&client, VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 0));
	vgpu_ret(submit_on(&client, 0, NULL), -EINVAL);
	vgpu_ok(vgpu_submit_bo(&client, vgpu_new_picture(client.fd, 16, 16)));
	vgpu_client_close(&client);
}

static void more_rings_are_einval(void)
{
	static const uint64_t counts[] = {
		65, 66, 256, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX,
	};
	struct vgpu_client client = open_for_init();

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		vgpu_ret(init_one(&client, VIRTGPU_CONTEXT_PARAM_NUM_RINGS,
				  counts[i]), -EINVAL);
	vgpu_client_close(&client);
}

static void second_time_is_eexist(void)
{
	struct vgpu_client client = open_for_init();
	const context_param param = {
		VIRTGPU_CONTEXT_PARAM_CAPSET_ID, client.capset,
	};

	vgpu_ok(vgpu_context_init(client.fd, &param, 1));
	vgpu_ret(vgpu_context_init(client.fd, &param, 1), -EEXIST);
	/* -EEXIST comes first, even if a parameter is bad as well. */
	vgpu_ret(init_one(&client, 1000, 0), -EEXIST);
	vgpu_ret(init_one(&client, VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 1000), -EEXIST);
	vgpu_client_close(&client);
}

static void after_first_use_is_eexist(void)
{
	struct vgpu_client client = open_for_init();

	vgpu_submit_bo(&client, vgpu_new_picture(client.fd, 16, 16));
	vgpu_ret(vgpu_context_init_capset(client.fd, client.capset), -EEXIST);
	vgpu_client_close(&client);
}

static void same_parameter_twice_is_einval(void)
{
	static const uint64_t names[] = {
		VIRTGPU_CONTEXT_PARAM_CAPSET_ID, VIRTGPU_CONTEXT_PARAM_NUM_RINGS,
		VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct vgpu_client client = open_for_init();
		const context_param params[] = {
			{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 4 },
			{ names[i], client.capset },
			{ names[i], client.capset },
		};
		const size_t skip = names[i] == VIRTGPU_CONTEXT_PARAM_NUM_RINGS;

		vgpu_ret(vgpu_context_init(client.fd, params + skip,
					   (uint32_t)(ARRAY_SIZE(params) - skip)),
			 -EINVAL);
		vgpu_client_close(&client);
	}
}

static void unknown_parameter_is_einval(void)
{
	static const uint64_t names[] = {
		0, 5, 6, 1000, UINT64_C(1) << 32 | 1, UINT64_MAX,
	};
	struct vgpu_client client = open_for_init();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		vgpu_ret(init_one(&client, names[i], 1), -EINVAL);
	vgpu_client_close(&client);
}

static void bad_counts_are_einval(void)
{
	static const uint32_t counts[] = { 5, 100, 0x10000000, UINT32_MAX };
	struct vgpu_client client = open_for_init();
	context_param params[8] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, client.capset },
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		vgpu_ret(vgpu_context_init(client.fd, params, counts[i]),
			 -EINVAL);
	vgpu_client_close(&client);
}

static void bad_pointer_is_efault(void)
{
	struct vgpu_client client = open_for_init();

	for (size_t i = 0; i < vgpu_nbad_pointers; i++)
		vgpu_ret(vgpu_context_init(client.fd,
					   (void *)(uintptr_t)vgpu_bad_pointers[i],
					   2), -EFAULT);
	vgpu_ret(vgpu_ioctl(client.fd, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, NULL),
		 -EFAULT);
	vgpu_client_close(&client);
}

/* A call that fails changes nothing: the next call creates the context. */
static void failure_leaves_no_context(void)
{
	struct vgpu_client client = open_for_init();

	vgpu_ret(init_one(&client, VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 1000),
		 -EINVAL);
	vgpu_ok(init_one(&client, VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2));
	vgpu_client_close(&client);
}

/* A poll mask must not name rings beyond NUM_RINGS. */
static void poll_mask_beyond_the_rings_is_einval(void)
{
	struct vgpu_client client = open_for_init();
	const context_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, client.capset },
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 0xff },
	};

	vgpu_ret(vgpu_context_init(client.fd, params, ARRAY_SIZE(params)),
		 -EINVAL);
	vgpu_client_close(&client);
}

static void debug_name(void)
{
	char name[80];
	const size_t lengths[] = { 1, 10, 63 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct vgpu_client client = open_for_init();

		memset(name, 'n', sizeof(name));
		name[lengths[i]] = '\0';
		vgpu_ok(init_one(&client, VIRTGPU_CONTEXT_PARAM_DEBUG_NAME,
				 (uintptr_t)name));
		vgpu_ok(vgpu_submit_bo(&client,
				       vgpu_new_picture(client.fd, 16, 16)));
		vgpu_client_close(&client);
	}
}

/* Mesa passes the process name, whatever its length. */
static void long_debug_name_is_cut(void)
{
	struct vgpu_client client = open_for_init();
	char name[4096];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	vgpu_ok(init_one(&client, VIRTGPU_CONTEXT_PARAM_DEBUG_NAME,
			 (uintptr_t)name));
	vgpu_ok(vgpu_submit_bo(&client, vgpu_new_picture(client.fd, 16, 16)));
	vgpu_client_close(&client);
}

static void bad_debug_name_is_efault(void)
{
	for (size_t i = 0; i < vgpu_nbad_pointers; i++) {
		struct vgpu_client client = open_for_init();

		vgpu_ret(init_one(&client, VIRTGPU_CONTEXT_PARAM_DEBUG_NAME,
				  vgpu_bad_pointers[i]), -EFAULT);
		vgpu_client_close(&client);
	}
}

static void without_the_feature_is_refused(void)
{
	int fd = vgpu_open_render();
	const context_param rings = { VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 1 };

	vgpu_require(!vgpu_has_context_init(fd), "the device has CONTEXT_INIT");
	vgpu_ret(vgpu_context_init_capset(fd, 2), -EINVAL, -ENOSYS);
	/* These parameters are valid, but the device has no contexts of a chosen kind. */
	vgpu_ret(vgpu_context_init(fd, &rings, 1), -EINVAL, -ENOSYS);
	vgpu_ret(vgpu_context_init(fd, NULL, 0), -EINVAL, -ENOSYS);
	close(fd);
}

static uint32_t read_events(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct drm_event events[64];
	uint32_t count = 0;

	while (vgpu_sys(poll(&pfd, 1, 0)) == 1) {
		ssize_t len = vgpu_sys(read(fd, events, sizeof(events)));

		vgpu_assert(len > 0 && len % (ssize_t)sizeof(events[0]) == 0);
		for (size_t i = 0; i < (size_t)len / sizeof(events[0]); i++) {
			vgpu_assert_eq(events[i].type,
				       VIRTGPU_EVENT_FENCE_SIGNALED);
			vgpu_assert_eq(events[i].length, sizeof(events[0]));
			count++;
		}
	}
	return count;
}

static void wait_event(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, 60000)), 1);
}

static void polled_ring_sends_one_event_a_fence(void)
{
	struct vgpu_client client = vgpu_client_open_rings(4, 0x5);
	bool both = vgpu_client_rings(&client) > 2;

	vgpu_assert_eq(read_events(client.fd), 0);
	for (int i = 0; i < 20; i++) {
		vgpu_ok(submit_on(&client, both && i & 1 ? 2 : 0, NULL));
		wait_event(client.fd);
		vgpu_assert_eq(read_events(client.fd), 1);
	}
	vgpu_client_close(&client);
}

static void ring_that_is_not_polled_sends_none(void)
{
	struct vgpu_client client = vgpu_client_open_rings(4, 0xe);
	int fence;

	vgpu_ok(submit_on(&client, 0, &fence));
	vgpu_fence_wait(fence);
	close(fence);
	vgpu_assert_eq(read_events(client.fd), 0);
	vgpu_client_close(&client);
}

static void other_rings_send_none(void)
{
	struct vgpu_client client = vgpu_client_open_rings(4, 0x5);
	int fence;

	vgpu_require(vgpu_client_rings(&client) > 3, "the host has one ring");

	vgpu_ok(submit_on(&client, 1, &fence));
	vgpu_fence_wait(fence);
	close(fence);
	vgpu_ok(submit_on(&client, 3, &fence));
	vgpu_fence_wait(fence);
	close(fence);
	vgpu_assert_eq(read_events(client.fd), 0);
	vgpu_client_close(&client);
}

/* Fill the event space of the file; each submission reserves 8 bytes of it. */
static void fill_events(const struct vgpu_client *client)
{
	uint32_t sent = 0;

	while (!submit_on(client, 0, NULL))
		vgpu_assert_msg(++sent <= EVENT_ROOM, "%u events fit", sent);
	vgpu_assert_eq(sent, EVENT_ROOM);
}

static void full_event_space_is_enomem(void)
{
	struct vgpu_client client = vgpu_client_open_rings(1, 1);
	uint32_t handle = vgpu_new_picture(client.fd, 16, 16), seen = 0;

	fill_events(&client);
	vgpu_ret(submit_on(&client, 0, NULL), -ENOMEM);
	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	while (seen < EVENT_ROOM) {
		wait_event(client.fd);
		seen += read_events(client.fd);
	}
	vgpu_assert_eq(seen, EVENT_ROOM);
	vgpu_ok(submit_on(&client, 0, NULL));
	wait_event(client.fd);
	vgpu_client_close(&client);
}

/* The kernel's own driver closes descriptor 0 of the caller here (faults.rst, 1). */
static void full_event_space_leaves_descriptor_0(void)
{
	struct vgpu_client client = vgpu_client_open_rings(1, 1);
	int null = vgpu_sys(open("/dev/null", O_RDWR | O_CLOEXEC)), fence, before;

	vgpu_sys(dup2(null, 0));
	before = vgpu_count_fds();
	fill_events(&client);
	vgpu_ret(submit_on(&client, 0, &fence), -ENOMEM);
	vgpu_assert(fcntl(0, F_GETFD) >= 0);
	vgpu_assert_eq(vgpu_count_fds(), before);
	close(null);
	vgpu_client_close(&client);
}

/* A failed submission gives the event space back that it has reserved. */
static void failures_give_event_space_back(void)
{
	struct vgpu_client client = vgpu_client_open_rings(1, 1);

	for (int i = 0; i < 2 * EVENT_ROOM; i++) {
		struct drm_virtgpu_execbuffer exec = {
			.flags = VIRTGPU_EXECBUF_RING_IDX,
			.command = 8,
			.size = 64,
		};

		vgpu_ret(vgpu_execbuffer(client.fd, &exec), -EFAULT);
	}
	vgpu_ok(submit_on(&client, 0, NULL));
	wait_event(client.fd);
	vgpu_client_close(&client);
}

static void file_closed_with_events_under_way(void)
{
	for (int i = 0; i < 30; i++) {
		struct vgpu_client client = vgpu_client_open_rings(1, 1);

		for (int j = 0; j < 50; j++)
			vgpu_ok(submit_on(&client, 0, NULL));
		vgpu_client_close(&client);
	}
}

static void rings_keep_their_own_order(void)
{
	enum { MAX_RINGS = 4, ROUNDS = 25 };
	struct vgpu_client client = vgpu_client_open_rings(MAX_RINGS, 0);
	uint32_t rings = vgpu_client_rings(&client);
	int fences[MAX_RINGS][ROUNDS];

	if (rings > MAX_RINGS)
		rings = MAX_RINGS;
	for (int i = 0; i < ROUNDS; i++)
		for (uint32_t ring = 0; ring < rings; ring++)
			vgpu_ok(submit_on(&client, ring, &fences[ring][i]));

	for (uint32_t ring = 0; ring < rings; ring++) {
		vgpu_fence_wait(fences[ring][ROUNDS - 1]);
		for (int i = 0; i < ROUNDS; i++) {
			vgpu_assert_eq(vgpu_fence_status(fences[ring][i]), 1);
			close(fences[ring][i]);
		}
	}

	vgpu_client_close(&client);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "each-capset", .run = each_capset },
	{ .name = "capset-beyond-63-is-einval", .run = capset_beyond_63_is_einval },
	{ .name = "rings-up-to-64", .run = rings_up_to_64 },
	{ .name = "no-rings-at-all", .run = no_rings_at_all },
	{ .name = "more-rings-are-einval", .run = more_rings_are_einval },
	{ .name = "second-time-is-eexist", .run = second_time_is_eexist },
	{ .name = "after-first-use-is-eexist", .run = after_first_use_is_eexist },
	{ .name = "same-parameter-twice-is-einval",
	  .run = same_parameter_twice_is_einval },
	{ .name = "unknown-parameter-is-einval", .run = unknown_parameter_is_einval },
	{ .name = "bad-counts-are-einval", .run = bad_counts_are_einval },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "failure-leaves-no-context", .run = failure_leaves_no_context },
	{ .name = "poll-mask-beyond-the-rings-is-einval",
	  .run = poll_mask_beyond_the_rings_is_einval },
	{ .name = "debug-name", .run = debug_name },
	{ .name = "long-debug-name-is-cut",
	  .run = long_debug_name_is_cut },
	{ .name = "bad-debug-name-is-efault", .run = bad_debug_name_is_efault },
	{ .name = "without-the-feature-is-refused",
	  .run = without_the_feature_is_refused },
	{ .name = "polled-ring-sends-one-event-a-fence",
	  .run = polled_ring_sends_one_event_a_fence },
	{ .name = "ring-that-is-not-polled-sends-none",
	  .run = ring_that_is_not_polled_sends_none },
	{ .name = "other-rings-send-none", .run = other_rings_send_none },
	{ .name = "full-event-space-is-enomem", .run = full_event_space_is_enomem },
	{ .name = "full-event-space-leaves-descriptor-0",
	  .run = full_event_space_leaves_descriptor_0 },
	{ .name = "failures-give-event-space-back",
	  .run = failures_give_event_space_back },
	{ .name = "file-closed-with-events-under-way",
	  .run = file_closed_with_events_under_way },
	{ .name = "rings-keep-their-own-order", .run = rings_keep_their_own_order },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_context_init",
		.about = "contexts, their rings and ring events",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
