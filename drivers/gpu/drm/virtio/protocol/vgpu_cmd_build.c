// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: commands
 *
 * One function for each command of the device builds the command and returns it, for
 * vgpu_cmd_post(), vgpu_cmd_post_fenced() or vgpu_cmd_send(). Commands whose answer has data are in
 * vgpu_cmd_query.c.
 *
 * ==================================  ========================  ========
 * Function                            Command                   Kind
 * ==================================  ========================  ========
 * vgpu_cmd_resource_create_2d():      RESOURCE_CREATE_2D        plain
 * vgpu_cmd_resource_create_3d():      RESOURCE_CREATE_3D        plain
 * vgpu_cmd_resource_create_blob():    RESOURCE_CREATE_BLOB      pages
 * vgpu_cmd_resource_unref():          RESOURCE_UNREF            end
 * vgpu_cmd_attach_backing():          RESOURCE_ATTACH_BACKING   pages
 * vgpu_cmd_detach_backing():          RESOURCE_DETACH_BACKING   plain
 * vgpu_cmd_transfer_to_host_2d():     TRANSFER_TO_HOST_2D       update
 * vgpu_cmd_transfer_3d():             TRANSFER_TO_HOST_3D or    plain
 *                                     TRANSFER_FROM_HOST_3D
 * vgpu_cmd_unmap_blob():              RESOURCE_UNMAP_BLOB       end
 * vgpu_cmd_ctx_create():              CTX_CREATE                plain
 * vgpu_cmd_ctx_destroy():             CTX_DESTROY               end
 * vgpu_cmd_ctx_attach():              CTX_ATTACH_RESOURCE       plain
 * vgpu_cmd_ctx_detach():              CTX_DETACH_RESOURCE       end
 * vgpu_cmd_submit_3d():               SUBMIT_3D                 stream
 * vgpu_cmd_set_scanout():             SET_SCANOUT or            update
 *                                     SET_SCANOUT_BLOB
 * vgpu_cmd_flush():                   RESOURCE_FLUSH            update
 * vgpu_cmd_update_cursor():           UPDATE_CURSOR             update
 * vgpu_cmd_move_cursor():             MOVE_CURSOR               update
 * ==================================  ========================  ========
 *
 * The kind says in what context a function runs, and what it returns:
 *
 * - plain: process, may wait for memory, or a panic. Returns the command; does not fail.
 * - update: process, between vgpu_cmdq_begin_update() and vgpu_cmdq_end_update(), or a panic; does
 *   not sleep. Returns the command; does not fail.
 * - pages: process, may sleep. Returns the command, ERR_PTR(-ENOMEM) or ERR_PTR(-E2BIG).
 * - stream: process, may fault. Returns the command, ERR_PTR(-EFAULT), ERR_PTR(-ENOMEM) or
 *   ERR_PTR(-E2BIG).
 * - end: the command ends an object. All but CTX_DETACH_RESOURCE are built while the object is set
 *   up, so that ending it needs no memory. Process, may sleep; vgpu_cmd_ctx_detach() in any
 *   context. Returns the command, or ERR_PTR(-ENOMEM).
 *
 * The parameters are named like the fields of the request. A @res_id of 0 stands for no resource,
 * a @ctx_id of 0 for no context. Rectangles and positions are in pixels, offsets and sizes in
 * bytes. Where a function takes the struct of a request, the caller leaves the header and the id of
 * the resource zero, and fills in the rest.
 */

#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio_config.h>

#include "protocol/vgpu_cmd_priv.h"

/* A command stream up to this size is read word by word. Venus sends many of this size. */
#define VGPU_CMD_FEW_BYTES	64

static inline void *vgpu_cmd_zero_request(struct vgpu_cmd *cmd, u32 type, size_t req_bytes)
{
	memset(cmd->req, 0, req_bytes);
	vgpu_cmd_hdr(cmd)->type = cpu_to_le32(type);
	return cmd->req;
}

/*
 * Allocate a command and begin its request, all zero but the type. These functions return the
 * request, from which vgpu_cmd_of() gets the command. They are inline because sizes are constant:
 * a few stores zero a request.
 */
static inline void *vgpu_cmd_begin(struct vgpu_cmdq *q, u32 type, size_t req_bytes)
{
	return vgpu_cmd_zero_request(vgpu_cmd_alloc(q, req_bytes, false), type, req_bytes);
}

static inline void *vgpu_cmd_begin_update(struct vgpu_cmdq *q, u32 type, size_t req_bytes)
{
	return vgpu_cmd_zero_request(vgpu_cmd_alloc(q, req_bytes, true), type, req_bytes);
}

/* Begin a request with data right behind it. The caller writes the data. */
static inline void *vgpu_cmd_begin_inline(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
					  size_t data_bytes)
{
	return vgpu_cmd_zero_request(vgpu_cmd_alloc(q, req_bytes + data_bytes, false), type,
				     req_bytes);
}

/* Begin a request with a payload. Returns an error pointer if @payload is one. */
static void *vgpu_cmd_begin_payload(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    struct vgpu_payload *payload)
{
	struct vgpu_cmd *cmd;

	if (IS_ERR(payload))
		return payload;
	cmd = vgpu_cmd_of(vgpu_cmd_begin(q, type, req_bytes));
	cmd->payload = payload;
	cmd->msg.data = payload->sgl;
	cmd->msg.ndata = payload->nents;
	return cmd->req;
}

/* Begin a request with a list of pages behind it. */
static void *vgpu_cmd_begin_pages(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				  const struct sg_table *pages, __le32 *nr_entries)
{
	const bool use_dma = !virtio_has_dma_quirk(q->vdev);
	u32 count = vgpu_payload_count_entries(pages, use_dma);
	size_t list_bytes;
	void *req;

	*nr_entries = cpu_to_le32(count);
	list_bytes = array_size(count, sizeof(struct virtio_gpu_mem_entry));
	if (list_bytes > VGPU_CMD_INLINE_BYTES)
		return vgpu_cmd_begin_payload(q, type, req_bytes,
					      vgpu_payload_from_pages(&q->limits, pages, use_dma));

	req = vgpu_cmd_begin_inline(q, type, req_bytes, list_bytes);
	vgpu_payload_write_entries(req + req_bytes, pages, use_dma);
	return req;
}

/* ---- commands with no parameter but a resource and maybe a context ---- */

static_assert(sizeof(struct virtio_gpu_ctx_resource) ==
	      sizeof(struct virtio_gpu_resource_detach_backing));
static_assert(sizeof(struct virtio_gpu_ctx_resource) == sizeof(struct virtio_gpu_resource_unref));
static_assert(sizeof(struct virtio_gpu_ctx_resource) ==
	      sizeof(struct virtio_gpu_resource_unmap_blob));

/**
 * vgpu_cmd_new_short() - Build a command of the kind "plain" that only names a resource
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @ctx_id: the context, or 0
 * @res_id: the resource
 *
 * Context: process, may wait for memory.
 * Return: the command; does not fail.
 */
struct vgpu_cmd *vgpu_cmd_new_short(struct vgpu_cmdq *q, u32 type, u32 ctx_id, u32 res_id)
{
	struct virtio_gpu_ctx_resource *req = vgpu_cmd_begin(q, type, sizeof(*req));

	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	return vgpu_cmd_of(req);
}

/**
 * vgpu_cmd_new_end() - Build a command of the kind "end" that only names a resource
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @ctx_id: the context, or 0
 * @res_id: the resource
 * @gfp: how to allocate
 *
 * Context: as @gfp says.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_new_end(struct vgpu_cmdq *q, u32 type, u32 ctx_id, u32 res_id,
				  gfp_t gfp)
{
	struct virtio_gpu_ctx_resource *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_alloc_kept(q, sizeof(*req), gfp);
	if (!cmd)
		return ERR_PTR(-ENOMEM);
	req = vgpu_cmd_zero_request(cmd, type, sizeof(*req));
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/* ---- resources ---- */

struct vgpu_cmd *vgpu_cmd_resource_create_2d(struct vgpu_cmdq *q, u32 res_id, u32 format,
					     u32 width, u32 height)
{
	struct virtio_gpu_resource_create_2d *req;

	req = vgpu_cmd_begin(q, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, sizeof(*req));
	req->resource_id = cpu_to_le32(res_id);
	req->format = cpu_to_le32(format);
	req->width = cpu_to_le32(width);
	req->height = cpu_to_le32(height);
	return vgpu_cmd_of(req);
}

struct vgpu_cmd *vgpu_cmd_resource_create_3d(struct vgpu_cmdq *q, u32 res_id,
					     const struct virtio_gpu_resource_create_3d *texture)
{
	struct vgpu_cmd *cmd = vgpu_cmd_alloc(q, sizeof(*texture), false);
	struct virtio_gpu_resource_create_3d *req = (void *)cmd->req;

	*req = *texture;
	req->hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/* The host owns a blob without @pages. A @blob_id of 0 stands for guest memory. */
struct vgpu_cmd *vgpu_cmd_resource_create_blob(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					       u32 blob_mem, u32 blob_flags, u64 blob_id,
					       u64 size_bytes, struct sg_table *pages)
{
	const u32 type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB;
	struct virtio_gpu_resource_create_blob *req;
	__le32 nr_entries = 0;

	if (pages)
		req = vgpu_cmd_begin_pages(q, type, sizeof(*req), pages, &nr_entries);
	else
		req = vgpu_cmd_begin(q, type, sizeof(*req));
	if (IS_ERR(req))
		return ERR_CAST(req);

	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	req->blob_mem = cpu_to_le32(blob_mem);
	req->blob_flags = cpu_to_le32(blob_flags);
	req->blob_id = cpu_to_le64(blob_id);
	req->size = cpu_to_le64(size_bytes);
	req->nr_entries = nr_entries;
	return vgpu_cmd_of(req);
}

struct vgpu_cmd *vgpu_cmd_attach_backing(struct vgpu_cmdq *q, u32 res_id,
					 struct sg_table *pages)
{
	struct virtio_gpu_resource_attach_backing *req;
	__le32 nr_entries;

	req = vgpu_cmd_begin_pages(q, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, sizeof(*req), pages,
				   &nr_entries);
	if (IS_ERR(req))
		return ERR_CAST(req);
	req->resource_id = cpu_to_le32(res_id);
	req->nr_entries = nr_entries;
	return vgpu_cmd_of(req);
}

/* @offset is where @rect starts in the backing. */
struct vgpu_cmd *vgpu_cmd_transfer_to_host_2d(struct vgpu_cmdq *q, u32 res_id,
					      const struct virtio_gpu_rect *rect, u64 offset)
{
	struct virtio_gpu_transfer_to_host_2d *req;

	req = vgpu_cmd_begin_update(q, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, sizeof(*req));
	req->r = *rect;
	req->offset = cpu_to_le64(offset);
	req->resource_id = cpu_to_le32(res_id);
	return vgpu_cmd_of(req);
}

struct vgpu_cmd *vgpu_cmd_transfer_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id, bool to_host,
				      const struct virtio_gpu_transfer_host_3d *transfer)
{
	struct vgpu_cmd *cmd = vgpu_cmd_alloc(q, sizeof(*transfer), false);
	struct virtio_gpu_transfer_host_3d *req = (void *)cmd->req;

	*req = *transfer;
	req->hdr.type = to_host ? cpu_to_le32(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D) :
				  cpu_to_le32(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D);
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/* ---- contexts ---- */

/* @context_init is a capset id, or 0 for the default. Hosts show @name, cut to 63 characters. */
struct vgpu_cmd *vgpu_cmd_ctx_create(struct vgpu_cmdq *q, u32 ctx_id, u32 context_init,
				     const char *name)
{
	struct virtio_gpu_ctx_create *req;

	req = vgpu_cmd_begin(q, VIRTIO_GPU_CMD_CTX_CREATE, sizeof(*req));
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->context_init = cpu_to_le32(context_init);
	strscpy(req->debug_name, name, sizeof(req->debug_name));
	req->nlen = cpu_to_le32(strlen(req->debug_name));
	return vgpu_cmd_of(req);
}

struct vgpu_cmd *vgpu_cmd_ctx_destroy(struct vgpu_cmdq *q, u32 ctx_id)
{
	struct virtio_gpu_ctx_destroy *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_alloc_kept(q, sizeof(*req), GFP_KERNEL);
	if (!cmd)
		return ERR_PTR(-ENOMEM);
	req = vgpu_cmd_zero_request(cmd, VIRTIO_GPU_CMD_CTX_DESTROY, sizeof(*req));
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	return cmd;
}

static int vgpu_cmd_read_stream(void *to, const void __user *stream, u32 size_bytes)
{
	const u32 count = size_bytes / sizeof(u32);

	if (count && size_bytes <= VGPU_CMD_FEW_BYTES && IS_ALIGNED(size_bytes, sizeof(u32)))
		return vgpu_payload_read_words(to, stream, count);
	return copy_from_user(to, stream, size_bytes) ? -EFAULT : 0;
}

static struct virtio_gpu_cmd_submit *
vgpu_cmd_submit_inline(struct vgpu_cmdq *q, const void __user *stream, u32 size_bytes)
{
	struct virtio_gpu_cmd_submit *req;
	int ret;

	req = vgpu_cmd_begin_inline(q, VIRTIO_GPU_CMD_SUBMIT_3D, sizeof(*req), size_bytes);
	ret = vgpu_cmd_read_stream(req + 1, stream, size_bytes);
	if (ret) {
		vgpu_cmd_put(vgpu_cmd_of(req));
		return ERR_PTR(ret);
	}
	return req;
}

static struct virtio_gpu_cmd_submit *
vgpu_cmd_submit_payload(struct vgpu_cmdq *q, const void __user *stream, u32 size_bytes)
{
	struct virtio_gpu_cmd_submit *req;
	int ret;

	req = vgpu_cmd_begin_payload(q, VIRTIO_GPU_CMD_SUBMIT_3D, sizeof(*req),
				     vgpu_payload_create(&q->limits, size_bytes));
	if (IS_ERR(req))
		return req;

	ret = vgpu_payload_copy_from_user(vgpu_cmd_of(req)->payload, stream);
	if (ret) {
		vgpu_cmd_put(vgpu_cmd_of(req));
		return ERR_PTR(ret);
	}
	return req;
}

/* The @stream of @size_bytes is copied: right behind the request if it fits, else as a payload. */
struct vgpu_cmd *vgpu_cmd_submit_3d(struct vgpu_cmdq *q, u32 ctx_id,
				    const void __user *stream, u32 size_bytes)
{
	struct virtio_gpu_cmd_submit *req;

	if (size_bytes <= VGPU_CMD_INLINE_BYTES)
		req = vgpu_cmd_submit_inline(q, stream, size_bytes);
	else
		req = vgpu_cmd_submit_payload(q, stream, size_bytes);
	if (IS_ERR(req))
		return ERR_CAST(req);
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->size = cpu_to_le32(size_bytes);
	return vgpu_cmd_of(req);
}

/**
 * vgpu_cmd_set_ring() - Assign a command to a ring of its context
 * @cmd: the command, not sent yet
 * @ring_idx: the ring
 *
 * Context: any.
 */
void vgpu_cmd_set_ring(struct vgpu_cmd *cmd, u32 ring_idx)
{
	struct virtio_gpu_ctrl_hdr *hdr = vgpu_cmd_hdr(cmd);

	hdr->flags |= cpu_to_le32(VIRTIO_GPU_FLAG_INFO_RING_IDX);
	hdr->ring_idx = ring_idx;
}

/* ---- scanouts ---- */

static_assert(offsetof(struct virtio_gpu_set_scanout_blob, width) ==
	      sizeof(struct virtio_gpu_set_scanout));

/* A @scanout without width is no blob, and has only the fields of struct virtio_gpu_set_scanout. */
struct vgpu_cmd *vgpu_cmd_set_scanout(struct vgpu_cmdq *q, u32 scanout_id,
				      const struct virtio_gpu_set_scanout_blob *scanout)
{
	size_t req_bytes = scanout->width ? sizeof(*scanout) :
					    sizeof(struct virtio_gpu_set_scanout);
	struct vgpu_cmd *cmd = vgpu_cmd_alloc(q, req_bytes, true);
	struct virtio_gpu_set_scanout_blob *req = (void *)cmd->req;

	memcpy(req, scanout, req_bytes);
	req->hdr.type = scanout->width ? cpu_to_le32(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB) :
					 cpu_to_le32(VIRTIO_GPU_CMD_SET_SCANOUT);
	req->scanout_id = cpu_to_le32(scanout_id);
	return cmd;
}

/* @rect is the part of the resource that has changed, for scanouts to show. */
struct vgpu_cmd *vgpu_cmd_flush(struct vgpu_cmdq *q, u32 res_id,
				const struct virtio_gpu_rect *rect)
{
	struct virtio_gpu_resource_flush *req;

	req = vgpu_cmd_begin_update(q, VIRTIO_GPU_CMD_RESOURCE_FLUSH, sizeof(*req));
	req->r = *rect;
	req->resource_id = cpu_to_le32(res_id);
	return vgpu_cmd_of(req);
}

/**
 * vgpu_cmd_set_cursor_position() - Change the position in UPDATE_CURSOR or MOVE_CURSOR
 * @cmd: the command, which is not posted
 * @x: position of the image's left edge, in pixels
 * @y: position of the image's upper edge, in pixels
 *
 * Context: any.
 */
void vgpu_cmd_set_cursor_position(struct vgpu_cmd *cmd, u32 x, u32 y)
{
	struct virtio_gpu_update_cursor *req = (void *)cmd->req;

	req->pos.x = cpu_to_le32(x);
	req->pos.y = cpu_to_le32(y);
}

static struct virtio_gpu_update_cursor *
vgpu_cmd_begin_cursor(struct vgpu_cmdq *q, u32 type, u32 scanout_id, u32 x, u32 y)
{
	struct virtio_gpu_update_cursor *req = vgpu_cmd_begin_update(q, type, sizeof(*req));

	/* Devices send no responses on the cursor queue. */
	vgpu_cmd_of(req)->msg.resp_bytes = 0;
	req->pos.scanout_id = cpu_to_le32(scanout_id);
	req->pos.x = cpu_to_le32(x);
	req->pos.y = cpu_to_le32(y);
	return req;
}

/* The cursor image is 64 × 64 pixels; @hot_x and @hot_y are its hot spot. */
struct vgpu_cmd *vgpu_cmd_update_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
					u32 x, u32 y, u32 hot_x, u32 hot_y)
{
	struct virtio_gpu_update_cursor *req;

	req = vgpu_cmd_begin_cursor(q, VIRTIO_GPU_CMD_UPDATE_CURSOR, scanout_id, x, y);
	req->resource_id = cpu_to_le32(res_id);
	req->hot_x = cpu_to_le32(hot_x);
	req->hot_y = cpu_to_le32(hot_y);
	return vgpu_cmd_of(req);
}

struct vgpu_cmd *vgpu_cmd_move_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 x, u32 y)
{
	return vgpu_cmd_of(vgpu_cmd_begin_cursor(q, VIRTIO_GPU_CMD_MOVE_CURSOR, scanout_id, x, y));
}
