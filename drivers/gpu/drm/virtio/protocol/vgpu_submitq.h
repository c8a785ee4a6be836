/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Models: tests/models/litmus/submitq-lost.litmus, spin/submitq.pml. */
#ifndef VGPU_SUBMITQ_H
#define VGPU_SUBMITQ_H

#include <linux/err.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "protocol/vgpu_cmd.h"

struct dma_fence;
struct vgpu_submitq_entry;
struct vgpu_timeline;

/**
 * struct vgpu_submitq - The submission queue of a context
 * @ref: one for the creator, one for each entry, one while a work is queued
 * @q: the queues to the host, constant
 * @node: entry of &vgpu_cmdq.submitqs
 * @rcu: frees the queue, which vgpu_submitqs_advance() may be looking at
 * @lock: protects what follows but @work
 * @waiting: the waiting commands, oldest first. A command leaves the list after it was posted,
 *           since an ioctl that finds the list empty posts its command directly
 * @last: the last command of the context, posted behind @waiting; or NULL
 * @last_owner: the owner of @last
 * @dropping: waiting commands are cancelled, not posted
 * @posted: entries whose commands were posted, for @release_work to free
 * @work: posts the commands that need not wait any more
 * @release_work: frees the entries of posted commands. Not done by @work, since freeing a buffer
 *                may take a reservation whose holder waits for a fence that @work signals
 */
struct vgpu_submitq {
	struct kref ref;
	struct vgpu_cmdq *q;
	struct list_head node;
	struct rcu_head rcu;
	spinlock_t lock;
	struct list_head waiting;
	struct vgpu_cmd *last;
	struct vgpu_cmd_owner *last_owner;
	bool dropping;
	struct list_head posted;
	struct work_struct work;
	struct work_struct release_work;
};

struct vgpu_submitq *vgpu_submitq_create(struct vgpu_cmdq *q);
void vgpu_submitq_put(struct vgpu_submitq *sq);

int vgpu_submitq_depend(struct vgpu_submitq *sq, const struct vgpu_timeline *tl,
			struct dma_fence **dep, struct dma_fence *fence);
struct vgpu_submitq_entry *vgpu_submitq_create_entry(struct vgpu_submitq *sq,
						     struct dma_fence *dep);
void vgpu_submitq_destroy_entry(struct vgpu_submitq_entry *entry);
void vgpu_submitq_keep(struct vgpu_submitq_entry *entry, void (*release)(void *kept), void *kept);
void vgpu_submitq_add(struct vgpu_submitq_entry *entry, struct vgpu_cmd *cmd,
		      struct vgpu_cmd_owner *owner, struct vgpu_fence *fence);
void vgpu_submitq_close(struct vgpu_submitq *sq, struct vgpu_cmd *cmd,
			struct vgpu_cmd_owner *owner, bool drop);
void vgpu_submitqs_advance(struct vgpu_cmdq *q);

/* Check whether commands wait in a submission queue: a snapshot. */
static inline bool vgpu_submitq_is_busy(const struct vgpu_submitq *sq)
{
	return !list_empty(&sq->waiting);
}

/* Allocate the entry of a command; NULL if the command need not wait; ERR_PTR(-ENOMEM). */
static inline struct vgpu_submitq_entry *vgpu_submitq_prepare(struct vgpu_submitq *sq,
							      struct dma_fence *dep)
{
	return dep || vgpu_submitq_is_busy(sq) ? vgpu_submitq_create_entry(sq, dep) : NULL;
}

/* Free an entry that was not posted, in process context; ignores NULL and error pointers. */
static inline void vgpu_submitq_abandon(struct vgpu_submitq_entry *entry)
{
	if (!IS_ERR_OR_NULL(entry))
		vgpu_submitq_destroy_entry(entry);
}

/* Send a command: in the turn of its entry, or at once if @entry is NULL. */
static inline void vgpu_submitq_post(struct vgpu_submitq_entry *entry, struct vgpu_cmd *cmd,
				     struct vgpu_cmd_owner *owner, struct vgpu_fence *fence)
{
	if (entry)
		vgpu_submitq_add(entry, cmd, owner, fence);
	else
		vgpu_cmd_post_fenced(cmd, owner, fence);
}

#endif
