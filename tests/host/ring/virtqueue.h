/* SPDX-License-Identifier: MIT */
#pragma once

#include "bug.h"
#include "gmem.h"

#define VQ_SIZE_MAX 32768
#define VQ_IDS 0x10000

/* One descriptor: a range of guest physical memory. */
struct vq_seg {
	u64 gpa;
	u32 len;
};

/* One buffer the driver made available. */
struct vq_chain {
	u16 id;			/* what the used ring names it by */
	u16 slots;		/* ring slots it takes (packed rings) */
	unsigned int nout;	/* device-readable segments, first in @segs */
	unsigned int nin;	/* device-writable segments, after them */
	u64 out_len;		/* bytes the device may read */
	u64 in_len;		/* bytes the device may write */
	struct vq_seg *segs;	/* the segments, owned by the chain */
	u32 record;		/* its place in the record of unanswered buffers, from 1; 0: none */
};

enum vq_pop {
	VQ_EMPTY,
	VQ_GOT,
	VQ_BROKEN,
};

/* When the driver wants a call: at an index, if that is the one before the next. */
enum vq_call {
	VQ_CALL_NEVER,
	VQ_CALL_ALWAYS,
	VQ_CALL_AT,
};

/* The record of one queue's unanswered buffers: inflight.c. */
struct inflight {
	struct inflight_region *region; /* the record, in memory that outlives us, or NULL */
	u32 n;		/* descriptors it has room for */
	u64 counter;	/* number of the next buffer */
	u16 *again;	/* buffers that another process took and did not return, in their order */
	u32 nagain;	/* how many */
	u32 at;		/* next of them */
};

/* The device's side of a split or packed ring. */
struct virtqueue {
	unsigned int index;	/* number of the queue */
	struct gmem *gm;	/* guest memory */
	u32 size;		/* descriptors, set by the front end */
	u32 max_chain;		/* longest chain we take, or the queue breaks as in QEMU */
	u64 desc_uva;		/* descriptor area, front end's address */
	u64 avail_uva;		/* driver area */
	u64 used_uva;		/* device area */
	u8 *desc;		/* our address of @desc_uva, NULL when the ring is not mapped */
	u8 *avail;		/* our address of @avail_uva */
	u8 *used;		/* our address of @used_uva */
	bool packed;		/* VIRTIO_F_RING_PACKED was negotiated */
	bool event_idx;		/* VIRTIO_RING_F_EVENT_IDX was negotiated */
	bool indirect;		/* VIRTIO_RING_F_INDIRECT_DESC was negotiated */
	bool enabled;		/* the front end enabled it */
	bool started;		/* the front end gave it a kick */
	bool broken;		/* the driver did what cannot be recovered from */
	bool fresh;		/* not looked at since its base was set */
	u16 last_avail;		/* next slot to look at */
	u16 used_idx;		/* next slot to return into */
	bool avail_wrap;	/* packed: wrap counter at @last_avail */
	bool used_wrap;		/* packed: wrap counter at @used_idx */
	u16 signalled;		/* @used_idx of the last interrupt */
	bool signalled_valid;	/* @signalled means something */
	bool returned;		/* something was returned since the last interrupt */
	bool busy[VQ_IDS];	/* which ids the device holds */
	u32 nbusy;		/* how many */
	struct inflight inflight; /* the record of those */
	struct bug_log *bugs;	/* told of broken rules */
};

void vq_init(struct virtqueue *vq, unsigned int index, struct gmem *gm, struct bug_log *bugs);
void vq_fini(struct virtqueue *vq);
void vq_reset(struct virtqueue *vq);
void vq_set_features(struct virtqueue *vq, u64 features);
int vq_set_size(struct virtqueue *vq, u32 size);
void vq_set_base(struct virtqueue *vq, u32 base, bool zero_is_initial);
u32 vq_get_base(const struct virtqueue *vq);
int vq_map(struct virtqueue *vq);
void vq_unmap(struct virtqueue *vq);
enum vq_pop vq_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_push(struct virtqueue *vq, const struct vq_chain *chain, u32 len);
void vq_return(struct virtqueue *vq, u32 id, u16 slots, u32 len, u32 record);
void vq_want_kick(struct virtqueue *vq);
bool vq_wants_call(struct virtqueue *vq);
void vq_chain_trim(struct vq_chain *chain, unsigned int nin);
void vq_chain_free(struct vq_chain *chain);
bool vq_chain_read(const struct virtqueue *vq, const struct vq_chain *chain,
		   u64 skip, void *dst, u64 len);
u64 vq_chain_write(const struct virtqueue *vq, const struct vq_chain *chain,
		   const void *src, u64 len);

/* Shared by the two ring formats. */
#define vq_bug(vq, rule, ...) bug_report((vq)->bugs, rule, &(struct bug_where){ \
	.queue = (vq)->index, .seq = (vq)->bugs->seq + 1, .cmd = "ring" }, __VA_ARGS__)
bool vq_chain_desc(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len, u16 flags);

bool vq_split_walk(struct virtqueue *vq, struct vq_chain *chain, const u8 *table, u32 n, u32 i);
u16 vq_split_used(const struct virtqueue *vq);
enum vq_pop vq_split_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_split_push(struct virtqueue *vq, u32 id, u32 len);
void vq_split_want_kick(struct virtqueue *vq);
enum vq_call vq_split_call(const struct virtqueue *vq, u16 *event);
enum vq_pop vq_packed_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_packed_push(struct virtqueue *vq, u32 id, u16 slots, u32 len);
enum vq_call vq_packed_call(const struct virtqueue *vq, u16 *event);
bool vq_packed_is_avail(const struct virtqueue *vq, u16 slot, bool wrap);
void vq_packed_advance(const struct virtqueue *vq, u16 *slot, bool *wrap, u16 n);

size_t inflight_size(u32 n);
void inflight_set(struct virtqueue *vq, void *region, u32 n);
void inflight_wipe(struct virtqueue *vq);
void inflight_start(struct virtqueue *vq);
void inflight_take(struct virtqueue *vq, struct vq_chain *chain, u16 slot);
void inflight_give(struct virtqueue *vq, const struct vq_chain *chain);
void inflight_advance(struct virtqueue *vq);
void inflight_done(struct virtqueue *vq, u32 record);
enum vq_pop inflight_again(struct virtqueue *vq, struct vq_chain *chain);
