// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: syncobjs
 *
 * The syncobjs an EXECBUFFER waits for and those it signals. All are looked up and
 * everything they need is allocated before anything is sent; they change only
 * after it was, so a submission that fails leaves them as they were and can be
 * repeated.
 */

#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>

#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_sync.h"

/* Syncobjs one EXECBUFFER may name in either direction. */
#define VGPU_SYNC_MAX	4096

/**
 * vgpu_sync_put() - drop the syncobjs of an array
 * @sync: the array, may be empty
 *
 * Context: process.
 */
void vgpu_sync_put(struct vgpu_sync_points *sync)
{
	u32 i;

	for (i = 0; i < sync->count; i++) {
		dma_fence_chain_free(sync->points[i].chain);
		drm_syncobj_put(sync->points[i].syncobj);
	}
	kvfree(sync->points);
	sync->points = NULL;
	sync->count = 0;
}

static int vgpu_sync_lookup_one(struct drm_file *file,
				const struct drm_virtgpu_execbuffer_syncobj *desc, u32 flags,
				struct vgpu_sync_point *point)
{
	if (desc->flags & ~flags) {
		drm_dbg(file->minor->dev, "syncobj: flags %#x are unknown\n", desc->flags);
		return -EINVAL;
	}
	point->syncobj = drm_syncobj_find(file, desc->handle);
	if (!point->syncobj) {
		drm_dbg(file->minor->dev, "syncobj: %u is none\n", desc->handle);
		return -ENOENT;
	}
	point->point = desc->point;
	point->reset = desc->flags & VIRTGPU_EXECBUF_SYNCOBJ_RESET;
	return 0;
}

static int vgpu_sync_lookup(struct drm_file *file, u64 address, u32 count, u32 stride, u32 flags,
			    struct vgpu_sync_points *sync)
{
	const void __user *from = u64_to_user_ptr(address);
	int ret;

	if (count > VGPU_SYNC_MAX || !stride) {
		drm_dbg(file->minor->dev, "%u syncobjs of stride %u\n", count, stride);
		return -EINVAL;
	}
	sync->points = kvcalloc(count, sizeof(*sync->points), GFP_KERNEL_ACCOUNT);
	if (!sync->points)
		return -ENOMEM;
	while (sync->count < count) {
		struct drm_virtgpu_execbuffer_syncobj desc = {};

		ret = copy_struct_from_user(&desc, sizeof(desc), from, stride);
		if (!ret)
			ret = vgpu_sync_lookup_one(file, &desc, flags,
						   &sync->points[sync->count]);
		if (ret) {
			vgpu_sync_put(sync);
			return ret;
		}
		sync->count++;
		from += stride;
	}
	return 0;
}

/**
 * vgpu_sync_lookup_in() - find the syncobjs to wait for
 * @file: whose they are
 * @address: of an array of drm_virtgpu_execbuffer_syncobj in user space
 * @count: its length, not 0
 * @stride: bytes from one to the next
 * @in: empty; filled in; to be given to vgpu_sync_put() after success
 *
 * Context: process, may fault.
 * Return: 0, -EINVAL, -ENOENT, -E2BIG for a stride with unknown fields, -EFAULT, -ENOMEM.
 */
int vgpu_sync_lookup_in(struct drm_file *file, u64 address, u32 count, u32 stride,
			struct vgpu_sync_points *in)
{
	return vgpu_sync_lookup(file, address, count, stride, VIRTGPU_EXECBUF_SYNCOBJ_FLAGS, in);
}

/**
 * vgpu_sync_lookup_out() - find the syncobjs to signal
 * @file: whose they are
 * @address: of an array of drm_virtgpu_execbuffer_syncobj in user space
 * @count: its length, not 0
 * @stride: bytes from one to the next
 * @out: empty; filled in; to be given to vgpu_sync_put() after success
 *
 * Context: process, may fault.
 * Return: as vgpu_sync_lookup_in().
 */
int vgpu_sync_lookup_out(struct drm_file *file, u64 address, u32 count, u32 stride,
			 struct vgpu_sync_points *out)
{
	u32 i;
	int ret;

	ret = vgpu_sync_lookup(file, address, count, stride, 0, out);
	if (ret)
		return ret;
	for (i = 0; i < out->count; i++) {
		if (!out->points[i].point)
			continue;
		out->points[i].chain = dma_fence_chain_alloc();
		if (!out->points[i].chain) {
			vgpu_sync_put(out);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * vgpu_sync_get_fences() - the fences behind syncobjs
 * @file: whose they are
 * @in: the syncobjs
 * @fences: room for one each; filled from the beginning
 * @num_fences: counts up for each fence, which is referenced, also on error
 *
 * Context: process.
 * Return: 0; -EINVAL when one has no fence (yet).
 */
int vgpu_sync_get_fences(struct drm_file *file, const struct vgpu_sync_points *in,
			 struct dma_fence **fences, u32 *num_fences)
{
	struct vgpu_sync_point *point;
	struct dma_fence *fence;
	u32 i;
	int ret;

	for (i = 0; i < in->count; i++) {
		point = &in->points[i];
		fence = drm_syncobj_fence_get(point->syncobj);
		ret = fence ? 0 : -EINVAL;
		if (!ret && point->point)
			ret = dma_fence_chain_find_seqno(&fence, point->point);
		if (ret) {
			drm_dbg(file->minor->dev, "in_syncobjs: number %u has no fence\n", i);
			dma_fence_put(fence);
			return ret;
		}
		/* A point that has long signalled has no fence any more. */
		if (fence)
			fences[(*num_fences)++] = fence;
	}
	return 0;
}

/**
 * vgpu_sync_reset_in() - reset the syncobjs that are to be reset
 * @in: the syncobjs; what waits for them has been sent
 */
void vgpu_sync_reset_in(const struct vgpu_sync_points *in)
{
	u32 i;

	for (i = 0; i < in->count; i++)
		if (in->points[i].reset)
			drm_syncobj_replace_fence(in->points[i].syncobj, NULL);
}

/**
 * vgpu_sync_signal_out() - have syncobjs signal with a fence
 * @out: the syncobjs
 * @fence: the fence
 */
void vgpu_sync_signal_out(struct vgpu_sync_points *out, struct dma_fence *fence)
{
	struct vgpu_sync_point *point;
	u32 i;

	for (i = 0; i < out->count; i++) {
		point = &out->points[i];
		if (point->chain)
			drm_syncobj_add_point(point->syncobj, point->chain, fence, point->point);
		else
			drm_syncobj_replace_fence(point->syncobj, fence);
		point->chain = NULL;
	}
}
