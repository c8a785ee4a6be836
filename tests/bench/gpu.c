// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
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

/* Gallium constants of resources that virgl creates. */
#define PIPE_BUFFER			0
#define PIPE_TEXTURE_2D			2
#define PIPE_BIND_RENDER_TARGET		(1 << 1)
#define PIPE_BIND_SAMPLER_VIEW		(1 << 3)
#define PIPE_BIND_VERTEX_BUFFER		(1 << 4)
#define VIRGL_FORMAT_B8G8R8A8_UNORM	1
#define VIRGL_FORMAT_R8_UNORM		64

#define GPU_MAX_NODES			16

_Noreturn void gpu_die(const char *what)
{
	fprintf(stderr, "vgpu-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool gpu_is_ours(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "virtio_gpu");
}

static int gpu_open(const char *format, int first)
{
	char path[32];
	int fd;

	for (int i = first; i < first + GPU_MAX_NODES; i++) {
		snprintf(path, sizeof(path), format, i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (gpu_is_ours(fd))
			return fd;
		close(fd);
	}
	gpu_die("no device of virtio_gpu");
}

int gpu_open_render(void)
{
	return gpu_open("/dev/dri/renderD%d", 128);
}

int gpu_open_card(void)
{
	return gpu_open("/dev/dri/card%d", 0);
}

void gpu_ioctl(int fd, unsigned long request, void *arg)
{
	if (ioctl(fd, request, arg) < 0)
		gpu_die("ioctl");
}

/* Get a parameter; 0 if the driver does not know it. */
int gpu_param(int fd, uint64_t param)
{
	int value = 0;
	struct drm_virtgpu_getparam get = { .param = param, .value = (uintptr_t)&value };

	return ioctl(fd, DRM_IOCTL_VIRTGPU_GETPARAM, &get) ? 0 : value;
}

uint32_t gpu_buffer(int fd, uint32_t size_bytes)
{
	struct drm_virtgpu_resource_create create = {
		.target = PIPE_BUFFER,
		.format = VIRGL_FORMAT_R8_UNORM,
		.bind = PIPE_BIND_VERTEX_BUFFER,
		.width = size_bytes,
		.height = 1,
		.depth = 1,
		.array_size = 1,
		.size = size_bytes,
	};

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &create);
	return create.bo_handle;
}

uint32_t gpu_texture(int fd, uint32_t side)
{
	struct drm_virtgpu_resource_create create = {
		.target = PIPE_TEXTURE_2D,
		.format = VIRGL_FORMAT_B8G8R8A8_UNORM,
		.bind = PIPE_BIND_RENDER_TARGET | PIPE_BIND_SAMPLER_VIEW,
		.width = side,
		.height = side,
		.depth = 1,
		.array_size = 1,
		.size = side * side * 4,
	};

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &create);
	return create.bo_handle;
}

/* Create a blob of host memory: in a context of Venus, blob id 0 allocates new memory. */
uint32_t gpu_host_blob(int fd, uint32_t size_bytes)
{
	struct drm_virtgpu_resource_create_blob create = {
		.blob_mem = VIRTGPU_BLOB_MEM_HOST3D,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_MAPPABLE,
		.size = size_bytes,
	};

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &create);
	return create.bo_handle;
}

void gpu_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	gpu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

void *gpu_map(int fd, uint32_t handle, uint32_t size_bytes)
{
	struct drm_virtgpu_map map = { .handle = handle };
	void *at;

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_MAP, &map);
	at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
	if (at == MAP_FAILED)
		gpu_die("mmap");
	return at;
}

void gpu_wait(int fd, uint32_t handle)
{
	struct drm_virtgpu_3d_wait wait = { .handle = handle };

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_WAIT, &wait);
}

/* Check whether a buffer is busy, without waiting. */
bool gpu_is_busy(int fd, uint32_t handle)
{
	struct drm_virtgpu_3d_wait wait = { .handle = handle, .flags = VIRTGPU_WAIT_NOWAIT };

	if (!ioctl(fd, DRM_IOCTL_VIRTGPU_WAIT, &wait))
		return false;
	if (errno != EBUSY)
		gpu_die("wait");
	return true;
}

/* Transfer the first bytes of a buffer, which virgl treats as one row of bytes. */
void gpu_transfer(int fd, uint32_t handle, uint32_t size_bytes, bool to_host)
{
	struct drm_virtgpu_3d_transfer_to_host args = {
		.bo_handle = handle,
		.box = { .w = size_bytes, .h = 1, .d = 1 },
	};

	/* Both ioctls have the same arguments. */
	gpu_ioctl(fd, to_host ? DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST :
				DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, &args);
}

void gpu_context_init(int fd, uint32_t capset, uint32_t num_rings, uint64_t poll_mask)
{
	struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, capset },
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, num_rings },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, poll_mask },
	};
	struct drm_virtgpu_context_init init = {
		.num_params = 3,
		.ctx_set_params = (uintptr_t)params,
	};

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &init);
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
