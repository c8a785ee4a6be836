/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_RESOURCE_H
#define VGPU_RESOURCE_H

#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "protocol/vgpu_cmd.h"

struct drm_printer;
struct sg_table;
struct vgpu_device;
struct vgpu_fence;

/**
 * enum vgpu_resource_kind - how the host made a resource
 * @VGPU_RESOURCE_NONE: it has not
 * @VGPU_RESOURCE_2D: RESOURCE_CREATE_2D
 * @VGPU_RESOURCE_3D: RESOURCE_CREATE_3D
 * @VGPU_RESOURCE_BLOB: RESOURCE_CREATE_BLOB
 */
enum vgpu_resource_kind {
	VGPU_RESOURCE_NONE,
	VGPU_RESOURCE_2D,
	VGPU_RESOURCE_3D,
	VGPU_RESOURCE_BLOB,
};

/**
 * struct vgpu_resource - an object of the host, by the id we chose
 * @owner: hears of the outcome of commands about the resource
 * @cursor: stands for the resource in commands on the cursor queue
 * @named: one until vgpu_resource_retire() or vgpu_resource_revoke(), one for each command
 *         on the cursor queue, which the host may read after later ones on the control
 *         queue: with the last, it is told to let go
 * @vgpu: the device, constant
 * @ref: one for whoever embeds the resource until vgpu_resource_retire(), one while
 *       it is @named, one for each command the device may still look at
 * @free: frees what embeds the resource, in process context, once the host cannot
 *        reach its pages any more; constant
 * @link: entry of &vgpu_resources.unnamed, then of &vgpu_resources.dead
 * @id: constant from vgpu_resource_init() to @free
 * @kind: constant once created
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*, 0 for resources that are no blobs
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @format: of a 2D resource, enum virtio_gpu_formats
 * @width: of a 2D or 3D resource, pixels
 * @height: of a 2D or 3D resource, pixels
 * @size_bytes: of a blob
 * @pages: backing, NULL for none; mapped for the device; changed by vgpu_resource_set_pages()
 *         under the reservation of the buffer
 * @nr_entries: pieces of @pages, for people
 * @layered: of a 3D resource: has several layers, or is deep; constant once created
 * @is_texture: of a 3D resource: the host has the content, and reads and writes @pages in
 *              transfers only; constant once created
 * @forget: tells what embeds the resource that the host lost it; may be NULL; constant
 * @forgotten: the host lost it with all else, and it cannot be made again; written under
 *             &vgpu_resources.lifecycle
 * @revoked: signals when the host has let go of it because its pages were taken away, NULL
 *           while they are there; protected likewise
 * @retired: vgpu_resource_retire() was called; protected likewise
 * @payer: whose budget it counts for until the host has made it; or NULL
 * @charged_bytes: how much it counts for; constant once @payer is set
 * @stuck: the host refused to let go of it; its id is not reused
 * @error: the first error of a command that made the resource what it is: sticky,
 *         0 while all is well; written once, by whoever comes first
 */
struct vgpu_resource {
	struct vgpu_cmd_owner owner;
	struct vgpu_cmd_owner cursor;
	refcount_t named;
	struct vgpu_device *vgpu;
	struct kref ref;
	void (*free)(struct vgpu_resource *res);
	struct llist_node link;
	u32 id;
	enum vgpu_resource_kind kind;
	u32 blob_mem;
	u32 blob_flags;
	u32 format;
	u32 width;
	u32 height;
	u64 size_bytes;
	struct sg_table *pages;
	u32 nr_entries;
	bool layered;
	bool is_texture;
	void (*forget)(struct vgpu_resource *res);
	struct vgpu_cmd_owner *payer;
	size_t charged_bytes;
	bool forgotten;
	struct vgpu_fence *revoked;
	bool retired;
	bool stuck;
	int error;
};

int vgpu_resources_init(struct vgpu_device *vgpu);
void vgpu_resources_flush(struct vgpu_device *vgpu);

int vgpu_resource_init(struct vgpu_device *vgpu, struct vgpu_resource *res,
		       void (*free)(struct vgpu_resource *res));
void vgpu_resource_charge(struct vgpu_resource *res, struct vgpu_cmd_owner *payer,
			  size_t size_bytes);
void vgpu_resource_retire(struct vgpu_resource *res);
bool vgpu_resource_try_get(struct vgpu_resource *res);
void vgpu_resource_put(struct vgpu_resource *res);
bool vgpu_resource_revoke(struct vgpu_resource *res, struct vgpu_fence *fence);
bool vgpu_resource_is_lost(const struct vgpu_resource *res);

int vgpu_resource_create_2d(struct vgpu_resource *res, u32 format, u32 width, u32 height);
int vgpu_resource_create_3d(struct vgpu_resource *res, const struct vgpu_texture *texture);
int vgpu_resource_create_blob(struct vgpu_resource *res, u32 ctx_id, u32 blob_mem,
			      u32 blob_flags, u64 blob_id, u64 size_bytes,
			      struct sg_table *pages);
int vgpu_resource_attach(struct vgpu_resource *res, struct sg_table *pages);
struct vgpu_cmd *vgpu_resource_send_detach(struct vgpu_resource *res);
void vgpu_resource_set_pages(struct vgpu_resource *res, struct sg_table *pages);
void vgpu_resources_set_hide(struct vgpu_device *vgpu,
			     void (*hide)(struct vgpu_device *vgpu, u32 id));
void vgpu_resources_lock(struct vgpu_device *vgpu);
void vgpu_resources_unlock(struct vgpu_device *vgpu);
void vgpu_resources_freeze(struct vgpu_device *vgpu);
void vgpu_resources_restore(struct vgpu_device *vgpu);
void vgpu_resources_thaw(struct vgpu_device *vgpu);
unsigned int vgpu_resources_count(struct vgpu_device *vgpu);
void vgpu_resources_print(struct vgpu_device *vgpu, struct drm_printer *p);

/**
 * vgpu_resource_error() - is a resource what it should be?
 * @res: the resource
 *
 * Return: 0; the error with which the host refused to make it; -EIO when it was lost.
 */
static inline int vgpu_resource_error(const struct vgpu_resource *res)
{
	return READ_ONCE(res->error);
}

#endif
