// SPDX-License-Identifier: MIT
/*
 * Ask a driver many questions and print its answers, so that two drivers on the same device can be
 * compared. A question is a valid ioctl, the same ioctl with one or two fields set to an edge
 * value, or one valid ioctl after another. A process of its own asks each question, on freshly
 * opened files. Each line holds the name of the question, the property (the errno, a field that
 * changed, RESOURCE_INFO or WAIT of the buffer), and its value.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>

#include "vgpu_drm.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* A process that runs for longer hangs: no question takes that long. */
#define HANG_S 60
#define SIDE 64u
#define FIELDS_MAX 24
#define ARGS_MAX 1024

/* How the content of a field is printed. */
enum kind {
	PLAIN,		/* a number */
	NAME,		/* a number that the driver chooses: printed as zero or not */
	ROOM,		/* as PLAIN, but a large value costs memory of the guest */
	POINTER,	/* an address: printed only if it changed */
};

struct field {
	const char *name;
	uint16_t off, size;
	enum kind kind;
};

/**
 * struct asker - the process that asks
 * @render: a render node
 * @card: the primary node
 * @client: of @render, valid with a context
 * @handle: a buffer of the file that the question uses
 * @fb: a framebuffer of @card
 * @crtc: the first CRTC
 * @connector: the first connector
 * @mode: its preferred mode
 * @new_handle: the buffer that the ioctl created, or 0
 */
struct asker {
	int render, card;
	struct vgpu_client client;
	uint32_t handle, fb, crtc, connector;
	struct drm_mode_modeinfo mode;
	uint32_t new_handle;
};

/**
 * struct question - a valid ioctl
 * @name: its name in the header, shortened
 * @request: its number
 * @card: the ioctl is called on the primary node
 * @needs: enum need
 * @prepare: fills in a valid struct and the memory that it points to
 * @done: called after a success, to store the created buffer in @new_handle; may be NULL
 * @field: the fields that are varied and printed
 */
struct question {
	const char *name;
	unsigned long request;
	bool card;
	unsigned int needs;
	void (*prepare)(struct asker *a, void *args);
	void (*done)(struct asker *a, const void *args);
	struct field field[FIELDS_MAX];
};

enum need {
	NEEDS_3D = 1,
	NEEDS_BLOB = 2,
};

#define F(st, m, k) { #m, offsetof(struct st, m), sizeof(((struct st *)0)->m), k }

static bool has_3d, has_blob, has_context_init;

/* ---- buffers to ask about ---- */

static uint32_t new_dumb(int fd, uint32_t width, uint32_t height, uint32_t *pitch)
{
	struct drm_mode_create_dumb dumb = { .width = width, .height = height, .bpp = 32 };

	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	*pitch = dumb.pitch;
	return dumb.handle;
}

static uint32_t asker_buffer(struct asker *a)
{
	if (!a->handle)
		a->handle = vgpu_new_picture(a->render, SIDE, SIDE);
	return a->handle;
}

static uint32_t asker_dumb(struct asker *a)
{
	uint32_t pitch;

	if (!a->handle)
		a->handle = new_dumb(a->card, SIDE, SIDE, &pitch);
	return a->handle;
}

static uint32_t asker_fb(struct asker *a)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = a->mode.hdisplay, .height = a->mode.vdisplay,
		.pixel_format = DRM_FORMAT_XRGB8888,
	};

	if (a->fb)
		return a->fb;
	fb.handles[0] = new_dumb(a->card, fb.width, fb.height, &fb.pitches[0]);
	vgpu_ok(vgpu_ioctl(a->card, DRM_IOCTL_MODE_ADDFB2, &fb));
	a->fb = fb.fb_id;
	return a->fb;
}

static void probe_display(int card)
{
	uint32_t connectors[16];
	struct drm_mode_card_res res = {
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = 16,
	};
	struct drm_mode_get_connector probe = { 0 };

	vgpu_ok(vgpu_ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &res));
	probe.connector_id = connectors[0];
	vgpu_ok(vgpu_ioctl(card, DRM_IOCTL_MODE_GETCONNECTOR, &probe));
}

static void asker_display(struct asker *a)
{
	static struct drm_mode_modeinfo modes[256];
	uint32_t connectors[16], crtcs[16];
	struct drm_mode_card_res res = {
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = 16,
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 16,
	};
	struct drm_mode_get_connector conn = {
		.modes_ptr = (uintptr_t)modes, .count_modes = ARRAY_SIZE(modes),
	};

	vgpu_ok(vgpu_ioctl(a->card, DRM_IOCTL_MODE_GETRESOURCES, &res));
	a->crtc = crtcs[0];
	a->connector = conn.connector_id = connectors[0];
	vgpu_ok(vgpu_ioctl(a->card, DRM_IOCTL_MODE_GETCONNECTOR, &conn));
	vgpu_assert(conn.count_modes && conn.count_modes <= ARRAY_SIZE(modes));
	a->mode = modes[0];
}

/* ---- the ioctls of the driver ---- */

/* The struct of the ioctl comes first, then the memory that it points to. */
struct getparam_args {
	struct drm_virtgpu_getparam x;
	uint64_t value;
};

static void prepare_getparam(struct asker *a, void *args)
{
	struct getparam_args *p = args;

	(void)a;
	p->value = UINT64_MAX;
	p->x = (struct drm_virtgpu_getparam){ 1, (uintptr_t)&p->value };
}

struct get_caps_args {
	struct drm_virtgpu_get_caps x;
	uint64_t first, last;
};

static void prepare_get_caps(struct asker *a, void *args)
{
	struct get_caps_args *p = args;

	p->first = p->last = UINT64_MAX;
	p->x = (struct drm_virtgpu_get_caps){
		.cap_set_id = vgpu_client_of(a->render).capset, .addr = (uintptr_t)&p->first,
		.size = sizeof(p->first),
	};
}

static void prepare_resource_create(struct asker *a, void *args)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);

	(void)a;
	memcpy(args, &rc, sizeof(rc));
}

static void done_resource_create(struct asker *a, const void *args)
{
	a->new_handle = ((const struct drm_virtgpu_resource_create *)args)->bo_handle;
}

static void prepare_blob(struct asker *a, void *args)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(VGPU_PAGE);

	(void)a;
	memcpy(args, &blob, sizeof(blob));
}

static void done_blob(struct asker *a, const void *args)
{
	a->new_handle = ((const struct drm_virtgpu_resource_create_blob *)args)->bo_handle;
}

static void prepare_info(struct asker *a, void *args)
{
	((struct drm_virtgpu_resource_info *)args)->bo_handle = asker_buffer(a);
}

static void prepare_map(struct asker *a, void *args)
{
	((struct drm_virtgpu_map *)args)->handle = asker_buffer(a);
}

static void prepare_transfer(struct asker *a, void *args)
{
	struct drm_virtgpu_3d_transfer_to_host *t = args;

	t->bo_handle = asker_buffer(a);
	t->box = (struct drm_virtgpu_3d_box){ .w = SIDE, .h = SIDE, .d = 1 };
}

static void prepare_wait(struct asker *a, void *args)
{
	((struct drm_virtgpu_3d_wait *)args)->handle = asker_buffer(a);
}

struct exec_args {
	struct drm_virtgpu_execbuffer x;
	struct drm_virtgpu_execbuffer_syncobj in, out;
	uint32_t bo[2];
	uint32_t stream[16];
};

static void prepare_exec(struct asker *a, void *args)
{
	struct exec_args *p = args;

	vgpu_stream_nop(&a->client, p->stream, sizeof(p->stream));
	p->bo[0] = asker_buffer(a);
	p->x = (struct drm_virtgpu_execbuffer){
		.size = sizeof(p->stream), .command = (uintptr_t)p->stream,
		.bo_handles = (uintptr_t)p->bo, .num_bo_handles = 1, .fence_fd = -1,
	};
}

static void prepare_exec_sync(struct asker *a, void *args)
{
	struct exec_args *p = args;

	prepare_exec(a, args);
	p->in.handle = vgpu_new_syncobj(a->render, true);
	p->out.handle = vgpu_new_syncobj(a->render, false);
	p->x.syncobj_stride = sizeof(p->in);
	p->x.num_in_syncobjs = p->x.num_out_syncobjs = 1;
	p->x.in_syncobjs = (uintptr_t)&p->in;
	p->x.out_syncobjs = (uintptr_t)&p->out;
}

struct context_args {
	struct drm_virtgpu_context_init x;
	struct drm_virtgpu_context_set_param set[4];
	char name[72];
};

static void prepare_context(struct asker *a, void *args)
{
	struct context_args *p = args;

	strcpy(p->name, "answers");
	p->set[0] = (struct drm_virtgpu_context_set_param){
		VIRTGPU_CONTEXT_PARAM_CAPSET_ID, vgpu_client_of(a->render).capset };
	p->set[1] = (struct drm_virtgpu_context_set_param){
		VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 4 };
	p->set[2] = (struct drm_virtgpu_context_set_param){
		VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 2 };
	p->set[3] = (struct drm_virtgpu_context_set_param){
		VIRTGPU_CONTEXT_PARAM_DEBUG_NAME, (uintptr_t)p->name };
	p->x.num_params = ARRAY_SIZE(p->set);
	p->x.ctx_set_params = (uintptr_t)p->set;
}

/* ---- buffers and framebuffers of the primary node ---- */

static void prepare_gem_close(struct asker *a, void *args)
{
	((struct drm_gem_close *)args)->handle = asker_buffer(a);
}

static void prepare_flink(struct asker *a, void *args)
{
	((struct drm_gem_flink *)args)->handle = asker_dumb(a);
}

static void prepare_open(struct asker *a, void *args)
{
	struct drm_gem_flink flink = { .handle = asker_dumb(a) };

	vgpu_ok(vgpu_ioctl(a->card, DRM_IOCTL_GEM_FLINK, &flink));
	((struct drm_gem_open *)args)->name = flink.name;
}

static void done_open(struct asker *a, const void *args)
{
	a->new_handle = ((const struct drm_gem_open *)args)->handle;
}

static void prepare_export(struct asker *a, void *args)
{
	struct drm_prime_handle *p = args;

	p->handle = asker_buffer(a);
	p->flags = O_CLOEXEC | O_RDWR;
	p->fd = -1;
}

static void prepare_import(struct asker *a, void *args)
{
	struct drm_prime_handle *p = args;
	int fd;

	vgpu_ok(vgpu_prime_export(a->render, asker_buffer(a), &fd));
	p->fd = fd;
}

static void done_import(struct asker *a, const void *args)
{
	a->new_handle = ((const struct drm_prime_handle *)args)->handle;
}

static void prepare_create_dumb(struct asker *a, void *args)
{
	struct drm_mode_create_dumb *p = args;

	(void)a;
	p->width = p->height = SIDE;
	p->bpp = 32;
}

static void done_create_dumb(struct asker *a, const void *args)
{
	a->new_handle = ((const struct drm_mode_create_dumb *)args)->handle;
}

static void prepare_map_dumb(struct asker *a, void *args)
{
	((struct drm_mode_map_dumb *)args)->handle = asker_dumb(a);
}

static void prepare_destroy_dumb(struct asker *a, void *args)
{
	((struct drm_mode_destroy_dumb *)args)->handle = asker_dumb(a);
}

static void prepare_addfb(struct asker *a, void *args)
{
	struct drm_mode_fb_cmd *p = args;

	p->width = p->height = SIDE;
	p->pitch = SIDE * 4;
	p->bpp = 32;
	p->depth = 24;
	p->handle = asker_dumb(a);
}

static void prepare_addfb2(struct asker *a, void *args)
{
	struct drm_mode_fb_cmd2 *p = args;

	p->width = p->height = SIDE;
	p->pixel_format = DRM_FORMAT_XRGB8888;
	p->handles[0] = asker_dumb(a);
	p->pitches[0] = SIDE * 4;
}

static void prepare_rmfb(struct asker *a, void *args)
{
	*(uint32_t *)args = asker_fb(a);
}

static void prepare_getfb2(struct asker *a, void *args)
{
	((struct drm_mode_fb_cmd2 *)args)->fb_id = asker_fb(a);
}

struct dirty_args {
	struct drm_mode_fb_dirty_cmd x;
	struct drm_clip_rect clip[2];
};

static void prepare_dirty(struct asker *a, void *args)
{
	struct dirty_args *p = args;

	p->clip[0] = (struct drm_clip_rect){ 0, 0, SIDE, SIDE };
	p->clip[1] = (struct drm_clip_rect){ SIDE, SIDE, SIDE + 1, SIDE + 1 };
	p->x = (struct drm_mode_fb_dirty_cmd){
		.fb_id = asker_fb(a), .num_clips = 2, .clips_ptr = (uintptr_t)p->clip,
	};
}

struct crtc_args {
	struct drm_mode_crtc x;
	uint32_t connector;
};

static void prepare_setcrtc(struct asker *a, void *args)
{
	struct crtc_args *p = args;

	p->connector = a->connector;
	p->x = (struct drm_mode_crtc){
		.set_connectors_ptr = (uintptr_t)&p->connector, .count_connectors = 1,
		.crtc_id = a->crtc, .fb_id = asker_fb(a), .mode_valid = 1, .mode = a->mode,
	};
}

static void prepare_flip(struct asker *a, void *args)
{
	struct drm_mode_crtc_page_flip *p = args;
	struct crtc_args on = { 0 };

	prepare_setcrtc(a, &on);
	on.x.set_connectors_ptr = (uintptr_t)&on.connector;
	vgpu_ok(vgpu_ioctl(a->card, DRM_IOCTL_MODE_SETCRTC, &on.x));
	p->crtc_id = a->crtc;
	p->fb_id = asker_fb(a);
}

static void prepare_cursor(struct asker *a, void *args)
{
	struct drm_mode_cursor2 *p = args;

	p->flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE;
	p->crtc_id = a->crtc;
	p->width = p->height = 64;
	p->handle = asker_dumb(a);
}

static void prepare_getcap(struct asker *a, void *args)
{
	(void)a;
	((struct drm_get_cap *)args)->capability = DRM_CAP_DUMB_BUFFER;
}

static void prepare_setcap(struct asker *a, void *args)
{
	(void)a;
	*(struct drm_set_client_cap *)args =
		(struct drm_set_client_cap){ DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1 };
}

#define TRANSFER_FIELDS \
	F(drm_virtgpu_3d_transfer_to_host, bo_handle, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, box.x, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, box.y, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, box.z, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, box.w, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, box.h, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, box.d, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, level, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, offset, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, stride, PLAIN), \
	F(drm_virtgpu_3d_transfer_to_host, layer_stride, PLAIN)

static const struct question questions[] = {
	{ "GETPARAM", DRM_IOCTL_VIRTGPU_GETPARAM, false, 0, prepare_getparam, NULL, {
		F(getparam_args, x.param, PLAIN), F(getparam_args, x.value, POINTER),
		F(getparam_args, value, PLAIN) } },
	{ "GET_CAPS", DRM_IOCTL_VIRTGPU_GET_CAPS, false, NEEDS_3D, prepare_get_caps, NULL, {
		F(get_caps_args, x.cap_set_id, PLAIN), F(get_caps_args, x.cap_set_ver, PLAIN),
		F(get_caps_args, x.addr, POINTER), F(get_caps_args, x.size, PLAIN),
		F(get_caps_args, x.pad, PLAIN), F(get_caps_args, first, PLAIN),
		F(get_caps_args, last, PLAIN) } },
	{ "RESOURCE_CREATE", DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, false, 0,
	  prepare_resource_create, done_resource_create, {
		F(drm_virtgpu_resource_create, target, PLAIN),
		F(drm_virtgpu_resource_create, format, PLAIN),
		F(drm_virtgpu_resource_create, bind, PLAIN),
		F(drm_virtgpu_resource_create, width, PLAIN),
		F(drm_virtgpu_resource_create, height, PLAIN),
		F(drm_virtgpu_resource_create, depth, PLAIN),
		F(drm_virtgpu_resource_create, array_size, PLAIN),
		F(drm_virtgpu_resource_create, last_level, PLAIN),
		F(drm_virtgpu_resource_create, nr_samples, PLAIN),
		F(drm_virtgpu_resource_create, flags, PLAIN),
		F(drm_virtgpu_resource_create, bo_handle, NAME),
		F(drm_virtgpu_resource_create, res_handle, NAME),
		F(drm_virtgpu_resource_create, size, ROOM),
		F(drm_virtgpu_resource_create, stride, PLAIN) } },
	{ "CREATE_BLOB", DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, false, NEEDS_BLOB, prepare_blob,
	  done_blob, {
		F(drm_virtgpu_resource_create_blob, blob_mem, PLAIN),
		F(drm_virtgpu_resource_create_blob, blob_flags, PLAIN),
		F(drm_virtgpu_resource_create_blob, bo_handle, NAME),
		F(drm_virtgpu_resource_create_blob, res_handle, NAME),
		F(drm_virtgpu_resource_create_blob, size, ROOM),
		F(drm_virtgpu_resource_create_blob, pad, PLAIN),
		F(drm_virtgpu_resource_create_blob, cmd_size, PLAIN),
		F(drm_virtgpu_resource_create_blob, cmd, POINTER),
		F(drm_virtgpu_resource_create_blob, blob_id, PLAIN),
		F(drm_virtgpu_resource_create_blob, blob_hints, PLAIN),
		F(drm_virtgpu_resource_create_blob, pad2, PLAIN) } },
	{ "RESOURCE_INFO", DRM_IOCTL_VIRTGPU_RESOURCE_INFO, false, 0, prepare_info, NULL, {
		F(drm_virtgpu_resource_info, bo_handle, PLAIN),
		F(drm_virtgpu_resource_info, res_handle, NAME),
		F(drm_virtgpu_resource_info, size, PLAIN),
		F(drm_virtgpu_resource_info, blob_mem, PLAIN) } },
	{ "MAP", DRM_IOCTL_VIRTGPU_MAP, false, 0, prepare_map, NULL, {
		F(drm_virtgpu_map, offset, NAME), F(drm_virtgpu_map, handle, PLAIN),
		F(drm_virtgpu_map, pad, PLAIN) } },
	{ "TRANSFER_TO_HOST", DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, false, 0, prepare_transfer, NULL,
	  { TRANSFER_FIELDS } },
	{ "TRANSFER_FROM_HOST", DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, false, 0, prepare_transfer,
	  NULL, { TRANSFER_FIELDS } },
	{ "WAIT", DRM_IOCTL_VIRTGPU_WAIT, false, 0, prepare_wait, NULL, {
		F(drm_virtgpu_3d_wait, handle, PLAIN), F(drm_virtgpu_3d_wait, flags, PLAIN) } },
	{ "EXECBUFFER", DRM_IOCTL_VIRTGPU_EXECBUFFER, false, NEEDS_3D, prepare_exec, NULL, {
		F(exec_args, x.flags, PLAIN), F(exec_args, x.size, PLAIN),
		F(exec_args, x.command, POINTER), F(exec_args, x.bo_handles, POINTER),
		F(exec_args, x.num_bo_handles, PLAIN), F(exec_args, x.fence_fd, PLAIN),
		F(exec_args, x.ring_idx, PLAIN), F(exec_args, bo[0], PLAIN) } },
	{ "EXECBUFFER-syncobjs", DRM_IOCTL_VIRTGPU_EXECBUFFER, false, NEEDS_3D, prepare_exec_sync,
	  NULL, {
		F(exec_args, x.syncobj_stride, PLAIN), F(exec_args, x.num_in_syncobjs, PLAIN),
		F(exec_args, x.num_out_syncobjs, PLAIN), F(exec_args, x.in_syncobjs, POINTER),
		F(exec_args, x.out_syncobjs, POINTER), F(exec_args, in.handle, PLAIN),
		F(exec_args, in.flags, PLAIN), F(exec_args, in.point, PLAIN),
		F(exec_args, out.handle, PLAIN), F(exec_args, out.flags, PLAIN),
		F(exec_args, out.point, PLAIN) } },
	{ "CONTEXT_INIT", DRM_IOCTL_VIRTGPU_CONTEXT_INIT, false, NEEDS_3D, prepare_context, NULL, {
		F(context_args, x.num_params, PLAIN), F(context_args, x.pad, PLAIN),
		F(context_args, x.ctx_set_params, POINTER), F(context_args, set[0].param, PLAIN),
		F(context_args, set[0].value, PLAIN), F(context_args, set[1].param, PLAIN),
		F(context_args, set[1].value, PLAIN), F(context_args, set[2].param, PLAIN),
		F(context_args, set[2].value, PLAIN), F(context_args, set[3].param, PLAIN),
		F(context_args, set[3].value, POINTER) } },
	{ "GEM_CLOSE", DRM_IOCTL_GEM_CLOSE, false, 0, prepare_gem_close, NULL, {
		F(drm_gem_close, handle, PLAIN), F(drm_gem_close, pad, PLAIN) } },
	{ "PRIME_HANDLE_TO_FD", DRM_IOCTL_PRIME_HANDLE_TO_FD, false, 0, prepare_export, NULL, {
		F(drm_prime_handle, handle, PLAIN), F(drm_prime_handle, flags, PLAIN),
		F(drm_prime_handle, fd, PLAIN) } },
	{ "PRIME_FD_TO_HANDLE", DRM_IOCTL_PRIME_FD_TO_HANDLE, false, 0, prepare_import,
	  done_import, {
		F(drm_prime_handle, handle, PLAIN), F(drm_prime_handle, flags, PLAIN),
		F(drm_prime_handle, fd, PLAIN) } },
	{ "GEM_FLINK", DRM_IOCTL_GEM_FLINK, true, 0, prepare_flink, NULL, {
		F(drm_gem_flink, handle, PLAIN), F(drm_gem_flink, name, NAME) } },
	{ "GEM_OPEN", DRM_IOCTL_GEM_OPEN, true, 0, prepare_open, done_open, {
		F(drm_gem_open, name, PLAIN), F(drm_gem_open, handle, NAME),
		F(drm_gem_open, size, PLAIN) } },
	{ "CREATE_DUMB", DRM_IOCTL_MODE_CREATE_DUMB, true, 0, prepare_create_dumb,
	  done_create_dumb, {
		F(drm_mode_create_dumb, height, ROOM), F(drm_mode_create_dumb, width, ROOM),
		F(drm_mode_create_dumb, bpp, PLAIN), F(drm_mode_create_dumb, flags, PLAIN),
		F(drm_mode_create_dumb, handle, NAME), F(drm_mode_create_dumb, pitch, PLAIN),
		F(drm_mode_create_dumb, size, PLAIN) } },
	{ "MAP_DUMB", DRM_IOCTL_MODE_MAP_DUMB, true, 0, prepare_map_dumb, NULL, {
		F(drm_mode_map_dumb, handle, PLAIN), F(drm_mode_map_dumb, pad, PLAIN),
		F(drm_mode_map_dumb, offset, NAME) } },
	{ "DESTROY_DUMB", DRM_IOCTL_MODE_DESTROY_DUMB, true, 0, prepare_destroy_dumb, NULL, {
		F(drm_mode_destroy_dumb, handle, PLAIN) } },
	{ "ADDFB", DRM_IOCTL_MODE_ADDFB, true, 0, prepare_addfb, NULL, {
		F(drm_mode_fb_cmd, fb_id, NAME), F(drm_mode_fb_cmd, width, PLAIN),
		F(drm_mode_fb_cmd, height, PLAIN), F(drm_mode_fb_cmd, pitch, PLAIN),
		F(drm_mode_fb_cmd, bpp, PLAIN), F(drm_mode_fb_cmd, depth, PLAIN),
		F(drm_mode_fb_cmd, handle, PLAIN) } },
	{ "ADDFB2", DRM_IOCTL_MODE_ADDFB2, true, 0, prepare_addfb2, NULL, {
		F(drm_mode_fb_cmd2, fb_id, NAME), F(drm_mode_fb_cmd2, width, PLAIN),
		F(drm_mode_fb_cmd2, height, PLAIN), F(drm_mode_fb_cmd2, pixel_format, PLAIN),
		F(drm_mode_fb_cmd2, flags, PLAIN), F(drm_mode_fb_cmd2, handles[0], PLAIN),
		F(drm_mode_fb_cmd2, handles[1], PLAIN), F(drm_mode_fb_cmd2, pitches[0], PLAIN),
		F(drm_mode_fb_cmd2, pitches[1], PLAIN), F(drm_mode_fb_cmd2, offsets[0], PLAIN),
		F(drm_mode_fb_cmd2, offsets[1], PLAIN), F(drm_mode_fb_cmd2, modifier[0], PLAIN) } },
	{ "RMFB", DRM_IOCTL_MODE_RMFB, true, 0, prepare_rmfb, NULL, {
		{ "fb_id", 0, 4, PLAIN } } },
	{ "GETFB2", DRM_IOCTL_MODE_GETFB2, true, 0, prepare_getfb2, NULL, {
		F(drm_mode_fb_cmd2, fb_id, PLAIN), F(drm_mode_fb_cmd2, width, PLAIN),
		F(drm_mode_fb_cmd2, height, PLAIN), F(drm_mode_fb_cmd2, pixel_format, PLAIN),
		F(drm_mode_fb_cmd2, flags, PLAIN), F(drm_mode_fb_cmd2, handles[0], NAME),
		F(drm_mode_fb_cmd2, pitches[0], PLAIN), F(drm_mode_fb_cmd2, offsets[0], PLAIN),
		F(drm_mode_fb_cmd2, modifier[0], PLAIN) } },
	{ "DIRTYFB", DRM_IOCTL_MODE_DIRTYFB, true, 0, prepare_dirty, NULL, {
		F(dirty_args, x.fb_id, PLAIN), F(dirty_args, x.flags, PLAIN),
		F(dirty_args, x.color, PLAIN), F(dirty_args, x.num_clips, PLAIN),
		F(dirty_args, x.clips_ptr, POINTER), F(dirty_args, clip[0].x1, PLAIN),
		F(dirty_args, clip[0].y1, PLAIN), F(dirty_args, clip[0].x2, PLAIN),
		F(dirty_args, clip[0].y2, PLAIN) } },
	{ "SETCRTC", DRM_IOCTL_MODE_SETCRTC, true, 0, prepare_setcrtc, NULL, {
		F(crtc_args, x.count_connectors, PLAIN), F(crtc_args, x.fb_id, PLAIN),
		F(crtc_args, x.x, PLAIN), F(crtc_args, x.y, PLAIN),
		F(crtc_args, x.gamma_size, PLAIN), F(crtc_args, x.mode_valid, PLAIN),
		F(crtc_args, x.mode.clock, PLAIN), F(crtc_args, x.mode.hdisplay, PLAIN),
		F(crtc_args, x.mode.htotal, PLAIN), F(crtc_args, x.mode.vdisplay, PLAIN),
		F(crtc_args, x.mode.vtotal, PLAIN), F(crtc_args, x.mode.vscan, PLAIN),
		F(crtc_args, x.mode.vrefresh, PLAIN), F(crtc_args, x.mode.flags, PLAIN),
		F(crtc_args, x.mode.type, PLAIN) } },
	{ "PAGE_FLIP", DRM_IOCTL_MODE_PAGE_FLIP, true, 0, prepare_flip, NULL, {
		F(drm_mode_crtc_page_flip, crtc_id, PLAIN), F(drm_mode_crtc_page_flip, fb_id, PLAIN),
		F(drm_mode_crtc_page_flip, flags, PLAIN),
		F(drm_mode_crtc_page_flip, reserved, PLAIN) } },
	{ "CURSOR2", DRM_IOCTL_MODE_CURSOR2, true, 0, prepare_cursor, NULL, {
		F(drm_mode_cursor2, flags, PLAIN), F(drm_mode_cursor2, x, PLAIN),
		F(drm_mode_cursor2, y, PLAIN), F(drm_mode_cursor2, width, PLAIN),
		F(drm_mode_cursor2, height, PLAIN), F(drm_mode_cursor2, handle, PLAIN),
		F(drm_mode_cursor2, hot_x, PLAIN), F(drm_mode_cursor2, hot_y, PLAIN) } },
	{ "GET_CAP", DRM_IOCTL_GET_CAP, true, 0, prepare_getcap, NULL, {
		F(drm_get_cap, capability, PLAIN), F(drm_get_cap, value, PLAIN) } },
	{ "SET_CLIENT_CAP", DRM_IOCTL_SET_CLIENT_CAP, true, 0, prepare_setcap, NULL, {
		F(drm_set_client_cap, capability, PLAIN), F(drm_set_client_cap, value, PLAIN) } },
};

/* ---- asking ---- */

static const uint64_t edges[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 63, 64, 65, 127, 128, 255, 256, 511,
	4095, 4096, 4097, 65535, 65536, 65537, 1u << 20, 0x7fffffff, 0x80000000, 0xfffff000,
	0xffffffff, 1ull << 32, 1ull << 63, UINT64_MAX,
};
static const uint64_t pair_edges[] = { 0, 65, 0xffffffff };

static uint64_t field_get(const struct field *f, const void *args)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)args + f->off, f->size);
	return v;
}

static void field_set(const struct field *f, void *args, uint64_t v)
{
	memcpy((char *)args + f->off, &v, f->size);
}

/* Check whether to ask for value @v: larger ones would be truncated to values asked for already. */
static bool field_takes(const struct field *f, uint64_t v)
{
	uint64_t max = f->size == 8 ? UINT64_MAX : (1ull << 8 * f->size) - 1;

	if (v > max)
		return false;
	return f->kind != ROOM || v <= 4097 || v >= 1ull << 63;
}

static const char *errno_name(int ret)
{
	return ret ? strerrorname_np(-ret) ?: "?" : "0";
}

static void print_field(const char *name, const struct field *f, uint64_t v)
{
	if (f->kind == NAME)
		printf("%s %s %s\n", name, f->name, v ? "set" : "0");
	else if (f->kind == POINTER)
		printf("%s %s changed\n", name, f->name);
	else
		printf("%s %s %#llx\n", name, f->name, (unsigned long long)v);
}

static void print_buffer(const char *name, struct asker *a, int fd)
{
	struct drm_virtgpu_resource_info info;
	int ret = vgpu_resource_info(fd, a->new_handle, &info);

	printf("%s info %s,%u,%u\n", name, errno_name(ret), info.size, info.blob_mem);
	printf("%s wait %s\n", name, errno_name(vgpu_wait(fd, a->new_handle, 0)));
}

/* Call the ioctl; print the errno, and each field that it changed. */
static void call(struct asker *a, const struct question *q, const char *name, void *args)
{
	int fd = q->card ? a->card : a->render, ret;
	uint8_t before[ARGS_MAX];

	memcpy(before, args, sizeof(before));
	a->new_handle = 0;
	ret = vgpu_ioctl(fd, q->request, args);
	printf("%s errno %s\n", name, errno_name(ret));
	for (const struct field *f = q->field; f->name; f++)
		if (field_get(f, args) != field_get(f, before))
			print_field(name, f, field_get(f, args));
	if (!ret && q->done)
		q->done(a, args);
	if (a->new_handle)
		print_buffer(name, a, fd);
}

/**
 * struct variation - the difference between a question and the valid ioctl
 * @context: the file has created its context before
 * @first: an ioctl to call before, or NULL
 * @f: fields to set, or NULL
 * @v: the values of @f
 */
struct variation {
	bool context;
	const struct question *first;
	const struct field *f[2];
	uint64_t v[2];
};

static void asker_begin(struct asker *a, const struct question *q, const struct variation *v)
{
	memset(a, 0, sizeof(*a));
	a->render = v->context ? vgpu_client_open_rings(1, 0).fd : vgpu_open_render();
	if (has_3d)
		a->client = vgpu_client_of(a->render);
	if (q->card || (v->first && v->first->card)) {
		a->card = vgpu_open_card();
		asker_display(a);
	}
}

static void ask_here(const struct question *q, const struct variation *v, const char *name)
{
	static _Alignas(8) uint8_t args[ARGS_MAX];
	struct asker a;

	asker_begin(&a, q, v);
	if (v->first) {
		v->first->prepare(&a, args);
		vgpu_ioctl(v->first->card ? a.card : a.render, v->first->request, args);
		memset(args, 0, sizeof(args));
	}
	q->prepare(&a, args);
	for (unsigned int i = 0; i < ARRAY_SIZE(v->f); i++)
		if (v->f[i])
			field_set(v->f[i], args, v->v[i]);
	call(&a, q, name, args);
}

static unsigned int asked, hung;

/* This run asks about 1 / @parts of all questions: those whose names hash to @part. */
static unsigned int part, parts = 1;

/*
 * Select questions by name, not by number, since a driver may have properties that the other lacks.
 */
static bool is_wanted(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (hash >> 8) % parts == part;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Ask in a process of its own, which may hang, die, or lose its descriptors. */
static void ask(const struct question *q, const struct variation *v, const char *name)
{
	int status = 0;
	pid_t pid;

	if (!is_wanted(name))
		return;
	asked++;
	fflush(stdout);
	pid = vgpu_sys(fork());
	if (!pid) {
		ask_here(q, v, name);
		fflush(stdout);
		_exit(0);
	}

	alarm(HANG_S);
	if (waitpid(pid, &status, 0) != pid) {
		printf("%s process hangs\n", name);
		kill(pid, SIGKILL);
		hung++;
		return;
	}

	alarm(0);

	/*
	 * Let virtual time pass: otherwise memory that waits for RCU or for the host is not freed.
	 */
	usleep(1000);
	if (status)
		printf("%s process %s %d\n", name, WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void ask_fields(const struct question *q, bool context)
{
	struct variation v = { .context = context };
	char name[160];

	snprintf(name, sizeof(name), "%s/%s", context ? "context" : "new", q->name);
	ask(q, &v, name);
	for (const struct field *f = q->field; f->name; f++) {
		for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
			if (!field_takes(f, edges[i]))
				continue;
			v.f[0] = f;
			v.v[0] = edges[i];
			snprintf(name, sizeof(name), "%s/%s:%s=%#llx",
				 context ? "context" : "new", q->name, f->name,
				 (unsigned long long)edges[i]);
			ask(q, &v, name);
		}
	}
}

static void ask_pair(const struct question *q, const struct field *f, const struct field *g)
{
	struct variation v = { .context = has_context_init, .f = { f, g } };
	char name[200];

	for (size_t i = 0; i < ARRAY_SIZE(pair_edges); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(pair_edges); k++) {
			v.v[0] = pair_edges[i];
			v.v[1] = pair_edges[k];
			if (!field_takes(f, v.v[0]) || !field_takes(g, v.v[1]))
				continue;
			snprintf(name, sizeof(name), "pair/%s:%s=%#llx,%s=%#llx", q->name,
				 f->name, (unsigned long long)v.v[0], g->name,
				 (unsigned long long)v.v[1]);
			ask(q, &v, name);
		}
	}
}

static void ask_pairs(const struct question *q)
{
	for (const struct field *f = q->field; f->name; f++)
		for (const struct field *g = f + 1; g->name; g++)
			ask_pair(q, f, g);
}

static void ask_after(const struct question *first, const struct question *q)
{
	struct variation v = { .first = first };
	char name[160];

	snprintf(name, sizeof(name), "after/%s/%s", first->name, q->name);
	ask(q, &v, name);
}

/* ---- properties ---- */

static void ask_property(int card, uint32_t object, const char *whose, uint32_t prop,
			 uint64_t value, const char *prop_name)
{
	char name[120];
	uint32_t one = 1;
	struct drm_mode_atomic commit = {
		.flags = DRM_MODE_ATOMIC_TEST_ONLY | DRM_MODE_ATOMIC_ALLOW_MODESET,
		.count_objs = 1, .objs_ptr = (uintptr_t)&object,
		.count_props_ptr = (uintptr_t)&one, .props_ptr = (uintptr_t)&prop,
		.prop_values_ptr = (uintptr_t)&value,
	};

	snprintf(name, sizeof(name), "atomic/%s.%s=%#llx", whose, prop_name,
		 (unsigned long long)value);
	if (!is_wanted(name))
		return;
	asked++;
	printf("%s errno %s\n", name,
	       errno_name(vgpu_ioctl(card, DRM_IOCTL_MODE_ATOMIC, &commit)));
}

static void ask_object(int card, uint32_t object, uint32_t type, const char *whose)
{
	uint32_t props[64];
	uint64_t values[64];
	struct drm_mode_obj_get_properties get = {
		.props_ptr = (uintptr_t)props, .prop_values_ptr = (uintptr_t)values,
		.count_props = ARRAY_SIZE(props), .obj_id = object, .obj_type = type,
	};

	vgpu_ok(vgpu_ioctl(card, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &get));
	vgpu_assert(get.count_props <= ARRAY_SIZE(props));
	for (uint32_t i = 0; i < get.count_props; i++) {
		struct drm_mode_get_property p = { .prop_id = props[i] };

		vgpu_ok(vgpu_ioctl(card, DRM_IOCTL_MODE_GETPROPERTY, &p));
		/* A line has three words, so names must not contain blanks. */
		for (char *c = p.name; *c; c++)
			if (*c == ' ')
				*c = '_';
		/* The driver chooses ids, so only print whether there is one. */
		if (p.flags & (DRM_MODE_PROP_OBJECT | DRM_MODE_PROP_BLOB))
			printf("atomic/%s.%s value %s\n", whose, p.name, values[i] ? "set" : "0");
		else
			printf("atomic/%s.%s value %#llx\n", whose, p.name,
			       (unsigned long long)values[i]);
		for (size_t k = 0; k < ARRAY_SIZE(edges); k++)
			if (!(p.flags & (DRM_MODE_PROP_OBJECT | DRM_MODE_PROP_BLOB)) ||
			    edges[k] == 0 || edges[k] > 4097)
				ask_property(card, object, whose, props[i], edges[k], p.name);
	}
}

static void ask_properties(void)
{
	struct drm_set_client_cap caps[] = {
		{ DRM_CLIENT_CAP_ATOMIC, 1 }, { DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1 },
	};
	uint32_t planes[32];
	struct drm_mode_get_plane_res res = {
		.plane_id_ptr = (uintptr_t)planes, .count_planes = ARRAY_SIZE(planes),
	};
	struct asker a = { .card = vgpu_open_card() };

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		vgpu_ok(vgpu_ioctl(a.card, DRM_IOCTL_SET_CLIENT_CAP, &caps[i]));
	asker_display(&a);
	ask_object(a.card, a.crtc, DRM_MODE_OBJECT_CRTC, "crtc");
	ask_object(a.card, a.connector, DRM_MODE_OBJECT_CONNECTOR, "connector");
	vgpu_ok(vgpu_ioctl(a.card, DRM_IOCTL_MODE_GETPLANERESOURCES, &res));

	for (uint32_t i = 0; i < res.count_planes && i < 2; i++) {
		char whose[16];

		snprintf(whose, sizeof(whose), "plane%u", i);
		ask_object(a.card, planes[i], DRM_MODE_OBJECT_PLANE, whose);
	}

	close(a.card);
}

static bool can_ask(const struct question *q)
{
	return !(q->needs & NEEDS_3D && !has_3d) && !(q->needs & NEEDS_BLOB && !has_blob);
}

static void find_features(void)
{
	int fd = vgpu_open_render();

	has_3d = vgpu_has_3d(fd);
	has_blob = vgpu_has_blob(fd);
	has_context_init = vgpu_has_context_init(fd);
	close(fd);
	/*
	 * GETCONNECTOR without room for modes makes the kernel probe; later questions use the
	 * result.
	 */
	fd = vgpu_open_card();
	probe_display(fd);
	close(fd);
}

/* vgpu_answers [QUESTION|"" [PART PARTS]] */
int main(int argc, char **argv)
{
	const struct sigaction act = { .sa_handler = on_alarm };
	const char *only = argc > 1 ? argv[1] : "";

	if (argc > 3) {
		part = strtoul(argv[2], NULL, 10);
		parts = strtoul(argv[3], NULL, 10);
		vgpu_assert(part < parts);
	}

	vgpu_sys(sigaction(SIGALRM, &act, NULL));
	find_features();
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		const struct question *q = &questions[i];

		if (!can_ask(q) || (*only && strcmp(only, q->name)))
			continue;
		ask_fields(q, false);
		if (has_context_init && !q->card)
			ask_fields(q, true);
		if (!q->card)
			ask_pairs(q);
		for (size_t k = 0; k < ARRAY_SIZE(questions); k++)
			if (can_ask(&questions[k]))
				ask_after(&questions[k], q);
	}

	if (!*only)
		ask_properties();
	fprintf(stderr, "%u questions, %u hang\n", asked, hung);
	return 0;
}
