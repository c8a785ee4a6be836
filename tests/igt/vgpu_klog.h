/* SPDX-License-Identifier: MIT */
/* The kernel log of one subtest. */
#ifndef VGPU_KLOG_H
#define VGPU_KLOG_H

#include <stdbool.h>

struct vgpu_klog;

/* Start reading at the end of the log; NULL if /dev/kmsg cannot be opened. */
struct vgpu_klog *vgpu_klog_open(void);
void vgpu_klog_close(struct vgpu_klog *klog);

/* Mark the start of a subtest in the log, in the form that igt_results expects. */
void vgpu_klog_note(struct vgpu_klog *klog, const char *program,
		    const char *subtest);

/* Check for warnings, bugs and hung tasks, and print them; returns true if there are any. */
bool vgpu_klog_has_splat(struct vgpu_klog *klog);

#endif
