// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: display
 *
 * This is what all outputs share: atomic commits, and changes of the display info of the host.
 *
 * An update posts its commands and notifies the device once, at the end. A client that flips
 * gets its event at the next tick of the vblank timer; an update that only changes the content of
 * the shown framebuffer waits for no tick.
 */

#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_mode_config.h>
#include <drm/drm_modeset_helper.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_property.h>
#include <drm/drm_vblank.h>

#include "kms/vgpu_cursor.h"
#include "kms/vgpu_display.h"
#include "kms/vgpu_framebuffer.h"
#include "kms/vgpu_output.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"

/* Sides of modes and framebuffers, in pixels. */
#define VGPU_DISPLAY_MIN_SIDE	32
#define VGPU_DISPLAY_MAX_SIDE	8192

/* Bits of a pixel that clients should use: 8 for each colour. */
#define VGPU_DISPLAY_DEPTH	24

/**
 * struct vgpu_display - All outputs of a device
 * @refresh_lock: held while the host is asked for the display info
 * @must_ask: the host has not answered GET_DISPLAY_INFO since the probe or the last reset
 * @outputs: &vgpu_device.num_scanouts entries; constant
 */
struct vgpu_display {
	struct mutex refresh_lock;
	bool must_ask;
	struct vgpu_output *outputs[VIRTIO_GPU_MAX_SCANOUTS];
};

/* ---- updates ---- */

/* Check whether the client of an update waits for the next tick. */
static bool vgpu_display_is_paced(struct vgpu_compat_commit *commit, struct drm_crtc *crtc,
				  const struct drm_crtc_state *crtc_state)
{
	const struct drm_plane_state *old_state, *new_state;

	if (crtc_state->async_flip)
		return false;
	if (vgpu_plane_client_waits(crtc_state))
		return true;
	if (drm_atomic_crtc_needs_modeset(crtc_state))
		return false;

	old_state = drm_atomic_get_old_plane_state(commit, crtc->primary);
	new_state = drm_atomic_get_new_plane_state(commit, crtc->primary);
	return new_state && vgpu_plane_is_flip(old_state, new_state);
}

static void vgpu_display_wait_for_release(struct vgpu_compat_commit *commit,
					  struct drm_crtc *crtc)
{
	const struct drm_plane_state *old_state;
	struct drm_plane_state *new_state;

	old_state = drm_atomic_get_old_plane_state(commit, crtc->primary);
	new_state = drm_atomic_get_new_plane_state(commit, crtc->primary);
	if (new_state && vgpu_plane_is_flip(old_state, new_state))
		vgpu_plane_wait_for_release(crtc->primary, old_state, new_state);
}

/*
 * Send the event of an update: at the next tick, or at once with the number and the time of the
 * last tick, which are valid only while a reference to the vblank counter is held.
 */
static void vgpu_display_send_event(struct vgpu_compat_commit *commit, struct drm_crtc *crtc,
				    struct drm_crtc_state *crtc_state)
{
	bool paced = crtc_state->active && vgpu_display_is_paced(commit, crtc, crtc_state);
	bool async = crtc_state->active && crtc_state->async_flip;
	struct drm_device *drm = crtc->dev;

	spin_lock_irq(&drm->event_lock);
	if ((!paced && !async) || drm_crtc_vblank_get(crtc)) {
		drm_crtc_send_vblank_event(crtc, crtc_state->event);
	} else if (paced) {
		drm_crtc_arm_vblank_event(crtc, crtc_state->event);
	} else {
		drm_crtc_accurate_vblank_count(crtc);
		drm_crtc_send_vblank_event(crtc, crtc_state->event);
		drm_crtc_vblank_put(crtc);
	}
	crtc_state->event = NULL;
	spin_unlock_irq(&drm->event_lock);
}

static void vgpu_display_commit_tail(struct vgpu_compat_commit *commit)
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
	for_each_new_crtc_in_state(commit, crtc, crtc_state, i) {
		if (!crtc_state->event)
			continue;
		vgpu_display_wait_for_release(commit, crtc);
		vgpu_display_send_event(commit, crtc, crtc_state);
	}
	dma_fence_end_signalling(cookie);

	drm_atomic_helper_commit_hw_done(commit);
	drm_atomic_helper_wait_for_flip_done(drm, commit);
	drm_atomic_helper_cleanup_planes(drm, commit);
}

static const struct drm_mode_config_helper_funcs vgpu_display_mode_config_helper_funcs = {
	.atomic_commit_tail = vgpu_display_commit_tail,
};

VGPU_COMPAT_FB_CREATE(vgpu_framebuffer_create)

static const struct drm_mode_config_funcs vgpu_display_mode_config_funcs = {
	.fb_create = vgpu_framebuffer_create_compat,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

/* ---- display info ---- */

/* Ask the host, and count the connectors that changed. @changed is set to the last of them. */
static int vgpu_display_learn_locked(struct vgpu_device *vgpu, struct drm_connector **changed,
				     unsigned int *num_changed)
{
	struct vgpu_output_info info[VIRTIO_GPU_MAX_SCANOUTS];
	struct vgpu_display *display = vgpu->display;
	unsigned int i;
	int ret;

	lockdep_assert_held(&display->refresh_lock);

	*num_changed = 0;
	ret = vgpu_cmd_get_display_info(vgpu->cmdq, info, vgpu->num_scanouts);
	if (ret)
		return ret;
	WRITE_ONCE(display->must_ask, false);

	for (i = 0; i < vgpu->num_scanouts; i++) {
		ret = vgpu_output_learn(display->outputs[i], &info[i]);
		if (ret < 0)
			return ret;
		if (ret) {
			*changed = &display->outputs[i]->connector;
			++*num_changed;
		}
	}
	return 0;
}

static int vgpu_display_learn(struct vgpu_device *vgpu, struct drm_connector **changed,
			      unsigned int *num_changed)
{
	int ret;

	mutex_lock(&vgpu->display->refresh_lock);
	ret = vgpu_display_learn_locked(vgpu, changed, num_changed);
	mutex_unlock(&vgpu->display->refresh_lock);
	return ret;
}

/**
 * vgpu_display_refresh() - Ask the host again for the display info
 * @vgpu: the device
 *
 * Clients get a hotplug event if something changed. On an error the known state stays.
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0, or an errno of vgpu_cmd_get_display_info().
 */
int vgpu_display_refresh(struct vgpu_device *vgpu)
{
	struct drm_connector *changed;
	unsigned int num_changed;
	int ret;

	if (!vgpu->display)
		return 0;

	ret = vgpu_display_learn(vgpu, &changed, &num_changed);
	if (num_changed == 1)
		drm_kms_helper_connector_hotplug_event(changed);
	else if (num_changed)
		drm_kms_helper_hotplug_event(&vgpu->drm);
	return ret;
}

/*
 * Assume one output until the host reports a change, so that the user sees a screen at all. The
 * output has the default size, as any output for which the host reports none.
 */
static int vgpu_display_assume(struct vgpu_device *vgpu)
{
	static const struct vgpu_output_info guess = { .enabled = true };
	int ret;

	mutex_lock(&vgpu->display->refresh_lock);
	ret = vgpu_output_learn(vgpu->display->outputs[0], &guess);
	WRITE_ONCE(vgpu->display->must_ask, true);
	mutex_unlock(&vgpu->display->refresh_lock);
	return ret;
}

/**
 * vgpu_display_must_ask() - Check whether the host must be asked for the display info
 * @vgpu: the device
 *
 * Context: any.
 * Return: true if the host has not answered since the probe or the last reset.
 */
bool vgpu_display_must_ask(struct vgpu_device *vgpu)
{
	return vgpu->display && READ_ONCE(vgpu->display->must_ask);
}

/* ---- creation, reset and suspend ---- */

static void vgpu_display_drop_resource(struct vgpu_device *vgpu, u32 res_id)
{
	unsigned int i;

	for (i = 0; i < vgpu->num_scanouts; i++)
		vgpu_screen_drop_resource(vgpu->display->outputs[i]->screen, res_id);
}

/**
 * vgpu_display_forget() - Prepare to send all display state again after a reset
 * @vgpu: the device, before it is started again; its resources are frozen, so that no upload
 *        from before the reset is shown by the new host
 *
 * Context: process.
 */
void vgpu_display_forget(struct vgpu_device *vgpu)
{
	unsigned int i;

	if (!vgpu->display)
		return;
	for (i = 0; i < vgpu->num_scanouts; i++)
		vgpu_screen_forget(vgpu->display->outputs[i]->screen);

	/* Sizes may change across a reset without an event, so ask again. */
	WRITE_ONCE(vgpu->display->must_ask, true);
}

/**
 * vgpu_display_restore() - Show again what was shown before the host was reset
 * @vgpu: the device, which works again and whose resources exist again
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM, or another errno of an atomic commit.
 */
int vgpu_display_restore(struct vgpu_device *vgpu)
{
	struct drm_device *drm = &vgpu->drm;
	struct drm_modeset_acquire_ctx ctx;
	struct vgpu_compat_commit *commit;
	int ret;

	if (!vgpu->display)
		return 0;

	DRM_MODESET_LOCK_ALL_BEGIN(drm, ctx, 0, ret);
	commit = drm_atomic_helper_duplicate_state(drm, &ctx);
	if (IS_ERR(commit)) {
		ret = PTR_ERR(commit);
	} else {
		ret = drm_atomic_helper_commit_duplicated_state(commit, &ctx);
		vgpu_compat_commit_put(commit);
	}
	DRM_MODESET_LOCK_ALL_END(drm, ctx, ret);
	return ret;
}

/**
 * vgpu_display_suspend() - Switch all outputs off, and save their state
 * @vgpu: the device
 *
 * Context: process, may sleep.
 * Return: 0, or an errno of an atomic commit.
 */
int vgpu_display_suspend(struct vgpu_device *vgpu)
{
	return vgpu->display ? drm_mode_config_helper_suspend(&vgpu->drm) : 0;
}

/**
 * vgpu_display_resume() - Switch on the outputs that vgpu_display_suspend() has switched off
 * @vgpu: the device, which may have been reset in between
 *
 * Context: process, may sleep.
 * Return: 0, or an errno of an atomic commit.
 */
int vgpu_display_resume(struct vgpu_device *vgpu)
{
	return vgpu->display ? drm_mode_config_helper_resume(&vgpu->drm) : 0;
}

/* Put the state saved by a suspend without a resume: it holds references to the device. */
static void vgpu_display_drop_suspended(struct drm_mode_config *config)
{
	if (config->suspend_state)
		vgpu_compat_commit_put(config->suspend_state);
	config->suspend_state = NULL;
}

/**
 * vgpu_display_shutdown() - Switch all outputs off for good
 * @vgpu: the device; may be unplugged already
 *
 * Context: process, may sleep.
 */
void vgpu_display_shutdown(struct vgpu_device *vgpu)
{
	if (!vgpu->display)
		return;
	drm_atomic_helper_shutdown(&vgpu->drm);
	vgpu_display_drop_suspended(&vgpu->drm.mode_config);
}

static int vgpu_display_init_config(struct drm_device *drm)
{
	struct drm_mode_config *config = &drm->mode_config;
	int ret;

	ret = drmm_mode_config_init(drm);
	if (ret)
		return ret;

	config->min_width = VGPU_DISPLAY_MIN_SIDE;
	config->min_height = VGPU_DISPLAY_MIN_SIDE;
	config->max_width = VGPU_DISPLAY_MAX_SIDE;
	config->max_height = VGPU_DISPLAY_MAX_SIDE;
	config->cursor_width = VGPU_CURSOR_SIDE;
	config->cursor_height = VGPU_CURSOR_SIDE;
	config->preferred_depth = VGPU_DISPLAY_DEPTH;
	config->async_page_flip = true;
	config->fb_modifiers_not_supported = true;
	config->quirk_addfb_prefer_host_byte_order = true;
	config->funcs = &vgpu_display_mode_config_funcs;
	config->helper_private = &vgpu_display_mode_config_helper_funcs;

	return drm_mode_create_suggested_offset_properties(drm);
}

/**
 * vgpu_display_init() - Create the outputs
 * @vgpu: the device, started, not registered yet; the outputs live as long as it
 *
 * If the host does not answer GET_DISPLAY_INFO, assume that one output is enabled.
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0; -ENOMEM; -EINTR when killed; another errno of the DRM core.
 */
int vgpu_display_init(struct vgpu_device *vgpu)
{
	struct drm_device *drm = &vgpu->drm;
	struct drm_connector *changed;
	struct drm_property *hotplug_mode_update;
	struct vgpu_display *display;
	struct vgpu_output *output;
	unsigned int i, num_changed;
	int ret;

	if (!vgpu->num_scanouts)
		return 0;
	display = drmm_kzalloc(drm, sizeof(*display), GFP_KERNEL);
	if (!display)
		return -ENOMEM;

	ret = drmm_mutex_init(drm, &display->refresh_lock);
	if (!ret)
		ret = vgpu_display_init_config(drm);
	if (ret)
		return ret;

	hotplug_mode_update = drm_property_create_range(drm, DRM_MODE_PROP_IMMUTABLE,
							"hotplug_mode_update", 0, 1);
	if (!hotplug_mode_update)
		return -ENOMEM;

	for (i = 0; i < vgpu->num_scanouts; i++) {
		output = vgpu_output_create(vgpu, i, hotplug_mode_update);
		if (IS_ERR(output))
			return PTR_ERR(output);
		display->outputs[i] = output;
	}

	ret = drm_vblank_init(drm, vgpu->num_scanouts);
	if (ret)
		return ret;

	/* For vgpu_display_drop_resource(), which teardown calls; kept as long as the device. */
	ret = vgpu_cmdq_begin_update(vgpu->cmdq, GFP_KERNEL);
	if (ret)
		return ret;
	drm_mode_config_reset(drm);

	vgpu->display = display;
	vgpu_resources_set_hide(vgpu, vgpu_display_drop_resource);

	/* The device is not registered yet, so there is no client to notify. */
	ret = vgpu_display_learn(vgpu, &changed, &num_changed);
	if (ret && ret != -EINTR) {
		drm_err(drm, "cannot read display info from the host (%pe), assuming one output\n",
			ERR_PTR(ret));
		ret = vgpu_display_assume(vgpu);
	}
	return min(ret, 0);
}
