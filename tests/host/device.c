// SPDX-License-Identifier: MIT
/*
 * The device: from the ring to a request handler and back. Requests are
 * executed one by one in the order they arrive; answers can be late.
 */
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "answer.h"
#include "device.h"
#include "log.h"
#include "request.h"
#include "toy3d_exec.h"

#define MIB (1024ull * 1024)

/**
 * device_has - Whether a feature was negotiated
 * @d: the device
 * @feature: number of its bit
 *
 * Return: true when it was.
 */
bool device_has(const struct device *d, unsigned int feature)
{
	return d->features & BIT64(feature);
}

/**
 * device_defaults - The device one gets without options
 * @opt: filled in
 */
void device_defaults(struct device_options *opt)
{
	*opt = (struct device_options){
		.features = BIT64(VIRTIO_GPU_F_VIRGL) | BIT64(VIRTIO_GPU_F_EDID) |
			BIT64(VIRTIO_GPU_F_RESOURCE_UUID) |
			BIT64(VIRTIO_GPU_F_RESOURCE_BLOB) |
			BIT64(VIRTIO_GPU_F_CONTEXT_INIT) |
			BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
			BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_F_VERSION_1),
		.capset = { { TOY3D_CAPSET_ID, TOY3D_VERSION,
			      sizeof(struct toy3d_caps) } },
		.ncapsets = 1,
		.blob_alignment = 4096,
		.map_info = VIRTIO_GPU_MAP_CACHE_CACHED,
		.max_memory = 1024 * MIB,
		.max_entries = 16384,
		.max_request = 64 * MIB,
	};
}

static void device_ring_bug(void *opaque, const struct virtqueue *vq,
			    const char *rule, const char *text)
{
	struct device *d = opaque;
	struct bug_where where = { .queue = vq->index, .seq = d->seq + 1,
				   .cmd = "ring" };

	bug_report(&d->bugs, rule, &where, text);
}

static void device_answer(void *opaque, struct job *job)
{
	struct device *d = opaque;

	answer_send(d, job);
	job_destroy(job);
}

/**
 * device_init - Make a device without a driver
 * @d: the device
 * @ops: the transport
 * @opaque: first argument of @ops
 *
 * The options are the defaults; change them, then call device_start().
 */
void device_init(struct device *d, const struct device_ops *ops, void *opaque)
{
	memset(d, 0, sizeof(*d));
	device_defaults(&d->opt);
	d->ops = ops;
	d->opaque = opaque;
	d->bugs.trace = &d->trace;
	d->display.trace = &d->trace;
	d->display.n = 1;
	d->display.out[0].connected = true;
	for (u32 i = 0; i < DISPLAY_OUTPUTS; i++)
		d->display.out[i].mode = (struct rect){ 0, 0, 1024, 768 };
	fence_init(&d->fence, device_answer, d);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_init(&d->vq[i], i, &d->gm, device_ring_bug, d);
}

/**
 * device_start - Fill in what follows from the options
 * @d: the device
 */
void device_start(struct device *d)
{
	d->config.num_scanouts = d->display.n;
	d->config.num_capsets = d->opt.ncapsets;
	d->config.blob_alignment =
		d->opt.features & BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT) ?
		d->opt.blob_alignment : 0;
	d->hostmem.size = d->opt.window;
	d->hostmem.at = d->opt.window_at;
	for (unsigned int i = 0; i < d->opt.nlies; i++)
		device_config_lie(d, d->opt.lie[i].name, d->opt.lie[i].value);
}

/**
 * device_offered - Feature bits the device offers
 * @d: the device
 *
 * Return: the bits.
 */
u64 device_offered(const struct device *d)
{
	return d->opt.features;
}

/**
 * device_show - Show a blob in the host-visible window
 * @d: the device
 * @seq: number of the request it is for
 * @res: the blob
 * @off: where in the window
 *
 * Return: what became of it.
 */
enum shm_result device_show(struct device *d, u64 seq, struct resource *res, u64 off)
{
	if (d->hostmem.at)
		return hostmem_lend(&d->hostmem, &d->gm, res, off) ? SHM_DONE : SHM_FAILED;
	return d->ops->shm_map(d->opaque, seq, off, hostmem_len(res), res->fd);
}

/**
 * device_hide - Show a blob in the window no longer
 * @d: the device
 * @seq: number of the request it is for, or 0
 * @res: the blob, still noted as mapped
 *
 * Return: what became of it.
 */
enum shm_result device_hide(struct device *d, u64 seq, struct resource *res)
{
	if (!d->hostmem.at)
		return d->ops->shm_unmap(d->opaque, seq, res->map_off, hostmem_len(res));
	hostmem_take_back(res);
	return SHM_DONE;
}

static void device_drop_objects(struct device *d)
{
	void *p;

	display_reset(&d->display);
	hostmem_fini(&d->hostmem);
	while ((p = idmap_any(&d->contexts))) {
		idmap_remove(&d->contexts, ((struct context *)p)->id);
		context_put(p);
	}
	while ((p = idmap_any(&d->resources))) {
		idmap_remove(&d->resources, ((struct resource *)p)->id);
		resource_put(p);
	}
	idmap_fini(&d->contexts);
	idmap_fini(&d->resources);
	idmap_fini(&d->doubt_res);
	idmap_fini(&d->doubt_ctx);
	d->memory = 0;
}

/**
 * device_reset - Device reset: forget everything the driver made
 * @d: the device
 *
 * Rings are the transport's to reset. Mappings in the window are taken away.
 */
void device_reset(struct device *d)
{
	if (!d->dirty)
		return;
	trace_begin(&d->trace, "reset");
	trace_u64(&d->trace, "unanswered", d->fence.count);
	trace_u64(&d->trace, "resources", d->resources.count);
	trace_u64(&d->trace, "contexts", d->contexts.count);
	trace_end(&d->trace);
	fence_drop(&d->fence, -1);
	for (size_t i = 0; i < d->hostmem.n; i++)
		device_hide(d, 0, d->hostmem.map[i]);
	device_drop_objects(d);
	d->config.events_read = 0;
	d->stopped = 0;
	d->lazy = 0;
	d->dirty = false;
	d->stats.resets++;
}

/**
 * device_fini - Free everything
 * @d: the device
 */
void device_fini(struct device *d)
{
	fence_drop(&d->fence, -1);
	device_drop_objects(d);
	display_fini(&d->display);
	fault_clear(&d->fault);
	bug_fini(&d->bugs);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_fini(&d->vq[i]);
	gmem_clear(&d->gm);
	trace_close(&d->trace);
}

static void device_feature_bug(struct device *d, const char *rule, const char *text)
{
	struct bug_where where = { .cmd = "features" };

	bug_report(&d->bugs, rule, &where, text);
}

/**
 * device_set_features - The driver has chosen its features
 * @d: the device
 * @features: feature bits
 */
void device_set_features(struct device *d, u64 features)
{
	d->features = features;
	trace_begin(&d->trace, "features");
	trace_u64(&d->trace, "bits", features);
	trace_end(&d->trace);
	if (features & ~device_offered(d))
		device_feature_bug(d, "feature-not-offered",
				   "a feature was accepted that was not offered");
	if (!device_has(d, VIRTIO_F_VERSION_1))
		device_feature_bug(d, "version-1", "VERSION_1 was not accepted");
	if (device_has(d, VIRTIO_GPU_F_CONTEXT_INIT) &&
	    !device_has(d, VIRTIO_GPU_F_VIRGL))
		device_feature_bug(d, "feature-dependency",
				   "CONTEXT_INIT needs VIRGL");
	d->fence.in_order = device_has(d, VIRTIO_F_IN_ORDER);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_set_features(&d->vq[i], features);
}

static void device_calls(struct device *d)
{
	for (unsigned int i = 0; i < WIRE_QUEUES; i++) {
		if (!vq_wants_call(&d->vq[i]))
			continue;
		d->stats.calls[i]++;
		d->ops->call(d->opaque, i);
	}
}

static void device_drain(struct device *d, unsigned int queue)
{
	struct virtqueue *vq = &d->vq[queue];
	struct vq_chain chain;
	bool wanted = false;

	while (vq->enabled && vq->started && !d->stalled &&
	       !(d->stopped & 1u << queue)) {
		if (vq_pop(vq, &chain) == VQ_GOT) {
			wanted = false;
			request_run(d, queue, &chain);
			fence_pump(&d->fence);
			continue;
		}
		if (vq->broken || wanted)
			return;
		vq_want_kick(vq);
		wanted = true;
	}
}

/* The order of two queues is up to the device: a lazy one comes after the other. */
static void device_drain_kicked(struct device *d, unsigned int queue)
{
	if (d->lazy & 1u << queue)
		return;
	device_drain(d, queue);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		if (d->lazy & 1u << i)
			device_drain(d, i);
}

/**
 * device_answer_ready - Answer what can be answered
 * @d: the device
 *
 * Does not look for new requests: virtio_uml does not tell of a reset, and the
 * driver may already be taking its ring apart.
 */
void device_answer_ready(struct device *d)
{
	fence_pump(&d->fence);
	device_calls(d);
}

/**
 * device_run - Execute and answer what was made available unseen
 * @d: the device
 *
 * For after a stall, or when a queue is enabled.
 */
void device_run(struct device *d)
{
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		device_drain(d, i);
	device_answer_ready(d);
}

/**
 * device_kick - The driver has notified a queue
 * @d: the device
 * @queue: number of the queue
 */
void device_kick(struct device *d, unsigned int queue)
{
	if (queue >= WIRE_QUEUES)
		return;
	d->stats.kicks[queue]++;
	fence_kick(&d->fence, queue);
	fence_pump(&d->fence);
	device_drain_kicked(d, queue);
	fence_pump(&d->fence);
	device_calls(d);
}

/**
 * device_shm_done - The front end has done what shm_map() asked for
 * @d: the device
 * @seq: number of the request it was for
 * @ok: whether it worked
 */
void device_shm_done(struct device *d, u64 seq, bool ok)
{
	struct job *job;

	TAILQ_FOREACH(job, &d->fence.jobs, link) {
		if (job->seq != seq || !job->wait_front)
			continue;
		job->wait_front = false;
		if (!ok) {
			job->resp_type = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
			job_reserve(job, 0);
		}
		break;
	}
	device_answer_ready(d);
}

/**
 * device_release - Release a token that requests may be waiting for
 * @d: the device
 * @token: not 0
 */
void device_release(struct device *d, u32 token)
{
	fence_release(&d->fence, token);
	device_answer_ready(d);
}

/**
 * device_break_queue - Return a buffer that the driver never made available
 * @d: the device
 * @queue: number of the queue
 */
void device_break_queue(struct device *d, unsigned int queue)
{
	vq_push_raw(&d->vq[queue], 0xffff, 1, 0);
	device_calls(d);
}

/**
 * device_charge - Take host memory for the guest
 * @d: the device
 * @bytes: how much
 *
 * Return: false when the guest has too much already.
 */
bool device_charge(struct device *d, u64 bytes)
{
	if (bytes > d->opt.max_memory || d->memory > d->opt.max_memory - bytes)
		return false;
	d->memory += bytes;
	return true;
}

/**
 * device_uncharge - Give back what device_charge() took
 * @d: the device
 * @bytes: how much
 */
void device_uncharge(struct device *d, u64 bytes)
{
	d->memory -= MIN(bytes, d->memory);
}
