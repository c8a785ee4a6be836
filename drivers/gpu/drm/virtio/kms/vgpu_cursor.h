/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CURSOR_H
#define VGPU_CURSOR_H

struct drm_plane;
struct vgpu_device;
struct vgpu_screen;

/* The only size a host takes. */
#define VGPU_CURSOR_SIDE	64

struct drm_plane *vgpu_cursor_create(struct vgpu_device *vgpu, struct vgpu_screen *screen);
void vgpu_cursor_hide(struct drm_plane *plane);

#endif
