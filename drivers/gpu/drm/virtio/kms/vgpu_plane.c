// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: primary planes
 *
 * An update waits until the host has executed the previous update of the same plane. So a
 * client that draws faster than the host is held back, and when a client gets the event of a
 * flip, the host has read what it copies of the previous buffer. The fence of an update is
 * allocated before the commit, since the commit must not wait for memory. The core waits for
 * it together with the fences of buffers: interruptibly in a blocking commit, otherwise in a
 * worker.
 *
 * An update also waits for rendering to its buffer, unless the host executes the rendering
 * before the update in any case. One update waits for all its fences together at most
 * VGPU_DISPLAY_WAIT_MS, and it waits for work of a silent host only if the client passed the
 * fence itself. An update that only changes the content of the shown framebuffer, and comes too
 * early, waits for nothing: the screen postpones it.
 *
 * An update posts its commands and notifies the device once, at the end. A client that flips gets
 * its event at the first tick after the host has executed the flip, when a monitor would show it.
 * If the event came earlier, a compositor would draw its next frame while the host still draws the
 * last one, and take the host's time from the clients. An update that only changes the content of
 * the shown framebuffer waits for no tick.
 *
 * Models in tests/models/: spin/screen.pml.
 */

#include <linux/dma-fence.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_vblank.h>

#include "kms/vgpu_damage.h"
#include "kms/vgpu_display_wait.h"
#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_panic.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_fence.h"

/* The formats of dumb buffers come first, since devices without 3D and blobs have no others. */
static const u32 vgpu_plane_formats[] = {
	DRM_FORMAT_HOST_XRGB8888,
	DRM_FORMAT_HOST_ARGB8888,
	DRM_FORMAT_XBGR8888,
	DRM_FORMAT_ABGR8888,
};

#define VGPU_PLANE_DUMB_FORMATS	2

/**
 * vgpu_plane_is_lost() - Check whether the plane's buffer was lost with the device
 * @state: the plane's state, with a framebuffer
 *
 * Such a buffer shows nothing. Refusing it would fail the whole commit: other planes would not be
 * shown again after a reset, and the client could not replace the buffer.
 *
 * Context: any.
 * Return: true if the host has nothing to show for it.
 */
bool vgpu_plane_is_lost(const struct drm_plane_state *state)
{
	return vgpu_resource_is_lost(&vgpu_framebuffer_gem(state->fb)->res);
}

/**
 * vgpu_plane_will_update() - Check whether a commit has the host show a buffer
 * @state: the plane's new state
 *
 * Context: any.
 * Return: true if the plane shows a framebuffer on a CRTC that is on.
 */
bool vgpu_plane_will_update(const struct drm_plane_state *state)
{
	return state->fb && state->crtc && !vgpu_plane_is_lost(state) &&
	       drm_atomic_get_new_crtc_state(state->state, state->crtc)->active;
}

/**
 * vgpu_plane_prepare_fence() - Create the fence of an update
 * @timeline: timeline of the plane
 * @state: the plane's new state
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_plane_prepare_fence(struct vgpu_timeline *timeline, struct drm_plane_state *state)
{
	struct vgpu_fence *fence = vgpu_fence_create(timeline);

	if (IS_ERR(fence))
		return PTR_ERR(fence);
	to_vgpu_plane_state(state)->done = fence;
	return 0;
}

/**
 * vgpu_plane_finish() - Release what was prepared for the commands of an update
 * @state: the plane's state
 *
 * Context: any.
 */
void vgpu_plane_finish(struct drm_plane_state *state)
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);

	vgpu_fence_put(own->done);
	own->done = NULL;
	if (own->has_memory)
		vgpu_cmdq_end_update(to_vgpu(state->plane->dev)->cmdq);
	own->has_memory = false;
}

/**
 * vgpu_plane_cleanup_fb() - Implement &drm_plane_helper_funcs.cleanup_fb
 * @plane: the plane
 * @state: the state that was replaced, or was not committed
 *
 * Context: process, may sleep.
 */
void vgpu_plane_cleanup_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	vgpu_plane_finish(state);
}

/*
 * Drop the fences of rendering to the buffer if the host executes all of it before the update in
 * any case, or if the host is silent. A fence that the client passed itself is waited for even if
 * the host is silent.
 */
static void vgpu_plane_drop_fences(struct vgpu_cmdq *q, struct drm_plane_state *state,
				   bool in_order, bool is_explicit)
{
	bool silent = !is_explicit && vgpu_cmdq_is_silent(q);
	struct dma_fence_unwrap iter;
	struct dma_fence *fence;
	bool needless = true;

	dma_fence_unwrap_for_each(fence, &iter, state->fence)
		needless &= (in_order && vgpu_cmdq_runs_after(q, fence)) ||
			    dma_fence_is_signaled(fence) ||
			    (silent && vgpu_cmdq_has(q, fence));

	if (needless) {
		dma_fence_put(state->fence);
		state->fence = NULL;
	}
}

/* Collect the fences that an update has to wait for. @state->fence may be set. */
static int vgpu_plane_collect_fences(struct drm_plane *plane, struct drm_plane_state *state,
				     bool in_order)
{
	struct vgpu_cmdq *q = to_vgpu(plane->dev)->cmdq;
	bool is_explicit = state->fence;
	int ret;

	ret = vgpu_resource_error(&vgpu_framebuffer_gem(state->fb)->res);
	if (!ret)
		ret = drm_gem_plane_helper_prepare_fb(plane, state);
	if (ret)
		return ret;

	/* A response may be in the ring without an interrupt, so collect it first. */
	vgpu_cmdq_poll(q);
	vgpu_plane_drop_fences(q, state, in_order, is_explicit);
	return 0;
}

/**
 * vgpu_plane_prepare() - Prepare an update, for &drm_plane_helper_funcs.prepare_fb
 * @plane: the plane
 * @state: the plane's new state
 * @in_order: the update goes to the control queue, so the host executes it after rendering
 * @prepare_show: called if the host is to show a buffer, with the fences to wait for in
 *                @state->fence; prepares what only planes of this type need
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM; the sticky error of the resource; an errno of the core or of @prepare_show.
 */
int vgpu_plane_prepare(struct drm_plane *plane, struct drm_plane_state *state, bool in_order,
		       int (*prepare_show)(struct drm_plane *plane, struct drm_plane_state *state))
{
	struct vgpu_plane_state *own = to_vgpu_plane_state(state);
	int ret;

	/* An update that hides the plane needs memory, too. */
	ret = vgpu_cmdq_begin_update(to_vgpu(plane->dev)->cmdq, GFP_KERNEL);
	own->has_memory = !ret;
	if (!ret && vgpu_plane_will_update(state)) {
		own->deadline = jiffies + msecs_to_jiffies(VGPU_DISPLAY_WAIT_MS);
		ret = vgpu_plane_collect_fences(plane, state, in_order);
		if (!ret)
			ret = prepare_show(plane, state);
		if (!ret && state->fence)
			ret = vgpu_display_wait_limit(&state->fence, own->deadline);
	}
	if (ret)
		vgpu_plane_finish(state);
	return ret;
}

/* Check whether an update replaces the framebuffer; false if the plane is switched off. */
static bool vgpu_plane_is_flip(const struct drm_plane_state *old_state,
			       const struct drm_plane_state *new_state)
{
	return new_state->fb && old_state->fb != new_state->fb;
}

/* Check whether a client waits until an update of a CRTC that is on is shown. */
static bool vgpu_plane_client_waits(const struct drm_crtc_state *crtc_state)
{
	/* The core allocates an event even for commits without a client that wants one. */
	return crtc_state->event->base.file_priv || crtc_state->event->base.fence;
}

/* Check whether only the content of the framebuffer changed, and no client waits for a tick. */
static bool vgpu_plane_is_redrawn(const struct drm_plane *plane,
				  const struct drm_plane_state *state)
{
	const struct drm_crtc_state *crtc_state =
		drm_atomic_get_new_crtc_state(state->state, state->crtc);

	return plane->state->visible && state->visible &&
	       !vgpu_plane_is_flip(plane->state, state) &&
	       drm_rect_equals(&plane->state->src, &state->src) &&
	       !drm_atomic_crtc_needs_modeset(crtc_state) && !vgpu_plane_client_waits(crtc_state);
}

/* Have the commit wait until the host has finished the previous update. */
static int vgpu_plane_wait_for_last(struct vgpu_plane *p, struct drm_plane_state *state)
{
	struct dma_fence *last = vgpu_screen_last_fence(&p->screen);
	struct dma_fence *both;

	if (!last || dma_fence_is_signaled(last) ||
	    vgpu_cmdq_is_silent(to_vgpu(p->base.dev)->cmdq)) {
		dma_fence_put(last);
		return 0;
	}

	both = state->fence ? dma_fence_unwrap_merge(state->fence, last) : dma_fence_get(last);
	dma_fence_put(last);
	if (!both)
		return -ENOMEM;
	dma_fence_put(state->fence);
	state->fence = both;
	return 0;
}

static int vgpu_plane_prepare_show(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct vgpu_plane *p = to_vgpu_plane(plane);
	int ret;

	/* The screen postpones the update, so it needs no fence. */
	if (!state->fence && vgpu_plane_is_redrawn(plane, state) &&
	    vgpu_screen_is_early(&p->screen))
		return 0;

	ret = vgpu_plane_wait_for_last(p, state);
	return ret ?: vgpu_plane_prepare_fence(p->screen.timeline, state);
}

static int vgpu_plane_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	return vgpu_plane_prepare(plane, state, true, vgpu_plane_prepare_show);
}

static int vgpu_plane_atomic_check(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);
	struct drm_crtc_state *crtc_state;

	if (!state->crtc)
		return 0;
	if (!vgpu_framebuffer_is_showable(state->fb))
		return -EINVAL;

	crtc_state = drm_atomic_get_new_crtc_state(commit, state->crtc);
	return drm_atomic_helper_check_plane_state(state, crtc_state, DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING, false, true);
}

/* Get the damage of an update, in pixels of the framebuffer. */
static void vgpu_plane_damage(const struct drm_plane_state *old_state,
			      const struct drm_plane_state *new_state,
			      struct vgpu_damage *damage)
{
	struct drm_atomic_helper_damage_iter iter;
	struct drm_rect clip;

	vgpu_damage_clear(damage);
	drm_atomic_helper_damage_iter_init(&iter, old_state, new_state);
	if (iter.full_update || !old_state->visible) {
		vgpu_damage_set_full(damage);
		return;
	}

	drm_atomic_for_each_plane_damage(&iter, &clip)
		vgpu_damage_add(damage, &clip);
}

static void vgpu_plane_show(struct vgpu_plane *p, const struct drm_plane_state *old_state,
			    struct drm_plane_state *state)
{
	struct vgpu_damage damage;
	struct drm_rect src;

	drm_rect_fp_to_int(&src, &state->src);
	vgpu_plane_damage(old_state, state, &damage);
	vgpu_screen_show(&p->screen, state->fb, &src, &damage, to_vgpu_plane_state(state)->done);
}

static void vgpu_plane_atomic_disable(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	vgpu_screen_blank(&to_vgpu_plane(plane)->screen);
}

static void vgpu_plane_atomic_update(struct drm_plane *plane, struct vgpu_compat_commit *commit)
{
	struct drm_plane_state *old_state = drm_atomic_get_old_plane_state(commit, plane);
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, plane);
	struct vgpu_plane *p = to_vgpu_plane(plane);
	bool cookie = dma_fence_begin_signalling();
	int idx;

	if (!state->visible || vgpu_plane_is_lost(state)) {
		vgpu_screen_blank(&p->screen);
	} else if (drm_dev_enter(plane->dev, &idx)) {
		vgpu_plane_show(p, old_state, state);
		drm_dev_exit(idx);
	}
	vgpu_plane_finish(state);
	dma_fence_end_signalling(cookie);
}

/* ---- the tail of a commit ---- */

/* Check whether an update is over at the first tick after the host has executed it. */
static bool vgpu_plane_is_paced(const struct drm_plane_state *old_state,
				const struct drm_plane_state *new_state,
				const struct drm_crtc_state *crtc_state)
{
	if (!crtc_state->active || crtc_state->async_flip)
		return false;
	if (vgpu_plane_client_waits(crtc_state))
		return true;
	return !drm_atomic_crtc_needs_modeset(crtc_state) && new_state &&
	       vgpu_plane_is_flip(old_state, new_state);
}

/* Check whether the host shows the guest's memory, until it has executed the next update. */
static bool vgpu_plane_is_read_by_host(const struct drm_plane_state *state)
{
	const struct vgpu_resource *res;

	if (!state->fb)
		return false;
	res = &vgpu_framebuffer_gem(state->fb)->res;
	return res->kind == VGPU_RESOURCE_BLOB && res->blob_mem != VIRTIO_GPU_BLOB_MEM_HOST3D;
}

/*
 * Wait until the host has executed an update, or until the deadline of the update. A signal or a
 * silent host ends the wait early. There is nothing to wait for if @state shows no buffer.
 */
static void vgpu_plane_wait_for_host(struct vgpu_plane *p, struct drm_plane_state *state)
{
	unsigned long deadline = to_vgpu_plane_state(state)->deadline;
	long left = deadline - jiffies;
	struct dma_fence *last;

	if (!deadline || left <= 0 || vgpu_cmdq_is_silent(to_vgpu(p->base.dev)->cmdq))
		return;

	last = vgpu_screen_last_fence(&p->screen);
	if (last)
		/* Best effort: the update goes on whatever ends the wait. */
		dma_fence_wait_timeout(last, true, left);
	dma_fence_put(last);
}

/* Send the event of an update at the next tick, or at once with the number of the last tick. */
static void vgpu_plane_send_event(struct drm_crtc *crtc, struct drm_crtc_state *crtc_state,
				  bool paced)
{
	struct drm_device *drm = crtc->dev;

	spin_lock_irq(&drm->event_lock);
	if (paced && !drm_crtc_vblank_get(crtc)) {
		drm_crtc_arm_vblank_event(crtc, crtc_state->event);
	} else {
		if (crtc_state->active)
			drm_crtc_accurate_vblank_count(crtc);
		drm_crtc_send_vblank_event(crtc, crtc_state->event);
	}
	crtc_state->event = NULL;
	spin_unlock_irq(&drm->event_lock);
}

/* End the update of a CRTC. If it replaces a buffer that the host reads, the host ends first. */
static void vgpu_plane_end_update(struct vgpu_compat_commit *commit, struct drm_crtc *crtc,
				  struct drm_crtc_state *crtc_state)
{
	const struct drm_plane_state *old_state =
		drm_atomic_get_old_plane_state(commit, crtc->primary);
	struct drm_plane_state *state = drm_atomic_get_new_plane_state(commit, crtc->primary);
	bool paced = vgpu_plane_is_paced(old_state, state, crtc_state);

	if (state && (paced || (vgpu_plane_is_flip(old_state, state) &&
				vgpu_plane_is_read_by_host(old_state))))
		vgpu_plane_wait_for_host(to_vgpu_plane(crtc->primary), state);
	vgpu_plane_send_event(crtc, crtc_state, paced);
}

/**
 * vgpu_plane_commit_tail() - Implement &drm_mode_config_helper_funcs.atomic_commit_tail
 * @commit: the commit
 *
 * Context: process, or a worker for a nonblocking commit.
 */
void vgpu_plane_commit_tail(struct vgpu_compat_commit *commit)
{
	struct drm_device *drm = commit->dev;
	struct drm_crtc_state *crtc_state;
	struct drm_crtc *crtc;
	bool cookie;
	int i;

	drm_atomic_helper_commit_modeset_disables(drm, commit);
	drm_atomic_helper_commit_modeset_enables(drm, commit);
	drm_atomic_helper_commit_planes(drm, commit, DRM_PLANE_COMMIT_ACTIVE_ONLY);
	vgpu_cmdq_kick(to_vgpu(drm)->cmdq);

	cookie = dma_fence_begin_signalling();
	for_each_new_crtc_in_state(commit, crtc, crtc_state, i)
		if (crtc_state->event)
			vgpu_plane_end_update(commit, crtc, crtc_state);
	dma_fence_end_signalling(cookie);

	drm_atomic_helper_commit_hw_done(commit);
	drm_atomic_helper_wait_for_flip_done(drm, commit);
	drm_atomic_helper_cleanup_planes(drm, commit);
}

/* ---- creation ---- */

static const struct drm_plane_helper_funcs vgpu_plane_helper_funcs = {
	.prepare_fb = vgpu_plane_prepare_fb,
	.cleanup_fb = vgpu_plane_cleanup_fb,
	.atomic_check = vgpu_plane_atomic_check,
	.atomic_update = vgpu_plane_atomic_update,
	.atomic_disable = vgpu_plane_atomic_disable,
	.get_scanout_buffer = vgpu_panic_get_scanout_buffer,
	.panic_flush = vgpu_panic_flush,
};

static void vgpu_plane_destroy_state(struct drm_plane *plane, struct drm_plane_state *state)
{
	__drm_atomic_helper_plane_destroy_state(state);
	kfree(to_vgpu_plane_state(state));
}

static void vgpu_plane_reset(struct drm_plane *plane)
{
	struct vgpu_plane_state *state;

	if (plane->state)
		vgpu_plane_destroy_state(plane, plane->state);
	state = kzalloc(sizeof(*state), GFP_KERNEL);
	__drm_atomic_helper_plane_reset(plane, state ? &state->base : NULL);
}

static struct drm_plane_state *vgpu_plane_duplicate_state(struct drm_plane *plane)
{
	struct vgpu_plane_state *state;

	state = kzalloc(sizeof(*state), GFP_KERNEL);
	if (!state)
		return NULL;
	__drm_atomic_helper_plane_duplicate_state(plane, &state->base);
	return &state->base;
}

static void vgpu_plane_print_state(struct drm_printer *p, const struct drm_plane_state *state)
{
	if (!state->fb)
		return;
	drm_printf(p, "\tresource=%u\n", vgpu_framebuffer_gem(state->fb)->res.id);
	drm_printf(p, "\tlost=%u\n", vgpu_plane_is_lost(state));
}

/* Also of cursor planes. */
const struct drm_plane_funcs vgpu_plane_funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.reset = vgpu_plane_reset,
	.atomic_duplicate_state = vgpu_plane_duplicate_state,
	.atomic_destroy_state = vgpu_plane_destroy_state,
	.atomic_print_state = vgpu_plane_print_state,
};

/**
 * vgpu_plane_create() - Create the primary plane of an output
 * @vgpu: the device; the plane lives as long as it
 * @id: the host's number of the output, and the CRTC's index
 *
 * Context: process, may sleep.
 * Return: the plane, or an error pointer.
 */
struct drm_plane *vgpu_plane_create(struct vgpu_device *vgpu, u32 id)
{
	bool any_format = vgpu->features.virgl || vgpu->features.blob;
	struct vgpu_plane *p;
	int ret;

	p = drmm_universal_plane_alloc(&vgpu->drm, struct vgpu_plane, base,
				       BIT(id), &vgpu_plane_funcs, vgpu_plane_formats,
				       any_format ? ARRAY_SIZE(vgpu_plane_formats) :
						    VGPU_PLANE_DUMB_FORMATS,
				       NULL, DRM_PLANE_TYPE_PRIMARY, NULL);
	if (IS_ERR(p))
		return ERR_CAST(p);

	drm_plane_helper_add(&p->base, &vgpu_plane_helper_funcs);
	drm_plane_enable_fb_damage_clips(&p->base);
	ret = vgpu_screen_init(&p->screen, vgpu, id);
	if (!ret)
		ret = drm_plane_create_blend_mode_property(&p->base,
							   BIT(DRM_MODE_BLEND_PREMULTI));
	return ret ? ERR_PTR(ret) : &p->base;
}
