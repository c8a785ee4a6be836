/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_CMDQ_TYPES_H
#define VGPU_CMDQ_TYPES_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "protocol/vgpu_cmd_memory.h"
#include "protocol/vgpu_fence_id.h"
#include "protocol/vgpu_payload.h"

struct vgpu_budgets;
struct vgpu_cmd;
struct vgpu_vq;
struct virtio_device;
struct workqueue_struct;

/* Number of the latest refusals that are kept. */
#define VGPU_CMDQ_REFUSALS	16

/**
 * struct vgpu_cmdq_refusal - Record of a command that the device refused or answered badly
 * @at_ns: time of the answer, monotonic clock
 * @type: VIRTIO_GPU_CMD_*
 * @ctx_id: context of the command
 * @error: outcome of the command, negative errno
 */
struct vgpu_cmdq_refusal {
	u64 at_ns;
	u32 type;
	u32 ctx_id;
	int error;
};

/**
 * struct vgpu_cmdq - The device's two queues, used by other layers through vgpu_cmdq.h
 * @vdev: constant
 * @control: queue of everything but the cursor, constant
 * @cursor: queue of the cursor, constant
 * @memory: memory of commands
 * @spares: memory for the data of commands
 * @budgets: the budgets of all processes, constant
 * @lost: upcall, constant
 * @arg: argument of the upcall, constant
 * @wq: runs work that may sleep, constant
 * @fence_wq: runs work that fences depend on, constant
 * @limits: limits for the data of commands; constant once vgpu_cmdq_start() has set them, since a
 *          later start sets the same
 * @deadline: when waits for answers to questions of the driver end, in jiffies; 0 for never
 * @ping: the command that checks whether the host answers, constant
 * @ping_is_idle: @ping can be sent again, since the device no longer has it
 * @fence_ids: ids of fences on the wire
 * @submitqs_lock: protects changes of @submitqs
 * @submitqs: the submission queues of all contexts; read under RCU
 * @refusal_lock: protects what follows
 * @nr_refusals: how many commands the device refused or answered badly
 * @refusals: records of the latest ones; number N, counted from 0, at N modulo the length
 */
struct vgpu_cmdq {
	struct virtio_device *vdev;
	struct vgpu_vq *control;
	struct vgpu_vq *cursor;
	struct vgpu_cmd_memory memory;
	struct vgpu_payload_spares spares;
	struct vgpu_budgets *budgets;
	void (*lost)(void *arg, int error);
	void *arg;
	struct workqueue_struct *wq;
	struct workqueue_struct *fence_wq;
	struct vgpu_payload_limits limits;
	unsigned long deadline;
	struct vgpu_cmd *ping;
	bool ping_is_idle;
	struct vgpu_fence_ids fence_ids;
	spinlock_t submitqs_lock;
	struct list_head submitqs;
	spinlock_t refusal_lock;
	u64 nr_refusals;
	struct vgpu_cmdq_refusal refusals[VGPU_CMDQ_REFUSALS];
};

#endif
