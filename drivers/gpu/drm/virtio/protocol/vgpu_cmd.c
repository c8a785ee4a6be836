// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the life of a command
 *
 * A command is allocated, sent to its queue, answered, and then completed: the answer is checked,
 * the owner is told of the outcome, and the fence is signalled.
 *
 * A command can be sent in three ways. vgpu_cmd_post() tells the owner of the outcome later;
 * vgpu_cmd_post_fenced() signals a fence as well. After vgpu_cmd_send() the caller waits for the
 * answer, and may wait again if a signal ends the wait. vgpu_cmd_call() sends a question of the
 * driver and waits at once.
 *
 * vgpu_wire.c checks every response before its content is used.
 *
 * Models in tests/models/: litmus/cmd-status.litmus, litmus/fence-ids-wake.litmus, spin/vq.pml.
 */

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/virtio.h>
#include <linux/wait.h>

#include "debug/vgpu_trace.h"
#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_cmd_priv.h"
#include "protocol/vgpu_fence.h"

static_assert(VGPU_CMD_BYTES(sizeof(struct virtio_gpu_cmd_submit) + VGPU_CMD_INLINE_BYTES,
			     sizeof(struct virtio_gpu_ctrl_hdr)) <= VGPU_CMD_LARGE_BYTES);

static struct vgpu_vq *vgpu_cmd_vq(struct vgpu_cmd *cmd)
{
	return vgpu_cmd_type(cmd) >= VIRTIO_GPU_CMD_UPDATE_CURSOR ? cmd->q->cursor :
								    cmd->q->control;
}

static void vgpu_cmd_note_refusal(struct vgpu_cmd *cmd, int error)
{
	struct vgpu_cmdq *q = cmd->q;
	struct vgpu_cmdq_refusal *refusal;

	guard(spinlock_irqsave)(&q->refusal_lock);
	refusal = &q->refusals[q->nr_refusals++ % VGPU_CMDQ_REFUSALS];
	refusal->at_ns = ktime_get_ns();
	refusal->type = vgpu_cmd_type(cmd);
	refusal->ctx_id = le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id);
	refusal->error = error;
}

/* Get the size of the request and the data behind it, in bytes. */
static size_t vgpu_cmd_size(const struct vgpu_cmd *cmd)
{
	return cmd->msg.req_bytes + (cmd->payload ? cmd->payload->size_bytes : 0);
}

static void vgpu_cmd_uncharge(struct vgpu_cmd *cmd)
{
	if (!cmd->budget)
		return;
	if (cmd->msg.nr_held)
		vgpu_budget_end_work(cmd->budget);
	vgpu_budget_release(cmd->budget, 1, vgpu_cmd_size(cmd));
	cmd->budget = NULL;
}

/* Count submissions and transfers, which the host may hold; it never holds other commands. */
static void vgpu_cmd_count_work(struct vgpu_cmd *cmd)
{
	if (cmd->budget && !cmd->fence->is_upkeep)
		cmd->msg.nr_held = vgpu_budget_begin_work(cmd->budget);
}

/* Get the outcome of a command that has come back: 0 or a negative errno. */
static int vgpu_cmd_judge(struct vgpu_cmd *cmd)
{
	struct vgpu_msg *msg = &cmd->msg;
	int ret;

	if (msg->error || !msg->resp_bytes)
		return msg->error;

	ret = vgpu_wire_check(msg->resp, msg->used_bytes, cmd->want_type, cmd->want_bytes);
	if (!ret && cmd->fence)
		ret = vgpu_wire_check_fence(msg->req, msg->resp);
	if (!ret)
		return 0;

	vgpu_cmd_note_refusal(cmd, ret);

	/* A client can cause any refusal, but only a faulty host sends a malformed answer. */
	if (ret == -EPROTO)
		dev_err_ratelimited(&cmd->q->vdev->dev, "malformed response to %s of context %u\n",
				    vgpu_wire_type_name(vgpu_cmd_type(cmd)),
				    le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id));
	else
		dev_dbg_ratelimited(&cmd->q->vdev->dev, "host refused %s of context %u: %pe\n",
				    vgpu_wire_type_name(vgpu_cmd_type(cmd)),
				    le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id), ERR_PTR(ret));
	return ret;
}

/*
 * Give the fence of a command its id, under the lock of the queue. All fenced commands go to the
 * control queue, so the lock of that queue protects the ids.
 */
static void vgpu_cmd_stamp(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);
	struct virtio_gpu_ctrl_hdr *hdr = vgpu_cmd_hdr(cmd);

	if (cmd->fence) {
		cmd->has_global_id = !(hdr->flags & cpu_to_le32(VIRTIO_GPU_FLAG_INFO_RING_IDX));
		hdr->fence_id = cpu_to_le64(vgpu_fence_ids_next(&cmd->q->fence_ids,
								cmd->has_global_id));
		hdr->flags |= cpu_to_le32(VIRTIO_GPU_FLAG_FENCE);
	}
	trace_virtio_gpu_cmd_queue(cmd->q->vdev, hdr, 0);
}

/**
 * vgpu_cmd_set_busy() - Have a command that is posted without a fence count as busy time
 * @cmd: the command
 * @tl: the timeline that counts it; the owner of the command keeps it
 *
 * Context: any.
 */
void vgpu_cmd_set_busy(struct vgpu_cmd *cmd, struct vgpu_timeline *tl)
{
	cmd->busy = tl;
}

/**
 * vgpu_cmd_set_finish() - Set an object that completes the fence in place of the command
 * @cmd: the command, to be posted with a fence
 * @finish: completes the fence; owned by the command until the answer
 *
 * Context: any.
 */
void vgpu_cmd_set_finish(struct vgpu_cmd *cmd, struct vgpu_cmd_finish *finish)
{
	cmd->finish = finish;
}

static void vgpu_cmd_complete_fence(struct vgpu_cmd *cmd)
{
	struct vgpu_cmd_finish *finish = cmd->finish;

	cmd->finish = NULL;
	if (finish)
		finish->ops->answered(finish, cmd->fence, cmd->status);
	else
		vgpu_fence_complete(cmd->fence, cmd->status);
}

static void vgpu_cmd_complete(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);

	/* Pairs with the acquire in vgpu_cmd_read_capset_info(). */
	smp_store_release(&cmd->status, vgpu_cmd_judge(cmd));
	trace_virtio_gpu_cmd_response(cmd->q->vdev, vgpu_cmd_hdr(cmd), cmd->status);
	if (cmd->owner && cmd->owner->ops->outcome)
		cmd->owner->ops->outcome(cmd->owner, vgpu_cmd_type(cmd), cmd->status);

	/* In any case vgpu_budgets_wake() follows, which also wakes clients that wait for an id. */
	if (cmd->has_global_id)
		vgpu_fence_ids_put(&cmd->q->fence_ids);
	if (cmd->fence)
		vgpu_cmd_complete_fence(cmd);
	else if (cmd->busy)
		vgpu_timeline_end_work(cmd->busy);

	if (cmd->budget)
		vgpu_cmd_uncharge(cmd);
	else
		/* No budget was released, but the ring may have room again. */
		vgpu_budgets_wake(cmd->q);
	if (cmd->called) {
		vgpu_vq_unlisten(vgpu_cmd_vq(cmd));
		complete_all(&cmd->answered);
	}
}

static void vgpu_cmd_release(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);

	vgpu_cmd_uncharge(cmd);
	if (cmd->owner)
		vgpu_cmd_owner_put(cmd->owner);
	if (cmd->finish)
		cmd->finish->ops->drop(cmd->finish);
	if (cmd->payload)
		vgpu_payload_destroy(cmd->payload);
	vgpu_fence_put(cmd->fence);
	kfree(cmd);
}

/* Set all fields. The caller writes the contents of the request and of the response. */
static void vgpu_cmd_init(struct vgpu_cmd *cmd, struct vgpu_cmdq *q, size_t req_bytes,
			  size_t resp_bytes, u32 want_type)
{
	*cmd = (struct vgpu_cmd){
		.msg.complete = vgpu_cmd_complete,
		.msg.release = vgpu_cmd_release,
		.msg.stamp = vgpu_cmd_stamp,
		.msg.req = cmd->req,
		.msg.req_bytes = req_bytes,
		.msg.resp = (void *)cmd + ALIGN(sizeof(*cmd) + req_bytes, VGPU_CMD_RESP_ALIGN),
		.msg.resp_bytes = resp_bytes,
		.q = q,
		.want_type = want_type,
		.want_bytes = sizeof(struct virtio_gpu_ctrl_hdr),
		.status = -EINPROGRESS,
	};
	vgpu_msg_init(&cmd->msg);
}

/* Begin a command whose response is only a header. The caller writes the request. */
static void vgpu_cmd_init_small(struct vgpu_cmd *cmd, struct vgpu_cmdq *q, size_t req_bytes)
{
	struct virtio_gpu_ctrl_hdr *resp;

	vgpu_cmd_init(cmd, q, req_bytes, sizeof(*resp), VIRTIO_GPU_RESP_OK_NODATA);
	resp = cmd->msg.resp;
	*resp = (struct virtio_gpu_ctrl_hdr){};
}

/* A slot is not freed. Commands of a panic have no owner, no fence and no payload. */
static void vgpu_cmd_release_slot(struct vgpu_msg *msg)
{
	atomic_dec(&container_of(msg, struct vgpu_cmd, msg)->q->memory.slots_taken);
}

static struct vgpu_cmd *vgpu_cmd_alloc_slot(struct vgpu_cmdq *q, size_t req_bytes)
{
	unsigned int slot = q->memory.next_slot++ % VGPU_CMD_MEMORY_SLOTS;
	struct vgpu_cmd *cmd = q->memory.slots + slot * VGPU_CMD_LARGE_BYTES;

	atomic_inc(&q->memory.slots_taken);
	vgpu_cmd_init_small(cmd, q, req_bytes);
	cmd->msg.release = vgpu_cmd_release_slot;
	return cmd;
}

/**
 * vgpu_cmd_alloc() - Allocate a command with the smallest response
 * @q: the queues
 * @req_bytes: size of the request and the data behind it, all of which the caller writes
 * @is_update: the command belongs to a display update, see vgpu_cmdq_begin_update()
 *
 * Context: process, or a panic; may wait for memory unless @is_update.
 * Return: the command; does not fail.
 */
struct vgpu_cmd *vgpu_cmd_alloc(struct vgpu_cmdq *q, size_t req_bytes, bool is_update)
{
	struct kmem_cache *cache = q->memory.large;
	struct vgpu_cmd *cmd;

	/* The processor that panics takes slots, since it must not allocate. */
	if (unlikely(READ_ONCE(q->memory.panic_cpu) == raw_smp_processor_id()))
		return vgpu_cmd_alloc_slot(q, req_bytes);

	if (req_bytes <= VGPU_CMD_SMALL_REQ_BYTES)
		cache = q->memory.small;
	cmd = kmem_cache_alloc(cache, GFP_NOWAIT);
	if (unlikely(!cmd))
		cmd = vgpu_cmd_memory_alloc_reserved(&q->memory, cache, is_update);
	vgpu_cmd_init_small(cmd, q, req_bytes);
	return cmd;
}

/**
 * vgpu_cmd_alloc_kept() - Allocate a small command that is posted later
 * @q: the queues
 * @req_bytes: size of the request, which the caller writes; at most VGPU_CMD_SMALL_REQ_BYTES
 * @gfp: how to allocate
 *
 * Hours may pass before the command is posted, so it must not take memory that no process is
 * charged for.
 *
 * Context: as @gfp says.
 * Return: the command, or NULL.
 */
struct vgpu_cmd *vgpu_cmd_alloc_kept(struct vgpu_cmdq *q, size_t req_bytes, gfp_t gfp)
{
	struct vgpu_cmd *cmd = kmem_cache_alloc(q->memory.small, gfp);

	if (cmd)
		vgpu_cmd_init_small(cmd, q, req_bytes);
	return cmd;
}

/**
 * vgpu_cmd_new_query() - Begin a command whose response has data
 * @q: the queues
 * @req: the request, copied
 * @req_bytes: size of the request
 * @resp_bytes: size of the response, zeroed; a shorter one is malformed
 * @want_type: VIRTIO_GPU_RESP_OK_* that means success
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_new_query(struct vgpu_cmdq *q, const void *req, size_t req_bytes,
				    size_t resp_bytes, u32 want_type)
{
	struct vgpu_cmd *cmd;

	cmd = kzalloc(VGPU_CMD_BYTES(req_bytes, resp_bytes), GFP_KERNEL_ACCOUNT);
	if (!cmd)
		return ERR_PTR(-ENOMEM);
	vgpu_cmd_init(cmd, q, req_bytes, resp_bytes, want_type);
	cmd->want_bytes = resp_bytes;
	memcpy(cmd->req, req, req_bytes);
	return cmd;
}

/**
 * vgpu_cmd_get() - Take a reference to a command that is about to be posted
 * @cmd: the command
 *
 * Context: any.
 * Return: @cmd.
 */
struct vgpu_cmd *vgpu_cmd_get(struct vgpu_cmd *cmd)
{
	kref_get(&cmd->msg.ref);
	return cmd;
}

/**
 * vgpu_cmd_is_answered() - Check whether the queue has dropped its reference to a posted command
 * @cmd: the command; the caller has a reference
 *
 * Context: any.
 * Return: false while the command waits in the FIFO, or the device may touch it.
 */
bool vgpu_cmd_is_answered(struct vgpu_cmd *cmd)
{
	return kref_read(&cmd->msg.ref) == 1;
}

/**
 * vgpu_cmd_take_back() - Take back a posted command that still waits for room in the ring
 * @cmd: the command, without a fence; the caller has a reference
 *
 * The command keeps its owner and can be posted again for it.
 *
 * Context: any.
 * Return: false if the device may have seen the command.
 */
bool vgpu_cmd_take_back(struct vgpu_cmd *cmd)
{
	if (!vgpu_vq_take_back(vgpu_cmd_vq(cmd), &cmd->msg))
		return false;
	vgpu_cmd_uncharge(cmd);
	return true;
}

/**
 * vgpu_cmd_put() - Drop a reference to a command
 * @cmd: the command, an error pointer, or NULL
 *
 * Context: any.
 */
void vgpu_cmd_put(struct vgpu_cmd *cmd)
{
	if (!IS_ERR_OR_NULL(cmd))
		vgpu_msg_put(&cmd->msg);
}

/**
 * vgpu_cmd_set_outcome() - Set the owner and the fence that get the outcome of a command
 * @cmd: the command, with its data; takes references of its own
 * @owner: object to be told of the outcome, or NULL
 * @fence: the fence, or NULL
 *
 * Posting a command calls this. If the command has to wait before, it is called when the wait
 * begins, since the calling process is charged for the command until the host has answered it.
 *
 * Context: any.
 */
void vgpu_cmd_set_outcome(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			  struct vgpu_fence *fence)
{
	if (!cmd->budget)
		cmd->budget = vgpu_budget_charge(cmd->q, 1, vgpu_cmd_size(cmd));
	/* A command that was taken back still has its owner. */
	if (owner && !cmd->owner) {
		vgpu_cmd_owner_get(owner);
		cmd->owner = owner;
	}
	if (fence) {
		dma_fence_get(&fence->base);
		cmd->fence = fence;
	}
}

/**
 * vgpu_cmd_post_fenced() - Send a command whose execution signals a fence
 * @cmd: the command; its reference is taken over
 * @owner: object to be told of the outcome, or NULL
 * @fence: the fence, or NULL; the command takes a reference of its own. The fence is armed here,
 *         so the caller publishes it afterwards
 *
 * The device is notified at the next vgpu_cmdq_kick(). vgpu_cmd_post() is the same without a fence.
 *
 * Context: any.
 */
void vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			  struct vgpu_fence *fence)
{
	bool cookie = dma_fence_begin_signalling();
	struct vgpu_vq *vq = vgpu_cmd_vq(cmd);

	vgpu_cmd_set_outcome(cmd, owner, fence);
	if (cmd->fence) {
		vgpu_cmd_count_work(cmd);
		vgpu_fence_bind(cmd->fence, vq, &cmd->msg);
	} else if (cmd->busy) {
		vgpu_timeline_begin_work(cmd->busy);
	}
	vgpu_vq_commit(vq, &cmd->msg);
	dma_fence_end_signalling(cookie);

	vgpu_cmd_put(cmd);
}

/**
 * vgpu_cmd_cancel() - Complete a command that has waited and is not sent
 * @cmd: the command; its reference is taken over. If it has a fence, that is armed
 * @error: the outcome, negative errno
 *
 * The budget does not count the command as work that the host has answered.
 *
 * Context: any.
 */
void vgpu_cmd_cancel(struct vgpu_cmd *cmd, int error)
{
	cmd->busy = NULL;
	cmd->msg.error = error;
	vgpu_cmd_complete(&cmd->msg);
	vgpu_cmd_put(cmd);
}

/**
 * vgpu_cmd_send() - Send a command, for vgpu_cmd_await()
 * @cmd: the command; its reference stays with the caller
 * @owner: object to be told of the outcome, or NULL
 *
 * Context: process.
 */
void vgpu_cmd_send(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	struct vgpu_vq *vq = vgpu_cmd_vq(cmd);

	vgpu_cmd_set_outcome(cmd, owner, NULL);
	/* Listen until the answer comes, though the wait may end earlier. */
	init_completion(&cmd->answered);
	cmd->called = true;
	vgpu_vq_listen(vq);
	vgpu_vq_commit(vq, &cmd->msg);
	vgpu_vq_kick(vq);
}

/**
 * vgpu_cmd_await() - Wait, interruptibly, for the answer to a command that was sent
 * @cmd: a command that was sent; the caller has a reference
 * @timeout: how long to wait, in jiffies
 *
 * Any number of callers can wait for the answer, also again after a wait has ended early.
 *
 * Context: process, sleeps interruptibly at most @timeout, until the device answers or is lost.
 * Return: 0; -ERESTARTSYS when interrupted; -ETIMEDOUT; an errno of vgpu_wire_check(); or the errno
 * that the queue failed with.
 */
int vgpu_cmd_await(struct vgpu_cmd *cmd, unsigned long timeout)
{
	long left = wait_for_completion_interruptible_timeout(&cmd->answered, timeout);

	return left > 0 ? cmd->status : left ?: -ETIMEDOUT;
}

/**
 * vgpu_cmd_panic_run() - Send a command in a panic and wait for the answer
 * @cmd: the command; its reference is taken over
 *
 * Context: between vgpu_cmdq_panic_enter() and vgpu_cmdq_panic_exit(); does not sleep.
 * Return: 0; -ETIMEDOUT; -EIO.
 */
int vgpu_cmd_panic_run(struct vgpu_cmd *cmd)
{
	int ret = vgpu_vq_panic_run(cmd->q->control, &cmd->msg);

	vgpu_cmd_put(cmd);
	return ret;
}
