// SPDX-License-Identifier: MIT
/* The rules a driver is judged by. */
#include "rule.h"
#include "words.h"

#define RES FACT_RES
#define BACKING FACT_BACKING
#define CONTENT FACT_CONTENT
#define MAP FACT_MAP
#define SCANOUT FACT_SCANOUT
#define CTX FACT_CTX
#define ATTACH FACT_ATTACH
#define CONFIG FACT_CONFIG
#define CAPSETS FACT_CAPSETS
#define MUST(name, facts, section) { name, RULE_MUST, facts, section }
#define HOST(name, facts, hosts) { name, RULE_HOST, facts, hosts }
#define PRACTICE(name, facts, why) { name, RULE_PRACTICE, facts, why }

static const struct rule rules[] = {
	/* The ring */
	MUST("avail-flags", 0, "1.3, 2.7.7.1: must set flags to 0, or to 1 without EVENT_IDX"),
	MUST("avail-head", 0, "1.3, 2.7.6: 'head' must be an index into the descriptor table"),
	MUST("avail-idx", 0,
	     "1.3, 2.7.6.1: must not decrement idx, nor make more available than the queue holds"),
	MUST("chain-bytes", 0, "1.3, 2.7.5.2: a chain must not be longer than 2^32 bytes in total"),
	MUST("chain-loop", 0, "1.3, 2.7.5.2: loops in the descriptor chain are forbidden"),
	HOST("chain-over-limit", 0, "QEMU (1024 descriptors a chain)"),
	MUST("chain-too-long", 0,
	     "1.3, 2.7.5.3.1: must not create a chain longer than the queue size"),
	HOST("desc-address", 0, "QEMU and crosvm (no such guest memory)"),
	HOST("desc-empty", 0, "QEMU ('zero sized buffers are not allowed', the queue is broken)"),
	MUST("desc-next", 0, "1.3, 2.7.5: 'next' must be an index into the table"),
	MUST("desc-order", 0,
	     "1.3, 2.7.4.2: must place device-writable elements after device-readable ones"),
	MUST("event-flags", 0, "1.3, 2.8.10: 2 is for EVENT_IDX only, and 3 is reserved"),
	MUST("id-in-use", 0,
	     "1.3, 2.7.13: a buffer the device holds must not be made available again"),
	MUST("indirect-and-next", 0, "1.3, 2.7.5.3.1: must not set both INDIRECT and NEXT"),
	MUST("indirect-feature", 0,
	     "1.3, 2.7.5.3.1: must not set INDIRECT unless INDIRECT_DESC was negotiated"),
	MUST("indirect-flags", 0, "1.3, 2.8.19: no flag but WRITE in the table of a packed ring"),
	MUST("indirect-loop", 0, "1.3, 2.7.5.2: loops in the descriptor chain are forbidden"),
	MUST("indirect-nested", 0,
	     "1.3, 2.7.5.3.1: must not set INDIRECT within an indirect descriptor"),
	MUST("indirect-next", 0, "1.3, 2.7.5.3: 'next' must be an index into the table"),
	HOST("indirect-size", 0,
	     "QEMU ('invalid size for indirect buffer table', the queue is broken)"),
	MUST("packed-chain", 0, "1.3, 2.8.6: a list must be available as a whole"),
	/* Negotiation and configuration */
	MUST("config-write", 0, "1.3, 5.7.4.1: must not write to events_read"),
	PRACTICE("events-clear", 0, "only bits that the device has set are worth clearing"),
	MUST("feature-dependency", 0,
	     "1.3, 2.2.1: must not accept a feature that requires another one which was not accepted"),
	MUST("feature-missing", 0,
	     "1.3, 5.7.6.8, 5.7.6.9: the command is there only with its feature"),
	MUST("feature-not-offered", 0,
	     "1.3, 2.2.1: must not accept a feature that was not offered"),
	MUST("version-1", 0, "1.3, 6.1: must accept VERSION_1 if it is offered"),
	/* Any request */
	PRACTICE("ctx-feature", 0, "ctx_id is for 3D mode only (5.7.6.7)"),
	MUST("fence-order", 0,
	     "1.3, 5.7.6.7: with a ring, fence_id is a sequence number on its timeline"),
	PRACTICE("flags", 0, "a later version may give unknown flags a meaning"),
	PRACTICE("padding", 0,
	     "a later version may give it a meaning; it may also tell secrets of the guest"),
	PRACTICE("request-long", 0, "hosts ignore what is behind the structure"),
	HOST("request-short", 0, "QEMU ('command size incorrect', ERR_UNSPEC)"),
	HOST("response-short", CAPSETS, "QEMU ('response size incorrect', the answer is cut)"),
	HOST("ring-context", CTX,
	     "virglrenderer and rutabaga (no such context to make a fence of)"),
	MUST("ring-feature", 0, "1.3, 5.7.6.7: may set INFO_RING_IDX if CONTEXT_INIT is supported"),
	PRACTICE("ring-flag", 0, "hosts ignore ring_idx without INFO_RING_IDX"),
	MUST("ring-range", 0, "1.3, 5.7.6.7: the maximum value of ring_idx is 63"),
	HOST("unknown-type", 0, "all (ERR_UNSPEC)"),
	MUST("wrong-queue", 0, "1.3, 5.7.2: the cursor queue is for UPDATE_CURSOR and MOVE_CURSOR"),
	/* Resources */
	PRACTICE("backing-empty", 0, "backing of no pages is none"),
	MUST("backing-host", RES, "1.3, 5.7.6.8: entries are for default and guest-only blobs"),
	HOST("backing-none", RES | BACKING, "QEMU (ERR_UNSPEC)"),
	PRACTICE("backing-small", RES, "transfers of what is missing fail"),
	HOST("backing-twice", RES | BACKING, "QEMU (ERR_UNSPEC)"),
	PRACTICE("detach-scanout", RES | SCANOUT, "the host goes on reading the pages"),
	HOST("entries-length", 0, "QEMU ('command data size incorrect', ERR_UNSPEC)"),
	HOST("entry-address", 0, "QEMU and crosvm (no such guest memory, ERR_UNSPEC)"),
	HOST("entry-empty", 0, "QEMU (cannot be mapped, ERR_UNSPEC)"),
	HOST("resource-exists", RES, "QEMU and crosvm (ERR_INVALID_RESOURCE_ID)"),
	HOST("resource-id", RES, "QEMU and crosvm (ERR_INVALID_RESOURCE_ID)"),
	HOST("resource-zero", 0, "QEMU ('resource id 0 is not allowed')"),
	HOST("transfer-backing", RES | BACKING, "virglrenderer (out of bounds of the pages)"),
	PRACTICE("transfer-kind", RES, "3D resources have transfers of their own"),
	HOST("transfer-no-backing", RES | BACKING, "QEMU (ERR_UNSPEC)"),
	HOST("transfer-rect", RES, "QEMU (ERR_INVALID_PARAMETER)"),
	HOST("unref-mapped", RES | MAP, "QEMU (its queue stops until the mapping is gone)"),
	PRACTICE("unref-scanout", RES | SCANOUT, "hosts blank the output"),
	/* Blobs */
	MUST("blob-alignment", CONFIG, "1.4, 5.7.6.8.1: size must be aligned to blob_alignment"),
	PRACTICE("blob-cross-device", 0,
	     "without RESOURCE_UUID there is no other device to share with"),
	MUST("blob-entries", 0, "1.3, 5.7.6.8: entries are for default and guest-only blobs"),
	PRACTICE("blob-flags", 0, "a later version may give unknown flags a meaning"),
	MUST("blob-mem", 0, "1.3, 5.7.6.8: blob_mem must be non-zero, and one of three"),
	MUST("blob-mem-feature", 0, "1.3, 5.7.6.8: HOST3D only if VIRGL is supported"),
	HOST("blob-size", 0, "virglrenderer (no memory of no bytes)"),
	HOST("blob-small", RES, "virglrenderer (EINVAL)"),
	MUST("map-alignment", CONFIG,
	     "1.4, 5.7.6.9.1: offset must be aligned to blob_alignment; and to pages, or no host can map it"),
	MUST("map-flag", RES,
	     "1.3, 5.7.6.8: must inform the device if the blob is used for memory access"),
	MUST("map-kind", RES, "1.3, 5.7.6.9: MAP_BLOB is for host blobs"),
	MUST("map-no-window", 0, "1.3, 5.7.6.9: after checking for the host visible memory region"),
	HOST("map-overlap", MAP, "crosvm (the range is taken)"),
	MUST("map-twice", RES | MAP, "1.3, 5.7.6.9: must not map a blob that is already mapped"),
	HOST("map-window", RES, "QEMU and crosvm (outside of the region)"),
	HOST("unmap-unmapped", RES | MAP, "crosvm (no such mapping)"),
	/* Display */
	MUST("cursor-early", RES | CONTENT,
	     "1.3, 5.7.6.6: must make sure the transfer is completed"),
	MUST("cursor-empty", RES | CONTENT, "1.3, 5.7.6.6: must populate the resource"),
	MUST("cursor-fence", RES | CONTENT, "1.3, 5.7.6.6: completed, using FLAG_FENCE"),
	MUST("cursor-size", RES | BACKING, "1.3, 5.7.6.6: must be 64x64 in size"),
	HOST("flush-rect", RES | SCANOUT, "QEMU (ERR_INVALID_PARAMETER)"),
	HOST("scanout-blob", RES, "QEMU (ERR_INVALID_PARAMETER: it has no size)"),
	MUST("scanout-format", RES, "1.3, 5.7.6.8: must be one of enum virtio_gpu_formats"),
	HOST("scanout-no-backing", RES | BACKING, "QEMU (ERR_UNSPEC)"),
	HOST("scanout-not-blob", RES, "QEMU (exceeds the blob's size)"),
	PRACTICE("scanout-planes", 0, "all formats of the wire have one plane"),
	HOST("scanout-range", CONFIG, "QEMU (ERR_INVALID_SCANOUT_ID)"),
	MUST("scanout-rect", RES, "1.3, 5.7.6.8: must be completely covered by the resource"),
	HOST("scanout-size", RES, "QEMU (exceeds the blob's size, ERR_INVALID_PARAMETER)"),
	HOST("scanout-stride", 0, "pixman (rows that overlap)"),
	/* Contexts and capability sets */
	MUST("capset-id", CAPSETS, "1.3, 5.7.6.8: one of those GET_CAPSET_INFO told of"),
	MUST("capset-index", CONFIG, "1.3, 5.7.6.8: must be less than num_capsets"),
	MUST("capset-version", CAPSETS, "1.3, 5.7.6.8: at most capset_max_version"),
	PRACTICE("ctx-attach-twice", RES | CTX | ATTACH, "hosts ignore it"),
	MUST("ctx-capset", CAPSETS, "1.3, 5.7.6.9: a capset_id the device can handle"),
	HOST("ctx-exists", CTX, "virglrenderer and rutabaga (EINVAL)"),
	HOST("ctx-id", CTX, "virglrenderer and rutabaga (ERR_INVALID_CONTEXT_ID)"),
	MUST("ctx-init", 0, "1.3, 5.7.6.9: capset_id is in the lower 8 bits of context_init"),
	MUST("ctx-init-feature", 0,
	     "1.3, 5.7.6.9: may contain capset_id if CONTEXT_INIT is supported"),
	MUST("ctx-name", 0, "1.3, 5.7.6.9: debug_name has 64 bytes"),
	HOST("ctx-not-attached", RES | CTX | ATTACH, "virglrenderer (the draw fails later)"),
	HOST("ctx-zero", 0, "virglrenderer and rutabaga (context 0 is the host's own)"),
	HOST("submit-length", 0, "QEMU ('size mismatch', the stream is dropped)"),
};

_Static_assert(ARRAY_SIZE(rules) <= RULES_MAX, "more rules than RULES_MAX");

/* Get a row of the table, NULL behind the last. */
const struct rule *rule_nth(size_t n)
{
	return n < ARRAY_SIZE(rules) ? &rules[n] : NULL;
}

const struct rule *rule_find(const char *name)
{
	int n = NAME_ROW(rules, name);

	return n < 0 ? NULL : &rules[n];
}
