/* SPDX-License-Identifier: MIT */
#pragma once

#include "resource.h"
#include "trace.h"

#define DISPLAY_OUTPUTS 16
#define DISPLAY_CURSOR 64
#define EDID_SIZE 128
#define EDID_MAX_PIXELS 4095

/* Pixels. */
struct rect {
	u32 x, y, w, h;
};

/* How an output reads its resource. */
struct display_fb {
	u32 format;	/* VIRTIO_GPU_FORMAT_* */
	u32 width;	/* pixels of the whole framebuffer */
	u32 height;	/* likewise */
	u64 stride;	/* bytes a row */
	u64 offset;	/* bytes before the first */
};

/* One scanout. */
struct output {
	bool connected;		/* the monitor is plugged in */
	struct rect mode;	/* where and how large the host wants it */
	struct resource *res;	/* what it shows, or NULL */
	struct display_fb fb;	/* how that is laid out */
	struct rect view;	/* which part */
	u32 *screen;		/* what a viewer sees: only flushed pixels get here */
	u64 frames;		/* flushes that reached this output */
	u32 crc;		/* of @screen after the last of them */
	u32 next_crc;		/* of the part of @screen that the flush under way has reached */
	u32 cursor[DISPLAY_CURSOR * DISPLAY_CURSOR]; /* image, with alpha */
	bool cursor_shown;	/* the cursor is on */
	u32 cursor_x;		/* position */
	u32 cursor_y;		/* position */
	u32 hot_x;		/* hot spot in the image */
	u32 hot_y;		/* hot spot in the image */
	u32 cursor_crc;		/* of @cursor */
};

/* All outputs. */
struct display {
	struct output out[DISPLAY_OUTPUTS];	/* the outputs */
	unsigned int n;				/* how many */
	struct budget *budget;			/* charged for screens */
	struct trace *trace;			/* frames are written here */
};

const struct display_format *display_format(u32 format);
bool output_change(struct output *o, const char *what);
bool rect_inside(const struct rect *r, u32 w, u32 h);
bool display_show(struct display *d, u32 n, struct resource *res,
		  const struct display_fb *fb, const struct rect *view);
void display_hide(struct display *d, u32 n);
u64 display_flush(struct display *d, u32 n, struct rect r, u64 done);
bool display_cursor_image(struct display *d, u32 n, const struct resource *res);
void display_cursor_trace(struct display *d, u32 n);
int display_png(const struct display *d, u32 n, const char *path, bool cursor);
void display_reset(struct display *d);
void edid_make(u8 edid[EDID_SIZE], u32 output, u32 width, u32 height);
