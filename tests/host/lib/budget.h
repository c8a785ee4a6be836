/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_BUDGET_H
#define VGPU_HOST_BUDGET_H

#include "base.h"

/**
 * struct budget - what the guest can make the host spend
 * @limit: bytes of memory
 * @used: bytes in use, in whole pages
 * @max_files: open memory files
 * @files: how many are open
 * @trash: large memory that budget_sweep() still has to unmap
 */
struct budget {
	u64 limit, used;
	u32 max_files, files;
	struct budget_trash *trash;
};

bool budget_charge(struct budget *b, u64 bytes);
void budget_release(struct budget *b, u64 bytes);
void *budget_alloc(struct budget *b, u64 n, u64 size);
void budget_free(struct budget *b, void *p, u64 bytes);
void *budget_file(struct budget *b, u64 bytes, int *fd);
void budget_file_close(struct budget *b, void *p, u64 bytes, int fd);
bool budget_sweep(struct budget *b);

#endif
