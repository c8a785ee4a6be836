// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: host-visible memory
 *
 * A blob of the host's own memory has no guest pages. To let the CPU access it, the host
 * shows it in a window of the device, at an offset that the driver chooses. The driver sends
 * MAP_BLOB when user space calls MAP or mmap(), or imports the blob into another device: these
 * calls can wait interruptibly and return an errno. A blob that is not mapped takes no part of the
 * window. A part is reused only when the host has answered UNMAP_BLOB.
 *
 * While the host shows a blob in the window, the blob has addresses there. Other devices of the
 * guest get these as the mapping of the dma-buf, if they are PCI devices whose drivers allow
 * peer-to-peer. A virtio device may find the blob on the host by its UUID instead, and gets an
 * empty list.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/wait.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_hostmem.h"
#include "protocol/vgpu_cmd.h"

/* How long to wait for a part of a full window, if closed blobs are about to leave theirs. */
#define VGPU_HOSTMEM_ROOM_TIMEOUT_MS	5000

/*
 * How long an importer waits for the host, with the reservation of the buffer locked: other clients
 * that share the buffer wait for the lock.
 */
#define VGPU_HOSTMEM_IMPORT_LIMIT_MS	5000

/**
 * vgpu_hostmem_init() - Find the window of host-visible memory
 * @vgpu: the device; &vgpu_device.hostmem stays NULL if it has no window
 *
 * Virtio 1.3, 5.7.6.8: shared memory region VIRTIO_GPU_SHM_ID_HOST_VISIBLE.
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_hostmem_init(struct vgpu_device *vgpu)
{
	struct virtio_shm_region region;
	struct vgpu_hostmem *hostmem;

	if (!vgpu->features.blob ||
	    !virtio_get_shm_region(vgpu->vdev, &region, VIRTIO_GPU_SHM_ID_HOST_VISIBLE) ||
	    region.len < PAGE_SIZE)
		return 0;

	hostmem = kzalloc(sizeof(*hostmem), GFP_KERNEL);
	if (!hostmem)
		return -ENOMEM;

	hostmem->base = region.addr;
	hostmem->size = region.len;
	mutex_init(&hostmem->lock);
	drm_mm_init(&hostmem->mm, 0, region.len);
	init_waitqueue_head(&hostmem->room);
	vgpu->hostmem = hostmem;
	drm_info(&vgpu->drm, "host-visible memory: %llu MiB\n", hostmem->size >> 20);
	return 0;
}

/**
 * vgpu_hostmem_fini() - Free the window
 * @vgpu: the device, whose last blob has been released
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_fini(struct vgpu_device *vgpu)
{
	struct vgpu_hostmem *hostmem = vgpu->hostmem;

	if (!hostmem)
		return;
	drm_mm_takedown(&hostmem->mm);
	mutex_destroy(&hostmem->lock);
	kfree(hostmem);
}

/**
 * vgpu_hostmem_print() - List the blobs in the window
 * @vgpu: the device
 * @p: printer to write to
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_hostmem *hostmem = vgpu->hostmem;
	struct vgpu_hostmem_blob *blob;
	struct drm_mm_node *node;

	if (!hostmem) {
		drm_puts(p, "size 0 used 0\n");
		return;
	}

	mutex_lock(&hostmem->lock);
	drm_printf(p, "size %llu used %llu\n", hostmem->size, hostmem->used);
	drm_printf(p, "%12s %12s %10s\n", "offset", "size", "resource");
	drm_mm_for_each_node(node, &hostmem->mm) {
		blob = container_of(node, struct vgpu_hostmem_blob, node);
		drm_printf(p, "%12llu %12llu %10u\n", node->start, node->size, blob->gem.res.id);
	}
	mutex_unlock(&hostmem->lock);
}

/*
 * Take a part of the window for a blob. Returns -EAGAIN if the window is full but closed blobs are
 * leaving it: the caller may try again when &vgpu_hostmem.turns is not @turns any more.
 */
static int vgpu_hostmem_take(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob,
			     unsigned int *turns)
{
	u64 alignment = max_t(u64, PAGE_SIZE, blob->gem.res.vgpu->features.blob_alignment);
	u64 size = blob->gem.base.base.size;
	int ret;

	mutex_lock(&hostmem->lock);
	ret = drm_mm_insert_node_generic(&hostmem->mm, &blob->node, size, alignment, 0, 0);
	if (!ret)
		hostmem->used += size;
	else if (ret == -ENOSPC && hostmem->leaving)
		ret = -EAGAIN;
	*turns = hostmem->turns;
	mutex_unlock(&hostmem->lock);
	return ret;
}

/* As vgpu_hostmem_take(), but wait until the host has unmapped enough closed blobs. */
static int vgpu_hostmem_take_or_wait(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	long left = msecs_to_jiffies(VGPU_HOSTMEM_ROOM_TIMEOUT_MS);
	struct vgpu_cmdq *q = blob->gem.res.vgpu->cmdq;
	unsigned int turns;
	int ret;

	do {
		ret = vgpu_hostmem_take(hostmem, blob, &turns);
		if (ret != -EAGAIN)
			return ret;
		vgpu_cmdq_listen(q);
		left = wait_event_interruptible_timeout(hostmem->room,
							READ_ONCE(hostmem->turns) != turns, left);
		vgpu_cmdq_unlisten(q);
	} while (left > 0);
	return left ? -ERESTARTSYS : -ENOSPC;
}

static void vgpu_hostmem_give_back(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	mutex_lock(&hostmem->lock);
	drm_mm_remove_node(&blob->node);
	hostmem->used -= blob->gem.base.base.size;
	hostmem->leaving -= blob->leaving;
	WRITE_ONCE(hostmem->turns, hostmem->turns + 1);
	mutex_unlock(&hostmem->lock);
	wake_up_all(&hostmem->room);
}

static void vgpu_hostmem_forget_question(struct vgpu_hostmem_blob *blob)
{
	vgpu_cmd_put(blob->asked);
	blob->asked = NULL;
}

static int vgpu_hostmem_ask_locked(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob)
{
	struct vgpu_resource *res = &blob->gem.res;
	struct vgpu_cmd *cmd;
	int ret;

	lockdep_assert_held(&blob->lock);

	/* Allocate UNMAP_BLOB now, so that freeing the blob does not wait for memory. */
	cmd = blob->unmap ?: vgpu_cmd_unmap_blob(res->vgpu->cmdq, res->id);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	blob->unmap = cmd;

	ret = vgpu_hostmem_take_or_wait(hostmem, blob);
	if (ret) {
		drm_dbg(&res->vgpu->drm, "resource %u got no host-visible memory\n", res->id);
		return ret;
	}

	cmd = vgpu_cmd_map_blob(res->vgpu->cmdq, res->id, blob->node.start);
	if (IS_ERR(cmd)) {
		vgpu_hostmem_give_back(hostmem, blob);
		return PTR_ERR(cmd);
	}

	vgpu_cmd_send(cmd, &res->owner);
	blob->asked = cmd;
	blob->state = VGPU_HOSTMEM_UNSURE;
	return 0;
}

/* Take over the answer to MAP_BLOB, unless another caller has done so. */
static int vgpu_hostmem_settle_locked(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob,
				      struct vgpu_cmd *cmd, int ret)
{
	lockdep_assert_held(&blob->lock);

	ret = ret ?: vgpu_cmd_read_map_info(cmd, &blob->cache);
	if (blob->asked == cmd) {
		vgpu_hostmem_forget_question(blob);
		if (!ret) {
			blob->state = VGPU_HOSTMEM_SHOWN;
		} else if (ret != -EPROTO) {
			blob->state = VGPU_HOSTMEM_ABSENT;
			vgpu_hostmem_give_back(hostmem, blob);
		}
	}
	/* The other errors of the host mean nothing to user space. */
	return !ret || ret == -EPROTO || ret == -ENOMEM || ret == -ENODEV ? ret : -EIO;
}

/*
 * Wait without the lock, so that no caller waits longer than its own limit. A caller whose wait
 * ends early leaves the command in @asked; the next caller waits for its answer.
 */
static int vgpu_hostmem_await(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob,
			      struct vgpu_cmd *cmd, unsigned long timeout)
{
	int ret = vgpu_cmd_await(cmd, timeout);

	if (ret != -ERESTARTSYS && ret != -ETIMEDOUT) {
		mutex_lock(&blob->lock);
		ret = vgpu_hostmem_settle_locked(hostmem, blob, cmd, ret);
		mutex_unlock(&blob->lock);
	}
	vgpu_cmd_put(cmd);
	return ret;
}

/* Sets the command whose answer is to be waited for, referenced, unless the blob is shown. */
static int vgpu_hostmem_show_locked(struct vgpu_hostmem *hostmem, struct vgpu_hostmem_blob *blob,
				    struct vgpu_cmd **cmd)
{
	int ret = 0;

	lockdep_assert_held(&blob->lock);

	if (blob->state == VGPU_HOSTMEM_SHOWN)
		return 0;
	if (blob->state == VGPU_HOSTMEM_ABSENT)
		ret = vgpu_hostmem_ask_locked(hostmem, blob);
	else if (!blob->asked)
		ret = -EIO;
	if (!ret)
		*cmd = vgpu_cmd_get(blob->asked);
	return ret;
}

/**
 * vgpu_hostmem_map() - Have the host show a blob in the window
 * @gem: a buffer of vgpu_hostmem_gem_create()
 * @timeout: how long to wait for the host, in jiffies
 *
 * Context: process, waits for the host like vgpu_cmd_await(); before, for room in the window.
 * Return: 0; -EBUSY for a blob that still waits to be created; -EINVAL for a blob that was not
 * created mappable, or without a window; -ENOSPC if the window is full; -ENOMEM, also if the host
 * has no memory; -EIO if the host refuses for another reason; -EPROTO for a malformed answer;
 * -ERESTARTSYS when interrupted; -ETIMEDOUT; -ENODEV if the device is gone.
 */
int vgpu_hostmem_map(struct vgpu_gem *gem, unsigned long timeout)
{
	struct vgpu_hostmem_blob *blob = to_blob(gem);
	struct vgpu_device *vgpu = gem->res.vgpu;
	struct vgpu_cmd *cmd = NULL;
	int ret, idx;

	if (!vgpu->hostmem || !(gem->res.blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE)) {
		drm_dbg(&vgpu->drm, "resource %u is not mappable on this device\n", gem->res.id);
		return -EINVAL;
	}

	/* The caller may hold locks, such as that of mmap(); the ioctl MAP waits. */
	if (vgpu_resource_is_waiting(&gem->res))
		return -EBUSY;
	if (vgpu_resource_error(&gem->res))
		return -EIO;
	if (!drm_dev_enter(&vgpu->drm, &idx))
		return -ENODEV;

	ret = mutex_lock_interruptible(&blob->lock) ? -ERESTARTSYS : 0;
	if (!ret) {
		ret = vgpu_hostmem_show_locked(vgpu->hostmem, blob, &cmd);
		mutex_unlock(&blob->lock);
		if (cmd)
			ret = vgpu_hostmem_await(vgpu->hostmem, blob, cmd, timeout);
	}
	drm_dev_exit(idx);
	return ret;
}

/**
 * vgpu_hostmem_hide() - Send UNMAP_BLOB for a blob that is about to be retired, if it is mapped
 * @gem: a buffer of vgpu_hostmem_gem_create(), which has no users any more
 *
 * The blob keeps its part of the window until vgpu_hostmem_release().
 *
 * Context: process, may sleep; does not wait for the host.
 */
void vgpu_hostmem_hide(struct vgpu_gem *gem)
{
	struct vgpu_hostmem *hostmem = gem->res.vgpu->hostmem;
	struct vgpu_hostmem_blob *blob = to_blob(gem);

	/* MAP_BLOB has a reference to the resource, which would keep it for ever. */
	vgpu_hostmem_forget_question(blob);
	if (blob->state == VGPU_HOSTMEM_ABSENT)
		return;

	mutex_lock(&hostmem->lock);
	blob->leaving = true;
	hostmem->leaving++;
	mutex_unlock(&hostmem->lock);

	if (!vgpu_resource_error(&gem->res)) {
		vgpu_cmd_post(blob->unmap, &gem->res.owner);
		blob->unmap = NULL;
	}
}

/**
 * vgpu_hostmem_release() - Give back the part of the window that a blob takes
 * @gem: a buffer of vgpu_hostmem_gem_create(), which the host does not show any more
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_release(struct vgpu_gem *gem)
{
	struct vgpu_hostmem_blob *blob = to_blob(gem);

	if (blob->state != VGPU_HOSTMEM_ABSENT)
		vgpu_hostmem_give_back(gem->res.vgpu->hostmem, blob);
	vgpu_cmd_put(blob->unmap);
}

static int vgpu_hostmem_fill_sgt(struct device *dev, struct vgpu_gem *gem, struct sg_table *sgt,
				 enum dma_data_direction dir)
{
	size_t size = gem->base.base.size;
	dma_addr_t addr;

	addr = dma_map_resource(dev, vgpu_hostmem_address(gem), size, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(dev, addr))
		return -ENOMEM;
	sg_set_page(sgt->sgl, NULL, size, 0);
	sg_dma_address(sgt->sgl) = addr;
	sg_dma_len(sgt->sgl) = size;
	return 0;
}

/* Check whether a device can reach the window: a PCI device whose driver allows peer-to-peer. */
static bool vgpu_hostmem_is_reached(const struct dma_buf_attachment *attach,
				    const struct vgpu_gem *gem)
{
	return attach->peer2peer && dev_is_pci(attach->dev) &&
	       (gem->res.blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE);
}

/**
 * vgpu_hostmem_map_dma_buf() - Give another device of this guest the addresses of a blob
 * @attach: the device's attachment
 * @gem: a buffer of vgpu_hostmem_gem_create()
 * @dir: direction of the device's accesses
 * @by_uuid: the device finds the blob by its UUID, on the host
 *
 * The list has the addresses of the blob in the window, so the blob must be mappable. A device that
 * cannot reach the window gets an empty list if it finds the blob by its UUID.
 *
 * Context: process, waits like vgpu_hostmem_map(), for the answer of the host at most
 * VGPU_HOSTMEM_IMPORT_LIMIT_MS. The next caller waits for the same answer.
 * Return: the list; or an error pointer: -EIO for a device that neither reaches the window nor goes
 * by the UUID; -EINTR when interrupted; -ENOMEM; or another error of vgpu_hostmem_map().
 */
struct sg_table *vgpu_hostmem_map_dma_buf(struct dma_buf_attachment *attach,
					  struct vgpu_gem *gem, enum dma_data_direction dir,
					  bool by_uuid)
{
	bool reached = vgpu_hostmem_is_reached(attach, gem);
	struct sg_table *sgt;
	int ret;

	if (!reached && !by_uuid)
		return ERR_PTR(-EIO);

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (!reached)
		return sgt;

	ret = vgpu_hostmem_map(gem, msecs_to_jiffies(VGPU_HOSTMEM_IMPORT_LIMIT_MS)) ?:
	      sg_alloc_table(sgt, 1, GFP_KERNEL) ?:
	      vgpu_hostmem_fill_sgt(attach->dev, gem, sgt, dir);
	if (!ret)
		return sgt;
	sg_free_table(sgt);
	kfree(sgt);
	/* An importer may not be in a system call that can be restarted, so it gets -EINTR. */
	return ERR_PTR(ret == -ERESTARTSYS ? -EINTR : ret);
}

/**
 * vgpu_hostmem_unmap_dma_buf() - Undo vgpu_hostmem_map_dma_buf()
 * @attach: the device's attachment
 * @sgt: the list
 * @dir: direction of the device's accesses
 *
 * Context: process, may sleep.
 */
void vgpu_hostmem_unmap_dma_buf(struct dma_buf_attachment *attach, struct sg_table *sgt,
				enum dma_data_direction dir)
{
	if (sgt->nents) {
		dma_unmap_resource(attach->dev, sg_dma_address(sgt->sgl), sg_dma_len(sgt->sgl),
				   dir, DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(sgt);
	}
	kfree(sgt);
}
