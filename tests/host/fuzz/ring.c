// SPDX-License-Identifier: MIT
/*
 * libFuzzer: the ring walker. The input becomes the ring itself, split or
 * packed, with descriptors that may point anywhere.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "guest.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Bugs of the guest are no news here; the sanitizers keep their descriptor. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w");
	return 0;
}

#define ENTRY 6

/* Six bytes make a descriptor: most are nearly right, some point anywhere. */
static void put_desc(u8 *d, const u8 *in, bool packed)
{
	u64 addr = GUEST_BASE + in[0] * 0x800;
	u32 len = get_le16(in + 1);
	u16 flags = in[3] & 7, other = in[4];

	if (in[0] > 0xf0)
		addr = (u64)get_le32(in + 1) << (in[0] & 31);
	if (in[3] & 0x80)
		len <<= 16;
	if (in[3] & 0x40)
		len = len / 16 * 16;
	put_le64(d, addr);
	put_le32(d + 8, len);
	if (packed)
		flags |= (in[5] & 1) << VRING_PACKED_DESC_F_USED |
			 !(in[5] & 2) << VRING_PACKED_DESC_F_AVAIL;
	put_le16(d + (packed ? 14 : 12), flags);
	put_le16(d + (packed ? 12 : 14), in[5] & 0x80 ? other << 8 : other & 63);
}

static void fill_ring(struct guest *g, const u8 *data, size_t size, bool packed)
{
	u8 *avail = guest_ring(g, 0, 'a');
	u32 n = MIN(size / ENTRY, GUEST_RING + 64u);

	for (u32 i = 0; i < n; i++) {
		u8 *d = i < GUEST_RING ? guest_ring(g, 0, 'd') + 16 * i :
			g->mem + 0x8000 + 16 * (i - GUEST_RING);

		put_desc(d, data + ENTRY * i, packed);
		/* An indirect table for whoever names it. */
		if (i < 32)
			put_desc(g->mem + 0x8800 + 16 * i, data + ENTRY * i, packed);
		put_le16(avail + 4 + 2 * (i % GUEST_RING), data[ENTRY * i + 4] & 63);
	}
	if (!packed)
		put_le16(avail + 2, n);
	else
		memcpy(avail, data, MIN(size, 4u));
}

static void drain(struct virtqueue *vq)
{
	struct vq_chain c;

	for (int i = 0; i < 200 && vq_pop(vq, &c) == VQ_GOT; i++) {
		u8 bytes[64];

		vq_chain_read(vq, &c, 0, bytes, MIN(c.out_len, sizeof(bytes)));
		vq_chain_write(vq, &c, bytes, sizeof(bytes));
		vq_push(vq, &c, MIN(c.in_len, sizeof(bytes)));
		vq_want_kick(vq);
		vq_wants_call(vq);
		vq_chain_free(&c);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct guest *guests[2];
	u64 features = BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
		       BIT64(VIRTIO_RING_F_EVENT_IDX);
	struct guest *g;
	bool packed;

	if (!size)
		return 0;
	packed = data[0] & 1;
	if (packed)
		features |= BIT64(VIRTIO_F_RING_PACKED);
	if (!guests[packed])
		guests[packed] = guest_create(features);
	g = guests[packed];
	g->d.vq[0].max_chain = data[0] & 2 ? 4 : 1024;
	vq_set_base(&g->d.vq[0], 0, true);
	memset(g->mem, 0, 0x10000);
	vq_map(&g->d.vq[0]);
	fill_ring(g, data + 1, size - 1, packed);
	drain(&g->d.vq[0]);
	bug_clear(&g->d.bugs);
	return 0;
}
