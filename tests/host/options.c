// SPDX-License-Identifier: MIT
/* The command line: one row an option. Nothing here ends the process; errors are texts. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "control.h"
#include "log.h"
#include "options.h"

#define MIB (1024ull * 1024)

struct row;

/* What the functions of the rows share. */
struct parse {
	const struct row *row;
	struct options *o;
	struct vhost_user *v;
	struct device *d;
	char *err;
	size_t n;
	bool alignment;
};

/**
 * struct row - an option
 * @letter: its short name, or 0
 * @name: its long name
 * @arg: what its argument is, or NULL
 * @fn: takes it
 * @help: for --help
 * @base: where in struct parse the pointer is to what it sets, for those that just do that
 * @off: and where in that
 * @max: the largest number that makes sense, or the bit to set
 * @min: the smallest
 */
struct row {
	char letter;
	const char *name, *arg;
	bool (*fn)(struct parse *p, char *arg);
	const char *help;
	size_t base, off;
	u64 max, min;
};

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

__attribute__((format(printf, 2, 3)))
static bool wrong(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->err, p->n, fmt, ap);
	va_end(ap);
	return false;
}

static bool number(struct parse *p, const char *s, u64 min, u64 max, u64 *v)
{
	if (!words_number(s, max, v) || *v < min)
		return wrong(p, "'%s' is not a number from %llu to %llu", s,
			     (unsigned long long)min, (unsigned long long)max);
	return true;
}

static bool number32(struct parse *p, const char *s, u32 min, u32 max, u32 *v)
{
	u64 wide;

	if (!number(p, s, min, max, &wide))
		return false;
	*v = wide;
	return true;
}

static bool feature_change(void *opaque, const char *name)
{
	bool off = *name == '-';
	u64 *features = opaque;

	if (!strcmp(name, "none")) {
		*features = 0;
		return true;
	}
	name += off || *name == '+';
	for (size_t i = 0; i < ARRAY_SIZE(options_bits); i++) {
		u64 bit = BIT64(options_bits[i].bit);

		if (strcmp(options_bits[i].name, name))
			continue;
		*features = off ? *features & ~bit : *features | bit;
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
	return words_list(list, feature_change, features);
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
	(void)arg;
	*(bool *)member(p) = true;
	return true;
}

static bool set_bit(struct parse *p, char *arg)
{
	(void)arg;
	*(u64 *)member(p) |= BIT64(p->row->max);
	return true;
}

static bool set_number(struct parse *p, char *arg)
{
	return number(p, arg, p->row->min, p->row->max, member(p));
}

static bool set_number32(struct parse *p, char *arg)
{
	return number32(p, arg, p->row->min, p->row->max, member(p));
}

static bool set_mib(struct parse *p, char *arg)
{
	bool ok = number(p, arg, 0, 1u << 20, member(p));

	*(u64 *)member(p) *= MIB;
	return ok;
}

static bool set_trace(struct parse *p, char *arg)
{
	return !trace_open(&p->d->trace, arg) || wrong(p, "%s: %s", arg, strerror(errno));
}

static bool set_fault(struct parse *p, char *arg)
{
	return !(strncmp(arg, "on ", 3) ? fault_load(&p->d->fault, arg, p->err, p->n) :
		 fault_parse(&p->d->fault, arg, p->err, p->n));
}

static bool set_fuzz(struct parse *p, char *arg)
{
	return fuzz_parse(&p->d->fuzz, arg) ||
	       wrong(p, "'%s' is not SEED[:RATE[:drop]][@CALM]", arg);
}

static bool set_allow(struct parse *p, char *arg)
{
	return bug_allow(&p->d->bugs, arg) ||
	       wrong(p, "'%s' names a rule that there is not", arg);
}

static bool set_verbose(struct parse *p, char *arg)
{
	(void)p;
	(void)arg;
	log_verbose++;
	return true;
}

static bool set_features(struct parse *p, char *arg)
{
	return options_features(&p->d->opt.features, arg) ||
	       wrong(p, "'%s' names an unknown feature", arg);
}

static bool set_like(struct parse *p, char *arg)
{
	return habit_like(&p->d->opt.habits, arg) ||
	       wrong(p, "'%s' is not qemu, crosvm or libkrun", arg);
}

static bool set_habit(struct parse *p, char *arg)
{
	return habit_change(&p->d->opt.habits, arg) ||
	       wrong(p, "'%s' names a habit that there is not", arg);
}

static bool set_outputs(struct parse *p, char *arg)
{
	struct display *display = &p->d->display;
	u32 x = 0;

	if (!number32(p, arg, 1, DISPLAY_OUTPUTS, &display->n))
		return false;
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
		return wrong(p, "'%s' is not N=WxH[+X+Y], N=on or N=off", arg);
	p->d->display.n = MAX(p->d->display.n, n + 1);
	return true;
}

static bool set_capset(struct parse *p, char *arg)
{
	struct device_options *opt = &p->d->opt;
	struct capset c;
	int used = 0;

	if (opt->ncapsets == DEVICE_CAPSETS)
		return wrong(p, "more than %d capability sets", DEVICE_CAPSETS);
	if (sscanf(arg, "%u:%u:%u%n", &c.id, &c.version, &c.size, &used) != 3 ||
	    arg[used] || c.size > 65536)
		return wrong(p, "'%s' is not ID:VERSION:SIZE", arg);
	opt->capset[opt->ncapsets++] = c;
	return true;
}

static bool set_blob_alignment(struct parse *p, char *arg)
{
	u32 *v = &p->d->opt.blob_alignment;

	if (!number32(p, arg, 1, 1u << 30, v))
		return false;
	if (*v & (*v - 1))
		return wrong(p, "'%s' is not a power of two", arg);
	p->alignment = true;
	p->d->opt.features |= BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT);
	return true;
}

static bool set_config(struct parse *p, char *arg)
{
	struct device_options *opt = &p->d->opt;
	char *eq = strchr(arg, '=');
	u32 value;

	if (!eq || opt->nlies == DEVICE_LIES)
		return wrong(p, "'%s' is not MEMBER=VALUE, or one too many", arg);
	if (!number32(p, eq + 1, 0, UINT32_MAX, &value))
		return false;
	*eq = 0;
	if (!device_config_lie(p->d, arg, 0))
		return wrong(p, "the configuration space has no '%s'", arg);
	opt->lie[opt->nlies].name = arg;
	opt->lie[opt->nlies++].value = value;
	return true;
}

#define OF_OPTIONS(m) .base = offsetof(struct parse, o), .off = offsetof(struct options, m)
#define OF_FRONT(m) .base = offsetof(struct parse, v), .off = offsetof(struct vhost_user, m)
#define OF_DEVICE(m) .base = offsetof(struct parse, d), .off = offsetof(struct device, m)

static const struct row options_table[] = {
	{ 's', "socket", "PATH", set_string, .help = "listen here for the front end",
	  OF_OPTIONS(socket) },
	{ 'c', "control", "PATH", set_string, .help = "listen here for commands",
	  OF_OPTIONS(control) },
	{ 'C', "ctl", "PATH", set_string, .help = "send a command to a running vgpu-host",
	  OF_OPTIONS(ctl) },
	{ 't', "trace", "FILE", set_trace, .help = "write what happens as JSON lines (- for stdout)" },
	{ 0, "trace-requests", NULL, set_flag, .help = "write the bytes of each request, too",
	  OF_DEVICE(trace.requests) },
	{ 'f', "fault", "FILE|RULE", set_fault,
	  .help = "read a fault script, or add one rule, which begins with \"on\"" },
	{ 0, "script", "FILE|RULE", set_fault, .help = "the same" },
	{ 'z', "fuzz", "SEED[:RATE[:drop]][@CALM]", set_fuzz,
	  .help = "mutate RATE (100) of 1000 answers, after the first CALM (0)" },
	{ 'a', "allow", "RULE[,RULE]", set_allow, .help = "these broken rules are no guest bugs" },
	{ 0, "pedantic", NULL, set_flag,
	  .help = "breaking rules of good practice is a guest bug, too", OF_DEVICE(bugs.pedantic) },
	{ 'i', "inband", NULL, set_bit, .help = "notifications as messages (UML time travel)",
	  OF_FRONT(offered), .max = VHU_PF_INBAND_NOTIFICATIONS },
	{ 'S', "status", NULL, set_bit, .help = "offer the STATUS protocol feature",
	  OF_FRONT(offered), .max = VHU_PF_STATUS },
	{ 'k', "keep", NULL, set_flag, .help = "serve again when the front end hangs up",
	  OF_OPTIONS(keep) },
	{ 'x', "stall", NULL, set_flag, .help = "begin with the rings stalled", OF_DEVICE(stalled) },
	{ 'v', "verbose", NULL, set_verbose,
	  .help = "tell about the connection, twice: every message" },
	{ 'h', "help", NULL, set_flag, .help = "this text", OF_OPTIONS(help) },
	{ 'V', "version", NULL, set_flag, .help = "the version", OF_OPTIONS(version) },
	{ 0, "features", "LIST", set_features,
	  .help = "names, + and - change the default: virgl edid uuid blob context_init\n"
	  "blob_alignment indirect event_idx version_1 packed in_order; none clears" },
	{ 0, "like", "HOST", set_like, .help = "have the habits of qemu, crosvm or libkrun" },
	{ 0, "habit", "NAME|-NAME[,...]", set_habit, .help = "have this habit, or not" },
	{ 0, "outputs", "N", set_outputs, .help = "number of outputs (1)" },
	{ 0, "output", "N=WxH[+X+Y]|on|off", set_output, .help = "mode and place of one" },
	{ 0, "capset", "ID:VERSION:SIZE", set_capset, .help = "one more capability set" },
	{ 0, "no-toy3d", NULL, set_flag, .help = "not ours", OF_OPTIONS(no_toy3d) },
	{ 0, "window", "MIB", set_mib, .help = "host-visible window (0: none)", OF_DEVICE(opt.window) },
	{ 0, "window-at", "GPA", set_number,
	  .help = "the window is this part of the guest's memory",
	  OF_DEVICE(opt.window_at), .max = UINT64_MAX, .min = 1 },
	{ 0, "map-info", "N", set_number32, .help = "caching of mappings: 1 cached, 2 uncached, 3 WC",
	  OF_DEVICE(opt.map_info), .max = UINT32_MAX },
	{ 0, "blob-alignment", "N", set_blob_alignment, .help = "bytes; offers BLOB_ALIGNMENT" },
	{ 0, "max-memory", "MIB", set_mib, .help = "host memory the guest may take (1024)",
	  OF_DEVICE(opt.max_memory) },
	{ 0, "max-entries", "N", set_number32, .help = "backing entries of a resource (16384)",
	  OF_DEVICE(opt.max_entries), .max = 1u << 24, .min = 1 },
	{ 0, "max-chain", "N", set_number32, .help = "descriptors of a chain (1024)",
	  OF_OPTIONS(max_chain), .max = 65536, .min = 1 },
	{ 0, "config", "MEMBER=VALUE", set_config,
	  .help = "lie in the configuration space from the start" },
};

#define OPTIONS ARRAY_SIZE(options_table)

/**
 * options_help - Print what there is to say on the command line
 * @out: where to
 */
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
		memmove(opt->capset, opt->capset + 1,
			--opt->ncapsets * sizeof(opt->capset[0]));
	for (u32 i = 0; i < opt->ncapsets; i++)
		for (u32 k = 0; k < i; k++)
			if (opt->capset[i].id == opt->capset[k].id)
				return wrong(p, "capability set %u is there twice",
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
		return !o->socket || wrong(p, "--ctl and --socket: a client, or a device?");
	if (behind)
		return wrong(p, "what is '%s'?", behind);
	if (!o->socket)
		return wrong(p, "--socket is missing");
	if (o->control && !strcmp(o->control, o->socket))
		return wrong(p, "--socket and --control need a path each");
	if (opt->window_at && !opt->window)
		return wrong(p, "--window-at needs --window: how large is it?");
	if (p->alignment && !(opt->features & BIT64(VIRTIO_GPU_F_BLOB_ALIGNMENT)))
		return wrong(p, "--blob-alignment, but --features takes it away");
	return check_capsets(p);
}

/**
 * options_parse - Parse the command line
 * @o: filled in
 * @v: the connection, and its device, set up accordingly
 * @argc: of main()
 * @argv: of main()
 * @err: told what is wrong
 * @n: bytes of @err
 *
 * Return: false with @err filled in when it makes no sense.
 */
bool options_parse(struct options *o, struct vhost_user *v, int argc, char **argv,
		   char *err, size_t n)
{
	struct parse p = { .o = o, .v = v, .d = v->d, .err = err, .n = n };
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
			return wrong(&p, "'%s': no such option, or its argument is missing",
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
	if (v->d->opt.window && !v->d->opt.window_at)
		v->offered |= BIT64(VHU_PF_BACKEND_SEND_FD) | BIT64(VHU_PF_SHMEM);
	return true;
}
