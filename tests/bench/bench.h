/* SPDX-License-Identifier: MIT */
/*
 * Cases of the benchmark and their helpers. A case repeats an operation in rounds of a fixed number
 * of operations; each round ends with a wait for the device. The cost of an operation is the median
 * over the rounds.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Maximum number of buffers of a case. */
#define BENCH_MAX_BUFFERS	512

/* Largest command stream. */
#define BENCH_STREAM_BYTES	(1024 * 1024)

struct bench_case;

/**
 * struct bench - the state of a running case
 * @fd: the render node, opened for this case
 * @c: the case
 * @handles: buffers that the case has created
 * @scratch: a buffer to wait on
 * @token: token that the answers of the round wait for, in a @fixed case
 * @stream: BENCH_STREAM_BYTES of NOPs
 * @priv: private data of the case
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
 * @name: name in the table
 * @ops: operations in a round
 * @rounds: how many rounds
 * @arg: size or count that distinguishes similar cases
 * @quick: the case is in the quick set
 * @card: the case needs the card node, as DRM master
 * @sleeps: the operation waits for the display. The clock advances meanwhile, so only the
 *          counts are measured
 * @waits: each operation waits for the device. The clock jumps meanwhile, so the time of the
 *         process alone is measured
 * @fixed: the device answers nothing before the end of the round, and then all at once. Needs
 *         the device of tests/host
 * @setup: creates the objects of the operation; may be NULL. Returns false if the device
 *         lacks a feature
 * @before: prepares a round, and is not measured; may be NULL
 * @op: the operation, number @i of its round
 * @settle: ends a round: returns the buffer that is idle when the device has finished, or
 *          0 for none; NULL sends a transfer behind all other work and waits for its buffer
 * @cost: instead of @op and @settle: does a round of @ops operations, and returns the cost
 *        of one
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
