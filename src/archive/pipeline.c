// SPDX-License-Identifier: Apache-2.0
#include "archive/pipeline.h"

#include <pthread.h>
#include <stdint.h>

#define JOBS_MAX 64

struct worker {
	struct et_pipeline *pipeline;
	void *own;
	pthread_t thread;
	bool started;
};

struct et_pipeline {
	struct et_pipeline_stages stages;
	void *cookie;
	unsigned slots;
	unsigned jobs;
	struct worker *workers;
	unsigned worker_count;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	unsigned *free_slots; /* a stack */
	unsigned free_count;
	unsigned in_flight; /* put and not free yet */
	/* Tickets count the puts. put >= begun >= committed, and a ring of `slots` places is
	 * enough: no more tickets than slots are waiting for their commit. */
	uint64_t put;
	uint64_t begun;
	uint64_t committed;
	unsigned *slot_of; /* by ticket */
	bool *worked;      /* by ticket: ready for its commit */
	bool committing;
	bool stop;
	int failed;
	struct et_error failure;
};

/* Called with the lock, runs the stage without it, unless something has failed before. */
static void
run(struct et_pipeline *p, int (*stage)(void *, void *, unsigned, struct et_error *), void *own,
    unsigned slot)
{
	struct et_error err = { 0 };
	int r = 0;

	if (stage == NULL || p->failed < 0)
		return;
	(void)pthread_mutex_unlock(&p->lock);
	r = stage(p->cookie, own, slot, &err);
	(void)pthread_mutex_lock(&p->lock);
	if (r < 0 && p->failed == 0) {
		p->failed = r;
		p->failure = err;
	}
}

static bool
commit_due(const struct et_pipeline *p)
{
	return !p->committing && p->committed < p->begun && p->worked[p->committed % p->slots];
}

static void
commit(struct et_pipeline *p, void *own)
{
	unsigned slot = p->slot_of[p->committed % p->slots];

	p->committing = true;
	run(p, p->stages.commit, own, slot);
	p->committing = false;
	p->worked[p->committed % p->slots] = false;
	p->committed++;
	(void)pthread_cond_broadcast(&p->changed);
	run(p, p->stages.after, own, slot);
	p->free_slots[p->free_count++] = slot;
	p->in_flight--;
	(void)pthread_cond_broadcast(&p->changed);
}

static void
work(struct et_pipeline *p, void *own)
{
	uint64_t ticket = p->begun++;

	run(p, p->stages.work, own, p->slot_of[ticket % p->slots]);
	p->worked[ticket % p->slots] = true;
	(void)pthread_cond_broadcast(&p->changed);
}

static void *
serve(void *cookie)
{
	struct worker *worker = cookie;
	struct et_pipeline *p = worker->pipeline;

	(void)pthread_mutex_lock(&p->lock);
	for (;;) {
		if (commit_due(p))
			commit(p, worker->own);
		else if (p->begun < p->put)
			work(p, worker->own);
		else if (p->stop)
			break;
		else
			(void)pthread_cond_wait(&p->changed, &p->lock);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int
start_workers(struct et_pipeline *p, struct et_error *err)
{
	unsigned count = p->jobs > 0 ? p->jobs : 1;

	p->workers = et_calloc(count, sizeof(*p->workers));
	for (unsigned i = 0; i < count; i++) {
		struct worker *worker = &p->workers[i];
		int r = p->stages.worker_new(p->cookie, &worker->own, err);

		if (r < 0)
			return r;
		p->worker_count++;
		worker->pipeline = p;
		if (p->jobs == 0)
			continue;
		r = pthread_create(&worker->thread, NULL, serve, worker);
		if (r != 0)
			return et_error_errno(err, r, "start a thread");
		worker->started = true;
	}
	return 0;
}

int
et_pipeline_new(const struct et_pipeline_stages *stages, void *cookie, unsigned jobs,
		unsigned slots, struct et_pipeline **ret, struct et_error *err)
{
	ET_CLEAN(et_pipeline) struct et_pipeline *p = et_calloc(1, sizeof(*p));
	int r;

	p->stages = *stages;
	p->cookie = cookie;
	p->jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX;
	p->slots = slots;
	p->free_slots = et_calloc(slots, sizeof(*p->free_slots));
	p->slot_of = et_calloc(slots, sizeof(*p->slot_of));
	p->worked = et_calloc(slots, sizeof(*p->worked));
	for (unsigned i = 0; i < slots; i++)
		p->free_slots[p->free_count++] = slots - 1 - i;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->changed, NULL);
	r = start_workers(p, err);
	if (r < 0)
		return r;
	*ret = ET_STEAL(p);
	return 0;
}

/* With the lock: the failure, in the caller's words. */
static int
failure(const struct et_pipeline *p, struct et_error *err)
{
	if (p->failed < 0 && err != NULL)
		*err = p->failure;
	return p->failed;
}

int
et_pipeline_take(struct et_pipeline *p, unsigned *ret_slot, struct et_error *err)
{
	int r;

	(void)pthread_mutex_lock(&p->lock);
	while (p->free_count == 0 && p->failed == 0)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	r = failure(p, err);
	if (r == 0)
		*ret_slot = p->free_slots[--p->free_count];
	(void)pthread_mutex_unlock(&p->lock);
	return r;
}

void
et_pipeline_put(struct et_pipeline *p, unsigned slot)
{
	(void)pthread_mutex_lock(&p->lock);
	p->slot_of[p->put++ % p->slots] = slot;
	p->in_flight++;
	if (p->jobs == 0) {
		work(p, p->workers[0].own);
		commit(p, p->workers[0].own);
	}
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

int
et_pipeline_drain(struct et_pipeline *p, struct et_error *err)
{
	int r;

	(void)pthread_mutex_lock(&p->lock);
	while (p->in_flight > 0)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	r = failure(p, err);
	(void)pthread_mutex_unlock(&p->lock);
	return r;
}

void
et_pipeline_free(struct et_pipeline *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	if (p->in_flight > 0 && p->failed == 0) {
		p->failed = ET_CANCELED; /* what is not begun is skipped */
		(void)et_error_set(&p->failure, ET_CANCELED, "given up");
	}
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->worker_count; i++) {
		if (p->workers[i].started)
			(void)pthread_join(p->workers[i].thread, NULL);
		p->stages.worker_free(p->workers[i].own);
	}
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	free(p->workers);
	free(p->free_slots);
	free(p->slot_of);
	free(p->worked);
	free(p);
}
