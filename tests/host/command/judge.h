/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_JUDGE_H
#define VGPU_HOST_JUDGE_H

#include "rule.h"
#include "virtqueue.h"

struct device;
struct job;

#define JUDGE_DOUBTS 1024
#define JUDGE_IDS 0x10000

/**
 * struct doubt - a fact that driver and device may see differently
 * @fact: one bit of enum fact
 * @ctx: context it is about, or 0
 * @id: resource it is about; scanout for FACT_SCANOUT; or 0
 * @cause: number of the request whose answer is the reason
 * @told: number of that answer on the control queue; 0 when it was not sent yet,
 *        JUDGE_NEVER when it never is
 * @honest: the answer is the truth: the doubt ends when the driver has seen it
 */
struct doubt {
	u32 fact, ctx, id;
	u64 cause, told;
	bool honest;
};

#define JUDGE_NEVER UINT64_MAX

/**
 * struct judge - what excuses the driver
 * @job: the request being executed
 * @bugs: rules it broke
 * @forgiven: facts that excused it
 * @other: resource whose mapping is in the way of that request, or 0
 * @doubt: the last doubts
 * @n: how many
 * @next: which to forget when there are too many
 * @lies: enum fact bits of what the device told the driver that is not so
 * @excused: rules broken that follow from doubts and lies
 * @answers: answers sent on the control queue
 * @answer_of: by buffer id, which of them returned it last
 * @taken: the last answer whose buffer the driver has used again
 * @mature: @taken at the last kick
 * @seen: @taken at the kick before: all requests from now on were made knowing it
 */
struct judge {
	struct job *job;
	u32 bugs, forgiven, other;
	struct doubt doubt[JUDGE_DOUBTS];
	u32 n, next;
	u32 lies;
	u64 excused;
	u64 answers, answer_of[JUDGE_IDS];
	u64 taken, mature, seen;
};

void judge_begin(struct judge *j, struct job *job);
void judge_end(struct judge *j);
void judge_refused(struct judge *j, struct job *job);
void judge_answered(struct judge *j, const struct job *job);
void judge_kicked(struct judge *j, const struct virtqueue *vq);
void judge_forget(struct judge *j);
bool judge_forgives(struct device *d, const char *rule);

u32 cmd_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
u32 cmd_user(struct device *d, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
