// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: buffers
 *
 * A buffer of user space is a GEM object on the shmem helpers, with the host's
 * resource embedded. Creating one makes the resource on the host and attaches the
 * pages; closing the last handle retires the resource, and the memory of both is
 * freed once the host has let go.
 */

#include <linux/dma-mapping.h>
#include <linux/overflow.h>
#include <linux/virtio_config.h>

#include <drm/drm_file.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_pages.h"
#include "object/vgpu_prime.h"
#include "object/vgpu_reclaim.h"

/* The wire's name of DRM_FORMAT_HOST_XRGB8888. */
#ifdef __BIG_ENDIAN
#define VGPU_GEM_DUMB_FORMAT	VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM
#else
#define VGPU_GEM_DUMB_FORMAT	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
#endif

/* Called when neither we nor the host use the buffer any more. */
static void vgpu_gem_release(struct vgpu_resource *res)
{
	struct vgpu_gem *gem = container_of(res, struct vgpu_gem, res);
	struct drm_gem_object *obj = &gem->base.base;

	vgpu_reclaim_unwatch(gem);
	if (res->pages) {
		dma_resv_lock(obj->resv, NULL);
		vgpu_pages_put_locked(&gem->base, res->pages);
		dma_resv_unlock(obj->resv);
	}
	drm_gem_shmem_free(&gem->base);
}

static void vgpu_gem_free(struct drm_gem_object *obj)
{
	vgpu_resource_retire(&to_vgpu_gem(obj)->res);
}

/**
 * vgpu_gem_open() - &drm_gem_object_funcs.open
 * @obj: the buffer
 * @file: who gets a handle for it
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0, or the sticky error of the context of the file.
 */
int vgpu_gem_open(struct drm_gem_object *obj, struct drm_file *file)
{
	return vgpu_context_attach(vgpu_context_of(file), &to_vgpu_gem(obj)->res);
}

/**
 * vgpu_gem_close() - &drm_gem_object_funcs.close
 * @obj: the buffer
 * @file: who gives up a handle of it
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_gem_close(struct drm_gem_object *obj, struct drm_file *file)
{
	/*
	 * The last one: UNREF comes next, and takes the resource from its contexts as well. The
	 * count is another lock's, and a wrong guess costs a command.
	 */
	if (data_race(obj->handle_count) == 1 && kref_read(&obj->refcount) == 1)
		return;
	/* Who is about to post a command for the buffer looks at its handle under this lock. */
	dma_resv_lock(obj->resv, NULL);
	vgpu_context_detach(vgpu_context_of(file), &to_vgpu_gem(obj)->res);
	dma_resv_unlock(obj->resv);
}

static enum drm_gem_object_status vgpu_gem_status(struct drm_gem_object *obj)
{
	/* A guess: they may come and go. */
	return data_race(to_vgpu_gem(obj)->base.pages) ? DRM_GEM_OBJECT_RESIDENT : 0;
}

static const struct drm_gem_object_funcs vgpu_gem_funcs = {
	.free = vgpu_gem_free,
	.open = vgpu_gem_open,
	.close = vgpu_gem_close,
	.print_info = drm_gem_shmem_object_print_info,
	.export = vgpu_prime_export,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.status = vgpu_gem_status,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/**
 * vgpu_gem_create_object() - &drm_driver.gem_create_object
 * @drm: the device
 * @size_bytes: unused
 *
 * Context: process, may sleep.
 * Return: room for a buffer, or ERR_PTR(-ENOMEM).
 */
struct drm_gem_object *vgpu_gem_create_object(struct drm_device *drm, size_t size_bytes)
{
	struct vgpu_gem *gem;

	gem = kzalloc(sizeof(*gem), GFP_KERNEL_ACCOUNT);
	if (!gem)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&gem->idle);
	gem->base.base.funcs = &vgpu_gem_funcs;
	return &gem->base.base;
}

/* A buffer with an id, but nothing of it on the host yet. */
static struct vgpu_gem *vgpu_gem_create(struct vgpu_device *vgpu, size_t size_bytes)
{
	struct drm_gem_shmem_object *shmem;
	struct vgpu_gem *gem;
	int ret;

	shmem = drm_gem_shmem_create(&vgpu->drm, max_t(size_t, size_bytes, PAGE_SIZE));
	if (IS_ERR(shmem))
		return ERR_CAST(shmem);
	gem = to_vgpu_gem(&shmem->base);
	ret = vgpu_resource_init(vgpu, &gem->res, vgpu_gem_release);
	if (ret) {
		drm_gem_object_put(&shmem->base);
		return ERR_PTR(ret);
	}
	return gem;
}

/* Finish what a create function has begun with result @ret: attach the pages. */
static struct vgpu_gem *vgpu_gem_attach(struct vgpu_gem *gem, int ret)
{
	struct sg_table *pages;

	if (!ret) {
		pages = vgpu_pages_get(&gem->base);
		ret = PTR_ERR_OR_ZERO(pages);
	}
	if (!ret)
		ret = vgpu_resource_attach(&gem->res, pages);
	if (ret) {
		vgpu_gem_put(gem);
		return ERR_PTR(ret);
	}
	return gem;
}

/**
 * vgpu_gem_put() - drop a reference to a buffer
 * @gem: the buffer
 *
 * Context: process, may sleep.
 */
void vgpu_gem_put(struct vgpu_gem *gem)
{
	drm_gem_object_put(&gem->base.base);
}

/**
 * vgpu_gem_create_2d() - create a buffer the host takes for a picture
 * @vgpu: the device
 * @size_bytes: size of the buffer, 0 for a page
 * @format: enum virtio_gpu_formats
 * @width: pixels
 * @height: pixels
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: the buffer; or an error pointer: -ENOMEM, -ENOSPC, -E2BIG, -EINTR.
 */
struct vgpu_gem *vgpu_gem_create_2d(struct vgpu_device *vgpu, size_t size_bytes, u32 format,
				    u32 width, u32 height)
{
	struct vgpu_gem *gem = vgpu_gem_create(vgpu, size_bytes);

	if (IS_ERR(gem))
		return gem;
	return vgpu_gem_attach(gem, vgpu_resource_create_2d(&gem->res, format, width, height));
}

/**
 * vgpu_gem_create_3d() - create a buffer behind a texture or buffer of the host
 * @vgpu: the device
 * @size_bytes: size of the buffer, 0 for a page
 * @texture: what the host shall make
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: the buffer; or an error pointer: -ENOMEM, -ENOSPC, -E2BIG, -EINTR.
 */
struct vgpu_gem *vgpu_gem_create_3d(struct vgpu_device *vgpu, size_t size_bytes,
				    const struct vgpu_texture *texture)
{
	struct vgpu_gem *gem = vgpu_gem_create(vgpu, size_bytes);

	if (IS_ERR(gem))
		return gem;
	return vgpu_gem_attach(gem, vgpu_resource_create_3d(&gem->res, texture));
}

/* The part of @blob that is memory of ours. */
static struct vgpu_gem *vgpu_gem_create_paged_blob(struct vgpu_device *vgpu,
						   const struct vgpu_gem_blob *blob)
{
	struct sg_table *pages;
	struct vgpu_gem *gem;
	int ret;

	gem = vgpu_gem_create(vgpu, blob->size_bytes);
	if (IS_ERR(gem))
		return gem;
	pages = vgpu_pages_get(&gem->base);
	ret = PTR_ERR_OR_ZERO(pages);
	if (!ret)
		ret = vgpu_resource_create_blob(&gem->res, blob->ctx_id, blob->mem, blob->flags,
						blob->id, gem->base.base.size, pages);
	if (ret) {
		vgpu_gem_put(gem);
		return ERR_PTR(ret);
	}
	return gem;
}

static struct vgpu_gem *vgpu_gem_create_host_blob(struct vgpu_device *vgpu,
						  const struct vgpu_gem_blob *blob)
{
	struct vgpu_gem *gem;
	int ret;

	gem = vgpu_hostmem_create(vgpu, blob->size_bytes);
	if (IS_ERR(gem))
		return gem;
	ret = vgpu_resource_create_blob(&gem->res, blob->ctx_id, blob->mem, blob->flags, blob->id,
					gem->base.base.size, NULL);
	if (ret) {
		vgpu_gem_put(gem);
		return ERR_PTR(ret);
	}
	return gem;
}

/**
 * vgpu_gem_create_blob() - create a buffer the host takes for a blob
 * @vgpu: the device
 * @blob: what it shall be; checked by the caller, the size a multiple of the page
 *        size and of the blob alignment
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: the buffer; or an error pointer: -ENOMEM, -ENOSPC, -E2BIG, -EINTR.
 */
struct vgpu_gem *vgpu_gem_create_blob(struct vgpu_device *vgpu, const struct vgpu_gem_blob *blob)
{
	if (blob->mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		return vgpu_gem_create_host_blob(vgpu, blob);
	return vgpu_gem_create_paged_blob(vgpu, blob);
}

/* A dumb buffer: where it can, the host reads it in place instead of copying it. */
static struct vgpu_gem *vgpu_gem_create_dumb(struct vgpu_device *vgpu, size_t size_bytes,
					     u32 width, u32 height)
{
	struct vgpu_gem_blob blob = {
		.size_bytes = ALIGN(PAGE_ALIGN(size_bytes), vgpu->features.blob_alignment),
		.mem = VIRTIO_GPU_BLOB_MEM_GUEST,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
	};

	if (vgpu->features.blob && !vgpu->features.virgl)
		return vgpu_gem_create_blob(vgpu, &blob);
	return vgpu_gem_create_2d(vgpu, size_bytes, VGPU_GEM_DUMB_FORMAT, width, height);
}

/**
 * vgpu_gem_publish() - hand a new buffer to user space
 * @gem: the buffer; the reference is taken over
 * @file: who gets it
 * @handle: set to its handle
 *
 * Last, when all else is in place: from here on user space may do anything with it.
 *
 * Context: process, may sleep.
 * Return: 0; the sticky error of the context of the file; -ENOMEM; -ENOSPC.
 */
int vgpu_gem_publish(struct vgpu_gem *gem, struct drm_file *file, u32 *handle)
{
	struct vgpu_cmdq *q = gem->res.vgpu->cmdq;
	int ret;

	vgpu_resource_charge(&gem->res, vgpu_context_owner(vgpu_context_of(file)),
			     gem->res.pages ? gem->base.base.size : 0);
	ret = drm_gem_handle_create(file, &gem->base.base, handle);
	if (!ret) {
		vgpu_reclaim_watch(gem);
		vgpu_cmdq_kick(q);
	}
	vgpu_gem_put(gem);
	return ret;
}

/**
 * vgpu_gem_dumb_create() - &drm_driver.dumb_create
 * @file: who asks
 * @drm: the device
 * @args: width, height and bpp are given; handle, pitch and size are set
 *
 * Context: process; sleeps, interruptibly, while the client has too much in flight.
 * Return: 0; -EINVAL for other than 32 bits a pixel, or sizes that overflow; an
 * error of vgpu_gem_create_2d(); -ERESTARTSYS; -EIO when the device is lost.
 */
int vgpu_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			 struct drm_mode_create_dumb *args)
{
	struct vgpu_device *vgpu = to_vgpu(drm);
	struct vgpu_gem *gem;
	u32 pitch;
	u64 size;
	int ret;

	if (args->bpp != 32) {
		drm_dbg(drm, "bpp: %u is not 32\n", args->bpp);
		return -EINVAL;
	}
	if (check_mul_overflow(args->width, 4u, &pitch) ||
	    check_mul_overflow((u64)pitch, (u64)args->height, &size) || !size || size > INT_MAX) {
		drm_dbg(drm, "width, height: %u × %u is too large\n", args->width, args->height);
		return -EINVAL;
	}
	ret = vgpu_context_throttle(vgpu_context_of(file));
	if (ret)
		return ret;
	gem = vgpu_gem_create_dumb(vgpu, size, args->width, args->height);
	if (IS_ERR(gem))
		return PTR_ERR(gem);
	gem->dumb = true;
	args->pitch = pitch;
	args->size = gem->base.base.size;
	return vgpu_gem_publish(gem, file, &args->handle);
}

/**
 * vgpu_gem_lookup() - find a buffer by its handle
 * @file: whose handle
 * @handle: the handle
 *
 * Return: the buffer with a reference for vgpu_gem_put(), or NULL.
 */
struct vgpu_gem *vgpu_gem_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_vgpu_gem(obj) : NULL;
}

/**
 * vgpu_gem_has_handle_locked() - is a buffer still what a handle stands for?
 * @gem: the buffer, with a reference, its reservation locked
 * @file: whose handle
 * @handle: the handle
 *
 * When it is, the context of the file has the buffer attached until the reservation is
 * unlocked: a handle is taken away before vgpu_gem_close() is called.
 *
 * Context: process.
 * Return: true if it is.
 */
bool vgpu_gem_has_handle_locked(struct vgpu_gem *gem, struct drm_file *file, u32 handle)
{
	bool same;

	dma_resv_assert_held(gem->base.base.resv);

	/* What is found is compared, not used. */
	rcu_read_lock();
	same = idr_find(&file->object_idr, handle) == &gem->base.base;
	rcu_read_unlock();
	return same;
}

/* The entries of a scatterlist that hold a range of its bytes. */
static struct scatterlist *vgpu_gem_range(struct sg_table *pages, size_t offset,
					  size_t size_bytes, unsigned int *nents)
{
	struct scatterlist *sg, *first = NULL;
	unsigned int i;

	*nents = 0;
	for_each_sgtable_sg(pages, sg, i) {
		if (offset >= sg->length) {
			offset -= sg->length;
			continue;
		}
		if (!first)
			first = sg;
		++*nents;
		if (offset + size_bytes <= sg->length)
			break;
		size_bytes -= sg->length - offset;
		offset = 0;
	}
	return first;
}

static bool vgpu_gem_needs_sync(struct vgpu_gem *gem)
{
	return !virtio_has_dma_quirk(gem->res.vgpu->vdev) && gem->res.pages;
}

/**
 * vgpu_gem_sync_for_device() - let the device see what the CPU wrote
 * @gem: the buffer
 * @offset: where the change starts, in bytes
 * @size_bytes: how long it is
 *
 * Matters where the device goes by DMA addresses and the pages are bounced.
 *
 * Context: any, between drm_dev_enter() and drm_dev_exit(); of a texture of the host, its
 * reservation locked.
 */
void vgpu_gem_sync_for_device(struct vgpu_gem *gem, size_t offset, size_t size_bytes)
{
	struct scatterlist *sg;
	unsigned int nents;

	if (!vgpu_gem_needs_sync(gem))
		return;
	sg = vgpu_gem_range(gem->res.pages, offset, size_bytes, &nents);
	if (sg)
		dma_sync_sg_for_device(gem->base.base.dev->dev, sg, nents, DMA_TO_DEVICE);
}
