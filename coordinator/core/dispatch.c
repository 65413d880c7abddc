/* Ready steps to free workers: by age, to which priority adds; a worker's credit is reserved, the
 * step's input read, the order sent. */
#include <assert.h>
#include <stdlib.h>

#include "core/account.h"
#include "core/budget.h"
#include "core/fan.h"
#include "core/functions.h"
#include "core/lanes.h"
#include "core/scope.h"
#include "core/token.h"
#include "core/writes.h"
#include "model/limits.h"

static const struct work *work_of_ready(const struct heap_node *n)
{
    return (const struct work *)(const void *)n; /* `ready` is the first member */
}

struct step *step_of_ready(struct heap_node *n)
{
    return work_of_ready(n)->step;
}

/* A point of priority is worth so much age, and nothing else counts: what waits grows older than
 * whatever may come later, so that nothing starves; and a step's place never changes, as a heap
 * wants it. The steps of an older task go first; but an item of a fan-out is as young as its own
 * turn, so that ten thousand of them do not keep all younger tasks waiting. */
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

void step_make_ready(struct core *c, struct step *s)
{
    assert(s->state == STEP_PENDING && (s->phase == PHASE_NONE || s->phase == PHASE_HELD));
    bool begun = step_waits(s); /* a wait that has begun goes on in a pause */
    if (task_state_rests(s->task->state) && !begun) {
        s->phase = PHASE_NONE;
        step_clock_hold(c, s);
        return;
    }
    if (rare_of(s)->spent_ms > 0) { /* it has begun, and goes on after a rest or a takeover */
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

void credit_give_back(struct core *c, uint64_t serial, peer_id peer)
{
    struct worker *w = worker_by_serial(c, serial);
    if (w != NULL && w->peer != 0 && w->peer == peer) {
        w->credit++;
        c->credit_sum++;
    }
}

/* Its lane, to be settled; NULL where it has none. */
static struct lane *queue_leave(struct core *c, struct function *f, struct step *s)
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
        lane_settle(c, queue_leave(c, function_of(c, s), s));
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
    case PHASE_FETCHING: /* the answer finds no step and gives the credit back */
    case PHASE_BUDGET:
    case PHASE_ITEMS:   /* they are in queues of their own */
    case PHASE_RUNNING: /* the worker's run stays: it is claimed, stopped or answered by itself */
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

/* What of ours is under way there is known; of what else it said that it has, the end is told to
 * others. */
static bool less_busy(const struct core *c, const struct worker *w, const struct worker *than)
{
    uint32_t busy = worker_busy(c, w), than_busy = worker_busy(c, than);
    return busy != than_busy ? busy < than_busy : w->run_count < than->run_count;
}

/* The next in turn that has credit. A step that is to run alone waits at its worker until the
 * others there are done, however long they take: the one with the least is chosen. */
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

/* The best step for which a worker has credit; its function and the worker. */
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

/* What the order of a step is made of: what its input's expressions name, or the task's input and
 * the results of all ancestors. */
static void want(struct core *c, const struct step *s, struct arena *arena, struct scope *ret_scope)
{
    const struct pipeline_step *def = step_def(s);
    const struct pipeline *p = s->task->pipeline;
    scope_begin(c, s, ret_scope);
    ret_scope->arena = arena; /* for what is wanted */
    if (def->input_template != NULL) {
        scope_want_template(ret_scope, def->input_template);
        return;
    }
    if (s->item != ITEM_NONE) {
        return; /* it is given itself: what it needs of the task, its input names */
    }
    bool *flags = arena_alloc(fx_arena(c), p->step_count);
    pipeline_ancestors(p, s->index, flags);
    if (def->input.len == 0) {
        scope_want_input(ret_scope);
    }
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (flags[i] && p->steps[i].parent == def->parent) {
            scope_want_result(ret_scope, i);
        }
    }
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
    want(c, s, &ask->arena, ask->scope);
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
        struct lane *l = queue_leave(c, f, s);
        s->phase = PHASE_NONE;
        if (!budget_admits(s)) {
            lane_settle(c, l); /* before others leave it: with the last of them it is gone */
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

/* {"name":result,...} of what `want` asked for in its pipeline, which are its ancestors in the
 * order of the pipeline; in parts, that lie where the store's answer has them. A step whose input
 * names what it needs is given only that. */
static void put_results(struct core *c, const struct step *s, const struct scope *x,
                        struct parts *ret_results)
{
    const struct pipeline *p = s->task->pipeline;
    bool given = step_def(s)->input_template == NULL && s->item == ITEM_NONE;
    size_t lead_bytes = 0;
    for (uint32_t i = 0; given && i < x->range_count; i++) {
        lead_bytes += strlen(p->steps[x->wanted[i]].own_name) + sizeof "{\"\":";
    }
    *ret_results = parts_whole(BYTES_LIT("{}"));
    if (lead_bytes == 0) {
        return;
    }
    struct buf leads = arena_buf(fx_arena(c), lead_bytes);
    struct bytes *items = arena_alloc(fx_arena(c), (2 * x->range_count + 1) * sizeof *items);
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->range_count; i++) {
        const struct pipeline_step *def = &p->steps[x->wanted[i]];
        if (def->parent != step_def(s)->parent) {
            continue; /* what the input of the pipeline around it names */
        }
        size_t from = leads.len;
        buf_add_str(&leads, count > 0 ? ",\"" : "{\"");
        buf_add_str(&leads, def->own_name);
        buf_add_str(&leads, "\":");
        items[count++] = bytes_of(leads.ptr + from, leads.len - from);
        items[count++] = scope_result(x, x->wanted[i]);
    }
    if (count > 0) {
        items[count++] = BYTES_LIT("}");
        *ret_results = (struct parts){.items = items, .count = count};
    }
}

/* What an item is given where its step has no input. */
static struct parts item_input(struct core *c, const struct step *s, struct bytes value)
{
    struct bytes *items = arena_alloc(fx_arena(c), 3 * sizeof *items);
    items[0] = BYTES_LIT("{\"item\":");
    items[1] = value;
    items[2] = bytes_str(arena_printf(fx_arena(c), ",\"index\":%u}", s->item - 1));
    return (struct parts){.items = items, .count = 3};
}

/* The input of the order; false after the step has failed by it. */
static bool put_input(struct core *c, struct step *s, struct scope *x, struct parts *ret_input)
{
    const struct pipeline_step *def = step_def(s);
    struct bytes why;
    bool ok = true;
    if (def->input.len == 0 && s->item != ITEM_NONE) {
        *ret_input = item_input(c, s, x->item);
    } else if (def->input_template != NULL) {
        ok = scope_render_input(x, ret_input, &why);
    } else if (def->input.len > 0) {
        *ret_input = parts_whole(def->input);
    } else {
        ok = scope_input(x, ret_input, &why);
    }
    if (!ok) {
        step_fail(c, s, CODE_EXPRESSION_ERROR, why);
    }
    return ok;
}

/* False where nothing was sent. */
static bool send_order(struct core *c, struct step *s, struct worker *w, const struct ask *ask,
                       const struct store_answer *a)
{
    const struct pipeline_step *def = step_def(s);
    struct message m = {.type = MSG_ORDER};
    struct step_order *o = &m.order;
    char key[IDEMPOTENCY_KEY_TEXT_BYTES];
    struct scope x = *ask->scope;
    x.step = s;
    x.arena = fx_arena(c);
    if (!scope_holds(&x)) {
        want(c, s, x.arena, &x);
    }
    x.answer = a;
    x.item = a->item;
    if (!put_input(c, s, &x, &o->input)) {
        credit_give_back(c, w->serial, w->peer);
        return false;
    }
    token_mint(&c->secret, s, &o->ref);
    idempotency_key_make(&c->secret, s, key);
    o->ref.task_id = arena_bytes(fx_arena(c), s->task->id);
    o->name = bytes_str(def->name);
    o->function = bytes_str(def->function);
    o->idempotency_key = bytes_str(arena_str(fx_arena(c), key));
    mono_ms left = step_total_left(c, s);
    o->timeout_ms = left < def->timeout_ms ? (uint32_t)left : def->timeout_ms;
    o->progress_timeout_ms = def->progress_timeout_ms;
    o->alone = s->deaths >= 2;
    put_results(c, s, &x, &o->results);
    o->progress_checkpoint = rare_of(s)->checkpoint;
    if (parts_len(&o->input) + parts_len(&o->results) + o->progress_checkpoint.len >
        ENVELOPE_BYTES_MAX) {
        credit_give_back(c, w->serial, w->peer);
        step_fail(
            c, s, CODE_INPUT_TOO_LARGE,
            bytes_str("the input and the results of the steps before it are over 3 MiB together"));
        return false;
    }
    step_clock_start(c, s);
    step_become(s, STEP_RUNNING);
    s->phase = PHASE_RUNNING;
    s->started_at = c->now.wall;
    histogram_add_us(&c->stats.step_wait, (c->now.mono - work_of(s)->ready_at) * 1000);
    s->work->checkpoint_saved_at = c->now.mono;
    struct run *r = worker_run_add(w, &o->ref);
    token_keep(r, s->task, &o->ref);
    r->ordered_after = c->owned_number;
    hold_drop(c, r->hold);
    r->hold = ask->hold;
    fx_send(c, w->peer, &m);
    task_step_started(c, s);
    return true;
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
    if (!partition_serves(&c->partitions[t->partition])) { /* it is being handed over */
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
    return send_order(c, s, w, ask, a);
}

void dispatch_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    if (!on_parts(c, ask, a)) {
        hold_return(c, ask);
    }
}
