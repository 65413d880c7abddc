#include <stdlib.h>

#include "core/asks.h"
#include "core/dispatch.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/on_outcome.h"
#include "core/on_progress.h"
#include "core/plant.h"
#include "core/scope.h"
#include "core/state.h"
#include "core/step_limits.h"
#include "core/token.h"
#include "core/workers.h"
#include "model/limits.h"

/* What the order of a step is made of: what its input's expressions name, or the task's input and
 * the results of all ancestors. */
void order_want(struct core *c, const struct step *s, struct arena *arena, struct scope *ret_scope)
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

/* {"name":result,...} of what order_want asked for in its pipeline, which are its ancestors in the
 * order of the pipeline; in parts, that lie where the store's answer has them. A step whose input
 * names what it needs is given only that. */
static void put_results(struct core *c, const struct step *s, const struct scope *x,
                        struct parts *ret_results)
{
    const struct pipeline *p = s->task->pipeline;
    *ret_results = parts_whole(BYTES_LIT("{}"));
    bool given = step_def(s)->input_template == NULL && s->item == ITEM_NONE;
    if (!given || x->range_count == 0) {
        return;
    }
    struct bytes *items = arena_alloc(fx_arena(c), (2 * x->range_count + 1) * sizeof *items);
    size_t lead_bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->range_count; i++) {
        const struct pipeline_step *def = &p->steps[x->wanted[i]];
        if (def->parent != step_def(s)->parent) {
            continue; /* what the input of the pipeline around it names */
        }
        items[count] = bytes_str(def->own_name);
        items[count + 1] = scope_result_at(x, i);
        lead_bytes += items[count].len + strlen(",\"\":");
        count += 2;
    }
    struct buf leads = arena_buf(fx_arena(c), lead_bytes);
    for (uint32_t i = 0; i < count; i += 2) {
        size_t from = leads.len;
        buf_add_str(&leads, i > 0 ? ",\"" : "{\"");
        buf_add_bytes(&leads, items[i]);
        buf_add_str(&leads, "\":");
        items[i] = bytes_of(leads.ptr + from, leads.len - from);
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

/* False after the step has failed by it: its input has a fault, or all together is too large. */
static bool fill(struct core *c, struct step *s, const struct ask *ask,
                 const struct store_answer *a, struct step_order *o)
{
    const struct pipeline_step *def = step_def(s);
    char key[IDEMPOTENCY_KEY_TEXT_BYTES];
    struct scope x = *ask->scope;
    x.step = s;
    x.arena = fx_arena(c);
    if (!scope_holds(&x)) {
        order_want(c, s, x.arena, &x);
    }
    x.answer = a;
    x.item = a->item;
    if (!put_input(c, s, &x, &o->input)) {
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
    o->progress_timeout_ms = planted(PLANT_SILENCE_UNTOLD) ? 0 : def->progress_timeout_ms;
    o->alone = s->deaths >= 2;
    put_results(c, s, &x, &o->results);
    o->progress_checkpoint = arena_hold(fx_arena(c), rare_of(s)->checkpoint);
    if (parts_len(&o->input) + parts_len(&o->results) + o->progress_checkpoint.len >
        ENVELOPE_BYTES_MAX) {
        step_fail(
            c, s, CODE_INPUT_TOO_LARGE,
            bytes_str(
                "the input and the results of the steps before it are larger than 3 MiB in total"));
        return false;
    }
    return true;
}

/* w has it from here on, as far as we know. */
static void begin(struct core *c, struct step *s, struct worker *w, struct hold *hold,
                  const struct attempt_ref *ref)
{
    step_clock_start(c, s);
    step_become(s, STEP_RUNNING);
    s->phase = PHASE_RUNNING;
    s->started_at = c->now.wall;
    histogram_add_us(&c->stats.step_wait, (c->now.mono - work_of(s)->ready_at) * 1000);
    s->work->checkpoint_saved_at = c->now.mono;
    struct run *r = worker_run_add(w, ref);
    token_keep(r, s->task, ref);
    r->ordered_after = c->owned_number;
    hold_drop(c, r->hold);
    r->hold = hold;
}

bool order_send(struct core *c, struct step *s, struct worker *w, const struct ask *ask,
                const struct store_answer *a)
{
    struct message m = {.type = MSG_ORDER};
    if (!fill(c, s, ask, a, &m.order)) {
        credit_give_back(c, w->serial, w->peer);
        return false;
    }
    begin(c, s, w, ask->hold, &m.order.ref);
    fx_send(c, w->peer, &m);
    task_step_started(c, s);
    return true;
}
