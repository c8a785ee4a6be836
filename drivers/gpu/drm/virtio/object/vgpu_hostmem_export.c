// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: exported host-visible memory
 *
 * A blob of host memory has no pages, but while the host shows it in the window it has addresses
 * there. Other devices of the guest get these as the mapping of the dma-buf, if they are PCI
 * devices whose drivers allow peer-to-peer. A virtio device may find the blob on the host by its
 * UUID instead, and gets an empty list.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_gpu.h>

#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"

static int vgpu_hostmem_fill_sgt(struct device *dev, struct vgpu_gem *gem, struct sg_table *sgt,
				 enum dma_data_direction dir)
{
	size_t size = gem->base.base.size;
	dma_addr_t addr;

	addr = dma_map_resource(dev, vgpu_hostmem_address(gem), size, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(dev, addr))
		return -ENOMEM;
	sg_set_page(sgt->sgl, NULL, size, 0);
	sg_dma_address(sgt->sgl) = addr;
	sg_dma_len(sgt->sgl) = size;
	return 0;
}

/* Check whether a device can reach the window: a PCI device whose driver allows peer-to-peer. */
static bool vgpu_hostmem_is_reached(const struct dma_buf_attachment *attach,
				    const struct vgpu_gem *gem)
{
	return attach->peer2peer && dev_is_pci(attach->dev) &&
	       (gem->res.blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE);
}

/**
 * vgpu_hostmem_map_dma_buf() - Give another device of this guest the addresses of a blob
 * @attach: the device's attachment
 * @gem: a buffer of vgpu_hostmem_create()
 * @dir: direction of the device's accesses
 * @by_uuid: the device finds the blob by its UUID, on the host
 *
 * The list has the addresses of the blob in the window, so the blob must be mappable. A device that
 * cannot reach the window gets an empty list if it finds the blob by its UUID.
 *
 * Context: process, waits like vgpu_hostmem_map().
 * Return: the list; or an error pointer: -EIO for a device that neither reaches the window nor goes
 * by the UUID; -EINTR when interrupted; -ENOMEM; or another error of vgpu_hostmem_map().
 */
struct sg_table *vgpu_hostmem_map_dma_buf(struct dma_buf_attachment *attach,
					  struct vgpu_gem *gem, enum dma_data_direction dir,
					  bool by_uuid)
{
	bool reached = vgpu_hostmem_is_reached(attach, gem);
	struct sg_table *sgt;
	int ret;

	if (!reached && !by_uuid)
		return ERR_PTR(-EIO);

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (!reached)
		return sgt;

	ret = vgpu_hostmem_map(gem);
	if (ret)
		goto err_free;
	ret = sg_alloc_table(sgt, 1, GFP_KERNEL);
	if (ret)
		goto err_free;
	ret = vgpu_hostmem_fill_sgt(attach->dev, gem, sgt, dir);
	if (ret)
		goto err_free_table;
	return sgt;

err_free_table:
	sg_free_table(sgt);
err_free:
	kfree(sgt);
	/* An importer may not be in a system call that can be restarted, so it gets -EINTR. */
	return ERR_PTR(ret == -ERESTARTSYS ? -EINTR : ret);
}

/**
 * vgpu_hostmem_unmap_dma_buf() - Undo vgpu_hostmem_map_dma_buf()
 * @attach: the device's attachment
 * @sgt: the list
 * @dir: direction of the device's accesses
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_unmap_dma_buf(struct dma_buf_attachment *attach, struct sg_table *sgt,
				enum dma_data_direction dir)
{
	if (sgt->nents) {
		dma_unmap_resource(attach->dev, sg_dma_address(sgt->sgl), sg_dma_len(sgt->sgl),
				   dir, DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(sgt);
	}
	kfree(sgt);
}
