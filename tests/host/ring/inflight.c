// SPDX-License-Identifier: MIT
/*
 * The record of unanswered buffers: vhost-user protocol, "Inflight I/O tracking". It lies in
 * memory that the front end hands to the next back end when this one has crashed. Its layout is
 * the protocol's for packed rings; of a split ring, an entry has only the id. Fields are written
 * in the order of the protocol's steps, so that a crash between any two can be mended.
 */
#include <stdlib.h>

#include <linux/virtio_ring.h>

#include "log.h"
#include "virtqueue.h"

/* 1 is the protocol's, where the entries of split rings are shorter. */
#define INFLIGHT_VERSION 2

struct inflight_entry {
	u8 inflight, padding;
	u16 next, last, num;
	u64 counter;
	u16 id, flags;
	u32 len;
	u64 addr;
};

struct inflight_region {
	u64 features;
	u16 version, desc_num, free_head, old_free_head, used_idx, old_used_idx;
	u8 used_wrap, old_used_wrap, padding[7];
	struct inflight_entry desc[];
};

_Static_assert(sizeof(struct inflight_entry) == 32, "entry");
_Static_assert(offsetof(struct inflight_region, desc) == 32, "region");

/* The compiler moves no store across: see the top of the file. */
#define STEP() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Get the bytes of the record of a queue of @n descriptors. */
size_t inflight_size(u32 n)
{
	return (sizeof(struct inflight_region) + n * sizeof(struct inflight_entry) + 63) & ~63ul;
}

/* Take inflight_size() of @n bytes for the record, all zero when new. NULL: keep none. */
void inflight_set(struct virtqueue *vq, void *region, u32 n)
{
	struct inflight_region *r = region;

	if (r && !r->version && vq->nbusy) {
		log_warn("queue %u: buffers in flight are in no record", vq->index);
		r = NULL;
	}
	vq->inflight.region = r;
	vq->inflight.n = r ? n : 0;
	vq->fresh |= r && !r->version;
}

/* Forget what was in flight, as the driver has reset the device. */
void inflight_wipe(struct virtqueue *vq)
{
	if (vq->inflight.region)
		vq->inflight.region->version = 0;
	vq->inflight.nagain = 0;
	vq->inflight.at = 0;
}

static void inflight_commit(struct inflight_region *r)
{
	r->old_free_head = r->free_head;
	r->old_used_idx = r->used_idx;
	r->old_used_wrap = r->used_wrap;
}

static void inflight_init(struct virtqueue *vq)
{
	struct inflight_region *r = vq->inflight.region;

	memset(r, 0, inflight_size(vq->inflight.n));
	r->used_idx = vq->used_idx;
	r->used_wrap = vq->used_wrap;
	inflight_commit(r);
	for (u32 i = 0; i < vq->inflight.n; i++)
		r->desc[i].next = i + 1;
	r->desc_num = vq->inflight.n;
	STEP();
	r->version = INFLIGHT_VERSION;
}

/* The driver can see a return that was under way when the record does not say that it is done. */
static bool inflight_is_seen(const struct virtqueue *vq, const struct inflight_region *r)
{
	if (r->used_idx == r->old_used_idx && r->used_wrap == r->old_used_wrap)
		return false;
	if (!vq->packed)
		return vq->used_idx == r->used_idx;
	return r->old_used_idx < vq->size &&
	       !vq_packed_is_avail(vq, r->old_used_idx, r->old_used_wrap);
}

static void inflight_mend(struct virtqueue *vq, struct inflight_region *r)
{
	u32 n = vq->inflight.n;

	if (inflight_is_seen(vq, r))
		inflight_commit(r);
	r->free_head = r->old_free_head;
	r->used_idx = r->old_used_idx;
	r->used_wrap = r->old_used_wrap;
	for (u32 i = r->free_head, k = 0; i < n && k < n; i = r->desc[i].next, k++)
		r->desc[i].inflight = 0;
	if (vq->packed) {
		vq->used_idx = r->used_idx % vq->size;
		vq->used_wrap = r->used_wrap;
	}
	vq->last_avail = vq->used_idx;
	vq->avail_wrap = vq->used_wrap;
}

/* Collect what is in flight, in order; what is available comes behind it in the ring. */
static void inflight_collect(struct virtqueue *vq)
{
	struct inflight *in = &vq->inflight;
	const struct inflight_entry *desc = in->region->desc;

	free(in->again);
	in->again = xcalloc(in->n, sizeof(*in->again));
	for (u32 i = 0; i < in->n; i++) {
		u32 k = in->nagain;

		if (!desc[i].inflight)
			continue;
		for (; k && desc[in->again[k - 1]].counter > desc[i].counter; k--)
			in->again[k] = in->again[k - 1];
		in->again[k] = i;
		in->nagain++;
		in->counter = MAX(in->counter, desc[i].counter + 1);
		if (vq->packed)
			vq_packed_advance(vq, &vq->last_avail, &vq->avail_wrap,
					  MIN(desc[i].num, vq->size));
		else
			vq->last_avail++;
	}
}

/* Begin the record of a mapped queue, or go on where another process left it. */
void inflight_start(struct virtqueue *vq)
{
	struct inflight_region *r = vq->inflight.region;

	vq->inflight.nagain = 0;
	vq->inflight.at = 0;
	if (r->version != INFLIGHT_VERSION) {
		inflight_init(vq);
		return;
	}
	inflight_mend(vq, r);
	inflight_collect(vq);
}

/* The descriptors of a packed ring: used ones may take their places before they are returned. */
static void inflight_copy(struct virtqueue *vq, struct inflight_entry *e, u16 *slot)
{
	const struct vring_packed_desc *d = (void *)(vq->desc + 16 * *slot);
	bool wrap = false;

	e->addr = le64toh(d->addr);
	e->len = le32toh(d->len);
	e->flags = le16toh(d->flags);
	vq_packed_advance(vq, slot, &wrap, 1);
}

/* Note that a buffer was taken out of the ring; @slot is the first of its slots (packed rings). */
void inflight_take(struct virtqueue *vq, struct vq_chain *chain, u16 slot)
{
	struct inflight_region *r = vq->inflight.region;
	struct inflight_entry *head = &r->desc[r->old_free_head];

	if (r->old_free_head >= vq->inflight.n)
		return;
	chain->record = r->old_free_head + 1;
	head->counter = vq->inflight.counter++;
	head->num = 0;
	STEP();
	head->inflight = 1;
	for (u16 k = 0; k < chain->slots && r->free_head < vq->inflight.n; k++) {
		struct inflight_entry *e = &r->desc[r->free_head];

		e->id = chain->id;
		if (vq->packed)
			inflight_copy(vq, e, &slot);
		head->last = r->free_head;
		head->num++;
		r->free_head = e->next;
	}
	STEP();
	r->old_free_head = r->free_head;
}

/* Note that a buffer is about to be returned. */
void inflight_give(struct virtqueue *vq, const struct vq_chain *chain)
{
	struct inflight_region *r = vq->inflight.region;
	u32 i = chain->record - 1;

	if (!r || i >= vq->inflight.n || r->desc[i].last >= vq->inflight.n)
		return;
	r->desc[r->desc[i].last].next = r->free_head;
	STEP();
	r->free_head = i;
	STEP();
}

/* Note where the ring goes on, before the driver can see a return. */
void inflight_advance(struct virtqueue *vq)
{
	struct inflight_region *r = vq->inflight.region;

	if (!r)
		return;
	r->used_idx = vq->used_idx;
	r->used_wrap = vq->used_wrap;
	STEP();
}

/* Note that the driver sees a buffer as returned; @record is 0 for one that was never taken. */
void inflight_done(struct virtqueue *vq, u32 record)
{
	struct inflight_region *r = vq->inflight.region;

	if (!r)
		return;
	STEP();
	if (record)
		r->desc[record - 1].inflight = 0;
	STEP();
	inflight_commit(r);
}

/* Take a buffer once more that another process did not return. VQ_EMPTY: no more. */
enum vq_pop inflight_again(struct virtqueue *vq, struct vq_chain *chain)
{
	struct inflight *in = &vq->inflight;
	const struct inflight_entry *e;
	u32 i;

	if (in->at == in->nagain)
		return VQ_EMPTY;
	i = in->again[in->at++];
	e = &in->region->desc[i];
	chain->record = i + 1;
	chain->id = e->id;
	chain->slots = MIN(e->num, vq->size);
	if (!vq->packed)
		return e->id < vq->size && vq_split_walk(vq, chain, vq->desc, vq->size, e->id) ?
			VQ_GOT : VQ_BROKEN;
	for (u16 k = 0; k < chain->slots && i < in->n; k++, i = e->next) {
		e = &in->region->desc[i];
		if (!vq_chain_desc(vq, chain, e->addr, e->len, e->flags))
			return VQ_BROKEN;
	}
	return VQ_GOT;
}
