// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: questions
 *
 * Commands whose answer has data. The function of a question sends the command, waits for the
 * answer and decodes it. The function of a query only builds the command; another one decodes the
 * answer once it is there.
 *
 * ==================================  ========================  ========
 * Function                            Command                   Kind
 * ==================================  ========================  ========
 * vgpu_cmd_map_blob():                RESOURCE_MAP_BLOB         query
 * vgpu_cmd_assign_uuid():             RESOURCE_ASSIGN_UUID      question
 * vgpu_cmd_get_capset_info():         GET_CAPSET_INFO           query
 * vgpu_cmd_get_capset():              GET_CAPSET                query
 * vgpu_cmd_new_display_info():        GET_DISPLAY_INFO          query
 * vgpu_cmd_get_display_info():        GET_DISPLAY_INFO          question
 * vgpu_cmd_get_edid():                GET_EDID                  question
 * ==================================  ========================  ========
 *
 * - query: process, may sleep. Returns the command, for vgpu_cmd_send() or vgpu_cmd_call(), or
 *   ERR_PTR(-ENOMEM).
 * - question: process, sleeps killably until the device answers or is lost, but no longer than
 *   VGPU_CMD_QUESTION_MS while vgpu_cmdq_limit_questions() sets a bound. Returns 0; -ENOMEM;
 *   -EINTR when killed; -ETIMEDOUT; an errno of the decoder in vgpu_wire.c; or the errno that the
 *   queue failed with. vgpu_cmd_assign_uuid() sleeps and fails like vgpu_cmd_await().
 *
 * The parameters are named like the fields of the request; offsets and sizes are in bytes.
 *
 * Models in tests/models/: litmus/cmd-status.litmus.
 */

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "protocol/vgpu_cmd_priv.h"

/* How long one question waits at most while vgpu_cmdq_limit_questions() bounds all of them. */
#define VGPU_CMD_QUESTION_MS	5000u

/**
 * vgpu_cmd_ask() - Send a command and wait for the answer for a limited time
 * @cmd: the command; its reference stays with the caller
 * @timeout: how long to wait, in jiffies
 *
 * A wait that ends early leaves the command to the queue.
 *
 * Context: process, sleeps at most @timeout, killable.
 * Return: 0; -EINTR when killed; -ETIMEDOUT; an errno of vgpu_wire_check(); or the errno that the
 * queue failed with.
 */
int vgpu_cmd_ask(struct vgpu_cmd *cmd, unsigned long timeout)
{
	long left;

	vgpu_cmd_send(cmd, NULL);
	left = wait_for_completion_killable_timeout(&cmd->answered, timeout);
	if (left < 0)
		return -EINTR;
	return left ? cmd->status : -ETIMEDOUT;
}

/*
 * The wait for a question is not limited, since many commands may precede it, unless
 * vgpu_cmdq_limit_questions() sets a bound.
 */
static unsigned long vgpu_cmd_question_timeout(const struct vgpu_cmdq *q)
{
	unsigned long now = jiffies;

	if (!q->deadline)
		return MAX_SCHEDULE_TIMEOUT;
	if (time_after_eq(now, q->deadline))
		return 0;
	return min(q->deadline - now, msecs_to_jiffies(VGPU_CMD_QUESTION_MS));
}

/**
 * vgpu_cmd_call() - Send a question of the driver and wait for the answer
 * @cmd: the command, or an error pointer; its reference stays with the caller
 *
 * Context: process, sleeps killably until the device answers or is lost, but no longer than
 * VGPU_CMD_QUESTION_MS while vgpu_cmdq_limit_questions() sets a bound.
 * Return: 0; the error of @cmd; or an errno of vgpu_cmd_ask().
 */
int vgpu_cmd_call(struct vgpu_cmd *cmd)
{
	return IS_ERR(cmd) ? PTR_ERR(cmd) : vgpu_cmd_ask(cmd, vgpu_cmd_question_timeout(cmd->q));
}

/* Every host supports GET_DISPLAY_INFO, so it is also the ping. */
struct vgpu_cmd *vgpu_cmd_new_display_info(struct vgpu_cmdq *q)
{
	const struct virtio_gpu_ctrl_hdr req = {
		.type = cpu_to_le32(VIRTIO_GPU_CMD_GET_DISPLAY_INFO),
	};

	return vgpu_cmd_new_query(q, &req, sizeof(req),
				  sizeof(struct virtio_gpu_resp_display_info),
				  VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
}

/* @info has @num_scanouts entries, which stay untouched on error. */
int vgpu_cmd_get_display_info(struct vgpu_cmdq *q, struct vgpu_output_info *info,
			      unsigned int num_scanouts)
{
	struct vgpu_cmd *cmd = vgpu_cmd_new_display_info(q);
	int ret = vgpu_cmd_call(cmd);

	if (!ret)
		ret = vgpu_wire_display_info(cmd->msg.resp, cmd->msg.used_bytes, info,
					     num_scanouts);
	vgpu_cmd_put(cmd);
	return ret;
}

/* @edid has room for VGPU_WIRE_EDID_BYTES; @size_bytes is set to the size of the EDID. */
int vgpu_cmd_get_edid(struct vgpu_cmdq *q, u32 scanout_id, u8 *edid, u32 *size_bytes)
{
	const struct virtio_gpu_cmd_get_edid req = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_GET_EDID),
		.scanout = cpu_to_le32(scanout_id),
	};
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_query(q, &req, sizeof(req), sizeof(struct virtio_gpu_resp_edid),
				 VIRTIO_GPU_RESP_OK_EDID);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);

	/* vgpu_wire_edid() checks the length, which depends on the size of the EDID. */
	cmd->want_bytes = sizeof(struct virtio_gpu_ctrl_hdr);
	ret = vgpu_cmd_call(cmd);
	if (!ret)
		ret = vgpu_wire_edid(cmd->msg.resp, cmd->msg.used_bytes, edid, size_bytes);
	vgpu_cmd_put(cmd);
	return ret;
}

/* @index is less than the configuration's num_capsets. */
struct vgpu_cmd *vgpu_cmd_get_capset_info(struct vgpu_cmdq *q, u32 index)
{
	const struct virtio_gpu_get_capset_info req = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_GET_CAPSET_INFO),
		.capset_index = cpu_to_le32(index),
	};

	return vgpu_cmd_new_query(q, &req, sizeof(req), sizeof(struct virtio_gpu_resp_capset_info),
				  VIRTIO_GPU_RESP_OK_CAPSET_INFO);
}

/**
 * vgpu_cmd_read_capset_info() - Get the description of a capset, if the host has answered
 * @cmd: command of vgpu_cmd_get_capset_info(), sent
 * @info: filled in; untouched on error
 *
 * Context: any.
 * Return: 0; -EINPROGRESS if the host has not answered yet; an errno of vgpu_wire_check() or
 * vgpu_wire_capset_info(); or the errno that the queue failed with.
 */
int vgpu_cmd_read_capset_info(const struct vgpu_cmd *cmd, struct vgpu_capset_info *info)
{
	/* Pairs with the release in vgpu_cmd_complete(). */
	int ret = smp_load_acquire(&cmd->status);

	return ret ?: vgpu_wire_capset_info(cmd->msg.resp, cmd->msg.used_bytes, info);
}

/* The data has @size_bytes: the size from GET_CAPSET_INFO, at most VGPU_WIRE_CAPSET_MAX_BYTES. */
struct vgpu_cmd *vgpu_cmd_get_capset(struct vgpu_cmdq *q, u32 id, u32 version, u32 size_bytes)
{
	const struct virtio_gpu_get_capset req = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_GET_CAPSET),
		.capset_id = cpu_to_le32(id),
		.capset_version = cpu_to_le32(version),
	};

	return vgpu_cmd_new_query(q, &req, sizeof(req),
				  sizeof(struct virtio_gpu_resp_capset) + size_bytes,
				  VIRTIO_GPU_RESP_OK_CAPSET);
}

/**
 * vgpu_cmd_capset_data() - Get the data of a capset, in the answer to GET_CAPSET
 * @cmd: command of vgpu_cmd_get_capset(), answered with success
 *
 * Context: any.
 * Return: the data, of the size that vgpu_cmd_get_capset() was called with; valid as long as the
 * command.
 */
const void *vgpu_cmd_capset_data(const struct vgpu_cmd *cmd)
{
	const struct virtio_gpu_resp_capset *resp = cmd->msg.resp;

	return resp->capset_data;
}

/* @offset is the place of the blob in the host-visible window. */
struct vgpu_cmd *vgpu_cmd_map_blob(struct vgpu_cmdq *q, u32 res_id, u64 offset)
{
	const struct virtio_gpu_resource_map_blob req = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB),
		.resource_id = cpu_to_le32(res_id),
		.offset = cpu_to_le64(offset),
	};

	return vgpu_cmd_new_query(q, &req, sizeof(req), sizeof(struct virtio_gpu_resp_map_info),
				  VIRTIO_GPU_RESP_OK_MAP_INFO);
}

/**
 * vgpu_cmd_read_map_info() - Get the caching of a blob from the answer to RESOURCE_MAP_BLOB
 * @cmd: command of vgpu_cmd_map_blob(), answered with success
 * @cache: set to VIRTIO_GPU_MAP_CACHE_*
 *
 * Context: any.
 * Return: 0, or an errno of vgpu_wire_map_info().
 */
int vgpu_cmd_read_map_info(const struct vgpu_cmd *cmd, u32 *cache)
{
	return vgpu_wire_map_info(cmd->msg.resp, cmd->msg.used_bytes, cache);
}

int vgpu_cmd_assign_uuid(struct vgpu_cmdq *q, u32 res_id, uuid_t *uuid)
{
	const struct virtio_gpu_resource_assign_uuid req = {
		.hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID),
		.resource_id = cpu_to_le32(res_id),
	};
	struct virtio_gpu_resp_resource_uuid *resp;
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_new_query(q, &req, sizeof(req), sizeof(*resp),
				 VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);

	vgpu_cmd_send(cmd, NULL);
	ret = vgpu_cmd_await(cmd, MAX_SCHEDULE_TIMEOUT);
	resp = cmd->msg.resp;
	if (!ret)
		import_uuid(uuid, resp->uuid);
	vgpu_cmd_put(cmd);
	return ret;
}
