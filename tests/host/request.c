// SPDX-License-Identifier: MIT
/*
 * One request: read it, check what holds for all requests, let the fault
 * script see it, execute it, and hand it over to be answered.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "device.h"
#include "log.h"
#include "request.h"

#define RING_MAX 63

static const struct {
	u32 type;
	cmd_fn fn;
} cmd_table[] = {
	{ VIRTIO_GPU_CMD_GET_DISPLAY_INFO, cmd_get_display_info },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, cmd_create_2d },
	{ VIRTIO_GPU_CMD_RESOURCE_UNREF, cmd_unref },
	{ VIRTIO_GPU_CMD_SET_SCANOUT, cmd_set_scanout },
	{ VIRTIO_GPU_CMD_RESOURCE_FLUSH, cmd_flush },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, cmd_transfer_to_host_2d },
	{ VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, cmd_attach_backing },
	{ VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, cmd_detach_backing },
	{ VIRTIO_GPU_CMD_GET_CAPSET_INFO, cmd_get_capset_info },
	{ VIRTIO_GPU_CMD_GET_CAPSET, cmd_get_capset },
	{ VIRTIO_GPU_CMD_GET_EDID, cmd_get_edid },
	{ VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, cmd_assign_uuid },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, cmd_create_blob },
	{ VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, cmd_set_scanout_blob },
	{ VIRTIO_GPU_CMD_CTX_CREATE, cmd_ctx_create },
	{ VIRTIO_GPU_CMD_CTX_DESTROY, cmd_ctx_destroy },
	{ VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, cmd_ctx_attach },
	{ VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, cmd_ctx_detach },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, cmd_create_3d },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, cmd_transfer_3d },
	{ VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, cmd_transfer_3d },
	{ VIRTIO_GPU_CMD_SUBMIT_3D, cmd_submit_3d },
	{ VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, cmd_map_blob },
	{ VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, cmd_unmap_blob },
	{ VIRTIO_GPU_CMD_UPDATE_CURSOR, cmd_update_cursor },
	{ VIRTIO_GPU_CMD_MOVE_CURSOR, cmd_move_cursor },
};

/**
 * cmd_find - Find the handler of a request type
 * @type: VIRTIO_GPU_CMD_*
 *
 * Return: the handler, or NULL.
 */
cmd_fn cmd_find(u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(cmd_table); i++)
		if (cmd_table[i].type == type)
			return cmd_table[i].fn;
	return NULL;
}

/* Rules that a driver breaks by believing what the device says. */
static const struct {
	const char *rule;
	u32 lies;
} cmd_believers[] = {
	{ "scanout-range", LIE_CONFIG },
	{ "capset-index", LIE_CONFIG },
	{ "blob-alignment", LIE_CONFIG },
	{ "map-alignment", LIE_CONFIG },
	{ "capset-id", LIE_CAPSETS },
	{ "capset-version", LIE_CAPSETS },
	{ "ctx-capset", LIE_CAPSETS },
	{ "response-short", LIE_CAPSETS },
};

static bool cmd_was_misled(const struct device *d, const char *rule)
{
	for (size_t i = 0; d->lies && i < ARRAY_SIZE(cmd_believers); i++)
		if (!strcmp(cmd_believers[i].rule, rule))
			return d->lies & cmd_believers[i].lies;
	return false;
}

static void cmd_excuse(struct device *d, const char *rule)
{
	d->excused++;
	trace_begin(&d->trace, "excused");
	trace_u64(&d->trace, "seq", d->job->seq);
	trace_str(&d->trace, "rule", rule);
	trace_end(&d->trace);
}

static void cmd_report(struct device *d, const char *rule, const char *fmt, va_list ap)
{
	struct job *job = d->job;
	struct bug_where where = {
		.queue = job->queue, .seq = job->seq, .cmd = job_name(job),
		.bytes = job->req, .len = job->req_len,
	};
	char text[160];

	if (cmd_was_misled(d, rule)) {
		cmd_excuse(d, rule);
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	bug_report(&d->bugs, rule, &where, text);
	d->job_bugs = true;
}

/**
 * cmd_bug - Report that the request being executed breaks a rule
 * @d: the device
 * @rule: name of the rule
 * @resp: response type to answer with
 * @fmt: what is wrong
 *
 * Return: @resp.
 */
u32 cmd_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cmd_report(d, rule, fmt, ap);
	va_end(ap);
	return resp;
}

static s64 request_resource(const struct job *job)
{
	if (!job->cmd || job->req_len < job->cmd->size)
		return -1;
	for (const struct wire_field *f = job->cmd->f; f->size; f++)
		if (f->name && !strcmp(f->name, "res"))
			return get_le32(job->req + f->off);
	return -1;
}

/**
 * cmd_state_bug - Report a broken rule that is about an object's state
 * @d: the device
 * @rule: name of the rule
 * @resp: response type to answer with
 * @fmt: what is wrong
 *
 * The driver is excused when an earlier request about the object failed by a
 * fault, a limit of ours or a user's mistake: it may have sent this one before
 * it knew.
 *
 * Return: @resp.
 */
u32 cmd_state_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
{
	s64 res = request_resource(d->job);
	u32 ctx = d->job->hdr.ctx_id;
	va_list ap;

	if ((res >= 0 && idmap_find(&d->doubt_res, res)) ||
	    (ctx && idmap_find(&d->doubt_ctx, ctx))) {
		cmd_excuse(d, rule);
		return resp;
	}
	va_start(ap, fmt);
	cmd_report(d, rule, fmt, ap);
	va_end(ap);
	return resp;
}

/**
 * cmd_user - Note that a request fails by what a user of the driver asked for
 * @d: the device
 * @resp: response type to answer with
 * @fmt: what is wrong
 *
 * Return: @resp.
 */
u32 cmd_user(struct device *d, u32 resp, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->bugs.user++;
	trace_begin(&d->trace, "user-error");
	trace_u64(&d->trace, "seq", d->job->seq);
	trace_str(&d->trace, "cmd", job_name(d->job));
	trace_str(&d->trace, "text", text);
	trace_end(&d->trace);
	return resp;
}

static u32 request_check_flags(struct device *d, struct job *job)
{
	const struct wire_hdr *h = &job->hdr;
	u32 known = VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX;
	u32 bad = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	int pad;

	if (h->flags & ~known)
		return cmd_bug(d, "flags", bad, "unknown flags %#x", h->flags);
	pad = wire_padding(job->cmd, job->req);
	if (pad >= 0)
		cmd_bug(d, "padding", 0, "padding at offset %d is not zero", pad);
	if (h->ctx_id && !device_has(d, VIRTIO_GPU_F_VIRGL))
		return cmd_bug(d, "ctx-feature", bad,
			       "context %u without VIRGL", h->ctx_id);
	if (!(h->flags & VIRTIO_GPU_FLAG_INFO_RING_IDX)) {
		if (h->ring_idx)
			cmd_bug(d, "ring-flag", 0, "ring %u without its flag",
				h->ring_idx);
		return 0;
	}
	if (!device_has(d, VIRTIO_GPU_F_CONTEXT_INIT))
		return cmd_bug(d, "ring-feature", bad, "ring without CONTEXT_INIT");
	if (h->ring_idx > RING_MAX)
		return cmd_bug(d, "ring-range", bad, "ring %u", h->ring_idx);
	return 0;
}

static u32 request_check_timeline(struct device *d, struct job *job)
{
	const struct wire_hdr *h = &job->hdr;
	struct timeline *tl = &d->fence.global;

	if (h->flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) {
		struct context *ctx = idmap_find(&d->contexts, h->ctx_id);

		if (!ctx)
			return cmd_state_bug(d, "ring-context",
					     VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
					     "ring of context %u, which does not exist",
					     h->ctx_id);
		job->ctx = context_get(ctx);
		tl = &ctx->ring[h->ring_idx];
	}
	if (!(h->flags & VIRTIO_GPU_FLAG_FENCE))
		return 0;
	if (tl->used && h->fence_id <= tl->last)
		cmd_bug(d, "fence-order", 0,
			"fence %llu is not above %llu, the last on its timeline",
			(unsigned long long)h->fence_id,
			(unsigned long long)tl->last);
	tl->used = true;
	tl->last = MAX(tl->last, h->fence_id);
	job->tl = tl;
	return 0;
}

static u32 request_check_shape(struct device *d, struct job *job)
{
	const struct wire_cmd *cmd = job->cmd;
	u32 bad = VIRTIO_GPU_RESP_ERR_UNSPEC;

	if (cmd->queue != job->queue)
		return cmd_bug(d, "wrong-queue", bad, "request on queue %u",
			       job->queue);
	if (cmd->feature != WIRE_NO_FEATURE && !device_has(d, cmd->feature))
		return cmd_bug(d, "feature-missing", bad,
			       "feature bit %u was not negotiated", cmd->feature);
	if (job->req_len < cmd->size)
		return cmd_bug(d, "request-short", bad, "%llu bytes, needs %u",
			       (unsigned long long)job->req_len, cmd->size);
	if (job->req_len > cmd->size && !cmd->tail)
		return cmd_bug(d, "request-long", bad, "%llu bytes, needs %u",
			       (unsigned long long)job->req_len, cmd->size);
	/* Cursor requests may do without a response. */
	if (job->chain.in_len < cmd->resp_size &&
	    (job->queue == WIRE_CONTROLQ || job->chain.in_len))
		return cmd_bug(d, "response-short", bad,
			       "room for %llu bytes of response, needs %u",
			       (unsigned long long)job->chain.in_len,
			       cmd->resp_size);
	return 0;
}

static u32 request_check(struct device *d, struct job *job)
{
	u32 resp;

	if (job->req_len < WIRE_HDR_SIZE)
		return cmd_bug(d, "request-short", VIRTIO_GPU_RESP_ERR_UNSPEC,
			       "%llu bytes, not even a header",
			       (unsigned long long)job->req_len);
	wire_hdr_get(&job->hdr, job->req);
	job->cmd = wire_find(job->hdr.type);
	if (!job->cmd)
		return cmd_bug(d, "unknown-type", VIRTIO_GPU_RESP_ERR_UNSPEC,
			       "request type %#x", job->hdr.type);
	resp = request_check_shape(d, job);
	if (!resp)
		resp = request_check_flags(d, job);
	if (!resp)
		resp = request_check_timeline(d, job);
	return resp;
}

static u32 request_read(struct device *d, struct job *job)
{
	if (job->chain.out_len > d->opt.max_request)
		return cmd_user(d, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
				"request of %llu bytes",
				(unsigned long long)job->chain.out_len);
	job->req_len = job->chain.out_len;
	job->req = malloc(job->req_len + 1);
	if (!job->req)
		log_die("out of memory");
	if (!vq_chain_read(&d->vq[job->queue], &job->chain, job->req, job->req_len))
		job->req_len = 0;
	d->stats.bytes_in += job->req_len;
	return 0;
}

struct request_faults {
	struct device *d;
	struct job *job;
};

static void request_edit(struct job_fault *f, u32 size, const struct fault_action *a)
{
	if (f->nedit < JOB_EDITS)
		f->edit[f->nedit++] = (struct job_edit){ a->a, size, a->b };
}

static void request_fault_wait(struct job *job, const struct fault_action *a)
{
	switch (a->kind) {
	case FAULT_NEVER:
		job->fault.never = true;
		job->unordered = true;
		break;
	case FAULT_HANG:
		job->fault.hang = true;
		break;
	case FAULT_KICKS:
		job->wait_kicks = a->a;
		break;
	case FAULT_SLOW:
		job->work_kicks = a->a;
		break;
	case FAULT_MS:
		job->wait_until = fence_now_ms() + a->a;
		break;
	case FAULT_BEHIND:
		job->wait_answers = a->a;
		job->unordered = true;
		break;
	case FAULT_TOKEN:
		job->wait_token = a->a;
		break;
	default:
		break;
	}
}

static bool request_fault_answer(struct job_fault *f, const struct fault_action *a)
{
	switch (a->kind) {
	case FAULT_ERROR:
		f->error = a->a;
		return true;
	case FAULT_ERROR_AFTER:
		f->error_after = a->a;
		return true;
	case FAULT_SHORT:
		f->cut = a->a;
		return true;
	case FAULT_LONG:
		f->used = a->a;
		return true;
	case FAULT_TYPE:
		f->type = a->a;
		return true;
	case FAULT_FENCE_ADD:
		f->fence_add = a->a;
		return true;
	case FAULT_FENCE_SET:
		f->fence_set = true;
		f->fence_value = a->a;
		return true;
	case FAULT_RING:
		f->ring = a->a & 0xff;
		return true;
	case FAULT_CTX:
		f->ctx = a->a & 0xffffffff;
		return true;
	case FAULT_FLAGS:
		f->flags = a->a & 0xffffffff;
		return true;
	case FAULT_SET8:
		request_edit(f, 1, a);
		return true;
	case FAULT_SET32:
		request_edit(f, 4, a);
		return true;
	case FAULT_SET64:
		request_edit(f, 8, a);
		return true;
	case FAULT_GARBAGE:
		f->garbage = a->a & 0xffffffff;
		return true;
	case FAULT_TWICE:
		f->twice = true;
		return true;
	case FAULT_BAD_ID:
		f->bad_id = true;
		return true;
	default:
		return false;
	}
}

static void request_fault(void *opaque, const struct fault_action *a)
{
	struct request_faults *rf = opaque;

	rf->job->faulty = true;
	if (request_fault_answer(&rf->job->fault, a))
		return;
	request_fault_wait(rf->job, a);
	if (a->kind == FAULT_STOP)
		rf->d->stopped |= 1u << rf->job->queue;
	else if (a->kind == FAULT_LAZY)
		rf->d->lazy |= 1u << rf->job->queue;
	else
		device_fault_event(rf->d, a);
}

static void request_faults(struct device *d, struct job *job)
{
	struct request_faults rf = { d, job };
	struct fault_event ev = {
		.type = job->hdr.type,
		.queue = job->queue,
		.fenced = job->hdr.flags & VIRTIO_GPU_FLAG_FENCE,
		.ctx = job->hdr.ctx_id,
		.ring = job->hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX ?
			job->hdr.ring_idx : -1,
		.res = request_resource(job),
	};

	fault_apply(&d->fault, &ev, request_fault, &rf);
}

static void request_trace(struct device *d, const struct job *job)
{
	struct trace *t = &d->trace;

	trace_begin(t, "cmd");
	trace_u64(t, "seq", job->seq);
	trace_u64(t, "q", job->queue);
	trace_str(t, "cmd", job_name(job));
	if (job->hdr.flags & VIRTIO_GPU_FLAG_FENCE)
		trace_u64(t, "fence", job->hdr.fence_id);
	if (job->hdr.ctx_id)
		trace_u64(t, "ctx", job->hdr.ctx_id);
	if (job->hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX)
		trace_u64(t, "ring", job->hdr.ring_idx);
	if (job->cmd && job->req_len >= job->cmd->size)
		wire_trace(t, job->cmd, job->req);
	trace_str(t, "resp", wire_resp_name(job->resp_type));
	trace_end(t);
}

static void doubt(struct idmap *map, u32 id, struct device *d)
{
	if (id && !idmap_find(map, id))
		idmap_add(map, id, d);
}

/* Who is right about the state of an object when a request about it failed? */
static void request_doubt(struct device *d, const struct job *job)
{
	bool scanout = job->hdr.type == VIRTIO_GPU_CMD_SET_SCANOUT ||
		       job->hdr.type == VIRTIO_GPU_CMD_SET_SCANOUT_BLOB;
	bool failed = job->resp_type >= VIRTIO_GPU_RESP_ERR_UNSPEC && !d->job_bugs;
	s64 res = request_resource(job);

	if (!job->faulty && !failed) {
		if (job->hdr.type == VIRTIO_GPU_CMD_RESOURCE_UNREF && res >= 0)
			idmap_remove(&d->doubt_res, res);
		if (job->hdr.type == VIRTIO_GPU_CMD_CTX_DESTROY)
			idmap_remove(&d->doubt_ctx, job->hdr.ctx_id);
		return;
	}
	if (job->hdr.type == VIRTIO_GPU_CMD_GET_CAPSET_INFO)
		d->lies |= LIE_CAPSETS;
	doubt(&d->doubt_res, res > 0 ? res : 0, d);
	doubt(&d->doubt_ctx, job->hdr.ctx_id, d);
	for (u32 n = 0; scanout && n < d->display.n; n++)
		if (d->display.out[n].res)
			doubt(&d->doubt_res, d->display.out[n].res->id, d);
}

static void request_execute(struct device *d, struct job *job)
{
	u32 resp = request_read(d, job);

	if (!resp)
		resp = request_check(d, job);
	request_faults(d, job);
	if (!resp)
		resp = job->fault.error;
	if (!resp)
		resp = cmd_find(job->hdr.type)(d, job);
	if (job->fault.error_after)
		resp = job->fault.error_after;
	if (resp >= VIRTIO_GPU_RESP_ERR_UNSPEC || !job->resp)
		job_reserve(job, 0);
	job->resp_type = resp;
	if (resp >= VIRTIO_GPU_RESP_ERR_UNSPEC)
		d->stats.errors++;
	fuzz_job(&d->fuzz, job);
	request_doubt(d, job);
}

/**
 * request_run - Execute the request in a buffer
 * @d: the device
 * @queue: number of the queue it came from
 * @chain: the buffer, taken over
 *
 * The answer goes back with the next fence_pump() that finds it ready.
 */
void request_run(struct device *d, unsigned int queue, struct vq_chain *chain)
{
	struct job *job = job_create();

	job->seq = ++d->seq;
	job->queue = queue;
	job->chain = *chain;
	d->dirty = true;
	d->job = job;
	d->job_bugs = false;
	d->stats.requests++;
	request_execute(d, job);
	request_trace(d, job);
	d->job = NULL;
	fence_add(&d->fence, job);
}
