/* START: check, admit with one write, answer when it is durable. */
#include <stdlib.h>

#include "core/budget.h"
#include "core/change.h"
#include "core/definitions.h"
#include "core/fx.h"
#include "core/library.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/recover.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/rollback.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"
#include "crypto/hash.h"
#include "model/limits.h"

static struct pipeline *choose_stored(struct core *c, const struct peer *p, const struct message *m)
{
    const struct start_request *s = &m->start;
    struct pipeline *stored = library_find(c, s->task_type, s->pipeline_version);
    if (stored != NULL) {
        return library_expand(c, p, m, pipeline_ref(stored), NULL);
    }
    if (library_look(c, p, m, s->task_type, s->pipeline_version)) {
        return NULL;
    }
    int len = (int)(s->task_type.len < 128 ? s->task_type.len : 128);
    const char *name = (const char *)s->task_type.ptr;
    if (s->pipeline_version > 0 && library_find(c, s->task_type, 0) != NULL) {
        refuse_with(
            c, p->id, m->request,
            refusal_at("/pipeline_version", CODE_UNKNOWN_PIPELINE,
                       arena_printf(fx_arena(c),
                                    "pipeline '%.*s' has no version %u; GET "
                                    "/api/v1/marathon/pipelines/%.*s/versions lists its versions",
                                    len, name, s->pipeline_version, len, name)));
        return NULL;
    }
    refuse_with(
        c, p->id, m->request,
        refusal_at(
            "/task_type", CODE_UNKNOWN_PIPELINE,
            arena_printf(
                fx_arena(c),
                "there is no pipeline '%.*s'; GET /api/v1/marathon/pipelines lists all pipelines",
                len, name)));
    return NULL;
}

/* The pipeline that a start names or carries; NULL after a refusal. The caller owns a reference. */
static struct pipeline *choose_pipeline(struct core *c, const struct peer *p,
                                        const struct message *m)
{
    const struct start_request *s = &m->start;
    if (s->steps.len > 0) {
        struct pipeline *inline_one = NULL;
        struct pipeline_fault fault;
        enum err e =
            definitions_get(&c->definitions, s->steps, s->pipeline_version, &inline_one, &fault);
        if (e == ERR_OK && fork_kept_good(s, inline_one, fx_arena(c))) {
            return library_expand(c, p, m, inline_one, NULL);
        }
        if (e == ERR_OK) {
            pipeline_unref(inline_one);
            refuse(c, p->id, m->request, CODE_INVALID_FIELD,
                   "the results that the fork takes over are not those of a part of it");
            return NULL;
        }
        const char *pointer = arena_printf(fx_arena(c), "/steps%s", fault.pointer);
        refuse_with(c, p->id, m->request, refusal_at(pointer, CODE_INVALID_PIPELINE, fault.detail));
        return NULL;
    }
    return choose_stored(c, p, m);
}

static uint32_t or_default(int32_t asked, uint32_t fallback)
{
    return asked >= 0 ? (uint32_t)asked : fallback;
}

static struct task *make_task(struct core *c, const struct start_request *s,
                              struct pipeline *pipeline)
{
    struct task_names names = {s->task_id, s->task_type, s->session_id};
    struct task *t = task_create(&names, pipeline);
    t->created_at = c->now.wall;
    t->priority = s->priority != PRIORITY_UNSET ? s->priority : pipeline->priority;
    t->max_retries = or_default(s->max_retries, c->config.max_retries);
    t->checkpoint_interval_s =
        or_default(s->checkpoint_interval_s, c->config.checkpoint_interval_s);
    t->max_duration_s = or_default(s->max_duration_s, c->config.max_duration_s);
    t->checkpoints = s->enable_checkpoints && c->config.checkpoints_enabled;
    t->keyed = s->idempotency_key.len > 0;
    struct budget budget = pipeline->budget;
    budget_merge(&budget, &s->budget);
    if (!budget_none(&budget)) {
        spending_make(t)->budget = budget;
    }
    return t;
}

static bool may_admit(struct core *c, const struct peer *p, const struct message *m)
{
    if (!partition_serves(partition_of(c, m->start.task_id))) {
        c->stats.starts_refused_total++;
        refuse_unavailable(c, p->id, m->request);
        return false;
    }
    if (c->admission_closed != NULL) {
        c->stats.starts_refused_total++;
        refuse(c, p->id, m->request, CODE_UNAVAILABLE, c->admission_closed);
        return false;
    }
    if (c->stats.tasks_live + c->admits_pending >= c->config.tasks_max) {
        c->stats.starts_refused_total++;
        refuse(c, p->id, m->request, CODE_TOO_MANY_REQUESTS,
               "this coordinator has reached its limit of live tasks (MARATHON_TASKS_MAX): wait "
               "until some have ended, or cancel some");
        return false;
    }
    if (writes_full(c)) {
        c->stats.starts_refused_total++;
        refuse_writes_full(c, p->id, m->request);
        return false;
    }
    return true;
}

/* A repeated fork whose source has changed since its key was first used: nothing is started, but
 * the client is told what became of the first one. */
static void look_for_key(struct core *c, const struct peer *p, const struct message *m)
{
    struct partition *of = partition_of(c, m->start.task_id);
    if (!partition_serves(of)) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    if (writes_full(c)) {
        refuse_writes_full(c, p->id, m->request);
        return;
    }
    struct pending_write *w = write_create(c, ROW_ADMIT, of->id);
    struct store_row row = {.kind = ROW_ADMIT, .only_replay = true, .partition = of->id};
    w->peer = p->id;
    w->request = m->request;
    w->task_id = arena_bytes(&w->arena, m->start.task_id);
    row.write_id = w->write_id;
    row.fence = of->fence;
    row.task_id = w->task_id;
    row.idempotency_key = m->start.idempotency_key;
    row.body_hash = m->start.body_hash;
    c->admits_pending++;
    write_count_row(c, w, &row);
    fx_write(c, &row);
}

/* Are the idempotency key and the body's hash of the right lengths? Stores keep them as they
 * are. */
static bool key_good(const struct start_request *s, bool needed)
{
    return s->idempotency_key.len == 0
               ? !needed
               : s->idempotency_key.len == SHA256_BYTES && s->body_hash.len == SHA256_BYTES;
}

void on_start(struct core *c, struct peer *p, const struct message *m)
{
    const struct start_request *s = &m->start;
    bool only_asks = s->fork_of.len > 0 && s->steps.len == 0;
    if (!key_good(s, only_asks)) {
        refuse(c, p->id, m->request, CODE_INVALID_FIELD,
               "a start's idempotency key, and the hash of its body, are 32 bytes each");
        return;
    }
    if (only_asks) {
        look_for_key(c, p, m);
        return;
    }
    if (!may_admit(c, p, m)) {
        return;
    }
    struct pipeline *pipeline = choose_pipeline(c, p, m);
    if (pipeline == NULL) {
        return;
    }
    struct task *t = make_task(c, s, pipeline);
    pipeline_unref(pipeline);
    struct change ch;
    change_begin(c, t, &ch);
    ch.write->peer = p->id;
    ch.write->request = m->request;
    struct shared *results = NULL;
    if (s->fork_of.len > 0) { /* its parts have been checked */
        results = fork_take_kept(&ch, s);
        struct task_event *e = change_deed(&ch, EVENT_TASK_FORKED, task_current_step(t), &s->deed);
        e->message = arena_bytes(&ch.write->arena, s->fork_of);
    } else {
        change_event(&ch, EVENT_PROGRESS, 0);
    }
    change_ready_all(&ch);
    change_admit(&ch, s, results);
}

static void answer_started(struct core *c, const struct pending_write *w, struct bytes task_id,
                           bool replayed)
{
    struct message m = {.type = MSG_STARTED, .request = w->request};
    m.started.task_id = arena_bytes(fx_arena(c), task_id);
    m.started.replayed = replayed;
    fx_send(c, w->peer, &m);
}

static void admit(struct core *c, struct pending_write *w, uint32_t run)
{
    struct task *t = w->admission;
    w->admission = NULL;
    t->run = run;
    t->writes_pending--;
    task_insert(c, t);
    rollback_note_acked(c, &c->partitions[w->partition], t, w->version);
    c->stats.tasks_started_total++;
    answer_started(c, w, t->id, false);
}

void on_admitted(struct core *c, struct pending_write *w, const struct store_written *written)
{
    bool only_asked = w->admission == NULL;
    if (only_asked && (written->verdict == STORE_EXISTS || written->verdict == STORE_VERSION)) {
        refuse(c, w->peer, w->request, CODE_TASK_NOT_FOUND,
               "no task was started with this Idempotency-Key");
        return;
    }
    switch (written->verdict) {
    case STORE_OK:
        admit(c, w, written->run);
        break;
    case STORE_REPLAY:
        answer_started(c, w, written->task_id, true);
        break;
    case STORE_EXISTS: {
        const struct task *t = task_find(c, w->task_id);
        struct refusal r = {.code = CODE_TASK_EXISTS, .pointer = "/task_id"};
        r.state = t != NULL ? t->state : TASK_RUNNING;
        r.detail =
            "a task with this id is alive; wait for its end, cancel it, or choose another id";
        refuse_with(c, w->peer, w->request, r);
        break;
    }
    case STORE_MISMATCH:
        refuse(c, w->peer, w->request, CODE_IDEMPOTENCY_MISMATCH,
               "this Idempotency-Key was used with another body; use a new key for a new request");
        break;
    case STORE_FULL:
        c->stats.starts_refused_total++;
        refuse(c, w->peer, w->request, CODE_STORE_FULL,
               "Redis has reached maxmemory: running tasks go on, new ones are refused until there "
               "is room");
        break;
    case STORE_FENCED:
        refuse_unavailable(c, w->peer, w->request);
        w->peer = 0;
        partition_drop(c, &c->partitions[w->partition], "fenced");
        break;
    case STORE_VERSION:
    case STORE_GONE:
    case STORE_UNKNOWN:
        refuse_unavailable(c, w->peer, w->request);
        w->peer = 0;
        partition_drop(c, &c->partitions[w->partition], "a start has an unknown outcome");
        break;
    }
}
