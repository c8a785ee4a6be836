// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: memory of commands
 *
 * Small and large commands come from two caches. Small commands have a cache of their own to save
 * memory, since a stalled host may keep many of them. Memory of either cache is charged to the
 * memory controller of the allocating process. If a cache has no memory at once, a command is
 * allocated outside of it, does not fail, and is charged to no process. The data of a command may
 * be larger; its allocation may fail with -ENOMEM or -E2BIG.
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

/* Open files may keep the cache of a removed device, so each cache needs a name of its own. */
static atomic_t vgpu_cmd_memory_serial = ATOMIC_INIT(0);

/*
 * An empty constructor exempts the cache from init_on_alloc; every byte sent is initialised by
 * vgpu_cmd_alloc() or by its caller.
 */
static void vgpu_cmd_memory_construct(void *cmd)
{
}

static struct kmem_cache *vgpu_cmd_memory_create_cache(unsigned int size_bytes)
{
	const unsigned int room = offsetof(struct vgpu_cmd, req);
	char name[32];

	snprintf(name, sizeof(name), "vgpu-cmd-%u-%d", size_bytes,
		 atomic_inc_return(&vgpu_cmd_memory_serial));
	return kmem_cache_create_usercopy(name, size_bytes, 0, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT,
					  room, size_bytes - room, vgpu_cmd_memory_construct);
}

/**
 * vgpu_cmd_memory_init() - Create the caches of commands, and the slots for a panic
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
	memory->slots = kcalloc(VGPU_CMD_MEMORY_SLOTS, VGPU_CMD_LARGE_BYTES, GFP_KERNEL);
	memory->small = vgpu_cmd_memory_create_cache(small_bytes);
	memory->large = vgpu_cmd_memory_create_cache(VGPU_CMD_LARGE_BYTES);
	return memory->slots && memory->small && memory->large ? 0 : -ENOMEM;
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

	kfree(memory->slots);
	list_for_each_safe(entry, next, &memory->reserve)
		kfree(entry);
	kmem_cache_destroy(memory->large);
	kmem_cache_destroy(memory->small);
}

static void vgpu_cmd_memory_add(struct vgpu_cmd_memory *memory, struct list_head *entry)
{
	guard(spinlock_irqsave)(&memory->lock);
	list_add(entry, &memory->reserve);
	memory->nr_reserved++;
}

/* Take the memory of a command from the reserve of display updates; NULL if nothing is left. */
static void *vgpu_cmd_memory_take(struct vgpu_cmd_memory *memory)
{
	struct list_head *entry;

	guard(spinlock_irqsave)(&memory->lock);
	if (WARN_ON_ONCE(list_empty(&memory->reserve)))
		return NULL;
	entry = memory->reserve.next;
	list_del(entry);
	memory->nr_reserved--;
	return entry;
}

static bool vgpu_cmd_memory_is_short(struct vgpu_cmd_memory *memory)
{
	guard(spinlock_irqsave)(&memory->lock);
	return memory->nr_reserved < memory->nr_promised;
}

/**
 * vgpu_cmd_memory_refill() - Allocate memory for the commands of a display update
 * @memory: the memory
 * @gfp: see vgpu_cmdq_begin_update()
 *
 * Context: process, may sleep.
 * Return: 0; or -ENOMEM, without __GFP_NOFAIL.
 */
int vgpu_cmd_memory_refill(struct vgpu_cmd_memory *memory, gfp_t gfp)
{
	void *entry;

	/* Check each time: updates that begin together fill the same reserve. */
	while (vgpu_cmd_memory_is_short(memory)) {
		entry = kmem_cache_alloc(memory->small, gfp);
		if (!entry)
			return -ENOMEM;
		vgpu_cmd_memory_add(memory, entry);
	}
	return 0;
}

/**
 * vgpu_cmd_memory_alloc_reserved() - Allocate the memory of a command when its cache has none
 * @memory: the memory
 * @cache: the cache of the command, which could not allocate without waiting
 * @is_update: the command belongs to a display update
 *
 * Context: process, may wait for memory unless @is_update.
 * Return: the memory; does not fail.
 */
void *vgpu_cmd_memory_alloc_reserved(struct vgpu_cmd_memory *memory, struct kmem_cache *cache,
				     bool is_update)
{
	void *entry = is_update ? vgpu_cmd_memory_take(memory) : NULL;

	/*
	 * NOIO: the caller may hold reservations, for which reclaim may wait. Charged to no
	 * process, since a client at its memory limit must not wait here for ever. Budgets bound
	 * what the client takes.
	 */
	return entry ?: kmalloc(kmem_cache_size(cache), GFP_NOIO | __GFP_NOFAIL);
}
