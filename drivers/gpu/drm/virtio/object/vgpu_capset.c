// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: capsets
 *
 * What the host's renderers can do. The list of capsets is read once, when the
 * device is probed; the data of one when it is first asked for, and then kept.
 * Only an answer that was checked is kept, so a query that failed can be tried
 * again.
 */

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_capset.h"
#include "protocol/vgpu_cmd.h"

/* Hosts have half a dozen; one that says more is not believed. */
#define VGPU_CAPSETS_MAX	64

/* Versions of one capset that are kept; user space asks for one or two. */
#define VGPU_CAPSET_VERSIONS_MAX	16

/**
 * struct vgpu_capset_data - One version of a capset
 * @node: entry of &vgpu_capset.versions
 * @version: which
 * @data: as the host gave it
 */
struct vgpu_capset_data {
	struct list_head node;
	u32 version;
	u8 data[];
};

/**
 * struct vgpu_capset - A capset
 * @info: the answer to GET_CAPSET_INFO, constant
 * @versions: data known; entries are constant once listed and stay
 * @num_versions: length of @versions
 * @asked: the GET_CAPSET of a caller that was interrupted, or NULL
 * @asked_version: which version it is for
 */
struct vgpu_capset {
	struct vgpu_capset_info info;
	struct list_head versions;
	unsigned int num_versions;
	struct vgpu_cmd *asked;
	u32 asked_version;
};

/**
 * struct vgpu_capsets - All capsets of a device
 * @lock: protects the lists of versions and what was asked; held, interruptibly, while
 *        the host is waited for
 * @mask: ids of the capsets, bit by bit; constant
 * @count: how many, constant
 * @sets: the capsets
 */
struct vgpu_capsets {
	struct mutex lock;
	u64 mask;
	unsigned int count;
	struct vgpu_capset sets[] __counted_by(count);
};

static void vgpu_capset_forget_question(struct vgpu_capset *set)
{
	if (set->asked)
		vgpu_cmd_put(set->asked);
	set->asked = NULL;
}

static void vgpu_capsets_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_capset_data *data, *next;
	struct vgpu_capsets *capsets = ptr;
	unsigned int i;

	for (i = 0; i < capsets->count; i++) {
		vgpu_capset_forget_question(&capsets->sets[i]);
		list_for_each_entry_safe(data, next, &capsets->sets[i].versions, node)
			kfree(data);
	}
	mutex_destroy(&capsets->lock);
}

/**
 * vgpu_capsets_init() - Ask the host for its list of capsets
 * @vgpu: the device, started; what is allocated lives as long as it
 * @num_capsets: what the device's configuration says
 *
 * A capset that the host does not describe is left out, also if the host does not answer.
 *
 * Context: process, may sleep; waits for the host.
 * Return: 0; -ENOMEM; -EINTR.
 */
int vgpu_capsets_init(struct vgpu_device *vgpu, u32 num_capsets)
{
	struct vgpu_capset_info info;
	struct vgpu_capsets *capsets;
	struct vgpu_capset *set;
	u32 i;
	int ret;

	if (num_capsets > VGPU_CAPSETS_MAX) {
		drm_err(&vgpu->drm, "device claims %u capsets, looking at %u\n", num_capsets,
			VGPU_CAPSETS_MAX);
		num_capsets = VGPU_CAPSETS_MAX;
	}
	capsets = drmm_kzalloc(&vgpu->drm, struct_size(capsets, sets, num_capsets), GFP_KERNEL);
	if (!capsets)
		return -ENOMEM;
	mutex_init(&capsets->lock);
	vgpu->capsets = capsets;
	for (i = 0; i < num_capsets; i++) {
		ret = vgpu_cmd_get_capset_info(vgpu->cmdq, i, &info);
		if (ret == -EINTR || ret == -ENOMEM)
			return ret;
		if (ret || capsets->mask & BIT_ULL(info.id))
			continue;
		capsets->mask |= BIT_ULL(info.id);
		set = &capsets->sets[capsets->count++];
		set->info = info;
		INIT_LIST_HEAD(&set->versions);
		drm_dbg(&vgpu->drm, "capset %u: version %u, %u bytes\n", info.id,
			info.max_version, info.max_bytes);
	}
	return drmm_add_action_or_reset(&vgpu->drm, vgpu_capsets_release, capsets);
}

/**
 * vgpu_capsets_mask() - Get the set of capset ids that the host has
 * @vgpu: the device
 *
 * Return: a bit for each id.
 */
u64 vgpu_capsets_mask(const struct vgpu_device *vgpu)
{
	return vgpu->capsets->mask;
}

/**
 * vgpu_capsets_count() - Get how many capsets the host has
 * @vgpu: the device
 *
 * Return: the number.
 */
unsigned int vgpu_capsets_count(const struct vgpu_device *vgpu)
{
	return vgpu->capsets->count;
}

static struct vgpu_capset *vgpu_capset_find(struct vgpu_capsets *capsets, u32 id, u32 version)
{
	struct vgpu_capset *set;

	for (set = capsets->sets; set < capsets->sets + capsets->count; set++)
		if (set->info.id == id && set->info.max_version >= version)
			return set;
	return NULL;
}

/* Without the lock: entries come, complete, and never go. */
static struct vgpu_capset_data *vgpu_capset_data_of(struct vgpu_capset *set, u32 version)
{
	struct vgpu_capset_data *data;

	list_for_each_entry_lockless(data, &set->versions, node)
		if (data->version == version)
			return data;
	return NULL;
}

/* Send GET_CAPSET, unless an interrupted caller has already sent it. */
static int vgpu_capset_ask_locked(struct vgpu_device *vgpu, struct vgpu_capset *set, u32 version)
{
	struct vgpu_cmd *cmd;

	lockdep_assert_held(&vgpu->capsets->lock);

	if (set->asked && set->asked_version == version)
		return 0;
	vgpu_capset_forget_question(set);
	cmd = vgpu_cmd_get_capset(vgpu->cmdq, set->info.id, version, set->info.max_bytes);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	vgpu_cmd_send(cmd, NULL);
	set->asked = cmd;
	set->asked_version = version;
	return 0;
}

static int vgpu_capset_keep_answer_locked(struct vgpu_capsets *capsets, struct vgpu_capset *set,
					  struct vgpu_capset_data **kept)
{
	struct vgpu_capset_data *data;

	lockdep_assert_held(&capsets->lock);

	data = kmalloc(struct_size(data, data, set->info.max_bytes), GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	data->version = set->asked_version;
	vgpu_cmd_read_capset(set->asked, data->data, set->info.max_bytes);
	list_add_tail_rcu(&data->node, &set->versions);
	set->num_versions++;
	*kept = data;
	return 0;
}

static int vgpu_capset_fetch_locked(struct vgpu_device *vgpu, struct vgpu_capset *set,
				    u32 version, struct vgpu_capset_data **fetched)
{
	int ret;

	lockdep_assert_held(&vgpu->capsets->lock);

	/* Another caller may have fetched it before this one got the lock. */
	*fetched = vgpu_capset_data_of(set, version);
	if (*fetched)
		return 0;
	if (set->num_versions == VGPU_CAPSET_VERSIONS_MAX)
		return -EINVAL;
	ret = vgpu_capset_ask_locked(vgpu, set, version);
	if (ret)
		return ret;
	ret = vgpu_cmd_await(set->asked);
	if (ret == -ERESTARTSYS)
		return ret;
	if (!ret)
		ret = vgpu_capset_keep_answer_locked(vgpu->capsets, set, fetched);
	vgpu_capset_forget_question(set);
	return ret;
}

/**
 * vgpu_capset_get() - Get the data of a capset, from the host if it is not cached
 * @vgpu: the device
 * @id: which capset
 * @version: which version of it
 * @data: set to the data, which stays as long as the device
 * @size_bytes: set to its size
 *
 * Context: process, may sleep; waits for the host when first asked, interruptibly.
 * Return: 0; -ENOSYS when there are no capsets; -EINVAL when there is not this one, or
 * not this version; -ENOMEM; -ERESTARTSYS when interrupted; or an errno of
 * vgpu_cmd_await().
 */
int vgpu_capset_get(struct vgpu_device *vgpu, u32 id, u32 version, const void **data,
		    u32 *size_bytes)
{
	struct vgpu_capset *set = vgpu_capset_find(vgpu->capsets, id, version);
	struct vgpu_capset_data *found;
	int ret;

	if (!set) {
		drm_dbg(&vgpu->drm, "no capset %u of version %u\n", id, version);
		return vgpu->capsets->count ? -EINVAL : -ENOSYS;
	}
	found = vgpu_capset_data_of(set, version);
	if (!found) {
		if (mutex_lock_interruptible(&vgpu->capsets->lock))
			return -ERESTARTSYS;
		ret = vgpu_capset_fetch_locked(vgpu, set, version, &found);
		mutex_unlock(&vgpu->capsets->lock);
		if (ret)
			return ret;
	}
	*data = found->data;
	*size_bytes = set->info.max_bytes;
	return 0;
}
