// SPDX-License-Identifier: MIT
/*
 * The control socket: a line in, some lines out, the last of them "OK" or
 * "ERR reason".
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "log.h"
#include "unix.h"

#define ARGS_MAX 4

struct call {
	struct control *c;
	struct device *d;
	FILE *out;
	int argc;
	char *arg[ARGS_MAX];
	char *rest;	/* the line behind the command's name */
	const char *err;
};

static bool arg_u32(struct call *k, int n, u32 *v)
{
	unsigned long long x;
	char *end;

	k->err = "a number is missing";
	if (n >= k->argc)
		return false;
	errno = 0;
	x = strtoull(k->arg[n], &end, 0);
	if (errno || *end || end == k->arg[n] || x > UINT32_MAX) {
		k->err = "not a number";
		return false;
	}
	*v = x;
	k->err = NULL;
	return true;
}

static bool arg_switch(struct call *k, int n, bool *v)
{
	const char *s = n < k->argc ? k->arg[n] : "";

	if (strcmp(s, "on") && strcmp(s, "off")) {
		k->err = "on or off?";
		return false;
	}
	*v = !strcmp(s, "on");
	return true;
}

static bool arg_output(struct call *k, u32 *n)
{
	if (!arg_u32(k, 0, n))
		return false;
	if (*n < k->d->display.n)
		return true;
	k->err = "no such output";
	return false;
}

static void do_ping(struct call *k)
{
	(void)k;
}

static void do_bugs(struct call *k)
{
	const struct bug_log *b = &k->d->bugs;

	fprintf(k->out, "bugs %llu\n", (unsigned long long)b->count);
	fprintf(k->out, "allowed %llu\n", (unsigned long long)b->allowed);
	fprintf(k->out, "excused %llu\n", (unsigned long long)k->d->excused);
	fprintf(k->out, "user-errors %llu\n", (unsigned long long)b->user);
	for (unsigned int i = 0; i < b->nkept; i++)
		fprintf(k->out, "bug %s\n", b->kept[i]);
	if (k->argc && !strcmp(k->arg[0], "clear")) {
		bug_clear(&k->d->bugs);
		k->d->excused = 0;
	}
}

static void stat_line(struct call *k, const char *name, u64 value)
{
	fprintf(k->out, "%s %llu\n", name, (unsigned long long)value);
}

static void do_stats(struct call *k)
{
	const struct device *d = k->d;
	const struct device_stats *s = &d->stats;

	stat_line(k, "requests", s->requests);
	stat_line(k, "answers", s->answers);
	stat_line(k, "unanswered", d->fence.count);
	stat_line(k, "errors", s->errors);
	stat_line(k, "kicks", s->kicks[0] + s->kicks[1]);
	stat_line(k, "calls", s->calls[0] + s->calls[1]);
	stat_line(k, "bytes-in", s->bytes_in);
	stat_line(k, "bytes-out", s->bytes_out);
	stat_line(k, "resets", s->resets);
	stat_line(k, "resources", d->resources.count);
	stat_line(k, "contexts", d->contexts.count);
	stat_line(k, "mapped", d->hostmem.n);
	stat_line(k, "memory", d->memory);
	stat_line(k, "flushes", s->flushes);
	stat_line(k, "flushes-unseen", s->flushes_unseen);
	stat_line(k, "faults", d->fault.fired);
	stat_line(k, "mutated", d->fuzz.mutated);
	stat_line(k, "bugs", d->bugs.count);
	stat_line(k, "features", d->features);
}

static void do_outputs(struct call *k)
{
	for (u32 i = 0; i < k->d->display.n; i++) {
		const struct output *o = &k->d->display.out[i];

		fprintf(k->out, "output %u %s %ux%u+%u+%u", i,
			o->connected ? "connected" : "disconnected", o->mode.w,
			o->mode.h, o->mode.x, o->mode.y);
		if (o->res)
			fprintf(k->out, " shows %u %ux%u frames %llu crc %08x",
				o->res->id, o->view.w, o->view.h,
				(unsigned long long)o->frames, o->crc);
		if (o->cursor_shown)
			fprintf(k->out, " cursor %d,%d crc %08x", (int)o->cursor_x,
				(int)o->cursor_y, o->cursor_crc);
		fputc('\n', k->out);
	}
}

static void do_output(struct call *k)
{
	u32 n;

	if (!arg_output(k, &n))
		return;
	if (k->argc < 2 || !device_output(k->d, n, k->arg[1]))
		k->err = "WxH, WxH+X+Y, on or off?";
}

static void do_crc(struct call *k)
{
	u32 n;

	if (!arg_output(k, &n))
		return;
	if (!k->d->display.out[n].res)
		k->err = "the output is off";
	else
		fprintf(k->out, "%08x\n", k->d->display.out[n].crc);
}

static void do_png(struct call *k)
{
	bool cursor = k->argc > 2 && !strcmp(k->arg[2], "cursor");
	int ret;
	u32 n;

	if (!arg_output(k, &n))
		return;
	if (k->argc < 2) {
		k->err = "a file name is missing";
		return;
	}
	ret = display_png(&k->d->display, n, k->arg[1], cursor);
	if (ret)
		k->err = strerror(-ret);
}

static void do_fault(struct call *k)
{
	static char err[160];

	if (fault_parse(&k->d->fault, k->rest, err, sizeof(err)))
		k->err = err;
}

static void do_faults(struct call *k)
{
	const struct fault_script *s = &k->d->fault;

	for (unsigned int i = 0; i < s->n; i++)
		fprintf(k->out, "rule %u seen %llu fired %llu\n", i + 1,
			(unsigned long long)s->rule[i]->seen,
			(unsigned long long)s->rule[i]->fired);
	if (k->argc && !strcmp(k->arg[0], "clear"))
		fault_clear(&k->d->fault);
}

static void do_stall(struct call *k)
{
	if (!arg_switch(k, 0, &k->d->stalled))
		return;
	if (!k->d->stalled)
		device_run(k->d);
}

static void do_hold(struct call *k)
{
	if (!arg_switch(k, 0, &k->d->fence.held))
		return;
	device_answer_ready(k->d);
}

static void do_release(struct call *k)
{
	u32 token;

	if (!arg_u32(k, 0, &token))
		return;
	if (token)
		device_release(k->d, token);
	else
		k->err = "token 0";
}

static void do_config(struct call *k)
{
	u32 value;

	if (!arg_u32(k, 1, &value))
		return;
	if (!device_config_set(k->d, k->arg[0], value))
		k->err = "no such member";
}

static void do_event(struct call *k)
{
	struct fault_action a = { .kind = FAULT_NEEDS_RESET };

	device_fault_event(k->d, &a);
}

static void do_break(struct call *k)
{
	u32 n;

	if (!arg_u32(k, 0, &n))
		return;
	if (n < WIRE_QUEUES)
		device_break_queue(k->d, n);
	else
		k->err = "no such queue";
}

static void do_die(struct call *k)
{
	struct fault_action a = { .kind = FAULT_DIE };

	if (k->argc && !arg_u32(k, 0, (u32 *)&a.a))
		return;
	device_fault_event(k->d, &a);
}

static void do_fuzz(struct call *k)
{
	if (!k->argc || !fuzz_parse(&k->d->fuzz, k->arg[0]))
		k->err = "SEED[:RATE[:drop]][@CALM] or off?";
}

static void do_allow(struct call *k)
{
	if (!k->argc || bug_allow(&k->d->bugs, k->arg[0]))
		k->err = "which rules?";
}

static void do_mark(struct call *k)
{
	trace_begin(&k->d->trace, "mark");
	trace_str(&k->d->trace, "text", k->rest);
	trace_end(&k->d->trace);
}

static void do_quit(struct call *k)
{
	k->c->loop->quit = true;
}

static void do_help(struct call *k)
{
	control_help(k->out);
}

static const struct {
	const char *name;
	void (*fn)(struct call *k);
	const char *help;
} control_table[] = {
	{ "help", do_help, "this list" },
	{ "ping", do_ping, "answers OK" },
	{ "bugs", do_bugs, "[clear]: guest bugs so far, the first few in full" },
	{ "stats", do_stats, "counters, one a line" },
	{ "outputs", do_outputs, "outputs, what they show, CRC of the last frame" },
	{ "output", do_output, "N WxH[+X+Y]|on|off: change a monitor, tell the driver" },
	{ "crc", do_crc, "N: CRC of what output N shows" },
	{ "png", do_png, "N FILE [cursor]: write what output N shows" },
	{ "fault", do_fault, "RULE: add a rule of the fault script" },
	{ "faults", do_faults, "[clear]: rules and how often they acted" },
	{ "stall", do_stall, "on|off: leave requests in the ring, so that it fills" },
	{ "hold", do_hold, "on|off: execute, but keep the answers" },
	{ "release", do_release, "TOKEN: let go what waits for a token" },
	{ "config", do_config, "MEMBER VALUE: lie in the configuration space" },
	{ "needs-reset", do_event, "set DEVICE_NEEDS_RESET, as far as the front end lets us" },
	{ "break", do_break, "QUEUE: return a buffer that does not exist" },
	{ "die", do_die, "[STATUS]: end at once, as if unplugged" },
	{ "fuzz", do_fuzz, "SEED[:RATE[:drop]][@CALM]|off: mutate answers" },
	{ "allow", do_allow, "RULE[,RULE]: these are no guest bugs" },
	{ "mark", do_mark, "TEXT: write a line into the trace" },
	{ "quit", do_quit, "end, with the usual exit status" },
};

/**
 * control_help - List the commands
 * @out: where to
 */
void control_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(control_table); i++)
		fprintf(out, "  %-12s %s\n", control_table[i].name,
			control_table[i].help);
}

static void split_args(struct call *k, char *copy)
{
	char *save = NULL;

	for (char *s = strtok_r(copy, " \t", &save); s && k->argc < ARGS_MAX;
	     s = strtok_r(NULL, " \t", &save))
		k->arg[k->argc++] = s;
}

/**
 * control_run - Execute one command
 * @c: the control socket
 * @line: the command, without the newline; changed
 * @out: where the answer goes
 */
void control_run(struct control *c, char *line, FILE *out)
{
	struct call k = { .c = c, .d = c->d, .out = out };
	char copy[CONTROL_LINE_MAX];
	size_t n = strcspn(line, " \t");

	k.rest = line + n + strspn(line + n, " \t");
	snprintf(copy, sizeof(copy), "%s", k.rest);
	split_args(&k, copy);
	for (size_t i = 0; i < ARRAY_SIZE(control_table); i++) {
		if (strlen(control_table[i].name) != n ||
		    strncmp(control_table[i].name, line, n))
			continue;
		control_table[i].fn(&k);
		if (k.err)
			fprintf(out, "ERR %s\n", k.err);
		else
			fputs("OK\n", out);
		return;
	}
	fputs("ERR unknown command\n", out);
}

static void client_close(struct control_client *cl)
{
	loop_del(cl->owner->loop, cl->fd);
	close(cl->fd);
	cl->fd = -1;
}

static void client_line(struct control_client *cl, char *line)
{
	char *answer = NULL;
	size_t len = 0, done = 0;
	FILE *out = open_memstream(&answer, &len);

	if (!out)
		log_die("out of memory");
	line[strcspn(line, "\r")] = 0;
	control_run(cl->owner, line, out);
	fclose(out);
	while (done < len) {
		ssize_t n = send(cl->fd, answer + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			break;
		done += MAX(n, 0);
	}
	free(answer);
}

static void client_readable(void *opaque, int fd)
{
	struct control_client *cl = opaque;
	ssize_t n = read(fd, cl->line + cl->len, sizeof(cl->line) - 1 - cl->len);
	char *nl;

	if (n <= 0) {
		client_close(cl);
		return;
	}
	cl->len += n;
	cl->line[cl->len] = 0;
	while ((nl = strchr(cl->line, '\n'))) {
		*nl = 0;
		client_line(cl, cl->line);
		cl->len -= nl + 1 - cl->line;
		memmove(cl->line, nl + 1, cl->len + 1);
	}
	if (cl->len == sizeof(cl->line) - 1)
		client_close(cl);
}

static void control_readable(void *opaque, int fd)
{
	struct control *c = opaque;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *cl = &c->client[i];

		if (cl->fd >= 0)
			continue;
		cl->owner = c;
		cl->fd = client;
		cl->len = 0;
		if (!loop_add(c->loop, client, client_readable, cl))
			return;
		cl->fd = -1;
	}
	close(client);
}

/**
 * control_init - Begin to take commands
 * @c: the control socket
 * @d: the device
 * @loop: the loop
 * @fd: listening socket, ours from now on, or -1 for none
 */
void control_init(struct control *c, struct device *d, struct loop *loop, int fd)
{
	c->d = d;
	c->loop = loop;
	c->fd = fd;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
	if (fd >= 0 && loop_add(loop, fd, control_readable, c))
		log_die("too many file descriptors");
}

/**
 * control_fini - Hang up on everybody
 * @c: the control socket
 */
void control_fini(struct control *c)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->client[i].fd >= 0)
			client_close(&c->client[i]);
	if (c->fd >= 0)
		close(c->fd);
}

/**
 * control_call - Be a client: send one command and print the answer
 * @path: the control socket
 * @argc: words of the command
 * @argv: the words
 *
 * Return: exit status: 0 after OK, 1 after ERR, 2 when nobody answers.
 */
int control_call(const char *path, int argc, char **argv)
{
	char line[CONTROL_LINE_MAX] = "";
	int fd = unix_connect(path), ret = 2;
	FILE *f;

	if (fd < 0) {
		fprintf(stderr, "vgpu-host: %s: %s\n", path, strerror(-fd));
		return 2;
	}
	f = fdopen(fd, "r+");
	if (!f)
		log_die("out of memory");
	for (int i = 0; i < argc; i++)
		fprintf(f, "%s%s", i ? " " : "", argv[i]);
	fputc('\n', f);
	fflush(f);
	while (ret == 2 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "OK", 2))
			ret = 0;
		else if (!strncmp(line, "ERR", 3))
			ret = 1;
		fputs(line, ret == 1 ? stderr : stdout);
	}
	fclose(f);
	return ret;
}
