/* SPDX-License-Identifier: MIT */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
/* What %llu and %lld print. */
typedef unsigned long long u64;
typedef long long s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define BIT64(n) (1ull << (n))
#define MIB (1024ull * 1024)
#define PAGE 4096ull
#define PAGES(bytes) (((bytes) + PAGE - 1) & ~(PAGE - 1))	/* rounded up */

/* Everything on the wire is little endian and may be unaligned in our copies. */
#define LE_ACCESS(bits) \
static inline u##bits get_le##bits(const void *p) \
{ \
	u##bits v; \
\
	memcpy(&v, p, sizeof(v)); \
	return le##bits##toh(v); \
} \
\
static inline void put_le##bits(void *p, u##bits v) \
{ \
	v = htole##bits(v); \
	memcpy(p, &v, sizeof(v)); \
}

LE_ACCESS(16)
LE_ACCESS(32)
LE_ACCESS(64)
