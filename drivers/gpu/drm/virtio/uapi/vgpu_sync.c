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
#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>

#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_sync.h"

/* Syncobjs one EXECBUFFER may name in either direction. */
#define VGPU_SYNC_MAX	65536

/**
 * vgpu_sync_put() - Drop the syncobjs of an array
 * @sync: the array, may be empty
 *
 * Context: process.
 */
void vgpu_sync_put(struct vgpu_sync_points *sync)
{
	u32 i;

	for (i = 0; i < sync->count; i++) {
		dma_fence_chain_free(sync->points[i].chain);
		dma_fence_put(sync->points[i].fence);
		drm_syncobj_put(sync->points[i].syncobj);
	}

	kvfree(sync->points);
	sync->points = NULL;
	sync->count = 0;
}

static int vgpu_sync_check(const struct vgpu_sync_array *array)
{
	if (array->count > VGPU_SYNC_MAX) {
		drm_dbg(array->file->minor->dev, "%u syncobjs are too many\n", array->count);
		return -ENOMEM;
	}
	return 0;
}

static int vgpu_sync_read(const struct vgpu_sync_array *array, u32 idx, u32 flags,
			  struct drm_virtgpu_execbuffer_syncobj *desc)
{
	const void __user *from = u64_to_user_ptr(array->address);

	/* Ignore fields beyond the known struct; missing fields are 0. */
	if (copy_from_user(desc, from + (size_t)idx * array->stride,
			   min_t(size_t, array->stride, sizeof(*desc))))
		return -EFAULT;
	if (desc->flags & ~flags) {
		drm_dbg(array->file->minor->dev, "syncobj: flags %#x are unknown\n", desc->flags);
		return -EINVAL;
	}
	return 0;
}

static int vgpu_sync_add(const struct vgpu_sync_array *array, u32 handle,
			 struct vgpu_sync_points *sync)
{
	struct drm_syncobj *syncobj;

	if (!sync->points) {
		sync->points = kvcalloc(array->count, sizeof(*sync->points), GFP_KERNEL_ACCOUNT);
		if (!sync->points)
			return -ENOMEM;
	}

	syncobj = drm_syncobj_find(array->file, handle);
	if (!syncobj) {
		drm_dbg(array->file->minor->dev, "syncobj: no syncobj has the handle %u\n", handle);
		return -ENOENT;
	}
	sync->points[sync->count++].syncobj = syncobj;
	return 0;
}

/**
 * vgpu_sync_find_in() - Find the fence of an in-syncobj
 * @array: the in-syncobjs
 * @idx: index of the in-syncobj
 * @reset: list of the in-syncobjs to reset, to which one with the flag RESET is added; the caller
 *         passes it to vgpu_sync_put()
 * @fence: set to the fence, with a reference
 *
 * Context: process, may fault.
 * Return: 0; -EINVAL, also if the syncobj has no fence (yet); -ENOENT; -EFAULT; -ENOMEM, also for
 * too many syncobjs.
 */
int vgpu_sync_find_in(const struct vgpu_sync_array *array, u32 idx,
		      struct vgpu_sync_points *reset, struct dma_fence **fence)
{
	struct drm_virtgpu_execbuffer_syncobj desc = {};
	struct vgpu_sync_point *point;
	int ret;

	ret = vgpu_sync_check(array);
	if (!ret)
		ret = vgpu_sync_read(array, idx, VIRTGPU_EXECBUF_SYNCOBJ_FLAGS, &desc);
	if (!ret && (desc.flags & VIRTGPU_EXECBUF_SYNCOBJ_RESET)) {
		ret = vgpu_sync_add(array, desc.handle, reset);
		if (!ret) {
			/* Before the lookup below: a fence set in between must not be reset. */
			point = &reset->points[reset->count - 1];
			point->fence = drm_syncobj_fence_get(point->syncobj);
		}
	}
	if (ret)
		return ret;

	ret = drm_syncobj_find_fence(array->file, desc.handle, desc.point, 0, fence);
	if (ret)
		drm_dbg(array->file->minor->dev, "in_syncobjs: number %u has no fence: %pe\n",
			idx, ERR_PTR(ret));
	return ret;
}

static int vgpu_sync_find_one_out(const struct vgpu_sync_array *array, u32 idx,
				  struct vgpu_sync_points *out)
{
	struct drm_virtgpu_execbuffer_syncobj desc = {};
	struct vgpu_sync_point *point;
	int ret;

	ret = vgpu_sync_read(array, idx, 0, &desc);
	if (!ret)
		ret = vgpu_sync_add(array, desc.handle, out);
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
 * @array: the out-syncobjs
 * @out: empty, filled in; the caller passes it to vgpu_sync_put(), also after an error
 *
 * Context: process, may fault.
 * Return: 0; -EINVAL, also for an unknown handle; -EFAULT; -ENOMEM, also for too many
 * syncobjs.
 */
int vgpu_sync_find_out(const struct vgpu_sync_array *array, struct vgpu_sync_points *out)
{
	int ret = vgpu_sync_check(array);
	u32 i;

	for (i = 0; i < array->count && !ret; i++)
		ret = vgpu_sync_find_one_out(array, i, out);
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
 * @reset: the syncobjs; the submission that waits for their fences is committed
 *
 * Context: process; does not sleep.
 */
void vgpu_sync_reset_in(const struct vgpu_sync_points *reset)
{
	u32 i;

	for (i = 0; i < reset->count; i++)
		vgpu_sync_reset(&reset->points[i]);
}

/**
 * vgpu_sync_signal_out() - Set the fence of the out-syncobjs
 * @out: the syncobjs
 * @fence: the fence
 *
 * Context: process; does not sleep.
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
