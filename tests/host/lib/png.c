// SPDX-License-Identifier: MIT
/* A PNG writer without compression: each row is a chunk of deflate "stored" blocks, unfiltered. */
#include <errno.h>
#include <stdio.h>

#include "crc.h"
#include "log.h"
#include "png.h"

#define ADLER_MOD 65521u
#define BLOCK_MAX 0xffffu

static void put_be32(u8 *p, u32 v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static void png_chunk(FILE *f, const char *type, const u8 *data, u32 len)
{
	u32 crc = crc32_update(crc32_update(0, type, 4), data, len);
	u8 word[4];

	put_be32(word, len);
	fwrite(word, 1, 4, f);
	fwrite(type, 1, 4, f);
	fwrite(data, 1, len, f);
	put_be32(word, crc);
	fwrite(word, 1, 4, f);
}

static u32 adler_update(u32 adler, const u8 *p, size_t len)
{
	u32 a = adler & 0xffff, b = adler >> 16;

	for (size_t i = 0; i < len; i++) {
		a = (a + p[i]) % ADLER_MOD;
		b = (b + a) % ADLER_MOD;
	}
	return b << 16 | a;
}

/* Store bytes in as many blocks as they need. Returns the bytes that takes. */
static size_t png_store(u8 *out, const u8 *in, size_t len, bool last)
{
	size_t n = 0;

	for (size_t part; len; len -= part, in += part) {
		part = MIN(len, BLOCK_MAX);
		out[n] = last && part == len;
		put_le16(out + n + 1, part);
		put_le16(out + n + 3, ~part);
		memcpy(out + n + 5, in, part);
		n += 5 + part;
	}
	return n;
}

/* The rows are one zlib stream: its header comes before the first, its checksum behind the last. */
static void png_rows(FILE *f, const u32 *xrgb, u32 width, u32 height, u8 *row, u8 *out)
{
	size_t row_len = 1 + 3 * (size_t)width, n = 2;
	u32 adler = 1;

	out[0] = 0x78;
	out[1] = 0x01;
	row[0] = 0;
	for (u32 y = 0; y < height; y++, n = 0) {
		for (u32 x = 0; x < width; x++, xrgb++) {
			row[1 + 3 * x] = *xrgb >> 16;
			row[2 + 3 * x] = *xrgb >> 8;
			row[3 + 3 * x] = *xrgb;
		}
		adler = adler_update(adler, row, row_len);
		n += png_store(out + n, row, row_len, y == height - 1);
		if (y == height - 1)
			put_be32(out + n, adler);
		png_chunk(f, "IDAT", out, y == height - 1 ? n + 4 : n);
	}
}

/* Write a picture of 0x00RRGGBB pixels without gaps between rows. Returns 0 or a negative errno. */
int png_write(const char *path, const u32 *xrgb, u32 width, u32 height)
{
	size_t row_len = 1 + 3 * (size_t)width;
	u8 ihdr[13] = { [8] = 8, [9] = 2 }, *row;
	FILE *f = width && height ? fopen(path, "we") : NULL;
	int ret;

	if (!f)
		return width && height ? -errno : -ENODATA;
	row = xcalloc(2, row_len + 5 * (row_len / BLOCK_MAX + 1) + 6);
	put_be32(ihdr, width);
	put_be32(ihdr + 4, height);
	fwrite("\x89PNG\r\n\x1a\n", 1, 8, f);
	png_chunk(f, "IHDR", ihdr, sizeof(ihdr));
	png_rows(f, xrgb, width, height, row, row + row_len);
	png_chunk(f, "IEND", ihdr, 0);
	free(row);
	ret = ferror(f) ? -EIO : 0;
	return fclose(f) ? -errno : ret;
}
