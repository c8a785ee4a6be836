// SPDX-License-Identifier: MIT
/*
 * The fault script: rules that say which request goes wrong, when, and how.
 * The grammar stands in vgpu-host.1 under FAULT SCRIPT.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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

__attribute__((format(printf, 3, 4)))
static int fault_error(char *err, size_t n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool parse_resp(const char *s, u64 *v)
{
	*v = wire_resp_find(s);
	return *v || words_number(s, UINT32_MAX, v);
}

static u32 parse_type(const char *s)
{
	const struct command *cmd = command_find_name(s);
	u64 v;

	if (cmd)
		return cmd->type;
	if (!strcmp(s, "any"))
		return FAULT_ANY;
	if (!strcmp(s, "fenced"))
		return FAULT_FENCED;
	if (!strcmp(s, "ctrl"))
		return FAULT_CTRL;
	if (!strcmp(s, "cursor"))
		return FAULT_CURSOR;
	return words_number(s, UINT32_MAX, &v) && v > FAULT_CURSOR ? v : 0;
}

static int parse_types(struct fault_rule *r, char *s, char *err, size_t n)
{
	char *save = NULL;

	for (char *t = strtok_r(s, "|", &save); t; t = strtok_r(NULL, "|", &save)) {
		if (r->ntype == FAULT_TYPES_MAX)
			return fault_error(err, n, "more than %d types",
					   FAULT_TYPES_MAX);
		r->type[r->ntype] = parse_type(t);
		if (!r->type[r->ntype++])
			return fault_error(err, n, "unknown request type '%s'", t);
	}
	return r->ntype ? 0 : fault_error(err, n, "request type missing");
}

static bool parse_range(const char *s, struct fault_rule *r)
{
	char copy[64], *dots;

	if (strlen(s) >= sizeof(copy))
		return false;
	strcpy(copy, s);
	dots = strstr(copy, "..");
	if (!dots) {
		r->last = 0;
		if (!words_number(copy, UINT64_MAX, &r->first))
			return false;
		r->last = r->first;
		return r->first;
	}
	*dots = 0;
	return words_number(copy, UINT64_MAX, &r->first) && words_number(dots + 2, UINT64_MAX, &r->last) &&
	       r->first && r->first <= r->last;
}

static bool parse_id(struct words *w, s64 *id)
{
	u64 v;

	if (!words_number(words_next(w), UINT32_MAX, &v))
		return false;
	*id = v;
	return true;
}

static bool parse_after(struct words *w, struct fault_rule *r)
{
	r->after_type = parse_type(words_next(w));
	r->after = 1;
	if (words_number(words_peek(w), UINT64_MAX, &r->after))
		w->at++;
	else
		r->after = 1;
	return r->after_type && r->after;
}

static int parse_when(struct words *w, struct fault_rule *r, char *err, size_t n)
{
	r->first = 1;
	r->last = UINT64_MAX;
	r->every = 1;
	r->ctx = -1;
	r->ring = -1;
	r->res = -1;
	while (w->at < w->n && strcmp(words_peek(w), ":")) {
		const char *word = words_next(w);
		bool ok = true;

		if (!strcmp(word, "once"))
			r->last = r->first;
		else if (!strcmp(word, "nth"))
			ok = parse_range(words_next(w), r);
		else if (!strcmp(word, "from"))
			ok = words_number(words_next(w), UINT64_MAX, &r->first) && r->first;
		else if (!strcmp(word, "every"))
			ok = words_number(words_next(w), UINT64_MAX, &r->every) && r->every;
		else if (!strcmp(word, "after"))
			ok = parse_after(w, r);
		else if (!strcmp(word, "ctx"))
			ok = parse_id(w, &r->ctx);
		else if (!strcmp(word, "ring"))
			ok = parse_id(w, &r->ring);
		else if (!strcmp(word, "res"))
			ok = parse_id(w, &r->res);
		else
			return fault_error(err, n, "unknown condition '%s'", word);
		if (!ok)
			return fault_error(err, n, "bad value for '%s'", word);
	}
	return 0;
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
	if (*s != '+' && *s != '-')
		return false;
	if (!words_number(s + 1, UINT64_MAX, &a->a))
		return false;
	if (*s == '-')
		a->a = -a->a;
	return true;
}

static bool parse_args(struct words *w, struct fault_action *a, enum arg_kind arg)
{
	struct output o;

	switch (arg) {
	case ARG_NONE:
		return true;
	case ARG_NUM:
		return words_number(words_next(w), UINT64_MAX, &a->a);
	case ARG_OPT:
		if (words_number(words_peek(w), UINT64_MAX, &a->a))
			w->at++;
		else
			a->a = 0;
		return true;
	case ARG_RESP:
		return parse_resp(words_next(w), &a->a);
	case ARG_PAIR:
		return words_number(words_next(w), UINT64_MAX, &a->a) &&
		       words_number(words_next(w), UINT64_MAX, &a->b) && a->a <= UINT32_MAX;
	case ARG_FENCE:
		return parse_fence(a, words_next(w));
	case ARG_OUTPUT:
		return words_number(words_next(w), UINT64_MAX, &a->a) && a->a < 16 &&
		       output_change(&o, words_peek(w)) &&
		       parse_text(a, words_next(w));
	case ARG_CONFIG:
		return parse_text(a, words_next(w)) &&
		       words_number(words_next(w), UINT64_MAX, &a->a);
	case ARG_WORD:
		return parse_text(a, words_next(w));
	}
	return false;
}

/**
 * fault_action_parse - Read an action
 * @w: its words and what follows
 * @a: filled in
 *
 * Return: false when there is no such action, or its arguments are wrong.
 */
bool fault_action_parse(struct words *w, struct fault_action *a)
{
	const char *verb = words_next(w);

	for (size_t i = 0; i < ARRAY_SIZE(fault_verbs); i++) {
		if (strcmp(fault_verbs[i].name, verb))
			continue;
		a->kind = fault_verbs[i].kind;
		return parse_args(w, a, fault_verbs[i].arg);
	}
	return false;
}

static int parse_action(struct words *w, struct fault_rule *r, char *err, size_t n)
{
	const char *verb = words_peek(w);

	if (r->naction == FAULT_ACTIONS_MAX)
		return fault_error(err, n, "more than %d actions", FAULT_ACTIONS_MAX);
	if (!fault_action_parse(w, &r->action[r->naction++]))
		return fault_error(err, n, "'%s' is no action, or has a bad argument", verb);
	return 0;
}

static int parse_rule(struct words *w, struct fault_rule *r, char *err, size_t n)
{
	int ret;

	if (!words_take(w, "on"))
		return fault_error(err, n, "a rule begins with 'on'");
	ret = parse_types(r, (char *)words_next(w), err, n);
	if (!ret)
		ret = parse_when(w, r, err, n);
	if (ret)
		return ret;
	if (!words_take(w, ":"))
		return fault_error(err, n, "':' missing");
	do {
		ret = parse_action(w, r, err, n);
	} while (!ret && words_take(w, ","));
	if (!ret && w->at < w->n)
		return fault_error(err, n, "',' expected before '%s'", words_peek(w));
	return ret;
}

/**
 * fault_parse - Add one line of a script
 * @s: the script
 * @line: a rule, a comment, or nothing
 * @err: told what is wrong
 * @n: bytes of @err
 *
 * Return: 0, or a negative errno with @err filled in and nothing added.
 */
int fault_parse(struct fault_script *s, const char *line, char *err, size_t n)
{
	struct fault_rule *r;
	struct words w;
	int ret;

	if (!words_split(&w, line, ",:#"))
		return fault_error(err, n, "line too long");
	/* A comment ends the line. */
	for (unsigned int i = 0; i < w.n; i++)
		if (*w.word[i] == '#')
			w.n = i;
	if (!w.n)
		return 0;
	if (s->n == FAULT_RULES_MAX)
		return fault_error(err, n, "more than %d rules", FAULT_RULES_MAX);
	r = xcalloc(1, sizeof(*r));
	ret = parse_rule(&w, r, err, n);
	if (ret)
		free(r);
	else
		s->rule[s->n++] = r;
	return ret;
}

/**
 * fault_load - Add the lines of a file
 * @s: the script
 * @path: the file
 * @err: told what is wrong
 * @n: bytes of @err
 *
 * Return: 0, or a negative errno with @err filled in.
 */
int fault_load(struct fault_script *s, const char *path, char *err, size_t n)
{
	FILE *f = fopen(path, "re");
	char line[WORDS_LINE_MAX], what[128];
	int ret = 0;

	if (!f)
		return fault_error(err, n, "%s: %s", path, strerror(errno));
	for (int no = 1; !ret && fgets(line, sizeof(line), f); no++) {
		ret = fault_parse(s, line, what, sizeof(what));
		if (ret)
			fault_error(err, n, "%s:%d: %s", path, no, what);
	}
	fclose(f);
	return ret;
}

static bool type_matches(u32 type, const struct fault_event *ev)
{
	switch (type) {
	case FAULT_ANY:
		return true;
	case FAULT_FENCED:
		return ev->fenced;
	case FAULT_CTRL:
		return ev->queue == WIRE_CONTROLQ;
	case FAULT_CURSOR:
		return ev->queue == WIRE_CURSORQ;
	}
	return type == ev->type;
}

static bool rule_matches(struct fault_rule *r, const struct fault_event *ev)
{
	bool armed = !r->after_type || r->after_seen >= r->after;
	bool match = false;

	if (r->after_type && type_matches(r->after_type, ev))
		r->after_seen++;
	for (unsigned int i = 0; i < r->ntype; i++)
		match |= type_matches(r->type[i], ev);
	if (!match || !armed)
		return false;
	if ((r->ctx >= 0 && r->ctx != ev->ctx) ||
	    (r->ring >= 0 && r->ring != ev->ring) ||
	    (r->res >= 0 && r->res != ev->res))
		return false;
	r->seen++;
	return r->seen >= r->first && r->seen <= r->last &&
	       (r->seen - r->first) % r->every == 0;
}

/**
 * fault_apply - Let the rules see a request
 * @s: the script
 * @ev: the request
 * @act: called for each action of each rule that matches
 * @opaque: its first argument
 *
 * Return: how many actions there were.
 */
unsigned int fault_apply(struct fault_script *s, const struct fault_event *ev,
			 fault_act_fn act, void *opaque)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		struct fault_rule *r = s->rule[i];

		if (!rule_matches(r, ev))
			continue;
		r->fired++;
		s->fired++;
		for (unsigned int k = 0; k < r->naction; k++)
			act(opaque, &r->action[k]);
		count += r->naction;
	}
	return count;
}

/**
 * fault_clear - Forget all rules
 * @s: the script
 */
void fault_clear(struct fault_script *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		free(s->rule[i]);
	s->n = 0;
}
