/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_DEVICE_H
#define VGPU_DEVICE_H

struct drm_driver;
struct virtio_device;

int vgpu_device_probe(struct virtio_device *vdev, const struct drm_driver *driver);
void vgpu_device_remove(struct virtio_device *vdev);
void vgpu_device_config_changed(struct virtio_device *vdev);

#endif
