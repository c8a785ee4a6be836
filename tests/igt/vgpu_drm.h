/* SPDX-License-Identifier: MIT */
/*
 * The virtgpu user interface as plain functions.
 *
 * Functions that can fail return 0 or -errno, so that a test can name the errno it expects.
 * vgpu_new_*() assert success: they are for tests that need an object, not its errors.
 */
#ifndef VGPU_DRM_H
#define VGPU_DRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <drm/virtgpu_drm.h>

/* Page size of the guest, in bytes. */
#define VGPU_PAGE vgpu_page_size()

/* All capset ids are smaller. */
#define VGPU_MAX_CAPSETS 64u

/* Facts of the virgl protocol: pipe targets, formats and bindings. */
enum vgpu_target {
	VGPU_TARGET_BUFFER = 0,
	VGPU_TARGET_1D = 1,
	VGPU_TARGET_2D = 2,
	VGPU_TARGET_3D = 3,
	VGPU_TARGET_CUBE = 4,
	VGPU_TARGET_RECT = 5,
	VGPU_TARGET_2D_ARRAY = 7,
};

enum vgpu_format {
	VGPU_FORMAT_B8G8R8A8 = 1,
	VGPU_FORMAT_B8G8R8X8 = 2,
	VGPU_FORMAT_R8 = 64,
	VGPU_FORMAT_R8G8B8A8 = 67,
};

enum vgpu_bind {
	VGPU_BIND_RENDER_TARGET = 1 << 1,
	VGPU_BIND_SAMPLER_VIEW = 1 << 3,
	VGPU_BIND_VERTEX_BUFFER = 1 << 4,
	VGPU_BIND_CUSTOM = 1 << 17,
	VGPU_BIND_SCANOUT = 1 << 18,
	VGPU_BIND_SHARED = 1 << 20,
};

/* Open a node. Two open files share nothing but the device. */
int vgpu_open_render(void);
int vgpu_open_card(void);

/* ioctl(2) without libdrm's restart on EINTR and EAGAIN: 0 or -errno. */
int vgpu_ioctl(int fd, unsigned long request, void *arg);

/* Assert that a fresh client can still use the device. */
void vgpu_drm_check_alive(void);

/* Call GETPARAM; returns -1 if the driver does not know @param. */
long long vgpu_param(int fd, uint64_t param);
bool vgpu_has_3d(int fd);
bool vgpu_has_blob(int fd);
bool vgpu_has_context_init(int fd);
bool vgpu_has_host_visible(int fd);

bool vgpu_has_capset(int fd, uint32_t id);

int vgpu_resource_create(int fd, struct drm_virtgpu_resource_create *rc);
int vgpu_resource_info(int fd, uint32_t handle,
		       struct drm_virtgpu_resource_info *info);
int vgpu_gem_close(int fd, uint32_t handle);
int vgpu_map_offset(int fd, uint32_t handle, uint64_t *offset);
int vgpu_wait(int fd, uint32_t handle, uint32_t flags);
int vgpu_blob_create(int fd, struct drm_virtgpu_resource_create_blob *blob);
int vgpu_execbuffer(int fd, struct drm_virtgpu_execbuffer *exec);
int vgpu_get_caps(int fd, uint32_t id, uint32_t version, void *buf,
		  uint32_t size);
int vgpu_context_init(int fd, const struct drm_virtgpu_context_set_param *params,
		      uint32_t nparams);

int vgpu_prime_export(int fd, uint32_t handle, int *dmabuf);
int vgpu_prime_import(int fd, int dmabuf, uint32_t *handle);

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

/* Arguments of the simplest resource: a 2D picture, which every device can create. */
struct drm_virtgpu_resource_create vgpu_picture_args(uint32_t width,
						     uint32_t height);
uint32_t vgpu_new_picture(int fd, uint32_t width, uint32_t height);

struct drm_virtgpu_resource_create_blob vgpu_guest_blob_args(uint64_t size);
struct drm_virtgpu_resource_create_blob vgpu_host_blob_args(uint64_t size);

int vgpu_transfer_to_host(int fd, uint32_t handle,
			  const struct drm_virtgpu_3d_box *box, uint32_t level,
			  uint32_t offset);
int vgpu_transfer_from_host(int fd, uint32_t handle,
			    const struct drm_virtgpu_3d_box *box, uint32_t level,
			    uint32_t offset);

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
