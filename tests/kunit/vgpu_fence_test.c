// SPDX-License-Identifier: MIT
/*
 * Timelines: fences of one signal in order, fences of different ones independently, with their
 * errors.
 */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "fake_ring.h"
#include "protocol/vgpu_fence.h"
#include "transport/vgpu_vq.h"

#define BUSY_US	100

static struct vgpu_timeline *new_timeline(struct kunit *test, const char *name)
{
	struct vgpu_timeline *tl = vgpu_timeline_create(name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tl);
	return tl;
}

static struct vgpu_fence *new_fence(struct kunit *test, struct vgpu_timeline *tl)
{
	struct vgpu_fence *fence = vgpu_fence_create(tl);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	vgpu_fence_arm(fence);
	return fence;
}

static bool is_signalled(struct vgpu_fence *fence)
{
	return dma_fence_is_signaled(&fence->base);
}

static void vgpu_fence_test_sequence(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *a = new_fence(test, tl), *b = new_fence(test, tl);

	KUNIT_EXPECT_EQ(test, a->base.context, tl->context);
	KUNIT_EXPECT_EQ(test, b->base.context, tl->context);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later(&b->base, &a->base));
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 2);
	vgpu_fence_complete(a, 0);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 1);
	vgpu_fence_complete(b, 0);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 0);
	vgpu_fence_put(a);
	vgpu_fence_put(b);
	vgpu_timeline_put(tl);
}

/* The device answers the third command first; the fences still signal in order. */
static void vgpu_fence_test_out_of_order_answers(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *f[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f); i++)
		f[i] = new_fence(test, tl);
	vgpu_fence_complete(f[2], 0);
	vgpu_fence_complete(f[1], 0);
	for (i = 0; i < ARRAY_SIZE(f); i++)
		KUNIT_EXPECT_FALSE(test, is_signalled(f[i]));
	vgpu_fence_complete(f[0], 0);
	KUNIT_EXPECT_TRUE(test, is_signalled(f[0]));
	KUNIT_EXPECT_TRUE(test, is_signalled(f[1]));
	KUNIT_EXPECT_TRUE(test, is_signalled(f[2]));
	KUNIT_EXPECT_FALSE(test, is_signalled(f[3]));
	vgpu_fence_complete(f[3], 0);
	KUNIT_EXPECT_TRUE(test, is_signalled(f[3]));
	for (i = 0; i < ARRAY_SIZE(f); i++)
		vgpu_fence_put(f[i]);
	vgpu_timeline_put(tl);
}

/* An answer to a display update is one to the earlier ones, which the device may never answer. */
static void vgpu_fence_test_cumulative(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "display");
	struct vgpu_fence *f[4];
	unsigned int i;

	tl->is_cumulative = true;
	for (i = 0; i < ARRAY_SIZE(f); i++)
		f[i] = new_fence(test, tl);
	/* A refused update has replaced nothing. */
	vgpu_fence_complete(f[1], -EIO);
	KUNIT_EXPECT_FALSE(test, is_signalled(f[0]));
	KUNIT_EXPECT_FALSE(test, is_signalled(f[1]));
	vgpu_fence_complete(f[2], 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&f[0]->base), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&f[1]->base), -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&f[2]->base), 1);
	KUNIT_EXPECT_FALSE(test, is_signalled(f[3]));
	/* The late answer changes nothing. */
	vgpu_fence_complete(f[0], -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&f[0]->base), 1);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 1);
	vgpu_fence_complete(f[3], 0);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 0);
	for (i = 0; i < ARRAY_SIZE(f); i++)
		vgpu_fence_put(f[i]);
	vgpu_timeline_put(tl);
}

/* Arming determines the place of a fence; an unarmed fence delays no other. */
static void vgpu_fence_test_unarmed(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *first = vgpu_fence_create(tl), *never = vgpu_fence_create(tl);
	struct vgpu_fence *a = new_fence(test, tl);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, never);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 1);
	vgpu_fence_arm(first);
	vgpu_fence_arm(first);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 2);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later(&first->base, &a->base));
	vgpu_fence_complete(first, 0);
	KUNIT_EXPECT_FALSE(test, is_signalled(first));
	vgpu_fence_complete(a, 0);
	KUNIT_EXPECT_TRUE(test, is_signalled(first));
	KUNIT_EXPECT_EQ(test, kref_read(&never->base.refcount), 1);

	vgpu_fence_put(never);
	vgpu_fence_put(first);
	vgpu_fence_put(a);
	vgpu_timeline_put(tl);
}

static void vgpu_fence_test_out_of_order_rings(struct kunit *test)
{
	struct vgpu_timeline *slow = new_timeline(test, "slow"), *fast = new_timeline(test, "fast");
	struct vgpu_fence *a = new_fence(test, slow), *b = new_fence(test, fast);

	KUNIT_EXPECT_NE(test, slow->context, fast->context);
	vgpu_fence_complete(b, 0);
	KUNIT_EXPECT_TRUE(test, is_signalled(b));
	KUNIT_EXPECT_FALSE(test, is_signalled(a));
	vgpu_fence_complete(a, 0);
	vgpu_fence_put(a);
	vgpu_fence_put(b);
	vgpu_timeline_put(slow);
	vgpu_timeline_put(fast);
}

static void vgpu_fence_test_error_is_carried(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *good = new_fence(test, tl), *bad = new_fence(test, tl);
	struct vgpu_fence *last = new_fence(test, tl);

	vgpu_fence_complete(bad, -EIO);
	vgpu_fence_complete(good, 0);
	vgpu_fence_complete(last, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&good->base), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&bad->base), -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&last->base), 1);
	vgpu_fence_put(good);
	vgpu_fence_put(bad);
	vgpu_fence_put(last);
	vgpu_timeline_put(tl);
}

/*
 * If a fence completes twice, e.g. by a reply after the device was lost, the first result counts.
 */
static void vgpu_fence_test_complete_twice(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *a = new_fence(test, tl), *b = new_fence(test, tl);

	vgpu_fence_complete(b, -ENODEV);
	vgpu_fence_complete(b, 0);
	vgpu_fence_complete(a, 0);
	vgpu_fence_complete(a, -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&a->base), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&b->base), -ENODEV);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 0);
	vgpu_fence_put(a);
	vgpu_fence_put(b);
	vgpu_timeline_put(tl);
}

/* A sync_file may outlive the context and the device. */
static void vgpu_fence_test_outlives_timeline(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "gone");
	struct vgpu_fence *fence = new_fence(test, tl);

	vgpu_timeline_put(tl);
	vgpu_fence_complete(fence, 0);
	KUNIT_EXPECT_TRUE(test, is_signalled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&fence->base), 1);
	vgpu_fence_put(fence);
}

/* The timeline holds a reference to a pending fence, even if it is the only one. */
static void vgpu_fence_test_pending_fence_keeps_itself(struct kunit *test)
{
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *fence = new_fence(test, tl);

	dma_fence_get(&fence->base);
	vgpu_fence_put(fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->base.refcount), 2);
	vgpu_fence_complete(fence, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->base.refcount), 1);
	vgpu_fence_put(fence);
	vgpu_timeline_put(tl);
}

static void count_callback(struct dma_fence *base, struct dma_fence_cb *cb)
{
}

/*
 * Waiting for a fence makes the queue request an interrupt, whether the wait or the bind comes
 * first.
 */
struct fence_vq_test {
	struct fake_ring *ring;
	struct vgpu_vq *vq;
	struct vgpu_msg msg;
	u8 req[8];
	u8 resp[8];
	unsigned int released;
};

static void fence_vq_complete(struct vgpu_msg *msg)
{
}

static void fence_vq_release(struct vgpu_msg *msg)
{
	container_of(msg, struct fence_vq_test, msg)->released++;
}

static void fence_vq_callback(struct virtqueue *ring)
{
	struct fence_vq_test *ctx = fake_ring_of(ring)->owner;

	vgpu_vq_callback(ctx->vq);
}

static void fence_vq_lost(void *owner, int error)
{
}

static void fence_vq_silent(void *owner)
{
}

static const struct vgpu_vq_ops fence_vq_ops = {
	.lost = fence_vq_lost,
	.silent = fence_vq_silent,
};

static struct fence_vq_test *fence_vq_begin(struct kunit *test)
{
	struct fence_vq_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->ring = fake_ring_create(test, 8, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
				     fence_vq_callback);
	ctx->ring->owner = ctx;
	ctx->vq = vgpu_vq_create(&fence_vq_ops, ctx, 0, system_dfl_wq);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->vq);
	vgpu_vq_attach(ctx->vq, ctx->ring->vq);
	vgpu_msg_init(&ctx->msg);
	ctx->msg.complete = fence_vq_complete;
	ctx->msg.release = fence_vq_release;
	ctx->msg.req = ctx->req;
	ctx->msg.req_bytes = sizeof(ctx->req);
	ctx->msg.resp = ctx->resp;
	ctx->msg.resp_bytes = sizeof(ctx->resp);
	return ctx;
}

static void fence_vq_end(struct fence_vq_test *ctx)
{
	vgpu_vq_fail(ctx->vq, -ENODEV);
	vgpu_vq_detach(ctx->vq);
	vgpu_vq_destroy(ctx->vq);
	vgpu_msg_put(&ctx->msg);
}

/*
 * The host has destroyed the context: the fences of posted commands end, and later answers have no
 * effect. The fence of a command that waits in its submission queue ends with the command.
 */
static void vgpu_fence_test_abandoned(struct kunit *test)
{
	struct fence_vq_test *ctx = fence_vq_begin(test);
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *a = new_fence(test, tl), *b = new_fence(test, tl);
	struct vgpu_fence *waiting = new_fence(test, tl);

	vgpu_fence_bind(a, ctx->vq, &ctx->msg);
	vgpu_fence_complete(b, 0);
	vgpu_timeline_abandon(tl, -ECANCELED);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&a->base), -ECANCELED);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&b->base), 1);
	KUNIT_EXPECT_FALSE(test, is_signalled(waiting));
	vgpu_fence_complete(a, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&a->base), -ECANCELED);
	vgpu_fence_complete(waiting, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, vgpu_timeline_is_pending(tl));
	vgpu_fence_put(waiting);
	vgpu_fence_put(a);
	vgpu_fence_put(b);
	vgpu_timeline_put(tl);
	fence_vq_end(ctx);
}

static void vgpu_fence_test_waiting_wants_an_interrupt(struct kunit *test)
{
	struct fence_vq_test *ctx = fence_vq_begin(test);
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *fence = new_fence(test, tl);
	struct dma_fence_cb cb;

	vgpu_fence_bind(fence, ctx->vq, &ctx->msg);
	vgpu_vq_commit(ctx->vq, &ctx->msg);
	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_FALSE(test, fake_ring_wants_interrupt(ctx->ring));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_add_callback(&fence->base, &cb, count_callback));
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));
	vgpu_fence_complete(fence, 0);
	fence_vq_end(ctx);
	KUNIT_EXPECT_EQ(test, ctx->released, 1);
	vgpu_fence_put(fence);
	vgpu_timeline_put(tl);
}

static void vgpu_fence_test_waiting_before_binding(struct kunit *test)
{
	struct fence_vq_test *ctx = fence_vq_begin(test);
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *fence = new_fence(test, tl);
	struct dma_fence_cb cb;

	KUNIT_EXPECT_EQ(test, 0, dma_fence_add_callback(&fence->base, &cb, count_callback));
	vgpu_fence_bind(fence, ctx->vq, &ctx->msg);
	vgpu_vq_commit(ctx->vq, &ctx->msg);
	vgpu_vq_kick(ctx->vq);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));
	vgpu_fence_complete(fence, 0);
	fence_vq_end(ctx);
	KUNIT_EXPECT_EQ(test, ctx->released, 1);
	vgpu_fence_put(fence);
	vgpu_timeline_put(tl);
}

/*
 * The command of this fence is answered, but not that of an earlier one, so the waiter still waits.
 */
static void vgpu_fence_test_waiting_outlasts_the_own_answer(struct kunit *test)
{
	struct fence_vq_test *ctx = fence_vq_begin(test);
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *first = new_fence(test, tl), *second = new_fence(test, tl);
	struct dma_fence_cb cb;
	void *req;
	u32 token;

	vgpu_fence_bind(second, ctx->vq, &ctx->msg);
	vgpu_vq_commit(ctx->vq, &ctx->msg);
	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_add_callback(&second->base, &cb, count_callback));
	KUNIT_ASSERT_TRUE(test, fake_ring_take(ctx->ring, &req, &token));
	fake_ring_answer(ctx->ring, token, sizeof(ctx->resp));
	fake_ring_interrupt(ctx->ring);
	vgpu_fence_complete(second, 0);
	KUNIT_EXPECT_FALSE(test, is_signalled(second));
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));
	vgpu_fence_complete(first, 0);
	KUNIT_EXPECT_TRUE(test, is_signalled(second));
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_FALSE(test, fake_ring_wants_interrupt(ctx->ring));

	fence_vq_end(ctx);
	vgpu_fence_put(first);
	vgpu_fence_put(second);
	vgpu_timeline_put(tl);
}

/* A timeline is busy while the device has a command of it; overlapping commands count once. */
static void vgpu_fence_test_busy_time(struct kunit *test)
{
	struct fence_vq_test *a = fence_vq_begin(test), *b = fence_vq_begin(test);
	struct vgpu_timeline *tl = new_timeline(test, "one");
	struct vgpu_fence *first = new_fence(test, tl), *second = new_fence(test, tl);
	u64 busy_ns, start_ns, bound_ns, before_ns;

	udelay(BUSY_US);
	KUNIT_EXPECT_EQ(test, vgpu_timeline_busy_ns(tl), 0);
	start_ns = ktime_get_ns();
	vgpu_fence_bind(first, a->vq, &a->msg);
	vgpu_fence_bind(second, b->vq, &b->msg);

	/* Read the same clock as the driver: a virtual one has larger steps than udelay(). */
	bound_ns = ktime_get_ns();
	udelay(BUSY_US);
	before_ns = ktime_get_ns();
	KUNIT_EXPECT_GT(test, before_ns, bound_ns);
	KUNIT_EXPECT_GE(test, vgpu_timeline_busy_ns(tl), before_ns - bound_ns);

	/*
	 * Completed out of order: the fence has not signalled, but the device has finished the
	 * command.
	 */
	vgpu_fence_complete(second, 0);
	KUNIT_EXPECT_EQ(test, tl->nr_pending, 2);
	vgpu_fence_complete(first, 0);
	busy_ns = vgpu_timeline_busy_ns(tl);
	KUNIT_EXPECT_LE(test, busy_ns, ktime_get_ns() - start_ns);
	udelay(BUSY_US);
	KUNIT_EXPECT_EQ(test, vgpu_timeline_busy_ns(tl), busy_ns);

	fence_vq_end(a);
	fence_vq_end(b);
	vgpu_fence_put(first);
	vgpu_fence_put(second);
	vgpu_timeline_put(tl);
}

static struct kunit_case vgpu_fence_test_cases[] = {
	KUNIT_CASE(vgpu_fence_test_sequence),
	KUNIT_CASE(vgpu_fence_test_out_of_order_answers),
	KUNIT_CASE(vgpu_fence_test_cumulative),
	KUNIT_CASE(vgpu_fence_test_unarmed),
	KUNIT_CASE(vgpu_fence_test_abandoned),
	KUNIT_CASE(vgpu_fence_test_out_of_order_rings),
	KUNIT_CASE(vgpu_fence_test_error_is_carried),
	KUNIT_CASE(vgpu_fence_test_complete_twice),
	KUNIT_CASE(vgpu_fence_test_outlives_timeline),
	KUNIT_CASE(vgpu_fence_test_pending_fence_keeps_itself),
	KUNIT_CASE(vgpu_fence_test_waiting_wants_an_interrupt),
	KUNIT_CASE(vgpu_fence_test_waiting_before_binding),
	KUNIT_CASE(vgpu_fence_test_waiting_outlasts_the_own_answer),
	KUNIT_CASE(vgpu_fence_test_busy_time),
	{}
};

static struct kunit_suite vgpu_fence_test_suite = {
	.name = "vgpu_fence",
	.test_cases = vgpu_fence_test_cases,
};

kunit_test_suite(vgpu_fence_test_suite);
