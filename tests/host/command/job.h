/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/queue.h>

#include "fault.h"
#include "virtqueue.h"
#include "wire.h"

#define JOB_EDITS 8

struct device;

/* A sequence of fences that complete in order. */
struct timeline {
	u64 last;	/* highest fence id submitted */
	bool used;	/* @last means something */
	u64 blocked;	/* pass in which an earlier job was not ready */
	u64 done;	/* highest fence id answered around @done_pass */
	u64 done_pass;	/* pass in which the last one was */
};

/* Bytes of a response that a fault overwrites. */
struct job_edit {
	u32 off;
	u32 size;
	u64 value;
};

/* What faults do to one answer. */
struct job_fault {
	u32 has;				/* bit n: enum fault_kind n does, with @value */
	u64 value[FAULT_ANSWERS];		/* by enum fault_kind */
	struct job_edit edit[JOB_EDITS];	/* bytes to overwrite */
	unsigned int nedit;			/* how many */
};

/* One request, from the ring and back. */
struct job {
	TAILQ_ENTRY(job) link;		/* in the list of unanswered jobs */
	u64 seq;			/* number of the request */
	unsigned int queue;		/* number of the queue */
	struct vq_chain chain;		/* the buffer */
	struct wire_hdr hdr;		/* request header */
	const struct command *cmd;	/* what it is, or NULL when the type is unknown */
	void *req;			/* request bytes */
	u64 req_len;			/* how many */
	bool started;			/* it is read and checked, and its handler runs */
	u64 at;				/* part of the request that is being executed */
	u64 done;			/* bytes of that part that are done */
	u8 *resp;			/* response; its header is written when it is sent */
	u64 resp_len;			/* bytes of it */
	u32 resp_type;			/* type of the response */
	struct wire_hdr answer_hdr;	/* header as it will be sent */
	struct timeline *tl;		/* timeline of its fence, or NULL */
	struct context *ctx;		/* its context (a reference), or NULL */
	struct resource *res;		/* while it is executed, its resource, or NULL */
	u64 wait_kicks;			/* answer after so many more kicks of its queue */
	u64 work_kicks;			/* the same, but one kick counts for one job only */
	u64 wait_answers;		/* answer after so many other answers */
	u64 wait_until;			/* answer not before this time, ms of the monotonic clock */
	u32 wait_token;			/* answer after this token was released, 0: none */
	bool wait_front;		/* the front end has yet to do something */
	bool unordered;			/* does not hold back its timeline */
	bool deferred;			/* it could not be answered at once */
	bool spoiled;			/* the driver does not get the right answer */
	bool doubted;			/* a doubt of the judge ends with its answer */
	struct budget *budget;		/* charged for the request and the answer, or NULL */
	u64 charged;			/* bytes of it */
	struct job_fault fault;		/* what goes wrong */
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

/* The way of a job: request.c executes it, answer.c sends the answer. */
void request_run(struct device *d, unsigned int queue, struct vq_chain *chain);
void request_resume(struct device *d);
void answer_prepare(struct job *job);
void answer_send(void *device, struct job *job);

void job_destroy(struct job *job);
void *job_reserve(struct job *job, u64 len);
const char *job_name(const struct job *job);
