/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_DEVICE_H
#define VGPU_HOST_DEVICE_H

#include "bug.h"
#include "context.h"
#include "display.h"
#include "fault.h"
#include "fence.h"
#include "fuzz.h"
#include "hostmem.h"
#include "idmap.h"
#include "virtqueue.h"
#include "wire.h"

#define DEVICE_CAPSETS 16
#define DEVICE_LIES 4

/** struct capset - one capability set the device offers */
struct capset {
	u32 id, version, size;
};

/**
 * struct device_options - what kind of device to be; set before it starts
 * @features: feature bits offered
 * @capset: capability sets
 * @ncapsets: how many
 * @window: bytes of the host-visible window, 0: none
 * @window_at: guest physical address of the guest's memory to use as the window,
 *             0: the front end has shared-memory regions
 * @blob_alignment: bytes, a power of two
 * @map_info: VIRTIO_GPU_MAP_CACHE_* of every mapping
 * @max_memory: bytes of host memory the guest may take
 * @max_entries: backing entries of one resource
 * @max_request: bytes of one request
 * @lie: members of the configuration space and what they claim
 * @nlies: how many
 */
struct device_options {
	u64 features;
	struct capset capset[DEVICE_CAPSETS];
	u32 ncapsets;
	u64 window, window_at;
	u32 blob_alignment;
	u32 map_info;
	u64 max_memory;
	u32 max_entries;
	u64 max_request;
	struct {
		const char *name;
		u32 value;
	} lie[DEVICE_LIES];
	u32 nlies;
};

/* What the device told the driver that is not so. */
#define LIE_CONFIG 1u
#define LIE_CAPSETS 2u

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
 * @contexts: by context id
 * @hostmem: the host-visible window
 * @fence: unanswered requests
 * @fault: the fault script
 * @fuzz: the hostile host
 * @bugs: what the driver did wrong
 * @trace: what happened
 * @stats: counters
 * @seq: requests so far
 * @memory: bytes of host memory in use
 * @uuids: UUIDs handed out
 * @stalled: requests stay in the ring
 * @stopped: bit n: queue n is dead until reset
 * @lazy: bit n: queue n is looked at only after another one, until reset
 * @dirty: there was a request since the last reset
 * @job: the request being executed
 * @job_bugs: it broke a rule
 * @doubt_res: resources of which driver and device may think differently, since
 *             a request about them failed by no fault of the driver
 * @doubt_ctx: the same of contexts
 * @lies: LIE_*
 * @excused: rules broken that follow from doubts and lies
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
	struct idmap contexts;
	struct hostmem hostmem;
	struct fence fence;
	struct fault_script fault;
	struct fuzz fuzz;
	struct bug_log bugs;
	struct trace trace;
	struct device_stats stats;
	u64 seq;
	u64 memory;
	u64 uuids;
	bool stalled;
	u32 stopped;
	u32 lazy;
	bool dirty;
	struct job *job;
	bool job_bugs;
	struct idmap doubt_res, doubt_ctx;
	u32 lies;
	u64 excused;
};

void device_defaults(struct device_options *opt);
void device_init(struct device *d, const struct device_ops *ops, void *opaque);
void device_fini(struct device *d);
void device_start(struct device *d);
void device_reset(struct device *d);
u64 device_offered(const struct device *d);
void device_set_features(struct device *d, u64 features);
void device_kick(struct device *d, unsigned int queue);
void device_run(struct device *d);
void device_answer_ready(struct device *d);
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
void device_fault_event(struct device *d, const struct fault_action *a);
bool device_has(const struct device *d, unsigned int feature);

/* What the request handlers share. */
typedef u32 (*cmd_fn)(struct device *d, struct job *job);

cmd_fn cmd_find(u32 type);
u32 cmd_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
u32 cmd_state_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
u32 cmd_user(struct device *d, u32 resp, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct resource *cmd_resource(struct device *d, u32 id);
struct resource *cmd_new_resource(struct device *d, u32 id, enum resource_kind kind,
				  u32 *resp);
u32 cmd_entries(struct device *d, struct job *job, u32 n, size_t fixed,
		struct backing **out);
bool device_charge(struct device *d, u64 bytes);
void device_uncharge(struct device *d, u64 bytes);
void device_drop_resource(struct device *d, struct resource *res);

u32 cmd_get_display_info(struct device *d, struct job *job);
u32 cmd_get_edid(struct device *d, struct job *job);
u32 cmd_get_capset_info(struct device *d, struct job *job);
u32 cmd_get_capset(struct device *d, struct job *job);
u32 cmd_create_2d(struct device *d, struct job *job);
u32 cmd_unref(struct device *d, struct job *job);
u32 cmd_attach_backing(struct device *d, struct job *job);
u32 cmd_detach_backing(struct device *d, struct job *job);
u32 cmd_transfer_to_host_2d(struct device *d, struct job *job);
u32 cmd_assign_uuid(struct device *d, struct job *job);
u32 cmd_set_scanout(struct device *d, struct job *job);
u32 cmd_set_scanout_blob(struct device *d, struct job *job);
u32 cmd_flush(struct device *d, struct job *job);
u32 cmd_update_cursor(struct device *d, struct job *job);
u32 cmd_move_cursor(struct device *d, struct job *job);
u32 cmd_create_blob(struct device *d, struct job *job);
u32 cmd_map_blob(struct device *d, struct job *job);
u32 cmd_unmap_blob(struct device *d, struct job *job);
u32 cmd_ctx_create(struct device *d, struct job *job);
u32 cmd_ctx_destroy(struct device *d, struct job *job);
u32 cmd_ctx_attach(struct device *d, struct job *job);
u32 cmd_ctx_detach(struct device *d, struct job *job);
u32 cmd_create_3d(struct device *d, struct job *job);
u32 cmd_transfer_3d(struct device *d, struct job *job);
u32 cmd_submit_3d(struct device *d, struct job *job);

#endif
