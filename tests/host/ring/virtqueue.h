/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_VIRTQUEUE_H
#define VGPU_HOST_VIRTQUEUE_H

#include "bug.h"
#include "gmem.h"

#define VQ_SIZE_MAX 32768

/** struct vq_seg - one descriptor: a range of guest physical memory */
struct vq_seg {
	u64 gpa;
	u32 len;
};

/**
 * struct vq_chain - one buffer the driver made available
 * @id: what the used ring names it by
 * @slots: ring slots it takes (packed rings)
 * @nout: device-readable segments, first in @segs
 * @nin: device-writable segments, after them
 * @out_len: bytes the device may read
 * @in_len: bytes the device may write
 * @segs: the segments, owned by the chain
 * @record: where it stands in the record of unanswered buffers, from 1; 0: nowhere
 */
struct vq_chain {
	u16 id;
	u16 slots;
	unsigned int nout;
	unsigned int nin;
	u64 out_len;
	u64 in_len;
	struct vq_seg *segs;
	u32 record;
};

enum vq_pop {
	VQ_EMPTY,
	VQ_GOT,
	VQ_BROKEN,
};

/**
 * struct inflight - the record of one queue's unanswered buffers: inflight.c
 * @region: the record, in memory that outlives us; NULL when the front end wants none
 * @n: descriptors it has room for
 * @counter: number of the next buffer
 * @again: buffers that another process took and did not return, in their order
 * @nagain: how many
 * @at: next of them
 */
struct inflight {
	void *region;
	u32 n;
	u64 counter;
	u16 *again;
	u32 nagain, at;
};

/**
 * struct virtqueue - the device's side of a split or packed ring
 * @index: number of the queue
 * @gm: guest memory
 * @size: descriptors, set by the front end
 * @max_chain: longest chain we take; longer breaks the queue as QEMU does
 * @desc_uva: descriptor area, front end's address
 * @avail_uva: driver area
 * @used_uva: device area
 * @desc: our address of @desc_uva, NULL when the ring is not mapped
 * @avail: our address of @avail_uva
 * @used: our address of @used_uva
 * @packed: VIRTIO_F_RING_PACKED was negotiated
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_RING_F_INDIRECT_DESC was negotiated
 * @enabled: the front end enabled it
 * @started: the front end gave it a kick
 * @broken: the driver did what cannot be recovered from
 * @fresh: not looked at since its base was set
 * @last_avail: next slot to look at
 * @used_idx: next slot to return into
 * @avail_wrap: packed: wrap counter at @last_avail
 * @used_wrap: packed: wrap counter at @used_idx
 * @signalled: @used_idx of the last interrupt
 * @signalled_valid: @signalled means something
 * @returned: something was returned since the last interrupt
 * @busy: which ids the device holds
 * @nbusy: how many
 * @inflight: the record of those
 * @bugs: told of broken rules
 */
struct virtqueue {
	unsigned int index;
	struct gmem *gm;
	u32 size;
	u32 max_chain;
	u64 desc_uva, avail_uva, used_uva;
	u8 *desc, *avail, *used;
	bool packed, event_idx, indirect;
	bool enabled, started, broken, fresh;
	u16 last_avail, used_idx;
	bool avail_wrap, used_wrap;
	u16 signalled;
	bool signalled_valid, returned;
	u8 *busy;
	u32 nbusy;
	struct inflight inflight;
	struct bug_log *bugs;
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
__attribute__((format(printf, 3, 4)))
void vq_bug(struct virtqueue *vq, const char *rule, const char *fmt, ...);
bool vq_chain_add(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len,
		  bool write);
bool vq_chain_desc(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len,
		   u16 flags);
bool vq_need_event(u16 event, u16 now, u16 before);

bool vq_split_walk(struct virtqueue *vq, struct vq_chain *chain, const u8 *table, u32 n, u32 i);
u16 vq_split_used(const struct virtqueue *vq);
enum vq_pop vq_split_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_split_push(struct virtqueue *vq, u32 id, u32 len);
void vq_split_want_kick(struct virtqueue *vq);
bool vq_split_wants_call(struct virtqueue *vq);
enum vq_pop vq_packed_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_packed_push(struct virtqueue *vq, u32 id, u16 slots, u32 len);
bool vq_packed_wants_call(struct virtqueue *vq);
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

#endif
