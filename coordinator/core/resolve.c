/* Steps for which the task's data decides what they do: whether they run at all, what a pipeline
 * within gives as its result, the list of their items, how long they wait. Once the needs of such a
 * step are met it waits here for its turn; exactly the parts that its expressions refer to are
 * read; then it is made ready or skipped. Where it runs, what was found is not stored: the same
 * data gives the same again. */
#include "core/resolve.h"

#include <assert.h>
#include <stdlib.h>

#include "core/asks.h"
#include "core/change.h"
#include "core/fan.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/on_outcome.h"
#include "core/partition.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/scope.h"
#include "core/state.h"
#include "core/step_end.h"
#include "core/tasks.h"
#include "core/wait.h"
#include "core/workers.h"
#include "model/limits.h"

void resolve_later(struct core *c, struct step *s)
{
    s->phase = PHASE_RESOLVING;
    step_take_place(c, s);
    s->work->awaits = 0;
    heap_push(&c->resolving, &s->work->ready);
}

static void skip(struct core *c, struct step *s)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    step_skip(&ch, s);
    change_commit(&ch);
}

/* The result of a pipeline within: the results of its last steps, by name; null for a skipped
 * one. */
static struct parts joined(struct core *c, const struct step *s, const struct scope *x)
{
    const struct pipeline *p = s->task->pipeline;
    const struct pipeline_step *def = step_def(s);
    struct bytes *items = arena_alloc(fx_arena(c), (2 * def->needs_count + 2) * sizeof *items);
    struct parts all = {.items = items};
    items[all.count++] = BYTES_LIT("{");
    for (uint32_t i = 0; i < def->needs_count && !(planted(PLANT_JOIN_CUT) && i > 0); i++) {
        const char *name = p->steps[def->needs[i]].own_name;
        items[all.count++] =
            bytes_str(arena_printf(fx_arena(c), "%s\"%s\":", i > 0 ? "," : "", name));
        items[all.count++] = scope_result(x, def->needs[i]);
    }
    items[all.count++] = BYTES_LIT("}");
    return all;
}

static void join(struct core *c, struct step *s, struct scope *x)
{
    struct parts result = joined(c, s, x);
    struct bytes sized = bytes_of(NULL, parts_len(&result));
    if (sized.len > RESULT_BYTES_MAX || !step_result_fits(s, sized)) {
        step_fail(c, s, CODE_RESULT_TOO_LARGE,
                  BYTES_LIT("the results of its last steps are larger than 1 MiB in total, or "
                            "those of the task larger than 64 MiB"));
        return;
    }
    struct change ch;
    change_begin(c, s->task, &ch);
    s->started_at = c->now.wall;
    s->completed_at = c->now.wall;
    if (s->task->started_at == 0) {
        s->task->started_at = c->now.wall;
    }
    step_complete(&ch, s, result);
    change_commit(&ch);
}

/* Evaluates the list of the step's items. It is stored with them, and never evaluated again. */
static void spread(struct core *c, struct step *s, struct scope *x)
{
    struct bytes list, why;
    if (!scope_eval(x, step_def(s)->for_each, "for_each", &list, &why)) {
        step_fail(c, s, CODE_EXPRESSION_ERROR, why);
    } else {
        fan_make(c, s, list, scope_lender(x, list));
    }
}

/* Evaluates the keys of the step's limits. */
static bool take_keys(struct step *s, struct scope *x, struct bytes *ret_why)
{
    const struct pipeline_step *def = step_def(s);
    struct step_shared *shared = def->keyed ? step_shared(s) : NULL;
    struct bytes key;
    if (def->concurrency.template != NULL) {
        if (!scope_render_key(x, def->concurrency.template, "concurrency/key", &key, ret_why)) {
            return false;
        }
        free(shared->concurrency);
        shared->concurrency = mem_str_bytes(key);
    }
    if (def->rate.template != NULL) {
        if (!scope_render_key(x, def->rate.template, "rate_limit/key", &key, ret_why)) {
            return false;
        }
        free(shared->rate);
        shared->rate = mem_str_bytes(key);
    }
    return true;
}

static void decide(struct core *c, struct step *s, struct scope *x)
{
    bool holds = true;
    struct bytes why;
    s->phase = PHASE_NONE;
    if (s->item == ITEM_NONE && !scope_eval_when(x, &holds, &why)) {
        step_fail(c, s, CODE_EXPRESSION_ERROR, why);
    } else if (!holds && !planted(PLANT_WHEN_IGNORED)) {
        skip(c, s);
    } else if (step_def(s)->joins) {
        join(c, s, x);
    } else if (step_def(s)->for_each != NULL && s->item == ITEM_NONE) {
        spread(c, s, x);
    } else if (step_def(s)->wait.end != NULL && !wait_resolve(c, s, x, &why)) {
        step_fail(c, s, CODE_EXPRESSION_ERROR, why);
    } else if (!take_keys(s, x, &why)) {
        step_fail(c, s, CODE_EXPRESSION_ERROR, why);
    } else {
        s->resolved = true;
        step_make_ready(c, s);
    }
}

static void want_keys(const struct step *s, struct scope *x)
{
    const struct pipeline_step *def = step_def(s);
    if (def->concurrency.template != NULL) {
        scope_want_template(x, def->concurrency.template);
    }
    if (def->rate.template != NULL) {
        scope_want_template(x, def->rate.template);
    }
}

static void want(struct core *c, const struct step *s, struct scope *ret_scope)
{
    const struct pipeline_step *def = step_def(s);
    scope_begin(c, s, ret_scope);
    if (s->item != ITEM_NONE || def->for_each == NULL) {
        want_keys(s, ret_scope);
    }
    if (s->item != ITEM_NONE) {
        return;
    }
    scope_want_when(ret_scope);
    if (def->for_each != NULL) {
        scope_want(ret_scope, def->for_each);
    }
    if (step_def(s)->wait.end != NULL) {
        scope_want(ret_scope, step_def(s)->wait.end);
    }
    for (uint32_t i = 0; step_def(s)->joins && i < step_def(s)->needs_count; i++) {
        scope_want_result(ret_scope, step_def(s)->needs[i]);
    }
}

/* Begins to evaluate a step. False where too many reads wait: the step keeps its place in the
 * queue. */
static bool begin(struct core *c, struct step *s)
{
    struct scope x;
    want(c, s, &x);
    /* an item's value must be read, even where nothing else is wanted */
    if (!scope_wants(&x) && s->item == ITEM_NONE) {
        heap_remove(&c->resolving, &s->work->ready);
        decide(c, s, &x);
        return true;
    }
    struct ask *ask = c->resolving_asks < RESOLVES_MAX ? ask_create(c, ASK_RESOLVE) : NULL;
    if (ask == NULL) {
        return false;
    }
    heap_remove(&c->resolving, &s->work->ready);
    ask->task_id = arena_bytes(&ask->arena, s->task->id);
    ask->run = s->task->run;
    ask->step = s->index;
    ask->item = s->item;
    s->work->awaits = ask->read_id;
    c->resolving_asks++;
    struct store_read read = {0};
    scope_ask(&x, &read);
    read.step = s->index;
    read.item = s->item;
    ask_send(c, ask, &read);
    return true;
}

void steps_resolve(struct core *c)
{
    struct heap_node *n;
    while ((n = heap_top(&c->resolving)) != NULL && begin(c, step_of_ready(n))) {
    }
}

void resolve_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *t = task_find(c, ask->task_id);
    struct step *s = t != NULL && t->run == ask->run ? unit_find(t, ask->step, ask->item) : NULL;
    assert(c->resolving_asks > 0);
    c->resolving_asks--;
    if (s == NULL || s->phase != PHASE_RESOLVING || work_of(s)->awaits != ask->read_id) {
        return; /* the step was stopped or reset meanwhile */
    }
    s->phase = PHASE_NONE;
    if (!partition_serves(&c->partitions[t->partition])) { /* its partition is being handed over */
        return;
    }
    if (a->err == ERR_NOT_FOUND) {
        fx_log(c, LOG_ERROR, "record_missing", "task_id=%.*s", (int)ask->task_id.len,
               (const char *)ask->task_id.ptr);
        partition_drop(c, &c->partitions[t->partition], "a live task's record is missing");
        return;
    }
    if (a->err != ERR_OK) {
        step_make_ready(c, s); /* reads again */
        return;
    }
    struct scope x;
    want(c, s, &x);
    x.answer = a;
    x.item = a->item;
    decide(c, s, &x);
}

/* ---- a running step that was claimed ---- */

void resolve_keys(struct core *c, struct step *s)
{
    struct ask *ask = ask_create(c, ASK_KEYS);
    struct store_read read = {0};
    struct scope x;
    if (ask == NULL) {
        return; /* holds_tick asks again */
    }
    scope_begin(c, s, &x);
    want_keys(s, &x);
    scope_ask(&x, &read);
    read.step = s->index;
    read.item = s->item;
    ask->task_id = arena_bytes(&ask->arena, s->task->id);
    ask->run = s->task->run;
    ask->step = s->index;
    ask->item = s->item;
    ask->worker = work_of(s)->worker;
    s->work->awaits = ask->read_id;
    ask_send(c, ask, &read);
}

void resolve_on_keys(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *t = task_find(c, ask->task_id);
    struct step *s = t != NULL && t->run == ask->run ? unit_find(t, ask->step, ask->item) : NULL;
    struct worker *w = worker_by_serial(c, ask->worker);
    bool runs = s != NULL && s->phase == PHASE_RUNNING && work_of(s)->awaits == ask->read_id &&
                work_of(s)->worker == ask->worker && w != NULL;
    if (!runs || a->err != ERR_OK || !partition_serves(&c->partitions[t->partition])) {
        return;
    }
    struct scope x;
    struct bytes why;
    scope_begin(c, s, &x);
    want_keys(s, &x);
    x.answer = a;
    x.item = a->item;
    if (take_keys(s, &x, &why)) {
        s->resolved = true;
        hold_claimed(c, w, s);
    }
}
