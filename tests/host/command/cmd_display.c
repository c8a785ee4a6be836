// SPDX-License-Identifier: MIT
/* Scanouts, flushes and cursors. */
#include "command.h"

#define SCANOUT_BLOB_MIN 16u	/* with the habit scanout-blob-16 */

/* What to show; NULL when that is nothing (the output is off now), or an error. */
static struct resource *scanout_resource(struct device *d, u32 n, u32 id)
{
	if (id)
		return cmd_resource(d, id);
	display_hide(&d->display, n);
	return NULL;
}

static u32 scanout_show(struct device *d, u32 n, struct resource *res,
			const struct display_fb *fb, const struct rect *r)
{
	if (!r->w || !r->h || !rect_inside(r, fb->width, fb->height))
		return cmd_bug(d, "scanout-rect", BAD_PARAM, "view %ux%u+%u+%u of %ux%u pixels",
			       r->w, r->h, r->x, r->y, fb->width, fb->height);
	if (res->kind == RESOURCE_BLOB && device_habit(d, HABIT_SCANOUT_BLOB_16) &&
	    (r->w < SCANOUT_BLOB_MIN || r->h < SCANOUT_BLOB_MIN))
		return cmd_user(d, BAD_PARAM, "%ux%u pixels of a blob", r->w, r->h);
	return display_show(&d->display, n, res, fb, r) ? OK :
		cmd_user(d, NO_MEMORY, "screen of %ux%u pixels", r->w, r->h);
}

static u32 set_scanout(struct device *d, struct job *job)
{
	const struct virtio_gpu_set_scanout *req = job->req;
	u32 n = LE(req->scanout_id), id = LE(req->resource_id);
	struct rect r = rect_get(&req->r);
	struct resource *res = scanout_resource(d, n, id);
	struct display_fb fb;

	if (!res)
		return id ? BAD_RES : OK;
	if (res->kind == RESOURCE_BLOB)
		return cmd_bug(d, "scanout-blob", BAD_PARAM,
			       "resource %u is a blob: SET_SCANOUT_BLOB is needed", id);
	if (!display_format(res->format) || res->bpp != 4)
		return cmd_bug(d, "scanout-format", BAD_PARAM,
			       "format %u cannot be shown", res->format);
	fb = (struct display_fb){ res->format, res->width, res->height, 4ull * res->width, 0 };
	return scanout_show(d, n, res, &fb, &r);
}

static u32 scanout_fb_check(struct device *d, const struct resource *res,
			    const struct display_fb *fb)
{
	u64 end;

	if (!display_format(fb->format))
		return cmd_bug(d, "scanout-format", BAD_PARAM, "format %u", fb->format);
	if (!fb->width || !fb->height || fb->stride < 4ull * fb->width)
		return cmd_bug(d, "scanout-stride", BAD_PARAM, "%ux%u pixels with a stride of %llu",
			       fb->width, fb->height, fb->stride);
	end = fb->offset + fb->stride * (fb->height - 1) + 4ull * fb->width;
	if (end > res->size)
		return cmd_bug(d, "scanout-size", BAD_PARAM,
			       "framebuffer ends at %llu in a blob of %llu bytes", end, res->size);
	if (!resource_has_data(res))
		return cmd_bug(d, "scanout-no-backing", BAD_PARAM,
			       "blob %u has no memory to show", res->id);
	return OK;
}

static u32 set_scanout_blob(struct device *d, struct job *job)
{
	const struct virtio_gpu_set_scanout_blob *req = job->req;
	u32 n = LE(req->scanout_id), id = LE(req->resource_id), resp;
	struct rect r = rect_get(&req->r);
	struct display_fb fb = { LE(req->format), LE(req->width), LE(req->height),
				 LE(req->strides[0]), LE(req->offsets[0]) };
	struct resource *res = scanout_resource(d, n, id);

	if (!res)
		return id ? BAD_RES : OK;
	for (u32 i = 1; i < 4; i++)
		if (req->strides[i] || req->offsets[i])
			cmd_bug(d, "scanout-planes", 0, "stride %u and offset %u of plane %u",
				LE(req->strides[i]), LE(req->offsets[i]), i);
	if (res->kind != RESOURCE_BLOB)
		return cmd_bug(d, "scanout-not-blob", BAD_PARAM, "resource %u is not a blob", id);
	resp = scanout_fb_check(d, res, &fb);
	return resp == OK ? scanout_show(d, n, res, &fb, &r) : resp;
}

static u32 resource_flush(struct device *d, struct job *job)
{
	const struct virtio_gpu_resource_flush *req = job->req;
	struct rect r = rect_get(&req->r);
	struct resource *res = job->res;
	u32 w = res->width, h = res->height;

	for (u32 n = 0; res->kind == RESOURCE_BLOB && n < d->display.n; n++) {
		if (d->display.out[n].res != res)
			continue;
		w = MAX(w, d->display.out[n].fb.width);
		h = MAX(h, d->display.out[n].fb.height);
	}
	if ((res->kind != RESOURCE_BLOB || res->scanouts) && !rect_inside(&r, w, h))
		return cmd_bug(d, "flush-rect", BAD_PARAM,
			       "%ux%u+%u+%u of %ux%u pixels", r.w, r.h, r.x, r.y, w, h);
	for (; job->at < d->display.n; job->at++, job->done = 0) {
		u64 n;

		if (d->display.out[job->at].res != res)
			continue;
		while ((n = display_flush(&d->display, job->at, r, job->done))) {
			job->done += n;
			if (device_spend(d, n))
				return CMD_AGAIN;
		}
	}
	d->stats.flushes++;
	d->stats.flushes_unseen += !res->scanouts;
	return OK;
}

static u32 cursor_image_check(struct device *d, const struct resource *res)
{
	u32 side = DISPLAY_CURSOR;

	if (res->kind == RESOURCE_BLOB) {
		if (res->size < 4ull * side * side || !resource_has_data(res))
			return cmd_bug(d, "cursor-size", BAD_PARAM,
				       "blob %u of %llu bytes is no cursor", res->id, res->size);
		return OK;
	}
	if (res->width != side || res->height != side || !display_format(res->format))
		return cmd_bug(d, "cursor-size", BAD_PARAM,
			       "a cursor is 64x64, resource %u is %ux%u", res->id,
			       res->width, res->height);
	if (res->kind == RESOURCE_2D && !res->transfer)
		cmd_bug(d, "cursor-empty", 0, "nothing was transferred into resource %u", res->id);
	else if (res->kind == RESOURCE_2D && !res->fenced)
		cmd_bug(d, "cursor-fence", 0,
			"the last transfer into resource %u was not fenced", res->id);
	/* Of a later one we cannot know: the two queues have no order. */
	else if (res->kind == RESOURCE_2D && res->transfers == 1 &&
		 fence_is_open(&d->fence, res->transfer))
		cmd_bug(d, "cursor-early", 0,
			"the only transfer into resource %u is not answered", res->id);
	return OK;
}

static u32 cursor_set_image(struct device *d, const struct virtio_gpu_update_cursor *req, u32 n)
{
	struct output *o = &d->display.out[n];
	u32 id = LE(req->resource_id), resp;
	struct resource *res;

	o->hot_x = LE(req->hot_x);
	o->hot_y = LE(req->hot_y);
	if (!id) {
		o->cursor_shown = false;
		o->cursor_crc = 0;
		return OK;
	}
	/* UNREF may have overtaken this: the two queues have no order. */
	res = idmap_find(&d->resources, id);
	if (!res && (id <= d->highest_unref || !cmd_resource(d, id)))
		return BAD_RES;
	resp = cursor_image_check(d, res);
	if (resp == OK)
		o->cursor_shown = display_cursor_image(&d->display, n, res);
	return resp;
}

static u32 cursor(struct device *d, struct job *job)
{
	const struct virtio_gpu_update_cursor *req = job->req;
	u32 n = LE(req->pos.scanout_id), resp = OK;

	d->display.out[n].cursor_x = LE(req->pos.x);
	d->display.out[n].cursor_y = LE(req->pos.y);
	if (job->hdr.type == VIRTIO_GPU_CMD_UPDATE_CURSOR)
		resp = cursor_set_image(d, req, n);
	if (resp == OK)
		display_cursor_trace(&d->display, n);
	return resp;
}

const struct command display_commands[] = {
	{ COMMAND(SET_SCANOUT, set_scanout, set_scanout, ANY, NEEDS_SCANOUT, FACT_SCANOUT),
	  .f = { RECT(set_scanout), FN(set_scanout, scanout_id, "scanout"),
		 RES(set_scanout) } },
	{ COMMAND(SET_SCANOUT_BLOB, set_scanout_blob, set_scanout_blob, BLOB, NEEDS_SCANOUT,
		  FACT_SCANOUT),
	  .f = { RECT(set_scanout_blob), FN(set_scanout_blob, scanout_id, "scanout"),
		 RES(set_scanout_blob), FN(set_scanout_blob, width, "fb_w"),
		 FN(set_scanout_blob, height, "fb_h"), F(set_scanout_blob, format),
		 PAD(set_scanout_blob, padding),
		 FN(set_scanout_blob, strides[0], "stride"),
		 FN(set_scanout_blob, offsets[0], "offset") } },
	{ COMMAND(RESOURCE_FLUSH, resource_flush, resource_flush, ANY, NEEDS_RES, 0),
	  .f = { RECT(resource_flush), RES(resource_flush),
		 PAD(resource_flush, padding) } },
	{ COMMAND(UPDATE_CURSOR, update_cursor, cursor, ANY, NEEDS_SCANOUT, 0),
	  .queue = WIRE_CURSORQ, .f = { FN(update_cursor, pos.scanout_id, "scanout"),
		 FN(update_cursor, pos.x, "x"), FN(update_cursor, pos.y, "y"),
		 PAD(update_cursor, pos.padding), RES(update_cursor),
		 F(update_cursor, hot_x), F(update_cursor, hot_y),
		 PAD(update_cursor, padding) } },
	/* What is not the position is ignored: there is no padding. */
	{ COMMAND(MOVE_CURSOR, update_cursor, cursor, ANY, NEEDS_SCANOUT, 0),
	  .queue = WIRE_CURSORQ, .f = { FN(update_cursor, pos.scanout_id, "scanout"),
		 FN(update_cursor, pos.x, "x"), FN(update_cursor, pos.y, "y") } },
	{ 0 },
};
