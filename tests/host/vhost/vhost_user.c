// SPDX-License-Identifier: MIT
/*
 * The back end's side of the vhost-user protocol. QEMU sends kicks through
 * eventfds; User Mode Linux in time-travel mode sends them as messages and
 * waits for our acknowledgement, so that the whole device runs inside of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "log.h"
#include "vhost_user.h"

typedef int (*vhu_fn)(struct vhost_user *v, struct vhu_msg *msg);

/**
 * vhost_user_has - Whether a protocol feature was negotiated
 * @v: the connection
 * @f: number of its bit
 *
 * Return: true when it was.
 */
bool vhost_user_has(const struct vhost_user *v, enum vhu_protocol_feature f)
{
	return v->protocol & BIT64(f);
}

static int reply_fd(struct vhost_user *v, struct vhu_msg *msg, const void *p, u32 size,
		    int fd)
{
	struct vhu_hdr hdr = { msg->hdr.request, VHU_VERSION | VHU_FLAG_REPLY, size };

	/* A reply with contents is the acknowledgement, too. */
	msg->hdr.flags &= ~VHU_FLAG_NEED_REPLY;
	return vhu_send(v->fd, &hdr, p, fd);
}

static int reply(struct vhost_user *v, struct vhu_msg *msg, const void *p, u32 size)
{
	return reply_fd(v, msg, p, size, -1);
}

static int reply_u64(struct vhost_user *v, struct vhu_msg *msg, u64 value)
{
	return reply(v, msg, &value, sizeof(value));
}

static void close_fd(struct vhost_user *v, int *fd)
{
	if (*fd < 0)
		return;
	loop_del(v->loop, *fd);
	close(*fd);
	*fd = -1;
}

static struct virtqueue *msg_queue(struct vhost_user *v, struct vhu_msg *msg,
				   size_t need)
{
	u32 index = get_le32(msg->payload) & 0xff;

	if (msg->hdr.size < need || index >= WIRE_QUEUES)
		return NULL;
	return &v->d->vq[index];
}

/* Nothing is taken out of a ring that is disabled or stopped, and nothing returned into it. */
static void ring_set(struct vhost_user *v, struct virtqueue *vq, bool enabled, bool started)
{
	vq->enabled = enabled;
	vq->started = started;
	v->d->fence.off &= ~(1u << vq->index);
	if (!enabled || !started)
		v->d->fence.off |= 1u << vq->index;
}

static void reset(struct vhost_user *v)
{
	if (v->d->dirty)
		for (unsigned int i = 0; i < WIRE_QUEUES; i++)
			inflight_wipe(&v->d->vq[i]);
	v->extra_status = 0;
	v->paused = 0;
	device_reset(v->d);
}

static int get_features(struct vhost_user *v, struct vhu_msg *msg)
{
	return reply_u64(v, msg, v->d->opt.features |
			 BIT64(VHU_F_PROTOCOL_FEATURES));
}

static int set_features(struct vhost_user *v, struct vhu_msg *msg)
{
	u64 bits = get_le64(msg->payload);

	if (msg->hdr.size < 8)
		return -EPROTO;
	device_set_features(v->d, bits & ~BIT64(VHU_F_PROTOCOL_FEATURES));
	if (bits & BIT64(VHU_F_PROTOCOL_FEATURES))
		return 0;
	/* Nobody will enable the queues then. virtio_uml does so after a reset. */
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		ring_set(v, &v->d->vq[i], true, v->d->vq[i].started);
	return 0;
}

static int get_protocol_features(struct vhost_user *v, struct vhu_msg *msg)
{
	return reply_u64(v, msg, v->offered);
}

static int set_protocol_features(struct vhost_user *v, struct vhu_msg *msg)
{
	u64 inband = BIT64(VHU_PF_REPLY_ACK) | BIT64(VHU_PF_BACKEND_REQ);

	if (msg->hdr.size < 8)
		return -EPROTO;
	v->protocol = get_le64(msg->payload);
	/* The guest stands still until a kick that is a message returns. */
	v->loop->unbounded = vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS);
	v->d->slice_ms = v->loop->unbounded ? -1 : DEVICE_SLICE_MS;
	if (v->protocol & ~v->offered)
		log_warn("protocol features %#llx were not offered",
			 (unsigned long long)(v->protocol & ~v->offered));
	if (vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS) &&
	    (v->protocol & inband) != inband) {
		log_warn("in-band notifications without REPLY_ACK and BACKEND_REQ");
		return -EPROTO;
	}
	return 0;
}

static int no_op(struct vhost_user *v, struct vhu_msg *msg)
{
	(void)v;
	(void)msg;
	return 0;
}

/* A ring whose memory went away goes on when the memory is back. */
static void remap_rings(struct vhost_user *v)
{
	for (unsigned int i = 0; i < WIRE_QUEUES; i++) {
		struct virtqueue *vq = &v->d->vq[i];

		if (vq->used_uva && vq_map(vq))
			log_info("ring %u is in no shared memory (any more)", i);
	}
}

static int add_region(struct vhost_user *v, const void *bytes, int fd)
{
	struct vhu_region r;
	int ret;

	memcpy(&r, bytes, sizeof(r));
	ret = gmem_add_fd(&v->d->gm, r.gpa, r.uva, r.size, r.offset, fd);
	log_info("memory %#llx, %#llx bytes: %d", (unsigned long long)r.gpa,
		 (unsigned long long)r.size, ret);
	return ret;
}

static int set_mem_table(struct vhost_user *v, struct vhu_msg *msg)
{
	u32 n = get_le32(msg->payload);
	int ret = 0;

	if (msg->hdr.size < 8 || n > VHU_FDS_MAX || n != msg->nfd ||
	    msg->hdr.size < 8 + n * sizeof(struct vhu_region))
		return -EPROTO;
	gmem_clear(&v->d->gm);
	for (u32 i = 0; i < n; i++) {
		int err = add_region(v, msg->payload + 8 + i * sizeof(struct vhu_region),
				     msg->fd[i]);

		ret = ret ? ret : err;
	}
	remap_rings(v);
	return ret;
}

static int get_max_mem_slots(struct vhost_user *v, struct vhu_msg *msg)
{
	return reply_u64(v, msg, GMEM_MAX_REGIONS);
}

static int add_mem_reg(struct vhost_user *v, struct vhu_msg *msg)
{
	int ret;

	if (msg->hdr.size < 8 + sizeof(struct vhu_region) || msg->nfd != 1)
		return -EPROTO;
	ret = add_region(v, msg->payload + 8, msg->fd[0]);
	remap_rings(v);
	device_run(v->d);
	return ret;
}

static int rem_mem_reg(struct vhost_user *v, struct vhu_msg *msg)
{
	struct vhu_region r;
	int ret;

	if (msg->hdr.size < 8 + sizeof(r))
		return -EPROTO;
	memcpy(&r, msg->payload + 8, sizeof(r));
	ret = gmem_remove(&v->d->gm, r.gpa, r.uva, r.size);
	remap_rings(v);
	return ret;
}

static int set_vring_num(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg_queue(v, msg, 8);

	return vq ? vq_set_size(vq, get_le32(msg->payload + 4)) : -EINVAL;
}

static int set_vring_base(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg_queue(v, msg, 8);
	u32 base = get_le32(msg->payload + 4);
	bool uml = !vhost_user_has(v, VHU_PF_CONFIGURE_MEM_SLOTS);
	bool resume, start;

	if (!vq)
		return -EINVAL;
	resume = v->paused & 1u << vq->index && base == vq_get_base(vq);
	v->paused &= ~(1u << vq->index);
	/* After a pause the ring goes on where it stood, with what is unanswered. */
	if (resume)
		return 0;
	device_settle(v->d);
	/* virtio_uml says 0 of a fresh packed ring, too. */
	vq_set_base(vq, base, uml);
	start = vq_get_base(vq) == (vq->packed ? 0x80008000 : 0);
	/*
	 * virtio_uml cannot say "reset", and QEMU does not say it of this kind
	 * of device: it must have happened when the driver begins its control
	 * queue from the start.
	 */
	if (vq->index == WIRE_CONTROLQ && start)
		reset(v);
	else if (vq->index == WIRE_CONTROLQ && !v->d->dirty)
		log_warn("the driver goes on with a device that has lost its state");
	fence_drop(&v->d->fence, vq->index);
	return 0;
}

static int set_vring_addr(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg_queue(v, msg, sizeof(struct vhu_addr));
	struct vhu_addr a;
	int ret;

	if (!vq)
		return -EINVAL;
	memcpy(&a, msg->payload, sizeof(a));
	vq->desc_uva = a.desc;
	vq->avail_uva = a.avail;
	vq->used_uva = a.used;
	ret = vq_map(vq);
	if (ret)
		log_warn("ring %u of %u entries is not in shared memory", vq->index,
			 vq->size);
	return ret;
}

static int get_vring_base(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg_queue(v, msg, 8);
	struct vhu_state state;

	if (!vq)
		return -EINVAL;
	/*
	 * What can be answered is; the rest is kept. If this is a reset, and no pause, the
	 * driver may use its memory for something else as soon as we reply.
	 */
	device_settle(v->d);
	device_answer_ready(v->d);
	ring_set(v, vq, vq->enabled, false);
	v->paused |= 1u << vq->index;
	state = (struct vhu_state){ vq->index, vq_get_base(vq) };
	close_fd(v, &v->kick_fd[vq->index]);
	vq->used_uva = 0;
	vq_unmap(vq);
	return reply(v, msg, &state, sizeof(state));
}

static void kick_readable(void *opaque, int fd)
{
	struct vhost_user *v = opaque;
	u64 count;

	ssize_t n = read(fd, &count, sizeof(count));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A pipe that was closed, or an error that stays. */
	if (n <= 0) {
		loop_del(v->loop, fd);
		return;
	}
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		if (v->kick_fd[i] == fd)
			device_kick(v->d, i);
}

static int take_fd(struct vhost_user *v, struct vhu_msg *msg, int *fd)
{
	struct virtqueue *vq = msg_queue(v, msg, 8);
	int *slot;

	if (!vq)
		return -EINVAL;
	slot = &fd[vq->index];
	close_fd(v, slot);
	if (msg->payload[1] & 1 || !msg->nfd)
		return 0;
	*slot = msg->fd[0];
	msg->fd[0] = -1;
	fcntl(*slot, F_SETFL, fcntl(*slot, F_GETFL) | O_NONBLOCK);
	return 0;
}

static int set_vring_kick(struct vhost_user *v, struct vhu_msg *msg)
{
	int ret = take_fd(v, msg, v->kick_fd);
	u32 i = get_le32(msg->payload) & 0xff;

	if (ret)
		return ret;
	if (v->kick_fd[i] >= 0 && loop_add(v->loop, v->kick_fd[i], kick_readable, v))
		log_die("too many file descriptors");
	ring_set(v, &v->d->vq[i], v->d->vq[i].enabled, true);
	return 0;
}

static int set_vring_call(struct vhost_user *v, struct vhu_msg *msg)
{
	return take_fd(v, msg, v->call_fd);
}

static int set_vring_err(struct vhost_user *v, struct vhu_msg *msg)
{
	return take_fd(v, msg, v->err_fd);
}

static int get_queue_num(struct vhost_user *v, struct vhu_msg *msg)
{
	return reply_u64(v, msg, WIRE_QUEUES);
}

static int set_vring_enable(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg_queue(v, msg, 8);
	bool on = get_le32(msg->payload + 4) & 1;

	if (!vq)
		return -EINVAL;
	ring_set(v, vq, on, vq->started ||
		 (on && vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS)));
	if (on)
		device_run(v->d);
	return 0;
}

static int vring_kick(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg_queue(v, msg, 8);

	if (!vq)
		return -EINVAL;
	device_kick(v->d, vq->index);
	return 0;
}

static int set_backend_req_fd(struct vhost_user *v, struct vhu_msg *msg)
{
	if (msg->nfd != 1)
		return -EPROTO;
	vhost_backend_attach(v, msg->fd[0]);
	msg->fd[0] = -1;
	return 0;
}

static void drop_inflight(struct vhost_user *v)
{
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		inflight_set(&v->d->vq[i], NULL, 0);
	if (v->inflight)
		munmap(v->inflight, v->inflight_len);
	v->inflight = NULL;
}

static int map_inflight(struct vhost_user *v, const struct vhu_inflight *in, int fd)
{
	size_t each = inflight_size(in->queue_size);
	struct stat st;
	void *map;

	drop_inflight(v);
	if (in->queues < WIRE_QUEUES || !in->queue_size || in->size / each < in->queues ||
	    fstat(fd, &st) || (u64)st.st_size < in->offset ||
	    (u64)st.st_size - in->offset < in->size)
		return -EINVAL;
	map = mmap(NULL, in->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, in->offset);
	if (map == MAP_FAILED)
		return -errno;
	v->inflight = map;
	v->inflight_len = in->size;
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		inflight_set(&v->d->vq[i], (u8 *)map + i * each, in->queue_size);
	return 0;
}

static int get_inflight_fd(struct vhost_user *v, struct vhu_msg *msg)
{
	struct vhu_inflight in;
	int fd = memfd_create("vgpu-inflight", MFD_CLOEXEC), ret;

	memcpy(&in, msg->payload, sizeof(in));
	in.size = inflight_size(in.queue_size) * in.queues;
	in.offset = 0;
	if (fd < 0 || ftruncate(fd, in.size) || map_inflight(v, &in, fd)) {
		log_warn("no record of %u queues of %u", in.queues, in.queue_size);
		in.size = 0;
	}
	ret = reply_fd(v, msg, &in, sizeof(in), in.size ? fd : -1);
	close(fd);
	return ret;
}

static int set_inflight_fd(struct vhost_user *v, struct vhu_msg *msg)
{
	struct vhu_inflight in;

	if (msg->hdr.size < sizeof(in) || msg->nfd != 1)
		return -EPROTO;
	memcpy(&in, msg->payload, sizeof(in));
	return map_inflight(v, &in, msg->fd[0]);
}

static int get_config(struct vhost_user *v, struct vhu_msg *msg)
{
	struct vhu_config c;

	v->paused = 0;

	memcpy(&c, msg->payload, sizeof(c));
	if (msg->hdr.size < sizeof(c) || c.size > VHU_PAYLOAD_MAX - sizeof(c))
		return -EPROTO;
	device_config_read(v->d, c.offset, msg->payload + sizeof(c), c.size);
	return reply(v, msg, msg->payload, sizeof(c) + c.size);
}

static int set_config(struct vhost_user *v, struct vhu_msg *msg)
{
	struct vhu_config c;

	v->paused = 0;
	memcpy(&c, msg->payload, sizeof(c));
	if (msg->hdr.size < sizeof(c) || c.size > msg->hdr.size - sizeof(c))
		return -EPROTO;
	device_config_write(v->d, c.offset, msg->payload + sizeof(c), c.size);
	return 0;
}

static int gpu_set_socket(struct vhost_user *v, struct vhu_msg *msg)
{
	(void)v;
	(void)msg;
	log_warn("this front end shows the screen itself (vhost-user-gpu), which is another protocol: use QEMU's vhost-user-test-device-pci, see vgpu-host.1");
	return -ECONNRESET;
}

static int reset_device(struct vhost_user *v, struct vhu_msg *msg)
{
	(void)msg;
	reset(v);
	return 0;
}

static int set_status(struct vhost_user *v, struct vhu_msg *msg)
{
	v->status = msg->payload[0];
	/* QEMU says 0 for a pause, too: set_vring_base() finds out. */
	if (!v->status && !(v->paused & 1u << WIRE_CONTROLQ))
		reset(v);
	return 0;
}

static int get_status(struct vhost_user *v, struct vhu_msg *msg)
{
	return reply_u64(v, msg, v->status | v->extra_status);
}

static int get_shmem_config(struct vhost_user *v, struct vhu_msg *msg)
{
	u8 out[8 + 8 * VHU_SHM_REGIONS] = { 0 };

	if (v->d->hostmem.size) {
		put_le32(out, 1);
		put_le64(out + 8 + 8 * VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
			 v->d->hostmem.size);
	}
	return reply(v, msg, out, sizeof(out));
}

static const struct {
	u32 request;
	const char *name;
	vhu_fn fn;
} vhu_table[] = {
	{ VHU_GET_FEATURES, "GET_FEATURES", get_features },
	{ VHU_SET_FEATURES, "SET_FEATURES", set_features },
	{ VHU_SET_OWNER, "SET_OWNER", no_op },
	{ VHU_RESET_OWNER, "RESET_OWNER", no_op },
	{ VHU_SET_MEM_TABLE, "SET_MEM_TABLE", set_mem_table },
	{ VHU_SET_VRING_NUM, "SET_VRING_NUM", set_vring_num },
	{ VHU_SET_VRING_ADDR, "SET_VRING_ADDR", set_vring_addr },
	{ VHU_SET_VRING_BASE, "SET_VRING_BASE", set_vring_base },
	{ VHU_GET_VRING_BASE, "GET_VRING_BASE", get_vring_base },
	{ VHU_SET_VRING_KICK, "SET_VRING_KICK", set_vring_kick },
	{ VHU_SET_VRING_CALL, "SET_VRING_CALL", set_vring_call },
	{ VHU_SET_VRING_ERR, "SET_VRING_ERR", set_vring_err },
	{ VHU_GET_PROTOCOL_FEATURES, "GET_PROTOCOL_FEATURES", get_protocol_features },
	{ VHU_SET_PROTOCOL_FEATURES, "SET_PROTOCOL_FEATURES", set_protocol_features },
	{ VHU_GET_QUEUE_NUM, "GET_QUEUE_NUM", get_queue_num },
	{ VHU_SET_VRING_ENABLE, "SET_VRING_ENABLE", set_vring_enable },
	{ VHU_SET_BACKEND_REQ_FD, "SET_BACKEND_REQ_FD", set_backend_req_fd },
	{ VHU_GET_CONFIG, "GET_CONFIG", get_config },
	{ VHU_SET_CONFIG, "SET_CONFIG", set_config },
	{ VHU_GET_INFLIGHT_FD, "GET_INFLIGHT_FD", get_inflight_fd },
	{ VHU_SET_INFLIGHT_FD, "SET_INFLIGHT_FD", set_inflight_fd },
	{ VHU_GPU_SET_SOCKET, "GPU_SET_SOCKET", gpu_set_socket },
	{ VHU_RESET_DEVICE, "RESET_DEVICE", reset_device },
	{ VHU_VRING_KICK, "VRING_KICK", vring_kick },
	{ VHU_GET_MAX_MEM_SLOTS, "GET_MAX_MEM_SLOTS", get_max_mem_slots },
	{ VHU_ADD_MEM_REG, "ADD_MEM_REG", add_mem_reg },
	{ VHU_REM_MEM_REG, "REM_MEM_REG", rem_mem_reg },
	{ VHU_SET_STATUS, "SET_STATUS", set_status },
	{ VHU_GET_STATUS, "GET_STATUS", get_status },
	{ VHU_GET_SHMEM_CONFIG, "GET_SHMEM_CONFIG", get_shmem_config },
};

static int vhost_user_handle(struct vhost_user *v, struct vhu_msg *msg)
{
	for (size_t i = 0; i < ARRAY_SIZE(vhu_table); i++) {
		int ret;

		if (vhu_table[i].request != msg->hdr.request)
			continue;
		ret = vhu_table[i].fn(v, msg);
		if (log_verbose > 1 || ret)
			log_info("%s(%u, %u): %d", vhu_table[i].name,
				 get_le32(msg->payload), get_le32(msg->payload + 4),
				 ret);
		return ret;
	}
	log_warn("unknown vhost-user request %u", msg->hdr.request);
	return -ENOTSUP;
}

static void vhost_user_readable(void *opaque, int fd)
{
	struct vhost_user *v = opaque;
	struct vhu_msg msg;
	int ret = vhu_recv(fd, &msg);

	if (!ret) {
		ret = vhost_user_handle(v, &msg);
		if ((msg.hdr.flags & VHU_FLAG_NEED_REPLY) &&
		    vhost_user_has(v, VHU_PF_REPLY_ACK))
			reply_u64(v, &msg, ret ? (u64)-ret : 0);
	}
	for (unsigned int i = 0; i < msg.nfd; i++)
		if (msg.fd[i] >= 0)
			close(msg.fd[i]);
	if (ret != -EPROTO && ret != -ECONNRESET && ret != -EPIPE)
		return;
	if (ret == -EPROTO)
		log_warn("malformed message %u", msg.hdr.request);
	vhost_user_close(v);
	v->gone(v->opaque);
}

/**
 * vhost_user_init - Make a connection without a front end
 * @v: the connection
 * @d: the device
 * @loop: the loop
 */
void vhost_user_init(struct vhost_user *v, struct device *d, struct loop *loop)
{
	memset(v, 0, sizeof(*v));
	v->d = d;
	v->loop = loop;
	v->fd = -1;
	v->backend_fd = -1;
	for (unsigned int i = 0; i < WIRE_QUEUES; i++) {
		v->kick_fd[i] = -1;
		v->call_fd[i] = -1;
		v->err_fd[i] = -1;
	}
	v->offered = BIT64(VHU_PF_MQ) | BIT64(VHU_PF_REPLY_ACK) |
		     BIT64(VHU_PF_BACKEND_REQ) | BIT64(VHU_PF_CONFIG) |
		     BIT64(VHU_PF_INFLIGHT_SHMFD) | BIT64(VHU_PF_RESET_DEVICE) | BIT64(VHU_PF_CONFIGURE_MEM_SLOTS);
}

/**
 * vhost_user_accept - Serve a front end
 * @v: the connection, closed
 * @fd: the socket, ours from now on
 */
void vhost_user_accept(struct vhost_user *v, int fd)
{
	v->fd = fd;
	v->protocol = 0;
	v->status = 0;
	v->extra_status = 0;
	v->paused = 0;
	if (loop_add(v->loop, fd, vhost_user_readable, v))
		log_die("too many file descriptors");
}

/**
 * vhost_user_close - Hang up, and forget what the driver made
 * @v: the connection
 */
void vhost_user_close(struct vhost_user *v)
{
	close_fd(v, &v->fd);
	vhost_backend_detach(v);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++) {
		close_fd(v, &v->kick_fd[i]);
		close_fd(v, &v->call_fd[i]);
		close_fd(v, &v->err_fd[i]);
	}
	device_reset(v->d);
	v->d->fence.off = 0;
	drop_inflight(v);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_reset(&v->d->vq[i]);
	gmem_clear(&v->d->gm);
}
