/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CMD_MEMORY_H
#define VGPU_CMD_MEMORY_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct kmem_cache;

/* Commands that a display update sends at most. */
#define VGPU_CMD_MEMORY_UPDATE		20

/* Commands that a panic needs at a time. */
#define VGPU_CMD_MEMORY_SLOTS		4

/**
 * struct vgpu_cmd_pool - Memory of commands up to a size
 * @cache: memory that is charged to the memory controller of the allocating process
 * @reserve: mempool of kmalloc() memory, charged to no process; used when @cache has no memory
 */
struct vgpu_cmd_pool {
	struct kmem_cache *cache;
	mempool_t *reserve;
};

/**
 * struct vgpu_cmd_memory - Memory of the commands of a device
 * @small: for requests up to VGPU_CMD_SMALL_REQ_BYTES, constant
 * @large: for commands up to VGPU_CMD_LARGE_BYTES, constant
 * @lock: protects @reserve, @nr_reserved and @nr_promised
 * @reserve: memory of small commands for display updates
 * @nr_reserved: length of @reserve
 * @nr_promised: how many of them the updates that have begun may take
 * @slots: memory of the commands of a panic, constant
 * @next_slot: number of slots that were used; only in a panic
 * @panic_cpu: the processor that panics, or -1
 */
struct vgpu_cmd_memory {
	struct vgpu_cmd_pool small;
	struct vgpu_cmd_pool large;
	spinlock_t lock;
	struct list_head reserve;
	int nr_reserved;
	int nr_promised;
	void *slots[VGPU_CMD_MEMORY_SLOTS];
	unsigned int next_slot;
	int panic_cpu;
};

int vgpu_cmd_memory_init(struct vgpu_cmd_memory *memory);
void vgpu_cmd_memory_fini(struct vgpu_cmd_memory *memory);
int vgpu_cmd_memory_begin_update(struct vgpu_cmd_memory *memory, gfp_t gfp);
void vgpu_cmd_memory_end_update(struct vgpu_cmd_memory *memory);
void *vgpu_cmd_memory_alloc_reserved(struct vgpu_cmd_memory *memory, struct vgpu_cmd_pool *pool,
				     bool is_update);

/* Check whether the calling processor panics; it takes slots and must not allocate. */
static inline bool vgpu_cmd_memory_is_panic(const struct vgpu_cmd_memory *memory)
{
	return READ_ONCE(memory->panic_cpu) == raw_smp_processor_id();
}

static inline void *vgpu_cmd_memory_take_slot(struct vgpu_cmd_memory *memory)
{
	return memory->slots[memory->next_slot++ % VGPU_CMD_MEMORY_SLOTS];
}

#endif
