/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_IDMAP_H
#define VGPU_HOST_IDMAP_H

#include "base.h"

/** struct idmap_slot - one pair; empty when @value is NULL */
struct idmap_slot {
	u64 id;
	void *value;
};

/**
 * struct idmap - numbers the guest chose to objects of ours
 * @slot: open-addressed table
 * @size: its size, a power of two or 0
 * @count: pairs in it
 */
struct idmap {
	struct idmap_slot *slot;
	size_t size;
	size_t count;
};

void *idmap_find(const struct idmap *map, u64 id);
void idmap_add(struct idmap *map, u64 id, void *value);
void *idmap_remove(struct idmap *map, u64 id);
void idmap_fini(struct idmap *map);

/* Order is that of the table: do not let it decide what a trace shows. */
#define idmap_for_each(map, i) \
	for (size_t i = 0; i < (map)->size; i++) \
		if ((map)->slot[i].value)

#endif
