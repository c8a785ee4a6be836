// SPDX-License-Identifier: MIT
/* DRM_IOCTL_VIRTGPU_GETPARAM */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vgpu_drm.h"
#include "vgpu_test.h"

static int getparam(int fd, uint64_t param, uint64_t pointer)
{
	struct drm_virtgpu_getparam gp = { .param = param, .value = pointer };

	return vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_GETPARAM, &gp);
}

static const uint64_t flag_params[] = {
	VIRTGPU_PARAM_3D_FEATURES, VIRTGPU_PARAM_CAPSET_QUERY_FIX,
	VIRTGPU_PARAM_RESOURCE_BLOB, VIRTGPU_PARAM_HOST_VISIBLE,
	VIRTGPU_PARAM_CROSS_DEVICE, VIRTGPU_PARAM_CONTEXT_INIT,
	VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME,
};

static void flags_are_zero_or_one(void)
{
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(flag_params); i++) {
		long long value = vgpu_param(fd, flag_params[i]);

		vgpu_info("param %u = %lld", (unsigned int)flag_params[i], value);
		vgpu_assert_msg(value == 0 || value == 1, "param %u",
				(unsigned int)flag_params[i]);
	}
	close(fd);
}

static void capset_query_fix_is_set(void)
{
	int fd = vgpu_open_render();

	vgpu_assert_eq(vgpu_param(fd, VIRTGPU_PARAM_CAPSET_QUERY_FIX), 1);
	close(fd);
}

static void values_fit_together(void)
{
	int fd = vgpu_open_render();
	long long mask = vgpu_param(fd, VIRTGPU_PARAM_SUPPORTED_CAPSET_IDs);

	vgpu_assert(mask >= 0);
	vgpu_assert_eq(mask & 1, 0);
	if (!vgpu_has_3d(fd)) {
		vgpu_assert(!vgpu_has_context_init(fd));
		vgpu_assert_eq(mask, 0);
	}
	if (vgpu_has_host_visible(fd) ||
	    vgpu_param(fd, VIRTGPU_PARAM_CROSS_DEVICE))
		vgpu_assert(vgpu_has_blob(fd));
	close(fd);
}

/* Check whether the virtio core, not the driver, says that feature @bit was negotiated. */
static bool has_feature(int fd, unsigned int bit)
{
	char pattern[128], features[256] = "";
	struct stat st;
	glob_t found;
	FILE *file;

	vgpu_sys(fstat(fd, &st));
	snprintf(pattern, sizeof(pattern), "/sys/dev/char/%u:%u/device/virtio*/features",
		 major(st.st_rdev), minor(st.st_rdev));
	vgpu_assert_eq(glob(pattern, 0, NULL, &found), 0);
	vgpu_assert_eq(found.gl_pathc, 1);
	file = fopen(found.gl_pathv[0], "re");
	vgpu_assert(file && fgets(features, sizeof(features), file));
	fclose(file);
	globfree(&found);
	vgpu_assert(strlen(features) > bit);
	return features[bit] == '1';
}

static void values_are_those_of_the_features(void)
{
	static const struct {
		uint64_t param;
		unsigned int bit;
	} table[] = {
		{ VIRTGPU_PARAM_3D_FEATURES, 0 },
		{ VIRTGPU_PARAM_CROSS_DEVICE, 2 },
		{ VIRTGPU_PARAM_RESOURCE_BLOB, 3 },
		{ VIRTGPU_PARAM_CONTEXT_INIT, 4 },
		{ VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME, 4 },
	};
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		vgpu_assert_msg(vgpu_param(fd, table[i].param) == has_feature(fd, table[i].bit),
				"param %u, feature %u", (unsigned int)table[i].param,
				table[i].bit);

	/* Without the feature the parameter is an error, so vgpu_param() returns -1. */
	vgpu_assert_eq(vgpu_param(fd, VIRTGPU_PARAM_BLOB_ALIGNMENT) > 0, has_feature(fd, 5));
	close(fd);
}

/* Mesa accepts no other version of this driver. */
static void version_is_0_1_0(void)
{
	int fd = vgpu_open_render();
	drmVersionPtr version = drmGetVersion(fd);

	vgpu_assert(version);
	vgpu_assert_msg(!strcmp(version->name, "virtio_gpu"), "name %s", version->name);
	vgpu_assert_eq(version->version_major, 0);
	vgpu_assert_eq(version->version_minor, 1);
	vgpu_assert_eq(version->version_patchlevel, 0);
	drmFreeVersion(version);
	close(fd);
}

static void blob_alignment_is_enoent_or_power_of_two(void)
{
	int fd = vgpu_open_render();
	int value = 0;
	int ret = getparam(fd, VIRTGPU_PARAM_BLOB_ALIGNMENT, (uintptr_t)&value);

	/* EINVAL: kernels before 7.0 do not know this parameter. */
	vgpu_ret(ret, 0, -ENOENT, -EINVAL);
	if (!ret) {
		vgpu_assert(value > 0);
		vgpu_assert_eq(value & (value - 1), 0);
	}
	close(fd);
}

static void both_nodes_agree(void)
{
	int render = vgpu_open_render();
	int card = vgpu_open_card();

	for (uint64_t param = 1; param <= VIRTGPU_PARAM_BLOB_ALIGNMENT; param++)
		vgpu_assert_eq(vgpu_param(render, param),
			       vgpu_param(card, param));
	close(card);
	close(render);
}

static void writes_four_bytes(void)
{
	int fd = vgpu_open_render();
	uint8_t buf[16];

	memset(buf, 0xaa, sizeof(buf));
	vgpu_ok(getparam(fd, VIRTGPU_PARAM_CAPSET_QUERY_FIX, (uintptr_t)buf));
	vgpu_assert_eq(buf[0], 1);
	for (size_t i = 1; i < sizeof(buf); i++)
		vgpu_assert_eq(buf[i], i < 4 ? 0 : 0xaa);
	close(fd);
}

static void value_at_the_end_of_memory(void)
{
	int fd = vgpu_open_render();
	int *value = vgpu_new_guarded(sizeof(*value));

	vgpu_ok(getparam(fd, VIRTGPU_PARAM_CAPSET_QUERY_FIX, (uintptr_t)value));
	vgpu_assert_eq(*value, 1);
	vgpu_ret(getparam(fd, VIRTGPU_PARAM_CAPSET_QUERY_FIX,
			  (uintptr_t)value + 2), -EFAULT);
	vgpu_free_guarded(value, sizeof(*value));
	close(fd);
}

static void unknown_is_einval(void)
{
	static const uint64_t params[] = {
		0, 10, 11, 1000, UINT32_MAX, UINT64_C(1) << 32 | 1, UINT64_MAX,
	};
	int fd = vgpu_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		int value = 0x5a5a5a5a;

		vgpu_ret(getparam(fd, params[i], (uintptr_t)&value), -EINVAL);
		vgpu_assert_eq(value, 0x5a5a5a5a);
	}
	close(fd);
}

static void bad_pointer_is_efault(void)
{
	int fd = vgpu_open_render();
	void *readonly = mmap(NULL, VGPU_PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vgpu_assert(readonly != MAP_FAILED);
	for (size_t i = 0; i < vgpu_nbad_pointers; i++)
		vgpu_ret(getparam(fd, VIRTGPU_PARAM_3D_FEATURES,
				  vgpu_bad_pointers[i]), -EFAULT);
	vgpu_ret(getparam(fd, VIRTGPU_PARAM_3D_FEATURES, (uintptr_t)readonly),
		 -EFAULT);
	vgpu_ret(vgpu_ioctl(fd, DRM_IOCTL_VIRTGPU_GETPARAM, NULL), -EFAULT);
	munmap(readonly, VGPU_PAGE);
	close(fd);
}

static void unknown_ioctl_is_refused(void)
{
	int fd = vgpu_open_render();
	char arg[64] = "";

	for (unsigned int nr = 0x0c; nr < 0x60; nr++)
		vgpu_ret(vgpu_ioctl(fd, DRM_IOWR(DRM_COMMAND_BASE + nr,
						 char[64]), arg),
			 -EINVAL, -ENOTTY, -EACCES);
	vgpu_ret(vgpu_ioctl(fd, DRM_IOWR(DRM_COMMAND_BASE, char[64]), arg),
		 -EINVAL);
	close(fd);
}

static const struct vgpu_subtest subtests[] = {
	{ .name = "flags-are-zero-or-one", .run = flags_are_zero_or_one },
	{ .name = "capset-query-fix-is-set", .run = capset_query_fix_is_set },
	{ .name = "values-fit-together", .run = values_fit_together },
	{ .name = "values-are-those-of-the-features",
	  .run = values_are_those_of_the_features },
	{ .name = "version-is-0-1-0", .run = version_is_0_1_0 },
	{ .name = "blob-alignment-is-enoent-or-power-of-two",
	  .run = blob_alignment_is_enoent_or_power_of_two },
	{ .name = "both-nodes-agree", .run = both_nodes_agree },
	{ .name = "writes-four-bytes", .run = writes_four_bytes },
	{ .name = "value-at-the-end-of-memory",
	  .run = value_at_the_end_of_memory },
	{ .name = "unknown-is-einval", .run = unknown_is_einval },
	{ .name = "bad-pointer-is-efault", .run = bad_pointer_is_efault },
	{ .name = "unknown-ioctl-is-refused", .run = unknown_ioctl_is_refused },
};

int main(int argc, char **argv)
{
	static const struct vgpu_program program = {
		.name = "vgpu_getparam",
		.about = "parameters of the driver and the device",
		.subtests = subtests,
		.nsubtests = ARRAY_SIZE(subtests),
	};

	return vgpu_test_main(argc, argv, &program);
}
