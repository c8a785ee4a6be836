// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: commands
 *
 * One function for each command of the device: it builds the message and returns
 * it, or an error pointer. What becomes of it is up to the caller: posted, the
 * object it is for hears of the outcome; posted with a fence, the fence signals
 * as well. These two accept the error pointer too, so that building and sending is
 * one line. Sent, the caller waits for the answer, and may come back for it when a
 * signal ends the wait. What the driver asks of its own accord it waits for at once.
 */

#include <linux/slab.h>
#include <linux/uaccess.h>

#include "protocol/vgpu_cmd_priv.h"

/* A stream up to this size is read word by word. Venus sends many such. */
#define VGPU_CMD_FEW_BYTES	64

/* ---- resources ---- */

/**
 * vgpu_cmd_resource_create_2d() - Build RESOURCE_CREATE_2D
 * @q: the queues
 * @res_id: id of the resource to be
 * @format: enum virtio_gpu_formats
 * @width: pixels
 * @height: pixels
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_resource_create_2d(struct vgpu_cmdq *q, u32 res_id, u32 format,
					     u32 width, u32 height)
{
	struct virtio_gpu_resource_create_2d *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new(q, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, sizeof(*req));
	req = (void *)cmd->req;
	req->resource_id = cpu_to_le32(res_id);
	req->format = cpu_to_le32(format);
	req->width = cpu_to_le32(width);
	req->height = cpu_to_le32(height);
	return cmd;
}

/**
 * vgpu_cmd_resource_create_3d() - Build RESOURCE_CREATE_3D
 * @q: the queues
 * @res_id: id of the resource to be
 * @ctx_id: context that asks for it, or 0
 * @texture: what it is
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_resource_create_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					     const struct vgpu_texture *texture)
{
	struct virtio_gpu_resource_create_3d *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new(q, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, sizeof(*req));
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	vgpu_wire_put_texture(req, texture);
	return cmd;
}

static struct vgpu_cmd *vgpu_cmd_new_with_payload(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
						  struct vgpu_payload *payload)
{
	struct vgpu_cmd *cmd;

	if (IS_ERR(payload))
		return ERR_CAST(payload);
	cmd = vgpu_cmd_new(q, type, req_bytes);
	vgpu_cmd_add_payload(cmd, payload);
	return cmd;
}

/* A command with a list of pages behind it, of @min_entries (1 or 2) or more. */
static struct vgpu_cmd *vgpu_cmd_new_with_pages(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
						const struct sg_table *pages, u32 min_entries,
						u32 *nr_entries)
{
	const struct vgpu_payload_limits limits = vgpu_cmdq_limits(q);
	u32 count = vgpu_payload_count_entries(pages, q->use_dma);
	struct vgpu_cmd *cmd;
	size_t list_bytes;

	*nr_entries = max(count, min_entries);
	list_bytes = array_size(*nr_entries, sizeof(struct virtio_gpu_mem_entry));
	if (list_bytes > VGPU_CMD_INLINE_BYTES)
		return vgpu_cmd_new_with_payload(q, type, req_bytes,
						 vgpu_payload_from_pages(&limits, pages,
									 q->use_dma));
	cmd = vgpu_cmd_new_inline(q, type, req_bytes, list_bytes);
	vgpu_payload_write_entries((void *)cmd->req + req_bytes, pages, q->use_dma);
	if (count < min_entries)
		vgpu_payload_halve_entry((void *)cmd->req + req_bytes);
	return cmd;
}

/**
 * vgpu_cmd_resource_create_blob() - Build RESOURCE_CREATE_BLOB
 * @q: the queues
 * @res_id: id of the resource to be
 * @ctx_id: context whose blob it is, or 0
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @blob_id: the host's name of the memory, 0 for guest memory
 * @size_bytes: size, a multiple of the blob alignment
 * @pages: guest memory, or NULL
 *
 * Return: the command, or an error pointer of vgpu_payload_create().
 */
struct vgpu_cmd *vgpu_cmd_resource_create_blob(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					       u32 blob_mem, u32 blob_flags, u64 blob_id,
					       u64 size_bytes, struct sg_table *pages)
{
	const u32 type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB;
	struct virtio_gpu_resource_create_blob *req;
	struct vgpu_cmd *cmd;
	u32 nr_entries = 0;

	if (pages)
		cmd = vgpu_cmd_new_with_pages(q, type, sizeof(*req), pages, 1,
					      &nr_entries);
	else
		cmd = vgpu_cmd_new(q, type, sizeof(*req));
	if (IS_ERR(cmd))
		return cmd;
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	req->blob_mem = cpu_to_le32(blob_mem);
	req->blob_flags = cpu_to_le32(blob_flags);
	req->blob_id = cpu_to_le64(blob_id);
	req->size = cpu_to_le64(size_bytes);
	req->nr_entries = cpu_to_le32(nr_entries);
	return cmd;
}

/* Most commands about a resource say no more than its id behind the header. */
static struct vgpu_cmd *vgpu_cmd_new_for_resource(struct vgpu_cmdq *q, u32 type, u32 ctx_id,
						  u32 res_id)
{
	struct virtio_gpu_ctx_resource *req;
	struct vgpu_cmd *cmd;

	static_assert(sizeof(*req) == sizeof(struct virtio_gpu_resource_detach_backing));
	cmd = vgpu_cmd_new(q, type, sizeof(*req));
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/* Begin a command that ends an object, for use when nothing may wait for memory. */
static struct vgpu_cmd *vgpu_cmd_new_end(struct vgpu_cmdq *q, u32 type, u32 ctx_id, u32 res_id,
					 gfp_t gfp)
{
	struct virtio_gpu_ctx_resource *req;
	struct vgpu_cmd *cmd;

	static_assert(sizeof(*req) == sizeof(struct virtio_gpu_resource_unref));
	static_assert(sizeof(*req) == sizeof(struct virtio_gpu_resource_unmap_blob));
	cmd = vgpu_cmd_new_kept(q, type, sizeof(*req), gfp);
	if (IS_ERR(cmd))
		return cmd;
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/**
 * vgpu_cmd_resource_unref() - Build RESOURCE_UNREF
 * @q: the queues
 * @res_id: the resource
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_resource_unref(struct vgpu_cmdq *q, u32 res_id)
{
	return vgpu_cmd_new_end(q, VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, res_id, GFP_KERNEL);
}

/**
 * vgpu_cmd_attach_backing() - Build RESOURCE_ATTACH_BACKING
 * @q: the queues
 * @res_id: the resource
 * @pages: guest memory
 * @min_entries: 2 when a single entry will not do, else 1
 *
 * Return: the command, or an error pointer of vgpu_payload_create().
 */
struct vgpu_cmd *vgpu_cmd_attach_backing(struct vgpu_cmdq *q, u32 res_id,
					 struct sg_table *pages, u32 min_entries)
{
	struct virtio_gpu_resource_attach_backing *req;
	struct vgpu_cmd *cmd;
	u32 nr_entries;

	cmd = vgpu_cmd_new_with_pages(q, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, sizeof(*req),
				      pages, min_entries, &nr_entries);
	if (IS_ERR(cmd))
		return cmd;
	req = (void *)cmd->req;
	req->resource_id = cpu_to_le32(res_id);
	req->nr_entries = cpu_to_le32(nr_entries);
	return cmd;
}

/**
 * vgpu_cmd_detach_backing() - Build RESOURCE_DETACH_BACKING
 * @q: the queues
 * @res_id: the resource
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_detach_backing(struct vgpu_cmdq *q, u32 res_id)
{
	return vgpu_cmd_new_for_resource(q, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, res_id);
}

/**
 * vgpu_cmd_transfer_to_host_2d() - Build TRANSFER_TO_HOST_2D
 * @q: the queues
 * @res_id: the resource
 * @rect: the part of it
 * @offset: where that part starts in the backing, in bytes
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_transfer_to_host_2d(struct vgpu_cmdq *q, u32 res_id,
					      const struct vgpu_rect *rect, u64 offset)
{
	struct virtio_gpu_transfer_to_host_2d *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_update(q, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, sizeof(*req));
	req = (void *)cmd->req;
	vgpu_wire_put_rect(&req->r, rect);
	req->offset = cpu_to_le64(offset);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

static struct vgpu_cmd *vgpu_cmd_transfer_3d(struct vgpu_cmdq *q, u32 type, u32 res_id,
					     u32 ctx_id, const struct vgpu_transfer *transfer)
{
	struct virtio_gpu_transfer_host_3d *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new(q, type, sizeof(*req));
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->resource_id = cpu_to_le32(res_id);
	vgpu_wire_put_transfer(req, transfer);
	return cmd;
}

/**
 * vgpu_cmd_transfer_to_host_3d() - Build TRANSFER_TO_HOST_3D
 * @q: the queues
 * @res_id: the resource
 * @ctx_id: context that asks for it, or 0
 * @transfer: what to copy
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_transfer_to_host_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					      const struct vgpu_transfer *transfer)
{
	return vgpu_cmd_transfer_3d(q, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, res_id, ctx_id,
				    transfer);
}

/**
 * vgpu_cmd_transfer_from_host_3d() - Build TRANSFER_FROM_HOST_3D
 * @q: the queues
 * @res_id: the resource
 * @ctx_id: context that asks for it, or 0
 * @transfer: what to copy
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_transfer_from_host_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
						const struct vgpu_transfer *transfer)
{
	return vgpu_cmd_transfer_3d(q, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, res_id, ctx_id,
				    transfer);
}

/**
 * vgpu_cmd_unmap_blob() - Build RESOURCE_UNMAP_BLOB
 * @q: the queues
 * @res_id: the resource
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_unmap_blob(struct vgpu_cmdq *q, u32 res_id)
{
	return vgpu_cmd_new_end(q, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, res_id, GFP_KERNEL);
}

/**
 * vgpu_cmd_map_blob() - Build RESOURCE_MAP_BLOB
 * @q: the queues
 * @res_id: the resource
 * @offset: where in the host-visible window it shall be, in bytes
 *
 * Context: process, may sleep.
 * Return: the command, to be sent; or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_map_blob(struct vgpu_cmdq *q, u32 res_id, u64 offset)
{
	struct virtio_gpu_resource_map_blob *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_query(q, VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, sizeof(*req),
				 sizeof(struct virtio_gpu_resp_map_info),
				 VIRTIO_GPU_RESP_OK_MAP_INFO);
	if (IS_ERR(cmd))
		return cmd;
	req = (void *)cmd->req;
	req->resource_id = cpu_to_le32(res_id);
	req->offset = cpu_to_le64(offset);
	return cmd;
}

/**
 * vgpu_cmd_read_map_info() - Get the caching of a blob from the answer to RESOURCE_MAP_BLOB
 * @cmd: command of vgpu_cmd_map_blob(), answered well
 * @cache: set to VIRTIO_GPU_MAP_CACHE_*
 *
 * Return: 0, or an errno of vgpu_wire_map_info().
 */
int vgpu_cmd_read_map_info(const struct vgpu_cmd *cmd, u32 *cache)
{
	return vgpu_wire_map_info(cmd->msg.resp, cmd->msg.used_bytes, cache);
}

/**
 * vgpu_cmd_assign_uuid() - Ask the device for the UUID of a resource
 * @q: the queues
 * @res_id: the resource
 * @uuid: filled in
 *
 * Context: process, sleeps like vgpu_cmd_await().
 * Return: 0; -ENOMEM; or an errno of vgpu_cmd_await().
 */
int vgpu_cmd_assign_uuid(struct vgpu_cmdq *q, u32 res_id, uuid_t *uuid)
{
	struct virtio_gpu_resource_assign_uuid *req;
	struct virtio_gpu_resp_resource_uuid *resp;
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_query(q, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, sizeof(*req),
				 sizeof(*resp), VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	req = (void *)cmd->req;
	req->resource_id = cpu_to_le32(res_id);
	vgpu_cmd_send(cmd, NULL);
	ret = vgpu_cmd_await(cmd);
	if (!ret) {
		resp = cmd->msg.resp;
		import_uuid(uuid, resp->uuid);
	}
	vgpu_cmd_put(cmd);
	return ret;
}

/* ---- contexts ---- */

/**
 * vgpu_cmd_ctx_create() - Build CTX_CREATE
 * @q: the queues
 * @ctx_id: id of the context to be
 * @context_init: capset id, or 0 for the default
 * @name: what a person looking at the host sees; cut to 63 characters
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_ctx_create(struct vgpu_cmdq *q, u32 ctx_id, u32 context_init,
				     const char *name)
{
	struct virtio_gpu_ctx_create *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new(q, VIRTIO_GPU_CMD_CTX_CREATE, sizeof(*req));
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->context_init = cpu_to_le32(context_init);
	strscpy(req->debug_name, name, sizeof(req->debug_name));
	req->nlen = cpu_to_le32(strlen(req->debug_name));
	return cmd;
}

/**
 * vgpu_cmd_ctx_destroy() - Build CTX_DESTROY
 * @q: the queues
 * @ctx_id: the context
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_ctx_destroy(struct vgpu_cmdq *q, u32 ctx_id)
{
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_kept(q, VIRTIO_GPU_CMD_CTX_DESTROY,
				sizeof(struct virtio_gpu_ctx_destroy), GFP_KERNEL);
	if (!IS_ERR(cmd))
		vgpu_cmd_hdr(cmd)->ctx_id = cpu_to_le32(ctx_id);
	return cmd;
}

/**
 * vgpu_cmd_ctx_attach() - Build CTX_ATTACH_RESOURCE
 * @q: the queues
 * @ctx_id: the context
 * @res_id: the resource it may use from now on
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_ctx_attach(struct vgpu_cmdq *q, u32 ctx_id, u32 res_id)
{
	return vgpu_cmd_new_for_resource(q, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx_id, res_id);
}

/**
 * vgpu_cmd_ctx_detach() - Build CTX_DETACH_RESOURCE
 * @q: the queues
 * @ctx_id: the context
 * @res_id: the resource it no longer uses
 *
 * Context: any.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_ctx_detach(struct vgpu_cmdq *q, u32 ctx_id, u32 res_id)
{
	return vgpu_cmd_new_end(q, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ctx_id, res_id,
				GFP_NOWAIT | __GFP_NOWARN);
}

static int vgpu_cmd_read_stream(void *to, const void __user *stream, u32 size_bytes)
{
	const u32 count = size_bytes / sizeof(u32);

	if (count && size_bytes <= VGPU_CMD_FEW_BYTES && IS_ALIGNED(size_bytes, sizeof(u32)))
		return vgpu_payload_read_words(to, stream, count);
	return copy_from_user(to, stream, size_bytes) ? -EFAULT : 0;
}

static struct vgpu_cmd *vgpu_cmd_submit_inline(struct vgpu_cmdq *q, const void __user *stream,
					       u32 size_bytes)
{
	const size_t req_bytes = sizeof(struct virtio_gpu_cmd_submit);
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_inline(q, VIRTIO_GPU_CMD_SUBMIT_3D, req_bytes, size_bytes);
	ret = vgpu_cmd_read_stream(cmd->req + req_bytes, stream, size_bytes);
	if (ret) {
		vgpu_cmd_put(cmd);
		return ERR_PTR(ret);
	}
	return cmd;
}

static struct vgpu_cmd *vgpu_cmd_submit_payload(struct vgpu_cmdq *q, const void __user *stream,
						u32 size_bytes)
{
	const struct vgpu_payload_limits limits = vgpu_cmdq_limits(q);
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_with_payload(q, VIRTIO_GPU_CMD_SUBMIT_3D,
					sizeof(struct virtio_gpu_cmd_submit),
					vgpu_payload_create(&limits, size_bytes));
	if (IS_ERR(cmd))
		return cmd;
	ret = vgpu_payload_copy_from_user(cmd->payload, stream);
	if (ret) {
		vgpu_cmd_put(cmd);
		return ERR_PTR(ret);
	}
	return cmd;
}

/**
 * vgpu_cmd_submit_3d() - Build SUBMIT_3D
 * @q: the queues
 * @ctx_id: the context that executes the stream
 * @stream: the command stream, copied
 * @size_bytes: its size
 *
 * Context: process, may fault.
 * Return: the command; ERR_PTR(-EFAULT); or an error pointer of
 * vgpu_payload_create().
 */
struct vgpu_cmd *vgpu_cmd_submit_3d(struct vgpu_cmdq *q, u32 ctx_id,
				    const void __user *stream, u32 size_bytes)
{
	struct virtio_gpu_cmd_submit *req;
	struct vgpu_cmd *cmd;

	if (size_bytes <= VGPU_CMD_INLINE_BYTES)
		cmd = vgpu_cmd_submit_inline(q, stream, size_bytes);
	else
		cmd = vgpu_cmd_submit_payload(q, stream, size_bytes);
	if (IS_ERR(cmd))
		return cmd;
	req = (void *)cmd->req;
	req->hdr.ctx_id = cpu_to_le32(ctx_id);
	req->size = cpu_to_le32(size_bytes);
	return cmd;
}

/**
 * vgpu_cmd_set_ring() - Set the ring of its context that a command is on
 * @cmd: the command, not sent yet
 * @ring_idx: the ring
 */
void vgpu_cmd_set_ring(struct vgpu_cmd *cmd, u32 ring_idx)
{
	struct virtio_gpu_ctrl_hdr *hdr = vgpu_cmd_hdr(cmd);

	hdr->flags |= cpu_to_le32(VIRTIO_GPU_FLAG_INFO_RING_IDX);
	hdr->ring_idx = ring_idx;
}

/* ---- scanouts ---- */

/**
 * vgpu_cmd_set_scanout() - Build SET_SCANOUT
 * @q: the queues
 * @scanout_id: the scanout
 * @res_id: the resource it shall show, 0 for none
 * @rect: the part of the resource
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_set_scanout(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
				      const struct vgpu_rect *rect)
{
	struct virtio_gpu_set_scanout *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_update(q, VIRTIO_GPU_CMD_SET_SCANOUT, sizeof(*req));
	req = (void *)cmd->req;
	vgpu_wire_put_rect(&req->r, rect);
	req->scanout_id = cpu_to_le32(scanout_id);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/**
 * vgpu_cmd_set_scanout_blob() - Build SET_SCANOUT_BLOB
 * @q: the queues
 * @scanout_id: the scanout
 * @res_id: the blob it shall show
 * @rect: the part of the picture
 * @blob: how the blob is read as a picture
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_set_scanout_blob(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
					   const struct vgpu_rect *rect,
					   const struct vgpu_scanout_blob *blob)
{
	struct virtio_gpu_set_scanout_blob *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_update(q, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, sizeof(*req));
	req = (void *)cmd->req;
	vgpu_wire_put_rect(&req->r, rect);
	req->scanout_id = cpu_to_le32(scanout_id);
	req->resource_id = cpu_to_le32(res_id);
	vgpu_wire_put_scanout_blob(req, blob);
	return cmd;
}

/**
 * vgpu_cmd_flush() - Build RESOURCE_FLUSH
 * @q: the queues
 * @res_id: the resource
 * @rect: the part of it that scanouts shall show anew
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_flush(struct vgpu_cmdq *q, u32 res_id, const struct vgpu_rect *rect)
{
	struct virtio_gpu_resource_flush *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_update(q, VIRTIO_GPU_CMD_RESOURCE_FLUSH, sizeof(*req));
	req = (void *)cmd->req;
	vgpu_wire_put_rect(&req->r, rect);
	req->resource_id = cpu_to_le32(res_id);
	return cmd;
}

/**
 * vgpu_cmd_set_cursor_position() - Change the position in UPDATE_CURSOR or MOVE_CURSOR
 * @cmd: the command, which is not posted
 * @x: position of the picture's left edge, in pixels
 * @y: position of the picture's upper edge, in pixels
 */
void vgpu_cmd_set_cursor_position(struct vgpu_cmd *cmd, u32 x, u32 y)
{
	struct virtio_gpu_update_cursor *req = (void *)cmd->req;

	req->pos.x = cpu_to_le32(x);
	req->pos.y = cpu_to_le32(y);
}

static struct vgpu_cmd *vgpu_cmd_cursor(struct vgpu_cmdq *q, u32 type, u32 scanout_id, u32 x,
					u32 y)
{
	struct virtio_gpu_update_cursor *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_update(q, type, sizeof(*req));
	/* Devices answer nothing on the cursor queue. */
	cmd->msg.resp_bytes = 0;
	req = (void *)cmd->req;
	req->pos.scanout_id = cpu_to_le32(scanout_id);
	vgpu_cmd_set_cursor_position(cmd, x, y);
	return cmd;
}

/**
 * vgpu_cmd_update_cursor() - Build UPDATE_CURSOR
 * @q: the queues
 * @scanout_id: the scanout
 * @res_id: the picture, 64×64; 0 hides the cursor
 * @x: position of the picture's left edge, in pixels
 * @y: position of the picture's upper edge, in pixels
 * @hot_x: the picture's hot spot, in pixels
 * @hot_y: the picture's hot spot, in pixels
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_update_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
					u32 x, u32 y, u32 hot_x, u32 hot_y)
{
	struct vgpu_cmd *cmd = vgpu_cmd_cursor(q, VIRTIO_GPU_CMD_UPDATE_CURSOR, scanout_id, x, y);
	struct virtio_gpu_update_cursor *req = (void *)cmd->req;

	req->resource_id = cpu_to_le32(res_id);
	req->hot_x = cpu_to_le32(hot_x);
	req->hot_y = cpu_to_le32(hot_y);
	return cmd;
}

/**
 * vgpu_cmd_move_cursor() - Build MOVE_CURSOR
 * @q: the queues
 * @scanout_id: the scanout
 * @x: position of the picture's left edge, in pixels
 * @y: position of the picture's upper edge, in pixels
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_cmd_move_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 x, u32 y)
{
	return vgpu_cmd_cursor(q, VIRTIO_GPU_CMD_MOVE_CURSOR, scanout_id, x, y);
}

/* ---- questions ---- */

/**
 * vgpu_cmd_get_display_info() - Ask what the scanouts should show
 * @q: the queues
 * @info: filled in, one for each scanout; untouched on error
 * @num_scanouts: length of @info
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0, or an errno of vgpu_cmd_call().
 */
int vgpu_cmd_get_display_info(struct vgpu_cmdq *q, struct vgpu_output_info *info,
			      unsigned int num_scanouts)
{
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_display_info(q);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	ret = vgpu_cmd_call(cmd);
	if (!ret)
		ret = vgpu_wire_display_info(cmd->msg.resp, cmd->msg.used_bytes, info,
					     num_scanouts);
	vgpu_cmd_put(cmd);
	return ret;
}

/**
 * vgpu_cmd_get_edid() - Ask for the EDID of a scanout
 * @q: the queues
 * @scanout_id: the scanout
 * @edid: room for VGPU_WIRE_EDID_BYTES; filled in
 * @size_bytes: set to how much of it counts
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0, or an errno of vgpu_cmd_call() or vgpu_wire_edid().
 */
int vgpu_cmd_get_edid(struct vgpu_cmdq *q, u32 scanout_id, u8 *edid, u32 *size_bytes)
{
	struct virtio_gpu_cmd_get_edid *req;
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_sized(q, VIRTIO_GPU_CMD_GET_EDID, sizeof(*req),
				 sizeof(struct virtio_gpu_resp_edid), VIRTIO_GPU_RESP_OK_EDID);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	req = (void *)cmd->req;
	req->scanout = cpu_to_le32(scanout_id);
	ret = vgpu_cmd_call(cmd);
	if (!ret)
		ret = vgpu_wire_edid(cmd->msg.resp, cmd->msg.used_bytes, edid, size_bytes);
	vgpu_cmd_put(cmd);
	return ret;
}

/**
 * vgpu_cmd_get_capset_info() - Ask for the id, version and size of a capset
 * @q: the queues
 * @index: number of the capset, less than the configuration's num_capsets
 * @info: filled in
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0, or an errno of vgpu_cmd_call() or vgpu_wire_capset_info().
 */
int vgpu_cmd_get_capset_info(struct vgpu_cmdq *q, u32 index, struct vgpu_capset_info *info)
{
	struct virtio_gpu_get_capset_info *req;
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_query(q, VIRTIO_GPU_CMD_GET_CAPSET_INFO, sizeof(*req),
				 sizeof(struct virtio_gpu_resp_capset_info),
				 VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	req = (void *)cmd->req;
	req->capset_index = cpu_to_le32(index);
	ret = vgpu_cmd_call(cmd);
	if (!ret)
		ret = vgpu_wire_capset_info(cmd->msg.resp, cmd->msg.used_bytes, info);
	vgpu_cmd_put(cmd);
	return ret;
}

/**
 * vgpu_cmd_get_capset() - Build GET_CAPSET
 * @q: the queues
 * @id: the capset
 * @version: which version of it
 * @size_bytes: how much data it has, at most VGPU_WIRE_CAPSET_MAX_BYTES
 *
 * Context: process, may sleep.
 * Return: the command, to be sent; or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_get_capset(struct vgpu_cmdq *q, u32 id, u32 version, u32 size_bytes)
{
	struct virtio_gpu_get_capset *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_new_query(q, VIRTIO_GPU_CMD_GET_CAPSET, sizeof(*req),
				 sizeof(struct virtio_gpu_resp_capset) + size_bytes,
				 VIRTIO_GPU_RESP_OK_CAPSET);
	if (IS_ERR(cmd))
		return cmd;
	req = (void *)cmd->req;
	req->capset_id = cpu_to_le32(id);
	req->capset_version = cpu_to_le32(version);
	return cmd;
}

/**
 * vgpu_cmd_read_capset() - Get the data of a capset, from the answer to GET_CAPSET
 * @cmd: command of vgpu_cmd_get_capset(), answered well
 * @data: filled in
 * @size_bytes: what vgpu_cmd_get_capset() was called with
 */
void vgpu_cmd_read_capset(const struct vgpu_cmd *cmd, void *data, u32 size_bytes)
{
	const struct virtio_gpu_resp_capset *resp = cmd->msg.resp;

	memcpy(data, resp->capset_data, size_bytes);
}
