/* Which steps of a task run again: for a recover, from where its request says; after a takeover,
 * where the task has no checkpoints. */
#include <stdlib.h>

#include "core/asks.h"
#include "core/change.h"
#include "core/fan.h"
#include "core/fx.h"
#include "core/plant.h"
#include "core/recover.h"
#include "core/replies.h"
#include "core/state.h"
#include "core/step_end.h"
#include "core/step_limits.h"
#include "core/wait.h"

/* ---- what stays ---- */

/* "<task_id>_cp_<k>" -> k, or -1. */
static int64_t checkpoint_index(const struct task *t, struct bytes id)
{
    struct bytes head = bytes_part(id, 0, t->id.len);
    struct bytes mark = bytes_part(id, t->id.len, 4);
    struct bytes digits = bytes_part(id, t->id.len + 4, id.len);
    if (!bytes_eq(head, t->id) || !bytes_is(mark, "_cp_") || digits.len == 0 || digits.len > 9) {
        return -1;
    }
    int64_t k = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return -1;
        }
        k = k * 10 + (digits.ptr[i] - '0');
    }
    return k < t->completed ? k : -1;
}

bool recover_choose_kept(struct core *c, const struct ask *ask, const struct task *t, bool *keep)
{
    uint32_t n = t->pipeline->step_count;
    for (uint32_t i = 0; i < n; i++) {
        keep[i] = t->steps[i].state == STEP_COMPLETED && !t->pipeline->steps[i].finally;
    }
    if (ask->recover.from_step.len > 0) {
        int32_t from = pipeline_find(t->pipeline, ask->recover.from_step);
        if (from < 0) {
            ask_refuse(c, ask,
                       refusal_at("/from_step", CODE_INVALID_FIELD, no_such_step(c, t->pipeline)));
            return false;
        }
        bool *after = arena_alloc(fx_arena(c), n);
        pipeline_descendants(t->pipeline, (uint32_t)from, after);
        for (uint32_t i = t->pipeline->steps[from].first; i <= (uint32_t)from; i++) {
            after[i] = true; /* a step that is a pipeline: with all of its steps */
        }
        for (uint32_t i = 0; i < n; i++) {
            keep[i] = keep[i] && !after[i];
        }
    }
    if (ask->recover.checkpoint_id.len > 0) {
        int64_t k = checkpoint_index(t, ask->recover.checkpoint_id);
        if (k < 0) {
            ask_refuse(
                c, ask,
                refusal_at("/checkpoint_id", CODE_INVALID_FIELD,
                           "the task has no such checkpoint; GET /checkpoints/{id} lists them"));
            return false;
        }
        for (uint32_t i = 0; i < n; i++) {
            /* Skipped steps are judged again: their data is what it was, or runs again itself. */
            keep[i] =
                keep[i] && t->steps[i].state == STEP_COMPLETED && t->steps[i].order <= (uint64_t)k;
        }
    }
    return true;
}

/* ---- what runs again ---- */

struct reset {
    bool anew;       /* results went away from which it was, or will be, computed */
    bool items_stay; /* a fan-out step: its done items stay */
};

/* Resets a step that is to run (again): its failures and deaths count from 0. Where results went
 * away, outcomes of its old attempts were computed from what is no more: it gets a new generation
 * and loses its progress checkpoint. Otherwise its input is the same and an old success is welcome;
 * a new delivery tells old failures (of attempts that were stopped) apart. */
static void step_reset(struct change *ch, struct step *s, struct reset how)
{
    if (rare_of(s)->fan != NULL && how.items_stay) {
        fan_again(ch, s);
    } else if (rare_of(s)->fan != NULL) {
        fan_drop(ch, s);
    }
    if (s->state == STEP_COMPLETED) {
        ch->task->completed--;
    }
    s->resolved = false;
    if (how.anew && !planted(PLANT_GENERATION_KEPT)) {
        s->generation++;
        s->deliveries = 0;
        step_drop_checkpoint(s);
    } else {
        s->deliveries += !planted(PLANT_DELIVERY_KEPT);
    }
    step_become(s, STEP_PENDING);
    s->failures = 0;
    s->deaths = planted(PLANT_DEATHS_KEPT) ? s->deaths : 0;
    s->result_len = 0;
    s->result_offset = 0;
    s->duration_ms = 0;
    s->started_at = 0;
    s->completed_at = 0;
    step_forget_retry(s);
    wait_reset(s, how.anew);
    step_clock_reset(s);
    if (s->rare != NULL) {
        s->rare->exhausted = false;
    }
    step_clear_error(s);
    change_step(ch, s);
}

/* Numbers the completed steps anew, without gaps: checkpoint k is the k-th one that is left. */
static void renumber(struct core *c, struct task *t)
{
    uint32_t *rank = arena_alloc(fx_arena(c), (t->next_order + 1) * sizeof *rank);
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        if (t->steps[i].state == STEP_COMPLETED && t->steps[i].order < t->next_order) {
            rank[t->steps[i].order] = 1;
        }
    }
    uint32_t next = 0;
    for (uint32_t k = 0; k < t->next_order; k++) {
        uint32_t present = rank[k];
        rank[k] = next;
        next += present;
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        if (t->steps[i].state == STEP_COMPLETED && t->steps[i].order < t->next_order) {
            t->steps[i].order = rank[t->steps[i].order];
        }
    }
    t->next_order = next;
}

/* May the done items of a step stay? Not where what their list was made of runs again: the list may
 * be another one. Else they stay if the step was not completed and does not run as a whole, or if
 * it was completed and only its failed items are wanted. Steps that were skipped before it are
 * skipped again. */
static bool items_stay(const struct task *t, uint32_t step, const bool *keep,
                       const struct recover_request *how)
{
    if (keep == NULL || how->input.len > 0) {
        return false;
    }
    int32_t from = how->from_step.len > 0 ? pipeline_find(t->pipeline, how->from_step) : -1;
    bool stay = (int32_t)step == from ? how->only_failed : t->steps[step].state != STEP_COMPLETED;
    bool *before = mem_zalloc(t->pipeline->step_count);
    pipeline_ancestors(t->pipeline, step, before);
    for (uint32_t i = 0; i < t->pipeline->step_count && stay; i++) {
        stay = !before[i] || keep[i] || t->steps[i].state == STEP_SKIPPED;
    }
    free(before);
    return stay;
}

/* With a new input (all_anew), steps that run again get another input than before, even where no
 * result went away. */
void task_rerun(struct change *ch, const bool *keep, const struct recover_request *how)
{
    struct task *t = ch->task;
    uint32_t n = t->pipeline->step_count;
    bool all_anew = how != NULL && how->input.len > 0;
    bool *anew = arena_alloc(fx_arena(ch->core), n);
    bool *items = arena_alloc(fx_arena(ch->core), n);
    for (uint32_t i = 0; i < n; i++) {
        bool again = keep == NULL || !keep[i];
        items[i] = again && rare_of(&t->steps[i])->fan != NULL && items_stay(t, i, keep, how);
        bool loses = t->steps[i].state == STEP_COMPLETED ||
                     (rare_of(&t->steps[i])->fan != NULL && !items[i]);
        if (again && loses && !anew[i]) {
            anew[i] = true;
            pipeline_descendants(t->pipeline, i, anew);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (keep == NULL || !keep[i]) {
            step_reset(ch, &t->steps[i], (struct reset){anew[i] || all_anew, items[i]});
        } else {
            change_step(ch, &t->steps[i]); /* its order and offset may have changed */
        }
    }
    renumber(ch->core, t);
    task_count_needs(t);
}

/* ---- takeover ---- */

void task_taken_over(struct core *c, struct task *t)
{
    bool begun = t->started_at != 0;
    bool recovers = c->config.recovery_enabled || planted(PLANT_FORSAKEN_LIVES);
    if (!begun || (recovers && (t->checkpoints || t->completed == 0 || task_failing(t)))) {
        return;
    }
    struct change ch;
    change_begin(c, t, &ch);
    if (!recovers) {
        task_set_error(t, CODE_RECOVERY_DISABLED,
                       BYTES_LIT("its coordinator died, and recovery is switched off "
                                 "(MARATHON_ENABLE_RECOVERY=false)"),
                       (int32_t)task_current_step(t));
        task_end(&ch, TASK_FAILED, NULL);
    } else {
        t->state = task_state_rests(t->state) ? t->state : TASK_RECOVERING;
        task_rerun(&ch, NULL, NULL);
        t->progress = 0;
        change_document(&ch, NULL);
        change_event(&ch, EVENT_TASK_RECOVERING, 0);
    }
    change_commit(&ch);
}
