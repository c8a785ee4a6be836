// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: debugfs
 *
 * Files below /sys/kernel/debug/dri/ show counters and lists of a device. Reading them changes
 * nothing.
 *
 * virtio-gpu-features: the negotiated features, the capsets and the scanouts.
 *
 * virtio-gpu-queues: messages and notifications of each queue.
 *
 * virtio-gpu-resources: the resources on the host, with their ids.
 *
 * virtio-gpu-reclaim: how much idle memory can be reclaimed, and how much was reclaimed.
 *
 * virtio-gpu-contexts: the open files with the fences of each of their timelines, and what each
 * process has in flight.
 *
 * virtio-gpu-hostmem: the blobs in the host-visible window, with their offsets.
 *
 * virtio-gpu-errors: how many commands the device refused or answered badly, and the latest of
 * them.
 */

#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/time64.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_print.h>

#include "debug/vgpu_debugfs.h"
#include "object/vgpu_base.h"
#include "object/vgpu_capset.h"
#include "object/vgpu_contexts.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_reclaim.h"
#include "object/vgpu_resources.h"
#include "protocol/vgpu_cmd.h"
#include "protocol/vgpu_wire.h"
#include "transport/vgpu_vq.h"

static struct vgpu_device *vgpu_debugfs_device(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_vgpu(entry->dev);
}

static int vgpu_debugfs_features(struct seq_file *m, void *unused)
{
	struct vgpu_device *vgpu = vgpu_debugfs_device(m);
	const struct vgpu_features *f = &vgpu->features;
	u64 capsets = vgpu_capsets_mask(vgpu);

	seq_printf(m, "virgl          %d\n", f->virgl);
	seq_printf(m, "edid           %d\n", f->edid);
	seq_printf(m, "uuid           %d\n", f->uuid);
	seq_printf(m, "blob           %d\n", f->blob);
	seq_printf(m, "context_init   %d\n", f->context_init);
	seq_printf(m, "blob_alignment %u\n", f->blob_alignment);
	seq_printf(m, "capsets        %u (mask %#llx)\n", (u32)hweight64(capsets), capsets);
	seq_printf(m, "scanouts       %u\n", vgpu->num_scanouts);
	return 0;
}

static void vgpu_debugfs_show_queue(struct seq_file *m, const char *name, struct vgpu_vq *vq)
{
	struct vgpu_vq_stats stats;

	vgpu_vq_read_stats(vq, &stats);
	seq_printf(m, "%-8s %10llu %10llu %8llu %10llu %10llu %8u %8u %6u %6u %8llu\n", name,
		   stats.committed, stats.completed, stats.failed, stats.kicks, stats.interrupts,
		   stats.pending, stats.in_ring, stats.ring_entries, stats.held, stats.ticks);
}

static int vgpu_debugfs_queues(struct seq_file *m, void *unused)
{
	struct vgpu_cmdq *q = vgpu_debugfs_device(m)->cmdq;

	seq_puts(m, "queue     committed  completed   failed      kicks interrupts  pending  in_ring   ring   held    ticks\n");
	vgpu_debugfs_show_queue(m, "control", q->control);
	vgpu_debugfs_show_queue(m, "cursor", q->cursor);
	return 0;
}

/* Show a file that an object lists by itself. */
static int vgpu_debugfs_print(struct seq_file *m, void *unused)
{
	struct drm_debugfs_entry *entry = m->private;
	void (*print)(struct vgpu_device *vgpu, struct drm_printer *p) = entry->file.data;
	struct drm_printer p = drm_seq_file_printer(m);

	print(to_vgpu(entry->dev), &p);
	return 0;
}

static int vgpu_debugfs_errors(struct seq_file *m, void *unused)
{
	struct vgpu_cmdq_refusal refusals[VGPU_CMDQ_REFUSALS], *refusal;
	struct vgpu_device *vgpu = vgpu_debugfs_device(m);
	u64 count = vgpu_cmdq_read_refusals(vgpu->cmdq, refusals);
	u64 i = count > VGPU_CMDQ_REFUSALS ? count - VGPU_CMDQ_REFUSALS : 0;

	seq_printf(m, "refused %llu\n", count);
	for (; i < count; i++) {
		refusal = &refusals[i % VGPU_CMDQ_REFUSALS];
		seq_printf(m, "%llu ms: %s of context %u: %d\n",
			   div_u64(refusal->at_ns, NSEC_PER_MSEC),
			   vgpu_wire_type_name(refusal->type), refusal->ctx_id, refusal->error);
	}
	return 0;
}

static const struct drm_debugfs_info vgpu_debugfs_files[] = {
	{ "virtio-gpu-features", vgpu_debugfs_features },
	{ "virtio-gpu-queues", vgpu_debugfs_queues },
	{ "virtio-gpu-resources", vgpu_debugfs_print, .data = vgpu_resources_print },
	{ "virtio-gpu-reclaim", vgpu_debugfs_print, .data = vgpu_reclaim_print },
	{ "virtio-gpu-contexts", vgpu_debugfs_print, .data = vgpu_contexts_print },
	{ "virtio-gpu-hostmem", vgpu_debugfs_print, .data = vgpu_hostmem_print },
	{ "virtio-gpu-errors", vgpu_debugfs_errors },
};

/**
 * vgpu_debugfs_init() - Create the debugfs files of a device
 * @vgpu: the device, before it is registered
 *
 * Context: process.
 */
void vgpu_debugfs_init(struct vgpu_device *vgpu)
{
	drm_debugfs_add_files(&vgpu->drm, vgpu_debugfs_files, ARRAY_SIZE(vgpu_debugfs_files));
}
