/* SPDX-License-Identifier: MIT */
/* Outputs, framebuffers and atomic requests. */
#ifndef VGPU_DISPLAY_H
#define VGPU_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xf86drmMode.h>

#define VGPU_MAX_HEADS 16

/**
 * struct vgpu_head - an output with everything needed to light it
 * @connector: connector id
 * @crtc: CRTC id
 * @primary: id of its primary plane
 * @cursor: id of its cursor plane, or 0
 * @index: number of the output in the display info of the host
 * @mode: the mode to set
 */
struct vgpu_head {
	uint32_t connector;
	uint32_t crtc;
	uint32_t primary;
	uint32_t cursor;
	uint32_t index;
	drmModeModeInfo mode;
};

/**
 * struct vgpu_fb - a dumb buffer as a framebuffer
 * @id: framebuffer id
 * @handle: GEM handle
 * @width: pixels
 * @height: pixels
 * @pitch: bytes from row to row
 * @size: bytes of the buffer
 * @pixels: its mapping, 32 bits a pixel
 */
struct vgpu_fb {
	uint32_t id;
	uint32_t handle;
	uint32_t width;
	uint32_t height;
	uint32_t pitch;
	uint64_t size;
	uint32_t *pixels;
};

/* Open the card as DRM master, with universal planes and atomic. */
int vgpu_open_display(void);

/* Get all outputs; a connected one comes with its smallest mode of at least 640x480. */
size_t vgpu_heads(int fd, struct vgpu_head heads[VGPU_MAX_HEADS]);
/* Get the first connected output; fail the test if there is none. */
struct vgpu_head vgpu_first_head(int fd);
/* Select a mode; returns false if the output does not offer it. */
bool vgpu_head_pick_mode(int fd, struct vgpu_head *head, uint32_t width,
			 uint32_t height);

void vgpu_fb_init(int fd, struct vgpu_fb *fb, uint32_t width, uint32_t height,
		  uint32_t format);
/*
 * Create a framebuffer that the host draws into. It is not mapped; closing the file frees its
 * buffer.
 */
void vgpu_fb_init_rendered(int fd, struct vgpu_fb *fb, uint32_t width,
			   uint32_t height);
/* Create a framebuffer of the buffer @fb->handle, and set @fb->id. */
void vgpu_fb_add(int fd, struct vgpu_fb *fb, uint32_t format);
void vgpu_fb_fini(int fd, struct vgpu_fb *fb);

/* Set the mode of a head by the legacy ioctl; 0 or -errno. A NULL @fb turns the head off. */
int vgpu_show(int fd, const struct vgpu_head *head, const struct vgpu_fb *fb,
	      uint32_t x, uint32_t y);

/**
 * struct vgpu_screen - a lit output and its framebuffer
 * @fd: the card
 * @head: the output
 * @fb: the framebuffer that it shows
 */
struct vgpu_screen {
	int fd;
	struct vgpu_head head;
	struct vgpu_fb fb;
};

/* Open the card, and light its first connected output. */
struct vgpu_screen vgpu_screen_new(void);
/* Turn the output off and close the card. */
void vgpu_screen_end(struct vgpu_screen *screen);

/* Request a page flip with an event, and wait for that event. */
void vgpu_flip(int fd, const struct vgpu_head *head, const struct vgpu_fb *fb);
/* Wait for the event of one flip; returns its user data. */
uint64_t vgpu_wait_flip(int fd);

/* Look up a property id by name; 0 if the object has no such property. */
uint32_t vgpu_prop(int fd, uint32_t object, uint32_t type, const char *name);
void vgpu_atomic_set(int fd, drmModeAtomicReq *req, uint32_t object,
		     uint32_t type, const char *name, uint64_t value);
/* Add all properties with which @plane shows @w by @h pixels of @fb, from @x, @y on. */
void vgpu_atomic_plane(int fd, drmModeAtomicReq *req, uint32_t plane,
		       const struct vgpu_head *head, const struct vgpu_fb *fb,
		       uint32_t x, uint32_t y, uint32_t w, uint32_t h);
int vgpu_atomic_commit(int fd, drmModeAtomicReq *req, uint32_t flags,
		       void *user_data);

#endif
