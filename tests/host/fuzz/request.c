// SPDX-License-Identifier: MIT
/*
 * libFuzzer: the decoder and the request handlers. The input is a sequence of
 * requests: a length byte in words, then so many words. Small numbers make up
 * most ids, so that requests meet the objects of earlier ones.
 */
#include "guest.h"
#include "toy3d.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Bugs of the guest are no news here; the sanitizers keep their descriptor. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w");
	return 0;
}

/* Types the input can name by a byte instead of by luck. */
static u32 pick_type(u8 b)
{
	size_t n = 0;

	while (wire_nth(n))
		n++;
	return b < 0xf8 ? wire_nth(b % n)->type : 0x100u + b;
}

static size_t one_request(struct guest *g, const u8 *data, size_t size)
{
	u8 req[24 + 4 * 64] = { 0 };
	u32 n = data[0] % 64, len;
	struct wire_hdr h = { .type = pick_type(data[1]), .flags = data[2] & 3,
			      .ctx_id = data[3] & 3, .ring_idx = data[2] >> 7,
			      .fence_id = ++g->fence };
	const struct wire_cmd *cmd = wire_find(h.type);
	struct guest_reply r;

	n = MIN(n, (size - 4) / 4);
	len = cmd && !(data[3] & 0x80) ? cmd->size + (cmd->tail ? 4 * n : 0) : 24 + 4 * n;
	len = MIN(len, sizeof(req));
	wire_hdr_put(req, &h);
	for (u32 i = 0; i < n; i++) {
		u32 w = get_le32(data + 4 + 4 * i);

		/* A quarter of the words is small, another names guest memory. */
		if ((w & 3) == 1)
			w = w >> 2 & 0x1f;
		else if ((w & 3) == 2)
			w = GUEST_BASE + (w >> 8 & 0x3fffff);
		put_le32(req + 24 + 4 * i, w);
	}
	g->alloc = GUEST_DATA;
	guest_queue(g, cmd ? cmd->queue : data[3] >> 6 & 1, req, len,
		    data[3] & 0x40 ? data[3] & 0x3f : 1200);
	while (guest_reap(g, 0, GUEST_DATA, &r) || guest_reap(g, 1, GUEST_DATA, &r))
		;
	return 4 + 4 * n;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct guest *g;

	if (!g) {
		g = guest_create(0);
		g->d.opt.max_memory = 1 << 20;
	}
	for (int i = 0; i < 64 && size >= 8; i++) {
		size_t used = one_request(g, data, size);

		data += MIN(used, size);
		size -= MIN(used, size);
	}
	g->d.dirty = true;
	device_reset(&g->d);
	for (unsigned int q = 0; q < WIRE_QUEUES; q++) {
		vq_set_base(&g->d.vq[q], g->avail[q], true);
		put_le16(guest_ring(g, q, 'u') + 2, g->avail[q]);
		g->used[q] = g->avail[q];
	}
	g->fence = 0;
	bug_clear(&g->d.bugs);
	return 0;
}
