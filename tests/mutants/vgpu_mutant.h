/* SPDX-License-Identifier: MIT */
/* Choose one of the mutants that mutate.awk has put into the driver. */
#ifndef VGPU_MUTANT_H
#define VGPU_MUTANT_H

#include <linux/types.h>

#define VGPU_MUTANTS_MAX 8192

extern unsigned int vgpu_mutant_chosen;
extern u8 vgpu_mutants_reached[VGPU_MUTANTS_MAX];

/**
 * vgpu_mutant() - Check whether a mutant is the chosen one, and note that the test reached it
 * @n: its number, from 1
 *
 * Context: Any.
 * Return: true if the driver is to misbehave here.
 */
static inline bool vgpu_mutant(unsigned int n)
{
	vgpu_mutants_reached[n] = 1;
	return n == vgpu_mutant_chosen;
}

#endif
