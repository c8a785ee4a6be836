/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_OPTIONS_H
#define VGPU_HOST_OPTIONS_H

#include <stdio.h>

#include "vhost_user.h"

/**
 * struct options - the command line
 * @socket: path to listen on for the front end
 * @control: path to listen on for commands, or NULL
 * @ctl: path of the device to send a command to, or NULL
 * @rest: words behind the options, up to NULL: the command
 * @keep: serve again after the front end hung up
 * @help: print options_help(), and nothing else
 * @version: print the version, and nothing else
 * @no_toy3d: the capability set toy3d is not offered
 * @max_chain: descriptors of one chain
 */
struct options {
	const char *socket;
	const char *control;
	const char *ctl;
	char **rest;
	bool keep, help, version, no_toy3d;
	u32 max_chain;
};

bool options_parse(struct options *o, struct vhost_user *v, int argc, char **argv,
		   char *err, size_t n);
void options_help(FILE *out);
bool options_features(u64 *features, const char *list);

#endif
