/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_BUG_H
#define VGPU_HOST_BUG_H

#include <stdarg.h>

#include "rule.h"
#include "trace.h"

#define BUG_KEEP 32

/**
 * struct bug_where - which request a broken rule was seen in
 * @queue: number of the queue
 * @seq: number of the request
 * @cmd: name of its type
 * @bytes: the request, or NULL
 * @len: bytes of it
 */
struct bug_where {
	unsigned int queue;
	u64 seq;
	const char *cmd;
	const void *bytes;
	size_t len;
};

/**
 * struct bug_log - what the driver did that a driver must not do
 * @count: bugs so far
 * @warnings: rules of good practice that were broken, so far
 * @pedantic: these are bugs, too
 * @allowed: bugs of rules that are allowed, so far
 * @user: errors a user of the driver can provoke, so far
 * @allow: which rules are allowed, by their place in the table
 * @kept: the first few, for the control socket
 * @nkept: how many
 * @trace: each is written here, too
 * @seq: number of the request that is executed, or was last
 */
struct bug_log {
	u64 count;
	u64 warnings;
	bool pedantic;
	u64 allowed;
	u64 user;
	bool allow[RULES_MAX];
	char kept[BUG_KEEP][256];
	unsigned int nkept;
	struct trace *trace;
	u64 seq;
};

bool bug_allow(struct bug_log *log, const char *rules);
void bug_clear(struct bug_log *log);
void bug_vreport(struct bug_log *log, const char *rule, const struct bug_where *where,
		 const char *fmt, va_list ap);
void bug_report(struct bug_log *log, const char *rule, const struct bug_where *where,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int bug_exit_status(const struct bug_log *log);

#endif
