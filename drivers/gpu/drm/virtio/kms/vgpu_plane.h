/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PLANE_H
#define VGPU_PLANE_H

#include <drm/drm_plane.h>

#include "kms/vgpu_screen.h"

/**
 * struct vgpu_plane_state - State of a primary or a cursor plane
 * @base: base of the state
 * @done: signals when the host has executed the update; created in prepare_fb, armed by the
 *        command that takes it; NULL on a primary plane if the update is postponed
 * @has_memory: memory for the commands of the update is reserved, until vgpu_plane_finish()
 * @deadline: when the update stops waiting for fences, in jiffies; set in prepare_fb, 0 if the
 *            state shows no buffer
 * @redrawn: the host has to read the cursor's picture again; unused on a primary plane
 */
struct vgpu_plane_state {
	struct drm_plane_state base;
	struct vgpu_fence *done;
	bool has_memory;
	unsigned long deadline;
	bool redrawn;
};

static inline struct vgpu_plane_state *to_vgpu_plane_state(struct drm_plane_state *state)
{
	return container_of(state, struct vgpu_plane_state, base);
}

/**
 * struct vgpu_plane - A primary plane
 * @base: base of the plane
 * @screen: what its output shows
 */
struct vgpu_plane {
	struct drm_plane base;
	struct vgpu_screen screen;
};

static inline struct vgpu_plane *to_vgpu_plane(struct drm_plane *plane)
{
	return container_of(plane, struct vgpu_plane, base);
}

struct drm_plane *vgpu_plane_create(struct vgpu_device *vgpu, u32 id);
void vgpu_plane_commit_tail(struct vgpu_compat_commit *commit);

/* Shared by the primary and the cursor plane. */
extern const struct drm_plane_funcs vgpu_plane_funcs;
bool vgpu_plane_is_lost(const struct drm_plane_state *state);
bool vgpu_plane_will_update(const struct drm_plane_state *state);
int vgpu_plane_prepare(struct drm_plane *plane, struct drm_plane_state *state, bool in_order,
		       int (*prepare_show)(struct drm_plane *plane, struct drm_plane_state *state));
int vgpu_plane_prepare_fence(struct vgpu_timeline *timeline, struct drm_plane_state *state);
void vgpu_plane_finish(struct drm_plane_state *state);
void vgpu_plane_cleanup_fb(struct drm_plane *plane, struct drm_plane_state *state);

#endif
