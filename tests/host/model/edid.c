// SPDX-License-Identifier: MIT
/* EDID 1.4 base blocks with one preferred detailed timing. */
#include <stdio.h>

#include "display.h"

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

/* What is the same for all monitors. */
static const u8 edid_base[EDID_SIZE] = {
	[0] = 0, 255, 255, 255, 255, 255, 255, 0,
	[8] = 0x58, 0xc7, 1, 0,		/* "VGX", big endian five-bit letters; product 1 */
	[17] = 34, 1, 4,		/* 2024, EDID 1.4 */
	[20] = 0xa5,			/* digital, 8 bit, DisplayPort */
	[23] = 120,			/* gamma 2.2 */
	[24] = 0x06,			/* sRGB, preferred timing is native */
	[25] = 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, /* its primaries */
	[35] = 0x21,			/* 640x480, 800x600 at 60 Hz */
	[36] = 0x08,			/* 1024x768 at 60 Hz */
	[38 ... 53] = 1,		/* no standard timings */
	[75] = 0xfd, 0, 50, 125, 30, 160, 255, /* limits: 50 to 125 Hz, 30 to 160 kHz, 2550 MHz */
	[82] = 1, '\n', ' ', ' ', ' ', ' ', ' ', ' ',
};

/* Describe a monitor of EDID_MAX_PIXELS at most; its number is in name and serial number. */
void edid_make(u8 edid[EDID_SIZE], u32 output, u32 width, u32 height)
{
	char name[16];
	u8 sum = 0;

	memcpy(edid, edid_base, EDID_SIZE);
	put_le32(edid + 12, output + 1);
	edid[21] = MIN(width * 254 / (EDID_DPI * 100), 255u);
	edid[22] = MIN(height * 254 / (EDID_DPI * 100), 255u);
	edid_timing(edid + 54, width, height);
	snprintf(name, sizeof(name), "vgpu-host %u", output);
	edid_text(edid + 90, 0xfc, name);
	snprintf(name, sizeof(name), "VH%06u", output + 1);
	edid_text(edid + 108, 0xff, name);
	for (int i = 0; i < EDID_SIZE - 1; i++)
		sum += edid[i];
	edid[EDID_SIZE - 1] = -sum;
}
