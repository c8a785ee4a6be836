/* SPDX-License-Identifier: MIT */
/* Wrappers of the ioctls; any failure ends the program. */
#ifndef GPU_H
#define GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "vgpu_uapi.h"

_Noreturn void gpu_die(const char *what);

int gpu_open_render(void);
int gpu_open_card(void);
void gpu_ioctl(int fd, unsigned long request, void *arg);
int gpu_param(int fd, uint64_t param);
uint32_t gpu_buffer(int fd, uint32_t size_bytes);
uint32_t gpu_texture(int fd, uint32_t side);
uint32_t gpu_host_blob(int fd, uint32_t size_bytes);
void gpu_close(int fd, uint32_t handle);
void *gpu_map(int fd, uint32_t handle, uint32_t size_bytes);
void gpu_wait(int fd, uint32_t handle);
bool gpu_is_busy(int fd, uint32_t handle);
void gpu_transfer(int fd, uint32_t handle, uint32_t size_bytes, bool to_host);
void gpu_context_init(int fd, uint32_t capset, uint32_t num_rings, uint64_t poll_mask);
void gpu_in_process(int (*fn)(void *arg), void *arg);

#endif
