/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

/* What a request changes and a rule relies on. */
enum fact {
	FACT_RES = 1,		/* a resource exists, and how it was made */
	FACT_BACKING = 2,	/* it has backing */
	FACT_CONTENT = 4,	/* something was transferred into it */
	FACT_MAP = 8,		/* it is in the host-visible window */
	FACT_SCANOUT = 16,	/* what a scanout shows */
	FACT_CTX = 32,		/* a context exists */
	FACT_ATTACH = 64,	/* a resource is attached to a context */
	FACT_CONFIG = 128,	/* the configuration space is what the device says */
	FACT_CAPSETS = 256,	/* and so are the capability sets */
};

#define RULES_MAX 128

/* How sure it is that a driver must not. */
enum rule_class {
	RULE_MUST,	/* the specification says so: a guest bug */
	RULE_HOST,	/* real hosts refuse it: a guest bug */
	RULE_PRACTICE,	/* hosts bear it: a warning, or with --pedantic a guest bug */
};

/* Something a driver must not do. */
struct rule {
	const char *name;	/* its name */
	enum rule_class class;	/* how sure it is */
	u32 facts;		/* enum fact bits: what driver and device have to agree on */
	/* section of the specification, which hosts refuse it, or why not to do it */
	const char *source;
};

const struct rule *rule_find(const char *name);
const struct rule *rule_nth(size_t n);
