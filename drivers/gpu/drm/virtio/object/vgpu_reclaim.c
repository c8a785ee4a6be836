// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: idle memory
 *
 * The host keeps the content of a texture, and the pages behind it serve transfers only:
 * most are never touched after the first upload, but they are pinned as long as the host
 * knows them. With the parameter "reclaim", the pages of idle textures can be reclaimed when
 * the guest is short of memory: the driver sends RESOURCE_DETACH_BACKING, and after the answer
 * the pages are plain shared memory, which the kernel may swap out. No content is lost. The
 * next command that names the buffer pins the pages again, and the driver sends
 * RESOURCE_ATTACH_BACKING ahead of the command.
 *
 * The shrinker leaves alone buffers that may still be accessed: buffers that the host reads or
 * writes at any time (blobs, and 3D buffers, to which the host writes the results of queries),
 * 2D resources, former framebuffers (a panic draws on them), and buffers that are busy, mapped or
 * shared. A client must list all buffers that a submission uses, as Mesa does.
 *
 * The shrinker only chooses buffers, since it runs wherever memory is allocated, under unknown
 * locks. It chooses buffers that it has found idle twice, with no use in between, and returns
 * the number of their pages. A worker sends the command, waits for the answer and unpins the
 * pages, unless the buffer has been used meanwhile.
 */

#include <linux/dma-resv.h>
#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include <drm/drm_gem.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_pages.h"
#include "object/vgpu_reclaim.h"
#include "protocol/vgpu_cmd.h"

static bool vgpu_reclaim_enabled;
module_param_named(reclaim, vgpu_reclaim_enabled, bool, 0444);
MODULE_PARM_DESC(reclaim, "Let idle textures be swapped out when memory is short (default off)");

/* Hosts accept at most this many backing entries, and each page from swap may need an entry. */
#define VGPU_RECLAIM_MAX_PAGES	16384

/**
 * struct vgpu_reclaim - Idle buffers of a device whose pages the shrinker may take
 * @shrinker: the shrinker that the kernel calls
 * @wq: runs @work even if there is no memory to create a thread
 * @work: detaches and unpins the pages of the buffers in @chosen
 * @lock: protects the fields below and &vgpu_gem.idle; the shrinker takes it, so no code allocates
 *        while it holds the lock
 * @watched: buffers whose pages the host has; the one checked last is at the end
 * @chosen: buffers that were chosen to lose their pages
 * @npages: number of pages of all watched and chosen buffers
 * @given_back: number of pages that were unpinned
 * @recalled: number of pages that were attached again
 */
struct vgpu_reclaim {
	struct shrinker *shrinker;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct mutex lock;
	struct list_head watched;
	struct list_head chosen;
	unsigned long npages;
	atomic64_t given_back;
	atomic64_t recalled;
};

static unsigned long vgpu_reclaim_npages(const struct vgpu_gem *gem)
{
	return gem->base.base.size >> PAGE_SHIFT;
}

static struct vgpu_reclaim *vgpu_reclaim_of(const struct vgpu_gem *gem)
{
	return gem->res.vgpu->reclaim;
}

/**
 * vgpu_reclaim_watch() - Let the shrinker take the pages of a buffer when it is idle
 * @gem: a buffer of any kind, its pages attached; not watched if its pages must stay
 *
 * Context: process, may sleep.
 */
void vgpu_reclaim_watch(struct vgpu_gem *gem)
{
	struct vgpu_reclaim *reclaim = vgpu_reclaim_of(gem);

	if (!reclaim || !gem->res.is_texture || vgpu_reclaim_npages(gem) > VGPU_RECLAIM_MAX_PAGES)
		return;
	guard(mutex)(&reclaim->lock);
	list_add_tail(&gem->idle, &reclaim->watched);
	WRITE_ONCE(reclaim->npages, reclaim->npages + vgpu_reclaim_npages(gem));
}

static void vgpu_reclaim_unlist_locked(struct vgpu_reclaim *reclaim, struct vgpu_gem *gem)
{
	lockdep_assert_held(&reclaim->lock);

	list_del_init(&gem->idle);
	WRITE_ONCE(reclaim->npages, reclaim->npages - vgpu_reclaim_npages(gem));
}

/**
 * vgpu_reclaim_unwatch() - Stop watching a buffer that is about to be freed
 * @gem: the buffer
 *
 * Context: process, may sleep.
 */
void vgpu_reclaim_unwatch(struct vgpu_gem *gem)
{
	struct vgpu_reclaim *reclaim = vgpu_reclaim_of(gem);

	if (!reclaim)
		return;
	guard(mutex)(&reclaim->lock);
	if (!list_empty(&gem->idle))
		vgpu_reclaim_unlist_locked(reclaim, gem);
}

static int vgpu_reclaim_fetch_locked(struct vgpu_gem *gem)
{
	struct sg_table *pages;
	int ret;

	dma_resv_assert_held(gem->base.base.resv);

	pages = vgpu_pages_get_locked(&gem->base);
	if (IS_ERR(pages))
		return PTR_ERR(pages);

	ret = vgpu_resource_attach(&gem->res, pages);
	if (ret) {
		vgpu_pages_put_locked(&gem->base, pages);
		return ret;
	}

	atomic64_add(vgpu_reclaim_npages(gem), &vgpu_reclaim_of(gem)->recalled);
	vgpu_reclaim_watch(gem);
	return 0;
}

/**
 * vgpu_reclaim_recall_locked() - Attach the pages of a buffer again after a detach
 * @gem: the buffer, its reservation locked
 *
 * Context: process, may sleep; does not wait for the host. The caller notifies the device.
 * Return: 0; or, with nothing changed: -ENOMEM; an error of vgpu_resource_attach().
 */
int vgpu_reclaim_recall_locked(struct vgpu_gem *gem)
{
	int ret = 0;

	dma_resv_assert_held(gem->base.base.resv);

	if (gem->backing == VGPU_GEM_LEAVING)
		ret = vgpu_resource_attach(&gem->res, gem->res.pages);
	else if (gem->backing == VGPU_GEM_AWAY)
		ret = vgpu_reclaim_fetch_locked(gem);
	if (!ret)
		gem->backing = VGPU_GEM_USED;
	return ret;
}

/**
 * vgpu_reclaim_exempt() - Keep the pages of a buffer attached from now on
 * @gem: the buffer
 *
 * Context: process, may sleep; does not wait for the host.
 * Return: 0; -ERESTARTSYS; or an error of vgpu_reclaim_recall_locked().
 */
int vgpu_reclaim_exempt(struct vgpu_gem *gem)
{
	struct dma_resv *resv = gem->base.base.resv;
	int ret;

	if (!vgpu_reclaim_of(gem))
		return 0;
	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		return ret;

	ret = vgpu_reclaim_use_locked(gem);
	if (!ret)
		gem->is_exempt = true;
	dma_resv_unlock(resv);
	vgpu_cmdq_kick(gem->res.vgpu->cmdq);
	return ret;
}

static bool vgpu_reclaim_is_idle_locked(struct vgpu_gem *gem)
{
	struct drm_gem_object *obj = &gem->base.base;

	dma_resv_assert_held(obj->resv);

	/*
	 * An importer that appears just now gets the pages when it needs them, as mappings do.
	 * The wait of 0 does not block, but unlike a test it enables the interrupt of the fence,
	 * without which an answered fence may stay unnoticed.
	 */
	return !gem->is_exempt && !data_race(obj->dma_buf) && !vgpu_resource_error(&gem->res) &&
	       vgpu_compat_shmem_has_one_user(&gem->base) &&
	       dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_BOOKKEEP, false, 0) > 0;
}

/* Unpin the pages of a buffer after the answer to DETACH, unless the host refused. */
static void vgpu_reclaim_settle_locked(struct vgpu_gem *gem, int error)
{
	dma_resv_assert_held(gem->base.base.resv);

	if (error) {
		/* The host may still have the pages: they stay, unwatched from now on. */
		drm_dbg(&gem->res.vgpu->drm, "cannot detach the pages of resource %u: %pe\n",
			gem->res.id, ERR_PTR(error));
		gem->backing = VGPU_GEM_USED;
	} else if (gem->backing == VGPU_GEM_LEAVING) {
		/* Transfers and mappings may have written to the pages. */
		gem->base.pages_mark_dirty_on_put = true;
		vgpu_pages_put_locked(&gem->base, gem->res.pages);
		vgpu_resource_set_pages(&gem->res, NULL);
		gem->backing = VGPU_GEM_AWAY;
		atomic64_add(vgpu_reclaim_npages(gem), &vgpu_reclaim_of(gem)->given_back);
	} else {
		vgpu_reclaim_watch(gem);
	}
}

/* Detach and unpin the pages of a chosen buffer, unless it has been used meanwhile. */
static void vgpu_reclaim_let_go(struct vgpu_gem *gem)
{
	struct dma_resv *resv = gem->base.base.resv;
	struct vgpu_cmd *cmd;
	int ret;

	dma_resv_lock(resv, NULL);
	if (gem->backing != VGPU_GEM_IDLE || !vgpu_reclaim_is_idle_locked(gem)) {
		vgpu_reclaim_watch(gem);
		dma_resv_unlock(resv);
		return;
	}

	cmd = vgpu_resource_send_detach(&gem->res);
	gem->backing = VGPU_GEM_LEAVING;
	dma_resv_unlock(resv);

	/* Not interrupted: workers get no signals. */
	ret = IS_ERR(cmd) ? PTR_ERR(cmd) : vgpu_cmd_await(cmd, MAX_SCHEDULE_TIMEOUT);
	vgpu_cmd_put(cmd);

	dma_resv_lock(resv, NULL);
	vgpu_reclaim_settle_locked(gem, ret);
	dma_resv_unlock(resv);
}

/* Get a chosen buffer, with a reference; NULL if there is none left. */
static struct vgpu_gem *vgpu_reclaim_next(struct vgpu_reclaim *reclaim)
{
	struct vgpu_gem *gem;

	guard(mutex)(&reclaim->lock);
	while (!list_empty(&reclaim->chosen)) {
		gem = list_first_entry(&reclaim->chosen, struct vgpu_gem, idle);
		vgpu_reclaim_unlist_locked(reclaim, gem);
		if (kref_get_unless_zero(&gem->base.base.refcount))
			return gem;
	}
	return NULL;
}

static void vgpu_reclaim_work(struct work_struct *work)
{
	struct vgpu_reclaim *reclaim = container_of(work, struct vgpu_reclaim, work);
	struct vgpu_gem *gem;

	while ((gem = vgpu_reclaim_next(reclaim))) {
		vgpu_reclaim_let_go(gem);
		vgpu_gem_put(gem);
	}
}

static unsigned long vgpu_reclaim_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vgpu_reclaim *reclaim = shrinker->private_data;

	return READ_ONCE(reclaim->npages);
}

/* Choose a buffer that was idle at the previous check too, and has not been used since. */
static bool vgpu_reclaim_choose_locked(struct vgpu_reclaim *reclaim, struct vgpu_gem *gem)
{
	struct dma_resv *resv = gem->base.base.resv;
	bool chosen = false;

	lockdep_assert_held(&reclaim->lock);

	list_move_tail(&gem->idle, &reclaim->watched);
	/* The allocation that called the shrinker may hold this reservation. */
	if (!dma_resv_trylock(resv))
		return false;

	if (gem->is_exempt) {
		vgpu_reclaim_unlist_locked(reclaim, gem);
	} else if (vgpu_reclaim_is_idle_locked(gem)) {
		chosen = gem->backing == VGPU_GEM_IDLE;
		gem->backing = VGPU_GEM_IDLE;
	}
	dma_resv_unlock(resv);

	if (chosen)
		list_move_tail(&gem->idle, &reclaim->chosen);
	return chosen;
}

static unsigned long vgpu_reclaim_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vgpu_reclaim *reclaim = shrinker->private_data;
	unsigned long seen = 0, chosen = 0, most;
	struct vgpu_gem *gem;

	mutex_lock(&reclaim->lock);
	most = min(sc->nr_to_scan, reclaim->npages);
	while (seen < most && !list_empty(&reclaim->watched)) {
		gem = list_first_entry(&reclaim->watched, struct vgpu_gem, idle);
		seen += vgpu_reclaim_npages(gem);
		if (vgpu_reclaim_choose_locked(reclaim, gem))
			chosen += vgpu_reclaim_npages(gem);
	}
	mutex_unlock(&reclaim->lock);

	if (chosen)
		queue_work(reclaim->wq, &reclaim->work);
	sc->nr_scanned = seen;
	return seen ? chosen : SHRINK_STOP;
}

static void vgpu_reclaim_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_reclaim *reclaim = ptr;

	shrinker_free(reclaim->shrinker);
	destroy_workqueue(reclaim->wq);
}

/**
 * vgpu_reclaim_init() - Register the shrinker, if the parameter "reclaim" is set
 * @vgpu: the device; what is allocated lives as long as it
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM.
 */
int vgpu_reclaim_init(struct vgpu_device *vgpu)
{
	struct vgpu_reclaim *reclaim;

	if (!vgpu_reclaim_enabled)
		return 0;
	reclaim = drmm_kzalloc(&vgpu->drm, sizeof(*reclaim), GFP_KERNEL);
	if (!reclaim)
		return -ENOMEM;

	INIT_WORK(&reclaim->work, vgpu_reclaim_work);
	mutex_init(&reclaim->lock);

	/* Teach lockdep the lock order of reclaim now, not only when memory is short. */
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&reclaim->lock);
	fs_reclaim_release(GFP_KERNEL);
	INIT_LIST_HEAD(&reclaim->watched);
	INIT_LIST_HEAD(&reclaim->chosen);

	reclaim->wq = alloc_workqueue("virtio_gpu-reclaim", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!reclaim->wq)
		return -ENOMEM;

	reclaim->shrinker = shrinker_alloc(0, "drm-virtio_gpu");
	if (!reclaim->shrinker) {
		destroy_workqueue(reclaim->wq);
		return -ENOMEM;
	}

	reclaim->shrinker->count_objects = vgpu_reclaim_count;
	reclaim->shrinker->scan_objects = vgpu_reclaim_scan;
	reclaim->shrinker->private_data = reclaim;

	vgpu->reclaim = reclaim;
	shrinker_register(reclaim->shrinker);
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_reclaim_release, reclaim);
}

/**
 * vgpu_reclaim_flush() - Wait until the worker has dealt with all chosen buffers
 * @vgpu: the device; its buffers have no users any more
 *
 * Context: process, may sleep.
 */
void vgpu_reclaim_flush(struct vgpu_device *vgpu)
{
	if (vgpu->reclaim)
		flush_work(&vgpu->reclaim->work);
}

/**
 * vgpu_reclaim_print() - Print how much memory can be reclaimed, and how much was
 * @vgpu: the device
 * @p: printer to write to
 *
 * Context: process.
 */
void vgpu_reclaim_print(struct vgpu_device *vgpu, struct drm_printer *p)
{
	struct vgpu_reclaim *reclaim = vgpu->reclaim;

	if (!reclaim) {
		drm_puts(p, "off\n");
		return;
	}
	drm_printf(p, "watched    %lu pages\n", READ_ONCE(reclaim->npages));
	drm_printf(p, "given back %lld pages\n", atomic64_read(&reclaim->given_back));
	drm_printf(p, "recalled   %lld pages\n", atomic64_read(&reclaim->recalled));
}
