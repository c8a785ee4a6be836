// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: CPU access through a dma-buf
 *
 * The pages of a texture hold what a client last transferred, not what the host drew. A screen
 * grabber that exports the framebuffer, maps it and reads would see black. So the beginning of
 * a CPU access transfers the picture from the host to the pages, and the end of a write access
 * transfers it back.
 *
 * The driver does this for what can be shown: level 0 of a 2D texture of one sample and one layer.
 * Other buffers have their content in the pages, or hold no picture. A buffer that its own client
 * has mapped for writing since the last transfer is left alone, since its pages may hold data that
 * the host does not have yet.
 *
 * Importers call this in their commit tails, so it waits no longer than a display update may take.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>

#include <drm/drm_drv.h>

#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_readback.h"
#include "object/vgpu_reclaim.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/* How long one access waits: for earlier work and for its transfer together. */
#define VGPU_READBACK_LIMIT_MS	5000

static bool vgpu_readback_is_possible(const struct vgpu_gem *gem)
{
	return gem->res.kind == VGPU_RESOURCE_3D && gem->res.is_plain_2d &&
	       !READ_ONCE(gem->cpu_writes);
}

/* Post the transfer, with a fence that users of the buffer wait for. */
static int vgpu_readback_post_locked(struct vgpu_gem *gem, bool to_host, struct vgpu_fence **fence)
{
	const struct virtio_gpu_transfer_host_3d transfer = {
		.box.w = cpu_to_le32(gem->res.width),
		.box.h = cpu_to_le32(gem->res.height),
		.box.d = cpu_to_le32(1),
	};
	const struct vgpu_bounce_area area = vgpu_bounce_area(gem, &transfer);
	struct vgpu_cmdq *q = gem->res.vgpu->cmdq;
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_cmd *cmd;
	int ret;

	dma_resv_assert_held(resv);

	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		ret = vgpu_reclaim_use_locked(gem);
	if (ret)
		return ret;

	cmd = vgpu_cmd_transfer_3d(q, gem->res.id, 0, to_host, &transfer);
	if (to_host)
		vgpu_bounce_to_device(gem, &area);
	else
		ret = vgpu_bounce_from_device_locked(gem, &area, cmd);

	*fence = ret ? ERR_PTR(ret) : vgpu_fence_create_alone("readback");
	if (IS_ERR(*fence)) {
		vgpu_cmd_put(cmd);
		return PTR_ERR(*fence);
	}

	dma_resv_add_fence(resv, &(*fence)->base, DMA_RESV_USAGE_WRITE);
	vgpu_cmd_post_fenced(cmd, &gem->res.owner, *fence);
	return 0;
}

static long vgpu_readback_wait(long left)
{
	return left > 0 ? 0 : left ?: -ETIMEDOUT;
}

/* Wait for rendering to the buffer, then transfer the whole picture and wait for the transfer. */
static int vgpu_readback_transfer(struct vgpu_gem *gem, bool to_host)
{
	long left = msecs_to_jiffies(VGPU_READBACK_LIMIT_MS);
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_fence *fence;
	int ret;

	left = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_WRITE, true, left);
	if (left <= 0)
		return vgpu_readback_wait(left);

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;
	ret = vgpu_readback_post_locked(gem, to_host, &fence);
	dma_resv_unlock(resv);
	vgpu_cmdq_kick(gem->res.vgpu->cmdq);
	if (ret)
		return ret;

	left = dma_fence_wait_timeout(&fence->base, true, left);
	ret = left > 0 ? fence->base.error : vgpu_readback_wait(left);
	vgpu_fence_put(fence);
	return ret;
}

static int vgpu_readback_run(struct vgpu_gem *gem, bool to_host)
{
	int ret, idx;

	if (vgpu_resource_error(&gem->res))
		return -EIO;
	if (!drm_dev_enter(gem->base.base.dev, &idx))
		return -ENODEV;
	ret = vgpu_readback_transfer(gem, to_host);
	drm_dev_exit(idx);
	return ret;
}

/**
 * vgpu_readback_begin() - Implement &dma_buf_ops.begin_cpu_access
 * @buf: a dma-buf of this driver
 * @dir: direction of the access; a write also needs the picture, for the pixels it leaves alone
 *
 * Context: process, sleeps interruptibly, for at most VGPU_READBACK_LIMIT_MS.
 * Return: 0; -ERESTARTSYS; -ETIMEDOUT; -ENOMEM; -EIO if the host refused or lost the resource;
 * another error of the transfer; -ENODEV if the device is gone.
 */
int vgpu_readback_begin(struct dma_buf *buf, enum dma_data_direction dir)
{
	struct vgpu_gem *gem = to_vgpu_gem(buf->priv);

	return vgpu_readback_is_possible(gem) ? vgpu_readback_run(gem, false) : 0;
}

/**
 * vgpu_readback_end() - Implement &dma_buf_ops.end_cpu_access
 * @buf: a dma-buf of this driver
 * @dir: direction of the access
 *
 * Context: process, sleeps like vgpu_readback_begin().
 * Return: as vgpu_readback_begin().
 */
int vgpu_readback_end(struct dma_buf *buf, enum dma_data_direction dir)
{
	struct vgpu_gem *gem = to_vgpu_gem(buf->priv);

	if (dir == DMA_FROM_DEVICE || !vgpu_readback_is_possible(gem))
		return 0;
	return vgpu_readback_run(gem, true);
}
