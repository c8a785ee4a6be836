/* SPDX-License-Identifier: MIT */
/*
 * Command streams for EXECBUFFER: what the host of the device at hand takes
 * without an error, so that submission can be tested on any capset.
 */
#ifndef VGPU_STREAM_H
#define VGPU_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vgpu_drm.h"

/**
 * struct vgpu_client - an open file that can submit
 * @fd: the render node
 * @capset: what its context speaks
 */
struct vgpu_client {
	int fd;
	uint32_t capset;
};

/* A file that can submit. Skips where the device has no 3D. */
struct vgpu_client vgpu_client_of(int fd);
/* A new one. The context is the implicit one. */
struct vgpu_client vgpu_client_open(void);

/*
 * A context with @nrings rings, of which those in @poll_mask send events.
 * Skips where the device has no CONTEXT_INIT.
 */
struct vgpu_client vgpu_client_open_rings(uint32_t nrings, uint64_t poll_mask);
void vgpu_client_close(struct vgpu_client *client);

bool vgpu_is_virgl(const struct vgpu_client *client);

/*
 * Rings whose fences the host completes. Real hosts know ring 0 only, until
 * their own protocol has tied a queue to another.
 */
uint32_t vgpu_client_rings(const struct vgpu_client *client);

/* Fills @buf with commands that do nothing; @size counts bytes. */
void vgpu_stream_nop(const struct vgpu_client *client, void *buf, size_t size);

/* @size bytes of such commands; free() them. */
void *vgpu_stream_new(const struct vgpu_client *client, size_t size);

/* A small one, submitted with what @exec says besides. */
int vgpu_submit(const struct vgpu_client *client,
		struct drm_virtgpu_execbuffer *exec);
/* The same, for one object. */
int vgpu_submit_bo(const struct vgpu_client *client, uint32_t handle);
/* The same, with a fence fd in (-1 for none) and out. */
int vgpu_submit_fences(const struct vgpu_client *client, int in, int *out);

/* A number for what follows, other than all before. */
uint32_t vgpu_token(void);
/* What our own host answers only after vgpu_submit_release(); skips on others. */
int vgpu_submit_kept(const struct vgpu_client *client,
		     struct drm_virtgpu_execbuffer *exec, uint32_t token);
int vgpu_submit_release(const struct vgpu_client *client, uint32_t token);

#define VGPU_VIRGL_CLEAR_DWORDS 24

/*
 * Virgl commands that fill resource @res with a colour (0.0 to 1.0 each).
 * @surface is a host-side handle the stream creates and destroys.
 */
size_t vgpu_virgl_clear(uint32_t dwords[VGPU_VIRGL_CLEAR_DWORDS], uint32_t res,
			uint32_t surface, const float rgba[4]);

#define VGPU_VIRGL_RESOURCE_DWORDS 12

/* The virgl command that makes what a blob of this id is then about. */
void vgpu_virgl_resource(uint32_t dwords[VGPU_VIRGL_RESOURCE_DWORDS],
			 const struct vgpu_texture *tex, uint32_t blob_id);

#endif
