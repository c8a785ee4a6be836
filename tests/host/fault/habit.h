/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "base.h"

/* What some real hosts do and a guest must live with, see vgpu-host.1. */
enum habit {
	HABIT_EARLY_FENCES,
	HABIT_FENCE32,
	HABIT_DROP_CONTEXT,
	HABIT_HOLD_POLL,
	HABIT_LATE_CAPSETS,
	HABIT_NO_CAPSET_ANSWER,
	HABIT_GRANULE16K,
	HABIT_MAP_ACCESS_BITS,
	HABIT_DWORD_SUBMIT,
	HABIT_SCANOUT_BLOB_16,
	HABIT_2D_BARE,
	HABIT_2D_CROSVM,
};

/* The token that releases what hold-poll holds. */
#define HABIT_POLL_TOKEN 1000000

struct device;

bool habit_like(u64 *habits, const char *host);
bool habit_change(u64 *habits, const char *list);
void habit_help(FILE *out);
void habit_start(struct device *d);
