// SPDX-License-Identifier: MIT
/* Programs as text, and there and back. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "program.h"

static const char *const step_names[STEP_KINDS] = {
	"ctrl", "cursor", "features", "shm", "shm-done", "window", "memory", "kick",
	"release", "hold", "output", "png", "reset",
};

static int hex_digit(char c)
{
	return isdigit((u8)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void step_parse_hex(struct step *s, const char *p)
{
	while (s->len < STEP_BYTES && hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0) {
		s->req[s->len++] = hex_digit(p[0]) << 4 | hex_digit(p[1]);
		p += 2;
	}
}

static bool step_parse(struct step *s, const char *line)
{
	size_t n = strcspn(line, " ");
	char *end;

	memset(s, 0, offsetof(struct step, req));
	while (s->kind < STEP_KINDS && (strlen(step_names[s->kind]) != n ||
					strncmp(step_names[s->kind], line, n)))
		s->kind++;
	if (s->kind == STEP_KINDS || !line[n])
		return false;
	s->arg = strtoul(line + n, &end, 0);
	if (s->kind > STEP_CURSOR)
		return true;
	s->room = MIN(s->arg, (u32)STEP_BYTES);
	if (*end == '/')
		s->piece = strtoul(end + 1, &end, 0);
	step_parse_hex(s, end + strspn(end, " "));
	return true;
}

/**
 * program_parse - Read a program
 * @p: filled in; lines that are no steps are left out
 * @text: the text, not terminated
 * @len: its bytes
 */
void program_parse(struct program *p, const char *text, size_t len)
{
	char line[2 * STEP_BYTES + 64];

	p->n = 0;
	while (len && p->n < PROGRAM_STEPS) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;

		if (n < sizeof(line)) {
			memcpy(line, text, n);
			line[n] = 0;
			if (step_parse(&p->step[p->n], line))
				p->n++;
		}
		n += nl ? 1 : 0;
		text += n;
		len -= n;
	}
}

/**
 * program_print - Write a program
 * @p: the program
 * @out: where to, not terminated
 * @max: bytes there; steps beyond are left out
 *
 * Return: bytes written.
 */
size_t program_print(const struct program *p, char *out, size_t max)
{
	char line[2 * STEP_BYTES + 64];
	size_t used = 0;

	for (u32 i = 0; i < p->n; i++) {
		const struct step *s = &p->step[i];
		size_t n;

		if (s->kind > STEP_CURSOR)
			n = sprintf(line, "%s %u", step_names[s->kind], s->arg);
		else if (s->piece)
			n = sprintf(line, "%s %u/%u ", step_names[s->kind], s->room,
				    s->piece);
		else
			n = sprintf(line, "%s %u ", step_names[s->kind], s->room);
		for (u32 k = 0; s->kind <= STEP_CURSOR && k < s->len; k++) {
			line[n++] = "0123456789abcdef"[s->req[k] >> 4];
			line[n++] = "0123456789abcdef"[s->req[k] & 15];
		}
		line[n++] = '\n';
		if (n > max - used)
			break;
		memcpy(out + used, line, n);
		used += n;
	}
	return used;
}

/**
 * program_insert - Make room for a step
 * @p: the program; its last step is lost when it is full
 * @at: number of the new step
 *
 * Return: the step, empty.
 */
struct step *program_insert(struct program *p, u32 at)
{
	at = MIN(MIN(at, p->n), PROGRAM_STEPS - 1u);
	p->n = MIN(p->n + 1, (u32)PROGRAM_STEPS);
	memmove(&p->step[at + 1], &p->step[at], (p->n - at - 1) * sizeof(p->step[0]));
	memset(&p->step[at], 0, sizeof(p->step[at]));
	return &p->step[at];
}

/**
 * program_remove - Take a step out
 * @p: the program
 * @at: number of the step
 */
void program_remove(struct program *p, u32 at)
{
	p->n--;
	memmove(&p->step[at], &p->step[at + 1], (p->n - at) * sizeof(p->step[0]));
}

/**
 * step_type - Type of a request
 * @s: the step
 *
 * Return: VIRTIO_GPU_CMD_*, or 0 when there is none.
 */
u32 step_type(const struct step *s)
{
	return s->kind <= STEP_CURSOR && s->len >= 4 ? get_le32(s->req) : 0;
}

/**
 * step_cmd - What the specification says of a request
 * @s: the step
 *
 * Return: the row of its type, or NULL for events and short or unknown requests.
 */
const struct command *step_cmd(const struct step *s)
{
	const struct command *cmd = command_find(step_type(s));

	return cmd && s->len >= cmd->size ? cmd : NULL;
}
