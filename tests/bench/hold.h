/* SPDX-License-Identifier: MIT */
/*
 * Answers at a fixed time: the device of tests/host holds all answers of a timeline behind a
 * submission that waits for a token, and gives them together when the token is released. So the
 * work of the driver for an answer does not depend on the speed of the device.
 */
#ifndef HOLD_H
#define HOLD_H

#include <stdbool.h>
#include <stdint.h>

bool hold_possible(int fd);
uint32_t hold_token(void);
int hold_submit(int fd, uint32_t op, uint32_t token, uint32_t flags);

#endif
