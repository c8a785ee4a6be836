// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: debugfs
 *
 * What goes on in the device, for people: files below /sys/kernel/debug/dri/ that read
 * counters and change nothing.
 */

#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>

#include "debug/vgpu_debugfs.h"
#include "object/vgpu_base.h"
#include "object/vgpu_capset.h"
#include "object/vgpu_hostmem.h"
#include "object/vgpu_resource.h"
#include "protocol/vgpu_cmd.h"
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

	seq_printf(m, "virgl          %d\n", f->virgl);
	seq_printf(m, "edid           %d\n", f->edid);
	seq_printf(m, "uuid           %d\n", f->uuid);
	seq_printf(m, "blob           %d\n", f->blob);
	seq_printf(m, "context_init   %d\n", f->context_init);
	seq_printf(m, "blob_alignment %u\n", f->blob_alignment);
	seq_printf(m, "capsets        %u (mask %#llx)\n", vgpu_capsets_count(vgpu),
		   vgpu_capsets_mask(vgpu));
	seq_printf(m, "scanouts       %u\n", vgpu->num_scanouts);
	return 0;
}

static void vgpu_debugfs_show_queue(struct seq_file *m, const char *name,
				    const struct vgpu_vq_stats *stats)
{
	seq_printf(m, "%-8s %10llu %10llu %8llu %10llu %10llu %8u %8u %6u\n", name,
		   stats->committed, stats->completed, stats->failed, stats->kicks,
		   stats->interrupts, stats->pending, stats->in_ring, stats->ring_entries);
}

static int vgpu_debugfs_queues(struct seq_file *m, void *unused)
{
	struct vgpu_device *vgpu = vgpu_debugfs_device(m);
	struct vgpu_vq_stats control, cursor;

	vgpu_cmdq_read_stats(vgpu->cmdq, &control, &cursor);
	seq_puts(m, "queue     committed  completed   failed      kicks interrupts  pending  in_ring   ring\n");
	vgpu_debugfs_show_queue(m, "control", &control);
	vgpu_debugfs_show_queue(m, "cursor", &cursor);
	seq_printf(m, "commands the device refused: %llu\n", vgpu_cmdq_host_errors(vgpu->cmdq));
	return 0;
}

static int vgpu_debugfs_memory(struct seq_file *m, void *unused)
{
	struct vgpu_device *vgpu = vgpu_debugfs_device(m);

	seq_printf(m, "resources                 %u\n", vgpu_resources_count(vgpu));
	seq_printf(m, "host-visible memory       %llu bytes\n", vgpu_hostmem_size(vgpu));
	seq_printf(m, "host-visible memory taken %llu bytes\n", vgpu_hostmem_used(vgpu));
	return 0;
}

static const struct drm_debugfs_info vgpu_debugfs_files[] = {
	{ "virtio-gpu-features", vgpu_debugfs_features },
	{ "virtio-gpu-queues", vgpu_debugfs_queues },
	{ "virtio-gpu-memory", vgpu_debugfs_memory },
};

/**
 * vgpu_debugfs_init() - offer the files
 * @vgpu: the device, before it is registered
 *
 * Context: process.
 */
void vgpu_debugfs_init(struct vgpu_device *vgpu)
{
	drm_debugfs_add_files(&vgpu->drm, vgpu_debugfs_files, ARRAY_SIZE(vgpu_debugfs_files));
}
