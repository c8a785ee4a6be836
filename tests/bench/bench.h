/* SPDX-License-Identifier: MIT */
/*
 * What a case is, and what runs it. A case is an operation that is done again and
 * again: in rounds of so many operations, each round ended by waiting for the device,
 * and the cost of an operation is the median of the rounds.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Buffers a case may have at hand. */
#define BENCH_MAX_BUFFERS	512

/* Largest command stream. */
#define BENCH_STREAM_BYTES	(1024 * 1024)

struct bench_case;

/**
 * struct bench - what a case works with
 * @fd: the render node, opened for this case
 * @c: the case
 * @handles: buffers the case has made
 * @scratch: a buffer to wait on
 * @token: what the answers of the round wait for, in a fixed case
 * @stream: BENCH_STREAM_BYTES of NOPs
 * @priv: whatever else the case needs
 */
struct bench {
	int fd;
	const struct bench_case *c;
	uint32_t handles[BENCH_MAX_BUFFERS];
	uint32_t scratch;
	uint32_t token;
	const uint32_t *stream;
	void *priv;
};

/**
 * struct bench_case - an operation to measure
 * @name: what the table calls it
 * @ops: operations in a round
 * @rounds: how many rounds
 * @arg: size, count: whatever makes it different from others of its kind
 * @quick: it is in the quick set
 * @card: needs the card node, and to be its master
 * @sleeps: waits for the display, and the clock goes on meanwhile: only the counts are
 *          of interest
 * @waits: waits for the device in the midst of each operation, and the clock jumps
 *         meanwhile: what the process itself has cost is of interest
 * @fixed: the device answers nothing before the round is over, and then all at once: needs
 *         the device of tests/host
 * @setup: makes what the operation needs; may be NULL. Returns false where the device
 *         has not got it
 * @before: prepares a round, which does not count; may be NULL
 * @op: the operation, number @i of its round
 * @settle: ends a round: returns the buffer that is idle when the device has done all, or
 *          0; NULL for one that comes behind everything else
 * @cost: in place of @op and @settle: does a round of @ops operations, and returns what
 *        one of them has cost
 * @teardown: undoes @setup; may be NULL
 */
struct bench_case {
	const char *name;
	unsigned int ops;
	unsigned int rounds;
	uint32_t arg;
	bool quick;
	bool card;
	bool sleeps;
	bool waits;
	bool fixed;
	bool (*setup)(struct bench *b);
	void (*before)(struct bench *b);
	void (*op)(struct bench *b, unsigned int i);
	uint32_t (*settle)(struct bench *b);
	uint64_t (*cost)(struct bench *b);
	void (*teardown)(struct bench *b);
};

struct bench_cases {
	const struct bench_case *cases;
	size_t count;
};

extern const struct bench_cases bench_query_cases;
extern const struct bench_cases bench_object_cases;
extern const struct bench_cases bench_exec_cases;
extern const struct bench_cases bench_transfer_cases;
extern const struct bench_cases bench_scale_cases;
extern const struct bench_cases bench_signal_cases;
extern const struct bench_cases bench_kms_cases;

uint32_t bench_no_settle(struct bench *b);
uint32_t bench_settle_first(struct bench *b);
int64_t bench_median(int64_t *values, unsigned int count);

#endif
