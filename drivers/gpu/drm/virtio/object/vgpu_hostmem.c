// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: host-visible memory
 *
 * A blob of the host's own memory has no guest pages. To let the CPU access it, the host
 * shows it in a window of the device, at an offset that the driver chooses. The driver sends
 * MAP_BLOB when user space calls MAP or mmap(), or imports the blob into another device: these
 * calls can wait interruptibly and return an errno. A blob that is not mapped takes no part of the
 * window.
 *
 * A part is reused only when the host has answered UNMAP_BLOB. When the device is unplugged
 * or reset, the host memory is lost and the mappings of the blob are torn down. The kernel's
 * rules for hot-unplug (Documentation/gpu/drm-uapi.rst) forbid SIGBUS here, so every mapping
 * of a lost blob, old or new, shows one page of ordinary memory at all its offsets. The page
 * belongs to the blob, is allocated zeroed at the first fault and freed with the blob.
 */

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/wait.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_mm.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_prime.h"
#include "protocol/vgpu_cmd.h"

/* How long to wait for a part of a full window, if closed blobs are about to leave theirs. */
#define VGPU_HOSTMEM_ROOM_TIMEOUT_MS	5000

/**
 * struct vgpu_hostmem - The window of host-visible memory
 * @base: physical address, constant
 * @size: bytes, constant
 * @lock: protects the fields below except @room
 * @mm: the parts of the window that are taken
 * @used: size of these parts, in bytes
 * @leaving: number of closed blobs that still take their part of the window
 * @turns: counts the parts that were given back
 * @room: wait queue for a change of @turns
 */
struct vgpu_hostmem {
	u64 base;
	u64 size;
	struct mutex lock;
	struct drm_mm mm;
	u64 used;
	unsigned int leaving;
	unsigned int turns;
	wait_queue_head_t room;
};

/**
 * enum vgpu_hostmem_state - Whether a blob is in the window
 * @VGPU_HOSTMEM_ABSENT: the blob is not in the window
 * @VGPU_HOSTMEM_SHOWN: the host shows the blob at its node
 * @VGPU_HOSTMEM_UNSURE: the host has not answered MAP_BLOB yet, or its answer was malformed; in
 *                       the latter case the node stays taken until the blob is released
 */
enum vgpu_hostmem_state {
	VGPU_HOSTMEM_ABSENT,
	VGPU_HOSTMEM_SHOWN,
	VGPU_HOSTMEM_UNSURE,
};

/**
 * struct vgpu_hostmem_blob - A blob of the host's memory
 * @gem: the buffer; first, because it is freed by its address
 * @lock: protects the fields below; acquired interruptibly, since it is held while waiting for
 *        the host
 * @state: whether the blob is in the window
 * @asked: MAP_BLOB, until its answer is evaluated; or NULL
 * @unmap: UNMAP_BLOB, allocated before MAP_BLOB is sent; or NULL
 * @node: part of the window that the blob takes, unless VGPU_HOSTMEM_ABSENT
 * @cache: VIRTIO_GPU_MAP_CACHE_*, if VGPU_HOSTMEM_SHOWN
 * @lost_page: page that mappings show after the host memory is lost; NULL until the first fault;
 *             set once, by cmpxchg()
 * @leaving: the blob is counted in &vgpu_hostmem.leaving; protected by &vgpu_hostmem.lock
 */
struct vgpu_hostmem_blob {
	struct vgpu_gem gem;
	struct mutex lock;
	enum vgpu_hostmem_state state;
	struct vgpu_cmd *asked;
	struct vgpu_cmd *unmap;
	struct drm_mm_node node;
	u32 cache;
	struct page *lost_page;
	bool leaving;
};

static struct vgpu_hostmem_blob *to_blob(struct vgpu_gem *gem)
{
	return container_of(gem, struct vgpu_hostmem_blob, gem);
}

/**
 * vgpu_hostmem_init() - Find the window of host-visible memory
 * @vgpu: the device; &vgpu_device.hostmem stays NULL if it has no window
 *
 * Virtio 1.3, 5.7.6.8: shared memory region VIRTIO_GPU_SHM_ID_HOST_VISIBLE.
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_hostmem_init(struct vgpu_device *vgpu)
{
	struct virtio_shm_region region;
	struct vgpu_hostmem *hostmem;

	if (!vgpu->features.blob ||
	    !virtio_get_shm_region(vgpu->vdev, &region, VIRTIO_GPU_SHM_ID_HOST_VISIBLE) ||
	    region.len < PAGE_SIZE)
		return 0;

	hostmem = kzalloc(sizeof(*hostmem), GFP_KERNEL);
	if (!hostmem)
		return -ENOMEM;

	hostmem->base = region.addr;
	hostmem->size = region.len;
	mutex_init(&hostmem->lock);
	drm_mm_init(&hostmem->mm, 0, region.len);
	init_waitqueue_head(&hostmem->room);
	vgpu->hostmem = hostmem;
	drm_info(&vgpu->drm, "host-visible memory: %llu MiB\n", hostmem->size >> 20);
	return 0;
}

/**
 * vgpu_hostmem_fini() - Free the window
 * @vgpu: the device, whose last blob has been released
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_fini(struct vgpu_device *vgpu)
{
	struct vgpu_hostmem *hostmem = vgpu->hostmem;

	if (!hostmem)
		return;
	drm_mm_takedown(&hostmem->mm);
	mutex_destroy(&hostmem->lock);
	kfree(hostmem);
}

/**
 * vgpu_hostmem_size() - Get the size of the window
 * @vgpu: the device
 *
 * Context: any.
 * Return: bytes; 0 if there is no window.
 */
u64 vgpu_hostmem_size(const struct vgpu_device *vgpu)
{
	return vgpu->hostmem ? vgpu->hostmem->size : 0;
}

/**
 * vgpu_hostmem_used() - Get how much of the window is taken
 * @vgpu: the device
 *
 * Context: any.
 * Return: bytes, a snapshot.
 */
u64 vgpu_hostmem_used(const struct vgpu_device *vgpu)
{
	return vgpu->hostmem ? READ_ONCE(vgpu->hostmem->used) : 0;
}

/**
 * vgpu_hostmem_print() - List the blobs in the window
 * @vgpu: the device
 * @p: printer to write to
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_hostmem *hostmem = vgpu->hostmem;
	struct vgpu_hostmem_blob *blob;
	struct drm_mm_node *node;

	drm_printf(p, "size %llu used %llu\n", vgpu_hostmem_size(vgpu), vgpu_hostmem_used(vgpu));
	if (!hostmem)
		return;

	drm_printf(p, "%12s %12s %10s\n", "offset", "size", "resource");
	mutex_lock(&hostmem->lock);
	drm_mm_for_each_node(node, &hostmem->mm) {
		blob = container_of(node, struct vgpu_hostmem_blob, node);
		drm_printf(p, "%12llu %12llu %10u\n", node->start, node->size, blob->gem.res.id);
	}
	mutex_unlock(&hostmem->lock);
}

/*
 * Take a part of the window for a blob. Returns -EAGAIN if the window is full but closed blobs are
 * leaving it: the caller may try again when &vgpu_hostmem.turns is not @turns any more.
 */
static int vgpu_hostmem_take(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob,
			     unsigned int *turns)
{
	u64 alignment = max_t(u64, PAGE_SIZE, blob->gem.res.vgpu->features.blob_alignment);
	u64 size = blob->gem.base.base.size;
	int ret;

	mutex_lock(&hostmem->lock);
	ret = drm_mm_insert_node_generic(&hostmem->mm, &blob->node, size, alignment, 0, 0);
	if (!ret)
		WRITE_ONCE(hostmem->used, hostmem->used + size);
	else if (ret == -ENOSPC && hostmem->leaving)
		ret = -EAGAIN;
	*turns = hostmem->turns;
	mutex_unlock(&hostmem->lock);
	return ret;
}

/* As vgpu_hostmem_take(), but wait until the host has unmapped enough closed blobs. */
static int vgpu_hostmem_take_or_wait(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	long left = msecs_to_jiffies(VGPU_HOSTMEM_ROOM_TIMEOUT_MS);
	struct vgpu_cmdq *q = blob->gem.res.vgpu->cmdq;
	unsigned int turns;
	int ret;

	do {
		ret = vgpu_hostmem_take(hostmem, blob, &turns);
		if (ret != -EAGAIN)
			return ret;
		vgpu_cmdq_listen(q);
		left = wait_event_interruptible_timeout(hostmem->room,
							READ_ONCE(hostmem->turns) != turns, left);
		vgpu_cmdq_unlisten(q);
	} while (left > 0);
	return left ? -ERESTARTSYS : -ENOSPC;
}

static void vgpu_hostmem_give_back(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	mutex_lock(&hostmem->lock);
	drm_mm_remove_node(&blob->node);
	WRITE_ONCE(hostmem->used, hostmem->used - blob->gem.base.base.size);
	hostmem->leaving -= blob->leaving;
	WRITE_ONCE(hostmem->turns, hostmem->turns + 1);
	mutex_unlock(&hostmem->lock);
	wake_up_all(&hostmem->room);
}

static void vgpu_hostmem_leave(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	mutex_lock(&hostmem->lock);
	blob->leaving = true;
	hostmem->leaving++;
	mutex_unlock(&hostmem->lock);
}

static void vgpu_hostmem_forget_question(struct vgpu_hostmem_blob *blob)
{
	vgpu_cmd_put(blob->asked);
	blob->asked = NULL;
}

/* Allocate UNMAP_BLOB now, so that freeing the blob does not wait for memory. */
static int vgpu_hostmem_prepare_unmap_locked(struct vgpu_hostmem_blob *blob)
{
	struct vgpu_resource *res = &blob->gem.res;
	struct vgpu_cmd *unmap;

	lockdep_assert_held(&blob->lock);

	if (blob->unmap)
		return 0;
	unmap = vgpu_cmd_unmap_blob(res->vgpu->cmdq, res->id);
	if (IS_ERR(unmap))
		return PTR_ERR(unmap);
	blob->unmap = unmap;
	return 0;
}

static int vgpu_hostmem_ask_locked(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	struct vgpu_resource *res = &blob->gem.res;
	struct vgpu_cmd *cmd;
	int ret;

	lockdep_assert_held(&blob->lock);

	ret = vgpu_hostmem_prepare_unmap_locked(blob);
	if (ret)
		return ret;

	ret = vgpu_hostmem_take_or_wait(hostmem, blob);
	if (ret) {
		drm_dbg(&res->vgpu->drm, "resource %u got no host-visible memory\n", res->id);
		return ret;
	}

	cmd = vgpu_cmd_map_blob(res->vgpu->cmdq, res->id, blob->node.start);
	if (IS_ERR(cmd)) {
		vgpu_hostmem_give_back(hostmem, blob);
		return PTR_ERR(cmd);
	}

	vgpu_cmd_send(cmd, &res->owner);
	blob->asked = cmd;
	blob->state = VGPU_HOSTMEM_UNSURE;
	return 0;
}

/* An interrupted caller leaves the command in @asked; the next caller waits for its answer. */
static int vgpu_hostmem_show_locked(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	int ret = 0;

	lockdep_assert_held(&blob->lock);

	if (blob->state == VGPU_HOSTMEM_SHOWN)
		return 0;
	if (blob->state == VGPU_HOSTMEM_ABSENT)
		ret = vgpu_hostmem_ask_locked(hostmem, blob);
	else if (!blob->asked)
		ret = -EIO;
	if (ret)
		return ret;

	ret = vgpu_cmd_await(blob->asked);
	if (ret == -ERESTARTSYS)
		return ret;
	if (!ret)
		ret = vgpu_cmd_read_map_info(blob->asked, &blob->cache);
	vgpu_hostmem_forget_question(blob);

	if (ret == -EPROTO)
		return ret;
	if (ret) {
		blob->state = VGPU_HOSTMEM_ABSENT;
		vgpu_hostmem_give_back(hostmem, blob);
		/* The host has not mapped the blob; its other errors mean nothing to user space. */
		return ret == -ENOMEM || ret == -ENODEV ? ret : -EIO;
	}
	blob->state = VGPU_HOSTMEM_SHOWN;
	return 0;
}

/**
 * vgpu_hostmem_map() - Have the host show a blob in the window
 * @gem: a buffer of vgpu_hostmem_create()
 *
 * Context: process, waits for the host like vgpu_cmd_await().
 * Return: 0; -EINVAL for a blob that was not created mappable, or without a window; -ENOSPC if the
 * window is full; -ENOMEM, also if the host has no memory; -EIO if the host refuses for another
 * reason; -EPROTO for a malformed answer; -ERESTARTSYS when interrupted; -ENODEV if the device is
 * gone.
 */
int vgpu_hostmem_map(struct vgpu_gem *gem)
{
	struct vgpu_hostmem_blob *blob = to_blob(gem);
	struct vgpu_device *vgpu = gem->res.vgpu;
	int ret, idx;

	if (!vgpu->hostmem || !(gem->res.blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE)) {
		drm_dbg(&vgpu->drm, "resource %u is not mappable on this device\n", gem->res.id);
		return -EINVAL;
	}

	if (vgpu_resource_error(&gem->res))
		return -EIO;
	if (!drm_dev_enter(&vgpu->drm, &idx))
		return -ENODEV;

	ret = mutex_lock_interruptible(&blob->lock) ? -ERESTARTSYS : 0;
	if (!ret) {
		ret = vgpu_hostmem_show_locked(vgpu->hostmem, blob);
		mutex_unlock(&blob->lock);
	}
	drm_dev_exit(idx);
	return ret;
}

static void vgpu_hostmem_blob_release(struct vgpu_resource *res)
{
	struct vgpu_gem *gem = container_of(res, struct vgpu_gem, res);
	struct vgpu_hostmem_blob *blob = to_blob(gem);

	if (blob->state != VGPU_HOSTMEM_ABSENT)
		vgpu_hostmem_give_back(res->vgpu->hostmem, blob);
	drm_gem_object_release(&gem->base.base);
	if (blob->lost_page)
		__free_page(blob->lost_page);
	vgpu_cmd_put(blob->unmap);
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
	struct vgpu_resource *res = &gem->res;

	/* MAP_BLOB has a reference to the resource, which would keep it for ever. */
	vgpu_hostmem_forget_question(to_blob(gem));
	if (to_blob(gem)->state != VGPU_HOSTMEM_ABSENT) {
		vgpu_hostmem_leave(res->vgpu->hostmem, to_blob(gem));
		if (!vgpu_resource_error(res)) {
			vgpu_cmd_post(to_blob(gem)->unmap, &res->owner);
			to_blob(gem)->unmap = NULL;
		}
	}
	vgpu_resource_retire(res);
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
	u64 start = blob->gem.res.vgpu->hostmem->base + blob->node.start;

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

	ret = vgpu_hostmem_map(gem);
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
	.open = vgpu_gem_open,
	.close = vgpu_gem_close,
	.export = vgpu_prime_export,
	.mmap = vgpu_hostmem_gem_mmap,
	.vm_ops = &vgpu_hostmem_vm_ops,
};

/**
 * vgpu_hostmem_create() - Create a buffer without guest pages
 * @vgpu: the device
 * @size_bytes: size, a multiple of the page size
 *
 * Context: process, may sleep.
 * Return: the buffer, whose resource is not created yet; or an error pointer:
 * -ENOMEM, -ENOSPC.
 */
struct vgpu_gem *vgpu_hostmem_create(struct vgpu_device *vgpu, size_t size_bytes)
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

	ret = vgpu_resource_init(vgpu, &blob->gem.res, vgpu_hostmem_blob_release);
	blob->gem.res.forget = vgpu_hostmem_forget;
	if (!ret)
		ret = drm_gem_create_mmap_offset(obj);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return &blob->gem;
}

/**
 * vgpu_hostmem_is() - Check whether a buffer is a blob of the host's memory
 * @obj: any buffer of this driver
 *
 * Context: any.
 * Return: true if it has no guest pages.
 */
bool vgpu_hostmem_is(const struct drm_gem_object *obj)
{
	return obj->funcs == &vgpu_hostmem_funcs;
}

/**
 * vgpu_hostmem_address() - Get the address of a blob in the window
 * @gem: a buffer of vgpu_hostmem_create(), which vgpu_hostmem_map() has mapped
 *
 * Context: any.
 * Return: the guest-physical address.
 */
u64 vgpu_hostmem_address(struct vgpu_gem *gem)
{
	return gem->res.vgpu->hostmem->base + to_blob(gem)->node.start;
}
