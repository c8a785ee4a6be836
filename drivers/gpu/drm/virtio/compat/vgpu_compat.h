/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What older kernels lack, in the words of the newest. Included ahead of every
 * file by Kbuild, which has looked into the kernel's headers and set VGPU_HAVE_*.
 * On the newest kernel all of it comes to nothing.
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
