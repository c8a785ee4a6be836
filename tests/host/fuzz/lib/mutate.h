/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_FUZZ_MUTATE_H
#define VGPU_HOST_FUZZ_MUTATE_H

#include "program.h"

void mutate_program(struct program *p, u64 seed);
void mutate_cross(struct program *out, const struct program *a, const struct program *b,
		  u64 seed);

#endif
