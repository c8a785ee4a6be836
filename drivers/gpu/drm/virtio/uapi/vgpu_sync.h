/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SYNC_H
#define VGPU_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct dma_fence_chain;
struct drm_file;
struct drm_syncobj;

/**
 * struct vgpu_sync_point - a syncobj an EXECBUFFER names
 * @syncobj: referenced
 * @chain: for the point of a timeline, NULL for a binary syncobj
 * @point: of the timeline
 * @reset: to be reset
 */
struct vgpu_sync_point {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
	bool reset;
};

/**
 * struct vgpu_sync_points - an array of syncobjs of an EXECBUFFER
 * @points: the syncobjs, NULL for none
 * @count: how many
 */
struct vgpu_sync_points {
	struct vgpu_sync_point *points;
	u32 count;
};

int vgpu_sync_lookup_in(struct drm_file *file, u64 address, u32 count, u32 stride,
			struct vgpu_sync_points *in);
int vgpu_sync_lookup_out(struct drm_file *file, u64 address, u32 count, u32 stride,
			 struct vgpu_sync_points *out);
int vgpu_sync_get_fences(struct drm_file *file, const struct vgpu_sync_points *in,
			 struct dma_fence **fences, u32 *num_fences);
void vgpu_sync_reset_in(const struct vgpu_sync_points *in);
void vgpu_sync_signal_out(struct vgpu_sync_points *out, struct dma_fence *fence);
void vgpu_sync_put(struct vgpu_sync_points *sync);

#endif
