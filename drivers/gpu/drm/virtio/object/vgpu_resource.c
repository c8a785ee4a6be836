// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: resources
 *
 * A resource is what the host keeps of a buffer, under an id we choose. It outlives
 * the buffer: the pages stay until the host has acknowledged that it let go of
 * them, or was reset. For that each command about a resource holds a reference to
 * it for as long as the device may look at the command, and what embeds the
 * resource is freed with the last of them. What is on the cursor queue may be read
 * after the command that lets go, so that one waits until the cursor queue is done.
 *
 * Ids ascend and are not reused before they wrap, and the id of a resource whose
 * destruction the host refused is never reused: the host may still know it.
 *
 * A command that fails to make the resource what it should be leaves a sticky
 * error, which the next ioctl about the resource returns.
 *
 * A resource being made counts for the budget of its client, with its pages, until
 * the host has answered.
 */

#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/rwsem.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_resource.h"
#include "protocol/vgpu_fence.h"

/**
 * struct vgpu_resources - all resources of a device
 * @by_id: the resources; an entry that is no pointer is an id in quarantine
 * @next_id: where the search for a free id starts; protected by @by_id's lock
 * @count: resources the host knows
 * @lifecycle: held for writing while the device starts anew and all are made again, and while
 *             one is revoked; for reading while one is made or retired, or named by the
 *             display
 * @hide: of vgpu_resources_set_hide(), NULL where nothing is shown; constant
 * @unnamed: resources that the host shall let go of, and that no command names any more
 * @let_go_work: has the host let go of them
 * @dead: resources without references
 * @bury_work: frees them
 */
struct vgpu_resources {
	struct xarray by_id;
	u32 next_id;
	atomic_t count;
	struct rw_semaphore lifecycle;
	void (*hide)(struct vgpu_device *vgpu, u32 id);
	struct llist_head unnamed;
	struct work_struct let_go_work;
	struct llist_head dead;
	struct delayed_work bury_work;
};

static unsigned int vgpu_resource_first = 1;
module_param_named(first_resource, vgpu_resource_first, uint, 0444);
MODULE_PARM_DESC(first_resource, "Id of the first resource, for tests of the last (default 1)");

/* How long the dead wait for others, to be freed with them. */
#define VGPU_RESOURCE_BURY_MS	4

/* The pipe's name of a buffer without a format, which the host may keep in our pages. */
#define VGPU_RESOURCE_TARGET_BUFFER	0

/* What the xarray holds in place of a resource the host would not let go of. */
#define VGPU_RESOURCE_QUARANTINE	xa_mk_value(0)

static void vgpu_resource_free(struct vgpu_resource *res)
{
	struct vgpu_resources *resources = res->vgpu->resources;

	if (res->kind != VGPU_RESOURCE_NONE)
		atomic_dec(&resources->count);
	if (res->stuck)
		xa_store(&resources->by_id, res->id, VGPU_RESOURCE_QUARANTINE, GFP_KERNEL);
	else if (res->id)
		xa_erase(&resources->by_id, res->id);
	vgpu_fence_put(res->revoked);
	res->free(res);
}

static void vgpu_resources_bury(struct work_struct *work)
{
	struct vgpu_resources *resources = container_of(to_delayed_work(work),
							struct vgpu_resources, bury_work);
	struct llist_node *dead = llist_reverse_order(llist_del_all(&resources->dead));
	struct vgpu_resource *res, *next;

	llist_for_each_entry_safe(res, next, dead, link) {
		vgpu_resource_free(res);
		cond_resched();
	}
}

/*
 * Often in an interrupt, where it cannot be freed. Many come one after the other: to wake
 * a worker for each costs more than to free it.
 */
static void vgpu_resource_last_put(struct kref *ref)
{
	struct vgpu_resource *res = container_of(ref, struct vgpu_resource, ref);
	struct vgpu_resources *resources = res->vgpu->resources;

	if (llist_add(&res->link, &resources->dead))
		queue_delayed_work(res->vgpu->wq, &resources->bury_work,
				   msecs_to_jiffies(VGPU_RESOURCE_BURY_MS));
}

/* To be called once: nobody names it any more. */
static void vgpu_resource_let_go(struct vgpu_resource *res)
{
	lockdep_assert_held(&res->vgpu->resources->lifecycle);

	if (!res->forgotten)
		vgpu_cmd_post_fenced(vgpu_cmd_resource_unref(res->vgpu->cmdq, res->id),
				     &res->owner, res->revoked);
	else if (res->revoked)
		vgpu_fence_complete(res->revoked, 0);
	kref_put(&res->ref, vgpu_resource_last_put);
}

static void vgpu_resource_unname(struct vgpu_resource *res)
{
	if (refcount_dec_and_test(&res->named))
		vgpu_resource_let_go(res);
}

static void vgpu_resources_let_go(struct work_struct *work)
{
	struct vgpu_resources *resources = container_of(work, struct vgpu_resources, let_go_work);
	struct llist_node *unnamed = llist_reverse_order(llist_del_all(&resources->unnamed));
	struct vgpu_resource *res, *next;
	struct vgpu_cmdq *q = NULL;

	down_read(&resources->lifecycle);
	llist_for_each_entry_safe(res, next, unnamed, link) {
		q = res->vgpu->cmdq;
		vgpu_resource_let_go(res);
	}
	up_read(&resources->lifecycle);
	if (q)
		vgpu_cmdq_kick(q);
}

static void vgpu_resources_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_resources *resources = ptr;

	xa_destroy(&resources->by_id);
}

/**
 * vgpu_resources_init() - prepare a device for resources
 * @vgpu: the device; what is allocated lives as long as it
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_resources_init(struct vgpu_device *vgpu)
{
	struct vgpu_resources *resources;

	resources = drmm_kzalloc(&vgpu->drm, sizeof(*resources), GFP_KERNEL);
	if (!resources)
		return -ENOMEM;
	xa_init_flags(&resources->by_id, XA_FLAGS_ALLOC1);
	init_llist_head(&resources->unnamed);
	INIT_WORK(&resources->let_go_work, vgpu_resources_let_go);
	init_llist_head(&resources->dead);
	INIT_DELAYED_WORK(&resources->bury_work, vgpu_resources_bury);
	resources->next_id = vgpu_resource_first;
	init_rwsem(&resources->lifecycle);
	vgpu->resources = resources;
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_resources_release, resources);
}

/**
 * vgpu_resources_flush() - free at once what would be freed soon
 * @vgpu: the device
 *
 * Context: process, may sleep.
 */
void vgpu_resources_flush(struct vgpu_device *vgpu)
{
	flush_work(&vgpu->resources->let_go_work);
	flush_delayed_work(&vgpu->resources->bury_work);
}

/**
 * vgpu_resources_count() - how many resources the host keeps for us
 * @vgpu: the device
 *
 * Return: a snapshot of the number.
 */
unsigned int vgpu_resources_count(struct vgpu_device *vgpu)
{
	return atomic_read(&vgpu->resources->count);
}

static const char *vgpu_resource_kind_name(const struct vgpu_resource *res,
					   enum vgpu_resource_kind kind)
{
	static const char * const blobs[] = {
		[VIRTIO_GPU_BLOB_MEM_GUEST] = "guest-blob",
		[VIRTIO_GPU_BLOB_MEM_HOST3D] = "host-blob",
		[VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST] = "mixed-blob",
	};

	switch (kind) {
	case VGPU_RESOURCE_2D:
		return "2d";
	case VGPU_RESOURCE_3D:
		return "3d";
	case VGPU_RESOURCE_BLOB:
		return blobs[res->blob_mem];
	default:
		return "none";
	}
}

static void vgpu_resource_print(const struct vgpu_resource *res, struct drm_printer *p)
{
	/* Pairs with the store in vgpu_resource_post_create(): the rest is filled in then. */
	enum vgpu_resource_kind kind = smp_load_acquire(&res->kind);

	if (kind == VGPU_RESOURCE_NONE)
		return;
	drm_printf(p, "%10u %-10s ", res->id, vgpu_resource_kind_name(res, kind));
	if (kind == VGPU_RESOURCE_BLOB)
		drm_printf(p, "%12llu %6u", res->size_bytes, res->blob_flags);
	else if (kind == VGPU_RESOURCE_2D)
		drm_printf(p, "%5ux%-6u %6u", res->width, res->height, res->format);
	else
		drm_printf(p, "%12s %6s", "-", "-");
	drm_printf(p, " %7u %6d%s%s%s\n", READ_ONCE(res->nr_entries),
		   vgpu_resource_error(res), READ_ONCE(res->retired) ? " retired" : "",
		   vgpu_resource_is_lost(res) ? " forgotten" : "",
		   READ_ONCE(res->stuck) ? " stuck" : "");
}

/**
 * vgpu_resources_print() - list all resources, for people
 * @vgpu: the device
 * @p: where to
 *
 * Context: process.
 */
void vgpu_resources_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_resources *resources = vgpu->resources;
	unsigned long id;
	void *entry;

	drm_printf(p, "%10s %-10s %12s %6s %7s %6s\n", "id", "kind", "size", "format",
		   "entries", "error");
	xa_lock(&resources->by_id);
	xa_for_each(&resources->by_id, id, entry) {
		if (xa_is_value(entry))
			drm_printf(p, "%10lu quarantine\n", id);
		else
			vgpu_resource_print(entry, p);
	}
	xa_unlock(&resources->by_id);
}

/* In place of a payer: the host has answered, there is nothing more to pay. */
static struct vgpu_cmd_owner vgpu_resource_paid;

/**
 * vgpu_resource_charge() - have a resource count for the budget of a client
 * @res: the resource, whose commands are posted
 * @payer: stands for the client
 * @size_bytes: memory the resource keeps
 *
 * It does until the host has answered the last of the commands that make it. To be
 * called once.
 *
 * Context: any.
 */
void vgpu_resource_charge(struct vgpu_resource *res, struct vgpu_cmd_owner *payer,
			  size_t size_bytes)
{
	res->charged_bytes = size_bytes;
	payer->ops->get(payer, size_bytes);
	if (cmpxchg(&res->payer, NULL, payer))
		payer->ops->put(payer, size_bytes, 0);
}

static void vgpu_resource_settle(struct vgpu_resource *res)
{
	struct vgpu_cmd_owner *payer = xchg(&res->payer, &vgpu_resource_paid);

	if (payer && payer != &vgpu_resource_paid)
		payer->ops->put(payer, res->charged_bytes, 0);
}

static struct vgpu_resource *owner_to_resource(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_resource, owner);
}

static void vgpu_resource_owner_get(struct vgpu_cmd_owner *owner, size_t size_bytes)
{
	kref_get(&owner_to_resource(owner)->ref);
}

static void vgpu_resource_owner_put(struct vgpu_cmd_owner *owner, size_t size_bytes, int error)
{
	kref_put(&owner_to_resource(owner)->ref, vgpu_resource_last_put);
}

static void vgpu_resource_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	struct vgpu_resource *res = owner_to_resource(owner);

	if (type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB ||
	    type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING)
		vgpu_resource_settle(res);
	if (!error)
		return;
	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		cmpxchg(&res->error, 0, error);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		/* A host that never made it need not let go of it. */
		if ((!READ_ONCE(res->error) || READ_ONCE(res->revoked)) &&
		    !vgpu_cmdq_error(res->vgpu->cmdq))
			WRITE_ONCE(res->stuck, true);
		break;
	}
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

static void vgpu_resource_cursor_get(struct vgpu_cmd_owner *cursor, size_t size_bytes)
{
	refcount_inc(&cursor_to_resource(cursor)->named);
}

static void vgpu_resource_cursor_put(struct vgpu_cmd_owner *cursor, size_t size_bytes, int error)
{
	struct vgpu_resource *res = cursor_to_resource(cursor);
	struct vgpu_resources *resources = res->vgpu->resources;

	if (refcount_dec_and_test(&res->named) && llist_add(&res->link, &resources->unnamed))
		queue_work(res->vgpu->wq, &resources->let_go_work);
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
 * vgpu_resource_init() - give a resource its id
 * @vgpu: the device
 * @res: the resource, zeroed
 * @free: frees what embeds @res; called in process context by
 *        vgpu_resource_retire() or later
 *
 * Context: process, may sleep.
 * Return: 0; -ENOSPC when all ids are taken; -ENOMEM. Even after an error the
 * resource is to be given to vgpu_resource_retire().
 */
int vgpu_resource_init(struct vgpu_device *vgpu, struct vgpu_resource *res,
		       void (*free)(struct vgpu_resource *res))
{
	u32 id;
	int ret;

	res->owner.ops = &vgpu_resource_owner_ops;
	res->cursor.ops = &vgpu_resource_cursor_ops;
	refcount_set(&res->named, 1);
	res->vgpu = vgpu;
	res->free = free;
	kref_init(&res->ref);
	/* For @named. */
	kref_get(&res->ref);
	ret = xa_alloc_cyclic(&vgpu->resources->by_id, &id, res, XA_LIMIT(1, INT_MAX),
			      &vgpu->resources->next_id, GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		return ret == -EBUSY ? -ENOSPC : ret;
	res->id = id;
	return 0;
}

/**
 * vgpu_resource_retire() - let go of a resource
 * @res: the resource; not to be used afterwards
 *
 * The memory is freed when the host has let go as well.
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_resource_retire(struct vgpu_resource *res)
{
	struct vgpu_resources *resources = res->vgpu->resources;

	if (res->kind == VGPU_RESOURCE_NONE) {
		vgpu_resource_free(res);
		return;
	}
	down_read(&resources->lifecycle);
	WRITE_ONCE(res->retired, true);
	if (!res->revoked)
		vgpu_resource_unname(res);
	up_read(&resources->lifecycle);
	kref_put(&res->ref, vgpu_resource_last_put);
}

/**
 * vgpu_resource_try_get() - take a reference to a resource that may be on its way out
 * @res: the resource, whose memory is there
 *
 * Return: false when its last reference is gone.
 */
bool vgpu_resource_try_get(struct vgpu_resource *res)
{
	return kref_get_unless_zero(&res->ref);
}

/**
 * vgpu_resource_put() - drop a reference to a resource
 * @res: the resource
 *
 * Context: any.
 */
void vgpu_resource_put(struct vgpu_resource *res)
{
	kref_put(&res->ref, vgpu_resource_last_put);
}

/**
 * vgpu_resource_revoke() - have the host let go of a resource before its time
 * @res: the resource, whose pages are being taken away
 * @fence: signals when the host has let go
 *
 * It answers -EIO from now on, and is not made again after a reset.
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: false when that is under way already; then @fence is left to the caller.
 */
bool vgpu_resource_revoke(struct vgpu_resource *res, struct vgpu_fence *fence)
{
	struct vgpu_resources *resources = res->vgpu->resources;
	struct vgpu_cmdq *q = res->vgpu->cmdq;
	bool known;

	down_write(&resources->lifecycle);
	known = !res->retired && !res->forgotten && !res->revoked;
	cmpxchg(&res->error, 0, -EIO);
	if (known) {
		dma_fence_get(&fence->base);
		WRITE_ONCE(res->revoked, fence);
		if (resources->hide)
			resources->hide(res->vgpu, res->id);
		vgpu_resource_unname(res);
	}
	up_write(&resources->lifecycle);
	vgpu_cmdq_kick(q);
	return known;
}

/**
 * vgpu_resource_is_lost() - did it go with the device, for good?
 * @res: the resource
 *
 * Return: true if the host has forgotten it, or is about to, and it cannot be made again.
 */
bool vgpu_resource_is_lost(const struct vgpu_resource *res)
{
	return READ_ONCE(res->forgotten) || READ_ONCE(res->revoked);
}

static int vgpu_resource_post_create(struct vgpu_resource *res, enum vgpu_resource_kind kind,
				     struct vgpu_cmd *cmd)
{
	struct vgpu_resources *resources = res->vgpu->resources;
	int ret;

	down_read(&resources->lifecycle);
	ret = vgpu_cmd_post(cmd, &res->owner);
	if (!ret) {
		/* Who sees it sees all that was filled in before. */
		smp_store_release(&res->kind, kind);
		atomic_inc(&resources->count);
	}
	up_read(&resources->lifecycle);
	return ret;
}

/**
 * vgpu_resource_set_pages() - have a resource keep its pages, or none
 * @res: the resource
 * @pages: the pages, mapped for the device; or NULL
 *
 * Context: process, the reservation of the buffer held once others may see it.
 */
void vgpu_resource_set_pages(struct vgpu_resource *res, struct sg_table *pages)
{
	res->pages = pages;
	WRITE_ONCE(res->nr_entries, pages ? pages->orig_nents : 0);
}

/**
 * vgpu_resource_create_2d() - have the host make a picture
 * @res: the resource
 * @format: enum virtio_gpu_formats
 * @width: pixels
 * @height: pixels
 *
 * Context: process, may sleep.
 * Return: 0; what the host says becomes the resource's error.
 */
int vgpu_resource_create_2d(struct vgpu_resource *res, u32 format, u32 width, u32 height)
{
	res->format = format;
	res->width = width;
	res->height = height;
	return vgpu_resource_post_create(res, VGPU_RESOURCE_2D,
					 vgpu_cmd_resource_create_2d(res->vgpu->cmdq, res->id,
								     format, width, height));
}

/**
 * vgpu_resource_create_3d() - have the host make a texture or a buffer
 * @res: the resource
 * @texture: what it shall be
 *
 * Context: process, may sleep.
 * Return: 0; what the host says becomes the resource's error.
 */
int vgpu_resource_create_3d(struct vgpu_resource *res, const struct vgpu_texture *texture)
{
	res->width = texture->width;
	res->height = texture->height;
	res->layered = texture->depth > 1 || texture->array_size > 1;
	res->is_texture = texture->target != VGPU_RESOURCE_TARGET_BUFFER;
	return vgpu_resource_post_create(res, VGPU_RESOURCE_3D,
					 vgpu_cmd_resource_create_3d(res->vgpu->cmdq, res->id, 0,
								     texture));
}

/**
 * vgpu_resource_create_blob() - have the host make a blob
 * @res: the resource
 * @ctx_id: context whose memory it is, or 0
 * @blob_mem: VIRTIO_GPU_BLOB_MEM_*
 * @blob_flags: VIRTIO_GPU_BLOB_FLAG_*
 * @blob_id: the host's name of the memory, 0 for guest memory
 * @size_bytes: size, a multiple of the blob alignment
 * @pages: guest memory mapped for the device, or NULL
 *
 * Context: process, may sleep.
 * Return: 0, or an error of vgpu_cmd_resource_create_blob().
 */
int vgpu_resource_create_blob(struct vgpu_resource *res, u32 ctx_id, u32 blob_mem,
			      u32 blob_flags, u64 blob_id, u64 size_bytes,
			      struct sg_table *pages)
{
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_resource_create_blob(res->vgpu->cmdq, res->id, ctx_id, blob_mem,
					    blob_flags, blob_id, size_bytes, pages);
	res->blob_mem = blob_mem;
	res->blob_flags = blob_flags;
	res->size_bytes = size_bytes;
	vgpu_resource_set_pages(res, pages);
	return vgpu_resource_post_create(res, VGPU_RESOURCE_BLOB, cmd);
}

/*
 * Virglrenderer reads no more than the first layer back into memory that is in one piece;
 * into two it copies all (seen of 1.1).
 */
static struct vgpu_cmd *vgpu_resource_attach_cmd(struct vgpu_resource *res,
						 struct sg_table *pages)
{
	return vgpu_cmd_attach_backing(res->vgpu->cmdq, res->id, pages, res->layered ? 2 : 1);
}

/**
 * vgpu_resource_attach() - tell the host where a resource's pages are
 * @res: the resource, created
 * @pages: the pages, mapped for the device; they stay until @free, or until the command of
 *         vgpu_resource_send_detach() is answered well
 *
 * Context: process, may sleep.
 * Return: 0; -EIO when the host has lost the resource; or an error of
 * vgpu_cmd_attach_backing().
 */
int vgpu_resource_attach(struct vgpu_resource *res, struct sg_table *pages)
{
	struct vgpu_cmd *cmd = vgpu_resource_attach_cmd(res, pages);
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
 * vgpu_resource_send_detach() - have the host let go of a resource's pages
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

/* What has its content in our pages can be made again. */
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

static void vgpu_resource_restore(struct vgpu_resource *res)
{
	int ret;

	/* The new host never knew it, so that there is nothing to let go of. */
	if (res->retired || res->revoked)
		WRITE_ONCE(res->forgotten, true);
	if (res->forgotten || res->kind == VGPU_RESOURCE_NONE)
		return;
	WRITE_ONCE(res->error, 0);
	WRITE_ONCE(res->stuck, false);
	ret = vgpu_cmd_post(vgpu_resource_make_again(res), &res->owner);
	if (!ret && res->kind == VGPU_RESOURCE_2D && res->pages)
		ret = vgpu_cmd_post(vgpu_resource_attach_cmd(res, res->pages), &res->owner);
	if (!ret)
		return;
	cmpxchg(&res->error, 0, ret);
	if (ret != -EIO)
		return;
	WRITE_ONCE(res->forgotten, true);
	if (res->forget)
		res->forget(res);
}

/**
 * vgpu_resources_set_hide() - tell who is asked to show a resource no more
 * @vgpu: the device, not registered yet
 * @hide: has nothing show the resource of an id any more; called with resources locked,
 *        may sleep, does not wait for the host
 */
void vgpu_resources_set_hide(struct vgpu_device *vgpu,
			     void (*hide)(struct vgpu_device *vgpu, u32 id))
{
	vgpu->resources->hide = hide;
}

/**
 * vgpu_resources_lock() - have no resource lost until vgpu_resources_unlock()
 * @vgpu: the device
 *
 * What vgpu_resource_is_lost() says stays so, for who is about to name a resource to the
 * host. Inside of it vgpu_resource_retire() and what creates are not to be called.
 *
 * Context: process, may sleep; not held while the host is waited for.
 */
void vgpu_resources_lock(struct vgpu_device *vgpu)
{
	down_read(&vgpu->resources->lifecycle);
}

/**
 * vgpu_resources_unlock() - undo vgpu_resources_lock()
 * @vgpu: the device
 *
 * Context: process.
 */
void vgpu_resources_unlock(struct vgpu_device *vgpu)
{
	up_read(&vgpu->resources->lifecycle);
}

/**
 * vgpu_resources_freeze() - make and retire no resources until vgpu_resources_thaw()
 * @vgpu: the device, about to be started anew
 *
 * So that each is made once: by vgpu_resources_restore() or, later, by who wants it.
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_resources_freeze(struct vgpu_device *vgpu)
{
	down_write(&vgpu->resources->lifecycle);
}

/**
 * vgpu_resources_thaw() - undo vgpu_resources_freeze()
 * @vgpu: the device
 *
 * Context: process.
 */
void vgpu_resources_thaw(struct vgpu_device *vgpu)
{
	up_write(&vgpu->resources->lifecycle);
}

/**
 * vgpu_resources_restore() - make all resources again after a reset of the device
 * @vgpu: the device, restarted, its resources frozen
 *
 * Pictures and guest blobs have their content in our pages; the host gets them
 * anew. What the host's renderer made is lost and answers -EIO from now on.
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_resources_restore(struct vgpu_device *vgpu)
{
	struct vgpu_resources *resources = vgpu->resources;
	unsigned long id;
	void *entry;

	lockdep_assert_held_write(&resources->lifecycle);

	/* What was refused meanwhile has its error now, not after it was made again. */
	vgpu_cmdq_poll(vgpu->cmdq);
	xa_for_each(&resources->by_id, id, entry) {
		struct vgpu_resource *res = entry;

		if (xa_is_value(entry)) {
			xa_erase(&resources->by_id, id);
			continue;
		}
		xa_lock(&resources->by_id);
		if (xa_load(&resources->by_id, id) != res || !kref_get_unless_zero(&res->ref))
			res = NULL;
		xa_unlock(&resources->by_id);
		if (!res)
			continue;
		vgpu_resource_restore(res);
		kref_put(&res->ref, vgpu_resource_last_put);
	}
	vgpu_cmdq_kick(vgpu->cmdq);
}
