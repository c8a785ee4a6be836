/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_VQ_H
#define VGPU_VQ_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>

struct scatterlist;
struct seq_file;
struct virtqueue;
struct virtio_device;
struct vgpu_vq;

/* A device that leaves a ping unanswered for so long is silent. */
#define VGPU_VQ_ANSWER_MS	2000

/* A message that the device has had for so long is held; clients with held messages are limited. */
#define VGPU_VQ_HELD_MS		1000

/**
 * enum vgpu_msg_state - Where a message is on its way
 * @VGPU_MSG_NEW: not committed yet; only its creator sees it
 * @VGPU_MSG_PENDING: committed, waits in the FIFO for room in the ring
 * @VGPU_MSG_RING: the device may read the request and write the response
 * @VGPU_MSG_RETIRED: back from the device, or never to go there
 */
enum vgpu_msg_state {
	VGPU_MSG_NEW,
	VGPU_MSG_PENDING,
	VGPU_MSG_RING,
	VGPU_MSG_RETIRED,
};

/**
 * struct vgpu_msg - One request to the device together with room for its response
 * @ref: one reference for the queue from commit until the device can no longer
 *       touch the memory, and one for each waiter
 * @node: entry of the queue's pending or ring list; protected by the queue's lock
 * @complete: called exactly once, when the outcome is known, without any lock
 *            of the queue, possibly in hard interrupt context
 * @release: frees the message; called when the last reference goes, in any context
 * @stamp: called when its place in the order of messages is settled, with the lock of the
 *         queue held; may write into the request; or NULL
 * @req: request, read by the device
 * @data: more of the request, @ndata entries, or NULL
 * @resp: response, written by the device
 * @req_bytes: size of @req
 * @resp_bytes: size of @resp
 * @ndata: number of scatterlist entries in @data
 * @used_bytes: how much the device says it wrote; never more than @resp_bytes,
 *              valid in @complete when @error is 0
 * @error: 0, or why there is no response; set before @complete
 * @since: time of entry into the ring, in jiffies; protected by the queue's lock
 * @nr_held: the sender's counter of held messages; set before commit, valid until @complete is
 *           called; or NULL
 * @state: protected by the queue's lock
 * @held: the device has had it for VGPU_VQ_HELD_MS; protected by the queue's lock
 * @ping: the message only checks that the device answers; set before commit
 * @wanted: a waiter needs an interrupt for this message; protected by the queue's lock
 * @completed: @complete was called or is about to be; protected by the queue's lock
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
	bool held;
	bool ping;
	bool wanted;
	bool completed;
};

/**
 * struct vgpu_vq_ops - Upcalls of a queue
 * @lost: the queue is broken, or the device was silent for the silence limit; may be called
 *        more than once and in any context
 * @ask: the device has answered nothing for a while, so the owner commits a message with
 *       &vgpu_msg.ping; in process context
 * @silent: the device has answered nothing for VGPU_VQ_ANSWER_MS after @ask; in process context
 */
struct vgpu_vq_ops {
	void (*lost)(void *owner, int error);
	void (*ask)(void *owner);
	void (*silent)(void *owner);
};

/**
 * struct vgpu_vq_stats - Counters of one queue, a snapshot
 * @committed: messages ever committed
 * @completed: messages ever answered by the device
 * @failed: messages ever completed without an answer
 * @kicks: notifications sent
 * @interrupts: calls of the virtqueue callback
 * @ticks: expiries of the watch's timer
 * @pending: messages in the FIFO now
 * @in_ring: messages in the ring now
 * @held: entries of the ring that held messages take
 * @ring_entries: size of the ring
 */
struct vgpu_vq_stats {
	u64 committed;
	u64 completed;
	u64 failed;
	u64 kicks;
	u64 interrupts;
	u64 ticks;
	u32 pending;
	u32 in_ring;
	u32 held;
	u32 ring_entries;
};

/**
 * vgpu_msg_init() - Initialise the bookkeeping of a message
 * @msg: message whose memory, sizes and functions the caller sets
 *
 * The caller holds the only reference afterwards.
 */
static inline void vgpu_msg_init(struct vgpu_msg *msg)
{
	kref_init(&msg->ref);
	INIT_LIST_HEAD(&msg->node);
	msg->state = VGPU_MSG_NEW;
	msg->nr_held = NULL;
	msg->held = false;
	msg->ping = false;
	msg->error = 0;
	msg->used_bytes = 0;
	msg->wanted = false;
	msg->completed = false;
}

void vgpu_msg_put(struct vgpu_msg *msg);

struct vgpu_vq *vgpu_vq_create(const struct vgpu_vq_ops *ops, void *owner,
			       unsigned int silence_limit_ms, struct workqueue_struct *wq);
void vgpu_vq_settle(struct vgpu_vq *vq);
void vgpu_vq_destroy(struct vgpu_vq *vq);
void vgpu_vq_attach(struct vgpu_vq *vq, struct virtqueue *ring);
void vgpu_vq_fail(struct vgpu_vq *vq, int error);
void vgpu_vq_detach(struct vgpu_vq *vq);

void vgpu_vq_commit(struct vgpu_vq *vq, struct vgpu_msg *msg);
bool vgpu_vq_has(struct vgpu_vq *vq, const struct vgpu_msg *msg);
bool vgpu_vq_take_back(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_kick(struct vgpu_vq *vq);
void vgpu_vq_want(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_listen(struct vgpu_vq *vq);
void vgpu_vq_unlisten(struct vgpu_vq *vq);
void vgpu_vq_poll(struct vgpu_vq *vq);
void vgpu_vq_callback(struct vgpu_vq *vq);
bool vgpu_vq_is_crowded(const struct vgpu_vq *vq);
u32 vgpu_vq_held_quarters(const struct vgpu_vq *vq);
u32 vgpu_vq_held_share(const struct vgpu_vq *vq);
bool vgpu_vq_is_silent(const struct vgpu_vq *vq);

int vgpu_vq_panic_enter(struct vgpu_vq *vq);
int vgpu_vq_panic_run(struct vgpu_vq *vq, struct vgpu_msg *msg);
void vgpu_vq_panic_exit(struct vgpu_vq *vq);

unsigned int vgpu_vq_max_data(const struct vgpu_vq *vq);
int vgpu_vq_error(const struct vgpu_vq *vq);
void vgpu_vq_read_stats(struct vgpu_vq *vq, struct vgpu_vq_stats *stats);

#endif
