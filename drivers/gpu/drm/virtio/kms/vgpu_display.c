// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: display
 *
 * This is what all outputs share: their creation, changes of the display info of the host, and what
 * follows a reset.
 */

#include <linux/minmax.h>
#include <linux/mutex.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_mode_config.h>
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

/*
 * Largest side of a framebuffer, in pixels. A framebuffer may be larger than any mode, since X
 * shows parts of one on all outputs. Most hosts have textures of 16384 pixels; a host that has not
 * refuses to create the buffer, so the client gets an error before it has a framebuffer.
 */
#define VGPU_DISPLAY_MAX_SIDE	16384

/* Bits of a pixel that clients should use: 8 for each colour. */
#define VGPU_DISPLAY_DEPTH	24

/**
 * struct vgpu_display - All outputs of a device
 * @refresh_lock: held while the host is asked for the display info
 * @must_ask: the newest answer is missing: since the probe or the last reset, or after an error
 * @outputs: &vgpu_device.num_scanouts entries; constant
 */
struct vgpu_display {
	struct mutex refresh_lock;
	bool must_ask;
	struct vgpu_output *outputs[VIRTIO_GPU_MAX_SCANOUTS];
};

static const struct drm_mode_config_helper_funcs vgpu_display_mode_config_helper_funcs = {
	.atomic_commit_tail = vgpu_plane_commit_tail,
};

VGPU_COMPAT_FB_CREATE(vgpu_framebuffer_create)

static const struct drm_mode_config_funcs vgpu_display_mode_config_funcs = {
	.fb_create = vgpu_framebuffer_create_compat,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

/* ---- display info ---- */

/*
 * Ask the host. Returns 0 or an errno; sets how many connectors changed, the last of them in
 * @changed.
 */
static int vgpu_display_learn(struct vgpu_device *vgpu, int *num_changed,
			      struct drm_connector **changed)
{
	struct vgpu_output_info info[VIRTIO_GPU_MAX_SCANOUTS];
	struct vgpu_display *display = vgpu->display;
	bool is_placed = false;
	unsigned int i;
	int ret;

	*num_changed = 0;
	guard(mutex)(&display->refresh_lock);
	ret = vgpu_cmd_get_display_info(vgpu->cmdq, info, vgpu->num_scanouts);
	if (ret)
		return ret;

	for (i = 0; i < vgpu->num_scanouts; i++) {
		ret = vgpu_output_learn(display->outputs[i], &info[i]);
		if (ret < 0)
			return ret;
		if (ret) {
			*changed = &display->outputs[i]->connector;
			++*num_changed;
		}
		is_placed |= info[i].enabled && (info[i].x || info[i].y);
	}

	for (i = 0; i < vgpu->num_scanouts; i++)
		vgpu_output_suggest_place(display->outputs[i], is_placed);
	return 0;
}

/**
 * vgpu_display_refresh() - Ask the host again for the display info
 * @vgpu: the device, with outputs
 * @is_changed: the host has announced a change; otherwise it is asked only if it has not answered
 *              since the probe, the last reset or the last change
 *
 * Clients get a hotplug event if something changed. On an error the known state stays.
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0, or an errno of vgpu_cmd_call() or the decoder. The caller tries again after -ENOMEM.
 */
int vgpu_display_refresh(struct vgpu_device *vgpu, bool is_changed)
{
	struct drm_connector *changed;
	int num_changed, ret;

	if (!is_changed && !READ_ONCE(vgpu->display->must_ask))
		return 0;

	/* Before the question, so that a reset meanwhile is noticed. */
	WRITE_ONCE(vgpu->display->must_ask, false);
	ret = vgpu_display_learn(vgpu, &num_changed, &changed);
	if (ret)
		WRITE_ONCE(vgpu->display->must_ask, true);
	if (num_changed == 1)
		drm_kms_helper_connector_hotplug_event(changed);
	else if (num_changed > 1)
		drm_kms_helper_hotplug_event(&vgpu->drm);
	return ret;
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
 * @vgpu: the device, before it is started again
 *
 * Context: process. &vgpu_resources.lifecycle is held for writing, so that no upload from before
 * the reset is shown by the new host.
 */
void vgpu_display_forget(struct vgpu_device *vgpu)
{
	unsigned int i;

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
 * vgpu_display_shutdown() - Switch all outputs off for good
 * @vgpu: the device; may be unplugged already
 *
 * Context: process, may sleep.
 */
void vgpu_display_shutdown(struct vgpu_device *vgpu)
{
	struct drm_mode_config *config = &vgpu->drm.mode_config;

	drm_atomic_helper_shutdown(&vgpu->drm);

	/* A suspend without a resume has left its state, which has references to the device. */
	if (config->suspend_state)
		vgpu_compat_commit_put(config->suspend_state);
	config->suspend_state = NULL;
}

static int vgpu_display_init_config(struct drm_device *drm)
{
	struct drm_mode_config *config = &drm->mode_config;
	int ret;

	ret = drmm_mode_config_init(drm);
	if (ret)
		return ret;

	config->min_width = VGPU_OUTPUT_MIN_SIDE;
	config->min_height = VGPU_OUTPUT_MIN_SIDE;
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

/* Put the last commands of the screens before the memory of the outputs is freed. */
static void vgpu_display_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_device *vgpu = ptr;

	vgpu_cmdq_settle(vgpu->cmdq);
}

static int vgpu_display_create_outputs(struct vgpu_device *vgpu, struct vgpu_display *display)
{
	struct drm_device *drm = &vgpu->drm;
	struct drm_property *hotplug_mode_update;
	struct vgpu_output *output;
	unsigned int i;

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

	drm->vblank_disable_immediate = true;
	return drm_vblank_init(drm, vgpu->num_scanouts);
}

/**
 * vgpu_display_init() - Create the outputs
 * @vgpu: the device, started, not registered yet, with 1 scanout or more; the outputs live as long
 *        as it
 *
 * If the host does not answer GET_DISPLAY_INFO, assume that one output is enabled. It has the
 * default size, as any output for which the host reports none.
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 0; -ENOMEM; -EINTR when killed; another errno of the DRM core.
 */
int vgpu_display_init(struct vgpu_device *vgpu)
{
	static const struct vgpu_output_info guess = { .enabled = true };
	struct drm_device *drm = &vgpu->drm;
	struct drm_connector *changed;
	struct vgpu_display *display;
	int num_changed, ret;

	display = drmm_kzalloc(drm, sizeof(*display), GFP_KERNEL);
	if (!display)
		return -ENOMEM;

	ret = drmm_mutex_init(drm, &display->refresh_lock);
	if (!ret)
		ret = vgpu_display_init_config(drm);
	if (!ret)
		ret = vgpu_display_create_outputs(vgpu, display);
	if (!ret)
		ret = drmm_add_action(drm, vgpu_display_release, vgpu);
	if (ret)
		return ret;

	/* For vgpu_display_drop_resource(), which teardown calls; kept as long as the device. */
	ret = vgpu_cmdq_begin_update(vgpu->cmdq, GFP_KERNEL);
	if (ret)
		return ret;
	drm_mode_config_reset(drm);

	vgpu->display = display;
	vgpu->resources->hide = vgpu_display_drop_resource;

	/* The device is not registered yet, so there is no client to notify. */
	ret = vgpu_display_learn(vgpu, &num_changed, &changed);
	if (ret < 0 && ret != -EINTR) {
		/* So that the user sees a screen at all, until the host reports a change. */
		drm_err(drm, "cannot read display info from the host (%pe), assuming one output\n",
			ERR_PTR(ret));
		display->must_ask = true;
		ret = vgpu_output_learn(display->outputs[0], &guess);
	}
	return min(ret, 0);
}
