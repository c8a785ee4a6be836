// SPDX-License-Identifier: MIT
/* Fences of submissions, used like any sync file or syncobj. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include <linux/sync_file.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

static int submit(const struct vgpu_client *client)
{
	int fence;

	vgpu_ok(vgpu_submit_fences(client, -1, &fence));
	return fence;
}

static void info_names_the_driver(void)
{
	struct vgpu_client client = vgpu_client_open();
	int fence = submit(&client);
	struct sync_fence_info one = { 0 };
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)&one,
	};

	vgpu_fence_wait(fence);
	vgpu_ok(vgpu_ioctl(fence, SYNC_IOC_FILE_INFO, &info));
	vgpu_assert_eq(info.num_fences, 1);
	vgpu_assert_eq(info.status, 1);
	vgpu_assert_eq(one.status, 1);
	vgpu_assert(one.timestamp_ns > 0);
	vgpu_info("driver \"%.32s\", timeline \"%.32s\"", one.driver_name,
		  one.obj_name);

	close(fence);
	vgpu_client_close(&client);
}

static void names_of_a_waiting_fence(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (int i = 0; i < 50; i++) {
		int fence = submit(&client);
		struct sync_fence_info one = { 0 };
		struct sync_file_info info = {
			.num_fences = 1,
			.sync_fence_info = (uintptr_t)&one,
		};

		vgpu_ok(vgpu_ioctl(fence, SYNC_IOC_FILE_INFO, &info));
		if (!one.status)
			vgpu_assert(!strncmp(one.driver_name, "virtio_gpu", 10));
		close(fence);
	}
	vgpu_client_close(&client);
}

static void signal_in_the_order_of_submission(void)
{
	enum { COUNT = 100 };
	struct vgpu_client client = vgpu_client_open();
	int fences[COUNT];

	for (int i = 0; i < COUNT; i++)
		fences[i] = submit(&client);

	/* If a fence has signalled, all earlier ones have signalled, too. */
	for (int i = COUNT - 1; i >= 0; i--) {
		if (!vgpu_fence_status(fences[i]))
			continue;
		for (int j = 0; j <= i; j++)
			vgpu_assert_eq(vgpu_fence_status(fences[j]), 1);
		break;
	}

	vgpu_fence_wait(fences[COUNT - 1]);
	for (int i = 0; i < COUNT; i++) {
		vgpu_assert_eq(vgpu_fence_status(fences[i]), 1);
		close(fences[i]);
	}

	vgpu_client_close(&client);
}

static void merged_fence_waits_for_both(void)
{
	struct vgpu_client a = vgpu_client_open(), b = vgpu_client_open();
	struct vgpu_manual manual = vgpu_manual_new();
	int fence_a = submit(&a), fence_b = submit(&b);
	int both = vgpu_fence_merge(fence_a, fence_b);
	int mixed = vgpu_fence_merge(fence_a, manual.sync_file);

	vgpu_fence_wait(both);
	vgpu_assert_eq(vgpu_fence_status(fence_a), 1);
	vgpu_assert_eq(vgpu_fence_status(fence_b), 1);
	vgpu_assert_eq(vgpu_fence_status(mixed), 0);
	vgpu_manual_signal(&manual);
	vgpu_fence_wait(mixed);

	close(mixed);
	close(both);
	close(fence_b);
	close(fence_a);
	vgpu_manual_close(&manual);
	vgpu_client_close(&b);
	vgpu_client_close(&a);
}

struct poller {
	int fence;
	bool signalled;
};

static void *poll_thread(void *arg)
{
	struct poller *poller = arg;

	poller->signalled = vgpu_fence_poll(poller->fence, 60000);
	return NULL;
}

static void many_threads_poll_one_fence(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (int round = 0; round < 10; round++) {
		struct poller pollers[8];
		pthread_t threads[8];
		int fence = submit(&client);

		for (size_t i = 0; i < ARRAY_SIZE(pollers); i++) {
			pollers[i] = (struct poller){ .fence = fence };
			pthread_create(&threads[i], NULL, poll_thread, &pollers[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(pollers); i++) {
			pthread_join(threads[i], NULL);
			vgpu_assert(pollers[i].signalled);
		}
		close(fence);
	}

	vgpu_client_close(&client);
}

static void syncobj_takes_a_sync_file(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t syncobj = vgpu_new_syncobj(client.fd, false);
	int fence = submit(&client), back;

	vgpu_sys(drmSyncobjImportSyncFile(client.fd, syncobj, fence));
	vgpu_sys(drmSyncobjWait(client.fd, &syncobj, 1, INT64_MAX, 0, NULL));
	vgpu_sys(drmSyncobjExportSyncFile(client.fd, syncobj, &back));
	vgpu_assert_eq(vgpu_fence_status(back), 1);
	close(back);
	close(fence);
	vgpu_client_close(&client);
}

static void syncobj_is_shared_with_another_client(void)
{
	struct vgpu_client a = vgpu_client_open(), b = vgpu_client_open();
	uint32_t syncobj_a = vgpu_new_syncobj(a.fd, false), syncobj_b;
	struct drm_virtgpu_execbuffer_syncobj ref = { .handle = syncobj_a };
	struct drm_virtgpu_execbuffer exec = {
		.syncobj_stride = sizeof(ref),
		.out_syncobjs = (uintptr_t)&ref,
		.num_out_syncobjs = 1,
	};
	int shared;

	vgpu_sys(drmSyncobjHandleToFD(a.fd, syncobj_a, &shared));
	vgpu_sys(drmSyncobjFDToHandle(b.fd, shared, &syncobj_b));
	vgpu_ok(vgpu_submit(&a, &exec));
	vgpu_sys(drmSyncobjWait(b.fd, &syncobj_b, 1, INT64_MAX, 0, NULL));
	close(shared);
	vgpu_client_close(&b);
	vgpu_client_close(&a);
}

static void *submit_to_timeline(void *arg)
{
	struct vgpu_client *client = arg;
	struct drm_virtgpu_execbuffer_syncobj ref = { .handle = 1 };
	struct drm_virtgpu_execbuffer exec = {
		.syncobj_stride = sizeof(ref),
		.out_syncobjs = (uintptr_t)&ref,
		.num_out_syncobjs = 1,
	};

	usleep(100000);
	for (ref.point = 1; ref.point <= 5; ref.point++)
		vgpu_ok(vgpu_submit(client, &exec));
	return NULL;
}

/* The wait begins before the submission adds a fence to the syncobj. */
static void timeline_wait_before_submission(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t syncobj = vgpu_new_syncobj(client.fd, false);
	uint64_t point = 5;
	pthread_t thread;

	vgpu_assert_eq(syncobj, 1);
	pthread_create(&thread, NULL, submit_to_timeline, &client);
	vgpu_sys(drmSyncobjTimelineWait(client.fd, &syncobj, &point, 1, INT64_MAX,
					DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
					NULL));
	pthread_join(thread, NULL);
	vgpu_client_close(&client);
}

/* A sync file does not depend on the file, or the process, that submitted. */
static void fence_outlives_client_and_process(void)
{
	struct vgpu_client client = vgpu_client_open();
	int fences[50];

	for (size_t i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = submit(&client);
	vgpu_client_close(&client);
	for (size_t i = 0; i < ARRAY_SIZE(fences); i++) {
		vgpu_assert(vgpu_fence_poll(fences[i], 60000));
		vgpu_assert(vgpu_fence_status(fences[i]) != 0);
		close(fences[i]);
	}
}

static void fences_across_clients_at_once(void)
{
	struct vgpu_client clients[4];
	int fences[4][25];

	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		clients[i] = vgpu_client_open();
	for (size_t j = 0; j < ARRAY_SIZE(fences[0]); j++)
		for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
			fences[i][j] = submit(&clients[i]);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(fences[0]); j++) {
			vgpu_fence_wait(fences[i][j]);
			close(fences[i][j]);
		}
		vgpu_client_close(&clients[i]);
	}
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "info-names-the-driver", .run = info_names_the_driver },
	{ .name = "names-of-a-waiting-fence", .run = names_of_a_waiting_fence },
	{ .name = "signal-in-the-order-of-submission",
	  .run = signal_in_the_order_of_submission },
	{ .name = "merged-fence-waits-for-both", .run = merged_fence_waits_for_both },
	{ .name = "many-threads-poll-one-fence", .run = many_threads_poll_one_fence },
	{ .name = "syncobj-takes-a-sync-file", .run = syncobj_takes_a_sync_file },
	{ .name = "syncobj-is-shared-with-another-client",
	  .run = syncobj_is_shared_with_another_client },
	{ .name = "timeline-wait-before-submission",
	  .run = timeline_wait_before_submission },
	{ .name = "fence-outlives-client-and-process",
	  .run = fence_outlives_client_and_process },
	{ .name = "fences-across-clients-at-once",
	  .run = fences_across_clients_at_once },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_sync",
		.about = "fences as sync files and syncobjs",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
