// SPDX-License-Identifier: MIT
/* State that the driver publishes: fdinfo, debugfs, trace points. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_kernel.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

#define SIDE 256u
#define SIZE (SIDE * SIDE * 4)
/* Room for the EDID in the response of the host. */
#define EDID_ARRAY_BYTES 1024
#define BUDGET "/sys/module/virtio_gpu/parameters/context_budget"

/* How often, in steps of 10 ms, a test checks for an effect of background work. */
#define PATIENCE 600

static char *fdinfo(int fd)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text = vgpu_kernel_read(path);
	vgpu_assert(text);
	return text;
}

/* Get the word after "key:" in the fdinfo of @fd, and its unit; false if the key is absent. */
static bool fdinfo_word(int fd, const char *key, char word[64], char unit[64])
{
	char *text = fdinfo(fd), *save, *line;
	size_t length = strlen(key);
	bool found = false;

	word[0] = unit[0] = 0;
	for (line = strtok_r(text, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, key, length) || line[length] != ':')
			continue;
		vgpu_assert(sscanf(line + length + 1, " %63s %63s", word, unit) >= 1);
		found = true;
	}
	free(text);
	return found;
}

static uint64_t fdinfo_bytes(int fd, const char *key)
{
	char word[64], unit[64];

	vgpu_assert_msg(fdinfo_word(fd, key, word, unit), "no %s", key);
	if (!strcmp(unit, "KiB"))
		return strtoull(word, NULL, 10) << 10;
	if (!strcmp(unit, "MiB"))
		return strtoull(word, NULL, 10) << 20;
	vgpu_assert_msg(!unit[0], "%s in %s", key, unit);
	return strtoull(word, NULL, 10);
}

static uint64_t fdinfo_busy_ns(int fd, const char *engine)
{
	char key[64], word[64], unit[64];

	snprintf(key, sizeof(key), "drm-engine-%s", engine);
	vgpu_assert_msg(fdinfo_word(fd, key, word, unit), "no %s", key);
	vgpu_assert_msg(!strcmp(unit, "ns"), "%s in %s", key, unit);
	return strtoull(word, NULL, 10);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	vgpu_sys(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Do fenced work that every device supports, and wait for it. */
static void work(int fd, uint32_t handle, unsigned int times)
{
	const struct drm_virtgpu_3d_box box = { .w = SIDE, .h = SIDE, .d = 1 };

	while (times--)
		vgpu_ok(vgpu_transfer_to_host(fd, handle, &box, 0, 0));
	vgpu_ok(vgpu_wait(fd, handle, 0));
}

static void fdinfo_names_driver_and_client(void)
{
	char word[64], unit[64], other[64];
	int a = vgpu_open_render(), b = vgpu_open_render();

	vgpu_assert(fdinfo_word(a, "drm-driver", word, unit));
	vgpu_assert_msg(!strcmp(word, "virtio_gpu"), "driver %s", word);
	vgpu_assert(fdinfo_word(a, "drm-client-id", word, unit));
	vgpu_assert(fdinfo_word(b, "drm-client-id", other, unit));
	vgpu_assert(strcmp(word, other));
	close(b);
	close(a);
}

static void fdinfo_counts_memory(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	uint64_t before = fdinfo_bytes(a, "drm-total-memory");
	uint32_t handle = vgpu_new_picture(a, SIDE, SIDE), imported;
	int dmabuf;

	vgpu_assert_eq(fdinfo_bytes(a, "drm-total-memory"), before + SIZE);
	vgpu_assert_eq(fdinfo_bytes(a, "drm-resident-memory"), SIZE);
	vgpu_assert_eq(fdinfo_bytes(a, "drm-shared-memory"), 0);
	vgpu_assert_eq(fdinfo_bytes(b, "drm-total-memory"), 0);
	vgpu_ok(vgpu_prime_export(a, handle, &dmabuf));
	vgpu_ok(vgpu_prime_import(b, dmabuf, &imported));
	close(dmabuf);
	vgpu_assert_eq(fdinfo_bytes(a, "drm-shared-memory"), SIZE);
	vgpu_assert_eq(fdinfo_bytes(b, "drm-shared-memory"), SIZE);
	vgpu_ok(vgpu_gem_close(b, imported));
	vgpu_ok(vgpu_gem_close(a, handle));
	vgpu_assert_eq(fdinfo_bytes(a, "drm-total-memory"), before);

	close(b);
	close(a);
}

static void fdinfo_engine_is_busy_with_work(void)
{
	int a = vgpu_open_render(), b = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(a, SIDE, SIDE);
	uint64_t start = now_ns(), busy, elapsed;

	vgpu_assert_eq(fdinfo_busy_ns(a, "gpu"), 0);
	work(a, handle, 20);
	busy = fdinfo_busy_ns(a, "gpu");
	elapsed = now_ns() - start;
	vgpu_info("busy %" PRIu64 " of %" PRIu64 " ns", busy, elapsed);
	vgpu_assert(busy > 0);

	/* Overlapping commands count once, so busy time never exceeds elapsed time. */
	vgpu_assert(busy <= elapsed);

	/* The host has answered all commands: busy time stands still. */
	usleep(20000);
	vgpu_assert_eq(fdinfo_busy_ns(a, "gpu"), busy);
	work(a, handle, 1);
	vgpu_assert(fdinfo_busy_ns(a, "gpu") > busy);

	/* A client that submits nothing has no busy time. */
	vgpu_assert_eq(fdinfo_busy_ns(b, "gpu"), 0);
	close(b);
	close(a);
}

/*
 * gputop leaves out clients that were never busy, and Venus submits without fences: such work counts
 * while the host has it, and no longer.
 */
static void fdinfo_counts_work_without_a_fence(void)
{
	struct vgpu_client client = vgpu_client_open_rings(2, 0);
	struct drm_virtgpu_execbuffer exec = { .flags = VIRTGPU_EXECBUF_RING_IDX, .ring_idx = 1 };
	uint64_t before = fdinfo_busy_ns(client.fd, "gpu"), busy;
	uint32_t token = vgpu_token();
	int fence;

	vgpu_ok(vgpu_submit_kept(&client, &exec, token));
	usleep(20000);
	busy = fdinfo_busy_ns(client.fd, "gpu");
	vgpu_assert(busy > before + 10000000);
	vgpu_ok(vgpu_submit_release(&client, token));
	vgpu_ok(vgpu_submit_fences(&client, -1, &fence));
	vgpu_fence_wait(fence);
	close(fence);
	busy = fdinfo_busy_ns(client.fd, "gpu");
	usleep(20000);
	vgpu_assert_eq(fdinfo_busy_ns(client.fd, "gpu"), busy);
	vgpu_client_close(&client);
}

/* Count the lines of @text that begin with @key. */
static unsigned int count_keys(const char *text, const char *key)
{
	unsigned int count = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += !strncmp(line, key, strlen(key));
	}
	return count;
}

/*
 * Contract 11.2 to 11.4: gputop (IGT) aborts for all clients if one file names more than 15
 * engines, and it reads 4095 bytes at most. Venus creates 64 rings.
 */
static void fdinfo_sums_64_rings(void)
{
	struct vgpu_client client = vgpu_client_open_rings(64, 0);
	uint64_t busy, before = fdinfo_busy_ns(client.fd, "gpu");

	vgpu_require(vgpu_client_rings(&client) == 64, "the host's contexts have one ring");
	for (uint32_t ring = 0; ring < 64; ring += 21) {
		struct drm_virtgpu_execbuffer exec = {
			.flags = VIRTGPU_EXECBUF_RING_IDX | VIRTGPU_EXECBUF_FENCE_FD_OUT,
			.ring_idx = ring,
		};
		char *text;

		vgpu_ok(vgpu_submit(&client, &exec));
		vgpu_fence_wait(exec.fence_fd);
		close(exec.fence_fd);
		text = fdinfo(client.fd);
		vgpu_assert(strlen(text) <= 4095);
		vgpu_assert_eq(count_keys(text, "drm-engine-"), 1);
		free(text);
		busy = fdinfo_busy_ns(client.fd, "gpu");
		vgpu_assert(busy > before);
		before = busy;
	}

	vgpu_client_close(&client);
}

/* Read a file that our driver has in debugfs; the caller frees the text. */
static char *debugfs(const char *name)
{
	char *text = vgpu_kernel_debugfs(name);

	vgpu_require(text, "the driver has no file %s", name);
	return text;
}

/* Check whether a line of @file begins with the text printed by @fmt, which ends with a blank. */
__attribute__((format(printf, 2, 3)))
static bool debugfs_has(const char *file, const char *fmt, ...)
{
	char *text = debugfs(file), *save, *line, want[128];
	bool found = false;
	size_t length;
	va_list args;

	va_start(args, fmt);
	vsnprintf(want, sizeof(want), fmt, args);
	va_end(args);
	length = strlen(want);
	for (line = strtok_r(text, "\n", &save); line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " ");
		found = !strncmp(line, want, length);
	}
	free(text);
	return found;
}

static void debugfs_lists_resources(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	struct drm_virtgpu_resource_info info;
	const char *kind = vgpu_has_3d(fd) ? "3d" : "2d";
	int left = PATIENCE;

	vgpu_ok(vgpu_resource_info(fd, handle, &info));
	vgpu_assert(debugfs_has("virtio-gpu-resources", "%u %s ", info.res_handle, kind));
	vgpu_ok(vgpu_gem_close(fd, handle));
	/* The file lists the resource until the host has answered UNREF. */
	while (debugfs_has("virtio-gpu-resources", "%u %s ", info.res_handle, kind)) {
		vgpu_assert(left-- > 0);
		usleep(10000);
	}
	close(fd);
}

/* Get the size of the EDID that a connector has; 0 if it has none. */
static uint32_t edid_bytes(int fd, uint32_t connector)
{
	uint32_t prop = vgpu_prop(fd, connector, DRM_MODE_OBJECT_CONNECTOR, "EDID"), bytes = 0;
	drmModeObjectProperties *props;
	drmModePropertyBlobRes *blob;

	props = drmModeObjectGetProperties(fd, connector, DRM_MODE_OBJECT_CONNECTOR);
	vgpu_assert(props);
	for (uint32_t i = 0; i < props->count_props; i++) {
		if (props->props[i] != prop || !props->prop_values[i])
			continue;
		blob = drmModeGetPropertyBlob(fd, (uint32_t)props->prop_values[i]);
		vgpu_assert(blob);
		bytes = blob->length;
		drmModeFreePropertyBlob(blob);
	}
	drmModeFreeObjectProperties(props);
	return bytes;
}

/* The DRM core's file "state" has what the host says of an output, and the resource that it shows. */
static void debugfs_shows_the_screen(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct drm_virtgpu_resource_info info;
	char *text = debugfs("state"), *at, want[32];
	unsigned int width, height, x, y, bytes;

	at = strstr(text, "\thost-enabled=1\n");
	vgpu_require(at, "the driver adds nothing to the state");
	at = strstr(at, "\thost-size=");
	vgpu_assert(at);
	vgpu_assert_eq(sscanf(at, " host-size=%ux%u+%u+%u\n", &width, &height, &x, &y), 4);
	vgpu_assert(width >= 640 && height >= 480);
	at = strstr(at, "\thost-edid=");
	vgpu_assert(at);
	vgpu_assert_eq(sscanf(at, " host-edid=%u bytes\n", &bytes), 1);
	/* QEMU sends the whole array, of which DRM keeps the blocks that the EDID counts. */
	if (bytes != EDID_ARRAY_BYTES)
		vgpu_assert_eq(bytes, edid_bytes(screen.fd, screen.head.connector));

	vgpu_ok(vgpu_resource_info(screen.fd, screen.fb.handle, &info));
	snprintf(want, sizeof(want), "\tresource=%u\n\tlost=0\n", info.res_handle);
	vgpu_assert(strstr(text, want));
	free(text);
	vgpu_screen_end(&screen);
}

static void debugfs_says_reclaim_is_off(void)
{
	char *on = vgpu_kernel_read("/sys/module/virtio_gpu/parameters/reclaim");
	char *text = debugfs("virtio-gpu-reclaim");

	vgpu_require(on && *on == 'N', "the driver gives memory back");
	vgpu_assert(!strcmp(text, "off\n"));
	free(text);
	free(on);
}

static unsigned int count_contexts(void)
{
	char *text = debugfs("virtio-gpu-contexts");
	unsigned int count = 0;

	for (char *at = text; (at = strstr(at, "\n    gpu: ")); at++)
		count++;
	free(text);
	return count;
}

static void debugfs_lists_contexts(void)
{
	unsigned int before = count_contexts();
	int a = vgpu_open_render(), b = vgpu_open_render();

	vgpu_assert_eq(count_contexts(), before + 2);
	close(b);
	vgpu_assert_eq(count_contexts(), before + 1);
	close(a);
	vgpu_assert_eq(count_contexts(), before);
}

struct queue {
	unsigned long long committed, completed, failed, kicks, interrupts;
};

static struct queue control_queue(void)
{
	char *text = debugfs("virtio-gpu-queues"), *line = strstr(text, "\ncontrol ");
	struct queue q;

	vgpu_assert(line);
	vgpu_assert_eq(sscanf(line, " control %llu %llu %llu %llu %llu", &q.committed,
			      &q.completed, &q.failed, &q.kicks, &q.interrupts), 5);
	free(text);
	return q;
}

static void debugfs_counts_messages(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	struct queue before, after;

	work(fd, handle, 1);
	before = control_queue();
	work(fd, handle, 10);
	after = control_queue();
	vgpu_assert(after.committed >= before.committed + 10);
	vgpu_assert(after.completed >= before.completed + 10);
	vgpu_assert(after.completed + after.failed <= after.committed);
	vgpu_assert(after.kicks > before.kicks);
	vgpu_assert_eq(after.failed, before.failed);
	close(fd);
}

/* How many commands the driver sends while @show is called and in some seconds afterwards. */
static unsigned long long commands_of(struct vgpu_screen *screen,
				      void (*show)(struct vgpu_screen *screen))
{
	struct queue before = control_queue(), after;

	show(screen);
	sleep(5);
	after = control_queue();
	vgpu_assert_eq(after.failed, before.failed);
	return after.committed - before.committed;
}

static void show_nothing(struct vgpu_screen *screen)
{
	vgpu_ok(vgpu_show(screen->fd, &screen->head, NULL, 0, 0));
}

static void show_picture(struct vgpu_screen *screen)
{
	vgpu_ok(vgpu_show(screen->fd, &screen->head, &screen->fb, 0, 0));
}

/*
 * SDL's window forgets while it shows nothing what the host tells it (compat.rst). A screen that is lit is
 * told again with a flush, three times in about two seconds, and one that is switched off is not.
 */
static void debugfs_counts_what_a_lit_screen_is_told(void)
{
	struct vgpu_screen screen = vgpu_screen_new();
	struct drm_virtgpu_resource_info info;

	sleep(5);
	vgpu_ok(vgpu_resource_info(screen.fd, screen.fb.handle, &info));
	/* The scanout; with a picture a flush, too, and an upload unless the host sees the memory. */
	vgpu_assert_eq(commands_of(&screen, show_nothing), 1);
	vgpu_assert_eq(commands_of(&screen, show_picture), 2 + !info.blob_mem + 3 * 2);

	/* Nothing follows the last command. */
	show_nothing(&screen);
	show_picture(&screen);
	show_nothing(&screen);
	vgpu_assert_eq(commands_of(&screen, show_nothing), 0);
	vgpu_screen_end(&screen);
}

static long feature(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	vgpu_assert(line && (line == text || line[-1] == '\n'));
	return strtol(line + strlen(name), NULL, 10);
}

static void debugfs_names_features(void)
{
	int fd = vgpu_open_render();
	char *text = debugfs("virtio-gpu-features");

	vgpu_require(!strchr(text, ':'), "the driver writes this file in another way");
	vgpu_assert_eq(feature(text, "virgl "), vgpu_param(fd, VIRTGPU_PARAM_3D_FEATURES));
	vgpu_assert_eq(feature(text, "blob "), vgpu_param(fd, VIRTGPU_PARAM_RESOURCE_BLOB));
	vgpu_assert_eq(feature(text, "context_init "), vgpu_param(fd, VIRTGPU_PARAM_CONTEXT_INIT));
	vgpu_assert(feature(text, "scanouts ") >= 1);
	free(text);
	close(fd);
}

static unsigned long long refused(void)
{
	char *text = debugfs("virtio-gpu-errors");
	unsigned long long count;

	vgpu_assert_eq(sscanf(text, "refused %llu\n", &count), 1);
	free(text);
	return count;
}

static void debugfs_names_refusals(void)
{
	int fd = vgpu_open_render();
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);
	unsigned long long before = refused();
	char *text;

	/* No host knows this format. */
	rc.format = 0x7777;
	vgpu_ok(vgpu_resource_create(fd, &rc));
	vgpu_ret(vgpu_wait(fd, rc.bo_handle, 0), 0, -EIO);
	work(fd, vgpu_new_picture(fd, SIDE, SIDE), 1);
	vgpu_require(refused() > before, "the host refuses nothing");
	text = debugfs("virtio-gpu-errors");
	vgpu_assert(strstr(text, " ms: RESOURCE_CREATE_"));
	free(text);
	close(fd);
}

static void debugfs_shows_the_window(void)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(SIZE);
	int fd = vgpu_open_render();
	char *text, line[64];
	void *map;

	vgpu_require(vgpu_has_host_visible(fd), "the device has no host-visible memory");
	vgpu_require(vgpu_has_capset(fd, VIRTGPU_DRM_CAPSET_VENUS), "the device has no venus");
	vgpu_ok(vgpu_context_init_capset(fd, VIRTGPU_DRM_CAPSET_VENUS));
	vgpu_ok(vgpu_blob_create(fd, &blob));
	map = vgpu_new_map(fd, blob.bo_handle, SIZE);
	snprintf(line, sizeof(line), " %12u %10u\n", SIZE, blob.res_handle);
	text = debugfs("virtio-gpu-hostmem");
	vgpu_assert_msg(strstr(text, line), "%s", text);

	free(text);
	munmap(map, SIZE);
	close(fd);
}

static void trace_begin(void)
{
	vgpu_require(vgpu_kernel_trace("virtio_gpu"), "no tracefs, or no trace points of the driver");
}

static char *trace_end(void)
{
	return vgpu_kernel_traced("virtio_gpu");
}

/* Find the first line of @text that contains all of these words; NULL ends the list. */
static const char *trace_line(const char *text, ...)
{
	const char *word, *end;
	va_list words;
	bool all;

	for (; *text; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		all = true;
		va_start(words, text);
		while (all && (word = va_arg(words, const char *)))
			all = memmem(text, (size_t)(end - text), word, strlen(word));
		va_end(words);
		if (all)
			return text;
	}
	return NULL;
}

static void trace_shows_commands(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	const char *queued, *answered;
	char *text, id[64];

	work(fd, handle, 1);
	trace_begin();
	work(fd, handle, 1);
	text = trace_end();
	queued = trace_line(text, "virtio_gpu_cmd_queue:", "name=TRANSFER_TO_HOST_", NULL);
	vgpu_assert_msg(queued, "%s", text);
	vgpu_assert_eq(sscanf(strstr(queued, "fence_id="), "%63s", id), 1);
	vgpu_assert(strcmp(id, "fence_id=0"));
	answered = trace_line(queued, "virtio_gpu_cmd_response:", "name=TRANSFER_TO_HOST_", id,
			      "status=0", NULL);
	vgpu_assert_msg(answered, "%s", text);

	free(text);
	close(fd);
}

static void trace_shows_fences(void)
{
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);
	char *text, id[64], seqno[64];
	const char *created;

	trace_begin();
	work(fd, handle, 1);
	text = trace_end();
	created = trace_line(text, "virtio_gpu_fence_create:", "timeline=context", NULL);
	vgpu_assert_msg(created, "%s", text);
	vgpu_assert_eq(sscanf(strstr(created, " context="), " %63s %63s", id, seqno), 2);
	vgpu_assert_msg(trace_line(created, "virtio_gpu_fence_signal:", id, seqno, "error=0", NULL),
			"%s", text);
	free(text);
	close(fd);
}

/* With a budget of one command each client is throttled. */
static void trace_shows_throttling(void)
{
	char *budget = vgpu_kernel_read(BUDGET), *text;
	int fd = vgpu_open_render();
	uint32_t handle = vgpu_new_picture(fd, SIDE, SIDE);

	vgpu_require(budget, "the driver has no budget");
	trace_begin();
	vgpu_kernel_write(BUDGET, "1");
	work(fd, handle, 50);
	vgpu_kernel_write(BUDGET, budget);
	text = trace_end();
	vgpu_assert_msg(trace_line(text, "virtio_gpu_throttle_begin:", "in_flight=", NULL), "%s", text);
	vgpu_assert_msg(trace_line(text, "virtio_gpu_throttle_end:", "in_flight=0", "ret=0", NULL),
			"%s", text);
	free(text);
	free(budget);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "fdinfo-names-driver-and-client", .run = fdinfo_names_driver_and_client },
	{ .name = "fdinfo-counts-memory", .run = fdinfo_counts_memory },
	{ .name = "fdinfo-engine-is-busy-with-work", .run = fdinfo_engine_is_busy_with_work },
	{ .name = "fdinfo-counts-work-without-a-fence",
	  .run = fdinfo_counts_work_without_a_fence },
	{ .name = "fdinfo-sums-64-rings", .run = fdinfo_sums_64_rings },
	{ .name = "debugfs-lists-resources", .run = debugfs_lists_resources },
	{ .name = "debugfs-lists-contexts", .run = debugfs_lists_contexts },
	{ .name = "debugfs-shows-the-screen", .run = debugfs_shows_the_screen },
	{ .name = "debugfs-says-reclaim-is-off", .run = debugfs_says_reclaim_is_off },
	{ .name = "debugfs-counts-messages", .run = debugfs_counts_messages },
	{ .name = "debugfs-counts-what-a-lit-screen-is-told",
	  .run = debugfs_counts_what_a_lit_screen_is_told },
	{ .name = "debugfs-names-features", .run = debugfs_names_features },
	{ .name = "debugfs-names-refusals", .run = debugfs_names_refusals },
	{ .name = "debugfs-shows-the-window", .run = debugfs_shows_the_window },
	{ .name = "trace-shows-commands", .run = trace_shows_commands },
	{ .name = "trace-shows-fences", .run = trace_shows_fences },
	{ .name = "trace-shows-throttling", .run = trace_shows_throttling },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_observe",
		.about = "state that the driver publishes: fdinfo, debugfs, trace points",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
