// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: outputs
 *
 * An output is a CRTC, an encoder and a connector, with a screen and a cursor. It keeps what the
 * host reports about it: whether it is enabled, its size and its EDID. If the host does not answer,
 * the previous answer stays valid.
 *
 * The device has no vertical blanks. An output that is on makes them by a timer, whose ticks are
 * whole frames apart from the time when the output was switched on. So the clock alone says which
 * tick was the last one and when, and the timer runs only while the core waits for a tick: an
 * expiry is an exit of the virtual machine. The core's own timer (drm_vblank_helper.h) would start
 * a new frame each time it is started, and older kernels do not have it.
 *
 * Models in tests/models/: cbmc/edid.c.
 */

#include <linux/hrtimer.h>
#include <linux/ktime.h>
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

/* Value of the properties "suggested X" and "suggested Y" if there is no suggestion. */
#define VGPU_OUTPUT_NO_PLACE		U32_MAX

/* The ticks come from a timer, so the limit is arbitrary: faster than any monitor. */
#define VGPU_OUTPUT_MAX_REFRESH_HZ	1000

/* ---- what the host reports ---- */

/* Ask the host for the EDID. Returns whether it changed; or a negative errno. */
static int vgpu_output_learn_edid(struct vgpu_output *output)
{
	struct vgpu_device *vgpu = to_vgpu(output->connector.dev);
	u8 *edid = output->answer;
	u32 size_bytes = 0;
	int ret;

	ret = vgpu_cmd_get_edid(vgpu->cmdq, output->screen->id, edid, &size_bytes);
	if (!ret) {
		mutex_lock(&output->lock);
		ret = output->edid_bytes != size_bytes || memcmp(output->edid, edid, size_bytes);
		memcpy(output->edid, edid, size_bytes);
		output->edid_bytes = size_bytes;
		mutex_unlock(&output->lock);
	}
	return ret;
}

/**
 * vgpu_output_learn() - Take over what the host reports about an output
 * @output: the output
 * @info: the answer to GET_DISPLAY_INFO
 *
 * Asks for the EDID as well, if the device has the feature. One caller at a time.
 *
 * Context: process, sleeps like vgpu_cmd_call().
 * Return: 1 if something changed, 0 if not; -EINTR when killed; -ENOMEM.
 */
int vgpu_output_learn(struct vgpu_output *output, const struct vgpu_output_info *info)
{
	struct vgpu_device *vgpu = to_vgpu(output->connector.dev);
	int ret = vgpu->features.edid ? vgpu_output_learn_edid(output) : 0;
	bool changed = ret > 0;

	if (ret == -EINTR || ret == -ENOMEM)
		return ret;

	mutex_lock(&output->lock);
	changed |= output->info.enabled != info->enabled ||
		   output->info.x != info->x || output->info.y != info->y ||
		   output->info.width != info->width || output->info.height != info->height;
	output->info = *info;
	mutex_unlock(&output->lock);
	return changed;
}

/**
 * vgpu_output_suggest_place() - Suggest where user space should place an output, or not
 * @output: the output
 * @is_placed: the host has said where its outputs are
 *
 * Without places, the host reports 0,0 for each output. mutter would reject that as an overlap; it
 * takes the value -1 for none.
 *
 * Context: process, may sleep.
 */
void vgpu_output_suggest_place(struct vgpu_output *output, bool is_placed)
{
	struct drm_mode_config *config = &output->connector.dev->mode_config;
	struct drm_mode_object *object = &output->connector.base;
	struct vgpu_output_info info;

	mutex_lock(&output->lock);
	info = output->info;
	mutex_unlock(&output->lock);
	drm_object_property_set_value(object, config->suggested_x_property,
				      is_placed ? info.x : VGPU_OUTPUT_NO_PLACE);
	drm_object_property_set_value(object, config->suggested_y_property,
				      is_placed ? info.y : VGPU_OUTPUT_NO_PLACE);
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
	const struct drm_edid *edid;
	int count;

	/*
	 * Checks and repairs what the host reported. An EDID of the administrator takes precedence
	 * (drm.edid_firmware=, edid_override in debugfs), also if the host has none.
	 */
	mutex_lock(&output->lock);
	edid = drm_edid_read_custom(&output->connector, vgpu_output_copy_edid_block, output);
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
	struct vgpu_output_info info;

	mutex_lock(&output->lock);
	info = output->info;
	mutex_unlock(&output->lock);

	if (!info.width || !info.height) {
		info.width = VGPU_OUTPUT_DEFAULT_WIDTH;
		info.height = VGPU_OUTPUT_DEFAULT_HEIGHT;
	}

	mode = drm_cvt_mode(output->connector.dev, info.width, info.height,
			    VGPU_OUTPUT_REFRESH_HZ, false, false, false);
	if (!mode)
		return NULL;

	/* CVT rounds down to character cells; the blanking is larger than the remainder. */
	mode->hdisplay = info.width;
	mode->type |= DRM_MODE_TYPE_PREFERRED;
	drm_mode_set_name(mode);
	return mode;
}

static int vgpu_output_get_modes(struct drm_connector *connector)
{
	struct vgpu_output *output = connector_to_vgpu_output(connector);
	struct drm_display_mode *mode;
	int count;

	count = vgpu_output_add_edid_modes(output);
	if (count)
		return count;

	count = drm_add_modes_noedid(connector, VGPU_OUTPUT_MAX_SIDE, VGPU_OUTPUT_MAX_SIDE);
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

	guard(mutex)(&output->lock);
	return output->info.enabled ? connector_status_connected : connector_status_disconnected;
}

static void vgpu_output_print_connector(struct drm_printer *p,
					const struct drm_connector_state *state)
{
	struct vgpu_output *output = connector_to_vgpu_output(state->connector);

	guard(mutex)(&output->lock);
	drm_printf(p, "\thost-enabled=%u\n", output->info.enabled);
	drm_printf(p, "\thost-size=%ux%u+%u+%u\n", output->info.width, output->info.height,
		   output->info.x, output->info.y);
	drm_printf(p, "\thost-edid=%u bytes\n", output->edid_bytes);
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
	.atomic_print_state = vgpu_output_print_connector,
};

/* ---- CRTC ---- */

/* The host shows each row of a framebuffer once, and all rows in each frame. */
static enum drm_mode_status vgpu_output_scan_valid(const struct drm_display_mode *mode)
{
	if (mode->flags & DRM_MODE_FLAG_INTERLACE)
		return MODE_NO_INTERLACE;
	if (mode->flags & (DRM_MODE_FLAG_DBLSCAN | DRM_MODE_FLAG_DBLCLK))
		return MODE_NO_DBLESCAN;
	if (mode->flags & DRM_MODE_FLAG_3D_MASK)
		return MODE_NO_STEREO;
	return mode->vscan > 1 ? MODE_NO_VSCAN : MODE_OK;
}

static enum drm_mode_status vgpu_output_mode_valid(struct drm_crtc *crtc,
						   const struct drm_display_mode *mode)
{
	int refresh_hz = drm_mode_vrefresh(mode);

	if (mode->hdisplay < VGPU_OUTPUT_MIN_SIDE || mode->hdisplay > VGPU_OUTPUT_MAX_SIDE)
		return MODE_BAD_HVALUE;
	if (mode->vdisplay < VGPU_OUTPUT_MIN_SIDE || mode->vdisplay > VGPU_OUTPUT_MAX_SIDE)
		return MODE_BAD_VVALUE;
	/* drm_mode_vrefresh() also returns 0 when the calculation overflows. */
	if (!refresh_hz || refresh_hz > VGPU_OUTPUT_MAX_REFRESH_HZ)
		return MODE_CLOCK_RANGE;
	return vgpu_output_scan_valid(mode);
}

/* Get the time when the last tick was due, even if the timer rests or is late. */
static ktime_t vgpu_output_last_tick(const struct vgpu_output *output)
{
	ktime_t since = ktime_sub(ktime_get(), output->first_tick);

	return ktime_add_ns(output->first_tick,
			    ktime_divns(since, output->frame_ns) * output->frame_ns);
}

static void vgpu_output_start_ticker(struct vgpu_output *output)
{
	ktime_t next = ktime_add_ns(vgpu_output_last_tick(output), output->frame_ns);

	hrtimer_start(&output->ticker, next, HRTIMER_MODE_ABS);
}

static enum hrtimer_restart vgpu_output_tick(struct hrtimer *ticker)
{
	struct vgpu_output *output = container_of(ticker, struct vgpu_output, ticker);

	/* The core may have stopped and started the timer meanwhile; then the tick is the same. */
	if (drm_crtc_handle_vblank(&output->crtc))
		vgpu_output_start_ticker(output);
	return HRTIMER_NORESTART;
}

static int vgpu_output_enable_vblank(struct drm_crtc *crtc)
{
	vgpu_output_start_ticker(crtc_to_vgpu_output(crtc));
	return 0;
}

static void vgpu_output_disable_vblank(struct drm_crtc *crtc)
{
	/* Do not wait for a tick that runs: it may wait for locks of the core. */
	hrtimer_try_to_cancel(&crtc_to_vgpu_output(crtc)->ticker);
}

static bool vgpu_output_get_vblank_timestamp(struct drm_crtc *crtc, int *max_error,
					     ktime_t *vblank_time, bool in_vblank_irq)
{
	*vblank_time = vgpu_output_last_tick(crtc_to_vgpu_output(crtc));
	return true;
}

static void vgpu_output_atomic_enable(struct drm_crtc *crtc, struct vgpu_compat_commit *commit)
{
	struct vgpu_output *output = crtc_to_vgpu_output(crtc);

	/* The core has computed it from the mode, whose refresh rate mode_valid() has checked. */
	output->frame_ns = crtc->dev->vblank[drm_crtc_index(crtc)].framedur_ns;
	output->first_tick = ktime_get();
	drm_crtc_vblank_on(crtc);
}

static void vgpu_output_atomic_disable(struct drm_crtc *crtc, struct vgpu_compat_commit *commit)
{
	struct vgpu_output *output = crtc_to_vgpu_output(crtc);

	drm_crtc_vblank_off(crtc);
	hrtimer_cancel(&output->ticker);
	/* In a change of the mode, the planes update the output afterwards. */
	if (crtc->state->active)
		return;
	vgpu_cursor_hide(crtc->cursor);
	vgpu_screen_blank(output->screen);
}

static const struct drm_crtc_helper_funcs vgpu_output_crtc_helper_funcs = {
	.mode_valid = vgpu_output_mode_valid,
	.atomic_enable = vgpu_output_atomic_enable,
	.atomic_disable = vgpu_output_atomic_disable,
};

static const struct drm_crtc_funcs vgpu_output_crtc_funcs = {
	.set_config = drm_atomic_helper_set_config,
	.page_flip = drm_atomic_helper_page_flip,
	.reset = drm_atomic_helper_crtc_reset,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
	.enable_vblank = vgpu_output_enable_vblank,
	.disable_vblank = vgpu_output_disable_vblank,
	.get_vblank_timestamp = vgpu_output_get_vblank_timestamp,
};

/* ---- creation ---- */

static void vgpu_output_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_output *output = ptr;

	hrtimer_cancel(&output->ticker);
}

static int vgpu_output_init_connector(struct vgpu_output *output,
				      struct drm_property *hotplug_mode_update)
{
	struct drm_connector *connector = &output->connector;
	struct drm_device *drm = output->crtc.dev;
	int ret;

	ret = drmm_encoder_init(drm, &output->encoder, NULL, DRM_MODE_ENCODER_VIRTUAL, NULL);
	if (ret)
		return ret;

	output->encoder.possible_crtcs = drm_crtc_mask(&output->crtc);
	ret = drmm_connector_init(drm, connector, &vgpu_output_connector_funcs,
				  DRM_MODE_CONNECTOR_VIRTUAL, NULL);
	if (ret)
		return ret;

	drm_connector_helper_add(connector, &vgpu_output_connector_helper_funcs);
	connector->polled = DRM_CONNECTOR_POLL_HPD;
	drm_connector_attach_edid_property(connector);
	drm_object_attach_property(&connector->base, drm->mode_config.suggested_x_property,
				   VGPU_OUTPUT_NO_PLACE);
	drm_object_attach_property(&connector->base, drm->mode_config.suggested_y_property,
				   VGPU_OUTPUT_NO_PLACE);
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

	primary = vgpu_plane_create(vgpu, id);
	if (IS_ERR(primary))
		return ERR_CAST(primary);
	screen = &to_vgpu_plane(primary)->screen;
	cursor = vgpu_cursor_create(vgpu, screen);
	if (IS_ERR(cursor))
		return ERR_CAST(cursor);

	output = drmm_crtc_alloc_with_planes(drm, struct vgpu_output, crtc, primary, cursor,
					     &vgpu_output_crtc_funcs, NULL);
	if (IS_ERR(output))
		return output;

	drm_crtc_helper_add(&output->crtc, &vgpu_output_crtc_helper_funcs);
	hrtimer_setup(&output->ticker, vgpu_output_tick, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	output->frame_ns = NSEC_PER_SEC / VGPU_OUTPUT_REFRESH_HZ;
	output->screen = screen;

	ret = drmm_add_action_or_reset(drm, vgpu_output_release, output);
	if (!ret)
		ret = drmm_mutex_init(drm, &output->lock);
	if (!ret)
		ret = vgpu_output_init_connector(output, hotplug_mode_update);
	return ret ? ERR_PTR(ret) : output;
}
