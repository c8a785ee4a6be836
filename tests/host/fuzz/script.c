// SPDX-License-Identifier: MIT
/*
 * libFuzzer: the fault-script parser, and the rules it makes, applied to a
 * device that serves a few requests.
 */
#include "guest.h"

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

static void serve(struct guest *g)
{
	struct guest_reply r;

	for (u32 i = 0; i < 4; i++) {
		g->alloc = GUEST_DATA;
		guest_create_2d(g, i % 2, 2, 8, 8);
		guest_ctx(g, i % 2, 0);
		guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, i);
	}
	g->d.stalled = false;
	g->d.stopped = 0;
	while (guest_reap(g, 0, GUEST_DATA, &r))
		;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct guest *g;
	char line[1100], err[160];

	if (!g)
		g = guest_create(0);
	while (size) {
		const u8 *nl = memchr(data, '\n', size);
		size_t n = nl ? (size_t)(nl - data) : size;

		memcpy(line, data, MIN(n, sizeof(line) - 1));
		line[MIN(n, sizeof(line) - 1)] = 0;
		fault_parse(&g->d.fault, line, err, sizeof(err));
		n += nl ? 1 : 0;
		data += n;
		size -= n;
	}
	if (g->d.fault.n)
		serve(g);
	fault_clear(&g->d.fault);
	device_reset(&g->d);
	vq_set_base(&g->d.vq[0], g->avail[0], true);
	put_le16(guest_ring(g, 0, 'u') + 2, g->avail[0]);
	vq_map(&g->d.vq[0]);
	g->used[0] = g->avail[0];
	g->d.config.num_scanouts = 2;
	bug_clear(&g->d.bugs);
	return 0;
}
