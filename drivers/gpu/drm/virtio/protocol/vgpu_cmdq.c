// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the queues
 *
 * The device has two queues: the control queue, and the cursor queue, which may overtake the
 * control queue. They outlive their rings and accept commands at any time: without a ring, or on
 * a lost device, a command completes with an error.
 *
 * Models in tests/models/: litmus/ping-reuse.litmus, litmus/submitq-lost.litmus, spin/submitq.pml.
 */

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/virtio.h>

#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_cmd_priv.h"
#include "protocol/vgpu_submitq.h"

static unsigned int vgpu_cmdq_silence_limit_ms = 300000;
module_param_named(silence_limit_ms, vgpu_cmdq_silence_limit_ms, uint, 0444);
MODULE_PARM_DESC(silence_limit_ms,
		 "Milliseconds of silence until the host is lost, 0 for never (default 300000)");

static unsigned int vgpu_cmdq_max_entries;
module_param_named(max_entries, vgpu_cmdq_max_entries, uint, 0444);
MODULE_PARM_DESC(max_entries, "Entries of a command's data, 0 for the size of the ring (default)");

static unsigned int vgpu_cmdq_first_fence = 1;
module_param_named(first_fence, vgpu_cmdq_first_fence, uint, 0444);
MODULE_PARM_DESC(first_fence, "Id of the first fence, to test how ids begin anew (default 1)");

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
	vgpu_cmd_send(q->ping, NULL);
	vgpu_msg_put(msg);
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
	ping->msg.ping = true;
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
	kfree(q->ping);
	vgpu_cmd_memory_fini(&q->memory);
	vgpu_payload_spares_fini(&q->spares);
	kfree(q->budgets);
	kfree(q);
}

/* Initialise everything but the rings. After an error the caller calls vgpu_cmdq_destroy(). */
static int vgpu_cmdq_init(struct vgpu_cmdq *q)
{
	int ret;

	q->limits.spares = &q->spares;
	vgpu_fence_ids_init(&q->fence_ids, vgpu_cmdq_first_fence);
	spin_lock_init(&q->refusal_lock);
	spin_lock_init(&q->submitqs_lock);
	INIT_LIST_HEAD(&q->submitqs);

	/* Initialise all even if one fails, since vgpu_cmdq_destroy() undoes all. */
	q->budgets = vgpu_budgets_create();
	q->control = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, vgpu_cmdq_silence_limit_ms, q->fence_wq);
	/* No silence limit: the control queue decides whether the device is lost. */
	q->cursor = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, 0, q->fence_wq);
	ret = vgpu_payload_spares_init(&q->spares);
	ret = vgpu_cmd_memory_init(&q->memory) ?: ret;
	if (ret || !q->budgets || !q->control || !q->cursor)
		return -ENOMEM;
	return vgpu_cmdq_create_ping(q);
}

/**
 * vgpu_cmdq_create() - Create the queues, without their rings
 * @vdev: the device
 * @lost: upcall: the device is lost; called in any context, and maybe more than once
 * @arg: argument of the upcall
 * @wq: runs work that may sleep; flushed before vgpu_cmdq_destroy()
 * @fence_wq: runs work that fences depend on; has WQ_MEM_RECLAIM
 *
 * Context: process, may sleep.
 * Return: the queues, or ERR_PTR(-ENOMEM).
 */
struct vgpu_cmdq *vgpu_cmdq_create(struct virtio_device *vdev, void (*lost)(void *arg, int error),
				   void *arg, struct workqueue_struct *wq,
				   struct workqueue_struct *fence_wq)
{
	struct vgpu_cmdq *q;

	q = kzalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return ERR_PTR(-ENOMEM);

	q->vdev = vdev;
	q->lost = lost;
	q->arg = arg;
	q->wq = wq;
	q->fence_wq = fence_wq;
	if (!vgpu_cmdq_init(q))
		return q;
	vgpu_cmdq_destroy(q);
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
	vgpu_vq_attach(q->control, control);
	vgpu_vq_attach(q->cursor, cursor);
	q->limits.max_entries = min_not_zero(vgpu_cmdq_max_entries, vgpu_vq_max_data(q->control));
	q->limits.max_entry_bytes = max_t(size_t, virtio_max_dma_size(q->vdev), PAGE_SIZE);
}

/**
 * vgpu_cmdq_stop() - Detach the queues from their rings
 * @q: the queues, failed; the device is reset and raises no more interrupts
 *
 * Context: process, may sleep.
 */
void vgpu_cmdq_stop(struct vgpu_cmdq *q)
{
	/* Let the submission queues post their commands now, not to the rings of the next start. */
	flush_workqueue(q->fence_wq);
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
 * Return: 0; -EBUSY if the queue is in use, or the host still has a command of an earlier panic; or
 * the errno that the queue failed with.
 */
int vgpu_cmdq_panic_enter(struct vgpu_cmdq *q)
{
	int ret;

	if (atomic_read(&q->memory.slots_taken))
		return -EBUSY;

	ret = vgpu_vq_panic_enter(q->control);
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
	guard(spinlock_irqsave)(&q->refusal_lock);
	memcpy(refusals, q->refusals, sizeof(q->refusals));
	return q->nr_refusals;
}
