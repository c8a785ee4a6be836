// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: memory of others
 *
 * A dma-buf of another driver becomes a guest blob: the host reads and writes the memory in
 * place. Only a device without 3D imports buffers, to show them; renderers cannot use guest
 * blobs.
 *
 * The buffer is pinned as long as the host knows it, so the exporter does not move it. The
 * exporter may still revoke it, for example when its device is removed. Then the driver sends
 * UNREF and adds a fence to the dma-buf, which signals when the host has answered; after that the
 * driver unmaps the buffer. Ioctls on a revoked buffer fail with -EIO.
 *
 * The host gets the addresses that the exporter mapped for this device; there may be no pages
 * behind them.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>

#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "object/vgpu_attachment.h"
#include "object/vgpu_base.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_import.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/**
 * struct vgpu_import - A buffer of another driver
 * @gem: the buffer; first, because it is freed by its address
 * @attach: the driver's attachment to the dma-buf, constant
 * @mapping: the mapping of @attach, NULL once unmapped; protected by the dma-buf's reservation
 * @list: the addresses of @mapping for the host, constant once filled
 * @gone: signals when the host has answered UNREF after a revocation; NULL before that; protected
 *        by the dma-buf's reservation
 * @unmap_work: unmaps @mapping once @gone has signalled
 */
struct vgpu_import {
	struct vgpu_gem gem;
	struct dma_buf_attachment *attach;
	struct sg_table *mapping;
	struct sg_table list;
	struct vgpu_fence *gone;
	struct work_struct unmap_work;
};

static struct vgpu_import *to_import(struct vgpu_gem *gem)
{
	return container_of(gem, struct vgpu_import, gem);
}

static void vgpu_import_unmap_locked(struct vgpu_import *import)
{
	dma_resv_assert_held(import->attach->dmabuf->resv);

	if (!import->mapping)
		return;
	dma_buf_unmap_attachment(import->attach, import->mapping, DMA_BIDIRECTIONAL);
	dma_buf_unpin(import->attach);
	import->mapping = NULL;
}

static void vgpu_import_unmap(struct vgpu_import *import)
{
	struct dma_resv *resv = import->attach->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	vgpu_import_unmap_locked(import);
	dma_resv_unlock(resv);
}

/* Called when neither the guest nor the host uses the buffer any more. */
static void vgpu_import_release(struct vgpu_resource *res)
{
	struct vgpu_gem *gem = container_of(res, struct vgpu_gem, res);
	struct vgpu_import *import = to_import(gem);
	struct dma_buf *buf = import->attach->dmabuf;

	/*
	 * If the exporter revoked the buffer when it was retired already, nothing else completes
	 * this fence. The reference that vgpu_import_invalidate() had is gone, so @gone is set.
	 */
	if (import->gone && !dma_fence_is_signaled(&import->gone->base))
		vgpu_fence_complete(import->gone, 0);

	vgpu_import_unmap(import);
	dma_buf_detach(buf, import->attach);
	sg_free_table(&import->list);
	vgpu_fence_put(import->gone);
	drm_gem_object_release(&gem->base.base);
	dma_buf_put(buf);
	kfree(import);
}

static void vgpu_import_free(struct drm_gem_object *obj)
{
	vgpu_resource_retire(&to_vgpu_gem(obj)->res);
}

static enum drm_gem_object_status vgpu_import_status(struct drm_gem_object *obj)
{
	return DRM_GEM_OBJECT_RESIDENT;
}

static const struct drm_gem_object_funcs vgpu_import_funcs = {
	.free = vgpu_import_free,
	.open = vgpu_attachment_open,
	.close = vgpu_attachment_close,
	.status = vgpu_import_status,
};

static void vgpu_import_unmap_work(struct work_struct *work)
{
	struct vgpu_import *import = container_of(work, struct vgpu_import, unmap_work);

	/* Bounded: fences of this driver complete even if the device is lost. */
	dma_fence_wait(&import->gone->base, false);
	vgpu_import_unmap(import);
	vgpu_resource_put(&import->gem.res);
}

/* Implement &dma_buf_attach_ops.invalidate_mappings: the exporter revokes the buffer. */
static void vgpu_import_invalidate(struct dma_buf_attachment *attach)
{
	struct vgpu_import *import = attach->importer_priv;
	struct vgpu_resource *res = &import->gem.res;
	struct dma_resv *resv = attach->dmabuf->resv;
	struct vgpu_fence *gone = ERR_PTR(-ENOMEM);

	dma_resv_assert_held(resv);

	if (import->gone || !import->mapping)
		return;

	/*
	 * If the last reference is gone, the host does not use the buffer any more, so the exporter
	 * need not wait. vgpu_import_release() is about to run and unmaps it.
	 */
	if (!vgpu_resource_try_get(res))
		return;

	if (!dma_resv_reserve_fences(resv, 1))
		gone = vgpu_fence_create_alone("revoked");
	if (IS_ERR(gone)) {
		/* Without a fence the exporter cannot wait: the buffer stays pinned and mapped. */
		drm_err(&res->vgpu->drm, "no memory to revoke the dma-buf of resource %u\n",
			res->id);
		vgpu_resource_put(res);
		return;
	}

	import->gone = gone;
	drm_dbg_prime(&res->vgpu->drm, "exporter revoked resource %u\n", res->id);
	dma_resv_add_fence(resv, &import->gone->base, DMA_RESV_USAGE_KERNEL);

	if (vgpu_resource_revoke(res, import->gone))
		queue_work(res->vgpu->wq, &import->unmap_work);
	else
		vgpu_resource_put(res);
}

static const struct dma_buf_attach_ops vgpu_import_ops = {
	.allow_peer2peer = true,
	.VGPU_COMPAT_INVALIDATE_MAPPINGS = vgpu_import_invalidate,
};

static int vgpu_import_check(struct vgpu_device *vgpu, const struct dma_buf *buf)
{
	struct drm_device *drm = &vgpu->drm;

	if (!vgpu->features.blob || vgpu->features.virgl) {
		drm_dbg_prime(drm, "device cannot import foreign dma-bufs\n");
		return -ENODEV;
	}

	/* The device needs physical addresses, but the import has those of the IOMMU. */
	if (virtio_has_dma_quirk(vgpu->vdev) && device_iommu_mapped(drm->dev)) {
		drm_dbg_prime(drm, "device bypasses the IOMMU, cannot import foreign dma-bufs\n");
		return -ENODEV;
	}

	if (!buf->size || buf->size > VGPU_GEM_MAX_BYTES ||
	    !IS_ALIGNED(buf->size, max_t(size_t, PAGE_SIZE, vgpu->features.blob_alignment))) {
		drm_dbg_prime(drm, "size: %zu is 0, too large or not aligned to a page and to %u\n",
			      buf->size, vgpu->features.blob_alignment);
		return -EINVAL;
	}
	return 0;
}

/* Copy the addresses only: the pages belong to the other driver. */
static int vgpu_import_fill_list(struct vgpu_import *import)
{
	struct scatterlist *from, *to;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&import->list, import->mapping->nents, GFP_KERNEL);
	if (ret)
		return ret;

	to = import->list.sgl;
	for_each_sgtable_dma_sg(import->mapping, from, i) {
		sg_set_page(to, NULL, sg_dma_len(from), 0);
		sg_dma_address(to) = sg_dma_address(from);
		sg_dma_len(to) = sg_dma_len(from);
		to = sg_next(to);
	}
	return 0;
}

static int vgpu_import_map_locked(struct vgpu_import *import)
{
	struct dma_buf_attachment *attach = import->attach;
	struct sg_table *mapping;
	long left;
	int ret;

	dma_resv_assert_held(attach->dmabuf->resv);

	ret = dma_buf_pin(attach);
	if (ret)
		return ret;

	/* The exporter may still be moving the buffer to where it is pinned. */
	left = dma_resv_wait_timeout(attach->dmabuf->resv, DMA_RESV_USAGE_KERNEL, true,
				     MAX_SCHEDULE_TIMEOUT);
	ret = min(left, 0L);
	if (ret)
		goto err_unpin;

	mapping = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(mapping)) {
		ret = PTR_ERR(mapping);
		goto err_unpin;
	}
	import->mapping = mapping;
	return 0;

err_unpin:
	dma_buf_unpin(attach);
	return ret;
}

/* Map the buffer and create the blob. The exporter may revoke the buffer after the unlock. */
static int vgpu_import_make(struct vgpu_import *import)
{
	struct vgpu_resource *res = &import->gem.res;
	struct dma_buf *buf = import->attach->dmabuf;
	int ret;

	ret = dma_resv_lock_interruptible(buf->resv, NULL);
	if (ret)
		return ret;

	ret = vgpu_import_map_locked(import);
	if (!ret)
		ret = vgpu_import_fill_list(import);
	if (!ret) {
		vgpu_resource_set_pages(res, &import->list);
		res->kind = VGPU_RESOURCE_BLOB;
		res->blob_mem = VIRTIO_GPU_BLOB_MEM_GUEST;
		res->blob_flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE;
		res->size_bytes = buf->size;
		ret = vgpu_resource_create(res, NULL, NULL, NULL);
	}

	/* Before the unlock: for a resource that was not created, nothing completes @gone. */
	if (ret)
		vgpu_import_unmap_locked(import);
	dma_resv_unlock(buf->resv);
	if (!ret)
		vgpu_cmdq_kick(res->vgpu->cmdq);
	return ret;
}

/**
 * vgpu_import_create() - Import a dma-buf of another driver
 * @vgpu: the device
 * @buf: the dma-buf
 *
 * Context: process, may sleep; does not wait for the host, but waits interruptibly until the
 * exporter has moved the buffer to where it is pinned.
 * Return: a buffer; or an error pointer: -ENODEV if the device cannot import dma-bufs; -EINVAL for
 * a size that no blob can have; -E2BIG for a buffer in too many pieces; -ENOMEM; -ENOSPC;
 * -ERESTARTSYS; an error of the other driver.
 */
struct drm_gem_object *vgpu_import_create(struct vgpu_device *vgpu, struct dma_buf *buf)
{
	struct vgpu_import *import;
	struct drm_gem_object *obj;
	int ret;

	ret = vgpu_import_check(vgpu, buf);
	if (ret)
		return ERR_PTR(ret);

	import = kzalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	if (!import)
		return ERR_PTR(-ENOMEM);
	INIT_WORK(&import->unmap_work, vgpu_import_unmap_work);

	import->attach = dma_buf_dynamic_attach(buf, vgpu->drm.dev, &vgpu_import_ops, import);
	if (IS_ERR(import->attach)) {
		ret = PTR_ERR(import->attach);
		kfree(import);
		return ERR_PTR(ret);
	}

	get_dma_buf(buf);
	obj = &import->gem.base.base;
	obj->funcs = &vgpu_import_funcs;
	obj->import_attach = import->attach;
	obj->resv = buf->resv;
	drm_gem_private_object_init(&vgpu->drm, obj, buf->size);

	ret = vgpu_resource_init(vgpu, &import->gem.res, vgpu_import_release);
	if (!ret)
		ret = vgpu_import_make(import);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}
