/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Models: tests/models/spin/screen.pml. */
#ifndef VGPU_SCREEN_H
#define VGPU_SCREEN_H

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "kms/vgpu_damage.h"
#include "protocol/vgpu_cmd.h"

struct drm_framebuffer;
struct vgpu_device;

/**
 * struct vgpu_screen - What an output shows, and what the host was told
 * @owner: is told of commands that fail
 * @vgpu: the device; constant
 * @id: the host's number of the output; constant
 * @timeline: of the fences of updates; constant
 * @generation: counts the times the host may have forgotten, from 1, so the first update sends all
 * @update: makes a postponed update
 * @on_finished: callback on @last that queues @update; added and removed under @lock
 * @resend: sends @told again (see the quirk in vgpu_screen.c)
 * @lock: protects what follows; held while an update is posted
 * @last: fence of the newest flush, referenced; NULL if there is none
 * @due: when the frame of the newest flush is over, in jiffies
 * @fb: the framebuffer, or NULL; the plane has the reference, and replaces @fb before it drops it
 * @src: the shown part of @fb, in pixels
 * @damage: what changed since the last update, in pixels of @fb
 * @history: how recent the host's copies of the shown framebuffers are
 * @told: what the host was last told to show
 * @told_generation: value of @generation that @history and @told belong to
 * @resend_ms: the delay of @resend
 */
struct vgpu_screen {
	struct vgpu_cmd_owner owner;
	struct vgpu_device *vgpu;
	u32 id;
	struct vgpu_timeline *timeline;
	atomic64_t generation;
	struct delayed_work update;
	struct dma_fence_cb on_finished;
	struct delayed_work resend;
	struct mutex lock;
	struct dma_fence *last;
	unsigned long due;
	struct drm_framebuffer *fb;
	struct drm_rect src;
	struct vgpu_damage damage;
	struct vgpu_damage_history history;
	struct virtio_gpu_set_scanout_blob told;
	u64 told_generation;
	unsigned int resend_ms;
};

/* Get a counter that changes whenever the host state must be sent again; never 0. */
static inline u64 vgpu_screen_generation(const struct vgpu_screen *screen)
{
	return atomic64_read(&screen->generation);
}

/* Note that the host may show something else than it was told, in any context. */
static inline void vgpu_screen_forget(struct vgpu_screen *screen)
{
	atomic64_inc(&screen->generation);
}

int vgpu_screen_init(struct vgpu_screen *screen, struct vgpu_device *vgpu, u32 id);
struct dma_fence *vgpu_screen_last_fence(struct vgpu_screen *screen);
bool vgpu_screen_is_early(struct vgpu_screen *screen);

void vgpu_screen_show(struct vgpu_screen *screen, struct drm_framebuffer *fb,
		      const struct drm_rect *src, const struct vgpu_damage *damage,
		      struct vgpu_fence *done);
void vgpu_screen_blank(struct vgpu_screen *screen);
void vgpu_screen_drop_resource(struct vgpu_screen *screen, u32 res_id);

#endif
