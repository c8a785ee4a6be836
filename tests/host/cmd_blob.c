// SPDX-License-Identifier: MIT
/* Blob resources and the host-visible window. */
#include <stdlib.h>

#include "device.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_PARAM VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define NO_MEMORY VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define PAGE 4096u
#define REQ32(job, st, m) get_le32((job)->req + offsetof(struct st, m))
#define REQ64(job, st, m) get_le64((job)->req + offsetof(struct st, m))

struct blob_args {
	u32 id, mem, flags, n;
	u64 blob_id, size;
};

static bool blob_aligned(const struct device *d, u64 v)
{
	return !device_has(d, VIRTIO_GPU_F_BLOB_ALIGNMENT) ||
	       v % d->opt.blob_alignment == 0;
}

static u32 blob_check_kind(struct device *d, const struct blob_args *a)
{
	u32 known = VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE |
		    VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
		    VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;

	if (a->mem < VIRTIO_GPU_BLOB_MEM_GUEST ||
	    a->mem > VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST)
		return cmd_bug(d, "blob-mem", BAD_PARAM, "blob memory %u", a->mem);
	if (a->mem != VIRTIO_GPU_BLOB_MEM_GUEST && !device_has(d, VIRTIO_GPU_F_VIRGL))
		return cmd_bug(d, "blob-mem-feature", BAD_PARAM,
			       "blob memory %u without VIRGL", a->mem);
	if (a->flags & ~known)
		return cmd_bug(d, "blob-flags", BAD_PARAM, "blob flags %#x", a->flags);
	if ((a->flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE) &&
	    !device_has(d, VIRTIO_GPU_F_RESOURCE_UUID))
		return cmd_bug(d, "blob-cross-device", BAD_PARAM,
			       "cross-device blob without RESOURCE_UUID");
	if (!a->size)
		return cmd_bug(d, "blob-size", BAD_PARAM, "blob of no bytes");
	if (!blob_aligned(d, a->size))
		return cmd_bug(d, "blob-alignment", BAD_PARAM,
			       "blob of %llu bytes, alignment is %u",
			       (unsigned long long)a->size, d->opt.blob_alignment);
	if (a->mem == VIRTIO_GPU_BLOB_MEM_HOST3D && a->n)
		return cmd_bug(d, "blob-entries", BAD_PARAM,
			       "%u memory entries for a host-only blob", a->n);
	return OK;
}

/* Host memory comes from an object of the context, or is new for id 0. */
static u32 blob_alloc_host(struct device *d, struct job *job,
			   const struct blob_args *a, struct resource *res)
{
	struct context *ctx = idmap_find(&d->contexts, job->hdr.ctx_id);
	u64 *object;

	if (!ctx)
		return cmd_state_bug(d, "ctx-id",
				     VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
				     "context %u does not exist", job->hdr.ctx_id);
	if (a->blob_id) {
		object = idmap_find(&ctx->objects, a->blob_id);
		if (!object)
			return cmd_user(d, BAD_PARAM, "no object %llu in context %u",
					(unsigned long long)a->blob_id, ctx->id);
		if (a->size > (*object + PAGE - 1) / PAGE * PAGE)
			return cmd_user(d, BAD_PARAM,
					"blob of %llu bytes from an object of %llu",
					(unsigned long long)a->size,
					(unsigned long long)*object);
		free(idmap_remove(&ctx->objects, a->blob_id));
	}
	if (!device_charge(d, a->size))
		return cmd_user(d, NO_MEMORY, "blob of %llu bytes",
				(unsigned long long)a->size);
	if (!resource_alloc(res, true)) {
		device_uncharge(d, a->size);
		return NO_MEMORY;
	}
	return OK;
}

static u32 blob_make(struct device *d, struct job *job, const struct blob_args *a,
		     struct resource *res)
{
	u32 resp = blob_check_kind(d, a);

	if (resp == OK)
		resp = cmd_entries(d, job, a->n,
				   sizeof(struct virtio_gpu_resource_create_blob),
				   &res->backing);
	if (resp != OK)
		return resp;
	if (!a->n) {
		backing_destroy(res->backing);
		res->backing = NULL;
	} else if (res->backing->size < a->size) {
		return cmd_bug(d, "backing-small", BAD_PARAM,
			       "%llu bytes of backing for a blob of %llu",
			       (unsigned long long)res->backing->size,
			       (unsigned long long)a->size);
	}
	res->size = a->size;
	res->blob_mem = a->mem;
	res->blob_flags = a->flags;
	if (a->mem == VIRTIO_GPU_BLOB_MEM_GUEST)
		return OK;
	return blob_alloc_host(d, job, a, res);
}

/**
 * cmd_create_blob - VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_create_blob(struct device *d, struct job *job)
{
	struct blob_args a = {
		.id = REQ32(job, virtio_gpu_resource_create_blob, resource_id),
		.mem = REQ32(job, virtio_gpu_resource_create_blob, blob_mem),
		.flags = REQ32(job, virtio_gpu_resource_create_blob, blob_flags),
		.n = REQ32(job, virtio_gpu_resource_create_blob, nr_entries),
		.blob_id = REQ64(job, virtio_gpu_resource_create_blob, blob_id),
		.size = REQ64(job, virtio_gpu_resource_create_blob, size),
	};
	u32 resp = BAD_RES;
	struct resource *res = cmd_new_resource(d, a.id, RESOURCE_BLOB, &resp);

	if (!res)
		return resp;
	resp = blob_make(d, job, &a, res);
	if (resp == OK)
		idmap_add(&d->resources, a.id, res);
	else
		resource_put(res);
	return resp;
}

static u32 map_check(struct device *d, const struct resource *res, u64 off)
{
	u64 len = hostmem_len(res);

	if (res->kind != RESOURCE_BLOB || res->blob_mem == VIRTIO_GPU_BLOB_MEM_GUEST)
		return cmd_state_bug(d, "map-kind", BAD_PARAM,
				     "resource %u has no host memory to map", res->id);
	if (!(res->blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE))
		return cmd_state_bug(d, "map-flag", BAD_PARAM,
				     "blob %u was not made to be mapped", res->id);
	if (res->mapped)
		return cmd_state_bug(d, "map-twice", BAD_PARAM,
				     "blob %u is mapped already", res->id);
	if (off % PAGE || !blob_aligned(d, off))
		return cmd_bug(d, "map-alignment", BAD_PARAM, "offset %llu",
			       (unsigned long long)off);
	if (off > d->hostmem.size || len > d->hostmem.size - off)
		return cmd_bug(d, "map-window", BAD_PARAM,
			       "%llu bytes at %llu in a window of %llu",
			       (unsigned long long)len, (unsigned long long)off,
			       (unsigned long long)d->hostmem.size);
	if (hostmem_overlap(&d->hostmem, off, len))
		return cmd_state_bug(d, "map-overlap", BAD_PARAM,
				     "%llu bytes at %llu overlap resource %u",
				     (unsigned long long)len, (unsigned long long)off,
				     hostmem_overlap(&d->hostmem, off, len)->id);
	return OK;
}

/**
 * cmd_map_blob - VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_map_blob(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_map_blob, resource_id);
	u64 off = REQ64(job, virtio_gpu_resource_map_blob, offset);
	struct resource *res;
	enum shm_result shm;
	u32 resp;
	u8 *p;

	if (!d->hostmem.size)
		return cmd_bug(d, "map-no-window", BAD_PARAM,
			       "there is no host-visible window");
	res = cmd_resource(d, id);
	if (!res)
		return BAD_RES;
	resp = map_check(d, res, off);
	if (resp != OK)
		return resp;
	shm = device_show(d, job->seq, res, off);
	if (shm == SHM_FAILED)
		return NO_MEMORY;
	hostmem_add(&d->hostmem, res, off);
	job->wait_front = shm == SHM_PENDING;
	p = job_reserve(job, sizeof(struct virtio_gpu_resp_map_info) - WIRE_HDR_SIZE);
	put_le32(p + offsetof(struct virtio_gpu_resp_map_info, map_info),
		 d->opt.map_info);
	return VIRTIO_GPU_RESP_OK_MAP_INFO;
}

/**
 * cmd_unmap_blob - VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_unmap_blob(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_unmap_blob, resource_id);
	struct resource *res = cmd_resource(d, id);

	if (!res)
		return BAD_RES;
	if (!res->mapped)
		return cmd_state_bug(d, "unmap-unmapped", BAD_PARAM,
				     "resource %u is not mapped", id);
	job->wait_front = device_hide(d, job->seq, res) == SHM_PENDING;
	hostmem_remove(&d->hostmem, res);
	return OK;
}
