// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: memory of buffers
 *
 * Buffers have pages of shared memory. Left alone the helpers ask for them one by one,
 * and on kernels that zero all they allocate each is zeroed a second time. So the file
 * behind a buffer is filled first, as a write of its whole length would do it: in folios
 * as large as can be had, zeroed once. The host then has few pieces to look at, too.
 */

#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_pages.h"

/**
 * vgpu_pages_init() - let the buffers of a device have large folios
 * @vgpu: the device
 *
 * Context: process, may sleep.
 */
void vgpu_pages_init(struct vgpu_device *vgpu)
{
	/* None is larger than its buffer. Best effort: small pages do as well. */
	int ret = drm_gem_huge_mnt_create(&vgpu->drm, "within_size");

	if (ret)
		drm_dbg(&vgpu->drm, "no large folios for buffers: %pe\n", ERR_PTR(ret));
}

/* The folio is locked and, unless it was there before, has no content yet. */
static void vgpu_pages_finish(struct folio *folio, gfp_t gfp)
{
	if (!folio_test_uptodate(folio)) {
		if (!want_init_on_alloc(gfp))
			folio_zero_range(folio, 0, folio_size(folio));
		flush_dcache_folio(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
	folio_put(folio);
}

static int vgpu_pages_fill(struct drm_gem_object *obj)
{
	struct address_space *mapping = obj->filp->f_mapping;
	pgoff_t index = 0, end = obj->size >> PAGE_SHIFT;
	struct folio *folio;
	int ret;

	/* Until they are put the host reads them at any time: no use in trying to swap them out. */
	mapping_set_unevictable(mapping);
	while (index < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = shmem_get_folio(mapping->host, index, obj->size, &folio, SGP_WRITE);
		if (ret)
			return ret;
		index = folio_next_index(folio);
		vgpu_pages_finish(folio, mapping_gfp_mask(mapping));
		cond_resched();
	}
	return 0;
}

/**
 * vgpu_pages_get_locked() - give a buffer its pages, with what they held before
 * @shmem: the buffer, its reservation locked
 *
 * Context: process, may sleep.
 * Return: the pages, mapped for the device, which stay until vgpu_pages_put_locked(); or
 * ERR_PTR(-ENOMEM).
 */
struct sg_table *vgpu_pages_get_locked(struct drm_gem_shmem_object *shmem)
{
	struct sg_table *pages;
	int ret;

	ret = drm_gem_shmem_pin_locked(shmem);
	if (ret)
		return ERR_PTR(ret);
	pages = drm_gem_shmem_get_sg_table(shmem);
	if (IS_ERR(pages)) {
		ret = PTR_ERR(pages);
		goto err_unpin;
	}
	ret = dma_map_sgtable(shmem->base.dev->dev, pages, DMA_BIDIRECTIONAL, 0);
	if (ret)
		goto err_free;
	return pages;

err_free:
	sg_free_table(pages);
	kfree(pages);
err_unpin:
	drm_gem_shmem_unpin_locked(shmem);
	return ERR_PTR(ret);
}

/**
 * vgpu_pages_put_locked() - take the pages of a buffer from the device
 * @shmem: the buffer, its reservation locked
 * @pages: of vgpu_pages_get_locked()
 *
 * Context: process, may sleep.
 */
void vgpu_pages_put_locked(struct drm_gem_shmem_object *shmem, struct sg_table *pages)
{
	dma_unmap_sgtable(shmem->base.dev->dev, pages, DMA_BIDIRECTIONAL, 0);
	sg_free_table(pages);
	kfree(pages);
	drm_gem_shmem_unpin_locked(shmem);
}

/**
 * vgpu_pages_get() - give a new buffer its pages
 * @shmem: the buffer, which nobody else has seen yet
 *
 * Context: process, may sleep.
 * Return: as vgpu_pages_get_locked(); or ERR_PTR(-EINTR) when killed.
 */
struct sg_table *vgpu_pages_get(struct drm_gem_shmem_object *shmem)
{
	struct sg_table *pages;
	int ret;

	ret = vgpu_pages_fill(&shmem->base);
	if (ret)
		return ERR_PTR(ret);
	dma_resv_lock(shmem->base.resv, NULL);
	pages = vgpu_pages_get_locked(shmem);
	dma_resv_unlock(shmem->base.resv);
	return pages;
}
