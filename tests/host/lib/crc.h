/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_CRC_H
#define VGPU_HOST_CRC_H

#include "base.h"

u32 crc32_update(u32 crc, const void *p, size_t len);

#endif
