// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: repaints
 *
 * Repainting an output uploads the parts of the shown buffer that the host lacks, has the host
 * show the buffer, and flushes the change to the screen. The commands are posted; the caller
 * notifies the device once for all of them and waits for none.
 *
 * A picture that changes again within a frame is repainted when the frame is over, with all
 * changes up to then. The same goes for a picture whose previous repaint the host has not
 * finished. More repaints would be invisible, and hosts redraw a window for each. So a client
 * that draws into the shown buffer never waits, and cannot overrun the host.
 */

#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_rect.h>
#include <drm/drm_vblank.h>

#include "kms/vgpu_damage.h"
#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_repaint.h"
#include "kms/vgpu_scanout.h"
#include "object/vgpu_base.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/**
 * struct vgpu_repaint - What an output shows, and what changed since the last repaint
 * @vgpu: the device
 * @scanout: what the host knows of the output, referenced; constant
 * @timeline: of the fences of repaints; constant
 * @last_lock: protects @last
 * @last: fence of the newest repaint, or NULL
 * @due: when the next one may be, in jiffies; written under @lock
 * @later: repaints what changed meanwhile
 * @done: callback on @awaited, queues @later; added and removed under @lock
 * @awaited: fence of the previous repaint, referenced, or NULL; protected by @lock
 * @lock: protects what follows; held while the host is told
 * @fb: what is shown, or NULL; the plane has the reference, and tells before it drops it
 * @src: the shown part of @fb, in pixels
 * @damage: what changed of it since the last repaint
 * @history: what must be uploaded
 * @generation: of @scanout when @history was last reset
 */
struct vgpu_repaint {
	struct vgpu_device *vgpu;
	struct vgpu_scanout *scanout;
	struct vgpu_timeline *timeline;
	spinlock_t last_lock;
	struct dma_fence *last;
	unsigned long due;
	struct delayed_work later;
	struct dma_fence_cb done;
	struct dma_fence *awaited;
	struct mutex lock;
	struct drm_framebuffer *fb;
	struct drm_rect src;
	struct vgpu_damage damage;
	struct vgpu_damage_history history;
	unsigned int generation;
};

/**
 * vgpu_repaint_timeline() - Get the timeline of the fences for vgpu_repaint_now()
 * @repaint: of the output
 *
 * Return: the timeline, which lives as long as @repaint.
 */
struct vgpu_timeline *vgpu_repaint_timeline(struct vgpu_repaint *repaint)
{
	return repaint->timeline;
}

/**
 * vgpu_repaint_last_fence() - Get the fence of the newest repaint
 * @repaint: of the output
 *
 * Context: any.
 * Return: a fence, referenced, or NULL.
 */
struct dma_fence *vgpu_repaint_last_fence(struct vgpu_repaint *repaint)
{
	struct dma_fence *last;

	spin_lock(&repaint->last_lock);
	last = dma_fence_get(repaint->last);
	spin_unlock(&repaint->last_lock);
	return last;
}

static void vgpu_repaint_set_last_fence(struct vgpu_repaint *repaint, struct dma_fence *fence)
{
	struct dma_fence *old;

	spin_lock(&repaint->last_lock);
	old = repaint->last;
	repaint->last = dma_fence_get(fence);
	spin_unlock(&repaint->last_lock);
	dma_fence_put(old);
}

/**
 * vgpu_repaint_is_early() - Check whether it is too early for another repaint
 * @repaint: of the output
 *
 * Context: process.
 * Return: true if the frame of the last one is not over, or the host not done with it.
 */
bool vgpu_repaint_is_early(struct vgpu_repaint *repaint)
{
	struct dma_fence *last;
	bool is_early;

	if (time_before(jiffies, READ_ONCE(repaint->due)))
		return true;
	last = vgpu_repaint_last_fence(repaint);
	is_early = last && !dma_fence_is_signaled(last);
	dma_fence_put(last);
	return is_early;
}

/* A frame's duration, in jiffies. */
static unsigned long vgpu_repaint_frame(const struct vgpu_repaint *repaint)
{
	const struct drm_vblank_crtc *vblank =
		&repaint->vgpu->drm.vblank[vgpu_scanout_id(repaint->scanout)];

	return max(nsecs_to_jiffies(READ_ONCE(vblank->framedur_ns)), 1);
}

/* Upload what the host lacks of the buffer, which is shown at @view. */
static void vgpu_repaint_upload_locked(struct vgpu_repaint *repaint, const struct drm_rect *view)
{
	const struct drm_rect *src = &repaint->src;
	struct vgpu_damage upload;
	unsigned int i;

	lockdep_assert_held(&repaint->lock);

	vgpu_damage_history_show(&repaint->history, vgpu_framebuffer_gem(repaint->fb)->res.id,
				 view, &upload);
	vgpu_damage_clip(&upload, src);
	for (i = 0; i < upload.num_rects; i++) {
		drm_rect_translate(&upload.rects[i], view->x1 - src->x1, view->y1 - src->y1);
		vgpu_framebuffer_upload(repaint->fb, &upload.rects[i], NULL);
	}
}

/* Flush a change to the screen. */
static void vgpu_repaint_flush_locked(struct vgpu_repaint *repaint, const struct drm_rect *rect,
				      struct vgpu_fence *done)
{
	struct vgpu_rect part = {
		.x = rect->x1, .y = rect->y1,
		.w = drm_rect_width(rect), .h = drm_rect_height(rect),
	};

	lockdep_assert_held(&repaint->lock);

	vgpu_scanout_flush(repaint->scanout, vgpu_framebuffer_gem(repaint->fb)->res.id, &part,
			   done);
	vgpu_repaint_set_last_fence(repaint, done ? &done->base : NULL);
	WRITE_ONCE(repaint->due, jiffies + vgpu_repaint_frame(repaint));
}

/* @done, or NULL, is the fence of the flush if there is something to flush. */
static void vgpu_repaint_locked(struct vgpu_repaint *repaint, struct vgpu_fence *done)
{
	unsigned int generation = vgpu_scanout_generation(repaint->scanout);
	struct vgpu_damage *damage = &repaint->damage;
	const struct drm_rect *src = &repaint->src;
	struct drm_rect view, bounds;
	struct vgpu_picture picture;
	bool changed;

	lockdep_assert_held(&repaint->lock);

	if (repaint->generation != generation) {
		repaint->generation = generation;
		vgpu_damage_history_reset(&repaint->history);
		vgpu_damage_set_full(damage);
	}
	vgpu_framebuffer_view(repaint->fb, src, &view);
	vgpu_damage_history_next(&repaint->history, damage);
	if (vgpu_framebuffer_needs_upload(repaint->fb))
		vgpu_repaint_upload_locked(repaint, &view);

	vgpu_framebuffer_picture(repaint->fb, &view, &picture);
	if (vgpu_scanout_show(repaint->scanout, &picture))
		vgpu_damage_set_full(damage);
	vgpu_damage_clip(damage, src);
	changed = vgpu_damage_bounds(damage, &bounds);
	vgpu_damage_clear(damage);
	if (!changed)
		return;
	/* One rectangle: hosts redraw the screen for each. */
	drm_rect_translate(&bounds, view.x1 - src->x1, view.y1 - src->y1);
	vgpu_repaint_flush_locked(repaint, &bounds, done);
}

/**
 * vgpu_repaint_change() - Set what an output is to show
 * @repaint: of the output
 * @fb: the framebuffer; stays until it is replaced or hidden
 * @src: the part of it that is shown, in pixels, not empty
 * @damage: what this changes against what was to be shown before
 *
 * Followed by vgpu_repaint_now() or vgpu_repaint_later().
 *
 * Context: the tail of a commit.
 */
void vgpu_repaint_change(struct vgpu_repaint *repaint, struct drm_framebuffer *fb,
			 const struct drm_rect *src, const struct vgpu_damage *damage)
{
	mutex_lock(&repaint->lock);
	repaint->fb = fb;
	repaint->src = *src;
	vgpu_damage_merge(&repaint->damage, damage);
	mutex_unlock(&repaint->lock);
}

/**
 * vgpu_repaint_hide() - Set an output to show nothing
 * @repaint: of the output
 *
 * The host is told, unless the device is gone.
 *
 * Context: the tail of a commit.
 */
void vgpu_repaint_hide(struct vgpu_repaint *repaint)
{
	static const struct vgpu_picture nothing;
	bool cookie = dma_fence_begin_signalling();
	int idx;

	mutex_lock(&repaint->lock);
	repaint->fb = NULL;
	vgpu_damage_clear(&repaint->damage);
	if (drm_dev_enter(&repaint->vgpu->drm, &idx)) {
		vgpu_scanout_show(repaint->scanout, &nothing);
		drm_dev_exit(idx);
	}
	mutex_unlock(&repaint->lock);
	dma_fence_end_signalling(cookie);
}

/**
 * vgpu_repaint_now() - Have the host show all changes
 * @repaint: of the output, which shows something
 * @done: armed if there is something to do, and signals when the host has done it; or NULL
 *
 * Context: the tail of a commit, between drm_dev_enter() and drm_dev_exit(), with
 * resources locked. The device is not told yet.
 */
void vgpu_repaint_now(struct vgpu_repaint *repaint, struct vgpu_fence *done)
{
	mutex_lock(&repaint->lock);
	vgpu_repaint_locked(repaint, done);
	mutex_unlock(&repaint->lock);
}

static void vgpu_repaint_host_is_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_repaint *repaint = container_of(cb, struct vgpu_repaint, done);

	queue_delayed_work(repaint->vgpu->wq, &repaint->later, 0);
}

static void vgpu_repaint_stop_waiting_locked(struct vgpu_repaint *repaint)
{
	lockdep_assert_held(&repaint->lock);

	if (repaint->awaited)
		dma_fence_remove_callback(repaint->awaited, &repaint->done);
	dma_fence_put(repaint->awaited);
	repaint->awaited = NULL;
}

/* Repaint when the host is done with the newest repaint. */
static void vgpu_repaint_when_done(struct vgpu_repaint *repaint)
{
	struct dma_fence *last = vgpu_repaint_last_fence(repaint);

	mutex_lock(&repaint->lock);
	vgpu_repaint_stop_waiting_locked(repaint);
	repaint->awaited = last;
	if (!last || dma_fence_add_callback(last, &repaint->done, vgpu_repaint_host_is_done))
		queue_delayed_work(repaint->vgpu->wq, &repaint->later, 0);
	mutex_unlock(&repaint->lock);
}

/**
 * vgpu_repaint_later() - Have the host show all changes as soon as it is not too early
 * @repaint: of the output
 *
 * Context: process.
 */
void vgpu_repaint_later(struct vgpu_repaint *repaint)
{
	unsigned long due = READ_ONCE(repaint->due), now = jiffies;

	if (time_before(now, due))
		queue_delayed_work(repaint->vgpu->wq, &repaint->later, due - now);
	else
		vgpu_repaint_when_done(repaint);
}

static bool vgpu_repaint_wants_it_locked(const struct vgpu_repaint *repaint)
{
	lockdep_assert_held(&repaint->lock);

	return repaint->fb && (repaint->damage.full || repaint->damage.num_rects) &&
	       !vgpu_resource_is_lost(&vgpu_framebuffer_gem(repaint->fb)->res);
}

static void vgpu_repaint_if_changed(struct vgpu_repaint *repaint, struct vgpu_fence *done)
{
	int idx;

	if (!drm_dev_enter(&repaint->vgpu->drm, &idx))
		return;
	vgpu_cmdq_begin_update(repaint->vgpu->cmdq, GFP_KERNEL | __GFP_NOFAIL);
	vgpu_resources_lock(repaint->vgpu);
	mutex_lock(&repaint->lock);
	if (vgpu_repaint_wants_it_locked(repaint))
		vgpu_repaint_locked(repaint, done);
	mutex_unlock(&repaint->lock);
	vgpu_resources_unlock(repaint->vgpu);
	vgpu_cmdq_end_update(repaint->vgpu->cmdq);
	vgpu_cmdq_kick(repaint->vgpu->cmdq);
	drm_dev_exit(idx);
}

static void vgpu_repaint_later_work(struct work_struct *work)
{
	struct vgpu_repaint *repaint = container_of(to_delayed_work(work), struct vgpu_repaint,
						    later);
	struct vgpu_fence *done;

	/* A response may be in the ring without an interrupt, so collect it first. */
	vgpu_cmdq_poll(repaint->vgpu->cmdq);
	if (vgpu_repaint_is_early(repaint)) {
		vgpu_repaint_later(repaint);
		return;
	}
	done = vgpu_fence_create(repaint->timeline);
	if (IS_ERR(done))
		/* Then nobody waits for it. */
		done = NULL;
	vgpu_repaint_if_changed(repaint, done);
	vgpu_fence_put(done);
}

/**
 * vgpu_repaint_create() - Create the repaint state of an output
 * @vgpu: the device
 * @scanout: what the host knows of the output; referenced
 *
 * Context: process, may sleep.
 * Return: for vgpu_repaint_destroy(), or ERR_PTR(-ENOMEM).
 */
struct vgpu_repaint *vgpu_repaint_create(struct vgpu_device *vgpu, struct vgpu_scanout *scanout)
{
	struct vgpu_repaint *repaint;

	repaint = kzalloc(sizeof(*repaint), GFP_KERNEL);
	if (!repaint)
		return ERR_PTR(-ENOMEM);
	repaint->timeline = vgpu_timeline_create("display");
	if (IS_ERR(repaint->timeline)) {
		kfree(repaint);
		return ERR_PTR(-ENOMEM);
	}
	repaint->vgpu = vgpu;
	repaint->scanout = vgpu_scanout_get(scanout);
	repaint->due = jiffies;
	spin_lock_init(&repaint->last_lock);
	mutex_init(&repaint->lock);
	INIT_LIST_HEAD(&repaint->done.node);
	INIT_DELAYED_WORK(&repaint->later, vgpu_repaint_later_work);
	return repaint;
}

/**
 * vgpu_repaint_destroy() - Free the repaint state of an output
 * @repaint: of the output, which shows nothing any more
 *
 * Context: process, may sleep.
 */
void vgpu_repaint_destroy(struct vgpu_repaint *repaint)
{
	/* Twice: the work may add a callback to a fence, which may queue the work again. */
	cancel_delayed_work_sync(&repaint->later);
	mutex_lock(&repaint->lock);
	vgpu_repaint_stop_waiting_locked(repaint);
	mutex_unlock(&repaint->lock);
	cancel_delayed_work_sync(&repaint->later);
	dma_fence_put(repaint->last);
	vgpu_timeline_put(repaint->timeline);
	vgpu_scanout_put(repaint->scanout);
	mutex_destroy(&repaint->lock);
	kfree(repaint);
}
