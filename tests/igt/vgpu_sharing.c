// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sharer/vgpu_sharer.h"
#include "vgpu_drm.h"
#include "vgpu_sharing.h"
#include "vgpu_test.h"

/* How often, in steps of 10 ms, a test looks for the device of a module that was loaded. */
#define WAIT_STEPS 600

/* Load vgpu-sharer.ko from a directory of PATH. */
static bool load_sharer(void)
{
	char *dirs = strdup(getenv("PATH")), *save, path[4096];
	bool loaded = false;

	vgpu_assert(dirs);
	for (char *dir = strtok_r(dirs, ":", &save); dir && !loaded;
	     dir = strtok_r(NULL, ":", &save)) {
		int file;

		snprintf(path, sizeof(path), "%s/vgpu-sharer.ko", dir);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			continue;
		loaded = !syscall(SYS_finit_module, file, "", 0) || errno == EEXIST;
		vgpu_assert_msg(loaded, "%s: %s", path, strerrorname_np(errno));
		close(file);
	}

	free(dirs);
	return loaded;
}

int vgpu_sharer_open(void)
{
	int fd = open("/dev/vgpu-sharer", O_RDWR | O_CLOEXEC);

	for (int left = WAIT_STEPS; fd < 0 && left > 0; left--) {
		vgpu_require(load_sharer(), "no vgpu-sharer.ko in the PATH");
		fd = open("/dev/vgpu-sharer", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			usleep(10000);
	}
	vgpu_assert(fd >= 0);
	return fd;
}

int vgpu_sharer_ask_uuid(int sharer, int fd, uint32_t handle, uint8_t uuid[16])
{
	struct vgpu_sharer_uuid args = { 0 };
	int ret;

	vgpu_ok(vgpu_prime_export(fd, handle, &args.fd));
	ret = vgpu_ioctl(sharer, VGPU_SHARER_UUID, &args);
	memcpy(uuid, args.uuid, sizeof(args.uuid));
	close(args.fd);
	return ret;
}
