/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_DAMAGE_H
#define VGPU_DAMAGE_H

#include <linux/limits.h>
#include <linux/types.h>

#include <drm/drm_rect.h>

/* With more rectangles, the additional commands cost more than the bytes they save. */
#define VGPU_DAMAGE_MAX_RECTS	16

/* Rectangles are joined if that adds no more pixels than a page has. */
#define VGPU_DAMAGE_SLACK_PIXELS	1024

/* A buffer that was shown longer ago than this is uploaded whole. */
#define VGPU_DAMAGE_HISTORY_FRAMES	4

/* Buffers whose age is known: one more than clients with triple buffering have. */
#define VGPU_DAMAGE_HISTORY_BUFFERS	4

/**
 * struct vgpu_damage - The part of a framebuffer that changed
 * @num_rects: how many of @rects are used
 * @rects: rectangles that cover the change; they may overlap
 */
struct vgpu_damage {
	unsigned int num_rects;
	struct drm_rect rects[VGPU_DAMAGE_MAX_RECTS];
};

/**
 * struct vgpu_damage_buffer - The frame for which a buffer was last uploaded
 * @id: the buffer, 0 for an unused entry
 * @view: which part of the buffer was shown
 * @frame: number of the frame after whose upload the host's copy was up to date
 */
struct vgpu_damage_buffer {
	u32 id;
	struct drm_rect view;
	u64 frame;
};

/**
 * struct vgpu_damage_history - Damage of the last frames of a plane
 * @frame: number of the newest frame, 0 for none
 * @frames: what each frame changed, by its number modulo the size
 * @buffers: how recent the host's copies of the shown buffers are
 *
 * A client reports damage from one frame of the plane to the next, whichever buffers the frames
 * are in. So the part of a buffer to upload is the damage of all frames since the buffer was last
 * shown.
 */
struct vgpu_damage_history {
	u64 frame;
	struct vgpu_damage frames[VGPU_DAMAGE_HISTORY_FRAMES];
	struct vgpu_damage_buffer buffers[VGPU_DAMAGE_HISTORY_BUFFERS];
};

static inline bool vgpu_damage_is_empty(const struct vgpu_damage *damage)
{
	return !damage->num_rects;
}

static inline void vgpu_damage_clear(struct vgpu_damage *damage)
{
	damage->num_rects = 0;
}

/* Make a damage cover any framebuffer, in any context. */
static inline void vgpu_damage_set_full(struct vgpu_damage *damage)
{
	damage->num_rects = 1;
	damage->rects[0] = (struct drm_rect){ .x2 = INT_MAX, .y2 = INT_MAX };
}

void vgpu_damage_add(struct vgpu_damage *damage, const struct drm_rect *rect);
void vgpu_damage_merge(struct vgpu_damage *damage, const struct vgpu_damage *more);
void vgpu_damage_clip(struct vgpu_damage *damage, const struct drm_rect *view);
bool vgpu_damage_bounds(const struct vgpu_damage *damage, struct drm_rect *bounds);

void vgpu_damage_history_reset(struct vgpu_damage_history *history);
void vgpu_damage_history_next(struct vgpu_damage_history *history,
			      const struct vgpu_damage *damage);
void vgpu_damage_history_show(struct vgpu_damage_history *history, u32 id,
			      const struct drm_rect *view, struct vgpu_damage *upload);

#endif
