// SPDX-License-Identifier: MIT
/* CRC-32 as in PNG, zlib and cksum -o 3. */
#include "crc.h"

static u32 crc_table[8][256];

static void crc_make_table(void)
{
	for (u32 i = 0; i < 256; i++) {
		u32 c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
		crc_table[0][i] = c;
	}
	for (u32 i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			crc_table[t][i] = crc_table[t - 1][i] >> 8 ^
				crc_table[0][crc_table[t - 1][i] & 0xff];
}

/* Carry a CRC-32, 0 at the beginning, on over more bytes. */
u32 crc32_update(u32 crc, const void *p, size_t len)
{
	const u8 *b = p;

	if (!crc_table[0][1])
		crc_make_table();
	crc = ~crc;
	/* Eight bytes at a time: a frame is megabytes. */
	for (; len >= 8; len -= 8, b += 8) {
		u64 v = get_le64(b) ^ crc;

		crc = 0;
		for (int i = 0; i < 8; i++)
			crc ^= crc_table[7 - i][v >> 8 * i & 0xff];
	}
	for (; len; len--, b++)
		crc = crc_table[0][(crc ^ *b) & 0xff] ^ crc >> 8;
	return ~crc;
}
