/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_BUG_H
#define VGPU_HOST_BUG_H

#include "trace.h"

#define BUG_KEEP 32
#define BUG_RULES_MAX 64

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
 * @allowed: bugs of rules that are allowed, so far
 * @user: errors a user of the driver can provoke, so far
 * @rules: rules that are allowed
 * @nrules: how many
 * @kept: the first few, for the control socket
 * @nkept: how many
 * @trace: each is written here, too
 */
struct bug_log {
	u64 count;
	u64 allowed;
	u64 user;
	char *rules[BUG_RULES_MAX];
	unsigned int nrules;
	char kept[BUG_KEEP][256];
	unsigned int nkept;
	struct trace *trace;
};

int bug_allow(struct bug_log *log, const char *rules);
void bug_fini(struct bug_log *log);
void bug_clear(struct bug_log *log);
void bug_report(struct bug_log *log, const char *rule,
		const struct bug_where *where, const char *text);

#endif
