/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_DISPLAY_WAIT_H
#define VGPU_DISPLAY_WAIT_H

struct dma_fence;

/*
 * How long one display update waits for all its fences together. It is below 10 seconds, after
 * which the DRM core stops waiting for the previous update and commits out of order.
 */
#define VGPU_DISPLAY_WAIT_MS	5000

int vgpu_display_wait_limit(struct dma_fence **fence, unsigned long deadline);

#endif
