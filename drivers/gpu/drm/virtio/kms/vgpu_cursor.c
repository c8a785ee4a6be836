// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: cursor planes
 *
 * The host draws the cursor, so the driver sends it the picture, its hot spot and the
 * position. The picture is uploaded on the control queue and shown by a command on the cursor
 * queue, which the host may execute before the upload. So the driver sends UPDATE_CURSOR only
 * when the host has answered the upload. No update waits for that: the update ends when the
 * upload is sent, and the fence of the upload queues a work that sends UPDATE_CURSOR. It is a
 * work because naming a resource to the host may sleep.
 *
 * One upload is under way at a time, and the newest picture waits behind it; a picture that is
 * replaced while it waits is never sent. Until the host has the new picture, it moves the
 * previous one. A picture that needs no upload (a blob, or no cursor) is shown at once and
 * cancels the picture whose upload is under way, so a replaced picture never comes back.
 *
 * The host reads a picture at some time between the call that shows it and the call that
 * replaces it, as it does for a primary plane. A client that draws into the picture meanwhile
 * may see it torn until the client shows it again.
 *
 * A legacy update does not wait for rendering to the picture either: the picture waits as the
 * next upload until the fence of the rendering signals, and meanwhile the host moves the
 * previous picture.
 *
 * A picture whose upload failed, or was lost with the device, is not shown; the next update
 * uploads it again. The host keeps a picture until it has executed UPDATE_CURSOR, even if the
 * client drops the picture earlier.
 *
 * Updates by the legacy cursor ioctl don't wait for flips: they go the core's way
 * of asynchronous updates.
 */

#include <linux/dma-fence.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "kms/vgpu_cursor.h"
#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_display_wait.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/* Sentinel for &vgpu_cursor_look.res_id: unknown what the host shows. No resource has this id. */
#define VGPU_CURSOR_UNKNOWN	U32_MAX

/**
 * struct vgpu_cursor_look - All the host knows of a cursor
 * @res_id: the picture, 0 for none
 * @x: left edge of the picture, in pixels of the scanout; may be negative
 * @y: upper edge
 * @hot_x: hot spot, in pixels of the picture
 * @hot_y: hot spot
 */
struct vgpu_cursor_look {
	u32 res_id;
	s32 x;
	s32 y;
	u32 hot_x;
	u32 hot_y;
};

/**
 * struct vgpu_cursor_upload - A picture on its way to the host
 * @fb: the picture, referenced, which keeps its resource; NULL for none
 * @drawn: signals when rendering to @fb is complete; referenced; NULL if none is pending
 * @done: signals when the host has @fb; referenced; NULL if the host needs no upload
 * @look: sent to the host after @done; nothing is sent if its @res_id is 0
 */
struct vgpu_cursor_upload {
	struct drm_framebuffer *fb;
	struct dma_fence *drawn;
	struct vgpu_fence *done;
	struct vgpu_cursor_look look;
};

/**
 * struct vgpu_cursor - A cursor plane
 * @base: what the core knows
 * @screen: what the output shows, referenced; constant
 * @timeline: of the fences of its updates; constant
 * @answered: callback on &vgpu_cursor_upload.done of @sent, queues @work
 * @drawn: callback on &vgpu_cursor_upload.drawn of @next, queues @work
 * @work: shows @sent and uploads @next
 * @lock: protects what follows; taken inside of vgpu_resources_lock() if a picture is named
 * @generation: of @screen when @told and @sent were last compared with it
 * @told: what the host was last told, or VGPU_CURSOR_UNKNOWN
 * @last: the newest command on the cursor queue, referenced; or NULL
 * @sent: the upload under way
 * @next: the picture to upload when @sent is done and rendering to the picture is complete
 */
struct vgpu_cursor {
	struct drm_plane base;
	struct vgpu_screen *screen;
	struct vgpu_timeline *timeline;
	struct dma_fence_cb answered;
	struct dma_fence_cb drawn;
	struct work_struct work;
	struct mutex lock;
	unsigned int generation;
	struct vgpu_cursor_look told;
	struct vgpu_cmd *last;
	struct vgpu_cursor_upload sent;
	struct vgpu_cursor_upload next;
};

static const u32 vgpu_cursor_formats[] = {
	DRM_FORMAT_HOST_ARGB8888,
};

static struct vgpu_cursor *to_vgpu_cursor(struct drm_plane *plane)
{
	return container_of(plane, struct vgpu_cursor, base);
}

static struct vgpu_cursor_look vgpu_cursor_look(const struct drm_plane_state *state)
{
	struct vgpu_cursor_look look = {};

	if (!state->fb || vgpu_plane_is_lost(state))
		return look;
	look.res_id = vgpu_framebuffer_gem(state->fb)->res.id;
	look.x = state->crtc_x;
	look.y = state->crtc_y;
	look.hot_x = clamp(state->hotspot_x, 0, VGPU_CURSOR_SIDE - 1);
	look.hot_y = clamp(state->hotspot_y, 0, VGPU_CURSOR_SIDE - 1);
	return look;
}

/* ---- what the host knows, and is about to ---- */

/* The host may have forgotten what it was told, and what was uploaded. */
static void vgpu_cursor_catch_up_locked(struct vgpu_cursor *c)
{
	unsigned int generation = vgpu_screen_generation(c->screen);

	lockdep_assert_held(&c->lock);

	if (c->generation == generation)
		return;
	c->generation = generation;
	c->told.res_id = VGPU_CURSOR_UNKNOWN;
	c->sent.look.res_id = 0;
}

/* Get the look that the client asked for last. */
static struct vgpu_cursor_look *vgpu_cursor_newest_locked(struct vgpu_cursor *c)
{
	lockdep_assert_held(&c->lock);

	if (c->next.fb)
		return &c->next.look;
	return c->sent.look.res_id ? &c->sent.look : &c->told;
}

/*
 * At most one command of each output waits for room in the ring. A newer command replaces it, so
 * a client that moves the cursor of a stalled host does not fill the FIFO.
 */
static void vgpu_cursor_post_locked(struct vgpu_cursor *c, struct vgpu_cmd *cmd,
				    struct vgpu_cmd_owner *owner)
{
	lockdep_assert_held(&c->lock);

	if (c->last) {
		vgpu_cmd_take_back(c->last);
		vgpu_cmd_put(c->last);
	}
	c->last = vgpu_cmd_get(cmd);
	vgpu_cmd_post(cmd, owner);
}

static void vgpu_cursor_move_locked(struct vgpu_cursor *c, const struct vgpu_cursor_look *look)
{
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;

	lockdep_assert_held(&c->lock);

	if (!c->last || !vgpu_cmd_take_back(c->last)) {
		vgpu_cursor_post_locked(c, vgpu_cmd_move_cursor(q, vgpu_screen_id(c->screen),
								look->x, look->y), NULL);
		return;
	}
	/* The waiting command may be an UPDATE_CURSOR: send it again, with the new position. */
	vgpu_cmd_set_cursor_position(c->last, look->x, look->y);
	vgpu_cmd_post(vgpu_cmd_get(c->last), NULL);
}

/* Send the host the difference between @look and what it was last told. */
static void vgpu_cursor_tell_locked(struct vgpu_cursor *c, struct drm_framebuffer *fb,
				    const struct vgpu_cursor_look *look, bool is_new)
{
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;
	u32 id = vgpu_screen_id(c->screen);
	struct vgpu_cmd_owner *owner = NULL;
	struct vgpu_cmd *cmd;

	lockdep_assert_held(&c->lock);

	if (is_new || look->res_id != c->told.res_id || look->hot_x != c->told.hot_x ||
	    look->hot_y != c->told.hot_y) {
		cmd = vgpu_cmd_update_cursor(q, id, look->res_id, look->x, look->y, look->hot_x,
					     look->hot_y);
		if (look->res_id)
			owner = &vgpu_framebuffer_gem(fb)->res.cursor;
		vgpu_cursor_post_locked(c, cmd, owner);
	} else if (look->x != c->told.x || look->y != c->told.y) {
		vgpu_cursor_move_locked(c, look);
	} else {
		return;
	}
	c->told = *look;
	vgpu_cmdq_kick_cursor(q);
}

/* Move the picture that the host shows to the position of the newest one, which it lacks yet. */
static void vgpu_cursor_drag_locked(struct vgpu_cursor *c)
{
	const struct vgpu_cursor_look *newest = vgpu_cursor_newest_locked(c);
	struct vgpu_cursor_look look = c->told;

	lockdep_assert_held(&c->lock);

	if (!look.res_id || look.res_id == VGPU_CURSOR_UNKNOWN)
		return;
	look.x = newest->x;
	look.y = newest->y;
	vgpu_cursor_tell_locked(c, NULL, &look, false);
}

/* ---- uploads ---- */

/*
 * Called without locks: this is often the last reference to the picture, and freeing it takes the
 * locks of resources.
 */
static void vgpu_cursor_upload_fini(struct vgpu_cursor_upload *upload)
{
	if (!upload->fb)
		return;
	vgpu_display_wait_cancel(upload->drawn);
	dma_fence_put(upload->drawn);
	vgpu_fence_put(upload->done);
	drm_framebuffer_put(upload->fb);
}

static void vgpu_cursor_answered(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_cursor *c = container_of(cb, struct vgpu_cursor, answered);

	queue_work(to_vgpu(c->base.dev)->wq, &c->work);
}

static void vgpu_cursor_drawn(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_cursor *c = container_of(cb, struct vgpu_cursor, drawn);

	queue_work(to_vgpu(c->base.dev)->wq, &c->work);
}

static struct vgpu_cursor_upload vgpu_cursor_take_next_locked(struct vgpu_cursor *c)
{
	struct vgpu_cursor_upload next = c->next;

	lockdep_assert_held(&c->lock);

	if (next.drawn)
		dma_fence_remove_callback(next.drawn, &c->drawn);
	c->next = (struct vgpu_cursor_upload){};
	return next;
}

static bool vgpu_cursor_can_send_locked(struct vgpu_cursor *c)
{
	lockdep_assert_held(&c->lock);

	return !c->sent.fb && c->next.fb &&
	       (!c->next.drawn || dma_fence_is_signaled(c->next.drawn));
}

/* Upload the next picture. Returns false if it can be shown at once. */
static bool vgpu_cursor_send_locked(struct vgpu_cursor *c)
{
	const struct drm_rect src = DRM_RECT_INIT(0, 0, VGPU_CURSOR_SIDE, VGPU_CURSOR_SIDE);
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;
	struct drm_rect view;

	lockdep_assert_held(&c->lock);

	c->sent = vgpu_cursor_take_next_locked(c);
	if (!c->sent.done)
		return false;
	vgpu_framebuffer_view(c->sent.fb, &src, &view);
	vgpu_framebuffer_upload(c->sent.fb, &view, c->sent.done);
	vgpu_cmdq_kick(q);
	/* Some hosts answer within the kick. */
	vgpu_cmdq_poll(q);
	return !dma_fence_add_callback(&c->sent.done->base, &c->answered, vgpu_cursor_answered);
}

/* Show the picture whose upload has ended, unless it failed. Returns the upload to release. */
static struct vgpu_cursor_upload vgpu_cursor_arrive_locked(struct vgpu_cursor *c)
{
	const struct vgpu_cursor_look *newest = vgpu_cursor_newest_locked(c);
	struct vgpu_cursor_upload sent = c->sent;

	lockdep_assert_held(&c->lock);

	sent.look.x = newest->x;
	sent.look.y = newest->y;
	c->sent = (struct vgpu_cursor_upload){};
	/* The next upload reuses the callback, so wait until it no longer runs. */
	if (sent.done)
		dma_fence_remove_callback(&sent.done->base, &c->answered);
	if (!sent.look.res_id)
		return sent;
	/* The host must not be told of a resource that was revoked while the picture waited. */
	if (vgpu_resource_is_lost(&vgpu_framebuffer_gem(sent.fb)->res))
		sent.look = (struct vgpu_cursor_look){};
	if (sent.done && dma_fence_get_status(&sent.done->base) < 0)
		c->told.res_id = VGPU_CURSOR_UNKNOWN;
	else
		vgpu_cursor_tell_locked(c, sent.fb, &sent.look, true);
	return sent;
}

/* Start the next upload and show the picture of a finished one. Returns an upload to release. */
static struct vgpu_cursor_upload vgpu_cursor_advance_locked(struct vgpu_cursor *c)
{
	struct vgpu_cursor_upload sent;

	lockdep_assert_held(&c->lock);

	if (vgpu_cursor_can_send_locked(c))
		vgpu_cursor_send_locked(c);
	if (!c->sent.fb || (c->sent.done && !dma_fence_is_signaled(&c->sent.done->base)))
		return (struct vgpu_cursor_upload){};
	sent = vgpu_cursor_arrive_locked(c);
	if (vgpu_cursor_can_send_locked(c) && !vgpu_cursor_send_locked(c))
		queue_work(to_vgpu(c->base.dev)->wq, &c->work);
	return sent;
}

static void vgpu_cursor_work(struct work_struct *work)
{
	struct vgpu_cursor *c = container_of(work, struct vgpu_cursor, work);
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);
	struct vgpu_cursor_upload sent;
	int idx;

	/* After unplug, destroying the plane releases the uploads. */
	if (!drm_dev_enter(c->base.dev, &idx))
		return;
	vgpu_cmdq_begin_update(vgpu->cmdq, GFP_KERNEL | __GFP_NOFAIL);
	vgpu_resources_lock(vgpu);
	mutex_lock(&c->lock);
	vgpu_cursor_catch_up_locked(c);
	sent = vgpu_cursor_advance_locked(c);
	mutex_unlock(&c->lock);
	vgpu_resources_unlock(vgpu);
	vgpu_cmdq_end_update(vgpu->cmdq);
	vgpu_cursor_upload_fini(&sent);
	drm_dev_exit(idx);
}

/* Queue a picture that needs an upload or waits for rendering. Returns the upload it replaces. */
static struct vgpu_cursor_upload
vgpu_cursor_show_later_locked(struct vgpu_cursor *c, struct drm_plane_state *state,
			      const struct vgpu_cursor_look *look)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor_upload replaced = vgpu_cursor_take_next_locked(c);

	lockdep_assert_held(&c->lock);

	drm_framebuffer_get(state->fb);
	c->next = (struct vgpu_cursor_upload){
		.fb = state->fb, .drawn = state->fence, .done = own->done, .look = *look,
	};
	state->fence = NULL;
	own->done = NULL;
	/* -ENOENT: the fence has signalled, which vgpu_cursor_can_send_locked() checks. */
	if (c->next.drawn)
		dma_fence_add_callback(c->next.drawn, &c->drawn, vgpu_cursor_drawn);
	return replaced;
}

/* Show a picture that the host can read now. Returns the upload it replaces. */
static struct vgpu_cursor_upload
vgpu_cursor_show_now_locked(struct vgpu_cursor *c, struct drm_framebuffer *fb,
			    const struct vgpu_cursor_look *look, bool is_new)
{
	struct vgpu_cursor_upload replaced = vgpu_cursor_take_next_locked(c);

	lockdep_assert_held(&c->lock);

	c->sent.look.res_id = 0;
	vgpu_cursor_tell_locked(c, fb, look, is_new);
	return replaced;
}

/* ---- updates ---- */

/* Check whether a commit only repeats what is shown, as DIRTYFB does. */
static bool vgpu_cursor_is_dirty_locked(struct vgpu_cursor *c, const struct drm_plane_state *state)
{
	struct vgpu_cursor_look look = vgpu_cursor_look(state);

	return !memcmp(&look, vgpu_cursor_newest_locked(c), sizeof(look)) &&
	       !drm_atomic_get_new_plane_state(state->state, state->crtc->primary);
}

/* Check whether an update shows another picture, or the same one with new content. */
static bool vgpu_cursor_is_redrawn(struct vgpu_cursor *c, const struct drm_plane_state *state)
{
	bool redrawn;

	mutex_lock(&c->lock);
	vgpu_cursor_catch_up_locked(c);
	/* Also when it was set while its output was off: the host has not got it. */
	redrawn = state->fb != c->base.state->fb || state->fb_damage_clips ||
		  vgpu_framebuffer_gem(state->fb)->res.id !=
			vgpu_cursor_newest_locked(c)->res_id ||
		  vgpu_cursor_is_dirty_locked(c, state);
	mutex_unlock(&c->lock);
	return redrawn;
}

static int vgpu_cursor_prepare_update(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor *c = to_vgpu_cursor(plane);
	int ret;

	/* The cursor queue may overtake the control queue, so rendering there is not in order. */
	ret = vgpu_plane_prepare_fences(plane, state, false);
	if (ret)
		return ret;
	own->redrawn = vgpu_cursor_is_redrawn(c, state);
	if (own->redrawn && vgpu_framebuffer_needs_upload(state->fb))
		ret = vgpu_plane_prepare_fence(c->timeline, state);
	if (!ret)
		ret = vgpu_display_wait_limit(&state->fence, own->deadline);
	return ret;
}

static int vgpu_cursor_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	int ret;

	/* Also for an update that hides the cursor. */
	ret = vgpu_plane_prepare_memory(plane, state);
	if (!ret && vgpu_plane_will_update(state))
		ret = vgpu_cursor_prepare_update(plane, state);
	if (ret)
		vgpu_plane_finish(state);
	return ret;
}

/* The host reads the whole resource as the picture, or the beginning of a blob. */
static bool vgpu_cursor_is_whole(const struct drm_framebuffer *fb)
{
	const struct vgpu_resource *res = &vgpu_framebuffer_gem(fb)->res;
	bool is_whole;

	if (res->kind == VGPU_RESOURCE_BLOB)
		is_whole = fb->pitches[0] == VGPU_CURSOR_SIDE * VGPU_FRAMEBUFFER_CPP &&
			   !fb->offsets[0];
	else
		is_whole = res->width == VGPU_CURSOR_SIDE && res->height == VGPU_CURSOR_SIDE;
	if (!is_whole)
		drm_dbg_kms(fb->dev, "cursor is a part of its buffer, in rows of %u bytes\n",
			    fb->pitches[0]);
	return is_whole;
}

static int vgpu_cursor_atomic_check(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);
	struct drm_crtc_state *crtc_state;

	if (!state->crtc)
		return 0;
	if (state->fb->width != VGPU_CURSOR_SIDE || state->fb->height != VGPU_CURSOR_SIDE ||
	    state->src_w >> 16 != VGPU_CURSOR_SIDE || state->src_h >> 16 != VGPU_CURSOR_SIDE) {
		drm_dbg_kms(plane->dev, "cursor of %u × %u, not %u × %u\n", state->fb->width,
			    state->fb->height, VGPU_CURSOR_SIDE, VGPU_CURSOR_SIDE);
		return -EINVAL;
	}
	if (!vgpu_framebuffer_is_showable(state->fb) || !vgpu_cursor_is_whole(state->fb))
		return -EINVAL;
	crtc_state = drm_atomic_get_new_crtc_state(commit, state->crtc);
	return drm_atomic_helper_check_plane_state(state, crtc_state, DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING, true, true);
}

/* Show the picture of @state, now or later. Returns the upload it replaces. */
static struct vgpu_cursor_upload vgpu_cursor_show_locked(struct vgpu_cursor *c,
							 struct drm_plane_state *state)
{
	struct vgpu_cursor_look *newest = vgpu_cursor_newest_locked(c);
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor_look look = vgpu_cursor_look(state);

	lockdep_assert_held(&c->lock);

	/* In an asynchronous update the core has not waited for @state->fence. */
	if (look.res_id && (own->done || (own->redrawn && state->fence)))
		return vgpu_cursor_show_later_locked(c, state, &look);
	if (newest != &c->told && newest->res_id == look.res_id)
		*newest = look;
	else if (look.res_id == c->told.res_id || !look.res_id ||
		 !vgpu_framebuffer_needs_upload(state->fb))
		return vgpu_cursor_show_now_locked(c, state->fb, &look, own->redrawn);
	/* Otherwise the device was reset after prepare_fb(); the next update uploads it. */
	return (struct vgpu_cursor_upload){};
}

static void vgpu_cursor_update(struct vgpu_cursor *c, struct drm_plane_state *state)
{
	const struct vgpu_cursor_look look = vgpu_cursor_look(state);
	struct vgpu_cursor_upload replaced = {}, sent = {};
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);
	bool cookie = dma_fence_begin_signalling();
	bool locked;
	int idx;

	if (!drm_dev_enter(c->base.dev, &idx))
		goto out_finish;
	locked = vgpu_resources_trylock(vgpu);
	mutex_lock(&c->lock);
	if (locked) {
		vgpu_cursor_catch_up_locked(c);
		replaced = vgpu_cursor_show_locked(c, state);
		sent = vgpu_cursor_advance_locked(c);
		vgpu_cursor_drag_locked(c);
		vgpu_resources_unlock(vgpu);
	} else if (look.res_id) {
		/* The work waits for the lock, which is held while the device starts again. */
		replaced = vgpu_cursor_show_later_locked(c, state, &look);
		queue_work(vgpu->wq, &c->work);
	} else {
		replaced = vgpu_cursor_show_now_locked(c, NULL, &look, false);
	}
	mutex_unlock(&c->lock);
	drm_dev_exit(idx);
out_finish:
	vgpu_plane_finish(state);
	dma_fence_end_signalling(cookie);
	vgpu_cursor_upload_fini(&replaced);
	vgpu_cursor_upload_fini(&sent);
}

/**
 * vgpu_cursor_hide() - Have the host show no cursor
 * @plane: a cursor plane
 *
 * Context: the tail of a commit.
 */
void vgpu_cursor_hide(struct drm_plane *plane)
{
	static const struct vgpu_cursor_look nothing;
	struct vgpu_cursor *c = to_vgpu_cursor(plane);
	struct vgpu_cursor_upload over;
	bool cookie;
	int idx;

	if (!drm_dev_enter(plane->dev, &idx))
		return;
	cookie = dma_fence_begin_signalling();
	mutex_lock(&c->lock);
	over = vgpu_cursor_show_now_locked(c, NULL, &nothing, false);
	mutex_unlock(&c->lock);
	dma_fence_end_signalling(cookie);
	vgpu_cursor_upload_fini(&over);
	drm_dev_exit(idx);
}

static void vgpu_cursor_atomic_disable(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	vgpu_cursor_hide(plane);
}

static void vgpu_cursor_atomic_update(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	vgpu_cursor_update(to_vgpu_cursor(plane),
			   drm_atomic_get_new_plane_state(commit, plane));
}

/* Any cursor that keeps to its CRTC can be changed at any time while that is on. */
static int vgpu_cursor_async_check(struct drm_plane *plane, struct vgpu_compat_commit *commit,
				   bool flip)
{
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);

	if (flip || !vgpu_plane_will_update(state) || !plane->state->fb)
		return -EINVAL;
	return 0;
}

VGPU_COMPAT_ASYNC_CHECK(vgpu_cursor_async_check)

static void vgpu_cursor_atomic_async_update(struct drm_plane *plane,
					    struct vgpu_compat_commit *commit)
{
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);
	struct drm_plane_state *now = plane->state;

	vgpu_cursor_update(to_vgpu_cursor(plane), state);
	/* In an asynchronous update the driver must copy the new state into the current one. */
	swap(now->fb, state->fb);
	now->crtc_x = state->crtc_x;
	now->crtc_y = state->crtc_y;
	now->crtc_w = state->crtc_w;
	now->crtc_h = state->crtc_h;
	now->src_x = state->src_x;
	now->src_y = state->src_y;
	now->src_w = state->src_w;
	now->src_h = state->src_h;
	now->src = state->src;
	now->dst = state->dst;
	now->visible = state->visible;
	now->hotspot_x = state->hotspot_x;
	now->hotspot_y = state->hotspot_y;
}

static const struct drm_plane_helper_funcs vgpu_cursor_helper_funcs = {
	.prepare_fb = vgpu_cursor_prepare_fb,
	.cleanup_fb = vgpu_plane_cleanup_fb,
	.atomic_check = vgpu_cursor_atomic_check,
	.atomic_update = vgpu_cursor_atomic_update,
	.atomic_disable = vgpu_cursor_atomic_disable,
	.atomic_async_check = vgpu_cursor_async_check_compat,
	.atomic_async_update = vgpu_cursor_atomic_async_update,
};

static const struct drm_plane_funcs vgpu_cursor_funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.reset = vgpu_plane_reset,
	.atomic_duplicate_state = vgpu_plane_duplicate_state,
	.atomic_destroy_state = vgpu_plane_destroy_state,
};

static void vgpu_cursor_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_cursor *c = ptr;

	if (c->sent.done)
		dma_fence_remove_callback(&c->sent.done->base, &c->answered);
	if (c->next.drawn)
		dma_fence_remove_callback(c->next.drawn, &c->drawn);
	cancel_work_sync(&c->work);
	vgpu_cursor_upload_fini(&c->sent);
	vgpu_cursor_upload_fini(&c->next);
	if (c->last)
		vgpu_cmd_put(c->last);
	vgpu_timeline_put(c->timeline);
	vgpu_screen_put(c->screen);
}

/**
 * vgpu_cursor_create() - Create the cursor plane of an output
 * @vgpu: the device; the plane lives as long as it
 * @screen: what the output shows; referenced
 *
 * Context: process, may sleep.
 * Return: the plane, or an error pointer.
 */
struct drm_plane *vgpu_cursor_create(struct vgpu_device *vgpu, struct vgpu_screen *screen)
{
	struct vgpu_timeline *timeline;
	struct vgpu_cursor *c;
	int ret;

	c = drmm_universal_plane_alloc(&vgpu->drm, struct vgpu_cursor, base,
				       BIT(vgpu_screen_id(screen)), &vgpu_cursor_funcs,
				       vgpu_cursor_formats, ARRAY_SIZE(vgpu_cursor_formats),
				       NULL, DRM_PLANE_TYPE_CURSOR, NULL);
	if (IS_ERR(c))
		return ERR_CAST(c);
	timeline = vgpu_timeline_create("cursor");
	if (IS_ERR(timeline))
		return ERR_CAST(timeline);
	INIT_WORK(&c->work, vgpu_cursor_work);
	mutex_init(&c->lock);
	c->timeline = timeline;
	c->screen = vgpu_screen_get(screen);
	c->generation = vgpu_screen_generation(screen);
	drm_plane_helper_add(&c->base, &vgpu_cursor_helper_funcs);
	drm_plane_enable_fb_damage_clips(&c->base);
	ret = drmm_add_action_or_reset(&vgpu->drm, vgpu_cursor_release, c);
	if (!ret)
		ret = drm_plane_create_blend_mode_property(&c->base, BIT(DRM_MODE_BLEND_PREMULTI));
	return ret ? ERR_PTR(ret) : &c->base;
}
