/* SPDX-License-Identifier: MIT */
/*
 * toy3d: a command stream for virtio-gpu that needs no GPU.
 *
 * vgpu-host offers it as a capability set of its own. It can be submitted with SUBMIT_3D
 * (DRM_VIRTGPU_EXECBUFFER) on a context that was made with context_init = TOY3D_CAPSET_ID, or
 * with 0. This header is all a test program in the guest needs; it includes nothing but <stdint.h>.
 *
 * A stream is a sequence of commands made of little-endian 32-bit words. The first word of each is
 * TOY3D_HDR(op, words), where words counts the words that follow. 64-bit values are two words, the
 * lower half first. All resources a stream names must be attached to its context.
 *
 *  op            words following
 *  NOP           any number, ignored
 *  FILL          resource, offset (64), bytes (64), pattern
 *                  stores the pattern word again and again; bytes % 4 == 0
 *  COPY          source resource, offset (64), destination resource, offset (64), bytes (64)
 *  RECT          resource, x, y, width, height, pixel
 *                  fills pixels of level 0 of a 2D or 3D resource of 4 bytes a pixel
 *  SIGNAL_LATER  kicks
 *                  the submission is answered (its fence signals) only after so many more
 *                  notifications of the control queue
 *  WAIT          token, not 0
 *                  the submission is answered only after the token was released
 *  RELEASE       token, not 0
 *                  releases a token for good, as "release TOKEN" on the control socket does
 *  ALLOC         blob id (64, not 0), bytes (64)
 *                  makes a context-local object that one RESOURCE_CREATE_BLOB of this blob id,
 *                  HOST3D or HOST3D_GUEST, can then take
 *  FAIL          nothing
 *                  the submission is answered with ERR_UNSPEC
 *  TAIL          resource, offset (64)
 *                  the last command: stores the bytes that follow it, up to the end of the
 *                  stream, whose size need not be a multiple of 4 then
 *
 * Commands execute at once and in order; only the answer waits. An error ends the stream: what
 * came before it has happened, and the submission is answered with ERR_INVALID_PARAMETER (bad op,
 * count, range) or ERR_INVALID_RESOURCE_ID (resource not attached). None of these is a fault of
 * the driver.
 *
 * Offsets are bytes into what the host has of a resource: for 2D and 3D resources its own copy,
 * that transfers fill and read, level 0 first, rows without gaps; for host blobs their memory; for
 * guest blobs the guest's pages.
 */
#pragma once

#include <stdint.h>

/*
 * No real capability set uses this id. It is below 32 because drivers were seen
 * to shift an int by it; --capset 60:1:32 offers a set that tells.
 */
#define TOY3D_CAPSET_ID 30
#define TOY3D_VERSION 1
#define TOY3D_MAGIC 0x33594f54u /* "TOY3" */
#define TOY3D_RINGS 64

#define TOY3D_OP_NOP 0
#define TOY3D_OP_FILL 1
#define TOY3D_OP_COPY 2
#define TOY3D_OP_RECT 3
#define TOY3D_OP_SIGNAL_LATER 4
#define TOY3D_OP_WAIT 5
#define TOY3D_OP_RELEASE 6
#define TOY3D_OP_ALLOC 7
#define TOY3D_OP_FAIL 8
#define TOY3D_OP_TAIL 9
#define TOY3D_OPS 10

#define TOY3D_HDR(op, words) ((uint32_t)(op) | (uint32_t)(words) << 16)

/* What GET_CAPSET returns; little endian. */
struct toy3d_caps {
	uint32_t magic;
	uint32_t version;
	uint32_t ops;	/* TOY3D_OPS of the device */
	uint32_t rings;	/* rings a context can have */
	uint32_t reserved[4];
};
