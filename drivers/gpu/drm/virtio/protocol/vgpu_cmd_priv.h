/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Shared by the files that make up commands and their queues; no other file includes it. */
#ifndef VGPU_CMD_PRIV_H
#define VGPU_CMD_PRIV_H

#include <linux/completion.h>
#include <linux/string.h>
#include <linux/virtio_gpu.h>

#include "protocol/vgpu_cmd.h"

/* Largest request of a small command: any request of fixed size fits. */
#define VGPU_CMD_SMALL_REQ_BYTES	112

/* Size of a large command: a command stream of usual length fits. */
#define VGPU_CMD_LARGE_BYTES	2048

/* A command stream up to this size lies right behind its request. */
#define VGPU_CMD_INLINE_BYTES	1536

/**
 * struct vgpu_cmd - A command
 * @msg: the message to the device
 * @q: the queues, constant
 * @owner: object to be told of the outcome, or NULL
 * @budget: budget charged for the command until it is answered, or NULL; counts the command as a
 *          submission or a transfer if &vgpu_msg.nr_held is set
 * @fence: fence to be signalled, or NULL
 * @busy: timeline on which the command counts as busy time without @fence, kept by @owner; or NULL
 * @finish: completes @fence after the answer; NULL if the command does so itself
 * @payload: data behind the request, or NULL
 * @answered: completed when @status is known; only used when @called
 * @want_type: response that means success
 * @want_bytes: least size of that response
 * @status: outcome; -EINPROGRESS before the command is completed
 * @has_global_id: @fence has a global id, not the id of a ring fence
 * @called: the command was sent by vgpu_cmd_send(), whose caller waits for @answered
 * @req: the request, and behind it the response
 */
struct vgpu_cmd {
	struct vgpu_msg msg;
	struct vgpu_cmdq *q;
	struct vgpu_cmd_owner *owner;
	struct vgpu_budget *budget;
	struct vgpu_fence *fence;
	struct vgpu_timeline *busy;
	struct vgpu_cmd_finish *finish;
	struct vgpu_payload *payload;
	struct completion answered;
	u32 want_type;
	u32 want_bytes;
	int status;
	bool has_global_id;
	bool called;
	u8 req[] __aligned(8);
};

/* The response has a cache line of its own where DMA is not coherent. */
#ifdef ARCH_DMA_MINALIGN
#define VGPU_CMD_RESP_ALIGN	ARCH_DMA_MINALIGN
#else
#define VGPU_CMD_RESP_ALIGN	8
#endif

#define VGPU_CMD_BYTES(req_bytes, resp_bytes) \
	(ALIGN(sizeof(struct vgpu_cmd) + (req_bytes), VGPU_CMD_RESP_ALIGN) + \
	 ALIGN((resp_bytes), VGPU_CMD_RESP_ALIGN))

static inline struct virtio_gpu_ctrl_hdr *vgpu_cmd_hdr(struct vgpu_cmd *cmd)
{
	return (struct virtio_gpu_ctrl_hdr *)cmd->req;
}

static inline struct vgpu_cmd *vgpu_cmd_of(void *req)
{
	return req - offsetof(struct vgpu_cmd, req);
}

static inline u32 vgpu_cmd_type(struct vgpu_cmd *cmd)
{
	return le32_to_cpu(vgpu_cmd_hdr(cmd)->type);
}

struct vgpu_cmd *vgpu_cmd_alloc(struct vgpu_cmdq *q, size_t req_bytes, bool is_update);
struct vgpu_cmd *vgpu_cmd_alloc_kept(struct vgpu_cmdq *q, size_t req_bytes, gfp_t gfp);
struct vgpu_cmd *vgpu_cmd_new_query(struct vgpu_cmdq *q, const void *req, size_t req_bytes,
				    size_t resp_bytes, u32 want_type);
struct vgpu_cmd *vgpu_cmd_new_display_info(struct vgpu_cmdq *q);
int vgpu_cmd_ask(struct vgpu_cmd *cmd, unsigned long timeout);
void vgpu_cmd_set_outcome(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			  struct vgpu_fence *fence);
void vgpu_cmd_cancel(struct vgpu_cmd *cmd, int error);

#endif
