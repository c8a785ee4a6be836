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

struct call {
	struct control *c;
	struct device *d;
	FILE *out;
	struct words w;
	const char *rest;	/* the line behind the command's name */
	const char *err;
};

static bool arg_u32(struct call *k, u32 *v)
{
	if (words_number32(words_next(&k->w), v))
		return true;
	k->err = "a number is missing";
	return false;
}

static bool arg_switch(struct call *k, bool *v)
{
	bool on = words_take(&k->w, "on");

	if (on || words_take(&k->w, "off"))
		*v = on;
	else
		k->err = "on or off?";
	return !k->err;
}

static struct output *arg_output(struct call *k, u32 *n)
{
	if (!arg_u32(k, n))
		return NULL;
	if (*n < k->d->display.n)
		return &k->d->display.out[*n];
	k->err = "no such output";
	return NULL;
}

static void do_ping(struct call *k)
{
	(void)k;
}

static void stat_line(struct call *k, const char *name, u64 value)
{
	fprintf(k->out, "%s %llu\n", name, (unsigned long long)value);
}

static void do_bugs(struct call *k)
{
	const struct bug_log *b = &k->d->bugs;

	stat_line(k, "bugs", b->count);
	stat_line(k, "allowed", b->allowed);
	stat_line(k, "warnings", b->warnings);
	stat_line(k, "excused", k->d->judge.excused);
	stat_line(k, "user-errors", b->user);
	for (unsigned int i = 0; i < b->nkept; i++)
		fprintf(k->out, "bug %s\n", b->kept[i]);
	if (!words_take(&k->w, "clear"))
		return;
	bug_clear(&k->d->bugs);
	k->d->judge.excused = 0;
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
	stat_line(k, "memory", d->budget.used);
	stat_line(k, "files", d->budget.files);
	stat_line(k, "longest-block", k->c->loop->longest / 1000);
	stat_line(k, "longest-work", k->c->loop->longest_cpu / 1000);
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

/* What the fault script does at a request, at once. */
static void do_action(struct call *k)
{
	struct fault_action a;

	k->w.at = 0;
	if (!fault_action_parse(&k->w, &a) || k->w.at < k->w.n)
		k->err = "an argument is missing or wrong";
	else if (!device_fault_event(k->d, &a))
		k->err = "there is no such thing";
}

static void do_crc(struct call *k)
{
	u32 n;
	struct output *o = arg_output(k, &n);

	if (!o)
		return;
	if (!o->res)
		k->err = "the output is off";
	else
		fprintf(k->out, "%08x\n", o->crc);
}

static void do_png(struct call *k)
{
	const char *path;
	int ret;
	u32 n;

	if (!arg_output(k, &n))
		return;
	path = words_next(&k->w);
	if (!*path) {
		k->err = "a file name is missing";
		return;
	}
	ret = display_png(&k->d->display, n, path, words_take(&k->w, "cursor"));
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
	if (words_take(&k->w, "clear"))
		fault_clear(&k->d->fault);
}

static void do_stall(struct call *k)
{
	if (!arg_switch(k, &k->d->stalled))
		return;
	if (!k->d->stalled)
		device_run(k->d);
}

static void do_hold(struct call *k)
{
	if (!arg_switch(k, &k->d->fence.held))
		return;
	device_answer_ready(k->d);
}

static void do_release(struct call *k)
{
	u32 token;

	if (!arg_u32(k, &token))
		return;
	if (token)
		device_release(k->d, token);
	else
		k->err = "token 0";
}

static void do_break(struct call *k)
{
	u32 n;

	if (!arg_u32(k, &n))
		return;
	if (n < WIRE_QUEUES)
		device_break_queue(k->d, n);
	else
		k->err = "no such queue";
}

static void do_fuzz(struct call *k)
{
	if (!fuzz_parse(&k->d->fuzz, words_next(&k->w)))
		k->err = "SEED[:RATE[:drop]][@CALM] or off?";
}

static void do_allow(struct call *k)
{
	if (!*words_peek(&k->w) || !bug_allow(&k->d->bugs, words_next(&k->w)))
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
	{ "output", do_action, "N WxH[+X+Y]|on|off: change a monitor, tell the driver" },
	{ "crc", do_crc, "N: CRC of what output N shows" },
	{ "png", do_png, "N FILE [cursor]: write what output N shows" },
	{ "fault", do_fault, "RULE: add a rule of the fault script" },
	{ "faults", do_faults, "[clear]: rules and how often they acted" },
	{ "stall", do_stall, "on|off: leave requests in the ring, so that it fills" },
	{ "hold", do_hold, "on|off: execute, but keep the answers" },
	{ "release", do_release, "TOKEN: let go what waits for a token" },
	{ "config", do_action, "MEMBER VALUE: lie in the configuration space" },
	{ "needs-reset", do_action, "set DEVICE_NEEDS_RESET, as far as the front end lets us" },
	{ "break", do_break, "QUEUE: return a buffer that does not exist" },
	{ "die", do_action, "[STATUS]: end at once, as if unplugged" },
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

/**
 * control_run - Execute one command
 * @c: the control socket
 * @line: the command, without the newline
 * @out: where the answer goes
 */
void control_run(struct control *c, const char *line, FILE *out)
{
	struct call k = { .c = c, .d = c->d, .out = out, .err = "unknown command" };
	size_t n = strcspn(line, " \t");
	const char *verb;

	k.rest = line + n + strspn(line + n, " \t");
	if (words_split(&k.w, line, ""))
		verb = words_next(&k.w);
	else
		verb = "";
	for (size_t i = 0; i < ARRAY_SIZE(control_table); i++) {
		if (strcmp(control_table[i].name, verb))
			continue;
		k.err = NULL;
		control_table[i].fn(&k);
		break;
	}
	if (k.err)
		fprintf(out, "ERR %s\n", k.err);
	else
		fputs("OK\n", out);
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
	int client = unix_accept(fd);

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
