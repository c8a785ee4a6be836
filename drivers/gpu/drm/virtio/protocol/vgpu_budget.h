/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_BUDGET_H
#define VGPU_BUDGET_H

#include <linux/types.h>
#include <linux/wait.h>

struct drm_printer;
struct vgpu_budget;
struct vgpu_budgets;
struct vgpu_cmdq;

struct vgpu_budgets *vgpu_budgets_create(void);
void vgpu_budgets_destroy(struct vgpu_budgets *budgets);
void vgpu_budgets_print(struct vgpu_cmdq *q, struct drm_printer *p);
void vgpu_budgets_wake(struct vgpu_cmdq *q);

struct vgpu_budget *vgpu_budget_get(struct vgpu_cmdq *q);
void vgpu_budget_put(struct vgpu_budget *budget);
struct vgpu_budget *vgpu_budget_charge(struct vgpu_cmdq *q, unsigned int commands,
				       size_t size_bytes);
void vgpu_budget_release(struct vgpu_budget *budget, unsigned int commands, size_t size_bytes);
atomic_t *vgpu_budget_begin_work(struct vgpu_budget *budget);
void vgpu_budget_end_work(struct vgpu_budget *budget);
int vgpu_budget_throttle(struct vgpu_cmdq *q, struct vgpu_budget *usual, bool is_work);

#endif
