/* SPDX-License-Identifier: MIT */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include <linux/types.h>
#include <linux/virtio.h>

struct kunit;

/**
 * struct fake_ring - a split virtqueue whose device side is the test
 * @vdev: a virtio device that is on no bus
 * @vq: the driver's side
 * @num: entries of the ring
 * @seen: how many requests the device has taken
 * @answered: how many it has answered
 * @kicks: how often it was told
 * @on_kick: called by each kick, if set
 * @owner: for the test
 */
struct fake_ring {
	struct virtio_device vdev;
	struct virtqueue *vq;
	unsigned int num;
	u16 seen;
	u16 answered;
	unsigned int kicks;
	void (*on_kick)(struct fake_ring *ring);
	void *owner;
};

struct fake_ring *fake_ring_create(struct kunit *test, unsigned int num, u64 features,
				   void (*callback)(struct virtqueue *vq));
struct fake_ring *fake_ring_of(struct virtqueue *vq);
bool fake_ring_take(struct fake_ring *ring, void **req, u32 *token);
unsigned int fake_ring_chain_length(struct fake_ring *ring, u32 token);
void fake_ring_answer(struct fake_ring *ring, u32 token, u32 used_bytes);
bool fake_ring_wants_interrupt(struct fake_ring *ring);
void fake_ring_interrupt(struct fake_ring *ring);

#endif
