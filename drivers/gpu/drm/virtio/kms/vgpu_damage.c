// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: damage
 *
 * Damage is the set of pixels that a display update uploads and flushes. This is pure arithmetic:
 * no locks, no allocation, any context.
 *
 * Models in tests/models/: cbmc/damage.c, cbmc/waste.c.
 */

#include <linux/minmax.h>
#include <linux/string.h>

#include "kms/vgpu_damage.h"

static s64 vgpu_damage_area(const struct drm_rect *rect)
{
	return (s64)drm_rect_width(rect) * drm_rect_height(rect);
}

static struct drm_rect vgpu_damage_join(const struct drm_rect *a, const struct drm_rect *b)
{
	return (struct drm_rect){
		.x1 = min(a->x1, b->x1), .y1 = min(a->y1, b->y1),
		.x2 = max(a->x2, b->x2), .y2 = max(a->y2, b->y2),
	};
}

/* Count the pixels that the union of two rectangles has more than both. */
static s64 vgpu_damage_waste(const struct drm_rect *a, const struct drm_rect *b)
{
	struct drm_rect both = vgpu_damage_join(a, b);

	return vgpu_damage_area(&both) - vgpu_damage_area(a) - vgpu_damage_area(b);
}

static void vgpu_damage_remove(struct vgpu_damage *damage, unsigned int i)
{
	damage->rects[i] = damage->rects[--damage->num_rects];
}

/* Find the rectangle that is cheapest to join with @rect. */
static unsigned int vgpu_damage_nearest(const struct vgpu_damage *damage,
					const struct drm_rect *rect, s64 *waste)
{
	unsigned int i, nearest = 0;
	s64 w;

	*waste = S64_MAX;
	for (i = 0; i < damage->num_rects; i++) {
		w = vgpu_damage_waste(&damage->rects[i], rect);
		if (w < *waste) {
			*waste = w;
			nearest = i;
		}
	}
	return nearest;
}

/**
 * vgpu_damage_add() - Add a rectangle to a damage
 * @damage: the damage
 * @rect: the rectangle; may be empty
 *
 * Rectangles are joined if that is cheap, or if @damage has no room for another.
 *
 * Context: any; the caller serializes changes.
 */
void vgpu_damage_add(struct vgpu_damage *damage, const struct drm_rect *rect)
{
	struct drm_rect add = *rect;
	unsigned int i;
	s64 waste;

	if (!drm_rect_visible(rect))
		return;

	for (;;) {
		i = vgpu_damage_nearest(damage, &add, &waste);
		if (!damage->num_rects ||
		    (waste > VGPU_DAMAGE_SLACK_PIXELS &&
		     damage->num_rects < VGPU_DAMAGE_MAX_RECTS))
			break;
		/* The union may be near another rectangle, so look again. */
		add = vgpu_damage_join(&damage->rects[i], &add);
		vgpu_damage_remove(damage, i);
	}
	damage->rects[damage->num_rects++] = add;
}

/**
 * vgpu_damage_merge() - Add all rectangles of another damage
 * @damage: the damage, becomes the union of both
 * @more: the other damage
 *
 * Context: any; the caller serializes changes.
 */
void vgpu_damage_merge(struct vgpu_damage *damage, const struct vgpu_damage *more)
{
	unsigned int i;

	for (i = 0; i < more->num_rects; i++)
		vgpu_damage_add(damage, &more->rects[i]);
}

/**
 * vgpu_damage_clip() - Reduce a damage to what is inside a view
 * @damage: the damage
 * @view: the view, not empty
 *
 * Context: any; the caller serializes changes.
 */
void vgpu_damage_clip(struct vgpu_damage *damage, const struct drm_rect *view)
{
	unsigned int i = 0;

	while (i < damage->num_rects) {
		if (drm_rect_intersect(&damage->rects[i], view))
			i++;
		else
			vgpu_damage_remove(damage, i);
	}
}

/**
 * vgpu_damage_bounds() - Get the bounding rectangle of a damage
 * @damage: the damage, clipped
 * @bounds: set to the rectangle
 *
 * Context: any.
 * Return: false when nothing changed.
 */
bool vgpu_damage_bounds(const struct vgpu_damage *damage, struct drm_rect *bounds)
{
	unsigned int i;

	if (!damage->num_rects)
		return false;

	*bounds = damage->rects[0];
	for (i = 1; i < damage->num_rects; i++)
		*bounds = vgpu_damage_join(bounds, &damage->rects[i]);
	return true;
}

/**
 * vgpu_damage_history_reset() - Forget all uploads, after the host has lost them
 * @history: the history
 *
 * Context: any; the caller serializes changes.
 */
void vgpu_damage_history_reset(struct vgpu_damage_history *history)
{
	memset(history->buffers, 0, sizeof(history->buffers));
}

/**
 * vgpu_damage_history_next() - Begin a new frame
 * @history: the history
 * @damage: what the frame changes against the previous one
 *
 * Context: any; the caller serializes changes.
 */
void vgpu_damage_history_next(struct vgpu_damage_history *history,
			      const struct vgpu_damage *damage)
{
	history->frame++;
	history->frames[history->frame % VGPU_DAMAGE_HISTORY_FRAMES] = *damage;
}

/* Find the entry of a buffer, or the least recently used one. */
static struct vgpu_damage_buffer *
vgpu_damage_history_find(struct vgpu_damage_history *history, u32 id,
			 const struct drm_rect *view)
{
	struct vgpu_damage_buffer *oldest = &history->buffers[0];
	unsigned int i;

	for (i = 0; i < VGPU_DAMAGE_HISTORY_BUFFERS; i++) {
		if (history->buffers[i].id == id &&
		    drm_rect_equals(&history->buffers[i].view, view))
			return &history->buffers[i];
		if (history->buffers[i].frame < oldest->frame)
			oldest = &history->buffers[i];
	}
	return oldest;
}

/**
 * vgpu_damage_history_show() - Get the part of a buffer to upload for the newest frame
 * @history: the history
 * @id: the buffer, not 0
 * @view: the part of the buffer that is shown
 * @upload: set to what the host lacks of @view
 *
 * The caller uploads that part; the host's copy of @view counts as up to date from now on.
 *
 * Context: any; the caller serializes changes.
 */
void vgpu_damage_history_show(struct vgpu_damage_history *history, u32 id,
			      const struct drm_rect *view, struct vgpu_damage *upload)
{
	struct vgpu_damage_buffer *buffer = vgpu_damage_history_find(history, id, view);
	u64 frame;

	vgpu_damage_clear(upload);
	if (buffer->id != id || !drm_rect_equals(&buffer->view, view) ||
	    history->frame - buffer->frame > VGPU_DAMAGE_HISTORY_FRAMES) {
		vgpu_damage_set_full(upload);
	} else {
		for (frame = buffer->frame + 1; frame <= history->frame; frame++)
			vgpu_damage_merge(upload,
					  &history->frames[frame % VGPU_DAMAGE_HISTORY_FRAMES]);
	}

	buffer->id = id;
	buffer->view = *view;
	buffer->frame = history->frame;
}
