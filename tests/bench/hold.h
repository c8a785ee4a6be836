/* SPDX-License-Identifier: MIT */
/*
 * Answers that come at a fixed request: the device of tests/host keeps all answers of a
 * timeline behind a submission that waits for a token, and gives them together when the
 * token is released. What the driver does about an answer then does not depend on how
 * soon the device gave it.
 */
#ifndef HOLD_H
#define HOLD_H

#include <stdbool.h>
#include <stdint.h>

bool hold_possible(int fd);
uint32_t hold_token(void);
int hold_submit(int fd, uint32_t op, uint32_t token, uint32_t flags);

#endif
