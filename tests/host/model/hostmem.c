// SPDX-License-Identifier: MIT
/* What lies where in the host-visible window. */
#include <sys/mman.h>
#include <unistd.h>

#include "hostmem.h"
#include "log.h"

/* What is in the window where nothing is shown. */
#define NOTHING 0xd7

/* Get the bytes a resource takes in the window: whole pages. */
u64 hostmem_len(const struct resource *res)
{
	return PAGES(res->size);
}

/* Find a resource that is mapped in a range. */
struct resource *hostmem_overlap(const struct hostmem *h, u64 off, u64 len)
{
	struct resource *res;

	LIST_FOREACH(res, &h->maps, map_link)
		if (off < res->map_off + hostmem_len(res) && res->map_off < off + len)
			return res;
	return NULL;
}

/* Note that a resource is mapped. */
void hostmem_add(struct hostmem *h, struct resource *res, u64 off)
{
	resource_get(res);
	LIST_INSERT_HEAD(&h->maps, res, map_link);
	h->n++;
	res->mapped = true;
	res->map_off = off;
}

/* Note that a resource is no longer mapped. */
void hostmem_remove(struct hostmem *h, struct resource *res)
{
	LIST_REMOVE(res, map_link);
	h->n--;
	res->mapped = false;
	resource_put(res);
}

static bool hostmem_remap(struct resource *res, int fd, u64 offset)
{
	return mmap(res->data, hostmem_len(res), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, (off_t)offset) != MAP_FAILED;
}

/* Move a blob into a window that is guest memory; our address stays. False: none is shared. */
bool hostmem_lend(const struct hostmem *h, const struct gmem *gm, struct resource *res, u64 off)
{
	u64 offset, len = hostmem_len(res);
	int fd = gmem_file(gm, h->at + off, len, &offset);

	if (fd < 0 || !gmem_write(gm, h->at + off, res->data, len))
		return false;
	return hostmem_remap(res, fd, offset);
}

/* Undo hostmem_lend(). A guest that looks into the window now sees that nothing is there. */
void hostmem_take_back(struct resource *res)
{
	u64 len = hostmem_len(res);

	if (pwrite(res->fd, res->data, len, 0) != (ssize_t)len)
		log_die("cannot take resource %u out of the window", res->id);
	memset(res->data, NOTHING, len);
	if (!hostmem_remap(res, res->fd, 0))
		log_die("cannot map resource %u", res->id);
}

/* Forget all mappings. */
void hostmem_fini(struct hostmem *h)
{
	while (!LIST_EMPTY(&h->maps))
		hostmem_remove(h, LIST_FIRST(&h->maps));
}
