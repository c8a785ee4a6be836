// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_binding.h"
#include "vgpu_test.h"

#define DRIVER "/sys/bus/virtio/drivers/virtio_gpu"
#define SHIM "/sys/module/vgpu_shim/parameters"

void vgpu_binding_init(struct vgpu_binding *binding)
{
	DIR *dir = opendir(DRIVER);
	struct dirent *entry;

	vgpu_assert_msg(dir, "no %s", DRIVER);
	*binding = (struct vgpu_binding){ .unbind = -1, .bind = -1 };
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "virtio", 6))
			snprintf(binding->name, sizeof(binding->name), "%.31s", entry->d_name);
	closedir(dir);
	vgpu_assert_msg(binding->name[0], "the driver has no device");
	binding->unbind = vgpu_sys(open(DRIVER "/unbind", O_WRONLY | O_CLOEXEC));
	binding->bind = vgpu_sys(open(DRIVER "/bind", O_WRONLY | O_CLOEXEC));
}

void vgpu_binding_fini(struct vgpu_binding *binding)
{
	close(binding->unbind);
	close(binding->bind);
}

static int tell(int fd, const char *name)
{
	return pwrite(fd, name, strlen(name), 0) < 0 ? -errno : 0;
}

bool vgpu_shim_is_there(void)
{
	return !access(SHIM, F_OK);
}

static int open_parameter(const char *parameter, int flags)
{
	char path[96];

	snprintf(path, sizeof(path), SHIM "/%s", parameter);
	return open(path, flags | O_CLOEXEC);
}

bool vgpu_shim_is(const char *parameter, const char *value)
{
	int fd = vgpu_sys(open_parameter(parameter, O_RDONLY));
	char text[32] = "";

	vgpu_sys(read(fd, text, sizeof(text) - 1));
	close(fd);
	return !strncmp(text, value, strlen(value));
}

int vgpu_shim_set(const char *parameter, const char *value)
{
	int fd = open_parameter(parameter, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	ret = tell(fd, value);
	close(fd);
	return ret;
}

int vgpu_unbind(struct vgpu_binding *binding)
{
	return tell(binding->unbind, binding->name);
}

int vgpu_bind(struct vgpu_binding *binding)
{
	return tell(binding->bind, binding->name);
}
