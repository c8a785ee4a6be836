// SPDX-License-Identifier: MIT
/*
 * A virtqueue without a device: a split ring of the kernel in memory, and functions that read and
 * write it as a device does.
 */
#include <kunit/test.h>

#include <linux/device.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "fake_ring.h"

static struct vring_avail *fake_ring_avail(struct fake_ring *ring)
{
	return phys_to_virt(virtqueue_get_avail_addr(ring->vq));
}

static struct vring_used *fake_ring_used(struct fake_ring *ring)
{
	return phys_to_virt(virtqueue_get_used_addr(ring->vq));
}

static struct vring_desc *fake_ring_desc(struct fake_ring *ring, u32 index)
{
	return (struct vring_desc *)phys_to_virt(virtqueue_get_desc_addr(ring->vq)) + index;
}

static bool fake_ring_notify(struct virtqueue *vq)
{
	struct fake_ring *ring = fake_ring_of(vq);

	ring->kicks++;
	if (ring->on_kick)
		ring->on_kick(ring);
	return true;
}

static void fake_ring_release(struct device *dev)
{
}

static void fake_ring_destroy(void *data)
{
	struct fake_ring *ring = data;

	vring_del_virtqueue(ring->vq);
	put_device(&ring->vdev.dev);
}

/**
 * fake_ring_create() - Create a ring that lives as long as the test
 * @test: the test
 * @num: entries, a power of two
 * @features: mask of VIRTIO_RING_F_*; VIRTIO_F_VERSION_1 is added
 * @callback: the driver's interrupt handler
 *
 * Return: the ring.
 */
struct fake_ring *fake_ring_create(struct kunit *test, unsigned int num, u64 features,
				   void (*callback)(struct virtqueue *vq))
{
	struct fake_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);
	unsigned int bit;

	KUNIT_ASSERT_NOT_NULL(test, ring);
	ring->num = num;
	ring->vdev.dev.release = fake_ring_release;
	device_initialize(&ring->vdev.dev);
	dev_set_name(&ring->vdev.dev, "fake-ring");
	spin_lock_init(&ring->vdev.config_lock);
	spin_lock_init(&ring->vdev.vqs_list_lock);
	INIT_LIST_HEAD(&ring->vdev.vqs);
	__virtio_set_bit(&ring->vdev, VIRTIO_F_VERSION_1);
	for (bit = 0; bit < 64; bit++)
		if (features & BIT_ULL(bit))
			__virtio_set_bit(&ring->vdev, bit);
	ring->vq = vring_create_virtqueue(0, num, PAGE_SIZE, &ring->vdev, true, false, false,
					  fake_ring_notify, callback, "fake");
	KUNIT_ASSERT_NOT_NULL(test, ring->vq);
	ring->vq->num_max = num;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fake_ring_destroy, ring));
	return ring;
}

struct fake_ring *fake_ring_of(struct virtqueue *vq)
{
	return container_of(vq->vdev, struct fake_ring, vdev);
}

/**
 * fake_ring_take() - Take the next request
 * @ring: the ring
 * @req: set to the first bytes of the request
 * @token: set to the id that the answer must name
 *
 * Return: false if there is none.
 */
bool fake_ring_take(struct fake_ring *ring, void **req, u32 *token)
{
	struct vring_avail *avail = fake_ring_avail(ring);
	struct vring_desc *desc;

	if (ring->seen == le16_to_cpu((__force __le16)READ_ONCE(avail->idx)))
		return false;
	/* Pairs with virtio_wmb() of the virtio core between entry and index. */
	virtio_rmb(true);
	*token = le16_to_cpu((__force __le16)avail->ring[ring->seen % ring->num]);
	ring->seen++;
	desc = fake_ring_desc(ring, *token);
	if (le16_to_cpu((__force __le16)desc->flags) & VRING_DESC_F_INDIRECT)
		desc = phys_to_virt(le64_to_cpu((__force __le64)desc->addr));
	*req = phys_to_virt(le64_to_cpu((__force __le64)desc->addr));
	return true;
}

/**
 * fake_ring_chain_length() - Count the descriptors of a request
 * @ring: the ring
 * @token: of the request
 *
 * Return: their number, those of an indirect table included.
 */
unsigned int fake_ring_chain_length(struct fake_ring *ring, u32 token)
{
	struct vring_desc *desc = fake_ring_desc(ring, token);
	unsigned int length = 1;

	if (le16_to_cpu((__force __le16)desc->flags) & VRING_DESC_F_INDIRECT)
		return le32_to_cpu((__force __le32)desc->len) / sizeof(*desc);
	while (le16_to_cpu((__force __le16)desc->flags) & VRING_DESC_F_NEXT) {
		desc = fake_ring_desc(ring, le16_to_cpu((__force __le16)desc->next));
		length++;
	}
	return length;
}

/**
 * fake_ring_answer() - Answer a request, in any order
 * @ring: the ring
 * @token: of the request
 * @used_bytes: number of bytes that the device claims to have written
 */
void fake_ring_answer(struct fake_ring *ring, u32 token, u32 used_bytes)
{
	struct vring_used *used = fake_ring_used(ring);
	struct vring_used_elem *elem = &used->ring[ring->answered % ring->num];

	elem->id = (__force __virtio32)cpu_to_le32(token);
	elem->len = (__force __virtio32)cpu_to_le32(used_bytes);
	ring->answered++;
	/* Pairs with virtio_rmb() of the virtio core between index and entry. */
	virtio_wmb(true);
	WRITE_ONCE(used->idx, (__force __virtio16)cpu_to_le16(ring->answered));
}

/**
 * fake_ring_wants_interrupt() - Check whether an answer would raise an interrupt
 * @ring: the ring, without VIRTIO_RING_F_EVENT_IDX
 *
 * Return: true if it would.
 */
bool fake_ring_wants_interrupt(struct fake_ring *ring)
{
	u16 flags = le16_to_cpu((__force __le16)READ_ONCE(fake_ring_avail(ring)->flags));

	return !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}

/**
 * fake_ring_interrupt() - Interrupt the driver
 * @ring: the ring
 */
void fake_ring_interrupt(struct fake_ring *ring)
{
	vring_interrupt(0, ring->vq);
}
