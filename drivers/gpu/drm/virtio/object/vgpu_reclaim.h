/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_RECLAIM_H
#define VGPU_RECLAIM_H

#include <linux/compiler.h>

#include "object/vgpu_gem.h"

struct drm_printer;
struct vgpu_device;

int vgpu_reclaim_init(struct vgpu_device *vgpu);
void vgpu_reclaim_flush(struct vgpu_device *vgpu);
void vgpu_reclaim_watch(struct vgpu_gem *gem);
void vgpu_reclaim_unwatch(struct vgpu_gem *gem);
int vgpu_reclaim_exempt(struct vgpu_gem *gem);
int vgpu_reclaim_recall_locked(struct vgpu_gem *gem);
void vgpu_reclaim_print(struct vgpu_device *vgpu, struct drm_printer *p);

/**
 * vgpu_reclaim_use_locked() - Prepare a buffer for a command that names it
 * @gem: the buffer, its reservation locked
 *
 * Context: process, may sleep; does not wait for the host. The caller notifies the device after it
 * has posted the command.
 * Return: 0; or an error of vgpu_reclaim_recall_locked(), with nothing changed.
 */
static inline int vgpu_reclaim_use_locked(struct vgpu_gem *gem)
{
	return likely(gem->backing == VGPU_GEM_USED) ? 0 : vgpu_reclaim_recall_locked(gem);
}

#endif
