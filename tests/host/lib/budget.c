// SPDX-License-Identifier: MIT
/*
 * Memory and files whose size or number the guest chooses. All of it is charged
 * to one budget, and an allocation the budget refuses is an error of the request.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "budget.h"
#include "log.h"

/* The kernel takes milliseconds to unmap more than this. */
#define PIECE (4ull << 20)

/* Memory that is no longer in use, unmapped from its end. */
struct budget_trash {
	struct budget_trash *next;
	u8 *p;
	u64 len;
	int fd;
};

/* Small objects cost a page, so that there are not too many of them to free at once. */
static u64 budget_pages(u64 bytes)
{
	return PAGES(MAX(bytes, 1u));
}

/* Charge memory. False: it is more than what is left. */
bool budget_charge(struct budget *b, u64 bytes)
{
	if (b->used > b->limit || bytes > b->limit - b->used)
		return false;
	b->used += bytes;
	return true;
}

void budget_release(struct budget *b, u64 bytes)
{
	b->used -= bytes;
}

/* Charge and allocate @n elements, any number, all zero. NULL: the budget refuses it. */
void *budget_alloc(struct budget *b, u64 n, u64 size)
{
	u64 bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > b->limit ||
	    !budget_charge(b, budget_pages(bytes)))
		return NULL;
	if (bytes <= PIECE) {
		p = calloc(1, MAX(bytes, 1u));
	} else {
		p = mmap(NULL, budget_pages(bytes), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		p = p == MAP_FAILED ? NULL : p;
	}
	if (!p)
		budget_release(b, budget_pages(bytes));
	return p;
}

static void budget_discard(struct budget *b, void *p, u64 bytes, int fd)
{
	struct budget_trash *t = xcalloc(1, sizeof(*t));

	*t = (struct budget_trash){ b->trash, p, budget_pages(bytes), fd };
	b->trash = t;
}

void budget_free(struct budget *b, void *p, u64 bytes)
{
	if (!p)
		return;
	budget_release(b, budget_pages(bytes));
	if (bytes <= PIECE)
		free(p);
	else
		budget_discard(b, p, bytes, -1);
}

/* Charge, make and map a memory file of @bytes, not 0. NULL: the budget refuses it. */
void *budget_file(struct budget *b, u64 bytes, int *fd)
{
	void *p = MAP_FAILED;

	*fd = -1;
	if (b->files >= b->max_files || bytes > b->limit ||
	    !budget_charge(b, budget_pages(bytes)))
		return NULL;
	*fd = memfd_create("vgpu-blob", MFD_CLOEXEC);
	if (*fd >= 0 && !ftruncate(*fd, budget_pages(bytes)))
		p = mmap(NULL, budget_pages(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p != MAP_FAILED) {
		b->files++;
		return p;
	}
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	budget_release(b, budget_pages(bytes));
	return NULL;
}

void budget_file_close(struct budget *b, void *p, u64 bytes, int fd)
{
	budget_release(b, budget_pages(bytes));
	budget_discard(b, p, bytes, fd);
	if (bytes <= PIECE)
		budget_sweep(b);
}

/* Unmap a piece of what was given back. Returns whether there is more. */
bool budget_sweep(struct budget *b)
{
	struct budget_trash *t = b->trash;
	u64 n;

	if (!t)
		return false;
	n = MIN(t->len, PIECE);
	t->len -= n;
	munmap(t->p + t->len, n);
	/* The front end may still show the file: it must not become shorter. */
	if (t->fd >= 0)
		fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, t->len, n);
	if (t->len)
		return true;
	if (t->fd >= 0) {
		close(t->fd);
		b->files--;
	}
	b->trash = t->next;
	free(t);
	return b->trash;
}
