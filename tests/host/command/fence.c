// SPDX-License-Identifier: MIT
/*
 * When answers go back. A fenced request is answered when it is complete and
 * everything before it on its timeline is; an unfenced one as soon as it can.
 * Faults and toy3d make requests wait for kicks, time, tokens or each other.
 */
#include "fence.h"

/* What is charged for a released token. */
#define TOKEN 4096ull

/* @answer is called for each job that is ready, which it then owns. */
void fence_init(struct fence *f, struct budget *budget, fence_answer_fn answer, void *opaque)
{
	memset(f, 0, sizeof(*f));
	TAILQ_INIT(&f->jobs);
	f->released = (struct idmap){ .budget = budget, .cost = TOKEN };
	f->answer = answer;
	f->opaque = opaque;
}

/* Add an executed job, which the set owns until it is answered. */
void fence_add(struct fence *f, struct job *job)
{
	TAILQ_INSERT_TAIL(&f->jobs, job, link);
	f->count++;
	f->behind += !!job->wait_answers;
}

static void fence_remove(struct fence *f, struct job *job)
{
	TAILQ_REMOVE(&f->jobs, job, link);
	f->count--;
	f->behind -= !!job->wait_answers;
}

/* Count a kick for the jobs that wait for kicks. */
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

/* Release a token, which is not 0, for good. False: the budget refuses to remember it. */
bool fence_release(struct fence *f, u32 token)
{
	return idmap_find(&f->released, token) || idmap_add(&f->released, token, f);
}

/* Never answer the pending ring fences of a context. */
void fence_forget(struct fence *f, const struct context *ctx)
{
	struct job *job;

	TAILQ_FOREACH(job, &f->jobs, link) {
		if (!job->tl || job->tl == &f->global || job->ctx != ctx)
			continue;
		fault_set(&job->fault, FAULT_NEVER, 0);
		job->unordered = true;
	}
}

static bool fence_may_answer(const struct fence *f, const struct job *job)
{
	return !f->held && !(f->off & 1u << job->queue) && !job_is_kept(job) && !job->wait_front;
}

static bool fence_complete(const struct fence *f, const struct job *job, u64 now)
{
	return !job->wait_kicks && !job->work_kicks && !job->wait_answers &&
	       job->wait_until <= now &&
	       (!job->wait_token || idmap_find(&f->released, job->wait_token));
}

/* What was answered in this walk and the one before it completes more, by habit. */
static bool fence_is_recent(const struct fence *f, const struct timeline *tl)
{
	return tl->done_pass + 1 >= f->pass;
}

static u64 fence_kept_id(const struct fence *f, const struct job *job)
{
	return f->by_id && job->tl == &f->global ? (u32)job->hdr.fence_id : job->hdr.fence_id;
}

static bool fence_is_covered(const struct fence *f, const struct job *job)
{
	const struct timeline *tl = job->tl;

	if (!tl)
		return false;
	if (f->by_id && fence_is_recent(f, tl) && fence_kept_id(f, job) <= tl->done)
		return true;
	return f->early && tl == &f->global && fence_is_recent(f, &f->rings) &&
	       job->hdr.fence_id <= f->rings.done;
}

static void fence_note_done(const struct fence *f, struct timeline *tl, u64 id)
{
	tl->done = fence_is_recent(f, tl) ? MAX(tl->done, id) : id;
	tl->done_pass = f->pass;
}

static void fence_answered(struct fence *f, const struct job *done)
{
	struct job *job;

	if (done->tl)
		fence_note_done(f, done->tl, fence_kept_id(f, done));
	if (done->tl && done->tl != &f->global)
		fence_note_done(f, &f->rings, done->hdr.fence_id);
	if (!f->behind)
		return;
	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->wait_answers && job->seq < done->seq && !--job->wait_answers)
			f->behind--;
}

/* One walk in order of arrival; true when another may find more. */
static bool fence_walk(struct fence *f, u64 now)
{
	bool queue_blocked[WIRE_QUEUES] = { false }, again = false;
	struct job *job, *next;

	f->pass++;
	for (job = TAILQ_FIRST(&f->jobs); job; job = next) {
		struct timeline *tl = job->unordered ? NULL : job->tl;
		bool ready = fence_complete(f, job, now);

		next = TAILQ_NEXT(job, link);
		if (tl && tl->blocked == f->pass)
			ready = false;
		ready |= fence_is_covered(f, job);
		if (!fence_may_answer(f, job) || (f->in_order && queue_blocked[job->queue]))
			ready = false;
		if (!ready) {
			job->deferred = true;
			if (tl)
				tl->blocked = f->pass;
			queue_blocked[job->queue] = true;
			continue;
		}
		fence_remove(f, job);
		fence_answered(f, job);
		f->answer(f->opaque, job);
		again = true;
	}
	return again;
}

/* Check whether a request is executed but not answered. */
bool fence_is_open(const struct fence *f, u64 seq)
{
	const struct job *job;

	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->seq == seq)
			return true;
	return false;
}

/* Get the time at which the clock makes the next job ready, or LOOP_FOREVER. */
u64 fence_deadline(const struct fence *f)
{
	const struct job *job;
	u64 best = LOOP_FOREVER;

	TAILQ_FOREACH(job, &f->jobs, link)
		if (job->wait_until)
			best = MIN(best, job->wait_until);
	return best;
}

/* Answer what is ready. */
void fence_pump(struct fence *f)
{
	u64 now = fence_deadline(f) == LOOP_FOREVER ? 0 : loop_now_ms();

	/* What was answered in the last call completes nothing that came since. */
	f->pass++;
	while (!TAILQ_EMPTY(&f->jobs) && fence_walk(f, now))
		;
}

/* Forget the jobs of a queue whose ring is gone; with -1 all jobs, and the timelines. */
void fence_drop(struct fence *f, int queue)
{
	struct job *job, *next;

	for (job = TAILQ_FIRST(&f->jobs); job; job = next) {
		next = TAILQ_NEXT(job, link);
		if (queue >= 0 && job->queue != (unsigned int)queue)
			continue;
		fence_remove(f, job);
		job_destroy(job);
	}
	if (queue < 0) {
		memset(&f->global, 0, sizeof(f->global));
		idmap_fini(&f->released);
	}
}
