// SPDX-License-Identifier: MIT
/*
 * lost-context: what a 3D client sees of a device that forgets everything. See help.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include <drm/virtgpu_drm.h>

static const char help[] =
	"usage: lost-context NODE\n"
	"Makes a context and a texture, uses them and prints \"ready\". For each line of standard\n"
	"input the device is to have been reset since: the context and the texture must answer EIO,\n"
	"those of a new file work, and \"lost\" is printed. But for \"alive\" they must still work, and\n"
	"for \"close\" the file is closed; \"alive\" and \"closed\" are printed.\n";

#define SIDE 16

/* Facts of the virgl protocol: a 2D texture of BGRA that can be drawn on; a command of no effect. */
#define TARGET_2D 2
#define FORMAT_B8G8R8A8 1
#define BIND_RENDER_TARGET (1 << 1)
static const uint32_t nop;

struct client {
	int fd;
	uint32_t texture;
};

static int result(const struct client *c, unsigned long request, void *arg)
{
	return drmIoctl(c->fd, request, arg) ? -errno : 0;
}

static int draw(const struct client *c)
{
	struct drm_virtgpu_execbuffer exec = {
		.size = sizeof(nop),
		.command = (uintptr_t)&nop,
		.bo_handles = (uintptr_t)&c->texture,
		.num_bo_handles = 1,
	};

	return result(c, DRM_IOCTL_VIRTGPU_EXECBUFFER, &exec);
}

static int read_back(const struct client *c)
{
	struct drm_virtgpu_3d_transfer_from_host transfer = {
		.bo_handle = c->texture,
		.box = { .w = SIDE, .h = SIDE, .d = 1 },
	};
	struct drm_virtgpu_3d_wait wait = { .handle = c->texture };
	int ret;

	ret = result(c, DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, &transfer);
	return ret ? ret : result(c, DRM_IOCTL_VIRTGPU_WAIT, &wait);
}

static void start(struct client *c, const char *node)
{
	struct drm_virtgpu_resource_create create = {
		.target = TARGET_2D,
		.format = FORMAT_B8G8R8A8,
		.bind = BIND_RENDER_TARGET,
		.width = SIDE,
		.height = SIDE,
		.depth = 1,
		.array_size = 1,
		.size = SIDE * SIDE * 4,
		.stride = SIDE * 4,
	};
	int ret;

	c->fd = open(node, O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		err(1, "%s", node);
	ret = result(c, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &create);
	c->texture = create.bo_handle;
	if (!ret)
		ret = draw(c);
	if (!ret)
		ret = read_back(c);
	if (ret)
		errx(1, "a new client does not work: %s", strerror(-ret));
}

static void check_lost(const struct client *c)
{
	int ret;

	ret = draw(c);
	if (ret != -EIO)
		errx(1, "EXECBUFFER of a lost context: %s", strerror(-ret));
	ret = read_back(c);
	if (ret != -EIO)
		errx(1, "TRANSFER_FROM_HOST of a lost texture: %s", strerror(-ret));
}

static void check_alive(const struct client *c)
{
	int ret = draw(c);

	if (!ret)
		ret = read_back(c);
	if (ret)
		errx(1, "a context that is not lost does not work: %s", strerror(-ret));
}

int main(int argc, char **argv)
{
	struct client old;
	char line[16];

	if (argc != 2 || !strcmp(argv[1], "--help")) {
		fputs(help, argc == 2 ? stdout : stderr);
		return argc == 2 ? 0 : 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	start(&old, argv[1]);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "alive\n")) {
			check_alive(&old);
			puts("alive");
			continue;
		}
		if (!strcmp(line, "close\n")) {
			close(old.fd);
			old.fd = -1;
			puts("closed");
			continue;
		}
		if (old.fd >= 0) {
			check_lost(&old);
			close(old.fd);
		}
		start(&old, argv[1]);
		puts("lost");
	}
	return 0;
}
