// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the queues
 *
 * The device has two queues: the control queue, and the cursor queue, which may overtake the
 * control queue. They outlive their rings and accept commands at any time: without a ring, or on
 * a lost device, a command completes with an error.
 */

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_cmd_priv.h"
#include "protocol/vgpu_submitq.h"

/* How long a device that was reset may take to answer its first command. */
#define VGPU_CMDQ_PING_MS	5000

static void vgpu_cmdq_lost(void *owner, int error)
{
	struct vgpu_cmdq *q = owner;

	q->lost(q->arg, error);
}

/**
 * vgpu_cmdq_ping() - Check whether the device answers
 * @q: the queues
 *
 * Context: process, sleeps at most VGPU_CMDQ_PING_MS.
 * Return: 0 if the device answers, even with an error, or without memory for a ping; -ETIMEDOUT;
 * or the errno that the queue failed with meanwhile.
 */
int vgpu_cmdq_ping(struct vgpu_cmdq *q)
{
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_display_info(q);
	/* Without memory, assume that the device answers: the sweep sends pings later. */
	if (IS_ERR(cmd))
		return 0;

	ret = vgpu_cmd_ask(cmd, msecs_to_jiffies(VGPU_CMDQ_PING_MS));

	/* Even a bad answer shows that the device answers. */
	if (ret != -ETIMEDOUT)
		ret = cmd->msg.error == -EPROTO ? 0 : cmd->msg.error;
	vgpu_cmd_put(cmd);
	return ret;
}

/* Send the ping, unless the host still has the last one. */
static void vgpu_cmdq_ask(void *owner)
{
	struct vgpu_cmdq *q = owner;
	struct vgpu_msg *msg = &q->ping->msg;

	if (!cmpxchg(&q->ping_is_idle, true, false))
		return;
	vgpu_msg_init(msg);
	msg->ping = true;
	vgpu_vq_want(q->control, msg);
	vgpu_vq_commit(q->control, msg);
	vgpu_msg_put(msg);
	vgpu_vq_kick(q->control);
}

static void vgpu_cmdq_ping_release(struct vgpu_msg *msg)
{
	struct vgpu_cmd *ping = container_of(msg, struct vgpu_cmd, msg);

	/* Pairs with the cmpxchg() in vgpu_cmdq_ask(), which reuses the message. */
	smp_store_release(&ping->q->ping_is_idle, true);
}

/* The ping is GET_DISPLAY_INFO, which every host supports. */
static int vgpu_cmdq_create_ping(struct vgpu_cmdq *q)
{
	struct vgpu_cmd *ping = vgpu_cmd_new_display_info(q);

	if (IS_ERR(ping))
		return PTR_ERR(ping);
	ping->msg.release = vgpu_cmdq_ping_release;
	q->ping = ping;
	q->ping_is_idle = true;
	return 0;
}

static void vgpu_cmdq_silent(void *owner)
{
	struct vgpu_cmdq *q = owner;

	/* Report only a silent control queue: a silent cursor queue alone is harmless. */
	if (vgpu_vq_is_silent(q->control))
		dev_warn_ratelimited(&q->vdev->dev,
				     "host is silent: display no longer waits for rendering\n");
}

static const struct vgpu_vq_ops vgpu_cmdq_vq_ops = {
	.lost = vgpu_cmdq_lost,
	.ask = vgpu_cmdq_ask,
	.silent = vgpu_cmdq_silent,
};

/**
 * vgpu_cmdq_limit_questions() - Bound how long the driver waits for answers to its questions
 * @q: the queues
 * @limit_ms: bound for all questions together from now on, in milliseconds; 0 for no bound
 *
 * Context: process; not while a question waits.
 */
void vgpu_cmdq_limit_questions(struct vgpu_cmdq *q, unsigned int limit_ms)
{
	q->deadline = limit_ms ? (jiffies + msecs_to_jiffies(limit_ms)) ?: 1 : 0;
}

/* After an error the caller calls vgpu_cmdq_free(). */
static int vgpu_cmdq_init(struct vgpu_cmdq *q, const struct vgpu_cmdq_config *config)
{
	int ret;

	q->vdev = config->vdev;
	q->lost = config->lost;
	q->arg = config->arg;
	q->wq = config->wq;
	q->fence_wq = config->fence_wq;
	q->max_entries = config->max_entries;
	vgpu_fence_ids_init(&q->fence_ids, config->first_fence);
	init_waitqueue_head(&q->fence_ids_anew);
	spin_lock_init(&q->refusal_lock);
	spin_lock_init(&q->submitqs_lock);
	INIT_LIST_HEAD(&q->submitqs);
	q->budgets = vgpu_budgets_create();

	/* Initialise both even if the first fails, since vgpu_cmdq_free() undoes both. */
	ret = vgpu_payload_spares_init(&q->spares);
	ret = vgpu_cmd_memory_init(&q->memory) ?: ret;
	if (ret)
		return ret;
	return q->budgets ? vgpu_cmdq_create_ping(q) : -ENOMEM;
}

/* Free everything but the rings. */
static void vgpu_cmdq_free(struct vgpu_cmdq *q)
{
	kfree(q->ping);
	vgpu_cmd_memory_fini(&q->memory);
	vgpu_budgets_destroy(q->budgets);
	vgpu_payload_spares_fini(&q->spares);
	kfree(q);
}

/**
 * vgpu_cmdq_create() - Create the queues, without their rings
 * @config: their parameters
 *
 * Context: process, may sleep.
 * Return: the queues, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmdq *vgpu_cmdq_create(const struct vgpu_cmdq_config *config)
{
	struct vgpu_cmdq *q;

	q = kzalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return ERR_PTR(-ENOMEM);

	if (vgpu_cmdq_init(q, config))
		goto err_free;

	q->control = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, config->silence_limit_ms,
				    config->fence_wq);
	if (IS_ERR(q->control))
		goto err_free;

	/* No silence limit: the control queue decides whether the device is lost. */
	q->cursor = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, 0, config->fence_wq);
	if (IS_ERR(q->cursor))
		goto err_destroy_control;
	return q;

err_destroy_control:
	vgpu_vq_destroy(q->control);
err_free:
	vgpu_cmdq_free(q);
	return ERR_PTR(-ENOMEM);
}

/**
 * vgpu_cmdq_settle() - Complete and put all commands before vgpu_cmdq_destroy()
 * @q: the queues, stopped; or NULL
 *
 * After this call and before vgpu_cmdq_destroy(), the caller puts the objects that keep a budget or
 * commands.
 *
 * Context: process, may sleep.
 */
void vgpu_cmdq_settle(struct vgpu_cmdq *q)
{
	if (!q)
		return;
	vgpu_vq_settle(q->cursor);
	vgpu_vq_settle(q->control);
}

/**
 * vgpu_cmdq_destroy() - Free the queues
 * @q: the queues, of which no command is left; or NULL
 *
 * Context: process, may sleep.
 */
void vgpu_cmdq_destroy(struct vgpu_cmdq *q)
{
	if (!q)
		return;
	vgpu_vq_destroy(q->cursor);
	vgpu_vq_destroy(q->control);
	vgpu_cmdq_free(q);
}

/**
 * vgpu_cmdq_fail() - Complete all commands with an error and take no more
 * @q: the queues
 * @error: negative errno
 *
 * Submissions that wait for a dependency are completed with the error, too.
 *
 * Context: any.
 */
void vgpu_cmdq_fail(struct vgpu_cmdq *q, int error)
{
	vgpu_vq_fail(q->control, error);
	vgpu_vq_fail(q->cursor, error);
	vgpu_submitqs_advance(q);
}

/**
 * vgpu_cmdq_start() - Attach the queues to their rings
 * @q: the queues, not started
 * @control: ring of the control queue; valid until vgpu_cmdq_stop()
 * @cursor: ring of the cursor queue; valid until vgpu_cmdq_stop()
 *
 * Context: process.
 */
void vgpu_cmdq_start(struct vgpu_cmdq *q, struct virtqueue *control, struct virtqueue *cursor)
{
	q->use_dma = !virtio_has_dma_quirk(q->vdev);
	vgpu_vq_attach(q->control, control);
	vgpu_vq_attach(q->cursor, cursor);
}

/**
 * vgpu_cmdq_stop() - Detach the queues from their rings
 * @q: the queues, failed; the device is reset and raises no more interrupts
 *
 * Context: process, may sleep.
 */
void vgpu_cmdq_stop(struct vgpu_cmdq *q)
{
	vgpu_vq_detach(q->control);
	vgpu_vq_detach(q->cursor);
}

/**
 * vgpu_cmdq_panic_enter() - Take the control queue over in a panic
 * @q: the queues
 *
 * Until vgpu_cmdq_panic_exit() commands are built without allocating memory and
 * are given to vgpu_cmd_panic_run().
 *
 * Context: panic, or interrupts off.
 * Return: 0; -EBUSY if the queue is in use; or the errno that the queue failed with.
 */
int vgpu_cmdq_panic_enter(struct vgpu_cmdq *q)
{
	int ret = vgpu_vq_panic_enter(q->control);

	if (!ret)
		WRITE_ONCE(q->memory.panic_cpu, raw_smp_processor_id());
	return ret;
}

/**
 * vgpu_cmdq_panic_exit() - Undo vgpu_cmdq_panic_enter()
 * @q: the queues
 *
 * Context: panic, or interrupts off.
 */
void vgpu_cmdq_panic_exit(struct vgpu_cmdq *q)
{
	WRITE_ONCE(q->memory.panic_cpu, -1);
	vgpu_vq_panic_exit(q->control);
}

/**
 * vgpu_cmdq_await_fence_ids() - Wait until an id for a new global fence is available
 * @q: the queues
 *
 * The wait is needed once in 2^32 fences; see vgpu_fence_ids_are_short().
 *
 * Context: process, sleeps interruptibly until the host has signalled all global fences, or the
 * device is lost.
 * Return: 0; -ERESTARTSYS when interrupted.
 */
int vgpu_cmdq_await_fence_ids(struct vgpu_cmdq *q)
{
	int ret;

	if (!vgpu_fence_ids_are_short(&q->fence_ids))
		return 0;
	vgpu_cmdq_listen(q);
	ret = wait_event_interruptible(q->fence_ids_anew,
				       !vgpu_fence_ids_are_short(&q->fence_ids));
	vgpu_cmdq_unlisten(q);
	return ret;
}

/**
 * vgpu_cmdq_read_refusals() - Copy the records of the latest commands that the device refused
 * @q: the queues
 * @refusals: room for VGPU_CMDQ_REFUSALS records; record number N, counted from 0, is at index N
 *            modulo VGPU_CMDQ_REFUSALS
 *
 * Context: any.
 * Return: the number of refusals since vgpu_cmdq_create().
 */
u64 vgpu_cmdq_read_refusals(struct vgpu_cmdq *q, struct vgpu_cmdq_refusal *refusals)
{
	unsigned long flags;
	u64 count;

	spin_lock_irqsave(&q->refusal_lock, flags);
	memcpy(refusals, q->refusals, sizeof(q->refusals));
	count = q->nr_refusals;
	spin_unlock_irqrestore(&q->refusal_lock, flags);
	return count;
}

/**
 * vgpu_cmdq_read_stats() - Take a snapshot of the queues' counters
 * @q: the queues
 * @control: filled in
 * @cursor: filled in
 *
 * Context: any.
 */
void vgpu_cmdq_read_stats(struct vgpu_cmdq *q, struct vgpu_vq_stats *control,
			  struct vgpu_vq_stats *cursor)
{
	vgpu_vq_read_stats(q->control, control);
	vgpu_vq_read_stats(q->cursor, cursor);
}
