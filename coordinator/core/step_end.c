/* The end of a step and what follows from it: for the steps that need it, for the finally steps,
 * for the task. A step is over once it is completed, failed for good, skipped or cancelled. */
#include "core/step_end.h"

#include <assert.h>
#include <stdlib.h>

#include "core/change.h"
#include "core/fan.h"
#include "core/fx.h"
#include "core/on_pause.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"
#include "model/limits.h"

static bool finally_left(const struct task *t)
{
    for (uint32_t i = t->pipeline->step_count; i-- > 0 && t->pipeline->steps[i].finally;) {
        if (!step_over(&t->steps[i])) {
            return true;
        }
    }
    return false;
}

/* Stops what still runs and cancels what waits; the finally steps too where `all`. */
static void stop_rest(struct change *ch, enum stop_reason reason, bool all)
{
    struct task *t = ch->task;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        struct step *s = &t->steps[i];
        if (!step_over(s) && (all || !step_def(s)->finally)) {
            fan_stop(ch, s, reason);
            step_stop_run(ch->core, s, reason, ch->write);
            step_become(s, STEP_CANCELLED);
            step_forget_retry(s);
            change_step(ch, s);
        }
    }
    task_count_needs(t);
}

void task_end(struct change *ch, enum task_state state, const struct deed *deed)
{
    struct core *c = ch->core;
    struct task *t = ch->task;
    stop_rest(ch, state == TASK_CANCELLED ? STOP_CANCELLED : STOP_TASK_ENDED, true);
    task_stop_clock(c, t);
    t->state = state;
    t->completed_at = c->now.wall > t->created_at ? c->now.wall : t->created_at;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) { /* as step_keep_order does for steps */
        unix_ms ended = t->steps[i].completed_at;
        t->completed_at = t->completed_at > ended ? t->completed_at : ended;
    }
    switch (state) {
    case TASK_COMPLETED:
        t->progress = 1;
        c->stats.tasks_completed_total++;
        break;
    case TASK_FAILED:
        c->stats.tasks_failed_total++;
        break;
    case TASK_CANCELLED:
        c->stats.tasks_cancelled_total++;
        break;
    case TASK_PENDING:
    case TASK_RUNNING:
    case TASK_RECOVERING:
    case TASK_PAUSED:
    case TASK_WAITING:
    case TASK_BUDGET_EXCEEDED:
    case TASK_STATE_COUNT:
        abort();
    }
    uint32_t step = t->error_step >= 0 ? (uint32_t)t->error_step : task_current_step(t);
    enum event_type type = state == TASK_COMPLETED ? EVENT_TASK_COMPLETE
                           : state == TASK_FAILED  ? EVENT_TASK_ERROR
                                                   : EVENT_TASK_CANCELLED;
    struct task_event *e =
        deed != NULL ? change_deed(ch, type, step, deed) : change_event(ch, type, step);
    e->code = t->error_code;
    e->message = arena_bytes(&ch->write->arena, bytes_str(t->error));
    change_end(ch);
}

/* The last step is over: the task ends. */
static void settle(struct change *ch)
{
    struct task *t = ch->task;
    if (t->steps_left == 0) {
        task_end(ch, task_failing(t) ? TASK_FAILED : TASK_COMPLETED, NULL);
    }
}

void task_fail(struct change *ch, enum code code, struct bytes message, uint32_t step)
{
    struct task *t = ch->task;
    /* it is failing already, its finally steps run: the first error stays */
    bool again = task_failing(t);
    if (!again) {
        task_set_error(t, code, message, (int32_t)step);
    }
    if (!finally_left(t) || planted(PLANT_FINALLY_FORGOTTEN)) {
        task_end(ch, TASK_FAILED, NULL);
        return;
    }
    if (again) {
        return;
    }
    stop_rest(ch, STOP_TASK_ENDED, false);
    if (t->state == TASK_BUDGET_EXCEEDED) { /* its finally steps run whatever was spent */
        t->state = TASK_RUNNING;
        task_start_clock(ch->core, t);
    }
    task_restart_clock(ch->core, t); /* its finally steps have a max_task_duration of their own */
    struct task_event *e = change_event(ch, EVENT_TASK_FAILING, step);
    e->code = code;
    e->message = arena_bytes(&ch->write->arena, bytes_str(t->error));
    change_ready_all(ch);
}

/* Skips all steps that depend on the failed step, except finally steps. */
static void skip_dependents(struct change *ch, const struct step *s)
{
    struct task *t = ch->task;
    bool *after = arena_alloc(fx_arena(ch->core), t->pipeline->step_count);
    pipeline_descendants(t->pipeline, s->index, after);
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        struct step *next = &t->steps[i];
        if (after[i] && !step_def(next)->finally && !step_over(next)) {
            fan_stop(ch, next, STOP_SUPERSEDED);
            step_stop_run(ch->core, next, STOP_SUPERSEDED, ch->write);
            step_become(next, STEP_SKIPPED);
            change_step(ch, next);
            change_event(ch, EVENT_STEP_SKIPPED, i);
        }
    }
}

/* s is over: counts it as a met need of the steps that wait for it, and makes these ready. */
static void feed(struct change *ch, struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    struct task *t = ch->task;
    for (uint32_t i = 0; i < def->feeds_count; i++) {
        struct step *next = &t->steps[def->feeds[i]];
        next->needs_left--;
        next->needs_left = planted(PLANT_NEEDS_IGNORED) ? 0 : next->needs_left;
        if (next->needs_left == 0 && next->state == STEP_PENDING && next->phase == PHASE_NONE) {
            change_ready(ch, next);
        }
    }
}

void step_keep_order(struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    unix_ms earliest = s->task->created_at;
    for (uint32_t i = 0; i < def->needs_count; i++) {
        unix_ms ended = s->task->steps[def->needs[i]].completed_at;
        earliest = ended > earliest ? ended : earliest;
    }
    s->started_at = s->started_at > earliest ? s->started_at : earliest;
    s->completed_at = s->completed_at > s->started_at ? s->completed_at : s->started_at;
}

void step_complete(struct change *ch, struct step *s, struct parts result)
{
    struct task *t = ch->task;
    step_become(s, STEP_COMPLETED);
    step_keep_order(s);
    step_forget_retry(s);
    s->order = t->next_order++;
    step_drop_checkpoint(s);
    t->completed++;
    t->steps_left--;
    ch->core->stats.steps_completed_total++;
    change_step(ch, s);
    change_result(ch, s, &result);
    feed(ch, s);
    task_hold_news(ch->core, t);
    struct task_event *e = change_event(ch, EVENT_STEP_COMPLETED, s->index);
    e->code = rare_of(s)->error_code;
    e->message = arena_bytes(&ch->write->arena,
                             bytes_str(e->code != CODE_NONE ? rare_of(s)->error : rare_of(s)->log));
    step_set_log(s, BYTES_NONE); /* it is in the step's event: thousands of steps may have one */
    if (t->steps_left > 0) {
        change_event(ch, EVENT_PROGRESS, task_current_step(t));
    }
    settle(ch);
}

void step_skip(struct change *ch, struct step *s)
{
    struct task *t = ch->task;
    step_unqueue(ch->core, s);
    step_become(s, STEP_SKIPPED);
    step_forget_retry(s);
    t->steps_left--;
    change_step(ch, s);
    feed(ch, s);
    change_event(ch, EVENT_STEP_SKIPPED, s->index);
    if (t->steps_left > 0) {
        change_event(ch, EVENT_PROGRESS, task_current_step(t));
    }
    settle(ch);
}

/* The results of a task have a size limit; a result given by on_failure counts like any other. */
bool step_result_fits(const struct step *s, struct bytes result)
{
    if (s->item != ITEM_NONE) {
        return fan_fits(&s->task->steps[s->index], result);
    }
    return s->task->results_bytes + result.len + 256 <= TASK_RESULTS_BYTES_MAX;
}

static void tell_failed(struct change *ch, const struct step *s, enum code code,
                        struct bytes message)
{
    struct task_event *e = change_event(ch, EVENT_STEP_FAILED, s->index);
    e->attempt = s->failures;
    e->code = code;
    e->message = arena_bytes(&ch->write->arena, message);
}

/* Out of attempts, with on_exhausted "pause": the task is paused for people to look at. When it is
 * resumed the step is tried again. */
static void rest_exhausted(struct change *ch, struct step *s, enum code code, struct bytes message)
{
    struct task *t = ch->task;
    tell_failed(ch, s, code, message);
    step_become(s, STEP_PENDING);
    rare_make(s)->exhausted = true;
    step_forget_retry(s);
    change_step(ch, s);
    if (t->state != TASK_PAUSED) {
        const char *why = arena_printf(fx_arena(ch->core), "step %s is out of attempts: %s",
                                       step_def(s)->name, rare_of(s)->error);
        struct deed deed = {.actor = BYTES_LIT("on_exhausted"), .reason = bytes_str(why)};
        task_pause(ch, &deed);
    }
}

void step_give_up(struct change *ch, struct step *s, enum code code, struct bytes message)
{
    if (s->item != ITEM_NONE) {
        fan_item_failed(ch, s, code, message);
        return;
    }
    const struct pipeline_step *def = step_def(s);
    struct task *t = ch->task;
    enum on_failure then = def->on_failure;
    if (def->on_exhausted == EXHAUSTED_PAUSE) {
        rest_exhausted(ch, s, code, message);
        return;
    }
    if (then == ON_FAILURE_CONTINUE && step_result_fits(s, def->failure_result)) {
        tell_failed(ch, s, code, message);
        s->completed_at = ch->core->now.wall;
        step_complete(ch, s, parts_whole(def->failure_result));
        return;
    }
    step_become(s, STEP_FAILED);
    change_step(ch, s);
    if (then == ON_FAILURE_SKIP && !planted(PLANT_SKIP_FORGOTTEN)) {
        tell_failed(ch, s, code, message);
        skip_dependents(ch, s);
        task_count_needs(t);
        change_ready_all(ch);
        settle(ch);
        return;
    }
    task_count_needs(t);
    if (finally_left(t) || task_failing(t)) { /* else the event of the task's end tells it */
        tell_failed(ch, s, code, message);
    }
    task_fail(ch, code, message, s->index);
}

void task_timed_out(struct core *c, struct task *t)
{
    struct change ch;
    change_begin(c, t, &ch);
    const char *why =
        arena_printf(fx_arena(c), "the task has run for longer than its max_task_duration of %u s",
                     t->max_duration_s);
    if (task_failing(t)) { /* the finally steps had that long too */
        task_end(&ch, TASK_FAILED, NULL);
    } else {
        task_fail(&ch, CODE_TASK_TIMEOUT, bytes_str(why), task_current_step(t));
    }
    change_commit(&ch);
}
