/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CONTEXT_INIT_H
#define VGPU_CONTEXT_INIT_H

struct drm_device;
struct drm_file;

int vgpu_context_init_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif
