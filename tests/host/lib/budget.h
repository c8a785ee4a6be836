/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

/* What the guest can make the host spend. */
struct budget {
	u64 limit;			/* bytes of memory */
	u64 used;			/* bytes in use, in whole pages */
	u32 max_files;			/* open memory files */
	u32 files;			/* how many are open */
	struct budget_trash *trash;	/* large memory that budget_sweep() still has to unmap */
};

bool budget_charge(struct budget *b, u64 bytes);
void budget_release(struct budget *b, u64 bytes);
void *budget_alloc(struct budget *b, u64 n, u64 size);
void budget_free(struct budget *b, void *p, u64 bytes);
void *budget_file(struct budget *b, u64 bytes, int *fd);
void budget_file_close(struct budget *b, void *p, u64 bytes, int fd);
bool budget_sweep(struct budget *b);
