/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

#define GMEM_MAX_REGIONS 64

/* One piece of guest memory the front end shares. */
struct gmem_region {
	u64 gpa;	/* guest physical address of the first byte */
	u64 uva;	/* front end's virtual address of the first byte */
	u64 size;	/* bytes */
	u8 *host;	/* our mapping of the first byte */
	void *map;	/* what mmap() returned, or NULL when the memory is not ours to unmap */
	size_t map_len;	/* bytes of @map */
	int fd;		/* the file it is from, ours to close; unless @map is NULL */
};

/* The guest memory as the front end described it. */
struct gmem {
	struct gmem_region r[GMEM_MAX_REGIONS];
	unsigned int n;
};

void gmem_clear(struct gmem *gm);
int gmem_add_fd(struct gmem *gm, u64 gpa, u64 uva, u64 size, u64 offset, int fd);
int gmem_add_ptr(struct gmem *gm, u64 gpa, u64 uva, u64 size, void *host);
int gmem_remove(struct gmem *gm, u64 gpa, u64 uva, u64 size);
void *gmem_uva(const struct gmem *gm, u64 uva, u64 len);
int gmem_file(const struct gmem *gm, u64 gpa, u64 len, u64 *offset);
bool gmem_valid(const struct gmem *gm, u64 gpa, u64 len);
bool gmem_copy(const struct gmem *gm, u64 gpa, void *p, u64 len, bool to_guest);

static inline bool gmem_read(const struct gmem *gm, u64 gpa, void *dst, u64 len)
{
	return gmem_copy(gm, gpa, dst, len, false);
}

static inline bool gmem_write(const struct gmem *gm, u64 gpa, const void *src, u64 len)
{
	return gmem_copy(gm, gpa, (void *)src, len, true);
}
