// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "vgpu_pattern.h"
#include "vgpu_test.h"

/* Gradients reveal shifts and swapped colours, the chequered part reveals torn blocks. */
uint32_t vgpu_pattern_pixel(uint32_t x, uint32_t y, uint32_t seed)
{
	uint32_t red = (x + seed * 37) & 0xff;
	uint32_t green = (y * 2 + seed * 91) & 0xff;
	uint32_t blue = ((x >> 4 ^ y >> 4) * 29 + seed * 53 + x * y) & 0xff;

	return red << 16 | green << 8 | blue;
}

void vgpu_pattern_paint(struct vgpu_image *image, const struct vgpu_rect *rect,
			uint32_t seed)
{
	for (uint32_t y = rect->y; y < rect->y + rect->h; y++)
		for (uint32_t x = rect->x; x < rect->x + rect->w; x++)
			image->pixels[y * image->stride + x] =
				vgpu_pattern_pixel(x, y, seed);
}

void vgpu_pattern_save(const struct vgpu_image *image,
		       const struct vgpu_rect *rect, const char *path)
{
	FILE *file = fopen(path, "w");
	uint8_t *row = malloc(rect->w * 3);

	vgpu_assert_msg(file, "%s", path);
	vgpu_assert(row);
	fprintf(file, "P6\n%u %u\n255\n", rect->w, rect->h);

	for (uint32_t y = 0; y < rect->h; y++) {
		const uint32_t *pixels = image->pixels +
			(rect->y + y) * image->stride + rect->x;

		for (uint32_t x = 0; x < rect->w; x++) {
			row[x * 3] = (uint8_t)(pixels[x] >> 16);
			row[x * 3 + 1] = (uint8_t)(pixels[x] >> 8);
			row[x * 3 + 2] = (uint8_t)pixels[x];
		}
		fwrite(row, 3, rect->w, file);
	}

	free(row);
	vgpu_assert(!fclose(file));
}
