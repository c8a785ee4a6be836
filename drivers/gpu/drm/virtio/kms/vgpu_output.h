/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_OUTPUT_H
#define VGPU_OUTPUT_H

#include <linux/mutex.h>

#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_encoder.h>

#include "protocol/vgpu_wire.h"

struct vgpu_device;
struct vgpu_screen;

/**
 * struct vgpu_output - A scanout of the device and its DRM objects
 * @crtc: base of the CRTC
 * @encoder: does nothing; the core requires one
 * @connector: base of the connector
 * @screen: what the output shows, constant
 * @cursor: the cursor, constant
 * @id: the host's number of the output, constant
 * @lock: protects what follows
 * @info: the answer to GET_DISPLAY_INFO: whether the host shows the output, and its size
 * @edid: the EDID that the host reported, or NULL
 * @edid_bytes: size of @edid
 */
struct vgpu_output {
	struct vgpu_compat_crtc crtc;
	struct drm_encoder encoder;
	struct drm_connector connector;
	struct vgpu_screen *screen;
	struct drm_plane *cursor;
	u32 id;
	struct mutex lock;
	struct vgpu_output_info info;
	u8 *edid;
	u32 edid_bytes;
};

static inline struct vgpu_output *crtc_to_vgpu_output(struct drm_crtc *crtc)
{
	return container_of(crtc, struct vgpu_output, crtc.base);
}

static inline struct vgpu_output *connector_to_vgpu_output(struct drm_connector *connector)
{
	return container_of(connector, struct vgpu_output, connector);
}

struct vgpu_output *vgpu_output_create(struct vgpu_device *vgpu, u32 id,
				       struct drm_property *hotplug_mode_update);
int vgpu_output_learn(struct vgpu_output *output, const struct vgpu_output_info *info);

#endif
