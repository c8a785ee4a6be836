/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Commands and their queues, for the layers above. */
#ifndef VGPU_CMD_H
#define VGPU_CMD_H

#include <linux/types.h>

#include "protocol/vgpu_cmd_build.h"
#include "protocol/vgpu_cmdq.h"

struct vgpu_cmd;
struct vgpu_cmd_finish;
struct vgpu_cmd_owner;
struct vgpu_fence;

/**
 * struct vgpu_cmd_owner_ops - Calls from a command to its owner
 * @get: takes a reference, when a command is posted
 * @put: drops the reference, when the device can no longer touch the command; in any context
 * @outcome: the outcome of the command is known, 0 or a negative errno; in any context, before
 *           the command's fence signals
 */
struct vgpu_cmd_owner_ops {
	void (*get)(struct vgpu_cmd_owner *owner);
	void (*put)(struct vgpu_cmd_owner *owner);
	void (*outcome)(struct vgpu_cmd_owner *owner, u32 type, int error);
};

/**
 * struct vgpu_cmd_owner - Embedded in objects that are told of the outcome of commands
 * @ops: constant
 */
struct vgpu_cmd_owner {
	const struct vgpu_cmd_owner_ops *ops;
};

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

/* Posting takes over the caller's reference, and accepts error pointers. */
int vgpu_cmd_post_fenced(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
			 struct vgpu_fence *fence);
void vgpu_cmd_cancel(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
		     struct vgpu_fence *fence, int error);
void vgpu_cmd_send(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner);
int vgpu_cmd_await(struct vgpu_cmd *cmd);
int vgpu_cmd_call(struct vgpu_cmd *cmd);
int vgpu_cmd_panic_run(struct vgpu_cmd *cmd);
void vgpu_cmd_charge(struct vgpu_cmd *cmd);
void vgpu_cmd_set_finish(struct vgpu_cmd *cmd, struct vgpu_cmd_finish *finish);
struct vgpu_cmd *vgpu_cmd_get(struct vgpu_cmd *cmd);
void vgpu_cmd_put(struct vgpu_cmd *cmd);
bool vgpu_cmd_is_answered(struct vgpu_cmd *cmd);
bool vgpu_cmd_take_back(struct vgpu_cmd *cmd);

static inline int vgpu_cmd_post(struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner)
{
	return vgpu_cmd_post_fenced(cmd, owner, NULL);
}

#endif
