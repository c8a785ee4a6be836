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

int vgpu_unbind(struct vgpu_binding *binding)
{
	return tell(binding->unbind, binding->name);
}

int vgpu_bind(struct vgpu_binding *binding)
{
	return tell(binding->bind, binding->name);
}
