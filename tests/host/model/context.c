// SPDX-License-Identifier: MIT
/* Rendering contexts and what is attached to them. */
#include "context.h"

/* What is charged for an attachment, and for an object. */
#define ENTRY 64
#define OBJECT 4096

/* Make a context with one reference; @name need not be terminated. NULL: the budget refuses it. */
struct context *context_create(struct budget *budget, u32 id, u32 capset,
			       const char *name, size_t len)
{
	struct context *ctx = budget_alloc(budget, 1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->budget = budget;
	ctx->id = id;
	ctx->refs = 1;
	ctx->capset = capset;
	ctx->resources = (struct idmap){ .budget = budget, .cost = ENTRY };
	ctx->objects = (struct idmap){ .budget = budget, .cost = OBJECT };
	memcpy(ctx->name, name, MIN(len, sizeof(ctx->name) - 1));
	return ctx;
}

struct context *context_get(struct context *ctx)
{
	ctx->refs++;
	return ctx;
}

void context_put(struct context *ctx)
{
	if (--ctx->refs)
		return;
	idmap_fini(&ctx->resources);
	idmap_fini(&ctx->objects);
	budget_free(ctx->budget, ctx, sizeof(*ctx));
}
