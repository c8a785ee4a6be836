/* SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"
#include "loop.h"
#include "vhost_proto.h"

#define VHU_SHM_PENDING_MAX 1024

/* The connection to a front end. */
struct vhost_user {
	struct device *d;		/* the device */
	struct loop *loop;		/* where its file descriptors are watched */
	int fd;				/* socket, -1 when nobody is connected */
	int backend_fd;			/* socket for our requests, -1 when there is none */
	int kick_fd[WIRE_QUEUES];	/* notifications of each queue, or -1 */
	int call_fd[WIRE_QUEUES];	/* interrupts of each queue, or -1 */
	u64 offered;			/* protocol features we offer */
	u64 protocol;			/* protocol features negotiated */
	u8 status;			/* device status as the driver set it */
	u8 extra_status;		/* bits that we add to it */
	/* bit n: queue n was stopped, and the configuration space not used since */
	u32 paused;
	void *inflight;			/* the record of unanswered buffers, or NULL */
	size_t inflight_len;		/* its bytes */
	u64 pending[VHU_SHM_PENDING_MAX]; /* requests with an unacknowledged mapping, 0: ours */
	unsigned int npending;		/* how many */
	void (*gone)(void *opaque);	/* called when the front end has hung up */
	void *opaque;			/* first argument of @gone */
};

/* One message with what came along. */
struct vhu_msg {
	struct vhu_hdr hdr;
	union {
		u8 payload[VHU_PAYLOAD_MAX];
		u64 number;
		struct vhu_state state;
		struct vhu_addr addr;
		struct vhu_memory memory;
		struct vhu_config config;
		struct vhu_inflight inflight;
	};
	int fd[VHU_FDS_MAX];
	unsigned int nfd;
	struct virtqueue *vq;	/* the ring it names, or NULL */
};

extern const struct device_ops vhost_user_device_ops;

void vhost_user_init(struct vhost_user *v, struct device *d, struct loop *loop);
void vhost_user_accept(struct vhost_user *v, int fd);
void vhost_user_close(struct vhost_user *v);
bool vhost_user_has(const struct vhost_user *v, enum vhu_protocol_feature f);

/* The socket: vhost_msg.c */
int vhu_recv(int fd, struct vhu_msg *msg);
int vhu_send(int fd, const struct vhu_hdr *hdr, const void *payload, int pass_fd);

/* The device's requests to the front end: vhost_backend.c */
void vhost_backend_attach(struct vhost_user *v, int fd);
void vhost_backend_detach(struct vhost_user *v);
