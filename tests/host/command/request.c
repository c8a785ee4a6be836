// SPDX-License-Identifier: MIT
/* One request: read it, check it, let the fault script see it, execute it, hand it over. */
#include <stdlib.h>

#include "command.h"
#include "log.h"

#define RING_MAX 63
#define READ_PIECE 65536ull
#define RESPONSE_MAX (WIRE_HDR_SIZE + 65536ull)	/* the largest capset */

static u32 request_check_flags(struct device *d, struct job *job)
{
	const struct wire_hdr *h = &job->hdr;
	u32 known = VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX;
	u32 bad = BAD_PARAM;
	int pad;

	if (h->flags & ~known)
		cmd_bug(d, "flags", 0, "unknown flags %#x", h->flags);
	pad = command_padding(job->cmd, job->req);
	if (pad >= 0)
		cmd_bug(d, "padding", 0, "padding at offset %d is not zero", pad);
	if (h->ctx_id && !device_has(d, VIRTIO_GPU_F_VIRGL))
		cmd_bug(d, "ctx-feature", 0, "context %u without VIRGL", h->ctx_id);
	if (!(h->flags & VIRTIO_GPU_FLAG_INFO_RING_IDX)) {
		if (h->ring_idx)
			cmd_bug(d, "ring-flag", 0, "ring %u without its flag", h->ring_idx);
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
			return cmd_bug(d, "ring-context", BAD_CTX,
				       "ring of context %u, which does not exist", h->ctx_id);
		job->ctx = context_get(ctx);
		tl = &ctx->ring[h->ring_idx];
	}
	if (!(h->flags & VIRTIO_GPU_FLAG_FENCE))
		return 0;
	/* Without a ring it is but a cookie. */
	if (tl != &d->fence.global && tl->used && h->fence_id <= tl->last)
		cmd_bug(d, "fence-order", 0,
			"fence %llu is not above %llu, the last on its timeline", h->fence_id,
			tl->last);
	tl->used = true;
	tl->last = MAX(tl->last, h->fence_id);
	job->tl = tl;
	return 0;
}

static u32 request_check_shape(struct device *d, struct job *job)
{
	const struct command *cmd = job->cmd;
	u32 bad = UNSPEC, room = MAX(cmd->resp_size, WIRE_HDR_SIZE);

	if (cmd->queue != job->queue)
		return cmd_bug(d, "wrong-queue", bad, "request on queue %u", job->queue);
	if (cmd->feature != COMMAND_NO_FEATURE && !device_has(d, cmd->feature))
		return cmd_bug(d, "feature-missing", bad,
			       "feature bit %u was not negotiated", cmd->feature);
	if (job->req_len < cmd->size)
		return cmd_bug(d, "request-short", bad, "%llu bytes, needs %u",
			       job->req_len, cmd->size);
	if (job->req_len > cmd->size && !cmd->tail)
		cmd_bug(d, "request-long", 0, "%llu bytes, needs %u", job->req_len, cmd->size);
	/* Cursor requests may do without a response. */
	if (job->chain.in_len < room && (job->queue == WIRE_CONTROLQ || job->chain.in_len))
		return cmd_bug(d, "response-short", bad,
			       "room for %llu bytes of response, needs %u", job->chain.in_len,
			       room);
	return 0;
}

static u32 request_check(struct device *d, struct job *job)
{
	u32 resp;

	if (job->req_len < WIRE_HDR_SIZE)
		return cmd_bug(d, "request-short", UNSPEC, "%llu bytes, not even a header",
			       job->req_len);
	wire_hdr_get(&job->hdr, job->req);
	job->cmd = command_find(job->hdr.type);
	if (!job->cmd)
		return cmd_bug(d, "unknown-type", UNSPEC, "request type %#x", job->hdr.type);
	resp = request_check_shape(d, job);
	if (!resp)
		resp = request_check_flags(d, job);
	if (!resp)
		resp = request_check_timeline(d, job);
	return resp;
}

/* The bytes of a request are charged until it is executed. */
static void request_alloc(struct device *d, struct job *job)
{
	const struct vq_chain *chain = &job->chain;
	u64 room = MIN(chain->in_len, RESPONSE_MAX);
	u64 cost = sizeof(*job) + chain->nin * sizeof(*chain->segs) + room + chain->out_len;
	u8 head[WIRE_HDR_SIZE] = { 0 };

	if (chain->out_len <= d->opt.max_request && budget_charge(&d->budget, cost)) {
		job->budget = &d->budget;
		job->charged = cost;
		job->req = malloc(chain->out_len + 1);
	}
	if (job->req) {
		job->req_len = chain->out_len;
		d->stats.bytes_in += job->req_len;
		return;
	}
	/* Its fence is answered with it, at once. */
	if (vq_chain_read(&d->vq[job->queue], chain, 0, head, sizeof(head)))
		wire_hdr_get(&job->hdr, head);
	job->resp_type = cmd_user(d, NO_MEMORY, "request of %llu bytes", chain->out_len);
}

/* Returns false when the slice is over before all is read. */
static bool request_read(struct device *d, struct job *job)
{
	while (job->done < job->req_len) {
		u64 n = MIN(job->req_len - job->done, READ_PIECE);

		if (!vq_chain_read(&d->vq[job->queue], &job->chain, job->done,
				   (u8 *)job->req + job->done, n))
			job->req_len = 0;	/* guest memory went away */
		job->done += n;
		if (device_spend(d, n) && job->done < job->req_len)
			return false;
	}
	job->done = 0;
	return true;
}

/* Of a request that waits for its answer, the fixed part and the answer are kept. */
static void request_trim(struct job *job)
{
	void *req;
	u64 cost;

	job->req_len = MIN(job->req_len, job->cmd ? job->cmd->size : 0u);
	req = realloc(job->req, job->req_len + 1);
	if (req)
		job->req = req;
	vq_chain_trim(&job->chain, job->budget ? UINT32_MAX : WIRE_HDR_SIZE);
	cost = sizeof(*job) + job->chain.nin * sizeof(*job->chain.segs) +
	       job->req_len + job->resp_len;
	if (!job->budget || cost > job->charged)
		return;
	budget_release(job->budget, job->charged - cost);
	job->charged = cost;
}

static void request_edit(struct job_fault *f, u32 size, const struct fault_action *a)
{
	if (f->nedit < JOB_EDITS)
		f->edit[f->nedit++] = (struct job_edit){ a->a, size, a->b };
}

static void request_fault(void *opaque, const struct fault_action *a)
{
	struct device *d = opaque;
	struct job *job = d->working;

	if (a->kind < FAULT_ANSWERS)
		fault_set(&job->fault, a->kind, a->a);
	job->unordered |= a->kind == FAULT_NEVER || a->kind == FAULT_BEHIND;
	switch (a->kind) {
	case FAULT_SET8:
	case FAULT_SET32:
	case FAULT_SET64:
		request_edit(&job->fault, a->kind == FAULT_SET8 ? 1 :
					  a->kind == FAULT_SET32 ? 4 : 8, a);
		break;
	case FAULT_KICKS:
		job->wait_kicks = a->a;
		break;
	case FAULT_SLOW:
		job->work_kicks = a->a;
		break;
	case FAULT_MS:
		job->wait_until = loop_now_ms() + a->a;
		break;
	case FAULT_BEHIND:
		job->wait_answers = a->a;
		break;
	case FAULT_TOKEN:
		job->wait_token = a->a;
		break;
	case FAULT_STOP:
		d->stopped |= 1u << job->queue;
		break;
	case FAULT_LAZY:
		d->lazy |= 1u << job->queue;
		break;
	default:
		if (a->kind > FAULT_LAZY)
			device_fault_event(d, a);
	}
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
		command_trace(t, job->cmd, job->req);
	trace_str(t, "resp", wire_resp_name(job->resp_type));
	if (t->requests) {
		trace_u64(t, "room", job->chain.in_len);
		trace_bytes(t, "bytes", job->req, job->req_len);
	}
	trace_end(t);
}

static void request_end(struct device *d, struct job *job, u32 resp)
{
	job->res = NULL;
	if (resp >= UNSPEC || fault_has(&job->fault, FAULT_ERROR_AFTER) || !job->resp)
		job_reserve(job, WIRE_HDR_SIZE);
	job->resp_type = resp;
	fuzz_job(&d->fuzz, job);
	if (d->fence.by_id && job->tl == &d->fence.global &&
	    !fault_has(&job->fault, FAULT_FENCE_SET))
		fault_set(&job->fault, FAULT_FENCE_SET, (u32)job->hdr.fence_id);
	answer_prepare(job);
	if (job->resp_type >= UNSPEC)
		d->stats.errors++;
	judge_end(&d->judge);
	request_trace(d, job);
	request_trim(job);
	fence_add(&d->fence, job);
}

/* Returns the error to answer with, or 0. */
static u32 request_start(struct device *d, struct job *job)
{
	u32 resp = job->resp_type ? job->resp_type : request_check(d, job);

	job->started = true;
	fault_apply(&d->fault, job, request_fault, d);
	if (!resp)
		resp = command_check(d, job);
	/* An error of the fault script takes the place of the execution. */
	if (!resp && fault_has(&job->fault, FAULT_ERROR)) {
		job->spoiled = true;
		resp = job->fault.value[FAULT_ERROR];
	}
	return resp;
}

/* Carry on with the request under way; @d->working is NULL when it is executed. */
void request_resume(struct device *d)
{
	struct job *job = d->working;
	u32 resp = 0;

	if (!job->started) {
		if (!request_read(d, job))
			return;
		resp = request_start(d, job);
	}
	if (!resp)
		resp = command_run(d, job);
	if (resp == CMD_AGAIN)
		return;
	d->working = NULL;
	request_end(d, job, resp);
}

/*
 * Execute the request in a buffer, which is taken over. The answer goes back with the next
 * fence_pump() that finds it ready. A request that takes long is @d->working, for
 * request_resume().
 */
void request_run(struct device *d, unsigned int queue, struct vq_chain *chain)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->seq = ++d->bugs.seq;
	job->queue = queue;
	job->chain = *chain;
	d->dirty = true;
	judge_begin(&d->judge, job);
	d->stats.requests++;
	request_alloc(d, job);
	d->working = job;
	request_resume(d);
}
