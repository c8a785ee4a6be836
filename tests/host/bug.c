// SPDX-License-Identifier: MIT
/*
 * Guest bugs: rules of the specification a driver broke. Each is printed with
 * the offending bytes, traced and counted; the count becomes our exit status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bug.h"

#define BUG_DUMP_MAX 256
#define BUG_PRINT_MAX 200

/**
 * bug_allow - Let the driver break some rules
 * @log: the log
 * @rules: names, separated by commas
 *
 * Return: 0 or -ENOSPC.
 */
int bug_allow(struct bug_log *log, const char *rules)
{
	char *copy = strdup(rules), *save = NULL;

	for (char *s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		if (log->nrules == BUG_RULES_MAX) {
			free(copy);
			return -ENOSPC;
		}
		log->rules[log->nrules++] = strdup(s);
	}
	free(copy);
	return 0;
}

/**
 * bug_fini - Free what the log owns
 * @log: the log
 */
void bug_fini(struct bug_log *log)
{
	for (unsigned int i = 0; i < log->nrules; i++)
		free(log->rules[i]);
	log->nrules = 0;
}

/**
 * bug_clear - Forget the bugs seen so far
 * @log: the log
 */
void bug_clear(struct bug_log *log)
{
	log->count = 0;
	log->allowed = 0;
	log->user = 0;
	log->nkept = 0;
}

static bool bug_is_allowed(const struct bug_log *log, const char *rule)
{
	for (unsigned int i = 0; i < log->nrules; i++)
		if (!strcmp(log->rules[i], rule))
			return true;
	return false;
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
 * @text: what happened
 */
void bug_report(struct bug_log *log, const char *rule,
		const struct bug_where *where, const char *text)
{
	bool allowed = bug_is_allowed(log, rule);

	if (log->trace) {
		trace_begin(log->trace, allowed ? "allowed-bug" : "bug");
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
			 (unsigned long long)where->seq, text);
	if (log->count++ >= BUG_PRINT_MAX)
		return;
	fprintf(stderr, "GUEST BUG [%s] queue %u request %llu %s: %s\n", rule,
		where->queue, (unsigned long long)where->seq, where->cmd, text);
	if (where->bytes && where->len)
		bug_dump(where->bytes, where->len);
}
