// SPDX-License-Identifier: MIT
/* Executes toy3d.h command streams on the CPU. */
#include <stdlib.h>

#include "device.h"
#include "log.h"
#include "toy3d_exec.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_PARAM VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define CHUNK 65536u

struct toy3d {
	struct device *d;
	struct job *job;
	struct context *ctx;
	const u8 *arg;
};

static u32 arg32(const struct toy3d *t, unsigned int n)
{
	return get_le32(t->arg + 4 * n);
}

static u64 arg64(const struct toy3d *t, unsigned int n)
{
	return get_le64(t->arg + 4 * n);
}

/**
 * toy3d_caps_fill - Make the contents of a capability set
 * @dst: where to
 * @id: which set; those that are not toy3d's are filled with a pattern
 * @version: its version
 * @size: bytes
 */
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
	struct resource *res = context_resource(t->ctx, id);

	if (!res)
		cmd_user(t->d, BAD_RES, "resource %u is not attached to context %u",
			 id, t->ctx->id);
	return res;
}

static bool range_ok(const struct resource *res, u64 off, u64 len)
{
	return resource_has_data(res) && off <= res->size && len <= res->size - off;
}

static u32 toy3d_range_error(struct toy3d *t, const struct resource *res, u64 off,
			     u64 len)
{
	return cmd_user(t->d, BAD_PARAM, "%llu bytes at %llu of resource %u (%llu)",
			(unsigned long long)len, (unsigned long long)off, res->id,
			(unsigned long long)res->size);
}

static u32 toy3d_fill(struct toy3d *t)
{
	struct resource *res = toy3d_resource(t, arg32(t, 0));
	u64 off = arg64(t, 1), len = arg64(t, 3);
	u8 buf[4096];

	if (!res)
		return BAD_RES;
	if (len % 4 || !range_ok(res, off, len))
		return toy3d_range_error(t, res, off, len);
	for (size_t i = 0; i < sizeof(buf); i += 4)
		memcpy(buf + i, t->arg + 20, 4);
	while (len) {
		u64 n = MIN(len, sizeof(buf));

		if (!resource_write(res, off, buf, n))
			return toy3d_range_error(t, res, off, n);
		off += n;
		len -= n;
	}
	return OK;
}

static u32 toy3d_copy(struct toy3d *t)
{
	struct resource *src = toy3d_resource(t, arg32(t, 0));
	struct resource *dst = src ? toy3d_resource(t, arg32(t, 3)) : NULL;
	u64 from = arg64(t, 1), to = arg64(t, 4), len = arg64(t, 6);
	u8 *buf;
	bool ok = true;

	if (!dst)
		return BAD_RES;
	if (!range_ok(src, from, len))
		return toy3d_range_error(t, src, from, len);
	if (!range_ok(dst, to, len))
		return toy3d_range_error(t, dst, to, len);
	buf = xcalloc(1, CHUNK);
	for (u64 done = 0; ok && done < len; done += CHUNK) {
		u64 n = MIN(len - done, CHUNK);

		ok = resource_read(src, from + done, buf, n) &&
		     resource_write(dst, to + done, buf, n);
	}
	free(buf);
	return ok ? OK : toy3d_range_error(t, dst, to, len);
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
	for (u32 y = r.y; y < r.y + r.h; y++)
		for (u32 x = r.x; x < r.x + r.w; x++)
			memcpy(res->data + 4 * ((u64)y * res->width + x),
			       t->arg + 20, 4);
	return OK;
}

static u32 toy3d_alloc(struct toy3d *t)
{
	u64 id = arg64(t, 0), bytes = arg64(t, 2), *object;

	if (!id || !bytes || bytes > t->d->opt.max_memory ||
	    idmap_find(&t->ctx->objects, id))
		return cmd_user(t->d, BAD_PARAM, "object %llu of %llu bytes",
				(unsigned long long)id, (unsigned long long)bytes);
	object = xcalloc(1, sizeof(*object));
	*object = bytes;
	idmap_add(&t->ctx->objects, id, object);
	return OK;
}

static u32 toy3d_token(struct toy3d *t, bool release)
{
	if (!arg32(t, 0))
		return cmd_user(t->d, BAD_PARAM, "token 0");
	if (release)
		fence_release(&t->d->fence, arg32(t, 0));
	else
		t->job->wait_token = arg32(t, 0);
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
		return cmd_user(t->d, VIRTIO_GPU_RESP_ERR_UNSPEC, "FAIL");
	}
	return BAD_PARAM;
}

/**
 * toy3d_run - Execute a command stream
 * @d: the device
 * @job: the submission; its answer may be made to wait
 * @ctx: its context
 * @stream: the stream
 * @size: its bytes
 *
 * Return: response type.
 */
u32 toy3d_run(struct device *d, struct job *job, struct context *ctx,
	      const void *stream, u32 size)
{
	/* Words behind each op, in the order of the op numbers. */
	static const u8 words[TOY3D_OPS] = { 0, 6, 8, 6, 1, 1, 1, 4, 0 };
	struct toy3d t = { .d = d, .job = job, .ctx = ctx };
	const u8 *p = stream;

	if (size % 4)
		return cmd_user(d, BAD_PARAM, "stream of %u bytes", size);
	while (size) {
		u32 op = get_le32(p) & 0xffff, n = get_le32(p) >> 16, resp;

		if (op >= TOY3D_OPS || n > size / 4 - 1 ||
		    (op != TOY3D_OP_NOP && n != words[op]))
			return cmd_user(d, BAD_PARAM, "op %u of %u words", op, n);
		t.arg = p + 4;
		resp = toy3d_op(&t, op);
		if (resp != OK)
			return resp;
		p += 4 + 4 * n;
		size -= 4 + 4 * n;
	}
	return OK;
}
