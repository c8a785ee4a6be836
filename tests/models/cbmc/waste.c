// SPDX-License-Identifier: MIT
/*
 * cbmc: the area that joining two rectangles wastes, for framebuffers up to the largest size.
 *
 * damage.c takes any number for that area; here it is computed, without overflow.
 *
 * Of: drivers/gpu/drm/virtio/kms/vgpu_damage.c: vgpu_damage_area vgpu_damage_waste
 */
#include "kernel.h"

#include "kms/vgpu_damage.c"

#define MAX_SIDE 8192

static struct drm_rect any_rect(void)
{
	struct drm_rect r = { nondet_s32(), nondet_s32(), nondet_s32(), nondet_s32() };

	assume(r.x1 >= 0 && r.x1 <= r.x2 && r.x2 <= MAX_SIDE);
	assume(r.y1 >= 0 && r.y1 <= r.y2 && r.y2 <= MAX_SIDE);
	return r;
}

/* A damage that covers any framebuffer has one rectangle. */
static struct drm_rect any_damaged_rect(void)
{
	struct vgpu_damage full;

	vgpu_damage_set_full(&full);
	return nondet_bool() ? full.rects[0] : any_rect();
}

int main(void)
{
	struct drm_rect a = any_damaged_rect(), b = any_damaged_rect();
	s64 waste = vgpu_damage_waste(&a, &b);

	/* Less than vgpu_damage_nearest() begins with. */
	assert(waste < S64_MAX);
}
