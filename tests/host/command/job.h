/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_JOB_H
#define VGPU_HOST_JOB_H

#include <sys/queue.h>

#include "fault.h"
#include "virtqueue.h"
#include "wire.h"

#define JOB_EDITS 8

/** struct timeline - a sequence of fences that complete in order */
struct timeline {
	u64 last;	/* highest fence id submitted */
	bool used;	/* @last means something */
	u64 blocked;	/* pass in which an earlier job was not ready */
	u64 done;	/* highest fence id answered around @done_pass */
	u64 done_pass;	/* pass in which the last one was */
};

/** struct job_edit - bytes of a response that a fault overwrites */
struct job_edit {
	u32 off;
	u32 size;
	u64 value;
};

/**
 * struct job_fault - what faults do to one answer
 * @has: bit n: enum fault_kind n does, with @value
 * @value: by enum fault_kind
 * @edit: bytes to overwrite
 * @nedit: how many
 */
struct job_fault {
	u32 has;
	u64 value[FAULT_ANSWERS];
	struct job_edit edit[JOB_EDITS];
	unsigned int nedit;
};

/**
 * struct job - one request, from the ring and back
 * @link: in the list of unanswered jobs
 * @seq: number of the request
 * @queue: number of the queue
 * @chain: the buffer
 * @hdr: request header
 * @cmd: what it is, or NULL when the type is unknown
 * @req: request bytes
 * @req_len: how many
 * @started: it is read and checked, and its handler runs
 * @at: part of the request that is being executed
 * @done: bytes of that part that are done
 * @resp: response; its header is written when it is sent
 * @resp_len: bytes of it
 * @resp_type: type of the response
 * @answer_hdr: header as it will be sent
 * @tl: timeline of its fence, or NULL
 * @ctx: its context (a reference), or NULL
 * @res: while it is executed, its resource, or NULL
 * @wait_kicks: answer after so many more kicks of its queue
 * @work_kicks: answer after so many more of them, which count for one job at a time
 * @wait_answers: answer after so many other answers
 * @wait_until: answer not before this time, ms of the monotonic clock
 * @wait_token: answer after this token was released, 0: none
 * @wait_front: the front end has yet to do something
 * @unordered: does not hold back its timeline
 * @deferred: it could not be answered at once
 * @fault: what goes wrong
 * @spoiled: the driver gets another answer than the right one, or none
 * @doubted: a doubt of the judge ends with its answer
 * @budget: charged for the request and the answer, or NULL
 * @charged: bytes of it
 */
struct job {
	TAILQ_ENTRY(job) link;
	u64 seq;
	unsigned int queue;
	struct vq_chain chain;
	struct wire_hdr hdr;
	const struct command *cmd;
	void *req;
	u64 req_len;
	bool started;
	u64 at, done;
	u8 *resp;
	u64 resp_len;
	u32 resp_type;
	struct wire_hdr answer_hdr;
	struct timeline *tl;
	struct context *ctx;
	struct resource *res;
	u64 wait_kicks;
	u64 work_kicks;
	u64 wait_answers;
	u64 wait_until;
	u32 wait_token;
	bool wait_front;
	bool unordered;
	bool deferred;
	bool spoiled, doubted;
	struct budget *budget;
	u64 charged;
	struct job_fault fault;
};

TAILQ_HEAD(job_list, job);

static inline bool fault_has(const struct job_fault *f, enum fault_kind kind)
{
	return f->has & 1u << kind;
}

static inline void fault_set(struct job_fault *f, enum fault_kind kind, u64 value)
{
	f->has |= 1u << kind;
	f->value[kind] = value;
}

/* What a fault writes in place of @right. */
static inline u64 fault_or(const struct job_fault *f, enum fault_kind kind, u64 right)
{
	return fault_has(f, kind) ? f->value[kind] : right;
}

/* A fault keeps the answer for ever. */
static inline bool job_is_kept(const struct job *job)
{
	return job->fault.has & (1u << FAULT_NEVER | 1u << FAULT_HANG);
}

struct job *job_create(void);
void job_destroy(struct job *job);
void *job_reserve(struct job *job, u64 len);
const char *job_name(const struct job *job);

#endif
