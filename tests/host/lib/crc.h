/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

u32 crc32_update(u32 crc, const void *p, size_t len);
