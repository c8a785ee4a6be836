/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_BASE_H
#define VGPU_BASE_H

#include <linux/types.h>

#include <drm/drm_device.h>

struct virtio_device;
struct workqueue_struct;
struct vgpu_capsets;
struct vgpu_cmdq;
struct vgpu_contexts;
struct vgpu_display;
struct vgpu_hostmem;
struct vgpu_reclaim;
struct vgpu_resources;

/**
 * struct vgpu_features - Features that driver and device agreed upon
 * @virgl: 3D contexts
 * @edid: EDIDs of the outputs
 * @uuid: other virtio devices can find a resource by its UUID
 * @blob: blob resources
 * @context_init: contexts of a chosen capset, with rings
 * @blob_alignment: sizes and offsets of blobs are multiples of this many bytes; a
 *                  power of two, 1 if the device states none
 */
struct vgpu_features {
	bool virgl;
	bool edid;
	bool uuid;
	bool blob;
	bool context_init;
	u32 blob_alignment;
};

/**
 * struct vgpu_device - Per-device state shared by all layers above protocol/
 * @drm: the DRM device; this struct lives as long as it
 * @vdev: the virtio device; gone after unplug, so used only between drm_dev_enter()
 *        and drm_dev_exit()
 * @features: constant after probe
 * @num_scanouts: how many outputs the device has, constant after probe; 0 without KMS
 * @cmdq: command queues
 * @wq: runs work that may sleep: freeing pages, hotplug
 * @fence_wq: runs work that fences depend on; such work does not wait for memory
 * @bounces: the device accesses bounce buffers, copies of the pages; constant after probe
 * @resources: resources and their ids
 * @reclaim: idle buffers, NULL unless the parameter "reclaim" is set
 * @contexts: contexts and their ids
 * @capsets: capability sets
 * @hostmem: host-visible memory, NULL if the device has none
 * @display: outputs, NULL if the device has none
 */
struct vgpu_device {
	struct drm_device drm;
	struct virtio_device *vdev;
	struct vgpu_features features;
	u32 num_scanouts;
	struct vgpu_cmdq *cmdq;
	struct workqueue_struct *wq;
	struct workqueue_struct *fence_wq;
	bool bounces;
	struct vgpu_resources *resources;
	struct vgpu_reclaim *reclaim;
	struct vgpu_contexts *contexts;
	struct vgpu_capsets *capsets;
	struct vgpu_hostmem *hostmem;
	struct vgpu_display *display;
};

static inline struct vgpu_device *to_vgpu(struct drm_device *drm)
{
	return container_of(drm, struct vgpu_device, drm);
}

#endif
