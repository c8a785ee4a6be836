// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: buffers
 *
 * A buffer of user space is a GEM object on the shmem helpers, with the host's resource embedded.
 * When the driver creates a buffer, it has the host create the resource and attach the pages. When
 * the last reference is dropped, it retires the resource, and frees the memory of both once the
 * host has answered UNREF.
 */

#include <linux/dma-resv.h>
#include <linux/overflow.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_attachment.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_pages.h"
#include "object/vgpu_prime.h"
#include "object/vgpu_reclaim.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"

/* DRM_FORMAT_HOST_XRGB8888 on the wire. */
#ifdef __BIG_ENDIAN
#define VGPU_GEM_DUMB_FORMAT	VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM
#else
#define VGPU_GEM_DUMB_FORMAT	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
#endif

/* PIPE_BUFFER, PIPE_TEXTURE_2D and PIPE_TEXTURE_RECT of Gallium. */
#define VGPU_GEM_TARGET_BUFFER	0
#define VGPU_GEM_TARGET_2D	2
#define VGPU_GEM_TARGET_RECT	5

/* How long CREATE_DUMB of a client inside the kernel, such as fbcon, waits for the host. */
#define VGPU_GEM_KERNEL_DUMB_MS	2000

/* Called when neither the guest nor the host uses the buffer any more. */
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

static enum drm_gem_object_status vgpu_gem_status(struct drm_gem_object *obj)
{
	/* A snapshot: the pages may come and go. */
	return data_race(to_vgpu_gem(obj)->base.pages) ? DRM_GEM_OBJECT_RESIDENT : 0;
}

static const struct drm_gem_object_funcs vgpu_gem_funcs = {
	.free = vgpu_gem_free,
	.open = vgpu_attachment_open,
	.close = vgpu_attachment_close,
	.print_info = drm_gem_shmem_object_print_info,
	.export = vgpu_prime_export,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = vgpu_pages_mmap,
	.status = vgpu_gem_status,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/**
 * vgpu_gem_create_object() - Implement &drm_driver.gem_create_object
 * @drm: the device
 * @size_bytes: unused
 *
 * Context: process, may sleep.
 * Return: the object, for the helpers to initialise; or ERR_PTR(-ENOMEM).
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

/* Create a buffer whose resource has an id, but does not exist on the host yet. */
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

static int vgpu_gem_get_pages_locked(struct vgpu_gem *gem)
{
	struct sg_table *pages;

	dma_resv_assert_held(gem->base.base.resv);

	pages = vgpu_pages_get_locked(&gem->base);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	vgpu_resource_set_pages(&gem->res, pages);
	gem->res.charged_bytes = gem->base.base.size;
	return 0;
}

/* Create the resource of a buffer, which stays busy until the host has done so. */
static int vgpu_gem_create_busy_locked(struct vgpu_gem *gem, struct vgpu_timeline *tl,
				       const struct virtio_gpu_resource_create_3d *texture,
				       struct vgpu_submitq_entry *entry)
{
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_fence *fence;
	int ret;

	dma_resv_assert_held(resv);

	ret = dma_resv_reserve_fences(resv, 1);
	if (ret)
		return ret;
	fence = vgpu_fence_create(tl);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	fence->is_upkeep = true;

	ret = vgpu_resource_create(&gem->res, texture, entry, fence);
	/* Write: the host may copy its content to the pages. */
	if (!ret)
		dma_resv_add_fence(resv, &fence->base, DMA_RESV_USAGE_WRITE);
	vgpu_fence_put(fence);
	return ret;
}

/*
 * Have the host create the resource of a new buffer, whose description is set. Takes over the
 * reference and @entry; see vgpu_resource_create(). Returns the buffer or an error pointer.
 */
static struct vgpu_gem *vgpu_gem_finish(struct vgpu_gem *gem, struct vgpu_timeline *tl,
					const struct virtio_gpu_resource_create_3d *texture,
					struct vgpu_submitq_entry *entry)
{
	bool has_pages = !vgpu_hostmem_is(gem);
	int ret;

	ret = has_pages ? vgpu_pages_fill(&gem->base.base) : 0;
	if (ret)
		goto err_put;

	dma_resv_lock(gem->base.base.resv, NULL);
	if (has_pages)
		ret = vgpu_gem_get_pages_locked(gem);
	if (!ret && tl)
		ret = vgpu_gem_create_busy_locked(gem, tl, texture, entry);
	else if (!ret)
		ret = vgpu_resource_create(&gem->res, texture, entry, NULL);
	dma_resv_unlock(gem->base.base.resv);
	if (!ret)
		return gem;

err_put:
	vgpu_submitq_abandon(entry);
	vgpu_gem_put(gem);
	return ERR_PTR(ret);
}

/**
 * vgpu_gem_create_texture() - Create a buffer with a 2D or a 3D resource
 * @vgpu: the device
 * @tl: timeline of the fence that keeps the buffer busy until the host has created the
 *      resource; or NULL for no fence
 * @kind: VGPU_RESOURCE_2D or VGPU_RESOURCE_3D
 * @size_bytes: size of the buffer, 0 for a page
 * @texture: parameters of the resource; for a 2D resource only format, width and height
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: the buffer; or an error pointer: -ENOMEM, -ENOSPC, -E2BIG, -EINTR.
 */
struct vgpu_gem *vgpu_gem_create_texture(struct vgpu_device *vgpu, struct vgpu_timeline *tl,
					 enum vgpu_resource_kind kind, size_t size_bytes,
					 const struct virtio_gpu_resource_create_3d *texture)
{
	struct vgpu_gem *gem = vgpu_gem_create(vgpu, size_bytes);
	const u32 target = le32_to_cpu(texture->target);
	struct vgpu_resource *res;

	if (IS_ERR(gem))
		return gem;

	res = &gem->res;
	res->kind = kind;
	res->format = le32_to_cpu(texture->format);
	res->width = le32_to_cpu(texture->width);
	res->height = le32_to_cpu(texture->height);
	if (kind == VGPU_RESOURCE_3D) {
		res->layered = le32_to_cpu(texture->depth) > 1 ||
			       le32_to_cpu(texture->array_size) > 1;
		res->is_texture = target != VGPU_GEM_TARGET_BUFFER;
		res->is_plain_2d = !res->layered && le32_to_cpu(texture->nr_samples) <= 1 &&
				   (target == VGPU_GEM_TARGET_2D ||
				    target == VGPU_GEM_TARGET_RECT);
	}
	return vgpu_gem_finish(gem, tl, texture, NULL);
}

/**
 * vgpu_gem_create_blob() - Create a buffer with a blob resource
 * @vgpu: the device
 * @tl: see vgpu_gem_create_texture()
 * @blob: parameters of the blob; checked by the caller, the size a multiple of the page
 *        size and of the blob alignment
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: the buffer; or an error pointer: -ENOMEM, -ENOSPC, -E2BIG, -EINTR.
 */
struct vgpu_gem *vgpu_gem_create_blob(struct vgpu_device *vgpu, struct vgpu_timeline *tl,
				      const struct vgpu_gem_blob *blob)
{
	struct vgpu_submitq_entry *entry = NULL;
	struct vgpu_gem *gem;

	if (blob->mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		gem = vgpu_hostmem_gem_create(vgpu, blob->size_bytes);
	else
		gem = vgpu_gem_create(vgpu, blob->size_bytes);
	if (IS_ERR(gem))
		return gem;

	gem->res.kind = VGPU_RESOURCE_BLOB;
	gem->res.blob_id = blob->id;
	gem->res.blob_mem = blob->mem;
	gem->res.blob_flags = blob->flags;
	gem->res.size_bytes = gem->base.base.size;
	if (blob->ctx) {
		gem->res.ctx_id = blob->ctx->id;
		entry = vgpu_attachment_prepare_turn(gem, blob->ctx->submitq);
		if (IS_ERR(entry)) {
			vgpu_gem_put(gem);
			return ERR_CAST(entry);
		}
	}
	return vgpu_gem_finish(gem, tl, NULL, entry);
}

/* Create a dumb buffer: if possible a guest blob, which the host reads in place. */
static struct vgpu_gem *vgpu_gem_create_dumb(struct vgpu_device *vgpu, size_t size_bytes,
					     u32 width, u32 height)
{
	const struct virtio_gpu_resource_create_3d texture = {
		.format = cpu_to_le32(VGPU_GEM_DUMB_FORMAT),
		.width = cpu_to_le32(width),
		.height = cpu_to_le32(height),
	};
	const struct vgpu_gem_blob blob = {
		.size_bytes = ALIGN(PAGE_ALIGN(size_bytes), vgpu->features.blob_alignment),
		.mem = VIRTIO_GPU_BLOB_MEM_GUEST,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
	};

	if (vgpu->features.blob && !vgpu->features.virgl)
		return vgpu_gem_create_blob(vgpu, NULL, &blob);
	return vgpu_gem_create_texture(vgpu, NULL, VGPU_RESOURCE_2D, size_bytes, &texture);
}

/**
 * vgpu_gem_publish() - Create a handle for a new buffer
 * @gem: the buffer; the reference is taken over
 * @file: the file that gets the handle
 * @handle: set to the handle
 *
 * The last step of a creation: from here on user space may use the buffer in any way.
 *
 * Context: process, may sleep.
 * Return: 0; the sticky error of the context of the file; -ENOMEM; -ENOSPC.
 */
int vgpu_gem_publish(struct vgpu_gem *gem, struct drm_file *file, u32 *handle)
{
	struct vgpu_cmdq *q = gem->res.vgpu->cmdq;
	int ret;

	ret = drm_gem_handle_create(file, &gem->base.base, handle);
	if (!ret) {
		vgpu_reclaim_watch(gem);
		vgpu_cmdq_kick(q);
	}
	vgpu_gem_put(gem);
	return ret;
}

/**
 * vgpu_gem_dumb_create() - Implement &drm_driver.dumb_create
 * @file: the client
 * @drm: the device
 * @args: width, height and bpp are given; handle, pitch and size are set
 *
 * Context: process; sleeps interruptibly while the client is throttled, then killably until the
 * host has answered; for a client inside the kernel, VGPU_GEM_KERNEL_DUMB_MS at most.
 * Return: 0; -EINVAL for other than 32 bits a pixel, a size of 0 or one above INT_MAX; an error of
 * vgpu_gem_create_texture(); -ENOMEM if the host has no memory; -ERESTARTSYS; -EINTR when killed;
 * -ETIMEDOUT inside the kernel; another errno for which the host refused the buffer; -EIO if the
 * device is lost.
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
		drm_dbg(drm, "width, height: %u × %u: 0 or too big\n", args->width, args->height);
		return -EINVAL;
	}

	/* A client inside the kernel creates few buffers, and no signal can end its wait. */
	ret = file->filp ? vgpu_context_throttle(vgpu_context_of(file), VGPU_BUDGET_WORK) :
			   vgpu_cmdq_error(vgpu->cmdq);
	if (ret)
		return ret;

	gem = vgpu_gem_create_dumb(vgpu, size, args->width, args->height);
	if (IS_ERR(gem))
		return PTR_ERR(gem);

	/*
	 * No later command before a flip would report that the host refused the buffer. A client
	 * inside the kernel, such as a console, must not hang when the host does.
	 */
	ret = vgpu_resource_await(&gem->res, file->filp ? 0 : VGPU_GEM_KERNEL_DUMB_MS);
	if (ret) {
		vgpu_gem_put(gem);
		return ret;
	}

	gem->dumb = true;
	args->pitch = pitch;
	args->size = gem->base.base.size;
	return vgpu_gem_publish(gem, file, &args->handle);
}

/**
 * vgpu_gem_lookup() - Find a buffer by its handle
 * @file: the file that has the handle
 * @handle: the handle
 *
 * Context: process.
 * Return: the buffer with a reference for vgpu_gem_put(), or NULL.
 */
struct vgpu_gem *vgpu_gem_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_vgpu_gem(obj) : NULL;
}

/**
 * vgpu_gem_has_handle_locked() - Check whether a handle still names a buffer
 * @gem: the buffer, with a reference, its reservation locked
 * @file: the file that has the handle
 * @handle: the handle
 *
 * If it does, the buffer stays attached to the file's context until the reservation is unlocked:
 * the core removes a handle before it calls vgpu_attachment_close(), which locks the reservation.
 *
 * Context: process.
 * Return: true if it does.
 */
bool vgpu_gem_has_handle_locked(struct vgpu_gem *gem, struct drm_file *file, u32 handle)
{
	dma_resv_assert_held(gem->base.base.resv);

	/* The object that is found is compared, not used, so it needs no reference. */
	guard(rcu)();
	return idr_find(&file->object_idr, handle) == &gem->base.base;
}
