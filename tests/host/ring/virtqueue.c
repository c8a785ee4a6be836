// SPDX-License-Identifier: MIT
/*
 * What split and packed rings share. The ring lives in memory the driver can
 * change at any time: every field is copied once, then checked, then used.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "log.h"
#include "virtqueue.h"

#define VQ_IDS 0x10000

/**
 * vq_init - Make a queue without a ring
 * @vq: the queue
 * @index: its number
 * @gm: guest memory
 * @bugs: told of each broken rule
 */
void vq_init(struct virtqueue *vq, unsigned int index, struct gmem *gm, struct bug_log *bugs)
{
	memset(vq, 0, sizeof(*vq));
	vq->index = index;
	vq->gm = gm;
	vq->bugs = bugs;
	vq->max_chain = 1024;
	vq->avail_wrap = true;
	vq->used_wrap = true;
}

/**
 * vq_fini - Free what the queue owns
 * @vq: the queue
 */
void vq_fini(struct virtqueue *vq)
{
	free(vq->busy);
	vq->busy = NULL;
	free(vq->inflight.again);
	vq->inflight.again = NULL;
}

/**
 * vq_reset - Back to the state before the front end said anything
 * @vq: the queue
 */
void vq_reset(struct virtqueue *vq)
{
	u32 max_chain = vq->max_chain;

	vq_fini(vq);
	vq_init(vq, vq->index, vq->gm, vq->bugs);
	vq->max_chain = max_chain;
}

/**
 * vq_set_features - Take over the ring features the driver accepted
 * @vq: the queue
 * @features: negotiated feature bits
 */
void vq_set_features(struct virtqueue *vq, u64 features)
{
	vq->packed = features & BIT64(VIRTIO_F_RING_PACKED);
	vq->event_idx = features & BIT64(VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = features & BIT64(VIRTIO_RING_F_INDIRECT_DESC);
}

/**
 * vq_set_size - Set the number of descriptors
 * @vq: the queue
 * @size: 1 to 32768; a split ring needs a power of two, checked at vq_map()
 *
 * Return: 0 or -EINVAL.
 */
int vq_set_size(struct virtqueue *vq, u32 size)
{
	if (!size || size > VQ_SIZE_MAX)
		return -EINVAL;
	if (!vq->busy)
		vq->busy = xcalloc(VQ_IDS / 8, 1);
	vq->size = size;
	return 0;
}

/**
 * vq_set_base - Set where the ring stands; the device holds none of its buffers
 * @vq: the queue
 * @base: split: index of the next available entry (the used index is in the ring:
 *        vq_map()); packed: that with its wrap counter in bit 15, and the used one
 *        in the upper half
 * @zero_is_initial: the front end sends 0 for a fresh packed ring too
 */
void vq_set_base(struct virtqueue *vq, u32 base, bool zero_is_initial)
{
	vq->signalled_valid = false;
	vq->returned = false;
	vq->broken = false;
	vq->fresh = true;
	if (vq->busy)
		memset(vq->busy, 0, VQ_IDS / 8);
	vq->nbusy = 0;
	if (!vq->packed) {
		vq->last_avail = base;
		return;
	}
	if (!base && zero_is_initial)
		base = 0x80008000;
	vq->last_avail = base & 0x7fff;
	vq->avail_wrap = base & 0x8000;
	vq->used_idx = (base >> 16) & 0x7fff;
	vq->used_wrap = base >> 31;
}

/**
 * vq_get_base - Where the ring stands, as vq_set_base() takes it
 * @vq: the queue
 *
 * Return: the base.
 */
u32 vq_get_base(const struct virtqueue *vq)
{
	if (!vq->packed)
		return vq->last_avail;
	return vq->last_avail | (u32)vq->avail_wrap << 15 |
	       (u32)vq->used_idx << 16 | (u32)vq->used_wrap << 31;
}

/**
 * vq_map - Find the ring in guest memory
 * @vq: the queue
 *
 * Return: 0, -EINVAL for a bad size or index, -EFAULT when part of the ring is
 * not shared memory or misaligned.
 */
int vq_map(struct virtqueue *vq)
{
	u64 n = vq->size, avail_len, used_len;

	vq_unmap(vq);
	if (!n || (!vq->packed && (n & (n - 1))))
		return -EINVAL;
	if (vq->packed && (vq->last_avail >= n || vq->used_idx >= n))
		return -EINVAL;
	avail_len = vq->packed ? 4 : 6 + 2 * n;
	used_len = vq->packed ? 4 : 6 + 8 * n;
	vq->desc = gmem_uva(vq->gm, vq->desc_uva, 16 * n);
	vq->avail = gmem_uva(vq->gm, vq->avail_uva, avail_len);
	vq->used = gmem_uva(vq->gm, vq->used_uva, used_len);
	if (!vq->desc || !vq->avail || !vq->used ||
	    (uintptr_t)vq->desc % 16 || (uintptr_t)vq->avail % 2 ||
	    (uintptr_t)vq->used % 4) {
		vq_unmap(vq);
		return -EFAULT;
	}
	if (!vq->packed)
		vq->used_idx = vq_split_used(vq);
	return 0;
}

/**
 * vq_unmap - Forget where the ring is in our memory
 * @vq: the queue
 */
void vq_unmap(struct virtqueue *vq)
{
	vq->desc = NULL;
	vq->avail = NULL;
	vq->used = NULL;
}

/**
 * vq_bug - Report that the driver broke a rule of the ring
 * @vq: the queue
 * @rule: name of the rule
 * @fmt: what happened
 */
void vq_bug(struct virtqueue *vq, const char *rule, const char *fmt, ...)
{
	struct bug_where where = { .queue = vq->index, .seq = vq->bugs->seq + 1, .cmd = "ring" };
	va_list ap;

	va_start(ap, fmt);
	bug_vreport(vq->bugs, rule, &where, fmt, ap);
	va_end(ap);
}

/**
 * vq_chain_add - Append one descriptor to a chain
 * @vq: the queue
 * @chain: the chain; @chain->segs holds @vq->max_chain entries
 * @gpa: guest physical address
 * @len: bytes
 * @write: the device may write it
 *
 * Return: false when the chain cannot be used; the rule is reported.
 */
bool vq_chain_add(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len,
		  bool write)
{
	unsigned int n = chain->nout + chain->nin;

	if (n == vq->max_chain) {
		vq_bug(vq, "chain-over-limit",
		       "chain of more than %u descriptors", vq->max_chain);
		return false;
	}
	if (n == vq->size)
		vq_bug(vq, "chain-too-long",
		       "chain is longer than the queue (%u)", vq->size);
	if (!len) {
		vq_bug(vq, "desc-empty", "descriptor %u of the chain is empty", n);
		return false;
	}
	if (!gmem_valid(vq->gm, gpa, len)) {
		vq_bug(vq, "desc-address",
		       "descriptor %u of %u bytes is outside of guest memory", n, len);
		return false;
	}
	if (!write && chain->nin) {
		vq_bug(vq, "desc-order",
		       "descriptor %u is readable after a writable one", n);
		return false;
	}
	chain->segs[n] = (struct vq_seg){ .gpa = gpa, .len = len };
	if (write) {
		chain->nin++;
		chain->in_len += len;
	} else {
		chain->nout++;
		chain->out_len += len;
	}
	if (chain->in_len + chain->out_len > UINT32_MAX) {
		vq_bug(vq, "chain-bytes", "chain of more than 4 GiB");
		return false;
	}
	return true;
}

static bool vq_indirect_packed(struct virtqueue *vq, struct vq_chain *chain,
			       const struct vring_packed_desc *table, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u16 flags = le16toh(table[i].flags);

		if (flags & VRING_DESC_F_INDIRECT) {
			vq_bug(vq, "indirect-nested", "indirect in an indirect table");
			return false;
		}
		if (!vq_chain_add(vq, chain, le64toh(table[i].addr),
				  le32toh(table[i].len), flags & VRING_DESC_F_WRITE))
			return false;
	}
	return true;
}

static bool vq_chain_indirect(struct virtqueue *vq, struct vq_chain *chain, u64 gpa,
		       u32 len)
{
	u32 n = len / 16;
	void *table;
	bool ok;

	if (!vq->indirect) {
		vq_bug(vq, "indirect-feature", "indirect was not negotiated");
		return false;
	}
	if (!len || len % 16) {
		vq_bug(vq, "indirect-size", "indirect table of %u bytes", len);
		return false;
	}
	if (n > vq->max_chain) {
		vq_bug(vq, "chain-over-limit",
		       "indirect table of %u descriptors, at most %u", n,
		       vq->max_chain);
		return false;
	}
	table = xcalloc(n, 16);
	ok = gmem_read(vq->gm, gpa, table, len);
	if (!ok)
		vq_bug(vq, "desc-address",
		       "indirect table of %u bytes is outside of guest memory", len);
	else if (vq->packed)
		ok = vq_indirect_packed(vq, chain, table, n);
	else
		ok = vq_split_walk(vq, chain, table, n, 0);
	free(table);
	return ok;
}

/**
 * vq_chain_desc - Append what a descriptor in the ring names
 * @vq: the queue
 * @chain: the chain
 * @gpa: guest physical address of memory, or of an indirect table
 * @len: its bytes
 * @flags: VRING_DESC_F_*
 *
 * Return: false when the chain cannot be used; the rule is reported.
 */
bool vq_chain_desc(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len,
		   u16 flags)
{
	if (flags & VRING_DESC_F_INDIRECT)
		return vq_chain_indirect(vq, chain, gpa, len);
	return vq_chain_add(vq, chain, gpa, len, flags & VRING_DESC_F_WRITE);
}

static enum vq_pop vq_next(struct virtqueue *vq, struct vq_chain *chain)
{
	enum vq_pop ret = VQ_EMPTY;
	u16 slot;

	if (vq->fresh && vq->inflight.region)
		inflight_start(vq);
	vq->fresh = false;
	if (vq->inflight.region)
		ret = inflight_again(vq, chain);
	if (ret != VQ_EMPTY)
		return ret;
	slot = vq->last_avail;
	ret = vq->packed ? vq_packed_pop(vq, chain) : vq_split_pop(vq, chain);
	if (ret == VQ_GOT && vq->inflight.region)
		inflight_take(vq, chain, slot);
	return ret;
}

/**
 * vq_pop - Take the next buffer the driver made available
 * @vq: the queue
 * @chain: filled in; to be freed with vq_chain_free()
 *
 * Return: VQ_GOT, VQ_EMPTY, or VQ_BROKEN when the ring makes no sense; the
 * queue then stays broken until it is reset.
 */
enum vq_pop vq_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	enum vq_pop ret;

	memset(chain, 0, sizeof(*chain));
	if (vq->broken)
		return VQ_BROKEN;
	if (!vq->desc)
		return VQ_EMPTY;
	chain->segs = xcalloc(vq->max_chain, sizeof(*chain->segs));
	ret = vq_next(vq, chain);
	if (ret == VQ_GOT && (vq->busy[chain->id / 8] & (1 << chain->id % 8))) {
		vq_bug(vq, "id-in-use",
		       "buffer %u is available while the device holds it",
		       chain->id);
		ret = VQ_BROKEN;
	}
	if (ret == VQ_GOT) {
		vq->busy[chain->id / 8] |= 1 << chain->id % 8;
		vq->nbusy++;
		return ret;
	}
	vq_chain_free(chain);
	if (ret == VQ_BROKEN)
		vq->broken = true;
	return ret;
}

/**
 * vq_return - Write a used entry, whatever it says
 * @vq: the queue
 * @id: buffer id
 * @slots: ring slots to advance by (packed rings)
 * @len: bytes claimed to be written
 * @record: of the buffer in the record of unanswered ones, 0: a fault, there is none
 */
void vq_return(struct virtqueue *vq, u32 id, u16 slots, u32 len, u32 record)
{
	if (!vq->desc)
		return;
	if (vq->packed)
		vq_packed_push(vq, id, slots, len);
	else
		vq_split_push(vq, id, len);
	inflight_done(vq, record);
	vq->returned = true;
}

/**
 * vq_push - Return a buffer to the driver
 * @vq: the queue
 * @chain: the buffer
 * @len: bytes written, from the first writable byte on
 */
void vq_push(struct virtqueue *vq, const struct vq_chain *chain, u32 len)
{
	if (vq->busy && (vq->busy[chain->id / 8] & (1 << chain->id % 8))) {
		vq->busy[chain->id / 8] &= ~(1 << chain->id % 8);
		vq->nbusy--;
	}
	inflight_give(vq, chain);
	vq_return(vq, chain->id, chain->slots, len, chain->record);
}

/**
 * vq_want_kick - Ask for a notification at the next available buffer
 * @vq: the queue
 *
 * The caller looks at the ring once more afterwards.
 */
void vq_want_kick(struct virtqueue *vq)
{
	if (!vq->packed && vq->desc)
		vq_split_want_kick(vq);
	/* A packed ring's device area stays at "always notify". */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/**
 * vq_wants_call - Whether the driver asked for an interrupt
 * @vq: the queue
 *
 * Return: true when buffers were returned since the last time this was true
 * and the driver wants to hear of them.
 */
bool vq_wants_call(struct virtqueue *vq)
{
	if (!vq->returned || !vq->desc)
		return false;
	vq->returned = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vq->packed ? vq_packed_wants_call(vq) : vq_split_wants_call(vq);
}

/**
 * vq_need_event - Whether moving an index has passed an event index
 * @event: the index the other side waits for
 * @now: new index
 * @before: old index
 *
 * Return: true when @event lies in [@before, @now).
 */
bool vq_need_event(u16 event, u16 now, u16 before)
{
	return (u16)(now - event - 1) < (u16)(now - before);
}

/**
 * vq_chain_trim - Forget what a chain's answer does not need
 * @chain: the chain, which has been read
 * @nin: writable segments to keep at most
 */
void vq_chain_trim(struct vq_chain *chain, unsigned int nin)
{
	struct vq_seg *segs;

	chain->nin = MIN(chain->nin, nin);
	memmove(chain->segs, chain->segs + chain->nout, chain->nin * sizeof(*segs));
	chain->nout = 0;
	segs = realloc(chain->segs, MAX(chain->nin, 1u) * sizeof(*segs));
	if (segs)
		chain->segs = segs;
}

/**
 * vq_chain_free - Free a chain's segments
 * @chain: the chain
 */
void vq_chain_free(struct vq_chain *chain)
{
	free(chain->segs);
	memset(chain, 0, sizeof(*chain));
}

/**
 * vq_chain_read - Gather the readable bytes of a chain
 * @vq: the queue
 * @chain: the chain
 * @skip: bytes of the chain before those
 * @dst: where to
 * @len: bytes; no more than @chain->out_len with @skip
 *
 * Return: false when guest memory went away meanwhile.
 */
bool vq_chain_read(const struct virtqueue *vq, const struct vq_chain *chain,
		   u64 skip, void *dst, u64 len)
{
	u8 *out = dst;

	for (unsigned int i = 0; i < chain->nout && len; i++) {
		const struct vq_seg *seg = &chain->segs[i];
		u64 at = MIN(skip, seg->len), n = MIN(len, seg->len - at);

		skip -= at;
		if (n && !gmem_read(vq->gm, seg->gpa + at, out, n))
			return false;
		out += n;
		len -= n;
	}
	return true;
}

/**
 * vq_chain_write - Scatter bytes into the writable part of a chain
 * @vq: the queue
 * @chain: the chain
 * @src: where from
 * @len: bytes; what does not fit is left out
 *
 * Return: bytes written.
 */
u64 vq_chain_write(const struct virtqueue *vq, const struct vq_chain *chain,
		   const void *src, u64 len)
{
	const u8 *in = src;
	u64 done = 0;

	for (unsigned int i = 0; i < chain->nin && done < len; i++) {
		const struct vq_seg *seg = &chain->segs[chain->nout + i];
		u64 n = MIN(len - done, seg->len);

		if (!gmem_write(vq->gm, seg->gpa, in + done, n))
			break;
		done += n;
	}
	return done;
}
