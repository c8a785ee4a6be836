/* SPDX-License-Identifier: MIT */
#pragma once

#include "program.h"

void mutate_program(struct program *p, u64 seed);
void mutate_cross(struct program *out, const struct program *a, const struct program *b,
		  u64 seed);
