// SPDX-License-Identifier: MIT
/*
 * The command of vgpu_kms_pixels in the laboratory: vgpu_shot NAME [OUTPUT] compares the picture
 * $VGPU_EXPECTED/NAME.ppm with what the device model shows on an output. Its trace, the file
 * $VGPU_TRACE, has the CRC of each frame.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last frame is among so many bytes of the trace. */
#define TAIL_BYTES (1 << 20)
/*
 * An update may wait for the next tick. The driver repeats a flush 100 ms after a screen is lit, which
 * must not stand in for one that is missing.
 */
#define TRIES 4
#define PAUSE_US 20000

struct frame {
	unsigned int width, height;
	uint32_t crc;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* CRC-32 as in PNG, of pixels as the device model keeps them: blue, green, red, 0. */
static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int i = 0; i < 8; i++)
		crc = crc & 1 ? 0xedb88320u ^ crc >> 1 : crc >> 1;
	return crc;
}

static struct frame expected(const char *name)
{
	struct frame frame = { .crc = UINT32_MAX };
	uint32_t table[256];
	uint8_t rgb[3];
	char path[4096];
	FILE *ppm;

	for (unsigned int i = 0; i < 256; i++)
		table[i] = add_byte(0, (uint8_t)i);
	snprintf(path, sizeof(path), "%s/%s.ppm", getenv("VGPU_EXPECTED") ?: ".", name);
	ppm = fopen(path, "re");
	if (!ppm || fscanf(ppm, "P6 %u %u 255", &frame.width, &frame.height) != 2)
		die(path);
	fgetc(ppm);
	while (fread(rgb, sizeof(rgb), 1, ppm) == 1) {
		const uint8_t pixel[] = { rgb[2], rgb[1], rgb[0], 0 };

		for (size_t i = 0; i < sizeof(pixel); i++)
			frame.crc = table[(frame.crc ^ pixel[i]) & 0xff] ^ frame.crc >> 8;
	}
	fclose(ppm);
	frame.crc = ~frame.crc;
	return frame;
}

/* The guest keeps what it knows of a file of the host, so have it forget. */
static void forget_files(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "3", 1) != 1)
		die("drop_caches");
	close(fd);
}

/* Get the last frame of an output; one of no size if there was none. */
static struct frame shown(const char *output)
{
	static char text[TAIL_BYTES + 1];
	const char *trace = getenv("VGPU_TRACE") ?: "";
	struct frame frame = { 0 };
	char begin[64], *at = text;
	struct stat st;
	ssize_t length;
	int fd;

	forget_files();
	fd = open(trace, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		die(trace);
	length = pread(fd, text, TAIL_BYTES, st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0);
	if (length < 0)
		die(trace);
	close(fd);
	text[length] = '\0';

	snprintf(begin, sizeof(begin), "\"ev\":\"frame\",\"scanout\":%s,", output);
	while ((at = strstr(at, begin))) {
		unsigned int width, height, crc;

		at += strlen(begin);
		if (sscanf(at, "\"res\":%*u,\"w\":%u,\"h\":%u,\"dx\":%*u,\"dy\":%*u,\"dw\":%*u,"
			   "\"dh\":%*u,\"crc\":\"%x", &width, &height, &crc) == 3)
			frame = (struct frame){ width, height, crc };
	}
	return frame;
}

int main(int argc, char **argv)
{
	struct frame want, got;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: vgpu_shot NAME [OUTPUT]\n");
		return 2;
	}
	want = expected(argv[1]);
	for (int i = 0; i < TRIES; i++) {
		got = shown(argc > 2 ? argv[2] : "0");
		if (got.width == want.width && got.height == want.height && got.crc == want.crc)
			return 0;
		usleep(PAUSE_US);
	}
	printf("%s: the host shows %ux%u with CRC %08x, expected %ux%u with %08x\n", argv[1],
	       got.width, got.height, got.crc, want.width, want.height, want.crc);
	return 1;
}
