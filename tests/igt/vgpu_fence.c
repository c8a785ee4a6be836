// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <xf86drm.h>

#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_test.h"

#define VGPU_FENCE_TIMEOUT_MS 60000

int vgpu_vgem_open(void)
{
	for (int i = 0; i < 64; i++) {
		drmVersionPtr version;
		char path[64];
		bool found;
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		version = drmGetVersion(fd);
		found = version && !strcmp(version->name, "vgem");
		drmFreeVersion(version);
		if (found)
			return fd;
		close(fd);
	}

	vgpu_test_skip("vgem is not loaded");
}

int vgpu_vgem_new(int vgem, uint32_t size, uint32_t *handle)
{
	struct drm_mode_create_dumb dumb = {
		.width = VGPU_PAGE / 4,
		.height = (size + VGPU_PAGE - 1) / VGPU_PAGE,
		.bpp = 32,
	};
	int dmabuf;

	vgpu_ok(vgpu_ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	vgpu_ok(vgpu_prime_export(vgem, dumb.handle, &dmabuf));
	*handle = dumb.handle;
	return dmabuf;
}

/* The kernel does not export its sw_sync header; this is the layout of its ioctls. */
struct sw_sync_create {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC _IOW('W', 1, uint32_t)

static struct vgpu_manual manual_on_sw_sync(int timeline)
{
	struct sw_sync_create create = { .value = 1, .name = "vgpu", .fence = -1 };

	vgpu_ok(vgpu_ioctl(timeline, SW_SYNC_CREATE_FENCE, &create));
	return (struct vgpu_manual){
		.sync_file = create.fence,
		.device = timeline,
	};
}

static struct vgpu_manual manual_on_vgem(void)
{
	struct vgpu_manual manual = { .device = vgpu_vgem_open() };
	struct drm_vgem_fence_attach attach = { .flags = VGEM_FENCE_WRITE };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_READ };
	int dmabuf = vgpu_vgem_new(manual.device, VGPU_PAGE, &attach.handle);

	vgpu_ok(vgpu_ioctl(manual.device, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach));
	vgpu_ok(vgpu_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export));
	close(dmabuf);
	manual.fence = attach.out_fence;
	manual.sync_file = export.fd;
	return manual;
}

struct vgpu_manual vgpu_manual_new(void)
{
	int timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
	struct vgpu_manual manual = timeline >= 0 ?
				    manual_on_sw_sync(timeline) :
				    manual_on_vgem();

	vgpu_assert_eq(vgpu_fence_status(manual.sync_file), 0);
	return manual;
}

void vgpu_manual_signal(struct vgpu_manual *manual)
{
	struct drm_vgem_fence_signal signal = { .fence = manual->fence };
	uint32_t steps = 1;

	if (manual->fence)
		vgpu_ok(vgpu_ioctl(manual->device, DRM_IOCTL_VGEM_FENCE_SIGNAL,
				   &signal));
	else
		vgpu_ok(vgpu_ioctl(manual->device, SW_SYNC_INC, &steps));
}

void vgpu_manual_close(struct vgpu_manual *manual)
{
	close(manual->sync_file);
	close(manual->device);
}

int vgpu_fence_status(int sync_file)
{
	struct sync_file_info info = { 0 };

	vgpu_ok(vgpu_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info));
	return info.status;
}

bool vgpu_fence_poll(int sync_file, int timeout_ms)
{
	struct pollfd pfd = { .fd = sync_file, .events = POLLIN };
	int ret = vgpu_sys(poll(&pfd, 1, timeout_ms));

	vgpu_assert_msg(!(pfd.revents & (POLLERR | POLLNVAL)), "revents %#x",
			(unsigned int)pfd.revents);
	return ret == 1;
}

void vgpu_fence_wait(int sync_file)
{
	vgpu_assert(vgpu_fence_poll(sync_file, VGPU_FENCE_TIMEOUT_MS));
	vgpu_assert_eq(vgpu_fence_status(sync_file), 1);
}

int vgpu_fence_merge(int a, int b)
{
	struct sync_merge_data merge = { .name = "vgpu-merge", .fd2 = b };

	vgpu_ok(vgpu_ioctl(a, SYNC_IOC_MERGE, &merge));
	return merge.fence;
}

void vgpu_fence_attach(int dmabuf, int sync_file)
{
	struct dma_buf_import_sync_file import = {
		.flags = DMA_BUF_SYNC_WRITE,
		.fd = sync_file,
	};

	vgpu_ok(vgpu_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
}
