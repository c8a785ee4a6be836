// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: CONTEXT_INIT
 *
 * Once per file, before another ioctl creates the file's context, user space selects the
 * renderer, the number of rings, and the rings that send events.
 */

#include <linux/uaccess.h>

#include <drm/drm_file.h>

#include "object/vgpu_base.h"
#include "object/vgpu_capset.h"
#include "object/vgpu_context.h"
#include "object/vgpu_contexts.h"
#include "protocol/vgpu_cmd.h"
#include "uapi/drm/virtgpu_drm.h"
#include "uapi/vgpu_ioctl.h"

/* There are four parameters, and each may be given once. */
#define VGPU_CONTEXT_INIT_MAX_PARAMS	4

static int vgpu_context_init_name(u64 value, struct vgpu_context_params *params)
{
	long length;

	length = strncpy_from_user(params->name, u64_to_user_ptr(value), sizeof(params->name));
	if (length < 0)
		return -EFAULT;
	/* Truncate instead of failing: Mesa passes the process name, whatever its length. */
	params->name[sizeof(params->name) - 1] = 0;
	return 0;
}

static int vgpu_context_init_param(struct vgpu_device *vgpu, u64 param, u64 value,
				   struct vgpu_context_params *params)
{
	switch (param) {
	case VIRTGPU_CONTEXT_PARAM_CAPSET_ID:
		if (value > VGPU_WIRE_CAPSET_MAX_ID || !(vgpu_capsets_mask(vgpu) & BIT_ULL(value)))
			return vgpu_refuse(&vgpu->drm, EINVAL,
					   "CAPSET_ID: the host has no capset %llu\n", value);
		params->capset_id = value;
		return 0;
	case VIRTGPU_CONTEXT_PARAM_NUM_RINGS:
		if (value > VGPU_CONTEXT_MAX_RINGS)
			return vgpu_refuse(&vgpu->drm, EINVAL, "NUM_RINGS: %llu is more than %u\n",
					   value, VGPU_CONTEXT_MAX_RINGS);
		params->num_rings = value;
		return 0;
	case VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK:
		params->poll_mask = value;
		return 0;
	case VIRTGPU_CONTEXT_PARAM_DEBUG_NAME:
		return vgpu_context_init_name(value, params);
	default:
		return vgpu_refuse(&vgpu->drm, EINVAL, "param: %llu is unknown\n", param);
	}
}

static int vgpu_context_init_read(struct vgpu_device *vgpu, const struct vgpu_context *ctx,
				  const struct drm_virtgpu_context_init *args,
				  struct vgpu_context_params *params)
{
	struct drm_virtgpu_context_set_param list[VGPU_CONTEXT_INIT_MAX_PARAMS];
	u64 seen = 0;
	u32 i;
	int ret;

	if (copy_from_user(list, u64_to_user_ptr(args->ctx_set_params),
			   array_size(args->num_params, sizeof(*list))))
		return -EFAULT;

	/* Before the parameters are checked: libraries rely on -EEXIST to share a context. */
	if (vgpu_context_state(ctx) != VGPU_CONTEXT_NEW)
		return -EEXIST;

	for (i = 0; i < args->num_params; i++) {
		ret = vgpu_context_init_param(vgpu, list[i].param, list[i].value, params);
		if (ret)
			return ret;
		if (seen & BIT_ULL(list[i].param))
			return vgpu_refuse(&vgpu->drm, EINVAL, "param: %llu is given twice\n",
					   list[i].param);
		seen |= BIT_ULL(list[i].param);
	}
	return 0;
}

/**
 * vgpu_context_init_ioctl() - Handle DRM_IOCTL_VIRTGPU_CONTEXT_INIT
 * @drm: the device
 * @data: struct drm_virtgpu_context_init
 * @file: the client
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -EINVAL if the device does not support CONTEXT_INIT, and for a parameter that is
 * unknown, out of range or given twice; -EEXIST if the context was created before; -EFAULT;
 * -ENOMEM; -ERESTARTSYS; -EIO or -ENODEV if the device is lost.
 */
int vgpu_context_init_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vgpu_context_params params = {};
	struct drm_virtgpu_context_init *args = data;
	struct vgpu_device *vgpu = to_vgpu(drm);
	int ret;

	if (!vgpu->features.context_init || !vgpu->features.virgl)
		return vgpu_refuse(drm, EINVAL, "CONTEXT_INIT not supported by this device\n");
	if (args->num_params > VGPU_CONTEXT_INIT_MAX_PARAMS)
		return vgpu_refuse(drm, EINVAL, "num_params: %u is too many\n", args->num_params);

	ret = vgpu_context_init_read(vgpu, vgpu_context_of(file), args, &params);
	if (ret)
		return ret;
	if (params.num_rings < VGPU_CONTEXT_MAX_RINGS && params.poll_mask >> params.num_rings)
		return vgpu_refuse(drm, EINVAL, "POLL_RINGS_MASK: a bit exceeds NUM_RINGS %u\n",
				   params.num_rings);

	ret = vgpu_context_throttle(vgpu_context_of(file), VGPU_BUDGET_RING_WORK);
	if (ret)
		return ret;
	ret = vgpu_context_setup(vgpu_context_of(file), &params);
	if (!ret)
		vgpu_cmdq_kick(vgpu->cmdq);
	return ret ?: vgpu_cmdq_error(vgpu->cmdq);
}
