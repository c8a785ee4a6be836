// SPDX-License-Identifier: MIT
/* Contexts, 3D resources, 3D transfers and submissions. */
#include "command.h"

#define TARGET_BUFFER 0
#define TARGET_MAX 8
#define FORMAT_R8_UNORM 64	/* what Mesa gives buffers */
#define SIDE_MAX 16384u
#define SUBMIT_MAX (16ull * 1024 * 1024)	/* with the habit dword-submit */
#define CAPSET_CROSS_DOMAIN 5
#define CHANNEL_RING 1		/* where cross-domain contexts poll */

static u32 ctx_create_check(struct device *d, u32 id, u32 nlen, u32 init)
{
	u32 capset = init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK;

	if (!id)
		return cmd_bug(d, "ctx-zero", BAD_CTX, "context id 0");
	if (nlen > 64)
		return cmd_bug(d, "ctx-name", BAD_PARAM, "name of %u bytes", nlen);
	if (init && !device_has(d, VIRTIO_GPU_F_CONTEXT_INIT))
		return cmd_bug(d, "ctx-init-feature", BAD_PARAM,
			       "context_init %#x without CONTEXT_INIT", init);
	if (init & ~VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK)
		return cmd_bug(d, "ctx-init", BAD_PARAM, "context_init %#x", init);
	if (capset && !device_capset(d, capset))
		return cmd_bug(d, "ctx-capset", BAD_PARAM, "capset %u", capset);
	return OK;
}

static u32 ctx_create(struct device *d, struct job *job)
{
	const struct virtio_gpu_ctx_create *req = job->req;
	u32 id = job->hdr.ctx_id, nlen = LE(req->nlen), init = LE(req->context_init);
	struct context *old = idmap_find(&d->contexts, id), *ctx;
	u32 resp = ctx_create_check(d, id, nlen, init);

	if (resp != OK)
		return resp;
	if (old && !judge_forgives(d, "ctx-exists"))
		return cmd_bug(d, "ctx-exists", BAD_CTX, "context %u exists already", id);
	if (old) {
		idmap_remove(&d->contexts, id);
		idmap_fini(&old->resources);
		context_put(old);
	}
	ctx = context_create(&d->budget, id, init, req->debug_name, nlen);
	if (!ctx)
		return cmd_user(d, NO_MEMORY, "too many contexts");
	idmap_add(&d->contexts, id, ctx);
	return OK;
}

static u32 ctx_destroy(struct device *d, struct job *job)
{
	struct context *ctx = idmap_remove(&d->contexts, job->ctx->id);

	if (device_habit(d, HABIT_DROP_CONTEXT))
		fence_forget(&d->fence, ctx);
	idmap_fini(&ctx->resources);
	context_put(ctx);
	return OK;
}

static u32 ctx_attach(struct device *d, struct job *job)
{
	struct idmap *attached = &job->ctx->resources;
	u32 id = job->res->id;

	if (idmap_find(attached, id))
		return cmd_bug(d, "ctx-attach-twice", OK,
			       "resource %u is attached to context %u already", id, job->ctx->id);
	return idmap_add(attached, id, job->res) ? OK :
		cmd_user(d, NO_MEMORY, "too many attached resources");
}

static u32 ctx_detach(struct device *d, struct job *job)
{
	const struct virtio_gpu_ctx_resource *req = job->req;
	u32 id = LE(req->resource_id);

	if (!idmap_remove(&job->ctx->resources, id))
		return cmd_bug(d, "ctx-not-attached", BAD_RES,
			       "resource %u is not attached to context %u", id, job->ctx->id);
	return OK;
}

static u32 create_3d_bpp(u32 target, u32 format)
{
	if (target == TARGET_BUFFER || format == FORMAT_R8_UNORM)
		return 1;
	return display_format(format) ? 4 : 0;
}

/* All that is checked here may come from a user of the driver. */
static u32 create_3d(struct device *d, struct job *job)
{
	const struct virtio_gpu_resource_create_3d *req = job->req;
	struct resource *res = job->res;
	u32 depth = LE(req->depth), last = LE(req->last_level), flags = LE(req->flags);
	/* A buffer has one row. */
	u32 side = LE(req->target) == TARGET_BUFFER ? 1 : SIDE_MAX;

	res->target = LE(req->target);
	res->format = LE(req->format);
	res->width = LE(req->width);
	res->height = LE(req->height);
	res->layers = LE(req->array_size);
	res->bpp = create_3d_bpp(res->target, res->format);
	if (res->target > TARGET_MAX || !res->bpp || flags & ~VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP)
		return cmd_user(d, BAD_PARAM, "target %u, format %u, flags %#x",
				res->target, res->format, flags);
	if (!res->width || res->width > (res->target == TARGET_BUFFER ? UINT32_MAX : SIDE_MAX) ||
	    !res->height || res->height > side || !depth || depth > side ||
	    !res->layers || res->layers > side || last >= RESOURCE_MAX_LEVELS)
		return cmd_user(d, BAD_PARAM, "%ux%ux%u, %u layers, last level %u",
				res->width, res->height, depth, res->layers, last);
	res->levels = last + 1;
	/* At most 2^59 bytes: four a texel, four sides of SIDE_MAX, and less than as much again. */
	for (u32 i = 0; i < res->levels; i++) {
		struct resource_level *l = &res->level[i];

		l->off = res->size;
		l->w = MAX(res->width >> i, 1u);
		l->h = MAX(res->height >> i, 1u);
		l->d = MAX(depth >> i, 1u) * res->layers;
		res->size += (u64)res->bpp * l->w * l->h * l->d;
	}
	return cmd_alloc(d, res, false);
}

static u32 transfer_texture(struct device *d, struct job *job, struct transfer *t, u32 level)
{
	const struct resource *res = job->res;
	const struct resource_level *l = &res->level[level % RESOURCE_MAX_LEVELS];

	if (level >= res->levels || t->x > l->w || t->w > l->w - t->x || t->y > l->h ||
	    t->h > l->h - t->y || t->z > l->d || t->depth > l->d - t->z)
		return cmd_user(d, BAD_PARAM,
				"box %llux%llux%llu+%llu+%llu+%llu of level %u is outside",
				t->w, t->h, t->depth, t->x, t->y, t->z, level);
	t->x *= res->bpp;
	t->w *= res->bpp;
	t->base = l->off;
	t->pitch = (u64)res->bpp * l->w;
	t->slice = t->pitch * l->h;
	/* 0 means "as the level is laid out". */
	if (!t->stride)
		t->stride = t->pitch;
	if (!t->layer_stride)
		t->layer_stride = t->stride * l->h;
	return cmd_transfer(d, job, t);
}

/* A blob has no shape but what the transfer gives it: bytes in rows. */
static u32 transfer_blob(struct device *d, struct job *job, struct transfer *t)
{
	const struct resource *res = job->res;

	if ((unsigned __int128)t->w * t->h * t->depth > res->size)
		return cmd_user(d, BAD_PARAM, "%llux%llux%llu bytes of a blob of %llu", t->w,
				t->h, t->depth, res->size);
	if (!t->stride)
		t->stride = t->w;
	if (!t->layer_stride)
		t->layer_stride = t->stride * t->h;
	if (t->off > res->size)
		return cmd_user(d, BAD_PARAM, "offset behind the end of the blob");
	if (!res->data)
		return OK;	/* a guest blob is its own backing */
	t->base = t->off;
	t->pitch = t->stride;
	t->slice = t->layer_stride;
	return cmd_transfer(d, job, t);
}

static u32 transfer_check(struct device *d, struct job *job, struct resource *res)
{
	u32 id = job->hdr.ctx_id;
	struct context *ctx = id ? cmd_context(d, job) : NULL;

	if (id && !ctx)
		return BAD_CTX;
	if (ctx && !idmap_find(&ctx->resources, res->id))
		return cmd_bug(d, "ctx-not-attached", BAD_RES,
			       "resource %u is not attached to context %u", res->id, id);
	if (!res->backing && res->blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		return cmd_user(d, BAD_PARAM, "blob %u has no guest memory", res->id);
	if (!res->backing)
		return cmd_bug(d, "transfer-no-backing", UNSPEC,
			       "resource %u has no backing", res->id);
	return OK;
}

static u32 transfer_3d(struct device *d, struct job *job)
{
	const struct virtio_gpu_transfer_host_3d *req = job->req;
	struct transfer t = {
		.x = LE(req->box.x), .y = LE(req->box.y), .z = LE(req->box.z),
		.w = LE(req->box.w), .h = LE(req->box.h), .depth = LE(req->box.d),
		.off = LE(req->offset),
		.stride = LE(req->stride),
		.layer_stride = LE(req->layer_stride),
		.to_host = job->hdr.type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
	};
	struct resource *res = job->res;
	u32 resp = transfer_check(d, job, res);

	if (resp != OK)
		return resp;
	if (t.to_host && !job->done)
		resource_note_transfer(res, job->seq, job->hdr.flags & VIRTIO_GPU_FLAG_FENCE);
	if (res->kind == RESOURCE_BLOB)
		return transfer_blob(d, job, &t);
	return transfer_texture(d, job, &t, LE(req->level));
}

static bool submit_is_poll(const struct job *job)
{
	return job->ctx->capset == CAPSET_CROSS_DOMAIN && job->hdr.ring_idx == CHANNEL_RING &&
	       job->hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX;
}

static u32 submit_3d(struct device *d, struct job *job)
{
	const struct virtio_gpu_cmd_submit *req = job->req;
	u64 have = job->req_len - sizeof(*req);
	u32 resp;

	if (LE(req->size) != have)
		return cmd_bug(d, "submit-length", BAD_PARAM,
			       "size is %u, %llu bytes follow", LE(req->size), have);
	if (device_habit(d, HABIT_DWORD_SUBMIT)) {
		if (have > SUBMIT_MAX)
			return cmd_user(d, BAD_PARAM, "stream of %llu bytes", have);
		have &= ~3ull;
	}
	resp = toy3d_run(d, job, job->ctx, req + 1, have);
	if (resp == OK && device_habit(d, HABIT_HOLD_POLL) && submit_is_poll(job) &&
	    !job->wait_token)
		job->wait_token = HABIT_POLL_TOKEN;
	return resp;
}

#define TRANSFER_FIELDS { FN(transfer_host_3d, box.x, "x"), \
	FN(transfer_host_3d, box.y, "y"), FN(transfer_host_3d, box.z, "z"), \
	FN(transfer_host_3d, box.w, "w"), FN(transfer_host_3d, box.h, "h"), \
	FN(transfer_host_3d, box.d, "d"), F(transfer_host_3d, offset), \
	RES(transfer_host_3d), F(transfer_host_3d, level), F(transfer_host_3d, stride), \
	F(transfer_host_3d, layer_stride) }

const struct command context_commands[] = {
	{ COMMAND(CTX_CREATE, ctx_create, ctx_create, VIRGL, 0, FACT_CTX),
	  .f = { F(ctx_create, nlen), F(ctx_create, context_init) } },
	{ COMMAND(CTX_DESTROY, ctx_destroy, ctx_destroy, VIRGL, NEEDS_CTX, FACT_CTX) },
	{ COMMAND(CTX_ATTACH_RESOURCE, ctx_resource, ctx_attach, VIRGL, NEEDS_CTX | NEEDS_RES,
		  FACT_ATTACH), .f = { RES(ctx_resource), PAD(ctx_resource, padding) } },
	{ COMMAND(CTX_DETACH_RESOURCE, ctx_resource, ctx_detach, VIRGL, NEEDS_CTX, FACT_ATTACH),
	  .f = { RES(ctx_resource), PAD(ctx_resource, padding) } },
	{ COMMAND(RESOURCE_CREATE_3D, resource_create_3d, create_3d, VIRGL, NEEDS_NEW_RES,
		  FACT_RES), .kind = RESOURCE_3D,
	  .f = { RES(resource_create_3d), F(resource_create_3d, target),
		 F(resource_create_3d, format), F(resource_create_3d, bind),
		 FN(resource_create_3d, width, "w"), FN(resource_create_3d, height, "h"),
		 FN(resource_create_3d, depth, "d"), F(resource_create_3d, array_size),
		 F(resource_create_3d, last_level), F(resource_create_3d, nr_samples),
		 FN(resource_create_3d, flags, "res_flags"),
		 PAD(resource_create_3d, padding) } },
	{ COMMAND(TRANSFER_TO_HOST_3D, transfer_host_3d, transfer_3d, VIRGL, NEEDS_RES,
		  FACT_CONTENT), .f = TRANSFER_FIELDS },
	{ COMMAND(TRANSFER_FROM_HOST_3D, transfer_host_3d, transfer_3d, VIRGL, NEEDS_RES, 0),
	  .f = TRANSFER_FIELDS },
	{ COMMAND(SUBMIT_3D, cmd_submit, submit_3d, VIRGL, NEEDS_CTX, 0), .tail = true,
	  .f = { F(cmd_submit, size), PAD(cmd_submit, padding) } },
	{ 0 },
};
