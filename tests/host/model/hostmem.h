/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_HOSTMEM_H
#define VGPU_HOST_HOSTMEM_H

#include "gmem.h"
#include "resource.h"

/**
 * struct hostmem - the host-visible window
 * @size: bytes, 0 when there is none
 * @at: guest physical address where it is part of the guest's memory, else 0
 * @map: resources in it, in the order they were mapped
 * @n: how many
 * @cap: room in @map
 */
struct hostmem {
	u64 size, at;
	struct resource **map;
	size_t n, cap;
};

struct resource *hostmem_overlap(const struct hostmem *h, u64 off, u64 len);
u64 hostmem_len(const struct resource *res);
void hostmem_add(struct hostmem *h, struct resource *res, u64 off);
void hostmem_remove(struct hostmem *h, struct resource *res);
bool hostmem_lend(const struct hostmem *h, const struct gmem *gm, struct resource *res,
		  u64 off);
void hostmem_take_back(struct resource *res);
void hostmem_fini(struct hostmem *h);

#endif
