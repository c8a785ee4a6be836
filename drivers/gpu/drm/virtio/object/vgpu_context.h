/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CONTEXT_H
#define VGPU_CONTEXT_H

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct drm_printer;
struct vgpu_context;
struct vgpu_device;
struct vgpu_resource;
struct vgpu_submitq;
struct vgpu_timeline;

/* Length of a context's name, with its end. */
#define VGPU_CONTEXT_NAME_BYTES	64

/* A context's rings are numbered below this. */
#define VGPU_CONTEXT_MAX_RINGS	64

/**
 * struct vgpu_context_params - Parameters of CONTEXT_INIT
 * @capset_id: VIRTIO_GPU_CAPSET_*, 0 for the host's default
 * @num_rings: how many rings, 0 for none but the default one
 * @poll_mask: rings whose fences send an event when they signal
 * @name: for people; empty for the name of the process
 */
struct vgpu_context_params {
	u32 capset_id;
	u32 num_rings;
	u64 poll_mask;
	char name[VGPU_CONTEXT_NAME_BYTES];
};

int vgpu_contexts_init(struct vgpu_device *vgpu);
void vgpu_contexts_flush(struct vgpu_device *vgpu);
void vgpu_contexts_lose(struct vgpu_device *vgpu);
void vgpu_contexts_print(struct vgpu_device *vgpu, struct drm_printer *p);

int vgpu_context_open(struct drm_device *drm, struct drm_file *file);
void vgpu_context_flush(struct drm_file *file);
void vgpu_context_leave(struct drm_file *file);
void vgpu_context_close(struct drm_device *drm, struct drm_file *file);
struct vgpu_context *vgpu_context_of(struct drm_file *file);

bool vgpu_context_is_made(const struct vgpu_context *ctx);
int vgpu_context_setup(struct vgpu_context *ctx, const struct vgpu_context_params *params);
int vgpu_context_ensure(struct vgpu_context *ctx);
void vgpu_context_submits(struct vgpu_context *ctx);
pid_t vgpu_contexts_find_submitter(struct vgpu_device *vgpu, char name[TASK_COMM_LEN]);
int vgpu_context_error(const struct vgpu_context *ctx);
u32 vgpu_context_id(const struct vgpu_context *ctx);
struct vgpu_submitq *vgpu_context_submitq(struct vgpu_context *ctx);
struct vgpu_timeline *vgpu_context_timeline(struct vgpu_context *ctx);
struct vgpu_timeline *vgpu_context_ring(struct vgpu_context *ctx, u32 ring_idx);
bool vgpu_context_ring_is_polled(const struct vgpu_context *ctx, u32 ring_idx);
struct vgpu_cmd_owner *vgpu_context_owner(struct vgpu_context *ctx);

int vgpu_context_attach(struct vgpu_context *ctx, struct vgpu_resource *res);
void vgpu_context_detach(struct vgpu_context *ctx, struct vgpu_resource *res, bool tell);
unsigned int vgpu_context_detached(const struct vgpu_context *ctx);
int vgpu_context_throttle(struct vgpu_context *ctx, bool is_on_ring);

#endif
