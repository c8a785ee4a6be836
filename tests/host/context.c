// SPDX-License-Identifier: MIT
/* Rendering contexts and what is attached to them. */
#include <stdlib.h>

#include "context.h"
#include "log.h"

/**
 * context_create - Make a context
 * @id: the guest's number
 * @capset: capability set, or 0
 * @name: debug name, not terminated
 * @len: bytes of it
 *
 * Return: the context with one reference.
 */
struct context *context_create(u32 id, u32 capset, const char *name, size_t len)
{
	struct context *ctx = xcalloc(1, sizeof(*ctx));

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
	idmap_for_each(&ctx->resources, i)
		resource_put(ctx->resources.slot[i].value);
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
	idmap_for_each(&ctx->objects, i)
		free(ctx->objects.slot[i].value);
	idmap_fini(&ctx->objects);
	free(ctx);
}

/**
 * context_attach - Let a context use a resource
 * @ctx: the context
 * @res: a resource that is not attached to it
 */
void context_attach(struct context *ctx, struct resource *res)
{
	idmap_add(&ctx->resources, res->id, resource_get(res));
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
	struct resource *res = idmap_remove(&ctx->resources, res_id);

	if (!res)
		return false;
	resource_put(res);
	return true;
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
