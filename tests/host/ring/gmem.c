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

/* Forget and unmap all regions. */
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

/* Add a region that is mapped already. Returns 0, or -EINVAL, -ENOSPC, -EEXIST (overlap). */
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

/*
 * Map a region of a file, which stays the caller's to close, and add it. Returns 0 or a negative
 * errno: -EFBIG when the file is shorter than it claims, which would be a SIGBUS later.
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

/* Forget the region that was added with exactly these numbers. Returns 0 or -ENOENT. */
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

/* Find our address of a range in one region that the front end names by its own, or NULL. */
void *gmem_uva(const struct gmem *gm, u64 uva, u64 len)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		const struct gmem_region *r = &gm->r[i];

		if (uva >= r->uva && uva - r->uva < r->size && len <= r->size - (uva - r->uva))
			return r->host + (uva - r->uva);
	}
	return NULL;
}

/* The region an address is in, and the bytes from there to its end. */
static const struct gmem_region *gmem_find(const struct gmem *gm, u64 gpa, u64 *avail)
{
	for (unsigned int i = 0; i < gm->n; i++) {
		const struct gmem_region *r = &gm->r[i];

		*avail = r->size - (gpa - r->gpa);
		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			return r;
	}
	return NULL;
}

/*
 * Find the file that a range of guest memory, in one region, is from, and where in the file it
 * begins. It is open as long as the region is there. Returns -1 when there is none.
 */
int gmem_file(const struct gmem *gm, u64 gpa, u64 len, u64 *offset)
{
	u64 avail;
	const struct gmem_region *r = gmem_find(gm, gpa, &avail);

	if (!r || !r->map || len > avail)
		return -1;
	*offset = (u64)(r->host - (u8 *)r->map) + (gpa - r->gpa);
	return r->fd;
}

/* Check whether a guest physical range is shared; of an empty one, its address has to be. */
bool gmem_valid(const struct gmem *gm, u64 gpa, u64 len)
{
	u64 avail;

	if (gpa + len < gpa)
		return false;
	do {
		if (!gmem_find(gm, gpa, &avail))
			return false;
		gpa += avail;
		len -= MIN(avail, len);
	} while (len);
	return true;
}

/* Copy out of guest memory or into it. False: part is not shared, and nothing was copied. */
bool gmem_copy(const struct gmem *gm, u64 gpa, void *p, u64 len, bool to_guest)
{
	u8 *ours = p;

	if (!gmem_valid(gm, gpa, len))
		return false;
	while (len) {
		u64 avail;
		const struct gmem_region *r = gmem_find(gm, gpa, &avail);
		u8 *theirs = r->host + (gpa - r->gpa);
		u64 n = MIN(avail, len);

		memcpy(to_guest ? theirs : ours, to_guest ? ours : theirs, n);
		ours += n;
		gpa += n;
		len -= n;
	}
	return true;
}
