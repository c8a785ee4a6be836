// SPDX-License-Identifier: MIT
/*
 * Requests contain the arguments of their builders, and no data from an earlier use of the memory.
 */
#include <kunit/test.h>

#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "fake_ring.h"
#include "protocol/vgpu_cmd_priv.h"

/* The request of a command without data, as the host reads it. */
#define REQ(cmd, name)	((const struct virtio_gpu_##name *)(cmd)->req)

static struct vgpu_cmdq *queues_of(struct kunit *test)
{
	return test->priv;
}

static void expect_header(struct kunit *test, struct vgpu_cmd *cmd, u32 type, u32 ctx_id,
			  size_t req_bytes)
{
	KUNIT_EXPECT_EQ(test, vgpu_cmd_type(cmd), type);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(vgpu_cmd_hdr(cmd)->ctx_id), ctx_id);
	KUNIT_EXPECT_EQ(test, vgpu_cmd_hdr(cmd)->flags, 0);
	KUNIT_EXPECT_EQ(test, vgpu_cmd_hdr(cmd)->fence_id, 0);
	KUNIT_EXPECT_EQ(test, cmd->msg.req_bytes, req_bytes);
}

static void vgpu_cmd_test_transfer_3d(struct kunit *test)
{
	const struct virtio_gpu_transfer_host_3d transfer = {
		.box.x = cpu_to_le32(1),
		.box.y = cpu_to_le32(2),
		.box.z = cpu_to_le32(3),
		.box.w = cpu_to_le32(4),
		.box.h = cpu_to_le32(5),
		.box.d = cpu_to_le32(6),
		.offset = cpu_to_le64(0x700000000ull),
		.level = cpu_to_le32(8),
		.stride = cpu_to_le32(9),
		.layer_stride = cpu_to_le32(10),
	};
	const size_t head = offsetof(struct virtio_gpu_transfer_host_3d, box);
	const size_t id = offsetof(struct virtio_gpu_transfer_host_3d, resource_id);
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_transfer_3d(queues_of(test), 77, 5, true, &transfer);
	expect_header(test, cmd, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 5, sizeof(transfer));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, transfer_host_3d)->resource_id), 77);
	KUNIT_EXPECT_MEMEQ(test, cmd->req + head, (const u8 *)&transfer + head, id - head);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, transfer_host_3d)->level), 8);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, transfer_host_3d)->stride), 9);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, transfer_host_3d)->layer_stride), 10);
	vgpu_cmd_put(cmd);
	cmd = vgpu_cmd_transfer_3d(queues_of(test), 77, 0, false, &transfer);
	expect_header(test, cmd, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 0, sizeof(transfer));
	vgpu_cmd_put(cmd);
}

static void vgpu_cmd_test_resource_create_3d(struct kunit *test)
{
	const size_t target = offsetof(struct virtio_gpu_resource_create_3d, target);
	struct virtio_gpu_resource_create_3d texture = {};
	__le32 *field = &texture.target;
	struct vgpu_cmd *cmd;
	unsigned int i;

	for (i = 0; i < 10; i++)
		field[i] = cpu_to_le32(i + 1);
	KUNIT_ASSERT_EQ(test, le32_to_cpu(texture.flags), 10);
	cmd = vgpu_cmd_resource_create_3d(queues_of(test), 77, &texture);
	expect_header(test, cmd, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0, sizeof(texture));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, resource_create_3d)->resource_id), 77);
	KUNIT_EXPECT_MEMEQ(test, cmd->req + target, (u8 *)&texture + target,
			   sizeof(texture) - target);
	vgpu_cmd_put(cmd);
}

/* A scanout without width is that of a resource that is no blob. */
static void vgpu_cmd_test_set_scanout(struct kunit *test)
{
	const size_t fields = offsetof(struct virtio_gpu_set_scanout_blob, r);
	struct virtio_gpu_set_scanout_blob scanout = {
		.r = { cpu_to_le32(1), cpu_to_le32(2), cpu_to_le32(3), cpu_to_le32(4) },
		.scanout_id = cpu_to_le32(3),
		.resource_id = cpu_to_le32(77),
		.width = cpu_to_le32(640),
		.height = cpu_to_le32(480),
		.format = cpu_to_le32(2),
		.strides = { cpu_to_le32(2560) },
		.offsets = { cpu_to_le32(4096) },
	};
	size_t req_bytes = sizeof(scanout);
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_set_scanout(queues_of(test), 3, &scanout);
	expect_header(test, cmd, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, 0, req_bytes);
	KUNIT_EXPECT_MEMEQ(test, cmd->req + fields, (u8 *)&scanout + fields, req_bytes - fields);
	vgpu_cmd_put(cmd);

	scanout.width = 0;
	req_bytes = sizeof(struct virtio_gpu_set_scanout);
	cmd = vgpu_cmd_set_scanout(queues_of(test), 3, &scanout);
	expect_header(test, cmd, VIRTIO_GPU_CMD_SET_SCANOUT, 0, req_bytes);
	KUNIT_EXPECT_MEMEQ(test, cmd->req + fields, (u8 *)&scanout + fields, req_bytes - fields);
	vgpu_cmd_put(cmd);
}

static void expect_short(struct kunit *test, struct vgpu_cmd *cmd, u32 type, u32 ctx_id)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cmd);
	expect_header(test, cmd, type, ctx_id, sizeof(struct virtio_gpu_ctx_resource));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, ctx_resource)->resource_id), 77);
	vgpu_cmd_put(cmd);
}

static void vgpu_cmd_test_short_commands(struct kunit *test)
{
	struct vgpu_cmdq *q = queues_of(test);
	struct vgpu_cmd *cmd;

	expect_short(test, vgpu_cmd_detach_backing(q, 77),
		     VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0);
	expect_short(test, vgpu_cmd_resource_unref(q, 77), VIRTIO_GPU_CMD_RESOURCE_UNREF, 0);
	expect_short(test, vgpu_cmd_unmap_blob(q, 77), VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0);
	expect_short(test, vgpu_cmd_ctx_attach(q, 5, 77), VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 5);
	expect_short(test, vgpu_cmd_ctx_detach(q, 5, 77), VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, 5);
	cmd = vgpu_cmd_ctx_destroy(q, 5);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cmd);
	expect_header(test, cmd, VIRTIO_GPU_CMD_CTX_DESTROY, 5,
		      sizeof(struct virtio_gpu_ctx_destroy));
	vgpu_cmd_put(cmd);
}

static void vgpu_cmd_test_cursor(struct kunit *test)
{
	const struct virtio_gpu_update_cursor *req;
	struct vgpu_cmd *cmd;

	cmd = vgpu_cmd_update_cursor(queues_of(test), 3, 77, 10, 20, 4, 6);
	expect_header(test, cmd, VIRTIO_GPU_CMD_UPDATE_CURSOR, 0, sizeof(*req));
	req = REQ(cmd, update_cursor);
	KUNIT_EXPECT_EQ(test, cmd->msg.resp_bytes, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(req->pos.scanout_id), 3);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(req->resource_id), 77);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(req->hot_x), 4);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(req->hot_y), 6);
	vgpu_cmd_set_cursor_position(cmd, 11, 21);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(req->pos.x), 11);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(req->pos.y), 21);
	vgpu_cmd_put(cmd);
	cmd = vgpu_cmd_move_cursor(queues_of(test), 3, 10, 20);
	expect_header(test, cmd, VIRTIO_GPU_CMD_MOVE_CURSOR, 0, sizeof(*req));
	KUNIT_EXPECT_EQ(test, cmd->msg.resp_bytes, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(REQ(cmd, update_cursor)->resource_id), 0);
	vgpu_cmd_put(cmd);
}

/* The host must not see the data of an earlier use of the memory. */
static void vgpu_cmd_test_nothing_is_left_over(struct kunit *test)
{
	const struct virtio_gpu_resource_flush want = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_RESOURCE_FLUSH),
		.r = { cpu_to_le32(1), cpu_to_le32(2), cpu_to_le32(3), cpu_to_le32(4) },
		.resource_id = cpu_to_le32(77),
	};
	struct virtio_gpu_resource_create_3d dirt;
	struct vgpu_cmd *cmd;
	unsigned int i;

	memset(&dirt, 0xa5, sizeof(dirt));
	for (i = 0; i < 8; i++) {
		vgpu_cmd_put(vgpu_cmd_resource_create_3d(queues_of(test), 77, &dirt));
		cmd = vgpu_cmd_flush(queues_of(test), 77, &want.r);
		KUNIT_EXPECT_MEMEQ(test, cmd->req, (const u8 *)&want, sizeof(want));
		KUNIT_EXPECT_MEMEQ(test, (u8 *)cmd->msg.resp,
				   (const u8 *)&(struct virtio_gpu_ctrl_hdr){},
				   sizeof(struct virtio_gpu_ctrl_hdr));
		vgpu_cmd_put(cmd);
	}
}

/* The panic path neither allocates nor frees: its commands reuse the slots in turn. */
static void vgpu_cmd_test_panic_slots(struct kunit *test)
{
	struct vgpu_cmd_memory *memory = &queues_of(test)->memory;
	const struct virtio_gpu_rect rect = {};
	struct vgpu_cmd *cmds[VGPU_CMD_MEMORY_SLOTS + 1];
	unsigned int i;

	preempt_disable();
	memory->panic_cpu = smp_processor_id();
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		cmds[i] = vgpu_cmd_flush(queues_of(test), 77, &rect);
		vgpu_cmd_put(cmds[i]);
	}
	memory->panic_cpu = -1;
	preempt_enable();
	for (i = 0; i < VGPU_CMD_MEMORY_SLOTS; i++)
		KUNIT_EXPECT_PTR_EQ(test, (void *)cmds[i],
				    memory->slots + i * VGPU_CMD_LARGE_BYTES);
	KUNIT_EXPECT_PTR_EQ(test, cmds[VGPU_CMD_MEMORY_SLOTS], cmds[0]);
}

/* A host that does not answer keeps the slot: a later panic must not write into it. */
static void vgpu_cmd_test_panic_of_a_silent_host(struct kunit *test)
{
	struct fake_ring *ring = fake_ring_create(test, 16, 0, NULL);
	struct vgpu_cmdq *q = queues_of(test);
	const struct virtio_gpu_rect rect = {};
	unsigned long flags;
	int entered, ran, again, later;
	u32 token;
	void *req;

	vgpu_vq_attach(q->control, ring->vq);
	local_irq_save(flags);
	entered = vgpu_cmdq_panic_enter(q);
	ran = vgpu_cmd_panic_run(vgpu_cmd_flush(q, 77, &rect));
	vgpu_cmdq_panic_exit(q);
	again = vgpu_cmdq_panic_enter(q);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, entered, 0);
	KUNIT_EXPECT_EQ(test, ran, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, again, -EBUSY);

	KUNIT_EXPECT_TRUE(test, fake_ring_take(ring, &req, &token));
	fake_ring_answer(ring, token, sizeof(struct virtio_gpu_ctrl_hdr));
	vgpu_vq_poll(q->control);
	local_irq_save(flags);
	later = vgpu_cmdq_panic_enter(q);
	vgpu_cmdq_panic_exit(q);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, later, 0);
	vgpu_vq_fail(q->control, -ENODEV);
	vgpu_vq_detach(q->control);
}

/* Memory for display updates is reserved, and suffices for two concurrent updates. */
static void vgpu_cmd_test_update_reserve(struct kunit *test)
{
	struct vgpu_cmd_memory *memory = &queues_of(test)->memory;
	void *taken;

	KUNIT_ASSERT_EQ(test, vgpu_cmdq_begin_update(queues_of(test), GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, memory->nr_reserved, VGPU_CMD_MEMORY_UPDATE);
	KUNIT_ASSERT_EQ(test, vgpu_cmdq_begin_update(queues_of(test), GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, memory->nr_reserved, 2 * VGPU_CMD_MEMORY_UPDATE);
	taken = vgpu_cmd_memory_alloc_reserved(memory, memory->small, true);
	KUNIT_EXPECT_NOT_NULL(test, taken);
	KUNIT_EXPECT_EQ(test, memory->nr_reserved, 2 * VGPU_CMD_MEMORY_UPDATE - 1);
	kfree(taken);
	vgpu_cmdq_end_update(queues_of(test));
	KUNIT_ASSERT_EQ(test, vgpu_cmdq_begin_update(queues_of(test), GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, memory->nr_reserved, 2 * VGPU_CMD_MEMORY_UPDATE);
	vgpu_cmdq_end_update(queues_of(test));
	vgpu_cmdq_end_update(queues_of(test));
	KUNIT_EXPECT_EQ(test, memory->nr_promised, 0);
}

static void ignore_loss(void *arg, int error)
{
}

static int vgpu_cmd_test_init(struct kunit *test)
{
	struct fake_ring *ring = fake_ring_create(test, 16, 0, NULL);
	struct vgpu_cmdq *q = vgpu_cmdq_create(&ring->vdev, ignore_loss, NULL, system_dfl_wq,
					       system_dfl_wq);

	if (IS_ERR(q))
		return PTR_ERR(q);
	test->priv = q;
	return 0;
}

static void vgpu_cmd_test_exit(struct kunit *test)
{
	vgpu_cmdq_settle(test->priv);
	vgpu_cmdq_destroy(test->priv);
}

static struct kunit_case vgpu_cmd_test_cases[] = {
	KUNIT_CASE(vgpu_cmd_test_transfer_3d),
	KUNIT_CASE(vgpu_cmd_test_resource_create_3d),
	KUNIT_CASE(vgpu_cmd_test_set_scanout),
	KUNIT_CASE(vgpu_cmd_test_short_commands),
	KUNIT_CASE(vgpu_cmd_test_cursor),
	KUNIT_CASE(vgpu_cmd_test_nothing_is_left_over),
	KUNIT_CASE(vgpu_cmd_test_panic_slots),
	KUNIT_CASE(vgpu_cmd_test_panic_of_a_silent_host),
	KUNIT_CASE(vgpu_cmd_test_update_reserve),
	{}
};

static struct kunit_suite vgpu_cmd_test_suite = {
	.name = "vgpu_cmd",
	.init = vgpu_cmd_test_init,
	.exit = vgpu_cmd_test_exit,
	.test_cases = vgpu_cmd_test_cases,
};

kunit_test_suite(vgpu_cmd_test_suite);
