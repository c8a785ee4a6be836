// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: the driver
 *
 * The tables by which the virtio and DRM cores find the driver.
 */

#include <linux/module.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ids.h>

#include <drm/drm_drv.h>
#include <drm/drm_fbdev_shmem.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>

#include "core/vgpu_device.h"
#include "core/vgpu_power.h"
#include "debug/vgpu_stats.h"
#include "object/vgpu_base.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_gem.h"
#include "object/vgpu_prime.h"
#include "protocol/vgpu_budget.h"
#include "uapi/vgpu_ioctl.h"

static int vgpu_drv_modeset = -1;
module_param_named(modeset, vgpu_drv_modeset, int, 0400);
MODULE_PARM_DESC(modeset, "0 disables the driver, 1 enables it even with nomodeset (default -1)");

static int vgpu_drv_flush(struct file *filp, fl_owner_t id)
{
	vgpu_context_flush(vgpu_context_of(filp->private_data));
	return 0;
}

static int vgpu_drv_release(struct inode *inode, struct file *filp)
{
	vgpu_context_leave(vgpu_context_of(filp->private_data));
	return drm_release(inode, filp);
}

/*
 * Throttle ioctls of the core that add commands. The switch compares only the number, since the
 * core accepts structs of any size.
 */
static int vgpu_drv_throttle(struct file *filp, unsigned int cmd)
{
	struct drm_file *file = filp->private_data;
	int ret = 0;

	switch (DRM_IOCTL_NR(cmd)) {
	/* These ioctls create handles, each of which needs a CTX_ATTACH_RESOURCE. */
	case DRM_IOCTL_NR(DRM_IOCTL_PRIME_FD_TO_HANDLE):
	case DRM_IOCTL_NR(DRM_IOCTL_GEM_OPEN):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_GETFB):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_GETFB2):
		ret = vgpu_context_throttle(vgpu_context_of(file), VGPU_BUDGET_RING_WORK);
		break;

	/* Display updates do not wait for a silent host, so throttle their ioctls. */
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_SETCRTC):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_SETPLANE):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_PAGE_FLIP):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_CURSOR):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_CURSOR2):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_DIRTYFB):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_ATOMIC):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_SETPROPERTY):
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_OBJ_SETPROPERTY):
		ret = vgpu_budget_throttle(to_vgpu(file->minor->dev)->cmdq, NULL,
					   VGPU_BUDGET_COMMAND);
		break;
	}

	/* On a lost device these ioctls still work as far as they need no host. */
	return ret == -EIO || ret == -ENODEV ? 0 : ret;
}

static long vgpu_drv_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return vgpu_drv_throttle(filp, cmd) ?: drm_ioctl(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long vgpu_drv_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return vgpu_drv_throttle(filp, cmd) ?: drm_compat_ioctl(filp, cmd, arg);
}
#else
#define vgpu_drv_compat_ioctl	NULL
#endif

static const struct file_operations vgpu_drv_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.flush = vgpu_drv_flush,
	.release = vgpu_drv_release,
	.unlocked_ioctl = vgpu_drv_ioctl,
	.compat_ioctl = vgpu_drv_compat_ioctl,
	.show_fdinfo = drm_show_fdinfo,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = drm_gem_mmap,
	VGPU_COMPAT_GEM_FOPS
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

static const struct drm_driver vgpu_drv_drm = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC | DRIVER_RENDER |
			   DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE | DRIVER_CURSOR_HOTSPOT,
	.open = vgpu_context_open,
	.postclose = vgpu_contexts_close,
	.show_fdinfo = vgpu_stats_show_fdinfo,
	.gem_create_object = vgpu_gem_create_object,
	.gem_prime_import = vgpu_prime_import,
	.prime_handle_to_fd = vgpu_prime_handle_to_fd,
	.dumb_create = vgpu_gem_dumb_create,
	.ioctls = vgpu_ioctls,
	.num_ioctls = VGPU_NUM_IOCTLS,
	.fops = &vgpu_drv_fops,
	DRM_FBDEV_SHMEM_DRIVER_OPS,
	/* User space recognises the driver by this name and version. */
	.name = "virtio_gpu",
	.desc = "virtio GPU",
	VGPU_COMPAT_DRIVER_DATE
	.major = 0,
	.minor = 1,
	.patchlevel = 0,
};

static int vgpu_drv_probe(struct virtio_device *vdev)
{
	if (drm_firmware_drivers_only() && vgpu_drv_modeset == -1)
		return -EINVAL;
	if (!vgpu_drv_modeset)
		return -EINVAL;
	return vgpu_device_probe(vdev, &vgpu_drv_drm);
}

static const struct virtio_device_id vgpu_drv_ids[] = {
	{ VIRTIO_ID_GPU, VIRTIO_DEV_ANY_ID },
	{ }
};
MODULE_DEVICE_TABLE(virtio, vgpu_drv_ids);

static const unsigned int vgpu_drv_features[] = {
	VIRTIO_GPU_F_VIRGL,
	VIRTIO_GPU_F_EDID,
	VIRTIO_GPU_F_RESOURCE_UUID,
	VIRTIO_GPU_F_RESOURCE_BLOB,
	VIRTIO_GPU_F_CONTEXT_INIT,
	VIRTIO_GPU_F_BLOB_ALIGNMENT,
};

/* Virtio 1.3, 5.7: there is no legacy variant of this device. */
static int vgpu_drv_validate(struct virtio_device *vdev)
{
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "device is not a virtio 1 device\n");
		return -ENODEV;
	}
	return 0;
}

static struct virtio_driver vgpu_drv_virtio = {
	.driver.name = KBUILD_MODNAME,
	.id_table = vgpu_drv_ids,
	.feature_table = vgpu_drv_features,
	.feature_table_size = ARRAY_SIZE(vgpu_drv_features),
	.validate = vgpu_drv_validate,
	.probe = vgpu_drv_probe,
	.remove = vgpu_device_remove,
	.config_changed = vgpu_device_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = vgpu_power_freeze,
	.restore = vgpu_power_restore,
#endif
	VGPU_COMPAT_SHUTDOWN(vgpu_power_shutdown)
};
module_virtio_driver(vgpu_drv_virtio);

MODULE_DESCRIPTION("DRM driver of the virtio GPU device");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_AUTHOR("The virtio_gpu maintainers");
MODULE_VERSION(VGPU_VERSION);
MODULE_IMPORT_NS(VGPU_COMPAT_NS_DMA_BUF);
MODULE_SOFTDEP("pre: virtio_dma_buf");
