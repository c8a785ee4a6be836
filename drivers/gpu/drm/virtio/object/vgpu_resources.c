// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: resources of a device
 *
 * The device has a table of its resources by id, to create them again after a reset and to list
 * them. One worker sends the UNREF of resources that commands on the cursor queue have named,
 * another one frees resources without references.
 *
 * Models in tests/models/: litmus/deferred-free.litmus, litmus/resource-life.litmus.
 */

#include <linux/lockdep.h>
#include <linux/moduleparam.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_resource.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"

static unsigned int vgpu_resources_first = 1;
module_param_named(first_resource, vgpu_resources_first, uint, 0444);
MODULE_PARM_DESC(first_resource, "Id of the first resource, for tests of the last (default 1)");

static void vgpu_resources_free_work(struct work_struct *work)
{
	struct vgpu_resources *resources = container_of(to_delayed_work(work),
							struct vgpu_resources, free_work);
	struct llist_node *to_free = llist_reverse_order(llist_del_all(&resources->to_free));
	struct vgpu_resource *res, *next;

	llist_for_each_entry_safe(res, next, to_free, link) {
		vgpu_resource_free(res);
		cond_resched();
	}
}

static void vgpu_resources_unref_work(struct work_struct *work)
{
	struct vgpu_resources *resources = container_of(work, struct vgpu_resources, unref_work);
	struct llist_node *to_unref = llist_reverse_order(llist_del_all(&resources->to_unref));
	struct vgpu_resource *res, *next;
	struct vgpu_cmdq *q = NULL;

	down_read(&resources->lifecycle);
	llist_for_each_entry_safe(res, next, to_unref, link) {
		q = res->vgpu->cmdq;
		vgpu_resource_unref_locked(res);
	}
	up_read(&resources->lifecycle);
	if (q)
		vgpu_cmdq_kick(q);
}

static void vgpu_resources_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_resources *resources = ptr;

	xa_destroy(&resources->by_id);
}

/**
 * vgpu_resources_init() - Prepare a device for resources
 * @vgpu: the device; what is allocated lives as long as it
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_resources_init(struct vgpu_device *vgpu)
{
	struct vgpu_resources *resources;

	resources = drmm_kzalloc(&vgpu->drm, sizeof(*resources), GFP_KERNEL);
	if (!resources)
		return -ENOMEM;

	xa_init_flags(&resources->by_id, XA_FLAGS_ALLOC1);
	resources->next_id = vgpu_resources_first;
	resources->era = 1;
	init_rwsem(&resources->lifecycle);
	init_llist_head(&resources->to_unref);
	INIT_WORK(&resources->unref_work, vgpu_resources_unref_work);
	init_waitqueue_head(&resources->settled);
	init_llist_head(&resources->to_free);
	INIT_DELAYED_WORK(&resources->free_work, vgpu_resources_free_work);

	vgpu->resources = resources;
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_resources_release, resources);
}

/**
 * vgpu_resources_flush() - Free resources without references now, not after the delay
 * @vgpu: the device
 *
 * Context: process, may sleep.
 */
void vgpu_resources_flush(struct vgpu_device *vgpu)
{
	flush_work(&vgpu->resources->unref_work);
	flush_delayed_work(&vgpu->resources->free_work);
}

static const char *vgpu_resources_kind_name(const struct vgpu_resource *res)
{
	static const char * const blobs[] = {
		[VIRTIO_GPU_BLOB_MEM_GUEST] = "guest-blob",
		[VIRTIO_GPU_BLOB_MEM_HOST3D] = "host-blob",
		[VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST] = "mixed-blob",
	};

	switch (res->kind) {
	case VGPU_RESOURCE_2D:
		return "2d";
	case VGPU_RESOURCE_3D:
		return "3d";
	default:
		return blobs[res->blob_mem];
	}
}

static void vgpu_resources_print_one(const struct vgpu_resource *res, struct drm_printer *p)
{
	static const char * const lives[] = {
		[VGPU_RESOURCE_LIVE] = "",
		[VGPU_RESOURCE_RETIRED] = " retired",
		[VGPU_RESOURCE_REVOKED] = " revoked",
		[VGPU_RESOURCE_STUCK] = " stuck",
		[VGPU_RESOURCE_LOST] = " lost",
	};
	/* Pairs with the store in vgpu_resource_set_life(): all other fields are set before it. */
	enum vgpu_resource_life life = smp_load_acquire(&res->life);

	if (life == VGPU_RESOURCE_NEW)
		return;

	drm_printf(p, "%10u %-10s ", res->id, vgpu_resources_kind_name(res));
	if (res->kind == VGPU_RESOURCE_BLOB)
		drm_printf(p, "%12llu %6u", res->size_bytes, res->blob_flags);
	else if (res->kind == VGPU_RESOURCE_2D)
		drm_printf(p, "%5ux%-6u %6u", res->width, res->height, res->format);
	else
		drm_printf(p, "%12s %6s", "-", "-");
	drm_printf(p, " %7u %6d%s\n", READ_ONCE(res->nr_entries), vgpu_resource_error(res),
		   lives[life]);
}

/**
 * vgpu_resources_print() - List all resources
 * @vgpu: the device
 * @p: printer to write to
 *
 * Context: process.
 */
void vgpu_resources_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_resources *resources = vgpu->resources;
	unsigned long id;
	void *entry;

	drm_printf(p, "resources of the host %d\n", atomic_read(&resources->count));
	drm_printf(p, "%10s %-10s %12s %6s %7s %6s\n", "id", "kind", "size", "format",
		   "entries", "error");

	xa_lock(&resources->by_id);
	xa_for_each(&resources->by_id, id, entry) {
		if (xa_is_value(entry))
			drm_printf(p, "%10lu quarantine\n", id);
		else
			vgpu_resources_print_one(entry, p);
	}
	xa_unlock(&resources->by_id);
}

/**
 * vgpu_resources_restore() - Create the resources again after a reset of the device
 * @vgpu: the device, restarted
 *
 * 2D resources and guest blobs have their content in guest pages, so the host can create them
 * again. Resources of the host's renderer are lost: ioctls that name them fail with -EIO.
 *
 * Context: process, may sleep; does not wait for the host. &vgpu_resources.lifecycle is held for
 * writing.
 */
void vgpu_resources_restore(struct vgpu_device *vgpu)
{
	struct vgpu_resources *resources = vgpu->resources;
	unsigned long id;
	void *entry;

	lockdep_assert_held_write(&resources->lifecycle);

	WRITE_ONCE(resources->era, resources->era + 1);
	/*
	 * Collect pending replies first, so that an error from before the reset is not charged to
	 * the re-created resource.
	 */
	vgpu_cmdq_poll(vgpu->cmdq);
	xa_for_each(&resources->by_id, id, entry) {
		struct vgpu_resource *res = entry;

		if (xa_is_value(entry)) {
			xa_erase(&resources->by_id, id);
			continue;
		}

		xa_lock(&resources->by_id);
		if (xa_load(&resources->by_id, id) != res || !vgpu_resource_try_get(res))
			res = NULL;
		xa_unlock(&resources->by_id);
		if (!res)
			continue;
		vgpu_resource_restore_locked(res);
		vgpu_resource_put(res);
	}
	vgpu_cmdq_kick(vgpu->cmdq);
}
