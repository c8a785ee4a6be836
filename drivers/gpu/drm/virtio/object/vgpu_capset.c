// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: capsets
 *
 * A capset describes the capabilities of one of the host's renderers. Probe sends GET_CAPSET_INFO
 * for each capset and waits for a limited time; a capset that the host describes later is available
 * from then on. The driver sends GET_CAPSET when a client first asks for a version of a capset.
 *
 * A command holds the answer to it, so the driver keeps the commands. It drops a GET_CAPSET that
 * failed, and sends another one for the next client.
 *
 * Models in tests/models/: litmus/capset-version.litmus.
 */

#include <linux/mutex.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "object/vgpu_base.h"
#include "object/vgpu_capset.h"
#include "protocol/vgpu_cmd.h"

/* Hosts have half a dozen capsets. If a device claims more than this, the rest is ignored. */
#define VGPU_CAPSETS_MAX	64

/* Versions of one capset that clients can ask for; known clients use one or two. */
#define VGPU_CAPSET_VERSIONS_MAX	16

/**
 * struct vgpu_capset_version - A version of a capset that a client has asked for
 * @version: the version
 * @get: GET_CAPSET, which holds the data
 */
struct vgpu_capset_version {
	u32 version;
	struct vgpu_cmd *get;
};

/**
 * struct vgpu_capset - A capset
 * @get_info: GET_CAPSET_INFO, which holds the description once the host has answered; constant
 * @nr_versions: how many of @versions the host has answered; these are constant. Grows under
 *               &vgpu_capsets.lock, read without a lock
 * @versions: versions that clients have asked for. The next one may hold the command of a client
 *            whose wait was interrupted; protected by &vgpu_capsets.lock
 */
struct vgpu_capset {
	struct vgpu_cmd *get_info;
	unsigned int nr_versions;
	struct vgpu_capset_version versions[VGPU_CAPSET_VERSIONS_MAX];
};

/**
 * struct vgpu_capsets - All capsets of a device
 * @lock: acquired interruptibly, since it is held while a client waits for the data of a capset
 * @count: length of @sets, constant
 * @sets: the capsets that the device claims to have
 */
struct vgpu_capsets {
	struct mutex lock;
	unsigned int count;
	struct vgpu_capset sets[] __counted_by(count);
};

static void vgpu_capsets_release(struct drm_device *drm, void *ptr)
{
	struct vgpu_capsets *capsets = ptr;
	unsigned int i, k;

	for (i = 0; i < capsets->count; i++) {
		vgpu_cmd_put(capsets->sets[i].get_info);
		for (k = 0; k < VGPU_CAPSET_VERSIONS_MAX; k++)
			vgpu_cmd_put(capsets->sets[i].versions[k].get);
	}
}

static int vgpu_capsets_add(struct vgpu_device *vgpu)
{
	struct vgpu_capsets *capsets = vgpu->capsets;
	struct vgpu_capset_info info;
	struct vgpu_cmd *cmd;
	int ret;

	cmd = vgpu_cmd_get_capset_info(vgpu->cmdq, capsets->count);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);

	capsets->count++;
	capsets->sets[capsets->count - 1].get_info = cmd;
	ret = vgpu_cmd_call(cmd);
	if (ret == -EINTR)
		return ret;

	if (!vgpu_cmd_read_capset_info(cmd, &info))
		drm_dbg(&vgpu->drm, "capset %u: version %u, %u bytes\n", info.id,
			info.max_version, info.max_bytes);
	return 0;
}

/**
 * vgpu_capsets_init() - Ask the host to describe its capsets
 * @vgpu: the device, started; what is allocated lives as long as it
 * @num_capsets: number of capsets in the device's configuration
 *
 * A host that does not answer in time, or answers with an error, does not fail the call.
 *
 * Context: process, may sleep; waits for the host.
 * Return: 0; -ENOMEM; -EINTR.
 */
int vgpu_capsets_init(struct vgpu_device *vgpu, u32 num_capsets)
{
	struct vgpu_capsets *capsets;
	int ret;

	if (num_capsets > VGPU_CAPSETS_MAX) {
		drm_err(&vgpu->drm, "device claims %u capsets, using the first %u\n", num_capsets,
			VGPU_CAPSETS_MAX);
		num_capsets = VGPU_CAPSETS_MAX;
	}

	capsets = drmm_kzalloc(&vgpu->drm, struct_size(capsets, sets, num_capsets), GFP_KERNEL);
	if (!capsets)
		return -ENOMEM;
	vgpu->capsets = capsets;

	ret = drmm_mutex_init(&vgpu->drm, &capsets->lock);
	if (!ret)
		ret = drmm_add_action_or_reset(&vgpu->drm, vgpu_capsets_release, capsets);
	while (!ret && capsets->count < num_capsets)
		ret = vgpu_capsets_add(vgpu);
	return ret;
}

/**
 * vgpu_capsets_mask() - Get the ids of the capsets that the host has described
 * @vgpu: the device
 *
 * Context: any.
 * Return: a mask in which bit N stands for the capset with the id N.
 */
u64 vgpu_capsets_mask(const struct vgpu_device *vgpu)
{
	const struct vgpu_capsets *capsets = vgpu->capsets;
	struct vgpu_capset_info info;
	unsigned int i;
	u64 mask = 0;

	for (i = 0; i < capsets->count; i++)
		if (!vgpu_cmd_read_capset_info(capsets->sets[i].get_info, &info))
			mask |= BIT_ULL(info.id);
	return mask;
}

static struct vgpu_capset *vgpu_capset_find(struct vgpu_capsets *capsets, u32 id,
					    struct vgpu_capset_info *info)
{
	struct vgpu_capset *set = capsets->sets, *end = set + capsets->count;

	for (; set < end; set++)
		if (!vgpu_cmd_read_capset_info(set->get_info, info) && info->id == id)
			return set;
	return NULL;
}

static struct vgpu_capset_version *vgpu_capset_find_version(struct vgpu_capset *set, u32 version)
{
	/* Pairs with the release in vgpu_capset_fetch_locked(): the data is seen, too. */
	unsigned int count = smp_load_acquire(&set->nr_versions);
	struct vgpu_capset_version *v = set->versions;

	for (; count; count--, v++)
		if (v->version == version)
			return v;
	return NULL;
}

/* Get a version from the host, after the version that an interrupted caller has asked for. */
static int vgpu_capset_fetch_locked(struct vgpu_device *vgpu, struct vgpu_capset *set,
				    const struct vgpu_capset_info *info, u32 version)
{
	struct vgpu_capset_version *v;
	struct vgpu_cmd *cmd;
	int ret;

	lockdep_assert_held(&vgpu->capsets->lock);

	do {
		if (set->nr_versions == VGPU_CAPSET_VERSIONS_MAX)
			return -EINVAL;
		v = &set->versions[set->nr_versions];
		if (!v->get) {
			cmd = vgpu_cmd_get_capset(vgpu->cmdq, info->id, version, info->max_bytes);
			if (IS_ERR(cmd))
				return PTR_ERR(cmd);
			vgpu_cmd_send(cmd, NULL);
			v->version = version;
			v->get = cmd;
		}

		ret = vgpu_cmd_await(v->get, MAX_SCHEDULE_TIMEOUT);
		if (ret == -ERESTARTSYS)
			return ret;
		if (ret) {
			vgpu_cmd_put(v->get);
			v->get = NULL;
		} else {
			/* Pairs with the acquire in vgpu_capset_find_version(). */
			smp_store_release(&set->nr_versions, set->nr_versions + 1);
		}
	} while (v->version != version);
	return ret;
}

/**
 * vgpu_capset_get() - Get the data of a capset, from the host if it is not known yet
 * @vgpu: the device
 * @id: VIRTIO_GPU_CAPSET_*
 * @version: version of the capset
 * @size_bytes: set to the size of the data
 *
 * Context: process, may sleep; waits interruptibly for the host if the data is not known yet.
 * Return: the data, which lives as long as the device; or an error pointer: -ENOSYS without
 * capsets; -EINVAL if the host has no such capset or version, or clients have asked for too many
 * versions; -ENOMEM; -ERESTARTSYS when interrupted; or an errno of vgpu_cmd_await().
 */
const void *vgpu_capset_get(struct vgpu_device *vgpu, u32 id, u32 version, u32 *size_bytes)
{
	struct vgpu_capsets *capsets = vgpu->capsets;
	struct vgpu_capset_version *v;
	struct vgpu_capset_info info;
	struct vgpu_capset *set;
	int ret;

	set = vgpu_capset_find(capsets, id, &info);
	if (!set || version > info.max_version) {
		drm_dbg(&vgpu->drm, "host has no capset %u of version %u\n", id, version);
		return ERR_PTR(vgpu_capsets_mask(vgpu) ? -EINVAL : -ENOSYS);
	}

	while (!(v = vgpu_capset_find_version(set, version))) {
		if (mutex_lock_interruptible(&capsets->lock))
			return ERR_PTR(-ERESTARTSYS);
		/* Another caller may have got it meanwhile. */
		ret = vgpu_capset_find_version(set, version) ? 0 :
		      vgpu_capset_fetch_locked(vgpu, set, &info, version);
		mutex_unlock(&capsets->lock);
		if (ret)
			return ERR_PTR(ret);
	}

	*size_bytes = info.max_bytes;
	return vgpu_cmd_capset_data(v->get);
}
