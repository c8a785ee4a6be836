// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_EXECBUFFER: syncobjs in and out, binary and timeline */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

typedef struct drm_virtgpu_execbuffer_syncobj syncobj_ref;

static void add_in(struct drm_virtgpu_execbuffer *exec, const syncobj_ref *refs,
		   uint32_t count)
{
	exec->syncobj_stride = sizeof(*refs);
	exec->in_syncobjs = (uintptr_t)refs;
	exec->num_in_syncobjs = count;
}

static void add_out(struct drm_virtgpu_execbuffer *exec, const syncobj_ref *refs,
		    uint32_t count)
{
	exec->syncobj_stride = sizeof(*refs);
	exec->out_syncobjs = (uintptr_t)refs;
	exec->num_out_syncobjs = count;
}

static int submit_in(const struct vgpu_client *client, syncobj_ref ref)
{
	struct drm_virtgpu_execbuffer exec = { 0 };

	add_in(&exec, &ref, 1);
	return vgpu_submit(client, &exec);
}

static int submit_out(const struct vgpu_client *client, syncobj_ref ref)
{
	struct drm_virtgpu_execbuffer exec = { 0 };

	add_out(&exec, &ref, 1);
	return vgpu_submit(client, &exec);
}

static void wait_binary(int fd, uint32_t handle)
{
	vgpu_sys(drmSyncobjWait(fd, &handle, 1, INT64_MAX, 0, NULL));
}

static void wait_point(int fd, uint32_t handle, uint64_t point)
{
	vgpu_sys(drmSyncobjTimelineWait(fd, &handle, &point, 1, INT64_MAX, 0,
					NULL));
}

static void out_binary_signals(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, false);

	vgpu_ok(submit_out(&client, (syncobj_ref){ .handle = handle }));
	wait_binary(client.fd, handle);
	drmSyncobjDestroy(client.fd, handle);
	vgpu_client_close(&client);
}

/* What was in a binary syncobj before is not waited for any more. */
static void out_binary_replaces_a_pending_fence(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct vgpu_manual manual = vgpu_manual_new();
	uint32_t handle = vgpu_new_syncobj(client.fd, false);

	vgpu_sys(drmSyncobjImportSyncFile(client.fd, handle, manual.sync_file));
	vgpu_ok(submit_out(&client, (syncobj_ref){ .handle = handle }));
	wait_binary(client.fd, handle);
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	vgpu_manual_close(&manual);
	vgpu_client_close(&client);
}

static void out_timeline_signals(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, false);
	uint64_t value = 0;

	for (uint64_t point = 1; point <= 10; point++)
		vgpu_ok(submit_out(&client, (syncobj_ref){ .handle = handle,
							   .point = point * 3 }));
	wait_point(client.fd, handle, 30);
	vgpu_sys(drmSyncobjQuery(client.fd, &handle, &value, 1));
	vgpu_assert_eq(value, 30);
	vgpu_client_close(&client);
}

static void in_signalled_is_taken(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, true);

	vgpu_ok(submit_in(&client, (syncobj_ref){ .handle = handle }));
	vgpu_assert(vgpu_syncobj_has_fence(client.fd, handle));
	vgpu_client_close(&client);
}

static void in_after_out(void)
{
	struct vgpu_client a = vgpu_client_open();
	uint32_t binary = vgpu_new_syncobj(a.fd, false);
	uint32_t timeline = vgpu_new_syncobj(a.fd, false);

	for (uint64_t point = 1; point < 50; point++) {
		vgpu_ok(submit_out(&a, (syncobj_ref){ .handle = binary }));
		vgpu_ok(submit_out(&a, (syncobj_ref){ .handle = timeline,
						      .point = point }));
		vgpu_ok(submit_in(&a, (syncobj_ref){ .handle = binary }));
		vgpu_ok(submit_in(&a, (syncobj_ref){ .handle = timeline,
						     .point = point }));
	}
	wait_point(a.fd, timeline, 49);
	vgpu_client_close(&a);
}

static void many_in_and_out(void)
{
	enum { COUNT = 100 };
	struct vgpu_client client = vgpu_client_open();
	syncobj_ref in[COUNT] = { 0 }, out[COUNT] = { 0 };
	struct drm_virtgpu_execbuffer exec = { 0 };

	for (int i = 0; i < COUNT; i++) {
		in[i].handle = vgpu_new_syncobj(client.fd, true);
		out[i].handle = vgpu_new_syncobj(client.fd, false);
		out[i].point = i % 3 ? (uint64_t)i : 0;
	}
	add_in(&exec, in, COUNT);
	add_out(&exec, out, COUNT);
	vgpu_ok(vgpu_submit(&client, &exec));
	for (int i = 0; i < COUNT; i++)
		wait_point(client.fd, out[i].handle, out[i].point);
	vgpu_client_close(&client);
}

/* A syncobj without a fence gives no dependency to wait for. */
static void in_without_a_fence_is_einval(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, false);

	vgpu_ret(submit_in(&client, (syncobj_ref){ .handle = handle }), -EINVAL);
	vgpu_ret(submit_in(&client, (syncobj_ref){ .handle = handle,
						   .point = 5 }), -EINVAL);
	vgpu_client_close(&client);
}

static void reset_takes_the_fence_away(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, true);
	const syncobj_ref ref = {
		.handle = handle,
		.flags = VIRTGPU_EXECBUF_SYNCOBJ_RESET,
	};

	vgpu_ok(submit_in(&client, ref));
	vgpu_assert(!vgpu_syncobj_has_fence(client.fd, handle));
	vgpu_ret(submit_in(&client, ref), -EINVAL);
	vgpu_client_close(&client);
}

/* A submission that fails must not reset its syncobj (faults.rst, 11). */
static void reset_waits_for_success(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, true);
	uint32_t bad = 1000000;
	const syncobj_ref in = {
		.handle = handle,
		.flags = VIRTGPU_EXECBUF_SYNCOBJ_RESET,
	};
	const syncobj_ref bad_out = { .handle = bad };
	struct drm_virtgpu_execbuffer exec = { 0 };

	add_in(&exec, &in, 1);
	add_out(&exec, &bad_out, 1);
	vgpu_ret(vgpu_submit(&client, &exec), -EINVAL);
	vgpu_assert(vgpu_syncobj_has_fence(client.fd, handle));

	add_out(&exec, NULL, 0);
	exec.bo_handles = (uintptr_t)&bad;
	exec.num_bo_handles = 1;
	vgpu_ret(vgpu_submit(&client, &exec), -ENOENT);
	vgpu_assert(vgpu_syncobj_has_fence(client.fd, handle));

	exec.num_bo_handles = 0;
	exec.flags = VIRTGPU_EXECBUF_FENCE_FD_IN;
	exec.fence_fd = -1;
	vgpu_ret(vgpu_submit(&client, &exec), -EINVAL, -EBADF);
	vgpu_assert(vgpu_syncobj_has_fence(client.fd, handle));

	exec.flags = 0;
	exec.command = 8;
	exec.size = 64;
	vgpu_ret(vgpu_execbuffer(client.fd, &exec), -EFAULT);
	vgpu_assert(vgpu_syncobj_has_fence(client.fd, handle));

	exec.flags = 0;
	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_assert(!vgpu_syncobj_has_fence(client.fd, handle));
	vgpu_client_close(&client);
}

/* The fence of a syncobj that is named twice is taken from it once, and lives on in a sync file. */
static void reset_of_one_syncobj_twice(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, false);
	const syncobj_ref refs[] = {
		{ .handle = handle, .flags = VIRTGPU_EXECBUF_SYNCOBJ_RESET },
		{ .handle = handle, .flags = VIRTGPU_EXECBUF_SYNCOBJ_RESET },
	};
	struct drm_virtgpu_execbuffer exec = { 0 };
	int sync_file;

	vgpu_ok(submit_out(&client, (syncobj_ref){ .handle = handle }));
	vgpu_sys(drmSyncobjExportSyncFile(client.fd, handle, &sync_file));
	add_in(&exec, refs, ARRAY_SIZE(refs));
	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_assert(!vgpu_syncobj_has_fence(client.fd, handle));
	vgpu_fence_wait(sync_file);
	vgpu_assert_eq(vgpu_fence_status(sync_file), 1);
	close(sync_file);
	vgpu_client_close(&client);
}

static void failure_leaves_out_syncobjs_alone(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, false), bad = 1000000;
	const syncobj_ref out = { .handle = handle };
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)&bad,
		.num_bo_handles = 1,
	};

	add_out(&exec, &out, 1);
	vgpu_ret(vgpu_submit(&client, &exec), -ENOENT);
	vgpu_assert(!vgpu_syncobj_has_fence(client.fd, handle));
	vgpu_client_close(&client);
}

static void bad_handles_are_refused(void)
{
	static const uint32_t bad[] = { 0, 1000000, UINT32_MAX };
	struct vgpu_client client = vgpu_client_open();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		for (uint64_t point = 0; point < 2; point++) {
			const syncobj_ref ref = { .handle = bad[i], .point = point };

			vgpu_ret(submit_in(&client, ref), -ENOENT);
			vgpu_ret(submit_out(&client, ref), -EINVAL);
		}
	}
	vgpu_client_close(&client);
}

static void unknown_flags_are_einval(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, true);

	for (int bit = 0; bit < 32; bit++) {
		const syncobj_ref ref = { .handle = handle, .flags = 1u << bit };

		if (ref.flags != VIRTGPU_EXECBUF_SYNCOBJ_RESET)
			vgpu_ret(submit_in(&client, ref), -EINVAL);
		/* RESET is valid for in-syncobjs only. */
		vgpu_ret(submit_out(&client, ref), -EINVAL);
	}
	vgpu_client_close(&client);
}

static void bad_pointer_is_efault(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (size_t i = 0; i < vgpu_nbad_pointers; i++) {
		const syncobj_ref *bad = (void *)(uintptr_t)vgpu_bad_pointers[i];
		struct drm_virtgpu_execbuffer in = { 0 }, out = { 0 };

		add_in(&in, bad, 1);
		vgpu_ret(vgpu_submit(&client, &in), -EFAULT);
		add_out(&out, bad, 1);
		vgpu_ret(vgpu_submit(&client, &out), -EFAULT);
	}
	vgpu_client_close(&client);
}

/* Newer user space passes longer elements, older user space shorter ones. */
static void stride_is_the_callers(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct {
		syncobj_ref ref;
		uint64_t future[2];
	} refs[2] = { 0 };
	struct drm_virtgpu_execbuffer exec = { 0 };

	refs[0].ref.handle = vgpu_new_syncobj(client.fd, false);
	refs[1].ref.handle = vgpu_new_syncobj(client.fd, false);
	add_out(&exec, &refs[0].ref, 2);
	exec.syncobj_stride = sizeof(refs[0]);
	/* The driver ignores the part that it does not know. */
	refs[0].future[1] = 1;
	vgpu_ok(vgpu_submit(&client, &exec));
	wait_binary(client.fd, refs[0].ref.handle);
	wait_binary(client.fd, refs[1].ref.handle);
	vgpu_client_close(&client);
}

static void short_stride_reads_zeroes(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handles[2] = {
		vgpu_new_syncobj(client.fd, false),
		vgpu_new_syncobj(client.fd, false),
	};
	struct drm_virtgpu_execbuffer exec = {
		.out_syncobjs = (uintptr_t)handles,
		.num_out_syncobjs = 2,
		.syncobj_stride = sizeof(handles[0]),
	};

	vgpu_ok(vgpu_submit(&client, &exec));
	wait_binary(client.fd, handles[0]);
	wait_binary(client.fd, handles[1]);
	vgpu_client_close(&client);
}

/*
 * No process has that many syncobjs. The allocator must not warn about the count (faults.rst, 5).
 */
static void absurd_counts_are_refused(void)
{
	static const uint32_t counts[] = {
		0x08000000, 0x10000000, 0x7fffffff, 0x80000000, UINT32_MAX,
	};
	struct vgpu_client client = vgpu_client_open();
	const syncobj_ref ref = {
		.handle = vgpu_new_syncobj(client.fd, true),
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct drm_virtgpu_execbuffer in = { 0 }, out = { 0 };

		add_in(&in, &ref, counts[i]);
		vgpu_ret(vgpu_submit(&client, &in), -E2BIG, -EINVAL, -ENOMEM,
			 -EFAULT, -ENOENT);
		add_out(&out, &ref, counts[i]);
		vgpu_ret(vgpu_submit(&client, &out), -E2BIG, -EINVAL, -ENOMEM,
			 -EFAULT, -ENOENT);
	}

	vgpu_assert(vgpu_syncobj_has_fence(client.fd, ref.handle));
	vgpu_client_close(&client);
}

static void out_point_exports_as_sync_file(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_syncobj(client.fd, false);
	int sync_file;

	vgpu_ok(submit_out(&client, (syncobj_ref){ .handle = handle }));
	vgpu_sys(drmSyncobjExportSyncFile(client.fd, handle, &sync_file));
	vgpu_fence_wait(sync_file);
	close(sync_file);
	vgpu_client_close(&client);
}

/* The fence of another driver in a syncobj delays the work, not the ioctl; as in a sync file. */
static void in_foreign_fence_does_not_block_the_caller(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct vgpu_manual manual = vgpu_manual_new();
	uint32_t in = vgpu_new_syncobj(client.fd, false);
	uint32_t out = vgpu_new_syncobj(client.fd, false);
	const syncobj_ref in_ref = { .handle = in }, out_ref = { .handle = out };
	struct drm_virtgpu_execbuffer exec = { 0 };
	int sync_file;

	vgpu_sys(drmSyncobjImportSyncFile(client.fd, in, manual.sync_file));
	add_in(&exec, &in_ref, 1);
	add_out(&exec, &out_ref, 1);
	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	vgpu_sys(drmSyncobjExportSyncFile(client.fd, out, &sync_file));
	vgpu_assert_eq(vgpu_fence_status(sync_file), 0);
	vgpu_manual_signal(&manual);
	vgpu_fence_wait(sync_file);

	close(sync_file);
	vgpu_manual_close(&manual);
	vgpu_client_close(&client);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "out-binary-signals", .run = out_binary_signals },
	{ .name = "out-binary-replaces-a-pending-fence",
	  .run = out_binary_replaces_a_pending_fence },
	{ .name = "out-timeline-signals", .run = out_timeline_signals },
	{ .name = "in-signalled-is-taken", .run = in_signalled_is_taken },
	{ .name = "in-after-out", .run = in_after_out },
	{ .name = "many-in-and-out", .run = many_in_and_out },
	{ .name = "in-without-a-fence-is-einval",
	  .run = in_without_a_fence_is_einval },
	{ .name = "reset-takes-the-fence-away", .run = reset_takes_the_fence_away },
	{ .name = "reset-waits-for-success", .run = reset_waits_for_success },
	{ .name = "reset-of-one-syncobj-twice", .run = reset_of_one_syncobj_twice },
	{ .name = "failure-leaves-out-syncobjs-alone",
	  .run = failure_leaves_out_syncobjs_alone },
	{ .name = "bad-handles-are-refused", .run = bad_handles_are_refused },
	{ .name = "unknown-flags-are-einval", .run = unknown_flags_are_einval },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "stride-is-the-callers", .run = stride_is_the_callers },
	{ .name = "short-stride-reads-zeroes", .run = short_stride_reads_zeroes },
	{ .name = "absurd-counts-are-refused", .run = absurd_counts_are_refused },
	{ .name = "out-point-exports-as-sync-file",
	  .run = out_point_exports_as_sync_file },
	{ .name = "in-foreign-fence-does-not-block-the-caller",
	  .run = in_foreign_fence_does_not_block_the_caller },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_exec_syncobj",
		.about = "submission: syncobjs in and out",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
