/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_MSG_H
#define VGPU_MSG_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>

struct scatterlist;

/**
 * enum vgpu_msg_state - Where a message is on its way
 * @VGPU_MSG_NEW: not committed yet; only its creator sees it
 * @VGPU_MSG_PENDING: committed, waits in the FIFO for room in the ring
 * @VGPU_MSG_RING: the device may read the request and write the response
 * @VGPU_MSG_HELD: like @VGPU_MSG_RING, and the device has had it for VGPU_VQ_HELD_MS
 * @VGPU_MSG_ABANDONED: completed with an error, while the device may still touch it
 * @VGPU_MSG_RETURNED: was abandoned, and the device can no longer touch it
 * @VGPU_MSG_RETIRED: answered or refused; completed next
 * @VGPU_MSG_STATES: number of states
 *
 * See the drawing in vgpu_vq.c.
 */
enum vgpu_msg_state {
	VGPU_MSG_NEW,
	VGPU_MSG_PENDING,
	VGPU_MSG_RING,
	VGPU_MSG_HELD,
	VGPU_MSG_ABANDONED,
	VGPU_MSG_RETURNED,
	VGPU_MSG_RETIRED,
	VGPU_MSG_STATES,
};

/**
 * struct vgpu_msg - One request to the device together with room for its response
 * @ref: one reference for the queue from commit until the device can no longer
 *       touch the memory, and one for each waiter
 * @node: entry of &vgpu_vq.msgs; protected by the queue's lock
 * @complete: called exactly once, when the outcome is known, without any lock
 *            of the queue, possibly in hard interrupt context
 * @release: frees the message; called when the last reference is dropped, in any context
 * @stamp: called at commit, when the position of the message among all messages of the queue is
 *         fixed, with the lock of the queue held; may write into the request; or NULL
 * @req: request, read by the device
 * @data: more of the request, @ndata entries, or NULL
 * @resp: response, written by the device
 * @req_bytes: size of @req
 * @resp_bytes: size of @resp
 * @ndata: number of scatterlist entries in @data
 * @used_bytes: how many bytes the device says it wrote; never more than @resp_bytes,
 *              valid in @complete when @error is 0
 * @error: 0, or why there is no response; set before @complete
 * @since: time of entry into the ring, in jiffies; protected by the queue's lock
 * @nr_held: the sender's counter of held messages; set before commit, valid until @complete is
 *           called; or NULL
 * @state: written by vgpu_vq_set_state_locked(); protected by the queue's lock
 * @ping: the message only checks that the device answers; set before commit
 */
struct vgpu_msg {
	struct kref ref;
	struct list_head node;
	void (*complete)(struct vgpu_msg *msg);
	void (*release)(struct vgpu_msg *msg);
	void (*stamp)(struct vgpu_msg *msg);
	void *req;
	struct scatterlist *data;
	void *resp;
	u32 req_bytes;
	u32 resp_bytes;
	u32 ndata;
	u32 used_bytes;
	int error;
	unsigned long since;
	atomic_t *nr_held;
	enum vgpu_msg_state state;
	bool ping;
};

/**
 * vgpu_msg_init() - Initialise a message, or have it ready to be sent once more
 * @msg: zeroed message whose memory, sizes and functions the caller sets
 *
 * The caller holds the only reference afterwards.
 *
 * Context: any.
 */
static inline void vgpu_msg_init(struct vgpu_msg *msg)
{
	kref_init(&msg->ref);
	INIT_LIST_HEAD(&msg->node);
	msg->state = VGPU_MSG_NEW;
	msg->error = 0;
	msg->used_bytes = 0;
}

static inline void vgpu_msg_free(struct kref *ref)
{
	struct vgpu_msg *msg = container_of(ref, struct vgpu_msg, ref);

	msg->release(msg);
}

/* Drop a reference to a message, in any context. */
static inline void vgpu_msg_put(struct vgpu_msg *msg)
{
	kref_put(&msg->ref, vgpu_msg_free);
}

#endif
