// SPDX-License-Identifier: MIT
/* Requests that only ask: display information, EDID, capability sets. */
#include "command.h"

static u32 get_display_info(struct device *d, struct job *job)
{
	struct virtio_gpu_resp_display_info *resp = job_reserve(job, sizeof(*resp));

	for (u32 i = 0; i < d->display.n; i++) {
		const struct output *o = &d->display.out[i];

		resp->pmodes[i] = (struct virtio_gpu_display_one){
			.r = { htole32(o->mode.x), htole32(o->mode.y),
			       htole32(o->mode.w), htole32(o->mode.h) },
			.enabled = htole32(o->connected),
		};
	}
	return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

static u32 get_edid(struct device *d, struct job *job)
{
	const struct virtio_gpu_cmd_get_edid *req = job->req;
	struct virtio_gpu_resp_edid *resp = job_reserve(job, sizeof(*resp));
	u32 n = LE(req->scanout);

	resp->size = htole32(EDID_SIZE);
	edid_make(resp->edid, n, d->display.out[n].mode.w, d->display.out[n].mode.h);
	return VIRTIO_GPU_RESP_OK_EDID;
}

static u32 get_capset_info(struct device *d, struct job *job)
{
	const struct virtio_gpu_get_capset_info *req = job->req;
	struct virtio_gpu_resp_capset_info *resp;
	u32 i = LE(req->capset_index);

	if (i >= d->opt.ncapsets)
		return cmd_bug(d, "capset-index", BAD_PARAM, "capset index %u of %u", i,
			       d->opt.ncapsets);
	resp = job_reserve(job, sizeof(*resp));
	resp->capset_id = htole32(d->opt.capset[i].id);
	resp->capset_max_version = htole32(d->opt.capset[i].version);
	resp->capset_max_size = htole32(d->opt.capset[i].size);
	return VIRTIO_GPU_RESP_OK_CAPSET_INFO;
}

static u32 get_capset(struct device *d, struct job *job)
{
	const struct virtio_gpu_get_capset *req = job->req;
	u32 id = LE(req->capset_id), version = LE(req->capset_version);
	const struct capset *c = device_capset(d, id);
	struct virtio_gpu_resp_capset *resp;

	if (!c)
		return cmd_bug(d, "capset-id", BAD_PARAM, "capset %u", id);
	if (version > c->version)
		return cmd_bug(d, "capset-version", BAD_PARAM, "version %u of capset %u",
			       version, id);
	if (job->chain.in_len < (u64)sizeof(*resp) + c->size)
		return cmd_bug(d, "response-short", UNSPEC,
			       "room for %llu bytes of response, needs %zu",
			       job->chain.in_len, sizeof(*resp) + c->size);
	resp = job_reserve(job, sizeof(*resp) + c->size);
	toy3d_caps_fill(resp->capset_data, id, c->version, c->size);
	return VIRTIO_GPU_RESP_OK_CAPSET;
}

const struct command info_commands[] = {
	{ COMMAND(GET_DISPLAY_INFO, ctrl_hdr, get_display_info, ANY, 0, 0),
	  RESP(resp_display_info) },
	{ COMMAND(GET_EDID, cmd_get_edid, get_edid, VIRTIO_GPU_F_EDID, NEEDS_SCANOUT, 0),
	  RESP(resp_edid), .f = { F(cmd_get_edid, scanout), PAD(cmd_get_edid, padding) } },
	{ COMMAND(GET_CAPSET_INFO, get_capset_info, get_capset_info, ANY, 0, 0),
	  RESP(resp_capset_info),
	  .f = { FN(get_capset_info, capset_index, "index"), PAD(get_capset_info, padding) } },
	{ COMMAND(GET_CAPSET, get_capset, get_capset, ANY, 0, 0), RESP(resp_capset),
	  .f = { FN(get_capset, capset_id, "capset"),
		 FN(get_capset, capset_version, "version") } },
	{ 0 },
};
