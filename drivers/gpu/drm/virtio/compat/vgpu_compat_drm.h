/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_DRM_H
#define VGPU_COMPAT_DRM_H

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_fbdev_shmem.h>
#include <drm/drm_gem_shmem_helper.h>

#ifndef DRM_FBDEV_SHMEM_DRIVER_OPS
/* Without .fbdev_probe, drm_fbdev_shmem_setup() sets up the console. */
#define DRM_FBDEV_SHMEM_DRIVER_OPS	.fbdev_probe = NULL
#endif

#if VGPU_HAVE_DRIVER_DATE
#define VGPU_COMPAT_DRIVER_DATE	.date = "0",
#else
#define VGPU_COMPAT_DRIVER_DATE
#endif

#if VGPU_HAVE_GEM_GET_UNMAPPED_AREA
#define VGPU_COMPAT_GEM_FOPS	.get_unmapped_area = drm_gem_get_unmapped_area,
#else
#define VGPU_COMPAT_GEM_FOPS
#endif

#if !VGPU_HAVE_GEM_HUGE_MNT
/* Buffers get large pages only if the administrator enables them for shared memory. */
static inline int drm_gem_huge_mnt_create(struct drm_device *drm, const char *value)
{
	return 0;
}
#endif

/* Check whether the pages are pinned once, and neither mapped nor used in any other way. */
#if VGPU_HAVE_SHMEM_PIN_COUNT
static inline bool vgpu_compat_shmem_has_one_user(const struct drm_gem_shmem_object *shmem)
{
	return refcount_read(&shmem->pages_use_count) == 1 &&
	       refcount_read(&shmem->pages_pin_count) == 1;
}
#else
static inline bool vgpu_compat_shmem_has_one_user(const struct drm_gem_shmem_object *shmem)
{
	return shmem->pages_use_count == 1;
}
#endif

#if VGPU_HAVE_WEDGED_EVENT
/* Unless @is_final, the driver recovers by itself and the event names no recovery method. */
static inline void vgpu_compat_wedged_event(struct drm_device *drm, bool is_final)
{
	drm_dev_wedged_event(drm, is_final ? DRM_WEDGE_RECOVERY_REBIND :
					     DRM_WEDGE_RECOVERY_NONE, NULL);
}
#else
static inline void vgpu_compat_wedged_event(struct drm_device *drm, bool is_final)
{
}
#endif

#endif
