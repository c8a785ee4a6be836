// SPDX-License-Identifier: MIT
/*
 * cbmc: the blocks that the EDID parser of DRM asks for, any number and size.
 *
 * The EDID lies in an object of its own size, so reading past it is an access outside.
 *
 * Of: drivers/gpu/drm/virtio/kms/vgpu_output.c: vgpu_output_copy_edid_block
 */
#include "kernel.h"

#define EDID_LENGTH 128

struct vgpu_output {
	spinlock_t lock;
	u8 *edid;
	u32 edid_bytes;
};

#include "cut.h"

int main(void)
{
	struct vgpu_output output = { .lock.held = 1 };
	unsigned int block = nondet_u32();
	size_t size_bytes = nondet_size();
	u8 to[EDID_LENGTH];

	/* vgpu_wire_edid() has checked the size; see wire.c. */
	output.edid_bytes = nondet_u32();
	assume(output.edid_bytes <= 1024 && !(output.edid_bytes % 128));
	output.edid = malloc(output.edid_bytes);
	assume(output.edid);
	/* drm_edid_read_custom() asks for whole blocks. */
	assume(size_bytes <= EDID_LENGTH);
	if (!vgpu_output_copy_edid_block(&output, to, block, size_bytes))
		assert((u64)block * EDID_LENGTH + size_bytes <= output.edid_bytes);
}
