// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: memory of commands
 *
 * Small and large commands come from two pools, whose allocation does not fail. Small commands have
 * a pool of their own to save memory, since a stalled host may keep many of them. Memory of either
 * pool is charged to the memory controller of the allocating process, unless it comes from the
 * reserve of the pool. The data of a command may be larger; its allocation may fail with -ENOMEM
 * or -E2BIG.
 *
 * Clients wait for fences of display updates, and reclaim may wait for such clients. So the
 * commands of an update must not wait for memory; it is reserved before the update begins.
 *
 * Commands of a panic are not allocated: they take turns in a few slots.
 */

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/slab.h>

#include "protocol/vgpu_cmd_memory.h"
#include "protocol/vgpu_cmd_priv.h"

/* Commands of a pool that can be built however short memory is. */
#define VGPU_CMD_MEMORY_MIN	64

/* Open files may keep the cache of a removed device, so each cache needs a name of its own. */
static atomic_t vgpu_cmd_memory_serial = ATOMIC_INIT(0);

/*
 * An empty constructor exempts the cache from init_on_alloc; every byte sent is initialised by
 * vgpu_cmd_alloc() or by its caller.
 */
static void vgpu_cmd_memory_construct(void *cmd)
{
}

static int vgpu_cmd_memory_create_pool(struct vgpu_cmd_pool *pool, unsigned int size_bytes)
{
	const unsigned int room = offsetof(struct vgpu_cmd, req);
	char name[32];

	snprintf(name, sizeof(name), "vgpu-cmd-%u-%d", size_bytes,
		 atomic_inc_return(&vgpu_cmd_memory_serial));
	pool->cache = kmem_cache_create_usercopy(name, size_bytes, 0,
						 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, room,
						 size_bytes - room, vgpu_cmd_memory_construct);
	if (!pool->cache)
		return -ENOMEM;

	/*
	 * The reserve is charged to no process: a client at its memory limit takes from it, and
	 * must not wait there for ever. Budgets bound what the client takes.
	 */
	pool->reserve = mempool_create_kmalloc_pool(VGPU_CMD_MEMORY_MIN, size_bytes);
	return pool->reserve ? 0 : -ENOMEM;
}

static void vgpu_cmd_memory_destroy_pool(struct vgpu_cmd_pool *pool)
{
	mempool_destroy(pool->reserve);
	kmem_cache_destroy(pool->cache);
}

static int vgpu_cmd_memory_alloc_slots(struct vgpu_cmd_memory *memory)
{
	unsigned int i;

	for (i = 0; i < VGPU_CMD_MEMORY_SLOTS; i++) {
		memory->slots[i] = kmalloc(VGPU_CMD_LARGE_BYTES, GFP_KERNEL);
		if (!memory->slots[i])
			return -ENOMEM;
	}
	return 0;
}

/**
 * vgpu_cmd_memory_init() - Create the pools of commands, and the slots for a panic
 * @memory: the memory, zeroed
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; the caller calls vgpu_cmd_memory_fini() in either case.
 */
int vgpu_cmd_memory_init(struct vgpu_cmd_memory *memory)
{
	const size_t small_bytes = VGPU_CMD_BYTES(VGPU_CMD_SMALL_REQ_BYTES,
						  sizeof(struct virtio_gpu_ctrl_hdr));

	spin_lock_init(&memory->lock);
	INIT_LIST_HEAD(&memory->reserve);
	memory->panic_cpu = -1;
	return vgpu_cmd_memory_create_pool(&memory->small, small_bytes) ?:
	       vgpu_cmd_memory_create_pool(&memory->large, VGPU_CMD_LARGE_BYTES) ?:
	       vgpu_cmd_memory_alloc_slots(memory);
}

/**
 * vgpu_cmd_memory_fini() - Undo vgpu_cmd_memory_init()
 * @memory: the memory, of which no command is left
 *
 * Context: process, may sleep.
 */
void vgpu_cmd_memory_fini(struct vgpu_cmd_memory *memory)
{
	struct list_head *entry, *next;
	unsigned int i;

	for (i = 0; i < VGPU_CMD_MEMORY_SLOTS; i++)
		kfree(memory->slots[i]);
	list_for_each_safe(entry, next, &memory->reserve)
		kfree(entry);
	vgpu_cmd_memory_destroy_pool(&memory->large);
	vgpu_cmd_memory_destroy_pool(&memory->small);
}

static void vgpu_cmd_memory_add(struct vgpu_cmd_memory *memory, struct list_head *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&memory->lock, flags);
	list_add(entry, &memory->reserve);
	memory->nr_reserved++;
	spin_unlock_irqrestore(&memory->lock, flags);
}

/* Take the memory of a command from the reserve of display updates; NULL if nothing is left. */
static void *vgpu_cmd_memory_take(struct vgpu_cmd_memory *memory)
{
	struct list_head *entry = NULL;
	unsigned long flags;

	spin_lock_irqsave(&memory->lock, flags);
	if (!WARN_ON_ONCE(list_empty(&memory->reserve))) {
		entry = memory->reserve.next;
		list_del(entry);
		memory->nr_reserved--;
	}
	spin_unlock_irqrestore(&memory->lock, flags);
	return entry;
}

/**
 * vgpu_cmd_memory_begin_update() - Reserve memory for the commands of a display update
 * @memory: the memory
 * @gfp: GFP_KERNEL, with __GFP_NOFAIL in a worker
 *
 * From here to vgpu_cmd_memory_end_update() the caller may build VGPU_CMD_MEMORY_UPDATE display
 * commands without waiting for memory.
 *
 * Context: process, may sleep.
 * Return: 0; or -ENOMEM, without __GFP_NOFAIL.
 */
int vgpu_cmd_memory_begin_update(struct vgpu_cmd_memory *memory, gfp_t gfp)
{
	unsigned long flags;
	int missing;
	void *entry;

	spin_lock_irqsave(&memory->lock, flags);
	memory->nr_promised += VGPU_CMD_MEMORY_UPDATE;
	missing = memory->nr_promised - memory->nr_reserved;
	spin_unlock_irqrestore(&memory->lock, flags);

	for (; missing > 0; missing--) {
		entry = kmem_cache_alloc(memory->small.cache, gfp);
		if (!entry) {
			vgpu_cmd_memory_end_update(memory);
			return -ENOMEM;
		}
		vgpu_cmd_memory_add(memory, entry);
	}
	return 0;
}

/**
 * vgpu_cmd_memory_end_update() - Undo vgpu_cmd_memory_begin_update()
 * @memory: the memory
 *
 * The memory stays reserved for the next update.
 *
 * Context: any.
 */
void vgpu_cmd_memory_end_update(struct vgpu_cmd_memory *memory)
{
	unsigned long flags;

	spin_lock_irqsave(&memory->lock, flags);
	memory->nr_promised -= VGPU_CMD_MEMORY_UPDATE;
	spin_unlock_irqrestore(&memory->lock, flags);
}

/**
 * vgpu_cmd_memory_alloc_reserved() - Allocate the memory of a command from a reserve
 * @memory: the memory
 * @pool: the pool of the command, whose cache could not allocate without waiting
 * @is_update: the command belongs to a display update
 *
 * Context: process, may wait for memory unless @is_update.
 * Return: the memory; does not fail.
 */
void *vgpu_cmd_memory_alloc_reserved(struct vgpu_cmd_memory *memory, struct vgpu_cmd_pool *pool,
				     bool is_update)
{
	void *entry = is_update ? vgpu_cmd_memory_take(memory) : NULL;

	/* NOIO: the caller may hold reservations, for which reclaim may wait. */
	return entry ?: mempool_alloc(pool->reserve, GFP_NOIO);
}
