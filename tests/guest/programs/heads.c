// SPDX-License-Identifier: MIT
/*
 * heads: show a different moving picture on each connected display of a device, and
 * follow what the host plugs in, takes away and resizes. See help.
 *
 * Every picture is drawn into one of two buffers of a head that take turns; the next
 * flip is asked for when the last one is done, on each head for itself. What a head
 * shows is thus known to the pixel at any moment at which the program stands still.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#define MAX_HEADS 16

/* Rows that are drawn anew for each frame. */
#define STRIPE 16

static const char help[] =
	"usage: heads NODE\n"
	"Flips on every connected display of NODE. Commands, a line each, on standard input:\n"
	"  show PREFIX  stand still, keep what head N shows in PREFIX-N.ppm, print for each head\n"
	"               \"head N WIDTHxHEIGHT FRAMES-SHOWN SUGGESTED-X,Y MODE-UPDATE\" (\"-\" is no such\n"
	"               property), then \"end\"\n"
	"  go           flip on\n"
	"  frames N     print \"frames N\" when each head has shown N more\n"
	"When the host plugs something in or out, prints \"hotplug\" and sets new modes.\n";

struct buffer {
	uint32_t handle, fb, pitch;
	uint64_t size;
	uint8_t *pixels;
};

struct head {
	uint32_t connector_id, crtc_id;
	uint32_t width, height;
	bool on, flipping;
	unsigned int number, front, frames, wanted;
	struct buffer buffers[2];
};

struct state {
	int fd, uevents;
	drmModeRes *res;
	unsigned int num_heads;
	bool still;
	char show[256];
	unsigned int frames;
	struct head heads[MAX_HEADS];
};

static uint32_t pixel(const struct head *h, unsigned int x, unsigned int y, unsigned int salt)
{
	uint32_t v = x * 0x9e3779b1u ^ y * 0x85ebca77u ^ (h->number + 1) * 0xc2b2ae3du ^ salt * 0x27d4eb2fu;

	return (v ^ v >> 15) & 0xffffff;
}

static void draw(const struct head *h, const struct buffer *b, unsigned int top, unsigned int rows,
		 unsigned int salt)
{
	unsigned int x, y;

	for (y = top; y < top + rows && y < h->height; y++) {
		uint32_t *row = (uint32_t *)(b->pixels + (size_t)y * b->pitch);

		for (x = 0; x < h->width; x++)
			row[x] = pixel(h, x, y, salt);
	}
}

static void buffer_create(const struct state *s, const struct head *h, struct buffer *b)
{
	uint64_t offset;

	if (drmModeCreateDumbBuffer(s->fd, h->width, h->height, 32, 0, &b->handle, &b->pitch, &b->size))
		err(1, "no buffer of %ux%u", h->width, h->height);
	if (drmModeAddFB(s->fd, h->width, h->height, 24, 32, b->pitch, b->handle, &b->fb))
		err(1, "no framebuffer");
	if (drmModeMapDumbBuffer(s->fd, b->handle, &offset))
		err(1, "no offset");
	b->pixels = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, offset);
	if (b->pixels == MAP_FAILED)
		err(1, "mmap");
}

static void buffer_destroy(const struct state *s, struct buffer *b)
{
	munmap(b->pixels, b->size);
	drmModeRmFB(s->fd, b->fb);
	drmModeDestroyDumbBuffer(s->fd, b->handle);
}

/* Draw the next frame into the buffer that is not shown, and have it shown. */
static void head_flip(struct state *s, struct head *h)
{
	struct buffer *b = &h->buffers[!h->front];
	unsigned int frame = h->frames + 1;

	draw(h, b, frame * STRIPE % h->height, STRIPE, frame);
	if (drmModePageFlip(s->fd, h->crtc_id, b->fb, DRM_MODE_PAGE_FLIP_EVENT, h))
		err(1, "head %u does not flip", h->number);
	h->flipping = true;
}

static void head_on(struct state *s, struct head *h, drmModeModeInfo *mode)
{
	unsigned int i;

	h->width = mode->hdisplay;
	h->height = mode->vdisplay;
	for (i = 0; i < 2; i++) {
		buffer_create(s, h, &h->buffers[i]);
		draw(h, &h->buffers[i], 0, h->height, 0);
	}
	h->front = 0;
	if (drmModeSetCrtc(s->fd, h->crtc_id, h->buffers[0].fb, 0, 0, &h->connector_id, 1, mode))
		err(1, "head %u: mode %s is not set", h->number, mode->name);
	h->on = true;
}

static void flipped(int fd, unsigned int sequence, unsigned int sec, unsigned int usec, void *data)
{
	struct head *h = data;

	(void)fd;
	(void)sequence;
	(void)sec;
	(void)usec;
	h->flipping = false;
	h->front = !h->front;
	h->frames++;
}

static void read_flips(struct state *s)
{
	drmEventContext context = { .version = 2, .page_flip_handler = flipped };

	if (drmHandleEvent(s->fd, &context))
		err(1, "events of the device");
}

static void drain(struct state *s, const struct head *h)
{
	while (h->flipping)
		read_flips(s);
}

static void head_off(struct state *s, struct head *h)
{
	unsigned int i;

	drain(s, h);
	if (drmModeSetCrtc(s->fd, h->crtc_id, 0, 0, 0, NULL, 0, NULL))
		err(1, "head %u is not switched off", h->number);
	for (i = 0; i < 2; i++)
		buffer_destroy(s, &h->buffers[i]);
	h->on = false;
}

/* Compare a head with what the host wants now. */
static void head_probe(struct state *s, struct head *h)
{
	drmModeConnector *c = drmModeGetConnector(s->fd, h->connector_id);
	bool wanted;

	if (!c)
		err(1, "no connector %u", h->connector_id);
	wanted = c->connection == DRM_MODE_CONNECTED && c->count_modes > 0;
	/* The preferred mode comes first. */
	if (h->on && (!wanted || c->modes[0].hdisplay != h->width || c->modes[0].vdisplay != h->height))
		head_off(s, h);
	if (wanted && !h->on)
		head_on(s, h, &c->modes[0]);
	drmModeFreeConnector(c);
}

static void probe(struct state *s)
{
	unsigned int i;

	for (i = 0; i < s->num_heads; i++)
		head_probe(s, &s->heads[i]);
}

/* The value of a property of an output as text, or "-" if it has no such property. */
static const char *property(const struct state *s, const struct head *h, const char *name, char *text, size_t size)
{
	drmModeObjectProperties *all;
	uint32_t i;

	snprintf(text, size, "-");
	all = drmModeObjectGetProperties(s->fd, h->connector_id, DRM_MODE_OBJECT_CONNECTOR);
	for (i = 0; all && i < all->count_props; i++) {
		drmModePropertyRes *p = drmModeGetProperty(s->fd, all->props[i]);

		if (p && !strcmp(p->name, name))
			snprintf(text, size, "%d", (int)all->prop_values[i]);
		drmModeFreeProperty(p);
	}
	drmModeFreeObjectProperties(all);
	return text;
}

static void keep(const struct head *h, const char *path)
{
	const struct buffer *b = &h->buffers[h->front];
	FILE *out = fopen(path, "w");
	unsigned int x, y;

	if (!out)
		err(1, "%s", path);
	fprintf(out, "P6\n%u %u\n255\n", h->width, h->height);
	for (y = 0; y < h->height; y++) {
		const uint8_t *p = b->pixels + (size_t)y * b->pitch;

		for (x = 0; x < h->width; x++, p += 4) {
			const uint8_t rgb[] = { p[2], p[1], p[0] };

			fwrite(rgb, 1, 3, out);
		}
	}
	if (fclose(out))
		err(1, "%s", path);
}

/* Everything stands still: say and keep what is shown. */
static void show(struct state *s)
{
	char path[512], x[24], y[24], update[24];
	unsigned int i;

	for (i = 0; i < s->num_heads; i++) {
		struct head *h = &s->heads[i];

		if (!h->on)
			continue;
		drain(s, h);
		snprintf(path, sizeof(path), "%s-%u.ppm", s->show, h->number);
		keep(h, path);
		printf("head %u %ux%u %u %s,%s %s\n", h->number, h->width, h->height, h->frames,
		       property(s, h, "suggested X", x, sizeof(x)), property(s, h, "suggested Y", y, sizeof(y)),
		       property(s, h, "hotplug_mode_update", update, sizeof(update)));
	}
	puts("end");
}

static bool command(struct state *s)
{
	char line[300];
	unsigned int i;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "show %255s", s->show) == 1) {
		s->still = true;
		show(s);
	} else if (!strcmp(line, "go")) {
		s->still = false;
	} else if (sscanf(line, "frames %u", &s->frames) == 1) {
		for (i = 0; i < s->num_heads; i++)
			s->heads[i].wanted = s->heads[i].frames + s->frames;
	} else {
		errx(2, "unknown command: %s", line);
	}
	return true;
}

/* "frames N" is answered when no head lacks any. */
static void answer_frames(struct state *s)
{
	unsigned int i;

	if (!s->frames)
		return;
	for (i = 0; i < s->num_heads; i++) {
		if (s->heads[i].on && s->heads[i].frames < s->heads[i].wanted)
			return;
	}
	printf("frames %u\n", s->frames);
	s->frames = 0;
}

static void read_uevents(struct state *s)
{
	char text[8192];
	ssize_t size;
	bool ours = false;

	while ((size = recv(s->uevents, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
		char *p;

		text[size] = '\0';
		for (p = text; p < text + size; p += strlen(p) + 1)
			ours |= !strcmp(p, "HOTPLUG=1");
	}
	if (!ours)
		return;
	puts("hotplug");
	probe(s);
}

static void run(struct state *s)
{
	struct pollfd fds[] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = s->uevents, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	unsigned int i;

	for (;;) {
		for (i = 0; i < s->num_heads && !s->still; i++) {
			if (s->heads[i].on && !s->heads[i].flipping)
				head_flip(s, &s->heads[i]);
		}
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			err(1, "poll");
		if (fds[0].revents)
			read_flips(s);
		answer_frames(s);
		if (fds[1].revents)
			read_uevents(s);
		if (fds[2].revents && !command(s))
			return;
	}
}

static void find_heads(struct state *s)
{
	int i;

	s->res = drmModeGetResources(s->fd);
	if (!s->res)
		err(1, "no modesetting");
	if (s->res->count_connectors > s->res->count_crtcs || s->res->count_connectors > MAX_HEADS)
		errx(1, "%d connectors, %d CRTCs", s->res->count_connectors, s->res->count_crtcs);
	/* Output and CRTC of the same number belong together. */
	for (i = 0; i < s->res->count_connectors; i++) {
		s->heads[i].number = i;
		s->heads[i].connector_id = s->res->connectors[i];
		s->heads[i].crtc_id = s->res->crtcs[i];
	}
	s->num_heads = s->res->count_connectors;
}

int main(int argc, char **argv)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	static struct state s;

	if (argc != 2 || !strcmp(argv[1], "--help")) {
		fputs(help, argc == 2 ? stdout : stderr);
		return argc == 2 ? 0 : 2;
	}
	/* A line at a time in both directions: the other end is a script. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	s.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (s.fd < 0)
		err(1, "%s", argv[1]);
	s.uevents = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (s.uevents < 0 || bind(s.uevents, (struct sockaddr *)&address, sizeof(address)))
		err(1, "no kernel events");
	find_heads(&s);
	probe(&s);
	run(&s);
	return 0;
}
