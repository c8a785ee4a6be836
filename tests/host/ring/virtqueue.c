// SPDX-License-Identifier: MIT
/*
 * What split and packed rings share. The ring lives in memory the driver can
 * change at any time: every field is copied once, then checked, then used.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "log.h"
#include "virtqueue.h"

/* Make a queue without a ring. */
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

void vq_fini(struct virtqueue *vq)
{
	free(vq->inflight.again);
	vq->inflight.again = NULL;
}

/* Go back to the state before the front end said anything. */
void vq_reset(struct virtqueue *vq)
{
	u32 max_chain = vq->max_chain;

	vq_fini(vq);
	vq_init(vq, vq->index, vq->gm, vq->bugs);
	vq->max_chain = max_chain;
}

/* Take over the ring features that the driver accepted. */
void vq_set_features(struct virtqueue *vq, u64 features)
{
	vq->packed = features & BIT64(VIRTIO_F_RING_PACKED);
	vq->event_idx = features & BIT64(VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = features & BIT64(VIRTIO_RING_F_INDIRECT_DESC);
}

/* Set the number of descriptors, VQ_SIZE_MAX at most. Returns 0 or -EINVAL; see vq_map(). */
int vq_set_size(struct virtqueue *vq, u32 size)
{
	if (!size || size > VQ_SIZE_MAX)
		return -EINVAL;
	vq->size = size;
	return 0;
}

/*
 * Set where the ring stands; the device holds none of its buffers. Of a split ring, @base is the
 * index of the next available entry; the used index is in the ring. Of a packed ring, it is that
 * index with its wrap counter in bit 15, and the used one in the upper half; if @zero_is_initial,
 * 0 stands for a fresh ring, too.
 */
void vq_set_base(struct virtqueue *vq, u32 base, bool zero_is_initial)
{
	vq->signalled_valid = false;
	vq->returned = false;
	vq->broken = false;
	vq->fresh = true;
	memset(vq->busy, 0, sizeof(vq->busy));
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

/* Tell where the ring stands, as vq_set_base() takes it. */
u32 vq_get_base(const struct virtqueue *vq)
{
	if (!vq->packed)
		return vq->last_avail;
	return vq->last_avail | (u32)vq->avail_wrap << 15 |
	       (u32)vq->used_idx << 16 | (u32)vq->used_wrap << 31;
}

/* Find the ring in guest memory. Returns 0, -EINVAL (size, index), -EFAULT (not shared). */
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
	    (uintptr_t)vq->desc % 16 || (uintptr_t)vq->avail % 2 || (uintptr_t)vq->used % 4) {
		vq_unmap(vq);
		return -EFAULT;
	}
	if (!vq->packed)
		vq->used_idx = vq_split_used(vq);
	return 0;
}

void vq_unmap(struct virtqueue *vq)
{
	vq->desc = NULL;
	vq->avail = NULL;
	vq->used = NULL;
}

/* Append a descriptor to a chain. False: the chain cannot be used, and the rule is reported. */
static bool vq_chain_add(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len,
		  bool write)
{
	unsigned int n = chain->nout + chain->nin;

	if (n == vq->max_chain)
		return vq_bug(vq, "chain-over-limit", "chain of more than %u descriptors", n);
	if (n == vq->size)
		vq_bug(vq, "chain-too-long", "chain is longer than the queue (%u)", n);
	if (!len)
		return vq_bug(vq, "desc-empty", "descriptor %u of the chain is empty", n);
	if (!gmem_valid(vq->gm, gpa, len))
		return vq_bug(vq, "desc-address",
			      "descriptor %u of %u bytes is outside of guest memory", n, len);
	if (!write && chain->nin)
		return vq_bug(vq, "desc-order", "descriptor %u is readable after a writable one",
			      n);

	chain->segs[n] = (struct vq_seg){ .gpa = gpa, .len = len };
	if (write) {
		chain->nin++;
		chain->in_len += len;
	} else {
		chain->nout++;
		chain->out_len += len;
	}
	return chain->in_len + chain->out_len <= UINT32_MAX ||
	       vq_bug(vq, "chain-bytes", "chain of more than 4 GiB");
}

static bool vq_indirect_packed(struct virtqueue *vq, struct vq_chain *chain,
			       const struct vring_packed_desc *table, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u16 flags = le16toh(table[i].flags);

		if (flags & VRING_DESC_F_INDIRECT)
			return vq_bug(vq, "indirect-nested", "indirect in an indirect table");
		if (flags & ~VRING_DESC_F_WRITE)
			vq_bug(vq, "indirect-flags", "flags %#x in an indirect table", flags);
		if (!vq_chain_add(vq, chain, le64toh(table[i].addr),
				  le32toh(table[i].len), flags & VRING_DESC_F_WRITE))
			return false;
	}
	return true;
}

static bool vq_chain_indirect(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len)
{
	u32 n = len / 16;
	void *table;
	bool ok;

	if (!vq->indirect)
		return vq_bug(vq, "indirect-feature", "indirect was not negotiated");
	if (!len || len % 16)
		return vq_bug(vq, "indirect-size", "indirect table of %u bytes", len);
	if (n > vq->max_chain)
		return vq_bug(vq, "chain-over-limit",
			      "indirect table of %u descriptors, at most %u", n, vq->max_chain);

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

/* Append what a descriptor in the ring names: memory, or an indirect table. False: as above. */
bool vq_chain_desc(struct virtqueue *vq, struct vq_chain *chain, u64 gpa, u32 len, u16 flags)
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

/*
 * Take the next buffer the driver made available, to be freed by vq_chain_free(). VQ_BROKEN: the
 * ring makes no sense, and the queue stays broken until it is reset.
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
	if (ret == VQ_GOT && vq->busy[chain->id]) {
		vq_bug(vq, "id-in-use", "buffer %u is available while the device holds it",
		       chain->id);
		ret = VQ_BROKEN;
	}
	if (ret == VQ_GOT) {
		vq->busy[chain->id] = true;
		vq->nbusy++;
		return ret;
	}
	vq_chain_free(chain);
	if (ret == VQ_BROKEN)
		vq->broken = true;
	return ret;
}

/*
 * Write a used entry, whatever it says: @slots is what a packed ring advances by, @len the bytes
 * claimed to be written, @record the buffer's in the record of unanswered ones, 0 if a fault
 * returns what was not taken.
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

/* Return a buffer to the driver; @len bytes were written, from the first writable one on. */
void vq_push(struct virtqueue *vq, const struct vq_chain *chain, u32 len)
{
	vq->nbusy -= vq->busy[chain->id];
	vq->busy[chain->id] = false;
	inflight_give(vq, chain);
	vq_return(vq, chain->id, chain->slots, len, chain->record);
}

/* Ask for a notification at the next buffer. The caller then looks at the ring once more. */
void vq_want_kick(struct virtqueue *vq)
{
	if (!vq->packed && vq->desc)
		vq_split_want_kick(vq);
	/* A packed ring's device area stays at "always notify". */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Check whether the driver wants an interrupt for the buffers returned since the last one. */
bool vq_wants_call(struct virtqueue *vq)
{
	u16 event = 0, now = vq->used_idx, before = vq->signalled;
	bool valid = vq->signalled_valid;
	enum vq_call call;

	if (!vq->returned || !vq->desc)
		return false;
	vq->returned = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	call = vq->packed ? vq_packed_call(vq, &event) : vq_split_call(vq, &event);
	vq->signalled = now;
	vq->signalled_valid = true;
	if (call != VQ_CALL_AT || !valid)
		return call != VQ_CALL_NEVER;
	/* A packed ring's index wraps at its size, the arithmetic at 2^16. */
	if (vq->packed && before > now)
		before -= vq->size;
	/* Whether the event index is one of those that were passed. */
	return (u16)(now - event - 1) < (u16)(now - before);
}

/* Drop what the answer does not need of a chain: all but @nin writable segments. */
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

void vq_chain_free(struct vq_chain *chain)
{
	free(chain->segs);
	memset(chain, 0, sizeof(*chain));
}

/* Copy between @n segments, behind the first @skip bytes, and our memory. Returns the bytes. */
static u64 vq_copy(const struct virtqueue *vq, const struct vq_seg *seg, unsigned int n,
		   u64 skip, void *p, u64 len, bool to_guest)
{
	u64 done = 0;

	for (; n && done < len; n--, seg++) {
		u64 at = MIN(skip, seg->len), part = MIN(len - done, seg->len - at);

		skip -= at;
		if (part && !gmem_copy(vq->gm, seg->gpa + at, (u8 *)p + done, part, to_guest))
			break;
		done += part;
	}
	return done;
}

/* Gather bytes of a chain behind the first @skip. False: guest memory went away. */
bool vq_chain_read(const struct virtqueue *vq, const struct vq_chain *chain,
		   u64 skip, void *dst, u64 len)
{
	return vq_copy(vq, chain->segs, chain->nout, skip, dst, len, false) ==
	       MIN(len, chain->out_len - skip);
}

/* Scatter bytes into the writable part of a chain, as many as fit. Returns the bytes written. */
u64 vq_chain_write(const struct virtqueue *vq, const struct vq_chain *chain,
		   const void *src, u64 len)
{
	return vq_copy(vq, chain->segs + chain->nout, chain->nin, 0, (void *)src, len, true);
}
