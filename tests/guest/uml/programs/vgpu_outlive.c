// SPDX-License-Identifier: MIT
/*
 * Fences that outlive file, device and module. The host never signals them; then the file of the
 * client, the device and the module go, in this order, while the sync files stay open. The fences
 * end with an error when the device goes; afterwards they can still be queried, merged and closed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "vgpu_binding.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define FENCES 4
#define BOUND_MS 60000

static void ask(int fence, int status)
{
	struct sync_fence_info info[4] = { 0 };
	struct sync_file_info file = {
		.num_fences = ARRAY_SIZE(info), .sync_fence_info = (uintptr_t)info,
	};

	vgpu_ok(vgpu_ioctl(fence, SYNC_IOC_FILE_INFO, &file));
	vgpu_assert_eq(file.status, status);
	vgpu_assert(file.num_fences >= 1);
	/* The names are not part of the interface, but reading them must work. */
	vgpu_info("fence of \"%s\" on \"%s\": %d", info[0].driver_name, info[0].obj_name,
		  info[0].status);
}

int main(void)
{
	struct vgpu_binding binding;
	struct vgpu_client client = vgpu_client_open();
	int fence[FENCES], merged, again;

	for (size_t i = 0; i < FENCES; i++) {
		vgpu_ok(vgpu_submit_fences(&client, -1, &fence[i]));
		ask(fence[i], 0);
	}

	merged = vgpu_fence_merge(fence[0], fence[1]);
	vgpu_client_close(&client);
	ask(fence[0], 0);

	vgpu_binding_init(&binding);
	vgpu_ok(vgpu_unbind(&binding));
	vgpu_binding_fini(&binding);

	for (size_t i = 0; i < FENCES; i++) {
		vgpu_assert(vgpu_fence_poll(fence[i], BOUND_MS));
		ask(fence[i], -ENODEV);
	}

	vgpu_assert(vgpu_fence_poll(merged, BOUND_MS));

	vgpu_sys(syscall(SYS_delete_module, "virtio_gpu", 0));
	vgpu_assert(access("/sys/module/virtio_gpu", F_OK) < 0);
	again = vgpu_fence_merge(fence[2], fence[3]);
	vgpu_assert(vgpu_fence_poll(again, BOUND_MS));
	ask(fence[3], -ENODEV);
	for (size_t i = 0; i < FENCES; i++)
		close(fence[i]);

	close(merged);
	close(again);
	return 0;
}
