// SPDX-License-Identifier: MIT
/* Fence ids: below 2^32, since hosts keep no more bits, and never smaller than a pending id. */
#include <kunit/test.h>

#include "protocol/vgpu_fence_id.h"

static void vgpu_fence_id_test_grow(struct kunit *test)
{
	struct vgpu_fence_ids ids;

	vgpu_fence_ids_init(&ids, 1);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), 1);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, false), 2);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), 3);
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_are_short(&ids));
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_put(&ids));
	KUNIT_EXPECT_TRUE(test, vgpu_fence_ids_put(&ids));
}

static void vgpu_fence_id_test_wrap_waits_for_global(struct kunit *test)
{
	struct vgpu_fence_ids ids;

	vgpu_fence_ids_init(&ids, VGPU_FENCE_ID_LIMIT - 1);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), VGPU_FENCE_ID_LIMIT - 1);
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_are_short(&ids));
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), VGPU_FENCE_ID_LIMIT);
	KUNIT_EXPECT_TRUE(test, vgpu_fence_ids_are_short(&ids));

	/*
	 * A caller that cannot wait gets a larger id, so the host still answers the older fences
	 * first.
	 */
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), VGPU_FENCE_ID_LIMIT + 1);

	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_put(&ids));
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_put(&ids));
	KUNIT_EXPECT_TRUE(test, vgpu_fence_ids_are_short(&ids));
	KUNIT_EXPECT_TRUE(test, vgpu_fence_ids_put(&ids));
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_are_short(&ids));
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), 1);
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_are_short(&ids));
}

static void vgpu_fence_id_test_ring_delays_nothing(struct kunit *test)
{
	struct vgpu_fence_ids ids;
	u64 ring;

	vgpu_fence_ids_init(&ids, VGPU_FENCE_ID_LIMIT);
	ring = vgpu_fence_ids_next(&ids, false);
	KUNIT_EXPECT_FALSE(test, vgpu_fence_ids_are_short(&ids));
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), 1);
	/* On its ring the id is larger than the previous one. */
	KUNIT_EXPECT_GT(test, vgpu_fence_ids_next(&ids, false), ring);
}

static void vgpu_fence_id_test_global_fits(struct kunit *test)
{
	struct vgpu_fence_ids ids;
	unsigned int i;

	/* A fence that never ends keeps the ids from starting again at 1. */
	vgpu_fence_ids_init(&ids, U32_MAX - 8);
	for (i = 0; i < 16; i++) {
		u64 id = vgpu_fence_ids_next(&ids, true);

		KUNIT_EXPECT_NE(test, id, 0);
		KUNIT_EXPECT_LE(test, id, U32_MAX);
		KUNIT_EXPECT_GT(test, vgpu_fence_ids_next(&ids, false), 0);
	}
}

static struct kunit_case vgpu_fence_id_test_cases[] = {
	KUNIT_CASE(vgpu_fence_id_test_grow),
	KUNIT_CASE(vgpu_fence_id_test_wrap_waits_for_global),
	KUNIT_CASE(vgpu_fence_id_test_ring_delays_nothing),
	KUNIT_CASE(vgpu_fence_id_test_global_fits),
	{}
};

static struct kunit_suite vgpu_fence_id_test_suite = {
	.name = "vgpu_fence_id",
	.test_cases = vgpu_fence_id_test_cases,
};

kunit_test_suite(vgpu_fence_id_test_suite);
