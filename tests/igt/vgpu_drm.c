// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vgpu_drm.h"
#include "vgpu_test.h"

static int open_node(const char *kind, int first)
{
	int fd = vgpu_node_open(kind, first);

	errno = 0;
	if (fd < 0)
		vgpu_fail("no %s node of a virtio_gpu device", kind);
	return fd;
}

int vgpu_open_render(void)
{
	return open_node("renderD", 128);
}

int vgpu_open_card(void)
{
	return open_node("card", 0);
}

bool vgpu_has_3d(int fd)
{
	return vgpu_param(fd, VIRTGPU_PARAM_3D_FEATURES) == 1;
}

bool vgpu_has_blob(int fd)
{
	return vgpu_param(fd, VIRTGPU_PARAM_RESOURCE_BLOB) == 1;
}

bool vgpu_has_context_init(int fd)
{
	return vgpu_param(fd, VIRTGPU_PARAM_CONTEXT_INIT) == 1;
}

bool vgpu_has_host_visible(int fd)
{
	return vgpu_param(fd, VIRTGPU_PARAM_HOST_VISIBLE) == 1;
}

bool vgpu_has_capset(int fd, uint32_t id)
{
	long long mask = vgpu_param(fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs);
	uint32_t word;

	if (id < 32)
		return mask > 0 && (mask >> id & 1);
	/* The parameter is a 32-bit mask, but capset ids go up to 63. */
	return !vgpu_get_caps(fd, id, 0, &word, sizeof(word));
}

static uint32_t texture_bind(uint32_t target)
{
	if (target == VGPU_TARGET_BUFFER)
		return VGPU_BIND_VERTEX_BUFFER;
	return VGPU_BIND_RENDER_TARGET | VGPU_BIND_SAMPLER_VIEW;
}

void vgpu_texture_init(int fd, struct vgpu_texture *tex, uint32_t target,
		       uint32_t width, uint32_t height, uint32_t depth)
{
	bool buffer = target == VGPU_TARGET_BUFFER;
	uint32_t texel = buffer ? 1 : 4;
	bool layered = target == VGPU_TARGET_2D_ARRAY ||
		       target == VGPU_TARGET_CUBE;
	struct drm_virtgpu_resource_create rc = {
		.target = target,
		.format = buffer ? VGPU_FORMAT_R8 : VGPU_FORMAT_B8G8R8A8,
		.bind = texture_bind(target),
		.width = width,
		.height = height,
		.depth = layered ? 1 : depth,
		.array_size = layered ? depth : 1,
		.size = width * height * depth * texel,
	};

	vgpu_ok(vgpu_resource_create(fd, &rc));
	*tex = (struct vgpu_texture){
		.handle = rc.bo_handle,
		.res = rc.res_handle,
		.target = target,
		.width = width,
		.height = height,
		.depth = depth,
		.size_bytes = rc.size,
	};
}

void vgpu_texture_fini(int fd, struct vgpu_texture *tex)
{
	vgpu_ok(vgpu_gem_close(fd, tex->handle));
	tex->handle = 0;
}

struct drm_virtgpu_3d_box vgpu_texture_box(const struct vgpu_texture *tex)
{
	return (struct drm_virtgpu_3d_box){
		.w = tex->width,
		.h = tex->height,
		.d = tex->depth,
	};
}

uint32_t vgpu_new_picture(int fd, uint32_t width, uint32_t height)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(width, height);

	vgpu_ok(vgpu_resource_create(fd, &rc));
	return rc.bo_handle;
}

void *vgpu_new_map(int fd, uint32_t handle, size_t size)
{
	uint64_t offset;
	void *ptr;

	vgpu_ok(vgpu_map_offset(fd, handle, &offset));
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   (off_t)offset);
	vgpu_assert_msg(ptr != MAP_FAILED, "size %zu", size);
	return ptr;
}

uint32_t vgpu_new_syncobj(int fd, bool signalled)
{
	uint32_t handle;

	vgpu_sys(drmSyncobjCreate(fd, signalled ?
				  DRM_SYNCOBJ_CREATE_SIGNALED : 0, &handle));
	return handle;
}

bool vgpu_syncobj_has_fence(int fd, uint32_t syncobj)
{
	int sync_file;

	if (drmSyncobjExportSyncFile(fd, syncobj, &sync_file))
		return false;
	close(sync_file);
	return true;
}

static uint8_t fill_byte(size_t i, uint32_t seed)
{
	uint32_t x = (uint32_t)i * 2654435761u ^ seed * 40503u;

	x ^= x >> 15;
	x *= 2246822519u;
	return (uint8_t)(x >> 24);
}

void vgpu_fill(void *buf, size_t size, uint32_t seed)
{
	uint8_t *bytes = buf;

	for (size_t i = 0; i < size; i++)
		bytes[i] = fill_byte(i, seed);
}

long vgpu_differs(const void *buf, size_t size, uint32_t seed)
{
	const uint8_t *bytes = buf;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != fill_byte(i, seed))
			return (long)i;
	return -1;
}

/* Page 0 is never mapped; the other addresses are beyond user space. */
const uint64_t vgpu_bad_pointers[] = {
	0, 8, UINT64_C(0x8000000000000000), UINT64_C(0xffff888000000000),
	UINT64_MAX - 7,
};

const size_t vgpu_nbad_pointers = ARRAY_SIZE(vgpu_bad_pointers);

/* Constant while a program runs. */
uint32_t vgpu_page_size(void)
{
	static uint32_t size;

	if (!size)
		size = sysconf(_SC_PAGESIZE);
	return size;
}

static size_t guarded_pages(size_t size)
{
	return (size + VGPU_PAGE - 1) / VGPU_PAGE * VGPU_PAGE;
}

void *vgpu_new_guarded(size_t size)
{
	size_t pages = guarded_pages(size);
	char *base = mmap(NULL, pages + VGPU_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vgpu_assert(base != MAP_FAILED);
	vgpu_sys(mprotect(base + pages, VGPU_PAGE, PROT_NONE));
	return base + pages - size;
}

void vgpu_free_guarded(void *ptr, size_t size)
{
	size_t pages = guarded_pages(size);

	munmap((char *)ptr + size - pages, pages + VGPU_PAGE);
}

void vgpu_drm_check_alive(void)
{
	int fd = vgpu_open_render();
	const struct drm_virtgpu_3d_box box = { .w = 16, .h = 16, .d = 1 };
	uint32_t handle;

	vgpu_assert(vgpu_param(fd, VIRTGPU_PARAM_3D_FEATURES) >= 0);
	handle = vgpu_new_picture(fd, 16, 16);
	vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
	vgpu_ok(vgpu_gem_close(fd, handle));
	close(fd);
}
