// SPDX-License-Identifier: MIT
/* Requests in flight. */
#include <stdlib.h>

#include "command.h"
#include "log.h"

/**
 * job_create - Make an empty job
 *
 * Return: the job.
 */
struct job *job_create(void)
{
	return xcalloc(1, sizeof(struct job));
}

/**
 * job_destroy - Free a job that is in no list
 * @job: the job
 */
void job_destroy(struct job *job)
{
	if (job->ctx)
		context_put(job->ctx);
	vq_chain_free(&job->chain);
	if (job->budget)
		budget_release(job->budget, job->charged);
	free(job->req);
	free(job->resp);
	free(job);
}

/**
 * job_reserve - Make room for a response
 * @job: the job
 * @len: bytes, with the header
 *
 * Return: the whole response, zeroed, header first.
 */
void *job_reserve(struct job *job, u64 len)
{
	free(job->resp);
	job->resp_len = len;
	job->resp = xcalloc(1, job->resp_len);
	return job->resp;
}

/**
 * job_name - Name a job's request
 * @job: the job
 *
 * Return: name of its type, or "?".
 */
const char *job_name(const struct job *job)
{
	return job->cmd ? job->cmd->name : "?";
}
