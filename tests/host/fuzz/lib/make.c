// SPDX-License-Identifier: MIT
/*
 * The generator of valid steps. It keeps a model of what the host has, reads the
 * steps so far into it, and then makes one that the model allows.
 */
#include "make.h"
#include "guest.h"
#include "toy3d.h"

#define REQ(st) struct virtio_gpu_##st *req = (void *)s->req

/**
 * pick - A random number
 * @rnd: state of the generator
 * @n: how many there are to pick from, not 0
 *
 * Return: 0 to @n - 1.
 */
u32 pick(u64 *rnd, u32 n)
{
	*rnd ^= *rnd << 13;
	*rnd ^= *rnd >> 7;
	*rnd ^= *rnd << 17;
	return (*rnd >> 32) % n;
}

/**
 * model_init - Begin with a host that has nothing
 * @m: the model
 * @seed: of the generator
 */
void model_init(struct model *m, u64 seed)
{
	memset(m, 0, sizeof(*m));
	m->rnd = seed * 0x9e3779b97f4a7c15ull + 1;
}

static struct model_res *model_find(struct model *m, u32 id)
{
	for (u32 i = 0; i < m->nres; i++)
		if (m->res[i].id == id)
			return &m->res[i];
	return NULL;
}

static struct model_res *model_add(struct model *m, u32 id, enum resource_kind kind)
{
	struct model_res *r;

	if (m->nres == MODEL_RES || model_find(m, id))
		return NULL;
	r = &m->res[m->nres++];
	memset(r, 0, sizeof(*r));
	r->id = id;
	r->kind = kind;
	return r;
}

static void model_unlink(struct model *m, u32 ctx, u32 id)
{
	for (u32 i = 0; i < m->nlink; i++)
		if ((!ctx || m->link[i].ctx == ctx) && (!id || m->link[i].id == id))
			m->link[i--] = m->link[--m->nlink];
}

static void model_create_3d(struct model *m, const struct step *s)
{
	const struct virtio_gpu_resource_create_3d *req = (void *)s->req;
	struct model_res *r = model_add(m, LE(req->resource_id), RESOURCE_3D);

	if (!r)
		return;
	r->w = LE(req->width);
	r->h = LE(req->height);
	r->d = LE(req->depth) * LE(req->array_size);
	r->levels = MIN(LE(req->last_level) + 1, 15u);
	r->bpp = LE(req->target) ? 4 : 1;
	r->size = 2ull * r->bpp * r->w * r->h * r->d;
}

static void model_create(struct model *m, const struct step *s, u32 type)
{
	struct model_res *r;

	if (type == VIRTIO_GPU_CMD_RESOURCE_CREATE_2D) {
		const struct virtio_gpu_resource_create_2d *req = (void *)s->req;

		r = model_add(m, LE(req->resource_id), RESOURCE_2D);
		if (!r)
			return;
		r->w = LE(req->width);
		r->h = LE(req->height);
		r->d = 1;
		r->levels = 1;
		r->bpp = 4;
		r->size = 4ull * r->w * r->h;
	} else {
		const struct virtio_gpu_resource_create_blob *req = (void *)s->req;

		r = model_add(m, LE(req->resource_id), RESOURCE_BLOB);
		if (!r)
			return;
		r->mem = LE(req->blob_mem);
		r->flags = LE(req->blob_flags);
		r->size = LE(req->size);
		r->backed = LE(req->nr_entries);
	}
}

/* Requests about a resource that exists. */
static void model_change(struct model *m, u32 type, struct model_res *r, const struct step *s)
{
	const struct virtio_gpu_set_scanout *scanout = (void *)s->req;

	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		model_unlink(m, 0, r->id);
		*r = m->res[--m->nres];
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		r->backed = true;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		r->backed = false;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB:
		r->mapped = true;
		m->map += PAGES(r->size);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB:
		r->mapped = false;
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT:
	case VIRTIO_GPU_CMD_SET_SCANOUT_BLOB:
		r->scanouts |= 1u << (LE(scanout->scanout_id) & 15);
		break;
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
		if (m->nlink < MODEL_RES) {
			m->link[m->nlink].ctx = LE(scanout->hdr.ctx_id);
			m->link[m->nlink++].id = r->id;
		}
		break;
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		model_unlink(m, LE(scanout->hdr.ctx_id), r->id);
		break;
	}
}

static void model_context(struct model *m, u32 type, u32 id)
{
	if (type == VIRTIO_GPU_CMD_CTX_CREATE && m->nctx < MODEL_CTX)
		m->ctx[m->nctx++] = id;
	if (type != VIRTIO_GPU_CMD_CTX_DESTROY)
		return;
	model_unlink(m, id, 0);
	for (u32 i = 0; i < m->nctx; i++)
		if (m->ctx[i] == id)
			m->ctx[i--] = m->ctx[--m->nctx];
	for (u32 i = 0; i < m->nobject; i++)
		if (m->object[i].ctx == id)
			m->object[i--] = m->object[--m->nobject];
}

static void model_submit(struct model *m, const struct step *s)
{
	/* The generator puts ALLOC first, if there is one. */
	if (s->len < 52 || get_le32(s->req + 32) != TOY3D_HDR(TOY3D_OP_ALLOC, 4) ||
	    m->nobject == MODEL_CTX)
		return;
	m->object[m->nobject].ctx = get_le32(s->req + 16);
	m->object[m->nobject++].id = get_le32(s->req + 36);
}

/**
 * model_apply - Take a step into account
 * @m: the model
 * @s: the step
 */
void model_apply(struct model *m, const struct step *s)
{
	const struct command *cmd = step_cmd(s);
	struct job job = { .cmd = cmd, .req = (void *)s->req, .req_len = s->len };
	struct model_res *r;
	struct wire_hdr h;
	u64 seed = m->rnd;

	if (s->kind == STEP_RESET) {
		model_init(m, 1);
		m->rnd = seed;
	}
	if (!cmd)
		return;
	wire_hdr_get(&h, s->req);
	m->fence = MAX(m->fence, h.fence_id);
	r = model_find(m, command_member(&job, "res"));
	if (h.type == VIRTIO_GPU_CMD_RESOURCE_CREATE_3D)
		model_create_3d(m, s);
	else if (h.type == VIRTIO_GPU_CMD_RESOURCE_CREATE_2D ||
		 h.type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB)
		model_create(m, s, h.type);
	else if (h.type == VIRTIO_GPU_CMD_SUBMIT_3D)
		model_submit(m, s);
	else if (r)
		model_change(m, h.type, r, s);
	else
		model_context(m, h.type, h.ctx_id);
}

/* A request of @type, with a fence now and then; the rest of it is zero. */
static void begin(struct model *m, struct step *s, u32 type, u32 ctx)
{
	const struct command *cmd = command_find(type);
	struct wire_hdr h = { .type = type, .ctx_id = ctx };

	memset(s, 0, sizeof(*s));
	s->kind = (enum step_kind)cmd->queue;
	s->len = cmd->size;
	s->room = MAX(cmd->resp_size, (u16)WIRE_HDR_SIZE);
	if (type == VIRTIO_GPU_CMD_GET_CAPSET)
		s->room = 1024;
	if (!pick(&m->rnd, 3)) {
		h.flags = VIRTIO_GPU_FLAG_FENCE;
		h.fence_id = m->fence + 1;
		if (ctx && !pick(&m->rnd, 2)) {
			h.flags |= VIRTIO_GPU_FLAG_INFO_RING_IDX;
			h.ring_idx = pick(&m->rnd, 3);
		}
	}
	wire_hdr_put(s->req, &h);
}

static void put_word(struct step *s, u32 v)
{
	if (s->len + 4 > STEP_BYTES)
		return;
	put_le32(s->req + s->len, v);
	s->len += 4;
}

/* Memory entries for @size bytes behind the request: one, or a few. */
static u32 put_entries(struct model *m, struct step *s, u64 size)
{
	u32 n = 1 + pick(&m->rnd, 4);
	u64 each = MIN((size + n - 1) / n, 256ull << 10);

	for (u32 i = 0; i < n; i++) {
		u64 gpa = GUEST_BASE + FUZZ_BACKING_AT + pick(&m->rnd, 512) * PAGE;

		put_word(s, gpa);
		put_word(s, gpa >> 32);
		put_word(s, each ? each : 1);
		put_word(s, 0);
	}
	return n;
}

static u32 new_id(struct model *m)
{
	for (u32 id = 1; ; id++)
		if (!model_find(m, id))
			return id;
}

static u32 any_ctx(struct model *m)
{
	return m->ctx[pick(&m->rnd, m->nctx)];
}

static struct rect any_rect(struct model *m, u32 w, u32 h)
{
	struct rect r = { 0, 0, w, h };

	if (pick(&m->rnd, 2) && w && h) {
		r.x = pick(&m->rnd, w);
		r.y = pick(&m->rnd, h);
		r.w = 1 + pick(&m->rnd, w - r.x);
		r.h = 1 + pick(&m->rnd, h - r.y);
	}
	return r;
}

static struct virtio_gpu_rect wire_rect(struct rect r)
{
	return (struct virtio_gpu_rect){ htole32(r.x), htole32(r.y), htole32(r.w),
					 htole32(r.h) };
}

static u32 any_format(struct model *m)
{
	static const u8 formats[] = { 1, 2, 3, 4, 67, 68, 121, 134 };

	return formats[pick(&m->rnd, sizeof(formats))];
}

/* A side of a picture; cursors are 64 pixels wide. */
static u32 any_side(struct model *m)
{
	static const u8 sides[] = { 1, 7, 16, 64, 64, 64, 100 };

	return sides[pick(&m->rnd, sizeof(sides))];
}

static void make_info(struct model *m, struct step *s)
{
	static const u32 types[] = {
		VIRTIO_GPU_CMD_GET_DISPLAY_INFO, VIRTIO_GPU_CMD_GET_EDID,
		VIRTIO_GPU_CMD_GET_CAPSET_INFO, VIRTIO_GPU_CMD_GET_CAPSET,
	};
	u32 type = types[pick(&m->rnd, ARRAY_SIZE(types))];

	begin(m, s, type, 0);
	if (type == VIRTIO_GPU_CMD_GET_EDID)
		put_le32(s->req + WIRE_HDR_SIZE, pick(&m->rnd, 2));
	if (type == VIRTIO_GPU_CMD_GET_CAPSET) {
		put_le32(s->req + WIRE_HDR_SIZE, TOY3D_CAPSET_ID);
		put_le32(s->req + WIRE_HDR_SIZE + 4, TOY3D_VERSION);
	}
}

static void make_create_2d(struct model *m, struct step *s)
{
	REQ(resource_create_2d);

	begin(m, s, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0);
	req->resource_id = htole32(new_id(m));
	req->format = htole32(any_format(m));
	req->width = htole32(any_side(m));
	req->height = pick(&m->rnd, 2) ? req->width : htole32(any_side(m));
}

static void make_create_3d(struct model *m, struct step *s)
{
	REQ(resource_create_3d);
	u32 target = pick(&m->rnd, 4) ? 1 + pick(&m->rnd, 8) : 0;

	begin(m, s, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, m->nctx ? any_ctx(m) : 0);
	req->resource_id = htole32(new_id(m));
	req->target = htole32(target);
	req->format = htole32(target ? any_format(m) : 64);
	req->width = htole32(target ? any_side(m) : 1u << pick(&m->rnd, 14));
	req->height = htole32(target ? any_side(m) : 1);
	req->depth = htole32(target == 3 ? 1 + pick(&m->rnd, 4) : 1);
	req->array_size = htole32(target == 8 ? 1 + pick(&m->rnd, 4) : 1);
	req->last_level = htole32(target == 2 ? pick(&m->rnd, 4) : 0);
	req->bind = htole32(pick(&m->rnd, 16));
}

static void make_create_blob(struct model *m, struct step *s)
{
	REQ(resource_create_blob);
	u32 mem = m->nctx ? 1 + pick(&m->rnd, 3) : VIRTIO_GPU_BLOB_MEM_GUEST;
	u32 i = m->nobject ? pick(&m->rnd, m->nobject) : 0;
	u64 size = (1 + pick(&m->rnd, 8)) * PAGE;

	begin(m, s, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
	      mem == VIRTIO_GPU_BLOB_MEM_GUEST ? 0 : m->nobject ? m->object[i].ctx : any_ctx(m));
	req->resource_id = htole32(new_id(m));
	req->blob_mem = htole32(mem);
	req->blob_flags = htole32(1 + pick(&m->rnd, 7));
	if (mem != VIRTIO_GPU_BLOB_MEM_GUEST && m->nobject) {
		req->blob_id = htole64(m->object[i].id);
		m->object[i] = m->object[--m->nobject];
		size = PAGE;
	}
	req->size = htole64(size);
	if (mem != VIRTIO_GPU_BLOB_MEM_HOST3D && pick(&m->rnd, 4))
		req->nr_entries = htole32(put_entries(m, s, size));
}

static void make_backing(struct model *m, struct step *s, const struct model_res *r)
{
	REQ(resource_attach_backing);

	if (r->backed) {
		begin(m, s, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 0);
	} else {
		begin(m, s, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0);
		req->nr_entries = htole32(put_entries(m, s, r->size));
	}
	req->resource_id = htole32(r->id);
}

static void make_transfer_2d(struct model *m, struct step *s, const struct model_res *r)
{
	struct rect box = any_rect(m, r->w, r->h);
	REQ(transfer_to_host_2d);

	begin(m, s, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0);
	req->resource_id = htole32(r->id);
	req->r = wire_rect(box);
	req->offset = htole64(4ull * (box.y * r->w + box.x));
}

static void make_transfer_3d(struct model *m, struct step *s, const struct model_res *r)
{
	u32 level = r->levels > 1 ? pick(&m->rnd, r->levels) : 0;
	u32 w = r->kind == RESOURCE_BLOB ? MIN(r->size, 64u) : MAX(r->w >> level, 1u);
	u32 h = r->kind == RESOURCE_BLOB ? 4 : MAX(r->h >> level, 1u);
	struct rect box = any_rect(m, w, h);
	u32 ctx = 0;
	REQ(transfer_host_3d);

	for (u32 i = 0; i < m->nlink; i++)
		if (m->link[i].id == r->id)
			ctx = m->link[i].ctx;
	begin(m, s, pick(&m->rnd, 2) ? VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D :
				       VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, ctx);
	req->resource_id = htole32(r->id);
	req->box = (struct virtio_gpu_box){ htole32(box.x), htole32(box.y), 0,
					    htole32(box.w), htole32(box.h), htole32(1) };
	req->level = htole32(level);
	req->offset = htole64(pick(&m->rnd, 2) * 4);
	if (pick(&m->rnd, 2))
		req->stride = htole32(box.w * 4);
}

static void make_scanout(struct model *m, struct step *s, const struct model_res *r)
{
	REQ(set_scanout_blob);
	struct virtio_gpu_set_scanout *plain = (void *)s->req;
	u32 n = pick(&m->rnd, 2), w = 32, h = MAX(r->size / 128, 1u);

	begin(m, s, r->kind == RESOURCE_BLOB ? VIRTIO_GPU_CMD_SET_SCANOUT_BLOB :
					       VIRTIO_GPU_CMD_SET_SCANOUT, 0);
	plain->scanout_id = htole32(n);
	plain->resource_id = htole32(pick(&m->rnd, 8) ? r->id : 0);
	if (r->kind != RESOURCE_BLOB) {
		plain->r = wire_rect(any_rect(m, r->w, r->h));
		return;
	}
	req->r = wire_rect(any_rect(m, w, h));
	req->width = htole32(w);
	req->height = htole32(h);
	req->format = htole32(any_format(m));
	req->strides[0] = htole32(4 * w);
}

static void make_flush(struct model *m, struct step *s, const struct model_res *r)
{
	REQ(resource_flush);

	begin(m, s, VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0);
	req->resource_id = htole32(r->id);
	req->r = wire_rect(r->kind == RESOURCE_BLOB ? any_rect(m, 32, MAX(r->size / 128, 1u)) :
						      any_rect(m, r->w, r->h));
}

static void make_cursor(struct model *m, struct step *s, const struct model_res *r)
{
	bool image = pick(&m->rnd, 2);
	REQ(update_cursor);

	begin(m, s, image ? VIRTIO_GPU_CMD_UPDATE_CURSOR : VIRTIO_GPU_CMD_MOVE_CURSOR, 0);
	req->pos.scanout_id = htole32(pick(&m->rnd, 2));
	req->pos.x = htole32(pick(&m->rnd, 200) - 70);
	req->pos.y = htole32(pick(&m->rnd, 100));
	req->resource_id = htole32(image && r && pick(&m->rnd, 8) ? r->id : 0);
	req->hot_x = htole32(image ? pick(&m->rnd, 64) : 0);
	if (!pick(&m->rnd, 2))
		s->room = 0;
}

static void make_context(struct model *m, struct step *s)
{
	REQ(ctx_create);
	u32 id = 1 + pick(&m->rnd, MODEL_CTX);

	for (u32 i = 0; i < m->nctx; i++)
		if (m->ctx[i] == id) {
			begin(m, s, VIRTIO_GPU_CMD_CTX_DESTROY, id);
			return;
		}
	begin(m, s, VIRTIO_GPU_CMD_CTX_CREATE, id);
	req->hdr.flags = 0;
	req->nlen = htole32(4);
	req->context_init = htole32(pick(&m->rnd, 2) ? TOY3D_CAPSET_ID : 0);
	memcpy(req->debug_name, "fuzz", 4);
}

static void make_link(struct model *m, struct step *s, const struct model_res *r)
{
	u32 ctx = any_ctx(m), type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE;
	REQ(ctx_resource);

	for (u32 i = 0; i < m->nlink; i++)
		if (m->link[i].ctx == ctx && m->link[i].id == r->id)
			type = VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE;
	begin(m, s, type, ctx);
	req->resource_id = htole32(r->id);
}

/* A resource a stream of @ctx may name. */
static u32 linked(struct model *m, u32 ctx)
{
	u32 first = m->nlink ? pick(&m->rnd, m->nlink) : 0;

	for (u32 i = 0; i < m->nlink; i++)
		if (m->link[(first + i) % m->nlink].ctx == ctx)
			return m->link[(first + i) % m->nlink].id;
	return 1;
}

static void put_words(struct step *s, const u32 *w, u32 n)
{
	for (u32 i = 0; i < n; i++)
		put_word(s, w[i]);
}

static void put_op(struct model *m, struct step *s, u32 ctx)
{
	u32 a = linked(m, ctx), b = linked(m, ctx), n = 4 * (1 + pick(&m->rnd, 64));
	const struct model_res *r = model_find(m, a);
	struct rect box = any_rect(m, r ? r->w : 4, r ? r->h : 4);

	switch (pick(&m->rnd, 8)) {
	case 0:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_NOP, 1), 7 }, 2);
		break;
	case 1:
	case 2:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_FILL, 6), a, n, 0, n, 0, 0x12345678 }, 7);
		break;
	case 3:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_COPY, 8), a, 0, 0, b, n, 0, n, 0 }, 9);
		break;
	case 4:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_RECT, 6), a, box.x, box.y, box.w,
				       box.h, 0xff00ff }, 7);
		break;
	case 5:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_SIGNAL_LATER, 1), pick(&m->rnd, 3) }, 2);
		break;
	case 6:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_WAIT, 1), 1 + pick(&m->rnd, 2) }, 2);
		break;
	default:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_RELEASE, 1), 1 + pick(&m->rnd, 2) }, 2);
		break;
	}
}

static void make_submit(struct model *m, struct step *s)
{
	u32 ctx = any_ctx(m), n = 1 + pick(&m->rnd, 3);
	REQ(cmd_submit);

	begin(m, s, VIRTIO_GPU_CMD_SUBMIT_3D, ctx);
	if (!pick(&m->rnd, 3))
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_ALLOC, 4), 1 + pick(&m->rnd, 1000), 0,
				       PAGE, 0 }, 5);
	while (n--)
		put_op(m, s, ctx);
	switch (pick(&m->rnd, 8)) {
	case 0:
		put_word(s, TOY3D_HDR(TOY3D_OP_FAIL, 0));
		break;
	case 1:
		put_words(s, (u32 []){ TOY3D_HDR(TOY3D_OP_TAIL, 3), linked(m, ctx), 0, 0, 0x12345678 }, 5);
		s->len -= pick(&m->rnd, 4);
		break;
	}
	req->size = htole32(s->len - sizeof(*req));
}

static void make_mapping(struct model *m, struct step *s, const struct model_res *r)
{
	REQ(resource_map_blob);

	begin(m, s, r->mapped ? VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB :
				VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, 0);
	req->resource_id = htole32(r->id);
	if (!r->mapped)
		req->offset = htole64(m->map);
}

static void make_simple(struct model *m, struct step *s, u32 type, const struct model_res *r)
{
	begin(m, s, type, 0);
	put_le32(s->req + WIRE_HDR_SIZE, r->id);
}

static void make_event(struct model *m, struct step *s)
{
	static const u8 args[STEP_KINDS] = {
		[STEP_FEATURES] = 8, [STEP_SHM] = 3, [STEP_SHM_DONE] = 255,
		[STEP_WINDOW] = 4, [STEP_MEMORY] = 2, [STEP_KICK] = 2,
		[STEP_RELEASE] = 3, [STEP_HOLD] = 2, [STEP_OUTPUT] = 8,
		[STEP_PNG] = 4, [STEP_RESET] = 1,
	};

	memset(s, 0, sizeof(*s));
	s->kind = pick(&m->rnd, 4) ? STEP_FEATURES + pick(&m->rnd, STEP_KINDS - STEP_FEATURES) :
				     STEP_PNG;
	s->arg = pick(&m->rnd, args[s->kind]);
}

static void make_about(struct model *m, struct step *s, struct model_res *r)
{
	switch (pick(&m->rnd, 12)) {
	case 0:
		make_backing(m, s, r);
		return;
	case 1:
		make_scanout(m, s, r);
		return;
	case 2:
	case 3:
		make_flush(m, s, r);
		return;
	case 4:
		make_cursor(m, s, r);
		return;
	case 5:
		make_simple(m, s, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, r);
		return;
	case 6:
		make_simple(m, s, VIRTIO_GPU_CMD_RESOURCE_UNREF, r);
		return;
	case 7:
		if (m->nctx) {
			make_link(m, s, r);
			return;
		}
		break;
	case 8:
		if (r->mem >= VIRTIO_GPU_BLOB_MEM_HOST3D) {
			make_mapping(m, s, r);
			return;
		}
		break;
	}
	if (!r->backed && r->mem != VIRTIO_GPU_BLOB_MEM_HOST3D)
		make_backing(m, s, r);
	else if (r->kind == RESOURCE_2D)
		make_transfer_2d(m, s, r);
	else
		make_transfer_3d(m, s, r);
}

/**
 * make_step - Make a step that the model allows
 * @m: the model
 * @s: the step, overwritten; not in the model yet
 */
void make_step(struct model *m, struct step *s)
{
	u32 n = pick(&m->rnd, 24);

	if (n < 2)
		make_info(m, s);
	else if (n < 3)
		make_event(m, s);
	else if (n < 5 || (n < 8 && !m->nctx))
		make_context(m, s);
	else if (n < 8)
		make_submit(m, s);
	else if (n < 9)
		make_cursor(m, s, NULL);
	else if (n < 20 && m->nres)
		make_about(m, s, &m->res[pick(&m->rnd, m->nres)]);
	else if (n % 3 == 0)
		make_create_2d(m, s);
	else if (n % 3 == 1)
		make_create_3d(m, s);
	else
		make_create_blob(m, s);
}
