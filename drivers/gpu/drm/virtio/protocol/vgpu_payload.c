// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: payload
 *
 * The data behind a request (a command stream, a list of pages) may be megabytes
 * long, and the device takes only a limited number of pieces. A payload is allocated in
 * the largest pieces that are available: usually as many as its size has bits, in
 * the worst case one per page.
 *
 * Kernels clear pages when they are allocated, which costs as much as filling them: 69,000 of
 * the 145,000 instructions of an EXECBUFFER of 64 KiB. So some pieces are kept to be used again,
 * until a shrinker frees them. They need no clearing: user space never sees them, and the device
 * is told only of the part that was written.
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/scatterlist.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio_gpu.h>

#include "protocol/vgpu_payload.h"

/* Memory that a device keeps for later payloads. */
#define VGPU_PAYLOAD_SPARE_PAGES	(SZ_2M >> PAGE_SHIFT)

static struct page *vgpu_payload_take_spare(struct vgpu_payload_spares *spares,
					    unsigned int order)
{
	struct page *page;

	guard(spinlock_irqsave)(&spares->lock);
	page = list_first_entry_or_null(&spares->pieces[order], struct page, lru);
	if (page) {
		list_del(&page->lru);
		WRITE_ONCE(spares->npages, spares->npages - (1UL << order));
	}
	return page;
}

/* Keep a piece for later payloads. Returns false if enough are kept. */
static bool vgpu_payload_add_spare(struct vgpu_payload_spares *spares, struct page *page,
				   unsigned int order)
{
	guard(spinlock_irqsave)(&spares->lock);
	if (spares->npages + (1UL << order) > VGPU_PAYLOAD_SPARE_PAGES)
		return false;
	list_add(&page->lru, &spares->pieces[order]);
	WRITE_ONCE(spares->npages, spares->npages + (1UL << order));
	return true;
}

/* Free spare pieces, the largest first, until @npages are freed. Returns the number of pages. */
static unsigned long vgpu_payload_free_spares(struct vgpu_payload_spares *spares,
					      unsigned long npages)
{
	int order = VGPU_PAYLOAD_MAX_ORDER;
	unsigned long freed = 0;
	struct page *page;

	while (order >= 0 && freed < npages) {
		page = vgpu_payload_take_spare(spares, order);
		if (page) {
			__free_pages(page, order);
			freed += 1UL << order;
		} else {
			order--;
		}
	}
	return freed;
}

static unsigned long vgpu_payload_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vgpu_payload_spares *spares = shrinker->private_data;

	return READ_ONCE(spares->npages) ?: SHRINK_EMPTY;
}

static unsigned long vgpu_payload_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	return vgpu_payload_free_spares(shrinker->private_data, sc->nr_to_scan) ?: SHRINK_STOP;
}

/**
 * vgpu_payload_spares_init() - Initialise a set of spare pieces
 * @spares: the set
 *
 * The caller calls vgpu_payload_spares_fini(), even after an error.
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_payload_spares_init(struct vgpu_payload_spares *spares)
{
	unsigned int i;

	spin_lock_init(&spares->lock);
	spares->npages = 0;
	for (i = 0; i < ARRAY_SIZE(spares->pieces); i++)
		INIT_LIST_HEAD(&spares->pieces[i]);

	spares->shrinker = shrinker_alloc(0, "vgpu-payload");
	if (!spares->shrinker)
		return -ENOMEM;

	spares->shrinker->count_objects = vgpu_payload_count;
	spares->shrinker->scan_objects = vgpu_payload_scan;
	spares->shrinker->private_data = spares;
	shrinker_register(spares->shrinker);
	return 0;
}

/**
 * vgpu_payload_spares_fini() - Free all spare pieces
 * @spares: the set; no payload uses it any more
 *
 * Context: process, may sleep.
 */
void vgpu_payload_spares_fini(struct vgpu_payload_spares *spares)
{
	shrinker_free(spares->shrinker);
	vgpu_payload_free_spares(spares, ULONG_MAX);
}

/* Get a piece of @order, which is lowered until one is available. */
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

		/* If larger pieces were not available now, they are not for the rest either. */
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
 * @limits: limits of the device
 * @size_bytes: amount of data in bytes, not 0
 *
 * Context: process, may sleep.
 * Return: the payload, its content undefined; ERR_PTR(-E2BIG) if the device does not take
 * that much even in the largest pieces; ERR_PTR(-ENOMEM) if memory is short, or so fragmented that
 * the device would not take the pieces.
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
	unsigned int i, order;
	struct page *page;

	if (!payload)
		return;
	for (i = 0; i < payload->nents; i++) {
		page = sg_page(&payload->sgl[i]);
		order = compound_order(page);
		if (!vgpu_payload_add_spare(payload->spares, page, order))
			__free_pages(page, order);
	}
	kfree(payload);
}

/**
 * vgpu_payload_copy_from_user() - Fill a payload from user space
 * @payload: the payload
 * @from: user address of &vgpu_payload.size_bytes of data
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
	/* A dma-buf of another driver may have DMA addresses only, and no pages. */
	use_dma |= !sg_page(sg);
	entry->addr = cpu_to_le64(use_dma ? sg_dma_address(sg) : sg_phys(sg));
	entry->length = cpu_to_le32(use_dma ? sg_dma_len(sg) : sg->length);
	entry->padding = 0;
}

/**
 * vgpu_payload_write_entries() - Write a list of pages as entries of RESOURCE_ATTACH_BACKING
 * @entries: room for vgpu_payload_count_entries()
 * @pages: the pages, mapped for the device
 * @use_dma: the device uses DMA addresses, not physical ones
 *
 * Virtio 1.3, 5.7.6.8, struct virtio_gpu_mem_entry.
 *
 * Context: any.
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
 * vgpu_payload_from_pages() - Allocate a payload that lists pages
 * @limits: limits of the device
 * @pages: the pages, mapped for the device
 * @use_dma: the device uses DMA addresses, not physical ones
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
