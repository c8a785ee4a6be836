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

#include "log.h"
#include "vhost_user.h"

/* Check whether a protocol feature was negotiated. */
bool vhost_user_has(const struct vhost_user *v, enum vhu_protocol_feature f)
{
	return v->protocol & BIT64(f);
}

static int reply(struct vhost_user *v, struct vhu_msg *msg, const void *p, u32 size, int fd)
{
	struct vhu_hdr hdr = { msg->hdr.request, VHU_VERSION | VHU_FLAG_REPLY, size };

	/* A reply with contents is the acknowledgement, too. */
	msg->hdr.flags &= ~VHU_FLAG_NEED_REPLY;
	return vhu_send(v->fd, &hdr, p, fd);
}

static int reply_u64(struct vhost_user *v, struct vhu_msg *msg, u64 value)
{
	return reply(v, msg, &value, sizeof(value), -1);
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

static int get_number(struct vhost_user *v, struct vhu_msg *msg)
{
	switch (msg->hdr.request) {
	case VHU_GET_FEATURES:
		return reply_u64(v, msg, v->d->opt.features | BIT64(VHU_F_PROTOCOL_FEATURES));
	case VHU_GET_PROTOCOL_FEATURES:
		return reply_u64(v, msg, v->offered);
	case VHU_GET_QUEUE_NUM:
		return reply_u64(v, msg, WIRE_QUEUES);
	case VHU_GET_MAX_MEM_SLOTS:
		return reply_u64(v, msg, GMEM_MAX_REGIONS);
	default:
		return reply_u64(v, msg, v->status | v->extra_status);
	}
}

static int set_features(struct vhost_user *v, struct vhu_msg *msg)
{
	u64 bits = msg->number;

	device_set_features(v->d, bits & ~BIT64(VHU_F_PROTOCOL_FEATURES));
	if (bits & BIT64(VHU_F_PROTOCOL_FEATURES))
		return 0;
	/* Nobody will enable the queues then. virtio_uml does so after a reset. */
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		ring_set(v, &v->d->vq[i], true, v->d->vq[i].started);
	return 0;
}

static int set_protocol_features(struct vhost_user *v, struct vhu_msg *msg)
{
	u64 inband = BIT64(VHU_PF_REPLY_ACK) | BIT64(VHU_PF_BACKEND_REQ);

	v->protocol = msg->number;
	/* The guest stands still until a kick that is a message returns. */
	v->loop->unbounded = vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS);
	v->d->slice_ms = v->loop->unbounded ? -1 : DEVICE_SLICE_MS;
	if (v->protocol & ~v->offered)
		log_warn("protocol features %#llx were not offered", v->protocol & ~v->offered);
	if (vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS) && (v->protocol & inband) != inband) {
		log_warn("in-band notifications without REPLY_ACK and BACKEND_REQ");
		return -EPROTO;
	}
	return 0;
}

static int no_op(struct vhost_user *v, struct vhu_msg *msg)
{
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

static int add_region(struct vhost_user *v, const struct vhu_region *r, int fd)
{
	int ret = gmem_add_fd(&v->d->gm, r->gpa, r->uva, r->size, r->offset, fd);

	log_info("memory %#llx, %#llx bytes: %d", r->gpa, r->size, ret);
	return ret;
}

static int set_mem_table(struct vhost_user *v, struct vhu_msg *msg)
{
	const struct vhu_memory *m = &msg->memory;
	int ret = 0;

	if (m->n > VHU_FDS_MAX || m->n != msg->nfd ||
	    msg->hdr.size < offsetof(struct vhu_memory, region) + m->n * sizeof(m->region[0]))
		return -EPROTO;
	gmem_clear(&v->d->gm);
	for (u32 i = 0; i < m->n; i++) {
		int err = add_region(v, &m->region[i], msg->fd[i]);

		ret = ret ? ret : err;
	}
	remap_rings(v);
	return ret;
}

static int add_mem_reg(struct vhost_user *v, struct vhu_msg *msg)
{
	int ret = add_region(v, &msg->memory.region[0], msg->fd[0]);

	remap_rings(v);
	device_run(v->d);
	return ret;
}

static int rem_mem_reg(struct vhost_user *v, struct vhu_msg *msg)
{
	const struct vhu_region *r = &msg->memory.region[0];
	int ret = gmem_remove(&v->d->gm, r->gpa, r->uva, r->size);

	remap_rings(v);
	return ret;
}

static int set_vring_num(struct vhost_user *v, struct vhu_msg *msg)
{
	return vq_set_size(msg->vq, msg->state.num);
}

static int set_vring_base(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg->vq;
	u32 base = msg->state.num;
	bool uml = !vhost_user_has(v, VHU_PF_CONFIGURE_MEM_SLOTS);
	bool resume, start;

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
	struct virtqueue *vq = msg->vq;
	int ret;

	vq->desc_uva = msg->addr.desc;
	vq->avail_uva = msg->addr.avail;
	vq->used_uva = msg->addr.used;
	ret = vq_map(vq);
	if (ret)
		log_warn("ring %u of %u entries is not in shared memory", vq->index, vq->size);
	return ret;
}

static int get_vring_base(struct vhost_user *v, struct vhu_msg *msg)
{
	struct virtqueue *vq = msg->vq;
	struct vhu_state state;

	/*
	 * What can be answered is; the rest is kept. If this is a reset, and no pause, the
	 * driver may use its memory for something else as soon as we reply.
	 */
	device_settle(v->d);
	device_answer_ready(v->d);
	ring_set(v, vq, vq->enabled, false);
	v->paused |= 1u << vq->index;
	state = (struct vhu_state){ vq->index, vq_get_base(vq) };
	loop_close(v->loop, &v->kick_fd[vq->index]);
	vq->used_uva = 0;
	vq_unmap(vq);
	return reply(v, msg, &state, sizeof(state), -1);
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

/* Keep the descriptor of a ring, if there is one, in its place in @fd. */
static void take_fd(struct vhost_user *v, struct vhu_msg *msg, int *fd)
{
	int *slot = &fd[msg->vq->index];

	loop_close(v->loop, slot);
	if (msg->number & VHU_VRING_NOFD || !msg->nfd)
		return;
	*slot = msg->fd[0];
	msg->fd[0] = -1;
	fcntl(*slot, F_SETFL, fcntl(*slot, F_GETFL) | O_NONBLOCK);
}

static int set_vring_kick(struct vhost_user *v, struct vhu_msg *msg)
{
	int *fd = &v->kick_fd[msg->vq->index];

	take_fd(v, msg, v->kick_fd);
	if (*fd >= 0)
		loop_add(v->loop, *fd, kick_readable, v);
	ring_set(v, msg->vq, msg->vq->enabled, true);
	return 0;
}

static int set_vring_call(struct vhost_user *v, struct vhu_msg *msg)
{
	take_fd(v, msg, v->call_fd);
	return 0;
}

static int set_vring_enable(struct vhost_user *v, struct vhu_msg *msg)
{
	bool on = msg->state.num & 1;

	ring_set(v, msg->vq, on, msg->vq->started ||
		 (on && vhost_user_has(v, VHU_PF_INBAND_NOTIFICATIONS)));
	if (on)
		device_run(v->d);
	return 0;
}

static int vring_kick(struct vhost_user *v, struct vhu_msg *msg)
{
	device_kick(v->d, msg->vq->index);
	return 0;
}

static int set_backend_req_fd(struct vhost_user *v, struct vhu_msg *msg)
{
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
	struct vhu_inflight in = msg->inflight;
	int fd = memfd_create("vgpu-inflight", MFD_CLOEXEC), ret;

	in.size = inflight_size(in.queue_size) * in.queues;
	in.offset = 0;
	if (fd < 0 || ftruncate(fd, in.size) || map_inflight(v, &in, fd)) {
		log_warn("no record of %u queues of %u", in.queues, in.queue_size);
		in.size = 0;
	}
	ret = reply(v, msg, &in, sizeof(in), in.size ? fd : -1);
	close(fd);
	return ret;
}

static int set_inflight_fd(struct vhost_user *v, struct vhu_msg *msg)
{
	return map_inflight(v, &msg->inflight, msg->fd[0]);
}

static int get_config(struct vhost_user *v, struct vhu_msg *msg)
{
	const struct vhu_config *c = &msg->config;

	v->paused = 0;
	if (c->size > VHU_PAYLOAD_MAX - sizeof(*c))
		return -EPROTO;
	device_config_read(v->d, c->offset, msg->payload + sizeof(*c), c->size);
	return reply(v, msg, msg->payload, sizeof(*c) + c->size, -1);
}

static int set_config(struct vhost_user *v, struct vhu_msg *msg)
{
	const struct vhu_config *c = &msg->config;

	v->paused = 0;
	if (c->size > msg->hdr.size - sizeof(*c))
		return -EPROTO;
	device_config_write(v->d, c->offset, msg->payload + sizeof(*c), c->size);
	return 0;
}

static int gpu_set_socket(struct vhost_user *v, struct vhu_msg *msg)
{
	log_warn("this front end shows the screen itself (vhost-user-gpu), which is another protocol: use QEMU's vhost-user-test-device-pci, see vgpu-host.1");
	return -ECONNRESET;
}

static int reset_device(struct vhost_user *v, struct vhu_msg *msg)
{
	reset(v);
	return 0;
}

static int set_status(struct vhost_user *v, struct vhu_msg *msg)
{
	v->status = msg->number;
	/* QEMU says 0 for a pause, too: set_vring_base() finds out. */
	if (!v->status && !(v->paused & 1u << WIRE_CONTROLQ))
		reset(v);
	return 0;
}

static int get_shmem_config(struct vhost_user *v, struct vhu_msg *msg)
{
	u8 out[8 + 8 * VHU_SHM_REGIONS] = { 0 };

	if (v->d->hostmem.size) {
		put_le32(out, 1);
		put_le64(out + 8 + 8 * VIRTIO_GPU_SHM_ID_HOST_VISIBLE, v->d->hostmem.size);
	}
	return reply(v, msg, out, sizeof(out), -1);
}

/* One row a request: the bytes it has at least, whether it names a ring and brings a file. */
static const struct vhu_row {
	u32 request;
	const char *name;
	int (*fn)(struct vhost_user *v, struct vhu_msg *msg);
	u32 size;
	bool ring, file;
} vhu_table[] = {
#define ROW(req, handler, ...) \
	{ .request = VHU_##req, .name = #req, .fn = handler, .size = __VA_ARGS__ }
	ROW(GET_FEATURES, get_number, 0),
	ROW(SET_FEATURES, set_features, 8),
	ROW(SET_OWNER, no_op, 0),
	ROW(RESET_OWNER, no_op, 0),
	ROW(SET_MEM_TABLE, set_mem_table, 8),
	ROW(SET_VRING_NUM, set_vring_num, 8, .ring = true),
	ROW(SET_VRING_ADDR, set_vring_addr, sizeof(struct vhu_addr), .ring = true),
	ROW(SET_VRING_BASE, set_vring_base, 8, .ring = true),
	ROW(GET_VRING_BASE, get_vring_base, 8, .ring = true),
	ROW(SET_VRING_KICK, set_vring_kick, 8, .ring = true),
	ROW(SET_VRING_CALL, set_vring_call, 8, .ring = true),
	ROW(SET_VRING_ERR, no_op, 8, .ring = true),
	ROW(GET_PROTOCOL_FEATURES, get_number, 0),
	ROW(SET_PROTOCOL_FEATURES, set_protocol_features, 8),
	ROW(GET_QUEUE_NUM, get_number, 0),
	ROW(SET_VRING_ENABLE, set_vring_enable, 8, .ring = true),
	ROW(SET_BACKEND_REQ_FD, set_backend_req_fd, 0, .file = true),
	ROW(GET_CONFIG, get_config, sizeof(struct vhu_config)),
	ROW(SET_CONFIG, set_config, sizeof(struct vhu_config)),
	ROW(GET_INFLIGHT_FD, get_inflight_fd, sizeof(struct vhu_inflight)),
	ROW(SET_INFLIGHT_FD, set_inflight_fd, sizeof(struct vhu_inflight), .file = true),
	ROW(GPU_SET_SOCKET, gpu_set_socket, 0),
	ROW(RESET_DEVICE, reset_device, 0),
	ROW(VRING_KICK, vring_kick, 8, .ring = true),
	ROW(GET_MAX_MEM_SLOTS, get_number, 0),
	ROW(ADD_MEM_REG, add_mem_reg, 8 + sizeof(struct vhu_region), .file = true),
	ROW(REM_MEM_REG, rem_mem_reg, 8 + sizeof(struct vhu_region)),
	ROW(SET_STATUS, set_status, 8),
	ROW(GET_STATUS, get_number, 0),
	ROW(GET_SHMEM_CONFIG, get_shmem_config, 0),
#undef ROW
};

static int vhost_user_call(struct vhost_user *v, struct vhu_msg *msg, const struct vhu_row *row)
{
	u32 queue = msg->number & VHU_VRING_MASK;

	if (msg->hdr.size < row->size || (row->file && msg->nfd != 1))
		return -EPROTO;
	if (row->ring && queue >= WIRE_QUEUES)
		return -EINVAL;
	msg->vq = row->ring ? &v->d->vq[queue] : NULL;
	return row->fn(v, msg);
}

static int vhost_user_handle(struct vhost_user *v, struct vhu_msg *msg)
{
	for (size_t i = 0; i < ARRAY_SIZE(vhu_table); i++) {
		int ret;

		if (vhu_table[i].request != msg->hdr.request)
			continue;
		ret = vhost_user_call(v, msg, &vhu_table[i]);
		if (log_verbose > 1 || ret)
			log_info("%s(%u, %u): %d", vhu_table[i].name,
				 msg->state.index, msg->state.num, ret);
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
		if ((msg.hdr.flags & VHU_FLAG_NEED_REPLY) && vhost_user_has(v, VHU_PF_REPLY_ACK))
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

/* Make a connection without a front end. */
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
	}
	v->offered = BIT64(VHU_PF_MQ) | BIT64(VHU_PF_REPLY_ACK) |
		     BIT64(VHU_PF_BACKEND_REQ) | BIT64(VHU_PF_CONFIG) |
		     BIT64(VHU_PF_INFLIGHT_SHMFD) | BIT64(VHU_PF_RESET_DEVICE) |
		     BIT64(VHU_PF_CONFIGURE_MEM_SLOTS);
}

/* Serve the front end at the other end of a socket, ours from now on. */
void vhost_user_accept(struct vhost_user *v, int fd)
{
	v->fd = fd;
	v->protocol = 0;
	v->status = 0;
	v->extra_status = 0;
	v->paused = 0;
	loop_add(v->loop, fd, vhost_user_readable, v);
}

/* Hang up, and forget what the driver made. */
void vhost_user_close(struct vhost_user *v)
{
	loop_close(v->loop, &v->fd);
	vhost_backend_detach(v);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++) {
		loop_close(v->loop, &v->kick_fd[i]);
		loop_close(v->loop, &v->call_fd[i]);
	}
	device_reset(v->d);
	v->d->fence.off = 0;
	drop_inflight(v);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_reset(&v->d->vq[i]);
	gmem_clear(&v->d->gm);
}
