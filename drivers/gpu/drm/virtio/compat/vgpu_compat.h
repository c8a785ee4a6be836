/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * These headers give older kernels the interfaces of the newest one. Kbuild sets
 * VGPU_HAVE_* by searching the kernel's headers, and includes this file ahead of
 * every other.
 */
#ifndef VGPU_COMPAT_H
#define VGPU_COMPAT_H

#include "compat/vgpu_compat_core.h"
#include "compat/vgpu_compat_dma_buf.h"
#include "compat/vgpu_compat_drm.h"
#include "compat/vgpu_compat_fence.h"
#include "compat/vgpu_compat_kms.h"
#include "compat/vgpu_compat_virtio.h"

#endif
