/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_TIMELINE_H
#define VGPU_TIMELINE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * struct vgpu_timeline - Fences that signal in order
 * @ref: one for the creator, one while @pending is not empty
 * @lock: protects what follows
 * @context: dma_fence context, constant
 * @seqno: of the newest fence
 * @pending: fences not signalled, oldest first
 * @nr_pending: length of @pending
 * @nr_given: number of commands with the device that count as busy time
 * @given_since_ns: since when @nr_given is not 0, monotonic clock
 * @busy_ns: sum of the earlier periods in which @nr_given was not 0
 * @in_order: the device executes the commands of this and all other such timelines one by one,
 *            in the order of the control queue; set once, before the timeline has fences
 * @is_cumulative: an answer without an error is one to all earlier commands of the timeline, too;
 *                 set once, before the timeline has fences
 * @name: constant string
 * @rcu: frees the timeline
 */
struct vgpu_timeline {
	struct kref ref;
	spinlock_t lock;
	u64 context;
	u64 seqno;
	struct list_head pending;
	unsigned int nr_pending;
	unsigned int nr_given;
	u64 given_since_ns;
	u64 busy_ns;
	const char *name;
	bool in_order;
	bool is_cumulative;
	struct rcu_head rcu;
};

struct vgpu_timeline *vgpu_timeline_create(const char *name);
void vgpu_timeline_put(struct vgpu_timeline *tl);
void vgpu_timeline_begin_work(struct vgpu_timeline *tl);
void vgpu_timeline_end_work(struct vgpu_timeline *tl);
void vgpu_timeline_abandon(struct vgpu_timeline *tl, int error);
u64 vgpu_timeline_busy_ns(struct vgpu_timeline *tl);

/* Check whether a timeline has fences that are not signalled: a snapshot. */
static inline bool vgpu_timeline_is_pending(struct vgpu_timeline *tl)
{
	return READ_ONCE(tl->nr_pending);
}

#endif
