/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_TOY3D_EXEC_H
#define VGPU_HOST_TOY3D_EXEC_H

#include "base.h"
#include "toy3d.h"

struct context;
struct device;
struct job;

void toy3d_caps_fill(void *dst, u32 id, u32 version, u32 size);
u32 toy3d_run(struct device *d, struct job *job, struct context *ctx,
	      const void *stream, u32 size);

#endif
