// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "toy3d.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* Constants of the virgl protocol: a header holds command, object type and length. */
enum {
	VIRGL_NOP = 0,
	VIRGL_CREATE_OBJECT = 1,
	VIRGL_DESTROY_OBJECT = 3,
	VIRGL_SET_FRAMEBUFFER_STATE = 5,
	VIRGL_CLEAR = 7,
	VIRGL_PIPE_RESOURCE_CREATE = 48,
	VIRGL_OBJECT_SURFACE = 8,
	VIRGL_CLEAR_COLOR0 = 1 << 2,
	VIRGL_MAX_LENGTH = 0xffff,
};

static uint32_t virgl_header(uint32_t cmd, uint32_t object, uint32_t ndwords)
{
	return cmd | object << 8 | ndwords << 16;
}

bool vgpu_is_virgl(const struct vgpu_client *client)
{
	return client->capset == VIRTGPU_DRM_CAPSET_VIRGL ||
	       client->capset == VIRTGPU_DRM_CAPSET_VIRGL2;
}

uint32_t vgpu_client_rings(const struct vgpu_client *client)
{
	return client->capset == TOY3D_CAPSET_ID ? 64 : 1;
}

static uint32_t pick_capset(int fd)
{
	static const uint32_t order[] = {
		VIRTGPU_DRM_CAPSET_VIRGL2, VIRTGPU_DRM_CAPSET_VIRGL, TOY3D_CAPSET_ID,
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (vgpu_has_capset(fd, order[i]))
			return order[i];
	for (uint32_t id = 1; id < VGPU_MAX_CAPSETS; id++)
		if (vgpu_has_capset(fd, id))
			return id;
	vgpu_test_skip("the device has no capset");
}

struct vgpu_client vgpu_client_of(int fd)
{
	struct vgpu_client client = { .fd = fd };

	vgpu_require(vgpu_has_3d(client.fd), "the device has no 3D");
	client.capset = pick_capset(client.fd);
	return client;
}

struct vgpu_client vgpu_client_open(void)
{
	return vgpu_client_of(vgpu_open_render());
}

struct vgpu_client vgpu_client_open_rings(uint32_t nrings, uint64_t poll_mask)
{
	struct vgpu_client client = vgpu_client_open();
	const struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, client.capset },
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, nrings },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, poll_mask },
	};

	vgpu_require(vgpu_has_context_init(client.fd),
		     "the device has no CONTEXT_INIT");
	vgpu_ok(vgpu_context_init(client.fd, params, ARRAY_SIZE(params)));
	return client;
}

void vgpu_client_close(struct vgpu_client *client)
{
	vgpu_sys(close(client->fd));
	client->fd = -1;
}

/* Each command covers as much of the buffer as a header can. */
static void fill_nops(uint32_t *dwords, size_t ndwords)
{
	while (ndwords) {
		size_t body = ndwords - 1;

		if (body > VIRGL_MAX_LENGTH)
			body = VIRGL_MAX_LENGTH;
		*dwords = virgl_header(VIRGL_NOP, 0, (uint32_t)body);
		dwords += body + 1;
		ndwords -= body + 1;
	}
}

void vgpu_stream_nop(const struct vgpu_client *client, void *buf, size_t size)
{
	memset(buf, 0, size);
	if (vgpu_is_virgl(client) || client->capset == TOY3D_CAPSET_ID)
		fill_nops(buf, size / 4);
}

void *vgpu_stream_new(const struct vgpu_client *client, size_t size)
{
	void *buf = malloc(size ?: 1);

	vgpu_assert(buf);
	vgpu_stream_nop(client, buf, size);
	return buf;
}

int vgpu_submit(const struct vgpu_client *client,
		struct drm_virtgpu_execbuffer *exec)
{
	uint32_t nop[2];

	vgpu_stream_nop(client, nop, sizeof(nop));
	exec->command = (uintptr_t)nop;
	exec->size = sizeof(nop);
	return vgpu_execbuffer(client->fd, exec);
}

int vgpu_submit_bo(const struct vgpu_client *client, uint32_t handle)
{
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)&handle,
		.num_bo_handles = 1,
	};

	return vgpu_submit(client, &exec);
}

int vgpu_submit_fences(const struct vgpu_client *client, int in, int *out)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.fence_fd = in,
	};
	int ret;

	if (in >= 0)
		exec.flags |= VIRTGPU_EXECBUF_FENCE_FD_IN;
	ret = vgpu_submit(client, &exec);
	*out = ret ? -1 : exec.fence_fd;
	return ret;
}

uint32_t vgpu_token(void)
{
	static uint32_t count;

	return (uint32_t)getpid() << 8 | ++count;
}

/* A token can be released once in the lifetime of the device. */
static int submit_token(const struct vgpu_client *client,
			struct drm_virtgpu_execbuffer *exec, uint32_t op,
			uint32_t token)
{
	uint32_t dwords[] = { TOY3D_HDR(op, 1), token };

	vgpu_require(vgpu_has_capset(client->fd, TOY3D_CAPSET_ID), "not our own host");
	exec->command = (uintptr_t)dwords;
	exec->size = sizeof(dwords);
	return vgpu_execbuffer(client->fd, exec);
}

int vgpu_submit_kept(const struct vgpu_client *client,
		     struct drm_virtgpu_execbuffer *exec, uint32_t token)
{
	return submit_token(client, exec, TOY3D_OP_WAIT, token);
}

int vgpu_submit_release(const struct vgpu_client *client, uint32_t token)
{
	struct drm_virtgpu_execbuffer exec = { 0 };

	return submit_token(client, &exec, TOY3D_OP_RELEASE, token);
}

size_t vgpu_virgl_clear(uint32_t dwords[VGPU_VIRGL_CLEAR_DWORDS], uint32_t res,
			uint32_t surface, const float rgba[4])
{
	const double depth = 1.0;
	uint32_t *p = dwords;

	*p++ = virgl_header(VIRGL_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5);
	*p++ = surface;
	*p++ = res;
	*p++ = VGPU_FORMAT_B8G8R8A8;
	*p++ = 0;	/* level */
	*p++ = 0;	/* first and last layer */

	*p++ = virgl_header(VIRGL_SET_FRAMEBUFFER_STATE, 0, 3);
	*p++ = 1;	/* colour buffers */
	*p++ = 0;	/* no depth buffer */
	*p++ = surface;

	*p++ = virgl_header(VIRGL_CLEAR, 0, 8);
	*p++ = VIRGL_CLEAR_COLOR0;
	memcpy(p, rgba, 4 * sizeof(*p));
	p += 4;
	memcpy(p, &depth, sizeof(depth));
	p += 2;
	*p++ = 0;	/* stencil */

	*p++ = virgl_header(VIRGL_SET_FRAMEBUFFER_STATE, 0, 2);
	*p++ = 0;
	*p++ = 0;
	/* Closing the context destroys the remaining objects. */
	return (size_t)(p - dwords);
}

void vgpu_virgl_resource(uint32_t dwords[VGPU_VIRGL_RESOURCE_DWORDS],
			 const struct vgpu_texture *tex, uint32_t blob_id)
{
	const uint32_t cmd[VGPU_VIRGL_RESOURCE_DWORDS] = {
		virgl_header(VIRGL_PIPE_RESOURCE_CREATE, 0,
			     VGPU_VIRGL_RESOURCE_DWORDS - 1),
		tex->target,
		VGPU_FORMAT_B8G8R8A8,
		VGPU_BIND_RENDER_TARGET | VGPU_BIND_SAMPLER_VIEW,
		tex->width,
		tex->height,
		tex->depth,
		1,	/* layers */
		0,	/* last level */
		0,	/* samples */
		0,	/* flags */
		blob_id,
	};

	memcpy(dwords, cmd, sizeof(cmd));
}
