/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PANIC_H
#define VGPU_PANIC_H

struct drm_plane;
struct drm_scanout_buffer;

int vgpu_panic_get_scanout_buffer(struct drm_plane *plane, struct drm_scanout_buffer *sb);
void vgpu_panic_flush(struct drm_plane *plane);

#endif
