// SPDX-License-Identifier: MIT
/* The queue in front of the ring; the test plays the device. */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "fake_ring.h"
#include "transport/vgpu_vq_priv.h"

#define RING_ENTRIES	8
#define REQ_BYTES	16
#define RESP_BYTES	24

struct test_msg;

/**
 * struct vq_test - The objects of a test
 * @test: the test
 * @ring: the ring as the device sees it
 * @vq: the queue to be tested
 * @nr_complete: messages completed so far
 * @nr_release: messages freed so far
 * @lost: number of calls of the upcall for a lost device
 * @lost_error: last argument of that upcall
 * @silent: number of calls of the upcall for a silent device
 * @asked: number of calls of the upcall that must send a ping
 * @ping: message that the next call of the ask upcall commits, or NULL
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
	unsigned int asked;
	struct test_msg *ping;
};

/**
 * struct test_msg - A message that counts its completions
 * @base: the message
 * @ctx: the test that counts all of them
 * @req: request
 * @resp: response
 * @nr_complete: how often it completed
 * @order: position in the order of completion, from 1
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

/* Create a message. Completion calls this, too, where an allocation must not sleep. */
static struct test_msg *test_msg_create(struct vq_test *ctx)
{
	struct test_msg *msg = kzalloc(sizeof(*msg), GFP_ATOMIC);

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

/* The owner sends one message for each question, as the real one does. */
static void vq_test_ask(void *owner)
{
	struct vq_test *ctx = owner;

	if (ctx->ping) {
		ctx->ping->base.ping = true;
		vgpu_vq_commit(ctx->vq, &ctx->ping->base);
		ctx->ping = NULL;
	}
	WRITE_ONCE(ctx->asked, ctx->asked + 1);
}

static const struct vgpu_vq_ops vq_test_ops = {
	.lost = vq_test_lost,
	.ask = vq_test_ask,
	.silent = vq_test_silent,
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
					  unsigned int silence_limit_ms)
{
	struct vq_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	ctx->ring = fake_ring_create(test, RING_ENTRIES, features, vq_test_callback);
	ctx->ring->owner = ctx;
	ctx->vq = vgpu_vq_create(&vq_test_ops, ctx, silence_limit_ms, system_dfl_wq);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->vq);
	vgpu_vq_attach(ctx->vq, ctx->ring->vq);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, vq_test_end, ctx));
	return ctx;
}

/* Create a queue with room for RING_ENTRIES messages, of one ring entry each. */
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

	/* Without a new message the device is not notified. */
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

	/* Messages wait for room, so the queue needs an interrupt when there is some. */
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
	vgpu_vq_listen(ctx->vq);
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	fake_ring_interrupt(ctx->ring);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_TRUE(test, fake_ring_wants_interrupt(ctx->ring));

	vgpu_vq_unlisten(ctx->vq);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_FALSE(test, fake_ring_wants_interrupt(ctx->ring));
	vgpu_msg_put(&msg->base);
}

/* A waiter kicks, since the message may have been committed without a kick. */
static void vgpu_vq_test_waiting_tells_the_device(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);

	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 0);
	vgpu_vq_listen(ctx->vq);
	/* The kick is delayed, since a waiter holds the lock of a fence. */
	msleep(20);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 1);
	vgpu_vq_unlisten(ctx->vq);
	vgpu_msg_put(&msg->base);
}

static void vq_test_on_kick(struct fake_ring *ring)
{
	struct vq_test *ctx = ring->owner;
	struct vgpu_vq_stats stats;

	/* Take the lock of the queue: this deadlocks if the caller notifies under it. */
	vgpu_vq_read_stats(ctx->vq, &stats);
}

static void vgpu_vq_test_notifies_without_the_lock(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[3];
	unsigned int i;

	ctx->ring->on_kick = vq_test_on_kick;
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	vgpu_vq_kick(ctx->vq);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 1);
	vgpu_msg_put(&test_msg_commit(ctx)->base);
	vgpu_vq_listen(ctx->vq);

	/* The kick is delayed, since a waiter may hold the lock of a fence. */
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 1);
	msleep(20);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, 2);
	vgpu_vq_unlisten(ctx->vq);

	/* The sweep notifies the device again, without the lock, too. */
	msleep(1500);
	KUNIT_EXPECT_GT(test, ctx->ring->kicks, 2);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
}

/* A message whose completion attaches the queue anew, as a reset on another processor may. */
static void test_msg_complete_and_attach(struct vgpu_msg *base)
{
	struct test_msg *msg = container_of(base, struct test_msg, base);
	struct vq_test *ctx = msg->ctx;

	test_msg_complete(base);
	vgpu_vq_detach(ctx->vq);
	vgpu_vq_attach(ctx->vq, ctx->ring->vq);
	ctx->ping = test_msg_commit(ctx);
}

static void vgpu_vq_test_fail_spares_a_new_ring(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *first = test_msg_create(ctx), *second;

	first->base.complete = test_msg_complete_and_attach;
	vgpu_vq_commit(ctx->vq, &first->base);
	second = test_msg_commit(ctx);
	vgpu_vq_fail(ctx->vq, -EIO);
	KUNIT_EXPECT_EQ(test, first->nr_complete, 1);

	/* The second message was in the old ring, and has the error of that ring. */
	KUNIT_EXPECT_EQ(test, second->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, second->base.error, -EIO);
	KUNIT_ASSERT_NOT_NULL(test, ctx->ping);
	KUNIT_EXPECT_EQ(test, ctx->ping->nr_complete, 0);
	KUNIT_EXPECT_EQ(test, vgpu_vq_error(ctx->vq), 0);
	vgpu_msg_put(&first->base);
	vgpu_msg_put(&second->base);
	vgpu_msg_put(&ctx->ping->base);
	ctx->ping = NULL;
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
	/* The virtio core may refuse such an answer and break the ring. */
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

	/* A late answer does not complete the message again. */
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
	/* Messages that never reached the ring are freed; those that the device has are not. */
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
	/* The committer may also never kick, so a worker completes the message. */
	msleep(20);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, msg->base.error, -ENODEV);
	KUNIT_EXPECT_FALSE(test, fake_ring_take(ctx->ring, &req, &token));
	vgpu_msg_put(&msg->base);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, 1);
}

/* No caller kicks or polls a queue without a device, so detaching completes refused messages. */
static void vgpu_vq_test_refused_message_survives_detach(struct kunit *test)
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
	/* The owner decides when the messages fail. */
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
static void vgpu_vq_test_unattached_queue_refuses(struct kunit *test)
{
	struct vq_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct test_msg *msg;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->test = test;
	ctx->vq = vgpu_vq_create(&vq_test_ops, ctx, 0, system_dfl_wq);
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

/* After a second without any answer the device is notified again, then asked. */
static void vgpu_vq_test_quiet_device_is_asked(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx), *ping = test_msg_create(ctx);
	unsigned int kicks;
	u32 token;

	ctx->ping = ping;
	vgpu_vq_kick(ctx->vq);
	kicks = ctx->ring->kicks;
	msleep(800);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), 0);
	KUNIT_EXPECT_EQ(test, ctx->ring->kicks, kicks);
	msleep(700);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), 1);
	KUNIT_EXPECT_GT(test, ctx->ring->kicks, kicks);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_silent(ctx->vq));
	msleep(VGPU_VQ_ANSWER_MS);
	KUNIT_EXPECT_TRUE(test, vgpu_vq_is_silent(ctx->vq));
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->silent), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), 1);

	/* Any answer is a sign of life. */
	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_silent(ctx->vq));
	KUNIT_EXPECT_EQ(test, ctx->lost, 0);

	vgpu_msg_put(&msg->base);
	vgpu_msg_put(&ping->base);
}

/* A device that owes no answer is not watched. */
static void vgpu_vq_test_idle_device_is_not_silent(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_commit(ctx);
	struct vgpu_vq_stats before, after;
	u32 token;

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	vgpu_msg_put(&msg->base);
	msleep(2000);
	vgpu_vq_read_stats(ctx->vq, &before);
	msleep(60000);
	vgpu_vq_read_stats(ctx->vq, &after);

	/* No timer has run. */
	KUNIT_EXPECT_EQ(test, after.ticks, before.ticks);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), 0);
	msg = test_msg_commit(ctx);
	msleep(800);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), 0);
	vgpu_msg_put(&msg->base);
}

/* A host that holds a message and answers pings is asked ever more rarely. */
static void vgpu_vq_test_held_message_costs_little(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC), 5000);
	struct test_msg *msg = test_msg_commit(ctx), *ping;
	struct vgpu_vq_stats before, after;
	unsigned int i, asked = 0;
	u32 token;

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	vgpu_vq_read_stats(ctx->vq, &before);
	for (i = 0; i < 100; i++) {
		ping = test_msg_create(ctx);
		ctx->ping = ping;
		msleep(1000);
		if (!ctx->ping) {
			asked++;
			KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), ping);
			fake_ring_answer(ctx->ring, token, RESP_BYTES);
			vgpu_vq_poll(ctx->vq);
		}
		ctx->ping = NULL;
		vgpu_msg_put(&ping->base);
	}

	vgpu_vq_read_stats(ctx->vq, &after);

	/* At 1, 3, 7, 15, 31 and 63 s, and a little later for each answer. */
	KUNIT_EXPECT_EQ(test, asked, 6);
	KUNIT_EXPECT_LE(test, after.ticks - before.ticks, asked + 5);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 0);
	KUNIT_EXPECT_EQ(test, ctx->lost, 0);
	KUNIT_EXPECT_EQ(test, ctx->silent, 0);

	/* A new message is watched as closely as the first. */
	vgpu_msg_put(&test_msg_commit(ctx)->base);
	msleep(1500);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), asked + 1);
	vgpu_msg_put(&msg->base);
}

/* The silence limit counts from the ping that is not answered. */
static void vgpu_vq_test_silence_has_a_limit(struct kunit *test)
{
	const unsigned int limit_ms = 20000;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 limit_ms);
	struct test_msg *msg = test_msg_commit(ctx);

	msleep(limit_ms - 1000);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->lost), 0);
	msleep(4000);
	KUNIT_EXPECT_GE(test, READ_ONCE(ctx->lost), 1);
	KUNIT_EXPECT_EQ(test, ctx->lost_error, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 0);
	vgpu_msg_put(&msg->base);
}

/* Messages that wait for room do not slow the clock of the watch down. */
static void vgpu_vq_test_full_ring_is_silent_in_time(struct kunit *test)
{
	const unsigned int limit_ms = 20000;
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 limit_ms);
	unsigned int i;

	for (i = 0; i < 2 * RING_ENTRIES; i++)
		vgpu_msg_put(&test_msg_commit(ctx)->base);
	msleep(1000 + VGPU_VQ_ANSWER_MS + 500);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->silent), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->lost), 0);
	msleep(limit_ms);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->lost), 1);
	KUNIT_EXPECT_EQ(test, ctx->nr_complete, 0);
}

/* Held messages are counted for the queue and for their sender, until they are answered or fail. */
static void vgpu_vq_test_held_messages_are_counted(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[RING_ENTRIES / 2];
	struct vgpu_vq_stats stats;
	atomic_t nr_held = ATOMIC_INIT(0);
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		msgs[i] = test_msg_create(ctx);
		msgs[i]->base.nr_held = &nr_held;
		vgpu_vq_commit(ctx->vq, &msgs[i]->base);
	}

	msleep(VGPU_VQ_HELD_MS - 200);
	KUNIT_EXPECT_EQ(test, atomic_read(&nr_held), 0);
	KUNIT_EXPECT_EQ(test, vgpu_vq_held_quarters(ctx->vq), 0);

	/* The sweep that sends the ping comes after a second, the next after two more. */
	msleep(1000 + VGPU_VQ_ANSWER_MS);
	KUNIT_EXPECT_EQ(test, atomic_read(&nr_held), ARRAY_SIZE(msgs));
	KUNIT_EXPECT_EQ(test, vgpu_vq_held_quarters(ctx->vq), 2);

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msgs[0]);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, msgs[0]->nr_complete, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&nr_held), ARRAY_SIZE(msgs) - 1);
	vgpu_vq_fail(ctx->vq, -EIO);
	KUNIT_EXPECT_EQ(test, atomic_read(&nr_held), 0);
	vgpu_vq_read_stats(ctx->vq, &stats);
	KUNIT_EXPECT_EQ(test, stats.held, 0);

	/* The device still has them. */
	KUNIT_EXPECT_EQ(test, stats.in_ring, ARRAY_SIZE(msgs) - 1);
	vgpu_vq_detach(ctx->vq);
	vgpu_vq_read_stats(ctx->vq, &stats);
	KUNIT_EXPECT_EQ(test, stats.in_ring, 0);
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, ARRAY_SIZE(msgs));
}

static void vgpu_vq_test_take_back_before_the_ring(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msgs[RING_ENTRIES + 2];
	struct vgpu_vq_stats stats;
	unsigned int i;
	u32 token;

	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = test_msg_commit(ctx);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_take_back(ctx->vq, &msgs[0]->base));
	KUNIT_EXPECT_TRUE(test, vgpu_vq_take_back(ctx->vq, &msgs[RING_ENTRIES]->base));
	KUNIT_EXPECT_FALSE(test, vgpu_vq_has(ctx->vq, &msgs[RING_ENTRIES]->base));
	vgpu_vq_read_stats(ctx->vq, &stats);
	KUNIT_EXPECT_EQ(test, stats.pending, 1);
	KUNIT_EXPECT_EQ(test, stats.committed, ARRAY_SIZE(msgs) - 1);

	/* It can be committed again, and is the last then. */
	vgpu_vq_commit(ctx->vq, &msgs[RING_ENTRIES]->base);
	for (i = 0; i < ARRAY_SIZE(msgs); i++) {
		KUNIT_ASSERT_NOT_NULL(test, take(ctx, &token));
		fake_ring_answer(ctx->ring, token, RESP_BYTES);
		vgpu_vq_poll(ctx->vq);
	}

	KUNIT_EXPECT_EQ(test, msgs[RING_ENTRIES]->order, ARRAY_SIZE(msgs));
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		vgpu_msg_put(&msgs[i]->base);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, ARRAY_SIZE(msgs));
}

/* Stop the watch like a guest that is stopped: the clock advances, and work that is due is late. */
static void stop_guest(struct vgpu_vq *vq, unsigned int ms)
{
	mod_delayed_work(system_dfl_wq, &vq->sweep, msecs_to_jiffies(ms));
	msleep(ms);
}

/* A guest is stopped with its host: the host could not answer, so that is no silence. */
static void vgpu_vq_test_stopped_guest_loses_nothing(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin_with(test, BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
						 30000);
	struct test_msg *msg = test_msg_commit(ctx);
	u32 token;

	/* Before the device is asked whether it is there, and after. */
	msleep(100);
	stop_guest(ctx->vq, 40000);
	msleep(2000);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->asked), 1);
	stop_guest(ctx->vq, 40000);

	/* The next sweep comes 8 seconds after the late one. */
	msleep(10000);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ctx->lost), 0);

	KUNIT_ASSERT_PTR_EQ(test, take(ctx, &token), msg);
	fake_ring_answer(ctx->ring, token, RESP_BYTES);
	vgpu_vq_poll(ctx->vq);
	KUNIT_EXPECT_EQ(test, msg->nr_complete, 1);
	KUNIT_EXPECT_FALSE(test, vgpu_vq_is_silent(ctx->vq));
	vgpu_msg_put(&msg->base);
}

/* The only free entry does not suffice for a request and a response. */
static void vgpu_vq_test_panic_waits_for_two_entries(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin_with(test, 0, 0);
	struct test_msg *msg = test_msg_create(ctx), *filler;
	unsigned long flags;
	unsigned int i;
	int ret;

	for (i = 0; i < RING_ENTRIES / 2; i++) {
		filler = test_msg_create(ctx);
		if (!i)
			filler->base.resp_bytes = 0;
		vgpu_vq_commit(ctx->vq, &filler->base);
		vgpu_msg_put(&filler->base);
	}
	KUNIT_EXPECT_EQ(test, ctx->ring->vq->num_free, 1);

	local_irq_save(flags);
	ret = vgpu_vq_panic_enter(ctx->vq);
	if (!ret) {
		ret = vgpu_vq_panic_run(ctx->vq, &msg->base);
		vgpu_vq_panic_exit(ctx->vq);
	}
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ret, -ETIMEDOUT);
	vgpu_msg_put(&msg->base);
}

static void answer_at_once(struct fake_ring *ring)
{
	u32 token;
	void *req;

	while (fake_ring_take(ring, &req, &token))
		fake_ring_answer(ring, token, RESP_BYTES);
}

/* With several outputs, a panic uses the memory of its messages again: none may stay in a list. */
static void vgpu_vq_test_panic_leaves_no_message(struct kunit *test)
{
	struct vq_test *ctx = vq_test_begin(test);
	struct test_msg *msg = test_msg_create(ctx);
	unsigned long flags;
	int ret;

	ctx->ring->on_kick = answer_at_once;
	local_irq_save(flags);
	ret = vgpu_vq_panic_enter(ctx->vq);
	if (!ret) {
		/* In a panic, exit does not complete the messages. */
		oops_in_progress++;
		ret = vgpu_vq_panic_run(ctx->vq, &msg->base);
		vgpu_vq_panic_exit(ctx->vq);
		oops_in_progress--;
	}
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->vq->msgs[VGPU_MSG_RETIRED]));
	vgpu_msg_put(&msg->base);
	KUNIT_EXPECT_EQ(test, ctx->nr_release, 1);
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
	KUNIT_CASE(vgpu_vq_test_refused_message_survives_detach),
	KUNIT_CASE(vgpu_vq_test_broken_ring_is_reported),
	KUNIT_CASE(vgpu_vq_test_direct_descriptors),
	KUNIT_CASE(vgpu_vq_test_no_response),
	KUNIT_CASE(vgpu_vq_test_data_goes_along),
	KUNIT_CASE(vgpu_vq_test_unattached_queue_refuses),
	KUNIT_CASE(vgpu_vq_test_crowded_before_full),
	KUNIT_CASE(vgpu_vq_test_quiet_device_is_asked),
	KUNIT_CASE(vgpu_vq_test_idle_device_is_not_silent),
	KUNIT_CASE(vgpu_vq_test_held_message_costs_little),
	KUNIT_CASE(vgpu_vq_test_silence_has_a_limit),
	KUNIT_CASE(vgpu_vq_test_full_ring_is_silent_in_time),
	KUNIT_CASE(vgpu_vq_test_held_messages_are_counted),
	KUNIT_CASE(vgpu_vq_test_take_back_before_the_ring),
	KUNIT_CASE(vgpu_vq_test_stopped_guest_loses_nothing),
	KUNIT_CASE(vgpu_vq_test_notifies_without_the_lock),
	KUNIT_CASE(vgpu_vq_test_fail_spares_a_new_ring),
	KUNIT_CASE(vgpu_vq_test_panic_waits_for_two_entries),
	KUNIT_CASE(vgpu_vq_test_panic_leaves_no_message),
	{}
};

static struct kunit_suite vgpu_vq_test_suite = {
	.name = "vgpu_vq",
	.test_cases = vgpu_vq_test_cases,
};

kunit_test_suite(vgpu_vq_test_suite);
