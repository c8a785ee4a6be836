// SPDX-License-Identifier: MIT
/*
 * Let the N-th fallible step of a system call fail, for N = 1, 2, ... until the call succeeds.
 * Steps are allocations of slab objects and pages, and copies from and to user space. Each time the
 * call must fail with a fitting errno or do without the step, nothing may hang or leak, and the
 * device must go on working.
 *
 * Needs a kernel with FAILSLAB, FAIL_PAGE_ALLOC and FAULT_INJECTION_USERCOPY. The caller of this
 * program checks for leaks, after it has unloaded the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <xf86drm.h>

#include "vgpu_binding.h"
#include "vgpu_drm.h"
#include "vgpu_idle.h"
#include "vgpu_stream.h"
#include "vgpu_test.h"

/* No system call here has that many steps: a sweep that reaches this number never ends. */
#define MAX_STEPS 5000
#define TIMEOUT_S 600
#define SIDE 64u
/* More buffers than the driver keeps on its stack. */
#define BATCH 40

/**
 * struct rig - the objects of an operation; created anew for each step
 * @fd: a fresh render client
 * @card: a fresh client of the primary node, or -1
 * @client: @fd as one that submits
 * @handle: a picture, or 0
 * @handles: more objects
 * @out: result of the operation: a handle or a file descriptor, or -1
 * @next_fd: the file descriptor that the operation will get if it opens one
 * @syncobj: an empty one, or 0
 * @stream: commands that do nothing
 * @map: a mapping of @handle, or NULL
 * @size: size of @map
 * @connector: KMS object ids and a mode
 * @crtc: see @connector
 * @mode: see @connector
 * @fb: a framebuffer, or 0
 */
struct rig {
	int fd;
	int card;
	struct vgpu_client client;
	uint32_t handle;
	uint32_t handles[BATCH];
	long out;
	int next_fd;
	uint32_t syncobj;
	void *stream;
	void *map;
	size_t size;
	uint32_t connector;
	uint32_t crtc;
	struct drm_mode_modeinfo mode;
	uint32_t fb;
};

/**
 * struct op - one system call (or a few that belong together)
 * @name: name of the subtest
 * @setup: creates the objects that the call needs
 * @run: the call: 0 or -errno; must not fault in user memory
 * @undo: undoes @run; receives its result
 */
struct op {
	const char *name;
	void (*setup)(struct rig *rig);
	int (*run)(struct rig *rig);
	void (*undo)(struct rig *rig, int ret);
};

/* Results that an injected failure may have; any other result is a bug. */
static const int may_fail_with[] = { 0, -ENOMEM, -EFAULT, -ENOSPC, -EINTR };

static void write_knob(const char *dir, const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	vgpu_require(fd >= 0, "this kernel has no %s", path);
	vgpu_assert_eq(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

/* Also let allocations fail that may sleep, and allocations of single pages. */
static void turn_on(void)
{
	write_knob("failslab", "ignore-gfp-wait", "N");
	write_knob("failslab", "verbose", "0");
	write_knob("fail_page_alloc", "ignore-gfp-wait", "N");
	write_knob("fail_page_alloc", "ignore-gfp-highmem", "N");
	write_knob("fail_page_alloc", "min-order", "0");
	write_knob("fail_page_alloc", "verbose", "0");
	write_knob("fail_usercopy", "verbose", "0");
}

static int nth_fd = -1;

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* Steps of the previous call may still be armed to fail; then this write fails. */
	while (pwrite(nth_fd, text, (size_t)len, 0) != len)
		vgpu_assert_eq(errno, EFAULT);
}

/* Check whether the step failed; if not, the call has fewer steps. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t len = pread(nth_fd, text, sizeof(text) - 1, 0);

	arm(0);
	/* The read itself copies to user space, so it may be the step that fails. */
	if (len < 0)
		return false;
	return atoi(text) == 0;
}

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){ .fd = vgpu_open_render(), .card = -1, .out = -1 };
}

static void rig_fini(struct rig *rig)
{
	if (rig->map)
		munmap(rig->map, rig->size);
	free(rig->stream);
	if (rig->fd >= 0)
		close(rig->fd);
	if (rig->card >= 0)
		close(rig->card);
}

static bool is_expected(int ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(may_fail_with); i++)
		if (ret == may_fail_with[i])
			return true;
	return false;
}

static void sweep(const struct op *op)
{
	unsigned int refused = 0;
	struct rig rig;

	turn_on();
	nth_fd = vgpu_sys(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC));
	vgpu_sys(mlockall(MCL_CURRENT | MCL_FUTURE));

	for (unsigned int n = 1; n <= MAX_STEPS; n++) {
		bool injected;
		int ret;

		rig_init(&rig);
		if (op->setup)
			op->setup(&rig);
		rig.next_fd = vgpu_sys(dup(nth_fd));
		close(rig.next_fd);
		arm(n);
		ret = op->run(&rig);
		injected = disarm();
		if (op->undo)
			op->undo(&rig, ret);
		rig_fini(&rig);
		if (!injected) {
			if (ret)
				vgpu_fail("%s fails with %d when nothing is injected",
					  op->name, ret);
			/* A sweep without a step would test nothing. */
			vgpu_assert(n > 1);
			vgpu_info("%s: %u steps, %u of them refused the call",
				  op->name, n - 1, refused);
			vgpu_drm_check_alive();
			close(nth_fd);
			return;
		}
		if (!is_expected(ret))
			vgpu_fail("%s, step %u fails: gives %d", op->name, n, ret);
		if (ret)
			refused++;
		if (n % 16 == 0)
			vgpu_drm_check_alive();
	}

	vgpu_fail("%s: more than %d steps", op->name, MAX_STEPS);
}

/* Clients */

static void setup_nothing(struct rig *rig)
{
	close(rig->fd);
	rig->fd = -1;
}

static char render_node[32];

static int run_open(struct rig *rig)
{
	int fd = open(render_node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	rig->fd = fd;
	return 0;
}

static void setup_open(struct rig *rig)
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", rig->fd);
	len = readlink(link, render_node, sizeof(render_node) - 1);
	vgpu_assert(len > 0);
	render_node[len] = '\0';
	setup_nothing(rig);
}

static int run_close(struct rig *rig)
{
	int fd = rig->fd;

	rig->fd = -1;
	return close(fd) ? -errno : 0;
}

static void setup_busy_client(struct rig *rig)
{
	for (int i = 0; i < BATCH; i++)
		rig->handles[i] = vgpu_new_picture(rig->fd, SIDE, SIDE);
}

static int run_getparam(struct rig *rig)
{
	int value = 0;
	struct drm_virtgpu_getparam gp = {
		.param = VIRTGPU_PARAM_3D_FEATURES,
		.value = (uintptr_t)&value,
	};

	return vgpu_ioctl(rig->fd, DRM_IOCTL_VIRTGPU_GETPARAM, &gp);
}

static uint32_t any_capset(int fd)
{
	for (uint32_t id = 1; id < 64; id++)
		if (vgpu_has_capset(fd, id))
			return id;
	vgpu_test_skip("the device has no capsets");
}

static uint8_t caps[4096];

static void setup_caps(struct rig *rig)
{
	rig->out = any_capset(rig->fd);
}

static int run_get_caps(struct rig *rig)
{
	return vgpu_get_caps(rig->fd, (uint32_t)rig->out, 0, caps, sizeof(caps));
}

static void setup_has_context(struct rig *rig)
{
	vgpu_require(vgpu_has_context_init(rig->fd), "the device has no contexts to choose");
	rig->out = any_capset(rig->fd);
}

static int run_context_init(struct rig *rig)
{
	struct drm_virtgpu_context_set_param params[] = {
		{ VIRTGPU_CONTEXT_PARAM_CAPSET_ID, (uint64_t)rig->out },
		{ VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 4 },
		{ VIRTGPU_CONTEXT_PARAM_POLL_RINGS_MASK, 0xf },
	};

	return vgpu_context_init(rig->fd, params, ARRAY_SIZE(params));
}

/*
 * A call that failed has made no context, so it can be repeated. DRM copies the arguments back after the
 * driver has finished, so -EFAULT may follow a success.
 */
static void undo_context_init(struct rig *rig, int ret)
{
	if (ret)
		vgpu_ret(run_context_init(rig), 0, ret == -EFAULT ? -EEXIST : 0);
}

/* Objects */

static int run_create(struct rig *rig)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(SIDE, SIDE);

	return vgpu_resource_create(rig->fd, &rc);
}

static int run_create_large(struct rig *rig)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(256, 256);

	return vgpu_resource_create(rig->fd, &rc);
}

static void setup_has_blob(struct rig *rig)
{
	vgpu_require(vgpu_has_blob(rig->fd), "the device has no blobs");
}

static int run_create_blob(struct rig *rig)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_guest_blob_args(4 * VGPU_PAGE);

	return vgpu_blob_create(rig->fd, &blob);
}

static void setup_picture(struct rig *rig)
{
	rig->handle = vgpu_new_picture(rig->fd, SIDE, SIDE);
}

static int run_gem_close(struct rig *rig)
{
	return vgpu_gem_close(rig->fd, rig->handle);
}

static int run_info(struct rig *rig)
{
	struct drm_virtgpu_resource_info info;

	return vgpu_resource_info(rig->fd, rig->handle, &info);
}

/* /dev/zero: a read from it into a mapping makes the kernel take the page faults. */
static int zero_fd = -1;

static int run_map(struct rig *rig)
{
	uint64_t offset;
	int ret = vgpu_map_offset(rig->fd, rig->handle, &offset);

	if (ret)
		return ret;
	rig->size = SIDE * SIDE * 4;
	/* MCL_FUTURE does not populate mappings of a device, so read into it here. */
	rig->map = mmap(NULL, rig->size, PROT_READ | PROT_WRITE, MAP_SHARED, rig->fd,
			(off_t)offset);
	if (rig->map == MAP_FAILED) {
		rig->map = NULL;
		return -errno;
	}
	if (read(zero_fd, rig->map, rig->size) != (ssize_t)rig->size)
		return -EFAULT;
	return 0;
}

static void setup_map(struct rig *rig)
{
	setup_picture(rig);
	zero_fd = vgpu_sys(open("/dev/zero", O_RDONLY | O_CLOEXEC));
}

static void undo_map(struct rig *rig, int ret)
{
	(void)rig;
	(void)ret;
	close(zero_fd);
}

static struct drm_virtgpu_3d_box picture_box(void)
{
	return (struct drm_virtgpu_3d_box){ .w = SIDE, .h = SIDE, .d = 1 };
}

static int run_transfer_to(struct rig *rig)
{
	struct drm_virtgpu_3d_box box = picture_box();

	return vgpu_transfer_to_host(rig->fd, rig->handle, &box, 0, 0);
}

static void setup_3d_picture(struct rig *rig)
{
	vgpu_require(vgpu_has_3d(rig->fd), "the device has no 3D");
	setup_picture(rig);
}

static int run_transfer_from(struct rig *rig)
{
	struct drm_virtgpu_3d_box box = picture_box();

	return vgpu_transfer_from_host(rig->fd, rig->handle, &box, 0, 0);
}

static void setup_busy_picture(struct rig *rig)
{
	struct drm_virtgpu_3d_box box = picture_box();

	setup_3d_picture(rig);
	vgpu_ok(vgpu_transfer_to_host(rig->fd, rig->handle, &box, 0, 0));
}

static int run_wait(struct rig *rig)
{
	return vgpu_wait(rig->fd, rig->handle, 0);
}

/* Whether the call failed or not, the work that it has queued completes. */
static void undo_wait(struct rig *rig, int ret)
{
	(void)ret;
	vgpu_ok(vgpu_wait(rig->fd, rig->handle, 0));
}

/* Submission */

static void setup_client(struct rig *rig)
{
	close(rig->fd);
	rig->client = vgpu_client_open();
	rig->fd = rig->client.fd;
	rig->stream = vgpu_stream_new(&rig->client, SIDE);
	setup_picture(rig);
	/* Create the implicit context already here. */
	vgpu_ok(vgpu_submit_bo(&rig->client, rig->handle));
	vgpu_ok(vgpu_wait(rig->fd, rig->handle, 0));
}

static void setup_away(struct rig *rig)
{
	vgpu_require(vgpu_idle_is_on(), "the driver gives no memory back");
	setup_client(rig);
	vgpu_idle_send_away(rig->fd, rig->handle);
}

static void setup_away_map(struct rig *rig)
{
	setup_away(rig);
	zero_fd = vgpu_sys(open("/dev/zero", O_RDONLY | O_CLOEXEC));
}

static void setup_client_many(struct rig *rig)
{
	setup_client(rig);
	for (int i = 0; i < BATCH; i++)
		rig->handles[i] = vgpu_new_picture(rig->fd, SIDE, SIDE);
}

static void setup_client_syncobj(struct rig *rig)
{
	setup_client(rig);
	rig->syncobj = vgpu_new_syncobj(rig->fd, false);
}

static void setup_client_fence(struct rig *rig)
{
	int fence = -1;

	setup_client(rig);
	vgpu_ok(vgpu_submit_fences(&rig->client, -1, &fence));
	rig->out = fence;
}

static void setup_first_submission(struct rig *rig)
{
	close(rig->fd);
	rig->client = vgpu_client_open();
	rig->fd = rig->client.fd;
	rig->stream = vgpu_stream_new(&rig->client, SIDE);
}

static int submit(struct rig *rig, struct drm_virtgpu_execbuffer *exec)
{
	exec->command = (uintptr_t)rig->stream;
	exec->size = SIDE;
	return vgpu_execbuffer(rig->fd, exec);
}

static int run_exec(struct rig *rig)
{
	struct drm_virtgpu_execbuffer exec = { 0 };

	return submit(rig, &exec);
}

static int run_exec_bo(struct rig *rig)
{
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)&rig->handle,
		.num_bo_handles = 1,
	};

	return submit(rig, &exec);
}

static int run_exec_bos(struct rig *rig)
{
	struct drm_virtgpu_execbuffer exec = {
		.bo_handles = (uintptr_t)rig->handles,
		.num_bo_handles = BATCH,
	};

	return submit(rig, &exec);
}

static void undo_bos(struct rig *rig, int ret)
{
	(void)ret;
	for (int i = 0; i < BATCH; i++)
		vgpu_ok(vgpu_wait(rig->fd, rig->handles[i], 0));
}

static int run_exec_fence_out(struct rig *rig)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT,
		.fence_fd = -1,
	};
	int ret = submit(rig, &exec);

	if (!ret)
		rig->out = exec.fence_fd;
	return ret;
}

/*
 * The ioctl copies the descriptor of a new file to the caller last. If that copy fails, the file
 * stays open and DRM cannot close it, so do it here.
 */
static void close_untold(const struct rig *rig, int ret)
{
	if (ret == -EFAULT)
		close(rig->next_fd);
}

static void undo_fence_out(struct rig *rig, int ret)
{
	struct pollfd fence = { .fd = (int)rig->out, .events = POLLIN };

	close_untold(rig, ret);
	if (ret)
		return;
	vgpu_assert_eq(vgpu_sys(poll(&fence, 1, -1)), 1);
	close(fence.fd);
}

static int run_exec_fence_in(struct rig *rig)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
		.fence_fd = (int)rig->out,
	};

	return submit(rig, &exec);
}

static void undo_fence_in(struct rig *rig, int ret)
{
	(void)ret;
	close((int)rig->out);
}

static int run_exec_syncobj(struct rig *rig)
{
	struct drm_virtgpu_execbuffer_syncobj out = { .handle = rig->syncobj };
	struct drm_virtgpu_execbuffer exec = {
		.syncobj_stride = sizeof(out),
		.num_out_syncobjs = 1,
		.out_syncobjs = (uintptr_t)&out,
	};

	return submit(rig, &exec);
}

/* A call that failed must not have changed the syncobj, so that it can be repeated. */
static void undo_syncobj(struct rig *rig, int ret)
{
	/*
	 * DRM copies the arguments back after the driver has finished, so -EFAULT may follow a
	 * success.
	 */
	if (ret == -EFAULT)
		return;
	vgpu_assert_eq(vgpu_syncobj_has_fence(rig->fd, rig->syncobj), ret == 0);
}

/* A submission that sends an event to the client */

static void setup_event(struct rig *rig)
{
	close(rig->fd);
	rig->client = vgpu_client_open_rings(1, 1);
	rig->fd = rig->client.fd;
	rig->stream = vgpu_stream_new(&rig->client, SIDE);
	setup_picture(rig);
}

static int run_exec_event(struct rig *rig)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_RING_IDX,
		.bo_handles = (uintptr_t)&rig->handle,
		.num_bo_handles = 1,
	};

	return submit(rig, &exec);
}

/* DRM copies the arguments back after the submission, so -EFAULT may follow a success. */
static void undo_event(struct rig *rig, int ret)
{
	struct pollfd events = { .fd = rig->fd, .events = POLLIN };
	struct drm_event event;

	undo_wait(rig, ret);
	if (ret != -EFAULT)
		vgpu_assert_eq(vgpu_sys(poll(&events, 1, ret ? 0 : 60000)), !ret);
	if (!ret)
		vgpu_assert_eq(read(rig->fd, &event, sizeof(event)), (ssize_t)sizeof(event));
}

/*
 * A submission that waits for two others. Those are on rings, since the host executes the commands of
 * contexts without rings in order, and the driver does not wait for a fence of such a context.
 */

static struct keeper {
	struct vgpu_client client;
	uint32_t token;
} keepers[2];

static int setup_keeper(struct keeper *keeper)
{
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_OUT | VIRTGPU_EXECBUF_RING_IDX,
	};

	keeper->client = vgpu_client_open_rings(1, 0);
	keeper->token = vgpu_token();
	vgpu_ok(vgpu_submit_kept(&keeper->client, &exec, keeper->token));
	return exec.fence_fd;
}

static void setup_client_waiting(struct rig *rig)
{
	int fence;

	setup_client_syncobj(rig);
	rig->out = setup_keeper(&keepers[0]);
	fence = setup_keeper(&keepers[1]);
	vgpu_sys(drmSyncobjImportSyncFile(rig->fd, rig->syncobj, fence));
	close(fence);
}

static int run_exec_waiting(struct rig *rig)
{
	struct drm_virtgpu_execbuffer_syncobj in = { .handle = rig->syncobj };
	struct drm_virtgpu_execbuffer exec = {
		.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
		.fence_fd = (int)rig->out,
		.bo_handles = (uintptr_t)&rig->handle,
		.num_bo_handles = 1,
		.syncobj_stride = sizeof(in),
		.num_in_syncobjs = 1,
		.in_syncobjs = (uintptr_t)&in,
	};

	return submit(rig, &exec);
}

static void undo_waiting(struct rig *rig, int ret)
{
	/* If the driver did not wait, the sweep would miss the steps that prepare for it. */
	if (!ret)
		vgpu_assert_eq(vgpu_wait(rig->fd, rig->handle, VIRTGPU_WAIT_NOWAIT), -EBUSY);
	close((int)rig->out);
	for (size_t i = 0; i < ARRAY_SIZE(keepers); i++) {
		vgpu_ok(vgpu_submit_release(&keepers[i].client, keepers[i].token));
		vgpu_client_close(&keepers[i].client);
	}
	undo_wait(rig, ret);
}

/* Sharing */

static int run_export(struct rig *rig)
{
	int dmabuf = -1, ret = vgpu_prime_export(rig->fd, rig->handle, &dmabuf);

	rig->out = dmabuf;
	return ret;
}

static void undo_close_out(struct rig *rig, int ret)
{
	close_untold(rig, ret);
	if (!ret)
		close((int)rig->out);
}

static void setup_exported(struct rig *rig)
{
	int dmabuf;

	setup_picture(rig);
	vgpu_ok(vgpu_prime_export(rig->fd, rig->handle, &dmabuf));
	vgpu_ok(vgpu_gem_close(rig->fd, rig->handle));
	rig->out = dmabuf;
}

static int run_import(struct rig *rig)
{
	return vgpu_prime_import(rig->fd, (int)rig->out, &rig->handle);
}

static void undo_import(struct rig *rig, int ret)
{
	(void)ret;
	close((int)rig->out);
}

/* Display */

static void setup_card(struct rig *rig)
{
	uint32_t connectors[16], crtcs[16];
	struct drm_mode_card_res res = {
		.connector_id_ptr = (uintptr_t)connectors,
		.count_connectors = ARRAY_SIZE(connectors),
		.crtc_id_ptr = (uintptr_t)crtcs,
		.count_crtcs = ARRAY_SIZE(crtcs),
	};
	struct drm_mode_modeinfo modes[256];
	struct drm_mode_get_connector conn = { 0 };

	close(rig->fd);
	rig->fd = -1;
	rig->card = vgpu_open_card();
	vgpu_ok(vgpu_ioctl(rig->card, DRM_IOCTL_MODE_GETRESOURCES, &res));
	vgpu_require(res.count_connectors > 0 && res.count_crtcs > 0, "the device has no outputs");
	rig->connector = connectors[0];
	rig->crtc = crtcs[0];
	conn.connector_id = rig->connector;

	/* GETCONNECTOR without room for modes makes the kernel probe the output. */
	vgpu_ok(vgpu_ioctl(rig->card, DRM_IOCTL_MODE_GETCONNECTOR, &conn));
	conn = (struct drm_mode_get_connector){
		.connector_id = rig->connector,
		.modes_ptr = (uintptr_t)modes,
		.count_modes = ARRAY_SIZE(modes),
	};
	vgpu_ok(vgpu_ioctl(rig->card, DRM_IOCTL_MODE_GETCONNECTOR, &conn));
	vgpu_assert(conn.count_modes > 0 && conn.count_modes <= ARRAY_SIZE(modes));

	/* Use the smallest mode. */
	rig->mode = modes[0];
	for (uint32_t i = 1; i < conn.count_modes; i++)
		if (modes[i].hdisplay * modes[i].vdisplay <
		    rig->mode.hdisplay * rig->mode.vdisplay)
			rig->mode = modes[i];
}

static int make_dumb(struct rig *rig, uint32_t w, uint32_t h)
{
	struct drm_mode_create_dumb dumb = { .width = w, .height = h, .bpp = 32 };
	int ret = vgpu_ioctl(rig->card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	rig->handle = dumb.handle;
	rig->size = dumb.pitch;
	return ret;
}

static int run_dumb(struct rig *rig)
{
	return make_dumb(rig, SIDE, SIDE);
}

static int make_fb(struct rig *rig, uint32_t w, uint32_t h, uint32_t format)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = w,
		.height = h,
		.pixel_format = format,
		.handles = { rig->handle },
		.pitches = { (uint32_t)rig->size },
	};
	int ret = vgpu_ioctl(rig->card, DRM_IOCTL_MODE_ADDFB2, &fb);

	rig->fb = fb.fb_id;
	return ret;
}

#define FOURCC(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define XRGB8888 FOURCC('X', 'R', '2', '4')

static void setup_card_dumb(struct rig *rig)
{
	setup_card(rig);
	vgpu_ok(make_dumb(rig, rig->mode.hdisplay, rig->mode.vdisplay));
}

static int run_addfb(struct rig *rig)
{
	return make_fb(rig, rig->mode.hdisplay, rig->mode.vdisplay, XRGB8888);
}

static void setup_card_fb(struct rig *rig)
{
	setup_card_dumb(rig);
	vgpu_ok(make_fb(rig, rig->mode.hdisplay, rig->mode.vdisplay, XRGB8888));
}

static int run_setcrtc(struct rig *rig)
{
	struct drm_mode_crtc crtc = {
		.set_connectors_ptr = (uintptr_t)&rig->connector,
		.count_connectors = 1,
		.crtc_id = rig->crtc,
		.fb_id = rig->fb,
		.mode_valid = 1,
		.mode = rig->mode,
	};

	return vgpu_ioctl(rig->card, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

static void setup_card_lit(struct rig *rig)
{
	setup_card_fb(rig);
	vgpu_ok(run_setcrtc(rig));
}

static int run_disable(struct rig *rig)
{
	struct drm_mode_crtc crtc = { .crtc_id = rig->crtc };

	return vgpu_ioctl(rig->card, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

static int run_flip(struct rig *rig)
{
	return vgpu_page_flip(rig->card, rig->crtc, rig->fb, DRM_MODE_PAGE_FLIP_EVENT, 0);
}

/* A flip that was accepted completes. */
static void undo_flip(struct rig *rig, int ret)
{
	struct drm_event_vblank event;

	if (ret)
		return;
	vgpu_assert_eq(vgpu_sys(read(rig->card, &event, sizeof(event))), sizeof(event));
	vgpu_assert_eq(event.base.type, DRM_EVENT_FLIP_COMPLETE);
}

static int run_dirtyfb(struct rig *rig)
{
	struct drm_clip_rect clips[4] = {
		{ 0, 0, 8, 8 }, { 16, 16, 32, 32 }, { 40, 0, 48, 8 }, { 0, 40, 8, 48 },
	};
	struct drm_mode_fb_dirty_cmd dirty = {
		.fb_id = rig->fb,
		.num_clips = ARRAY_SIZE(clips),
		.clips_ptr = (uintptr_t)clips,
	};

	return vgpu_ioctl(rig->card, DRM_IOCTL_MODE_DIRTYFB, &dirty);
}

static void setup_card_cursor(struct rig *rig)
{
	setup_card_lit(rig);
	vgpu_ok(make_dumb(rig, SIDE, SIDE));
}

static int run_cursor(struct rig *rig)
{
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE,
		.crtc_id = rig->crtc,
		.x = 7,
		.y = 9,
		.width = SIDE,
		.height = SIDE,
		.handle = rig->handle,
		.hot_x = 1,
		.hot_y = 1,
	};

	return vgpu_ioctl(rig->card, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

static int run_probe_connector(struct rig *rig)
{
	struct drm_mode_get_connector conn = { .connector_id = rig->connector };

	return vgpu_ioctl(rig->card, DRM_IOCTL_MODE_GETCONNECTOR, &conn);
}

static int run_close_card(struct rig *rig)
{
	int fd = rig->card;

	rig->card = -1;
	return close(fd) ? -errno : 0;
}

/* The driver itself */

static struct vgpu_binding binding;

static void setup_bound(struct rig *rig)
{
	vgpu_binding_init(&binding);
	setup_nothing(rig);
}

static int run_unbind(struct rig *rig)
{
	(void)rig;
	return vgpu_unbind(&binding);
}

static void undo_unbind(struct rig *rig, int ret)
{
	(void)rig;
	/* If the driver was not unbound, there is nothing to bind. */
	if (!ret)
		vgpu_ok(vgpu_bind(&binding));
	vgpu_binding_fini(&binding);
}

/* Suspend, with a lit screen and a client to resume */

static void setup_awake(struct rig *rig)
{
	vgpu_require(vgpu_shim_is_there(), "no transport that suspends");
	setup_card_lit(rig);
	rig->fd = vgpu_open_render();
	vgpu_new_picture(rig->fd, SIDE, SIDE);
	vgpu_binding_init(&binding);
}

static int run_suspend(struct rig *rig)
{
	(void)rig;
	return vgpu_shim_set("frozen", "Y");
}

static void undo_suspend(struct rig *rig, int ret)
{
	(void)rig;
	vgpu_assert_eq(vgpu_shim_is("frozen", "Y"), !ret);
	if (!ret)
		vgpu_ok(vgpu_shim_set("frozen", "N"));
	vgpu_binding_fini(&binding);
}

/* Host memory, mapped through the window */

static void setup_host_blob(struct rig *rig)
{
	vgpu_require(vgpu_has_host_visible(rig->fd), "the device has no host-visible memory");
	vgpu_ok(vgpu_context_init_capset(rig->fd, VIRTGPU_DRM_CAPSET_VENUS));
	zero_fd = vgpu_sys(open("/dev/zero", O_RDONLY | O_CLOEXEC));
}

static int run_create_host_blob(struct rig *rig)
{
	struct drm_virtgpu_resource_create_blob blob = vgpu_host_blob_args(SIDE * SIDE * 4);
	int ret;

	blob.blob_flags |= VIRTGPU_BLOB_FLAG_USE_SHAREABLE;
	ret = vgpu_blob_create(rig->fd, &blob);
	rig->handle = blob.bo_handle;
	return ret;
}

static void setup_has_host_blob(struct rig *rig)
{
	setup_host_blob(rig);
	vgpu_ok(run_create_host_blob(rig));
}

static const struct op ops[] = {
	{ "open", setup_open, run_open, NULL },
	{ "close", setup_busy_client, run_close, NULL },
	{ "getparam", NULL, run_getparam, NULL },
	{ "get-caps", setup_caps, run_get_caps, NULL },
	{ "context-init", setup_has_context, run_context_init, undo_context_init },
	{ "resource-create", NULL, run_create, NULL },
	{ "resource-create-large", NULL, run_create_large, NULL },
	{ "resource-create-blob", setup_has_blob, run_create_blob, NULL },
	{ "resource-info", setup_picture, run_info, NULL },
	{ "gem-close", setup_picture, run_gem_close, NULL },
	{ "map", setup_map, run_map, undo_map },
	{ "transfer-to-host", setup_picture, run_transfer_to, undo_wait },
	{ "transfer-from-host", setup_3d_picture, run_transfer_from, undo_wait },
	{ "wait", setup_busy_picture, run_wait, undo_wait },
	{ "execbuffer-first", setup_first_submission, run_exec, NULL },
	{ "execbuffer", setup_client, run_exec, undo_wait },
	{ "execbuffer-bo", setup_client, run_exec_bo, undo_wait },
	{ "away-map", setup_away_map, run_map, undo_map },
	{ "away-transfer-to-host", setup_away, run_transfer_to, undo_wait },
	{ "away-execbuffer-bo", setup_away, run_exec_bo, undo_wait },
	{ "execbuffer-bos", setup_client_many, run_exec_bos, undo_bos },
	{ "execbuffer-fence-out", setup_client, run_exec_fence_out, undo_fence_out },
	{ "execbuffer-fence-in", setup_client_fence, run_exec_fence_in, undo_fence_in },
	{ "execbuffer-syncobj", setup_client_syncobj, run_exec_syncobj, undo_syncobj },
	{ "execbuffer-event", setup_event, run_exec_event, undo_event },
	{ "execbuffer-waiting", setup_client_waiting, run_exec_waiting, undo_waiting },
	{ "prime-export", setup_picture, run_export, undo_close_out },
	{ "prime-import", setup_exported, run_import, undo_import },
	{ "dumb-create", setup_card, run_dumb, NULL },
	{ "addfb", setup_card_dumb, run_addfb, NULL },
	{ "setcrtc", setup_card_fb, run_setcrtc, NULL },
	{ "setcrtc-off", setup_card_lit, run_disable, NULL },
	{ "page-flip", setup_card_lit, run_flip, undo_flip },
	{ "dirtyfb", setup_card_lit, run_dirtyfb, NULL },
	{ "cursor", setup_card_cursor, run_cursor, NULL },
	{ "get-connector", setup_card, run_probe_connector, NULL },
	{ "close-card", setup_card_lit, run_close_card, NULL },
	{ "unbind", setup_bound, run_unbind, undo_unbind },
	{ "suspend", setup_awake, run_suspend, undo_suspend },
	{ "host-blob-create", setup_host_blob, run_create_host_blob, undo_map },
	{ "host-blob-map", setup_has_host_blob, run_map, undo_map },
};

/* The harness calls functions without arguments, so define one for each operation. */
#define SWEEP(i) static void sweep_##i(void) { sweep(&ops[i]); }
SWEEP(0) SWEEP(1) SWEEP(2) SWEEP(3) SWEEP(4) SWEEP(5) SWEEP(6) SWEEP(7)
SWEEP(8) SWEEP(9) SWEEP(10) SWEEP(11) SWEEP(12) SWEEP(13) SWEEP(14) SWEEP(15)
SWEEP(16) SWEEP(17) SWEEP(18) SWEEP(19) SWEEP(20) SWEEP(21) SWEEP(22) SWEEP(23)
SWEEP(24) SWEEP(25) SWEEP(26) SWEEP(27) SWEEP(28) SWEEP(29) SWEEP(30) SWEEP(31)
SWEEP(32) SWEEP(33) SWEEP(34) SWEEP(35) SWEEP(36) SWEEP(37) SWEEP(38) SWEEP(39)
SWEEP(40)
#undef SWEEP

#define SWEEP(i) sweep_##i
static void (*const sweeps[])(void) = {
	SWEEP(0), SWEEP(1), SWEEP(2), SWEEP(3), SWEEP(4), SWEEP(5), SWEEP(6), SWEEP(7),
	SWEEP(8), SWEEP(9), SWEEP(10), SWEEP(11), SWEEP(12), SWEEP(13), SWEEP(14), SWEEP(15),
	SWEEP(16), SWEEP(17), SWEEP(18), SWEEP(19), SWEEP(20), SWEEP(21), SWEEP(22), SWEEP(23),
	SWEEP(24), SWEEP(25), SWEEP(26), SWEEP(27), SWEEP(28), SWEEP(29), SWEEP(30), SWEEP(31),
	SWEEP(32), SWEEP(33), SWEEP(34), SWEEP(35), SWEEP(36), SWEEP(37), SWEEP(38), SWEEP(39),
	SWEEP(40),
};
#undef SWEEP

_Static_assert(ARRAY_SIZE(ops) == ARRAY_SIZE(sweeps), "one function an operation");

int main(int argc, char **argv)
{
	struct vgpu_subtest subtests[ARRAY_SIZE(ops)];
	const struct vgpu_program program = {
		.name = "vgpu_fail_nth",
		.about = "each fallible step of each call fails once",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(ops),
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		subtests[i] = (struct vgpu_subtest){ ops[i].name, sweeps[i], TIMEOUT_S };
	return vgpu_test_main(argc, argv, &program);
}
