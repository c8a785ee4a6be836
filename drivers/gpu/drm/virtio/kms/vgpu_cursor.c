// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: cursor planes
 *
 * The host draws the cursor: it is told of the picture, its hot spot and where it
 * is. Picture and position go through different queues, and the host may take the
 * second before the first, so it is told of a new picture only when it has answered
 * the upload. Nobody waits for that: the update ends when the upload is sent, and the
 * host is told by whoever collects the answer, from a work since a resource may be
 * named only where one may sleep.
 *
 * One upload is under way at a time, and behind it the newest picture waits; what is
 * replaced before it was sent is never told. Until the host has the new picture it
 * moves the one it shows. What the host is told at last is what was asked for last, and
 * no picture comes back that was replaced: whatever can be told at once, a blob or no
 * cursor, takes away the turn of the one whose upload is under way.
 *
 * The host reads a picture some time between the call that shows it and the one that
 * replaces it, as it does with what a primary plane shows: who draws into it meanwhile
 * may see it torn, until he shows it again, which uploads it after what he has drawn.
 *
 * An upload that failed, or after which the host has forgotten everything, is not told;
 * the next update uploads again and tells everything. And a picture stays, to the host,
 * until that has taken it, however soon its client drops it.
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
#include "kms/vgpu_patience.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_scanout.h"
#include "object/vgpu_base.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/* In place of a picture: nobody knows what the host shows. No resource has this id. */
#define VGPU_CURSOR_UNKNOWN	U32_MAX

/**
 * struct vgpu_cursor_look - all the host knows of a cursor
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
 * struct vgpu_cursor_upload - a picture on its way to the host
 * @fb: the picture, referenced, which keeps its resource; NULL for none
 * @done: signals when the host has it; referenced
 * @look: what the host is told then; nothing when its @res_id is 0
 * @is_sent: the command has @done
 */
struct vgpu_cursor_upload {
	struct drm_framebuffer *fb;
	struct vgpu_fence *done;
	struct vgpu_cursor_look look;
	bool is_sent;
};

/**
 * struct vgpu_cursor - a cursor plane
 * @base: what the core knows
 * @scanout: what the host knows of the output, referenced; constant
 * @timeline: of the fences of its updates; constant
 * @answered: on the fence of @sent, queues @work
 * @work: tells of @sent and sends @next
 * @lock: protects what follows; taken inside of vgpu_resources_lock() by who names a picture
 * @generation: of @scanout when @told and @sent were last held against it
 * @told: what the host was last told, or VGPU_CURSOR_UNKNOWN
 * @sent: the upload under way
 * @next: what is uploaded after it; only while there is one under way
 */
struct vgpu_cursor {
	struct drm_plane base;
	struct vgpu_scanout *scanout;
	struct vgpu_timeline *timeline;
	struct dma_fence_cb answered;
	struct work_struct work;
	struct mutex lock;
	unsigned int generation;
	struct vgpu_cursor_look told;
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
	unsigned int generation = vgpu_scanout_generation(c->scanout);

	lockdep_assert_held(&c->lock);

	if (c->generation == generation)
		return;
	c->generation = generation;
	c->told.res_id = VGPU_CURSOR_UNKNOWN;
	c->sent.look.res_id = 0;
}

/* The look the host is to have in the end. */
static struct vgpu_cursor_look *vgpu_cursor_newest_locked(struct vgpu_cursor *c)
{
	lockdep_assert_held(&c->lock);

	if (c->next.fb)
		return &c->next.look;
	return c->sent.look.res_id ? &c->sent.look : &c->told;
}

/* Tell the host what it does not know yet. */
static void vgpu_cursor_tell_locked(struct vgpu_cursor *c, struct drm_framebuffer *fb,
				    const struct vgpu_cursor_look *look, bool is_new)
{
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;
	u32 id = vgpu_scanout_id(c->scanout);
	struct vgpu_cmd_owner *owner = NULL;
	struct vgpu_cmd *cmd;

	lockdep_assert_held(&c->lock);

	if (is_new || look->res_id != c->told.res_id || look->hot_x != c->told.hot_x ||
	    look->hot_y != c->told.hot_y) {
		cmd = vgpu_cmd_update_cursor(q, id, look->res_id, look->x, look->y, look->hot_x,
					     look->hot_y);
		if (look->res_id)
			owner = &vgpu_framebuffer_gem(fb)->res.cursor;
	} else if (look->x != c->told.x || look->y != c->told.y) {
		cmd = vgpu_cmd_move_cursor(q, id, look->x, look->y);
	} else {
		return;
	}
	c->told = *look;
	vgpu_cmd_post(cmd, owner);
	vgpu_cmdq_kick_cursor(q);
}

/* Until the host has the new picture, the old one is where that is to be. */
static void vgpu_cursor_drag_locked(struct vgpu_cursor *c, const struct vgpu_cursor_look *to)
{
	struct vgpu_cursor_look look = c->told;

	lockdep_assert_held(&c->lock);

	if (!look.res_id || look.res_id == VGPU_CURSOR_UNKNOWN)
		return;
	look.x = to->x;
	look.y = to->y;
	vgpu_cursor_tell_locked(c, NULL, &look, false);
}

/* ---- uploads ---- */

/*
 * Often the last user of the picture, so without the locks it takes to let go of one. What
 * was not sent leaves no fence behind, for what is sent may take its time.
 */
static void vgpu_cursor_upload_fini(struct vgpu_cursor_upload *upload)
{
	if (!upload->fb)
		return;
	if (upload->is_sent)
		vgpu_fence_put(upload->done);
	else
		vgpu_fence_cancel(upload->done);
	drm_framebuffer_put(upload->fb);
}

static void vgpu_cursor_answered(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_cursor *c = container_of(cb, struct vgpu_cursor, answered);

	queue_work(to_vgpu(c->base.dev)->wq, &c->work);
}

/* Upload the next picture; false when the host has it already. */
static bool vgpu_cursor_send_locked(struct vgpu_cursor *c)
{
	const struct drm_rect src = DRM_RECT_INIT(0, 0, VGPU_CURSOR_SIDE, VGPU_CURSOR_SIDE);
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;
	struct drm_rect view;

	lockdep_assert_held(&c->lock);

	c->sent = c->next;
	c->sent.is_sent = true;
	c->next = (struct vgpu_cursor_upload){};
	vgpu_framebuffer_view(c->sent.fb, &src, &view);
	vgpu_framebuffer_upload(c->sent.fb, &view, c->sent.done);
	vgpu_cmdq_kick(q);
	/* Some hosts answer within the kick. */
	vgpu_cmdq_poll(q);
	return !dma_fence_add_callback(&c->sent.done->base, &c->answered, vgpu_cursor_answered);
}

/* The host has what was sent, or never gets it. Returns that, for its end. */
static struct vgpu_cursor_upload vgpu_cursor_arrive_locked(struct vgpu_cursor *c)
{
	const struct vgpu_cursor_look *newest = vgpu_cursor_newest_locked(c);
	struct vgpu_cursor_upload sent = c->sent;

	lockdep_assert_held(&c->lock);

	sent.look.x = newest->x;
	sent.look.y = newest->y;
	c->sent = (struct vgpu_cursor_upload){};
	if (!sent.look.res_id)
		return sent;
	if (dma_fence_get_status(&sent.done->base) < 0)
		c->told.res_id = VGPU_CURSOR_UNKNOWN;
	else
		vgpu_cursor_tell_locked(c, sent.fb, &sent.look, true);
	return sent;
}

static void vgpu_cursor_work(struct work_struct *work)
{
	struct vgpu_cursor *c = container_of(work, struct vgpu_cursor, work);
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);
	struct vgpu_cursor_upload sent;
	int idx;

	/* What is left then goes with the plane. */
	if (!drm_dev_enter(c->base.dev, &idx))
		return;
	vgpu_resources_lock(vgpu);
	mutex_lock(&c->lock);
	vgpu_cursor_catch_up_locked(c);
	sent = vgpu_cursor_arrive_locked(c);
	if (c->next.fb && !vgpu_cursor_send_locked(c))
		queue_work(vgpu->wq, &c->work);
	mutex_unlock(&c->lock);
	vgpu_resources_unlock(vgpu);
	vgpu_cursor_upload_fini(&sent);
	drm_dev_exit(idx);
}

/* Show what has to be uploaded first. Returns an upload that has come to its end. */
static struct vgpu_cursor_upload
vgpu_cursor_show_later_locked(struct vgpu_cursor *c, struct drm_plane_state *state,
			      const struct vgpu_cursor_look *look)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor_upload replaced = c->next;

	lockdep_assert_held(&c->lock);

	drm_framebuffer_get(state->fb);
	c->next = (struct vgpu_cursor_upload){
		.fb = state->fb, .done = own->done, .look = *look,
	};
	own->done = NULL;
	if (!c->sent.fb && !vgpu_cursor_send_locked(c))
		return vgpu_cursor_arrive_locked(c);
	vgpu_cursor_drag_locked(c, look);
	return replaced;
}

/* Show what the host can see now. Returns an upload that is not wanted any more. */
static struct vgpu_cursor_upload
vgpu_cursor_show_now_locked(struct vgpu_cursor *c, struct drm_framebuffer *fb,
			    const struct vgpu_cursor_look *look, bool is_new)
{
	struct vgpu_cursor_upload replaced = c->next;

	lockdep_assert_held(&c->lock);

	c->next = (struct vgpu_cursor_upload){};
	c->sent.look.res_id = 0;
	vgpu_cursor_tell_locked(c, fb, look, is_new);
	return replaced;
}

/* Move a picture whose upload is under way. */
static void vgpu_cursor_retouch_locked(struct vgpu_cursor *c, const struct vgpu_cursor_look *look)
{
	lockdep_assert_held(&c->lock);

	*vgpu_cursor_newest_locked(c) = *look;
	vgpu_cursor_drag_locked(c, look);
}

/* ---- updates ---- */

/* Is it a commit of nothing but what is shown already? That is how DIRTYFB looks. */
static bool vgpu_cursor_is_dirty_locked(struct vgpu_cursor *c, const struct drm_plane_state *state)
{
	struct vgpu_cursor_look look = vgpu_cursor_look(state);

	return !memcmp(&look, vgpu_cursor_newest_locked(c), sizeof(look)) &&
	       !drm_atomic_get_new_plane_state(state->state, state->crtc->primary);
}

/* Does an update show another picture, or the same one drawn anew? */
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

static int vgpu_cursor_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor *c = to_vgpu_cursor(plane);
	int ret;

	if (!vgpu_plane_will_update(state))
		return 0;
	ret = vgpu_resource_error(&vgpu_framebuffer_gem(state->fb)->res);
	if (!ret)
		ret = drm_gem_plane_helper_prepare_fb(plane, state);
	if (ret)
		return ret;
	own->redrawn = vgpu_cursor_is_redrawn(c, state);
	if (!own->redrawn || !vgpu_framebuffer_needs_upload(state->fb))
		return 0;
	ret = vgpu_plane_prepare_fence(c->timeline, state);
	if (ret)
		return ret;
	ret = vgpu_patience_limit(to_vgpu(plane->dev), &state->fence);
	if (ret)
		vgpu_plane_cleanup_fb(plane, state);
	return ret;
}

/* The host takes the whole resource for the picture, of a blob what stands at its beginning. */
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

/* Returns an upload that has come to its end. */
static struct vgpu_cursor_upload vgpu_cursor_show_locked(struct vgpu_cursor *c,
							 struct drm_plane_state *state)
{
	const struct vgpu_cursor_look *newest = vgpu_cursor_newest_locked(c);
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor_look look = vgpu_cursor_look(state);

	lockdep_assert_held(&c->lock);

	if (own->done && look.res_id)
		return vgpu_cursor_show_later_locked(c, state, &look);
	if (newest != &c->told && newest->res_id == look.res_id)
		vgpu_cursor_retouch_locked(c, &look);
	else if (look.res_id == c->told.res_id || !look.res_id ||
		 !vgpu_framebuffer_needs_upload(state->fb))
		return vgpu_cursor_show_now_locked(c, state->fb, &look, own->redrawn);
	/* Else the host has forgotten it since it was prepared: the next update tells. */
	return (struct vgpu_cursor_upload){};
}

static void vgpu_cursor_update(struct vgpu_cursor *c, struct drm_plane_state *state)
{
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);
	struct vgpu_cursor_upload over;
	int idx;

	if (drm_dev_enter(c->base.dev, &idx)) {
		vgpu_resources_lock(vgpu);
		mutex_lock(&c->lock);
		vgpu_cursor_catch_up_locked(c);
		over = vgpu_cursor_show_locked(c, state);
		mutex_unlock(&c->lock);
		vgpu_resources_unlock(vgpu);
		vgpu_cursor_upload_fini(&over);
		drm_dev_exit(idx);
	}
	/* What is left of it: nothing was uploaded. */
	vgpu_plane_finish(state, false);
}

/**
 * vgpu_cursor_hide() - have the host show no cursor
 * @plane: a cursor plane
 *
 * Context: the tail of a commit.
 */
void vgpu_cursor_hide(struct drm_plane *plane)
{
	static const struct vgpu_cursor_look nothing;
	struct vgpu_cursor *c = to_vgpu_cursor(plane);
	struct vgpu_cursor_upload over;
	int idx;

	if (!drm_dev_enter(plane->dev, &idx))
		return;
	mutex_lock(&c->lock);
	over = vgpu_cursor_show_now_locked(c, NULL, &nothing, false);
	mutex_unlock(&c->lock);
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
	/* The core leaves it to us to make the new state the current one. */
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

	if (c->sent.fb)
		dma_fence_remove_callback(&c->sent.done->base, &c->answered);
	cancel_work_sync(&c->work);
	vgpu_cursor_upload_fini(&c->sent);
	vgpu_cursor_upload_fini(&c->next);
	vgpu_timeline_put(c->timeline);
	vgpu_scanout_put(c->scanout);
}

/**
 * vgpu_cursor_create() - create the cursor plane of an output
 * @vgpu: the device; the plane lives as long as it
 * @scanout: what the host knows of the output; referenced
 *
 * Context: process, may sleep.
 * Return: the plane, or an error pointer.
 */
struct drm_plane *vgpu_cursor_create(struct vgpu_device *vgpu, struct vgpu_scanout *scanout)
{
	struct vgpu_timeline *timeline;
	struct vgpu_cursor *c;
	int ret;

	c = drmm_universal_plane_alloc(&vgpu->drm, struct vgpu_cursor, base,
				       BIT(vgpu_scanout_id(scanout)), &vgpu_cursor_funcs,
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
	c->scanout = vgpu_scanout_get(scanout);
	c->generation = vgpu_scanout_generation(scanout);
	drm_plane_helper_add(&c->base, &vgpu_cursor_helper_funcs);
	drm_plane_enable_fb_damage_clips(&c->base);
	ret = drmm_add_action_or_reset(&vgpu->drm, vgpu_cursor_release, c);
	if (!ret)
		ret = drm_plane_create_blend_mode_property(&c->base, BIT(DRM_MODE_BLEND_PREMULTI));
	return ret ? ERR_PTR(ret) : &c->base;
}
