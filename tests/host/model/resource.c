// SPDX-License-Identifier: MIT
/* Resources: the objects a guest names by resource ids. */
#include "resource.h"

/**
 * resource_create - Make a resource without contents
 * @budget: charged for it
 * @id: the guest's number
 * @kind: what it is
 *
 * Return: the resource with one reference, or NULL when the budget refuses it.
 */
struct resource *resource_create(struct budget *budget, u32 id, enum resource_kind kind)
{
	struct resource *res = budget_alloc(budget, 1, sizeof(*res));

	if (!res)
		return NULL;
	res->budget = budget;
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
 * Return: false when the budget refuses it.
 */
bool resource_alloc(struct resource *res, bool file)
{
	res->data = file ? budget_file(res->budget, res->size, &res->fd) :
			   budget_alloc(res->budget, res->size, 1);
	return res->data;
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
	if (res->fd >= 0)
		budget_file_close(res->budget, res->data, res->size, res->fd);
	else
		budget_free(res->budget, res->data, res->size);
	budget_free(res->budget, res, sizeof(*res));
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
 * resource_copy - Copy out of what the host sees of a resource, or into it
 * @res: the resource
 * @off: byte offset
 * @p: memory of ours
 * @len: bytes
 * @write: which way
 *
 * Return: false when the range is not inside.
 */
bool resource_copy(const struct resource *res, u64 off, void *p, u64 len, bool write)
{
	if (off > res->size || len > res->size - off)
		return false;
	if (!res->data)
		return res->backing && backing_copy(res->backing, off, p, len, write);
	memcpy(write ? res->data + off : p, write ? p : res->data + off, len);
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
