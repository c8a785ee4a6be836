/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "vhost_user.h"

/* The command line. */
struct options {
	const char *socket;	/* path to listen on for the front end */
	const char *control;	/* path to listen on for commands, or NULL */
	const char *ctl;	/* path of the device to send a command to, or NULL */
	char **rest;		/* words behind the options, up to NULL: the command */
	bool keep;		/* serve again after the front end hung up */
	bool help;		/* print options_help(), and nothing else */
	bool version;		/* print the version, and nothing else */
	bool no_toy3d;		/* the capability set toy3d is not offered */
	u64 max_chain;		/* descriptors of one chain */
};

bool options_parse(struct options *o, struct vhost_user *v, int argc, char **argv,
		   char *err, size_t n);
void options_help(FILE *out);
bool options_features(u64 *features, const char *list);
