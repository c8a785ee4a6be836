// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

_Noreturn void gpu_die(const char *what)
{
	fprintf(stderr, "vgpu-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Returns what is not negative; ends the program otherwise. */
static int gpu_ok(int ret, const char *what)
{
	errno = ret < 0 ? -ret : errno;
	if (ret < 0)
		gpu_die(what);
	return ret;
}

int gpu_open_render(void)
{
	return gpu_ok(vgpu_node_open("renderD", 128), "no device of virtio_gpu");
}

int gpu_open_card(void)
{
	return gpu_ok(vgpu_node_open("card", 0), "no device of virtio_gpu");
}

void gpu_ioctl(int fd, unsigned long request, void *arg)
{
	if (ioctl(fd, request, arg) < 0)
		gpu_die("ioctl");
}

/* Get a parameter; 0 if the driver does not know it. */
int gpu_param(int fd, uint64_t param)
{
	long long value = vgpu_param(fd, param);

	return value < 0 ? 0 : value;
}

static uint32_t gpu_create(int fd, struct drm_virtgpu_resource_create create)
{
	gpu_ok(vgpu_resource_create(fd, &create), "create");
	return create.bo_handle;
}

uint32_t gpu_buffer(int fd, uint32_t size_bytes)
{
	return gpu_create(fd, (struct drm_virtgpu_resource_create){
		.target = VGPU_TARGET_BUFFER,
		.format = VGPU_FORMAT_R8,
		.bind = VGPU_BIND_VERTEX_BUFFER,
		.width = size_bytes,
		.height = 1,
		.depth = 1,
		.array_size = 1,
		.size = size_bytes,
	});
}

uint32_t gpu_texture(int fd, uint32_t side)
{
	return gpu_create(fd, (struct drm_virtgpu_resource_create){
		.target = VGPU_TARGET_2D,
		.format = VGPU_FORMAT_B8G8R8A8,
		.bind = VGPU_BIND_RENDER_TARGET | VGPU_BIND_SAMPLER_VIEW,
		.width = side,
		.height = side,
		.depth = 1,
		.array_size = 1,
		.size = side * side * 4,
	});
}

/* Create a blob of host memory: in a context of Venus, blob id 0 allocates new memory. */
uint32_t gpu_host_blob(int fd, uint32_t size_bytes)
{
	struct drm_virtgpu_resource_create_blob create = vgpu_host_blob_args(size_bytes);

	gpu_ok(vgpu_blob_create(fd, &create), "create");
	return create.bo_handle;
}

void gpu_close(int fd, uint32_t handle)
{
	gpu_ok(vgpu_gem_close(fd, handle), "close");
}

void *gpu_map(int fd, uint32_t handle, uint32_t size_bytes)
{
	uint64_t offset;
	void *at;

	gpu_ok(vgpu_map_offset(fd, handle, &offset), "map");
	at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (at == MAP_FAILED)
		gpu_die("mmap");
	return at;
}

void gpu_wait(int fd, uint32_t handle)
{
	gpu_ok(vgpu_wait(fd, handle, 0), "wait");
}

/* Check whether a buffer is busy, without waiting. */
bool gpu_is_busy(int fd, uint32_t handle)
{
	int ret = vgpu_wait(fd, handle, VIRTGPU_WAIT_NOWAIT);

	return ret == -EBUSY || gpu_ok(ret, "wait");
}

/* Transfer the first bytes of a buffer, which virgl treats as one row of bytes. */
void gpu_transfer(int fd, uint32_t handle, uint32_t size_bytes, bool to_host)
{
	const struct drm_virtgpu_3d_box box = { .w = size_bytes, .h = 1, .d = 1 };

	gpu_ok(to_host ? vgpu_transfer_to_host(fd, handle, &box, 0, 0) :
			 vgpu_transfer_from_host(fd, handle, &box, 0, 0), "transfer");
}

void gpu_context_init(int fd, uint32_t capset, uint32_t num_rings, uint64_t poll_mask)
{
	const struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, capset },
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, num_rings },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, poll_mask },
	};

	gpu_ok(vgpu_context_init(fd, params, 3), "context");
}

/*
 * Run @fn in a process of its own, which shares memory and open files with this one: drivers count
 * the work in flight for each process.
 */
void gpu_in_process(int (*fn)(void *arg), void *arg)
{
	static _Alignas(16) unsigned char stack[1 << 16];
	int status, pid = clone(fn, stack + sizeof(stack),
				CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, arg);

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		gpu_die("clone");
}
