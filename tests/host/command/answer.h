/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_ANSWER_H
#define VGPU_HOST_ANSWER_H

struct device;
struct job;

void answer_prepare(struct job *job);
void answer_send(struct device *d, struct job *job);

#endif
