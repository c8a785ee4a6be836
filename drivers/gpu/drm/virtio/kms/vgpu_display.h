/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_DISPLAY_H
#define VGPU_DISPLAY_H

#include <linux/kconfig.h>

#include "object/vgpu_base.h"

/*
 * Check whether a device has outputs. The other functions are called only if it has, so a driver
 * that is built without KMS does not call them.
 */
static inline bool vgpu_display_exists(const struct vgpu_device *vgpu)
{
	return IS_ENABLED(CONFIG_DRM_VGPU_KMS) && vgpu->display;
}

int vgpu_display_init(struct vgpu_device *vgpu);
int vgpu_display_refresh(struct vgpu_device *vgpu, bool is_changed);
void vgpu_display_forget(struct vgpu_device *vgpu);
void vgpu_display_shutdown(struct vgpu_device *vgpu);
int vgpu_display_restore(struct vgpu_device *vgpu);

#endif
