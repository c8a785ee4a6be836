// SPDX-License-Identifier: MIT
/* PRIME: export, import of own and of foreign buffers, mmap of a dma-buf */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 64u
#define SIZE (SIDE * SIDE * 4)

static int export_picture(int fd, uint32_t *handle)
{
	int dmabuf;

	*handle = vgpu_new_picture(fd, SIDE, SIDE);
	vgpu_ok(vgpu_prime_export(fd, *handle, &dmabuf));
	return dmabuf;
}

static void *map_dmabuf(int dmabuf, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf,
			 0);

	vgpu_assert(map != MAP_FAILED);
	return map;
}

static void cpu_access(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW | flags };

	vgpu_ok(vgpu_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
}

static void own_import_gives_the_same_handle(void)
{
	int fd = vgpu_open_render();
	uint32_t handle, again;
	int dmabuf = export_picture(fd, &handle);

	vgpu_ok(vgpu_prime_import(fd, dmabuf, &again));
	vgpu_assert_eq(again, handle);
	close(dmabuf);
	close(fd);
}

static void two_exports_are_one_buffer(void)
{
	int fd = vgpu_open_render();
	uint32_t handle;
	int a = export_picture(fd, &handle), b;
	uint32_t via_a, via_b;

	vgpu_ok(vgpu_prime_export(fd, handle, &b));
	vgpu_ok(vgpu_prime_import(fd, a, &via_a));
	vgpu_ok(vgpu_prime_import(fd, b, &via_b));
	vgpu_assert_eq(via_a, via_b);
	close(b);
	close(a);
	close(fd);
}

static void other_client_shares_memory(void)
{
	int a = vgpu_open_render(), b = vgpu_open_card();
	uint32_t handle_a, handle_b;
	int dmabuf = export_picture(a, &handle_a);
	void *map_a, *map_b;

	vgpu_ok(vgpu_prime_import(b, dmabuf, &handle_b));
	close(dmabuf);
	map_a = vgpu_new_map(a, handle_a, SIZE);
	map_b = vgpu_new_map(b, handle_b, SIZE);
	vgpu_fill(map_a, SIZE, 1);
	vgpu_assert_eq(vgpu_differs(map_b, SIZE, 1), -1);
	/* Close the exporter: the reference of the importer keeps the buffer. */
	munmap(map_a, SIZE);
	close(a);
	vgpu_assert_eq(vgpu_differs(map_b, SIZE, 1), -1);
	munmap(map_b, SIZE);
	close(b);
}

static void dmabuf_outlives_its_exporter(void)
{
	int fd = vgpu_open_render();
	uint32_t handle;
	int dmabuf = export_picture(fd, &handle);
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, 2);
	munmap(map, SIZE);
	close(fd);

	fd = vgpu_open_render();
	vgpu_ok(vgpu_prime_import(fd, dmabuf, &handle));
	map = vgpu_new_map(fd, handle, SIZE);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 2), -1);
	munmap(map, SIZE);
	close(dmabuf);
	close(fd);
}

static void mapped_by_the_cpu(void)
{
	int fd = vgpu_open_render();
	uint32_t handle;
	int dmabuf = export_picture(fd, &handle);
	void *direct = vgpu_new_map(fd, handle, SIZE);
	void *map = map_dmabuf(dmabuf, SIZE);

	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	vgpu_fill(map, SIZE, 3);
	cpu_access(dmabuf, DMA_BUF_SYNC_END);
	vgpu_assert_eq(vgpu_differs(direct, SIZE, 3), -1);
	vgpu_fill(direct, SIZE, 4);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 4), -1);
	munmap(map, SIZE);
	munmap(direct, SIZE);
	close(dmabuf);
	close(fd);
}

static void check_mapped_from_the_middle(int fd, uint32_t handle)
{
	uint8_t *whole = vgpu_new_map(fd, handle, SIZE), *part;
	int dmabuf;

	vgpu_fill(whole, SIZE, 6);
	vgpu_ok(vgpu_prime_export(fd, handle, &dmabuf));
	for (size_t start = 0; start < SIZE; start += VGPU_PAGE) {
		size_t size = SIZE - start;

		part = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, (off_t)start);
		vgpu_assert(part != MAP_FAILED);
		vgpu_assert(!memcmp(part, whole + start, size));
		part[1] = (uint8_t)~part[1];
		vgpu_assert_eq(whole[start + 1], part[1]);
		munmap(part, size);
	}
	close(dmabuf);
	munmap(whole, SIZE);
}

/*
 * Contract 8.5: Mesa (planes of one buffer), Wayland proxies (pools of wl_shm) and pipewire map a
 * dma-buf from the middle.
 */
static void mapped_from_the_middle(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(SIZE);

	check_mapped_from_the_middle(fd, vgpu_new_picture(fd, SIDE, SIDE));
	if (vgpu_has_blob(fd)) {
		blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
		vgpu_ok(vgpu_blob_create(fd, &blob));
		check_mapped_from_the_middle(fd, blob.bo_handle);
	}
	close(fd);
}

/*
 * Create a texture with the picture of @seed on the host, and other data in guest memory. The
 * client does not map it itself.
 */
static uint32_t new_drawn(const struct vgpu_client *client, uint32_t seed)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	uint32_t handle;
	int dmabuf = export_picture(client->fd, &handle);
	void *map = map_dmabuf(dmabuf, SIZE);

	vgpu_fill(map, SIZE, seed);
	vgpu_ok(vgpu_transfer_to_host(client->fd, handle, &box, 0, 0));
	vgpu_ok(vgpu_wait(client->fd, handle, 0));
	memset(map, 0, SIZE);
	munmap(map, SIZE);
	close(dmabuf);
	return handle;
}

/*
 * Screen grabbers: they use GETFB2, export and mmap. Without CPU access, the guest memory of a
 * buffer that the host draws is black.
 */
static void grabber_sees_the_hosts_picture(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = new_drawn(&client, 7);
	void *map;
	int dmabuf;

	vgpu_ok(vgpu_prime_export(client.fd, handle, &dmabuf));
	map = map_dmabuf(dmabuf, SIZE);
	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 7), -1);

	/* The driver transfers what the CPU writes to the host. */
	vgpu_fill(map, SIZE, 8);
	cpu_access(dmabuf, DMA_BUF_SYNC_END);
	memset(map, 0, SIZE);
	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 8), -1);
	cpu_access(dmabuf, DMA_BUF_SYNC_END);

	munmap(map, SIZE);
	close(dmabuf);
	vgpu_client_close(&client);
}

/*
 * Data that a client has written but not transferred yet survives CPU access by another one. virgl
 * maps a texture once: it goes on writing after a transfer, without another ioctl.
 */
static void cpu_access_keeps_the_clients_writes(void)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = new_drawn(&client, 9);
	void *own = vgpu_new_map(client.fd, handle, SIZE);
	int dmabuf;

	vgpu_fill(own, SIZE, 10);
	vgpu_ok(vgpu_prime_export(client.fd, handle, &dmabuf));
	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	cpu_access(dmabuf, DMA_BUF_SYNC_END);
	vgpu_assert_eq(vgpu_differs(own, SIZE, 10), -1);

	vgpu_ok(vgpu_transfer_to_host(client.fd, handle, &box, 0, 0));
	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	vgpu_fill(own, SIZE, 11);
	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	cpu_access(dmabuf, DMA_BUF_SYNC_END);
	vgpu_assert_eq(vgpu_differs(own, SIZE, 11), -1);
	munmap(own, SIZE);
	close(dmabuf);
	vgpu_client_close(&client);
}

/* The guest memory is smaller than the picture, so the host refuses the transfer. */
static void refused_cpu_access_is_an_errno(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START };
	int dmabuf;

	vgpu_require(!vgpu_is_virgl(&client), "QEMU answers OK to what virgl refuses");
	rc.size = VGPU_PAGE;
	vgpu_ok(vgpu_resource_create(client.fd, &rc));
	vgpu_ok(vgpu_prime_export(client.fd, rc.bo_handle, &dmabuf));
	vgpu_ret(vgpu_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync), -EINVAL, -EIO);
	close(dmabuf);
	vgpu_client_close(&client);
}

static void size_by_lseek(void)
{
	int fd = vgpu_open_render();
	uint32_t handle;
	int dmabuf = export_picture(fd, &handle);

	vgpu_assert_eq(lseek(dmabuf, 0, SEEK_END), SIZE);
	close(dmabuf);
	close(fd);
}

static void mmap_beyond_the_end_is_einval(void)
{
	int fd = vgpu_open_render();
	uint32_t handle;
	int dmabuf = export_picture(fd, &handle);

	vgpu_assert(mmap(NULL, SIZE + VGPU_PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, dmabuf, 0) == MAP_FAILED);
	vgpu_assert_eq(errno, EINVAL);
	close(dmabuf);
	close(fd);
}

static void imported_buffer_is_transferred(void)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };
	int a = vgpu_open_render(), b = vgpu_open_render();
	uint32_t handle_a, handle_b;
	int dmabuf = export_picture(a, &handle_a);

	vgpu_ok(vgpu_prime_import(b, dmabuf, &handle_b));
	vgpu_ok(vgpu_transfer_to_host(b, handle_b, &box, 0, 0));
	vgpu_ok(vgpu_wait(b, handle_b, 0));
	vgpu_ok(vgpu_transfer_to_host(a, handle_a, &box, 0, 0));
	vgpu_ok(vgpu_wait(a, handle_a, 0));
	close(dmabuf);
	close(b);
	close(a);
}

static void imported_buffer_is_submitted(void)
{
	struct vgpu_client a = vgpu_client_open(), b = vgpu_client_open();
	uint32_t handle_a, handle_b;
	int dmabuf = export_picture(a.fd, &handle_a);

	vgpu_ok(vgpu_prime_import(b.fd, dmabuf, &handle_b));
	vgpu_ok(vgpu_submit_bo(&b, handle_b));
	vgpu_ok(vgpu_wait(b.fd, handle_b, 0));
	close(dmabuf);
	vgpu_client_close(&b);
	vgpu_client_close(&a);
}

/* The fence of a dma-buf is visible to all clients that share it. */
static void fence_is_seen_by_the_other_client(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	struct vgpu_manual manual = vgpu_manual_new();
	uint32_t handle_a, handle_b;
	int dmabuf = export_picture(a, &handle_a);

	vgpu_ok(vgpu_prime_import(b, dmabuf, &handle_b));
	vgpu_ok(vgpu_wait(b, handle_b, 0));
	vgpu_fence_attach(dmabuf, manual.sync_file);
	vgpu_ret(vgpu_wait(b, handle_b, VIRTGPU_WAIT_NOWAIT), -EBUSY);
	vgpu_manual_signal(&manual);
	vgpu_ok(vgpu_wait(b, handle_b, VIRTGPU_WAIT_NOWAIT));
	close(dmabuf);
	vgpu_manual_close(&manual);
	close(b);
	close(a);
}

static void submission_is_seen_in_the_dmabuf(void)
{
	struct vgpu_client client = vgpu_client_open();
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	uint32_t handle;
	int dmabuf = export_picture(client.fd, &handle);

	for (int i = 0; i < 20; i++) {
		vgpu_ok(vgpu_submit_bo(&client, handle));
		vgpu_ok(vgpu_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				   &export));
		vgpu_fence_wait(export.fd);
		close(export.fd);
		vgpu_ok(vgpu_wait(client.fd, handle, VIRTGPU_WAIT_NOWAIT));
	}
	close(dmabuf);
	vgpu_client_close(&client);
}

/* Import a foreign dma-buf; skip the test if the device cannot use foreign memory. */
static uint32_t import_foreign(int fd, int dmabuf)
{
	uint32_t handle;
	int ret = vgpu_prime_import(fd, dmabuf, &handle);

	vgpu_require(ret != -EINVAL && ret != -ENODEV && ret != -EOPNOTSUPP,
		     "this device imports nothing (%s)", strerrorname_np(-ret));
	vgpu_ok(ret);
	return handle;
}

static void check_foreign(int fd, int dmabuf, size_t size)
{
	uint32_t handle = import_foreign(fd, dmabuf);
	struct drm_virtgpu_resource_info info;

	vgpu_ok(vgpu_resource_info(fd, handle, &info));
	vgpu_assert_eq(info.size, size);
	vgpu_assert_eq(info.blob_mem, VIRTGPU_BLOB_MEM_GUEST);
	vgpu_assert(info.res_handle != 0);
	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_ok(vgpu_gem_close(fd, handle));
}

static void vgem_buffer_is_imported(void)
{
	int fd = vgpu_open_render(), vgem = vgpu_vgem_open();
	uint32_t foreign;
	int dmabuf = vgpu_vgem_new(vgem, SIZE, &foreign);

	check_foreign(fd, dmabuf, SIZE);
	check_foreign(fd, dmabuf, SIZE);
	close(dmabuf);
	close(vgem);
	close(fd);
}

static int udmabuf_new(size_t size)
{
	int memfd = vgpu_sys(memfd_create("vgpu", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	int control = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int dmabuf;

	vgpu_require(control >= 0, "no /dev/udmabuf");
	vgpu_sys(ftruncate(memfd, (off_t)size));
	vgpu_sys(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	dmabuf = vgpu_sys(ioctl(control, UDMABUF_CREATE, &create));
	close(control);
	close(memfd);
	return dmabuf;
}

static void udmabuf_is_imported(void)
{
	int fd = vgpu_open_render(), dmabuf = udmabuf_new(SIZE);

	check_foreign(fd, dmabuf, SIZE);
	close(dmabuf);
	close(fd);
}

static void vgem_imports_ours(void)
{
	int fd = vgpu_open_render(), vgem = vgpu_vgem_open();
	uint32_t handle, foreign;
	int dmabuf = export_picture(fd, &handle);

	vgpu_ok(vgpu_prime_import(vgem, dmabuf, &foreign));
	vgpu_ok(vgpu_gem_close(vgem, foreign));
	close(dmabuf);
	close(vgem);
	close(fd);
}

/* Contract 9.3: after an error wlroots and Xorg fall back to copies. */
static void foreign_import_is_enodev(void)
{
	int fd = vgpu_open_render(), dmabuf = udmabuf_new(SIZE);
	uint32_t handle;

	vgpu_require(!vgpu_has_blob(fd) || vgpu_has_3d(fd), "the device takes foreign memory");
	vgpu_ret(vgpu_prime_import(fd, dmabuf, &handle), -ENODEV);
	close(dmabuf);
	close(fd);
}

static void blob_is_shared(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(SIZE);
	uint32_t handle;
	void *map_a, *map_b;
	int dmabuf;

	vgpu_require(vgpu_has_blob(a), "the device has no blobs");
	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	vgpu_ok(vgpu_blob_create(a, &blob));
	vgpu_ok(vgpu_prime_export(a, blob.bo_handle, &dmabuf));
	vgpu_ok(vgpu_prime_import(b, dmabuf, &handle));
	map_a = vgpu_new_map(a, blob.bo_handle, SIZE);
	map_b = vgpu_new_map(b, handle, SIZE);
	vgpu_fill(map_a, SIZE, 5);
	vgpu_assert_eq(vgpu_differs(map_b, SIZE, 5), -1);

	munmap(map_b, SIZE);
	munmap(map_a, SIZE);
	close(dmabuf);
	close(b);
	close(a);
}

static void bad_arguments(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE), imported;
	struct drm_prime_handle args = { .handle = handle, .flags = 0x40000000 };
	int null = vgpu_sys(open("/dev/null", O_RDWR | O_CLOEXEC)), dmabuf;

	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args), -EINVAL);
	vgpu_ret(vgpu_prime_export(fd, 0, &dmabuf), -ENOENT);
	vgpu_ret(vgpu_prime_export(fd, 1000000, &dmabuf), -ENOENT);
	vgpu_ret(vgpu_prime_import(fd, -1, &imported), -EBADF);
	vgpu_ret(vgpu_prime_import(fd, null, &imported), -EINVAL);
	vgpu_ret(vgpu_prime_import(fd, fd, &imported), -EINVAL);
	close(null);
	close(fd);
}

static void share_back_and_forth(void *arg)
{
	int a = vgpu_open_render(), b = vgpu_open_render();

	(void)arg;
	for (int i = 0; i < 100; i++) {
		uint32_t handle_a, handle_b;
		int dmabuf = export_picture(a, &handle_a);

		vgpu_ok(vgpu_prime_import(b, dmabuf, &handle_b));
		vgpu_ok(vgpu_gem_close(i & 1 ? a : b, i & 1 ? handle_a : handle_b));
		close(dmabuf);
		vgpu_ok(vgpu_gem_close(i & 1 ? b : a, i & 1 ? handle_b : handle_a));
	}
	close(b);
	close(a);
}

static void clients_at_once(void)
{
	int pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = vgpu_fork(share_back_and_forth, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		vgpu_join(pids[i]);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "own-import-gives-the-same-handle",
	  .run = own_import_gives_the_same_handle },
	{ .name = "two-exports-are-one-buffer", .run = two_exports_are_one_buffer },
	{ .name = "other-client-shares-memory", .run = other_client_shares_memory },
	{ .name = "dmabuf-outlives-its-exporter",
	  .run = dmabuf_outlives_its_exporter },
	{ .name = "mapped-by-the-cpu", .run = mapped_by_the_cpu },
	{ .name = "mapped-from-the-middle", .run = mapped_from_the_middle },
	{ .name = "grabber-sees-the-hosts-picture", .run = grabber_sees_the_hosts_picture },
	{ .name = "cpu-access-keeps-the-clients-writes",
	  .run = cpu_access_keeps_the_clients_writes },
	{ .name = "refused-cpu-access-is-an-errno", .run = refused_cpu_access_is_an_errno },
	{ .name = "size-by-lseek", .run = size_by_lseek },
	{ .name = "mmap-beyond-the-end-is-einval",
	  .run = mmap_beyond_the_end_is_einval },
	{ .name = "imported-buffer-is-transferred",
	  .run = imported_buffer_is_transferred },
	{ .name = "imported-buffer-is-submitted",
	  .run = imported_buffer_is_submitted },
	{ .name = "fence-is-seen-by-the-other-client",
	  .run = fence_is_seen_by_the_other_client },
	{ .name = "submission-is-seen-in-the-dmabuf",
	  .run = submission_is_seen_in_the_dmabuf },
	{ .name = "vgem-buffer-is-imported", .run = vgem_buffer_is_imported },
	{ .name = "udmabuf-is-imported", .run = udmabuf_is_imported },
	{ .name = "vgem-imports-ours", .run = vgem_imports_ours },
	{ .name = "foreign-import-is-enodev", .run = foreign_import_is_enodev },
	{ .name = "blob-is-shared", .run = blob_is_shared },
	{ .name = "bad-arguments", .run = bad_arguments },
	{ .name = "clients-at-once", .run = clients_at_once },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_prime",
		.about = "buffers shared with other clients and devices",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
