/* SPDX-License-Identifier: MIT */
/* The other driver that buffers are shared with: vgpu-sharer.ko */
#ifndef VGPU_SHARING_H
#define VGPU_SHARING_H

#include <stdint.h>

/* Open the driver, whose module is loaded from a directory of PATH; skip the test without it. */
int vgpu_sharer_open(void);
/* Have the other driver ask for the UUID of a buffer; returns 0, or -errno. */
int vgpu_sharer_ask_uuid(int sharer, int fd, uint32_t handle, uint8_t uuid[16]);

#endif
