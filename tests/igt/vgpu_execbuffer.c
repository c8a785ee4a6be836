// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_EXECBUFFER: commands, flags and buffer lists */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "toy3d.h"
#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static int submit_size(const struct vgpu_client *client, size_t size)
{
	void *stream = vgpu_stream_new(client, size);
	struct drm_virtgpu_execbuffer exec = {
		.command = (uintptr_t)stream,
		.size = (uint32_t)size,
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
	};
	int ret = vgpu_execbuffer(client->fd, &exec);

	if (!ret)
		close(exec.fence_fd);
	free(stream);
	return ret;
}

static void sizes_up_to_1_mib(void)
{
	static const uint32_t sizes[] = {
		4, 8, 12, 4092, 4096, 4100, 64 * KIB, 64 * KIB + 4, 256 * KIB,
		MIB - 4, MIB,
	};
	struct vgpu_client client = vgpu_client_open();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		vgpu_info("%u bytes", sizes[i]);
		vgpu_ok(submit_size(&client, sizes[i]));
	}
	vgpu_client_close(&client);
}

/* An empty stream runs nothing, but its fence still marks a point in the order. */
static void size_zero(void)
{
	struct vgpu_client client = vgpu_client_open();

	vgpu_ok(submit_size(&client, 0));
	vgpu_client_close(&client);
}

/* The host counts in 32-bit words. The kernel's own driver silently drops the remainder. */
static void odd_sizes_do_no_harm(void)
{
	static const uint32_t sizes[] = { 1, 2, 3, 5, 7, 4097, 65537 };
	struct vgpu_client client = vgpu_client_open();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		vgpu_ret(submit_size(&client, sizes[i]), 0, -EINVAL);
	vgpu_client_close(&client);
}

/*
 * Contract 5.2: sommelier, wayland-proxy and muvm send as many bytes as a pipe gave. The host gets
 * each of them, in a stream beside the request and in one of its own.
 */
static void odd_sizes_arrive_whole(void)
{
	enum { HEAD = 4 * sizeof(uint32_t) };
	static const uint32_t sizes[] = { 1, 2, 3, 5, 7, 33, 255, 4097, 65537 };
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(128 * KIB);
	uint8_t *map, *stream = malloc(128 * KIB);

	vgpu_require(vgpu_has_capset(client.fd, TOY3D_CAPSET_ID), "not our own host");
	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	vgpu_assert(stream);
	vgpu_ok(vgpu_blob_create(client.fd, &blob));
	map = vgpu_new_map(client.fd, blob.bo_handle, blob.size);
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint32_t head[] = { TOY3D_HDR(TOY3D_OP_TAIL, 3), blob.res_handle, 0, 0 };
		struct drm_virtgpu_execbuffer exec = {
			.command = (uintptr_t)stream,
			.size = HEAD + sizes[i],
			.bo_handles = (uintptr_t)&blob.bo_handle,
			.num_bo_handles = 1,
		};

		memcpy(stream, head, HEAD);
		vgpu_fill(stream + HEAD, sizes[i], i);
		memset(map, 0, blob.size);
		vgpu_ok(vgpu_execbuffer(client.fd, &exec));
		vgpu_ok(vgpu_wait(client.fd, blob.bo_handle, 0));
		vgpu_assert_eq(vgpu_differs(map, sizes[i], i), -1);
		vgpu_assert_eq(map[sizes[i]], 0);
	}

	free(stream);
	munmap(map, blob.size);
	vgpu_client_close(&client);
}

/*
 * The driver sends the stream, or refuses it with an errno that means "too large"; in both cases
 * the device keeps working. The kernel's own driver sends one scatter entry a page, which stops the
 * device of QEMU for all clients (faults.rst, 3).
 */
static void check_large(size_t size)
{
	struct vgpu_client client = vgpu_client_open();
	int ret = submit_size(&client, size);

	vgpu_info("%zu MiB: %s", size / MIB, ret ? strerrorname_np(-ret) : "ok");
	vgpu_ret(ret, 0, -E2BIG, -EINVAL, -ENOMEM);
	vgpu_ok(submit_size(&client, 4 * KIB));
	vgpu_client_close(&client);
}

static void size_2_mib(void)
{
	check_large(2 * MIB);
}

static void size_4_mib(void)
{
	check_large(4 * MIB);
}

static void size_8_mib(void)
{
	check_large(8 * MIB);
}

static void size_64_mib(void)
{
	check_large(64 * MIB);
}

/*
 * No stream is that large: the driver refuses it, and the allocator must not warn (faults.rst, 5).
 */
static void absurd_sizes_are_refused(void)
{
	static const uint32_t sizes[] = {
		0x7ffff000, 0x7ffffffc, 0x80000000, 0x80001000, 0xfffff000,
		0xfffffffc,
	};
	struct vgpu_client client = vgpu_client_open();
	uint32_t word = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_virtgpu_execbuffer exec = {
			.command = (uintptr_t)&word,
			.size = sizes[i],
		};

		vgpu_ret(vgpu_execbuffer(client.fd, &exec), -E2BIG, -EINVAL,
			 -ENOMEM, -EFAULT);
	}
	vgpu_client_close(&client);
}

static void bad_command_pointer_is_efault(void)
{
	struct vgpu_client client = vgpu_client_open();
	void *end = vgpu_new_guarded(8);

	vgpu_stream_nop(&client, end, 8);
	for (size_t i = 0; i < vgpu_nbad_pointers; i++) {
		struct drm_virtgpu_execbuffer exec = {
			.command = vgpu_bad_pointers[i],
			.size = 64,
		};

		vgpu_ret(vgpu_execbuffer(client.fd, &exec), -EFAULT);
	}

	struct drm_virtgpu_execbuffer exec = {
		.command = (uintptr_t)end,
		.size = 16,
	};
	vgpu_ret(vgpu_execbuffer(client.fd, &exec), -EFAULT);
	exec.size = 8;
	vgpu_ok(vgpu_execbuffer(client.fd, &exec));
	vgpu_ret(vgpu_ioctl(client.fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, NULL),
		 -EFAULT);
	vgpu_free_guarded(end, 8);
	vgpu_client_close(&client);
}

static void unknown_flags_are_einval(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (int bit = 3; bit < 32; bit++) {
		struct drm_virtgpu_execbuffer exec = { .flags = 1u << bit };

		vgpu_ret(vgpu_submit(&client, &exec), -EINVAL);
	}
	vgpu_client_close(&client);
}

static void ring_without_rings_is_einval(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (uint32_t ring = 0; ring < 3; ring++) {
		struct drm_virtgpu_execbuffer exec = {
			.flags = VIRTGPU_EXECBUF_RING_IDX,
			.ring_idx = ring,
		};

		vgpu_ret(vgpu_submit(&client, &exec), -EINVAL);
	}
	vgpu_client_close(&client);
}

static void without_3d_is_enosys(void)
{
	int fd = vgpu_open_render();
	uint32_t word = 0;
	struct drm_virtgpu_execbuffer exec = {
		.command = (uintptr_t)&word,
		.size = 4,
	};

	vgpu_require(!vgpu_has_3d(fd), "the device has 3D");
	vgpu_ret(vgpu_execbuffer(fd, &exec), -ENOSYS);
	close(fd);
}

static uint32_t *new_pictures(const struct vgpu_client *client, uint32_t count)
{
	uint32_t *handles = calloc(count, sizeof(*handles));

	for (uint32_t i = 0; i < count; i++)
		handles[i] = vgpu_new_picture(client->fd, 16, 16);
	return handles;
}

static void check_list(uint32_t count)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t *handles = new_pictures(&client, count);
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)handles,
		.num_bo_handles = count,
	};

	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_ok(vgpu_submit(&client, &exec));
	for (uint32_t i = 0; i < count; i++)
		vgpu_ok(vgpu_wait(client.fd, handles[i], 0));
	free(handles);
	vgpu_client_close(&client);
}

/*
 * A client may build a stream and the arguments in a mapped buffer, even in one that the call names.
 * So the driver must not read them while it holds the reservation, which a page fault takes.
 */
static void arguments_in_a_named_buffer(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(client.fd, VGPU_PAGE / 4, 4);
	char *map = vgpu_new_map(client.fd, handle, 4 * VGPU_PAGE);
	/* The list and the stream cross the ends of pages, and each begins where no fault was yet. */
	uint32_t *list = (uint32_t *)(map + 2 * VGPU_PAGE - 4), *stream;
	struct drm_virtgpu_execbuffer *exec;

	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	stream = (uint32_t *)(map + 3 * VGPU_PAGE - 4);
	exec = (struct drm_virtgpu_execbuffer *)(map + VGPU_PAGE - 16);
	vgpu_stream_nop(&client, stream, 8);
	memset(exec, 0, sizeof(*exec));
	*list = handle;
	exec->bo_handles = (uintptr_t)list;
	exec->num_bo_handles = 1;
	exec->command = (uintptr_t)stream;
	exec->size = 8;
	exec->flags = VIRTGPU_EXECBUF_FENCE_FD_OUT;

	/* Without its page tables, each access to the mapping is a page fault. */
	vgpu_sys(mprotect(map, 4 * VGPU_PAGE, PROT_NONE));
	vgpu_sys(mprotect(map, 4 * VGPU_PAGE, PROT_READ | PROT_WRITE));
	vgpu_ok(vgpu_execbuffer(client.fd, exec));
	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	close(exec->fence_fd);
	munmap(map, 4 * VGPU_PAGE);
	vgpu_client_close(&client);
}

static void list_of_one(void)
{
	check_list(1);
}

static void list_of_64(void)
{
	check_list(64);
}

static void list_of_4000(void)
{
	check_list(4000);
}

/* With a count of 0 the driver must not read the pointer. */
static void list_of_none(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_execbuffer exec = { .bo_handles = 8 };

	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_client_close(&client);
}

/* Contract 3.15: a buffer may occur twice in the list. */
static void list_with_a_duplicate(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t a = vgpu_new_picture(client.fd, 16, 16);
	uint32_t b = vgpu_new_picture(client.fd, 16, 16);
	uint32_t handles[] = { a, b, a };
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)handles,
		.num_bo_handles = ARRAY_SIZE(handles),
	};
	int ret = vgpu_submit(&client, &exec);

	vgpu_ret(ret, 0, -EINVAL, -EALREADY);
	vgpu_ok(vgpu_wait(client.fd, a, 0));
	vgpu_ok(vgpu_wait(client.fd, b, 0));
	exec.num_bo_handles = 2;
	vgpu_ok(vgpu_submit(&client, &exec));
	vgpu_client_close(&client);
}

static void bad_handle_in_the_list_is_enoent(void)
{
	static const uint32_t bad[] = { 0, 1000000, UINT32_MAX };
	struct vgpu_client client = vgpu_client_open();
	uint32_t good = vgpu_new_picture(client.fd, 16, 16);

	vgpu_ok(vgpu_wait(client.fd, good, 0));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t handles[] = { good, bad[i], good };
		struct drm_virtgpu_execbuffer exec = {
			.bo_handles = (uintptr_t)handles,
			.num_bo_handles = ARRAY_SIZE(handles),
		};

		vgpu_ret(vgpu_submit(&client, &exec), -ENOENT);
		vgpu_ok(vgpu_wait(client.fd, good, VIRTGPU_WAIT_NOWAIT));
	}
	vgpu_client_close(&client);
}

static void bad_list_pointer_is_efault(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (size_t i = 0; i < vgpu_nbad_pointers; i++) {
		struct drm_virtgpu_execbuffer exec = {
			.bo_handles = vgpu_bad_pointers[i],
			.num_bo_handles = 4,
		};

		vgpu_ret(vgpu_submit(&client, &exec), -EFAULT);
	}
	vgpu_client_close(&client);
}

/* No process has that many handles. The allocator must not warn about the count (faults.rst, 5). */
static void absurd_list_counts_are_refused(void)
{
	static const uint32_t counts[] = {
		0x1fffffff, 0x20000000, 0x40000000, 0x7fffffff, 0x80000000,
		UINT32_MAX,
	};
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(client.fd, 16, 16);

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct drm_virtgpu_execbuffer exec = {
			.bo_handles = (uintptr_t)&handle,
			.num_bo_handles = counts[i],
		};

		vgpu_ret(vgpu_submit(&client, &exec), -E2BIG, -EINVAL, -ENOMEM,
			 -EFAULT);
	}
	vgpu_client_close(&client);
}

static void buffer_closed_at_once(void)
{
	struct vgpu_client client = vgpu_client_open();

	for (int i = 0; i < 300; i++) {
		uint32_t handle = vgpu_new_picture(client.fd, 64, 64);

		vgpu_ok(vgpu_submit_bo(&client, handle));
		vgpu_ok(vgpu_gem_close(client.fd, handle));
	}
	vgpu_client_close(&client);
}

static void file_closed_at_once(void)
{
	for (int i = 0; i < 50; i++) {
		struct vgpu_client client = vgpu_client_open();
		uint32_t handle = vgpu_new_picture(client.fd, 64, 64);

		for (int j = 0; j < 20; j++)
			vgpu_ok(vgpu_submit_bo(&client, handle));
		vgpu_client_close(&client);
	}
}

static void flood(void *arg)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(client.fd, 64, 64);

	(void)arg;
	for (int i = 0; i < 1000; i++)
		vgpu_ok(vgpu_submit_bo(&client, handle));
	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	vgpu_client_close(&client);
}

static void clients_at_once(void)
{
	struct vgpu_client client = vgpu_client_open();
	int pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(flood, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		vgpu_join(pids[i]);
	vgpu_client_close(&client);
}

/* Commands that the host refuses may break the context that sent them, but no other. */
static void garbage_harms_only_its_sender(void)
{
	struct vgpu_client bad = vgpu_client_open(), good = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(good.fd, 16, 16);
	uint8_t *garbage = malloc(4096);

	for (uint32_t seed = 0; seed < 20; seed++) {
		struct drm_virtgpu_execbuffer exec = {
			.command = (uintptr_t)garbage,
			.size = 4096,
		};

		vgpu_fill(garbage, 4096, seed);
		vgpu_ret(vgpu_execbuffer(bad.fd, &exec), 0, -EIO, -EINVAL);
		vgpu_ok(vgpu_submit_bo(&good, handle));
		vgpu_ok(vgpu_wait(good.fd, handle, 0));
	}

	free(garbage);
	vgpu_client_close(&good);
	vgpu_client_close(&bad);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "sizes-up-to-1-mib", .run = sizes_up_to_1_mib },
	{ .name = "size-zero", .run = size_zero },
	{ .name = "odd-sizes-do-no-harm", .run = odd_sizes_do_no_harm },
	{ .name = "odd-sizes-arrive-whole", .run = odd_sizes_arrive_whole },
	{ .name = "absurd-sizes-are-refused", .run = absurd_sizes_are_refused },
	{ .name = "bad-command-pointer-is-efault",
	  .run = bad_command_pointer_is_efault },
	{ .name = "unknown-flags-are-einval", .run = unknown_flags_are_einval },
	{ .name = "ring-without-rings-is-einval",
	  .run = ring_without_rings_is_einval },
	{ .name = "without-3d-is-enosys", .run = without_3d_is_enosys },
	{ .name = "list-of-none", .run = list_of_none },
	{ .name = "list-of-one", .run = list_of_one },
	{ .name = "arguments-in-a-named-buffer", .run = arguments_in_a_named_buffer },
	{ .name = "list-of-64", .run = list_of_64 },
	{ .name = "list-of-4000", .run = list_of_4000 },
	{ .name = "list-with-a-duplicate", .run = list_with_a_duplicate },
	{ .name = "bad-handle-in-the-list-is-enoent",
	  .run = bad_handle_in_the_list_is_enoent },
	{ .name = "bad-list-pointer-is-efault", .run = bad_list_pointer_is_efault },
	{ .name = "absurd-list-counts-are-refused",
	  .run = absurd_list_counts_are_refused },
	{ .name = "buffer-closed-at-once", .run = buffer_closed_at_once },
	{ .name = "file-closed-at-once", .run = file_closed_at_once },
	{ .name = "clients-at-once", .run = clients_at_once },
	{ .name = "garbage-harms-only-its-sender",
	  .run = garbage_harms_only_its_sender },
	{ .name = "size-2-mib", .run = size_2_mib },
	{ .name = "size-4-mib", .run = size_4_mib },
	{ .name = "size-8-mib", .run = size_8_mib },
	{ .name = "size-64-mib", .run = size_64_mib },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_execbuffer",
		.about = "submission: commands, flags and buffer lists",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
