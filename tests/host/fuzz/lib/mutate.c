// SPDX-License-Identifier: MIT
/*
 * Changes programs step by step: valid steps are put in, steps are dropped,
 * doubled, moved, and members of requests are set to values at the edge.
 */
#include "mutate.h"
#include "make.h"

/* Of libFuzzer: changes bytes as it finds good. */
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);

static void insert_valid(struct program *p, struct model *m)
{
	u32 at = pick(&m->rnd, 2) ? p->n : pick(&m->rnd, p->n + 1);
	u32 n = 1 + pick(&m->rnd, 8);
	u64 rnd = m->rnd;

	model_init(m, 1);
	m->rnd = rnd;
	for (u32 i = 0; i < at; i++)
		model_apply(m, &p->step[i]);
	for (; n && at < PROGRAM_STEPS; n--, at++) {
		struct step s;

		make_step(m, &s);
		*program_insert(p, at) = s;
		model_apply(m, &s);
	}
}

static u64 edge_value(u64 *rnd, u64 old)
{
	static const u64 edges[] = {
		0, 1, 2, 3, 4, 63, 64, 65, 255, 4095, 4096, 4097, 16384, 16385, 65536,
		INT32_MAX, 0x80000000, UINT32_MAX, 1ull << 32, 1ull << 40, INT64_MAX,
		UINT64_MAX,
	};

	switch (pick(rnd, 4)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return old ^ 1ull << pick(rnd, 33);
	}
	return edges[pick(rnd, ARRAY_SIZE(edges))];
}

static void change_member(struct step *s, u64 *rnd)
{
	const struct command *cmd = step_cmd(s);
	const struct command_field *f;
	u32 n = 0;

	if (!cmd || !cmd->f[0].size)
		return;
	while (cmd->f[n].size)
		n++;
	f = &cmd->f[pick(rnd, n)];
	if (f->size == 8)
		put_le64(s->req + f->off, edge_value(rnd, get_le64(s->req + f->off)));
	else
		put_le32(s->req + f->off, edge_value(rnd, get_le32(s->req + f->off)));
}

/* Another request's header, or part of it. */
static void change_header(struct step *s, u64 *rnd)
{
	u32 n = 0;

	if (s->len < WIRE_HDR_SIZE)
		return;
	while (command_nth(n))
		n++;
	switch (pick(rnd, 5)) {
	case 0:
		put_le32(s->req, command_nth(pick(rnd, n))->type);
		break;
	case 1:
		put_le32(s->req + 4, edge_value(rnd, get_le32(s->req + 4)) & 7);
		break;
	case 2:
		put_le64(s->req + 8, edge_value(rnd, get_le64(s->req + 8)));
		break;
	case 3:
		put_le32(s->req + 16, pick(rnd, 4));
		break;
	default:
		s->req[20 + pick(rnd, 4)] = pick(rnd, 256);
		break;
	}
}

static void change_shape(struct step *s, u64 *rnd)
{
	switch (pick(rnd, 5)) {
	case 0:
		s->len = pick(rnd, s->len + 1);
		break;
	case 1:
		s->len = MIN(s->len + 1 + pick(rnd, 32), (u32)STEP_BYTES);
		break;
	case 2:
		s->room = pick(rnd, 64);
		break;
	case 3:
		s->piece = 1 + pick(rnd, s->len + 1);
		break;
	default:
		s->kind = s->kind == STEP_CTRL ? STEP_CURSOR : STEP_CTRL;
		break;
	}
}

/* Words behind the fixed part: memory entries, a command stream. */
static void change_tail(struct step *s, u64 *rnd)
{
	const struct command *cmd = step_cmd(s);
	u32 words;

	if (!cmd || s->len < cmd->size + 4u)
		return;
	words = (s->len - cmd->size) / 4;
	if (pick(rnd, 2)) {
		u8 *p = s->req + cmd->size + 4 * pick(rnd, words);

		put_le32(p, edge_value(rnd, get_le32(p)));
	} else {
		s->len = cmd->size + LLVMFuzzerMutate(s->req + cmd->size, s->len - cmd->size,
						      STEP_BYTES - cmd->size);
	}
}

static void change_step(struct step *s, u64 *rnd)
{
	if (s->kind > STEP_CURSOR) {
		s->arg = pick(rnd, 2) ? pick(rnd, 8) : edge_value(rnd, s->arg);
		return;
	}
	switch (pick(rnd, 8)) {
	case 0:
		change_header(s, rnd);
		break;
	case 1:
		change_shape(s, rnd);
		break;
	case 2:
	case 3:
		change_tail(s, rnd);
		break;
	default:
		change_member(s, rnd);
		break;
	}
}

/**
 * mutate_program - Change a program
 * @p: the program
 * @seed: of the generator
 */
void mutate_program(struct program *p, u64 seed)
{
	struct model m;
	struct step s;
	u32 a, b;

	model_init(&m, seed);
	for (u32 n = 1 + pick(&m.rnd, 3); n; n--) {
		a = p->n ? pick(&m.rnd, p->n) : 0;
		b = p->n ? pick(&m.rnd, p->n) : 0;
		switch (p->n ? pick(&m.rnd, 10) : 0) {
		case 0:
		case 1:
		case 2:
			insert_valid(p, &m);
			break;
		case 3:
			program_remove(p, a);
			break;
		case 4:
			s = p->step[a];
			*program_insert(p, b) = s;
			break;
		case 5:
			s = p->step[a];
			p->step[a] = p->step[b];
			p->step[b] = s;
			break;
		default:
			change_step(&p->step[a], &m.rnd);
			break;
		}
	}
}

/**
 * mutate_cross - The beginning of one program and the end of another
 * @out: filled in
 * @a: the beginning
 * @b: the end
 * @seed: of the generator
 */
void mutate_cross(struct program *out, const struct program *a, const struct program *b,
		  u64 seed)
{
	u64 rnd = seed * 0x9e3779b97f4a7c15ull + 1;
	u32 n = pick(&rnd, a->n + 1), from = pick(&rnd, b->n + 1);

	out->n = 0;
	for (u32 i = 0; i < n; i++)
		out->step[out->n++] = a->step[i];
	for (u32 i = from; i < b->n && out->n < PROGRAM_STEPS; i++)
		out->step[out->n++] = b->step[i];
}
