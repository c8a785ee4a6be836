/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_RESOURCE_TYPES_H
#define VGPU_RESOURCE_TYPES_H

#include <linux/llist.h>
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
 * @VGPU_RESOURCE_STUCK: the host refused UNREF, so the id is not reused
 * @VGPU_RESOURCE_LOST: the host lost it in a reset, and it cannot be created again
 */
enum vgpu_resource_life {
	VGPU_RESOURCE_NEW,
	VGPU_RESOURCE_LIVE,
	VGPU_RESOURCE_RETIRED,
	VGPU_RESOURCE_REVOKED,
	VGPU_RESOURCE_STUCK,
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
 * @owner: is told the outcome of commands about the resource; has one reference for the object that
 *         embeds the resource, until vgpu_resource_retire(), and one while @cursor has any
 * @cursor: owner of commands on the cursor queue that name the resource, which the host may execute
 *          after later ones on the control queue. Has one reference until vgpu_resource_retire() or
 *          vgpu_resource_revoke(), and one while the picture of a cursor is uploaded; UNREF is sent
 *          with the last one
 * @vgpu: the device, constant
 * @unref: RESOURCE_UNREF, allocated with the resource; NULL once posted
 * @free: frees the object that embeds the resource, in process context, once the host cannot
 *        reach its pages any more; constant
 * @link: entry of &vgpu_resources.to_unref, then of &vgpu_resources.to_free
 * @id: constant from vgpu_resource_init() to @free
 * @life: written by vgpu_resource_set_life()
 * @kind: the command that creates the resource; like the fields up to @size_bytes, set before
 *        vgpu_resource_create() and then constant
 * @ctx_id: context that the memory of a blob belongs to, or 0
 * @blob_id: id under which the host's renderer knows the memory of a blob, 0 for guest memory
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*, 0 for resources that are no blobs
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @format: of a 2D or 3D resource, enum virtio_gpu_formats, of which virgl's are a superset
 * @width: of a 2D or 3D resource, pixels
 * @height: of a 2D or 3D resource, pixels
 * @layered: of a 3D resource: has several layers, or is deep
 * @is_texture: of a 3D resource: the host reads and writes @pages in transfers only
 * @is_plain_2d: of a 3D resource: one layer of one sample
 * @size_bytes: of a blob
 * @pages: backing, NULL for none; mapped for the device; changed by vgpu_resource_set_pages()
 *         under the reservation of the buffer
 * @nr_entries: number of segments of @pages, for debugfs
 * @forget: called when the host has lost the resource; may be NULL; constant
 * @revoked: fence of the UNREF that vgpu_resource_revoke() sends, NULL before; written under
 *           &vgpu_resources.lifecycle
 * @budget: budget charged for the pages until the host has created the resource, then
 *          VGPU_RESOURCE_SETTLED; or NULL
 * @charged_bytes: size of the charge, 0 for none; set before vgpu_resource_create()
 * @is_queued: the creation had to wait in the submission queue of @ctx_id
 * @refused: the host answered that it did not create the resource; no state of @life, since a
 *           resource of any state can be refused
 * @error: the first error of a command that creates the resource: sticky, 0 while there is none;
 *         written once
 */
struct vgpu_resource {
	struct vgpu_cmd_owner owner;
	struct vgpu_cmd_owner cursor;
	struct vgpu_device *vgpu;
	struct vgpu_cmd *unref;
	void (*free)(struct vgpu_resource *res);
	struct llist_node link;
	u32 id;
	enum vgpu_resource_life life;
	enum vgpu_resource_kind kind;
	u32 ctx_id;
	u64 blob_id;
	u32 blob_mem;
	u32 blob_flags;
	u32 format;
	u32 width;
	u32 height;
	bool layered;
	bool is_texture;
	bool is_plain_2d;
	u64 size_bytes;
	struct sg_table *pages;
	u32 nr_entries;
	void (*forget)(struct vgpu_resource *res);
	struct vgpu_budget *budget;
	size_t charged_bytes;
	struct vgpu_fence *revoked;
	bool is_queued;
	bool refused;
	int error;
};

#endif
