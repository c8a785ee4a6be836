// SPDX-License-Identifier: MIT
/* Resources, their backing and 2D transfers. */
#include <stdlib.h>

#include "device.h"
#include "log.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_PARAM VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define REQ32(job, st, m) get_le32((job)->req + offsetof(struct st, m))
#define REQ64(job, st, m) get_le64((job)->req + offsetof(struct st, m))

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
		cmd_state_bug(d, "resource-id", 0, "resource %u does not exist", id);
	return res;
}

/**
 * cmd_new_resource - Begin to make the resource a request names
 * @d: the device
 * @id: resource id
 * @kind: what it will be
 * @resp: response type when there is none
 *
 * Return: the resource, not in the table yet; or NULL after a guest bug was
 * reported.
 */
struct resource *cmd_new_resource(struct device *d, u32 id, enum resource_kind kind,
				  u32 *resp)
{
	struct resource *old;

	if (!id) {
		*resp = cmd_bug(d, "resource-zero", BAD_RES, "resource id 0");
		return NULL;
	}
	old = idmap_find(&d->resources, id);
	if (old && idmap_find(&d->doubt_res, id)) {
		device_drop_resource(d, old);
	} else if (old) {
		*resp = cmd_state_bug(d, "resource-exists", BAD_RES,
				      "resource %u exists already", id);
		return NULL;
	}
	return resource_create(id, kind);
}

/**
 * device_drop_resource - Destroy a resource wherever it is in use
 * @d: the device
 * @res: a resource of the table
 */
void device_drop_resource(struct device *d, struct resource *res)
{
	for (u32 n = 0; n < DISPLAY_OUTPUTS; n++)
		if (res->scanouts & 1u << n)
			display_hide(&d->display, n);
	idmap_for_each(&d->contexts, i)
		context_detach(d->contexts.slot[i].value, res->id);
	if (res->mapped) {
		device_hide(d, 0, res);
		hostmem_remove(&d->hostmem, res);
	}
	if (res->data)
		device_uncharge(d, res->size);
	idmap_remove(&d->resources, res->id);
	resource_put(res);
}

/**
 * cmd_create_2d - VIRTIO_GPU_CMD_RESOURCE_CREATE_2D
 * @d: the device
 * @job: the request
 *
 * Format and size may come from a user of the driver.
 *
 * Return: response type.
 */
u32 cmd_create_2d(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_create_2d, resource_id);
	u32 format = REQ32(job, virtio_gpu_resource_create_2d, format);
	u32 w = REQ32(job, virtio_gpu_resource_create_2d, width);
	u32 h = REQ32(job, virtio_gpu_resource_create_2d, height);
	u64 size = 4ull * w * h;
	u32 resp = BAD_RES;
	struct resource *res = cmd_new_resource(d, id, RESOURCE_2D, &resp);

	if (!res)
		return resp;
	resp = OK;
	if (!display_format_ok(format))
		resp = cmd_user(d, BAD_PARAM, "format %u", format);
	else if (!w || !h)
		resp = cmd_user(d, BAD_PARAM, "%ux%u pixels", w, h);
	else if ((u64)w * h > UINT64_MAX / 4 || !device_charge(d, size))
		resp = cmd_user(d, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
				"%ux%u pixels", w, h);
	if (resp != OK) {
		resource_put(res);
		return resp;
	}
	res->format = format;
	res->bpp = 4;
	res->width = w;
	res->height = h;
	res->size = size;
	res->levels = 1;
	res->layers = 1;
	res->level[0] = (struct resource_level){ 0, w, h, 1 };
	if (!resource_alloc(res, false)) {
		device_uncharge(d, size);
		resource_put(res);
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	}
	idmap_add(&d->resources, id, res);
	return OK;
}

/**
 * cmd_unref - VIRTIO_GPU_CMD_RESOURCE_UNREF
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_unref(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_unref, resource_id);
	struct resource *res = cmd_resource(d, id);

	if (!res)
		return BAD_RES;
	if (res->scanouts)
		cmd_state_bug(d, "unref-scanout", 0,
			      "resource %u is still scanned out (outputs %#x)", id,
			      res->scanouts);
	if (res->mapped)
		cmd_state_bug(d, "unref-mapped", 0,
			      "resource %u is still in the host-visible window", id);
	device_drop_resource(d, res);
	return OK;
}

static u32 entry_check(struct device *d, const u8 *e, u32 i)
{
	u64 addr = get_le64(e + offsetof(struct virtio_gpu_mem_entry, addr));
	u32 len = get_le32(e + offsetof(struct virtio_gpu_mem_entry, length));

	if (get_le32(e + offsetof(struct virtio_gpu_mem_entry, padding)))
		cmd_bug(d, "padding", 0, "padding of memory entry %u is not zero", i);
	if (!len)
		return cmd_bug(d, "entry-empty", BAD_PARAM,
			       "memory entry %u is empty", i);
	if (!gmem_valid(&d->gm, addr, len))
		return cmd_bug(d, "entry-address", BAD_PARAM,
			       "memory entry %u of %u bytes is outside of guest memory",
			       i, len);
	return OK;
}

/**
 * cmd_entries - Make backing of the memory entries behind a request
 * @d: the device
 * @job: the request
 * @n: how many it says there are
 * @fixed: bytes of its fixed part
 * @out: set to the backing
 *
 * Return: OK_NODATA, or an error.
 */
u32 cmd_entries(struct device *d, struct job *job, u32 n, size_t fixed,
		struct backing **out)
{
	u64 want = fixed + (u64)n * sizeof(struct virtio_gpu_mem_entry);

	if (job->req_len != want)
		return cmd_bug(d, "entries-length", BAD_PARAM,
			       "%u memory entries in %llu bytes, need %llu", n,
			       (unsigned long long)job->req_len,
			       (unsigned long long)want);
	if (n > d->opt.max_entries)
		return cmd_user(d, VIRTIO_GPU_RESP_ERR_UNSPEC,
				"%u memory entries, at most %u", n,
				d->opt.max_entries);
	for (u32 i = 0; i < n; i++) {
		u32 resp = entry_check(d, job->req + fixed +
				       i * sizeof(struct virtio_gpu_mem_entry), i);

		if (resp != OK)
			return resp;
	}
	*out = backing_create(&d->gm, job->req + fixed, n);
	return OK;
}

/**
 * cmd_attach_backing - VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_attach_backing(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_attach_backing, resource_id);
	u32 n = REQ32(job, virtio_gpu_resource_attach_backing, nr_entries);
	struct resource *res = cmd_resource(d, id);
	struct backing *b = NULL;
	u32 resp;

	if (!res)
		return BAD_RES;
	if (res->backing)
		return cmd_state_bug(d, "backing-twice", VIRTIO_GPU_RESP_ERR_UNSPEC,
				     "resource %u has backing already", id);
	if (res->blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		return cmd_state_bug(d, "backing-host", BAD_PARAM,
				     "resource %u is a host-only blob", id);
	if (!n)
		return cmd_bug(d, "backing-empty", BAD_PARAM,
			       "backing of no entries for resource %u", id);
	resp = cmd_entries(d, job, n,
			   sizeof(struct virtio_gpu_resource_attach_backing), &b);
	if (resp != OK)
		return resp;
	if (res->kind != RESOURCE_3D && b->size < res->size)
		resp = cmd_state_bug(d, "backing-small", BAD_PARAM,
				     "%llu bytes of backing for a resource of %llu",
				     (unsigned long long)b->size,
				     (unsigned long long)res->size);
	if (resp == OK)
		res->backing = b;
	else
		backing_destroy(b);
	return resp;
}

/**
 * cmd_detach_backing - VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_detach_backing(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_detach_backing, resource_id);
	struct resource *res = cmd_resource(d, id);

	if (!res)
		return BAD_RES;
	if (!res->backing)
		return cmd_state_bug(d, "backing-none", VIRTIO_GPU_RESP_ERR_UNSPEC,
				     "resource %u has no backing", id);
	if (res->blob_mem == VIRTIO_GPU_BLOB_MEM_GUEST && res->scanouts)
		cmd_state_bug(d, "detach-scanout", 0,
			      "guest blob %u is still scanned out", id);
	backing_destroy(res->backing);
	res->backing = NULL;
	return OK;
}

static u32 transfer_rows(struct device *d, struct resource *res,
			 const struct rect *r, u64 off)
{
	u64 stride = 4ull * res->width, row = 4ull * r->w;
	u8 *line;

	if (!r->w || !r->h)
		return OK;
	if (off > res->backing->size ||
	    (r->h - 1) * stride + row > res->backing->size - off)
		return cmd_state_bug(d, "transfer-backing", BAD_PARAM,
				     "%u rows of %llu bytes at %llu in %llu bytes of backing",
				     r->h, (unsigned long long)row, (unsigned long long)off,
				     (unsigned long long)res->backing->size);
	line = xcalloc(1, row);
	for (u32 y = 0; y < r->h; y++) {
		if (!backing_read(res->backing, off + y * stride, line, row))
			break;
		memcpy(res->data + (r->y + (u64)y) * stride + 4ull * r->x, line, row);
	}
	free(line);
	return OK;
}

/**
 * cmd_transfer_to_host_2d - VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_transfer_to_host_2d(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_transfer_to_host_2d, resource_id);
	u64 off = REQ64(job, virtio_gpu_transfer_to_host_2d, offset);
	struct resource *res = cmd_resource(d, id);
	struct rect r = {
		REQ32(job, virtio_gpu_transfer_to_host_2d, r.x),
		REQ32(job, virtio_gpu_transfer_to_host_2d, r.y),
		REQ32(job, virtio_gpu_transfer_to_host_2d, r.width),
		REQ32(job, virtio_gpu_transfer_to_host_2d, r.height),
	};

	if (!res)
		return BAD_RES;
	resource_note_transfer(res, job->seq, job->hdr.flags & VIRTIO_GPU_FLAG_FENCE);
	if (res->kind == RESOURCE_BLOB)
		return OK;	/* the host reads a blob where it is */
	if (res->kind != RESOURCE_2D || res->bpp != 4)
		return cmd_state_bug(d, "transfer-kind", BAD_PARAM,
				     "2D transfer to resource %u, which is not 2D", id);
	if (!res->backing)
		return cmd_state_bug(d, "transfer-no-backing", VIRTIO_GPU_RESP_ERR_UNSPEC,
				     "resource %u has no backing", id);
	if (!rect_inside(&r, res->width, res->height))
		return cmd_state_bug(d, "transfer-rect", BAD_PARAM,
				     "%ux%u+%u+%u in a resource of %ux%u", r.w, r.h, r.x,
				     r.y, res->width, res->height);
	return transfer_rows(d, res, &r, off);
}

/**
 * cmd_assign_uuid - VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID
 * @d: the device
 * @job: the request
 *
 * The UUID follows from the resource id and a counter, nothing random.
 *
 * Return: response type.
 */
u32 cmd_assign_uuid(struct device *d, struct job *job)
{
	u32 id = REQ32(job, virtio_gpu_resource_assign_uuid, resource_id);
	u8 *p;

	if (!cmd_resource(d, id))
		return BAD_RES;
	p = job_reserve(job, 16) + WIRE_HDR_SIZE;
	fuzz_fill((u64)id << 32 | ++d->uuids, p, 16);
	p[6] = (p[6] & 0x0f) | 0x40;
	p[8] = (p[8] & 0x3f) | 0x80;
	return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}
