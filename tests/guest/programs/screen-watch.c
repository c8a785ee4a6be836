// SPDX-License-Identifier: MIT
/*
 * Usage: screen-watch QMP-SOCKET MARK PORT PICTURE
 *
 * Take one picture after the other of QEMU's screen until QEMU ends, and print a line for each that
 * differs from the one before, or comes a refresh later:
 *
 *	TIME MARK KIND WIDTHxHEIGHT HASH
 *
 * TIME is the guest's, in microseconds, by the ACPI timer at PORT; with -icount it depends on nothing
 * but what the guest executes. MARK is the size of the file of that name, in which the guest leaves
 * marks. KIND is "black" if next to all pixels are black, else "shown": a line of text, as QEMU itself
 * shows where the guest has no picture, does not count. PICTURE is where QEMU puts the pictures; the
 * first one of each kind after a mark stays beside it as PICTURE-MARK-KIND.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TIMER_HZ	3579545ULL
#define TIMER_MASK	0xffffffu
#define REFRESH_US	16667u
/* A picture is black if at most one byte in so many is not zero. */
#define DARK		256u

struct picture {
	unsigned int width, height;
	uint64_t hash;
	bool black;
};

static FILE *qmp_open(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		fprintf(stderr, "screen-watch: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fdopen(fd, "r+");
}

/* Send a command and read its answer, past events. Returns false when QEMU has ended. */
static bool qmp(FILE *f, char *answer, size_t size, const char *command)
{
	fprintf(f, "%s\n", command);
	if (fflush(f))
		return false;
	while (fgets(answer, (int)size, f)) {
		if (strstr(answer, "\"return\""))
			return true;
		if (strstr(answer, "\"error\"")) {
			fprintf(stderr, "screen-watch: %s", answer);
			exit(1);
		}
	}
	return false;
}

/* Read a picture: a raw PPM with 255 values for a colour. */
static bool picture_read(struct picture *p, const char *path)
{
	FILE *f = fopen(path, "rb");
	unsigned char buf[1 << 16];
	uint64_t lit = 0, size = 0;
	bool ok;
	size_t n;

	if (!f)
		return false;
	ok = fscanf(f, "P6 %u %u 255", &p->width, &p->height) == 2 && fgetc(f) == '\n';
	p->hash = 14695981039346656037ULL;
	while (ok && (n = fread(buf, 1, sizeof(buf), f)) > 0) {
		for (size_t i = 0; i < n; i++) {
			p->hash = (p->hash ^ buf[i]) * 1099511628211ULL;
			lit += !!buf[i];
		}
		size += n;
	}
	fclose(f);
	p->black = lit <= size / DARK;
	return ok;
}

/* The guest's time, of which the timer shows 24 bits. */
static bool guest_time(FILE *f, const char *command, uint64_t *ticks)
{
	char answer[4096];
	const char *value;
	uint32_t now;

	if (!qmp(f, answer, sizeof(answer), command))
		return false;
	value = strstr(answer, " = 0x");
	if (!value) {
		fprintf(stderr, "screen-watch: %s", answer);
		exit(1);
	}
	now = (uint32_t)strtoul(value + 3, NULL, 16) & TIMER_MASK;
	*ticks += (now - (uint32_t)*ticks) & TIMER_MASK;
	return true;
}

static off_t mark_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}

/* Keep the first picture of each kind after a mark. */
static void picture_keep(const char *path, long mark, const char *kind)
{
	char name[512];
	struct stat st;

	snprintf(name, sizeof(name), "%s-%ld-%s", path, mark, kind);
	if (stat(name, &st) && link(path, name))
		fprintf(stderr, "screen-watch: %s: %s\n", name, strerror(errno));
	unlink(path);
}

int main(int argc, char **argv)
{
	char dump[1024], timer[256], answer[4096];
	uint64_t ticks = 0, us, last_us = 0, last_hash = 0;
	long mark, last_mark = -1;
	struct picture p;
	FILE *f;

	setlinebuf(stdout);
	/* QEMU may end when it is told something. */
	signal(SIGPIPE, SIG_IGN);
	if (argc != 5) {
		fprintf(stderr, "usage: screen-watch QMP-SOCKET MARK PORT PICTURE\n");
		return 2;
	}
	snprintf(dump, sizeof(dump), "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"%s\"}}", argv[4]);
	snprintf(timer, sizeof(timer),
		 "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"i /4x %s\"}}", argv[3]);
	f = qmp_open(argv[1]);
	if (!qmp(f, answer, sizeof(answer), "{\"execute\":\"qmp_capabilities\"}"))
		return 1;
	for (;;) {
		/* A picture is at most as old as its time, and belongs to the mark from before it. */
		mark = (long)mark_of(argv[2]);
		/*
		 * While the guest runs, QEMU's update of a VGA screen waits for the processor, which may be
		 * waiting for QEMU in a reset of the device.
		 */
		if (!qmp(f, answer, sizeof(answer), "{\"execute\":\"stop\"}") ||
		    !guest_time(f, timer, &ticks) || !qmp(f, answer, sizeof(answer), dump) ||
		    !qmp(f, answer, sizeof(answer), "{\"execute\":\"cont\"}"))
			break;
		if (!picture_read(&p, argv[4]))
			continue;
		us = ticks * 1000000 / TIMER_HZ;
		if (p.hash != last_hash || mark != last_mark || us - last_us >= REFRESH_US) {
			printf("%" PRIu64 " %ld %s %ux%u %016" PRIx64 "\n", us, mark, p.black ? "black" : "shown",
			       p.width, p.height, p.hash);
			last_us = us;
		}
		last_hash = p.hash;
		last_mark = mark;
		picture_keep(argv[4], mark, p.black ? "black" : "shown");
		usleep(5000);
	}
	return 0;
}
