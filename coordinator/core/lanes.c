#include "core/lanes.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/asks.h"
#include "core/budget.h"
#include "core/dispatch.h"
#include "core/functions.h"
#include "core/fx.h"
#include "core/partition.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/workers.h"

/* All lanes of one concurrency key. */
struct gate {
    char *key;
    struct lane *first;
};

struct lane {
    struct bytes key; /* owned: the function with its labels, and both limit keys, as one */
    uint64_t number;
    struct heap waiting;  /* of struct work.ready: its steps, except the offered one */
    struct step *offered; /* the step that stands in its function's ready order; NULL = none */
    bool asking;
    bool by_rate; /* it was refused by the rate, not by the concurrency */
    mono_ms pause_ms;
    struct timer timer;       /* runs after a refusal: nothing is offered until it fires */
    struct gate *gate;        /* NULL where its steps have no concurrency key */
    struct lane *prev, *next; /* neighbours in the gate */
};

struct step_shared *step_shared(struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    struct step_rare *rare = rare_make(s);
    if (rare->shared == NULL) {
        rare->shared = mem_zalloc(sizeof *rare->shared);
        if (def->concurrency.key != NULL && def->concurrency.template == NULL) {
            rare->shared->concurrency = mem_str(def->concurrency.key);
        }
        if (def->rate.key != NULL && def->rate.template == NULL) {
            rare->shared->rate = mem_str(def->rate.key);
        }
    }
    return rare->shared;
}

/* ---- the table ---- */

static void gate_join(struct core *c, struct lane *l, const char *key)
{
    struct gate *g = map_get(&c->gates, bytes_str(key));
    if (g == NULL) {
        g = mem_zalloc(sizeof *g);
        g->key = mem_str(key);
        map_put(&c->gates, bytes_str(g->key), g);
    }
    l->gate = g;
    l->next = g->first;
    if (g->first != NULL) {
        g->first->prev = l;
    }
    g->first = l;
}

static void gate_leave(struct core *c, struct lane *l)
{
    struct gate *g = l->gate;
    if (g == NULL) {
        return;
    }
    *(l->prev != NULL ? &l->prev->next : &g->first) = l->next;
    if (l->next != NULL) {
        l->next->prev = l->prev;
    }
    if (g->first == NULL) {
        map_remove(&c->gates, bytes_str(g->key));
        free(g->key);
        free(g);
    }
}

/* The lane of this step, made where it is missing. Its key joins the parts with line feeds, which
 * none of them contains. */
static struct lane *lane_of(struct core *c, const struct function *f, struct step *s)
{
    const struct step_shared *x = step_shared(s);
    struct buf key = {0};
    buf_add_bytes(&key, f->key);
    buf_addf(&key, "\n%s\n%s", x->concurrency != NULL ? x->concurrency : "",
             x->rate != NULL ? x->rate : "");
    struct lane *l = map_get(&c->lanes, buf_bytes(&key));
    if (l == NULL) {
        l = mem_zalloc(sizeof *l);
        l->key = bytes_of(mem_str_bytes(buf_bytes(&key)), key.len);
        l->number = ++c->next_lane;
        l->waiting.before = ready_before;
        l->timer.kind = TIMER_LANE;
        map_put(&c->lanes, l->key, l);
        if (x->concurrency != NULL) {
            gate_join(c, l, x->concurrency);
        }
    }
    buf_free(&key);
    return l;
}

static void lane_free(struct core *c, struct lane *l)
{
    timer_clear(c, &l->timer);
    gate_leave(c, l);
    map_remove(&c->lanes, l->key);
    heap_free(&l->waiting);
    bytes_free(l->key);
    free(l);
}

void lanes_free(struct core *c)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->lanes, &i, &value);) {
        lane_free(c, value);
    }
    map_free(&c->lanes);
    map_free(&c->gates);
}

/* ---- the order ---- */

void lane_settle(struct core *c, struct lane *l)
{
    if (l == NULL || l->asking) {
        return;
    }
    if (l->waiting.count == 0 && l->offered == NULL) {
        lane_free(c, l);
        return;
    }
    struct heap_node *best = heap_top(&l->waiting);
    if (best == NULL || heap_holds(&l->timer.node) ||
        (l->offered != NULL && !ready_before(best, &l->offered->work->ready))) {
        return;
    }
    struct function *f = function_of(c, step_of_ready(best));
    heap_remove(&l->waiting, best);
    if (l->offered != NULL) {
        heap_remove(&f->ready, &l->offered->work->ready);
        heap_push(&l->waiting, &l->offered->work->ready);
        f->laned++;
    }
    f->laned--;
    heap_push(&f->ready, best);
    l->offered = step_of_ready(best);
}

void lane_push(struct core *c, struct function *f, struct step *s)
{
    struct lane *l = lane_of(c, f, s);
    rare_of(s)->shared->lane = l;
    heap_push(&l->waiting, &s->work->ready);
    f->laned++;
    lane_settle(c, l);
}

struct lane *lane_leave(struct function *f, struct step *s)
{
    struct lane *l = rare_of(s)->shared->lane;
    rare_of(s)->shared->lane = NULL;
    if (l->offered == s) {
        heap_remove(&f->ready, &s->work->ready);
        l->offered = NULL;
    } else {
        heap_remove(&l->waiting, &s->work->ready);
        f->laned--;
    }
    return l;
}

/* The lane offers nothing for this long, and a random bit longer. */
static void lane_refuse(struct core *c, struct lane *l, mono_ms pause_ms, mono_ms jitter_ms)
{
    timer_set(c, &l->timer,
              c->now.mono + pause_ms + (mono_ms)rng_below(&c->rng, (uint64_t)jitter_ms + 1));
}

void lane_due(struct core *c, struct timer *t)
{
    struct lane *l = (struct lane *)(void *)((char *)t - offsetof(struct lane, timer));
    lane_settle(c, l);
}

void lanes_wake(struct core *c, const char *concurrency)
{
    struct gate *g = map_get(&c->gates, bytes_str(concurrency));
    for (struct lane *l = g != NULL ? g->first : NULL, *next; l != NULL; l = next) {
        next = l->next;
        if (heap_holds(&l->timer.node) && !l->by_rate) {
            timer_clear(c, &l->timer);
            lane_settle(c, l);
        }
    }
}

const char *lane_lack(const struct step *s, struct arena *arena)
{
    const struct step_shared *x = rare_of(s)->shared;
    const struct lane *l = x != NULL ? x->lane : NULL;
    const struct pipeline_step *def = step_def(s);
    if (l == NULL || (l->offered == s && !heap_holds(&l->timer.node))) {
        return NULL;
    }
    if (x->concurrency == NULL || l->by_rate) {
        return arena_printf(arena, "the rate limit %s, %u %s", x->rate, def->rate.count,
                            def->rate.per_minute ? "a minute" : "a second");
    }
    return arena_printf(arena, "the concurrency limit %s, %u at once", x->concurrency,
                        def->concurrency.count);
}

/* ---- the store ---- */

bool lane_ask(struct core *c, struct lane *l, struct step *s, struct worker *w)
{
    const struct pipeline_step *def = step_def(s);
    struct ask *ask = ask_create(c, ASK_LIMITS);
    if (ask == NULL) {
        return false;
    }
    struct limit_op *op = arena_alloc(fx_arena(c), sizeof *op);
    op->kind = LIMIT_TAKE;
    op->patience_ms = LANE_PATIENCE_MS;
    op->waiter = bytes_str(arena_printf(fx_arena(c), "%02x%02x%02x%02x.%llu", c->config.instance[0],
                                        c->config.instance[1], c->config.instance[2],
                                        c->config.instance[3], (unsigned long long)l->number));
    const struct step_shared *shared = rare_of(s)->shared;
    if (shared->concurrency != NULL) {
        ask->hold = hold_create(c, s);
        hold_fill(c, ask->hold, op);
        op->limit = def->concurrency.count;
    }
    if (shared->rate != NULL) {
        uint64_t span_us = def->rate.per_minute ? 60000000 : 1000000;
        op->rate = arena_bytes(fx_arena(c), bytes_str(shared->rate));
        op->interval_us =
            planted(PLANT_RATE_IGNORED) ? 1 : (span_us + def->rate.count - 1) / def->rate.count;
    }
    ask->task_id = arena_bytes(&ask->arena, s->task->id);
    ask->run = s->task->run;
    ask->step = s->index;
    ask->item = s->item;
    ask->worker = w->serial;
    ask->peer = w->peer;
    ask->lane = l;
    l->asking = true;
    s->phase = PHASE_FETCHING;
    s->work->awaits = ask->read_id;
    s->work->worker = w->serial;
    struct store_read read = {.kind = READ_LIMITS, .limits = op, .limit_count = 1};
    ask_send(c, ask, &read);
    return true;
}

/* The step whose place was asked for, if it still waits for that; taken out of its phase. */
static struct step *asked_step(struct core *c, const struct ask *ask)
{
    struct task *t = task_find(c, ask->task_id);
    struct step *s = t != NULL && t->run == ask->run ? unit_find(t, ask->step, ask->item) : NULL;
    if (s == NULL || s->phase != PHASE_FETCHING || work_of(s)->awaits != ask->read_id) {
        return NULL;
    }
    s->phase = PHASE_NONE;
    return partition_serves(&c->partitions[t->partition]) ? s : NULL;
}

static void refused(struct core *c, struct lane *l, const struct store_answer *a)
{
    l->by_rate = a->err == ERR_OK && a->limits[0].by_rate;
    if (l->by_rate) { /* long pauses would leave the rate unused */
        mono_ms wait = a->limits[0].wait_ms;
        lane_refuse(c, l, wait, wait / 16 < RATE_JITTER_MS_MAX ? wait / 16 : RATE_JITTER_MS_MAX);
        return;
    }
    l->pause_ms = l->pause_ms == 0 ? LANE_PAUSE_MS : 2 * l->pause_ms;
    l->pause_ms = l->pause_ms < LANE_PAUSE_MS_MAX ? l->pause_ms : LANE_PAUSE_MS_MAX;
    lane_refuse(c, l, l->pause_ms, l->pause_ms / 4);
}

void lane_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct lane *l = ask->lane;
    struct step *s = asked_step(c, ask);
    struct worker *w = worker_by_serial(c, ask->worker);
    struct hold *hold = ask->hold;
    bool granted = a->err == ERR_OK && (a->limits[0].granted || planted(PLANT_LIMIT_IGNORED));
    l->asking = false;
    if (granted) {
        l->pause_ms = 0;
        hold_granted(hold);
    } else {
        hold_drop(c, hold);
        hold = NULL;
        refused(c, l, a);
    }
    bool ready = w != NULL && w->peer == ask->peer && !w->draining;
    if (s != NULL && granted && ready && dispatch_fetch(c, s, w, hold)) {
        lane_settle(c, l);
        return;
    }
    credit_give_back(c, ask->worker, ask->peer);
    if (granted) {
        hold_return(c, ask);
    }
    if (s != NULL) {
        step_enqueue(c, s); /* settles its lane */
        budget_room(c, s->task);
    } else {
        lane_settle(c, l);
    }
}
