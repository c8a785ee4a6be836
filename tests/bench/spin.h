/* SPDX-License-Identifier: MIT */
/*
 * What others do while the program waits. How soon a device answers is up to the
 * machine, and where the clock counts instructions, an idle processor lets it jump. So
 * the program spins instead, and whatever time is missing there was somebody else's:
 * what the kernel did about the answers.
 */
#ifndef SPIN_H
#define SPIN_H

#include <stdint.h>

int64_t spin(void);
void spin_until_quiet(void);

#endif
