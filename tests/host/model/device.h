/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_DEVICE_H
#define VGPU_HOST_DEVICE_H

#include "bug.h"
#include "context.h"
#include "device_options.h"
#include "display.h"
#include "fault.h"
#include "fence.h"
#include "fuzz.h"
#include "habit.h"
#include "hostmem.h"
#include "judge.h"
#include "virtqueue.h"
#include "wire.h"

/** enum shm_result - what became of a mapping in the window */
enum shm_result {
	SHM_DONE,
	SHM_PENDING,	/* device_shm_done() tells */
	SHM_FAILED,
};

/**
 * struct device_ops - what a device asks of the transport
 * @config_changed: tell the driver that the configuration changed
 * @call: interrupt the driver for a queue
 * @shm_map: show part of a file in the host-visible window
 * @shm_unmap: and no longer
 * @set_status: bits to set in the device status
 * @die: end the process as if it had crashed
 */
struct device_ops {
	void (*config_changed)(void *opaque);
	void (*call)(void *opaque, unsigned int queue);
	enum shm_result (*shm_map)(void *opaque, u64 seq, u64 offset, u64 len, int fd);
	enum shm_result (*shm_unmap)(void *opaque, u64 seq, u64 offset, u64 len);
	void (*set_status)(void *opaque, u8 bits);
	void (*die)(void *opaque, int status);
};

/* A slice where the loop has more to look at than the device. */
#define DEVICE_SLICE_MS 10

/** struct device_stats - counters for the control socket */
struct device_stats {
	u64 requests, answers, errors, kicks[WIRE_QUEUES], calls[WIRE_QUEUES];
	u64 bytes_in, bytes_out, resets, flushes, flushes_unseen;
};

/**
 * struct device - the virtio-gpu device
 * @opt: what it offers
 * @ops: the transport
 * @opaque: first argument of @ops
 * @gm: guest memory
 * @vq: control and cursor queue
 * @features: negotiated features
 * @config: configuration space
 * @config_override: bit n: member n is a lie set by a fault or by hand
 * @display: outputs
 * @resources: by resource id
 * @highest_unref: highest id of a resource that is gone since the last reset
 * @contexts: by context id
 * @hostmem: the host-visible window
 * @fence: unanswered requests
 * @fault: the fault script
 * @fuzz: the hostile host
 * @bugs: what the driver did wrong
 * @trace: what happened
 * @stats: counters
 * @budget: what the guest can make the host spend
 * @slice_ms: how long the loop may be busy at a time, -1: until all is done
 * @slice_end: when this slice ends, ms of the monotonic clock, 0: never
 * @slice_bytes: work since the clock was last looked at
 * @working: the request that waits for its next slice
 * @pending: bit n: queue n may hold requests, and waits for the next slice
 * @uuids: UUIDs handed out
 * @stalled: requests stay in the ring
 * @stopped: bit n: queue n is dead until reset
 * @lazy: bit n: queue n is looked at only after another one, until reset
 * @dirty: there was a request since the last reset
 * @judge: what excuses the driver
 */
struct device {
	struct device_options opt;
	const struct device_ops *ops;
	void *opaque;
	struct gmem gm;
	struct virtqueue vq[WIRE_QUEUES];
	u64 features;
	struct wire_config config;
	u32 config_override;
	struct display display;
	struct idmap resources;
	u32 highest_unref;
	struct idmap contexts;
	struct hostmem hostmem;
	struct fence fence;
	struct fault_script fault;
	struct fuzz fuzz;
	struct bug_log bugs;
	struct trace trace;
	struct device_stats stats;
	struct budget budget;
	s64 slice_ms;
	u64 slice_end, slice_bytes;
	struct job *working;
	u32 pending;
	u64 uuids;
	bool stalled;
	u32 stopped;
	u32 lazy;
	bool dirty;
	struct judge judge;
};

void device_defaults(struct device_options *opt);
void device_init(struct device *d, const struct device_ops *ops, void *opaque);
void device_fini(struct device *d);
void device_start(struct device *d);
void device_reset(struct device *d);
void device_set_features(struct device *d, u64 features);
void device_kick(struct device *d, unsigned int queue);
void device_run(struct device *d);
void device_answer_ready(struct device *d);
bool device_spend(struct device *d, u64 bytes);
bool device_busy(const struct device *d);
void device_work(struct device *d);
void device_settle(struct device *d);
void device_config_read(struct device *d, u32 off, void *dst, u32 len);
void device_config_write(struct device *d, u32 off, const void *src, u32 len);
bool device_config_lie(struct device *d, const char *name, u32 value);
bool device_config_set(struct device *d, const char *name, u32 value);
bool device_output(struct device *d, u32 n, const char *what);
enum shm_result device_show(struct device *d, u64 seq, struct resource *res, u64 off);
enum shm_result device_hide(struct device *d, u64 seq, struct resource *res);
void device_shm_done(struct device *d, u64 seq, bool ok);
void device_release(struct device *d, u32 token);
void device_break_queue(struct device *d, unsigned int queue);
bool device_fault_event(struct device *d, const struct fault_action *a);
bool device_has(const struct device *d, unsigned int feature);
const struct capset *device_capset(const struct device *d, u32 id);
void device_drop_resource(struct device *d, struct resource *res);

static inline bool device_habit(const struct device *d, enum habit habit)
{
	return d->opt.habits & 1u << habit;
}

#endif
