// SPDX-License-Identifier: MIT
/*
 * Judge the driver: report what it did wrong, unless that follows from what the
 * device did wrong before.
 *
 * Each command changes some facts, each rule relies on some. When the answer to a
 * command is changed by a fault, driver and device may see the facts of the command
 * differently, and rules that rely on these facts excuse the driver. A good answer to
 * a later request about a fact settles it. A request that fails properly, since a
 * user asked for too much, leaves no doubt, but a driver may have sent other requests
 * before it knew: they are excused, too.
 *
 * The driver has seen an answer when it uses the buffer of that answer again. What
 * it had queued before, and could not put in a full ring, comes right after: only
 * from the second kick on requests were surely made with that knowledge.
 */
#include <stdarg.h>

#include "command.h"

static u32 doubt_id(const struct judge *j, u32 fact)
{
	u32 id = j->job->res ? j->job->res->id : command_member(j->job, "res");

	if (fact == FACT_CTX)
		return 0;
	if (fact == FACT_SCANOUT)
		return command_member(j->job, "scanout");
	return fact == FACT_MAP && j->other ? j->other : id;
}

static bool doubt_is_over(const struct judge *j, const struct doubt *o)
{
	return o->honest && o->told && o->told <= j->seen;
}

static struct doubt *doubt_find(struct judge *j, u32 fact, u32 id)
{
	u32 ctx = fact & (FACT_CTX | FACT_ATTACH) ? j->job->hdr.ctx_id : 0;

	for (u32 i = 0; i < j->n; i++) {
		struct doubt *o = &j->doubt[i];

		if (o->fact == fact && o->ctx == ctx && o->id == id)
			return doubt_is_over(j, o) ? NULL : o;
	}
	return NULL;
}

static void doubt_add(struct judge *j, u32 fact, bool honest)
{
	u32 id = doubt_id(j, fact);
	struct doubt *o = doubt_find(j, fact, id);

	for (u32 i = 0; !o && i < j->n; i++)
		if (doubt_is_over(j, &j->doubt[i]))
			o = &j->doubt[i];
	if (!o)
		o = j->n < JUDGE_DOUBTS ? &j->doubt[j->n++] :
					  &j->doubt[j->next++ % JUDGE_DOUBTS];
	*o = (struct doubt){
		.fact = fact, .id = id, .cause = j->job->seq, .honest = honest,
		.ctx = fact & (FACT_CTX | FACT_ATTACH) ? j->job->hdr.ctx_id : 0,
		.told = job_is_kept(j->job) ? JUDGE_NEVER : 0,
	};
	j->job->doubted = true;
}

/* The answer to the current request is good, and so tells about a fact. */
static void doubt_settle(struct judge *j, u32 fact, bool error)
{
	struct doubt *o = doubt_find(j, fact, doubt_id(j, fact));

	/* It was sent before the driver saw the changed answer: it still believes that. */
	if (!o || (!o->honest && o->told != JUDGE_NEVER && (!o->told || o->told > j->seen)))
		return;
	if (error && o->honest)
		return;
	if (error)
		doubt_add(j, fact, true);
	else
		*o = j->doubt[--j->n];
}

static u32 facts_in_doubt(struct judge *j, const struct rule *rule)
{
	const struct resource *res = j->job->res;
	u32 found = rule->facts & j->lies;

	for (u32 fact = FACT_RES; fact <= FACT_ATTACH; fact <<= 1)
		if (fact & rule->facts && fact != FACT_SCANOUT &&
		    doubt_find(j, fact, doubt_id(j, fact)))
			found |= fact;
	for (u32 n = 0; res && n < DISPLAY_OUTPUTS; n++)
		if (rule->facts & FACT_SCANOUT && res->scanouts & 1u << n &&
		    doubt_find(j, FACT_SCANOUT, n))
			found |= FACT_SCANOUT;
	return found;
}

/* Check whether a broken rule follows from what the device did; that is counted and traced. */
bool judge_forgives(struct device *d, const char *rule)
{
	const struct rule *r = rule_find(rule);
	u32 facts = r ? facts_in_doubt(&d->judge, r) : 0;

	if (!facts)
		return false;
	d->judge.forgiven |= facts;
	d->judge.excused++;
	trace_event(&d->trace, "excused", "'seq':%llu,'rule':'%s'", d->judge.job->seq, rule);
	return true;
}

/* Report that the current request breaks a rule. Returns @resp, what to answer with. */
u32 cmd_bug(struct device *d, const char *rule, u32 resp, const char *fmt, ...)
{
	struct job *job = d->judge.job;
	struct bug_where where = {
		.queue = job->queue, .seq = job->seq, .cmd = job_name(job),
		.bytes = job->req, .len = job->req_len,
	};
	va_list ap;

	if (judge_forgives(d, rule))
		return resp;
	va_start(ap, fmt);
	bug_vreport(&d->bugs, rule, &where, fmt, ap);
	va_end(ap);
	d->judge.bugs++;
	return resp;
}

/* Note that the current request fails by what a user of the driver asked for. Returns @resp. */
u32 cmd_user(struct device *d, u32 resp, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->bugs.user++;
	trace_begin(&d->trace, "user-error");
	trace_u64(&d->trace, "seq", d->judge.job->seq);
	trace_str(&d->trace, "cmd", job_name(d->judge.job));
	trace_str(&d->trace, "text", text);
	trace_end(&d->trace);
	return resp;
}

void judge_begin(struct judge *j, struct job *job)
{
	j->job = job;
	j->bugs = 0;
	j->forgiven = 0;
	j->other = 0;
	if (job->queue == WIRE_CONTROLQ)
		j->taken = MAX(j->taken, j->answer_of[job->chain.id]);
}

/* Note that a request fails by no fault of the driver. */
void judge_refused(struct judge *j, struct job *job)
{
	j->job = job;
	for (u32 fact = FACT_RES; fact <= FACT_ATTACH; fact <<= 1)
		if (fact & job->cmd->changes)
			doubt_add(j, fact, true);
}

/* Note what is doubtful or settled by the request that was executed. */
void judge_end(struct judge *j)
{
	struct job *job = j->job;
	bool error = job->resp_type >= UNSPEC;
	u32 changes = job->cmd ? job->cmd->changes : 0;
	/* A driver need not conclude from the error of one request what another one changed. */
	u32 told = error ? j->forgiven & changes : changes;

	if (job->spoiled && job->hdr.type == VIRTIO_GPU_CMD_GET_CAPSET_INFO)
		j->lies |= FACT_CAPSETS;
	if (!job->spoiled && error && !j->bugs && !j->forgiven && job->cmd)
		judge_refused(j, job);
	if (!error && job->cmd && job->cmd->needs & NEEDS_RES)
		told |= FACT_RES;
	if (!error && job->cmd && job->cmd->needs & NEEDS_CTX)
		told |= FACT_CTX;
	for (u32 fact = FACT_RES; fact <= FACT_ATTACH; fact <<= 1) {
		if (job->spoiled && fact & changes)
			doubt_add(j, fact, false);
		else if (!job->spoiled && fact & told)
			doubt_settle(j, fact, error);
	}
}

/* Note that an answer goes to the driver. */
void judge_answered(struct judge *j, const struct job *job)
{
	if (job->queue != WIRE_CONTROLQ)
		return;
	j->answer_of[job->chain.id] = ++j->answers;
	for (u32 i = 0; job->doubted && i < j->n; i++)
		if (j->doubt[i].cause == job->seq)
			j->doubt[i].told = j->answers;
}

/* Note a kick of the control queue. Near a full ring, old requests may wait in the driver. */
void judge_kicked(struct judge *j, const struct virtqueue *vq)
{
	if (4 * vq->nbusy > vq->size)
		return;
	j->seen = j->mature;
	j->mature = j->taken;
}
