/* SPDX-License-Identifier: MIT */
/* Programs of several cases, each for a differently faulty host; an option selects the case. */
#ifndef VGPU_CASE_H
#define VGPU_CASE_H

#include <stddef.h>

/**
 * struct vgpu_case - one of the cases
 * @name: the option that selects it
 * @run: runs the case, and asserts its results
 */
struct vgpu_case {
	const char *name;
	void (*run)(void);
};

/* Run the case that the only argument names; returns the exit status of the program. */
int vgpu_case_main(int argc, char **argv, const struct vgpu_case *cases, size_t ncases);

#endif
