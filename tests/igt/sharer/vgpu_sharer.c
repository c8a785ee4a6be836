// SPDX-License-Identifier: MIT
/*
 * Another driver, for tests: it exports buffers that it can take away from those who
 * imported them, counts who holds on to them, and asks for the addresses of the dma-bufs
 * of others as the driver of a device does. Nothing in a guest does that without hardware.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uuid.h>
#include <linux/virtio.h>
#include <linux/virtio_dma_buf.h>

#include "vgpu_sharer.h"

#define SHARER_MAX_BYTES	(16u << 20)

#if SHARER_HAVE_NS_STRING
#define SHARER_NS	"DMA_BUF"
#else
#define SHARER_NS	DMA_BUF
#endif

#if !SHARER_HAVE_INVALIDATE
#define dma_buf_invalidate_mappings	dma_buf_move_notify
#endif

/**
 * struct sharer_buf - an exported buffer
 * @npages: length of @pages
 * @pins: protected by the dma-buf's reservation, as what follows
 * @mappings: how many have the addresses
 * @revocations: how many were told that it is gone
 * @pages: the memory
 */
struct sharer_buf {
	unsigned int npages;
	unsigned int pins;
	unsigned int mappings;
	unsigned int revocations;
	struct page *pages[] __counted_by(npages);
};

static struct platform_device *sharer_device;

static void sharer_free(struct sharer_buf *sb)
{
	unsigned int i;

	for (i = 0; i < sb->npages; i++)
		if (sb->pages[i])
			__free_page(sb->pages[i]);
	kfree(sb);
}

static struct sharer_buf *sharer_alloc(unsigned int npages)
{
	struct sharer_buf *sb;
	unsigned int i;

	sb = kzalloc(struct_size(sb, pages, npages), GFP_KERNEL);
	if (!sb)
		return NULL;
	sb->npages = npages;
	for (i = 0; i < npages; i++) {
		sb->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!sb->pages[i]) {
			sharer_free(sb);
			return NULL;
		}
	}
	return sb;
}

static int sharer_pin(struct dma_buf_attachment *attach)
{
	struct sharer_buf *sb = attach->dmabuf->priv;

	sb->pins++;
	return 0;
}

static void sharer_unpin(struct dma_buf_attachment *attach)
{
	struct sharer_buf *sb = attach->dmabuf->priv;

	sb->pins--;
}

static struct sg_table *sharer_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	struct sharer_buf *sb = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	if (sb->revocations)
		return ERR_PTR(-ENODEV);
	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table_from_pages(sgt, sb->pages, sb->npages, 0,
					(size_t)sb->npages << PAGE_SHIFT, GFP_KERNEL);
	if (ret)
		goto err_free;
	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_free_table;
	sb->mappings++;
	return sgt;

err_free_table:
	sg_free_table(sgt);
err_free:
	kfree(sgt);
	return ERR_PTR(ret);
}

static void sharer_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			 enum dma_data_direction dir)
{
	struct sharer_buf *sb = attach->dmabuf->priv;

	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	sb->mappings--;
}

static void sharer_release(struct dma_buf *buf)
{
	struct sharer_buf *sb = buf->priv;

	WARN_ON(sb->pins || sb->mappings);
	sharer_free(sb);
}

static int sharer_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	struct sharer_buf *sb = buf->priv;

	return vm_map_pages(vma, sb->pages, sb->npages);
}

static const struct dma_buf_ops sharer_ops = {
	.pin = sharer_pin,
	.unpin = sharer_unpin,
	.map_dma_buf = sharer_map,
	.unmap_dma_buf = sharer_unmap,
	.release = sharer_release,
	.mmap = sharer_mmap,
};

static long sharer_export(void __user *arg)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vgpu_sharer_export args;
	struct dma_buf *buf;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!args.size || args.size > SHARER_MAX_BYTES || !PAGE_ALIGNED(args.size))
		return -EINVAL;
	info.ops = &sharer_ops;
	info.size = args.size;
	info.flags = O_RDWR | O_CLOEXEC;
	info.priv = sharer_alloc(args.size >> PAGE_SHIFT);
	if (!info.priv)
		return -ENOMEM;
	buf = dma_buf_export(&info);
	if (IS_ERR(buf)) {
		sharer_free(info.priv);
		return PTR_ERR(buf);
	}
	args.fd = dma_buf_fd(buf, O_CLOEXEC);
	if (args.fd < 0) {
		dma_buf_put(buf);
		return args.fd;
	}
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static int sharer_revoke_locked(struct dma_buf *buf)
{
	struct sharer_buf *sb = buf->priv;
	long left;

	dma_resv_assert_held(buf->resv);

	sb->revocations++;
	dma_buf_invalidate_mappings(buf);
	left = dma_resv_wait_timeout(buf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     MAX_SCHEDULE_TIMEOUT);
	return min(left, 0L);
}

static long sharer_state(void __user *arg, bool revoke)
{
	struct vgpu_sharer_state args;
	struct sharer_buf *sb;
	struct dma_buf *buf;
	int ret = 0;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	buf = dma_buf_get(args.fd);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	if (buf->ops != &sharer_ops) {
		dma_buf_put(buf);
		return -EINVAL;
	}
	sb = buf->priv;
	dma_resv_lock(buf->resv, NULL);
	if (revoke)
		ret = sharer_revoke_locked(buf);
	args.pins = sb->pins;
	args.mappings = sb->mappings;
	args.revocations = sb->revocations;
	dma_resv_unlock(buf->resv);
	dma_buf_put(buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static void sharer_invalidated(struct dma_buf_attachment *attach)
{
	/* Nothing is kept mapped. */
}

static const struct dma_buf_attach_ops sharer_peer_ops = {
	.allow_peer2peer = true,
#if SHARER_HAVE_INVALIDATE
	.invalidate_mappings = sharer_invalidated,
#else
	.move_notify = sharer_invalidated,
#endif
};

static int sharer_probe(struct virtio_device *vdev)
{
	return -ENODEV;
}

static void sharer_remove(struct virtio_device *vdev)
{
}

static const struct virtio_device_id sharer_ids[] = {
	{ 0 },
};

/* Binds to nothing: it is the way to find the devices of the bus. */
static struct virtio_driver sharer_virtio = {
	.driver.name = "vgpu-sharer",
	.id_table = sharer_ids,
	.probe = sharer_probe,
	.remove = sharer_remove,
};

static int sharer_is_any(struct device *dev, const void *data)
{
	return 1;
}

/* The device with a reference, or NULL. */
static struct device *sharer_get_device(u32 importer)
{
	struct pci_dev *pdev;

	switch (importer) {
	case VGPU_SHARER_PLATFORM:
		return get_device(&sharer_device->dev);
	case VGPU_SHARER_PCI:
		pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, NULL);
		return pdev ? &pdev->dev : NULL;
	case VGPU_SHARER_VIRTIO:
		return bus_find_device(sharer_virtio.driver.bus, NULL, NULL, sharer_is_any);
	default:
		return NULL;
	}
}

static int sharer_map_and_look(struct dma_buf_attachment *attach, struct vgpu_sharer_look *args)
{
	struct scatterlist *sg;
	struct sg_table *sgt;
	unsigned int i;

	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	args->pieces = sgt->sgl ? sgt->nents : 0;
	args->address = args->pieces ? sg_dma_address(sgt->sgl) : 0;
	args->bytes = 0;
	for_each_sgtable_dma_sg(sgt, sg, i)
		args->bytes += sg_dma_len(sg);
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_BIDIRECTIONAL);
	return 0;
}

static int sharer_look_at(struct dma_buf *buf, struct vgpu_sharer_look *args)
{
	struct device *dev = sharer_get_device(args->importer);
	struct dma_buf_attachment *attach;
	int ret;

	if (!dev)
		return -ENODEV;
	if (args->importer == VGPU_SHARER_PCI)
		attach = dma_buf_dynamic_attach(buf, dev, &sharer_peer_ops, NULL);
	else
		attach = dma_buf_attach(buf, dev);
	ret = PTR_ERR_OR_ZERO(attach);
	if (!ret) {
		ret = sharer_map_and_look(attach, args);
		dma_buf_detach(buf, attach);
	}
	put_device(dev);
	return ret;
}

static long sharer_look(void __user *arg)
{
	struct vgpu_sharer_look args;
	struct dma_buf *buf;
	int ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	buf = dma_buf_get(args.fd);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = sharer_look_at(buf, &args);
	dma_buf_put(buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static long sharer_uuid(void __user *arg)
{
	struct vgpu_sharer_uuid args;
	struct dma_buf *buf;
	uuid_t uuid;
	int ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	buf = dma_buf_get(args.fd);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = is_virtio_dma_buf(buf) ? virtio_dma_buf_get_uuid(buf, &uuid) : -EINVAL;
	dma_buf_put(buf);
	if (ret)
		return ret;
	export_uuid(args.uuid, &uuid);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static long sharer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VGPU_SHARER_EXPORT:
		return sharer_export((void __user *)arg);
	case VGPU_SHARER_STATE:
		return sharer_state((void __user *)arg, false);
	case VGPU_SHARER_REVOKE:
		return sharer_state((void __user *)arg, true);
	case VGPU_SHARER_LOOK:
		return sharer_look((void __user *)arg);
	case VGPU_SHARER_UUID:
		return sharer_uuid((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations sharer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = sharer_ioctl,
};

static struct miscdevice sharer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vgpu-sharer",
	.fops = &sharer_fops,
	.mode = 0600,
};

static int __init sharer_init(void)
{
	int ret;

	sharer_device = platform_device_register_simple("vgpu-sharer", -1, NULL, 0);
	if (IS_ERR(sharer_device))
		return PTR_ERR(sharer_device);
	ret = dma_coerce_mask_and_coherent(&sharer_device->dev, DMA_BIT_MASK(64));
	if (ret)
		goto err_unregister_device;
	ret = register_virtio_driver(&sharer_virtio);
	if (ret)
		goto err_unregister_device;
	ret = misc_register(&sharer_misc);
	if (ret)
		goto err_unregister_driver;
	return 0;

err_unregister_driver:
	unregister_virtio_driver(&sharer_virtio);
err_unregister_device:
	platform_device_unregister(sharer_device);
	return ret;
}

static void __exit sharer_exit(void)
{
	misc_deregister(&sharer_misc);
	unregister_virtio_driver(&sharer_virtio);
	platform_device_unregister(sharer_device);
}

module_init(sharer_init);
module_exit(sharer_exit);

MODULE_DESCRIPTION("A driver that shares buffers, for tests");
/* What the functions of dma-buf ask for; the text is MIT. */
MODULE_LICENSE("Dual MIT/GPL");
MODULE_IMPORT_NS(SHARER_NS);
