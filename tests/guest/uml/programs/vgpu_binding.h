/* SPDX-License-Identifier: MIT */
/* Unbind the driver from its device and bind it again; parameters of vgpu-shim.ko. */
#ifndef VGPU_BINDING_H
#define VGPU_BINDING_H

#include <stdbool.h>

/**
 * struct vgpu_binding - a device of the driver
 * @name: name of the virtio device
 * @unbind: file to write @name to, which unbinds the driver
 * @bind: file to write @name to, which binds the driver
 */
struct vgpu_binding {
	char name[32];
	int unbind;
	int bind;
};

/* Find the device of the driver; assert that there is one. */
void vgpu_binding_init(struct vgpu_binding *binding);
void vgpu_binding_fini(struct vgpu_binding *binding);

/* Unbind or bind the driver; returns 0 or -errno, for vgpu_bind() that of the probe. */
int vgpu_unbind(struct vgpu_binding *binding);
int vgpu_bind(struct vgpu_binding *binding);

/* Check whether vgpu-shim.ko lies between transport and driver (see shim/). */
bool vgpu_shim_is_there(void);
bool vgpu_shim_is(const char *parameter, const char *value);
/* Write a parameter of vgpu-shim.ko; returns 0, or -errno of the operation that it starts. */
int vgpu_shim_set(const char *parameter, const char *value);

#endif
