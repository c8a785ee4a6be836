/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_VHOST_USER_H
#define VGPU_HOST_VHOST_USER_H

#include "device.h"
#include "loop.h"
#include "vhost_proto.h"

#define VHU_SHM_PENDING_MAX 1024

/**
 * struct vhost_user - the connection to a front end
 * @d: the device
 * @loop: where its file descriptors are watched
 * @fd: socket, -1 when nobody is connected
 * @backend_fd: socket for our requests, -1 when there is none
 * @kick_fd: notifications of each queue, or -1
 * @call_fd: interrupts of each queue, or -1
 * @err_fd: errors of each queue, or -1
 * @offered: protocol features we offer
 * @protocol: protocol features negotiated
 * @status: device status as the driver set it
 * @extra_status: bits that we add to it
 * @paused: bit n: queue n was stopped, and the driver has not read or written the
 *          configuration space since
 * @inflight: memory for the record of unanswered buffers, or NULL
 * @inflight_len: its bytes
 * @pending: requests whose mapping the front end has not acknowledged, 0: ours
 * @npending: how many
 * @gone: called when the front end has hung up
 * @opaque: first argument of @gone
 */
struct vhost_user {
	struct device *d;
	struct loop *loop;
	int fd;
	int backend_fd;
	int kick_fd[WIRE_QUEUES];
	int call_fd[WIRE_QUEUES];
	int err_fd[WIRE_QUEUES];
	u64 offered;
	u64 protocol;
	u8 status, extra_status;
	u32 paused;
	void *inflight;
	size_t inflight_len;
	u64 pending[VHU_SHM_PENDING_MAX];
	unsigned int npending;
	void (*gone)(void *opaque);
	void *opaque;
};

/** struct vhu_msg - one message with what came along */
struct vhu_msg {
	struct vhu_hdr hdr;
	u8 payload[VHU_PAYLOAD_MAX];
	int fd[VHU_FDS_MAX];
	unsigned int nfd;
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

#endif
