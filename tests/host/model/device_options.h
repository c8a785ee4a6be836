/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_DEVICE_OPTIONS_H
#define VGPU_HOST_DEVICE_OPTIONS_H

#include "base.h"

#define DEVICE_CAPSETS 16
#define DEVICE_LIES 4

/** struct capset - one capability set the device offers */
struct capset {
	u32 id, version, size;
};

/**
 * struct device_options - what kind of device to be; set before it starts
 * @features: feature bits offered
 * @habits: bit n: the host has enum habit n
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
	u32 habits;
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

#endif
