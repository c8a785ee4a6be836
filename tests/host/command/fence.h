/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_FENCE_H
#define VGPU_HOST_FENCE_H

#include "budget.h"
#include "idmap.h"
#include "job.h"

#define FENCE_FOREVER UINT64_MAX

/** typedef fence_answer_fn - returns a job's buffer to the driver */
typedef void (*fence_answer_fn)(void *opaque, struct job *job);

/**
 * struct fence - the jobs that are not answered yet
 * @jobs: in the order they came
 * @count: how many
 * @behind: how many of them have @wait_answers
 * @global: timeline of fences without a ring
 * @rings: of all rings together: what was answered last
 * @released: tokens that were released
 * @budget: charged for them
 * @pass: number of the current walk
 * @early: habit: a ring fence completes global ones of lower ids
 * @by_id: habit: a fence completes all with lower ids on its timeline
 * @in_order: buffers must return in the order they came
 * @held: answers are held back, all of them
 * @off: bit n: answers of queue n are held back, the front end disabled it
 * @answer: called for each job that is ready
 * @opaque: its first argument
 */
struct fence {
	struct job_list jobs;
	u64 count, behind;
	struct timeline global, rings;
	struct idmap released;
	struct budget *budget;
	u64 pass;
	bool early, by_id;
	bool in_order;
	bool held;
	u32 off;
	fence_answer_fn answer;
	void *opaque;
};

void fence_init(struct fence *f, struct budget *budget, fence_answer_fn answer,
		void *opaque);
void fence_add(struct fence *f, struct job *job);
void fence_kick(struct fence *f, unsigned int queue);
bool fence_release(struct fence *f, u32 token);
void fence_forget(struct fence *f, const struct context *ctx);
bool fence_is_open(const struct fence *f, u64 seq);
void fence_pump(struct fence *f);
u64 fence_deadline(const struct fence *f);
void fence_drop(struct fence *f, int queue);
u64 fence_now_ms(void);

#endif
