// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: buffers of host memory
 *
 * A buffer whose memory the host owns. When the device is unplugged or reset, the host memory is
 * lost and the mappings of the buffer are torn down. The kernel's rules for hot-unplug
 * (Documentation/gpu/drm-uapi.rst) forbid SIGBUS here, so every mapping of a lost buffer, old or
 * new, shows one page of ordinary memory at all its offsets. The page belongs to the buffer, is
 * allocated zeroed at the first fault and freed with the buffer.
 *
 * The teardown misses a mapping that mmap() has filled but the kernel has not linked yet. That
 * mapping goes on showing the buffer's part of the window, where the host shows nothing any more:
 * the part stays taken until the last mapping of the buffer is gone. Filling mappings in the fault
 * handler instead would lose their memory type on x86, which vmf_insert_pfn() looks up and only
 * remap_pfn_range() reserves.
 *
 * Models in tests/models/: litmus/lost-page.litmus.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>

#include "object/vgpu_attachment.h"
#include "object/vgpu_base.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_prime.h"

static void vgpu_hostmem_gem_release(struct vgpu_resource *res)
{
	struct vgpu_gem *gem = container_of(res, struct vgpu_gem, res);
	struct vgpu_hostmem_blob *blob = to_blob(gem);

	vgpu_hostmem_release(gem);
	drm_gem_object_release(&gem->base.base);
	if (blob->lost_page)
		__free_page(blob->lost_page);
	mutex_destroy(&blob->lock);
	kfree(blob);
}

/* After a reset the window may show something else, so tear down all mappings of the blob. */
static void vgpu_hostmem_forget(struct vgpu_resource *res)
{
	struct vgpu_gem *gem = container_of(res, struct vgpu_gem, res);
	struct drm_gem_object *obj = &gem->base.base;

	drm_vma_node_unmap(&obj->vma_node, obj->dev->anon_inode->i_mapping);
}

static void vgpu_hostmem_gem_free(struct drm_gem_object *obj)
{
	struct vgpu_gem *gem = to_vgpu_gem(obj);

	vgpu_hostmem_hide(gem);
	vgpu_resource_retire(&gem->res);
}

static pgprot_t vgpu_hostmem_prot(u32 cache, pgprot_t prot)
{
	switch (cache) {
	case VIRTIO_GPU_MAP_CACHE_UNCACHED:
		return pgprot_noncached(prot);
	case VIRTIO_GPU_MAP_CACHE_WC:
		return pgprot_writecombine(prot);
	default:
		return prot;
	}
}

static bool vgpu_hostmem_is_lost(const struct vgpu_gem *gem)
{
	return drm_dev_is_unplugged(gem->base.base.dev) || vgpu_resource_is_lost(&gem->res);
}

/* Map the part of the window that shows the blob. @vma may begin at any page of the blob. */
static int vgpu_hostmem_fill_vma(struct vgpu_hostmem_blob *blob, struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = &blob->gem.base.base;
	u64 page = vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	u64 start = vgpu_hostmem_address(&blob->gem);

	vma->vm_page_prot = vgpu_hostmem_prot(blob->cache, vm_get_page_prot(vma->vm_flags));
	return io_remap_pfn_range(vma, vma->vm_start, (start >> PAGE_SHIFT) + page,
				  vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static int vgpu_hostmem_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct vgpu_gem *gem = to_vgpu_gem(obj);
	int ret, idx;

	if (vma_is_cow_mapping(vma))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);

	ret = vgpu_hostmem_map(gem, MAX_SCHEDULE_TIMEOUT);
	if (!ret && drm_dev_enter(obj->dev, &idx)) {
		ret = vgpu_hostmem_fill_vma(to_blob(gem), vma);
		drm_dev_exit(idx);
		return ret;
	}

	/* If the host memory is lost, map nothing: the fault handler maps the lost page. */
	if ((!ret || ret == -EIO || ret == -ENODEV) && vgpu_hostmem_is_lost(gem))
		return 0;
	return ret;
}

static struct page *vgpu_hostmem_get_lost_page(struct vgpu_hostmem_blob *blob)
{
	struct page *page = READ_ONCE(blob->lost_page), *other;

	if (page)
		return page;

	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;

	other = cmpxchg(&blob->lost_page, NULL, page);
	if (!other)
		return page;
	__free_page(page);
	return other;
}

/* mmap() maps the whole range at once, so a fault happens only if the host memory is lost. */
static vm_fault_t vgpu_hostmem_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	struct page *page = vgpu_hostmem_get_lost_page(to_blob(to_vgpu_gem(obj)));

	if (!page)
		return VM_FAULT_OOM;
	return vmf_insert_pfn_prot(vma, vmf->address, page_to_pfn(page),
				   vm_get_page_prot(vma->vm_flags));
}

static const struct vm_operations_struct vgpu_hostmem_vm_ops = {
	.fault = vgpu_hostmem_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

static const struct drm_gem_object_funcs vgpu_hostmem_funcs = {
	.free = vgpu_hostmem_gem_free,
	.open = vgpu_attachment_open,
	.close = vgpu_attachment_close,
	.export = vgpu_prime_export,
	.mmap = vgpu_hostmem_gem_mmap,
	.vm_ops = &vgpu_hostmem_vm_ops,
};

/**
 * vgpu_hostmem_gem_create() - Create a buffer without guest pages
 * @vgpu: the device
 * @size_bytes: size, a multiple of the page size
 *
 * Context: process, may sleep.
 * Return: the buffer, whose resource is not created yet; or an error pointer:
 * -ENOMEM, -ENOSPC.
 */
struct vgpu_gem *vgpu_hostmem_gem_create(struct vgpu_device *vgpu, size_t size_bytes)
{
	struct vgpu_hostmem_blob *blob;
	struct drm_gem_object *obj;
	int ret;

	blob = kzalloc(sizeof(*blob), GFP_KERNEL_ACCOUNT);
	if (!blob)
		return ERR_PTR(-ENOMEM);
	mutex_init(&blob->lock);

	obj = &blob->gem.base.base;
	obj->funcs = &vgpu_hostmem_funcs;
	drm_gem_private_object_init(&vgpu->drm, obj, size_bytes);

	ret = vgpu_resource_init(vgpu, &blob->gem.res, vgpu_hostmem_gem_release);
	blob->gem.res.forget = vgpu_hostmem_forget;
	if (!ret)
		ret = drm_gem_create_mmap_offset(obj);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return &blob->gem;
}
