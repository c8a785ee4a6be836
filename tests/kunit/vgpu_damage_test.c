// SPDX-License-Identifier: MIT
/* Damage: after joining, clipping and eviction, no changed pixel is left out. */
#include <kunit/test.h>

#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_rect.h>

#include "kms/vgpu_damage.h"

#define SIDE 48
#define ROUNDS 400
/* More buffers than the history remembers. */
#define BUFFERS (VGPU_DAMAGE_HISTORY_BUFFERS + 2)

/* Get a pseudo-random number below @below; each run uses the same sequence. */
static u32 roll(u32 *state, u32 below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % below;
}

static struct drm_rect rect(int x1, int y1, int x2, int y2)
{
	return (struct drm_rect){ .x1 = x1, .y1 = y1, .x2 = x2, .y2 = y2 };
}

static struct drm_rect random_rect(u32 *state)
{
	int x = roll(state, SIDE - 1), y = roll(state, SIDE - 1);

	return rect(x, y, x + 1 + roll(state, SIDE - x), y + 1 + roll(state, SIDE - y));
}

static bool covers(const struct vgpu_damage *damage, int x, int y)
{
	struct drm_rect pixel = rect(x, y, x + 1, y + 1);
	unsigned int i;

	for (i = 0; i < damage->num_rects; i++) {
		struct drm_rect common = pixel;

		if (drm_rect_intersect(&common, &damage->rects[i]))
			return true;
	}
	return false;
}

static void vgpu_damage_test_empty_adds_nothing(struct kunit *test)
{
	struct vgpu_damage damage = { 0 };
	struct drm_rect none = rect(5, 5, 5, 9), bounds;

	vgpu_damage_add(&damage, &none);
	KUNIT_EXPECT_EQ(test, damage.num_rects, 0);
	KUNIT_EXPECT_FALSE(test, vgpu_damage_bounds(&damage, &bounds));
}

/* Two far corners of a large screen stay two rectangles; neighbours become one. */
static void vgpu_damage_test_joins_what_is_near(struct kunit *test)
{
	struct drm_rect a = rect(0, 0, 16, 16), b = rect(16, 0, 32, 16);
	struct drm_rect far = rect(1900, 1000, 1920, 1080), bounds;
	struct vgpu_damage damage = { 0 };

	vgpu_damage_add(&damage, &a);
	vgpu_damage_add(&damage, &far);
	KUNIT_EXPECT_EQ(test, damage.num_rects, 2);
	vgpu_damage_add(&damage, &b);
	KUNIT_EXPECT_EQ(test, damage.num_rects, 2);
	KUNIT_EXPECT_TRUE(test, covers(&damage, 31, 15));
	KUNIT_EXPECT_FALSE(test, covers(&damage, 33, 15));
	KUNIT_ASSERT_TRUE(test, vgpu_damage_bounds(&damage, &bounds));
	b = rect(0, 0, 1920, 1080);
	KUNIT_EXPECT_TRUE(test, drm_rect_equals(&bounds, &b));
}

static void vgpu_damage_test_number_is_bounded(struct kunit *test)
{
	struct vgpu_damage damage = { 0 };
	unsigned int i;

	for (i = 0; i < 4 * VGPU_DAMAGE_MAX_RECTS; i++) {
		/* Dots on a diagonal, each far from all others. */
		struct drm_rect dot = rect(100 * i, 100 * i, 100 * i + 1, 100 * i + 1);

		vgpu_damage_add(&damage, &dot);
		KUNIT_EXPECT_LE(test, damage.num_rects, VGPU_DAMAGE_MAX_RECTS);
	}
	for (i = 0; i < 4 * VGPU_DAMAGE_MAX_RECTS; i++)
		KUNIT_EXPECT_TRUE(test, covers(&damage, 100 * i, 100 * i));
}

static void vgpu_damage_test_full_swallows_all(struct kunit *test)
{
	struct drm_rect part = rect(1, 2, 3, 4), view = rect(10, 20, 30, 40);
	struct vgpu_damage damage = { 0 }, full = { 0 };

	vgpu_damage_set_full(&full);
	vgpu_damage_add(&damage, &part);
	vgpu_damage_merge(&damage, &full);
	vgpu_damage_add(&damage, &part);
	KUNIT_EXPECT_EQ(test, damage.num_rects, 1);
	KUNIT_EXPECT_TRUE(test, covers(&damage, 0, 0));
	KUNIT_EXPECT_TRUE(test, covers(&damage, INT_MAX - 1, INT_MAX - 1));
	vgpu_damage_clip(&damage, &view);
	KUNIT_ASSERT_EQ(test, damage.num_rects, 1);
	KUNIT_EXPECT_TRUE(test, drm_rect_equals(&damage.rects[0], &view));
}

static void vgpu_damage_test_clip_keeps_what_is_inside(struct kunit *test)
{
	struct drm_rect view = rect(10, 10, 30, 30), bounds;
	struct vgpu_damage damage = { 0 };
	u32 state = 7;
	int x, y;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct drm_rect r = random_rect(&state), inside = r;

		vgpu_damage_clear(&damage);
		vgpu_damage_add(&damage, &r);
		vgpu_damage_clip(&damage, &view);
		if (!drm_rect_intersect(&inside, &view)) {
			KUNIT_EXPECT_EQ(test, damage.num_rects, 0);
			continue;
		}
		KUNIT_ASSERT_TRUE(test, vgpu_damage_bounds(&damage, &bounds));
		KUNIT_EXPECT_TRUE(test, drm_rect_equals(&bounds, &inside));
	}

	/* Rectangles outside of the clip are dropped, the others stay. */
	vgpu_damage_clear(&damage);
	for (x = 0; x < 3; x++) {
		struct drm_rect r = rect(2000 * x, 0, 2000 * x + 40, 40);

		vgpu_damage_add(&damage, &r);
	}

	vgpu_damage_clip(&damage, &view);
	KUNIT_EXPECT_EQ(test, damage.num_rects, 1);
	for (y = view.y1; y < view.y2; y++)
		KUNIT_EXPECT_TRUE(test, covers(&damage, 29, y));
}

/**
 * struct studio - a plane, its buffers, and their contents on the host
 * @history: the object under test
 * @plane: for each pixel, the last frame that painted it
 * @host: for each buffer, @plane as the host knows it
 * @state: state of the random numbers
 */
struct studio {
	struct vgpu_damage_history history;
	u16 plane[SIDE][SIDE];
	u16 host[BUFFERS][SIDE][SIDE];
	u32 state;
};

static void studio_copy(u16 (*to)[SIDE], u16 (*from)[SIDE], const struct drm_rect *r)
{
	for (int y = r->y1; y < r->y2; y++)
		memcpy(&to[y][r->x1], &from[y][r->x1], drm_rect_width(r) * sizeof(to[0][0]));
}

static void studio_paint(struct studio *studio, u16 frame)
{
	struct vgpu_damage damage = { 0 };
	unsigned int i, n = roll(&studio->state, 4);

	for (i = 0; i < n; i++) {
		struct drm_rect r = random_rect(&studio->state);

		for (int y = r.y1; y < r.y2; y++)
			for (int x = r.x1; x < r.x2; x++)
				studio->plane[y][x] = frame;
		vgpu_damage_add(&damage, &r);
	}
	if (!roll(&studio->state, 20)) {
		memset(studio->plane, frame, sizeof(studio->plane));
		vgpu_damage_set_full(&damage);
	}
	vgpu_damage_history_next(&studio->history, &damage);
}

static size_t studio_show(struct studio *studio, u32 buffer)
{
	struct drm_rect view = rect(0, 0, SIDE, SIDE);
	struct vgpu_damage upload;
	size_t pixels = 0;

	vgpu_damage_history_show(&studio->history, buffer + 1, &view, &upload);
	vgpu_damage_clip(&upload, &view);
	for (unsigned int i = 0; i < upload.num_rects; i++) {
		studio_copy(studio->host[buffer], studio->plane, &upload.rects[i]);
		pixels += drm_rect_width(&upload.rects[i]) * drm_rect_height(&upload.rects[i]);
	}
	return pixels;
}

/* The host shows the current picture, however a client flips between its buffers. */
static void vgpu_damage_test_history_leaves_nothing_out(struct kunit *test)
{
	struct studio *studio = kunit_kzalloc(test, sizeof(*studio), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, studio);
	for (u16 frame = 1; frame <= ROUNDS; frame++) {
		/* Use one buffer first, then two, three, up to more than the history remembers. */
		u32 buffer = roll(&studio->state, 1 + frame * BUFFERS / (ROUNDS + 1));

		studio_paint(studio, frame);
		if (!roll(&studio->state, 50)) {
			vgpu_damage_history_reset(&studio->history);
			memset(studio->host, 0xff, sizeof(studio->host));
		}
		studio_show(studio, buffer);
		KUNIT_ASSERT_MEMEQ(test, studio->host[buffer], studio->plane,
				   sizeof(studio->plane));
	}
}

/* No more is uploaded than needed: nothing for an unchanged picture. */
static void vgpu_damage_test_history_saves_uploads(struct kunit *test)
{
	struct studio *studio = kunit_kzalloc(test, sizeof(*studio), GFP_KERNEL);
	struct drm_rect half = rect(0, 0, SIDE / 2, SIDE), dot = rect(3, 3, 4, 4);
	struct vgpu_damage none = { 0 }, one = { 0 }, upload;

	KUNIT_ASSERT_NOT_NULL(test, studio);
	vgpu_damage_add(&one, &dot);

	/* A buffer that was never shown is uploaded completely. */
	vgpu_damage_history_next(&studio->history, &none);
	KUNIT_EXPECT_EQ(test, studio_show(studio, 0), SIDE * SIDE);
	KUNIT_EXPECT_EQ(test, studio_show(studio, 1), SIDE * SIDE);
	vgpu_damage_history_next(&studio->history, &none);
	KUNIT_EXPECT_EQ(test, studio_show(studio, 0), 0);

	/* Two alternating buffers: each lacks the last change of the other. */
	vgpu_damage_history_next(&studio->history, &one);
	KUNIT_EXPECT_EQ(test, studio_show(studio, 1), 1);
	vgpu_damage_history_next(&studio->history, &none);
	KUNIT_EXPECT_EQ(test, studio_show(studio, 0), 1);

	/* Another source rectangle of the same buffer counts as another picture. */
	vgpu_damage_history_show(&studio->history, 1, &half, &upload);
	KUNIT_EXPECT_TRUE(test, covers(&upload, SIDE, SIDE));

	/* So does a buffer that was last shown too long ago. */
	for (unsigned int i = 0; i <= VGPU_DAMAGE_HISTORY_FRAMES; i++)
		vgpu_damage_history_next(&studio->history, &none);
	KUNIT_EXPECT_EQ(test, studio_show(studio, 0), SIDE * SIDE);
}

static struct kunit_case vgpu_damage_test_cases[] = {
	KUNIT_CASE(vgpu_damage_test_empty_adds_nothing),
	KUNIT_CASE(vgpu_damage_test_joins_what_is_near),
	KUNIT_CASE(vgpu_damage_test_number_is_bounded),
	KUNIT_CASE(vgpu_damage_test_full_swallows_all),
	KUNIT_CASE(vgpu_damage_test_clip_keeps_what_is_inside),
	KUNIT_CASE(vgpu_damage_test_history_leaves_nothing_out),
	KUNIT_CASE(vgpu_damage_test_history_saves_uploads),
	{}
};

static struct kunit_suite vgpu_damage_test_suite = {
	.name = "vgpu_damage",
	.test_cases = vgpu_damage_test_cases,
};

kunit_test_suite(vgpu_damage_test_suite);
