/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_DMA_BUF_H
#define VGPU_COMPAT_DMA_BUF_H

/* MODULE_IMPORT_NS() takes a string; older kernels take an identifier. */
#if VGPU_HAVE_NS_STRING
#define VGPU_COMPAT_NS_DMA_BUF	"DMA_BUF"
#else
#define VGPU_COMPAT_NS_DMA_BUF	DMA_BUF
#endif

/* The callback of struct dma_buf_attach_ops that tells an importer of a move. */
#if VGPU_HAVE_INVALIDATE_MAPPINGS
#define VGPU_COMPAT_INVALIDATE_MAPPINGS	invalidate_mappings
#else
#define VGPU_COMPAT_INVALIDATE_MAPPINGS	move_notify
#endif

#endif
