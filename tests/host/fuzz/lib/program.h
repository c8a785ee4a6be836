/* SPDX-License-Identifier: MIT */
/*
 * A program: what a guest does, step by step, as text. The fuzz targets run it,
 * the recorder writes it, the mutator changes it step by step. One line a step:
 *
 *   ctrl ROOM[/PIECE] HEX     a request on the control queue
 *   cursor ROOM[/PIECE] HEX   a request on the cursor queue
 *   EVENT ARG                 the front end or the host does something
 *
 * ROOM is the bytes of room for the response. The request is cut into
 * descriptors of PIECE bytes (0: one descriptor). Other lines are comments.
 */
#pragma once

#include "command.h"

#define PROGRAM_STEPS 96
#define STEP_BYTES 2048
#define STEP_PIECES 16

enum step_kind {
	STEP_CTRL,	/* the queues' numbers */
	STEP_CURSOR,
	STEP_FEATURES,	/* the driver accepts all features but these */
	STEP_SHM,	/* what the front end says to mappings: enum shm_result */
	STEP_SHM_DONE,	/* it has mapped for request ARG / 2, successfully if ARG is odd */
	STEP_WINDOW,	/* bit 0: it is a part of the guest's memory; bit 1: there is none */
	STEP_MEMORY,	/* 0: the front end takes the memory of backings away; 1: it is back */
	STEP_KICK,	/* a notification of queue ARG */
	STEP_RELEASE,	/* token ARG is released */
	STEP_HOLD,	/* 1: answers are held back */
	STEP_OUTPUT,	/* output ARG % 2 changes its mode to number ARG / 2 */
	STEP_PNG,	/* a picture of output ARG % 2, with the cursor if ARG / 2 is odd */
	STEP_RESET,	/* a device reset */
	STEP_KINDS,
};

/**
 * struct step - one step
 * @kind: what happens
 * @arg: argument of an event
 * @room: bytes of room for the response of a request
 * @piece: bytes of a descriptor, 0: all in one
 * @len: bytes of the request
 * @req: the request
 */
struct step {
	enum step_kind kind;
	u32 arg, room, piece, len;
	_Alignas(8) u8 req[STEP_BYTES];
};

/** struct program - steps in their order */
struct program {
	u32 n;
	struct step step[PROGRAM_STEPS];
};

void program_parse(struct program *p, const char *text, size_t len);
size_t program_print(const struct program *p, char *out, size_t max);
struct step *program_insert(struct program *p, u32 at);
void program_remove(struct program *p, u32 at);
u32 step_type(const struct step *s);
const struct command *step_cmd(const struct step *s);
