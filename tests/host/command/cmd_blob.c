// SPDX-License-Identifier: MIT
/* Blob resources and the host-visible window. */
#include "command.h"

#define GRANULE 16384u

static bool blob_aligned(const struct device *d, u64 v)
{
	return !device_has(d, VIRTIO_GPU_F_BLOB_ALIGNMENT) || v % d->opt.blob_alignment == 0;
}

static u32 blob_check_kind(struct device *d, const struct resource *res, u32 n)
{
	u32 mem = res->blob_mem, flags = res->blob_flags;
	u32 known = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE | VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
		    VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;

	if (mem < VIRTIO_GPU_BLOB_MEM_GUEST || mem > VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST)
		return cmd_bug(d, "blob-mem", BAD_PARAM, "blob memory %u", mem);
	if (mem != VIRTIO_GPU_BLOB_MEM_GUEST && !device_has(d, VIRTIO_GPU_F_VIRGL))
		return cmd_bug(d, "blob-mem-feature", BAD_PARAM, "blob memory %u without VIRGL",
			       mem);
	if (flags & ~known)
		cmd_bug(d, "blob-flags", 0, "blob flags %#x", flags);
	if (flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE &&
	    !device_has(d, VIRTIO_GPU_F_RESOURCE_UUID))
		cmd_bug(d, "blob-cross-device", 0, "cross-device blob without RESOURCE_UUID");
	if (!res->size)
		return cmd_bug(d, "blob-size", BAD_PARAM, "blob of no bytes");
	if (!blob_aligned(d, res->size))
		return cmd_bug(d, "blob-alignment", BAD_PARAM,
			       "blob of %llu bytes, alignment is %llu", res->size,
			       d->opt.blob_alignment);
	if (mem == VIRTIO_GPU_BLOB_MEM_HOST3D && n)
		return cmd_bug(d, "blob-entries", BAD_PARAM,
			       "%u memory entries for a host-only blob", n);
	return OK;
}

/* Host memory comes from an object of the context, or is new for id 0. */
static u32 blob_take_object(struct device *d, struct job *job, const struct resource *res, u64 id)
{
	struct context *ctx = cmd_context(d, job);
	u64 bytes = ctx ? context_object(ctx, id) : 0;

	if (!ctx)
		return BAD_CTX;
	/* Of id 0, hosts have shared memory of their own, without pages of the guest. */
	if (!id)
		return res->blob_mem != VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST ? OK :
			cmd_user(d, BAD_PARAM, "guest pages for object 0 of context %u", ctx->id);
	if (!bytes)
		return cmd_user(d, BAD_PARAM, "no object %llu in context %u", id, ctx->id);
	if (res->size > PAGES(bytes))
		return cmd_user(d, BAD_PARAM, "blob of %llu bytes from an object of %llu",
				res->size, bytes);
	idmap_remove(&ctx->objects, id);
	return OK;
}

static u32 create_blob(struct device *d, struct job *job)
{
	const struct virtio_gpu_resource_create_blob *req = job->req;
	struct resource *res = job->res;
	u32 n = LE(req->nr_entries), resp;

	res->size = LE(req->size);
	res->blob_mem = LE(req->blob_mem);
	res->blob_flags = LE(req->blob_flags);
	resp = blob_check_kind(d, res, n);
	if (resp == OK)
		resp = cmd_entries(d, job, n, &res->backing);
	if (resp != OK)
		return resp;
	if (res->backing && res->backing->size < res->size)
		return cmd_bug(d, "blob-small", BAD_PARAM,
			       "%llu bytes of backing for a blob of %llu", res->backing->size,
			       res->size);
	/* It may belong to no context, but not to one that does not exist. */
	if (res->blob_mem == VIRTIO_GPU_BLOB_MEM_GUEST)
		return job->hdr.ctx_id && !cmd_context(d, job) ? BAD_CTX : OK;
	resp = blob_take_object(d, job, res, LE(req->blob_id));
	return resp == OK ? cmd_alloc(d, res, true) : resp;
}

static u32 map_check(struct device *d, const struct resource *res, u64 off)
{
	const struct resource *other;
	u64 len = hostmem_len(res);

	if (res->kind != RESOURCE_BLOB || res->blob_mem == VIRTIO_GPU_BLOB_MEM_GUEST)
		return cmd_bug(d, "map-kind", BAD_PARAM,
			       "resource %u has no host memory to map", res->id);
	if (!(res->blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE))
		return cmd_bug(d, "map-flag", BAD_PARAM,
			       "blob %u was not made to be mapped", res->id);
	if (res->mapped)
		return cmd_bug(d, "map-twice", BAD_PARAM, "blob %u is mapped already", res->id);
	if (off % PAGE || !blob_aligned(d, off))
		return cmd_bug(d, "map-alignment", BAD_PARAM, "offset %llu", off);
	if (off > d->hostmem.size || len > d->hostmem.size - off)
		return cmd_bug(d, "map-window", BAD_PARAM, "%llu bytes at %llu in a window of %llu",
			       len, off, d->hostmem.size);
	/* The rooms of blobs at such offsets overlap only where the blobs do. */
	if (device_habit(d, HABIT_GRANULE16K) && off % GRANULE)
		return cmd_user(d, BAD_PARAM, "offset %llu in a window of 16 KiB granules", off);
	other = hostmem_overlap(&d->hostmem, off, len);
	if (!other)
		return OK;
	d->judge.other = other->id;
	return cmd_bug(d, "map-overlap", BAD_PARAM,
		       "%llu bytes at %llu overlap resource %u", len, off, other->id);
}

static u32 map_blob(struct device *d, struct job *job)
{
	const struct virtio_gpu_resource_map_blob *req = job->req;
	struct virtio_gpu_resp_map_info *info;
	struct resource *res = job->res;
	enum shm_result shm;
	u64 off = LE(req->offset);
	u32 resp;

	if (!d->hostmem.size)
		return cmd_bug(d, "map-no-window", BAD_PARAM, "there is no host-visible window");
	resp = map_check(d, res, off);
	if (resp != OK)
		return resp;
	shm = device_show(d, job->seq, res, off);
	if (shm == SHM_FAILED)
		return NO_MEMORY;
	hostmem_add(&d->hostmem, res, off);
	job->wait_front = shm == SHM_PENDING;
	info = job_reserve(job, sizeof(*info));
	info->map_info = htole32(d->opt.map_info);
	return VIRTIO_GPU_RESP_OK_MAP_INFO;
}

static u32 unmap_blob(struct device *d, struct job *job)
{
	struct resource *res = job->res;

	if (!res->mapped)
		return cmd_bug(d, "unmap-unmapped", BAD_PARAM,
			       "resource %u is not mapped", res->id);
	job->wait_front = device_hide(d, job->seq, res) == SHM_PENDING;
	hostmem_remove(&d->hostmem, res);
	return OK;
}

const struct command blob_commands[] = {
	{ COMMAND(RESOURCE_CREATE_BLOB, resource_create_blob, create_blob, BLOB, NEEDS_NEW_RES,
		  FACT_RES), .kind = RESOURCE_BLOB, .tail = true,
	  .f = { RES(resource_create_blob), FN(resource_create_blob, blob_mem, "mem"),
		 F(resource_create_blob, blob_flags),
		 FN(resource_create_blob, nr_entries, "entries"),
		 F(resource_create_blob, blob_id), F(resource_create_blob, size) } },
	{ COMMAND(RESOURCE_MAP_BLOB, resource_map_blob, map_blob, BLOB, NEEDS_RES, FACT_MAP),
	  RESP(resp_map_info), .f = { RES(resource_map_blob), PAD(resource_map_blob, padding),
				      F(resource_map_blob, offset) } },
	{ COMMAND(RESOURCE_UNMAP_BLOB, resource_unmap_blob, unmap_blob, BLOB, NEEDS_RES, FACT_MAP),
	  .f = { RES(resource_unmap_blob), PAD(resource_unmap_blob, padding) } },
	{ 0 },
};
