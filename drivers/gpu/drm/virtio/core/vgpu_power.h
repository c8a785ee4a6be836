/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_POWER_H
#define VGPU_POWER_H

struct notifier_block;
struct virtio_device;
struct work_struct;

void vgpu_power_lost(void *core, int error);
void vgpu_power_lost_work(struct work_struct *work);
int vgpu_power_notify(struct notifier_block *nb, unsigned long event, void *data);
int vgpu_power_freeze(struct virtio_device *vdev);
int vgpu_power_restore(struct virtio_device *vdev);
void vgpu_power_shutdown(struct virtio_device *vdev);

#endif
