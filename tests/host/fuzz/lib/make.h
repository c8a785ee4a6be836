/* SPDX-License-Identifier: MIT */
/* Makes valid steps: what a driver that breaks no rule could do next. */
#pragma once

#include "program.h"

/* Guest memory of the fuzz targets: rings and requests, then backings. */
#define FUZZ_BACKING_AT (1u << 20)

#define MODEL_RES 24
#define MODEL_CTX 6

/** struct model_res - a resource the program has made */
struct model_res {
	u32 id, kind, mem, flags, bpp, w, h, d, levels;
	u64 size;
	bool backed, mapped;
	u32 scanouts;
};

/**
 * struct model - what the host has after some steps, when no request failed
 * @rnd: state of the generator
 * @res: resources
 * @nres: how many
 * @ctx: ids of contexts
 * @nctx: how many
 * @link: pairs of context and resource ids that are attached
 * @nlink: how many
 * @object: pairs of context id and blob id that toy3d has made
 * @nobject: how many
 * @fence: highest fence id so far
 * @map: end of the last mapping in the window
 */
struct model {
	u64 rnd;
	struct model_res res[MODEL_RES];
	u32 nres;
	u32 ctx[MODEL_CTX], nctx;
	struct {
		u32 ctx, id;
	} link[MODEL_RES], object[MODEL_CTX];
	u32 nlink, nobject;
	u64 fence, map;
};

u32 pick(u64 *rnd, u32 n);
void model_init(struct model *m, u64 seed);
void model_apply(struct model *m, const struct step *s);
void make_step(struct model *m, struct step *s);
