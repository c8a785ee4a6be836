/* SPDX-License-Identifier: MIT */
/* A driver in a few lines: rings in plain memory, one request at a time. */
#pragma once

#include "device.h"

#define GUEST_MEM (4u << 20)
#define GUEST_BASE 0x40000000ull	/* guest physical */
#define GUEST_UVA 0x7f0000000000ull	/* front end's virtual */
#define GUEST_RING 64u
#define GUEST_WINDOW (1u << 20)
#define GUEST_DATA 0x10000u		/* offset of free memory */

/**
 * struct guest - a driver and the device it drives
 * @d: the device
 * @mem: guest memory
 * @avail: next entry of each available ring
 * @used: next entry of each used ring
 * @wrap: packed: wrap counter of @avail
 * @used_wrap: packed: wrap counter of @used
 * @fence: last fence id
 * @alloc: offset of the next free byte
 * @calls: interrupts
 * @config_events: configuration interrupts
 * @shm: what shm() says
 * @shm_maps: how often it was called to map, minus to unmap
 * @died: status the device died with, or -1
 */
struct guest {
	struct device d;
	u8 *mem;
	u16 avail[WIRE_QUEUES], used[WIRE_QUEUES];
	bool wrap[WIRE_QUEUES], used_wrap[WIRE_QUEUES];
	u64 fence;
	u32 alloc;
	unsigned int calls, config_events;
	enum shm_result shm;
	int shm_maps;
	int died;
};

/** struct guest_reply - what came back */
struct guest_reply {
	bool done;
	u32 id, used;
	struct wire_hdr hdr;
	u8 bytes[2048];
};

struct guest *guest_create(u64 features);
void guest_destroy(struct guest *g);
u8 *guest_ring(struct guest *g, unsigned int q, char area);
u32 guest_put(struct guest *g, const void *p, u32 len);
void guest_desc(struct guest *g, unsigned int q, u16 i, u64 gpa, u32 len, u16 flags,
		u16 next);
void guest_publish(struct guest *g, unsigned int q, u16 head);
bool guest_reap(struct guest *g, unsigned int q, u32 resp_at, struct guest_reply *r);
u32 guest_queue(struct guest *g, unsigned int q, const void *req, u32 len,
		u32 room);
u32 guest_send(struct guest *g, const void *req, u32 len, struct guest_reply *r);
bool guest_bug(struct guest *g, const char *rule);
bool guest_was_caught(size_t n);

/* Requests the tests make often; each returns the type of the response. */
u32 guest_create_2d(struct guest *g, u32 id, u32 format, u32 w, u32 h);
u32 guest_attach(struct guest *g, u32 id, u32 off, u32 len);
u32 guest_res(struct guest *g, u32 type, u32 id);
u32 guest_ctx(struct guest *g, u32 ctx, u32 init);
u32 guest_ctx_res(struct guest *g, u32 type, u32 ctx, u32 id);
u32 guest_scanout(struct guest *g, u32 n, u32 id, u32 w, u32 h);
u32 guest_transfer(struct guest *g, u32 id, u32 x, u32 y, u32 w, u32 h, u64 off);
u32 guest_flush(struct guest *g, u32 id, u32 x, u32 y, u32 w, u32 h);
u32 guest_blob(struct guest *g, u32 ctx, u32 id, u32 mem, u32 flags, u64 blob_id,
	       u64 size, u32 entries);
u32 guest_submit(struct guest *g, u32 ctx, const u32 *words, u32 n);

#define GUEST_FENCE(id, ring) ((u64)(id) << 8 | (ring))

u32 guest_fenced(struct guest *g, u32 ring, u64 fence, u32 op, u32 arg);
u64 guest_next_fence(struct guest *g, const u32 *at);
