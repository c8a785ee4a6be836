// SPDX-License-Identifier: MIT
/* Guest bugs are printed with the offending bytes, traced, and counted for the exit status. */
#include <stdio.h>

#include "bug.h"
#include "log.h"
#include "rule.h"
#include "words.h"

#define BUG_DUMP_MAX 256
#define BUG_PRINT_MAX 200

/* Let the driver break some rules, named in a list. False: there is no such rule. */
bool bug_allow(struct bug_log *log, const char *rules)
{
	struct words w;

	if (!words_split(&w, rules, ","))
		return false;
	while (w.at < w.n) {
		const struct rule *rule = rule_find(words_next(&w));

		if (!rule)
			return false;
		log->allow[rule - rule_nth(0)] = true;
		words_take(&w, ",");
	}
	return true;
}

/* Forget the bugs seen so far. */
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

/* bug_report() for functions that have arguments of their own */
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

/* Report that the driver broke a rule. Returns false, as callers do then. */
bool bug_report(struct bug_log *log, const char *rule, const struct bug_where *where,
		const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bug_vreport(log, rule, where, fmt, ap);
	va_end(ap);
	return false;
}

int bug_exit_status(const struct bug_log *log)
{
	return log->count ? 3 : 0;
}
