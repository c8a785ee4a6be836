/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Shared by the files that make up commands and their queues; no other file includes it. */
#ifndef VGPU_CMD_PRIV_H
#define VGPU_CMD_PRIV_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/spinlock.h>
#include <linux/virtio_gpu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence_id.h"
#include "protocol/vgpu_payload.h"
#include "transport/vgpu_vq.h"

/* Largest request of a small command: any request of fixed size fits. */
#define VGPU_CMD_SMALL_REQ_BYTES	112

/* Size of a large command: a stream of usual length fits. */
#define VGPU_CMD_LARGE_BYTES	2048

/* A command stream up to this size lies right behind its request. */
#define VGPU_CMD_INLINE_BYTES	1536

/* Commands a panic needs at a time. */
#define VGPU_CMD_PANIC_SLOTS	4

/**
 * struct vgpu_cmd_pool - Memory of commands up to a size
 * @cache: charged to the memory controller of the process that allocates
 * @reserve: a mempool on top of @cache, used when memory is short
 */
struct vgpu_cmd_pool {
	struct kmem_cache *cache;
	mempool_t *reserve;
};

/**
 * struct vgpu_cmdq - The device's two queues
 * @vdev: constant
 * @control: queue of everything but the cursor, constant
 * @cursor: queue of the cursor, constant
 * @small: for requests up to VGPU_CMD_SMALL_REQ_BYTES, constant
 * @large: for commands up to VGPU_CMD_LARGE_BYTES, constant
 * @reserve_lock: protects @reserve, @nr_reserved and @nr_promised
 * @reserve: memory of small commands for display updates
 * @nr_reserved: length of @reserve
 * @nr_promised: how many of them the updates that have begun may take
 * @spares: memory for large ones
 * @budgets: the budgets of all processes, constant
 * @lost: upcall, constant
 * @arg: argument of the upcalls, constant
 * @wq: runs work that may sleep, constant
 * @fence_wq: runs work that fences depend on, constant
 * @max_entries: limit set by the administrator or 0, constant
 * @deadline: when waits for questions of the driver give up, in jiffies; 0 for never
 * @use_dma: the device goes by DMA addresses; constant while started
 * @ping: the command that checks whether the host answers, constant
 * @ping_is_idle: @ping can be sent: the device no longer has it
 * @fence_ids: ids of fences on the wire
 * @fence_ids_anew: wait queue of clients that wait until global ids begin anew
 * @submitqs_lock: protects changes of @submitqs
 * @submitqs: the submission queues of all contexts; read under RCU
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
	struct vgpu_cmd_pool small;
	struct vgpu_cmd_pool large;
	spinlock_t reserve_lock;
	struct list_head reserve;
	int nr_reserved;
	int nr_promised;
	struct vgpu_payload_spares spares;
	struct vgpu_budgets *budgets;
	void (*lost)(void *arg, int error);
	void *arg;
	struct workqueue_struct *wq;
	struct workqueue_struct *fence_wq;
	unsigned int max_entries;
	unsigned long deadline;
	bool use_dma;
	struct vgpu_cmd *ping;
	bool ping_is_idle;
	struct vgpu_fence_ids fence_ids;
	wait_queue_head_t fence_ids_anew;
	spinlock_t submitqs_lock;
	struct list_head submitqs;
	void *panic_slots[VGPU_CMD_PANIC_SLOTS];
	unsigned int panic_next;
	int panic_cpu;
	spinlock_t refusal_lock;
	u64 nr_refusals;
	struct vgpu_cmdq_refusal refusals[VGPU_CMDQ_REFUSALS];
};

/**
 * struct vgpu_cmd - A command
 * @msg: what the transport sees of it
 * @q: where it belongs
 * @owner: object to be told of the outcome, or NULL
 * @budget: budget charged for the command until it is answered; or NULL
 * @fence: fence to be signalled, or NULL
 * @finish: completes @fence, NULL if nothing is to be done before
 * @payload: data behind the request, or NULL
 * @answered: completed when @status is known; only used when @called
 * @want_type: response that means success
 * @want_bytes: its least size
 * @status: outcome; valid after completion
 * @pool: pool of the command's memory, or NULL
 * @is_work: @budget counts the command as a submission or a transfer
 * @has_global_id: the id of the fence is a global one, not one of a ring
 * @called: a caller waits for @answered
 * @slotted: the memory is a slot for a panic
 * @req: the request, and behind it the response
 */
struct vgpu_cmd {
	struct vgpu_msg msg;
	struct vgpu_cmdq *q;
	struct vgpu_cmd_owner *owner;
	struct vgpu_budget *budget;
	struct vgpu_fence *fence;
	struct vgpu_cmd_finish *finish;
	struct vgpu_payload *payload;
	struct completion answered;
	u32 want_type;
	u32 want_bytes;
	int status;
	struct vgpu_cmd_pool *pool;
	bool is_work;
	bool has_global_id;
	bool called;
	bool slotted;
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

static inline u32 vgpu_cmd_type(struct vgpu_cmd *cmd)
{
	return le32_to_cpu(vgpu_cmd_hdr(cmd)->type);
}

struct vgpu_cmd *vgpu_cmd_alloc(struct vgpu_cmdq *q, size_t req_bytes, bool is_update);
struct vgpu_cmd *vgpu_cmd_new_kept(struct vgpu_cmdq *q, u32 type, size_t req_bytes, gfp_t gfp);
struct vgpu_cmd *vgpu_cmd_new_sized(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    size_t resp_bytes, u32 want_type);
struct vgpu_cmd *vgpu_cmd_new_query(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    size_t resp_bytes, u32 want_type);
struct vgpu_cmd *vgpu_cmd_new_display_info(struct vgpu_cmdq *q);
void vgpu_cmd_add_payload(struct vgpu_cmd *cmd, struct vgpu_payload *payload);
int vgpu_cmd_ask(struct vgpu_cmd *cmd, unsigned int timeout_ms);
int vgpu_cmd_call(struct vgpu_cmd *cmd);
struct vgpu_payload_limits vgpu_cmdq_limits(struct vgpu_cmdq *q);

/**
 * vgpu_cmd_new_inline() - Begin a small command with data right behind its request
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
	struct vgpu_cmd *cmd = vgpu_cmd_alloc(q, req_bytes + data_bytes, false);

	memset(cmd->req, 0, req_bytes);
	vgpu_cmd_hdr(cmd)->type = cpu_to_le32(type);
	return cmd;
}

/**
 * vgpu_cmd_new() - Begin a command of fixed size whose response has no data
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

/**
 * vgpu_cmd_new_update() - Begin a command of a display update
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @req_bytes: size of the request, zeroed
 *
 * Context: process, between vgpu_cmdq_begin_update() and vgpu_cmdq_end_update(), or a panic; does
 * not sleep.
 * Return: the command; does not fail.
 */
static inline struct vgpu_cmd *vgpu_cmd_new_update(struct vgpu_cmdq *q, u32 type,
						   size_t req_bytes)
{
	struct vgpu_cmd *cmd = vgpu_cmd_alloc(q, req_bytes, true);

	memset(cmd->req, 0, req_bytes);
	vgpu_cmd_hdr(cmd)->type = cpu_to_le32(type);
	return cmd;
}

#endif
