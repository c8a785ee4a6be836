// SPDX-License-Identifier: MIT
/* Ioctls that send nothing to the device. */
#include "bench.h"
#include "gpu.h"

static void getparam(struct bench *b, unsigned int i)
{
	int value;
	struct drm_virtgpu_getparam get = {
		.param = VIRTGPU_PARAM_3D_FEATURES,
		.value = (uintptr_t)&value,
	};

	(void)i;
	gpu_ioctl(b->fd, DRM_IOCTL_VIRTGPU_GETPARAM, &get);
}

static void get_caps(struct bench *b, unsigned int i)
{
	static char caps[4096];
	struct drm_virtgpu_get_caps get = {
		.cap_set_id = VIRTGPU_DRM_CAPSET_VIRGL2,
		.cap_set_ver = 1,
		.addr = (uintptr_t)caps,
		.size = sizeof(caps),
	};

	(void)i;
	gpu_ioctl(b->fd, DRM_IOCTL_VIRTGPU_GET_CAPS, &get);
}

static void wait_idle(struct bench *b, unsigned int i)
{
	(void)i;
	gpu_wait(b->fd, b->scratch);
}

static const struct bench_case cases[] = {
	{ .name = "getparam", .ops = 64, .rounds = 9, .quick = true, .op = getparam,
	  .settle = bench_no_settle },
	{ .name = "get-caps", .ops = 64, .rounds = 9, .quick = true, .op = get_caps,
	  .settle = bench_no_settle },
	{ .name = "wait-idle", .ops = 64, .rounds = 9, .quick = true, .op = wait_idle,
	  .settle = bench_no_settle },
};

const struct bench_cases bench_query_cases = { cases, ARRAY_SIZE(cases) };
