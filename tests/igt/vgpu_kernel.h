/* SPDX-License-Identifier: MIT */
/* Files of the kernel, and its trace events. */
#ifndef VGPU_KERNEL_H
#define VGPU_KERNEL_H

#include <stdbool.h>

/* Read a file; the caller frees the text. NULL if the file does not exist. */
char *vgpu_kernel_read(const char *path);

/*
 * Read a file in the debugfs of the first device of ours, such as "state"; the caller frees the text.
 * NULL if there is no such file, as with another driver.
 */
char *vgpu_kernel_debugfs(const char *name);

/* Write all of a text into a file; assert success. */
void vgpu_kernel_write(const char *path, const char *text);

/*
 * Record an event ("drm/drm_vblank_event") or a group of events ("drm") in an instance of its own.
 * False if the kernel has no such events or no instances.
 */
bool vgpu_kernel_trace(const char *event);

/* Stop recording an event; returns the lines of the trace, which the caller frees. */
char *vgpu_kernel_traced(const char *event);

/* Keep the lines of a trace in which one of two words occurs; returns how many. @other can be NULL. */
unsigned int vgpu_kernel_filter(char *trace, const char *word, const char *other);

#endif
