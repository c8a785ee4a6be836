/* SPDX-License-Identifier: MIT */
/* The kernel's log during one subtest. */
#ifndef VGPU_KLOG_H
#define VGPU_KLOG_H

#include <stdbool.h>

struct vgpu_klog;

/* Starts reading at the log's end; NULL where /dev/kmsg cannot be opened. */
struct vgpu_klog *vgpu_klog_open(void);
void vgpu_klog_close(struct vgpu_klog *klog);

/* Marks the start of a subtest in the log, in the form igt_results looks for. */
void vgpu_klog_note(struct vgpu_klog *klog, const char *program,
		    const char *subtest);

/* Prints and reports what must never be there: warnings, bugs, hung tasks. */
bool vgpu_klog_has_splat(struct vgpu_klog *klog);

#endif
