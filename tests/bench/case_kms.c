// SPDX-License-Identifier: MIT
/* The display: 1920 by 1080 pixels in dumb buffers. */
#include <stdlib.h>

#include "bench.h"
#include "gpu.h"
#include "kms.h"

#define SCATTERED	16

static bool setup(struct bench *b)
{
	b->priv = kms_start(b->fd);
	return true;
}

static bool setup_cursor(struct bench *b)
{
	setup(b);
	kms_cursor_set(b->priv, 0);
	return true;
}

static void teardown(struct bench *b)
{
	free(b->priv);
}

/* Make a square of @arg pixels a side. */
static struct kms_rect square(const struct bench *b, int x, int y)
{
	const int side = (int)b->c->arg;

	return (struct kms_rect){ x, y, x + side, y + side };
}

static void flip(struct bench *b, unsigned int i)
{
	kms_flip(b->priv, (i + 1) % 2);
}

static void flip_damage(struct bench *b, unsigned int i)
{
	const struct kms_rect rect = square(b, 128, 128);

	kms_flip_damage(b->priv, (i + 1) % 2, &rect);
}

static void dirty_all(struct bench *b, unsigned int i)
{
	(void)i;
	kms_dirty(b->priv, NULL, 0);
}

static void dirty_square(struct bench *b, unsigned int i)
{
	const struct kms_rect rect = square(b, 128, 128);

	(void)i;
	kms_dirty(b->priv, &rect, 1);
}

static void dirty_scattered(struct bench *b, unsigned int i)
{
	struct kms_rect rects[SCATTERED];

	(void)i;
	for (int n = 0; n < SCATTERED; n++)
		rects[n] = square(b, n % 4 * 450, n / 4 * 250);
	kms_dirty(b->priv, rects, SCATTERED);
}

static void move(struct bench *b, unsigned int i)
{
	kms_cursor_move(b->priv, (int)i * 8, (int)i * 4);
}

static void image(struct bench *b, unsigned int i)
{
	kms_cursor_set(b->priv, (i + 1) % 2);
}

#define KMS(label, side, what, how, in_quick) \
	{ .name = label, .ops = 16, .rounds = 3, .arg = side, .quick = in_quick, .card = true, \
	  .sleeps = true, .setup = how, .op = what, .teardown = teardown }

static const struct bench_case cases[] = {
	KMS("flip", 0, flip, setup, false),
	KMS("flip-damage-64", 64, flip_damage, setup, true),
	KMS("dirtyfb", 0, dirty_all, setup, false),
	KMS("dirtyfb-64", 64, dirty_square, setup, false),
	KMS("dirtyfb-16-of-64", 64, dirty_scattered, setup, false),
	KMS("cursor-move", 0, move, setup_cursor, false),
	KMS("cursor-image", 0, image, setup_cursor, false),
};

const struct bench_cases bench_kms_cases = { cases, ARRAY_SIZE(cases) };
