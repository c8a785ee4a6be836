/* SPDX-License-Identifier: MIT */
/* One output with two framebuffers; any failure ends the program. */
#ifndef KMS_H
#define KMS_H

#include <stdint.h>

#define KMS_WIDTH	1920
#define KMS_HEIGHT	1080
#define KMS_CURSOR	64

/**
 * struct kms - the output
 * @fd: the card
 * @crtc: CRTC id
 * @connector: connector id
 * @plane: id of the primary plane
 * @prop_fb: id of its property FB_ID
 * @prop_damage: id of its property FB_DAMAGE_CLIPS
 * @fb: framebuffers of dumb buffers
 * @cursor: dumb buffers for the cursor
 */
struct kms {
	int fd;
	uint32_t crtc;
	uint32_t connector;
	uint32_t plane;
	uint32_t prop_fb;
	uint32_t prop_damage;
	uint32_t fb[2];
	uint32_t cursor[2];
};

/**
 * struct kms_rect - a rectangle in the layout of FB_DAMAGE_CLIPS
 * @x1: left edge
 * @y1: upper edge
 * @x2: right edge, exclusive
 * @y2: lower edge, exclusive
 */
struct kms_rect {
	int32_t x1;
	int32_t y1;
	int32_t x2;
	int32_t y2;
};

struct kms *kms_start(int fd);
void kms_flip(struct kms *kms, unsigned int which);
void kms_flip_damage(struct kms *kms, unsigned int which, const struct kms_rect *rect);
void kms_dirty(struct kms *kms, const struct kms_rect *rects, unsigned int count);
void kms_cursor_move(struct kms *kms, int x, int y);
void kms_cursor_set(struct kms *kms, unsigned int which);

#endif
