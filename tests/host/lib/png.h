/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

int png_write(const char *path, const u32 *xrgb, u32 width, u32 height);
