/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_IOCTL_H
#define VGPU_IOCTL_H

#include <drm/drm_ioctl.h>
#include <drm/drm_print.h>

/* The ioctls have the numbers from 1 (DRM_VIRTGPU_MAP) to 11 (DRM_VIRTGPU_CONTEXT_INIT). */
#define VGPU_NUM_IOCTLS	12

/* Tell the developer of a client which argument is wrong; the value is the negative errno. */
#define vgpu_refuse(drm, error, ...) \
	({ drm_dbg(drm, __VA_ARGS__); -(error); })

extern const struct drm_ioctl_desc vgpu_ioctls[VGPU_NUM_IOCTLS];

/* The ioctls with files of their own. */
int vgpu_blob_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_context_init_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif
