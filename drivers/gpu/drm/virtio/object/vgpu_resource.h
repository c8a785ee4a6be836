/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_RESOURCE_H
#define VGPU_RESOURCE_H

#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "protocol/vgpu_cmd.h"

struct sg_table;
struct vgpu_budget;
struct vgpu_device;
struct vgpu_fence;

/**
 * enum vgpu_resource_life - The life of a resource, see the diagram in vgpu_resource.c
 * @VGPU_RESOURCE_NEW: the host was not asked to create it
 * @VGPU_RESOURCE_LIVE: the command that creates it was posted
 * @VGPU_RESOURCE_RETIRED: the buffer does not need it any more
 * @VGPU_RESOURCE_REVOKED: the exporter of the pages has revoked them
 * @VGPU_RESOURCE_LOST: the host lost it in a reset, and it cannot be created again
 */
enum vgpu_resource_life {
	VGPU_RESOURCE_NEW,
	VGPU_RESOURCE_LIVE,
	VGPU_RESOURCE_RETIRED,
	VGPU_RESOURCE_REVOKED,
	VGPU_RESOURCE_LOST,
};

/**
 * enum vgpu_resource_kind - The command that creates a resource
 * @VGPU_RESOURCE_2D: RESOURCE_CREATE_2D
 * @VGPU_RESOURCE_3D: RESOURCE_CREATE_3D
 * @VGPU_RESOURCE_BLOB: RESOURCE_CREATE_BLOB
 */
enum vgpu_resource_kind {
	VGPU_RESOURCE_2D,
	VGPU_RESOURCE_3D,
	VGPU_RESOURCE_BLOB,
};

/**
 * struct vgpu_resource - A resource of the host, under an id that the driver chose
 * @owner: is told the outcome of commands about the resource
 * @cursor: owner of commands on the cursor queue that name the resource
 * @cursor_users: one until vgpu_resource_retire() or vgpu_resource_revoke(), one while the picture
 *                of a cursor is uploaded, one for each command on the cursor queue, which the host
 *                may execute after later ones on the control queue; UNREF is sent when the count
 *                becomes 0
 * @vgpu: the device, constant
 * @ref: one for the object that embeds the resource until vgpu_resource_retire(), one while
 *       @cursor_users is not 0, one for each command that the device may still read
 * @unref: RESOURCE_UNREF, allocated with the resource; NULL once posted
 * @free: frees the object that embeds the resource, in process context, once the host cannot
 *        reach its pages any more; constant
 * @link: entry of &vgpu_resources.to_unref, then of &vgpu_resources.to_free
 * @id: constant from vgpu_resource_init() to @free
 * @life: written by vgpu_resource_set_life()
 * @kind: constant once created
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*, 0 for resources that are no blobs
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @format: of a 2D or 3D resource, enum virtio_gpu_formats, of which virgl's are a superset
 * @width: of a 2D or 3D resource, pixels
 * @height: of a 2D or 3D resource, pixels
 * @size_bytes: of a blob
 * @pages: backing, NULL for none; mapped for the device; changed by vgpu_resource_set_pages()
 *         under the reservation of the buffer
 * @nr_entries: number of segments of @pages, for debugfs
 * @layered: of a 3D resource: has several layers, or is deep; constant once created
 * @is_texture: of a 3D resource: the host has the content, and reads and writes @pages in
 *              transfers only; constant once created
 * @is_plain_2d: of a 3D resource: one layer of one sample; constant once created
 * @forget: called when the host has lost the resource; may be NULL; constant
 * @revoked: fence of the UNREF that vgpu_resource_revoke() sends, NULL before; written under
 *           &vgpu_resources.lifecycle
 * @budget: budget charged for the pages until the host has created the resource, then
 *          VGPU_RESOURCE_SETTLED; or NULL
 * @charged_bytes: size of the charge; constant once @budget is set
 * @refused: the host answered that it did not create the resource
 * @stuck: the host refused UNREF, so the id is not reused
 * @error: the first error of a command that creates the resource: sticky, 0 while there is none;
 *         written once
 */
struct vgpu_resource {
	struct vgpu_cmd_owner owner;
	struct vgpu_cmd_owner cursor;
	refcount_t cursor_users;
	struct vgpu_device *vgpu;
	struct kref ref;
	struct vgpu_cmd *unref;
	void (*free)(struct vgpu_resource *res);
	struct llist_node link;
	u32 id;
	enum vgpu_resource_life life;
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
	bool is_plain_2d;
	void (*forget)(struct vgpu_resource *res);
	struct vgpu_budget *budget;
	size_t charged_bytes;
	struct vgpu_fence *revoked;
	bool refused;
	bool stuck;
	int error;
};

int vgpu_resource_init(struct vgpu_device *vgpu, struct vgpu_resource *res,
		       void (*free)(struct vgpu_resource *res));
void vgpu_resource_charge(struct vgpu_resource *res, size_t size_bytes);
void vgpu_resource_retire(struct vgpu_resource *res);
void vgpu_resource_put(struct vgpu_resource *res);
void vgpu_resource_free(struct vgpu_resource *res);
void vgpu_resource_unref_locked(struct vgpu_resource *res);
void vgpu_resource_restore_locked(struct vgpu_resource *res);
bool vgpu_resource_revoke(struct vgpu_resource *res, struct vgpu_fence *fence);

int vgpu_resource_create_2d(struct vgpu_resource *res, u32 format, u32 width, u32 height,
			    struct vgpu_fence *fence);
int vgpu_resource_create_3d(struct vgpu_resource *res,
			    const struct virtio_gpu_resource_create_3d *texture,
			    struct vgpu_fence *fence);
int vgpu_resource_create_blob(struct vgpu_resource *res, u32 ctx_id, u32 blob_mem,
			      u32 blob_flags, u64 blob_id, u64 size_bytes,
			      struct vgpu_fence *fence);
int vgpu_resource_await(struct vgpu_resource *res, unsigned int timeout_ms);
int vgpu_resource_attach(struct vgpu_resource *res, struct sg_table *pages);
struct vgpu_cmd *vgpu_resource_send_detach(struct vgpu_resource *res);
void vgpu_resource_set_pages(struct vgpu_resource *res, struct sg_table *pages);

/* Take a reference to a resource, unless its last one is gone. */
static inline bool vgpu_resource_try_get(struct vgpu_resource *res)
{
	return kref_get_unless_zero(&res->ref);
}

/* Check whether the host copy is gone, or about to be, and cannot be re-created. */
static inline bool vgpu_resource_is_lost(const struct vgpu_resource *res)
{
	enum vgpu_resource_life life = READ_ONCE(res->life);

	return life == VGPU_RESOURCE_REVOKED || life == VGPU_RESOURCE_LOST;
}

/* Check whether the host refused to create a resource, and so knows no such resource. */
static inline bool vgpu_resource_is_refused(const struct vgpu_resource *res)
{
	return READ_ONCE(res->refused);
}

/* Get the sticky error: 0; why the host could not create the resource; -EIO once it is lost. */
static inline int vgpu_resource_error(const struct vgpu_resource *res)
{
	return READ_ONCE(res->error);
}

#endif
