// SPDX-License-Identifier: MIT
/*
 * Guest memory. Nothing else in the program turns a guest address into a
 * pointer, and nothing keeps such a pointer across a message of the front
 * end: the memory table can change at any of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gmem.h"

static void gmem_drop(struct gmem_region *r)
{
	if (r->map) {
		munmap(r->map, r->map_len);
		close(r->fd);
	}
	memset(r, 0, sizeof(*r));
}

/**
 * gmem_clear - Forget and unmap all regions
 * @gm: guest memory
 */
void gmem_clear(struct gmem *gm)
{
	for (unsigned int i = 0; i < gm->n; i++)
		gmem_drop(&gm->r[i]);
	gm->n = 0;
}

static bool gmem_overlaps(const struct gmem *gm, u64 gpa, u64 size)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		const struct gmem_region *r = &gm->r[i];

		if (gpa < r->gpa + r->size && r->gpa < gpa + size)
			return true;
	}
	return false;
}

/**
 * gmem_add_ptr - Add a region that is already mapped
 * @gm: guest memory
 * @gpa: guest physical address
 * @uva: front end's virtual address
 * @size: bytes
 * @host: our address of it
 *
 * Return: 0, or -EINVAL, -ENOSPC, -EEXIST (overlap).
 */
int gmem_add_ptr(struct gmem *gm, u64 gpa, u64 uva, u64 size, void *host)
{
	if (!size || gpa + size < gpa || uva + size < uva)
		return -EINVAL;
	if (gm->n == GMEM_MAX_REGIONS)
		return -ENOSPC;
	if (gmem_overlaps(gm, gpa, size))
		return -EEXIST;
	gm->r[gm->n++] = (struct gmem_region){
		.gpa = gpa, .uva = uva, .size = size, .host = host,
	};
	return 0;
}

/**
 * gmem_add_fd - Map a region of a file and add it
 * @gm: guest memory
 * @gpa: guest physical address
 * @uva: front end's virtual address
 * @size: bytes
 * @offset: of the region in the file
 * @fd: the file, still the caller's to close
 *
 * Return: 0 or a negative errno; -EFBIG when the file is shorter than it
 * claims, which would be a SIGBUS later.
 */
int gmem_add_fd(struct gmem *gm, u64 gpa, u64 uva, u64 size, u64 offset, int fd)
{
	struct gmem_region *r;
	struct stat st;
	void *map;
	int ret;

	if (!size || offset + size < offset || offset + size > INT64_MAX)
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode) && (u64)st.st_size < offset + size)
		return -EFBIG;
	map = mmap(NULL, offset + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	/* A core of this process must not be as large as the guest. */
	madvise(map, offset + size, MADV_DONTDUMP);
	ret = gmem_add_ptr(gm, gpa, uva, size, (u8 *)map + offset);
	if (ret) {
		munmap(map, offset + size);
		return ret;
	}
	r = &gm->r[gm->n - 1];
	r->map = map;
	r->map_len = offset + size;
	r->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

/**
 * gmem_remove - Forget one region
 * @gm: guest memory
 * @gpa: guest physical address it was added with
 * @uva: front end's virtual address it was added with
 * @size: its bytes
 *
 * Return: 0, or -ENOENT.
 */
int gmem_remove(struct gmem *gm, u64 gpa, u64 uva, u64 size)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		struct gmem_region *r = &gm->r[i];

		if (r->gpa != gpa || r->uva != uva || r->size != size)
			continue;
		gmem_drop(r);
		*r = gm->r[--gm->n];
		return 0;
	}
	return -ENOENT;
}

/**
 * gmem_uva - Find our address of a range the front end names by its own
 * @gm: guest memory
 * @uva: front end's virtual address
 * @len: bytes, all of which must lie in one region
 *
 * Return: the pointer, or NULL.
 */
void *gmem_uva(const struct gmem *gm, u64 uva, u64 len)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		const struct gmem_region *r = &gm->r[i];

		if (uva >= r->uva && uva - r->uva < r->size &&
		    len <= r->size - (uva - r->uva))
			return r->host + (uva - r->uva);
	}
	return NULL;
}

static u8 *gmem_chunk(const struct gmem *gm, u64 gpa, u64 *avail)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		const struct gmem_region *r = &gm->r[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size) {
			*avail = r->size - (gpa - r->gpa);
			return r->host + (gpa - r->gpa);
		}
	}
	return NULL;
}

/**
 * gmem_file - Find the file a range of guest memory is from
 * @gm: guest memory
 * @gpa: guest physical address
 * @len: bytes, all of which must lie in one region
 * @offset: set to where in the file the range begins
 *
 * Return: the file, as long as the region is there; -1 when there is none.
 */
int gmem_file(const struct gmem *gm, u64 gpa, u64 len, u64 *offset)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		const struct gmem_region *r = &gm->r[i];

		if (!r->map || gpa < r->gpa || gpa - r->gpa >= r->size ||
		    len > r->size - (gpa - r->gpa))
			continue;
		*offset = (u64)(r->host - (u8 *)r->map) + (gpa - r->gpa);
		return r->fd;
	}
	return -1;
}

/**
 * gmem_valid - Whether all of a guest physical range is shared memory
 * @gm: guest memory
 * @gpa: guest physical address
 * @len: bytes; 0 is valid at an address that is
 *
 * Return: true when every byte is inside some region.
 */
bool gmem_valid(const struct gmem *gm, u64 gpa, u64 len)
{
	u64 avail;

	if (gpa + len < gpa)
		return false;
	do {
		if (!gmem_chunk(gm, gpa, &avail))
			return false;
		if (avail >= len)
			return true;
		gpa += avail;
		len -= avail;
	} while (len);
	return true;
}

/**
 * gmem_copy - Copy out of guest memory or into it
 * @gm: guest memory
 * @gpa: guest physical address
 * @p: memory of ours
 * @len: bytes
 * @to_guest: which way
 *
 * Return: true, or false (nothing copied) when part of it is not shared.
 */
bool gmem_copy(const struct gmem *gm, u64 gpa, void *p, u64 len, bool to_guest)
{
	u8 *ours = p;

	if (!gmem_valid(gm, gpa, len))
		return false;
	while (len) {
		u64 avail = 0;
		u8 *theirs = gmem_chunk(gm, gpa, &avail);
		u64 n = MIN(avail, len);

		memcpy(to_guest ? theirs : ours, to_guest ? ours : theirs, n);
		ours += n;
		gpa += n;
		len -= n;
	}
	return true;
}
