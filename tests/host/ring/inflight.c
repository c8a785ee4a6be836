// SPDX-License-Identifier: MIT
/*
 * The record of unanswered buffers: vhost-user protocol, "Inflight I/O tracking". It lies in
 * memory that the front end hands to the next back end when this one has crashed. Fields are
 * written in the order of the protocol's steps, so that a crash between any two can be mended.
 */
#include <stdlib.h>

#include <linux/virtio_ring.h>

#include "log.h"
#include "virtqueue.h"

#define INFLIGHT_VERSION 1

/* An entry of either kind of ring begins like this one, and a region like the split one. */
struct split_entry {
	u8 inflight, padding[5];
	u16 next;
	u64 counter;
};

struct split_region {
	u64 features;
	u16 version, desc_num, last_batch_head, used_idx;
	struct split_entry desc[];
};

struct packed_entry {
	u8 inflight, padding;
	u16 next, last, num;
	u64 counter;
	u16 id, flags;
	u32 len;
	u64 addr;
};

struct packed_region {
	u64 features;
	u16 version, desc_num, free_head, old_free_head, used_idx, old_used_idx;
	u8 used_wrap, old_used_wrap, padding[7];
	struct packed_entry desc[];
};

_Static_assert(sizeof(struct split_entry) == 16, "split entry");
_Static_assert(offsetof(struct split_region, desc) == 16, "split region");
_Static_assert(sizeof(struct packed_entry) == 32, "packed entry");
_Static_assert(offsetof(struct packed_region, desc) == 32, "packed region");
_Static_assert(offsetof(struct packed_entry, counter) ==
	       offsetof(struct split_entry, counter), "common fields");

/* The compiler moves no store across: see the top of the file. */
#define STEP() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static struct split_entry *entry(const struct virtqueue *vq, u32 i)
{
	if (!vq->packed)
		return &((struct split_region *)vq->inflight.region)->desc[i];
	return (void *)&((struct packed_region *)vq->inflight.region)->desc[i];
}

/**
 * inflight_size - Size one queue's part of the record
 * @n: descriptors of the queue
 *
 * Return: bytes, enough for either kind of ring.
 */
size_t inflight_size(u32 n)
{
	return (sizeof(struct packed_region) + n * sizeof(struct packed_entry) + 63) & ~63ul;
}

/**
 * inflight_set - Take the memory for the record
 * @vq: the queue
 * @region: inflight_size() bytes, all zero when nobody used them yet; NULL: keep none
 * @n: descriptors it has room for
 */
void inflight_set(struct virtqueue *vq, void *region, u32 n)
{
	struct split_region *r = region;

	if (r && !r->version && vq->nbusy) {
		log_warn("queue %u: buffers in flight are in no record", vq->index);
		r = NULL;
	}
	vq->inflight.region = r;
	vq->inflight.n = r ? n : 0;
	vq->fresh |= r && !r->version;
}

/**
 * inflight_wipe - Forget what was in flight, as the driver has reset the device
 * @vq: the queue
 */
void inflight_wipe(struct virtqueue *vq)
{
	struct split_region *r = vq->inflight.region;

	if (r)
		r->version = 0;
	vq->inflight.nagain = 0;
	vq->inflight.at = 0;
}

static void packed_commit(struct packed_region *r)
{
	r->old_free_head = r->free_head;
	r->old_used_idx = r->used_idx;
	r->old_used_wrap = r->used_wrap;
}

static void inflight_init(struct virtqueue *vq)
{
	struct split_region *s = vq->inflight.region;
	struct packed_region *p = vq->inflight.region;

	memset(s, 0, inflight_size(vq->inflight.n));
	s->used_idx = vq->used_idx;
	if (vq->packed) {
		p->free_head = 0;
		p->used_idx = vq->used_idx;
		p->used_wrap = vq->used_wrap;
		packed_commit(p);
		for (u32 i = 0; i < vq->inflight.n; i++)
			p->desc[i].next = i + 1;
	}
	s->desc_num = vq->inflight.n;
	STEP();
	s->version = INFLIGHT_VERSION;
}

/* A return that was under way: the driver may have seen it, so the record follows the ring. */
static void split_mend(struct virtqueue *vq, struct split_region *r)
{
	u16 batch = vq->used_idx - r->used_idx, i = r->last_batch_head;

	for (; batch && i < vq->inflight.n; batch--, i = r->desc[i].next)
		r->desc[i].inflight = 0;
	r->used_idx = vq->used_idx;
	vq->last_avail = vq->used_idx;
}

static void packed_mend(struct virtqueue *vq, struct packed_region *r)
{
	bool moved = r->used_idx != r->old_used_idx || r->used_wrap != r->old_used_wrap;
	u32 n = vq->inflight.n;

	if (moved && r->old_used_idx < vq->size &&
	    !vq_packed_is_avail(vq, r->old_used_idx, r->old_used_wrap))
		packed_commit(r);
	r->free_head = r->old_free_head;
	r->used_idx = r->old_used_idx;
	r->used_wrap = r->old_used_wrap;
	for (u32 i = r->free_head, k = 0; i < n && k < n; i = r->desc[i].next, k++)
		r->desc[i].inflight = 0;
	vq->used_idx = vq->last_avail = r->used_idx % vq->size;
	vq->used_wrap = vq->avail_wrap = r->used_wrap;
}

/* Collect what is in flight, in order; what is available comes behind it in the ring. */
static void inflight_collect(struct virtqueue *vq)
{
	struct inflight *in = &vq->inflight;

	free(in->again);
	in->again = xcalloc(in->n, sizeof(*in->again));
	for (u32 i = 0; i < in->n; i++) {
		const struct split_entry *e = entry(vq, i);
		u32 k = in->nagain;

		if (!e->inflight)
			continue;
		for (; k && entry(vq, in->again[k - 1])->counter > e->counter; k--)
			in->again[k] = in->again[k - 1];
		in->again[k] = i;
		in->nagain++;
		in->counter = MAX(in->counter, e->counter + 1);
		if (vq->packed)
			vq_packed_advance(vq, &vq->last_avail, &vq->avail_wrap,
					  MIN(((struct packed_entry *)e)->num, vq->size));
		else
			vq->last_avail++;
	}
}

/**
 * inflight_start - Begin the record, or go on where another process left it
 * @vq: the queue, mapped
 */
void inflight_start(struct virtqueue *vq)
{
	struct split_region *r = vq->inflight.region;

	vq->inflight.nagain = 0;
	vq->inflight.at = 0;
	if (r->version != INFLIGHT_VERSION) {
		inflight_init(vq);
		return;
	}
	if (vq->packed)
		packed_mend(vq, vq->inflight.region);
	else
		split_mend(vq, r);
	inflight_collect(vq);
}

static void packed_take(struct virtqueue *vq, const struct vq_chain *chain, u16 slot)
{
	struct packed_region *r = vq->inflight.region;
	struct packed_entry *head = &r->desc[r->old_free_head];
	bool wrap = false;

	head->num = 0;
	for (u16 k = 0; k < chain->slots && r->free_head < vq->inflight.n; k++) {
		const struct vring_packed_desc *d = (void *)(vq->desc + 16 * slot);
		struct packed_entry *e = &r->desc[r->free_head];

		e->addr = le64toh(d->addr);
		e->len = le32toh(d->len);
		e->flags = le16toh(d->flags);
		e->id = le16toh(d->id);
		head->last = r->free_head;
		head->num++;
		r->free_head = e->next;
		vq_packed_advance(vq, &slot, &wrap, 1);
	}
	STEP();
	r->old_free_head = r->free_head;
}

/**
 * inflight_take - Note that a buffer was taken out of the ring
 * @vq: the queue
 * @chain: the buffer
 * @slot: its first slot (packed rings)
 */
void inflight_take(struct virtqueue *vq, struct vq_chain *chain, u16 slot)
{
	const struct packed_region *r = vq->inflight.region;
	u32 i = vq->packed ? r->old_free_head : chain->id;
	struct split_entry *e = entry(vq, i);

	if (i >= vq->inflight.n)
		return;
	chain->record = i + 1;
	e->counter = vq->inflight.counter++;
	STEP();
	e->inflight = 1;
	if (vq->packed)
		packed_take(vq, chain, slot);
}

/**
 * inflight_give - Note that a buffer is about to be returned
 * @vq: the queue
 * @chain: the buffer
 */
void inflight_give(struct virtqueue *vq, const struct vq_chain *chain)
{
	struct packed_region *p = vq->inflight.region;
	struct split_region *s = vq->inflight.region;
	u32 i = chain->record - 1;

	if (!s || i >= vq->inflight.n)
		return;
	if (vq->packed && p->desc[i].last < vq->inflight.n) {
		p->desc[p->desc[i].last].next = p->free_head;
		STEP();
		p->free_head = i;
	} else if (!vq->packed) {
		s->desc[i].next = s->last_batch_head;
		STEP();
		s->last_batch_head = i;
	}
	STEP();
}

/**
 * inflight_advance - Note where a packed ring goes on, before its used descriptor is written
 * @vq: the queue, advanced
 */
void inflight_advance(struct virtqueue *vq)
{
	struct packed_region *r = vq->inflight.region;

	if (!r)
		return;
	r->used_idx = vq->used_idx;
	r->used_wrap = vq->used_wrap;
	STEP();
}

/**
 * inflight_done - Note that the driver sees a buffer as returned
 * @vq: the queue
 * @record: of the buffer, 0 for one that was never taken
 */
void inflight_done(struct virtqueue *vq, u32 record)
{
	struct split_region *r = vq->inflight.region;

	if (!r)
		return;
	STEP();
	if (record)
		entry(vq, record - 1)->inflight = 0;
	STEP();
	if (vq->packed)
		packed_commit(vq->inflight.region);
	else
		r->used_idx = vq->used_idx;
}

static enum vq_pop packed_again(struct virtqueue *vq, struct vq_chain *chain, u32 i)
{
	const struct packed_region *r = vq->inflight.region;
	u16 num = MIN(r->desc[i].num, vq->size);

	for (u16 k = 0; k < num && i < vq->inflight.n; k++, i = r->desc[i].next) {
		const struct packed_entry *e = &r->desc[i];

		chain->id = e->id;
		chain->slots++;
		if (!vq_chain_desc(vq, chain, e->addr, e->len, e->flags))
			return VQ_BROKEN;
	}
	return VQ_GOT;
}

/**
 * inflight_again - Take a buffer once more that another process did not return
 * @vq: the queue
 * @chain: filled in
 *
 * Return: VQ_GOT; VQ_EMPTY when there is none (any more); VQ_BROKEN.
 */
enum vq_pop inflight_again(struct virtqueue *vq, struct vq_chain *chain)
{
	struct inflight *in = &vq->inflight;
	u32 i;

	if (in->at == in->nagain)
		return VQ_EMPTY;
	i = in->again[in->at++];
	chain->record = i + 1;
	if (vq->packed)
		return packed_again(vq, chain, i);
	chain->id = i;
	chain->slots = 1;
	return i < vq->size && vq_split_walk(vq, chain, vq->desc, vq->size, i) ? VQ_GOT : VQ_BROKEN;
}
