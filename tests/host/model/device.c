// SPDX-License-Identifier: MIT
/* The device executes requests one by one as they arrive; answers can be late. */
#include <sys/resource.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "command.h"
#include "log.h"
#include "toy3d.h"

/* Descriptors that memory files leave to sockets, rings and regions of guest memory. */
#define DEVICE_FILES 128

/* After how much work the clock is looked at, and what a request is at least. */
#define SLICE_BYTES 65536ull
#define SLICE_REQUEST 4096ull

/* Check whether a feature was negotiated. */
bool device_has(const struct device *d, unsigned int feature)
{
	return d->features & BIT64(feature);
}

/* The device one gets without options. */
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
		.max_entries = 16384,
		.max_request = 64 * MIB,
	};
}

/* Make a device without a driver. Change its default options, then call device_start(). */
void device_init(struct device *d, const struct device_ops *ops, void *opaque)
{
	memset(d, 0, sizeof(*d));
	device_defaults(&d->opt);
	d->ops = ops;
	d->slice_ms = -1;
	d->opaque = opaque;
	d->bugs.trace = &d->trace;
	d->display.trace = &d->trace;
	d->display.budget = &d->budget;
	d->budget.limit = 1024 * MIB;
	d->display.n = 1;
	d->display.out[0].connected = true;
	for (u32 i = 0; i < DISPLAY_OUTPUTS; i++)
		d->display.out[i].mode = (struct rect){ 0, 0, 1024, 768 };
	fence_init(&d->fence, &d->budget, answer_send, d);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_init(&d->vq[i], i, &d->gm, &d->bugs);
}

/* A feature without its base makes no sense: a driver could not use it. */
static void device_needs(struct device_options *opt, unsigned int bit, unsigned int base,
			 const char *text)
{
	if (!(opt->features & BIT64(bit)) || opt->features & BIT64(base))
		return;
	log_warn("does not offer %s", text);
	opt->features &= ~BIT64(bit);
}

/* Fill in what follows from the options. */
void device_start(struct device *d)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur > DEVICE_FILES)
		d->budget.max_files = MIN(files.rlim_cur - DEVICE_FILES, 65536u);
	habit_start(d);
	device_needs(&d->opt, VIRTIO_GPU_F_CONTEXT_INIT, VIRTIO_GPU_F_VIRGL,
		     "context_init: it needs virgl");
	device_needs(&d->opt, VIRTIO_GPU_F_BLOB_ALIGNMENT, VIRTIO_GPU_F_RESOURCE_BLOB,
		     "blob_alignment: it needs blob");
	d->config.num_scanouts = d->display.n;
	d->config.num_capsets = d->opt.ncapsets;
	if (d->opt.features & BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT))
		d->config.blob_alignment = d->opt.blob_alignment;
	for (unsigned int i = 0; i < d->opt.nlies; i++)
		device_config_lie(d, d->opt.lie[i].name, d->opt.lie[i].value);
}

/* Find a capability set among those that the device offers. */
const struct capset *device_capset(const struct device *d, u32 id)
{
	for (u32 i = 0; i < d->opt.ncapsets; i++)
		if (d->opt.capset[i].id == id)
			return &d->opt.capset[i];
	return NULL;
}

/* Show a blob in the host-visible window, for request number @seq. */
enum shm_result device_show(struct device *d, u64 seq, struct resource *res, u64 off)
{
	if (d->hostmem.at)
		return hostmem_lend(&d->hostmem, &d->gm, res, off) ? SHM_DONE : SHM_FAILED;
	return d->ops->shm(d->opaque, seq, off, hostmem_len(res), res->fd);
}

/* Take a blob, still noted as mapped, out of the window. @seq is 0 when no request asks for it. */
enum shm_result device_hide(struct device *d, u64 seq, struct resource *res)
{
	if (!d->hostmem.at)
		return d->ops->shm(d->opaque, seq, res->map_off, hostmem_len(res), -1);
	hostmem_take_back(res);
	return SHM_DONE;
}

/* Destroy a resource wherever it is in use. */
void device_drop_resource(struct device *d, struct resource *res)
{
	for (u32 n = 0; n < DISPLAY_OUTPUTS; n++)
		if (res->scanouts & 1u << n)
			display_hide(&d->display, n);
	for (size_t i = 0; i < d->contexts.count; i++)
		idmap_remove(&((struct context *)d->contexts.slot[i].value)->resources, res->id);
	if (res->mapped) {
		device_hide(d, 0, res);
		hostmem_remove(&d->hostmem, res);
	}
	idmap_remove(&d->resources, res->id);
	if (res->id > d->highest_unref)
		d->highest_unref = res->id;
	resource_put(res);
}

static void device_drop_objects(struct device *d)
{
	display_reset(&d->display);
	hostmem_fini(&d->hostmem);
	for (size_t i = 0; i < d->contexts.count; i++)
		context_put(d->contexts.slot[i].value);
	for (size_t i = 0; i < d->resources.count; i++)
		resource_put(d->resources.slot[i].value);
	idmap_fini(&d->contexts);
	idmap_fini(&d->resources);
	d->judge.n = 0;
}

static void device_drop_work(struct device *d)
{
	if (d->working)
		job_destroy(d->working);
	d->working = NULL;
	d->pending = 0;
}

/* Forget what the driver made, and take it out of the window. Rings are the transport's. */
void device_reset(struct device *d)
{
	struct resource *res;

	if (!d->dirty)
		return;
	trace_event(&d->trace, "reset", "'unanswered':%llu,'resources':%zu,'contexts':%zu",
		    d->fence.count, d->resources.count, d->contexts.count);
	device_drop_work(d);
	fence_drop(&d->fence, -1);
	LIST_FOREACH(res, &d->hostmem.maps, map_link)
		device_hide(d, 0, res);
	device_drop_objects(d);
	d->config.events_read = 0;
	d->highest_unref = 0;
	d->stopped = 0;
	d->lazy = 0;
	d->dirty = false;
	d->stats.resets++;
}

void device_fini(struct device *d)
{
	device_drop_work(d);
	fence_drop(&d->fence, -1);
	device_drop_objects(d);
	while (budget_sweep(&d->budget))
		;
	fault_clear(&d->fault);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		vq_fini(&d->vq[i]);
	gmem_clear(&d->gm);
	trace_close(&d->trace);
}

/* Take over the features that the driver has chosen. */
void device_set_features(struct device *d, u64 features)
{
	static const struct bug_where where = { .cmd = "features" };
	u64 offered = d->opt.features;

	d->features = features;
	trace_event(&d->trace, "features", "'bits':%llu", features);
	if (features & ~offered)
		bug_report(&d->bugs, "feature-not-offered", &where,
			   "a feature was accepted that was not offered");
	if (offered & BIT64(VIRTIO_F_VERSION_1) && !device_has(d, VIRTIO_F_VERSION_1))
		bug_report(&d->bugs, "version-1", &where, "VERSION_1 was not accepted");
	if (device_has(d, VIRTIO_GPU_F_CONTEXT_INIT) && !device_has(d, VIRTIO_GPU_F_VIRGL))
		bug_report(&d->bugs, "feature-dependency", &where, "CONTEXT_INIT needs VIRGL");
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

static void device_slice(struct device *d)
{
	d->slice_end = d->slice_ms < 0 ? 0 : loop_now_ms() + d->slice_ms;
	d->slice_bytes = 0;
}

/* Account for @bytes of work. True: the slice is over, and the caller stops until the next. */
bool device_spend(struct device *d, u64 bytes)
{
	d->slice_bytes += bytes;
	if (!d->slice_end || d->slice_bytes < SLICE_BYTES)
		return false;
	d->slice_bytes = 0;
	return loop_now_ms() >= d->slice_end;
}

static bool device_may_drain(const struct device *d, unsigned int queue)
{
	const struct virtqueue *vq = &d->vq[queue];

	return vq->enabled && vq->started && !d->stalled && !(d->stopped & 1u << queue);
}

static void device_drain(struct device *d, unsigned int queue)
{
	struct virtqueue *vq = &d->vq[queue];
	struct vq_chain chain;
	bool wanted = false;

	while (device_may_drain(d, queue)) {
		bool sweep = budget_sweep(&d->budget);

		if (device_spend(d, sweep ? SLICE_BYTES : SLICE_REQUEST) || d->working) {
			d->pending |= 1u << queue;
			return;
		}
		if (sweep)
			continue;
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

/*
 * Answer what can be answered, without a look at new requests: virtio_uml does not tell of a
 * reset, and the driver may already be taking its ring apart.
 */
void device_answer_ready(struct device *d)
{
	fence_pump(&d->fence);
	device_calls(d);
}

/* Execute and answer what was made available unseen: after a stall, or when a queue is enabled. */
void device_run(struct device *d)
{
	device_slice(d);
	for (unsigned int i = 0; i < WIRE_QUEUES; i++)
		device_drain(d, i);
	device_answer_ready(d);
}

/* Check whether device_work() has something to do. */
bool device_busy(const struct device *d)
{
	return d->working || d->pending || d->budget.trash;
}

/* Carry on, in order, with what did not fit into a slice. */
void device_work(struct device *d)
{
	u32 pending = d->pending;

	device_slice(d);
	if (d->working)
		request_resume(d);
	if (!d->working) {
		d->pending = 0;
		for (unsigned int i = 0; i < WIRE_QUEUES; i++)
			if (pending & 1u << i)
				device_drain(d, i);
		if (!d->pending)
			budget_sweep(&d->budget);
	}
	device_answer_ready(d);
}

/* Finish the request that waits for its next slice, as a queue that goes away cannot wait. */
void device_settle(struct device *d)
{
	d->slice_end = 0;
	if (d->working)
		request_resume(d);
}

/* The driver has notified a queue. */
void device_kick(struct device *d, unsigned int queue)
{
	if (queue >= WIRE_QUEUES)
		return;
	d->stats.kicks[queue]++;
	device_slice(d);
	if (queue == WIRE_CONTROLQ)
		judge_kicked(&d->judge, &d->vq[queue]);
	fence_kick(&d->fence, queue);
	fence_pump(&d->fence);
	device_drain_kicked(d, queue);
	fence_pump(&d->fence);
	device_calls(d);
}

static void device_shm_failed(struct device *d, struct job *job)
{
	struct resource *res = idmap_find(&d->resources, command_member(job, "res"));

	if (job->hdr.type == VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB && res && res->mapped)
		hostmem_remove(&d->hostmem, res);
	job->resp_type = NO_MEMORY;
	job_reserve(job, WIRE_HDR_SIZE);
	answer_prepare(job);
	judge_refused(&d->judge, job);
}

/* The front end has done, or refused, what request number @seq asked of the window. */
void device_shm_done(struct device *d, u64 seq, bool ok)
{
	struct job *job;

	TAILQ_FOREACH(job, &d->fence.jobs, link) {
		if (job->seq != seq || !job->wait_front)
			continue;
		job->wait_front = false;
		if (!ok)
			device_shm_failed(d, job);
		break;
	}
	device_answer_ready(d);
}

/* Release a token, not 0, that requests may be waiting for. */
void device_release(struct device *d, u32 token)
{
	fence_release(&d->fence, token);
	device_answer_ready(d);
}

/* Return a buffer that the driver never made available. */
void device_break_queue(struct device *d, unsigned int queue)
{
	vq_return(&d->vq[queue], 0xffff, 1, 0, 0);
	device_calls(d);
}
