// SPDX-License-Identifier: MIT
/*
 * Outputs. A screen changes only where a flush says so: a driver that forgets
 * one shows a stale picture here, and a wrong CRC.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_gpu.h>

#include "crc.h"
#include "display.h"
#include "edid.h"
#include "log.h"
#include "png.h"

#define FLUSH_PIECE 16384u

/* Which byte of a pixel holds red, green, blue and alpha (4: none). */
static const struct {
	u32 format;
	u8 r, g, b, a;
} display_formats[] = {
	{ VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 2, 1, 0, 3 },
	{ VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 2, 1, 0, 4 },
	{ VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, 1, 2, 3, 0 },
	{ VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, 1, 2, 3, 4 },
	{ VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, 0, 1, 2, 3 },
	{ VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, 3, 2, 1, 4 },
	{ VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, 3, 2, 1, 0 },
	{ VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, 0, 1, 2, 4 },
};

static int display_format(u32 format)
{
	for (size_t i = 0; i < ARRAY_SIZE(display_formats); i++)
		if (display_formats[i].format == format)
			return i;
	return -1;
}

/**
 * display_format_ok - Whether a pixel format is one of the wire's
 * @format: VIRTIO_GPU_FORMAT_*
 *
 * Return: true when it is.
 */
bool display_format_ok(u32 format)
{
	return display_format(format) >= 0;
}

/**
 * rect_inside - Whether a rectangle lies in an area
 * @r: the rectangle
 * @w: width of the area
 * @h: height of the area
 *
 * Return: true when it does; without a chance to overflow.
 */
bool rect_inside(const struct rect *r, u32 w, u32 h)
{
	return r->x <= w && r->w <= w - r->x && r->y <= h && r->h <= h - r->y;
}

/**
 * output_change - Plug, unplug, resize or move a monitor
 * @o: its output
 * @what: "WxH", "WxH+X+Y", "on" or "off"
 *
 * Return: false when @what is none of these.
 */
bool output_change(struct output *o, const char *what)
{
	struct rect r = o->mode;
	int size = 0, place = 0;

	if (strcmp(what, "on") && strcmp(what, "off")) {
		if (sscanf(what, "%5ux%5u%n+%5u+%5u%n", &r.w, &r.h, &size, &r.x, &r.y,
			   &place) < 2 || what[MAX(size, place)] || !r.w || !r.h ||
		    r.w > EDID_MAX_PIXELS || r.h > EDID_MAX_PIXELS)
			return false;
		o->mode = r;
	}
	o->connected = strcmp(what, "off");
	return true;
}

static void display_convert(u32 format, const u8 *in, u32 *out, u32 n, bool alpha)
{
	int f = display_format(format);

	if (f < 0)
		return;
	for (u32 i = 0; i < n; i++, in += 4) {
		u32 a = display_formats[f].a;

		a = !alpha ? 0 : a == 4 ? 0xff : in[a];
		out[i] = a << 24 | in[display_formats[f].r] << 16 |
			 in[display_formats[f].g] << 8 | in[display_formats[f].b];
	}
}

/**
 * display_hide - Switch an output off
 * @d: the display
 * @n: number of the output
 */
void display_hide(struct display *d, u32 n)
{
	struct output *o = &d->out[n];

	if (!o->res)
		return;
	o->res->scanouts &= ~(1u << n);
	resource_put(o->res);
	o->res = NULL;
	budget_free(d->budget, o->screen, 4ull * o->view.w * o->view.h);
	o->screen = NULL;
	o->view = (struct rect){ 0 };
}

/**
 * display_show - Let an output show a resource from the next flush on
 * @d: the display
 * @n: number of the output
 * @res: the resource
 * @fb: how it is laid out, checked against its size
 * @view: part of @fb to show, not empty
 *
 * Return: false when the budget refuses the screen; the output shows what it did.
 */
bool display_show(struct display *d, u32 n, struct resource *res,
		  const struct display_fb *fb, const struct rect *view)
{
	struct output *o = &d->out[n];
	u32 *screen = o->screen;

	if (o->view.w != view->w || o->view.h != view->h) {
		screen = budget_alloc(d->budget, (u64)view->w * view->h, sizeof(*screen));
		if (!screen)
			return false;
		budget_free(d->budget, o->screen, 4ull * o->view.w * o->view.h);
	}
	resource_get(res);
	if (o->res) {
		o->res->scanouts &= ~(1u << n);
		resource_put(o->res);
	}
	o->res = res;
	res->scanouts |= 1u << n;
	o->screen = screen;
	o->fb = *fb;
	o->view = *view;
	return true;
}

static bool rect_cut(struct rect *r, const struct rect *by)
{
	u64 x1 = MIN((u64)r->x + r->w, (u64)by->x + by->w);
	u64 y1 = MIN((u64)r->y + r->h, (u64)by->y + by->h);

	r->x = MAX(r->x, by->x);
	r->y = MAX(r->y, by->y);
	if (x1 <= r->x || y1 <= r->y)
		return false;
	r->w = x1 - r->x;
	r->h = y1 - r->y;
	return true;
}

static void output_frame(struct display *d, u32 n, const struct rect *r)
{
	struct output *o = &d->out[n];

	o->frames++;
	o->crc = o->next_crc;
	trace_event(d->trace, "frame", "'scanout':%u,'res':%u,'w':%u,'h':%u,"
		    "'dx':%u,'dy':%u,'dw':%u,'dh':%u,'crc':'%08x'", n, o->res->id,
		    o->view.w, o->view.h, r->x, r->y, r->w, r->h, o->crc);
}

/* Copy pixels of a row; false when the resource ends before them. */
static bool output_copy(struct output *o, const struct rect *r, u32 row, u32 x, u32 len)
{
	u64 off = o->fb.offset + (r->y + (u64)row) * o->fb.stride + 4ull * (r->x + (u64)x);
	u8 buf[FLUSH_PIECE];

	if (!resource_read(o->res, off, buf, 4ull * len))
		return false;
	display_convert(o->fb.format, buf, o->screen +
			(size_t)(r->y + row - o->view.y) * o->view.w +
			(r->x + x - o->view.x), len, false);
	return true;
}

/**
 * display_flush - Bring a piece of a resource to the output that shows it
 * @d: the display
 * @n: number of the output
 * @r: pixels of the resource
 * @done: bytes of the flush that are done; first those of @r, then the screen's CRC
 *
 * Return: bytes that were done, 0 when there are no more.
 */
u64 display_flush(struct display *d, u32 n, struct rect r, u64 done)
{
	struct output *o = &d->out[n];
	u64 screen = 4ull * o->view.w * o->view.h, row, copy, len;

	if (!rect_cut(&r, &o->view))
		return 0;
	row = 4ull * r.w;
	copy = row * r.h;
	if (done < copy) {
		len = MIN(row - done % row, (u64)FLUSH_PIECE);
		return output_copy(o, &r, done / row, done % row / 4, len / 4) ? len :
									 copy - done;
	}
	done -= copy;
	len = MIN(screen - done, (u64)FLUSH_PIECE);
	o->next_crc = crc32_update(done ? o->next_crc : 0, (u8 *)o->screen + done, len);
	if (len && done + len == screen)
		output_frame(d, n, &r);
	return len;
}

/**
 * display_cursor_image - Load a cursor's image
 * @d: the display
 * @n: number of the output
 * @res: 64x64 pixels, checked
 *
 * Return: false when it cannot be read.
 */
bool display_cursor_image(struct display *d, u32 n, const struct resource *res)
{
	struct output *o = &d->out[n];
	u8 raw[sizeof(o->cursor)];
	u32 format = res->kind == RESOURCE_BLOB ?
		VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM : res->format;

	if (!resource_read(res, 0, raw, sizeof(raw)))
		return false;
	display_convert(format, raw, o->cursor, ARRAY_SIZE(o->cursor), true);
	o->cursor_crc = crc32_update(0, o->cursor, sizeof(o->cursor));
	return true;
}

/**
 * display_cursor_trace - Write a cursor's state into the trace
 * @d: the display
 * @n: number of the output
 */
void display_cursor_trace(struct display *d, u32 n)
{
	const struct output *o = &d->out[n];

	trace_event(d->trace, "cursor", "'scanout':%u,'shown':%u,'x':%u,'y':%u,"
		    "'hot_x':%u,'hot_y':%u,'crc':'%08x'", n, o->cursor_shown, o->cursor_x,
		    o->cursor_y, o->hot_x, o->hot_y, o->cursor_crc);
}

static u32 blend(u32 under, u32 over)
{
	u32 a = over >> 24, out = 0;

	/* Cursor images are premultiplied. */
	for (int s = 0; s < 24; s += 8) {
		u32 c = (over >> s & 0xff) + (under >> s & 0xff) * (255 - a) / 255;

		out |= MIN(c, 255u) << s;
	}
	return out;
}

static void cursor_blend(const struct output *o, u32 *pixels)
{
	for (u32 y = 0; y < DISPLAY_CURSOR; y++) {
		for (u32 x = 0; x < DISPLAY_CURSOR; x++) {
			s64 px = (s64)(int)o->cursor_x + x - o->hot_x;
			s64 py = (s64)(int)o->cursor_y + y - o->hot_y;

			if (px < 0 || py < 0 || px >= o->view.w || py >= o->view.h)
				continue;
			pixels[py * o->view.w + px] =
				blend(pixels[py * o->view.w + px],
				      o->cursor[y * DISPLAY_CURSOR + x]);
		}
	}
}

/**
 * display_png - Write what an output shows into a file
 * @d: the display
 * @n: number of the output
 * @path: file to write
 * @cursor: with the cursor on top
 *
 * Return: 0 or a negative errno; -ENODATA when the output is off.
 */
int display_png(const struct display *d, u32 n, const char *path, bool cursor)
{
	const struct output *o = &d->out[n];
	size_t pixels = (size_t)o->view.w * o->view.h;
	u32 *copy;
	int ret;

	if (!o->screen)
		return -ENODATA;
	copy = xcalloc(pixels, sizeof(*copy));
	memcpy(copy, o->screen, pixels * sizeof(*copy));
	if (cursor && o->cursor_shown)
		cursor_blend(o, copy);
	ret = png_write(path, copy, o->view.w, o->view.h);
	free(copy);
	return ret;
}

/**
 * display_reset - Switch everything off; monitors stay plugged in
 * @d: the display
 */
void display_reset(struct display *d)
{
	for (u32 n = 0; n < DISPLAY_OUTPUTS; n++) {
		display_hide(d, n);
		d->out[n].cursor_shown = false;
	}
}
