// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_uapi.h"

#define MAX_NODES 64

static bool is_ours(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "virtio_gpu");
}

int vgpu_node_open(const char *kind, int first)
{
	for (int i = first; i < first + MAX_NODES; i++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/%s%d", kind, i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_ours(fd))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

int vgpu_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

long long vgpu_param(int fd, uint64_t param)
{
	int value = 0;
	struct drm_virtgpu_getparam gp = {
		.param = param,
		.value = (uintptr_t)&value,
	};

	if (vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_GETPARAM, &gp))
		return -1;
	return (unsigned int)value;
}

int vgpu_resource_create(int fd, struct drm_virtgpu_resource_create *rc)
{
	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, rc);
}

int vgpu_resource_info(int fd, uint32_t handle,
		       struct drm_virtgpu_resource_info *info)
{
	*info = (struct drm_virtgpu_resource_info){ .bo_handle = handle };
	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_INFO, info);
}

int vgpu_gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return vgpu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int vgpu_map_offset(int fd, uint32_t handle, uint64_t *offset)
{
	struct drm_virtgpu_map map = { .handle = handle };
	int ret = vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_MAP, &map);

	*offset = map.offset;
	return ret;
}

int vgpu_wait(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_virtgpu_3d_wait wait = { .handle = handle, .flags = flags };

	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_WAIT, &wait);
}

int vgpu_blob_create(int fd, struct drm_virtgpu_resource_create_blob *blob)
{
	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, blob);
}

int vgpu_execbuffer(int fd, struct drm_virtgpu_execbuffer *exec)
{
	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, exec);
}

int vgpu_get_caps(int fd, uint32_t id, uint32_t version, void *buf,
		  uint32_t size)
{
	struct drm_virtgpu_get_caps caps = {
		.cap_set_id = id,
		.cap_set_ver = version,
		.addr = (uintptr_t)buf,
		.size = size,
	};

	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_GET_CAPS, &caps);
}

int vgpu_context_init(int fd, const struct drm_virtgpu_context_set_param *params,
		      uint32_t nparams)
{
	struct drm_virtgpu_context_init init = {
		.num_params = nparams,
		.ctx_set_params = (uintptr_t)params,
	};

	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &init);
}

int vgpu_context_init_capset(int fd, uint64_t capset)
{
	const struct drm_virtgpu_context_set_param param = {
		VIRTGPU_CONTEXT_PARAM_CAPSET_ID, capset,
	};

	return vgpu_context_init(fd, &param, 1);
}

int vgpu_prime_export(int fd, uint32_t handle, int *dmabuf)
{
	struct drm_prime_handle args = {
		.handle = handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int ret = vgpu_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*dmabuf = args.fd;
	return ret;
}

int vgpu_prime_import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = vgpu_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

int vgpu_page_flip(int fd, uint32_t crtc, uint32_t fb, uint32_t flags, uint64_t user_data)
{
	struct drm_mode_crtc_page_flip args = {
		.crtc_id = crtc,
		.fb_id = fb,
		.flags = flags,
		.user_data = user_data,
	};

	return vgpu_ioctl(fd, DRM_IOCTL_MODE_PAGE_FLIP, &args);
}

struct drm_virtgpu_resource_create vgpu_picture_args(uint32_t width,
						     uint32_t height)
{
	return (struct drm_virtgpu_resource_create){
		.target = VGPU_TARGET_2D,
		.format = VGPU_FORMAT_B8G8R8X8,
		.bind = VGPU_BIND_RENDER_TARGET,
		.width = width,
		.height = height,
		.depth = 1,
		.array_size = 1,
		.size = width * height * 4,
	};
}

struct drm_virtgpu_resource_create_blob vgpu_guest_blob_args(uint64_t size)
{
	return (struct drm_virtgpu_resource_create_blob){
		.blob_mem = VIRTGPU_BLOB_MEM_GUEST,
		.blob_flags = VIRTGPU_BLOB_FLAG_USE_MAPPABLE,
		.size = size,
	};
}

struct drm_virtgpu_resource_create_blob vgpu_host_blob_args(uint64_t size)
{
	struct drm_virtgpu_resource_create_blob args = vgpu_guest_blob_args(size);

	args.blob_mem = VIRTGPU_BLOB_MEM_HOST3D;
	return args;
}

int vgpu_transfer_to_host(int fd, uint32_t handle,
			  const struct drm_virtgpu_3d_box *box, uint32_t level,
			  uint32_t offset)
{
	struct drm_virtgpu_3d_transfer_to_host args = {
		.bo_handle = handle,
		.box = *box,
		.level = level,
		.offset = offset,
	};

	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &args);
}

int vgpu_transfer_from_host(int fd, uint32_t handle,
			    const struct drm_virtgpu_3d_box *box, uint32_t level,
			    uint32_t offset)
{
	struct drm_virtgpu_3d_transfer_from_host args = {
		.bo_handle = handle,
		.box = *box,
		.level = level,
		.offset = offset,
	};

	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, &args);
}
