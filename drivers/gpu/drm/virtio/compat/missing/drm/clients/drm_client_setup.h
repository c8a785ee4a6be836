/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The compiler finds this header only if the kernel has none of this name. */
#ifndef VGPU_COMPAT_CLIENT_SETUP_H
#define VGPU_COMPAT_CLIENT_SETUP_H

#include <drm/drm_fbdev_shmem.h>

struct drm_format_info;

static inline void drm_client_setup(struct drm_device *drm, const struct drm_format_info *format)
{
	drm_fbdev_shmem_setup(drm, 32);
}

#endif
