/* Steps whose task's data says what they are to do: whether they run at all. Once the needs of such
 * a step are met it waits here for its turn, exactly the parts that its expressions refer to are
 * read, and then it is made ready or skipped. What was found out is not stored where it leads to a
 * run: the same data say the same again. */
#include <assert.h>

#include "core/change.h"
#include "core/plant.h"
#include "core/scope.h"

void resolve_later(struct core *c, struct step *s)
{
    s->phase = PHASE_RESOLVING;
    s->read_id = 0;
    task_take_place(c, s->task);
    heap_push(&c->resolving, &s->ready);
}

static void skip(struct core *c, struct step *s)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    step_skip(&ch, s);
    change_commit(&ch);
}

static void decide(struct core *c, struct step *s, struct scope *x)
{
    bool holds = true;
    struct bytes why;
    s->phase = PHASE_NONE;
    if (!scope_eval_when(x, &holds, &why)) {
        step_fail(c, s, CODE_EXPRESSION_ERROR, why);
    } else if (!holds && !planted(PLANT_WHEN_IGNORED)) {
        skip(c, s);
    } else {
        s->resolved = true;
        step_make_ready(c, s);
    }
}

static void want(struct core *c, const struct step *s, struct scope *ret_scope)
{
    scope_begin(c, s, ret_scope);
    scope_want(ret_scope, step_def(s)->when);
}

/* False where too many reads wait: the step keeps its place. */
static bool begin(struct core *c, struct step *s)
{
    struct scope x;
    want(c, s, &x);
    if (!scope_wants(&x)) {
        heap_remove(&c->resolving, &s->ready);
        decide(c, s, &x);
        return true;
    }
    struct ask *ask = c->resolving_asks < RESOLVES_MAX ? ask_create(c, ASK_RESOLVE) : NULL;
    if (ask == NULL) {
        return false;
    }
    heap_remove(&c->resolving, &s->ready);
    ask->task_id = arena_bytes(&ask->arena, s->task->id);
    ask->run = s->task->run;
    ask->step = s->index;
    ask->item = s->item;
    s->read_id = ask->read_id;
    c->resolving_asks++;
    struct store_read read = {0};
    scope_ask(&x, &read);
    ask_send(c, ask, &read);
    return true;
}

void steps_resolve(struct core *c)
{
    struct heap_node *n;
    while ((n = heap_top(&c->resolving)) != NULL && begin(c, (struct step *)(void *)n)) {
    }
}

void resolve_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct task *t = task_find(c, ask->task_id);
    struct step *s = t != NULL && t->run == ask->run ? unit_find(t, ask->step, ask->item) : NULL;
    assert(c->resolving_asks > 0);
    c->resolving_asks--;
    if (s == NULL || s->phase != PHASE_RESOLVING || s->read_id != ask->read_id) {
        return; /* it went another way meanwhile */
    }
    s->phase = PHASE_NONE;
    if (!partition_serves(&c->partitions[t->partition])) { /* it is being handed over */
        return;
    }
    if (a->err == ERR_NOT_FOUND) {
        fx_log(c, LOG_ERROR, "record_missing", "task_id=%.*s", (int)ask->task_id.len,
               (const char *)ask->task_id.ptr);
        partition_drop(c, &c->partitions[t->partition], "a live task's record is missing");
        return;
    }
    if (a->err != ERR_OK) {
        step_make_ready(c, s); /* asks again */
        return;
    }
    struct scope x;
    want(c, s, &x);
    x.answer = a;
    decide(c, s, &x);
}
