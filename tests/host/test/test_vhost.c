// SPDX-License-Identifier: MIT
/* The vhost-user connection, from the front end's side. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "vhost_user.h"

#define MEM 0x100000u
#define UVA 0x7000000000ull

struct front {
	struct device d;
	struct loop loop;
	struct vhost_user v;
	int fd, backend, mem_fd;
	u8 *mem;
	bool gone;
};

static void front_gone(void *opaque)
{
	((struct front *)opaque)->gone = true;
}

static struct front *front_create(u64 extra)
{
	static struct front f;
	int sv[2];

	memset(&f, 0, sizeof(f));
	device_init(&f.d, &vhost_user_device_ops, &f.v);
	f.d.hostmem.size = 1 << 20;
	device_start(&f.d);
	vhost_user_init(&f.v, &f.d, &f.loop);
	f.v.offered |= extra;
	f.v.gone = front_gone;
	f.v.opaque = &f;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	f.fd = sv[0];
	f.backend = -1;
	vhost_user_accept(&f.v, sv[1]);
	f.mem_fd = memfd_create("guest", 0);
	CHECK(!ftruncate(f.mem_fd, MEM));
	f.mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED, f.mem_fd, 0);
	return &f;
}

static void front_destroy(struct front *f)
{
	if (f->v.fd >= 0)
		vhost_user_close(&f->v);
	device_fini(&f->d);
	close(f->fd);
	close(f->mem_fd);
	if (f->backend >= 0)
		close(f->backend);
	munmap(f->mem, MEM);
}

/* Let the back end handle whatever can be read of a descriptor. */
static void turn(struct front *f, int fd)
{
	for (unsigned int i = 0; i < f->loop.n; i++)
		if (f->loop.watch[i].fd == fd) {
			f->loop.watch[i].fn(f->loop.watch[i].opaque, fd);
			return;
		}
}

static void send_raw(struct front *f, u32 request, u32 flags, const void *p, u32 size,
		     int fd)
{
	struct vhu_hdr hdr = { request, VHU_VERSION | flags, size };

	CHECK(!vhu_send(f->fd, &hdr, p, fd));
	turn(f, f->v.fd);
}

/* Every request is acknowledged; returns what the acknowledgement says. */
static u64 send_ack(struct front *f, u32 request, const void *p, u32 size, int fd)
{
	struct vhu_msg msg;

	send_raw(f, request, VHU_FLAG_NEED_REPLY, p, size, fd);
	if (vhu_recv(f->fd, &msg))
		return UINT64_MAX;
	CHECK_EQ(msg.hdr.request, request);
	CHECK_EQ(msg.hdr.flags, VHU_VERSION | VHU_FLAG_REPLY);
	CHECK_EQ(msg.hdr.size, 8);
	return get_le64(msg.payload);
}

static u64 ask_u64(struct front *f, u32 request)
{
	struct vhu_msg msg;

	send_raw(f, request, 0, NULL, 0, -1);
	CHECK(!vhu_recv(f->fd, &msg));
	return get_le64(msg.payload);
}

static void set_state(struct front *f, u32 request, u32 index, u32 num)
{
	struct vhu_state s = { index, num };

	CHECK_EQ(send_ack(f, request, &s, sizeof(s), -1), 0);
}

/* What a front end says of a ring before it starts. */
static void set_ring(struct front *f, u32 q, u32 base)
{
	u64 at = UVA + q * 0x4000;
	struct vhu_addr a = { q, 0, at, at + 0x2000, at + 0x1000, ~0ull };

	set_state(f, VHU_SET_VRING_NUM, q, 16);
	set_state(f, VHU_SET_VRING_BASE, q, base);
	CHECK_EQ(send_ack(f, VHU_SET_VRING_ADDR, &a, sizeof(a), -1), 0);
}

static void negotiate(struct front *f, u64 protocol, u64 features)
{
	struct { u32 n, pad; struct vhu_region r; } table = {
		1, 0, { 0x1000000, MEM, UVA, 0 } };
	int sv[2];
	u64 offered = ask_u64(f, VHU_GET_FEATURES);

	CHECK(offered & BIT64(VHU_F_PROTOCOL_FEATURES));
	protocol &= ask_u64(f, VHU_GET_PROTOCOL_FEATURES);
	send_raw(f, VHU_SET_PROTOCOL_FEATURES, 0, &protocol, 8, -1);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_EQ(send_ack(f, VHU_SET_BACKEND_REQ_FD, NULL, 0, sv[1]), 0);
	close(sv[1]);
	f->backend = sv[0];
	features |= BIT64(VHU_F_PROTOCOL_FEATURES) | BIT64(VIRTIO_F_VERSION_1);
	CHECK_EQ(send_ack(f, VHU_SET_FEATURES, &features, 8, -1), 0);
	CHECK_EQ(send_ack(f, VHU_SET_MEM_TABLE, &table, sizeof(table), f->mem_fd), 0);
	for (u32 q = 0; q < WIRE_QUEUES; q++)
		set_ring(f, q, f->d.vq[q].packed ? 0x80008000 : 0);
}

/* A descriptor of the control queue; split rings have @next where packed rings have the id. */
static void put_desc(struct front *f, u16 slot, u64 gpa, u32 len, u16 flags, u16 next)
{
	u8 *d = f->mem + 16 * slot;

	put_le64(d, gpa);
	put_le32(d + 8, len);
	put_le16(d + 12, f->d.vq[0].packed ? next : flags);
	put_le16(d + 14, f->d.vq[0].packed ? flags : next);
}

/*
 * GET_DISPLAY_INFO as the n-th request of the control queue, in the two descriptors from
 * @head on; the response lands at 0x11000 + 0x1000 * head.
 */
static void put_request_at(struct front *f, u16 n, u16 head)
{
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO };
	bool packed = f->d.vq[0].packed;
	u16 avail = packed ? n / 8 % 2 ? 0x8000 : 0x80 : 0;

	wire_hdr_put(f->mem + 0x10000, &h);
	put_desc(f, head + 1, 0x1011000 + 0x1000 * head, 408, 2 | avail, packed ? head : 0);
	put_desc(f, head, 0x1010000, 24, 1 | avail, packed ? head : head + 1);
	if (packed)
		return;
	put_le16(f->mem + 0x1004 + 2 * (n % 16), head);
	put_le16(f->mem + 0x1002, n + 1);
}

static void put_request(struct front *f, u16 n)
{
	put_request_at(f, n, 0);
}

static u16 used_index(struct front *f)
{
	return get_le16(f->mem + 0x2002);
}

#define ALL_PF (~0ull & ~BIT64(VHU_PF_INBAND_NOTIFICATIONS))

static void vhost_test_eventfd(void)
{
	struct front *f = front_create(0);
	int kick = eventfd(0, 0), call = eventfd(0, EFD_NONBLOCK);
	u64 one = 1, index = 0;

	negotiate(f, ALL_PF, 0);
	CHECK_EQ(send_ack(f, VHU_SET_VRING_CALL, &index, 8, call), 0);
	CHECK_EQ(send_ack(f, VHU_SET_VRING_KICK, &index, 8, kick), 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	put_request(f, 0);
	CHECK_EQ(write(kick, &one, 8), 8);
	turn(f, f->v.kick_fd[0]);
	CHECK_EQ(used_index(f), 1);
	CHECK_EQ(get_le32(f->mem + 0x11000), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	CHECK_EQ(read(call, &one, 8), 8);
	/* Disabled, nothing is taken; enabled again, it is. */
	set_state(f, VHU_SET_VRING_ENABLE, 0, 0);
	put_request(f, 1);
	CHECK_EQ(write(kick, &one, 8), 8);
	turn(f, f->v.kick_fd[0]);
	CHECK_EQ(used_index(f), 1);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	CHECK_EQ(used_index(f), 2);
	close(kick);
	close(call);
	front_destroy(f);
}

static void vhost_test_inband(void)
{
	struct front *f = front_create(BIT64(VHU_PF_INBAND_NOTIFICATIONS));
	struct vhu_msg msg;

	negotiate(f, ~0ull, 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	put_request(f, 0);
	set_state(f, VHU_VRING_KICK, 0, 0);
	/* When the kick is acknowledged everything has happened. */
	CHECK_EQ(used_index(f), 1);
	CHECK(!vhu_recv(f->backend, &msg));
	CHECK_EQ(msg.hdr.request, VHU_BACKEND_VRING_CALL);
	CHECK_EQ(msg.hdr.flags, VHU_VERSION);
	CHECK_EQ(get_le32(msg.payload), 0);
	front_destroy(f);
}

static void vhost_test_inband_needs_others(void)
{
	struct front *f = front_create(BIT64(VHU_PF_INBAND_NOTIFICATIONS));
	u64 bits = BIT64(VHU_PF_INBAND_NOTIFICATIONS) | BIT64(VHU_PF_REPLY_ACK);

	send_raw(f, VHU_SET_PROTOCOL_FEATURES, 0, &bits, 8, -1);
	CHECK(f->gone);
	front_destroy(f);
}

static void vhost_test_config(void)
{
	struct front *f = front_create(0);
	struct { struct vhu_config c; u8 bytes[24]; } conf = { { 0, 24, 0 }, { 0 } };
	struct vhu_msg msg;

	negotiate(f, ALL_PF, 0);
	send_raw(f, VHU_GET_CONFIG, 0, &conf, sizeof(conf), -1);
	CHECK(!vhu_recv(f->fd, &msg));
	CHECK_EQ(msg.hdr.size, sizeof(conf));
	CHECK_EQ(get_le32(msg.payload + 12 + 8), 1);
	CHECK(device_output(&f->d, 0, "640x480"));
	CHECK(!vhu_recv(f->backend, &msg));
	CHECK_EQ(msg.hdr.request, VHU_BACKEND_CONFIG_CHANGE);
	CHECK_EQ(f->d.config.events_read, 1);
	conf.c.offset = 4;
	conf.c.size = 4;
	conf.bytes[0] = 1;
	CHECK_EQ(send_ack(f, VHU_SET_CONFIG, &conf, 16, -1), 0);
	CHECK_EQ(f->d.config.events_read, 0);
	CHECK_EQ(f->d.bugs.count, 0);
	front_destroy(f);
}

/* Stop the control queue, as when the machine pauses; returns where it stands. */
static u32 pause_ring(struct front *f)
{
	struct vhu_state s = { 0, 0 };
	struct vhu_msg msg;

	set_state(f, VHU_SET_VRING_ENABLE, 0, 0);
	send_raw(f, VHU_GET_VRING_BASE, 0, &s, sizeof(s), -1);
	CHECK(!vhu_recv(f->fd, &msg));
	return get_le32(msg.payload + 4);
}

static void resume_ring(struct front *f, u32 base)
{
	set_ring(f, 0, base);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
}

static void kick(struct front *f)
{
	set_state(f, VHU_VRING_KICK, 0, 0);
}

/* The id of the n-th buffer in the used ring of the control queue, -1: it is not there. */
static int used_id(struct front *f, u16 n)
{
	const u8 *d = f->mem + 16 * (2 * n % 16);

	if (!f->d.vq[0].packed)
		return n < used_index(f) ? (int)get_le32(f->mem + 0x2004 + 8 * n) : -1;
	return (get_le16(d + 14) & 0x8080) == (n / 8 % 2 ? 0 : 0x8080) ? get_le16(d + 12) : -1;
}

static bool answered(struct front *f, u16 head)
{
	return get_le32(f->mem + 0x11000 + 0x1000 * head) == VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

static struct front *front_started(u64 features)
{
	struct front *f = front_create(BIT64(VHU_PF_INBAND_NOTIFICATIONS) |
				       BIT64(VHU_PF_STATUS));

	f->d.opt.features |= features;
	negotiate(f, ~0ull, features);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	return f;
}

/* Ask for the record of unanswered buffers; returns its file. */
static int get_record(struct front *f, u16 queue_size)
{
	struct vhu_inflight in = { .queues = WIRE_QUEUES, .queue_size = queue_size };
	struct vhu_msg msg;

	send_raw(f, VHU_GET_INFLIGHT_FD, 0, &in, sizeof(in), -1);
	CHECK(!vhu_recv(f->fd, &msg));
	CHECK_EQ(msg.hdr.size, sizeof(in));
	memcpy(&in, msg.payload, sizeof(in));
	CHECK_EQ(in.size, msg.nfd ? WIRE_QUEUES * inflight_size(queue_size) : 0);
	return msg.nfd ? msg.fd[0] : -1;
}

/* How many requests wait for an answer; the first of them is ready from now on. */
static u64 let_first_go(struct front *f)
{
	if (f->d.fence.count)
		TAILQ_FIRST(&f->d.fence.jobs)->wait_kicks = 0;
	return f->d.fence.count;
}

static void pause_in_flight(u64 features, bool record)
{
	struct front *f = front_started(features);
	u64 status = 0;
	u32 base;

	if (record)
		close(get_record(f, 16));
	f->d.fence.held = true;
	put_request_at(f, 0, 0);
	put_request_at(f, 1, 2);
	kick(f);
	CHECK_EQ(f->d.fence.count, 2);
	/* The second is answered, the first is not. */
	TAILQ_FIRST(&f->d.fence.jobs)->wait_kicks = 2;
	f->d.fence.held = false;
	device_answer_ready(&f->d);
	CHECK_EQ(used_id(f, 0), 2);
	put_request_at(f, 2, 4);
	base = pause_ring(f);
	CHECK_EQ(send_ack(f, VHU_SET_STATUS, &status, 8, -1), 0);
	CHECK_EQ(base, f->d.vq[0].packed ? 0x80028004 : 2);
	/* Stopped, nothing is written, whatever gets ready. */
	CHECK_EQ(let_first_go(f), 1);
	device_answer_ready(&f->d);
	CHECK(!answered(f, 0) && answered(f, 2) && !answered(f, 4));
	resume_ring(f, base);
	CHECK(answered(f, 0) && answered(f, 2) && answered(f, 4));
	CHECK_EQ(used_id(f, 1) + used_id(f, 2), 4);
	CHECK_EQ(used_id(f, 3), -1);
	CHECK_EQ(f->d.fence.count, 0);
	CHECK_EQ(f->d.stats.resets, 0);
	CHECK_EQ(f->d.bugs.count, 0);
	put_request_at(f, 3, 6);
	kick(f);
	CHECK_EQ(used_id(f, 3), 6);
	front_destroy(f);
}

static void vhost_test_pause_split(void)
{
	pause_in_flight(0, false);
	pause_in_flight(0, true);
}

static void vhost_test_pause_packed(void)
{
	pause_in_flight(BIT64(VIRTIO_F_RING_PACKED), false);
	pause_in_flight(BIT64(VIRTIO_F_RING_PACKED), true);
}

enum crash {
	CRASH_IDLE,
	CRASH_AFTER_RETURN,	/* the driver sees the buffer, the record does not say so */
	CRASH_BEFORE_RETURN,	/* the record was about to say so, the driver sees nothing */
};

/* Put a record back to where it was within the return of the second request. */
static void rewind_record(struct front *f, u8 *record, enum crash crash)
{
	bool packed = f->d.vq[0].packed;

	if (crash == CRASH_IDLE)
		return;
	record[32 + 32 * (packed ? 2 : 1)] = 1;			/* inflight */
	put_le16(record + 14, packed ? 6 : 3);			/* old_free_head */
	put_le16(record + 18, 0);				/* old_used_idx */
	if (crash == CRASH_BEFORE_RETURN && packed)
		put_request_at(f, 0, 0);
	else if (crash == CRASH_BEFORE_RETURN)
		put_le16(f->mem + 0x2002, 0);
}

static unsigned int in_record(const u8 *record)
{
	unsigned int n = 0;

	for (u16 i = 0; i < 16; i++)
		n += record[32 + 32 * i];
	return n;
}

/* Another process goes on with the rings and the record of one that crashed. */
static void crash_and_go_on(u64 features, enum crash crash)
{
	static u8 mem[MEM];
	struct front *f = front_started(features);
	int fd = get_record(f, 16);
	struct vhu_inflight in = { WIRE_QUEUES * inflight_size(16), 0, WIRE_QUEUES, 16 };
	u8 *record = mmap(NULL, in.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	u16 first = crash == CRASH_BEFORE_RETURN ? 0 : 1;
	/* The fourth request takes the second one's place in the record, before the crash. */
	u16 fourth = crash == CRASH_IDLE && !f->d.vq[0].packed ? 2 : 6;

	f->d.fence.held = true;
	for (u16 i = 0; i < 3; i++)
		put_request_at(f, i, 2 * i);
	kick(f);
	CHECK_EQ(f->d.fence.count, 3);
	TAILQ_FIRST(&f->d.fence.jobs)->wait_kicks = 9;
	TAILQ_LAST(&f->d.fence.jobs, job_list)->wait_kicks = 9;
	f->d.fence.held = false;
	device_answer_ready(&f->d);
	CHECK_EQ(used_id(f, 0), 2);
	f->d.fence.held = true;
	if (crash == CRASH_IDLE) {
		put_request_at(f, 3, fourth);
		kick(f);
	}
	rewind_record(f, record, crash);
	memcpy(mem, f->mem, MEM);
	front_destroy(f);

	f = front_create(BIT64(VHU_PF_INBAND_NOTIFICATIONS));
	f->d.opt.features |= features;
	memcpy(f->mem, mem, MEM);
	negotiate(f, ~0ull, features);
	CHECK_EQ(send_ack(f, VHU_SET_INFLIGHT_FD, &in, sizeof(in), fd), 0);
	if (crash != CRASH_IDLE)
		put_request_at(f, 3, fourth);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	CHECK_EQ(f->d.stats.answers, first ? 3 : 4);
	CHECK_EQ(used_id(f, first), 0);
	CHECK_EQ(used_id(f, 1), first ? 0 : 2);
	CHECK_EQ(used_id(f, 2), 4);
	CHECK_EQ(used_id(f, 3), fourth);
	CHECK_EQ(f->d.bugs.count, 0);
	CHECK_EQ(in_record(record), 0);
	/* The record loses no entry. */
	for (u16 i = 4; i < 40; i++) {
		f->d.fence.held = i == 39;
		put_request_at(f, i, 2 * i % 16);
		kick(f);
	}
	CHECK_EQ(f->d.stats.answers, first ? 38 : 39);
	CHECK_EQ(in_record(record), 1);
	munmap(record, in.size);
	close(fd);
	front_destroy(f);
}

static void vhost_test_crash(void)
{
	for (enum crash c = CRASH_IDLE; c <= CRASH_BEFORE_RETURN; c++) {
		crash_and_go_on(0, c);
		crash_and_go_on(BIT64(VIRTIO_F_RING_PACKED), c);
	}
}

/* What was in flight at a reset is not taken again. */
static void vhost_test_record_and_reset(void)
{
	struct front *f = front_started(0);
	struct vhu_inflight small = { inflight_size(16), 0, WIRE_QUEUES, 16 };
	int fd = get_record(f, 16);

	f->d.fence.held = true;
	put_request_at(f, 0, 0);
	kick(f);
	CHECK_EQ(pause_ring(f), 1);
	f->d.fence.held = false;
	put_le16(f->mem + 0x1002, 0);
	resume_ring(f, 0);
	CHECK_EQ(f->d.stats.resets, 1);
	CHECK_EQ(f->d.stats.answers, 0);
	put_request_at(f, 0, 0);
	kick(f);
	CHECK_EQ(f->d.stats.answers, 1);
	CHECK(send_ack(f, VHU_SET_INFLIGHT_FD, &small, sizeof(small), fd) != 0);
	CHECK_EQ(get_record(f, 0), -1ull);
	close(fd);
	front_destroy(f);
}

/* A ring that stands at its start by chance is no reset; if the driver was there meanwhile, it is. */
static void vhost_test_pause_at_the_start(void)
{
	struct front *f = front_started(BIT64(VIRTIO_F_RING_PACKED));
	struct vhu_config c = { 0, 4, 0 };
	struct { struct vhu_config c; u32 v; } conf = { c, 0 };
	struct vhu_msg msg;

	for (u16 i = 0; i < 16; i++) {
		put_request_at(f, i, 2 * i % 16);
		kick(f);
		CHECK_EQ(used_id(f, i), 2 * i % 16);
	}
	CHECK_EQ(pause_ring(f), 0x80008000);
	resume_ring(f, 0x80008000);
	CHECK_EQ(f->d.stats.resets, 0);
	CHECK_EQ(pause_ring(f), 0x80008000);
	send_raw(f, VHU_GET_CONFIG, 0, &conf, sizeof(conf), -1);
	CHECK(!vhu_recv(f->fd, &msg));
	resume_ring(f, 0x80008000);
	CHECK_EQ(f->d.stats.resets, 1);
	front_destroy(f);
}

/* Where the front end begins at a place of its own, the ring says what was returned. */
static void vhost_test_base_of_another(void)
{
	struct front *f = front_started(0);

	pause_ring(f);
	put_le16(f->mem + 0x2002, 2);
	put_request_at(f, 3, 6);
	resume_ring(f, 3);
	CHECK_EQ(used_index(f), 3);
	CHECK_EQ(used_id(f, 2), 6);
	front_destroy(f);
}

static void vhost_test_stop_and_reset(void)
{
	struct front *f = front_create(BIT64(VHU_PF_STATUS));
	u64 index = 0, status = 0;
	int kick_fd = eventfd(0, 0);

	negotiate(f, ALL_PF, 0);
	CHECK_EQ(send_ack(f, VHU_SET_VRING_KICK, &index, 8, kick_fd), 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	f->d.fence.held = true;
	put_request(f, 0);
	device_kick(&f->d, 0);
	CHECK_EQ(f->d.fence.count, 1);
	CHECK_EQ(pause_ring(f), 1);
	CHECK_EQ(used_index(f), 0);
	CHECK_EQ(f->v.kick_fd[0], (unsigned long long)-1);
	f->v.extra_status = VIRTIO_CONFIG_S_NEEDS_RESET;
	CHECK_EQ(ask_u64(f, VHU_GET_STATUS), VIRTIO_CONFIG_S_NEEDS_RESET);
	/* QEMU says so of a pause, too; that the queue begins anew tells. */
	CHECK_EQ(send_ack(f, VHU_SET_STATUS, &status, 8, -1), 0);
	CHECK_EQ(f->d.stats.resets, 0);
	set_ring(f, 0, 0);
	CHECK_EQ(f->d.fence.count, 0);
	CHECK_EQ(f->d.stats.resets, 1);
	/* While the queue is not stopped it is a reset. */
	f->d.dirty = true;
	CHECK_EQ(send_ack(f, VHU_SET_STATUS, &status, 8, -1), 0);
	CHECK_EQ(f->d.stats.resets, 2);
	CHECK_EQ(ask_u64(f, VHU_GET_STATUS), 0);
	close(kick_fd);
	front_destroy(f);
}

/* Answers of a disabled queue wait, and are forgotten when it starts anew. */
static void vhost_test_disabled_queue(void)
{
	struct front *f = front_create(BIT64(VHU_PF_INBAND_NOTIFICATIONS));

	negotiate(f, ~0ull, 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	f->d.fence.held = true;
	put_request(f, 0);
	set_state(f, VHU_VRING_KICK, 0, 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 0);
	f->d.fence.held = false;
	device_answer_ready(&f->d);
	CHECK_EQ(used_index(f), 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	CHECK_EQ(used_index(f), 1);
	f->d.fence.held = true;
	put_request(f, 1);
	set_state(f, VHU_VRING_KICK, 0, 0);
	CHECK_EQ(f->d.fence.count, 1);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 0);
	set_state(f, VHU_SET_VRING_BASE, 0, 0);
	CHECK_EQ(f->d.fence.count, 0);
	front_destroy(f);
}

/* Without the bit for protocol features queues are enabled from the start, and again. */
static void vhost_test_queues_nobody_enables(void)
{
	struct front *f = front_create(BIT64(VHU_PF_INBAND_NOTIFICATIONS));
	u64 features = BIT64(VIRTIO_F_VERSION_1);

	negotiate(f, ~0ull, 0);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 1);
	set_state(f, VHU_SET_VRING_ENABLE, 0, 0);
	CHECK_EQ(send_ack(f, VHU_SET_FEATURES, &features, 8, -1), 0);
	put_request(f, 0);
	set_state(f, VHU_VRING_KICK, 0, 0);
	CHECK_EQ(used_index(f), 1);
	front_destroy(f);
}

/* A front end that knows no reset: the control queue begins anew. */
static void vhost_test_implied_reset(void)
{
	struct front *f = front_create(0);

	negotiate(f, BIT64(VHU_PF_REPLY_ACK) | BIT64(VHU_PF_BACKEND_REQ), 0);
	f->d.dirty = true;
	set_state(f, VHU_SET_VRING_BASE, 1, 0);
	CHECK_EQ(f->d.stats.resets, 0);
	/* Going on where it stood is none. */
	set_state(f, VHU_SET_VRING_BASE, 0, 7);
	CHECK_EQ(f->d.stats.resets, 0);
	set_state(f, VHU_SET_VRING_BASE, 0, 0);
	CHECK_EQ(f->d.stats.resets, 1);
	front_destroy(f);
}

static void vhost_test_memory_slots(void)
{
	struct front *f = front_create(0);
	struct { u64 pad; struct vhu_region r; } reg = {
		0, { 0x8000000, 0x1000, 0x123000, 0x1000 } };

	negotiate(f, ALL_PF, 0);
	CHECK_EQ(ask_u64(f, VHU_GET_MAX_MEM_SLOTS), GMEM_MAX_REGIONS);
	CHECK_EQ(send_ack(f, VHU_ADD_MEM_REG, &reg, sizeof(reg), f->mem_fd), 0);
	CHECK(gmem_valid(&f->d.gm, 0x8000000, 0x1000));
	CHECK_EQ(send_ack(f, VHU_REM_MEM_REG, &reg, sizeof(reg), -1), 0);
	CHECK(!gmem_valid(&f->d.gm, 0x8000000, 1));
	CHECK(send_ack(f, VHU_REM_MEM_REG, &reg, sizeof(reg), -1) != 0);
	reg.r.offset = MEM;
	CHECK(send_ack(f, VHU_ADD_MEM_REG, &reg, sizeof(reg), f->mem_fd) != 0);
	front_destroy(f);
}

static void memory_away_and_back(u64 features)
{
	struct front *f = front_started(features);
	struct { u64 pad; struct vhu_region r; } reg = { 0, { 0x1000000, MEM, UVA, 0 } };

	put_request_at(f, 0, 0);
	kick(f);
	CHECK_EQ(send_ack(f, VHU_REM_MEM_REG, &reg, sizeof(reg), -1), 0);
	put_request_at(f, 1, 2);
	kick(f);
	CHECK_EQ(used_id(f, 1), -1);
	CHECK_EQ(send_ack(f, VHU_ADD_MEM_REG, &reg, sizeof(reg), f->mem_fd), 0);
	/* Neither the place in the ring nor the kick was lost. */
	CHECK_EQ(used_id(f, 0), 0);
	CHECK_EQ(used_id(f, 1), 2);
	CHECK_EQ(f->d.bugs.count, 0);
	front_destroy(f);
}

static void vhost_test_memory_of_the_rings(void)
{
	memory_away_and_back(0);
	memory_away_and_back(BIT64(VIRTIO_F_RING_PACKED));
}

static void vhost_test_window(void)
{
	struct front *f = front_create(BIT64(VHU_PF_SHMEM));
	struct vhu_hdr ack = { VHU_BACKEND_SHMEM_MAP, VHU_VERSION | VHU_FLAG_REPLY, 8 };
	struct vhu_msg msg;
	struct vhu_mmap map;
	u64 zero = 0;

	negotiate(f, ALL_PF, 0);
	send_raw(f, VHU_GET_SHMEM_CONFIG, 0, NULL, 0, -1);
	CHECK(!vhu_recv(f->fd, &msg));
	CHECK_EQ(get_le32(msg.payload), 1);
	CHECK_EQ(get_le64(msg.payload + 8 + 8), 1 << 20);
	CHECK_EQ(vhost_user_device_ops.shm(&f->v, 7, 8192, 4096, f->mem_fd),
		 SHM_PENDING);
	CHECK(!vhu_recv(f->backend, &msg));
	CHECK_EQ(msg.hdr.request, VHU_BACKEND_SHMEM_MAP);
	CHECK(msg.hdr.flags & VHU_FLAG_NEED_REPLY);
	CHECK_EQ(msg.nfd, 1);
	close(msg.fd[0]);
	memcpy(&map, msg.payload, sizeof(map));
	CHECK_EQ(map.shmid, 1);
	CHECK_EQ(map.shm_offset, 8192);
	CHECK_EQ(map.len, 4096);
	CHECK_EQ(map.flags, 1);
	CHECK_EQ(f->v.npending, 1);
	CHECK(!vhu_send(f->backend, &ack, &zero, -1));
	turn(f, f->v.backend_fd);
	CHECK_EQ(f->v.npending, 0);
	front_destroy(f);
}

static void malformed(u32 request, const void *p, u32 size)
{
	struct front *f = front_create(0);

	send_raw(f, request, 0, p, size, -1);
	CHECK(f->gone);
	front_destroy(f);
}

static void vhost_test_malformed(void)
{
	struct vhu_config config = { 0, 5000, 0 };
	u32 many[2] = { 9, 0 };

	malformed(VHU_SET_FEATURES, many, 4);
	malformed(VHU_SET_MEM_TABLE, many, 8);
	malformed(VHU_SET_VRING_NUM, many, 4);
	malformed(VHU_GET_CONFIG, &config, sizeof(config));
	malformed(VHU_SET_CONFIG, &config, sizeof(config));
	malformed(VHU_SET_BACKEND_REQ_FD, NULL, 0);
	malformed(VHU_ADD_MEM_REG, many, 8);
}

static void vhost_test_bad_requests(void)
{
	struct front *f = front_create(0);
	struct vhu_state s = { 5, 16 };
	struct vhu_addr a = { 0, 0, 1, 2, 3, 0 };
	struct vhu_hdr bad = { VHU_GET_FEATURES, 2, 0 };

	negotiate(f, ALL_PF, 0);
	CHECK(send_ack(f, VHU_SET_VRING_NUM, &s, sizeof(s), -1) != 0);
	s.index = 0;
	s.num = 0;
	CHECK(send_ack(f, VHU_SET_VRING_NUM, &s, sizeof(s), -1) != 0);
	CHECK(send_ack(f, VHU_SET_VRING_ADDR, &a, sizeof(a), -1) != 0);
	CHECK(send_ack(f, 200, NULL, 0, -1) != 0);
	CHECK(!f->gone);
	CHECK(!vhu_send(f->fd, &bad, NULL, -1));
	turn(f, f->v.fd);
	CHECK(f->gone);
	front_destroy(f);
}

/* vhost-user-gpu-pci cannot be served; the driver is not to blame. */
static void vhost_test_other_front_end(void)
{
	struct front *f = front_create(0);

	negotiate(f, ALL_PF, 0);
	send_raw(f, VHU_GPU_SET_SOCKET, 0, NULL, 0, f->mem_fd);
	CHECK(f->gone);
	CHECK_EQ(f->d.bugs.count, 0);
	front_destroy(f);
}

static void vhost_test_hang_up(void)
{
	struct front *f = front_create(0);
	int kick = eventfd(0, 0);
	u64 index = 0;

	negotiate(f, ALL_PF, 0);
	CHECK_EQ(send_ack(f, VHU_SET_VRING_KICK, &index, 8, kick), 0);
	shutdown(f->fd, SHUT_RDWR);
	turn(f, f->v.fd);
	CHECK(f->gone);
	CHECK_EQ(f->loop.n, 0);
	CHECK_EQ(f->d.gm.n, 0);
	close(kick);
	front_destroy(f);
}

const struct test_case vhost_tests[] = {
	TEST(vhost_test_eventfd),
	TEST(vhost_test_inband),
	TEST(vhost_test_inband_needs_others),
	TEST(vhost_test_config),
	TEST(vhost_test_pause_split),
	TEST(vhost_test_pause_packed),
	TEST(vhost_test_pause_at_the_start),
	TEST(vhost_test_crash),
	TEST(vhost_test_record_and_reset),
	TEST(vhost_test_base_of_another),
	TEST(vhost_test_stop_and_reset),
	TEST(vhost_test_disabled_queue),
	TEST(vhost_test_queues_nobody_enables),
	TEST(vhost_test_implied_reset),
	TEST(vhost_test_memory_slots),
	TEST(vhost_test_memory_of_the_rings),
	TEST(vhost_test_window),
	TEST(vhost_test_malformed),
	TEST(vhost_test_bad_requests),
	TEST(vhost_test_other_front_end),
	TEST(vhost_test_hang_up),
	{ 0 },
};
