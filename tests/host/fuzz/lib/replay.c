// SPDX-License-Identifier: MIT
/* In place of libFuzzer: runs a fuzz target once on each file, to count the lines it reaches. */
#include <stdio.h>

#include "base.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);

/* Nothing is mutated here. */
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max)
{
	(void)data;
	return MIN(size, max);
}

int main(int argc, char **argv)
{
	static u8 input[1 << 20];

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");

		if (!f)
			return 1;
		LLVMFuzzerTestOneInput(input, fread(input, 1, sizeof(input), f));
		fclose(f);
	}
	printf("%d files\n", argc - 1);
	return argc < 2;
}
