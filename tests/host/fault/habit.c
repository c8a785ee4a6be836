// SPDX-License-Identifier: MIT
/*
 * Habits of real hosts: one row a habit. A row takes features away or adds a rule to
 * the fault script; other habits are code where the device asks device_habit().
 */
#include "device.h"
#include "log.h"

#define QEMU 1u
#define CROSVM 2u
#define LIBKRUN 4u

#define CAPSETS "on GET_CAPSET_INFO|GET_CAPSET: "

/* Access bits that rutabaga has beside the caching: readable and writable. */
#define MAP_ACCESS_RW 0x30

#define FEATURES_3D (BIT64(VIRTIO_GPU_F_VIRGL) | BIT64(VIRTIO_GPU_F_RESOURCE_UUID) | \
		     BIT64(VIRTIO_GPU_F_CONTEXT_INIT))
#define FEATURES_BLOB (BIT64(VIRTIO_GPU_F_RESOURCE_BLOB) | \
		       BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT))

static const struct {
	const char *name;
	u32 hosts;
	const char *help;
	const char *rule;
	u64 absent;
} habit_table[] = {
	[HABIT_EARLY_FENCES] = { "early-fences", QEMU,
		.help = "a ring fence completes global ones of lower ids" },
	[HABIT_FENCE32] = { "fence32", QEMU | CROSVM | LIBKRUN,
		.help = "global fence ids of 32 bits; one completes all lower ones" },
	[HABIT_DROP_CONTEXT] = { "drop-context", CROSVM | LIBKRUN,
		.help = "ring fences of a destroyed context are never answered" },
	[HABIT_HOLD_POLL] = { "hold-poll", QEMU | CROSVM | LIBKRUN,
		.help = "holds what cross-domain contexts submit on ring 1" },
	[HABIT_LATE_CAPSETS] = { "late-capsets", 0,
		.help = "capability sets are answered after 3 more kicks",
		.rule = CAPSETS "kicks 3" },
	[HABIT_NO_CAPSET_ANSWER] = { "no-capset-answer", 0,
		.help = "capability sets are never answered",
		.rule = CAPSETS "never" },
	[HABIT_GRANULE16K] = { "granule16k", LIBKRUN,
		.help = "blobs are mapped at multiples of 16 KiB only" },
	[HABIT_MAP_ACCESS_BITS] = { "map-access-bits", 0,
		.help = "map_info has access bits beside the caching" },
	[HABIT_DWORD_SUBMIT] = { "dword-submit", QEMU,
		.help = "streams are cut to whole words, and have 16 MiB at most" },
	[HABIT_SCANOUT_BLOB_16] = { "scanout-blob-16", QEMU,
		.help = "blobs are shown with 16x16 pixels or more" },
	[HABIT_2D_BARE] = { "2d-bare", 0, .help = "of the device's features, only EDID",
		.absent = FEATURES_3D | FEATURES_BLOB },
	[HABIT_2D_CROSVM] = { "2d-crosvm", 0,
		.help = "of the device\'s features, only EDID and BLOB",
		.absent = FEATURES_3D | BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT) },
};

static const struct {
	const char *name;
	u32 bit;
} habit_hosts[] = { { "qemu", QEMU }, { "crosvm", CROSVM }, { "libkrun", LIBKRUN } };

/* Add the habits of a host. False: there is no such host. */
bool habit_like(u64 *habits, const char *host)
{
	int n = NAME_ROW(habit_hosts, host);

	for (size_t i = 0; n >= 0 && i < ARRAY_SIZE(habit_table); i++)
		if (habit_table[i].hosts & habit_hosts[n].bit)
			*habits |= BIT64(i);
	return n >= 0;
}

/* Change a set of habits as name_bits() does. False: there is no such habit. */
bool habit_change(u64 *habits, const char *list)
{
	return NAME_BITS(habits, list, habit_table);
}

void habit_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(habit_table); i++) {
		fprintf(out, "  %-17s %s", habit_table[i].name, habit_table[i].help);
		for (size_t n = 0; n < ARRAY_SIZE(habit_hosts); n++)
			if (habit_table[i].hosts & habit_hosts[n].bit)
				fprintf(out, " [%s]", habit_hosts[n].name);
		fputc('\n', out);
	}
}

/* Change a device that starts as its habits say. */
void habit_start(struct device *d)
{
	char err[128];

	for (u32 i = 0; i < ARRAY_SIZE(habit_table); i++) {
		if (!device_habit(d, i))
			continue;
		d->opt.features &= ~habit_table[i].absent;
		/* Capability sets belong to 3D. */
		if (habit_table[i].absent)
			d->opt.ncapsets = 0;
		if (habit_table[i].rule &&
		    fault_parse(&d->fault, habit_table[i].rule, err, sizeof(err)))
			log_warn("does without the habit %s: %s", habit_table[i].name, err);
	}
	if (device_habit(d, HABIT_MAP_ACCESS_BITS))
		d->opt.map_info |= MAP_ACCESS_RW;
	d->fence.early = device_habit(d, HABIT_EARLY_FENCES);
	d->fence.by_id = device_habit(d, HABIT_FENCE32);
}
