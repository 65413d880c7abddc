#include "core/dispatch.h"

#include "core/asks.h"
#include "core/budget.h"
#include "core/functions.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/partition.h"
#include "core/ready.h"
#include "core/scope.h"
#include "core/state.h"
#include "core/step_limits.h"
#include "core/tasks.h"
#include "core/workers.h"
#include "core/writes.h"

void credit_give_back(struct core *c, uint64_t serial, peer_id peer)
{
    struct worker *w = worker_by_serial(c, serial);
    if (w != NULL && w->peer != 0 && w->peer == peer) {
        w->credit++;
        c->credit_sum++;
    }
}

/* Fewer of our own steps is better, then fewer known steps in all: we are not told when steps of
 * other coordinators end. */
static bool less_busy(const struct core *c, const struct worker *w, const struct worker *than)
{
    uint32_t busy = worker_busy(c, w), than_busy = worker_busy(c, than);
    return busy != than_busy ? busy < than_busy : w->run_count < than->run_count;
}

/* The next worker in turn that has credit. A step that must run alone waits at its worker until the
 * other steps there are done, however long they take: for it the least busy worker is chosen. */
static struct worker *find_worker(const struct core *c, struct function *f, bool alone)
{
    struct worker *found = NULL;
    size_t from = f->next_worker;
    for (size_t i = 0; i < f->worker_count && (found == NULL || alone); i++) {
        size_t at = (from + i) % f->worker_count;
        struct worker *w = f->workers[at];
        if (w->credit == 0 || w->draining || w->peer == 0) {
            continue;
        }
        if (found == NULL || less_busy(c, w, found)) {
            found = w;
            f->next_worker = at + 1;
        }
    }
    return found;
}

/* The best ready step for which a worker has credit, with its function and that worker. */
static struct step *best(struct core *c, struct function **ret_function, struct worker **ret_worker)
{
    struct step *found = NULL;
    for (size_t i = 0; i < c->function_count; i++) {
        struct function *f = &c->functions[i];
        struct heap_node *n = heap_top(&f->ready);
        if (n == NULL || (found != NULL && !ready_before(n, &found->work->ready))) {
            continue;
        }
        struct step *s = step_of_ready(n);
        struct worker *w = find_worker(c, f, s->deaths >= 2);
        if (w == NULL) {
            continue;
        }
        found = s;
        *ret_function = f;
        *ret_worker = w;
    }
    return found;
}

bool dispatch_fetch(struct core *c, struct step *s, struct worker *w, struct hold *hold)
{
    struct ask *ask = ask_create(c, ASK_ORDER);
    if (ask == NULL) {
        return false;
    }
    ask->task_id = arena_bytes(&ask->arena, s->task->id);
    ask->run = s->task->run;
    ask->step = s->index;
    ask->item = s->item;
    ask->worker = w->serial;
    ask->peer = w->peer;
    ask->hold = hold;
    struct store_read read = {0};
    ask->scope = arena_alloc(&ask->arena, sizeof *ask->scope);
    order_want(c, s, &ask->arena, ask->scope);
    scope_ask(ask->scope, &read);
    read.step = s->index;
    read.item = s->item;
    ask_send(c, ask, &read);
    s->phase = PHASE_FETCHING;
    s->work->awaits = ask->read_id;
    s->work->worker = w->serial;
    return true;
}

void dispatch(struct core *c)
{
    while (c->ready_count > 0 && c->credit_sum > 0 && c->write_bytes < WRITES_BYTES_MAX) {
        struct function *f = NULL;
        struct worker *w = NULL;
        struct step *s = best(c, &f, &w);
        if (s == NULL) {
            return;
        }
        struct lane *l = ready_leave(c, f, s);
        s->phase = PHASE_NONE;
        if (!budget_admits(s)) {
            /* before other steps leave the lane: it is freed with the last of them */
            lane_settle(c, l);
            budget_put_aside(c, s);
            continue;
        }
        if (!(l != NULL ? lane_ask(c, l, s, w) : dispatch_fetch(c, s, w, NULL))) {
            step_enqueue(c, s);
            return;
        }
        w->credit--;
        c->credit_sum--;
    }
}

static bool on_parts(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *t = task_find(c, ask->task_id);
    struct step *s = t != NULL && t->run == ask->run ? unit_find(t, ask->step, ask->item) : NULL;
    if (s == NULL || s->phase != PHASE_FETCHING || work_of(s)->awaits != ask->read_id) {
        credit_give_back(c, ask->worker, ask->peer);
        return false;
    }
    struct worker *w = worker_by_serial(c, ask->worker);
    s->phase = PHASE_NONE;
    if (!partition_serves(&c->partitions[t->partition])) { /* its partition is being handed over */
        credit_give_back(c, ask->worker, ask->peer);
        return false;
    }
    if (a->err == ERR_NOT_FOUND) {
        fx_log(c, LOG_ERROR, "record_missing", "task_id=%.*s", (int)ask->task_id.len,
               (const char *)ask->task_id.ptr);
        partition_drop(c, &c->partitions[t->partition], "a live task's record is missing");
        credit_give_back(c, ask->worker, ask->peer);
        return false;
    }
    if (a->err != ERR_OK || w == NULL || w->peer != ask->peer || w->draining) {
        credit_give_back(c, ask->worker, ask->peer);
        step_make_ready(c, s);
        budget_room(c, t);
        return false;
    }
    if (step_total_left(c, s) <= 0) {
        credit_give_back(c, ask->worker, ask->peer);
        step_expire(c, s);
        return false;
    }
    return order_send(c, s, w, ask, a);
}

void dispatch_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    if (!on_parts(c, ask, a)) {
        hold_return(c, ask);
    }
}
