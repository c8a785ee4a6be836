/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>

#include "rule.h"
#include "trace.h"

#define BUG_KEEP 32

/* Which request a broken rule was seen in. */
struct bug_where {
	unsigned int queue;	/* number of the queue */
	u64 seq;		/* number of the request */
	const char *cmd;	/* name of its type */
	const void *bytes;	/* the request, or NULL */
	size_t len;		/* bytes of it */
};

/* What the driver did that a driver must not do. */
struct bug_log {
	u64 count;			/* bugs so far */
	u64 warnings;			/* rules of good practice that were broken, so far */
	bool pedantic;			/* these are bugs, too */
	u64 allowed;			/* bugs of rules that are allowed, so far */
	u64 user;			/* errors a user of the driver can provoke, so far */
	bool allow[RULES_MAX];		/* which rules are allowed, by their place in the table */
	char kept[BUG_KEEP][256];	/* the first few, for the control socket */
	unsigned int nkept;		/* how many */
	struct trace *trace;		/* each is written here, too */
	u64 seq;			/* number of the request that is executed, or was last */
};

bool bug_allow(struct bug_log *log, const char *rules);
void bug_clear(struct bug_log *log);
void bug_vreport(struct bug_log *log, const char *rule, const struct bug_where *where,
		 const char *fmt, va_list ap);
bool bug_report(struct bug_log *log, const char *rule, const struct bug_where *where,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int bug_exit_status(const struct bug_log *log);
