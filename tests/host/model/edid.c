// SPDX-License-Identifier: MIT
/* EDID 1.4 base blocks with one preferred detailed timing. */
#include <stdio.h>

#include "edid.h"

#define EDID_HZ 60u
#define EDID_DPI 96u
#define EDID_HBLANK 160u
#define EDID_MIN_VBLANK_US 460u

static u32 edid_vblank(u32 height)
{
	/* CVT reduced blanking: at least 460 us of the 1/60 s, from 23 lines up. */
	u32 lines = height * EDID_MIN_VBLANK_US /
		    (1000000 / EDID_HZ - EDID_MIN_VBLANK_US) + 1;

	return MAX(lines, 23u);
}

static void edid_timing(u8 *d, u32 w, u32 h)
{
	u32 vblank = edid_vblank(h);
	u64 clock = (u64)(w + EDID_HBLANK) * (h + vblank) * EDID_HZ / 10000;
	u32 mm_w = w * 254 / (EDID_DPI * 10), mm_h = h * 254 / (EDID_DPI * 10);

	/* A clock that does not fit is clipped: the mode then runs slower. */
	put_le16(d, MIN(clock, 0xffff));
	d[2] = w;
	d[3] = EDID_HBLANK;
	d[4] = (w >> 8) << 4 | EDID_HBLANK >> 8;
	d[5] = h;
	d[6] = vblank;
	d[7] = (h >> 8) << 4 | vblank >> 8;
	d[8] = 48;			/* front porch */
	d[9] = 32;			/* sync width */
	d[10] = 3 << 4 | 6;		/* vertical porch 3, sync 6 */
	d[12] = mm_w;
	d[13] = mm_h;
	d[14] = (mm_w >> 8) << 4 | mm_h >> 8;
	d[17] = 0x1a;			/* digital separate sync, +h */
}

static void edid_text(u8 *d, u8 tag, const char *text)
{
	size_t n = strlen(text);

	memset(d, 0, 18);
	d[3] = tag;
	memset(d + 5, ' ', 13);
	memcpy(d + 5, text, MIN(n, 13u));
	if (n < 13)
		d[5 + n] = '\n';
}

static void edid_ranges(u8 *d)
{
	memset(d, 0, 18);
	d[3] = 0xfd;
	d[5] = 50;	/* Hz */
	d[6] = 125;
	d[7] = 30;	/* kHz */
	d[8] = 160;
	d[9] = 255;	/* 10 MHz */
	d[10] = 0x01;	/* limits only */
	d[11] = '\n';
	memset(d + 12, ' ', 6);
}

/**
 * edid_make - Describe a monitor
 * @edid: filled in
 * @output: number of the output, in name and serial number
 * @width: preferred mode, at most EDID_MAX_PIXELS
 * @height: likewise
 */
void edid_make(u8 edid[EDID_SIZE], u32 output, u32 width, u32 height)
{
	static const u8 magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	/* sRGB primaries */
	static const u8 chroma[10] = { 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26,
				       0x0f, 0x50, 0x54 };
	char name[16];
	u8 sum = 0;

	memset(edid, 0, EDID_SIZE);
	memcpy(edid, magic, sizeof(magic));
	put_le16(edid + 8, 0xc758);	/* "VGX", big endian five-bit letters */
	put_le16(edid + 10, 0x0001);
	put_le32(edid + 12, output + 1);
	edid[17] = 34;			/* 2024 */
	edid[18] = 1;
	edid[19] = 4;
	edid[20] = 0xa5;		/* digital, 8 bit, DisplayPort */
	edid[21] = MIN(width * 254 / (EDID_DPI * 100), 255u);
	edid[22] = MIN(height * 254 / (EDID_DPI * 100), 255u);
	edid[23] = 120;			/* gamma 2.2 */
	edid[24] = 0x06;		/* sRGB, preferred timing is native */
	memcpy(edid + 25, chroma, sizeof(chroma));
	edid[35] = 0x21;		/* 640x480, 800x600 at 60 Hz */
	edid[36] = 0x08;		/* 1024x768 at 60 Hz */
	for (int i = 0; i < 8; i++)
		put_le16(edid + 38 + 2 * i, 0x0101);
	edid_timing(edid + 54, width, height);
	edid_ranges(edid + 72);
	snprintf(name, sizeof(name), "vgpu-host %u", output);
	edid_text(edid + 90, 0xfc, name);
	snprintf(name, sizeof(name), "VH%06u", output + 1);
	edid_text(edid + 108, 0xff, name);
	for (int i = 0; i < EDID_SIZE - 1; i++)
		sum += edid[i];
	edid[EDID_SIZE - 1] = -sum;
}
