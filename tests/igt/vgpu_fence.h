/* SPDX-License-Identifier: MIT */
/* Sync files, and fences that the test itself signals. */
#ifndef VGPU_FENCE_H
#define VGPU_FENCE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct vgpu_manual - a fence of another driver
 * @sync_file: what to hand over; owned by this struct
 * @device: file of vgem or of a sw_sync timeline
 * @fence: vgem's number of it, 0 on sw_sync
 *
 * sw_sync is taken where the kernel has it. vgem signals such a fence by itself
 * after ten seconds of the guest's clock: tests look at states in between and do
 * not count on it.
 */
struct vgpu_manual {
	int sync_file;
	int device;
	uint32_t fence;
};

/* Skips where the guest has neither sw_sync nor vgem. */
struct vgpu_manual vgpu_manual_new(void);
void vgpu_manual_signal(struct vgpu_manual *manual);
void vgpu_manual_close(struct vgpu_manual *manual);

/* 1 signalled, 0 not, negative errno when the fence failed. */
int vgpu_fence_status(int sync_file);
/* Waits with poll(2), as any client of a sync file may; asserts no error. */
void vgpu_fence_wait(int sync_file);
bool vgpu_fence_poll(int sync_file, int timeout_ms);
int vgpu_fence_merge(int a, int b);

/* Puts a fence onto a buffer as its writer, from outside of the driver. */
void vgpu_fence_attach(int dmabuf, int sync_file);

/* Opens vgem or skips; a buffer of it as a dma-buf, and its handle. */
int vgpu_vgem_open(void);
int vgpu_vgem_new(int vgem, uint32_t size, uint32_t *handle);

#endif
