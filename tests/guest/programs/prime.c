// SPDX-License-Identifier: MIT
/*
 * prime: show a buffer of one device on a display of another. See help.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

static const char help[] =
	"usage: prime EXPORTER IMPORTER FILE\n"
	"Draws into a buffer of EXPORTER and shows it on the first display of IMPORTER. Keeps the picture in\n"
	"FILE, prints \"shown\", and exits at the end of standard input. If IMPORTER refuses the buffer, prints\n"
	"\"refused STEP ERRNO\" and exits.\n";

struct picture {
	uint32_t width, height, pitch;
	uint64_t size;
	uint8_t *pixels;
};

static int card(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* Create a buffer of @p's size, draw into it, and return a dma-buf. */
static int draw(int fd, struct picture *p)
{
	uint32_t handle, x, y;
	uint64_t offset;
	int dmabuf;

	if (drmModeCreateDumbBuffer(fd, p->width, p->height, 32, 0, &handle, &p->pitch, &p->size))
		err(1, "no buffer");
	if (drmModeMapDumbBuffer(fd, handle, &offset))
		err(1, "no offset");
	p->pixels = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (p->pixels == MAP_FAILED)
		err(1, "mmap");
	for (y = 0; y < p->height; y++) {
		uint32_t *row = (uint32_t *)(p->pixels + (size_t)y * p->pitch);

		for (x = 0; x < p->width; x++)
			row[x] = (x * 0x9e3779b1u ^ y * 0x85ebca77u) >> 8;
	}
	if (drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf))
		err(1, "the buffer is not exported");
	return dmabuf;
}

static void keep(const struct picture *p, const char *path)
{
	FILE *out = fopen(path, "w");
	uint32_t x, y;

	if (!out)
		err(1, "%s", path);
	fprintf(out, "P6\n%u %u\n255\n", p->width, p->height);
	for (y = 0; y < p->height; y++) {
		const uint32_t *row = (const uint32_t *)(p->pixels + (size_t)y * p->pitch);

		for (x = 0; x < p->width; x++) {
			const uint8_t rgb[] = { row[x] >> 16, row[x] >> 8, row[x] };

			fwrite(rgb, 1, 3, out);
		}
	}
	if (fclose(out))
		err(1, "%s", path);
}

static int refused(const char *step)
{
	printf("refused %s %s\n", step, strerrorname_np(errno));
	return 0;
}

int main(int argc, char **argv)
{
	struct picture p = { 0 };
	uint32_t handle, fb = 0;
	drmModeConnector *c;
	drmModeRes *res;
	int from, to, dmabuf;

	if (argc != 4) {
		fputs(help, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
		return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	from = card(argv[1]);
	to = card(argv[2]);
	res = drmModeGetResources(to);
	c = res ? drmModeGetConnector(to, res->connectors[0]) : NULL;
	if (!c || !c->count_modes)
		errx(1, "%s has no display", argv[2]);

	p.width = c->modes[0].hdisplay;
	p.height = c->modes[0].vdisplay;
	dmabuf = draw(from, &p);
	keep(&p, argv[3]);

	if (drmPrimeFDToHandle(to, dmabuf, &handle))
		return refused("import");
	if (drmModeAddFB(to, p.width, p.height, 24, 32, p.pitch, handle, &fb))
		return refused("framebuffer");
	if (drmModeSetCrtc(to, res->crtcs[0], fb, 0, 0, &c->connector_id, 1, &c->modes[0]))
		return refused("mode");
	puts("shown");
	while (getchar() != EOF)
		;
	return 0;
}
