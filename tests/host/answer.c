// SPDX-License-Identifier: MIT
/* Answers: the response header, what faults do to it, and the used ring. */
#include "answer.h"
#include "device.h"

static void answer_header(struct job *job)
{
	const struct job_fault *f = &job->fault;
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
	if (f->type)
		h.type = f->type;
	if (f->fence_set)
		h.fence_id = f->fence_value;
	h.fence_id += f->fence_add;
	if (f->ring >= 0)
		h.ring_idx = f->ring;
	if (f->ctx >= 0)
		h.ctx_id = f->ctx;
	if (f->flags >= 0)
		h.flags = f->flags;
	wire_hdr_put(job->resp, &h);
	job->answer_hdr = h;
}

static void answer_payload(struct job *job)
{
	const struct job_fault *f = &job->fault;

	if (f->garbage >= 0 && job->resp_len > WIRE_HDR_SIZE)
		fuzz_fill(f->garbage, job->resp + WIRE_HDR_SIZE,
			  job->resp_len - WIRE_HDR_SIZE);
	for (unsigned int i = 0; i < f->nedit; i++) {
		const struct job_edit *e = &f->edit[i];

		for (u32 k = 0; k < e->size && (u64)e->off + k < job->resp_len; k++)
			job->resp[e->off + k] = e->value >> 8 * k;
	}
}

static void answer_trace(struct device *d, const struct job *job, u32 used)
{
	struct trace *t = &d->trace;

	if (!job->deferred && !job->faulty)
		return;
	trace_begin(t, "answer");
	trace_u64(t, "seq", job->seq);
	trace_str(t, "cmd", job_name(job));
	if (job->answer_hdr.flags & VIRTIO_GPU_FLAG_FENCE)
		trace_u64(t, "fence", job->answer_hdr.fence_id);
	trace_str(t, "resp", wire_resp_name(job->answer_hdr.type));
	trace_u64(t, "used", used);
	if (job->faulty)
		trace_u64(t, "faulty", 1);
	trace_end(t);
}

/**
 * answer_send - Write a response and return its buffer to the driver
 * @d: the device
 * @job: executed and ready; still the caller's
 */
void answer_send(struct device *d, struct job *job)
{
	struct virtqueue *vq = &d->vq[job->queue];
	u64 len = job->resp_len;
	u32 used;

	answer_header(job);
	answer_payload(job);
	if (job->fault.cut >= 0)
		len = MIN(len, (u64)job->fault.cut);
	used = vq_chain_write(vq, &job->chain, job->resp, len);
	if (job->fault.used >= 0)
		used = job->fault.used;
	answer_trace(d, job, used);
	d->stats.answers++;
	d->stats.bytes_out += used;
	vq_push(vq, &job->chain, used);
	if (job->fault.twice)
		vq_push_raw(vq, job->chain.id, job->chain.slots, used);
	if (job->fault.bad_id)
		vq_push_raw(vq, 0xffff, 1, used);
}
