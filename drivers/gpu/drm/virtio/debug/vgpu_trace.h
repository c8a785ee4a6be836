/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The trace events of the driver, below events/virtio_gpu/ of tracefs. This is the only
 * header of debug/ that lower layers may include: a trace point only reads its arguments,
 * and costs one no-op instruction while tracing is off. The two events of commands have the
 * names and fields that tools know from the kernel's own driver.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM virtio_gpu

#if !defined(VGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VGPU_TRACE_H

#include <linux/device.h>
#include <linux/dma-fence.h>
#include <linux/tracepoint.h>
#include <linux/virtio.h>
#include <linux/virtio_gpu.h>

#include "protocol/vgpu_wire.h"

DECLARE_EVENT_CLASS(virtio_gpu_cmd,
		    TP_PROTO(const struct virtio_device *vdev,
			     const struct virtio_gpu_ctrl_hdr *hdr, int status),
		    TP_ARGS(vdev, hdr, status),
		    TP_STRUCT__entry(__string(dev, dev_name(&vdev->dev))
				     __string(name, vgpu_wire_type_name(le32_to_cpu(hdr->type)))
				     __field(u32, type)
				     __field(u32, flags)
				     __field(u64, fence_id)
				     __field(u32, ctx_id)
				     __field(u8, ring_idx)
				     __field(int, status)
		    ),
		    TP_fast_assign(__assign_str(dev);
				   __assign_str(name);
				   __entry->type = le32_to_cpu(hdr->type);
				   __entry->flags = le32_to_cpu(hdr->flags);
				   __entry->fence_id = le64_to_cpu(hdr->fence_id);
				   __entry->ctx_id = le32_to_cpu(hdr->ctx_id);
				   __entry->ring_idx = hdr->ring_idx;
				   __entry->status = status;
		    ),
		    TP_printk("dev=%s type=0x%x name=%s flags=0x%x fence_id=%llu ctx_id=%u ring_idx=%u status=%d",
			      __get_str(dev), __entry->type, __get_str(name), __entry->flags,
			      __entry->fence_id, __entry->ctx_id, __entry->ring_idx,
			      __entry->status)
);

/* A command is committed to its queue; the status is 0. */
DEFINE_EVENT(virtio_gpu_cmd, virtio_gpu_cmd_queue,
	     TP_PROTO(const struct virtio_device *vdev, const struct virtio_gpu_ctrl_hdr *hdr,
		      int status), TP_ARGS(vdev, hdr, status));

/* A command is completed: the status is 0 or a negative errno. The header is the request's. */
DEFINE_EVENT(virtio_gpu_cmd, virtio_gpu_cmd_response,
	     TP_PROTO(const struct virtio_device *vdev, const struct virtio_gpu_ctrl_hdr *hdr,
		      int status), TP_ARGS(vdev, hdr, status));

DECLARE_EVENT_CLASS(virtio_gpu_fence,
		    TP_PROTO(const struct dma_fence *fence, const char *timeline, int error),
		    TP_ARGS(fence, timeline, error),
		    TP_STRUCT__entry(__string(timeline, timeline)
				     __field(u64, context)
				     __field(u64, seqno)
				     __field(int, error)
		    ),
		    TP_fast_assign(__assign_str(timeline);
				   __entry->context = fence->context;
				   __entry->seqno = fence->seqno;
				   __entry->error = error;
		    ),
		    TP_printk("timeline=%s context=%llu seqno=%llu error=%d", __get_str(timeline),
			      __entry->context, __entry->seqno, __entry->error)
);

DEFINE_EVENT(virtio_gpu_fence, virtio_gpu_fence_create,
	     TP_PROTO(const struct dma_fence *fence, const char *timeline, int error),
	     TP_ARGS(fence, timeline, error));

DEFINE_EVENT(virtio_gpu_fence, virtio_gpu_fence_signal,
	     TP_PROTO(const struct dma_fence *fence, const char *timeline, int error),
	     TP_ARGS(fence, timeline, error));

DECLARE_EVENT_CLASS(virtio_gpu_throttle,
		    TP_PROTO(pid_t process, int in_flight, int ret),
		    TP_ARGS(process, in_flight, ret),
		    TP_STRUCT__entry(__field(pid_t, process)
				     __field(int, in_flight)
				     __field(int, ret)
		    ),
		    TP_fast_assign(__entry->process = process;
				   __entry->in_flight = in_flight;
				   __entry->ret = ret;
		    ),
		    TP_printk("process=%d in_flight=%d ret=%d", __entry->process,
			      __entry->in_flight, __entry->ret)
);

/* A client begins, and ends, to wait at the entry of an ioctl. */
DEFINE_EVENT(virtio_gpu_throttle, virtio_gpu_throttle_begin,
	     TP_PROTO(pid_t process, int in_flight, int ret), TP_ARGS(process, in_flight, ret));

DEFINE_EVENT(virtio_gpu_throttle, virtio_gpu_throttle_end,
	     TP_PROTO(pid_t process, int in_flight, int ret), TP_ARGS(process, in_flight, ret));

#endif

/* The path is relative to the include path that Kbuild sets. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH debug
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE vgpu_trace
#include <trace/define_trace.h>
