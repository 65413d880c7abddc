/* How attempts end: the first valid success wins, failures count only from the current delivery, a
 * worker's death is no attempt. */
#include <stdlib.h>

#include "core/change.h"
#include "core/token.h"
#include "core/plant.h"
#include "model/limits.h"
#include "model/retry.h"

static void ack(struct core *c, const struct task *t, struct peer *p, const struct step_outcome *o,
                enum verdict verdict)
{
    struct reply r;
    reply_begin(c, planted(PLANT_ACK_BEFORE_DURABLE) ? NULL : t, p->id, 0, &r);
    r.message->ack.number = o->number;
    r.message->ack.verdict = verdict;
    reply_send(&r, MSG_ACK);
    if (verdict != VERDICT_REJECTED) { /* a bad token says nothing about what it runs */
        worker_run_remove(p->worker, &o->ref);
    }
    switch (verdict) {
    case VERDICT_APPLIED:
        break;
    case VERDICT_REPLAY:
        c->stats.outcomes_replayed_total++;
        break;
    case VERDICT_LATE:
        c->stats.outcomes_late_total++;
        break;
    case VERDICT_REJECTED:
        c->stats.outcomes_rejected_total++;
        break;
    }
}

/* Stops what still runs, sets what waits aside. */
static void stop_all(struct change *ch, enum stop_reason reason, enum step_state becomes)
{
    struct task *t = ch->task;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        struct step *s = &t->steps[i];
        if (s->state == STEP_PENDING || s->state == STEP_RUNNING) {
            step_stop_run(ch->core, s, reason, ch->write);
            s->state = becomes;
            s->retry_at = 0;
            change_step(ch, s);
        }
    }
}

void task_end(struct change *ch, enum task_state state, const struct deed *deed)
{
    struct core *c = ch->core;
    struct task *t = ch->task;
    stop_all(ch, state == TASK_CANCELLED ? STOP_CANCELLED : STOP_TASK_ENDED, STEP_CANCELLED);
    task_stop_clock(c, t);
    t->state = state;
    t->completed_at = c->now.wall;
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
    case TASK_STATE_COUNT:
        abort();
    }
    uint32_t step = t->error_step >= 0 ? (uint32_t)t->error_step : task_current_step(t);
    enum event_type type = state == TASK_COMPLETED ? EVENT_TASK_COMPLETE
                           : state == TASK_FAILED  ? EVENT_TASK_ERROR
                                                   : EVENT_TASK_CANCELLED;
    struct task_event *e =
        deed != NULL ? change_deed(ch, type, deed) : change_event(ch, type, step);
    e->code = t->error_code;
    e->message = arena_bytes(&ch->write->arena, bytes_str(t->error));
    change_end(ch);
}

static void fail_task(struct change *ch, struct step *s, enum code code, struct bytes message)
{
    s->state = STEP_FAILED;
    change_step(ch, s);
    task_set_error(ch->task, code, message, (int32_t)s->index);
    task_end(ch, TASK_FAILED, NULL);
}

/* The step waits `wait_ms` (from the moment it is durable) and is sent out again. */
static void try_again(struct change *ch, struct step *s, mono_ms wait_ms, enum code code,
                      struct bytes message)
{
    s->state = STEP_PENDING;
    s->fraction = 0;
    s->retry_at = ch->core->now.wall + wait_ms;
    s->retry_due = ch->core->now.mono + wait_ms;
    change_step(ch, s);
    struct task_event *e = change_event(ch, EVENT_STEP_RETRY, s->index);
    e->attempt = s->failures + (code == CODE_WORKER_DEATHS ? 1 : 0);
    e->retry_at = s->retry_at;
    e->code = code;
    e->message = arena_bytes(&ch->write->arena, message);
    change_ready(ch, s);
}

static void fail(struct change *ch, struct step *s, enum code code, struct bytes message,
                 bool final)
{
    struct core *c = ch->core;
    step_unqueue(c, s);
    s->failures++;
    s->deliveries++;
    step_set_error(s, code, message);
    c->stats.attempts_failed_total++;
    if (final || s->failures > step_max_retries(s)) {
        fail_task(ch, s, code, message);
    } else {
        try_again(ch, s, retry_wait_ms(planted(PLANT_WAIT_NOT_DOUBLED) ? 1 : s->failures, &c->rng),
                  code, message);
    }
}

void step_fail(struct core *c, struct step *s, enum code code, struct bytes message)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    fail(&ch, s, code, message, true);
    change_commit(&ch);
}

void step_worker_died(struct core *c, struct step *s, struct bytes why)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    s->phase = PHASE_NONE;
    s->deaths++;
    s->failures += planted(PLANT_DEATH_IS_ATTEMPT);
    s->deliveries++;
    c->stats.redeliveries_total++;
    step_set_error(s, CODE_WORKER_DEATHS, why);
    if (s->deaths >= DEATHS_MAX) {
        fail_task(&ch, s, CODE_WORKER_DEATHS, why);
    } else {
        try_again(&ch, s, redelivery_wait_ms(s->deaths, &c->rng), CODE_WORKER_DEATHS, why);
    }
    change_commit(&ch);
}

static void complete(struct change *ch, struct step *s, const struct step_outcome *o)
{
    struct core *c = ch->core;
    struct task *t = ch->task;
    s->state = STEP_COMPLETED;
    s->fraction = 1;
    s->retry_at = 0;
    s->order = t->next_order++;
    s->duration_ms = o->duration_ms;
    s->started_at = o->started_at;
    if (s->started_at < 0 || s->started_at > c->now.wall) { /* another host's clock is ahead */
        s->started_at = c->now.wall - o->duration_ms;
    }
    s->completed_at = s->started_at + o->duration_ms;
    if (t->started_at == 0) { /* sent out by a coordinator that died before it could say so */
        t->started_at = s->started_at;
    }
    s->checkpoint_dirty = false;
    step_set_checkpoint(s, BYTES_NONE);
    step_clear_error(s);
    t->completed++;
    c->stats.steps_completed_total++;
    histogram_add_us(&c->stats.step_run, (int64_t)o->duration_ms * 1000);
    change_step(ch, s);
    change_result(ch, s, o->result);
    const struct pipeline_step *def = step_def(s);
    for (uint32_t i = 0; i < def->feeds_count; i++) {
        struct step *next = &t->steps[def->feeds[i]];
        next->needs_left--;
        next->needs_left = planted(PLANT_NEEDS_IGNORED) ? 0 : next->needs_left;
        if (next->needs_left == 0 && next->state == STEP_PENDING) {
            change_ready(ch, next);
        }
    }
    timer_clear(c, &t->progress_timer);
    change_event(ch, EVENT_STEP_COMPLETED, s->index);
    if (t->completed == t->pipeline->step_count) {
        task_end(ch, TASK_COMPLETED, NULL);
    } else {
        change_event(ch, EVENT_PROGRESS, task_current_step(t));
    }
}

static void succeed(struct core *c, struct peer *p, struct step *s, const struct step_outcome *o)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    if (s->phase == PHASE_RUNNING && s->worker != p->worker->serial) {
        step_stop_run(c, s, STOP_SUPERSEDED, ch.write); /* a superseded attempt won the race */
    }
    step_unqueue(c, s);
    if (o->result.len > RESULT_BYTES_MAX) {
        fail(&ch, s, CODE_RESULT_TOO_LARGE, BYTES_LIT("the result is over 1 MiB"), true);
    } else if (o->result.len == 0) {
        fail(&ch, s, CODE_FUNCTION_BAD_OUTPUT, BYTES_LIT("a success without a result"), false);
    } else if (s->task->results_bytes + o->result.len + 256 > TASK_RESULTS_BYTES_MAX) {
        fail(&ch, s, CODE_TASK_TOO_LARGE,
             BYTES_LIT(
                 "the results of this task are over 64 MiB together: keep large data elsewhere "
                 "and return where it is"),
             true);
    } else {
        complete(&ch, s, o);
    }
    change_commit(&ch);
}

static void count_failure(struct core *c, struct step *s, const struct step_outcome *o)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    fail(&ch, s, o->code == CODE_NONE ? CODE_FUNCTION_FAILED : o->code,
         bytes_part(o->message, 0, ERROR_BYTES_MAX), o->permanent);
    change_commit(&ch);
}

static enum verdict judge(struct core *c, const struct task *t, const struct peer *p,
                          const struct step_outcome *o)
{
    if (t == NULL) {
        return VERDICT_LATE; /* ended and out of memory, or never there: nothing can be applied */
    }
    const struct step *s = unit_find(t, o->ref.step, o->ref.item);
    if (s == NULL || !token_valid(c->secret, t, &o->ref)) {
        return o->ref.run == t->run ? VERDICT_REJECTED : VERDICT_LATE;
    }
    if (o->ref.run != t->run || o->ref.generation != s->generation) {
        return VERDICT_LATE;
    }
    if (s->state == STEP_COMPLETED && !planted(PLANT_SUCCESS_OVERWRITTEN)) {
        return o->ok && o->ref.delivery == s->deliveries ? VERDICT_REPLAY : VERDICT_LATE;
    }
    if (task_state_ended(t->state) || s->needs_left > 0) {
        return VERDICT_LATE;
    }
    if (o->ok && !(planted(PLANT_LATE_SUCCESS) && o->ref.delivery != s->deliveries)) {
        return VERDICT_APPLIED;
    }
    /* The same delivery may have reached two workers (a RUNNING that crossed its order, a
     * coordinator that did not know yet that it was replaced): the one that goes on is not failed
     * by the other. */
    bool elsewhere = s->phase == PHASE_RUNNING && s->worker != p->worker->serial;
    return o->ref.delivery == s->deliveries && !elsewhere ? VERDICT_APPLIED : VERDICT_LATE;
}

void on_outcome(struct core *c, struct peer *p, const struct step_outcome *o)
{
    if (!partition_serves(partition_of(c, o->ref.task_id))) {
        return; /* not acknowledged: the worker sends it again, to the owner */
    }
    struct task *t = task_find(c, o->ref.task_id);
    enum verdict verdict = judge(c, t, p, o);
    if (verdict == VERDICT_APPLIED) {
        struct step *s = unit_find(t, o->ref.step, o->ref.item);
        if (o->ok) {
            succeed(c, p, s, o);
        } else {
            count_failure(c, s, o);
        }
    }
    ack(c, t, p, o, verdict);
}

void task_timed_out(struct core *c, struct task *t)
{
    struct change ch;
    change_begin(c, t, &ch);
    const char *why =
        arena_printf(fx_arena(c), "the task has run for longer than its max_task_duration, %u s",
                     t->max_duration_s);
    task_set_error(t, CODE_TASK_TIMEOUT, bytes_str(why), (int32_t)task_current_step(t));
    task_end(&ch, TASK_FAILED, NULL);
    change_commit(&ch);
}
