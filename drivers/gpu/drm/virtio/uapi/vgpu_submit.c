// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: EXECBUFFER
 *
 * The ioctl takes a command stream to the ring in four steps: check the arguments; wait at entry
 * while the client is throttled; gather everything that the submission needs (command, buffers,
 * syncobjs, file descriptor, event, and an entry in the submission queue if it has a dependency);
 * commit. All errors happen before the commit, which makes the new fence visible everywhere at
 * once. The client never waits for a fence.
 */

#include <linux/cleanup.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>
#include <linux/sync_file.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_reclaim.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_payload.h"
#include "protocol/vgpu_submitq.h"
#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_ioctl.h"
#include "uapi/vgpu_sync.h"

/* Number of buffers that one EXECBUFFER may name. */
#define VGPU_SUBMIT_MAX_BOS	65536

/* Up to this number, the array of buffers needs no allocation. */
#define VGPU_SUBMIT_FEW_BOS	32

/* Number of handles that are read at a time. */
#define VGPU_SUBMIT_CHUNK	32

/**
 * struct vgpu_submit_event - The event for a fence of a polled ring
 * @base: bookkeeping of the DRM core
 * @event: what user space reads
 * @drm: the device
 * @cb: callback on the fence
 */
struct vgpu_submit_event {
	struct drm_pending_event base;
	struct drm_event event;
	struct drm_device *drm;
	struct dma_fence_cb cb;
};

/**
 * struct vgpu_submit - All that one EXECBUFFER gathers
 * @vgpu: the device
 * @file: the client
 * @ctx: the file's context
 * @args: arguments of the ioctl
 * @timeline: timeline of @fence
 * @cmd: the command, NULL once posted
 * @few: array on the stack for VGPU_SUBMIT_FEW_BOS buffers
 * @objs: the buffers, referenced: @few, or an allocated array
 * @num_objs: number of @objs
 * @nr_detached: &vgpu_attachments.nr_detached before @objs were looked up
 * @dep: the dependency, or NULL
 * @entry: entry in the submission queue, NULL if the submission need not wait
 * @in: in-syncobjs, some of them to reset
 * @out: syncobjs to signal
 * @fence: signals when the stream is executed; NULL if no client could see it
 * @sync_file: sync_file of @fence, NULL when not asked for
 * @fd: reserved for @sync_file, -1 when not asked for
 * @event: event of a polled ring; NULL if none is to be sent, or once handed on
 */
struct vgpu_submit {
	struct vgpu_device *vgpu;
	struct drm_file *file;
	struct vgpu_context *ctx;
	struct drm_virtgpu_execbuffer *args;
	struct vgpu_timeline *timeline;
	struct vgpu_cmd *cmd;
	struct drm_gem_object **few;
	struct drm_gem_object **objs;
	u32 num_objs;
	int nr_detached;
	struct dma_fence *dep;
	struct vgpu_submitq_entry *entry;
	struct vgpu_sync in;
	struct vgpu_sync out;
	struct vgpu_fence *fence;
	struct sync_file *sync_file;
	int fd;
	struct vgpu_submit_event *event;
};

static int vgpu_submit_check(struct drm_device *drm, const struct drm_virtgpu_execbuffer *args)
{
	if (args->flags & ~VIRTGPU_EXECBUF_FLAGS)
		return vgpu_refuse(drm, EINVAL, "flags: %#x are unknown\n", args->flags);
	if (args->num_bo_handles > VGPU_SUBMIT_MAX_BOS)
		return vgpu_refuse(drm, ENOMEM, "num_bo_handles: %u is too many\n",
				   args->num_bo_handles);
	return 0;
}

static int vgpu_submit_choose_ring(struct vgpu_submit *submit)
{
	struct drm_virtgpu_execbuffer *args = submit->args;

	submit->timeline = submit->ctx->timeline;
	if (!(args->flags & VIRTGPU_EXECBUF_RING_IDX))
		return 0;
	submit->timeline = vgpu_context_ring(submit->ctx, args->ring_idx);
	if (!submit->timeline)
		return vgpu_refuse(&submit->vgpu->drm, EINVAL, "ring_idx: context has no ring %u\n",
				   args->ring_idx);
	return 0;
}

static int vgpu_submit_find_object_locked(struct vgpu_submit *submit, u32 handle)
{
	struct drm_gem_object *obj;

	lockdep_assert_held(&submit->file->table_lock);

	obj = idr_find(&submit->file->object_idr, handle);
	if (!obj)
		return vgpu_refuse(&submit->vgpu->drm, ENOENT,
				   "bo_handles: no buffer has the handle %u\n", handle);

	drm_gem_object_get(obj);
	submit->objs[submit->num_objs++] = obj;
	if (vgpu_resource_error(&to_vgpu_gem(obj)->res))
		return vgpu_refuse(&submit->vgpu->drm, EIO,
				   "bo_handles: host refused or lost buffer %u\n", handle);
	return 0;
}

/* Look up the next @count buffers: read their handles at once, and take the lock once. */
static int vgpu_submit_find_chunk(struct vgpu_submit *submit, const u32 __user *from, u32 count)
{
	u32 handles[VGPU_SUBMIT_CHUNK] __uninitialized;
	int ret;
	u32 i;

	ret = vgpu_payload_read_words(handles, from, count);
	if (ret)
		return ret;

	guard(spinlock)(&submit->file->table_lock);
	for (i = 0; i < count && !ret; i++)
		ret = vgpu_submit_find_object_locked(submit, handles[i]);
	return ret;
}

static int vgpu_submit_find_objects(struct vgpu_submit *submit)
{
	const u32 __user *from = u64_to_user_ptr(submit->args->bo_handles);
	u32 left = submit->args->num_bo_handles, count;
	int ret;

	submit->nr_detached = atomic_read(&submit->ctx->attachments.nr_detached);
	if (left > VGPU_SUBMIT_FEW_BOS) {
		submit->objs = kvmalloc_array(left, sizeof(*submit->objs), GFP_KERNEL_ACCOUNT);
		if (!submit->objs)
			return -ENOMEM;
	}

	for (; left; left -= count, from += count) {
		count = min(left, VGPU_SUBMIT_CHUNK);
		ret = vgpu_submit_find_chunk(submit, from, count);
		if (ret)
			return ret;
	}
	return 0;
}

static int vgpu_submit_reserve_event(struct vgpu_submit *submit)
{
	struct drm_virtgpu_execbuffer *args = submit->args;
	struct drm_device *drm = &submit->vgpu->drm;
	struct vgpu_submit_event *event;
	int ret;

	if (!(args->flags & VIRTGPU_EXECBUF_RING_IDX) ||
	    !(submit->ctx->params.poll_mask & BIT_ULL(args->ring_idx)))
		return 0;

	event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	if (!event)
		return -ENOMEM;

	event->drm = drm;
	event->event.type = VIRTGPU_EVENT_FENCE_SIGNALED;
	event->event.length = sizeof(event->event);
	ret = drm_event_reserve_init(drm, submit->file, &event->base, &event->event);
	if (ret) {
		drm_dbg(drm, "the file has no room for an event: read the pending ones\n");
		kfree(event);
		return ret;
	}
	submit->event = event;
	return 0;
}

static int vgpu_submit_gather(struct vgpu_submit *submit)
{
	struct drm_virtgpu_execbuffer *args = submit->args;
	int ret;

	submit->cmd = vgpu_cmd_submit_3d(submit->vgpu->cmdq, submit->ctx->id,
					 u64_to_user_ptr(args->command), args->size);
	if (IS_ERR(submit->cmd)) {
		drm_dbg(&submit->vgpu->drm, "size: cannot submit a stream of %u bytes: %pe\n",
			args->size, submit->cmd);
		return PTR_ERR(submit->cmd);
	}

	if (args->flags & VIRTGPU_EXECBUF_RING_IDX)
		vgpu_cmd_set_ring(submit->cmd, args->ring_idx);

	ret = vgpu_submit_find_objects(submit);
	if (ret)
		return ret;

	if (submit->out.count) {
		ret = vgpu_sync_find_out(&submit->out);
		if (ret)
			return ret;
	}

	if (args->flags & VIRTGPU_EXECBUF_FENCE_FD_OUT) {
		submit->fd = get_unused_fd_flags(O_CLOEXEC);
		if (submit->fd < 0)
			return submit->fd;
	}
	return vgpu_submit_reserve_event(submit);
}

/* Add a fence to the dependency, unless the host waits for it anyway. Takes over the reference. */
static int vgpu_submit_depend(struct vgpu_submit *submit, struct dma_fence *fence)
{
	int ret = vgpu_submitq_depend(submit->ctx->submitq, submit->timeline, &submit->dep, fence);

	dma_fence_put(fence);
	return ret;
}

static int vgpu_submit_find_deps(struct vgpu_submit *submit)
{
	struct drm_virtgpu_execbuffer *args = submit->args;
	struct dma_fence *fence;
	int ret = 0;
	u32 i;

	if (args->flags & VIRTGPU_EXECBUF_FENCE_FD_IN) {
		fence = sync_file_get_fence(args->fence_fd);
		if (!fence)
			return vgpu_refuse(&submit->vgpu->drm, EINVAL,
					   "fence_fd: %d is no sync_file\n", args->fence_fd);
		ret = vgpu_submit_depend(submit, fence);
	}

	for (i = 0; i < args->num_in_syncobjs && !ret; i++) {
		ret = vgpu_sync_find_in(&submit->in, i, &fence);
		if (!ret)
			ret = vgpu_submit_depend(submit, fence);
	}
	return ret;
}

/* Buffers of a waiting submission, referenced until it is posted. */
struct vgpu_submit_kept {
	u32 num_objs;
	struct drm_gem_object *objs[] __counted_by(num_objs);
};

static void vgpu_submit_release_kept(void *ptr)
{
	struct vgpu_submit_kept *kept = ptr;
	u32 i;

	for (i = 0; i < kept->num_objs; i++)
		drm_gem_object_put(kept->objs[i]);
	kvfree(kept);
}

/* Allocate the entry in the submission queue, if the submission must wait. */
static int vgpu_submit_prepare(struct vgpu_submit *submit)
{
	struct vgpu_submit_kept *kept;
	u32 i;

	submit->entry = vgpu_submitq_prepare(submit->ctx->submitq, submit->dep);
	if (IS_ERR_OR_NULL(submit->entry))
		return PTR_ERR_OR_ZERO(submit->entry);

	kept = kvzalloc(struct_size(kept, objs, submit->num_objs), GFP_KERNEL_ACCOUNT);
	if (!kept)
		return -ENOMEM;

	kept->num_objs = submit->num_objs;
	for (i = 0; i < submit->num_objs; i++) {
		drm_gem_object_get(submit->objs[i]);
		kept->objs[i] = submit->objs[i];
	}
	vgpu_submitq_keep(submit->entry, vgpu_submit_release_kept, kept);
	return 0;
}

static int vgpu_submit_compare(const void *a, const void *b)
{
	const struct drm_gem_object *x = *(void **)a, *y = *(void **)b;

	return x < y ? -1 : x > y;
}

/* Keep one reference to a buffer that is named twice, since it can be locked only once. */
static void vgpu_submit_drop_duplicates(struct vgpu_submit *submit)
{
	struct drm_gem_object **objs = submit->objs;
	u32 i, kept = 1;

	sort(objs, submit->num_objs, sizeof(*objs), vgpu_submit_compare, NULL);
	for (i = 1; i < submit->num_objs; i++) {
		if (objs[i] == objs[kept - 1])
			drm_gem_object_put(objs[i]);
		else
			objs[kept++] = objs[i];
	}
	submit->num_objs = kept;
}

static int vgpu_submit_lock(struct vgpu_submit *submit, struct ww_acquire_ctx *ticket)
{
	int ret;

	if (!submit->num_objs)
		return 0;

	/* A single reservation needs no acquire context: there is no order to get wrong. */
	if (submit->args->num_bo_handles == 1)
		return dma_resv_lock_interruptible(submit->objs[0]->resv, NULL);

	ret = drm_gem_lock_reservations(submit->objs, submit->num_objs, ticket);
	if (ret == -EALREADY) {
		vgpu_submit_drop_duplicates(submit);
		ret = drm_gem_lock_reservations(submit->objs, submit->num_objs, ticket);
	}
	return ret;
}

static void vgpu_submit_unlock(struct vgpu_submit *submit, struct ww_acquire_ctx *ticket)
{
	if (submit->args->num_bo_handles == 1)
		dma_resv_unlock(submit->objs[0]->resv);
	else if (submit->num_objs)
		drm_gem_unlock_reservations(submit->objs, submit->num_objs, ticket);
}

/* Attach the pages of each buffer if reclaim has detached them, and make room for the fence. */
static int vgpu_submit_reserve(struct vgpu_submit *submit)
{
	struct drm_gem_object *obj;
	int ret = 0;
	u32 i;

	for (i = 0; i < submit->num_objs && !ret; i++) {
		obj = submit->objs[i];
		ret = vgpu_reclaim_use_locked(to_vgpu_gem(obj));
		if (!ret)
			ret = dma_resv_reserve_fences(obj->resv, 1);
	}
	return ret;
}

static int vgpu_submit_create_fence(struct vgpu_submit *submit)
{
	struct vgpu_fence *fence;

	if (!submit->num_objs && submit->fd < 0 && !submit->out.count && !submit->event)
		return 0;

	fence = vgpu_fence_create(submit->timeline);
	if (IS_ERR(fence))
		return PTR_ERR(fence);

	if (submit->fd >= 0) {
		submit->sync_file = sync_file_create(&fence->base);
		if (!submit->sync_file) {
			vgpu_fence_put(fence);
			return -ENOMEM;
		}
	}
	submit->fence = fence;
	return 0;
}

static void vgpu_submit_send_event(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_submit_event *event = container_of(cb, struct vgpu_submit_event, cb);

	drm_send_event(event->drm, &event->base);
}

/*
 * Another thread may have closed a handle after the lookup, which detaches the buffer from the
 * context. Then repeat the lookup, which fails for the closed handle.
 */
static int vgpu_submit_check_attached(struct vgpu_submit *submit)
{
	if (submit->num_objs &&
	    submit->nr_detached != atomic_read(&submit->ctx->attachments.nr_detached))
		return restart_syscall();
	return 0;
}

/* From here on nothing fails. */
static void vgpu_submit_commit(struct vgpu_submit *submit)
{
	struct vgpu_submit_event *event = submit->event;
	struct dma_fence *fence;
	u32 i;

	vgpu_cmd_set_busy(submit->cmd, submit->timeline);
	vgpu_submitq_post(submit->entry, submit->cmd, &submit->ctx->owner, submit->fence);
	submit->entry = NULL;
	submit->cmd = NULL;

	/* Reset before signal: the same syncobj may be both reset and signalled. */
	if (submit->in.num_points)
		vgpu_sync_reset_in(&submit->in);
	if (!submit->fence)
		return;

	fence = &submit->fence->base;
	for (i = 0; i < submit->num_objs; i++)
		dma_resv_add_fence(submit->objs[i]->resv, fence, DMA_RESV_USAGE_WRITE);
	if (submit->out.count)
		vgpu_sync_signal_out(&submit->out, fence);
	if (event && dma_fence_add_callback(fence, &event->cb, vgpu_submit_send_event))
		vgpu_submit_send_event(fence, &event->cb);
	submit->event = NULL;

	if (submit->sync_file) {
		fd_install(submit->fd, submit->sync_file->file);
		submit->args->fence_fd = submit->fd;
		submit->fd = -1;
	}
}

static int vgpu_submit_send(struct vgpu_submit *submit)
{
	struct ww_acquire_ctx ticket;
	int ret;

	ret = vgpu_submit_lock(submit, &ticket);
	if (ret)
		return ret;

	ret = vgpu_submit_check_attached(submit);
	if (!ret)
		ret = vgpu_submit_reserve(submit);
	if (!ret)
		ret = vgpu_submit_create_fence(submit);
	if (!ret)
		vgpu_submit_commit(submit);

	vgpu_submit_unlock(submit, &ticket);
	/* Kick even on error: vgpu_submit_reserve() may have queued ATTACH_BACKING. */
	vgpu_cmdq_kick(submit->vgpu->cmdq);
	return ret;
}

/* Release everything that was gathered and not handed on. */
static void vgpu_submit_fini(struct vgpu_submit *submit)
{
	u32 i;

	vgpu_submitq_abandon(submit->entry);
	dma_fence_put(submit->dep);
	if (submit->cmd)
		vgpu_cmd_put(submit->cmd);
	if (submit->event)
		drm_event_cancel_free(&submit->vgpu->drm, &submit->event->base);
	if (submit->fd >= 0)
		put_unused_fd(submit->fd);
	vgpu_fence_put(submit->fence);
	if (submit->in.points)
		vgpu_sync_put(&submit->in);
	if (submit->out.points)
		vgpu_sync_put(&submit->out);
	for (i = 0; i < submit->num_objs; i++)
		drm_gem_object_put(submit->objs[i]);
	if (submit->objs != submit->few)
		kvfree(submit->objs);
}

/**
 * vgpu_submit_ioctl() - Handle DRM_IOCTL_VIRTGPU_EXECBUFFER
 * @drm: the device
 * @data: struct drm_virtgpu_execbuffer
 * @file: the client
 *
 * Context: process; sleeps interruptibly while the client is throttled.
 * Return: 0; -ENOSYS without 3D; -EINVAL for an unknown flag, a bad size, or a ring, sync_file or
 * syncobj that does not exist; -E2BIG for a command longer than the device takes; -ENOENT for a
 * handle of no buffer or in-syncobj; -EFAULT; -ENOMEM, also for too many buffers or syncobjs, and
 * if the file's event space is full; -EIO for a lost context, or a buffer that the host refused or
 * lost; -ERESTARTSYS; -ENODEV if the device is gone.
 */
int vgpu_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gem_object *few[VGPU_SUBMIT_FEW_BOS] __uninitialized;
	struct drm_virtgpu_execbuffer *args = data;
	const u32 stride = args->syncobj_stride;
	struct vgpu_submit submit = {
		.vgpu = to_vgpu(drm),
		.file = file,
		.ctx = vgpu_context_of(file),
		.args = args,
		.in = { file, args->in_syncobjs, args->num_in_syncobjs, stride },
		.out = { file, args->out_syncobjs, args->num_out_syncobjs, stride },
		.few = few,
		.objs = few,
		.fd = -1,
	};
	int ret;

	if (!submit.vgpu->features.virgl)
		return -ENOSYS;

	ret = vgpu_submit_check(drm, args);
	if (ret)
		return ret;

	ret = vgpu_context_throttle(submit.ctx, args->flags & VIRTGPU_EXECBUF_RING_IDX ?
				    VGPU_BUDGET_RING_WORK : VGPU_BUDGET_WORK);
	if (ret)
		return ret;
	ret = vgpu_context_ensure(submit.ctx);
	if (ret)
		return ret;

	ret = vgpu_submit_choose_ring(&submit);
	if (ret)
		return ret;

	ret = vgpu_submit_gather(&submit);
	if (!ret)
		ret = vgpu_submit_find_deps(&submit);
	if (!ret)
		ret = vgpu_submit_prepare(&submit);
	if (!ret)
		ret = vgpu_submit_send(&submit);
	if (!ret)
		vgpu_contexts_note_submitter(submit.ctx);
	vgpu_submit_fini(&submit);
	return ret;
}
