/* SPDX-License-Identifier: MIT */
/* Numbers and layouts of the vhost-user protocol. */
#pragma once

#include "base.h"

#define VHU_VERSION 1u
#define VHU_FLAG_VERSION_MASK 3u
#define VHU_FLAG_REPLY (1u << 2)
#define VHU_FLAG_NEED_REPLY (1u << 3)

#define VHU_F_PROTOCOL_FEATURES 30

#define VHU_PAYLOAD_MAX 4096u
#define VHU_FDS_MAX 32

/* In the number that comes with the descriptor of a ring. */
#define VHU_VRING_MASK 0xffu
#define VHU_VRING_NOFD 0x100u

enum vhu_protocol_feature {
	VHU_PF_MQ = 0,
	VHU_PF_REPLY_ACK = 3,
	VHU_PF_BACKEND_REQ = 5,
	VHU_PF_CONFIG = 9,
	VHU_PF_BACKEND_SEND_FD = 10,
	VHU_PF_INFLIGHT_SHMFD = 12,
	VHU_PF_RESET_DEVICE = 13,
	VHU_PF_INBAND_NOTIFICATIONS = 14,
	VHU_PF_CONFIGURE_MEM_SLOTS = 15,
	VHU_PF_STATUS = 16,
	/* Numbered 20 while it was under review; QEMU 11.1 takes 22. */
	VHU_PF_SHMEM = 22,
};

enum vhu_request {
	VHU_GET_FEATURES = 1,
	VHU_SET_FEATURES = 2,
	VHU_SET_OWNER = 3,
	VHU_RESET_OWNER = 4,
	VHU_SET_MEM_TABLE = 5,
	VHU_SET_VRING_NUM = 8,
	VHU_SET_VRING_ADDR = 9,
	VHU_SET_VRING_BASE = 10,
	VHU_GET_VRING_BASE = 11,
	VHU_SET_VRING_KICK = 12,
	VHU_SET_VRING_CALL = 13,
	VHU_SET_VRING_ERR = 14,
	VHU_GET_PROTOCOL_FEATURES = 15,
	VHU_SET_PROTOCOL_FEATURES = 16,
	VHU_GET_QUEUE_NUM = 17,
	VHU_SET_VRING_ENABLE = 18,
	VHU_SET_BACKEND_REQ_FD = 21,
	VHU_GET_CONFIG = 24,
	VHU_SET_CONFIG = 25,
	VHU_GET_INFLIGHT_FD = 31,
	VHU_SET_INFLIGHT_FD = 32,
	VHU_GPU_SET_SOCKET = 33,
	VHU_RESET_DEVICE = 34,
	VHU_VRING_KICK = 35,
	VHU_GET_MAX_MEM_SLOTS = 36,
	VHU_ADD_MEM_REG = 37,
	VHU_REM_MEM_REG = 38,
	VHU_SET_STATUS = 39,
	VHU_GET_STATUS = 40,
	VHU_GET_SHMEM_CONFIG = 44,
};

enum vhu_backend_request {
	VHU_BACKEND_CONFIG_CHANGE = 2,
	VHU_BACKEND_VRING_CALL = 4,
	VHU_BACKEND_SHMEM_MAP = 9,
	VHU_BACKEND_SHMEM_UNMAP = 10,
};

/* Before every message. */
struct vhu_hdr {
	u32 request;
	u32 flags;
	u32 size;
};

/* One memory region. */
struct vhu_region {
	u64 gpa;
	u64 size;
	u64 uva;
	u64 offset;
};

/* The regions of a table; one is a table of one, without a number. */
struct vhu_memory {
	u32 n;
	u32 padding;
	struct vhu_region region[VHU_FDS_MAX];
};

/* About one ring. */
struct vhu_state {
	u32 index;
	u32 num;
};

/* Where a ring is. */
struct vhu_addr {
	u32 index;
	u32 flags;
	u64 desc;
	u64 used;
	u64 avail;
	u64 log;
};

/* Before bytes of the configuration space. */
struct vhu_config {
	u32 offset;
	u32 size;
	u32 flags;
};

/* Memory for the record of unanswered buffers. */
struct vhu_inflight {
	u64 size;
	u64 offset;
	u16 queues;
	u16 queue_size;
};

/* A mapping in a shared memory region. */
struct vhu_mmap {
	u8 shmid;
	u8 padding[7];
	u64 fd_offset;
	u64 shm_offset;
	u64 len;
	u64 flags;
};

#define VHU_MMAP_RW 1u
#define VHU_SHM_REGIONS 256

_Static_assert(sizeof(struct vhu_hdr) == 12, "header");
_Static_assert(sizeof(struct vhu_region) == 32, "region");
_Static_assert(sizeof(struct vhu_addr) == 40, "address");
_Static_assert(sizeof(struct vhu_config) == 12, "config");
_Static_assert(sizeof(struct vhu_mmap) == 40, "mmap");
