// SPDX-License-Identifier: MIT
/*
 * Guest bugs: rules of the specification a driver broke. Each is printed with
 * the offending bytes, traced and counted; the count becomes our exit status.
 */
#include <stdio.h>

#include "bug.h"
#include "log.h"
#include "rule.h"
#include "words.h"

#define BUG_DUMP_MAX 256
#define BUG_PRINT_MAX 200

static bool bug_allow_one(void *opaque, const char *name)
{
	const struct rule *rule = rule_find(name);
	struct bug_log *log = opaque;

	if (rule)
		log->allow[rule - rule_nth(0)] = true;
	return rule;
}

/**
 * bug_allow - Let the driver break some rules
 * @log: the log
 * @rules: names, separated by commas
 *
 * Return: false when there is no such rule.
 */
bool bug_allow(struct bug_log *log, const char *rules)
{
	return words_list(rules, bug_allow_one, log);
}

/**
 * bug_clear - Forget the bugs seen so far
 * @log: the log
 */
void bug_clear(struct bug_log *log)
{
	log->count = 0;
	log->warnings = 0;
	log->allowed = 0;
	log->user = 0;
	log->nkept = 0;
}

static void bug_dump(const u8 *p, size_t len)
{
	for (size_t i = 0; i < MIN(len, BUG_DUMP_MAX); i++) {
		if (i % 16 == 0)
			fprintf(stderr, "%s  %04zx:", i ? "\n" : "", i);
		fprintf(stderr, " %02x", p[i]);
	}
	if (len > BUG_DUMP_MAX)
		fprintf(stderr, "\n  ... %zu bytes in all", len);
	fputc('\n', stderr);
}

/**
 * bug_report - Report that the driver broke a rule
 * @log: the log
 * @rule: name of the rule
 * @where: the request
 * @fmt: what happened
 * @ap: arguments of @fmt
 */
void bug_vreport(struct bug_log *log, const char *rule, const struct bug_where *where,
		 const char *fmt, va_list ap)
{
	static const char * const classes[] = {
		[RULE_MUST] = "MUST: virtio ", [RULE_HOST] = "HOST: refused by ",
		[RULE_PRACTICE] = "PRACTICE: ",
	};
	const struct rule *r = rule_find(rule);
	bool allowed, warning;
	char text[160];

	if (!r)
		log_die("there is no rule %s", rule);
	vsnprintf(text, sizeof(text), fmt, ap);
	allowed = log->allow[r - rule_nth(0)];
	warning = r->class == RULE_PRACTICE && !log->pedantic;
	if (log->trace) {
		trace_begin(log->trace, allowed ? "allowed-bug" : warning ? "warning" : "bug");
		trace_str(log->trace, "rule", rule);
		trace_u64(log->trace, "q", where->queue);
		trace_u64(log->trace, "seq", where->seq);
		trace_str(log->trace, "cmd", where->cmd);
		trace_str(log->trace, "text", text);
		if (where->bytes)
			trace_bytes(log->trace, "bytes", where->bytes,
				    MIN(where->len, BUG_DUMP_MAX));
		trace_end(log->trace);
	}
	if (allowed) {
		log->allowed++;
		return;
	}
	if (log->nkept < BUG_KEEP)
		snprintf(log->kept[log->nkept++], sizeof(log->kept[0]),
			 "%s %s seq %llu: %s", rule, where->cmd,
			 where->seq, text);
	if ((warning ? log->warnings++ : log->count++) >= BUG_PRINT_MAX)
		return;
	fprintf(stderr, "GUEST %s [%s] queue %u request %llu %s: %s\n  %s%s\n",
		warning ? "WARNING" : "BUG", rule, where->queue, where->seq, where->cmd,
		text, classes[r->class], r->source);
	if (where->bytes && where->len)
		bug_dump(where->bytes, where->len);
}

/**
 * bug_report - Report that the driver broke a rule
 * @log: the log
 * @rule: name of the rule
 * @where: the request
 * @fmt: what happened
 */
void bug_report(struct bug_log *log, const char *rule, const struct bug_where *where,
		const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bug_vreport(log, rule, where, fmt, ap);
	va_end(ap);
}

/**
 * bug_exit_status - Exit status that tells of guest bugs
 * @log: the log
 *
 * Return: 3 when there were any, else 0.
 */
int bug_exit_status(const struct bug_log *log)
{
	return log->count ? 3 : 0;
}
