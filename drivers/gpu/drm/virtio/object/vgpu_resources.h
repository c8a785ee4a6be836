/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_RESOURCES_H
#define VGPU_RESOURCES_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "object/vgpu_base.h"

struct drm_printer;

/**
 * struct vgpu_resources - The resources of a device
 * @by_id: the resources; a value entry stands for an id in quarantine
 * @next_id: where the search for a free id starts; protected by @by_id's lock
 * @count: number of resources that were created and are not freed
 * @era: counts the resets of the device, from 1; what the host was told in an earlier era it has
 *       forgotten; written under @lifecycle, read without a lock
 * @lifecycle: held for writing while the device starts again and resources are re-created, so
 *             that each is created once, and while one is revoked; for reading while one is
 *             created or retired, or named by the display, so that vgpu_resource_is_lost() does
 *             not change meanwhile. Display updates only try to take it, since code allocates
 *             under it. The host is not waited for under it
 * @hide: stops the display from showing the resource of an id; called with @lifecycle held, may
 *        sleep, does not wait for the host; NULL without outputs; set before the device is
 *        registered, then constant
 * @to_unref: resources to unref that no command on the cursor queue names any more
 * @unref_work: sends RESOURCE_UNREF for @to_unref
 * @settled: wait queue of vgpu_resource_await()
 * @to_free: resources without references
 * @free_work: frees the resources of @to_free
 */
struct vgpu_resources {
	struct xarray by_id;
	u32 next_id;
	atomic_t count;
	u32 era;
	struct rw_semaphore lifecycle;
	void (*hide)(struct vgpu_device *vgpu, u32 id);
	struct llist_head to_unref;
	struct work_struct unref_work;
	wait_queue_head_t settled;
	struct llist_head to_free;
	struct delayed_work free_work;
};

int vgpu_resources_init(struct vgpu_device *vgpu);
void vgpu_resources_flush(struct vgpu_device *vgpu);
void vgpu_resources_restore(struct vgpu_device *vgpu);
void vgpu_resources_print(struct vgpu_device *vgpu, struct drm_printer *p);

#endif
