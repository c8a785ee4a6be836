/* SPDX-License-Identifier: MIT */
#pragma once

#include "job.h"

/* A hostile host. */
struct fuzz {
	bool on;	/* it is */
	u32 rate;	/* of 1000 answers, so many are mutated */
	u64 state;	/* of the generator */
	u64 mutated;	/* answers mutated so far */
	bool drop;	/* it may also keep answers for ever */
	u64 calm;	/* so many answers are left alone first */
};

bool fuzz_parse(struct fuzz *f, const char *text);
void fuzz_job(struct fuzz *f, struct job *job);
bool fuzz_config(struct fuzz *f, void *config, size_t len);
void fuzz_fill(u64 seed, void *p, size_t len);
