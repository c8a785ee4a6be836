/* SPDX-License-Identifier: MIT */
/*
 * Objects of the virtgpu user interface. vgpu_new_*() assert success: they are for tests that need
 * an object, not its errors.
 */
#ifndef VGPU_DRM_H
#define VGPU_DRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vgpu_uapi.h"

/* Page size of the guest, in bytes. */
#define VGPU_PAGE vgpu_page_size()

/* All capset ids are smaller. */
#define VGPU_MAX_CAPSETS 64u

/* Open a node. Two open files share nothing but the device. */
int vgpu_open_render(void);
int vgpu_open_card(void);

/* Assert that a fresh client can still use the device. */
void vgpu_drm_check_alive(void);

bool vgpu_has_3d(int fd);
bool vgpu_has_blob(int fd);
bool vgpu_has_context_init(int fd);
bool vgpu_has_host_visible(int fd);

bool vgpu_has_capset(int fd, uint32_t id);

/**
 * struct vgpu_texture - a resource and its shape, for transfers
 * @handle: GEM handle
 * @res: host resource id
 * @target: enum vgpu_target
 * @width: texels (bytes for a buffer)
 * @height: texels
 * @depth: slices or layers
 * @size_bytes: size of the copy in guest memory
 */
struct vgpu_texture {
	uint32_t handle;
	uint32_t res;
	uint32_t target;
	uint32_t width;
	uint32_t height;
	uint32_t depth;
	uint32_t size_bytes;
};

/* Create a resource of 4 bytes a texel; for VGPU_TARGET_BUFFER a texel is one byte. */
void vgpu_texture_init(int fd, struct vgpu_texture *tex, uint32_t target,
		       uint32_t width, uint32_t height, uint32_t depth);
void vgpu_texture_fini(int fd, struct vgpu_texture *tex);
struct drm_virtgpu_3d_box vgpu_texture_box(const struct vgpu_texture *tex);

uint32_t vgpu_new_picture(int fd, uint32_t width, uint32_t height);

/* Map an object with mmap(2); assert success. */
void *vgpu_new_map(int fd, uint32_t handle, size_t size);

uint32_t vgpu_new_syncobj(int fd, bool signalled);
bool vgpu_syncobj_has_fence(int fd, uint32_t syncobj);

/* Deterministic bytes; the same seed gives the same bytes everywhere. */
void vgpu_fill(void *buf, size_t size, uint32_t seed);
/* Get the index of the first byte that differs from vgpu_fill(), or -1. */
long vgpu_differs(const void *buf, size_t size, uint32_t seed);

uint32_t vgpu_page_size(void);

/* Addresses an ioctl must refuse with EFAULT. */
extern const uint64_t vgpu_bad_pointers[];
extern const size_t vgpu_nbad_pointers;

/* Allocate @size bytes that end at an inaccessible page. */
void *vgpu_new_guarded(size_t size);
void vgpu_free_guarded(void *ptr, size_t size);

#endif
