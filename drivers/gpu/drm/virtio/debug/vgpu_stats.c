// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: statistics of a client
 *
 * What gputop and nvtop read: /proc/PID/fdinfo/FD of an open file. Its format is that of
 * Documentation/gpu/drm-usage-stats.rst of the kernel.
 *
 * The engines are the client's timelines: "drm-engine-gpu" for what goes to no ring,
 * and "drm-engine-ring0" and so on where it has asked for rings. An engine is busy while
 * at least one fenced command of the timeline is with the device: from its handing over
 * to the queue until the driver has seen the answer. Commands that overlap count once;
 * waiting for the fences of others, or at the door, does not count. It is the time the
 * client's work takes, including what it waits for that of others on the host: of the
 * host's processors and GPU the guest knows nothing.
 */

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "debug/vgpu_stats.h"
#include "object/vgpu_context.h"
#include "protocol/vgpu_fence.h"
#include "protocol/vgpu_gate.h"

static u64 vgpu_stats_busy_ns(const struct vgpu_gate *gate)
{
	struct vgpu_timeline_stats stats;

	vgpu_timeline_read_stats(vgpu_gate_timeline(gate), &stats);
	return stats.busy_ns;
}

/**
 * vgpu_stats_show_fdinfo() - &drm_driver.show_fdinfo
 * @p: where to
 * @file: whose statistics
 *
 * Context: process, while the file is open.
 */
void vgpu_stats_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct vgpu_context *ctx = vgpu_context_of(file);
	struct vgpu_gate *ring;
	u32 i;

	drm_show_memory_stats(p, file);
	drm_printf(p, "drm-engine-gpu:\t%llu ns\n", vgpu_stats_busy_ns(vgpu_context_gate(ctx)));
	for (i = 0; (ring = vgpu_context_ring(ctx, i)); i++)
		drm_printf(p, "drm-engine-ring%u:\t%llu ns\n", i, vgpu_stats_busy_ns(ring));
}
