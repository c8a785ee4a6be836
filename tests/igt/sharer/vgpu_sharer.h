/* SPDX-License-Identifier: MIT */
/* What /dev/vgpu-sharer does: another driver that shares buffers, for tests. */
#ifndef VGPU_SHARER_H
#define VGPU_SHARER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct vgpu_sharer_export - make a buffer that can move
 * @size: in: bytes, a multiple of the page size
 * @fd: out: the dma-buf
 */
struct vgpu_sharer_export {
	__u64 size;
	__s32 fd;
	__u32 pad;
};

/**
 * struct vgpu_sharer_state - how many look at a buffer of the sharer
 * @fd: in: the dma-buf
 * @pins: out: that asked for it not to move
 * @mappings: out: that have its addresses
 * @revocations: out: that were told it is gone, ever
 */
struct vgpu_sharer_state {
	__s32 fd;
	__u32 pins;
	__u32 mappings;
	__u32 revocations;
};

/**
 * enum vgpu_sharer_importer - the device that looks at a dma-buf
 * @VGPU_SHARER_PLATFORM: one on no bus that others' memory can be reached by
 * @VGPU_SHARER_PCI: a PCI device whose driver allows peer-to-peer; -ENODEV where there is none
 * @VGPU_SHARER_VIRTIO: a virtio device; -ENODEV where there is none
 */
enum vgpu_sharer_importer {
	VGPU_SHARER_PLATFORM,
	VGPU_SHARER_PCI,
	VGPU_SHARER_VIRTIO,
};

/**
 * struct vgpu_sharer_look - look at a dma-buf of any driver as a device would
 * @fd: in: the dma-buf
 * @importer: in: enum vgpu_sharer_importer
 * @pieces: out: of its list of addresses
 * @pad: not looked at
 * @address: out: of the first piece
 * @bytes: out: length of all pieces
 */
struct vgpu_sharer_look {
	__s32 fd;
	__u32 importer;
	__u32 pieces;
	__u32 pad;
	__u64 address;
	__u64 bytes;
};

/**
 * struct vgpu_sharer_uuid - ask by which name other virtio devices find a dma-buf
 * @fd: in: the dma-buf
 * @pad: not looked at
 * @uuid: out: the name
 */
struct vgpu_sharer_uuid {
	__s32 fd;
	__u32 pad;
	__u8 uuid[16];
};

#define VGPU_SHARER_EXPORT	_IOWR('v', 1, struct vgpu_sharer_export)
#define VGPU_SHARER_STATE	_IOWR('v', 2, struct vgpu_sharer_state)
/* Tell everybody it is gone and wait for their fences; then as STATE. */
#define VGPU_SHARER_REVOKE	_IOWR('v', 3, struct vgpu_sharer_state)
#define VGPU_SHARER_LOOK	_IOWR('v', 4, struct vgpu_sharer_look)
#define VGPU_SHARER_UUID	_IOWR('v', 5, struct vgpu_sharer_uuid)

#endif
