/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One function for each command of the device: see the table in vgpu_cmd_build.c. */
#ifndef VGPU_CMD_BUILD_H
#define VGPU_CMD_BUILD_H

#include <linux/types.h>
#include <linux/uuid.h>

#include "protocol/vgpu_wire.h"

struct sg_table;
struct vgpu_cmd;
struct vgpu_cmdq;

/* Commands about resources. */
struct vgpu_cmd *vgpu_cmd_resource_create_2d(struct vgpu_cmdq *q, u32 res_id, u32 format,
					     u32 width, u32 height);
struct vgpu_cmd *vgpu_cmd_resource_create_3d(struct vgpu_cmdq *q, u32 res_id,
					     const struct virtio_gpu_resource_create_3d *texture);
struct vgpu_cmd *vgpu_cmd_resource_create_blob(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					       u32 blob_mem, u32 blob_flags, u64 blob_id,
					       u64 size_bytes, struct sg_table *pages);
struct vgpu_cmd *vgpu_cmd_attach_backing(struct vgpu_cmdq *q, u32 res_id,
					 struct sg_table *pages);
struct vgpu_cmd *vgpu_cmd_transfer_to_host_2d(struct vgpu_cmdq *q, u32 res_id,
					      const struct virtio_gpu_rect *rect, u64 offset);
struct vgpu_cmd *vgpu_cmd_transfer_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id, bool to_host,
				      const struct virtio_gpu_transfer_host_3d *transfer);
struct vgpu_cmd *vgpu_cmd_map_blob(struct vgpu_cmdq *q, u32 res_id, u64 offset);
int vgpu_cmd_read_map_info(const struct vgpu_cmd *cmd, u32 *cache);
int vgpu_cmd_assign_uuid(struct vgpu_cmdq *q, u32 res_id, uuid_t *uuid);

/* Commands about contexts. */
struct vgpu_cmd *vgpu_cmd_ctx_create(struct vgpu_cmdq *q, u32 ctx_id, u32 context_init,
				     const char *name);
struct vgpu_cmd *vgpu_cmd_ctx_destroy(struct vgpu_cmdq *q, u32 ctx_id);
struct vgpu_cmd *vgpu_cmd_submit_3d(struct vgpu_cmdq *q, u32 ctx_id,
				    const void __user *stream, u32 size_bytes);
void vgpu_cmd_set_ring(struct vgpu_cmd *cmd, u32 ring_idx);

/* Commands about scanouts. */
struct vgpu_cmd *vgpu_cmd_set_scanout(struct vgpu_cmdq *q, u32 scanout_id,
				      const struct virtio_gpu_set_scanout_blob *scanout);
struct vgpu_cmd *vgpu_cmd_flush(struct vgpu_cmdq *q, u32 res_id,
				const struct virtio_gpu_rect *rect);
struct vgpu_cmd *vgpu_cmd_update_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
					u32 x, u32 y, u32 hot_x, u32 hot_y);
struct vgpu_cmd *vgpu_cmd_move_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 x, u32 y);
void vgpu_cmd_set_cursor_position(struct vgpu_cmd *cmd, u32 x, u32 y);

/* Commands whose answer has data. */
struct vgpu_cmd *vgpu_cmd_get_capset(struct vgpu_cmdq *q, u32 id, u32 version, u32 size_bytes);
const void *vgpu_cmd_capset_data(const struct vgpu_cmd *cmd);
struct vgpu_cmd *vgpu_cmd_get_capset_info(struct vgpu_cmdq *q, u32 index);
int vgpu_cmd_read_capset_info(const struct vgpu_cmd *cmd, struct vgpu_capset_info *info);
int vgpu_cmd_get_display_info(struct vgpu_cmdq *q, struct vgpu_output_info *info,
			      unsigned int num_scanouts);
int vgpu_cmd_get_edid(struct vgpu_cmdq *q, u32 scanout_id, u8 *edid, u32 *size_bytes);

/* Commands with no parameter but a resource and maybe a context. */
struct vgpu_cmd *vgpu_cmd_new_short(struct vgpu_cmdq *q, u32 type, u32 ctx_id, u32 res_id);
struct vgpu_cmd *vgpu_cmd_new_end(struct vgpu_cmdq *q, u32 type, u32 ctx_id, u32 res_id,
				  gfp_t gfp);

static inline struct vgpu_cmd *vgpu_cmd_detach_backing(struct vgpu_cmdq *q, u32 res_id)
{
	return vgpu_cmd_new_short(q, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0, res_id);
}

static inline struct vgpu_cmd *vgpu_cmd_ctx_attach(struct vgpu_cmdq *q, u32 ctx_id, u32 res_id)
{
	return vgpu_cmd_new_short(q, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx_id, res_id);
}

static inline struct vgpu_cmd *vgpu_cmd_ctx_detach(struct vgpu_cmdq *q, u32 ctx_id, u32 res_id)
{
	return vgpu_cmd_new_end(q, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ctx_id, res_id,
				GFP_NOWAIT | __GFP_NOWARN);
}

static inline struct vgpu_cmd *vgpu_cmd_resource_unref(struct vgpu_cmdq *q, u32 res_id)
{
	return vgpu_cmd_new_end(q, VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, res_id, GFP_KERNEL);
}

static inline struct vgpu_cmd *vgpu_cmd_unmap_blob(struct vgpu_cmdq *q, u32 res_id)
{
	return vgpu_cmd_new_end(q, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, res_id, GFP_KERNEL);
}

#endif
