// SPDX-License-Identifier: MIT
/*
 * The wire format as data: one row for each request of the specification's
 * section "GPU Device / Device Operation". Decoding, padding checks and
 * tracing all follow from the rows.
 */
#include <strings.h>

#include "wire.h"

#define HDR struct virtio_gpu_ctrl_hdr
#define F(st, m) { #m, offsetof(struct st, m), sizeof(((struct st *)0)->m) }
#define FN(st, m, name) { name, offsetof(struct st, m), sizeof(((struct st *)0)->m) }
#define PAD(st, m) { NULL, offsetof(struct st, m), sizeof(((struct st *)0)->m) }
#define RECT(st) FN(st, r.x, "x"), FN(st, r.y, "y"), FN(st, r.width, "w"), \
	FN(st, r.height, "h")
#define BOX(st) FN(st, box.x, "x"), FN(st, box.y, "y"), FN(st, box.z, "z"), \
	FN(st, box.w, "w"), FN(st, box.h, "h"), FN(st, box.d, "d")
#define CMD(t, st, feat, response, rsize, ...) { \
	.type = VIRTIO_GPU_CMD_##t, .name = #t, .size = sizeof(struct st), \
	.feature = feat, .resp = VIRTIO_GPU_RESP_OK_##response, \
	.resp_size = rsize, .f = { __VA_ARGS__ } }
#define CMDT(t, st, feat, ...) { \
	.type = VIRTIO_GPU_CMD_##t, .name = #t, .size = sizeof(struct st), \
	.feature = feat, .resp = VIRTIO_GPU_RESP_OK_NODATA, .tail = true, \
	.resp_size = WIRE_HDR_SIZE, .f = { __VA_ARGS__ } }
#define CMDC(t) { \
	.type = VIRTIO_GPU_CMD_##t, .name = #t, .queue = WIRE_CURSORQ, \
	.size = sizeof(struct virtio_gpu_update_cursor), \
	.feature = WIRE_NO_FEATURE, .resp = VIRTIO_GPU_RESP_OK_NODATA, \
	.resp_size = WIRE_HDR_SIZE, .f = { \
		FN(virtio_gpu_update_cursor, pos.scanout_id, "scanout"), \
		FN(virtio_gpu_update_cursor, pos.x, "x"), \
		FN(virtio_gpu_update_cursor, pos.y, "y"), \
		PAD(virtio_gpu_update_cursor, pos.padding), \
		FN(virtio_gpu_update_cursor, resource_id, "res"), \
		F(virtio_gpu_update_cursor, hot_x), \
		F(virtio_gpu_update_cursor, hot_y), \
		PAD(virtio_gpu_update_cursor, padding) } }
#define RES(st) FN(st, resource_id, "res")
#define ANY WIRE_NO_FEATURE
#define VIRGL VIRTIO_GPU_F_VIRGL
#define BLOB VIRTIO_GPU_F_RESOURCE_BLOB

static const struct wire_cmd wire_cmds[] = {
	CMD(GET_DISPLAY_INFO, virtio_gpu_ctrl_hdr, ANY, DISPLAY_INFO,
	    sizeof(struct virtio_gpu_resp_display_info), { 0 }),
	CMD(RESOURCE_CREATE_2D, virtio_gpu_resource_create_2d, ANY, NODATA, 24,
	    RES(virtio_gpu_resource_create_2d),
	    F(virtio_gpu_resource_create_2d, format),
	    FN(virtio_gpu_resource_create_2d, width, "w"),
	    FN(virtio_gpu_resource_create_2d, height, "h")),
	CMD(RESOURCE_UNREF, virtio_gpu_resource_unref, ANY, NODATA, 24,
	    RES(virtio_gpu_resource_unref),
	    PAD(virtio_gpu_resource_unref, padding)),
	CMD(SET_SCANOUT, virtio_gpu_set_scanout, ANY, NODATA, 24,
	    RECT(virtio_gpu_set_scanout),
	    FN(virtio_gpu_set_scanout, scanout_id, "scanout"),
	    RES(virtio_gpu_set_scanout)),
	CMD(RESOURCE_FLUSH, virtio_gpu_resource_flush, ANY, NODATA, 24,
	    RECT(virtio_gpu_resource_flush), RES(virtio_gpu_resource_flush),
	    PAD(virtio_gpu_resource_flush, padding)),
	CMD(TRANSFER_TO_HOST_2D, virtio_gpu_transfer_to_host_2d, ANY, NODATA, 24,
	    RECT(virtio_gpu_transfer_to_host_2d),
	    F(virtio_gpu_transfer_to_host_2d, offset),
	    RES(virtio_gpu_transfer_to_host_2d),
	    PAD(virtio_gpu_transfer_to_host_2d, padding)),
	CMDT(RESOURCE_ATTACH_BACKING, virtio_gpu_resource_attach_backing, ANY,
	     RES(virtio_gpu_resource_attach_backing),
	     FN(virtio_gpu_resource_attach_backing, nr_entries, "entries")),
	CMD(RESOURCE_DETACH_BACKING, virtio_gpu_resource_detach_backing, ANY,
	    NODATA, 24, RES(virtio_gpu_resource_detach_backing),
	    PAD(virtio_gpu_resource_detach_backing, padding)),
	CMD(GET_CAPSET_INFO, virtio_gpu_get_capset_info, ANY, CAPSET_INFO,
	    sizeof(struct virtio_gpu_resp_capset_info),
	    FN(virtio_gpu_get_capset_info, capset_index, "index"),
	    PAD(virtio_gpu_get_capset_info, padding)),
	CMD(GET_CAPSET, virtio_gpu_get_capset, ANY, CAPSET, 0,
	    FN(virtio_gpu_get_capset, capset_id, "capset"),
	    FN(virtio_gpu_get_capset, capset_version, "version")),
	CMD(GET_EDID, virtio_gpu_cmd_get_edid, VIRTIO_GPU_F_EDID, EDID,
	    sizeof(struct virtio_gpu_resp_edid),
	    F(virtio_gpu_cmd_get_edid, scanout),
	    PAD(virtio_gpu_cmd_get_edid, padding)),
	CMD(RESOURCE_ASSIGN_UUID, virtio_gpu_resource_assign_uuid,
	    VIRTIO_GPU_F_RESOURCE_UUID, RESOURCE_UUID,
	    sizeof(struct virtio_gpu_resp_resource_uuid),
	    RES(virtio_gpu_resource_assign_uuid),
	    PAD(virtio_gpu_resource_assign_uuid, padding)),
	CMDT(RESOURCE_CREATE_BLOB, virtio_gpu_resource_create_blob, BLOB,
	     RES(virtio_gpu_resource_create_blob),
	     FN(virtio_gpu_resource_create_blob, blob_mem, "mem"),
	     F(virtio_gpu_resource_create_blob, blob_flags),
	     FN(virtio_gpu_resource_create_blob, nr_entries, "entries"),
	     F(virtio_gpu_resource_create_blob, blob_id),
	     F(virtio_gpu_resource_create_blob, size)),
	CMD(SET_SCANOUT_BLOB, virtio_gpu_set_scanout_blob, BLOB, NODATA, 24,
	    RECT(virtio_gpu_set_scanout_blob),
	    FN(virtio_gpu_set_scanout_blob, scanout_id, "scanout"),
	    RES(virtio_gpu_set_scanout_blob),
	    FN(virtio_gpu_set_scanout_blob, width, "fb_w"),
	    FN(virtio_gpu_set_scanout_blob, height, "fb_h"),
	    F(virtio_gpu_set_scanout_blob, format),
	    PAD(virtio_gpu_set_scanout_blob, padding),
	    FN(virtio_gpu_set_scanout_blob, strides[0], "stride"),
	    FN(virtio_gpu_set_scanout_blob, offsets[0], "offset")),
	CMD(CTX_CREATE, virtio_gpu_ctx_create, VIRGL, NODATA, 24,
	    F(virtio_gpu_ctx_create, nlen),
	    F(virtio_gpu_ctx_create, context_init)),
	CMD(CTX_DESTROY, virtio_gpu_ctx_destroy, VIRGL, NODATA, 24, { 0 }),
	CMD(CTX_ATTACH_RESOURCE, virtio_gpu_ctx_resource, VIRGL, NODATA, 24,
	    RES(virtio_gpu_ctx_resource), PAD(virtio_gpu_ctx_resource, padding)),
	CMD(CTX_DETACH_RESOURCE, virtio_gpu_ctx_resource, VIRGL, NODATA, 24,
	    RES(virtio_gpu_ctx_resource), PAD(virtio_gpu_ctx_resource, padding)),
	CMD(RESOURCE_CREATE_3D, virtio_gpu_resource_create_3d, VIRGL, NODATA, 24,
	    RES(virtio_gpu_resource_create_3d),
	    F(virtio_gpu_resource_create_3d, target),
	    F(virtio_gpu_resource_create_3d, format),
	    F(virtio_gpu_resource_create_3d, bind),
	    FN(virtio_gpu_resource_create_3d, width, "w"),
	    FN(virtio_gpu_resource_create_3d, height, "h"),
	    FN(virtio_gpu_resource_create_3d, depth, "d"),
	    F(virtio_gpu_resource_create_3d, array_size),
	    F(virtio_gpu_resource_create_3d, last_level),
	    F(virtio_gpu_resource_create_3d, nr_samples),
	    FN(virtio_gpu_resource_create_3d, flags, "res_flags"),
	    PAD(virtio_gpu_resource_create_3d, padding)),
	CMD(TRANSFER_TO_HOST_3D, virtio_gpu_transfer_host_3d, VIRGL, NODATA, 24,
	    BOX(virtio_gpu_transfer_host_3d),
	    F(virtio_gpu_transfer_host_3d, offset),
	    RES(virtio_gpu_transfer_host_3d),
	    F(virtio_gpu_transfer_host_3d, level),
	    F(virtio_gpu_transfer_host_3d, stride),
	    F(virtio_gpu_transfer_host_3d, layer_stride)),
	CMD(TRANSFER_FROM_HOST_3D, virtio_gpu_transfer_host_3d, VIRGL, NODATA, 24,
	    BOX(virtio_gpu_transfer_host_3d),
	    F(virtio_gpu_transfer_host_3d, offset),
	    RES(virtio_gpu_transfer_host_3d),
	    F(virtio_gpu_transfer_host_3d, level),
	    F(virtio_gpu_transfer_host_3d, stride),
	    F(virtio_gpu_transfer_host_3d, layer_stride)),
	CMDT(SUBMIT_3D, virtio_gpu_cmd_submit, VIRGL,
	     F(virtio_gpu_cmd_submit, size), PAD(virtio_gpu_cmd_submit, padding)),
	CMD(RESOURCE_MAP_BLOB, virtio_gpu_resource_map_blob, BLOB, MAP_INFO,
	    sizeof(struct virtio_gpu_resp_map_info),
	    RES(virtio_gpu_resource_map_blob),
	    PAD(virtio_gpu_resource_map_blob, padding),
	    F(virtio_gpu_resource_map_blob, offset)),
	CMD(RESOURCE_UNMAP_BLOB, virtio_gpu_resource_unmap_blob, BLOB, NODATA, 24,
	    RES(virtio_gpu_resource_unmap_blob),
	    PAD(virtio_gpu_resource_unmap_blob, padding)),
	CMDC(UPDATE_CURSOR),
	CMDC(MOVE_CURSOR),
};

static const struct {
	u32 type;
	const char *name;
} wire_resps[] = {
	{ VIRTIO_GPU_RESP_OK_NODATA, "OK_NODATA" },
	{ VIRTIO_GPU_RESP_OK_DISPLAY_INFO, "OK_DISPLAY_INFO" },
	{ VIRTIO_GPU_RESP_OK_CAPSET_INFO, "OK_CAPSET_INFO" },
	{ VIRTIO_GPU_RESP_OK_CAPSET, "OK_CAPSET" },
	{ VIRTIO_GPU_RESP_OK_EDID, "OK_EDID" },
	{ VIRTIO_GPU_RESP_OK_RESOURCE_UUID, "OK_RESOURCE_UUID" },
	{ VIRTIO_GPU_RESP_OK_MAP_INFO, "OK_MAP_INFO" },
	{ VIRTIO_GPU_RESP_ERR_UNSPEC, "ERR_UNSPEC" },
	{ VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "ERR_OUT_OF_MEMORY" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, "ERR_INVALID_SCANOUT_ID" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "ERR_INVALID_RESOURCE_ID" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "ERR_INVALID_CONTEXT_ID" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "ERR_INVALID_PARAMETER" },
};

_Static_assert(sizeof(struct virtio_gpu_ctrl_hdr) == WIRE_HDR_SIZE, "header");
_Static_assert(sizeof(struct virtio_gpu_resp_display_info) == 408, "display info");
_Static_assert(sizeof(struct virtio_gpu_resp_edid) == 1056, "edid");
_Static_assert(sizeof(struct virtio_gpu_mem_entry) == 16, "memory entry");
_Static_assert(sizeof(struct virtio_gpu_resource_create_blob) == 56, "blob");
_Static_assert(sizeof(struct virtio_gpu_set_scanout_blob) == 96, "scanout blob");
_Static_assert(sizeof(struct virtio_gpu_ctx_create) == 96, "context");
_Static_assert(sizeof(struct virtio_gpu_update_cursor) == 56, "cursor");

/**
 * wire_find - Find a request type
 * @type: VIRTIO_GPU_CMD_*
 *
 * Return: its row, or NULL.
 */
const struct wire_cmd *wire_find(u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire_cmds); i++)
		if (wire_cmds[i].type == type)
			return &wire_cmds[i];
	return NULL;
}

/**
 * wire_nth - Walk the table
 * @n: row number
 *
 * Return: the row, or NULL behind the last.
 */
const struct wire_cmd *wire_nth(size_t n)
{
	return n < ARRAY_SIZE(wire_cmds) ? &wire_cmds[n] : NULL;
}

/**
 * wire_find_name - Find a request type by name
 * @name: as in the header without VIRTIO_GPU_CMD_, in any case
 *
 * Return: its row, or NULL.
 */
const struct wire_cmd *wire_find_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire_cmds); i++)
		if (!strcasecmp(wire_cmds[i].name, name))
			return &wire_cmds[i];
	return NULL;
}

/**
 * wire_resp_name - Name a response type
 * @type: VIRTIO_GPU_RESP_*
 *
 * Return: its name, or "?".
 */
const char *wire_resp_name(u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire_resps); i++)
		if (wire_resps[i].type == type)
			return wire_resps[i].name;
	return "?";
}

/**
 * wire_resp_find - Find a response type by name
 * @name: as in the header without VIRTIO_GPU_RESP_ (and without ERR_, if one
 *        likes), in any case
 *
 * Return: the type, or 0.
 */
u32 wire_resp_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire_resps); i++) {
		const char *full = wire_resps[i].name;

		if (!strcasecmp(full, name) ||
		    (!strncmp(full, "ERR_", 4) && !strcasecmp(full + 4, name)))
			return wire_resps[i].type;
	}
	return 0;
}

/**
 * wire_hdr_get - Decode a header
 * @hdr: filled in
 * @bytes: WIRE_HDR_SIZE bytes
 */
void wire_hdr_get(struct wire_hdr *hdr, const void *bytes)
{
	const u8 *p = bytes;

	hdr->type = get_le32(p + offsetof(HDR, type));
	hdr->flags = get_le32(p + offsetof(HDR, flags));
	hdr->fence_id = get_le64(p + offsetof(HDR, fence_id));
	hdr->ctx_id = get_le32(p + offsetof(HDR, ctx_id));
	hdr->ring_idx = p[offsetof(HDR, ring_idx)];
}

/**
 * wire_hdr_put - Encode a header
 * @bytes: WIRE_HDR_SIZE bytes, overwritten
 * @hdr: the header
 */
void wire_hdr_put(void *bytes, const struct wire_hdr *hdr)
{
	u8 *p = bytes;

	memset(p, 0, WIRE_HDR_SIZE);
	put_le32(p + offsetof(HDR, type), hdr->type);
	put_le32(p + offsetof(HDR, flags), hdr->flags);
	put_le64(p + offsetof(HDR, fence_id), hdr->fence_id);
	put_le32(p + offsetof(HDR, ctx_id), hdr->ctx_id);
	p[offsetof(HDR, ring_idx)] = hdr->ring_idx;
}

/**
 * wire_padding - Find padding that is not zero
 * @cmd: row of the request
 * @bytes: at least @cmd->size bytes
 *
 * Return: offset of the first such padding, or -1.
 */
int wire_padding(const struct wire_cmd *cmd, const void *bytes)
{
	const u8 *p = bytes;
	size_t pad = offsetof(HDR, ring_idx) + 1;

	if (p[pad] | p[pad + 1] | p[pad + 2])
		return pad;
	for (const struct wire_field *f = cmd->f; f->size; f++)
		if (!f->name && get_le32(p + f->off))
			return f->off;
	return -1;
}

/**
 * wire_trace - Add the members of a request to a trace line
 * @t: the trace
 * @cmd: row of the request
 * @bytes: at least @cmd->size bytes
 */
void wire_trace(struct trace *t, const struct wire_cmd *cmd, const void *bytes)
{
	const u8 *p = bytes;

	for (const struct wire_field *f = cmd->f; f->size; f++)
		if (f->name)
			trace_u64(t, f->name, f->size == 8 ? get_le64(p + f->off) :
							     get_le32(p + f->off));
}
