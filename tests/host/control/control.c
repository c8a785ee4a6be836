// SPDX-License-Identifier: MIT
/* The control socket: a line in, some lines out, the last of them "OK" or "ERR reason". */
#include <errno.h>
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
};

static struct output *arg_output(struct call *k, u64 *n)
{
	bool ok = words_take_number(&k->w, k->d->display.n - 1, n);

	return ok ? &k->d->display.out[*n] : NULL;
}

/* Commands return what is wrong, or NULL. */
static const char *do_ping(struct call *k)
{
	return NULL;
}

static void stat_line(struct call *k, const char *name, u64 value)
{
	fprintf(k->out, "%s %llu\n", name, value);
}

static const char *do_bugs(struct call *k)
{
	const struct bug_log *b = &k->d->bugs;

	stat_line(k, "bugs", b->count);
	stat_line(k, "allowed", b->allowed);
	stat_line(k, "warnings", b->warnings);
	stat_line(k, "excused", k->d->judge.excused);
	stat_line(k, "user-errors", b->user);
	for (unsigned int i = 0; i < b->nkept; i++)
		fprintf(k->out, "bug %s\n", b->kept[i]);
	if (words_take(&k->w, "clear")) {
		bug_clear(&k->d->bugs);
		k->d->judge.excused = 0;
	}
	return NULL;
}

static const char *do_stats(struct call *k)
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
	return NULL;
}

static const char *do_outputs(struct call *k)
{
	for (u32 i = 0; i < k->d->display.n; i++) {
		const struct output *o = &k->d->display.out[i];

		fprintf(k->out, "output %u %s %ux%u+%u+%u", i,
			o->connected ? "connected" : "disconnected", o->mode.w,
			o->mode.h, o->mode.x, o->mode.y);
		if (o->res)
			fprintf(k->out, " shows %u %ux%u frames %llu crc %08x",
				o->res->id, o->view.w, o->view.h, o->frames, o->crc);
		if (o->cursor_shown)
			fprintf(k->out, " cursor %d,%d crc %08x", (int)o->cursor_x,
				(int)o->cursor_y, o->cursor_crc);
		fputc('\n', k->out);
	}
	return NULL;
}

/* What the fault script does at a request, at once. */
static const char *do_action(struct call *k)
{
	struct fault_action a;

	k->w.at = 0;
	if (!fault_action_parse(&k->w, &a) || k->w.at < k->w.n)
		return "an argument is missing or wrong";
	return device_fault_event(k->d, &a) ? NULL : "there is no such thing";
}

static const char *do_crc(struct call *k)
{
	u64 n;
	struct output *o = arg_output(k, &n);

	if (!o)
		return "no such output";
	if (!o->res)
		return "the output is off";
	fprintf(k->out, "%08x\n", o->crc);
	return NULL;
}

static const char *do_png(struct call *k)
{
	const char *path;
	int ret;
	u64 n;

	if (!arg_output(k, &n))
		return "no such output";
	path = words_next(&k->w);
	if (!*path)
		return "a file name is missing";
	ret = display_png(&k->d->display, n, path, words_take(&k->w, "cursor"));
	return ret ? strerror(-ret) : NULL;
}

static const char *do_fault(struct call *k)
{
	static char err[160];

	return fault_parse(&k->d->fault, k->rest, err, sizeof(err)) ? err : NULL;
}

static const char *do_faults(struct call *k)
{
	const struct fault_script *s = &k->d->fault;

	for (unsigned int i = 0; i < s->n; i++)
		fprintf(k->out, "rule %u seen %llu fired %llu\n", i + 1, s->rule[i]->seen,
			s->rule[i]->fired);
	if (words_take(&k->w, "clear"))
		fault_clear(&k->d->fault);
	return NULL;
}

/* What is left in the ring, and what is kept, goes on when it is off. */
static const char *do_switch(struct call *k)
{
	bool *what = strcmp(k->w.word[0], "hold") ? &k->d->stalled : &k->d->fence.held;
	bool on = words_take(&k->w, "on");

	if (!on && !words_take(&k->w, "off"))
		return "on or off?";
	*what = on;
	if (!on)
		device_run(k->d);
	return NULL;
}

static const char *do_release(struct call *k)
{
	u64 token;

	if (!words_take_number(&k->w, UINT32_MAX, &token) || !token)
		return "which token? It is not 0";
	device_release(k->d, token);
	return NULL;
}

static const char *do_break(struct call *k)
{
	u64 n;

	if (!words_take_number(&k->w, WIRE_QUEUES - 1, &n))
		return "no such queue";
	device_break_queue(k->d, n);
	return NULL;
}

static const char *do_fuzz(struct call *k)
{
	return fuzz_parse(&k->d->fuzz, words_next(&k->w)) ? NULL :
	       "SEED[:RATE[:drop]][@CALM] or off?";
}

static const char *do_allow(struct call *k)
{
	return *words_peek(&k->w) && bug_allow(&k->d->bugs, words_next(&k->w)) ? NULL :
	       "which rules?";
}

static const char *do_mark(struct call *k)
{
	trace_begin(&k->d->trace, "mark");
	trace_str(&k->d->trace, "text", k->rest);
	trace_end(&k->d->trace);
	return NULL;
}

static const char *do_quit(struct call *k)
{
	k->c->loop->quit = true;
	return NULL;
}

static const char *do_help(struct call *k)
{
	control_help(k->out);
	return NULL;
}

static const struct {
	const char *name;
	const char *(*fn)(struct call *k);
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
	{ "stall", do_switch, "on|off: leave requests in the ring, so that it fills" },
	{ "hold", do_switch, "on|off: execute, but keep the answers" },
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

void control_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(control_table); i++)
		fprintf(out, "  %-12s %s\n", control_table[i].name, control_table[i].help);
}

/* Execute one command, a line without its newline, and write the answer. */
void control_run(struct control *c, const char *line, FILE *out)
{
	struct call k = { .c = c, .d = c->d, .out = out };
	size_t n = strcspn(line, " \t");
	const char *err = "unknown command";
	int row;

	k.rest = line + n + strspn(line + n, " \t");
	row = words_split(&k.w, line, "") ? NAME_ROW(control_table, words_next(&k.w)) : -1;
	if (row >= 0)
		err = control_table[row].fn(&k);
	if (err)
		fprintf(out, "ERR %s\n", err);
	else
		fputs("OK\n", out);
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
		loop_close(cl->owner->loop, &cl->fd);
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
		loop_close(cl->owner->loop, &cl->fd);
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
		loop_add(c->loop, client, client_readable, cl);
		return;
	}
	close(client);
}

/* @fd is a listening socket, ours from now on, or -1 for none. */
void control_init(struct control *c, struct device *d, struct loop *loop, int fd)
{
	c->d = d;
	c->loop = loop;
	c->fd = fd;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
	if (fd >= 0)
		loop_add(loop, fd, control_readable, c);
}

void control_fini(struct control *c)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		loop_close(c->loop, &c->client[i].fd);
	if (c->fd >= 0)
		close(c->fd);
}

/* Send one command and print the answer. Returns 0 after OK, 1 after ERR, 2 without an answer. */
int control_call(const char *path, char **words)
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
	for (char **w = words; *w; w++)
		fprintf(f, "%s%s", w == words ? "" : " ", *w);
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
