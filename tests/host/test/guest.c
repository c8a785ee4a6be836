// SPDX-License-Identifier: MIT
/* The driver of the unit tests. */
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "guest.h"
#include "log.h"
#include "toy3d.h"

#define Q_BYTES 0x4000u

static void guest_config_changed(void *opaque)
{
	((struct guest *)opaque)->config_events++;
}

static void guest_call(void *opaque, unsigned int queue)
{
	(void)queue;
	((struct guest *)opaque)->calls++;
}

static enum shm_result guest_shm(void *opaque, u64 seq, u64 offset, u64 len, int fd)
{
	struct guest *g = opaque;

	(void)offset;
	(void)len;
	g->shm_maps += fd >= 0 ? 1 : -1;
	return seq ? g->shm : SHM_DONE;
}

static void guest_set_status(void *opaque, u8 bits)
{
	(void)opaque;
	(void)bits;
}

static void guest_die(void *opaque, int status)
{
	((struct guest *)opaque)->died = status;
}

static const struct device_ops guest_ops = {
	.config_changed = guest_config_changed,
	.call = guest_call,
	.shm = guest_shm,
	.set_status = guest_set_status,
	.die = guest_die,
};

/**
 * guest_ring - Where part of a queue's ring is
 * @g: the guest
 * @q: queue
 * @area: 'd'escriptors, 'a'vailable, 'u'sed
 *
 * Return: our address.
 */
u8 *guest_ring(struct guest *g, unsigned int q, char area)
{
	return g->mem + q * Q_BYTES + (area == 'd' ? 0 : area == 'a' ? 0x1000 : 0x2000);
}

/**
 * guest_create - Make a device and a driver that has probed it
 * @features: features the driver accepts, 0: what the device offers
 *
 * Return: both.
 */
struct guest *guest_create(u64 features)
{
	struct guest *g = xcalloc(1, sizeof(*g));

	g->mem = aligned_alloc(4096, GUEST_MEM);
	memset(g->mem, 0, GUEST_MEM);
	g->alloc = GUEST_DATA;
	g->died = -1;
	device_init(&g->d, &guest_ops, g);
	g->d.hostmem.size = GUEST_WINDOW;
	g->d.opt.features |= features;
	g->d.display.n = 2;
	device_start(&g->d);
	gmem_add_ptr(&g->d.gm, GUEST_BASE, GUEST_UVA, GUEST_MEM, g->mem);
	device_set_features(&g->d, features ? features : g->d.opt.features);
	for (unsigned int q = 0; q < WIRE_QUEUES; q++) {
		struct virtqueue *vq = &g->d.vq[q];
		u64 base = GUEST_UVA + q * Q_BYTES;

		g->wrap[q] = true;
		g->used_wrap[q] = true;
		vq_set_size(vq, GUEST_RING);
		vq_set_base(vq, 0, true);
		vq->desc_uva = base;
		vq->avail_uva = base + 0x1000;
		vq->used_uva = base + 0x2000;
		if (vq_map(vq))
			log_die("the test's ring cannot be mapped");
		vq->enabled = true;
		vq->started = true;
	}
	return g;
}

/**
 * guest_destroy - Free everything
 * @g: the guest
 */
void guest_destroy(struct guest *g)
{
	device_fini(&g->d);
	free(g->mem);
	free(g);
}

/**
 * guest_put - Copy bytes into guest memory
 * @g: the guest
 * @p: bytes, or NULL for none
 * @len: room to take
 *
 * Return: their offset in guest memory.
 */
u32 guest_put(struct guest *g, const void *p, u32 len)
{
	u32 at = g->alloc;

	g->alloc = (at + len + 15) & ~15u;
	if (g->alloc > GUEST_MEM)
		log_die("the test's memory is full");
	if (p)
		memcpy(g->mem + at, p, len);
	return at;
}

/**
 * guest_desc - Write a descriptor of a split ring
 * @g: the guest
 * @q: queue
 * @i: number of the descriptor
 * @gpa: address
 * @len: bytes
 * @flags: VRING_DESC_F_*
 * @next: number of the next
 */
void guest_desc(struct guest *g, unsigned int q, u16 i, u64 gpa, u32 len, u16 flags,
		u16 next)
{
	u8 *d = guest_ring(g, q, 'd') + 16 * i;

	put_le64(d, gpa);
	put_le32(d + 8, len);
	put_le16(d + 12, flags);
	put_le16(d + 14, next);
}

/**
 * guest_publish - Make a chain of a split ring available
 * @g: the guest
 * @q: queue
 * @head: number of its first descriptor
 */
void guest_publish(struct guest *g, unsigned int q, u16 head)
{
	u8 *a = guest_ring(g, q, 'a');

	put_le16(a + 4 + 2 * (g->avail[q] % GUEST_RING), head);
	put_le16(a + 2, ++g->avail[q]);
}

static void guest_publish_packed(struct guest *g, unsigned int q, u64 gpa, u32 len,
				 u16 flags, u16 id)
{
	u8 *d = guest_ring(g, q, 'd') + 16 * g->avail[q];

	put_le64(d, gpa);
	put_le32(d + 8, len);
	put_le16(d + 12, id);
	flags |= g->wrap[q] ? 1 << VRING_PACKED_DESC_F_AVAIL :
			      1 << VRING_PACKED_DESC_F_USED;
	put_le16(d + 14, flags);
	if (++g->avail[q] == GUEST_RING) {
		g->avail[q] = 0;
		g->wrap[q] = !g->wrap[q];
	}
}

/**
 * guest_queue - Make a request available and kick
 * @g: the guest
 * @q: queue
 * @req: the request
 * @len: its bytes
 * @room: bytes of room for the response, 0: none
 *
 * Return: offset of the response in guest memory.
 */
u32 guest_queue(struct guest *g, unsigned int q, const void *req, u32 len, u32 room)
{
	u32 at = guest_put(g, req, len);
	u32 resp = guest_put(g, NULL, room);
	bool packed = g->d.features & BIT64(VIRTIO_F_RING_PACKED);
	u16 next = room ? VRING_DESC_F_NEXT : 0;

	if (packed) {
		u16 id = g->avail[q];

		guest_publish_packed(g, q, GUEST_BASE + at, len, next, id);
		if (room)
			guest_publish_packed(g, q, GUEST_BASE + resp, room,
					     VRING_DESC_F_WRITE, id);
	} else {
		u16 head = 2 * g->avail[q] % GUEST_RING;

		guest_desc(g, q, head, GUEST_BASE + at, len, next, head + 1);
		guest_desc(g, q, head + 1, GUEST_BASE + resp, room,
			   VRING_DESC_F_WRITE, 0);
		guest_publish(g, q, head);
	}
	device_kick(&g->d, q);
	return resp;
}

static bool guest_reap_packed(struct guest *g, unsigned int q, struct guest_reply *r)
{
	u8 *d = guest_ring(g, q, 'd') + 16 * g->used[q];
	u16 flags = get_le16(d + 14);
	bool avail = flags & 1 << VRING_PACKED_DESC_F_AVAIL;
	bool used = flags & 1 << VRING_PACKED_DESC_F_USED;

	if (avail != used || used != g->used_wrap[q])
		return false;
	r->id = get_le16(d + 12);
	r->used = get_le32(d + 8);
	/* All buffers of the tests take two slots. */
	g->used[q] += 2;
	if (g->used[q] >= GUEST_RING) {
		g->used[q] -= GUEST_RING;
		g->used_wrap[q] = !g->used_wrap[q];
	}
	return true;
}

/**
 * guest_reap - Take one buffer back
 * @g: the guest
 * @q: queue
 * @resp_at: offset of the response it is for
 * @r: filled in
 *
 * Return: false when none came back.
 */
bool guest_reap(struct guest *g, unsigned int q, u32 resp_at, struct guest_reply *r)
{
	const u8 *u = guest_ring(g, q, 'u');

	memset(r, 0, sizeof(*r));
	if (g->d.features & BIT64(VIRTIO_F_RING_PACKED)) {
		if (!guest_reap_packed(g, q, r))
			return false;
	} else {
		if (get_le16(u + 2) == g->used[q])
			return false;
		u += 4 + 8 * (g->used[q]++ % GUEST_RING);
		r->id = get_le32(u);
		r->used = get_le32(u + 4);
	}
	r->done = true;
	memcpy(r->bytes, g->mem + resp_at, sizeof(r->bytes));
	wire_hdr_get(&r->hdr, r->bytes);
	return true;
}

/**
 * guest_send - Send a request on the control queue and take its answer
 * @g: the guest
 * @req: the request
 * @len: its bytes
 * @r: filled in, or NULL
 *
 * Return: type of the response, 0 when there was none.
 */
u32 guest_send(struct guest *g, const void *req, u32 len, struct guest_reply *r)
{
	struct guest_reply own;
	u32 at = guest_queue(g, WIRE_CONTROLQ, req, len, sizeof(own.bytes));

	r = r ? r : &own;
	return guest_reap(g, WIRE_CONTROLQ, at, r) ? r->hdr.type : 0;
}

static bool guest_broke[128];

/**
 * guest_bug - Whether exactly one broken rule was reported since the last time
 * @g: the guest
 * @rule: and this is its name; NULL: whether there was none
 *
 * Return: true when that is so.
 */
bool guest_bug(struct guest *g, const char *rule)
{
	struct bug_log *b = &g->d.bugs;
	u64 count = b->count + b->warnings;
	bool ok = rule ? count == 1 && !strncmp(b->kept[0], rule, strlen(rule)) &&
			 b->kept[0][strlen(rule)] == ' ' && rule_find(rule) : !count;

	if (!ok)
		printf("%llu bugs, first: %s\n", count, count ? b->kept[0] : "");
	else if (rule)
		guest_broke[rule_find(rule) - rule_nth(0)] = true;
	bug_clear(b);
	return ok;
}

/**
 * guest_was_caught - Whether guest_bug() has found a rule broken, and no other with it
 * @n: number of the rule
 *
 * Return: true when it has.
 */
bool guest_was_caught(size_t n)
{
	return guest_broke[n];
}

/* Header and 32-bit words: enough for every request without 64-bit members. */
static u32 guest_words(struct guest *g, u32 type, u32 ctx, const u32 *w, u32 n)
{
	u8 req[WIRE_HDR_SIZE + 64] = { 0 };
	struct wire_hdr h = { .type = type, .ctx_id = ctx };

	wire_hdr_put(req, &h);
	for (u32 i = 0; i < n; i++)
		put_le32(req + WIRE_HDR_SIZE + 4 * i, w[i]);
	return guest_send(g, req, WIRE_HDR_SIZE + 4 * n, NULL);
}

/**
 * guest_create_2d - RESOURCE_CREATE_2D
 * @g: the guest
 * @id: resource id
 * @format: pixel format
 * @w: width
 * @h: height
 *
 * Return: type of the response.
 */
u32 guest_create_2d(struct guest *g, u32 id, u32 format, u32 w, u32 h)
{
	return guest_words(g, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0,
			   (u32 []){ id, format, w, h }, 4);
}

/**
 * guest_attach - RESOURCE_ATTACH_BACKING with one entry
 * @g: the guest
 * @id: resource id
 * @off: offset of the memory in guest memory
 * @len: its bytes
 *
 * Return: type of the response.
 */
u32 guest_attach(struct guest *g, u32 id, u32 off, u32 len)
{
	u64 gpa = GUEST_BASE + off;

	return guest_words(g, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0,
			   (u32 []){ id, 1, gpa, gpa >> 32, len, 0 }, 6);
}

/**
 * guest_res - A request that names a resource and nothing else
 * @g: the guest
 * @type: VIRTIO_GPU_CMD_*
 * @id: resource id
 *
 * Return: type of the response.
 */
u32 guest_res(struct guest *g, u32 type, u32 id)
{
	return guest_words(g, type, 0, (u32 []){ id, 0 }, 2);
}

/**
 * guest_ctx - CTX_CREATE
 * @g: the guest
 * @ctx: context id
 * @init: context_init
 *
 * Return: type of the response.
 */
u32 guest_ctx(struct guest *g, u32 ctx, u32 init)
{
	u8 req[sizeof(struct virtio_gpu_ctx_create)] = { 0 };
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = ctx };

	wire_hdr_put(req, &h);
	put_le32(req + 24, 4);
	put_le32(req + 28, init);
	memcpy(req + 32, "test", 4);
	return guest_send(g, req, sizeof(req), NULL);
}

/**
 * guest_ctx_res - A request that names a context and a resource
 * @g: the guest
 * @type: VIRTIO_GPU_CMD_*
 * @ctx: context id
 * @id: resource id
 *
 * Return: type of the response.
 */
u32 guest_ctx_res(struct guest *g, u32 type, u32 ctx, u32 id)
{
	return guest_words(g, type, ctx, (u32 []){ id, 0 }, 2);
}

/**
 * guest_scanout - SET_SCANOUT from the upper left corner
 * @g: the guest
 * @n: output
 * @id: resource id
 * @w: width
 * @h: height
 *
 * Return: type of the response.
 */
u32 guest_scanout(struct guest *g, u32 n, u32 id, u32 w, u32 h)
{
	return guest_words(g, VIRTIO_GPU_CMD_SET_SCANOUT, 0,
			   (u32 []){ 0, 0, w, h, n, id }, 6);
}

/**
 * guest_transfer - TRANSFER_TO_HOST_2D
 * @g: the guest
 * @id: resource id
 * @x: left
 * @y: top
 * @w: width
 * @h: height
 * @off: offset into the backing
 *
 * Return: type of the response.
 */
u32 guest_transfer(struct guest *g, u32 id, u32 x, u32 y, u32 w, u32 h, u64 off)
{
	return guest_words(g, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0,
			   (u32 []){ x, y, w, h, off, off >> 32, id, 0 }, 8);
}

/**
 * guest_flush - RESOURCE_FLUSH
 * @g: the guest
 * @id: resource id
 * @x: left
 * @y: top
 * @w: width
 * @h: height
 *
 * Return: type of the response.
 */
u32 guest_flush(struct guest *g, u32 id, u32 x, u32 y, u32 w, u32 h)
{
	return guest_words(g, VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0,
			   (u32 []){ x, y, w, h, id, 0 }, 6);
}

/**
 * guest_blob - RESOURCE_CREATE_BLOB
 * @g: the guest
 * @ctx: context id
 * @id: resource id
 * @mem: VIRTIO_GPU_BLOB_MEM_*
 * @flags: VIRTIO_GPU_BLOB_FLAG_*
 * @blob_id: object of the context, or 0
 * @size: bytes
 * @entries: 1: with backing of its size, taken from guest memory
 *
 * Return: type of the response.
 */
u32 guest_blob(struct guest *g, u32 ctx, u32 id, u32 mem, u32 flags, u64 blob_id,
	       u64 size, u32 entries)
{
	u64 gpa = GUEST_BASE + guest_put(g, NULL, entries ? size : 0);
	u32 w[] = { id, mem, flags, entries, blob_id, blob_id >> 32, size,
		    size >> 32, gpa, gpa >> 32, size, 0 };

	return guest_words(g, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, ctx, w,
			   entries ? 12 : 8);
}

/**
 * guest_submit - SUBMIT_3D
 * @g: the guest
 * @ctx: context id
 * @words: the stream
 * @n: words in it, at most 64
 *
 * Return: type of the response.
 */
u32 guest_submit(struct guest *g, u32 ctx, const u32 *words, u32 n)
{
	u8 req[sizeof(struct virtio_gpu_cmd_submit) + 256] = { 0 };
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = ctx };

	wire_hdr_put(req, &h);
	put_le32(req + 24, 4 * n);
	if (n)
		memcpy(req + 32, words, 4 * n);
	return guest_send(g, req, 32 + 4 * n, NULL);
}

/**
 * guest_fenced - SUBMIT_3D of one toy3d command with a fence, in context 1
 * @g: the guest
 * @ring: ring of the fence, 0: a global fence
 * @fence: fence id
 * @op: TOY3D_OP_*
 * @arg: its argument, if it has one
 *
 * Return: offset of the response in guest memory.
 */
u32 guest_fenced(struct guest *g, u32 ring, u64 fence, u32 op, u32 arg)
{
	u8 req[40] = { 0 };
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1,
			      .fence_id = fence, .flags = VIRTIO_GPU_FLAG_FENCE };
	u32 n = op == TOY3D_OP_NOP ? 0 : 1;

	if (ring) {
		h.flags |= VIRTIO_GPU_FLAG_INFO_RING_IDX;
		h.ring_idx = ring;
	}
	wire_hdr_put(req, &h);
	put_le32(req + 24, 4 + 4 * n);
	put_le32(req + 32, TOY3D_HDR(op, n));
	put_le32(req + 36, arg);
	return guest_queue(g, WIRE_CONTROLQ, req, 36 + 4 * n, 64);
}

/**
 * guest_next_fence - Take the next answer, one of a fenced request
 * @g: the guest
 * @at: offsets of the responses, by the number of the request
 *
 * Return: GUEST_FENCE() of it, 0 when there is none, UINT64_MAX when it has no fence.
 */
u64 guest_next_fence(struct guest *g, const u32 *at)
{
	struct guest_reply r;
	const u8 *u = guest_ring(g, 0, 'u');
	u32 i;

	if (get_le16(u + 2) == g->used[0])
		return 0;
	i = get_le32(u + 4 + 8 * (g->used[0] % GUEST_RING)) / 2;
	guest_reap(g, 0, at[i], &r);
	return r.hdr.flags & VIRTIO_GPU_FLAG_FENCE ?
		GUEST_FENCE(r.hdr.fence_id, r.hdr.ring_idx) : UINT64_MAX;
}
