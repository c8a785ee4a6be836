// SPDX-License-Identifier: MIT
/*
 * A PNG writer without compression: deflate "stored" blocks, one filter byte
 * of zero before each row. Every viewer and `compare` takes it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "crc.h"
#include "png.h"

#define ADLER_MOD 65521u

static void put_be32(u8 *p, u32 v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static void png_chunk(FILE *f, const char *type, const u8 *data, u32 len)
{
	u8 word[4];
	u32 crc;

	put_be32(word, len);
	fwrite(word, 1, 4, f);
	fwrite(type, 1, 4, f);
	if (len)
		fwrite(data, 1, len, f);
	crc = crc32_update(0, type, 4);
	crc = crc32_update(crc, data, len);
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

/* One stored block a row; rows over 64 KiB take several. */
static size_t png_row(u8 *out, const u8 *row, size_t len, bool last)
{
	size_t n = 0;

	do {
		u16 part = MIN(len, 0xffff);

		len -= part;
		out[n++] = last && !len;
		put_le16(out + n, part);
		put_le16(out + n + 2, ~part);
		memcpy(out + n + 4, row, part);
		n += 4 + part;
		row += part;
	} while (len);
	return n;
}

static size_t png_zlib(u8 *out, const u32 *xrgb, u32 width, u32 height, u8 *row)
{
	size_t n = 2, row_len = 1 + 3 * (size_t)width;
	u32 adler = 1;

	out[0] = 0x78;
	out[1] = 0x01;
	for (u32 y = 0; y < height; y++) {
		row[0] = 0;
		for (u32 x = 0; x < width; x++) {
			u32 px = xrgb[(size_t)y * width + x];

			row[1 + 3 * x] = px >> 16;
			row[2 + 3 * x] = px >> 8;
			row[3 + 3 * x] = px;
		}
		adler = adler_update(adler, row, row_len);
		n += png_row(out + n, row, row_len, y == height - 1);
	}
	put_be32(out + n, adler);
	return n + 4;
}

/**
 * png_write - Write a picture
 * @path: file to write
 * @xrgb: pixels, 0x00RRGGBB, no gaps between rows
 * @width: pixels
 * @height: pixels
 *
 * Return: 0 or a negative errno.
 */
int png_write(const char *path, const u32 *xrgb, u32 width, u32 height)
{
	size_t row_len = 1 + 3 * (size_t)width;
	size_t max = 6 + height * (row_len + 5 * (row_len / 0xffff + 1));
	u8 ihdr[13] = { 0 }, *data, *row;
	int ret = -ENOMEM;
	FILE *f;

	if (!width || !height)
		return -ENODATA;
	data = malloc(max);
	row = malloc(row_len);
	f = data && row ? fopen(path, "we") : NULL;
	if (f) {
		put_be32(ihdr, width);
		put_be32(ihdr + 4, height);
		ihdr[8] = 8;
		ihdr[9] = 2;
		fwrite("\x89PNG\r\n\x1a\n", 1, 8, f);
		png_chunk(f, "IHDR", ihdr, sizeof(ihdr));
		png_chunk(f, "IDAT", data, png_zlib(data, xrgb, width, height, row));
		png_chunk(f, "IEND", NULL, 0);
		ret = ferror(f) ? -EIO : 0;
		if (fclose(f))
			ret = -errno;
	} else if (data && row) {
		ret = -errno;
	}
	free(data);
	free(row);
	return ret;
}
