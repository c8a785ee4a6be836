// SPDX-License-Identifier: MIT
/* Outputs. A screen changes only where a flush says so: one forgotten shows in the CRC. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_gpu.h>

#include "crc.h"
#include "display.h"
#include "log.h"
#include "png.h"

#define FLUSH_PIECE 16384u

/* Which byte of a pixel holds red, green, blue and alpha (4: none). */
static const struct display_format {
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

/* Find a pixel format of the wire, NULL when it is none. */
const struct display_format *display_format(u32 format)
{
	for (size_t i = 0; i < ARRAY_SIZE(display_formats); i++)
		if (display_formats[i].format == format)
			return &display_formats[i];
	return NULL;
}

/* Check whether a rectangle lies in an area, without a chance to overflow. */
bool rect_inside(const struct rect *r, u32 w, u32 h)
{
	return r->x <= w && r->w <= w - r->x && r->y <= h && r->h <= h - r->y;
}

/* Change a monitor: "WxH", "WxH+X+Y", "on" or "off". False: @what is none of these. */
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
	const struct display_format *f = display_format(format);

	for (u32 i = 0; f && i < n; i++, in += 4) {
		u32 a = !alpha ? 0 : f->a == 4 ? 0xff : in[f->a];

		out[i] = a << 24 | in[f->r] << 16 | in[f->g] << 8 | in[f->b];
	}
}

/* Switch an output off. */
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

/* Show part of a resource from the next flush on. False: the budget refuses the screen. */
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

/*
 * Bring a piece of a resource to the output that shows it. @done is the number of bytes of this
 * flush that are done: first those of @r, then those of the screen's CRC. Returns how many more
 * are, 0 at the end.
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

/* Load a cursor's image, 64x64 pixels. False: it cannot be read. */
bool display_cursor_image(struct display *d, u32 n, const struct resource *res)
{
	struct output *o = &d->out[n];
	u8 raw[sizeof(o->cursor)];
	u32 format = res->kind == RESOURCE_BLOB ? VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM : res->format;

	if (!resource_read(res, 0, raw, sizeof(raw)))
		return false;
	display_convert(format, raw, o->cursor, ARRAY_SIZE(o->cursor), true);
	o->cursor_crc = crc32_update(0, o->cursor, sizeof(o->cursor));
	return true;
}

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

/* Write the picture of an output. Returns 0 or a negative errno, -ENODATA when it is off. */
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

/* Switch everything off; monitors stay plugged in. */
void display_reset(struct display *d)
{
	for (u32 n = 0; n < DISPLAY_OUTPUTS; n++) {
		display_hide(d, n);
		d->out[n].cursor_shown = false;
	}
}
