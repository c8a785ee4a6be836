// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: cursor planes
 *
 * The host draws the cursor, so the driver sends it the picture, its hot spot and the position.
 * The picture is uploaded on the control queue and shown by a command on the cursor queue, which
 * the host may execute before the upload. So the driver sends UPDATE_CURSOR only when the host has
 * answered the upload. An update waits neither for that nor, through the legacy ioctl, for
 * rendering to the picture: it notes what the client wants and sends what it can. A worker sends
 * the rest, since naming a resource to the host may sleep.
 *
 * vgpu_cursor_reconcile() compares what the client wants, what is being uploaded and what the host
 * shows, and makes the host match. The state of the wanted picture says what it waits for::
 *
 *              new picture               upload sent              answered: shown
 *     IDLE -----------------> WAITING ----------------> UPLOADING ----------------> IDLE
 *       ^                      |   ^                        |
 *       | shown without upload |   | answered: the picture  | new picture
 *       |                      |   | before is shown        v
 *       +----------------------+   +--------------------- QUEUED
 *
 * One upload is under way at a time, and the newest picture waits behind it; a picture that is
 * replaced while it waits is never sent. Until the host has the wanted picture, it moves the
 * previous one. A picture that waits for nothing (a blob, or no cursor) is shown at once, and the
 * upload under way ends unseen: QUEUED becomes IDLE. It also ends unseen if the host was reset:
 * UPLOADING becomes IDLE, QUEUED becomes WAITING. A picture whose upload failed is not shown; the
 * next update uploads it again.
 *
 * A host may never answer an upload. So another picture waits for it at most VGPU_DISPLAY_WAIT_MS
 * from its start, like a display update; then the upload ends unseen, unless the host is silent.
 * The timeline is cumulative, so the answer to a later upload completes it.
 *
 * The host reads a picture at some time between the call that shows it and the call that replaces
 * it, as it does for a primary plane. A client that draws into the picture meanwhile may see it
 * torn until the client shows it again. The host keeps a picture until it has executed
 * UPDATE_CURSOR, even if the client drops the picture earlier.
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
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "kms/vgpu_cursor.h"
#include "kms/vgpu_display_wait.h"
#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/**
 * enum vgpu_cursor_state - What the wanted picture of a cursor waits for
 * @VGPU_CURSOR_IDLE: nothing; the host shows the picture, unless &vgpu_cursor.is_stale
 * @VGPU_CURSOR_WAITING: rendering, and the end of an upload whose picture is not shown any more
 * @VGPU_CURSOR_QUEUED: rendering, and an upload whose picture is shown first
 * @VGPU_CURSOR_UPLOADING: its own upload
 */
enum vgpu_cursor_state {
	VGPU_CURSOR_IDLE,
	VGPU_CURSOR_WAITING,
	VGPU_CURSOR_QUEUED,
	VGPU_CURSOR_UPLOADING,
};

/**
 * struct vgpu_cursor_look - A picture and its place; compared as bytes, so it has no padding
 * @owner: owner of commands that name @res_id, valid while that is referenced; NULL for none
 * @res_id: the resource of the picture, 0 for none
 * @x: left edge of the picture, in pixels of the scanout; may be negative
 * @y: upper edge
 * @hot_x: hot spot, in pixels of the picture
 * @hot_y: hot spot
 */
struct vgpu_cursor_look {
	struct vgpu_cmd_owner *owner;
	u32 res_id;
	s32 x;
	s32 y;
	u16 hot_x;
	u16 hot_y;
};

/**
 * struct vgpu_cursor - A cursor plane
 * @base: base of the plane
 * @screen: what the output shows; constant
 * @timeline: of the fences of its uploads; constant
 * @work: calls vgpu_cursor_reconcile(); its timer is the limit of the upload under way
 * @cb: callback on @awaited, queues @work
 * @lock: protects what follows; taken inside of &vgpu_resources.lifecycle
 * @state: state of @wanted; written by vgpu_cursor_set_state_locked() only
 * @awaited: the fence that the next step waits for, referenced; or NULL
 * @wanted: what the client wants the host to show
 * @fb: the picture of @wanted, referenced; NULL for none
 * @drawn: signals when rendering to @fb is complete; referenced; NULL if none was pending
 * @done: fence for the upload of @fb, referenced; NULL if none is needed, or once it is sent
 * @uploading: the picture being uploaded, its resource referenced while @uploaded is set
 * @uploaded: signals when the host has answered the upload; referenced; NULL if none is under way
 * @shown: what the host was last told to show
 * @is_stale: the host may show something else than @shown, so the next command is UPDATE_CURSOR
 * @generation: generation of @screen that @uploading and @shown belong to
 * @last: the newest command on the cursor queue, referenced; or NULL
 */
struct vgpu_cursor {
	struct drm_plane base;
	struct vgpu_screen *screen;
	struct vgpu_timeline *timeline;
	struct delayed_work work;
	struct dma_fence_cb cb;
	struct mutex lock;
	enum vgpu_cursor_state state;
	struct dma_fence *awaited;
	struct vgpu_cursor_look wanted;
	struct drm_framebuffer *fb;
	struct dma_fence *drawn;
	struct vgpu_fence *done;
	struct vgpu_cursor_look uploading;
	struct vgpu_fence *uploaded;
	struct vgpu_cursor_look shown;
	bool is_stale;
	u64 generation;
	struct vgpu_cmd *last;
};

static const u32 vgpu_cursor_formats[] = { DRM_FORMAT_HOST_ARGB8888 };

static struct vgpu_cursor_look vgpu_cursor_look(const struct drm_plane_state *state)
{
	struct vgpu_cursor_look look = {};

	if (!state->fb || !state->crtc->state->active || vgpu_plane_is_lost(state))
		return look;
	look.owner = &vgpu_framebuffer_gem(state->fb)->res.cursor;
	look.res_id = vgpu_framebuffer_gem(state->fb)->res.id;
	look.x = state->crtc_x;
	look.y = state->crtc_y;
	look.hot_x = clamp(state->hotspot_x, 0, VGPU_CURSOR_SIDE - 1);
	look.hot_y = clamp(state->hotspot_y, 0, VGPU_CURSOR_SIDE - 1);
	return look;
}

static void vgpu_cursor_set_state_locked(struct vgpu_cursor *c, enum vgpu_cursor_state state)
{
	lockdep_assert_held(&c->lock);

	c->state = state;
}

/* Stop waiting for the upload under way: it has ended, or the host has forgotten it. */
static void vgpu_cursor_leave_upload_locked(struct vgpu_cursor *c)
{
	lockdep_assert_held(&c->lock);

	if (c->state == VGPU_CURSOR_UPLOADING)
		vgpu_cursor_set_state_locked(c, VGPU_CURSOR_IDLE);
	else if (c->state == VGPU_CURSOR_QUEUED)
		vgpu_cursor_set_state_locked(c, VGPU_CURSOR_WAITING);
}

/* In a new generation, the host may have forgotten what it was told and what was uploaded. */
static void vgpu_cursor_catch_up_locked(struct vgpu_cursor *c)
{
	u64 generation = vgpu_screen_generation(c->screen);

	lockdep_assert_held(&c->lock);

	if (c->generation == generation)
		return;
	c->generation = generation;
	c->is_stale = true;
	vgpu_cursor_leave_upload_locked(c);
}

/*
 * Have the host show @look at the wanted position, unless it already does. At most one command
 * waits for room in the ring, and a newer command replaces it, so a client that moves the cursor
 * of a stalled host does not fill the FIFO.
 */
static void vgpu_cursor_tell_locked(struct vgpu_cursor *c, const struct vgpu_cursor_look *look,
				    bool is_new)
{
	bool is_moved = c->wanted.x != c->shown.x || c->wanted.y != c->shown.y;
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;
	u32 id = c->screen->id;
	struct vgpu_cmd *cmd = c->last;
	bool is_waiting;

	lockdep_assert_held(&c->lock);

	is_new |= c->is_stale || look->res_id != c->shown.res_id ||
		  look->hot_x != c->shown.hot_x || look->hot_y != c->shown.hot_y;
	if (!is_new && !is_moved)
		return;
	c->is_stale = false;
	c->shown = *look;
	c->shown.x = c->wanted.x;
	c->shown.y = c->wanted.y;

	is_waiting = cmd && vgpu_cmd_take_back(cmd);
	if (is_new)
		cmd = vgpu_cmd_update_cursor(q, id, look->res_id, c->shown.x, c->shown.y,
					     look->hot_x, look->hot_y);
	else if (!is_waiting)
		cmd = vgpu_cmd_move_cursor(q, id, c->shown.x, c->shown.y);
	else
		/* The waiting command may be UPDATE_CURSOR: post it again at the new position. */
		vgpu_cmd_set_cursor_position(cmd, c->shown.x, c->shown.y);
	if (c->last != cmd)
		vgpu_cmd_put(c->last);
	c->last = cmd;
	vgpu_cmd_post(vgpu_cmd_get(cmd), is_new ? look->owner : NULL);
	vgpu_cmdq_kick_cursor(q);
}

static void vgpu_cursor_start_upload_locked(struct vgpu_cursor *c)
{
	const struct drm_rect all = DRM_RECT_INIT(0, 0, VGPU_CURSOR_SIDE, VGPU_CURSOR_SIDE);
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);

	lockdep_assert_held(&c->lock);

	c->uploading = c->wanted;
	vgpu_cmd_owner_get(c->uploading.owner);
	swap(c->uploaded, c->done);
	vgpu_cursor_set_state_locked(c, VGPU_CURSOR_UPLOADING);
	vgpu_cmd_post_fenced(vgpu_framebuffer_upload(c->fb, &all),
			     &vgpu_framebuffer_gem(c->fb)->res.owner, c->uploaded);
	mod_delayed_work(vgpu->wq, &c->work, msecs_to_jiffies(VGPU_DISPLAY_WAIT_MS));
	vgpu_cmdq_kick(vgpu->cmdq);
	/* Some hosts answer within the kick. */
	vgpu_cmdq_poll(vgpu->cmdq);
}

/* Upload the wanted picture, or show it if it needs no upload. */
static void vgpu_cursor_advance_locked(struct vgpu_cursor *c)
{
	bool is_early = c->uploaded || (c->drawn && !dma_fence_is_signaled(c->drawn));

	lockdep_assert_held(&c->lock);

	if (c->state != VGPU_CURSOR_WAITING && c->state != VGPU_CURSOR_QUEUED)
		return;
	/* A picture without fences never waits, not even for the upload of the one before. */
	if (c->wanted.res_id && (c->done || c->drawn) && is_early)
		return;
	if (c->wanted.res_id && c->done) {
		vgpu_cursor_start_upload_locked(c);
	} else {
		vgpu_cursor_set_state_locked(c, VGPU_CURSOR_IDLE);
		vgpu_cursor_tell_locked(c, &c->wanted, c->wanted.res_id);
	}
}

/*
 * Show the picture whose upload has ended, unless that failed or it is not wanted any more. Another
 * picture does not wait for an upload beyond its limit, unless the host is silent.
 */
static void vgpu_cursor_end_upload_locked(struct vgpu_cursor *c)
{
	bool is_waiting = c->state == VGPU_CURSOR_WAITING || c->state == VGPU_CURSOR_QUEUED;
	int status = c->uploaded ? dma_fence_get_status(&c->uploaded->base) : 0;

	lockdep_assert_held(&c->lock);

	if (!c->uploaded || (!status && (!is_waiting || delayed_work_pending(&c->work) ||
					 vgpu_cmdq_is_silent(to_vgpu(c->base.dev)->cmdq))))
		return;
	if (c->state >= VGPU_CURSOR_QUEUED && status < 0)
		c->is_stale = true;
	else if (c->state >= VGPU_CURSOR_QUEUED && status)
		vgpu_cursor_tell_locked(c, &c->uploading, true);
	vgpu_cursor_leave_upload_locked(c);
	vgpu_cmd_owner_put(c->uploading.owner);
	vgpu_fence_put(c->uploaded);
	c->uploaded = NULL;
}

static void vgpu_cursor_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_cursor *c = container_of(cb, struct vgpu_cursor, cb);

	mod_delayed_work(to_vgpu(c->base.dev)->wq, &c->work, 0);
}

/* Add a callback that queues the work at the end of the upload, or of rendering. */
static void vgpu_cursor_await_locked(struct vgpu_cursor *c)
{
	struct dma_fence *fence = c->state == VGPU_CURSOR_WAITING ? c->drawn : NULL;

	lockdep_assert_held(&c->lock);

	if (c->uploaded)
		fence = &c->uploaded->base;
	/* The callback is reused, so wait until it no longer runs. */
	if (c->awaited)
		dma_fence_remove_callback(c->awaited, &c->cb);
	dma_fence_put(c->awaited);
	c->awaited = dma_fence_get(fence);
	if (fence && dma_fence_add_callback(fence, &c->cb, vgpu_cursor_signalled))
		vgpu_cursor_signalled(fence, &c->cb);
}

/* Make the host match what the client wants, as far as possible now. Resources are locked. */
static void vgpu_cursor_reconcile(struct vgpu_cursor *c)
{
	int idx;

	/* After unplug, vgpu_cursor_release() drops the pictures. */
	if (!drm_dev_enter(c->base.dev, &idx))
		return;
	mutex_lock(&c->lock);
	vgpu_cursor_catch_up_locked(c);
	if (c->fb && vgpu_resource_is_lost(&vgpu_framebuffer_gem(c->fb)->res))
		c->wanted = (struct vgpu_cursor_look){};
	vgpu_cursor_advance_locked(c);
	vgpu_cursor_end_upload_locked(c);
	vgpu_cursor_advance_locked(c);
	/* Until the host has the wanted picture, it moves the previous one. */
	if (c->shown.res_id && !c->is_stale)
		vgpu_cursor_tell_locked(c, c->state == VGPU_CURSOR_IDLE ? &c->wanted : &c->shown,
					false);
	vgpu_cursor_await_locked(c);
	mutex_unlock(&c->lock);
	drm_dev_exit(idx);
}

static void vgpu_cursor_work(struct work_struct *work)
{
	struct vgpu_cursor *c = container_of(to_delayed_work(work), struct vgpu_cursor, work);
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);

	vgpu_cmdq_begin_update(vgpu->cmdq, GFP_KERNEL | __GFP_NOFAIL);
	down_read(&vgpu->resources->lifecycle);
	vgpu_cursor_reconcile(c);
	up_read(&vgpu->resources->lifecycle);
	vgpu_cmdq_end_update(vgpu->cmdq);
}

/*
 * Check whether the host has to read the picture of an update: another one, one with new content,
 * or one that it lacks since its output was off. An update that changes nothing is a DIRTYFB.
 */
static bool vgpu_cursor_is_redrawn(struct vgpu_cursor *c, const struct drm_plane_state *state)
{
	const struct vgpu_cursor_look look = vgpu_cursor_look(state);

	guard(mutex)(&c->lock);
	vgpu_cursor_catch_up_locked(c);
	return state->fb != c->fb || state->fb_damage_clips ||
	       (c->state == VGPU_CURSOR_IDLE && c->is_stale) ||
	       (!memcmp(&look, &c->wanted, sizeof(look)) &&
		!drm_atomic_get_new_plane_state(state->state, state->crtc->primary));
}

static int vgpu_cursor_prepare_show(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_cursor *c = container_of(plane, struct vgpu_cursor, base);

	own->redrawn = vgpu_cursor_is_redrawn(c, state);
	if (!own->redrawn || !vgpu_framebuffer_needs_upload(state->fb))
		return 0;
	return vgpu_plane_prepare_fence(c->timeline, state);
}

static int vgpu_cursor_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	/* The cursor queue may overtake the control queue, so rendering there is not in order. */
	return vgpu_plane_prepare(plane, state, false, vgpu_cursor_prepare_show);
}

/* Check that the picture is a whole resource, or the beginning of a blob: the host reads that. */
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
		drm_dbg_kms(fb->dev, "cursor is a part of its buffer, or has a bad pitch: %u\n",
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
		drm_dbg_kms(plane->dev, "cursor %u × %u: cut, or not %u × %u\n", state->fb->width,
			    state->fb->height, VGPU_CURSOR_SIDE, VGPU_CURSOR_SIDE);
		return -EINVAL;
	}
	if (!vgpu_framebuffer_is_showable(state->fb) || !vgpu_cursor_is_whole(state->fb))
		return -EINVAL;
	crtc_state = drm_atomic_get_new_crtc_state(commit, state->crtc);
	return drm_atomic_helper_check_plane_state(state, crtc_state, DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING, true, true);
}

/*
 * Note what the client wants. The fences of the wanted picture and of @state change places.
 * Returns the framebuffer that is replaced, to be put without locks; or NULL.
 */
static struct drm_framebuffer *vgpu_cursor_want_locked(struct vgpu_cursor *c,
						       struct drm_plane_state *state)
{
	const struct vgpu_cursor_look look = vgpu_cursor_look(state);
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct drm_framebuffer *replaced = c->fb;

	lockdep_assert_held(&c->lock);

	if (look.res_id && !own->redrawn) {
		/* Otherwise the cursor was hidden after prepare_fb(); the next update shows it. */
		if (state->fb == c->fb)
			c->wanted = look;
		if (c->state == VGPU_CURSOR_UPLOADING)
			c->uploading = c->wanted;
		return NULL;
	}
	if (!look.res_id && !c->fb)
		return NULL;
	c->wanted = look;
	c->fb = look.res_id ? state->fb : NULL;
	if (c->fb)
		drm_framebuffer_get(c->fb);
	/* In an asynchronous update the core has not waited for the fence. */
	swap(c->drawn, state->fence);
	swap(c->done, own->done);
	vgpu_cursor_set_state_locked(c, c->state >= VGPU_CURSOR_QUEUED ? VGPU_CURSOR_QUEUED :
									 VGPU_CURSOR_WAITING);
	return replaced;
}

static void vgpu_cursor_update(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct vgpu_device *vgpu = to_vgpu(plane->dev);
	struct vgpu_cursor *c = container_of(plane, struct vgpu_cursor, base);
	bool cookie = dma_fence_begin_signalling();
	struct drm_framebuffer *replaced;

	scoped_guard(mutex, &c->lock)
		replaced = vgpu_cursor_want_locked(c, state);
	if (down_read_trylock(&vgpu->resources->lifecycle)) {
		vgpu_cursor_reconcile(c);
		up_read(&vgpu->resources->lifecycle);
	} else {
		/* The work waits for the lock, which is held while the device starts again. */
		mod_delayed_work(vgpu->wq, &c->work, 0);
	}
	vgpu_plane_finish(state);
	dma_fence_end_signalling(cookie);
	if (replaced)
		drm_framebuffer_put(replaced);
}

/**
 * vgpu_cursor_hide() - Have the host show no cursor
 * @plane: a cursor plane, whose CRTC is off
 *
 * Context: the tail of a commit.
 */
void vgpu_cursor_hide(struct drm_plane *plane)
{
	vgpu_cursor_update(plane, plane->state);
}

static void vgpu_cursor_atomic_update(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	vgpu_cursor_update(plane, drm_atomic_get_new_plane_state(commit, plane));
}

/* A cursor can be changed at any time while it is shown, and its CRTC stays on. */
static int vgpu_cursor_async_check(struct drm_plane *plane, struct vgpu_compat_commit *commit,
				   bool flip)
{
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);

	return flip || !vgpu_plane_will_update(state) || !plane->state->fb ? -EINVAL : 0;
}

VGPU_COMPAT_ASYNC_CHECK(vgpu_cursor_async_check)

static void vgpu_cursor_atomic_async_update(struct drm_plane *plane,
					    struct vgpu_compat_commit *commit)
{
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);
	struct drm_plane_state *now = plane->state;

	vgpu_cursor_update(plane, state);
	/* In an asynchronous update the driver has to copy the new state; the size is constant. */
	swap(now->fb, state->fb);
	now->crtc_x = state->crtc_x;
	now->crtc_y = state->crtc_y;
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
	.atomic_disable = vgpu_cursor_atomic_update,
	.atomic_async_check = vgpu_cursor_async_check_compat,
	.atomic_async_update = vgpu_cursor_atomic_async_update,
};

static void vgpu_cursor_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_cursor *c = ptr;

	if (c->awaited)
		dma_fence_remove_callback(c->awaited, &c->cb);
	dma_fence_put(c->awaited);
	cancel_delayed_work_sync(&c->work);
	dma_fence_put(c->drawn);
	vgpu_fence_put(c->done);
	if (c->fb)
		drm_framebuffer_put(c->fb);
	if (c->uploaded)
		vgpu_cmd_owner_put(c->uploading.owner);
	vgpu_fence_put(c->uploaded);
	vgpu_cmd_put(c->last);
	vgpu_timeline_put(c->timeline);
}

/**
 * vgpu_cursor_create() - Create the cursor plane of an output
 * @vgpu: the device; the plane lives as long as it
 * @screen: what the output shows; created before the cursor
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
				       BIT(screen->id), &vgpu_plane_funcs,
				       vgpu_cursor_formats, ARRAY_SIZE(vgpu_cursor_formats),
				       NULL, DRM_PLANE_TYPE_CURSOR, NULL);
	if (IS_ERR(c))
		return ERR_CAST(c);
	timeline = vgpu_timeline_create("cursor");
	if (IS_ERR(timeline))
		return ERR_CAST(timeline);
	INIT_DELAYED_WORK(&c->work, vgpu_cursor_work);
	mutex_init(&c->lock);
	timeline->is_cumulative = true;
	c->timeline = timeline;
	c->screen = screen;
	c->generation = vgpu_screen_generation(screen);
	drm_plane_helper_add(&c->base, &vgpu_cursor_helper_funcs);
	drm_plane_enable_fb_damage_clips(&c->base);
	ret = drmm_add_action_or_reset(&vgpu->drm, vgpu_cursor_release, c) ?:
	      drm_plane_create_blend_mode_property(&c->base, BIT(DRM_MODE_BLEND_PREMULTI));
	return ret ? ERR_PTR(ret) : &c->base;
}
