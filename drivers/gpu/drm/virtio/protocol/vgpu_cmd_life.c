// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the life of a command
 *
 * A command is allocated, sent to its queue, answered, and then completed: the answer is checked,
 * the owner told, and the fence signalled.
 *
 * Commands up to a size come from two pools, whose allocation does not fail. The pool of small
 * commands exists because a stalled host may keep many of them. Both pools are charged to the
 * memory controller of the process that allocates. Commands with data of the user's size may
 * fail with -ENOMEM or -E2BIG.
 *
 * Clients wait for fences of display updates, and reclaim may wait for such clients. So the
 * commands of an update must not wait for memory; it is reserved before the update begins.
 *
 * vgpu_wire.c checks every response before its content is used.
 */

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
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

/* How long one question waits at most while vgpu_cmdq_limit_questions() bounds all of them. */
#define VGPU_CMD_QUESTION_MS	5000u

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

/* Get the size of the request and the data behind it, in bytes. */
static size_t vgpu_cmd_size(const struct vgpu_cmd *cmd)
{
	return cmd->msg.req_bytes + (cmd->payload ? cmd->payload->size_bytes : 0);
}

/**
 * vgpu_cmd_charge() - Charge the calling process for a command until the host has answered it
 * @cmd: the command, with its data; only the first call charges, when the command is posted or
 *       begins to wait
 *
 * Context: any.
 */
void vgpu_cmd_charge(struct vgpu_cmd *cmd)
{
	if (!cmd->budget)
		cmd->budget = vgpu_budget_charge(cmd->q, 1, vgpu_cmd_size(cmd));
}

static void vgpu_cmd_uncharge(struct vgpu_cmd *cmd)
{
	if (!cmd->budget)
		return;
	if (cmd->is_work)
		vgpu_budget_end_work(cmd->budget);
	vgpu_budget_release(cmd->budget, 1, vgpu_cmd_size(cmd));
	cmd->budget = NULL;
}

/* Count submissions and transfers, which the host may hold; it never holds other commands. */
static void vgpu_cmd_count_work(struct vgpu_cmd *cmd)
{
	cmd->is_work = cmd->budget && !cmd->fence->is_upkeep;
	if (cmd->is_work)
		cmd->msg.nr_held = vgpu_budget_begin_work(cmd->budget);
}

static void vgpu_cmd_set_owner(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	if (!owner || owner == cmd->owner)
		return;
	owner->ops->get(owner);
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
	if (!ret)
		return 0;
	vgpu_cmd_note_refusal(cmd, ret);
	/* A client can cause any refusal, but only a faulty host sends a malformed answer. */
	if (ret == -EPROTO)
		dev_err_ratelimited(&cmd->q->vdev->dev, "bad answer to %s of context %u\n",
				    vgpu_wire_type_name(vgpu_cmd_type(cmd)),
				    le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id));
	else
		dev_dbg_ratelimited(&cmd->q->vdev->dev, "host refused %s of context %u: %pe\n",
				    vgpu_wire_type_name(vgpu_cmd_type(cmd)),
				    le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id), ERR_PTR(ret));
	return ret;
}

/* Fenced commands all go to the control queue, under whose lock this is. */
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

	cmd->status = vgpu_cmd_judge(cmd);
	trace_virtio_gpu_cmd_response(cmd->q->vdev, vgpu_cmd_hdr(cmd), cmd->status);
	if (cmd->owner)
		cmd->owner->ops->outcome(cmd->owner, vgpu_cmd_type(cmd), cmd->status);
	if (cmd->has_global_id && vgpu_fence_ids_put(&cmd->q->fence_ids) &&
	    wq_has_sleeper(&cmd->q->fence_ids_anew))
		wake_up_all(&cmd->q->fence_ids_anew);
	if (cmd->fence)
		vgpu_cmd_complete_fence(cmd);
	if (cmd->budget)
		vgpu_cmd_uncharge(cmd);
	else
		/* There may be room in the ring again. */
		vgpu_budgets_wake(cmd->q);
	if (cmd->called)
		complete(&cmd->answered);
}

static void vgpu_cmd_release(struct vgpu_msg *msg)
{
	struct vgpu_cmd *cmd = container_of(msg, struct vgpu_cmd, msg);

	vgpu_cmd_uncharge(cmd);
	if (cmd->owner)
		cmd->owner->ops->put(cmd->owner);
	if (cmd->finish)
		cmd->finish->ops->drop(cmd->finish);
	vgpu_payload_destroy(cmd->payload);
	vgpu_fence_put(cmd->fence);
	if (cmd->slotted)
		return;
	if (cmd->pool)
		mempool_free(cmd, cmd->pool->reserve);
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

/* All of a command with the smallest response but what it sends. */
static void vgpu_cmd_init_small(struct vgpu_cmd *cmd, struct vgpu_cmdq *q, size_t req_bytes)
{
	struct virtio_gpu_ctrl_hdr *resp;

	vgpu_cmd_init(cmd, q, req_bytes, sizeof(*resp), VIRTIO_GPU_RESP_OK_NODATA);
	resp = cmd->msg.resp;
	*resp = (struct virtio_gpu_ctrl_hdr){};
}

/* Take the memory of a command from the reserve of display updates; NULL if nothing is left. */
static void *vgpu_cmdq_take_reserved(struct vgpu_cmdq *q)
{
	struct list_head *memory;
	unsigned long flags;

	spin_lock_irqsave(&q->reserve_lock, flags);
	memory = q->reserve.next;
	if (WARN_ON_ONCE(list_empty(&q->reserve)))
		memory = NULL;
	else
		list_del(memory);
	q->nr_reserved -= !!memory;
	spin_unlock_irqrestore(&q->reserve_lock, flags);
	return memory;
}

static void vgpu_cmdq_add_reserved(struct vgpu_cmdq *q, struct list_head *memory)
{
	unsigned long flags;

	spin_lock_irqsave(&q->reserve_lock, flags);
	list_add(memory, &q->reserve);
	q->nr_reserved++;
	spin_unlock_irqrestore(&q->reserve_lock, flags);
}

/**
 * vgpu_cmdq_begin_update() - Reserve memory for the commands of a display update
 * @q: the queues
 * @gfp: GFP_KERNEL, with __GFP_NOFAIL in a worker
 *
 * From here to vgpu_cmdq_end_update() the caller may build VGPU_CMDQ_UPDATE_COMMANDS display
 * commands without waiting for memory.
 *
 * Context: process, may sleep.
 * Return: 0; or -ENOMEM, without __GFP_NOFAIL.
 */
int vgpu_cmdq_begin_update(struct vgpu_cmdq *q, gfp_t gfp)
{
	unsigned long flags;
	int missing;
	void *memory;

	spin_lock_irqsave(&q->reserve_lock, flags);
	q->nr_promised += VGPU_CMDQ_UPDATE_COMMANDS;
	missing = q->nr_promised - q->nr_reserved;
	spin_unlock_irqrestore(&q->reserve_lock, flags);
	for (; missing > 0; missing--) {
		memory = kmem_cache_alloc(q->small.cache, gfp);
		if (!memory) {
			vgpu_cmdq_end_update(q);
			return -ENOMEM;
		}
		vgpu_cmdq_add_reserved(q, memory);
	}
	return 0;
}

/**
 * vgpu_cmdq_end_update() - Undo vgpu_cmdq_begin_update()
 * @q: the queues
 *
 * The memory stays reserved for the next update.
 *
 * Context: any.
 */
void vgpu_cmdq_end_update(struct vgpu_cmdq *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->reserve_lock, flags);
	q->nr_promised -= VGPU_CMDQ_UPDATE_COMMANDS;
	spin_unlock_irqrestore(&q->reserve_lock, flags);
}

static void *vgpu_cmd_alloc_memory(struct vgpu_cmdq *q, struct vgpu_cmd_pool *pool,
				   bool is_update)
{
	void *memory = kmem_cache_alloc(pool->cache, GFP_NOWAIT);

	if (!memory && is_update)
		memory = vgpu_cmdq_take_reserved(q);
	/* NOIO: memory is waited for under reservations, which reclaim may wait for. */
	return memory ?: mempool_alloc(pool->reserve, GFP_NOIO);
}

/**
 * vgpu_cmd_alloc() - Allocate a small command
 * @q: the queues
 * @req_bytes: size of the request and what follows it, for the caller to write all of it
 * @is_update: the command belongs to a display update, see vgpu_cmdq_begin_update()
 *
 * Context: process, or a panic; may wait for memory unless @is_update.
 * Return: the command; does not fail.
 */
struct vgpu_cmd *vgpu_cmd_alloc(struct vgpu_cmdq *q, size_t req_bytes, bool is_update)
{
	bool panicking = READ_ONCE(q->panic_cpu) == raw_smp_processor_id();
	struct vgpu_cmd_pool *pool = &q->large;
	struct vgpu_cmd *cmd;

	if (req_bytes <= VGPU_CMD_SMALL_REQ_BYTES)
		pool = &q->small;
	if (unlikely(panicking))
		cmd = q->panic_slots[q->panic_next++ % VGPU_CMD_PANIC_SLOTS];
	else
		cmd = vgpu_cmd_alloc_memory(q, pool, is_update);
	vgpu_cmd_init_small(cmd, q, req_bytes);
	cmd->slotted = panicking;
	cmd->pool = panicking ? NULL : pool;
	return cmd;
}

/**
 * vgpu_cmd_new_kept() - Begin a small command that is kept before it is posted
 * @q: the queues
 * @type: VIRTIO_GPU_CMD_*
 * @req_bytes: size of the request, zeroed; at most VGPU_CMD_SMALL_REQ_BYTES
 * @gfp: how to allocate
 *
 * It may be kept for hours, so it does not come from the pool's reserve.
 *
 * Context: as @gfp says.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_new_kept(struct vgpu_cmdq *q, u32 type, size_t req_bytes, gfp_t gfp)
{
	struct vgpu_cmd *cmd = kmem_cache_alloc(q->small.cache, gfp);

	if (!cmd)
		return ERR_PTR(-ENOMEM);
	vgpu_cmd_init_small(cmd, q, req_bytes);
	cmd->pool = &q->small;
	memset(cmd->req, 0, req_bytes);
	vgpu_cmd_hdr(cmd)->type = cpu_to_le32(type);
	return cmd;
}

/**
 * vgpu_cmd_new_sized() - Begin a command with room for a larger response
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
 * vgpu_cmd_new_query() - Begin a command whose response must be complete
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
 * vgpu_cmd_new_display_info() - Begin GET_DISPLAY_INFO, which every host supports
 * @q: the queues
 *
 * Context: process, may sleep.
 * Return: the command, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmd *vgpu_cmd_new_display_info(struct vgpu_cmdq *q)
{
	return vgpu_cmd_new_query(q, VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
				  sizeof(struct virtio_gpu_ctrl_hdr),
				  sizeof(struct virtio_gpu_resp_display_info),
				  VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
}

/**
 * vgpu_cmd_add_payload() - Append data to a request
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
 * vgpu_cmd_get() - Take a reference to a command that is about to be posted
 * @cmd: the command
 *
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

/* Set the owner and the fence that get the outcome of a command; each may be NULL. */
static void vgpu_cmd_set_outcome(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
				 struct vgpu_fence *fence)
{
	vgpu_cmd_charge(cmd);
	vgpu_cmd_set_owner(cmd, owner);
	if (!fence)
		return;
	dma_fence_get(&fence->base);
	cmd->fence = fence;
	vgpu_cmd_count_work(cmd);
}

/**
 * vgpu_cmd_post() - Send a command without waiting
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
 * vgpu_cmd_post_fenced() - Send a command whose execution signals a fence
 * @cmd: the command, or an error pointer; its reference is taken over
 * @owner: object to be told of the outcome, or NULL
 * @fence: the fence, or NULL; the command takes a reference of its own. It is armed here, so it
 *         is published afterwards
 *
 * Context: any.
 * Return: 0, or the error of @cmd; the fence is completed in either case.
 */
int vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			 struct vgpu_fence *fence)
{
	bool cookie;

	if (IS_ERR(cmd)) {
		if (fence) {
			vgpu_fence_arm(fence);
			vgpu_fence_complete(fence, PTR_ERR(cmd));
		}
		return PTR_ERR(cmd);
	}
	cookie = dma_fence_begin_signalling();
	vgpu_cmd_set_outcome(cmd, owner, fence);
	vgpu_cmd_commit(cmd);
	dma_fence_end_signalling(cookie);
	vgpu_cmd_put(cmd);
	return 0;
}

/**
 * vgpu_cmd_cancel() - Complete a command that is not sent
 * @cmd: the command; its reference is taken over
 * @owner: object to be told of the outcome, or NULL
 * @fence: the command's fence, or NULL
 * @error: the outcome, negative errno
 *
 * Context: any.
 */
void vgpu_cmd_cancel(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
		     struct vgpu_fence *fence, int error)
{
	if (fence)
		vgpu_fence_arm(fence);
	vgpu_cmd_set_outcome(cmd, owner, fence);
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

	vgpu_cmd_charge(cmd);
	vgpu_cmd_set_owner(cmd, owner);
	init_completion(&cmd->answered);
	cmd->called = true;
	vgpu_vq_want(vq, &cmd->msg);
	vgpu_cmd_commit(cmd);
	vgpu_vq_kick(vq);
}

/**
 * vgpu_cmd_await() - Wait, interruptibly, for the answer to a command that was sent
 * @cmd: a command that was sent; the caller has a reference
 *
 * After a signal has ended the wait, this or another caller can wait for the answer again; one
 * caller at a time.
 *
 * Context: process, sleeps interruptibly until the device answers or is lost.
 * Return: 0; -ERESTARTSYS when interrupted; an errno of vgpu_wire_check(); or why the
 * queue failed.
 */
int vgpu_cmd_await(struct vgpu_cmd *cmd)
{
	return wait_for_completion_interruptible(&cmd->answered) ?: cmd->status;
}

/**
 * vgpu_cmd_ask() - Send a command and wait for the answer for a limited time
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
 * vgpu_cmd_call() - Send a question of the driver and wait for the answer
 * @cmd: the command; its reference stays with the caller, and the answer with it
 *
 * The wait is not limited, since many commands may precede the question. While
 * vgpu_cmdq_limit_questions() sets a bound, it lasts VGPU_CMD_QUESTION_MS at most.
 *
 * Context: process, sleeps killably until the device answers or is lost.
 * Return: 0; -EINTR when killed; -ETIMEDOUT; an errno of vgpu_wire_check(); or why the queue
 * failed.
 */
int vgpu_cmd_call(struct vgpu_cmd *cmd)
{
	unsigned long now = jiffies, deadline = cmd->q->deadline;
	unsigned int left_ms = 0;

	if (deadline) {
		if (time_before(now, deadline))
			left_ms = jiffies_to_msecs(deadline - now);
		return vgpu_cmd_ask(cmd, min(left_ms, VGPU_CMD_QUESTION_MS));
	}
	vgpu_cmd_send(cmd, NULL);
	return wait_for_completion_killable(&cmd->answered) ? -EINTR : cmd->status;
}
