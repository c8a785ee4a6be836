// SPDX-License-Identifier: MIT
/*
 * The order of the work of a client, and the fate of work that waits for a fence. Streams of the
 * host model (toy3d) write words into a guest blob, which shows which streams were executed, and in
 * which order. Each subtest is named after its rule in Documentation/gpu/virtio-gpu/contract.rst;
 * its comment names the client that relies on the rule.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "toy3d.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_kernel.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* How long a dependency stays unsignalled, in microseconds. */
#define HOLD_US 300000

/**
 * struct board - a page of words that streams write to
 * @client: a client whose context has four rings
 * @handle: the blob
 * @res: its resource id, as streams name it
 * @words: its mapping in the test
 */
struct board {
	struct vgpu_client client;
	uint32_t handle;
	uint32_t res;
	volatile uint32_t *words;
};

static struct board board_open(void)
{
	struct board board = { .client = vgpu_client_open_rings(4, 0) };
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(VGPU_PAGE);

	vgpu_require(board.client.capset == TOY3D_CAPSET_ID, "not our own host");
	vgpu_require(vgpu_has_blob(board.client.fd), "the device has no blobs");
	vgpu_ok(vgpu_blob_create(board.client.fd, &blob));
	board.handle = blob.bo_handle;
	board.res = blob.res_handle;
	board.words = vgpu_new_map(board.client.fd, board.handle, VGPU_PAGE);
	return board;
}

/* Open another client, whose streams write to the page of @board. */
static struct board board_open_beside(const struct board *board)
{
	struct board other = board_open();
	int dmabuf;

	vgpu_ok(vgpu_prime_export(board->client.fd, board->handle, &dmabuf));
	vgpu_ok(vgpu_prime_import(other.client.fd, dmabuf, &other.handle));
	close(dmabuf);
	other.res = board->res;
	return other;
}

static void board_close(struct board *board)
{
	munmap((void *)board->words, VGPU_PAGE);
	vgpu_client_close(&board->client);
}

#define FILL_WORDS 7

/* Build a stream that stores @value in word @at of resource @res. */
static void make_fill(uint32_t stream[FILL_WORDS], uint32_t res, uint32_t at, uint32_t value)
{
	const uint32_t fill[FILL_WORDS] = {
		TOY3D_HDR(TOY3D_OP_FILL, 6), res, at * 4, 0, 4, 0, value,
	};

	memcpy(stream, fill, sizeof(fill));
}

static int write_with(const struct board *board, struct drm_virtgpu_execbuffer *exec,
		      uint32_t value)
{
	uint32_t stream[FILL_WORDS];

	make_fill(stream, board->res, 0, value);
	exec->command = (uintptr_t)stream;
	exec->size = sizeof(stream);
	return vgpu_execbuffer(board->client.fd, exec);
}

/* Have a ring write a word after the fence @in (-1 for none); returns the out-fence. */
static int write_on_ring(const struct board *board, uint32_t ring, int in, uint32_t value)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT |
			 (in >= 0 ? VIRTGPU_EXECBUF_FENCE_FD_IN : 0),
		.ring_idx = ring,
		.fence_fd = in,
	};

	vgpu_ok(write_with(board, &exec, value));
	return exec.fence_fd;
}

/**
 * struct hold - a fence that signals HOLD_US later
 * @manual: the fence
 * @fails: the fence ends with an error
 * @thread: the thread that signals it
 */
struct hold {
	struct vgpu_manual manual;
	bool fails;
	pthread_t thread;
};

/* Closing a timeline of sw_sync ends its pending fences with -ENOENT. */
static void *end_hold(void *arg)
{
	struct hold *hold = arg;

	usleep(HOLD_US);
	if (!hold->fails)
		vgpu_manual_signal(&hold->manual);
	close(hold->manual.device);
	return NULL;
}

/* A thread signals the fence, since EXECBUFFER of the kernel's own driver waits for it. */
static void hold_begin(struct hold *hold, bool fails)
{
	hold->manual = vgpu_manual_new();
	hold->fails = fails;
	pthread_create(&hold->thread, NULL, end_hold, hold);
}

static bool hold_is_on(const struct hold *hold)
{
	return !vgpu_fence_status(hold->manual.sync_file);
}

static void hold_end(struct hold *hold)
{
	pthread_join(hold->thread, NULL);
	close(hold->manual.sync_file);
}

static void wait_and_close(int fence)
{
	vgpu_fence_wait(fence);
	close(fence);
}

/* Create a fence of sw_sync that has ended with an error, by closing its timeline. */
static int new_failed_fence(void)
{
	struct vgpu_manual manual = vgpu_manual_new();

	close(manual.device);
	vgpu_require(vgpu_fence_status(manual.sync_file) < 0, "no sw_sync");
	return manual.sync_file;
}

/*
 * virgl: it does not expect a stream to be skipped, and its later streams use the objects of this
 * one.
 */
static void stream_behind_a_failed_fence_is_executed(void)
{
	struct board board = board_open();
	int failed = new_failed_fence(), fence;

	fence = write_on_ring(&board, 0, failed, 7);
	wait_and_close(fence);
	vgpu_assert_eq(board.words[0], 7);
	close(failed);
	board_close(&board);
}

/* The same if the dependency fails while the stream already waits for it. */
static void stream_is_executed_when_its_fence_fails(void)
{
	struct board board = board_open();
	struct hold hold;
	int fence;

	hold_begin(&hold, true);
	fence = write_on_ring(&board, 0, hold.manual.sync_file, 7);
	wait_and_close(fence);
	vgpu_assert_eq(board.words[0], 7);
	vgpu_require(vgpu_fence_status(hold.manual.sync_file) < 0, "no sw_sync");
	hold_end(&hold);
	board_close(&board);
}

/* The same by in-syncobjs, a binary one and a point of a timeline. */
static void stream_behind_a_failed_syncobj_is_executed(void)
{
	struct board board = board_open();
	const int fd = board.client.fd, failed = new_failed_fence();
	struct drm_virtgpu_execbuffer_syncobj in[2] = {
		{ .handle = vgpu_new_syncobj(fd, false) },
		{ .handle = vgpu_new_syncobj(fd, false), .point = 3 },
	};
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.syncobj_stride = sizeof(in[0]),
		.num_in_syncobjs = 2,
		.in_syncobjs = (uintptr_t)in,
	};

	vgpu_sys(drmSyncobjImportSyncFile(fd, in[0].handle, failed));
	vgpu_sys(drmSyncobjTransfer(fd, in[1].handle, 3, in[0].handle, 0, 0));
	vgpu_ok(write_with(&board, &exec, 7));
	wait_and_close(exec.fence_fd);
	vgpu_assert_eq(board.words[0], 7);

	close(failed);
	board_close(&board);
}

/*
 * vdrm: all rings share one sequence number; a thread of the client spins for ever if the copy of
 * the host steps back.
 */
static void other_rings_do_not_overtake(void)
{
	struct board board = board_open();
	struct hold hold;
	int held, later;

	hold_begin(&hold, false);
	held = write_on_ring(&board, 1, hold.manual.sync_file, 1);
	later = write_on_ring(&board, 0, -1, 2);
	wait_and_close(later);
	vgpu_assert(!hold_is_on(&hold));
	wait_and_close(held);
	vgpu_assert_eq(board.words[0], 2);
	hold_end(&hold);
	board_close(&board);
}

/* The same for work without a ring, which Mesa's virgl submits beside the work of rings. */
static void work_without_a_ring_does_not_overtake(void)
{
	struct drm_virtgpu_execbuffer exec = { .flags = VIRTGPU_EXECBUF_FENCE_FD_OUT };
	struct board board = board_open();
	struct hold hold;
	int held;

	hold_begin(&hold, false);
	held = write_on_ring(&board, 1, hold.manual.sync_file, 1);
	vgpu_ok(write_with(&board, &exec, 2));
	wait_and_close(exec.fence_fd);
	wait_and_close(held);
	vgpu_assert_eq(board.words[0], 2);
	hold_end(&hold);
	board_close(&board);
}

/**
 * struct blob_maker - a thread that creates a host blob
 * @board: the board whose client creates it
 * @ret: what CREATE_BLOB returned
 * @thread: the thread
 */
struct blob_maker {
	const struct board *board;
	int ret;
	pthread_t thread;
};

static void *make_blob(void *arg)
{
	struct blob_maker *maker = arg;
	uint32_t stream[FILL_WORDS];
	struct drm_virtgpu_resource_create_blob blob = {
		.blob_mem = VIRTGPU_BLOB_MEM_HOST3D,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE,
		.size = VGPU_PAGE,
		.cmd = (uintptr_t)stream,
		.cmd_size = sizeof(stream),
		.blob_id = 1,
	};

	make_fill(stream, maker->board->res, 0, 2);
	maker->ret = vgpu_blob_create(maker->board->client.fd, &blob);
	return NULL;
}

/* vdrm and Venus, and rule 12.4: the stream of a blob comes after the work submitted before it. */
static void streams_of_blobs_do_not_overtake(void)
{
	struct board board = board_open();
	struct drm_virtgpu_execbuffer after = { .flags = VIRTGPU_EXECBUF_FENCE_FD_OUT };
	struct blob_maker maker = { .board = &board };
	struct hold hold;
	int held;

	hold_begin(&hold, false);
	held = write_on_ring(&board, 1, hold.manual.sync_file, 1);
	pthread_create(&maker.thread, NULL, make_blob, &maker);
	wait_and_close(held);
	pthread_join(maker.thread, NULL);
	vgpu_ok(maker.ret);
	vgpu_assert(!hold_is_on(&hold));
	vgpu_ok(vgpu_submit(&board.client, &after));
	wait_and_close(after.fence_fd);
	vgpu_assert_eq(board.words[0], 2);

	hold_end(&hold);
	board_close(&board);
}

/*
 * Rings signal independently: work that waits on one ring does not hold the fence of earlier work
 * on another ring.
 */
static void earlier_work_of_other_rings_is_not_held(void)
{
	struct board board = board_open();
	struct hold hold;
	int held, earlier;

	earlier = write_on_ring(&board, 0, -1, 1);
	hold_begin(&hold, false);
	held = write_on_ring(&board, 1, hold.manual.sync_file, 2);
	wait_and_close(earlier);
	wait_and_close(held);
	vgpu_assert_eq(board.words[0], 2);
	hold_end(&hold);
	board_close(&board);
}

/* virgl: it transfers back the result of a draw without a fence in between. */
static void transfers_do_not_overtake(void)
{
	struct board board = board_open();
	struct vgpu_texture buffer;
	struct drm_virtgpu_3d_box box;
	struct hold hold;
	uint32_t stream[FILL_WORDS], *map;
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_IN,
		.ring_idx = 1,
		.command = (uintptr_t)stream,
		.size = sizeof(stream),
	};

	vgpu_texture_init(board.client.fd, &buffer, VGPU_TARGET_BUFFER, 64, 1, 1);
	box = vgpu_texture_box(&buffer);
	map = vgpu_new_map(board.client.fd, buffer.handle, VGPU_PAGE);
	make_fill(stream, buffer.res, 0, 9);
	hold_begin(&hold, false);
	exec.fence_fd = hold.manual.sync_file;
	vgpu_ok(vgpu_execbuffer(board.client.fd, &exec));
	vgpu_ok(vgpu_transfer_from_host(board.client.fd, buffer.handle, &box, 0, 0));
	vgpu_ok(vgpu_wait(board.client.fd, buffer.handle, 0));
	vgpu_assert_eq(map[0], 9);

	hold_end(&hold);
	munmap(map, VGPU_PAGE);
	board_close(&board);
}

/* While work waits for its fence, its client creates and closes buffers, and other clients draw. */
static void creation_and_closing_do_not_wait(void)
{
	struct board board = board_open(), other = board_open();
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN | VIRTGPU_EXECBUF_FENCE_FD_OUT,
	};
	struct hold hold;

	hold_begin(&hold, false);
	exec.fence_fd = hold.manual.sync_file;
	vgpu_ok(write_with(&board, &exec, 1));
	vgpu_ok(vgpu_gem_close(board.client.fd, vgpu_new_picture(board.client.fd, 16, 16)));
	wait_and_close(write_on_ring(&other, 1, -1, 2));
	vgpu_assert(hold_is_on(&hold));
	wait_and_close(exec.fence_fd);
	hold_end(&hold);
	board_close(&other);
	board_close(&board);
}

/*
 * Write to the blob from another file, and close that file while its work waits; returns the fence.
 */
static int draw_and_close(const struct board *board, int in)
{
	struct board other = board_open_beside(board);
	int fence;

	fence = write_on_ring(&other, 1, in, 5);
	board_close(&other);
	return fence;
}

/*
 * The work of a client that exits normally is still executed: a compositor shows the shared buffer.
 */
static void work_of_a_closed_file_is_done(void)
{
	struct board board = board_open();
	struct hold hold;
	int fence;

	hold_begin(&hold, false);
	fence = draw_and_close(&board, hold.manual.sync_file);
	wait_and_close(fence);
	vgpu_assert(!hold_is_on(&hold));
	vgpu_assert_eq(board.words[0], 5);
	hold_end(&hold);
	board_close(&board);
}

/* The board of another file, to which a child submits before it is killed. */
static void submit_and_die(void *arg)
{
	close(write_on_ring(arg, 1, -1, 6));
	raise(SIGKILL);
}

/*
 * A file is shared by fork(): one process submits and exits normally, another one submits behind
 * it and is killed. The work of the first is still executed.
 */
static void work_of_a_survivor_is_done(void)
{
	struct board board = board_open(), other = board_open_beside(&board);
	struct hold hold;
	int fence;

	hold_begin(&hold, false);
	fence = write_on_ring(&other, 1, hold.manual.sync_file, 5);
	vgpu_join_signalled(vgpu_fork(submit_and_die, &other), SIGKILL);
	board_close(&other);
	wait_and_close(fence);
	vgpu_assert(board.words[0] != 0);
	hold_end(&hold);
	board_close(&board);
}

/**
 * struct victim - a process to be killed while its work waits
 * @board: the board of the process that kills it
 * @in: the fence that its work waits for
 * @out: a pipe, by which it reports that the work was submitted
 * @sync: a syncobj of @board that receives its out-fence
 */
struct victim {
	struct board *board;
	int in;
	int out[2];
	uint32_t sync;
};

static void submit_on_a_file_of_its_own(void *arg)
{
	struct victim *victim = arg;
	struct board other = board_open();
	char byte = 0;
	int fence;

	fence = write_on_ring(&other, 1, victim->in, 5);
	vgpu_sys(drmSyncobjImportSyncFile(victim->board->client.fd, victim->sync, fence));
	vgpu_assert_eq(write(victim->out[1], &byte, 1), 1);
	pause();
}

/* The out-fence of a killed client still ends, but not before its dependency does. */
static void fence_of_a_killed_client_ends_after_its_dependency(void)
{
	struct board board = board_open();
	struct vgpu_manual manual = vgpu_manual_new();
	struct victim victim = {
		.board = &board,
		.in = manual.sync_file,
		.sync = vgpu_new_syncobj(board.client.fd, false),
	};
	int pid, fence;
	char byte;

	vgpu_sys(pipe(victim.out));
	pid = vgpu_fork(submit_on_a_file_of_its_own, &victim);
	vgpu_assert_eq(read(victim.out[0], &byte, 1), 1);
	vgpu_sys(drmSyncobjExportSyncFile(board.client.fd, victim.sync, &fence));
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_assert(!vgpu_fence_poll(fence, 200));
	vgpu_manual_signal(&manual);
	vgpu_assert(vgpu_fence_poll(fence, 5000));
	vgpu_assert_eq(vgpu_fence_status(fence), -ECANCELED);

	close(fence);
	close(victim.out[0]);
	close(victim.out[1]);
	vgpu_manual_close(&manual);
	board_close(&board);
}

/* Get the ids of the contexts that are live, one bit each. */
static uint64_t live_contexts(void)
{
	char *text = vgpu_kernel_debugfs("virtio-gpu-contexts"), *save, *line;
	uint64_t ids = 0;
	unsigned int id;

	vgpu_require(text, "the driver lists no contexts");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, " context %u: live", &id) == 1 && strstr(line, ": live") && id < 64)
			ids |= UINT64_C(1) << id;
	free(text);
	return ids;
}

/*
 * The host answers CTX_DESTROY of a killed client long before the work of the client is cancelled.
 * Then the context is freed without the help of another client that closes its file: a new context
 * gets the smallest id that is free, which is that of the killed client.
 */
static void context_of_a_killed_client_is_freed(void)
{
	struct board board = board_open(), other;
	struct vgpu_manual manual = vgpu_manual_new();
	struct victim victim = {
		.board = &board,
		.in = manual.sync_file,
		.sync = vgpu_new_syncobj(board.client.fd, false),
	};
	uint64_t before = live_contexts(), id;
	char byte;
	int pid;

	vgpu_sys(pipe(victim.out));
	pid = vgpu_fork(submit_on_a_file_of_its_own, &victim);
	vgpu_assert_eq(read(victim.out[0], &byte, 1), 1);
	id = live_contexts() & ~before;
	vgpu_assert(id);
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	/* Fences of a destroyed context end after 5 s at most. */
	sleep(7);
	vgpu_manual_signal(&manual);
	sleep(3);

	other = board_open();
	vgpu_assert_eq(live_contexts() & ~before, id);
	board_close(&other);
	close(victim.out[0]);
	close(victim.out[1]);
	vgpu_manual_close(&manual);
	board_close(&board);
}

/*
 * Hosts drop a pending POLL when the context is destroyed; its fence must end all the same (6.7).
 */
static void fence_the_host_keeps_ends_after_the_context(void)
{
	struct vgpu_client client = vgpu_client_open_rings(2, 0);
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.ring_idx = 1,
	};

	vgpu_ok(vgpu_submit_kept(&client, &exec, vgpu_token()));
	vgpu_client_close(&client);
	vgpu_assert(!vgpu_fence_poll(exec.fence_fd, 4000));
	vgpu_assert(vgpu_fence_poll(exec.fence_fd, 4000));
	vgpu_assert_eq(vgpu_fence_status(exec.fence_fd), -ECANCELED);
	close(exec.fence_fd);
}

/* How long work of a client that exited waits for its own other work, and less than that. */
#define KEPT_LIMIT_S 300
#define LONG_WORK_S 60

/* Submit work on ring 0 that waits for a command of ring 1, which the host keeps. */
static int submit_behind_a_kept_command(const struct vgpu_client *client)
{
	struct drm_virtgpu_execbuffer kept = {
		.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.ring_idx = 1,
	}, exec = { .flags = VIRTGPU_EXECBUF_FENCE_FD_IN | VIRTGPU_EXECBUF_FENCE_FD_OUT };

	vgpu_ok(vgpu_submit_kept(client, &kept, vgpu_token()));
	exec.fence_fd = kept.fence_fd;
	vgpu_ok(vgpu_submit(client, &exec));
	close(kept.fence_fd);
	return exec.fence_fd;
}

/*
 * A client exits while its work waits for work of its own that the host keeps: the POLL of a proxy,
 * or a ring that the host never answers, as QEMU does not answer those of virgl. But what waits for
 * long work begins after it, so the driver gives it minutes.
 */
static void work_behind_a_kept_fence_ends_after_the_file(void)
{
	int fences[2];

	for (int i = 0; i < 2; i++) {
		struct vgpu_client client = vgpu_client_open_rings(2, i << 1);

		fences[i] = submit_behind_a_kept_command(&client);
		vgpu_client_close(&client);
	}
	sleep(LONG_WORK_S);
	for (int i = 0; i < 2; i++)
		vgpu_assert(!vgpu_fence_poll(fences[i], 0));
	for (int i = 0; i < 2; i++) {
		vgpu_assert(vgpu_fence_poll(fences[i], (KEPT_LIMIT_S - LONG_WORK_S + 10) * 1000));
		close(fences[i]);
	}
}

static void submit_behind_a_kept_command_and_wait(void *arg)
{
	struct vgpu_client client = vgpu_client_open_rings(2, 0);
	struct victim *victim = arg;
	int fence = submit_behind_a_kept_command(&client);
	char byte = 0;

	vgpu_sys(drmSyncobjImportSyncFile(victim->board->client.fd, victim->sync, fence));
	vgpu_assert_eq(write(victim->out[1], &byte, 1), 1);
	pause();
}

/* A client is killed while its work waits for work of its own that the host has dropped. */
static void work_behind_a_kept_fence_of_a_killed_client_ends(void)
{
	struct board board = board_open();
	struct victim victim = {
		.board = &board,
		.sync = vgpu_new_syncobj(board.client.fd, false),
	};
	int pid, fence;
	char byte;

	vgpu_sys(pipe(victim.out));
	pid = vgpu_fork(submit_behind_a_kept_command_and_wait, &victim);
	vgpu_assert_eq(read(victim.out[0], &byte, 1), 1);
	vgpu_sys(drmSyncobjExportSyncFile(board.client.fd, victim.sync, &fence));
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_assert(vgpu_fence_poll(fence, 15000));
	vgpu_assert_eq(vgpu_fence_status(fence), -ECANCELED);

	close(fence);
	close(victim.out[0]);
	close(victim.out[1]);
	board_close(&board);
}

/* vdrm, and rule 6.3: one submission waits for, resets and signals the same binary syncobj. */
static void reset_and_signal_of_one_syncobj(void)
{
	struct board board = board_open();
	const int fd = board.client.fd;
	uint32_t handle = vgpu_new_syncobj(fd, true);
	const struct drm_virtgpu_execbuffer_syncobj in = {
		.handle = handle,
		.flags = VIRTGPU_EXECBUF_SYNCOBJ_RESET,
	}, out = { .handle = handle };
	struct drm_virtgpu_execbuffer exec = {
		.syncobj_stride = sizeof(in),
		.in_syncobjs = (uintptr_t)&in,
		.num_in_syncobjs = 1,
		.out_syncobjs = (uintptr_t)&out,
		.num_out_syncobjs = 1,
	};

	for (uint32_t i = 1; i < 10; i++) {
		vgpu_ok(write_with(&board, &exec, i));
		vgpu_sys(drmSyncobjWait(fd, &handle, 1, INT64_MAX, 0, NULL));
		vgpu_assert_eq(board.words[0], i);
	}

	board_close(&board);
}

#define BLOB_ID 5
#define ALLOC_WORDS 5
#define COPY_WORDS 9

/* Get the arguments of a blob whose memory a stream makes. */
static struct drm_virtgpu_resource_create_blob waiting_blob_args(void)
{
	static uint32_t alloc_stream[ALLOC_WORDS] = {
		TOY3D_HDR(TOY3D_OP_ALLOC, 4), BLOB_ID,
	};

	alloc_stream[3] = VGPU_PAGE;
	return (struct drm_virtgpu_resource_create_blob){
		.blob_mem = VIRTGPU_BLOB_MEM_HOST3D,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE,
		.size = VGPU_PAGE,
		.cmd = (uintptr_t)alloc_stream,
		.cmd_size = sizeof(alloc_stream),
		.blob_id = BLOB_ID,
	};
}

/* Store @value in the blob @res, and copy it from there to the board; returns the fence. */
static int write_through(const struct board *board, uint32_t res, uint32_t value)
{
	uint32_t stream[FILL_WORDS + COPY_WORDS] = { };
	const uint32_t copy[COPY_WORDS] = {
		TOY3D_HDR(TOY3D_OP_COPY, 8), res, 0, 0, board->res, 0, 0, 4, 0,
	};
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.command = (uintptr_t)stream,
		.size = sizeof(stream),
	};

	make_fill(stream, res, 0, value);
	memcpy(stream + FILL_WORDS, copy, sizeof(copy));
	vgpu_ok(vgpu_execbuffer(board->client.fd, &exec));
	return exec.fence_fd;
}

/*
 * vdrm and Venus create blobs under the lock of their submissions: while earlier work waits, the
 * ioctl returns, and the blob comes in its turn, before the work that uses it.
 */
static void creating_a_blob_does_not_wait(void)
{
	struct drm_virtgpu_resource_create_blob blob = waiting_blob_args();
	struct board board = board_open();
	struct hold hold;
	int held, fence;

	hold_begin(&hold, false);
	held = write_on_ring(&board, 1, hold.manual.sync_file, 1);
	vgpu_ok(vgpu_blob_create(board.client.fd, &blob));
	vgpu_assert(hold_is_on(&hold));
	fence = write_through(&board, blob.res_handle, 7);
	vgpu_assert(hold_is_on(&hold));
	vgpu_assert_eq(vgpu_wait(board.client.fd, blob.bo_handle, VIRTGPU_WAIT_NOWAIT), -EBUSY);
	vgpu_ok(vgpu_wait(board.client.fd, blob.bo_handle, 0));
	vgpu_assert(!hold_is_on(&hold));
	wait_and_close(fence);
	wait_and_close(held);
	vgpu_assert_eq(board.words[0], 7);

	hold_end(&hold);
	board_close(&board);
}

/* Mesa learns from WAIT and MAP that the host refused a blob, also if its creation waited. */
static void wait_tells_that_a_waiting_blob_was_refused(void)
{
	struct drm_virtgpu_resource_create_blob blob = waiting_blob_args();
	struct board board = board_open();
	struct hold hold;

	blob.blob_id = BLOB_ID + 1;
	hold_begin(&hold, false);
	close(write_on_ring(&board, 1, hold.manual.sync_file, 1));
	vgpu_ok(vgpu_blob_create(board.client.fd, &blob));
	vgpu_assert_eq(vgpu_wait(board.client.fd, blob.bo_handle, 0), -EIO);
	vgpu_ok(vgpu_gem_close(board.client.fd, blob.bo_handle));
	hold_end(&hold);
	board_close(&board);
}

/* Venus maps a blob as soon as it is created, so MAP waits in its place. */
static void map_of_a_waiting_blob_waits(void)
{
	struct drm_virtgpu_resource_create_blob blob = waiting_blob_args();
	struct board board = board_open();
	struct hold hold;
	uint32_t *map;

	vgpu_require(vgpu_has_host_visible(board.client.fd), "no host-visible memory");
	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_MAPPABLE;
	hold_begin(&hold, false);
	close(write_on_ring(&board, 1, hold.manual.sync_file, 1));
	vgpu_ok(vgpu_blob_create(board.client.fd, &blob));
	map = vgpu_new_map(board.client.fd, blob.bo_handle, VGPU_PAGE);
	vgpu_assert(!hold_is_on(&hold));
	wait_and_close(write_through(&board, blob.res_handle, 7));
	vgpu_assert_eq(map[0], 7);

	munmap(map, VGPU_PAGE);
	hold_end(&hold);
	board_close(&board);
}

/* A client that exports a blob pays for the wait itself: who imports it may use it at once. */
static void export_of_a_waiting_blob_waits(void)
{
	struct drm_virtgpu_resource_create_blob blob = waiting_blob_args();
	struct board board = board_open(), other = board_open();
	struct hold hold;
	uint32_t handle;
	int dmabuf;

	hold_begin(&hold, false);
	close(write_on_ring(&board, 1, hold.manual.sync_file, 1));
	vgpu_ok(vgpu_blob_create(board.client.fd, &blob));
	vgpu_ok(vgpu_prime_export(board.client.fd, blob.bo_handle, &dmabuf));
	vgpu_assert(!hold_is_on(&hold));
	vgpu_ok(vgpu_prime_import(other.client.fd, dmabuf, &handle));
	wait_and_close(write_through(&other, blob.res_handle, 7));
	vgpu_assert_eq(other.words[0], 7);

	close(dmabuf);
	hold_end(&hold);
	board_close(&other);
	board_close(&board);
}

/* Work behind the blob is done, though its handle and the file are closed while it waits. */
static void waiting_blob_outlives_its_handle(void)
{
	struct drm_virtgpu_resource_create_blob blob = waiting_blob_args();
	struct board board = board_open(), other = board_open_beside(&board);
	struct hold hold;
	int fence;

	hold_begin(&hold, false);
	close(write_on_ring(&other, 1, hold.manual.sync_file, 1));
	vgpu_ok(vgpu_blob_create(other.client.fd, &blob));
	fence = write_through(&other, blob.res_handle, 7);
	vgpu_ok(vgpu_gem_close(other.client.fd, blob.bo_handle));
	board_close(&other);
	wait_and_close(fence);
	vgpu_assert_eq(board.words[0], 7);
	hold_end(&hold);
	board_close(&board);
}

/* Submit work that waits, create a blob behind it, and wait for the blob in an ioctl. */
static void wait_for_a_blob(void *arg)
{
	struct drm_virtgpu_resource_create_blob blob = waiting_blob_args();
	const struct victim *victim = arg;
	struct board other = board_open();
	int dmabuf;

	write_on_ring(&other, 1, victim->in, 5);
	vgpu_ok(vgpu_blob_create(other.client.fd, &blob));
	vgpu_assert_eq(write(victim->out[1], "", 1), 1);
	vgpu_prime_export(other.client.fd, blob.bo_handle, &dmabuf);
}

/* The wait for a blob whose turn never comes ends with SIGKILL, and harms no other client. */
static void wait_for_a_waiting_blob_is_killable(void)
{
	struct board board = board_open();
	struct vgpu_manual manual = vgpu_manual_new();
	struct victim victim = { .board = &board, .in = manual.sync_file };
	char byte;
	int pid;

	vgpu_sys(pipe(victim.out));
	pid = vgpu_fork(wait_for_a_blob, &victim);
	vgpu_assert_eq(read(victim.out[0], &byte, 1), 1);
	usleep(100000);
	vgpu_sys(kill(pid, SIGKILL));
	vgpu_join_signalled(pid, SIGKILL);
	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	wait_and_close(write_on_ring(&board, 1, -1, 2));

	close(victim.out[0]);
	close(victim.out[1]);
	vgpu_manual_close(&manual);
	board_close(&board);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "5.8-stream-behind-a-failed-fence-is-executed",
	  .run = stream_behind_a_failed_fence_is_executed },
	{ .name = "5.8-stream-is-executed-when-its-fence-fails",
	  .run = stream_is_executed_when_its_fence_fails },
	{ .name = "5.8-stream-behind-a-failed-syncobj-is-executed",
	  .run = stream_behind_a_failed_syncobj_is_executed },
	{ .name = "2.10-other-rings-do-not-overtake", .run = other_rings_do_not_overtake },
	{ .name = "2.10-work-without-a-ring-does-not-overtake",
	  .run = work_without_a_ring_does_not_overtake },
	{ .name = "2.10-streams-of-blobs-do-not-overtake",
	  .run = streams_of_blobs_do_not_overtake },
	{ .name = "2.10-creating-a-blob-does-not-wait", .run = creating_a_blob_does_not_wait },
	{ .name = "2.10-wait-tells-that-a-waiting-blob-was-refused",
	  .run = wait_tells_that_a_waiting_blob_was_refused },
	{ .name = "2.10-map-of-a-waiting-blob-waits", .run = map_of_a_waiting_blob_waits },
	{ .name = "2.10-export-of-a-waiting-blob-waits", .run = export_of_a_waiting_blob_waits },
	{ .name = "2.10-waiting-blob-outlives-its-handle",
	  .run = waiting_blob_outlives_its_handle },
	{ .name = "2.10-wait-for-a-waiting-blob-is-killable",
	  .run = wait_for_a_waiting_blob_is_killable },
	{ .name = "5.9-earlier-work-of-other-rings-is-not-held",
	  .run = earlier_work_of_other_rings_is_not_held },
	{ .name = "4.5-transfers-do-not-overtake", .run = transfers_do_not_overtake },
	{ .name = "5.13-creation-and-closing-do-not-wait",
	  .run = creation_and_closing_do_not_wait },
	{ .name = "6.7-work-of-a-closed-file-is-done", .run = work_of_a_closed_file_is_done },
	{ .name = "6.7-work-of-a-survivor-is-done", .run = work_of_a_survivor_is_done },
	{ .name = "6.7-context-of-a-killed-client-is-freed",
	  .run = context_of_a_killed_client_is_freed },
	{ .name = "6.7-fence-of-a-killed-client-ends-after-its-dependency",
	  .run = fence_of_a_killed_client_ends_after_its_dependency },
	{ .name = "2.9-fence-the-host-keeps-ends-after-the-context",
	  .run = fence_the_host_keeps_ends_after_the_context },
	{ .name = "2.9-work-behind-a-kept-fence-ends-after-the-file",
	  .run = work_behind_a_kept_fence_ends_after_the_file,
	  .timeout_s = KEPT_LIMIT_S + 60 },
	{ .name = "2.9-work-behind-a-kept-fence-of-a-killed-client-ends",
	  .run = work_behind_a_kept_fence_of_a_killed_client_ends },
	{ .name = "6.2-reset-and-signal-of-one-syncobj", .run = reset_and_signal_of_one_syncobj },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_order",
		.about = "the order of the work of a client, and the fate of work that waits",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
