// SPDX-License-Identifier: MIT
/*
 * The hostile host: mutates answers from a seed. The same seed and the same
 * requests give the same mutations.
 */
#include <stdlib.h>

#include "fuzz.h"

#define FUZZ_RATE 100
#define FUZZ_KICKS_MAX 4

/**
 * fuzz_parse - Switch the fuzzer on
 * @f: the fuzzer
 * @text: "SEED[:RATE[:drop]][@CALM]", or "off"
 *
 * Return: false when @text is none of these.
 */
bool fuzz_parse(struct fuzz *f, const char *text)
{
	char *end;
	u64 seed = strtoull(text, &end, 0);
	unsigned long rate = FUZZ_RATE;

	if (!strcmp(text, "off")) {
		f->on = false;
		return true;
	}
	if (end == text)
		return false;
	if (*end == ':')
		rate = strtoul(end + 1, &end, 0);
	f->drop = !strncmp(end, ":drop", strlen(":drop"));
	if (f->drop)
		end += strlen(":drop");
	f->calm = 0;
	if (*end == '@')
		f->calm = strtoul(end + 1, &end, 0);
	if (rate > 1000 || *end)
		return false;
	f->on = true;
	f->rate = rate;
	f->state = seed * 2 + 1;
	return true;
}

/**
 * fuzz_next - Next number of the generator (splitmix64)
 * @f: the fuzzer
 *
 * Return: 64 random bits.
 */
u64 fuzz_next(struct fuzz *f)
{
	u64 z = f->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/**
 * fuzz_fill - Fill memory with what follows from a seed
 * @seed: the seed
 * @p: memory
 * @len: bytes
 */
void fuzz_fill(u64 seed, void *p, size_t len)
{
	struct fuzz f = { .state = seed * 2 + 1 };
	u8 *b = p;

	for (size_t i = 0; i < len; i++)
		b[i] = fuzz_next(&f);
}

static u64 fuzz_value(struct fuzz *f)
{
	static const u64 nasty[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x7fff, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
		0x7fffffffffffffffull, 0x8000000000000000ull, UINT64_MAX,
	};
	u64 r = fuzz_next(f);

	return r & 1 ? nasty[(r >> 1) % ARRAY_SIZE(nasty)] : fuzz_next(f);
}

static void fuzz_edit(struct fuzz *f, struct job *job)
{
	struct job_fault *jf = &job->fault;
	u64 r = fuzz_next(f);
	unsigned int n = 1 + r % 4;

	while (n-- && jf->nedit < JOB_EDITS && job->resp_len >= 8) {
		struct job_edit *e = &jf->edit[jf->nedit++];

		e->size = 1u << fuzz_next(f) % 4;
		e->off = fuzz_next(f) % (job->resp_len - e->size + 1);
		e->value = fuzz_value(f);
	}
}

static void fuzz_one(struct fuzz *f, struct job *job)
{
	struct job_fault *jf = &job->fault;
	u64 r = fuzz_next(f);

	switch (r % 12) {
	case 0:
	case 1:
	case 2:
		fuzz_edit(f, job);
		break;
	case 3:
		fault_set(jf, FAULT_TYPE, (r & 0x10000 ? 0x1100 : 0x1200) +
			  (r >> 20) % (r & 0x10000 ? 8 : 6));
		break;
	case 4:
		fault_set(jf, FAULT_FENCE_SET, fuzz_value(f));
		break;
	case 5:
		fault_set(jf, FAULT_SHORT, (r >> 20) % (job->resp_len + 1));
		break;
	case 6:
		fault_set(jf, FAULT_LONG, (u32)fuzz_value(f));
		break;
	case 7:
		fault_set(jf, FAULT_GARBAGE, r >> 32);
		break;
	case 8:
		job->wait_kicks = 1 + (r >> 20) % FUZZ_KICKS_MAX;
		break;
	case 9:
		job->wait_answers = 1;
		job->wait_kicks = FUZZ_KICKS_MAX;
		job->unordered = true;
		break;
	case 10:
		fault_set(jf, FAULT_FLAGS, (u32)fuzz_value(f));
		fault_set(jf, FAULT_RING, r >> 56);
		fault_set(jf, FAULT_CTX, (u32)fuzz_value(f));
		break;
	case 11:
		if (f->drop)
			fault_set(jf, FAULT_NEVER, 0);
		else
			fault_set(jf, FAULT_ERROR_AFTER,
				  VIRTIO_GPU_RESP_ERR_UNSPEC + (r >> 20) % 6);
		break;
	}
}

/**
 * fuzz_job - Maybe mutate an answer
 * @f: the fuzzer
 * @job: executed, not answered yet
 */
void fuzz_job(struct fuzz *f, struct job *job)
{
	unsigned int n;

	if (!f->on)
		return;
	if (f->calm) {
		f->calm--;
		return;
	}
	if (fuzz_next(f) % 1000 >= f->rate)
		return;
	n = 1 + fuzz_next(f) % 2;
	while (n--)
		fuzz_one(f, job);
	f->mutated++;
}

/**
 * fuzz_config - Maybe mutate what is read of the configuration space
 * @f: the fuzzer
 * @config: the bytes read
 * @len: how many
 *
 * Return: true when it did.
 */
bool fuzz_config(struct fuzz *f, void *config, size_t len)
{
	u8 *p = config;
	u64 v;

	if (!f->on || f->calm || !len || fuzz_next(f) % 1000 >= f->rate)
		return false;
	v = fuzz_value(f);
	for (size_t at = fuzz_next(f) % len & ~3ull, i = at; i < MIN(at + 4, len); i++)
		p[i] = v >> 8 * (i - at);
	return true;
}
