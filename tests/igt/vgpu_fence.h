/* SPDX-License-Identifier: MIT */
/* Sync files, and fences that the test signals itself. */
#ifndef VGPU_FENCE_H
#define VGPU_FENCE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct vgpu_manual - a fence of another driver
 * @sync_file: the fence as a sync file; owned by this struct
 * @device: file of vgem or of a sw_sync timeline
 * @fence: its number in vgem, 0 for sw_sync
 *
 * The fence is of sw_sync if the kernel has it, of vgem otherwise. vgem signals a
 * fence by itself after ten seconds of the guest's clock, so tests finish earlier
 * and never rely on that signal.
 */
struct vgpu_manual {
	int sync_file;
	int device;
	uint32_t fence;
};

/* Create a fence; skip the test if the guest has neither sw_sync nor vgem. */
struct vgpu_manual vgpu_manual_new(void);
void vgpu_manual_signal(struct vgpu_manual *manual);
void vgpu_manual_close(struct vgpu_manual *manual);

/* Get the state of a fence: 1 signalled, 0 pending, -errno if it ended with an error. */
int vgpu_fence_status(int sync_file);
/* Wait with poll(2), as any client of a sync file may; assert that no error occurs. */
void vgpu_fence_wait(int sync_file);
bool vgpu_fence_poll(int sync_file, int timeout_ms);
int vgpu_fence_merge(int a, int b);

/* Attach a fence to a dma-buf as its writer, without the driver of the buffer. */
void vgpu_fence_attach(int dmabuf, int sync_file);

/*
 * Open vgem, or skip the test. Create a buffer of vgem: returns its dma-buf, and its handle in
 * @handle.
 */
int vgpu_vgem_open(void);
int vgpu_vgem_new(int vgem, uint32_t size, uint32_t *handle);

#endif
