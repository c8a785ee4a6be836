/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files that make up commands and their queues share; nobody else includes it. */
#ifndef VGPU_CMD_PRIV_H
#define VGPU_CMD_PRIV_H

#include <linux/completion.h>
#include <linux/mempool.h>
#include <linux/spinlock.h>
#include <linux/virtio_gpu.h>
#include <linux/workqueue.h>

#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_payload.h"
#include "transport/vgpu_vq.h"

/* A pooled command: every fixed one fits, and a stream of the usual length as well. */
#define VGPU_CMD_POOL_BYTES	2048

/* A command stream up to this size lies right behind its request. */
#define VGPU_CMD_INLINE_BYTES	1536

/* Commands a panic needs at a time. */
#define VGPU_CMD_PANIC_SLOTS	4

/**
 * struct vgpu_cmdq - the device's two queues
 * @vdev: constant
 * @control: queue of everything but the cursor, constant
 * @cursor: queue of the cursor, constant
 * @cache: where @pool gets its memory, constant
 * @pool: of small commands, constant
 * @spares: memory for large ones
 * @lost: upcall, constant
 * @silent: upcall, constant
 * @arg: argument of the upcalls, constant
 * @wq: where what may sleep is done, constant
 * @max_entries: limit set by the administrator or 0, constant
 * @use_dma: the device goes by DMA addresses; constant while started
 * @ping_work: finds out whether the device answers at all
 * @last_fence_id: protected by the lock of @control
 * @panic_slots: room for commands during a panic, constant
 * @panic_next: which of them is next
 * @panic_cpu: the processor that panics, or -1
 * @refusal_lock: protects what follows
 * @nr_refusals: how many commands the device refused or answered badly
 * @refusals: the latest of them; number N at N modulo the length
 */
struct vgpu_cmdq {
	struct virtio_device *vdev;
	struct vgpu_vq *control;
	struct vgpu_vq *cursor;
	struct kmem_cache *cache;
	mempool_t *pool;
	struct vgpu_payload_spares spares;
	void (*lost)(void *arg, int error);
	void (*silent)(void *arg);
	void *arg;
	struct workqueue_struct *wq;
	unsigned int max_entries;
	bool use_dma;
	struct work_struct ping_work;
	u64 last_fence_id;
	void *panic_slots[VGPU_CMD_PANIC_SLOTS];
	unsigned int panic_next;
	int panic_cpu;
	spinlock_t refusal_lock;
	u64 nr_refusals;
	struct vgpu_cmdq_refusal refusals[VGPU_CMDQ_REFUSALS];
};

/**
 * struct vgpu_cmd - a command
 * @msg: what the transport sees of it
 * @q: where it belongs
 * @owner: object to be told of the outcome, or NULL
 * @fence: fence to be signalled, or NULL
 * @payload: data behind the request, or NULL
 * @answered: completed when @status is known; only used when @called
 * @want_type: response that means success
 * @want_bytes: its least size
 * @status: outcome; valid after completion
 * @called: somebody waits for @answered
 * @pooled: comes from the pool
 * @slotted: comes from the slots for a panic
 * @req: the request, and behind it the response
 */
struct vgpu_cmd {
	struct vgpu_msg msg;
	struct vgpu_cmdq *q;
	struct vgpu_cmd_owner *owner;
	struct vgpu_fence *fence;
	struct vgpu_payload *payload;
	struct completion answered;
	u32 want_type;
	u32 want_bytes;
	int status;
	bool called;
	bool pooled;
	bool slotted;
	u8 req[] __aligned(8);
};

static inline struct virtio_gpu_ctrl_hdr *vgpu_cmd_hdr(struct vgpu_cmd *cmd)
{
	return (struct virtio_gpu_ctrl_hdr *)cmd->req;
}

static inline u32 vgpu_cmd_type(struct vgpu_cmd *cmd)
{
	return le32_to_cpu(vgpu_cmd_hdr(cmd)->type);
}

struct vgpu_cmd *vgpu_cmd_alloc(struct vgpu_cmdq *q, size_t req_bytes);
struct vgpu_cmd *vgpu_cmd_new_sized(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    size_t resp_bytes, u32 want_type);
struct vgpu_cmd *vgpu_cmd_new_query(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    size_t resp_bytes, u32 want_type);
void vgpu_cmd_add_payload(struct vgpu_cmd *cmd, struct vgpu_payload *payload);
int vgpu_cmd_ask(struct vgpu_cmd *cmd, unsigned int timeout_ms);
int vgpu_cmd_call(struct vgpu_cmd *cmd);
struct vgpu_payload_limits vgpu_cmdq_limits(struct vgpu_cmdq *q);

/**
 * vgpu_cmd_new_inline() - begin a small command with data right behind its request
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @req_bytes: size of the request, zeroed; where it is constant, by a few stores
 * @data_bytes: size of the data, which the caller fills in: it is not zeroed; at most
 *              VGPU_CMD_INLINE_BYTES
 *
 * Context: process, or a panic.
 * Return: the command; does not fail.
 */
static inline struct vgpu_cmd *vgpu_cmd_new_inline(struct vgpu_cmdq *q, u32 type,
						   size_t req_bytes, size_t data_bytes)
{
	struct vgpu_cmd *cmd = vgpu_cmd_alloc(q, req_bytes + data_bytes);

	memset(cmd->req, 0, req_bytes);
	vgpu_cmd_hdr(cmd)->type = cpu_to_le32(type);
	return cmd;
}

/**
 * vgpu_cmd_new() - begin a command of fixed size whose response has no data
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @req_bytes: size of the request, zeroed
 *
 * Context: process, or a panic.
 * Return: the command; does not fail.
 */
static inline struct vgpu_cmd *vgpu_cmd_new(struct vgpu_cmdq *q, u32 type, size_t req_bytes)
{
	return vgpu_cmd_new_inline(q, type, req_bytes, 0);
}

#endif
