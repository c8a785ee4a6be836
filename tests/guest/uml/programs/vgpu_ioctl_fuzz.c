// SPDX-License-Identifier: MIT
/*
 * A hostile user. A program is a sequence of nearly valid ioctls, made from words that follow from
 * a seed. With --kcov, programs that reach new code of the kernel are kept and varied. The kernel
 * reports warnings, hangs and leaks; this test checks that no call closes a descriptor that it did
 * not open, and that the device still works for a proper client in the end. With --hostile-host the
 * device need not work.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "vgpu_drm.h"
#include "vgpu_test.h"

/* Number of words of a program, and of the ioctls made from them. */
#define WORDS 512
#define OPS 32
/* Maximum number of programs that are kept because they reached new code. */
#define CORPUS_MAX 512
#define KCOV_ENTRIES (1u << 16)
#define SEEN_BITS (1u << 20)
#define NODES 3
#define SLOTS 16
#define MAPPING_BYTES 16384
/* A larger buffer is requested only where the driver must refuse it. */
#define LARGEST (1u << 20)
/* Handles are small numbers, so guess some of them. */
#define GUESSES 24

/** struct program - the words that a sequence of ioctls is made from */
struct program {
	uint32_t word[WORDS];
};

/**
 * struct session - the objects that a program has created so far
 * @node: open files: two render nodes and a card
 * @handle: buffers of each file
 * @fence: sync files
 * @dmabuf: exported buffers
 * @syncobj: syncobjs of each file
 * @fb: framebuffers of the card
 */
struct session {
	int node[NODES];
	uint32_t handle[NODES][SLOTS];
	int fence[SLOTS];
	int dmabuf[SLOTS];
	uint32_t syncobj[NODES][SLOTS];
	uint32_t fb[SLOTS];
};

static const struct program *program;
static unsigned int at;
static struct session session;
static uint32_t crtc_id, connector_id;
static struct drm_mode_modeinfo mode;
static uint64_t random_state;
static unsigned long calls, succeeded;
static unsigned long errnos[256];
static bool is_shared, host_is_hostile;
static uint64_t *kcov;
static uint8_t seen[SEEN_BITS / 8];
static unsigned long nseen;

static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static uint32_t word(void)
{
	return program->word[at++ % WORDS];
}

static uint32_t pick(uint32_t n)
{
	return word() % n;
}

static uint64_t nasty(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 7, 8, 63, 64, 65, 255, 256, 4095, 4096, 4097, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff, 0x100000000ull,
		0x7fffffffffffffffull, 0xfffffffffffff000ull, UINT64_MAX,
	};
	uint32_t w = word();

	return w & 1 ? values[(w >> 1) % ARRAY_SIZE(values)] : (uint64_t)word() << 32 | word();
}

/* Replace one field in eight by a nasty value. */
#define TWIST(field)					\
	do {						\
		if (!pick(8))				\
			(field) = (__typeof__(field))nasty();	\
	} while (0)

static int call(int fd, unsigned long request, void *arg)
{
	int ret = vgpu_ioctl(fd, request, arg);

	calls++;
	if (!ret)
		succeeded++;
	else
		errnos[-ret & 255]++;
	return ret;
}

static uint32_t any_handle(unsigned int node)
{
	uint32_t handle = 0;

	for (int tries = 4; tries && !handle; tries--)
		handle = session.handle[node][pick(SLOTS)];
	return handle && pick(8) ? handle : 1 + pick(GUESSES);
}

static uint32_t any_fb(void)
{
	uint32_t fb = 0;

	for (int tries = 4; tries && !fb; tries--)
		fb = session.fb[pick(SLOTS)];
	return fb;
}

static void keep_handle(unsigned int node, uint32_t handle)
{
	session.handle[node][pick(SLOTS)] = handle;
}

/* Store @fd, and close the descriptor that it replaces. */
static void keep_fd(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static void *any_pointer(void *good)
{
	static void *hole;

	if (!hole)
		hole = mmap(NULL, VGPU_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	switch (pick(24)) {
	case 0:
		return NULL;
	case 1:
		return hole;
	case 2:
		/* An address in the kernel. */
		return (void *)UINTPTR_MAX;
	default:
		return good;
	}
}

static void do_getparam(unsigned int n)
{
	uint64_t value;
	struct drm_virtgpu_getparam args = {
		.param = pick(12), .value = (uintptr_t)any_pointer(&value),
	};

	TWIST(args.param);
	call(session.node[n], DRM_IOCTL_VIRTGPU_GETPARAM, &args);
}

static void do_create(unsigned int n)
{
	struct drm_virtgpu_resource_create args = vgpu_picture_args(1 + pick(128), 1 + pick(128));

	TWIST(args.target);
	TWIST(args.format);
	TWIST(args.bind);
	TWIST(args.width);
	TWIST(args.height);
	TWIST(args.depth);
	TWIST(args.array_size);
	TWIST(args.last_level);
	TWIST(args.nr_samples);
	TWIST(args.flags);
	TWIST(args.stride);
	if (!pick(4))
		args.size = (uint32_t)nasty();

	/* Keep buffers small: host and guest allocate the memory. */
	if (args.size > LARGEST && args.size < 1u << 31)
		args.size &= LARGEST - 1;
	if (!call(session.node[n], DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &args))
		keep_handle(n, args.bo_handle);
}

static void do_blob(unsigned int n)
{
	static uint32_t stream[4] = { 0x00030000 };
	struct drm_virtgpu_resource_create_blob args = vgpu_guest_blob_args(VGPU_PAGE * (1 + pick(8)));

	args.blob_mem = 1 + pick(3);
	if (args.blob_mem != VIRTGPU_BLOB_MEM_GUEST) {
		args.blob_id = pick(4);
		args.cmd = (uintptr_t)any_pointer(stream);
		args.cmd_size = pick(2) ? sizeof(stream) : 0;
		TWIST(args.cmd_size);
	}

	TWIST(args.blob_mem);
	TWIST(args.blob_flags);
	TWIST(args.blob_id);
	TWIST(args.pad);
	TWIST(args.size);
	TWIST(args.blob_hints);
	if (args.size > LARGEST && args.size < 1ull << 31)
		args.size &= LARGEST - 1;
	if (!call(session.node[n], DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &args))
		keep_handle(n, args.bo_handle);
}

static void do_info(unsigned int n)
{
	struct drm_virtgpu_resource_info args = { .bo_handle = any_handle(n) };

	TWIST(args.bo_handle);
	call(session.node[n], DRM_IOCTL_VIRTGPU_RESOURCE_INFO, &args);
}

static void do_map(unsigned int n)
{
	struct drm_virtgpu_map args = { .handle = any_handle(n) };
	int zero;
	void *map;

	TWIST(args.handle);
	if (call(session.node[n], DRM_IOCTL_VIRTGPU_MAP, &args))
		return;
	TWIST(args.offset);
	map = mmap(NULL, MAPPING_BYTES, pick(4) ? PROT_READ | PROT_WRITE : PROT_READ,
		   pick(8) ? MAP_SHARED : MAP_PRIVATE, session.node[n], (off_t)args.offset);
	if (map == MAP_FAILED)
		return;

	/* Let the kernel access the mapping: without memory it gives an errno, not a signal. */
	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (zero >= 0) {
		if (read(zero, map, MAPPING_BYTES) < 0)
			errnos[errno & 255]++;
		close(zero);
	}

	munmap(map, MAPPING_BYTES);
}

static void do_transfer(unsigned int n)
{
	struct drm_virtgpu_3d_transfer_to_host args = {
		.bo_handle = any_handle(n),
		.box = { .w = 1 + pick(64), .h = 1 + pick(64), .d = 1 },
	};

	TWIST(args.bo_handle);
	TWIST(args.box.x);
	TWIST(args.box.w);
	TWIST(args.box.h);
	TWIST(args.box.d);
	TWIST(args.level);
	TWIST(args.offset);
	TWIST(args.stride);
	TWIST(args.layer_stride);
	call(session.node[n], pick(2) ? DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST :
					DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST, &args);
}

static void fill_syncobjs(unsigned int n, struct drm_virtgpu_execbuffer_syncobj sync[4])
{
	for (unsigned int i = 0; i < 4; i++) {
		sync[i] = (struct drm_virtgpu_execbuffer_syncobj){
			.handle = session.syncobj[n][pick(SLOTS)],
			.flags = pick(2),
			.point = pick(2) ? 0 : pick(8),
		};
		TWIST(sync[i].handle);
		TWIST(sync[i].flags);
		TWIST(sync[i].point);
	}
}

static void do_execbuffer(unsigned int n)
{
	static uint32_t stream[1024];
	struct drm_virtgpu_execbuffer_syncobj in[4], out[4];
	uint32_t handles[8];
	struct drm_virtgpu_execbuffer args = {
		.flags = pick(8),
		.size = 4 * (1 + pick(ARRAY_SIZE(stream))),
		.command = (uintptr_t)any_pointer(stream),
		.bo_handles = (uintptr_t)any_pointer(handles),
		.num_bo_handles = pick(ARRAY_SIZE(handles) + 1),
		.fence_fd = session.fence[pick(SLOTS)],
		.ring_idx = pick(3),
		.syncobj_stride = sizeof(in[0]),
		.num_in_syncobjs = pick(3) ? 0 : pick(5),
		.num_out_syncobjs = pick(3) ? 0 : pick(5),
		.in_syncobjs = (uintptr_t)any_pointer(in),
		.out_syncobjs = (uintptr_t)any_pointer(out),
	};
	bool wants_fence;

	fill_syncobjs(n, in);
	fill_syncobjs(n, out);
	for (unsigned int i = 0; i < ARRAY_SIZE(handles); i++)
		handles[i] = any_handle(n);

	/* One NOP, or a random command. */
	stream[0] = (args.size / 4 - 1) << 16;
	TWIST(stream[0]);
	TWIST(args.flags);
	TWIST(args.size);
	TWIST(args.num_bo_handles);
	TWIST(args.ring_idx);
	TWIST(args.syncobj_stride);
	TWIST(args.num_in_syncobjs);
	TWIST(args.num_out_syncobjs);
	TWIST(args.fence_fd);
	wants_fence = args.flags & VIRTGPU_EXECBUF_FENCE_FD_OUT;
	if (!call(session.node[n], DRM_IOCTL_VIRTGPU_EXECBUFFER, &args) && wants_fence)
		keep_fd(&session.fence[pick(SLOTS)], args.fence_fd);
}

static void do_wait(unsigned int n)
{
	struct drm_virtgpu_3d_wait args = { .handle = any_handle(n), .flags = pick(4) ? 1 : 0 };

	TWIST(args.handle);
	TWIST(args.flags);
	call(session.node[n], DRM_IOCTL_VIRTGPU_WAIT, &args);
}

static void do_get_caps(unsigned int n)
{
	static uint8_t caps[4096];
	struct drm_virtgpu_get_caps args = {
		.cap_set_id = pick(8), .cap_set_ver = pick(3),
		.addr = (uintptr_t)any_pointer(caps), .size = pick(sizeof(caps) + 1),
	};

	TWIST(args.cap_set_id);
	TWIST(args.cap_set_ver);
	call(session.node[n], DRM_IOCTL_VIRTGPU_GET_CAPS, &args);
}

static void do_context_init(unsigned int n)
{
	static char name[80] = "fuzz";
	struct drm_virtgpu_context_set_param params[5];
	struct drm_virtgpu_context_init args = {
		.num_params = pick(6), .ctx_set_params = (uintptr_t)any_pointer(params),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(params); i++) {
		params[i].param = 1 + pick(4);
		params[i].value = params[i].param == VIRTGPU_CONTEXT_PARAM_DEBUG_NAME ?
				  (uintptr_t)any_pointer(name) : pick(65);
		TWIST(params[i].param);
		TWIST(params[i].value);
	}
	TWIST(args.num_params);
	call(session.node[n], DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &args);
}

static void do_close(unsigned int n)
{
	struct drm_gem_close args = { .handle = any_handle(n) };

	call(session.node[n], DRM_IOCTL_GEM_CLOSE, &args);
}

static void do_export(unsigned int n)
{
	struct drm_prime_handle args = { .handle = any_handle(n), .flags = O_CLOEXEC | O_RDWR };

	TWIST(args.handle);
	if (!call(session.node[n], DRM_IOCTL_PRIME_HANDLE_TO_FD, &args))
		keep_fd(&session.dmabuf[pick(SLOTS)], args.fd);
}

static void do_import(unsigned int n)
{
	struct drm_prime_handle args = { .fd = session.dmabuf[pick(SLOTS)] };

	if (!call(session.node[n], DRM_IOCTL_PRIME_FD_TO_HANDLE, &args))
		keep_handle(n, args.handle);
}

static void do_syncobj(unsigned int n)
{
	struct drm_syncobj_create create = { .flags = pick(2) };
	struct drm_syncobj_destroy destroy = { .handle = session.syncobj[n][pick(SLOTS)] };

	if (!pick(3))
		call(session.node[n], DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
	else if (!call(session.node[n], DRM_IOCTL_SYNCOBJ_CREATE, &create))
		session.syncobj[n][pick(SLOTS)] = create.handle;
}

static void do_dumb(unsigned int n)
{
	struct drm_mode_create_dumb args = {
		.width = pick(2) ? 64 : mode.hdisplay, .height = pick(2) ? 64 : mode.vdisplay,
		.bpp = 32,
	};

	TWIST(args.width);
	TWIST(args.height);
	TWIST(args.bpp);
	if ((uint64_t)args.width * args.height > LARGEST / 2 &&
	    (uint64_t)args.width * args.height < 1u << 29)
		args.width = args.height = 1;
	if (!call(session.node[n], DRM_IOCTL_MODE_CREATE_DUMB, &args))
		keep_handle(n, args.handle);
}

static void do_fb(unsigned int n)
{
	struct drm_mode_fb_cmd2 args = {
		.width = pick(2) ? 64 : mode.hdisplay,
		.height = pick(2) ? 64 : mode.vdisplay,
		.pixel_format = (pick(2) ? 'X' : 'A') | 'R' << 8 | '2' << 16 | '4' << 24,
	};
	uint32_t id = any_fb();

	if (!pick(4)) {
		call(session.node[n], DRM_IOCTL_MODE_RMFB, &id);
		return;
	}

	args.handles[0] = any_handle(n);
	args.pitches[0] = args.width * 4;
	TWIST(args.width);
	TWIST(args.height);
	TWIST(args.pixel_format);
	TWIST(args.pitches[0]);
	TWIST(args.offsets[0]);
	TWIST(args.flags);
	if (!call(session.node[n], DRM_IOCTL_MODE_ADDFB2, &args))
		session.fb[pick(SLOTS)] = args.fb_id;
}

static void do_crtc(unsigned int n)
{
	struct drm_mode_crtc args = {
		.set_connectors_ptr = (uintptr_t)any_pointer(&connector_id),
		.count_connectors = 1,
		.crtc_id = crtc_id,
		.fb_id = any_fb(),
		.mode_valid = 1,
		.mode = mode,
	};

	TWIST(args.x);
	TWIST(args.fb_id);
	TWIST(args.mode.hdisplay);
	TWIST(args.mode.clock);
	TWIST(args.mode_valid);
	TWIST(args.count_connectors);
	call(session.node[n], DRM_IOCTL_MODE_SETCRTC, &args);
}

static void do_flip(unsigned int n)
{
	struct drm_mode_crtc_page_flip args = {
		.crtc_id = crtc_id, .fb_id = any_fb(),
		.flags = pick(2) ? DRM_MODE_PAGE_FLIP_EVENT : 0,
	};

	TWIST(args.flags);
	call(session.node[n], DRM_IOCTL_MODE_PAGE_FLIP, &args);
}

static void do_dirty(unsigned int n)
{
	struct drm_clip_rect clips[4];
	struct drm_mode_fb_dirty_cmd args = {
		.fb_id = any_fb(),
		.num_clips = pick(ARRAY_SIZE(clips) + 1),
		.clips_ptr = (uintptr_t)any_pointer(clips),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(clips); i++)
		clips[i] = (struct drm_clip_rect){ (uint16_t)word(), (uint16_t)word(),
						   (uint16_t)word(), (uint16_t)word() };
	TWIST(args.num_clips);
	TWIST(args.flags);
	call(session.node[n], DRM_IOCTL_MODE_DIRTYFB, &args);
}

static void do_cursor(unsigned int n)
{
	struct drm_mode_cursor2 args = {
		.flags = 1 + pick(3), .crtc_id = crtc_id, .x = (int32_t)pick(800),
		.y = (int32_t)pick(600), .width = 64, .height = 64, .handle = any_handle(n),
		.hot_x = (int32_t)pick(64), .hot_y = (int32_t)pick(64),
	};

	TWIST(args.flags);
	TWIST(args.x);
	TWIST(args.y);
	TWIST(args.width);
	TWIST(args.hot_x);
	TWIST(args.hot_y);
	call(session.node[n], DRM_IOCTL_MODE_CURSOR2, &args);
}

static void do_events(unsigned int n)
{
	struct pollfd pfd = { .fd = session.node[n], .events = POLLIN };
	char buf[256];

	if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN &&
	    read(session.node[n], any_pointer(buf), 1 + pick(sizeof(buf))) < 0)
		errnos[errno & 255]++;
}

/* Random bytes on any ioctl of the driver, except those that allocate memory. */
static void do_noise(unsigned int n)
{
	uint32_t noise[64];
	unsigned int size = 4 * pick(ARRAY_SIZE(noise)), nr = pick(16);

	for (unsigned int i = 0; i < ARRAY_SIZE(noise); i++)
		noise[i] = (uint32_t)nasty();
	/* The descriptor would be written beyond the noise, and never be closed. */
	if (nr == DRM_VIRTGPU_EXECBUFFER)
		noise[0] &= ~(uint32_t)VIRTGPU_EXECBUF_FENCE_FD_OUT;
	if (nr != DRM_VIRTGPU_RESOURCE_CREATE && nr != DRM_VIRTGPU_RESOURCE_CREATE_BLOB)
		call(session.node[n], _IOC(pick(4), DRM_IOCTL_BASE, DRM_COMMAND_BASE + nr, size),
		     noise);
}

static int open_node(unsigned int n)
{
	return n == NODES - 1 ? vgpu_open_card() : vgpu_open_render();
}

/* Close a file with all its objects, and open it again. */
static void do_reopen(unsigned int n)
{
	if (is_shared)
		return;
	close(session.node[n]);
	session.node[n] = open_node(n);
	memset(session.handle[n], 0, sizeof(session.handle[n]));
	memset(session.syncobj[n], 0, sizeof(session.syncobj[n]));
}

/* Operations that should occur often are listed more than once. */
static void (*const ops[])(unsigned int n) = {
	do_getparam, do_create, do_create, do_create, do_blob, do_blob, do_info, do_map, do_map,
	do_transfer, do_transfer, do_execbuffer, do_execbuffer, do_execbuffer, do_execbuffer,
	do_wait, do_get_caps, do_context_init, do_close, do_close, do_export, do_import,
	do_syncobj, do_syncobj, do_events, do_noise, do_reopen,
};

static void (*const card_ops[])(unsigned int n) = {
	do_dumb, do_dumb, do_dumb, do_fb, do_fb, do_fb, do_crtc, do_flip, do_dirty, do_cursor,
};

static void begin(void)
{
	memset(&session, 0, sizeof(session));
	for (unsigned int i = 0; i < SLOTS; i++)
		session.fence[i] = session.dmabuf[i] = -1;
	for (unsigned int n = 0; n < NODES; n++)
		session.node[n] = open_node(n);
}

static void end(void)
{
	struct drm_mode_cursor2 none = { .flags = DRM_MODE_CURSOR_BO, .crtc_id = crtc_id };

	/*
	 * Remove the cursor: it survives its client, and without a console nothing else removes it.
	 * If its buffer is exported, it holds a reference to the module.
	 */
	vgpu_ioctl(session.node[NODES - 1], DRM_IOCTL_MODE_CURSOR2, &none);
	for (unsigned int i = 0; i < SLOTS; i++) {
		keep_fd(&session.fence[i], -1);
		keep_fd(&session.dmabuf[i], -1);
	}
	for (unsigned int n = 0; n < NODES; n++)
		close(session.node[n]);
}

static void check_descriptors(int before)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			vgpu_fail("descriptor %d was taken away", fd);
	if (vgpu_count_fds() != before)
		vgpu_fail("%d descriptors before, %d now", before, vgpu_count_fds());
}

static void run_ops(const struct program *p)
{
	program = p;
	at = 0;
	/* Create some objects first. */
	for (unsigned int n = 0; n < NODES; n++) {
		do_create(n);
		do_blob(n);
		do_syncobj(n);
	}
	do_dumb(NODES - 1);
	for (unsigned int i = 0; i < OPS; i++) {
		if (pick(4))
			ops[pick(ARRAY_SIZE(ops))](pick(NODES));
		else
			card_ops[pick(ARRAY_SIZE(card_ops))](NODES - 1);
	}
}

static void run(const struct program *p)
{
	int before = vgpu_count_fds();

	begin();
	run_ops(p);
	end();
	check_descriptors(before);
	/* Workers free the memory, and the virtual clock advances only in a pause. */
	usleep(1000);
}

/* Get the ids and the mode that mode setting needs. */
static void find_display(void)
{
	static struct drm_mode_modeinfo modes[256];
	uint32_t connectors[16], crtcs[16];
	struct drm_mode_card_res res = {
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = 16,
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 16,
	};
	struct drm_mode_get_connector probe = { 0 }, conn = {
		.modes_ptr = (uintptr_t)modes, .count_modes = ARRAY_SIZE(modes),
	};
	int fd = vgpu_open_card();

	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	crtc_id = crtcs[0];
	connector_id = connectors[0];

	/* GETCONNECTOR without room for modes makes the kernel probe. */
	probe.connector_id = conn.connector_id = connector_id;
	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_GETCONNECTOR, &probe));
	vgpu_ok(vgpu_ioctl(fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn));
	vgpu_assert(conn.count_modes || host_is_hostile);
	if (conn.count_modes && conn.count_modes <= ARRAY_SIZE(modes))
		mode = modes[conn.count_modes - 1];
	close(fd);
}

/* ---- guidance ---- */

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0

static void start_kcov(void)
{
	int fd = vgpu_sys(open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC));

	vgpu_sys(ioctl(fd, KCOV_INIT_TRACE, KCOV_ENTRIES));
	kcov = mmap(NULL, KCOV_ENTRIES * sizeof(*kcov), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	vgpu_assert(kcov != MAP_FAILED);
	vgpu_sys(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC));
}

/* Check whether this run has reached code that no earlier run reached. */
static bool is_new(void)
{
	uint64_t n = __atomic_load_n(&kcov[0], __ATOMIC_RELAXED);
	bool found = false;

	for (uint64_t i = 1; i <= n && i < KCOV_ENTRIES; i++) {
		uint32_t bit = (uint32_t)(kcov[i] * 0x9e3779b97f4a7c15ull >> 44);

		if (seen[bit / 8] >> bit % 8 & 1)
			continue;
		seen[bit / 8] |= (uint8_t)(1 << bit % 8);
		nseen++;
		found = true;
	}
	return found;
}

static void make_program(struct program *p, const struct program *corpus, unsigned int ncorpus)
{
	unsigned int n = 1 + (unsigned int)(next_random() % 16);

	if (!ncorpus || next_random() % 4 == 0) {
		for (unsigned int i = 0; i < WORDS; i++)
			p->word[i] = (uint32_t)next_random();
		return;
	}
	*p = corpus[next_random() % ncorpus];
	while (n--)
		p->word[next_random() % WORDS] = (uint32_t)next_random();
}

static void fuzz(unsigned long ncalls)
{
	static struct program corpus[CORPUS_MAX], p;
	unsigned int ncorpus = 0, slot;

	while (calls < ncalls) {
		make_program(&p, corpus, ncorpus);
		if (kcov)
			__atomic_store_n(&kcov[0], 0, __ATOMIC_RELAXED);
		run(&p);
		if (!kcov || !is_new())
			continue;
		slot = ncorpus < CORPUS_MAX ? ncorpus++ :
					      (unsigned int)(next_random() % CORPUS_MAX);
		corpus[slot] = p;
	}

	vgpu_info("%lu calls, %lu succeeded, %u programs kept, %lu places reached", calls,
		  succeeded, ncorpus, nseen);
	for (int e = 1; e < 256; e++)
		if (errnos[e])
			vgpu_info("  %7lu %s", errnos[e], strerrorname_np(e) ?: "?");
	if (succeeded < calls / 8 && !host_is_hostile)
		vgpu_fail("too few calls succeed to reach anything");
}

/* Several processes use the same files, so one closes objects that another is using. */
static void fuzz_shared(unsigned long ncalls, unsigned int processes)
{
	static struct program p;

	is_shared = true;
	while (calls < ncalls) {
		begin();
		for (unsigned int i = 0; i < processes; i++) {
			make_program(&p, NULL, 0);
			if (vgpu_sys(fork()))
				continue;
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (unsigned int round = 0; round < 8; round++) {
				run_ops(&p);
				for (unsigned int w = 0; w < WORDS; w++)
					p.word[w] = p.word[w] * 2654435761u + round;
			}
			_exit(0);
		}
		/*
		 * The parent closes its files first, so the last process to exit closes the last
		 * reference.
		 */
		end();
		for (unsigned int i = 0; i < processes; i++) {
			int status;

			vgpu_sys(wait(&status));
			vgpu_assert_eq(status, 0);
		}
		calls += 8ul * OPS * processes;
	}

	vgpu_info("%lu calls of %u processes on the same files", calls, processes);
}

enum {
	OPT_SEED = 1,
	OPT_CALLS,
	OPT_KCOV,
	OPT_SHARED,
	OPT_HOSTILE_HOST,
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "calls", required_argument, NULL, OPT_CALLS },
		{ "kcov", no_argument, NULL, OPT_KCOV },
		{ "shared", required_argument, NULL, OPT_SHARED },
		{ "hostile-host", no_argument, NULL, OPT_HOSTILE_HOST },
		{ 0 },
	};
	unsigned long ncalls = 20000;
	unsigned int processes = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) > 0) {
		switch (opt) {
		case OPT_SEED:
			random_state = strtoull(optarg, NULL, 0);
			break;
		case OPT_CALLS:
			ncalls = strtoul(optarg, NULL, 0);
			break;
		case OPT_KCOV:
			start_kcov();
			break;
		case OPT_SHARED:
			processes = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case OPT_HOSTILE_HOST:
			host_is_hostile = true;
			break;
		default:
			fprintf(stderr,
				"usage: %s [--seed N] [--calls N] [--kcov] [--shared PROCESSES] [--hostile-host]\n",
				argv[0]);
			return VGPU_EXIT_INVALID;
		}
	}

	find_display();
	if (processes)
		fuzz_shared(ncalls, processes);
	else
		fuzz(ncalls);
	if (!host_is_hostile)
		vgpu_drm_check_alive();
	return 0;
}
