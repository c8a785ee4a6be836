/* SPDX-License-Identifier: MIT */
#pragma once

#include "rule.h"
#include "virtqueue.h"

struct device;
struct job;

#define JUDGE_DOUBTS 1024
#define JUDGE_IDS 0x10000

/* A fact that driver and device may see differently. */
struct doubt {
	u32 fact;	/* one bit of enum fact */
	u32 ctx;	/* context it is about, or 0 */
	u32 id;		/* resource it is about; scanout for FACT_SCANOUT; or 0 */
	u64 cause;	/* number of the request whose answer is the reason */
	u64 told;	/* number of that answer on the control queue, 0: not yet, or JUDGE_NEVER */
	bool honest;	/* the answer is the truth: the doubt ends when the driver has seen it */
};

#define JUDGE_NEVER UINT64_MAX

/* What excuses the driver. */
struct judge {
	struct job *job; /* the request being executed */
	u32 bugs;	/* rules it broke */
	u32 forgiven;	/* facts that excused it */
	u32 other;	/* resource whose mapping is in the way of that request, or 0 */
	struct doubt doubt[JUDGE_DOUBTS]; /* the last doubts */
	u32 n;		/* how many */
	u32 next;	/* which to forget when there are too many */
	u32 lies;	/* enum fact bits of what the device told the driver that is not so */
	u64 excused;	/* rules broken that follow from doubts and lies */
	u64 answers;	/* answers sent on the control queue */
	u64 answer_of[JUDGE_IDS]; /* by buffer id, which of them returned it last */
	u64 taken;	/* the last answer whose buffer the driver has used again */
	u64 mature;	/* @taken at the last kick */
	/* @taken at the kick before: all requests from now on were made knowing it */
	u64 seen;
};

void judge_begin(struct judge *j, struct job *job);
void judge_end(struct judge *j);
void judge_refused(struct judge *j, struct job *job);
void judge_answered(struct judge *j, const struct job *job);
void judge_kicked(struct judge *j, const struct virtqueue *vq);
bool judge_forgives(struct device *d, const char *rule);

u32 cmd_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
u32 cmd_user(struct device *d, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
