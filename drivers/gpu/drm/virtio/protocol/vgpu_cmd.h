/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CMD_H
#define VGPU_CMD_H

#include <linux/types.h>
#include <linux/uuid.h>

#include "protocol/vgpu_wire.h"

struct dma_fence;
struct sg_table;
struct vgpu_cmd;
struct vgpu_cmdq;
struct vgpu_cmd_owner;
struct vgpu_fence;
struct vgpu_vq;
struct vgpu_vq_stats;
struct virtio_device;
struct virtqueue;
struct work_struct;
struct workqueue_struct;

/**
 * struct vgpu_cmd_owner_ops - what a command tells the object it is for
 * @get: take a reference, when a command of so many bytes is posted
 * @put: drop it, when the device can no longer touch the command; in any context;
 *       with what @outcome was told, or 0
 * @outcome: the device has answered (0 or a negative errno), or will not; in any
 *           context, before the command's fence signals. After -ETIMEDOUT, and only
 *           then, a device that serves keeps the command until @put
 */
struct vgpu_cmd_owner_ops {
	void (*get)(struct vgpu_cmd_owner *owner, size_t size_bytes);
	void (*put)(struct vgpu_cmd_owner *owner, size_t size_bytes, int error);
	void (*outcome)(struct vgpu_cmd_owner *owner, u32 type, int error);
};

/**
 * struct vgpu_cmd_owner - embedded in what commands are for
 * @ops: constant
 */
struct vgpu_cmd_owner {
	const struct vgpu_cmd_owner_ops *ops;
};

/**
 * struct vgpu_cmdq_config - what a command queue is made with
 * @vdev: the device
 * @lost: upcall: the device is lost; any context, maybe more than once
 * @silent: upcall: the device is silent; process context, again and again
 * @arg: argument of the upcalls
 * @wq: where what may sleep is done; flushed before vgpu_cmdq_destroy()
 * @timeout_ms: how long the device may take for a command; 0 for ever
 * @max_entries: most pieces a command's data may have; 0 for the size of the ring
 */
struct vgpu_cmdq_config {
	struct virtio_device *vdev;
	void (*lost)(void *arg, int error);
	void (*silent)(void *arg);
	void *arg;
	struct workqueue_struct *wq;
	unsigned int timeout_ms;
	unsigned int max_entries;
};

/* How many of the latest refusals are kept. */
#define VGPU_CMDQ_REFUSALS	16

/**
 * struct vgpu_cmdq_refusal - a command that failed
 * @at_ns: when, monotonic clock
 * @type: VIRTIO_GPU_CMD_*
 * @ctx_id: context it was of
 * @error: what the answer came to, negative errno
 */
struct vgpu_cmdq_refusal {
	u64 at_ns;
	u32 type;
	u32 ctx_id;
	int error;
};

/* The queues. */
struct vgpu_cmdq *vgpu_cmdq_create(const struct vgpu_cmdq_config *config);
void vgpu_cmdq_destroy(struct vgpu_cmdq *q);
void vgpu_cmdq_start(struct vgpu_cmdq *q, struct virtqueue *control, struct virtqueue *cursor);
void vgpu_cmdq_fail(struct vgpu_cmdq *q, int error);
void vgpu_cmdq_stop(struct vgpu_cmdq *q);
void vgpu_cmdq_control_interrupt(struct vgpu_cmdq *q);
void vgpu_cmdq_cursor_interrupt(struct vgpu_cmdq *q);
int vgpu_cmdq_ping(struct vgpu_cmdq *q);
int vgpu_cmdq_error(struct vgpu_cmdq *q);
bool vgpu_cmdq_is_crowded(struct vgpu_cmdq *q);
bool vgpu_cmdq_is_silent(struct vgpu_cmdq *q);
void vgpu_cmdq_kick(struct vgpu_cmdq *q);
void vgpu_cmdq_kick_cursor(struct vgpu_cmdq *q);
void vgpu_cmdq_listen(struct vgpu_cmdq *q);
void vgpu_cmdq_unlisten(struct vgpu_cmdq *q);
void vgpu_cmdq_poll(struct vgpu_cmdq *q);
bool vgpu_cmdq_runs_after(struct vgpu_cmdq *q, struct dma_fence *fence);
int vgpu_cmdq_panic_enter(struct vgpu_cmdq *q);
void vgpu_cmdq_panic_exit(struct vgpu_cmdq *q);
bool vgpu_cmdq_queue_work(struct vgpu_cmdq *q, struct work_struct *work);
u64 vgpu_cmdq_read_refusals(struct vgpu_cmdq *q, struct vgpu_cmdq_refusal *refusals);
void vgpu_cmdq_read_stats(struct vgpu_cmdq *q, struct vgpu_vq_stats *control,
			  struct vgpu_vq_stats *cursor);

/* What becomes of a command. Who posts gives his reference away, error pointers as well. */
int vgpu_cmd_post(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner);
int vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			 struct vgpu_fence *fence);
void vgpu_cmd_send(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner);
int vgpu_cmd_await(struct vgpu_cmd *cmd);
int vgpu_cmd_panic_run(struct vgpu_cmd *cmd);
size_t vgpu_cmd_size(const struct vgpu_cmd *cmd);
void vgpu_cmd_put(struct vgpu_cmd *cmd);

/* Commands about resources. */
struct vgpu_cmd *vgpu_cmd_resource_create_2d(struct vgpu_cmdq *q, u32 res_id, u32 format,
					     u32 width, u32 height);
struct vgpu_cmd *vgpu_cmd_resource_create_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					     const struct vgpu_texture *texture);
struct vgpu_cmd *vgpu_cmd_resource_create_blob(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					       u32 blob_mem, u32 blob_flags, u64 blob_id,
					       u64 size_bytes, struct sg_table *pages);
struct vgpu_cmd *vgpu_cmd_resource_unref(struct vgpu_cmdq *q, u32 res_id);
struct vgpu_cmd *vgpu_cmd_attach_backing(struct vgpu_cmdq *q, u32 res_id,
					 struct sg_table *pages, u32 min_entries);
struct vgpu_cmd *vgpu_cmd_detach_backing(struct vgpu_cmdq *q, u32 res_id);
struct vgpu_cmd *vgpu_cmd_transfer_to_host_2d(struct vgpu_cmdq *q, u32 res_id,
					      const struct vgpu_rect *rect, u64 offset);
struct vgpu_cmd *vgpu_cmd_transfer_to_host_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
					      const struct vgpu_transfer *transfer);
struct vgpu_cmd *vgpu_cmd_transfer_from_host_3d(struct vgpu_cmdq *q, u32 res_id, u32 ctx_id,
						const struct vgpu_transfer *transfer);
struct vgpu_cmd *vgpu_cmd_unmap_blob(struct vgpu_cmdq *q, u32 res_id);
struct vgpu_cmd *vgpu_cmd_map_blob(struct vgpu_cmdq *q, u32 res_id, u64 offset);
int vgpu_cmd_read_map_info(const struct vgpu_cmd *cmd, u32 *cache);
int vgpu_cmd_assign_uuid(struct vgpu_cmdq *q, u32 res_id, uuid_t *uuid);

/* Commands about contexts. */
struct vgpu_cmd *vgpu_cmd_ctx_create(struct vgpu_cmdq *q, u32 ctx_id, u32 context_init,
				     const char *name);
struct vgpu_cmd *vgpu_cmd_ctx_destroy(struct vgpu_cmdq *q, u32 ctx_id);
struct vgpu_cmd *vgpu_cmd_ctx_attach(struct vgpu_cmdq *q, u32 ctx_id, u32 res_id);
struct vgpu_cmd *vgpu_cmd_ctx_detach(struct vgpu_cmdq *q, u32 ctx_id, u32 res_id);
struct vgpu_cmd *vgpu_cmd_submit_3d(struct vgpu_cmdq *q, u32 ctx_id,
				    const void __user *stream, u32 size_bytes);
void vgpu_cmd_set_ring(struct vgpu_cmd *cmd, u32 ring_idx);

/* Commands about scanouts. */
struct vgpu_cmd *vgpu_cmd_set_scanout(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
				      const struct vgpu_rect *rect);
struct vgpu_cmd *vgpu_cmd_set_scanout_blob(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
					   const struct vgpu_rect *rect,
					   const struct vgpu_scanout_blob *blob);
struct vgpu_cmd *vgpu_cmd_flush(struct vgpu_cmdq *q, u32 res_id, const struct vgpu_rect *rect);
struct vgpu_cmd *vgpu_cmd_update_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 res_id,
					u32 x, u32 y, u32 hot_x, u32 hot_y);
struct vgpu_cmd *vgpu_cmd_move_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 x, u32 y);

/* Questions. The driver's own wait for the answer. */
struct vgpu_cmd *vgpu_cmd_get_capset(struct vgpu_cmdq *q, u32 id, u32 version, u32 size_bytes);
void vgpu_cmd_read_capset(const struct vgpu_cmd *cmd, void *data, u32 size_bytes);
int vgpu_cmd_get_display_info(struct vgpu_cmdq *q, struct vgpu_output_info *info,
			      unsigned int num_scanouts);
int vgpu_cmd_get_edid(struct vgpu_cmdq *q, u32 scanout_id, u8 *edid, u32 *size_bytes);
int vgpu_cmd_get_capset_info(struct vgpu_cmdq *q, u32 index, struct vgpu_capset_info *info);

#endif
