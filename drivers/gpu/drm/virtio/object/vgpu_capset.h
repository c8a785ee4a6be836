/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CAPSET_H
#define VGPU_CAPSET_H

#include <linux/types.h>

struct vgpu_device;

int vgpu_capsets_init(struct vgpu_device *vgpu, u32 num_capsets);
u64 vgpu_capsets_mask(const struct vgpu_device *vgpu);
const void *vgpu_capset_get(struct vgpu_device *vgpu, u32 id, u32 version, u32 *size_bytes);

#endif
