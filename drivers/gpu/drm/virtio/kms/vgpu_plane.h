/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PLANE_H
#define VGPU_PLANE_H

#include <drm/drm_plane.h>

struct vgpu_device;
struct vgpu_fence;
struct vgpu_screen;
struct vgpu_timeline;

/**
 * struct vgpu_plane_state - State of a primary or a cursor plane
 * @base: base of the state
 * @done: signals when the host has executed the update; created in prepare_fb, armed by the
 *        command that takes it; NULL on a primary plane if the update is postponed
 * @has_memory: memory for the commands of the update is reserved, until vgpu_plane_finish()
 * @deadline: when the update stops waiting for fences, in jiffies; set in prepare_fb
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
 * @screen: what its output shows; constant
 */
struct vgpu_plane {
	struct drm_plane base;
	struct vgpu_screen *screen;
};

static inline struct vgpu_plane *to_vgpu_plane(struct drm_plane *plane)
{
	return container_of(plane, struct vgpu_plane, base);
}

struct drm_plane *vgpu_plane_create(struct vgpu_device *vgpu, struct vgpu_screen *screen);
bool vgpu_plane_client_waits(const struct drm_crtc_state *crtc_state);
bool vgpu_plane_is_flip(const struct drm_plane_state *old_state,
			const struct drm_plane_state *new_state);
void vgpu_plane_wait_for_release(struct drm_plane *plane, const struct drm_plane_state *old_state,
				 struct drm_plane_state *new_state);

/* Shared by the primary and the cursor plane. */
void vgpu_plane_reset(struct drm_plane *plane);
struct drm_plane_state *vgpu_plane_duplicate_state(struct drm_plane *plane);
void vgpu_plane_destroy_state(struct drm_plane *plane, struct drm_plane_state *state);
bool vgpu_plane_is_lost(const struct drm_plane_state *state);
bool vgpu_plane_will_update(const struct drm_plane_state *state);
int vgpu_plane_prepare_fences(struct drm_plane *plane, struct drm_plane_state *state,
			      bool in_order);
int vgpu_plane_prepare_memory(struct drm_plane *plane, struct drm_plane_state *state);
int vgpu_plane_prepare_fence(struct vgpu_timeline *timeline, struct drm_plane_state *state);
void vgpu_plane_finish(struct drm_plane_state *state);
void vgpu_plane_cleanup_fb(struct drm_plane *plane, struct drm_plane_state *state);

#endif
