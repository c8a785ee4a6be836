// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: sharing
 *
 * The driver exports buffers as virtio dma-bufs: other drivers of this guest can map the pages,
 * and drivers of other virtio devices can ask for the UUID under which their devices find the
 * resource on the host. A device that imports its own dma-buf gets the original buffer.
 */

#include <linux/dma-buf.h>
#include <linux/mutex.h>
#include <linux/virtio.h>
#include <linux/virtio_dma_buf.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_import.h"
#include "object/vgpu_prime.h"
#include "object/vgpu_readback.h"

/*
 * Protects vgpu_gem.uuid of all buffers: one lock for all, since the driver asks for a UUID once in
 * a buffer's life, if ever. Not held during the wait for the host.
 */
static DEFINE_MUTEX(vgpu_prime_uuid_lock);

static bool vgpu_prime_may_have_uuid(const struct vgpu_gem *gem)
{
	const struct vgpu_resource *res = &gem->res;

	if (!res->vgpu->features.uuid)
		return false;
	return res->kind != VGPU_RESOURCE_BLOB ||
	       (res->blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE);
}

static bool vgpu_prime_know_uuid(struct vgpu_gem *gem, uuid_t *uuid)
{
	bool known;

	mutex_lock(&vgpu_prime_uuid_lock);
	known = gem->has_uuid;
	if (known)
		*uuid = gem->uuid;
	mutex_unlock(&vgpu_prime_uuid_lock);
	return known;
}

/* If two callers have asked the host, both use the first answer. */
static void vgpu_prime_learn_uuid(struct vgpu_gem *gem, uuid_t *uuid)
{
	mutex_lock(&vgpu_prime_uuid_lock);
	if (gem->has_uuid)
		*uuid = gem->uuid;
	gem->uuid = *uuid;
	gem->has_uuid = true;
	mutex_unlock(&vgpu_prime_uuid_lock);
}

/* An interrupted wait returns -EINTR, since the caller may not be a system call. */
static int vgpu_prime_get_uuid(struct dma_buf *buf, uuid_t *uuid)
{
	struct vgpu_gem *gem = to_vgpu_gem(buf->priv);
	struct vgpu_device *vgpu = gem->res.vgpu;
	int ret = 0, idx;

	if (!vgpu_prime_may_have_uuid(gem))
		return -ENODEV;
	if (!drm_dev_enter(&vgpu->drm, &idx))
		return -ENODEV;

	if (!vgpu_prime_know_uuid(gem, uuid)) {
		ret = vgpu_cmd_assign_uuid(vgpu->cmdq, gem->res.id, uuid);
		if (!ret)
			vgpu_prime_learn_uuid(gem, uuid);
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

static struct sg_table *vgpu_prime_map(struct dma_buf_attachment *attach,
				       enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attach->dmabuf->priv;

	if (vgpu_hostmem_is(obj))
		return vgpu_hostmem_map_dma_buf(attach, to_vgpu_gem(obj), dir,
						vgpu_prime_goes_by_uuid(attach));
	return drm_gem_map_dma_buf(attach, dir);
}

static void vgpu_prime_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			     enum dma_data_direction dir)
{
	if (vgpu_hostmem_is(attach->dmabuf->priv))
		vgpu_hostmem_unmap_dma_buf(attach, sgt, dir);
	else
		drm_gem_unmap_dma_buf(attach, sgt, dir);
}

static const struct virtio_dma_buf_ops vgpu_prime_ops = {
	.ops = {
		.attach = virtio_dma_buf_attach,
		.detach = drm_gem_map_detach,
		.map_dma_buf = vgpu_prime_map,
		.unmap_dma_buf = vgpu_prime_unmap,
		.release = drm_gem_dmabuf_release,
		.begin_cpu_access = vgpu_readback_begin,
		.end_cpu_access = vgpu_readback_end,
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
 * Return: the dma-buf, or an error pointer of dma_buf_export().
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
