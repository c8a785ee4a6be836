// SPDX-License-Identifier: MIT
/* Headers and response types of the wire format. */
#include <strings.h>

#include "wire.h"

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
_Static_assert(sizeof(struct wire_hdr) == WIRE_HDR_SIZE, "header in our byte order");
_Static_assert(sizeof(struct virtio_gpu_resp_display_info) == 408, "display info");
_Static_assert(sizeof(struct virtio_gpu_resp_edid) == 1056, "edid");
_Static_assert(sizeof(struct virtio_gpu_mem_entry) == 16, "memory entry");
_Static_assert(sizeof(struct virtio_gpu_resource_create_blob) == 56, "blob");
_Static_assert(sizeof(struct virtio_gpu_set_scanout_blob) == 96, "scanout blob");
_Static_assert(sizeof(struct virtio_gpu_ctx_create) == 96, "context");
_Static_assert(sizeof(struct virtio_gpu_update_cursor) == 56, "cursor");

const char *wire_resp_name(u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire_resps); i++)
		if (wire_resps[i].type == type)
			return wire_resps[i].name;
	return "?";
}

/* Find a response type by name, in any case, "ERR_" being optional. Returns 0: there is none. */
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

/* Copy a header from the wire into our byte order. */
void wire_hdr_get(struct wire_hdr *hdr, const void *bytes)
{
	memcpy(hdr, bytes, sizeof(*hdr));
	*hdr = (struct wire_hdr){
		.type = le32toh(hdr->type), .flags = le32toh(hdr->flags),
		.fence_id = le64toh(hdr->fence_id), .ctx_id = le32toh(hdr->ctx_id),
		.ring_idx = hdr->ring_idx,
	};
}

/* The same the other way: bytes change places alike. */
void wire_hdr_put(void *bytes, const struct wire_hdr *hdr)
{
	struct wire_hdr wire;

	wire_hdr_get(&wire, hdr);
	memcpy(bytes, &wire, sizeof(wire));
}
