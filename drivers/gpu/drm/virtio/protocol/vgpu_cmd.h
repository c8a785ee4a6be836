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
struct workqueue_struct;

/**
 * struct vgpu_cmd_owner_ops - How a command tells its owner what becomes of it
 * @get: takes a reference, when a command is posted
 * @put: drops the reference, when the device can no longer touch the command; in any context
 * @outcome: the outcome of the command is known, 0 or a negative errno; in any context, before
 *           the command's fence signals
 */
struct vgpu_cmd_owner_ops {
	void (*get)(struct vgpu_cmd_owner *owner);
	void (*put)(struct vgpu_cmd_owner *owner);
	void (*outcome)(struct vgpu_cmd_owner *owner, u32 type, int error);
};

/**
 * struct vgpu_cmd_owner - Embedded in objects that commands are about
 * @ops: constant
 */
struct vgpu_cmd_owner {
	const struct vgpu_cmd_owner_ops *ops;
};

struct vgpu_cmd_finish;

/**
 * struct vgpu_cmd_finish_ops - Work between the answer to a command and the signal of its fence
 * @answered: called once with the outcome, in any context; completes the fence, now or later,
 *            and owns the finish from here on
 * @drop: called instead when the command is released without an outcome
 */
struct vgpu_cmd_finish_ops {
	void (*answered)(struct vgpu_cmd_finish *finish, struct vgpu_fence *fence, int error);
	void (*drop)(struct vgpu_cmd_finish *finish);
};

/**
 * struct vgpu_cmd_finish - Embedded in an object that completes a fence in place of the command
 * @ops: constant
 */
struct vgpu_cmd_finish {
	const struct vgpu_cmd_finish_ops *ops;
};

/**
 * struct vgpu_cmdq_config - Parameters of vgpu_cmdq_create()
 * @vdev: the device
 * @lost: upcall: the device is lost; any context, maybe more than once
 * @arg: argument of the upcalls
 * @wq: where what may sleep is done; flushed before vgpu_cmdq_destroy()
 * @fence_wq: where what fences depend on is done; has WQ_MEM_RECLAIM
 * @silence_limit_ms: how long the device may be silent before it is lost; 0 for ever
 * @max_entries: most pieces a command's data may have; 0 for the size of the ring
 * @first_fence: id of the first fence
 */
struct vgpu_cmdq_config {
	struct virtio_device *vdev;
	void (*lost)(void *arg, int error);
	void *arg;
	struct workqueue_struct *wq;
	struct workqueue_struct *fence_wq;
	unsigned int silence_limit_ms;
	unsigned int max_entries;
	u32 first_fence;
};

/* How many of the latest refusals are kept. */
#define VGPU_CMDQ_REFUSALS	16

/**
 * struct vgpu_cmdq_refusal - A command that failed
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

/* A display update sends at most so many commands. */
#define VGPU_CMDQ_UPDATE_COMMANDS	20

/* The queues. */
struct vgpu_cmdq *vgpu_cmdq_create(const struct vgpu_cmdq_config *config);
void vgpu_cmdq_settle(struct vgpu_cmdq *q);
void vgpu_cmdq_destroy(struct vgpu_cmdq *q);
void vgpu_cmdq_start(struct vgpu_cmdq *q, struct virtqueue *control, struct virtqueue *cursor);
void vgpu_cmdq_fail(struct vgpu_cmdq *q, int error);
void vgpu_cmdq_stop(struct vgpu_cmdq *q);
void vgpu_cmdq_control_interrupt(struct vgpu_cmdq *q);
void vgpu_cmdq_cursor_interrupt(struct vgpu_cmdq *q);
int vgpu_cmdq_ping(struct vgpu_cmdq *q);
void vgpu_cmdq_limit_questions(struct vgpu_cmdq *q, unsigned int limit_ms);
int vgpu_cmdq_error(struct vgpu_cmdq *q);
bool vgpu_cmdq_is_crowded(struct vgpu_cmdq *q);
u32 vgpu_cmdq_held_quarters(struct vgpu_cmdq *q);
u32 vgpu_cmdq_held_share(struct vgpu_cmdq *q);
bool vgpu_cmdq_is_silent(struct vgpu_cmdq *q);
void vgpu_cmdq_kick(struct vgpu_cmdq *q);
void vgpu_cmdq_kick_cursor(struct vgpu_cmdq *q);
void vgpu_cmdq_listen(struct vgpu_cmdq *q);
void vgpu_cmdq_unlisten(struct vgpu_cmdq *q);
int vgpu_cmdq_await_fence_ids(struct vgpu_cmdq *q);
void vgpu_cmdq_poll(struct vgpu_cmdq *q);
bool vgpu_cmdq_runs_after(struct vgpu_cmdq *q, struct dma_fence *fence);
bool vgpu_cmdq_has(struct vgpu_cmdq *q, struct dma_fence *fence);
int vgpu_cmdq_panic_enter(struct vgpu_cmdq *q);
void vgpu_cmdq_panic_exit(struct vgpu_cmdq *q);
int vgpu_cmdq_begin_update(struct vgpu_cmdq *q, gfp_t gfp);
void vgpu_cmdq_end_update(struct vgpu_cmdq *q);
u64 vgpu_cmdq_read_refusals(struct vgpu_cmdq *q, struct vgpu_cmdq_refusal *refusals);
void vgpu_cmdq_read_stats(struct vgpu_cmdq *q, struct vgpu_vq_stats *control,
			  struct vgpu_vq_stats *cursor);

/* Sending a command. Posting takes over the caller's reference, and accepts error pointers. */
int vgpu_cmd_post(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner);
int vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			 struct vgpu_fence *fence);
void vgpu_cmd_cancel(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
		     struct vgpu_fence *fence, int error);
void vgpu_cmd_send(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner);
int vgpu_cmd_await(struct vgpu_cmd *cmd);
int vgpu_cmd_panic_run(struct vgpu_cmd *cmd);
void vgpu_cmd_charge(struct vgpu_cmd *cmd);
struct vgpu_cmd *vgpu_cmd_get(struct vgpu_cmd *cmd);
void vgpu_cmd_put(struct vgpu_cmd *cmd);
bool vgpu_cmd_is_answered(struct vgpu_cmd *cmd);
bool vgpu_cmd_take_back(struct vgpu_cmd *cmd);

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
void vgpu_cmd_set_finish(struct vgpu_cmd *cmd, struct vgpu_cmd_finish *finish);
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
void vgpu_cmd_set_cursor_position(struct vgpu_cmd *cmd, u32 x, u32 y);
struct vgpu_cmd *vgpu_cmd_move_cursor(struct vgpu_cmdq *q, u32 scanout_id, u32 x, u32 y);

/* Questions. The driver's own wait for the answer. */
struct vgpu_cmd *vgpu_cmd_get_capset(struct vgpu_cmdq *q, u32 id, u32 version, u32 size_bytes);
void vgpu_cmd_read_capset(const struct vgpu_cmd *cmd, void *data, u32 size_bytes);
int vgpu_cmd_get_display_info(struct vgpu_cmdq *q, struct vgpu_output_info *info,
			      unsigned int num_scanouts);
int vgpu_cmd_get_edid(struct vgpu_cmdq *q, u32 scanout_id, u8 *edid, u32 *size_bytes);
int vgpu_cmd_get_capset_info(struct vgpu_cmdq *q, u32 index, struct vgpu_capset_info *info);

#endif
