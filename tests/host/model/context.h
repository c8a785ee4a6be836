/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_CONTEXT_H
#define VGPU_HOST_CONTEXT_H

#include "budget.h"
#include "idmap.h"
#include "job.h"
#include "resource.h"

#define CONTEXT_RINGS 64

/**
 * struct context - a rendering context
 * @budget: charged for it
 * @id: the guest's number for it
 * @refs: owners: the table, jobs in flight
 * @capset: capability set it speaks, 0 when the device chose
 * @name: debug name, terminated
 * @resources: resources attached to it, detached before they are freed
 * @objects: sizes of the objects it made, by blob id
 * @ring: its timelines
 */
struct context {
	struct budget *budget;
	u32 id;
	unsigned int refs;
	u32 capset;
	char name[65];
	struct idmap resources;
	struct idmap objects;
	struct timeline ring[CONTEXT_RINGS];
};

struct context *context_create(struct budget *budget, u32 id, u32 capset,
			       const char *name, size_t len);
struct context *context_get(struct context *ctx);
void context_put(struct context *ctx);
void context_drop_resources(struct context *ctx);
bool context_attach(struct context *ctx, struct resource *res);
bool context_detach(struct context *ctx, u32 res_id);
bool context_object_add(struct context *ctx, u64 id, u64 bytes);
void context_object_drop(struct context *ctx, u64 id);
u64 context_object(const struct context *ctx, u64 id);
struct resource *context_resource(const struct context *ctx, u32 res_id);

#endif
