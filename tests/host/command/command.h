/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_COMMAND_H
#define VGPU_HOST_COMMAND_H

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
	NEEDS_NEW_RES = 4,	/* it does not, and its id is not 0 */
	NEEDS_SCANOUT = 8,	/* the scanout exists */
};

/** typedef command_fn - execute a request that passed all common checks */
typedef u32 (*command_fn)(struct device *d, struct job *job);

/**
 * struct command_field - one member of a request
 * @name: name, or NULL for padding
 * @off: byte offset
 * @size: 4 or 8 bytes
 */
struct command_field {
	const char *name;
	u16 off;
	u16 size;
};

/**
 * struct command - one request type: layout, common checks and handler
 * @type: VIRTIO_GPU_CMD_*
 * @name: the same without its prefix
 * @run: executes it
 * @feature: feature bit it needs, or COMMAND_NO_FEATURE
 * @needs: enum command_needs
 * @changes: enum fact bits of what it changes when it succeeds
 * @size: bytes of the fixed part
 * @resp_size: bytes of the response when it succeeds, or 0 when that depends
 * @tail: more bytes follow the fixed part
 * @queue: where it belongs
 * @f: members beyond the header, up to one with size 0
 */
struct command {
	u32 type;
	const char *name;
	command_fn run;
	u8 feature;
	u8 needs;
	u8 changes;
	u16 size;
	u16 resp_size;
	bool tail;
	u8 queue;
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
/* One row: type, structure, handler, feature, needs, changes, structure of the response. */
#define COMMAND(t, st, fn, feat, need, change, resp) \
	.type = VIRTIO_GPU_CMD_##t, .name = #t, .run = fn, .feature = feat, \
	.needs = need, .changes = change, \
	.size = sizeof(struct virtio_gpu_##st), .resp_size = sizeof(struct virtio_gpu_##resp)
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

/* What handlers share. */
/**
 * struct transfer - a box of bytes between a resource and its backing
 * @x: bytes
 * @y: rows
 * @z: slices
 * @w: bytes a row
 * @h: rows
 * @depth: slices
 * @base: where the resource has the first byte
 * @pitch: bytes from row to row there
 * @slice: bytes from slice to slice there
 * @off: where the box begins in the backing
 * @stride: bytes from row to row there
 * @layer_stride: bytes from slice to slice there
 * @to_host: which way
 */
struct transfer {
	u64 x, y, z, w, h, depth;
	u64 base, pitch, slice;
	u64 off, stride, layer_stride;
	bool to_host;
};

u32 cmd_transfer(struct device *d, struct job *job, const struct transfer *t);
struct resource *cmd_resource(struct device *d, u32 id);
struct resource *cmd_new_resource(struct device *d, u32 id, enum resource_kind kind);
u32 cmd_add_resource(struct device *d, struct resource *res, bool file);
u32 cmd_entries(struct device *d, struct job *job, u32 n, struct backing **out);

static inline struct rect rect_get(const struct virtio_gpu_rect *r)
{
	return (struct rect){ LE(r->x), LE(r->y), LE(r->width), LE(r->height) };
}

#endif
