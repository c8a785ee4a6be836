/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_OUTPUT_H
#define VGPU_OUTPUT_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/mutex.h>

#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_encoder.h>

#include "protocol/vgpu_wire.h"

struct vgpu_device;
struct vgpu_screen;

/* Sides of modes, in pixels. */
#define VGPU_OUTPUT_MIN_SIDE	32
#define VGPU_OUTPUT_MAX_SIDE	8192

/**
 * struct vgpu_output - A scanout of the device and its DRM objects
 * @crtc: base of the CRTC
 * @ticker: expires at the next tick, while the core waits for one
 * @first_tick: when the output was switched on; written while @ticker is stopped
 * @frame_ns: duration of a frame, not 0; written while @ticker is stopped
 * @encoder: does nothing; the core requires one
 * @connector: base of the connector
 * @screen: what the output shows, constant
 * @answer: room for the answer to GET_EDID, for one caller of vgpu_output_learn() at a time
 * @lock: protects what follows
 * @info: the answer to GET_DISPLAY_INFO: whether the host shows the output, and its size
 * @edid: the EDID that the host reported
 * @edid_bytes: size of @edid, 0 for none
 */
struct vgpu_output {
	struct drm_crtc crtc;
	struct hrtimer ticker;
	ktime_t first_tick;
	s64 frame_ns;
	struct drm_encoder encoder;
	struct drm_connector connector;
	struct vgpu_screen *screen;
	u8 answer[VGPU_WIRE_EDID_BYTES];
	struct mutex lock;
	struct vgpu_output_info info;
	u8 edid[VGPU_WIRE_EDID_BYTES];
	u32 edid_bytes;
};

static inline struct vgpu_output *crtc_to_vgpu_output(struct drm_crtc *crtc)
{
	return container_of(crtc, struct vgpu_output, crtc);
}

static inline struct vgpu_output *connector_to_vgpu_output(struct drm_connector *connector)
{
	return container_of(connector, struct vgpu_output, connector);
}

struct vgpu_output *vgpu_output_create(struct vgpu_device *vgpu, u32 id,
				       struct drm_property *hotplug_mode_update);
int vgpu_output_learn(struct vgpu_output *output, const struct vgpu_output_info *info);
void vgpu_output_suggest_place(struct vgpu_output *output, bool is_placed);

#endif
