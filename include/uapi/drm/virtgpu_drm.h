/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The user interface of the virtio_gpu DRM driver.
 *
 * Every number, size and offset here is that of Linux 7.3; the words are ours.
 * `scripts/ci/abi` compares the two. Structs only ever grow at their end, and a
 * caller that knows a shorter one gets zeroes for the rest.
 */
#ifndef VIRTGPU_DRM_H
#define VIRTGPU_DRM_H

#include <drm/drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define DRM_VIRTGPU_MAP				0x01
#define DRM_VIRTGPU_EXECBUFFER			0x02
#define DRM_VIRTGPU_GETPARAM			0x03
#define DRM_VIRTGPU_RESOURCE_CREATE		0x04
#define DRM_VIRTGPU_RESOURCE_INFO		0x05
#define DRM_VIRTGPU_TRANSFER_FROM_HOST		0x06
#define DRM_VIRTGPU_TRANSFER_TO_HOST		0x07
#define DRM_VIRTGPU_WAIT			0x08
#define DRM_VIRTGPU_GET_CAPS			0x09
#define DRM_VIRTGPU_RESOURCE_CREATE_BLOB	0x0a
#define DRM_VIRTGPU_CONTEXT_INIT		0x0b

/**
 * struct drm_virtgpu_map - where to mmap() a buffer
 * @offset: out: argument of mmap() on the DRM file
 * @handle: in: the buffer
 * @pad: not looked at
 */
struct drm_virtgpu_map {
	__u64 offset;
	__u32 handle;
	__u32 pad;
};

/* Flags of drm_virtgpu_execbuffer: */
#define VIRTGPU_EXECBUF_FENCE_FD_IN	0x01	/* wait for the sync_file fence_fd first */
#define VIRTGPU_EXECBUF_FENCE_FD_OUT	0x02	/* return a sync_file in fence_fd */
#define VIRTGPU_EXECBUF_RING_IDX	0x04	/* ring_idx counts */
#define VIRTGPU_EXECBUF_FLAGS		(VIRTGPU_EXECBUF_FENCE_FD_IN | \
					 VIRTGPU_EXECBUF_FENCE_FD_OUT | \
					 VIRTGPU_EXECBUF_RING_IDX)

/* Flags of drm_virtgpu_execbuffer_syncobj: */
#define VIRTGPU_EXECBUF_SYNCOBJ_RESET	0x01	/* in: reset it once it is submitted */
#define VIRTGPU_EXECBUF_SYNCOBJ_FLAGS	(VIRTGPU_EXECBUF_SYNCOBJ_RESET)

/**
 * struct drm_virtgpu_execbuffer_syncobj - a syncobj to wait for or to signal
 * @handle: the syncobj
 * @flags: VIRTGPU_EXECBUF_SYNCOBJ_*
 * @point: of a timeline; 0 for a binary syncobj
 */
struct drm_virtgpu_execbuffer_syncobj {
	__u32 handle;
	__u32 flags;
	__u64 point;
};

/**
 * struct drm_virtgpu_execbuffer - execute a command stream
 * @flags: VIRTGPU_EXECBUF_*
 * @size: bytes of the stream
 * @command: address of the stream
 * @bo_handles: address of an array of u32: the buffers the stream uses
 * @num_bo_handles: its length
 * @fence_fd: in: see FENCE_FD_IN; out: see FENCE_FD_OUT, unchanged on failure
 * @ring_idx: see RING_IDX
 * @syncobj_stride: bytes from one drm_virtgpu_execbuffer_syncobj to the next
 * @num_in_syncobjs: length of @in_syncobjs
 * @num_out_syncobjs: length of @out_syncobjs
 * @in_syncobjs: address of an array: wait for these
 * @out_syncobjs: address of an array: these signal when the stream is executed
 */
struct drm_virtgpu_execbuffer {
	__u32 flags;
	__u32 size;
	__u64 command;
	__u64 bo_handles;
	__u32 num_bo_handles;
	__s32 fence_fd;
	__u32 ring_idx;
	__u32 syncobj_stride;
	__u32 num_in_syncobjs;
	__u32 num_out_syncobjs;
	__u64 in_syncobjs;
	__u64 out_syncobjs;
};

/* Parameters of drm_virtgpu_getparam: */
#define VIRTGPU_PARAM_3D_FEATURES		1	/* there are 3D contexts */
#define VIRTGPU_PARAM_CAPSET_QUERY_FIX		2	/* GET_CAPS is reliable: always 1 */
#define VIRTGPU_PARAM_RESOURCE_BLOB		3	/* there are blobs */
#define VIRTGPU_PARAM_HOST_VISIBLE		4	/* blobs of the host can be mapped */
#define VIRTGPU_PARAM_CROSS_DEVICE		5	/* buffers have UUIDs */
#define VIRTGPU_PARAM_CONTEXT_INIT		6	/* there is CONTEXT_INIT */
#define VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs	7	/* a bit for each capset */
#define VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME	8	/* contexts take a name */
#define VIRTGPU_PARAM_BLOB_ALIGNMENT		9	/* sizes of blobs are multiples of it */

/**
 * struct drm_virtgpu_getparam - ask for a property of the device
 * @param: VIRTGPU_PARAM_*
 * @value: address of an int the answer is written to
 */
struct drm_virtgpu_getparam {
	__u64 param;
	__u64 value;
};

/**
 * struct drm_virtgpu_resource_create - create a buffer and a resource of the host
 * @target: pipe target
 * @format: virgl format
 * @bind: virgl bind flags
 * @width: texels
 * @height: texels
 * @depth: texels
 * @array_size: layers
 * @last_level: number of the smallest mip level
 * @nr_samples: samples a texel
 * @flags: VIRTIO_GPU_RESOURCE_FLAG_*
 * @bo_handle: out: the buffer
 * @res_handle: out: the host's name of the resource, for command streams
 * @size: bytes of the buffer; 0 for a page
 * @stride: not looked at
 */
struct drm_virtgpu_resource_create {
	__u32 target;
	__u32 format;
	__u32 bind;
	__u32 width;
	__u32 height;
	__u32 depth;
	__u32 array_size;
	__u32 last_level;
	__u32 nr_samples;
	__u32 flags;
	__u32 bo_handle;
	__u32 res_handle;
	__u32 size;
	__u32 stride;
};

/**
 * struct drm_virtgpu_resource_info - ask what a buffer is
 * @bo_handle: in: the buffer
 * @res_handle: out: the host's name of the resource
 * @size: out: bytes
 * @blob_mem: out: VIRTGPU_BLOB_MEM_*, 0 where it is no blob
 */
struct drm_virtgpu_resource_info {
	__u32 bo_handle;
	__u32 res_handle;
	__u32 size;
	__u32 blob_mem;
};

/**
 * struct drm_virtgpu_3d_box - a part of a resource
 * @x: left edge
 * @y: upper edge
 * @z: front edge, or first layer
 * @w: width
 * @h: height
 * @d: depth, or number of layers
 */
struct drm_virtgpu_3d_box {
	__u32 x;
	__u32 y;
	__u32 z;
	__u32 w;
	__u32 h;
	__u32 d;
};

/**
 * struct drm_virtgpu_3d_transfer_to_host - copy from a buffer to its resource
 * @bo_handle: the buffer
 * @box: the part of the resource
 * @level: mip level
 * @offset: where the data starts in the buffer
 * @stride: bytes a row; only for blobs of the host
 * @layer_stride: bytes a layer; only for blobs of the host
 */
struct drm_virtgpu_3d_transfer_to_host {
	__u32 bo_handle;
	struct drm_virtgpu_3d_box box;
	__u32 level;
	__u32 offset;
	__u32 stride;
	__u32 layer_stride;
};

/**
 * struct drm_virtgpu_3d_transfer_from_host - copy from a resource to its buffer
 * @bo_handle: the buffer
 * @box: the part of the resource
 * @level: mip level
 * @offset: where the data starts in the buffer
 * @stride: bytes a row; only for blobs of the host
 * @layer_stride: bytes a layer; only for blobs of the host
 */
struct drm_virtgpu_3d_transfer_from_host {
	__u32 bo_handle;
	struct drm_virtgpu_3d_box box;
	__u32 level;
	__u32 offset;
	__u32 stride;
	__u32 layer_stride;
};

/* Flag of drm_virtgpu_3d_wait: only look, -EBUSY when not idle */
#define VIRTGPU_WAIT_NOWAIT	1

/**
 * struct drm_virtgpu_3d_wait - wait until a buffer is idle
 * @handle: the buffer
 * @flags: VIRTGPU_WAIT_*
 */
struct drm_virtgpu_3d_wait {
	__u32 handle;
	__u32 flags;
};

#define VIRTGPU_DRM_CAPSET_VIRGL		1
#define VIRTGPU_DRM_CAPSET_VIRGL2		2
#define VIRTGPU_DRM_CAPSET_GFXSTREAM_VULKAN	3
#define VIRTGPU_DRM_CAPSET_VENUS		4
#define VIRTGPU_DRM_CAPSET_CROSS_DOMAIN		5
#define VIRTGPU_DRM_CAPSET_DRM			6

/**
 * struct drm_virtgpu_get_caps - ask what a renderer of the host can do
 * @cap_set_id: VIRTGPU_DRM_CAPSET_*
 * @cap_set_ver: which version of it
 * @addr: address the data is written to
 * @size: room there, in bytes
 * @pad: not looked at
 */
struct drm_virtgpu_get_caps {
	__u32 cap_set_id;
	__u32 cap_set_ver;
	__u64 addr;
	__u32 size;
	__u32 pad;
};

/* Whose memory a blob is: */
#define VIRTGPU_BLOB_MEM_GUEST			0x0001
#define VIRTGPU_BLOB_MEM_HOST3D			0x0002
#define VIRTGPU_BLOB_MEM_HOST3D_GUEST		0x0003

/* What a blob is for: */
#define VIRTGPU_BLOB_FLAG_USE_MAPPABLE		0x0001
#define VIRTGPU_BLOB_FLAG_USE_SHAREABLE		0x0002
#define VIRTGPU_BLOB_FLAG_USE_CROSS_DEVICE	0x0004

/* Hint: map it when it is first touched or mmap()ed, not when it is created */
#define DRM_VIRTGPU_BLOB_FLAG_HINT_DEFER_MAPPING	0x0001

/**
 * struct drm_virtgpu_resource_create_blob - create a blob
 * @blob_mem: VIRTGPU_BLOB_MEM_*
 * @blob_flags: VIRTGPU_BLOB_FLAG_USE_*
 * @bo_handle: out: the buffer
 * @res_handle: out: the host's name of the resource
 * @size: bytes
 * @pad: must be 0
 * @cmd_size: bytes at @cmd, a multiple of 4
 * @cmd: address of a command stream that is executed first
 * @blob_id: the host's name of the memory
 * @blob_hints: DRM_VIRTGPU_BLOB_FLAG_HINT_*
 * @pad2: must be 0
 */
struct drm_virtgpu_resource_create_blob {
	__u32 blob_mem;
	__u32 blob_flags;
	__u32 bo_handle;
	__u32 res_handle;
	__u64 size;
	__u32 pad;
	__u32 cmd_size;
	__u64 cmd;
	__u64 blob_id;
	__u32 blob_hints;
	__u32 pad2;
};

/* Parameters of drm_virtgpu_context_set_param: */
#define VIRTGPU_CONTEXT_PARAM_CAPSET_ID		0x0001	/* which renderer */
#define VIRTGPU_CONTEXT_PARAM_NUM_RINGS		0x0002	/* how many rings, at most 64 */
#define VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK	0x0003	/* rings that send events */
#define VIRTGPU_CONTEXT_PARAM_DEBUG_NAME	0x0004	/* address of a string */

/**
 * struct drm_virtgpu_context_set_param - one property of a context
 * @param: VIRTGPU_CONTEXT_PARAM_*
 * @value: its value
 */
struct drm_virtgpu_context_set_param {
	__u64 param;
	__u64 value;
};

/**
 * struct drm_virtgpu_context_init - make the context of this file
 * @num_params: length of @ctx_set_params
 * @pad: not looked at
 * @ctx_set_params: address of an array of drm_virtgpu_context_set_param
 */
struct drm_virtgpu_context_init {
	__u32 num_params;
	__u32 pad;
	__u64 ctx_set_params;
};

/* Type of the struct drm_event that a fence of a polled ring sends; no more data */
#define VIRTGPU_EVENT_FENCE_SIGNALED 0x90000000

#define DRM_IOCTL_VIRTGPU_MAP \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_MAP, struct drm_virtgpu_map)
#define DRM_IOCTL_VIRTGPU_EXECBUFFER \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_EXECBUFFER, struct drm_virtgpu_execbuffer)
#define DRM_IOCTL_VIRTGPU_GETPARAM \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_GETPARAM, struct drm_virtgpu_getparam)
#define DRM_IOCTL_VIRTGPU_RESOURCE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_RESOURCE_CREATE, \
		 struct drm_virtgpu_resource_create)
#define DRM_IOCTL_VIRTGPU_RESOURCE_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_RESOURCE_INFO, struct drm_virtgpu_resource_info)
#define DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_TRANSFER_FROM_HOST, \
		 struct drm_virtgpu_3d_transfer_from_host)
#define DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_TRANSFER_TO_HOST, \
		 struct drm_virtgpu_3d_transfer_to_host)
#define DRM_IOCTL_VIRTGPU_WAIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_WAIT, struct drm_virtgpu_3d_wait)
#define DRM_IOCTL_VIRTGPU_GET_CAPS \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_GET_CAPS, struct drm_virtgpu_get_caps)
#define DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_RESOURCE_CREATE_BLOB, \
		 struct drm_virtgpu_resource_create_blob)
#define DRM_IOCTL_VIRTGPU_CONTEXT_INIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_CONTEXT_INIT, struct drm_virtgpu_context_init)

#if defined(__cplusplus)
}
#endif

#endif
