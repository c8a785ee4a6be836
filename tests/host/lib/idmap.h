/* SPDX-License-Identifier: MIT */
#pragma once

#include "budget.h"

/* One pair. */
struct idmap_slot {
	u64 id;
	void *value;
};

/* Numbers the guest chose to objects of ours. */
struct idmap {
	struct idmap_slot *slot;	/* pairs in the order of their ids */
	size_t size;			/* pairs there is room for */
	size_t count;			/* pairs there are */
	struct budget *budget;		/* charged for each pair, or NULL */
	u64 cost;			/* bytes that it is charged */
};

void *idmap_find(const struct idmap *map, u64 id);
bool idmap_add(struct idmap *map, u64 id, void *value);
void *idmap_remove(struct idmap *map, u64 id);
void idmap_fini(struct idmap *map);
