// SPDX-License-Identifier: MIT
/* Scanouts, flushes and cursors. */
#include "device.h"

#define OK VIRTIO_GPU_RESP_OK_NODATA
#define BAD_PARAM VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RES VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_SCANOUT VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID
#define REQ32(job, st, m) get_le32((job)->req + offsetof(struct st, m))

static struct rect rect_get(const u8 *p)
{
	return (struct rect){ get_le32(p), get_le32(p + 4), get_le32(p + 8),
			      get_le32(p + 12) };
}

static u32 scanout_check(struct device *d, u32 n)
{
	if (n < d->display.n)
		return OK;
	return cmd_bug(d, "scanout-range", BAD_SCANOUT, "scanout %u of %u", n,
		       d->display.n);
}

/* What to show; NULL when that is nothing, or an error. */
static u32 scanout_resource(struct device *d, u32 n, u32 id, struct resource **res)
{
	u32 resp = scanout_check(d, n);

	*res = NULL;
	if (resp != OK)
		return resp;
	if (!id) {
		display_hide(&d->display, n);
		return OK;
	}
	*res = cmd_resource(d, id);
	return *res ? OK : BAD_RES;
}

static u32 scanout_view_check(struct device *d, const struct rect *r, u32 w, u32 h)
{
	if (r->w && r->h && rect_inside(r, w, h))
		return OK;
	return cmd_state_bug(d, "scanout-rect", BAD_PARAM,
			     "view %ux%u+%u+%u of %ux%u pixels", r->w, r->h, r->x, r->y,
			     w, h);
}

/**
 * cmd_set_scanout - VIRTIO_GPU_CMD_SET_SCANOUT
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_set_scanout(struct device *d, struct job *job)
{
	struct rect r = rect_get(job->req + offsetof(struct virtio_gpu_set_scanout, r));
	u32 n = REQ32(job, virtio_gpu_set_scanout, scanout_id);
	u32 id = REQ32(job, virtio_gpu_set_scanout, resource_id);
	struct display_fb fb = { 0 };
	struct resource *res;
	u32 resp = scanout_resource(d, n, id, &res);

	if (!res)
		return resp;
	if (res->kind == RESOURCE_BLOB)
		return cmd_state_bug(d, "scanout-blob", BAD_PARAM,
				     "resource %u is a blob: SET_SCANOUT_BLOB is needed", id);
	if (!display_format_ok(res->format))
		return cmd_state_bug(d, "scanout-format", BAD_PARAM,
				     "format %u cannot be shown", res->format);
	resp = scanout_view_check(d, &r, res->width, res->height);
	if (resp != OK)
		return resp;
	fb = (struct display_fb){ res->format, res->width, res->height,
				  4 * res->width, 0 };
	display_show(&d->display, n, res, &fb, &r);
	return OK;
}

static u32 scanout_fb_check(struct device *d, const struct resource *res,
			    const struct display_fb *fb)
{
	u64 end;

	if (!display_format_ok(fb->format))
		return cmd_state_bug(d, "scanout-format", BAD_PARAM, "format %u", fb->format);
	if (!fb->width || !fb->height || fb->stride < 4ull * fb->width)
		return cmd_bug(d, "scanout-stride", BAD_PARAM,
			       "%ux%u pixels with a stride of %u", fb->width,
			       fb->height, fb->stride);
	end = fb->offset + (u64)fb->stride * (fb->height - 1) + 4ull * fb->width;
	if (end > res->size)
		return cmd_state_bug(d, "scanout-size", BAD_PARAM,
				     "framebuffer ends at %llu in a blob of %llu bytes",
				     (unsigned long long)end,
				     (unsigned long long)res->size);
	if (!resource_has_data(res))
		return cmd_state_bug(d, "scanout-no-backing", BAD_PARAM,
				     "blob %u has no memory to show", res->id);
	return OK;
}

/**
 * cmd_set_scanout_blob - VIRTIO_GPU_CMD_SET_SCANOUT_BLOB
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_set_scanout_blob(struct device *d, struct job *job)
{
	struct rect r = rect_get(job->req +
				 offsetof(struct virtio_gpu_set_scanout_blob, r));
	u32 n = REQ32(job, virtio_gpu_set_scanout_blob, scanout_id);
	u32 id = REQ32(job, virtio_gpu_set_scanout_blob, resource_id);
	struct display_fb fb = {
		REQ32(job, virtio_gpu_set_scanout_blob, format),
		REQ32(job, virtio_gpu_set_scanout_blob, width),
		REQ32(job, virtio_gpu_set_scanout_blob, height),
		REQ32(job, virtio_gpu_set_scanout_blob, strides[0]),
		REQ32(job, virtio_gpu_set_scanout_blob, offsets[0]),
	};
	struct resource *res;
	u32 resp = scanout_resource(d, n, id, &res);

	if (!res)
		return resp;
	if (res->kind != RESOURCE_BLOB)
		return cmd_state_bug(d, "scanout-not-blob", BAD_PARAM,
				     "resource %u is not a blob", id);
	resp = scanout_fb_check(d, res, &fb);
	if (resp == OK)
		resp = scanout_view_check(d, &r, fb.width, fb.height);
	if (resp == OK)
		display_show(&d->display, n, res, &fb, &r);
	return resp;
}

/**
 * cmd_flush - VIRTIO_GPU_CMD_RESOURCE_FLUSH
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_flush(struct device *d, struct job *job)
{
	struct rect r = rect_get(job->req +
				 offsetof(struct virtio_gpu_resource_flush, r));
	u32 id = REQ32(job, virtio_gpu_resource_flush, resource_id);
	struct resource *res = cmd_resource(d, id);
	u32 w, h;

	if (!res)
		return BAD_RES;
	w = res->width;
	h = res->height;
	for (u32 n = 0; res->kind == RESOURCE_BLOB && n < d->display.n; n++) {
		if (d->display.out[n].res != res)
			continue;
		w = MAX(w, d->display.out[n].fb.width);
		h = MAX(h, d->display.out[n].fb.height);
	}
	if ((res->kind != RESOURCE_BLOB || res->scanouts) && !rect_inside(&r, w, h))
		return cmd_state_bug(d, "flush-rect", BAD_PARAM,
				     "%ux%u+%u+%u of %ux%u pixels", r.w, r.h, r.x, r.y, w, h);
	d->stats.flushes++;
	if (!display_flush(&d->display, res, &r))
		d->stats.flushes_unseen++;
	return OK;
}

static u32 cursor_image_check(struct device *d, const struct resource *res)
{
	u32 side = DISPLAY_CURSOR;

	if (res->kind == RESOURCE_BLOB) {
		if (res->size < 4ull * side * side || !resource_has_data(res))
			return cmd_state_bug(d, "cursor-size", BAD_PARAM,
					     "blob %u of %llu bytes is no cursor", res->id,
					     (unsigned long long)res->size);
		return OK;
	}
	if (res->width != side || res->height != side ||
	    !display_format_ok(res->format))
		return cmd_state_bug(d, "cursor-size", BAD_PARAM,
				     "a cursor is 64x64, resource %u is %ux%u", res->id,
				     res->width, res->height);
	if (res->kind == RESOURCE_2D && !res->transfer)
		cmd_state_bug(d, "cursor-empty", 0,
			      "nothing was transferred into resource %u", res->id);
	else if (res->kind == RESOURCE_2D && !res->fenced)
		cmd_state_bug(d, "cursor-fence", 0,
			      "the last transfer into resource %u was not fenced", res->id);
	/* Of a later one we cannot know: the two queues have no order. */
	else if (res->kind == RESOURCE_2D && res->transfers == 1 &&
		 fence_is_open(&d->fence, res->transfer))
		cmd_bug(d, "cursor-early", 0,
			"the only transfer into resource %u is not answered", res->id);
	return OK;
}

static u32 cursor_set_image(struct device *d, struct job *job, struct output *o,
			    u32 n)
{
	u32 id = REQ32(job, virtio_gpu_update_cursor, resource_id);
	struct resource *res;
	u32 resp;

	o->hot_x = REQ32(job, virtio_gpu_update_cursor, hot_x);
	o->hot_y = REQ32(job, virtio_gpu_update_cursor, hot_y);
	if (!id) {
		o->cursor_shown = false;
		o->cursor_crc = 0;
		return OK;
	}
	res = cmd_resource(d, id);
	if (!res)
		return BAD_RES;
	resp = cursor_image_check(d, res);
	if (resp != OK)
		return resp;
	o->cursor_shown = display_cursor_image(&d->display, n, res);
	return OK;
}

static u32 cursor_run(struct device *d, struct job *job, bool image)
{
	u32 n = REQ32(job, virtio_gpu_update_cursor, pos.scanout_id);
	u32 resp = scanout_check(d, n);
	struct output *o;

	if (resp != OK)
		return resp;
	o = &d->display.out[n];
	o->cursor_x = REQ32(job, virtio_gpu_update_cursor, pos.x);
	o->cursor_y = REQ32(job, virtio_gpu_update_cursor, pos.y);
	if (image)
		resp = cursor_set_image(d, job, o, n);
	if (resp == OK)
		display_cursor_trace(&d->display, n);
	return resp;
}

/**
 * cmd_update_cursor - VIRTIO_GPU_CMD_UPDATE_CURSOR
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_update_cursor(struct device *d, struct job *job)
{
	return cursor_run(d, job, true);
}

/**
 * cmd_move_cursor - VIRTIO_GPU_CMD_MOVE_CURSOR
 * @d: the device
 * @job: the request
 *
 * Return: response type.
 */
u32 cmd_move_cursor(struct device *d, struct job *job)
{
	return cursor_run(d, job, false);
}
