/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_KMS_H
#define VGPU_COMPAT_KMS_H

#include <linux/hrtimer.h>
#include <linux/highmem.h>
#include <linux/spinlock.h>

#include <drm/drm_atomic.h>
#include <drm/drm_crtc.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_panic.h>
#include <drm/drm_vblank.h>

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

#if VGPU_HAVE_VBLANK_TIMER
#include <drm/drm_vblank_helper.h>

struct vgpu_compat_crtc {
	struct drm_crtc base;
};

/* Get the time of the next tick, and the time between two ticks, 0 while the timer is stopped. */
static inline void vgpu_compat_vblank_timer(struct drm_crtc *crtc, ktime_t *next, ktime_t *frame)
{
	struct drm_vblank_crtc *vblank = &crtc->dev->vblank[drm_crtc_index(crtc)];

	*next = READ_ONCE(vblank->vblank_timer.timer.node.expires);
	*frame = READ_ONCE(vblank->vblank_timer.interval);
}

static inline void vgpu_compat_crtc_fini(struct drm_crtc *crtc)
{
}
#else
/**
 * struct vgpu_compat_crtc - A CRTC with a vblank timer of its own
 * @base: the CRTC
 * @timer: ticks once a frame while vblanks are enabled
 * @lock: protects @frame, and keeps a tick from forwarding @timer while it is started
 * @frame: duration of a frame in nanoseconds, 0 while stopped
 * @is_set_up: @timer is initialised
 */
struct vgpu_compat_crtc {
	struct drm_crtc base;
	struct hrtimer timer;
	spinlock_t lock;
	u64 frame;
	bool is_set_up;
};

static inline struct vgpu_compat_crtc *vgpu_compat_crtc(struct drm_crtc *crtc)
{
	return container_of(crtc, struct vgpu_compat_crtc, base);
}

static inline enum hrtimer_restart vgpu_compat_vblank_tick(struct hrtimer *timer)
{
	struct vgpu_compat_crtc *c = container_of(timer, struct vgpu_compat_crtc, timer);
	unsigned long flags;
	bool stopped;

	spin_lock_irqsave(&c->lock, flags);
	/* If the timer is queued, it was stopped and started again before this tick got here. */
	stopped = !c->frame || hrtimer_is_queued(timer);
	/* Set the next tick before the vblank, whose timestamp is computed from it. */
	if (!stopped)
		hrtimer_forward_now(timer, ns_to_ktime(c->frame));
	spin_unlock_irqrestore(&c->lock, flags);
	if (stopped || !drm_crtc_handle_vblank(&c->base))
		return HRTIMER_NORESTART;
	return HRTIMER_RESTART;
}

static inline int drm_crtc_vblank_helper_enable_vblank_timer(struct drm_crtc *crtc)
{
	struct vgpu_compat_crtc *c = vgpu_compat_crtc(crtc);
	struct drm_vblank_crtc *vblank = &crtc->dev->vblank[drm_crtc_index(crtc)];
	unsigned long flags;

	if (!c->is_set_up) {
		spin_lock_init(&c->lock);
		hrtimer_init(&c->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
		c->timer.function = vgpu_compat_vblank_tick;
		c->is_set_up = true;
	}
	drm_calc_timestamping_constants(crtc, &crtc->mode);
	if (vblank->framedur_ns <= 0)
		return -EINVAL;
	/* A tick that still runs may wait for locks of the core, so do not wait for the tick. */
	spin_lock_irqsave(&c->lock, flags);
	c->frame = vblank->framedur_ns;
	hrtimer_start(&c->timer, ns_to_ktime(c->frame), HRTIMER_MODE_REL);
	spin_unlock_irqrestore(&c->lock, flags);
	return 0;
}

static inline void drm_crtc_vblank_helper_disable_vblank_timer(struct drm_crtc *crtc)
{
	struct vgpu_compat_crtc *c = vgpu_compat_crtc(crtc);
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	c->frame = 0;
	spin_unlock_irqrestore(&c->lock, flags);
	/* Do not wait for a tick that runs: it may wait for locks of the core. It sees @frame 0. */
	hrtimer_try_to_cancel(&c->timer);
}

static inline void vgpu_compat_vblank_timer(struct drm_crtc *crtc, ktime_t *next, ktime_t *frame)
{
	struct vgpu_compat_crtc *c = vgpu_compat_crtc(crtc);

	*next = READ_ONCE(c->timer.node.expires);
	*frame = ns_to_ktime(READ_ONCE(c->frame));
}

/* Stop the timer of a CRTC that is being destroyed, so no caller starts it again. */
static inline void vgpu_compat_crtc_fini(struct drm_crtc *crtc)
{
	struct vgpu_compat_crtc *c = vgpu_compat_crtc(crtc);

	if (c->is_set_up)
		hrtimer_cancel(&c->timer);
}

#endif

#if VGPU_HAVE_PANIC_PAGES
static inline void vgpu_compat_panic_pages(struct drm_scanout_buffer *sb, struct page **pages)
{
	sb->pages = pages;
}
#else
/* Get the pages that drm_panic draws on. One slot is enough: it draws one screen at a time. */
static inline struct page ***vgpu_compat_panic_slot(void)
{
	static struct page **pages;

	return &pages;
}

static inline void vgpu_compat_panic_set_pixel(struct drm_scanout_buffer *sb, unsigned int x,
					       unsigned int y, u32 color)
{
	size_t at = (size_t)y * sb->pitch[0] + (size_t)x * sizeof(color);
	struct page *page = (*vgpu_compat_panic_slot())[at >> PAGE_SHIFT];

	/* In a panic a highmem page cannot be mapped, so its pixels are left out. */
	if (!PageHighMem(page))
		*(u32 *)(page_address(page) + offset_in_page(at)) = color;
}

static inline void vgpu_compat_panic_pages(struct drm_scanout_buffer *sb, struct page **pages)
{
	*vgpu_compat_panic_slot() = pages;
	sb->set_pixel = vgpu_compat_panic_set_pixel;
}
#endif

#endif
