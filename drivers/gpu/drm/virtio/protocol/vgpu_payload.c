// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: payload
 *
 * What follows a request (a command stream, a list of pages) may be megabytes
 * long, and the device takes only so many pieces. A payload is allocated in the
 * largest pieces that are to be had: usually as many as its size has bits, in
 * the worst case one a page.
 */

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio_gpu.h>

#include "protocol/vgpu_payload.h"

/* Larger pieces than this are hardly ever free, and don't save anything. */
#define VGPU_PAYLOAD_MAX_ORDER	8

static struct page *vgpu_payload_alloc_piece(unsigned int *order)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct page *page;

	for (; *order; --*order) {
		page = alloc_pages(gfp | __GFP_NORETRY | __GFP_COMP, *order);
		if (page)
			return page;
	}
	return alloc_pages(gfp, 0);
}

static int vgpu_payload_fill(struct vgpu_payload *payload, u32 max_nents,
			     size_t max_entry_bytes)
{
	unsigned int order, max_order = ilog2(max_entry_bytes >> PAGE_SHIFT);
	size_t left = payload->size_bytes;
	struct page *page;
	size_t piece;

	max_order = min_t(u32, max_order, VGPU_PAYLOAD_MAX_ORDER);
	while (left) {
		if (payload->nents == max_nents)
			return -ENOMEM;
		order = min_t(u32, max_order, ilog2(DIV_ROUND_UP(left, PAGE_SIZE)));
		page = vgpu_payload_alloc_piece(&order);
		if (!page)
			return -ENOMEM;
		max_order = order;
		piece = min(left, PAGE_SIZE << order);
		sg_set_page(&payload->sgl[payload->nents++], page, piece, 0);
		left -= piece;
	}
	sg_mark_end(&payload->sgl[payload->nents - 1]);
	return 0;
}

/**
 * vgpu_payload_create() - allocate a payload
 * @limits: what the device takes
 * @size_bytes: how much data, not 0
 *
 * Context: process, may sleep.
 * Return: the payload, its content undefined; ERR_PTR(-E2BIG) for a size the
 * device could not take even in the largest pieces; ERR_PTR(-ENOMEM) when memory
 * is short, or so fragmented that the device would not take it.
 */
struct vgpu_payload *vgpu_payload_create(const struct vgpu_payload_limits *limits,
					 size_t size_bytes)
{
	size_t npages = DIV_ROUND_UP(size_bytes, PAGE_SIZE);
	size_t largest = min(limits->max_entry_bytes, PAGE_SIZE << VGPU_PAYLOAD_MAX_ORDER);
	u32 max_nents = min_t(size_t, npages, limits->max_entries);
	struct vgpu_payload *payload;
	int ret;

	if (!max_nents || size_bytes > INT_MAX ||
	    DIV_ROUND_UP(size_bytes, largest) > limits->max_entries)
		return ERR_PTR(-E2BIG);
	payload = kmalloc(struct_size(payload, sgl, max_nents), GFP_KERNEL_ACCOUNT);
	if (!payload)
		return ERR_PTR(-ENOMEM);
	payload->size_bytes = size_bytes;
	payload->nents = 0;
	sg_init_table(payload->sgl, max_nents);
	ret = vgpu_payload_fill(payload, max_nents, limits->max_entry_bytes);
	if (ret) {
		vgpu_payload_destroy(payload);
		return ERR_PTR(ret);
	}
	return payload;
}

/**
 * vgpu_payload_destroy() - free a payload
 * @payload: the payload, or NULL
 *
 * Context: any.
 */
void vgpu_payload_destroy(struct vgpu_payload *payload)
{
	unsigned int i;

	if (!payload)
		return;
	for (i = 0; i < payload->nents; i++)
		__free_pages(sg_page(&payload->sgl[i]), compound_order(sg_page(&payload->sgl[i])));
	kfree(payload);
}

/**
 * vgpu_payload_copy_from_user() - fill a payload from user space
 * @payload: the payload
 * @from: as much data as the payload holds
 *
 * Context: process, may fault.
 * Return: 0, or -EFAULT.
 */
int vgpu_payload_copy_from_user(struct vgpu_payload *payload, const void __user *from)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(payload->sgl, sg, payload->nents, i) {
		if (copy_from_user(sg_virt(sg), from, sg->length))
			return -EFAULT;
		from += sg->length;
	}
	return 0;
}

/* Where the next entry goes. */
struct vgpu_payload_cursor {
	struct scatterlist *sg;
	u32 used_bytes;
};

static void vgpu_payload_put_entry(struct vgpu_payload_cursor *at, u64 addr, u32 length)
{
	struct virtio_gpu_mem_entry *entry;

	if (at->used_bytes == at->sg->length) {
		at->sg = sg_next(at->sg);
		at->used_bytes = 0;
	}
	entry = sg_virt(at->sg) + at->used_bytes;
	entry->addr = cpu_to_le64(addr);
	entry->length = cpu_to_le32(length);
	entry->padding = 0;
	at->used_bytes += sizeof(*entry);
}

/**
 * vgpu_payload_from_pages() - list pages as RESOURCE_ATTACH_BACKING wants them
 * @limits: what the device takes
 * @pages: the pages, mapped for the device
 * @use_dma: the device goes by DMA addresses, not by physical ones
 * @nr_entries: set to the number of entries listed
 *
 * Virtio 1.3, 5.7.6.8, struct virtio_gpu_mem_entry.
 *
 * Context: process, may sleep.
 * Return: the payload, or an error pointer of vgpu_payload_create().
 */
struct vgpu_payload *vgpu_payload_from_pages(const struct vgpu_payload_limits *limits,
					     struct sg_table *pages, bool use_dma,
					     u32 *nr_entries)
{
	unsigned int nents = use_dma ? pages->nents : pages->orig_nents;
	struct vgpu_payload_cursor at;
	struct vgpu_payload *payload;
	struct scatterlist *sg;
	unsigned int i;

	payload = vgpu_payload_create(limits,
				      array_size(nents, sizeof(struct virtio_gpu_mem_entry)));
	if (IS_ERR(payload))
		return payload;
	at.sg = payload->sgl;
	at.used_bytes = 0;
	for_each_sg(pages->sgl, sg, nents, i) {
		if (use_dma)
			vgpu_payload_put_entry(&at, sg_dma_address(sg), sg_dma_len(sg));
		else
			vgpu_payload_put_entry(&at, sg_phys(sg), sg->length);
	}
	*nr_entries = nents;
	return payload;
}
