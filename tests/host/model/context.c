// SPDX-License-Identifier: MIT
/* Rendering contexts and what is attached to them. */
#include "context.h"

/* What is charged for an attachment, and for an object. */
#define ENTRY 64
#define OBJECT 4096

/**
 * context_create - Make a context
 * @budget: charged for it
 * @id: the guest's number
 * @capset: capability set, or 0
 * @name: debug name, not terminated
 * @len: bytes of it
 *
 * Return: the context with one reference, or NULL when the budget refuses it.
 */
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
	memcpy(ctx->name, name, MIN(len, sizeof(ctx->name) - 1));
	return ctx;
}

/**
 * context_get - Take a reference
 * @ctx: the context
 *
 * Return: @ctx.
 */
struct context *context_get(struct context *ctx)
{
	ctx->refs++;
	return ctx;
}

/**
 * context_drop_resources - Detach everything
 * @ctx: the context
 */
void context_drop_resources(struct context *ctx)
{
	budget_release(ctx->budget, ctx->resources.count * ENTRY);
	idmap_fini(&ctx->resources);
}

/**
 * context_put - Drop a reference
 * @ctx: the context, freed with the last one
 */
void context_put(struct context *ctx)
{
	if (--ctx->refs)
		return;
	context_drop_resources(ctx);
	budget_release(ctx->budget, ctx->objects.count * OBJECT);
	idmap_fini(&ctx->objects);
	budget_free(ctx->budget, ctx, sizeof(*ctx));
}

/**
 * context_attach - Let a context use a resource
 * @ctx: the context
 * @res: a resource that is not attached to it
 *
 * Return: false when the budget refuses it.
 */
bool context_attach(struct context *ctx, struct resource *res)
{
	if (!budget_charge(ctx->budget, ENTRY))
		return false;
	idmap_add(&ctx->resources, res->id, res);
	return true;
}

/**
 * context_detach - Take a resource away from a context
 * @ctx: the context
 * @res_id: resource id
 *
 * Return: false when it was not attached.
 */
bool context_detach(struct context *ctx, u32 res_id)
{
	if (!idmap_remove(&ctx->resources, res_id))
		return false;
	budget_release(ctx->budget, ENTRY);
	return true;
}

/**
 * context_object_add - Let a context have an object that a blob can be made of
 * @ctx: the context
 * @id: blob id, not in use
 * @bytes: size of the object, not 0
 *
 * Return: false when the budget refuses it.
 */
bool context_object_add(struct context *ctx, u64 id, u64 bytes)
{
	if (!budget_charge(ctx->budget, OBJECT))
		return false;
	/* The size itself is the value of the table. */
	idmap_add(&ctx->objects, id, (void *)(uintptr_t)bytes);
	return true;
}

/**
 * context_object_drop - Take an object away from a context
 * @ctx: the context
 * @id: its blob id
 */
void context_object_drop(struct context *ctx, u64 id)
{
	if (idmap_remove(&ctx->objects, id))
		budget_release(ctx->budget, OBJECT);
}

/**
 * context_object - Find the size of an object
 * @ctx: the context
 * @id: its blob id
 *
 * Return: bytes, 0 when there is no such object.
 */
u64 context_object(const struct context *ctx, u64 id)
{
	return (uintptr_t)idmap_find(&ctx->objects, id);
}

/**
 * context_resource - Find a resource of a context
 * @ctx: the context
 * @res_id: resource id
 *
 * Return: the resource, or NULL when it is not attached.
 */
struct resource *context_resource(const struct context *ctx, u32 res_id)
{
	return idmap_find(&ctx->resources, res_id);
}
