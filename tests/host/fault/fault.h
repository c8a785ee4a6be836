/* SPDX-License-Identifier: MIT */
#pragma once

#include "words.h"

#define FAULT_RULES_MAX 256
#define FAULT_ACTIONS_MAX 8
#define FAULT_TYPES_MAX 8

/* What a rule can apply to, besides request types. */
#define FAULT_ANY 1u
#define FAULT_FENCED 2u
#define FAULT_CTRL 3u
#define FAULT_CURSOR 4u

#define FAULT_ALL UINT64_MAX

/*
 * What an action does: first those that change an answer, and have at most one value each; then those that make it
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

/* One thing that goes wrong. */
struct fault_action {
	enum fault_kind kind;
	u64 a, b;
	char text[48];
};

struct job;

/* When things go wrong. */
struct fault_rule {
	u32 type[FAULT_TYPES_MAX];	/* request types or FAULT_ANY and the like */
	unsigned int ntype;		/* how many */
	u64 first;			/* first match that counts, from 1 */
	u64 last;			/* last match that counts */
	u64 every;			/* of those, each so-many-th */
	u32 after_type;			/* only after requests of this type, or 0 */
	u64 after;			/* so many of them */
	u64 after_seen;			/* how many there were */
	u64 ctx;			/* only this context, or FAULT_ALL */
	u64 ring;			/* only this ring, or FAULT_ALL */
	u64 res;			/* only this resource, or FAULT_ALL */
	u64 seen;			/* matches so far */
	u64 fired;			/* times it acted */
	struct fault_action action[FAULT_ACTIONS_MAX]; /* what to do */
	unsigned int naction;		/* how many */
};

/* All rules, in the order they were given. */
struct fault_script {
	struct fault_rule *rule[FAULT_RULES_MAX];
	unsigned int n;
	u64 fired;
};

/* Called for each action of each rule that matches. */
typedef void (*fault_act_fn)(void *opaque, const struct fault_action *action);

int fault_parse(struct fault_script *s, const char *line, char *err, size_t n);
int fault_load(struct fault_script *s, const char *path, char *err, size_t n);
void fault_apply(struct fault_script *s, const struct job *job, fault_act_fn act, void *opaque);
void fault_clear(struct fault_script *s);
bool fault_action_parse(struct words *w, struct fault_action *a);
