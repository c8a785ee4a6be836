// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: RESOURCE_CREATE_BLOB
 *
 * A blob is memory without a format: of the guest, of the host's renderer, or of both. The ioctl
 * may carry a command stream that creates the memory of a renderer blob; the host executes the
 * stream first. The stream and the creation of a renderer blob follow the client's earlier
 * submissions, one of which may create the memory. If those wait for a fence, the creation waits
 * behind them in the submission queue, while the ioctl returns. Like the kernel's own driver, the
 * ioctl ignores unknown hints and padding.
 */

#include <linux/sizes.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_submitq.h"
#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_ioctl.h"

#define VGPU_BLOB_FLAGS		(VIRTGPU_BLOB_FLAG_USE_MAPPABLE | \
				 VIRTGPU_BLOB_FLAG_USE_SHAREABLE | \
				 VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE)

static int vgpu_blob_check_mem(struct vgpu_device *vgpu,
			       const struct drm_virtgpu_resource_create_blob *args)
{
	struct drm_device *drm = &vgpu->drm;

	switch (args->blob_mem) {
	case VIRTGPU_BLOB_MEM_GUEST:
		if (args->blob_id || args->cmd_size)
			return vgpu_refuse(drm, EINVAL,
					   "blob_id, cmd_size: must be 0 for a guest blob\n");
		return 0;
	case VIRTGPU_BLOB_MEM_HOST3D:
	case VIRTGPU_BLOB_MEM_HOST3D_GUEST:
		if (!vgpu->features.virgl)
			return vgpu_refuse(drm, EINVAL, "blob_mem: %u needs 3D\n", args->blob_mem);
		if (args->blob_mem == VIRTGPU_BLOB_MEM_HOST3D && !vgpu->hostmem &&
		    (args->blob_flags & VIRTGPU_BLOB_FLAG_USE_MAPPABLE))
			return vgpu_refuse(drm, EINVAL,
					   "blob_flags: USE_MAPPABLE needs host-visible memory\n");
		if (args->cmd_size % 4)
			return vgpu_refuse(drm, EINVAL, "cmd_size: %u is not a multiple of 4\n",
					   args->cmd_size);
		return 0;
	default:
		return vgpu_refuse(drm, EINVAL, "blob_mem: %u is unknown\n", args->blob_mem);
	}
}

static int vgpu_blob_check(struct vgpu_device *vgpu,
			   const struct drm_virtgpu_resource_create_blob *args)
{
	bool guest = args->blob_mem != VIRTGPU_BLOB_MEM_HOST3D;
	u32 alignment = vgpu->features.blob_alignment;
	struct drm_device *drm = &vgpu->drm;
	int ret;

	if (!vgpu->features.blob)
		return vgpu_refuse(drm, EINVAL, "the device does not support blobs\n");
	if (args->blob_flags & ~VGPU_BLOB_FLAGS)
		return vgpu_refuse(drm, EINVAL, "blob_flags: %#x are unknown\n", args->blob_flags);
	if ((args->blob_flags & VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE) && !vgpu->features.uuid)
		return vgpu_refuse(drm, EINVAL, "blob_flags: USE_CROSS_DEVICE needs UUIDs\n");

	ret = vgpu_blob_check_mem(vgpu, args);
	if (ret)
		return ret;

	if (!PAGE_ALIGN(args->size))
		return vgpu_refuse(drm, ENOSPC, "size: %llu is 0 or overflows\n", args->size);
	if (!IS_ALIGNED(args->size, alignment))
		return vgpu_refuse(drm, EINVAL, "size: %llu is not a multiple of %u\n", args->size,
				   alignment);
	if (args->size > SZ_1T || (guest && args->size > VGPU_GEM_MAX_BYTES))
		return vgpu_refuse(drm, EINVAL, "size: %llu is too large\n", args->size);
	return 0;
}

/* Submit the command stream with which the renderer creates the memory, if there is one. */
static int vgpu_blob_run_stream(struct vgpu_device *vgpu, struct vgpu_context *ctx,
				const struct drm_virtgpu_resource_create_blob *args)
{
	struct vgpu_submitq_entry *entry;
	struct vgpu_cmd *cmd;

	if (!args->cmd_size)
		return 0;

	cmd = vgpu_cmd_submit_3d(vgpu->cmdq, ctx->id, u64_to_user_ptr(args->cmd), args->cmd_size);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);

	entry = vgpu_submitq_prepare(ctx->submitq, NULL);
	if (IS_ERR(entry)) {
		vgpu_cmd_put(cmd);
		return PTR_ERR(entry);
	}
	vgpu_cmd_set_busy(cmd, ctx->timeline);
	vgpu_submitq_post(entry, cmd, &ctx->owner, NULL);
	return 0;
}

static struct vgpu_gem *vgpu_blob_create(struct vgpu_device *vgpu, struct vgpu_context *ctx,
					 const struct drm_virtgpu_resource_create_blob *args)
{
	struct vgpu_gem_blob blob = {
		.size_bytes = PAGE_ALIGN(args->size),
		.mem = args->blob_mem,
		.flags = args->blob_flags,
		.id = args->blob_id,
	};
	int ret;

	if (args->blob_mem != VIRTGPU_BLOB_MEM_GUEST) {
		ret = vgpu_context_ensure(ctx);
		if (!ret)
			ret = vgpu_blob_run_stream(vgpu, ctx, args);
		if (ret)
			return ERR_PTR(ret);
		blob.ctx = ctx;
	}
	return vgpu_gem_create_blob(vgpu, ctx->timeline, &blob);
}

/**
 * vgpu_blob_ioctl() - Handle DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB
 * @drm: the device
 * @data: struct drm_virtgpu_resource_create_blob
 * @file: the client
 *
 * Context: process; sleeps interruptibly while the client is throttled.
 * Return: 0; -EINVAL for an unknown flag or memory type, a bad size, or a missing feature of the
 * device; -ENOSPC for a size of 0, or without ids; -E2BIG; -EFAULT; -ENOMEM; -EIO for a lost
 * context; -ERESTARTSYS; -ENODEV if the device is gone. An error of the host becomes the sticky
 * error of the resource.
 */
int vgpu_blob_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_virtgpu_resource_create_blob *args = data;
	struct vgpu_context *ctx = vgpu_context_of(file);
	struct vgpu_device *vgpu = to_vgpu(drm);
	struct vgpu_gem *gem;
	int ret;

	ret = vgpu_blob_check(vgpu, args);
	if (ret)
		return ret;

	ret = vgpu_context_throttle(ctx, VGPU_BUDGET_WORK);
	if (ret)
		return ret;

	gem = vgpu_blob_create(vgpu, ctx, args);
	if (IS_ERR(gem))
		return PTR_ERR(gem);
	args->res_handle = gem->res.id;
	return vgpu_gem_publish(gem, file, &args->bo_handle);
}
