/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_DEBUGFS_H
#define VGPU_DEBUGFS_H

struct vgpu_device;

void vgpu_debugfs_init(struct vgpu_device *vgpu);

#endif
