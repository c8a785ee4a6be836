// SPDX-License-Identifier: MIT
/* Executes toy3d.h command streams on the CPU. */
#include "command.h"
#include "toy3d.h"

#define CHUNK 65536u
#define OP 64	/* what an op takes beside its bytes */

struct toy3d {
	struct device *d;
	struct job *job;
	struct context *ctx;
	const u8 *arg;
	u64 rest;	/* bytes of the stream behind the words of the op */
};

static u32 arg32(const struct toy3d *t, unsigned int n)
{
	return get_le32(t->arg + 4 * n);
}

static u64 arg64(const struct toy3d *t, unsigned int n)
{
	return get_le64(t->arg + 4 * n);
}

/* Fill in a capability set; those that are not toy3d's get a pattern. */
void toy3d_caps_fill(void *dst, u32 id, u32 version, u32 size)
{
	u8 caps[sizeof(struct toy3d_caps)] = { 0 };
	u8 *p = dst;

	for (u32 i = 0; i < size; i++)
		p[i] = id * 31 + i;
	if (id != TOY3D_CAPSET_ID)
		return;
	put_le32(caps, TOY3D_MAGIC);
	put_le32(caps + 4, version);
	put_le32(caps + 8, TOY3D_OPS);
	put_le32(caps + 12, TOY3D_RINGS);
	memcpy(dst, caps, MIN(size, sizeof(caps)));
}

static struct resource *toy3d_resource(struct toy3d *t, u32 id)
{
	struct resource *res = idmap_find(&t->ctx->resources, id);

	if (!res)
		cmd_user(t->d, BAD_RES, "resource %u is not attached to context %u",
			 id, t->ctx->id);
	return res;
}

/* Check that a resource has these bytes. */
static u32 toy3d_range(struct toy3d *t, const struct resource *res, u64 off, u64 len)
{
	if (resource_has_data(res) && off <= res->size && len <= res->size - off)
		return OK;
	return cmd_user(t->d, BAD_PARAM, "%llu bytes at %llu of resource %u (%llu)", len, off,
			res->id, res->size);
}

/* Fill rows of a resource with the pattern word. */
static u32 toy3d_fill_rows(struct toy3d *t, struct resource *res, u64 off, u64 pitch,
			   u64 len, u64 rows)
{
	u64 *done = &t->job->done;
	u8 buf[4096];

	for (size_t i = 0; i < sizeof(buf); i += 4)
		memcpy(buf + i, t->arg + 20, 4);
	while (*done < len * rows) {
		u64 x = *done % len, n = MIN(len - x, sizeof(buf));

		if (!resource_write(res, off + *done / len * pitch + x, buf, n))
			return cmd_user(t->d, BAD_PARAM, "the guest's memory went away");
		*done += n;
		if (device_spend(t->d, n))
			return CMD_AGAIN;
	}
	return OK;
}

static u32 toy3d_fill(struct toy3d *t)
{
	struct resource *res = toy3d_resource(t, arg32(t, 0));
	u64 off = arg64(t, 1), len = arg64(t, 3);
	u32 resp = res ? toy3d_range(t, res, off, len) : BAD_RES;

	if (resp == OK && len % 4)
		return cmd_user(t->d, BAD_PARAM, "FILL of %llu bytes", len);
	return resp == OK ? toy3d_fill_rows(t, res, off, 0, len, 1) : resp;
}

static u32 toy3d_copy(struct toy3d *t)
{
	struct resource *src = toy3d_resource(t, arg32(t, 0));
	struct resource *dst = src ? toy3d_resource(t, arg32(t, 3)) : NULL;
	u64 from = arg64(t, 1), to = arg64(t, 4), len = arg64(t, 6), *done = &t->job->done;
	u32 resp = dst ? toy3d_range(t, src, from, len) : BAD_RES;
	u8 buf[CHUNK];

	if (resp == OK)
		resp = toy3d_range(t, dst, to, len);
	if (resp != OK)
		return resp;
	while (*done < len) {
		u64 n = MIN(len - *done, CHUNK);

		if (!resource_read(src, from + *done, buf, n) ||
		    !resource_write(dst, to + *done, buf, n))
			return cmd_user(t->d, BAD_PARAM, "the guest's memory went away");
		*done += n;
		if (device_spend(t->d, n))
			return CMD_AGAIN;
	}
	return OK;
}

static u32 toy3d_rect(struct toy3d *t)
{
	struct resource *res = toy3d_resource(t, arg32(t, 0));
	struct rect r = { arg32(t, 1), arg32(t, 2), arg32(t, 3), arg32(t, 4) };

	if (!res)
		return BAD_RES;
	if (res->kind == RESOURCE_BLOB || res->bpp != 4 ||
	    !rect_inside(&r, res->width, res->height))
		return cmd_user(t->d, BAD_PARAM, "rectangle %ux%u+%u+%u of resource %u",
				r.w, r.h, r.x, r.y, res->id);
	return toy3d_fill_rows(t, res, 4 * ((u64)r.y * res->width + r.x),
			       4ull * res->width, 4ull * r.w, r.h);
}

static u32 toy3d_alloc(struct toy3d *t)
{
	u64 id = arg64(t, 0), bytes = arg64(t, 2);

	if (!id || !bytes || bytes > t->d->budget.limit || context_object(t->ctx, id))
		return cmd_user(t->d, BAD_PARAM, "object %llu of %llu bytes", id, bytes);
	if (!idmap_add(&t->ctx->objects, id, (void *)(uintptr_t)bytes))
		return cmd_user(t->d, NO_MEMORY, "too many objects");
	return OK;
}

static u32 toy3d_tail(struct toy3d *t)
{
	struct resource *res = toy3d_resource(t, arg32(t, 0));
	u32 resp = res ? toy3d_range(t, res, arg64(t, 1), t->rest) : BAD_RES;

	if (resp == OK && !resource_write(res, arg64(t, 1), t->arg + 12, t->rest))
		return cmd_user(t->d, BAD_PARAM, "the guest's memory went away");
	t->job->at += t->rest;
	return resp;
}

static u32 toy3d_token(struct toy3d *t, bool release)
{
	if (!arg32(t, 0))
		return cmd_user(t->d, BAD_PARAM, "token 0");
	if (!release)
		t->job->wait_token = arg32(t, 0);
	else if (!fence_release(&t->d->fence, arg32(t, 0)))
		return cmd_user(t->d, NO_MEMORY, "too many tokens");
	return OK;
}

static u32 toy3d_op(struct toy3d *t, u32 op)
{
	switch (op) {
	case TOY3D_OP_NOP:
		return OK;
	case TOY3D_OP_FILL:
		return toy3d_fill(t);
	case TOY3D_OP_COPY:
		return toy3d_copy(t);
	case TOY3D_OP_RECT:
		return toy3d_rect(t);
	case TOY3D_OP_SIGNAL_LATER:
		t->job->wait_kicks = arg32(t, 0);
		return OK;
	case TOY3D_OP_WAIT:
		return toy3d_token(t, false);
	case TOY3D_OP_RELEASE:
		return toy3d_token(t, true);
	case TOY3D_OP_ALLOC:
		return toy3d_alloc(t);
	case TOY3D_OP_FAIL:
		return cmd_user(t->d, UNSPEC, "FAIL");
	case TOY3D_OP_TAIL:
		return toy3d_tail(t);
	}
	return BAD_PARAM;
}

/* Execute a command stream. Returns a response type, or CMD_AGAIN. */
u32 toy3d_run(struct device *d, struct job *job, struct context *ctx,
	      const void *stream, u32 size)
{
	/* Words behind each op, in the order of the op numbers. */
	static const u8 words[TOY3D_OPS] = { 0, 6, 8, 6, 1, 1, 1, 4, 0, 3 };
	struct toy3d t = { .d = d, .job = job, .ctx = ctx };

	while (job->at < size) {
		const u8 *p = (const u8 *)stream + job->at;
		u32 op, n, resp;

		if (size - job->at < 4)
			return cmd_user(d, BAD_PARAM, "stream of %u bytes", size);
		op = get_le32(p) & 0xffff;
		n = get_le32(p) >> 16;
		if (op >= TOY3D_OPS || n > (size - job->at) / 4 - 1 ||
		    (op != TOY3D_OP_NOP && n != words[op]))
			return cmd_user(d, BAD_PARAM, "op %u of %u words", op, n);
		t.arg = p + 4;
		t.rest = size - job->at - 4 - 4 * n;
		resp = toy3d_op(&t, op);
		if (resp != OK)
			return resp;
		job->at += 4 + 4 * n;
		job->done = 0;
		if (job->at < size && device_spend(d, OP))
			return CMD_AGAIN;
	}
	return OK;
}
