// SPDX-License-Identifier: MIT
/* Rings: what is taken, what is refused, what is returned. */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "guest.h"
#include "test.h"

#define BASE_FEATURES (BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC))
#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

static void pop_expect(struct guest *g, enum vq_pop want, const char *rule)
{
	struct vq_chain c;

	CHECK_EQ(vq_pop(&g->d.vq[0], &c), want);
	CHECK(guest_bug(g, rule));
	vq_chain_free(&c);
}

static void virtqueue_test_split_chain(void)
{
	struct guest *g = guest_create(BASE_FEATURES);
	struct vq_chain c;
	u8 bytes[24];

	memcpy(g->mem + 0x8000, "0123456789abcdef", 16);
	guest_desc(g, 0, 3, GUEST_BASE + 0x8000, 10, NEXT, 7);
	guest_desc(g, 0, 7, GUEST_BASE + 0x800a, 6, NEXT, 1);
	guest_desc(g, 0, 1, GUEST_BASE + 0x9000, 4, NEXT | WRITE, 2);
	guest_desc(g, 0, 2, GUEST_BASE + 0xa000, 8, WRITE, 0);
	guest_publish(g, 0, 3);
	CHECK_EQ(vq_pop(&g->d.vq[0], &c), VQ_GOT);
	CHECK_EQ(c.id, 3);
	CHECK_EQ(c.nout, 2);
	CHECK_EQ(c.nin, 2);
	CHECK_EQ(c.out_len, 16);
	CHECK_EQ(c.in_len, 12);
	CHECK(vq_chain_read(&g->d.vq[0], &c, 0, bytes, 16));
	CHECK(!memcmp(bytes, "0123456789abcdef", 16));
	CHECK_EQ(vq_chain_write(&g->d.vq[0], &c, "ABCDEFGHIJKLMNOP", 16), 12);
	CHECK(!memcmp(g->mem + 0x9000, "ABCD", 4));
	CHECK(!memcmp(g->mem + 0xa000, "EFGHIJKL\0", 9));
	vq_push(&g->d.vq[0], &c, 12);
	CHECK_EQ(get_le16(guest_ring(g, 0, 'u') + 2), 1);
	CHECK_EQ(get_le32(guest_ring(g, 0, 'u') + 4), 3);
	CHECK_EQ(get_le32(guest_ring(g, 0, 'u') + 8), 12);
	CHECK(vq_wants_call(&g->d.vq[0]));
	CHECK(!vq_wants_call(&g->d.vq[0]));
	vq_chain_free(&c);
	pop_expect(g, VQ_EMPTY, NULL);
	guest_destroy(g);
}

static void split_bad(u16 i, u64 gpa, u32 len, u16 flags, u16 next, const char *rule)
{
	struct guest *g = guest_create(BASE_FEATURES);

	guest_desc(g, 0, 0, GUEST_BASE + 0x8000, 24, NEXT, 1);
	guest_desc(g, 0, 1, GUEST_BASE + 0x9000, 24, NEXT | WRITE, 2);
	guest_desc(g, 0, 2, GUEST_BASE + 0xa000, 24, WRITE, 0);
	guest_desc(g, 0, i, gpa, len, flags, next);
	guest_publish(g, 0, 0);
	pop_expect(g, VQ_BROKEN, rule);
	/* A broken queue stays so. */
	pop_expect(g, VQ_BROKEN, NULL);
	guest_destroy(g);
}

static void virtqueue_test_split_violations(void)
{
	u64 ok = GUEST_BASE + 0x8000;

	split_bad(0, ok, 0, NEXT, 1, "desc-empty");
	split_bad(1, GUEST_BASE + GUEST_MEM - 8, 16, WRITE, 0, "desc-address");
	split_bad(1, 0, 16, WRITE, 0, "desc-address");
	split_bad(1, UINT64_MAX - 4, 16, WRITE, 0, "desc-address");
	split_bad(2, ok, 16, 0, 0, "desc-order");
	split_bad(0, ok, 16, NEXT, GUEST_RING, "desc-next");
	split_bad(0, ok, 16, NEXT, 0xffff, "desc-next");
	split_bad(0, ok, 16, INDIRECT | NEXT, 1, "indirect-and-next");
	split_bad(0, ok, 15, INDIRECT, 0, "indirect-size");
	split_bad(0, ok, 0, INDIRECT, 0, "indirect-size");
	split_bad(0, ok, 16 * 1025, INDIRECT, 0, "chain-over-limit");
	split_bad(0, GUEST_BASE + GUEST_MEM - 16, 32, INDIRECT, 0, "desc-address");
}

static void virtqueue_test_split_index_violations(void)
{
	struct guest *g = guest_create(BASE_FEATURES);

	put_le16(guest_ring(g, 0, 'a') + 2, GUEST_RING + 1);
	pop_expect(g, VQ_BROKEN, "avail-idx");
	guest_destroy(g);
	g = guest_create(BASE_FEATURES);
	guest_publish(g, 0, GUEST_RING);
	pop_expect(g, VQ_BROKEN, "avail-head");
	guest_destroy(g);
}

static void virtqueue_test_split_loop(void)
{
	struct guest *g = guest_create(BASE_FEATURES);

	guest_desc(g, 0, 0, GUEST_BASE + 0x8000, 24, NEXT, 1);
	guest_desc(g, 0, 1, GUEST_BASE + 0x8000, 24, NEXT, 0);
	guest_publish(g, 0, 0);
	pop_expect(g, VQ_BROKEN, "chain-loop");
	guest_destroy(g);
}

static void virtqueue_test_same_id_twice(void)
{
	struct guest *g = guest_create(BASE_FEATURES);
	struct vq_chain c;

	guest_desc(g, 0, 0, GUEST_BASE + 0x8000, 24, 0, 0);
	guest_publish(g, 0, 0);
	guest_publish(g, 0, 0);
	CHECK_EQ(vq_pop(&g->d.vq[0], &c), VQ_GOT);
	vq_chain_free(&c);
	pop_expect(g, VQ_BROKEN, "id-in-use");
	guest_destroy(g);
}

static void indirect_table(struct guest *g, u32 n, u16 last_next)
{
	for (u32 i = 0; i < n; i++) {
		u8 *d = g->mem + 0x10000 + 16 * i;

		put_le64(d, GUEST_BASE + 0x8000);
		put_le32(d + 8, 4);
		put_le16(d + 12, i + 1 < n || last_next ? NEXT : 0);
		put_le16(d + 14, i + 1 < n ? i + 1 : last_next - 1u);
	}
	guest_desc(g, 0, 0, GUEST_BASE + 0x10000, 16 * n, INDIRECT, 0);
	guest_publish(g, 0, 0);
}

static void virtqueue_test_indirect(void)
{
	struct guest *g = guest_create(BASE_FEATURES);
	struct vq_chain c;

	indirect_table(g, GUEST_RING, 0);
	CHECK_EQ(vq_pop(&g->d.vq[0], &c), VQ_GOT);
	CHECK_EQ(c.nout, GUEST_RING);
	CHECK(guest_bug(g, NULL));
	vq_chain_free(&c);
	guest_destroy(g);
	/* Longer than the queue is against the rules, but taken. */
	g = guest_create(BASE_FEATURES);
	indirect_table(g, GUEST_RING + 5, 0);
	CHECK_EQ(vq_pop(&g->d.vq[0], &c), VQ_GOT);
	CHECK(guest_bug(g, "chain-too-long"));
	vq_chain_free(&c);
	guest_destroy(g);
	g = guest_create(BASE_FEATURES);
	indirect_table(g, 4, 0);
	put_le16(g->mem + 0x10000 + 12, INDIRECT);
	pop_expect(g, VQ_BROKEN, "indirect-nested");
	guest_destroy(g);
	/* 1024 times all the guest's memory is one byte too much. */
	g = guest_create(BASE_FEATURES);
	indirect_table(g, 1024, 0);
	for (u32 i = 0; i < 1024; i++) {
		put_le64(g->mem + 0x10000 + 16 * i, GUEST_BASE);
		put_le32(g->mem + 0x10000 + 16 * i + 8, GUEST_MEM);
	}
	g->d.vq[0].size = 1024;
	pop_expect(g, VQ_BROKEN, "chain-bytes");
	guest_destroy(g);
	g = guest_create(BASE_FEATURES);
	indirect_table(g, 4, 1);
	pop_expect(g, VQ_BROKEN, "indirect-loop");
	guest_destroy(g);
	g = guest_create(BASE_FEATURES);
	indirect_table(g, 4, 9);
	pop_expect(g, VQ_BROKEN, "indirect-next");
	guest_destroy(g);
	g = guest_create(BIT64(VIRTIO_F_VERSION_1));
	indirect_table(g, 4, 0);
	pop_expect(g, VQ_BROKEN, "indirect-feature");
	guest_destroy(g);
}

static void virtqueue_test_event_idx(void)
{
	struct guest *g = guest_create(BASE_FEATURES | BIT64(VIRTIO_RING_F_EVENT_IDX));
	struct virtqueue *vq = &g->d.vq[0];
	u8 *event = guest_ring(g, 0, 'a') + 4 + 2 * GUEST_RING;
	struct vq_chain c;

	for (u16 i = 0; i < 8; i++) {
		guest_desc(g, 0, i, GUEST_BASE + 0x8000, 24, 0, 0);
		guest_publish(g, 0, i);
	}
	put_le16(event, 3);
	for (u16 i = 0; i < 8; i++) {
		CHECK_EQ(vq_pop(vq, &c), VQ_GOT);
		vq_push(vq, &c, 0);
		/* The first one always tells, then entry 3 does. */
		CHECK_EQ(vq_wants_call(vq), i == 0 || i == 3);
		vq_chain_free(&c);
		CHECK_EQ(get_le16(guest_ring(g, 0, 'u') + 4 + 8 * GUEST_RING), i + 1);
	}
	guest_destroy(g);
}

static void virtqueue_test_no_interrupt_flag(void)
{
	struct guest *g = guest_create(BASE_FEATURES);
	struct vq_chain c;

	guest_desc(g, 0, 0, GUEST_BASE + 0x8000, 24, 0, 0);
	guest_publish(g, 0, 0);
	put_le16(guest_ring(g, 0, 'a'), VRING_AVAIL_F_NO_INTERRUPT);
	CHECK_EQ(vq_pop(&g->d.vq[0], &c), VQ_GOT);
	vq_push(&g->d.vq[0], &c, 0);
	CHECK(!vq_wants_call(&g->d.vq[0]));
	vq_chain_free(&c);
	guest_destroy(g);
}

static void virtqueue_test_map(void)
{
	struct guest *g = guest_create(BASE_FEATURES);
	struct virtqueue *vq = &g->d.vq[0];

	CHECK(vq_set_size(vq, 0) < 0);
	CHECK(vq_set_size(vq, VQ_SIZE_MAX + 1) < 0);
	vq_set_size(vq, 48);
	CHECK(vq_map(vq) < 0);
	vq_set_size(vq, 64);
	vq->used_uva = GUEST_UVA + GUEST_MEM - 64;
	CHECK(vq_map(vq) < 0);
	vq->used_uva = GUEST_UVA + 0x2001;
	CHECK(vq_map(vq) < 0);
	vq->used_uva = GUEST_UVA + 0x2000;
	CHECK(!vq_map(vq));
	guest_destroy(g);
}

/* Four times around, so that both wrap counters turn. */
static void virtqueue_test_packed_wraps(void)
{
	struct guest *g = guest_create(BASE_FEATURES | BIT64(VIRTIO_F_RING_PACKED));
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO };
	struct guest_reply r;
	u8 req[WIRE_HDR_SIZE];

	wire_hdr_put(req, &h);
	for (u32 i = 0; i < 2 * GUEST_RING; i++) {
		g->alloc = GUEST_DATA;
		CHECK_EQ(guest_send(g, req, sizeof(req), &r),
			 VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
		CHECK_EQ(r.used, 408);
		CHECK_EQ(g->calls, i + 1);
	}
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

static void virtqueue_test_packed_violations(void)
{
	struct guest *g = guest_create(BASE_FEATURES | BIT64(VIRTIO_F_RING_PACKED));
	u8 *d = guest_ring(g, 0, 'd');

	put_le64(d, GUEST_BASE + 0x8000);
	put_le32(d + 8, 24);
	put_le16(d + 14, 1 << VRING_PACKED_DESC_F_AVAIL | NEXT);
	pop_expect(g, VQ_BROKEN, "packed-chain");
	guest_destroy(g);
	g = guest_create(BASE_FEATURES | BIT64(VIRTIO_F_RING_PACKED));
	d = guest_ring(g, 0, 'd');
	for (u32 i = 0; i < GUEST_RING; i++) {
		put_le64(d + 16 * i, GUEST_BASE + 0x8000);
		put_le32(d + 16 * i + 8, 24);
		put_le16(d + 16 * i + 14, 1 << VRING_PACKED_DESC_F_AVAIL | NEXT);
	}
	/* Slot 0 again, in the next lap, is not available. */
	pop_expect(g, VQ_BROKEN, "chain-loop");
	guest_destroy(g);
}

/* In the table of an indirect descriptor of a packed ring there is no flag but WRITE. */
static void virtqueue_test_packed_indirect(void)
{
	static const struct {
		u16 flags;
		enum vq_pop want;
		const char *rule;
	} cases[] = {
		{ WRITE, VQ_GOT, NULL },
		{ NEXT, VQ_GOT, "indirect-flags" },
		{ 1 << VRING_PACKED_DESC_F_AVAIL, VQ_GOT, "indirect-flags" },
		{ INDIRECT, VQ_BROKEN, "indirect-nested" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest *g = guest_create(BASE_FEATURES | BIT64(VIRTIO_F_RING_PACKED));
		u8 *d = guest_ring(g, 0, 'd'), *table = g->mem + 0x8000;

		put_le64(table, GUEST_BASE + 0x9000);
		put_le32(table + 8, 24);
		put_le16(table + 14, cases[i].flags);
		put_le64(d, GUEST_BASE + 0x8000);
		put_le32(d + 8, 16);
		put_le16(d + 14, 1 << VRING_PACKED_DESC_F_AVAIL | INDIRECT);
		pop_expect(g, cases[i].want, cases[i].rule);
		guest_destroy(g);
	}
}

static void virtqueue_test_packed_event(void)
{
	struct guest *g = guest_create(BASE_FEATURES | BIT64(VIRTIO_F_RING_PACKED) |
				       BIT64(VIRTIO_RING_F_EVENT_IDX));
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO };
	u8 req[WIRE_HDR_SIZE], *ev = guest_ring(g, 0, 'a');
	struct guest_reply r;

	wire_hdr_put(req, &h);
	guest_send(g, req, sizeof(req), &r);
	CHECK_EQ(g->calls, 1);
	put_le16(ev, 6 | 1 << VRING_PACKED_EVENT_F_WRAP_CTR);
	put_le16(ev + 2, VRING_PACKED_EVENT_FLAG_DESC);
	guest_send(g, req, sizeof(req), &r);	/* slots 2, 3 */
	guest_send(g, req, sizeof(req), &r);	/* slots 4, 5 */
	CHECK_EQ(g->calls, 1);
	guest_send(g, req, sizeof(req), &r);	/* slots 6, 7 */
	CHECK_EQ(g->calls, 2);
	put_le16(ev + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
	guest_send(g, req, sizeof(req), &r);
	CHECK_EQ(g->calls, 2);
	guest_destroy(g);
}

/* Take a buffer while the driver area asks for interrupts in a certain way. */
static void flags_expect(u64 features, u32 at, u16 flags, const char *rule)
{
	struct guest *g = guest_create(BASE_FEATURES | features);
	u8 *d = guest_ring(g, 0, 'd');

	put_le16(guest_ring(g, 0, 'a') + at, flags);
	if (features & BIT64(VIRTIO_F_RING_PACKED)) {
		put_le64(d, GUEST_BASE + 0x8000);
		put_le32(d + 8, 24);
		put_le16(d + 14, 1 << VRING_PACKED_DESC_F_AVAIL);
	} else {
		guest_desc(g, 0, 0, GUEST_BASE + 0x8000, 24, 0, 0);
		guest_publish(g, 0, 0);
	}
	pop_expect(g, VQ_GOT, rule);
	guest_destroy(g);
}

static void virtqueue_test_driver_flags(void)
{
	u64 event_idx = BIT64(VIRTIO_RING_F_EVENT_IDX), packed = BIT64(VIRTIO_F_RING_PACKED);

	flags_expect(0, 0, VRING_AVAIL_F_NO_INTERRUPT, NULL);
	flags_expect(0, 0, 2, "avail-flags");
	flags_expect(event_idx, 0, 0, NULL);
	flags_expect(event_idx, 0, VRING_AVAIL_F_NO_INTERRUPT, "avail-flags");
	flags_expect(packed, 2, VRING_PACKED_EVENT_FLAG_DISABLE, NULL);
	flags_expect(packed, 2, VRING_PACKED_EVENT_FLAG_DESC, "event-flags");
	flags_expect(packed | event_idx, 2, VRING_PACKED_EVENT_FLAG_DESC, NULL);
	flags_expect(packed | event_idx, 2, 3, "event-flags");
}

static void virtqueue_test_base(void)
{
	struct guest *g = guest_create(BASE_FEATURES | BIT64(VIRTIO_F_RING_PACKED));
	struct virtqueue *vq = &g->d.vq[0];

	vq_set_base(vq, 0x80058003, false);
	CHECK_EQ(vq->last_avail, 3);
	CHECK_EQ(vq->used_idx, 5);
	CHECK_EQ(vq_get_base(vq), 0x80058003);
	vq_set_base(vq, 0, true);
	CHECK_EQ(vq_get_base(vq), 0x80008000);
	vq_set_base(vq, 0, false);
	CHECK_EQ(vq_get_base(vq), 0);
	guest_destroy(g);
}

const struct test_case virtqueue_tests[] = {
	TEST(virtqueue_test_split_chain),
	TEST(virtqueue_test_split_violations),
	TEST(virtqueue_test_split_index_violations),
	TEST(virtqueue_test_split_loop),
	TEST(virtqueue_test_same_id_twice),
	TEST(virtqueue_test_indirect),
	TEST(virtqueue_test_event_idx),
	TEST(virtqueue_test_no_interrupt_flag),
	TEST(virtqueue_test_map),
	TEST(virtqueue_test_packed_wraps),
	TEST(virtqueue_test_packed_violations),
	TEST(virtqueue_test_packed_indirect),
	TEST(virtqueue_test_packed_event),
	TEST(virtqueue_test_driver_flags),
	TEST(virtqueue_test_base),
	{ 0 },
};
