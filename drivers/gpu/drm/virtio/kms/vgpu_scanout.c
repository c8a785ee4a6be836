// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: scanouts
 *
 * A scanout records what the host was told to show on an output, so that a command is sent only
 * for a change. When the host may show something else (it refused a command, or was reset), the
 * scanout enters a new generation, and the next update sends everything again.
 *
 * QEMU's SDL window redraws some time after an output was switched off, and forgets what it
 * was told in between, so an output that is switched on again right away stays black. The delay
 * depends on the load of the host. So the first picture after none is sent again several times,
 * at growing intervals.
 */

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>

#include "kms/vgpu_scanout.h"
#include "object/vgpu_base.h"
#include "protocol/vgpu_cmd.h"

/* QEMU redraws a visible window 33 times a second, but later if the host is busy. */
#define VGPU_SCANOUT_AGAIN_FIRST_MS	100
#define VGPU_SCANOUT_AGAIN_LAST_MS	1600

/* Each time it is so much longer until the next. */
#define VGPU_SCANOUT_AGAIN_GROWTH	4

/**
 * struct vgpu_scanout - What the host was told to show on an output
 * @owner: hears of commands that fail
 * @ref: one for the output, one for each command under way: a command may outlive
 *       the device
 * @vgpu: the device; not for commands, which may outlive it
 * @id: the host's number of the output, constant
 * @generation: counts what made the host forget
 * @again: shows @picture once more
 * @lock: held while the host is told
 * @again_ms: after what time @again runs; protected by @lock
 * @told: generation of @picture; protected by @lock
 * @picture: what the host was last told to show; protected by @lock
 */
struct vgpu_scanout {
	struct vgpu_cmd_owner owner;
	struct kref ref;
	struct vgpu_device *vgpu;
	u32 id;
	atomic_t generation;
	struct delayed_work again;
	struct mutex lock;
	unsigned int again_ms;
	int told;
	struct vgpu_picture picture;
};

static struct vgpu_scanout *owner_to_scanout(struct vgpu_cmd_owner *owner)
{
	return container_of(owner, struct vgpu_scanout, owner);
}

static void vgpu_scanout_free(struct kref *ref)
{
	kfree(container_of(ref, struct vgpu_scanout, ref));
}

static void vgpu_scanout_owner_get(struct vgpu_cmd_owner *owner)
{
	kref_get(&owner_to_scanout(owner)->ref);
}

static void vgpu_scanout_owner_put(struct vgpu_cmd_owner *owner)
{
	vgpu_scanout_put(owner_to_scanout(owner));
}

static void vgpu_scanout_owner_outcome(struct vgpu_cmd_owner *owner, u32 type, int error)
{
	if (error)
		vgpu_scanout_forget(owner_to_scanout(owner));
}

static const struct vgpu_cmd_owner_ops vgpu_scanout_owner_ops = {
	.get = vgpu_scanout_owner_get,
	.put = vgpu_scanout_owner_put,
	.outcome = vgpu_scanout_owner_outcome,
};

/**
 * vgpu_picture_command() - Build the command that shows a picture
 * @q: the queues
 * @scanout_id: where to show it
 * @picture: what to show
 *
 * Return: the command.
 */
struct vgpu_cmd *vgpu_picture_command(struct vgpu_cmdq *q, u32 scanout_id,
				      const struct vgpu_picture *picture)
{
	if (picture->is_blob)
		return vgpu_cmd_set_scanout_blob(q, scanout_id, picture->res_id, &picture->rect,
						 &picture->blob);
	return vgpu_cmd_set_scanout(q, scanout_id, picture->res_id, &picture->rect);
}

/**
 * vgpu_scanout_flush() - Send RESOURCE_FLUSH for the changed part of a resource
 * @scanout: where it is shown
 * @res_id: the resource
 * @rect: the part that changed
 * @fence: signals when that is done; or NULL
 *
 * Context: process or the tail of a commit.
 */
void vgpu_scanout_flush(struct vgpu_scanout *scanout, u32 res_id, const struct vgpu_rect *rect,
			struct vgpu_fence *fence)
{
	vgpu_cmd_post_fenced(vgpu_cmd_flush(scanout->vgpu->cmdq, res_id, rect), &scanout->owner,
			     fence);
}

static void vgpu_scanout_tell_locked(struct vgpu_scanout *scanout)
{
	lockdep_assert_held(&scanout->lock);

	vgpu_cmd_post(vgpu_picture_command(scanout->vgpu->cmdq, scanout->id, &scanout->picture),
		      &scanout->owner);
}

static void vgpu_scanout_show_again_locked(struct vgpu_scanout *scanout, unsigned int again_ms)
{
	lockdep_assert_held(&scanout->lock);

	scanout->again_ms = again_ms;
	mod_delayed_work(scanout->vgpu->wq, &scanout->again, msecs_to_jiffies(again_ms));
}

static void vgpu_scanout_again(struct work_struct *work)
{
	struct vgpu_scanout *scanout = container_of(to_delayed_work(work), struct vgpu_scanout,
						    again);
	int idx;

	if (!drm_dev_enter(&scanout->vgpu->drm, &idx))
		return;
	vgpu_cmdq_begin_update(scanout->vgpu->cmdq, GFP_KERNEL | __GFP_NOFAIL);
	mutex_lock(&scanout->lock);
	/* If it was forgotten, the next update will do. */
	if (scanout->picture.res_id && scanout->told == atomic_read(&scanout->generation)) {
		vgpu_scanout_tell_locked(scanout);
		vgpu_scanout_flush(scanout, scanout->picture.res_id, &scanout->picture.rect, NULL);
		vgpu_cmdq_kick(scanout->vgpu->cmdq);
		if (scanout->again_ms < VGPU_SCANOUT_AGAIN_LAST_MS)
			vgpu_scanout_show_again_locked(scanout, scanout->again_ms *
						       VGPU_SCANOUT_AGAIN_GROWTH);
	}
	mutex_unlock(&scanout->lock);
	vgpu_cmdq_end_update(scanout->vgpu->cmdq);
	drm_dev_exit(idx);
}

/**
 * vgpu_scanout_create() - Create the scanout of an output
 * @vgpu: the device
 * @id: the host's number of the output
 *
 * Context: process, may sleep.
 * Return: the scanout, for vgpu_scanout_put(); NULL when memory is short.
 */
struct vgpu_scanout *vgpu_scanout_create(struct vgpu_device *vgpu, u32 id)
{
	struct vgpu_scanout *scanout;

	scanout = kzalloc(sizeof(*scanout), GFP_KERNEL);
	if (!scanout)
		return NULL;
	scanout->owner.ops = &vgpu_scanout_owner_ops;
	kref_init(&scanout->ref);
	scanout->vgpu = vgpu;
	scanout->id = id;
	/* Differs from @told, so the first update sends everything. */
	atomic_set(&scanout->generation, 1);
	mutex_init(&scanout->lock);
	INIT_DELAYED_WORK(&scanout->again, vgpu_scanout_again);
	return scanout;
}

/**
 * vgpu_scanout_get() - Take a reference to a scanout
 * @scanout: the scanout
 *
 * Return: @scanout.
 */
struct vgpu_scanout *vgpu_scanout_get(struct vgpu_scanout *scanout)
{
	kref_get(&scanout->ref);
	return scanout;
}

/**
 * vgpu_scanout_put() - Drop a reference to a scanout
 * @scanout: the scanout
 *
 * Context: any.
 */
void vgpu_scanout_put(struct vgpu_scanout *scanout)
{
	kref_put(&scanout->ref, vgpu_scanout_free);
}

/**
 * vgpu_scanout_stop() - Stop the work that shows a picture once more
 * @scanout: the scanout; shown for the last time
 *
 * Context: process, may sleep.
 */
void vgpu_scanout_stop(struct vgpu_scanout *scanout)
{
	cancel_delayed_work_sync(&scanout->again);
}

/**
 * vgpu_scanout_id() - Get the host's number of an output
 * @scanout: the scanout
 *
 * Return: the number.
 */
u32 vgpu_scanout_id(const struct vgpu_scanout *scanout)
{
	return scanout->id;
}

/**
 * vgpu_scanout_generation() - Get a counter that changes whenever the host state must be sent again
 * @scanout: the scanout
 *
 * Return: a number that changes when it has; never 0.
 */
unsigned int vgpu_scanout_generation(struct vgpu_scanout *scanout)
{
	return atomic_read(&scanout->generation);
}

/**
 * vgpu_scanout_forget() - Note that the host may show something else than it was told
 * @scanout: the scanout
 *
 * Context: any.
 */
void vgpu_scanout_forget(struct vgpu_scanout *scanout)
{
	/* The counter starts at 1 and stays odd, so it is never 0. */
	atomic_add(2, &scanout->generation);
}

/**
 * vgpu_scanout_hide() - Have the host show nothing in place of a resource
 * @scanout: the scanout, which may show something else
 * @res_id: the resource
 *
 * Context: process, may sleep; does not wait for the host, which is not told yet.
 */
void vgpu_scanout_hide(struct vgpu_scanout *scanout, u32 res_id)
{
	mutex_lock(&scanout->lock);
	if (scanout->picture.res_id == res_id) {
		scanout->picture = (struct vgpu_picture){};
		vgpu_scanout_tell_locked(scanout);
	}
	mutex_unlock(&scanout->lock);
}

/**
 * vgpu_scanout_show() - Have the host show a picture, unless it already does
 * @scanout: the scanout
 * @picture: the picture; padding is zero
 *
 * Context: process or the tail of a commit, between drm_dev_enter() and
 * drm_dev_exit().
 * Return: true when the host was told.
 */
bool vgpu_scanout_show(struct vgpu_scanout *scanout, const struct vgpu_picture *picture)
{
	int generation = atomic_read(&scanout->generation);
	bool is_new, was_off;

	mutex_lock(&scanout->lock);
	was_off = !scanout->picture.res_id;
	is_new = scanout->told != generation ||
		 memcmp(&scanout->picture, picture, sizeof(*picture));
	if (is_new) {
		scanout->told = generation;
		memcpy(&scanout->picture, picture, sizeof(*picture));
		vgpu_scanout_tell_locked(scanout);
	}
	if (was_off && picture->res_id)
		vgpu_scanout_show_again_locked(scanout, VGPU_SCANOUT_AGAIN_FIRST_MS);
	mutex_unlock(&scanout->lock);
	return is_new;
}
