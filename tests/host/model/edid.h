/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_EDID_H
#define VGPU_HOST_EDID_H

#include "base.h"

#define EDID_SIZE 128
#define EDID_MAX_PIXELS 4095

void edid_make(u8 edid[EDID_SIZE], u32 output, u32 width, u32 height);

#endif
