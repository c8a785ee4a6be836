/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_FAULT_H
#define VGPU_HOST_FAULT_H

#include "base.h"

#define FAULT_RULES_MAX 256
#define FAULT_ACTIONS_MAX 8
#define FAULT_TYPES_MAX 8

/* What a rule can apply to, besides request types. */
#define FAULT_ANY 1u
#define FAULT_FENCED 2u
#define FAULT_CTRL 3u
#define FAULT_CURSOR 4u

enum fault_kind {
	FAULT_ERROR,
	FAULT_ERROR_AFTER,
	FAULT_SHORT,
	FAULT_LONG,
	FAULT_TYPE,
	FAULT_FENCE_ADD,
	FAULT_FENCE_SET,
	FAULT_RING,
	FAULT_CTX,
	FAULT_FLAGS,
	FAULT_SET8,
	FAULT_SET32,
	FAULT_SET64,
	FAULT_GARBAGE,
	FAULT_TWICE,
	FAULT_BAD_ID,
	FAULT_NEVER,
	FAULT_HANG,
	FAULT_KICKS,
	FAULT_SLOW,
	FAULT_MS,
	FAULT_BEHIND,
	FAULT_TOKEN,
	FAULT_NEEDS_RESET,
	FAULT_STOP,
	FAULT_STALL,
	FAULT_LAZY,
	FAULT_DIE,
	FAULT_OUTPUT,
	FAULT_CONFIG,
	FAULT_MARK,
};

/** struct fault_action - one thing that goes wrong */
struct fault_action {
	enum fault_kind kind;
	u64 a, b;
	char text[48];
};

/**
 * struct fault_rule - when things go wrong
 * @type: request types or FAULT_ANY and the like
 * @ntype: how many
 * @first: first match that counts, from 1
 * @last: last match that counts
 * @every: of those, each so-many-th
 * @after_type: only after requests of this type, or 0
 * @after: so many of them
 * @after_seen: how many there were
 * @ctx: only this context, or -1
 * @ring: only this ring, or -1
 * @res: only this resource, or -1
 * @seen: matches so far
 * @fired: times it acted
 * @action: what to do
 * @naction: how many
 */
struct fault_rule {
	u32 type[FAULT_TYPES_MAX];
	unsigned int ntype;
	u64 first, last, every;
	u32 after_type;
	u64 after, after_seen;
	s64 ctx, ring, res;
	u64 seen, fired;
	struct fault_action action[FAULT_ACTIONS_MAX];
	unsigned int naction;
};

/** struct fault_script - all rules, in the order they were given */
struct fault_script {
	struct fault_rule *rule[FAULT_RULES_MAX];
	unsigned int n;
	u64 fired;
};

/** struct fault_event - a request, as the rules see it */
struct fault_event {
	u32 type;
	unsigned int queue;
	bool fenced;
	u32 ctx;
	s64 ring;
	s64 res;
};

/** typedef fault_act_fn - called for each action of each rule that matches */
typedef void (*fault_act_fn)(void *opaque, const struct fault_action *action);

int fault_parse(struct fault_script *s, const char *line, char *err, size_t n);
int fault_load(struct fault_script *s, const char *path, char *err, size_t n);
unsigned int fault_apply(struct fault_script *s, const struct fault_event *ev,
			 fault_act_fn act, void *opaque);
void fault_clear(struct fault_script *s);
bool fault_parse_output(const char *text, u32 *w, u32 *h, s64 *x, s64 *y);

#endif
