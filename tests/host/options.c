// SPDX-License-Identifier: MIT
/* The command line: one row an option. Nothing here ends the process; errors are texts. */
#include <errno.h>
#include <getopt.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "control.h"
#include "log.h"
#include "options.h"

struct row;

/* What the functions of the rows share. */
struct parse {
	const struct row *row;
	struct options *o;
	struct vhost_user *v;
	struct device *d;
	struct words_error err;
	bool alignment;
};

/* An option. */
struct row {
	char letter;		/* its short name, or 0 */
	const char *name;	/* its long name */
	const char *arg;	/* what its argument is, or NULL */
	bool (*fn)(struct parse *p, char *arg); /* takes it */
	const char *help;	/* for --help */
	size_t base;		/* where struct parse has the pointer to what it just sets */
	size_t off;		/* and where in that */
	u64 max;		/* the largest number that makes sense, or the bit to set */
	u64 min;		/* the smallest */
	u64 unit;		/* what it counts, if not ones */
};

/* Bit n of the features is the n-th. */
static const char *const options_bits[64] = {
	[VIRTIO_GPU_F_VIRGL] = "virgl",
	[VIRTIO_GPU_F_EDID] = "edid",
	[VIRTIO_GPU_F_RESOURCE_UUID] = "uuid",
	[VIRTIO_GPU_F_RESOURCE_BLOB] = "blob",
	[VIRTIO_GPU_F_CONTEXT_INIT] = "context_init",
	[VIRTIO_GPU_F_BLOB_ALIGNMENT] = "blob_alignment",
	[VIRTIO_RING_F_INDIRECT_DESC] = "indirect",
	[VIRTIO_RING_F_EVENT_IDX] = "event_idx",
	[VIRTIO_F_VERSION_1] = "version_1",
	[VIRTIO_F_RING_PACKED] = "packed",
	[VIRTIO_F_IN_ORDER] = "in_order",
};

static bool number(struct parse *p, const char *s, u64 min, u64 max, u64 *v)
{
	if (!words_number(s, max, v) || *v < min)
		return words_wrong(&p->err, "'%s' is not a number from %llu to %llu", s, min, max);
	return true;
}

/* Change a set of features as name_bits() does. False: there is no such feature. */
bool options_features(u64 *features, const char *list)
{
	return NAME_BITS(features, list, options_bits);
}

static void *member(const struct parse *p)
{
	return *(u8 **)((u8 *)p + p->row->base) + p->row->off;
}

static bool set_string(struct parse *p, char *arg)
{
	*(char **)member(p) = arg;
	return true;
}

static bool set_flag(struct parse *p, char *arg)
{
	*(bool *)member(p) = true;
	return true;
}

static bool set_bit(struct parse *p, char *arg)
{
	*(u64 *)member(p) |= BIT64(p->row->max);
	return true;
}

static bool set_number(struct parse *p, char *arg)
{
	u64 *v = member(p);
	bool ok = number(p, arg, p->row->min, p->row->max, v);

	*v *= p->row->unit ? p->row->unit : 1;
	return ok;
}

static bool set_trace(struct parse *p, char *arg)
{
	return !trace_open(&p->d->trace, arg) ||
	       words_wrong(&p->err, "%s: %s", arg, strerror(errno));
}

static bool set_fault(struct parse *p, char *arg)
{
	return !(strncmp(arg, "on ", 3) ? fault_load(&p->d->fault, arg, p->err.text, p->err.n) :
		 fault_parse(&p->d->fault, arg, p->err.text, p->err.n));
}

static bool set_fuzz(struct parse *p, char *arg)
{
	return fuzz_parse(&p->d->fuzz, arg) ||
	       words_wrong(&p->err, "'%s' is not SEED[:RATE[:drop]][@CALM]", arg);
}

static bool set_allow(struct parse *p, char *arg)
{
	return bug_allow(&p->d->bugs, arg) ||
	       words_wrong(&p->err, "'%s' names a rule that there is not", arg);
}

static bool set_verbose(struct parse *p, char *arg)
{
	log_verbose++;
	return true;
}

static bool set_features(struct parse *p, char *arg)
{
	return options_features(&p->d->opt.features, arg) ||
	       words_wrong(&p->err, "'%s' names an unknown feature", arg);
}

static bool set_like(struct parse *p, char *arg)
{
	return habit_like(&p->d->opt.habits, arg) ||
	       words_wrong(&p->err, "'%s' is not qemu, crosvm or libkrun", arg);
}

static bool set_habit(struct parse *p, char *arg)
{
	return habit_change(&p->d->opt.habits, arg) ||
	       words_wrong(&p->err, "'%s' names a habit that there is not", arg);
}

static bool set_outputs(struct parse *p, char *arg)
{
	struct display *display = &p->d->display;
	u64 n;
	u32 x = 0;

	if (!number(p, arg, 1, DISPLAY_OUTPUTS, &n))
		return false;
	display->n = n;
	for (u32 i = 0; i < display->n; i++) {
		display->out[i].connected = true;
		display->out[i].mode.x = x;
		x += display->out[i].mode.w;
	}
	return true;
}

static bool set_output(struct parse *p, char *arg)
{
	u32 n;
	int used = 0;

	if (sscanf(arg, "%u=%n", &n, &used) != 1 || !used || n >= DISPLAY_OUTPUTS ||
	    !output_change(&p->d->display.out[n], arg + used))
		return words_wrong(&p->err, "'%s' is not N=WxH[+X+Y], N=on or N=off", arg);
	p->d->display.n = MAX(p->d->display.n, n + 1);
	return true;
}

static bool set_capset(struct parse *p, char *arg)
{
	struct device_options *opt = &p->d->opt;
	struct capset c;
	int used = 0;

	if (opt->ncapsets == DEVICE_CAPSETS)
		return words_wrong(&p->err, "more than %d capability sets", DEVICE_CAPSETS);
	if (sscanf(arg, "%u:%u:%u%n", &c.id, &c.version, &c.size, &used) != 3 ||
	    arg[used] || c.size > 65536)
		return words_wrong(&p->err, "'%s' is not ID:VERSION:SIZE", arg);
	opt->capset[opt->ncapsets++] = c;
	return true;
}

static bool set_blob_alignment(struct parse *p, char *arg)
{
	u64 *v = &p->d->opt.blob_alignment;

	if (!number(p, arg, 1, 1u << 30, v))
		return false;
	if (*v & (*v - 1))
		return words_wrong(&p->err, "'%s' is not a power of two", arg);
	p->alignment = true;
	p->d->opt.features |= BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT);
	return true;
}

static bool set_config(struct parse *p, char *arg)
{
	struct device_options *opt = &p->d->opt;
	char *eq = strchr(arg, '=');
	u64 value;

	if (!eq || opt->nlies == DEVICE_LIES)
		return words_wrong(&p->err, "'%s' is not MEMBER=VALUE, or one too many", arg);
	if (!number(p, eq + 1, 0, UINT32_MAX, &value))
		return false;
	*eq = 0;
	if (!device_config_lie(p->d, arg, 0))
		return words_wrong(&p->err, "the configuration space has no '%s'", arg);
	opt->lie[opt->nlies++] = (struct device_lie){ arg, value };
	return true;
}

#define OPTION(m) .base = offsetof(struct parse, o), .off = offsetof(struct options, m)
#define FRONT(m) .base = offsetof(struct parse, v), .off = offsetof(struct vhost_user, m)
#define DEVICE(m) .base = offsetof(struct parse, d), .off = offsetof(struct device, m)

static const struct row options_table[] = {
	{ 's', "socket", "PATH", set_string, "listen here for the front end", OPTION(socket) },
	{ 'c', "control", "PATH", set_string, "listen here for commands", OPTION(control) },
	{ 'C', "ctl", "PATH", set_string, "send a command to a running vgpu-host", OPTION(ctl) },
	{ 't', "trace", "FILE", set_trace, "write what happens as JSON lines (- for stdout)" },
	{ 0, "trace-requests", NULL, set_flag, "write the bytes of each request, too",
	  DEVICE(trace.requests) },
	{ 'f', "fault", "FILE|RULE", set_fault,
	  "read a fault script, or add one rule, which begins with \"on\"" },
	{ 0, "script", "FILE|RULE", set_fault, "the same" },
	{ 'z', "fuzz", "SEED[:RATE[:drop]][@CALM]", set_fuzz,
	  "mutate RATE (100) of 1000 answers, after the first CALM (0)" },
	{ 'a', "allow", "RULE[,RULE]", set_allow, "these broken rules are no guest bugs" },
	{ 0, "pedantic", NULL, set_flag,
	  "breaking rules of good practice is a guest bug, too", DEVICE(bugs.pedantic) },
	{ 'i', "inband", NULL, set_bit, "notifications as messages (UML time travel)",
	  FRONT(offered), .max = VHU_PF_INBAND_NOTIFICATIONS },
	{ 'S', "status", NULL, set_bit, "offer the STATUS protocol feature",
	  FRONT(offered), .max = VHU_PF_STATUS },
	{ 'k', "keep", NULL, set_flag, "serve again when the front end hangs up", OPTION(keep) },
	{ 'x', "stall", NULL, set_flag, "begin with the rings stalled", DEVICE(stalled) },
	{ 'v', "verbose", NULL, set_verbose, "tell about the connection, twice: every message" },
	{ 'h', "help", NULL, set_flag, "this text", OPTION(help) },
	{ 'V', "version", NULL, set_flag, "the version", OPTION(version) },
	{ 0, "features", "LIST", set_features,
	  "names, + and - change the default: virgl edid uuid blob context_init\n"
	  "blob_alignment indirect event_idx version_1 packed in_order; none clears" },
	{ 0, "like", "HOST", set_like, "have the habits of qemu, crosvm or libkrun" },
	{ 0, "habit", "NAME|-NAME[,...]", set_habit, "have this habit, or not" },
	{ 0, "outputs", "N", set_outputs, "number of outputs (1)" },
	{ 0, "output", "N=WxH[+X+Y]|on|off", set_output, "mode and place of one" },
	{ 0, "capset", "ID:VERSION:SIZE", set_capset, "one more capability set" },
	{ 0, "no-toy3d", NULL, set_flag, "not ours", OPTION(no_toy3d) },
	{ 0, "window", "MIB", set_number, "host-visible window (0: none)",
	  DEVICE(hostmem.size), .max = 1u << 20, .unit = MIB },
	{ 0, "window-at", "GPA", set_number,
	  "the window is this part of the guest's memory",
	  DEVICE(hostmem.at), .max = UINT64_MAX, .min = 1 },
	{ 0, "map-info", "N", set_number, "caching of mappings: 1 cached, 2 uncached, 3 WC",
	  DEVICE(opt.map_info), .max = UINT32_MAX },
	{ 0, "blob-alignment", "N", set_blob_alignment, "bytes; offers BLOB_ALIGNMENT" },
	{ 0, "max-memory", "MIB", set_number, "host memory the guest may take (1024)",
	  DEVICE(budget.limit), .max = 1u << 20, .unit = MIB },
	{ 0, "max-entries", "N", set_number, "backing entries of a resource (16384)",
	  DEVICE(opt.max_entries), .max = 1u << 24, .min = 1 },
	{ 0, "max-chain", "N", set_number, "descriptors of a chain (1024)",
	  OPTION(max_chain), .max = 65536, .min = 1 },
	{ 0, "config", "MEMBER=VALUE", set_config,
	  "lie in the configuration space from the start" },
};

#define OPTIONS ARRAY_SIZE(options_table)

void options_help(FILE *out)
{
	fputs("Usage: vgpu-host --socket PATH [OPTION]...\n"
	      "       vgpu-host --ctl PATH COMMAND [ARGUMENT]...\n"
	      "A strict virtio-gpu device for vhost-user front ends (QEMU, User Mode Linux).\n"
	      "\n", out);
	for (size_t i = 0; i < OPTIONS; i++) {
		const char *arg = options_table[i].arg, *help = options_table[i].help;

		fprintf(out, options_table[i].letter ? "  -%c, " : "      ",
			options_table[i].letter);
		fprintf(out, "--%s %s\n", options_table[i].name, arg ? arg : "");
		for (size_t len; *help; help += len + !!help[len]) {
			len = strcspn(help, "\n");
			fprintf(out, "          %.*s\n", (int)len, help);
		}
	}
	fputs("\nHabits:\n", out);
	habit_help(out);
	fputs("\nExit status: 0; 2 when it cannot run; 3 when there were guest bugs.\n"
	      "Commands of the control socket:\n", out);
	control_help(out);
}

static bool check_capsets(struct parse *p)
{
	struct device_options *opt = &p->d->opt;

	if (p->o->no_toy3d)
		memmove(opt->capset, opt->capset + 1, --opt->ncapsets * sizeof(opt->capset[0]));
	for (u32 i = 0; i < opt->ncapsets; i++)
		for (u32 k = 0; k < i; k++)
			if (opt->capset[i].id == opt->capset[k].id)
				return words_wrong(&p->err, "capability set %u is there twice",
					     opt->capset[i].id);
	return true;
}

/* Options that contradict each other: neither can be meant. */
static bool check_all(struct parse *p, const char *behind)
{
	const struct device_options *opt = &p->d->opt;
	const struct options *o = p->o;

	if (o->help || o->version)
		return true;
	if (o->ctl)
		return !o->socket || words_wrong(&p->err, "--ctl and --socket: a client, or a device?");
	if (behind)
		return words_wrong(&p->err, "what is '%s'?", behind);
	if (!o->socket)
		return words_wrong(&p->err, "--socket is missing");
	if (o->control && !strcmp(o->control, o->socket))
		return words_wrong(&p->err, "--socket and --control need a path each");
	if (p->d->hostmem.at && !p->d->hostmem.size)
		return words_wrong(&p->err, "--window-at needs --window: how large is it?");
	if (p->alignment && !(opt->features & BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT)))
		return words_wrong(&p->err, "--blob-alignment, but --features takes it away");
	return check_capsets(p);
}

/* Fill in @o, and set up the connection and its device. False: nonsense, as @err says. */
bool options_parse(struct options *o, struct vhost_user *v, int argc, char **argv,
		   char *err, size_t n)
{
	struct parse p = { .o = o, .v = v, .d = v->d, .err = { err, n } };
	struct option names[OPTIONS + 1] = { 0 };
	char letters[2 * OPTIONS + 2] = "+", *l = letters + 1;
	size_t row;
	int c;

	for (size_t i = 0; i < OPTIONS; i++) {
		names[i] = (struct option){ options_table[i].name, !!options_table[i].arg,
					    NULL, 256 + i };
		if (options_table[i].letter)
			*l++ = options_table[i].letter;
		if (options_table[i].letter && options_table[i].arg)
			*l++ = ':';
	}
	*o = (struct options){ .max_chain = 1024 };
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (c == '?')
			return words_wrong(&p.err, "'%s': no such option, or its argument is missing",
				     argv[optind - 1]);
		for (row = c < 256 ? 0 : c - 256; c < 256 && options_table[row].letter != c;)
			row++;
		p.row = &options_table[row];
		if (!p.row->fn(&p, optarg))
			return false;
		/* What is behind --ctl PATH is for the device. */
		if (o->ctl)
			break;
	}
	o->rest = argv + optind;
	if (!check_all(&p, *o->rest))
		return false;
	if (v->d->hostmem.size && !v->d->hostmem.at)
		v->offered |= BIT64(VHU_PF_BACKEND_SEND_FD) | BIT64(VHU_PF_SHMEM);
	return true;
}
