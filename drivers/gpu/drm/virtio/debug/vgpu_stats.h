/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_STATS_H
#define VGPU_STATS_H

struct drm_file;
struct drm_printer;

void vgpu_stats_show_fdinfo(struct drm_printer *p, struct drm_file *file);

#endif
