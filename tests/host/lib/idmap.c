// SPDX-License-Identifier: MIT
/* A hash table with linear probing and backward-shift deletion. */
#include <stdlib.h>

#include "idmap.h"
#include "log.h"

static size_t idmap_hash(const struct idmap *map, u64 id)
{
	return (id * 0x9e3779b97f4a7c15ull >> 20) & (map->size - 1);
}

/**
 * idmap_find - Look an id up
 * @map: the map
 * @id: the id
 *
 * Return: the value, or NULL.
 */
void *idmap_find(const struct idmap *map, u64 id)
{
	if (!map->size)
		return NULL;
	for (size_t i = idmap_hash(map, id); map->slot[i].value;
	     i = (i + 1) & (map->size - 1))
		if (map->slot[i].id == id)
			return map->slot[i].value;
	return NULL;
}

static void idmap_put(struct idmap *map, u64 id, void *value)
{
	size_t i = idmap_hash(map, id);

	while (map->slot[i].value)
		i = (i + 1) & (map->size - 1);
	map->slot[i] = (struct idmap_slot){ .id = id, .value = value };
	map->count++;
}

/**
 * idmap_add - Add an id that is not in the map
 * @map: the map
 * @id: the id
 * @value: not NULL
 */
void idmap_add(struct idmap *map, u64 id, void *value)
{
	struct idmap old = *map;

	if (2 * (map->count + 1) > map->size) {
		map->size = map->size ? 2 * map->size : 16;
		map->slot = xcalloc(map->size, sizeof(*map->slot));
		map->count = 0;
		for (size_t i = 0; i < old.size; i++)
			if (old.slot[i].value)
				idmap_put(map, old.slot[i].id, old.slot[i].value);
		free(old.slot);
	}
	idmap_put(map, id, value);
}

/**
 * idmap_remove - Take an id out
 * @map: the map
 * @id: the id
 *
 * Return: its value, or NULL when it was not there.
 */
void *idmap_remove(struct idmap *map, u64 id)
{
	size_t mask = map->size - 1, hole, i;
	void *value;

	if (!map->size)
		return NULL;
	for (hole = idmap_hash(map, id); map->slot[hole].id != id ||
	     !map->slot[hole].value; hole = (hole + 1) & mask)
		if (!map->slot[hole].value)
			return NULL;
	value = map->slot[hole].value;
	for (i = (hole + 1) & mask; map->slot[i].value; i = (i + 1) & mask) {
		size_t home = idmap_hash(map, map->slot[i].id);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slot[hole] = map->slot[i];
		hole = i;
	}
	map->slot[hole].value = NULL;
	map->count--;
	return value;
}

/**
 * idmap_fini - Free the table, not the values
 * @map: the map
 */
void idmap_fini(struct idmap *map)
{
	free(map->slot);
	memset(map, 0, sizeof(*map));
}
