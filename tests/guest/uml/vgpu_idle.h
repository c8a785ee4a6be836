/* SPDX-License-Identifier: MIT */
/* Memory that the driver gives back while nobody uses it (parameter "reclaim"). */
#ifndef VGPU_IDLE_H
#define VGPU_IDLE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the driver was loaded with reclaim=1; false for one that does not know it. */
bool vgpu_idle_is_on(void);

/* Have the kernel ask everybody for what memory he can do without: 0 or -errno. */
int vgpu_idle_ask(void);

/* Whether the host has no pages of a buffer, by what the driver says of it. */
bool vgpu_idle_is_away(int fd, uint32_t handle);

/* Asks until it has none; asserted. */
void vgpu_idle_send_away(int fd, uint32_t handle);

#endif
