/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_PAYLOAD_H
#define VGPU_PAYLOAD_H

#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uaccess.h>

struct shrinker;
struct virtio_gpu_mem_entry;

/* Order of the largest pieces: larger ones are rarely available, and save nothing. */
#define VGPU_PAYLOAD_MAX_ORDER	8

/**
 * struct vgpu_payload_spares - Free pieces of payloads, to be used again
 * @lock: protects @npages and @pieces; no code allocates while it holds the lock
 * @npages: number of pages in @pieces; written under @lock
 * @pieces: the pieces of each order
 * @shrinker: frees pieces when memory is short; constant
 */
struct vgpu_payload_spares {
	spinlock_t lock;
	unsigned long npages;
	struct list_head pieces[VGPU_PAYLOAD_MAX_ORDER + 1];
	struct shrinker *shrinker;
};

/**
 * struct vgpu_payload - Data behind a request, in few pieces
 * @spares: set that keeps the pieces afterwards
 * @size_bytes: amount of data
 * @nents: number of pieces
 * @sgl: the pieces, in lowmem
 */
struct vgpu_payload {
	struct vgpu_payload_spares *spares;
	u32 size_bytes;
	u32 nents;
	struct scatterlist sgl[];
};

/**
 * struct vgpu_payload_limits - Limits of the device for the data of a command
 * @spares: pieces to be used first
 * @max_entries: largest number of pieces
 * @max_entry_bytes: size of the largest piece, at least a page
 */
struct vgpu_payload_limits {
	struct vgpu_payload_spares *spares;
	u32 max_entries;
	size_t max_entry_bytes;
};

int vgpu_payload_spares_init(struct vgpu_payload_spares *spares);
void vgpu_payload_spares_fini(struct vgpu_payload_spares *spares);

struct vgpu_payload *vgpu_payload_create(const struct vgpu_payload_limits *limits,
					 size_t size_bytes);
void vgpu_payload_destroy(struct vgpu_payload *payload);
int vgpu_payload_copy_from_user(struct vgpu_payload *payload, const void __user *from);

void vgpu_payload_write_entries(struct virtio_gpu_mem_entry *entries,
				const struct sg_table *pages, bool use_dma);
struct vgpu_payload *vgpu_payload_from_pages(const struct vgpu_payload_limits *limits,
					     const struct sg_table *pages, bool use_dma);

/*
 * Read a few words from user space: 0 or -EFAULT. copy_from_user() spends more on its checks than
 * on so small a copy.
 */
static inline int vgpu_payload_read_words(u32 *to, const u32 __user *from, u32 count)
{
	u32 i;

	if (!user_read_access_begin(from, count * sizeof(*from)))
		return -EFAULT;
	for (i = 0; i < count; i++)
		unsafe_get_user(to[i], from + i, err_end);
	user_read_access_end();
	return 0;

err_end:
	user_read_access_end();
	return -EFAULT;
}

/* Count the entries that a list of pages, mapped for the device, takes on the wire. */
static inline unsigned int vgpu_payload_count_entries(const struct sg_table *pages, bool use_dma)
{
	return use_dma ? pages->nents : pages->orig_nents;
}

#endif
