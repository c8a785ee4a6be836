/* SPDX-License-Identifier: MIT */
/* Pictures that a seed determines, and files of them. */
#ifndef VGPU_PATTERN_H
#define VGPU_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct vgpu_image - a picture, XRGB in host order
 * @width: pixels
 * @height: pixels
 * @stride: pixels from row to row
 * @pixels: 0x00RRGGBB each
 */
struct vgpu_image {
	uint32_t width;
	uint32_t height;
	uint32_t stride;
	uint32_t *pixels;
};

struct vgpu_rect {
	uint32_t x;
	uint32_t y;
	uint32_t w;
	uint32_t h;
};

/* Get the colour of a pixel; it depends on the arguments only. */
uint32_t vgpu_pattern_pixel(uint32_t x, uint32_t y, uint32_t seed);

/* Paint @rect of @image with the pattern of @seed. */
void vgpu_pattern_paint(struct vgpu_image *image, const struct vgpu_rect *rect,
			uint32_t seed);

/* Write @rect of @image to a raw PPM file; assert success. */
void vgpu_pattern_save(const struct vgpu_image *image,
		       const struct vgpu_rect *rect, const char *path);

#endif
