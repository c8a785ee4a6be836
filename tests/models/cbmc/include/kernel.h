/* SPDX-License-Identifier: MIT */
/*
 * As much of the kernel as the pure parts of the driver need to be read by cbmc. Every header of
 * cbmc/include/ includes this one. Locks are no-ops, since one thread runs; allocations may fail.
 */
#ifndef MODELS_KERNEL_H
#define MODELS_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
typedef int32_t __s32;
typedef int64_t __s64;
typedef __u16 __le16;
typedef __u32 __le32;
typedef __u64 __le64;
typedef unsigned int gfp_t;

#define __user
#define __force
#define __aligned(n) __attribute__((aligned(n)))
#define __counted_by(n)
#define unlikely(x) (x)
#define likely(x) (x)

#define cpu_to_le32(x) ((__u32)(x))
#define cpu_to_le64(x) ((__u64)(x))
#define le32_to_cpu(x) ((__u32)(x))
#define le64_to_cpu(x) ((__u64)(x))
#define lower_32_bits(n) ((u32)((n) & 0xffffffffu))
#define upper_32_bits(n) ((u32)((n) >> 32))

#define U32_MAX UINT32_MAX
#define S64_MAX INT64_MAX
#define SZ_2M (2u << 20)
#define BIT_ULL(n) (1ull << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a) (((x) + (a) - 1) & ~((typeof(x))(a) - 1))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define min(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define max_t(type, a, b) max((type)(a), (type)(b))
#define min_t(t, a, b) min((t)(a), (t)(b))
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, v) ((x) = (v))

static inline size_t array_size(size_t a, size_t b)
{
	return b && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

#define struct_size(p, member, n) \
	(sizeof(*(p)) + array_size(n, sizeof((p)->member[0])))

static inline unsigned int ilog2(u64 n)
{
	unsigned int log = 0;

	assert(n);
	while (n >>= 1)
		log++;
	return log;
}

#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-4095)
#define ERR_PTR(e) ((void *)(long)(e))
#define PTR_ERR(p) ((long)(p))

typedef struct { int counter; } atomic_t;
#define atomic_set(a, n) ((void)((a)->counter = (n)))
#define atomic_read(a) ((a)->counter)
#define atomic_inc(a) ((void)((a)->counter++))
#define atomic_dec(a) ((void)((a)->counter--))

typedef struct { int held; } spinlock_t;
#define spin_lock_init(l) ((void)((l)->held = 0))
#define spin_lock_irqsave(l, f) ((void)(f), assert(!(l)->held++))
#define spin_unlock_irqrestore(l, f) ((void)(f), assert((l)->held-- == 1))
#define lockdep_assert_held(l) assert((l)->held)

/* What cbmc may choose freely. */
u8 nondet_u8(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
s32 nondet_s32(void);
s64 nondet_s64(void);
size_t nondet_size(void);
bool nondet_bool(void);

#define assume(x) __CPROVER_assume(x)

#endif
