#include "core/core.h"

#include <assert.h>
#include <stdlib.h>

#include "core/asks.h"
#include "core/audit.h"
#include "core/definitions.h"
#include "core/dispatch.h"
#include "core/docs.h"
#include "core/functions.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/library.h"
#include "core/members.h"
#include "core/on_outcome.h"
#include "core/on_pause.h"
#include "core/on_progress.h"
#include "core/on_watch.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/ready.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/resolve.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/wait.h"
#include "core/workers.h"
#include "core/writes.h"

#define TICK_MS 500 /* beats, silence, leases */
/* A peer whose loop has not turned for so long is as good as silent, though its heartbeat thread
 * lives. */
#define LOOP_AGE_MS_MAX 10000

struct core_config core_config_default(void)
{
    return (struct core_config){.name = "coordinator",
                                .backend = "redis",
                                .lease_ms = 3000,
                                .priority_ms = 60000,
                                .renew_ms = 1000,
                                .observe_ms = 250,
                                .claim_grace_ms = 200,
                                .resume_grace_ms = 200,
                                .silence_ms = 2000,
                                .checkpoint_interval_s = 60,
                                .max_retries = 3,
                                .max_duration_s = 3600,
                                .ttl_s = 3600,
                                .recovery_enabled = true,
                                .checkpoints_enabled = true,
                                .tasks_max = 1000000};
}

static bool timer_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct timer *x = (const struct timer *)(const void *)a; /* `node` is the first member */
    const struct timer *y = (const struct timer *)(const void *)b;
    return x->at != y->at ? x->at < y->at : x->sequence < y->sequence;
}

struct core *core_create(const struct core_config *config)
{
    struct core *c = mem_zalloc(sizeof *c);
    c->config = *config;
    rng_seed(&c->rng, config->seed);
    c->timers.before = timer_before;
    c->resolving.before = ready_before;
    c->observed_at = NEVER_MS;
    c->tell_by = NEVER_MS;
    c->leases_checked_at = NEVER_MS;
    c->next_write = 1;
    c->next_read = 1;
    c->next_serial = 1;
    c->peers.numbers = c->asks.numbers = true; /* these are gone through */
    for (int i = 0; i < PARTITION_COUNT; i++) {
        c->partitions[i].id = (partition_id)i;
        c->partitions[i].timer.kind = TIMER_PARTITION;
    }
    return c;
}

static void free_tables(struct core *c)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->peers, &i, &value);) {
        on_peer_down(c, ((struct peer *)value)->id);
    }
    while (c->worker_count > 0) {
        struct worker *w = c->by_serial[--c->worker_count];
        map_remove(&c->workers, w->id);
        worker_free(c, w);
    }
    library_free(c);
    for (size_t i = 0; map_next(&c->asks, &i, &value);) {
        ask_free(value);
    }
    lanes_free(c);
    holds_free(c);
    functions_free(c);
}

struct definitions *core_definitions(struct core *c)
{
    return &c->definitions;
}

void core_destroy(struct core *c)
{
    struct effects fx = {0};
    c->fx = &fx;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        while (c->partitions[i].tasks != NULL) {
            task_remove(c, c->partitions[i].tasks);
        }
        timer_clear(c, &c->partitions[i].timer);
    }
    members_free(c);
    writes_free(c);
    free_tables(c);
    fx_free_buried(c);
    effects_free(&fx);
    map_free(&c->tasks);
    map_free(&c->peers);
    map_free(&c->workers);
    map_free(&c->watches);
    definitions_free(&c->definitions);
    docs_free(c);
    map_free(&c->asks);
    heap_free(&c->timers);
    heap_free(&c->resolving);
    free(c->by_serial);
    free(c->graves);
    usage_free(&c->used);
    buf_free(&c->scratch);
    slices_free(&c->blob);
    free(c->admission_closed);
    for (int i = 0; i < REMARK_COUNT; i++) {
        free(c->remarks[i]);
    }
    free(c);
}

static void on_worker_message(struct core *c, struct peer *p, const struct message *m)
{
    switch ((int)m->type) {
    case MSG_CREDIT:
        on_credit(c, p, m);
        break;
    case MSG_RUNNING:
        on_running(c, p, m);
        break;
    case MSG_OUTCOME:
        on_outcome(c, p, &m->outcome);
        break;
    case MSG_PROGRESS:
        on_progress(c, p, &m->progress);
        break;
    case MSG_DECLINE:
        on_decline(c, p, &m->decline.ref);
        break;
    case MSG_DRAINING:
        p->worker->draining = true;
        break;
    default:
        fx_close(c, p->id, "a message that a worker must not send");
        break;
    }
}

static void on_deed(struct core *c, struct peer *p, const struct message *m)
{
    switch ((int)m->type) {
    case MSG_CANCEL:
        on_cancel(c, p, m);
        break;
    case MSG_PAUSE:
        on_pause(c, p, m);
        break;
    default:
        on_resume(c, p, m);
        break;
    }
}

/* A change that can be asked for again and again, while the store takes none. */
static bool too_many_changes(struct core *c, const struct peer *p, const struct message *m)
{
    bool changes = m->type == MSG_PAUSE || m->type == MSG_RESUME || m->type == MSG_RECOVER ||
                   m->type == MSG_SIGNAL || m->type == MSG_REQUEUE || m->type == MSG_GET_FORK;
    if (!changes || c->write_count < CHANGES_PENDING_MAX) {
        return false;
    }
    refuse_writes_full(c, p->id, m->request);
    return true;
}

static void on_gateway_message(struct core *c, struct peer *p, const struct message *m)
{
    if (too_many_changes(c, p, m)) {
        return;
    }
    switch ((int)m->type) {
    case MSG_START:
        on_start(c, p, m);
        break;
    case MSG_CANCEL:
    case MSG_PAUSE:
    case MSG_RESUME:
        if (!partition_serves(partition_of(c, m->task.task_id))) {
            refuse_unavailable(c, p->id, m->request);
        } else {
            on_deed(c, p, m);
        }
        break;
    case MSG_RECOVER:
        on_recover(c, p, m);
        break;
    case MSG_GET_FORK:
        on_fork(c, p, m);
        break;
    case MSG_SIGNAL:
        if (!partition_serves(partition_of(c, m->signal.task_id))) {
            refuse_unavailable(c, p->id, m->request);
        } else {
            on_signal(c, p, m);
        }
        break;
    case MSG_REQUEUE:
        on_requeue(c, p, m);
        break;
    case MSG_GET_DEAD:
        on_get_dead(c, p, m);
        break;
    case MSG_GET_ITEMS:
        on_items(c, p, m);
        break;
    case MSG_GET_USAGE:
        on_get_usage(c, p, m);
        break;
    case MSG_WATCH:
        on_watch(c, p, m);
        break;
    case MSG_UNWATCH:
        on_unwatch(c, p->id, m->task.task_id);
        break;
    case MSG_GET_STATUS:
    case MSG_GET_DOC:
    case MSG_GET_HISTORY:
    case MSG_GET_LIST:
    case MSG_GET_WORKERS:
    case MSG_GET_READY:
        on_query(c, p, m);
        break;
    case MSG_GET_PIPELINES:
        on_get_pipelines(c, p, m);
        break;
    case MSG_GET_VERSIONS:
        on_get_versions(c, p, m);
        break;
    case MSG_PUT_PIPELINE:
        on_put_pipeline(c, p, m);
        break;
    default:
        fx_close(c, p->id, "a message that a gateway must not send");
        break;
    }
}

/* The task that a request is about; empty where it is about none. */
static struct bytes subject(const struct message *m)
{
    switch ((int)m->type) {
    case MSG_START:
        return m->start.task_id;
    case MSG_CANCEL:
    case MSG_PAUSE:
    case MSG_RESUME:
    case MSG_GET_STATUS:
    case MSG_WATCH:
    case MSG_UNWATCH:
        return m->task.task_id;
    case MSG_RECOVER:
    case MSG_GET_FORK:
        return m->recover.task_id;
    case MSG_SIGNAL:
        return m->signal.task_id;
    case MSG_REQUEUE:
        return m->requeue.task_id;
    case MSG_GET_DOC:
        return m->get_doc.task_id;
    case MSG_GET_HISTORY:
        return m->get_history.task_id;
    case MSG_GET_ITEMS:
        return m->get_items.task_id;
    default:
        return BYTES_LIT("none");
    }
}

static void on_message(struct core *c, peer_id id, const struct message *m)
{
    struct peer *p = peer_find(c, id);
    if (p == NULL) {
        return; /* closed by us a moment ago */
    }
    if (m->type != MSG_BEAT || m->beat.loop_age_ms <= LOOP_AGE_MS_MAX) {
        p->heard = c->now.mono;
        if (p->worker != NULL) {
            p->worker->heard_wall = c->now.wall;
        }
    }
    if (m->type == MSG_BEAT) {
        return;
    }
    if (p->role == ROLE_WORKER) {
        on_worker_message(c, p, m);
    } else if (!id_valid(subject(m))) {
        refuse(c, p->id, m->request, CODE_INVALID_ID,
               "a task id is 1 to 128 of A-Z a-z 0-9 _ . : -");
    } else {
        on_gateway_message(c, p, m);
    }
}

static void on_store_down(struct core *c)
{
    c->store_up = false;
    partitions_store_down(c);
}

static void on_store_up(struct core *c, const uint8_t *secret)
{
    hmac_key_make(bytes_of(secret, SECRET_BYTES), &c->secret);
    c->store_up = true;
    c->next_observe = c->now.mono;
    c->next_renew = c->now.mono + c->config.renew_ms;
    holds_renew(c); /* before anything is taken */
}

static void on_admission(struct core *c, struct bytes why)
{
    free(c->admission_closed);
    c->admission_closed = why.len > 0 ? mem_str_bytes(why) : NULL;
}

static void on_remark(struct core *c, enum store_remark kind, struct bytes text)
{
    free(c->remarks[kind]);
    c->remarks[kind] = text.len > 0 ? mem_str_bytes(text) : NULL;
}

static void handle(struct core *c, const struct event *e)
{
    switch (e->kind) {
    case EV_TIME:
        break;
    case EV_PIPELINE:
        on_pipeline(c, e->text, e->version);
        break;
    case EV_STORE_UP:
        on_store_up(c, e->secret);
        break;
    case EV_STORE_DOWN:
        on_store_down(c);
        break;
    case EV_WRITTEN:
        writes_on_answer(c, e->written);
        break;
    case EV_READ:
        asks_on_answer(c, e->answer);
        break;
    case EV_PEER_UP:
        on_peer_up(c, e->peer, e->message);
        break;
    case EV_PEER_DOWN:
        on_peer_down(c, e->peer);
        break;
    case EV_MESSAGE:
        on_message(c, e->peer, e->message);
        break;
    case EV_DRAIN:
        partitions_drain(c);
        break;
    case EV_ADMISSION:
        on_admission(c, e->text);
        break;
    case EV_PUBLISHED:
        on_published(c, e->published);
        break;
    case EV_REMARK:
        on_remark(c, e->remark, e->text);
        break;
    }
}

/* Drained: every partition is handed over, or the store cannot be told. */
static void tell_drained(struct core *c)
{
    if (!c->draining || c->drained_told) {
        return;
    }
    for (int i = 0; i < PARTITION_COUNT; i++) {
        if (c->partitions[i].state >= PARTITION_CLAIMING) {
            return;
        }
    }
    c->drained_told = true;
    struct effects *fx = c->fx;
    MEM_GROW(fx->items, fx->count, fx->cap);
    fx->items[fx->count++] = (struct effect){.kind = FX_DRAINED};
}

void core_step(struct core *c, struct moment now, const struct event *event, struct effects *fx)
{
    assert(now.mono >= c->now.mono);
    fx->count = 0;
    arena_reset(&fx->arena);
    fx_free_buried(c);
    c->fx = fx;
    c->now = now;
    waits_look_at_clock(c);
    partitions_check_leases(c);
    handle(c, event);
    if (now.mono >= c->next_tick) {
        c->next_tick = now.mono + TICK_MS;
        peers_tick(c);
        audit_tick(c);
        holds_tick(c);
    }
    timers_fire(c);
    partitions_tick(c);
    steps_resolve(c);
    dispatch(c);
    partitions_tell(c);
    tell_drained(c);
    c->fx = NULL;
}

mono_ms core_next_deadline(const struct core *c)
{
    mono_ms next = c->next_tick;
    const struct heap_node *n = heap_top(&c->timers);
    if (n != NULL) {
        const struct timer *t = (const struct timer *)(const void *)n;
        next = t->at < next ? t->at : next;
    }
    next = c->tell_by < next ? c->tell_by : next;
    if (c->store_up) {
        next = c->next_renew < next ? c->next_renew : next;
        if (!c->draining && !c->observing && c->next_observe < next) {
            next = c->next_observe;
        }
    }
    return next;
}
