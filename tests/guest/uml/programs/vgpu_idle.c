// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_drm.h"
#include "vgpu_idle.h"
#include "vgpu_kernel.h"
#include "vgpu_test.h"

/*
 * The shrinker marks a buffer idle the first time; the second time a worker takes its pages from
 * the host.
 */
#define TRIES 300

bool vgpu_idle_is_on(void)
{
	FILE *file = fopen("/sys/module/virtio_gpu/parameters/reclaim", "re");
	int c;

	if (!file)
		return false;
	c = fgetc(file);
	fclose(file);
	return c == 'Y';
}

int vgpu_idle_ask(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, "2", 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

bool vgpu_idle_is_away(int fd, uint32_t handle)
{
	char *text = vgpu_kernel_debugfs("virtio-gpu-resources"), *save, *line;
	struct drm_virtgpu_resource_info info;
	unsigned int id, entries;
	bool found = false;

	vgpu_require(text, "the driver does not list its resources");
	vgpu_ok(vgpu_resource_info(fd, handle, &info));
	for (line = strtok_r(text, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save))
		found = sscanf(line, " %u %*s %*s %*s %u", &id, &entries) == 2 &&
			id == info.res_handle;
	free(text);
	vgpu_assert_msg(found, "resource %u is not listed", info.res_handle);
	return !entries;
}

void vgpu_idle_send_away(int fd, uint32_t handle)
{
	for (unsigned int i = 0; !vgpu_idle_is_away(fd, handle); i++) {
		vgpu_assert_msg(i < TRIES, "it stays");
		vgpu_ok(vgpu_idle_ask());
		usleep(1000);
	}
}
