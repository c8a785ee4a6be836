/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_BUDGET_H
#define VGPU_BUDGET_H

#include <linux/types.h>
#include <linux/wait.h>

struct drm_printer;
struct vgpu_budget;
struct vgpu_budgets;
struct vgpu_cmdq;

/**
 * enum vgpu_budget_need - What a process waits for at the entry of an ioctl
 * @VGPU_BUDGET_COMMAND: room for a command that the host answers at once, such as a display update
 * @VGPU_BUDGET_RING_WORK: room for a submission or a transfer
 * @VGPU_BUDGET_WORK: like @VGPU_BUDGET_RING_WORK, and an id for a new global fence
 */
enum vgpu_budget_need {
	VGPU_BUDGET_COMMAND,
	VGPU_BUDGET_RING_WORK,
	VGPU_BUDGET_WORK,
};

struct vgpu_budgets *vgpu_budgets_create(void);
void vgpu_budgets_print(struct vgpu_cmdq *q, struct drm_printer *p);
void vgpu_budgets_wake(struct vgpu_cmdq *q);

struct vgpu_budget *vgpu_budget_get(struct vgpu_cmdq *q);
void vgpu_budget_put(struct vgpu_budget *budget);
struct vgpu_budget *vgpu_budget_charge(struct vgpu_cmdq *q, unsigned int commands,
				       size_t size_bytes);
void vgpu_budget_release(struct vgpu_budget *budget, unsigned int commands, size_t size_bytes);
atomic_t *vgpu_budget_begin_work(struct vgpu_budget *budget);
void vgpu_budget_end_work(struct vgpu_budget *budget);
int vgpu_budget_throttle(struct vgpu_cmdq *q, struct vgpu_budget *usual,
			 enum vgpu_budget_need need);

#endif
