// SPDX-License-Identifier: MIT
/* The table of requests, headers, and the trace. */
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "test.h"

static void wire_test_table(void)
{
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_nth(i)); i++) {
		CHECK(command_find(cmd->type) == cmd);
		CHECK(command_find_name(cmd->name) == cmd);
		CHECK(cmd->run);
		CHECK(cmd->size >= WIRE_HDR_SIZE);
		for (const struct command_field *f = cmd->f; f->size; f++) {
			CHECK(f->size == 4 || f->size == 8);
			CHECK(f->off >= WIRE_HDR_SIZE);
			CHECK(f->off + f->size <= cmd->size);
		}
	}
	CHECK(!command_find(0));
	CHECK(!command_find(VIRTIO_GPU_CMD_MOVE_CURSOR + 1));
	CHECK(command_find_name("get_edid") == command_find(VIRTIO_GPU_CMD_GET_EDID));
}

static void wire_test_header(void)
{
	static const u8 bytes[WIRE_HDR_SIZE] = {
		0x04, 0x03, 0x02, 0x01, 3, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1,
		0xdd, 0xcc, 0xbb, 0xaa, 0x3f, 0, 0, 0,
	};
	struct wire_hdr h;
	u8 out[WIRE_HDR_SIZE];

	wire_hdr_get(&h, bytes);
	CHECK_EQ(h.type, 0x01020304);
	CHECK_EQ(h.flags, 3);
	CHECK_EQ(h.fence_id, 0x0102030405060708);
	CHECK_EQ(h.ctx_id, 0xaabbccdd);
	CHECK_EQ(h.ring_idx, 63);
	wire_hdr_put(out, &h);
	CHECK(!memcmp(out, bytes, sizeof(bytes)));
}

static void wire_test_padding(void)
{
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_nth(i)); i++) {
		u8 *req = calloc(1, cmd->size);

		CHECK_EQ(command_padding(cmd, req), -1);
		req[23] = 1;
		CHECK_EQ(command_padding(cmd, req), 21);
		req[23] = 0;
		for (const struct command_field *f = cmd->f; f->size; f++) {
			req[f->off + 3] = 1;
			CHECK_EQ(command_padding(cmd, req), f->name ? -1 : f->off);
			req[f->off + 3] = 0;
		}
		free(req);
	}
}

static void wire_test_response_names(void)
{
	CHECK_EQ(wire_resp_find("OK_EDID"), VIRTIO_GPU_RESP_OK_EDID);
	CHECK_EQ(wire_resp_find("ERR_UNSPEC"), VIRTIO_GPU_RESP_ERR_UNSPEC);
	CHECK_EQ(wire_resp_find("out_of_memory"), VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	CHECK_EQ(wire_resp_find("nonsense"), 0);
	CHECK(!strcmp(wire_resp_name(VIRTIO_GPU_RESP_OK_MAP_INFO), "OK_MAP_INFO"));
	CHECK(!strcmp(wire_resp_name(7), "?"));
}

static void wire_test_trace(void)
{
	char path[] = "/tmp/vgpu-host-test-XXXXXX", line[256] = "";
	struct trace t = { .out = NULL };
	int fd = mkstemp(path);
	FILE *f;

	/* Without a file nothing happens. */
	trace_begin(&t, "none");
	trace_end(&t);
	trace_event(&t, "none", "'i':%d", 1);
	CHECK_EQ(trace_open(&t, path), 0);
	trace_begin(&t, "a");
	trace_u64(&t, "u", UINT64_MAX);
	trace_str(&t, "t", "q\"b\\\n\x80");
	trace_bytes(&t, "b", "\x01\xfe", 2);
	trace_end(&t);
	trace_event(&t, "e", "'h':'%08x','i':%d", 0xab, -1);
	trace_close(&t);
	f = fdopen(fd, "r");
	CHECK(fgets(line, sizeof(line), f));
	CHECK(!strcmp(line, "{\"n\":1,\"ev\":\"a\",\"u\":18446744073709551615,"
		      "\"t\":\"q\\\"b\\\\\\u000a\\u0080\","
		      "\"b\":\"01fe\"}\n"));
	CHECK(fgets(line, sizeof(line), f));
	CHECK(!strcmp(line, "{\"n\":2,\"ev\":\"e\",\"h\":\"000000ab\",\"i\":-1}\n"));
	fclose(f);
	unlink(path);
}

const struct test_case wire_tests[] = {
	TEST(wire_test_table),
	TEST(wire_test_header),
	TEST(wire_test_padding),
	TEST(wire_test_response_names),
	TEST(wire_test_trace),
	{ 0 },
};
