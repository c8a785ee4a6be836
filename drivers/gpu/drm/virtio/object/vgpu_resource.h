/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_RESOURCE_H
#define VGPU_RESOURCE_H

#include <linux/err.h>

#include "object/vgpu_resource_types.h"

/* Models in tests/models/: litmus/resource-error.litmus. */

struct vgpu_submitq_entry;

int vgpu_resource_init(struct vgpu_device *vgpu, struct vgpu_resource *res,
		       void (*free)(struct vgpu_resource *res));
void vgpu_resource_retire(struct vgpu_resource *res);
void vgpu_resource_free(struct vgpu_resource *res);
void vgpu_resource_unref_locked(struct vgpu_resource *res);
void vgpu_resource_restore_locked(struct vgpu_resource *res);
bool vgpu_resource_revoke(struct vgpu_resource *res, struct vgpu_fence *fence);

int vgpu_resource_create(struct vgpu_resource *res,
			 const struct virtio_gpu_resource_create_3d *texture,
			 struct vgpu_submitq_entry *entry, struct vgpu_fence *fence);
int vgpu_resource_await(struct vgpu_resource *res, unsigned int timeout_ms);
int vgpu_resource_await_turn(struct vgpu_resource *res);
int vgpu_resource_attach(struct vgpu_resource *res, struct sg_table *pages);
struct vgpu_cmd *vgpu_resource_send_detach(struct vgpu_resource *res);
void vgpu_resource_set_pages(struct vgpu_resource *res, struct sg_table *pages);

/* Sentinel for @budget: the host has replied, so the charge was already released. */
#define VGPU_RESOURCE_SETTLED	((struct vgpu_budget *)ERR_PTR(-EALREADY))

static inline bool vgpu_resource_is_settled(const struct vgpu_resource *res)
{
	/* Pairs with the xchg() in vgpu_resource_settle(): the error of the answer is seen, too. */
	return smp_load_acquire(&res->budget) == VGPU_RESOURCE_SETTLED;
}

/* Check whether the creation had to wait in a submission queue and the host has not answered it. */
static inline bool vgpu_resource_is_waiting(const struct vgpu_resource *res)
{
	return res->is_queued && !vgpu_resource_is_settled(res);
}

/* Take a reference to a resource, unless its last one is gone. */
static inline bool vgpu_resource_try_get(struct vgpu_resource *res)
{
	return refcount_inc_not_zero(&res->owner.ref);
}

/* Drop a reference to a resource, in any context. */
static inline void vgpu_resource_put(struct vgpu_resource *res)
{
	vgpu_cmd_owner_put(&res->owner);
}

/* Check whether a buffer lost its host copy, or is about to, and it cannot be re-created. */
static inline bool vgpu_resource_is_lost(const struct vgpu_resource *res)
{
	return READ_ONCE(res->life) >= VGPU_RESOURCE_REVOKED;
}

/* Check whether the host refused to create a resource, and so knows no such resource. */
static inline bool vgpu_resource_is_refused(const struct vgpu_resource *res)
{
	return READ_ONCE(res->refused);
}

/* Get the sticky error: 0; why the host could not create the resource; -EIO once it is lost. */
static inline int vgpu_resource_error(const struct vgpu_resource *res)
{
	return READ_ONCE(res->error);
}

#endif
