// SPDX-License-Identifier: MIT
/*
 * vnc: a client of QEMU's VNC display. See help, and client.h.
 */
#include <endian.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

static const char help[] =
	"usage: vnc SOCKET WIDTH HEIGHT FILE\n"
	"Asks QEMU for a display of that size (0 0: as it is) and keeps the picture in FILE.\n";

enum {
	ENCODING_RAW = 0,
	ENCODING_DESKTOP_SIZE = -223,
	ENCODING_EXTENDED_DESKTOP_SIZE = -308,
};

#define FORWARDED 4

static void take(int fd, void *data, size_t size)
{
	char *p = data;

	while (size) {
		ssize_t n = read(fd, p, size);

		if (n <= 0)
			errx(1, "the server has closed the connection");
		p += n;
		size -= n;
	}
}

static void give(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		err(1, "write");
}

static uint16_t take16(int fd)
{
	uint16_t v;

	take(fd, &v, sizeof(v));
	return be16toh(v);
}

static uint32_t take32(int fd)
{
	uint32_t v;

	take(fd, &v, sizeof(v));
	return be32toh(v);
}

static void skip(int fd, size_t size)
{
	char c;

	while (size--)
		take(fd, &c, 1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		err(1, "%s", path);
	return fd;
}

/* Version 3.8, no password, one client among others. */
static void greet(int fd, struct client *c)
{
	static const uint8_t format[] = {
		0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
	};
	uint32_t encodings[] = {
		htobe32(2u << 24 | 3), htobe32(ENCODING_RAW), htobe32((uint32_t)ENCODING_EXTENDED_DESKTOP_SIZE),
		htobe32((uint32_t)ENCODING_DESKTOP_SIZE),
	};
	uint8_t types;
	uint16_t width, height;

	skip(fd, 12);
	give(fd, "RFB 003.008\n", 12);
	take(fd, &types, 1);
	skip(fd, types);
	give(fd, "\1", 1);
	if (take32(fd))
		errx(1, "the server wants a password");
	give(fd, "\1", 1);
	width = take16(fd);
	height = take16(fd);
	skip(fd, 16);
	skip(fd, take32(fd));
	give(fd, format, sizeof(format));
	give(fd, encodings, sizeof(encodings));
	client_resize(c, width, height);
}

static void request(int fd, const struct client *c, bool changes)
{
	const uint8_t message[] = {
		3, changes, 0, 0, 0, 0, c->width >> 8, c->width, c->height >> 8, c->height,
	};

	give(fd, message, sizeof(message));
}

static void ask_for_size(int fd, const struct client *c)
{
	const uint8_t w[] = { c->want_width >> 8, c->want_width }, h[] = { c->want_height >> 8, c->want_height };
	const uint8_t message[] = {
		251, 0, w[0], w[1], h[0], h[1], 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, w[0], w[1], h[0], h[1], 0, 0, 0, 0,
	};

	give(fd, message, sizeof(message));
}

static void take_pixels(int fd, struct client *c, uint16_t x, uint16_t y, uint16_t width, uint16_t height)
{
	size_t size = width * height * 4ul;
	void *pixels = malloc(size + 1);

	if (!pixels)
		err(1, "update");
	take(fd, pixels, size);
	client_update(c, pixels, width * 4ul, x, y, width, height);
	free(pixels);
}

static void take_update(int fd, struct client *c)
{
	uint16_t rectangles;
	bool resized = false;

	skip(fd, 1);
	for (rectangles = take16(fd); rectangles; rectangles--) {
		uint16_t x = take16(fd), y = take16(fd), width = take16(fd), height = take16(fd);
		uint8_t screens;

		switch ((int32_t)take32(fd)) {
		case ENCODING_RAW:
			take_pixels(fd, c, x, y, width, height);
			break;
		case ENCODING_EXTENDED_DESKTOP_SIZE:
			take(fd, &screens, 1);
			skip(fd, 3 + screens * 16ul);
			/* y is what has become of a request: QEMU says FORWARDED when it has told the guest. */
			if (y && y != FORWARDED)
				errx(1, "the server refuses the size: %u", y);
			__attribute__((fallthrough));
		case ENCODING_DESKTOP_SIZE:
			if (width != c->width || height != c->height) {
				client_resize(c, width, height);
				resized = true;
			}
			break;
		default:
			errx(1, "an unknown encoding");
		}
	}
	request(fd, c, !resized);
}

static void take_message(int fd, struct client *c)
{
	uint8_t type;

	take(fd, &type, 1);
	switch (type) {
	case 0:
		take_update(fd, c);
		break;
	case 2:
		break;
	case 3:
		skip(fd, 3);
		skip(fd, take32(fd));
		break;
	default:
		errx(1, "an unknown message, %u", type);
	}
}

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	struct client c;

	client_init(&c, argc, argv, help);
	p.fd = connect_to(c.address);
	greet(p.fd, &c);
	request(p.fd, &c, false);
	if (c.want_width)
		ask_for_size(p.fd, &c);
	while (!client_done(&c)) {
		if (poll(&p, 1, 200) > 0)
			take_message(p.fd, &c);
	}
	return 0;
}
