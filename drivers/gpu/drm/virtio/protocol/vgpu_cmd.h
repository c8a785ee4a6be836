/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Commands and their queues, for the layers above. */
#ifndef VGPU_CMD_H
#define VGPU_CMD_H

#include <linux/refcount.h>
#include <linux/types.h>

#include "protocol/vgpu_cmd_build.h"
#include "protocol/vgpu_cmdq.h"

struct vgpu_cmd;
struct vgpu_cmd_finish;
struct vgpu_cmd_owner;
struct vgpu_fence;
struct vgpu_timeline;

/**
 * struct vgpu_cmd_owner_ops - Calls from a command to its owner
 * @release: called when the last reference is dropped; in any context
 * @outcome: the outcome of the command is known, 0 or a negative errno; in any context, before
 *           the command's fence signals; or NULL
 */
struct vgpu_cmd_owner_ops {
	void (*release)(struct vgpu_cmd_owner *owner);
	void (*outcome)(struct vgpu_cmd_owner *owner, u32 type, int error);
};

/**
 * struct vgpu_cmd_owner - Embedded in objects that are told of the outcome of commands
 * @ops: constant
 * @ref: one for the object itself, one for each command that the device may still read
 */
struct vgpu_cmd_owner {
	const struct vgpu_cmd_owner_ops *ops;
	refcount_t ref;
};

static inline void vgpu_cmd_owner_init(struct vgpu_cmd_owner *owner,
				       const struct vgpu_cmd_owner_ops *ops)
{
	owner->ops = ops;
	refcount_set(&owner->ref, 1);
}

static inline void vgpu_cmd_owner_get(struct vgpu_cmd_owner *owner)
{
	refcount_inc(&owner->ref);
}

/* Drop a reference, in any context. */
static inline void vgpu_cmd_owner_put(struct vgpu_cmd_owner *owner)
{
	if (refcount_dec_and_test(&owner->ref))
		owner->ops->release(owner);
}

/**
 * struct vgpu_cmd_finish_ops - Work between the answer to a command and the signal of its fence
 * @answered: called once with the outcome, in any context; completes the fence, now or later,
 *            and owns the finish from here on
 * @drop: called instead when the command is released without an outcome
 */
struct vgpu_cmd_finish_ops {
	void (*answered)(struct vgpu_cmd_finish *finish, struct vgpu_fence *fence, int error);
	void (*drop)(struct vgpu_cmd_finish *finish);
};

/**
 * struct vgpu_cmd_finish - Embedded in an object that completes a fence in place of the command
 * @ops: constant
 */
struct vgpu_cmd_finish {
	const struct vgpu_cmd_finish_ops *ops;
};

/* Posting takes over the caller's reference. */
void vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			  struct vgpu_fence *fence);
void vgpu_cmd_send(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner);
int vgpu_cmd_await(struct vgpu_cmd *cmd, unsigned long timeout);
int vgpu_cmd_call(struct vgpu_cmd *cmd);
int vgpu_cmd_panic_run(struct vgpu_cmd *cmd);
void vgpu_cmd_set_busy(struct vgpu_cmd *cmd, struct vgpu_timeline *tl);
void vgpu_cmd_set_finish(struct vgpu_cmd *cmd, struct vgpu_cmd_finish *finish);
struct vgpu_cmd *vgpu_cmd_get(struct vgpu_cmd *cmd);
void vgpu_cmd_put(struct vgpu_cmd *cmd);
bool vgpu_cmd_is_answered(struct vgpu_cmd *cmd);
bool vgpu_cmd_take_back(struct vgpu_cmd *cmd);

static inline void vgpu_cmd_post(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	vgpu_cmd_post_fenced(cmd, owner, NULL);
}

#endif
