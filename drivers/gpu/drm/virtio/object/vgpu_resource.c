// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: resources
 *
 * A resource is the host's object behind a buffer, under an id that the driver chooses. It
 * outlives the buffer: the pages stay until the host has acknowledged UNREF, or was reset. So
 * each command about a resource holds a reference to it for as long as the device may read the
 * command, and the object that embeds the resource is freed with the last reference. The host
 * may execute a cursor command after a later UNREF on the control queue, so UNREF is sent only
 * when the commands on the cursor queue are done. Its life::
 *
 *   NEW --create--> LIVE --retire--> RETIRED --the host refuses UNREF--> STUCK
 *                    |-----revoke--> REVOKED --the host refuses UNREF--> STUCK
 *                    '-----reset of the device, which held the content--> LOST
 *
 * A reset also makes RETIRED, REVOKED and STUCK resources LOST.
 *
 * Ids ascend and are not reused before they wrap. If the host refused UNREF, the id is never
 * reused, since the host may still know it.
 *
 * If a command that creates the resource fails, it leaves a sticky error, which the next ioctl
 * about the resource returns.
 *
 * The calling process is charged for the pages of a new resource until the host has answered the
 * commands that create it.
 *
 * Models in tests/models/: litmus/deferred-free.litmus, litmus/resource-error.litmus,
 * litmus/resource-life.litmus, litmus/resource-settled-wake.litmus.
 */

#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/scatterlist.h>

#include "object/vgpu_base.h"
#include "object/vgpu_resource.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_submitq.h"

/* How long the deferred free waits, to free several resources at once. */
#define VGPU_RESOURCE_FREE_MS	4

/* Entry of the xarray for an id whose UNREF the host refused. */
#define VGPU_RESOURCE_QUARANTINE	xa_mk_value(0)

/**
 * vgpu_resource_free() - Free a resource and the object that embeds it
 * @res: the resource, without references
 *
 * Context: process, may sleep.
 */
void vgpu_resource_free(struct vgpu_resource *res)
{
	struct vgpu_resources *resources = res->vgpu->resources;

	if (res->life != VGPU_RESOURCE_NEW)
		atomic_dec(&resources->count);
	if (res->life == VGPU_RESOURCE_STUCK)
		xa_store(&resources->by_id, res->id, VGPU_RESOURCE_QUARANTINE, GFP_KERNEL);
	else if (res->id)
		xa_erase(&resources->by_id, res->id);

	vgpu_fence_put(res->revoked);
	vgpu_cmd_put(res->unref);
	res->free(res);
}

static struct vgpu_resource *owner_to_resource(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_resource, owner);
}

/*
 * The last put is often in an interrupt, which cannot free pages. Puts come in bursts, and waking
 * a worker costs more than freeing one resource, so a delayed worker frees many at once.
 */
static void vgpu_resource_release(struct vgpu_cmd_owner *owner)
{
	struct vgpu_resource *res = owner_to_resource(owner);
	struct vgpu_resources *resources = res->vgpu->resources;

	if (llist_add(&res->link, &resources->to_free))
		queue_delayed_work(res->vgpu->wq, &resources->free_work,
				   msecs_to_jiffies(VGPU_RESOURCE_FREE_MS));
}

/*
 * The only writer of &vgpu_resource.life. The answer to UNREF may come in an interrupt, so STUCK is
 * set without the lock. That is safe: after UNREF only a reset changes the state, and it comes
 * after all answers.
 */
static void vgpu_resource_set_life(struct vgpu_resource *res, enum vgpu_resource_life life)
{
	lockdep_assert(life == VGPU_RESOURCE_STUCK ||
		       lockdep_is_held(&res->vgpu->resources->lifecycle));

	/* Release: a reader sees every field set before. Pairs with vgpu_resources_print_one(). */
	smp_store_release(&res->life, life);
}

/**
 * vgpu_resource_unref_locked() - Send RESOURCE_UNREF, if the host has the resource
 * @res: the resource, which no command on the cursor queue names any more; to be called once
 *
 * Context: process, may sleep; does not wait for the host. &vgpu_resources.lifecycle is held.
 */
void vgpu_resource_unref_locked(struct vgpu_resource *res)
{
	lockdep_assert_held(&res->vgpu->resources->lifecycle);

	if (res->life != VGPU_RESOURCE_LOST && !vgpu_resource_is_refused(res)) {
		vgpu_cmd_post_fenced(res->unref, &res->owner, res->revoked);
		res->unref = NULL;
	} else if (res->revoked) {
		vgpu_fence_complete(res->revoked, 0);
	}
	vgpu_resource_put(res);
}

static void vgpu_resource_drop_cursor_user(struct vgpu_resource *res)
{
	if (refcount_dec_and_test(&res->cursor.ref))
		vgpu_resource_unref_locked(res);
}

static void vgpu_resource_settle(struct vgpu_resource *res)
{
	struct vgpu_budget *budget = xchg(&res->budget, VGPU_RESOURCE_SETTLED);
	wait_queue_head_t *settled = &res->vgpu->resources->settled;

	if (!IS_ERR_OR_NULL(budget))
		vgpu_budget_release(budget, 0, res->charged_bytes);
	/* Pairs with the barrier of prepare_to_wait() in vgpu_resource_await(). */
	if (wq_has_sleeper(settled))
		wake_up_all(settled);
}

/**
 * vgpu_resource_await() - Wait until the host has answered all commands that create a resource
 * @res: the resource, created
 * @timeout_ms: how long to wait at most, in milliseconds; 0 for ever
 *
 * Context: process, sleeps killably until the device answers or is lost.
 * Return: 0; -EINTR when killed; -ETIMEDOUT; or the resource's error.
 */
int vgpu_resource_await(struct vgpu_resource *res, unsigned int timeout_ms)
{
	long left = timeout_ms ? msecs_to_jiffies(timeout_ms) : MAX_SCHEDULE_TIMEOUT;
	struct vgpu_cmdq *q = res->vgpu->cmdq;

	vgpu_cmdq_listen(q);
	left = wait_event_killable_timeout(res->vgpu->resources->settled,
					   vgpu_resource_is_settled(res), left);
	vgpu_cmdq_unlisten(q);
	if (left < 0)
		return -EINTR;
	return left ? vgpu_resource_error(res) : -ETIMEDOUT;
}

/**
 * vgpu_resource_await_turn() - Wait for a creation that waits in a submission queue
 * @res: the resource, created
 *
 * Context: process, sleeps killably until the client's earlier submissions are sent and the host
 * has answered the creation, or the device is lost.
 * Return: 0, even if the host refused; -EINTR when killed.
 */
int vgpu_resource_await_turn(struct vgpu_resource *res)
{
	if (!vgpu_resource_is_waiting(res))
		return 0;

	/* A refusal is reported by the call that needs the resource. */
	return vgpu_resource_await(res, 0) == -EINTR ? -EINTR : 0;
}

static void vgpu_resource_note_error(struct vgpu_resource *res, u32 type, int error)
{
	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		/* Without an answer, or with a malformed one, the host may have the resource. */
		WRITE_ONCE(res->refused, error != -EPROTO && error != -ETIMEDOUT &&
			   !vgpu_cmdq_error(res->vgpu->cmdq));
		fallthrough;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		cmpxchg(&res->error, 0, error);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		/* A resource that the host never created needs no UNREF. */
		if ((!READ_ONCE(res->error) || READ_ONCE(res->revoked)) &&
		    !vgpu_cmdq_error(res->vgpu->cmdq))
			vgpu_resource_set_life(res, VGPU_RESOURCE_STUCK);
		break;
	}
}

static void vgpu_resource_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	struct vgpu_resource *res = owner_to_resource(owner);

	if (error)
		vgpu_resource_note_error(res, type, error);
	if (type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB ||
	    type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING)
		vgpu_resource_settle(res);
}

static const struct vgpu_cmd_owner_ops vgpu_resource_owner_ops = {
	.release = vgpu_resource_release,
	.outcome = vgpu_resource_owner_outcome,
};

static void vgpu_resource_cursor_release(struct vgpu_cmd_owner *cursor)
{
	struct vgpu_resource *res = container_of(cursor, struct vgpu_resource, cursor);
	struct vgpu_resources *resources = res->vgpu->resources;

	if (llist_add(&res->link, &resources->to_unref))
		queue_work(res->vgpu->wq, &resources->unref_work);
}

/* No outcome: devices answer nothing on the cursor queue. */
static const struct vgpu_cmd_owner_ops vgpu_resource_cursor_ops = {
	.release = vgpu_resource_cursor_release,
};

/**
 * vgpu_resource_init() - Allocate the id and the RESOURCE_UNREF of a resource
 * @vgpu: the device
 * @res: the resource, zeroed
 * @free: frees what embeds @res; called in process context by vgpu_resource_retire() or later
 *
 * Context: process, may sleep.
 * Return: 0; -ENOSPC when all ids are taken; -ENOMEM. Even after an error the
 * resource is to be given to vgpu_resource_retire().
 */
int vgpu_resource_init(struct vgpu_device *vgpu, struct vgpu_resource *res,
		       void (*free)(struct vgpu_resource *res))
{
	struct vgpu_cmd *unref;
	u32 id;
	int ret;

	vgpu_cmd_owner_init(&res->owner, &vgpu_resource_owner_ops);
	vgpu_cmd_owner_init(&res->cursor, &vgpu_resource_cursor_ops);
	/* For @cursor. */
	vgpu_cmd_owner_get(&res->owner);
	res->vgpu = vgpu;
	res->free = free;

	ret = xa_alloc_cyclic(&vgpu->resources->by_id, &id, res, XA_LIMIT(1, INT_MAX),
			      &vgpu->resources->next_id, GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		return ret == -EBUSY ? -ENOSPC : ret;
	res->id = id;

	unref = vgpu_cmd_resource_unref(vgpu->cmdq, id);
	if (IS_ERR(unref))
		return PTR_ERR(unref);
	res->unref = unref;
	return 0;
}

/**
 * vgpu_resource_retire() - Unref a resource that its buffer no longer needs
 * @res: the resource; not to be used afterwards
 *
 * The memory is freed when the host has answered UNREF.
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_resource_retire(struct vgpu_resource *res)
{
	struct vgpu_resources *resources = res->vgpu->resources;

	if (READ_ONCE(res->life) == VGPU_RESOURCE_NEW) {
		vgpu_resource_free(res);
		return;
	}

	down_read(&resources->lifecycle);
	if (res->life == VGPU_RESOURCE_LIVE)
		vgpu_resource_set_life(res, VGPU_RESOURCE_RETIRED);
	if (!res->revoked)
		vgpu_resource_drop_cursor_user(res);
	up_read(&resources->lifecycle);
	vgpu_resource_put(res);
}

/**
 * vgpu_resource_revoke() - Unref a resource whose pages the exporter revokes
 * @res: the resource
 * @fence: signals when the host has answered UNREF
 *
 * Ioctls on the resource fail with -EIO from now on, and a reset does not create it again.
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: false if the host has no such resource, or UNREF is under way already; then nothing
 * completes @fence but the caller.
 */
bool vgpu_resource_revoke(struct vgpu_resource *res, struct vgpu_fence *fence)
{
	struct vgpu_resources *resources = res->vgpu->resources;
	struct vgpu_cmdq *q = res->vgpu->cmdq;
	bool live;

	down_write(&resources->lifecycle);
	live = res->life == VGPU_RESOURCE_LIVE;
	cmpxchg(&res->error, 0, -EIO);
	if (live) {
		vgpu_resource_set_life(res, VGPU_RESOURCE_REVOKED);
		dma_fence_get(&fence->base);
		WRITE_ONCE(res->revoked, fence);
		if (resources->hide)
			resources->hide(res->vgpu, res->id);
		vgpu_resource_drop_cursor_user(res);
	}
	up_write(&resources->lifecycle);
	vgpu_cmdq_kick(q);
	return live;
}

/**
 * vgpu_resource_set_pages() - Set or clear the backing pages of a resource
 * @res: the resource
 * @pages: the pages, mapped for the device, or NULL; they stay until @free, or until the host has
 *         answered the command of vgpu_resource_send_detach() with success
 *
 * Context: process, the reservation of the buffer held once others may see it.
 */
void vgpu_resource_set_pages(struct vgpu_resource *res, struct sg_table *pages)
{
	res->pages = pages;
	WRITE_ONCE(res->nr_entries, pages ? pages->orig_nents : 0);
}

/* Build all commands that create a resource, or none. @attach is set to NULL for a blob. */
static int vgpu_resource_build(struct vgpu_resource *res,
			       const struct virtio_gpu_resource_create_3d *texture,
			       struct vgpu_cmd **create, struct vgpu_cmd **attach)
{
	struct vgpu_cmdq *q = res->vgpu->cmdq;
	struct vgpu_cmd *cmd, *pages = NULL;

	if (res->kind == VGPU_RESOURCE_2D)
		cmd = vgpu_cmd_resource_create_2d(q, res->id, res->format, res->width,
						  res->height);
	else if (res->kind == VGPU_RESOURCE_3D)
		cmd = vgpu_cmd_resource_create_3d(q, res->id, texture);
	else
		cmd = vgpu_cmd_resource_create_blob(q, res->id, res->ctx_id, res->blob_mem,
						    res->blob_flags, res->blob_id,
						    res->size_bytes, res->pages);

	if (!IS_ERR(cmd) && res->kind != VGPU_RESOURCE_BLOB)
		pages = vgpu_cmd_attach_backing(q, res->id, res->pages);
	if (IS_ERR(cmd) || IS_ERR(pages)) {
		vgpu_cmd_put(cmd);
		return PTR_ERR(IS_ERR(cmd) ? cmd : pages);
	}
	*create = cmd;
	*attach = pages;
	return 0;
}

/**
 * vgpu_resource_create() - Have the host create a resource, and attach its pages
 * @res: the resource; its kind and what describes it are set, and the pages of guest memory by
 *       vgpu_resource_set_pages()
 * @texture: parameters of a 3D resource; NULL for the other kinds
 * @entry: entry in the submission queue of &vgpu_resource.ctx_id, which keeps the buffer; or NULL
 *         if the creation need not wait there; taken over on success
 * @fence: signals when the host has executed the commands; NULL for none; not used after an error
 *
 * The calling process is charged for the pages until the host has answered.
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM; -E2BIG. An error of the host becomes the sticky error of the resource and of
 * @fence.
 */
int vgpu_resource_create(struct vgpu_resource *res,
			 const struct virtio_gpu_resource_create_3d *texture,
			 struct vgpu_submitq_entry *entry, struct vgpu_fence *fence)
{
	struct vgpu_resources *resources = res->vgpu->resources;
	struct vgpu_cmd *create, *attach;
	int ret;

	ret = vgpu_resource_build(res, texture, &create, &attach);
	if (ret)
		return ret;

	res->is_queued = entry;
	if (res->charged_bytes)
		res->budget = vgpu_budget_charge(res->vgpu->cmdq, 0, res->charged_bytes);
	down_read(&resources->lifecycle);
	vgpu_submitq_post(entry, create, &res->owner, attach ? NULL : fence);
	if (attach)
		vgpu_cmd_post_fenced(attach, &res->owner, fence);
	vgpu_resource_set_life(res, VGPU_RESOURCE_LIVE);
	atomic_inc(&resources->count);
	up_read(&resources->lifecycle);
	return 0;
}

/**
 * vgpu_resource_attach() - Send RESOURCE_ATTACH_BACKING for a resource's pages
 * @res: the resource, created
 * @pages: the pages, see vgpu_resource_set_pages()
 *
 * Context: process, may sleep.
 * Return: 0; or, with nothing changed: -EIO when the host has lost the resource; an error of
 * vgpu_cmd_attach_backing().
 */
int vgpu_resource_attach(struct vgpu_resource *res, struct sg_table *pages)
{
	struct vgpu_cmd *cmd = vgpu_cmd_attach_backing(res->vgpu->cmdq, res->id, pages);

	if (IS_ERR(cmd))
		return PTR_ERR(cmd);

	guard(rwsem_read)(&res->vgpu->resources->lifecycle);
	if (vgpu_resource_is_lost(res)) {
		vgpu_cmd_put(cmd);
		return -EIO;
	}
	vgpu_resource_set_pages(res, pages);
	vgpu_cmd_post(cmd, &res->owner);
	return 0;
}

/**
 * vgpu_resource_send_detach() - Send RESOURCE_DETACH_BACKING, for the caller to wait for
 * @res: the resource, which is not retired; no command that needs its pages is under way
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: the command, for vgpu_cmd_await() and vgpu_cmd_put(); ERR_PTR(-EIO) when the host
 * has lost the resource.
 */
struct vgpu_cmd *vgpu_resource_send_detach(struct vgpu_resource *res)
{
	struct vgpu_cmd *cmd;

	guard(rwsem_read)(&res->vgpu->resources->lifecycle);
	if (vgpu_resource_is_lost(res))
		return ERR_PTR(-EIO);
	cmd = vgpu_cmd_detach_backing(res->vgpu->cmdq, res->id);
	vgpu_cmd_send(cmd, &res->owner);
	return cmd;
}

/**
 * vgpu_resource_restore_locked() - Create a resource again, or mark it as lost
 * @res: the resource; the device has forgotten it in a reset
 *
 * Context: process, may sleep; does not wait for the host. &vgpu_resources.lifecycle is held for
 * writing.
 */
void vgpu_resource_restore_locked(struct vgpu_resource *res)
{
	struct vgpu_cmd *create, *attach;
	int ret;

	lockdep_assert_held_write(&res->vgpu->resources->lifecycle);

	/* The host has forgotten the resource with the reset, so there is nothing to unref. */
	if (res->life > VGPU_RESOURCE_LIVE)
		vgpu_resource_set_life(res, VGPU_RESOURCE_LOST);
	if (res->life != VGPU_RESOURCE_LIVE)
		return;

	if (res->kind != VGPU_RESOURCE_2D && res->blob_mem != VIRTIO_GPU_BLOB_MEM_GUEST) {
		WRITE_ONCE(res->error, -EIO);
		vgpu_resource_set_life(res, VGPU_RESOURCE_LOST);
		if (res->forget)
			res->forget(res);
		return;
	}

	/* The content is in guest pages. */
	ret = vgpu_resource_build(res, NULL, &create, &attach);
	WRITE_ONCE(res->error, ret);
	WRITE_ONCE(res->refused, ret);
	if (ret)
		return;
	vgpu_cmd_post(create, &res->owner);
	if (attach)
		vgpu_cmd_post(attach, &res->owner);
}
