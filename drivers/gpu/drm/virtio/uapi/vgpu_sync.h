/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SYNC_H
#define VGPU_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct dma_fence_chain;
struct drm_file;
struct drm_syncobj;

/**
 * struct vgpu_sync_array - The in- or out-syncobjs of an EXECBUFFER
 * @file: the client
 * @address: address of an array of drm_virtgpu_execbuffer_syncobj in user space
 * @count: length of the array
 * @stride: bytes from one entry to the next
 */
struct vgpu_sync_array {
	struct drm_file *file;
	u64 address;
	u32 count;
	u32 stride;
};

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
 * struct vgpu_sync_points - Syncobjs of an EXECBUFFER
 * @points: the syncobjs, NULL for none
 * @count: number of @points
 */
struct vgpu_sync_points {
	struct vgpu_sync_point *points;
	u32 count;
};

int vgpu_sync_find_in(const struct vgpu_sync_array *array, u32 idx,
		      struct vgpu_sync_points *reset, struct dma_fence **fence);
int vgpu_sync_find_out(const struct vgpu_sync_array *array, struct vgpu_sync_points *out);
void vgpu_sync_reset_in(const struct vgpu_sync_points *reset);
void vgpu_sync_signal_out(struct vgpu_sync_points *out, struct dma_fence *fence);
void vgpu_sync_put(struct vgpu_sync_points *sync);

#endif
