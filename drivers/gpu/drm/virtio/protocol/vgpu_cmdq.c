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
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"

/* Commands that can be built however short memory is. */
#define VGPU_CMD_POOL_MIN	64

/* How long a device that was reset may take to answer its first command. */
#define VGPU_PING_TIMEOUT_MS	5000

/**
 * vgpu_cmdq_limits() - Get the limits of the device for the data of a command
 * @q: the queues
 *
 * Return: the limits.
 */
struct vgpu_payload_limits vgpu_cmdq_limits(struct vgpu_cmdq *q)
{
	u32 ring = vgpu_vq_max_data(q->control);

	return (struct vgpu_payload_limits){
		.spares = &q->spares,
		.max_entries = min_not_zero(q->max_entries, ring),
		.max_entry_bytes = max_t(size_t, virtio_max_dma_size(q->vdev), PAGE_SIZE),
	};
}

static void vgpu_cmdq_lost(void *owner, int error)
{
	struct vgpu_cmdq *q = owner;

	q->lost(q->arg, error);
}

/**
 * vgpu_cmdq_ping() - Check whether the device answers
 * @q: the queues
 *
 * Context: process, sleeps at most VGPU_PING_TIMEOUT_MS.
 * Return: 0 if it answers a question, with whatever answer; -ETIMEDOUT; why the
 * queue failed meanwhile.
 */
int vgpu_cmdq_ping(struct vgpu_cmdq *q)
{
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_display_info(q);
	/* Without memory nothing can be said; it is asked again. */
	if (IS_ERR(cmd))
		return 0;
	ret = vgpu_cmd_ask(cmd, VGPU_PING_TIMEOUT_MS);
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
	q->ping = vgpu_cmd_new_display_info(q);
	if (IS_ERR(q->ping))
		return PTR_ERR(q->ping);
	q->ping->msg.release = vgpu_cmdq_ping_release;
	q->ping_is_idle = true;
	return 0;
}

static void vgpu_cmdq_silent(void *owner)
{
	struct vgpu_cmdq *q = owner;

	/* Only the control queue decides: a stuck cursor queue alone is harmless. */
	if (vgpu_vq_is_silent(q->control))
		dev_warn_ratelimited(&q->vdev->dev,
				     "host is silent: display does not wait for rendering\n");
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

static int vgpu_cmdq_alloc_panic_slots(struct vgpu_cmdq *q)
{
	unsigned int i;

	for (i = 0; i < VGPU_CMD_PANIC_SLOTS; i++) {
		q->panic_slots[i] = kmalloc(VGPU_CMD_LARGE_BYTES, GFP_KERNEL);
		if (!q->panic_slots[i])
			return -ENOMEM;
	}
	return 0;
}

static void vgpu_cmdq_free_panic_slots(struct vgpu_cmdq *q)
{
	unsigned int i;

	for (i = 0; i < VGPU_CMD_PANIC_SLOTS; i++)
		kfree(q->panic_slots[i]);
}

/*
 * An empty constructor exempts the cache from init_on_alloc; every byte sent is initialised by
 * vgpu_cmd_init() or by the caller.
 */
static void vgpu_cmdq_construct_cmd(void *cmd)
{
}

/* Open files may keep the cache of a removed device, so each cache needs a name of its own. */
static atomic_t vgpu_cmdq_serial = ATOMIC_INIT(0);

static int vgpu_cmdq_create_pool(struct vgpu_cmd_pool *pool, unsigned int size_bytes)
{
	const unsigned int room = offsetof(struct vgpu_cmd, req);
	char name[32];

	snprintf(name, sizeof(name), "vgpu-cmd-%u-%d", size_bytes,
		 atomic_inc_return(&vgpu_cmdq_serial));
	pool->cache = kmem_cache_create_usercopy(name, size_bytes, 0,
						 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, room,
						 size_bytes - room, vgpu_cmdq_construct_cmd);
	if (!pool->cache)
		return -ENOMEM;
	/*
	 * The reserve is charged to nobody: a client at its memory limit takes from it, and must
	 * not wait there for ever. Budgets bound what it takes.
	 */
	pool->reserve = mempool_create_kmalloc_pool(VGPU_CMD_POOL_MIN, size_bytes);
	return pool->reserve ? 0 : -ENOMEM;
}

static void vgpu_cmdq_destroy_pool(struct vgpu_cmd_pool *pool)
{
	mempool_destroy(pool->reserve);
	kmem_cache_destroy(pool->cache);
}

static int vgpu_cmdq_create_pools(struct vgpu_cmdq *q)
{
	const size_t resp_bytes = sizeof(struct virtio_gpu_ctrl_hdr);
	int ret;

	ret = vgpu_cmdq_create_pool(&q->small,
				    VGPU_CMD_BYTES(VGPU_CMD_SMALL_REQ_BYTES, resp_bytes));
	return ret ?: vgpu_cmdq_create_pool(&q->large, VGPU_CMD_LARGE_BYTES);
}

static void vgpu_cmdq_destroy_pools(struct vgpu_cmdq *q)
{
	struct list_head *memory, *next;

	list_for_each_safe(memory, next, &q->reserve)
		kfree(memory);
	vgpu_cmdq_destroy_pool(&q->large);
	vgpu_cmdq_destroy_pool(&q->small);
}

/**
 * vgpu_cmdq_create() - Create the queues, without their rings
 * @config: what they are made with
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
	q->vdev = config->vdev;
	q->lost = config->lost;
	q->arg = config->arg;
	q->wq = config->wq;
	q->fence_wq = config->fence_wq;
	q->max_entries = config->max_entries;
	vgpu_fence_ids_init(&q->fence_ids, config->first_fence);
	init_waitqueue_head(&q->fence_ids_anew);
	vgpu_payload_spares_init(&q->spares);
	spin_lock_init(&q->refusal_lock);
	spin_lock_init(&q->reserve_lock);
	INIT_LIST_HEAD(&q->reserve);
	spin_lock_init(&q->submitqs_lock);
	INIT_LIST_HEAD(&q->submitqs);
	q->budgets = vgpu_budgets_create();
	if (!q->budgets || vgpu_cmdq_create_pools(q))
		goto err_destroy_pools;
	q->panic_cpu = -1;
	if (vgpu_cmdq_alloc_panic_slots(q))
		goto err_free_slots;
	if (vgpu_cmdq_create_ping(q))
		goto err_free_slots;
	q->control = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, config->silence_limit_ms,
				    config->fence_wq);
	if (IS_ERR(q->control))
		goto err_free_ping;
	/* No silence limit: the control queue decides whether the device is lost. */
	q->cursor = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, 0, config->fence_wq);
	if (IS_ERR(q->cursor))
		goto err_destroy_control;
	return q;

err_destroy_control:
	vgpu_vq_destroy(q->control);
err_free_ping:
	kfree(q->ping);
err_free_slots:
	vgpu_cmdq_free_panic_slots(q);
err_destroy_pools:
	vgpu_cmdq_destroy_pools(q);
	vgpu_budgets_destroy(q->budgets);
	kfree(q);
	return ERR_PTR(-ENOMEM);
}

/**
 * vgpu_cmdq_settle() - Complete and put all commands before vgpu_cmdq_destroy()
 * @q: the queues, stopped; or NULL
 *
 * After this call, and before vgpu_cmdq_destroy(), objects that keep a budget or commands are put.
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
	kfree(q->ping);
	vgpu_cmdq_free_panic_slots(q);
	vgpu_cmdq_destroy_pools(q);
	vgpu_budgets_destroy(q->budgets);
	vgpu_payload_spares_fini(&q->spares);
	kfree(q);
}

/**
 * vgpu_cmdq_fail() - Complete all commands with an error and take no more
 * @q: the queues
 * @error: negative errno
 *
 * Submissions that wait for a dependency end, too.
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
 * @q: the queues, failed; the device is reset and calls back no more
 *
 * Context: process, may sleep.
 */
void vgpu_cmdq_stop(struct vgpu_cmdq *q)
{
	vgpu_vq_detach(q->control);
	vgpu_vq_detach(q->cursor);
}

/**
 * vgpu_cmdq_control_interrupt() - Handle an interrupt of the control ring
 * @q: the queues
 *
 * Context: hard interrupt.
 */
void vgpu_cmdq_control_interrupt(struct vgpu_cmdq *q)
{
	vgpu_vq_callback(q->control);
}

/**
 * vgpu_cmdq_cursor_interrupt() - Handle an interrupt of the cursor ring
 * @q: the queues
 *
 * Context: hard interrupt.
 */
void vgpu_cmdq_cursor_interrupt(struct vgpu_cmdq *q)
{
	vgpu_vq_callback(q->cursor);
}

/**
 * vgpu_cmdq_error() - Get the reason why the queues take no commands
 * @q: the queues
 *
 * Return: 0 when they are, else a negative errno.
 */
int vgpu_cmdq_error(struct vgpu_cmdq *q)
{
	return vgpu_vq_error(q->control);
}

/**
 * vgpu_cmdq_is_crowded() - Check whether clients must leave the rest of the ring to the display
 * @q: the queues
 *
 * Return: true if what they send would leave the display too little room.
 */
bool vgpu_cmdq_is_crowded(struct vgpu_cmdq *q)
{
	return vgpu_vq_is_crowded(q->control);
}

/**
 * vgpu_cmdq_held_quarters() - Get how much of the ring is full of held commands
 * @q: the queues
 *
 * Return: the number of full quarters, 0 to 4.
 */
u32 vgpu_cmdq_held_quarters(struct vgpu_cmdq *q)
{
	return vgpu_vq_held_quarters(q->control);
}

/**
 * vgpu_cmdq_held_share() - Get how much a client with held commands may have in flight
 * @q: the queues
 *
 * Return: the number of commands.
 */
u32 vgpu_cmdq_held_share(struct vgpu_cmdq *q)
{
	return vgpu_vq_held_share(q->control);
}

/**
 * vgpu_cmdq_is_silent() - Check whether the host is silent
 * @q: the queues
 *
 * Return: true if the host does not answer a ping; see vgpu_vq_is_silent().
 */
bool vgpu_cmdq_is_silent(struct vgpu_cmdq *q)
{
	return vgpu_vq_is_silent(q->control);
}

/**
 * vgpu_cmdq_kick() - Notify the device of posted commands
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_kick(struct vgpu_cmdq *q)
{
	vgpu_vq_kick(q->control);
}

/**
 * vgpu_cmdq_kick_cursor() - Notify the device of posted cursor commands
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_kick_cursor(struct vgpu_cmdq *q)
{
	vgpu_vq_kick(q->cursor);
}

/**
 * vgpu_cmdq_poll() - Collect responses that did not ask for an interrupt
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_poll(struct vgpu_cmdq *q)
{
	vgpu_vq_poll(q->control);
}

/**
 * vgpu_cmdq_runs_after() - Check whether later commands are executed after the one of a fence
 * @q: the queues
 * @fence: any fence
 *
 * Context: any.
 * Return: true if the device executes that command before any command that is sent to the control
 * queue after this call.
 */
bool vgpu_cmdq_runs_after(struct vgpu_cmdq *q, struct dma_fence *fence)
{
	return vgpu_fence_is_ahead(fence, q->control);
}

/**
 * vgpu_cmdq_has() - Check whether a fence belongs to a command that was sent
 * @q: the queues
 * @fence: any fence
 *
 * Context: any.
 * Return: true if the host of this device has the command, or will get it; false once the fence
 * is signalled.
 */
bool vgpu_cmdq_has(struct vgpu_cmdq *q, struct dma_fence *fence)
{
	return vgpu_fence_is_sent(fence, q->control);
}

/**
 * vgpu_cmdq_panic_enter() - Take the control queue over in a panic
 * @q: the queues
 *
 * Until vgpu_cmdq_panic_exit() commands are built without allocating memory and
 * are given to vgpu_cmd_panic_run().
 *
 * Context: panic, or interrupts off.
 * Return: 0; -EBUSY when the queue was in use; why it takes no commands.
 */
int vgpu_cmdq_panic_enter(struct vgpu_cmdq *q)
{
	int ret = vgpu_vq_panic_enter(q->control);

	if (!ret)
		WRITE_ONCE(q->panic_cpu, raw_smp_processor_id());
	return ret;
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

/**
 * vgpu_cmdq_panic_exit() - Undo vgpu_cmdq_panic_enter()
 * @q: the queues
 *
 * Context: panic, or interrupts off.
 */
void vgpu_cmdq_panic_exit(struct vgpu_cmdq *q)
{
	WRITE_ONCE(q->panic_cpu, -1);
	vgpu_vq_panic_exit(q->control);
}

/**
 * vgpu_cmdq_listen() - Ask for an interrupt at each response
 * @q: the queues
 *
 * Undone by vgpu_cmdq_unlisten().
 *
 * Context: any.
 */
void vgpu_cmdq_listen(struct vgpu_cmdq *q)
{
	vgpu_vq_listen(q->control);
}

/**
 * vgpu_cmdq_unlisten() - Undo vgpu_cmdq_listen()
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_unlisten(struct vgpu_cmdq *q)
{
	vgpu_vq_unlisten(q->control);
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
 * vgpu_cmdq_read_refusals() - Copy the latest commands that the device refused
 * @q: the queues
 * @refusals: room for VGPU_CMDQ_REFUSALS; filled with the latest ones, of which number
 *            N is at N modulo that
 *
 * Context: any.
 * Return: how many there were since vgpu_cmdq_create().
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
