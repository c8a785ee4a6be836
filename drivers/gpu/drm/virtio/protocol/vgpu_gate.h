/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_GATE_H
#define VGPU_GATE_H

#include <linux/types.h>

#include "protocol/vgpu_cmd.h"

struct dma_fence;
struct vgpu_gate;
struct vgpu_gate_pass;
struct vgpu_timeline;

struct vgpu_gate *vgpu_gate_create(struct vgpu_cmdq *q, const char *name);
void vgpu_gate_put(struct vgpu_gate *gate);
struct vgpu_timeline *vgpu_gate_timeline(const struct vgpu_gate *gate);
bool vgpu_gate_is_busy(const struct vgpu_gate *gate);
void vgpu_gate_cancel(struct vgpu_gate *gate, int error);

struct vgpu_gate_pass *vgpu_gate_prepare(struct vgpu_gate *gate, struct dma_fence **deps,
					 u32 num_deps);
void vgpu_gate_abandon(struct vgpu_gate_pass *pass);
void vgpu_gate_keep(struct vgpu_gate_pass *pass, void (*release)(void *kept), void *kept);
void vgpu_gate_wait(struct vgpu_gate *gate, struct vgpu_gate_pass *pass, struct vgpu_cmd *cmd,
		    struct vgpu_cmd_owner *owner, struct vgpu_fence *fence);

/**
 * vgpu_gate_post() - send a command through a gate
 * @gate: the gate
 * @pass: what vgpu_gate_prepare() gave for it, NULL for nothing; taken over
 * @cmd: the command; its reference is taken over
 * @owner: object to be told of the outcome, or NULL; a waiting command counts for it
 * @fence: of the gate's timeline, or NULL; a reference of its own is taken
 *
 * Context: process.
 */
static inline void vgpu_gate_post(struct vgpu_gate *gate, struct vgpu_gate_pass *pass,
				  struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
				  struct vgpu_fence *fence)
{
	if (pass)
		vgpu_gate_wait(gate, pass, cmd, owner, fence);
	else
		vgpu_cmd_post_fenced(cmd, owner, fence);
}

#endif
