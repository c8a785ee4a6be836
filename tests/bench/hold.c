// SPDX-License-Identifier: MIT
#include <x86intrin.h>

#include "gpu.h"
#include "hold.h"
#include "toy3d.h"

/* Check whether the device is toy3d, which knows tokens. */
bool hold_possible(int fd)
{
	return gpu_param(fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs) & 1 << TOY3D_CAPSET_ID;
}

/*
 * Get a token that is not released. A token is used once, and an earlier process may have used
 * some.
 */
uint32_t hold_token(void)
{
	static uint32_t token;

	if (!token)
		token = (uint32_t)__rdtsc() | 1;
	return ++token ? token : ++token;
}

/*
 * Submit a stream of one command about a token, TOY3D_OP_WAIT or TOY3D_OP_RELEASE. @flags are
 * VIRTGPU_EXECBUF_*. Returns the fence if @flags request one, else -1.
 */
int hold_submit(int fd, uint32_t op, uint32_t token, uint32_t flags)
{
	const uint32_t stream[] = { TOY3D_HDR(op, 1), token };
	struct drm_virtgpu_execbuffer args = {
		.flags = flags,
		.size = sizeof(stream),
		.command = (uintptr_t)stream,
		.fence_fd = -1,
	};

	gpu_ioctl(fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &args);
	return args.fence_fd;
}
