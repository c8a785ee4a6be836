/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_DISPLAY_H
#define VGPU_HOST_DISPLAY_H

#include "resource.h"
#include "trace.h"

#define DISPLAY_OUTPUTS 16
#define DISPLAY_CURSOR 64

/** struct rect - pixels */
struct rect {
	u32 x, y, w, h;
};

/**
 * struct display_fb - how an output reads its resource
 * @format: VIRTIO_GPU_FORMAT_*
 * @width: pixels of the whole framebuffer
 * @height: likewise
 * @stride: bytes a row
 * @offset: bytes before the first
 */
struct display_fb {
	u32 format, width, height;
	u64 stride, offset;
};

/**
 * struct output - one scanout
 * @connected: the monitor is plugged in
 * @mode: where and how large the host wants it
 * @res: what it shows, or NULL
 * @fb: how that is laid out
 * @view: which part
 * @screen: what a viewer sees: only flushed pixels get here
 * @frames: flushes that reached this output
 * @crc: of @screen after the last of them
 * @next_crc: of the part of @screen that the flush under way has reached
 * @cursor: image, with alpha
 * @cursor_shown: the cursor is on
 * @cursor_x: position
 * @cursor_y: position
 * @hot_x: hot spot in the image
 * @hot_y: hot spot in the image
 * @cursor_crc: of @cursor
 */
struct output {
	bool connected;
	struct rect mode;
	struct resource *res;
	struct display_fb fb;
	struct rect view;
	u32 *screen;
	u64 frames;
	u32 crc, next_crc;
	u32 cursor[DISPLAY_CURSOR * DISPLAY_CURSOR];
	bool cursor_shown;
	u32 cursor_x, cursor_y, hot_x, hot_y;
	u32 cursor_crc;
};

/**
 * struct display - all outputs
 * @out: the outputs
 * @n: how many
 * @budget: charged for screens
 * @trace: frames are written here
 */
struct display {
	struct output out[DISPLAY_OUTPUTS];
	unsigned int n;
	struct budget *budget;
	struct trace *trace;
};

bool display_format_ok(u32 format);
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

#endif
