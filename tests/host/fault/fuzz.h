/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_FUZZ_H
#define VGPU_HOST_FUZZ_H

#include "job.h"

/**
 * struct fuzz - a hostile host
 * @on: it is
 * @rate: of 1000 answers, so many are mutated
 * @state: of the generator
 * @mutated: answers mutated so far
 * @drop: it may also keep answers for ever
 * @calm: so many answers are left alone first
 */
struct fuzz {
	bool on;
	u32 rate;
	u64 state;
	u64 mutated;
	bool drop;
	u64 calm;
};

bool fuzz_parse(struct fuzz *f, const char *text);
u64 fuzz_next(struct fuzz *f);
void fuzz_job(struct fuzz *f, struct job *job);
bool fuzz_config(struct fuzz *f, void *config, size_t len);
void fuzz_fill(u64 seed, void *p, size_t len);

#endif
