// SPDX-License-Identifier: MIT
/* What lies where in the host-visible window. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostmem.h"
#include "log.h"

#define PAGE 4096ull

/* What is in the window where nothing is shown. */
#define NOTHING 0xd7

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

static bool hostmem_remap(struct resource *res, int fd, u64 offset)
{
	return mmap(res->data, hostmem_len(res), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, (off_t)offset) != MAP_FAILED;
}

/**
 * hostmem_lend - Move a blob into a window that is part of the guest's memory
 * @h: the window
 * @gm: the guest's memory
 * @res: a blob with a memory file, not mapped before
 * @off: where in the window
 *
 * Its address here stays the same.
 *
 * Return: false when the front end shares no such memory.
 */
bool hostmem_lend(const struct hostmem *h, const struct gmem *gm, struct resource *res,
		  u64 off)
{
	u64 offset, len = hostmem_len(res);
	int fd = gmem_file(gm, h->at + off, len, &offset);

	if (fd < 0 || !gmem_write(gm, h->at + off, res->data, len))
		return false;
	return hostmem_remap(res, fd, offset);
}

/**
 * hostmem_take_back - Undo hostmem_lend()
 * @res: the blob
 *
 * A guest that looks into the window now sees that nothing is there.
 */
void hostmem_take_back(struct resource *res)
{
	u64 len = hostmem_len(res);

	if (pwrite(res->fd, res->data, len, 0) != (ssize_t)len)
		log_die("cannot take resource %u out of the window", res->id);
	memset(res->data, NOTHING, len);
	if (!hostmem_remap(res, res->fd, 0))
		log_die("cannot map resource %u", res->id);
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
