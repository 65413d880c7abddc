#include "core/ready.h"

#include <assert.h>

#include "core/account.h"
#include "core/fan.h"
#include "core/functions.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/resolve.h"
#include "core/state.h"
#include "core/step_limits.h"
#include "core/timers.h"
#include "core/token.h"
#include "core/wait.h"
#include "core/workers.h"
#include "core/writes.h"

/* ---- the order ---- */

static const struct work *work_of_ready(const struct heap_node *n)
{
    return (const struct work *)(const void *)n; /* `ready` is the first member */
}

struct step *step_of_ready(struct heap_node *n)
{
    return work_of_ready(n)->step;
}

/* The order is age plus priority, where one point of priority is worth priority_ms of age. A
 * waiting step grows older than whatever may come later, so nothing starves; and a step's rank
 * never changes, as a heap needs it. Steps of an older task go first; but an item of a fan-out is
 * as young as its own turn, so that ten thousand of them do not keep all younger tasks waiting. */
bool ready_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct work *x = work_of_ready(a);
    const struct work *y = work_of_ready(b);
    if (x->place != y->place) {
        return x->place < y->place;
    }
    return x->age != y->age ? x->age < y->age : x->step->index < y->step->index;
}

static mono_ms place_now(const struct core *c, const struct task *t)
{
    return c->now.mono - t->priority * c->config.priority_ms;
}

void step_take_place(struct core *c, struct step *s)
{
    struct work *x = work_make(s);
    struct task *t = s->task;
    if (x->age != 0) {
        return;
    }
    if (s->item != ITEM_NONE) {
        x->age = ++c->last_age;
        x->place = place_now(c, t);
        return;
    }
    if (t->age == 0) {
        t->age = ++c->last_age;
        t->place = place_now(c, t) - t->old_ms;
    }
    x->age = t->age;
    x->place = t->place;
}

/* ---- the queues ---- */

void step_make_ready(struct core *c, struct step *s)
{
    assert(s->state == STEP_PENDING && (s->phase == PHASE_NONE || s->phase == PHASE_HELD));
    bool begun = step_waits(s); /* a wait that has begun goes on during a pause */
    if (task_state_rests(s->task->state) && !begun) {
        s->phase = PHASE_NONE;
        step_clock_hold(c, s);
        return;
    }
    if (rare_of(s)->spent_ms > 0) { /* its timeout_total runs on after a rest or a takeover */
        step_clock_start(c, s);
    }
    if (rare_of(s)->fan != NULL) {
        fan_go(c, s);
        return;
    }
    if (s->item != ITEM_NONE) {
        step_take_place(c, s);
    }
    if (step_def(s)->resolves && !s->resolved && !begun && work_of(s)->retry_due <= c->now.mono) {
        resolve_later(c, s);
        return;
    }
    if (step_def(s)->wait.kind != WAIT_NONE) {
        wait_make_ready(c, s);
        return;
    }
    if (work_of(s)->retry_due > c->now.mono) {
        s->phase = PHASE_DELAYED;
        c->delayed_count++;
        timer_set(c, &s->work->timer, s->work->retry_due);
        return;
    }
    step_forget_retry(s);
    step_take_place(c, s);
    s->work->ready_at = c->now.mono;
    step_enqueue(c, s);
}

void step_enqueue(struct core *c, struct step *s)
{
    struct function *f = function_of(c, s);
    s->phase = PHASE_READY;
    account_rest(s);
    c->ready_count++;
    if (step_shares(s)) {
        lane_push(c, f, s);
    } else {
        heap_push(&f->ready, &s->work->ready);
    }
    timer_set(c, &s->work->timer, step_ready_until(c, s));
    if (f->worker_count == 0 && !f->warned) {
        f->warned = true;
        fx_log(c, LOG_WARN, "function_without_worker",
               "function=%s requires=%s hint=\"steps wait until a worker that offers it, and has "
               "these labels, connects\"",
               f->name, f->requires);
    }
}

struct lane *ready_leave(struct core *c, struct function *f, struct step *s)
{
    struct lane *l = NULL;
    const struct step_shared *shared = rare_of(s)->shared;
    if (shared != NULL && shared->lane != NULL) {
        l = lane_leave(f, s);
    } else {
        heap_remove(&f->ready, &s->work->ready);
    }
    timer_clear(c, &s->work->timer);
    c->ready_count--;
    function_release(c, (uint32_t)(f - c->functions));
    return l;
}

void step_unqueue(struct core *c, struct step *s)
{
    switch (s->phase) {
    case PHASE_READY:
        lane_settle(c, ready_leave(c, function_of(c, s), s));
        break;
    case PHASE_DELAYED:
        timer_clear(c, &s->work->timer);
        c->delayed_count--;
        break;
    case PHASE_WAITING:
        timer_clear(c, &s->work->timer);
        break;
    case PHASE_RESOLVING:
        if (heap_holds(&s->work->ready)) {
            heap_remove(&c->resolving, &s->work->ready);
        }
        break;
    case PHASE_NONE:
    case PHASE_HELD:
    case PHASE_FETCHING: /* the answer to its read finds no step in this phase, and gives the credit
                            back */
    case PHASE_BUDGET:
    case PHASE_ITEMS:   /* its items are in queues of their own */
    case PHASE_RUNNING: /* the worker's run stays, until it is claimed, stopped or answered */
        break;
    }
    s->phase = PHASE_NONE;
    step_set_log(s, BYTES_NONE);
}

void step_stop_run(struct core *c, struct step *s, enum stop_reason reason, struct pending_write *w)
{
    struct worker *runner =
        s->phase == PHASE_RUNNING ? worker_by_serial(c, work_of(s)->worker) : NULL;
    if (runner != NULL && runner->peer != 0) {
        struct message *m = write_hold(w, runner->peer);
        m->type = MSG_STOP;
        token_mint(&c->secret, s, &m->stop.ref);
        m->stop.ref.task_id = arena_bytes(&w->arena, s->task->id);
        m->stop.reason = reason;
    }
    if (s->phase == PHASE_RUNNING) {
        account_leave(s);
    }
    step_unqueue(c, s);
}
