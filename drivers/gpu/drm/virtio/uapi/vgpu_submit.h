/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SUBMIT_H
#define VGPU_SUBMIT_H

struct drm_device;
struct drm_file;

int vgpu_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif
