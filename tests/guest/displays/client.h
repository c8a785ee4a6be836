/* SPDX-License-Identifier: MIT */
/*
 * What the clients of QEMU's displays have in common: their arguments, and the picture they keep.
 *
 * A client connects. If it wants a size it asks for it, and goes when the picture has it; else, when the picture
 * has not changed for a while. It keeps what it sees last in a file.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a picture stands still that is kept, and how long a client waits for one. */
#define QUIET_SECONDS 2
#define DEADLINE_SECONDS 60

struct client {
	const char *address, *file;
	uint32_t want_width, want_height;
	uint32_t width, height;
	uint32_t *pixels;
	time_t started, changed;
};

static inline time_t client_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static inline void client_init(struct client *c, int argc, char **argv, const char *help)
{
	if (argc != 5) {
		bool asked = argc == 2 && !strcmp(argv[1], "--help");

		fputs(help, asked ? stdout : stderr);
		exit(asked ? 0 : 2);
	}
	*c = (struct client){
		.address = argv[1],
		.want_width = strtoul(argv[2], NULL, 10),
		.want_height = strtoul(argv[3], NULL, 10),
		.file = argv[4],
		.started = client_now(),
	};
}

static inline void client_resize(struct client *c, uint32_t width, uint32_t height)
{
	c->width = width;
	c->height = height;
	c->changed = client_now();
	free(c->pixels);
	c->pixels = calloc((size_t)width * height + 1, sizeof(*c->pixels));
	if (!c->pixels)
		err(1, "picture");
}

/* Take a rectangle of XRGB pixels. */
static inline void client_update(struct client *c, const void *pixels, size_t stride, uint32_t x, uint32_t y,
				 uint32_t width, uint32_t height)
{
	uint32_t row;

	if (x + width > c->width || y + height > c->height)
		errx(1, "%ux%u+%u+%u is not in a picture of %ux%u", width, height, x, y, c->width, c->height);
	for (row = 0; row < height; row++)
		memcpy(c->pixels + (size_t)(y + row) * c->width + x, (const char *)pixels + row * stride, width * 4ul);
	c->changed = client_now();
}

/* Keep the picture if it has the wanted size, or stands still; true if all is done. */
static inline bool client_done(const struct client *c)
{
	time_t now = client_now();
	FILE *out;
	size_t i;

	if (now - c->started > DEADLINE_SECONDS)
		errx(1, "no such picture, but one of %ux%u", c->width, c->height);
	if (!c->pixels)
		return false;
	if (c->want_width ? c->width != c->want_width || c->height != c->want_height : now - c->changed <= QUIET_SECONDS)
		return false;

	out = fopen(c->file, "w");
	if (!out)
		err(1, "%s", c->file);
	fprintf(out, "P6\n%u %u\n255\n", c->width, c->height);
	for (i = 0; i < (size_t)c->width * c->height; i++) {
		const uint8_t rgb[] = { c->pixels[i] >> 16, c->pixels[i] >> 8, c->pixels[i] };

		fwrite(rgb, 1, 3, out);
	}
	if (fclose(out))
		err(1, "%s", c->file);
	return true;
}

#endif
