// SPDX-License-Identifier: MIT
/* The fault script: which request goes wrong, when, and how. Grammar: see vgpu-host.1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "log.h"

enum arg_kind {
	ARG_NONE,
	ARG_NUM,	/* a number */
	ARG_OPT,	/* a number, or nothing: 0 */
	ARG_RESP,	/* name or number of a response type */
	ARG_PAIR,	/* two numbers */
	ARG_FENCE,	/* +N, -N or =N */
	ARG_OUTPUT,	/* number, then WxH[+X+Y], on or off */
	ARG_CONFIG,	/* field name, then a number */
	ARG_WORD,	/* a word */
};

static const struct {
	const char *name;
	enum fault_kind kind;
	enum arg_kind arg;
} fault_verbs[] = {
	{ "error", FAULT_ERROR, ARG_RESP },
	{ "error-after", FAULT_ERROR_AFTER, ARG_RESP },
	{ "short", FAULT_SHORT, ARG_NUM },
	{ "long", FAULT_LONG, ARG_NUM },
	{ "type", FAULT_TYPE, ARG_RESP },
	{ "fence", FAULT_FENCE_ADD, ARG_FENCE },
	{ "ring", FAULT_RING, ARG_NUM },
	{ "ctx", FAULT_CTX, ARG_NUM },
	{ "flags", FAULT_FLAGS, ARG_NUM },
	{ "set8", FAULT_SET8, ARG_PAIR },
	{ "set32", FAULT_SET32, ARG_PAIR },
	{ "set64", FAULT_SET64, ARG_PAIR },
	{ "garbage", FAULT_GARBAGE, ARG_OPT },
	{ "twice", FAULT_TWICE, ARG_NONE },
	{ "bad-id", FAULT_BAD_ID, ARG_NONE },
	{ "never", FAULT_NEVER, ARG_NONE },
	{ "hang", FAULT_HANG, ARG_NONE },
	{ "kicks", FAULT_KICKS, ARG_NUM },
	{ "slow", FAULT_SLOW, ARG_NUM },
	{ "ms", FAULT_MS, ARG_NUM },
	{ "behind", FAULT_BEHIND, ARG_NUM },
	{ "token", FAULT_TOKEN, ARG_NUM },
	{ "needs-reset", FAULT_NEEDS_RESET, ARG_NONE },
	{ "stop", FAULT_STOP, ARG_NONE },
	{ "stall", FAULT_STALL, ARG_NONE },
	{ "lazy", FAULT_LAZY, ARG_NONE },
	{ "die", FAULT_DIE, ARG_OPT },
	{ "output", FAULT_OUTPUT, ARG_OUTPUT },
	{ "config", FAULT_CONFIG, ARG_CONFIG },
	{ "mark", FAULT_MARK, ARG_WORD },
};

static const char *const fault_groups[] = {
	[FAULT_ANY] = "any", [FAULT_FENCED] = "fenced", [FAULT_CTRL] = "ctrl",
	[FAULT_CURSOR] = "cursor",
};

/* A rule that is being read, and what is told of it when it is wrong. */
struct parse {
	struct words w;
	struct fault_rule *r;
	struct words_error err;
};

static bool parse_resp(const char *s, u64 *v)
{
	*v = wire_resp_find(s);
	return *v || words_number(s, UINT32_MAX, v);
}

static u32 parse_type(const char *s)
{
	const struct command *cmd = command_find_name(s);
	int group = NAME_ROW(fault_groups, s);
	u64 v;

	if (cmd)
		return cmd->type;
	if (group > 0)
		return group;
	return words_number(s, UINT32_MAX, &v) && v > FAULT_CURSOR ? v : 0;
}

static bool parse_types(struct parse *p)
{
	struct fault_rule *r = p->r;
	char *save = NULL;

	for (char *t = strtok_r((char *)words_next(&p->w), "|", &save); t;
	     t = strtok_r(NULL, "|", &save)) {
		if (r->ntype == FAULT_TYPES_MAX)
			return words_wrong(&p->err, "more than %d types", FAULT_TYPES_MAX);
		r->type[r->ntype] = parse_type(t);
		if (!r->type[r->ntype++])
			return words_wrong(&p->err, "unknown request type '%s'", t);
	}
	return r->ntype || words_wrong(&p->err, "request type missing");
}

static bool parse_range(struct words *w, struct fault_rule *r)
{
	char *first = (char *)words_next(w), *dots = strstr(first, "..");

	if (dots)
		*dots = 0;
	return words_number(first, UINT64_MAX, &r->first) && r->first &&
	       words_number(dots ? dots + 2 : first, UINT64_MAX, &r->last) && r->first <= r->last;
}

static bool parse_after(struct words *w, struct fault_rule *r)
{
	r->after_type = parse_type(words_next(w));
	if (!words_take_number(w, UINT64_MAX, &r->after))
		r->after = 1;
	return r->after_type && r->after;
}

static bool parse_condition(struct words *w, struct fault_rule *r, const char *word)
{
	if (!strcmp(word, "nth"))
		return parse_range(w, r);
	if (!strcmp(word, "from"))
		return words_take_number(w, UINT64_MAX, &r->first) && r->first;
	if (!strcmp(word, "every"))
		return words_take_number(w, UINT64_MAX, &r->every) && r->every;
	if (!strcmp(word, "after"))
		return parse_after(w, r);
	if (!strcmp(word, "ctx"))
		return words_take_number(w, UINT32_MAX, &r->ctx);
	if (!strcmp(word, "ring"))
		return words_take_number(w, UINT32_MAX, &r->ring);
	if (!strcmp(word, "res"))
		return words_take_number(w, UINT32_MAX, &r->res);
	if (strcmp(word, "once"))
		return false;
	r->last = r->first;
	return true;
}

static bool parse_when(struct parse *p)
{
	while (p->w.at < p->w.n && strcmp(words_peek(&p->w), ":")) {
		const char *word = words_next(&p->w);

		if (!parse_condition(&p->w, p->r, word))
			return words_wrong(&p->err, "'%s' is no condition, or has a bad value",
					   word);
	}
	return true;
}

static bool parse_text(struct fault_action *a, const char *word)
{
	if (!*word || strlen(word) >= sizeof(a->text))
		return false;
	strcpy(a->text, word);
	return true;
}

static bool parse_fence(struct fault_action *a, const char *s)
{
	if (*s == '=') {
		a->kind = FAULT_FENCE_SET;
		return words_number(s + 1, UINT64_MAX, &a->a);
	}
	if ((*s != '+' && *s != '-') || !words_number(s + 1, UINT64_MAX, &a->a))
		return false;
	a->a = *s == '-' ? -a->a : a->a;
	return true;
}

static bool parse_args(struct words *w, struct fault_action *a, enum arg_kind arg)
{
	struct output o;

	switch (arg) {
	case ARG_NONE:
		return true;
	case ARG_NUM:
		return words_take_number(w, UINT64_MAX, &a->a);
	case ARG_OPT:
		if (!words_take_number(w, UINT64_MAX, &a->a))
			a->a = 0;
		return true;
	case ARG_RESP:
		return parse_resp(words_next(w), &a->a);
	case ARG_PAIR:
		return words_take_number(w, UINT64_MAX, &a->a) &&
		       words_take_number(w, UINT64_MAX, &a->b) && a->a <= UINT32_MAX;
	case ARG_FENCE:
		return parse_fence(a, words_next(w));
	case ARG_OUTPUT:
		return words_take_number(w, UINT64_MAX, &a->a) && a->a < 16 &&
		       output_change(&o, words_peek(w)) && parse_text(a, words_next(w));
	case ARG_CONFIG:
		return parse_text(a, words_next(w)) && words_take_number(w, UINT64_MAX, &a->a);
	case ARG_WORD:
		return parse_text(a, words_next(w));
	}
	return false;
}

/* Read an action from @w. False: there is no such action, or its arguments are wrong. */
bool fault_action_parse(struct words *w, struct fault_action *a)
{
	int i = NAME_ROW(fault_verbs, words_next(w));

	if (i < 0)
		return false;
	a->kind = fault_verbs[i].kind;
	return parse_args(w, a, fault_verbs[i].arg);
}

static bool parse_action(struct parse *p)
{
	const char *verb = words_peek(&p->w);

	if (p->r->naction == FAULT_ACTIONS_MAX)
		return words_wrong(&p->err, "more than %d actions", FAULT_ACTIONS_MAX);
	return fault_action_parse(&p->w, &p->r->action[p->r->naction++]) ||
	       words_wrong(&p->err, "'%s' is no action, or has a bad argument", verb);
}

static bool parse_rule(struct parse *p)
{
	if (!words_take(&p->w, "on"))
		return words_wrong(&p->err, "a rule begins with 'on'");
	if (!parse_types(p) || !parse_when(p))
		return false;
	if (!words_take(&p->w, ":"))
		return words_wrong(&p->err, "':' missing");
	do {
		if (!parse_action(p))
			return false;
	} while (words_take(&p->w, ","));
	return p->w.at == p->w.n ||
	       words_wrong(&p->err, "',' expected before '%s'", words_peek(&p->w));
}

static bool parse_line(struct parse *p, struct fault_script *s, const char *line)
{
	if (!words_split(&p->w, line, ",:#"))
		return words_wrong(&p->err, "line too long");
	/* A comment ends the line. */
	for (unsigned int i = 0; i < p->w.n; i++)
		if (*p->w.word[i] == '#')
			p->w.n = i;
	if (!p->w.n)
		return true;
	if (s->n == FAULT_RULES_MAX)
		return words_wrong(&p->err, "more than %d rules", FAULT_RULES_MAX);
	p->r = xcalloc(1, sizeof(*p->r));
	*p->r = (struct fault_rule){
		.first = 1, .last = UINT64_MAX, .every = 1,
		.ctx = FAULT_ALL, .ring = FAULT_ALL, .res = FAULT_ALL,
	};
	if (!parse_rule(p)) {
		free(p->r);
		return false;
	}
	s->rule[s->n++] = p->r;
	return true;
}

/* Add a line of a script. Returns 0; or a negative errno, the reason in @err, nothing added. */
int fault_parse(struct fault_script *s, const char *line, char *err, size_t n)
{
	struct parse p = { .err = { err, n } };

	return parse_line(&p, s, line) ? 0 : -EINVAL;
}

/* Add the lines of a file. Returns 0, or a negative errno with the reason in @err. */
int fault_load(struct fault_script *s, const char *path, char *err, size_t n)
{
	FILE *f = fopen(path, "re");
	char line[WORDS_LINE_MAX], what[128];
	int ret = f ? 0 : -errno;

	if (!f)
		snprintf(err, n, "%s: %s", path, strerror(errno));
	for (int no = 1; !ret && fgets(line, sizeof(line), f); no++) {
		ret = fault_parse(s, line, what, sizeof(what));
		if (ret)
			snprintf(err, n, "%s:%d: %s", path, no, what);
	}
	if (f)
		fclose(f);
	return ret;
}

static bool type_matches(u32 type, const struct job *job)
{
	switch (type) {
	case FAULT_ANY:
		return true;
	case FAULT_FENCED:
		return job->hdr.flags & VIRTIO_GPU_FLAG_FENCE;
	case FAULT_CTRL:
		return job->queue == WIRE_CONTROLQ;
	case FAULT_CURSOR:
		return job->queue == WIRE_CURSORQ;
	}
	return type == job->hdr.type;
}

static bool ids_match(const struct fault_rule *r, const struct job *job)
{
	bool on_ring = job->hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX;

	return (r->ctx == FAULT_ALL || r->ctx == job->hdr.ctx_id) &&
	       (r->ring == FAULT_ALL || (on_ring && r->ring == job->hdr.ring_idx)) &&
	       (r->res == FAULT_ALL || r->res == (u64)command_member(job, "res"));
}

static bool rule_matches(struct fault_rule *r, const struct job *job)
{
	bool armed = !r->after_type || r->after_seen >= r->after;
	bool match = false;

	if (r->after_type && type_matches(r->after_type, job))
		r->after_seen++;
	for (unsigned int i = 0; i < r->ntype; i++)
		match |= type_matches(r->type[i], job);
	if (!match || !armed || !ids_match(r, job))
		return false;
	r->seen++;
	return r->seen >= r->first && r->seen <= r->last && (r->seen - r->first) % r->every == 0;
}

/* Let the rules see a request: call @act for each action of each rule that matches. */
void fault_apply(struct fault_script *s, const struct job *job, fault_act_fn act, void *opaque)
{
	for (unsigned int i = 0; i < s->n; i++) {
		struct fault_rule *r = s->rule[i];

		if (!rule_matches(r, job))
			continue;
		r->fired++;
		s->fired++;
		for (unsigned int k = 0; k < r->naction; k++)
			act(opaque, &r->action[k]);
	}
}

void fault_clear(struct fault_script *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		free(s->rule[i]);
	s->n = 0;
}
