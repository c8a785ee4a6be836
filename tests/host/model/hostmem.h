/* SPDX-License-Identifier: MIT */
#pragma once

#include "gmem.h"
#include "resource.h"

/* The host-visible window. */
struct hostmem {
	u64 size;	/* bytes, 0 when there is none */
	u64 at;		/* guest physical address where it is part of the guest's memory, else 0 */
	LIST_HEAD(, resource) maps;	/* resources in it */
	size_t n;			/* how many */
};

struct resource *hostmem_overlap(const struct hostmem *h, u64 off, u64 len);
u64 hostmem_len(const struct resource *res);
void hostmem_add(struct hostmem *h, struct resource *res, u64 off);
void hostmem_remove(struct hostmem *h, struct resource *res);
bool hostmem_lend(const struct hostmem *h, const struct gmem *gm, struct resource *res, u64 off);
void hostmem_take_back(struct resource *res);
void hostmem_fini(struct hostmem *h);
