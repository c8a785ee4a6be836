/* SPDX-License-Identifier: MIT */
/*
 * Command streams for EXECBUFFER that the current host accepts without an error, so that submission
 * can be tested with any capset.
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
 * @capset: the capset of its context
 */
struct vgpu_client {
	int fd;
	uint32_t capset;
};

/* Make a client of @fd; skip the test if the device has no 3D. */
struct vgpu_client vgpu_client_of(int fd);
/* Open a new client. The first submission creates its context. */
struct vgpu_client vgpu_client_open(void);

/*
 * Open a client with @nrings rings; those in @poll_mask send events. Skip the test if the device
 * has no CONTEXT_INIT.
 */
struct vgpu_client vgpu_client_open_rings(uint32_t nrings, uint64_t poll_mask);
void vgpu_client_close(struct vgpu_client *client);

bool vgpu_is_virgl(const struct vgpu_client *client);

/*
 * Get the number of rings whose fences the host completes. Real hosts complete ring 0 only, until a
 * command of the capset binds another ring to a queue.
 */
uint32_t vgpu_client_rings(const struct vgpu_client *client);

/* Fill @buf with commands that do nothing; @size is in bytes. */
void vgpu_stream_nop(const struct vgpu_client *client, void *buf, size_t size);

/* Allocate @size bytes of commands that do nothing; the caller frees them. */
void *vgpu_stream_new(const struct vgpu_client *client, size_t size);

/* Submit a small stream that does nothing, with the other fields of @exec. */
int vgpu_submit(const struct vgpu_client *client,
		struct drm_virtgpu_execbuffer *exec);
/* The same, with one buffer in the list. */
int vgpu_submit_bo(const struct vgpu_client *client, uint32_t handle);
/* The same, with an in-fence (-1 for none) and an out-fence. */
int vgpu_submit_fences(const struct vgpu_client *client, int in, int *out);

/* Get a token that was not used before. */
uint32_t vgpu_token(void);
/*
 * Submit a command that toy3d answers only after vgpu_submit_release(); skip the test on other
 * hosts.
 */
int vgpu_submit_kept(const struct vgpu_client *client,
		     struct drm_virtgpu_execbuffer *exec, uint32_t token);
int vgpu_submit_release(const struct vgpu_client *client, uint32_t token);

#define VGPU_VIRGL_CLEAR_DWORDS 24

/*
 * Build virgl commands that fill resource @res with a colour (0.0 to 1.0 each). @surface is an
 * unused object id for the surface that the stream creates.
 */
size_t vgpu_virgl_clear(uint32_t dwords[VGPU_VIRGL_CLEAR_DWORDS], uint32_t res,
			uint32_t surface, const float rgba[4]);

#define VGPU_VIRGL_RESOURCE_DWORDS 12

/* Build the virgl command that creates the texture for the blob of id @blob_id. */
void vgpu_virgl_resource(uint32_t dwords[VGPU_VIRGL_RESOURCE_DWORDS],
			 const struct vgpu_texture *tex, uint32_t blob_id);

#endif
