// SPDX-License-Identifier: MIT
/* Leases: an output lent to another client, as compositors do for headsets */
#include <fcntl.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/drm_fourcc.h>

#include "vgpu_display.h"
#include "vgpu_drm.h"
#include "vgpu_test.h"

/**
 * struct lease - an output and the client it is lent to
 * @fd: the card of the lessor
 * @head: the output
 * @lessee_fd: the card as the lessee sees it
 * @lessee: id of the lessee
 */
struct lease {
	int fd;
	struct vgpu_head head;
	int lessee_fd;
	uint32_t lessee;
};

static int lend(int fd, const struct vgpu_head *head, uint32_t *lessee)
{
	uint32_t objects[] = { head->crtc, head->connector, head->primary };

	return drmModeCreateLease(fd, objects, ARRAY_SIZE(objects), O_CLOEXEC,
				  lessee);
}

static struct lease lease_new(void)
{
	struct lease lease = { .fd = vgpu_open_display() };

	lease.head = vgpu_first_head(lease.fd);
	lease.lessee_fd = lend(lease.fd, &lease.head, &lease.lessee);
	vgpu_assert(lease.lessee_fd >= 0);
	vgpu_sys(drmSetClientCap(lease.lessee_fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1));
	vgpu_sys(drmSetClientCap(lease.lessee_fd, DRM_CLIENT_CAP_ATOMIC, 1));
	return lease;
}

static void lease_end(struct lease *lease)
{
	close(lease->lessee_fd);
	close(lease->fd);
}

static void lessee_sees_its_objects_only(void)
{
	struct lease lease = lease_new();
	drmModeResPtr res = drmModeGetResources(lease.lessee_fd);
	drmModePlaneResPtr planes = drmModeGetPlaneResources(lease.lessee_fd);

	vgpu_assert(res && planes);
	vgpu_assert_eq(res->count_crtcs, 1);
	vgpu_assert_eq(res->crtcs[0], lease.head.crtc);
	vgpu_assert_eq(res->count_connectors, 1);
	vgpu_assert_eq(res->connectors[0], lease.head.connector);
	vgpu_assert_eq(planes->count_planes, 1);
	vgpu_assert_eq(planes->planes[0], lease.head.primary);
	drmModeFreePlaneResources(planes);
	drmModeFreeResources(res);
	lease_end(&lease);
}

static void lessee_shows_and_flips(void)
{
	struct lease lease = lease_new();
	const int fd = lease.lessee_fd;
	struct vgpu_fb fbs[2];

	for (size_t i = 0; i < ARRAY_SIZE(fbs); i++)
		vgpu_fb_init(fd, &fbs[i], lease.head.mode.hdisplay,
			     lease.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(fd, &lease.head, &fbs[0], 0, 0));
	for (int i = 0; i < 10; i++)
		vgpu_flip(fd, &lease.head, &fbs[~i & 1]);
	vgpu_sys(drmModeDirtyFB(fd, fbs[0].id, NULL, 0));
	vgpu_ok(vgpu_show(fd, &lease.head, NULL, 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(fbs); i++)
		vgpu_fb_fini(fd, &fbs[i]);
	lease_end(&lease);
}

static void what_is_lent_is_not_lent_again(void)
{
	struct lease lease = lease_new();
	uint32_t lessee;

	vgpu_assert_eq(lend(lease.fd, &lease.head, &lessee), -EBUSY);
	close(lease.lessee_fd);
	/* A lease ends when its last descriptor is closed. */
	lease.lessee_fd = lend(lease.fd, &lease.head, &lessee);
	vgpu_assert(lease.lessee_fd >= 0);
	lease_end(&lease);
}

static void revoked_lessee_is_refused(void)
{
	struct lease lease = lease_new();
	struct vgpu_fb fb;

	vgpu_fb_init(lease.lessee_fd, &fb, lease.head.mode.hdisplay,
		     lease.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(lease.lessee_fd, &lease.head, &fb, 0, 0));
	vgpu_assert_eq(drmModeRevokeLease(lease.fd, lease.lessee), 0);
	vgpu_ret(vgpu_show(lease.lessee_fd, &lease.head, &fb, 0, 0), -ENOENT, -EACCES);
	vgpu_fb_fini(lease.lessee_fd, &fb);
	lease_end(&lease);
}

/* Lessor and lessee flip at the same time, each on its own output. */
static void lessor_and_lessee_flip(void)
{
	struct lease lease = lease_new();
	struct vgpu_head heads[VGPU_MAX_HEADS];
	struct vgpu_fb own, lent;

	vgpu_require(vgpu_heads(lease.fd, heads) >= 2, "the device has one output");
	vgpu_require(heads[1].mode.hdisplay, "the second output is not connected");
	vgpu_fb_init(lease.fd, &own, heads[1].mode.hdisplay, heads[1].mode.vdisplay,
		     DRM_FORMAT_XRGB8888);
	vgpu_fb_init(lease.lessee_fd, &lent, lease.head.mode.hdisplay,
		     lease.head.mode.vdisplay, DRM_FORMAT_XRGB8888);
	vgpu_ok(vgpu_show(lease.fd, &heads[1], &own, 0, 0));
	vgpu_ok(vgpu_show(lease.lessee_fd, &lease.head, &lent, 0, 0));

	for (int i = 0; i < 10; i++) {
		vgpu_flip(lease.fd, &heads[1], &own);
		vgpu_flip(lease.lessee_fd, &lease.head, &lent);
	}

	vgpu_ret(vgpu_show(lease.lessee_fd, &heads[1], &lent, 0, 0), -ENOENT, -EACCES);
	vgpu_ok(vgpu_show(lease.fd, &heads[1], NULL, 0, 0));
	vgpu_fb_fini(lease.lessee_fd, &lent);
	vgpu_fb_fini(lease.fd, &own);
	lease_end(&lease);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "lessee-sees-its-objects-only", .run = lessee_sees_its_objects_only },
	{ .name = "lessee-shows-and-flips", .run = lessee_shows_and_flips },
	{ .name = "what-is-lent-is-not-lent-again",
	  .run = what_is_lent_is_not_lent_again },
	{ .name = "revoked-lessee-is-refused", .run = revoked_lessee_is_refused },
	{ .name = "lessor-and-lessee-flip", .run = lessor_and_lessee_flip },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_kms_lease",
		.about = "outputs that are lent to other clients",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
