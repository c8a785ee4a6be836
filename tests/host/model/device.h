/* SPDX-License-Identifier: MIT */
#pragma once

#include "bug.h"
#include "context.h"
#include "display.h"
#include "fault.h"
#include "fence.h"
#include "fuzz.h"
#include "habit.h"
#include "hostmem.h"
#include "judge.h"
#include "virtqueue.h"
#include "wire.h"

#define DEVICE_CAPSETS 16
#define DEVICE_LIES 4

/* One capability set the device offers. */
struct capset {
	u32 id, version, size;
};

/* What a member of the configuration space claims. */
struct device_lie {
	const char *name;
	u32 value;
};

/* What kind of device to be; set before it starts. */
struct device_options {
	u64 features;		/* feature bits offered */
	u64 habits;		/* bit n: the host has enum habit n */
	struct capset capset[DEVICE_CAPSETS]; /* capability sets */
	u32 ncapsets;		/* how many */
	u64 blob_alignment;	/* bytes, a power of two */
	u64 map_info;		/* VIRTIO_GPU_MAP_CACHE_* of every mapping */
	u64 max_entries;	/* backing entries of one resource */
	u64 max_request;	/* bytes of one request */
	struct device_lie lie[DEVICE_LIES];
	u32 nlies;		/* how many */
};

/* What became of a mapping in the window. */
enum shm_result {
	SHM_DONE,
	SHM_PENDING,	/* device_shm_done() tells */
	SHM_FAILED,
};

/* What a device asks of the transport. */
struct device_ops {
	void (*config_changed)(void *opaque);		/* tell the driver of a new configuration */
	void (*call)(void *opaque, unsigned int queue);	/* interrupt the driver for a queue */
	/* show a file in the host-visible window; @fd is -1: no longer */
	enum shm_result (*shm)(void *opaque, u64 seq, u64 offset, u64 len, int fd);
	void (*set_status)(void *opaque, u8 bits);	/* bits to set in the device status */
	void (*die)(void *opaque, int status);		/* end the process as if it had crashed */
};

/* A slice where the loop has more to look at than the device. */
#define DEVICE_SLICE_MS 10

/* Counters for the control socket. */
struct device_stats {
	u64 requests, answers, errors, kicks[WIRE_QUEUES], calls[WIRE_QUEUES];
	u64 bytes_in, bytes_out, resets, flushes, flushes_unseen;
};

/* The virtio-gpu device. */
struct device {
	struct device_options opt;	/* what it offers */
	const struct device_ops *ops;	/* the transport */
	void *opaque;			/* first argument of @ops */
	struct gmem gm;			/* guest memory */
	struct virtqueue vq[WIRE_QUEUES]; /* control and cursor queue */
	u64 features;			/* negotiated features */
	struct wire_config config;	/* configuration space */
	u32 config_override;		/* bit n: member n is a lie set by a fault or by hand */
	struct display display;		/* outputs */
	struct idmap resources;		/* by resource id */
	u32 highest_unref;		/* highest resource id that was freed since the reset */
	struct idmap contexts;		/* by context id */
	struct hostmem hostmem;		/* the host-visible window */
	struct fence fence;		/* unanswered requests */
	struct fault_script fault;	/* the fault script */
	struct fuzz fuzz;		/* the hostile host */
	struct bug_log bugs;		/* what the driver did wrong */
	struct trace trace;		/* what happened */
	struct device_stats stats;	/* counters */
	struct budget budget;		/* what the guest can make the host spend */
	s64 slice_ms;			/* how long the loop may be busy at a time, -1: no limit */
	u64 slice_end;			/* its end, ms of the monotonic clock, 0: never */
	u64 slice_bytes;		/* work since the clock was last looked at */
	struct job *working;		/* the request that waits for its next slice */
	u32 pending;			/* bit n: queue n may hold requests for the next slice */
	u64 uuids;			/* UUIDs handed out */
	bool stalled;			/* requests stay in the ring */
	u32 stopped;			/* bit n: queue n is dead until reset */
	u32 lazy;			/* bit n: queue n comes after the others, until reset */
	bool dirty;			/* there was a request since the last reset */
	struct judge judge;		/* what excuses the driver */
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
	return d->opt.habits & BIT64(habit);
}
