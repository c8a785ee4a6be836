// SPDX-License-Identifier: MIT
/* Payloads: they contain all bytes, in no more pieces than the device accepts. */
#include <kunit/test.h>

#include <linux/scatterlist.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/virtio_gpu.h>

#include "protocol/vgpu_payload.h"

static struct vgpu_payload_spares spare_pieces;

static const struct vgpu_payload_limits roomy = {
	.spares = &spare_pieces,
	.max_entries = 1024,
	.max_entry_bytes = SZ_4M,
};

static size_t total(const struct vgpu_payload *payload)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < payload->nents; i++)
		bytes += payload->sgl[i].length;
	return bytes;
}

static void vgpu_payload_test_sizes(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 4, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, SZ_64K + 4, SZ_1M,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct vgpu_payload *payload = vgpu_payload_create(&roomy, sizes[i]);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
		KUNIT_EXPECT_EQ(test, payload->size_bytes, sizes[i]);
		KUNIT_EXPECT_EQ(test, total(payload), sizes[i]);
		KUNIT_EXPECT_TRUE(test, sg_is_last(&payload->sgl[payload->nents - 1]));
		KUNIT_EXPECT_EQ(test, sg_nents(payload->sgl), payload->nents);
		vgpu_payload_destroy(payload);
	}
	vgpu_payload_destroy(NULL);
}

static void vgpu_payload_test_piece_limit(struct kunit *test)
{
	const struct vgpu_payload_limits small = {
		.spares = &spare_pieces,
		.max_entries = 64,
		.max_entry_bytes = PAGE_SIZE,
	};
	struct vgpu_payload *payload = vgpu_payload_create(&small, 10 * PAGE_SIZE + 1);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
	KUNIT_EXPECT_EQ(test, payload->nents, 11);
	for (i = 0; i < payload->nents; i++)
		KUNIT_EXPECT_LE(test, payload->sgl[i].length, PAGE_SIZE);
	vgpu_payload_destroy(payload);
}

/* A payload that the device can never accept is refused before any allocation. */
static void vgpu_payload_test_too_big(struct kunit *test)
{
	const struct vgpu_payload_limits small = {
		.spares = &spare_pieces,
		.max_entries = 4,
		.max_entry_bytes = PAGE_SIZE,
	};
	struct vgpu_payload *payload;

	payload = vgpu_payload_create(&small, 3 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
	vgpu_payload_destroy(payload);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_payload_create(&small, 5 * PAGE_SIZE)), -E2BIG);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_payload_create(&small, SIZE_MAX)), -E2BIG);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_payload_create(&roomy, (size_t)INT_MAX + 1)), -E2BIG);
}

/* The maximum number of pieces is accepted. */
static void vgpu_payload_test_exact_fit(struct kunit *test)
{
	const struct vgpu_payload_limits small = {
		.spares = &spare_pieces,
		.max_entries = 4,
		.max_entry_bytes = PAGE_SIZE,
	};
	struct vgpu_payload *payload = vgpu_payload_create(&small, 4 * PAGE_SIZE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
	KUNIT_EXPECT_EQ(test, payload->nents, 4);
	vgpu_payload_destroy(payload);
}

/* Freed pieces are reused, up to a bound, and a shrinker frees them. */
static void vgpu_payload_test_spares_shrink(struct kunit *test)
{
	struct vgpu_payload_spares *spares = kunit_kzalloc(test, sizeof(*spares), GFP_KERNEL);
	struct vgpu_payload_limits limits = roomy;
	struct shrink_control sc = { .nr_to_scan = 1 };
	struct vgpu_payload *payload;
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, spares);
	KUNIT_ASSERT_EQ(test, vgpu_payload_spares_init(spares), 0);
	limits.spares = spares;
	KUNIT_EXPECT_EQ(test, spares->shrinker->count_objects(spares->shrinker, &sc), SHRINK_EMPTY);
	payload = vgpu_payload_create(&limits, 3 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
	page = sg_page(payload->sgl);
	vgpu_payload_destroy(payload);
	KUNIT_EXPECT_EQ(test, spares->shrinker->count_objects(spares->shrinker, &sc), 3);

	payload = vgpu_payload_create(&limits, 3 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
	KUNIT_EXPECT_PTR_EQ(test, sg_page(payload->sgl), page);
	KUNIT_EXPECT_EQ(test, spares->npages, 0);
	vgpu_payload_destroy(payload);

	payload = vgpu_payload_create(&limits, SZ_4M);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, payload);
	vgpu_payload_destroy(payload);
	KUNIT_EXPECT_LE(test, spares->npages, SZ_2M / PAGE_SIZE);
	KUNIT_EXPECT_GE(test, spares->shrinker->scan_objects(spares->shrinker, &sc), 1);
	sc.nr_to_scan = ULONG_MAX;
	spares->shrinker->scan_objects(spares->shrinker, &sc);
	KUNIT_EXPECT_EQ(test, spares->npages, 0);
	KUNIT_EXPECT_EQ(test, spares->shrinker->scan_objects(spares->shrinker, &sc), SHRINK_STOP);
	vgpu_payload_spares_fini(spares);
}

static struct kunit_case vgpu_payload_test_cases[] = {
	KUNIT_CASE(vgpu_payload_test_sizes),
	KUNIT_CASE(vgpu_payload_test_piece_limit),
	KUNIT_CASE(vgpu_payload_test_too_big),
	KUNIT_CASE(vgpu_payload_test_exact_fit),
	KUNIT_CASE(vgpu_payload_test_spares_shrink),
	{}
};

static int vgpu_payload_test_begin(struct kunit_suite *suite)
{
	return vgpu_payload_spares_init(&spare_pieces);
}

static void vgpu_payload_test_end(struct kunit_suite *suite)
{
	vgpu_payload_spares_fini(&spare_pieces);
}

static struct kunit_suite vgpu_payload_test_suite = {
	.name = "vgpu_payload",
	.suite_init = vgpu_payload_test_begin,
	.suite_exit = vgpu_payload_test_end,
	.test_cases = vgpu_payload_test_cases,
};

kunit_test_suite(vgpu_payload_test_suite);
