/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_JOB_H
#define VGPU_HOST_JOB_H

#include <sys/queue.h>

#include "virtqueue.h"
#include "wire.h"

#define JOB_EDITS 8

/** struct timeline - a sequence of fences that complete in order */
struct timeline {
	u64 last;	/* highest fence id submitted */
	bool used;	/* @last means something */
	u64 blocked;	/* pass in which an earlier job was not ready */
};

/** struct job_edit - bytes of a response that a fault overwrites */
struct job_edit {
	u32 off;
	u32 size;
	u64 value;
};

/**
 * struct job_fault - what a fault does to one answer
 * @error: answer with this response type instead of executing, or 0
 * @error_after: execute, then answer with this type, or 0
 * @type: response type to write, or 0
 * @cut: bytes of the response to write at most, or -1
 * @used: length to claim in the used ring, or -1
 * @fence_set: write @fence_value
 * @fence_value: absolute fence id
 * @fence_add: added to the fence id
 * @ring: ring index to write, or -1
 * @ctx: context id to write, or -1
 * @flags: header flags to write, or -1
 * @garbage: fill the payload from this seed, or -1
 * @edit: bytes to overwrite
 * @nedit: how many
 * @twice: return the buffer twice
 * @bad_id: return a buffer id that does not exist
 * @never: do not answer; others go on
 * @hang: do not answer, and neither what is later on the timeline
 */
struct job_fault {
	u32 error, error_after, type;
	s64 cut, used;
	bool fence_set;
	u64 fence_value;
	s64 fence_add;
	s64 ring, ctx, flags, garbage;
	struct job_edit edit[JOB_EDITS];
	unsigned int nedit;
	bool twice, bad_id, never, hang;
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
 * @resp: response; its header is written when it is sent
 * @resp_len: bytes of it
 * @resp_type: type of the response
 * @answer_hdr: header as it will be sent
 * @tl: timeline of its fence, or NULL
 * @ctx: its context (a reference), or NULL
 * @wait_kicks: answer after so many more kicks of its queue
 * @work_kicks: answer after so many more of them, which count for one job at a time
 * @wait_answers: answer after so many other answers
 * @wait_until: answer not before this time, ms of the monotonic clock
 * @wait_token: answer after this token was released, 0: none
 * @wait_front: the front end has yet to do something
 * @unordered: does not hold back its timeline
 * @deferred: it could not be answered at once
 * @fault: what goes wrong
 * @faulty: something does
 */
struct job {
	TAILQ_ENTRY(job) link;
	u64 seq;
	unsigned int queue;
	struct vq_chain chain;
	struct wire_hdr hdr;
	const struct wire_cmd *cmd;
	u8 *req;
	u64 req_len;
	u8 *resp;
	u64 resp_len;
	u32 resp_type;
	struct wire_hdr answer_hdr;
	struct timeline *tl;
	struct context *ctx;
	u64 wait_kicks;
	u64 work_kicks;
	u64 wait_answers;
	u64 wait_until;
	u32 wait_token;
	bool wait_front;
	bool unordered;
	bool deferred;
	bool faulty;
	struct job_fault fault;
};

TAILQ_HEAD(job_list, job);

struct job *job_create(void);
void job_destroy(struct job *job);
void *job_reserve(struct job *job, u64 payload);
const char *job_name(const struct job *job);

#endif
