/* SPDX-License-Identifier: MIT */
/* Programs of several cases, each for a host of its own, which run one that an option names. */
#ifndef VGPU_CASE_H
#define VGPU_CASE_H

#include <stddef.h>

/**
 * struct vgpu_case - one of the cases
 * @name: the option that asks for it
 * @run: runs it; asserts what must hold
 */
struct vgpu_case {
	const char *name;
	void (*run)(void);
};

/* Runs the case that the only argument names, and returns the exit status of the program. */
int vgpu_case_main(int argc, char **argv, const struct vgpu_case *cases, size_t ncases);

#endif
