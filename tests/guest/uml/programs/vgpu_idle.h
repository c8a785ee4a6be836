/* SPDX-License-Identifier: MIT */
/* Reclaim of buffers that are idle (parameter "reclaim"). */
#ifndef VGPU_IDLE_H
#define VGPU_IDLE_H

#include <stdbool.h>
#include <stdint.h>

/* Check whether the driver was loaded with reclaim=1; false for a driver without the parameter. */
bool vgpu_idle_is_on(void);

/* Make the kernel run all shrinkers; returns 0 or -errno. */
int vgpu_idle_ask(void);

/* Check in debugfs whether the host has no pages of a buffer. */
bool vgpu_idle_is_away(int fd, uint32_t handle);

/* Run the shrinkers until the host has no pages of a buffer; assert that this succeeds. */
void vgpu_idle_send_away(int fd, uint32_t handle);

#endif
