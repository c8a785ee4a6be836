// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "vgpu_case.h"

int vgpu_case_main(int argc, char **argv, const struct vgpu_case *cases, size_t ncases)
{
	for (size_t i = 0; argc == 2 && i < ncases; i++) {
		if (!strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: %s", argv[0]);
	for (size_t i = 0; i < ncases; i++)
		fprintf(stderr, "%s%s", i ? "|" : " ", cases[i].name);
	fprintf(stderr, "\n");
	return 1;
}
