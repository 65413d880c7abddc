#include "core/task.h"

#include <assert.h>
#include <stdlib.h>

#include "core/account.h"
#include "core/fan.h"
#include "core/lanes.h"
#include "model/limits.h"

const struct work no_work;
const struct step_rare no_rare;
const struct spending no_spending;

static void step_init(struct step *s, struct task *t, uint32_t index)
{
    s->task = t;
    s->index = index;
}

struct step *step_create(struct task *t, uint32_t index)
{
    struct step *s = mem_zalloc(sizeof *s);
    step_init(s, t, index);
    return s;
}

/* Appends a text to the block's texts, with a zero byte. */
static const char *put_text(char **end, struct bytes text)
{
    char *copy = *end;
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    *end += text.len + 1;
    return copy;
}

struct task *task_create(const struct task_names *names, struct pipeline *p)
{
    size_t texts = names->id.len + names->type.len + names->session_id.len + 3;
    struct task *t = mem_zalloc(sizeof *t + p->step_count * sizeof t->steps[0] + texts);
    t->steps = (struct step *)(void *)(t + 1);
    char *end = (char *)(t->steps + p->step_count);
    t->id = bytes_of(put_text(&end, names->id), names->id.len);
    t->task_type = put_text(&end, names->type);
    t->session_id = put_text(&end, names->session_id);
    t->partition = id_partition(t->id);
    t->pipeline = pipeline_ref(p);
    for (uint32_t i = 0; i < p->step_count; i++) {
        step_init(&t->steps[i], t, i);
    }
    t->error_step = -1;
    t->ran_since = NEVER_MS;
    task_count_needs(t);
    return t;
}

struct work *work_make(struct step *s)
{
    struct task *t = s->task;
    if (s->work == NULL) {
        s->work = t->work_lent ? mem_zalloc(sizeof *s->work) : &t->work;
        t->work_lent = true;
        s->work->step = s;
        s->work->timer.kind = TIMER_STEP;
    }
    return s->work;
}

void step_work_done(struct step *s)
{
    if (s->work != NULL) {
        assert(!heap_holds(&s->work->ready) && !heap_holds(&s->work->timer.node));
        if (s->work == &s->task->work) {
            *s->work = no_work;
            s->task->work_lent = false;
        } else {
            free(s->work);
        }
        s->work = NULL;
    }
}

struct step_rare *rare_make(struct step *s)
{
    if (s->rare == NULL) {
        s->rare = mem_zalloc(sizeof *s->rare);
    }
    return s->rare;
}

struct task_running *running_make(struct task *t)
{
    if (t->running == NULL) {
        t->running = mem_zalloc(sizeof *t->running);
        t->running->task = t;
        t->running->duration_timer.kind = TIMER_DURATION;
        t->running->progress_timer.kind = TIMER_PROGRESS;
        t->running->save_timer.kind = TIMER_SAVE;
    }
    return t->running;
}

struct spending *spending_make(struct task *t)
{
    if (t->spending == NULL) {
        t->spending = mem_zalloc(sizeof *t->spending);
    }
    return t->spending;
}

static void rare_free(struct step_rare *x)
{
    if (x == NULL) {
        return;
    }
    free(x->error);
    free(x->function_code);
    free(x->log);
    shared_drop(x->checkpoint);
    shared_drop(x->saved);
    bytes_free(x->signal);
    if (x->shared != NULL) {
        free(x->shared->concurrency);
        free(x->shared->rate);
        free(x->shared);
    }
    fan_free(x->fan);
    account_free(x->account);
    free(x);
}

void step_rare_drop(struct step *s)
{
    rare_free(s->rare);
    s->rare = NULL;
}

static void step_clear(struct step *s)
{
    step_work_done(s);
    step_rare_drop(s);
}

void step_free(struct step *s)
{
    step_clear(s);
    free(s);
}

static void running_free(struct task_running *r)
{
    if (r != NULL) {
        assert(!heap_holds(&r->duration_timer.node) && !heap_holds(&r->progress_timer.node) &&
               !heap_holds(&r->save_timer.node));
        free(r->progress_message);
        free(r);
    }
}

void task_free(struct task *t)
{
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        step_clear(&t->steps[i]);
    }
    running_free(t->running);
    if (t->spending != NULL) {
        usage_free(&t->spending->unsaid);
        free(t->spending);
    }
    pipeline_unref(t->pipeline);
    free(t->recovers);
    free(t->error);
    free(t);
}

/* Fractions are summed as whole billionths, so that adding and subtracting them is exact. */
#define FRACTION_PARTS 1e9

static uint64_t parts_of(const struct step *s)
{
    bool counts = s->state == STEP_RUNNING && s->item == ITEM_NONE;
    return counts ? (uint64_t)(work_of(s)->fraction * FRACTION_PARTS + 0.5) : 0;
}

void step_set_fraction(struct step *s, double fraction)
{
    if (s->state == STEP_RUNNING) {
        s->task->fractions -= parts_of(s);
        work_make(s)->fraction = fraction;
        s->task->fractions += parts_of(s);
    }
}

static void find_first_open(struct task *t)
{
    while (t->first_open < t->pipeline->step_count && step_over(&t->steps[t->first_open])) {
        t->first_open++;
    }
}

void step_become(struct step *s, enum step_state state)
{
    struct task *t = s->task;
    t->fractions -= parts_of(s);
    if (s->work != NULL) {
        s->work->fraction = 0;
    }
    if (s->item != ITEM_NONE) {
        s->state = state;
        return;
    }
    t->skipped -= s->state == STEP_SKIPPED;
    t->skipped += state == STEP_SKIPPED;
    s->state = state;
    if (!step_over(s) && s->index < t->first_open) {
        t->first_open = s->index;
    }
    find_first_open(t);
}

void step_set_error(struct step *s, enum code code, struct bytes message)
{
    step_clear_error(s);
    struct step_rare *x = rare_make(s);
    x->error_code = code;
    x->error = mem_str_bytes(message);
}

void step_clear_error(struct step *s)
{
    struct step_rare *x = s->rare;
    if (x != NULL) {
        free(x->error);
        free(x->function_code);
        x->error = NULL;
        x->function_code = NULL;
        x->error_code = CODE_NONE;
    }
}

void step_forget_retry(struct step *s)
{
    if (s->rare != NULL) {
        s->rare->retry_at = 0;
    }
    if (s->work != NULL) {
        s->work->retry_due = 0;
    }
}

void step_set_log(struct step *s, struct bytes log)
{
    if (s->rare != NULL || log.len > 0) {
        struct step_rare *x = rare_make(s);
        free(x->log);
        x->log = log.len > 0 ? mem_str_bytes(bytes_part(log, 0, LOG_TAIL_BYTES_MAX)) : NULL;
    }
}

void step_set_checkpoint(struct step *s, struct bytes checkpoint)
{
    if (checkpoint.len > 0) {
        shared_drop(rare_make(s)->checkpoint);
        s->rare->checkpoint = shared_copy(checkpoint);
    } else {
        step_drop_checkpoint(s);
    }
}

void step_drop_checkpoint(struct step *s)
{
    if (s->rare != NULL) {
        shared_drop(s->rare->checkpoint);
        s->rare->checkpoint = NULL;
        s->rare->checkpoint_dirty = false;
        s->rare->checkpoint_untold = false;
    }
}

static void set_saved(struct step_rare *x, unix_ms at)
{
    shared_drop(x->saved);
    x->saved = NULL;
    x->saved_at = at;
    x->saved_bytes = (uint32_t)shared_bytes(x->checkpoint).len;
    if (x->saved_bytes > 0 && x->saved_bytes <= CHECKPOINT_SHOWN_BYTES_MAX) {
        x->saved = shared_hold(x->checkpoint);
    }
}

void step_note_saved(struct step *s, struct moment now)
{
    struct step_rare *x = s->rare;
    if (x == NULL) {
        return;
    }
    if (x->checkpoint == NULL) {
        set_saved(x, 0);
    } else if (x->checkpoint_dirty || x->saved_at == 0) {
        x->checkpoint_dirty = false;
        set_saved(x, now.wall);
    }
}

void step_load_saved(struct step *s, unix_ms at)
{
    if (at != 0 || s->rare != NULL) {
        set_saved(rare_make(s), at);
    }
}

void step_set_signal(struct step *s, struct bytes data, struct request_mark mark)
{
    if (s->rare != NULL || data.len > 0 || mark.key != 0) {
        bytes_free(rare_make(s)->signal);
        s->rare->signal = data.len > 0 ? bytes_own(data) : BYTES_NONE;
        s->rare->mark = mark;
    }
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
    struct fan *f = rare_of(s)->fan;
    for (uint32_t i = 0; f != NULL && i < f->live_count; i++) {
        if (f->live[i]->item == item) {
            return f->live[i];
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
        struct fan *f = rare_of(s)->fan;
        if (f != NULL && at <= f->live_count) {
            return f->live[at - 1];
        }
        *walk = (struct unit_walk){.step = walk->step + 1};
    }
    return NULL;
}

const struct pipeline_step *step_def(const struct step *s)
{
    return &s->task->pipeline->steps[s->index];
}

bool step_may_run(const struct step *s)
{
    return s->task->awaits_claims && s->state == STEP_PENDING && s->phase == PHASE_NONE &&
           s->needs_left == 0 && step_def(s)->wait.kind == WAIT_NONE;
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
    t->skipped = 0;
    t->first_open = 0;
    find_first_open(t);
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct pipeline_step *def = &t->pipeline->steps[i];
        t->steps_left += !step_over(&t->steps[i]);
        t->skipped += t->steps[i].state == STEP_SKIPPED;
        t->steps[i].needs_left = 0;
        for (uint32_t n = 0; n < def->needs_count; n++) {
            t->steps[i].needs_left += !step_meets_need(&t->steps[def->needs[n]], def->finally);
        }
    }
}

uint32_t task_current_step(const struct task *t)
{
    uint32_t count = t->pipeline->step_count;
    uint32_t found = t->first_open;
    if (task_state_ended(t->state)) { /* all are over */
        found = 0;
        while (found < count && step_meets_need(&t->steps[found], false)) {
            found++;
        }
    }
    return found < count ? found : count - 1;
}

double task_measure(const struct task *t)
{
    double done = (t->completed + t->skipped) * FRACTION_PARTS + (double)t->fractions;
    return done / (t->pipeline->step_count * FRACTION_PARTS);
}

bool task_can_recover(const struct task *t)
{
    return t->state == TASK_FAILED || t->state == TASK_CANCELLED;
}

int64_t task_ran_ms(const struct task *t, mono_ms now)
{
    return t->ran_ms + (t->ran_since == NEVER_MS ? 0 : now - t->ran_since);
}
