/* SPDX-License-Identifier: MIT */
#ifndef MODELS_DRM_RECT_H
#define MODELS_DRM_RECT_H

#include "kernel.h"

/* The edges at x2 and y2 do not belong to the rectangle. */
struct drm_rect {
	int x1, y1, x2, y2;
};

static inline int drm_rect_width(const struct drm_rect *r)
{
	return r->x2 - r->x1;
}

static inline int drm_rect_height(const struct drm_rect *r)
{
	return r->y2 - r->y1;
}

static inline bool drm_rect_visible(const struct drm_rect *r)
{
	return drm_rect_width(r) > 0 && drm_rect_height(r) > 0;
}

static inline bool drm_rect_equals(const struct drm_rect *a, const struct drm_rect *b)
{
	return a->x1 == b->x1 && a->x2 == b->x2 && a->y1 == b->y1 && a->y2 == b->y2;
}

/* Cut @a to what lies in @b as well; false if nothing does. */
static inline bool drm_rect_intersect(struct drm_rect *a, const struct drm_rect *b)
{
	a->x1 = max(a->x1, b->x1);
	a->y1 = max(a->y1, b->y1);
	a->x2 = min(a->x2, b->x2);
	a->y2 = min(a->y2, b->y2);
	return drm_rect_visible(a);
}

#endif
