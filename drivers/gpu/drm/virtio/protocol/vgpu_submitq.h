/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_SUBMITQ_H
#define VGPU_SUBMITQ_H

#include <linux/types.h>

struct dma_fence;
struct vgpu_cmd;
struct vgpu_cmd_owner;
struct vgpu_cmdq;
struct vgpu_fence;
struct vgpu_submitq;
struct vgpu_submitq_entry;
struct vgpu_timeline;

struct vgpu_submitq *vgpu_submitq_create(struct vgpu_cmdq *q);
void vgpu_submitq_put(struct vgpu_submitq *sq);
bool vgpu_submitq_is_busy(const struct vgpu_submitq *sq);
int vgpu_submitq_wait_idle(struct vgpu_submitq *sq);

int vgpu_submitq_depend(struct vgpu_submitq *sq, const struct vgpu_timeline *tl,
			struct dma_fence **dep, struct dma_fence *fence);
struct vgpu_submitq_entry *vgpu_submitq_prepare(struct vgpu_submitq *sq, struct dma_fence *dep);
void vgpu_submitq_abandon(struct vgpu_submitq_entry *entry);
void vgpu_submitq_keep(struct vgpu_submitq_entry *entry, void (*release)(void *kept), void *kept);
void vgpu_submitq_post(struct vgpu_submitq *sq, struct vgpu_submitq_entry *entry,
		       struct vgpu_cmd *cmd, struct vgpu_cmd_owner *owner,
		       struct vgpu_fence *fence);

void vgpu_submitq_close(struct vgpu_submitq *sq, struct vgpu_cmd *cmd,
			struct vgpu_cmd_owner *owner, bool drop);
void vgpu_submitqs_advance(struct vgpu_cmdq *q);

#endif
