// SPDX-License-Identifier: MIT
/* The table of request types, and what follows from a row of it. */
#include <strings.h>

#include "command.h"

static const struct command *const command_tables[] = {
	info_commands, resource_commands, display_commands, blob_commands,
	context_commands,
};

/* Get a row of the table, NULL behind the last. */
const struct command *command_nth(size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_tables); i++)
		for (const struct command *cmd = command_tables[i]; cmd->name; cmd++)
			if (!n--)
				return cmd;
	return NULL;
}

const struct command *command_find(u32 type)
{
	const struct command *cmd;

	for (size_t n = 0; (cmd = command_nth(n)) && cmd->type != type; n++)
		;
	return cmd;
}

/* Find a request type by its name in the header, without VIRTIO_GPU_CMD_ and in any case. */
const struct command *command_find_name(const char *name)
{
	const struct command *cmd;

	for (size_t n = 0; (cmd = command_nth(n)) && strcasecmp(cmd->name, name); n++)
		;
	return cmd;
}

/* Find padding that is not zero in a request that is long enough: its offset, or -1. */
int command_padding(const struct command *cmd, const void *bytes)
{
	const u8 *p = bytes;
	size_t pad = offsetof(struct virtio_gpu_ctrl_hdr, ring_idx) + 1;

	if (p[pad] | p[pad + 1] | p[pad + 2])
		return pad;
	for (const struct command_field *f = cmd->f; f->size; f++)
		if (!f->name && get_le32(p + f->off))
			return f->off;
	return -1;
}

static u64 command_value(const struct command_field *f, const u8 *bytes)
{
	return f->size == 8 ? get_le64(bytes + f->off) : get_le32(bytes + f->off);
}

/* Add the members of a request that is long enough to a trace line. */
void command_trace(struct trace *t, const struct command *cmd, const void *bytes)
{
	for (const struct command_field *f = cmd->f; f->size; f++)
		if (f->name)
			trace_u64(t, f->name, command_value(f, bytes));
}

/* Get a member of a request by its name, -1 when it has none of that name or is too short. */
s64 command_member(const struct job *job, const char *name)
{
	if (!job->cmd || job->req_len < job->cmd->size)
		return -1;
	for (const struct command_field *f = job->cmd->f; f->size; f++)
		if (f->name && !strcmp(f->name, name))
			return command_value(f, job->req);
	return -1;
}

/* Find a resource; NULL after a guest bug was reported. */
struct resource *cmd_resource(struct device *d, u32 id)
{
	struct resource *res = idmap_find(&d->resources, id);

	if (!res)
		cmd_bug(d, "resource-id", 0, "resource %u does not exist", id);
	return res;
}

/* Find the context that a request names; NULL after a guest bug was reported. */
struct context *cmd_context(struct device *d, const struct job *job)
{
	struct context *ctx = idmap_find(&d->contexts, job->hdr.ctx_id);

	if (!ctx)
		cmd_bug(d, "ctx-id", 0, "context %u does not exist", job->hdr.ctx_id);
	return ctx;
}

static u32 command_check_new(struct device *d, u32 id)
{
	struct resource *old = idmap_find(&d->resources, id);

	if (!id)
		return cmd_bug(d, "resource-zero", BAD_RES, "resource id 0");
	if (!old)
		return 0;
	if (!judge_forgives(d, "resource-exists"))
		return cmd_bug(d, "resource-exists", BAD_RES, "resource %u exists already", id);
	device_drop_resource(d, old);
	return 0;
}

/* Find the objects that a handler needs. Returns 0, or the error to answer with. */
u32 command_check(struct device *d, struct job *job)
{
	u32 needs = job->cmd->needs, id = command_member(job, "res");
	u32 n = command_member(job, "scanout");

	if (needs & NEEDS_CTX && !job->ctx) {
		job->ctx = cmd_context(d, job);
		if (!job->ctx)
			return BAD_CTX;
		context_get(job->ctx);
	}
	if (needs & NEEDS_SCANOUT && n >= d->display.n)
		return cmd_bug(d, "scanout-range", BAD_SCANOUT, "scanout %u of %u", n,
			       d->display.n);
	if (needs & NEEDS_NEW_RES)
		return command_check_new(d, id);
	if (needs & NEEDS_RES) {
		job->res = cmd_resource(d, id);
		return job->res ? 0 : BAD_RES;
	}
	return 0;
}

/* Execute a request that passed its checks: a response type, or CMD_AGAIN. */
u32 command_run(struct device *d, struct job *job)
{
	const struct command *cmd = job->cmd;
	u32 resp;

	if (!(cmd->needs & NEEDS_NEW_RES))
		return cmd->run(d, job);
	job->res = resource_create(&d->budget, command_member(job, "res"), cmd->kind);
	if (!job->res)
		return cmd_user(d, NO_MEMORY, "too many resources");
	resp = cmd->run(d, job);
	if (resp == OK)
		idmap_add(&d->resources, job->res->id, job->res);
	else
		resource_put(job->res);
	return resp;
}
