// SPDX-License-Identifier: MIT
/*
 * Between virtio_uml and the driver of the GPU: what the transports of real machines do
 * and virtio_uml does not. Loaded before the driver, told what to do by its parameters:
 *
 *   window_at     where the memory that the kernel was told to set aside as "vgpu-window"
 *                 is supposed to be: it is the device's host-visible window then
 *   needs_reset   write Y: the device wants to be reset, and interrupts; reads N when it is
 *   frozen        write Y and N: the system goes to sleep and comes back
 *   refuse_rings  the next N times that the driver asks for its rings, it gets none
 */

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/sysfs.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ids.h>

static struct virtio_device *shim_vdev;
static const struct virtio_config_ops *shim_below;
static struct virtio_config_ops shim_ops;
static u8 shim_status;

static unsigned long shim_window_at;
module_param_named(window_at, shim_window_at, ulong, 0444);
static phys_addr_t shim_window_start, shim_window_size;

static unsigned int shim_refuse_rings;
module_param_named(refuse_rings, shim_refuse_rings, uint, 0600);

static u8 shim_get_status(struct virtio_device *vdev)
{
	return shim_below->get_status(vdev) | shim_status;
}

static void shim_reset(struct virtio_device *vdev)
{
	shim_status = 0;
	shim_below->reset(vdev);
}

static int shim_find_vqs(struct virtio_device *vdev, unsigned int nvqs, struct virtqueue *vqs[],
			 struct virtqueue_info info[], struct irq_affinity *desc)
{
	if (shim_refuse_rings) {
		shim_refuse_rings--;
		return -ENOENT;
	}
	return shim_below->find_vqs(vdev, nvqs, vqs, info, desc);
}

static bool shim_get_shm_region(struct virtio_device *vdev, struct virtio_shm_region *region,
				u8 id)
{
	if (id != VIRTIO_GPU_SHM_ID_HOST_VISIBLE || !shim_window_size)
		return false;
	region->addr = shim_window_start;
	region->len = shim_window_size;
	return true;
}

static int shim_needs_reset(const char *val, const struct kernel_param *kp)
{
	shim_status = VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_config_changed(shim_vdev);
	return 0;
}

static int shim_get_needs_reset(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%c\n", shim_status ? 'Y' : 'N');
}

static const struct kernel_param_ops shim_needs_reset_ops = {
	.set = shim_needs_reset,
	.get = shim_get_needs_reset,
};
module_param_cb(needs_reset, &shim_needs_reset_ops, NULL, 0600);

static bool shim_is_frozen;

static int shim_set_frozen(const char *val, const struct kernel_param *kp)
{
	bool wanted;
	int ret = kstrtobool(val, &wanted);

	if (ret || wanted == shim_is_frozen)
		return ret;
	ret = wanted ? virtio_device_freeze(shim_vdev) : virtio_device_restore(shim_vdev);
	/* One that does not come back has not gone on sleeping. */
	if (!ret || !wanted)
		shim_is_frozen = wanted;
	return ret;
}

static const struct kernel_param_ops shim_frozen_ops = {
	.set = shim_set_frozen,
	.get = param_get_bool,
};
module_param_cb(frozen, &shim_frozen_ops, &shim_is_frozen, 0600);

static int shim_find_window(void)
{
	if (!shim_window_at)
		return 0;
	if (!reserve_mem_find_by_name("vgpu-window", &shim_window_start, &shim_window_size))
		return -ENOENT;
	if (shim_window_start == shim_window_at)
		return 0;
	pr_err("vgpu-shim: the window is at %pa\n", &shim_window_start);
	return -ERANGE;
}

static int shim_match(struct device *dev, const void *data)
{
	struct device *child = device_find_any_child(dev);
	int found;

	found = child && is_virtio_device(child) &&
		dev_to_virtio(child)->id.device == VIRTIO_ID_GPU;
	if (found)
		shim_vdev = dev_to_virtio(child);
	else
		put_device(child);
	return found;
}

static int __init shim_init(void)
{
	struct device *dev;
	int ret;

	ret = shim_find_window();
	if (ret)
		return ret;
	dev = bus_find_device(&platform_bus_type, NULL, NULL, shim_match);
	if (!dev)
		return -ENODEV;
	put_device(dev);
	shim_below = shim_vdev->config;
	shim_ops = *shim_below;
	shim_ops.get_status = shim_get_status;
	shim_ops.reset = shim_reset;
	shim_ops.find_vqs = shim_find_vqs;
	shim_ops.get_shm_region = shim_get_shm_region;
	shim_vdev->config = &shim_ops;
	return 0;
}

/* There is no way out: the driver may be in the middle of any of this. */
module_init(shim_init);

MODULE_DESCRIPTION("A transport for tests, on top of another");
/* What the functions of the virtio core ask for; the text is MIT. */
MODULE_LICENSE("Dual MIT/GPL");
