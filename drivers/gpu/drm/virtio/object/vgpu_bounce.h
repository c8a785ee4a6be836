/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_BOUNCE_H
#define VGPU_BOUNCE_H

#include <linux/types.h>

struct vgpu_cmd;
struct vgpu_device;
struct vgpu_gem;
struct virtio_gpu_transfer_host_3d;

/**
 * struct vgpu_bounce_area - The bytes of a buffer that a transfer reads or writes
 * @offset: start of the first row in the buffer, in bytes
 * @row_bytes: length of a row
 * @stride: bytes from one row to the next, not less than @row_bytes
 * @rows: number of rows
 */
struct vgpu_bounce_area {
	size_t offset;
	size_t row_bytes;
	size_t stride;
	u32 rows;
};

int vgpu_bounce_init(struct vgpu_device *vgpu);
int vgpu_bounce_prepare_locked(struct vgpu_gem *gem, bool to_host,
			       const struct virtio_gpu_transfer_host_3d *transfer,
			       struct vgpu_cmd *cmd);
void vgpu_bounce_to_device(struct vgpu_gem *gem, const struct vgpu_bounce_area *area);

#endif
