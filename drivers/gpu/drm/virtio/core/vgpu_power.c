// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: going down and coming back
 *
 * Suspend, loss and shutdown of the device are one thing: everything under way is
 * completed with an error, the device is reset, and, but for shutdown, started
 * anew. The host has forgotten everything then. Pictures and guest blobs have their
 * content in our pages and are made again, and so are the scanouts; contexts and
 * what they made answer -EIO until their files are closed, and new ones work.
 */

#include <linux/delay.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "core/vgpu_device.h"
#include "core/vgpu_power.h"
#include "kms/vgpu_display.h"
#include "object/vgpu_context.h"
#include "object/vgpu_resource.h"
#include "protocol/vgpu_cmd.h"

/* How often a lost device is reset before it is given up, and the pause in between. */
#define VGPU_POWER_TRIES	3
#define VGPU_POWER_PAUSE_MS	500

/**
 * vgpu_power_freeze() - &virtio_driver.freeze
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
		cancel_work_sync(&core->config_work);
		/* It is reset anyway. */
		cancel_work_sync(&core->lost_work);
		ret = vgpu->display ? vgpu_display_suspend(vgpu) : 0;
		if (ret)
			return ret;
	}
	vgpu_device_stop(vgpu, -EIO);
	return 0;
}

static void vgpu_power_resume_display(struct vgpu_device *vgpu)
{
	int ret;

	ret = vgpu_display_resume(vgpu);
	/* The device works, and is seen again when somebody sets a mode. */
	if (ret)
		drm_err(&vgpu->drm, "outputs stay dark: %pe\n", ERR_PTR(ret));
	/* What the host changed meanwhile raised no event. On an error what is known stays. */
	vgpu_display_refresh(vgpu);
}

/**
 * vgpu_power_restore() - &virtio_driver.restore
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

	vgpu_contexts_lose(vgpu, -EIO);
	vgpu_resources_freeze(vgpu);
	vgpu_display_forget(vgpu);
	ret = vgpu_device_start(vgpu);
	if (!ret)
		vgpu_resources_restore(vgpu);
	vgpu_resources_thaw(vgpu);
	if (ret) {
		drm_err(&vgpu->drm, "device does not start again: %pe\n", ERR_PTR(ret));
		return ret;
	}
	vgpu_device_set_state(vgpu, VGPU_DEVICE_READY);
	if (!vgpu->display)
		return 0;
	if (!core->recovering) {
		vgpu_power_resume_display(vgpu);
		return 0;
	}
	ret = vgpu_display_restore(vgpu);
	/* A device that works is not given up for that. */
	if (ret)
		drm_err(&vgpu->drm, "what was shown is not shown again: %pe\n", ERR_PTR(ret));
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
	/* It lets go of our memory, and the next try finds it as new. */
	vgpu_device_stop(vgpu, -EIO);
	vgpu_device_set_state(vgpu, VGPU_DEVICE_LOST);
	return ret;
}

/* Reset a lost device and serve on; one that does not come back stays lost. */
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
	if (ret)
		drm_err(&vgpu->drm, "device stays lost: %pe\n", ERR_PTR(ret));
	else
		drm_info(&vgpu->drm, "device is back\n");
	drm_dev_exit(idx);
}

/**
 * vgpu_power_lost_work() - &vgpu_core.lost_work
 * @work: the work
 *
 * Context: process, may sleep.
 */
void vgpu_power_lost_work(struct work_struct *work)
{
	struct vgpu_core *core = container_of(work, struct vgpu_core, lost_work);
	struct vgpu_device *vgpu = &core->base;

	if (READ_ONCE(vgpu->state) != VGPU_DEVICE_READY || READ_ONCE(core->removing))
		return;
	vgpu_device_set_state(vgpu, VGPU_DEVICE_LOST);
	drm_err(&vgpu->drm, "device is lost: %pe\n", ERR_PTR(READ_ONCE(core->lost_error)));
	vgpu_contexts_lose(vgpu, -EIO);
	vgpu_compat_wedged_event(&vgpu->drm);
	vgpu_power_recover(core);
}

/**
 * vgpu_power_lost() - &vgpu_cmdq_config.lost
 * @core: struct vgpu_core
 * @error: why
 *
 * Everybody who waits for the device goes on at once. The rest is done where a
 * suspend, which resets the device as well, does not interfere.
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
 * vgpu_power_shutdown() - &virtio_driver.shutdown
 * @vdev: the device
 *
 * The next kernel, if it is one, finds a device that touches no memory.
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
