/* How attempts end: the first valid success wins, failures count only from the current delivery, a
 * worker's death is no attempt. */
#include "core/on_outcome.h"

#include <stdlib.h>

#include "core/account.h"
#include "core/budget.h"
#include "core/change.h"
#include "core/fan.h"
#include "core/fx.h"
#include "core/on_progress.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/replies.h"
#include "core/state.h"
#include "core/step_end.h"
#include "core/step_limits.h"
#include "core/tasks.h"
#include "core/token.h"
#include "core/workers.h"
#include "core/writes.h"
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
    worker_run_remove(c, p->worker, &o->ref);
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

static void tell_item(struct core *c, const struct step *s, struct bytes message)
{
    task_news(c, s,
              bytes_str(arena_printf(fx_arena(c), "item %u: %.*s", s->item - 1, (int)message.len,
                                     (const char *)message.ptr)));
}

/* The step waits for wait_ms, counted from when this is durable, and is dispatched again. */
static void try_again(struct change *ch, struct step *s, mono_ms wait_ms, enum code code,
                      struct bytes message)
{
    step_become(s, STEP_PENDING);
    struct work *work = work_make(s);
    struct step_rare *rare = rare_make(s);
    work->retry_due = ch->core->now.mono + wait_ms;
    rare->retry_at = ch->core->now.wall + wait_ms;
    rare->wait_ms = wait_ms;
    rare->checkpoint_untold = false; /* this row has it, and an event about the same attempt */
    change_step(ch, s);
    change_ready(ch, s);
    if (s->item != ITEM_NONE) { /* thousands may fail: no event of its own for each */
        tell_item(ch->core, s, message);
        return;
    }
    struct task_event *e = change_event(ch, EVENT_STEP_RETRY, s->index);
    e->attempt = s->failures + (code == CODE_WORKER_DEATHS ? 1 : 0);
    e->retry_at = rare->retry_at;
    e->code = code;
    e->message = arena_bytes(&ch->write->arena, message);
}

struct failure {
    enum code code;
    struct bytes message, function_code;
    mono_ms retry_after_ms;
    bool permanent; /* what the error says of itself; the step's retry.on overrules it */
    bool final;
};

/* May the step be tried again after this error? What its definition lists overrules what the error
 * says of itself. */
static bool retryable(const struct step *s, const struct failure *f)
{
    const struct pipeline_step *def = step_def(s);
    struct bytes name = bytes_str(code_info(f->code)->name);
    if (planted(PLANT_RETRY_ON_IGNORED)) {
        return !f->permanent;
    }
    if (pipeline_codes_have(&def->non_retryable, name) ||
        pipeline_codes_have(&def->non_retryable, f->function_code)) {
        return false;
    }
    if (def->retry_on.count > 0) {
        return pipeline_codes_have(&def->retry_on, name) ||
               pipeline_codes_have(&def->retry_on, f->function_code);
    }
    return !f->permanent;
}

static void fail(struct change *ch, struct step *s, const struct failure *f)
{
    struct core *c = ch->core;
    step_unqueue(c, s);
    step_clock_note(c, s);
    s->failures++;
    s->deliveries++;
    step_set_error(s, f->code, f->message);
    if (f->function_code.len > 0) {
        s->rare->function_code =
            mem_str_bytes(bytes_part(f->function_code, 0, FUNCTION_CODE_BYTES_MAX));
    }
    c->stats.attempts_failed_total++;
    mono_ms wait = retry_wait_ms(&step_def(s)->retry,
                                 planted(PLANT_WAIT_NOT_DOUBLED) ? 1 : s->failures, &c->rng);
    mono_ms asked = f->retry_after_ms < RETRY_AFTER_MS_MAX ? f->retry_after_ms : RETRY_AFTER_MS_MAX;
    wait = asked > wait ? asked : wait;
    mono_ms left = step_total_left(c, s);
    if (f->final || s->failures > step_max_retries(s) || !retryable(s, f)) {
        step_give_up(ch, s, f->code, f->message);
    } else if (wait >= left) { /* the next attempt would begin too late for timeout_total */
        const char *why = arena_printf(
            fx_arena(c),
            "its timeout_total of %.3g s is used up, there is no time for attempt %u; %s",
            step_def(s)->timeout_total_ms / 1000.0, s->failures + 1, rare_of(s)->error);
        step_set_error(s, CODE_STEP_TIMEOUT_TOTAL, bytes_part(bytes_str(why), 0, ERROR_BYTES_MAX));
        step_give_up(ch, s, CODE_STEP_TIMEOUT_TOTAL, bytes_str(rare_of(s)->error));
    } else {
        try_again(ch, s, wait, f->code, f->message);
    }
}

void step_fail(struct core *c, struct step *s, enum code code, struct bytes message)
{
    struct change ch;
    struct failure f = {.code = code, .message = message, .final = true};
    change_begin(c, s->task, &ch);
    fail(&ch, s, &f);
    change_commit(&ch);
}

void step_worker_died(struct core *c, struct step *s, struct bytes why)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    if (rare_of(s)->log != NULL) { /* all that is left of it, or of the one before */
        why = bytes_str(arena_printf(fx_arena(c), "%.*s; the end of its log:\n%s", (int)why.len,
                                     (const char *)why.ptr, rare_of(s)->log));
    }
    s->phase = PHASE_NONE;
    step_clock_note(c, s);
    account_leave(s);
    budget_count(s);
    s->deaths++;
    s->failures += planted(PLANT_DEATH_IS_ATTEMPT);
    s->deliveries++;
    c->stats.redeliveries_total++;
    step_set_error(s, CODE_WORKER_DEATHS, why);
    if (s->deaths >= DEATHS_MAX) {
        step_give_up(&ch, s, CODE_WORKER_DEATHS, why);
    } else {
        try_again(&ch, s, redelivery_wait_ms(s->deaths, &c->rng), CODE_WORKER_DEATHS, why);
    }
    change_commit(&ch);
}

/* Takes the times of the attempt from its worker. That host's clock may differ from ours and counts
 * whole milliseconds: the attempt ended no later than now. */
static void take_times(const struct core *c, struct step *s, const struct step_outcome *o)
{
    unix_ms latest = c->now.wall - o->duration_ms;
    s->duration_ms = o->duration_ms;
    s->started_at = o->started_at >= 0 && o->started_at < latest ? o->started_at : latest;
    s->completed_at = s->started_at + o->duration_ms;
    step_keep_order(s);
}

static void complete(struct change *ch, struct step *s, const struct step_outcome *o)
{
    struct core *c = ch->core;
    struct task *t = ch->task;
    take_times(c, s, o);
    /* the coordinator that dispatched it died before it could write that down */
    if (t->started_at == 0) {
        t->started_at = s->started_at;
    }
    step_clear_error(s);
    histogram_add_us(&c->stats.step_run, (int64_t)o->duration_ms * 1000);
    if (s->item != ITEM_NONE) {
        fan_item_done(ch, s, o->result);
        step_set_log(s, o->message); /* it goes into the item's row, and then with the item */
    } else {
        step_set_log(s, o->message); /* it goes into the event */
        step_complete(ch, s, parts_whole(o->result));
    }
}

static void succeed(struct core *c, struct peer *p, struct step *s, const struct step_outcome *o)
{
    struct change ch;
    change_begin(c, s->task, &ch);
    if (s->phase == PHASE_RUNNING && work_of(s)->worker != p->worker->serial) {
        step_stop_run(c, s, STOP_SUPERSEDED, ch.write); /* a superseded attempt won the race */
    }
    step_unqueue(c, s);
    struct failure f = {.code = CODE_NONE, .final = true};
    if (o->result.len > RESULT_BYTES_MAX) {
        f.code = CODE_RESULT_TOO_LARGE;
        f.message = BYTES_LIT("the result is larger than 1 MiB");
    } else if (o->result.len == 0) {
        f.code = CODE_FUNCTION_BAD_OUTPUT;
        f.message = BYTES_LIT("a success without a result");
        f.final = false;
    } else if (!step_result_fits(s, o->result)) {
        f.code = CODE_TASK_TOO_LARGE;
        f.message = BYTES_LIT("the results of this task are larger than 64 MiB in total: store "
                              "large data elsewhere and return a reference to it");
    }
    if (f.code != CODE_NONE) {
        fail(&ch, s, &f);
    } else {
        complete(&ch, s, o);
    }
    change_commit(&ch);
}

static void count_failure(struct core *c, struct step *s, const struct step_outcome *o)
{
    struct change ch;
    struct failure f = {.code = o->code == CODE_NONE ? CODE_FUNCTION_FAILED : o->code,
                        .message = bytes_part(o->message, 0, ERROR_BYTES_MAX),
                        .function_code = o->function_code,
                        .retry_after_ms = o->retry_after_ms,
                        .permanent = o->permanent};
    change_begin(c, s->task, &ch);
    fail(&ch, s, &f);
    change_commit(&ch);
}

static enum verdict judge(struct core *c, struct task *t, const struct peer *p,
                          const struct step_outcome *o)
{
    if (t == NULL) {
        return VERDICT_LATE; /* ended and out of memory, or never there: nothing can be applied */
    }
    const struct step *s = fan_unit(c, t, &o->ref, o->ok && o->result.len > 0);
    if (!token_valid_in(&c->secret, worker_run_find(p->worker, &o->ref), t, &o->ref)) {
        return o->ref.run == t->run ? VERDICT_REJECTED : VERDICT_LATE;
    }
    if (s == NULL) { /* the item is over, waits for another delivery, or is no more */
        return o->ok && fan_item_done_as(t, &o->ref) ? VERDICT_REPLAY : VERDICT_LATE;
    }
    if (o->ref.run != t->run || o->ref.generation != s->generation) {
        return VERDICT_LATE;
    }
    if (s->state == STEP_COMPLETED && !planted(PLANT_SUCCESS_OVERWRITTEN)) {
        return o->ok && o->ref.delivery == s->deliveries ? VERDICT_REPLAY : VERDICT_LATE;
    }
    bool set_aside = step_over(s) && s->state != STEP_COMPLETED;
    if (task_state_ended(t->state) || set_aside || s->needs_left > 0) {
        return VERDICT_LATE;
    }
    if (o->ok && !(planted(PLANT_LATE_SUCCESS) && o->ref.delivery != s->deliveries)) {
        return VERDICT_APPLIED;
    }
    /* Does another worker run the same delivery? It may have reached two (a RUNNING that crossed
     * its order, a coordinator that did not know yet that it was replaced): the one that goes on
     * must not be failed by the other. */
    bool elsewhere = s->phase == PHASE_RUNNING && work_of(s)->worker != p->worker->serial;
    return o->ref.delivery == s->deliveries && !elsewhere ? VERDICT_APPLIED : VERDICT_LATE;
}

/* The outcome comes too late; only its usage is taken. */
static void take_late(struct core *c, struct task *t, const struct step_outcome *o)
{
    struct step *s = t != NULL && o->ref.run == t->run && !task_state_ended(t->state)
                         ? unit_find(t, o->ref.step, o->ref.item)
                         : NULL;
    if (s != NULL && token_valid(&c->secret, t, &o->ref) && account_late(c, s, o)) {
        struct change ch;
        change_begin(c, t, &ch);
        change_commit(&ch);
    }
}

void on_outcome(struct core *c, struct peer *p, const struct step_outcome *o)
{
    if (!partition_serves(partition_of(c, o->ref.task_id))) {
        return; /* not acknowledged: the worker sends it again, to the owner */
    }
    struct task *t = task_find(c, o->ref.task_id);
    enum verdict verdict = judge(c, t, p, o);
    /* A coordinator stopped the attempt in favour of another worker that has died since. That says
     * nothing about the function: the step is dispatched again, as if the worker had handed it
     * back. */
    bool handed_back = verdict == VERDICT_APPLIED && !o->ok && o->code == CODE_CANCELLED;
    verdict = handed_back ? VERDICT_LATE : verdict;
    if (verdict == VERDICT_APPLIED) {
        struct step *s = unit_find(t, o->ref.step, o->ref.item);
        account_outcome(c, s, o);
        budget_count(s);
        if (o->ok) {
            succeed(c, p, s, o);
        } else {
            count_failure(c, s, o);
        }
    }
    if (verdict == VERDICT_LATE && o->usage_count > 0) {
        take_late(c, t, o);
    }
    ack(c, t, p, o, verdict);
    if (handed_back) {
        on_decline(c, p, &o->ref);
    }
}
