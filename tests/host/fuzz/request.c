// SPDX-License-Identifier: MIT
/*
 * libFuzzer: the request handlers and what they work on. The input is a program
 * (see lib/program.h): its steps are executed one by one, by a driver that sends
 * what it is told and believes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "guest.h"
#include "log.h"
#include "make.h"
#include "mutate.h"

#define TABLE_AT 0x8000u	/* indirect tables, behind the rings */
#define WINDOW_AT (GUEST_BASE + (2ull << 20))
#define BACKING_SIZE (GUEST_MEM - FUZZ_BACKING_AT)
#define MAX_MEMORY (2u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *data1, size_t size1, const u8 *data2,
				 size_t size2, u8 *out, size_t max, unsigned int seed);

static struct program program, other, crossed;
static int memory_fd;

/* Bugs of the guest are no news here; the sanitizers keep their descriptor. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w");
	return 0;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	program_parse(&program, (char *)data, size);
	mutate_program(&program, seed);
	return program_print(&program, (char *)data, max);
}

size_t LLVMFuzzerCustomCrossOver(const u8 *data1, size_t size1, const u8 *data2,
				 size_t size2, u8 *out, size_t max, unsigned int seed)
{
	program_parse(&program, (const char *)data1, size1);
	program_parse(&other, (const char *)data2, size2);
	mutate_cross(&crossed, &program, &other, seed);
	return program_print(&crossed, (char *)out, max);
}

static void share_backings(struct guest *g, bool yes)
{
	u64 gpa = GUEST_BASE + FUZZ_BACKING_AT, uva = GUEST_UVA + FUZZ_BACKING_AT;

	if (yes)
		gmem_add_fd(&g->d.gm, gpa, uva, BACKING_SIZE, FUZZ_BACKING_AT, memory_fd);
	else
		gmem_remove(&g->d.gm, gpa, uva, BACKING_SIZE);
}

/* The memory is a file, in two parts: what rings need stays, backings may go. */
static struct guest *create(void)
{
	struct guest *g = guest_create(0);

	memory_fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (memory_fd < 0 || ftruncate(memory_fd, GUEST_MEM))
		log_die("no memory for the guest");
	gmem_clear(&g->d.gm);
	if (gmem_add_fd(&g->d.gm, GUEST_BASE, GUEST_UVA, FUZZ_BACKING_AT, 0, memory_fd))
		log_die("the guest's memory cannot be mapped");
	share_backings(g, true);
	free(g->mem);
	g->mem = g->d.gm.r[0].host;
	for (unsigned int q = 0; q < WIRE_QUEUES; q++)
		if (vq_map(&g->d.vq[q]))
			log_die("the rings cannot be mapped");
	g->d.budget.limit = MAX_MEMORY;
	device_start(&g->d);
	return g;
}

static void rewind_ring(struct guest *g, unsigned int q)
{
	vq_set_base(&g->d.vq[q], 0, true);
	memset(guest_ring(g, q, 'a'), 0, 0x100);
	memset(guest_ring(g, q, 'u'), 0, 0x400);
	/* The device goes on where the used ring says. */
	vq_map(&g->d.vq[q]);
	g->avail[q] = 0;
	g->used[q] = 0;
}

/* As it was before the first program. */
static void rewind_guest(struct guest *g)
{
	g->d.dirty = true;
	g->d.fence.held = false;
	device_reset(&g->d);
	device_set_features(&g->d, g->d.opt.features);
	g->shm = SHM_DONE;
	g->d.hostmem.at = 0;
	g->d.hostmem.size = GUEST_WINDOW;
	if (g->d.gm.n == 1)
		share_backings(g, true);
	for (unsigned int q = 0; q < WIRE_QUEUES; q++)
		rewind_ring(g, q);
	g->d.bugs.seq = 0;
	bug_clear(&g->d.bugs);
}

/* A real guest's memory lies elsewhere: its entries are moved to where ours is. */
static void move_entries(u8 *req, u32 len)
{
	u32 type = get_le32(req);
	u32 at = type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING ?
		sizeof(struct virtio_gpu_resource_attach_backing) :
		type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB ?
		sizeof(struct virtio_gpu_resource_create_blob) : len;

	for (; at + sizeof(struct virtio_gpu_mem_entry) <= len;
	     at += sizeof(struct virtio_gpu_mem_entry)) {
		u64 gpa = get_le64(req + at), from = GUEST_BASE + FUZZ_BACKING_AT;
		u32 size = get_le32(req + at + 8);

		/* Beyond are addresses that are to be wrong. */
		if (gpa >> 40 || size > BACKING_SIZE || (gpa >= from && gpa < from + BACKING_SIZE))
			continue;
		put_le64(req + at, from + gpa % (BACKING_SIZE - size + 1));
	}
}

static void put_desc(u8 *table, u32 i, u64 gpa, u32 len, u16 flags)
{
	put_le64(table + 16 * i, gpa);
	put_le32(table + 16 * i + 8, len);
	put_le16(table + 16 * i + 12, flags);
	put_le16(table + 16 * i + 14, i + 1);
}

/* One slot of the ring a request, and its descriptors in a table of their own. */
static void send(struct guest *g, const struct step *s)
{
	unsigned int q = s->kind;
	u16 head = g->avail[q] % GUEST_RING;
	u32 table_at = TABLE_AT + (q * GUEST_RING + head) * 16 * (STEP_PIECES + 2);
	u32 at = FUZZ_BACKING_AT / 2 + (q * GUEST_RING + head) * 2 * STEP_BYTES;
	u32 piece = MAX(s->piece ? s->piece : s->len, s->len / STEP_PIECES + 1), n = 0;
	u8 *table = g->mem + table_at;

	memcpy(g->mem + at, s->req, s->len);
	if (s->len >= WIRE_HDR_SIZE)
		move_entries(g->mem + at, s->len);
	for (u32 off = 0; off < s->len; off += piece)
		put_desc(table, n++, GUEST_BASE + at + off, MIN(piece, s->len - off),
			 VRING_DESC_F_NEXT);
	if (s->room)
		put_desc(table, n++, GUEST_BASE + at + STEP_BYTES, s->room,
			 VRING_DESC_F_WRITE);
	else if (n)
		put_le16(table + 16 * (n - 1) + 12, 0);
	guest_desc(g, q, head, GUEST_BASE + table_at, 16 * n, VRING_DESC_F_INDIRECT, 0);
	guest_publish(g, q, head);
	device_kick(&g->d, q);
}

static void change_features(struct guest *g, u32 which)
{
	static const u64 without[] = {
		0, BIT64(VIRTIO_GPU_F_VIRGL), BIT64(VIRTIO_GPU_F_CONTEXT_INIT),
		BIT64(VIRTIO_GPU_F_RESOURCE_BLOB) | BIT64(VIRTIO_GPU_F_RESOURCE_UUID),
	};
	u64 f = g->d.opt.features & ~without[which % ARRAY_SIZE(without)];

	if (which & 4)
		f |= BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT);
	device_set_features(&g->d, f);
}

static void change_output(struct guest *g, u32 arg)
{
	static const char *const what[] = { "on", "off", "64x48", "1024x768+64+0" };

	device_output(&g->d, arg % 2, what[arg / 2 % ARRAY_SIZE(what)]);
}

static void run_event(struct guest *g, const struct step *s)
{
	switch (s->kind) {
	case STEP_FEATURES:
		change_features(g, s->arg);
		break;
	case STEP_SHM:
		g->shm = s->arg % 3;
		break;
	case STEP_SHM_DONE:
		device_shm_done(&g->d, s->arg / 2, s->arg & 1);
		break;
	case STEP_WINDOW:
		/* It does not move while something is in it. */
		if (g->d.hostmem.n)
			break;
		g->d.hostmem.at = s->arg & 1 ? WINDOW_AT : 0;
		g->d.hostmem.size = s->arg & 2 ? 0 : GUEST_WINDOW;
		break;
	case STEP_MEMORY:
		if ((g->d.gm.n == 2) != (s->arg & 1))
			share_backings(g, s->arg & 1);
		break;
	case STEP_KICK:
		device_kick(&g->d, s->arg);
		break;
	case STEP_RELEASE:
		device_release(&g->d, s->arg);
		break;
	case STEP_HOLD:
		g->d.fence.held = s->arg & 1;
		device_answer_ready(&g->d);
		break;
	case STEP_OUTPUT:
		change_output(g, s->arg);
		break;
	case STEP_PNG:
		display_png(&g->d.display, s->arg % 2, "/dev/null", s->arg / 2 & 1);
		break;
	default:
		rewind_guest(g);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct guest *g;

	if (!g)
		g = create();
	program_parse(&program, (const char *)data, size);
	for (u32 i = 0; i < program.n; i++) {
		if (program.step[i].kind <= STEP_CURSOR)
			send(g, &program.step[i]);
		else
			run_event(g, &program.step[i]);
	}
	rewind_guest(g);
	return 0;
}
