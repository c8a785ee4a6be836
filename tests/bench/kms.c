// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>

#include "gpu.h"
#include "kms.h"

#define MAX_OBJECTS	64

static uint32_t dumb_buffer(int fd, uint32_t width, uint32_t height, uint32_t *pitch)
{
	struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = 32 };

	gpu_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	*pitch = create.pitch;
	return create.handle;
}

static uint32_t framebuffer(int fd)
{
	struct drm_mode_fb_cmd2 add = {
		.width = KMS_WIDTH,
		.height = KMS_HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
	};

	add.handles[0] = dumb_buffer(fd, KMS_WIDTH, KMS_HEIGHT, &add.pitches[0]);
	gpu_ioctl(fd, DRM_IOCTL_MODE_ADDFB2, &add);
	return add.fb_id;
}

/* Get the id of a property of a plane, and its value. */
static uint32_t plane_property(int fd, uint32_t plane, const char *name, uint64_t *value)
{
	uint32_t ids[MAX_OBJECTS];
	uint64_t values[MAX_OBJECTS];
	struct drm_mode_obj_get_properties get = {
		.props_ptr = (uintptr_t)ids,
		.prop_values_ptr = (uintptr_t)values,
		.count_props = MAX_OBJECTS,
		.obj_id = plane,
		.obj_type = DRM_MODE_OBJECT_PLANE,
	};

	gpu_ioctl(fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &get);
	for (uint32_t i = 0; i < get.count_props; i++) {
		struct drm_mode_get_property prop = { .prop_id = ids[i] };

		gpu_ioctl(fd, DRM_IOCTL_MODE_GETPROPERTY, &prop);
		if (!strcmp(prop.name, name)) {
			*value = values[i];
			return ids[i];
		}
	}

	gpu_die(name);
}

/* Get the first plane of type primary, which belongs to the first CRTC. */
static uint32_t primary_plane(int fd)
{
	uint32_t ids[MAX_OBJECTS];
	struct drm_mode_get_plane_res get = {
		.plane_id_ptr = (uintptr_t)ids,
		.count_planes = MAX_OBJECTS,
	};
	uint64_t type;

	gpu_ioctl(fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &get);
	for (uint32_t i = 0; i < get.count_planes; i++) {
		plane_property(fd, ids[i], "type", &type);
		if (type == 1)
			return ids[i];
	}
	gpu_die("primary plane");
}

static struct drm_mode_modeinfo mode_of(int fd, uint32_t connector)
{
	struct drm_mode_modeinfo modes[128];
	struct drm_mode_get_connector get = {
		.connector_id = connector,
		.modes_ptr = (uintptr_t)modes,
		.count_modes = 128,
	};

	gpu_ioctl(fd, DRM_IOCTL_MODE_GETCONNECTOR, &get);
	/*
	 * If the first call had no room for modes, the kernel has probed, and there may be more
	 * modes.
	 */
	for (uint32_t i = 0; i < get.count_modes && i < 128; i++)
		if (modes[i].hdisplay == KMS_WIDTH && modes[i].vdisplay == KMS_HEIGHT)
			return modes[i];
	gpu_die("mode of 1920x1080");
}

static void show(struct kms *kms)
{
	struct drm_mode_crtc crtc = {
		.set_connectors_ptr = (uintptr_t)&kms->connector,
		.count_connectors = 1,
		.crtc_id = kms->crtc,
		.fb_id = kms->fb[0],
		.mode_valid = 1,
		.mode = mode_of(kms->fd, kms->connector),
	};

	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

struct kms *kms_start(int fd)
{
	uint32_t crtcs[MAX_OBJECTS], connectors[MAX_OBJECTS], encoders[MAX_OBJECTS];
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)crtcs,
		.connector_id_ptr = (uintptr_t)connectors,
		.encoder_id_ptr = (uintptr_t)encoders,
		.count_crtcs = MAX_OBJECTS,
		.count_connectors = MAX_OBJECTS,
		.count_encoders = MAX_OBJECTS,
	};
	struct drm_set_client_cap atomic = { DRM_CLIENT_CAP_ATOMIC, 1 };
	struct kms *kms = calloc(1, sizeof(*kms));
	uint32_t pitch;
	uint64_t value;

	if (!kms)
		gpu_die("calloc");
	kms->fd = fd;
	gpu_ioctl(fd, DRM_IOCTL_SET_CLIENT_CAP, &atomic);
	gpu_ioctl(fd, DRM_IOCTL_MODE_GETRESOURCES, &res);
	kms->crtc = crtcs[0];
	kms->connector = connectors[0];
	kms->plane = primary_plane(fd);
	kms->prop_fb = plane_property(fd, kms->plane, "FB_ID", &value);
	kms->prop_damage = plane_property(fd, kms->plane, "FB_DAMAGE_CLIPS", &value);

	for (int i = 0; i < 2; i++) {
		kms->fb[i] = framebuffer(fd);
		kms->cursor[i] = dumb_buffer(fd, KMS_CURSOR, KMS_CURSOR, &pitch);
	}

	show(kms);
	return kms;
}

static void wait_for_flip(struct kms *kms)
{
	struct drm_event_vblank event;

	if (read(kms->fd, &event, sizeof(event)) != sizeof(event))
		gpu_die("read");
}

void kms_flip(struct kms *kms, unsigned int which)
{
	struct drm_mode_crtc_page_flip flip = {
		.crtc_id = kms->crtc,
		.fb_id = kms->fb[which],
		.flags = DRM_MODE_PAGE_FLIP_EVENT,
	};

	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_PAGE_FLIP, &flip);
	wait_for_flip(kms);
}

void kms_flip_damage(struct kms *kms, unsigned int which, const struct kms_rect *rect)
{
	struct drm_mode_create_blob clips = {
		.data = (uintptr_t)rect,
		.length = sizeof(*rect),
	};
	struct drm_mode_destroy_blob destroy;
	uint32_t count = 2;
	uint32_t props[2] = { kms->prop_fb, kms->prop_damage };
	uint64_t values[2];
	struct drm_mode_atomic atomic = {
		.flags = DRM_MODE_PAGE_FLIP_EVENT | DRM_MODE_ATOMIC_NONBLOCK,
		.count_objs = 1,
		.objs_ptr = (uintptr_t)&kms->plane,
		.count_props_ptr = (uintptr_t)&count,
		.props_ptr = (uintptr_t)props,
		.prop_values_ptr = (uintptr_t)values,
	};

	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &clips);
	values[0] = kms->fb[which];
	values[1] = clips.blob_id;
	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_ATOMIC, &atomic);
	wait_for_flip(kms);
	destroy.blob_id = clips.blob_id;
	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_DESTROYPROPBLOB, &destroy);
}

void kms_dirty(struct kms *kms, const struct kms_rect *rects, unsigned int count)
{
	struct drm_clip_rect clips[16];
	struct drm_mode_fb_dirty_cmd dirty = {
		.fb_id = kms->fb[0],
		.num_clips = count,
		.clips_ptr = count ? (uintptr_t)clips : 0,
	};

	for (unsigned int i = 0; i < count; i++)
		clips[i] = (struct drm_clip_rect){
			(uint16_t)rects[i].x1, (uint16_t)rects[i].y1,
			(uint16_t)rects[i].x2, (uint16_t)rects[i].y2,
		};
	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_DIRTYFB, &dirty);
}

void kms_cursor_move(struct kms *kms, int x, int y)
{
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_MOVE,
		.crtc_id = kms->crtc,
		.x = x,
		.y = y,
	};

	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

void kms_cursor_set(struct kms *kms, unsigned int which)
{
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO,
		.crtc_id = kms->crtc,
		.width = KMS_CURSOR,
		.height = KMS_CURSOR,
		.handle = kms->cursor[which],
	};

	gpu_ioctl(kms->fd, DRM_IOCTL_MODE_CURSOR2, &cursor);
}
