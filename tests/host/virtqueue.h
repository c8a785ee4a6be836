/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_VIRTQUEUE_H
#define VGPU_HOST_VIRTQUEUE_H

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
 */
struct vq_chain {
	u16 id;
	u16 slots;
	unsigned int nout;
	unsigned int nin;
	u64 out_len;
	u64 in_len;
	struct vq_seg *segs;
};

enum vq_pop {
	VQ_EMPTY,
	VQ_GOT,
	VQ_BROKEN,
};

struct virtqueue;

/** typedef vq_report_fn - told of each rule the driver breaks on the ring */
typedef void (*vq_report_fn)(void *opaque, const struct virtqueue *vq,
			     const char *rule, const char *text);

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
 * @last_avail: next slot to look at
 * @used_idx: next slot to return into
 * @avail_wrap: packed: wrap counter at @last_avail
 * @used_wrap: packed: wrap counter at @used_idx
 * @signalled: @used_idx of the last interrupt
 * @signalled_valid: @signalled means something
 * @returned: something was returned since the last interrupt
 * @busy: which ids the device holds
 * @nbusy: how many
 * @report: told of broken rules
 * @opaque: its first argument
 */
struct virtqueue {
	unsigned int index;
	struct gmem *gm;
	u32 size;
	u32 max_chain;
	u64 desc_uva, avail_uva, used_uva;
	u8 *desc, *avail, *used;
	bool packed, event_idx, indirect;
	bool enabled, started, broken;
	u16 last_avail, used_idx;
	bool avail_wrap, used_wrap;
	u16 signalled;
	bool signalled_valid, returned;
	u8 *busy;
	u32 nbusy;
	vq_report_fn report;
	void *opaque;
};

void vq_init(struct virtqueue *vq, unsigned int index, struct gmem *gm,
	     vq_report_fn report, void *opaque);
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
void vq_push_raw(struct virtqueue *vq, u32 id, u16 slots, u32 len);
void vq_want_kick(struct virtqueue *vq);
bool vq_wants_call(struct virtqueue *vq);
void vq_chain_free(struct vq_chain *chain);
bool vq_chain_read(const struct virtqueue *vq, const struct vq_chain *chain,
		   void *dst, u64 len);
u64 vq_chain_write(const struct virtqueue *vq, const struct vq_chain *chain,
		   const void *src, u64 len);

/* Shared by the two ring formats. */
__attribute__((format(printf, 3, 4)))
void vq_bug(struct virtqueue *vq, const char *rule, const char *fmt, ...);
bool vq_chain_add(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len,
		  bool write);
bool vq_chain_indirect(struct virtqueue *vq, struct vq_chain *chain, u64 gpa,
		       u32 len);
bool vq_need_event(u16 event, u16 now, u16 before);

enum vq_pop vq_split_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_split_push(struct virtqueue *vq, u32 id, u32 len);
void vq_split_want_kick(struct virtqueue *vq);
bool vq_split_wants_call(struct virtqueue *vq);
enum vq_pop vq_packed_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_packed_push(struct virtqueue *vq, u32 id, u16 slots, u32 len);
bool vq_packed_wants_call(struct virtqueue *vq);

#endif
