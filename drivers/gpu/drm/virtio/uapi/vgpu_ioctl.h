/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_IOCTL_H
#define VGPU_IOCTL_H

#include <drm/drm_ioctl.h>

/* The ioctls have the numbers from 1 (DRM_VIRTGPU_MAP) to 11 (DRM_VIRTGPU_CONTEXT_INIT). */
#define VGPU_NUM_IOCTLS	12

extern const struct drm_ioctl_desc vgpu_ioctls[VGPU_NUM_IOCTLS];

#endif
