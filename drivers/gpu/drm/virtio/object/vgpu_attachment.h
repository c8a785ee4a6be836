/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_ATTACHMENT_H
#define VGPU_ATTACHMENT_H

#include <linux/atomic.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct drm_file;
struct drm_gem_object;
struct vgpu_context;
struct vgpu_gem;
struct vgpu_submitq;
struct vgpu_submitq_entry;

/* Buckets of &vgpu_attachments.by_id, as a power of 2. */
#define VGPU_ATTACHMENT_HASH_BITS	7

/**
 * struct vgpu_attachments - The resources that a context may use
 * @lock: protects @by_id, @leaving and the order of ATTACH and DETACH on the wire; taken inside
 *        of &vgpu_context.lock and of reservations
 * @by_id: the attachments, by the ids of their resources
 * @leaving: attachments whose DETACH was posted, oldest first
 * @nr_detached: counts posted DETACHs; changes under the reservation of the buffer. EXECBUFFER
 *               looks up buffers by their handles and then locks their reservations. If the
 *               counter has not changed in between, the buffers are still attached
 */
struct vgpu_attachments {
	struct mutex lock;
	DECLARE_HASHTABLE(by_id, VGPU_ATTACHMENT_HASH_BITS);
	struct list_head leaving;
	atomic_t nr_detached;
};

void vgpu_attachments_init(struct vgpu_attachments *attachments);
void vgpu_attachments_post_locked(struct vgpu_context *ctx);
void vgpu_attachments_close(struct vgpu_attachments *attachments);

struct vgpu_submitq_entry *vgpu_attachment_prepare_turn(struct vgpu_gem *gem,
							struct vgpu_submitq *sq);
int vgpu_attachment_open(struct drm_gem_object *obj, struct drm_file *file);
void vgpu_attachment_close(struct drm_gem_object *obj, struct drm_file *file);

#endif
