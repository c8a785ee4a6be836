// SPDX-License-Identifier: MIT
/* What lies where in the host-visible window. */
#include <stdlib.h>

#include "hostmem.h"
#include "log.h"

#define PAGE 4096ull

/**
 * hostmem_len - Bytes a resource takes in the window
 * @res: the resource
 *
 * Return: its size in whole pages.
 */
u64 hostmem_len(const struct resource *res)
{
	return (res->size + PAGE - 1) & ~(PAGE - 1);
}

/**
 * hostmem_overlap - Find what is mapped in a range
 * @h: the window
 * @off: offset
 * @len: bytes
 *
 * Return: a resource mapped there, or NULL.
 */
struct resource *hostmem_overlap(const struct hostmem *h, u64 off, u64 len)
{
	for (size_t i = 0; i < h->n; i++) {
		struct resource *res = h->map[i];

		if (off < res->map_off + hostmem_len(res) && res->map_off < off + len)
			return res;
	}
	return NULL;
}

/**
 * hostmem_add - Note that a resource is mapped
 * @h: the window
 * @res: the resource, not mapped before
 * @off: where
 */
void hostmem_add(struct hostmem *h, struct resource *res, u64 off)
{
	if (h->n == h->cap) {
		struct resource **map;

		h->cap = h->cap ? 2 * h->cap : 16;
		map = xcalloc(h->cap, sizeof(*map));
		if (h->n)
			memcpy(map, h->map, h->n * sizeof(*map));
		free(h->map);
		h->map = map;
	}
	h->map[h->n++] = resource_get(res);
	res->mapped = true;
	res->map_off = off;
}

/**
 * hostmem_remove - Note that a resource is no longer mapped
 * @h: the window
 * @res: a mapped resource
 */
void hostmem_remove(struct hostmem *h, struct resource *res)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->map[i] != res)
			continue;
		h->map[i] = h->map[--h->n];
		res->mapped = false;
		resource_put(res);
		return;
	}
}

/**
 * hostmem_fini - Forget all mappings
 * @h: the window
 */
void hostmem_fini(struct hostmem *h)
{
	while (h->n)
		hostmem_remove(h, h->map[0]);
	free(h->map);
	h->map = NULL;
	h->cap = 0;
}
