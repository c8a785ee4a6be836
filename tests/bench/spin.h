/* SPDX-License-Identifier: MIT */
/*
 * The cost of other work while the program waits. The response time of a device depends on the
 * machine, and where the clock counts instructions, an idle processor lets it jump. So the program
 * spins instead: the time that it does not get was used by the kernel, to process the answers.
 */
#ifndef SPIN_H
#define SPIN_H

#include <stdint.h>

int64_t spin(void);
void spin_until_quiet(void);

#endif
