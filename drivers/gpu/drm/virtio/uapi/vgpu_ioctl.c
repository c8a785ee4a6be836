// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: ioctls
 *
 * Each function checks its arguments field by field and calls the layer that does the work. A
 * wrong field gets an errno and a debug message that names the field; a failed call leaves no
 * object behind.
 */

#include <linux/dma-resv.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "object/vgpu_attachment.h"
#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "object/vgpu_capset.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_reclaim.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"
#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_ioctl.h"

/* How long the ioctl WAIT waits at most. */
#define VGPU_WAIT_TIMEOUT_MS	15000

/* PIPE_TEXTURE_2D of Gallium, the only target that devices without 3D have. */
#define VGPU_TARGET_2D		2

static struct vgpu_gem *vgpu_ioctl_lookup(struct drm_file *file, u32 handle)
{
	struct vgpu_gem *gem = vgpu_gem_lookup(file, handle);

	if (!gem)
		drm_dbg(file->minor->dev, "bo_handle: no buffer has the handle %u\n", handle);
	return gem;
}

static int vgpu_ioctl_map(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_map *args = data;
	struct vgpu_gem *gem = vgpu_ioctl_lookup(file, args->handle);
	int ret = 0;

	if (!gem)
		return -ENOENT;

	/* This ioctl can wait and fail, a page fault cannot. */
	if (vgpu_hostmem_is(gem))
		ret = vgpu_resource_await_turn(&gem->res) ?:
		      vgpu_hostmem_map(gem, MAX_SCHEDULE_TIMEOUT);
	vgpu_gem_put(gem);
	return ret ?: drm_gem_dumb_map_offset(file, drm, args->handle, &args->offset);
}

/* Get the value of a parameter, or a negative errno. */
static s64 vgpu_ioctl_param(struct vgpu_device *vgpu, u64 param)
{
	const struct vgpu_features *f = &vgpu->features;

	switch (param) {
	case VIRTGPU_PARAM_3D_FEATURES:
		return f->virgl;
	case VIRTGPU_PARAM_CAPSET_QUERY_FIX:
		return 1;
	case VIRTGPU_PARAM_RESOURCE_BLOB:
		return f->blob;
	case VIRTGPU_PARAM_HOST_VISIBLE:
		return !!vgpu->hostmem;
	case VIRTGPU_PARAM_CROSS_DEVICE:
		return f->uuid;
	case VIRTGPU_PARAM_CONTEXT_INIT:
	case VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME:
		return f->context_init;
	case VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs:
		return (u32)vgpu_capsets_mask(vgpu);
	case VIRTGPU_PARAM_BLOB_ALIGNMENT:
		return f->blob_alignment > 1 ? (s64)f->blob_alignment : -ENOENT;
	default:
		return vgpu_refuse(&vgpu->drm, EINVAL, "param: %llu is unknown\n", param);
	}
}

static int vgpu_ioctl_getparam(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_getparam *args = data;
	s64 value = vgpu_ioctl_param(to_vgpu(drm), args->param);

	return value < 0 ? value : put_user((int)value, (int __user *)u64_to_user_ptr(args->value));
}

/* Check for a 2D resource, the only kind that devices without 3D have. */
static int vgpu_ioctl_check_2d(struct drm_device *drm,
			       const struct drm_virtgpu_resource_create *args)
{
	if (args->target != VGPU_TARGET_2D)
		return vgpu_refuse(drm, EINVAL, "target: %u needs 3D\n", args->target);
	if (args->depth > 1 || args->array_size > 1 || args->nr_samples > 1 ||
	    args->last_level > 1)
		return vgpu_refuse(drm, EINVAL,
				   "depth, array_size, nr_samples, last_level: need 3D\n");
	return 0;
}

static struct vgpu_gem *vgpu_ioctl_new_gem(struct vgpu_device *vgpu, struct vgpu_timeline *tl,
					   const struct drm_virtgpu_resource_create *args)
{
	const struct virtio_gpu_resource_create_3d texture = {
		.target = cpu_to_le32(args->target),
		.format = cpu_to_le32(args->format),
		.bind = cpu_to_le32(args->bind),
		.width = cpu_to_le32(args->width),
		.height = cpu_to_le32(args->height),
		.depth = cpu_to_le32(args->depth),
		.array_size = cpu_to_le32(args->array_size),
		.last_level = cpu_to_le32(args->last_level),
		.nr_samples = cpu_to_le32(args->nr_samples),
		.flags = cpu_to_le32(args->flags),
	};
	enum vgpu_resource_kind kind = vgpu->features.virgl ? VGPU_RESOURCE_3D : VGPU_RESOURCE_2D;
	int ret = kind == VGPU_RESOURCE_2D ? vgpu_ioctl_check_2d(&vgpu->drm, args) : 0;

	if (ret)
		return ERR_PTR(ret);
	return vgpu_gem_create_texture(vgpu, tl, kind, args->size, &texture);
}

static int vgpu_ioctl_resource_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_resource_create *args = data;
	struct vgpu_context *ctx = vgpu_context_of(file);
	struct vgpu_gem *gem;
	int ret;

	if (args->size > VGPU_GEM_MAX_BYTES)
		return vgpu_refuse(drm, EINVAL, "size: %u is too large\n", args->size);

	ret = vgpu_context_throttle(ctx, VGPU_BUDGET_WORK);
	if (ret)
		return ret;

	gem = vgpu_ioctl_new_gem(to_vgpu(drm), ctx->timeline, args);
	if (IS_ERR(gem))
		return PTR_ERR(gem);
	args->res_handle = gem->res.id;
	return vgpu_gem_publish(gem, file, &args->bo_handle);
}

static int vgpu_ioctl_resource_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_resource_info *args = data;
	struct vgpu_gem *gem = vgpu_ioctl_lookup(file, args->bo_handle);

	if (!gem)
		return -ENOENT;
	args->size = gem->base.base.size;
	args->res_handle = gem->res.id;
	args->blob_mem = gem->res.blob_mem;
	vgpu_gem_put(gem);
	return 0;
}

/* The two transfer ioctls have structs of their own with the same fields. */
static_assert(sizeof(struct drm_virtgpu_3d_transfer_to_host) ==
	      sizeof(struct drm_virtgpu_3d_transfer_from_host));
static_assert(offsetof(struct drm_virtgpu_3d_transfer_to_host, layer_stride) ==
	      offsetof(struct drm_virtgpu_3d_transfer_from_host, layer_stride));

static int vgpu_ioctl_check_transfer(struct drm_device *drm, const struct vgpu_gem *gem,
				     const struct drm_virtgpu_3d_transfer_to_host *args)
{
	if (gem->res.blob_mem == VIRTGPU_BLOB_MEM_GUEST)
		return vgpu_refuse(drm, EINVAL, "bo_handle: %u is a guest blob\n", args->bo_handle);
	/* Without 3D there is no host blob, and the strides are ignored. */
	if (to_vgpu(drm)->features.virgl && gem->res.kind != VGPU_RESOURCE_BLOB &&
	    (args->stride || args->layer_stride))
		return vgpu_refuse(drm, EINVAL,
				   "stride, layer_stride: must be 0 except for a host blob\n");
	return vgpu_resource_error(&gem->res) ? -EIO : 0;
}

static struct virtio_gpu_transfer_host_3d
vgpu_ioctl_transfer_request(const struct drm_virtgpu_3d_transfer_to_host *args)
{
	return (struct virtio_gpu_transfer_host_3d){
		.box.x = cpu_to_le32(args->box.x),
		.box.y = cpu_to_le32(args->box.y),
		.box.z = cpu_to_le32(args->box.z),
		.box.w = cpu_to_le32(args->box.w),
		.box.h = cpu_to_le32(args->box.h),
		.box.d = cpu_to_le32(args->box.d),
		.offset = cpu_to_le64(args->offset),
		.level = cpu_to_le32(args->level),
		.stride = cpu_to_le32(args->stride),
		.layer_stride = cpu_to_le32(args->layer_stride),
	};
}

/* Post a transfer, and add its fence to the buffer. */
static int vgpu_ioctl_post_locked(struct drm_file *file, struct vgpu_gem *gem, bool to_host,
				  const struct drm_virtgpu_3d_transfer_to_host *args,
				  struct vgpu_cmd *cmd)
{
	const struct virtio_gpu_transfer_host_3d transfer = vgpu_ioctl_transfer_request(args);
	struct vgpu_context *ctx = vgpu_context_of(file);
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_submitq_entry *entry;
	struct vgpu_fence *fence;
	int ret;

	dma_resv_assert_held(resv);

	/* Another thread may have closed the handle since it was looked up. */
	if (!vgpu_gem_has_handle_locked(gem, file, args->bo_handle))
		return -ENOENT;

	ret = vgpu_reclaim_use_locked(gem);
	if (!ret && ctx->vgpu->bounces)
		ret = vgpu_bounce_prepare_locked(gem, to_host, &transfer, cmd);
	if (!ret)
		ret = dma_resv_reserve_fences(resv, 1);
	if (ret)
		return ret;

	entry = vgpu_attachment_prepare_turn(gem, ctx->submitq);
	if (IS_ERR(entry))
		return PTR_ERR(entry);

	fence = vgpu_fence_create(ctx->timeline);
	if (IS_ERR(fence)) {
		vgpu_submitq_abandon(entry);
		return PTR_ERR(fence);
	}

	vgpu_submitq_post(entry, cmd, &ctx->owner, fence);
	dma_resv_add_fence(resv, &fence->base, DMA_RESV_USAGE_WRITE);
	vgpu_fence_put(fence);
	return 0;
}

/* Post a transfer. Takes over the reference to @cmd. */
static int vgpu_ioctl_post(struct drm_file *file, struct vgpu_gem *gem, bool to_host,
			   const struct drm_virtgpu_3d_transfer_to_host *args,
			   struct vgpu_cmd *cmd)
{
	struct dma_resv *resv = gem->base.base.resv;
	int ret;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (!ret) {
		ret = vgpu_ioctl_post_locked(file, gem, to_host, args, cmd);
		dma_resv_unlock(resv);
	}
	if (ret)
		vgpu_cmd_put(cmd);
	return ret;
}

static int vgpu_ioctl_transfer_3d(struct vgpu_device *vgpu, struct drm_file *file,
				  struct vgpu_gem *gem, bool to_host,
				  const struct drm_virtgpu_3d_transfer_to_host *args)
{
	const struct virtio_gpu_transfer_host_3d transfer = vgpu_ioctl_transfer_request(args);
	struct vgpu_context *ctx = vgpu_context_of(file);
	struct vgpu_cmd *cmd;
	int ret;

	ret = vgpu_context_ensure(ctx);
	if (ret)
		return ret;
	cmd = vgpu_cmd_transfer_3d(vgpu->cmdq, gem->res.id, ctx->id, to_host, &transfer);
	return vgpu_ioctl_post(file, gem, to_host, args, cmd);
}

static int vgpu_ioctl_transfer_2d(struct vgpu_device *vgpu, struct drm_file *file,
				  struct vgpu_gem *gem,
				  const struct drm_virtgpu_3d_transfer_to_host *args)
{
	const struct drm_virtgpu_3d_box *box = &args->box;
	const struct virtio_gpu_rect rect = vgpu_wire_rect(box->x, box->y, box->w, box->h);
	int ret;

	/* With 3D the host checks the box, without 3D the driver does. */
	if ((u64)box->x + box->w > gem->res.width || (u64)box->y + box->h > gem->res.height)
		return vgpu_refuse(&vgpu->drm, EINVAL, "box: is not inside %u × %u\n",
				   gem->res.width, gem->res.height);

	/* The host clips a transfer that only ends beyond the buffer: IGT uploads such boxes. */
	if (args->offset >= gem->base.base.size)
		return vgpu_refuse(&vgpu->drm, EINVAL, "offset: %u is beyond the buffer\n",
				   args->offset);

	ret = vgpu_cmdq_begin_update(vgpu->cmdq, GFP_KERNEL);
	if (ret)
		return ret;
	ret = vgpu_ioctl_post(file, gem, true, args,
			      vgpu_cmd_transfer_to_host_2d(vgpu->cmdq, gem->res.id, &rect,
							   args->offset));
	vgpu_cmdq_end_update(vgpu->cmdq);
	return ret;
}

static int vgpu_ioctl_transfer(struct drm_device *drm, struct drm_file *file, bool to_host,
			       const struct drm_virtgpu_3d_transfer_to_host *args)
{
	struct vgpu_device *vgpu = to_vgpu(drm);
	struct vgpu_gem *gem;
	int ret;

	if (!to_host && !vgpu->features.virgl)
		return vgpu_refuse(drm, ENOSYS, "transfers from the host need a device with 3D\n");

	ret = vgpu_context_throttle(vgpu_context_of(file), VGPU_BUDGET_WORK);
	if (ret)
		return ret;

	gem = vgpu_ioctl_lookup(file, args->bo_handle);
	if (!gem)
		return -ENOENT;

	ret = vgpu_ioctl_check_transfer(drm, gem, args);
	if (!ret && vgpu->features.virgl)
		ret = vgpu_ioctl_transfer_3d(vgpu, file, gem, to_host, args);
	else if (!ret)
		ret = vgpu_ioctl_transfer_2d(vgpu, file, gem, args);

	vgpu_gem_put(gem);
	/* Kick even on error: vgpu_reclaim_use_locked() may have queued ATTACH_BACKING. */
	vgpu_cmdq_kick(vgpu->cmdq);
	return ret;
}

static int vgpu_ioctl_transfer_to_host(struct drm_device *drm, void *data, struct drm_file *file)
{
	return vgpu_ioctl_transfer(drm, file, true, data);
}

static int vgpu_ioctl_transfer_from_host(struct drm_device *drm, void *data,
					 struct drm_file *file)
{
	return vgpu_ioctl_transfer(drm, file, false, data);
}

static int vgpu_ioctl_wait(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_3d_wait *args = data;
	struct drm_gem_object *obj;
	struct vgpu_gem *gem;
	long left = 1;
	int ret;

	gem = vgpu_ioctl_lookup(file, args->handle);
	if (!gem)
		return -ENOENT;
	obj = &gem->base.base;

	if (!dma_resv_test_signaled(obj->resv, DMA_RESV_USAGE_READ)) {
		vgpu_cmdq_poll(to_vgpu(drm)->cmdq);
		if (args->flags & VIRTGPU_WAIT_NOWAIT)
			left = dma_resv_test_signaled(obj->resv, DMA_RESV_USAGE_READ);
		else
			left = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_READ, true,
						     msecs_to_jiffies(VGPU_WAIT_TIMEOUT_MS));
	}

	ret = left < 0 ? left : left ? 0 : -EBUSY;
	/* The buffer is idle, but user space must learn that the host refused or lost it. */
	if (!ret)
		ret = vgpu_resource_error(&gem->res) ? -EIO : vgpu_cmdq_error(to_vgpu(drm)->cmdq);
	vgpu_gem_put(gem);
	return ret;
}

static int vgpu_ioctl_get_caps(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_get_caps *args = data;
	const void *caps;
	u32 size;

	caps = vgpu_capset_get(to_vgpu(drm), args->cap_set_id, args->cap_set_ver, &size);
	if (IS_ERR(caps))
		return PTR_ERR(caps);

	if (!args->size)
		return vgpu_refuse(drm, EINVAL, "size: is 0\n");
	if (copy_to_user(u64_to_user_ptr(args->addr), caps, min(args->size, size)))
		return -EFAULT;
	return 0;
}

#define VGPU_IOCTL(name, function) \
	DRM_IOCTL_DEF_DRV(VIRTGPU_##name, function, DRM_RENDER_ALLOW)

const struct drm_ioctl_desc vgpu_ioctls[VGPU_NUM_IOCTLS] = {
	VGPU_IOCTL(MAP, vgpu_ioctl_map),
	VGPU_IOCTL(EXECBUFFER, vgpu_submit_ioctl),
	VGPU_IOCTL(GETPARAM, vgpu_ioctl_getparam),
	VGPU_IOCTL(RESOURCE_CREATE, vgpu_ioctl_resource_create),
	VGPU_IOCTL(RESOURCE_INFO, vgpu_ioctl_resource_info),
	VGPU_IOCTL(TRANSFER_FROM_HOST, vgpu_ioctl_transfer_from_host),
	VGPU_IOCTL(TRANSFER_TO_HOST, vgpu_ioctl_transfer_to_host),
	VGPU_IOCTL(WAIT, vgpu_ioctl_wait),
	VGPU_IOCTL(GET_CAPS, vgpu_ioctl_get_caps),
	VGPU_IOCTL(RESOURCE_CREATE_BLOB, vgpu_blob_ioctl),
	VGPU_IOCTL(CONTEXT_INIT, vgpu_context_init_ioctl),
};
