// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: outputs
 *
 * An output is a CRTC, an encoder and a connector, with a screen and a cursor. It keeps what the
 * host reports about it: whether it is enabled, its size and its EDID. If the host does not answer,
 * the previous answer stays valid.
 */

#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_atomic_helper.h>
#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_edid.h>
#include <drm/drm_managed.h>
#include <drm/drm_modes.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_plane.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_vblank.h>

#include "kms/vgpu_cursor.h"
#include "kms/vgpu_output.h"
#include "kms/vgpu_plane.h"
#include "kms/vgpu_screen.h"
#include "object/vgpu_base.h"
#include "protocol/vgpu_cmd.h"

/* Size of an output for which the host reports none. */
#define VGPU_OUTPUT_DEFAULT_WIDTH	1024
#define VGPU_OUTPUT_DEFAULT_HEIGHT	768

#define VGPU_OUTPUT_REFRESH_HZ		60

/* The ticks come from a timer, so the limit is arbitrary: faster than any monitor. */
#define VGPU_OUTPUT_MAX_REFRESH_HZ	1000

/* ---- what the host reports ---- */

/* An EDID; @data is NULL and @size_bytes 0 for none. */
struct vgpu_output_edid {
	u8 *data;
	u32 size_bytes;
};

/* Ask the host for the EDID. On error, @edid is none. */
static int vgpu_output_read_edid(struct vgpu_output *output, struct vgpu_output_edid *edid)
{
	struct vgpu_device *vgpu = to_vgpu(output->connector.dev);
	int ret;

	edid->size_bytes = 0;
	edid->data = kmalloc(VGPU_WIRE_EDID_BYTES, GFP_KERNEL);
	if (!edid->data)
		return -ENOMEM;
	ret = vgpu_cmd_get_edid(vgpu->cmdq, output->id, edid->data, &edid->size_bytes);
	if (!ret && edid->size_bytes)
		return 0;

	kfree(edid->data);
	edid->data = NULL;
	return ret;
}

static bool vgpu_output_same_edid_locked(const struct vgpu_output *output,
					 const struct vgpu_output_edid *edid)
{
	lockdep_assert_held(&output->lock);

	return output->edid_bytes == edid->size_bytes &&
	       !memcmp(output->edid, edid->data, edid->size_bytes);
}

static bool vgpu_output_set_edid_locked(struct vgpu_output *output,
					const struct vgpu_output_edid *edid)
{
	lockdep_assert_held(&output->lock);

	if (vgpu_output_same_edid_locked(output, edid)) {
		kfree(edid->data);
		return false;
	}
	kfree(output->edid);
	output->edid = edid->data;
	output->edid_bytes = edid->size_bytes;
	return true;
}

static bool vgpu_output_set_info_locked(struct vgpu_output *output,
					const struct vgpu_output_info *info)
{
	struct drm_mode_config *config = &output->connector.dev->mode_config;
	struct drm_mode_object *object = &output->connector.base;

	lockdep_assert_held(&output->lock);

	if (output->info.enabled == info->enabled &&
	    !memcmp(&output->info.rect, &info->rect, sizeof(info->rect)))
		return false;
	output->info = *info;
	drm_object_property_set_value(object, config->suggested_x_property, info->rect.x);
	drm_object_property_set_value(object, config->suggested_y_property, info->rect.y);
	return true;
}

/**
 * vgpu_output_learn() - Take over what the host reports about an output
 * @output: the output
 * @info: the answer to GET_DISPLAY_INFO
 *
 * Asks for the EDID as well, if the device has the feature.
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 1 if something changed, 0 if not; -EINTR when killed.
 */
int vgpu_output_learn(struct vgpu_output *output, const struct vgpu_output_info *info)
{
	struct vgpu_device *vgpu = to_vgpu(output->connector.dev);
	struct vgpu_output_edid edid;
	bool changed = false;
	int ret = -EOPNOTSUPP;

	if (vgpu->features.edid)
		ret = vgpu_output_read_edid(output, &edid);
	if (ret == -EINTR)
		return ret;

	mutex_lock(&output->lock);
	if (!ret)
		changed = vgpu_output_set_edid_locked(output, &edid);
	if (vgpu_output_set_info_locked(output, info))
		changed = true;
	mutex_unlock(&output->lock);
	return changed;
}

/* ---- connector ---- */

static int vgpu_output_copy_edid_block(void *data, u8 *to, unsigned int block, size_t size_bytes)
{
	const struct vgpu_output *output = data;
	size_t start = (size_t)block * EDID_LENGTH;

	lockdep_assert_held(&output->lock);

	if (start + size_bytes > output->edid_bytes)
		return -EINVAL;
	memcpy(to, output->edid + start, size_bytes);
	return 0;
}

static int vgpu_output_add_edid_modes(struct vgpu_output *output)
{
	const struct drm_edid *edid = NULL;
	int count;

	mutex_lock(&output->lock);
	if (output->edid)
		edid = drm_edid_read_custom(&output->connector, vgpu_output_copy_edid_block,
					    output);
	mutex_unlock(&output->lock);

	/* Without an EDID, this removes the old one from the connector. */
	drm_edid_connector_update(&output->connector, edid);
	count = drm_edid_connector_add_modes(&output->connector);
	drm_edid_free(edid);
	return count;
}

/* Make a mode of the size that the host prefers, even if CVT has no such mode. */
static struct drm_display_mode *vgpu_output_preferred_mode(struct vgpu_output *output)
{
	struct drm_display_mode *mode;
	struct vgpu_rect rect;

	mutex_lock(&output->lock);
	rect = output->info.rect;
	mutex_unlock(&output->lock);

	if (!rect.w || !rect.h) {
		rect.w = VGPU_OUTPUT_DEFAULT_WIDTH;
		rect.h = VGPU_OUTPUT_DEFAULT_HEIGHT;
	}

	mode = drm_cvt_mode(output->connector.dev, rect.w, rect.h, VGPU_OUTPUT_REFRESH_HZ, false,
			    false, false);
	if (!mode)
		return NULL;

	/* CVT rounds down to character cells; the blanking is larger than the remainder. */
	mode->hdisplay = rect.w;
	mode->type |= DRM_MODE_TYPE_PREFERRED;
	drm_mode_set_name(mode);
	return mode;
}

static int vgpu_output_get_modes(struct drm_connector *connector)
{
	struct drm_mode_config *config = &connector->dev->mode_config;
	struct vgpu_output *output = connector_to_vgpu_output(connector);
	struct drm_display_mode *mode;
	int count;

	count = vgpu_output_add_edid_modes(output);
	if (count)
		return count;

	count = drm_add_modes_noedid(connector, config->max_width, config->max_height);
	mode = vgpu_output_preferred_mode(output);
	if (mode) {
		drm_mode_probed_add(connector, mode);
		count++;
	}
	return count;
}

static enum drm_connector_status vgpu_output_detect(struct drm_connector *connector, bool force)
{
	struct vgpu_output *output = connector_to_vgpu_output(connector);
	bool enabled;

	mutex_lock(&output->lock);
	enabled = output->info.enabled;
	mutex_unlock(&output->lock);
	return enabled ? connector_status_connected : connector_status_disconnected;
}

static const struct drm_connector_helper_funcs vgpu_output_connector_helper_funcs = {
	.get_modes = vgpu_output_get_modes,
};

static const struct drm_connector_funcs vgpu_output_connector_funcs = {
	.detect = vgpu_output_detect,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.reset = drm_atomic_helper_connector_reset,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

/* ---- CRTC ---- */

static enum drm_mode_status vgpu_output_mode_valid(struct drm_crtc *crtc,
						   const struct drm_display_mode *mode)
{
	const struct drm_mode_config *config = &crtc->dev->mode_config;
	int refresh_hz = drm_mode_vrefresh(mode);

	if (mode->hdisplay < config->min_width || mode->hdisplay > config->max_width)
		return MODE_BAD_HVALUE;
	if (mode->vdisplay < config->min_height || mode->vdisplay > config->max_height)
		return MODE_BAD_VVALUE;
	/* drm_mode_vrefresh() also returns 0 when the calculation overflows. */
	if (!refresh_hz || refresh_hz > VGPU_OUTPUT_MAX_REFRESH_HZ)
		return MODE_CLOCK_RANGE;
	return MODE_OK;
}

static void vgpu_output_atomic_enable(struct drm_crtc *crtc, struct vgpu_compat_commit *commit)
{
	drm_crtc_vblank_on(crtc);
}

static void vgpu_output_atomic_disable(struct drm_crtc *crtc, struct vgpu_compat_commit *commit)
{
	struct vgpu_output *output = crtc_to_vgpu_output(crtc);

	drm_crtc_vblank_off(crtc);
	/* In a change of the mode, the planes update the output afterwards. */
	if (crtc->state->active)
		return;
	vgpu_cursor_hide(output->cursor);
	vgpu_screen_blank(output->screen);
}

static const struct drm_crtc_helper_funcs vgpu_output_crtc_helper_funcs = {
	.mode_valid = vgpu_output_mode_valid,
	.atomic_enable = vgpu_output_atomic_enable,
	.atomic_disable = vgpu_output_atomic_disable,
};

/*
 * Get the time when the last tick was due, even if its timer is late and has not run yet. So a
 * client that asks for the next tick gets one after its request.
 */
static bool vgpu_output_get_vblank_timestamp(struct drm_crtc *crtc, int *max_error,
					     ktime_t *vblank_time, bool in_vblank_irq)
{
	const struct drm_vblank_crtc *vblank = &crtc->dev->vblank[drm_crtc_index(crtc)];
	ktime_t now = ktime_get(), next, frame;

	vgpu_compat_vblank_timer(crtc, &next, &frame);
	if (!READ_ONCE(vblank->enabled) || frame <= 0)
		*vblank_time = now;
	else if (ktime_before(now, next))
		*vblank_time = ktime_sub(next, frame);
	else
		*vblank_time = ktime_add_ns(next, ktime_divns(ktime_sub(now, next), frame) * frame);
	return true;
}

static const struct drm_crtc_funcs vgpu_output_crtc_funcs = {
	.set_config = drm_atomic_helper_set_config,
	.page_flip = drm_atomic_helper_page_flip,
	.reset = drm_atomic_helper_crtc_reset,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
	.enable_vblank = drm_crtc_vblank_helper_enable_vblank_timer,
	.disable_vblank = drm_crtc_vblank_helper_disable_vblank_timer,
	.get_vblank_timestamp = vgpu_output_get_vblank_timestamp,
};

/* ---- creation ---- */

static void vgpu_output_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_output *output = ptr;

	vgpu_compat_crtc_fini(&output->crtc.base);
	kfree(output->edid);
}

static int vgpu_output_init_connector(struct vgpu_output *output,
				      struct drm_property *hotplug_mode_update)
{
	struct drm_connector *connector = &output->connector;
	struct drm_device *drm = output->crtc.base.dev;
	int ret;

	ret = drmm_encoder_init(drm, &output->encoder, NULL, DRM_MODE_ENCODER_VIRTUAL, NULL);
	if (ret)
		return ret;

	output->encoder.possible_crtcs = drm_crtc_mask(&output->crtc.base);
	ret = drmm_connector_init(drm, connector, &vgpu_output_connector_funcs,
				  DRM_MODE_CONNECTOR_VIRTUAL, NULL);
	if (ret)
		return ret;

	drm_connector_helper_add(connector, &vgpu_output_connector_helper_funcs);
	connector->polled = DRM_CONNECTOR_POLL_HPD;
	if (to_vgpu(drm)->features.edid)
		drm_connector_attach_edid_property(connector);
	drm_object_attach_property(&connector->base, drm->mode_config.suggested_x_property, 0);
	drm_object_attach_property(&connector->base, drm->mode_config.suggested_y_property, 0);
	drm_object_attach_property(&connector->base, hotplug_mode_update, 1);
	return drm_connector_attach_encoder(connector, &output->encoder);
}

/**
 * vgpu_output_create() - Create the CRTC, planes, encoder and connector of an output
 * @vgpu: the device; the output lives as long as it
 * @id: the host's number of the output, and the CRTC's index
 * @hotplug_mode_update: property that tells user space to follow the host's size
 *
 * Context: process, may sleep.
 * Return: the output, or an error pointer.
 */
struct vgpu_output *vgpu_output_create(struct vgpu_device *vgpu, u32 id,
				       struct drm_property *hotplug_mode_update)
{
	struct drm_device *drm = &vgpu->drm;
	struct drm_plane *primary, *cursor;
	struct vgpu_output *output;
	struct vgpu_screen *screen;
	int ret;

	screen = vgpu_screen_create(vgpu, id);
	if (IS_ERR(screen))
		return ERR_CAST(screen);
	primary = vgpu_plane_create(vgpu, screen);
	if (IS_ERR(primary))
		return ERR_CAST(primary);
	cursor = vgpu_cursor_create(vgpu, screen);
	if (IS_ERR(cursor))
		return ERR_CAST(cursor);

	output = drmm_crtc_alloc_with_planes(drm, struct vgpu_output, crtc.base, primary, cursor,
					     &vgpu_output_crtc_funcs, NULL);
	if (IS_ERR(output))
		return output;

	drm_crtc_helper_add(&output->crtc.base, &vgpu_output_crtc_helper_funcs);
	output->id = id;
	output->screen = screen;
	output->cursor = cursor;

	ret = drmm_add_action_or_reset(drm, vgpu_output_release, output);
	if (!ret)
		ret = drmm_mutex_init(drm, &output->lock);
	if (!ret)
		ret = vgpu_output_init_connector(output, hotplug_mode_update);
	return ret ? ERR_PTR(ret) : output;
}
