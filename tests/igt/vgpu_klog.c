// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vgpu_klog.h"
#include "vgpu_test.h"

struct vgpu_klog {
	int fd;
};

static const char *const splats[] = {
	"WARNING: ", "BUG: ", "kernel BUG at", "Oops", "general protection fault",
	"INFO: task ", "UBSAN: ", "KASAN", "Out of memory",
	"refcount_t: ", "list_add corruption", "list_del corruption",
};

struct vgpu_klog *vgpu_klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct vgpu_klog *klog;

	if (fd < 0)
		return NULL;
	klog = calloc(1, sizeof(*klog));
	if (!klog) {
		close(fd);
		return NULL;
	}
	lseek(fd, 0, SEEK_END);
	klog->fd = fd;
	return klog;
}

void vgpu_klog_close(struct vgpu_klog *klog)
{
	if (!klog)
		return;
	close(klog->fd);
	free(klog);
}

void vgpu_klog_note(struct vgpu_klog *klog, const char *program,
		    const char *subtest)
{
	if (klog)
		dprintf(klog->fd, "<6>[IGT] %s: starting subtest %s\n", program,
			subtest);
}

static bool is_splat(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(splats); i++)
		if (strstr(text, splats[i]))
			return true;
	return false;
}

bool vgpu_klog_has_splat(struct vgpu_klog *klog)
{
	char record[8192];
	bool found = false;
	ssize_t len;

	if (!klog)
		return false;
	for (;;) {
		char *text;

		len = read(klog->fd, record, sizeof(record) - 1);
		if (len < 0 && errno == EPIPE)
			continue;	/* The log has overwritten unread records. */
		if (len <= 0)
			break;
		record[len] = '\0';
		text = strchr(record, ';');
		if (!text || !is_splat(text))
			continue;
		printf("kernel log: %s", text + 1);
		found = true;
	}

	return found;
}
