/* SPDX-License-Identifier: MIT */
/* Taking the driver from its device and giving it back, and what the shim does to it. */
#ifndef VGPU_BINDING_H
#define VGPU_BINDING_H

#include <stdbool.h>

/**
 * struct vgpu_binding - a device of the driver
 * @name: of the virtio device
 * @unbind: where to write its name to take the driver away
 * @bind: where to write its name to give the driver back
 */
struct vgpu_binding {
	char name[32];
	int unbind;
	int bind;
};

/* Asserts that the driver has a device. */
void vgpu_binding_init(struct vgpu_binding *binding);
void vgpu_binding_fini(struct vgpu_binding *binding);

/* 0 or -errno; what probing gave. */
int vgpu_unbind(struct vgpu_binding *binding);
int vgpu_bind(struct vgpu_binding *binding);

/* Whether vgpu-shim.ko lies between transport and driver (see shim/). */
bool vgpu_shim_is_there(void);
bool vgpu_shim_is(const char *parameter, const char *value);
/* Write a parameter of it: 0 or -errno; what came of it. */
int vgpu_shim_set(const char *parameter, const char *value);

#endif
