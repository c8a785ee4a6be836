/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_OPTIONS_H
#define VGPU_HOST_OPTIONS_H

#include "vhost_user.h"

/**
 * struct options - the command line
 * @socket: path to listen on for the front end
 * @control: path to listen on for commands, or NULL
 * @keep: serve again after the front end hung up
 * @max_chain: descriptors of one chain
 */
struct options {
	const char *socket;
	const char *control;
	bool keep;
	u32 max_chain;
};

void options_parse(struct options *o, struct vhost_user *v, int argc, char **argv);
bool options_features(u64 *features, const char *list);

#endif
