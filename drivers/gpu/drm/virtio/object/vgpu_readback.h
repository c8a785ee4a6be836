/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_READBACK_H
#define VGPU_READBACK_H

#include <linux/dma-direction.h>

struct dma_buf;

int vgpu_readback_begin(struct dma_buf *buf, enum dma_data_direction dir);
int vgpu_readback_end(struct dma_buf *buf, enum dma_data_direction dir);

#endif
