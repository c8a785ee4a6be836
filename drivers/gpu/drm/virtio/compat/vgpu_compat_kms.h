/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_KMS_H
#define VGPU_COMPAT_KMS_H

#include <linux/hrtimer.h>

#include <drm/drm_atomic.h>
#include <drm/drm_crtc.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_gem_framebuffer_helper.h>

/* The type of an atomic update. A macro, since drm_atomic_commit is also a function's name. */
#if VGPU_HAVE_ATOMIC_COMMIT
#define vgpu_compat_commit	drm_atomic_commit
#define vgpu_compat_commit_put	drm_atomic_commit_put
#else
#define vgpu_compat_commit	drm_atomic_state
#define vgpu_compat_commit_put	drm_atomic_state_put
#endif

/* VGPU_COMPAT_FB_CREATE(fn) defines fn_compat(), which is &drm_mode_config_funcs.fb_create. */
#if VGPU_HAVE_FB_CREATE_INFO
#define VGPU_COMPAT_FB_CREATE(fn)						\
static struct drm_framebuffer *							\
fn##_compat(struct drm_device *drm, struct drm_file *file,			\
	    const struct drm_format_info *info, const struct drm_mode_fb_cmd2 *cmd) \
{										\
	return fn(drm, file, info, cmd);					\
}
#else
#define VGPU_COMPAT_FB_CREATE(fn)						\
static struct drm_framebuffer *							\
fn##_compat(struct drm_device *drm, struct drm_file *file,			\
	    const struct drm_mode_fb_cmd2 *cmd)					\
{										\
	return fn(drm, file, drm_get_format_info(drm, cmd), cmd);		\
}

#define drm_gem_fb_create_with_dirty(drm, file, info, cmd) \
	((void)(info), drm_gem_fb_create_with_dirty(drm, file, cmd))
#endif

/* VGPU_COMPAT_ASYNC_CHECK(fn) defines fn_compat(), which is .atomic_async_check. */
#if VGPU_HAVE_ASYNC_CHECK_FLIP
#define VGPU_COMPAT_ASYNC_CHECK(fn)						\
static int fn##_compat(struct drm_plane *plane, struct vgpu_compat_commit *commit, \
		       bool flip)						\
{										\
	return fn(plane, commit, flip);						\
}
#else
#define VGPU_COMPAT_ASYNC_CHECK(fn)						\
static int fn##_compat(struct drm_plane *plane, struct vgpu_compat_commit *commit) \
{										\
	return fn(plane, commit, false);					\
}
#endif

#if !VGPU_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *timer),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif
