// SPDX-License-Identifier: MIT
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_test.h"

#define VGPU_EVENT_TIMEOUT_MS 60000

int vgpu_open_display(void)
{
	int fd = vgpu_open_card();

	/* Without a display configured the driver has no KMS at all. */
	vgpu_require(drmIsKMS(fd), "the driver runs without KMS");
	vgpu_sys(drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1));
	vgpu_sys(drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1));
	/* Without this capability atomic clients do not see cursor planes. */
	drmSetClientCap(fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1);
	return fd;
}

static uint64_t prop_value(int fd, uint32_t object, uint32_t type,
			   const char *name)
{
	drmModeObjectPropertiesPtr props =
		drmModeObjectGetProperties(fd, object, type);
	uint32_t id = vgpu_prop(fd, object, type, name);
	uint64_t value = 0;

	for (uint32_t i = 0; props && i < props->count_props; i++)
		if (props->props[i] == id)
			value = props->prop_values[i];
	drmModeFreeObjectProperties(props);
	return value;
}

uint32_t vgpu_prop(int fd, uint32_t object, uint32_t type, const char *name)
{
	drmModeObjectPropertiesPtr props =
		drmModeObjectGetProperties(fd, object, type);
	uint32_t id = 0;

	for (uint32_t i = 0; props && i < props->count_props && !id; i++) {
		drmModePropertyPtr prop = drmModeGetProperty(fd, props->props[i]);

		if (prop && !strcmp(prop->name, name))
			id = prop->prop_id;
		drmModeFreeProperty(prop);
	}
	drmModeFreeObjectProperties(props);
	return id;
}

static void find_planes(int fd, struct vgpu_head *head)
{
	drmModePlaneResPtr planes = drmModeGetPlaneResources(fd);

	vgpu_assert(planes);
	for (uint32_t i = 0; i < planes->count_planes; i++) {
		drmModePlanePtr plane = drmModeGetPlane(fd, planes->planes[i]);
		uint64_t type;

		vgpu_assert(plane);
		type = prop_value(fd, plane->plane_id, DRM_MODE_OBJECT_PLANE,
				  "type");
		if (plane->possible_crtcs >> head->index & 1) {
			if (type == DRM_PLANE_TYPE_PRIMARY)
				head->primary = plane->plane_id;
			if (type == DRM_PLANE_TYPE_CURSOR)
				head->cursor = plane->plane_id;
		}
		drmModeFreePlane(plane);
	}

	drmModeFreePlaneResources(planes);
	vgpu_assert(head->primary);
}

/* A small mode makes tests fast, and every monitor offers 640x480. */
static void pick_small_mode(struct vgpu_head *head, const drmModeConnector *conn)
{
	for (int i = 0; i < conn->count_modes; i++) {
		const drmModeModeInfo *mode = &conn->modes[i];
		uint32_t area = (uint32_t)mode->hdisplay * mode->vdisplay;

		if (area < 640 * 480)
			continue;
		if (!head->mode.hdisplay ||
		    area < (uint32_t)head->mode.hdisplay * head->mode.vdisplay)
			head->mode = *mode;
	}
}

size_t vgpu_heads(int fd, struct vgpu_head heads[VGPU_MAX_HEADS])
{
	drmModeResPtr res = drmModeGetResources(fd);
	size_t count = 0;

	vgpu_assert(res);
	vgpu_assert_eq(res->count_crtcs, res->count_connectors);
	for (int i = 0; i < res->count_connectors; i++) {
		drmModeConnectorPtr conn = drmModeGetConnector(fd, res->connectors[i]);

		vgpu_assert(conn);
		vgpu_assert(count < VGPU_MAX_HEADS);
		heads[count] = (struct vgpu_head){
			.connector = conn->connector_id,
			.crtc = res->crtcs[i],
			.index = (uint32_t)i,
		};
		if (conn->connection == DRM_MODE_CONNECTED)
			pick_small_mode(&heads[count], conn);
		find_planes(fd, &heads[count++]);
		drmModeFreeConnector(conn);
	}

	drmModeFreeResources(res);
	return count;
}

struct vgpu_head vgpu_first_head(int fd)
{
	struct vgpu_head heads[VGPU_MAX_HEADS];
	size_t count = vgpu_heads(fd, heads);

	for (size_t i = 0; i < count; i++)
		if (heads[i].mode.hdisplay)
			return heads[i];
	vgpu_fail("no output is connected");
}

bool vgpu_head_pick_mode(int fd, struct vgpu_head *head, uint32_t width,
			 uint32_t height)
{
	drmModeConnectorPtr conn = drmModeGetConnector(fd, head->connector);
	bool found = false;

	vgpu_assert(conn);
	for (int i = 0; i < conn->count_modes && !found; i++) {
		if (conn->modes[i].hdisplay != width ||
		    conn->modes[i].vdisplay != height)
			continue;
		head->mode = conn->modes[i];
		found = true;
	}
	drmModeFreeConnector(conn);
	return found;
}

void vgpu_fb_add(int fd, struct vgpu_fb *fb, uint32_t format)
{
	vgpu_sys(drmModeAddFB2(fd, fb->width, fb->height, format,
			       (uint32_t[4]){ fb->handle },
			       (uint32_t[4]){ fb->pitch }, (uint32_t[4]){ 0 },
			       &fb->id, 0));
}

void vgpu_fb_init(int fd, struct vgpu_fb *fb, uint32_t width, uint32_t height,
		  uint32_t format)
{
	uint64_t offset;

	*fb = (struct vgpu_fb){ .width = width, .height = height };
	vgpu_sys(drmModeCreateDumbBuffer(fd, width, height, 32, 0, &fb->handle,
					 &fb->pitch, &fb->size));
	vgpu_sys(drmModeMapDumbBuffer(fd, fb->handle, &offset));
	fb->pixels = mmap(NULL, fb->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  (off_t)offset);
	vgpu_assert(fb->pixels != MAP_FAILED);
	vgpu_fb_add(fd, fb, format);
}

void vgpu_fb_init_rendered(int fd, struct vgpu_fb *fb, uint32_t width,
			   uint32_t height)
{
	struct drm_virtgpu_resource_create rc = vgpu_picture_args(width, height);

	rc.bind = VGPU_BIND_RENDER_TARGET | VGPU_BIND_SAMPLER_VIEW |
		  VGPU_BIND_SCANOUT;
	vgpu_ok(vgpu_resource_create(fd, &rc));
	*fb = (struct vgpu_fb){
		.handle = rc.bo_handle,
		.width = width,
		.height = height,
		.pitch = width * 4,
	};
	vgpu_fb_add(fd, fb, DRM_FORMAT_XRGB8888);
}

void vgpu_fb_fini(int fd, struct vgpu_fb *fb)
{
	vgpu_sys(drmModeRmFB(fd, fb->id));
	munmap(fb->pixels, fb->size);
	vgpu_sys(drmModeDestroyDumbBuffer(fd, fb->handle));
}

int vgpu_show(int fd, const struct vgpu_head *head, const struct vgpu_fb *fb,
	      uint32_t x, uint32_t y)
{
	uint32_t connector = head->connector;
	drmModeModeInfo mode = head->mode;
	int ret;

	if (fb)
		ret = drmModeSetCrtc(fd, head->crtc, fb->id, x, y, &connector, 1,
				     &mode);
	else
		ret = drmModeSetCrtc(fd, head->crtc, 0, 0, 0, NULL, 0, NULL);
	return ret < 0 ? -errno : 0;
}

struct flip_event {
	bool seen;
	uint64_t user_data;
};

static struct flip_event last_flip;

static void on_flip(int fd, unsigned int sequence, unsigned int sec,
		    unsigned int usec, unsigned int crtc, void *user_data)
{
	(void)fd;
	(void)sequence;
	(void)sec;
	(void)usec;
	(void)crtc;
	last_flip.seen = true;
	last_flip.user_data = (uintptr_t)user_data;
}

uint64_t vgpu_wait_flip(int fd)
{
	drmEventContext context = {
		.version = 3,
		.page_flip_handler2 = on_flip,
	};
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	last_flip.seen = false;
	while (!last_flip.seen) {
		vgpu_assert_eq(vgpu_sys(poll(&pfd, 1, VGPU_EVENT_TIMEOUT_MS)), 1);
		vgpu_assert_eq(drmHandleEvent(fd, &context), 0);
	}
	return last_flip.user_data;
}

void vgpu_flip(int fd, const struct vgpu_head *head, const struct vgpu_fb *fb)
{
	vgpu_sys(drmModePageFlip(fd, head->crtc, fb->id, DRM_MODE_PAGE_FLIP_EVENT,
				 (void *)(uintptr_t)fb->id));
	vgpu_assert_eq(vgpu_wait_flip(fd), fb->id);
}

void vgpu_atomic_set(int fd, drmModeAtomicReq *req, uint32_t object,
		     uint32_t type, const char *name, uint64_t value)
{
	uint32_t id = vgpu_prop(fd, object, type, name);

	vgpu_assert_msg(id, "object %u has no property %s", object, name);
	vgpu_sys(drmModeAtomicAddProperty(req, object, id, value));
}

void vgpu_atomic_plane(int fd, drmModeAtomicReq *req, uint32_t plane,
		       const struct vgpu_head *head, const struct vgpu_fb *fb,
		       uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	const struct {
		const char *name;
		uint64_t value;
	} props[] = {
		{ "FB_ID", fb ? fb->id : 0 },
		{ "CRTC_ID", fb ? head->crtc : 0 },
		{ "SRC_X", (uint64_t)x << 16 },
		{ "SRC_Y", (uint64_t)y << 16 },
		{ "SRC_W", (uint64_t)w << 16 },
		{ "SRC_H", (uint64_t)h << 16 },
		{ "CRTC_X", 0 },
		{ "CRTC_Y", 0 },
		{ "CRTC_W", w },
		{ "CRTC_H", h },
	};

	for (size_t i = 0; i < ARRAY_SIZE(props); i++)
		vgpu_atomic_set(fd, req, plane, DRM_MODE_OBJECT_PLANE,
				props[i].name, props[i].value);
}

int vgpu_atomic_commit(int fd, drmModeAtomicReq *req, uint32_t flags,
		       void *user_data)
{
	return drmModeAtomicCommit(fd, req, flags, user_data) < 0 ? -errno : 0;
}

struct vgpu_screen vgpu_screen_new(void)
{
	struct vgpu_screen screen = { .fd = vgpu_open_display() };

	screen.head = vgpu_first_head(screen.fd);
	vgpu_fb_init(screen.fd, &screen.fb, screen.head.mode.hdisplay,
		     screen.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(screen.fd, &screen.head, &screen.fb, 0, 0));
	return screen;
}

void vgpu_screen_end(struct vgpu_screen *screen)
{
	vgpu_ok(vgpu_show(screen->fd, &screen->head, NULL, 0, 0));
	vgpu_fb_fini(screen->fd, &screen->fb);
	close(screen->fd);
}
