// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vgpu_kernel.h"
#include "vgpu_test.h"

#define TRACEFS "/sys/kernel/tracing"
#define INSTANCE TRACEFS "/instances/vgpu"

char *vgpu_kernel_read(const char *path)
{
	FILE *file = fopen(path, "re"), *copy;
	char *text = NULL;
	size_t size;
	int c;

	if (!file)
		return NULL;
	copy = open_memstream(&text, &size);
	vgpu_assert(copy);
	while ((c = fgetc(file)) != EOF)
		fputc(c, copy);
	fclose(copy);
	fclose(file);
	return text;
}

char *vgpu_kernel_debugfs(const char *name)
{
	static const char mark[] = "virtio-gpu-features";
	char path[512], *text = NULL;
	glob_t marks;

	if (glob("/sys/kernel/debug/dri/*/virtio-gpu-features", 0, NULL, &marks))
		return NULL;
	for (size_t i = 0; i < marks.gl_pathc && !text; i++) {
		snprintf(path, sizeof(path), "%.*s%s",
			 (int)(strlen(marks.gl_pathv[i]) - strlen(mark)), marks.gl_pathv[i], name);
		text = vgpu_kernel_read(path);
	}
	globfree(&marks);
	return text;
}

void vgpu_kernel_write(const char *path, const char *text)
{
	int fd = vgpu_sys(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));

	vgpu_assert_eq(vgpu_sys(write(fd, text, strlen(text))), (long long)strlen(text));
	close(fd);
}

static void enable(const char *event, const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), INSTANCE "/events/%s/enable", event);
	vgpu_kernel_write(path, value);
}

bool vgpu_kernel_trace(const char *event)
{
	char path[160];

	snprintf(path, sizeof(path), TRACEFS "/events/%s/enable", event);
	if (access(path, F_OK) || (mkdir(INSTANCE, 0700) && errno != EEXIST))
		return false;
	vgpu_kernel_write(INSTANCE "/trace", "");
	enable(event, "1");
	return true;
}

char *vgpu_kernel_traced(const char *event)
{
	char *trace;

	enable(event, "0");
	trace = vgpu_kernel_read(INSTANCE "/trace");
	vgpu_assert(trace);
	vgpu_sys(rmdir(INSTANCE));
	return trace;
}

unsigned int vgpu_kernel_filter(char *trace, const char *word, const char *other)
{
	unsigned int count = 0;
	char *kept = trace;

	for (char *end; *trace; trace = end) {
		size_t length;

		end = strchrnul(trace, '\n');
		end += *end == '\n';
		length = (size_t)(end - trace);
		if (!memmem(trace, length, word, strlen(word)) &&
		    !(other && memmem(trace, length, other, strlen(other))))
			continue;
		memmove(kept, trace, length);
		kept += length;
		count++;
	}
	*kept = 0;
	return count;
}
