/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/virtio_gpu.h>

#include "base.h"

/* Newer than some installed headers. */
#ifndef VIRTIO_GPU_F_BLOB_ALIGNMENT
#define VIRTIO_GPU_F_BLOB_ALIGNMENT 5
#endif

/* The device's configuration space, newest layout. */
struct wire_config {
	u32 events_read;
	u32 events_clear;
	u32 num_scanouts;
	u32 num_capsets;
	u32 blob_alignment;
};

enum wire_queue {
	WIRE_CONTROLQ = 0,
	WIRE_CURSORQ = 1,
	WIRE_QUEUES = 2,
};

/* A request or response header, laid out as on the wire. */
struct wire_hdr {
	u32 type;
	u32 flags;
	u64 fence_id;
	u32 ctx_id;
	u8 ring_idx;
	u8 padding[3];
};

#define WIRE_HDR_SIZE 24u

const char *wire_resp_name(u32 type);
u32 wire_resp_find(const char *name);
void wire_hdr_get(struct wire_hdr *hdr, const void *bytes);
void wire_hdr_put(void *bytes, const struct wire_hdr *hdr);
