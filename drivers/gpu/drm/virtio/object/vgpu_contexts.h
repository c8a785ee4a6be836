/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CONTEXTS_H
#define VGPU_CONTEXTS_H

#include <linux/idr.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include <drm/drm_file.h>

struct drm_device;
struct drm_printer;
struct vgpu_context;
struct vgpu_device;

/**
 * struct vgpu_contexts - The contexts of a device
 * @vgpu: the device, constant
 * @ids: ids of the contexts on the wire
 * @lock: protects @open and @closed; taken outside of &vgpu_context.lock
 * @open: contexts of open files
 * @closed: contexts of closed files that have work left
 * @reap: frees closed contexts that have no work left, or whose fences the host has dropped
 */
struct vgpu_contexts {
	struct vgpu_device *vgpu;
	struct ida ids;
	struct mutex lock;
	struct list_head open;
	struct list_head closed;
	struct delayed_work reap;
};

int vgpu_contexts_init(struct vgpu_device *vgpu);
void vgpu_contexts_flush(struct vgpu_device *vgpu);
int vgpu_contexts_open(struct drm_device *drm, struct drm_file *file);
void vgpu_contexts_close(struct drm_device *drm, struct drm_file *file);
void vgpu_contexts_note_submitter(struct vgpu_context *ctx);
pid_t vgpu_contexts_find_submitter(struct vgpu_device *vgpu, char name[TASK_COMM_LEN]);
void vgpu_contexts_lose(struct vgpu_device *vgpu);
void vgpu_contexts_print(struct vgpu_device *vgpu, struct drm_printer *p);

/* Get the context of a file; not NULL between open and close. */
static inline struct vgpu_context *vgpu_context_of(struct drm_file *file)
{
	return file->driver_priv;
}

#endif
