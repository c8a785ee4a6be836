// SPDX-License-Identifier: MIT
/* Pairs in the order of their ids: the budget keeps a map small enough to move its pairs. */
#include <stdlib.h>

#include "idmap.h"
#include "log.h"

/* The place of an id, or where it belongs. */
static size_t idmap_place(const struct idmap *map, u64 id)
{
	size_t lo = 0, hi = map->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (map->slot[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void *idmap_find(const struct idmap *map, u64 id)
{
	size_t i = idmap_place(map, id);

	return i < map->count && map->slot[i].id == id ? map->slot[i].value : NULL;
}

/* Add an id that is not in the map; its value is not NULL. False: the budget refuses it. */
bool idmap_add(struct idmap *map, u64 id, void *value)
{
	size_t i = idmap_place(map, id);

	if (map->budget && !budget_charge(map->budget, map->cost))
		return false;
	if (map->count == map->size) {
		map->size = MAX(2 * map->size, 16u);
		map->slot = realloc(map->slot, map->size * sizeof(*map->slot));
		if (!map->slot)
			log_die("out of memory");
	}
	memmove(&map->slot[i + 1], &map->slot[i], (map->count++ - i) * sizeof(*map->slot));
	map->slot[i] = (struct idmap_slot){ .id = id, .value = value };
	return true;
}

/* Take an id out. Returns its value, NULL when it was not there. */
void *idmap_remove(struct idmap *map, u64 id)
{
	void *value = idmap_find(map, id);
	size_t i = idmap_place(map, id);

	if (!value)
		return NULL;
	memmove(&map->slot[i], &map->slot[i + 1], (--map->count - i) * sizeof(*map->slot));
	if (map->budget)
		budget_release(map->budget, map->cost);
	return value;
}

/* Empty the map, without a look at the values. */
void idmap_fini(struct idmap *map)
{
	free(map->slot);
	if (map->budget)
		budget_release(map->budget, map->count * map->cost);
	*map = (struct idmap){ .budget = map->budget, .cost = map->cost };
}
