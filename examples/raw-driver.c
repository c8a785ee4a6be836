// SPDX-License-Identifier: MIT
/*
 * raw-driver: the smallest driver of a virtio-gpu device, for authors of drivers of other systems.
 *
 *   vgpu-host --socket vu.sock --control ctl.sock &
 *   raw-driver vu.sock 'vgpu-host --ctl ctl.sock png 0 screen.png'
 *
 * It asks for the size of the display, shows a picture, runs the command, and takes the picture
 * away again. With --bug it then destroys a resource that does not exist, which vgpu-host reports.
 *
 * The upper half, ring and commands, is what a driver does, with the numbers of the virtio
 * specification (1.3: 2.7 split virtqueues, 5.7 GPU device). The lower half stands for the machine:
 * it lends vgpu-host some memory as the guest's, by the vhost-user protocol, where QEMU would. An
 * emulated machine that speaks vhost-user runs your driver instead, without any of this.
 *
 * Only for little-endian machines, as the device is.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The guest's memory, from guest address 0 on, and what is where. */
#define MEMORY_BYTES	(16u << 20)
#define RING_ENTRIES	16
#define DESCRIPTORS	0x0000
#define AVAILABLE	0x1000
#define USED		0x2000
#define REQUEST		0x3000
#define RESPONSE	0x4000
#define PIXELS		0x100000

static uint8_t *memory;
static int kick_fd, call_fd;

/* ---- the control queue: a split virtqueue ---- */

struct descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

#define DESC_NEXT	1
#define DESC_WRITE	2

struct available {
	uint16_t flags, idx, ring[RING_ENTRIES];
};

struct used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[RING_ENTRIES];
};

/* Put one request into the ring, ring the bell, and wait for the answer. */
static uint32_t ring_send(uint32_t request_bytes, uint32_t response_bytes)
{
	struct descriptor *desc = (void *)(memory + DESCRIPTORS);
	struct available *avail = (void *)(memory + AVAILABLE);
	struct used *used = (void *)(memory + USED);
	uint16_t seen = used->idx;
	uint64_t one = 1, count;

	desc[0] = (struct descriptor){ REQUEST, request_bytes, DESC_NEXT, 1 };
	desc[1] = (struct descriptor){ RESPONSE, response_bytes, DESC_WRITE, 0 };
	avail->ring[avail->idx % RING_ENTRIES] = 0;
	/* The device must see the entry before the index. */
	__atomic_store_n(&avail->idx, avail->idx + 1, __ATOMIC_RELEASE);
	if (write(kick_fd, &one, sizeof(one)) != sizeof(one))
		err(1, "kick");
	/* The device has made the descriptor non-blocking for its own use. */
	while (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) == seen)
		if (poll(&(struct pollfd){ call_fd, POLLIN, 0 }, 1, -1) < 0 ||
		    read(call_fd, &count, sizeof(count)) < 0)
			err(1, "call");
	return used->ring[seen % RING_ENTRIES].len;
}

/* ---- the commands (virtio 1.3, 5.7.6) ---- */

enum {
	GET_DISPLAY_INFO = 0x100, RESOURCE_CREATE_2D, RESOURCE_UNREF, SET_SCANOUT, RESOURCE_FLUSH,
	TRANSFER_TO_HOST_2D, RESOURCE_ATTACH_BACKING, RESOURCE_DETACH_BACKING,
	OK_NODATA = 0x1100, OK_DISPLAY_INFO, ERR_INVALID_RESOURCE_ID = 0x1203,
};

#define FORMAT_B8G8R8X8	2

struct header {
	uint32_t type, flags;
	uint64_t fence_id;
	uint32_t ctx_id, padding;
};

struct rect {
	uint32_t x, y, w, h;
};

/* Send @type with what follows the header, and check the answer. */
static void command(uint32_t type, const void *body, uint32_t bytes, uint32_t want_type, uint32_t want_bytes)
{
	struct header *request = (void *)(memory + REQUEST), *response = (void *)(memory + RESPONSE);
	uint32_t got;

	*request = (struct header){ .type = type };
	memcpy(request + 1, body, bytes);
	memset(response, 0, want_bytes);
	got = ring_send(sizeof(*request) + bytes, want_bytes);
	if (got < sizeof(*response) || response->type != want_type)
		errx(1, "command 0x%x: answer 0x%x of %u bytes", type, response->type, got);
}

#define COMMAND(type, ...) do {							\
	uint32_t body[] = { __VA_ARGS__ };					\
	command(type, body, sizeof(body), OK_NODATA, sizeof(struct header));	\
} while (0)

static void show(const char *while_shown)
{
	struct rect r;
	uint32_t x, y;

	/* The answer has 16 times a rectangle, whether it is enabled, and flags. */
	command(GET_DISPLAY_INFO, NULL, 0, OK_DISPLAY_INFO, sizeof(struct header) + 16 * 24);
	memcpy(&r, memory + RESPONSE + sizeof(struct header), sizeof(r));
	printf("display of %ux%u\n", r.w, r.h);
	if (!r.w || !r.h || PIXELS + (uint64_t)r.w * r.h * 4 > MEMORY_BYTES)
		errx(1, "no memory for this display");

	COMMAND(RESOURCE_CREATE_2D, 1, FORMAT_B8G8R8X8, r.w, r.h);
	/* One piece of memory: its address in two halves, its length. */
	COMMAND(RESOURCE_ATTACH_BACKING, 1, 1, PIXELS, 0, r.w * r.h * 4, 0);
	COMMAND(SET_SCANOUT, 0, 0, r.w, r.h, 0, 1);

	for (y = 0; y < r.h; y++)
		for (x = 0; x < r.w; x++)
			((uint32_t *)(memory + PIXELS))[y * r.w + x] = x * 255 / r.w << 16 | y * 255 / r.h;
	/* To the host's copy of the resource, and from there to the screen. */
	COMMAND(TRANSFER_TO_HOST_2D, 0, 0, r.w, r.h, 0, 0, 1, 0);
	COMMAND(RESOURCE_FLUSH, 0, 0, r.w, r.h, 1, 0);

	if (while_shown && system(while_shown))
		errx(1, "%s failed", while_shown);

	COMMAND(SET_SCANOUT, 0, 0, 0, 0, 0, 0);
	COMMAND(RESOURCE_DETACH_BACKING, 1, 0);
	COMMAND(RESOURCE_UNREF, 1, 0);
}

/* ---- the machine: a vhost-user front end ---- */

enum {
	GET_FEATURES = 1, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 5, SET_VRING_NUM = 8, SET_VRING_ADDR,
	SET_VRING_BASE, SET_VRING_KICK = 12, SET_VRING_CALL, GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES, SET_VRING_ENABLE = 18,
};

#define F_PROTOCOL	(1ull << 30)
#define F_VERSION_1	(1ull << 32)

static int sock;

static void tell(uint32_t request, const void *body, uint32_t bytes, int fd)
{
	uint32_t head[3] = { request, 1, bytes };
	struct iovec iov[2] = { { head, sizeof(head) }, { (void *)body, bytes } };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &msg, 0) != (ssize_t)(sizeof(head) + bytes))
		err(1, "vhost-user request %u", request);
}

static uint64_t ask(uint32_t request)
{
	struct {
		uint32_t head[3];
		uint64_t value;
	} __attribute__((packed)) answer;

	tell(request, NULL, 0, -1);
	if (recv(sock, &answer, sizeof(answer), MSG_WAITALL) != sizeof(answer))
		err(1, "vhost-user answer %u", request);
	return answer.value;
}

static void tell_u64(uint32_t request, uint64_t value, int fd)
{
	tell(request, &value, sizeof(value), fd);
}

static void machine_start(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	uint32_t num[2] = { 0, RING_ENTRIES }, base[2] = { 0, 0 }, enable[2] = { 0, 1 };
	uint64_t region[5] = { 1, 0, MEMORY_BYTES, 0, 0 }, vring[5] = { 0 };
	int fd = memfd_create("guest", 0);

	if (fd < 0 || ftruncate(fd, MEMORY_BYTES))
		err(1, "memory");
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	kick_fd = eventfd(0, 0);
	call_fd = eventfd(0, 0);
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (memory == MAP_FAILED || connect(sock, (void *)&addr, sizeof(addr)))
		err(1, "%s", path);

	tell(SET_OWNER, NULL, 0, -1);
	if ((ask(GET_FEATURES) & (F_VERSION_1 | F_PROTOCOL)) != (F_VERSION_1 | F_PROTOCOL))
		errx(1, "not a device of virtio 1");
	ask(GET_PROTOCOL_FEATURES);
	tell_u64(SET_PROTOCOL_FEATURES, 0, -1);
	tell_u64(SET_FEATURES, F_VERSION_1 | F_PROTOCOL, -1);

	/* One region: guest address 0, its size, our address, where it is in the file. */
	region[3] = (uintptr_t)memory;
	tell(SET_MEM_TABLE, region, sizeof(region), fd);
	tell(SET_VRING_NUM, num, sizeof(num), -1);
	tell(SET_VRING_BASE, base, sizeof(base), -1);
	/* Index and flags, then our addresses of descriptors, used and available ring, and a log. */
	vring[1] = (uintptr_t)memory + DESCRIPTORS;
	vring[2] = (uintptr_t)memory + USED;
	vring[3] = (uintptr_t)memory + AVAILABLE;
	tell(SET_VRING_ADDR, vring, sizeof(vring), -1);
	tell_u64(SET_VRING_CALL, 0, call_fd);
	tell_u64(SET_VRING_KICK, 0, kick_fd);
	tell(SET_VRING_ENABLE, enable, sizeof(enable), -1);
}

int main(int argc, char **argv)
{
	int bug = argc > 1 && !strcmp(argv[1], "--bug");

	if (argc < 2 + bug || argc > 3 + bug)
		errx(1, "usage: raw-driver [--bug] SOCKET [COMMAND]");
	machine_start(argv[1 + bug]);
	show(argv[2 + bug]);
	if (bug)
		command(RESOURCE_UNREF, (uint32_t[]){ 7, 0 }, 8, ERR_INVALID_RESOURCE_ID,
			sizeof(struct header));
	return 0;
}
