// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: memory of buffers
 *
 * Buffers have pages of shared memory. The shmem helpers would allocate the pages one by one, and
 * a kernel with init_on_alloc would zero each page twice. So the driver fills the file behind a
 * buffer first, as a write of its whole length would: in folios as large as possible, each zeroed
 * once. Large folios also leave fewer backing entries for the host.
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

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_pages.h"

/**
 * vgpu_pages_init() - Let the buffers of a device use large folios
 * @vgpu: the device
 *
 * Context: process, may sleep.
 */
void vgpu_pages_init(struct vgpu_device *vgpu)
{
	/* No folio is larger than its buffer. Best effort: small pages work, too. */
	int ret = drm_gem_huge_mnt_create(&vgpu->drm, "within_size");

	if (ret)
		drm_dbg(&vgpu->drm, "no large folios for buffers: %pe\n", ERR_PTR(ret));
}

/* Zero a locked folio if it is new, then unlock and put it. */
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

/**
 * vgpu_pages_fill() - Allocate the memory of a new buffer
 * @obj: the buffer, which has no handle yet
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM; or -EINTR when killed.
 */
int vgpu_pages_fill(struct drm_gem_object *obj)
{
	struct address_space *mapping = obj->filp->f_mapping;
	pgoff_t index = 0, end = obj->size >> PAGE_SHIFT;
	struct folio *folio;
	int ret;

	/* The pages are pinned until they are put, so trying to swap them out is pointless. */
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

/* Undo the first half of vgpu_pages_get_locked(). */
static void vgpu_pages_unpin_locked(struct drm_gem_shmem_object *shmem, struct sg_table *pages)
{
	dma_resv_assert_held(shmem->base.resv);

	sg_free_table(pages);
	kfree(pages);
	drm_gem_shmem_unpin_locked(shmem);
}

/**
 * vgpu_pages_get_locked() - Pin the pages of a buffer and map them for the device
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

	dma_resv_assert_held(shmem->base.resv);

	ret = drm_gem_shmem_pin_locked(shmem);
	if (ret)
		return ERR_PTR(ret);

	pages = drm_gem_shmem_get_sg_table(shmem);
	if (IS_ERR(pages)) {
		drm_gem_shmem_unpin_locked(shmem);
		return pages;
	}

	ret = dma_map_sgtable(shmem->base.dev->dev, pages, DMA_BIDIRECTIONAL, 0);
	if (!ret)
		return pages;
	vgpu_pages_unpin_locked(shmem, pages);
	/* Any page of memory can be mapped, unless all bounce buffers of the system are in use. */
	return ERR_PTR(ret == -EIO ? -ENOMEM : ret);
}

/**
 * vgpu_pages_put_locked() - Unmap the pages of a buffer from the device and unpin them
 * @shmem: the buffer, its reservation locked
 * @pages: of vgpu_pages_get_locked()
 *
 * Context: process, may sleep.
 */
void vgpu_pages_put_locked(struct drm_gem_shmem_object *shmem, struct sg_table *pages)
{
	dma_resv_assert_held(shmem->base.resv);

	dma_unmap_sgtable(shmem->base.dev->dev, pages, DMA_BIDIRECTIONAL, 0);
	vgpu_pages_unpin_locked(shmem, pages);
}

/* As the fault handler of the helpers, but the mapping may begin at any page of the buffer. */
static vm_fault_t vgpu_pages_fault(struct vm_fault *vmf)
{
	struct drm_gem_object *obj = vmf->vma->vm_private_data;
	pgoff_t index = vmf->pgoff - drm_vma_node_start(&obj->vma_node);
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(obj);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	dma_resv_lock(obj->resv, NULL);
	if (!WARN_ON_ONCE(!shmem->pages) && index < obj->size >> PAGE_SHIFT)
		ret = vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(shmem->pages[index]));
	dma_resv_unlock(obj->resv);
	return ret;
}

static void vgpu_pages_vm_open(struct vm_area_struct *vma)
{
	drm_gem_shmem_vm_ops.open(vma);
}

static void vgpu_pages_vm_close(struct vm_area_struct *vma)
{
	drm_gem_shmem_vm_ops.close(vma);
}

static const struct vm_operations_struct vgpu_pages_vm_ops = {
	.fault = vgpu_pages_fault,
	.open = vgpu_pages_vm_open,
	.close = vgpu_pages_vm_close,
};

/**
 * vgpu_pages_mmap() - Implement &drm_gem_object_funcs.mmap
 * @obj: the buffer
 * @vma: the mapping; that of a dma-buf may begin at any page, which the helpers ignore
 *
 * Context: process, may sleep.
 * Return: 0, or an errno of drm_gem_shmem_object_mmap().
 */
int vgpu_pages_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	int ret = drm_gem_shmem_object_mmap(obj, vma);

	/* Only mappings of our DRM file: users of a dma-buf announce each access. */
	if (!ret && (vma->vm_flags & VM_MAYWRITE) && vma->vm_file->f_op == obj->dev->driver->fops)
		WRITE_ONCE(to_vgpu_gem(obj)->cpu_writes, true);

	if (!ret && vma->vm_pgoff != drm_vma_node_start(&obj->vma_node))
		vma->vm_ops = &vgpu_pages_vm_ops;
	return ret;
}
