// SPDX-License-Identifier: MIT
/* Resources: the objects a guest names by resource ids. */
#include "resource.h"

/* Make a resource without contents, with one reference. NULL: the budget refuses it. */
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

/* Give a resource memory, a @file if the front end can map it. False: the budget refuses it. */
bool resource_alloc(struct resource *res, bool file)
{
	res->data = file ? budget_file(res->budget, res->size, &res->fd) :
			   budget_alloc(res->budget, res->size, 1);
	return res->data;
}

struct resource *resource_get(struct resource *res)
{
	res->refs++;
	return res;
}

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

/* Check whether there is something to read: host memory, or a guest blob's backing. */
bool resource_has_data(const struct resource *res)
{
	return res->data || (res->kind == RESOURCE_BLOB && res->backing);
}

/* Copy out of what the host sees of a resource, or into it. False: the range is not inside. */
bool resource_copy(const struct resource *res, u64 off, void *p, u64 len, bool write)
{
	if (off > res->size || len > res->size - off)
		return false;
	if (!res->data)
		return res->backing && backing_copy(res->backing, off, p, len, write);
	memcpy(write ? res->data + off : p, write ? p : res->data + off, len);
	return true;
}

/* Note that request number @seq transfers something into a resource. */
void resource_note_transfer(struct resource *res, u64 seq, bool fenced)
{
	res->transfers++;
	res->transfer = seq;
	res->fenced = fenced;
}
