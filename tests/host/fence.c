// SPDX-License-Identifier: MIT
/*
 * When answers go back. A fenced request is answered when it is complete and
 * everything before it on its timeline is; an unfenced one as soon as it can.
 * Faults and toy3d make requests wait for kicks, time, tokens or each other.
 */
#include <time.h>

#include "fence.h"

/**
 * fence_init - Make an empty set
 * @f: the set
 * @answer: called for each job that is ready, which it then owns
 * @opaque: its first argument
 */
void fence_init(struct fence *f, fence_answer_fn answer, void *opaque)
{
	memset(f, 0, sizeof(*f));
	TAILQ_INIT(&f->jobs);
	f->answer = answer;
	f->opaque = opaque;
}

/**
 * fence_now_ms - The clock that delays are measured with
 *
 * Return: milliseconds.
 */
u64 fence_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/**
 * fence_add - Add an executed job
 * @f: the set
 * @job: the job, owned by the set until it is answered
 */
void fence_add(struct fence *f, struct job *job)
{
	TAILQ_INSERT_TAIL(&f->jobs, job, link);
	f->count++;
}

/**
 * fence_kick - Count a kick for those who wait for kicks
 * @f: the set
 * @queue: the queue that was kicked
 */
void fence_kick(struct fence *f, unsigned int queue)
{
	bool at_work = false;
	struct job *job;

	TAILQ_FOREACH(job, &f->jobs, link) {
		if (job->queue != queue)
			continue;
		if (job->wait_kicks)
			job->wait_kicks--;
		if (job->work_kicks && !at_work) {
			job->work_kicks--;
			at_work = true;
		}
	}
}

/**
 * fence_release - Release a token, for good
 * @f: the set
 * @token: not 0
 */
void fence_release(struct fence *f, u32 token)
{
	if (!idmap_find(&f->released, token))
		idmap_add(&f->released, token, f);
}

static bool fence_ready(const struct fence *f, const struct job *job, u64 now)
{
	return !f->held && !(f->off & 1u << job->queue) &&
	       !job->fault.never && !job->fault.hang &&
	       !job->wait_front && !job->wait_kicks && !job->work_kicks && !job->wait_answers &&
	       (!job->wait_until || job->wait_until <= now) &&
	       (!job->wait_token || idmap_find(&f->released, job->wait_token));
}

static bool fence_needs_clock(const struct fence *f)
{
	const struct job *job;

	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->wait_until)
			return true;
	return false;
}

static void fence_answered(struct fence *f, const struct job *done)
{
	struct job *job;

	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->wait_answers && job->seq < done->seq)
			job->wait_answers--;
}

/* One walk in order of arrival; true when another may find more. */
static bool fence_walk(struct fence *f, u64 now)
{
	bool queue_blocked[WIRE_QUEUES] = { false }, again = false;
	struct job *job, *next;

	f->pass++;
	for (job = TAILQ_FIRST(&f->jobs); job; job = next) {
		struct timeline *tl = job->unordered ? NULL : job->tl;
		bool ready = fence_ready(f, job, now);

		next = TAILQ_NEXT(job, link);
		if (tl && tl->blocked == f->pass)
			ready = false;
		if (f->in_order && queue_blocked[job->queue])
			ready = false;
		if (!ready) {
			job->deferred = true;
			if (tl)
				tl->blocked = f->pass;
			queue_blocked[job->queue] = true;
			continue;
		}
		TAILQ_REMOVE(&f->jobs, job, link);
		f->count--;
		fence_answered(f, job);
		f->answer(f->opaque, job);
		again = true;
	}
	return again;
}

/**
 * fence_is_open - Is a request not answered yet?
 * @f: the set
 * @seq: number of the request
 *
 * Return: true if it is executed, and not answered.
 */
bool fence_is_open(const struct fence *f, u64 seq)
{
	const struct job *job;

	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->seq == seq)
			return true;
	return false;
}

/**
 * fence_pump - Answer what is ready
 * @f: the set
 */
void fence_pump(struct fence *f)
{
	u64 now = fence_needs_clock(f) ? fence_now_ms() : 0;

	while (!TAILQ_EMPTY(&f->jobs) && fence_walk(f, now))
		;
}

/**
 * fence_deadline - When the clock will make something ready
 * @f: the set
 *
 * Return: the earliest time somebody waits for, FENCE_FOREVER when nobody does.
 */
u64 fence_deadline(const struct fence *f)
{
	const struct job *job;
	u64 best = FENCE_FOREVER;

	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->wait_until)
			best = MIN(best, job->wait_until);
	return best;
}

/**
 * fence_drop - Forget jobs without an answer: the ring they came from is gone
 * @f: the set
 * @queue: jobs of this queue only, or -1 for all, and for the timelines' state
 */
void fence_drop(struct fence *f, int queue)
{
	struct job *job, *next;

	for (job = TAILQ_FIRST(&f->jobs); job; job = next) {
		next = TAILQ_NEXT(job, link);
		if (queue >= 0 && job->queue != (unsigned int)queue)
			continue;
		TAILQ_REMOVE(&f->jobs, job, link);
		f->count--;
		job_destroy(job);
	}
	if (queue < 0) {
		memset(&f->global, 0, sizeof(f->global));
		idmap_fini(&f->released);
	}
}
