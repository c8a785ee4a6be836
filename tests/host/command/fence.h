/* SPDX-License-Identifier: MIT */
#pragma once

#include "idmap.h"
#include "job.h"
#include "loop.h"

/* Returns a job's buffer to the driver. */
typedef void (*fence_answer_fn)(void *opaque, struct job *job);

/* The jobs that are not answered yet. */
struct fence {
	struct job_list jobs;	/* in the order they came */
	u64 count;		/* how many */
	u64 behind;		/* how many of them have @wait_answers */
	struct timeline global;	/* timeline of fences without a ring */
	struct timeline rings;	/* of all rings together: what was answered last */
	struct idmap released;	/* tokens that were released */
	u64 pass;		/* number of the current walk */
	bool early;		/* habit: a ring fence completes global ones of lower ids */
	bool by_id;		/* habit: a fence completes all with lower ids on its timeline */
	bool in_order;		/* buffers must return in the order they came */
	bool held;		/* answers are held back, all of them */
	u32 off;		/* bit n: those of queue n are, which the front end disabled */
	fence_answer_fn answer;	/* called for each job that is ready */
	void *opaque;		/* its first argument */
};

void fence_init(struct fence *f, struct budget *budget, fence_answer_fn answer, void *opaque);
void fence_add(struct fence *f, struct job *job);
void fence_kick(struct fence *f, unsigned int queue);
bool fence_release(struct fence *f, u32 token);
void fence_forget(struct fence *f, const struct context *ctx);
bool fence_is_open(const struct fence *f, u64 seq);
void fence_pump(struct fence *f);
u64 fence_deadline(const struct fence *f);
void fence_drop(struct fence *f, int queue);
