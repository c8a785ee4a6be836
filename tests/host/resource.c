// SPDX-License-Identifier: MIT
/* Resources: the objects a guest names by resource ids. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "resource.h"

#define PAGE 4096ull

/**
 * resource_create - Make a resource without contents
 * @id: the guest's number
 * @kind: what it is
 *
 * Return: the resource with one reference.
 */
struct resource *resource_create(u32 id, enum resource_kind kind)
{
	struct resource *res = xcalloc(1, sizeof(*res));

	res->id = id;
	res->refs = 1;
	res->kind = kind;
	res->fd = -1;
	return res;
}

/**
 * resource_alloc - Give a resource its host memory
 * @res: the resource, with @res->size set
 * @file: memory the front end can map, too
 *
 * Return: false when there is none.
 */
bool resource_alloc(struct resource *res, bool file)
{
	u64 len = (res->size + PAGE - 1) & ~(PAGE - 1);
	void *p;

	if (!file) {
		res->data = calloc(1, res->size ? res->size : 1);
		return res->data;
	}
	res->fd = memfd_create("vgpu-blob", MFD_CLOEXEC);
	if (res->fd < 0 || ftruncate(res->fd, len))
		return false;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, res->fd, 0);
	if (p == MAP_FAILED)
		return false;
	res->data = p;
	return true;
}

/**
 * resource_get - Take a reference
 * @res: the resource
 *
 * Return: @res.
 */
struct resource *resource_get(struct resource *res)
{
	res->refs++;
	return res;
}

/**
 * resource_put - Drop a reference
 * @res: the resource, freed with the last one
 */
void resource_put(struct resource *res)
{
	if (--res->refs)
		return;
	backing_destroy(res->backing);
	if (res->fd >= 0) {
		if (res->data)
			munmap(res->data, (res->size + PAGE - 1) & ~(PAGE - 1));
		close(res->fd);
	} else {
		free(res->data);
	}
	free(res);
}

/**
 * resource_has_data - Whether there is something to read
 * @res: the resource
 *
 * Return: true for host memory and for guest blobs with backing.
 */
bool resource_has_data(const struct resource *res)
{
	return res->data || (res->kind == RESOURCE_BLOB && res->backing);
}

/**
 * resource_read - Read what the host sees of a resource
 * @res: the resource
 * @off: byte offset
 * @dst: where to
 * @len: bytes
 *
 * Return: false when the range is not inside.
 */
bool resource_read(const struct resource *res, u64 off, void *dst, u64 len)
{
	if (off > res->size || len > res->size - off)
		return false;
	if (!res->data)
		return res->backing && backing_read(res->backing, off, dst, len);
	memcpy(dst, res->data + off, len);
	return true;
}

/**
 * resource_write - Write what the host sees of a resource
 * @res: the resource
 * @off: byte offset
 * @src: where from
 * @len: bytes
 *
 * Return: false when the range is not inside.
 */
bool resource_write(struct resource *res, u64 off, const void *src, u64 len)
{
	if (off > res->size || len > res->size - off)
		return false;
	if (!res->data)
		return res->backing && backing_write(res->backing, off, src, len);
	memcpy(res->data + off, src, len);
	return true;
}

/**
 * resource_note_transfer - Something is transferred into a resource
 * @res: the resource
 * @seq: number of the request
 * @fenced: it has a fence
 */
void resource_note_transfer(struct resource *res, u64 seq, bool fenced)
{
	res->transfers++;
	res->transfer = seq;
	res->fenced = fenced;
}
