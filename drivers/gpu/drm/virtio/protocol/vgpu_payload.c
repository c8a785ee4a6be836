// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: payload
 *
 * What follows a request (a command stream, a list of pages) may be megabytes
 * long, and the device takes only so many pieces. A payload is allocated in the
 * largest pieces that are to be had: usually as many as its size has bits, in
 * the worst case one a page.
 *
 * Kernels clear pages when they are allocated, at the cost of another copy, and what
 * comes here is overwritten anyway. So some pieces are kept to be used again. User
 * space never sees them, and the device is told how much of them counts.
 */

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio_gpu.h>

#include "protocol/vgpu_payload.h"

/* Most that is kept for later, a device. */
#define VGPU_PAYLOAD_SPARE_BYTES	SZ_2M

/**
 * vgpu_payload_spares_init() - Initialise a list of spare pieces
 * @spares: where they will be
 */
void vgpu_payload_spares_init(struct vgpu_payload_spares *spares)
{
	unsigned int i;

	spin_lock_init(&spares->lock);
	spares->bytes = 0;
	for (i = 0; i < ARRAY_SIZE(spares->pages); i++)
		INIT_LIST_HEAD(&spares->pages[i]);
}

/**
 * vgpu_payload_spares_fini() - Free all spare pieces
 * @spares: where they are; no payload uses it any more
 *
 * Context: any.
 */
void vgpu_payload_spares_fini(struct vgpu_payload_spares *spares)
{
	struct page *page, *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spares->pages); i++)
		list_for_each_entry_safe(page, next, &spares->pages[i], lru)
			__free_pages(page, i);
}

static struct page *vgpu_payload_take_spare(struct vgpu_payload_spares *spares,
					    unsigned int order)
{
	struct page *page;
	unsigned long flags;

	if (!spares)
		return NULL;
	spin_lock_irqsave(&spares->lock, flags);
	page = list_first_entry_or_null(&spares->pages[order], struct page, lru);
	if (page) {
		list_del(&page->lru);
		spares->bytes -= PAGE_SIZE << order;
	}
	spin_unlock_irqrestore(&spares->lock, flags);
	return page;
}

static void vgpu_payload_put_piece(struct vgpu_payload_spares *spares, struct page *page)
{
	unsigned int order = compound_order(page);
	size_t bytes = PAGE_SIZE << order;
	bool kept = false;
	unsigned long flags;

	if (spares) {
		spin_lock_irqsave(&spares->lock, flags);
		kept = spares->bytes + bytes <= VGPU_PAYLOAD_SPARE_BYTES;
		if (kept) {
			list_add(&page->lru, &spares->pages[order]);
			spares->bytes += bytes;
		}
		spin_unlock_irqrestore(&spares->lock, flags);
	}
	if (!kept)
		__free_pages(page, order);
}

static struct page *vgpu_payload_get_piece(struct vgpu_payload_spares *spares,
					   unsigned int *order)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct page *page = vgpu_payload_take_spare(spares, *order);

	if (page)
		return page;
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
		page = vgpu_payload_get_piece(payload->spares, &order);
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
 * vgpu_payload_create() - Allocate a payload
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
	payload->spares = limits->spares;
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
 * vgpu_payload_destroy() - Free a payload
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
		vgpu_payload_put_piece(payload->spares, sg_page(&payload->sgl[i]));
	kfree(payload);
}

/**
 * vgpu_payload_read_words() - Read a few words from user space
 * @to: room for them
 * @from: where they are
 * @count: how many
 *
 * For so little copy_from_user() spends more on its checks than on the copy.
 *
 * Context: process, may fault.
 * Return: 0, or -EFAULT.
 */
int vgpu_payload_read_words(u32 *to, const u32 __user *from, u32 count)
{
	u32 i;

	if (!user_read_access_begin(from, count * sizeof(*from)))
		return -EFAULT;
	for (i = 0; i < count; i++)
		unsafe_get_user(to[i], from + i, err_end);
	user_read_access_end();
	return 0;

err_end:
	user_read_access_end();
	return -EFAULT;
}

/**
 * vgpu_payload_copy_from_user() - Fill a payload from user space
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

static void vgpu_payload_set_entry(struct virtio_gpu_mem_entry *entry, struct scatterlist *sg,
				   bool use_dma)
{
	/* What has no pages, a dma-buf of others, is known by DMA addresses only. */
	use_dma |= !sg_page(sg);
	entry->addr = cpu_to_le64(use_dma ? sg_dma_address(sg) : sg_phys(sg));
	entry->length = cpu_to_le32(use_dma ? sg_dma_len(sg) : sg->length);
	entry->padding = 0;
}

/**
 * vgpu_payload_count_entries() - Count the entries that a list of pages takes on the wire
 * @pages: the pages, mapped for the device
 * @use_dma: the device goes by DMA addresses, not by physical ones
 *
 * Return: the number.
 */
unsigned int vgpu_payload_count_entries(const struct sg_table *pages, bool use_dma)
{
	return use_dma ? pages->nents : pages->orig_nents;
}

/**
 * vgpu_payload_write_entries() - Write a list of pages as entries of RESOURCE_ATTACH_BACKING
 * @entries: room for vgpu_payload_count_entries()
 * @pages: the pages, mapped for the device
 * @use_dma: the device goes by DMA addresses, not by physical ones
 *
 * Virtio 1.3, 5.7.6.8, struct virtio_gpu_mem_entry.
 */
void vgpu_payload_write_entries(struct virtio_gpu_mem_entry *entries,
				const struct sg_table *pages, bool use_dma)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(pages->sgl, sg, vgpu_payload_count_entries(pages, use_dma), i)
		vgpu_payload_set_entry(&entries[i], sg, use_dma);
}

/**
 * vgpu_payload_halve_entry() - Split one entry into two
 * @entries: a list of one entry, of an even length, and room for another
 */
void vgpu_payload_halve_entry(struct virtio_gpu_mem_entry entries[2])
{
	u32 half_bytes = le32_to_cpu(entries[0].length) / 2;

	entries[0].length = cpu_to_le32(half_bytes);
	entries[1] = entries[0];
	le64_add_cpu(&entries[1].addr, half_bytes);
}

/**
 * vgpu_payload_from_pages() - Allocate a payload that lists pages
 * @limits: what the device takes
 * @pages: the pages, mapped for the device
 * @use_dma: the device goes by DMA addresses, not by physical ones
 *
 * Context: process, may sleep.
 * Return: the payload, or an error pointer of vgpu_payload_create().
 */
struct vgpu_payload *vgpu_payload_from_pages(const struct vgpu_payload_limits *limits,
					     const struct sg_table *pages, bool use_dma)
{
	unsigned int nents = vgpu_payload_count_entries(pages, use_dma), i;
	struct scatterlist *sg, *piece;
	struct vgpu_payload *payload;
	u32 used_bytes = 0;

	payload = vgpu_payload_create(limits,
				      array_size(nents, sizeof(struct virtio_gpu_mem_entry)));
	if (IS_ERR(payload))
		return payload;
	piece = payload->sgl;
	for_each_sg(pages->sgl, sg, nents, i) {
		if (used_bytes == piece->length) {
			piece = sg_next(piece);
			used_bytes = 0;
		}
		vgpu_payload_set_entry(sg_virt(piece) + used_bytes, sg, use_dma);
		used_bytes += sizeof(struct virtio_gpu_mem_entry);
	}
	return payload;
}
