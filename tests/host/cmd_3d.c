// SPDX-License-Identifier: MIT
/* Contexts, 3D resources, 3D transfers and submissions. */
#include <stdlib.h>

#include "device.h"
#include "log.h"
#include "toy3d_exec.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_PARAM VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_CTX VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
#define NO_MEMORY VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define REQ32(job, st, m) get_le32((job)->req + offsetof(struct st, m))
#define REQ64(job, st, m) get_le64((job)->req + offsetof(struct st, m))

#define TARGET_BUFFER 0
#define TARGET_MAX 8
#define FORMAT_R8_UNORM 64	/* what Mesa gives buffers */
#define SIDE_MAX 16384u

static struct context *cmd_context(struct device *d, struct job *job)
{
	struct context *ctx = idmap_find(&d->contexts, job->hdr.ctx_id);

	if (!ctx)
		cmd_state_bug(d, "ctx-id", BAD_CTX, "context %u does not exist",
			      job->hdr.ctx_id);
	return ctx;
}

static bool capset_known(const struct device *d, u32 id)
{
	for (u32 i = 0; i < d->opt.ncapsets; i++)
		if (d->opt.capset[i].id == id)
			return true;
	return false;
}

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
	if (capset && !capset_known(d, capset))
		return cmd_bug(d, "ctx-capset", BAD_PARAM, "capset %u", capset);
	return OK;
}

/**
 * cmd_ctx_create - VIRTIO_GPU_CMD_CTX_CREATE
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_ctx_create(struct device *d, struct job *job)
{
	u32 id = job->hdr.ctx_id;
	u32 nlen = REQ32(job, virtio_gpu_ctx_create, nlen);
	u32 init = REQ32(job, virtio_gpu_ctx_create, context_init);
	const char *name = (char *)job->req +
			   offsetof(struct virtio_gpu_ctx_create, debug_name);
	struct context *old = idmap_find(&d->contexts, id);
	u32 resp = ctx_create_check(d, id, nlen, init);

	if (resp != OK)
		return resp;
	if (old && !idmap_find(&d->doubt_ctx, id))
		return cmd_bug(d, "ctx-exists", BAD_CTX,
			       "context %u exists already", id);
	if (old) {
		idmap_remove(&d->contexts, id);
		context_drop_resources(old);
		context_put(old);
	}
	idmap_add(&d->contexts, id, context_create(id, init, name, nlen));
	return OK;
}

/**
 * cmd_ctx_destroy - VIRTIO_GPU_CMD_CTX_DESTROY
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_ctx_destroy(struct device *d, struct job *job)
{
	struct context *ctx = cmd_context(d, job);

	if (!ctx)
		return BAD_CTX;
	idmap_remove(&d->contexts, ctx->id);
	context_drop_resources(ctx);
	context_put(ctx);
	return OK;
}

/**
 * cmd_ctx_attach - VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_ctx_attach(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_ctx_resource, resource_id);
	struct context *ctx = cmd_context(d, job);
	struct resource *res = ctx ? cmd_resource(d, id) : NULL;

	if (!res)
		return ctx ? BAD_RES : BAD_CTX;
	if (context_resource(ctx, id))
		return cmd_state_bug(d, "ctx-attach-twice", BAD_RES,
				     "resource %u is attached to context %u already",
				     id, ctx->id);
	context_attach(ctx, res);
	return OK;
}

/**
 * cmd_ctx_detach - VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_ctx_detach(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_ctx_resource, resource_id);
	struct context *ctx = cmd_context(d, job);

	if (!ctx)
		return BAD_CTX;
	if (!context_detach(ctx, id))
		return cmd_state_bug(d, "ctx-not-attached", BAD_RES,
				     "resource %u is not attached to context %u", id,
				     ctx->id);
	return OK;
}

static u32 create_3d_bpp(u32 target, u32 format)
{
	if (target == TARGET_BUFFER || format == FORMAT_R8_UNORM)
		return 1;
	return display_format_ok(format) ? 4 : 0;
}

/* All that is checked here may come from a user of the driver. */
static u32 create_3d_layout(struct device *d, struct job *job, struct resource *res)
{
	u32 depth = REQ32(job, virtio_gpu_resource_create_3d, depth);
	u32 last = REQ32(job, virtio_gpu_resource_create_3d, last_level);
	u32 flags = REQ32(job, virtio_gpu_resource_create_3d, flags);

	res->target = REQ32(job, virtio_gpu_resource_create_3d, target);
	res->format = REQ32(job, virtio_gpu_resource_create_3d, format);
	res->width = REQ32(job, virtio_gpu_resource_create_3d, width);
	res->height = REQ32(job, virtio_gpu_resource_create_3d, height);
	res->layers = REQ32(job, virtio_gpu_resource_create_3d, array_size);
	res->bpp = create_3d_bpp(res->target, res->format);
	if (res->target > TARGET_MAX || !res->bpp ||
	    flags & ~VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP)
		return cmd_user(d, BAD_PARAM, "target %u, format %u, flags %#x",
				res->target, res->format, flags);
	if (!res->width || !res->height || !depth || !res->layers ||
	    res->height > SIDE_MAX || depth > SIDE_MAX || res->layers > SIDE_MAX ||
	    (res->target != TARGET_BUFFER ? res->width > SIDE_MAX :
	     res->height * depth * res->layers > 1) ||
	    last >= RESOURCE_MAX_LEVELS)
		return cmd_user(d, BAD_PARAM, "%ux%ux%u, %u layers, last level %u",
				res->width, res->height, depth, res->layers, last);
	res->levels = last + 1;
	for (u32 i = 0; i < res->levels; i++) {
		struct resource_level *l = &res->level[i];

		l->off = res->size;
		l->w = MAX(res->width >> i, 1u);
		l->h = MAX(res->height >> i, 1u);
		l->d = MAX(depth >> i, 1u) * res->layers;
		/* Sides are bounded: this cannot overflow. */
		res->size += (u64)res->bpp * l->w * l->h * l->d;
	}
	return OK;
}

/**
 * cmd_create_3d - VIRTIO_GPU_CMD_RESOURCE_CREATE_3D
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_create_3d(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_create_3d, resource_id);
	u32 resp = BAD_RES;
	struct resource *res = cmd_new_resource(d, id, RESOURCE_3D, &resp);

	if (!res)
		return resp;
	resp = create_3d_layout(d, job, res);
	if (resp == OK && !device_charge(d, res->size))
		resp = cmd_user(d, NO_MEMORY, "resource of %llu bytes",
				(unsigned long long)res->size);
	if (resp == OK && !resource_alloc(res, false)) {
		device_uncharge(d, res->size);
		resp = NO_MEMORY;
	}
	if (resp == OK)
		idmap_add(&d->resources, id, res);
	else
		resource_put(res);
	return resp;
}

struct transfer {
	u32 x, y, z, w, h, depth;
	u64 off;
	u32 stride, layer_stride;
	bool to_host;
};

static bool transfer_row(struct resource *res, const struct transfer *t, u64 host,
			 u64 guest, u64 len, u8 *row)
{
	if (t->to_host)
		return backing_read(res->backing, guest, row, len) &&
		       resource_write(res, host, row, len);
	return resource_read(res, host, row, len) &&
	       backing_write(res->backing, guest, row, len);
}

static u32 transfer_rows(struct device *d, struct resource *res,
			 const struct transfer *t, u64 base, u64 pitch, u64 slice)
{
	u64 len = (u64)res->bpp * t->w;
	bool ok = true;
	u8 *row;

	if (!len || !t->h || !t->depth)
		return OK;
	row = xcalloc(1, len);
	for (u32 z = 0; ok && z < t->depth; z++) {
		for (u32 y = 0; ok && y < t->h; y++) {
			u64 host = base + (t->z + (u64)z) * slice +
				   (t->y + (u64)y) * pitch + (u64)res->bpp * t->x;
			u64 guest = t->off + (u64)z * t->layer_stride +
				    (u64)y * t->stride;

			ok = transfer_row(res, t, host, guest, len, row);
		}
	}
	free(row);
	if (ok)
		return OK;
	return cmd_user(d, BAD_PARAM, "transfer leaves the resource or its backing");
}

static u32 transfer_texture(struct device *d, struct job *job, struct resource *res,
			    struct transfer *t)
{
	u32 level = REQ32(job, virtio_gpu_transfer_host_3d, level);
	const struct resource_level *l = &res->level[level % RESOURCE_MAX_LEVELS];
	struct rect r = { t->x, t->y, t->w, t->h };

	if (level >= res->levels || !rect_inside(&r, l->w, l->h) || t->z > l->d ||
	    t->depth > l->d - t->z)
		return cmd_user(d, BAD_PARAM,
				"box %ux%ux%u+%u+%u+%u of level %u is outside", t->w,
				t->h, t->depth, t->x, t->y, t->z, level);
	/* 0 means "as the level is laid out". */
	if (!t->stride)
		t->stride = MIN((u64)res->bpp * l->w, UINT32_MAX);
	if (!t->layer_stride)
		t->layer_stride = MIN((u64)t->stride * l->h, UINT32_MAX);
	return transfer_rows(d, res, t, l->off, (u64)res->bpp * l->w,
			     (u64)res->bpp * l->w * l->h);
}

/* A blob has no shape but what the transfer gives it: bytes in rows. */
static u32 transfer_blob(struct device *d, struct resource *res, struct transfer *t)
{
	res->bpp = 1;
	if ((unsigned __int128)t->w * t->h * t->depth > res->size)
		return cmd_user(d, BAD_PARAM, "%ux%ux%u bytes of a blob of %llu", t->w,
				t->h, t->depth, (unsigned long long)res->size);
	if (!t->stride)
		t->stride = t->w;
	if (!t->layer_stride)
		t->layer_stride = MIN((u64)t->stride * t->h, UINT32_MAX);
	if (t->off > res->size)
		return cmd_user(d, BAD_PARAM, "offset behind the end of the blob");
	if (!res->data)
		return OK;	/* a guest blob is its own backing */
	return transfer_rows(d, res, t, t->off, t->stride, t->layer_stride);
}

static u32 transfer_check(struct device *d, struct job *job, struct resource *res)
{
	struct context *ctx;

	if (job->hdr.ctx_id) {
		ctx = cmd_context(d, job);
		if (!ctx)
			return BAD_CTX;
		if (!context_resource(ctx, res->id))
			return cmd_state_bug(d, "ctx-not-attached", BAD_RES,
					     "resource %u is not attached to context %u",
					     res->id, ctx->id);
	}
	if (!res->backing && res->blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		return cmd_user(d, BAD_PARAM, "blob %u has no guest memory", res->id);
	if (!res->backing)
		return cmd_state_bug(d, "transfer-no-backing",
				     VIRTIO_GPU_RESP_ERR_UNSPEC,
				     "resource %u has no backing", res->id);
	return OK;
}

/**
 * cmd_transfer_3d - VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D and _FROM_HOST_3D
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_transfer_3d(struct device *d, struct job *job)
{
	struct transfer t = {
		.x = REQ32(job, virtio_gpu_transfer_host_3d, box.x),
		.y = REQ32(job, virtio_gpu_transfer_host_3d, box.y),
		.z = REQ32(job, virtio_gpu_transfer_host_3d, box.z),
		.w = REQ32(job, virtio_gpu_transfer_host_3d, box.w),
		.h = REQ32(job, virtio_gpu_transfer_host_3d, box.h),
		.depth = REQ32(job, virtio_gpu_transfer_host_3d, box.d),
		.off = REQ64(job, virtio_gpu_transfer_host_3d, offset),
		.stride = REQ32(job, virtio_gpu_transfer_host_3d, stride),
		.layer_stride = REQ32(job, virtio_gpu_transfer_host_3d, layer_stride),
		.to_host = job->hdr.type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
	};
	u32 id = REQ32(job, virtio_gpu_transfer_host_3d, resource_id);
	struct resource *res = cmd_resource(d, id);
	u32 resp;

	if (!res)
		return BAD_RES;
	resp = transfer_check(d, job, res);
	if (resp != OK)
		return resp;
	if (t.to_host)
		resource_note_transfer(res, job->seq, job->hdr.flags & VIRTIO_GPU_FLAG_FENCE);
	if (res->kind == RESOURCE_BLOB) {
		/* Rows outside of the blob end the loop early. */
		return transfer_blob(d, res, &t);
	}
	return transfer_texture(d, job, res, &t);
}

/**
 * cmd_submit_3d - VIRTIO_GPU_CMD_SUBMIT_3D
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_submit_3d(struct device *d, struct job *job)
{
	u32 size = REQ32(job, virtio_gpu_cmd_submit, size);
	u64 have = job->req_len - sizeof(struct virtio_gpu_cmd_submit);
	struct context *ctx = cmd_context(d, job);

	if (!ctx)
		return BAD_CTX;
	if (size != have)
		return cmd_bug(d, "submit-length", BAD_PARAM,
			       "size is %u, %llu bytes follow", size,
			       (unsigned long long)have);
	return toy3d_run(d, job, ctx, job->req + sizeof(struct virtio_gpu_cmd_submit),
			 size);
}
