/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SYNC_H
#define VGPU_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct dma_fence_chain;
struct drm_file;
struct drm_syncobj;

/**
 * struct vgpu_sync_point - A syncobj that an EXECBUFFER resets or signals
 * @syncobj: referenced
 * @fence: in-syncobj: the fence that the syncobj held at the lookup, referenced
 * @chain: out-syncobj: node for the point of a timeline, NULL for a binary syncobj
 * @point: out-syncobj: point of the timeline
 */
struct vgpu_sync_point {
	struct drm_syncobj *syncobj;
	struct dma_fence *fence;
	struct dma_fence_chain *chain;
	u64 point;
};

/**
 * struct vgpu_sync - The in- or out-syncobjs of an EXECBUFFER
 * @file: the client
 * @address: address of an array of drm_virtgpu_execbuffer_syncobj in user space
 * @count: length of the array
 * @stride: bytes from one entry to the next
 * @num_points: number of @points
 * @points: the syncobjs to reset or to signal; NULL for none
 */
struct vgpu_sync {
	struct drm_file *file;
	u64 address;
	u32 count;
	u32 stride;
	u32 num_points;
	struct vgpu_sync_point *points;
};

int vgpu_sync_find_in(struct vgpu_sync *in, u32 idx, struct dma_fence **fence);
int vgpu_sync_find_out(struct vgpu_sync *out);
void vgpu_sync_reset_in(struct vgpu_sync *in);
void vgpu_sync_signal_out(struct vgpu_sync *out, struct dma_fence *fence);
void vgpu_sync_put(struct vgpu_sync *sync);

#endif
