/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_POWER_H
#define VGPU_POWER_H

#include <linux/notifier.h>
#include <linux/workqueue.h>

#include "object/vgpu_base.h"

/**
 * struct vgpu_core - Per-device state of core/
 * @base: per-device state shared with the other layers
 * @devres: devres group that is released with the virtio device
 * @config_work: reads the configuration after it has changed
 * @lost_work: resets a lost device; see vgpu_power_lost_work()
 * @pm_notifier: refuses a hibernation before any task is frozen; see vgpu_power_notify()
 * @lost_error: errno of the latest loss, for the log
 * @is_ready: the device executes commands, so a loss is to be repaired; set by
 *            vgpu_power_set_ready()
 * @has_rings: the virtqueues exist, between find_vqs() and del_vqs(); changed by
 *             vgpu_power_start() and vgpu_power_stop() alone
 * @recovering: freeze and restore are called to recover the device, not to suspend it; written by
 *              @lost_work alone
 * @removing: the device is being removed or shut down, so it need not be reset
 */
struct vgpu_core {
	struct vgpu_device base;
	void *devres;
	struct work_struct config_work;
	struct work_struct lost_work;
	struct notifier_block pm_notifier;
	int lost_error;
	bool is_ready;
	bool has_rings;
	bool recovering;
	bool removing;
};

static inline struct vgpu_core *to_vgpu_core(struct vgpu_device *vgpu)
{
	return container_of(vgpu, struct vgpu_core, base);
}

int vgpu_power_start(struct vgpu_device *vgpu);
void vgpu_power_stop(struct vgpu_device *vgpu, int error);
void vgpu_power_set_ready(struct vgpu_core *core, bool is_ready);
void vgpu_power_lost(void *core, int error);
void vgpu_power_lost_work(struct work_struct *work);
int vgpu_power_notify(struct notifier_block *nb, unsigned long event, void *data);
int vgpu_power_freeze(struct virtio_device *vdev);
int vgpu_power_restore(struct virtio_device *vdev);
void vgpu_power_shutdown(struct virtio_device *vdev);

#endif
