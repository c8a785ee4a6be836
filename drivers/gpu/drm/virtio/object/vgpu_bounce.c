// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: bounce buffers
 *
 * The device of a confidential guest, or one that the kernel forces to use swiotlb, reads and
 * writes copies of a buffer's pages. Guest and host see the same bytes only after the driver has
 * copied them. Transfers tell when to copy: before the driver sends TRANSFER_TO_HOST, and after
 * the host has answered TRANSFER_FROM_HOST, before the fence of the transfer signals. Bytes outside
 * of the transfer's box are not copied, because the client may be writing there.
 *
 * A client that maps a blob expects the host to see each write, which no copy can achieve. So the
 * driver offers no blobs if the device uses bounce buffers.
 */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>

#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "object/vgpu_gem.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/* Larger areas are copied by a worker, since the answer may be seen in an interrupt. */
#define VGPU_BOUNCE_DIRECT_BYTES	SZ_64K

/* No texture has more rows. For a larger number, all bytes from the offset on are copied. */
#define VGPU_BOUNCE_MAX_ROWS		SZ_64K

/* No texture has more levels; some clients pass a stride as the level. */
#define VGPU_BOUNCE_MAX_LEVELS		16

/**
 * struct vgpu_bounce - A copy from bounce buffers that runs before a fence signals
 * @finish: called when the host has answered the command
 * @work: copies a large @area and completes @fence
 * @res: the resource of the transfer, referenced
 * @pages: backing of @res, which stays until the fence of the transfer has signalled
 * @area: the bytes to copy
 * @fence: fence of the command; set and referenced while @work is queued
 */
struct vgpu_bounce {
	struct vgpu_cmd_finish finish;
	struct work_struct work;
	struct vgpu_resource *res;
	struct sg_table *pages;
	struct vgpu_bounce_area area;
	struct vgpu_fence *fence;
};

/* Map a page, to see whether the device gets a copy. Returns 1 or 0, or -ENOMEM. */
static int vgpu_bounce_is_needed(struct device *dev)
{
	struct page *page;
	dma_addr_t addr;
	int needed = 1;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;

	/* Mapping fails if there is no room for bounce buffers, so there are some. */
	addr = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (!dma_mapping_error(dev, addr)) {
		needed = dma_need_sync(dev, addr);
		dma_unmap_page(dev, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	}

	__free_page(page);
	return needed;
}

/**
 * vgpu_bounce_init() - Find out whether the device uses bounce buffers
 * @vgpu: the device, its features agreed upon
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_bounce_init(struct vgpu_device *vgpu)
{
	int ret = virtio_has_dma_quirk(vgpu->vdev) ? 0 : vgpu_bounce_is_needed(vgpu->drm.dev);

	if (ret <= 0)
		return ret;

	vgpu->bounces = true;
	if (vgpu->features.blob)
		drm_info(&vgpu->drm, "blobs disabled: the device uses bounce buffers\n");
	vgpu->features.blob = false;
	return 0;
}

/* Get the bytes per pixel of a known format, 0 for other formats. */
static u32 vgpu_bounce_cpp(const struct vgpu_resource *res)
{
	switch (res->format) {
	case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:
	case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
	case VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM:
	case VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM:
	case VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM:
	case VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
		return 4;
	default:
		return 0;
	}
}

/*
 * Find the bytes that a transfer reads or writes. For an unknown format or shape, these are all
 * bytes from the transfer's offset on. The area may reach beyond the end of the buffer.
 */
static struct vgpu_bounce_area
vgpu_bounce_find_area(const struct vgpu_gem *gem,
		      const struct virtio_gpu_transfer_host_3d *transfer)
{
	const struct vgpu_resource *res = &gem->res;
	struct vgpu_bounce_area area = {
		.offset = le64_to_cpu(transfer->offset),
		.row_bytes = gem->base.base.size,
		.rows = 1,
	};
	const u32 width = le32_to_cpu(transfer->box.w), height = le32_to_cpu(transfer->box.h);
	const u32 level = le32_to_cpu(transfer->level);
	size_t cpp = vgpu_bounce_cpp(res), stride;

	if (res->kind == VGPU_RESOURCE_3D && !res->is_texture) {
		area.row_bytes = width;
		return area;
	}
	if (!cpp || res->layered || le32_to_cpu(transfer->box.d) > 1 ||
	    height > VGPU_BOUNCE_MAX_ROWS || level >= VGPU_BOUNCE_MAX_LEVELS)
		return area;

	stride = le32_to_cpu(transfer->stride) ?: max(res->width >> level, 1u) * cpp;
	if (width * cpp > stride)
		return area;

	area.row_bytes = width * cpp;
	area.stride = stride;
	area.rows = height;
	return area;
}

/* Copy a row. The row may cross DMA segments, which differ from the segments of the pages. */
static void vgpu_bounce_sync_row(struct device *dev, struct sg_table *pages, size_t offset,
				 size_t bytes, bool to_device)
{
	struct scatterlist *sg;
	unsigned int i;
	size_t part;

	for_each_sgtable_dma_sg(pages, sg, i) {
		if (offset >= sg_dma_len(sg)) {
			offset -= sg_dma_len(sg);
			continue;
		}

		part = min_t(size_t, bytes, sg_dma_len(sg) - offset);
		if (to_device)
			dma_sync_single_for_device(dev, sg_dma_address(sg) + offset, part,
						   DMA_BIDIRECTIONAL);
		else
			dma_sync_single_for_cpu(dev, sg_dma_address(sg) + offset, part,
						DMA_BIDIRECTIONAL);

		bytes -= part;
		if (!bytes)
			return;
		offset = 0;
	}
}

static void vgpu_bounce_sync(struct device *dev, struct sg_table *pages,
			     const struct vgpu_bounce_area *area, bool to_device)
{
	size_t offset = area->offset;
	u32 row;

	/* Rows without a gap in between are one piece. */
	if (area->row_bytes == area->stride) {
		vgpu_bounce_sync_row(dev, pages, offset, area->row_bytes * area->rows, to_device);
		return;
	}

	for (row = 0; row < area->rows; row++, offset += area->stride)
		vgpu_bounce_sync_row(dev, pages, offset, area->row_bytes, to_device);
}

/**
 * vgpu_bounce_to_device() - Copy an area of a buffer into the bounce buffers
 * @gem: the buffer; of a device with &vgpu_device.bounces
 * @area: the bytes that the device is about to read
 *
 * Context: any, between drm_dev_enter() and drm_dev_exit(). The caller holds the reservation of a
 * buffer whose pages the shrinker may take.
 */
void vgpu_bounce_to_device(struct vgpu_gem *gem, const struct vgpu_bounce_area *area)
{
	if (gem->res.pages)
		vgpu_bounce_sync(gem->base.base.dev->dev, gem->res.pages, area, true);
}

static struct vgpu_bounce *to_bounce(struct vgpu_cmd_finish *finish)
{
	return container_of(finish, struct vgpu_bounce, finish);
}

static void vgpu_bounce_free(struct vgpu_cmd_finish *finish)
{
	struct vgpu_bounce *bounce = to_bounce(finish);

	vgpu_resource_put(bounce->res);
	kfree(bounce);
}

static void vgpu_bounce_copy(struct vgpu_bounce *bounce)
{
	vgpu_bounce_sync(bounce->res->vgpu->drm.dev, bounce->pages, &bounce->area, false);
}

static void vgpu_bounce_work(struct work_struct *work)
{
	struct vgpu_bounce *bounce = container_of(work, struct vgpu_bounce, work);

	bool cookie = dma_fence_begin_signalling();

	vgpu_bounce_copy(bounce);
	vgpu_fence_complete(bounce->fence, 0);
	dma_fence_end_signalling(cookie);
	vgpu_fence_put(bounce->fence);
	vgpu_bounce_free(&bounce->finish);
}

static void vgpu_bounce_answered(struct vgpu_cmd_finish *finish, struct vgpu_fence *fence,
				 int error)
{
	struct vgpu_bounce *bounce = to_bounce(finish);

	if (!error && bounce->area.row_bytes * bounce->area.rows > VGPU_BOUNCE_DIRECT_BYTES) {
		dma_fence_get(&fence->base);
		bounce->fence = fence;
		queue_work(bounce->res->vgpu->fence_wq, &bounce->work);
		return;
	}

	/* If the host has refused the transfer, it has written nothing. */
	if (!error)
		vgpu_bounce_copy(bounce);
	vgpu_fence_complete(fence, error);
	vgpu_bounce_free(finish);
}

static const struct vgpu_cmd_finish_ops vgpu_bounce_finish_ops = {
	.answered = vgpu_bounce_answered,
	.drop = vgpu_bounce_free,
};

/**
 * vgpu_bounce_prepare_locked() - Prepare the bounce buffers for a transfer
 * @gem: the buffer, its reservation locked; of a device with &vgpu_device.bounces
 * @to_host: the device reads the buffer; otherwise it writes to the buffer
 * @transfer: the transfer
 * @cmd: its command, which the caller posts with a fence
 *
 * What the device writes is copied out of the bounce buffers before the fence signals.
 *
 * Context: process, between drm_dev_enter() and drm_dev_exit(), may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_bounce_prepare_locked(struct vgpu_gem *gem, bool to_host,
			       const struct virtio_gpu_transfer_host_3d *transfer,
			       struct vgpu_cmd *cmd)
{
	struct vgpu_bounce_area area;
	struct vgpu_bounce *bounce;

	dma_resv_assert_held(gem->base.base.resv);

	if (!gem->res.pages)
		return 0;

	/* In either direction: bytes that the device does not write are copied back, too. */
	area = vgpu_bounce_find_area(gem, transfer);
	vgpu_bounce_to_device(gem, &area);
	if (to_host)
		return 0;

	bounce = kzalloc(sizeof(*bounce), GFP_KERNEL);
	if (!bounce)
		return -ENOMEM;

	bounce->finish.ops = &vgpu_bounce_finish_ops;
	INIT_WORK(&bounce->work, vgpu_bounce_work);
	bounce->res = &gem->res;
	vgpu_cmd_owner_get(&gem->res.owner);
	bounce->pages = gem->res.pages;
	bounce->area = area;
	vgpu_cmd_set_finish(cmd, &bounce->finish);
	return 0;
}
