/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CMD_MEMORY_H
#define VGPU_CMD_MEMORY_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct kmem_cache;

/* Commands that a display update sends at most. */
#define VGPU_CMD_MEMORY_UPDATE		20

/* Commands that a panic needs at a time. */
#define VGPU_CMD_MEMORY_SLOTS		4

/**
 * struct vgpu_cmd_memory - Memory of the commands of a device
 * @small: for requests up to VGPU_CMD_SMALL_REQ_BYTES, constant
 * @large: for commands up to VGPU_CMD_LARGE_BYTES, constant
 * @lock: protects @reserve, @nr_reserved and @nr_promised
 * @reserve: memory of small commands for display updates
 * @nr_reserved: length of @reserve
 * @nr_promised: how many of them the updates that have begun may take
 * @slots: memory of the commands of a panic, VGPU_CMD_MEMORY_SLOTS of the largest size; constant
 * @next_slot: number of slots that were used; only in a panic
 * @slots_taken: number of slots in use; not 0 after a panic whose commands the host still has
 * @panic_cpu: the processor that panics, or -1
 */
struct vgpu_cmd_memory {
	struct kmem_cache *small;
	struct kmem_cache *large;
	spinlock_t lock;
	struct list_head reserve;
	int nr_reserved;
	int nr_promised;
	void *slots;
	unsigned int next_slot;
	atomic_t slots_taken;
	int panic_cpu;
};

int vgpu_cmd_memory_init(struct vgpu_cmd_memory *memory);
void vgpu_cmd_memory_fini(struct vgpu_cmd_memory *memory);
int vgpu_cmd_memory_refill(struct vgpu_cmd_memory *memory, gfp_t gfp);
void *vgpu_cmd_memory_alloc_reserved(struct vgpu_cmd_memory *memory, struct kmem_cache *cache,
				     bool is_update);

#endif
