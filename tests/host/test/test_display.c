// SPDX-License-Identifier: MIT
/* Outputs, pixel formats, cursors, EDID, CRC and PNG. */
#include <stdlib.h>
#include <unistd.h>

#include "crc.h"
#include "guest.h"
#include "png.h"
#include "test.h"

static void display_test_crc(void)
{
	u8 bytes[100];
	u32 crc;

	CHECK_EQ(crc32_update(0, "123456789", 9), 0xcbf43926);
	CHECK_EQ(crc32_update(0, NULL, 0), 0);
	for (int i = 0; i < 100; i++)
		bytes[i] = i * 7;
	crc = crc32_update(0, bytes, 100);
	for (int i = 0; i <= 100; i++)
		CHECK_EQ(crc32_update(crc32_update(0, bytes, i), bytes + i, 100 - i),
			 crc);
}

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Reads back what png.c writes: chunks, stored blocks, checksums. */
static void png_read_back(const char *path, const u32 *want, u32 w, u32 h)
{
	static u8 file[1 << 20], zlib[1 << 20], raw[1 << 20];
	FILE *f = fopen(path, "r");
	size_t n = fread(file, 1, sizeof(file), f), at = 8, len = 0, size = 0;
	u8 *data, *end;

	fclose(f);
	CHECK(n > 57 && !memcmp(file, "\x89PNG\r\n\x1a\n", 8));
	CHECK_EQ(be32(file + 16), w);
	CHECK_EQ(be32(file + 20), h);
	for (; at + 12 <= n; at += 12 + be32(file + at)) {
		data = file + at + 8;
		end = data + be32(file + at);
		CHECK_EQ(be32(end), crc32_update(0, file + at + 4, end - file - at - 4));
		if (memcmp(file + at + 4, "IDAT", 4))
			continue;
		memcpy(zlib + size, data, end - data);
		size += end - data;
	}
	CHECK_EQ(at, n);
	/* The chunks are pieces of one stream. */
	CHECK_EQ((zlib[0] << 8 | zlib[1]) % 31, 0);
	end = zlib + size;
	for (data = zlib + 2; data < end - 4; data += 5 + get_le16(data + 1)) {
		CHECK_EQ(get_le16(data + 1), (u16)~get_le16(data + 3));
		CHECK_EQ(data[0], data + 5 + get_le16(data + 1) == end - 4);
		memcpy(raw + len, data + 5, get_le16(data + 1));
		len += get_le16(data + 1);
	}
	CHECK_EQ(len, h * (1 + 3 * w));
	for (u32 y = 0; y < h; y++)
		for (u32 x = 0; x < w; x++) {
			const u8 *p = raw + y * (1 + 3 * w) + 1 + 3 * x;

			CHECK_EQ(p[0] << 16 | p[1] << 8 | p[2], want[y * w + x]);
		}
}

static void display_test_png(void)
{
	char path[] = "/tmp/vgpu-host-test-XXXXXX";
	static u32 pixels[3 * 30000];

	close(mkstemp(path));
	for (size_t i = 0; i < ARRAY_SIZE(pixels); i++)
		pixels[i] = (u32)i * 2654435761u >> 8;
	CHECK_EQ(png_write(path, pixels, 5, 3), 0);
	png_read_back(path, pixels, 5, 3);
	/* Rows of more than one stored block. */
	CHECK_EQ(png_write(path, pixels, 30000, 3), 0);
	png_read_back(path, pixels, 30000, 3);
	CHECK(png_write(path, pixels, 0, 3) < 0);
	CHECK(png_write("/nonexistent/x.png", pixels, 1, 1) < 0);
	unlink(path);
}

static void display_test_edid(void)
{
	static const u32 modes[][2] = { { 640, 480 }, { 1024, 768 }, { 1920, 1080 },
					{ 3840, 2160 }, { 4095, 4095 }, { 1, 1 } };
	u8 e[EDID_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		u8 sum = 0;

		edid_make(e, i, modes[i][0], modes[i][1]);
		for (int k = 0; k < EDID_SIZE; k++)
			sum += e[k];
		CHECK_EQ(sum, 0);
		CHECK_EQ(e[56] | (e[58] & 0xf0) << 4, modes[i][0]);
		CHECK_EQ(e[59] | (e[61] & 0xf0) << 4, modes[i][1]);
		CHECK_EQ(e[126], 0);
	}
	edid_make(e, 3, 1024, 768);
	CHECK(!memcmp(e + 95, "vgpu-host 3\n ", 13));
	/* 60 Hz within half of one. */
	CHECK(get_le16(e + 54) * 10000ull / ((1024 + 160) * (768 + 23)) == 60 ||
	      get_le16(e + 54) * 10000ull / ((1024 + 160) * (768 + 23)) == 59);
}

static void display_test_flush_is_needed(void)
{
	struct guest *g = guest_create(0);
	u32 at = guest_put(g, NULL, 16 * 16 * 4);
	struct output *o = &g->d.display.out[0];
	u32 *px = (u32 *)(g->mem + at);

	for (int i = 0; i < 256; i++)
		px[i] = 0xff000000 | i;
	guest_create_2d(g, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 16, 16);
	guest_attach(g, 1, at, 1024);
	CHECK_EQ(guest_scanout(g, 0, 1, 16, 16), VIRTIO_GPU_RESP_OK_NODATA);
	CHECK_EQ(guest_transfer(g, 1, 0, 0, 16, 16, 0), VIRTIO_GPU_RESP_OK_NODATA);
	CHECK_EQ(o->screen[17], 0);
	CHECK_EQ(guest_flush(g, 1, 1, 1, 2, 1), VIRTIO_GPU_RESP_OK_NODATA);
	CHECK_EQ(o->screen[16], 0);
	CHECK_EQ(o->screen[17], 17);
	CHECK_EQ(o->screen[18], 18);
	CHECK_EQ(o->screen[19], 0);
	CHECK_EQ(o->frames, 1);
	guest_flush(g, 1, 0, 0, 16, 16);
	for (int i = 0; i < 256; i++)
		CHECK_EQ(o->screen[i], i);
	CHECK_EQ(o->crc, crc32_update(0, o->screen, 1024));
	/* A transfer of part of it, at the offset of that part. */
	px[5 * 16 + 4] = 0xabcdef;
	guest_transfer(g, 1, 4, 5, 1, 1, 4 * (5 * 16 + 4));
	guest_flush(g, 1, 4, 5, 1, 1);
	CHECK_EQ(o->screen[5 * 16 + 4], 0xabcdef);
	CHECK(guest_bug(g, NULL));
	guest_scanout(g, 0, 0, 0, 0);
	CHECK(!o->screen);
	guest_destroy(g);
}

static void display_test_formats(void)
{
	static const struct {
		u32 format;
		u8 byte[4];	/* of red 1, green 2, blue 3, rest 4 */
	} f[] = {
		{ VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, { 3, 2, 1, 4 } },
		{ VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, { 3, 2, 1, 4 } },
		{ VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, { 4, 1, 2, 3 } },
		{ VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, { 4, 1, 2, 3 } },
		{ VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, { 1, 2, 3, 4 } },
		{ VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, { 4, 3, 2, 1 } },
		{ VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, { 4, 3, 2, 1 } },
		{ VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, { 1, 2, 3, 4 } },
	};

	for (u32 i = 0; i < ARRAY_SIZE(f); i++) {
		struct guest *g = guest_create(0);
		u32 at = guest_put(g, f[i].byte, 4);

		guest_create_2d(g, 1, f[i].format, 1, 1);
		guest_attach(g, 1, at, 4);
		guest_transfer(g, 1, 0, 0, 1, 1, 0);
		guest_scanout(g, 1, 1, 1, 1);
		guest_flush(g, 1, 0, 0, 1, 1);
		CHECK_EQ(g->d.display.out[1].screen[0], 0x010203);
		guest_destroy(g);
	}
}

static u32 cursor(struct guest *g, u32 type, u32 x, u32 res, u32 room)
{
	u8 req[sizeof(struct virtio_gpu_update_cursor)] = { 0 };
	struct wire_hdr h = { .type = type };
	struct guest_reply r;
	u32 at;

	wire_hdr_put(req, &h);
	put_le32(req + 28, x);
	put_le32(req + 40, res);
	put_le32(req + 44, 5);
	at = guest_queue(g, WIRE_CURSORQ, req, sizeof(req), room);
	return guest_reap(g, WIRE_CURSORQ, at, &r) ? room ? r.hdr.type : 1 : 0;
}

static u32 fenced_transfer(struct guest *g, u32 id)
{
	u8 req[sizeof(struct virtio_gpu_transfer_to_host_2d)] = { 0 };
	struct wire_hdr h = { .type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
			      .flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = ++g->fence };

	wire_hdr_put(req, &h);
	put_le32(req + 32, 64);
	put_le32(req + 36, 64);
	put_le32(req + 48, id);
	return guest_send(g, req, sizeof(req), NULL);
}

static void display_test_cursor(void)
{
	struct guest *g = guest_create(0);
	u32 at = guest_put(g, NULL, 64 * 64 * 4);
	struct output *o = &g->d.display.out[0];

	memset(g->mem + at, 0x80, 64 * 64 * 4);
	guest_create_2d(g, 1, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 64, 64);
	guest_attach(g, 1, at, 64 * 64 * 4);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 1, 0), 1);
	CHECK(guest_bug(g, "cursor-empty"));
	guest_transfer(g, 1, 0, 0, 64, 64, 0);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 1, 0), 1);
	CHECK(guest_bug(g, "cursor-fence"));
	CHECK_EQ(fenced_transfer(g, 1), VIRTIO_GPU_RESP_OK_NODATA);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 1, 24),
		 VIRTIO_GPU_RESP_OK_NODATA);
	CHECK(guest_bug(g, NULL));
	CHECK(o->cursor_shown);
	CHECK_EQ(o->cursor[77], 0x80808080);
	CHECK_EQ(o->hot_x, 5);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_MOVE_CURSOR, 9, 0, 24),
		 VIRTIO_GPU_RESP_OK_NODATA);
	CHECK(o->cursor_shown);
	CHECK_EQ(o->cursor_x, 9);
	CHECK_EQ(o->hot_x, 5);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 0, 24),
		 VIRTIO_GPU_RESP_OK_NODATA);
	CHECK(!o->cursor_shown);
	guest_create_2d(g, 2, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 32, 64);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 2, 24),
		 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	CHECK(guest_bug(g, "cursor-size"));
	guest_destroy(g);
}

/* On another queue than the transfer, whose answer alone says that it is done. */
static void display_test_early_cursor(void)
{
	struct guest *g = guest_create(0);
	u32 at = guest_put(g, NULL, 64 * 64 * 4);
	struct guest_reply r;

	guest_create_2d(g, 1, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 64, 64);
	guest_attach(g, 1, at, 64 * 64 * 4);
	g->d.fence.held = true;
	CHECK_EQ(fenced_transfer(g, 1), 0);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 1, 0), 0);
	CHECK(guest_bug(g, "cursor-early"));
	g->d.fence.held = false;
	device_answer_ready(&g->d);
	guest_reap(g, WIRE_CONTROLQ, 0, &r);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 1, 0), 1);
	CHECK(guest_bug(g, NULL));
	guest_destroy(g);
}

/* UNREF overtakes the cursor on the other queue: nobody's fault. An id that never was is a bug. */
static void display_test_late_cursor(void)
{
	struct guest *g = guest_create(0);

	guest_create_2d(g, 1, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 64, 64);
	guest_res(g, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1);
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 1, 24),
		 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	CHECK(guest_bug(g, NULL));
	CHECK_EQ(cursor(g, VIRTIO_GPU_CMD_UPDATE_CURSOR, 3, 2, 24),
		 VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	CHECK(guest_bug(g, "resource-id"));
	guest_destroy(g);
}

static void display_test_png_of_output(void)
{
	char path[] = "/tmp/vgpu-host-test-XXXXXX";
	struct guest *g = guest_create(0);
	u32 at = guest_put(g, NULL, 8 * 4 * 4);
	struct output *o = &g->d.display.out[0];

	close(mkstemp(path));
	for (int i = 0; i < 32; i++)
		put_le32(g->mem + at + 4 * i, 0x10203 * i);
	CHECK(display_png(&g->d.display, 0, path, false) < 0);
	guest_create_2d(g, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8, 4);
	guest_attach(g, 1, at, 128);
	guest_transfer(g, 1, 0, 0, 8, 4, 0);
	guest_scanout(g, 0, 1, 8, 4);
	guest_flush(g, 1, 0, 0, 8, 4);
	CHECK_EQ(display_png(&g->d.display, 0, path, false), 0);
	png_read_back(path, o->screen, 8, 4);
	unlink(path);
	guest_destroy(g);
}

const struct test_case display_tests[] = {
	TEST(display_test_crc),
	TEST(display_test_png),
	TEST(display_test_edid),
	TEST(display_test_flush_is_needed),
	TEST(display_test_formats),
	TEST(display_test_cursor),
	TEST(display_test_early_cursor),
	TEST(display_test_late_cursor),
	TEST(display_test_png_of_output),
	{ 0 },
};
