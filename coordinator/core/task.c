#include "core/task.h"

#include "core/account.h"
#include "core/fan.h"
#include "core/lanes.h"
#include "model/limits.h"

#include <assert.h>
#include <stdlib.h>

static void step_init(struct step *s, struct task *t, uint32_t index)
{
    s->task = t;
    s->index = index;
    s->timer.kind = TIMER_STEP;
}

struct step *step_create(struct task *t, uint32_t index)
{
    struct step *s = mem_zalloc(sizeof *s);
    step_init(s, t, index);
    return s;
}

struct task *task_create(struct bytes id, struct pipeline *p)
{
    struct task *t = mem_zalloc(sizeof *t);
    t->id = bytes_str(mem_str_bytes(id));
    t->partition = id_partition(id);
    t->pipeline = pipeline_ref(p);
    t->steps = mem_zalloc(p->step_count * sizeof *t->steps);
    for (uint32_t i = 0; i < p->step_count; i++) {
        step_init(&t->steps[i], t, i);
    }
    t->duration_timer.kind = TIMER_DURATION;
    t->progress_timer.kind = TIMER_PROGRESS;
    t->save_timer.kind = TIMER_SAVE;
    t->error_step = -1;
    t->ran_since = NEVER_MS;
    task_count_needs(t);
    return t;
}

static void step_clear(struct step *s)
{
    assert(!heap_holds(&s->ready) && !heap_holds(&s->timer.node));
    free(s->error);
    bytes_free(s->checkpoint);
    bytes_free(s->saved);
    bytes_free(s->signal);
    free(s->log);
    free(s->function_code);
    if (s->shared != NULL) {
        free(s->shared->concurrency);
        free(s->shared->rate);
        free(s->shared);
    }
    fan_free(s->fan);
    account_free(s->account);
}

void step_free(struct step *s)
{
    step_clear(s);
    free(s);
}

void task_free(struct task *t)
{
    if (t == NULL) {
        return;
    }
    assert(!heap_holds(&t->duration_timer.node) && !heap_holds(&t->progress_timer.node));
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        step_clear(&t->steps[i]);
    }
    free(t->steps);
    pipeline_unref(t->pipeline);
    free(t->task_type);
    free(t->session_id);
    free(t->error);
    free(t->progress_message);
    usage_free(&t->unsaid);
    bytes_free(t->id);
    free(t);
}

void step_set_error(struct step *s, enum code code, struct bytes message)
{
    step_clear_error(s);
    s->error_code = code;
    s->error = mem_str_bytes(message);
}

void step_clear_error(struct step *s)
{
    free(s->error);
    free(s->function_code);
    s->error = NULL;
    s->function_code = NULL;
    s->error_code = CODE_NONE;
}

void step_set_log(struct step *s, struct bytes log)
{
    free(s->log);
    s->log = log.len > 0 ? mem_str_bytes(bytes_part(log, 0, LOG_TAIL_BYTES_MAX)) : NULL;
}

void step_set_checkpoint(struct step *s, struct bytes checkpoint)
{
    bytes_free(s->checkpoint);
    s->checkpoint = BYTES_NONE;
    if (checkpoint.len > 0) {
        s->checkpoint = bytes_of(mem_str_bytes(checkpoint), checkpoint.len);
    }
}

static void set_saved(struct step *s)
{
    bytes_free(s->saved);
    s->saved = BYTES_NONE;
    s->saved_bytes = (uint32_t)s->checkpoint.len;
    if (s->saved_bytes > 0 && s->saved_bytes <= CHECKPOINT_SHOWN_BYTES_MAX) {
        s->saved = bytes_of(mem_str_bytes(s->checkpoint), s->checkpoint.len);
    }
}

void step_note_saved(struct step *s, struct moment now)
{
    if (s->checkpoint.len == 0) {
        s->saved_at = 0;
        set_saved(s);
    } else if (s->checkpoint_dirty || s->saved_at == 0) {
        s->saved_at = now.wall;
        s->checkpoint_saved_at = now.mono;
        s->checkpoint_dirty = false;
        set_saved(s);
    }
}

void step_load_saved(struct step *s, unix_ms at)
{
    s->saved_at = at;
    set_saved(s);
}

void step_set_signal(struct step *s, struct bytes data, uint64_t key)
{
    bytes_free(s->signal);
    s->signal = data.len > 0 ? bytes_of(mem_str_bytes(data), data.len) : BYTES_NONE;
    s->signal_key = key;
}

void task_set_error(struct task *t, enum code code, struct bytes message, int32_t step)
{
    task_clear_error(t);
    t->error_code = code;
    t->error = mem_str_bytes(message);
    t->error_step = step;
}

void task_clear_error(struct task *t)
{
    free(t->error);
    t->error = NULL;
    t->error_code = CODE_NONE;
    t->error_step = -1;
}

struct step *unit_find(const struct task *t, uint32_t step, uint32_t item)
{
    if (step >= t->pipeline->step_count) {
        return NULL;
    }
    struct step *s = &t->steps[step];
    if (item == ITEM_NONE) {
        return s;
    }
    for (uint32_t i = 0; s->fan != NULL && i < s->fan->live_count; i++) {
        if (s->fan->live[i]->item == item) {
            return s->fan->live[i];
        }
    }
    return NULL;
}

struct step *unit_next(const struct task *t, struct unit_walk *walk)
{
    while (walk->step < t->pipeline->step_count) {
        struct step *s = &t->steps[walk->step];
        uint32_t at = walk->item++;
        if (at == 0) {
            return s;
        }
        if (s->fan != NULL && at <= s->fan->live_count) {
            return s->fan->live[at - 1];
        }
        *walk = (struct unit_walk){.step = walk->step + 1};
    }
    return NULL;
}

const struct pipeline_step *step_def(const struct step *s)
{
    return &s->task->pipeline->steps[s->index];
}

uint32_t step_max_retries(const struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    if (!def->retryable) {
        return 0;
    }
    return def->max_retries >= 0 ? (uint32_t)def->max_retries : s->task->max_retries;
}

void task_count_needs(struct task *t)
{
    t->steps_left = 0;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct pipeline_step *def = &t->pipeline->steps[i];
        t->steps_left += !step_over(&t->steps[i]);
        t->steps[i].needs_left = 0;
        for (uint32_t n = 0; n < def->needs_count; n++) {
            t->steps[i].needs_left += !step_meets_need(&t->steps[def->needs[n]], def->finally);
        }
    }
}

uint32_t task_current_step(const struct task *t)
{
    uint32_t unfinished = t->pipeline->step_count - 1;
    for (uint32_t i = t->pipeline->step_count; i-- > 0;) {
        if (!step_meets_need(&t->steps[i], !task_state_ended(t->state))) {
            unfinished = i;
        }
    }
    return unfinished;
}

double task_measure(const struct task *t)
{
    double sum = t->completed;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        sum += t->steps[i].state == STEP_SKIPPED;
        if (t->steps[i].state == STEP_RUNNING) {
            sum += t->steps[i].fraction;
        }
    }
    return sum / t->pipeline->step_count;
}

bool task_can_recover(const struct task *t)
{
    return t->state == TASK_FAILED || t->state == TASK_CANCELLED;
}

int64_t task_ran_ms(const struct task *t, mono_ms now)
{
    return t->ran_ms + (t->ran_since == NEVER_MS ? 0 : now - t->ran_since);
}
