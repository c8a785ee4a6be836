// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: cursor planes
 *
 * The host draws the cursor: it is told of the picture, its hot spot and where it
 * is. Picture and position go through different queues, and the host may take the
 * second before the first, so a new picture is uploaded and waited for in
 * prepare_fb, where a signal may still end the commit; only a buffer that somebody
 * else has yet to finish is uploaded by the commit itself. And a picture stays, to
 * the host, until that has taken it, however soon its client drops it.
 *
 * Updates by the legacy cursor ioctl don't wait for flips: they go the core's way
 * of asynchronous updates.
 */

#include <linux/minmax.h>
#include <linux/string.h>

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
 * struct vgpu_cursor - a cursor plane
 * @base: what the core knows
 * @scanout: what the host knows of the output, referenced; constant
 * @timeline: of the fences of its updates; constant
 * @generation: of @scanout when the host was last told; belongs to the update under
 *              way, of which there is one at a time
 * @told: what the host was last told; like @generation
 */
struct vgpu_cursor {
	struct drm_plane base;
	struct vgpu_scanout *scanout;
	struct vgpu_timeline *timeline;
	unsigned int generation;
	struct vgpu_cursor_look told;
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

static bool vgpu_cursor_host_forgot(struct vgpu_cursor *c)
{
	return READ_ONCE(c->generation) != vgpu_scanout_generation(c->scanout);
}

/* Is it a commit of nothing but what is shown already? That is how DIRTYFB looks. */
static bool vgpu_cursor_is_dirty(struct vgpu_cursor *c, const struct drm_plane_state *state)
{
	struct vgpu_cursor_look look = vgpu_cursor_look(state);

	return !memcmp(&look, &c->told, sizeof(look)) &&
	       !drm_atomic_get_new_plane_state(state->state, state->crtc->primary);
}

/*
 * Does an update show another picture, or the same one drawn anew? The host knows
 * none of those that were set while the output was off.
 */
static bool vgpu_cursor_is_redrawn(struct vgpu_cursor *c, const struct drm_plane_state *state)
{
	/* Also when it was set while its output was off: the host has not got it. */
	return state->fb != c->base.state->fb || state->fb_damage_clips ||
	       vgpu_framebuffer_gem(state->fb)->res.id != c->told.res_id ||
	       vgpu_cursor_host_forgot(c) || vgpu_cursor_is_dirty(c, state);
}

/* Takes the fence of the update. */
static void vgpu_cursor_upload(struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_gem *gem = vgpu_framebuffer_gem(state->fb);
	const struct drm_rect src = DRM_RECT_INIT(0, 0, VGPU_CURSOR_SIDE, VGPU_CURSOR_SIDE);
	struct drm_rect view;

	vgpu_framebuffer_view(state->fb, &src, &view);
	vgpu_framebuffer_upload(state->fb, &view, own->done);
	vgpu_cmdq_kick(gem->res.vgpu->cmdq);
}

/* Unlike the rest of the display, the cursor's own queue does not keep the order. */
static int vgpu_cursor_wait(struct vgpu_cursor *c, struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	int ret;

	ret = vgpu_patience_wait(to_vgpu(c->base.dev), &own->done->base);
	own->late = !dma_fence_is_signaled(&own->done->base);
	vgpu_plane_finish(state, NULL);
	return ret;
}

static int vgpu_cursor_upload_and_wait(struct vgpu_cursor *c, struct drm_plane_state *state)
{
	int idx;

	if (!drm_dev_enter(c->base.dev, &idx))
		return -ENODEV;
	vgpu_cursor_upload(state);
	drm_dev_exit(idx);
	return vgpu_cursor_wait(c, state);
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
	if (state->fence && !dma_fence_is_signaled(state->fence))
		ret = vgpu_patience_limit(to_vgpu(plane->dev), &state->fence);
	else
		ret = vgpu_cursor_upload_and_wait(c, state);
	if (ret)
		vgpu_plane_cleanup_fb(plane, state);
	return ret;
}

/* The host takes the whole resource for the picture. */
static bool vgpu_cursor_is_whole(const struct drm_framebuffer *fb)
{
	const struct vgpu_resource *res = &vgpu_framebuffer_gem(fb)->res;

	if (res->kind == VGPU_RESOURCE_BLOB)
		return true;
	if (res->width == VGPU_CURSOR_SIDE && res->height == VGPU_CURSOR_SIDE)
		return true;
	drm_dbg_kms(fb->dev, "cursor is a part of %u × %u pixels\n", res->width, res->height);
	return false;
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

/* Tell the host what it does not know yet. */
static void vgpu_cursor_tell(struct vgpu_cursor *c, struct drm_framebuffer *fb,
			     const struct vgpu_cursor_look *look, bool is_new)
{
	struct vgpu_cmdq *q = to_vgpu(c->base.dev)->cmdq;
	u32 id = vgpu_scanout_id(c->scanout);
	struct vgpu_cmd_owner *owner = NULL;
	struct vgpu_cmd *cmd;

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

static void vgpu_cursor_update(struct vgpu_cursor *c, struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	struct vgpu_device *vgpu = to_vgpu(c->base.dev);
	bool is_new = vgpu_cursor_host_forgot(c);
	struct vgpu_cursor_look look;
	int idx;

	if (!drm_dev_enter(c->base.dev, &idx))
		goto out;
	WRITE_ONCE(c->generation, vgpu_scanout_generation(c->scanout));
	if (own->done) {
		/* Not in prepare_fb: its buffer was not finished then. */
		vgpu_cursor_upload(state);
		vgpu_cursor_wait(c, state);
	}
	if (own->late) {
		/* The next update tells everything. */
		WRITE_ONCE(c->generation, 0);
	} else {
		vgpu_resources_lock(vgpu);
		look = vgpu_cursor_look(state);
		vgpu_cursor_tell(c, state->fb, &look, is_new || own->redrawn);
		vgpu_resources_unlock(vgpu);
	}
	drm_dev_exit(idx);
out:
	vgpu_plane_finish(state, own->done);
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
	int idx;

	if (!drm_dev_enter(plane->dev, &idx))
		return;
	vgpu_cursor_tell(to_vgpu_cursor(plane), NULL, &nothing, false);
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
