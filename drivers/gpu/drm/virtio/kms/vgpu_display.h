/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_DISPLAY_H
#define VGPU_DISPLAY_H

struct vgpu_device;

int vgpu_display_init(struct vgpu_device *vgpu);
int vgpu_display_refresh(struct vgpu_device *vgpu);
bool vgpu_display_must_ask(struct vgpu_device *vgpu);
void vgpu_display_forget(struct vgpu_device *vgpu);
void vgpu_display_shutdown(struct vgpu_device *vgpu);
int vgpu_display_suspend(struct vgpu_device *vgpu);
int vgpu_display_resume(struct vgpu_device *vgpu);
int vgpu_display_restore(struct vgpu_device *vgpu);

#endif
