// SPDX-License-Identifier: MIT
/*
 * Reclaim of idle textures: which ones lose their pages and which do not, and that no data is lost.
 * The device model checks that the host is told of each change before the next command that uses
 * the pages.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "vgpu_binding.h"
#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_idle.h"
#include "vgpu_kernel.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 128u
#define SIZE (SIDE * SIDE * 4)
#define CLIENTS 4
#define STEPS 150
/* Textures that need more memory than the program itself. */
#define MANY 64u
#define GROUP "/sys/fs/cgroup/vgpu/"

static const struct drm_virtgpu_3d_box whole = { .w = SIDE, .h = SIDE, .d = 1 };

static struct vgpu_client open_client(void)
{
	vgpu_require(vgpu_idle_is_on(), "the driver gives no memory back");
	return vgpu_client_open();
}

static void write_pages(int fd, uint32_t handle, uint32_t seed)
{
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_fill(map, SIZE, seed);
	munmap(map, SIZE);
}

static void check_pages(int fd, uint32_t handle, uint32_t seed)
{
	void *map = vgpu_new_map(fd, handle, SIZE);

	vgpu_assert_eq(vgpu_differs(map, SIZE, seed), -1);
	munmap(map, SIZE);
}

static void upload(int fd, uint32_t handle)
{
	vgpu_ok(vgpu_transfer_to_host(fd, handle, &whole, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
}

static void download(int fd, uint32_t handle)
{
	vgpu_ok(vgpu_transfer_from_host(fd, handle, &whole, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
}

/* Get the resident bytes of the buffers of a client from fdinfo. */
static unsigned long long resident(int fd)
{
	unsigned long long kib = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	vgpu_assert(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "drm-resident-memory: %llu KiB", &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

static void mapping_finds_what_was_there(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	write_pages(client.fd, handle, 1);
	vgpu_assert_eq(resident(client.fd), SIZE);
	vgpu_idle_send_away(client.fd, handle);
	vgpu_assert_eq(resident(client.fd), 0);
	check_pages(client.fd, handle, 1);
	/* The pages were mapped and unmapped, but not attached to the host again. */
	vgpu_assert(vgpu_idle_is_away(client.fd, handle));
	vgpu_client_close(&client);
}

static void transfer_brings_it_back(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	/* The host reads pages that were reclaimed... */
	write_pages(client.fd, handle, 2);
	vgpu_idle_send_away(client.fd, handle);
	upload(client.fd, handle);
	vgpu_assert(!vgpu_idle_is_away(client.fd, handle));
	vgpu_assert_eq(resident(client.fd), SIZE);

	/* ...and writes to the pages that a mapping shows. */
	write_pages(client.fd, handle, 3);
	vgpu_idle_send_away(client.fd, handle);
	download(client.fd, handle);
	vgpu_assert(!vgpu_idle_is_away(client.fd, handle));
	check_pages(client.fd, handle, 2);

	/* Data that the host has written survives a reclaim, too. */
	vgpu_idle_send_away(client.fd, handle);
	check_pages(client.fd, handle, 2);
	vgpu_client_close(&client);
}

static void mapped_while_away_is_brought_back(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);
	void *map;

	vgpu_idle_send_away(client.fd, handle);
	map = vgpu_new_map(client.fd, handle, SIZE);
	vgpu_fill(map, SIZE, 4);
	upload(client.fd, handle);
	vgpu_fill(map, SIZE, 5);
	download(client.fd, handle);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 4), -1);
	munmap(map, SIZE);
	vgpu_client_close(&client);
}

static void submission_brings_all_back(void)
{
	struct vgpu_client client = open_client();
	uint32_t handles[3];
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)handles,
		.num_bo_handles = ARRAY_SIZE(handles),
	};

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		handles[i] = vgpu_new_picture(client.fd, SIDE, SIDE);
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		vgpu_idle_send_away(client.fd, handles[i]);
	vgpu_ok(vgpu_submit(&client, &exec));
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		vgpu_assert(!vgpu_idle_is_away(client.fd, handles[i]));
	vgpu_ok(vgpu_wait(client.fd, handles[0], 0));
	vgpu_client_close(&client);
}

static void closed_while_away(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	vgpu_idle_send_away(client.fd, handle);
	vgpu_ok(vgpu_gem_close(client.fd, handle));
	/* Also close a buffer whose reclaim may be under way. */
	handle = vgpu_new_picture(client.fd, SIDE, SIDE);
	for (int i = 0; i < 4; i++)
		vgpu_ok(vgpu_idle_ask());
	vgpu_ok(vgpu_gem_close(client.fd, handle));
	vgpu_client_close(&client);
}

/*
 * Check that a buffer is not reclaimed: a neighbour that the shrinker visits later is, so the
 * shrinker has visited this one as well.
 */
static void check_stays(struct vgpu_client *client, int fd, uint32_t handle)
{
	for (int i = 0; i < 3; i++) {
		uint32_t other = vgpu_new_picture(client->fd, SIDE, SIDE);

		vgpu_idle_send_away(client->fd, other);
		vgpu_assert(!vgpu_idle_is_away(fd, handle));
		vgpu_ok(vgpu_gem_close(client->fd, other));
	}
}

static void mapped_one_stays(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);
	void *map = vgpu_new_map(client.fd, handle, SIZE);

	vgpu_fill(map, SIZE, 6);
	check_stays(&client, client.fd, handle);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 6), -1);
	munmap(map, SIZE);
	vgpu_idle_send_away(client.fd, handle);
	vgpu_client_close(&client);
}

static void busy_one_stays(void)
{
	struct vgpu_client client = open_client(), other = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);
	struct vgpu_manual manual = vgpu_manual_new();
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
		.fence_fd = manual.sync_file,
		.bo_handles = (uintptr_t)&handle,
		.num_bo_handles = 1,
	};

	/* A foreign fence delays the submission, so the host does not know it yet. */
	vgpu_ok(vgpu_submit(&client, &exec));

	/* New buffers of this client are busy until its work is done (contract 3.1). */
	check_stays(&other, client.fd, handle);
	vgpu_manual_signal(&manual);
	vgpu_ok(vgpu_wait(client.fd, handle, 0));
	vgpu_idle_send_away(client.fd, handle);

	vgpu_manual_close(&manual);
	vgpu_client_close(&other);
	vgpu_client_close(&client);
}

static void shared_one_stays(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);
	int dmabuf;

	vgpu_ok(vgpu_prime_export(client.fd, handle, &dmabuf));
	check_stays(&client, client.fd, handle);
	close(dmabuf);
	vgpu_client_close(&client);
}

/* An importer sees the data, and the host gets the pages again when a command uses them. */
static void shared_while_away(void)
{
	struct vgpu_client client = open_client(), other = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE), imported;
	void *map;
	int dmabuf;

	write_pages(client.fd, handle, 7);
	vgpu_idle_send_away(client.fd, handle);
	vgpu_ok(vgpu_prime_export(client.fd, handle, &dmabuf));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	vgpu_assert(map != MAP_FAILED);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 7), -1);
	vgpu_ok(vgpu_prime_import(other.fd, dmabuf, &imported));
	upload(other.fd, imported);
	vgpu_fill(map, SIZE, 8);
	download(other.fd, imported);
	vgpu_assert_eq(vgpu_differs(map, SIZE, 7), -1);

	munmap(map, SIZE);
	close(dmabuf);
	vgpu_client_close(&other);
	vgpu_client_close(&client);
}

static void buffer_stays(void)
{
	struct vgpu_client client = open_client();
	struct vgpu_texture tex;

	vgpu_texture_init(client.fd, &tex, VGPU_TARGET_BUFFER, SIZE, 1, 1);
	check_stays(&client, client.fd, tex.handle);
	vgpu_texture_fini(client.fd, &tex);
	vgpu_client_close(&client);
}

static void guest_blob_stays(void)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(SIZE);
	struct vgpu_client client = open_client();

	vgpu_require(vgpu_has_blob(client.fd), "the device has no blobs");
	vgpu_ok(vgpu_blob_create(client.fd, &blob));
	check_stays(&client, client.fd, blob.bo_handle);
	vgpu_client_close(&client);
}

static uint32_t add_fb(int fd, uint32_t handle)
{
	struct vgpu_fb fb = { .handle = handle, .width = SIDE, .height = SIDE, .pitch = SIDE * 4 };

	vgpu_fb_add(fd, &fb, DRM_FORMAT_XRGB8888);
	return fb.id;
}

/* The panic handler draws into the framebuffer and cannot wait for its pages. */
static void framebuffer_stays(void)
{
	struct vgpu_client client = open_client();
	int card = vgpu_open_card();
	uint32_t handle = vgpu_new_picture(card, SIDE, SIDE), fb;

	fb = add_fb(card, handle);
	check_stays(&client, card, handle);
	vgpu_ok(drmModeRmFB(card, fb));
	check_stays(&client, card, handle);
	close(card);
	vgpu_client_close(&client);
}

static void framebuffer_of_what_is_away(void)
{
	struct vgpu_client client = open_client();
	int card = vgpu_open_card();
	uint32_t handle = vgpu_new_picture(card, SIDE, SIDE), fb;

	vgpu_idle_send_away(card, handle);
	fb = add_fb(card, handle);
	check_stays(&client, card, handle);
	vgpu_ok(drmModeRmFB(card, fb));
	close(card);
	vgpu_client_close(&client);
}

/* The reset destroys the texture on the host, and the driver cannot create it again. */
static void away_when_the_device_is_reset(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	vgpu_require(vgpu_shim_is_there(), "vgpu-shim.ko is not in use");
	write_pages(client.fd, handle, 9);
	vgpu_idle_send_away(client.fd, handle);
	vgpu_ok(vgpu_shim_set("frozen", "Y"));
	vgpu_ok(vgpu_shim_set("frozen", "N"));
	vgpu_ret(vgpu_transfer_to_host(client.fd, handle, &whole, 0, 0), -EIO);
	check_pages(client.fd, handle, 9);
	vgpu_client_close(&client);
}

static void away_when_the_device_goes(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);
	struct vgpu_binding binding;

	vgpu_idle_send_away(client.fd, handle);
	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_ok(vgpu_idle_ask());
	vgpu_client_close(&client);
	vgpu_ok(vgpu_bind(&binding));
	vgpu_binding_fini(&binding);
}

/* The fault script lets the host refuse DETACH, or answer it late. */
static void kept_it_can_be_used(void)
{
	struct vgpu_client client = open_client();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	write_pages(client.fd, handle, 10);
	for (int i = 0; i < 10; i++) {
		vgpu_ok(vgpu_idle_ask());
		usleep(1000);
	}
	if (vgpu_idle_is_away(client.fd, handle))
		vgpu_test_skip("the host lets go");
	upload(client.fd, handle);
	write_pages(client.fd, handle, 11);
	download(client.fd, handle);
	check_pages(client.fd, handle, 10);
	vgpu_client_close(&client);
}

/* Read a number from a file of the control group of this job. */
static unsigned long long group_bytes(const char *name)
{
	unsigned long long bytes;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), GROUP "%s", name);
	file = fopen(path, "re");
	vgpu_require(file, "no control group " GROUP);
	vgpu_assert_eq(fscanf(file, "%llu", &bytes), 1);
	fclose(file);
	return bytes;
}

/* Make the kernel reclaim all memory of the control group. */
static void squeeze_group(void)
{
	int fd = vgpu_sys(open(GROUP "memory.reclaim", O_WRONLY | O_CLOEXEC));

	/* The group has less memory than that, so the write fails when all of it is reclaimed. */
	vgpu_assert(write(fd, "1G", 2) < 0 && errno == EAGAIN);
	close(fd);
}

/* The pages are swapped out to disk, and the memory is used for other data. */
static void swapped_out_it_is_whole(void)
{
	struct vgpu_client client = open_client();
	unsigned long long before = group_bytes("memory.swap.current");
	uint32_t handles[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		handles[i] = vgpu_new_picture(client.fd, SIDE, SIDE);
		write_pages(client.fd, handles[i], i);
	}

	for (uint32_t i = 0; i < MANY; i++)
		vgpu_idle_send_away(client.fd, handles[i]);
	squeeze_group();
	vgpu_assert(group_bytes("memory.swap.current") >= before + MANY * SIZE);
	for (uint32_t i = 0; i < MANY; i++)
		upload(client.fd, handles[i]);
	for (uint32_t i = 0; i < MANY; i++)
		write_pages(client.fd, handles[i], MANY);
	for (uint32_t i = 0; i < MANY; i++)
		download(client.fd, handles[i]);
	for (uint32_t i = 0; i < MANY; i++)
		check_pages(client.fd, handles[i], i);
	vgpu_client_close(&client);
}

/* Only the host has written to these pages. */
static void swapped_out_drawing_is_whole(void)
{
	static const float rgba[] = { 1.0f, 0.0f, 1.0f, 1.0f };
	struct vgpu_client client = open_client();
	uint32_t dwords[VGPU_VIRGL_CLEAR_DWORDS];
	struct drm_virtgpu_execbuffer exec = { .num_bo_handles = 1 };
	struct vgpu_texture tex;
	uint32_t *map;

	vgpu_require(vgpu_is_virgl(&client), "the host is not virgl");
	vgpu_texture_init(client.fd, &tex, VGPU_TARGET_2D, SIDE, SIDE, 1);
	exec.size = (uint32_t)vgpu_virgl_clear(dwords, tex.res, 1, rgba) * 4;
	exec.command = (uintptr_t)dwords;
	exec.bo_handles = (uintptr_t)&tex.handle;
	vgpu_ok(vgpu_execbuffer(client.fd, &exec));
	download(client.fd, tex.handle);
	vgpu_idle_send_away(client.fd, tex.handle);
	squeeze_group();
	map = vgpu_new_map(client.fd, tex.handle, SIZE);
	for (unsigned int i = 0; i < SIDE * SIDE; i++)
		vgpu_assert_eq(map[i], 0xffff00ff);

	munmap(map, SIZE);
	vgpu_client_close(&client);
}

/* Do one random operation of a client on a texture of its own. */
static void step(struct vgpu_client *client, uint32_t handles[3], unsigned int *seed)
{
	unsigned int what = (unsigned int)rand_r(seed);
	uint32_t *handle = &handles[what / 8 % 3];
	int dmabuf;

	switch (what % 8) {
	case 0:
		vgpu_ok(vgpu_gem_close(client->fd, *handle));
		*handle = vgpu_new_picture(client->fd, SIDE, SIDE);
		write_pages(client->fd, *handle, *handle);
		break;
	case 1:
		vgpu_ok(vgpu_submit_bo(client, *handle));
		break;
	case 2:
		vgpu_ok(vgpu_prime_export(client->fd, *handle, &dmabuf));
		close(dmabuf);
		break;
	case 3:
		upload(client->fd, *handle);
		download(client->fd, *handle);
		break;
	case 4:
		check_pages(client->fd, *handle, *handle);
		break;
	default:
		vgpu_ok(vgpu_idle_ask());
		break;
	}
}

static void run_client(void *arg)
{
	struct vgpu_client client = open_client();
	unsigned int seed = *(unsigned int *)arg;
	uint32_t handles[3];

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		handles[i] = vgpu_new_picture(client.fd, SIDE, SIDE);
		write_pages(client.fd, handles[i], handles[i]);
	}
	for (unsigned int i = 0; i < STEPS; i++)
		step(&client, handles, &seed);
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		check_pages(client.fd, handles[i], handles[i]);
	vgpu_client_close(&client);
}

static void clients_at_work(void)
{
	unsigned int seeds[CLIENTS];
	int pids[CLIENTS];

	vgpu_require(vgpu_idle_is_on(), "the driver gives no memory back");
	for (unsigned int i = 0; i < CLIENTS; i++) {
		seeds[i] = i + 1;
		pids[i] = vgpu_fork(run_client, &seeds[i]);
	}
	for (unsigned int i = 0; i < CLIENTS; i++)
		vgpu_join(pids[i]);
}

/* Read a count of pages in debugfs. */
static unsigned long counted(const char *key)
{
	char *text = vgpu_kernel_debugfs("virtio-gpu-reclaim"), *save, *line;
	unsigned long pages = 0;
	bool found = false;

	vgpu_assert(text);
	for (line = strtok_r(text, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save))
		found = !strncmp(line, key, strlen(key)) &&
			sscanf(line + strlen(key), "%lu pages", &pages) == 1;
	free(text);
	vgpu_assert_msg(found, "no line \"%s\"", key);
	return pages;
}

static void debugfs_counts_pages(void)
{
	unsigned long watched, given_back, recalled, size = SIZE / vgpu_page_size();
	struct vgpu_client client = open_client();
	uint32_t handle;

	/* The buffers of other subtests are freed when the host has answered. */
	for (int i = 0; i < 200 && counted("watched"); i++)
		usleep(10000);
	watched = counted("watched");
	given_back = counted("given back");
	recalled = counted("recalled");
	handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	write_pages(client.fd, handle, 3);
	upload(client.fd, handle);
	vgpu_assert_eq(counted("watched"), watched + size);
	vgpu_idle_send_away(client.fd, handle);
	vgpu_assert_eq(counted("watched"), watched);
	vgpu_assert_eq(counted("given back"), given_back + size);
	vgpu_assert_eq(counted("recalled"), recalled);
	download(client.fd, handle);
	vgpu_assert_eq(counted("watched"), watched + size);
	vgpu_assert_eq(counted("given back"), given_back + size);
	vgpu_assert_eq(counted("recalled"), recalled + size);
	vgpu_client_close(&client);
}

/* Without the parameter no texture is reclaimed. */
static void off_all_stay(void)
{
	struct vgpu_client client = vgpu_client_open();
	uint32_t handle = vgpu_new_picture(client.fd, SIDE, SIDE);

	vgpu_require(!vgpu_idle_is_on(), "the driver gives memory back");
	for (int i = 0; i < 10; i++) {
		vgpu_ok(vgpu_idle_ask());
		usleep(1000);
	}
	vgpu_assert(!vgpu_idle_is_away(client.fd, handle));
	vgpu_assert_eq(resident(client.fd), SIZE);
	vgpu_client_close(&client);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "mapping-finds-what-was-there", .run = mapping_finds_what_was_there },
	{ .name = "transfer-brings-it-back", .run = transfer_brings_it_back },
	{ .name = "mapped-while-away-is-brought-back", .run = mapped_while_away_is_brought_back },
	{ .name = "submission-brings-all-back", .run = submission_brings_all_back },
	{ .name = "closed-while-away", .run = closed_while_away },
	{ .name = "mapped-one-stays", .run = mapped_one_stays },
	{ .name = "busy-one-stays", .run = busy_one_stays },
	{ .name = "shared-one-stays", .run = shared_one_stays },
	{ .name = "shared-while-away", .run = shared_while_away },
	{ .name = "buffer-stays", .run = buffer_stays },
	{ .name = "guest-blob-stays", .run = guest_blob_stays },
	{ .name = "framebuffer-stays", .run = framebuffer_stays },
	{ .name = "framebuffer-of-what-is-away", .run = framebuffer_of_what_is_away },
	{ .name = "away-when-the-device-is-reset", .run = away_when_the_device_is_reset },
	{ .name = "away-when-the-device-goes", .run = away_when_the_device_goes },
	{ .name = "kept-it-can-be-used", .run = kept_it_can_be_used },
	{ .name = "swapped-out-it-is-whole", .run = swapped_out_it_is_whole },
	{ .name = "swapped-out-drawing-is-whole", .run = swapped_out_drawing_is_whole },
	{ .name = "clients-at-work", .run = clients_at_work },
	{ .name = "debugfs-counts-pages", .run = debugfs_counts_pages },
	{ .name = "off-all-stay", .run = off_all_stay },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_reclaim",
		.about = "reclaim of the memory of idle textures",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
