// SPDX-License-Identifier: MIT
/* Requests that only ask: display information, EDID, capability sets. */
#include "device.h"
#include "edid.h"
#include "toy3d_exec.h"

/**
 * cmd_get_display_info - VIRTIO_GPU_CMD_GET_DISPLAY_INFO
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_get_display_info(struct device *d, struct job *job)
{
	u8 *p = job_reserve(job, sizeof(struct virtio_gpu_resp_display_info) -
			    WIRE_HDR_SIZE);

	p += offsetof(struct virtio_gpu_resp_display_info, pmodes);
	for (u32 i = 0; i < d->display.n; i++, p += 24) {
		const struct output *o = &d->display.out[i];

		put_le32(p, o->mode.x);
		put_le32(p + 4, o->mode.y);
		put_le32(p + 8, o->mode.w);
		put_le32(p + 12, o->mode.h);
		put_le32(p + 16, o->connected);
	}
	return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

/**
 * cmd_get_edid - VIRTIO_GPU_CMD_GET_EDID
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_get_edid(struct device *d, struct job *job)
{
	u32 n = get_le32(job->req + offsetof(struct virtio_gpu_cmd_get_edid, scanout));
	u8 *p;

	if (n >= d->display.n)
		return cmd_bug(d, "scanout-range",
			       VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
			       "scanout %u of %u", n, d->display.n);
	p = job_reserve(job, sizeof(struct virtio_gpu_resp_edid) - WIRE_HDR_SIZE);
	put_le32(p + offsetof(struct virtio_gpu_resp_edid, size), EDID_SIZE);
	edid_make(p + offsetof(struct virtio_gpu_resp_edid, edid), n,
		  d->display.out[n].mode.w, d->display.out[n].mode.h);
	return VIRTIO_GPU_RESP_OK_EDID;
}

/**
 * cmd_get_capset_info - VIRTIO_GPU_CMD_GET_CAPSET_INFO
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_get_capset_info(struct device *d, struct job *job)
{
	u32 i = get_le32(job->req + offsetof(struct virtio_gpu_get_capset_info,
					     capset_index));
	u8 *p;

	if (i >= d->opt.ncapsets)
		return cmd_bug(d, "capset-index",
			       VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
			       "capset index %u of %u", i, d->opt.ncapsets);
	p = job_reserve(job, sizeof(struct virtio_gpu_resp_capset_info) -
			WIRE_HDR_SIZE);
	put_le32(p + offsetof(struct virtio_gpu_resp_capset_info, capset_id),
		 d->opt.capset[i].id);
	put_le32(p + offsetof(struct virtio_gpu_resp_capset_info, capset_max_version),
		 d->opt.capset[i].version);
	put_le32(p + offsetof(struct virtio_gpu_resp_capset_info, capset_max_size),
		 d->opt.capset[i].size);
	return VIRTIO_GPU_RESP_OK_CAPSET_INFO;
}

/**
 * cmd_get_capset - VIRTIO_GPU_CMD_GET_CAPSET
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_get_capset(struct device *d, struct job *job)
{
	u32 id = get_le32(job->req + offsetof(struct virtio_gpu_get_capset, capset_id));
	u32 version = get_le32(job->req + offsetof(struct virtio_gpu_get_capset,
						   capset_version));
	u32 bad = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	const struct capset *c = NULL;
	u8 *p;

	for (u32 i = 0; i < d->opt.ncapsets; i++)
		if (d->opt.capset[i].id == id)
			c = &d->opt.capset[i];
	if (!c)
		return cmd_bug(d, "capset-id", bad, "capset %u", id);
	if (version > c->version)
		return cmd_bug(d, "capset-version", bad, "version %u of capset %u",
			       version, id);
	if (job->chain.in_len < (u64)WIRE_HDR_SIZE + c->size)
		return cmd_bug(d, "response-short", VIRTIO_GPU_RESP_ERR_UNSPEC,
			       "room for %llu bytes of response, needs %u",
			       (unsigned long long)job->chain.in_len,
			       WIRE_HDR_SIZE + c->size);
	p = job_reserve(job, c->size);
	toy3d_caps_fill(p + WIRE_HDR_SIZE, id, c->version, c->size);
	return VIRTIO_GPU_RESP_OK_CAPSET;
}
