/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_REQUEST_H
#define VGPU_HOST_REQUEST_H

#include "virtqueue.h"

struct device;

void request_resume(struct device *d);
void request_run(struct device *d, unsigned int queue, struct vq_chain *chain);

#endif
