/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_PNG_H
#define VGPU_HOST_PNG_H

#include "base.h"

int png_write(const char *path, const u32 *xrgb, u32 width, u32 height);

#endif
