/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "device.h"
#include "loop.h"

#define CONTROL_LINE_MAX 1024
#define CONTROL_CLIENTS 8

struct control;

/* Somebody connected to the control socket. */
struct control_client {
	struct control *owner;
	int fd;
	size_t len;
	char line[CONTROL_LINE_MAX];
};

/* The control socket. */
struct control {
	struct device *d;				/* the device */
	struct loop *loop;				/* where clients are watched */
	int fd;						/* listening socket, or -1 */
	struct control_client client[CONTROL_CLIENTS];	/* who is connected */
};

void control_init(struct control *c, struct device *d, struct loop *loop, int fd);
void control_fini(struct control *c);
void control_run(struct control *c, const char *line, FILE *out);
int control_call(const char *path, char **words);
void control_help(FILE *out);
