// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: attachments
 *
 * A context may use a resource while the file has a handle of the resource's buffer. The first
 * handle attaches the resource and the last one detaches it. Buffers that the file opens before
 * the host's context exists are attached when it is created.
 *
 * A DETACH that waits for room in the ring is taken back when the file opens the buffer again, and
 * when the file is closed. An ATTACH is never taken back: the host must see it.
 */

#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>

#include "object/vgpu_attachment.h"
#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_gem.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_submitq.h"

/**
 * struct vgpu_attachment - A resource that a context may use
 * @res: the resource; valid while @handles is not 0, since the handles keep it
 * @res_id: id of @res, the key of &vgpu_attachments.by_id
 * @by_id: entry of &vgpu_attachments.by_id
 * @handles: number of handles that the file has of the buffer; 0 once @detach was posted
 * @detach: CTX_DETACH_RESOURCE, once it was posted; or NULL
 * @node: entry of &vgpu_attachments.leaving once @detach was posted
 */
struct vgpu_attachment {
	struct vgpu_resource *res;
	u32 res_id;
	struct hlist_node by_id;
	unsigned int handles;
	struct vgpu_cmd *detach;
	struct list_head node;
};

/**
 * vgpu_attachments_init() - Initialise the attachments of a context
 * @attachments: the attachments, zeroed; mutex_destroy() undoes this once all are put
 *
 * Context: process.
 */
void vgpu_attachments_init(struct vgpu_attachments *attachments)
{
	mutex_init(&attachments->lock);
	hash_init(attachments->by_id);
	INIT_LIST_HEAD(&attachments->leaving);
}

static void vgpu_attachment_free_locked(struct vgpu_attachments *attachments,
					struct vgpu_attachment *attachment)
{
	lockdep_assert_held(&attachments->lock);

	hash_del(&attachment->by_id);
	list_del(&attachment->node);
	vgpu_cmd_put(attachment->detach);
	kfree(attachment);
}

static struct vgpu_attachment *
vgpu_attachment_find_locked(struct vgpu_attachments *attachments, u32 res_id)
{
	struct vgpu_attachment *attachment;

	lockdep_assert_held(&attachments->lock);

	hash_for_each_possible(attachments->by_id, attachment, by_id, res_id)
		if (attachment->res_id == res_id)
			return attachment;
	return NULL;
}

/*
 * Free attachments whose DETACH the host has answered. The host answers in the order sent. With
 * @all, a DETACH that is not in the ring yet is taken back, and all attachments are freed.
 */
static void vgpu_attachments_reap_locked(struct vgpu_attachments *attachments, bool all)
{
	struct vgpu_attachment *attachment, *next;

	lockdep_assert_held(&attachments->lock);

	list_for_each_entry_safe(attachment, next, &attachments->leaving, node) {
		if (all)
			vgpu_cmd_take_back(attachment->detach);
		else if (!vgpu_cmd_is_answered(attachment->detach))
			break;
		vgpu_attachment_free_locked(attachments, attachment);
	}
}

/**
 * vgpu_attachments_close() - Take back the DETACHs that are not in the ring yet
 * @attachments: attachments of a context whose CTX_DESTROY, which detaches all, is coming
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_attachments_close(struct vgpu_attachments *attachments)
{
	guard(mutex)(&attachments->lock);
	vgpu_attachments_reap_locked(attachments, true);
}

/*
 * Takes over the entry of a command that waits in the submission queue; or NULL.
 *
 * The host may refuse the creation after this. Then it ignores or refuses the ATTACH, too, which
 * changes nothing for the context. To wait for the answer would delay the use of each new resource.
 */
static void vgpu_attachment_post_locked(struct vgpu_context *ctx, struct vgpu_resource *res,
					struct vgpu_submitq_entry *entry)
{
	lockdep_assert_held(&ctx->attachments.lock);

	/* The host knows no resource that it refused to create. */
	if (vgpu_resource_is_refused(res)) {
		vgpu_submitq_abandon(entry);
		return;
	}
	/* The command needs no reference to the resource: UNREF follows it in the same queue. */
	vgpu_submitq_post(entry, vgpu_cmd_ctx_attach(ctx->vgpu->cmdq, ctx->id, res->id),
			  &ctx->owner, NULL);
}

/**
 * vgpu_attachments_post_locked() - Send CTX_ATTACH_RESOURCE for all resources of a new context
 * @ctx: the context, whose CTX_CREATE was posted; the caller holds the lock of its attachments
 *       until it has set VGPU_CONTEXT_LIVE
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_attachments_post_locked(struct vgpu_context *ctx)
{
	struct vgpu_attachment *attachment;
	unsigned int bucket;

	lockdep_assert_held(&ctx->attachments.lock);

	hash_for_each(ctx->attachments.by_id, bucket, attachment, by_id)
		vgpu_attachment_post_locked(ctx, attachment->res, NULL);
}

static int vgpu_attachment_create_locked(struct vgpu_context *ctx, struct vgpu_resource *res,
					 struct vgpu_submitq_entry **entry)
{
	struct vgpu_attachment *attachment;
	int ret;

	lockdep_assert_held(&ctx->attachments.lock);

	ret = vgpu_context_error(ctx);
	if (ret)
		return ret;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return -ENOMEM;

	attachment->res = res;
	attachment->res_id = res->id;
	attachment->handles = 1;
	INIT_LIST_HEAD(&attachment->node);
	hash_add(ctx->attachments.by_id, &attachment->by_id, res->id);
	if (vgpu_context_state(ctx) == VGPU_CONTEXT_LIVE) {
		vgpu_attachment_post_locked(ctx, res, *entry);
		*entry = NULL;
	}
	return 0;
}

/*
 * Count one more handle of an attachment. If its DETACH is not in the ring yet, take the DETACH
 * back, so the resource stays attached. Otherwise free the attachment and return false.
 */
static bool vgpu_attachment_reuse_locked(struct vgpu_attachments *attachments,
					 struct vgpu_attachment *attachment)
{
	lockdep_assert_held(&attachments->lock);

	if (!attachment->handles) {
		if (!vgpu_cmd_take_back(attachment->detach)) {
			vgpu_attachment_free_locked(attachments, attachment);
			return false;
		}
		vgpu_cmd_put(attachment->detach);
		attachment->detach = NULL;
		list_del_init(&attachment->node);
	}
	attachment->handles++;
	return true;
}

static void vgpu_attachment_end_turn(void *gem)
{
	vgpu_gem_put(gem);
}

/**
 * vgpu_attachment_prepare_turn() - Allocate the entry of a command about a buffer that must wait
 * @gem: the buffer, which the entry keeps until the command is posted
 * @sq: the submission queue of the client
 *
 * Context: process, may sleep.
 * Return: see vgpu_submitq_prepare().
 */
struct vgpu_submitq_entry *vgpu_attachment_prepare_turn(struct vgpu_gem *gem,
							struct vgpu_submitq *sq)
{
	struct vgpu_submitq_entry *entry = vgpu_submitq_prepare(sq, NULL);

	if (IS_ERR_OR_NULL(entry))
		return entry;
	drm_gem_object_get(&gem->base.base);
	vgpu_submitq_keep(entry, vgpu_attachment_end_turn, gem);
	return entry;
}

/**
 * vgpu_attachment_open() - Implement &drm_gem_object_funcs.open
 * @obj: the buffer
 * @file: the file that gets one more handle of it
 *
 * The first handle sends CTX_ATTACH_RESOURCE: at once, when the host's context is created, or
 * behind the creation of a buffer that waits in the submission queue of the file's context. The
 * context of another file would have to wait for that creation. So PRIME exports such a buffer only
 * later, and a name of it is -EBUSY.
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -ENOMEM; -EBUSY for a buffer of another client that still waits to be created; or the
 * sticky error of the context of the file.
 */
int vgpu_attachment_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct vgpu_context *ctx = vgpu_context_of(file);
	struct vgpu_attachments *attachments = &ctx->attachments;
	struct vgpu_resource *res = &to_vgpu_gem(obj)->res;
	struct vgpu_submitq_entry *entry = NULL;
	struct vgpu_attachment *attachment;
	int ret = 0;

	if (!ctx->vgpu->features.virgl)
		return 0;

	if (vgpu_resource_is_waiting(res)) {
		if (res->ctx_id != ctx->id)
			return -EBUSY;
		entry = vgpu_attachment_prepare_turn(to_vgpu_gem(obj), ctx->submitq);
		if (IS_ERR(entry))
			return PTR_ERR(entry);
	}

	mutex_lock(&attachments->lock);
	attachment = vgpu_attachment_find_locked(attachments, res->id);
	if (!attachment || !vgpu_attachment_reuse_locked(attachments, attachment))
		ret = vgpu_attachment_create_locked(ctx, res, &entry);
	mutex_unlock(&attachments->lock);
	vgpu_submitq_abandon(entry);
	return ret;
}

/*
 * Build the DETACH of a resource, or return NULL if none is to be sent. CTX_DESTROY and UNREF also
 * detach the resource, so the driver leaves it to them if a DETACH would overtake waiting
 * submissions, or if there is no memory for one. A resource that the host refused to create was
 * never attached.
 */
static struct vgpu_cmd *vgpu_attachment_new_detach(struct vgpu_context *ctx,
						   struct vgpu_resource *res)
{
	struct vgpu_cmd *detach;

	if (vgpu_context_state(ctx) != VGPU_CONTEXT_LIVE || vgpu_submitq_is_busy(ctx->submitq) ||
	    vgpu_resource_is_refused(res))
		return NULL;
	detach = vgpu_cmd_ctx_detach(ctx->vgpu->cmdq, ctx->id, res->id);
	return IS_ERR(detach) ? NULL : detach;
}

/* Drop a handle. With the last one, detach the resource; if @tell, by CTX_DETACH_RESOURCE. */
static void vgpu_attachment_drop(struct vgpu_context *ctx, struct vgpu_resource *res, bool tell)
{
	struct vgpu_attachments *attachments = &ctx->attachments;
	struct vgpu_attachment *attachment;

	guard(mutex)(&attachments->lock);
	vgpu_attachments_reap_locked(attachments, false);
	attachment = vgpu_attachment_find_locked(attachments, res->id);
	if (!attachment || --attachment->handles)
		return;

	if (tell)
		attachment->detach = vgpu_attachment_new_detach(ctx, res);
	if (attachment->detach) {
		atomic_inc(&attachments->nr_detached);
		list_add_tail(&attachment->node, &attachments->leaving);
		/* No owner: CTX_DESTROY follows in the same queue and keeps the context's id. */
		vgpu_cmd_post(vgpu_cmd_get(attachment->detach), NULL);
	} else {
		vgpu_attachment_free_locked(attachments, attachment);
	}
}

/**
 * vgpu_attachment_close() - Implement &drm_gem_object_funcs.close
 * @obj: the buffer
 * @file: the file that gives up a handle of it
 *
 * Context: process, may sleep; waits neither for the host nor for memory.
 */
void vgpu_attachment_close(struct drm_gem_object *obj, struct drm_file *file)
{
	struct vgpu_resource *res = &to_vgpu_gem(obj)->res;
	struct vgpu_context *ctx = vgpu_context_of(file);

	if (!ctx->vgpu->features.virgl)
		return;

	/*
	 * With the last handle, UNREF follows and detaches the resource from all contexts. The
	 * count is read without its lock: a wrong guess costs one command.
	 */
	if (data_race(obj->handle_count) == 1 && kref_read(&obj->refcount) == 1) {
		vgpu_attachment_drop(ctx, res, false);
		return;
	}

	/* EXECBUFFER and transfers check the handle under this lock before they post. */
	dma_resv_lock(obj->resv, NULL);
	vgpu_attachment_drop(ctx, res, true);
	dma_resv_unlock(obj->resv);
}
