// SPDX-License-Identifier: MIT
/* Packed rings: virtio specification, "Packed Virtqueues". */
#include <linux/virtio_ring.h>

#include "virtqueue.h"

#define DESC_AVAIL BIT64(VRING_PACKED_DESC_F_AVAIL)
#define DESC_USED BIT64(VRING_PACKED_DESC_F_USED)

/* Check whether a slot, where the wrap counter is @wrap, is available and not yet used. */
bool vq_packed_is_avail(const struct virtqueue *vq, u16 slot, bool wrap)
{
	const u8 *p = vq->desc + 16 * slot + offsetof(struct vring_packed_desc, flags);
	u16 flags = le16toh(__atomic_load_n((const u16 *)p, __ATOMIC_ACQUIRE));

	return !!(flags & DESC_AVAIL) == wrap && !!(flags & DESC_USED) != wrap;
}

/* Go on in a packed ring by @n slots. */
void vq_packed_advance(const struct virtqueue *vq, u16 *slot, bool *wrap, u16 n)
{
	u32 next = *slot + n;

	if (next >= vq->size) {
		next -= vq->size;
		*wrap = !*wrap;
	}
	*slot = next;
}

static bool packed_walk(struct virtqueue *vq, struct vq_chain *chain, u16 slot)
{
	bool wrap = vq->avail_wrap;

	for (u32 steps = 0; steps < vq->size; steps++) {
		struct vring_packed_desc d;
		u16 flags;

		if (!vq_packed_is_avail(vq, slot, wrap))
			return vq_bug(vq, "packed-chain",
				      "slot %u continues a chain but is not available", slot);
		memcpy(&d, vq->desc + 16 * slot, sizeof(d));
		flags = le16toh(d.flags);
		chain->slots++;
		chain->id = le16toh(d.id);
		if (flags & VRING_DESC_F_INDIRECT && (steps || flags & VRING_DESC_F_NEXT))
			return vq_bug(vq, "indirect-and-next", "slot %u is indirect inside a chain",
				      slot);
		if (!vq_chain_desc(vq, chain, le64toh(d.addr), le32toh(d.len), flags))
			return false;
		if (!(flags & VRING_DESC_F_NEXT))
			return true;
		vq_packed_advance(vq, &slot, &wrap, 1);
	}
	return vq_bug(vq, "chain-loop", "chain takes more than the whole ring");
}

/* vq_pop() of a packed ring that is mapped */
enum vq_pop vq_packed_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	u16 flags = get_le16(vq->avail + 2) & 3;

	if (!vq_packed_is_avail(vq, vq->last_avail, vq->avail_wrap))
		return VQ_EMPTY;
	if (flags > (vq->event_idx ? VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_DISABLE))
		vq_bug(vq, "event-flags", "flags of the event suppression are %u", flags);
	if (!packed_walk(vq, chain, vq->last_avail))
		return VQ_BROKEN;
	vq_packed_advance(vq, &vq->last_avail, &vq->avail_wrap, chain->slots);
	return VQ_GOT;
}

/* vq_return() of a packed ring that is mapped */
void vq_packed_push(struct virtqueue *vq, u32 id, u16 slots, u32 len)
{
	u8 *d = vq->desc + 16 * vq->used_idx;
	u16 flags = len ? VRING_DESC_F_WRITE : 0;

	if (vq->used_wrap)
		flags |= DESC_AVAIL | DESC_USED;
	vq_packed_advance(vq, &vq->used_idx, &vq->used_wrap, MIN(slots, vq->size));
	inflight_advance(vq);
	put_le16(d + offsetof(struct vring_packed_desc, id), id);
	put_le32(d + offsetof(struct vring_packed_desc, len), len);
	__atomic_store_n((u16 *)(d + offsetof(struct vring_packed_desc, flags)),
			 htole16(flags), __ATOMIC_RELEASE);
}

/* Tell when the driver of a packed ring wants a call; @event is a used index. */
enum vq_call vq_packed_call(const struct virtqueue *vq, u16 *event)
{
	u16 off_wrap = get_le16(vq->avail);
	u16 flags = get_le16(vq->avail + 2) & 3;

	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return VQ_CALL_NEVER;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_idx)
		return VQ_CALL_ALWAYS;
	*event = off_wrap & 0x7fff;
	if ((off_wrap >> VRING_PACKED_EVENT_F_WRAP_CTR) != vq->used_wrap)
		*event -= vq->size;
	return VQ_CALL_AT;
}
