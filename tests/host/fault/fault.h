/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_FAULT_H
#define VGPU_HOST_FAULT_H

#include "words.h"

#define FAULT_RULES_MAX 256
#define FAULT_ACTIONS_MAX 8
#define FAULT_TYPES_MAX 8

/* What a rule can apply to, besides request types. */
#define FAULT_ANY 1u
#define FAULT_FENCED 2u
#define FAULT_CTRL 3u
#define FAULT_CURSOR 4u

/**
 * enum fault_kind - what an action does
 *
 * First those that change an answer, and have at most one value each; then those that make it
 * late; those from FAULT_STOP on are about a queue or the whole device.
 */
enum fault_kind {
	FAULT_ERROR,		/* answer with this type instead of executing */
	FAULT_ERROR_AFTER,	/* execute, then answer with this type */
	FAULT_TYPE,		/* write this type */
	FAULT_SHORT,		/* write so many bytes at most */
	FAULT_LONG,		/* claim so many bytes in the used ring */
	FAULT_FENCE_ADD,	/* added to the fence id */
	FAULT_FENCE_SET,	/* written as the fence id */
	FAULT_RING,		/* written into the header, as the next two */
	FAULT_CTX,
	FAULT_FLAGS,
	FAULT_GARBAGE,		/* fill the payload from this seed */
	FAULT_TWICE,		/* return the buffer twice */
	FAULT_BAD_ID,		/* return a buffer that does not exist, too */
	FAULT_NEVER,		/* do not answer; others go on */
	FAULT_HANG,		/* do not answer, and neither what is later on the timeline */
	FAULT_ANSWERS,
	FAULT_SET8 = FAULT_ANSWERS,
	FAULT_SET32,
	FAULT_SET64,
	FAULT_KICKS,
	FAULT_SLOW,
	FAULT_MS,
	FAULT_BEHIND,
	FAULT_TOKEN,
	FAULT_STOP,
	FAULT_LAZY,
	FAULT_STALL,
	FAULT_NEEDS_RESET,
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
bool fault_action_parse(struct words *w, struct fault_action *a);

#endif
