/* SPDX-License-Identifier: MIT */
/*
 * The virtgpu user interface as plain functions, without a library. Functions that can fail return
 * 0 or -errno, so that a test can name the errno it expects.
 */
#ifndef VGPU_UAPI_H
#define VGPU_UAPI_H

#include <stdint.h>
#include <sys/ioctl.h>

#include <drm/virtgpu_drm.h>

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

/* Open the first node of a virtio_gpu device: "renderD" from 128, "card" from 0. -ENODEV: none. */
int vgpu_node_open(const char *kind, int first);

/* ioctl(2) without libdrm's restart on EINTR and EAGAIN: 0 or -errno. */
int vgpu_ioctl(int fd, unsigned long request, void *arg);

/* Call GETPARAM; returns -1 if the driver does not know @param. */
long long vgpu_param(int fd, uint64_t param);

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
/* Choose the capset of the client's context, and nothing else. */
int vgpu_context_init_capset(int fd, uint64_t capset);

int vgpu_prime_export(int fd, uint32_t handle, int *dmabuf);
int vgpu_prime_import(int fd, int dmabuf, uint32_t *handle);
int vgpu_page_flip(int fd, uint32_t crtc, uint32_t fb, uint32_t flags, uint64_t user_data);
int vgpu_transfer_to_host(int fd, uint32_t handle,
			  const struct drm_virtgpu_3d_box *box, uint32_t level,
			  uint32_t offset);
int vgpu_transfer_from_host(int fd, uint32_t handle,
			    const struct drm_virtgpu_3d_box *box, uint32_t level,
			    uint32_t offset);

/* Arguments of the simplest resource: a 2D picture, which every device can create. */
struct drm_virtgpu_resource_create vgpu_picture_args(uint32_t width,
						     uint32_t height);
struct drm_virtgpu_resource_create_blob vgpu_guest_blob_args(uint64_t size);
struct drm_virtgpu_resource_create_blob vgpu_host_blob_args(uint64_t size);

#endif
