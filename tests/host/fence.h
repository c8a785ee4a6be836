/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_FENCE_H
#define VGPU_HOST_FENCE_H

#include "idmap.h"
#include "job.h"

#define FENCE_FOREVER UINT64_MAX

/** typedef fence_answer_fn - returns a job's buffer to the driver */
typedef void (*fence_answer_fn)(void *opaque, struct job *job);

/**
 * struct fence - the jobs that are not answered yet
 * @jobs: in the order they came
 * @count: how many
 * @global: timeline of fences without a ring
 * @released: tokens that were released
 * @pass: number of the current walk
 * @in_order: buffers must return in the order they came
 * @held: answers are held back, all of them
 * @off: bit n: answers of queue n are held back, the front end disabled it
 * @answer: called for each job that is ready
 * @opaque: its first argument
 */
struct fence {
	struct job_list jobs;
	u64 count;
	struct timeline global;
	struct idmap released;
	u64 pass;
	bool in_order;
	bool held;
	u32 off;
	fence_answer_fn answer;
	void *opaque;
};

void fence_init(struct fence *f, fence_answer_fn answer, void *opaque);
void fence_add(struct fence *f, struct job *job);
void fence_kick(struct fence *f, unsigned int queue);
void fence_release(struct fence *f, u32 token);
bool fence_is_open(const struct fence *f, u64 seq);
void fence_pump(struct fence *f);
u64 fence_deadline(const struct fence *f);
void fence_drop(struct fence *f, int queue);
u64 fence_now_ms(void);

#endif
