// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the life of a command
 *
 * Memory for it, its way to the queue, what its answer means and who hears of it.
 *
 * Small commands come from a pool and their allocation does not fail, so teardown
 * and the commit of a display update always find one. Commands with data of the
 * user's size may fail with -ENOMEM or -E2BIG.
 *
 * Every response passes through vgpu_wire.c before anything of it is believed.
 */

#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/virtio.h>

#include "debug/vgpu_trace.h"
#include "protocol/vgpu_cmd_priv.h"
#include "protocol/vgpu_fence.h"

/* The response has a cache line of its own where DMA is not coherent. */
#ifdef ARCH_DMA_MINALIGN
#define VGPU_CMD_RESP_ALIGN	ARCH_DMA_MINALIGN
#else
#define VGPU_CMD_RESP_ALIGN	8
#endif

#define VGPU_CMD_BYTES(req_bytes, resp_bytes) \
	(ALIGN(sizeof(struct vgpu_cmd) + (req_bytes), VGPU_CMD_RESP_ALIGN) + \
	 ALIGN((resp_bytes), VGPU_CMD_RESP_ALIGN))

static_assert(VGPU_CMD_BYTES(sizeof(struct virtio_gpu_cmd_submit) + VGPU_CMD_INLINE_BYTES,
			     sizeof(struct virtio_gpu_ctrl_hdr)) <= VGPU_CMD_POOL_BYTES);

static struct vgpu_vq *vgpu_cmd_vq(struct vgpu_cmd *cmd)
{
	return vgpu_cmd_type(cmd) >= VIRTIO_GPU_CMD_UPDATE_CURSOR ? cmd->q->cursor :
								    cmd->q->control;
}

static void vgpu_cmd_note_refusal(struct vgpu_cmd *cmd, int error)
{
	struct vgpu_cmdq *q = cmd->q;
	struct vgpu_cmdq_refusal *refusal;
	unsigned long flags;

	spin_lock_irqsave(&q->refusal_lock, flags);
	refusal = &q->refusals[q->nr_refusals++ % VGPU_CMDQ_REFUSALS];
	refusal->at_ns = ktime_get_ns();
	refusal->type = vgpu_cmd_type(cmd);
	refusal->ctx_id = le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id);
	refusal->error = error;
	spin_unlock_irqrestore(&q->refusal_lock, flags);
}

/**
 * vgpu_cmd_size() - how much memory a command keeps
 * @cmd: the command, complete
 *
 * Return: bytes of the request and what follows it.
 */
size_t vgpu_cmd_size(const struct vgpu_cmd *cmd)
{
	return cmd->msg.req_bytes + (cmd->payload ? cmd->payload->size_bytes : 0);
}

static void vgpu_cmd_set_owner(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	if (!owner)
		return;
	owner->ops->get(owner, vgpu_cmd_size(cmd));
	cmd->owner = owner;
}

static int vgpu_cmd_judge(struct vgpu_cmd *cmd)
{
	struct vgpu_msg *msg = &cmd->msg;
	int ret;

	if (msg->error || !msg->resp_bytes)
		return msg->error;
	ret = vgpu_wire_check(msg->resp, msg->used_bytes, cmd->want_type, cmd->want_bytes);
	if (!ret && cmd->fence)
		ret = vgpu_wire_check_fence(msg->req, msg->resp);
	if (ret) {
		vgpu_cmd_note_refusal(cmd, ret);
		dev_err_ratelimited(&cmd->q->vdev->dev, "device refused %s of context %u: %pe\n",
				    vgpu_wire_type_name(vgpu_cmd_type(cmd)),
				    le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id), ERR_PTR(ret));
	}
	return ret;
}

/* Fenced commands all go to the control queue, under whose lock this is. */
static void vgpu_cmd_stamp(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);
	struct virtio_gpu_ctrl_hdr *hdr = vgpu_cmd_hdr(cmd);

	if (cmd->fence) {
		/* Hosts take the signal of an id for that of all smaller ones. */
		hdr->fence_id = cpu_to_le64(++cmd->q->last_fence_id);
		hdr->flags |= cpu_to_le32(VIRTIO_GPU_FLAG_FENCE);
	}
	trace_virtio_gpu_cmd_queue(cmd->q->vdev, hdr, 0);
}

static void vgpu_cmd_complete(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);

	cmd->status = vgpu_cmd_judge(cmd);
	trace_virtio_gpu_cmd_response(cmd->q->vdev, vgpu_cmd_hdr(cmd), cmd->status);
	if (cmd->owner)
		cmd->owner->ops->outcome(cmd->owner, vgpu_cmd_type(cmd), cmd->status);
	if (cmd->fence)
		vgpu_fence_complete(cmd->fence, cmd->status);
	if (cmd->called)
		complete(&cmd->answered);
}

static void vgpu_cmd_release(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);

	if (cmd->owner)
		cmd->owner->ops->put(cmd->owner, vgpu_cmd_size(cmd), cmd->status);
	vgpu_payload_destroy(cmd->payload);
	vgpu_fence_put(cmd->fence);
	if (cmd->slotted)
		return;
	if (cmd->pooled)
		mempool_free(cmd, cmd->q->pool);
	else
		kfree(cmd);
}

/* All of @cmd but what it sends and what comes back. */
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
	};
	vgpu_msg_init(&cmd->msg);
}

/**
 * vgpu_cmd_alloc() - get a small command
 * @q: the queues
 * @req_bytes: size of the request and what follows it, for the caller to write all of it
 *
 * Context: process, or a panic.
 * Return: the command; does not fail.
 */
struct vgpu_cmd *vgpu_cmd_alloc(struct vgpu_cmdq *q, size_t req_bytes)
{
	bool panicking = READ_ONCE(q->panic_cpu) == raw_smp_processor_id();
	struct virtio_gpu_ctrl_hdr *resp;
	struct vgpu_cmd *cmd;

	if (unlikely(panicking))
		cmd = q->panic_slots[q->panic_next++ % VGPU_CMD_PANIC_SLOTS];
	else
		/*
		 * The pool is for when memory is short. NOIO: a display commit must not wait
		 * for reclaim, which waits for fences.
		 */
		cmd = kmem_cache_alloc(q->cache, GFP_NOWAIT) ?:
		      mempool_alloc(q->pool, GFP_NOIO);
	vgpu_cmd_init(cmd, q, req_bytes, sizeof(*resp), VIRTIO_GPU_RESP_OK_NODATA);
	resp = cmd->msg.resp;
	*resp = (struct virtio_gpu_ctrl_hdr){};
	cmd->slotted = panicking;
	cmd->pooled = !panicking;
	return cmd;
}

/**
 * vgpu_cmd_new_sized() - begin a command with room for a larger response
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @req_bytes: size of the request, zeroed
 * @resp_bytes: size of the response, zeroed
 * @want_type: VIRTIO_GPU_RESP_OK_* that means success
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_new_sized(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    size_t resp_bytes, u32 want_type)
{
	struct vgpu_cmd *cmd;

	cmd = kzalloc(VGPU_CMD_BYTES(req_bytes, resp_bytes), GFP_KERNEL_ACCOUNT);
	if (!cmd)
		return ERR_PTR(-ENOMEM);
	vgpu_cmd_init(cmd, q, req_bytes, resp_bytes, want_type);
	vgpu_cmd_hdr(cmd)->type = cpu_to_le32(type);
	return cmd;
}

/**
 * vgpu_cmd_new_query() - begin a command whose response is good only when complete
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @req_bytes: size of the request, zeroed
 * @resp_bytes: size of the response, zeroed
 * @want_type: VIRTIO_GPU_RESP_OK_* that means success
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_new_query(struct vgpu_cmdq *q, u32 type, size_t req_bytes,
				    size_t resp_bytes, u32 want_type)
{
	struct vgpu_cmd *cmd = vgpu_cmd_new_sized(q, type, req_bytes, resp_bytes, want_type);

	if (!IS_ERR(cmd))
		cmd->want_bytes = resp_bytes;
	return cmd;
}

/**
 * vgpu_cmd_add_payload() - put data behind a request
 * @cmd: the command, not sent yet
 * @payload: the data; taken over
 */
void vgpu_cmd_add_payload(struct vgpu_cmd *cmd, struct vgpu_payload *payload)
{
	cmd->payload = payload;
	cmd->msg.data = payload->sgl;
	cmd->msg.ndata = payload->nents;
}

/**
 * vgpu_cmd_put() - drop a command, sent or not
 * @cmd: the command, or an error pointer
 *
 * Context: any.
 */
void vgpu_cmd_put(struct vgpu_cmd *cmd)
{
	if (!IS_ERR(cmd))
		vgpu_msg_put(&cmd->msg);
}

static void vgpu_cmd_commit(struct vgpu_cmd *cmd)
{
	struct vgpu_vq *vq = vgpu_cmd_vq(cmd);

	if (cmd->fence)
		vgpu_fence_bind(cmd->fence, vq, &cmd->msg);
	vgpu_vq_commit(vq, &cmd->msg);
}

/**
 * vgpu_cmd_post() - send a command and go on
 * @cmd: the command, or an error pointer; its reference is taken over
 * @owner: object to be told of the outcome, or NULL
 *
 * The device is told at the next vgpu_cmdq_kick().
 *
 * Context: any.
 * Return: 0, or the error of @cmd.
 */
int vgpu_cmd_post(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	return vgpu_cmd_post_fenced(cmd, owner, NULL);
}

/**
 * vgpu_cmd_post_fenced() - send a command whose execution signals a fence
 * @cmd: the command, or an error pointer; its reference is taken over
 * @owner: object to be told of the outcome, or NULL
 * @fence: the fence, or NULL; the command takes a reference of its own
 *
 * Context: any.
 * Return: 0, or the error of @cmd; the fence is completed in either case.
 */
int vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			 struct vgpu_fence *fence)
{
	if (IS_ERR(cmd)) {
		if (fence)
			vgpu_fence_complete(fence, PTR_ERR(cmd));
		return PTR_ERR(cmd);
	}
	vgpu_cmd_set_owner(cmd, owner);
	if (fence) {
		dma_fence_get(&fence->base);
		cmd->fence = fence;
	}
	vgpu_cmd_commit(cmd);
	vgpu_cmd_put(cmd);
	return 0;
}

/**
 * vgpu_cmd_send() - send a command whose answer stays with it
 * @cmd: the command; its reference stays with the caller
 * @owner: object to be told of the outcome, or NULL
 *
 * Context: process.
 */
void vgpu_cmd_send(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	struct vgpu_vq *vq = vgpu_cmd_vq(cmd);

	vgpu_cmd_set_owner(cmd, owner);
	init_completion(&cmd->answered);
	cmd->called = true;
	vgpu_vq_want(vq, &cmd->msg);
	vgpu_cmd_commit(cmd);
	vgpu_vq_kick(vq);
}

/**
 * vgpu_cmd_await() - wait for the answer for the sake of a user
 * @cmd: a command that was sent; the caller has a reference
 *
 * When a signal ends the wait the answer can still be waited for, again or by
 * somebody else, one at a time.
 *
 * Context: process, sleeps interruptibly until the device answers or is lost, or the
 * command expires.
 * Return: 0; -ERESTARTSYS when interrupted; -ETIMEDOUT when it expired; an errno of
 * vgpu_wire_check(); or why the queue failed.
 */
int vgpu_cmd_await(struct vgpu_cmd *cmd)
{
	return wait_for_completion_interruptible(&cmd->answered) ?: cmd->status;
}

/**
 * vgpu_cmd_ask() - send a command and wait a while for the answer, which stays with it
 * @cmd: the command; its reference stays with the caller
 * @timeout_ms: how long to wait, in milliseconds
 *
 * A wait that ends early leaves the command to the queue.
 *
 * Context: process, sleeps at most @timeout_ms, killable.
 * Return: 0; -EINTR when killed; -ETIMEDOUT; an errno of vgpu_wire_check(); or why the
 * queue failed.
 */
int vgpu_cmd_ask(struct vgpu_cmd *cmd, unsigned int timeout_ms)
{
	long left;

	vgpu_cmd_send(cmd, NULL);
	left = wait_for_completion_killable_timeout(&cmd->answered,
						    msecs_to_jiffies(timeout_ms));
	if (left < 0)
		return -EINTR;
	return left ? cmd->status : -ETIMEDOUT;
}

/**
 * vgpu_cmd_call() - ask the device a question of our own, and wait for the answer
 * @cmd: the command; its reference stays with the caller, and the answer with it
 *
 * However many commands are before it: the device is judged by what it gets done.
 *
 * Context: process, sleeps killably until the device answers or is lost, or the command
 * expires.
 * Return: 0; -EINTR when killed; -ETIMEDOUT when it expired; an errno of
 * vgpu_wire_check(); or why the queue failed.
 */
int vgpu_cmd_call(struct vgpu_cmd *cmd)
{
	vgpu_cmd_send(cmd, NULL);
	return wait_for_completion_killable(&cmd->answered) ? -EINTR : cmd->status;
}
