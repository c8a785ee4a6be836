/* SPDX-License-Identifier: MIT */
#pragma once

#include "budget.h"
#include "idmap.h"
#include "job.h"
#include "resource.h"

#define CONTEXT_RINGS 64

/* A rendering context. */
struct context {
	struct budget *budget;	/* charged for it */
	u32 id;			/* the guest's number for it */
	unsigned int refs;	/* owners: the table, jobs in flight */
	u32 capset;		/* capability set it speaks, 0 when the device chose */
	char name[65];		/* debug name, terminated */
	struct idmap resources;	/* resources attached to it, detached before they are freed */
	struct idmap objects;	/* sizes of the objects it made, by blob id */
	struct timeline ring[CONTEXT_RINGS]; /* its timelines */
};

struct context *context_create(struct budget *budget, u32 id, u32 capset,
			       const char *name, size_t len);
struct context *context_get(struct context *ctx);
void context_put(struct context *ctx);

/* Get the size of an object, which is the value of the table itself; 0 when there is none. */
static inline u64 context_object(const struct context *ctx, u64 id)
{
	return (uintptr_t)idmap_find(&ctx->objects, id);
}
