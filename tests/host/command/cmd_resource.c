// SPDX-License-Identifier: MIT
/* Resources, their backing and 2D transfers. */
#include "command.h"

#define TRANSFER_PIECE 16384u
#define TRANSFER_ROW 64	/* what a row takes beside its bytes */

/* Give a resource host memory of its size, a @file that the front end can map or not. */
u32 cmd_alloc(struct device *d, struct resource *res, bool file)
{
	return resource_alloc(res, file) ? OK :
		cmd_user(d, NO_MEMORY, "resource of %llu bytes", res->size);
}

/* Format and size may come from a user of the driver. */
static u32 create_2d(struct device *d, struct job *job)
{
	const struct virtio_gpu_resource_create_2d *req = job->req;
	struct resource *res = job->res;
	u32 w = LE(req->width), h = LE(req->height);

	res->format = LE(req->format);
	if (!display_format(res->format))
		return cmd_user(d, BAD_PARAM, "format %u", res->format);
	if (!w || !h)
		return cmd_user(d, BAD_PARAM, "%ux%u pixels", w, h);
	if ((u64)w * h > UINT64_MAX / 4)
		return cmd_user(d, NO_MEMORY, "%ux%u pixels", w, h);
	res->bpp = 4;
	res->width = w;
	res->height = h;
	res->size = 4ull * w * h;
	res->levels = 1;
	res->layers = 1;
	res->level[0] = (struct resource_level){ 0, w, h, 1 };
	return cmd_alloc(d, res, false);
}

static u32 unref(struct device *d, struct job *job)
{
	struct resource *res = job->res;

	if (res->scanouts)
		cmd_bug(d, "unref-scanout", 0, "resource %u is still scanned out (outputs %#x)",
			res->id, res->scanouts);
	if (res->mapped)
		cmd_bug(d, "unref-mapped", 0,
			"resource %u is still in the host-visible window", res->id);
	device_drop_resource(d, res);
	return OK;
}

static u32 entry_check(struct device *d, const struct virtio_gpu_mem_entry *e, u32 i)
{
	u32 len = LE(e->length);

	if (e->padding)
		cmd_bug(d, "padding", 0, "padding of memory entry %u is not zero", i);
	if (!len)
		return cmd_bug(d, "entry-empty", BAD_PARAM, "memory entry %u is empty", i);
	if (!gmem_valid(&d->gm, LE(e->addr), len))
		return cmd_bug(d, "entry-address", BAD_PARAM,
			       "memory entry %u of %u bytes is outside of guest memory", i, len);
	return OK;
}

/* Make backing of the @n memory entries behind a request. */
u32 cmd_entries(struct device *d, struct job *job, u32 n, struct backing **out)
{
	const struct virtio_gpu_mem_entry *e = job->req + job->cmd->size;
	u64 want = job->cmd->size + (u64)n * sizeof(*e);

	if (job->req_len != want)
		return cmd_bug(d, "entries-length", BAD_PARAM,
			       "%u memory entries in %llu bytes, need %llu", n, job->req_len, want);
	if (n > d->opt.max_entries)
		return cmd_user(d, UNSPEC, "%u memory entries, at most %llu", n,
				d->opt.max_entries);
	for (u32 i = 0; i < n; i++) {
		u32 resp = entry_check(d, &e[i], i);

		if (resp != OK)
			return resp;
	}
	*out = n ? backing_create(&d->budget, &d->gm, e, n) : NULL;
	return *out || !n ? OK : cmd_user(d, NO_MEMORY, "%u memory entries", n);
}

static u32 attach_backing(struct device *d, struct job *job)
{
	const struct virtio_gpu_resource_attach_backing *req = job->req;
	u32 n = LE(req->nr_entries), resp;
	struct resource *res = job->res;
	struct backing *b = NULL;

	if (res->backing)
		return cmd_bug(d, "backing-twice", UNSPEC,
			       "resource %u has backing already", res->id);
	if (res->blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		return cmd_bug(d, "backing-host", BAD_PARAM,
			       "resource %u is a host-only blob", res->id);
	if (!n)
		cmd_bug(d, "backing-empty", 0, "backing of no entries for resource %u", res->id);
	resp = cmd_entries(d, job, n, &b);
	if (resp != OK)
		return resp;
	if (b && res->kind != RESOURCE_3D && b->size < res->size)
		cmd_bug(d, "backing-small", 0,
			"%llu bytes of backing for a resource of %llu", b->size, res->size);
	res->backing = b;
	return OK;
}

static u32 detach_backing(struct device *d, struct job *job)
{
	struct resource *res = job->res;

	if (!res->backing)
		return cmd_bug(d, "backing-none", UNSPEC, "resource %u has no backing", res->id);
	if (res->blob_mem == VIRTIO_GPU_BLOB_MEM_GUEST && res->scanouts)
		cmd_bug(d, "detach-scanout", 0, "guest blob %u is still scanned out", res->id);
	backing_destroy(res->backing);
	res->backing = NULL;
	return OK;
}

/* Check that a place inside of a box does not overflow, and compute it. */
static bool transfer_at(u64 *at, u64 base, u64 z, u64 slice, u64 y, u64 pitch, u64 x)
{
	unsigned __int128 sum = (unsigned __int128)z * slice +
				(unsigned __int128)y * pitch + base + x;

	*at = sum;
	return sum == *at;
}

static bool transfer_piece(struct resource *res, const struct transfer *t, u64 row, u64 x,
			   u64 len)
{
	u64 z = row / t->h, y = row % t->h, host, guest;
	u8 buf[TRANSFER_PIECE];

	if (!transfer_at(&host, t->base, t->z + z, t->slice, t->y + y, t->pitch, t->x + x) ||
	    !transfer_at(&guest, t->off, z, t->layer_stride, y, t->stride, x))
		return false;
	if (t->to_host)
		return backing_copy(res->backing, guest, buf, len, false) &&
		       resource_write(res, host, buf, len);
	return resource_read(res, host, buf, len) &&
	       backing_copy(res->backing, guest, buf, len, true);
}

/* Move a box of bytes, not larger than the resource, in slices. The resource has backing. */
u32 cmd_transfer(struct device *d, struct job *job, const struct transfer *t)
{
	u64 all = t->w * t->h * t->depth;

	while (job->done < all) {
		u64 row = job->done / t->w, x = job->done % t->w;
		u64 len = MIN(t->w - x, (u64)TRANSFER_PIECE);

		if (!transfer_piece(job->res, t, row, x, len))
			return cmd_user(d, BAD_PARAM,
					"transfer leaves the resource or its backing");
		job->done += len;
		if (job->done < all && device_spend(d, len + TRANSFER_ROW))
			return CMD_AGAIN;
	}
	return OK;
}

static u32 transfer_to_host_2d(struct device *d, struct job *job)
{
	const struct virtio_gpu_transfer_to_host_2d *req = job->req;
	struct rect r = rect_get(&req->r);
	struct resource *res = job->res;
	u64 stride = 4ull * res->width, row = 4ull * r.w;
	struct transfer t = { 4ull * r.x, r.y, 0, row, r.h, 1, 0, stride, 0, LE(req->offset),
			      stride, 0, true };

	if (!job->done)
		resource_note_transfer(res, job->seq, job->hdr.flags & VIRTIO_GPU_FLAG_FENCE);
	if (res->kind == RESOURCE_BLOB)
		return OK;	/* the host reads a blob where it is */
	if (res->kind != RESOURCE_2D || res->bpp != 4)
		return cmd_bug(d, "transfer-kind", BAD_PARAM,
			       "2D transfer to resource %u, which is not 2D", res->id);
	if (!res->backing)
		return cmd_bug(d, "transfer-no-backing", UNSPEC,
			       "resource %u has no backing", res->id);
	if (!rect_inside(&r, res->width, res->height))
		return cmd_bug(d, "transfer-rect", BAD_PARAM, "%ux%u+%u+%u in a resource of %ux%u",
			       r.w, r.h, r.x, r.y, res->width, res->height);
	if (r.w && r.h && (t.off > res->backing->size ||
			   (r.h - 1) * stride + row > res->backing->size - t.off))
		return cmd_bug(d, "transfer-backing", BAD_PARAM,
			       "%u rows of %llu bytes at %llu in %llu bytes of backing",
			       r.h, row, t.off, res->backing->size);
	return cmd_transfer(d, job, &t);
}

/* The UUID follows from the resource id and a counter, nothing random. */
static u32 assign_uuid(struct device *d, struct job *job)
{
	struct virtio_gpu_resp_resource_uuid *resp = job_reserve(job, sizeof(*resp));

	fuzz_fill((u64)job->res->id << 32 | ++d->uuids, resp->uuid, sizeof(resp->uuid));
	resp->uuid[6] = (resp->uuid[6] & 0x0f) | 0x40;
	resp->uuid[8] = (resp->uuid[8] & 0x3f) | 0x80;
	return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}

const struct command resource_commands[] = {
	{ COMMAND(RESOURCE_CREATE_2D, resource_create_2d, create_2d, ANY, NEEDS_NEW_RES, FACT_RES),
	  .kind = RESOURCE_2D,
	  .f = { RES(resource_create_2d), F(resource_create_2d, format),
		 FN(resource_create_2d, width, "w"), FN(resource_create_2d, height, "h") } },
	{ COMMAND(RESOURCE_UNREF, resource_unref, unref, ANY, NEEDS_RES, FACT_RES),
	  .f = { RES(resource_unref), PAD(resource_unref, padding) } },
	{ COMMAND(RESOURCE_ATTACH_BACKING, resource_attach_backing, attach_backing, ANY,
		  NEEDS_RES, FACT_BACKING), .tail = true,
	  .f = { RES(resource_attach_backing),
		 FN(resource_attach_backing, nr_entries, "entries") } },
	{ COMMAND(RESOURCE_DETACH_BACKING, resource_detach_backing, detach_backing, ANY,
		  NEEDS_RES, FACT_BACKING),
	  .f = { RES(resource_detach_backing), PAD(resource_detach_backing, padding) } },
	{ COMMAND(TRANSFER_TO_HOST_2D, transfer_to_host_2d, transfer_to_host_2d, ANY, NEEDS_RES,
		  FACT_CONTENT),
	  .f = { RECT(transfer_to_host_2d), F(transfer_to_host_2d, offset),
		 RES(transfer_to_host_2d), PAD(transfer_to_host_2d, padding) } },
	{ COMMAND(RESOURCE_ASSIGN_UUID, resource_assign_uuid, assign_uuid,
		  VIRTIO_GPU_F_RESOURCE_UUID, NEEDS_RES, 0), RESP(resp_resource_uuid),
	  .f = { RES(resource_assign_uuid), PAD(resource_assign_uuid, padding) } },
	{ 0 },
};
