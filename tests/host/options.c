// SPDX-License-Identifier: MIT
/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "control.h"
#include "edid.h"
#include "log.h"
#include "options.h"

#define MIB (1024ull * 1024)

static const char options_help[] =
"Usage: vgpu-host --socket PATH [OPTION]...\n"
"       vgpu-host --ctl PATH COMMAND [ARGUMENT]...\n"
"A strict virtio-gpu device for vhost-user front ends (QEMU, User Mode Linux).\n"
"\n"
"  -s, --socket PATH         listen here for the front end\n"
"  -c, --control PATH        listen here for commands\n"
"  -C, --ctl PATH            send a command to a running vgpu-host\n"
"  -t, --trace FILE          write what happens as JSON lines (- for stdout)\n"
"  -f, --script, --fault FILE|RULE\n"
"                            read a fault script (see vgpu-host.1), or add one\n"
"                            rule, which begins with \"on\"\n"
"  -z, --fuzz SEED[:RATE[:drop]][@CALM]\n"
"                            mutate RATE (100) of 1000 answers, after the\n"
"                            first CALM (0)\n"
"  -a, --allow RULE[,RULE]   these broken rules are no guest bugs\n"
"  -i, --inband              notifications as messages (UML time travel)\n"
"  -S, --status              offer the STATUS protocol feature\n"
"  -k, --keep                serve again when the front end hangs up\n"
"  -x, --stall               begin with the rings stalled\n"
"  -v, --verbose             tell about the connection, twice: every message\n"
"\n"
"The device:\n"
"      --features LIST       names, + and - change the default: virgl edid uuid\n"
"                            blob context_init blob_alignment indirect event_idx\n"
"                            version_1 packed in_order; none clears\n"
"      --outputs N           number of outputs (1)\n"
"      --output N=WxH[+X+Y]|off|on\n"
"      --capset ID:VERSION:SIZE   one more capability set\n"
"      --no-toy3d            not ours\n"
"      --window MIB          host-visible window (0: none)\n"
"      --window-at GPA       the window is this part of the guest's memory\n"
"      --map-info N          caching of mappings: 1 cached, 2 uncached, 3 WC\n"
"      --blob-alignment N    bytes; offers BLOB_ALIGNMENT\n"
"      --max-memory MIB      host memory the guest may take (1024)\n"
"      --max-entries N       backing entries of a resource (16384)\n"
"      --max-chain N         descriptors of a chain (1024)\n"
"      --config MEMBER=VALUE lie in the configuration space from the start\n"
"\n"
"Exit status: 0; 2 when it cannot run; 3 when there were guest bugs.\n"
"Commands of the control socket:\n";

static const struct {
	const char *name;
	unsigned int bit;
} options_bits[] = {
	{ "virgl", VIRTIO_GPU_F_VIRGL },
	{ "edid", VIRTIO_GPU_F_EDID },
	{ "uuid", VIRTIO_GPU_F_RESOURCE_UUID },
	{ "blob", VIRTIO_GPU_F_RESOURCE_BLOB },
	{ "context_init", VIRTIO_GPU_F_CONTEXT_INIT },
	{ "blob_alignment", VIRTIO_GPU_F_BLOB_ALIGNMENT },
	{ "indirect", VIRTIO_RING_F_INDIRECT_DESC },
	{ "event_idx", VIRTIO_RING_F_EVENT_IDX },
	{ "version_1", VIRTIO_F_VERSION_1 },
	{ "packed", VIRTIO_F_RING_PACKED },
	{ "in_order", VIRTIO_F_IN_ORDER },
};

enum {
	OPT_FEATURES = 256,
	OPT_OUTPUTS,
	OPT_OUTPUT,
	OPT_CAPSET,
	OPT_NO_TOY3D,
	OPT_WINDOW,
	OPT_WINDOW_AT,
	OPT_MAP_INFO,
	OPT_BLOB_ALIGNMENT,
	OPT_MAX_MEMORY,
	OPT_MAX_ENTRIES,
	OPT_MAX_CHAIN,
	OPT_CONFIG,
};

static const struct option options_long[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "control", required_argument, NULL, 'c' },
	{ "ctl", required_argument, NULL, 'C' },
	{ "trace", required_argument, NULL, 't' },
	{ "fault", required_argument, NULL, 'f' },
	{ "script", required_argument, NULL, 'f' },
	{ "fuzz", required_argument, NULL, 'z' },
	{ "allow", required_argument, NULL, 'a' },
	{ "inband", no_argument, NULL, 'i' },
	{ "status", no_argument, NULL, 'S' },
	{ "keep", no_argument, NULL, 'k' },
	{ "stall", no_argument, NULL, 'x' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "features", required_argument, NULL, OPT_FEATURES },
	{ "outputs", required_argument, NULL, OPT_OUTPUTS },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "capset", required_argument, NULL, OPT_CAPSET },
	{ "no-toy3d", no_argument, NULL, OPT_NO_TOY3D },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "window-at", required_argument, NULL, OPT_WINDOW_AT },
	{ "map-info", required_argument, NULL, OPT_MAP_INFO },
	{ "blob-alignment", required_argument, NULL, OPT_BLOB_ALIGNMENT },
	{ "max-memory", required_argument, NULL, OPT_MAX_MEMORY },
	{ "max-entries", required_argument, NULL, OPT_MAX_ENTRIES },
	{ "max-chain", required_argument, NULL, OPT_MAX_CHAIN },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ 0 },
};

static u64 number(const char *s, u64 min, u64 max)
{
	char *end;
	u64 v;

	errno = 0;
	v = strtoull(s, &end, 0);
	if (errno || *end || end == s || *s == '-' || v < min || v > max)
		log_die("'%s' is not a number from %llu to %llu", s,
			(unsigned long long)min, (unsigned long long)max);
	return v;
}

static bool feature_bit(const char *name, u64 *bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(options_bits); i++) {
		if (strcmp(options_bits[i].name, name))
			continue;
		*bit = BIT64(options_bits[i].bit);
		return true;
	}
	return false;
}

/**
 * options_features - Change a set of features as a list says
 * @features: the set
 * @list: names separated by commas: "+name" adds, "-name" takes away, "none"
 *        takes all away, a bare name adds
 *
 * Return: false when there is no such feature.
 */
bool options_features(u64 *features, const char *list)
{
	char *copy = strdup(list), *save = NULL;
	bool ok = true;

	for (char *s = strtok_r(copy, ",", &save); s && ok;
	     s = strtok_r(NULL, ",", &save)) {
		bool off = *s == '-';
		u64 bit = 0;

		if (!strcmp(s, "none")) {
			*features = 0;
			continue;
		}
		ok = feature_bit(s + (off || *s == '+'), &bit);
		*features = off ? *features & ~bit : *features | bit;
	}
	free(copy);
	return ok;
}

static void add_capset(struct device_options *opt, const char *s)
{
	struct capset *c = &opt->capset[opt->ncapsets];
	int used = 0;

	if (opt->ncapsets == DEVICE_CAPSETS)
		log_die("more than %d capability sets", DEVICE_CAPSETS);
	if (sscanf(s, "%u:%u:%u%n", &c->id, &c->version, &c->size, &used) != 3 ||
	    s[used] || c->size > 65536)
		log_die("'%s' is not ID:VERSION:SIZE", s);
	opt->ncapsets++;
}

static void set_output(struct device *d, const char *s)
{
	u32 n, w, h;
	s64 x, y;
	int used = 0;
	struct output *o;

	if (sscanf(s, "%u=%n", &n, &used) != 1 || !used || n >= DISPLAY_OUTPUTS ||
	    !fault_parse_output(s + used, &w, &h, &x, &y) || w > EDID_MAX_PIXELS ||
	    h > EDID_MAX_PIXELS)
		log_die("'%s' is not N=WxH[+X+Y], N=on or N=off", s);
	o = &d->display.out[n];
	o->connected = x != -2;
	if (w)
		o->mode = (struct rect){ MAX(x, 0), MAX(y, 0), w, h };
	d->display.n = MAX(d->display.n, n + 1);
}

static void set_outputs(struct device *d, const char *s)
{
	u32 x = 0;

	d->display.n = number(s, 1, DISPLAY_OUTPUTS);
	for (u32 i = 0; i < d->display.n; i++) {
		d->display.out[i].connected = true;
		d->display.out[i].mode.x = x;
		x += d->display.out[i].mode.w;
	}
}

static void set_blob_alignment(struct device_options *opt, const char *s)
{
	opt->blob_alignment = number(s, 1, 1u << 30);
	if (opt->blob_alignment & (opt->blob_alignment - 1))
		log_die("'%s' is not a power of two", s);
	opt->features |= BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT);
}

static void add_lie(struct device *d, char *s)
{
	struct device_options *opt = &d->opt;
	char *eq = strchr(s, '=');

	if (!eq || opt->nlies == DEVICE_LIES)
		log_die("'%s' is not MEMBER=VALUE, or one too many", s);
	*eq = 0;
	opt->lie[opt->nlies].name = s;
	opt->lie[opt->nlies].value = number(eq + 1, 0, UINT32_MAX);
	if (!device_config_lie(d, s, 0))
		log_die("the configuration space has no '%s'", s);
	opt->nlies++;
}

static bool device_option(struct options *o, struct device *d, int c, char *arg)
{
	struct device_options *opt = &d->opt;

	switch (c) {
	case OPT_FEATURES:
		if (!options_features(&opt->features, arg))
			log_die("'%s' names an unknown feature", arg);
		return true;
	case OPT_OUTPUTS:
		set_outputs(d, arg);
		return true;
	case OPT_OUTPUT:
		set_output(d, arg);
		return true;
	case OPT_CAPSET:
		add_capset(opt, arg);
		return true;
	case OPT_NO_TOY3D:
		memmove(opt->capset, opt->capset + 1,
			--opt->ncapsets * sizeof(opt->capset[0]));
		return true;
	case OPT_WINDOW:
		opt->window = number(arg, 0, 1u << 20) * MIB;
		return true;
	case OPT_WINDOW_AT:
		opt->window_at = number(arg, 1, UINT64_MAX);
		return true;
	case OPT_MAP_INFO:
		opt->map_info = number(arg, 0, UINT32_MAX);
		return true;
	case OPT_BLOB_ALIGNMENT:
		set_blob_alignment(opt, arg);
		return true;
	case OPT_MAX_MEMORY:
		opt->max_memory = number(arg, 0, 1u << 20) * MIB;
		return true;
	case OPT_MAX_ENTRIES:
		opt->max_entries = number(arg, 1, 1u << 24);
		return true;
	case OPT_CONFIG:
		add_lie(d, arg);
		return true;
	case OPT_MAX_CHAIN:
		o->max_chain = number(arg, 1, 65536);
		return true;
	}
	return false;
}

static bool fault_option(struct device *d, int c, const char *arg)
{
	char err[256];

	switch (c) {
	case 'f':
		if (strncmp(arg, "on ", 3) ? fault_load(&d->fault, arg, err, sizeof(err)) :
		    fault_parse(&d->fault, arg, err, sizeof(err)))
			log_die("%s", err);
		return true;
	case 'z':
		if (!fuzz_parse(&d->fuzz, arg))
			log_die("'%s' is not SEED[:RATE[:drop]][@CALM]", arg);
		return true;
	case 'a':
		if (bug_allow(&d->bugs, arg))
			log_die("too many rules are allowed");
		return true;
	case 't':
		if (trace_open(&d->trace, arg))
			log_die("%s: %s", arg, strerror(errno));
		return true;
	}
	return false;
}

static void usage(void)
{
	fputs(options_help, stdout);
	control_help(stdout);
	exit(0);
}

/**
 * options_parse - Parse the command line
 * @o: filled in
 * @v: the connection, and its device, set up accordingly
 * @argc: of main()
 * @argv: of main()
 *
 * Does not return after --help, --ctl, or an error.
 */
void options_parse(struct options *o, struct vhost_user *v, int argc, char **argv)
{
	int c;

	*o = (struct options){ .max_chain = 1024 };
	while ((c = getopt_long(argc, argv, "+s:c:C:t:f:z:a:iSkxvh", options_long,
				NULL)) != -1) {
		if (device_option(o, v->d, c, optarg) || fault_option(v->d, c, optarg))
			continue;
		if (c == 's')
			o->socket = optarg;
		else if (c == 'c')
			o->control = optarg;
		else if (c == 'C')
			exit(control_call(optarg, argc - optind, argv + optind));
		else if (c == 'i')
			v->offered |= BIT64(VHU_PF_INBAND_NOTIFICATIONS);
		else if (c == 'S')
			v->offered |= BIT64(VHU_PF_STATUS);
		else if (c == 'k')
			o->keep = true;
		else if (c == 'x')
			v->d->stalled = true;
		else if (c == 'v')
			log_verbose++;
		else if (c == 'h')
			usage();
		else
			log_die("try --help");
	}
	if (!o->socket || optind < argc)
		log_die("%s; try --help", o->socket ? argv[optind] : "--socket is missing");
	if (v->d->opt.window && !v->d->opt.window_at)
		v->offered |= BIT64(VHU_PF_BACKEND_SEND_FD) | BIT64(VHU_PF_SHMEM);
}
