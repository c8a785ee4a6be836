// SPDX-License-Identifier: MIT
/* The queue before the ring, against a device that is the test itself. */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "fake_ring.h"
#include "transport/vgpu_vq.h"

#define RING_ENTRIES	8
#define REQ_BYTES	16
#define RESP_BYTES	24

/**
 * struct vq_test - what a test works with
 * @test: the test
 * @ring: the device's side
 * @vq: what is tested
 * @nr_complete: messages completed so far
 * @nr_release: messages freed so far
 * @lost: calls of the upcall
 * @lost_error: its last argument
 */
struct vq_test {
	struct kunit *test;
	struct fake_ring *ring;
	struct vgpu_vq *vq;
	unsigned int nr_complete;
	unsigned int nr_release;
	unsigned int lost;
	int lost_error;
	unsigned int silent;
};

/**
 * struct test_msg - a message that counts what happens to it
 * @base: the message
 * @ctx: where it is counted
 * @req: request
 * @resp: response
 * @nr_complete: how often it completed
 * @order: it was the how-manieth to complete, from 1
 */
struct test_msg {
	struct vgpu_msg base;
	struct vq_test *ctx;
	u8 req[REQ_BYTES];
	u8 resp[RESP_BYTES];
	unsigned int nr_complete;
	unsigned int order;
};

static void test_msg_complete(struct vgpu_msg *base)
{
	struct test_msg *msg = container_of(base, struct test_msg, base);

	msg->nr_complete++;
	msg->order = ++msg->ctx->nr_complete;
}

static void test_msg_release(struct vgpu_msg *base)
{
	struct test_msg *msg = container_of(base, struct test_msg, base);

	msg->ctx->nr_release++;
	kfree(msg);
}

static struct test_msg *test_msg_create(struct vq_test *ctx)
{
	struct test_msg *msg = kzalloc(sizeof(*msg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(ctx->test, msg);
	vgpu_msg_init(&msg->base);
	msg->ctx = ctx;
	msg->base.complete = test_msg_complete;
	msg->base.release = test_msg_release;
	msg->base.req = msg->req;
	msg->base.req_bytes = sizeof(msg->req);
	msg->base.resp = msg->resp;
	msg->base.resp_bytes = sizeof(msg->resp);
	return msg;
}

/* Commit a message and keep a reference to look at it. */
static struct test_msg *test_msg_commit(struct vq_test *ctx)
{
	struct test_msg *msg = test_msg_create(ctx);

	vgpu_vq_commit(ctx->vq, &msg->base);
	return msg;
}

static void vq_test_lost(void *owner, int error)
{
	struct vq_test *ctx = owner;

	ctx->lost++;
	ctx->lost_error = error;
}

static void vq_test_silent(void *owner)
{
	struct vq_test *ctx = owner;

	WRITE_ONCE(ctx->silent, ctx->silent + 1);
}

/* Tests look for themselves. */
static void vq_test_overdue(void *owner)
{
}

static const struct vgpu_vq_ops vq_test_ops = {
	.lost = vq_test_lost,
	.silent = vq_test_silent,
	.overdue = vq_test_overdue,
};

static void vq_test_callback(struct virtqueue *ring)
{
	struct vq_test *ctx = fake_ring_of(ring)->owner;

	vgpu_vq_callback(ctx->vq);
}

static void vq_test_end(void *data)
{
	struct vq_test *ctx = data;

	vgpu_vq_fail(ctx->vq, -ENODEV);
	vgpu_vq_detach(ctx->vq);
	vgpu_vq_destroy(ctx->vq);
}

static struct vq_test *vq_test_begin_with(struct kunit *test, u64 features,
					  unsigned int timeout_ms)
{
	struct vq_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	ctx->ring = fake_ring_create(test, RING_ENTRIES, features, vq_test_callback);
	ctx->ring->owner = ctx;
	ctx->vq = vgpu_vq_create(&vq_test_ops, ctx, timeout_ms);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->vq);
	vgpu_vq_attach(ctx->vq, ctx->ring->vq);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, vq_test_end, ctx));
	return ctx;
}

/* A message takes one entry of the ring: room for RING_ENTRIES of them. */
static struct vq_test *vq_test_begin(struct kunit *test)
{
	return vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), 0);
}

static struct test_msg *take(struct vq_test *ctx, u32 *token)
{
	void *req;

	if (!fake_ring_take(ctx->ring, &req, token))
		return NULL;
	return container_of(req, struct test_msg, req[0]);
}

static void vgpu_vq_test_batch_is_one_kick(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[4];
	struct vgpu_vq_stats stats;
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 0);
	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 1);
	/* Nothing new: nothing to tell. */
	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 1);

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		KUNIT_EXPECT_PTR_EQ(test, take(ctx, &token), msgs[i]);
	KUNIT_EXPECT_NULL(test, take(ctx, &token));
	vgpu_vq_read_stats(ctx->vq, &stats);
	KUNIT_EXPECT_EQ(test, stats.committed, 4);
	KUNIT_EXPECT_EQ(test, stats.in_ring, 4);
	KUNIT_EXPECT_EQ(test, stats.pending, 0);
	KUNIT_EXPECT_EQ(test, stats.kicks, 1);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
}

static void vgpu_vq_test_full_ring_keeps_order(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[5 * RING_ENTRIES];
	struct vgpu_vq_stats stats;
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	vgpu_vq_kick(ctx->vq);
	vgpu_vq_read_stats(ctx->vq, &stats);
	KUNIT_EXPECT_EQ(test, stats.in_ring, RING_ENTRIES);
	KUNIT_EXPECT_EQ(test, stats.pending, 4 * RING_ENTRIES);
	/* Somebody needs the room: the device shall say when there is some. */
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));

	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		struct test_msg *msg = take(ctx, &token);

		KUNIT_ASSERT_PTR_EQ(test, msg, msgs[i]);
		fake_ring_answer(ctx->ring, token, RESP_BYTES);
		fake_ring_interrupt(ctx->ring);
		KUNIT_EXPECT_EQ(test, msgs[i]->nr_complete, 1);
		KUNIT_EXPECT_EQ(test, msgs[i]->order, i + 1);
	}
	KUNIT_EXPECT_NULL(test, take(ctx, &token));
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, ARRAY_SIZE(msgs));
}

static void vgpu_vq_test_answers_out_of_order(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *a = test_msg_commit(ctx), *b = test_msg_commit(ctx);
	u32 token_a, token_b;

	vgpu_vq_kick(ctx->vq);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token_a), a);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token_b), b);
	fake_ring_answer(ctx->ring, token_b, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, b->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, a->nr_complete, 0);
	fake_ring_answer(ctx->ring, token_a, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, a->nr_complete, 1);
	vgpu_msg_put(&a->base);
	vgpu_msg_put(&b->base);
}

static void vgpu_vq_test_interrupt_only_where_wanted(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);
	u32 token;

	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_FALSE(test, fake_ring_wants_interrupt(ctx->ring));
	vgpu_vq_want(ctx->vq, &msg->base);
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	fake_ring_interrupt(ctx->ring);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_FALSE(test, fake_ring_wants_interrupt(ctx->ring));
	vgpu_msg_put(&msg->base);
}

/* Who waits kicks: the message may have been committed without. */
static void vgpu_vq_test_waiting_tells_the_device(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);

	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 0);
	vgpu_vq_want(ctx->vq, &msg->base);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 1);
	vgpu_msg_put(&msg->base);
}

static void vgpu_vq_test_waiter_may_give_up(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);
	u32 token;

	vgpu_vq_kick(ctx->vq);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	vgpu_msg_put(&msg->base);
	/* The device may still write to it. */
	KUNIT_EXPECT_EQ(test, ctx->nr_release, 0);
	memset(msg->resp, 0xff, sizeof(msg->resp));
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, ctx->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, 1);
}

static void vgpu_vq_test_answer_too_long(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);
	u32 token;

	vgpu_vq_kick(ctx->vq);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES + 1);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	/* The ring itself may refuse such an answer, and then it is broken. */
	KUNIT_EXPECT_TRUE(test, msg->base.error || ctx->lost);
	KUNIT_EXPECT_LE(test, msg->base.used_bytes, RESP_BYTES);
	vgpu_msg_put(&msg->base);
}

static void vgpu_vq_test_answer_lengths(struct kunit *test)
{
	static const u32 lengths[] = { 0, 1, RESP_BYTES - 1, RESP_BYTES };
	struct vq_test *ctx = vq_test_begin(test);
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct test_msg *msg = test_msg_commit(ctx);

		vgpu_vq_kick(ctx->vq);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
		fake_ring_answer(ctx->ring, token, lengths[i]);
		vgpu_vq_poll(ctx->vq);
		KUNIT_EXPECT_EQ(test, msg->base.used_bytes, lengths[i]);
		KUNIT_EXPECT_EQ(test, msg->base.error, 0);
		vgpu_msg_put(&msg->base);
	}
}

static void vgpu_vq_test_fail_completes_everything_once(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[2 * RING_ENTRIES];
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	vgpu_vq_kick(ctx->vq);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msgs[0]);
	vgpu_vq_fail(ctx->vq, -EIO);
	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_EXPECT_EQ(test, msgs[i]->nr_complete, 1);
		KUNIT_EXPECT_EQ(test, msgs[i]->base.error, -EIO);
	}
	KUNIT_EXPECT_EQ(test, vgpu_vq_error(ctx->vq), -EIO);

	/* The device answers late: nobody hears of it again. */
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, msgs[0]->nr_complete, 1);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
}

static void vgpu_vq_test_fail_keeps_memory_until_detach(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[2 * RING_ENTRIES];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	vgpu_vq_kick(ctx->vq);
	vgpu_vq_fail(ctx->vq, -EIO);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
	/* What never reached the ring is free; what the device knows of is not. */
	KUNIT_EXPECT_EQ(test, ctx->nr_release, RING_ENTRIES);
	vgpu_vq_detach(ctx->vq);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, 2 * RING_ENTRIES);
}

static void vgpu_vq_test_commit_to_failed_queue(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg;
	void *req;
	u32 token;

	vgpu_vq_fail(ctx->vq, -ENODEV);
	msg = test_msg_commit(ctx);
	/* The committer may hold locks that completion takes. */
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 0);
	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, msg->base.error, -ENODEV);
	KUNIT_EXPECT_FALSE(test, fake_ring_take(ctx->ring, &req, &token));
	vgpu_msg_put(&msg->base);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, 1);
}

/* Nobody kicks or polls a queue whose device is gone: it must come by itself. */
static void vgpu_vq_test_rejected_message_survives_detach(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg;

	vgpu_vq_fail(ctx->vq, -ENODEV);
	msg = test_msg_commit(ctx);
	vgpu_vq_detach(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, msg->base.error, -ENODEV);
	vgpu_msg_put(&msg->base);
}

static void vgpu_vq_test_broken_ring_is_reported(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);

	vgpu_vq_kick(ctx->vq);
	__virtqueue_break(ctx->ring->vq);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_GE(test, ctx->lost, 1);
	KUNIT_EXPECT_EQ(test, ctx->lost_error, -EIO);
	/* What to do about it is the owner's affair. */
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 0);
	vgpu_msg_put(&msg->base);
}

/* Without indirect descriptors a message takes an entry for each of its parts. */
static void vgpu_vq_test_direct_descriptors(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin_with(test, 0, 0);
	struct test_msg *msgs[RING_ENTRIES];
	struct vgpu_vq_stats stats;
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	vgpu_vq_kick(ctx->vq);
	vgpu_vq_read_stats(ctx->vq, &stats);
	KUNIT_EXPECT_EQ(test, stats.in_ring, RING_ENTRIES / 2);
	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msgs[i]);
		KUNIT_EXPECT_EQ(test, fake_ring_chain_length(ctx->ring, token), 2);
		fake_ring_answer(ctx->ring, token, RESP_BYTES);
		vgpu_vq_poll(ctx->vq);
		KUNIT_EXPECT_EQ(test, msgs[i]->nr_complete, 1);
		vgpu_msg_put(&msgs[i]->base);
	}
}

/* A message without a response (the cursor's) is still answered. */
static void vgpu_vq_test_no_response(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_create(ctx);
	u32 token;

	msg->base.resp_bytes = 0;
	vgpu_vq_commit(ctx->vq, &msg->base);
	vgpu_vq_kick(ctx->vq);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	KUNIT_EXPECT_EQ(test, fake_ring_chain_length(ctx->ring, token), 1);
	fake_ring_answer(ctx->ring, token, 0);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, msg->base.error, 0);
	vgpu_msg_put(&msg->base);
}

static void vgpu_vq_test_data_goes_along(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_create(ctx);
	struct scatterlist data[3];
	u8 *bytes = kunit_kzalloc(test, 3 * 64, GFP_KERNEL);
	unsigned int i;
	u32 token;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	KUNIT_EXPECT_EQ(test, vgpu_vq_max_data(ctx->vq), RING_ENTRIES - 2);
	sg_init_table(data, ARRAY_SIZE(data));
	for (i = 0; i < ARRAY_SIZE(data); i++)
		sg_set_buf(&data[i], bytes + 64 * i, 64);
	msg->base.data = data;
	msg->base.ndata = ARRAY_SIZE(data);
	vgpu_vq_commit(ctx->vq, &msg->base);
	vgpu_vq_kick(ctx->vq);
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	KUNIT_EXPECT_EQ(test, fake_ring_chain_length(ctx->ring, token), 5);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	vgpu_msg_put(&msg->base);
}

/* Before the first attach, and after the last detach. */
static void vgpu_vq_test_unattached_queue_rejects(struct kunit *test)
{
	struct vq_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct test_msg *msg;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	ctx->vq = vgpu_vq_create(&vq_test_ops, ctx, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->vq);
	KUNIT_EXPECT_EQ(test, vgpu_vq_max_data(ctx->vq), 0);
	msg = test_msg_commit(ctx);
	vgpu_vq_destroy(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, msg->base.error, -ENODEV);
	vgpu_msg_put(&msg->base);
	vgpu_vq_destroy(NULL);
}

/* A quarter of the ring is not for clients. */
static void vgpu_vq_test_crowded_before_full(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[RING_ENTRIES + 1];
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_EXPECT_EQ(test, vgpu_vq_is_crowded(ctx->vq), i > RING_ENTRIES * 3 / 4);
		msgs[i] = test_msg_commit(ctx);
	}
	vgpu_vq_kick(ctx->vq);
	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_EXPECT_EQ(test, vgpu_vq_is_crowded(ctx->vq), i < 3);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msgs[i]);
		fake_ring_answer(ctx->ring, token, RESP_BYTES);
		vgpu_vq_poll(ctx->vq);
		vgpu_msg_put(&msgs[i]->base);
	}
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_crowded(ctx->vq));
}

static void vgpu_vq_test_silence_is_reported(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);
	u32 token;

	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_silent(ctx->vq));
	msleep(3 * VGPU_VQ_SILENCE_MS);
	KUNIT_EXPECT_TRUE(test, vgpu_vq_is_silent(ctx->vq));
	KUNIT_EXPECT_GT(test, READ_ONCE(ctx->silent), 0);

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	vgpu_msg_put(&msg->base);
	/* Nothing was asked, so nothing is missed; then the time counts anew. */
	msleep(2 * VGPU_VQ_SILENCE_MS);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_silent(ctx->vq));
	msg = test_msg_commit(ctx);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_silent(ctx->vq));
	vgpu_msg_put(&msg->base);
}

/* What the device keeps for good takes room; three quarters of the ring are too much. */
static void vgpu_vq_test_kept_messages_clog(struct kunit *test)
{
	const unsigned int timeout_ms = 10;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 timeout_ms);
	struct test_msg *msgs[RING_ENTRIES * 3 / 4];
	u32 tokens[RING_ENTRIES * 3 / 4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_EXPECT_FALSE(test, vgpu_vq_is_clogged(ctx->vq));
		msgs[i] = test_msg_commit(ctx);
		vgpu_vq_kick(ctx->vq);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &tokens[i]), msgs[i]);
		msleep(5 * timeout_ms);
		KUNIT_EXPECT_EQ(test, vgpu_vq_expire(ctx->vq), 1);
		KUNIT_EXPECT_EQ(test, msgs[i]->base.error, -ETIMEDOUT);
	}
	KUNIT_EXPECT_TRUE(test, vgpu_vq_is_clogged(ctx->vq));
	fake_ring_answer(ctx->ring, tokens[0], RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_clogged(ctx->vq));
	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_EXPECT_EQ(test, msgs[i]->nr_complete, 1);
		vgpu_msg_put(&msgs[i]->base);
	}
}

/* A device that gets on, however slowly, has lost nothing. */
static void vgpu_vq_test_slow_device_expires_nothing(struct kunit *test)
{
	const unsigned int timeout_ms = 200;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 timeout_ms);
	struct test_msg *msgs[4];
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	vgpu_vq_kick(ctx->vq);
	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		msleep(timeout_ms / 2);
		KUNIT_EXPECT_TRUE(test, vgpu_vq_is_moving(ctx->vq));
		KUNIT_EXPECT_EQ(test, vgpu_vq_expire(ctx->vq), 0);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msgs[i]);
		fake_ring_answer(ctx->ring, token, RESP_BYTES);
		vgpu_vq_poll(ctx->vq);
		KUNIT_EXPECT_EQ(test, msgs[i]->base.error, 0);
		vgpu_msg_put(&msgs[i]->base);
	}
}

/* What is worked through one by one gets on when another message does not. */
static void vgpu_vq_test_lane_that_moves_does_not_expire(struct kunit *test)
{
	const unsigned int timeout_ms = 200;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 timeout_ms);
	unsigned long moving = jiffies, resting = jiffies;
	unsigned long *lanes[] = { NULL, &moving, &resting, &moving };
	struct test_msg *msgs[ARRAY_SIZE(lanes)];
	u32 tokens[ARRAY_SIZE(lanes)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		msgs[i] = test_msg_create(ctx);
		msgs[i]->base.lane = lanes[i];
		vgpu_vq_commit(ctx->vq, &msgs[i]->base);
	}
	vgpu_vq_kick(ctx->vq);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &tokens[i]), msgs[i]);
	msleep(timeout_ms * 3 / 4);
	fake_ring_answer(ctx->ring, tokens[1], RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	msleep(timeout_ms / 2);
	KUNIT_EXPECT_EQ(test, vgpu_vq_expire(ctx->vq), 2);
	KUNIT_EXPECT_EQ(test, msgs[0]->base.error, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msgs[2]->base.error, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msgs[3]->nr_complete, 0);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
}

/* Behind a message that is stuck, those without a lane are got to one after the other. */
static void vgpu_vq_test_plain_work_in_order_does_not_expire(struct kunit *test)
{
	const unsigned int timeout_ms = 200;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 timeout_ms);
	unsigned long resting = jiffies;
	struct test_msg *msgs[5];
	u32 tokens[ARRAY_SIZE(msgs)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		msgs[i] = test_msg_create(ctx);
		msgs[i]->base.lane = i ? NULL : &resting;
		vgpu_vq_commit(ctx->vq, &msgs[i]->base);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &tokens[i]), msgs[i]);
		msleep(20);
	}
	msleep(timeout_ms * 3 / 4);
	/* The second one was passed over. */
	fake_ring_answer(ctx->ring, tokens[2], RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	msleep(timeout_ms / 2);
	KUNIT_EXPECT_EQ(test, vgpu_vq_expire(ctx->vq), 2);
	KUNIT_EXPECT_EQ(test, msgs[0]->base.error, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msgs[1]->base.error, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msgs[3]->nr_complete, 0);
	KUNIT_EXPECT_EQ(test, msgs[4]->nr_complete, 0);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
}

/* Questions are no work; who is answered nothing else has a device of no use. */
static void vgpu_vq_test_only_work_unclogs(struct kunit *test)
{
	const unsigned int timeout_ms = 100;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 timeout_ms);
	struct test_msg *msg;
	unsigned int i;
	u32 token;

	for (i = 0; i < RING_ENTRIES * 3 / 4; i++) {
		msg = test_msg_commit(ctx);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
		vgpu_msg_put(&msg->base);
	}
	msleep(2 * timeout_ms);
	KUNIT_EXPECT_EQ(test, vgpu_vq_expire(ctx->vq), RING_ENTRIES * 3 / 4);
	for (i = 0; i < 2; i++) {
		msg = test_msg_create(ctx);
		msg->base.probe = !i;
		vgpu_vq_commit(ctx->vq, &msg->base);
		KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
		fake_ring_answer(ctx->ring, token, RESP_BYTES);
		vgpu_vq_poll(ctx->vq);
		vgpu_msg_put(&msg->base);
		KUNIT_EXPECT_EQ(test, vgpu_vq_is_clogged(ctx->vq), !i);
	}
}

static struct kunit_case vgpu_vq_test_cases[] = {
	KUNIT_CASE(vgpu_vq_test_batch_is_one_kick),
	KUNIT_CASE(vgpu_vq_test_full_ring_keeps_order),
	KUNIT_CASE(vgpu_vq_test_answers_out_of_order),
	KUNIT_CASE(vgpu_vq_test_interrupt_only_where_wanted),
	KUNIT_CASE(vgpu_vq_test_waiting_tells_the_device),
	KUNIT_CASE(vgpu_vq_test_waiter_may_give_up),
	KUNIT_CASE(vgpu_vq_test_answer_too_long),
	KUNIT_CASE(vgpu_vq_test_answer_lengths),
	KUNIT_CASE(vgpu_vq_test_fail_completes_everything_once),
	KUNIT_CASE(vgpu_vq_test_fail_keeps_memory_until_detach),
	KUNIT_CASE(vgpu_vq_test_commit_to_failed_queue),
	KUNIT_CASE(vgpu_vq_test_rejected_message_survives_detach),
	KUNIT_CASE(vgpu_vq_test_broken_ring_is_reported),
	KUNIT_CASE(vgpu_vq_test_direct_descriptors),
	KUNIT_CASE(vgpu_vq_test_no_response),
	KUNIT_CASE(vgpu_vq_test_data_goes_along),
	KUNIT_CASE(vgpu_vq_test_unattached_queue_rejects),
	KUNIT_CASE(vgpu_vq_test_crowded_before_full),
	KUNIT_CASE(vgpu_vq_test_silence_is_reported),
	KUNIT_CASE(vgpu_vq_test_kept_messages_clog),
	KUNIT_CASE(vgpu_vq_test_slow_device_expires_nothing),
	KUNIT_CASE(vgpu_vq_test_lane_that_moves_does_not_expire),
	KUNIT_CASE(vgpu_vq_test_plain_work_in_order_does_not_expire),
	KUNIT_CASE(vgpu_vq_test_only_work_unclogs),
	{}
};

static struct kunit_suite vgpu_vq_test_suite = {
	.name = "vgpu_vq",
	.test_cases = vgpu_vq_test_cases,
};

kunit_test_suite(vgpu_vq_test_suite);
