// SPDX-License-Identifier: MIT
/* Ids of global fences: below 2^32, since hosts keep no more bits, and never below a pending id. */
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
	vgpu_fence_ids_put(&ids);
	KUNIT_EXPECT_EQ(test, atomic_read(&ids.nr_global), 1);
	vgpu_fence_ids_put(&ids);
	KUNIT_EXPECT_EQ(test, atomic_read(&ids.nr_global), 0);
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

	vgpu_fence_ids_put(&ids);
	vgpu_fence_ids_put(&ids);
	KUNIT_EXPECT_EQ(test, atomic_read(&ids.nr_global), 1);
	KUNIT_EXPECT_TRUE(test, vgpu_fence_ids_are_short(&ids));
	vgpu_fence_ids_put(&ids);
	KUNIT_EXPECT_EQ(test, atomic_read(&ids.nr_global), 0);
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
	vgpu_fence_ids_init(&ids, VGPU_FENCE_ID_LIMIT - 1);
	vgpu_fence_ids_next(&ids, true);
	ids.last = U32_MAX - 8;
	for (i = 0; i < 16; i++) {
		u64 id = vgpu_fence_ids_next(&ids, true);

		KUNIT_EXPECT_NE(test, id, 0);
		KUNIT_EXPECT_LE(test, id, U32_MAX);
		KUNIT_EXPECT_GT(test, vgpu_fence_ids_next(&ids, false), 0);
	}
}

/* However many ring fences follow, the ids of global fences begin anew only after a held one. */
static void vgpu_fence_id_test_rings_do_not_pass_a_held_fence(struct kunit *test)
{
	struct vgpu_fence_ids ids;
	u64 held, ring, last_ring = 0;
	unsigned int i;

	vgpu_fence_ids_init(&ids, VGPU_FENCE_ID_LIMIT - 1);
	held = vgpu_fence_ids_next(&ids, true);
	ids.last = U32_MAX - 8;
	for (i = 0; i < 16; i++) {
		ring = vgpu_fence_ids_next(&ids, false);
		KUNIT_EXPECT_GT(test, ring, last_ring);
		last_ring = ring;
		KUNIT_EXPECT_TRUE(test, vgpu_fence_ids_are_short(&ids));
	}

	/* That of the display, which does not wait. */
	KUNIT_EXPECT_GT(test, vgpu_fence_ids_next(&ids, true), held);
	vgpu_fence_ids_put(&ids);
	vgpu_fence_ids_put(&ids);
	KUNIT_EXPECT_EQ(test, atomic_read(&ids.nr_global), 0);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), 1);
	KUNIT_EXPECT_GT(test, vgpu_fence_ids_next(&ids, false), last_ring);
}

/* Newer QEMU compares the ids of both kinds, so they share a counter while ids are low. */
static void vgpu_fence_id_test_rings_share_the_counter(struct kunit *test)
{
	struct vgpu_fence_ids ids;
	u64 ring;

	vgpu_fence_ids_init(&ids, VGPU_FENCE_ID_LIMIT - 2);
	ring = vgpu_fence_ids_next(&ids, false);
	KUNIT_EXPECT_EQ(test, ring, VGPU_FENCE_ID_LIMIT - 2);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), ring + 1);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, false), ring + 2);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, false), (u64)U32_MAX + 1);
	vgpu_fence_ids_put(&ids);
	KUNIT_EXPECT_EQ(test, atomic_read(&ids.nr_global), 0);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, true), 1);
	KUNIT_EXPECT_EQ(test, vgpu_fence_ids_next(&ids, false), (u64)U32_MAX + 2);
}

static struct kunit_case vgpu_fence_id_test_cases[] = {
	KUNIT_CASE(vgpu_fence_id_test_grow),
	KUNIT_CASE(vgpu_fence_id_test_wrap_waits_for_global),
	KUNIT_CASE(vgpu_fence_id_test_ring_delays_nothing),
	KUNIT_CASE(vgpu_fence_id_test_global_fits),
	KUNIT_CASE(vgpu_fence_id_test_rings_do_not_pass_a_held_fence),
	KUNIT_CASE(vgpu_fence_id_test_rings_share_the_counter),
	{}
};

static struct kunit_suite vgpu_fence_id_test_suite = {
	.name = "vgpu_fence_id",
	.test_cases = vgpu_fence_id_test_cases,
};

kunit_test_suite(vgpu_fence_id_test_suite);
