// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: going down and coming back
 *
 * Suspend, loss and shutdown of the device take the same steps: all commands in flight complete
 * with an error, the device is reset, and, except for shutdown, started again. The reset destroys
 * all objects of the host. Framebuffers and guest blobs, whose content is in guest pages, are
 * created again, and the scanouts are set again. Contexts and their resources answer -EIO until
 * their files are closed; new contexts work. Probe starts the device and removal stops it by the
 * same functions.
 *
 * Hibernation is refused while a client has submitted to a 3D context: the host's state would be
 * lost, and with it the client's work.
 *
 * Models in tests/models/: litmus/probe-lost.litmus, litmus/start-removing.litmus, spin/vq.pml.
 */

#include <linux/delay.h>
#include <linux/suspend.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include <drm/drm_drv.h>
#include <drm/drm_modeset_helper.h>
#include <drm/drm_print.h>

#include "core/vgpu_power.h"
#include "kms/vgpu_display.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"

/* How many times a lost device is reset before the driver gives up, and the pause in between. */
#define VGPU_POWER_TRIES	3
#define VGPU_POWER_PAUSE_MS	500

/**
 * vgpu_power_set_ready() - Note whether the device executes commands
 * @core: the device
 * @is_ready: the device was started, and is not lost
 *
 * Context: process; probe, suspend, resume and recovery do not overlap.
 */
void vgpu_power_set_ready(struct vgpu_core *core, bool is_ready)
{
	/*
	 * Pairs with queue_work() in vgpu_power_lost(): vgpu_power_lost_work() sees a ready device,
	 * or probe sees the error of the queues, which it reads next.
	 */
	smp_store_mb(core->is_ready, is_ready);
}

static void vgpu_power_interrupt(struct virtqueue *ring)
{
	struct vgpu_device *vgpu = ring->vdev->priv;

	vgpu_cmdq_interrupt(vgpu->cmdq, ring->index);
}

/**
 * vgpu_power_start() - Attach the queues to their rings
 * @vgpu: the device, its features agreed upon
 *
 * Context: process, may sleep.
 * Return: 0, or an errno of the virtio core.
 */
int vgpu_power_start(struct vgpu_device *vgpu)
{
	struct virtqueue_info info[] = {
		{ "control", vgpu_power_interrupt },
		{ "cursor", vgpu_power_interrupt },
	};
	struct virtqueue *rings[ARRAY_SIZE(info)];
	int ret;

	ret = virtio_find_vqs(vgpu->vdev, ARRAY_SIZE(info), rings, info, NULL);
	if (ret)
		return ret;

	to_vgpu_core(vgpu)->has_rings = true;

	/* Virtio 1.3, 3.1.1: DRIVER_OK comes before the first notification. */
	virtio_device_ready(vgpu->vdev);
	vgpu_cmdq_start(vgpu->cmdq, rings[0], rings[1]);

	/* vgpu_device_remove() may have failed the queues before they were started. */
	if (READ_ONCE(to_vgpu_core(vgpu)->removing))
		vgpu_cmdq_fail(vgpu->cmdq, -ENODEV);
	return 0;
}

/**
 * vgpu_power_stop() - Reset the device and take all messages back from it
 * @vgpu: the device
 * @error: negative errno that all commands end with
 *
 * The reset destroys all contexts and resources of the host, so the contexts are lost.
 *
 * Context: process, may sleep.
 */
void vgpu_power_stop(struct vgpu_device *vgpu, int error)
{
	struct vgpu_core *core = to_vgpu_core(vgpu);

	vgpu_power_set_ready(core, false);
	vgpu_cmdq_fail(vgpu->cmdq, error);
	vgpu_contexts_lose(vgpu);
	virtio_reset_device(vgpu->vdev);
	vgpu_cmdq_stop(vgpu->cmdq);
	/* After a failed recovery there are no rings to delete. */
	if (core->has_rings)
		vgpu->vdev->config->del_vqs(vgpu->vdev);
	core->has_rings = false;
}

/**
 * vgpu_power_notify() - Refuse a hibernation that would cost a client its 3D context
 * @nb: &vgpu_core.pm_notifier
 * @event: PM_HIBERNATION_PREPARE or another event, which is ignored
 * @data: unused
 *
 * Context: process, may sleep; no task is frozen yet.
 * Return: NOTIFY_DONE, or -EBUSY as notifier_from_errno() puts it.
 */
int vgpu_power_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	struct vgpu_core *core = container_of(nb, struct vgpu_core, pm_notifier);
	char name[TASK_COMM_LEN];
	pid_t pid;

	if (event != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	pid = vgpu_contexts_find_submitter(&core->base, name);
	if (!pid)
		return NOTIFY_DONE;
	drm_notice(&core->base.drm, "hibernation refused: the 3D context of %s[%d] would be lost\n",
		   name, pid);
	return notifier_from_errno(-EBUSY);
}

/**
 * vgpu_power_freeze() - Implement &virtio_driver.freeze
 * @vdev: the device
 *
 * Context: process, may sleep.
 * Return: 0, or an errno of the atomic helpers.
 */
int vgpu_power_freeze(struct virtio_device *vdev)
{
	struct vgpu_device *vgpu = vdev->priv;
	struct vgpu_core *core = to_vgpu_core(vgpu);
	int ret;

	if (!core->recovering) {
		/* Not _sync: a running work may wait for an answer until the queues fail. */
		cancel_work(&core->config_work);
		ret = vgpu_display_exists(vgpu) ? drm_mode_config_helper_suspend(&vgpu->drm) : 0;
		if (ret) {
			/* No restore follows this error, so queue the cancelled work again. */
			queue_work(vgpu->wq, &core->config_work);
			return ret;
		}
	}
	vgpu_power_stop(vgpu, -EIO);
	if (!core->recovering)
		cancel_work_sync(&core->config_work);
	return 0;
}

/**
 * vgpu_power_restore() - Implement &virtio_driver.restore
 * @vdev: the device, reset
 *
 * An error makes the virtio core give the device up.
 *
 * Context: process, may sleep.
 * Return: 0, or an errno of the virtio core.
 */
int vgpu_power_restore(struct virtio_device *vdev)
{
	struct vgpu_device *vgpu = vdev->priv;
	struct vgpu_core *core = to_vgpu_core(vgpu);
	int ret;

	down_write(&vgpu->resources->lifecycle);
	if (vgpu_display_exists(vgpu))
		vgpu_display_forget(vgpu);
	ret = vgpu_power_start(vgpu);
	if (!ret)
		vgpu_resources_restore(vgpu);
	up_write(&vgpu->resources->lifecycle);
	if (ret) {
		drm_err(&vgpu->drm, "cannot start the device after reset: %pe\n", ERR_PTR(ret));
		return ret;
	}
	vgpu_power_set_ready(core, true);
	if (!vgpu_display_exists(vgpu))
		return 0;

	/* Best effort: the device works, and the next mode set shows a framebuffer again. */
	ret = core->recovering ? vgpu_display_restore(vgpu) :
				 drm_mode_config_helper_resume(&vgpu->drm);
	if (ret)
		drm_err(&vgpu->drm, "cannot restore the display after %s: %pe\n",
			core->recovering ? "reset" : "resume", ERR_PTR(ret));

	/* In the background, since resume must not wait for the host's display info. */
	queue_work(vgpu->wq, &core->config_work);
	return 0;
}

#ifdef CONFIG_PM_SLEEP
static int vgpu_power_reset(struct vgpu_device *vgpu)
{
	int ret;

	ret = virtio_device_freeze(vgpu->vdev);
	if (!ret)
		ret = virtio_device_restore(vgpu->vdev);
	return ret ?: vgpu_cmdq_ping(vgpu->cmdq);
}
#else
/* The virtio core has no way to start a device a second time. */
static int vgpu_power_reset(struct vgpu_device *vgpu)
{
	return -EOPNOTSUPP;
}
#endif

static int vgpu_power_reset_or_stop(struct vgpu_core *core)
{
	struct vgpu_device *vgpu = &core->base;
	int ret;

	core->recovering = true;
	ret = vgpu_power_reset(vgpu);
	core->recovering = false;
	if (!ret)
		return 0;
	/* Stop the device, so that it no longer touches the rings and can be reset once more. */
	vgpu_power_stop(vgpu, -EIO);
	return ret;
}

/* Reset a lost device until it answers. After VGPU_POWER_TRIES it stays lost. */
static void vgpu_power_recover(struct vgpu_core *core)
{
	struct vgpu_device *vgpu = &core->base;
	unsigned int try;
	int ret, idx;

	if (!drm_dev_enter(&vgpu->drm, &idx))
		return;

	ret = vgpu_power_reset_or_stop(core);
	for (try = 1; ret && try < VGPU_POWER_TRIES && !READ_ONCE(core->removing); try++) {
		msleep(VGPU_POWER_PAUSE_MS);
		ret = vgpu_power_reset_or_stop(core);
	}
	if (ret) {
		drm_err(&vgpu->drm, "cannot reset the device, it stays lost: %pe\n", ERR_PTR(ret));
		vgpu_compat_wedged_event(&vgpu->drm, true);
	} else {
		drm_info(&vgpu->drm, "device is back\n");
	}
	drm_dev_exit(idx);
}

/**
 * vgpu_power_lost_work() - Implement &vgpu_core.lost_work
 * @work: the work
 *
 * Context: process, may sleep.
 */
void vgpu_power_lost_work(struct work_struct *work)
{
	struct vgpu_core *core = container_of(work, struct vgpu_core, lost_work);
	struct vgpu_device *vgpu = &core->base;

	/* If the queues work, the report is older than the last recovery. */
	if (!READ_ONCE(core->is_ready) || READ_ONCE(core->removing) || !vgpu_cmdq_error(vgpu->cmdq))
		return;
	vgpu_power_set_ready(core, false);
	drm_err(&vgpu->drm, "device is lost: %pe\n", ERR_PTR(READ_ONCE(core->lost_error)));
	vgpu_contexts_lose(vgpu);
	vgpu_compat_wedged_event(&vgpu->drm, false);
	vgpu_power_recover(core);
}

/**
 * vgpu_power_lost() - Implement &vgpu_cmdq.lost
 * @core: struct vgpu_core
 * @error: errno of the loss, for the log
 *
 * All waits for the device end at once. A freezable work does the reset, so that it does not run
 * during suspend, which resets the device as well. Afterwards the work finds nothing to do, or,
 * if the suspend has failed, the lost device.
 *
 * Context: any.
 */
void vgpu_power_lost(void *core, int error)
{
	struct vgpu_core *lost = core;

	WRITE_ONCE(lost->lost_error, error);
	vgpu_cmdq_fail(lost->base.cmdq, -EIO);
	queue_work(system_freezable_wq, &lost->lost_work);
}

/**
 * vgpu_power_shutdown() - Implement &virtio_driver.shutdown
 * @vdev: the device
 *
 * After kexec the next kernel must find a device that touches no memory.
 *
 * Context: process, may sleep.
 */
void vgpu_power_shutdown(struct virtio_device *vdev)
{
	struct vgpu_device *vgpu = vdev->priv;

	WRITE_ONCE(to_vgpu_core(vgpu)->removing, true);
	vgpu_cmdq_fail(vgpu->cmdq, -ENODEV);
	virtio_break_device(vdev);
	virtio_reset_device(vdev);
}
