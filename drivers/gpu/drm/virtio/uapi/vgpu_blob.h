/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_BLOB_H
#define VGPU_BLOB_H

struct drm_device;
struct drm_file;

int vgpu_blob_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif
