// SPDX-License-Identifier: MIT
/* The table of request types, and what follows from a row of it. */
#include <strings.h>

#include "command.h"

static const struct command *const command_tables[] = {
	info_commands, resource_commands, display_commands, blob_commands,
	context_commands,
};

/**
 * command_nth - Walk the table
 * @n: row number
 *
 * Return: the row, or NULL behind the last.
 */
const struct command *command_nth(size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_tables); i++)
		for (const struct command *cmd = command_tables[i]; cmd->name; cmd++)
			if (!n--)
				return cmd;
	return NULL;
}

/**
 * command_find - Find a request type
 * @type: VIRTIO_GPU_CMD_*
 *
 * Return: its row, or NULL.
 */
const struct command *command_find(u32 type)
{
	const struct command *cmd;

	for (size_t n = 0; (cmd = command_nth(n)) && cmd->type != type; n++)
		;
	return cmd;
}

/**
 * command_find_name - Find a request type by name
 * @name: as in the header without VIRTIO_GPU_CMD_, in any case
 *
 * Return: its row, or NULL.
 */
const struct command *command_find_name(const char *name)
{
	const struct command *cmd;

	for (size_t n = 0; (cmd = command_nth(n)) && strcasecmp(cmd->name, name); n++)
		;
	return cmd;
}

/**
 * command_padding - Find padding that is not zero
 * @cmd: row of the request
 * @bytes: at least @cmd->size bytes
 *
 * Return: offset of the first such padding, or -1.
 */
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

/**
 * command_trace - Add the members of a request to a trace line
 * @t: the trace
 * @cmd: row of the request
 * @bytes: at least @cmd->size bytes
 */
void command_trace(struct trace *t, const struct command *cmd, const void *bytes)
{
	for (const struct command_field *f = cmd->f; f->size; f++)
		if (f->name)
			trace_u64(t, f->name, command_value(f, bytes));
}

/**
 * command_member - Read a 32-bit member of a request by its name
 * @job: the request
 * @name: of the member
 *
 * Return: its value, or -1 when the request has none.
 */
s64 command_member(const struct job *job, const char *name)
{
	if (!job->cmd || job->req_len < job->cmd->size)
		return -1;
	for (const struct command_field *f = job->cmd->f; f->size; f++)
		if (f->name && !strcmp(f->name, name))
			return command_value(f, job->req);
	return -1;
}

/**
 * cmd_resource - Find the resource a request names
 * @d: the device
 * @id: resource id
 *
 * Return: the resource, or NULL after a guest bug was reported.
 */
struct resource *cmd_resource(struct device *d, u32 id)
{
	struct resource *res = idmap_find(&d->resources, id);

	if (!res)
		cmd_bug(d, "resource-id", 0, "resource %u does not exist", id);
	return res;
}

static u32 command_check_new(struct device *d, u32 id)
{
	struct resource *old = idmap_find(&d->resources, id);

	if (!id)
		return cmd_bug(d, "resource-zero", BAD_RES, "resource id 0");
	if (!old)
		return 0;
	if (!judge_forgives(d, "resource-exists"))
		return cmd_bug(d, "resource-exists", BAD_RES,
			       "resource %u exists already", id);
	device_drop_resource(d, old);
	return 0;
}

/**
 * command_check - Check the objects a request names, and find them
 * @d: the device
 * @job: the request, long enough for its type
 *
 * Return: 0, or the error to answer with after a guest bug was reported.
 */
u32 command_check(struct device *d, struct job *job)
{
	u32 needs = job->cmd->needs, id = command_member(job, "res");
	u32 n = command_member(job, "scanout");

	if (needs & NEEDS_CTX && !job->ctx) {
		job->ctx = idmap_find(&d->contexts, job->hdr.ctx_id);
		if (!job->ctx)
			return cmd_bug(d, "ctx-id", BAD_CTX,
				       "context %u does not exist", job->hdr.ctx_id);
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
