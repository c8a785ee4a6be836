// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the queues
 *
 * The device has two: one for everything and one for the cursor, which overtakes.
 * They outlive their rings, and take commands at any time: without a ring, or on a
 * device that is lost, a command completes with the reason.
 */

#include <linux/device.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "protocol/vgpu_cmd_priv.h"
#include "protocol/vgpu_fence.h"

/* Commands that can be built however short memory is. */
#define VGPU_CMD_POOL_MIN	64

/* How long a device that is late with a command may take to answer another. */
#define VGPU_PING_TIMEOUT_MS	5000

/**
 * vgpu_cmdq_limits() - what the device takes as data of a command
 * @q: the queues
 *
 * Return: the limits.
 */
struct vgpu_payload_limits vgpu_cmdq_limits(struct vgpu_cmdq *q)
{
	u32 ring = vgpu_vq_max_data(q->control);

	return (struct vgpu_payload_limits){
		.spares = &q->spares,
		.max_entries = q->max_entries ?: ring,
		.max_entry_bytes = max_t(size_t, virtio_max_dma_size(q->vdev), PAGE_SIZE),
	};
}

static void vgpu_cmdq_lost(void *owner, int error)
{
	struct vgpu_cmdq *q = owner;

	q->lost(q->arg, error);
}

static void vgpu_cmdq_overdue(void *owner)
{
	struct vgpu_cmdq *q = owner;

	queue_work(q->wq, &q->ping_work);
}

/**
 * vgpu_cmdq_ping() - does the device answer?
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

	cmd = vgpu_cmd_new_query(q, VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
				 sizeof(struct virtio_gpu_ctrl_hdr),
				 sizeof(struct virtio_gpu_resp_display_info),
				 VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	/* Without memory nothing can be said; it is asked again. */
	if (IS_ERR(cmd))
		return 0;
	cmd->msg.probe = true;
	ret = vgpu_cmd_ask(cmd, VGPU_PING_TIMEOUT_MS);
	/* However bad an answer is, somebody gave it. */
	if (ret != -ETIMEDOUT)
		ret = cmd->msg.error == -EPROTO ? 0 : cmd->msg.error;
	vgpu_cmd_put(cmd);
	return ret;
}

/*
 * The oldest command is overdue. A device that answers another one is alive: only what
 * it passes over has failed, by the fault of whoever made it wait. But one that does
 * nothing else any more is of no use to anybody. One that is too slow for the question
 * and yet returns this or that is alive, too. On a queue that has failed meanwhile nothing
 * is overdue any more.
 */
static void vgpu_cmdq_ping_work(struct work_struct *work)
{
	struct vgpu_cmdq *q = container_of(work, struct vgpu_cmdq, ping_work);
	int ret = vgpu_cmdq_ping(q);

	if (ret == -ETIMEDOUT && vgpu_vq_is_moving(q->control))
		ret = 0;
	if (!ret && vgpu_vq_expire(q->control) + vgpu_vq_expire(q->cursor)) {
		dev_err_ratelimited(&q->vdev->dev, "device does not finish a command\n");
		if (vgpu_vq_is_clogged(q->control) || vgpu_vq_is_clogged(q->cursor))
			ret = -ETIMEDOUT;
	}
	if (ret == -ETIMEDOUT)
		q->lost(q->arg, ret);
}

static void vgpu_cmdq_silent(void *owner)
{
	struct vgpu_cmdq *q = owner;

	q->silent(q->arg);
}

static const struct vgpu_vq_ops vgpu_cmdq_vq_ops = {
	.lost = vgpu_cmdq_lost,
	.silent = vgpu_cmdq_silent,
	.overdue = vgpu_cmdq_overdue,
};

static int vgpu_cmdq_alloc_panic_slots(struct vgpu_cmdq *q)
{
	unsigned int i;

	for (i = 0; i < VGPU_CMD_PANIC_SLOTS; i++) {
		q->panic_slots[i] = kmalloc(VGPU_CMD_POOL_BYTES, GFP_KERNEL);
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

/* That there is one keeps the allocator from clearing what is written anyway. */
static void vgpu_cmdq_construct_cmd(void *cmd)
{
}

/* The kernel's own functions for this want caches without a constructor. */
static void *vgpu_cmdq_alloc_cmd(gfp_t gfp, void *cache)
{
	return kmem_cache_alloc(cache, gfp);
}

static void vgpu_cmdq_free_cmd(void *cmd, void *cache)
{
	kmem_cache_free(cache, cmd);
}

/* A device that comes back meets the cache of before while files keep that alive. */
static atomic_t vgpu_cmdq_serial = ATOMIC_INIT(0);

static int vgpu_cmdq_create_pool(struct vgpu_cmdq *q)
{
	const unsigned int room = offsetof(struct vgpu_cmd, req);
	char name[32];

	snprintf(name, sizeof(name), "vgpu-cmd-%d", atomic_inc_return(&vgpu_cmdq_serial));
	q->cache = kmem_cache_create_usercopy(name, VGPU_CMD_POOL_BYTES, 0, SLAB_HWCACHE_ALIGN,
					      room, VGPU_CMD_POOL_BYTES - room,
					      vgpu_cmdq_construct_cmd);
	if (!q->cache)
		return -ENOMEM;
	q->pool = mempool_create(VGPU_CMD_POOL_MIN, vgpu_cmdq_alloc_cmd, vgpu_cmdq_free_cmd,
				 q->cache);
	if (!q->pool) {
		kmem_cache_destroy(q->cache);
		return -ENOMEM;
	}
	return 0;
}

static void vgpu_cmdq_destroy_pool(struct vgpu_cmdq *q)
{
	mempool_destroy(q->pool);
	kmem_cache_destroy(q->cache);
}

/**
 * vgpu_cmdq_create() - create the queues, not started
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
	q->silent = config->silent;
	q->arg = config->arg;
	q->wq = config->wq;
	q->max_entries = config->max_entries;
	INIT_WORK(&q->ping_work, vgpu_cmdq_ping_work);
	vgpu_payload_spares_init(&q->spares);
	spin_lock_init(&q->refusal_lock);
	if (vgpu_cmdq_create_pool(q))
		goto err_free;
	q->panic_cpu = -1;
	if (vgpu_cmdq_alloc_panic_slots(q))
		goto err_free_slots;
	q->control = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, config->timeout_ms);
	if (IS_ERR(q->control))
		goto err_free_slots;
	q->cursor = vgpu_vq_create(&vgpu_cmdq_vq_ops, q, config->timeout_ms);
	if (IS_ERR(q->cursor))
		goto err_destroy_control;
	return q;

err_destroy_control:
	vgpu_vq_destroy(q->control);
err_free_slots:
	vgpu_cmdq_free_panic_slots(q);
	vgpu_cmdq_destroy_pool(q);
err_free:
	kfree(q);
	return ERR_PTR(-ENOMEM);
}

/**
 * vgpu_cmdq_destroy() - free the queues
 * @q: the queues, stopped; or NULL
 *
 * Context: process, may sleep.
 */
void vgpu_cmdq_destroy(struct vgpu_cmdq *q)
{
	if (!q)
		return;
	cancel_work_sync(&q->ping_work);
	vgpu_vq_destroy(q->cursor);
	vgpu_vq_destroy(q->control);
	vgpu_cmdq_free_panic_slots(q);
	vgpu_cmdq_destroy_pool(q);
	vgpu_payload_spares_fini(&q->spares);
	kfree(q);
}

/**
 * vgpu_cmdq_fail() - complete all commands with an error and take no more
 * @q: the queues
 * @error: negative errno
 *
 * Context: any.
 */
void vgpu_cmdq_fail(struct vgpu_cmdq *q, int error)
{
	vgpu_vq_fail(q->control, error);
	vgpu_vq_fail(q->cursor, error);
}

/**
 * vgpu_cmdq_start() - let commands go to the device
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
 * vgpu_cmdq_stop() - take everything back from the device
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
 * vgpu_cmdq_control_interrupt() - the control ring has responses
 * @q: the queues
 *
 * Context: hard interrupt.
 */
void vgpu_cmdq_control_interrupt(struct vgpu_cmdq *q)
{
	vgpu_vq_callback(q->control);
}

/**
 * vgpu_cmdq_cursor_interrupt() - the cursor ring has responses
 * @q: the queues
 *
 * Context: hard interrupt.
 */
void vgpu_cmdq_cursor_interrupt(struct vgpu_cmdq *q)
{
	vgpu_vq_callback(q->cursor);
}

/**
 * vgpu_cmdq_error() - why no commands are taken
 * @q: the queues
 *
 * Return: 0 when they are, else a negative errno.
 */
int vgpu_cmdq_error(struct vgpu_cmdq *q)
{
	return vgpu_vq_error(q->control);
}

/**
 * vgpu_cmdq_is_crowded() - should clients wait at the door?
 * @q: the queues
 *
 * Return: true if what they send would leave the display too little room.
 */
bool vgpu_cmdq_is_crowded(struct vgpu_cmdq *q)
{
	return vgpu_vq_is_crowded(q->control);
}

/**
 * vgpu_cmdq_is_silent() - does the device keep us waiting?
 * @q: the queues
 *
 * Return: true if it has answered nothing at all for VGPU_VQ_SILENCE_MS, though it was
 * asked.
 */
bool vgpu_cmdq_is_silent(struct vgpu_cmdq *q)
{
	return vgpu_vq_is_silent(q->control);
}

/**
 * vgpu_cmdq_kick() - tell the device of the commands posted
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_kick(struct vgpu_cmdq *q)
{
	vgpu_vq_kick(q->control);
}

/**
 * vgpu_cmdq_kick_cursor() - tell the device of the cursor commands posted
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_kick_cursor(struct vgpu_cmdq *q)
{
	vgpu_vq_kick(q->cursor);
}

/**
 * vgpu_cmdq_poll() - collect responses that did not ask for an interrupt
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_poll(struct vgpu_cmdq *q)
{
	vgpu_vq_poll(q->control);
}

/**
 * vgpu_cmdq_runs_after() - will commands be executed after the one of a fence?
 * @q: the queues
 * @fence: any fence
 *
 * Context: any.
 * Return: true if the device takes up what is sent to the control queue after this call only
 * when it has executed that command.
 */
bool vgpu_cmdq_runs_after(struct vgpu_cmdq *q, struct dma_fence *fence)
{
	return vgpu_fence_is_ahead(fence, q->control);
}

/**
 * vgpu_cmdq_panic_enter() - take the control queue over in a panic
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
 * vgpu_cmd_panic_run() - send a command in a panic and wait for the answer
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
 * vgpu_cmdq_panic_exit() - undo vgpu_cmdq_panic_enter()
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
 * vgpu_cmdq_listen() - wait for any progress: ask for an interrupt each
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
 * vgpu_cmdq_unlisten() - undo vgpu_cmdq_listen()
 * @q: the queues
 *
 * Context: any.
 */
void vgpu_cmdq_unlisten(struct vgpu_cmdq *q)
{
	vgpu_vq_unlisten(q->control);
}

/**
 * vgpu_cmdq_queue_work() - have something done that may sleep
 * @q: the queues
 * @work: what
 *
 * It is done before the module can go, unlike on a queue of the system.
 *
 * Context: any.
 * Return: false when it was queued already.
 */
bool vgpu_cmdq_queue_work(struct vgpu_cmdq *q, struct work_struct *work)
{
	return queue_work(q->wq, work);
}

/**
 * vgpu_cmdq_read_refusals() - which commands the device has refused
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
 * vgpu_cmdq_read_stats() - take a snapshot of the queues' counters
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
