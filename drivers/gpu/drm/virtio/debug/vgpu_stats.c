// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: statistics of a client
 *
 * Tools such as gputop read the statistics of an open file from /proc/PID/fdinfo/FD, in the format
 * of the kernel's Documentation/gpu/drm-usage-stats.rst.
 *
 * A client has one engine, "drm-engine-gpu", however many rings it asked for: gputop fails an
 * assertion, and shows no client of the machine, when a file names more than 15 engines. The time
 * of the engine is the sum over the timelines of the client: one for each ring, and one for work on
 * no ring. A timeline is busy while at least one of its submissions or transfers is with the
 * device: from the time when the command is handed to the queue until the driver has seen the
 * answer. Commands of one timeline that overlap count once. gputop leaves out clients that were
 * never busy, so commands without a fence count, too: Venus sends few others. What Venus has the
 * host do by a ring in shared memory, the guest cannot see. Waiting for the fences of other
 * clients, or for the budget, does not count. Waiting on the host for the work of other clients
 * does: the guest cannot see how the host shares its processors and its GPU.
 */

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "debug/vgpu_stats.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "protocol/vgpu_timeline.h"

/**
 * vgpu_stats_show_fdinfo() - Implement &drm_driver.show_fdinfo
 * @p: printer for the statistics
 * @file: the client
 *
 * Context: process, while the file is open.
 */
void vgpu_stats_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct vgpu_context *ctx = vgpu_context_of(file);
	u64 busy_ns = vgpu_timeline_busy_ns(ctx->timeline);
	struct vgpu_timeline *ring;
	u32 i;

	drm_show_memory_stats(p, file);
	for (i = 0; (ring = vgpu_context_ring(ctx, i)); i++)
		busy_ns += vgpu_timeline_busy_ns(ring);
	drm_printf(p, "drm-engine-gpu:\t%llu ns\n", busy_ns);
}
