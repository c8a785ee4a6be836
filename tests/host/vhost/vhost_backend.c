// SPDX-License-Identifier: MIT
/*
 * What the device asks of the front end. Nothing here waits for a reply: the
 * front end may be waiting for one of ours at the same moment. Acknowledgements
 * of mappings arrive through the loop.
 */
#include <errno.h>
#include <unistd.h>

#include <linux/virtio_gpu.h>

#include "log.h"
#include "vhost_user.h"

static int backend_send(struct vhost_user *v, u32 request, const void *payload,
			u32 size, int fd, bool reply)
{
	struct vhu_hdr hdr = { request, VHU_VERSION, size };
	int ret;

	if (v->backend_fd < 0)
		return -ENOTCONN;
	if (reply)
		hdr.flags |= VHU_FLAG_NEED_REPLY;
	ret = vhu_send(v->backend_fd, &hdr, payload, fd);
	if (ret)
		log_warn("request %u to the front end: %s", request, strerror(-ret));
	return ret;
}

static void backend_config_changed(void *opaque)
{
	struct vhost_user *v = opaque;

	if (v->fd >= 0)
		backend_send(v, VHU_BACKEND_CONFIG_CHANGE, NULL, 0, -1, false);
}

static void backend_call(void *opaque, unsigned int queue)
{
	struct vhost_user *v = opaque;
	struct vhu_state state = { queue, 0 };
	u64 one = 1;

	if (v->call_fd[queue] >= 0) {
		/* A full eventfd or pipe has told the driver already. */
		if (write(v->call_fd[queue], &one, sizeof(one)) < 0 && errno != EAGAIN)
			log_warn("interrupt of queue %u: %s", queue, strerror(errno));
	} else if (vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS)) {
		backend_send(v, VHU_BACKEND_VRING_CALL, &state, sizeof(state), -1, false);
	}
}

static enum shm_result backend_shm(void *opaque, u64 seq, u64 offset, u64 len, int fd)
{
	struct vhost_user *v = opaque;
	u32 request = fd >= 0 ? VHU_BACKEND_SHMEM_MAP : VHU_BACKEND_SHMEM_UNMAP;
	struct vhu_mmap map = {
		.shmid = VIRTIO_GPU_SHM_ID_HOST_VISIBLE, .shm_offset = offset, .len = len,
		.flags = fd >= 0 ? VHU_MMAP_RW : 0,
	};
	bool ack = vhost_user_has(v, VHU_PF_REPLY_ACK);

	if (!vhost_user_has(v, VHU_PF_SHMEM) || (ack && v->npending == VHU_SHM_PENDING_MAX) ||
	    backend_send(v, request, &map, sizeof(map), fd, ack))
		return SHM_FAILED;
	if (!ack)
		return SHM_DONE;
	v->pending[v->npending++] = seq;
	return seq ? SHM_PENDING : SHM_DONE;
}

static void backend_set_status(void *opaque, u8 bits)
{
	struct vhost_user *v = opaque;

	v->extra_status |= bits;
}

static void backend_die(void *opaque, int status)
{
	struct vhost_user *v = opaque;

	trace_begin(&v->d->trace, "die");
	trace_end(&v->d->trace);
	_exit(status);
}

const struct device_ops vhost_user_device_ops = {
	.config_changed = backend_config_changed,
	.call = backend_call,
	.shm = backend_shm,
	.set_status = backend_set_status,
	.die = backend_die,
};

static void backend_readable(void *opaque, int fd)
{
	struct vhost_user *v = opaque;
	struct vhu_msg msg;
	u64 seq, failed;

	if (vhu_recv(fd, &msg)) {
		vhost_backend_detach(v);
		return;
	}
	for (unsigned int i = 0; i < msg.nfd; i++)
		close(msg.fd[i]);
	if (!(msg.hdr.flags & VHU_FLAG_REPLY) || !v->npending) {
		log_warn("unexpected message %u on the back-end channel", msg.hdr.request);
		return;
	}
	seq = v->pending[0];
	memmove(v->pending, v->pending + 1, --v->npending * sizeof(v->pending[0]));
	failed = msg.hdr.size >= 8 ? msg.number : 0;
	if (failed)
		log_warn("the front end refused a mapping (request %u): %llu",
			 msg.hdr.request, failed);
	if (seq)
		device_shm_done(v->d, seq, !failed);
}

/* Take over a socket, ours from now on, for our requests. */
void vhost_backend_attach(struct vhost_user *v, int fd)
{
	vhost_backend_detach(v);
	v->backend_fd = fd;
	loop_add(v->loop, fd, backend_readable, v);
}

/* Close the socket for our requests. */
void vhost_backend_detach(struct vhost_user *v)
{
	loop_close(v->loop, &v->backend_fd);
	v->npending = 0;
}
