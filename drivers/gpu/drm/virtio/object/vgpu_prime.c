// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: sharing
 *
 * The driver exports buffers as virtio dma-bufs: other drivers of this guest can map the pages,
 * and drivers of other virtio devices can ask for the UUID under which their devices find the
 * resource on the host. A device that imports its own dma-buf gets the original buffer.
 *
 * The pages of a texture hold what a client last transferred, not what the host drew. A screen
 * grabber that exports the framebuffer, maps it and reads would see black. So the beginning of a
 * CPU access transfers the picture from the host to the pages, and the end of a write access
 * transfers it back. The driver does this for what can be shown: level 0 of a 2D texture of one
 * sample and one layer. Other buffers have their content in the pages, or hold no picture. A buffer
 * that a client has mapped for writing is left alone from then on, since its pages may hold data
 * that the host does not have yet: Mesa maps a texture once, and writes to it between transfers
 * without another ioctl. Importers call this in their commit tails, so it waits interruptibly and
 * no longer than a display update may take.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/virtio.h>
#include <linux/virtio_dma_buf.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>

#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_import.h"
#include "object/vgpu_prime.h"
#include "object/vgpu_reclaim.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/*
 * Protects vgpu_gem.uuid of all buffers: one lock for all, since the driver asks for a UUID once in
 * a buffer's life, if ever, and again after a reset. Not held during the wait for the host.
 */
static DEFINE_MUTEX(vgpu_prime_uuid_lock);

/* ---- UUIDs ---- */

static bool vgpu_prime_may_have_uuid(const struct vgpu_gem *gem)
{
	const struct vgpu_resource *res = &gem->res;

	if (!res->vgpu->features.uuid)
		return false;
	return res->kind != VGPU_RESOURCE_BLOB ||
	       (res->blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE);
}

static bool vgpu_prime_know_uuid(struct vgpu_gem *gem, u32 era, uuid_t *uuid)
{
	guard(mutex)(&vgpu_prime_uuid_lock);
	if (gem->uuid_era != era)
		return false;
	*uuid = gem->uuid;
	return true;
}

/* If two callers have asked the host in an era, both use the first answer. */
static void vgpu_prime_learn_uuid(struct vgpu_gem *gem, u32 era, uuid_t *uuid)
{
	guard(mutex)(&vgpu_prime_uuid_lock);
	if (gem->uuid_era == era)
		*uuid = gem->uuid;
	gem->uuid = *uuid;
	gem->uuid_era = era;
}

/* An interrupted wait returns -EINTR, since the caller may not be a system call. */
static int vgpu_prime_get_uuid(struct dma_buf *buf, uuid_t *uuid)
{
	struct vgpu_gem *gem = to_vgpu_gem(buf->priv);
	struct vgpu_device *vgpu = gem->res.vgpu;
	u32 era = READ_ONCE(vgpu->resources->era);
	int ret = 0, idx;

	if (!vgpu_prime_may_have_uuid(gem))
		return -ENODEV;
	if (vgpu_resource_error(&gem->res))
		return -EIO;
	if (!drm_dev_enter(&vgpu->drm, &idx))
		return -ENODEV;

	if (!vgpu_prime_know_uuid(gem, era, uuid)) {
		ret = vgpu_cmd_assign_uuid(vgpu->cmdq, gem->res.id, uuid);
		if (!ret)
			vgpu_prime_learn_uuid(gem, era, uuid);
	}
	drm_dev_exit(idx);
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

static int vgpu_prime_is_virtio(struct device *dev, void *data)
{
	return is_virtio_device(dev);
}

/* Check whether an importer is a virtio device, or the bus device of one, and can have a UUID. */
static bool vgpu_prime_goes_by_uuid(const struct dma_buf_attachment *attach)
{
	if (!vgpu_prime_may_have_uuid(to_vgpu_gem(attach->dmabuf->priv)))
		return false;
	return is_virtio_device(attach->dev) ||
	       device_for_each_child(attach->dev, NULL, vgpu_prime_is_virtio);
}

/* ---- mappings ---- */

static struct sg_table *vgpu_prime_map(struct dma_buf_attachment *attach,
				       enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attach->dmabuf->priv;

	if (vgpu_hostmem_is(to_vgpu_gem(obj)))
		return vgpu_hostmem_map_dma_buf(attach, to_vgpu_gem(obj), dir,
						vgpu_prime_goes_by_uuid(attach));
	return drm_gem_map_dma_buf(attach, dir);
}

static void vgpu_prime_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			     enum dma_data_direction dir)
{
	if (vgpu_hostmem_is(to_vgpu_gem(attach->dmabuf->priv)))
		vgpu_hostmem_unmap_dma_buf(attach, sgt, dir);
	else
		drm_gem_unmap_dma_buf(attach, sgt, dir);
}

/* ---- CPU access ---- */

/* How long one access waits: for earlier work and for its transfer together. */
#define VGPU_PRIME_ACCESS_LIMIT_MS	5000

/* Post the transfer. Returns its fence, which users of the buffer wait for; or an error pointer. */
static struct vgpu_fence *vgpu_prime_post_locked(struct vgpu_gem *gem, bool to_host)
{
	const struct virtio_gpu_transfer_host_3d transfer = {
		.box.w = cpu_to_le32(gem->res.width),
		.box.h = cpu_to_le32(gem->res.height),
		.box.d = cpu_to_le32(1),
	};
	struct vgpu_cmdq *q = gem->res.vgpu->cmdq;
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_fence *fence;
	struct vgpu_cmd *cmd;
	int ret;

	dma_resv_assert_held(resv);

	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		ret = vgpu_reclaim_use_locked(gem);
	if (ret)
		return ERR_PTR(ret);

	cmd = vgpu_cmd_transfer_3d(q, gem->res.id, 0, to_host, &transfer);
	if (gem->res.vgpu->bounces)
		ret = vgpu_bounce_prepare_locked(gem, to_host, &transfer, cmd);
	fence = ret ? ERR_PTR(ret) : vgpu_fence_create_alone("readback");
	if (IS_ERR(fence)) {
		vgpu_cmd_put(cmd);
		return fence;
	}

	dma_resv_add_fence(resv, &fence->base, DMA_RESV_USAGE_WRITE);
	vgpu_cmd_post_fenced(cmd, &gem->res.owner, fence);
	return fence;
}

/* Wait for rendering to the buffer, then transfer the whole picture and wait for the transfer. */
static int vgpu_prime_transfer(struct vgpu_gem *gem, bool to_host)
{
	long left = msecs_to_jiffies(VGPU_PRIME_ACCESS_LIMIT_MS);
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_fence *fence;
	int ret;

	left = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_WRITE, true, left);
	if (left <= 0)
		return left ?: -ETIMEDOUT;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;
	fence = vgpu_prime_post_locked(gem, to_host);
	dma_resv_unlock(resv);
	vgpu_cmdq_kick(gem->res.vgpu->cmdq);
	if (IS_ERR(fence))
		return PTR_ERR(fence);

	left = dma_fence_wait_timeout(&fence->base, true, left);
	ret = left > 0 ? fence->base.error : left ?: -ETIMEDOUT;
	vgpu_fence_put(fence);
	return ret;
}

static int vgpu_prime_access(struct vgpu_gem *gem, bool to_host)
{
	int ret, idx;

	if (gem->res.kind != VGPU_RESOURCE_3D || !gem->res.is_plain_2d ||
	    READ_ONCE(gem->cpu_writes))
		return 0;
	if (vgpu_resource_error(&gem->res))
		return -EIO;
	if (!drm_dev_enter(gem->base.base.dev, &idx))
		return -ENODEV;
	ret = vgpu_prime_transfer(gem, to_host);
	drm_dev_exit(idx);
	return ret;
}

/* A write also needs the picture, for the pixels that it leaves alone. */
static int vgpu_prime_begin_cpu_access(struct dma_buf *buf, enum dma_data_direction dir)
{
	return vgpu_prime_access(to_vgpu_gem(buf->priv), false);
}

static int vgpu_prime_end_cpu_access(struct dma_buf *buf, enum dma_data_direction dir)
{
	return dir == DMA_FROM_DEVICE ? 0 : vgpu_prime_access(to_vgpu_gem(buf->priv), true);
}

/* ---- export and import ---- */

static const struct virtio_dma_buf_ops vgpu_prime_ops = {
	.ops = {
		.attach = virtio_dma_buf_attach,
		.detach = drm_gem_map_detach,
		.map_dma_buf = vgpu_prime_map,
		.unmap_dma_buf = vgpu_prime_unmap,
		.release = drm_gem_dmabuf_release,
		.begin_cpu_access = vgpu_prime_begin_cpu_access,
		.end_cpu_access = vgpu_prime_end_cpu_access,
		.mmap = drm_gem_dmabuf_mmap,
		.vmap = drm_gem_dmabuf_vmap,
		.vunmap = drm_gem_dmabuf_vunmap,
	},
	.device_attach = drm_gem_map_attach,
	.get_uuid = vgpu_prime_get_uuid,
};

/**
 * vgpu_prime_export() - Implement &drm_gem_object_funcs.export
 * @obj: the buffer
 * @flags: flags of the dma-buf's file
 *
 * Context: process, may sleep.
 * Return: the dma-buf; -EBUSY for a buffer that still waits to be created; or another error pointer
 * of dma_buf_export().
 */
struct dma_buf *vgpu_prime_export(struct drm_gem_object *obj, int flags)
{
	struct drm_device *drm = obj->dev;
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = drm->driver->fops->owner,
		.ops = &vgpu_prime_ops.ops,
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};
	struct dma_buf *buf;

	/* A handle that was reused since vgpu_prime_handle_to_fd() has waited. */
	if (vgpu_resource_is_waiting(&to_vgpu_gem(obj)->res))
		return ERR_PTR(-EBUSY);

	buf = virtio_dma_buf_export(&info);
	if (IS_ERR(buf))
		return buf;

	/* drm_gem_dmabuf_release() drops both references. */
	drm_dev_get(drm);
	drm_gem_object_get(obj);
	buf->file->f_mapping = drm->anon_inode->i_mapping;
	return buf;
}

/**
 * vgpu_prime_handle_to_fd() - Implement &drm_driver.prime_handle_to_fd
 * @drm: the device
 * @file: the client
 * @handle: handle of the buffer
 * @flags: flags of the dma-buf's file
 * @fd: set to the file descriptor
 *
 * If the creation of the buffer waits in the submission queue of the client, the client waits here,
 * so that no other client has to wait for a buffer that it imports.
 *
 * Context: process, sleeps killably until the buffer is created.
 * Return: 0; -EINTR when killed; or an errno of drm_gem_prime_handle_to_fd().
 */
int vgpu_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle, u32 flags,
			    int *fd)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);
	int ret = 0;

	if (obj) {
		ret = vgpu_resource_await_turn(&to_vgpu_gem(obj)->res);
		drm_gem_object_put(obj);
	}
	return ret ?: drm_gem_prime_handle_to_fd(drm, file, handle, flags, fd);
}

/**
 * vgpu_prime_import() - Implement &drm_driver.gem_prime_import
 * @drm: the device
 * @buf: the dma-buf
 *
 * Context: process, may sleep.
 * Return: a buffer; or an error pointer of vgpu_import_create().
 */
struct drm_gem_object *vgpu_prime_import(struct drm_device *drm, struct dma_buf *buf)
{
	struct drm_gem_object *obj;

	if (buf->ops == &vgpu_prime_ops.ops) {
		obj = buf->priv;
		if (obj->dev == drm) {
			drm_gem_object_get(obj);
			return obj;
		}
	}
	return vgpu_import_create(to_vgpu(drm), buf);
}
