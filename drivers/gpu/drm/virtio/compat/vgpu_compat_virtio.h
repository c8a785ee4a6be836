/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_VIRTIO_H
#define VGPU_COMPAT_VIRTIO_H

#include <linux/virtio.h>
#include <linux/virtio_gpu.h>

#ifndef VIRTIO_GPU_F_BLOB_ALIGNMENT
#define VIRTIO_GPU_F_BLOB_ALIGNMENT	5
#endif

#if VGPU_HAVE_VIRTIO_SHUTDOWN
#define VGPU_COMPAT_SHUTDOWN(function)	.shutdown = function,
#else
#define VGPU_COMPAT_SHUTDOWN(function)
#endif

#endif
