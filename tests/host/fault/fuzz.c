// SPDX-License-Identifier: MIT
/* The hostile host mutates answers: the same seed and requests give the same mutations. */
#include "fuzz.h"

#define FUZZ_RATE 100
#define FUZZ_KICKS_MAX 4

/* Switch the fuzzer on, by "SEED[:RATE[:drop]][@CALM]", or "off". False: @text is neither. */
bool fuzz_parse(struct fuzz *f, const char *text)
{
	u64 seed, rate = FUZZ_RATE, calm = 0;
	struct words w;
	bool drop;

	if (!strcmp(text, "off")) {
		f->on = false;
		return true;
	}
	if (!words_split(&w, text, ":@") || !words_take_number(&w, UINT64_MAX, &seed) ||
	    (words_take(&w, ":") && !words_take_number(&w, 1000, &rate)))
		return false;
	drop = words_take(&w, ":");
	if ((drop && !words_take(&w, "drop")) ||
	    (words_take(&w, "@") && !words_take_number(&w, UINT64_MAX, &calm)) || w.at < w.n)
		return false;
	*f = (struct fuzz){
		.on = true, .rate = rate, .state = seed * 2 + 1, .mutated = f->mutated,
		.drop = drop, .calm = calm,
	};
	return true;
}

/* The next number of the generator (splitmix64). */
static u64 fuzz_next(struct fuzz *f)
{
	u64 z = f->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Fill memory with what follows from a seed. */
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

/* Maybe mutate the answer to an executed job. */
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

/* Maybe mutate the bytes that are read of the configuration space. Returns whether it did. */
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
