// SPDX-License-Identifier: MIT
/* Split rings: virtio specification, "Split Virtqueues". */
#include <linux/virtio_ring.h>

#include "virtqueue.h"

/* Offsets of the driver area (avail) and the device area (used). */
#define AVAIL_FLAGS 0
#define AVAIL_IDX 2
#define AVAIL_RING 4
#define USED_FLAGS 0
#define USED_IDX 2
#define USED_RING 4

static u16 ring_load16(const u8 *p)
{
	return le16toh(__atomic_load_n((const u16 *)p, __ATOMIC_ACQUIRE));
}

static void ring_store16(u8 *p, u16 v)
{
	__atomic_store_n((u16 *)p, htole16(v), __ATOMIC_RELEASE);
}

/* Fill in a chain from entry @i of a table of @n, ours or an indirect one. False: reported. */
bool vq_split_walk(struct virtqueue *vq, struct vq_chain *chain, const u8 *table, u32 n, u32 i)
{
	bool indirect = table != vq->desc;

	for (u32 steps = 0; steps < n; steps++) {
		struct vring_desc d;
		u16 flags;

		memcpy(&d, table + 16 * i, sizeof(d));
		flags = le16toh(d.flags);
		if (flags & VRING_DESC_F_INDIRECT && (indirect || flags & VRING_DESC_F_NEXT))
			return vq_bug(vq, indirect ? "indirect-nested" : "indirect-and-next",
				      "descriptor %u is indirect, and %s", i,
				      indirect ? "so is its table" : "has a next");
		if (!vq_chain_desc(vq, chain, le64toh(d.addr), le32toh(d.len), flags))
			return false;
		if (!(flags & VRING_DESC_F_NEXT))
			return true;
		i = le16toh(d.next);
		if (i >= n)
			return vq_bug(vq, indirect ? "indirect-next" : "desc-next",
				      "next is %u in a table of %u", i, n);
	}
	return vq_bug(vq, indirect ? "indirect-loop" : "chain-loop", "table of %u with a loop", n);
}

/* vq_pop() of a split ring that is mapped */
enum vq_pop vq_split_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	u16 idx = ring_load16(vq->avail + AVAIL_IDX);
	u16 ahead = idx - vq->last_avail;
	u16 flags = ring_load16(vq->avail + AVAIL_FLAGS), head;

	if (!ahead)
		return VQ_EMPTY;
	if (flags > (vq->event_idx ? 0 : VRING_AVAIL_F_NO_INTERRUPT))
		vq_bug(vq, "avail-flags", "flags of the available ring are %#x", flags);
	if (ahead > vq->size) {
		vq_bug(vq, "avail-idx", "avail index is %u ahead in a queue of %u",
		       ahead, vq->size);
		return VQ_BROKEN;
	}
	head = ring_load16(vq->avail + AVAIL_RING + 2 * (vq->last_avail % vq->size));
	if (head >= vq->size) {
		vq_bug(vq, "avail-head", "head is %u in a queue of %u", head, vq->size);
		return VQ_BROKEN;
	}
	chain->id = head;
	chain->slots = 1;
	if (!vq_split_walk(vq, chain, vq->desc, vq->size, head))
		return VQ_BROKEN;
	vq->last_avail++;
	if (vq->event_idx)
		vq_split_want_kick(vq);
	return VQ_GOT;
}

/* Read the used index, which only the device moves. */
u16 vq_split_used(const struct virtqueue *vq)
{
	return ring_load16(vq->used + USED_IDX);
}

/* vq_return() of a split ring that is mapped */
void vq_split_push(struct virtqueue *vq, u32 id, u32 len)
{
	u8 *elem = vq->used + USED_RING + 8 * (vq->used_idx % vq->size);

	put_le32(elem, id);
	put_le32(elem + 4, len);
	vq->used_idx++;
	inflight_advance(vq);
	ring_store16(vq->used + USED_IDX, vq->used_idx);
}

/* vq_want_kick() of a split ring that is mapped */
void vq_split_want_kick(struct virtqueue *vq)
{
	if (vq->event_idx)
		ring_store16(vq->used + USED_RING + 8 * vq->size, vq->last_avail);
	else
		ring_store16(vq->used + USED_FLAGS, 0);
}

/* Tell when the driver of a split ring wants a call; @event is a used index. */
enum vq_call vq_split_call(const struct virtqueue *vq, u16 *event)
{
	if (!vq->event_idx)
		return ring_load16(vq->avail + AVAIL_FLAGS) & VRING_AVAIL_F_NO_INTERRUPT ?
			VQ_CALL_NEVER : VQ_CALL_ALWAYS;
	*event = ring_load16(vq->avail + AVAIL_RING + 2 * vq->size);
	return VQ_CALL_AT;
}
