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

#define PAGE 4096ull

/* The kernel takes milliseconds to unmap more than this. */
#define PIECE (4ull << 20)

/** struct budget_trash - memory that is no longer in use, unmapped from its end */
struct budget_trash {
	struct budget_trash *next;
	u8 *p;
	u64 len;
	int fd;
};

/* Small objects cost a page, so that there are not too many of them to free at once. */
static u64 budget_pages(u64 bytes)
{
	return (MAX(bytes, 1u) + PAGE - 1) & ~(PAGE - 1);
}

/**
 * budget_charge - Charge memory
 * @b: the budget
 * @bytes: how much
 *
 * Return: false when that is more than is left.
 */
bool budget_charge(struct budget *b, u64 bytes)
{
	if (b->used > b->limit || bytes > b->limit - b->used)
		return false;
	b->used += bytes;
	return true;
}

/**
 * budget_release - Undo budget_charge()
 * @b: the budget
 * @bytes: as many as were charged
 */
void budget_release(struct budget *b, u64 bytes)
{
	b->used -= bytes;
}

/**
 * budget_alloc - Charge and allocate zeroed memory
 * @b: the budget
 * @n: number of elements, any number
 * @size: bytes of each
 *
 * Return: the memory, for budget_free(); NULL when it is refused.
 */
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

/**
 * budget_free - Give memory back
 * @b: the budget
 * @p: memory of budget_alloc(), or NULL
 * @bytes: its size
 */
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

/**
 * budget_file - Charge and map a memory file
 * @b: the budget
 * @bytes: its size, not 0
 * @fd: set to the file
 *
 * Return: its memory, for budget_file_close(); NULL when it is refused.
 */
void *budget_file(struct budget *b, u64 bytes, int *fd)
{
	void *p = MAP_FAILED;

	*fd = -1;
	if (b->files >= b->max_files || bytes > b->limit ||
	    !budget_charge(b, budget_pages(bytes)))
		return NULL;
	*fd = memfd_create("vgpu-blob", MFD_CLOEXEC);
	if (*fd >= 0 && !ftruncate(*fd, budget_pages(bytes)))
		p = mmap(NULL, budget_pages(bytes), PROT_READ | PROT_WRITE, MAP_SHARED,
			 *fd, 0);
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

/**
 * budget_file_close - Give a memory file back
 * @b: the budget
 * @p: its memory
 * @bytes: its size
 * @fd: the file
 */
void budget_file_close(struct budget *b, void *p, u64 bytes, int fd)
{
	budget_release(b, budget_pages(bytes));
	budget_discard(b, p, bytes, fd);
	if (bytes <= PIECE)
		budget_sweep(b);
}

/**
 * budget_sweep - Unmap a piece of what was given back
 * @b: the budget
 *
 * Return: true when there is more.
 */
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
