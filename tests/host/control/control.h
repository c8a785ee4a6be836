/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_CONTROL_H
#define VGPU_HOST_CONTROL_H

#include <stdio.h>

#include "device.h"
#include "loop.h"

#define CONTROL_LINE_MAX 1024
#define CONTROL_CLIENTS 8

struct control;

/** struct control_client - somebody connected to the control socket */
struct control_client {
	struct control *owner;
	int fd;
	size_t len;
	char line[CONTROL_LINE_MAX];
};

/**
 * struct control - the control socket
 * @d: the device
 * @loop: where clients are watched
 * @fd: listening socket, or -1
 * @client: who is connected
 */
struct control {
	struct device *d;
	struct loop *loop;
	int fd;
	struct control_client client[CONTROL_CLIENTS];
};

void control_init(struct control *c, struct device *d, struct loop *loop, int fd);
void control_fini(struct control *c);
void control_run(struct control *c, const char *line, FILE *out);
int control_call(const char *path, int argc, char **argv);
void control_help(FILE *out);

#endif
