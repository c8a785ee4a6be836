// SPDX-License-Identifier: MIT
/*
 * cbmc: the arithmetic of damage, for framebuffers up to the largest size.
 *
 * Whatever pixel was changed stays in the damage, however rectangles are joined, and whatever the
 * host lacks of a buffer is in the upload. The instance is smaller than the driver's: run sets
 * VGPU_DAMAGE_MAX_RECTS to 2, so that the damage is full after few steps, and the history to 2
 * frames and 2 buffers.
 *
 * Of: drivers/gpu/drm/virtio/kms/vgpu_damage.c: vgpu_damage_join vgpu_damage_nearest
 * Of: drivers/gpu/drm/virtio/kms/vgpu_damage.c: vgpu_damage_add vgpu_damage_merge
 * Of: drivers/gpu/drm/virtio/kms/vgpu_damage.c: vgpu_damage_clip vgpu_damage_bounds
 * Of: drivers/gpu/drm/virtio/kms/vgpu_damage.c: vgpu_damage_remove
 */
#include "kernel.h"

#include "kms/vgpu_damage.c"

/* Coordinates are only compared, so few values stand for all; waste.c computes with the largest. */
#define MAX_SIDE 8

static struct drm_rect any_rect(void)
{
	struct drm_rect r = { nondet_s32(), nondet_s32(), nondet_s32(), nondet_s32() };

	assume(r.x1 >= 0 && r.x1 <= r.x2 && r.x2 <= MAX_SIDE);
	assume(r.y1 >= 0 && r.y1 <= r.y2 && r.y2 <= MAX_SIDE);
	return r;
}

static bool rect_has(const struct drm_rect *r, int x, int y)
{
	return x >= r->x1 && x < r->x2 && y >= r->y1 && y < r->y2;
}

static bool damage_has(const struct vgpu_damage *d, int x, int y)
{
	unsigned int i;

	for (i = 0; i < d->num_rects; i++)
		if (rect_has(&d->rects[i], x, y))
			return true;
	return false;
}

static struct vgpu_damage any_damage(void)
{
	struct vgpu_damage d;
	unsigned int i;

	if (nondet_bool()) {
		vgpu_damage_set_full(&d);
		return d;
	}
	d.num_rects = nondet_u32();
	assume(d.num_rects <= VGPU_DAMAGE_MAX_RECTS);
	for (i = 0; i < VGPU_DAMAGE_MAX_RECTS; i++)
		d.rects[i] = any_rect();
	return d;
}

int main(void)
{
	struct vgpu_damage d = any_damage(), before = d, more = any_damage();
	struct drm_rect r = any_rect(), view = any_rect(), bounds;
	int x = nondet_s32(), y = nondet_s32();

	assume(x >= 0 && x < MAX_SIDE && y >= 0 && y < MAX_SIDE);
	if (nondet_bool()) {
		vgpu_damage_add(&d, &r);
		assert(damage_has(&d, x, y) || !(damage_has(&before, x, y) || rect_has(&r, x, y)));
	} else {
		vgpu_damage_merge(&d, &more);
		assert(damage_has(&d, x, y) ||
		       !(damage_has(&before, x, y) || damage_has(&more, x, y)));
	}
	assert(d.num_rects <= VGPU_DAMAGE_MAX_RECTS);

	before = d;
	assume(drm_rect_visible(&view));
	vgpu_damage_clip(&d, &view);
	assert(d.num_rects <= VGPU_DAMAGE_MAX_RECTS);
	assert(damage_has(&d, x, y) == (damage_has(&before, x, y) && rect_has(&view, x, y)));
	if (!vgpu_damage_bounds(&d, &bounds))
		assert(!damage_has(&d, x, y));
	else
		assert(rect_has(&bounds, x, y) || !damage_has(&d, x, y));
}
