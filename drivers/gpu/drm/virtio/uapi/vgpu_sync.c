// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: syncobjs
 *
 * An EXECBUFFER waits for its in-syncobjs and signals its out-syncobjs. All lookups and
 * allocations happen before the commit, and syncobjs change only after the commit, so a submission
 * that fails leaves the syncobjs unchanged and can be repeated.
 */

#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_ioctl.h"
#include "uapi/vgpu_sync.h"

/* Syncobjs one EXECBUFFER may name in either direction. */
#define VGPU_SYNC_MAX	65536

/**
 * vgpu_sync_put() - Drop the syncobjs that were found
 * @sync: the in- or out-syncobjs
 *
 * Context: process.
 */
void vgpu_sync_put(struct vgpu_sync *sync)
{
	u32 i;

	for (i = 0; i < sync->num_points; i++) {
		dma_fence_chain_free(sync->points[i].chain);
		dma_fence_put(sync->points[i].fence);
		drm_syncobj_put(sync->points[i].syncobj);
	}
	kvfree(sync->points);
}

static int vgpu_sync_read(const struct vgpu_sync *sync, u32 idx, u32 flags,
			  struct drm_virtgpu_execbuffer_syncobj *desc)
{
	const void __user *from = u64_to_user_ptr(sync->address);

	if (sync->count > VGPU_SYNC_MAX)
		return vgpu_refuse(sync->file->minor->dev, ENOMEM, "%u syncobjs are too many\n",
				   sync->count);

	/* Ignore fields beyond the known struct; missing fields are 0. */
	if (copy_from_user(desc, from + (size_t)idx * sync->stride,
			   min_t(size_t, sync->stride, sizeof(*desc))))
		return -EFAULT;
	if (desc->flags & ~flags)
		return vgpu_refuse(sync->file->minor->dev, EINVAL,
				   "syncobj: flags %#x are unknown\n", desc->flags);
	return 0;
}

/* Append the syncobj with a handle to @points. */
static int vgpu_sync_add(struct vgpu_sync *sync, u32 handle)
{
	struct drm_syncobj *syncobj;

	if (!sync->points) {
		sync->points = kvcalloc(sync->count, sizeof(*sync->points), GFP_KERNEL_ACCOUNT);
		if (!sync->points)
			return -ENOMEM;
	}

	syncobj = drm_syncobj_find(sync->file, handle);
	if (!syncobj)
		return vgpu_refuse(sync->file->minor->dev, ENOENT,
				   "syncobj: no syncobj has the handle %u\n", handle);
	sync->points[sync->num_points++].syncobj = syncobj;
	return 0;
}

/**
 * vgpu_sync_find_in() - Find the fence of an in-syncobj
 * @in: the in-syncobjs; one with the flag RESET is added to its points
 * @idx: index of the in-syncobj
 * @fence: set to the fence, with a reference
 *
 * The caller calls vgpu_sync_put(), also after an error.
 *
 * Context: process, may fault.
 * Return: 0; -EINVAL, also if the syncobj has no fence (yet); -ENOENT; -EFAULT; -ENOMEM, also for
 * too many syncobjs.
 */
int vgpu_sync_find_in(struct vgpu_sync *in, u32 idx, struct dma_fence **fence)
{
	struct drm_virtgpu_execbuffer_syncobj desc = {};
	struct vgpu_sync_point *point;
	int ret;

	ret = vgpu_sync_read(in, idx, VIRTGPU_EXECBUF_SYNCOBJ_FLAGS, &desc);
	if (!ret && (desc.flags & VIRTGPU_EXECBUF_SYNCOBJ_RESET)) {
		ret = vgpu_sync_add(in, desc.handle);
		if (!ret) {
			/* Before the lookup below: a fence set in between must not be reset. */
			point = &in->points[in->num_points - 1];
			point->fence = drm_syncobj_fence_get(point->syncobj);
		}
	}
	if (ret)
		return ret;

	ret = drm_syncobj_find_fence(in->file, desc.handle, desc.point, 0, fence);
	if (ret)
		drm_dbg(in->file->minor->dev, "in_syncobjs: number %u has no fence: %pe\n", idx,
			ERR_PTR(ret));
	return ret;
}

static int vgpu_sync_find_one_out(struct vgpu_sync *out, u32 idx)
{
	struct drm_virtgpu_execbuffer_syncobj desc = {};
	struct vgpu_sync_point *point;
	int ret;

	ret = vgpu_sync_read(out, idx, 0, &desc);
	if (!ret)
		ret = vgpu_sync_add(out, desc.handle);
	/* Like the kernel's own driver, return -ENOENT only for an unknown in-syncobj. */
	if (ret == -ENOENT)
		ret = -EINVAL;
	if (ret || !desc.point)
		return ret;

	point = &out->points[idx];
	point->point = desc.point;
	point->chain = dma_fence_chain_alloc();
	return point->chain ? 0 : -ENOMEM;
}

/**
 * vgpu_sync_find_out() - Find the syncobjs to signal
 * @out: the out-syncobjs
 *
 * The caller calls vgpu_sync_put(), also after an error.
 *
 * Context: process, may fault.
 * Return: 0; -EINVAL, also for an unknown handle; -EFAULT; -ENOMEM, also for too many
 * syncobjs.
 */
int vgpu_sync_find_out(struct vgpu_sync *out)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < out->count && !ret; i++)
		ret = vgpu_sync_find_one_out(out, i);
	return ret;
}

/* Reset a syncobj, unless another thread has replaced the fence that the submission waited for. */
static void vgpu_sync_reset(struct vgpu_sync_point *point)
{
	struct drm_syncobj *syncobj = point->syncobj;
	bool same;

	spin_lock(&syncobj->lock);
	same = point->fence == rcu_access_pointer(syncobj->fence);
	if (same)
		RCU_INIT_POINTER(syncobj->fence, NULL);
	spin_unlock(&syncobj->lock);
	/* Drop the reference that the syncobj had. */
	if (same)
		dma_fence_put(point->fence);
}

/**
 * vgpu_sync_reset_in() - Reset the in-syncobjs with the flag RESET
 * @in: the syncobjs; the submission that waits for their fences is committed
 *
 * Context: process; does not sleep.
 */
void vgpu_sync_reset_in(struct vgpu_sync *in)
{
	u32 i;

	for (i = 0; i < in->num_points; i++)
		vgpu_sync_reset(&in->points[i]);
}

/**
 * vgpu_sync_signal_out() - Set the fence of the out-syncobjs
 * @out: the syncobjs
 * @fence: the fence
 *
 * Context: process; does not sleep.
 */
void vgpu_sync_signal_out(struct vgpu_sync *out, struct dma_fence *fence)
{
	struct vgpu_sync_point *point;
	u32 i;

	for (i = 0; i < out->num_points; i++) {
		point = &out->points[i];
		if (point->chain)
			drm_syncobj_add_point(point->syncobj, point->chain, fence, point->point);
		else
			drm_syncobj_replace_fence(point->syncobj, fence);
		point->chain = NULL;
	}
}
