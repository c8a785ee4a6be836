// SPDX-License-Identifier: MIT
/* Answers: the response header, what faults do to it, the used ring, and the end of a job. */
#include <stdlib.h>

#include "command.h"
#include "log.h"

/* Make room for a response of @len bytes with its header, all zero, and return it. */
void *job_reserve(struct job *job, u64 len)
{
	free(job->resp);
	job->resp_len = len;
	job->resp = xcalloc(1, job->resp_len);
	return job->resp;
}

const char *job_name(const struct job *job)
{
	return job->cmd ? job->cmd->name : "?";
}

static struct wire_hdr answer_header(const struct job *job)
{
	struct wire_hdr h = { .type = job->resp_type };

	if (job->hdr.flags & VIRTIO_GPU_FLAG_FENCE) {
		h.flags |= VIRTIO_GPU_FLAG_FENCE;
		h.fence_id = job->hdr.fence_id;
		h.ctx_id = job->hdr.ctx_id;
	}
	if (job->hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) {
		h.flags |= VIRTIO_GPU_FLAG_INFO_RING_IDX;
		h.ring_idx = job->hdr.ring_idx;
	}
	return h;
}

static void spoil_header(const struct job_fault *f, struct wire_hdr *h)
{
	h->type = fault_or(f, FAULT_TYPE, fault_or(f, FAULT_ERROR_AFTER, h->type));
	h->fence_id = fault_or(f, FAULT_FENCE_SET, h->fence_id) + f->value[FAULT_FENCE_ADD];
	h->ring_idx = fault_or(f, FAULT_RING, h->ring_idx);
	h->ctx_id = fault_or(f, FAULT_CTX, h->ctx_id);
	h->flags = fault_or(f, FAULT_FLAGS, h->flags);
}

static bool spoil_bytes(struct job *job)
{
	const struct job_fault *f = &job->fault;
	bool changed = fault_has(f, FAULT_GARBAGE) && job->resp_len > WIRE_HDR_SIZE;

	if (changed)
		fuzz_fill(f->value[FAULT_GARBAGE], job->resp + WIRE_HDR_SIZE,
			  job->resp_len - WIRE_HDR_SIZE);
	for (unsigned int i = 0; i < f->nedit; i++) {
		const struct job_edit *e = &f->edit[i];

		for (u32 k = 0; k < e->size && (u64)e->off + k < job->resp_len; k++) {
			changed |= job->resp[e->off + k] != (u8)(e->value >> 8 * k);
			job->resp[e->off + k] = e->value >> 8 * k;
		}
	}
	return changed;
}

static u64 answer_len(const struct job *job)
{
	u64 len = MIN(job->resp_len, job->chain.in_len);

	return MIN(len, fault_or(&job->fault, FAULT_SHORT, len));
}

/* Complete the answer to an executed job, let faults spoil it, and note whether they do. */
void answer_prepare(struct job *job)
{
	const struct job_fault *f = &job->fault;
	struct wire_hdr h = answer_header(job);
	u8 right[WIRE_HDR_SIZE];

	wire_hdr_put(right, &h);
	spoil_header(f, &h);
	wire_hdr_put(job->resp, &h);
	job->spoiled |= memcmp(right, job->resp, WIRE_HDR_SIZE);
	job->spoiled |= spoil_bytes(job);
	job->spoiled |= answer_len(job) < MIN(job->resp_len, job->chain.in_len) ||
			fault_or(f, FAULT_LONG, answer_len(job)) != answer_len(job) ||
			job_is_kept(job);
	job->answer_hdr = h;
}

static void answer_trace(struct device *d, const struct job *job, u32 used)
{
	struct trace *t = &d->trace;

	if (!job->deferred && !job->spoiled)
		return;
	trace_begin(t, "answer");
	trace_u64(t, "seq", job->seq);
	trace_str(t, "cmd", job_name(job));
	if (job->answer_hdr.flags & VIRTIO_GPU_FLAG_FENCE)
		trace_u64(t, "fence", job->answer_hdr.fence_id);
	trace_str(t, "resp", wire_resp_name(job->answer_hdr.type));
	trace_u64(t, "used", used);
	if (job->spoiled)
		trace_u64(t, "faulty", 1);
	trace_end(t);
}

/* Write the response, return its buffer to the driver, and free the job. */
void answer_send(void *device, struct job *job)
{
	struct device *d = device;
	struct virtqueue *vq = &d->vq[job->queue];
	u32 used = vq_chain_write(vq, &job->chain, job->resp, answer_len(job));

	used = fault_or(&job->fault, FAULT_LONG, used);
	answer_trace(d, job, used);
	judge_answered(&d->judge, job);
	d->stats.answers++;
	d->stats.bytes_out += used;
	vq_push(vq, &job->chain, used);
	if (fault_has(&job->fault, FAULT_TWICE))
		vq_return(vq, job->chain.id, job->chain.slots, used, 0);
	if (fault_has(&job->fault, FAULT_BAD_ID))
		vq_return(vq, 0xffff, 1, used, 0);
	job_destroy(job);
}

/* Free a job that is in no list. */
void job_destroy(struct job *job)
{
	if (job->ctx)
		context_put(job->ctx);
	vq_chain_free(&job->chain);
	if (job->budget)
		budget_release(job->budget, job->charged);
	free(job->req);
	free(job->resp);
	free(job);
}
