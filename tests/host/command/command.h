/* SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"

#define COMMAND_FIELDS_MAX 20
#define COMMAND_NO_FEATURE 0xff

/* Response types the handlers return most. */
#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_PARAM VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_CTX VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
#define BAD_SCANOUT VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID
#define NO_MEMORY VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define UNSPEC VIRTIO_GPU_RESP_ERR_UNSPEC

/* A handler returns this when its slice is over: call it again. */
#define CMD_AGAIN 0

/* A member of a request in our byte order. */
#define LE(v) _Generic((v), u32: le32toh(v), default: le64toh(v))

/* What command_check() checks before the handler runs. */
enum command_needs {
	NEEDS_CTX = 1,		/* the context exists; it becomes job->ctx */
	NEEDS_RES = 2,		/* the resource exists; it becomes job->res */
	NEEDS_NEW_RES = 4,	/* it does not, and its id is not 0; command_run() makes it */
	NEEDS_SCANOUT = 8,	/* the scanout exists */
};

/* Execute a request that passed all common checks. */
typedef u32 (*command_fn)(struct device *d, struct job *job);

/* One member of a request. */
struct command_field {
	const char *name;	/* name, or NULL for padding */
	u16 off;		/* byte offset */
	u16 size;		/* 4 or 8 bytes */
};

/* One request type: layout, common checks and handler. */
struct command {
	u32 type;		/* VIRTIO_GPU_CMD_* */
	const char *name;	/* the same without its prefix */
	command_fn run;		/* executes it */
	u8 feature;		/* feature bit it needs, or COMMAND_NO_FEATURE */
	u8 needs;		/* enum command_needs */
	u8 changes;		/* enum fact bits of what it changes when it succeeds */
	u16 size;		/* bytes of the fixed part */
	u16 resp_size;		/* of the response when it succeeds, 0: just a header */
	u8 kind;		/* enum resource_kind of the resource it creates */
	bool tail;		/* more bytes follow the fixed part */
	u8 queue;		/* where it belongs */
	/* members beyond the header, up to one with size 0 */
	struct command_field f[COMMAND_FIELDS_MAX];
};

/* Members of struct virtio_gpu_@st: padding, under their own name, or under another. */
#define FN(st, m, name) { name, offsetof(struct virtio_gpu_##st, m), \
			  sizeof(((struct virtio_gpu_##st *)0)->m) }
#define F(st, m) FN(st, m, #m)
#define PAD(st, m) FN(st, m, NULL)
#define RES(st) FN(st, resource_id, "res")
#define RECT(st) FN(st, r.x, "x"), FN(st, r.y, "y"), FN(st, r.width, "w"), \
	FN(st, r.height, "h")
/* One row: type, structure, handler, feature, needs, changes; structure of the response. */
#define COMMAND(t, st, fn, feat, need, change) \
	.type = VIRTIO_GPU_CMD_##t, .name = #t, .run = fn, .feature = feat, .needs = need, \
	.changes = change, .size = sizeof(struct virtio_gpu_##st)
#define RESP(st) .resp_size = sizeof(struct virtio_gpu_##st)
#define ANY COMMAND_NO_FEATURE
#define VIRGL VIRTIO_GPU_F_VIRGL
#define BLOB VIRTIO_GPU_F_RESOURCE_BLOB

/* Each ends with a row without a name. */
extern const struct command info_commands[], resource_commands[], display_commands[],
	blob_commands[], context_commands[];

const struct command *command_find(u32 type);
const struct command *command_find_name(const char *name);
const struct command *command_nth(size_t n);
int command_padding(const struct command *cmd, const void *bytes);
void command_trace(struct trace *t, const struct command *cmd, const void *bytes);
s64 command_member(const struct job *job, const char *name);
u32 command_check(struct device *d, struct job *job);
u32 command_run(struct device *d, struct job *job);

/* A box of bytes between a resource and its backing. */
struct transfer {
	u64 x;			/* bytes */
	u64 y;			/* rows */
	u64 z;			/* slices */
	u64 w;			/* bytes a row */
	u64 h;			/* rows */
	u64 depth;		/* slices */
	u64 base;		/* where the resource has the first byte */
	u64 pitch;		/* bytes from row to row there */
	u64 slice;		/* bytes from slice to slice there */
	u64 off;		/* where the box begins in the backing */
	u64 stride;		/* bytes from row to row there */
	u64 layer_stride;	/* bytes from slice to slice there */
	bool to_host;		/* which way */
};

u32 cmd_transfer(struct device *d, struct job *job, const struct transfer *t);
struct resource *cmd_resource(struct device *d, u32 id);
struct context *cmd_context(struct device *d, const struct job *job);
u32 cmd_alloc(struct device *d, struct resource *res, bool file);
u32 cmd_entries(struct device *d, struct job *job, u32 n, struct backing **out);

/* The capability set toy3d: toy3d.c */
void toy3d_caps_fill(void *dst, u32 id, u32 version, u32 size);
u32 toy3d_run(struct device *d, struct job *job, struct context *ctx,
	      const void *stream, u32 size);

static inline struct rect rect_get(const struct virtio_gpu_rect *r)
{
	return (struct rect){ LE(r->x), LE(r->y), LE(r->width), LE(r->height) };
}
