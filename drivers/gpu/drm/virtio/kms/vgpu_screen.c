// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: screens
 *
 * A screen is what one output shows: a part of a framebuffer, the damage since the last update,
 * and what the host was told. An update uploads the damage that the host lacks, sends
 * SET_SCANOUT if the host was told something else before, and flushes the damage. The commands
 * are posted; the caller notifies the device once for all of them and waits for none.
 *
 * A commit that only changes the content of the shown framebuffer is postponed until the frame of
 * the last update is over and the host has finished that update. Then a worker makes one update
 * for all commits up to then. More updates would be invisible, and hosts redraw a window for each.
 * So a client that draws into the shown framebuffer never waits, and cannot overrun the host. If
 * the host answers other commands but never that update, the worker goes on after
 * VGPU_DISPLAY_WAIT_MS.
 *
 * The host may show something else than it was told, if it refused a command or was reset. Then
 * the screen enters a new generation, and the next update sends everything again.
 */

#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <drm/drm_drv.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_managed.h>
#include <drm/drm_rect.h>
#include <drm/drm_vblank.h>

#include "kms/vgpu_display_wait.h"
#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_fence.h"

/*
 * Quirk: a screen that was blank is sent again after 100, 400 and 1600 ms.
 *
 * Host, version: QEMU 11.1 with -display sdl; a guest cannot recognize it, so it is on for all.
 * Symptom: the window redraws some time after an output was switched off, and forgets what it was
 *	told in between, so an output that is switched on again right away stays black. A visible
 *	window redraws 33 times a second, but later if the host is busy; therefore three times.
 * Test: vgpu_kms_pixels@off-and-on-again (gl) fails without on a busy host, in 3 of 3 runs.
 */
#define VGPU_SCREEN_RESEND_FIRST_MS	100
#define VGPU_SCREEN_RESEND_LAST_MS	1600
#define VGPU_SCREEN_RESEND_FACTOR	4

static const struct virtio_gpu_set_scanout_blob vgpu_screen_nothing;

/* ---- what the host was told ---- */

static void vgpu_screen_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	if (error)
		vgpu_screen_forget(container_of(owner, struct vgpu_screen, owner));
}

/* No release: the screen keeps its own reference. */
static const struct vgpu_cmd_owner_ops vgpu_screen_owner_ops = {
	.outcome = vgpu_screen_owner_outcome,
};

static void vgpu_screen_queue_resend_locked(struct vgpu_screen *screen, unsigned int delay_ms)
{
	lockdep_assert_held(&screen->lock);

	screen->resend_ms = delay_ms;
	mod_delayed_work(screen->vgpu->wq, &screen->resend, msecs_to_jiffies(delay_ms));
}

/* If the host may have forgotten everything, have the update send it, and return true. */
static bool vgpu_screen_start_over_locked(struct vgpu_screen *screen)
{
	u64 generation = vgpu_screen_generation(screen);

	lockdep_assert_held(&screen->lock);

	if (screen->told_generation == generation)
		return false;
	screen->told_generation = generation;
	vgpu_damage_history_reset(&screen->history);
	return true;
}

/* Send @scanout if it is new or @again is set. Returns true if it was sent. */
static bool vgpu_screen_tell_locked(struct vgpu_screen *screen,
				    const struct virtio_gpu_set_scanout_blob *scanout,
				    bool again)
{
	bool was_blank = !screen->told.resource_id;

	lockdep_assert_held(&screen->lock);

	if (!again && !memcmp(&screen->told, scanout, sizeof(*scanout)))
		return false;
	screen->told = *scanout;
	vgpu_cmd_post(vgpu_cmd_set_scanout(screen->vgpu->cmdq, screen->id, scanout),
		      &screen->owner);
	if (was_blank && scanout->resource_id)
		vgpu_screen_queue_resend_locked(screen, VGPU_SCREEN_RESEND_FIRST_MS);
	return true;
}

/**
 * vgpu_screen_drop_resource() - Have the host show nothing instead of a resource
 * @screen: the screen, which may show something else
 * @res_id: the resource
 *
 * Context: process, may sleep; does not wait for the host. The device is not notified yet.
 */
void vgpu_screen_drop_resource(struct vgpu_screen *screen, u32 res_id)
{
	mutex_lock(&screen->lock);
	if (le32_to_cpu(screen->told.resource_id) == res_id)
		vgpu_screen_tell_locked(screen, &vgpu_screen_nothing, false);
	mutex_unlock(&screen->lock);
}

/* ---- updates ---- */

/**
 * vgpu_screen_last_fence() - Get the fence of the newest flush
 * @screen: the screen
 *
 * Context: process, may sleep, but not for memory.
 * Return: a fence, referenced, or NULL.
 */
struct dma_fence *vgpu_screen_last_fence(struct vgpu_screen *screen)
{
	guard(mutex)(&screen->lock);
	return dma_fence_get(screen->last);
}

static void vgpu_screen_set_last_fence_locked(struct vgpu_screen *screen, struct dma_fence *fence)
{
	lockdep_assert_held(&screen->lock);

	if (screen->last)
		dma_fence_remove_callback(screen->last, &screen->on_finished);
	dma_fence_put(screen->last);
	screen->last = dma_fence_get(fence);
}

/* Upload the damage that the host lacks of the framebuffer. @view is its shown part. */
static void vgpu_screen_upload_locked(struct vgpu_screen *screen, const struct drm_rect *view)
{
	struct vgpu_resource *res = &vgpu_framebuffer_gem(screen->fb)->res;
	struct vgpu_damage upload;
	struct drm_rect rect;
	unsigned int i;

	lockdep_assert_held(&screen->lock);

	vgpu_damage_history_show(&screen->history, res->id, view, &upload);
	vgpu_damage_clip(&upload, &screen->src);
	for (i = 0; i < upload.num_rects; i++) {
		vgpu_framebuffer_view(screen->fb, &upload.rects[i], &rect);
		vgpu_cmd_post(vgpu_framebuffer_upload(screen->fb, &rect), &screen->owner);
	}
}

/* Flush the damage as one rectangle, since hosts redraw the screen for each. */
static void vgpu_screen_flush_locked(struct vgpu_screen *screen, struct vgpu_fence *done)
{
	const struct drm_vblank_crtc *vblank = &screen->vgpu->drm.vblank[screen->id];
	u32 res_id = le32_to_cpu(screen->told.resource_id);
	struct vgpu_cmdq *q = screen->vgpu->cmdq;
	struct virtio_gpu_rect rect;
	struct drm_rect bounds, view;

	lockdep_assert_held(&screen->lock);

	vgpu_damage_clip(&screen->damage, &screen->src);
	if (!vgpu_damage_bounds(&screen->damage, &bounds))
		return;
	vgpu_framebuffer_view(screen->fb, &bounds, &view);
	rect = vgpu_framebuffer_wire_rect(&view);
	vgpu_cmd_post_fenced(vgpu_cmd_flush(q, res_id, &rect), &screen->owner, done);
	vgpu_screen_set_last_fence_locked(screen, done ? &done->base : NULL);
	screen->due = jiffies + max(nsecs_to_jiffies(READ_ONCE(vblank->framedur_ns)), 1);
}

/* Have the host show all changes. @done is the fence of the flush, if there is one; or NULL. */
static void vgpu_screen_update_locked(struct vgpu_screen *screen, struct vgpu_fence *done)
{
	struct virtio_gpu_set_scanout_blob scanout;
	struct drm_rect view;
	bool again;

	lockdep_assert_held(&screen->lock);

	/* A framebuffer that was lost with the device shows nothing until it is replaced. */
	if (vgpu_resource_is_lost(&vgpu_framebuffer_gem(screen->fb)->res))
		return;
	again = vgpu_screen_start_over_locked(screen);

	vgpu_framebuffer_view(screen->fb, &screen->src, &view);
	vgpu_damage_history_next(&screen->history, &screen->damage);
	if (vgpu_framebuffer_needs_upload(screen->fb))
		vgpu_screen_upload_locked(screen, &view);

	vgpu_framebuffer_scanout(screen->fb, &view, &scanout);
	if (vgpu_screen_tell_locked(screen, &scanout, again))
		vgpu_damage_set_full(&screen->damage);
	vgpu_screen_flush_locked(screen, done);
	vgpu_damage_clear(&screen->damage);
}

/**
 * vgpu_screen_is_early() - Check whether another update would come too early
 * @screen: the screen
 *
 * Context: process, may sleep, but not for memory.
 * Return: true if the frame of the last update is not over, or the host has not finished it.
 */
bool vgpu_screen_is_early(struct vgpu_screen *screen)
{
	guard(mutex)(&screen->lock);
	return time_before(jiffies, screen->due) ||
	       (screen->last && !dma_fence_is_signaled(screen->last));
}

static void vgpu_screen_finished(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_screen *screen = container_of(cb, struct vgpu_screen, on_finished);

	mod_delayed_work(screen->vgpu->wq, &screen->update, 0);
}

/*
 * Postpone an update that would come too early. Returns false if the update is not early, or if the
 * host answers, but has not finished the last update in the time that an update waits for fences.
 */
static bool vgpu_screen_postpone_locked(struct vgpu_screen *screen)
{
	unsigned long now = jiffies, limit = screen->due + msecs_to_jiffies(VGPU_DISPLAY_WAIT_MS);
	bool is_over = time_after_eq(now, limit);

	lockdep_assert_held(&screen->lock);

	if (time_before(now, screen->due)) {
		mod_delayed_work(screen->vgpu->wq, &screen->update, screen->due - now);
		return true;
	}
	if (!screen->last || (is_over && !vgpu_cmdq_is_silent(screen->vgpu->cmdq)))
		return false;

	dma_fence_remove_callback(screen->last, &screen->on_finished);
	/* Before the callback, which brings the update forward. */
	mod_delayed_work(screen->vgpu->wq, &screen->update,
			 is_over ? msecs_to_jiffies(VGPU_DISPLAY_WAIT_MS) : limit - now);
	return !dma_fence_add_callback(screen->last, &screen->on_finished, vgpu_screen_finished);
}

/* Call @post in a worker, with the locks and the memory it needs, and notify the device. */
static void vgpu_screen_post(struct vgpu_screen *screen,
			     void (*post)(struct vgpu_screen *screen, struct vgpu_fence *done),
			     struct vgpu_fence *done)
{
	struct vgpu_device *vgpu = screen->vgpu;
	int idx;

	if (!drm_dev_enter(&vgpu->drm, &idx))
		return;
	vgpu_cmdq_begin_update(vgpu->cmdq, GFP_KERNEL | __GFP_NOFAIL);
	down_read(&vgpu->resources->lifecycle);
	mutex_lock(&screen->lock);
	post(screen, done);
	mutex_unlock(&screen->lock);
	up_read(&vgpu->resources->lifecycle);
	vgpu_cmdq_end_update(vgpu->cmdq);
	vgpu_cmdq_kick(vgpu->cmdq);
	drm_dev_exit(idx);
}

static void vgpu_screen_update_postponed_locked(struct vgpu_screen *screen,
						struct vgpu_fence *done)
{
	lockdep_assert_held(&screen->lock);

	/* The screen may have been blanked, and a commit may have made the update. */
	if (!screen->fb || vgpu_damage_is_empty(&screen->damage))
		return;
	if (!vgpu_screen_postpone_locked(screen))
		vgpu_screen_update_locked(screen, done);
}

static void vgpu_screen_update_work(struct work_struct *work)
{
	struct vgpu_screen *screen = container_of(to_delayed_work(work), struct vgpu_screen,
						  update);
	struct vgpu_fence *done;

	/* A response may be in the ring without an interrupt. */
	vgpu_cmdq_poll(screen->vgpu->cmdq);
	done = vgpu_fence_create(screen->timeline);
	if (IS_ERR(done))
		done = NULL;	/* The next update then does not wait for this one. */
	vgpu_screen_post(screen, vgpu_screen_update_postponed_locked, done);
	vgpu_fence_put(done);
}

static void vgpu_screen_resend_locked(struct vgpu_screen *screen, struct vgpu_fence *done)
{
	const struct virtio_gpu_set_scanout_blob *told = &screen->told;
	struct vgpu_cmdq *q = screen->vgpu->cmdq;
	u32 res_id = le32_to_cpu(told->resource_id);

	lockdep_assert_held(&screen->lock);

	/* If the host has forgotten @told, the next update sends everything. */
	if (!res_id || screen->told_generation != vgpu_screen_generation(screen))
		return;
	vgpu_cmd_post(vgpu_cmd_set_scanout(q, screen->id, told), &screen->owner);
	vgpu_cmd_post_fenced(vgpu_cmd_flush(q, res_id, &told->r), &screen->owner, done);
	if (screen->resend_ms < VGPU_SCREEN_RESEND_LAST_MS)
		vgpu_screen_queue_resend_locked(screen, screen->resend_ms *
						VGPU_SCREEN_RESEND_FACTOR);
}

static void vgpu_screen_resend_work(struct work_struct *work)
{
	vgpu_screen_post(container_of(to_delayed_work(work), struct vgpu_screen, resend),
			 vgpu_screen_resend_locked, NULL);
}

/**
 * vgpu_screen_show() - Have an output show a framebuffer
 * @screen: the screen
 * @fb: the framebuffer; stays until it is replaced, or the screen blanked
 * @src: the part of it that is shown, in pixels, not empty
 * @damage: what changed since the previous call, in pixels of @fb
 * @done: fence of &vgpu_screen.timeline, armed if there is something to flush; or NULL to
 *        postpone the update until it is not too early
 *
 * The update is also postponed while the device is started again, and while a silent host has not
 * finished the last one: commits do not wait for such a host, and their commands would pile up.
 *
 * Context: the tail of a commit, between drm_dev_enter() and drm_dev_exit(). The device is not
 * notified yet.
 */
void vgpu_screen_show(struct vgpu_screen *screen, struct drm_framebuffer *fb,
		      const struct drm_rect *src, const struct vgpu_damage *damage,
		      struct vgpu_fence *done)
{
	bool is_held_up = vgpu_cmdq_is_silent(screen->vgpu->cmdq) && vgpu_screen_is_early(screen);
	bool now = done && !is_held_up &&
		   down_read_trylock(&screen->vgpu->resources->lifecycle);

	mutex_lock(&screen->lock);
	/* A flip may change no pixel, but a postponed update is only made if there is damage. */
	if (!now && screen->fb != fb && vgpu_damage_is_empty(damage))
		vgpu_damage_set_full(&screen->damage);
	screen->fb = fb;
	screen->src = *src;
	vgpu_damage_merge(&screen->damage, damage);

	if (now)
		vgpu_screen_update_locked(screen, done);
	else if (!vgpu_screen_postpone_locked(screen))
		mod_delayed_work(screen->vgpu->wq, &screen->update, 0);
	mutex_unlock(&screen->lock);
	if (now)
		up_read(&screen->vgpu->resources->lifecycle);
}

/**
 * vgpu_screen_blank() - Have an output show nothing
 * @screen: the screen
 *
 * Context: the tail of a commit, even if the device is gone. The device is not notified yet.
 */
void vgpu_screen_blank(struct vgpu_screen *screen)
{
	bool cookie = dma_fence_begin_signalling();
	int idx;

	mutex_lock(&screen->lock);
	screen->fb = NULL;
	if (drm_dev_enter(&screen->vgpu->drm, &idx)) {
		vgpu_screen_tell_locked(screen, &vgpu_screen_nothing,
					vgpu_screen_start_over_locked(screen));
		drm_dev_exit(idx);
	}
	/* The next framebuffer may have been shown before; it lacks what changed meanwhile. */
	vgpu_damage_set_full(&screen->damage);
	mutex_unlock(&screen->lock);
	dma_fence_end_signalling(cookie);
}

static void vgpu_screen_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_screen *screen = ptr;

	disable_delayed_work_sync(&screen->resend);
	disable_delayed_work_sync(&screen->update);
	mutex_lock(&screen->lock);
	vgpu_screen_set_last_fence_locked(screen, NULL);
	mutex_unlock(&screen->lock);
	vgpu_timeline_put(screen->timeline);
	mutex_destroy(&screen->lock);
}

/**
 * vgpu_screen_init() - Initialise the screen of an output
 * @screen: the screen, zeroed; lives as long as the device
 * @vgpu: the device
 * @id: the host's number of the output, and the CRTC's index
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_screen_init(struct vgpu_screen *screen, struct vgpu_device *vgpu, u32 id)
{
	screen->timeline = vgpu_timeline_create("display");
	if (IS_ERR(screen->timeline))
		return PTR_ERR(screen->timeline);
	/* The host executes updates in order, so each one replaces the earlier ones. */
	screen->timeline->is_cumulative = true;

	vgpu_cmd_owner_init(&screen->owner, &vgpu_screen_owner_ops);
	screen->vgpu = vgpu;
	screen->id = id;
	atomic64_set(&screen->generation, 1);
	INIT_DELAYED_WORK(&screen->update, vgpu_screen_update_work);
	INIT_LIST_HEAD(&screen->on_finished.node);
	INIT_DELAYED_WORK(&screen->resend, vgpu_screen_resend_work);
	mutex_init(&screen->lock);
	screen->due = jiffies;
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_screen_release, screen);
}
