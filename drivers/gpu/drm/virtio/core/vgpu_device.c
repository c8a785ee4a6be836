// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the device
 *
 * Probe and remove: the features of the device, and the order in which the parts of the driver
 * start and stop.
 *
 * All memory belongs to the DRM device, which user space may keep long after the virtio device
 * is removed. Only the rings belong to the virtio device; after they are deleted, every command
 * ends with -ENODEV.
 *
 * Models in tests/models/: litmus/probe-lost.litmus, litmus/start-removing.litmus, spin/vq.pml.
 */

#include <linux/aperture.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/workqueue.h>

#include <drm/clients/drm_client_setup.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "core/vgpu_device.h"
#include "core/vgpu_power.h"
#include "debug/vgpu_debugfs.h"
#include "kms/vgpu_display.h"
#include "object/vgpu_base.h"
#include "object/vgpu_bounce.h"
#include "object/vgpu_capset.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_pages.h"
#include "object/vgpu_reclaim.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"

/* Offset of blob_alignment, which the struct virtio_gpu_config of older kernels lacks. */
#define VGPU_DEVICE_BLOB_ALIGNMENT	16

/* How long probe waits for all answers together. Probe goes on without the missing answers. */
#define VGPU_DEVICE_PROBE_MS	10000

static void vgpu_device_config_work(struct work_struct *work)
{
	struct vgpu_core *core = container_of(work, struct vgpu_core, config_work);
	struct vgpu_device *vgpu = &core->base;
	u32 events, idx;

	if (!drm_dev_enter(&vgpu->drm, &idx))
		return;

	/* Virtio 1.3, 2.1: a device that cannot go on sets this bit, which raises this event. */
	if (vgpu->vdev->config->get_status(vgpu->vdev) & VIRTIO_CONFIG_S_NEEDS_RESET)
		vgpu_power_lost(core, -EIO);
	virtio_cread_le(vgpu->vdev, struct virtio_gpu_config, events_read, &events);
	events &= VIRTIO_GPU_EVENT_DISPLAY;
	/* Clear the event first: a change during the request raises it again. */
	if (events)
		virtio_cwrite_le(vgpu->vdev, struct virtio_gpu_config, events_clear, &events);
	if (vgpu_display_exists(vgpu) && vgpu_display_refresh(vgpu, events) == -ENOMEM)
		queue_work(vgpu->wq, &core->config_work);
	drm_dev_exit(idx);
}

/**
 * vgpu_device_config_changed() - Implement &virtio_driver.config_changed
 * @vdev: the device
 *
 * Context: hard interrupt.
 */
void vgpu_device_config_changed(struct virtio_device *vdev)
{
	struct vgpu_device *vgpu = vdev->priv;

	queue_work(vgpu->wq, &to_vgpu_core(vgpu)->config_work);
}

static void vgpu_device_read_features(struct vgpu_device *vgpu)
{
	struct virtio_device *vdev = vgpu->vdev;
	struct vgpu_features *f = &vgpu->features;
	u32 alignment = 1;

	f->virgl = virtio_has_feature(vdev, VIRTIO_GPU_F_VIRGL);
	f->edid = virtio_has_feature(vdev, VIRTIO_GPU_F_EDID);
	f->uuid = virtio_has_feature(vdev, VIRTIO_GPU_F_RESOURCE_UUID);
	f->blob = virtio_has_feature(vdev, VIRTIO_GPU_F_RESOURCE_BLOB);
	f->context_init = virtio_has_feature(vdev, VIRTIO_GPU_F_CONTEXT_INIT);
	if (virtio_has_feature(vdev, VIRTIO_GPU_F_BLOB_ALIGNMENT))
		alignment = virtio_cread32(vdev, VGPU_DEVICE_BLOB_ALIGNMENT);
	if (!is_power_of_2(alignment) || alignment > SZ_1G) {
		drm_err(&vgpu->drm, "invalid blob alignment %u, using the page size\n", alignment);
		alignment = PAGE_SIZE;
	}
	f->blob_alignment = alignment;
}

static void vgpu_device_report(struct vgpu_device *vgpu)
{
	const struct vgpu_features *f = &vgpu->features;

	drm_info(&vgpu->drm, "features:%s%s%s%s%s; %u scanouts%s, %u capsets\n",
		 f->virgl ? " virgl" : "", f->edid ? " edid" : "", f->uuid ? " uuid" : "",
		 f->blob ? " blob" : "", f->context_init ? " context_init" : "",
		 vgpu->num_scanouts, IS_ENABLED(CONFIG_DRM_VGPU_KMS) ? "" : " (built without KMS)",
		 (u32)hweight64(vgpu_capsets_mask(vgpu)));
}

/* Set up what depends on the started device: capsets, the host-visible window, the display. */
static int vgpu_device_discover(struct vgpu_device *vgpu)
{
	u32 num_capsets = 0;
	int ret;

	if (IS_ENABLED(CONFIG_DRM_VGPU_KMS))
		virtio_cread_le(vgpu->vdev, struct virtio_gpu_config, num_scanouts,
				&vgpu->num_scanouts);
	if (vgpu->num_scanouts > VIRTIO_GPU_MAX_SCANOUTS) {
		drm_err(&vgpu->drm, "device reports %u scanouts, using %u\n", vgpu->num_scanouts,
			VIRTIO_GPU_MAX_SCANOUTS);
		vgpu->num_scanouts = VIRTIO_GPU_MAX_SCANOUTS;
	}
	if (vgpu->features.virgl)
		virtio_cread_le(vgpu->vdev, struct virtio_gpu_config, num_capsets, &num_capsets);
	ret = vgpu_capsets_init(vgpu, num_capsets);
	if (!ret)
		ret = vgpu_hostmem_init(vgpu);
	if (ret)
		return ret;

	vgpu_device_report(vgpu);
	if (IS_ENABLED(CONFIG_DRM_VGPU_KMS) && vgpu->num_scanouts)
		return vgpu_display_init(vgpu);
	vgpu->drm.driver_features &= ~(DRIVER_MODESET | DRIVER_ATOMIC);
	return 0;
}

static void vgpu_device_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_device *vgpu = ptr;

	vgpu_reclaim_flush(vgpu);
	if (vgpu->fence_wq)
		flush_workqueue(vgpu->fence_wq);
	if (vgpu->wq)
		flush_workqueue(vgpu->wq);

	/* Files may outlive the device, so the last commands put their owners only here. */
	vgpu_cmdq_settle(vgpu->cmdq);
	vgpu_contexts_flush(vgpu);
	vgpu_resources_flush(vgpu);

	/* After the resources are freed: a blob gives back its part of the window. */
	vgpu_hostmem_fini(vgpu);
	vgpu_cmdq_destroy(vgpu->cmdq);
	if (vgpu->fence_wq)
		destroy_workqueue(vgpu->fence_wq);
	if (vgpu->wq)
		destroy_workqueue(vgpu->wq);
	put_device(&vgpu->vdev->dev);
}

/* Create what lives as long as the DRM device. */
static int vgpu_device_init(struct vgpu_core *core)
{
	struct vgpu_device *vgpu = &core->base;
	struct vgpu_cmdq *cmdq;
	int ret;

	INIT_WORK(&core->config_work, vgpu_device_config_work);
	INIT_WORK(&core->lost_work, vgpu_power_lost_work);
	vgpu_pages_init(vgpu);
	ret = vgpu_resources_init(vgpu);
	if (!ret)
		ret = vgpu_reclaim_init(vgpu);
	if (!ret)
		ret = vgpu_contexts_init(vgpu);
	if (ret)
		return ret;

	get_device(&vgpu->vdev->dev);
	ret = drmm_add_action_or_reset(&vgpu->drm, vgpu_device_release, vgpu);
	if (ret)
		return ret;

	vgpu->wq = alloc_workqueue("virtio_gpu", WQ_UNBOUND, 0);

	/* WQ_MEM_RECLAIM: reclaim may wait for fences, so their work must not need memory. */
	vgpu->fence_wq = alloc_workqueue("virtio_gpu_fence", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!vgpu->wq || !vgpu->fence_wq)
		return -ENOMEM;

	cmdq = vgpu_cmdq_create(vgpu->vdev, vgpu_power_lost, core, vgpu->wq, vgpu->fence_wq);
	if (IS_ERR(cmdq))
		return PTR_ERR(cmdq);
	vgpu->cmdq = cmdq;
	return 0;
}

/* Remove the firmware's framebuffer driver, which only a VGA-compatible device has. */
static int vgpu_device_take_over(struct virtio_device *vdev, const struct drm_driver *driver)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(vdev->dev.parent))
		return 0;
	pdev = to_pci_dev(vdev->dev.parent);
	if ((pdev->class >> 8) != PCI_CLASS_DISPLAY_VGA)
		return 0;
	return aperture_remove_conflicting_pci_devices(pdev, driver->name);
}

/* Wait until no work uses the stopped device any more. */
static void vgpu_device_settle(struct vgpu_core *core)
{
	cancel_work_sync(&core->config_work);
	cancel_work_sync(&core->lost_work);
	vgpu_resources_flush(&core->base);
	flush_workqueue(core->base.fence_wq);
	flush_workqueue(core->base.wq);
}

static int vgpu_device_bring_up(struct vgpu_core *core)
{
	struct vgpu_device *vgpu = &core->base;
	int ret;

	ret = vgpu_device_init(core);
	if (ret)
		return ret;

	vgpu->vdev->priv = vgpu;
	ret = vgpu_power_start(vgpu);
	if (ret)
		return ret;

	vgpu_device_read_features(vgpu);
	ret = vgpu_bounce_init(vgpu);
	if (ret)
		goto err_stop;
	vgpu_cmdq_limit_questions(vgpu->cmdq, VGPU_DEVICE_PROBE_MS);
	ret = vgpu_device_discover(vgpu);
	vgpu_cmdq_limit_questions(vgpu->cmdq, 0);
	if (ret)
		goto err_stop;

	vgpu_debugfs_init(vgpu);

	/* Do not register a device that was lost during probe. */
	ret = vgpu_cmdq_error(vgpu->cmdq);
	if (!ret)
		ret = drm_dev_register(&vgpu->drm, 0);
	if (ret)
		goto err_stop;

	core->pm_notifier.notifier_call = vgpu_power_notify;
	register_pm_notifier(&core->pm_notifier);
	vgpu_power_set_ready(core, true);

	/* vgpu_power_lost_work() has ignored a loss up to here, so report the loss again. */
	if (vgpu_cmdq_error(vgpu->cmdq))
		vgpu_power_lost(core, -EIO);

	/* In the background: asks again if the host did not answer during probe. */
	queue_work(vgpu->wq, &core->config_work);
	return 0;

err_stop:
	vgpu_power_stop(vgpu, ret);
	vgpu_device_settle(core);
	return ret;
}

/**
 * vgpu_device_probe() - Implement &virtio_driver.probe
 * @vdev: the device
 * @driver: the DRM driver
 *
 * Context: process, may sleep; waits for the device.
 * Return: 0; -ENOMEM; -ETIMEDOUT for a device that does not answer; an errno of
 * the virtio or DRM core.
 */
int vgpu_device_probe(struct virtio_device *vdev, const struct drm_driver *driver)
{
	/* The bus device does the DMA, so it is the one DRM helpers must see. */
	struct device *dev = vdev->dev.parent;
	struct vgpu_core *core;
	void *group;
	int ret;

	ret = vgpu_device_take_over(vdev, driver);
	if (ret)
		return ret;

	/* The bus device outlives our binding; the resources that we add to it must not. */
	group = devres_open_group(dev, NULL, GFP_KERNEL);
	if (!group)
		return -ENOMEM;

	core = devm_drm_dev_alloc(dev, driver, struct vgpu_core, base.drm);
	devres_close_group(dev, group);
	if (IS_ERR(core)) {
		ret = PTR_ERR(core);
		goto err_release;
	}

	/* Map each run of pages as one entry, if its length fits the 32 bits on the wire. */
	dma_set_max_seg_size(dev, min_t(size_t, dma_max_mapping_size(dev), U32_MAX & PAGE_MASK));
	core->devres = group;
	core->base.vdev = vdev;
	ret = vgpu_device_bring_up(core);
	if (ret)
		goto err_release;
	if (core->base.display)
		drm_client_setup(&core->base.drm, NULL);
	return 0;

err_release:
	devres_release_group(dev, group);
	return ret;
}

/**
 * vgpu_device_remove() - Implement &virtio_driver.remove
 * @vdev: the device
 *
 * Files, mappings, dma-bufs and sync_files may outlive the virtio device. Operations on them fail,
 * and none of them waits for the device any more.
 *
 * Context: process, may sleep.
 */
void vgpu_device_remove(struct virtio_device *vdev)
{
	struct vgpu_device *vgpu = vdev->priv;
	struct vgpu_core *core = to_vgpu_core(vgpu);

	unregister_pm_notifier(&core->pm_notifier);
	WRITE_ONCE(core->removing, true);

	/* Fail the queues first: drm_dev_unplug() waits for ioctls, which may wait for the host. */
	vgpu_cmdq_fail(vgpu->cmdq, -ENODEV);
	vgpu_contexts_lose(vgpu);
	drm_dev_unplug(&vgpu->drm);
	if (vgpu_display_exists(vgpu))
		vgpu_display_shutdown(vgpu);
	vgpu_power_stop(vgpu, -ENODEV);
	vgpu_device_settle(core);
	devres_release_group(vdev->dev.parent, core->devres);
}
