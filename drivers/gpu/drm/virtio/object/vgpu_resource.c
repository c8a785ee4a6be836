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
 *   NEW --create--> LIVE --retire--> RETIRED --reset of the device--> LOST
 *                    |-----revoke--> REVOKED --reset of the device--> LOST
 *                    '-----reset of the device, which held the content--> LOST
 *
 * Ids ascend and are not reused before they wrap. If the host refused UNREF, the id is never
 * reused, since the host may still know it.
 *
 * If a command that creates the resource fails, it leaves a sticky error, which the next ioctl
 * about the resource returns.
 *
 * The calling process is charged for the pages of a new resource until the host has answered the
 * commands that create it.
 */

#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/scatterlist.h>

#include "object/vgpu_base.h"
#include "object/vgpu_resource.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_fence.h"

/* How long the deferred free waits, to free several resources at once. */
#define VGPU_RESOURCE_FREE_MS	4

/* PIPE_BUFFER, PIPE_TEXTURE_2D and PIPE_TEXTURE_RECT of Gallium. */
#define VGPU_RESOURCE_TARGET_BUFFER	0
#define VGPU_RESOURCE_TARGET_2D		2
#define VGPU_RESOURCE_TARGET_RECT	5

/* Entry of the xarray for an id whose UNREF the host refused. */
#define VGPU_RESOURCE_QUARANTINE	xa_mk_value(0)

/* Sentinel for @budget: the host has replied, so the charge was already released. */
#define VGPU_RESOURCE_SETTLED	((struct vgpu_budget *)ERR_PTR(-EALREADY))

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
	if (res->stuck)
		xa_store(&resources->by_id, res->id, VGPU_RESOURCE_QUARANTINE, GFP_KERNEL);
	else if (res->id)
		xa_erase(&resources->by_id, res->id);

	vgpu_fence_put(res->revoked);
	vgpu_cmd_put(res->unref);
	res->free(res);
}

/*
 * The last put is often in an interrupt, which cannot free pages. Puts come in bursts, and waking
 * a worker costs more than freeing one resource, so a delayed worker frees many at once.
 */
static void vgpu_resource_last_put(struct kref *ref)
{
	struct vgpu_resource *res = container_of(ref, struct vgpu_resource, ref);
	struct vgpu_resources *resources = res->vgpu->resources;

	if (llist_add(&res->link, &resources->to_free))
		queue_delayed_work(res->vgpu->wq, &resources->free_work,
				   msecs_to_jiffies(VGPU_RESOURCE_FREE_MS));
}

/* The only writer of &vgpu_resource.life. */
static void vgpu_resource_set_life(struct vgpu_resource *res, enum vgpu_resource_life life)
{
	lockdep_assert_held(&res->vgpu->resources->lifecycle);

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
	kref_put(&res->ref, vgpu_resource_last_put);
}

static void vgpu_resource_drop_cursor_user(struct vgpu_resource *res)
{
	if (refcount_dec_and_test(&res->cursor_users))
		vgpu_resource_unref_locked(res);
}

/**
 * vgpu_resource_charge() - Charge the calling process for the memory of a new resource
 * @res: the resource; the commands that create it are posted
 * @size_bytes: size of the memory that the resource keeps
 *
 * The charge is released when the host has answered the last command that creates the resource.
 * To be called once.
 *
 * Context: process.
 */
void vgpu_resource_charge(struct vgpu_resource *res, size_t size_bytes)
{
	struct vgpu_budget *budget = vgpu_budget_charge(res->vgpu->cmdq, 0, size_bytes);

	res->charged_bytes = size_bytes;
	if (budget && cmpxchg(&res->budget, NULL, budget))
		vgpu_budget_release(budget, 0, size_bytes);
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

static bool vgpu_resource_is_settled(const struct vgpu_resource *res)
{
	return READ_ONCE(res->budget) == VGPU_RESOURCE_SETTLED;
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

static struct vgpu_resource *owner_to_resource(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_resource, owner);
}

static void vgpu_resource_owner_get(struct vgpu_cmd_owner *owner)
{
	kref_get(&owner_to_resource(owner)->ref);
}

static void vgpu_resource_owner_put(struct vgpu_cmd_owner *owner)
{
	kref_put(&owner_to_resource(owner)->ref, vgpu_resource_last_put);
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
			WRITE_ONCE(res->stuck, true);
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
	.get = vgpu_resource_owner_get,
	.put = vgpu_resource_owner_put,
	.outcome = vgpu_resource_owner_outcome,
};

static struct vgpu_resource *cursor_to_resource(struct vgpu_cmd_owner *cursor)
{
	return container_of(cursor, struct vgpu_resource, cursor);
}

static void vgpu_resource_cursor_get(struct vgpu_cmd_owner *cursor)
{
	refcount_inc(&cursor_to_resource(cursor)->cursor_users);
}

static void vgpu_resource_cursor_put(struct vgpu_cmd_owner *cursor)
{
	struct vgpu_resource *res = cursor_to_resource(cursor);
	struct vgpu_resources *resources = res->vgpu->resources;

	if (refcount_dec_and_test(&res->cursor_users) &&
	    llist_add(&res->link, &resources->to_unref))
		queue_work(res->vgpu->wq, &resources->unref_work);
}

/* Devices answer nothing on the cursor queue. */
static void vgpu_resource_cursor_outcome(struct vgpu_cmd_owner *cursor, u32 type, int error)
{
}

static const struct vgpu_cmd_owner_ops vgpu_resource_cursor_ops = {
	.get = vgpu_resource_cursor_get,
	.put = vgpu_resource_cursor_put,
	.outcome = vgpu_resource_cursor_outcome,
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

	res->owner.ops = &vgpu_resource_owner_ops;
	res->cursor.ops = &vgpu_resource_cursor_ops;
	refcount_set(&res->cursor_users, 1);
	res->vgpu = vgpu;
	res->free = free;
	kref_init(&res->ref);
	/* For @cursor_users. */
	kref_get(&res->ref);

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
	kref_put(&res->ref, vgpu_resource_last_put);
}

/**
 * vgpu_resource_put() - Drop a reference to a resource
 * @res: the resource
 *
 * Context: any.
 */
void vgpu_resource_put(struct vgpu_resource *res)
{
	kref_put(&res->ref, vgpu_resource_last_put);
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

/* Post all commands that create a resource, or none. The last one signals @fence. */
static int vgpu_resource_post_create(struct vgpu_resource *res, enum vgpu_resource_kind kind,
				     struct vgpu_cmd *create, struct vgpu_fence *fence)
{
	struct vgpu_resources *resources = res->vgpu->resources;
	struct vgpu_cmd *attach = NULL;

	if (!IS_ERR(create) && kind != VGPU_RESOURCE_BLOB)
		attach = vgpu_cmd_attach_backing(res->vgpu->cmdq, res->id, res->pages);
	if (IS_ERR(create) || IS_ERR(attach)) {
		vgpu_cmd_put(create);
		return PTR_ERR(IS_ERR(create) ? create : attach);
	}

	down_read(&resources->lifecycle);
	vgpu_cmd_post_fenced(create, &res->owner, attach ? NULL : fence);
	if (attach)
		vgpu_cmd_post_fenced(attach, &res->owner, fence);
	res->kind = kind;
	vgpu_resource_set_life(res, VGPU_RESOURCE_LIVE);
	atomic_inc(&resources->count);
	up_read(&resources->lifecycle);
	return 0;
}

/**
 * vgpu_resource_create_2d() - Send RESOURCE_CREATE_2D and RESOURCE_ATTACH_BACKING
 * @res: the resource, its pages set by vgpu_resource_set_pages()
 * @format: enum virtio_gpu_formats
 * @width: pixels
 * @height: pixels
 * @fence: signals when the host has created the resource and attached its pages; NULL for none;
 *         not used after an error
 *
 * Context: process, may sleep.
 * Return: 0, or an error of vgpu_cmd_attach_backing(). An error of the host becomes the sticky
 * error of the resource and of @fence.
 */
int vgpu_resource_create_2d(struct vgpu_resource *res, u32 format, u32 width, u32 height,
			    struct vgpu_fence *fence)
{
	res->format = format;
	res->width = width;
	res->height = height;
	return vgpu_resource_post_create(res, VGPU_RESOURCE_2D,
					 vgpu_cmd_resource_create_2d(res->vgpu->cmdq, res->id,
								     format, width, height),
					 fence);
}

/**
 * vgpu_resource_create_3d() - Send RESOURCE_CREATE_3D and RESOURCE_ATTACH_BACKING
 * @res: the resource, its pages set by vgpu_resource_set_pages()
 * @texture: parameters of the resource
 * @fence: see vgpu_resource_create_2d()
 *
 * Context: process, may sleep.
 * Return: see vgpu_resource_create_2d().
 */
int vgpu_resource_create_3d(struct vgpu_resource *res,
			    const struct virtio_gpu_resource_create_3d *texture,
			    struct vgpu_fence *fence)
{
	const u32 target = le32_to_cpu(texture->target);

	res->format = le32_to_cpu(texture->format);
	res->width = le32_to_cpu(texture->width);
	res->height = le32_to_cpu(texture->height);
	res->layered = le32_to_cpu(texture->depth) > 1 || le32_to_cpu(texture->array_size) > 1;
	res->is_texture = target != VGPU_RESOURCE_TARGET_BUFFER;
	res->is_plain_2d = !res->layered && le32_to_cpu(texture->nr_samples) <= 1 &&
			   (target == VGPU_RESOURCE_TARGET_2D ||
			    target == VGPU_RESOURCE_TARGET_RECT);

	return vgpu_resource_post_create(res, VGPU_RESOURCE_3D,
					 vgpu_cmd_resource_create_3d(res->vgpu->cmdq, res->id,
								     texture),
					 fence);
}

/**
 * vgpu_resource_create_blob() - Send RESOURCE_CREATE_BLOB
 * @res: the resource; the pages of guest memory are set by vgpu_resource_set_pages()
 * @ctx_id: context that the memory belongs to, or 0
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @blob_id: id under which the host's renderer knows the memory, 0 for guest memory
 * @size_bytes: size, a multiple of the blob alignment
 * @fence: see vgpu_resource_create_2d()
 *
 * Context: process, may sleep.
 * Return: 0, or an error of vgpu_cmd_resource_create_blob().
 */
int vgpu_resource_create_blob(struct vgpu_resource *res, u32 ctx_id, u32 blob_mem,
			      u32 blob_flags, u64 blob_id, u64 size_bytes,
			      struct vgpu_fence *fence)
{
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_resource_create_blob(res->vgpu->cmdq, res->id, ctx_id, blob_mem,
					    blob_flags, blob_id, size_bytes, res->pages);
	res->blob_mem = blob_mem;
	res->blob_flags = blob_flags;
	res->size_bytes = size_bytes;
	return vgpu_resource_post_create(res, VGPU_RESOURCE_BLOB, cmd, fence);
}

/**
 * vgpu_resource_attach() - Send RESOURCE_ATTACH_BACKING for a resource's pages
 * @res: the resource, created
 * @pages: the pages, see vgpu_resource_set_pages()
 *
 * Context: process, may sleep.
 * Return: 0; -EIO when the host has lost the resource; or an error of
 * vgpu_cmd_attach_backing().
 */
int vgpu_resource_attach(struct vgpu_resource *res, struct sg_table *pages)
{
	struct vgpu_cmd *cmd = vgpu_cmd_attach_backing(res->vgpu->cmdq, res->id, pages);
	struct vgpu_resources *resources = res->vgpu->resources;
	int ret = -EIO;

	down_read(&resources->lifecycle);
	vgpu_resource_set_pages(res, pages);
	if (!vgpu_resource_is_lost(res))
		ret = vgpu_cmd_post(cmd, &res->owner);
	else
		vgpu_cmd_put(cmd);
	up_read(&resources->lifecycle);
	return ret;
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
	struct vgpu_resources *resources = res->vgpu->resources;
	struct vgpu_cmd *cmd = ERR_PTR(-EIO);

	down_read(&resources->lifecycle);
	if (!vgpu_resource_is_lost(res)) {
		cmd = vgpu_cmd_detach_backing(res->vgpu->cmdq, res->id);
		vgpu_cmd_send(cmd, &res->owner);
	}
	up_read(&resources->lifecycle);
	return cmd;
}

/* Get the command that creates a resource again: -EIO unless its content is in guest pages. */
static struct vgpu_cmd *vgpu_resource_make_again(struct vgpu_resource *res)
{
	struct vgpu_cmdq *q = res->vgpu->cmdq;

	if (res->kind == VGPU_RESOURCE_2D)
		return vgpu_cmd_resource_create_2d(q, res->id, res->format, res->width,
						   res->height);
	if (res->kind == VGPU_RESOURCE_BLOB && res->blob_mem == VIRTIO_GPU_BLOB_MEM_GUEST)
		return vgpu_cmd_resource_create_blob(q, res->id, 0, res->blob_mem,
						     res->blob_flags, 0, res->size_bytes,
						     res->pages);
	return ERR_PTR(-EIO);
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
	int ret;

	lockdep_assert_held_write(&res->vgpu->resources->lifecycle);

	/* The host has forgotten the resource with the reset, so there is nothing to unref. */
	if (res->life == VGPU_RESOURCE_RETIRED || res->life == VGPU_RESOURCE_REVOKED)
		vgpu_resource_set_life(res, VGPU_RESOURCE_LOST);
	if (res->life != VGPU_RESOURCE_LIVE)
		return;

	WRITE_ONCE(res->error, 0);
	WRITE_ONCE(res->refused, false);
	WRITE_ONCE(res->stuck, false);
	ret = vgpu_cmd_post(vgpu_resource_make_again(res), &res->owner);
	if (!ret && res->kind == VGPU_RESOURCE_2D && res->pages)
		ret = vgpu_cmd_post(vgpu_cmd_attach_backing(res->vgpu->cmdq, res->id, res->pages),
				    &res->owner);
	if (!ret)
		return;

	cmpxchg(&res->error, 0, ret);
	if (ret != -EIO)
		return;
	vgpu_resource_set_life(res, VGPU_RESOURCE_LOST);
	if (res->forget)
		res->forget(res);
}
