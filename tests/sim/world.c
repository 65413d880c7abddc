#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit.h"

uint64_t chance(struct world *w, uint64_t below)
{
    return rng_below(&w->rng, below);
}

bool one_in(struct world *w, uint64_t n)
{
    return rng_below(&w->rng, n) == 0;
}

mono_ms between(struct world *w, mono_ms from, mono_ms to)
{
    return from + (mono_ms)rng_below(&w->rng, (uint64_t)(to - from + 1));
}

void tell(struct world *w, const char *who, const char *format, ...)
{
    if (!w->trace) {
        return;
    }
    printf("%8lld.%03lld %-4s ", (long long)(w->now / 1000), (long long)(w->now % 1000), who);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void violated(struct world *w, const char *invariant, const char *format, ...)
{
    fflush(stdout);
    fprintf(stderr, "%s violated at %lld ms: ", invariant, (long long)w->now);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort(); /* main's handler prints the seed */
}

/* ---- jobs ---- */

static bool job_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct job *x = (const struct job *)(const void *)a;
    const struct job *y = (const struct job *)(const void *)b;
    return x->at != y->at ? x->at < y->at : x->order < y->order;
}

struct job *job_add(struct world *w, struct process *p, mono_ms at, job_fn *run, void *who)
{
    struct job *j = mem_zalloc(sizeof *j);
    j->at = at > w->now ? at : w->now;
    j->order = w->next_order++;
    j->run = run;
    j->process = p;
    j->life = p != NULL ? p->life : 0;
    j->who = who;
    heap_push(&w->jobs, &j->node);
    return j;
}

static void job_free(struct job *j)
{
    buf_free(&j->data);
    free(j);
}

static void job_drop(struct job *j)
{
    if (j->drop != NULL) {
        j->drop(j);
    }
    job_free(j);
}

static void job_run(struct world *w, struct job *j)
{
    struct process *p = j->process;
    if (p != NULL && (!p->alive || p->life != j->life)) {
        job_drop(j);
        return;
    }
    if (p != NULL && p->paused) {
        MEM_GROW(p->waiting, p->waiting_count, p->waiting_cap);
        p->waiting[p->waiting_count++] = j;
        return;
    }
    j->run(w, j);
    job_free(j);
}

/* ---- processes ---- */

struct moment process_moment(const struct process *p)
{
    return (struct moment){p->world->now, WALL_START + p->world->now + p->wall_off};
}

void process_start(struct world *w, struct process *p)
{
    p->world = w;
    p->alive = true;
    p->paused = false;
    p->life = ++w->next_life;
    p->wake_at = NEVER_MS;
    tell(w, p->name, "starts");
}

static void waiting_drop(struct process *p)
{
    for (size_t i = 0; i < p->waiting_count; i++) {
        job_drop(p->waiting[i]);
    }
    p->waiting_count = 0;
}

void process_end(struct process *p)
{
    tell(p->world, p->name, "dies");
    p->alive = false;
    p->paused = false;
    waiting_drop(p);
}

void process_pause(struct process *p)
{
    tell(p->world, p->name, "is stopped");
    p->paused = true;
    p->paused_at = p->world->now;
}

void process_continue(struct process *p)
{
    tell(p->world, p->name, "goes on");
    p->paused = false;
    mono_ms ms = p->world->now - p->paused_at;
    p->paused_ms += ms;
    p->stood_ms += ms > STOOD_MS ? ms : 0;
    for (size_t i = 0; i < p->waiting_count; i++) {
        struct job *j = p->waiting[i];
        j->at = p->world->now;
        j->order = p->world->next_order++;
        heap_push(&p->world->jobs, &j->node);
    }
    p->waiting_count = 0;
}

void process_wake_at(struct process *p, mono_ms at, job_fn *run)
{
    if (at < p->wake_at) {
        p->wake_at = at;
        job_add(p->world, p, at, run, p)->x = (uint64_t)at;
    }
}

/* ---- the world's life ---- */

static void start_all(struct world *w)
{
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        coordinator_start(w, &w->coordinators[i]);
    }
    for (uint32_t i = 0; i < w->worker_count; i++) {
        worker_host_start(w, &w->workers[i]);
    }
    for (uint32_t i = 0; i < w->gateway_count; i++) {
        gateway_start(w, &w->gateways[i]);
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        client_begin(&w->clients[i]);
    }
    publisher_begin(w);
}

static void end_all(struct world *w)
{
    w->trace = false;
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        coordinator_kill(&w->coordinators[i]);
        free(w->coordinators[i].process.waiting);
        free(w->coordinators[i].link.batches);
    }
    for (uint32_t i = 0; i < w->worker_count; i++) {
        worker_host_kill(&w->workers[i]);
        free(w->workers[i].process.waiting);
    }
    for (uint32_t i = 0; i < w->gateway_count; i++) {
        gateway_kill(&w->gateways[i]);
        free(w->gateways[i].process.waiting);
    }
    while (w->jobs.count > 0) {
        struct job *j = (struct job *)(void *)heap_top(&w->jobs);
        heap_remove(&w->jobs, &j->node);
        job_drop(j);
    }
    for (size_t i = 0; i < w->conn_count; i++) {
        free(w->conns[i]);
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        arena_free(&w->clients[i].fork_arena);
    }
    free(w->conns);
    heap_free(&w->jobs);
    store_model_free(&w->store);
    audit_free(w->audit);
}

static bool all_over(struct world *w)
{
    for (size_t i = 0; i < w->store.task_count; i++) {
        const struct stored_task *t = w->store.tasks[i];
        if (!t->ended || t->stray) {
            return false;
        }
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        if (!client_content(&w->clients[i])) {
            return false;
        }
    }
    return true;
}

static void tell_what_is_left(struct world *w)
{
    for (size_t i = 0; i < w->store.task_count; i++) {
        if (!w->store.tasks[i]->ended) {
            fprintf(stderr, "  task %.*s has not ended\n", (int)w->store.tasks[i]->id.len,
                    (const char *)w->store.tasks[i]->id.ptr);
        } else if (w->store.tasks[i]->stray) {
            fprintf(stderr, "  task %.*s has ended and is in the live index\n",
                    (int)w->store.tasks[i]->id.len, (const char *)w->store.tasks[i]->id.ptr);
        }
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        const struct client *c = &w->clients[i];
        if (!client_content(&w->clients[i])) {
            fprintf(stderr, "  client %u of %s: accepted %d request %llu (%s) have %llu\n",
                    c->index, c->task_id, c->accepted, (unsigned long long)c->request,
                    message_type_name(c->asked), (unsigned long long)c->have);
        }
    }
}

void world_next(struct world *w)
{
    struct job *j = (struct job *)(void *)heap_top(&w->jobs);
    assert(j != NULL && j->at >= w->now);
    heap_remove(&w->jobs, &j->node);
    w->now = j->at;
    job_run(w, j);
}

void world_run(uint64_t seed, bool trace, struct mirror *mirror)
{
    struct world *w = mem_zalloc(sizeof *w);
    w->seed = seed;
    w->trace = trace;
    w->jobs.before = job_before;
    w->now = 1000;
    rng_seed(&w->rng, seed);
    w->audit = audit_create(w);
    plan_world(w);
    w->fleeting = w->fleeting && mirror == NULL; /* in a real Redis other seconds pass */
    if (w->fleeting) { /* the audit tells the runs of an id apart by numbers that begin anew */
        audit_blind(w->audit);
    }
    w->mirror = mirror;
    if (mirror != NULL) {
        mirror->begin(mirror, w);
    }
    start_all(w);
    chaos_begin(w);
    rollback_plan(w);
    mono_ms end = w->heal_at + LIVENESS_WITHIN_MS;
    mono_ms look = 0;
    for (;;) {
        world_next(w);
        if (!w->healed && w->now >= w->heal_at) {
            chaos_heal(w);
            look = w->now + 2000;
        }
        if (w->healed && w->now >= look) {
            look = w->now + 250;
            if (all_over(w)) {
                break;
            }
        }
        if (w->now > end) {
            tell_what_is_left(w);
            violated(w, "I12", "not all is over %d s after the last fault",
                     LIVENESS_WITHIN_MS / 1000);
        }
    }
    audit_end(w->audit);
    if (mirror != NULL) {
        mirror->end(mirror);
        w->mirror = NULL; /* the epilogue involves the model only */
    }
    rollback_play(w);
    end_all(w);
    free(w);
}
