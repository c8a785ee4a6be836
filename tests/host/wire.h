/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_WIRE_H
#define VGPU_HOST_WIRE_H

#include <linux/virtio_gpu.h>

#include "trace.h"

/* Newer than some installed headers. */
#ifndef VIRTIO_GPU_F_BLOB_ALIGNMENT
#define VIRTIO_GPU_F_BLOB_ALIGNMENT 5
#endif

/** struct wire_config - the device's configuration space, newest layout */
struct wire_config {
	u32 events_read;
	u32 events_clear;
	u32 num_scanouts;
	u32 num_capsets;
	u32 blob_alignment;
};

#define WIRE_NO_FEATURE 0xff
#define WIRE_FIELDS_MAX 20

enum wire_queue {
	WIRE_CONTROLQ = 0,
	WIRE_CURSORQ = 1,
	WIRE_QUEUES = 2,
};

/**
 * struct wire_field - one member of a request
 * @name: name, or NULL for padding, which must be zero
 * @off: byte offset
 * @size: 4 or 8 bytes
 */
struct wire_field {
	const char *name;
	u16 off;
	u16 size;
};

/**
 * struct wire_cmd - what the specification says of one request type
 * @type: VIRTIO_GPU_CMD_*
 * @name: the same without its prefix
 * @size: bytes of the fixed part
 * @tail: more bytes follow
 * @queue: where it belongs
 * @feature: feature bit it needs, or WIRE_NO_FEATURE
 * @resp: type of the response when it succeeds
 * @resp_size: bytes of that response, or 0 when it depends
 * @f: members beyond the header, up to one with size 0
 */
struct wire_cmd {
	u32 type;
	const char *name;
	u16 size;
	bool tail;
	u8 queue;
	u8 feature;
	u32 resp;
	u16 resp_size;
	struct wire_field f[WIRE_FIELDS_MAX];
};

/** struct wire_hdr - a request or response header in our byte order */
struct wire_hdr {
	u32 type;
	u32 flags;
	u64 fence_id;
	u32 ctx_id;
	u8 ring_idx;
};

#define WIRE_HDR_SIZE 24u

const struct wire_cmd *wire_find(u32 type);
const struct wire_cmd *wire_find_name(const char *name);
const struct wire_cmd *wire_nth(size_t n);
const char *wire_resp_name(u32 type);
u32 wire_resp_find(const char *name);
void wire_hdr_get(struct wire_hdr *hdr, const void *bytes);
void wire_hdr_put(void *bytes, const struct wire_hdr *hdr);
int wire_padding(const struct wire_cmd *cmd, const void *bytes);
void wire_trace(struct trace *t, const struct wire_cmd *cmd, const void *bytes);

#endif
